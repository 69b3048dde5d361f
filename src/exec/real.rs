//! The two precisions that kernels run in: [`Real`] is `f32` or `f64`, and nothing else.
//!
//! Interpreter, driver, JIT and micro-kernels are written once over it and compiled for each. A number is converted in one
//! place only, [`Real::new`], which rounds once.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, BitOr, Mul, Sub};

use crate::exec::math::{self, Format, Ops, Scalar, Scalar64};
use crate::func::{Binary, Unary};
use crate::plan::Precision;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A precision. A mask is held as 1 or 0.
pub trait Real:
    sealed::Sealed
    + Format
    + Copy
    + Default
    + Debug
    + Send
    + Sync
    + PartialEq
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + 'static
{
    const PRECISION: Precision;
    const ZERO: Self;
    const ONE: Self;
    /// In memory.
    const BYTES: usize;
    /// Numbers in a vector of 128 bits.
    const LANES: usize;
    /// The bits of infinity, see [`Real::magnitude`].
    const INFINITE: Self::Bits;
    type Bits: Copy + Ord + Default + BitOr<Output = Self::Bits>;
    /// The machine of one number.
    type Scalar: Ops<Self, F = Self, M = bool> + Default;

    /// Rounded once.
    fn new(x: f64) -> Self;
    /// self * x + sum, rounded once.
    fn fused(self, x: Self, sum: Self) -> Self;
    fn wide(self) -> f64;
    /// The bits without the sign: ordered as magnitudes are, NaNs last.
    fn magnitude(self) -> Self::Bits;
    /// The bits, for comparisons of results.
    fn raw(self) -> u64;
    /// The function as kernels compute it.
    fn unary<O: Ops<Self>>(o: &mut O, f: Unary, x: O::F) -> O::F;
    fn binary<O: Ops<Self>>(o: &mut O, f: Binary, x: O::F, y: O::F) -> O::F;
}

impl Real for f32 {
    const PRECISION: Precision = Precision::F32;
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const BYTES: usize = 4;
    const LANES: usize = 4;
    const INFINITE: u32 = 0x7f80_0000;
    type Bits = u32;
    type Scalar = Scalar;

    #[inline(always)]
    fn new(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn fused(self, x: f32, sum: f32) -> f32 {
        self.mul_add(x, sum)
    }
    #[inline(always)]
    fn magnitude(self) -> u32 {
        self.to_bits() & 0x7fff_ffff
    }
    fn raw(self) -> u64 {
        u64::from(self.to_bits())
    }
    #[inline(always)]
    fn unary<O: Ops<f32>>(o: &mut O, f: Unary, x: O::F) -> O::F {
        math::unary(o, f, x)
    }
    #[inline(always)]
    fn binary<O: Ops<f32>>(o: &mut O, f: Binary, x: O::F, y: O::F) -> O::F {
        math::binary(o, f, x, y)
    }
}

impl Real for f64 {
    const PRECISION: Precision = Precision::F64;
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const BYTES: usize = 8;
    const LANES: usize = 2;
    const INFINITE: u64 = 0x7ff0_0000_0000_0000;
    type Bits = u64;
    type Scalar = Scalar64;

    #[inline(always)]
    fn new(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn fused(self, x: f64, sum: f64) -> f64 {
        self.mul_add(x, sum)
    }
    #[inline(always)]
    fn magnitude(self) -> u64 {
        self.to_bits() & 0x7fff_ffff_ffff_ffff
    }
    fn raw(self) -> u64 {
        self.to_bits()
    }
    #[inline(always)]
    fn unary<O: Ops<f64>>(o: &mut O, f: Unary, x: O::F) -> O::F {
        math::double::unary(o, f, x)
    }
    #[inline(always)]
    fn binary<O: Ops<f64>>(o: &mut O, f: Binary, x: O::F, y: O::F) -> O::F {
        math::double::binary(o, f, x, y)
    }
}
