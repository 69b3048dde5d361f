//! Networks and neurons written by hand with AVX2 and fused multiply-adds, for one shape each: what the compiler's kernels are
//! measured against.
//!
//! They are as careful as we know how to make them: states of a point stay in the first-level cache for all steps, spikes are
//! bits, a product with spikes adds the rows of the active inputs into registers, and the dynamics that follow use the sums
//! before they leave them. None of them could run another program.

use std::arch::x86_64::*;

/// Steps of time.
pub const STEPS: usize = 16;

/// Leaky integrate-and-fire neurons of the network `2 -> H -> H -> 1`: `v <- 0.9 v + i`, a spike above 1, `v <- v - 1`.
pub struct Network<const H: usize> {
    /// `[2][H]`, `[H]`.
    pub first: (Vec<f32>, Vec<f32>),
    /// `[H][H]`, `[H]`.
    pub second: (Vec<f32>, Vec<f32>),
    /// `[H]`, `[1]`.
    pub readout: (Vec<f32>, f32),
}

/// One layer's work with the membranes `v` and the input currents `i`: 64 neurons of a point.
///
/// # Safety
/// The processor has AVX2 and FMA; `v` holds 64 numbers.
#[target_feature(enable = "avx2,fma")]
unsafe fn fire(v: *mut f32, current: &[__m256; 8]) -> u64 {
    let (leak, threshold) = (_mm256_set1_ps(0.9), _mm256_set1_ps(1.0));
    let mut bits = 0;
    for (k, &i) in current.iter().enumerate() {
        // SAFETY: 8 k + 8 <= 64.
        unsafe {
            let at = v.add(8 * k);
            let x = _mm256_fmadd_ps(leak, _mm256_loadu_ps(at), i);
            let above = _mm256_cmp_ps::<_CMP_GT_OQ>(x, threshold);
            _mm256_storeu_ps(at, _mm256_sub_ps(x, _mm256_and_ps(above, threshold)));
            bits |= (_mm256_movemask_ps(above) as u32 as u64) << (8 * k);
        }
    }
    bits
}

impl<const H: usize> Network<H> {
    /// The output of every point, `x` holding two numbers a point.
    pub fn run(&self, x: &[f32], out: &mut [f32]) {
        assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
        assert!(H.is_multiple_of(64) && H <= 256 && x.len() == 2 * out.len());
        assert!(self.first.0.len() == 2 * H && self.first.1.len() == H);
        assert!(self.second.0.len() == H * H && self.second.1.len() == H && self.readout.0.len() == H);
        for (x, out) in x.chunks_exact(2).zip(out) {
            // SAFETY: the features and the lengths were just checked.
            *out = unsafe { self.point(x[0], x[1]) };
        }
    }

    /// # Safety
    /// The processor has AVX2 and FMA; the weights have the lengths of their shapes; H is a multiple of 64, at most 256.
    #[target_feature(enable = "avx2,fma,bmi1")]
    unsafe fn point(&self, x: f32, y: f32) -> f32 {
        let mut current = [0f32; 256];
        for (k, c) in current.iter_mut().enumerate().take(H) {
            *c = x.mul_add(self.first.0[k], y.mul_add(self.first.0[H + k], self.first.1[k]));
        }
        let (mut v, mut u) = ([0f32; 256], [0f32; 256]);
        let mut sum = 0f32;
        // SAFETY: every index is below H in its array.
        unsafe {
            for _ in 0..STEPS {
                let mut bits = [0u64; 4];
                for (w, word) in bits.iter_mut().enumerate().take(H / 64) {
                    let i = std::array::from_fn(|k| _mm256_loadu_ps(current.as_ptr().add(64 * w + 8 * k)));
                    *word = fire(v.as_mut_ptr().add(64 * w), &i);
                }
                for c in 0..H / 64 {
                    let mut i: [__m256; 8] =
                        std::array::from_fn(|k| _mm256_loadu_ps(self.second.1.as_ptr().add(64 * c + 8 * k)));
                    for (w, &word) in bits[..H / 64].iter().enumerate() {
                        let rows = self.second.0.as_ptr().add(64 * w * H + 64 * c);
                        let mut word = word;
                        while word != 0 {
                            let row = rows.add(word.trailing_zeros() as usize * H);
                            word &= word - 1;
                            for (k, i) in i.iter_mut().enumerate() {
                                *i = _mm256_add_ps(*i, _mm256_loadu_ps(row.add(8 * k)));
                            }
                        }
                    }
                    let mut fired = fire(u.as_mut_ptr().add(64 * c), &i);
                    while fired != 0 {
                        sum += *self.readout.0.as_ptr().add(64 * c + fired.trailing_zeros() as usize);
                        fired &= fired - 1;
                    }
                }
            }
        }
        sum / STEPS as f32 + self.readout.1
    }
}
