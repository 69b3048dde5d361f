//! Codes: static values to spikes and currents, and features of coordinates.
//!
//! ```text
//! population(x, 16)     ->    16 currents, one a receptive field
//! rate(x)               ->    spikes with the chance (x + 1)/2 a step
//! ```

use super::Build;
use crate::check::args::bind;
use crate::check::calculus::evaluate_at;
use crate::check::model::{Frequencies, Kind, NodeId, NodeOp};
use crate::check::names::nearest;
use crate::diag::{networks, neurons, types};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

/// Of random Fourier features, where the program does not say: enough for a few waves over the domain.
const DEFAULT_SCALE: f64 = 2.0;
/// Of receptive fields, where the program does not say: at its centre a field drives a neuron well over a threshold of 1.
const DEFAULT_GAIN: f64 = 2.0;

impl Build<'_, '_, '_> {
    /// `population`, `triangular`, `latency`, `rate`, `fourier`.
    pub(super) fn encode(
        &mut self,
        x: Option<(NodeId, Span)>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        let name = callee.text.as_str();
        match name {
            "population" => {
                let bound = bind(callee, args, &["n", "width", "gain"], &[], self.sink);
                let fields = self.width(&bound);
                let given = match bound.get("width") {
                    None => Some(None),
                    Some(e) => self.scope.positive(e, self.sink).map(Some),
                };
                let gain = match bound.get("gain") {
                    None => Some(DEFAULT_GAIN),
                    Some(e) => self.scope.number(e, self.sink),
                };
                let x = self.coded(callee, x?)?;
                let (fields, gain) = (fields?, gain?);
                // Neighbouring fields meet where each is at 0.88 of its peak.
                let spacing = if fields > 1 { 2.0 / f64::from(fields - 1) } else { 1.0 };
                let op = NodeOp::Population { x, fields, width: given?.unwrap_or(spacing), gain };
                let width = self.product(self.graph.nodes[x].width, fields, span)?;
                Some(self.push(name, op, Kind::Signal, width, span))
            }
            "triangular" => {
                let bound = bind(callee, args, &["n"], &[], self.sink);
                let units = self.width(&bound);
                let x = self.coded(callee, x?)?;
                let units = units?;
                let width = self.product(self.graph.nodes[x].width, units, span)?;
                Some(self.push(name, NodeOp::Triangular { x, units }, Kind::Signal, width, span))
            }
            "latency" | "rate" => {
                bind(callee, args, &[], &[], self.sink);
                let x = self.coded(callee, x?)?;
                let op = if name == "rate" { NodeOp::Rate(x) } else { NodeOp::Latency(x) };
                let width = self.graph.nodes[x].width;
                Some(self.push(name, op, Kind::Signal, width, span))
            }
            _ => self.fourier(x, callee, args, span),
        }
    }

    fn fourier(
        &mut self,
        x: Option<(NodeId, Span)>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        let bound = bind(callee, args, &["n", "kind", "scale"], &[], self.sink);
        let count = self.width(&bound);
        let fixed = match bound.get("kind").map(|e| (e, &*e.kind)) {
            None => Some(false),
            Some((_, ExprKind::Name(k))) if k == "random" => Some(false),
            Some((_, ExprKind::Name(k))) if k == "fixed" => Some(true),
            Some((e, ExprKind::Name(k))) => {
                let known = ["random", "fixed"];
                self.sink.push(neurons::unknown_choice(e.span, "kind of frequencies", k, &known, nearest(k, known)));
                None
            }
            Some((e, _)) => {
                self.sink.push(types::wrong_kind(e.span, "`random` or `fixed`", "an expression"));
                None
            }
        };
        let scale = match bound.get("scale") {
            None => Some(DEFAULT_SCALE),
            Some(e) if fixed == Some(true) => {
                let found = "a scale of fixed frequencies, which are 1, 2, 3 and so on";
                self.sink.push(types::wrong_kind(e.span, "no `scale` beside `kind = fixed`", found));
                None
            }
            Some(e) => self.scope.positive(e, self.sink),
        };
        let x = self.fixed(callee, x?)?;
        let (count, inputs) = (count?, self.graph.nodes[x].width);
        let frequencies = match fixed? {
            true => Frequencies::Fixed { count },
            false => Frequencies::Random { count, scale: scale? },
        };
        let each = self.product(2, count, span)?;
        let width = if fixed? { self.product(each, inputs, span)? } else { each };
        scale?;
        Some(self.push("fourier", NodeOp::Fourier { x, frequencies }, Kind::Static, width, span))
    }

    /// A static value for a code of [-1, 1], with a warning if it is seen to leave that range.
    fn coded(&mut self, callee: &ast::Name, x: (NodeId, Span)) -> Option<NodeId> {
        let node = self.fixed(callee, x)?;
        let coords = &self.scope.coords;
        let mut reached: Vec<f64> = vec![];
        match &self.graph.nodes[node].op {
            NodeOp::Coords { coords: own, raw: true } => {
                reached.extend(own.iter().flat_map(|&c| [coords[c].lo, coords[c].hi]));
            }
            // In the corners of the domain, and in its middle.
            NodeOp::Scalar(e) if coords.len() < 8 => {
                let corners = (0..1u32 << coords.len()).map(|bits| {
                    let at =
                        |(k, c): (usize, &crate::check::model::Coord)| if bits >> k & 1 == 1 { c.hi } else { c.lo };
                    coords.iter().enumerate().map(at).collect::<Vec<f64>>()
                });
                let middle = coords.iter().map(|c| (c.lo + c.hi) / 2.0).collect();
                reached.extend(corners.chain([middle]).map(|p| evaluate_at(e, &p)).filter(|v| v.is_finite()));
            }
            _ => {}
        }
        let (lo, hi) = reached.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        if lo < -1.0 - 1e-9 || hi > 1.0 + 1e-9 {
            self.sink.push(networks::outside_code(x.1, &callee.text, lo, hi));
        }
        Some(node)
    }
}
