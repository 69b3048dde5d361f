//! Exact solutions, and the test that they are what they say.
//!
//! ```text
//! exact u = sin(pi*x)*cos(2*pi*t)   with   d(u, t, t) = 4*d(u, x, x)   ->   fine
//! exact u = sin(pi*x)*cos(pi*t)                                        ->   SNN0711, with the residual it leaves and where
//! ```
//!
//! An exact solution is only ever measured against, never trained on; a wrong one would make every error a lie.

use crate::check::calculus::{budget, d_multi, evaluate, expand_derivatives, substitute};
use crate::check::domain::{at as value_at, points, seam};
use crate::check::expr::{Expr, Var};
use crate::check::lints::point_text;
use crate::check::model::{Exact, Place, Quantity, Residual};
use crate::check::names::nearest;
use crate::check::reference;
use crate::check::scope::{Names, Scope};
use crate::diag::{Sink, geometry, names, residuals as say, types};
use crate::func::{Binary, figure};
use crate::plan::Reference;
use crate::source::{Files, Span};
use crate::syntax::ast::{self, ExactValue, ExprKind};

/// Points a residual is tested on.
const POINTS: usize = 24;
/// A residual larger than this part of its terms is no rounding.
const TOLERANCE: f64 = 1e-6;

/// Formulas, and what files give. `None` after a mistake.
pub fn check(
    items: &[&ast::Exact],
    scope: &Scope<'_>,
    files: &dyn Files,
    sink: &mut Sink,
) -> Option<(Vec<Exact>, Option<Reference>)> {
    let mut out: Vec<Exact> = vec![];
    let mut from_files: Option<Reference> = None;
    let mut given: Vec<(Quantity, Span)> = vec![];
    let mut fine = true;
    for item in items {
        let name = match &*item.field.kind {
            ExprKind::Name(n) => n.as_str(),
            ExprKind::Index { base, .. } => base.text.as_str(),
            _ => {
                sink.push(types::wrong_kind(item.field.span, "the name of a field", "an expression"));
                fine = false;
                continue;
            }
        };
        let of = match (scope.named_field(&item.field, sink), scope.unknown(name)) {
            (Some((_, field)), _) => Some(Quantity::Field(field)),
            (None, k) => k.map(Quantity::Unknown),
        };
        let value = match &item.value {
            ExactValue::Expr(e) if matches!(of, Some(Quantity::Unknown(_))) => {
                scope.number_in(e, "in the true value of an unknown", sink).map(Expr::Num)
            }
            ExactValue::Expr(e) => scope.scalar(e, &Names::coords("in an exact solution"), sink),
            ExactValue::File(_) => None,
        };
        let Some(of) = of else {
            match scope.network(name) {
                // What is wrong with the brackets has been said.
                _ if matches!(&*item.field.kind, ExprKind::Index { .. }) => {}
                _ if scope.field(name).is_some() => sink.push(scope.wants_brackets(item.field.span, name)),
                Some(_) => {
                    let outputs = scope.field_names();
                    sink.push(names::network_with_outputs(item.field.span, name, &outputs));
                }
                None => {
                    let known = scope.field_names().into_iter().chain(scope.unknowns.iter().map(|u| u.name.as_str()));
                    scope.unknown_name(item.field.span, name, nearest(name, known), sink);
                }
            }
            fine = false;
            continue;
        };
        scope.mark_used(name);
        if let Some((_, first)) = given.iter().find(|(q, _)| *q == of) {
            sink.push(say::exact_twice(item.span, name, *first));
            fine = false;
            continue;
        }
        given.push((of, item.span));
        if let ExactValue::File(path) = &item.value {
            let Quantity::Field(field) = of else {
                sink.push(types::wrong_kind(path.span, "a number, the true value of the unknown", "a file"));
                fine = false;
                continue;
            };
            if scope.takes_functions(field) {
                let what = "an exact solution of an operator from a file";
                sink.push(names::not_available_but(path.span, what, "give it as a formula in the input function"));
                fine = false;
                continue;
            }
            fine &= reference::read(path, name, field, &mut from_files, scope, files, sink).is_some();
            continue;
        }
        match value {
            Some(value) => out.push(Exact { of, value: expand_derivatives(&value), span: item.span }),
            None => fine = false,
        }
    }
    fine.then_some((out, from_files))
}

