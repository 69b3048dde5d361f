//! How states move between spikes: flows and their integrator, maps, substeps.
//!
//! ```text
//! flow v' = (i - v)/tau     ->   Linear { decay: -1/tau, drive: i/tau }      nothing said, or `exact`, `exponential`
//! flow v' = v^2 + i         ->   Euler { rate }                              nothing said, or `euler`
//! ```

use super::{Checker, States};
use crate::check::expr::{Expr, Var};
use crate::check::linear::linear_in;
use crate::check::model::StateStep;
use crate::check::names::nearest;
use crate::diag::neurons;
use crate::source::Span;
use crate::syntax::ast::{self, NeuronStmt};

const INTEGRATORS: &[&str] = &["exact", "exponential", "euler", "rk4"];

/// Each substep is written out in the program.
const MOST_SUBSTEPS: u64 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integrator {
    Exact,
    Exponential,
    Euler,
    Rk4,
}

/// A state's rule of motion as written.
pub(super) struct Rule<'a> {
    pub flow: bool,
    pub value: &'a ast::Expr,
    pub span: Span,
}

impl<'a> Checker<'a, '_, '_, '_> {
    pub(super) fn integrator(&mut self) -> Option<(Integrator, Span)> {
        let mut found: Option<(Integrator, Span)> = None;
        for stmt in &self.neuron.body {
            let NeuronStmt::Integrate { method, span } = stmt else { continue };
            let integrator = match method.text.as_str() {
                "exact" => Integrator::Exact,
                "exponential" => Integrator::Exponential,
                "euler" => Integrator::Euler,
                "rk4" => Integrator::Rk4,
                other => {
                    let near = nearest(other, INTEGRATORS.iter().copied());
                    self.report(neurons::unknown_choice(method.span, "integrator", other, INTEGRATORS, near));
                    continue;
                }
            };
            match found {
                Some((_, first)) => self.report(neurons::repeated_statement(*span, "`integrate`", first)),
                None => found = Some((integrator, *span)),
            }
        }
        found
    }

    /// Substeps a step; `flows` says whether there is anything that they could refine.
    pub(super) fn substeps(&mut self, flows: bool) -> Option<u32> {
        let mut found: Option<(Option<u32>, Span)> = None;
        for stmt in &self.neuron.body {
            let NeuronStmt::Substeps { value, span } = stmt else { continue };
            if let Some((_, first)) = found {
                self.report(neurons::repeated_statement(*span, "`substeps`", first));
                continue;
            }
            if !flows {
                self.report(neurons::substeps_without_flow(*span));
            }
            found = Some((self.scope.integer(value, 1, MOST_SUBSTEPS, self.sink).map(|n| n as u32), *span));
        }
        found.map_or(Some(1), |(n, _)| n)
    }

    /// For each state its `flow` or `update`.
    pub(super) fn rules(&mut self, states: &States<'a>) -> Vec<Option<Rule<'a>>> {
        let mut rules: Vec<Option<Rule<'a>>> = states.iter().map(|_| None).collect();
        for stmt in &self.neuron.body {
            let (what, name, value, span) = match stmt {
                NeuronStmt::Flow { name, value, span } => ("flow", name, value, *span),
                NeuronStmt::Update { name, value, span } => ("update", name, value, *span),
                _ => continue,
            };
            let Some(k) = self.state(what, name, states) else { continue };
            match &rules[k] {
                Some(first) => {
                    let first = first.span;
                    self.report(neurons::two_rules(span, &name.text, first));
                }
                None => rules[k] = Some(Rule { flow: what == "flow", value, span }),
            }
        }
        rules
    }

    pub(super) fn step(
        &mut self,
        k: usize,
        name: &ast::Name,
        rule: Option<&Rule<'_>>,
        integrator: Option<(Integrator, Span)>,
    ) -> Option<StateStep> {
        let Some(rule) = rule else { return Some(StateStep::Hold) };
        let value = self.dynamics(rule.value, if rule.flow { "in a flow" } else { "in an update" })?;
        if !rule.flow {
            return Some(StateStep::Update(value));
        }
        let linear = linear_in(&value, &Var::State(k));
        let sums_up = linear.as_ref().is_some_and(|(decay, _)| *decay == Expr::Num(0.0));
        if matches!(integrator, Some((Integrator::Rk4, _))) {
            return Some(StateStep::Rk4 { rate: value });
        }
        // A flow without its own state in it is a sum over the step: all one-stage integrators agree.
        if sums_up {
            return Some(StateStep::Euler { rate: value });
        }
        let constant = |decay: &Expr| !decay.any_var(|v| matches!(v, Var::State(_) | Var::Input));
        match (integrator, linear) {
            (Some((Integrator::Euler | Integrator::Rk4, _)), _) | (None, None) => {
                Some(StateStep::Euler { rate: value })
            }
            (None | Some((Integrator::Exponential, _)), Some((decay, drive))) => {
                Some(StateStep::Linear { decay, drive })
            }
            (Some((Integrator::Exact, span)), Some((decay, drive))) => {
                if constant(&decay) {
                    return Some(StateStep::Linear { decay, drive });
                }
                let why = format!("the factor of `{}` changes with other states or the input", name.text);
                self.report(neurons::not_linear(span, "exact", &name.text, rule.span, &why, "exponential"));
                None
            }
            (Some((method, span)), None) => {
                let method = if method == Integrator::Exact { "exact" } else { "exponential" };
                let why = format!("this is not of the form `a*{0} + b` with `a` and `b` free of `{0}`", name.text);
                self.report(neurons::not_linear(span, method, &name.text, rule.span, &why, "euler"));
                None
            }
        }
    }
}
