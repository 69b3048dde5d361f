//! Brings a resolved expression into a small normal form, so that "is this coefficient zero" can be answered.
//!
//! ```text
//! 2*x*x + 0*u - (-(x^2))      ->     3*x^2
//! k(x)*1/2*2 - k(x)           ->     0
//! ```
//!
//! A sum is a list of products with a numeric coefficient each; equal products are added up, products of equal factors become
//! powers with whole exponents. Sums inside products are kept (nothing is multiplied out). Numbers are folded by
//! [`crate::func`], which is also what the engines mean by them. The value is kept wherever the original has one, up to
//! rounding; a removable singularity (`x/x`) may go.

use std::cmp::Ordering;

use crate::check::expr::Expr;
use crate::func::{Binary, Unary};

/// The normal form of `e`. `Deriv` is kept, with its operand simplified.
pub fn simplify(e: &Expr) -> Expr {
    match e {
        Expr::Num(_) | Expr::Var(_) => e.clone(),
        Expr::Unary(Unary::Neg, _) => to_sum(e).build(),
        Expr::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Pow, _, _) => to_sum(e).build(),
        Expr::Unary(f, a) => match simplify(a) {
            Expr::Num(x) => Expr::Num(f.eval(x)),
            a => Expr::unary(*f, a),
        },
        Expr::Binary(op, a, b) => match (simplify(a), simplify(b)) {
            (Expr::Num(x), Expr::Num(y)) => Expr::Num(op.eval(x, y)),
            (a, b) if a == b && matches!(op, Binary::Min | Binary::Max) => a,
            (a, b) => Expr::binary(*op, a, b),
        },
        Expr::Compare(op, a, b) => Expr::Compare(*op, Box::new(simplify(a)), Box::new(simplify(b))),
        Expr::Not(a) => Expr::Not(Box::new(simplify(a))),
        Expr::Logic(and, a, b) => Expr::Logic(*and, Box::new(simplify(a)), Box::new(simplify(b))),
        Expr::If(c, a, b) => {
            let (c, a, b) = (simplify(c), simplify(a), simplify(b));
            match truth(&c) {
                Some(true) => a,
                Some(false) => b,
                None if a == b => a,
                None => Expr::If(Box::new(c), Box::new(a), Box::new(b)),
            }
        }
        Expr::Deriv(a, i) => match simplify(a) {
            Expr::Num(_) => Expr::Num(0.0),
            a => Expr::Deriv(Box::new(a), *i),
        },
    }
}

/// A truth value that does not depend on any variable.
fn truth(e: &Expr) -> Option<bool> {
    match e {
        Expr::Compare(op, a, b) => match (&**a, &**b) {
            (Expr::Num(x), Expr::Num(y)) => Some(op.eval(*x, *y)),
            _ => None,
        },
        Expr::Not(a) => truth(a).map(|v| !v),
        Expr::Logic(and, a, b) => match (truth(a), truth(b)) {
            (Some(x), Some(y)) => Some(if *and { x && y } else { x || y }),
            (Some(x), None) | (None, Some(x)) if x != *and => Some(x),
            _ => None,
        },
        _ => None,
    }
}

/// coefficient * product of base^exponent, factors sorted and without repetition (as far as whole exponents allow).
#[derive(Debug, Clone)]
struct Term {
    coef: f64,
    factors: Vec<(Expr, f64)>,
}

#[derive(Debug, Clone)]
struct Sum(Vec<Term>);

fn whole(n: f64) -> bool {
    n.fract() == 0.0 && n.abs() <= 64.0
}

fn to_sum(e: &Expr) -> Sum {
    match e {
        Expr::Num(n) => Sum(vec![Term { coef: *n, factors: vec![] }]),
        Expr::Unary(Unary::Neg, a) => to_sum(a).scale(-1.0),
        Expr::Binary(Binary::Add, a, b) => to_sum(a).plus(to_sum(b)),
        Expr::Binary(Binary::Sub, a, b) => to_sum(a).plus(to_sum(b).scale(-1.0)),
        Expr::Binary(Binary::Mul, a, b) => to_sum(a).times(to_sum(b)),
        Expr::Binary(Binary::Div, a, b) => to_sum(a).times(to_sum(b).power(-1.0)),
        Expr::Binary(Binary::Pow, a, b) => match (simplify(a), simplify(b)) {
            (Expr::Num(x), Expr::Num(n)) => Sum::number(Binary::Pow.eval(x, n)),
            (a, Expr::Num(n)) => to_sum(&a).power(n),
            (a, b) => Sum::opaque(Expr::binary(Binary::Pow, a, b)),
        },
        e => match simplify(e) {
            Expr::Num(n) => Sum::number(n),
            e => Sum::opaque(e),
        },
    }
}

