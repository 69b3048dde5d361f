//! `snnc completions SHELL` and `snnc man`: made from the same description as the help texts.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::messages::Messages;
use super::{Cli, Exit, files};
use crate::diag::Notice;

#[derive(Args)]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Args)]
pub struct Man {
    /// A folder to write a page for snnc and one for each command into; without, that of snnc is printed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn completions(arguments: &Completions) -> Exit {
    let mut bytes = vec![];
    clap_complete::generate(arguments.shell, &mut Cli::command(), "snnc", &mut bytes);
    super::standard_output(&bytes);
    Exit::Done
}

pub fn man(arguments: &Man, shown: &Messages) -> Exit {
    let page = |command: clap::Command| {
        let mut bytes = vec![];
        // Writing into memory cannot fail.
        let _ = clap_mangen::Man::new(command).render(&mut bytes);
        bytes
    };
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &arguments.out else {
        super::standard_output(&page(command));
        return Exit::Done;
    };
    let mut pages = vec![("snnc.1".to_string(), page(command.clone()))];
    for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
        let name = format!("snnc-{}", sub.get_name());
        let named = sub.clone().name(name.clone()).bin_name(format!("snnc {}", sub.get_name()));
        pages.push((format!("{name}.1"), page(named)));
    }
    match all(folder, &pages) {
        Ok(()) => {
            println!("{} pages in {}: man -l {}", pages.len(), folder.display(), folder.join("snnc.1").display());
            Exit::Done
        }
        Err(notice) => shown.refuse(&notice),
    }
}

fn all(folder: &Path, pages: &[(String, Vec<u8>)]) -> Result<(), Notice> {
    files::make_folder(folder)?;
    pages.iter().try_for_each(|(name, bytes)| files::write(&folder.join(name), bytes))
}
