//! `snnc check FILE`: all that is wrong with a program, or that nothing is.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::bench::described;
use super::files::{self, Folder, Remembering};
use super::messages::Messages;
use super::run::available_threads;
use super::{Exit, bug, limits};
use crate::check::Options;
use crate::diag::{Diagnostic, runs};
use crate::exec::Engine;
use crate::exec::kernel::Cost;
use crate::ir::program::Program;
use crate::pipeline::footprint::Footprint;
use crate::pipeline::{Bug, Checked, CheckedSimulation, Compiled, CompiledSimulation, Source};
use crate::report::bench::{self, CodeRow};
use crate::report::table;
use crate::source::{Files, Sources};

/// A program that has no errors, of either kind.
pub enum Loaded {
    Training(Box<Checked>),
    Simulation(Box<CheckedSimulation>),
}

/// A program as it was read: what a run keeps of it.
pub struct Read {
    pub text: String,
    pub loaded: Loaded,
    /// What messages point into.
    pub sources: Sources,
    /// The data files that it reads, by the path that it gives.
    pub inputs: BTreeMap<String, Vec<u8>>,
}

/// Reads and checks a program, showing whatever there is to say; the program's text, the checked program, and the texts that
/// messages point into, or how to exit.
pub fn load(program: &super::Program, shown: &Messages) -> Result<(String, Loaded, Sources), Exit> {
    read(program, shown).map(|r| (r.text, r.loaded, r.sources))
}

/// The same with the data files that it reads.
pub fn read(program: &super::Program, shown: &Messages) -> Result<Read, Exit> {
    let text = files::program(&program.file).map_err(|n| shown.refuse(&n))?;
    let options = Options { set: program.set.clone(), seed: program.seed };
    let name = program.file.display().to_string();
    let shown = |messages: &[Diagnostic], sources: &Sources| shown.show(messages, sources);
    understand(&name, text, &Folder::with(&program.file, &program.allow_read), &options, &shown)
}

/// Checks a program's text; `show` gets all messages.
pub fn understand(
    name: &str,
    text: String,
    files: &dyn Files,
    options: &Options,
    show: &dyn Fn(&[Diagnostic], &Sources),
) -> Result<Read, Exit> {
    let mut sources = Sources::default();
    let files = Remembering::new(files);
    let checked = Source::new(name, &text).check(&mut sources, &files, options);
    show(&checked.messages, &sources);
    let training = checked.program.map(|program| Loaded::Training(Box::new(program)));
    let loaded = training.or_else(|| checked.simulation.map(|s| Loaded::Simulation(Box::new(s))));
    let mut inputs = files.reads();
    sources.imported().for_each(|f| drop(inputs.remove(&f.name)));
    loaded.map(|loaded| Read { text, loaded, sources, inputs }).ok_or(Exit::ProgramHasErrors)
}

/// A file's name without folder and ending.
pub fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
    // A name of dots alone is that of a folder.
    stem.filter(|s| s.chars().any(|c| c != '.')).unwrap_or_else(|| "program".into())
}

pub fn check(program: &super::Program, verbose: bool, shown: &Messages) -> Exit {
    let begun = Instant::now();
    match load(program, shown) {
        Ok((_, checked, _)) => {
            let name = program.file.display();
            println!("{name}: no errors ({:.1} ms)", begun.elapsed().as_secs_f64() * 1e3);
            if verbose {
                let taken = match &checked {
                    Loaded::Training(checked) => checked.footprint(available_threads()),
                    Loaded::Simulation(checked) => checked.footprint(),
                };
                // That it would take too much memory is for whoever runs it, perhaps elsewhere.
                if let Err(exit) = limits::compilable(&taken, shown) {
                    return exit;
                }
                print!("{}", memory(&taken));
                let (code, choices) = match checked {
                    Loaded::Training(checked) => {
                        let rows = |c: Compiled| c.kernels.all().iter().map(|k| row(k.program(), k.cost())).collect();
                        (code(|| checked.compile(Engine::Jit).map(rows)), checked.choices())
                    }
                    Loaded::Simulation(checked) => {
                        let rows =
                            |c: CompiledSimulation| c.kernels.iter().map(|k| row(k.program(), k.cost())).collect();
                        (code(|| checked.compile(Engine::Jit).map(rows)), checked.choices())
                    }
                };
                match code {
                    Ok(code) => print!("{code}{choices}"),
                    Err(e) => {
                        bug::report(&e.to_string());
                        return Exit::Bug;
                    }
                }
            }
            Exit::Done
        }
        Err(exit) => exit,
    }
}

/// What a run would take, part by part; what is less than a hundredth is left out.
fn memory(taken: &Footprint) -> String {
    let total = taken.total();
    let parts = taken.parts().into_iter().filter(|p| p.bytes >= 0.01 * total);
    let rows: Vec<Vec<String>> = parts.map(|p| vec![p.what, runs::bytes(p.bytes)]).collect();
    let head = format!("memory: about {}\n", runs::bytes(total));
    head + &table::columns(&["for", "about"], &[1], &rows) + "\n"
}

/// The figures of compiled code.
fn code(compile: impl FnOnce() -> Result<Vec<CodeRow>, Bug>) -> Result<String, Bug> {
    let begun = Instant::now();
    let kernels = compile()?;
    let compiling: f64 = kernels.iter().map(|k| k.seconds).sum();
    Ok(bench::code(&kernels, begun.elapsed().as_secs_f64() - compiling, compiling))
}

fn row(program: &Program, cost: Cost) -> CodeRow {
    CodeRow {
        name: described(program),
        instructions: program.insts().count(),
        bytes: cost.code_bytes,
        seconds: cost.seconds,
    }
}

/// Shows the syntax tree of what could be read.
pub fn parse_only(program: &super::Program, shown: &Messages) -> Exit {
    let text = match files::program(&program.file) {
        Ok(text) => text,
        Err(notice) => return shown.refuse(&notice),
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
