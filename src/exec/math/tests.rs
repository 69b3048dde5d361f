//! Every function against `func`'s double-precision definition, on dense samples and special values.

use super::{Scalar, binary, unary};
use crate::func::{Binary, Unary};

/// Distance in units in the last place of the exact value, in single precision.
fn ulps(got: f32, want: f64) -> f64 {
    if want.is_nan() {
        return if got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if (want as f32) == got {
        return 0.0;
    }
    if !got.is_finite() || (want as f32).is_infinite() {
        // One of them overflowed: allowed just at the edge.
        let edge = f64::from(f32::MAX) * (1.0 + 1e-6);
        return if want.abs() > f64::from(f32::MAX) * (1.0 - 1e-6) && want.abs() < edge { 1.0 } else { f64::INFINITY };
    }
    let exponent = libm::frexp(want.abs().max(f64::from(f32::MIN_POSITIVE))).1;
    let unit = libm::ldexp(1.0, exponent - 24);
    (f64::from(got) - want).abs() / unit
}

/// Numbers of every magnitude in lo..hi, evenly in the bits, and as many spread evenly.
fn samples(lo: f32, hi: f32, n: u32) -> Vec<f32> {
    let mut v: Vec<f32> = (0..=n).map(|i| lo + (hi - lo) * (i as f32 / n as f32)).collect();
    let top = lo.abs().max(hi.abs()).to_bits();
    for i in 0..n {
        let x = f32::from_bits((u64::from(top) * u64::from(i) / u64::from(n)) as u32 | 1);
        v.extend([x, -x].into_iter().filter(|x| (lo..=hi).contains(x)));
    }
    v
}

fn worst(f: Unary, lo: f32, hi: f32) -> (f64, f32) {
    let mut bad = (0.0, 0.0);
    for x in samples(lo, hi, 200_000) {
        let e = ulps(unary(&mut Scalar, f, x), f.eval(f64::from(x)));
        if e > bad.0 {
            bad = (e, x);
        }
    }
    bad
}

#[test]
fn functions_keep_their_bounds() {
    let max = f32::MAX;
    let cases = [
        (Unary::Neg, -max, max, 0.0),
        (Unary::Abs, -max, max, 0.0),
        (Unary::Sqrt, -max, max, 0.5),
        (Unary::Floor, -1e9, 1e9, 0.0),
        (Unary::Ceil, -1e9, 1e9, 0.0),
        (Unary::Sign, -max, max, 0.0),
        (Unary::Heaviside, -max, max, 0.0),
        (Unary::Relu, -max, max, 0.0),
        (Unary::Exp, -86.9, 100.0, 1.5),
        (Unary::Exp, -1.0, 1.0, 1.5),
        (Unary::Log, -1.0, max, 1.0),
        (Unary::Log, 0.0, 4.0, 1.0),
        (Unary::Log2, -1.0, max, 1.0),
        (Unary::Log2, 0.0, 4.0, 1.0),
        (Unary::Sin, -12_000.0, 12_000.0, 2.0),
        (Unary::Sin, -7.0, 7.0, 2.0),
        (Unary::Cos, -12_000.0, 12_000.0, 2.0),
        (Unary::Cos, -7.0, 7.0, 2.0),
        (Unary::Tan, -12_000.0, 12_000.0, 3.0),
        (Unary::Tan, -7.0, 7.0, 3.0),
        (Unary::Asin, -1.1, 1.1, 3.0),
        (Unary::Acos, -1.1, 1.1, 3.0),
        (Unary::Atan, -max, max, 3.0),
        (Unary::Atan, -4.0, 4.0, 3.0),
        (Unary::Sinh, -90.0, 90.0, 2.0),
        (Unary::Sinh, -2.0, 2.0, 2.0),
        (Unary::Cosh, -90.0, 90.0, 2.0),
        (Unary::Sech, -86.0, 86.0, 3.0),
        (Unary::Tanh, -20.0, 20.0, 2.0),
        (Unary::Tanh, -1.0, 1.0, 2.0),
        (Unary::Erf, -6.0, 6.0, 2.0),
        (Unary::Sigmoid, -86.0, 100.0, 2.5),
        (Unary::Softplus, -86.0, 100.0, 2.5),
        (Unary::Softplus, -2.0, 2.0, 2.5),
    ];
    let mut wrong = vec![];
    for (f, lo, hi, bound) in cases {
        let (e, at) = worst(f, lo, hi);
        if e > bound {
            wrong.push(format!("{} is {e} ulp off at {at:e}, bound {bound}", f.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One power of two is multiplied by; what would need two is 0.
#[test]
fn small_exponentials_are_zero() {
    let edge = -125.5 * std::f64::consts::LN_2;
    for x in samples(-120.0, -80.0, 100_000) {
        let got = unary(&mut Scalar, Unary::Exp, x);
        match f64::from(x) {
            wide if wide < edge - 1e-5 => assert_eq!(got.to_bits(), 0, "{x}"),
            wide if wide > edge + 1e-5 => assert!(ulps(got, Unary::Exp.eval(wide)) <= 1.5, "{x}: {got}"),
            _ => {}
        }
    }
    assert_eq!(unary(&mut Scalar, Unary::Exp, f32::NEG_INFINITY).to_bits(), 0);
}

#[test]
fn gelu_is_close() {
    for x in samples(-20.0, 20.0, 100_000) {
        let got = f64::from(unary(&mut Scalar, Unary::Gelu, x));
        let want = Unary::Gelu.eval(f64::from(x));
        assert!((got - want).abs() <= 3e-7 * f64::from(x.abs().max(1.0)), "{x}: {got} {want}");
    }
}

#[test]
fn sine_degrades_as_documented() {
    for x in samples(-3.9e6, 3.9e6, 100_000) {
        let got = f64::from(unary(&mut Scalar, Unary::Sin, x));
        let want = Unary::Sin.eval(f64::from(x));
        let ulp = f64::from(f32::from_bits(x.abs().to_bits() + 1)) - f64::from(x.abs());
        assert!((got - want).abs() <= ulp + 2e-7, "{x}: {got} {want}");
    }
    for x in [4.1e6, 1e20, f32::INFINITY, f32::NAN] {
        for f in [Unary::Sin, Unary::Cos, Unary::Tan] {
            assert!(unary(&mut Scalar, f, x).is_nan());
            assert!(unary(&mut Scalar, f, -x).is_nan());
        }
    }
}

const SPECIAL: &[f32] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    4.0,
    2.5,
    -2.5,
    1e-45,
    -1e-45,
    1e-38,
    f32::MIN_POSITIVE,
    1e10,
    -1e10,
    1e38,
    f32::MAX,
    -f32::MAX,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    0.999_999_94,
    1.000_000_1,
    16_777_217.0,
    16_777_215.0,
    -16_777_215.0,
];

#[test]
fn special_values() {
    use Unary::*;
    for f in
        [Neg, Abs, Sqrt, Floor, Ceil, Exp, Log, Log2, Asin, Acos, Atan, Sinh, Cosh, Tanh, Erf, Sigmoid, Relu, Softplus]
    {
        for &x in SPECIAL {
            let got = unary(&mut Scalar, f, x);
            let want = f.eval(f64::from(x));
            let absolute = matches!(f, Sigmoid | Softplus) && (f64::from(got) - want).abs() < 1e-37;
            assert!(absolute || ulps(got, want) <= 4.0, "{}({x:e}) = {got:e}, not {want:e}", f.name());
            if want == 0.0 && !absolute {
                assert_eq!(got.is_sign_negative(), want.is_sign_negative(), "{}({x:e})", f.name());
            }
        }
    }
    for f in [Sin, Tan, Atan, Asin, Sinh, Tanh, Erf] {
        assert!(unary(&mut Scalar, f, -0.0).is_sign_negative(), "{}", f.name());
    }
    assert_eq!(unary(&mut Scalar, Heaviside, f32::NAN), 0.0);
    assert!(unary(&mut Scalar, Sign, f32::NAN).is_nan());
}

#[test]
fn pow_and_atan2_special_values() {
    for f in [Binary::Pow, Binary::Atan2, Binary::Min, Binary::Max] {
        for &x in SPECIAL {
            for &y in SPECIAL {
                let got = binary(&mut Scalar, f, x, y);
                let want = f.eval(f64::from(x), f64::from(y));
                let e = ulps(got, want);
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
    // A full-period generator of 32-bit numbers; the values only have to be many and varied.
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0
    };
    let mut bad = (0.0f64, 0.0, 0.0);
    for i in 0..400_000 {
        let (x, y) = match i % 4 {
            0 => (next() * 4.0, next() * 20.0 - 10.0),
            1 => (1.0 + (next() - 0.5) * 1e-3, (next() - 0.5) * 2e4),
            2 => (next() * 1e6, next() * 8.0 - 4.0),
            _ => (f32::from_bits((next() * 2_139_095_039.0) as u32), next() * 2.0 - 1.0),
        };
        let want = Binary::Pow.eval(f64::from(x), f64::from(y));
        let e = ulps(binary(&mut Scalar, Binary::Pow, x, y), want);
        if e > bad.0 {
            bad = (e, x, y);
        }
    }
    assert!(bad.0 <= 2.0, "pow {bad:?}");
    let mut bad = (0.0f64, 0.0, 0.0);
    for _ in 0..200_000 {
        let (y, x) = (next() * 2.0 - 1.0, next() * 2.0 - 1.0);
        let want = Binary::Atan2.eval(f64::from(y), f64::from(x));
        let e = ulps(binary(&mut Scalar, Binary::Atan2, y, x), want);
        if e > bad.0 {
            bad = (e, y, x);
        }
    }
    assert!(bad.0 <= 3.0, "atan2 {bad:?}");
}
