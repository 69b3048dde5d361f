//! Expressions as polynomials in the field and its derivatives, with coefficients of everything else.
//!
//! ```text
//! (1 - u) * u * x + d(u, x)     ->     { u: x,  u^2: -x,  D_x u: 1 }
//! ```
//!
//! This is how the checker sees whether a residual is linear, and which products of derivatives a weak form has to move.

use std::collections::BTreeMap;

use crate::check::calculus::{add, div, mul, neg};
use crate::check::expr::{Expr, Var};
use crate::check::simplify::simplify;
use crate::func::{Binary, MultiIndex, Unary};

/// What training changes and a residual may depend on, sorted: fields with their derivatives, then unknowns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    Field(usize, MultiIndex),
    /// A field at another point.
    Placed(usize, usize),
    Unknown(usize),
}

impl Atom {
    pub fn var(&self) -> Var {
        match self {
            Atom::Field(field, alpha) => Var::Field { field: *field, alpha: alpha.clone() },
            Atom::Placed(field, place) => Var::Placed { field: *field, place: *place },
            Atom::Unknown(k) => Var::Unknown(*k),
        }
    }

    pub fn of(var: &Var) -> Option<Atom> {
        match var {
            Var::Field { field, alpha } => Some(Atom::Field(*field, alpha.clone())),
            Var::Placed { field, place } => Some(Atom::Placed(*field, *place)),
            Var::Unknown(k) => Some(Atom::Unknown(*k)),
            _ => None,
        }
    }
}

/// Atoms with their exponents, sorted by atom; empty: 1.
pub type Monomial = Vec<(Atom, u32)>;

/// More terms than anyone writes down: beyond, an expression counts as no polynomial.
const MOST_TERMS: usize = 256;

/// Operations of all coefficients at the most, likewise.
const MOST_OPERATIONS: usize = 1 << 18;

/// Sum of coefficient times monomial; no coefficient is (symbolically) zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Polynomial(pub BTreeMap<Monomial, Expr>);

impl Polynomial {
    fn constant(e: Expr) -> Polynomial {
        let mut p = Polynomial::default();
        p.insert(vec![], e);
        p
    }

    fn insert(&mut self, m: Monomial, coef: Expr) {
        let sum = match self.0.remove(&m) {
            Some(old) => simplify(&add(old, coef)),
            None => simplify(&coef),
        };
        if sum != Expr::Num(0.0) {
            self.0.insert(m, sum);
        }
    }

    fn plus(mut self, other: Polynomial) -> Polynomial {
        for (m, c) in other.0 {
            self.insert(m, c);
        }
        self
    }

    fn each(self, f: impl Fn(Expr) -> Expr) -> Polynomial {
        let mut p = Polynomial::default();
        for (m, c) in self.0 {
            p.insert(m, f(c));
        }
        p
    }

    fn times(&self, other: &Polynomial) -> Option<Polynomial> {
        if self.0.len() * other.0.len() > MOST_TERMS {
            return None;
        }
        // Every coefficient of the one stands in the product as often as the other has terms.
        let size = |p: &Polynomial| p.0.values().map(|c| c.extent(MOST_OPERATIONS).0).sum::<usize>();
        if size(self) * other.0.len() + size(other) * self.0.len() > MOST_OPERATIONS {
            return None;
        }
        let mut p = Polynomial::default();
        for (m, c) in &self.0 {
            for (n, d) in &other.0 {
                let mut powers: BTreeMap<Atom, u32> = m.iter().cloned().collect();
                for (atom, k) in n {
                    *powers.entry(atom.clone()).or_default() += k;
                }
                p.insert(powers.into_iter().collect(), mul(c.clone(), d.clone()));
            }
        }
        Some(p)
    }
}

