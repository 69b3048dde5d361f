//! A program that can be run, and the buffers it runs on.
//!
//! Points are independent of each other; a kernel works on a tile of at most [`TILE`] of them. Buffers are point-major:
//!
//! | buffer | layout |
//! |---|---|
//! | `inputs` | `[points][input_len]`, the inputs one after the other |
//! | `params` | `[param_len]`, as `Program::params` says |
//! | `directions` | `[param_len][directions]`; empty if the program has no tangents |
//! | `outputs` | `[points][output_len]`, the outputs one after the other, a tangent as `[width][directions]` |
//! | `traces` | `[points]`, each the passes one after the other as `[steps][width]` (`Program::trace_layout`); empty if the program has no traces |

use std::sync::Arc;

use crate::exec::driver;
use crate::exec::real::Real;
use crate::ir::program::Program;
use crate::plan::Precision;

/// Points in a tile: their states stay in the first-level cache.
pub const TILE: usize = 32;

/// Directions that tangents are taken along together, at most: their lanes fill the registers of a block.
pub const DIRECTIONS: usize = 16;

/// Directions of the program that takes `count` of them, which is at most [`DIRECTIONS`]: whole vectors.
pub fn lanes_for(count: usize) -> usize {
    if count <= 4 { 4 } else { count.next_multiple_of(8) }
}

/// One tile's work. Lengths are as the module's table says; engines check them.
#[derive(Debug)]
pub struct Tile<'a, R = f32> {
    pub points: usize,
    pub inputs: &'a [R],
    pub params: &'a [R],
    pub directions: &'a [R],
    /// What [`Kernel::prepare`] made of parameters and directions.
    pub prepared: &'a [R],
    pub outputs: &'a mut [R],
    pub traces: &'a mut [R],
}

/// A compiled or interpreted program in one precision. Running it twice on the same tile gives the same bits.
pub trait Kernel<R = f32>: Send + Sync {
    fn program(&self) -> &Program;

    /// Parameters and directions in the order in which all tiles of a run read them; nothing if they are read as they are.
    fn prepare(&self, _params: &[R], _directions: &[R]) -> Vec<R> {
        vec![]
    }

    /// Numbers of scratch space that `run_tile` needs; its contents never matter.
    fn scratch_len(&self) -> usize;

    fn cost(&self) -> Cost {
        Cost::default()
    }

    /// Runs one tile of 1 ..= [`TILE`] points.
    fn run_tile(&self, scratch: &mut [R], tile: Tile<'_, R>);
}

/// What compiling a program came to; nothing for the interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Machine code, without the micro-kernels that it calls.
    pub code_bytes: usize,
    /// Seconds of planning and code generation, with a share of what all kernels that are compiled at once have in common.
    pub seconds: f64,
}

/// Everything a batch yields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Results<R = f32> {
    pub outputs: Vec<R>,
    pub traces: Vec<R>,
}

/// Numbers in the precision of the kernel that they come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

/// The two precisions in one match: `numbers!(n, v => v.len())`.
macro_rules! numbers {
    ($of:expr, $v:ident => $body:expr) => {
        match $of {
            $crate::exec::kernel::Numbers::Single($v) => $body,
            $crate::exec::kernel::Numbers::Double($v) => $body,
        }
    };
}
pub(crate) use numbers;

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers::Single(vec![])
    }
}

impl Numbers {
    pub fn len(&self) -> usize {
        numbers!(self, v => v.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn at(&self, i: usize) -> f64 {
        numbers!(self, v => v[i].wide())
    }

    /// # Panics
    /// If they are in double precision.
    pub fn single(&self) -> &[f32] {
        match self {
            Numbers::Single(v) => v,
            Numbers::Double(_) => panic!("numbers of one kernel are in one precision"),
        }
    }

    /// # Panics
    /// If they are in single precision.
    pub fn double(&self) -> &[f64] {
        match self {
            Numbers::Double(v) => v,
            Numbers::Single(_) => panic!("numbers of one kernel are in one precision"),
        }
    }

    pub fn wide(&self) -> Vec<f64> {
        numbers!(self, v => v.iter().map(|x| x.wide()).collect())
    }

    /// `len` numbers from `offset` on of each of the rows that `start .. end` is made of.
    pub fn part(&self, start: usize, end: usize, stride: usize, offset: usize, len: usize) -> Numbers {
        fn pick<R: Copy>(rows: &[R], stride: usize, offset: usize, len: usize) -> Vec<R> {
            let mut values = Vec::with_capacity(rows.len() / stride * len);
            rows.chunks_exact(stride).for_each(|row| values.extend_from_slice(&row[offset..offset + len]));
            values
        }
        match self {
            Numbers::Single(v) => Numbers::Single(pick(&v[start..end], stride, offset, len)),
            Numbers::Double(v) => Numbers::Double(pick(&v[start..end], stride, offset, len)),
        }
    }
}

/// A kernel of either precision. Callers speak double precision; what a single-precision kernel takes is rounded once.
#[derive(Clone)]
pub enum AnyKernel {
    Single(Arc<dyn Kernel<f32>>),
    Double(Arc<dyn Kernel<f64>>),
}

/// As [`Results`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnyResults {
    pub outputs: Numbers,
    pub traces: Numbers,
}

impl AnyKernel {
    pub fn program(&self) -> &Program {
        match self {
            AnyKernel::Single(k) => k.program(),
            AnyKernel::Double(k) => k.program(),
        }
    }

