//! What drives a layer's tangents along all directions: x V + dx W over the steps of a pass, for a block of outputs.
//!
//! Lanes are directions: a *unit* is one number for each of them, `padded` in all. Rows of spikes, and rows of tangents that
//! are 0 but where a compact surrogate is not, are gone through by lists of the places that count, made once for all blocks;
//! such tangents are moved side by side.
//! A block's weights and directions are copied side by side beforehand, so that they stay in the nearest cache whatever the
//! width of the layer is.
//!
//! ```text
//! lists;  for a few outputs { pack V, W;  for point { for step { spikes { unit += V }  support { unit += dx * W } } } }
//! ```
//! A list is its length and then places in ascending order, 16 bits each.

use super::directions::{HEAD, Kind, NONE, directions_body, kind_of};
use super::{Level, twins};
use crate::exec::real::Real;

twins! {
    events => super::events_body, (points: usize, steps: usize, n: usize, x: *const R, x_point: usize, x_step: usize,
        list: *mut R, list_point: usize, list_step: usize);
    support => super::support_body, (steps: usize, first: usize, count: usize, padded: usize, x: *const R, x_step: usize,
        to: *mut R, to_step: usize, list: *mut R, list_step: usize);
    pack => super::pack_body, (rows: usize, len: usize, from: *const R, from_row: usize, to: *mut R, to_row: usize);
    directions => super::directions_body, (rows: usize, len: usize, units: usize, padded: usize, from: *const R,
        from_row: usize, to: *mut R);
    feed => super::feed_body, (steps: usize, count: usize, units: usize, padded: usize, spikes: *const R, support: *const R,
        spikes_step: usize, support_step: usize, v: *const R, dx: *const R, dx_step: usize, w: *const R,
        y: *mut R, y_step: usize);
}

/// Outputs of a block.
pub fn units(level: Level) -> usize {
    if level == Level::Avx512 { 8 } else { 4 }
}

/// Places that a list can name.
pub const MOST: usize = 1 << 15;

/// Numbers that a list of `n` places takes, with room for a vector behind it.
pub fn list_len(n: usize) -> usize {
    n / 2 + 9
}

/// Lists the numbers that are not 0.
///
/// # Safety
/// `x` and `list` hold `steps` rows of `n` numbers and of `list_len(n)` for each of `points`, at their strides, and do not
/// overlap; `n` is at most [`MOST`].
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn events_body<R: Real>(
    points: usize,
    steps: usize,
    n: usize,
    x: *const R,
    x_point: usize,
    x_step: usize,
    list: *mut R,
    list_point: usize,
    list_step: usize,
) {
    for p in 0..points {
        for s in 0..steps {
            // SAFETY: the caller's rows; no more places are written than there are numbers, after the length.
            unsafe {
                let x = std::slice::from_raw_parts(x.add(p * x_point + s * x_step), n);
                let list = list.add(p * list_point + s * list_step).cast::<u16>();
                let mut to = list.add(1);
                let mut at = 0;
                let mut blocks = x.chunks_exact(8);
                for block in &mut blocks {
                    let mut bits = 0u32;
                    for (k, &x) in block.iter().enumerate() {
                        bits |= u32::from(x != R::ZERO) << k;
                    }
                    while bits != 0 {
                        *to = at + bits.trailing_zeros() as u16;
                        to = to.add(1);
                        bits &= bits - 1;
                    }
                    at += 8;
                }
                for &x in blocks.remainder() {
                    if x != R::ZERO {
                        *to = at;
                        to = to.add(1);
                    }
                    at += 1;
                }
                *list = to.offset_from(list) as u16 - 1;
            }
        }
    }
}

