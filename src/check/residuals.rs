//! Residuals: where they hold, what they say, and how the derivatives in them are obtained.
//!
//! ```text
//! residual wave on interior : d(u, t, t) = 4 * d(u, x, x)      ->  Weak, with `ends`, `start` and `still` as natural terms
//! residual ends on x = 0, x = 1 : u = 0                        ->  Absorbed { by: wave, fallback: Value }
//! ```
//!
//! Where the program does not choose, derivatives are exact (`jet`) if every way from the coordinates to the output is
//! smooth, else moved onto test functions (`weak`) if the equation allows it, else differences of the output (`stencil`).

mod options;

use std::collections::BTreeMap;

use crate::check::calculus::{budget, expand_derivatives, linear_in_fields, order, sub};
use crate::check::data;
use crate::check::domain;
use crate::check::expr::{Expr, Var};
use crate::check::lints;
use crate::check::model::{Face, Method, Network, NeuronModel, Place, Residual, Shape, Side};
use crate::check::names::{builtin_constant, nearest};
use crate::check::scope::{Names, Scope};
use crate::check::smooth::{Rough, rough};
use crate::check::weak::{Context, Datum, data_of, field_text, weak_form, wholly_used};
use crate::diag::{Sink, functions, geometry, names, residuals as say};
use crate::plan::Sampler;
use crate::source::{Files, Span};
use crate::syntax::ast;
pub use options::check_dynamics;
use options::{Chosen, Options, choose};

/// Step of a stencil where the program gives none, as a fraction of each coordinate's extent.
pub const STENCIL: f64 = 0.05;

/// Why an operator network has no weak form.
const OPERATOR: &str = "a test function would need many points for each input function";

/// A residual before its method is known.
struct Draft<'a> {
    ast: &'a ast::Residual,
    place: Place,
    lhs: Expr,
    rhs: Expr,
    /// lhs - rhs with all derivatives carried out.
    expanded: Expr,
    options: Options<'a>,
    /// A field in it depends on input functions.
    operator: bool,
}

/// All residuals of a program, in order; `None` if one has a mistake. `network` is the checked network, if it has none.
pub fn check(
    items: &[&ast::Residual],
    scope: &Scope<'_>,
    network: Option<(&Network, &[NeuronModel])>,
    files: &dyn Files,
    sink: &mut Sink,
) -> Option<Vec<Residual>> {
    for (k, r) in items.iter().enumerate() {
        if let Some(first) = items[..k].iter().find(|o| o.name.text == r.name.text) {
            sink.push(names::duplicate_name(r.name.span, "residual", &r.name.text, Some(first.name.span)));
        }
    }
    let drafts: Vec<Option<Draft<'_>>> = items.iter().map(|r| draft(r, scope, files, sink)).collect();
    let chosen: Vec<Option<Option<Chosen>>> =
        drafts.iter().map(|d| d.as_ref().map(|d| d.options.by.and_then(|c| choose(c, scope, sink)))).collect();
    let drafts = drafts.into_iter().collect::<Option<Vec<_>>>()?;
    let (network, neurons) = network?;
    let fields: Vec<String> = scope.fields.iter().map(|f| f.name.clone()).collect();
    let unknowns: Vec<String> = scope.unknowns.iter().map(|u| u.name.clone()).collect();
    let ctx = Context { coords: &scope.coords, fields: &fields, unknowns: &unknowns };
    let data: Vec<Datum> = drafts
        .iter()
        .enumerate()
        .filter_map(|(i, d)| match &d.place {
            Place::Faces(faces) => data_of(i, &d.lhs, &d.rhs, faces),
            _ => None,
        })
        .flatten()
        .collect();
    conflicts(&drafts, &data, ctx, sink);
    lints::hard_conditions(&data, |k| (&drafts[k].ast.name.text, drafts[k].ast.span), network, ctx, sink);

    // All of them before giving up: a wrong `by` in one residual must not hide one in another.
    let methods: Vec<Option<(Method, Option<String>)>> = drafts
        .iter()
        .zip(&chosen)
        .map(|(d, chosen)| {
            budget::of_item(d.ast.span);
            let rough = rough(network, neurons, &fields_in(&d.expanded));
            method(d, chosen.as_ref()?.as_ref(), rough.as_ref(), &data, (ctx, scope.shape.as_ref()), sink)
        })
        .collect();
    let methods = methods.into_iter().collect::<Option<Vec<_>>>()?;
    let mut out: Vec<Residual> =
        drafts.iter().zip(methods).map(|(d, (method, reason))| finish(d, method, reason, scope, sink)).collect();
    absorb(&drafts, &mut out, &data, ctx, sink);
    (!sink.has_errors()).then_some(out)
}

