//! Exponentials, logarithms, hyperbolic functions.

use super::{HIGH, Ops, clamp, nearest, scale};

const LN2_HI: f64 = 6.931_471_803_691_238_164_90e-01;
const LN2_LO: f64 = 1.908_214_929_270_587_700_02e-10;

/// 1/14! … 1/2!
const TAYLOR: [f64; 13] = [
    1.147_074_559_772_972_5e-11,
    1.605_904_383_682_161_3e-10,
    2.087_675_698_786_81e-9,
    2.505_210_838_544_172e-8,
    2.755_731_922_398_589e-7,
    2.755_731_922_398_589_3e-6,
    2.480_158_730_158_730_2e-5,
    1.984_126_984_126_984_1e-4,
    1.388_888_888_888_889e-3,
    8.333_333_333_333_333e-3,
    4.166_666_666_666_666_4e-2,
    0.166_666_666_666_666_66,
    0.5,
];

/// x = n ln 2 + r, and exp(r) - 1.
#[inline(always)]
fn reduced<O: Ops<f64>>(o: &mut O, x: O::F) -> (O::I, O::F) {
    let t = o.mulc(x, std::f64::consts::LOG2_E);
    let (n, i) = nearest(o, t);
    // ln 2 in two parts; the product with the first is exact.
    let hi = o.fmac(n, -LN2_HI, x);
    let r = o.fmac(n, -LN2_LO, hi);
    // What the difference lost.
    let c = o.sub(hi, r);
    let c = o.fmac(n, -LN2_LO, c);
    let p = o.horner(r, &TAYLOR);
    let r2 = o.mul(r, r);
    let p = o.fma(p, r2, c);
    (i, o.add(p, r))
}

#[inline(always)]
pub fn exp<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    exp_shifted(o, x, 0)
}

/// exp(x) 2^shift
#[inline(always)]
fn exp_shifted<O: Ops<f64>>(o: &mut O, x: O::F, shift: i64) -> O::F {
    let x = clamp(o, x, -760.0, 720.0);
    let (i, p) = reduced(o, x);
    let p = o.addc(p, 1.0);
    let i = if shift == 0 { i } else { o.iaddc(i, shift) };
    scale(o, p, i)
}

/// exp(x) - 1 for -80 <= x <= 80: 2^n (exp(r) - 1) + (2^n - 1).
#[inline(always)]
fn expm1<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let (i, p) = reduced(o, x);
    let i = o.iaddc(i, 1023);
    let i = o.shl(i, 52);
    let s = o.float(i);
    let m = o.addc(s, -1.0);
    o.fma(p, s, m)
}

/// What log and log2 share: x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt 2, and log(1 + f) = f - half + tail.
struct LogParts<O: Ops<f64>> {
    k: O::F,
    f: O::F,
    half: O::F,
    tail: O::F,
}

#[inline(always)]
fn log_parts<O: Ops<f64>>(o: &mut O, x: O::F) -> LogParts<O> {
    let least = o.f(f64::MIN_POSITIVE);
    let small = o.lt(x, least);
    let big = o.mulc(x, 18_014_398_509_481_984.0);
    let x = o.select(small, big, x);
    let (zero, off) = (o.f(0.0), o.f(54.0));
    let shift = o.select(small, off, zero);
    let ix = o.bits(x);
    let ix = o.iaddc(ix, 0x3ff0_0000_0000_0000 - 0x3fe6_a09e_0000_0000);
    let k = o.shr(ix, 52);
    let k = o.iaddc(k, -1023);
    let k = o.convert(k);
    let k = o.sub(k, shift);
    let ix = o.iandc(ix, 0x000f_ffff_ffff_ffff);
    let ix = o.iaddc(ix, 0x3fe6_a09e_0000_0000);
    let m = o.float(ix);
    let f = o.addc(m, -1.0);
    let d = o.addc(f, 2.0);
    let s = o.div(f, d);
    let z = o.mul(s, s);
    let r = o.horner(
        z,
        &[
            1.479_819_860_511_658_591e-01,
            1.531_383_769_920_937_332e-01,
            1.818_357_216_161_805_012e-01,
            2.222_219_843_214_978_396e-01,
            2.857_142_874_366_239_149e-01,
            3.999_999_999_940_941_908e-01,
            6.666_666_666_666_735_130e-01,
        ],
    );
    let r = o.mul(r, z);
    let half = o.mulc(f, 0.5);
    let half = o.mul(half, f);
    let tail = o.add(half, r);
    let tail = o.mul(tail, s);
    LogParts { k, f, half, tail }
}

