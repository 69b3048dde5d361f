//! Products of rows with weights.
//!
//! `columns` is the length of a row of weights: the outputs, times the directions for directions of weights. Results go to
//! rows where each output has `padded` places for its `lanes` directions (1 and 1 for a primal result).

use super::twins;
use crate::exec::real::Real;

twins! {
    dense => super::dense_body, (points: usize, inputs: usize, columns: usize, lanes: usize, padded: usize,
        x: *const R, x_point: usize, w: *const R, y: *mut R, y_point: usize);
    gather => super::gather_body, (points: usize, inputs: usize, columns: usize, lanes: usize, padded: usize,
        x: *const R, x_point: usize, w: *const R, y: *mut R, y_point: usize);
    tangent => super::tangent_body, (points: usize, inputs: usize, outputs: usize, lanes: usize, padded: usize,
        x: *const R, x_point: usize, w: *const R, y: *mut R, y_point: usize);
    both => super::both_body, (points: usize, inputs: usize, outputs: usize, lanes: usize, padded: usize,
        x: *const R, x_point: usize, v: *const R, y: *mut R, y_point: usize);
}

/// Stores a block of columns, leaving out the padding's places.
///
/// # Safety
/// `y` is a row with places for columns `column .. column + L`.
#[inline(always)]
unsafe fn put<R: Real, const L: usize>(y: *mut R, column: usize, block: &[R; L], lanes: usize, padded: usize) {
    // SAFETY: the caller's row has a place for each of these columns.
    unsafe {
        if lanes == padded {
            y.add(column).cast::<[R; L]>().write_unaligned(*block);
        } else {
            for (i, v) in block.iter().enumerate() {
                let c = column + i;
                *y.add(c / lanes * padded + c % lanes) = *v;
            }
        }
    }
}

/// # Safety
/// As [`put`].
#[inline(always)]
unsafe fn get<R: Real, const L: usize>(y: *const R, column: usize, lanes: usize, padded: usize) -> [R; L] {
    // SAFETY: as `put`.
    unsafe {
        if lanes == padded {
            y.add(column).cast::<[R; L]>().read_unaligned()
        } else {
            std::array::from_fn(|i| {
                let c = column + i;
                *y.add(c / lanes * padded + c % lanes)
            })
        }
    }
}

/// # Safety
/// `x` holds `points` rows of `inputs` numbers and `y` `points` rows of places for all columns, at their point strides; `w`
/// holds `inputs` rows of `columns`; `y` overlaps neither.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn dense_body<R: Real>(
    points: usize,
    inputs: usize,
    columns: usize,
    lanes: usize,
    padded: usize,
    x: *const R,
    x_point: usize,
    w: *const R,
    y: *mut R,
    y_point: usize,
) {
    let shape = Shape { inputs, columns, lanes, padded, x_point, y_point };
    let mut column = 0;
    // SAFETY: the blocks stay below `columns` and `points`; the caller vouches for the buffers.
    unsafe {
        // A block takes half of the vector registers.
        while R::BYTES == 4 && column + 16 <= columns {
            dense_columns::<R, 4, 16>(points, &shape, column, x, w, y);
            column += 16;
        }
        while column + 8 <= columns {
            dense_columns::<R, 4, 8>(points, &shape, column, x, w, y);
            column += 8;
        }
        if column + 4 <= columns {
            dense_columns::<R, 8, 4>(points, &shape, column, x, w, y);
            column += 4;
        }
        while column < columns {
            dense_columns::<R, 8, 1>(points, &shape, column, x, w, y);
            column += 1;
        }
    }
}

struct Shape {
    inputs: usize,
    columns: usize,
    lanes: usize,
    padded: usize,
    x_point: usize,
    y_point: usize,
}

/// All points for a block of columns, P points at once so that each weight is loaded once for them.
///
/// # Safety
/// As [`dense_body`], and `column + L <= columns`.
#[inline(always)]
unsafe fn dense_columns<R: Real, const P: usize, const L: usize>(
    points: usize,
    s: &Shape,
    column: usize,
    x: *const R,
    w: *const R,
    y: *mut R,
) {
    let mut p = 0;
    // SAFETY: p + P <= points.
    unsafe {
        while p + P <= points {
            dense_block::<R, P, L>(s, column, x.add(p * s.x_point), w, y.add(p * s.y_point));
            p += P;
        }
        while p < points {
            dense_block::<R, 1, L>(s, column, x.add(p * s.x_point), w, y.add(p * s.y_point));
            p += 1;
        }
    }
}

