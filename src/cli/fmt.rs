//! `snnc fmt FILE…`: programs in their usual layout.
//!
//! A file with syntax errors is never touched: they are shown instead. Files are replaced whole or not at all.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::messages::Messages;
use super::{Exit, bug, files};
use crate::diag::{Notice, Sink, runs};
use crate::report::write;
use crate::source::{MOST_TEXT, Sources};
use crate::syntax::format::format_faithfully;
use crate::syntax::parse::parse;

const INPUT: &str = "standard input";

#[derive(Args)]
pub struct Arguments {
    /// The programs; `-` reads one from standard input and prints it
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; name the files that are not in their usual layout, and exit with 1 if there are any
    #[arg(long, conflicts_with = "stdout")]
    check: bool,
    /// Print the result and change nothing
    #[arg(long)]
    stdout: bool,
}

pub fn fmt(arguments: &Arguments, shown: &Messages) -> Exit {
    let mut exit = Exit::Done;
    for path in &arguments.files {
        match one(path, arguments, shown) {
            Exit::Done => {}
            // The worst of them all: a bug, then a file that is not there, then a program with errors.
            found => exit = if found as i32 > exit as i32 { found } else { exit },
        }
    }
    exit
}

fn one(path: &Path, arguments: &Arguments, shown: &Messages) -> Exit {
    let from_input = path == Path::new("-");
    let text = match if from_input { input() } else { files::program(path) } {
        Ok(text) => text,
        Err(notice) => return shown.refuse(&notice),
    };
    let name = if from_input { INPUT.to_string() } else { path.display().to_string() };
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let id = sources.add(name.clone(), text.clone());
    parse(&text, id, &mut sink);
    if sink.has_errors() {
        shown.show(&sink.into_sorted(), &sources);
        return Exit::ProgramHasErrors;
    }
    let Some(formatted) = format_faithfully(&text) else {
        bug::report(&format!("{name}: the layout would change the program; the file was left as it is"));
        return Exit::Bug;
    };
    if arguments.check {
        if formatted != text {
            println!("{name}");
            return Exit::ProgramHasErrors;
        }
    } else if from_input || arguments.stdout {
        // A pipe gets the bytes as they are, a terminal none that it would obey.
        if std::io::stdout().is_terminal() {
            print!("{formatted}");
        } else {
            super::standard_output(formatted.as_bytes());
        }
    } else if formatted != text {
        // A link stays a link: what it leads to is replaced.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        if let Err(e) = replace(&real, formatted.as_bytes()) {
            return shown.refuse(&files::cannot_write(path, &e));
        }
    }
    Exit::Done
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let permissions = std::fs::metadata(path)?.permissions();
    // Replacing a file asks only for the folder's leave; a file that must not be written stays as it is.
    if permissions.readonly() {
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    write::atomically(path, bytes)?;
    std::fs::set_permissions(path, permissions)
}

fn input() -> Result<String, Notice> {
    let mut bytes = vec![];
    let most = MOST_TEXT as u64;
    let cannot = |why: &str| runs::cannot_read(INPUT, why);
    std::io::stdin().take(most + 1).read_to_end(&mut bytes).map_err(|e| cannot(&files::words(&e)))?;
    if bytes.len() as u64 > most {
        return Err(cannot(&files::too_large(most)));
    }
    files::text(INPUT, bytes)
}