fn draft<'a>(r: &'a ast::Residual, scope: &Scope<'_>, files: &dyn Files, sink: &mut Sink) -> Option<Draft<'a>> {
    budget::of_item(r.span);
    let place = place(r, scope, files, sink);
    let mut allowed = Names::fields("in a residual");
    if place.is_none() && matches!(r.place, ast::Place::Data(_) | ast::Place::Curve(_)) {
        // Without the table its columns are not known, and any name may be one of them; so with a curve's parameter.
        return None;
    }
    if let Some(place) = &place {
        allowed = domain::names_at(place, allowed);
    }
    if let Some(Place::Data(table)) = &place {
        for (i, name) in table.columns.iter().enumerate() {
            if scope.coord(name).is_some() {
                continue;
            }
            allowed = match scope.constant(name).or_else(|| builtin_constant(name)) {
                Some(_) => allowed.without(name.clone(), "both a column of the file and a constant"),
                None => allowed.with(name.clone(), Var::Column(i)),
            };
        }
    } else if matches!(r.place, ast::Place::Data(_)) {
        allowed = allowed.partial();
    }
    let (lhs, rhs) = (scope.scalar(&r.lhs, &allowed, sink), scope.scalar(&r.rhs, &allowed, sink));
    let options = Options::read(r, scope, sink);
    let (place, lhs, rhs) = (place?, lhs?, rhs?);
    for (side, span) in [(&lhs, r.lhs.span), (&rhs, r.rhs.span)] {
        let mut wrong = false;
        side.walk(&mut |e| wrong |= matches!(e, Expr::Deriv(a, _) if a.any_var(|v| matches!(v, Var::Column(_)))));
        let mut moved = false;
        side.walk(&mut |e| moved |= matches!(e, Expr::Deriv(a, _) if a.has_placed()));
        if moved {
            sink.push(functions::place_derivative(span));
            return None;
        }
        if wrong && !matches!(place, Place::Data(_)) {
            let instead =
                "a normal counts as constant: write `d(u, x, normal)` for the derivative of `d(u, x)` along it";
            sink.push(geometry::no_normal(span, "it is differentiated, and is known on the boundary only", instead));
            return None;
        }
        if wrong {
            sink.push(say::column_derivative(span));
            return None;
        }
        if let Some(coord) = jump_under_derivative(side) {
            sink.push(say::jump_under_derivative(span, &r.name.text, &scope.coords[coord].name));
        }
        if let Some((field, coord)) = foreign_derivative(side, scope) {
            let field = &scope.fields[field];
            let network = &scope.networks[field.network];
            sink.push(say::without_coordinate(span, &field.name, &scope.coords[coord].name, network.span));
            return None;
        }
    }
    let expanded = expand_derivatives(&sub(lhs.clone(), rhs.clone()));
    let operator = fields_in(&expanded).into_iter().find(|f| scope.takes_functions(*f));
    if let (Some(field), Place::Data(_)) = (operator, &place) {
        sink.push(functions::operator_place(r.place_span, &scope.fields[field].name, "a file says nothing of them"));
        return None;
    }
    if operator.is_none() && expanded.any_var(|v| matches!(v, Var::Coefficient(_))) {
        sink.push(functions::no_operator(r.span, &r.name.text));
        return None;
    }
    if !expanded.has_field() {
        sink.push(say::no_field(r.span, &r.name.text, &scope.field_names()));
        return None;
    }
    Some(Draft { ast: r, place, lhs, rhs, expanded, operator: operator.is_some(), options: options? })
}

/// The fields in an expression.
fn fields_in(e: &Expr) -> Vec<usize> {
    let mut fields = vec![];
    e.walk(&mut |e| match e {
        Expr::Var(Var::Field { field, .. } | Var::Placed { field, .. }) if !fields.contains(field) => {
            fields.push(*field);
        }
        _ => {}
    });
    fields
}

