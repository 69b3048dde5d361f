//! `precision f64` from end to end: what it gains, what it writes, and that it gives the same bits everywhere.

use std::fs;
use std::path::Path;

use snnc::check::Options;
use snnc::exec::Engine;
use snnc::ir::problem::Problem;
use snnc::pipeline::{Compiled, Source};
use snnc::source::{Files, Sources};
use snnc::train::checkpoint::{self, Meta};
use snnc::train::outcome::{Outcome, Silent};
use snnc::train::{self, train};

/// The examples' data.
struct Examples;

impl Files for Examples {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        fs::read(folder.join(path)).map_err(|e| e.to_string())
    }
}

fn compiled(text: &str, engine: Engine) -> Compiled {
    let mut sources = Sources::default();
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("precision.snn", text).check(&mut sources, &Examples, &options);
    let program = checking.program.unwrap_or_else(|| panic!("{:?}", checking.messages));
    program.compile(engine).unwrap_or_else(|b| panic!("{b}"))
}

/// The trained weights and the first metric.
fn run(c: &Compiled, threads: usize) -> (Outcome, f64) {
    let options = train::Options { seed: c.problem.train.seed, ..Default::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let outcome = pool.install(|| train(&c.problem, &c.kernels, &options, &mut Silent));
    let error = train::metric(&c.problem, &c.kernels, &outcome.params, &c.problem.report.metrics[0]);
    (outcome, error)
}

/// A smooth network whose readout is solved for: what is left is mostly rounding.
const SMOOTH: &str = "
domain { x in 0 .. 1 }
network u(x) {
  steps 1
  layer h = tuned(x, 40) |> tanh
  output  = h |> last |> dense(1)
}
residual eq    on interior : d(u, x, x) = -9*sin(3*x) by jet
residual left  on x = 0 : u = 0
residual right on x = 1 : u = sin(3)
exact u = sin(3*x)
train {
  precision f64
  seed 1
  phase grow { perturb neurons(h) pool 300 mutate(0.1) update pursuit rounds 1 }
}
report { metric l2 = relative_l2(u) on grid(x = 501) }
";

#[test]
fn a_smooth_network_keeps_the_digits_that_single_precision_loses() {
    let (_, single) = run(&compiled(&SMOOTH.replace("f64", "f32"), Engine::Jit), 2);
    let (outcome, double) = run(&compiled(SMOOTH, Engine::Jit), 2);
    println!("relative L2 error {single:e} in single precision, {double:e} in double");
    assert!(double < 0.01 * single, "{double:e} after {single:e}");
    // The weights are not those of single precision.
    assert!(outcome.params.iter().any(|p| f64::from(*p as f32) != *p));
}

/// A phase of each kind, with spikes, derivatives and tangents.
const SPIKING: &str = "
domain { x in 0 .. 1 }
network u(x) {
  steps 24
  layer h = tuned(x, 24) |> lif(tau = 10)
  output  = h |> ema(tau = 10) |> mean |> dense(1)
}
residual eq    on interior : d(u, x) = 3*cos(3*x)
residual start on x = 0 : u = 0
exact u = sin(3*x)
train {
  precision f64
  seed 2
  phase grow   { perturb neurons(h) pool 200 mutate(0.1) update pursuit(ridge = 1e-6) rounds 1 }
  phase lean   { perturb rademacher directions 3 scope layer estimate forward update adam(rate = 0.001) steps 4 solve readout every 1 }
  phase polish { perturb gaussian(sigma = 0.01) directions 4 antithetic estimate difference update sgd(rate = 0.001) steps 4 }
}
report { metric l2 = relative_l2(u) on grid(x = 101) }
";

#[test]
fn every_phase_gives_the_same_bits_for_either_engine_and_any_number_of_threads() {
    let bits = |o: &Outcome| -> Vec<u64> { o.params.iter().map(|p| p.to_bits()).collect() };
    let (a, error) = run(&compiled(SPIKING, Engine::Jit), 1);
    assert!(error < 0.1, "{error}");
    for (engine, threads) in [(Engine::Jit, 3), (Engine::Interp, 2)] {
        let (b, _) = run(&compiled(SPIKING, engine), threads);
        assert!(bits(&a) == bits(&b), "{engine:?} with {threads} threads");
    }
}

/// Its error comes from its spikes: what the example promises holds in either precision.
#[test]
fn an_example_trains_as_well() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sine.snn");
    let text = fs::read_to_string(path).expect("UTF-8");
    assert!(text.contains("expect l2 < 0.003") && !text.contains("train {"), "{text}");
    for precision in ["f32", "f64"] {
        let train = "phase grow { perturb neurons(h) pool 4000 mutate(0.1) update pursuit rounds 3 }";
        let c = compiled(&format!("{text}\ntrain {{ precision {precision} {train} }}"), Engine::Jit);
        assert_eq!(c.kernels.precision.name(), precision);
        let (_, error) = run(&c, 2);
        println!("{precision}: {error:e}");
        assert!(error < 0.003, "{precision}: {error}");
    }
}

fn problem(text: &str) -> Problem {
    compiled(text, Engine::Interp).problem
}

#[test]
fn checkpoints_of_double_precision_are_not_taken_for_single() {
    let c = compiled(SPIKING, Engine::Jit);
    let (outcome, error) = run(&c, 2);
    let meta = Meta { program_hash: "0".into(), seed: 2, phase: "polish".into(), version: "test".into() };
    let bytes = checkpoint::encode(&c.problem, &outcome.params, &meta).expect("encodes");
    let (params, _) = checkpoint::decode(&c.problem, &bytes).expect("reads");
    assert_eq!(params, outcome.params);
    let again = train::metric(&c.problem, &c.kernels, &params, &c.problem.report.metrics[0]);
    assert_eq!(again.to_bits(), error.to_bits());

    let single = problem(&SPIKING.replace("f64", "f32"));
    let refused = checkpoint::decode(&single, &bytes).expect_err("digits would be lost").to_string();
    assert!(refused.contains("F64") && refused.contains("precision f64"), "{refused}");
    // Single precision is held exactly by double.
    let narrow: Vec<f64> = outcome.params.iter().map(|p| f64::from(*p as f32)).collect();
    let bytes = checkpoint::encode(&single, &narrow, &meta).expect("encodes");
    assert_eq!(checkpoint::decode(&c.problem, &bytes).expect("reads").0, narrow);
}
