//! Steps that solve for the whole residual in a subspace: Gauss and Newton's method restricted to random directions and the last
//! steps. What it gets in place of a gradient is the step itself ([`Estimator::solve`](crate::train::estimate::Estimator::solve)).
//!
//! ```text
//! min over c  |r + J V c|^2 + damping |c|^2        V = [directions of this step, the last steps]        theta <- theta + rate V c
//! ```
//! The last steps are to the subspace what momentum is to a gradient: as two columns of the full problem they would make it the
//! method of conjugate gradients.

use super::Update;
use crate::plan::Schedule;
use crate::train::linalg::dot;

#[derive(Debug, Clone)]
pub struct GaussNewton {
    rate: Schedule,
    /// The last steps, `[columns][len]`, the latest first, each as long as a direction is; 0 before there were as many.
    last: Vec<f64>,
    len: usize,
}

impl GaussNewton {
    pub fn new(rate: Schedule, columns: usize, len: usize) -> GaussNewton {
        GaussNewton { rate, last: vec![0.0; columns * len], len }
    }
}

impl Update for GaussNewton {
    fn step(&mut self, theta: &mut [f64], step: &[f64], progress: f64) {
        let rate = self.rate.at(progress);
        for (t, s) in theta.iter_mut().zip(step) {
            *t -= rate * s;
        }
        if !self.last.is_empty() {
            self.last.rotate_right(self.len);
            let moved = step.iter().filter(|s| **s != 0.0).count() as f64;
            let length = dot(step, step).sqrt();
            let factor = if length > 0.0 { moved.sqrt() / length } else { 0.0 };
            for (l, s) in self.last.iter_mut().zip(step) {
                *l = f64::from((factor * s) as f32);
            }
        }
    }

    fn memory(&mut self) -> Vec<(&'static str, &mut [f64])> {
        vec![("last", &mut self.last)]
    }

    fn columns(&self) -> Vec<&[f64]> {
        if self.last.is_empty() { vec![] } else { self.last.chunks_exact(self.len).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_steps_are_kept_at_the_length_of_a_direction() {
        let mut rule = GaussNewton::new(Schedule::constant(0.5), 2, 3);
        let mut theta = [0.0; 3];
        rule.step(&mut theta, &[0.0, 3.0, 4.0], 0.0);
        rule.step(&mut theta, &[0.0, 0.0, -1.0], 0.0);
        assert_eq!(theta, [0.0, -1.5, -1.5]);
        let root = f64::from((2f64.sqrt() / 5.0 * 3.0) as f32);
        let columns = rule.columns();
        assert_eq!((columns[0], columns[1][1]), (&[0.0, 0.0, -1.0][..], root));
        assert!(GaussNewton::new(Schedule::constant(1.0), 0, 3).columns().is_empty());
    }
}
