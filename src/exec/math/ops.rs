//! The basic operations that functions are written over, and the machine of one number.

use crate::func::Compare;

/// Basic operations that are rounded alike everywhere. `F` is a float lane (or several), `I` its 32-bit integer, `M` a
/// truth value a lane. Comparisons with NaN are false, except `ne`.
pub trait Ops {
    type F: Copy;
    type I: Copy;
    type M: Copy;

    fn f(&mut self, x: f32) -> Self::F;
    fn i(&mut self, x: i32) -> Self::I;

    fn add(&mut self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(&mut self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(&mut self, a: Self::F, b: Self::F) -> Self::F;
    fn div(&mut self, a: Self::F, b: Self::F) -> Self::F;
    fn neg(&mut self, a: Self::F) -> Self::F;
    fn abs(&mut self, a: Self::F) -> Self::F;
    fn sqrt(&mut self, a: Self::F) -> Self::F;
    fn floor(&mut self, a: Self::F) -> Self::F;
    fn ceil(&mut self, a: Self::F) -> Self::F;

    fn compare(&mut self, c: Compare, a: Self::F, b: Self::F) -> Self::M;
    fn and(&mut self, a: Self::M, b: Self::M) -> Self::M;
    fn or(&mut self, a: Self::M, b: Self::M) -> Self::M;
    fn not(&mut self, a: Self::M) -> Self::M;
    fn select(&mut self, m: Self::M, a: Self::F, b: Self::F) -> Self::F;

    /// The bits as an integer, and back.
    fn bits(&mut self, a: Self::F) -> Self::I;
    fn float(&mut self, a: Self::I) -> Self::F;
    /// The number of that value (rounded).
    fn convert(&mut self, a: Self::I) -> Self::F;
    fn iadd(&mut self, a: Self::I, b: Self::I) -> Self::I;
    fn isub(&mut self, a: Self::I, b: Self::I) -> Self::I;
    fn iand(&mut self, a: Self::I, b: Self::I) -> Self::I;
    fn ior(&mut self, a: Self::I, b: Self::I) -> Self::I;
    fn ixor(&mut self, a: Self::I, b: Self::I) -> Self::I;
    fn shl(&mut self, a: Self::I, n: u32) -> Self::I;
    /// Arithmetic shift.
    fn shr(&mut self, a: Self::I, n: u32) -> Self::I;

    // Shorthands.
    fn lt(&mut self, a: Self::F, b: Self::F) -> Self::M {
        self.compare(Compare::Lt, a, b)
    }
    fn gt(&mut self, a: Self::F, b: Self::F) -> Self::M {
        self.compare(Compare::Gt, a, b)
    }
    fn ge(&mut self, a: Self::F, b: Self::F) -> Self::M {
        self.compare(Compare::Ge, a, b)
    }
    fn eq(&mut self, a: Self::F, b: Self::F) -> Self::M {
        self.compare(Compare::Eq, a, b)
    }
    fn addc(&mut self, a: Self::F, c: f32) -> Self::F {
        let c = self.f(c);
        self.add(a, c)
    }
    fn mulc(&mut self, a: Self::F, c: f32) -> Self::F {
        let c = self.f(c);
        self.mul(a, c)
    }
    /// c - a
    fn csub(&mut self, c: f32, a: Self::F) -> Self::F {
        let c = self.f(c);
        self.sub(c, a)
    }
    fn iaddc(&mut self, a: Self::I, c: i32) -> Self::I {
        let c = self.i(c);
        self.iadd(a, c)
    }
    fn iandc(&mut self, a: Self::I, c: i32) -> Self::I {
        let c = self.i(c);
        self.iand(a, c)
    }
    /// Coefficients from the highest power down.
    fn horner(&mut self, x: Self::F, c: &[f32]) -> Self::F {
        let mut y = self.f(c[0]);
        for &k in &c[1..] {
            y = self.mul(y, x);
            y = self.addc(y, k);
        }
        y
    }
    /// The upper bits of a float, the lower ones cleared.
    fn upper(&mut self, a: Self::F, mask: u32) -> Self::F {
        let i = self.bits(a);
        let i = self.iandc(i, mask as i32);
        self.float(i)
    }
    /// `a` with the sign of `s` where `a` is not negative; where it is, the product of both signs.
    fn flip_sign(&mut self, a: Self::F, s: Self::F) -> Self::F {
        let s = self.bits(s);
        let s = self.iandc(s, i32::MIN);
        let a = self.bits(a);
        let a = self.ixor(a, s);
        self.float(a)
    }
}

/// One number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalar;

impl Ops for Scalar {
    type F = f32;
    type I = i32;
    type M = bool;

    #[inline(always)]
    fn f(&mut self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn i(&mut self, x: i32) -> i32 {
        x
    }
    #[inline(always)]
    fn add(&mut self, a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn sub(&mut self, a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    fn mul(&mut self, a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    fn div(&mut self, a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    fn neg(&mut self, a: f32) -> f32 {
        -a
    }
    #[inline(always)]
    fn abs(&mut self, a: f32) -> f32 {
        a.abs()
    }
    #[inline(always)]
    fn sqrt(&mut self, a: f32) -> f32 {
        a.sqrt()
    }
    #[inline(always)]
    fn floor(&mut self, a: f32) -> f32 {
        a.floor()
    }
    #[inline(always)]
    fn ceil(&mut self, a: f32) -> f32 {
        a.ceil()
    }
    #[inline(always)]
    fn compare(&mut self, c: Compare, a: f32, b: f32) -> bool {
        match c {
            Compare::Lt => a < b,
            Compare::Le => a <= b,
            Compare::Gt => a > b,
            Compare::Ge => a >= b,
            Compare::Eq => a == b,
            Compare::Ne => a != b,
        }
    }
    #[inline(always)]
    fn and(&mut self, a: bool, b: bool) -> bool {
        a & b
    }
    #[inline(always)]
    fn or(&mut self, a: bool, b: bool) -> bool {
        a | b
    }
    #[inline(always)]
    fn not(&mut self, a: bool) -> bool {
        !a
    }
    #[inline(always)]
    fn select(&mut self, m: bool, a: f32, b: f32) -> f32 {
        if m { a } else { b }
    }
    #[inline(always)]
    fn bits(&mut self, a: f32) -> i32 {
        a.to_bits() as i32
    }
    #[inline(always)]
    fn float(&mut self, a: i32) -> f32 {
        f32::from_bits(a as u32)
    }
    #[inline(always)]
    fn convert(&mut self, a: i32) -> f32 {
        a as f32
    }
    #[inline(always)]
    fn iadd(&mut self, a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn isub(&mut self, a: i32, b: i32) -> i32 {
        a.wrapping_sub(b)
    }
    #[inline(always)]
    fn iand(&mut self, a: i32, b: i32) -> i32 {
        a & b
    }
    #[inline(always)]
    fn ior(&mut self, a: i32, b: i32) -> i32 {
        a | b
    }
    #[inline(always)]
    fn ixor(&mut self, a: i32, b: i32) -> i32 {
        a ^ b
    }
    #[inline(always)]
    fn shl(&mut self, a: i32, n: u32) -> i32 {
        a << n
    }
    #[inline(always)]
    fn shr(&mut self, a: i32, n: u32) -> i32 {
        a >> n
    }
}