/// Adds the units of a block that are not 0 along every direction to a list, and puts them behind those that it names already.
/// The first block starts the list.
///
/// # Safety
/// `x` holds `steps` rows of `count` units of `padded` numbers, `to` and `list` rows with room for all units up to
/// `first + count`, at their strides; they do not overlap. There are at most [`MOST`], `padded` is a multiple of 4.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn support_body<R: Real>(
    steps: usize,
    first: usize,
    count: usize,
    padded: usize,
    x: *const R,
    x_step: usize,
    to: *mut R,
    to_step: usize,
    list: *mut R,
    list_step: usize,
) {
    for s in 0..steps {
        // SAFETY: the caller's rows; no more units are written than were read, after the list's length no more places.
        unsafe {
            let (x, to) = (x.add(s * x_step), to.add(s * to_step));
            let list = list.add(s * list_step).cast::<u16>();
            let mut len = if first == 0 { 0 } else { *list as usize };
            for i in 0..count {
                let (unit, to) = (x.add(i * padded), to.add(len * padded));
                let mut any = false;
                let mut lane = 0;
                while lane + 16 <= padded {
                    any |= carry::<R, 16>(unit.add(lane), to.add(lane));
                    lane += 16;
                }
                while lane < padded {
                    any |= carry::<R, 4>(unit.add(lane), to.add(lane));
                    lane += 4;
                }
                *list.add(1 + len) = (first + i) as u16;
                len += usize::from(any);
            }
            *list = len as u16;
        }
    }
}

/// Copies L numbers and says whether one is not 0.
///
/// # Safety
/// There are as many at either side.
#[inline(always)]
unsafe fn carry<R: Real, const L: usize>(from: *const R, to: *mut R) -> bool {
    // SAFETY: the same.
    unsafe {
        let x = from.cast::<[R; L]>().read_unaligned();
        to.cast::<[R; L]>().write_unaligned(x);
        x.iter().fold(false, |a, &x| a | (x != R::ZERO))
    }
}

/// Copies the first `len` numbers of each row.
///
/// # Safety
/// Both sides hold `rows` rows of as many numbers, at their strides, and do not overlap.
#[inline(always)]
pub(super) unsafe fn pack_body<R: Real>(
    rows: usize,
    len: usize,
    from: *const R,
    from_row: usize,
    to: *mut R,
    to_row: usize,
) {
    for i in 0..rows {
        // SAFETY: the caller's rows.
        unsafe {
            let (from, to) = (from.add(i * from_row), to.add(i * to_row));
            let mut at = 0;
            while at + 16 <= len {
                to.add(at).cast::<[R; 16]>().write_unaligned(from.add(at).cast::<[R; 16]>().read_unaligned());
                at += 16;
            }
            while at + 4 <= len {
                to.add(at).cast::<[R; 4]>().write_unaligned(from.add(at).cast::<[R; 4]>().read_unaligned());
                at += 4;
            }
            while at < len {
                *to.add(at) = *from.add(at);
                at += 1;
            }
        }
    }
}

/// What a block's feed is computed from.
struct Feed<R> {
    steps: usize,
    units: usize,
    padded: usize,
    spikes: *const R,
    support: *const R,
    spikes_step: usize,
    support_step: usize,
    v: *const R,
    dx: *const R,
    dx_step: usize,
    w: *const R,
    y: *mut R,
    y_step: usize,
}

/// y = x V + dx W at one point, the two sums rounded apart and products added without rounding in between.
///
/// # Safety
/// `y` holds `steps` rows of `units` units, of which `count` are wanted. Either list is null, and its sum is left out, or has
/// `steps` lists at its stride. `v` holds packed directions and `w` rows of `units` numbers, a row for each place that is named; `dx` holds `steps` rows of units, as many as are listed. A unit has `padded` numbers, a multiple of 4. `y` overlaps nothing else.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn feed_body<R: Real>(
    steps: usize,
    count: usize,
    units: usize,
    padded: usize,
    spikes: *const R,
    support: *const R,
    spikes_step: usize,
    support_step: usize,
    v: *const R,
    dx: *const R,
    dx_step: usize,
    w: *const R,
    y: *mut R,
    y_step: usize,
) {
    let f = Feed { steps, units, padded, spikes, support, spikes_step, support_step, v, dx, dx_step, w, y, y_step };
    let mut lane = 0;
    // SAFETY: blocks end where units do.
    unsafe {
        // A block takes half of the vector registers.
        while R::BYTES == 4 && lane + 16 <= padded {
            outputs::<R, 16>(&f, count, lane);
            lane += 16;
        }
        while lane + 8 <= padded {
            outputs::<R, 8>(&f, count, lane);
            lane += 8;
        }
        if lane + 4 <= padded {
            outputs::<R, 4>(&f, count, lane);
        }
    }
}

