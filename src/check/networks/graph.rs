//! The nodes of a network under construction, and what is left of them when the unused ones go.
//!
//! ```text
//! push(Dense { .. }, Signal, 64) in layer `h`, twice    ->   h.dense, h.dense2
//! ```

use std::collections::BTreeMap;

use crate::check::model::{Kind, Layer, Network, Node, NodeId, NodeOp};
use crate::source::Span;

#[derive(Debug, Default)]
pub struct Graph {
    pub nodes: Vec<Node>,
    /// How often a path has been given out.
    paths: BTreeMap<String, u32>,
}

impl Graph {
    /// Adds a node. `name` is the last part of its path, made unique by a number.
    pub fn push(&mut self, layer: &str, name: &str, op: NodeOp, kind: Kind, width: u32, span: Span) -> NodeId {
        // Two uses of the same coordinates, or of the same function, are one node.
        if matches!(op, NodeOp::Coords { .. } | NodeOp::Sensors(_))
            && let Some(same) = self.nodes.iter().position(|n| n.op == op)
        {
            return same;
        }
        let stem = format!("{layer}.{name}");
        let count = self.paths.entry(stem.clone()).or_insert(0);
        *count += 1;
        let path = if *count == 1 { stem } else { format!("{stem}{count}") };
        self.nodes.push(Node { op, kind, width, path, span });
        self.nodes.len() - 1
    }

    /// True of nodes that have parameters or are neurons: what a layer owns.
    pub fn is_owned(&self, node: NodeId) -> bool {
        matches!(
            self.nodes[node].op,
            NodeOp::Tuned { .. } | NodeOp::Dense { .. } | NodeOp::Affine { .. } | NodeOp::Neuron { .. }
        )
    }
}

fn each_input(op: &mut NodeOp, mut f: impl FnMut(&mut NodeId)) {
    match op {
        NodeOp::Coords { .. } | NodeOp::Sensors(_) | NodeOp::Scalar(_) => {}
        NodeOp::Current(x)
        | NodeOp::Tuned { x, .. }
        | NodeOp::Dense { x, .. }
        | NodeOp::Affine { x, .. }
        | NodeOp::Neuron { x, .. }
        | NodeOp::Unary(_, x)
        | NodeOp::Ema { x, .. }
        | NodeOp::Mean(x)
        | NodeOp::Last(x)
        | NodeOp::Sum(x) => f(x),
        NodeOp::Binary(_, a, b) => {
            f(a);
            f(b);
        }
    }
}

/// Adds the nodes, layers and fields of another network.
pub fn append(network: &mut Network, mut other: Network) {
    let start = network.nodes.len();
    for node in &mut other.nodes {
        each_input(&mut node.op, |n| *n += start);
    }
    for layer in &mut other.layers {
        layer.node += start;
        layer.owned.iter_mut().for_each(|n| *n += start);
        layer.pursuit.iter_mut().for_each(|n| *n += start);
    }
    for field in &mut other.fields {
        field.node += start;
        field.readout.iter_mut().for_each(|(n, _)| *n += start);
    }
    network.nodes.append(&mut other.nodes);
    network.layers.append(&mut other.layers);
    network.fields.append(&mut other.fields);
}

/// Removes what the outputs do not depend on, and yields the layers that went with it.
pub fn prune(network: &mut Network) -> Vec<Layer> {
    let mut live = vec![false; network.nodes.len()];
    network.fields.iter().for_each(|f| live[f.node] = true);
    for n in (0..network.nodes.len()).rev() {
        if live[n] {
            for i in network.nodes[n].op.inputs() {
                live[i] = true;
            }
        }
    }
    let mut place = Vec::with_capacity(live.len());
    let mut next = 0;
    for &l in &live {
        place.push(next);
        next += usize::from(l);
    }
    let mut keep = live.iter();
    network.nodes.retain(|_| *keep.next().expect("one flag a node"));
    for node in &mut network.nodes {
        each_input(&mut node.op, |n| *n = place[*n]);
    }
    network.fields.iter_mut().for_each(|f| f.node = place[f.node]);
    let (mut used, unused): (Vec<Layer>, Vec<Layer>) =
        std::mem::take(&mut network.layers).into_iter().partition(|l| live[l.node]);
    for layer in &mut used {
        layer.node = place[layer.node];
        layer.owned.retain(|&n| live[n]);
        for n in &mut layer.owned {
            *n = place[*n];
        }
    }
    network.layers = used;
    unused
}

/// The first encoder that acts on what follows a decoder. A simulation runs once through time, so there is no second one to
/// inject it into.
pub(super) fn encodes_decoded(network: &Network) -> Option<Span> {
    let mut decoded: Vec<bool> = vec![];
    for node in &network.nodes {
        let (here, encoder) = match &node.op {
            NodeOp::Mean(_) | NodeOp::Last(_) | NodeOp::Sum(_) => (true, false),
            NodeOp::Current(x) | NodeOp::Tuned { x, .. } => (decoded[*x], true),
            op => (op.inputs().into_iter().any(|n| decoded[n]), false),
        };
        if here && encoder {
            return Some(node.span);
        }
        decoded.push(here);
    }
    None
}
