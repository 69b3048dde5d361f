//! A network as a NIR graph, or all that keeps it from being one.
//!
//! ```text
//! layer h = current(x) |> dense(8) |> hard(tau = 20)      input -> h_dense (Affine) -> h_hard (LIF)
//! output  = h |> ema(tau = 20) |> mean |> dense(1)            -> output_ema (LI) -> output_dense (Affine) -> output
//! ```
//!
//! The inputs are the coordinates, the same in every step. A field is static; the graph's output is the signal whose mean (sum,
//! last value) over the steps it is, since everything behind the decoder is affine: `decoder` and `steps` stand in the metadata of the
//! output node, the step `dt` in that of the graph. In a loop the value of the step before comes in, which is how simulators read
//! a loop; what says otherwise is refused.

use super::dynamics::{Population, Unsaid};
use super::flow::{Builder, Decoder, Flow, Matrix};
use super::graph::{Graph, Node, Value};
use crate::check::calculus::evaluate;
use crate::check::expr::{Expr, Var};
use crate::check::linear::linear_in;
use crate::check::model::{Kind, Model, NodeId, NodeOp, TuningCurve};
use crate::diag::{Diagnostic, Sink, interchange as say};
use crate::func::{Binary, Unary};
use crate::ir::program::Program;

/// What is written, and how.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The graph's inputs are what the encoders put out, not the coordinates.
    pub currents: bool,
    /// A reset by subtraction is written into metadata.
    pub subtractive: bool,
    /// Seconds of a unit of time in a program without units.
    pub seconds: f64,
}

/// A network's weights: the parameter list of its program, and their values in that order.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    pub program: &'a Program,
    pub values: &'a [f64],
}

impl Weights<'_> {
    /// Rows, columns and values, row-major.
    fn of(&self, name: &str) -> Option<(usize, usize, &[f64])> {
        let id = self.program.param_by_name(name)?;
        let at = self.program.param_offset(id);
        let p = &self.program.params[id.0 as usize];
        Some((p.rows as usize, p.cols as usize, &self.values[at..at + p.len()]))
    }
}

/// # Errors
/// Everything in the network that NIR cannot say, in source order.
pub fn export(model: &Model, weights: Weights<'_>, options: Options) -> Result<Graph, Vec<Diagnostic>> {
    let mut e = Export {
        model,
        weights,
        options,
        build: Builder::default(),
        done: vec![None; model.network.nodes.len()],
        inputs: vec![],
        waiting: vec![],
        sink: Sink::default(),
    };
    e.fields();
    e.close_loops();
    if e.sink.has_errors() {
        return Err(e.sink.into_sorted());
    }
    Ok(e.finish())
}

struct Export<'a> {
    model: &'a Model,
    weights: Weights<'a>,
    options: Options,
    build: Builder,
    done: Vec<Option<Flow>>,
    /// Coordinates that come in, in the domain's order, if any do.
    inputs: Vec<usize>,
    /// Nodes that take the value that a node had one step before.
    waiting: Vec<(String, NodeId, NodeId)>,
    sink: Sink,
}

/// Stands for the value of a node that is still to be written, by its number.
const LATER: &str = "@";

