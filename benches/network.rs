//! The compiler's kernels beside others written by hand: the forward simulation of 2-64-64-1 and 2-128-128-1, 1024 points, 16
//! steps of time (the shapes of `benches/peers`, which time the same in JAX and PyTorch), and layers of 128 `adex` and of 128
//! neurons of a user's own with three states, 1024 points, 64 steps.
//!
//! ```text
//! taskset -c 1 cargo bench --bench network                      one core
//! SNNC_BENCH_THREADS=2 cargo bench --bench network              two
//! ```

mod hand;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hand::network::Network;
use snnc::check::Options;
use snnc::exec::Engine;
use snnc::exec::driver::run;
use snnc::exec::kernel::AnyKernel;
use snnc::pipeline::{Compiled, Source};
use snnc::source::{MemoryFiles, Sources};
use snnc::train::outcome::Silent;
use snnc::train::{self, spike_rates};

/// The network, of neurons of a user's own that are plain leaky integrators.
fn network(width: usize) -> String {
    let deviation = 1.6 / (width as f64).sqrt();
    format!(
        "neuron cell {{
           input i
           state v = 0
           update v := 0.9*v + i
           spike when v > 1  surrogate triangle(width = 0.5)
           reset v -= 1
         }}
         network u(x, t) {{
           steps 16
           layer a = (x, t) |> dense({width}, init = normal(0.6), bias = normal(0.1)) |> current |> cell
           layer b = a |> dense({width}, init = normal({deviation}), bias = normal(0.05)) |> cell
           output  = b |> mean |> dense(1)
         }}"
    )
}

const ADEX: &str = "
    network u(x, t) {
      steps 64
      dt 0.1ms
      layer a = (x, t) |> dense(128, init = normal(300), bias = normal(600)) |> current |> adex
      output  = a |> mean |> dense(1)
    }";

const THREE_STATES: &str = "
    neuron cell {
      input i
      state s = 0, v = 0, w = 0
      update s := 0.7*s + i
      update v := 0.9*v + s - w
      update w := 0.95*w + 0.02*v
      spike when v > 1  surrogate triangle(width = 0.5)
      reset v -= 1
      reset w += 0.1
    }
    network u(x, t) {
      steps 64
      layer a = (x, t) |> dense(128, init = normal(0.1), bias = normal(0.2)) |> current |> cell
      output  = a |> mean |> dense(1)
    }";

fn compiled(network: &str) -> Compiled {
    let text = format!(
        "domain {{ x in -1 .. 1  t in -1 .. 1 }}
         {network}
         residual fit on grid(x = 32, t = 32) : u = sin(pi*x)*cos(pi*t)
         train {{ seed 1 phase p {{ steps 1 perturb gaussian directions 1 estimate forward update adam(rate = 0.001) }} }}"
    );
    let mut sources = Sources::default();
    let checking = Source::new("bench.snn", &text).check(&mut sources, &MemoryFiles::default(), &Options::default());
    let program = checking.program.unwrap_or_else(|| panic!("{:?}", checking.messages));
    program.compile(Engine::Jit).expect("it compiles")
}

/// The same weights for the kernel by hand.
fn by_hand<const H: usize>(params: &[f32]) -> Network<H> {
    let mut rest = params;
    let mut take = |n: usize| {
        let (head, tail) = rest.split_at(n);
        rest = tail;
        head.to_vec()
    };
    Network { first: (take(2 * H), take(H)), second: (take(H * H), take(H)), readout: (take(H), take(1)[0]) }
}

/// A kernel on the 1024 points, and parameters that hide no difference.
struct Case {
    compiled: Compiled,
    params: Vec<f32>,
    points: Vec<f32>,
}

