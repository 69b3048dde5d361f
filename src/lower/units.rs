//! What a layer is to a pursuit: units that can be swapped one by one.
//!
//! ```text
//! layer h = tuned(x, t, 512) |> lif     ->     params: h.tuned.weight (Weight), h.tuned.phase (Phase), …
//!                                              pool: the features of a block of candidates
//!                                              response: current -> spikes of one lif
//! ```

use super::BLOCK;
use super::graph::{acts_on_coords, depends, entering, following, only_through};
use super::network::{Lowering, Part, Resize};
use crate::check::model::{Model, NodeId, NodeOp, Trainable};
use crate::ir::problem as ir;
use crate::ir::program::Program;

/// The units that `mixing` makes, each a feature of some fields.
pub fn units(model: &Model, mixing: NodeId, fields: &[ir::Field], primal: &Lowering<'_>) -> ir::Units {
    let net = &model.network;
    let (NodeOp::Tuned { x, .. } | NodeOp::Dense { x, .. }) = &net.nodes[mixing].op else {
        unreachable!("only tuned and dense nodes mix")
    };
    // The checker has seen to it that whatever depends on the layer depends on it as features of a readout.
    let features_of = |k: usize| {
        let (readout, _) = net.fields[k].readout?;
        let NodeOp::Dense { x, .. } = &net.nodes[readout].op else { return None };
        depends(net, *x, mixing).then_some(*x)
    };
    let fed: Vec<usize> = (0..net.fields.len()).filter(|k| features_of(*k).is_some()).collect();
    let mut feeds: Vec<usize> = fed.iter().filter_map(|k| fields[*k].readout).collect();
    feeds.sort_unstable();
    feeds.dedup();
    let ends: Vec<NodeId> = fed.iter().filter_map(|k| features_of(*k)).collect();
    let name = format!("{BLOCK} candidates for {}", net.nodes[mixing].path);
    let mut pool = Lowering::new(model, &name, Some(Resize { node: mixing, units: BLOCK }));
    pool.pool(&fed);
    ir::Units {
        params: params(primal, mixing, &ends),
        feeds,
        pool: pool.finish(),
        block: BLOCK,
        response: ends.first().and_then(|end| response(model, mixing, *end)),
        steps: net.clock(mixing).steps,
        on_coords: acts_on_coords(net, mixing),
        pairs: pairs(model, mixing),
        fan_in: primal.width(*x),
    }
}

/// Where the two rows of each periodic coordinate begin in a mixing weight that acts on coordinates.
fn pairs(model: &Model, mixing: NodeId) -> Vec<usize> {
    let net = &model.network;
    let (mut pairs, mut row) = (vec![], 0);
    for &c in entering(net, mixing).unwrap_or(&[]) {
        if model.coords[c].periodic {
            pairs.push(row);
            row += 1;
        }
        row += 1;
    }
    pairs
}

/// A unit of the layer driven by a given current. `None` if there is no neuron to drive, or if its response depends on more
/// than the current.
fn response(model: &Model, mixing: NodeId, features: NodeId) -> Option<Program> {
    let net = &model.network;
    let is_neuron = |n: &&NodeId| matches!(net.nodes[**n].op, NodeOp::Neuron { .. });
    let following = following(net, mixing, features);
    let neuron = *following.iter().rfind(is_neuron)?;
    let NodeOp::Neuron { model: of, .. } = &net.nodes[neuron].op else { return None };
    // For spiking units the response is the number of spikes: monotone in the current whatever the decoder.
    let spiking = model.neurons[*of].spike.is_some();
    let end = if spiking { neuron } else { features };
    if !only_through(net, mixing, end) {
        return None;
    }
    let mut l = Lowering::single(model, mixing);
    let decoded = l.node(end);
    let response = match l.spikes.get(&neuron).copied() {
        Some(spikes) => l.total(neuron, spikes).into(),
        None => decoded,
    };
    l.output("response", response, 1);
    Some(l.finish())
}

/// The parameters that belong to one unit each: of the mixing node and of what follows it.
fn params(l: &Lowering<'_>, mixing: NodeId, features: &[NodeId]) -> Vec<ir::UnitParam> {
    let following: Vec<NodeId> = features.iter().flat_map(|end| following(l.net, mixing, *end)).collect();
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
