//! Running a simulation: populations step by their kernels, spikes travel through rings of delay slots.
//!
//! Step j covers the time from j dt to (j + 1) dt. It adds what arrives at j dt to the inputs and states, runs the kernels,
//! and sends the spikes that they yield, which happened at (j + 1) dt, to the steps that begin a delay later:
//!
//! ```text
//! ring of a channel, 4 slots, now at step 5:    [ step 8 | (step 5) | step 6 | step 7 ]
//! a spike of step 5 with a delay of 2 dt arrives when step 8 begins
//! ```
//!
//! Kernels work on fixed chunks of units, every random number depends only on what it is for, and arrivals are summed in the
//! order of connections, sources and synapses: the bits are the same for any number of threads and either engine.

pub mod measure;
mod population;
mod synapses;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exec::kernel::Kernel;
use crate::ir::simulation::Simulation;
use crate::plan::simulation::{Port, Recorded};
use population::Live;
use synapses::Synapses;

/// How a simulation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    Finished,
    Interrupted,
    /// There is no room for more; `what` takes it: `the spikes`.
    Full {
        what: &'static str,
    },
    /// Something stopped being a finite number; `what` says what: `a state of exc`.
    Diverged {
        what: String,
        broken: Broken,
    },
}

/// What is not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Broken {
    /// A state of a unit after the last step, by their numbers.
    State { population: usize, unit: u32, state: usize, value: f32 },
    /// A weight or delay of this connection, before the first step.
    Connection(usize),
}

/// All that a simulation yields.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub status: Status,
    /// Steps that were carried out.
    pub steps: u64,
    /// For each population its spikes in order of time and unit: `(step, unit)`.
    pub spikes: Vec<Vec<(u32, u32)>>,
    /// For each record `[steps][units]`: a state after the step, an input over it.
    pub records: Vec<Vec<f32>>,
    /// For each connection how many synapses it has.
    pub synapses: Vec<usize>,
}

/// What has arrived and what is to arrive, for one target and port.
struct Ring {
    /// `[slots][units]`; the slot of step j is j modulo their number.
    slots: Vec<f32>,
    units: usize,
    /// The current of an exponential synapse at the start of the step; empty for others.
    current: Vec<f32>,
}

impl Ring {
    fn count(&self) -> u64 {
        (self.slots.len() / self.units) as u64
    }

    fn slot(&mut self, step: u64) -> &mut [f32] {
        let at = (step % self.count()) as usize * self.units;
        &mut self.slots[at..at + self.units]
    }
}

/// Bytes that a spike comes to until it stands in the results: it is kept, copied, encoded and drawn.
const SPIKE: f64 = 64.0;

/// Runs the whole simulation; `kernels` holds the compiled `step` of each population. Uses the rayon pool it is called from.
pub fn run(sim: &Simulation, kernels: &[Arc<dyn Kernel>], interrupt: Option<&AtomicBool>) -> Outcome {
    run_within(sim, kernels, interrupt, f64::INFINITY)
}

