//! What may stand after `|>`: encoders, layers, neurons, activations and decoders, one arm each.
//!
//! ```text
//! h |> dense(64, bias = none)    ->    Dense { x: h, weight: FanIn, bias: None }
//! ```

use super::Build;
use crate::check::args::{Bound, bind};
use crate::check::model::{Init, Kind, NodeId, NodeOp, TuningCurve};
use crate::check::names::nearest;
use crate::diag::{names, networks, neurons, types};
use crate::func::Unary;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

/// The layers that are not neurons, activations or combinators.
const LAYERS: &[&str] = &["current", "tuned", "raw", "dense", "affine", "identity", "ema", "mean", "last", "sum"];

/// Layers of the language that this version does not build.
const NOT_YET: &[&str] = &[
    "recurrent",
    "conv1d",
    "concat",
    "prev",
    "delay",
    "dot",
    "population",
    "triangular",
    "latency",
    "rate",
    "fourier",
    "first_spike",
    "legendre",
    "membrane",
];

const CURVES: &[(&str, TuningCurve)] =
    &[("ramp", TuningCurve::Ramp), ("sine", TuningCurve::Sine), ("mixed", TuningCurve::Mixed)];

const MAX_WIDTH: u64 = 1 << 20;
const DEFAULT_TRACE: f64 = 4.0;

/// True of names that a neuron or a layer of the user's cannot have.
pub fn is_layer(name: &str) -> bool {
    LAYERS.contains(&name) || NOT_YET.contains(&name)
}

/// The arguments of a call outside of a pipe: the values it acts on, and the rest.
pub fn split_inputs<'a>(name: &str, args: &'a [ast::Arg]) -> (Vec<&'a ast::Expr>, Vec<ast::Arg>) {
    let by_place: Vec<usize> = (0..args.len()).filter(|&k| args[k].name.is_none() && !is_frozen(&args[k])).collect();
    let inputs = match name {
        "current" => by_place.len(),
        "tuned" if args.iter().any(|a| a.name.as_ref().is_some_and(|n| n.text == "n")) => by_place.len(),
        "tuned" => by_place.len().saturating_sub(1),
        "mean" | "last" | "sum" | "ema" | "identity" => by_place.len().min(1),
        _ if Unary::by_name(name).is_some() => by_place.len().min(1),
        _ => 0,
    };
    let taken = &by_place[..inputs];
    let rest = (0..args.len()).filter(|k| !taken.contains(k)).map(|k| args[k].clone()).collect();
    (taken.iter().map(|&k| &args[k].value).collect(), rest)
}

fn is_frozen(arg: &ast::Arg) -> bool {
    matches!(&*arg.value.kind, ExprKind::Name(n) if n == "frozen")
}

