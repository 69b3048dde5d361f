//! What in a network follows from what.
//!
//! ```text
//! x -> tuned -> lif -> mean -> dense      following(tuned, mean) = lif, mean;  only_through(tuned, mean) holds
//! ```

use crate::check::model::{Network, NodeId, NodeOp};

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
            NodeOp::Coords { .. } | NodeOp::Tuned { .. } | NodeOp::Dense { .. } => false,
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

/// What the mixing node acts on is the scaled coordinates themselves, injected as a current or not.
pub fn acts_on_coords(net: &Network, mixing: NodeId) -> bool {
    let (NodeOp::Tuned { x, .. } | NodeOp::Dense { x, .. }) = &net.nodes[mixing].op else { return false };
    let mut at = *x;
    while let NodeOp::Current(x) = &net.nodes[at].op {
        at = *x;
    }
    matches!(net.nodes[at].op, NodeOp::Coords { raw: false, .. })
}
