//! What in a network follows from what.
//!
//! ```text
//! x -> tuned -> lif -> mean -> dense      following(tuned, mean) = lif, mean;  only_through(tuned, mean) holds
//! ```

use crate::check::model::{Network, NodeId, NodeOp};

/// For each node, whether it is `on` or uses it, directly or not.
fn dependents(net: &Network, on: NodeId) -> Vec<bool> {
    let mut out: Vec<bool> = vec![];
    for (id, node) in net.nodes.iter().enumerate() {
        let uses = node.op.inputs().into_iter().any(|n| out[n]);
        out.push(id == on || uses);
    }
    out
}

pub fn depends(net: &Network, node: NodeId, on: NodeId) -> bool {
    dependents(net, on)[node]
}

/// The nodes from `from` (not included) to `to`, in order: all that depend on the one and that the other depends on.
pub fn following(net: &Network, from: NodeId, to: NodeId) -> Vec<NodeId> {
    let after = dependents(net, from);
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
