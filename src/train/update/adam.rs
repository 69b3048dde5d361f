//! Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1), in double precision.
//!
//! ```text
//! m <- b1 m + (1 - b1) g      v <- b2 v + (1 - b2) g^2      theta <- theta - rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//! ```
//! A weight whose gradient was never anything but 0 (frozen, or solved for exactly) does not move.

use super::Update;
use crate::plan::Schedule;

#[derive(Debug, Clone)]
pub struct Adam {
    rate: Schedule,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    mean: Vec<f64>,
    square: Vec<f64>,
    /// beta1^t and beta2^t after the t steps done so far.
    decay: [f64; 2],
}

impl Adam {
    pub fn new(rate: Schedule, beta1: f64, beta2: f64, epsilon: f64, len: usize) -> Adam {
        Adam { rate, beta1, beta2, epsilon, mean: vec![0.0; len], square: vec![0.0; len], decay: [1.0, 1.0] }
    }
}

impl Update for Adam {
    fn step(&mut self, theta: &mut [f64], gradient: &[f64], progress: f64) {
        let rate = self.rate.at(progress);
        self.decay = [self.decay[0] * self.beta1, self.decay[1] * self.beta2];
        let [c1, c2] = self.decay.map(|d| 1.0 - d);
        let (b1, b2) = (self.beta1, self.beta2);
        for (((t, &g), m), v) in theta.iter_mut().zip(gradient).zip(&mut self.mean).zip(&mut self.square) {
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            if *m != 0.0 {
                *t -= rate * (*m / c1) / ((*v / c2).sqrt() + self.epsilon);
            }
        }
    }

    fn memory(&mut self) -> Vec<(&'static str, &mut [f64])> {
        vec![("mean", &mut self.mean), ("square", &mut self.square), ("decay", &mut self.decay)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a constant gradient the bias-corrected moments are g and g^2 in every step: each is rate * g / (|g| + eps).
    #[test]
    fn constant_gradient_moves_by_the_rate() {
        let mut adam = Adam::new(Schedule::constant(0.1), 0.9, 0.999, 1e-8, 3);
        let (g, mut theta) = ([4.0, -0.25, 0.0], [0.0, 0.0, 7.0]);
        for n in 1..=3 {
            adam.step(&mut theta, &g, 0.0);
            let moved = 0.1 * n as f64;
            assert!((theta[0] + moved * 4.0 / (4.0 + 1e-8)).abs() < 1e-12);
            assert!((theta[1] - moved * 0.25 / (0.25 + 1e-8)).abs() < 1e-12);
            assert_eq!(theta[2], 7.0);
        }
    }

    /// Two different gradients, worked out by hand: m = 0.19, v = 0.001999, corrected by 0.19 and 0.001999 for g = 1, 1;
    /// then for g = 1, -1: m = 0.09 - 0.1 = -0.01, v = 0.001999.
    #[test]
    fn second_step_in_closed_form() {
        let mut adam = Adam::new(Schedule::constant(1.0), 0.9, 0.999, 0.0, 1);
        let mut theta = [0.0];
        adam.step(&mut theta, &[1.0], 0.0);
        assert!((theta[0] + 1.0).abs() < 1e-12);
        adam.step(&mut theta, &[-1.0], 0.0);
        assert!((theta[0] - (-1.0 + 0.01 / 0.19)).abs() < 1e-12);
    }
}
