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

use crate::ir::program::Program;

/// Points in a tile: their states stay in the first-level cache.
pub const TILE: usize = 32;

/// One tile's work. Lengths are as the module's table says; engines check them.
#[derive(Debug)]
pub struct Tile<'a> {
    pub points: usize,
    pub inputs: &'a [f32],
    pub params: &'a [f32],
    pub directions: &'a [f32],
    pub outputs: &'a mut [f32],
    pub traces: &'a mut [f32],
}

/// A compiled or interpreted program. Running it twice on the same tile gives the same bits.
pub trait Kernel: Send + Sync {
    fn program(&self) -> &Program;

    /// Numbers of scratch space that `run_tile` needs; its contents never matter.
    fn scratch_len(&self) -> usize;

    /// Runs one tile of 1 ..= [`TILE`] points.
    fn run_tile(&self, scratch: &mut [f32], tile: Tile<'_>);
}

/// Everything a batch yields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Results {
    pub outputs: Vec<f32>,
    pub traces: Vec<f32>,
}
