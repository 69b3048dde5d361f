//! The single-precision functions that kernels run, each written once.
//!
//! A function is written over [`Ops`], a machine of basic operations that every processor rounds alike. The interpreter
//! runs it on one number ([`Scalar`]), the JIT emits it for four lanes at once; so both engines give the same bits, on
//! every machine, and nothing is ever taken from the platform's libm. No fused multiply-add, no table, no branch.
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
//! | exp | 1.5 | over- and underflows gradually |
//! | log, log2 | 2 | subnormals included |
//! | sin, cos | 2.5 | up to 12,000; beyond, the value for an argument within one ulp; NaN from 4,000,000 |
//! | tan | 4 | as sin |
//! | asin, acos, atan, atan2 | 4 | |
//! | sinh, cosh, tanh | 4 | |
//! | erf | 3 | |
//! | sigmoid | 3 | small values keep their precision |
//! | softplus | 3 | |
//! | gelu | 3e-7 x max(1, \|x\|) absolute | |
//! | pow | 2 | special values as in IEEE 754 |
//!
//! The polynomials of exp, sin, cos, tan, asin, atan and tanh are those of Moshier's Cephes, log, log2 and pow follow
//! FreeBSD's msun (Sun Microsystems, 1993), and erf has the form of N. Juffa's.

mod explog;
mod ops;
mod power;
#[cfg(test)]
mod tests;
mod trig;

use crate::func::{Binary, Unary};

pub use explog::{cosh, erf, exp, gelu, log, log2, sigmoid, sinh, softplus, tanh};
pub use ops::{Ops, Scalar};
pub use power::pow;
pub use trig::{acos, asin, atan, atan2, cos, sin, tan};

/// The function on one lane (or several).
#[inline(always)]
pub fn unary<O: Ops>(o: &mut O, f: Unary, x: O::F) -> O::F {
    match f {
        Unary::Neg => o.neg(x),
        Unary::Abs => o.abs(x),
        Unary::Sqrt => o.sqrt(x),
        Unary::Floor => o.floor(x),
        Unary::Ceil => o.ceil(x),
        Unary::Sign => {
            let (zero, one, minus) = (o.f(0.0), o.f(1.0), o.f(-1.0));
            let negative = o.lt(x, zero);
            let y = o.select(negative, minus, x);
            let positive = o.gt(x, zero);
            o.select(positive, one, y)
        }
        Unary::Exp => exp(o, x),
        Unary::Log => log(o, x),
        Unary::Log2 => log2(o, x),
        Unary::Sin => sin(o, x),
        Unary::Cos => cos(o, x),
        Unary::Tan => tan(o, x),
        Unary::Asin => asin(o, x),
        Unary::Acos => acos(o, x),
        Unary::Atan => atan(o, x),
        Unary::Sinh => sinh(o, x),
        Unary::Cosh => cosh(o, x),
        Unary::Tanh => tanh(o, x),
        Unary::Erf => erf(o, x),
        Unary::Heaviside => spike(o, x, false),
        Unary::Sigmoid => sigmoid(o, x),
        Unary::Relu => {
            let zero = o.f(0.0);
            let positive = o.gt(x, zero);
            o.select(positive, x, zero)
        }
        Unary::Softplus => softplus(o, x),
        Unary::Gelu => gelu(o, x),
    }
}

#[inline(always)]
pub fn binary<O: Ops>(o: &mut O, f: Binary, a: O::F, b: O::F) -> O::F {
    match f {
        Binary::Add => o.add(a, b),
        Binary::Sub => o.sub(a, b),
        Binary::Mul => o.mul(a, b),
        Binary::Div => o.div(a, b),
        Binary::Pow => pow(o, a, b),
        Binary::Min => {
            let m = o.lt(a, b);
            o.select(m, a, b)
        }
        Binary::Max => {
            let m = o.gt(a, b);
            o.select(m, a, b)
        }
        Binary::Atan2 => atan2(o, a, b),
    }
}

/// 1 where x >= 0 (or > 0 if strict), else 0; a NaN gives 0.
#[inline(always)]
pub fn spike<O: Ops>(o: &mut O, x: O::F, strict: bool) -> O::F {
    let (zero, one) = (o.f(0.0), o.f(1.0));
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

/// Where x is below lo, lo; above hi, hi; a NaN stays.
#[inline(always)]
pub(super) fn clamp<O: Ops>(o: &mut O, x: O::F, lo: f32, hi: f32) -> O::F {
    let (lo, hi) = (o.f(lo), o.f(hi));
    let m = o.lt(x, lo);
    let x = o.select(m, lo, x);
    let m = o.gt(x, hi);
    o.select(m, hi, x)
}
