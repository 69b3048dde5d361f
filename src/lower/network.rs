//! The network to programs.
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
use super::graph::depends;
use super::neuron;
use crate::check::model::{Init, Kind, Model, Network, NodeId, NodeOp, Trainable, TuningCurve};
use crate::func::{Binary, Compare, Unary};
use crate::ir::op::ParamId;
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
    /// A trainable parameter of the neuron model, by index; one a layer or one a neuron.
    Neuron(usize),
}

/// Emits nodes of the network into one program.
pub struct Lowering<'m> {
    pub e: Emit,
    pub model: &'m Model,
    pub net: &'m Network,
    widths: Vec<u32>,
    done: HashMap<NodeId, Term>,
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
        for f in &model.functions {
            program.inputs.push(Input { name: format!("sensors.{}", f.name), width: f.sensors });
        }
        if net.nodes.iter().any(|n| n.kind == Kind::Signal) {
            program.passes = vec![Pass::new(net.steps)];
        }
        let widths = widths(net, resize);
        let mut l = Lowering {
            e: Emit::new(program),
            model,
            net,
            widths,
            done: HashMap::new(),
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
        program.passes = vec![Pass::new(net.steps)];
        let mut e = Emit::new(program);
        let current = e.input(0, 1);
        Lowering {
            e,
            model,
            net,
            widths: widths(net, Some(Resize { node: mixing, units: 1 })),
            done: HashMap::from([(mixing, Term::Val(current))]),
            spikes: HashMap::new(),
            totals: HashMap::new(),
            params: vec![],
            unknowns: vec![],
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
                let neuron = &self.model.neurons[*model];
                // A network's numbers are plain: they count in the unit that the model gives its input.
                let input = self.node(*x);
                let input = self.e.mul(Term::Num(neuron.input.hold(1.0)), input);
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
        let n = weights.len();
        let only_last = weights[..n - 1].iter().all(|w| *w == 0.0);
        let constant = weights.iter().all(|w| *w == weights[0]);
        let signal = self.node(x);
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
        let weight = Term::Val(self.e.table(format!("{}.decoder", self.net.nodes[id].path), weights));
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
            recorded = self.e.state(Term::Val(recorded), width).1;
        }
        self.e.program().traces.push(Output { name: name.into(), value: recorded.value });
    }

    pub fn output(&mut self, name: &str, term: Term, width: u32) {
        let value = self.e.wide(term, width).value;
        self.e.program().outputs.push(Output { name: name.into(), value });
    }

    /// One element of a node.
    fn component(&mut self, node: NodeId, component: u32) -> Term {
        let term = self.node(node);
        match self.widths[node] {
            1 => term,
            width => {
                let value = self.e.wide(term, width);
                Term::Val(self.e.slice(value, component, 1))
            }
        }
    }

    /// An output for each field and unknown, by its name.
    pub fn fields(&mut self) {
        for field in &self.net.fields {
            let value = self.component(field.node, field.component);
            self.output(&field.name, value, 1);
        }
        for (k, unknown) in self.model.unknowns.iter().enumerate() {
            let value = Term::Val(self.e.param(self.unknowns[k], 1));
            self.output(&unknown.name, value, 1);
        }
    }

    /// The features of every field and how it is affine in them: outputs `phi.NAME`, `phi0.NAME`, `offset.NAME`.
    pub fn features(&mut self) {
        let net = self.net;
        for field in &net.fields {
            let named = |what: &str| format!("{what}.{}", field.name);
            let Some(readout) = field.readout else {
                let offset = self.component(field.node, field.component);
                self.output(&named("offset"), offset, 1);
                continue;
            };
            let Affine { slope, offset } = self.affine(field.node, field.component, readout);
            self.phi(&field.name, readout.0, slope);
            self.output(&named("phi0"), slope, 1);
            self.output(&named("offset"), offset, 1);
        }
        for unknown in &self.model.unknowns {
            self.output(&format!("phi0.{}", unknown.name), Term::Num(1.0), 1);
            self.output(&format!("offset.{}", unknown.name), Term::Num(0.0), 1);
        }
    }

    /// The features alone of the fields named by their places.
    pub fn pool(&mut self, fields: &[usize]) {
        for k in fields {
            let field = &self.net.fields[*k];
            let Some(readout) = field.readout else { unreachable!("only fields with a readout are fed") };
            let Affine { slope, .. } = self.affine(field.node, field.component, readout);
            self.phi(&field.name, readout.0, slope);
        }
    }

    fn phi(&mut self, field: &str, readout: NodeId, slope: Term) {
        let NodeOp::Dense { x, .. } = &self.net.nodes[readout].op else { unreachable!("a readout is a dense node") };
        let features = self.node(*x);
        let phi = self.e.mul(slope, features);
        self.output(&format!("phi.{field}"), phi, self.widths[*x]);
    }

    /// How an element of a node follows from the readout's value, carried through the graph: a difference of two evaluations
    /// would lose the slope beside a large offset.
    fn affine(&mut self, node: NodeId, component: u32, readout: (NodeId, u32)) -> Affine {
        let component = if self.widths[node] == 1 { 0 } else { component };
        if (node, component) == readout {
            return Affine { slope: Term::Num(1.0), offset: Term::Num(0.0) };
        }
        if !depends(self.net, node, readout.0) {
            return Affine { slope: Term::Num(0.0), offset: self.component(node, component) };
        }
        match &self.net.nodes[node].op {
            NodeOp::Unary(Unary::Neg, a) => {
                let a = self.affine(*a, component, readout);
                a.map(|t| self.e.unary(Unary::Neg, t))
            }
            NodeOp::Binary(f @ (Binary::Add | Binary::Sub), a, b) => {
                let (a, b) = (self.affine(*a, component, readout), self.affine(*b, component, readout));
                Affine { slope: self.e.binary(*f, a.slope, b.slope), offset: self.e.binary(*f, a.offset, b.offset) }
            }
            NodeOp::Binary(Binary::Mul, a, b) => {
                let (inside, factor) = if depends(self.net, *a, readout.0) { (*a, *b) } else { (*b, *a) };
                let inside = self.affine(inside, component, readout);
                let factor = self.component(factor, component);
                inside.map(|t| self.e.mul(factor, t))
            }
            NodeOp::Binary(Binary::Div, a, b) => {
                let (inside, divisor) = (self.affine(*a, component, readout), self.component(*b, component));
                inside.map(|t| self.e.binary(Binary::Div, t, divisor))
            }
            _ => unreachable!("the checker names a readout only where the output is affine in it"),
        }
    }

    pub fn width(&self, node: NodeId) -> u32 {
        self.widths[node]
    }
}

/// slope y + offset, of the readout's value y; both of width 1.
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

/// The width of each node, with one layer resized.
fn widths(net: &Network, resize: Option<Resize>) -> Vec<u32> {
    let mut out: Vec<u32> = vec![];
    for (id, node) in net.nodes.iter().enumerate() {
        let width = match &node.op {
            NodeOp::Tuned { .. } | NodeOp::Dense { .. } => match resize {
                Some(r) if r.node == id => r.units,
                _ => node.width,
            },
            // Everything else is as wide as the widest of what it uses.
            op => op.inputs().into_iter().map(|x| out[x]).max().unwrap_or(node.width),
        };
        out.push(width);
    }
    out
}
