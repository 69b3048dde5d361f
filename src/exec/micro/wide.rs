//! [`feed`](super::feed) for processors with AVX-512: eight outputs at a time along sixteen directions, a vector each. The order
//! of additions is the same, and so are the bits; twice as many registers halve the ways through the lists.

use std::arch::x86_64::*;

use super::feed::{HEAD, Kind, feed_body, kind_of, places};

/// Whether this processor can run it.
pub fn is_here() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vl")
}

/// Outputs, and directions.
const UNITS: usize = 8;
const LANES: usize = 16;

/// # Safety
/// As [`feed_body`]; [`is_here`] is true.
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
    // SAFETY: the buffers are those of `feed_body`, whose rows are `UNITS` units of `LANES` numbers here.
    unsafe {
        if count != UNITS || units != UNITS || padded != LANES {
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
        let kind = kind_of(spikes, v);
        for s in 0..steps {
            let along = match kind {
                Kind::Zero => [_mm512_setzero_ps(); UNITS],
                Kind::Signs => add_signs(places(spikes.add(s * spikes_step)), v.add(HEAD).cast()),
                Kind::Any => add_rows(places(spikes.add(s * spikes_step)), v.add(HEAD)),
            };
            let mut sum = [_mm512_setzero_ps(); UNITS];
            if !support.is_null() {
                let dx = dx.add(s * dx_step);
                for (k, &i) in places(support.add(s * support_step)).iter().enumerate() {
                    let x = _mm512_loadu_ps(dx.add(k * LANES));
                    let row = w.add(usize::from(i) * UNITS);
                    for (j, sum) in sum.iter_mut().enumerate() {
                        *sum = _mm512_fmadd_ps(x, _mm512_set1_ps(*row.add(j)), *sum);
                    }
                }
            }
            let y = y.add(s * y_step);
            for (j, (a, b)) in along.into_iter().zip(sum).enumerate() {
                // A sum of products alone is left as it is.
                let sum = if spikes.is_null() { b } else { _mm512_add_ps(a, b) };
                _mm512_storeu_ps(y.add(j * LANES), sum);
            }
        }
    }
}

/// # Safety
/// `v` has a row for each place.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn add_rows(places: &[u16], v: *const f32) -> [__m512; UNITS] {
    let mut sum = [_mm512_setzero_ps(); UNITS];
    for &i in places {
        // SAFETY: that row.
        unsafe {
            let row = v.add(usize::from(i) * UNITS * LANES);
            for (j, sum) in sum.iter_mut().enumerate() {
                *sum = _mm512_add_ps(*sum, _mm512_loadu_ps(row.add(j * LANES)));
            }
        }
    }
    sum
}

/// # Safety
/// As [`add_rows`], of bytes that are 1 or -1.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn add_signs(places: &[u16], v: *const i8) -> [__m512; UNITS] {
    let mut sum = [_mm512_setzero_ps(); UNITS];
    // So many fit a byte.
    for places in places.chunks(127) {
        let mut bytes = [_mm512_setzero_si512(); 2];
        let mut out = [0i8; UNITS * LANES];
        // SAFETY: those rows; `out` holds two vectors.
        unsafe {
            for &i in places {
                let row = v.add(usize::from(i) * UNITS * LANES);
                for (j, bytes) in bytes.iter_mut().enumerate() {
                    *bytes = _mm512_add_epi8(*bytes, _mm512_loadu_si512(row.add(j * 64).cast()));
                }
            }
            for (j, bytes) in bytes.into_iter().enumerate() {
                _mm512_storeu_si512(out.as_mut_ptr().add(j * 64).cast(), bytes);
            }
            for (j, sum) in sum.iter_mut().enumerate() {
                let unit = _mm_loadu_si128(out.as_ptr().add(j * LANES).cast());
                *sum = _mm512_add_ps(*sum, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(unit)));
            }
        }
    }
    sum
}
