//! What may stand after `|>`: layers, neurons, activations and decoders, one arm each (encoders: `encoders`).
//!
//! ```text
//! h |> dense(64, bias = none)    ->    Dense { x: h, weight: FanIn, bias: None }
//! ```

use super::Build;
use crate::check::args::{Bound, bind};
use crate::check::model::{Init, Kind, NodeId, NodeOp, TuningCurve};
use crate::check::names::nearest;
use crate::diag::{networks, neurons, types};
use crate::func::Unary;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

/// The layers that are not neurons or activations.
pub const LAYERS: &[&str] = &[
    "current",
    "tuned",
    "population",
    "triangular",
    "latency",
    "rate",
    "fourier",
    "raw",
    "dense",
    "affine",
    "recurrent",
    "conv1d",
    "identity",
    "ema",
    "membrane",
    "mean",
    "last",
    "sum",
    "first_spike",
    "legendre",
    "concat",
    "dot",
    "prev",
    "delay",
];

const CURVES: &[(&str, TuningCurve)] =
    &[("ramp", TuningCurve::Ramp), ("sine", TuningCurve::Sine), ("mixed", TuningCurve::Mixed)];

const MAX_WIDTH: u64 = 1 << 20;
const DEFAULT_TRACE: f64 = 4.0;
const MAX_MOMENTS: u64 = 64;
/// Each position of a convolution is a product of its own.
const MAX_POSITIONS: u32 = 1024;

/// As is usual: thresholds and kinks spread over the range of the inputs.
fn uniform_bias(inputs: u32) -> Init {
    let bound = 1.0 / f64::from(inputs).sqrt();
    Init::Uniform(-bound, bound)
}

/// True of names that a neuron or a layer of the user's cannot have.
pub fn is_layer(name: &str) -> bool {
    LAYERS.contains(&name)
}

/// The arguments of a call outside of a pipe: the values it acts on, and the rest.
pub fn split_inputs<'a>(name: &str, args: &'a [ast::Arg]) -> (Vec<&'a ast::Expr>, Vec<ast::Arg>) {
    let by_place: Vec<usize> = (0..args.len()).filter(|&k| args[k].name.is_none() && !is_frozen(&args[k])).collect();
    let named = args.iter().any(|a| a.name.as_ref().is_some_and(|n| n.text == "n"));
    let inputs = match name {
        "current" | "concat" | "latency" | "rate" => by_place.len(),
        // Coordinates, and then how many units.
        "tuned" | "population" | "triangular" | "fourier" if named => by_place.len(),
        "tuned" | "population" | "triangular" | "fourier" => by_place.len().saturating_sub(1),
        "mean" | "last" | "sum" | "ema" | "identity" | "first_spike" | "legendre" | "membrane" => by_place.len().min(1),
        _ if Unary::by_name(name).is_some() => by_place.len().min(1),
        _ => 0,
    };
    let taken = &by_place[..inputs];
    let rest = (0..args.len()).filter(|k| !taken.contains(k)).map(|k| args[k].clone()).collect();
    (taken.iter().map(|&k| &args[k].value).collect(), rest)
}

/// `population(x)`: what would be encoded stands where the number of units is looked for.
pub fn is_short_of_units(name: &str, args: &[ast::Arg]) -> bool {
    let counted = matches!(name, "tuned" | "population" | "triangular" | "fourier");
    let is_number = |a: &ast::Arg| matches!(&*a.value.kind, ExprKind::Number { .. });
    counted && args.first().is_some_and(|a| a.name.is_none() && !is_frozen(a) && !is_number(a))
}

fn is_frozen(arg: &ast::Arg) -> bool {
    matches!(&*arg.value.kind, ExprKind::Name(n) if n == "frozen")
}

