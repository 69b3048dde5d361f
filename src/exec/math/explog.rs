//! Exponentials, logarithms, and what is made of them.

use super::{Ops, clamp, nearest, scale};

#[inline(always)]
pub fn exp<O: Ops>(o: &mut O, x: O::F) -> O::F {
    exp_shifted(o, x, 0)
}

/// exp(x) 2^shift
#[inline(always)]
fn exp_shifted<O: Ops>(o: &mut O, x: O::F, shift: i32) -> O::F {
    let x = clamp(o, x, -110.0, 100.0);
    let t = o.mulc(x, std::f32::consts::LOG2_E);
    let (n, i) = nearest(o, t);
    // ln 2 in two parts; the product with the first is exact.
    let a = o.mulc(n, 0.693_145_75);
    let r = o.sub(x, a);
    let a = o.mulc(n, 1.428_606_8e-6);
    let r = o.sub(r, a);
    let p = o.horner(r, &[1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5]);
    let r2 = o.mul(r, r);
    let p = o.mul(p, r2);
    let p = o.add(p, r);
    let p = o.addc(p, 1.0);
    let i = if shift == 0 { i } else { o.iaddc(i, shift) };
    scale(o, p, i)
}

/// What log and log2 share: x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt 2, and log(1 + f) = f - half + tail.
struct LogParts<O: Ops> {
    k: O::F,
    f: O::F,
    half: O::F,
    tail: O::F,
}

#[inline(always)]
fn log_parts<O: Ops>(o: &mut O, x: O::F) -> LogParts<O> {
    let least = o.f(f32::MIN_POSITIVE);
    let small = o.lt(x, least);
    let big = o.mulc(x, 33_554_432.0);
    let x = o.select(small, big, x);
    let (zero, twenty_five) = (o.f(0.0), o.f(25.0));
    let shift = o.select(small, twenty_five, zero);
    let ix = o.bits(x);
    let ix = o.iaddc(ix, 0x3f80_0000 - 0x3f35_04f3);
    let k = o.shr(ix, 23);
    let k = o.iaddc(k, -127);
    let k = o.convert(k);
    let k = o.sub(k, shift);
    let ix = o.iandc(ix, 0x007f_ffff);
    let ix = o.iaddc(ix, 0x3f35_04f3);
    let m = o.float(ix);
    let f = o.addc(m, -1.0);
    let d = o.addc(f, 2.0);
    let s = o.div(f, d);
    let z = o.mul(s, s);
    let r = o.horner(z, &[0.242_790_79, 0.284_987_87, 0.400_009_72, 0.666_666_6]);
    let r = o.mul(r, z);
    let half = o.mulc(f, 0.5);
    let half = o.mul(half, f);
    let tail = o.add(half, r);
    let tail = o.mul(tail, s);
    LogParts { k, f, half, tail }
}

/// -inf at 0, NaN below, inf at inf.
#[inline(always)]
fn log_specials<O: Ops>(o: &mut O, x: O::F, y: O::F) -> O::F {
    let (zero, inf) = (o.f(0.0), o.f(f32::INFINITY));
    let ordinary = o.lt(x, inf);
    // inf and NaN pass through.
    let y = o.select(ordinary, y, x);
    let negative = o.lt(x, zero);
    let nan = o.f(f32::NAN);
    let y = o.select(negative, nan, y);
    let is_zero = o.eq(x, zero);
    let low = o.f(f32::NEG_INFINITY);
    o.select(is_zero, low, y)
}

#[inline(always)]
pub fn log<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let p = log_parts(o, x);
    let lo = o.mulc(p.k, 9.058_001e-6);
    let y = o.add(p.tail, lo);
    let y = o.sub(y, p.half);
    let y = o.add(y, p.f);
    let hi = o.mulc(p.k, 0.693_138_1);
    let y = o.add(y, hi);
    log_specials(o, x, y)
}

#[inline(always)]
pub fn log2<O: Ops>(o: &mut O, x: O::F) -> O::F {
    const HI: f32 = 1.442_871_1;
    const LO: f32 = -1.760_528_6e-4;
    let p = log_parts(o, x);
    let hi = o.sub(p.f, p.half);
    let hi = o.upper(hi, -0x1000);
    let lo = o.sub(p.f, hi);
    let lo = o.sub(lo, p.half);
    let lo = o.add(lo, p.tail);
    let y = o.add(lo, hi);
    let y = o.mulc(y, LO);
    let t = o.mulc(lo, HI);
    let y = o.add(y, t);
    let t = o.mulc(hi, HI);
    let y = o.add(y, t);
    let y = o.add(y, p.k);
    log_specials(o, x, y)
}

#[inline(always)]
pub fn sinh<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let one = o.f(1.0);
    let z = o.mul(x, x);
    let p = o.horner(z, &[2.755_732e-6, 1.984_127e-4, 8.333_334e-3, 0.166_666_67]);
    let p = o.mul(p, z);
    let p = o.mul(p, x);
    let p = o.add(p, x);
    let e = exp_shifted(o, a, -1);
    let quarter = o.f(0.25);
    let r = o.div(quarter, e);
    let l = o.sub(e, r);
    let l = o.flip_sign(l, x);
    let small = o.lt(a, one);
    o.select(small, p, l)
}

#[inline(always)]
pub fn cosh<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let e = exp_shifted(o, a, -1);
    let quarter = o.f(0.25);
    let r = o.div(quarter, e);
    o.add(e, r)
}

#[inline(always)]
pub fn tanh<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let z = o.mul(x, x);
    let p = o.horner(z, &[-5.704_988_7e-3, 2.063_909e-2, -5.373_971_6e-2, 0.133_314_42, -0.333_332_8]);
    let p = o.mul(p, z);
    let p = o.mul(p, a);
    let p = o.add(p, a);
    let t = o.add(a, a);
    let e = exp(o, t);
    let d = o.addc(e, 1.0);
    let two = o.f(2.0);
    let r = o.div(two, d);
    let l = o.csub(1.0, r);
    let edge = o.f(0.625);
    let small = o.lt(a, edge);
    let y = o.select(small, p, l);
    o.flip_sign(y, x)
}

#[inline(always)]
pub fn erf<O: Ops>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let s = o.mul(x, x);
    let p = o.horner(s, &[-5.967_617e-4, 4.991_194e-3, -2.676_813_5e-2, 0.112_819_925, -0.376_125_34, 0.128_379_17]);
    let p = o.mul(p, x);
    let p = o.add(p, x);
    // 1 - exp(-polynomial); beyond 4 it is 1.
    let t = clamp(o, a, 0.0, 4.5);
    let q = o.horner(
        t,
        &[
            -1.728_534_7e-5,
            3.831_979_7e-4,
            -3.883_963_8e-3,
            2.425_462_2e-2,
            -0.106_777_88,
            -0.634_846_87,
            -0.128_717_51,
        ],
    );
    let q = o.mul(q, t);
    let q = o.sub(q, t);
    let e = exp(o, q);
    let l = o.csub(1.0, e);
    let l = o.flip_sign(l, x);
    let edge = o.f(0.927_734_4);
    let small = o.lt(a, edge);
    o.select(small, p, l)
}
