//! The dimensions of a neuron: of its parameters, states and input, from what is written and from its equations.
//!
//! ```text
//! param C = 281pF   input i   state v = -70mV   flow v' = i/C      ->   i is a current
//! lif(tau = 20ms)   in a network with `dt 1ms`                     ->   tau is a time, as v' = (i - v)/tau wants it
//! ```
//!
//! In a file that uses units a bare number is a plain number; what is declared as one and has to be more is told which unit to
//! write. A model of a file without units has none of its own: its numbers
//! are in whatever units fit, and a call with quantities is right if some choice of dimensions makes all equations hold.

use super::events::sides;
use super::{Checked, all_params};
use crate::check::dimensions::{Dim, Inference, annotation};
use crate::check::scope::Scope;
use crate::diag::{Sink, neurons as say};
use crate::source::Span;
use crate::syntax::ast::{self, AssignOp, NeuronStmt};
use crate::units::{Dimension, Ratio, Unit};

/// The dimensions of a neuron's parts; those that nothing settles are plain numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantities {
    pub params: Vec<Dimension>,
    pub states: Vec<Dimension>,
    pub input: Unit,
    pub refractory: Option<Dimension>,
    /// Some equation is about time.
    pub timed: bool,
}

/// What is known of the parameters.
pub enum Given {
    /// Their defaults, as written; times are quantities.
    Declared,
    /// Nothing but these, by name; `dt` is of this dimension.
    Called { args: Vec<(String, Dimension)>, time: Dimension },
}

impl Given {
    fn time(&self) -> Dimension {
        match self {
            Given::Declared => Dimension::TIME,
            Given::Called { time, .. } => *time,
        }
    }
}

/// Infers and checks all expressions of a neuron whose names have been resolved. `None` if there is a mistake.
pub fn infer(neuron: &ast::Neuron, scope: &Scope<'_>, given: &Given, sink: &mut Sink) -> Option<Quantities> {
    let mut all = Neuron {
        inference: Inference::new(scope),
        time: given.time().into(),
        params: vec![],
        states: vec![],
        input: Dim::none(),
        unit: None,
        declared: matches!(given, Given::Declared),
        bare: vec![],
    };
    all.declare(neuron, given, sink);
    let mut refractory = None;
    for stmt in &neuron.body {
        all.statement(stmt, &mut refractory);
    }
    for (name, dim, value, span) in &all.bare {
        // 0 is 0 of any unit.
        if *value != 0.0 {
            all.inference.declared_bare(name, dim, *value, *span);
        }
    }
    let known = |d: &Dim| all.inference.known(d).unwrap_or_default();
    let found = Quantities {
        params: all.params.iter().map(known).collect(),
        states: all.states.iter().map(|(_, _, d)| known(d)).collect(),
        input: all.unit.unwrap_or_else(|| Unit::held(known(&all.input))),
        refractory: refractory.as_ref().map(known),
        timed: neuron.body.iter().any(|s| matches!(s, NeuronStmt::Flow { .. }))
            || refractory.as_ref().is_some_and(|d| !known(d).is_none()),
    };
    all.inference.finish(sink).then_some(found)
}

