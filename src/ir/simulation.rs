//! A simulation as programs of the IR and the plain data around them.
//!
//! One run of a population's `step` advances a chunk of its units by one time step, whatever the model's integrator:
//!
//! ```text
//! inputs   given 0, given 1, …   what `Population::given` lists: the time 1 wide, everything else one a unit
//!          synapses              what arrived at the units' input
//!          state 0, state 1, …   at the start of the step
//! outputs  state 0, state 1, …   at its end, after spike and reset
//!          spike                 0 or 1
//!          input                 the whole input over the step
//! ```
//!
//! `start` has the same inputs up to the synapses, and yields the states before the first step.

use crate::ir::program::Program;
use crate::plan::simulation::{Given, Pattern, Port, Record, Report};

#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    pub dt: f64,
    pub steps: u64,
    pub seed: u64,
    pub populations: Vec<Population>,
    /// Where arrivals add up: one for every population, port and time constant in use.
    pub channels: Vec<Channel>,
    pub connections: Vec<Connection>,
    pub records: Vec<Record>,
    pub report: Report,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    pub name: String,
    pub size: u32,
    /// Units of one run of its programs; the last chunk may be filled up with units that nobody looks at.
    pub chunk: u32,
    pub given: Vec<Given>,
    /// States of a unit: the model's, in its order, and then those that its integration needs besides.
    pub states: usize,
    pub start: Program,
    pub step: Program,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channel {
    pub population: usize,
    pub port: Port,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    pub from: usize,
    pub to: usize,
    pub channel: usize,
    pub pattern: Pattern,
    pub autapses: bool,
    /// Draws, the inputs of the two programs, one point a synapse.
    pub given: Vec<Given>,
    pub weight: Program,
    pub delay: Program,
}
