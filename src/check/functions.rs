//! Input functions: what operator networks take. Each is a random function, a sum of known shapes with random coefficients.
//!
//! ```text
//! function a(s in 0 .. 1) ~ gaussian_process(length = 0.2) sensors 64
//!   ->   a(s) = sum_k c_k shape_k(s), the c_k standard normal;  a network sees a at 64 equally spaced places
//! ```
//!
//! So a function has a value, derivatives and an integral everywhere, all exact, and one function is a few numbers.

use crate::check::args::bind;
use crate::check::calculus::{add, mul, sub};
use crate::check::expr::{Expr, Var};
use crate::check::names::nearest;
use crate::check::scope::Scope;
use crate::diag::{Sink, functions as say, types};
use crate::func::{Binary, Unary};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

/// A random function of one variable.
#[derive(Debug, Clone, PartialEq)]
pub struct InputFunction {
    pub name: String,
    pub lo: f64,
    pub hi: f64,
    /// Equally spaced places that networks see it at, both ends included.
    pub sensors: u32,
    /// The place of its first coefficient among those of all functions.
    pub first: usize,
    pub parts: Vec<Part>,
    pub span: Span,
}

/// What a coefficient multiplies, and an antiderivative of it, in terms of coordinate 0, which stands for the variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub value: Expr,
    pub integral: Expr,
}

/// Sensors where the program does not say.
const SENSORS: u64 = 64;
/// Shapes of a Gaussian process are left out once their standard deviation is below this part of the process's.
const NEGLIGIBLE: f64 = 1e-4;

/// Declares a function; `None` after a mistake.
pub fn declare(item: &ast::Function, first: usize, scope: &Scope<'_>, sink: &mut Sink) -> Option<InputFunction> {
    let within = "in the range of an input function";
    let (lo, hi) = (scope.number_in(&item.lo, within, sink), scope.number_in(&item.hi, within, sink));
    let sensors = match &item.sensors {
        Some(e) => scope.integer(e, 2, 4096, sink),
        None => Some(SENSORS),
    };
    let (lo, hi) = (lo?, hi?);
    if lo >= hi {
        sink.push(types::empty_range(item.lo.span.to(item.hi.span), lo, hi));
        return None;
    }
    let parts = parts(&item.law, lo, hi, scope, sink)?;
    let (name, span) = (item.name.text.clone(), item.name.span);
    Some(InputFunction { name, lo, hi, sensors: sensors? as u32, first, parts, span })
}

fn parts(law: &ast::Call, lo: f64, hi: f64, scope: &Scope<'_>, sink: &mut Sink) -> Option<Vec<Part>> {
    const KNOWN: &[&str] = &["gaussian_process", "polynomial", "fourier"];
    let positive = |e: Option<&ast::Expr>, default: f64, sink: &mut Sink| match e {
        Some(e) => scope.positive(e, sink),
        None => Some(default),
    };
    match law.name.text.as_str() {
        "gaussian_process" => {
            let bound = bind(&law.name, &law.args, &["length", "scale", "periodic"], &["periodic"], sink);
            let periodic = bound.get("periodic");
            if let Some(e) = periodic.filter(|e| !matches!(&*e.kind, ExprKind::Name(n) if n == "periodic")) {
                sink.push(types::wrong_kind(e.span, "the word `periodic` alone", "a value"));
                return None;
            }
            let length = bound.get("length").map(|e| (e.span, scope.positive(e, sink)));
            let scale = positive(bound.get("scale"), 1.0, sink);
            let Some((at, length)) = length else {
                sink.push(say::law_argument(law.span, "gaussian_process", "length", "gaussian_process(length = 0.2)"));
                return None;
            };
            let (length, scale) = (length?, scale?);
            if length < 0.01 * (hi - lo) {
                let expected = "a length of at least a hundredth of the range";
                sink.push(types::out_of_range(at, expected, length));
                return None;
            }
            Some(gaussian_process(lo, hi, length, scale, periodic.is_some()))
        }
        "polynomial" => {
            let bound = bind(&law.name, &law.args, &["degree", "scale"], &[], sink);
            let degree = bound.get("degree").map_or(Some(3), |e| scope.integer(e, 0, 20, sink));
            let scale = positive(bound.get("scale"), 1.0, sink);
            Some(polynomial(lo, hi, degree?, scale?))
        }
        "fourier" => {
            let bound = bind(&law.name, &law.args, &["modes", "scale"], &[], sink);
            let modes = bound.get("modes").map_or(Some(4), |e| scope.integer(e, 1, 64, sink));
            let scale = positive(bound.get("scale"), 1.0, sink);
            Some(fourier(lo, hi, modes?, scale?))
        }
        other => {
            sink.push(say::unknown_law(law.name.span, other, KNOWN, nearest(other, KNOWN.iter().copied())));
            None
        }
    }
}

