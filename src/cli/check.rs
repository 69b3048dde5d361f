//! `snnc check FILE`: all that is wrong with a program, or that nothing is.

use std::path::Path;
use std::time::Instant;

use super::files::{self, Folder};
use super::messages::Messages;
use super::{Exit, Program};
use crate::check::Options;
use crate::pipeline::{Checked, CheckedSimulation, Source};
use crate::source::Sources;

/// A program that has no errors, of either kind.
pub enum Loaded {
    Training(Box<Checked>),
    Simulation(Box<CheckedSimulation>),
}

/// Reads and checks a program, showing whatever there is to say; the program's text, the checked program, and the texts that
/// messages point into, or how to exit.
pub fn load(program: &Program, shown: &Messages) -> Result<(String, Loaded, Sources), Exit> {
    let text = files::program(&program.file).map_err(|sentence| {
        shown.sentence(&sentence);
        Exit::WrongInvocation
    })?;
    let options = Options { set: program.set.clone(), seed: program.seed };
    let name = program.file.display().to_string();
    let mut sources = Sources::default();
    let checked = Source::new(&name, &text).check(&mut sources, &Folder::of(&program.file), &options);
    shown.show(&checked.messages, &sources);
    let training = checked.program.map(|program| Loaded::Training(Box::new(program)));
    let loaded = training.or_else(|| checked.simulation.map(|s| Loaded::Simulation(Box::new(s))));
    loaded.map(|l| (text, l, sources)).ok_or(Exit::ProgramHasErrors)
}

/// A file's name without folder and ending.
pub fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "program".into(), |s| s.to_string_lossy().into_owned())
}

pub fn check(program: &Program, verbose: bool, shown: &Messages) -> Exit {
    let begun = Instant::now();
    match load(program, shown) {
        Ok((_, checked, _)) => {
            let name = program.file.display();
            println!("{name}: no errors ({:.1} ms)", begun.elapsed().as_secs_f64() * 1e3);
            if verbose {
                match checked {
                    Loaded::Training(checked) => print!("{}", checked.choices()),
                    Loaded::Simulation(checked) => print!("{}", checked.choices()),
                }
            }
            Exit::Done
        }
        Err(exit) => exit,
    }
}

/// Shows the syntax tree of what could be read.
pub fn parse_only(program: &Program, shown: &Messages) -> Exit {
    let text = match files::program(&program.file) {
        Ok(text) => text,
        Err(sentence) => {
            shown.sentence(&sentence);
            return Exit::WrongInvocation;
        }
    };
    let mut sources = Sources::default();
    let mut sink = crate::diag::Sink::default();
    let name = program.file.display().to_string();
    let file = Source::new(&name, &text).parse(&mut sources, &mut sink);
    let failed = sink.has_errors();
    shown.show(&sink.into_sorted(), &sources);
    if let Some(file) = file {
        print!("{}", crate::syntax::print::print(&file));
    }
    if failed { Exit::ProgramHasErrors } else { Exit::Done }
}
