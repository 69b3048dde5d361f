//! `snnc run FILE`: check, compile, train, measure, write, and say what came out.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};

use super::check::{Loaded, Read};
use super::gather::Trained;
use super::limits::Limits;
use super::messages::Messages;
use super::progress::Line;
use super::saver::{self, Saver};
use super::{Exit, Program, bug, check, diverged, files, rundir, simulate};
use crate::check::model::Model;
use crate::diag::{Notice, runs};
use crate::exec::Engine;
use crate::func::figure;
use crate::pipeline::{Checked, Compiled};
use crate::report::data::{ProgramInfo, RunData, Times};
use crate::report::doubt::doubts;
use crate::report::{digest, figures, json, npz, page, plots, table, terminal, write};
use crate::source::{SourceFile, Sources};
use crate::train::checkpoint;
use crate::train::outcome::{Outcome, Status};
use crate::train::record::Record;
use crate::train::state::Origin;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) program: Program,
    /// Folder for the results; runs/NAME if not given
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// What runs the network; both give the same bits
    #[arg(long, value_enum, default_value_t = EngineChoice::Jit)]
    pub(super) engine: EngineChoice,
    /// Threads; the result does not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,
    /// Start from these weights, a safetensors file: a checkpoint, or what `snnc import` wrote
    #[arg(long, value_name = "FILE")]
    pub(super) weights: Option<PathBuf>,
    /// No progress and no tables, only messages
    #[arg(short, long)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) saving: saver::Arguments,
    #[command(flatten)]
    pub(super) limits: Limits,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(super) enum EngineChoice {
    Jit,
    Interp,
}

impl EngineChoice {
    /// The engine and its name.
    pub(super) fn engine(self) -> (Engine, &'static str) {
        match self {
            EngineChoice::Jit => (Engine::Jit, "jit"),
            EngineChoice::Interp => (Engine::Interp, "interp"),
        }
    }
}

/// Set by the first interrupt; the run stops after the step it is in. The second ends the process at once.
pub(super) static INTERRUPTED: AtomicBool = AtomicBool::new(false);

pub fn run(arguments: &Arguments, shown: &Messages) -> Exit {
    let begun = Instant::now();
    let read = match check::read(&arguments.program, shown) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let Read { text, loaded, sources, inputs } = read;
    let checked = match loaded {
        Loaded::Training(checked) => checked,
        Loaded::Simulation(_) if arguments.weights.is_some() => {
            return shown.refuse(&runs::not_for_simulations("--weights", "nothing is trained"));
        }
        Loaded::Simulation(_) if arguments.saving.checkpoint_every.is_some() => {
            return shown.refuse(&runs::not_for_simulations("--checkpoint-every", "it cannot be gone on with"));
        }
        Loaded::Simulation(checked) => return simulate::run(arguments, text, &checked, begun, &sources, shown),
    };
    let name = check::stem(&arguments.program.file);
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("runs").join(&name));
    let file =
        std::fs::canonicalize(&arguments.program.file).map_or_else(|_| String::new(), |p| p.display().to_string());
    let program = Kept { name, file, text, set: arguments.program.set.clone(), inputs };
    let job = Job {
        out: &out,
        program,
        checked: &checked,
        begun,
        engine: arguments.engine,
        threads: arguments.threads,
        limits: &arguments.limits,
    };
    let from = Start { record: None, weights: arguments.weights.as_deref() };
    if let Err(notice) = own_folder(&out, arguments.out.is_some()) {
        return shown.refuse(&notice);
    }
    if let Some(note) = Saver::make_room(&out) {
        shown.doubt(&note);
    }
    job.carry_out(&arguments.saving, arguments.quiet, from, &sources, shown)
}

/// Makes the folder of a run. One that the user has not named must not be a link: whoever wrote it could have it lead anywhere.
pub(super) fn own_folder(out: &Path, named: bool) -> Result<(), Notice> {
    if !named && std::fs::symlink_metadata(out).is_ok_and(|about| about.is_symlink()) {
        let why = "it is a link; `--out` names the folder that it leads to, if that is meant";
        return Err(runs::cannot_write(&out.display().to_string(), why));
    }
    files::make_folder(out)
}