struct Neuron<'n, 's, 'f> {
    inference: Inference<'s, 'f>,
    time: Dim,
    params: Vec<Dim>,
    states: Vec<(&'n str, Span, Dim)>,
    input: Dim,
    unit: Option<Unit>,
    /// The parameters are as declared, and nothing else is given.
    declared: bool,
    /// What is declared as a bare number: name, dimension, number, place.
    bare: Vec<(&'n str, Dim, f64, Span)>,
}

impl<'n> Neuron<'n, '_, '_> {
    fn declare(&mut self, neuron: &'n ast::Neuron, given: &Given, sink: &mut Sink) {
        let place = neuron.name.span;
        for p in all_params(neuron) {
            let dim = match given {
                Given::Declared => {
                    let dim = self.start(&p.name.text, &p.default);
                    self.inference.declare(&p.name.text, p.span, dim.clone());
                    dim
                }
                Given::Called { args, .. } => {
                    let arg = args.iter().find(|(name, _)| *name == p.name.text).map(|(_, d)| Dim::from(*d));
                    let dim = arg.unwrap_or_else(|| self.inference.unknown());
                    self.inference.declare(&p.name.text, p.span, dim.clone());
                    dim
                }
            };
            self.params.push(dim);
        }
        self.inference.declare("dt", place, self.time.clone());
        self.inference.declare("spike", place, Dim::none());
        for stmt in &neuron.body {
            match stmt {
                NeuronStmt::Input { name, unit, span } => {
                    self.unit = unit.as_ref().and_then(|u| annotation(u, sink));
                    self.input = match self.unit {
                        Some(unit) => unit.dimension.into(),
                        None => self.inference.unknown(),
                    };
                    self.inference.declare(&name.text, *span, self.input.clone());
                }
                NeuronStmt::State(list) => {
                    for (name, init) in list {
                        let dim = match given {
                            Given::Declared => self.start(&name.text, init),
                            Given::Called { .. } => self.inference.unknown(),
                        };
                        self.inference.declare(&name.text, name.span, dim.clone());
                        self.states.push((&name.text, name.span, dim));
                    }
                }
                _ => {}
            }
        }
    }

    /// The dimension of what a name starts as. A bare number has that which the equations ask for, and is complained of if it
    /// is not a plain number.
    fn start(&mut self, name: &'n str, e: &'n ast::Expr) -> Dim {
        let Some(found) = self.inference.of(e) else { return self.inference.unknown() };
        match found.number() {
            Some(value) => {
                let dim = self.inference.unknown();
                self.bare.push((name, dim.clone(), value, e.span));
                dim
            }
            None => found.dim,
        }
    }

    fn state(&self, name: &ast::Name) -> Option<(Span, Dim)> {
        self.states.iter().find(|(n, ..)| *n == name.text).map(|(_, span, d)| (*span, d.clone()))
    }

    fn statement(&mut self, stmt: &NeuronStmt, refractory: &mut Option<Dim>) {
        match stmt {
            NeuronStmt::Flow { name, value, .. } => {
                if let Some((at, dim)) = self.state(name) {
                    let rate = dim.over(&self.time);
                    self.inference.want(value, &rate, &format!("the flow of `{}`", name.text), Some((at, dim)));
                }
            }
            NeuronStmt::Update { name, value, .. } => {
                if let Some((at, dim)) = self.state(name) {
                    let what = format!("the update of `{}`", name.text);
                    self.inference.want(value, &dim.clone(), &what, Some((at, dim)));
                }
            }
            NeuronStmt::Reset { name, op, value, .. } => {
                let Some((at, dim)) = self.state(name) else { return };
                let what = format!("what resets `{}`", name.text);
                let wanted = if matches!(op, AssignOp::Mul | AssignOp::Div) { Dim::none() } else { dim.clone() };
                self.inference.want(value, &wanted, &what, Some((at, dim)));
            }
            NeuronStmt::Spike { condition, surrogate, .. } => {
                let Some((a, b, _)) = sides(condition) else { return };
                let sign =
                    if matches!(*condition.kind, ast::ExprKind::Binary(ast::BinaryOp::Ge | ast::BinaryOp::Le, ..)) {
                        ">="
                    } else {
                        ">"
                    };
                let Some(over) = self.inference.compare(sign, a, b) else { return };
                // A number in the surrogate of a model without units says nothing of the units it is called with.
                if self.declared {
                    self.surrogate(surrogate.as_ref(), &over.dim, condition.span);
                }
            }
            NeuronStmt::Refractory { value, .. } => {
                let Some(found) = self.inference.of(value) else { return };
                *refractory = Some(found.dim.clone());
                // Steps are counted by a plain number.
                if self.inference.known(&found.dim).is_some_and(|d| !d.is_none()) {
                    let time = self.time.clone();
                    self.inference.want(value, &time, "the refractory time", None);
                }
            }
            NeuronStmt::Emit { value, .. } => {
                self.inference.of(value);
            }
            NeuronStmt::Param(_)
            | NeuronStmt::Input { .. }
            | NeuronStmt::State(_)
            | NeuronStmt::Integrate { .. }
            | NeuronStmt::Substeps { .. } => {}
        }
    }

    /// Widths are in the units of the condition, slopes in its reciprocal, as the derivative itself is.
    fn surrogate(&mut self, surrogate: Option<&ast::Surrogate>, over: &Dim, condition: Span) {
        let inverse = over.power(Ratio::new(-1, 1));
        match surrogate {
            None => {}
            Some(ast::Surrogate::Named(call)) => {
                let wide = ["triangle", "rectangle", "gaussian"].contains(&call.name.text.as_str());
                let wanted = if wide { over } else { &inverse };
                let is_scale = |arg: &&ast::Arg| arg.name.as_ref().is_none_or(|n| n.text != "samples");
                for arg in call.args.iter().filter(is_scale).take(1) {
                    let what = format!("the scale of `{}`", call.name.text);
                    self.inference.want(&arg.value, wanted, &what, Some((condition, over.clone())));
                }
            }
            Some(ast::Surrogate::Custom { name, param, value, .. }) => {
                self.inference.declare(&param.text, param.span, over.clone());
                let what = format!("the surrogate `{}`", name.text);
                self.inference.want(value, &inverse, &what, Some((condition, over.clone())));
                self.inference.forget();
            }
        }
    }
}

/// The argument of a call, its value aside: which parameter it is for, and where.
pub struct Argument<'a> {
    pub param: usize,
    pub value: &'a ast::Expr,
}

