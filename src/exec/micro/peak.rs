//! How fast this processor multiplies and adds when nothing stands in the way: the measure for every kernel.
//!
//! Twelve independent chains of vectors, more than the latency of a multiply-add times the number of units that carry them
//! out on any processor so far; operands stay in registers.
//!
//! ```text
//! acc[k] = acc[k] · a + b        k in 0 .. 12, vectors of 256 bits: fused with AVX2 and FMA, product and sum apart without
//! ```

use std::hint::black_box;
use std::time::Instant;

use crate::exec::real::Real;
use crate::plan::Precision;

/// Multiply-adds of every chain in one go: some 20 microseconds.
const ROUNDS: usize = 10_000;
const CHAINS: usize = 12;
/// Measured for so long; the best go counts.
const SECONDS: f64 = 0.2;

/// The instruction set in use.
pub fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if super::Level::best() >= super::Level::Avx2 {
        return "AVX2 and FMA";
    }
    "portable"
}

/// Operations a second of this thread; a multiply-add counts as two.
pub fn measure(precision: Precision) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if super::Level::best() >= super::Level::Avx2 {
        return match precision {
            // SAFETY: the processor has AVX2 and FMA.
            Precision::F32 => best(8, || unsafe { fused::single() }),
            // SAFETY: the processor has AVX2 and FMA.
            Precision::F64 => best(4, || unsafe { fused::double() }),
        };
    }
    match precision {
        Precision::F32 => best(8, plain::<f32, 8>),
        Precision::F64 => best(4, plain::<f64, 4>),
    }
}

/// The best go's operations a second, with vectors of so many lanes.
fn best(lanes: usize, go: impl Fn()) -> f64 {
    let begun = Instant::now();
    let mut shortest = f64::INFINITY;
    while begun.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        go();
        shortest = shortest.min(start.elapsed().as_secs_f64());
    }
    (2 * ROUNDS * CHAINS * lanes) as f64 / shortest.max(1e-9)
}

/// Product and sum apart, in whatever vectors the target has.
fn plain<R: Real, const LANES: usize>() {
    let (a, b) = (black_box([R::new(0.999); LANES]), black_box([R::new(0.001); LANES]));
    let mut chains = [[R::ONE; LANES]; CHAINS];
    for _ in 0..ROUNDS {
        for chain in &mut chains {
            for k in 0..LANES {
                chain[k] = chain[k] * a[k] + b[k];
            }
        }
    }
    black_box(chains);
}

#[cfg(target_arch = "x86_64")]
mod fused {
    use std::arch::x86_64::{_mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_set1_pd, _mm256_set1_ps};
    use std::hint::black_box;

    use super::{CHAINS, ROUNDS};

    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn single() {
        let (a, b) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(0.001)));
        let mut chains = [_mm256_set1_ps(1.0); CHAINS];
        for _ in 0..ROUNDS {
            for chain in &mut chains {
                *chain = _mm256_fmadd_ps(*chain, a, b);
            }
        }
        black_box(chains);
    }

    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn double() {
        let (a, b) = (_mm256_set1_pd(black_box(0.999)), _mm256_set1_pd(black_box(0.001)));
        let mut chains = [_mm256_set1_pd(1.0); CHAINS];
        for _ in 0..ROUNDS {
            for chain in &mut chains {
                *chain = _mm256_fmadd_pd(*chain, a, b);
            }
        }
        black_box(chains);
    }
}
