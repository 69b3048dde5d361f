//! What in a network follows from what, and in which pass through time it is simulated.
//!
//! ```text
//! x -> tuned -> lif -> mean -> dense      following(tuned, mean) = lif, mean;  only_through(tuned, mean) holds
//! ```

use super::network::Resize;
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

/// Gives `program` the passes that these networks need, and says for each network in which pass each node is (see
/// [`Network::stages`]; the second of each pair is known from the start). What is as many decoders away from the coordinates
/// and has as many steps shares a pass.
pub fn passes(nets: &[(&Network, Option<NodeId>)], program: &mut Program) -> Vec<Vec<u32>> {
    let stages: Vec<Vec<u32>> = nets
        .iter()
        .map(|(net, given)| {
            // The checker has seen to it.
            net.stages(*given).unwrap_or_else(|n| unreachable!("the decoder {n} depends on itself"))
        })
        .collect();
    let mut all: Vec<(u32, u32)> = vec![];
    for ((net, _), stages) in nets.iter().zip(&stages) {
        for (node, stage) in net.nodes.iter().zip(stages) {
            if node.kind == Kind::Signal && !all.contains(&(*stage, net.steps)) {
                all.push((*stage, net.steps));
            }
        }
    }
    // In order of their stages; those of one stage as they were found.
    all.sort_by_key(|(stage, _)| *stage);
    program.passes = all.iter().map(|(_, steps)| Pass::new(*steps)).collect();
    let of = |net: &Network, stage: u32| all.iter().position(|p| *p == (stage, net.steps)).unwrap_or(all.len()) as u32;
    nets.iter().zip(&stages).map(|((net, _), stages)| stages.iter().map(|s| of(net, *s)).collect()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::model::Node;
    use crate::source::{FileId, Span};

    fn net(steps: u32, ops: Vec<(NodeOp, Kind)>) -> Network {
        let span = Span { file: FileId(0), start: 0, end: 0 };
        let node = |(op, kind)| Node { op, kind, width: 1, path: String::new(), span };
        let nodes: Vec<Node> = ops.into_iter().map(node).collect();
        Network {
            name: "u".into(),
            coords: vec![0],
            steps,
            dt: 1.0,
            output: nodes.len() - 1,
            nodes,
            layers: vec![],
            readout: None,
            span,
        }
    }

    /// Two networks of other lengths side by side: each of their simulations has a pass, those of the first stage first.
    #[test]
    fn passes_are_shared_where_stage_and_steps_agree() {
        let x = (NodeOp::Coords { coords: vec![0], raw: false }, Kind::Static);
        let current = |n| (NodeOp::Current(n), Kind::Signal);
        let mean = |n| (NodeOp::Mean(n), Kind::Static);
        let twice = net(8, vec![x.clone(), current(0), mean(1), current(2), mean(3)]);
        let once = net(5, vec![x.clone(), current(0), mean(1)]);
        let same = net(8, vec![x, current(0), mean(1)]);
        let mut program = Program::new("test");
        let of = passes(&[(&twice, None), (&once, None), (&same, None)], &mut program);
        assert_eq!(program.passes.iter().map(|p| p.steps).collect::<Vec<_>>(), [8, 5, 8]);
        assert_eq!(of[0][1], 0);
        assert_eq!(of[0][3], 2);
        assert_eq!(of[1][1], 1);
        assert_eq!(of[2][1], 0);
    }
}
