//! Phases that estimate a gradient: what is perturbed, by what directions, how it is observed, and what is made of it.

use super::{Parts, Reader};
use crate::check::args::bind;
use crate::check::model::NodeOp;
use crate::check::names::nearest;
use crate::check::schedule::{BETA, BETA1, BETA2, COLUMNS, EPSILON};
use crate::diag::{names, training as say, types};
use crate::plan::{
    Directions, Distribution, Estimate, Gradient, Method, Schedule, Scope as Reach, Shape, SolveReadout, Update,
};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, PerturbOption};

/// What a phase may perturb.
const DISTRIBUTIONS: &[&str] = &["neurons", "gaussian", "rademacher", "sphere", "orthogonal", "rank", "coordinate"];

impl<'a> Reader<'a, '_, '_, '_> {
    pub(super) fn gradient(
        &mut self,
        parts: &Parts<'a>,
        call: &'a ast::Call,
        options: &'a [PerturbOption],
        span: Span,
    ) -> Option<Method> {
        const KIND: &str = "estimates a gradient";
        let o = self.options(options);
        if let Some(update) = parts.update.filter(|u| u.name.text == "pursuit") {
            self.sink.push(say::mixed_phase(update.span, "pursuit", call.span));
            return None;
        }
        self.wrong(o.pool.map(|(_, s)| s), "`pool`", KIND);
        self.wrong(o.mutate.map(|(_, s)| s), "`mutate`", KIND);
        self.wrong(parts.rounds.map(|(_, s)| s), "`rounds`", KIND);
        let name = call.name.text.as_str();
        let takes: &[&str] = if name == "rank" { &["r", "sigma"] } else { &["sigma"] };
        if !DISTRIBUTIONS.contains(&name) {
            let near = nearest(name, DISTRIBUTIONS.iter().copied());
            self.sink.push(say::unknown_choice(call.name.span, "perturbation", name, DISTRIBUTIONS, near));
            return None;
        }
        let bound = bind(&call.name, &call.args, takes, &[], self.sink);
        let distribution = match name {
            "gaussian" => Some(Distribution::Gaussian),
            "rademacher" => Some(Distribution::Rademacher),
            "sphere" => Some(Distribution::Sphere),
            "orthogonal" => Some(Distribution::Orthogonal),
            "coordinate" => Some(Distribution::Coordinate),
            _ => {
                let r = bound.require("r", self.sink);
                r.and_then(|e| self.scope.integer(e, 1, 4096, self.sink)).map(|r| Distribution::Rank(r as u32))
            }
        };
        let sigma = match bound.get("sigma") {
            Some(e) => Some(self.schedule(e)?),
            None => None,
        };
        let directions = match o.directions {
            Some((least, most, _)) => self.directions(least, most),
            None => Some(Directions::constant(1)),
        };
        let scope = self.scope_of(o.scope);
        if let (Some(Distribution::Rank(r)), Some(scope)) = (distribution, &scope) {
            self.is_low_rank(r, scope, parts.solve.is_some(), call.span)?;
        }
        let estimate = self.estimate(parts, span);
        if estimate == Some(Estimate::Difference) && sigma.is_none() {
            let at = parts.estimate.map_or(span, |(_, s)| s);
            self.sink.push(say::no_sigma(at, call.span, name));
        }
        if estimate == Some(Estimate::Forward) {
            self.wrong(o.antithetic, "`antithetic`", "takes exact derivatives (`estimate forward`)");
            if let Some(e) = bound.get("sigma") {
                self.sink.push(say::sigma_unused(e.span));
            }
        }
        let update = self.update(parts, span);
        if let (Some(Update::GaussNewton { .. }), Some(directions)) = (update, directions)
            && !directions.is_constant()
        {
            let at = o.directions.map(|(_, _, s)| s);
            self.wrong(at, "a range of directions", "solves for its steps (`update gauss_newton`)");
        }
        let steps = match parts.steps {
            Some((e, _)) => self.scope.integer(e, 1, 100_000_000, self.sink).map(|n| n as usize),
            None => {
                self.sink.push(say::missing(self.phase.span, &self.phase.name.text, "steps", "steps 200"));
                None
            }
        };
        let solve_readout = match parts.solve {
            None => Some(None),
            Some((call, every, span)) => {
                let every = match every {
                    Some(e) => self.scope.integer(e, 1, 1 << 30, self.sink).map(|n| n as usize),
                    None => Some(1),
                };
                let ridge = self.solve(call, span);
                every.zip(ridge).map(|(every, ridge)| Some(SolveReadout { every, ridge }))
            }
        };
        let clip = match parts.clip {
            Some((e, _)) => self.scope.positive(e, self.sink).map(Some),
            None => Some(None),
        };
        let average = match parts.average {
            Some((e, _)) => self.number(e, 0.5, 0.999_999).map(Some),
            None => Some(None),
        };
        let batch = match parts.batch {
            Some((e, _)) => self.scope.integer(e, 1, 1 << 20, self.sink).map(|n| Some(n as usize)),
            None => Some(None),
        };
        if estimate == Some(Estimate::Difference) && sigma.is_none() {
            return None;
        }
        Some(Method::Gradient(Gradient {
            distribution: distribution?,
            sigma,
            directions: directions?,
            scope: scope?,
            antithetic: o.antithetic.is_some(),
            estimate: estimate?,
            update: update?,
            steps: steps?,
            solve_readout: solve_readout?,
            clip: clip?,
            average: average?,
            batch: batch?,
        }))
    }

    /// `directions 16`, or `directions 4 .. 64`.
    fn directions(&mut self, least: &ast::Expr, most: Option<&ast::Expr>) -> Option<Directions> {
        let from = self.scope.integer(least, 1, 4096, self.sink);
        let to = most.map(|e| (e, self.scope.integer(e, 1, 4096, self.sink)));
        let least = from? as usize;
        let Some((e, to)) = to else { return Some(Directions::constant(least)) };
        let most = to? as usize;
        if most <= least {
            let expected = format!("a number above {least}, the fewest");
            self.sink.push(types::out_of_range(e.span, &expected, most as f64));
            return None;
        }
        Some(Directions { least, most })
    }

    /// A direction of rank `r` is another than a Gaussian one: some matrix that is perturbed has more rows and columns.
    fn is_low_rank(&mut self, r: u32, scope: &Reach, readout_is_solved: bool, at: Span) -> Option<()> {
        let network = self.network?;
        let solved =
            |n: &usize| readout_is_solved && network.fields.iter().any(|f| f.readout.is_some_and(|r| r.0 == *n));
        let named = |n: &usize| match scope {
            Reach::Layers(names) => network.layers.iter().any(|l| names.contains(&l.name) && l.owned.contains(n)),
            _ => true,
        };
        let width = |n: usize| network.nodes[n].width;
        let side = |n: usize| match &network.nodes[n].op {
            NodeOp::Tuned { x, frozen: false, .. } | NodeOp::Dense { x, frozen: false, .. } => width(*x).min(width(n)),
            NodeOp::Recurrent { frozen: false, .. } => width(n),
            NodeOp::Conv1d { inputs, width, channels, frozen: false, .. } => (inputs * width).min(*channels),
            _ => 1,
        };
        let widest = (0..network.nodes.len()).filter(|n| named(n) && !solved(n)).map(side).max().unwrap_or(1);
        if widest > r && *scope != Reach::Node {
            return Some(());
        }
        let widest = Some(widest).filter(|n| *n > 1);
        self.sink.push(say::full_rank(at, u64::from(r), widest, *scope == Reach::Node));
        None
    }

    fn scope_of(&mut self, scope: Option<(&'a ast::Name, &'a [ast::Name], Span)>) -> Option<Reach> {
        let Some((kind, layers, _)) = scope else { return Some(Reach::Global) };
        match kind.text.as_str() {
            "global" if layers.is_empty() => Some(Reach::Global),
            "layer" if layers.is_empty() => Some(Reach::Layer),
            "layer" => {
                let found: Vec<Option<String>> = layers.iter().map(|l| self.trainable_layer(&l.text, l.span)).collect();
                Some(Reach::Layers(found.into_iter().collect::<Option<Vec<_>>>()?))
            }
            "node" if layers.is_empty() => Some(Reach::Node),
            "node" => {
                self.sink.push(say::wrong_phase(
                    layers[0].span,
                    "a layer's name",
                    "perturbs every neuron alone (`scope node`)",
                ));
                None
            }
            "global" => {
                self.sink.push(say::wrong_phase(
                    layers[0].span,
                    "a layer's name",
                    "perturbs all layers at once (`scope global`)",
                ));
                None
            }
            other => {
                let known = ["global", "layer", "node"];
                self.sink.push(say::unknown_choice(kind.span, "scope", other, &known, nearest(other, known)));
                None
            }
        }
    }

    fn trainable_layer(&mut self, name: &str, at: Span) -> Option<String> {
        let network = self.network?;
        let layer = self.layer(name, at)?;
        let trainable = layer.owned.iter().any(|n| match &network.nodes[*n].op {
            NodeOp::Tuned { frozen, .. }
            | NodeOp::Dense { frozen, .. }
            | NodeOp::Affine { frozen, .. }
            | NodeOp::Recurrent { frozen, .. }
            | NodeOp::Conv1d { frozen, .. } => !frozen,
            NodeOp::Neuron { .. } => true,
            _ => false,
        });
        if !trainable {
            self.sink.push(say::nothing_trainable(at, name));
            return None;
        }
        Some(layer.name.clone())
    }

    fn estimate(&mut self, parts: &Parts<'a>, span: Span) -> Option<Estimate> {
        let Some((name, _)) = parts.estimate else {
            self.sink.push(say::missing(span, &self.phase.name.text, "estimate", "estimate forward"));
            return None;
        };
        match name.text.as_str() {
            "difference" => Some(Estimate::Difference),
            "forward" => Some(Estimate::Forward),
            other => {
                let known = ["difference", "forward"];
                self.sink.push(say::unknown_choice(name.span, "estimate", other, &known, nearest(other, known)));
                None
            }
        }
    }

    fn update(&mut self, parts: &Parts<'a>, span: Span) -> Option<Update> {
        let Some(call) = parts.update else {
            self.sink.push(say::missing(span, &self.phase.name.text, "update", "update adam(rate = 0.01)"));
            return None;
        };
        match call.name.text.as_str() {
            "sgd" => {
                let bound = bind(&call.name, &call.args, &["rate"], &[], self.sink);
                let rate = bound.require("rate", self.sink)?;
                Some(Update::Sgd { rate: self.schedule(rate)? })
            }
            name @ ("momentum" | "nesterov") => {
                let bound = bind(&call.name, &call.args, &["rate", "beta"], &[], self.sink);
                let rate = bound.require("rate", self.sink);
                let beta = match bound.get("beta") {
                    Some(e) => self.number(e, 0.0, 0.999_999),
                    None => Some(BETA),
                };
                Some(Update::Momentum { rate: self.schedule(rate?)?, beta: beta?, nesterov: name == "nesterov" })
            }
            "adam" => {
                let bound = bind(&call.name, &call.args, &["rate", "beta1", "beta2", "epsilon"], &[], self.sink);
                let rate = bound.require("rate", self.sink);
                let mut moment = |name, default| match bound.get(name) {
                    Some(e) => self.number(e, 0.0, 0.999_999),
                    None => Some(default),
                };
                let (beta1, beta2) = (moment("beta1", BETA1), moment("beta2", BETA2));
                let epsilon = match bound.get("epsilon") {
                    Some(e) => self.scope.positive(e, self.sink),
                    None => Some(EPSILON),
                };
                Some(Update::Adam { rate: self.schedule(rate?)?, beta1: beta1?, beta2: beta2?, epsilon: epsilon? })
            }
            "gauss_newton" => {
                let bound = bind(&call.name, &call.args, &["rate", "damping", "columns"], &[], self.sink);
                let rate = match bound.get("rate") {
                    Some(e) => self.schedule(e),
                    None => Some(Schedule::constant(1.0)),
                };
                let damping = match bound.get("damping") {
                    Some(e) => self.number(e, 0.0, 1.0).map(Some),
                    None => Some(None),
                };
                let columns = match bound.get("columns") {
                    Some(e) => self.scope.integer(e, 0, 64, self.sink),
                    None => Some(COLUMNS),
                };
                let columns = columns? as usize;
                Some(Update::GaussNewton { rate: rate?, damping: damping?, columns })
            }
            "natural" => {
                let instead = "use `gauss_newton`, which is the same for a sum of squares, or `adam`";
                self.sink.push(names::not_available_but(call.span, "`update natural`", instead));
                None
            }
            // Said already, in place of all that hangs on it.
            "pursuit" => None,
            other => {
                let known = ["sgd", "momentum", "nesterov", "adam", "gauss_newton"];
                self.sink.push(say::unknown_choice(call.name.span, "update", other, &known, nearest(other, known)));
                None
            }
        }
    }

    /// A number above 0, or a schedule of such.
    fn schedule(&mut self, e: &ast::Expr) -> Option<Schedule> {
        let ExprKind::Schedule { from, to, shape } = &*e.kind else {
            return self.scope.positive(e, self.sink).map(Schedule::constant);
        };
        let (from, to) = (self.scope.positive(from, self.sink), self.scope.positive(to, self.sink));
        let shape = match shape.as_ref().map(|n| (n.text.as_str(), n.span)) {
            None | Some(("linear", _)) => Some(Shape::Linear),
            Some(("exponential", _)) => Some(Shape::Exponential),
            Some(("cosine", _)) => Some(Shape::Cosine),
            Some((other, span)) => {
                let known = ["linear", "exponential", "cosine"];
                self.sink.push(say::unknown_choice(span, "shape of a schedule", other, &known, nearest(other, known)));
                None
            }
        };
        Some(Schedule { from: from?, to: to?, shape: shape? })
    }
}