/// A coordinate along which something with a jump in it is differentiated, a field beside it.
fn jump_under_derivative(e: &Expr) -> Option<usize> {
    let mut found = None;
    e.walk(&mut |e| {
        let Expr::Deriv(inside, coord) = e else { return };
        if fields_in(inside).is_empty() {
            return;
        }
        let along = |e: &Expr| e.any_var(|v| *v == Var::Coord(*coord));
        inside.walk(&mut |e| match e {
            Expr::If(..) if along(e) => found = Some(*coord),
            Expr::Unary(f, _) if along(e) && f.jumps() => found = Some(*coord),
            _ => {}
        });
    });
    found
}

/// A field, and a coordinate that it is differentiated along and that does not enter its network.
fn foreign_derivative(e: &Expr, scope: &Scope<'_>) -> Option<(usize, usize)> {
    let mut found = None;
    e.walk(&mut |e| {
        let Expr::Deriv(inside, coord) = e else { return };
        inside.walk(&mut |e| match e {
            Expr::Var(Var::Field { field, .. }) if !scope.coords_of(*field).contains(coord) => {
                found = Some((*field, *coord));
            }
            _ => {}
        });
    });
    found
}

fn place(r: &ast::Residual, scope: &Scope<'_>, files: &dyn Files, sink: &mut Sink) -> Option<Place> {
    match &r.place {
        ast::Place::Interior => Some(Place::Interior),
        ast::Place::Domain => Some(Place::Domain),
        ast::Place::Faces(faces) => {
            let faces: Vec<Option<Face>> = faces.iter().map(|(name, at)| face(name, at, scope, sink)).collect();
            let place = Place::Faces(faces.into_iter().collect::<Option<Vec<_>>>()?);
            domain::reaches(&place, r.place_span, scope, sink)?;
            Some(place)
        }
        ast::Place::Curve(name) => {
            scope.mark_used(&name.text);
            if let Some(curve) = scope.curves.iter().find(|c| c.name == name.text) {
                return Some(Place::Curve(curve.clone()));
            }
            if !scope.broken.contains(&name.text) {
                let near = nearest(&name.text, scope.curves.iter().map(|c| c.name.as_str()));
                sink.push(say::unknown_place(name.span, &name.text, near));
            }
            None
        }
        ast::Place::Grid(args) => {
            let place = Place::Grid(grid(args, r.place_span, scope, sink)?);
            domain::reaches(&place, r.place_span, scope, sink)?;
            Some(place)
        }
        ast::Place::Data(path) => data::read(path, scope, files, sink).map(Place::Data),
    }
}

fn face(name: &ast::Name, at: &ast::Expr, scope: &Scope<'_>, sink: &mut Sink) -> Option<Face> {
    let value = scope.number(at, sink);
    let Some(coord) = scope.coord(&name.text) else {
        let near = nearest(&name.text, scope.coords.iter().map(|c| c.name.as_str()));
        scope.unknown_name(name.span, &name.text, near, sink);
        return None;
    };
    let (c, value) = (&scope.coords[coord], value?);
    // An end may be computed in two ways: `0.1 + 0.2` and `0.3` are one place.
    let meets = |end: f64| (value - end).abs() <= 1e-12 * (c.hi - c.lo);
    if c.periodic && (meets(c.lo) || meets(c.hi)) {
        sink.push(geometry::periodic_end(name.span.to(at.span), &c.name, value, c.span));
        return None;
    }
    if meets(c.lo) {
        return Some(Face { coord, value: c.lo, side: Side::Lo });
    }
    if meets(c.hi) {
        return Some(Face { coord, value: c.hi, side: Side::Hi });
    }
    if value < c.lo || value > c.hi {
        sink.push(say::outside(at.span, &c.name, value, c.lo, c.hi, c.span));
        return None;
    }
    Some(Face { coord, value, side: Side::Inside })
}

