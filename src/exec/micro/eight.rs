//! Eight numbers at a time: what the sweeps are written in, once for any processor and once for AVX2.
//!
//! Loops over arrays of eight would be the same and are often compiled into the same instructions, but not reliably: within
//! larger loops the compiler shuffles numbers or takes them one by one. Both forms round every operation by itself, so they
//! give the same bits.

use std::ops::{Add, Mul, Sub};

pub(super) trait Number: Copy + Default + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {}

impl Number for f32 {}
impl Number for f64 {}

pub(super) trait Eight: Copy {
    type Of: Number;
    fn zero() -> Self;
    fn splat(x: Self::Of) -> Self;
    fn load(x: &[Self::Of; 8]) -> Self;
    fn array(self) -> [Self::Of; 8];
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
}

/// For any processor.
#[derive(Clone, Copy)]
pub(super) struct Plain<T>([T; 8]);

pub(super) type Single = Plain<f32>;
pub(super) type Double = Plain<f64>;

impl<T: Number> Eight for Plain<T> {
    type Of = T;

    #[inline(always)]
    fn zero() -> Self {
        Plain([T::default(); 8])
    }

    #[inline(always)]
    fn splat(x: T) -> Self {
        Plain([x; 8])
    }

    #[inline(always)]
    fn load(x: &[T; 8]) -> Self {
        Plain(*x)
    }

    #[inline(always)]
    fn array(self) -> [T; 8] {
        self.0
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Plain(std::array::from_fn(|k| self.0[k] + b.0[k]))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Plain(std::array::from_fn(|k| self.0[k] - b.0[k]))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Plain(std::array::from_fn(|k| self.0[k] * b.0[k]))
    }
}

/// For AVX2: only to be used within functions that are compiled for it, which are called only where the processor has it.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx {
    use std::arch::x86_64::*;

    use super::Eight;

    #[derive(Clone, Copy)]
    pub(in super::super) struct Single(__m256);

    /// The first four and the last four.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Double(__m256d, __m256d);

    impl Eight for Single {
        type Of = f32;

        #[inline(always)]
        fn zero() -> Self {
            Single::splat(0.0)
        }

        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: the processor has AVX2, see the module.
            Single(unsafe { _mm256_set1_ps(x) })
        }

        #[inline(always)]
        fn load(x: &[f32; 8]) -> Self {
            // SAFETY: as above; the array has as many numbers as are read.
            Single(unsafe { _mm256_loadu_ps(x.as_ptr()) })
        }

        #[inline(always)]
        fn array(self) -> [f32; 8] {
            // SAFETY: eight numbers either way.
            unsafe { std::mem::transmute(self.0) }
        }

        #[inline(always)]
        fn add(self, b: Self) -> Self {
            // SAFETY: the processor has AVX2, see the module.
            Single(unsafe { _mm256_add_ps(self.0, b.0) })
        }

        #[inline(always)]
        fn sub(self, b: Self) -> Self {
            // SAFETY: the processor has AVX2, see the module.
            Single(unsafe { _mm256_sub_ps(self.0, b.0) })
        }

        #[inline(always)]
        fn mul(self, b: Self) -> Self {
            // SAFETY: the processor has AVX2, see the module.
            Single(unsafe { _mm256_mul_ps(self.0, b.0) })
        }
    }

    impl Eight for Double {
        type Of = f64;

        #[inline(always)]
        fn zero() -> Self {
            Double::splat(0.0)
        }

        #[inline(always)]
        fn splat(x: f64) -> Self {
            // SAFETY: the processor has AVX2, see the module.
            let x = unsafe { _mm256_set1_pd(x) };
            Double(x, x)
        }

        #[inline(always)]
        fn load(x: &[f64; 8]) -> Self {
            // SAFETY: as above; the array has as many numbers as are read.
            unsafe { Double(_mm256_loadu_pd(x.as_ptr()), _mm256_loadu_pd(x.as_ptr().add(4))) }
        }

        #[inline(always)]
        fn array(self) -> [f64; 8] {
            // SAFETY: eight numbers either way.
            unsafe { std::mem::transmute([self.0, self.1]) }
        }

        #[inline(always)]
        fn add(self, b: Self) -> Self {
            // SAFETY: the processor has AVX2, see the module.
            unsafe { Double(_mm256_add_pd(self.0, b.0), _mm256_add_pd(self.1, b.1)) }
        }

        #[inline(always)]
        fn sub(self, b: Self) -> Self {
            // SAFETY: the processor has AVX2, see the module.
            unsafe { Double(_mm256_sub_pd(self.0, b.0), _mm256_sub_pd(self.1, b.1)) }
        }

        #[inline(always)]
        fn mul(self, b: Self) -> Self {
            // SAFETY: the processor has AVX2, see the module.
            unsafe { Double(_mm256_mul_pd(self.0, b.0), _mm256_mul_pd(self.1, b.1)) }
        }
    }
}
