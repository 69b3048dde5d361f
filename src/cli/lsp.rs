//! `snnc lsp`: the language server, over standard input and output.

use std::io::IsTerminal;
use std::path::Path;

use clap::Args;
use lsp_server::Connection;

use super::files::Folder;
use super::messages::Messages;
use super::{Exit, files};
use crate::lsp::{Disk, End, folder_of, serve};
use crate::source::Files;

#[derive(Args)]
pub struct Arguments {
    /// Talk over standard input and output: the only way there is, so this may be left out; many editors add it
    #[arg(long)]
    stdio: bool,
}

struct Real;

impl Disk for Real {
    fn folder(&self, program: &Path) -> Box<dyn Files> {
        match folder_of(program) {
            Some(_) => Box::new(Folder::of(program)),
            None => Box::new(Nowhere),
        }
    }
}

/// Of a text that was never saved.
struct Nowhere;

impl Files for Nowhere {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("this program is not saved yet, so it is in no folder".to_string())
    }
}

pub fn lsp(_: &Arguments, shown: &Messages) -> Exit {
    if std::io::stdin().is_terminal() {
        shown.sentence("`snnc lsp` is started by an editor, which talks to it over a pipe; docs/editors says how");
        return Exit::WrongInvocation;
    }
    let (connection, threads) = Connection::stdio();
    let end = serve(&connection, &Real);
    drop(connection);
    match (threads.join(), end) {
        (Ok(()), End::Orderly) => Exit::Done,
        // The protocol's own code for an editor that goes without a word.
        (Ok(()), End::Abrupt) => Exit::ProgramHasErrors,
        (Err(e), _) => {
            shown.sentence(&format!("the editor cannot be talked to: {}", files::words(&e)));
            Exit::WrongInvocation
        }
    }
}
