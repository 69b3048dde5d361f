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
pub mod simulation;
mod time;
mod units;

use crate::check::calculus::evaluate_at;
use crate::check::model::{Coord, InputFunction, Model, NodeId, NodeOp, Quantity};
use crate::ir::problem as ir;
use network::Lowering;

/// Candidates that one run of a pool kernel simulates.
pub const BLOCK: u32 = 128;

pub fn lower(model: &Model) -> ir::Problem {
    let exact = |of: Quantity| {
        let found = model.exact.iter().find(|x| x.of == of);
        found.map(|x| residual::of_functions(model, "exact", &x.value))
    };
    let fields = (0..model.network.fields.len()).map(Quantity::Field);
    let quantities = fields.chain((0..model.unknowns.len()).map(Quantity::Unknown));
    ir::Problem {
        coords: model.coords.iter().map(coord).collect(),
        shape: model.shape.as_ref().map(|s| residual::truth(model, "shape", &s.inside)),
        network: network(model),
        residuals: model.residuals.iter().map(|r| residual::lower(model, r)).collect(),
        exact: quantities.map(exact).collect(),
        reference: model.reference.clone(),
        functions: model.functions.iter().map(function).collect(),
        train: model.train.clone(),
        report: model.report.clone(),
    }
}

fn coord(c: &Coord) -> ir::Coord {
    ir::Coord { name: c.name.clone(), lo: c.lo, hi: c.hi, periodic: c.periodic }
}

fn function(f: &InputFunction) -> ir::Function {
    let place = |k: u32| f.lo + (f.hi - f.lo) * f64::from(k) / f64::from(f.sensors - 1);
    let at = |k: u32| f.parts.iter().map(|p| evaluate_at(&p.value, &[place(k)])).collect();
    let (name, shapes) = (f.name.clone(), (0..f.sensors).map(at).collect());
    ir::Function { name, coefficients: f.parts.len(), shapes }
}

fn network(model: &Model) -> ir::Network {
    let net = &model.network;
    let mut primal = Lowering::new(model, "network", None);
    primal.fields();
    let mut probe = Lowering::new(model, "network, spikes recorded", None);
    probe.fields();
    for (i, layer) in net.layers.iter().enumerate() {
        if let Some(node) = primal.spiking_node(i) {
            let name = format!("spikes.{}", layer.name);
            primal.count_spikes(node, &name);
            probe.trace_spikes(node, &name);
        }
    }
    let (fields, readouts) = fields(model, &primal);
    let features = (!readouts.is_empty()).then(|| {
        let mut l = Lowering::new(model, "features", None);
        l.features();
        l.finish()
    });
    ir::Network {
        layers: (0..net.layers.len()).map(|i| layer(model, i, &fields, &primal)).collect(),
        fields,
        readouts,
        features,
        init: primal.init.clone(),
        primal: primal.finish(),
        probe: probe.finish(),
    }
}

/// Fields, then unknowns, and the weights that they are affine in, each once.
fn fields(model: &Model, primal: &Lowering<'_>) -> (Vec<ir::Field>, Vec<ir::Readout>) {
    let net = &model.network;
    let mut columns: Vec<(NodeId, Option<u32>)> = vec![];
    let mut fields: Vec<ir::Field> = vec![];
    let mut readouts: Vec<ir::Readout> = vec![];
    for field in &net.fields {
        let readout = field.readout.map(|at| {
            columns.iter().position(|c| *c == at).unwrap_or_else(|| {
                let (node, column) = at;
                let NodeOp::Dense { x, .. } = &net.nodes[node].op else { unreachable!("a readout is a dense node") };
                let params = primal.params_of(&[node]);
                let bias = params.get(1).copied().filter(|_| column.is_some());
                let features = primal.width(*x) * if column.is_some() { 1 } else { primal.width(node) };
                readouts.push(ir::Readout { weight: Some(params[0]), bias, column, features });
                columns.push(at);
                columns.len() - 1
            })
        });
        fields.push(ir::Field { name: field.name.clone(), readout, unknown: None });
    }
    for (unknown, &param) in model.unknowns.iter().zip(&primal.unknowns) {
        readouts.push(ir::Readout { weight: None, bias: Some(param), column: Some(0), features: 0 });
        fields.push(ir::Field {
            name: unknown.name.clone(),
            readout: Some(readouts.len() - 1),
            unknown: Some(ir::Unknown { param, lo: unknown.lo, hi: unknown.hi }),
        });
    }
    (fields, readouts)
}

fn layer(model: &Model, index: usize, fields: &[ir::Field], primal: &Lowering<'_>) -> ir::Layer {
    let l = &model.network.layers[index];
    ir::Layer {
        name: l.name.clone(),
        units: primal.width(l.node),
        dt: model.network.clock(l.node).dt,
        spiking: primal.spiking_node(index).is_some(),
        params: primal.params_of(&l.owned),
        states: (primal.named.iter().filter(|(_, node, _)| l.owned.contains(node)))
            .map(|(id, _, name)| (*id, name.to_string()))
            .collect(),
        pursuit: l.pursuit.map(|mixing| units::units(model, mixing, fields, primal)),
    }
}
