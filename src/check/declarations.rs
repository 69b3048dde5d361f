//! Constants, functions and the domain: what everything else refers to.
//!
//! ```text
//! const n = 4   const w = 2*pi/n   domain { x in 0 .. w }    with `--set n=8`    ->    n = 8, w = 0.785…, x in 0 .. 0.785…
//! ```

use crate::check::items::Items;
use crate::check::model::Coord;
use crate::check::names::nearest;
use crate::check::networks;
use crate::check::scope::{Names, Scope};
use crate::diag::{Sink, names, types};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};
use crate::units::{Dimension, Unit, parse};

/// Puts coordinates, networks, functions and constants into `scope`. `start` is the beginning of the program.
pub fn declare<'a>(items: &Items<'a>, set: &[(String, f64)], start: Span, scope: &mut Scope<'a>, sink: &mut Sink) {
    scope.broken.extend(items.broken.iter().cloned());
    // What there is comes first, with ranges to be filled in, so that a name in the wrong place is known for what it is.
    for c in items.domain.iter().flat_map(|d| &d.coords) {
        if scope.coord(&c.name.text).is_none() {
            scope.coords.push(Coord { name: c.name.text.clone(), lo: 0.0, hi: 1.0, span: c.name.span });
        }
    }
    for n in &items.networks {
        let signature = networks::signature(n, scope, sink);
        let unknown = n.coords.iter().filter(|c| scope.coord(&c.text).is_none()).map(|c| c.text.clone());
        let unknown: Vec<String> = unknown.collect();
        scope.broken.extend(unknown);
        scope.networks.push(signature);
    }
    for f in &items.fns {
        parameters(f, sink);
        scope.fns.insert(f.name.text.clone(), f);
    }
    constants(&items.consts, set, start, scope, sink);
    if let Some(domain) = items.domain {
        ranges(domain, scope, sink);
    }
    for f in &items.fns {
        scope.check_fn(f, sink);
    }
}

fn parameters(f: &ast::Fn, sink: &mut Sink) {
    for (k, p) in f.params.iter().enumerate() {
        if let Some(first) = f.params[..k].iter().find(|q| q.text == p.text) {
            sink.push(names::duplicate_name(p.span, "parameter", &p.text, Some(first.span)));
        }
    }
}

/// Each may use those before it. An override replaces the value, but what was written is still looked at.
fn constants(consts: &[&ast::Const], set: &[(String, f64)], start: Span, scope: &mut Scope<'_>, sink: &mut Sink) {
    let known = |name: &str| consts.iter().any(|c| c.name.text == name);
    let unknown: Vec<&str> = set.iter().map(|(n, _)| n.as_str()).filter(|n| !known(n)).collect();
    if let Some(first) = unknown.first() {
        let near = nearest(first, consts.iter().map(|c| c.name.text.as_str()));
        sink.push(names::unknown_override(start, &unknown, near));
    }
    for (k, c) in consts.iter().enumerate() {
        let name = &c.name.text;
        let mut names = Names::none("in this constant");
        for later in &consts[k..] {
            let what =
                if later.name.text == *name { "the constant itself" } else { "a constant declared further down" };
            names = names.without(later.name.text.clone(), what);
        }
        let written = scope.quantity_of(&c.value, &names, sink);
        let dimension = written.map_or(Dimension::NONE, |(_, d)| d);
        // The last of several overrides counts, as on any command line. It is in the unit that is written, if there is one.
        let given = set.iter().rev().find(|(n, _)| n == name).map(|(_, v)| *v);
        let value = given.map(|v| unit_of(&c.value).map_or(v, |u| u.hold(v)));
        let written = written.map(|(v, _)| v);
        if scope.units {
            scope.dimensions.insert(name.clone(), (dimension, c.value.span));
        }
        match value.or(written) {
            Some(value) => scope.constants.push((name.clone(), value)),
            None => {
                scope.broken.insert(name.clone());
            }
        }
    }
}

/// The unit of a literal.
fn unit_of(e: &ast::Expr) -> Option<Unit> {
    match &*e.kind {
        ExprKind::Number { unit: Some(unit), .. } => parse(&unit.text),
        ExprKind::Unary(_, a) => unit_of(a),
        _ => None,
    }
}

fn ranges(domain: &ast::Domain, scope: &mut Scope<'_>, sink: &mut Sink) {
    for c in &domain.coords {
        // The second of two coordinates of one name has been complained about.
        let Some(index) = scope.coords.iter().position(|other| other.span == c.name.span) else { continue };
        if let Some(span) = c.periodic {
            sink.push(names::not_available(span, "`periodic`"));
        }
        let lo = scope.number_in(&c.lo, "in a bound of the domain", sink);
        let hi = scope.number_in(&c.hi, "in a bound of the domain", sink);
        let (Some(lo), Some(hi)) = (lo, hi) else { continue };
        if lo >= hi {
            sink.push(types::empty_range(c.lo.span.to(c.hi.span), lo, hi));
            continue;
        }
        (scope.coords[index].lo, scope.coords[index].hi) = (lo, hi);
    }
    if domain.coords.is_empty() {
        sink.push(names::missing_item(domain.span, &["coordinate"]));
    }
    for shape in &domain.shapes {
        sink.push(names::not_available(shape.span, "`where`, a shape cut out of the domain"));
    }
    for curve in &domain.curves {
        sink.push(names::not_available(curve.span, "`curve`, a curved boundary"));
    }
}
