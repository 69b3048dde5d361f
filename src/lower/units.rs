//! What a layer is to a pursuit: units that can be swapped one by one.
//!
//! ```text
//! layer h = tuned(x, t, 512) |> lif     ->     params: h.tuned.weight (Weight), h.tuned.phase (Phase), …
//!                                              pool: the features of a block of candidates
//!                                              response: current -> spikes of one lif
//! ```

use super::graph::{acts_on_coords, following, only_through};
use super::network::{Lowering, Part, Resize};
use super::{BLOCK, features};
use crate::check::model::{Model, Network, NodeId, NodeOp, Trainable};
use crate::ir::problem as ir;
use crate::ir::program::Program;

/// The units that `mixing` makes, each a feature of `readout`.
pub fn units(model: &Model, net: &Network, mixing: NodeId, readout: NodeId, primal: &Lowering<'_>) -> ir::Units {
    let (NodeOp::Tuned { x, .. } | NodeOp::Dense { x, .. }) = &net.nodes[mixing].op else {
        unreachable!("only tuned and dense nodes mix")
    };
    ir::Units {
        params: params(primal, mixing, readout),
        pool: features(model, net, readout, Some(Resize { node: mixing, units: BLOCK })),
        block: BLOCK,
        response: response(model, net, mixing, readout),
        steps: net.steps,
        on_coords: acts_on_coords(net, mixing),
        fan_in: primal.width(*x),
    }
}

/// A unit of the layer driven by a given current. `None` if there is no neuron to drive, or if its response depends on more
/// than the current.
fn response(model: &Model, net: &Network, mixing: NodeId, readout: NodeId) -> Option<Program> {
    let NodeOp::Dense { x: features, .. } = &net.nodes[readout].op else { return None };
    let is_neuron = |n: &&NodeId| matches!(net.nodes[**n].op, NodeOp::Neuron { .. });
    let following = following(net, mixing, *features);
    let neuron = *following.iter().rfind(is_neuron)?;
    let NodeOp::Neuron { model: of, .. } = &net.nodes[neuron].op else { return None };
    // For spiking units the response is the number of spikes: monotone in the current whatever the decoder.
    let spiking = model.neurons[*of].spike.is_some();
    let end = if spiking { neuron } else { *features };
    if !only_through(net, mixing, end) {
        return None;
    }
    let mut l = Lowering::single(model, net, mixing);
    let decoded = l.node(end);
    let response = match l.spikes.get(&neuron).copied() {
        Some(spikes) => l.total(neuron, spikes).into(),
        None => decoded,
    };
    l.output("response", response, 1);
    Some(l.finish())
}

/// The parameters that belong to one unit each: of the mixing node and of what follows it.
fn params(l: &Lowering<'_>, mixing: NodeId, readout: NodeId) -> Vec<ir::UnitParam> {
    let NodeOp::Dense { x: features, .. } = &l.net.nodes[readout].op else { return vec![] };
    let following = following(l.net, mixing, *features);
    let mut out = vec![];
    for p in &l.params {
        let role = match p.role {
            Part::Unit(role) if p.node == mixing => role,
            Part::Gain | Part::Bias | Part::Neuron(_) if following.contains(&p.node) => ir::UnitRole::Neuron,
            _ => continue,
        };
        let node = &l.net.nodes[p.node];
        let per_unit = match (&node.op, p.role) {
            (NodeOp::Neuron { model, .. }, Part::Neuron(i)) => {
                l.model.neurons[*model].params[i].trainable == Some(Trainable::PerNeuron)
            }
            _ => true,
        };
        if per_unit {
            out.push(ir::UnitParam { param: p.id, role });
        }
    }
    out
}
