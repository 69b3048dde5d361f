//! What the phases of a training run share: the system, the weights so far, the count of what was spent, and the line to
//! whoever watches.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::ir::problem::Problem;
use crate::train::Options;
use crate::train::frame::Frame;
use crate::train::held::Held;
use crate::train::kernels::Kernels;
use crate::train::measure::HeldOut;
use crate::train::observe::Lab;
use crate::train::outcome::{Broken, PhaseSummary, Point, Progress};
use crate::train::system::{Field, System};

pub struct Session<'a> {
    pub problem: &'a Problem,
    pub kernels: &'a Kernels,
    pub options: &'a Options<'a>,
    /// It changes on the way, see [`adapt`](crate::train::adapt).
    pub system: System<'a>,
    /// The system's only frame, if it is linear.
    pub linear: Option<Arc<Frame<'a>>>,
    /// How often the points of each residual have been drawn anew.
    pub draws: Vec<u32>,
    pub lab: Lab<'a>,
    /// The flat parameter vector as it stands.
    pub params: Vec<f64>,
    pub history: Vec<Point>,
    /// The phases that are over.
    pub phases: Vec<PhaseSummary>,
    /// Seconds and forward evaluations when the phase under way began.
    pub mark: (f64, u64),
    pub(super) progress: &'a mut dyn Progress,
    /// Whoever watches has asked the run to stop.
    pub(super) asked: bool,
    started: Instant,
    /// Seconds that the run had taken before it was stopped and went on.
    pub(super) before: f64,
    /// The field that the run began with, until it is first asked for: the losses before training took it already.
    first: Option<Field>,
    /// Rows held back of the system that the run begins with, until they are first asked for.
    pub(super) first_held: Option<Option<Held<'a>>>,
    held_out: Option<HeldOut>,
    /// Forward evaluations when the error was last measured.
    pub(super) measured: Option<u64>,
}

/// Why a phase ended before its time.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    Interrupted,
    /// Whoever watches has seen enough of this phase.
    Enough,
    /// A residual (or, in words, something else) stopped being finite.
    Diverged {
        step: usize,
        residual: String,
        broken: Option<Box<Broken>>,
    },
}

/// How a phase ended: further words for the report, the losses around it, and why it stopped early, if it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub note: String,
    pub before: f64,
    pub after: f64,
    pub stop: Option<Stop>,
}

/// The error is measured once the run has spent this many times what measuring it takes.
const PATIENCE: u64 = 10;

impl<'a> Session<'a> {
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        problem: &'a Problem,
        kernels: &'a Kernels,
        options: &'a Options<'a>,
        system: System<'a>,
        linear: Option<Arc<Frame<'a>>>,
        params: Vec<f64>,
        progress: &'a mut dyn Progress,
        started: Instant,
    ) -> Session<'a> {
        Session {
            problem,
            kernels,
            options,
            system,
            linear,
            draws: vec![0; problem.residuals.len()],
            lab: Lab::new(&problem.network, kernels, problem.coords.len()),
            params,
            history: vec![],
            phases: vec![],
            mark: (0.0, 0),
            progress,
            asked: false,
            started,
            before: 0.0,
            first: None,
            first_held: None,
            held_out: HeldOut::new(problem),
            measured: None,
        }
    }

    pub fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    /// Keeps when a phase begins.
    pub fn begin_phase(&mut self) {
        self.mark = (self.seconds(), self.lab.evaluations());
    }

    /// True once somebody has asked the run to stop.
    pub fn interrupted(&self) -> bool {
        self.options.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Runs the network as it stands.
    pub fn field(&mut self) -> Field {
        match self.first.take() {
            Some(field) => {
                self.lab.count(&self.system);
                field
            }
            None => self.lab.field(&self.system, &self.params),
        }
    }

    /// Takes over the field before the first phase, as `lab` has observed it: the phase begins by asking for it.
    pub fn begin_with(&mut self, lab: Lab<'a>, field: Field) {
        self.lab = lab;
        self.first = Some(field);
    }

    /// The rows held back of the system as it stands.
    pub(super) fn held(&mut self) -> Option<Held<'a>> {
        self.first_held.take().unwrap_or_else(|| Held::new(self))
    }

    /// The field under some weights; not counted.
    pub fn look(&mut self, params: &[f64]) -> Field {
        self.lab.look(&self.system, params)
    }

    /// From now on fields are observed.
    pub(super) fn forget_first(&mut self) {
        self.first = None;
    }

    /// The system about a field.
    pub fn frame(&self, about: &Field) -> Arc<Frame<'a>> {
        match &self.linear {
            Some(frame) => frame.clone(),
            None => Arc::new(self.system.frame(Some(about))),
        }
    }

    /// A frame for the same comparisons as another one, after the system has changed.
    pub fn frame_like(&self, other: &Frame<'a>) -> Arc<Frame<'a>> {
        match &self.linear {
            Some(frame) => frame.clone(),
            None => Arc::new(self.system.frame_like(None, other)),
        }
    }

    /// Puts the frame of a linear system right after the system has changed.
    pub fn refit(&mut self) {
        if let Some(old) = &self.linear {
            self.linear = Some(Arc::new(self.system.frame_like(None, old)));
        }
    }

    /// Reports the state after a step. A run that is asked to stop does so at its next pause, or ends first.
    ///
    /// # Errors
    /// `Stop::Enough` if the phase is to end here.
    pub fn report(&mut self, phase: usize, step: usize, of: usize, loss: f64) -> Result<(), Stop> {
        self.report_plain(phase, step, of, loss, None)
    }

    /// The same with the loss of rows that all count alike, where they do not.
    ///
    /// # Errors
    /// As `report`.
    pub fn report_plain(
        &mut self,
        phase: usize,
        step: usize,
        of: usize,
        loss: f64,
        plain: Option<f64>,
    ) -> Result<(), Stop> {
        let spent = self.lab.evaluations();
        let error = self.held_out.as_ref().and_then(|h| {
            let due = self.measured.is_none_or(|m| spent - m >= PATIENCE * h.points() as u64);
            (due || step == 0 || step == of).then(|| h.error(self.problem, self.kernels, &self.params))
        });
        if error.is_some() {
            self.measured = Some(spent);
        }
        let seconds = self.seconds();
        let point = Point { phase, step, of, forward_evaluations: spent, seconds, loss, plain, error };
        self.history.push(point.clone());
        self.asked |= self.progress.point(&point).is_break();
        if self.progress.enough() { Err(Stop::Enough) } else { Ok(()) }
    }
}