impl Export<'_> {
    fn steps(&self, id: NodeId) -> u32 {
        self.model.network.clock(id).steps
    }

    /// A step of this node's network, in seconds.
    fn dt(&self, id: NodeId) -> f64 {
        self.model.network.clock(id).dt * self.seconds()
    }

    /// Quantities are held in ms; numbers without a unit are worth what the caller says.
    fn seconds(&self) -> f64 {
        if self.model.neurons.iter().any(|n| n.timed) { 1e-3 } else { self.options.seconds }
    }

    fn refuse(&mut self, d: Diagnostic, width: usize) -> Flow {
        self.sink.push(d);
        Flow::constant(vec![f64::NAN; width])
    }

    fn fields(&mut self) {
        let net = &self.model.network;
        if let Some(other) = net.clocks.iter().find(|c| **c != net.clocks[0]) {
            let field = net.fields.iter().find(|f| net.clock(f.node) == *other).unwrap_or(&net.fields[0]);
            self.sink.push(say::two_clocks(field.span, &field.name));
            return;
        }
        if !self.options.currents {
            self.inputs = coordinates_in_use(self.model);
            if !self.inputs.is_empty() {
                let names: Vec<String> = (self.inputs.iter())
                    .map(|i| &self.model.coords[*i])
                    .map(|c| format!("{} in {} .. {}", c.name, c.lo, c.hi))
                    .collect();
                let node = Node::new("Input", vec![("shape", Value::shape(self.inputs.len()))]);
                self.build.add("input", node.note("coordinates", Value::text(names.join(", "))));
            }
        }
        // Outputs that are all values of one node are one output.
        let mut at = 0;
        while at < net.fields.len() {
            let first = &net.fields[at];
            let width = net.nodes[first.node].width as usize;
            let group = &net.fields[at..net.fields.len().min(at + width)];
            let whole = group.iter().enumerate().all(|(k, f)| f.node == first.node && f.component as usize == k);
            let (count, from) = if whole && group.len() == width { (width, 0) } else { (1, first.component as usize) };
            let names: Vec<&str> = net.fields[at..at + count].iter().map(|f| f.name.as_str()).collect();
            let flow = self.flow(first.node).rows(from, count);
            let name = if count == net.fields.len() { "output" } else { first.name.as_str() };
            let node = Node::new("Output", vec![("shape", Value::shape(count))])
                .note("fields", Value::text(names.join(", ")))
                .note("decoder", Value::text(flow.decoded.map_or("last", Decoder::name)))
                .note("steps", Value::number(f64::from(self.steps(first.node))));
            let steps = self.steps(first.node);
            if flow.is_constant() && !flow.constant.iter().any(|c| c.is_nan()) {
                self.sink.push(say::no_input(first.span, &first.name));
            }
            self.build.fed(name, node, &flow, steps);
            at += count;
        }
    }

    /// A node's value; what NIR cannot say is put down and yields a value that nobody looks at.
    fn flow(&mut self, id: NodeId) -> Flow {
        if let Some(known) = &self.done[id] {
            return known.clone();
        }
        let flow = self.made(id);
        self.done[id] = Some(flow.clone());
        flow
    }

    fn made(&mut self, id: NodeId) -> Flow {
        let node = &self.model.network.nodes[id];
        let (width, span, steps) = (node.width as usize, node.span, self.steps(id));
        if self.options.currents && encodes(&self.model.network.nodes[id].op) {
            return self.encoder(id);
        }
        match &node.op {
            NodeOp::Coords { coords, raw } => self.coordinates(id, coords, *raw),
            NodeOp::Sensors(f) => {
                let f = &self.model.functions[*f];
                let node = Node::new("Input", vec![("shape", Value::shape(width))]);
                let name = self.build.add(&f.name, node.note("function", Value::text(f.name.as_str())));
                Flow::of(&name, width)
            }
            NodeOp::Scalar(e) => self.scalar(id, e),
            NodeOp::Current(x) => {
                let flow = self.flow(*x);
                if flow.decoded.is_some() {
                    return self.refuse(say::second_pass(span), width);
                }
                flow
            }
            NodeOp::Tuned { x, curve, .. } => self.tuned(id, *x, *curve),
            NodeOp::Dense { x, .. } => {
                let x = self.flow(*x);
                self.dense(&x, &node.path, steps)
            }
            NodeOp::Affine { x, .. } => {
                let x = self.flow(*x);
                let path = &node.path;
                let (Some(gain), Some(bias)) = (self.row(&format!("{path}.gain")), self.row(&format!("{path}.bias")))
                else {
                    return x;
                };
                x.through(&Matrix::diagonal(&gain)).plus(&bias)
            }
            NodeOp::Neuron { x, .. } => {
                let x = self.flow(*x);
                self.neuron(id, &x)
            }
            NodeOp::Unary(Unary::Neg, x) => self.flow(*x).through(&Matrix::diagonal(&vec![-1.0; width])),
            NodeOp::Binary(f, a, b) => self.arithmetic(id, *f, *a, *b),
            NodeOp::Ema { x, tau } => {
                let x = self.flow(*x);
                let same = |v: f64| Value::vector(vec![v; width]);
                let values = vec![("tau", same(tau * self.seconds())), ("r", same(1.0)), ("v_leak", same(0.0))];
                let name = self.build.fed(&node.path, Node::new("LI", values), &x, steps);
                Flow::of(&name, width)
            }
            NodeOp::Mean(x) => Flow { decoded: Some(Decoder::Mean), ..self.flow(*x) },
            NodeOp::Last(x) => Flow { decoded: Some(Decoder::Last), ..self.flow(*x) },
            NodeOp::Sum(x) => {
                let flow = self.flow(*x);
                let constant = flow.constant.iter().map(|c| c * f64::from(steps)).collect();
                Flow { decoded: Some(Decoder::Sum), constant, ..flow }
            }
            NodeOp::Recurrent { x, feedback, .. } => self.recurrent(id, *x, *feedback),
            NodeOp::Delay { x, steps } => self.delay(id, *x, *steps),
            NodeOp::Concat(parts) => {
                let mut sum = Flow::constant(vec![0.0; width]);
                let mut from = 0;
                for part in parts {
                    let flow = self.flow(*part);
                    let mut place = Matrix::new(width, flow.width);
                    (0..flow.width).for_each(|k| place.values[(from + k) * flow.width + k] = 1.0);
                    from += flow.width;
                    match sum.add(flow.through(&place), steps) {
                        Some(more) => sum = more,
                        None => return self.refuse(say::two_decoders(span), width),
                    }
                }
                sum
            }
            NodeOp::FirstSpike(_) => self.refuse(say::decoder(span, "first_spike"), width),
            NodeOp::Legendre { .. } => self.refuse(say::decoder(span, "legendre"), width),
            op if encodes(op) => self.refuse(say::encoder(span, name_of(op)), width),
            op => self.refuse(say::no_node(span, &name_of(op)), width),
        }
    }

    fn coordinates(&mut self, id: NodeId, coords: &[usize], raw: bool) -> Flow {
        let node = &self.model.network.nodes[id];
        let width = node.width as usize;
        if let Some(c) = coords.iter().map(|c| &self.model.coords[*c]).find(|c| c.periodic && !raw) {
            return self
                .refuse(say::no_node(node.span, &format!("sine and cosine of the periodic `{}`", c.name)), width);
        }
        let mut map = Matrix::new(width, self.inputs.len());
        let mut constant = vec![0.0; width];
        for (row, c) in coords.iter().enumerate() {
            let Some(col) = self.inputs.iter().position(|i| i == c) else { continue };
            let c = &self.model.coords[*c];
            let (slope, at) = if raw { (1.0, 0.0) } else { (2.0 / (c.hi - c.lo), -(c.hi + c.lo) / (c.hi - c.lo)) };
            map.values[row * self.inputs.len() + col] = slope;
            constant[row] = at;
        }
        let map = if map.is_identity() { None } else { Some(map) };
        Flow { width, parts: vec![("input".into(), map)], constant, decoded: None }
    }

    /// A scalar expression of the coordinates, if it is affine in them.
    fn scalar(&mut self, id: NodeId, e: &Expr) -> Flow {
        let mut map = Matrix::new(1, self.inputs.len());
        let mut rest = e.clone();
        for (k, coord) in self.inputs.clone().into_iter().enumerate() {
            let Some((slope, more)) = linear_in(&rest, &Var::Coord(coord)) else { return self.curved(id) };
            if slope.any_var(|_| true) {
                return self.curved(id);
            }
            map.values[k] = evaluate(&slope, &|_| f64::NAN);
            rest = more;
        }
        if rest.any_var(|_| true) {
            return self.curved(id);
        }
        let constant = vec![evaluate(&rest, &|_| f64::NAN)];
        let parts = if map.values.iter().all(|v| *v == 0.0) { vec![] } else { vec![("input".into(), Some(map))] };
        Flow { width: 1, parts, constant, decoded: None }
    }

    fn curved(&mut self, id: NodeId) -> Flow {
        self.refuse(say::no_node(self.model.network.nodes[id].span, "a function of the coordinates"), 1)
    }

    /// An encoder as an input of the graph, with what is needed to compute it elsewhere.
    fn encoder(&mut self, id: NodeId) -> Flow {
        let node = &self.model.network.nodes[id];
        let width = node.width as usize;
        let mut input =
            Node::new("Input", vec![("shape", Value::shape(width))]).note("encoder", Value::text(name_of(&node.op)));
        for part in ["weight", "phase", "gain", "bias", "sine", "centres", "thresholds"] {
            if let Some((rows, cols, values)) = self.weights.of(&format!("{}.{part}", node.path)) {
                input = input.note(part, Value::matrix(rows, cols, values.to_vec()));
            }
        }
        let name = self.build.add(&node.path, input);
        Flow::of(&name, width)
    }

    /// A parameter of one row.
    fn row(&self, name: &str) -> Option<Vec<f64>> {
        self.weights.of(name).map(|(_, _, values)| values.to_vec())
    }

    fn tuned(&mut self, id: NodeId, x: NodeId, curve: TuningCurve) -> Flow {
        let node = &self.model.network.nodes[id];
        let (width, path) = (node.width as usize, &node.path);
        if curve != TuningCurve::Ramp {
            return self.refuse(say::encoder(node.span, "tuned curves that are sinusoids"), width);
        }
        let part = |name: &str| self.row(&format!("{path}.{name}")).unwrap_or_default();
        let (gain, phase, bias) = (part("gain"), part("phase"), part("bias"));
        let Some(mut map) = self.transposed(&format!("{path}.weight")) else { return Flow::constant(bias) };
        for (row, gain) in gain.iter().enumerate() {
            map.values[row * map.cols..(row + 1) * map.cols].iter_mut().for_each(|w| *w *= gain);
        }
        let at: Vec<f64> = bias.iter().zip(&gain).zip(&phase).map(|((b, g), p)| b + g * p).collect();
        let flow = self.flow(x).through(&map).plus(&at);
        let path = path.clone();
        self.settled(flow, &path, self.steps(id))
    }

    /// A weight `[inputs][outputs]` the other way round.
    fn transposed(&self, name: &str) -> Option<Matrix> {
        let (rows, cols, values) = self.weights.of(name)?;
        let mut m = Matrix::new(cols, rows);
        for i in 0..rows {
            for j in 0..cols {
                m.values[j * rows + i] = values[i * cols + j];
            }
        }
        Some(m)
    }

    fn dense(&mut self, x: &Flow, path: &str, steps: u32) -> Flow {
        let Some(map) = self.transposed(&format!("{path}.weight")) else { return Flow::constant(vec![]) };
        let mut flow = x.through(&map);
        if let Some(bias) = self.row(&format!("{path}.bias")) {
            flow = flow.plus(&bias);
        }
        self.settled(flow, path, steps)
    }

    /// The value as it comes out of nodes that are written now, so that a layer of the program is a node of the graph.
    fn settled(&mut self, flow: Flow, path: &str, steps: u32) -> Flow {
        if flow.constant.iter().any(|c| c.is_nan()) || flow.is_constant() {
            return flow;
        }
        let parts = self.build.sources(&flow, path, steps).into_iter().map(|s| (s, None)).collect();
        Flow { parts, constant: vec![0.0; flow.width], ..flow }
    }

    fn neuron(&mut self, id: NodeId, x: &Flow) -> Flow {
        let node = &self.model.network.nodes[id];
        let NodeOp::Neuron { model, args, .. } = &node.op else { return x.clone() };
        let neuron = &self.model.neurons[*model];
        let of = |(k, p): (usize, &crate::check::model::NeuronParam)| {
            self.row(&format!("{}.{}", node.path, p.name)).unwrap_or_else(|| vec![args[k]])
        };
        let population = Population {
            model: neuron,
            params: neuron.params.iter().enumerate().map(of).collect(),
            units: node.width as usize,
            dt: self.model.network.clock(id).dt,
            seconds: self.seconds(),
        };
        match population.node(self.options.subtractive) {
            Ok(made) => {
                let name = self.build.fed(&node.path, made, x, self.steps(id));
                Flow::of(&name, node.width as usize)
            }
            Err(Unsaid::Subtraction) => {
                let d = say::subtraction(node.span, &neuron.name, neuron.span);
                self.refuse(d, node.width as usize)
            }
            Err(Unsaid::Other(why)) => {
                let d = say::neuron(node.span, &neuron.name, &why);
                self.refuse(d, node.width as usize)
            }
        }
    }

    fn arithmetic(&mut self, id: NodeId, f: Binary, a: NodeId, b: NodeId) -> Flow {
        let node = &self.model.network.nodes[id];
        let (width, span, steps) = (node.width as usize, node.span, self.steps(id));
        let (a, b) = (self.flow(a).spread(width), self.flow(b).spread(width));
        let scaled = |x: Flow, by: &[f64]| x.through(&Matrix::diagonal(by));
        match f {
            Binary::Add | Binary::Sub => {
                let b = if f == Binary::Sub { scaled(b, &vec![-1.0; width]) } else { b };
                match a.add(b, steps) {
                    Some(sum) => sum,
                    None => self.refuse(say::two_decoders(span), width),
                }
            }
            Binary::Mul if a.is_constant() => scaled(b, &a.constant),
            Binary::Mul if b.is_constant() => scaled(a, &b.constant),
            Binary::Div if b.is_constant() => {
                let inverse: Vec<f64> = b.constant.iter().map(|c| 1.0 / c).collect();
                scaled(a, &inverse)
            }
            Binary::Mul => self.refuse(say::no_node(span, "a product of two values"), width),
            f => self.refuse(say::no_node(span, &format!("`{}`", f.name())), width),
        }
    }

    fn recurrent(&mut self, id: NodeId, x: NodeId, feedback: NodeId) -> Flow {
        let node = &self.model.network.nodes[id];
        let (width, steps, path) = (node.width as usize, self.steps(id), node.path.clone());
        let x = self.flow(x);
        let flow = self.dense(&x, &path, steps);
        let Some(back) = self.transposed(&format!("{path}.recurrent")) else { return flow };
        if feedback == id {
            return self.refuse(say::bare_loop(node.span), width);
        }
        let name = self.build.linear(&format!("{path}_recurrent"), &back, None);
        self.waiting.push((name.clone(), feedback, id));
        match flow.add(Flow::of(&name, width), steps) {
            Some(sum) => sum,
            None => self.refuse(say::two_decoders(node.span), width),
        }
    }

    fn delay(&mut self, id: NodeId, x: NodeId, by: u32) -> Flow {
        let node = &self.model.network.nodes[id];
        let width = node.width as usize;
        let (same_step, loops) = reaches(self.model, id, x);
        if !loops {
            let at = f64::from(by) * self.dt(id);
            let x = self.flow(x);
            let made = Node::new("Delay", vec![("delay", Value::vector(vec![at; width]))]);
            let name = self.build.fed(&node.path, made, &x, self.steps(id));
            return Flow::of(&name, width);
        }
        if by != 1 || !same_step {
            return self.refuse(say::slow_loop(node.span), width);
        }
        Flow::of(&format!("{LATER}{x}"), width)
    }

    /// Puts the sources of loops in place, now that all nodes are there.
    fn close_loops(&mut self) {
        let mut at = 0;
        while at < self.waiting.len() {
            let (name, feedback, id) = self.waiting[at].clone();
            let flow = self.flow(feedback);
            for source in self.build.sources(&flow, &name, self.steps(id)) {
                self.build.edge(&source, &name);
            }
            at += 1;
        }
        loop {
            let later = self.build.graph.edges.iter().position(|(from, _)| from.starts_with(LATER));
            let Some(k) = later else { break };
            let (from, to) = self.build.graph.edges.remove(k);
            let Ok(id) = from[LATER.len()..].parse::<NodeId>() else { break };
            let flow = self.flow(id);
            for source in self.build.sources(&flow, &format!("{to}_before"), self.steps(id)) {
                self.build.edge(&source, &to);
            }
        }
        let edges = &self.build.graph.edges;
        if edges.iter().enumerate().any(|(k, e)| edges[..k].contains(e)) {
            let span = self.model.network.fields[0].span;
            self.sink.push(say::doubled_edge(span));
        }
    }

    fn finish(self) -> Graph {
        let clock = self.model.network.clocks[0];
        let seconds = self.seconds();
        let mut graph = self.build.graph;
        graph.metadata = vec![
            ("dt".into(), Value::number(clock.dt * seconds)),
            ("steps".into(), Value::number(f64::from(clock.steps))),
            ("made_by".into(), Value::text(concat!("snnc ", env!("CARGO_PKG_VERSION")))),
        ];
        graph
    }
}

