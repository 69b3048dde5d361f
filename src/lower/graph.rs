//! What in a network follows from what, and in which pass through time it is simulated.
//!
//! ```text
//! x -> tuned -> lif -> mean -> dense      following(tuned, mean) = lif, mean;  only_through(tuned, mean) holds
//! ```

use super::network::Resize;
use std::collections::BTreeSet;

use crate::check::model::{Kind, Network, NodeId, NodeOp};
use crate::ir::program::{Pass, Program};

pub fn depends(net: &Network, node: NodeId, on: NodeId) -> bool {
    net.dependents(on)[node]
}

/// The nodes from `from` (not included) to `to`, in order: all that depend on the one and that the other depends on.
pub fn following(net: &Network, from: NodeId, to: NodeId) -> Vec<NodeId> {
    let after = net.dependents(from);
    (from + 1..=to).filter(|n| after[*n] && depends(net, to, *n)).collect()
}

/// True if `node` follows from the value of `from` and numbers alone.
pub fn only_through(net: &Network, from: NodeId, node: NodeId) -> bool {
    let mut known: Vec<bool> = vec![];
    for (id, n) in net.nodes.iter().enumerate() {
        let here = match &n.op {
            _ if id == from => true,
            NodeOp::Scalar(e) => !e.any_var(|_| true),
            NodeOp::Coords { .. } | NodeOp::Sensors(_) | NodeOp::Tuned { .. } | NodeOp::Dense { .. } => false,
            // They may hear of later nodes, or have parameters.
            op if op.earlier().is_some() => false,
            NodeOp::Conv1d { .. } | NodeOp::Fourier { .. } | NodeOp::Rate(_) => false,
            NodeOp::Population { .. } | NodeOp::Triangular { .. } => false,
            op => op.inputs().into_iter().all(|n| known[n]),
        };
        known.push(here);
    }
    known[node]
}

/// The coordinates, if what the mixing node acts on is they themselves, scaled, injected as a current or not.
pub fn entering(net: &Network, mixing: NodeId) -> Option<&[usize]> {
    let (NodeOp::Tuned { x, .. } | NodeOp::Dense { x, .. }) = &net.nodes[mixing].op else { return None };
    let mut at = *x;
    while let NodeOp::Current(x) = &net.nodes[at].op {
        at = *x;
    }
    match &net.nodes[at].op {
        NodeOp::Coords { coords, raw: false } => Some(coords),
        _ => None,
    }
}

pub fn acts_on_coords(net: &Network, mixing: NodeId) -> bool {
    entering(net, mixing).is_some()
}

/// Gives `program` the passes that the network needs, one for each stage that a signal is in, and says in which each node is
/// (see [`Network::stages`]; `given` is known from the start).
pub fn passes(net: &Network, given: Option<NodeId>, program: &mut Program) -> Vec<u32> {
    // The checker has seen to it.
    let stages = net.stages(given).unwrap_or_else(|n| unreachable!("the decoder {n} depends on itself"));
    // Each stage of each clock is a pass; nodes of different clocks belong to different networks and never meet as signals.
    let key = |id: usize| (stages[id], net.nodes[id].clock);
    let signals = (0..net.nodes.len()).filter(|id| net.nodes[*id].kind == Kind::Signal);
    let found: BTreeSet<(u32, usize)> = signals.map(key).collect();
    // A stage without signals of its own still has a place for its static values.
    program.passes = found.iter().map(|(_, clock)| Pass::new(net.clocks[*clock].steps)).collect();
    (0..net.nodes.len()).map(|id| found.iter().filter(|k| **k < key(id)).count() as u32).collect()
}

/// The width of each node, with one layer resized.
pub fn widths(net: &Network, resize: Option<Resize>) -> Vec<u32> {
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
