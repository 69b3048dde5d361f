//! Symbolic calculus on resolved expressions: derivatives are carried out here and nowhere else in the checker.
//!
//! ```text
//! Deriv(sin(x*u), x)     ->     cos(x*u) * (u + x*D_x u)            where D_x u is the variable Field { u, alpha = (1, 0) }
//! ```
//!
//! [`d_coord`] is the total derivative (a field depends on every coordinate), [`differentiate`] the partial one with respect
//! to one variable. Functions that are not smooth get their derivative almost everywhere; whether that is good enough is for
//! the caller to decide with [`is_smooth`]. One rule a function, in [`unary_rule`] and [`binary_rule`].

pub mod budget;

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

use crate::check::expr::{Expr, Var};
pub use crate::check::polynomial::{Linear, linear_in_fields};
pub use crate::check::simplify::simplify;
use crate::func::{Binary, Compare, MultiIndex, Unary};

fn num(x: f64) -> Expr {
    Expr::Num(x)
}

pub fn add(a: Expr, b: Expr) -> Expr {
    match (&a, &b) {
        (Expr::Num(0.0), _) => b,
        (_, Expr::Num(0.0)) => a,
        _ => Expr::binary(Binary::Add, a, b),
    }
}

pub fn sub(a: Expr, b: Expr) -> Expr {
    match (&a, &b) {
        (Expr::Num(0.0), _) => neg(b),
        (_, Expr::Num(0.0)) => a,
        _ => Expr::binary(Binary::Sub, a, b),
    }
}

pub fn mul(a: Expr, b: Expr) -> Expr {
    match (&a, &b) {
        (Expr::Num(0.0), _) | (_, Expr::Num(0.0)) => num(0.0),
        (Expr::Num(1.0), _) => b,
        (_, Expr::Num(1.0)) => a,
        _ => Expr::binary(Binary::Mul, a, b),
    }
}

pub fn div(a: Expr, b: Expr) -> Expr {
    match (&a, &b) {
        (Expr::Num(0.0), _) => num(0.0),
        (_, Expr::Num(1.0)) => a,
        _ => Expr::binary(Binary::Div, a, b),
    }
}

pub fn neg(a: Expr) -> Expr {
    match a {
        Expr::Num(x) => num(-x),
        Expr::Unary(Unary::Neg, a) => *a,
        a => Expr::unary(Unary::Neg, a),
    }
}

fn pow(a: Expr, n: f64) -> Expr {
    Expr::binary(Binary::Pow, a, num(n))
}

/// f'(a).
fn unary_rule(f: Unary, a: &Expr) -> Expr {
    let a = a.clone();
    let this = |f: Unary, a: Expr| Expr::unary(f, a);
    match f {
        Unary::Neg => num(-1.0),
        Unary::Abs => this(Unary::Sign, a),
        Unary::Sqrt => div(num(0.5), this(Unary::Sqrt, a)),
        Unary::Floor | Unary::Ceil | Unary::Sign | Unary::Heaviside => num(0.0),
        Unary::Exp => this(Unary::Exp, a),
        Unary::Log => div(num(1.0), a),
        Unary::Log2 => div(num(1.0 / LN_2), a),
        Unary::Sin => this(Unary::Cos, a),
        Unary::Cos => neg(this(Unary::Sin, a)),
        Unary::Tan => add(num(1.0), pow(this(Unary::Tan, a), 2.0)),
        Unary::Asin => div(num(1.0), this(Unary::Sqrt, sub(num(1.0), pow(a, 2.0)))),
        Unary::Acos => div(num(-1.0), this(Unary::Sqrt, sub(num(1.0), pow(a, 2.0)))),
        Unary::Atan => div(num(1.0), add(num(1.0), pow(a, 2.0))),
        Unary::Sinh => this(Unary::Cosh, a),
        Unary::Cosh => this(Unary::Sinh, a),
        Unary::Sech => neg(mul(this(Unary::Sech, a.clone()), this(Unary::Tanh, a))),
        Unary::Tanh => sub(num(1.0), pow(this(Unary::Tanh, a), 2.0)),
        Unary::Erf => mul(num(2.0 / PI.sqrt()), this(Unary::Exp, neg(pow(a, 2.0)))),
        Unary::Sigmoid => {
            let s = this(Unary::Sigmoid, a);
            mul(s.clone(), sub(num(1.0), s))
        }
        Unary::Relu => this(Unary::Heaviside, a),
        Unary::Softplus => this(Unary::Sigmoid, a),
        Unary::Gelu => {
            let below = mul(num(0.5), add(num(1.0), this(Unary::Erf, mul(num(FRAC_1_SQRT_2), a.clone()))));
            let density = mul(num(1.0 / (2.0 * PI).sqrt()), this(Unary::Exp, mul(num(-0.5), pow(a.clone(), 2.0))));
            add(below, mul(a, density))
        }
    }
}

