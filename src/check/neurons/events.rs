//! What happens at a spike: the condition, its surrogate, resets, refractoriness, and what is emitted.
//!
//! ```text
//! spike when v >= theta   refractory 2ms   ->   Spike { lhs: v, rhs: theta }, Refractory { time: 2, held: [v] }
//! ```

use super::Checker;
use super::States;
use crate::check::args::bind;
use crate::check::expr::{Expr, Var};
use crate::check::model::{Refractory, Slope, Spike};
use crate::check::names::nearest;
use crate::diag::{neurons, types};
use crate::func::{Binary, Surrogate, SurrogateKind};
use crate::source::Span;
use crate::syntax::ast::{self, AssignOp, BinaryOp, ExprKind, NeuronStmt};

impl<'a> Checker<'a, '_, '_, '_> {
    /// `None`: no spike; `Some(None)`: one with errors.
    pub(super) fn spike(&mut self) -> Option<Option<Spike>> {
        let mut first: Option<Span> = None;
        let mut found = None;
        for stmt in &self.neuron.body {
            let NeuronStmt::Spike { condition, surrogate, span } = stmt else { continue };
            if let Some(first) = first {
                self.report(neurons::repeated_statement(*span, "`spike`", first));
                continue;
            }
            first = Some(*span);
            found = Some(self.condition(condition, surrogate.as_ref()));
        }
        found
    }

    fn condition(&mut self, condition: &ast::Expr, surrogate: Option<&ast::Surrogate>) -> Option<Spike> {
        let surrogate = self.surrogate(surrogate);
        let Some((a, b, strict)) = sides(condition) else {
            self.report(neurons::spike_condition(condition.span));
            return None;
        };
        let lhs = self.dynamics(a, "in a spike condition");
        let rhs = self.dynamics(b, "in a spike condition");
        let (lhs, rhs) = (lhs?, rhs?);
        let is_state = |v: &Var| matches!(v, Var::State(_));
        if !lhs.any_var(is_state) && !rhs.any_var(is_state) {
            self.sink.push(neurons::constant_spike(condition.span));
        }
        Some(Spike { lhs, rhs, strict, surrogate: surrogate? })
    }

    fn surrogate(&mut self, surrogate: Option<&ast::Surrogate>) -> Option<Slope> {
        let call = match surrogate {
            None => return Some(Slope::Named(Surrogate { kind: SurrogateKind::Triangle, scale: 1.0 })),
            Some(ast::Surrogate::Named(call)) => call,
            Some(ast::Surrogate::Custom { param, value, .. }) => {
                let names = self.names("in a surrogate", |v| matches!(v, Var::Param(_) | Var::Dt));
                // Its own name hides any other, as that of a function's parameter does.
                let names = names.with(param.text.clone(), Var::Over);
                return self.scope.scalar(value, &names, self.sink).map(Slope::Own);
            }
        };
        let known: Vec<&str> = SurrogateKind::NAMED.iter().map(|(n, _)| *n).collect();
        let Some((_, kind)) = SurrogateKind::NAMED.iter().find(|(n, _)| *n == call.name.text) else {
            let near = nearest(&call.name.text, known.iter().copied());
            self.report(neurons::unknown_choice(call.name.span, "surrogate", &call.name.text, &known, near));
            return None;
        };
        let (param, default) = surrogate_scale(*kind);
        let params = [param, "samples"];
        let params = if *kind == SurrogateKind::Gaussian { &params[..] } else { &params[..1] };
        let bound = bind(&call.name, &call.args, params, &[], self.sink);
        let scale = match bound.get(param) {
            Some(e) => {
                let names = self.names("in the scale of a surrogate", |_| false);
                let scale = self.scope.number_of(e, &names, self.sink)?;
                if scale <= 0.0 {
                    self.report(types::out_of_range(e.span, "a number above 0", scale));
                    return None;
                }
                scale
            }
            None => default,
        };
        if *kind == SurrogateKind::Gaussian
            && let Some(e) = bound.get("samples")
        {
            let samples = self.scope.integer(e, 1, 64, self.sink)? as u32;
            return Some(Slope::Sampled { sigma: scale, samples });
        }
        Some(Slope::Named(Surrogate { kind: *kind, scale }))
    }

    pub(super) fn resets(&mut self, states: &States<'a>, spikes: bool) -> Option<Vec<(usize, Expr)>> {
        let mut resets = Vec::new();
        for stmt in &self.neuron.body {
            let NeuronStmt::Reset { name, op, value, span } = stmt else { continue };
            if !spikes {
                self.report(neurons::reset_without_spike(*span));
            }
            let k = self.state("reset", name, states);
            let value = self.dynamics(value, "in a reset");
            resets.push(k.zip(value).map(|(k, value)| {
                let with = |op| Expr::binary(op, Expr::Var(Var::State(k)), value.clone());
                let value = match op {
                    AssignOp::Set => value.clone(),
                    AssignOp::Add => with(Binary::Add),
                    AssignOp::Sub => with(Binary::Sub),
                    AssignOp::Mul => with(Binary::Mul),
                    AssignOp::Div => with(Binary::Div),
                };
                (k, value)
            }));
        }
        resets.into_iter().collect()
    }

    /// How long the neuron rests after a spike, and whether what was written is made of parameters and numbers only.
    pub(super) fn refractory(&mut self, spikes: bool) -> Option<Option<(Expr, bool)>> {
        let mut first: Option<Span> = None;
        let mut found = None;
        for stmt in &self.neuron.body {
            let NeuronStmt::Refractory { value, span } = stmt else { continue };
            if let Some(first) = first {
                self.report(neurons::repeated_statement(*span, "`refractory`", first));
                continue;
            }
            first = Some(*span);
            if !spikes {
                self.report(neurons::refractory_without_spike(*span));
            }
            let names = self.names("in a refractory time", |v| matches!(v, Var::Param(_) | Var::Dt));
            let time = self.scope.scalar(value, &names, self.sink);
            let trained: Vec<Option<Span>> =
                super::all_params(self.neuron).map(|p| p.trainable.map(|_| p.span)).collect();
            if let Some(time) = &time {
                let on =
                    trained.iter().enumerate().find(|(k, t)| t.is_some() && time.any_var(|v| *v == Var::Param(*k)));
                if let Some((_, Some(declared))) = on {
                    self.report(neurons::trained_refractory(value.span, *declared));
                }
                if let Expr::Num(t) = time
                    && *t < 0.0
                {
                    self.report(types::out_of_range(value.span, "a time of at least 0", *t));
                }
            }
            found = Some(time.map(|t| {
                let plain = !t.any_var(|v| *v == Var::Dt);
                (t, plain)
            }));
        }
        found
    }

    /// What is held while the neuron rests: the states that the greater side of its condition is made of, or if there are
    /// none, all states of the condition.
    pub(super) fn held(&self, time: Expr, spike: Option<&Spike>) -> Refractory {
        let of = |e: &Expr| -> Vec<usize> {
            let mut out = vec![];
            e.walk(&mut |e| {
                if let Expr::Var(Var::State(k)) = e
                    && !out.contains(k)
                {
                    out.push(*k);
                }
            });
            out
        };
        let greater = spike.map(|s| of(&s.lhs)).unwrap_or_default();
        let held = if greater.is_empty() { spike.map(|s| of(&s.rhs)).unwrap_or_default() } else { greater };
        Refractory { time, held }
    }

    pub(super) fn emit(&mut self, spikes: bool) -> Option<Option<Expr>> {
        let mut first: Option<Span> = None;
        let mut found = None;
        for stmt in &self.neuron.body {
            let NeuronStmt::Emit { value, span } = stmt else { continue };
            if let Some(first) = first {
                self.report(neurons::repeated_statement(*span, "`emit`", first));
                continue;
            }
            first = Some(*span);
            let names = self.names("in what is emitted", |_| true);
            let emitted = self.scope.scalar(value, &names, self.sink);
            if !spikes && emitted.as_ref().is_some_and(|e| e.any_var(|v| *v == Var::Spike)) {
                self.report(neurons::emit_without_spike(value.span));
            }
            found = Some(emitted);
        }
        found
    }
}

/// The greater side of a spike condition, the other one, and whether it must be greater.
pub(super) fn sides(condition: &ast::Expr) -> Option<(&ast::Expr, &ast::Expr, bool)> {
    match &*condition.kind {
        ExprKind::Binary(BinaryOp::Ge, a, b) => Some((a, b, false)),
        ExprKind::Binary(BinaryOp::Gt, a, b) => Some((a, b, true)),
        ExprKind::Binary(BinaryOp::Le, a, b) => Some((b, a, false)),
        ExprKind::Binary(BinaryOp::Lt, a, b) => Some((b, a, true)),
        _ => None,
    }
}

/// The name of a surrogate's one parameter, and its value if none is given.
fn surrogate_scale(kind: SurrogateKind) -> (&'static str, f64) {
    match kind {
        SurrogateKind::Triangle => ("width", 1.0),
        SurrogateKind::Rectangle => ("width", 0.5),
        SurrogateKind::FastSigmoid => ("slope", 10.0),
        SurrogateKind::Sigmoid => ("slope", 4.0),
        SurrogateKind::Atan => ("slope", 2.0),
        SurrogateKind::Gaussian => ("sigma", 0.5),
    }
}
