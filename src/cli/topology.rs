//! From a checked network to its drawing.

use std::collections::BTreeSet;

use crate::check::model::{Model, NodeId, NodeOp};
use crate::func::figure;
use crate::ir::problem::Network;
use crate::report::diagram::{Box, Diagram};

/// The drawing of a program's networks; `network` is the same, lowered, and knows its weights.
pub fn diagram(title: String, model: &Model, network: &Network) -> Diagram {
    let nodes = &model.network.nodes;
    let layers = &model.network.layers;
    let owner = |n: NodeId| layers.iter().position(|l| l.node == n);
    let mut boxes = vec![];
    for (k, layer) in layers.iter().enumerate() {
        // Back from the layer's value to those of other layers and to what enters the network.
        let (mut own, mut from, mut back) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut todo = vec![layer.node];
        while let Some(n) = todo.pop() {
            if !own.insert(n) {
                continue;
            }
            for m in nodes[n].op.inputs() {
                match owner(m).filter(|o| *o != k) {
                    Some(o) => drop(from.insert(o)),
                    None => todo.push(m),
                }
            }
            if let Some(m) = nodes[n].op.earlier() {
                let whose = owner(m).or_else(|| layers.iter().position(|l| l.owned.contains(&m)));
                match whose {
                    Some(o) => drop(back.insert(o)),
                    None => todo.push(m),
                }
            }
        }
        let enters = own.iter().filter_map(|n| entering(&nodes[*n].op, model)).collect::<BTreeSet<_>>();
        let words = own.iter().filter_map(|n| word(*n, model)).collect::<Vec<_>>();
        let straight = own.iter().filter(|n| !matches!(nodes[**n].op, NodeOp::Coords { .. } | NodeOp::Sensors(_)));
        let straight = straight.clone().all(|n| nodes[*n].op.inputs().len() <= 1) && !words.is_empty();
        let what = words.join(if straight { " |> " } else { ", " });
        let neurons = own.iter().filter(|n| matches!(nodes[**n].op, NodeOp::Neuron { .. })).map(|n| nodes[*n].width);
        let neurons: u32 = neurons.sum();
        let lowered = network.layers.iter().find(|l| l.name == layer.name);
        let weights = lowered.map_or(0, |l| {
            let params = &network.primal.params;
            l.params.iter().map(|p| params[p.0 as usize].len() as u64).sum()
        });
        let fields = model.network.fields.iter().filter(|f| f.node == layer.node || own.contains(&f.node));
        let yields = fields.map(|f| {
            let coords: Vec<&str> = f.coords.iter().map(|c| model.coords[*c].name.as_str()).collect();
            format!("{}({})", f.name, coords.join(", "))
        });
        boxes.push(Box {
            name: layer.name.clone(),
            what,
            width: nodes[layer.node].width,
            neurons: (neurons > 0).then_some(neurons),
            weights,
            enters: enters.into_iter().collect(),
            from: from.into_iter().collect(),
            back: back.into_iter().collect(),
            yields: yields.collect(),
        });
    }
    Diagram { title, boxes }
}

fn entering(op: &NodeOp, model: &Model) -> Option<String> {
    let names = |coords: &[usize]| coords.iter().map(|c| model.coords[*c].name.as_str()).collect::<Vec<_>>().join(", ");
    match op {
        NodeOp::Coords { coords, .. } => Some(names(coords)),
        NodeOp::Sensors(f) => Some(model.functions[*f].name.clone()),
        _ => None,
    }
}

/// What a node does, in a few words.
fn word(node: NodeId, model: &Model) -> Option<String> {
    let node = &model.network.nodes[node];
    let width = node.width;
    let named = |name: &str, parts: &[String]| match parts.is_empty() {
        true => name.to_string(),
        false => format!("{name}({})", parts.join(", ")),
    };
    let n = |v: f64| figure(v, 4);
    Some(match &node.op {
        NodeOp::Coords { .. } | NodeOp::Sensors(_) => return None,
        NodeOp::Scalar(_) => "a function of the coordinates".into(),
        NodeOp::Current(_) => "current".into(),
        NodeOp::Tuned { .. } => format!("tuned({width})"),
        NodeOp::Dense { .. } => format!("dense({width})"),
        NodeOp::Affine { .. } => "affine".into(),
        NodeOp::Neuron { model: neuron, args, .. } => {
            let neuron = &model.neurons[*neuron];
            let set = neuron.params.iter().zip(args).filter(|(p, v)| p.default != **v);
            let set = set.map(|(p, v)| format!("{} = {}", p.name, crate::units::show(*v, &p.dimension)));
            named(&neuron.name, &set.collect::<Vec<_>>())
        }
        NodeOp::Unary(g, _) => g.name().into(),
        NodeOp::Binary(g, _, _) => g.name().into(),
        NodeOp::Ema { tau, .. } => format!("ema(tau = {})", n(*tau)),
        NodeOp::Mean(_) => "mean".into(),
        NodeOp::Last(_) => "last".into(),
        NodeOp::Sum(_) => "sum".into(),
        NodeOp::FirstSpike(_) => "first_spike".into(),
        NodeOp::Legendre { moments, .. } => format!("legendre({moments})"),
        NodeOp::Population { fields, .. } => format!("population({fields})"),
        NodeOp::Triangular { units, .. } => format!("triangular({units})"),
        NodeOp::Latency(_) => "latency".into(),
        NodeOp::Rate(_) => "rate".into(),
        NodeOp::Fourier { .. } => format!("fourier({width})"),
        NodeOp::Recurrent { .. } => format!("recurrent({width})"),
        NodeOp::Conv1d { channels, width, .. } => format!("conv1d({channels}, width = {width})"),
        NodeOp::Membrane { .. } => "membrane".into(),
        NodeOp::Concat(_) => "concat".into(),
        NodeOp::Delay { steps, .. } => format!("delay({steps})"),
        NodeOp::Dot(_, _) => "dot".into(),
        NodeOp::Select { .. } => "if".into(),
    })
}
