//! Which weights a phase perturbs, and which of them together.
//!
//! ```text
//! scope global:  [------------ one group: every trainable weight -----------]
//! scope layer:   [-- h1 --] [-- h2 --] [-- output --]      each perturbed alone, `directions` times
//! scope node:    [][][][][] [][][][][] []                  every neuron alone, in the weights that lead to it
//! ```

use std::collections::BTreeSet;

use crate::ir::op::ParamId;
use crate::ir::problem::{Init, Network, UnitRole};
use crate::plan::Scope;
use crate::train::solve::places;

/// Weights that are perturbed together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub name: String,
    /// Positions in the flat parameter vector, in ascending order.
    pub weights: Vec<u32>,
    /// The matrices among them, in order; what lies between are weights of no matrix.
    pub matrices: Vec<Matrix>,
}

/// A parameter of several rows and columns that is in a group with all its weights, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrix {
    /// Where it begins in [`Group::weights`].
    pub at: usize,
    pub rows: usize,
    pub cols: usize,
}

/// Parameters that no gradient phase may touch: frozen ones, and the switch between a ramp and a sinusoid.
fn fixed(network: &Network) -> Vec<bool> {
    let mut fixed: Vec<bool> = network.primal.params.iter().map(|p| !p.trainable).collect();
    for (k, init) in network.init.iter().enumerate() {
        if matches!(init, Init::Tuned { role: UnitRole::Sine, .. }) {
            fixed[k] = true;
        }
    }
    for unit in network.layers.iter().filter_map(|l| l.pursuit.as_ref()).flat_map(|p| &p.params) {
        if unit.role == UnitRole::Sine {
            fixed[unit.param.0 as usize] = true;
        }
    }
    fixed
}

/// The groups of a scope, empty ones left out. Parameters of no layer, the unknowns, are a layer of their own; readouts take
/// no part if they are solved exactly.
pub fn groups(network: &Network, scope: &Scope, readout_is_solved: bool) -> Vec<Group> {
    let fixed = fixed(network);
    let mut solved = BTreeSet::new();
    if readout_is_solved {
        for readout in &network.readouts {
            let (weights, bias) = places(network, readout);
            solved.extend(weights.into_iter().chain(bias).map(|at| at as u32));
        }
    }
    let primal = &network.primal;
    let group = |name: &str, params: &mut dyn Iterator<Item = usize>| -> Group {
        let params: BTreeSet<usize> = params.filter(|&k| !fixed[k]).collect();
        let mut group = Group { name: name.into(), weights: vec![], matrices: vec![] };
        for k in params {
            let (start, param) = (primal.param_offset(ParamId(k as u32)) as u32, &primal.params[k]);
            let at = group.weights.len();
            group.weights.extend((start..start + param.len() as u32).filter(|at| !solved.contains(at)));
            let (rows, cols) = (param.rows as usize, param.cols as usize);
            if rows > 1 && cols > 1 && group.weights.len() == at + param.len() {
                group.matrices.push(Matrix { at, rows, cols });
            }
        }
        group
    };
    let layer = |l: &crate::ir::problem::Layer| group(&l.name, &mut l.params.iter().map(|p| p.0 as usize));
    let all = 0..primal.params.len();
    let mut groups = match scope {
        Scope::Global => vec![group("network", &mut all.clone())],
        Scope::Layer => {
            let mut rest = all.filter(|k| !network.layers.iter().any(|l| l.params.contains(&ParamId(*k as u32))));
            let rest = group("unknowns", &mut rest);
            network.layers.iter().map(layer).chain([rest]).collect()
        }
        Scope::Layers(names) => network.layers.iter().filter(|l| names.contains(&l.name)).map(layer).collect(),
        Scope::Node => nodes(network, &group("network", &mut all.clone()).weights),
    };
    groups.retain(|g| !g.weights.is_empty());
    groups
}

/// A group for each neuron: column j of the parameters of one node, which are named alike up to the last dot.
fn nodes(network: &Network, weights: &[u32]) -> Vec<Group> {
    let primal = &network.primal;
    let mut groups: Vec<Group> = vec![];
    // The node whose neurons the last groups are, how many these are, and where they begin.
    let (mut node, mut units, mut first) = ("", 0, 0);
    for (k, param) in primal.params.iter().enumerate() {
        let of = param.name.rsplit_once('.').map_or(param.name.as_str(), |(node, _)| node);
        if of != node || param.cols != units {
            (node, units, first) = (of, param.cols, groups.len());
            groups.extend((0..units).map(|j| Group { name: format!("{of}[{j}]"), weights: vec![], matrices: vec![] }));
        }
        let start = primal.param_offset(ParamId(k as u32)) as u32;
        for at in start..start + param.len() as u32 {
            if weights.binary_search(&at).is_ok() {
                groups[first + ((at - start) % units) as usize].weights.push(at);
            }
        }
    }
    groups
}

/// The scope in words, for the report: what follows `directions`.
pub fn describe(scope: &Scope) -> String {
    match scope {
        Scope::Global => String::new(),
        Scope::Layer => " a layer".into(),
        Scope::Layers(names) => format!(" in each of {}", names.join(", ")),
        Scope::Node => " a neuron".into(),
    }
}
