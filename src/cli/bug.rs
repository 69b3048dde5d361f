//! After the checker has passed, every failure is ours, and is said to be.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Exit;
use crate::diag::render::safe;

/// A panic prints one paragraph, not a stack of frames, unless RUST_BACKTRACE asks for them.
pub fn install_hook() {
    let standard = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // Nobody reads what we print, or the disk it goes to is full: neither is a bug, and there is nobody left to tell.
        if let Some(what) = info.payload_as_str().filter(|p| p.starts_with("failed printing to ")) {
            let _ = writeln!(std::io::stderr(), "snnc stops: {what}");
            std::process::exit(Exit::WrongInvocation as i32);
        }
        let place = info.location().map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
        report(&format!("{}{place}", info.payload_as_str().unwrap_or("a panic without words")));
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0") {
            standard(info);
        }
    }));
}

/// Runs a command; a panic becomes exit code 101.
pub fn guard(command: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(command)).unwrap_or(Exit::Bug)
}

/// Says that something of ours went wrong.
pub fn report(what: &str) {
    let _ = writeln!(
        std::io::stderr(),
        "snnc {}: this is a bug in snnc, not in your program.\n  {what}\n  Please report it with the program that was run; \
         files written before this are whole.",
        env!("CARGO_PKG_VERSION"),
        what = safe(what)
    );
}
