//! The single-precision functions that kernels run, each written once.
//!
//! A function is written over [`Ops`], a machine of basic operations that every processor rounds alike. The interpreter
//! runs it on one number ([`Scalar`]), the JIT emits it for four lanes at once; so both engines give the same bits, on
//! every machine, and no function is ever taken from the platform's libm. Where a product and a sum are rounded as one
//! ([`Ops::fma`]) they are so everywhere, in software where a processor cannot. No table, no branch.
//!
//! ```text
//! sigmoid(o, x):  e = exp(o, -|x|);  select(x >= 0, 1, e) / (1 + e)      // one text, two machines
//! ```
//!
//! Bounds, against the double-precision functions of `func`, in units in the last place unless it says "absolute". The
//! tests check them on dense samples.
//!
//! | function | bound | notes |
//! |---|---|---|
//! | neg, abs, sqrt, floor, ceil, sign, relu, heaviside | exact | |
//! | exp | 1.5 | 0 where it is less than 2^-125.5: one power of two then reaches all other results |
//! | log, log2 | 1 | subnormals included |
//! | sin, cos | 2 | up to 12,000; beyond, the value for an argument within one ulp; NaN from 4,000,000 |
//! | tan | 3 | as sin |
//! | asin, acos, atan, atan2 | 3 | |
//! | sinh, cosh, tanh | 2 | |
//! | sech | 3 | |
//! | erf | 2 | |
//! | sigmoid | 2.5 | small values keep their precision |
//! | softplus | 2.5 | |
//! | gelu | 3e-7 x max(1, \|x\|) absolute | |
//! | pow | 2 | special values as in IEEE 754 |
//!
//! The polynomials of sin, cos, tan, asin, atan and tanh are those of Moshier's Cephes, log, log2 and pow follow
//! FreeBSD's msun (Sun Microsystems, 1993), erf has the form of N. Juffa's, and exp
//! is a minimax polynomial of degree 6 (Remez's algorithm; 3.1e-9 off) summed in pairs (Estrin, 1960).

pub mod double;
mod explog;
mod ops;
mod power;
mod shared;
#[cfg(test)]
mod tests;
mod trig;

use crate::exec::real::Real;
use crate::func::{Binary, Compare, Unary};
use shared::functions;

pub use explog::{cosh, erf, exp, log, log2, sinh, tanh};
pub use ops::{Format, Ops, Scalar, Scalar64};
use power::pow_core;
pub use trig::{acos, asin, atan, atan2, cos, sin, tan};

functions!(f32);

/// 1 where x >= 0 (or > 0 if strict), else 0; a NaN gives 0.
#[inline(always)]
pub fn spike<R: Real, O: Ops<R>>(o: &mut O, x: O::F, strict: bool) -> O::F {
    let (zero, one) = (o.f(R::ZERO), o.f(R::ONE));
    let m = if strict { o.gt(x, zero) } else { o.ge(x, zero) };
    o.select(m, one, zero)
}

/// 1.5 x 2^23: adding it rounds to an integer, which then stands in the lower bits.
const MAGIC: f32 = 12_582_912.0;

/// The nearest integer to x, |x| < 2^22, as a float and as an integer.
#[inline(always)]
pub(super) fn nearest<O: Ops>(o: &mut O, x: O::F) -> (O::F, O::I) {
    let t = o.addc(x, MAGIC);
    let n = o.addc(t, -MAGIC);
    let i = o.bits(t);
    let i = o.iaddc(i, (MAGIC.to_bits() as i32).wrapping_neg());
    (n, i)
}

/// x 2^n in two steps, so that n may leave the range of the exponent; -252 <= n <= 254.
#[inline(always)]
pub(super) fn scale<O: Ops>(o: &mut O, x: O::F, n: O::I) -> O::F {
    let half = o.shr(n, 1);
    let rest = o.isub(n, half);
    let a = o.iaddc(half, 127);
    let a = o.shl(a, 23);
    let a = o.float(a);
    let b = o.iaddc(rest, 127);
    let b = o.shl(b, 23);
    let b = o.float(b);
    let y = o.mul(x, a);
    o.mul(y, b)
}