impl Sum {
    fn number(n: f64) -> Sum {
        Sum(vec![Term { coef: n, factors: vec![] }])
    }

    fn opaque(e: Expr) -> Sum {
        Sum(vec![Term { coef: 1.0, factors: vec![(e, 1.0)] }])
    }

    fn scale(mut self, by: f64) -> Sum {
        for t in &mut self.0 {
            t.coef *= by;
        }
        self
    }

    /// Adds like terms together; the order of first appearance stays.
    fn plus(mut self, other: Sum) -> Sum {
        for t in other.0 {
            match self.0.iter_mut().find(|s| s.factors == t.factors) {
                Some(s) => s.coef += t.coef,
                None => self.0.push(t),
            }
        }
        self.0.retain(|t| t.coef != 0.0);
        self
    }

    /// As one product: a sum of several terms becomes a single factor.
    fn single(mut self) -> Term {
        self.0.retain(|t| t.coef != 0.0);
        match self.0.len() {
            0 => Term { coef: 0.0, factors: vec![] },
            1 => self.0.remove(0),
            _ => Term { coef: 1.0, factors: vec![(self.build(), 1.0)] },
        }
    }

    fn times(self, other: Sum) -> Sum {
        // A number is spread over a sum; everything else stays factored.
        match (self.as_number(), other.as_number()) {
            (Some(0.0), _) | (_, Some(0.0)) => return Sum(vec![]),
            (Some(n), _) => return other.scale(n),
            (_, Some(n)) => return self.scale(n),
            _ => {}
        }
        let (mut a, b) = (self.single(), other.single());
        a.coef *= b.coef;
        for (base, n) in b.factors {
            a.multiply(base, n);
        }
        a.factors.sort_by(|x, y| order(&x.0, &y.0).then(x.1.total_cmp(&y.1)));
        Sum(vec![a])
    }

    fn power(self, n: f64) -> Sum {
        if n == 0.0 {
            return Sum::number(1.0);
        }
        if n == 1.0 {
            return self;
        }
        if let Some(x) = self.as_number() {
            return Sum::number(Binary::Pow.eval(x, n));
        }
        if !whole(n) {
            return Sum(vec![Term { coef: 1.0, factors: vec![(self.build(), n)] }]);
        }
        let mut t = self.single();
        t.coef = Binary::Pow.eval(t.coef, n);
        for f in &mut t.factors {
            f.1 *= n;
        }
        Sum(vec![t])
    }

    fn as_number(&self) -> Option<f64> {
        match self.0.as_slice() {
            [] => Some(0.0),
            [t] if t.factors.is_empty() => Some(t.coef),
            _ => None,
        }
    }

    fn build(self) -> Expr {
        let mut out: Option<Expr> = None;
        for t in self.0 {
            if t.coef == 0.0 {
                continue;
            }
            out = Some(match out {
                None => t.build(),
                Some(e) if t.coef < 0.0 => Expr::binary(Binary::Sub, e, Term { coef: -t.coef, ..t }.build()),
                Some(e) => Expr::binary(Binary::Add, e, t.build()),
            });
        }
        out.unwrap_or(Expr::Num(0.0))
    }
}

impl Term {
    fn multiply(&mut self, base: Expr, n: f64) {
        match self.factors.iter().position(|(b, m)| *b == base && whole(*m) && whole(n)) {
            Some(k) => {
                self.factors[k].1 += n;
                if self.factors[k].1 == 0.0 {
                    self.factors.remove(k);
                }
            }
            None => self.factors.push((base, n)),
        }
    }

    fn build(self) -> Expr {
        let power = |base: Expr, n: f64| if n == 1.0 { base } else { Expr::binary(Binary::Pow, base, Expr::Num(n)) };
        let (mut above, mut below): (Option<Expr>, Option<Expr>) = (None, None);
        for (base, n) in self.factors {
            let (side, f) = if n < 0.0 { (&mut below, power(base, -n)) } else { (&mut above, power(base, n)) };
            *side = Some(match side.take() {
                None => f,
                Some(e) => Expr::binary(Binary::Mul, e, f),
            });
        }
        let above = match above {
            None => Expr::Num(self.coef),
            Some(e) if self.coef == 1.0 => e,
            Some(e) if self.coef == -1.0 => Expr::unary(Unary::Neg, e),
            Some(e) => Expr::binary(Binary::Mul, Expr::Num(self.coef), e),
        };
        match below {
            None => above,
            Some(b) => Expr::binary(Binary::Div, above, b),
        }
    }
}

