//! The `train` block to a [`Train`] plan, and the default plan where there is none.
//!
//! ```text
//! perturb gaussian(sigma = 0.05 -> 0.005 cosine) directions 16 scope layer antithetic
//! estimate difference   update adam(rate = 0.01)   steps 200
//!   ->  Gradient { distribution: Gaussian, sigma: 0.05 -> 0.005, directions: 16, scope: Layer, antithetic, … }
//! ```
//!
//! A phase is one of three: a pursuit (`perturb neurons(h)`), a gradient estimate (`perturb gaussian | …`), or the
//! exact readout alone (`solve readout`). A statement that means nothing in its phase is an error, never passed over.

use std::collections::BTreeMap;

use crate::check::args::bind;
use crate::check::model::{Network, NodeOp};
use crate::check::names::nearest;
use crate::check::schedule::{MUTATE, POOL, ROUNDS, default_plan};
use crate::check::scope::Scope;
use crate::check::stops::stop;
use crate::diag::{Sink, names, networks, training as say, types};
use crate::func::Binary;
use crate::plan::{Method, Phase, Precision, Pursuit, Train};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, PerturbOption, PhaseStmt, TrainStmt};

/// The schedule, that of [`default_plan`] without phases; `seed` is that of the command line, which wins. `None` after a mistake.
pub fn check(
    item: Option<&ast::Train>,
    network: Option<&Network>,
    scope: &Scope<'_>,
    seed: Option<u64>,
    sink: &mut Sink,
) -> Option<Train> {
    let Some(item) = item else { return network.map(|n| default_plan(n, seed.unwrap_or(0))) };
    let mut own_seed = None;
    let mut precision = Precision::F32;
    let mut phases = vec![];
    let mut names_seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut fine = true;
    for stmt in &item.body {
        match stmt {
            TrainStmt::Seed(e, span) => {
                if let Some(first) = names_seen.insert("seed ", *span) {
                    sink.push(say::repeated(*span, "seed", first));
                    fine = false;
                }
                own_seed = scope.integer(e, 0, 1 << 53, sink);
                fine &= own_seed.is_some();
            }
            TrainStmt::Precision(name, span) => {
                if let Some(first) = names_seen.insert("precision ", *span) {
                    sink.push(say::repeated(*span, "precision", first));
                    fine = false;
                }
                match name.text.as_str() {
                    "f32" => precision = Precision::F32,
                    "f64" => precision = Precision::F64,
                    other => {
                        sink.push(say::unknown_choice(name.span, "precision", other, &["f32", "f64"], None));
                        fine = false;
                    }
                }
            }
            TrainStmt::Phase(p) => {
                if let Some(first) = names_seen.insert(&p.name.text, p.name.span) {
                    sink.push(names::duplicate_name(p.name.span, "phase", &p.name.text, Some(first)));
                    fine = false;
                }
                match (Reader { phase: p, network, scope, sink }).read() {
                    Some(phase) => phases.push(phase),
                    None => fine = false,
                }
            }
        }
    }
    if item.body.is_empty() {
        sink.push(say::empty_schedule(item.span));
        return None;
    }
    let seed = seed.or(own_seed).unwrap_or(0);
    if !item.body.iter().any(|s| matches!(s, TrainStmt::Phase(_))) {
        return network.filter(|_| fine).map(|n| Train { precision, ..default_plan(n, seed) });
    }
    fine.then_some(Train { seed, precision, phases, is_default: false })
}

/// Updates that follow a gradient.
const GRADIENT: &[&str] = &["sgd", "adam", "momentum", "nesterov", "gauss_newton", "natural"];

/// Is an output the sum of several `dense`, none of which alone is a readout?
fn sums_readouts(network: &Network) -> bool {
    let is_dense = |n: &usize| matches!(network.nodes[*n].op, NodeOp::Dense { .. });
    network.fields.iter().filter(|f| f.readout.is_none()).any(|f| match &network.nodes[f.node].op {
        NodeOp::Binary(Binary::Add | Binary::Sub, a, b) => is_dense(a) && is_dense(b),
        _ => false,
    })
}

