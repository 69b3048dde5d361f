//! A layer of neurons under constant currents, by hand: the rate of each after [`STEPS`] steps.
//!
//! States stay in registers for all steps, a few vectors of eight neurons side by side hide the latency of each other's chains.

use std::arch::x86_64::*;

/// Steps of time.
pub const STEPS: usize = 64;
/// Vectors side by side: as many as the states leave registers for.
const SIDE: usize = 4;
const PAIR: usize = 2;

/// e^x for -87 < x < 88: 2^n e^r with a polynomial of degree 6 on |r| <= ln(2)/2, about 1 ulp.
#[target_feature(enable = "avx2,fma")]
fn exp(x: __m256) -> __m256 {
    let set = |x| _mm256_set1_ps(x);
    let x = _mm256_min_ps(_mm256_max_ps(x, set(-87.0)), set(88.0));
    let n = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(_mm256_mul_ps(
        x,
        set(std::f32::consts::LOG2_E),
    ));
    let r = _mm256_fnmadd_ps(n, set(0.693_145_75), x);
    let r = _mm256_fnmadd_ps(n, set(1.428_606_8e-6), r);
    let mut p = set(1.388_888_9e-3);
    for c in [8.333_333e-3, 4.166_666_6e-2, 0.166_666_67, 0.5, 1.0, 1.0] {
        p = _mm256_fmadd_ps(p, r, set(c));
    }
    let scale = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)));
    _mm256_mul_ps(p, _mm256_castsi256_ps(scale))
}

/// The adaptive exponential integrate-and-fire neuron of Brette and Gerstner (2005), their parameters, Euler's method for v and
/// the exact one for w, steps of 0.1 ms.
pub fn adex(current: &[f32], rate: &mut [f32]) {
    assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
    assert!(current.len() == rate.len() && current.len().is_multiple_of(8 * SIDE));
    for (i, out) in current.chunks_exact(8 * SIDE).zip(rate.chunks_exact_mut(8 * SIDE)) {
        // SAFETY: the features were just checked; both blocks hold 8 SIDE numbers.
        unsafe { adex_block(i.as_ptr(), out.as_mut_ptr()) }
    }
}

/// # Safety
/// The processor has AVX2 and FMA; both pointers lead to 8 SIDE numbers.
#[target_feature(enable = "avx2,fma")]
unsafe fn adex_block(current: *const f32, rate: *mut f32) {
    let set = |x| _mm256_set1_ps(x);
    let (el, vt, peak) = (set(-70.6), set(-50.4), set(20.0));
    // exp(-0.1 / 144)
    let decay = 0.999_305_8_f32;
    let (mut v, mut w, mut n) = ([el; SIDE], [set(0.0); SIDE], [set(0.0); SIDE]);
    // SAFETY: 8 k + 8 <= 8 SIDE.
    let i: [__m256; SIDE] = std::array::from_fn(|k| unsafe { _mm256_loadu_ps(current.add(8 * k)) });
    for _ in 0..STEPS {
        for k in 0..SIDE {
            let held = _mm256_min_ps(v[k], peak);
            let rise = exp(_mm256_mul_ps(_mm256_sub_ps(held, vt), set(0.5)));
            let flow = _mm256_fmadd_ps(set(-30.0), _mm256_sub_ps(v[k], el), _mm256_sub_ps(i[k], w[k]));
            let flow = _mm256_fmadd_ps(set(60.0), rise, flow);
            let new = _mm256_fmadd_ps(flow, set(0.1 / 281.0), v[k]);
            let pull = _mm256_mul_ps(set(4.0 * (1.0 - decay)), _mm256_sub_ps(held, el));
            let adapted = _mm256_fmadd_ps(set(decay), w[k], pull);
            let fired = _mm256_cmp_ps::<_CMP_GE_OQ>(new, peak);
            v[k] = _mm256_blendv_ps(new, el, fired);
            w[k] = _mm256_add_ps(adapted, _mm256_and_ps(fired, set(80.5)));
            n[k] = _mm256_add_ps(n[k], _mm256_and_ps(fired, set(1.0)));
        }
    }
    for (k, n) in n.iter().enumerate() {
        // SAFETY: as above.
        unsafe { _mm256_storeu_ps(rate.add(8 * k), _mm256_mul_ps(*n, set(1.0 / STEPS as f32))) }
    }
}

/// A neuron with a synapse s, a membrane v and an adaptation w:
/// `s <- 0.7 s + i`, `v <- 0.9 v + s - w`, `w <- 0.95 w + 0.02 v`, all from the old states; a spike above 1, `v <- v - 1`,
/// `w <- w + 0.1`.
pub fn three_states(current: &[f32], rate: &mut [f32]) {
    assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
    assert!(current.len() == rate.len() && current.len().is_multiple_of(8 * PAIR));
    for (i, out) in current.chunks_exact(8 * PAIR).zip(rate.chunks_exact_mut(8 * PAIR)) {
        // SAFETY: the features were just checked; both blocks hold 8 PAIR numbers.
        unsafe { three_states_block(i.as_ptr(), out.as_mut_ptr()) }
    }
}

/// # Safety
/// As [`adex_block`], for 8 PAIR numbers.
#[target_feature(enable = "avx2,fma")]
unsafe fn three_states_block(current: *const f32, rate: *mut f32) {
    let set = |x| _mm256_set1_ps(x);
    let one = set(1.0);
    let zero = [set(0.0); PAIR];
    let (mut s, mut v, mut w, mut n) = (zero, zero, zero, zero);
    // SAFETY: 8 k + 8 <= 8 PAIR.
    let i: [__m256; PAIR] = std::array::from_fn(|k| unsafe { _mm256_loadu_ps(current.add(8 * k)) });
    for _ in 0..STEPS {
        for k in 0..PAIR {
            let new = _mm256_fmadd_ps(set(0.9), v[k], _mm256_sub_ps(s[k], w[k]));
            let adapted = _mm256_fmadd_ps(set(0.95), w[k], _mm256_mul_ps(set(0.02), v[k]));
            s[k] = _mm256_fmadd_ps(set(0.7), s[k], i[k]);
            let fired = _mm256_cmp_ps::<_CMP_GT_OQ>(new, one);
            v[k] = _mm256_sub_ps(new, _mm256_and_ps(fired, one));
            w[k] = _mm256_add_ps(adapted, _mm256_and_ps(fired, set(0.1)));
            n[k] = _mm256_add_ps(n[k], _mm256_and_ps(fired, one));
        }
    }
    for (k, n) in n.iter().enumerate() {
        // SAFETY: as above.
        unsafe { _mm256_storeu_ps(rate.add(8 * k), _mm256_mul_ps(*n, set(1.0 / STEPS as f32))) }
    }
}
