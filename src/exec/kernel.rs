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

/// One tile's work. Lengths are as the module's table says; engines check them.
#[derive(Debug)]
pub struct Tile<'a, R = f32> {
    pub points: usize,
    pub inputs: &'a [R],
    pub params: &'a [R],
    pub directions: &'a [R],
    pub outputs: &'a mut [R],
    pub traces: &'a mut [R],
}

/// A compiled or interpreted program in one precision. Running it twice on the same tile gives the same bits.
pub trait Kernel<R = f32>: Send + Sync {
    fn program(&self) -> &Program;

    /// Numbers of scratch space that `run_tile` needs; its contents never matter.
    fn scratch_len(&self) -> usize;

    /// Runs one tile of 1 ..= [`TILE`] points.
    fn run_tile(&self, scratch: &mut [R], tile: Tile<'_, R>);
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

    pub fn wide(&self) -> Vec<f64> {
        numbers!(self, v => v.iter().map(|x| x.wide()).collect())
    }

    /// `len` numbers from `offset` on of each of the rows that `start .. end` is made of.
    pub fn part(&self, start: usize, end: usize, stride: usize, offset: usize, len: usize) -> Numbers {
        fn pick<R: Copy>(rows: &[R], stride: usize, offset: usize, len: usize) -> Vec<R> {
            rows.chunks_exact(stride).flat_map(|row| &row[offset..offset + len]).copied().collect()
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