/// A total order on expressions: by kind, then part by part. It has no meaning but that equal products look equal.
pub fn order(a: &Expr, b: &Expr) -> Ordering {
    fn rank(e: &Expr) -> u8 {
        match e {
            Expr::Num(_) => 0,
            Expr::Var(_) => 1,
            Expr::Unary(..) => 2,
            Expr::Binary(..) => 3,
            Expr::Compare(..) => 4,
            Expr::Not(_) => 5,
            Expr::Logic(..) => 6,
            Expr::If(..) => 7,
            Expr::Deriv(..) => 8,
        }
    }
    match (a, b) {
        (Expr::Num(x), Expr::Num(y)) => x.total_cmp(y),
        (Expr::Var(x), Expr::Var(y)) => x.cmp(y),
        (Expr::Unary(f, x), Expr::Unary(g, y)) => f.cmp(g).then_with(|| order(x, y)),
        (Expr::Binary(f, x1, x2), Expr::Binary(g, y1, y2)) => {
            f.cmp(g).then_with(|| order(x1, y1)).then_with(|| order(x2, y2))
        }
        (Expr::Compare(f, x1, x2), Expr::Compare(g, y1, y2)) => {
            f.cmp(g).then_with(|| order(x1, y1)).then_with(|| order(x2, y2))
        }
        (Expr::Not(x), Expr::Not(y)) => order(x, y),
        (Expr::Logic(f, x1, x2), Expr::Logic(g, y1, y2)) => {
            f.cmp(g).then_with(|| order(x1, y1)).then_with(|| order(x2, y2))
        }
        (Expr::If(x1, x2, x3), Expr::If(y1, y2, y3)) => {
            order(x1, y1).then_with(|| order(x2, y2)).then_with(|| order(x3, y3))
        }
        (Expr::Deriv(x, i), Expr::Deriv(y, j)) => i.cmp(j).then_with(|| order(x, y)),
        _ => rank(a).cmp(&rank(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::expr::Var;
    use crate::func::Compare;

    fn x() -> Expr {
        Expr::Var(Var::Coord(0))
    }
    fn y() -> Expr {
        Expr::Var(Var::Coord(1))
    }
    fn n(v: f64) -> Expr {
        Expr::Num(v)
    }
    fn op(f: Binary, a: Expr, b: Expr) -> Expr {
        Expr::binary(f, a, b)
    }

    #[test]
    fn zeros_and_ones_go() {
        assert_eq!(simplify(&op(Binary::Mul, n(0.0), x())), n(0.0));
        assert_eq!(simplify(&op(Binary::Mul, x(), n(1.0))), x());
        assert_eq!(simplify(&op(Binary::Add, n(0.0), x())), x());
        assert_eq!(simplify(&op(Binary::Pow, x(), n(1.0))), x());
        assert_eq!(simplify(&op(Binary::Pow, x(), n(0.0))), n(1.0));
        assert_eq!(simplify(&op(Binary::Div, n(0.0), x())), n(0.0));
    }

    #[test]
    fn signs_cancel() {
        let neg = |e| Expr::unary(Unary::Neg, e);
        assert_eq!(simplify(&neg(neg(x()))), x());
        assert_eq!(simplify(&op(Binary::Sub, x(), neg(x()))), op(Binary::Mul, n(2.0), x()));
    }

    #[test]
    fn like_terms_add_up_whatever_the_order_of_their_factors() {
        let a = op(Binary::Mul, op(Binary::Mul, n(2.0), x()), y());
        let b = op(Binary::Mul, y(), op(Binary::Mul, x(), n(3.0)));
        assert_eq!(simplify(&op(Binary::Add, a.clone(), b)), op(Binary::Mul, n(5.0), op(Binary::Mul, x(), y())));
        assert_eq!(simplify(&op(Binary::Sub, a.clone(), a)), n(0.0));
        let square = op(Binary::Mul, x(), x());
        assert_eq!(simplify(&op(Binary::Sub, square, op(Binary::Pow, x(), n(2.0)))), n(0.0));
    }

    #[test]
    fn fractional_powers_of_a_negative_base_are_left_alone() {
        // x^0.5 * x^0.5 is x only where x >= 0: it must not become x.
        let root = op(Binary::Pow, x(), n(0.5));
        assert_ne!(simplify(&op(Binary::Mul, root.clone(), root)), x());
    }

    #[test]
    fn conditions_on_numbers_choose_a_branch() {
        let c = Expr::Compare(Compare::Lt, Box::new(n(1.0)), Box::new(n(2.0)));
        assert_eq!(simplify(&Expr::If(Box::new(c), Box::new(x()), Box::new(y()))), x());
    }
}
