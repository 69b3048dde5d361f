//! A bound on derivatives: each may make several copies of what it is taken of, so that a short program could ask for one that
//! fills the memory.
//!
//! ```text
//! d(d(d(sin(x^2*exp(x)), x), x), x)      every d makes about three of one: at 60 of them there is no end
//! ```
//! What a derivative will come to is reckoned before it is carried out. One that is too large is not: 0 stands in its place, and
//! that of all that follow, and the item that asked for it is remembered until the checker says so ([`too_large`]). A thread
//! checks one program at a time.

use std::cell::Cell;

use crate::check::expr::Expr;
use crate::func::{Binary, Unary};
use crate::source::Span;

/// Operations of a derivative, at the most.
const MOST: usize = 1 << 23;
/// Operations of all derivatives of a program, at the most.
const MOST_IN_ALL: usize = 1 << 27;

thread_local! {
    /// The item being checked.
    static ITEM: Cell<Span> = const { Cell::new(Span { file: crate::source::FileId(0), start: 0, end: 0 }) };
    static SPENT: Cell<usize> = const { Cell::new(0) };
    static TOO_LARGE: Cell<Option<Span>> = const { Cell::new(None) };
}

/// Begins with another program.
pub fn begin() {
    SPENT.set(0);
    TOO_LARGE.set(None);
}

/// Derivatives are taken for this item from now on.
pub fn of_item(item: Span) {
    ITEM.set(item);
}

/// The item with the first derivative that was too large to be carried out.
pub fn too_large() -> Option<Span> {
    TOO_LARGE.get()
}

/// Whether the derivative of an expression without `Deriv` can be carried out.
pub(super) fn affords(e: &Expr) -> bool {
    if TOO_LARGE.get().is_some() {
        return false;
    }
    let cost = reckon(e).derivative;
    SPENT.set(SPENT.get().saturating_add(cost));
    let fine = cost <= MOST && SPENT.get() <= MOST_IN_ALL;
    if !fine {
        TOO_LARGE.set(Some(ITEM.get()));
    }
    fine
}

/// Operations of an expression, and of its derivative before it is simplified.
#[derive(Clone, Copy)]
struct Cost {
    own: usize,
    derivative: usize,
    /// It is the same everywhere, and its derivative 0.
    constant: bool,
}

fn reckon(e: &Expr) -> Cost {
    let constant = |own| Cost { own, derivative: 1, constant: true };
    let sum = |all: &[usize]| all.iter().fold(0usize, |a, b| a.saturating_add(*b));
    match e {
        Expr::Num(_) => constant(1),
        // Any may be what is differentiated by.
        Expr::Var(_) => Cost { own: 1, derivative: 1, constant: false },
        Expr::Unary(f, a) => {
            let a = reckon(a);
            if a.constant {
                return constant(a.own.saturating_add(1));
            }
            let copies = match f {
                Unary::Gelu => 3,
                Unary::Sech | Unary::Sigmoid => 2,
                _ => 1,
            };
            let derivative = sum(&[a.derivative, a.own.saturating_mul(copies), 12]);
            Cost { own: sum(&[a.own, 1]), derivative, constant: false }
        }
        Expr::Binary(f, a, b) => {
            let (a, b) = (reckon(a), reckon(b));
            let own = sum(&[a.own, b.own, 1]);
            if a.constant && b.constant {
                return constant(own);
            }
            let (of_a, of_b) = match f {
                Binary::Add | Binary::Sub => (0, 0),
                Binary::Mul => (usize::from(!b.constant), usize::from(!a.constant)),
                Binary::Div if b.constant => (0, 1),
                Binary::Div => (1, 2),
                Binary::Pow if b.constant => (1, 2),
                Binary::Pow => (3, 2),
                Binary::Min | Binary::Max => (1, 1),
                Binary::Atan2 => (2, 2),
            };
            let copies = sum(&[a.own.saturating_mul(of_a), b.own.saturating_mul(of_b)]);
            // What is constant has a derivative of 0, which takes its place with it.
            let inner = sum(&[if a.constant { 0 } else { a.derivative }, if b.constant { 0 } else { b.derivative }]);
            Cost { own, derivative: sum(&[inner, copies, 8]), constant: false }
        }
        Expr::If(c, a, b) => {
            let (c, a, b) = (reckon(c), reckon(a), reckon(b));
            let own = sum(&[c.own, a.own, b.own, 1]);
            Cost { own, derivative: sum(&[c.own, a.derivative, b.derivative, 1]), constant: false }
        }
        Expr::Not(a) | Expr::Deriv(a, _) => {
            Cost { own: reckon(a).own.saturating_add(1), derivative: 1, constant: false }
        }
        Expr::Compare(_, a, b) | Expr::Logic(_, a, b) => {
            Cost { own: sum(&[reckon(a).own, reckon(b).own, 1]), derivative: 1, constant: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::calculus::d_coord;
    use crate::check::expr::Var;

    #[test]
    fn what_a_derivative_comes_to_is_reckoned_rather_too_high() {
        let x = || Expr::Var(Var::Coord(0));
        let mut e = Expr::unary(Unary::Sin, Expr::binary(Binary::Mul, x(), Expr::unary(Unary::Exp, x())));
        begin();
        for _ in 0..4 {
            let cost = reckon(&e).derivative;
            e = d_coord(&e, 0);
            assert!(e.extent(usize::MAX).0 <= cost, "{cost}");
        }
        assert_eq!(too_large(), None);
    }

    #[test]
    fn one_without_end_is_given_up() {
        let x = || Expr::Var(Var::Coord(0));
        let mut e = Expr::unary(Unary::Sin, Expr::binary(Binary::Mul, x(), Expr::unary(Unary::Exp, x())));
        begin();
        of_item(Span { start: 3, end: 5, ..Span::default() });
        for _ in 0..60 {
            e = d_coord(&e, 0);
        }
        assert_eq!(e, Expr::Num(0.0));
        assert_eq!(too_large().map(|s| s.start), Some(3));
        begin();
        assert_eq!(too_large(), None);
    }
}
