//! Circular functions and their inverses.

use super::{Ops, nearest};
use crate::func::Compare;

/// x = n pi/2 + r. Pi/2 comes in three parts of 24 bits. The first difference is exact, since the product is not rounded by itself;
/// so are the others wherever they cancel. NaN from 4,000,000.
#[inline(always)]
fn reduce<O: Ops>(o: &mut O, x: O::F) -> (O::F, O::I) {
    let a = o.abs(x);
    let limit = o.f(4.0e6);
    let inside = o.lt(a, limit);
    let nan = o.f(f32::NAN);
    let x = o.select(inside, x, nan);
    let t = o.mulc(x, std::f32::consts::FRAC_2_PI);
    let (n, i) = nearest(o, t);
    let r = PIO2.iter().fold(x, |r, part| o.fmac(n, -part, r));
    (r, i)
}

/// Sums up to pi/2 = 1.57079632679489661923132169...
const PIO2: [f32; 3] = [std::f32::consts::FRAC_PI_2, -4.371_139e-8, -1.715_124_5e-15];

/// Sine and cosine of r, |r| <= pi/4 (a little more does no harm).
#[inline(always)]
fn sin_cos<O: Ops>(o: &mut O, r: O::F) -> (O::F, O::F) {
    let z = o.mul(r, r);
    let s = o.horner(z, &[-1.951_529_6e-4, 8.332_161e-3, -0.166_666_55]);
    let s = o.mul(s, z);
    let s = o.fma(s, r, r);
    let c = o.horner(z, &[2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2, -0.5, 1.0]);
    (s, c)
}

/// The sine of r + n pi/2.
#[inline(always)]
fn sine_quadrant<O: Ops>(o: &mut O, r: O::F, n: O::I) -> O::F {
    let (s, c) = sin_cos(o, r);
    let odd = odd(o, n);
    let y = o.select(odd, c, s);
    let n = o.shl(n, 30);
    let n = o.float(n);
    o.flip_sign(y, n)
}

/// The lowest bit as a mask.
#[inline(always)]
fn odd<O: Ops>(o: &mut O, n: O::I) -> O::M {
    let bit = o.iandc(n, 1);
    let bit = o.convert(bit);
    let half = o.f(0.5);
    o.gt(bit, half)
}

#[inline(always)]
pub fn sin<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let (r, n) = reduce(o, x);
    let y = sine_quadrant(o, r, n);
    // Keeps the sign of -0.
    let zero = o.f(0.0);
    let z = o.eq(x, zero);
    o.select(z, x, y)
}

#[inline(always)]
pub fn cos<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let (r, n) = reduce(o, x);
    let n = o.iaddc(n, 1);
    sine_quadrant(o, r, n)
}

#[inline(always)]
pub fn tan<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let (r, n) = reduce(o, x);
    let z = o.mul(r, r);
    let p = o.horner(z, &[9.385_402e-3, 3.119_922_3e-3, 2.443_013_5e-2, 5.341_128e-2, 0.133_387_99, 0.333_331_57]);
    let p = o.mul(p, z);
    let t = o.fma(p, r, r);
    let c = o.f(-1.0);
    let c = o.div(c, t);
    let odd = odd(o, n);
    let y = o.select(odd, c, t);
    let zero = o.f(0.0);
    let z = o.eq(x, zero);
    o.select(z, x, y)
}

/// asin for 0 <= x <= 1/2, z = x^2.
#[inline(always)]
fn asin_core<O: Ops>(o: &mut O, x: O::F, z: O::F) -> O::F {
    let p = o.horner(z, &[4.216_32e-2, 2.418_131e-2, 4.547_002_6e-2, 7.495_300_3e-2, 0.166_667_52]);
    let p = o.mul(p, z);
    o.fma(p, x, x)
}

#[inline(always)]
pub fn asin<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let half = o.f(0.5);
    let large = o.gt(a, half);
    let z1 = o.csub(1.0, a);
    let z1 = o.mulc(z1, 0.5);
    let r1 = o.sqrt(z1);
    let z0 = o.mul(a, a);
    let z = o.select(large, z1, z0);
    let r = o.select(large, r1, a);
    let p = asin_core(o, r, z);
    // pi/2 - 2p, in two parts.
    let q = o.add(p, p);
    let q = o.addc(q, 4.371_139e-8);
    let q = o.csub(std::f32::consts::FRAC_PI_2, q);
    let y = o.select(large, q, p);
    o.flip_sign(y, x)
}

