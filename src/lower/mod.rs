//! [`Model`] to [`Problem`]: everything symbolic becomes a program of the IR.
//!
//! ```text
//! layer h = tuned(x, 4) |> lif(tau = 20)     ->     init:  %4 = dense %1, "h.tuned.weight" …
//!                                                   step:  %20 = mul %18, %9 …  %24 = spike %23 …
//! ```
//!
//! Numbers that are known are folded in double precision; what does not change from step to step stands in `init`.
//! Nothing can go wrong here that a user could have caused: the checker has seen to it.

mod codes;
mod emit;
mod features;
mod graph;
mod network;
mod neuron;
mod parameters;
mod residual;
mod time;
mod units;

use crate::check::model::{Model, Network, NodeId, NodeOp};
use crate::ir::problem as ir;
use crate::ir::program::Program;
use network::{Lowering, Resize};

/// Candidates that one run of a pool kernel simulates.
pub const BLOCK: u32 = 128;

pub fn lower(model: &Model) -> ir::Problem {
    let exact = model.exact.first().map(|x| residual::of_coords(model, "exact", &x.value));
    ir::Problem {
        coords: model.coords.iter().map(|c| ir::Coord { name: c.name.clone(), lo: c.lo, hi: c.hi }).collect(),
        network: network_of(model, &model.networks[0]),
        residuals: model.residuals.iter().map(|r| residual::lower(model, r)).collect(),
        exact,
        train: model.train.clone(),
        report: model.report.clone(),
    }
}

fn network_of(model: &Model, net: &Network) -> ir::Network {
    let mut primal = Lowering::new(model, net, &net.name, None);
    let u = primal.node(net.output);
    primal.output("u", u, 1);
    let mut probe = Lowering::new(model, net, &format!("{}, spikes recorded", net.name), None);
    let u = probe.node(net.output);
    probe.output("u", u, 1);
    for (i, layer) in net.layers.iter().enumerate() {
        if let Some(node) = primal.spiking_node(i) {
            let name = format!("spikes.{}", layer.name);
            primal.count_spikes(node, &name);
            probe.trace_spikes(node, &name);
        }
    }
    let layers = (0..net.layers.len()).map(|i| layer(model, net, i, &primal)).collect();
    let readout = net.readout.map(|node| readout(model, net, node, &primal));
    ir::Network {
        field: net.name.clone(),
        layers,
        readout,
        init: primal.init.clone(),
        primal: primal.finish(),
        probe: probe.finish(),
    }
}

fn readout(model: &Model, net: &Network, node: NodeId, primal: &Lowering<'_>) -> ir::Readout {
    let params = primal.params_of(&[node]);
    let NodeOp::Dense { x, .. } = &net.nodes[node].op else { unreachable!("the readout is a dense node") };
    let outputs = primal.width(node);
    ir::Readout {
        weight: params[0],
        bias: params.get(1).copied().filter(|_| outputs == 1),
        features_len: primal.width(*x) * outputs,
        features: features(model, net, node, None),
    }
}

fn features(model: &Model, net: &Network, readout: NodeId, resize: Option<Resize>) -> Program {
    let name = match resize {
        None => format!("features of {}", net.name),
        Some(r) => format!("{} candidates for {}", r.units, net.nodes[r.node].path),
    };
    let mut l = Lowering::new(model, net, &name, resize);
    l.features(readout);
    l.finish()
}

fn layer(model: &Model, net: &Network, index: usize, primal: &Lowering<'_>) -> ir::Layer {
    let l = &net.layers[index];
    let pursuit = l.pursuit.zip(net.readout).map(|(mixing, readout)| units::units(model, net, mixing, readout, primal));
    ir::Layer {
        name: l.name.clone(),
        units: primal.width(l.node),
        spiking: primal.spiking_node(index).is_some(),
        params: primal.params_of(&l.owned),
        pursuit,
    }
}
