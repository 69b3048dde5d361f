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
    /// How many channels each position of a node has: 1, unless it follows a convolution.
    channels: Vec<u32>,
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
        self.channels.push(self.channels_after(&op, width));
        self.nodes.push(Node { op, kind, clock: 0, width, path, span });
        self.nodes.len() - 1
    }

    pub fn channels(&self, node: NodeId) -> u32 {
        self.channels[node]
    }

    /// What keeps the width keeps the channels.
    fn channels_after(&self, op: &NodeOp, width: u32) -> u32 {
        match op {
            NodeOp::Conv1d { channels, .. } => *channels,
            NodeOp::Dense { .. } | NodeOp::Tuned { .. } | NodeOp::Recurrent { .. } | NodeOp::Concat(_) => 1,
            op => {
                let same = |n: &NodeId| self.nodes.get(*n).is_some_and(|n| n.width == width);
                op.uses().into_iter().find(same).map_or(1, |n| self.channels[n])
            }
        }
    }

    /// True of values that are 0 or 1 in every step: what `first_spike` needs.
    pub fn is_spikes(&self, node: NodeId, fires: &dyn Fn(usize) -> bool) -> bool {
        match &self.nodes[node].op {
            NodeOp::Neuron { model, .. } => fires(*model),
            NodeOp::Triangular { .. } | NodeOp::Latency(_) | NodeOp::Rate(_) => true,
            NodeOp::Delay { x, .. } => self.nodes.get(*x).is_some() && *x < node && self.is_spikes(*x, fires),
            NodeOp::Concat(parts) => parts.iter().all(|n| self.is_spikes(*n, fires)),
            _ => false,
        }
    }

    /// True of nodes that have parameters or are neurons: what a layer owns.
    pub fn is_owned(&self, node: NodeId) -> bool {
        matches!(
            self.nodes[node].op,
            NodeOp::Tuned { .. }
                | NodeOp::Dense { .. }
                | NodeOp::Affine { .. }
                | NodeOp::Neuron { .. }
                | NodeOp::Population { .. }
                | NodeOp::Triangular { .. }
                | NodeOp::Rate(_)
                | NodeOp::Fourier { .. }
                | NodeOp::Recurrent { .. }
                | NodeOp::Conv1d { .. }
        )
    }
}

/// Adds the nodes, layers and fields of another network.
pub fn append(network: &mut Network, mut other: Network) {
    let start = network.nodes.len();
    let mut clocks = vec![];
    for clock in &other.clocks {
        let same = network.clocks.iter().position(|c| c == clock);
        clocks.push(same.unwrap_or_else(|| {
            network.clocks.push(*clock);
            network.clocks.len() - 1
        }));
    }
    for node in &mut other.nodes {
        node.clock = clocks[node.clock];
        node.op.each_input(|n| *n += start);
        node.op.earlier_mut().into_iter().for_each(|n| *n += start);
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
    let mut open: Vec<NodeId> = network.fields.iter().map(|f| f.node).collect();
    while let Some(n) = open.pop() {
        if !std::mem::replace(&mut live[n], true) {
            open.extend(network.nodes[n].op.uses());
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
        node.op.each_input(|n| *n = place[*n]);
        if let Some(n) = node.op.earlier_mut() {
            *n = place[*n];
        }
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
