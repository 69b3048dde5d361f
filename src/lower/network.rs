//! Networks to programs.
//!
//! Static values stand in `init`, signals in `step`, what follows a decoder in `finish`. Nodes are emitted on demand, so that
//! the same graph yields the whole network, its features alone, a block of candidates of one layer, or one unit driven by a
//! given current; the parameter list is declared up front and is the same for all but the last.
//!
//! A decoder over traces (`ema |> mean`) is linear in the spikes, so it becomes one weighted sum over time:
//!
//! ```text
//! h |> ema(tau = 20) |> mean     ->     acc = acc + table[step] * spikes
//! ```

use std::collections::HashMap;

use super::emit::{Emit, Term, Val};
use super::neuron;
use crate::check::model::{Init, Kind, Model, Network, NodeId, NodeOp, Trainable, TuningCurve};
use crate::func::{Compare, Unary};
use crate::ir::op::ParamId;
use crate::ir::problem as ir;
use crate::ir::program::{Input, Output, Program};

/// A layer's mixing node made wider or narrower than the program says.
#[derive(Clone, Copy)]
pub struct Resize {
    pub node: NodeId,
    pub units: u32,
}

/// The parameters of a node.
#[derive(Clone, Copy)]
struct Declared {
    node: NodeId,
    role: Part,
    id: ParamId,
}

/// What part a parameter plays in its node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Unit(ir::UnitRole),
    /// Gain and bias of `affine`.
    Gain,
    Bias,
    /// A trainable parameter of the neuron model, by index; one a layer or one a neuron.
    Neuron(usize),
}

