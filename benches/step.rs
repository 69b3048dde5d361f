//! Tangents, and the trainer's whole step for each estimator: 2-64-64-1 and 2-128-128-1, 1024 points, 16 steps of time,
//! 16 directions. The shapes are those of `benches/peers`, which time the same in JAX.
//!
//! ```text
//! taskset -c 1 cargo bench --bench step                       one core
//! SNNC_BENCH_THREADS=2 cargo bench --bench step -- step/      two
//! ```
//! A step is measured inside the trainer, from the report of the state before the phase to that after its last step, so that
//! it holds all that a step does: directions, observation, estimate, update, and the loss of the new state.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use snnc::check::Options;
use snnc::exec::Engine;
use snnc::exec::driver::run;
use snnc::exec::kernel::AnyKernel;
use snnc::exec::normal::{normals, signs};
use snnc::exec::rng::{Purpose, Stream};
use snnc::ir::program::Program;
use snnc::pipeline::{Compiled, Source};
use snnc::source::{MemoryFiles, Sources};
use snnc::train::outcome::Silent;
use snnc::train::{self, spike_rates};

/// Surrogates: one that is 0 outside of its support, one that nowhere is.
const SURROGATES: [&str; 2] = ["triangle(width = 0.5)", "fast_sigmoid(slope = 5)"];

fn program(width: usize, surrogate: &str, phase: &str) -> String {
    let deviation = 1.6 / (width as f64).sqrt();
    format!(
        "domain {{ x in -1 .. 1  t in -1 .. 1 }}
         neuron cell {{
           input i
           state v = 0
           update v := 0.9*v + i
           spike when v > 1  surrogate {surrogate}
           reset v -= 1
         }}
         network u(x, t) {{
           steps 16
           layer a = (x, t) |> dense({width}, init = normal(0.6), bias = normal(0.1)) |> current |> cell
           layer b = a |> dense({width}, init = normal({deviation}), bias = normal(0.05)) |> cell
           output  = b |> mean |> dense(1)
         }}
         residual fit on grid(x = 32, t = 32) : u = sin(pi*x)*cos(pi*t)
         train {{ seed 1 phase p {{ {phase} }} }}"
    )
}

fn compiled(text: &str) -> Compiled {
    let mut sources = Sources::default();
    let checking = Source::new("bench.snn", text).check(&mut sources, &MemoryFiles::default(), &Options::default());
    let program = checking.program.unwrap_or_else(|| panic!("{:?}", checking.messages));
    program.compile(Engine::Jit).expect("it compiles")
}

/// Directions of a kind, `[params][16]`, for a program's parameters.
fn directions(kind: &str, program: &Program) -> Vec<f32> {
    let mut stream = Stream::new(3, Purpose::Test, 5);
    let mut all = vec![0.0; program.param_len() * 16];
    match kind {
        "signs" | "rank 1" | "rank 2" | "rank 4" => signs(&mut stream, &mut all),
        "coordinates" => {
            let n = program.param_len();
            (0..16).for_each(|k| all[(k * 2_654_435_761 % n) * 16 + k] = (n as f32).sqrt());
        }
        _ => normals(&mut stream, &mut all),
    }
    let rank: usize = kind.strip_prefix("rank ").map_or(0, |r| r.parse().expect("a number"));
    let mut at = 0;
    for p in &program.params {
        let here = &mut all[at..at + p.len() * 16];
        let (rows, columns) = (p.rows as usize, p.cols as usize);
        match kind {
            "layer" if !p.name.starts_with("b.") => here.fill(0.0),
            "biases" if !p.name.ends_with("bias") => here.fill(0.0),
            _ if rank > 0 && rows.min(columns) > rank => {
                let mut factors = vec![0.0; (rows + columns) * rank * 16];
                signs(&mut stream, &mut factors);
                let (a, b) = factors.split_at(rows * rank * 16);
                for (at, v) in here.iter_mut().enumerate() {
                    let (i, j, k) = (at / 16 / columns, at / 16 % columns, at % 16);
                    let product = |r| a[(i * rank + r) * 16 + k] * b[(j * rank + r) * 16 + k];
                    *v = (0..rank).map(product).sum::<f32>() / (rank as f32).sqrt();
                }
            }
            _ => {}
        }
        at += here.len();
    }
    all
}