fn num(x: f64) -> Expr {
    Expr::Num(x)
}

/// s - lo
fn along(lo: f64) -> Expr {
    sub(Expr::Var(Var::Coord(0)), num(lo))
}

/// A cos(w (s - lo)) or A sin(w (s - lo)), with its antiderivative.
fn wave(f: Unary, amplitude: f64, w: f64, lo: f64) -> Part {
    let angle = || mul(num(w), along(lo));
    let (other, sign) = if f == Unary::Cos { (Unary::Sin, 1.0) } else { (Unary::Cos, -1.0) };
    Part {
        value: mul(num(amplitude), Expr::unary(f, angle())),
        integral: mul(num(sign * amplitude / w), Expr::unary(other, angle())),
    }
}

fn constant(amplitude: f64, lo: f64) -> Part {
    Part { value: num(amplitude), integral: mul(num(amplitude), along(lo)) }
}

/// A process of mean 0 and covariance scale^2 exp(-|s - s'|^2 / (2 length^2)), as the Fourier series of a period so long that
/// the two ends of the range do not feel each other: off by exp(-12.5) of the variance. A periodic one has the range itself as
/// its period, and the covariance summed over all its turns, scaled to the variance scale^2.
fn gaussian_process(lo: f64, hi: f64, length: f64, scale: f64, periodic: bool) -> Vec<Part> {
    let period = (hi - lo) + if periodic { 0.0 } else { 5.0 * length };
    // Of the periodic covariance the k-th coefficient is the spectral density at 2 pi k / period.
    let weight =
        |w: f64| libm::sqrt(2.0 * std::f64::consts::PI) * length / period * libm::exp(-0.5 * w * w * length * length);
    let turns: f64 = (1..)
        .map(|k| 2.0 * weight(2.0 * std::f64::consts::PI * f64::from(k) / period))
        .take_while(|w| libm::sqrt(*w) >= NEGLIGIBLE)
        .sum();
    let scale = if periodic { scale / libm::sqrt(weight(0.0) + turns) } else { scale };
    let mut parts = vec![constant(scale * libm::sqrt(weight(0.0)), lo)];
    for k in 1.. {
        let w = 2.0 * std::f64::consts::PI * f64::from(k) / period;
        let deviation = libm::sqrt(2.0 * weight(w));
        if deviation < NEGLIGIBLE {
            break;
        }
        parts.push(wave(Unary::Cos, scale * deviation, w, lo));
        parts.push(wave(Unary::Sin, scale * deviation, w, lo));
    }
    parts
}

