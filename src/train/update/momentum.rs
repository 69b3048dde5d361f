//! Gradient descent with momentum: Polyak's heavy ball, and Nesterov's variant of it as Sutskever, Martens, Dahl and Hinton
//! (ICML 2013) use it, written about the weights it looks from.
//!
//! ```text
//! m <- beta m + g        heavy ball:  theta <- theta - rate m        Nesterov:  theta <- theta - rate (g + beta m)
//! ```
//! With a constant gradient both end at steps of rate g / (1 - beta). A mean of many noisy estimates is what a randomised
//! gradient needs: m is one of about 1 / (1 - beta) of them.

use super::Update;
use crate::plan::Schedule;

#[derive(Debug, Clone)]
pub struct Momentum {
    rate: Schedule,
    beta: f64,
    nesterov: bool,
    velocity: Vec<f64>,
}

impl Momentum {
    pub fn new(rate: Schedule, beta: f64, nesterov: bool, len: usize) -> Momentum {
        Momentum { rate, beta, nesterov, velocity: vec![0.0; len] }
    }
}

impl Update for Momentum {
    fn step(&mut self, theta: &mut [f64], gradient: &[f64], progress: f64) {
        let (rate, beta) = (self.rate.at(progress), self.beta);
        for ((t, &g), m) in theta.iter_mut().zip(gradient).zip(&mut self.velocity) {
            *m = beta * *m + g;
            *t -= rate * if self.nesterov { g + beta * *m } else { *m };
        }
    }

    fn memory(&mut self) -> Vec<(&'static str, &mut [f64])> {
        vec![("velocity", &mut self.velocity)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// g = 1, 1, -1 with beta = 1/2: m = 1, 3/2, -1/4.
    #[test]
    fn three_steps_by_hand() {
        let walk = |nesterov| {
            let mut rule = Momentum::new(Schedule::constant(0.1), 0.5, nesterov, 2);
            let mut theta = [0.0, 7.0];
            [1.0, 1.0, -1.0].map(|g| {
                rule.step(&mut theta, &[g, 0.0], 0.0);
                assert_eq!(theta[1], 7.0);
                theta[0]
            })
        };
        let close = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-15);
        assert!(close(walk(false), [-0.1, -0.25, -0.225]), "{:?}", walk(false));
        assert!(close(walk(true), [-0.15, -0.325, -0.2125]), "{:?}", walk(true));
    }

    /// On x^2 / 2 both contract at the rate that the roots of their recurrence have.
    #[test]
    fn a_quadratic_contracts_as_the_recurrence_says() {
        let (rate, beta): (f64, f64) = (0.1, 0.6);
        for nesterov in [false, true] {
            let mut rule = Momentum::new(Schedule::constant(rate), beta, nesterov, 1);
            let mut theta = [1.0];
            let walk: Vec<f64> = (0..12)
                .map(|_| {
                    let g = theta;
                    rule.step(&mut theta, &g, 0.0);
                    theta[0]
                })
                .collect();
            // x'' = (1 + beta - rate) x' - beta x, and for Nesterov's (1 + beta)(1 - rate) x' - beta (1 - rate) x about
            // the points it looks from.
            let (a, b) =
                if nesterov { ((1.0 + beta) * (1.0 - rate), beta * (1.0 - rate)) } else { (1.0 + beta - rate, beta) };
            for w in walk.windows(3) {
                assert!((w[2] - (a * w[1] - b * w[0])).abs() < 1e-12, "{nesterov}: {walk:?}");
            }
        }
    }
}