/// The derivative of f(a, b) when those of a and b are `da` and `db`.
fn binary_rule(f: Binary, a: &Expr, b: &Expr, da: Expr, db: Expr) -> Expr {
    let zero = |e: &Expr| matches!(e, Expr::Num(0.0));
    let either = |op, da, db| {
        let test = Expr::Compare(op, Box::new(a.clone()), Box::new(b.clone()));
        if da == db { da } else { Expr::If(Box::new(test), Box::new(da), Box::new(db)) }
    };
    match f {
        Binary::Add => add(da, db),
        Binary::Sub => sub(da, db),
        Binary::Mul => add(mul(da, b.clone()), mul(a.clone(), db)),
        Binary::Div if zero(&db) => div(da, b.clone()),
        Binary::Div => div(sub(mul(da, b.clone()), mul(a.clone(), db)), pow(b.clone(), 2.0)),
        Binary::Pow if zero(&db) => match b {
            Expr::Num(n) => mul(mul(num(*n), pow(a.clone(), n - 1.0)), da),
            b => mul(mul(b.clone(), Expr::binary(Binary::Pow, a.clone(), sub(b.clone(), num(1.0)))), da),
        },
        Binary::Pow => {
            let this = Expr::binary(Binary::Pow, a.clone(), b.clone());
            let by_exponent = mul(db, Expr::unary(Unary::Log, a.clone()));
            // A constant base such as 2^x has no second part, and must not divide by it (0^x).
            let by_base = if zero(&da) { num(0.0) } else { div(mul(b.clone(), da), a.clone()) };
            mul(this, add(by_exponent, by_base))
        }
        Binary::Min => either(Compare::Lt, da, db),
        Binary::Max => either(Compare::Gt, da, db),
        Binary::Atan2 => {
            div(sub(mul(b.clone(), da), mul(a.clone(), db)), add(pow(a.clone(), 2.0), pow(b.clone(), 2.0)))
        }
    }
}

/// The chain rule, with the derivative of each variable given. There must be no `Deriv` in `e`.
fn derive(e: &Expr, of: &dyn Fn(&Var) -> Expr) -> Expr {
    match e {
        Expr::Num(_) => num(0.0),
        Expr::Var(v) => of(v),
        Expr::Unary(f, a) => match derive(a, of) {
            Expr::Num(0.0) => num(0.0),
            da => mul(unary_rule(*f, a), da),
        },
        Expr::Binary(f, a, b) => match (derive(a, of), derive(b, of)) {
            (Expr::Num(0.0), Expr::Num(0.0)) => num(0.0),
            (da, db) => binary_rule(*f, a, b, da, db),
        },
        Expr::If(c, a, b) => match (derive(a, of), derive(b, of)) {
            (da, db) if da == db => da,
            (da, db) => Expr::If(c.clone(), Box::new(da), Box::new(db)),
        },
        // A truth value has no derivative; it only stands in conditions.
        Expr::Compare(..) | Expr::Not(_) | Expr::Logic(..) => num(0.0),
        Expr::Deriv(a, i) => derive(&d_coord(a, *i), of),
    }
}

/// The partial derivative with respect to one variable, all others held fixed.
pub fn differentiate(e: &Expr, wrt: &Var) -> Expr {
    let e = expand(e);
    if !budget::affords(&e) {
        return num(0.0);
    }
    simplify(&derive(&e, &|v| num(if v == wrt { 1.0 } else { 0.0 })))
}

/// The total derivative along a coordinate: a field's is its next partial derivative. Columns of data have none and count as
/// constant; the checker refuses them before. So are unknowns.
pub fn d_coord(e: &Expr, coord: usize) -> Expr {
    let e = expand(e);
    if !budget::affords(&e) {
        return num(0.0);
    }
    simplify(&derive(&e, &|v| match v {
        Var::Coord(i) => num(if *i == coord { 1.0 } else { 0.0 }),
        Var::Field { field, alpha } => Expr::Var(Var::Field { field: *field, alpha: alpha.plus(coord) }),
        _ => num(0.0),
    }))
}

/// Repeated [`d_coord`].
pub fn d_multi(e: &Expr, alpha: &MultiIndex) -> Expr {
    let mut e = e.clone();
    for (i, &n) in alpha.0.iter().enumerate() {
        for _ in 0..n {
            e = d_coord(&e, i);
        }
    }
    e
}

