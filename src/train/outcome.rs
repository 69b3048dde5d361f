//! What training yields, as plain data, and how it reports on its way.

use std::ops::ControlFlow;

pub use crate::train::fresh::Sight;
use crate::train::record::Record;

/// A line of progress, given after every step or round.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Index of the phase in the schedule.
    pub phase: usize,
    /// Step or round within the phase, from 0 (the state before the phase).
    pub step: usize,
    /// Steps or rounds the phase will take.
    pub of: usize,
    /// Simulations of one point so far, over the whole run: the network run once at one point with one set of weights; a
    /// tangent direction counts as one more; a block of candidates counts its share of the layer's units.
    pub forward_evaluations: u64,
    /// Since training began.
    pub seconds: f64,
    /// The training loss: sum over residuals of weight * mean of squared rows.
    pub loss: f64,
    /// The same with all rows alike, where `causal` makes them differ: this one can be compared from step to step.
    pub plain: Option<f64>,
    /// Relative L2 error against the exact solution on a coarse grid; only shown, never used.
    pub error: Option<f64>,
}

/// Follows a run; `Break` asks it to stop after this step, keeping what it has.
pub trait Progress {
    fn point(&mut self, point: &Point) -> ControlFlow<()>;

    /// Asked after every point: true ends the phase there, as if it had no more steps, and the run goes on with the next.
    fn enough(&self) -> bool {
        false
    }

    /// Asked between two steps: whether the state there is wanted. `stopping`: the run stops here. `long`: the step that comes may
    /// be stopped in its middle.
    fn wants_record(&mut self, _stopping: bool, _long: bool) -> bool {
        false
    }

    /// The state between two steps, if it is wanted: the run can go on from there.
    fn record(&mut self, _record: Record, _stopping: bool) {}
}

/// Ignores everything.
pub struct Silent;

impl Progress for Silent {
    fn point(&mut self, _: &Point) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The flat parameter vector of the network's primal program: the best state by training loss of the last phase.
    pub params: Vec<f64>,
    pub history: Vec<Point>,
    pub phases: Vec<PhaseSummary>,
    pub losses: Vec<Loss>,
    /// What the residuals say of each field and unknown.
    pub sights: Vec<Sight>,
    pub forward_evaluations: u64,
    pub seconds: f64,
    pub status: Status,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    Finished,
    Interrupted,
    /// A loss or weight stopped being finite; `params` are the last good ones.
    Diverged {
        phase: String,
        step: usize,
        residual: String,
        /// What broke first, where that is known.
        broken: Option<Box<Broken>>,
    },
}

/// A number that stopped being finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    pub what: What,
    /// The point, by its coordinates; empty where there is none.
    pub at: Vec<(String, f64)>,
    /// Infinite, or not a number.
    pub value: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A state of a neuron, by its place in the layer, from 0; the time step, from 1, of so many.
    State { layer: String, unit: usize, state: String, step: (usize, usize) },
    /// What goes into a unit, in a time step or before all of them.
    Current { layer: String, unit: usize, step: Option<(usize, usize)> },
    /// The field or one of its derivatives, with finite states behind it.
    Output,
    /// The terms of a residual other than fields.
    Terms,
    /// A parameter, and the layer that it belongs to.
    Weight { param: String, layer: Option<String> },
}

impl std::fmt::Display for What {
    /// As in `v of neuron 12 of layer h in time step 3 of 64`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::State { layer, unit, state, step: (step, steps) } => {
                write!(f, "{state} of neuron {unit} of layer {layer} in time step {step} of {steps}")
            }
            What::Current { layer, unit, step: Some((step, steps)) } => {
                write!(f, "what goes into unit {unit} of layer {layer} in time step {step} of {steps}")
            }
            What::Current { layer, unit, step: None } => write!(f, "what goes into unit {unit} of layer {layer}"),
            What::Output => write!(f, "the network's output or a derivative of it"),
            What::Terms => write!(f, "the residual's own terms"),
            What::Weight { param, .. } => write!(f, "the weights {param}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct PhaseSummary {
    pub name: String,
    /// In words: `pursuit, 512 of 4000 candidates, 3 rounds`.
    pub method: String,
    pub seconds: f64,
    pub forward_evaluations: u64,
    pub loss_before: f64,
    pub loss_after: f64,
    /// Further words for the table: `kept round 2`, `best step 140`.
    pub note: String,
}

/// The state of one residual at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    pub residual: String,
    /// In words: `weak form, 1225 test functions`, `natural term of wave (not trained)`, `value at 256 points`.
    pub method: String,
    pub weight: f64,
    /// Rows it is a mean over.
    pub rows: usize,
    /// Mean of its squared rows before and after training, not multiplied by the weight.
    pub before: f64,
    pub after: f64,
    /// The root of that mean at points that training has not seen, or against other test functions. On data, and where a face
    /// is a single point, there are no others.
    pub fresh: f64,
    /// Derivatives of spikes, which its rows would be made of, mean little: the condition is met through another residual.
    pub rough: bool,
}
