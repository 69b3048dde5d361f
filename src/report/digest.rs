//! One hash of all that a run came to, to compare runs by: the same program, seed and version of snnc give the same one, whatever
//! the number of threads, the engine, the processor's instructions, and however often the run was stopped and gone on with.
//!
//! ```text
//! run.json   "result_sha256": "3b1f…"
//! ```
//! It covers every bit of the weights, the loss at every step, metrics, unknowns, spike rates and the arrays that are saved; of a
//! simulation every spike and recorded value. It does not cover seconds, names of files, or what ran the program.

use sha2::{Digest as _, Sha256};

use super::data::RunData;
use super::simulation::SimulationData;
use crate::train::outcome::Status;

/// Parts one after the other, each with its length before it, so that no two sequences look alike.
#[derive(Default)]
struct Digest(Sha256);

impl Digest {
    fn count(&mut self, n: u64) {
        self.0.update(n.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len() as u64);
        self.0.update(text);
    }

    fn numbers(&mut self, numbers: impl IntoIterator<Item = f64, IntoIter: ExactSizeIterator>) {
        let numbers = numbers.into_iter();
        self.count(numbers.len() as u64);
        // All NaNs are one: their other bits say nothing.
        numbers.for_each(|x| self.0.update(if x.is_nan() { f64::NAN } else { x }.to_le_bytes()));
    }

    fn hex(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}

/// Of a training run; `params` is the flat parameter vector.
pub fn training(run: &RunData, params: &[f64]) -> String {
    let mut d = Digest::default();
    d.text(match run.status {
        Status::Finished => "finished",
        Status::Interrupted => "interrupted",
        Status::Diverged { .. } => "diverged",
    });
    d.numbers(params.iter().copied());
    d.count(run.forward_evaluations);
    d.count(run.history.len() as u64);
    for p in &run.history {
        [p.phase as u64, p.step as u64, p.forward_evaluations].into_iter().for_each(|n| d.count(n));
        d.numbers([p.loss, p.plain.unwrap_or(f64::NAN), p.error.unwrap_or(f64::NAN)]);
    }
    for l in &run.losses {
        d.text(&l.residual);
        d.numbers([l.weight, l.before, l.after, l.fresh]);
    }
    for m in &run.metrics {
        d.text(&m.name);
        d.numbers([m.value]);
    }
    for u in &run.unknowns {
        d.text(&u.name);
        d.numbers([u.value]);
    }
    for l in &run.layers {
        d.text(&l.name);
        d.numbers([l.spike_rate.unwrap_or(f64::NAN)]);
    }
    if let Some(grid) = &run.grid {
        grid.axes.iter().for_each(|axis| d.numbers(axis.iter().copied()));
        for f in &grid.fields {
            d.text(&f.name);
            d.numbers(f.solution.iter().copied());
        }
    }
    d.hex()
}

/// Of a simulation.
pub fn simulation(run: &SimulationData) -> String {
    let mut d = Digest::default();
    d.count(run.steps);
    for p in &run.populations {
        d.text(&p.name);
        let spikes = p.spikes.as_deref().unwrap_or_default();
        d.count(spikes.len() as u64);
        spikes.iter().for_each(|(step, unit)| d.count(u64::from(*step) << 32 | u64::from(*unit)));
    }
    for c in &run.connections {
        d.count(c.synapses as u64);
    }
    for t in &run.traces {
        d.text(&t.name);
        d.numbers(t.values.iter().map(|x| f64::from(*x)));
    }
    for m in &run.metrics {
        d.text(&m.name);
        d.numbers([m.value]);
    }
    d.hex()
}
