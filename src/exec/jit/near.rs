//! What is done to have numbers in the nearest caches: how many points are run together, and which weights are put in another
//! order beforehand.
//!
//! ```text
//! for a few points { for step { product { layer } } }      states stay near from step to step
//! ```

use super::plan::{Item, Planner};
use crate::exec::kernel::TILE;
use crate::exec::micro::events::width;
use crate::ir::op::Op;
use crate::ir::program::Inst;

/// Numbers of the frames of points that are run together, where much is kept of each: they stay in the second-level cache.
const TOGETHER: usize = 1 << 17;
/// So many are, even if they are longer: a block's weights are fetched for each such group anew.
const LEAST: usize = 4;

/// The same where a frame holds no more than one step of the primal: the first-level cache.
const NEAREST: usize = 12_000;
/// Weights are fetched for so many points at least; products of numbers that are no spikes take four at once.
const LEAST_NEAREST: usize = 8;

impl Planner<'_> {
    /// Points that are run together, of frames of that length.
    pub(super) fn points(&self, frame: usize, staged: bool) -> usize {
        match self.program.directions {
            _ if staged => (TOGETHER / (frame - self.seldom / 4 * 3)).clamp(LEAST, TILE),
            0 => (NEAREST / frame / 4 * 4).clamp(LEAST_NEAREST, TILE),
            _ => TILE,
        }
    }

    /// Gives the weights of products with spikes that are bits their places, where they lie in blocks.
    pub(super) fn weights<'i>(&mut self, items: impl Iterator<Item = &'i Item>) {
        for item in items {
            if let Item::Tile(Inst { op: Op::Dense { x, weight, direction: false }, .. }) = item
                && self.bits.contains_key(x)
                && !self.weights.contains_key(weight)
            {
                let param = &self.program.params[weight.0 as usize];
                self.weights.insert(*weight, self.prepared);
                self.prepared += param.rows as usize * width(param.cols as usize);
            }
        }
    }
}
