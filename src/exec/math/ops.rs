//! The basic operations that functions are written over, and the machine of one number.

use crate::func::Compare;

/// What the bits of a precision are read as.
pub trait Format: Copy {
    type Int: Copy;
    /// The bit of the sign.
    const SIGN: Self::Int;
}

impl Format for f32 {
    type Int = i32;
    const SIGN: i32 = i32::MIN;
}

impl Format for f64 {
    type Int = i64;
    const SIGN: i64 = i64::MIN;
}

/// Basic operations that are rounded alike everywhere. `F` is a float lane (or several) of precision `R`, `I` an integer of
/// as many bits, `M` a truth value a lane. Comparisons with NaN are false, except `ne`.
pub trait Ops<R: Format = f32> {
    type F: Copy;
    type I: Copy;
    type M: Copy;

    fn f(&mut self, x: R) -> Self::F;
    fn i(&mut self, x: R::Int) -> Self::I;

    fn add(&mut self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(&mut self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// a b + c, rounded once.
    fn fma(&mut self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
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
    /// The number of that value, rounded; below 2^51 in double precision.
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
    /// a b + c for a number b.
    fn fmac(&mut self, a: Self::F, b: R, c: Self::F) -> Self::F {
        let b = self.f(b);
        self.fma(a, b, c)
    }
    fn addc(&mut self, a: Self::F, c: R) -> Self::F {
        let c = self.f(c);
        self.add(a, c)
    }
    fn mulc(&mut self, a: Self::F, c: R) -> Self::F {
        let c = self.f(c);
        self.mul(a, c)
    }
    /// c - a
    fn csub(&mut self, c: R, a: Self::F) -> Self::F {
        let c = self.f(c);
        self.sub(c, a)
    }
    fn iaddc(&mut self, a: Self::I, c: R::Int) -> Self::I {
        let c = self.i(c);
        self.iadd(a, c)
    }
    fn iandc(&mut self, a: Self::I, c: R::Int) -> Self::I {
        let c = self.i(c);
        self.iand(a, c)
    }
    /// Coefficients from the highest power down.
    fn horner(&mut self, x: Self::F, c: &[R]) -> Self::F {
        let mut y = self.f(c[0]);
        for &k in &c[1..] {
            let k = self.f(k);
            y = self.fma(y, x, k);
        }
        y
    }
    /// The upper bits of a float, the lower ones cleared.
    fn upper(&mut self, a: Self::F, mask: R::Int) -> Self::F {
        let i = self.bits(a);
        let i = self.iandc(i, mask);
        self.float(i)
    }
    /// `a` with the sign of `s` where `a` is not negative; where it is, the product of both signs.
    fn flip_sign(&mut self, a: Self::F, s: Self::F) -> Self::F {
        let s = self.bits(s);
        let s = self.iandc(s, R::SIGN);
        let a = self.bits(a);
        let a = self.ixor(a, s);
        self.float(a)
    }
}

macro_rules! scalar {
    ($name:ident, $f:ty, $i:ty, $u:ty) => {
        /// One number.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $name;

        impl Ops<$f> for $name {
            type F = $f;
            type I = $i;
            type M = bool;

            #[inline(always)]
            fn f(&mut self, x: $f) -> $f {
                x
            }
            #[inline(always)]
            fn i(&mut self, x: $i) -> $i {
                x
            }
            #[inline(always)]
            fn add(&mut self, a: $f, b: $f) -> $f {
                a + b
            }
            #[inline(always)]
            fn sub(&mut self, a: $f, b: $f) -> $f {
                a - b
            }
            #[inline(always)]
            fn mul(&mut self, a: $f, b: $f) -> $f {
                a * b
            }
            #[inline(always)]
            fn fma(&mut self, a: $f, b: $f, c: $f) -> $f {
                a.mul_add(b, c)
            }
            #[inline(always)]
            fn div(&mut self, a: $f, b: $f) -> $f {
                a / b
            }
            #[inline(always)]
            fn neg(&mut self, a: $f) -> $f {
                -a
            }
            #[inline(always)]
            fn abs(&mut self, a: $f) -> $f {
                a.abs()
            }
            #[inline(always)]
            fn sqrt(&mut self, a: $f) -> $f {
                a.sqrt()
            }
            #[inline(always)]
            fn floor(&mut self, a: $f) -> $f {
                a.floor()
            }
            #[inline(always)]
            fn ceil(&mut self, a: $f) -> $f {
                a.ceil()
            }
            #[inline(always)]
            fn compare(&mut self, c: Compare, a: $f, b: $f) -> bool {
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
            fn select(&mut self, m: bool, a: $f, b: $f) -> $f {
                if m { a } else { b }
            }
            #[inline(always)]
            fn bits(&mut self, a: $f) -> $i {
                a.to_bits() as $i
            }
            #[inline(always)]
            fn float(&mut self, a: $i) -> $f {
                <$f>::from_bits(a as $u)
            }
            #[inline(always)]
            fn convert(&mut self, a: $i) -> $f {
                a as $f
            }
            #[inline(always)]
            fn iadd(&mut self, a: $i, b: $i) -> $i {
                a.wrapping_add(b)
            }
            #[inline(always)]
            fn isub(&mut self, a: $i, b: $i) -> $i {
                a.wrapping_sub(b)
            }
            #[inline(always)]
            fn iand(&mut self, a: $i, b: $i) -> $i {
                a & b
            }
            #[inline(always)]
            fn ior(&mut self, a: $i, b: $i) -> $i {
                a | b
            }
            #[inline(always)]
            fn ixor(&mut self, a: $i, b: $i) -> $i {
                a ^ b
            }
            #[inline(always)]
            fn shl(&mut self, a: $i, n: u32) -> $i {
                a << n
            }
            #[inline(always)]
            fn shr(&mut self, a: $i, n: u32) -> $i {
                a >> n
            }
        }
    };
}
scalar!(Scalar, f32, i32, u32);
scalar!(Scalar64, f64, i64, u64);
