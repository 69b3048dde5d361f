//! Update rules: what is done with an estimated gradient. One file a rule; a rule knows nothing of where its gradient came
//! from, which is what lets every estimator be paired with every rule.
//!
//! ```text
//! weights theta, gradient g, progress of the phase p   ->   theta - rate(p) * (something made of g)
//! ```

mod adam;
mod gauss_newton;
mod momentum;
mod sgd;

pub use adam::Adam;
pub use gauss_newton::GaussNewton;
pub use momentum::Momentum;
pub use sgd::Sgd;

use crate::plan;
use crate::train::record::{Record, RecordError};

/// A rule with its memory. `theta` and `gradient` have the same length in every call.
pub trait Update {
    /// Moves the weights; `progress` in 0 ..= 1 says where in the phase this step stands.
    fn step(&mut self, theta: &mut [f64], gradient: &[f64], progress: f64);

    /// Its whole memory, by name: a rule that has it back goes on as if it had never stopped.
    fn memory(&mut self) -> Vec<(&'static str, &mut [f64])>;

    /// Directions of its own, as long as the weights, that a subspace is to contain beside the random ones.
    fn columns(&self) -> Vec<&[f64]> {
        vec![]
    }
}

/// Writes down the memory of a rule.
pub fn put(rule: &mut dyn Update, record: &mut Record) {
    for (name, values) in rule.memory() {
        record.put(format!("rule.{name}"), values);
    }
}

/// Gives a rule its memory back.
///
/// # Errors
/// If the record is one of another rule, or of another number of weights.
pub fn restore(rule: &mut dyn Update, record: &Record) -> Result<(), RecordError> {
    for (name, values) in rule.memory() {
        values.copy_from_slice(record.exactly(&format!("rule.{name}"), values.len())?);
    }
    Ok(())
}

/// The rule that a phase asks for, for `len` weights.
pub fn new(update: plan::Update, len: usize) -> Box<dyn Update> {
    match update {
        plan::Update::Sgd { rate } => Box::new(Sgd { rate }),
        plan::Update::Momentum { rate, beta, nesterov } => Box::new(Momentum::new(rate, beta, nesterov, len)),
        plan::Update::GaussNewton { rate, columns, .. } => Box::new(GaussNewton::new(rate, columns, len)),
        plan::Update::Adam { rate, beta1, beta2, epsilon } => Box::new(Adam::new(rate, beta1, beta2, epsilon, len)),
    }
}

/// Where step `step` of `steps` stands in its phase: 0 at the first, 1 at the last, so that a schedule meets both its ends.
pub fn progress(step: usize, steps: usize) -> f64 {
    if steps <= 1 { 0.0 } else { step as f64 / (steps - 1) as f64 }
}

/// In words, for the report.
pub fn describe(update: plan::Update) -> &'static str {
    match update {
        plan::Update::Sgd { .. } => "sgd",
        plan::Update::Momentum { nesterov: false, .. } => "momentum",
        plan::Update::Momentum { nesterov: true, .. } => "nesterov",
        plan::Update::GaussNewton { .. } => "gauss_newton",
        plan::Update::Adam { .. } => "adam",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Schedule, Shape};

    #[test]
    fn schedules_meet_both_ends() {
        for shape in [Shape::Linear, Shape::Exponential, Shape::Cosine] {
            let s = Schedule { from: 0.01, to: 0.001, shape };
            assert_eq!(s.at(progress(0, 200)), 0.01);
            assert_eq!(s.at(progress(199, 200)), 0.001);
            assert_eq!(s.at(progress(0, 1)), 0.01);
        }
    }
}
