//! Constants, functions and the domain: what everything else refers to.
//!
//! ```text
//! const n = 4   const w = 2*pi/n   domain { x in 0 .. w }    with `--set n=8`    ->    n = 8, w = 0.785…, x in 0 .. 0.785…
//! ```

use crate::check::domain;
use crate::check::functions::{self, InputFunction};
use crate::check::items::Items;
use crate::check::model::{Coord, Unknown};
use crate::check::names::nearest;
use crate::check::networks;
use crate::check::scope::{Names, Scope};
use crate::diag::{Sink, names, types};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};
use crate::units::{Dimension, Unit, parse};

/// Puts coordinates, networks, functions and constants into `scope`. `start` is the beginning of the program.
pub fn declare<'a>(items: &Items<'a>, set: &[(String, f64)], start: Span, scope: &mut Scope<'a>, sink: &mut Sink) {
    // What there is comes first, with ranges to be filled in, so that a name in the wrong place is known for what it is.
    for c in items.domain.iter().flat_map(|d| &d.coords) {
        if scope.coord(&c.name.text).is_none() {
            let (name, span) = (c.name.text.clone(), c.name.span);
            scope.coords.push(Coord { name, lo: 0.0, hi: 1.0, periodic: false, span });
        }
    }
    for f in &items.functions {
        // As for coordinates, the name first.
        let (name, span) = (f.name.text.clone(), f.name.span);
        let nothing = InputFunction { name, lo: 0.0, hi: 1.0, sensors: 2, first: 0, parts: vec![], span };
        scope.functions.push(nothing);
    }
    for n in &items.networks {
        let signature = networks::signature(n, scope, sink);
        let unknown = n.coords.iter().filter(|c| scope.coord(&c.text).is_none()).map(|c| c.text.clone());
        let unknown: Vec<String> = unknown.collect();
        scope.broken.extend(unknown);
        networks::fields(n, scope.networks.len(), scope);
        scope.networks.push(signature);
    }
    for u in &items.unknowns {
        let unlimited = (f64::NEG_INFINITY, f64::INFINITY);
        let (name, span) = (u.name.text.clone(), u.name.span);
        scope.unknowns.push(Unknown { name, start: 0.0, lo: unlimited.0, hi: unlimited.1, span });
    }
    for f in &items.fns {
        parameters(f, sink);
        scope.fns.insert(f.name.text.clone(), f);
    }
    overrides(items, set, start, sink);
    constants(&items.consts, set, scope, sink);
    if let Some(domain) = items.domain {
        domain::declare(domain, scope, sink);
    }
    let mut first = 0;
    for (k, item) in items.functions.iter().enumerate() {
        if let Some(function) = functions::declare(item, first, scope, sink) {
            first += function.parts.len();
            scope.functions[k] = function;
        }
    }
    for u in &items.unknowns {
        unknown(u, set, scope, sink);
    }
    for f in &items.fns {
        scope.check_fn(f, sink);
    }
}

/// Complains of names that are set from outside and that the program does not have.
fn overrides(items: &Items<'_>, set: &[(String, f64)], start: Span, sink: &mut Sink) {
    let known: Vec<&str> = items
        .consts
        .iter()
        .map(|c| &c.name)
        .chain(items.unknowns.iter().map(|u| &u.name))
        .map(|n| n.text.as_str())
        .collect();
    let unknown: Vec<&str> = set.iter().map(|(n, _)| n.as_str()).filter(|n| !known.contains(n)).collect();
    if let Some(first) = unknown.first() {
        sink.push(names::unknown_override(start, &unknown, nearest(first, known)));
    }
}

/// The value that a name is set to: the last of several counts, as on any command line.
fn given(set: &[(String, f64)], name: &str) -> Option<f64> {
    set.iter().rev().find(|(n, _)| n == name).map(|(_, v)| *v)
}

/// Where an unknown starts, and what it is kept within.
fn unknown(u: &ast::Unknown, set: &[(String, f64)], scope: &mut Scope<'_>, sink: &mut Sink) {
    let written = scope.number_in(&u.start, "where an unknown starts", sink);
    let start = given(set, &u.name.text).or(written);
    let range = u.range.as_ref().map(|(lo, hi)| {
        let within = "in the range of an unknown";
        (scope.number_in(lo, within, sink), scope.number_in(hi, within, sink), lo.span.to(hi.span))
    });
    let Some(index) = scope.unknown(&u.name.text) else { return };
    let Some(start) = start else { return };
    scope.unknowns[index].start = start;
    if let Some((Some(lo), Some(hi), span)) = range {
        if lo >= hi {
            sink.push(types::empty_range(span, lo, hi));
        } else if !(lo..=hi).contains(&start) {
            sink.push(types::out_of_range(
                u.start.span,
                &format!("a number from {lo} to {hi}, the range given"),
                start,
            ));
        } else {
            (scope.unknowns[index].lo, scope.unknowns[index].hi) = (lo, hi);
        }
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
fn constants(consts: &[&ast::Const], set: &[(String, f64)], scope: &mut Scope<'_>, sink: &mut Sink) {
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
        // It is in the unit that is written, if there is one.
        let value = given(set, name).map(|v| unit_of(&c.value).map_or(v, |u| u.hold(v)));
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
