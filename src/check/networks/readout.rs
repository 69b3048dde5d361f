//! What in a network can be solved for exactly, and which layer can be chosen unit by unit.
//!
//! ```text
//! output = x*(1 - x) * (h |> mean |> dense(1))    ->   readout: output.dense;  h is open to pursuit
//! output = h |> mean |> dense(1) |> tanh          ->   neither
//! output = dot(h |> mean |> dense(8), g)          ->   readout: output.dense, with a feature for each of its weights
//! ```

use super::OUTPUT;
use crate::check::model::{Kind, Network, NodeId, NodeOp};
use crate::func::{Binary, Unary};

/// Fills in `readout` and each layer's `pursuit`.
pub fn find(network: &mut Network) {
    let Some(readout) = affine_in(network, network.output) else { return };
    network.readout = Some(readout);
    let NodeOp::Dense { x, .. } = network.nodes[readout].op else { return };
    // A unit whose output goes to several values has several features.
    if network.nodes[readout].width > 1 {
        return;
    }
    let Some(mixing) = mixing_node(network, x) else { return };
    // Units that hear of each other cannot be swapped one by one.
    if network.is_recurrent(mixing) {
        return;
    }
    for layer in &mut network.layers {
        if layer.name != OUTPUT && layer.owned.contains(&mixing) {
            layer.pursuit = Some(mixing);
        }
    }
}

/// The trainable, static `dense` in whose value `node` is affine, with factors and offsets of the coordinates only.
fn affine_in(network: &Network, node: NodeId) -> Option<NodeId> {
    match &network.nodes[node].op {
        NodeOp::Dense { frozen: false, .. } => Some(node),
        NodeOp::Unary(Unary::Neg, a) => affine_in(network, *a),
        NodeOp::Binary(Binary::Add | Binary::Sub | Binary::Mul, a, b) => {
            match (is_scalar(network, *a), is_scalar(network, *b)) {
                (true, false) => affine_in(network, *b),
                (false, true) => affine_in(network, *a),
                _ => None,
            }
        }
        NodeOp::Binary(Binary::Div, a, b) if is_scalar(network, *b) => affine_in(network, *a),
        NodeOp::Dot(a, b) => [(*a, *b), (*b, *a)].into_iter().find_map(|(side, other)| {
            let dense = affine_in(network, side)?;
            let NodeOp::Dense { x, .. } = network.nodes[dense].op else { return None };
            let columns = u64::from(network.nodes[x].width) * u64::from(network.nodes[dense].width);
            let within = network.nodes[side].kind == Kind::Static && columns <= MAX_COLUMNS;
            // A feature is what a weight is multiplied by: an input of the layer times an element of the other side.
            (within && network.nodes[dense].width == network.nodes[side].width && !network.dependents(dense)[other])
                .then_some(dense)
        }),
        _ => None,
    }
}

/// Solving for more weights at once takes longer than training them.
const MAX_COLUMNS: u64 = 2048;

/// True if nothing but the coordinates, in arithmetic, goes into the node.
pub fn is_scalar(network: &Network, node: NodeId) -> bool {
    is_scalar_among(&network.nodes, node)
}

/// As [`is_scalar`], while the network is being built.
pub fn is_scalar_among(nodes: &[crate::check::model::Node], node: NodeId) -> bool {
    match &nodes[node].op {
        NodeOp::Scalar(_) => true,
        NodeOp::Unary(..) | NodeOp::Binary(..) | NodeOp::Current(_) | NodeOp::Select { .. } => {
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
            NodeOp::Current(x)
            | NodeOp::FirstSpike(x)
            | NodeOp::Membrane { x, .. }
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
            // They make values, or mix those of several units.
            _ => return None,
        };
    }
}
