//! Products with spikes and what feeds tangents, for processors with AVX-512. A product has a whole block of columns in registers, so
//! that it goes through the bits once. Tangents are fed eight outputs at a time along sixteen directions, a vector each. The order of
//! additions is that of [`feed`](super::feed), and so are the bits; twice as many registers halve the ways through the lists,
//! each of which ends with a branch that nothing foretells.

use std::arch::x86_64::*;

use super::directions::{HEAD, Kind, NONE, kind_of};
use super::events::{Point, blocks, rows};
use super::feed::{feed_body, places, support_body};

/// What it has, by name.
pub(super) fn all() -> [(&'static str, *const u8); 4] {
    [
        ("fired", fired as *const u8),
        ("feed", feed as *const u8),
        ("events", events as *const u8),
        ("support", support as *const u8),
    ]
}

/// Directions.
const LANES: usize = 16;

/// Where a block's buffers lie.
struct Feed {
    steps: usize,
    units: usize,
    spikes: *const f32,
    support: *const f32,
    spikes_step: usize,
    support_step: usize,
    v: *const f32,
    dx: *const f32,
    dx_step: usize,
    w: *const f32,
    y: *mut f32,
    y_step: usize,
}

/// # Safety
/// As [`feed_body`]; the processor has [`Level::Avx512`](super::Level).
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe extern "C" fn feed(
    steps: usize,
    count: usize,
    units: usize,
    padded: usize,
    spikes: *const f32,
    support: *const f32,
    spikes_step: usize,
    support_step: usize,
    v: *const f32,
    dx: *const f32,
    dx_step: usize,
    w: *const f32,
    y: *mut f32,
    y_step: usize,
) {
    // SAFETY: the buffers are those of `feed_body`, of `LANES` numbers a unit in `block`.
    unsafe {
        if padded != LANES {
            feed_body(
                steps,
                count,
                units,
                padded,
                spikes,
                support,
                spikes_step,
                support_step,
                v,
                dx,
                dx_step,
                w,
                y,
                y_step,
            );
            return;
        }
        let f = Feed { steps, units, spikes, support, spikes_step, support_step, v, dx, dx_step, w, y, y_step };
        let mut first = 0;
        while first < count {
            first += match count - first {
                8.. => block::<8>(&f, first),
                4.. => block::<4>(&f, first),
                _ => block::<1>(&f, first),
            };
        }
    }
}

/// J outputs from `first` on; gives J.
///
/// # Safety
/// As [`feed`], with `first + J <= count`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn block<const J: usize>(f: &Feed, first: usize) -> usize {
    // SAFETY: the caller's buffers.
    unsafe {
        let kind = kind_of(f.spikes, f.v);
        for s in 0..f.steps {
            let y = f.y.add(s * f.y_step + first * LANES);
            let along: [__m512; J] = match kind {
                Kind::Zero => [_mm512_setzero_ps(); J],
                Kind::Bytes { unit, chunk } => {
                    let v = f.v.add(HEAD).cast::<i8>().add(first * LANES);
                    add_bytes(places(f.spikes.add(s * f.spikes_step)), v, (unit, chunk), f.units)
                }
                Kind::Few { places: rows } => {
                    let places = places(f.spikes.add(s * f.spikes_step)).iter().map(|&i| *rows.add(i.into()));
                    add_rows(places.filter(|&i| i != NONE), f.v.add(HEAD + first * LANES), f.units)
                }
                Kind::Any => {
                    let places = places(f.spikes.add(s * f.spikes_step)).iter().copied();
                    add_rows(places, f.v.add(HEAD + first * LANES), f.units)
                }
            };
            if f.support.is_null() {
                store(y, along);
                continue;
            }
            let dx = f.dx.add(s * f.dx_step);
            let places = places(f.support.add(s * f.support_step));
            let w = f.w.add(first);
            let sum = products(places, dx, w, f.units);
            // A sum of products alone is left as it is.
            store(y, if f.spikes.is_null() { sum } else { added(along, sum) });
        }
    }
    J
}

