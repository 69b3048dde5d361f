//! The same program and seed give the same bits, whatever runs them: every example, made small enough for the interpreter, with 1,
//! 2, 4 and 8 threads, by both engines, by every level of instructions that the processor has, and stopped and gone on with.
//! Whole examples are compared by `tests/examples.rs` for 2 and 8 threads, and places to stop at by `tests/resume.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use snnc::check::Options as CheckOptions;
use snnc::exec::Engine;
use snnc::exec::jit::Level;
use snnc::ir::problem::{Place, Problem, Rows};
use snnc::pipeline::{Compiled, Source};
use snnc::plan::Method;
use snnc::simulate;
use snnc::source::{Files, Sources};
use snnc::train::outcome::{Outcome, Point, Progress};
use snnc::train::record::Record;
use snnc::train::{Options, go_on, train};

struct Examples;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

impl Files for Examples {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(folder().join(path)).map_err(|e| e.to_string())
    }
}

/// Fewer candidates, points, rounds and steps; what is computed with them stays.
fn shrink(problem: &mut Problem) {
    let units = |layer: &str| problem.network.layers.iter().find(|l| l.name == layer).map_or(0, |l| l.units as usize);
    for phase in &mut problem.train.phases {
        match &mut phase.method {
            Method::Pursuit(p) => {
                p.pool = p.pool.min(units(&p.layer) + 40);
                p.rounds = p.rounds.min(1);
            }
            Method::Gradient(g) => g.steps = g.steps.min(2),
            Method::Readout { .. } => {}
        }
    }
    for residual in &mut problem.residuals {
        residual.points = residual.points.min(40);
        if let Place::Grid(counts) = &mut residual.place {
            counts.iter_mut().for_each(|n| *n = (*n).min(7));
        }
        if let Rows::Weak(weak) = &mut residual.rows {
            weak.tests = Some(4);
        }
    }
}

fn compiled(path: &Path, engine: Engine) -> Compiled {
    let text = fs::read_to_string(path).expect("reads");
    let mut sources = Sources::default();
    let options = CheckOptions { set: vec![], seed: None };
    let checking = Source::new("example.snn", &text).check(&mut sources, &Examples, &options);
    let mut lowered = checking.program.expect("it has no mistakes").lower();
    shrink(&mut lowered.problem);
    lowered.compile(engine).unwrap_or_else(|e| panic!("{e}"))
}

/// Takes down the states that a run goes through.
#[derive(Default)]
struct Watcher(Vec<Record>);

impl Progress for Watcher {
    fn point(&mut self, _: &Point) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn wants_record(&mut self, _: bool, _: bool) -> bool {
        true
    }

    fn record(&mut self, record: Record, _: bool) {
        self.0.push(record);
    }
}

/// All that is not time.
fn bits(o: &Outcome) -> Vec<u64> {
    let history = o.history.iter().flat_map(|h| {
        let numbers = [h.loss, h.plain.unwrap_or(0.0), h.error.unwrap_or(0.0)].map(f64::to_bits);
        [h.phase as u64, h.step as u64, h.forward_evaluations].into_iter().chain(numbers)
    });
    let losses = o.losses.iter().flat_map(|l| [l.weight, l.before, l.after, l.fresh].map(f64::to_bits));
    let sights = o.sights.iter().flat_map(|s| [s.size, s.unseen].map(f64::to_bits));
    o.params.iter().map(|p| p.to_bits()).chain(history).chain(losses).chain(sights).collect()
}

fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("starts").install(run)
}

fn trained(compiled: &Compiled, threads: usize) -> (Vec<u64>, Vec<Record>) {
    let options = Options { seed: compiled.problem.train.seed, interrupt: None, start: None };
    let mut watcher = Watcher::default();
    let outcome = with_threads(threads, || train(&compiled.problem, &compiled.kernels, &options, &mut watcher));
    (bits(&outcome), watcher.0)
}

/// Two examples at a time, or as many as there are processors.
fn each(examples: &[PathBuf], check: impl Fn(&Path, &str) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(example) = examples.get(next.fetch_add(1, Ordering::Relaxed)) {
            check(example, &example.file_name().expect("a name").to_string_lossy());
        }
    };
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
}

/// One test, since the level of instructions is the whole process's.
#[test]
fn examples_have_the_same_bits_whatever_runs_them() {
    let mut all: Vec<PathBuf> = fs::read_dir(folder()).expect("lists").map(|e| e.expect("an entry").path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "snn"));
    all.sort();
    assert!(all.len() > 20);
    let simulates = |p: &PathBuf| p.to_string_lossy().ends_with("_simulate.snn");
    let (simulations, trained_ones): (Vec<PathBuf>, Vec<PathBuf>) = all.into_iter().partition(simulates);
    assert!(simulations.len() >= 2);
    simulations.iter().for_each(|example| simulated(example));

    let wanted: Mutex<BTreeMap<String, Vec<u64>>> = Mutex::default();
    each(&trained_ones, |example, name| {
        let jit = compiled(example, Engine::Jit);
        let (want, records) = trained(&jit, 2);
        for threads in [1, 4, 8] {
            assert!(trained(&jit, threads).0 == want, "{name}: {threads} threads");
        }
        assert!(trained(&compiled(example, Engine::Interp), 1).0 == want, "{name}: interpreter");
        let options = Options { seed: jit.problem.train.seed, interrupt: None, start: None };
        let apart = records.len().div_ceil(5);
        for (k, record) in records.iter().enumerate().step_by(apart) {
            let mut rest = Watcher::default();
            let threads = 1 + k % 3;
            let outcome = with_threads(threads, || go_on(&jit.problem, &jit.kernels, &options, &mut rest, record));
            let outcome = outcome.unwrap_or_else(|e| panic!("{name}, place {k}: {e}"));
            assert!(bits(&outcome) == want, "{name}: gone on with from place {k} of {}", records.len());
        }
        wanted.lock().expect("no other has failed").insert(name.to_string(), want);
    });
    let wanted = wanted.into_inner().expect("none has failed");
    for level in Level::all() {
        level.restrict();
        each(&trained_ones, |example, name| {
            assert!(trained(&compiled(example, Engine::Jit), 1).0 == wanted[name], "{name}: {level:?}");
        });
    }
}

fn simulated(example: &Path) {
    let name = example.display();
    let text = fs::read_to_string(example).expect("reads");
    let run = |engine, threads: usize, level: Level| {
        level.restrict();
        let mut sources = Sources::default();
        let options = CheckOptions { set: vec![], seed: None };
        let checked = Source::new("example.snn", &text).check(&mut sources, &Examples, &options).simulation;
        let mut compiled = checked.expect("a simulation").compile(engine).unwrap_or_else(|e| panic!("{e}"));
        compiled.simulation.steps = compiled.simulation.steps.min(300);
        let outcome = with_threads(threads, || simulate::run(&compiled.simulation, &compiled.kernels, None));
        let records: Vec<Vec<u32>> = outcome.records.iter().map(|r| r.iter().map(|x| x.to_bits()).collect()).collect();
        (outcome.spikes, outcome.synapses, records)
    };
    let best = Level::best();
    let want = run(Engine::Jit, 2, best);
    for threads in [1, 4, 8] {
        assert!(run(Engine::Jit, threads, best) == want, "{name}: {threads} threads");
    }
    for level in [Level::Portable, Level::Avx2, Level::Avx512] {
        assert!(run(Engine::Jit, 2, level) == want, "{name}: {level:?}");
    }
    assert!(run(Engine::Interp, 2, best) == want, "{name}: interpreter");
}
