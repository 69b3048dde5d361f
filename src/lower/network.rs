//! The network to programs.
//!
//! Static values stand in `init`, signals in `step`, what follows a decoder in `finish`. What is encoded again after a decoder
//! is simulated in a pass of its own, and so is every signal that this one uses: simulated twice, it is the same. Nodes are
//! emitted on demand, so that the same graph yields the whole network, its features alone, a block of candidates of one layer,
//! or one unit driven by a given current; the parameter list is declared up front and is the same for all but the last.
//!
//! A decoder over traces (`ema |> mean`) is linear in the spikes, so it becomes one weighted sum over time:
//!
//! ```text
//! h |> ema(tau = 20) |> mean     ->     acc = acc + table[step] * spikes
//! ```

use std::collections::HashMap;

use super::emit::{Emit, Term, Val};
use super::graph::{passes, widths};
use super::neuron;
use crate::check::model::{Kind, Model, Network, NodeId, NodeOp, TuningCurve};
use crate::func::{Compare, Unary};
use crate::ir::op::{ParamId, StateId};
use crate::ir::problem as ir;
use crate::ir::program::{Input, Output, Program, Region};

/// A layer's mixing node made wider or narrower than the program says.
#[derive(Clone, Copy)]
pub struct Resize {
    pub node: NodeId,
    pub units: u32,
}

/// The parameters of a node.
#[derive(Clone, Copy)]
pub struct Declared {
    pub node: NodeId,
    pub role: Part,
    pub id: ParamId,
}

/// What part a parameter plays in its node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Unit(ir::UnitRole),
    /// Gain and bias of `affine`.
    Gain,
    Bias,
    /// What the value of the step before is multiplied by.
    Recurrent,
    /// Centres, thresholds or frequencies of a code, or the samples of a surrogate; not trained.
    Code,
    /// A trainable parameter of the neuron model, by index; one a layer or one a neuron.
    Neuron(usize),
}

/// Emits nodes of the network into one program.
pub struct Lowering<'m> {
    pub e: Emit,
    pub model: &'m Model,
    pub net: &'m Network,
    pub(super) widths: Vec<u32>,
    /// For each node: the pass that simulates a signal; of a static value, a number that tells in which pass what goes into
    /// it is simulated at the latest.
    pub passes: Vec<u32>,
    /// What has been emitted, by node and pass; static values by their own stage.
    done: HashMap<(NodeId, u32), Term>,
    /// States of populations after the step.
    pub(super) membranes: HashMap<(NodeId, u32), Vec<Term>>,
    /// The states of populations by their names in the neuron's model.
    pub named: Vec<(StateId, NodeId, &'m str)>,
    /// States that take the value of a node of this pass, once that is there.
    pub(super) pending: Vec<(StateId, NodeId, u32)>,
    /// Spikes of the neuron nodes emitted so far.
    pub spikes: HashMap<NodeId, Term>,
    /// Signals added up over all steps.
    totals: HashMap<NodeId, Val>,
    pub params: Vec<Declared>,
    /// The parameters that the unknowns are.
    pub unknowns: Vec<ParamId>,
    pub init: Vec<ir::Init>,
    coords: Option<Val>,
    /// Use starting values in place of parameters.
    frozen_at_start: bool,
}

