//! Do the conditions of a program fit its equations, and is everything in it of use? All are warnings.
//!
//! ```text
//! d(u, t) = -u     nothing at t = 0 or t = 1        ->   SNN0714: nothing says which solution is meant
//! d(u, t) = -u     u = 1 on t = 0, u = 0 on t = 1   ->   SNN0820: one condition too many
//! ```
//!
//! A factor of the output that is zero on a face, as in `output = x*(1 - x)*(…)`, is a condition too.

use crate::check::calculus::{expand_derivatives, sub};
use crate::check::expr::{Expr, Var};
use crate::check::items::Items;
use crate::check::lints::is_hard;
use crate::check::model::{Coord, Network, Place, Residual, Side};
use crate::check::weak::{Context, Datum, data_of};
use crate::diag::{Sink, names, residuals as say, training};
use crate::syntax::ast::{self, Item};

pub fn check(
    file: &ast::File,
    items: &Items<'_>,
    network: &Network,
    residuals: &[Residual],
    coords: &[Coord],
    sink: &mut Sink,
) {
    let fields: Vec<String> = network.fields.iter().map(|f| f.name.clone()).collect();
    let ctx = Context { coords, fields: &fields, unknowns: &[] };
    let equations: Vec<Equation<'_>> = residuals.iter().filter_map(|r| Equation::of(r, coords.len())).collect();
    missing(items, network, residuals, &equations, ctx, sink);
    // With something to be learned, more data than the equation needs are the point.
    // A system shares its conditions out among its fields, so that a count for one of them says nothing.
    if fields.len() == 1 && !file.items.iter().any(|i| matches!(i, Item::Unknown(_))) {
        too_few(network, residuals, &equations, ctx, sink);
        too_many(residuals, &equations, ctx, sink);
    }
    unused(items, network, residuals, coords, sink);
}

/// A residual that holds inside the domain and has derivatives.
struct Equation<'r> {
    residual: &'r Residual,
    /// The highest derivative of any field along each coordinate.
    orders: Vec<u8>,
}

