//! Plain gradient descent: theta <- theta - rate * g. The yardstick that the others are measured against.

use super::Update;
use crate::plan::Schedule;

#[derive(Debug, Clone)]
pub struct Sgd {
    pub rate: Schedule,
}

impl Update for Sgd {
    fn step(&mut self, theta: &mut [f64], gradient: &[f64], progress: f64) {
        let rate = self.rate.at(progress);
        for (t, g) in theta.iter_mut().zip(gradient) {
            *t -= rate * g;
        }
    }

    fn memory(&mut self) -> Vec<(&'static str, &mut [f64])> {
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_is_rate_times_gradient() {
        let mut theta = [1.0, -2.0];
        Sgd { rate: Schedule::constant(0.5) }.step(&mut theta, &[2.0, -1.0], 0.3);
        assert_eq!(theta, [0.0, -1.5]);
    }
}
