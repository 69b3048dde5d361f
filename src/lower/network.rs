//! Networks to programs.
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
use super::graph::depends;
use super::neuron;
use crate::check::model::{Frequencies, Init, Kind, Model, Network, NodeId, NodeOp, Trainable, TuningCurve};
use crate::func::{Binary, Compare, Unary};
use crate::ir::op::{ParamId, StateId};
use crate::ir::problem as ir;
use crate::ir::program::{Input, Output, Pass, Program, Region};

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
    /// Centres, thresholds or frequencies of a code; not trained.
    Code,
    /// A trainable parameter of the neuron model, by index; one a layer or one a neuron.
    Neuron(usize),
}

/// Emits the nodes of one network into one program.
pub struct Lowering<'m> {
    pub e: Emit,
    pub model: &'m Model,
    pub net: &'m Network,
    widths: Vec<u32>,
    /// The pass that simulates a signal, or before which a static value is known; see [`Network::stages`].
    pub stages: Vec<u32>,
    /// What has been emitted, by node and pass; static values by their own stage.
    done: HashMap<(NodeId, u32), Term>,
    /// States of populations after the step.
    pub(super) membranes: HashMap<(NodeId, u32), Vec<Term>>,
    /// States that take the value of a node of this pass, once that is there.
    pub(super) pending: Vec<(StateId, NodeId, u32)>,
    /// Spikes of the neuron nodes emitted so far.
    pub spikes: HashMap<NodeId, Term>,
    /// Signals added up over all steps.
    totals: HashMap<NodeId, Val>,
    pub params: Vec<Declared>,
    pub init: Vec<ir::Init>,
    coords: Option<Val>,
    /// Use starting values in place of parameters.
    frozen_at_start: bool,
}

