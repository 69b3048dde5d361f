//! Copies and sums of rows.

use super::twins;
use crate::exec::real::Real;

/// Copies `lanes` numbers for each of `units` for each of `points` from one layout to another.
///
/// # Safety
/// Both sides hold `points` rows at their point strides, of `units` parts at their unit strides, of `lanes` numbers, and do
/// not overlap.
#[allow(clippy::too_many_arguments)]
pub(super) unsafe extern "C" fn copy<R: Real>(
    points: usize,
    units: usize,
    lanes: usize,
    to: *mut R,
    to_point: usize,
    to_unit: usize,
    from: *const R,
    from_point: usize,
    from_unit: usize,
) {
    for p in 0..points {
        for u in 0..units {
            // SAFETY: within the rows that the caller vouches for.
            unsafe {
                let from = from.add(p * from_point + u * from_unit);
                std::ptr::copy_nonoverlapping(from, to.add(p * to_point + u * to_unit), lanes);
            }
        }
    }
}

twins! {
    sum => super::sum_body, (points: usize, units: usize, lanes: usize, x: *const R, x_point: usize, x_unit: usize,
        y: *mut R, y_point: usize);
}

/// y = the sum of x over `units`, lane by lane, in order, from 0.
///
/// # Safety
/// `x` holds `points` rows of `units` parts of `lanes` numbers at its strides, `y` `points` rows of `lanes`; they do not
/// overlap.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn sum_body<R: Real>(
    points: usize,
    units: usize,
    lanes: usize,
    x: *const R,
    x_point: usize,
    x_unit: usize,
    y: *mut R,
    y_point: usize,
) {
    // SAFETY: all offsets are below points, units and lanes, so inside what the caller vouches for.
    unsafe {
        for lane in 0..lanes {
            let mut p = 0;
            // Eight points at once: each sum is a chain, eight chains hide its latency.
            while p + 8 <= points {
                let mut acc = [R::ZERO; 8];
                for u in 0..units {
                    for (k, a) in acc.iter_mut().enumerate() {
                        *a += *x.add((p + k) * x_point + u * x_unit + lane);
                    }
                }
                for (k, a) in acc.iter().enumerate() {
                    *y.add((p + k) * y_point + lane) = *a;
                }
                p += 8;
            }
            while p < points {
                let mut acc = R::ZERO;
                for u in 0..units {
                    acc += *x.add(p * x_point + u * x_unit + lane);
                }
                *y.add(p * y_point + lane) = acc;
                p += 1;
            }
        }
    }
}
