//! A `neuron` block to a [`NeuronModel`]: which state moves by what rule, when it spikes, what a spike resets.
//!
//! ```text
//! neuron lif(tau = 2, theta = 1) { input i  state v = 0  flow v' = (i - v)/tau  spike when v >= theta  reset v -= theta }
//!   ->   v: Linear { decay: -1/tau, drive: i/tau },  spike: v >= theta,  resets: v := v - theta
//! ```
//!
//! All states step from the same old values; resets are carried out in order and see earlier ones.

use crate::check::args::bind;
use crate::check::expr::{Expr, Var};
use crate::check::linear::linear_in;
use crate::check::model::{NeuronModel, NeuronParam, NeuronState, Spike, StateStep, Trainable};
use crate::check::names::{nearest, reserved};
use crate::check::scope::{Names, Scope};
use crate::diag::{Sink, names, neurons};
use crate::func::{Binary, Surrogate, SurrogateKind};
use crate::source::Span;
use crate::syntax::ast::{self, AssignOp, BinaryOp, ExprKind, NeuronStmt};

/// A neuron model and how many of its parameters a call may set: those of the header, which come first.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub model: NeuronModel,
    pub settable: usize,
}

const INTEGRATORS: &[&str] = &["exact", "exponential", "euler"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Integrator {
    Exact,
    Exponential,
    Euler,
}

/// A state's rule of motion as written.
struct Rule<'a> {
    flow: bool,
    value: &'a ast::Expr,
    span: Span,
}

/// Checks one neuron block. `None` if it has errors, all of which are in `sink`.
pub fn check(neuron: &ast::Neuron, scope: &Scope<'_>, sink: &mut Sink) -> Option<Checked> {
    Checker { neuron, scope, sink, declared: Vec::new(), ok: true }.check()
}

struct Checker<'a, 's, 'f, 'k> {
    neuron: &'a ast::Neuron,
    scope: &'s Scope<'f>,
    sink: &'k mut Sink,
    /// Parameters, states and the input.
    declared: Vec<(&'a ast::Name, Var)>,
    ok: bool,
}

impl<'a> Checker<'a, '_, '_, '_> {
    fn check(mut self) -> Option<Checked> {
        let params = self.params();
        let input = self.input();
        let states = self.states();
        let integrator = self.integrator();
        let rules = self.rules(&states);
        let spike = self.spike();
        let resets = self.resets(&states, spike.is_some());
        self.unsupported();
        let steps: Vec<Option<StateStep>> =
            states.iter().enumerate().map(|(k, (name, _))| self.step(k, name, rules[k].as_ref(), integrator)).collect();
        let inits: Vec<Option<Expr>> = states
            .iter()
            .map(|(_, init)| {
                let names = self.names("in the start of a state", |v| matches!(v, Var::Param(_)));
                self.scope.scalar(init, &names, self.sink)
            })
            .collect();
        if states.is_empty() {
            self.report(neurons::missing_state(self.neuron.name.span, &self.neuron.name.text));
        }
        let states: Vec<NeuronState> = states
            .iter()
            .zip(inits.into_iter().zip(steps))
            .map(|((name, _), (init, step))| Some(NeuronState { name: name.text.clone(), init: init?, step: step? }))
            .collect::<Option<_>>()?;
        let params = params.into_iter().collect::<Option<Vec<_>>>()?;
        let (spike, resets) = (spike.transpose_flat()?, resets?);
        if !self.ok {
            return None;
        }
        let model = NeuronModel {
            name: self.neuron.name.text.clone(),
            params,
            states,
            spike,
            resets,
            span: self.neuron.name.span,
        };
        self.warn(&model, input, &rules);
        Some(Checked { model, settable: self.neuron.header.len() })
    }

    fn report(&mut self, d: crate::diag::Diagnostic) {
        self.ok = false;
        self.sink.push(d);
    }

    /// Gives a name its meaning, unless it has one.
    fn declare(&mut self, what: &str, name: &'a ast::Name, var: Var) {
        if let Some((first, _)) = self.declared.iter().find(|(n, _)| n.text == name.text) {
            let first = first.span;
            self.report(names::duplicate_name(name.span, what, &name.text, Some(first)));
        } else if name.text == "dt" {
            self.report(names::reserved_name(name.span, "dt", "the time step"));
        } else if let Some(kind) = reserved(&name.text) {
            self.report(names::reserved_name(name.span, &name.text, kind));
        } else {
            self.declared.push((name, var));
        }
    }

    fn names(&self, place: &str, allowed: impl Fn(&Var) -> bool) -> Names {
        let mut names = Names::none(place);
        for (name, var) in &self.declared {
            names = if allowed(var) {
                names.with(name.text.clone(), var.clone())
            } else {
                names.without(name.text.clone(), describe(var))
            };
        }
        if allowed(&Var::Dt) { names.with("dt", Var::Dt) } else { names.without("dt", "the time step") }
    }