/// The statements of a phase by kind, each with its place.
#[derive(Default)]
pub struct Parts<'a> {
    perturb: Option<(&'a ast::Call, &'a [PerturbOption], Span)>,
    estimate: Option<(&'a ast::Name, Span)>,
    update: Option<&'a ast::Call>,
    rounds: Option<(&'a ast::Expr, Span)>,
    steps: Option<(&'a ast::Expr, Span)>,
    solve: Option<(&'a ast::Call, Option<&'a ast::Expr>, Span)>,
    pub stop: Option<(&'a ast::Expr, Span)>,
    pub stalled: Option<(&'a ast::Expr, Span)>,
    clip: Option<(&'a ast::Expr, Span)>,
    average: Option<(&'a ast::Expr, Span)>,
    batch: Option<(&'a ast::Expr, Span)>,
}

struct Reader<'a, 's, 'c, 'k> {
    phase: &'a ast::Phase,
    network: Option<&'a Network>,
    scope: &'s Scope<'c>,
    sink: &'k mut Sink,
}

/// The options of a `perturb` by kind.
#[derive(Default)]
struct Options<'a> {
    directions: Option<(&'a ast::Expr, Option<&'a ast::Expr>, Span)>,
    scope: Option<(&'a ast::Name, &'a [ast::Name], Span)>,
    antithetic: Option<Span>,
    pool: Option<(&'a ast::Expr, Span)>,
    mutate: Option<(&'a ast::Expr, Span)>,
}

fn once<T>(slot: &mut Option<T>, value: T, what: &str, at: Span, first: impl Fn(&T) -> Span, sink: &mut Sink) {
    match slot {
        Some(old) => sink.push(say::repeated(at, what, first(old))),
        None => *slot = Some(value),
    }
}

impl<'a> Reader<'a, '_, '_, '_> {
    fn read(mut self) -> Option<Phase> {
        let parts = self.parts();
        let stop = stop(&parts, self.scope, self.sink);
        let method = match parts.perturb {
            Some((call, options, span)) if call.name.text == "neurons" => self.pursuit(&parts, call, options, span),
            Some((call, options, span)) => self.gradient(&parts, call, options, span),
            None => match parts.solve {
                Some((call, every, span)) => self.readout_alone(&parts, call, every, span),
                None => {
                    let example = "perturb neurons(h) pool 4000 mutate(0.1)";
                    self.sink.push(say::missing(self.phase.span, &self.phase.name.text, "perturb", example));
                    None
                }
            },
        }?;
        Some(Phase { name: self.phase.name.text.clone(), method, stop: stop? })
    }

    fn parts(&mut self) -> Parts<'a> {
        let mut p = Parts::default();
        for stmt in &self.phase.body {
            match stmt {
                PhaseStmt::Perturb { what, options, span } => {
                    once(&mut p.perturb, (what, options.as_slice(), *span), "perturb", *span, |o| o.2, self.sink);
                }
                PhaseStmt::Estimate(name, span) => {
                    once(&mut p.estimate, (name, *span), "estimate", *span, |o| o.1, self.sink)
                }
                PhaseStmt::Update(call) => once(&mut p.update, call, "update", call.span, |o| o.span, self.sink),
                PhaseStmt::Rounds(e, span) => once(&mut p.rounds, (e, *span), "rounds", *span, |o| o.1, self.sink),
                PhaseStmt::Steps(e, span) => once(&mut p.steps, (e, *span), "steps", *span, |o| o.1, self.sink),
                PhaseStmt::Solve { what, every, span } => {
                    once(&mut p.solve, (what, every.as_ref(), *span), "solve", *span, |o| o.2, self.sink);
                }
                PhaseStmt::StopWhen(e, span) => once(&mut p.stop, (e, *span), "stop when", *span, |o| o.1, self.sink),
                PhaseStmt::StopStalled(e, span) => {
                    once(&mut p.stalled, (e, *span), "stop when stalled", *span, |o| o.1, self.sink);
                }
                PhaseStmt::Clip(e, span) => once(&mut p.clip, (e, *span), "clip", *span, |o| o.1, self.sink),
                PhaseStmt::Average(e, span) => once(&mut p.average, (e, *span), "average", *span, |o| o.1, self.sink),
                PhaseStmt::Batch(e, span) => once(&mut p.batch, (e, *span), "batch", *span, |o| o.1, self.sink),
            }
        }
        p
    }

    fn options(&mut self, options: &'a [PerturbOption]) -> Options<'a> {
        let mut o = Options::default();
        for option in options {
            match option {
                PerturbOption::Directions(e, most, s) => {
                    once(&mut o.directions, (e, most.as_ref(), *s), "directions", *s, |o| o.2, self.sink);
                }
                PerturbOption::Scope { kind, layers, span } => {
                    once(&mut o.scope, (kind, layers.as_slice(), *span), "scope", *span, |o| o.2, self.sink);
                }
                PerturbOption::Antithetic(s) => once(&mut o.antithetic, *s, "antithetic", *s, |o| *o, self.sink),
                PerturbOption::Pool(e, s) => once(&mut o.pool, (e, *s), "pool", *s, |o| o.1, self.sink),
                PerturbOption::Mutate(e, s) => once(&mut o.mutate, (e, *s), "mutate", *s, |o| o.1, self.sink),
            }
        }
        o
    }

    fn wrong(&mut self, span: Option<Span>, what: &str, kind: &str) {
        if let Some(span) = span {
            self.sink.push(say::wrong_phase(span, what, kind));
        }
    }

    fn pursuit(
        &mut self,
        parts: &Parts<'a>,
        call: &'a ast::Call,
        options: &'a [PerturbOption],
        span: Span,
    ) -> Option<Method> {
        const KIND: &str = "chooses neurons";
        let o = self.options(options);
        // Two kinds of phases mixed up: which is the first thing to say, and what hangs on it is not worth a message each.
        if let Some(update) = parts.update.filter(|u| GRADIENT.contains(&u.name.text.as_str())) {
            self.sink.push(say::mixed_phase(update.span, &update.name.text, call.span));
            return None;
        }
        self.wrong(o.directions.map(|(_, _, s)| s), "`directions`", KIND);
        self.wrong(o.scope.map(|(_, _, s)| s), "`scope`", KIND);
        self.wrong(o.antithetic, "`antithetic`", KIND);
        self.wrong(parts.estimate.map(|(_, s)| s), "`estimate`", KIND);
        self.wrong(parts.steps.map(|(_, s)| s), "`steps`", KIND);
        self.wrong(parts.solve.map(|(_, _, s)| s), "`solve readout` (a pursuit always solves it)", KIND);
        self.wrong(parts.clip.map(|(_, s)| s), "`clip`", KIND);
        self.wrong(parts.average.map(|(_, s)| s), "`average`", KIND);
        self.wrong(parts.batch.map(|(_, s)| s), "`batch`", KIND);
        let bound = bind(&call.name, &call.args, &["layer"], &[], self.sink);
        let layer = bound.require("layer", self.sink).and_then(|e| match &*e.kind {
            ExprKind::Name(n) => Some((n.clone(), e.span)),
            _ => {
                self.sink.push(types::wrong_kind(e.span, "the name of a layer", "an expression"));
                None
            }
        });
        let layer = layer.and_then(|(name, at)| self.pursuit_layer(&name, at));
        let pool = match o.pool {
            Some((e, _)) => self.scope.integer(e, 1, 1 << 20, self.sink).map(|n| n as usize),
            None => Some(POOL),
        };
        let mutate = match o.mutate {
            Some((e, _)) => self.number(e, 0.0, 10.0),
            None => Some(MUTATE),
        };
        let rounds = match parts.rounds {
            Some((e, _)) => self.scope.integer(e, 0, 10_000, self.sink).map(|n| n as usize),
            None => Some(ROUNDS),
        };
        let ridge = match parts.update {
            None => {
                let example = "update pursuit(ridge = 1e-5)";
                self.sink.push(say::missing(span, &self.phase.name.text, "update", example));
                None
            }
            Some(update) if update.name.text == "pursuit" => {
                let bound = bind(&update.name, &update.args, &["ridge"], &[], self.sink);
                match bound.get("ridge") {
                    Some(e) => self.number(e, 0.0, 1.0).map(Some),
                    None => Some(None),
                }
            }
            Some(update) => {
                let near = Some("pursuit");
                self.sink.push(say::unknown_choice(
                    update.span,
                    "update of neurons",
                    &update.name.text,
                    &["pursuit"],
                    near,
                ));
                None
            }
        };
        let (layer, units) = layer?;
        let pool = pool?;
        if pool < units {
            let at = o.pool.map_or(span, |(_, s)| s);
            let expected = format!("at least as many candidates as the layer has neurons, {units}");
            self.sink.push(types::out_of_range(at, &expected, pool as f64));
            return None;
        }
        Some(Method::Pursuit(Pursuit { layer, pool, mutate: mutate?, ridge: ridge?, rounds: rounds? }))
    }

    /// A layer that a pursuit can grow, and its number of neurons.
    fn pursuit_layer(&mut self, name: &str, at: Span) -> Option<(String, usize)> {
        let network = self.network?;
        let layer = self.layer(name, at)?;
        if layer.pursuit.is_some() {
            return Some((layer.name.clone(), network.nodes[layer.node].width as usize));
        }
        let why = if network.fields.iter().all(|f| f.readout.is_none()) {
            "the output has no readout to solve for"
        } else {
            "its neurons do not each give one feature of the readout"
        };
        self.sink.push(say::not_a_pursuit_layer(at, name, layer.span, why, sums_readouts(network)));
        None
    }

    fn layer(&mut self, name: &str, at: Span) -> Option<&'a crate::check::model::Layer> {
        let network = self.network?;
        let found = network.layers.iter().find(|l| l.name == name);
        if found.is_none() {
            let known: Vec<&str> = network.layers.iter().map(|l| l.name.as_str()).collect();
            let near = nearest(name, known.iter().copied());
            self.sink.push(networks::no_such_layer(at, name, &known, near));
        }
        found
    }

    /// A number from `lo` to `hi`, both included.
    fn number(&mut self, e: &ast::Expr, lo: f64, hi: f64) -> Option<f64> {
        let v = self.scope.number(e, self.sink)?;
        if !(lo..=hi).contains(&v) {
            self.sink.push(types::out_of_range(e.span, &format!("a number from {lo} to {hi}"), v));
            return None;
        }
        Some(v)
    }

    fn readout_alone(
        &mut self,
        parts: &Parts<'a>,
        call: &'a ast::Call,
        every: Option<&'a ast::Expr>,
        span: Span,
    ) -> Option<Method> {
        const KIND: &str = "only solves the readout";
        self.wrong(every.map(|e| e.span), "`every`", KIND);
        self.wrong(parts.estimate.map(|(_, s)| s), "`estimate`", KIND);
        self.wrong(parts.update.map(|c| c.span), "`update`", KIND);
        self.wrong(parts.rounds.map(|(_, s)| s), "`rounds`", KIND);
        self.wrong(parts.steps.map(|(_, s)| s), "`steps`", KIND);
        self.wrong(parts.clip.map(|(_, s)| s), "`clip`", KIND);
        self.wrong(parts.average.map(|(_, s)| s), "`average`", KIND);
        self.wrong(parts.batch.map(|(_, s)| s), "`batch`", KIND);
        self.wrong(parts.stop.or(parts.stalled).map(|(_, s)| s), "`stop when`", KIND);
        Some(Method::Readout { ridge: self.solve(call, span)? })
    }

    /// The penalty of a `solve readout`.
    fn solve(&mut self, call: &'a ast::Call, span: Span) -> Option<Option<f64>> {
        if call.name.text != "readout" {
            let near = nearest(&call.name.text, ["readout"]);
            self.sink.push(say::unknown_choice(call.name.span, "thing to solve", &call.name.text, &["readout"], near));
            return None;
        }
        let bound = bind(&call.name, &call.args, &["ridge"], &[], self.sink);
        let ridge = match bound.get("ridge") {
            Some(e) => Some(self.number(e, 0.0, 1.0)?),
            None => None,
        };
        let network = self.network?;
        if network.fields.iter().all(|f| f.readout.is_none()) {
            let output = network.nodes[network.fields[0].node].span;
            self.sink.push(say::no_readout(span, output, "`solve readout`", sums_readouts(network)));
            return None;
        }
        Some(ridge)
    }
}

mod gradient;
#[cfg(test)]
mod tests;