/// -inf at 0, NaN below, inf at inf.
#[inline(always)]
fn log_specials<O: Ops<f64>>(o: &mut O, x: O::F, y: O::F) -> O::F {
    let (zero, inf) = (o.f(0.0), o.f(f64::INFINITY));
    let ordinary = o.lt(x, inf);
    // inf and NaN pass through.
    let y = o.select(ordinary, y, x);
    let negative = o.lt(x, zero);
    let nan = o.f(f64::NAN);
    let y = o.select(negative, nan, y);
    let is_zero = o.eq(x, zero);
    let low = o.f(f64::NEG_INFINITY);
    o.select(is_zero, low, y)
}

#[inline(always)]
pub fn log<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let p = log_parts(o, x);
    let y = o.fmac(p.k, LN2_LO, p.tail);
    let y = o.sub(y, p.half);
    let y = o.add(y, p.f);
    let y = o.fmac(p.k, LN2_HI, y);
    log_specials(o, x, y)
}

#[inline(always)]
pub fn log2<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    const HI: f64 = 1.442_695_040_721_446_275_71;
    const LO: f64 = 1.675_171_316_488_651_183_53e-10;
    let p = log_parts(o, x);
    let hi = o.sub(p.f, p.half);
    let hi = o.upper(hi, HIGH);
    let lo = o.sub(p.f, hi);
    let lo = o.sub(lo, p.half);
    let lo = o.add(lo, p.tail);
    let high = o.mulc(hi, HI);
    let both = o.add(lo, hi);
    let low = o.mulc(both, LO);
    let low = o.fmac(lo, HI, low);
    // k + high, and what that sum loses.
    let sum = o.add(p.k, high);
    let lost = o.sub(p.k, sum);
    let lost = o.add(lost, high);
    let low = o.add(low, lost);
    let y = o.add(low, sum);
    log_specials(o, x, y)
}

#[inline(always)]
pub fn sinh<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let (one, edge) = (o.f(1.0), o.f(22.0));
    let near = clamp(o, a, 0.0, 22.0);
    let t = expm1(o, near);
    let d = o.addc(t, 1.0);
    let q = o.div(t, d);
    let tq = o.mul(t, q);
    let twice = o.add(t, t);
    let small = o.sub(twice, tq);
    let middle = o.add(t, q);
    let is_small = o.lt(a, one);
    let y = o.select(is_small, small, middle);
    let y = o.mulc(y, 0.5);
    let e = exp_shifted(o, a, -1);
    let is_near = o.lt(a, edge);
    let y = o.select(is_near, y, e);
    o.flip_sign(y, x)
}

#[inline(always)]
pub fn cosh<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let e = exp_shifted(o, a, -1);
    let quarter = o.f(0.25);
    let r = o.div(quarter, e);
    o.add(e, r)
}

/// -m / (2 + m), m = exp(-2|x|) - 1.
#[inline(always)]
pub fn tanh<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let t = clamp(o, a, 0.0, 40.0);
    let t = o.mulc(t, -2.0);
    let m = expm1(o, t);
    let d = o.addc(m, 2.0);
    let q = o.div(m, d);
    let q = o.abs(q);
    o.flip_sign(q, x)
}