/// # Safety
/// As [`dense_columns`], with P points from `x` and `y` on.
#[inline(always)]
unsafe fn dense_block<R: Real, const P: usize, const L: usize>(
    s: &Shape,
    column: usize,
    x: *const R,
    w: *const R,
    y: *mut R,
) {
    let mut acc = [[R::ZERO; L]; P];
    // SAFETY: row i of the weights holds the block's columns, x of P points holds element i.
    unsafe {
        for i in 0..s.inputs {
            let row = w.add(i * s.columns + column).cast::<[R; L]>().read_unaligned();
            for (p, acc) in acc.iter_mut().enumerate() {
                let x = *x.add(p * s.x_point + i);
                for (a, w) in acc.iter_mut().zip(row) {
                    *a = x.fused(w, *a);
                }
            }
        }
        for (p, acc) in acc.iter().enumerate() {
            put(y.add(p * s.y_point), column, acc, s.lanes, s.padded);
        }
    }
}

/// Inputs looked at in one go; the list of the active ones fits the first-level cache.
const CHUNK: usize = 1024;

/// The indices of the elements that are not 0, in order.
#[inline(always)]
fn active<R: Real>(x: &[R], list: &mut [u32; CHUNK]) -> usize {
    let mut n = 0;
    let mut blocks = x.chunks_exact(8);
    let mut at = 0;
    for block in &mut blocks {
        let mut bits = 0u32;
        for (k, &x) in block.iter().enumerate() {
            bits |= u32::from(x != R::ZERO) << k;
        }
        while bits != 0 {
            list[n] = at + bits.trailing_zeros();
            n += 1;
            bits &= bits - 1;
        }
        at += 8;
    }
    for &x in blocks.remainder() {
        if x != R::ZERO {
            list[n] = at;
            n += 1;
        }
        at += 1;
    }
    n
}

/// # Safety
/// As [`dense_body`].
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn gather_body<R: Real>(
    points: usize,
    inputs: usize,
    columns: usize,
    lanes: usize,
    padded: usize,
    x: *const R,
    x_point: usize,
    w: *const R,
    y: *mut R,
    y_point: usize,
) {
    let shape = Shape { inputs, columns, lanes, padded, x_point, y_point };
    let mut list = [0u32; CHUNK];
    for p in 0..points {
        let mut first = 0;
        // At least once, so that no inputs give 0.
        loop {
            let n = CHUNK.min(inputs - first);
            // SAFETY: elements first .. first + n of this point's x; the listed rows and the blocks of columns exist.
            unsafe {
                let x = std::slice::from_raw_parts(x.add(p * x_point + first), n);
                let n = active(x, &mut list);
                let (w, y) = (w.add(first * columns), y.add(p * y_point));
                let list = &list[..n];
                let mut column = 0;
                while R::BYTES == 4 && column + 64 <= columns {
                    gather_block::<R, 64>(&shape, column, list, w, y, first > 0);
                    column += 64;
                }
                while column + 32 <= columns {
                    gather_block::<R, 32>(&shape, column, list, w, y, first > 0);
                    column += 32;
                }
                while column + 8 <= columns {
                    gather_block::<R, 8>(&shape, column, list, w, y, first > 0);
                    column += 8;
                }
                while column < columns {
                    gather_block::<R, 1>(&shape, column, list, w, y, first > 0);
                    column += 1;
                }
            }
            first += n;
            if first >= inputs {
                break;
            }
        }
    }
}

/// # Safety
/// As [`dense_columns`], for the one point of `y`; every index in the list is a row of `w`.
#[inline(always)]
unsafe fn gather_block<R: Real, const L: usize>(
    s: &Shape,
    column: usize,
    list: &[u32],
    w: *const R,
    y: *mut R,
    more: bool,
) {
    // SAFETY: the rows in the list hold the block's columns, and so does y.
    unsafe {
        let mut acc = if more { get::<R, L>(y, column, s.lanes, s.padded) } else { [R::ZERO; L] };
        for &i in list {
            let row = w.add(i as usize * s.columns + column).cast::<[R; L]>().read_unaligned();
            for (a, w) in acc.iter_mut().zip(row) {
                *a += w;
            }
        }
        put(y, column, &acc, s.lanes, s.padded);
    }
}