#[inline]
#[target_feature(enable = "avx512f")]
fn added<const J: usize>(a: [__m512; J], b: [__m512; J]) -> [__m512; J] {
    std::array::from_fn(|j| _mm512_add_ps(a[j], b[j]))
}

/// Units times the rows of weights that their places name.
///
/// # Safety
/// `dx` has as many units, `w` a row of at least J numbers for each place, `units` apart.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn products<const J: usize>(places: &[u16], dx: *const f32, w: *const f32, units: usize) -> [__m512; J] {
    let mut sum = [_mm512_setzero_ps(); J];
    for (k, &i) in places.iter().enumerate() {
        // SAFETY: that unit and that row.
        unsafe {
            let x = _mm512_loadu_ps(dx.add(k * LANES));
            let row = w.add(usize::from(i) * units);
            for (j, sum) in sum.iter_mut().enumerate() {
                *sum = _mm512_fmadd_ps(x, _mm512_set1_ps(*row.add(j)), *sum);
            }
        }
    }
    sum
}

/// # Safety
/// `y` has room for them.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store<const J: usize>(y: *mut f32, sum: [__m512; J]) {
    for (j, sum) in sum.into_iter().enumerate() {
        // SAFETY: the caller's room.
        unsafe { _mm512_storeu_ps(y.add(j * LANES), sum) };
    }
}

/// # Safety
/// `v` has a row for each place.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn add_rows<const J: usize>(places: impl Iterator<Item = u16>, v: *const f32, units: usize) -> [__m512; J] {
    let mut sum = [_mm512_setzero_ps(); J];
    for i in places {
        // SAFETY: that row.
        unsafe {
            let row = v.add(usize::from(i) * units * LANES);
            for (j, sum) in sum.iter_mut().enumerate() {
                *sum = _mm512_add_ps(*sum, _mm512_loadu_ps(row.add(j * LANES)));
            }
        }
    }
    sum
}

/// # Safety
/// As [`add_rows`], of bytes; they are so only in whole blocks, of J units. `chunk` of them add up within a byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn add_bytes<const J: usize>(
    places: &[u16],
    v: *const i8,
    (unit, chunk): (f32, usize),
    units: usize,
) -> [__m512; J] {
    let mut sum = [_mm512_setzero_ps(); J];
    let scale = _mm512_set1_ps(unit);
    for places in places.chunks(chunk) {
        let mut bytes = [_mm512_setzero_si512(); 2];
        let bytes = &mut bytes[..J.div_ceil(4)];
        let mut out = [0i8; 2 * 64];
        // SAFETY: those rows; `out` holds the vectors, and J units.
        unsafe {
            for &i in places {
                let row = v.add(usize::from(i) * units * LANES);
                for (j, bytes) in bytes.iter_mut().enumerate() {
                    *bytes = _mm512_add_epi8(*bytes, _mm512_loadu_si512(row.add(j * 64).cast()));
                }
            }
            for (j, bytes) in bytes.iter().enumerate() {
                _mm512_storeu_si512(out.as_mut_ptr().add(j * 64).cast(), *bytes);
            }
            for (j, sum) in sum.iter_mut().enumerate() {
                let unit = _mm_loadu_si128(out.as_ptr().add(j * LANES).cast());
                let numbers = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(unit));
                *sum = _mm512_fmadd_ps(numbers, scale, *sum);
            }
        }
    }
    sum
}

/// [`fired`](super::events), a block of columns at a time.
///
/// # Safety
/// As `fired_body`; the processor has [`Level::Avx512`](super::Level).
#[target_feature(enable = "avx2,fma,bmi1,avx512f,avx512bw,avx512vl")]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe extern "C" fn fired(
    points: usize,
    inputs: usize,
    columns: usize,
    bits: *const u8,
    bits_point: usize,
    w: *const f32,
    y: *mut f32,
    y_point: usize,
) {
    // SAFETY: the caller's buffers.
    unsafe {
        blocks([points, inputs, columns], (bits, bits_point), w, (y, y_point), |point| match point.width / LANES {
            1 => sums::<1>(point),
            2 => sums::<2>(point),
            3..=4 => sums::<4>(point),
            5 => sums::<5>(point),
            6 => sums::<6>(point),
            _ => sums::<8>(point),
        });
    }
}

