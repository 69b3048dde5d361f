//! The double-precision functions that kernels run: as those beside them, over the same machine, with polynomials for 53 bits.
//!
//! `func` defines the functions by libm; these are what both engines compute, branch free, and they agree with it
//! within the bounds below, in units in the last place unless it says "absolute". The tests check them against doubled
//! precision.
//!
//! | function | bound | notes |
//! |---|---|---|
//! | neg, abs, sqrt, floor, ceil, sign, relu, heaviside | exact | |
//! | exp, log, log2 | 2 | subnormals included |
//! | sin, cos | 2 | up to 1,600,000; beyond, the value for an argument within one ulp; NaN from 1e15 |
//! | tan | 3 | as sin |
//! | asin, acos, atan, atan2 | 2 | |
//! | sinh, cosh, tanh | 3 | |
//! | erf | 2 | |
//! | sigmoid, softplus | 3 | small values keep their precision |
//! | gelu | 5e-16 x max(1, \|x\|) absolute | |
//! | pow | 2 | special values as in IEEE 754 |
//!
//! Polynomials and splittings are those of FreeBSD's msun (Sun Microsystems, 1993); exp is its Taylor series.

// Coefficients stand as published.
#![allow(clippy::excessive_precision)]

mod erf;
mod explog;
mod power;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod trig;

use super::shared::functions;
use super::{Ops, spike};
use crate::func::{Binary, Compare, Unary};

pub use erf::erf;
pub use explog::{cosh, exp, log, log2, sinh, tanh};
use power::pow_core;
pub use trig::{acos, asin, atan, atan2, cos, sin, tan};

functions!(f64);

/// 1.5 x 2^52: adding it rounds to an integer, which then stands in the lower bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;

/// Keeps the upper 32 bits of a number: 20 of its mantissa's.
const HIGH: i64 = -0x1_0000_0000;

/// The nearest integer to x, |x| < 2^51, as a float and as an integer.
#[inline(always)]
fn nearest<O: Ops<f64>>(o: &mut O, x: O::F) -> (O::F, O::I) {
    let t = o.addc(x, MAGIC);
    let n = o.addc(t, -MAGIC);
    let i = o.bits(t);
    let i = o.iaddc(i, (MAGIC.to_bits() as i64).wrapping_neg());
    (n, i)
}

/// x 2^n in two steps, so that n may leave the range of the exponent; -2044 <= n <= 2046.
#[inline(always)]
fn scale<O: Ops<f64>>(o: &mut O, x: O::F, n: O::I) -> O::F {
    let half = o.shr(n, 1);
    let rest = o.isub(n, half);
    let a = o.iaddc(half, 1023);
    let a = o.shl(a, 52);
    let a = o.float(a);
    let b = o.iaddc(rest, 1023);
    let b = o.shl(b, 52);
    let b = o.float(b);
    let y = o.mul(x, a);
    o.mul(y, b)
}