/// `grid(x = 101, t = 101)`: points of each coordinate.
pub fn grid(args: &[ast::Arg], span: Span, scope: &Scope<'_>, sink: &mut Sink) -> Option<Vec<usize>> {
    const MOST: u64 = 4096;
    let mut counts: BTreeMap<usize, (usize, Span)> = BTreeMap::new();
    let mut fine = true;
    for arg in args {
        let count = scope.integer(&arg.value, 2, MOST, sink);
        let coord = arg.name.as_ref().and_then(|n| scope.coord(&n.text));
        match (&arg.name, coord, count) {
            (Some(_), Some(coord), Some(count)) => {
                if let Some((_, first)) = counts.insert(coord, (count as usize, arg.span)) {
                    sink.push(say::repeated_option(arg.span, &scope.coords[coord].name, first));
                    fine = false;
                }
            }
            (Some(name), None, _) => {
                let near = nearest(&name.text, scope.coords.iter().map(|c| c.name.as_str()));
                scope.unknown_name(name.span, &name.text, near, sink);
                fine = false;
            }
            _ => fine = false,
        }
    }
    let missing: Vec<&str> =
        (0..scope.coords.len()).filter(|i| !counts.contains_key(i)).map(|i| scope.coords[i].name.as_str()).collect();
    if !missing.is_empty() && (fine || args.iter().any(|a| a.name.is_none())) {
        let example: Vec<String> = scope.coords.iter().map(|c| format!("{} = 101", c.name)).collect();
        sink.push(say::grid(span, &missing, &format!("grid({})", example.join(", "))));
        return None;
    }
    fine.then(|| counts.into_values().map(|(n, _)| n).collect())
}

