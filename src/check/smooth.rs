//! Is the network's output a smooth function of the coordinates? Only then are exact derivatives through it worth anything.
//!
//! ```text
//! x |> dense(32) |> tanh |> dense(1)           ->   smooth
//! tuned(x, 64) |> lif |> mean |> dense(1)      ->   the spikes of `lif`
//! ```

use crate::check::calculus::is_smooth;
use crate::check::expr::Var;
use crate::check::model::{Network, NeuronModel, NodeId, NodeOp, StateStep};
use crate::func::Binary;
use crate::source::Span;

/// Something on the way from the coordinates to the output that has no derivatives.
pub struct Rough {
    pub span: Span,
    /// `the spikes of lif`
    pub what: String,
    pub spikes: bool,
}

/// The first such thing on any way to one of these fields; `None` if they are smooth. `neurons` are the models that the
/// network's nodes refer to.
pub fn rough(network: &Network, neurons: &[NeuronModel], fields: &[usize]) -> Option<Rough> {
    // What does not follow from the coordinates is the same everywhere: the branch of an operator network may spike.
    let mut seen: Vec<bool> = varying(network).iter().map(|v| !v).collect();
    fields.iter().find_map(|f| way(network, neurons, network.fields[*f].node, &mut seen))
}

/// For each node, whether the coordinates go into it.
fn varying(network: &Network) -> Vec<bool> {
    let mut out = vec![false; network.nodes.len()];
    // More than once, because a recurrent layer may refer to what comes later.
    loop {
        let before = out.clone();
        for (id, node) in network.nodes.iter().enumerate() {
            out[id] |= match &node.op {
                NodeOp::Coords { .. } => true,
                NodeOp::Scalar(e) => e.any_var(|v| matches!(v, Var::Coord(_))),
                op => op.uses().into_iter().any(|n| out[n]),
            };
        }
        if out == before {
            return out;
        }
    }
}

/// `seen` holds the nodes that need no look, or no further one.
fn way(network: &Network, neurons: &[NeuronModel], id: NodeId, seen: &mut [bool]) -> Option<Rough> {
    if std::mem::replace(&mut seen[id], true) {
        return None;
    }
    let node = &network.nodes[id];
    let rough = |what: String, spikes: bool| Some(Rough { span: node.span, what, spikes });
    match &node.op {
        NodeOp::Coords { .. } | NodeOp::Sensors(_) => None,
        NodeOp::Scalar(e) => {
            if is_smooth(e) {
                None
            } else {
                rough("a function with jumps or kinks".into(), false)
            }
        }
        NodeOp::Neuron { x, model, .. } => {
            let neuron = &neurons[*model];
            if neuron.spike.is_some() {
                rough(format!("the spikes of `{}`", neuron.name), true)
            } else if !steps_smoothly(neuron) {
                rough(format!("the dynamics of `{}`", neuron.name), false)
            } else {
                way(network, neurons, *x, seen)
            }
        }
        NodeOp::Unary(f, _) if !f.is_smooth() => rough(format!("`{}`", f.name()), false),
        NodeOp::Binary(f @ (Binary::Min | Binary::Max), ..) => rough(format!("`{}`", f.name()), false),
        NodeOp::Triangular { .. } | NodeOp::Latency(_) | NodeOp::Rate(_) => {
            let name = match &node.op {
                NodeOp::Triangular { .. } => "triangular",
                NodeOp::Latency(_) => "latency",
                _ => "rate",
            };
            rough(format!("the spikes of `{name}`"), true)
        }
        NodeOp::FirstSpike(_) => rough("the times of first spikes".into(), true),
        NodeOp::Select { .. } => rough("an `if`".into(), false),
        op => op.uses().into_iter().find_map(|n| way(network, neurons, n, seen)),
    }
}

fn steps_smoothly(neuron: &NeuronModel) -> bool {
    neuron.emit.as_ref().is_none_or(is_smooth)
        && neuron.states.iter().all(|s| match &s.step {
            StateStep::Hold => true,
            StateStep::Update(e) | StateStep::Euler { rate: e } | StateStep::Rk4 { rate: e } => is_smooth(e),
            StateStep::Linear { decay, drive } => is_smooth(decay) && is_smooth(drive),
        })
}
