//! Exponentials, logarithms, and what is made of them.

use super::{Ops, clamp};

#[inline(always)]
pub fn exp<O: Ops>(o: &mut O, x: O::F) -> O::F {
    exp_shifted(o, x, 0)
}

/// exp(x) 2^shift for a shift of 0 or -1: 2 e^r 2^(n - 1 + shift), which is 0 where the power is less than 2^-126.
#[inline(always)]
fn exp_shifted<O: Ops>(o: &mut O, x: O::F, shift: i32) -> O::F {
    let x = clamp(o, x, -87.5, 89.0 - shift as f32);
    // As in `nearest`, with the exponent of the power in the lower bits.
    let magic = 12_582_912.0 + (126 + shift) as f32;
    let t = o.f(magic);
    let t = o.fmac(x, std::f32::consts::LOG2_E, t);
    let n = o.addc(t, -magic);
    // ln 2 in two parts.
    let r = o.fmac(n, -0.693_145_75, x);
    let r = o.fmac(n, -1.428_606_8e-6, r);
    // 2 + 2 r + r^2 (1 + …): pairs of coefficients first (Estrin), which shortens the chain.
    let r2 = o.mul(r, r);
    let [two, c2, c4] = [2.0, 0.999_999_9, 8.333_678e-2].map(|c| o.f(c));
    let low = o.fma(r, two, two);
    let middle = o.fmac(r, 0.333_330_42, c2);
    let high = o.fmac(r, 1.673_749e-2, c4);
    let p = o.fmac(r2, 2.762_908e-3, high);
    let p = o.fma(p, r2, middle);
    let p = o.fma(p, r2, low);
    let power = o.bits(t);
    let power = o.shl(power, 23);
    let power = o.float(power);
    o.mul(p, power)
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
    let y = o.fmac(p.k, 9.058_001e-6, p.tail);
    let y = o.sub(y, p.half);
    let y = o.add(y, p.f);
    let y = o.fmac(p.k, 0.693_138_1, y);
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
    let y = o.fmac(lo, HI, y);
    let y = o.fmac(hi, HI, y);
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
    let p = o.fma(p, x, x);
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
    let p = o.fma(p, a, a);
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
    let p = o.fma(p, x, x);
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
    let minus = o.neg(t);
    let q = o.fma(q, t, minus);
    let e = exp(o, q);
    let l = o.csub(1.0, e);
    let l = o.flip_sign(l, x);
    let edge = o.f(0.927_734_4);
    let small = o.lt(a, edge);
    o.select(small, p, l)
}
