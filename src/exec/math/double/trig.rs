//! Circular functions and their inverses.

use super::{HIGH, MAGIC, Ops};
use crate::func::Compare;

/// Sums up to pi/2: three parts of 33 bits, whose products with n are exact up to n = 2^20, and the rest.
const PIO2: [f64; 4] = [
    1.570_796_326_734_125_614_17,
    6.077_100_506_303_965_976_60e-11,
    2.022_266_248_711_166_455_80e-21,
    8.478_427_660_368_899_569_97e-32,
];

/// a - b, and what its rounding lost.
#[inline(always)]
fn difference<O: Ops<f64>>(o: &mut O, a: O::F, b: O::F) -> (O::F, O::F) {
    let d = o.sub(a, b);
    let back = o.sub(a, d);
    let there = o.add(d, back);
    let x = o.sub(back, b);
    let y = o.sub(a, there);
    (d, o.add(x, y))
}

/// x = n pi/2 + r + rest. NaN from 1e15.
#[inline(always)]
fn reduce<O: Ops<f64>>(o: &mut O, x: O::F) -> (O::F, O::F, O::I) {
    let a = o.abs(x);
    let limit = o.f(1e15);
    let inside = o.lt(a, limit);
    let nan = o.f(f64::NAN);
    let x = o.select(inside, x, nan);
    let t = o.mulc(x, std::f64::consts::FRAC_2_PI);
    let t = o.addc(t, MAGIC);
    let n = o.addc(t, -MAGIC);
    let i = o.bits(t);
    let p = o.mulc(n, PIO2[0]);
    let r = o.sub(x, p);
    let p = o.mulc(n, PIO2[1]);
    let (r, first) = difference(o, r, p);
    let p = o.mulc(n, PIO2[2]);
    let (r, second) = difference(o, r, p);
    let p = o.mulc(n, PIO2[3]);
    let rest = o.add(first, second);
    let rest = o.sub(rest, p);
    let y = o.add(r, rest);
    let lost = o.sub(r, y);
    let lost = o.add(lost, rest);
    (y, lost, i)
}

/// Sine and cosine of r + rest, |r| <= pi/4 (a little more does no harm).
#[inline(always)]
fn sin_cos<O: Ops<f64>>(o: &mut O, r: O::F, rest: O::F) -> (O::F, O::F) {
    let z = o.mul(r, r);
    let p = o.horner(
        z,
        &[
            1.589_690_995_211_550_102_21e-10,
            -2.505_076_025_340_686_341_95e-08,
            2.755_731_370_707_006_767_89e-06,
            -1.984_126_982_985_794_931_34e-04,
            8.333_333_333_322_489_461_24e-03,
        ],
    );
    let v = o.mul(z, r);
    let a = o.mulc(rest, 0.5);
    let b = o.mul(v, p);
    let a = o.sub(a, b);
    let a = o.mul(z, a);
    let a = o.sub(a, rest);
    let b = o.mulc(v, -1.666_666_666_666_663_243_48e-01);
    let a = o.sub(a, b);
    let s = o.sub(r, a);
    let q = o.horner(
        z,
        &[
            -1.135_964_755_778_819_482_65e-11,
            2.087_572_321_298_174_827_90e-09,
            -2.755_731_435_139_066_330_35e-07,
            2.480_158_728_947_672_941_78e-05,
            -1.388_888_888_887_410_957_49e-03,
            4.166_666_666_666_660_190_37e-02,
        ],
    );
    let z2 = o.mul(z, z);
    let q = o.mul(q, z2);
    let h = o.mulc(z, 0.5);
    let w = o.csub(1.0, h);
    let lost = o.csub(1.0, w);
    let lost = o.sub(lost, h);
    let cross = o.mul(r, rest);
    let q = o.sub(q, cross);
    let q = o.add(lost, q);
    let c = o.add(w, q);
    (s, c)
}

/// The lowest bit as a mask.
#[inline(always)]
fn odd<O: Ops<f64>>(o: &mut O, n: O::I) -> O::M {
    let bit = o.iandc(n, 1);
    let bit = o.convert(bit);
    let half = o.f(0.5);
    o.gt(bit, half)
}

/// The sine of r + rest + n pi/2.
#[inline(always)]
fn sine_quadrant<O: Ops<f64>>(o: &mut O, r: O::F, rest: O::F, n: O::I) -> O::F {
    let (s, c) = sin_cos(o, r, rest);
    let odd = odd(o, n);
    let y = o.select(odd, c, s);
    let n = o.shl(n, 62);
    let n = o.float(n);
    o.flip_sign(y, n)
}