fn expand(e: &Expr) -> Expr {
    map(e, &|e| match e {
        Expr::Deriv(a, i) => Some(d_coord(a, *i)),
        _ => None,
    })
}

/// Carries out every `Deriv`, and simplifies.
pub fn expand_derivatives(e: &Expr) -> Expr {
    simplify(&expand(e))
}

/// Rebuilds `e`, with each part for which `f` gives something replaced by it (parents first; what is put in is not looked
/// into again).
pub fn map(e: &Expr, f: &dyn Fn(&Expr) -> Option<Expr>) -> Expr {
    if let Some(new) = f(e) {
        return new;
    }
    let again = |e: &Expr| Box::new(map(e, f));
    match e {
        Expr::Num(_) | Expr::Var(_) => e.clone(),
        Expr::Unary(g, a) => Expr::Unary(*g, again(a)),
        Expr::Binary(g, a, b) => Expr::Binary(*g, again(a), again(b)),
        Expr::Compare(g, a, b) => Expr::Compare(*g, again(a), again(b)),
        Expr::Not(a) => Expr::Not(again(a)),
        Expr::Logic(g, a, b) => Expr::Logic(*g, again(a), again(b)),
        Expr::If(c, a, b) => Expr::If(again(c), again(a), again(b)),
        Expr::Deriv(a, i) => Expr::Deriv(again(a), *i),
    }
}

/// Replaces variables. A coordinate must not be replaced under a `Deriv`: expand first.
pub fn substitute(e: &Expr, f: &dyn Fn(&Var) -> Option<Expr>) -> Expr {
    map(e, &|e| match e {
        Expr::Var(v) => f(v),
        _ => None,
    })
}

/// `e` on the hyperplane where coordinate `coord` has this value.
pub fn restrict(e: &Expr, coord: usize, value: f64) -> Expr {
    simplify(&substitute(e, &|v| (*v == Var::Coord(coord)).then_some(num(value))))
}

/// The value of `e`, given those of its variables. `Deriv` has none and yields NaN.
pub fn evaluate(e: &Expr, value: &dyn Fn(&Var) -> f64) -> f64 {
    match e {
        Expr::Num(x) => *x,
        Expr::Var(v) => value(v),
        Expr::Unary(f, a) => f.eval(evaluate(a, value)),
        Expr::Binary(f, a, b) => f.eval(evaluate(a, value), evaluate(b, value)),
        Expr::If(c, a, b) => evaluate(if holds(c, value) { a } else { b }, value),
        Expr::Compare(..) | Expr::Not(_) | Expr::Logic(..) => f64::from(holds(e, value)),
        Expr::Deriv(..) => f64::NAN,
    }
}

fn holds(e: &Expr, value: &dyn Fn(&Var) -> f64) -> bool {
    match e {
        Expr::Compare(op, a, b) => op.eval(evaluate(a, value), evaluate(b, value)),
        Expr::Not(a) => !holds(a, value),
        Expr::Logic(true, a, b) => holds(a, value) && holds(b, value),
        Expr::Logic(false, a, b) => holds(a, value) || holds(b, value),
        e => evaluate(e, value) != 0.0,
    }
}

/// The value of an expression of coordinates only; NaN if anything else is in it.
pub fn evaluate_at(e: &Expr, coords: &[f64]) -> f64 {
    evaluate(e, &|v| match v {
        Var::Coord(i) => coords[*i],
        _ => f64::NAN,
    })
}

/// No jump, kink or branch: its derivatives are what [`d_coord`] says everywhere, not only almost everywhere.
pub fn is_smooth(e: &Expr) -> bool {
    let mut smooth = true;
    e.walk(&mut |e| match e {
        Expr::Unary(f, _) => smooth &= f.is_smooth(),
        Expr::Binary(Binary::Min | Binary::Max, _, _) | Expr::If(..) => smooth = false,
        _ => {}
    });
    smooth
}