/// Tangents by the kernel alone: along Gaussian directions in all weights, in one layer's weights and in the biases only, along
/// signs, along products of low rank, and along single weights.
fn tangents(c: &mut Criterion) {
    for width in [64, 128] {
        for surrogate in SURROGATES {
            let phase = "steps 1 perturb gaussian directions 16 estimate forward update adam(rate = 0.001)";
            let Compiled { problem, kernels } = compiled(&program(width, surrogate, phase));
            let AnyKernel::Single(kernel) = &kernels.observers[0].tangents[0].1 else {
                unreachable!("it is the default")
            };
            let points: Vec<f32> = (0..1024).flat_map(|i| [i % 32, i / 32]).map(|i| i as f32 / 15.5 - 1.0).collect();
            let mut params = train::train(&problem, &kernels, &train::Options::default(), &mut Silent).params;
            let at: Vec<f64> = points.iter().map(|&x| f64::from(x)).collect();
            let rates = spike_rates(&problem, &kernels, &params, &at, &[]);
            params.resize(kernel.program().param_len(), 0.0);
            let params: Vec<f32> = params.iter().map(|&p| p as f32).collect();
            eprintln!("2-{width}-{width}-1, {surrogate}: spikes a neuron and step {rates:?}");
            let name = surrogate.split('(').next().unwrap_or_default();
            for kind in ["gaussian", "signs", "rank 1", "rank 2", "rank 4", "coordinates", "layer", "biases"] {
                let directions = directions(kind, kernel.program());
                c.bench_function(&format!("tangents/{width}/{name}/{kind}"), |b| {
                    b.iter(|| black_box(run(kernel.as_ref(), &points, &params, &directions)));
                });
            }
        }
    }
}

/// The trainer's step.
fn steps(c: &mut Criterion) {
    let estimators = [
        ("difference", "perturb gaussian(sigma = 0.01) directions 16 estimate difference"),
        ("antithetic", "perturb gaussian(sigma = 0.01) directions 16 antithetic estimate difference"),
        ("gaussian", "perturb gaussian directions 16 estimate forward"),
        ("rademacher", "perturb rademacher directions 16 estimate forward"),
    ];
    for width in [64, 128] {
        for (name, estimator) in estimators {
            let phase = format!("steps 1000000 {estimator} update adam(rate = 0.001)");
            let mut compiled = compiled(&program(width, SURROGATES[0], &phase));
            c.bench_function(&format!("step/{width}/{name}"), |b| {
                b.iter_custom(|n| {
                    let snnc::plan::Method::Gradient(plan) = &mut compiled.problem.train.phases[0].method else {
                        unreachable!("the phase is a gradient phase")
                    };
                    plan.steps = n as usize;
                    let options = train::Options { seed: 1, ..Default::default() };
                    let outcome = train::train(&compiled.problem, &compiled.kernels, &options, &mut Silent);
                    let at = |p: Option<&train::outcome::Point>| p.map_or(0.0, |p| p.seconds);
                    Duration::from_secs_f64(at(outcome.history.last()) - at(outcome.history.first()))
                });
            });
        }
    }
}

fn criterion() -> Criterion {
    if let Some(n) = std::env::var("SNNC_BENCH_THREADS").ok().and_then(|n| n.parse().ok()) {
        rayon::ThreadPoolBuilder::new().num_threads(n).build_global().expect("the first pool");
    }
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = criterion(); targets = tangents, steps }
criterion_main!(benches);