/// Two conditions that give the same datum.
fn conflicts(drafts: &[Draft<'_>], data: &[Datum], ctx: Context<'_>, sink: &mut Sink) {
    for (i, a) in data.iter().enumerate() {
        let about = |d: &Datum| (d.field, d.coord, d.high, d.order);
        let same = |b: &&Datum| about(a) == about(b) && a.mixed == b.mixed;
        if let Some(b) = data[..i].iter().find(same) {
            let mut alpha = crate::func::MultiIndex::zero(ctx.coords.len());
            alpha.0[a.coord] = a.order;
            let c = &ctx.coords[a.coord];
            let at = if a.high { c.hi } else { c.lo };
            let what = format!("{} on {} = {at}", field_text(&ctx.fields[a.field], ctx.coords, &alpha), c.name);
            sink.push(say::given_twice(drafts[a.residual].ast.span, &what, drafts[b.residual].ast.span));
        }
    }
}

/// The method of a residual, and why, if the program did not choose. `None` after a mistake.
fn method(
    d: &Draft<'_>,
    chosen: Option<&Chosen>,
    rough: Option<&Rough>,
    data: &[Datum],
    (ctx, shape): (Context<'_>, Option<&Shape>),
    sink: &mut Sink,
) -> Option<(Method, Option<String>)> {
    let inside = matches!(d.place, Place::Interior | Place::Domain);
    if let Some(call) = d.options.by {
        let by = chosen?;
        if order(&d.expanded) == Some(0) && !matches!(by, Chosen::Weak(_)) {
            sink.push(say::no_effect(call.span, "by", "no derivative stands in this residual"));
            return None;
        }
        return match by {
            Chosen::Jet | Chosen::Weak(_) | Chosen::Smoothing(_) if d.expanded.has_placed() => {
                sink.push(functions::place_method(call.span, &call.name.text));
                None
            }
            Chosen::Jet => match rough {
                Some(rough) => {
                    sink.push(say::not_smooth(call.span, rough.span, &rough.what, rough.spikes));
                    None
                }
                None => Some((Method::Jet, None)),
            },
            Chosen::Stencil(h) => Some((Method::Stencil { h: *h }, None)),
            Chosen::Smoothing(sigma) => Some((Method::Smoothing { sigma: *sigma }, None)),
            Chosen::Weak(_) if !inside => {
                sink.push(say::weak_place(call.span));
                None
            }
            Chosen::Weak(_) if d.operator => {
                sink.push(say::not_weak(call.span, OPERATOR));
                None
            }
            Chosen::Weak(_) if shape.is_some() => {
                let cut = shape.map_or(call.span, |s| s.span);
                sink.push(geometry::weak_shape(call.span, cut));
                None
            }
            Chosen::Weak(tests) => match weak_form(&d.lhs, &d.rhs, data, ctx) {
                Ok(mut form) => {
                    form.tests = *tests;
                    Some((Method::Weak(form), None))
                }
                Err(reason) => {
                    sink.push(say::not_weak(call.span, &reason));
                    None
                }
            },
        };
    }
    if order(&d.expanded) == Some(0) {
        return Some((Method::Value, None));
    }
    if d.expanded.has_placed() {
        let why = "a field stands at another point, and only its value can be had there";
        return Some((Method::Stencil { h: STENCIL }, Some(why.into())));
    }
    let Some(rough) = rough else {
        return Some((Method::Jet, Some("every way to the output is smooth".into())));
    };
    let not_jet = format!("no jet through {}", rough.what);
    if inside && d.operator {
        let why = format!("{not_jet}; no weak form: {OPERATOR}");
        return Some((Method::Stencil { h: STENCIL }, Some(why)));
    }
    if inside && shape.is_some() {
        let why = format!("{not_jet}; no weak form: `where` makes the domain other than a box");
        return Some((Method::Stencil { h: STENCIL }, Some(why)));
    }
    if inside {
        match weak_form(&d.lhs, &d.rhs, data, ctx) {
            Ok(form) => return Some((Method::Weak(form), Some(not_jet))),
            Err(reason) => {
                let why = format!("{not_jet}; no weak form: {reason}");
                return Some((Method::Stencil { h: STENCIL }, Some(why)));
            }
        }
    }
    Some((Method::Stencil { h: STENCIL }, Some(not_jet)))
}

fn finish(d: &Draft<'_>, method: Method, reason: Option<String>, scope: &Scope<'_>, sink: &mut Sink) -> Residual {
    d.options.refuse_useless(&d.place, &method, d.operator, scope, sink);
    let keep = matches!(method, Method::Weak(_));
    let (lhs, rhs) = match keep {
        true => (d.lhs.clone(), d.rhs.clone()),
        false => (expand_derivatives(&d.lhs), expand_derivatives(&d.rhs)),
    };
    Residual {
        name: d.ast.name.text.clone(),
        place: d.place.clone(),
        lhs,
        rhs,
        method,
        method_reason: reason,
        weight: d.options.weight.map_or(1.0, |(w, _)| w.unwrap_or(1.0)),
        points: d.options.points.map_or_else(|| default_points(&d.place, scope.coords.len(), d.operator), |(n, _)| n),
        sampler: d.options.sampler.map_or(Sampler::Sobol, |(s, _)| s),
        dynamics: d.options.dynamics(),
        linear: linear_in_fields(&d.expanded).is_some(),
        span: d.ast.span,
    }
}

/// Collocation points where the program gives no number: several times as many as a typical layer has units.
fn default_points(place: &Place, coords: usize, operator: bool) -> usize {
    match (place, coords) {
        // Every point gets input functions of its own, so that there is much more to see.
        (Place::Faces(_) | Place::Curve(_), _) if operator => 1024,
        _ if operator => 4096,
        (Place::Faces(_), 1) => 1,
        (Place::Faces(_), 2) => 128,
        (Place::Faces(_), _) => 512,
        (Place::Curve(c), n) if c.coords.len() == n => 256,
        (Place::Curve(_), _) => 1024,
        (_, 1) => 512,
        (_, 2) => 2048,
        _ => 4096,
    }
}

/// Conditions whose data a weak form uses on all their faces need no rows of their own. The first form that uses one has
/// it; one that says how it is differentiated (`by`) is trained by itself all the same.
fn absorb(drafts: &[Draft<'_>], out: &mut [Residual], data: &[Datum], ctx: Context<'_>, sink: &mut Sink) {
    for by in 0..out.len() {
        let Method::Weak(form) = &out[by].method else { continue };
        let mut whole = wholly_used(form, data, ctx, &drafts[by].lhs, &drafts[by].rhs);
        whole.retain(|&i| drafts[i].options.by.is_none() && !matches!(out[i].method, Method::Absorbed { .. }));
        for &i in &whole {
            let fallback = Box::new(out[i].method.clone());
            out[i].method = Method::Absorbed { by, fallback };
            drafts[i].options.refuse_absorbed(&drafts[by].ast.name.text, sink);
        }
        if let Method::Weak(form) = &mut out[by].method {
            form.absorbed = whole;
        }
    }
}

#[cfg(test)]
mod tests;
