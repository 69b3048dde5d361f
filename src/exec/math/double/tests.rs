//! Every function against the reference of a hundred bits on dense samples, and against `func` at special values.

use rand::Rng;

use super::reference::{self, Twice};
use super::{binary, unary};
use crate::exec::math::Scalar64;
use crate::exec::rng::{Purpose, Stream};
use crate::func::{Binary, Unary};

fn one(f: Unary, x: f64) -> f64 {
    unary(&mut Scalar64, f, x)
}

fn two(f: Binary, x: f64, y: f64) -> f64 {
    binary(&mut Scalar64, f, x, y)
}

/// Distance in units in the last place of the exact value.
fn ulps(got: f64, want: Twice) -> f64 {
    if want.0.is_nan() {
        return if got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got.is_infinite() || want.0.is_infinite() {
        // One of them overflowed: allowed just at the edge.
        let least = got.abs().min(want.0.abs());
        return match got == want.0 {
            true => 0.0,
            false if least > f64::MAX * (1.0 - 1e-15) => 1.0,
            false => f64::INFINITY,
        };
    }
    let exponent = libm::frexp(want.0.abs().max(f64::MIN_POSITIVE)).1;
    ((got - want.0) - want.1).abs() / libm::ldexp(1.0, exponent - 53)
}

/// Numbers of every magnitude in lo ..= hi, evenly in the bits, and as many spread evenly.
fn samples(lo: f64, hi: f64, n: u32) -> Vec<f64> {
    let part = |i: u32| f64::from(i) / f64::from(n);
    let mut v: Vec<f64> = (0..=n).map(|i| (lo * (1.0 - part(i)) + hi * part(i)).clamp(lo, hi)).collect();
    let top = lo.abs().max(hi.abs()).to_bits();
    for i in 0..n {
        // An odd step, so that the lower bits vary.
        let x = f64::from_bits((u128::from(top) * u128::from(i) / u128::from(n)) as u64 | 1);
        v.extend([x, -x].into_iter().filter(|x| (lo..=hi).contains(x)));
    }
    v
}

fn worst(f: Unary, points: &[f64]) -> (f64, f64) {
    let mut bad = (0.0, 0.0);
    for &x in points {
        let e = ulps(one(f, x), reference::unary(f, x));
        if e > bad.0 {
            bad = (e, x);
        }
    }
    bad
}

const DENSE: u32 = 10_000;

#[test]
fn functions_keep_their_bounds() {
    let max = f64::MAX;
    let least = f64::from_bits(1);
    let cases = [
        (Unary::Neg, -max, max, 0.0),
        (Unary::Abs, -max, max, 0.0),
        (Unary::Sqrt, 0.0, max, 0.5),
        (Unary::Floor, -1e16, 1e16, 0.0),
        (Unary::Ceil, -1e16, 1e16, 0.0),
        (Unary::Sign, -max, max, 0.0),
        (Unary::Heaviside, -max, max, 0.0),
        (Unary::Relu, -max, max, 0.0),
        (Unary::Exp, -750.0, 709.9, 2.0),
        (Unary::Exp, -1.0, 1.0, 2.0),
        (Unary::Log, least, max, 2.0),
        (Unary::Log, least, 4.0, 2.0),
        (Unary::Log, 0.999, 1.001, 2.0),
        (Unary::Log2, least, max, 2.0),
        (Unary::Log2, least, 4.0, 2.0),
        (Unary::Log2, 0.999, 1.001, 2.0),
        (Unary::Sin, -1.6e6, 1.6e6, 2.0),
        (Unary::Sin, -7.0, 7.0, 2.0),
        (Unary::Cos, -1.6e6, 1.6e6, 2.0),
        (Unary::Cos, -7.0, 7.0, 2.0),
        (Unary::Tan, -1.6e6, 1.6e6, 3.0),
        (Unary::Tan, -7.0, 7.0, 3.0),
        (Unary::Asin, -1.0, 1.0, 2.0),
        (Unary::Acos, -1.0, 1.0, 2.0),
        (Unary::Atan, -1e300, 1e300, 2.0),
        (Unary::Atan, -4.0, 4.0, 2.0),
        (Unary::Sinh, -711.0, 711.0, 3.0),
        (Unary::Sinh, -2.0, 2.0, 3.0),
        (Unary::Cosh, -711.0, 711.0, 3.0),
        (Unary::Cosh, -2.0, 2.0, 3.0),
        (Unary::Sech, -700.0, 700.0, 4.0),
        (Unary::Tanh, -50.0, 50.0, 3.0),
        (Unary::Tanh, -1.0, 1.0, 3.0),
        (Unary::Erf, -8.0, 8.0, 2.0),
        (Unary::Sigmoid, -700.0, 800.0, 3.0),
        (Unary::Sigmoid, -2.0, 2.0, 3.0),
        (Unary::Softplus, -700.0, 800.0, 3.0),
        (Unary::Softplus, -2.0, 2.0, 3.0),
    ];
    let mut wrong = vec![];
    for (f, lo, hi, bound) in cases {
        let (e, at) = worst(f, &samples(lo, hi, DENSE));
        if e > bound {
            wrong.push(format!("{} is {e} ulp off at {at:e}, bound {bound}", f.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where the argument nearly cancels: the doubles next to multiples of pi/2.
#[test]
fn circular_functions_keep_their_bounds_next_to_their_zeros() {
    let points: Vec<f64> = (1..1_018_000u32)
        .step_by(149)
        .flat_map(|k| {
            let x = f64::from(k) * std::f64::consts::FRAC_PI_2;
            [x, f64::from_bits(x.to_bits() + 1), -f64::from_bits(x.to_bits() - 1)]
        })
        .collect();
    for (f, bound) in [(Unary::Sin, 2.0), (Unary::Cos, 2.0), (Unary::Tan, 3.0)] {
        let (e, at) = worst(f, &points);
        assert!(e <= bound, "{} is {e} ulp off at {at:e}", f.name());
    }
}

#[test]
fn gelu_is_close() {
    for x in samples(-40.0, 40.0, DENSE) {
        let want = reference::unary(Unary::Gelu, x);
        let off = ((one(Unary::Gelu, x) - want.0) - want.1).abs();
        assert!(off <= 5e-16 * x.abs().max(1.0), "{x}: {off}");
    }
}

#[test]
fn sine_degrades_as_documented() {
    for x in samples(-9.99e14, 9.99e14, DENSE) {
        let ulp = f64::from_bits(x.abs().to_bits() + 1) - x.abs();
        for f in [Unary::Sin, Unary::Cos] {
            let off = (one(f, x) - f.eval(x)).abs();
            assert!(off <= ulp + 1e-15, "{}({x}) is {off} off", f.name());
        }
    }
    for x in [1.1e15, 1e20, 1e300, f64::INFINITY, f64::NAN] {
        for f in [Unary::Sin, Unary::Cos, Unary::Tan] {
            assert!(one(f, x).is_nan() && one(f, -x).is_nan(), "{}({x})", f.name());
        }
    }
}

const SPECIAL: &[f64] = &[
    0.0,
    1.0,
    0.5,
    2.0,
    3.0,
    4.0,
    2.5,
    5e-324,
    1e-310,
    f64::MIN_POSITIVE,
    1e-300,
    1e-20,
    1e10,
    1e300,
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
    0.999_999_999_999_999_9,
    1.000_000_000_000_000_2,
    9_007_199_254_740_991.0,
    9_007_199_254_740_992.0,
    9_007_199_254_740_994.0,
    4_503_599_627_370_497.5,
];

fn special() -> impl Iterator<Item = f64> {
    SPECIAL.iter().flat_map(|x| [*x, -*x])
}

#[test]
fn special_values() {
    use Unary::*;
    for f in
        [Neg, Abs, Sqrt, Floor, Ceil, Exp, Log, Log2, Asin, Acos, Atan, Sinh, Cosh, Tanh, Erf, Sigmoid, Relu, Softplus]
    {
        for x in special() {
            let (got, want) = (one(f, x), f.eval(x));
            // exp(-750) and the like: below the smallest normal number.
            let absolute = matches!(f, Sigmoid | Softplus) && (got - want).abs() < f64::MIN_POSITIVE;
            let e = ulps(got, Twice(want, 0.0));
            assert!(absolute || e <= 4.0, "{}({x:e}) = {got:e}, not {want:e}: {e}", f.name());
            if want == 0.0 && !absolute {
                assert_eq!(got.is_sign_negative(), want.is_sign_negative(), "{}({x:e})", f.name());
            }
        }
    }
    for f in [Sin, Tan, Atan, Asin, Sinh, Tanh, Erf] {
        assert!(one(f, -0.0).is_sign_negative() && !one(f, 0.0).is_sign_negative(), "{}", f.name());
    }
    assert_eq!(one(Heaviside, f64::NAN), 0.0);
    assert!(one(Sign, f64::NAN).is_nan());
    assert_eq!((one(Sign, -5e-324), one(Sign, 0.0), one(Heaviside, -0.0)), (-1.0, 0.0, 1.0));
}

#[test]
fn special_values_of_functions_of_two() {
    for f in [Binary::Pow, Binary::Atan2, Binary::Min, Binary::Max] {
        for x in special() {
            for y in special() {
                let (got, want) = (two(f, x, y), f.eval(x, y));
                let e = ulps(got, Twice(want, 0.0));
                assert!(e <= 4.0, "{}({x:e}, {y:e}) = {got:e}, not {want:e}: {e}", f.name());
                if want == 0.0 {
                    assert_eq!(got.is_sign_negative(), want.is_sign_negative(), "{}({x:e}, {y:e})", f.name());
                }
            }
        }
    }
}

#[test]
fn pow_and_atan2_keep_their_bounds() {
    let mut stream = Stream::new(1, Purpose::Test, 64);
    let mut next = || (stream.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0;
    let mut bad = (0.0f64, 0.0, 0.0);
    for i in 0..60_000 {
        let (x, y) = match i % 5 {
            0 => (next() * 4.0, next() * 20.0 - 10.0),
            1 => (1.0 + (next() - 0.5) * 1e-3, (next() - 0.5) * 1e6),
            2 => (next() * 1e6, next() * 100.0 - 50.0),
            // Results of every magnitude, subnormal ones among them.
            3 => (libm::exp(next() * 1400.0 - 700.0), next() * 2.0 - 1.0),
            _ => (f64::from_bits((next() * 9.218e18) as u64), next() * 2.0 - 1.0),
        };
        let e = ulps(two(Binary::Pow, x, y), reference::pow(x, y));
        if e > bad.0 {
            bad = (e, x, y);
        }
    }
    assert!(bad.0 <= 2.0, "pow {bad:?}");
    let mut bad = (0.0f64, 0.0, 0.0);
    for i in 0..60_000 {
        let far = if i % 2 == 0 { 1.0 } else { libm::exp(next() * 100.0 - 50.0) };
        let (y, x) = ((next() * 2.0 - 1.0) * far, next() * 2.0 - 1.0);
        let e = ulps(two(Binary::Atan2, y, x), reference::atan2(y, x));
        if e > bad.0 {
            bad = (e, y, x);
        }
    }
    assert!(bad.0 <= 2.0, "atan2 {bad:?}");
}
