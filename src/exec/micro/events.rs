//! Products of spikes with weights, the spikes given as bits.
//!
//! A loop that computes spikes leaves their bits beside the numbers (or instead of them, if nothing else wants the numbers):
//! bit `i` of a row, counted from the lowest of its first byte, is the spike of input `i`. A product looks at 64 inputs at once
//! and adds the rows of weights of those that fired, a block of outputs at a time, in registers.
//!
//! ```text
//! bits 0010 0100 …  ->  y = row 2 + row 5 + …
//! ```
//! The weights are put in order once a run: in blocks of [`BLOCK`] columns, so that a block's rows follow each other and start
//! cache lines; behind the last columns are 0s up to its [`width`].

use super::twins;
use crate::exec::real::Real;

twins! {
    fired => super::fired_body, (points: usize, inputs: usize, columns: usize,
        bits: *const u8, bits_point: usize, w: *const R, y: *mut R, y_point: usize);
}

/// Columns of a block, but for the last.
pub const BLOCK: usize = 128;

/// Numbers in a row of all blocks together: the columns, and what makes the last block one that registers hold.
pub fn width(columns: usize) -> usize {
    let rest = columns % 64;
    columns - rest + if rest > 0 { rest.next_power_of_two().max(16) } else { 0 }
}

/// A point's bits, a block's weights with the numbers in its rows, and the point's part of the block's results.
#[derive(Clone, Copy)]
pub(super) struct Point<R> {
    pub inputs: usize,
    pub bits: *const u8,
    pub w: *const R,
    pub width: usize,
    pub y: *mut R,
    pub columns: usize,
}

/// Calls `each` for all blocks and points: a block's weights are fetched for all points at once.
///
/// # Safety
/// As [`fired_body`].
#[inline(always)]
pub(super) unsafe fn blocks<R: Real>(
    [points, inputs, columns]: [usize; 3],
    (bits, bits_point): (*const u8, usize),
    w: *const R,
    (y, y_point): (*mut R, usize),
    mut each: impl FnMut(Point<R>),
) {
    for first in (0..columns).step_by(BLOCK) {
        let columns = BLOCK.min(columns - first);
        for p in 0..points {
            // SAFETY: blocks before this one are whole, and the block lies below `columns`.
            let (bits, w, y) =
                unsafe { (bits.add(R::BYTES * p * bits_point), w.add(inputs * first), y.add(p * y_point + first)) };
            each(Point { inputs, bits, w, width: width(columns), y, columns });
        }
    }
}

/// y = x W, added from 0 by index of the inputs.
///
/// # Safety
/// `bits` holds `points` rows of at least `inputs` bits in whole words of 8 bytes, `bits_point` numbers apart; `w`
/// holds `inputs` rows of `width(columns)`, in blocks; `y` holds `points` rows of `columns` at its point stride and overlaps neither.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn fired_body<R: Real>(
    points: usize,
    inputs: usize,
    columns: usize,
    bits: *const u8,
    bits_point: usize,
    w: *const R,
    y: *mut R,
    y_point: usize,
) {
    // SAFETY: the caller vouches for the buffers; L columns from `at` on lie below the block's width.
    unsafe {
        blocks([points, inputs, columns], (bits, bits_point), w, (y, y_point), |point| {
            let mut at = 0;
            while at < point.columns {
                at += match point.width - at {
                    64.. => some::<R, 64>(point, at),
                    32.. => some::<R, 32>(point, at),
                    _ => some::<R, 16>(point, at),
                };
            }
        });
    }
}

/// The weights that a point's spikes name: the first of each row.
///
/// # Safety
/// The bits and the weights are there.
#[inline(always)]
pub(super) unsafe fn rows<R: Real>(point: Point<R>, mut each: impl FnMut(*const R)) {
    let mut first = 0;
    // SAFETY: a bit below `inputs` is a row of the weights; words reach no further than the bits' row.
    unsafe {
        while first < point.inputs {
            let mut word = u64::from_le(point.bits.add(first / 8).cast::<u64>().read_unaligned());
            let rest = point.inputs - first;
            if rest < 64 {
                // Beyond the inputs there may be anything.
                word &= (1 << rest) - 1;
            }
            let rows = point.w.add(first * point.width);
            while word != 0 {
                each(rows.add(word.trailing_zeros() as usize * point.width));
                word &= word - 1;
            }
            first += 64;
        }
    }
}

/// L columns from `at` on; gives L.
///
/// # Safety
/// As [`fired_body`], and `at + L <= width`, `at < columns`.
#[inline(always)]
unsafe fn some<R: Real, const L: usize>(point: Point<R>, at: usize) -> usize {
    let mut acc = [R::ZERO; L];
    // SAFETY: rows hold the columns, and no more are written than are wanted.
    unsafe {
        rows(point, |row| {
            let row = row.add(at).cast::<[R; L]>().read_unaligned();
            for (a, w) in acc.iter_mut().zip(row) {
                *a += w;
            }
        });
        let y = point.y.add(at);
        match point.columns - at {
            n if n < L => y.copy_from_nonoverlapping(acc.as_ptr(), n),
            _ => y.cast::<[R; L]>().write_unaligned(acc),
        }
    }
    L
}
