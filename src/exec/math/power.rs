//! Powers.

use super::{Ops, clamp, nearest, scale};
use crate::func::Compare;

/// |x|^y in more than single precision: log2|x| as a sum of two numbers, times y, and exp2 of that.
#[inline(always)]
pub(super) fn pow_core<O: Ops>(o: &mut O, ax: O::F, y: O::F) -> O::F {
    // ax = 2^n m with m in [1, 2), or half of it so that m is near 1 or 3/2.
    let least = o.f(f32::MIN_POSITIVE);
    let small = o.lt(ax, least);
    let big = o.mulc(ax, 16_777_216.0);
    let ax = o.select(small, big, ax);
    let (zero, one, off) = (o.f(0.0), o.f(1.0), o.f(24.0));
    let shift = o.select(small, off, zero);
    let ix = o.bits(ax);
    let n = o.shr(ix, 23);
    let n = o.iaddc(n, -127);
    let n = o.convert(n);
    let n = o.sub(n, shift);
    let m = o.iandc(ix, 0x007f_ffff);
    let one_bits = o.i(0x3f80_0000);
    let m = o.ior(m, one_bits);
    let m = o.float(m);
    // m <= sqrt(3/2): near 1. m < sqrt 3: near 3/2. Else: half of it, near 1.
    let (e1, e2) = (o.f(f32::from_bits(0x3f9c_c471)), o.f(f32::from_bits(0x3fdd_b3d7)));
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
    let dp_h = o.f(f32::from_bits(0x3f15_c000));
    let dp_h = o.select(mid, dp_h, zero);
    let dp_l = o.f(1.563_220_9e-6);
    let dp_l = o.select(mid, dp_l, zero);

    // s = s_h + s_l = (m - bp)/(m + bp)
    let u = o.sub(m, bp);
    let d = o.add(m, bp);
    let v = o.div(one, d);
    let s = o.mul(u, v);
    let s_h = o.upper(s, -0x1000);
    let t_h = o.upper(d, -0x1000);
    let t_l = o.sub(t_h, bp);
    let t_l = o.sub(m, t_l);
    let a = o.mul(s_h, t_h);
    let a = o.sub(u, a);
    let b = o.mul(s_h, t_l);
    let a = o.sub(a, b);
    let s_l = o.mul(v, a);
    // log(m/bp)/2 = s + s^3/3 + ...
    let s2 = o.mul(s, s);
    let p = o.horner(s2, &[0.206_975_01, 0.230_660_75, 0.272_728_12, 0.333_333_34, 0.428_571_43, 0.6]);
    let s4 = o.mul(s2, s2);
    let r = o.mul(s4, p);
    let t = o.add(s_h, s);
    let t = o.mul(s_l, t);
    let r = o.add(r, t);
    let s2 = o.mul(s_h, s_h);
    let t = o.addc(s2, 3.0);
    let t = o.add(t, r);
    let t_h = o.upper(t, -0x1000);
    let t = o.addc(t_h, -3.0);
    let t = o.sub(t, s2);
    let t_l = o.sub(r, t);
    let u = o.mul(s_h, t_h);
    let a = o.mul(s_l, t_h);
    let b = o.mul(t_l, s);
    let v = o.add(a, b);
    let p_h = o.add(u, v);
    let p_h = o.upper(p_h, -0x1000);
    let p_l = o.sub(p_h, u);
    let p_l = o.sub(v, p_l);
    // log2 = z_h + z_l + dp + n, summed into t1 + t2
    let z_h = o.mulc(p_h, f32::from_bits(0x3f76_4000));
    let a = o.mulc(p_h, -1.173_685_7e-4);
    let b = o.mulc(p_l, 0.961_796_7);
    let z_l = o.add(a, b);
    let z_l = o.add(z_l, dp_l);
    let t1 = o.add(z_h, z_l);
    let t1 = o.add(t1, dp_h);
    let t1 = o.add(t1, n);
    let t1 = o.upper(t1, -0x1000);
    let t2 = o.sub(t1, n);
    let t2 = o.sub(t2, dp_h);
    let t2 = o.sub(t2, z_h);
    let t2 = o.sub(z_l, t2);
    // y log2 = p_h + p_l
    let y1 = o.upper(y, -0x1000);
    let a = o.sub(y, y1);
    let a = o.mul(a, t1);
    let b = o.mul(y, t2);
    let p_l = o.add(a, b);
    let p_h = o.mul(y1, t1);
    let z = o.add(p_l, p_h);
    // 2^(p_h + p_l)
    let bounded = clamp(o, z, -200.0, 200.0);
    let (n, i) = nearest(o, bounded);
    let p_h = o.sub(p_h, n);
    let t = o.add(p_l, p_h);
    let t = o.upper(t, -0x8000);
    let u = o.mulc(t, 0.693_145_75);
    let a = o.sub(t, p_h);
    let a = o.sub(p_l, a);
    let a = o.mulc(a, std::f32::consts::LN_2);
    let b = o.mulc(t, 1.428_606_5e-6);
    let v = o.add(a, b);
    let w0 = o.add(u, v);
    let w = o.sub(w0, u);
    let w = o.sub(v, w);
    let t = o.mul(w0, w0);
    let q = o.horner(t, &[4.138_137e-8, -1.653_390_2e-6, 6.613_756e-5, -2.777_777_8e-3, 0.166_666_67]);
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
    let (inf, top, bottom) = (o.f(f32::INFINITY), o.f(199.0), o.f(-199.0));
    let over = o.gt(z, top);
    let r = o.select(over, inf, r);
    let under = o.lt(z, bottom);
    o.select(under, zero, r)
}