#[inline(always)]
pub fn acos<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let half = o.f(0.5);
    let large = o.gt(a, half);
    let z1 = o.csub(1.0, a);
    let z1 = o.mulc(z1, 0.5);
    let r1 = o.sqrt(z1);
    let z0 = o.mul(x, x);
    let z = o.select(large, z1, z0);
    let r = o.select(large, r1, x);
    let p = asin_core(o, r, z);
    let twice = o.add(p, p);
    let t = o.addc(twice, 8.742_278e-8);
    let far = o.csub(std::f32::consts::PI, t);
    let zero = o.f(0.0);
    let negative = o.lt(x, zero);
    let outer = o.select(negative, far, twice);
    let t = o.addc(p, 4.371_139e-8);
    let inner = o.csub(std::f32::consts::FRAC_PI_2, t);
    o.select(large, outer, inner)
}

/// For a >= 0: (the nearest of 0, pi/4, pi/2; atan of the rest).
#[inline(always)]
fn atan_parts<O: Ops>(o: &mut O, a: O::F) -> (O::F, O::F) {
    let (t1, t3) = (o.f(0.414_213_57), o.f(2.414_213_7));
    let middle = o.gt(a, t1);
    let large = o.gt(a, t3);
    let (one, zero, minus) = (o.f(1.0), o.f(0.0), o.f(-1.0));
    let n = o.addc(a, -1.0);
    let n = o.select(middle, n, a);
    let n = o.select(large, minus, n);
    let d = o.addc(a, 1.0);
    let d = o.select(middle, d, one);
    let d = o.select(large, a, d);
    let r = o.div(n, d);
    let base = o.f(std::f32::consts::FRAC_PI_4);
    let base = o.select(middle, base, zero);
    let right = o.f(std::f32::consts::FRAC_PI_2);
    let base = o.select(large, right, base);
    let z = o.mul(r, r);
    let p = o.horner(z, &[8.053_744_5e-2, -0.138_776_86, 0.199_777_11, -0.333_329_5]);
    let p = o.mul(p, z);
    let p = o.fma(p, r, r);
    // The rounding of pi/4 and pi/2.
    let p = o.fmac(base, -2.782_764e-8, p);
    (base, p)
}

#[inline(always)]
pub fn atan<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let (base, p) = atan_parts(o, a);
    let y = o.add(base, p);
    o.flip_sign(y, x)
}

/// The angle of the point (x, y), all quadrants, signed zeros and infinities as in IEEE 754.
#[inline(always)]
pub fn atan2<O: Ops>(o: &mut O, y: O::F, x: O::F) -> O::F {
    let (ay, ax) = (o.abs(y), o.abs(x));
    let q = o.div(ay, ax);
    let (zero, one, inf) = (o.f(0.0), o.f(1.0), o.f(f32::INFINITY));
    // 0/0 is 0, inf/inf is 1.
    let still = o.eq(ay, zero);
    let q0 = o.add(ay, ax);
    let nan = o.compare(Compare::Ne, q0, q0);
    let no_nan = o.not(nan);
    let still = o.and(still, no_nan);
    let q = o.select(still, zero, q);
    let far_y = o.eq(ay, inf);
    let far_x = o.eq(ax, inf);
    let far = o.and(far_y, far_x);
    let q = o.select(far, one, q);
    let (base, p) = atan_parts(o, q);
    let a = o.add(base, p);
    // The left half plane: pi minus it.
    let t = o.csub(-8.742_278e-8, p);
    let left = o.csub(std::f32::consts::PI, base);
    let left = o.add(left, t);
    let sign = o.bits(x);
    let sign = o.shr(sign, 31);
    let sign = o.convert(sign);
    let negative = o.lt(sign, zero);
    let a = o.select(negative, left, a);
    o.flip_sign(a, y)
}
