//! Powers.

use super::{HIGH, Ops, clamp, nearest, scale};
use crate::func::Compare;

/// |x|^y in more than double precision: log2|x| as a sum of two numbers, times y, and exp2 of that.
#[inline(always)]
pub(super) fn pow_core<O: Ops<f64>>(o: &mut O, ax: O::F, y: O::F) -> O::F {
    // ax = 2^n m with m in [1, 2), or half of it so that m is near 1 or 3/2.
    let least = o.f(f64::MIN_POSITIVE);
    let small = o.lt(ax, least);
    let big = o.mulc(ax, 9_007_199_254_740_992.0);
    let ax = o.select(small, big, ax);
    let (zero, one, off) = (o.f(0.0), o.f(1.0), o.f(53.0));
    let shift = o.select(small, off, zero);
    let ix = o.bits(ax);
    let n = o.shr(ix, 52);
    let n = o.iaddc(n, -1023);
    let n = o.convert(n);
    let n = o.sub(n, shift);
    let m = o.iandc(ix, 0x000f_ffff_ffff_ffff);
    let one_bits = o.i(0x3ff0_0000_0000_0000);
    let m = o.ior(m, one_bits);
    let m = o.float(m);
    // m <= sqrt(3/2): near 1. m < sqrt 3: near 3/2. Else: half of it, near 1.
    let (e1, e2) = (o.f(f64::from_bits(0x3ff3_988e_ffff_ffff)), o.f(f64::from_bits(0x3ffb_b67a_0000_0000)));
    let low = o.compare(Compare::Le, m, e1);
    let high = o.ge(m, e2);
    let not_low = o.not(low);
    let not_high = o.not(high);
    let mid = o.and(not_low, not_high);
    let halved = o.mulc(m, 0.5);
    let m = o.select(high, halved, m);
    let n1 = o.addc(n, 1.0);
    let n = o.select(high, n1, n);
    let one_half = o.f(1.5);
    let bp = o.select(mid, one_half, one);
    let dp_h = o.f(5.849_624_872_207_641_601_56e-01);
    let dp_h = o.select(mid, dp_h, zero);
    let dp_l = o.f(1.350_039_202_129_748_971_28e-08);
    let dp_l = o.select(mid, dp_l, zero);

    // s = s_h + s_l = (m - bp)/(m + bp)
    let u = o.sub(m, bp);
    let d = o.add(m, bp);
    let v = o.div(one, d);
    let s = o.mul(u, v);
    let s_h = o.upper(s, HIGH);
    let t_h = o.upper(d, HIGH);
    let t_l = o.sub(t_h, bp);
    let t_l = o.sub(m, t_l);
    let a = o.mul(s_h, t_h);
    let a = o.sub(u, a);
    let b = o.mul(s_h, t_l);
    let a = o.sub(a, b);
    let s_l = o.mul(v, a);
    // log(m/bp)/2 = s + s^3/3 + ...
    let s2 = o.mul(s, s);
    let p = o.horner(
        s2,
        &[
            2.069_750_178_003_384_177_84e-01,
            2.306_607_457_755_617_540_67e-01,
            2.727_281_238_085_340_064_89e-01,
            3.333_333_298_183_774_329_18e-01,
            4.285_714_285_785_501_842_52e-01,
            5.999_999_999_999_946_487_25e-01,
        ],
    );
    let s4 = o.mul(s2, s2);
    let r = o.mul(s4, p);
    let t = o.add(s_h, s);
    let t = o.mul(s_l, t);
    let r = o.add(r, t);
    let s2 = o.mul(s_h, s_h);
    let t = o.addc(s2, 3.0);
    let t = o.add(t, r);
    let t_h = o.upper(t, HIGH);
    let t = o.addc(t_h, -3.0);
    let t = o.sub(t, s2);
    let t_l = o.sub(r, t);
    let u = o.mul(s_h, t_h);
    let a = o.mul(s_l, t_h);
    let b = o.mul(t_l, s);
    let v = o.add(a, b);
    let p_h = o.add(u, v);
    let p_h = o.upper(p_h, HIGH);
    let p_l = o.sub(p_h, u);
    let p_l = o.sub(v, p_l);
    // log2 = z_h + z_l + dp + n, summed into t1 + t2
    let z_h = o.mulc(p_h, 9.617_967_009_544_372_558_59e-01);
    let a = o.mulc(p_h, -7.028_461_650_952_758_265_16e-09);
    let b = o.mulc(p_l, 9.617_966_939_259_755_543_29e-01);
    let z_l = o.add(a, b);
    let z_l = o.add(z_l, dp_l);
    let t1 = o.add(z_h, z_l);
    let t1 = o.add(t1, dp_h);
    let t1 = o.add(t1, n);
    let t1 = o.upper(t1, HIGH);
    let t2 = o.sub(t1, n);
    let t2 = o.sub(t2, dp_h);
    let t2 = o.sub(t2, z_h);
    let t2 = o.sub(z_l, t2);
    // y log2 = p_h + p_l
    let y1 = o.upper(y, HIGH);
    let a = o.sub(y, y1);
    let a = o.mul(a, t1);
    let b = o.mul(y, t2);
    let p_l = o.add(a, b);
    let p_h = o.mul(y1, t1);
    let z = o.add(p_l, p_h);
    // 2^(p_h + p_l)
    let bounded = clamp(o, z, -1100.0, 1100.0);
    let (n, i) = nearest(o, bounded);
    let p_h = o.sub(p_h, n);
    let t = o.add(p_l, p_h);
    let t = o.upper(t, HIGH);
    let u = o.mulc(t, 6.931_471_824_645_996_093_75e-01);
    let a = o.sub(t, p_h);
    let a = o.sub(p_l, a);
    let a = o.mulc(a, std::f64::consts::LN_2);
    let b = o.mulc(t, -1.904_654_299_957_768_045_25e-09);
    let v = o.add(a, b);
    let w0 = o.add(u, v);
    let w = o.sub(w0, u);
    let w = o.sub(v, w);
    let t = o.mul(w0, w0);
    let q = o.horner(
        t,
        &[
            4.138_136_797_057_238_460_39e-08,
            -1.653_390_220_546_525_153_90e-06,
            6.613_756_321_437_934_361_17e-05,
            -2.777_777_777_701_559_338_42e-03,
            1.666_666_666_666_660_190_37e-01,
        ],
    );
    let q = o.mul(q, t);
    let t1 = o.sub(w0, q);
    let a = o.mul(w0, t1);
    let d = o.addc(t1, -2.0);
    let r = o.div(a, d);
    let b = o.mul(w0, w);
    let b = o.add(w, b);
    let r = o.sub(r, b);
    let r = o.sub(r, w0);
    let r = o.csub(1.0, r);
    let r = scale(o, r, i);
    let (inf, top, bottom) = (o.f(f64::INFINITY), o.f(1099.0), o.f(-1099.0));
    let over = o.gt(z, top);
    let r = o.select(over, inf, r);
    let under = o.lt(z, bottom);
    o.select(under, zero, r)
}