/// # Safety
/// As [`fired`], for a block of N vectors.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,avx512f,avx512bw,avx512vl")]
unsafe fn sums<const N: usize>(point: Point<f32>) {
    let point = Point { width: N * LANES, ..point };
    let mut sum = [_mm512_setzero_ps(); N];
    // SAFETY: rows have N vectors, and no more numbers are written than there are columns.
    unsafe {
        rows(point, |row| {
            for (k, sum) in sum.iter_mut().enumerate() {
                *sum = _mm512_add_ps(*sum, _mm512_loadu_ps(row.add(k * LANES)));
            }
        });
        for (k, &sum) in sum.iter().enumerate() {
            let left = point.columns.saturating_sub(k * LANES).min(LANES);
            _mm512_mask_storeu_ps(point.y.add(k * LANES), ((1u32 << left) - 1) as u16, sum);
        }
    }
}

/// [`events`](super::feed), sixteen numbers at a time.
///
/// # Safety
/// As `events_body`; the processor has [`Level::Avx512`](super::Level).
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe extern "C" fn events(
    points: usize,
    steps: usize,
    n: usize,
    x: *const f32,
    x_point: usize,
    x_step: usize,
    list: *mut f32,
    list_point: usize,
    list_step: usize,
) {
    let lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for p in 0..points {
        for s in 0..steps {
            // SAFETY: the caller's rows, of which no more than `n` numbers are read; behind a list there is room for a vector.
            unsafe {
                let x = x.add(p * x_point + s * x_step);
                let list = list.add(p * list_point + s * list_step).cast::<u16>();
                let mut to = list.add(1);
                let mut at = 0;
                while at < n {
                    let here = if n - at < 16 { (1 << (n - at)) - 1 } else { u16::MAX };
                    let x = _mm512_maskz_loadu_ps(here, x.add(at));
                    let mask = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(x, _mm512_setzero_ps());
                    let places = _mm512_add_epi32(lanes, _mm512_set1_epi32(at as i32));
                    let places = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, places));
                    _mm256_storeu_si256(to.cast(), places);
                    to = to.add(mask.count_ones() as usize);
                    at += 16;
                }
                *list = to.offset_from(list) as u16 - 1;
            }
        }
    }
}

/// [`support`](super::feed) of units of sixteen numbers.
///
/// # Safety
/// As `support_body`; the processor has [`Level::Avx512`](super::Level).
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe extern "C" fn support(
    steps: usize,
    first: usize,
    count: usize,
    padded: usize,
    x: *const f32,
    x_step: usize,
    to: *mut f32,
    to_step: usize,
    list: *mut f32,
    list_step: usize,
) {
    // SAFETY: the buffers are those of `support_body`; no more units are written than were read.
    unsafe {
        if padded != LANES {
            support_body(steps, first, count, padded, x, x_step, to, to_step, list, list_step);
            return;
        }
        for s in 0..steps {
            let x = x.add(s * x_step);
            let list = list.add(s * list_step).cast::<u16>();
            let known = if first == 0 { 0 } else { usize::from(*list) };
            let mut to = to.add(s * to_step + known * LANES);
            let mut place = list.add(1 + known);
            for i in 0..count {
                let unit = _mm512_loadu_ps(x.add(i * LANES));
                _mm512_storeu_ps(to, unit);
                *place = (first + i) as u16;
                let any = usize::from(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(unit, _mm512_setzero_ps()) != 0);
                to = to.add(any * LANES);
                place = place.add(any);
            }
            *list = place.offset_from(list) as u16 - 1;
        }
    }
}
