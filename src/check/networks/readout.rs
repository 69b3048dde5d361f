//! What in a network can be solved for exactly, and which layer can be chosen unit by unit.
//!
//! ```text
//! output = x*(1 - x) * (h |> mean |> dense(1))    ->   readout: output.dense;  h is open to pursuit
//! output = h |> mean |> dense(1) |> tanh          ->   neither
//! ```

use super::OUTPUT;
use crate::check::model::{Network, NodeId, NodeOp};
use crate::func::{Binary, Unary};

/// Fills in each field's `readout` and each layer's `pursuit`.
pub fn find(network: &mut Network) {
    for k in 0..network.fields.len() {
        let field = &network.fields[k];
        let readout = affine_in(network, field.node, field.component);
        network.fields[k].readout = readout;
        let Some((NodeOp::Dense { x, .. }, _)) = readout.map(|(n, c)| (&network.nodes[n].op, c)) else { continue };
        let Some(mixing) = mixing_node(network, *x) else { continue };
        for layer in &mut network.layers {
            if layer.name != OUTPUT && layer.owned.contains(&mixing) {
                layer.pursuit = Some(mixing);
            }
        }
    }
}

/// The trainable, static `dense`, and its column, in whose value a component of `node` is affine, with factors and offsets
/// of the coordinates only.
fn affine_in(network: &Network, node: NodeId, component: u32) -> Option<(NodeId, u32)> {
    // What has one value is spread over the others.
    let component = if network.nodes[node].width == 1 { 0 } else { component };
    match &network.nodes[node].op {
        NodeOp::Dense { frozen: false, .. } => Some((node, component)),
        NodeOp::Unary(Unary::Neg, a) => affine_in(network, *a, component),
        NodeOp::Binary(Binary::Add | Binary::Sub | Binary::Mul, a, b) => {
            match (is_scalar(network, *a), is_scalar(network, *b)) {
                (true, false) => affine_in(network, *b, component),
                (false, true) => affine_in(network, *a, component),
                _ => None,
            }
        }
        NodeOp::Binary(Binary::Div, a, b) if is_scalar(network, *b) => affine_in(network, *a, component),
        _ => None,
    }
}

/// True if nothing but the coordinates, in arithmetic, goes into the node.
pub fn is_scalar(network: &Network, node: NodeId) -> bool {
    is_scalar_among(&network.nodes, node)
}

/// As [`is_scalar`], while the network is being built.
pub fn is_scalar_among(nodes: &[crate::check::model::Node], node: NodeId) -> bool {
    match &nodes[node].op {
        NodeOp::Scalar(_) => true,
        NodeOp::Unary(..) | NodeOp::Binary(..) | NodeOp::Current(_) => {
            nodes[node].op.inputs().into_iter().all(|n| is_scalar_among(nodes, n))
        }
        _ => false,
    }
}

/// Back from `node` through what acts on each unit alone, to the node that mixes values into units, if it is trained.
fn mixing_node(network: &Network, node: NodeId) -> Option<NodeId> {
    let width = network.nodes[node].width;
    let mut at = node;
    loop {
        if network.nodes[at].width != width {
            return None;
        }
        at = match &network.nodes[at].op {
            NodeOp::Tuned { frozen, .. } | NodeOp::Dense { frozen, .. } => return (!frozen).then_some(at),
            NodeOp::Coords { .. } | NodeOp::Scalar(_) => return None,
            NodeOp::Current(x)
            | NodeOp::Affine { x, .. }
            | NodeOp::Neuron { x, .. }
            | NodeOp::Unary(_, x)
            | NodeOp::Ema { x, .. }
            | NodeOp::Mean(x)
            | NodeOp::Last(x)
            | NodeOp::Sum(x) => *x,
            NodeOp::Binary(_, a, b) => match (is_scalar(network, *a), is_scalar(network, *b)) {
                (true, false) => *b,
                (false, true) => *a,
                _ => return None,
            },
        };
    }
}
