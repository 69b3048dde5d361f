//! Resolved scalar expressions: names are gone, constants are folded in, functions are inlined.
//!
//! ```text
//! const c = 2
//! d(u, t, t) = c^2 * d(u, x, x)     ->     Deriv(Deriv(Field u, t), t)   and   4 * Deriv(Deriv(Field u, x), x)
//! ```
//!
//! Used for residuals, exact solutions, scalar factors in networks, and neuron dynamics. What a [`Var`] may be depends on
//! where the expression stands; the checker has made sure of it.

use crate::func::{Binary, Compare, MultiIndex, Unary};

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Num(f64),
    Var(Var),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// Yields a truth value; it and the next two stand only where a truth value is wanted.
    Compare(Compare, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    /// `true`: and, `false`: or.
    Logic(bool, Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// The derivative with respect to a coordinate, not yet carried out. `check::calculus` removes it.
    Deriv(Box<Expr>, usize),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Var {
    /// A coordinate, by its place in the domain, in its own units.
    Coord(usize),
    /// A field or a partial derivative of it, by the field's place among all fields.
    Field { field: usize, alpha: MultiIndex },
    /// The value of a field at another point: which, by its number in [`Model::places`](crate::check::model::Model::places).
    Placed { field: usize, place: usize },
    /// A scalar to be learned, by its place among the unknowns.
    Unknown(usize),
    /// A coefficient of an input function, by its place among those of all functions: standard normal.
    Coefficient(usize),
    /// A column of the residual's data file; on a curve, 0 is its parameter and 1, 2 its normal; on several faces, the normal's
    /// component along that coordinate.
    Column(usize),
    /// A parameter of the neuron whose dynamics this is.
    Param(usize),
    /// A state of it.
    State(usize),
    /// Its input current.
    Input,
    /// The time step of the network; in a flow, that of a substep.
    Dt,
    /// Whether it spiked in this step, 1 or 0.
    Spike,
    /// How far the spike condition's greater side is above the other: what a surrogate is a function of.
    Over,
    /// What a simulation gives: time, noise, a number drawn. The index is into the list beside the expression.
    Given(usize),
}

impl Expr {
    pub fn binary(op: Binary, a: Expr, b: Expr) -> Expr {
        Expr::Binary(op, Box::new(a), Box::new(b))
    }

    pub fn unary(op: Unary, a: Expr) -> Expr {
        Expr::Unary(op, Box::new(a))
    }

    /// Calls `f` on this expression and all below it, parents first.
    pub fn walk(&self, f: &mut impl FnMut(&Expr)) {
        f(self);
        match self {
            Expr::Num(_) | Expr::Var(_) => {}
            Expr::Unary(_, a) | Expr::Not(a) | Expr::Deriv(a, _) => a.walk(f),
            Expr::Binary(_, a, b) | Expr::Compare(_, a, b) | Expr::Logic(_, a, b) => {
                a.walk(f);
                b.walk(f);
            }
            Expr::If(c, a, b) => {
                c.walk(f);
                a.walk(f);
                b.walk(f);
            }
        }
    }

    /// Nodes, and the longest way down, each counted no further than a little past `most`.
    pub fn extent(&self, most: usize) -> (usize, usize) {
        let mut left = most;
        let height = self.height(&mut left);
        (most - left, height)
    }

    fn height(&self, left: &mut usize) -> usize {
        if *left == 0 {
            return 0;
        }
        *left -= 1;
        1 + match self {
            Expr::Num(_) | Expr::Var(_) => 0,
            Expr::Unary(_, a) | Expr::Not(a) | Expr::Deriv(a, _) => a.height(left),
            Expr::Binary(_, a, b) | Expr::Compare(_, a, b) | Expr::Logic(_, a, b) => a.height(left).max(b.height(left)),
            Expr::If(c, a, b) => c.height(left).max(a.height(left)).max(b.height(left)),
        }
    }

    /// True if some variable below satisfies `f`.
    pub fn any_var(&self, mut f: impl FnMut(&Var) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |e| {
            if let Expr::Var(v) = e {
                found |= f(v);
            }
        });
        found
    }

    /// True if training changes its value: a field or an unknown stands in it.
    pub fn has_field(&self) -> bool {
        self.any_var(|v| matches!(v, Var::Field { .. } | Var::Placed { .. } | Var::Unknown(_)))
    }

    /// True if a field at another point stands in it.
    pub fn has_placed(&self) -> bool {
        self.any_var(|v| matches!(v, Var::Placed { .. }))
    }

    pub fn has_unknown(&self) -> bool {
        self.any_var(|v| matches!(v, Var::Unknown(_)))
    }
}
