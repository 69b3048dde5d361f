//! Directions in weight space: which weights a phase perturbs, and the random numbers it perturbs them by.
//!
//! A direction is never stored: it is regenerated wherever it is needed from the key (seed, phase, step, direction, group),
//! so the run that observes it and the update that uses it cannot disagree, on any number of threads.
//!
//! ```text
//! scope global:  [------------ one group: every trainable weight -----------]
//! scope layer:   [-- h1 --] [-- h2 --] [-- output --]      each perturbed alone, `directions` times
//! ```
//! Rademacher directions (each component 1 or -1) have the least variance among those with independent components of
//! variance 1: the kurtosis is 1 in place of a Gaussian's 3.

use std::collections::BTreeSet;

use crate::exec::normal::{normals, signs};
use crate::exec::rng::{Purpose, Stream};
use crate::ir::op::ParamId;
use crate::ir::problem::{Init, Network, UnitRole};
use crate::plan::{Distribution, Scope};
use crate::train::solve::places;

/// Weights that are perturbed together: positions in the flat parameter vector, in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub name: String,
    pub weights: Vec<u32>,
}

/// Identifies a direction, together with the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub phase: usize,
    pub step: usize,
    pub direction: usize,
    pub group: usize,
}

impl Key {
    /// The stream's index: 8 bits of phase, 24 of step, 16 each of direction and group. Larger numbers wrap around, which
    /// repeats directions but breaks nothing.
    fn index(self) -> u64 {
        let bits = |n: usize, bits: u32| n as u64 & ((1 << bits) - 1);
        bits(self.phase, 8) << 56 | bits(self.step, 24) << 32 | bits(self.direction, 16) << 16 | bits(self.group, 16)
    }
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
    let weights = |params: &mut dyn Iterator<Item = usize>| -> Vec<u32> {
        let mut all: Vec<u32> = params
            .filter(|&k| !fixed[k])
            .flat_map(|k| {
                let start = primal.param_offset(ParamId(k as u32));
                start as u32..(start + primal.params[k].len()) as u32
            })
            .filter(|at| !solved.contains(at))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let layer = |l: &crate::ir::problem::Layer| Group {
        name: l.name.clone(),
        weights: weights(&mut l.params.iter().map(|p| p.0 as usize)),
    };
    let mut groups = match scope {
        Scope::Global => {
            vec![Group { name: "network".into(), weights: weights(&mut (0..primal.params.len())) }]
        }
        Scope::Layer => {
            let mut rest = (0..primal.params.len())
                .filter(|k| !network.layers.iter().any(|l| l.params.contains(&ParamId(*k as u32))));
            let rest = Group { name: "unknowns".into(), weights: weights(&mut rest) };
            network.layers.iter().map(layer).chain([rest]).collect()
        }
        Scope::Layers(names) => network.layers.iter().filter(|l| names.contains(&l.name)).map(layer).collect(),
    };
    groups.retain(|g| !g.weights.is_empty());
    groups
}

/// One direction: its component along each weight of the group, in the group's order; independent, mean 0, variance 1, and
/// numbers of single precision, so that kernels and updates use the same.
pub fn direction(distribution: Distribution, seed: u64, key: Key, len: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, Purpose::Directions, key.index());
    let mut direction = vec![0.0; len];
    match distribution {
        Distribution::Gaussian => normals(&mut stream, &mut direction),
        Distribution::Rademacher => signs(&mut stream, &mut direction),
    }
    direction.into_iter().map(f64::from).collect()
}

/// In words, for the report.
pub fn describe(distribution: Distribution, scope: &Scope) -> String {
    let d = match distribution {
        Distribution::Gaussian => "gaussian",
        Distribution::Rademacher => "rademacher",
    };
    match scope {
        Scope::Global => format!("{d} directions"),
        Scope::Layer => format!("{d} directions a layer"),
        Scope::Layers(names) => format!("{d} directions in each of {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { phase: 1, step: 2, direction: 3, group: 0 };

    #[test]
    fn directions_have_mean_0_and_variance_1_and_depend_on_their_key_only() {
        for d in [Distribution::Gaussian, Distribution::Rademacher] {
            let v = direction(d, 7, KEY, 4001);
            assert_eq!(v, direction(d, 7, KEY, 4001));
            assert_ne!(v, direction(d, 7, Key { direction: 4, ..KEY }, 4001));
            assert_ne!(v, direction(d, 7, Key { step: 3, ..KEY }, 4001));
            assert_ne!(v, direction(d, 8, KEY, 4001));
            let mean = v.iter().sum::<f64>() / 4001.0;
            let square = v.iter().map(|x| x * x).sum::<f64>() / 4001.0;
            assert!(mean.abs() < 0.06 && (square - 1.0).abs() < 0.1, "{mean} {square}");
        }
    }

    #[test]
    fn the_keys_fields_do_not_overlap() {
        let keys = [
            Key { phase: 0, step: 0, direction: 0, group: 1 },
            Key { phase: 0, step: 0, direction: 1, group: 0 },
            Key { phase: 0, step: 1, direction: 0, group: 0 },
            Key { phase: 1, step: 0, direction: 0, group: 0 },
        ];
        let indices: Vec<u64> = keys.iter().map(|k| k.index()).collect();
        assert_eq!(indices, [1, 1 << 16, 1 << 32, 1 << 56]);
    }
}