/// y = dx W; inputs whose tangents are all 0, as a spike's are nearly everywhere, are left out.
///
/// # Safety
/// As [`dense_body`], where a point's `x` is `inputs` and its `y` `outputs` units of `padded` numbers, of which the first
/// `lanes` count.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn tangent_body<R: Real>(
    points: usize,
    inputs: usize,
    outputs: usize,
    lanes: usize,
    padded: usize,
    x: *const R,
    x_point: usize,
    w: *const R,
    y: *mut R,
    y_point: usize,
) {
    let mut list = [0u32; CHUNK];
    let mut first = 0;
    loop {
        let n = CHUNK.min(inputs - first);
        // SAFETY: rows first .. first + n of the weights and of each point's x exist; blocks stay within outputs and lanes.
        unsafe {
            let w = w.add(first * outputs);
            for p in 0..points {
                let x = x.add(p * x_point + first * padded);
                let y = y.add(p * y_point);
                let mut active = 0;
                for i in 0..n {
                    let unit = std::slice::from_raw_parts(x.add(i * padded), lanes);
                    let any = unit.iter().fold(false, |a, &x| a | (x != R::ZERO));
                    list[active] = i as u32;
                    active += usize::from(any);
                }
                let list = &list[..active];
                let mut lane = 0;
                while R::BYTES == 4 && lane + 16 <= padded {
                    tangent_lanes::<R, 16>(outputs, padded, list, x.add(lane), w, y.add(lane), first > 0);
                    lane += 16;
                }
                while lane + 8 <= padded {
                    tangent_lanes::<R, 8>(outputs, padded, list, x.add(lane), w, y.add(lane), first > 0);
                    lane += 8;
                }
                if lane + 4 <= padded {
                    tangent_lanes::<R, 4>(outputs, padded, list, x.add(lane), w, y.add(lane), first > 0);
                }
            }
        }
        first += n;
        if first >= inputs {
            break;
        }
    }
}

/// # Safety
/// `x` and `y` are one point's, moved on to the block of lanes; every index in the list is a row of `x` and `w`.
#[inline(always)]
unsafe fn tangent_lanes<R: Real, const L: usize>(
    outputs: usize,
    padded: usize,
    list: &[u32],
    x: *const R,
    w: *const R,
    y: *mut R,
    more: bool,
) {
    let mut j = 0;
    // SAFETY: as `tangent_body`; j + 4 <= outputs.
    unsafe {
        while j + 4 <= outputs {
            tangent_block::<R, 4, L>(outputs, padded, list, x, w.add(j), y.add(j * padded), more);
            j += 4;
        }
        while j < outputs {
            tangent_block::<R, 1, L>(outputs, padded, list, x, w.add(j), y.add(j * padded), more);
            j += 1;
        }
    }
}

/// # Safety
/// As [`tangent_lanes`], with J outputs from `w` and `y` on.
#[inline(always)]
unsafe fn tangent_block<R: Real, const J: usize, const L: usize>(
    outputs: usize,
    padded: usize,
    list: &[u32],
    x: *const R,
    w: *const R,
    y: *mut R,
    more: bool,
) {
    // SAFETY: as `tangent_body`: the listed rows of x and w, and J outputs of y from here on.
    unsafe {
        let mut acc = [[R::ZERO; L]; J];
        if more {
            for (j, acc) in acc.iter_mut().enumerate() {
                *acc = y.add(j * padded).cast::<[R; L]>().read_unaligned();
            }
        }
        for &i in list {
            let lanes = x.add(i as usize * padded).cast::<[R; L]>().read_unaligned();
            for (j, acc) in acc.iter_mut().enumerate() {
                let w = *w.add(i as usize * outputs + j);
                for (a, x) in acc.iter_mut().zip(lanes) {
                    *a = x.fused(w, *a);
                }
            }
        }
        for (j, acc) in acc.iter().enumerate() {
            y.add(j * padded).cast::<[R; L]>().write_unaligned(*acc);
        }
    }
}

/// # Safety
/// As [`tangent_body`], where `v` holds `lanes` numbers for each weight.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn both_body<R: Real>(
    points: usize,
    inputs: usize,
    outputs: usize,
    lanes: usize,
    padded: usize,
    x: *const R,
    x_point: usize,
    v: *const R,
    y: *mut R,
    y_point: usize,
) {
    // SAFETY: all indices are below points, inputs, outputs and lanes; the caller vouches for the buffers.
    unsafe {
        for p in 0..points {
            let (x, y) = (x.add(p * x_point), y.add(p * y_point));
            for j in 0..outputs {
                for k in 0..lanes {
                    let mut acc = R::ZERO;
                    for i in 0..inputs {
                        acc = (*x.add(i * padded + k)).fused(*v.add((i * outputs + j) * lanes + k), acc);
                    }
                    *y.add(j * padded + k) = acc;
                }
            }
        }
    }
}