#[inline(always)]
pub fn sin<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let (r, rest, n) = reduce(o, x);
    let y = sine_quadrant(o, r, rest, n);
    // Keeps the sign of -0.
    let zero = o.f(0.0);
    let z = o.eq(x, zero);
    o.select(z, x, y)
}

#[inline(always)]
pub fn cos<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let (r, rest, n) = reduce(o, x);
    let n = o.iaddc(n, 1);
    sine_quadrant(o, r, rest, n)
}

#[inline(always)]
pub fn tan<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let (r, rest, n) = reduce(o, x);
    let (s, c) = sin_cos(o, r, rest);
    let minus = o.neg(c);
    let odd = odd(o, n);
    let top = o.select(odd, minus, s);
    let bottom = o.select(odd, s, c);
    let y = o.div(top, bottom);
    let zero = o.f(0.0);
    let z = o.eq(x, zero);
    o.select(z, x, y)
}

/// pi/2 is their sum.
const RIGHT: (f64, f64) = (std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766_035_87e-17);

/// asin(sqrt z) = sqrt z (1 + R(z)) for 0 <= z <= 1/4.
#[inline(always)]
fn asin_rational<O: Ops<f64>>(o: &mut O, z: O::F) -> O::F {
    let p = o.horner(
        z,
        &[
            3.479_331_075_960_211_675_70e-05,
            7.915_349_942_898_145_321_76e-04,
            -4.005_553_450_067_941_140_27e-02,
            2.012_125_321_348_629_258_81e-01,
            -3.255_658_186_224_009_154_05e-01,
            1.666_666_666_666_666_574_15e-01,
        ],
    );
    let p = o.mul(p, z);
    let q = o.horner(
        z,
        &[
            7.703_815_055_590_193_527_91e-02,
            -6.882_839_716_054_532_930_30e-01,
            2.020_945_760_233_505_694_71,
            -2.403_394_911_734_414_218_78,
            1.0,
        ],
    );
    o.div(p, q)
}

/// The root of z, its upper part, and what that part lacks.
#[inline(always)]
fn split_root<O: Ops<f64>>(o: &mut O, z: O::F) -> (O::F, O::F, O::F) {
    let s = o.sqrt(z);
    let f = o.upper(s, HIGH);
    let square = o.mul(f, f);
    let top = o.sub(z, square);
    let bottom = o.add(s, f);
    let c = o.div(top, bottom);
    let zero = o.f(0.0);
    let nothing = o.eq(s, zero);
    let c = o.select(nothing, zero, c);
    (s, f, c)
}

#[inline(always)]
pub fn asin<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let half = o.f(0.5);
    let large = o.ge(a, half);
    let z1 = o.csub(1.0, a);
    let z1 = o.mulc(z1, 0.5);
    let z0 = o.mul(a, a);
    let z = o.select(large, z1, z0);
    let r = asin_rational(o, z);
    let small = o.mul(a, r);
    let small = o.add(a, small);
    // pi/4 - (2 s r - (rest - 2 c) - (pi/4 - 2 f))
    let (s, f, c) = split_root(o, z1);
    let sr = o.mul(s, r);
    let sr = o.add(sr, sr);
    let c = o.add(c, c);
    let c = o.csub(RIGHT.1, c);
    let t = o.sub(sr, c);
    let f = o.add(f, f);
    let q = o.csub(std::f64::consts::FRAC_PI_4, f);
    let t = o.sub(t, q);
    let l = o.csub(std::f64::consts::FRAC_PI_4, t);
    let y = o.select(large, l, small);
    o.flip_sign(y, x)
}

#[inline(always)]
pub fn acos<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let half = o.f(0.5);
    let large = o.ge(a, half);
    let z1 = o.csub(1.0, a);
    let z1 = o.mulc(z1, 0.5);
    let z0 = o.mul(x, x);
    let z = o.select(large, z1, z0);
    let r = asin_rational(o, z);
    // pi/2 - (x - (rest - x r))
    let t = o.mul(x, r);
    let t = o.csub(RIGHT.1, t);
    let t = o.sub(x, t);
    let inner = o.csub(RIGHT.0, t);
    let (s, f, c) = split_root(o, z1);
    let sr = o.mul(s, r);
    let near = o.add(sr, c);
    let near = o.add(f, near);
    let near = o.add(near, near);
    let w = o.addc(sr, -RIGHT.1);
    let w = o.add(s, w);
    let far = o.csub(RIGHT.0, w);
    let far = o.add(far, far);
    let zero = o.f(0.0);
    let negative = o.lt(x, zero);
    let outer = o.select(negative, far, near);
    o.select(large, outer, inner)
}