/// As [`run`], until spikes, and the room for those under way, take more than so many bytes: how many spikes there will be, only
/// the simulation tells.
pub fn run_within(sim: &Simulation, kernels: &[Arc<dyn Kernel>], interrupt: Option<&AtomicBool>, most: f64) -> Outcome {
    let mut live: Vec<Live> =
        sim.populations.iter().enumerate().map(|(k, p)| Live::new(k, p, kernels[k].clone(), sim.seed)).collect();
    let synapses: Vec<Synapses> =
        sim.connections.iter().enumerate().map(|(k, c)| Synapses::draw(k as u32, c, sim)).collect();
    let mut outcome = Outcome {
        status: Status::Finished,
        steps: 0,
        spikes: vec![vec![]; live.len()],
        records: vec![vec![]; sim.records.len()],
        synapses: synapses.iter().map(Synapses::len).collect(),
    };
    for (k, (s, c)) in synapses.iter().zip(&sim.connections).enumerate() {
        if !s.finite {
            let (from, to) = (&sim.populations[c.from].name, &sim.populations[c.to].name);
            let what = format!("a weight or delay of {from} -> {to}");
            outcome.status = Status::Diverged { what, broken: Broken::Connection(k) };
            return outcome;
        }
    }
    let slots = |(k, channel): (usize, &crate::ir::simulation::Channel)| {
        4.0 * (f64::from(longest(sim, &synapses, k)) + 2.0) * f64::from(sim.populations[channel.population].size)
    };
    if sim.channels.iter().enumerate().map(slots).sum::<f64>() > most {
        outcome.status = Status::Full { what: "the spikes under way" };
        return outcome;
    }
    let mut rings = rings(sim, &synapses);
    let decays: Vec<Option<(f32, f32)>> = sim.channels.iter().map(|c| decay(c.port, sim.dt)).collect();

    let mut fired = 0.0;
    for j in 0..sim.steps {
        if interrupt.is_some_and(|i| i.load(Ordering::Relaxed)) {
            outcome.status = Status::Interrupted;
            return outcome;
        }
        live.iter_mut().for_each(Live::clear_input);
        for ((channel, ring), decay) in sim.channels.iter().zip(&mut rings).zip(&decays) {
            arrive(channel.port, ring, *decay, j, &mut live[channel.population]);
        }
        for population in &mut live {
            population.advance(j, sim.dt, sim.seed);
        }
        outcome.steps = j + 1;
        fired += live.iter().map(|p| p.fired.len() as f64).sum::<f64>();
        if fired * SPIKE > most {
            outcome.status = Status::Full { what: "the spikes" };
            return outcome;
        }
        for (population, spikes) in live.iter().zip(&mut outcome.spikes) {
            spikes.extend(population.fired.iter().map(|u| (j as u32, *u)));
        }
        for (record, values) in sim.records.iter().zip(&mut outcome.records) {
            let from = &live[record.population];
            values.extend(record.units.iter().map(|u| match record.what {
                Recorded::State(k) => from.state(k, *u),
                Recorded::Input => from.input(*u),
            }));
        }
        let bad = live.iter().enumerate().find_map(|(k, p)| Some((k, p, p.broken?)));
        if let Some((population, bad, (unit, state, value))) = bad {
            let what = format!("a state of {}", bad.plan.name);
            outcome.status = Status::Diverged { what, broken: Broken::State { population, unit, state, value } };
            return outcome;
        }
        for (s, c) in synapses.iter().zip(&sim.connections) {
            send(s, &live[c.from].fired, j + 1, &mut rings[c.channel]);
        }
    }
    outcome
}

/// The longest delay of a channel, in steps.
fn longest(sim: &Simulation, synapses: &[Synapses], channel: usize) -> u32 {
    let mine = synapses.iter().zip(&sim.connections).filter(|(_, c)| c.channel == channel);
    mine.map(|(s, _)| s.longest()).max().unwrap_or(0)
}

/// Slots enough for the longest delay: of the spikes of step j those without delay arrive at step j + 1.
fn rings(sim: &Simulation, synapses: &[Synapses]) -> Vec<Ring> {
    let ring = |(k, channel): (usize, &crate::ir::simulation::Channel)| {
        let longest = longest(sim, synapses, k);
        let units = sim.populations[channel.population].size as usize;
        let current = match channel.port {
            Port::Input { tau: Some(_) } => vec![0.0; units],
            _ => vec![],
        };
        Ring { slots: vec![0.0; (longest as usize + 2) * units], units, current }
    };
    sim.channels.iter().enumerate().map(ring).collect()
}

/// For an exponential current: what is left of it after a step, and its mean over a step in terms of its start.
fn decay(port: Port, dt: f64) -> Option<(f32, f32)> {
    match port {
        Port::Input { tau: Some(tau) } => {
            let z = dt / tau;
            Some((libm::exp(-z) as f32, (-libm::expm1(-z) / z) as f32))
        }
        _ => None,
    }
}

/// Hands a population what arrives at the start of step j.
fn arrive(port: Port, ring: &mut Ring, decay: Option<(f32, f32)>, j: u64, to: &mut Live) {
    let mut current = std::mem::take(&mut ring.current);
    let slot = ring.slot(j);
    match (port, decay) {
        (Port::State(k), _) => to.add_to_state(k, slot),
        (Port::Input { .. }, None) => to.add_to_input(slot, 1.0),
        (Port::Input { .. }, Some((keep, mean))) => {
            for (c, arriving) in current.iter_mut().zip(slot.iter()) {
                *c = keep * *c + *arriving;
            }
            to.add_to_input(&current, mean);
        }
    }
    slot.fill(0.0);
    ring.current = current;
}

/// Puts spikes on their way; `next` is the step that follows the one they happened in.
fn send(synapses: &Synapses, fired: &[u32], next: u64, ring: &mut Ring) {
    let (count, units) = (ring.count(), ring.units);
    for source in fired {
        for k in synapses.row(*source) {
            let slot = ((next + u64::from(synapses.delay(k))) % count) as usize;
            ring.slots[slot * units + synapses.targets[k] as usize] += synapses.weight(k);
        }
    }
}