/// Warns where an exact solution has no value, or does not satisfy a residual. A residual of several fields and unknowns is
/// tested if all of them have one. `set` is what the command line overrides.
pub fn test(exacts: &[Exact], residuals: &[Residual], scope: &Scope<'_>, set: &[(String, f64)], sink: &mut Sink) {
    let at = |p: &[f64]| point_text(p, &scope.coords);
    let inside = points(&Place::Domain, POINTS, scope);
    let mut fine = vec![];
    for exact in exacts {
        let value = |p: &[f64]| evaluate(&exact.value, &|v| value_at(v, p, &[]));
        match inside.iter().map(|(p, _)| (p, value(p))).find(|(_, v)| !v.is_finite()) {
            Some((p, v)) => sink.push(say::exact_not_finite(exact.span, v, &at(p))),
            None => fine.push(exact),
        }
    }
    for exact in &fine {
        for (i, c) in scope.coords.iter().enumerate().filter(|(_, c)| c.periodic) {
            if let Some((order, lo, hi)) = seam(&exact.value, i, 1, &scope.coords) {
                let what = if order == 0 { "it" } else { "its derivative" };
                sink.push(geometry::exact_not_periodic(exact.span, &c.name, what, (lo, hi), c.span));
            }
        }
    }
    for r in residuals {
        budget::of_item(r.span);
        if let Some(Worst { exact, point, left, size }) = worst(&fine, r, scope)
            && left > TOLERANCE * size
        {
            let (left, size) = (figure(left, 4), figure(size, 4));
            let set: Vec<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
            let d = say::exact_is_wrong(exact.span, r.span, &r.name, &left, &size, &at(&point));
            sink.push(say::also_set(d, &set));
        }
    }
}

/// What a residual leaves.
struct Worst<'e> {
    /// The last exact solution that it is about.
    exact: &'e Exact,
    /// Where most is left.
    point: Vec<f64>,
    left: f64,
    /// The size of the residual's terms anywhere.
    size: f64,
}

/// Where a residual leaves most. `None` if it cannot be tested.
fn worst<'e>(exacts: &[&'e Exact], r: &Residual, scope: &Scope<'_>) -> Option<Worst<'e>> {
    // Data are measurements: they need not lie on the solution.
    if matches!(r.place, Place::Data(_)) {
        return None;
    }
    let of = |v: &Var| match v {
        Var::Field { field, .. } | Var::Placed { field, .. } => Some(Quantity::Field(*field)),
        Var::Unknown(k) => Some(Quantity::Unknown(*k)),
        _ => None,
    };
    let known = |q: Quantity| exacts.iter().find(|e| e.of == q);
    let mut about = None;
    for side in [&r.lhs, &r.rhs] {
        if side.any_var(|v| of(v).is_some_and(|q| known(q).is_none())) {
            return None;
        }
        side.walk(&mut |e| {
            if let Expr::Var(v) = e
                && let Some(q) = of(v)
            {
                about = about.max(exacts.iter().position(|e| e.of == q));
            }
        });
    }
    let exact = exacts[about?];
    // The exact solutions in place of the fields, their derivatives taken once.
    let put_in = |e: &Expr| {
        substitute(&expand_derivatives(e), &|v| {
            let value = &known(of(v)?)?.value;
            Some(match v {
                Var::Field { alpha, .. } => d_multi(value, alpha),
                Var::Placed { place, .. } => {
                    let at = &scope.places.borrow()[*place];
                    substitute(value, &|v| if let Var::Coord(i) = v { at.get(*i).cloned() } else { None })
                }
                _ => value.clone(),
            })
        })
    };
    let (lhs, rhs) = (put_in(&r.lhs), put_in(&r.rhs));
    let mut parts = vec![];
    terms(&lhs, &mut parts);
    terms(&rhs, &mut parts);
    let value = |e: &Expr, (p, columns): &(Vec<f64>, Vec<f64>)| evaluate(e, &|v| value_at(v, p, columns));
    let term =
        |p: &(Vec<f64>, Vec<f64>)| parts.iter().map(|e| value(e, p).abs()).filter(|v| !v.is_nan()).fold(0.0, f64::max);
    let mut worst: Option<(Vec<f64>, f64)> = None;
    let places = points(&r.place, POINTS, scope);
    // Sizes are taken in the whole domain too: on a face the terms may all be zero, to rounding. A normal is of size 1 there.
    let columns = vec![1.0; places.first().map_or(0, |(_, columns)| columns.len())];
    let domain =
        points(&Place::Domain, POINTS, scope).into_iter().map(|(p, _)| (p, columns.clone())).collect::<Vec<_>>();
    let size = places.iter().chain(&domain).map(term).filter(|v| v.is_finite()).fold(0.0, f64::max);
    for p in places {
        let left = (value(&lhs, &p) - value(&rhs, &p)).abs();
        // At a singular point there is nothing to say.
        if left.is_finite() && worst.as_ref().is_none_or(|(_, l)| left > *l) {
            worst = Some((p.0, left));
        }
    }
    worst.map(|(point, left)| Worst { exact, point, left, size })
}

/// The summands of an expression.
fn terms(e: &Expr, out: &mut Vec<Expr>) {
    match e {
        Expr::Binary(Binary::Add | Binary::Sub, a, b) => {
            terms(a, out);
            terms(b, out);
        }
        e => out.push(e.clone()),
    }
}
