//! What ends a phase before its time: `stop when l2 < 1e-3`, `stop when stalled 200`.
//!
//! ```text
//! loss 1, 0.4, 0.3, 0.2999, 0.2999   stalled 2   ->   stopped: no better for 2 steps
//! ```
//! A metric compares with the exact solution, which training never looks at otherwise: a program that stops by one has asked
//! for it, and the report says that it did. It is the metric of the report, on the same points, of the best state so far,
//! which the phase then ends with.

use crate::func::figure;
use crate::plan::{Expect, MetricKind, StopWhen};
use crate::train::fresh::Fresh;
use crate::train::measure;
use crate::train::record::{Record, RecordError};
use crate::train::session::Session;

/// A loss is better if it is less by more than this part.
pub const GAIN: f64 = 1e-3;
/// A metric is measured once the run has spent this many times what measuring it takes.
const PATIENCE: u64 = 10;

/// Follows one phase.
pub struct Watch<'a> {
    plan: &'a StopWhen,
    /// In the plural: `steps`, `rounds`.
    unit: &'static str,
    best: f64,
    /// When that was found.
    since: usize,
    measured: Option<u64>,
    /// The residual that is watched, once it has been looked at.
    fresh: Option<Fresh<'a>>,
}

impl<'a> Watch<'a> {
    pub fn new(plan: &'a StopWhen, unit: &'static str, loss: f64) -> Watch<'a> {
        Watch { plan, unit, best: loss, since: 0, measured: None, fresh: None }
    }

    /// After the rows changed, the best state's loss is another one.
    pub fn rebase(&mut self, loss: f64) {
        self.best = loss;
    }

    pub fn put(&self, record: &mut Record) {
        record.put("watch.best", &[self.best]);
        record.put_count("watch.since", self.since);
        if let Some(measured) = self.measured {
            record.put("watch.measured", &[measured as f64]);
        }
    }

    /// Goes on after `step` steps and `spent` forward evaluations.
    ///
    /// # Errors
    /// If the record has no such entries, or later ones.
    pub fn restore(&mut self, record: &Record, step: usize, spent: u64) -> Result<(), RecordError> {
        self.best = record.number("watch.best")?;
        self.since = record.earlier("watch.since", step as u64)? as usize;
        if record.has("watch.measured") {
            self.measured = Some(record.earlier("watch.measured", spent)?);
        }
        Ok(())
    }

    /// Why the phase ends here, if it does. `loss` and `params` are the best state's.
    pub fn after(&mut self, session: &Session<'a>, step: usize, loss: f64, params: &[f64]) -> Option<String> {
        let gained = loss < self.best * (1.0 - GAIN) || !self.best.is_finite();
        if gained && loss.is_finite() {
            (self.best, self.since) = (loss, step);
        }
        if let Some(reached) = &self.plan.reached
            && let Some(value) = self.value(session, reached, loss, params)
            && reached.comparison.holds(value, reached.bound)
        {
            let metric = session.problem.report.metrics.iter().find(|m| m.name == reached.metric);
            let against = match metric.map(|m| m.kind) {
                Some(MetricKind::Residual) => ", measured at fresh points",
                Some(_) => ", measured against the exact solution",
                None => "",
            };
            return Some(format!("stopped at {step}: {} = {}{against}", reached.metric, figure(value, 4)));
        }
        let n = self.plan.stalled?;
        (step - self.since >= n).then(|| format!("stopped at {step}: no better for {n} {}", self.unit))
    }

    /// `None` if it is not yet time to measure.
    fn value(&mut self, session: &Session<'a>, what: &Expect, loss: f64, params: &[f64]) -> Option<f64> {
        if what.metric == "loss" && !session.problem.report.metrics.iter().any(|m| m.name == "loss") {
            return Some(loss);
        }
        let (problem, kernels) = (session.problem, session.kernels);
        let spent = session.lab.evaluations();
        if self.fresh.is_none() {
            self.fresh = measure::watched(problem, kernels, &what.metric);
        }
        let points = self.fresh.as_ref().map(|f| f.points() as u64);
        let cost = points.unwrap_or_else(|| measure::cost(problem, &what.metric));
        if self.measured.is_some_and(|m| spent - m < PATIENCE * cost) {
            return None;
        }
        self.measured = Some(spent);
        match &self.fresh {
            Some(fresh) => fresh.residuals(params).pop().map(|(_, rms)| rms),
            None => measure::named(problem, kernels, params, &what.metric),
        }
    }
}
