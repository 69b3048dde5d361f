//! What in a network follows from what: the edges of its graph, and in which pass through time a value is there.
//!
//! ```text
//! h |> mean |> current |> lif |> mean     ->     h: stage 0, the second lif: stage 1, the output: stage 2
//! ```

use crate::check::model::{Network, NodeId, NodeOp};

impl NodeOp {
    /// The nodes that a node uses in the same step; they come before it.
    pub fn inputs(&self) -> Vec<NodeId> {
        let mut copy = self.clone();
        let mut out = vec![];
        copy.each_input(|n| out.push(*n));
        out
    }

    /// Calls `f` with each of [`NodeOp::inputs`].
    pub fn each_input(&mut self, mut f: impl FnMut(&mut NodeId)) {
        match self {
            NodeOp::Coords { .. } | NodeOp::Sensors(_) | NodeOp::Scalar(_) | NodeOp::Delay { .. } => {}
            NodeOp::Binary(_, a, b) | NodeOp::Dot(a, b) => {
                f(a);
                f(b);
            }
            NodeOp::Concat(parts) => parts.iter_mut().for_each(f),
            NodeOp::Select { lhs, rhs, then, otherwise, .. } => [lhs, rhs, then, otherwise].into_iter().for_each(f),
            NodeOp::Current(x)
            | NodeOp::Tuned { x, .. }
            | NodeOp::Dense { x, .. }
            | NodeOp::Affine { x, .. }
            | NodeOp::Neuron { x, .. }
            | NodeOp::Unary(_, x)
            | NodeOp::Ema { x, .. }
            | NodeOp::Mean(x)
            | NodeOp::Last(x)
            | NodeOp::Sum(x)
            | NodeOp::FirstSpike(x)
            | NodeOp::Legendre { x, .. }
            | NodeOp::Population { x, .. }
            | NodeOp::Triangular { x, .. }
            | NodeOp::Latency(x)
            | NodeOp::Rate(x)
            | NodeOp::Fourier { x, .. }
            | NodeOp::Recurrent { x, .. }
            | NodeOp::Conv1d { x, .. }
            | NodeOp::Membrane { x, .. } => f(x),
        }
    }

    /// The node whose value of an earlier step it uses, which may come after it.
    pub fn earlier(&self) -> Option<NodeId> {
        match self {
            NodeOp::Delay { x, .. } => Some(*x),
            NodeOp::Recurrent { feedback, .. } => Some(*feedback),
            _ => None,
        }
    }

    /// As [`NodeOp::earlier`], to be replaced.
    pub fn earlier_mut(&mut self) -> Option<&mut NodeId> {
        match self {
            NodeOp::Delay { x, .. } => Some(x),
            NodeOp::Recurrent { feedback, .. } => Some(feedback),
            _ => None,
        }
    }

    /// All nodes that it depends on directly.
    pub fn uses(&self) -> Vec<NodeId> {
        let mut out = self.inputs();
        out.extend(self.earlier());
        out
    }

    /// Signal to static.
    pub fn is_decoder(&self) -> bool {
        matches!(
            self,
            NodeOp::Mean(_) | NodeOp::Last(_) | NodeOp::Sum(_) | NodeOp::FirstSpike(_) | NodeOp::Legendre { .. }
        )
    }
}

impl Network {
    /// For each node, whether it is `on` or depends on it, directly or not.
    pub fn dependents(&self, on: NodeId) -> Vec<bool> {
        let mut out = vec![false; self.nodes.len()];
        out[on] = true;
        // What goes back in time may use later nodes, so once through is not always enough.
        loop {
            let mut changed = false;
            for (id, node) in self.nodes.iter().enumerate() {
                if !out[id] && node.op.uses().into_iter().any(|n| out[n]) {
                    out[id] = true;
                    changed = true;
                }
            }
            if !changed {
                return out;
            }
        }
    }

    /// Whether a node depends on its own value of an earlier step.
    pub fn is_recurrent(&self, node: NodeId) -> bool {
        let after = self.dependents(node);
        self.nodes[node].op.uses().into_iter().any(|n| after[n])
    }

    /// For each node, through how many simulations its value has come: one more after each decoder. A signal of stage k is
    /// simulated in pass k, from what is known after pass k - 1; a static value of stage k is known before pass k. `given` is
    /// taken as known from the start. The error is a decoder that depends on itself.
    pub fn stages(&self, given: Option<NodeId>) -> Result<Vec<u32>, NodeId> {
        let mut out = vec![0; self.nodes.len()];
        // Without a decoder on a cycle, a stage is at most the number of decoders.
        for _ in 0..=self.nodes.len() {
            let mut changed = false;
            for (id, node) in self.nodes.iter().enumerate() {
                let latest = node.op.uses().into_iter().map(|n| out[n]).max().unwrap_or(0);
                let stage = latest + u32::from(node.op.is_decoder());
                if Some(id) != given && stage > out[id] {
                    out[id] = stage;
                    changed = true;
                }
            }
            if !changed {
                return Ok(out);
            }
        }
        let looping = |&n: &NodeId| self.nodes[n].op.is_decoder() && self.is_recurrent(n);
        Err((0..self.nodes.len()).find(looping).unwrap_or(0))
    }
}
