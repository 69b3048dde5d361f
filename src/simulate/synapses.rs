//! A connection's synapses, drawn once: compressed rows, one a source unit, targets in order.
//!
//! ```text
//! 0 -> 1, 0 -> 2, 2 -> 0     rows [0, 2, 2, 3]   targets [1, 2, 0]
//! ```

use std::ops::Range;

use rand::Rng;

use super::population::draws;
use crate::exec::interp::eval;
use crate::exec::rng::{Purpose, Stream};
use crate::ir::program::Program;
use crate::ir::simulation::{Connection, Simulation};
use crate::plan::simulation::{Given, Pattern};

pub struct Synapses {
    /// Where each source's synapses begin; one more than there are sources.
    rows: Vec<usize>,
    pub targets: Vec<u32>,
    /// One for all, or one a synapse.
    weights: Vec<f32>,
    /// In steps; one for all, or one a synapse.
    delays: Vec<u32>,
    /// Weights and delays are numbers.
    pub finite: bool,
}

impl Synapses {
    pub fn draw(number: u32, c: &Connection, sim: &Simulation) -> Synapses {
        let (sources, targets) = (sim.populations[c.from].size, sim.populations[c.to].size);
        let barred = c.from == c.to && !c.autapses;
        let lists = match c.pattern {
            Pattern::OneToOne => (0..sources).map(|k| vec![k]).collect(),
            Pattern::Probability(p) => {
                (0..sources).map(|k| row(number, k, targets, p, barred, sim.seed)).collect::<Vec<_>>()
            }
            Pattern::InDegree(n) => columns(number, n, sources, targets, barred, sim.seed),
        };
        let mut rows = vec![0];
        let mut all = vec![];
        for list in lists {
            all.extend(list);
            rows.push(all.len());
        }
        let columns: Vec<Vec<f64>> = c
            .given
            .iter()
            .enumerate()
            .map(|(k, g)| match g {
                Given::Draw(law) => draws(sim.seed, Purpose::Synapses, number, k, *law, all.len()),
                _ => unreachable!("the checker gives synapses draws only"),
            })
            .collect();
        let values = |p: &Program| -> Vec<f64> {
            let inputs: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            if all.is_empty() { vec![] } else { eval(p, &inputs) }
        };
        let (weights, delays) = (values(&c.weight), values(&c.delay));
        let finite = weights.iter().chain(&delays).all(|v| v.is_finite());
        // A spike that arrives after the end need not be kept.
        let most = sim.steps as f64;
        let delays = delays.iter().map(|d| (d / sim.dt).round().clamp(0.0, most) as u32).collect();
        Synapses { rows, targets: all, weights: weights.iter().map(|w| *w as f32).collect(), delays, finite }
    }

    pub fn len(&self) -> usize {
        self.targets.len()
    }

    pub fn row(&self, source: u32) -> Range<usize> {
        self.rows[source as usize]..self.rows[source as usize + 1]
    }

    pub fn weight(&self, k: usize) -> f32 {
        if self.weights.len() == 1 { self.weights[0] } else { self.weights[k] }
    }

    pub fn delay(&self, k: usize) -> u32 {
        if self.delays.len() == 1 { self.delays[0] } else { self.delays[k] }
    }

    pub fn longest(&self) -> u32 {
        self.delays.iter().copied().max().unwrap_or(0)
    }
}

/// The targets of one source, each with probability p: the gaps between them are geometric, so only hits are drawn.
fn row(number: u32, source: u32, targets: u32, p: f64, barred: bool, seed: u64) -> Vec<u32> {
    let allowed = |t: &u32| !(barred && *t == source);
    if p >= 1.0 {
        return (0..targets).filter(allowed).collect();
    }
    let mut list = vec![];
    if p <= 0.0 {
        return list;
    }
    let mut stream = Stream::pair(seed, Purpose::Connections, number, source);
    let miss = libm::log1p(-p);
    let mut at = 0.0f64;
    loop {
        // In 0 < u <= 1.
        let u = (f64::from(stream.next_u32()) + 1.0) / 4_294_967_296.0;
        at += (libm::log(u) / miss).floor();
        if at >= f64::from(targets) {
            return list;
        }
        let target = at as u32;
        if allowed(&target) {
            list.push(target);
        }
        at += 1.0;
    }
}

/// For each source its targets, where every target draws n different sources (Floyd, "A sample of brilliance", 1987).
fn columns(number: u32, n: u32, sources: u32, targets: u32, barred: bool, seed: u64) -> Vec<Vec<u32>> {
    let mut lists = vec![vec![]; sources as usize];
    for target in 0..targets {
        let mut stream = Stream::pair(seed, Purpose::Connections, number, target);
        let among = sources - u32::from(barred);
        let mut chosen = std::collections::BTreeSet::new();
        for most in among - n..among {
            let pick = ((u64::from(stream.next_u32()) * (u64::from(most) + 1)) >> 32) as u32;
            if !chosen.insert(pick) {
                chosen.insert(most);
            }
        }
        for pick in chosen {
            // The sources but the target itself, numbered through.
            let source = if barred && pick >= target { pick + 1 } else { pick };
            lists[source as usize].push(target);
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_connected_with_its_probability() {
        let (sources, targets, p) = (200, 300, 0.1);
        let rows: Vec<Vec<u32>> = (0..sources).map(|k| row(3, k, targets, p, false, 7)).collect();
        let total: usize = rows.iter().map(Vec::len).sum();
        let (mean, deviation) = (6000.0, libm::sqrt(6000.0 * 0.9));
        assert!((total as f64 - mean).abs() < 4.0 * deviation, "{total}");
        assert!(rows.iter().all(|r| r.windows(2).all(|w| w[0] < w[1]) && r.iter().all(|t| *t < targets)));
        // Both ends are hit as often as the middle.
        let hits = |t: u32| rows.iter().filter(|r| r.contains(&t)).count();
        assert!([0, 150, 299].into_iter().all(|t| (5..40).contains(&hits(t))));
    }

    #[test]
    fn in_degrees_are_met_by_different_sources_and_never_by_oneself() {
        let lists = columns(0, 5, 9, 9, true, 1);
        for target in 0..9 {
            assert_eq!(lists.iter().filter(|l| l.contains(&target)).count(), 5);
            assert!(!lists[target as usize].contains(&target));
        }
        assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), 45, "each source once");
        let all = columns(0, 9, 9, 4, false, 1);
        assert!(all.iter().all(|l| *l == [0, 1, 2, 3]));
    }
}