/// # Safety
/// As [`feed_body`], with `lane + L <= padded`.
#[inline(always)]
unsafe fn outputs<R: Real, const L: usize>(f: &Feed<R>, count: usize, lane: usize) {
    // SAFETY: the same.
    unsafe {
        let mut j = 0;
        while j + 4 <= count {
            block::<R, 4, L>(f, j, lane);
            j += 4;
        }
        while j < count {
            block::<R, 1, L>(f, j, lane);
            j += 1;
        }
    }
}

/// # Safety
/// There is a list.
#[inline(always)]
pub(super) unsafe fn places<'a, R: Real>(list: *const R) -> &'a [u16] {
    let list = list.cast::<u16>();
    // SAFETY: as it was written.
    unsafe { std::slice::from_raw_parts(list.add(1), *list as usize) }
}

/// The sum of the listed rows of directions, in a block's part of them.
///
/// # Safety
/// There are rows of that length for all of them, units of `padded` numbers, and the block lies within a row.
#[inline(always)]
unsafe fn add_rows<R: Real, const J: usize, const L: usize>(
    places: impl Iterator<Item = u16>,
    v: *const R,
    padded: usize,
    length: usize,
    at: usize,
) -> [[R; L]; J] {
    let mut sum = [[R::ZERO; L]; J];
    for i in places {
        // SAFETY: that row.
        unsafe {
            let row = v.add(usize::from(i) * length + at);
            for (j, acc) in sum.iter_mut().enumerate() {
                let v = row.add(j * padded).cast::<[R; L]>().read_unaligned();
                for (a, v) in acc.iter_mut().zip(v) {
                    *a += v;
                }
            }
        }
    }
    sum
}

/// The same for multiples of a power of two, `chunk` of which add up within a byte. Such numbers add up without rounding, so it has
/// the same bits.
///
/// # Safety
/// As [`add_rows`], of bytes.
#[inline(always)]
unsafe fn add_bytes<R: Real, const J: usize, const L: usize>(
    places: &[u16],
    v: *const i8,
    (unit, chunk): (R, usize),
    padded: usize,
    length: usize,
    at: usize,
) -> [[R; L]; J] {
    let mut sum = [[R::ZERO; L]; J];
    for places in places.chunks(chunk) {
        let mut bytes = [[0i8; L]; J];
        for &i in places {
            // SAFETY: that row.
            unsafe {
                let row = v.add(i as usize * length + at);
                for (j, acc) in bytes.iter_mut().enumerate() {
                    let v = row.add(j * padded).cast::<[i8; L]>().read_unaligned();
                    for (a, v) in acc.iter_mut().zip(v) {
                        *a = a.wrapping_add(v);
                    }
                }
            }
        }
        for (acc, bytes) in sum.iter_mut().zip(bytes) {
            for (a, b) in acc.iter_mut().zip(bytes) {
                *a += R::new(f64::from(b)) * unit;
            }
        }
    }
    sum
}

