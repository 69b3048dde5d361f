//! The forward simulation of 2-64-64-1 and 2-128-128-1, 1024 points, 16 steps of time: the compiler's kernel beside one
//! written by hand. The shapes are those of `benches/peers`, which time the same in JAX and PyTorch.
//!
//! ```text
//! taskset -c 1 cargo bench --bench network                      one core
//! SNNC_BENCH_THREADS=2 cargo bench --bench network              two
//! ```

mod hand;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hand::Network;
use snnc::check::Options;
use snnc::exec::Engine;
use snnc::exec::driver::run;
use snnc::pipeline::{Compiled, Source};
use snnc::source::{MemoryFiles, Sources};
use snnc::train::outcome::Silent;
use snnc::train::{self, spike_rates};

fn compiled(width: usize) -> Compiled {
    let deviation = 1.6 / (width as f64).sqrt();
    let text = format!(
        "domain {{ x in -1 .. 1  t in -1 .. 1 }}
         neuron cell {{
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
         }}
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

fn shape<const H: usize>(c: &mut Criterion) {
    let Compiled { problem, kernels } = compiled(H);
    let kernel = &kernels.observers[0].primal;
    let mut params = train::train(&problem, &kernels, &train::Options::default(), &mut Silent).params;
    // The readout starts at 0, which would hide a difference.
    let readout = params.len() - 1 - H;
    params[readout..].iter_mut().enumerate().for_each(|(k, p)| *p = (k as f32).sin());
    let points: Vec<f32> = (0..1024).flat_map(|i| [i % 32, i / 32]).map(|i| i as f32 / 15.5 - 1.0).collect();
    let at: Vec<f64> = points.iter().map(|&x| f64::from(x)).collect();
    let rates = spike_rates(&problem, &kernels, &params, &at, &[]);
    eprintln!("2-{H}-{H}-1: spikes a neuron and step {rates:?}");

    let network = by_hand::<H>(&params);
    let mut out = vec![0f32; 1024];
    network.run(&points, &mut out);
    let ours = run(kernel.as_ref(), &points, &params, &[]).outputs;
    let width = ours.len() / 1024;
    // Fused multiply-adds move a spike here and there.
    let near = out.iter().zip(ours.chunks_exact(width)).filter(|(a, b)| (*a - b[0]).abs() < 1e-4).count();
    assert!(near > 900, "both compute the same network: {near} of 1024 points agree");

    c.bench_function(&format!("network/{H}/hand"), |b| {
        b.iter(|| network.run(black_box(&points), black_box(&mut out)));
    });
    c.bench_function(&format!("network/{H}/snnc"), |b| {
        b.iter(|| black_box(run(kernel.as_ref(), black_box(&points), &params, &[])));
    });
}

fn networks(c: &mut Criterion) {
    shape::<64>(c);
    shape::<128>(c);
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
