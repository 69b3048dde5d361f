//! What a simulation leaves behind: tables, the page with rasters and traces, arrays. Plain data in, text and bytes out.
//!
//! ```text
//! SimulationData -> run.json, report.html, NAME.npz, the table on the terminal
//! ```

pub mod arrays;
pub mod figures;
pub mod page;
pub mod text;

use super::data::{ExpectRow, ProgramInfo, Times};

/// Everything the report of a simulation shows. Times and rates are in the units that are named beside them.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulationData {
    pub program: ProgramInfo,
    pub status: State,
    pub dt: f64,
    /// Steps that were carried out.
    pub steps: u64,
    /// `ms`, or empty in a program without units.
    pub time_unit: String,
    /// `Hz`, or empty.
    pub rate_unit: String,
    pub populations: Vec<Population>,
    pub connections: Vec<Connection>,
    pub metrics: Vec<Metric>,
    pub expects: Vec<ExpectRow>,
    pub traces: Vec<Trace>,
    /// What is shown, in order.
    pub plots: Vec<Plot>,
    pub times: Times,
}

#[derive(Debug, Clone, PartialEq)]
pub enum State {
    Finished,
    Interrupted,
    /// There was no room for more of `what`: `the spikes`.
    Full {
        what: String,
    },
    /// `what` stopped being a number: `a state of exc`.
    Diverged {
        what: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    pub name: String,
    pub units: usize,
    /// `(step, unit)`; `None` if its model has no spikes.
    pub spikes: Option<Vec<(u32, u32)>>,
    /// Spikes a unit and time.
    pub rate: f64,
    /// Of the intervals between spikes; NaN where it is not defined.
    pub cv: f64,
    /// The rate over time, in bins.
    pub rates: Vec<f64>,
    /// Steps of a bin.
    pub bin: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    pub from: String,
    pub to: String,
    pub synapses: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub name: String,
    /// As written: `rate(exc)`.
    pub text: String,
    pub value: f64,
    pub unit: String,
}

/// A recorded variable: after each step, or an input over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub population: usize,
    pub name: String,
    /// `mV`, or empty.
    pub unit: String,
    pub units: Vec<u32>,
    /// `[steps][units]`
    pub values: Vec<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plot {
    Raster(usize),
    Rates,
    Traces(usize),
}

impl SimulationData {
    /// The end of a step, where its spikes happen and its states are.
    pub fn time(&self, step: u64) -> f64 {
        (step + 1) as f64 * self.dt
    }

    /// A label with its unit: `time (ms)`.
    pub fn label(what: &str, unit: &str) -> String {
        if unit.is_empty() { what.to_string() } else { format!("{what} ({unit})") }
    }
}
