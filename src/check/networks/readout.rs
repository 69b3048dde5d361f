//! What in a network can be solved for exactly, and which layer can be chosen unit by unit.
//!
//! ```text
//! output = x*(1 - x) * (h |> mean |> dense(1))    ->   readout: output.dense;  h is open to pursuit
//! output = h |> mean |> dense(1) |> tanh          ->   neither
//! ```

use super::OUTPUT;
use crate::check::model::{Field, Network, Node, NodeId, NodeOp};
use crate::func::{Binary, Unary};

/// Fills in each field's `readout` and each layer's `pursuit`.
pub fn find(network: &mut Network) {
    for k in 0..network.fields.len() {
        let field = &network.fields[k];
        network.fields[k].readout = affine_in(network, field.node, field.component);
    }
    // What a field follows from: the features of its readout, or without one all of it.
    let base = |field: &Field| match field.readout.map(|(n, _)| &network.nodes[n].op) {
        Some(NodeOp::Dense { x, .. }) => (*x, true),
        _ => (field.node, false),
    };
    let bases: Vec<(NodeId, bool)> = network.fields.iter().map(base).collect();
    for (features, solvable) in &bases {
        let Some(mixing) = solvable.then(|| mixing_node(network, *features)).flatten() else { continue };
        // Candidates answer for all that the layer changes, or they cannot be compared.
        let fine = bases.iter().all(|&(node, solvable)| {
            !depends(&network.nodes, node, mixing) || (solvable && mixing_node(network, node) == Some(mixing))
        });
        if !fine {
            continue;
        }
        for layer in &mut network.layers {
            if layer.name != OUTPUT && layer.owned.contains(&mixing) {
                layer.pursuit = Some(mixing);
            }
        }
    }
}

/// True if `node` is `on` or uses it, directly or not.
fn depends(nodes: &[Node], node: NodeId, on: NodeId) -> bool {
    let mut seen = vec![false; nodes.len()];
    let mut open = vec![node];
    while let Some(n) = open.pop() {
        if n == on {
            return true;
        }
        if !std::mem::replace(&mut seen[n], true) {
            open.extend(nodes[n].op.inputs());
        }
    }
    false
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
pub fn is_scalar_among(nodes: &[Node], node: NodeId) -> bool {
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
            NodeOp::Coords { .. } | NodeOp::Sensors(_) | NodeOp::Scalar(_) => return None,
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
