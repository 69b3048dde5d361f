//! Input functions drawn: coefficients, and what networks see of them.
//!
//! ```text
//! draw(seed, set, 17)   ->   the same coefficients wherever they are asked for
//! sensors               ->   the values of the functions that they make, at the sensors
//! ```
//! Every collocation point gets functions of its own, so that as many functions are seen as there are points; reports use
//! functions that no training has seen.

use rand_distr::{Distribution as _, StandardNormal};

use crate::exec::rng::{Purpose, Stream};
use crate::ir::problem::{Function, Problem};

/// The set of functions that reports are made on; residuals use their own numbers.
pub const HELD_OUT: u64 = 0xFFFF_FFFF;

/// The coefficients of all functions, for one point or one run of a report. Empty without functions.
pub fn draw(functions: &[Function], seed: u64, set: u64, index: u64) -> Vec<f64> {
    let count = functions.iter().map(|f| f.coefficients).sum();
    let mut stream = Stream::new(seed, Purpose::Functions, set << 32 | index);
    (0..count).map(|_| StandardNormal.sample(&mut stream)).collect()
}

/// The functions at their sensors, one function after the other, as network kernels take them.
pub fn sensors(functions: &[Function], coefficients: &[f64]) -> Vec<f64> {
    let mut out = vec![];
    let mut first = 0;
    for f in functions {
        let own = &coefficients[first..first + f.coefficients];
        out.extend(f.shapes.iter().map(|row| row.iter().zip(own).map(|(s, c)| s * c).sum::<f64>()));
        first += f.coefficients;
    }
    out
}

/// Inputs of a network kernel: each point `[points][coords]` with the same functions.
pub fn inputs(problem: &Problem, points: &[f64], coefficients: &[f64]) -> Vec<f64> {
    inputs_seen(problem, points, &sensors(&problem.functions, coefficients))
}

/// The same with the functions' values at their sensors.
pub fn inputs_seen(problem: &Problem, points: &[f64], seen: &[f64]) -> Vec<f64> {
    let dim = problem.coords.len().max(1);
    let row = |p: &[f64]| -> Vec<f64> { p.iter().chain(seen).copied().collect() };
    points.chunks_exact(dim).flat_map(row).collect()
}