/// What a run keeps of its program.
pub(super) struct Kept {
    pub name: String,
    /// From the root; empty where it is not known.
    pub file: String,
    pub text: String,
    pub set: Vec<(String, f64)>,
    pub inputs: BTreeMap<String, Vec<u8>>,
}

/// A program that is about to be trained.
pub(super) struct Job<'a> {
    pub out: &'a Path,
    pub program: Kept,
    pub checked: &'a Checked,
    pub begun: Instant,
    pub engine: EngineChoice,
    pub threads: Option<u16>,
    pub limits: &'a Limits,
}

/// What training starts from, if not from the weights that the seed gives.
pub(super) struct Start<'a> {
    /// The state that a run was stopped in.
    pub record: Option<&'a Record>,
    /// A file of weights.
    pub weights: Option<&'a Path>,
}

impl Job<'_> {
    /// Compiles, trains (from a state on, if there is one), measures, writes and says what came out.
    pub(super) fn carry_out(
        self,
        saving: &saver::Arguments,
        quiet: bool,
        from: Start<'_>,
        sources: &Sources,
        shown: &Messages,
    ) -> Exit {
        let check_seconds = self.begun.elapsed().as_secs_f64();
        let (pool, threads) = match threads(self.threads, shown) {
            Ok(found) => found,
            Err(exit) => return exit,
        };
        let (engine, engine_name) = self.engine.engine();
        let (checked, out) = (self.checked, self.out);
        let info = self.info(engine_name, threads);
        [out.to_path_buf(), out.join("plots"), out.join(INPUTS)].iter().for_each(|folder| write::clear(folder));
        if let Err(notice) = keep_inputs(out, &self.program.inputs) {
            return shown.refuse(&notice);
        }
        let compiling = Instant::now();
        let compiled = match self.limits.compile(checked, engine, threads, shown) {
            Ok(compiled) => compiled,
            Err(exit) => return exit,
        };
        let times = Times { check: check_seconds, compile: compiling.elapsed().as_secs_f64(), ..Times::default() };
        if !quiet && !shown.for_programs() {
            eprintln!(
                "{}: checked in {:.1} ms, lowered and compiled in {:.1} ms, {threads} thread{}",
                info.name,
                times.check * 1e3,
                times.compile * 1e3,
                if threads == 1 { "" } else { "s" }
            );
        }
        handle_interrupts();
        saver::set_alarm(saving);
        let phases = compiled.problem.train.phases.iter().map(|p| p.name.clone()).collect();
        let line = Line::new(phases, quiet || shown.for_programs(), &INTERRUPTED);
        let mut saver = Saver::new(line, out, origin(&info, checked.model()), saving);
        match pool.install(|| train_and_report(out, info, &compiled, times, &mut saver, from, quiet, shown)) {
            Ok(run) => verdict(&run, out, checked.model(), sources, shown),
            Err(exit) => exit,
        }
    }

    fn info(&self, engine: &str, threads: usize) -> ProgramInfo {
        let (p, model) = (&self.program, self.checked.model());
        let imports = texts(self.checked.imports());
        ProgramInfo {
            name: p.name.clone(),
            hash: hash(&p.text, &imports),
            text: p.text.clone(),
            imports,
            constants: model.constants.clone(),
            file: p.file.clone(),
            set: p.set.clone(),
            inputs: p.inputs.iter().map(|(path, bytes)| (path.clone(), sha256(bytes))).collect(),
            seed: model.train.seed,
            engine: engine.into(),
            threads,
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// Threads to work on, and how many.
pub(super) fn threads(asked: Option<u16>, shown: &Messages) -> Result<(rayon::ThreadPool, usize), Exit> {
    let threads = asked.map_or_else(available_threads, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map(|pool| (pool, threads)).map_err(|e| {
        shown.refuse(&runs::options(&format!("cannot start {threads} threads: {e}"), "--threads 1 starts none"))
    })
}

/// The folder of data files in a run's folder.
pub(super) const INPUTS: &str = "inputs";

/// Copies the data files that the program reads, so that the folder says all of it.
fn keep_inputs(out: &Path, inputs: &BTreeMap<String, Vec<u8>>) -> Result<(), Notice> {
    for (path, bytes) in inputs {
        let kept = rundir::kept_as(path);
        if files::within(out, &kept).is_ok_and(|there| there == *bytes) {
            continue;
        }
        files::write(&files::place_below(out, &kept)?, bytes)?;
    }
    Ok(())
}

fn origin(info: &ProgramInfo, model: &Model) -> Origin {
    Origin {
        version: info.version.clone(),
        name: info.name.clone(),
        file: info.file.clone(),
        text: info.text.clone(),
        imports: info.imports.clone(),
        program_hash: info.hash.clone(),
        inputs: info.inputs.clone(),
        set: info.set.clone(),
        seed: info.seed,
        precision: model.train.precision.name().into(),
    }
}

#[allow(clippy::too_many_arguments)]
fn train_and_report(
    out: &Path,
    info: ProgramInfo,
    compiled: &Compiled,
    mut times: Times,
    saver: &mut Saver<'_>,
    from: Start<'_>,
    quiet: bool,
    shown: &Messages,
) -> Result<RunData, Exit> {
    let (problem, kernels) = (&compiled.problem, &compiled.kernels);
    let start = from.weights.map(|path| rundir::weights(path, problem)).transpose().map_err(|n| shown.refuse(&n))?;
    let options = crate::train::Options { seed: info.seed, interrupt: Some(&INTERRUPTED), start: start.as_deref() };
    let outcome = match from.record {
        None => crate::train::train(problem, kernels, &options, saver),
        Some(record) => crate::train::go_on(problem, kernels, &options, saver, record).map_err(|e| {
            shown.refuse(&runs::does_not_fit(&out.join(saver::STATE).display().to_string(), &e.to_string()))
        })?,
    };
    saver.finish(&outcome.status, shown);
    times.train = outcome.seconds;

    let reporting = Instant::now();
    let run = gather(info, compiled, &outcome, times, reporting);
    save(out, &run, compiled, &outcome).map_err(|e| e.exit(shown))?;
    saver.remove(&outcome.status);
    if !quiet {
        tell(&run, out);
    }
    for doubt in doubts(&run) {
        shown.doubt(&doubt);
    }
    Ok(run)
}

fn gather(info: ProgramInfo, compiled: &Compiled, outcome: &Outcome, mut times: Times, since: Instant) -> RunData {
    let problem = &compiled.problem;
    let trained = Trained { problem, kernels: &compiled.kernels, params: &outcome.params, losses: &outcome.losses };
    let metrics = trained.metrics();
    let expects = trained.expects(&metrics);
    let (grid, layers, rasters) = (trained.grid(), trained.layers(), trained.rasters());
    times.report = since.elapsed().as_secs_f64();
    let mut run = RunData {
        program: info,
        coords: trained.axes(),
        fields: problem.network.fields.iter().filter(|f| f.unknown.is_none()).map(|f| f.name.clone()).collect(),
        unknowns: trained.unknowns(),
        status: outcome.status.clone(),
        losses: outcome.losses.clone(),
        weights: trained.weights(),
        sights: outcome.sights.clone(),
        phases: outcome.phases.clone(),
        history: outcome.history.clone(),
        forward_evaluations: outcome.forward_evaluations,
        metrics,
        expects,
        layers,
        grid: Some(grid),
        rasters,
        plots: problem.report.plots.clone(),
        digest: String::new(),
        times,
    };
    run.digest = digest::training(&run, &outcome.params);
    run
}

/// The checkpoint first: should anything later fail, the weights are safe.
fn save(out: &Path, run: &RunData, compiled: &Compiled, outcome: &Outcome) -> Result<(), NotSaved> {
    let put = |name: &str, bytes: &[u8]| files::write(&out.join(name), bytes);
    let p = &run.program;
    let phase = run.phases.last().map_or_else(String::new, |f| f.name.clone());
    let meta = checkpoint::Meta { program_hash: p.hash.clone(), seed: p.seed, phase, version: p.version.clone() };
    put(
        "checkpoint.safetensors",
        &checkpoint::encode(&compiled.problem, &outcome.params, &meta).map_err(String::from)?,
    )?;
    if let Some(name) = &compiled.problem.report.save {
        put(name, &npz::encode(run)?)?;
    }
    put("run.json", json::encode(run).as_bytes())?;
    save_plots(out, &figures::figures(run))?;
    Ok(put("report.html", page::html(run).as_bytes())?)
}

/// Why the results of a run are not all there.
pub(super) enum NotSaved {
    /// The disk.
    File(Notice),
    /// A bug: they cannot be put into the file's format.
    Encoding(String),
}

impl From<Notice> for NotSaved {
    fn from(n: Notice) -> NotSaved {
        NotSaved::File(n)
    }
}

impl From<String> for NotSaved {
    fn from(why: String) -> NotSaved {
        NotSaved::Encoding(why)
    }
}

impl NotSaved {
    pub(super) fn exit(&self, shown: &Messages) -> Exit {
        match self {
            NotSaved::File(notice) => shown.refuse(notice),
            NotSaved::Encoding(why) => {
                bug::report(why);
                Exit::Bug
            }
        }
    }
}

/// Each figure as SVG and PNG, in a folder beside the page.
pub(super) fn save_plots(out: &Path, figures: &[figures::Figure]) -> Result<(), NotSaved> {
    for (name, bytes) in plots::files(figures)? {
        files::write(&files::place_below(out, &name)?, &bytes)?;
    }
    Ok(())
}

fn tell(run: &RunData, out: &Path) {
    let (losses, phases, layers) = (table::losses(run), table::phases(run), table::layers(run));
    println!("\n{losses}\n{phases}\n{layers}\n{}", table::sights(run));
    if !run.metrics.is_empty() {
        println!("{}", table::metrics(run));
    }
    if std::io::stdout().is_terminal() {
        println!("{}", terminal::plots(run));
    }
    println!("results in {}: open {}", out.display(), out.join("report.html").display());
}

fn verdict(run: &RunData, out: &Path, model: &Model, sources: &Sources, shown: &Messages) -> Exit {
    match &run.status {
        Status::Interrupted => {
            let (why, out) = (saver::why_stopped(), out.display());
            shown.sentence(&format!("{why}; the best weights so far are kept, `snnc resume {out}` goes on"));
            Exit::Interrupted
        }
        Status::Diverged { phase, step, residual, broken } => {
            if let Some(message) = diverged::training(model, phase, *step, residual, broken.as_deref()) {
                shown.show(&[message], sources);
            }
            Exit::Diverged
        }
        Status::Finished => {
            let failed: Vec<_> = run.expects.iter().filter(|e| !e.holds).collect();
            for e in &failed {
                shown.notice(&runs::expectation(&e.text, &figure(e.value, 6), true));
            }
            if failed.is_empty() { Exit::Done } else { Exit::ExpectDoesNotHold }
        }
    }
}

pub(super) fn handle_interrupts() {
    // Without a handler the first interrupt ends the process: files on disk are whole either way.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
}

/// Of the program's text, and of the names and texts of what it imports.
pub(super) fn hash(text: &str, imports: &[(String, String)]) -> String {
    let mut hasher = Sha256::new_with_prefix(text);
    for part in imports.iter().flat_map(|(name, text)| [name, text]) {
        hasher.update([0]);
        hasher.update(part);
    }
    format!("{:x}", hasher.finalize())
}

/// Paths and texts of files.
pub(super) fn texts(files: &[SourceFile]) -> Vec<(String, String)> {
    files.iter().map(|f| (f.name.clone(), f.text.clone())).collect()
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

pub(super) fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
