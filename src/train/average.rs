//! The average of the weights over the last steps, which a phase looks at beside the weights themselves.
//!
//! A step along a noisy gradient leaves the weights scattered about where they tend to; their average is scattered less
//! (Ruppert 1988; Polyak and Juditsky, SIAM J. Control and Optimization 30, 1992). This one forgets at the rate `decay`:
//!
//! ```text
//! a_n = (1 - decay) sum_k decay^(n-k) theta_k / (1 - decay^n)        about 1 / (1 - decay) steps count
//! ```

use crate::train::record::{Record, RecordError};

#[derive(Debug, Clone)]
pub struct Average {
    decay: f64,
    sum: Vec<f64>,
    /// decay^n after n steps.
    left: f64,
}

impl Average {
    pub fn new(decay: f64, len: usize) -> Average {
        Average { decay, sum: vec![0.0; len], left: 1.0 }
    }

    /// Takes the weights after a step into account.
    pub fn add(&mut self, theta: &[f64]) {
        self.left *= self.decay;
        for (s, t) in self.sum.iter_mut().zip(theta) {
            *s = self.decay * *s + (1.0 - self.decay) * t;
        }
    }

    /// The average over the steps so far, of which there was at least one.
    pub fn weights(&self) -> Vec<f64> {
        self.sum.iter().map(|s| s / (1.0 - self.left)).collect()
    }

    /// True after step `step` (from 1) of `steps` if it is to be looked at: as often as it is a new one, and at the end.
    pub fn is_due(&self, step: usize, steps: usize) -> bool {
        let period = (1.0 / (1.0 - self.decay)).round().max(1.0) as usize;
        step.is_multiple_of(period) || step == steps
    }

    pub fn put(&self, record: &mut Record) {
        record.put("average.sum", &self.sum);
        record.put("average.left", &[self.left]);
    }

    /// # Errors
    /// If the record has no average of so many weights.
    pub fn restore(&mut self, record: &Record) -> Result<(), RecordError> {
        self.sum = record.exactly("average.sum", self.sum.len())?.to_vec();
        self.left = record.number("average.left")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_is_that_of_the_last_steps() {
        let mut a = Average::new(0.5, 1);
        for x in [8.0, 4.0, 2.0] {
            a.add(&[x]);
        }
        // (2 + 4/2 + 8/4) / (1 + 1/2 + 1/4)
        assert!((a.weights()[0] - 6.0 / 1.75).abs() < 1e-15);
        let mut a = Average::new(0.99, 1);
        (0..7).for_each(|_| a.add(&[3.0]));
        assert!((a.weights()[0] - 3.0).abs() < 1e-14, "the first steps count in full");
        let due: Vec<usize> = (1..=250).filter(|k| a.is_due(*k, 250)).collect();
        assert_eq!(due, [100, 200, 250]);
    }
}