/// # Safety
/// As [`outputs`], with `first + J <= count`.
#[inline(always)]
unsafe fn block<R: Real, const J: usize, const L: usize>(f: &Feed<R>, first: usize, lane: usize) {
    let at = first * f.padded + lane;
    // SAFETY: with spikes there are directions.
    let kind = unsafe { kind_of(f.spikes, f.v) };
    let row = f.units * f.padded;
    for s in 0..f.steps {
        // SAFETY: the buffers hold what `feed_body` says.
        unsafe {
            let along = match kind {
                Kind::Zero => [[R::ZERO; L]; J],
                Kind::Bytes { unit, chunk } => {
                    let v = f.v.add(HEAD).cast::<i8>();
                    add_bytes(places(f.spikes.add(s * f.spikes_step)), v, (unit, chunk), f.padded, row, at)
                }
                Kind::Few { places: rows } => {
                    let places = places(f.spikes.add(s * f.spikes_step)).iter().map(|&i| *rows.add(i.into()));
                    add_rows(places.filter(|&i| i != NONE), f.v.add(HEAD), f.padded, row, at)
                }
                Kind::Any => {
                    let places = places(f.spikes.add(s * f.spikes_step)).iter().copied();
                    add_rows(places, f.v.add(HEAD), f.padded, row, at)
                }
            };
            let mut through = [[R::ZERO; L]; J];
            if !f.support.is_null() {
                let dx = f.dx.add(s * f.dx_step + lane);
                for (k, &i) in places(f.support.add(s * f.support_step)).iter().enumerate() {
                    let unit = dx.add(k * f.padded).cast::<[R; L]>().read_unaligned();
                    let row = f.w.add(i as usize * f.units + first);
                    for (j, acc) in through.iter_mut().enumerate() {
                        let w = *row.add(j);
                        for (a, x) in acc.iter_mut().zip(unit) {
                            *a = x.fused(w, *a);
                        }
                    }
                }
            }
            let y = f.y.add(s * f.y_step + at);
            for (j, (a, b)) in along.iter().zip(&through).enumerate() {
                let sum = if f.spikes.is_null() { *b } else { std::array::from_fn(|k| a[k] + b[k]) };
                y.add(j * f.padded).cast::<[R; L]>().write_unaligned(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use crate::exec::micro::{Symbol, symbols};
    use crate::exec::rng::{Purpose, Stream};

    use super::*;

    // SAFETY of calling these: as the functions of these names say.
    type Events = unsafe extern "C" fn(usize, usize, usize, *const f32, usize, usize, *mut f32, usize, usize);
    type Support =
        unsafe extern "C" fn(usize, usize, usize, usize, *const f32, usize, *mut f32, usize, *mut f32, usize);
    type Pack = unsafe extern "C" fn(usize, usize, *const f32, usize, *mut f32, usize);
    type Directions = unsafe extern "C" fn(usize, usize, usize, usize, *const f32, usize, *mut f32);
    type Feed = unsafe extern "C" fn(
        usize,
        usize,
        usize,
        usize,
        *const f32,
        *const f32,
        usize,
        usize,
        *const f32,
        *const f32,
        usize,
        *const f32,
        *mut f32,
        usize,
    );

    fn address(table: &[Symbol], name: &str) -> *const u8 {
        table.iter().find(|s| s.name == name).expect("it is in the table").address
    }

    /// x V + dx W for `count` of the outputs, one step after the other, as the table's functions give it.
    fn fed(table: &[Symbol], c: &Case, units: usize) -> Vec<f32> {
        let Case { steps, n, padded, count, x, dx, v, w, .. } = c;
        let (steps, n, padded, count) = (*steps, *n, *padded, *count);
        let mut moved = vec![f32::NAN; steps * n * padded];
        let mut lists = vec![vec![f32::NAN; steps * list_len(n)]; 2];
        let [a, b] = lists.as_mut_slice() else { unreachable!() };
        let (mut vs, mut ws) = (vec![f32::NAN; HEAD + n * units * padded], vec![f32::NAN; n * units]);
        let mut y = vec![f32::NAN; steps * units * padded];
        // SAFETY: the types are those of the functions of these names, the buffers as long as they say.
        unsafe {
            let events = std::mem::transmute::<*const u8, Events>(address(table, "events"));
            events(1, steps, n, x.as_ptr(), 0, n, a.as_mut_ptr(), 0, list_len(n));
            let support = std::mem::transmute::<*const u8, Support>(address(table, "support"));
            let (from, to, list) = (dx.as_ptr(), moved.as_mut_ptr(), b.as_mut_ptr());
            for first in (0..n).step_by(7) {
                let from = from.add(first * padded);
                support(steps, first, 7.min(n - first), padded, from, n * padded, to, n * padded, list, list_len(n));
            }
            let pack = std::mem::transmute::<*const u8, Pack>(address(table, "pack"));
            pack(n, count, w.as_ptr(), count, ws.as_mut_ptr(), units);
            let directions = std::mem::transmute::<*const u8, Directions>(address(table, "directions"));
            directions(n, count * padded, units, padded, v.as_ptr(), count * padded, vs.as_mut_ptr());
            let feed = std::mem::transmute::<*const u8, Feed>(address(table, "feed"));
            let (a, b, s) = (a.as_ptr(), b.as_ptr(), list_len(n));
            let (v, dx, w, y) = (vs.as_ptr(), moved.as_ptr(), ws.as_ptr(), y.as_mut_ptr());
            feed(steps, count, units, padded, a, b, s, s, v, dx, n * padded, w, y, units * padded);
        }
        y.chunks_exact(units * padded).flat_map(|y| &y[..count * padded]).copied().collect()
    }

    struct Case {
        steps: usize,
        n: usize,
        padded: usize,
        count: usize,
        x: Vec<f32>,
        dx: Vec<f32>,
        v: Vec<f32>,
        w: Vec<f32>,
    }

    impl Case {
        fn plain(&self) -> Vec<f32> {
            let mut y = vec![];
            for s in 0..self.steps {
                for j in 0..self.count {
                    for k in 0..self.padded {
                        let (mut along, mut through) = (0f32, 0f32);
                        for i in 0..self.n {
                            let unit = &self.dx[(s * self.n + i) * self.padded..][..self.padded];
                            if self.x[s * self.n + i] != 0.0 {
                                along += self.v[(i * self.count + j) * self.padded + k];
                            }
                            if unit.iter().any(|x| *x != 0.0) {
                                through = unit[k].mul_add(self.w[i * self.count + j], through);
                            }
                        }
                        y.push(along + through);
                    }
                }
            }
            y
        }
    }

    #[test]
    fn feeds_are_products_of_rows_whatever_the_directions_are() {
        let mut s = Stream::new(1, Purpose::Test, 78);
        let mut number = |zero: u32| if s.next_u32() % 4 < zero { 0.0 } else { s.next_u32() as i32 as f32 / 1e9 };
        for (n, padded, count) in [
            (1, 4, 1),
            (9, 8, 4),
            (300, 16, 4),
            (300, 16, 8),
            (17, 24, 3),
            (40, 40, 7),
            (20, 16, 5),
            (65, 16, 16),
            (33, 16, 13),
        ] {
            for kind in ["zero", "signs", "halves", "eighths", "few", "any", "one"] {
                let steps = 3;
                let x = (0..steps * n).map(|_| f32::from(number(2) != 0.0)).collect();
                let dx = (0..steps * n).flat_map(|_| {
                    let all = number(2);
                    std::iter::repeat_n(all, padded)
                });
                let mut dx: Vec<f32> = dx.collect();
                dx.iter_mut().for_each(|x| *x *= number(1));
                let mut v: Vec<f32> = (0..n * count * padded)
                    .map(|_| match kind {
                        "zero" => 0.0,
                        "signs" => 1f32.copysign(number(0)),
                        // Sums of four and of sixteen signs, as directions of these ranks are.
                        "halves" => (0..4).map(|_| 0.5f32.copysign(number(0))).sum(),
                        "eighths" => (0..16).map(|_| 0.25f32.copysign(number(0))).sum(),
                        _ => number(1),
                    })
                    .collect();
                if kind == "one" {
                    v.fill(1.0);
                    v[n * count * padded - 1] = 0.5;
                }
                if kind == "few" {
                    let rows = v.chunks_exact_mut(count * padded).enumerate();
                    rows.filter(|(i, _)| i % 5 != 3).for_each(|(_, row)| row.fill(0.0));
                }
                let w = (0..n * count).map(|_| number(1)).collect();
                let case = Case { steps, n, padded, count, x, dx, v, w };
                let bits = |y: Vec<f32>| y.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                let want = bits(case.plain());
                for table in Level::all().into_iter().map(symbols::<f32>) {
                    for units in [4, 8].into_iter().filter(|u| *u >= count) {
                        assert_eq!(bits(fed(&table, &case, units)), want, "{n} {padded} {count} {units} {kind}");
                    }
                }
            }
        }
    }
}
