//! A pool of 4000 single-neuron candidates at 2304 points for 32 steps: the compiled kernel, and beside it the same neurons
//! written out by hand for AVX2.
//!
//! ```text
//! taskset -c 1 cargo bench --bench pool
//! ```

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::Rng;
use snnc::check::Options;
use snnc::exec::Engine;
use snnc::exec::driver::run;
use snnc::exec::kernel::{AnyKernel, Kernel};
use snnc::exec::rng::{Purpose, Stream};
use snnc::ir::problem::Problem;
use snnc::pipeline::Source;
use snnc::source::{MemoryFiles, Sources};

const STEPS: usize = 32;
const CANDIDATES: usize = 4000;
const SIDE: usize = 48;

const PROGRAM: &str = "
domain {
  x in 0 .. 1
  t in 0 .. 1
}

network u(x, t) {
  steps 32
  layer h = tuned(x, t, 512) |> lif(tau = 20)
  output  = h |> ema(tau = 20) |> mean |> dense(1)
}

residual wave  on interior     : d(u, t, t) = 4 * d(u, x, x)
residual ends  on x = 0, x = 1 : u = 0
residual start on t = 0        : u = sin(pi*x)
residual still on t = 0        : d(u, t) = 0
";

fn compile() -> (Problem, Arc<dyn Kernel>) {
    let mut sources = Sources::default();
    let checked = Source::new("pool", PROGRAM).check(&mut sources, &MemoryFiles::default(), &Options::default());
    let program = checked.program.expect("the program is right");
    let compiled = program.compile(Engine::Jit).expect("it compiles");
    match compiled.kernels.observers[0].pools[0].clone() {
        Some(AnyKernel::Single(pool)) => (compiled.problem, pool),
        _ => panic!("the layer can be chosen from, in single precision"),
    }
}

/// `[SIDE * SIDE][2]`
fn points() -> Vec<f32> {
    (0..SIDE * SIDE).flat_map(|k| [k / SIDE, k % SIDE]).map(|i| (i as f32 + 0.5) / SIDE as f32).collect()
}

/// Candidates of which most spike somewhere: a block's parameters, laid out as the pool has them.
fn params(pool: &dyn Kernel, block: usize) -> Vec<f32> {
    let mut s = Stream::new(1, Purpose::Test, block as u64);
    let mut uniform = |lo: f32, hi: f32| lo + (hi - lo) * (s.next_u32() as f32 / u32::MAX as f32);
    let mut out = vec![];
    for p in &pool.program().params {
        for _ in 0..p.len() {
            out.push(match p.name.rsplit('.').next() {
                Some("gain") => uniform(0.1, 2.0),
                Some("sine") => f32::from(uniform(0.0, 1.0) > 0.5),
                Some("bias") => uniform(-0.5, 2.0),
                _ => uniform(-3.0, 3.0),
            });
        }
    }
    out
}

/// The same by hand: currents of 32 neurons at a time, states in registers for all steps, `[points][block]` out.
mod twin {
    pub struct Block<'a> {
        pub units: usize,
        pub weight: [&'a [f32]; 2],
        pub phase: &'a [f32],
        pub gain: &'a [f32],
        pub bias: &'a [f32],
        pub sine: &'a [f32],
    }

    const LANES: usize = 32;

    #[target_feature(enable = "avx2")]
    pub fn pool(points: &[f32], b: &Block<'_>, decoder: &[f32], out: &mut [f32]) {
        let (decay, part) = (libm::exp(-1.0 / 20.0) as f32, (1.0 - libm::exp(-1.0 / 20.0)) as f32);
        for (p, out) in points.chunks_exact(2).zip(out.chunks_exact_mut(b.units)) {
            let (x, t) = (2.0 * p[0] - 1.0, 2.0 * p[1] - 1.0);
            for first in (0..b.units).step_by(LANES) {
                let mut current = [0f32; LANES];
                for (k, c) in current.iter_mut().enumerate() {
                    let j = first + k;
                    let a = x * b.weight[0][j] + t * b.weight[1][j] + b.phase[j];
                    // A few terms of the series stand for a sine: as many operations, roughly.
                    let r = a - (a * 0.159_154_94).round_ties_even() * 6.283_185_5;
                    let r2 = r * r;
                    let s = r
                        * (1.0 + r2 * (-0.166_666_67 + r2 * (8.333_333e-3 + r2 * (-1.984_127e-4 + r2 * 2.755_732e-6))));
                    let f = if b.sine[j] > 0.5 { s } else { a };
                    *c = part * (b.gain[j] * f + b.bias[j]);
                }
                let (mut v, mut acc) = ([0f32; LANES], [0f32; LANES]);
                for d in decoder {
                    for k in 0..LANES {
                        let u = decay * v[k] + current[k];
                        let s = if u >= 1.0 { 1.0 } else { 0.0 };
                        v[k] = u - s;
                        acc[k] += d * s;
                    }
                }
                out[first..first + LANES].copy_from_slice(&acc);
            }
        }
    }
}

fn bench(c: &mut Criterion) {
    let (problem, pool) = compile();
    let units = problem.network.layers[0].pursuit.as_ref().expect("units");
    let block = units.block as usize;
    let blocks: Vec<Vec<f32>> = (0..CANDIDATES.div_ceil(block)).map(|k| params(pool.as_ref(), k)).collect();
    let points = points();
    let mut group = c.benchmark_group("pool of 4000 at 2304 points, 32 steps");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements((blocks.len() * block * SIDE * SIDE * STEPS) as u64));
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    group.bench_function("compiled", |b| {
        b.iter(|| one.install(|| blocks.iter().map(|p| run(pool.as_ref(), &points, p, &[]).outputs[7]).sum::<f32>()));
    });
    if std::arch::is_x86_feature_detected!("avx2") {
        let program = pool.program();
        let decoder: Vec<f32> = program.tables[0].values.iter().map(|x| *x as f32).collect();
        let mut out = vec![0f32; SIDE * SIDE * block];
        group.bench_function("by hand, 256-bit vectors", |b| {
            b.iter(|| {
                for params in &blocks {
                    let at = |name: &str| {
                        let id = program.params.iter().position(|p| p.name.ends_with(name)).expect("a parameter");
                        let start: usize = program.params[..id].iter().map(|p| p.len()).sum();
                        &params[start..start + program.params[id].len()]
                    };
                    let weight = at("weight").split_at(block);
                    let of = twin::Block {
                        units: block,
                        weight: [weight.0, weight.1],
                        phase: at("phase"),
                        gain: at("gain"),
                        bias: at("bias"),
                        sine: at("sine"),
                    };
                    // SAFETY: the processor has AVX2.
                    unsafe { twin::pool(&points, &of, &decoder, &mut out) };
                }
                out[7]
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