/// The highest order of derivative of a field in `e` (expand first), 0 for an unknown or a
/// field at another point; `None` if there is nothing of them.
pub fn order(e: &Expr) -> Option<usize> {
    let mut highest = None;
    e.walk(&mut |e| match e {
        Expr::Var(Var::Field { alpha, .. }) => highest = highest.max(Some(alpha.order())),
        Expr::Var(Var::Unknown(_) | Var::Placed { .. }) => highest = highest.max(Some(0)),
        _ => {}
    });
    highest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Expr {
        Expr::Var(Var::Coord(0))
    }
    fn t() -> Expr {
        Expr::Var(Var::Coord(1))
    }
    fn u(a: u8, b: u8) -> Expr {
        Expr::Var(Var::Field { field: 0, alpha: MultiIndex(vec![a, b]) })
    }

    /// Compares with the central difference of the value.
    fn agrees(e: &Expr, points: &[f64]) {
        let d = d_coord(e, 0);
        for &p in points {
            let h = 1e-6;
            let rise = (evaluate_at(e, &[p + h, 0.3]) - evaluate_at(e, &[p - h, 0.3])) / (2.0 * h);
            let exact = evaluate_at(&d, &[p, 0.3]);
            assert!((rise - exact).abs() < 1e-7 * (1.0 + exact.abs()), "{e:?} at {p}: {rise} against {exact}");
        }
    }

    #[test]
    fn every_unary_rule_agrees_with_differences() {
        for (_, f) in Unary::NAMED {
            agrees(&Expr::unary(*f, mul(num(0.7), x())), &[0.21, 0.37, 0.83]);
            let also_negative = !matches!(f, Unary::Sqrt | Unary::Log | Unary::Log2);
            if also_negative {
                agrees(&Expr::unary(*f, add(x(), mul(x(), x()))), &[-0.61, -0.27, 0.44]);
            }
        }
        agrees(&Expr::unary(Unary::Neg, x()), &[0.2]);
    }

    #[test]
    fn every_binary_rule_agrees_with_differences() {
        for f in Binary::ALL {
            let a = Expr::unary(Unary::Exp, x());
            let b = add(num(0.5), mul(x(), x()));
            agrees(&Expr::binary(*f, a.clone(), b.clone()), &[0.21, 0.77, 1.3]);
            agrees(&Expr::binary(*f, a, num(1.7)), &[0.21, 0.77, 1.3]);
            agrees(&Expr::binary(*f, num(1.7), b), &[0.21, 0.77, 1.3]);
        }
    }

    #[test]
    fn branches_are_differentiated_each() {
        let test = Expr::Compare(Compare::Lt, Box::new(x()), Box::new(num(0.5)));
        agrees(&Expr::If(Box::new(test), Box::new(mul(x(), x())), Box::new(Expr::unary(Unary::Sin, x()))), &[0.2, 0.9]);
    }

    #[test]
    fn higher_and_mixed_derivatives() {
        // d^3/dx^2 dt of sin(x t) x
        let e = mul(Expr::unary(Unary::Sin, mul(x(), t())), x());
        let d = d_multi(&e, &MultiIndex(vec![2, 1]));
        let (p, q, h) = (0.7, 0.4, 1e-3);
        let f = |a: f64, b: f64| evaluate_at(&e, &[a, b]);
        let second = |b: f64| (f(p + h, b) - 2.0 * f(p, b) + f(p - h, b)) / (h * h);
        let differences = (second(q + h) - second(q - h)) / (2.0 * h);
        assert!((evaluate_at(&d, &[p, q]) - differences).abs() < 1e-4);
    }

    #[test]
    fn fields_climb_in_order_and_derivatives_disappear() {
        // d(k(x) d(u, x), x) = k' u_x + k u_xx with k = x^2
        let flux = mul(Expr::binary(Binary::Pow, x(), num(2.0)), Expr::Deriv(Box::new(u(0, 0)), 0));
        let e = expand_derivatives(&Expr::Deriv(Box::new(flux), 0));
        let value = |v: &Var| match v {
            Var::Coord(0) => 3.0,
            Var::Field { alpha, .. } if alpha.0 == [1, 0] => 5.0,
            Var::Field { alpha, .. } if alpha.0 == [2, 0] => 7.0,
            _ => f64::NAN,
        };
        assert_eq!(evaluate(&e, &value), 2.0 * 3.0 * 5.0 + 9.0 * 7.0);
        let mut left = false;
        e.walk(&mut |e| left |= matches!(e, Expr::Deriv(..)));
        assert!(!left);
        assert_eq!(order(&e), Some(2));
    }

    #[test]
    fn partial_derivatives_hold_other_variables_fixed() {
        let e = mul(u(0, 0), u(1, 0));
        let wrt = Var::Field { field: 0, alpha: MultiIndex(vec![0, 0]) };
        assert_eq!(differentiate(&e, &wrt), u(1, 0));
    }

    #[test]
    fn the_derivative_of_a_power_of_zero_stays_finite() {
        let e = Expr::binary(Binary::Pow, x(), num(2.0));
        assert_eq!(evaluate_at(&d_coord(&e, 0), &[0.0, 0.0]), 0.0);
        assert_eq!(evaluate_at(&d_coord(&d_coord(&e, 0), 0), &[0.0, 0.0]), 2.0);
    }
}
