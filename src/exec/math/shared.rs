//! What is written alike in both precisions: the choice of the function, and the functions made of others. Constants are
//! literals, so that they take the precision of the module that [`functions`] is put into.

/// The functions of one precision, over `exp`, `log`, `erf`, `pow_core`, … of the module around.
macro_rules! functions {
    ($r:ty) => {
        /// The function on one lane (or several).
        #[inline(always)]
        pub fn unary<O: Ops<$r>>(o: &mut O, f: Unary, x: O::F) -> O::F {
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
                Unary::Sech => {
                    let (one, c) = (o.f(1.0), cosh(o, x));
                    o.div(one, c)
                }
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
        pub fn binary<O: Ops<$r>>(o: &mut O, f: Binary, a: O::F, b: O::F) -> O::F {
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

        /// Where x is below lo, lo; above hi, hi; a NaN stays.
        #[inline(always)]
        fn clamp<O: Ops<$r>>(o: &mut O, x: O::F, lo: $r, hi: $r) -> O::F {
            let (lo, hi) = (o.f(lo), o.f(hi));
            let m = o.lt(x, lo);
            let x = o.select(m, lo, x);
            let m = o.gt(x, hi);
            o.select(m, hi, x)
        }

        #[inline(always)]
        pub fn sigmoid<O: Ops<$r>>(o: &mut O, x: O::F) -> O::F {
            let a = o.abs(x);
            let a = o.neg(a);
            let e = exp(o, a);
            let (zero, one) = (o.f(0.0), o.f(1.0));
            let positive = o.ge(x, zero);
            let n = o.select(positive, one, e);
            let d = o.addc(e, 1.0);
            o.div(n, d)
        }

        #[inline(always)]
        pub fn softplus<O: Ops<$r>>(o: &mut O, x: O::F) -> O::F {
            let a = o.abs(x);
            let a = o.neg(a);
            let e = exp(o, a);
            // log(1 + e): the logarithm of the rounded sum, and what the rounding lost.
            let u = o.addc(e, 1.0);
            let l = log(o, u);
            let lost = o.addc(u, -1.0);
            let lost = o.sub(e, lost);
            let lost = o.div(lost, u);
            let l = o.add(l, lost);
            let zero = o.f(0.0);
            let positive = o.gt(x, zero);
            let m = o.select(positive, x, zero);
            o.add(m, l)
        }

        #[inline(always)]
        pub fn gelu<O: Ops<$r>>(o: &mut O, x: O::F) -> O::F {
            let t = o.mulc(x, std::f64::consts::FRAC_1_SQRT_2 as $r);
            let e = erf(o, t);
            let e = o.addc(e, 1.0);
            let h = o.mulc(x, 0.5);
            o.mul(h, e)
        }

        /// x^y, special values as in IEEE 754 (x^0 = 1^y = 1, even for NaN).
        #[inline(always)]
        pub fn pow<O: Ops<$r>>(o: &mut O, x: O::F, y: O::F) -> O::F {
            let (zero, one, inf, nan) = (o.f(0.0), o.f(1.0), o.f(<$r>::INFINITY), o.f(<$r>::NAN));
            let ax = o.abs(x);
            let ay = o.abs(y);
            let r = pow_core(o, ax, y);
            // Where log2|x| is 0 or infinite, or y is infinite.
            let rising = o.gt(y, zero);
            let up = o.select(rising, inf, zero);
            let down = o.select(rising, zero, inf);
            let x_inf = o.eq(ax, inf);
            let r = o.select(x_inf, up, r);
            let x_zero = o.eq(ax, zero);
            let r = o.select(x_zero, down, r);
            let y_inf = o.eq(ay, inf);
            let above = o.gt(ax, one);
            let t = o.select(above, up, down);
            let r = o.select(y_inf, t, r);
            let unit = o.eq(ax, one);
            let r = o.select(unit, one, r);
            // A negative base: odd powers are negative, broken powers are none.
            let whole = o.floor(y);
            let is_whole = o.eq(whole, y);
            let half = o.mulc(y, 0.5);
            let half_floor = o.floor(half);
            let uneven = o.compare(Compare::Ne, half_floor, half);
            let is_odd = o.and(is_whole, uneven);
            let odd_r = o.flip_sign(r, x);
            let r = o.select(is_odd, odd_r, r);
            let low = o.lt(x, zero);
            let broken = o.not(is_whole);
            let y_finite = o.lt(ay, inf);
            let x_finite = o.lt(ax, inf);
            let broken = o.and(broken, y_finite);
            let broken = o.and(broken, x_finite);
            let none = o.and(low, broken);
            let r = o.select(none, nan, r);
            // NaN, and the powers that are 1 in spite of it.
            let sum = o.add(ax, ay);
            let any_nan = o.compare(Compare::Ne, sum, sum);
            let r = o.select(any_nan, nan, r);
            let x_one = o.eq(x, one);
            let y_zero = o.eq(y, zero);
            let certain = o.or(x_one, y_zero);
            o.select(certain, one, r)
        }
    };
}
pub(super) use functions;