/// `e` as a polynomial in fields, if it is one. There must be no `Deriv` in it.
pub fn polynomial(e: &Expr) -> Option<Polynomial> {
    if !e.has_field() {
        return Some(Polynomial::constant(e.clone()));
    }
    match e {
        Expr::Var(v) => Some(Polynomial(BTreeMap::from([(vec![(Atom::of(v)?, 1)], Expr::Num(1.0))]))),
        Expr::Unary(Unary::Neg, a) => Some(polynomial(a)?.each(neg)),
        Expr::Binary(Binary::Add, a, b) => Some(polynomial(a)?.plus(polynomial(b)?)),
        Expr::Binary(Binary::Sub, a, b) => Some(polynomial(a)?.plus(polynomial(b)?.each(neg))),
        Expr::Binary(Binary::Mul, a, b) => polynomial(a)?.times(&polynomial(b)?),
        Expr::Binary(Binary::Div, a, b) if !b.has_field() => Some(polynomial(a)?.each(|c| div(c, (**b).clone()))),
        Expr::Binary(Binary::Pow, a, b) => match **b {
            Expr::Num(n) if n.fract() == 0.0 && (0.0..=16.0).contains(&n) => {
                let base = polynomial(a)?;
                let mut p = Polynomial::constant(Expr::Num(1.0));
                for _ in 0..n as usize {
                    p = p.times(&base)?;
                }
                Some(p)
            }
            _ => None,
        },
        Expr::If(c, a, b) if !c.has_field() => {
            let (a, b) = (polynomial(a)?, polynomial(b)?);
            let mut p = Polynomial::default();
            let choose = |a: Expr, b: Expr| Expr::If(c.clone(), Box::new(a), Box::new(b));
            for m in a.0.keys().chain(b.0.keys().filter(|m| !a.0.contains_key(*m))) {
                let part = |p: &Polynomial| p.0.get(m).cloned().unwrap_or(Expr::Num(0.0));
                p.insert(m.clone(), choose(part(&a), part(&b)));
            }
            Some(p)
        }
        _ => None,
    }
}

/// Sum of coefficient times atom, plus what has no field in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    pub terms: Vec<(Atom, Expr)>,
    pub rest: Expr,
}

/// `e` as an affine function of the fields and their derivatives, if it is one. There must be no `Deriv` in it.
pub fn linear_in_fields(e: &Expr) -> Option<Linear> {
    let mut linear = Linear { terms: vec![], rest: Expr::Num(0.0) };
    for (m, c) in polynomial(e)?.0 {
        match m.as_slice() {
            [] => linear.rest = c,
            [(atom, 1)] => linear.terms.push((atom.clone(), c)),
            _ => return None,
        }
    }
    Some(linear)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::calculus::sub;

    fn x() -> Expr {
        Expr::Var(Var::Coord(0))
    }
    fn u(order: u8) -> Expr {
        Expr::Var(Var::Field { field: 0, alpha: MultiIndex(vec![order]) })
    }

    #[test]
    fn products_are_multiplied_out() {
        let p = polynomial(&mul(sub(Expr::Num(1.0), u(0)), mul(u(0), x()))).expect("a polynomial");
        let atom = Atom::Field(0, MultiIndex(vec![0]));
        assert_eq!(p.0.len(), 2);
        assert_eq!(p.0[&vec![(atom.clone(), 1)]], x());
        assert_eq!(p.0[&vec![(atom, 2)]], neg(x()));
    }

    #[test]
    fn linear_means_linear_after_cancelling() {
        let square = mul(u(0), u(0));
        let e = add(sub(add(square.clone(), mul(x(), u(2))), square.clone()), Expr::Num(3.0));
        let l = linear_in_fields(&e).expect("the squares cancel");
        assert_eq!(l.terms, vec![(Atom::Field(0, MultiIndex(vec![2])), x())]);
        assert_eq!(l.rest, Expr::Num(3.0));
        assert!(linear_in_fields(&square).is_none());
        assert!(linear_in_fields(&Expr::unary(Unary::Sin, u(0))).is_none());
        assert!(linear_in_fields(&Expr::unary(Unary::Sin, x())).is_some());
    }
}