impl<'m> Lowering<'m> {
    /// A program with the network's parameters declared and nothing computed yet.
    pub fn new(model: &'m Model, net: &'m Network, name: &str, resize: Option<Resize>) -> Lowering<'m> {
        let mut program = Program::new(name);
        program.inputs.push(Input { name: "coords".into(), width: model.coords.len() as u32 });
        let stages = stages(net, None);
        program.passes = vec![Pass::new(net.steps); passes(net, &stages)];
        let widths = widths(net, resize);
        let mut l = Lowering {
            e: Emit::new(program),
            model,
            net,
            widths,
            stages,
            done: HashMap::new(),
            membranes: HashMap::new(),
            pending: vec![],
            spikes: HashMap::new(),
            totals: HashMap::new(),
            params: vec![],
            init: vec![],
            coords: None,
            frozen_at_start: false,
        };
        for node in 0..net.nodes.len() {
            l.declare(node);
        }
        l
    }

    /// A program without parameters: a single unit driven by a given current.
    pub fn single(model: &'m Model, net: &'m Network, mixing: NodeId) -> Lowering<'m> {
        let mut program = Program::new(format!("response of {}", net.nodes[mixing].path));
        program.inputs.push(Input { name: "current".into(), width: 1 });
        let stages = stages(net, Some(mixing));
        program.passes = vec![Pass::new(net.steps); passes(net, &stages)];
        let mut e = Emit::new(program);
        let current = e.input(0, 1);
        Lowering {
            e,
            model,
            net,
            widths: widths(net, Some(Resize { node: mixing, units: 1 })),
            stages,
            done: (0..net.nodes.len() as u32 + 1).map(|pass| ((mixing, pass), Term::Val(current))).collect(),
            membranes: HashMap::new(),
            pending: vec![],
            spikes: HashMap::new(),
            totals: HashMap::new(),
            params: vec![],
            init: vec![],
            coords: None,
            frozen_at_start: true,
        }
    }

    fn declare(&mut self, node: NodeId) {
        let n = &self.net.nodes[node];
        let width = self.widths[node];
        match &n.op {
            NodeOp::Tuned { x, curve, frozen } => {
                let group = node as u32;
                let curve = match curve {
                    TuningCurve::Ramp => ir::Curve::Ramp,
                    TuningCurve::Sine => ir::Curve::Sine,
                    TuningCurve::Mixed => ir::Curve::Mixed,
                };
                let rows = self.widths[*x];
                let mut parts = vec![
                    ("weight", ir::UnitRole::Weight),
                    ("phase", ir::UnitRole::Phase),
                    ("gain", ir::UnitRole::Gain),
                    ("bias", ir::UnitRole::Bias),
                ];
                if curve == ir::Curve::Mixed {
                    parts.push(("sine", ir::UnitRole::Sine));
                }
                for (name, role) in parts {
                    let rows = if role == ir::UnitRole::Weight { rows } else { 1 };
                    let trainable = !frozen && role != ir::UnitRole::Sine;
                    self.add(
                        node,
                        name,
                        rows,
                        width,
                        trainable,
                        Part::Unit(role),
                        ir::Init::Tuned { group, role, curve },
                    );
                }
            }
            NodeOp::Dense { x, weight, bias, frozen } => {
                let fan_in = self.widths[*x];
                let part = Part::Unit(ir::UnitRole::Weight);
                self.add(node, "weight", fan_in, width, !frozen, part, start(weight, fan_in));
                if let Some(bias) = bias {
                    self.add(node, "bias", 1, width, !frozen, Part::Unit(ir::UnitRole::Bias), start(bias, fan_in));
                }
            }
            NodeOp::Recurrent { x, feedback, weight, recurrent, bias, frozen } => {
                let (fan_in, back) = (self.widths[*x], self.widths[*feedback]);
                let role = Part::Unit(ir::UnitRole::Weight);
                self.add(node, "weight", fan_in, width, !frozen, role, start(weight, fan_in));
                self.add(node, "recurrent", back, width, !frozen, Part::Recurrent, start(recurrent, back));
                if let Some(bias) = bias {
                    self.add(node, "bias", 1, width, !frozen, Part::Unit(ir::UnitRole::Bias), start(bias, fan_in));
                }
            }
            NodeOp::Conv1d { inputs, channels, width: window, weight, bias, frozen, .. } => {
                let fan_in = inputs * window;
                let role = Part::Unit(ir::UnitRole::Weight);
                self.add(node, "weight", fan_in, *channels, !frozen, role, start(weight, fan_in));
                if let Some(bias) = bias {
                    self.add(node, "bias", 1, *channels, !frozen, Part::Unit(ir::UnitRole::Bias), start(bias, fan_in));
                }
            }
            NodeOp::Population { fields, .. } => {
                self.add(node, "centres", 1, *fields, false, Part::Code, ir::Init::Ramp(-1.0, 1.0));
            }
            NodeOp::Triangular { units, .. } => {
                let half = 0.5 / f64::from(*units);
                self.add(node, "centres", 1, *units, false, Part::Code, ir::Init::Ramp(half, 1.0 - half));
            }
            NodeOp::Rate(_) => {
                self.add(node, "thresholds", self.net.steps, width, false, Part::Code, ir::Init::Uniform(0.0, 1.0));
            }
            NodeOp::Fourier { x, frequencies } => match *frequencies {
                Frequencies::Random { count, scale } => {
                    let rows = self.widths[*x];
                    self.add(node, "frequencies", rows, count, false, Part::Code, ir::Init::Normal(scale));
                }
                Frequencies::Fixed { count } => {
                    let init = ir::Init::Ramp(1.0, f64::from(count));
                    let init = if count == 1 { ir::Init::Constant(1.0) } else { init };
                    self.add(node, "frequencies", 1, count, false, Part::Code, init);
                }
            },
            NodeOp::Affine { frozen, .. } => {
                self.add(node, "gain", 1, width, !frozen, Part::Gain, ir::Init::Constant(1.0));
                self.add(node, "bias", 1, width, !frozen, Part::Bias, ir::Init::Constant(0.0));
            }
            NodeOp::Neuron { model, args, .. } => {
                let neuron = &self.model.neurons[*model];
                for (i, p) in neuron.params.iter().enumerate() {
                    let cols = match p.trainable {
                        None => continue,
                        Some(Trainable::PerLayer) => 1,
                        Some(Trainable::PerNeuron) => width,
                    };
                    self.add(node, &p.name, 1, cols, true, Part::Neuron(i), ir::Init::Constant(args[i]));
                }
            }
            _ => {}
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn add(&mut self, node: NodeId, name: &str, rows: u32, cols: u32, trainable: bool, role: Part, init: ir::Init) {
        let name = format!("{}.{name}", self.net.nodes[node].path);
        let id = self.e.declare(name, rows, cols, trainable);
        self.params.push(Declared { node, role, id });
        self.init.push(init);
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
        self.at(id, self.stages[id])
    }

    /// As [`Lowering::node`], for a signal in this pass, which is not before its own.
    pub(super) fn at(&mut self, id: NodeId, pass: u32) -> Term {
        let pass = if self.net.nodes[id].kind == Kind::Static { self.stages[id] } else { pass };
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
                let parts: Vec<Val> = coords.iter().map(|c| self.scaled(*c, *raw)).collect();
                Term::Val(if parts.len() == 1 { parts[0] } else { self.e.concat(&parts) })
            }
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
                let input = self.at(*x, pass);
                let neuron = &self.model.neurons[*model];
                let params: Vec<Term> = (0..neuron.params.len())
                    .map(|i| match self.frozen_at_start {
                        true => Term::Num(args[i]),
                        false => self.row(id, Part::Neuron(i)).unwrap_or(Term::Num(args[i])),
                    })
                    .collect();
                self.enter(pass);
                let emitted = neuron::step(&mut self.e, neuron, &params, input, net.dt, width);
                if let Some(s) = emitted.spikes.filter(|_| pass == self.stages[id]) {
                    self.spikes.insert(id, s);
                }
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
                let keep = libm::exp(-net.dt / tau);
                self.enter(pass);
                let (state, old) = self.e.state(Term::Num(0.0), width);
                let kept = self.e.mul(Term::Num(keep), Term::Val(old));
                let new = self.e.mul(Term::Num(1.0 - keep), x);
                let next = self.e.add(kept, new);
                self.e.set_next(state, next);
                next
            }
            NodeOp::Mean(x) => self.decode("decoder", id, *x, vec![1.0 / net.steps as f64; net.steps as usize]),
            NodeOp::Sum(x) => self.decode("decoder", id, *x, vec![1.0; net.steps as usize]),
            NodeOp::Last(x) => {
                let mut weights = vec![0.0; net.steps as usize];
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

    /// A coordinate scaled to [-1, 1] over the domain.
    fn scaled(&mut self, i: usize, raw: bool) -> Val {
        let x = self.coord(i);
        if raw {
            return x;
        }
        let c = &self.model.coords[i];
        // The subtraction first: it is exact near `lo`, however far from 0 the domain lies.
        let along = self.e.sub(Term::Val(x), Term::Num(c.lo));
        let scaled = self.e.mul(Term::Num(2.0 / (c.hi - c.lo)), along);
        let shifted = self.e.add(scaled, Term::Num(-1.0));
        self.e.wide(shifted, 1)
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
            let keep = libm::exp(-self.net.dt / tau);
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
        self.enter(self.stages[x]);
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
        self.enter(self.stages[node]);
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
            self.enter(self.stages[node]);
            recorded = self.e.state(Term::Val(recorded), width).1;
        }
        self.e.program().traces.push(Output { name: name.into(), value: recorded.value });
    }

    pub fn output(&mut self, name: &str, term: Term, width: u32) {
        let value = self.e.wide(term, width).value;
        self.e.program().outputs.push(Output { name: name.into(), value });
    }

    /// The features and how the output is affine in them: outputs `phi`, `phi0`, `offset`.
    pub fn features(&mut self, readout: NodeId) {
        let NodeOp::Dense { x, .. } = &self.net.nodes[readout].op else { unreachable!("the readout is a dense node") };
        let features = self.node(*x);
        let Affine { slope, mut offset } = self.affine(self.net.output, readout);
        let (inputs, outputs) = (self.widths[*x], self.widths[readout]);
        if outputs == 1 {
            let phi = self.e.mul(slope, features);
            self.output("phi", phi, inputs);
            self.output("phi0", slope, 1);
        } else {
            // A column for each weight, in the order of the weights; the biases stay as they are.
            if let Some(bias) = self.row(readout, Part::Unit(ir::UnitRole::Bias)) {
                let parts = self.e.mul(slope, bias);
                let parts = self.e.wide(parts, outputs);
                let sum = Term::Val(self.e.sum(parts));
                offset = self.e.add(offset, sum);
            }
            let features = self.e.wide(features, inputs);
            let columns: Vec<Val> = (0..inputs)
                .map(|i| {
                    let input = if inputs == 1 { features } else { self.e.slice(features, i, 1) };
                    let column = self.e.mul(Term::Val(input), slope);
                    self.e.wide(column, outputs)
                })
                .collect();
            let phi = Term::Val(self.e.concat(&columns));
            self.output("phi", phi, inputs * outputs);
            self.output("phi0", Term::Num(0.0), 1);
        }
        self.output("offset", offset, 1);
    }

    /// How a node follows from the readout's value, carried through the graph: a difference of two evaluations would lose
    /// the slope beside a large offset.
    fn affine(&mut self, node: NodeId, readout: NodeId) -> Affine {
        if node == readout {
            return Affine { slope: Term::Num(1.0), offset: Term::Num(0.0) };
        }
        if !depends(self.net, node, readout) {
            return Affine { slope: Term::Num(0.0), offset: self.node(node) };
        }
        match &self.net.nodes[node].op {
            NodeOp::Unary(Unary::Neg, a) => {
                let a = self.affine(*a, readout);
                a.map(|t| self.e.unary(Unary::Neg, t))
            }
            NodeOp::Binary(f @ (Binary::Add | Binary::Sub), a, b) => {
                let (a, b) = (self.affine(*a, readout), self.affine(*b, readout));
                Affine { slope: self.e.binary(*f, a.slope, b.slope), offset: self.e.binary(*f, a.offset, b.offset) }
            }
            NodeOp::Binary(Binary::Mul, a, b) => {
                let (inside, factor) = if depends(self.net, *a, readout) { (*a, *b) } else { (*b, *a) };
                let (inside, factor) = (self.affine(inside, readout), self.node(factor));
                inside.map(|t| self.e.mul(factor, t))
            }
            NodeOp::Binary(Binary::Div, a, b) => {
                let (inside, divisor) = (self.affine(*a, readout), self.node(*b));
                inside.map(|t| self.e.binary(Binary::Div, t, divisor))
            }
            NodeOp::Dot(a, b) => {
                let (inside, other) = if depends(self.net, *a, readout) { (*a, *b) } else { (*b, *a) };
                let width = self.widths[inside];
                let other = Term::Val(self.value(other, self.stages[other]));
                let Affine { slope, offset } = self.affine(inside, readout);
                let slope = self.e.mul(slope, other);
                let parts = self.e.mul(offset, other);
                let offset = match parts {
                    Term::Num(0.0) => parts,
                    parts => {
                        let parts = self.e.wide(parts, width);
                        Term::Val(self.e.sum(parts))
                    }
                };
                Affine { slope, offset }
            }
            _ => unreachable!("the checker names a readout only where the output is affine in it"),
        }
    }

    pub fn width(&self, node: NodeId) -> u32 {
        self.widths[node]
    }
}

