//! How many directions a step takes, by the measured noise of the gradient's estimates.
//!
//! Estimates of two steps have independent directions and nearly the same gradient, so that with K directions each
//!
//! ```text
//! E g_n . g_(n-1) = |g|^2 = s        E |g_n|^2 = s + N / K        wanted: N / K <= 10 s,  so  K = N / (10 s)
//! ```
//! Means over some twenty steps are taken of both. Momentum and Adam average about ten estimates; with as many directions the
//! noise of what they follow is as large as the gradient. It is the norm test of Byrd, Chin, Nocedal and Wu (Mathematical
//! Programming 134, 2012) for a sample of directions in place of data. Whatever makes estimates differ counts: directions,
//! batches, and spikes that come and go under a difference.

use crate::plan::Directions;
use crate::train::linalg::dot;
use crate::train::record::{Record, RecordError};

/// What is left of a mean after a step.
const DECAY: f64 = 0.95;
/// Estimates that the update averages.
const AVERAGED: f64 = 10.0;

#[derive(Debug, Clone)]
pub struct Noise {
    range: Directions,
    /// The estimate of the step before.
    last: Vec<f64>,
    /// [s, N, DECAY^n]: the means so far, not yet divided by the part of their weights that is there.
    means: [f64; 3],
    /// Directions of the next step.
    pub directions: usize,
}

impl Noise {
    pub fn new(range: Directions, len: usize) -> Noise {
        let last = if range.is_constant() { vec![] } else { vec![0.0; len] };
        Noise { range, last, means: [0.0, 0.0, 1.0], directions: range.least }
    }

    /// Looks at the estimate of a step, with the directions that it took.
    pub fn observe(&mut self, gradient: &[f64]) {
        if self.last.is_empty() {
            return;
        }
        let is_first = self.last.iter().all(|g| *g == 0.0);
        if !is_first {
            let (common, power) = (dot(&self.last, gradient), dot(gradient, gradient));
            let [s, n, left] = &mut self.means;
            *left *= DECAY;
            *s = DECAY * *s + (1.0 - DECAY) * common;
            let signal = *s / (1.0 - *left);
            *n = DECAY * *n + (1.0 - DECAY) * self.directions as f64 * (power - signal);
            let wanted = *n / (AVERAGED * *s);
            // No signal, or none that can be told from noise.
            let wanted = if *s > 0.0 && wanted.is_finite() { wanted.max(0.0).ceil() } else { f64::INFINITY };
            self.directions = (wanted.min(self.range.most as f64) as usize).max(self.range.least);
        }
        self.last.copy_from_slice(gradient);
    }

    pub fn put(&self, record: &mut Record) {
        record.put("noise.last", &self.last);
        record.put("noise.means", &self.means);
        record.put_count("noise.directions", self.directions);
    }

    /// # Errors
    /// If the record has none of a phase like this.
    pub fn restore(&mut self, record: &Record) -> Result<(), RecordError> {
        self.last = record.exactly("noise.last", self.last.len())?.to_vec();
        self.means.copy_from_slice(record.exactly("noise.means", 3)?);
        let directions = record.count("noise.directions")?;
        if !(self.range.least..=self.range.most).contains(&directions) {
            return Err(RecordError::Value("noise.directions".into()));
        }
        self.directions = directions;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::normal::normals;
    use crate::exec::rng::{Purpose, Stream};

    /// Estimates g + sqrt(N / (n K)) e of n = 50 components, e standard normal: after the first steps between 0.7 and 1.4
    /// times N / (10 |g|^2) directions are asked for.
    fn settles(noise_to_signal: f64, range: Directions) -> usize {
        const N: usize = 50;
        let mut noise = Noise::new(range, N);
        for step in 0..200 {
            let mut e = [0.0; N];
            normals(&mut Stream::new(1, Purpose::Test, step), &mut e);
            let size = (noise_to_signal / (N * noise.directions) as f64).sqrt();
            let g: Vec<f64> = e.iter().map(|e| 1.0 / (N as f64).sqrt() + size * f64::from(*e)).collect();
            noise.observe(&g);
        }
        noise.directions
    }

    #[test]
    fn directions_follow_the_noise() {
        let range = Directions { least: 4, most: 64 };
        assert!((14..=28).contains(&settles(200.0, range)), "{}", settles(200.0, range));
        assert_eq!(settles(5.0, range), 4);
        assert_eq!(settles(1e5, range), 64);
        assert_eq!(settles(1e5, Directions::constant(3)), 3);
    }
}
