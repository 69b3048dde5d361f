//! `snnc bench FILE`: how fast a program trains or simulates on this machine. Nothing is written.
//!
//! The schedule is gone through as `run` does, each phase for a limited time, with a meter on every kernel.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use clap::Args;

use super::check::Loaded;
use super::gather::Trained;
use super::limits::Limits;
use super::messages::Messages;
use super::run::{EngineChoice, INTERRUPTED, handle_interrupts, threads};
use super::{Exit, Program, check, diverged};
use crate::diag::runs;
use crate::exec::kernel::{AnyKernel, Cost};
use crate::exec::timed::{Meter, Reading, timed};
use crate::exec::{self, Engine};
use crate::ir::program::Program as Ir;
use crate::pipeline::{Checked, CheckedSimulation};
use crate::plan::Precision;
use crate::report::bench::{BenchData, KernelRow, Part, text};
use crate::report::data::LayerRow;
use crate::simulate;
use crate::source::Sources;
use crate::train::outcome::{Point, Progress, Status};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    program: Program,
    /// Seconds for each phase, or for the simulation; one step is taken in any case
    #[arg(long, value_name = "S", default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// What runs the network
    #[arg(long, value_enum, default_value_t = EngineChoice::Jit)]
    engine: EngineChoice,
    /// Threads
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    #[command(flatten)]
    limits: Limits,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if s > 0.0 && s <= 3600.0 => Ok(s),
        _ => Err("expected seconds, more than 0 and at most 3600".into()),
    }
}

/// What both kinds of program are measured with.
struct Bench<'a> {
    name: String,
    begun: Instant,
    check: f64,
    seconds: f64,
    engine: Engine,
    engine_name: &'static str,
    threads: usize,
    pool: &'a rayon::ThreadPool,
    limits: &'a Limits,
}

pub fn bench(arguments: &Arguments, shown: &Messages) -> Exit {
    let begun = Instant::now();
    let (loaded, sources) = match check::load(&arguments.program, shown) {
        Ok((_, loaded, sources)) => (loaded, sources),
        Err(exit) => return exit,
    };
    let check = begun.elapsed().as_secs_f64();
    let (pool, threads) = match threads(arguments.threads, shown) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let (engine, engine_name) = arguments.engine.engine();
    handle_interrupts();
    let name = check::stem(&arguments.program.file);
    let seconds = arguments.seconds;
    let bench =
        Bench { name, begun, check, seconds, engine, engine_name, threads, pool: &pool, limits: &arguments.limits };
    match loaded {
        Loaded::Training(checked) => training(&bench, &checked, &sources, shown),
        Loaded::Simulation(checked) => simulation(&bench, &checked, &sources, shown),
    }
}

/// A kernel under a meter.
struct Metered {
    name: String,
    operations: u64,
    cost: Cost,
    meter: Arc<Meter>,
}

impl Metered {
    fn new(program: &Ir, cost: Cost, meter: Arc<Meter>) -> Metered {
        Metered { name: described(program), operations: program.operations(), cost, meter }
    }

    fn row(&self) -> KernelRow {
        let Reading { points, nanoseconds } = self.meter.read();
        KernelRow {
            name: self.name.clone(),
            points,
            seconds: nanoseconds as f64 * 1e-9,
            operations: self.operations,
            code_bytes: self.cost.code_bytes,
        }
    }
}

/// `network`, `network along 16 directions`.
pub(super) fn described(program: &Ir) -> String {
    match program.directions {
        0 => program.name.clone(),
        1 => format!("{} along 1 direction", program.name),
        k => format!("{} along {k} directions", program.name),
    }
}

/// Seconds in kernels, and operations in them.
fn spent(kernels: &[Metered]) -> (f64, f64) {
    kernels.iter().fold((0.0, 0.0), |(seconds, operations), k| {
        let Reading { points, nanoseconds } = k.meter.read();
        (seconds + nanoseconds as f64 * 1e-9, operations + points as f64 * k.operations as f64)
    })
}