/// slope y + offset, of the readout's value y: element by element, and once through a `dot` the sum over the elements.
struct Affine {
    slope: Term,
    offset: Term,
}

impl Affine {
    fn map(self, mut f: impl FnMut(Term) -> Term) -> Affine {
        Affine { slope: f(self.slope), offset: f(self.offset) }
    }
}

fn start(init: &Init, fan_in: u32) -> ir::Init {
    match *init {
        Init::Constant(c) => ir::Init::Constant(c),
        Init::Normal(s) => ir::Init::Normal(s),
        Init::Uniform(a, b) => ir::Init::Uniform(a, b),
        Init::FanIn => {
            let r = (3.0 / fan_in.max(1) as f64).sqrt();
            ir::Init::Uniform(-r, r)
        }
    }
}

/// The passes are known to end: the checker has seen to it.
fn stages(net: &Network, given: Option<NodeId>) -> Vec<u32> {
    net.stages(given).unwrap_or_else(|n| unreachable!("the decoder {n} depends on itself"))
}

/// One for each stage that a signal is in.
fn passes(net: &Network, stages: &[u32]) -> usize {
    let signals = net.nodes.iter().zip(stages).filter(|(n, _)| n.kind == Kind::Signal);
    signals.map(|(_, s)| *s as usize + 1).max().unwrap_or(0)
}

/// The width of each node, with one layer resized.
fn widths(net: &Network, resize: Option<Resize>) -> Vec<u32> {
    let mut out: Vec<u32> = vec![];
    for (id, node) in net.nodes.iter().enumerate() {
        let width = match &node.op {
            NodeOp::Tuned { .. } | NodeOp::Dense { .. } => match resize {
                Some(r) if r.node == id => r.units,
                _ => node.width,
            },
            // Only what acts on each unit alone follows a layer that is resized: as wide as the widest of what it uses.
            NodeOp::Affine { .. }
            | NodeOp::Neuron { .. }
            | NodeOp::Unary(..)
            | NodeOp::Binary(..)
            | NodeOp::Current(_)
            | NodeOp::Ema { .. }
            | NodeOp::Membrane { .. }
            | NodeOp::Mean(_)
            | NodeOp::Last(_)
            | NodeOp::Sum(_)
            | NodeOp::FirstSpike(_) => node.op.inputs().into_iter().map(|x| out[x]).max().unwrap_or(node.width),
            _ => node.width,
        };
        out.push(width);
    }
    out
}
