//! The operators among the calls: `d`, `lap`, `div` and `sum`, which bind or take more than numbers.
//!
//! ```text
//! lap(u)                      ->   d(u, x, x) + d(u, y, y)        in a domain of x, y and t
//! sum(k in 1 .. 2, k*sin(k))  ->   1*sin(1) + 2*sin(2)
//! ```

use super::{Frame, Normal, Resolver, Sort, count};
use crate::check::calculus::mul;
use crate::check::expr::{Expr, Var};
use crate::check::names::nearest;
use crate::diag::{geometry, names, types};
use crate::func::Binary;
use crate::syntax::ast::{self, ExprKind};

/// The most terms that `sum` unrolls to.
const MAX_TERMS: i64 = 1000;

impl Resolver<'_, '_, '_, '_> {
    pub(super) fn derivative(&mut self, e: &ast::Expr, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        self.derivatives_allowed(e, "d")?;
        let [of, by @ ..] = args else {
            self.sink.push(types::arity(e.span, "d", "at least 2 arguments", args.len()));
            return None;
        };
        if by.is_empty() {
            let d = types::arity(e.span, "d", "at least 2 arguments", args.len());
            self.sink.push(d.help("say with respect to which coordinate: `d(u, x)`, `d(u, x, x)`"));
            return None;
        }
        let value = self.wanted(&of.value, Sort::Number, frame);
        let by: Vec<Option<Vec<(usize, Expr)>>> = by.iter().map(|a| self.direction(&a.value, frame)).collect();
        let mut terms = vec![(Expr::Num(1.0), value?)];
        for along in by.into_iter().collect::<Option<Vec<_>>>()? {
            let each = |(k, e): &(Expr, Expr)| -> Vec<(Expr, Expr)> {
                along.iter().map(|(i, c)| (mul(k.clone(), c.clone()), Expr::Deriv(Box::new(e.clone()), *i))).collect()
            };
            terms = terms.iter().flat_map(each).collect();
        }
        Some(total(terms.into_iter().map(|(k, e)| mul(k, e))))
    }

    /// A coordinate, or `normal`: the coordinates to differentiate along, with the components of the direction. The normal
    /// counts as constant, so that `d(u, normal, normal)` is the second derivative along it.
    fn direction(&mut self, e: &ast::Expr, frame: &Frame) -> Option<Vec<(usize, Expr)>> {
        let bound = |n: &str| self.scope.coord(n).is_some() || frame.bindings.iter().any(|(b, _)| b == n);
        let is_normal = matches!(&*e.kind, ExprKind::Name(n) if n == "normal" && !bound(n));
        if !is_normal {
            return self.coordinate(e, frame).map(|i| vec![(i, Expr::Num(1.0))]);
        }
        let elsewhere = ("a normal belongs to a boundary", "use it in a residual on a face, `on x = 0`, or on a curve");
        let (why, instead) = match &self.names.normal {
            Some(Normal::Along(along)) if frame.stack.is_empty() => return Some(along.clone()),
            Some(Normal::None(why, instead)) if frame.stack.is_empty() => (why.as_str(), instead.as_str()),
            _ => elsewhere,
        };
        self.sink.push(geometry::no_normal(e.span, why, instead));
        None
    }

    /// `lap(u)` over the space of the domain, `lap(u, x, y)` over the coordinates named.
    pub(super) fn laplacian(&mut self, e: &ast::Expr, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        self.derivatives_allowed(e, "lap")?;
        let [of, over @ ..] = args else {
            self.sink.push(types::arity(e.span, "lap", "at least 1 argument", 0));
            return None;
        };
        let value = self.wanted(&of.value, Sort::Number, frame);
        let over = if over.is_empty() {
            self.scope.space()
        } else {
            over.iter().map(|a| self.coordinate(&a.value, frame)).collect::<Option<Vec<_>>>()?
        };
        let value = value?;
        let second = |c: usize| Expr::Deriv(Box::new(Expr::Deriv(Box::new(value.clone()), c)), c);
        Some(total(over.into_iter().map(second)))
    }

    /// `div(p, q)`: one component a coordinate of the space.
    pub(super) fn divergence(&mut self, e: &ast::Expr, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        self.derivatives_allowed(e, "div")?;
        let parts: Vec<Option<Expr>> = args.iter().map(|a| self.wanted(&a.value, Sort::Number, frame)).collect();
        let space = self.scope.space();
        if parts.len() != space.len() {
            let coords: Vec<&str> = space.iter().map(|&i| self.scope.coords[i].name.as_str()).collect();
            let d = types::arity(e.span, "div", &count(space.len()), args.len());
            self.sink.push(d.help(format!("one a coordinate of the space: {}", names::list(&coords))));
            return None;
        }
        let parts = parts.into_iter().collect::<Option<Vec<_>>>()?;
        Some(total(parts.into_iter().zip(space).map(|(p, c)| Expr::Deriv(Box::new(p), c))))
    }

