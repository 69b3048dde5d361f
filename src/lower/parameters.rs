//! What parameters each node has, and how they start.
//!
//! ```text
//! layer h = tuned(x, 4) |> affine     ->     param "h.tuned.weight" [1 x 4] … param "h.affine.gain" [1 x 4] …
//! ```

use super::network::{Declared, Lowering, Part};
use crate::check::model::{Frequencies, Init, NodeId, NodeOp, Slope, Trainable, TuningCurve};
use crate::ir::problem as ir;

impl Lowering<'_> {
    pub(super) fn declare(&mut self, node: NodeId) {
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
                self.add(
                    node,
                    "thresholds",
                    self.net.clock(node).steps,
                    width,
                    false,
                    Part::Code,
                    ir::Init::Uniform(0.0, 1.0),
                );
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
                if let Some(Slope::Sampled { sigma, samples }) = neuron.spike.as_ref().map(|s| &s.surrogate) {
                    let (steps, init) = (self.net.clock(node).steps, ir::Init::Samples(*sigma));
                    self.add(node, "samples", steps, *samples, false, Part::Code, init);
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