impl Build<'_, '_, '_> {
    /// True if `callee` is a layer of any kind; reports it if not.
    pub(super) fn known(&mut self, callee: &ast::Name) -> bool {
        let name = callee.text.as_str();
        let function = self.scope.fns.contains_key(name);
        if self.neurons.has(name) || LAYERS.contains(&name) || Unary::by_name(name).is_some() || function {
            return true;
        }
        if self.layers.contains_key(name) || self.declared.contains(name) {
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
        if self.scope.fns.contains_key(name) {
            return self.function(Some(x), callee, args, span);
        }
        match name {
            "current" => {
                bind(callee, args, &[], &[], self.sink);
                let x = self.fixed(callee, x?)?;
                let width = self.graph.nodes[x].width;
                Some(self.push(name, NodeOp::Current(x), Kind::Signal, width, span))
            }
            "tuned" => self.tuned(x, callee, args, span),
            "population" | "triangular" | "latency" | "rate" | "fourier" => self.encode(x, callee, args, span),
            "dense" => self.dense(x, callee, args, span),
            "recurrent" => self.recurrent(x, callee, args, span),
            "conv1d" => self.conv1d(x, callee, args, span),
            "membrane" => self.membrane(x, callee, args, span),
            "first_spike" => {
                bind(callee, args, &[], &[], self.sink);
                let (x, at) = x?;
                self.signal(callee, (x, at))?;
                let models = self.neurons.models();
                if !self.graph.is_spikes(x, &|m| models[m].spike.is_some()) {
                    self.sink.push(networks::needs_spikes(callee.span, at));
                    return None;
                }
                let width = self.graph.nodes[x].width;
                Some(self.push(name, NodeOp::FirstSpike(x), Kind::Static, width, span))
            }
            "legendre" => {
                let bound = bind(callee, args, &["m"], &[], self.sink);
                let moments = bound.require("m", self.sink);
                let moments = moments.and_then(|m| self.scope.integer(m, 1, MAX_MOMENTS, self.sink));
                let x = self.signal(callee, x?)?;
                let moments = moments? as u32;
                let width = self.product(self.graph.nodes[x].width, moments, span)?;
                Some(self.push(name, NodeOp::Legendre { x, moments }, Kind::Static, width, span))
            }
            "concat" => {
                bind(callee, args, &[], &[], self.sink);
                x.map(|(x, _)| x)
            }
            "dot" => {
                self.sink.push(networks::not_a_layer(callee.span, "`dot`").help("write `dot(a, b)`"));
                None
            }
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
                    return x.map(|(x, _)| {
                        let y = self.elementwise(f, x, span);
                        self.feed_back(x, y)
                    });
                }
                let used = self.neurons.resolve(callee, args, self.scope, self.sink);
                let x = self.signal(callee, x?)?;
                let used = used?;
                let width = self.graph.nodes[x].width;
                let op = NodeOp::Neuron { x, model: used.model, args: used.args };
                let y = self.push(name, op, Kind::Signal, width, span);
                Some(self.feed_back(x, y))
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
        let weight = self.init_or(bound.get("init"), Init::FanIn);
        let bias = self.bias(bound.get("bias"));
        let (x, _) = x?;
        let (kind, inputs) = (self.graph.nodes[x].kind, self.graph.nodes[x].width);
        let bias = bias?.unwrap_or(Some(uniform_bias(inputs)));
        let op = NodeOp::Dense { x, weight: weight?, bias, frozen: bound.has("frozen") };
        Some(self.push("dense", op, kind, width?, span))
    }

    /// `x W + b`, and what the neuron or function after it put out one step before, times a matrix of its own.
    fn recurrent(
        &mut self,
        x: Option<(NodeId, Span)>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        let params = ["n", "init", "recurrent", "bias", "frozen"];
        let bound = bind(callee, args, &params, &["frozen"], self.sink);
        let width = self.width(&bound);
        let weight = self.init_or(bound.get("init"), Init::FanIn);
        let recurrent = self.init_or(bound.get("recurrent"), Init::FanIn);
        let bias = self.bias(bound.get("bias"));
        let x = self.signal(callee, x?)?;
        let bias = bias?.unwrap_or(Some(uniform_bias(self.graph.nodes[x].width)));
        let (weight, recurrent, frozen) = (weight?, recurrent?, bound.has("frozen"));
        // Its own value, until something is applied to it.
        let feedback = self.graph.nodes.len();
        let op = NodeOp::Recurrent { x, feedback, weight, recurrent, bias, frozen };
        Some(self.push("recurrent", op, Kind::Signal, width?, span))
    }

    /// If `x` is recurrent and hears of nothing but itself so far, it hears of `y`.
    fn feed_back(&mut self, x: NodeId, y: NodeId) -> NodeId {
        if let NodeOp::Recurrent { feedback, .. } = &mut self.graph.nodes[x].op
            && *feedback == x
        {
            *feedback = y;
        }
        y
    }

    fn conv1d(
        &mut self,
        x: Option<(NodeId, Span)>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        let params = ["channels", "width", "stride", "init", "bias", "frozen"];
        let bound = bind(callee, args, &params, &["frozen"], self.sink);
        let number =
            |this: &mut Self, e: Option<&ast::Expr>| this.scope.integer(e?, 1, MAX_WIDTH, this.sink).map(|n| n as u32);
        let channels = bound.require("channels", self.sink);
        let channels = number(self, channels);
        let window = bound.require("width", self.sink);
        let window = number(self, window);
        let stride = match bound.get("stride") {
            None => Some(1),
            e => number(self, e),
        };
        let weight = self.init_or(bound.get("init"), Init::FanIn);
        let bias = self.bias(bound.get("bias"));
        let (x, at) = x?;
        let (channels, window, stride) = (channels?, window?, stride?);
        let (kind, width) = (self.graph.nodes[x].kind, self.graph.nodes[x].width);
        let inputs = self.graph.channels(x);
        let positions = width / inputs;
        if window > positions {
            let message = format!("a window of {window} positions does not fit into {positions}");
            self.sink.push(networks::wide_convolution(at, message));
            return None;
        }
        if positions.div_ceil(stride) > MAX_POSITIONS {
            let message = format!("a convolution has at most {MAX_POSITIONS} positions, found {positions}");
            self.sink.push(networks::wide_convolution(at, message));
            return None;
        }
        let bias = bias?.unwrap_or(Some(uniform_bias(window * inputs)));
        let width = self.product(positions.div_ceil(stride), channels, span)?;
        let (weight, frozen) = (weight?, bound.has("frozen"));
        let op = NodeOp::Conv1d { x, inputs, channels, width: window, stride, weight, bias, frozen };
        Some(self.push("conv1d", op, kind, width, span))
    }

    /// `membrane(h)`, or `membrane(h, w)` for a state by its name.
    fn membrane(
        &mut self,
        x: Option<(NodeId, Span)>,
        callee: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<NodeId> {
        let bound = bind(callee, args, &["variable"], &[], self.sink);
        let (x, at) = x?;
        let NodeOp::Neuron { model, .. } = self.graph.nodes[x].op else {
            self.sink.push(networks::no_membrane(callee.span, at));
            return None;
        };
        let models = self.neurons.models();
        let known: Vec<&str> = models[model].states.iter().map(|s| s.name.as_str()).collect();
        let state = match bound.get("variable") {
            None => 0,
            Some(e) => {
                let ExprKind::Name(name) = &*e.kind else {
                    self.sink.push(types::wrong_kind(e.span, "the name of a state", "an expression"));
                    return None;
                };
                let Some(state) = known.iter().position(|k| k == name) else {
                    let near = nearest(name, known.iter().copied());
                    self.sink.push(neurons::unknown_choice(e.span, "state", name, &known, near));
                    return None;
                };
                state
            }
        };
        let width = self.graph.nodes[x].width;
        Some(self.push("membrane", NodeOp::Membrane { x, state }, Kind::Signal, width, span))
    }

    /// A width that is a product, if it is not too large.
    pub(super) fn product(&mut self, a: u32, b: u32, span: Span) -> Option<u32> {
        let width = u64::from(a) * u64::from(b);
        if width > MAX_WIDTH {
            self.sink.push(types::out_of_range(span, &format!("at most {MAX_WIDTH} values"), width as f64));
            return None;
        }
        Some(width as u32)
    }

    fn init_or(&mut self, e: Option<&ast::Expr>, default: Init) -> Option<Init> {
        e.map_or(Some(default), |e| self.init(e))
    }

    /// `bias = none`, `bias = INIT`, or nothing said: `None`.
    #[allow(clippy::option_option)]
    fn bias(&mut self, e: Option<&ast::Expr>) -> Option<Option<Option<Init>>> {
        match e {
            None => Some(None),
            Some(e) if matches!(&*e.kind, ExprKind::Name(n) if n == "none") => Some(Some(None)),
            Some(e) => self.init(e).map(|i| Some(Some(i))),
        }
    }

    pub(super) fn width(&mut self, bound: &Bound<'_, '_>) -> Option<u32> {
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

    pub(super) fn signal(&mut self, callee: &ast::Name, (x, at): (NodeId, Span)) -> Option<NodeId> {
        if self.graph.nodes[x].kind == Kind::Static {
            self.sink.push(types::needs_signal(callee.span, &callee.text, at));
            return None;
        }
        Some(x)
    }

    pub(super) fn fixed(&mut self, callee: &ast::Name, (x, at): (NodeId, Span)) -> Option<NodeId> {
        if self.graph.nodes[x].kind == Kind::Signal {
            let what = format!("the value given to `{}`", callee.text);
            self.sink.push(types::needs_static(callee.span, &what, at));
            return None;
        }
        Some(x)
    }
}