impl Build<'_, '_, '_> {
    /// True if `callee` is a layer of any kind; reports it if not.
    pub(super) fn known(&mut self, callee: &ast::Name) -> bool {
        let name = callee.text.as_str();
        if NOT_YET.contains(&name) {
            self.sink.push(names::not_available(callee.span, &format!("the layer `{name}`")));
            return false;
        }
        if self.scope.fns.contains_key(name) {
            self.scope.mark_used(name);
            self.sink.push(names::not_available(callee.span, &format!("`{name}`, a function, applied to a layer")));
            return false;
        }
        if self.neurons.has(name) || LAYERS.contains(&name) || Unary::by_name(name).is_some() {
            return true;
        }
        if self.layers.contains_key(name) {
            self.sink.push(networks::not_a_layer(callee.span, &format!("`{name}`, which is the value of a layer")));
        } else if self.scope.coord(name).is_some() {
            self.sink.push(networks::not_a_layer(callee.span, &format!("the coordinate `{name}`")));
        } else if self.scope.constant(name).is_some() {
            self.scope.mark_used(name);
            self.sink.push(networks::not_a_layer(callee.span, &format!("the constant `{name}`")));
        } else {
            let activations = Unary::NAMED.iter().map(|(n, _)| *n);
            let candidates = LAYERS.iter().copied().chain(self.neurons.names()).chain(activations);
            let near = nearest(name, candidates).map(str::to_string);
            if near.is_some() || !self.scope.partial {
                self.sink.push(networks::unknown_layer(callee.span, name, near.as_deref()));
            }
        }
        false
    }

    /// `x |> callee(args)`. Without an `x` (it had errors) only the callee and its arguments are looked at.
    pub(super) fn apply(
        &mut self,
        x: Option<(NodeId, Span)>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        if !self.known(callee) {
            return None;
        }
        let name = callee.text.as_str();
        match name {
            "current" => {
                bind(callee, args, &[], &[], self.sink);
                let x = self.fixed(callee, x?)?;
                let width = self.graph.nodes[x].width;
                Some(self.push(name, NodeOp::Current(x), Kind::Signal, width, span))
            }
            "tuned" => self.tuned(x, callee, args, span),
            "dense" => self.dense(x, callee, args, span),
            "affine" => {
                let frozen = bind(callee, args, &["frozen"], &["frozen"], self.sink).has("frozen");
                let (x, _) = x?;
                let (kind, width) = (self.graph.nodes[x].kind, self.graph.nodes[x].width);
                Some(self.push(name, NodeOp::Affine { x, frozen }, kind, width, span))
            }
            "identity" => {
                bind(callee, args, &[], &[], self.sink);
                x.map(|(x, _)| x)
            }
            "ema" => {
                let bound = bind(callee, args, &["tau"], &[], self.sink);
                let tau = match bound.get("tau") {
                    Some(e) if self.neurons.time.is_none() => self.scope.positive(e, self.sink),
                    Some(e) => self.time(e),
                    None => Some(DEFAULT_TRACE),
                };
                let x = self.signal(callee, x?)?;
                let width = self.graph.nodes[x].width;
                Some(self.push(name, NodeOp::Ema { x, tau: tau? }, Kind::Signal, width, span))
            }
            "mean" | "last" | "sum" => {
                bind(callee, args, &[], &[], self.sink);
                let x = self.signal(callee, x?)?;
                let op = match name {
                    "mean" => NodeOp::Mean(x),
                    "last" => NodeOp::Last(x),
                    _ => NodeOp::Sum(x),
                };
                let width = self.graph.nodes[x].width;
                Some(self.push(name, op, Kind::Static, width, span))
            }
            "raw" => {
                self.sink.push(networks::not_a_layer(callee.span, "`raw`").help("write `raw(x) |> …`"));
                None
            }
            _ => {
                if let Some(f) = Unary::by_name(name) {
                    bind(callee, args, &[], &[], self.sink);
                    return x.map(|(x, _)| self.elementwise(f, x, span));
                }
                let used = self.neurons.resolve(callee, args, self.scope, self.sink);
                let x = self.signal(callee, x?)?;
                let used = used?;
                let width = self.graph.nodes[x].width;
                let op = NodeOp::Neuron { x, model: used.model, args: used.args };
                Some(self.push(name, op, Kind::Signal, width, span))
            }
        }
    }

    /// A positive time, in a network whose `dt` is one.
    fn time(&mut self, e: &ast::Expr) -> Option<f64> {
        let tau = self.scope.quantity_in(e, self.neurons.time, "the time constant", self.sink)?;
        if tau <= 0.0 {
            self.sink.push(types::out_of_range(e.span, "a time above 0", tau));
            return None;
        }
        Some(tau)
    }

    fn tuned(
        &mut self,
        x: Option<(NodeId, Span)>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        let bound = bind(callee, args, &["n", "kind", "frozen"], &["frozen"], self.sink);
        let width = self.width(&bound);
        let curve = match bound.get("kind") {
            None => Some(TuningCurve::Mixed),
            Some(e) => self.curve(e),
        };
        let x = self.fixed(callee, x?)?;
        let op = NodeOp::Tuned { x, curve: curve?, frozen: bound.has("frozen") };
        Some(self.push("tuned", op, Kind::Signal, width?, span))
    }

    fn curve(&mut self, e: &ast::Expr) -> Option<TuningCurve> {
        let ExprKind::Name(name) = &*e.kind else {
            self.sink.push(types::wrong_kind(e.span, "the name of a tuning curve", "an expression"));
            return None;
        };
        let found = CURVES.iter().find(|(n, _)| n == name).map(|(_, c)| *c);
        if found.is_none() {
            let known: Vec<&str> = CURVES.iter().map(|(n, _)| *n).collect();
            let near = nearest(name, known.iter().copied());
            self.sink.push(neurons::unknown_choice(e.span, "tuning curve", name, &known, near));
        }
        found
    }

    fn dense(
        &mut self,
        x: Option<(NodeId, Span)>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        let bound = bind(callee, args, &["n", "init", "bias", "frozen"], &["frozen"], self.sink);
        let width = self.width(&bound);
        let weight = match bound.get("init") {
            None => Some(Init::FanIn),
            Some(e) => self.init(e),
        };
        let bias = match bound.get("bias") {
            None => None,
            Some(e) if matches!(&*e.kind, ExprKind::Name(n) if n == "none") => Some(None),
            Some(e) => Some(Some(self.init(e)?)),
        };
        let (x, _) = x?;
        let (kind, inputs) = (self.graph.nodes[x].kind, self.graph.nodes[x].width);
        // As is usual: thresholds and kinks spread over the range of the inputs.
        let bound_of_bias = 1.0 / f64::from(inputs).sqrt();
        let bias = bias.unwrap_or(Some(Init::Uniform(-bound_of_bias, bound_of_bias)));
        let op = NodeOp::Dense { x, weight: weight?, bias, frozen: bound.has("frozen") };
        Some(self.push("dense", op, kind, width?, span))
    }

    fn width(&mut self, bound: &Bound<'_, '_>) -> Option<u32> {
        let n = bound.require("n", self.sink)?;
        self.scope.integer(n, 1, MAX_WIDTH, self.sink).map(|n| n as u32)
    }

    /// `normal(0.5)`, `uniform(-1, 1)`, `zeros`, a number.
    fn init(&mut self, e: &ast::Expr) -> Option<Init> {
        match &*e.kind {
            ExprKind::Name(name) if name == "zeros" => Some(Init::Constant(0.0)),
            ExprKind::Name(name) if matches!(name.as_str(), "normal" | "uniform" | "none") => {
                self.sink.push(networks::initial_value(e.span));
                None
            }
            ExprKind::Call { callee, args } if callee.text == "normal" => {
                let bound = bind(callee, args, &["sd"], &[], self.sink);
                let sd = bound.require("sd", self.sink)?;
                self.scope.positive(sd, self.sink).map(Init::Normal)
            }
            ExprKind::Call { callee, args } if callee.text == "uniform" => {
                let bound = bind(callee, args, &["lo", "hi"], &[], self.sink);
                let (lo, hi) = (bound.require("lo", self.sink), bound.require("hi", self.sink));
                let (lo, hi) = (self.scope.number(lo?, self.sink), self.scope.number(hi?, self.sink));
                let (lo, hi) = (lo?, hi?);
                if lo >= hi {
                    self.sink.push(types::empty_range(e.span, lo, hi));
                    return None;
                }
                Some(Init::Uniform(lo, hi))
            }
            ExprKind::Call { callee, .. } if !self.scope.fns.contains_key(&callee.text) => {
                self.sink.push(networks::initial_value(e.span));
                None
            }
            _ => self.scope.number(e, self.sink).map(Init::Constant),
        }
    }

    fn signal(&mut self, callee: &ast::Name, (x, at): (NodeId, Span)) -> Option<NodeId> {
        if self.graph.nodes[x].kind == Kind::Static {
            self.sink.push(types::needs_signal(callee.span, &callee.text, at));
            return None;
        }
        Some(x)
    }

    fn fixed(&mut self, callee: &ast::Name, (x, at): (NodeId, Span)) -> Option<NodeId> {
        if self.graph.nodes[x].kind == Kind::Signal {
            let what = format!("the value given to `{}`", callee.text);
            self.sink.push(types::needs_static(callee.span, &what, at));
            return None;
        }
        Some(x)
    }
}