impl Case {
    fn new(name: &str, network: &str, readout: usize) -> Case {
        let compiled = compiled(network);
        let Compiled { problem, kernels, .. } = &compiled;
        let mut params = train::train(problem, kernels, &train::Options::default(), &mut Silent).params;
        // The readout starts at 0.
        let first = params.len() - 1 - readout;
        params[first..].iter_mut().enumerate().for_each(|(k, p)| *p = (k % 7) as f64 / 3.0 - 1.0);
        let points: Vec<f32> = (0..1024).flat_map(|i| [i % 32, i / 32]).map(|i| i as f32 / 15.5 - 1.0).collect();
        let at: Vec<f64> = points.iter().map(|&x| f64::from(x)).collect();
        eprintln!("{name}: spikes a neuron and step {:?}", spike_rates(problem, kernels, &params, &at, &[]));
        let params = params.into_iter().map(|p| p as f32).collect();
        Case { compiled, params, points }
    }

    fn run(&self) -> Vec<f32> {
        let AnyKernel::Single(kernel) = &self.compiled.kernels.observers[0].primal else {
            unreachable!("the program asks for nothing else")
        };
        run(kernel.as_ref(), black_box(&self.points), &self.params, &[]).outputs
    }

    /// The outputs are the same but where a fused multiply-add moved a spike.
    fn compare(&self, by_hand: &[f32], tolerance: f32) {
        let ours = self.run();
        let width = ours.len() / 1024;
        let near = by_hand.iter().zip(ours.chunks_exact(width)).filter(|(a, b)| (*a - b[0]).abs() < tolerance).count();
        assert!(near > 900, "both compute the same: {near} of 1024 points agree");
    }
}

fn shape<const H: usize>(c: &mut Criterion) {
    let case = Case::new(&format!("2-{H}-{H}-1"), &network(H), H);
    let network = by_hand::<H>(&case.params);
    let mut out = vec![0f32; 1024];
    network.run(&case.points, &mut out);
    case.compare(&out, 1e-4);
    c.bench_function(&format!("network/{H}/hand"), |b| {
        b.iter(|| network.run(black_box(&case.points), black_box(&mut out)));
    });
    c.bench_function(&format!("network/{H}/snnc"), |b| b.iter(|| black_box(case.run())));
}

/// A layer of 128 neurons, `layer` giving their rates by hand.
fn neurons(c: &mut Criterion, name: &str, network: &str, layer: fn(&[f32], &mut [f32])) {
    let case = Case::new(name, network, 128);
    let (weights, rest) = case.params.split_at(256);
    let (bias, readout) = rest.split_at(128);
    let mut out = vec![0f32; 1024];
    let by_hand = |points: &[f32], out: &mut [f32]| {
        let (mut current, mut rate) = ([0f32; 128], [0f32; 128]);
        for (x, out) in points.chunks_exact(2).zip(out) {
            for (k, i) in current.iter_mut().enumerate() {
                *i = x[0] * weights[k] + x[1] * weights[128 + k] + bias[k];
            }
            layer(&current, &mut rate);
            *out = rate.iter().zip(readout).map(|(r, w)| r * w).sum::<f32>() + readout[128];
        }
    };
    by_hand(&case.points, &mut out);
    case.compare(&out, 1e-3);
    c.bench_function(&format!("{name}/hand"), |b| b.iter(|| by_hand(black_box(&case.points), black_box(&mut out))));
    c.bench_function(&format!("{name}/snnc"), |b| b.iter(|| black_box(case.run())));
}

fn networks(c: &mut Criterion) {
    shape::<64>(c);
    shape::<128>(c);
    neurons(c, "adex", ADEX, hand::neurons::adex);
    neurons(c, "three states", THREE_STATES, hand::neurons::three_states);
}

fn criterion() -> Criterion {
    if let Some(n) = std::env::var("SNNC_BENCH_THREADS").ok().and_then(|n| n.parse().ok()) {
        rayon::ThreadPoolBuilder::new().num_threads(n).build_global().expect("the first pool");
    }
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = criterion(); targets = networks }
criterion_main!(benches);
