//! `snnc resume RUN`: goes on with a run that was stopped, to the bits of one that never was.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::check::{self, Loaded, Read};
use super::files::{self, Folder};
use super::limits::Limits;
use super::messages::Messages;
use super::run::{EngineChoice, Job, Kept, Start, sha256};
use super::saver::{self, STATE};
use super::{Exit, rundir};
use crate::check::Options;
use crate::diag::{Notice, runs};
use crate::source::{Files, MOST_TEXT};
use crate::train::record::Record;
use crate::train::state::{Origin, StateError, decode};

#[derive(Args)]
pub struct Arguments {
    /// The run's folder, runs/NAME
    run: PathBuf,
    /// If the program was edited meanwhile: go on with it as it was when the run began
    #[arg(long, conflicts_with = "edited")]
    as_begun: bool,
    /// If the program was edited meanwhile: go on with it as it is now
    #[arg(long)]
    edited: bool,
    /// With --edited: a folder that the program may read files from, beside its own (may be repeated)
    #[arg(long, value_name = "DIR", requires = "edited")]
    allow_read: Vec<PathBuf>,
    /// What runs the network; both give the same bits
    #[arg(long, value_enum, default_value_t = EngineChoice::Jit)]
    engine: EngineChoice,
    /// Threads; the result does not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// No progress and no tables, only messages
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    saving: saver::Arguments,
    #[command(flatten)]
    limits: Limits,
}

pub fn resume(arguments: &Arguments, shown: &Messages) -> Exit {
    let begun = Instant::now();
    let (record, origin) = match state(&arguments.run) {
        Ok(found) => found,
        Err(notice) => return shown.refuse(&notice),
    };
    let read = match program(arguments, &origin, shown) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let Read { text, loaded, sources, inputs } = read;
    let Loaded::Training(checked) = loaded else {
        return shown.refuse(&runs::not_trained(&arguments.run.display().to_string(), "resume"));
    };
    let precision = checked.model().train.precision.name();
    if precision != origin.precision {
        let file = arguments.run.join(STATE).display().to_string();
        return shown.refuse(&runs::other_precision(&file, &origin.precision, precision));
    }
    let program = Kept { name: origin.name, file: origin.file, text, set: origin.set, inputs };
    let job = Job {
        out: &arguments.run,
        program,
        checked: &checked,
        begun,
        engine: arguments.engine,
        threads: arguments.threads,
        limits: &arguments.limits,
    };
    let from = Start { record: Some(&record), weights: None };
    job.carry_out(&arguments.saving, arguments.quiet, from, &sources, shown)
}

/// The state in a run's folder.
fn state(folder: &Path) -> Result<(Record, Origin), Notice> {
    let at = folder.join(STATE);
    let bytes = match files::within(folder, STATE) {
        Ok(bytes) => bytes,
        Err(_) => {
            let finished = match rundir::record(folder) {
                Err(notice) if !folder.is_dir() => return Err(notice),
                Ok(record) if record["kind"] == "simulation" => {
                    return Err(runs::not_trained(&folder.display().to_string(), "resume"));
                }
                Ok(record) => record["status"]["state"] == "finished",
                Err(_) => false,
            };
            return Err(runs::nothing_to_resume(&folder.display().to_string(), finished));
        }
    };
    let file = at.display().to_string();
    decode(&bytes).map_err(|e| match e {
        StateError::Format(_) | StateError::Damaged => runs::damaged(&file, &e.to_string()),
        StateError::Foreign | StateError::Layout(_) => runs::other_layout(&file, &e.to_string()),
    })
}

/// The program to go on with: as it was, if nobody has changed it since.
fn program(arguments: &Arguments, origin: &Origin, shown: &Messages) -> Result<Read, Exit> {
    let options = Options { set: origin.set.clone(), seed: Some(origin.seed) };
    let show = |messages: &[crate::diag::Diagnostic], sources: &crate::source::Sources| shown.show(messages, sources);
    let path = Path::new(&origin.file);
    let changed = changed(path, origin);
    if arguments.edited {
        let text = files::program(path).map_err(|n| shown.refuse(&n))?;
        return check::understand(&origin.file, text, &Folder::with(path, &arguments.allow_read), &options, &show);
    }
    if let Some(what) = changed
        && !arguments.as_begun
    {
        return Err(shown.refuse(&runs::edited(&origin.file, &what)));
    }
    let files = rundir::kept_files(&arguments.run, &origin.imports, &origin.inputs).map_err(|n| shown.refuse(&n))?;
    // Its warnings were shown when it began.
    let show = |messages: &[crate::diag::Diagnostic], sources: &crate::source::Sources| {
        let errors = messages.iter().filter(|m| m.severity == crate::diag::Severity::Error).cloned();
        shown.show(&errors.collect::<Vec<_>>(), sources);
    };
    check::understand(&origin.file, origin.text.clone(), &files, &options, &show)
}

/// What of a program is not as it was. A program that is gone cannot have been edited.
fn changed(path: &Path, origin: &Origin) -> Option<String> {
    let text = files::regular(path, MOST_TEXT as u64).ok()?;
    if text != origin.text.as_bytes() {
        return Some("its text is another".into());
    }
    let folder = Folder::of(path);
    let import = origin.imports.iter().find(|(name, text)| folder.read(name).is_ok_and(|b| b != text.as_bytes()));
    if let Some((name, _)) = import {
        return Some(format!("`{name}`, which it imports, is another"));
    }
    let input = origin.inputs.iter().find(|(name, hash)| folder.read(name).is_ok_and(|b| sha256(&b) != *hash));
    input.map(|(name, _)| format!("`{name}`, which it reads, is another"))
}
