//! A pursuit of 512 out of 4000 candidates at 784 equations.
//!
//! ```text
//! taskset -c 1 cargo bench --bench pursuit
//! ```

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use faer::Mat;
use rand::Rng;
use snnc::exec::rng::{Purpose, Stream};
use snnc::train::pursuit::Pursuit;

const CANDIDATES: usize = 4000;
const EQUATIONS: usize = 784;
const PICKS: usize = 512;

/// Steps along random directions of a square, as neurons respond: columns that are alike.
fn candidates() -> Mat<f64> {
    let mut s = Stream::new(1, Purpose::Test, 0);
    let mut uniform = || f64::from(s.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
    let units: Vec<[f64; 4]> = (0..CANDIDATES).map(|_| [uniform(), uniform(), uniform(), uniform()]).collect();
    Mat::from_fn(EQUATIONS, CANDIDATES, |i, j| {
        let (x, y) = ((i / 28) as f64 / 14.0 - 1.0, (i % 28) as f64 / 14.0 - 1.0);
        let [a, b, c, d] = units[j];
        let at = a * x + b * y - c;
        if at > 0.0 { (8.0 * at * (1.0 + d)).floor() / 8.0 } else { 0.0 }
    })
}

fn bench(c: &mut Criterion) {
    let candidates = candidates();
    let target: Vec<f64> =
        (0..EQUATIONS).map(|i| libm::sin((i / 28) as f64 * 0.4) * libm::cos((i % 28) as f64 * 0.3)).collect();
    let bias = Mat::full(EQUATIONS, 1, 1.0);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut group = c.benchmark_group("pursuit of 512 from 4000 at 784 equations");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(4));
    let start = || {
        let mut p = Pursuit::new(&target, bias.as_ref(), 1);
        p.add(candidates.as_ref());
        p
    };
    group.bench_function("adding", |b| b.iter(|| one.install(start)));
    group.bench_function("picking", |b| {
        b.iter_batched(start, |p| one.install(|| p.select(PICKS)), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
