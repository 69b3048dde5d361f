//! A `neuron` block to a [`NeuronModel`]: which state moves by what rule, when it spikes, what a spike resets.
//!
//! ```text
//! neuron lif(tau = 2, theta = 1) { input i  state v = 0  flow v' = (i - v)/tau  spike when v >= theta  reset v -= theta }
//!   ->   v: Linear { decay: -1/tau, drive: i/tau },  spike: v >= theta,  resets: v := v - theta
//! ```
//!
//! All states step from the same old values; resets are carried out in order and see earlier ones. In a file that uses units
//! every expression is checked for its dimension as well (`quantities`).

mod events;
pub mod lints;
pub mod quantities;
mod rules;

use crate::check::expr::{Expr, Var};
use crate::check::model::{NeuronModel, NeuronParam, NeuronState, StateStep, Trainable};
use crate::check::names::{nearest, reserved};
use crate::check::scope::{Names, Scope};
use crate::diag::{Diagnostic, Sink, names, neurons, types};
use crate::source::Span;
use crate::syntax::ast::{self, NeuronStmt};
use crate::units::{Dimension, Unit};
use quantities::{Given, Quantities};
use rules::Rule;

/// States of a neuron at the most.
const MOST_STATES: usize = 100;

/// A neuron model, how many of its parameters a call may set (those of the header, which come first), and its text, from
/// which a call's arguments are checked for their dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub model: NeuronModel,
    pub settable: usize,
    pub ast: ast::Neuron,
    /// Its file uses units.
    pub units: bool,
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

/// States as declared, in order.
type States<'a> = Vec<(&'a ast::Name, &'a ast::Expr)>;