impl<'r> Equation<'r> {
    fn of(residual: &'r Residual, coords: usize) -> Option<Equation<'r>> {
        if !matches!(residual.place, Place::Interior | Place::Domain) {
            return None;
        }
        let mut orders = vec![0; coords];
        expand_derivatives(&sub(residual.lhs.clone(), residual.rhs.clone())).walk(&mut |e| {
            if let Expr::Var(Var::Field { alpha, .. }) = e {
                orders.iter_mut().zip(&alpha.0).for_each(|(most, n)| *most = (*most).max(*n));
            }
        });
        orders.iter().any(|n| *n > 0).then_some(Equation { residual, orders })
    }
}

fn missing(
    items: &Items<'_>,
    network: &Network,
    residuals: &[Residual],
    equations: &[Equation<'_>],
    ctx: Context<'_>,
    sink: &mut Sink,
) {
    // Values given anywhere inside pick a solution by themselves.
    let is_equation = |r: &Residual| equations.iter().any(|e| std::ptr::eq(e.residual, r));
    let gives_values = |r: &Residual| match r.place {
        Place::Faces(_) => false,
        Place::Interior | Place::Domain => !is_equation(r),
        _ => true,
    };
    if residuals.iter().any(gives_values) {
        return;
    }
    let periodic = |name: &str| {
        let coords = items.domain.iter().flat_map(|d| &d.coords);
        coords.into_iter().any(|c| c.name.text == name && c.periodic.is_some())
    };
    let is_given = |i: usize| {
        let on_face = |r: &Residual| matches!(&r.place, Place::Faces(f) if f.iter().any(|f| f.coord == i));
        let hard = || {
            let ends = [false, true];
            network.fields.iter().any(|f| ends.into_iter().any(|high| is_hard(network, f, i, high, ctx)))
        };
        residuals.iter().any(on_face) || periodic(&ctx.coords[i].name) || hard()
    };
    let open: Vec<(usize, &Equation<'_>)> = (0..ctx.coords.len())
        .filter_map(|i| equations.iter().find(|e| e.orders[i] > 0).map(|e| (i, e)))
        .filter(|(i, _)| !is_given(*i))
        .collect();
    let nothing_at_all =
        open.len() == (0..ctx.coords.len()).filter(|i| equations.iter().any(|e| e.orders[*i] > 0)).count();
    match open.as_slice() {
        [] => {}
        [(i, e), ..] if nothing_at_all => {
            let c = &ctx.coords[*i];
            sink.push(say::nothing_given(e.residual.span, &e.residual.name, &c.name, c.lo));
        }
        [(i, e), ..] => {
            let c = &ctx.coords[*i];
            sink.push(say::nothing_given_along(e.residual.span, &e.residual.name, &c.name, c.lo));
        }
    }
}

/// An equation of order m along a coordinate wants m conditions at its ends, all told; with none at all it is said elsewhere.
fn too_few(network: &Network, residuals: &[Residual], equations: &[Equation<'_>], ctx: Context<'_>, sink: &mut Sink) {
    let elsewhere = |r: &Residual| {
        let is_equation = equations.iter().any(|e| std::ptr::eq(e.residual, r));
        !is_equation && !matches!(r.place, Place::Faces(_))
    };
    if residuals.iter().any(elsewhere) {
        return;
    }
    for (i, c) in ctx.coords.iter().enumerate().filter(|(_, c)| !c.periodic) {
        let Some(e) = equations.iter().max_by_key(|e| e.orders[i]) else { continue };
        let hard = [false, true].into_iter().any(|high| is_hard(network, &network.fields[0], i, high, ctx));
        let on_end = |r: &Residual| match &r.place {
            Place::Faces(faces) => faces.iter().filter(|f| f.coord == i && f.side != Side::Inside).count(),
            _ => 0,
        };
        let given: usize = residuals.iter().map(on_end).sum();
        if !hard && given > 0 && given < usize::from(e.orders[i]) {
            let (at, name) = (e.residual.span, &e.residual.name);
            sink.push(say::too_few(at, name, &c.name, e.orders[i], given));
        }
    }
}

fn too_many(residuals: &[Residual], equations: &[Equation<'_>], ctx: Context<'_>, sink: &mut Sink) {
    let on_faces = |(k, r): (usize, &Residual)| match &r.place {
        Place::Faces(faces) => data_of(k, &r.lhs, &r.rhs, faces),
        _ => None,
    };
    let data: Vec<Datum> = residuals.iter().enumerate().filter_map(on_faces).flatten().collect();
    for i in 0..ctx.coords.len() {
        let Some(e) = equations.iter().max_by_key(|e| e.orders[i]).filter(|e| e.orders[i] > 0) else { continue };
        let mut given: Vec<&Datum> = vec![];
        for d in data.iter().filter(|d| d.coord == i) {
            if !given.iter().any(|o| (o.high, o.order) == (d.high, d.order)) {
                given.push(d);
            }
        }
        if given.len() > usize::from(e.orders[i]) {
            let mut spans: Vec<_> = given.iter().map(|d| residuals[d.residual].span).collect();
            spans.dedup();
            let Some(last) = spans.pop() else { continue };
            let (name, order) = (&ctx.coords[i].name, e.orders[i]);
            let at = e.residual.span;
            sink.push(training::over_determined(last, name, given.len(), order, &e.residual.name, &spans, at));
        }
    }
}

/// Coordinates that nothing depends on, and columns of data that no equation compares with.
fn unused(items: &Items<'_>, network: &Network, residuals: &[Residual], coords: &[Coord], sink: &mut Sink) {
    let enters = |i: usize| items.networks.iter().flat_map(|n| &n.coords).any(|c| c.text == coords[i].name);
    let stands = |i: usize, r: &Residual| {
        let on_face = matches!(&r.place, Place::Faces(f) if f.iter().any(|f| f.coord == i));
        on_face || [&r.lhs, &r.rhs].iter().any(|e| e.any_var(|v| *v == Var::Coord(i)))
    };
    for (i, c) in coords.iter().enumerate() {
        if !network.fields.iter().any(|f| f.coords.contains(&i))
            && !enters(i)
            && !residuals.iter().any(|r| stands(i, r))
        {
            sink.push(names::unused(c.span, "coordinate", &c.name));
        }
    }
    // Several residuals may share a file, each with columns of its own; the first of them is told of the rest.
    let mut seen: Vec<&str> = vec![];
    for (item, r) in items.residuals.iter().zip(residuals) {
        let Place::Data(table) = &r.place else { continue };
        if seen.contains(&table.path.as_str()) {
            continue;
        }
        seen.push(&table.path);
        let of_file = |r: &&Residual| matches!(&r.place, Place::Data(t) if t.path == table.path);
        let compared = |r: &Residual, k: usize| [&r.lhs, &r.rhs].iter().any(|e| e.any_var(|v| *v == Var::Column(k)));
        let used = |k: usize| table.coords.contains(&k) || residuals.iter().filter(of_file).any(|r| compared(r, k));
        let idle: Vec<&str> =
            table.columns.iter().enumerate().filter(|(k, _)| !used(*k)).map(|(_, c)| c.as_str()).collect();
        if !idle.is_empty() {
            sink.push(names::unused_columns(item.place_span, &idle));
        }
    }
}