/// For a >= 0, atan is base + (low + r - r q): one of atan 0, 1/2, 1, 3/2, inf in two parts, and the rest.
#[inline(always)]
fn atan_positive<O: Ops<f64>>(o: &mut O, a: O::F) -> O::F {
    const BASES: [(f64, f64); 4] = [
        (4.636_476_090_008_060_935_15e-01, 2.269_877_745_296_168_709_24e-17),
        (std::f64::consts::FRAC_PI_4, 3.061_616_997_868_383_017_93e-17),
        (9.827_937_232_473_290_540_82e-01, 1.390_331_103_123_099_845_16e-17),
        (std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766_035_87e-17),
    ];
    let (zero, one) = (o.f(0.0), o.f(1.0));
    let (mut n, mut d, mut hi, mut lo) = (a, one, zero, zero);
    let twice = o.add(a, a);
    let n1 = o.addc(twice, -1.0);
    let d1 = o.addc(a, 2.0);
    let n2 = o.addc(a, -1.0);
    let d2 = o.addc(a, 1.0);
    let n3 = o.addc(a, -1.5);
    let d3 = o.mulc(a, 1.5);
    let d3 = o.addc(d3, 1.0);
    let minus = o.f(-1.0);
    let places = [(0.4375, n1, d1), (0.6875, n2, d2), (1.1875, n3, d3), (2.4375, minus, a)];
    for ((from, top, bottom), base) in places.into_iter().zip(BASES) {
        let from = o.f(from);
        let m = o.ge(a, from);
        n = o.select(m, top, n);
        d = o.select(m, bottom, d);
        let (h, l) = (o.f(base.0), o.f(base.1));
        hi = o.select(m, h, hi);
        lo = o.select(m, l, lo);
    }
    let r = o.div(n, d);
    let z = o.mul(r, r);
    let w = o.mul(z, z);
    let s1 = o.horner(
        w,
        &[
            1.628_582_011_536_578_236_23e-02,
            4.976_877_994_615_932_360_17e-02,
            6.661_073_137_387_531_206_69e-02,
            9.090_887_133_436_506_561_96e-02,
            1.428_571_427_250_346_637_11e-01,
            3.333_333_333_333_293_180_27e-01,
        ],
    );
    let s1 = o.mul(s1, z);
    let s2 = o.horner(
        w,
        &[
            -3.653_157_274_421_691_552_70e-02,
            -5.833_570_133_790_573_486_45e-02,
            -7.691_876_205_044_829_994_95e-02,
            -1.111_111_040_546_235_578_80e-01,
            -1.999_999_999_987_648_324_76e-01,
        ],
    );
    let s2 = o.mul(s2, w);
    let q = o.add(s1, s2);
    let t = o.mul(r, q);
    let t = o.sub(t, lo);
    let t = o.sub(t, r);
    o.sub(hi, t)
}

#[inline(always)]
pub fn atan<O: Ops<f64>>(o: &mut O, x: O::F) -> O::F {
    let a = o.abs(x);
    let y = atan_positive(o, a);
    o.flip_sign(y, x)
}

/// The angle of the point (x, y), all quadrants, signed zeros and infinities as in IEEE 754.
#[inline(always)]
pub fn atan2<O: Ops<f64>>(o: &mut O, y: O::F, x: O::F) -> O::F {
    let (ay, ax) = (o.abs(y), o.abs(x));
    let q = o.div(ay, ax);
    let (zero, one, inf) = (o.f(0.0), o.f(1.0), o.f(f64::INFINITY));
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
    let a = atan_positive(o, q);
    // The left half plane: pi minus it.
    let left = o.addc(a, -2.0 * RIGHT.1);
    let left = o.csub(std::f64::consts::PI, left);
    // x has a sign bit: its bits shifted are -1.
    let sign = o.bits(x);
    let sign = o.shr(sign, 63);
    let sign = o.convert(sign);
    let negative = o.lt(sign, zero);
    let a = o.select(negative, left, a);
    o.flip_sign(a, y)
}