/// Emits the nodes of one network into one program.
pub struct Lowering<'m> {
    pub e: Emit,
    model: &'m Model,
    net: &'m Network,
    widths: Vec<u32>,
    done: HashMap<NodeId, Term>,
    /// Spikes of the neuron nodes emitted so far.
    spikes: HashMap<NodeId, Term>,
    params: Vec<Declared>,
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
        if net.nodes.iter().any(|n| n.kind == Kind::Signal) {
            program.steps = net.steps;
        }
        let widths = widths(net, resize);
        let mut l = Lowering {
            e: Emit::new(program),
            model,
            net,
            widths,
            done: HashMap::new(),
            spikes: HashMap::new(),
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
    fn single(model: &'m Model, net: &'m Network, mixing: NodeId) -> Lowering<'m> {
        let mut program = Program::new(format!("response of {}", net.nodes[mixing].path));
        program.inputs.push(Input { name: "current".into(), width: 1 });
        program.steps = net.steps;
        let mut e = Emit::new(program);
        let current = e.input(0, 1);
        Lowering {
            e,
            model,
            net,
            widths: widths(net, Some(Resize { node: mixing, units: 1 })),
            done: HashMap::from([(mixing, Term::Val(current))]),
            spikes: HashMap::new(),
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

    fn declared(&self, node: NodeId, role: Part) -> Option<ParamId> {
        self.params.iter().find(|p| p.node == node && p.role == role).map(|p| p.id)
    }

    /// Parameters of these nodes, in order.
    pub fn params_of(&self, nodes: &[NodeId]) -> Vec<ParamId> {
        self.params.iter().filter(|p| nodes.contains(&p.node)).map(|p| p.id).collect()
    }

    /// A parameter of one row as a vector of the node's width.
    fn row(&mut self, node: NodeId, role: Part) -> Option<Term> {
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

    /// What a node computes.
    pub fn node(&mut self, id: NodeId) -> Term {
        if let Some(t) = self.done.get(&id) {
            return *t;
        }
        let term = self.emit(id);
        self.done.insert(id, term);
        term
    }

    /// As [`Lowering::node`], at the node's width.
    pub fn value(&mut self, id: NodeId) -> Val {
        let term = self.node(id);
        self.e.wide(term, self.widths[id])
    }

    fn emit(&mut self, id: NodeId) -> Term {
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
            NodeOp::Current(x) => self.node(*x),
            NodeOp::Tuned { x, curve, .. } => self.tuned(id, *x, *curve, width),
            NodeOp::Dense { x, .. } => {
                let x = self.value(*x);
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
                let x = self.node(*x);
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
                let input = self.node(*x);
                let neuron = &self.model.neurons[*model];
                let params: Vec<Term> = (0..neuron.params.len())
                    .map(|i| match self.frozen_at_start {
                        true => Term::Num(args[i]),
                        false => self.row(id, Part::Neuron(i)).unwrap_or(Term::Num(args[i])),
                    })
                    .collect();
                let emitted = neuron::step(&mut self.e, neuron, &params, input, net.dt, width);
                if let Some(s) = emitted.spikes {
                    self.spikes.insert(id, s);
                }
                emitted.out
            }
            NodeOp::Unary(f, x) => {
                let x = self.node(*x);
                self.e.unary(*f, x)
            }
            NodeOp::Binary(f, a, b) => {
                let (a, b) = (self.node(*a), self.node(*b));
                self.e.binary(*f, a, b)
            }
            NodeOp::Ema { x, tau } => {
                let x = self.node(*x);
                let keep = libm::exp(-net.dt / tau);
                let (state, old) = self.e.state(Term::Num(0.0), width);
                let kept = self.e.mul(Term::Num(keep), Term::Val(old));
                let new = self.e.mul(Term::Num(1.0 - keep), x);
                let next = self.e.add(kept, new);
                self.e.set_next(state, next);
                next
            }
            NodeOp::Mean(x) => self.decode(id, *x, vec![1.0 / net.steps as f64; net.steps as usize]),
            NodeOp::Sum(x) => self.decode(id, *x, vec![1.0; net.steps as usize]),
            NodeOp::Last(x) => {
                let mut weights = vec![0.0; net.steps as usize];
                if let Some(w) = weights.last_mut() {
                    *w = 1.0;
                }
                self.decode(id, *x, weights)
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
        let slope = 2.0 / (c.hi - c.lo);
        let scaled = self.e.mul(Term::Num(slope), Term::Val(x));
        let shifted = self.e.add(scaled, Term::Num(-(c.hi + c.lo) / (c.hi - c.lo)));
        self.e.wide(shifted, 1)
    }

    fn tuned(&mut self, id: NodeId, x: NodeId, curve: TuningCurve, width: u32) -> Term {
        let x = self.value(x);
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
    fn decode(&mut self, id: NodeId, mut x: NodeId, mut weights: Vec<f64>) -> Term {
        while let NodeOp::Ema { x: inner, tau } = &self.net.nodes[x].op {
            let keep = libm::exp(-self.net.dt / tau);
            let mut later = 0.0;
            for w in weights.iter_mut().rev() {
                later = *w + keep * later;
                *w = (1.0 - keep) * later;
            }
            x = *inner;
        }
        let width = self.widths[x];
        let signal = self.node(x);
        let (state, old) = self.e.state(Term::Num(0.0), width);
        let n = weights.len();
        let only_last = weights[..n - 1].iter().all(|w| *w == 0.0);
        let constant = weights.iter().all(|w| *w == weights[0]);
        if only_last {
            self.e.set_next(state, signal);
        } else if constant {
            let next = self.e.add(Term::Val(old), signal);
            self.e.set_next(state, next);
        } else {
            let weight = Term::Val(self.e.table(format!("{}.decoder", self.net.nodes[id].path), weights.clone()));
            let weighted = self.e.mul(weight, signal);
            let next = self.e.add(Term::Val(old), weighted);
            self.e.set_next(state, next);
        }
        let end = Term::Val(self.e.last(state));
        let factor = if only_last { weights[n - 1] } else { weights[0] };
        if only_last || constant { self.e.mul(Term::Num(factor), end) } else { end }
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
        let width = self.widths[node];
        let (state, old) = self.e.state(Term::Num(0.0), width);
        let next = self.e.add(Term::Val(old), spikes);
        self.e.set_next(state, next);
        let end = self.e.last(state);
        let total = self.e.sum(end);
        self.output(name, Term::Val(total), 1);
    }

    /// Trace `spikes.NAME`.
    pub fn trace_spikes(&mut self, node: NodeId, name: &str) {
        self.node(node);
        if let Some(spikes) = self.spikes.get(&node).copied() {
            let value = self.e.wide(spikes, self.widths[node]).value;
            self.e.program().traces.push(Output { name: name.into(), value });
        }
    }

    pub fn output(&mut self, name: &str, term: Term, width: u32) {
        let value = self.e.wide(term, width).value;
        self.e.program().outputs.push(Output { name: name.into(), value });
    }

    /// The features and how the output is affine in them: outputs `phi`, `phi0`, `offset`.
    pub fn features(&mut self, readout: NodeId) {
        let NodeOp::Dense { x, .. } = &self.net.nodes[readout].op else { unreachable!("the readout is a dense node") };
        let x = *x;
        let features = self.node(x);
        // The output at a readout of 0 and of 1; everything before the readout is shared.
        let before = self.done.clone();
        let at = |l: &mut Self, y: f64| {
            l.done = before.clone();
            l.done.insert(readout, Term::Num(y));
            l.node(l.net.output)
        };
        let (zero, one) = (at(self, 0.0), at(self, 1.0));
        let factor = self.e.sub(one, zero);
        let width = self.widths[x];
        let phi = self.e.mul(factor, features);
        self.output("phi", phi, width);
        self.output("phi0", factor, 1);
        self.output("offset", zero, 1);
    }

    pub fn width(&self, node: NodeId) -> u32 {
        self.widths[node]
    }
}

/// A unit of the layer driven by a given current, or `None` if nothing but that current should matter and more does, or if
/// there is no neuron to drive.
pub fn response(model: &Model, net: &Network, mixing: NodeId, readout: NodeId) -> Option<Program> {
    let NodeOp::Dense { x: features, .. } = &net.nodes[readout].op else { return None };
    let between = between(net, mixing, *features)?;
    let neuron = between.iter().rfind(|n| matches!(net.nodes[**n].op, NodeOp::Neuron { .. })).copied()?;
    let mut l = Lowering::single(model, net, mixing);
    let term = l.node(*features);
    // For spiking units the response is the number of spikes: monotone in the current whatever the decoder.
    l.node(neuron);
    match l.spikes.get(&neuron).copied() {
        Some(spikes) => {
            let (state, old) = l.e.state(Term::Num(0.0), 1);
            let next = l.e.add(Term::Val(old), spikes);
            l.e.set_next(state, next);
            let end = l.e.last(state);
            l.output("response", Term::Val(end), 1);
        }
        None => l.output("response", term, 1),
    }
    Some(l.e.finish())
}

/// The nodes on the way from `from` (not included) to `to`, if nothing else but numbers enters the way.
pub fn between(net: &Network, from: NodeId, to: NodeId) -> Option<Vec<NodeId>> {
    let mut way = vec![];
    fn walk(net: &Network, from: NodeId, at: NodeId, way: &mut Vec<NodeId>) -> bool {
        if at == from {
            return true;
        }
        let inside = match &net.nodes[at].op {
            NodeOp::Scalar(e) => return !e.any_var(|_| true),
            NodeOp::Binary(_, a, b) => walk(net, from, *a, way) && walk(net, from, *b, way),
            NodeOp::Current(x)
            | NodeOp::Affine { x, .. }
            | NodeOp::Neuron { x, .. }
            | NodeOp::Unary(_, x)
            | NodeOp::Ema { x, .. }
            | NodeOp::Mean(x)
            | NodeOp::Last(x)
            | NodeOp::Sum(x) => walk(net, from, *x, way),
            NodeOp::Coords { .. } | NodeOp::Tuned { .. } | NodeOp::Dense { .. } => false,
        };
        if inside && !way.contains(&at) {
            way.push(at);
        }
        inside
    }
    walk(net, from, to, &mut way).then_some(way)
}

/// The parameters that belong to one unit each: of the mixing node and of what follows it.
pub fn unit_params(l: &Lowering<'_>, mixing: NodeId, readout: NodeId) -> Vec<ir::UnitParam> {
    let NodeOp::Dense { x: features, .. } = &l.net.nodes[readout].op else { return vec![] };
    let following = between(l.net, mixing, *features).unwrap_or_default();
    let mut out = vec![];
    for p in &l.params {
        let role = match p.role {
            Part::Unit(role) if p.node == mixing => role,
            Part::Gain | Part::Bias | Part::Neuron(_) if following.contains(&p.node) => ir::UnitRole::Neuron,
            _ => continue,
        };
        let node = &l.net.nodes[p.node];
        let per_unit = match (&node.op, p.role) {
            (NodeOp::Neuron { model, .. }, Part::Neuron(i)) => {
                l.model.neurons[*model].params[i].trainable == Some(Trainable::PerNeuron)
            }
            _ => true,
        };
        if per_unit {
            out.push(ir::UnitParam { param: p.id, role });
        }
    }
    out
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

/// The width of each node, with one layer resized.
fn widths(net: &Network, resize: Option<Resize>) -> Vec<u32> {
    let mut out: Vec<u32> = vec![];
    for (id, node) in net.nodes.iter().enumerate() {
        let width = match &node.op {
            NodeOp::Tuned { .. } | NodeOp::Dense { .. } => match resize {
                Some(r) if r.node == id => r.units,
                _ => node.width,
            },
            NodeOp::Coords { .. } | NodeOp::Scalar(_) => node.width,
            NodeOp::Binary(_, a, b) => out[*a].max(out[*b]),
            NodeOp::Current(x)
            | NodeOp::Affine { x, .. }
            | NodeOp::Neuron { x, .. }
            | NodeOp::Unary(_, x)
            | NodeOp::Ema { x, .. }
            | NodeOp::Mean(x)
            | NodeOp::Last(x)
            | NodeOp::Sum(x) => out[*x],
        };
        out.push(width);
    }
    out
}