/// Static to signal.
fn encodes(op: &NodeOp) -> bool {
    use NodeOp::{Current, Latency, Population, Rate, Triangular, Tuned};
    matches!(op, Current(_) | Tuned { .. } | Population { .. } | Triangular { .. } | Latency(_) | Rate(_))
}

/// What a program calls it.
fn name_of(op: &NodeOp) -> String {
    let name = match op {
        NodeOp::Unary(f, _) => return format!("`{}`", f.name()),
        NodeOp::Current(_) => "current",
        NodeOp::Tuned { .. } => "tuned",
        NodeOp::Population { .. } => "population",
        NodeOp::Triangular { .. } => "triangular",
        NodeOp::Latency(_) => "latency",
        NodeOp::Rate(_) => "rate",
        NodeOp::Fourier { .. } => "`fourier`",
        NodeOp::Conv1d { .. } => "`conv1d`",
        NodeOp::Membrane { .. } => "`membrane`",
        NodeOp::Dot(..) => "`dot`",
        NodeOp::Select { .. } => "`if`",
        _ => "this",
    };
    name.to_string()
}

/// The coordinates that some node takes, in the domain's order.
fn coordinates_in_use(model: &Model) -> Vec<usize> {
    let mut used = vec![false; model.coords.len()];
    for node in &model.network.nodes {
        match &node.op {
            NodeOp::Coords { coords, .. } => coords.iter().for_each(|c| used[*c] = true),
            NodeOp::Scalar(e) => e.walk(&mut |e| {
                if let Expr::Var(Var::Coord(c)) = e {
                    used[*c] = true;
                }
            }),
            _ => {}
        }
    }
    (0..used.len()).filter(|k| used[*k]).collect()
}

/// Whether the node `from` leads to `to` within a step, and whether it does so at all.
fn reaches(model: &Model, from: NodeId, to: NodeId) -> (bool, bool) {
    let net = &model.network;
    let found = |earlier: bool| {
        let mut seen = vec![false; net.nodes.len()];
        let mut open = vec![to];
        while let Some(id) = open.pop() {
            if id == from {
                return true;
            }
            if !std::mem::replace(&mut seen[id], true) && net.nodes[id].kind == Kind::Signal {
                open.extend(net.nodes[id].op.inputs());
                open.extend(net.nodes[id].op.earlier().filter(|_| earlier));
            }
        }
        false
    };
    (found(false), found(true))
}