    /// Inside of a function it is the place of its call that decides.
    fn derivatives_allowed(&mut self, e: &ast::Expr, name: &str) -> Option<()> {
        if self.names.derivatives {
            return Some(());
        }
        self.sink.push(names::out_of_place(e.span, name, "a derivative", &self.names.place));
        None
    }

    fn coordinate(&mut self, e: &ast::Expr, frame: &Frame) -> Option<usize> {
        if let ExprKind::Name(name) = &*e.kind {
            match frame.bindings.iter().rev().find(|(n, _)| n == name) {
                Some((_, Expr::Var(Var::Coord(i)))) => return Some(*i),
                Some(_) => {}
                None if frame.stack.is_empty() => {
                    if let Some(i) = self.scope.coord(name) {
                        return Some(i);
                    }
                    if self.scope.broken.contains(name) || self.scope.partial {
                        return None;
                    }
                    let coords = self.scope.coords.iter().map(|c| c.name.as_str());
                    if let Some(near) = nearest(name, coords) {
                        self.scope.unknown_name(e.span, name, Some(near), self.sink);
                        return None;
                    }
                }
                None if self.scope.coord(name).is_some() => {
                    self.out_of_place(e.span, name, "a coordinate", frame);
                    return None;
                }
                None => {}
            }
        }
        let coords: Vec<&str> = self.scope.coords.iter().map(|c| c.name.as_str()).collect();
        const NORMAL: &[&str] = &["n", "nu", "N", "norm", "nrm", "nn", "normal_", "nhat", "outward"];
        self.sink.push(match &*e.kind {
            ExprKind::Name(n) if NORMAL.contains(&n.as_str()) => types::not_the_normal(e.span, &coords),
            _ => types::not_a_coordinate(e.span, &coords),
        });
        None
    }

    /// `sum(i in 1 .. 5, EXPR)`, both ends included, written out.
    pub(super) fn sum(&mut self, e: &ast::Expr, args: &[ast::Arg], frame: &Frame) -> Option<Expr> {
        let [range, term] = args else {
            self.sink.push(
                types::arity(e.span, "sum", "2 arguments", args.len()).help("as in `sum(k in 1 .. 5, sin(k*pi*x))`"),
            );
            return None;
        };
        let ExprKind::In(index, range) = &*range.value.kind else {
            self.sink.push(
                types::wrong_kind(range.span, "an index with its range", "something else")
                    .help("as in `sum(k in 1 .. 5, sin(k*pi*x))`"),
            );
            return None;
        };
        let ExprKind::Range(lo, hi) = &*range.kind else {
            self.sink.push(types::wrong_kind(range.span, "a range", "something else").help("as in `1 .. 5`"));
            return None;
        };
        let (lo, hi) = (self.whole(lo, frame), self.whole(hi, frame));
        let (lo, hi) = (lo?, hi?);
        if hi - lo >= MAX_TERMS {
            let expected = format!("a sum of at most {MAX_TERMS} terms");
            self.sink.push(types::out_of_range(range.span, &expected, (hi - lo + 1) as f64));
            return None;
        }
        let mut terms = Vec::new();
        // What every term gets a copy of.
        let bound: usize = frame.bindings.iter().map(|(_, e)| e.extent(super::inline::MOST_NODES).0).sum();
        for k in lo..=hi {
            self.work += bound;
            let mut inner = frame.clone();
            inner.bindings.push((index.text.clone(), Expr::Num(k as f64)));
            match self.wanted(&term.value, Sort::Number, &inner) {
                Some(term) => terms.push(term),
                None => {
                    if frame.stack.is_empty() && std::mem::take(&mut self.too_large) {
                        self.sink.push(names::sum_too_large(e.span));
                    }
                    return None;
                }
            }
        }
        let mut value = Expr::Num(0.0);
        for (n, term) in terms.into_iter().enumerate() {
            value = if n == 0 { term } else { self.binary(Binary::Add, value, term, e.span)? };
        }
        Some(value)
    }

    fn whole(&mut self, e: &ast::Expr, frame: &Frame) -> Option<i64> {
        match self.wanted(e, Sort::Number, frame)? {
            Expr::Num(v) if v.fract() == 0.0 && v.abs() < 1e9 => Some(v as i64),
            Expr::Num(v) => {
                self.sink.push(types::out_of_range(e.span, "a whole number", v));
                None
            }
            // A parameter while a function is checked for itself: any number will do.
            _ if !frame.stack.is_empty() => None,
            _ => {
                self.sink.push(types::wrong_kind(e.span, "a constant", "something that varies"));
                None
            }
        }
    }
}

fn total(terms: impl Iterator<Item = Expr>) -> Expr {
    terms.reduce(|a, b| Expr::binary(Binary::Add, a, b)).unwrap_or(Expr::Num(0.0))
}