/// Goes with a run and ends each phase when its time is over.
struct Stopwatch<'a> {
    kernels: &'a [Metered],
    seconds: f64,
    /// The first point of all.
    started: Option<Instant>,
    laps: Vec<Lap>,
    enough: bool,
}

struct Lap {
    phase: usize,
    first: Mark,
    last: Mark,
}

#[derive(Clone, Copy)]
struct Mark {
    at: Instant,
    step: usize,
    points: u64,
    /// As [`spent`] says.
    spent: (f64, f64),
}

impl Progress for Stopwatch<'_> {
    fn point(&mut self, p: &Point) -> ControlFlow<()> {
        let at = Instant::now();
        self.started.get_or_insert(at);
        let mark = Mark { at, step: p.step, points: p.forward_evaluations, spent: spent(self.kernels) };
        match self.laps.last_mut() {
            Some(lap) if lap.phase == p.phase => lap.last = mark,
            _ => self.laps.push(Lap { phase: p.phase, first: mark, last: mark }),
        }
        let lap = self.laps.last().filter(|lap| lap.last.step > lap.first.step);
        self.enough = lap.is_some_and(|lap| (at - lap.first.at).as_secs_f64() >= self.seconds);
        if INTERRUPTED.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn enough(&self) -> bool {
        self.enough
    }
}

fn training(bench: &Bench<'_>, checked: &Checked, sources: &Sources, shown: &Messages) -> Exit {
    let compiling = Instant::now();
    let compiled = match bench.limits.compile(checked, bench.engine, bench.threads, shown) {
        Ok(compiled) => compiled,
        Err(exit) => return exit,
    };
    let compile = compiling.elapsed().as_secs_f64();
    let mut metered = vec![];
    let kernels = compiled.kernels.map(&mut |kernel: &AnyKernel| {
        let (kernel, meter) = kernel.timed();
        metered.push(Metered::new(kernel.program(), kernel.cost(), meter));
        kernel
    });
    let mut watch = Stopwatch { kernels: &metered, seconds: bench.seconds, started: None, laps: vec![], enough: false };
    let options =
        crate::train::Options { seed: checked.model().train.seed, interrupt: Some(&INTERRUPTED), ..Default::default() };
    let problem = &compiled.problem;
    let outcome = bench.pool.install(|| crate::train::train(problem, &kernels, &options, &mut watch));

    let part = |lap: &Lap| {
        let (first, last) = (&lap.first, &lap.last);
        Part {
            name: problem.train.phases[lap.phase].name.clone(),
            method: outcome.phases.get(lap.phase).map_or_else(String::new, |p| p.method.clone()),
            steps: (last.step - first.step) as u64,
            seconds: (last.at - first.at).as_secs_f64(),
            points: last.points - first.points,
            kernel_seconds: last.spent.0 - first.spent.0,
            operations: last.spent.1 - first.spent.1,
        }
    };
    let parts = watch.laps.iter().map(part).collect();
    let first_step = watch.started.map(|at| (at - bench.begun).as_secs_f64());
    let rows = metered.iter().map(Metered::row).collect();
    // Measured with the plain kernels: it is no part of training.
    let trained = Trained { problem, kernels: &compiled.kernels, params: &outcome.params, losses: &outcome.losses };
    let layers = bench.pool.install(|| trained.layers());
    let precision = problem.train.precision;
    let data = bench.data(precision, compile, first_step, ("phase", "points"), parts, layers, rows);
    print!("{}", text(&data));
    match &outcome.status {
        Status::Finished => Exit::Done,
        Status::Interrupted => Exit::Interrupted,
        Status::Diverged { phase, step, residual, broken } => {
            let message = diverged::training(checked.model(), phase, *step, residual, broken.as_deref());
            message.iter().for_each(|m| shown.show(std::slice::from_ref(m), sources));
            Exit::Diverged
        }
    }
}