impl<'m> Lowering<'m> {
    /// A program with the network's parameters declared and nothing computed yet.
    pub fn new(model: &'m Model, name: &str, resize: Option<Resize>) -> Lowering<'m> {
        let net = &model.network;
        let mut program = Program::new(name);
        program.inputs.push(Input { name: "coords".into(), width: model.coords.len() as u32 });
        let of_nodes = passes(net, None, &mut program);
        for f in &model.functions {
            program.inputs.push(Input { name: format!("sensors.{}", f.name), width: f.sensors });
        }
        let widths = widths(net, resize);
        let mut l = Lowering {
            e: Emit::new(program),
            model,
            net,
            widths,
            passes: of_nodes,
            done: HashMap::new(),
            membranes: HashMap::new(),
            named: vec![],
            pending: vec![],
            spikes: HashMap::new(),
            totals: HashMap::new(),
            params: vec![],
            unknowns: vec![],
            init: vec![],
            coords: None,
            frozen_at_start: false,
        };
        for node in 0..net.nodes.len() {
            l.declare(node);
        }
        for unknown in &model.unknowns {
            let id = l.e.declare(format!("unknown.{}", unknown.name), 1, 1, true);
            l.unknowns.push(id);
            l.init.push(ir::Init::Constant(unknown.start));
        }
        l
    }

    /// A program without parameters: a single unit driven by a given current.
    pub fn single(model: &'m Model, mixing: NodeId) -> Lowering<'m> {
        let net = &model.network;
        let mut program = Program::new(format!("response of {}", net.nodes[mixing].path));
        program.inputs.push(Input { name: "current".into(), width: 1 });
        let of_nodes = passes(net, Some(mixing), &mut program);
        let mut e = Emit::new(program);
        let current = e.input(0, 1);
        Lowering {
            e,
            model,
            net,
            widths: widths(net, Some(Resize { node: mixing, units: 1 })),
            passes: of_nodes,
            done: (0..=net.nodes.len() as u32).map(|pass| ((mixing, pass), Term::Val(current))).collect(),
            membranes: HashMap::new(),
            named: vec![],
            pending: vec![],
            spikes: HashMap::new(),
            totals: HashMap::new(),
            params: vec![],
            unknowns: vec![],
            init: vec![],
            coords: None,
            frozen_at_start: true,
        }
    }

    pub(super) fn declared(&self, node: NodeId, role: Part) -> Option<ParamId> {
        self.params.iter().find(|p| p.node == node && p.role == role).map(|p| p.id)
    }

    /// Parameters of these nodes, in order.
    pub fn params_of(&self, nodes: &[NodeId]) -> Vec<ParamId> {
        self.params.iter().filter(|p| nodes.contains(&p.node)).map(|p| p.id).collect()
    }

    /// A parameter of one row as a vector of the node's width.
    pub(super) fn row(&mut self, node: NodeId, role: Part) -> Option<Term> {
        let id = self.declared(node, role)?;
        let cols = self.e.program().params[id.0 as usize].cols;
        Some(Term::Val(self.e.param(id, cols)))
    }

    /// All coordinates of the domain, in their own units.
    fn all_coords(&mut self) -> Val {
        match self.coords {
            Some(v) => v,
            None => {
                let v = self.e.input(0, self.model.coords.len() as u32);
                self.coords = Some(v);
                v
            }
        }
    }

    fn coord(&mut self, i: usize) -> Val {
        let all = self.all_coords();
        if self.model.coords.len() == 1 { all } else { self.e.slice(all, i as u32, 1) }
    }

    /// What a node computes; a signal, in the pass that it is simulated in.
    pub fn node(&mut self, id: NodeId) -> Term {
        self.at(id, self.passes[id])
    }

    /// As [`Lowering::node`], for a signal in this pass, which is not before its own.
    pub(super) fn at(&mut self, id: NodeId, pass: u32) -> Term {
        let pass = if self.net.nodes[id].kind == Kind::Static { self.passes[id] } else { pass };
        if let Some(t) = self.done.get(&(id, pass)) {
            return *t;
        }
        let term = self.emit(id, pass);
        self.done.insert((id, pass), term);
        term
    }

    /// As [`Lowering::at`], at the node's width.
    pub(super) fn value(&mut self, id: NodeId, pass: u32) -> Val {
        let term = self.at(id, pass);
        self.e.wide(term, self.widths[id])
    }

    /// New states and tables are of this pass from here on.
    pub(super) fn enter(&mut self, pass: u32) {
        self.e.pass = pass;
    }

    /// The program, with everything that goes back in time tied up.
    pub fn finish(mut self) -> Program {
        while let Some((state, node, pass)) = self.pending.pop() {
            let next = self.at(node, pass);
            self.e.set_next(state, next);
        }
        self.e.finish()
    }

    fn emit(&mut self, id: NodeId, pass: u32) -> Term {
        let net = self.net;
        let width = self.widths[id];
        match &net.nodes[id].op {
            NodeOp::Coords { coords, raw } => {
                let parts: Vec<Val> = coords.iter().flat_map(|c| self.entering(*c, *raw)).collect();
                Term::Val(if parts.len() == 1 { parts[0] } else { self.e.concat(&parts) })
            }
            NodeOp::Sensors(f) => Term::Val(self.e.input(1 + *f as u32, width)),
            NodeOp::Scalar(expr) => {
                let at: Vec<Val> = (0..self.model.coords.len()).map(|i| self.coord(i)).collect();
                self.e.expr(expr, &|v| match v {
                    crate::check::expr::Var::Coord(i) => Term::Val(at[*i]),
                    _ => unreachable!("the checker allows only coordinates here"),
                })
            }
            NodeOp::Current(x) => self.at(*x, pass),
            NodeOp::Tuned { x, curve, .. } => self.tuned(id, *x, *curve, width, pass),
            NodeOp::Dense { x, .. } => {
                let x = self.value(*x, pass);
                let product = match self.declared(id, Part::Unit(ir::UnitRole::Weight)) {
                    Some(weight) => Term::Val(self.e.dense(x, weight, width)),
                    None => unreachable!("every dense node declares its weight"),
                };
                match self.row(id, Part::Unit(ir::UnitRole::Bias)) {
                    Some(bias) => self.e.add(product, bias),
                    None => product,
                }
            }
            NodeOp::Affine { x, .. } => {
                let x = self.at(*x, pass);
                match (self.row(id, Part::Gain), self.row(id, Part::Bias)) {
                    (Some(gain), Some(bias)) => {
                        let scaled = self.e.mul(gain, x);
                        self.e.add(scaled, bias)
                    }
                    // A single unit at its start: gain 1, bias 0.
                    _ => x,
                }
            }
            NodeOp::Neuron { x, model, args } => {
                let neuron = &self.model.neurons[*model];
                // A network's numbers are plain: they count in the unit that the model gives its input.
                let input = self.at(*x, pass);
                let input = self.e.mul(Term::Num(neuron.input.hold(1.0)), input);
                let params: Vec<Term> = (0..neuron.params.len())
                    .map(|i| match self.frozen_at_start {
                        true => Term::Num(args[i]),
                        false => self.row(id, Part::Neuron(i)).unwrap_or(Term::Num(args[i])),
                    })
                    .collect();
                self.enter(pass);
                // A unit at its start has no parameters, and nobody asks for its derivative.
                let samples = self.declared(id, Part::Code).filter(|_| !self.frozen_at_start);
                let samples = samples.map(|p| self.e.row(p));
                let emitted = neuron::step(&mut self.e, neuron, &params, input, net.clock(id).dt, width, samples);
                if let Some(s) = emitted.spikes.filter(|_| pass == self.passes[id]) {
                    self.spikes.insert(id, s);
                }
                let names = neuron.states.iter().map(|s| s.name.as_str());
                self.named.extend(emitted.ids.iter().zip(names).map(|(state, name)| (*state, id, name)));
                self.membranes.insert((id, pass), emitted.states);
                emitted.out
            }
            NodeOp::Unary(f, x) => {
                let x = self.at(*x, pass);
                self.e.unary(*f, x)
            }
            NodeOp::Binary(f, a, b) => {
                let (a, b) = (self.at(*a, pass), self.at(*b, pass));
                self.e.binary(*f, a, b)
            }
            NodeOp::Ema { x, tau } => {
                let x = self.at(*x, pass);
                let keep = libm::exp(-net.clock(id).dt / tau);
                self.enter(pass);
                let (state, old) = self.e.state(Term::Num(0.0), width);
                let kept = self.e.mul(Term::Num(keep), Term::Val(old));
                let new = self.e.mul(Term::Num(1.0 - keep), x);
                let next = self.e.add(kept, new);
                self.e.set_next(state, next);
                next
            }
            NodeOp::Mean(x) => {
                let steps = net.clock(id).steps;
                self.decode("decoder", id, *x, vec![1.0 / f64::from(steps); steps as usize])
            }
            NodeOp::Sum(x) => self.decode("decoder", id, *x, vec![1.0; net.clock(id).steps as usize]),
            NodeOp::Last(x) => {
                let mut weights = vec![0.0; net.clock(id).steps as usize];
                if let Some(w) = weights.last_mut() {
                    *w = 1.0;
                }
                self.decode("decoder", id, *x, weights)
            }
            NodeOp::FirstSpike(x) => self.first_spike(*x),
            NodeOp::Legendre { x, moments } => self.legendre(id, *x, *moments),
            NodeOp::Population { x, fields, width, gain } => self.population(id, *x, *fields, *width, *gain),
            NodeOp::Triangular { x, units } => self.triangular(id, *x, *units, pass),
            NodeOp::Latency(x) => self.latency(id, *x, pass),
            NodeOp::Rate(x) => self.rate(id, *x, pass),
            NodeOp::Fourier { x, frequencies } => self.fourier(id, *x, *frequencies),
            NodeOp::Recurrent { x, feedback, .. } => self.recurrent(id, *x, *feedback, pass),
            NodeOp::Conv1d { x, inputs, channels, width, stride, .. } => {
                self.conv1d(id, *x, [*inputs, *channels, *width, *stride], pass)
            }
            NodeOp::Membrane { x, state } => {
                self.at(*x, pass);
                self.membranes[&(*x, pass)][*state]
            }
            NodeOp::Concat(parts) => {
                let parts: Vec<Val> = parts.iter().map(|n| self.value(*n, pass)).collect();
                Term::Val(self.e.concat(&parts))
            }
            NodeOp::Delay { x, steps } => self.delay(*x, *steps, width, pass),
            NodeOp::Dot(a, b) => {
                let (a, b) = (self.value(*a, pass), self.value(*b, pass));
                let products = self.e.mul(Term::Val(a), Term::Val(b));
                let products = self.e.wide(products, a.ty.width);
                Term::Val(self.e.sum(products))
            }
            NodeOp::Select { compare, lhs, rhs, then, otherwise } => {
                let (lhs, rhs) = (self.at(*lhs, pass), self.at(*rhs, pass));
                let (then, otherwise) = (self.at(*then, pass), self.at(*otherwise, pass));
                let mask = self.e.compare(*compare, lhs, rhs);
                self.e.select(mask, then, otherwise)
            }
        }
    }

    /// A coordinate as it is, or scaled to [-1, 1] over the domain; of a periodic one, sine and cosine of its phase.
    fn entering(&mut self, i: usize, raw: bool) -> Vec<Val> {
        let x = self.coord(i);
        if raw {
            return vec![x];
        }
        let c = &self.model.coords[i];
        // The subtraction first: it is exact near `lo`, however far from 0 the domain lies.
        let along = self.e.sub(Term::Val(x), Term::Num(c.lo));
        if c.periodic {
            let phase = self.e.mul(Term::Num(2.0 * std::f64::consts::PI / (c.hi - c.lo)), along);
            return [Unary::Sin, Unary::Cos]
                .map(|f| {
                    let part = self.e.unary(f, phase);
                    self.e.wide(part, 1)
                })
                .to_vec();
        }
        let scaled = self.e.mul(Term::Num(2.0 / (c.hi - c.lo)), along);
        let shifted = self.e.add(scaled, Term::Num(-1.0));
        vec![self.e.wide(shifted, 1)]
    }

    fn tuned(&mut self, id: NodeId, x: NodeId, curve: TuningCurve, width: u32, pass: u32) -> Term {
        let x = self.value(x, pass);
        let part = |l: &mut Self, role| l.row(id, Part::Unit(role)).unwrap_or(Term::Num(0.0));
        let Some(weight) = self.declared(id, Part::Unit(ir::UnitRole::Weight)) else {
            unreachable!("every tuned node declares its weight")
        };
        let product = Term::Val(self.e.dense(x, weight, width));
        let phase = part(self, ir::UnitRole::Phase);
        let angle = self.e.add(product, phase);
        let tuned = match curve {
            TuningCurve::Ramp => angle,
            TuningCurve::Sine => self.e.unary(Unary::Sin, angle),
            TuningCurve::Mixed => {
                let sine = part(self, ir::UnitRole::Sine);
                let is_sine = self.e.compare(Compare::Gt, sine, Term::Num(0.5));
                let wave = self.e.unary(Unary::Sin, angle);
                self.e.select(is_sine, wave, angle)
            }
        };
        let gain = part(self, ir::UnitRole::Gain);
        let bias = part(self, ir::UnitRole::Bias);
        let scaled = self.e.mul(gain, tuned);
        self.e.add(scaled, bias)
    }

    /// Sum over steps of weight times signal. Traces before the decoder are folded into the weights.
    pub(super) fn decode(&mut self, table: &str, id: NodeId, mut x: NodeId, mut weights: Vec<f64>) -> Term {
        while let NodeOp::Ema { x: inner, tau } = &self.net.nodes[x].op {
            let keep = libm::exp(-self.net.clock(x).dt / tau);
            let mut later = 0.0;
            for w in weights.iter_mut().rev() {
                later = *w + keep * later;
                *w = (1.0 - keep) * later;
            }
            x = *inner;
        }
        let n = weights.len();
        let only_last = weights[..n - 1].iter().all(|w| *w == 0.0);
        let constant = weights.iter().all(|w| *w == weights[0]);
        let signal = self.node(x);
        self.enter(self.passes[x]);
        // The same in every step: nothing to add up.
        if !matches!(signal, Term::Val(Val { region: Region::Step(_), .. })) {
            return self.e.mul(Term::Num(weights.iter().sum()), signal);
        }
        if constant && !only_last {
            let total = Term::Val(self.total(x, signal));
            return self.e.mul(Term::Num(weights[0]), total);
        }
        let (state, old) = self.e.state(Term::Num(0.0), self.widths[x]);
        if only_last {
            self.e.set_next(state, signal);
            let end = Term::Val(self.e.last(state));
            return self.e.mul(Term::Num(weights[n - 1]), end);
        }
        let weight = Term::Val(self.e.table(format!("{}.{table}", self.net.nodes[id].path), weights));
        let weighted = self.e.mul(weight, signal);
        let next = self.e.add(Term::Val(old), weighted);
        self.e.set_next(state, next);
        Term::Val(self.e.last(state))
    }

    /// A node's signal added up over all steps; one state, whoever asks.
    pub fn total(&mut self, node: NodeId, signal: Term) -> Val {
        if let Some(total) = self.totals.get(&node) {
            return *total;
        }
        self.enter(self.passes[node]);
        let (state, old) = self.e.state(Term::Num(0.0), self.widths[node]);
        let next = self.e.add(Term::Val(old), signal);
        self.e.set_next(state, next);
        let total = self.e.last(state);
        self.totals.insert(node, total);
        total
    }

    /// The spiking neuron node of a layer, if it has one: the last.
    pub fn spiking_node(&self, layer: usize) -> Option<NodeId> {
        let spiking = |n: &&NodeId| match &self.net.nodes[**n].op {
            NodeOp::Neuron { model, .. } => self.model.neurons[*model].spike.is_some(),
            _ => false,
        };
        self.net.layers[layer].owned.iter().rfind(spiking).copied()
    }

    /// Output `spikes.NAME`: the spikes of the layer's whole population in the whole simulation.
    pub fn count_spikes(&mut self, node: NodeId, name: &str) {
        self.node(node);
        let Some(spikes) = self.spikes.get(&node).copied() else { return };
        let total = self.total(node, spikes);
        let all = self.e.sum(total);
        self.output(name, Term::Val(all), 1);
    }

    /// Trace `spikes.NAME`.
    pub fn trace_spikes(&mut self, node: NodeId, name: &str) {
        self.node(node);
        let Some(spikes) = self.spikes.get(&node).copied() else { return };
        let width = self.widths[node];
        let mut recorded = self.e.wide(spikes, width);
        if recorded.region.is_straight() {
            // Spikes that follow from a constant current alone are known before the steps; traces are taken in them.
            self.enter(self.passes[node]);
            recorded = self.e.state(Term::Val(recorded), width).1;
        }
        self.e.program().traces.push(Output { name: name.into(), value: recorded.value });
    }

    pub fn output(&mut self, name: &str, term: Term, width: u32) {
        let value = self.e.wide(term, width).value;
        self.e.program().outputs.push(Output { name: name.into(), value });
    }

    pub fn width(&self, node: NodeId) -> u32 {
        self.widths[node]
    }
}