/// Chebyshev polynomials over the range, all of the same weight.
fn polynomial(lo: f64, hi: f64, degree: u64, scale: f64) -> Vec<Part> {
    // x = 2 (s - lo)/(hi - lo) - 1; as powers of it, T_0 = 1, T_1 = x, T_(n+1) = 2 x T_n - T_(n-1).
    let half = 0.5 * (hi - lo);
    let x = || sub(mul(num(1.0 / half), along(lo)), num(1.0));
    let power = |n: usize| match n {
        0 => num(1.0),
        1 => x(),
        n => Expr::binary(Binary::Pow, x(), num(n as f64)),
    };
    let each = scale / libm::sqrt(degree as f64 + 1.0);
    let (mut before, mut now) = (vec![0.0], vec![1.0]);
    let mut parts = vec![];
    for n in 0..=degree as usize {
        let sum = |terms: Vec<Expr>| terms.into_iter().reduce(add).unwrap_or(num(0.0));
        let used = now.iter().enumerate().filter(|(_, c)| **c != 0.0);
        let value = sum(used.clone().map(|(k, c)| mul(num(each * c), power(k))).collect());
        let integral = sum(used.map(|(k, c)| mul(num(each * c * half / (k as f64 + 1.0)), power(k + 1))).collect());
        parts.push(Part { value, integral });
        let mut next = vec![0.0; n + 2];
        let factor = if n == 0 { 1.0 } else { 2.0 };
        now.iter().enumerate().for_each(|(k, c)| next[k + 1] += factor * c);
        before.iter().enumerate().filter(|_| n > 0).for_each(|(k, c)| next[k] -= c);
        (before, now) = (now, next);
    }
    parts
}

/// Sines and cosines of the range's own period, the k-th weighted by 1/k.
fn fourier(lo: f64, hi: f64, modes: u64, scale: f64) -> Vec<Part> {
    let mut parts = vec![];
    for k in 1..=modes {
        let w = 2.0 * std::f64::consts::PI * k as f64 / (hi - lo);
        let amplitude = scale / k as f64;
        parts.push(wave(Unary::Cos, amplitude, w, lo));
        parts.push(wave(Unary::Sin, amplitude, w, lo));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::calculus::{d_coord, evaluate_at};

    #[test]
    fn integrals_are_antiderivatives() {
        let process = |periodic| gaussian_process(-0.5, 1.0, 0.2, 2.0, periodic);
        let all = [process(false), process(true), polynomial(-0.5, 1.0, 6, 1.0), fourier(-0.5, 1.0, 3, 1.0)];
        for part in all.iter().flatten() {
            let slope = d_coord(&part.integral, 0);
            for s in [-0.45, 0.1, 0.9] {
                assert!((evaluate_at(&slope, &[s]) - evaluate_at(&part.value, &[s])).abs() < 1e-12, "{part:?}");
            }
        }
    }

    #[test]
    fn a_gaussian_process_has_its_covariance() {
        let (length, scale) = (0.2, 1.5);
        let parts = gaussian_process(0.0, 1.0, length, scale, false);
        for (s, t) in [(0.3, 0.3), (0.1, 0.4), (0.0, 1.0), (0.5, 0.6)] {
            let value = |p: &Part, at: f64| evaluate_at(&p.value, &[at]);
            let covariance: f64 = parts.iter().map(|p| value(p, s) * value(p, t)).sum();
            let exact = scale * scale * libm::exp(-(s - t) * (s - t) / (2.0 * length * length));
            assert!((covariance - exact).abs() < 1e-4, "{s} {t}: {covariance} {exact}");
        }
    }

    #[test]
    fn a_periodic_process_comes_round() {
        let parts = gaussian_process(-1.0, 1.0, 0.7, 1.5, true);
        let variance = |s: f64| parts.iter().map(|p| evaluate_at(&p.value, &[s])).map(|v| v * v).sum::<f64>();
        assert!((variance(0.3) - 2.25).abs() < 1e-9 && (variance(-1.0) - 2.25).abs() < 1e-9);
        for part in &parts {
            let ends = [-1.0, 1.0].map(|s| evaluate_at(&part.value, &[s]));
            assert!((ends[0] - ends[1]).abs() < 1e-12);
        }
    }

    #[test]
    fn polynomials_are_those_of_chebyshev() {
        let parts = polynomial(0.0, 2.0, 5, 1.0);
        for (n, part) in parts.iter().enumerate() {
            let s = 1.3;
            let exact = libm::cos(n as f64 * libm::acos(s - 1.0)) / libm::sqrt(6.0);
            assert!((evaluate_at(&part.value, &[s]) - exact).abs() < 1e-12);
        }
    }
}