/// Checks the dimensions of a call's arguments. `time` is the dimension of `dt` where it is called. True if they fit.
pub fn call(
    checked: &Checked,
    args: &[Argument<'_>],
    callee: &ast::Name,
    time: Dimension,
    scope: &Scope<'_>,
    sink: &mut Sink,
) -> bool {
    let model = &checked.model;
    if model.timed && time.is_none() {
        sink.push(say::untimed(callee.span, &callee.text));
        return false;
    }
    let mut given: Vec<(String, Dimension)> = vec![];
    for arg in args {
        let param = &model.params[arg.param];
        let what = format!("the argument `{}` of `{}`", param.name, callee.text);
        let mut inference = Inference::new(scope);
        let wanted = if checked.units {
            Some(param.dimension)
        } else {
            let Some(found) = inference.of(arg.value) else {
                inference.finish(sink);
                return false;
            };
            let here = inference.known(&found.dim);
            if let Some(here) = here {
                given.push((param.name.clone(), here));
            }
            match fits(checked, &given, time) {
                true => None,
                false => {
                    given.pop();
                    let known = infer(
                        &checked.ast,
                        &Scope::default(),
                        &Given::Called { args: given.clone(), time },
                        &mut Sink::default(),
                    );
                    let wanted = known.map(|q| q.params[arg.param]).unwrap_or_default();
                    if wanted.is_none() && here == Some(Dimension::TIME) && time.is_none() {
                        sink.push(say::untimed(arg.value.span, &callee.text));
                        return false;
                    }
                    Some(wanted)
                }
            }
        };
        if let Some(wanted) = wanted {
            let declared = all_params(&checked.ast).nth(arg.param).map(|p| p.span);
            let because = declared.map(|at| (at, Dim::from(wanted)));
            inference.want(arg.value, &wanted.into(), &what, because.filter(|_| checked.units));
        }
        if !inference.finish(sink) {
            return false;
        }
    }
    true
}

/// Some choice of dimensions makes the equations of a model without units hold.
fn fits(checked: &Checked, args: &[(String, Dimension)], time: Dimension) -> bool {
    // Functions of its own file are not at hand, so a model that calls some is not judged.
    infer(&checked.ast, &Scope::default(), &Given::Called { args: args.to_vec(), time }, &mut Sink::default()).is_some()
}
