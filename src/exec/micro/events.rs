//! Products of spikes with weights, the spikes given as bits.
//!
//! A loop that computes spikes leaves their bits beside the numbers (or instead of them, if nothing else wants the numbers):
//! bit `i` of a row, counted from the lowest of its first byte, is the spike of input `i`. A product looks at 64 inputs at once
//! and adds the rows of weights of those that fired, a block of outputs at a time, in registers.
//!
//! ```text
//! bits 0010 0100 …  ->  y = row 2 + row 5 + …
//! ```

use super::twins;
use crate::exec::real::Real;

twins! {
    fired => super::fired_body, (points: usize, inputs: usize, columns: usize,
        bits: *const u8, bits_point: usize, w: *const R, y: *mut R, y_point: usize);
}

/// Rows of one point: bits of `inputs` spikes, and `inputs` rows of `columns` weights.
#[derive(Clone, Copy)]
struct Point<R> {
    inputs: usize,
    columns: usize,
    bits: *const u8,
    w: *const R,
    y: *mut R,
}

/// y = x W, added from 0 by index of the inputs.
///
/// # Safety
/// `bits` holds `points` rows of at least `inputs` bits in whole words of 8 bytes, `bits_point` numbers apart; `w`
/// holds `inputs` rows of `columns`; `y` holds `points` rows of `columns` at its point stride and overlaps neither.
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
    // SAFETY: each block lies below `columns`; the caller vouches for the buffers.
    unsafe {
        for p in 0..points {
            let point = Point { inputs, columns, bits: bits.add(R::BYTES * p * bits_point), w, y: y.add(p * y_point) };
            match columns {
                64.. => cover::<R, 64>(point),
                32.. => cover::<R, 32>(point),
                16.. => cover::<R, 16>(point),
                8.. => cover::<R, 8>(point),
                4.. => cover::<R, 4>(point),
                _ => cover::<R, 1>(point),
            }
        }
    }
}

/// All columns in blocks of L. The last block may overlap the one before: the same sums are stored again.
///
/// # Safety
/// As [`fired_body`], for one point of at least L columns.
#[inline(always)]
unsafe fn cover<R: Real, const L: usize>(point: Point<R>) {
    let mut column = 0;
    // SAFETY: column + L <= columns, and a last block starts at columns - L or later.
    unsafe {
        while column + L <= point.columns {
            block::<R, L>(point, column);
            column += L;
        }
        match point.columns - column {
            0 => {}
            rest if rest <= 8 && L >= 8 => block::<R, 8>(point, point.columns - 8),
            rest if rest <= 16 && L >= 16 => block::<R, 16>(point, point.columns - 16),
            rest if rest <= 32 && L >= 32 => block::<R, 32>(point, point.columns - 32),
            _ => block::<R, L>(point, point.columns - L),
        }
    }
}

/// # Safety
/// As [`cover`], and `column + L <= columns`.
#[inline(always)]
unsafe fn block<R: Real, const L: usize>(point: Point<R>, column: usize) {
    let mut acc = [R::ZERO; L];
    let mut first = 0;
    // SAFETY: a bit below `inputs` is a row of the weights, which holds the block; words reach no further than the bits' row.
    unsafe {
        while first < point.inputs {
            let mut word = u64::from_le(point.bits.add(first / 8).cast::<u64>().read_unaligned());
            let rest = point.inputs - first;
            if rest < 64 {
                // Beyond the inputs there may be anything.
                word &= (1 << rest) - 1;
            }
            let rows = point.w.add(first * point.columns + column);
            while word != 0 {
                let row = rows.add(word.trailing_zeros() as usize * point.columns).cast::<[R; L]>().read_unaligned();
                word &= word - 1;
                for (a, w) in acc.iter_mut().zip(row) {
                    *a += w;
                }
            }
            first += 64;
        }
        point.y.add(column).cast::<[R; L]>().write_unaligned(acc);
    }
}
