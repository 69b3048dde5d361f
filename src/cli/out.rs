//! What the command line prints: `print!`, `println!` and `eprintln!` of this part let no control character through.
//!
//! Names come from programs, from the headers of data files, from the folders of runs and from the file system, which somebody
//! else may have written. On a terminal an escape sequence among them could recolour, overwrite or retitle, and a character that
//! turns the direction of writing could make a text look like another. So these macros, which stand in the place of the standard
//! ones throughout `cli`, print such characters as U+FFFD. Colours of messages are snnc's own, and go past them; results that
//! programs read (`standard_output`) hold none.
//!
//! ```text
//! println!("{name}")      name = "a\u{1b}[31mb"   ->   a�[31mb
//! ```

macro_rules! print {
    ($($t:tt)*) => { ::std::print!("{}", $crate::diag::render::safe(&::std::format!($($t)*))) };
}

macro_rules! println {
    () => { ::std::println!() };
    ($($t:tt)*) => { ::std::println!("{}", $crate::diag::render::safe(&::std::format!($($t)*))) };
}

macro_rules! eprintln {
    ($($t:tt)*) => { ::std::eprintln!("{}", $crate::diag::render::safe(&::std::format!($($t)*))) };
}
