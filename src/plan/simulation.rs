//! What a `simulate` block asks for, as plain data: the words that checker, lowering, runtime and report share.
//!
//! ```text
//! with i = 2 + 0.5*noise                    ->   given [StepNormal { scale: 1 }]
//! connect a -> b indegree 50 tau 5          ->   Pattern::InDegree(50), Port::Input { tau: Some(5) }
//! metric r = rate(exc[0 .. 9])              ->   Measure::Rate of units 0 ..= 9
//! ```

use super::Comparison;

/// A number that the runtime gives an expression: one a unit, or one a synapse. A variable names its place in a list of
/// these.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given {
    /// The time at the start of the step.
    Time,
    /// The unit's number, from 0.
    Index,
    /// A fresh normal number a unit and step, of mean 0 and standard deviation `scale`.
    StepNormal { scale: f64 },
    /// A fresh number a unit and step, uniform in 0 .. 1.
    StepUniform,
    /// Drawn once and kept.
    Draw(Distribution),
}

impl Given {
    /// Changes from step to step.
    pub fn moves(self) -> bool {
        matches!(self, Given::Time | Given::StepNormal { .. } | Given::StepUniform)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Between two ends.
    Uniform(f64, f64),
    /// Mean and standard deviation.
    Normal(f64, f64),
}

/// Which units are connected with which.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pattern {
    /// Every pair, each with this probability.
    Probability(f64),
    /// Unit k with unit k.
    OneToOne,
    /// Every unit receives from as many different ones, chosen at random.
    InDegree(u32),
}

/// Where a spike arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Port {
    /// At the input: as a current that decays with `tau`, or for one step.
    Input { tau: Option<f64> },
    /// A state jumps by the weight.
    State(usize),
}

/// `record v of exc[0 .. 2]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub population: usize,
    /// As in the program.
    pub name: String,
    /// What it is held in: `mV`; empty for a plain number.
    pub unit: String,
    pub what: Recorded,
    /// In order.
    pub units: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    State(usize),
    /// The whole input: what `with` says and what synapses add.
    Input,
}

/// What to measure and show of a simulation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    pub metrics: Vec<Metric>,
    pub expects: Vec<Expect>,
    pub plots: Vec<Plot>,
    /// File name of the NPZ, inside the run's folder.
    pub save: Option<String>,
}

/// `metric r = rate(exc, from = 100)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub name: String,
    pub measure: Measure,
    pub population: usize,
    pub units: Vec<u32>,
    /// Spikes after the first and up to the second are counted.
    pub window: (f64, f64),
    /// As written: `rate(exc, from = 100ms)`.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Spikes a unit and time.
    Rate,
    SpikeCount,
    /// Coefficient of variation of the intervals between a unit's spikes, the mean over the units that have two intervals.
    Cv,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    pub metric: String,
    pub comparison: Comparison,
    pub bound: f64,
    /// As written.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plot {
    /// Spikes of a population.
    Raster(usize),
    /// Rates of all populations over time.
    Rates,
    /// What is recorded of a population.
    Traces(usize),
}