fn simulation(bench: &Bench<'_>, checked: &CheckedSimulation, sources: &Sources, shown: &Messages) -> Exit {
    let compiling = Instant::now();
    let (compiled, room) = match bench.limits.compile_simulation(checked, bench.engine, shown) {
        Ok(compiled) => compiled,
        Err(exit) => return exit,
    };
    let compile = compiling.elapsed().as_secs_f64();
    let mut metered = vec![];
    let mut kernels = vec![];
    for kernel in &compiled.kernels {
        let (kernel, meter) = timed(kernel);
        metered.push(Metered::new(kernel.program(), kernel.cost(), meter));
        kernels.push(kernel);
    }
    let full = compiled.simulation.steps;
    let mut simulation = compiled.simulation;
    let mut run = |steps: u64| {
        simulation.steps = steps;
        let (before, begun) = (spent(&metered), Instant::now());
        let outcome = bench.pool.install(|| simulate::run_within(&simulation, &kernels, Some(&INTERRUPTED), room));
        let after = spent(&metered);
        (outcome, begun.elapsed().as_secs_f64(), (after.0 - before.0, after.1 - before.1))
    };
    // Without a step: what drawing the synapses takes.
    let (mut outcome, setup, _) = run(0);
    let first_step = bench.begun.elapsed().as_secs_f64();
    let (mut steps, mut took, mut work) = (full.min(16), 0.0, (0.0, 0.0));
    while outcome.status == simulate::Status::Finished {
        let (now, seconds, spent) = run(steps);
        (outcome, took, work) = (now, (seconds - setup).max(1e-9), spent);
        if took >= 0.5 * bench.seconds || steps == full {
            break;
        }
        // As many as fill the time, but no leap that one slow step could lead astray.
        let wanted = steps as f64 * bench.seconds / took;
        steps = (wanted.min(8.0 * steps as f64) as u64).clamp(steps + 1, full);
    }
    let units: u64 = simulation.populations.iter().map(|p| u64::from(p.size)).sum();
    let part = Part {
        name: "all".into(),
        method: format!("{units} units, {} synapses", outcome.synapses.iter().sum::<usize>()),
        steps: outcome.steps,
        seconds: took,
        points: units * outcome.steps,
        kernel_seconds: work.0,
        operations: work.1,
    };
    let layers = simulation.populations.iter().zip(&outcome.spikes).map(|(p, spikes)| LayerRow {
        name: p.name.clone(),
        units: p.size as usize,
        spike_rate: Some(spikes.len() as f64 / (f64::from(p.size) * outcome.steps.max(1) as f64)),
    });
    let rows = metered.iter().map(Metered::row).collect();
    let heads = ("populations", "units");
    let data = bench.data(Precision::F32, compile, Some(first_step), heads, vec![part], layers.collect(), rows);
    print!("{}", text(&data));
    match &outcome.status {
        simulate::Status::Finished => Exit::Done,
        simulate::Status::Interrupted => Exit::Interrupted,
        simulate::Status::Full { what } => shown.refuse(&runs::too_many_spikes(what, outcome.steps, room)),
        simulate::Status::Diverged { broken, .. } => {
            let message = diverged::simulation(checked.model(), outcome.steps, broken, checked.time_unit());
            message.iter().for_each(|m| shown.show(std::slice::from_ref(m), sources));
            Exit::Diverged
        }
    }
}

impl Bench<'_> {
    #[allow(clippy::too_many_arguments)]
    fn data(
        &self,
        precision: Precision,
        compile: f64,
        first_step: Option<f64>,
        (of, points): (&'static str, &'static str),
        parts: Vec<Part>,
        layers: Vec<LayerRow>,
        kernels: Vec<KernelRow>,
    ) -> BenchData {
        BenchData {
            name: self.name.clone(),
            precision: precision.name().into(),
            engine: self.engine_name.into(),
            instructions: exec::instructions().into(),
            threads: self.threads,
            peak: self.pool.install(|| exec::peak(precision)),
            check: self.check,
            compile,
            first_step,
            of,
            points,
            parts,
            layers,
            kernels,
        }
    }
}
