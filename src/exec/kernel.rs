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

    fn cost(&self) -> Cost {
        Cost::default()
    }

    /// Runs one tile of 1 ..= [`TILE`] points.
    fn run_tile(&self, scratch: &mut [f32], tile: Tile<'_>);
}

/// What compiling a program came to; nothing for the interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Machine code, without the micro-kernels that it calls.
    pub code_bytes: usize,
    /// Seconds of planning and code generation.
    pub seconds: f64,
}

/// Everything a batch yields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Results {
    pub outputs: Vec<f32>,
    pub traces: Vec<f32>,
}

impl Results {
    /// The first point with an output that is not a finite number, of a program that yields `outputs` numbers a point.
    pub fn first_not_finite(&self, outputs: usize) -> Option<usize> {
        // A product with 0 is 0 or not a number, so that the sum tells; a sum has no branches.
        let fine = |part: &[f32]| part.iter().map(|x| x * 0.0).sum::<f32>() == 0.0;
        let chunk = outputs * TILE;
        let tile = self.outputs.chunks(chunk.max(1)).position(|tile| !fine(tile))?;
        let first = tile * TILE;
        let within = self.outputs[first * outputs..].chunks(outputs).position(|point| !fine(point))?;
        Some(first + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_point_that_is_not_finite_is_found() {
        let mut results = Results { outputs: vec![1e30; 3 * 100], traces: vec![] };
        assert_eq!(results.first_not_finite(3), None);
        results.outputs[3 * 70 + 1] = f32::NAN;
        results.outputs[3 * 64 + 2] = f32::NEG_INFINITY;
        assert_eq!(results.first_not_finite(3), Some(64));
        assert_eq!(Results::default().first_not_finite(0), None);
    }
}