impl<'a> Checker<'a, '_, '_, '_> {
    fn check(mut self) -> Option<Checked> {
        let params = self.params();
        let input = self.input();
        let states = self.states();
        let integrator = self.integrator();
        let rules = self.rules(&states);
        let spike = self.spike();
        let resets = self.resets(&states, spike.is_some());
        let refractory = self.refractory(spike.is_some());
        let emit = self.emit(spike.is_some());
        let substeps = self.substeps(rules.iter().flatten().any(|r| r.flow));
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
        let params = params.into_iter().collect::<Option<Vec<_>>>();
        let steps = steps.into_iter().collect::<Option<Vec<_>>>();
        let inits = inits.into_iter().collect::<Option<Vec<_>>>();
        let (params, steps, inits) = (params?, steps?, inits?);
        let (spike, resets) = (transpose(spike)?, resets?);
        let (refractory, emit, substeps) = (transpose(refractory)?, transpose(emit)?, substeps?);
        // Names first, dimensions then: an expression that means nothing has none.
        if !self.ok {
            return None;
        }
        let units = self.units()?;
        let held = |time| self.held(time, spike.as_ref());
        let refractory = refractory.map(|(time, plain)| {
            // A plain number in a file with units counts steps.
            let steps = self.scope.units && plain && units.refractory.is_none_or(|d| d.is_none());
            held(if steps { Expr::binary(crate::func::Binary::Mul, time, Expr::Var(Var::Dt)) } else { time })
        });
        let params: Vec<NeuronParam> =
            params.into_iter().zip(&units.params).map(|(p, d)| NeuronParam { dimension: *d, ..p }).collect();
        let states: Vec<NeuronState> = states
            .iter()
            .zip(inits.into_iter().zip(steps))
            .zip(&units.states)
            .map(|(((name, _), (init, step)), dimension)| NeuronState {
                name: name.text.clone(),
                init,
                step,
                dimension: *dimension,
            })
            .collect();
        let model = NeuronModel {
            name: self.neuron.name.text.clone(),
            params,
            input: units.input,
            states,
            substeps,
            spike,
            resets,
            refractory,
            emit,
            timed: units.timed,
            span: self.neuron.name.span,
        };
        self.warn(&model, input, &rules);
        Some(Checked { model, settable: self.neuron.header.len(), ast: self.neuron.clone(), units: self.scope.units })
    }

    fn report(&mut self, d: Diagnostic) {
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
        let mut names = Names::none(place).quantities();
        for (name, var) in &self.declared {
            names = if allowed(var) {
                names.with(name.text.clone(), var.clone())
            } else {
                names.without(name.text.clone(), describe(var))
            };
        }
        for (name, var, what) in [("dt", Var::Dt, "the time step"), ("spike", Var::Spike, "the neuron's spike")] {
            names = if allowed(&var) { names.with(name, var) } else { names.without(name, what) };
        }
        names
    }

    /// An expression of states, input, parameters and `dt`.
    fn dynamics(&mut self, e: &ast::Expr, place: &str) -> Option<Expr> {
        let names = self.names(place, |v| *v != Var::Spike);
        self.scope.scalar(e, &names, self.sink)
    }

    fn params(&mut self) -> Vec<Option<NeuronParam>> {
        let params: Vec<&'a ast::NeuronParam> = all_params(self.neuron).collect();
        params
            .into_iter()
            .enumerate()
            .map(|(k, p)| {
                self.declare("parameter", &p.name, Var::Param(k));
                let names = Names::none("in the value of a parameter").quantities();
                let default = self.scope.number_of(&p.default, &names, self.sink)?;
                let trainable = p.trainable.map(|t| match t {
                    ast::Trainable::PerLayer => Trainable::PerLayer,
                    ast::Trainable::PerNeuron => Trainable::PerNeuron,
                });
                Some(NeuronParam { name: p.name.text.clone(), default, trainable, dimension: Dimension::NONE })
            })
            .collect()
    }

    /// The span of the input's declaration.
    fn input(&mut self) -> Option<Span> {
        let mut first: Option<Span> = None;
        for stmt in &self.neuron.body {
            if let NeuronStmt::Input { name, span, .. } = stmt {
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

    fn states(&mut self) -> States<'a> {
        let mut states = Vec::new();
        for stmt in &self.neuron.body {
            if let NeuronStmt::State(list) = stmt {
                for (name, init) in list {
                    if states.len() == MOST_STATES {
                        let most = format!("at most {MOST_STATES} states");
                        self.sink.push(types::out_of_range(name.span, &most, (states.len() + 1) as f64));
                        return states;
                    }
                    self.declare("state", name, Var::State(states.len()));
                    states.push((name, init));
                }
            }
        }
        states
    }

    fn state(&mut self, what: &str, name: &ast::Name, states: &States<'a>) -> Option<usize> {
        let k = states.iter().position(|(n, _)| n.text == name.text);
        if k.is_none() {
            let near = nearest(&name.text, states.iter().map(|(n, _)| n.text.as_str()));
            self.report(neurons::not_a_state(name.span, what, &name.text, near));
        }
        k
    }

    /// The dimensions of everything; those of plain numbers in a file without units.
    fn units(&mut self) -> Option<Quantities> {
        if !self.scope.units {
            let states = self.declared.iter().filter(|(_, v)| matches!(v, Var::State(_))).count();
            let params = all_params(self.neuron).count();
            return Some(Quantities {
                params: vec![Dimension::NONE; params],
                states: vec![Dimension::NONE; states],
                input: Unit::NONE,
                refractory: None,
                timed: false,
            });
        }
        quantities::infer(self.neuron, self.scope, &Given::Declared, self.sink)
    }

    fn warn(&mut self, model: &NeuronModel, input: Option<Span>, rules: &[Option<Rule<'_>>]) {
        let is_input = |v: &Var| *v == Var::Input;
        let uses_input = |s: &NeuronState| match &s.step {
            StateStep::Hold => false,
            StateStep::Update(e) | StateStep::Euler { rate: e } | StateStep::Rk4 { rate: e } => e.any_var(is_input),
            StateStep::Linear { decay, drive } => decay.any_var(is_input) || drive.any_var(is_input),
        };
        let updated = model.states.iter().any(|s| matches!(s.step, StateStep::Update(_)));
        if model.spike.is_some() && model.resets.is_empty() && model.refractory.is_none() && !updated {
            self.sink.push(neurons::no_reset(self.neuron.name.span, &self.neuron.name.text));
        }
        let in_spike = model.spike.as_ref().is_some_and(|s| s.lhs.any_var(is_input) || s.rhs.any_var(is_input));
        let in_emit = model.emit.as_ref().is_some_and(|e| e.any_var(is_input));
        if !in_spike && !in_emit && !model.states.iter().any(uses_input) {
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

/// The parameters of the header, then those of the body.
pub fn all_params(neuron: &ast::Neuron) -> impl Iterator<Item = &ast::NeuronParam> {
    let body = neuron.body.iter().flat_map(|s| match s {
        NeuronStmt::Param(params) => params.as_slice(),
        _ => &[],
    });
    neuron.header.iter().chain(body)
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
fn transpose<T>(found: Option<Option<T>>) -> Option<Option<T>> {
    match found {
        None => Some(None),
        Some(None) => None,
        Some(Some(v)) => Some(Some(v)),
    }
}
