//! Ten thousand random programs: the JIT gives the interpreter's bits, and writes to no number outside of the buffers that it is
//! given.
//!
//! ```text
//! SNNC_PROGRAMS=1000000 cargo test --release --test differential many       more of them
//! ```

use std::sync::Arc;

use rayon::prelude::*;
use snnc::exec::interp::Interpreter;
use snnc::exec::jit::{Emit, Level, compile_for};
use snnc::exec::kernel::{Kernel, Tile};
use snnc::exec::real::Real;
use snnc::ir::program::Program;
use snnc::ir::verify::verify;

use crate::programs::{Draw, Maker, Shape};
use crate::{digits, same};

/// Programs that are compiled together.
const BATCH: u64 = 100;

/// Everything that the maker can draw, in turn.
fn shape(index: u64) -> Shape {
    let n = |of: u64, among: &[u32]| among[(index / of % among.len() as u64) as usize];
    Shape {
        directions: n(1, &[0, 0, 3, 4, 16]),
        steps: n(5, &[0, 1, 4]),
        passes: n(15, &[1, 1, 2]),
        narrow: n(45, &[0, 1]) == 1,
        traces: n(90, &[0, 1]) == 1,
        insts: 6 + (index % 19) as usize,
    }
}

/// A buffer between two fields of numbers that nobody should write to.
struct Fenced<R> {
    all: Vec<R>,
    len: usize,
}

const FENCE: usize = 64;
const MARK: f64 = 1234.5;

impl<R: Real> Fenced<R> {
    fn new(numbers: &[R]) -> Fenced<R> {
        let fence = [R::new(MARK); FENCE];
        Fenced { all: [&fence, numbers, &fence].concat(), len: numbers.len() }
    }

    fn inside(&mut self) -> &mut [R] {
        &mut self.all[FENCE..FENCE + self.len]
    }

    fn is_whole(&self) -> bool {
        let (before, rest) = self.all.split_at(FENCE);
        before.iter().chain(&rest[self.len..]).all(|x| *x == R::new(MARK))
    }
}

fn results<R: Emit>(kernel: &dyn Kernel<R>, points: usize, index: u64) -> (Vec<R>, Vec<R>) {
    let p = kernel.program();
    let mut draw = Draw::new(index);
    let mut numbers = |n| -> Vec<R> { draw.numbers(n, index.is_multiple_of(3)).into_iter().map(digits).collect() };
    let inputs = numbers(points * p.input_len());
    let params = numbers(p.param_len());
    let directions = numbers(p.param_len() * p.directions as usize);
    let zeros = |n: usize| vec![R::ZERO; n];
    let mut outputs = Fenced::new(&zeros(points * p.output_len()));
    let mut traces = Fenced::new(&zeros(points * p.trace_len()));
    let mut scratch = Fenced::new(&zeros(kernel.scratch_len()));
    let prepared = kernel.prepare(&params, &directions);
    kernel.run_tile(
        scratch.inside(),
        Tile {
            points,
            inputs: &inputs,
            params: &params,
            directions: &directions,
            prepared: &prepared,
            outputs: outputs.inside(),
            traces: traces.inside(),
        },
    );
    assert!(outputs.is_whole() && traces.is_whole() && scratch.is_whole(), "written outside of a buffer\n{p}");
    (outputs.inside().to_vec(), traces.inside().to_vec())
}

fn batch<R: Emit>(first: u64, level: Level) {
    let numbers = first..first + BATCH;
    let programs: Vec<Program> = numbers.clone().map(|i| Maker::program(shape(i), 1_000_000 + i)).collect();
    for p in &programs {
        assert_eq!(verify(p), Ok(()), "{p}");
    }
    let kernels = compile_for::<R>(level, programs.clone()).unwrap_or_else(|e| panic!("{e}"));
    for ((index, program), jit) in numbers.zip(programs).zip(kernels) {
        let interp: Arc<dyn Kernel<R>> = Arc::new(Interpreter::of(program));
        let points = 1 + index as usize % 32;
        let (a, b) = (results(&*interp, points, index), results(&*jit, points, index));
        let equal = same(&a.0, &b.0).and_then(|()| same(&a.1, &b.1));
        if let Err(e) = equal {
            panic!("{e}; program {index}, {points} points, {}, {level:?}\n{}", R::PRECISION.name(), jit.program());
        }
    }
}

#[test]
fn many_random_programs() {
    let count: u64 = std::env::var("SNNC_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let levels = Level::all();
    (0..count / BATCH).into_par_iter().for_each(|k| {
        let level = levels[k as usize % levels.len()];
        match k / levels.len() as u64 % 3 {
            0 => batch::<f64>(k * BATCH, level),
            _ => batch::<f32>(k * BATCH, level),
        }
    });
}
