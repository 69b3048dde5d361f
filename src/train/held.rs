//! Rows held back: the same residuals against other test functions and at other points than training's, which no selection sees.
//!
//! ```text
//! trained rows     choose neurons, solve for the readout            a selected set of neurons meets them better than it should
//! held rows        choose the penalty, between ways, and whether a round is kept
//! ```
//! A pursuit that chooses a few hundred of thousands of candidates overfits the rows that it chooses by: neurons jump between
//! quadrature points, and a sum of them may meet every moment and be far off in between. What the loss no longer tells, rows of
//! another number of test functions, on other quadrature points, do (validation as of Stone, Cross-validatory choice and
//! assessment of statistical predictions, 1974).

use std::sync::Arc;

use faer::Mat;

use crate::ir::problem::{Place, Problem, Rows, Weak};
use crate::plan::Sampler;
use crate::train::frame::Frame;
use crate::train::observe::Features;
use crate::train::readout::Penalty;
use crate::train::session::Session;
use crate::train::solve::{Linear, Weights, join, square};
use crate::train::system::{Block, Field, Kind, Point, System, scatter_over, weak_kind};
use crate::train::weak::tests_of;

/// Never drawn in training, which counts its draws from 0, nor where fresh residuals are taken.
const DRAW: u32 = u32::MAX - 1;

/// The residuals of a session on rows that training does not see.
pub struct Held<'a> {
    pub system: System<'a>,
    /// The only frame of a linear system.
    linear: Option<Arc<Frame<'a>>>,
}

/// A linear problem on held rows.
pub struct HeldRows {
    pub rows: Mat<f64>,
    pub target: Vec<f64>,
}

impl HeldRows {
    pub fn penalty(&self) -> Penalty<'_> {
        Penalty::Held { rows: self.rows.as_ref(), target: &self.target }
    }

    /// The sum of the squares that weights leave.
    pub fn left(&self, weights: &[f64]) -> f64 {
        let mut left: Vec<f64> = self.target.clone();
        for (w, column) in weights.iter().zip(self.rows.col_iter()) {
            left.iter_mut().zip(column.iter()).for_each(|(l, x)| *l -= w * x);
        }
        square(&left)
    }
}

impl<'a> Held<'a> {
    /// The residuals as the session trains on them now. Where a residual has no other points than those of training, as on data,
    /// its own rows take part. `None` if that is so for all of them, or where rows do not count alike.
    pub fn new(session: &Session<'a>) -> Option<Held<'a>> {
        Held::of(session.problem, session.options.seed, &session.system)
    }

    /// Those of a system.
    pub fn of(problem: &'a Problem, seed: u64, trained: &System<'a>) -> Option<Held<'a>> {
        if trained.blocks.iter().any(|b| problem.residuals[b.residual].dynamics.causal.is_some()) {
            return None;
        }
        let mut system = System { blocks: vec![], stations: vec![] };
        let mut any = false;
        for block in &trained.blocks {
            let residual = &problem.residuals[block.residual];
            let kind = match (&block.kind, &residual.rows) {
                (Kind::Weak(own), Rows::Weak(weak)) => {
                    let other = Weak { tests: Some(other(tests_of(weak, &problem.coords))), ..weak.clone() };
                    any = true;
                    weak_kind(problem, &other, own.graded_by())
                }
                (Kind::Point(own), _) if !matches!(residual.place, Place::Data { .. }) => {
                    // A grid has no other points: those of a sequence lie between its own.
                    let sampler = if residual.sampler == Sampler::Grid { Sampler::Sobol } else { residual.sampler };
                    let place = &residual.place;
                    let (place, n) = match place {
                        Place::Grid(counts) => (&Place::Domain, counts.iter().product()),
                        place => (place, residual.points),
                    };
                    let (at, coefficients) = scatter_over(problem, block.residual, place, n, sampler, seed, DRAW);
                    any |= at.data != own.coords || coefficients != own.coefficients;
                    Kind::Point(Arc::new(Point::new(own.plan, problem, at, coefficients)))
                }
                (own, _) => own.clone(),
            };
            let observer = trained.stations[block.station].observer;
            system.push(problem, Block { kind, emphasis: None, ..block.clone() }, observer);
        }
        let linear = trained.is_linear().then(|| Arc::new(system.frame(None)));
        any.then_some(Held { system, linear })
    }

    /// The held system about a field.
    pub fn frame(&self, about: &Field) -> Arc<Frame<'a>> {
        self.linear.clone().unwrap_or_else(|| Arc::new(self.system.frame(Some(about))))
    }

    /// The mean of the squared rows of a field, in its own frame.
    pub fn loss(&self, field: &Field) -> f64 {
        square(&self.frame(field).residual(field))
    }

    /// The linear problem of a frame for features.
    pub fn rows(&self, frame: &Frame<'_>, features: &Features, like: &Weights) -> HeldRows {
        let linear = Linear::new(frame, features, like);
        let rows = join(linear.fixed.as_ref(), features.rows(frame, &[]).as_ref());
        HeldRows { rows, target: linear.target }
    }
}

/// Another number of test functions: an eighth less, so that no two are alike and the points lie elsewhere.
fn other(tests: usize) -> usize {
    tests - tests / 8 - 1
}