    fn params(&mut self) -> Vec<Option<NeuronParam>> {
        let neuron = self.neuron;
        let body = neuron.body.iter().flat_map(|s| match s {
            NeuronStmt::Param(params) => params.as_slice(),
            _ => &[],
        });
        neuron
            .header
            .iter()
            .chain(body)
            .enumerate()
            .map(|(k, p)| {
                self.declare("parameter", &p.name, Var::Param(k));
                let default = self.scope.number_in(&p.default, "in the value of a parameter", self.sink)?;
                let trainable = p.trainable.map(|t| match t {
                    ast::Trainable::PerLayer => Trainable::PerLayer,
                    ast::Trainable::PerNeuron => Trainable::PerNeuron,
                });
                Some(NeuronParam { name: p.name.text.clone(), default, trainable })
            })
            .collect()
    }

    /// The span of the input's declaration.
    fn input(&mut self) -> Option<Span> {
        let mut first: Option<Span> = None;
        for stmt in &self.neuron.body {
            if let NeuronStmt::Input { name, unit, span } = stmt {
                if let Some(unit) = unit {
                    self.report(crate::diag::types::units(unit.span, "this"));
                }
                match first {
                    Some(first) => self.report(neurons::repeated_statement(*span, "`input`", first)),
                    None => {
                        self.declare("input", name, Var::Input);
                        first = Some(*span);
                    }
                }
            }
        }
        first
    }

    fn states(&mut self) -> Vec<(&'a ast::Name, &'a ast::Expr)> {
        let mut states = Vec::new();
        for stmt in &self.neuron.body {
            if let NeuronStmt::State(list) = stmt {
                for (name, init) in list {
                    self.declare("state", name, Var::State(states.len()));
                    states.push((name, init));
                }
            }
        }
        states
    }

