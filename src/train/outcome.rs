//! What training yields, as plain data, and how it reports on its way.

use std::ops::ControlFlow;

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
    /// Relative L2 error against the exact solution on a coarse grid; only shown, never used.
    pub error: Option<f64>,
}

/// Follows a run; `Break` asks it to stop after this step, keeping what it has.
pub trait Progress {
    fn point(&mut self, point: &Point) -> ControlFlow<()>;
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
    },
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
    /// In words: `weak form, 1225 test functions`, `natural term of wave`, `value at 256 points`.
    pub method: String,
    pub weight: f64,
    /// Rows it is a mean over.
    pub rows: usize,
    /// Mean of its squared rows before and after training, not multiplied by the weight.
    pub before: f64,
    pub after: f64,
}
