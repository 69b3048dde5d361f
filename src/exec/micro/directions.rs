//! Directions of a block of weights, side by side, in the shortest form that they have: what x V costs depends on it, and no bit
//! of the result does.
//!
//! ```text
//! [kind, how many or where][unit][…]  then  numbers  |  bytes, multiples of the unit  |  rows that are not 0, place of each row
//! ```

use super::feed::pack_body;
use crate::exec::real::Real;

/// Numbers in front of packed directions, which say of what kind they are.
pub const HEAD: usize = 16;

/// What directions are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind<R> {
    /// All are 0.
    Zero,
    /// Small multiples of a power of two, as signs are and the products of their low ranks: a byte each. So many of them add
    /// up within a byte.
    Bytes {
        unit: R,
        chunk: usize,
    },
    /// Most rows are 0, as those of single weights: the others stand side by side, behind them the place of each row.
    Few {
        places: *const u16,
    },
    Any,
}

/// A row that is 0.
pub const NONE: u16 = u16::MAX;

const ZERO: u32 = 0;
const BYTES: u32 = 1;
const FEW: u32 = 2;
const ANY: u32 = 3;

/// The kind of packed directions; without spikes they do not matter.
///
/// # Safety
/// With spikes, there are packed directions.
#[inline(always)]
pub unsafe fn kind_of<R: Real>(spikes: *const R, v: *const R) -> Kind<R> {
    if spikes.is_null() {
        return Kind::Zero;
    }
    // SAFETY: the head says it; what it says of rows is as long as they are.
    unsafe {
        let [kind, second] = v.cast::<[u32; 2]>().read();
        match kind {
            ZERO => Kind::Zero,
            BYTES => Kind::Bytes { unit: *v.add(HEAD / 2), chunk: second as usize },
            FEW => Kind::Few { places: v.add(HEAD + second as usize).cast() },
            _ => Kind::Any,
        }
    }
}

/// Copies a block's directions, `len` numbers of each row, to rows of `units` units, and finds out of what kind they are.
///
/// # Safety
/// `from` holds `rows` rows at its stride, `to` [`HEAD`] numbers and `rows` rows of `units` units of `padded` numbers, both
/// multiples of 4.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub unsafe fn directions_body<R: Real>(
    rows: usize,
    len: usize,
    units: usize,
    padded: usize,
    from: *const R,
    from_row: usize,
    to: *mut R,
) {
    // SAFETY: the caller's rows; a row of bytes ends before the numbers that it is made from. Rows that are not 0 only move towards
    // the front, and the places of all take less room, 2 bytes for each, than the three quarters of rows that are 0.
    unsafe {
        let row = units * padded;
        let data = to.add(HEAD);
        pack_body(rows, len, from, from_row, data, row);
        let some = (0..rows).filter(|&i| any(data.add(i * row), len)).count();
        let head = if some == 0 {
            [ZERO, 0]
        } else if 4 * some <= rows {
            let mut kept = 0;
            for i in 0..rows {
                if any(data.add(i * row), len) {
                    std::ptr::copy(data.add(i * row), data.add(kept * row), len);
                    kept += 1;
                }
            }
            let places = data.add(kept * row).cast::<u16>();
            let mut next = 0;
            for i in 0..rows {
                let here = any(from.add(i * from_row), len);
                places.add(i).write(if here { next } else { NONE });
                next += u16::from(here);
            }
            [FEW, (kept * row) as u32]
        } else if len == row
            && let Some((unit, most)) = multiples(std::slice::from_raw_parts(data, rows * row))
        {
            to.add(HEAD / 2).write(R::new(unit));
            let bytes = data.cast::<i8>();
            let mut at = 0;
            while at < rows * row {
                // A unit has a multiple of 4 numbers, a row of 16.
                let x = data.add(at).cast::<[R; 16]>().read_unaligned();
                bytes.add(at).cast::<[i8; 16]>().write_unaligned(x.map(|x| (x.wide() / unit) as i8));
                at += 16;
            }
            [BYTES, 127 / most]
        } else {
            [ANY, 0]
        };
        to.cast::<[u32; 2]>().write(head);
    }
}

/// Whether one of so many numbers is not 0.
///
/// # Safety
/// There are so many.
#[inline(always)]
unsafe fn any<R: Real>(x: *const R, len: usize) -> bool {
    // SAFETY: the same.
    unsafe { std::slice::from_raw_parts(x, len) }.iter().any(|&x| x != R::ZERO)
}

/// A power of two that all numbers are multiples of, and the largest multiple, if that is small.
#[inline(always)]
fn multiples<R: Real>(numbers: &[R]) -> Option<(f64, u32)> {
    let largest = numbers.iter().fold(0.0f64, |a, x| a.max(x.wide().abs()));
    // Without its digits a number is the power of two below it.
    let above = f64::from_bits(largest.to_bits() & 0x7ff0_0000_0000_0000);
    (0..=3).map(|k| above / f64::from(1 << k)).find_map(|unit| {
        let whole = |x: &R| (x.wide() / unit).fract() == 0.0;
        // Powers far from 1 could lose bits on the way.
        let sound = (1e-6..1e6).contains(&unit) && numbers.iter().all(whole);
        sound.then(|| (unit, (largest / unit) as u32))
    })
}