    pub fn precision(&self) -> Precision {
        match self {
            AnyKernel::Single(_) => Precision::F32,
            AnyKernel::Double(_) => Precision::F64,
        }
    }

    pub fn cost(&self) -> Cost {
        match self {
            AnyKernel::Single(k) => k.cost(),
            AnyKernel::Double(k) => k.cost(),
        }
    }

    /// As [`driver::run`].
    pub fn run(&self, inputs: &[f64], params: &[f64], directions: &[f64]) -> AnyResults {
        match self {
            AnyKernel::Single(k) => {
                driver::run(k.as_ref(), &narrow(inputs), &narrow(params), &narrow(directions)).into()
            }
            AnyKernel::Double(k) => driver::run(k.as_ref(), inputs, params, directions).into(),
        }
    }

    /// As [`driver::run_many`].
    pub fn run_many(&self, inputs: &[f64], params: &[&[f64]]) -> Vec<AnyResults> {
        match self {
            AnyKernel::Single(k) => {
                let params: Vec<Vec<f32>> = params.iter().map(|p| narrow(p)).collect();
                let params: Vec<&[f32]> = params.iter().map(Vec::as_slice).collect();
                driver::run_many(k.as_ref(), &narrow(inputs), &params).into_iter().map(Into::into).collect()
            }
            AnyKernel::Double(k) => driver::run_many(k.as_ref(), inputs, params).into_iter().map(Into::into).collect(),
        }
    }
}

fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

impl From<Results<f32>> for AnyResults {
    fn from(r: Results<f32>) -> AnyResults {
        AnyResults { outputs: Numbers::Single(r.outputs), traces: Numbers::Single(r.traces) }
    }
}

impl From<Results<f64>> for AnyResults {
    fn from(r: Results<f64>) -> AnyResults {
        AnyResults { outputs: Numbers::Double(r.outputs), traces: Numbers::Double(r.traces) }
    }
}

impl AnyResults {
    /// The first point with an output that is not a finite number, of a program that yields `outputs` numbers a point.
    pub fn first_not_finite(&self, outputs: usize) -> Option<usize> {
        numbers!(&self.outputs, v => first_not_finite(v, outputs))
    }
}

fn first_not_finite<R: Real>(values: &[R], outputs: usize) -> Option<usize> {
    // A product with 0 is 0 or not a number, so that the sum tells; a sum has no branches.
    let fine = |part: &[R]| {
        let mut sum = R::ZERO;
        part.iter().for_each(|x| sum += *x * R::ZERO);
        sum == R::ZERO
    };
    let chunk = outputs * TILE;
    let tile = values.chunks(chunk.max(1)).position(|tile| !fine(tile))?;
    let first = tile * TILE;
    let within = values[first * outputs..].chunks(outputs).position(|point| !fine(point))?;
    Some(first + within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_point_that_is_not_finite_is_found() {
        let mut values = vec![1e30f32; 3 * 100];
        assert_eq!(first_not_finite(&values, 3), None);
        values[3 * 70 + 1] = f32::NAN;
        values[3 * 64 + 2] = f32::NEG_INFINITY;
        assert_eq!(first_not_finite(&values, 3), Some(64));
        let wide: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
        let results = AnyResults { outputs: Numbers::Double(wide), ..AnyResults::default() };
        assert_eq!(results.first_not_finite(3), Some(64));
        assert_eq!(AnyResults::default().first_not_finite(0), None);
    }
}
