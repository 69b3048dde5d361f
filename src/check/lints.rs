//! Modelling mistakes: programs that make sense word by word and cannot do what they want. All are warnings.
//!
//! ```text
//! output = x*(1 - x)*(…)   residual start on x = 0 : u = 1     ->   SNN0716: this is 0 there, whatever the weights
//! ```

use crate::check::calculus::evaluate_at;
use crate::check::model::{Coord, Exact, Field, Network, NodeId, NodeOp, Quantity};
use crate::check::weak::{Context, Datum, spread};
use crate::diag::{Sink, residuals as say};
use crate::func::{Binary, figure};
use crate::source::Span;

/// Warns of conditions on the field's value that the form of the network's output rules out. `named` gives the name and
/// place of a residual by its index.
pub fn hard_conditions<'n>(
    data: &[Datum],
    named: impl Fn(usize) -> (&'n str, Span),
    network: &Network,
    ctx: Context,
    sink: &mut Sink,
) {
    for d in data.iter().filter(|d| d.order == 0) {
        let (name, span) = named(d.residual);
        let clash = samples(d, ctx).into_iter().find_map(|p| {
            let (wanted, forced) = (evaluate_at(&d.value, &p), forced(network, network.fields[d.field].node, &p)?);
            ((wanted - forced).abs() > 1e-9 * (1.0 + wanted.abs())).then_some((p, forced, wanted))
        });
        if let Some((p, forced, wanted)) = clash {
            let output = network.nodes[network.fields[d.field].node].span;
            let (forced, wanted) = (shown(forced), shown(wanted));
            sink.push(say::hard_condition(span, name, &point_text(&p, ctx.coords), &forced, &wanted, output));
        }
    }
}

/// The value of a node at a point, the same in all its elements, if no weight can change it.
fn forced(network: &Network, node: NodeId, p: &[f64]) -> Option<f64> {
    let zero = |v: Option<f64>| v.is_some_and(|v| v.abs() < 1e-12);
    match &network.nodes[node].op {
        NodeOp::Scalar(e) => Some(evaluate_at(e, p)),
        NodeOp::Unary(f, a) => Some(f.eval(forced(network, *a, p)?)),
        NodeOp::Binary(op, a, b) => {
            let (a, b) = (forced(network, *a, p), forced(network, *b, p));
            match op {
                Binary::Mul if zero(a) || zero(b) => Some(0.0),
                _ => Some(op.eval(a?, b?)),
            }
        }
        _ => None,
    }
}

/// Points of the face that a datum is about.
fn samples(d: &Datum, ctx: Context) -> Vec<Vec<f64>> {
    on_face(d.coord, d.high, ctx)
}

/// Points of a face of the domain.
fn on_face(coord: usize, high: bool, ctx: Context) -> Vec<Vec<f64>> {
    let at = |p: Vec<f64>| -> Vec<f64> {
        let mut at: Vec<f64> = p.iter().zip(ctx.coords).map(|(s, c)| c.lo + s * (c.hi - c.lo)).collect();
        let c = &ctx.coords[coord];
        at[coord] = if high { c.hi } else { c.lo };
        at
    };
    spread(ctx.coords.len(), 16).into_iter().map(at).collect()
}

/// Is the field's value on this face decided by the form of the output, as by a factor `x*(1 - x)`?
pub fn is_hard(network: &Network, field: &Field, coord: usize, high: bool, ctx: Context) -> bool {
    on_face(coord, high, ctx).iter().all(|p| forced(network, field.node, p).is_some_and(f64::is_finite))
}

/// Warns of an exact solution that the form of the network's output rules out at an end of the domain.
pub fn hard_exact(exact: &Exact, network: &Network, ctx: Context, sink: &mut Sink) {
    let Quantity::Field(field) = exact.of else { return };
    let field = &network.fields[field];
    let faces = (0..ctx.coords.len()).flat_map(|i| [(i, false), (i, true)]);
    let clash = faces.filter(|(i, high)| is_hard(network, field, *i, *high, ctx)).find_map(|(i, high)| {
        on_face(i, high, ctx).into_iter().find_map(|p| {
            let (wanted, forced) = (evaluate_at(&exact.value, &p), forced(network, field.node, &p)?);
            ((wanted - forced).abs() > 1e-9 * (1.0 + wanted.abs())).then_some((p, forced, wanted))
        })
    });
    if let Some((p, forced, wanted)) = clash {
        let output = network.nodes[field.node].span;
        let (forced, wanted) = (shown(forced), shown(wanted));
        sink.push(say::exact_out_of_reach(exact.span, &point_text(&p, ctx.coords), &forced, &wanted, output));
    }
}

/// A value for a message.
fn shown(v: f64) -> String {
    figure(near_zero(v), 6)
}

/// What is left of rounding, as of sin(pi), is nothing.
fn near_zero(v: f64) -> f64 {
    if v.abs() < 1e-12 { 0.0 } else { v }
}

/// `x = 0.5, t = 0.25`, rounded for reading.
pub fn point_text(p: &[f64], coords: &[Coord]) -> String {
    let parts: Vec<String> =
        p.iter().zip(coords).map(|(v, c)| format!("{} = {}", c.name, figure(near_zero(*v), 5))).collect();
    parts.join(", ")
}
