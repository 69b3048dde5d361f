//! What in a network can be solved for exactly, and which layer can be chosen unit by unit.
//!
//! ```text
//! output = x*(1 - x) * (h |> mean |> dense(1))    ->   readout: output.dense;  h is open to pursuit
//! output = h |> mean |> dense(1) |> tanh          ->   neither
//! output = dot(h |> mean |> dense(8), g)          ->   readout: output.dense, with a feature for each of its weights
//! ```

use super::OUTPUT;
use crate::check::model::{Field, Kind, Network, Node, NodeId, NodeOp};
use crate::func::{Binary, Unary};

/// Fills in each field's `readout` and each layer's `pursuit`.
pub fn find(network: &mut Network) {
    for k in 0..network.fields.len() {
        let field = &network.fields[k];
        network.fields[k].readout = affine_in(network, field.node, field.component);
    }
    // All columns of a layer are unknowns together, or each by itself; where fields want both, those apart have it.
    let apart = |network: &Network, k: usize| {
        let Some((dense, None)) = network.fields[k].readout else { return false };
        let other = |f: &Field| f.readout != Some((dense, None)) && depends(&network.nodes, f.node, dense);
        network.fields.iter().any(other)
    };
    for k in 0..network.fields.len() {
        if apart(network, k) {
            network.fields[k].readout = None;
        }
    }
    // What a field follows from: the features of its readout, or without one all of it. Units that go to several columns
    // have several features, and cannot be chosen by them.
    let base = |field: &Field| match field.readout.map(|(n, column)| (&network.nodes[n].op, column)) {
        Some((NodeOp::Dense { x, .. }, Some(_))) => (*x, true),
        _ => (field.node, false),
    };
    let bases: Vec<(NodeId, bool)> = network.fields.iter().map(base).collect();
    for (features, solvable) in &bases {
        let Some(mixing) = solvable.then(|| mixing_node(network, *features)).flatten() else { continue };
        // Candidates answer for all that the layer changes, or they cannot be compared.
        let fine = bases.iter().all(|&(node, solvable)| {
            !depends(&network.nodes, node, mixing) || (solvable && mixing_node(network, node) == Some(mixing))
        });
        // Units that hear of each other cannot be swapped one by one.
        if !fine || network.is_recurrent(mixing) {
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
            open.extend(nodes[n].op.uses());
        }
    }
    false
}

/// The trainable, static `dense`, and its column (`None`: all of them), in whose value a component of `node` is affine, with
/// factors and offsets of the coordinates only; through a `dot`, with whatever is on its other side.
fn affine_in(network: &Network, node: NodeId, component: u32) -> Option<(NodeId, Option<u32>)> {
    // What has one value is spread over the others.
    let component = if network.nodes[node].width == 1 { 0 } else { component };
    match &network.nodes[node].op {
        NodeOp::Dense { frozen: false, .. } => Some((node, Some(component))),
        NodeOp::Unary(Unary::Neg, a) => affine_in(network, *a, component),
        NodeOp::Binary(Binary::Add | Binary::Sub | Binary::Mul, a, b) => {
            match (is_scalar(network, *a), is_scalar(network, *b)) {
                (true, false) => affine_in(network, *b, component),
                (false, true) => affine_in(network, *a, component),
                _ => None,
            }
        }
        NodeOp::Binary(Binary::Div, a, b) if is_scalar(network, *b) => affine_in(network, *a, component),
        NodeOp::Concat(parts) => {
            let (part, component) = part_of(parts, component, |n| network.nodes[n].width)?;
            affine_in(network, part, component)
        }
        NodeOp::Dot(a, b) => [(*a, *b), (*b, *a)].into_iter().find_map(|(side, other)| {
            let (dense, Some(_)) = affine_in(network, side, 0)? else { return None };
            let NodeOp::Dense { x, .. } = network.nodes[dense].op else { return None };
            let width = network.nodes[dense].width;
            let within = u64::from(network.nodes[x].width) * u64::from(width) <= MAX_COLUMNS;
            // A feature is what a weight is multiplied by: an input of the layer times an element of the other side. Of the same
            // width as the layer, the side is that layer element by element, and not one of the parts of a `concat`.
            let linear = network.nodes[side].width == width && !depends(&network.nodes, other, dense);
            let fine = within && linear && network.nodes[side].kind == Kind::Static;
            fine.then_some((dense, (width == 1).then_some(0)))
        }),
        _ => None,
    }
}

/// The part of a concatenation that an element comes from, and which of its elements.
fn part_of(parts: &[NodeId], component: u32, width: impl Fn(NodeId) -> u32) -> Option<(NodeId, u32)> {
    let mut left = component;
    for &part in parts {
        match left.checked_sub(width(part)) {
            None => return Some((part, left)),
            Some(rest) => left = rest,
        }
    }
    None
}

/// Solving for more weights at once takes longer than training them.
const MAX_COLUMNS: u64 = 2048;

/// True if nothing but the coordinates, in arithmetic, goes into the node.
pub fn is_scalar(network: &Network, node: NodeId) -> bool {
    is_scalar_among(&network.nodes, node)
}

/// As [`is_scalar`], while the network is being built.
pub fn is_scalar_among(nodes: &[Node], node: NodeId) -> bool {
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
