//! Kernels with a stopwatch: the same results, and a count of what they took.
//!
//! ```text
//! kernel.timed()  ->  a kernel to use in its place, and its meter: points run, nanoseconds in it over all threads
//! ```
//! A tile takes microseconds at least, reading the clock twice some 50 ns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::exec::kernel::{AnyKernel, Cost, Kernel, Tile};
use crate::exec::real::Real;
use crate::ir::program::Program;

/// What a kernel has taken so far.
#[derive(Debug, Default)]
pub struct Meter {
    points: AtomicU64,
    nanoseconds: AtomicU64,
}

/// A meter's reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    pub points: u64,
    /// The threads' times added up.
    pub nanoseconds: u64,
}

impl Meter {
    pub fn read(&self) -> Reading {
        Reading { points: self.points.load(Ordering::Relaxed), nanoseconds: self.nanoseconds.load(Ordering::Relaxed) }
    }
}

struct Timed<R> {
    kernel: Arc<dyn Kernel<R>>,
    meter: Arc<Meter>,
}

impl<R: Real> Kernel<R> for Timed<R> {
    fn program(&self) -> &Program {
        self.kernel.program()
    }

    fn scratch_len(&self) -> usize {
        self.kernel.scratch_len()
    }

    fn cost(&self) -> Cost {
        self.kernel.cost()
    }

    fn prepare(&self, params: &[R], directions: &[R]) -> Vec<R> {
        self.kernel.prepare(params, directions)
    }

    fn run_tile(&self, scratch: &mut [R], tile: Tile<'_, R>) {
        let (points, begun) = (tile.points as u64, Instant::now());
        self.kernel.run_tile(scratch, tile);
        self.meter.nanoseconds.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.meter.points.fetch_add(points, Ordering::Relaxed);
    }
}

/// A kernel to use in the place of this one.
pub fn timed<R: Real>(kernel: &Arc<dyn Kernel<R>>) -> (Arc<dyn Kernel<R>>, Arc<Meter>) {
    let meter = Arc::new(Meter::default());
    (Arc::new(Timed { kernel: kernel.clone(), meter: meter.clone() }), meter)
}

impl AnyKernel {
    /// As [`timed`].
    pub fn timed(&self) -> (AnyKernel, Arc<Meter>) {
        match self {
            AnyKernel::Single(k) => {
                let (kernel, meter) = timed(k);
                (AnyKernel::Single(kernel), meter)
            }
            AnyKernel::Double(k) => {
                let (kernel, meter) = timed(k);
                (AnyKernel::Double(kernel), meter)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::interp::Interpreter;
    use crate::ir::read::read;

    #[test]
    fn results_are_the_same_and_points_are_counted() {
        let text = "program \"twice\" steps 0 directions 0
input \"x\" [1]
init {
  %0 = input 0 : 1
  %1 = add %0, %0 : 1
}
output \"y\" = %1
";
        let program = read(text).expect("it reads");
        let plain = AnyKernel::Double(Arc::new(Interpreter::of(program)));
        let (kernel, meter) = plain.timed();
        let inputs: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(kernel.run(&inputs, &[], &[]), plain.run(&inputs, &[], &[]));
        let reading = meter.read();
        assert_eq!(reading.points, 100);
        assert!(reading.nanoseconds > 0);
    }
}