    fn integrator(&mut self) -> Option<(Integrator, Span)> {
        let mut found: Option<(Integrator, Span)> = None;
        for stmt in &self.neuron.body {
            let NeuronStmt::Integrate { method, span } = stmt else { continue };
            let integrator = match method.text.as_str() {
                "exact" => Integrator::Exact,
                "exponential" => Integrator::Exponential,
                "euler" => Integrator::Euler,
                "rk4" => {
                    self.report(names::not_available(method.span, "`integrate rk4`"));
                    continue;
                }
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

    /// For each state its `flow` or `update`.
    fn rules(&mut self, states: &[(&'a ast::Name, &'a ast::Expr)]) -> Vec<Option<Rule<'a>>> {
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

    fn state(&mut self, what: &str, name: &ast::Name, states: &[(&'a ast::Name, &'a ast::Expr)]) -> Option<usize> {
        let k = states.iter().position(|(n, _)| n.text == name.text);
        if k.is_none() {
            let near = nearest(&name.text, states.iter().map(|(n, _)| n.text.as_str()));
            self.report(neurons::not_a_state(name.span, what, &name.text, near));
        }
        k
    }

    fn step(
        &mut self,
        k: usize,
        name: &ast::Name,
        rule: Option<&Rule<'_>>,
        integrator: Option<(Integrator, Span)>,
    ) -> Option<StateStep> {
        let Some(rule) = rule else { return Some(StateStep::Hold) };
        let place = if rule.flow { "in a flow" } else { "in an update" };
        let value = self.scope.scalar(rule.value, &self.names(place, |_| true), self.sink)?;
        if !rule.flow {
            return Some(StateStep::Update(value));
        }
        let linear = linear_in(&value, &Var::State(k));
        // A flow without its own state in it is a sum over the step: all integrators agree.
        if linear.as_ref().is_some_and(|(decay, _)| *decay == Expr::Num(0.0)) {
            return Some(StateStep::Euler { rate: value });
        }
        let constant = |decay: &Expr| !decay.any_var(|v| matches!(v, Var::State(_) | Var::Input));
        match (integrator, linear) {
            (Some((Integrator::Euler, _)), _) | (None, None) => Some(StateStep::Euler { rate: value }),
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

    /// `None`: no spike; `Some(None)`: one with errors.
    fn spike(&mut self) -> Option<Option<Spike>> {
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
        let (a, b, strict) = match &*condition.kind {
            ExprKind::Binary(BinaryOp::Ge, a, b) => (a, b, false),
            ExprKind::Binary(BinaryOp::Gt, a, b) => (a, b, true),
            ExprKind::Binary(BinaryOp::Le, a, b) => (b, a, false),
            ExprKind::Binary(BinaryOp::Lt, a, b) => (b, a, true),
            _ => {
                self.report(neurons::spike_condition(condition.span));
                return None;
            }
        };
        let names = self.names("in a spike condition", |_| true);
        let lhs = self.scope.scalar(a, &names, self.sink);
        let rhs = self.scope.scalar(b, &names, self.sink);
        let (lhs, rhs) = (lhs?, rhs?);
        let is_state = |v: &Var| matches!(v, Var::State(_));
        if !lhs.any_var(is_state) && !rhs.any_var(is_state) {
            self.sink.push(neurons::constant_spike(condition.span));
        }
        Some(Spike { lhs, rhs, strict, surrogate: surrogate? })
    }

    fn surrogate(&mut self, surrogate: Option<&ast::Surrogate>) -> Option<Surrogate> {
        let call = match surrogate {
            None => return Some(Surrogate { kind: SurrogateKind::Triangle, scale: 1.0 }),
            Some(ast::Surrogate::Named(call)) => call,
            Some(ast::Surrogate::Custom { span, .. }) => {
                self.report(names::not_available(*span, "a surrogate of your own"));
                return None;
            }
        };
        let known: Vec<&str> = SurrogateKind::NAMED.iter().map(|(n, _)| *n).collect();
        let Some((_, kind)) = SurrogateKind::NAMED.iter().find(|(n, _)| *n == call.name.text) else {
            let near = nearest(&call.name.text, known.iter().copied());
            self.report(neurons::unknown_choice(call.name.span, "surrogate", &call.name.text, &known, near));
            return None;
        };
        let (param, default) = surrogate_scale(*kind);
        let params = [param];
        let bound = bind(&call.name, &call.args, &params, &[], self.sink);
        let scale = match bound.get(param) {
            Some(e) => self.scope.positive(e, self.sink)?,
            None => default,
        };
        Some(Surrogate { kind: *kind, scale })
    }

    fn resets(&mut self, states: &[(&'a ast::Name, &'a ast::Expr)], spikes: bool) -> Option<Vec<(usize, Expr)>> {
        let mut resets = Vec::new();
        for stmt in &self.neuron.body {
            let NeuronStmt::Reset { name, op, value, span } = stmt else { continue };
            if !spikes {
                self.report(neurons::reset_without_spike(*span));
            }
            let k = self.state("reset", name, states);
            let names = self.names("in a reset", |_| true);
            let value = self.scope.scalar(value, &names, self.sink);
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

    fn unsupported(&mut self) {
        for stmt in &self.neuron.body {
            let (span, what) = match stmt {
                NeuronStmt::Refractory { span, .. } => (span, "`refractory`"),
                NeuronStmt::Substeps { span, .. } => (span, "`substeps`"),
                NeuronStmt::Emit { span, .. } => (span, "`emit`"),
                _ => continue,
            };
            self.report(names::not_available(*span, what));
        }
    }

    fn warn(&mut self, model: &NeuronModel, input: Option<Span>, rules: &[Option<Rule<'_>>]) {
        let is_input = |v: &Var| *v == Var::Input;
        let uses_input = |s: &NeuronState| match &s.step {
            StateStep::Hold => false,
            StateStep::Update(e) | StateStep::Euler { rate: e } => e.any_var(is_input),
            StateStep::Linear { decay, drive } => decay.any_var(is_input) || drive.any_var(is_input),
        };
        let in_spike = model.spike.as_ref().is_some_and(|s| s.lhs.any_var(is_input) || s.rhs.any_var(is_input));
        if !in_spike && !model.states.iter().any(uses_input) {
            let span = input.unwrap_or(self.neuron.name.span);
            self.sink.push(neurons::unused_input(span, &self.neuron.name.text, input.is_some()));
        }
        for (k, state) in model.states.iter().enumerate() {
            if rules[k].is_none() && !model.resets.iter().any(|(r, _)| *r == k) {
                let span = self.declared.iter().find(|(n, _)| n.text == state.name).map(|(n, _)| n.span);
                self.sink.push(neurons::constant_state(span.unwrap_or(self.neuron.name.span), &state.name));
            }
        }
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

fn describe(var: &Var) -> &'static str {
    match var {
        Var::Param(_) => "a parameter",
        Var::State(_) => "a state",
        Var::Input => "the input",
        _ => "a variable",
    }
}

/// `Some(None)`, an error, becomes `None`; `None`, nothing there, becomes `Some(None)`.
trait TransposeFlat<T> {
    fn transpose_flat(self) -> Option<Option<T>>;
}

impl<T> TransposeFlat<T> for Option<Option<T>> {
    fn transpose_flat(self) -> Option<Option<T>> {
        match self {
            None => Some(None),
            Some(None) => None,
            Some(Some(v)) => Some(Some(v)),
        }
    }
}
