//! Estimates of the gradient from perturbed runs: randomised forward gradients, Wan, Zhang, Karniadakis, arXiv 2411.07057.
//!
//! ```text
//! g = mean over k of D_k v_k        D_k ~ grad L . v_k:
//!   difference           (L(theta + sigma v) - L(theta)) / sigma
//!   ... antithetic       (L(theta + sigma v) - L(theta - sigma v)) / (2 sigma)
//!   forward              2 r . J du, du the field's tangent along v
//! ```
//! Both sides of a difference see the same points. Each group of weights is perturbed alone and gets its own part of g, so
//! that with layers as groups it is the paper's layer-wise estimate. The expectation is the gradient (for differences: that
//! of the smoothed loss).

use rayon::prelude::*;

use crate::exec::kernel::DIRECTIONS;
use crate::plan::{Estimate, Gradient};
use crate::train::frame::Frame;
use crate::train::linalg::dot;
use crate::train::observe::Lab;
use crate::train::perturb::{Group, Key, direction};
use crate::train::solve::square;
use crate::train::system::System;

/// What stays the same over a phase.
#[derive(Debug)]
pub struct Estimator<'a> {
    pub plan: &'a Gradient,
    pub groups: Vec<Group>,
    pub seed: u64,
    pub phase: usize,
}

/// Where the gradient is wanted.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    pub system: &'a System<'a>,
    pub frame: &'a Frame<'a>,
    pub theta: &'a [f64],
    /// The rows of the system under `theta`.
    pub rows: &'a [f64],
}

impl Estimator<'_> {
    /// The gradient's estimate.
    ///
    /// # Errors
    /// The name of a residual that was not finite in a perturbed run.
    pub fn gradient(&self, lab: &mut Lab<'_>, here: Here<'_>, sigma: f64, step: usize) -> Result<Vec<f64>, String> {
        let mut gradient = vec![0.0; here.theta.len()];
        let total = self.plan.directions;
        for (g, group) in self.groups.iter().enumerate() {
            for start in (0..total).step_by(DIRECTIONS) {
                let directions: Vec<Vec<f64>> = (start..total.min(start + DIRECTIONS))
                    .into_par_iter()
                    .map(|k| {
                        let key = Key { phase: self.phase, step, direction: k, group: g };
                        direction(self.plan.distribution, self.seed, key, group.weights.len())
                    })
                    .collect();
                let slopes = match self.plan.estimate {
                    Estimate::Difference => self.differences(lab, here, sigma, group, &directions)?,
                    Estimate::Forward => self.tangents(lab, here, group, &directions),
                };
                for (slope, v) in slopes.iter().zip(&directions) {
                    for (w, v) in group.weights.iter().zip(v) {
                        gradient[*w as usize] += slope * v / total as f64;
                    }
                }
            }
        }
        match gradient.iter().all(|g| g.is_finite()) {
            true => Ok(gradient),
            false => Err(here.frame.broken(here.rows).unwrap_or("the gradient of all residuals").to_string()),
        }
    }

    fn differences(
        &self,
        lab: &mut Lab<'_>,
        here: Here<'_>,
        sigma: f64,
        group: &Group,
        directions: &[Vec<f64>],
    ) -> Result<Vec<f64>, String> {
        let Here { system, frame, theta, rows } = here;
        let sides: &[f64] = if self.plan.antithetic { &[1.0, -1.0] } else { &[1.0] };
        let base: Vec<f64> = theta.to_vec();
        let perturbed: Vec<Vec<f64>> = directions
            .iter()
            .flat_map(|v| {
                let base = &base;
                sides.iter().map(move |side| {
                    let mut params = base.clone();
                    for (w, v) in group.weights.iter().zip(v) {
                        params[*w as usize] = theta[*w as usize] + side * sigma * v;
                    }
                    params
                })
            })
            .collect();
        let fields = lab.fields(system, &perturbed.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let losses: Vec<Result<f64, String>> = fields
            .par_iter()
            .map(|f| {
                let rows = frame.residual(f);
                frame.broken(&rows).map_or_else(|| Ok(square(&rows)), |name| Err(name.to_string()))
            })
            .collect();
        let losses: Vec<f64> = losses.into_iter().collect::<Result<_, _>>()?;
        Ok(if self.plan.antithetic {
            losses.chunks_exact(2).map(|l| (l[0] - l[1]) / (2.0 * sigma)).collect()
        } else {
            let unperturbed = square(rows);
            losses.iter().map(|l| (l - unperturbed) / sigma).collect()
        })
    }

    fn tangents(&self, lab: &mut Lab<'_>, here: Here<'_>, group: &Group, directions: &[Vec<f64>]) -> Vec<f64> {
        let Here { system, frame, theta, rows } = here;
        let count = directions.len();
        let params: Vec<f64> = theta.to_vec();
        let mut buffer = vec![0.0; theta.len() * count];
        for (k, v) in directions.iter().enumerate() {
            for (w, v) in group.weights.iter().zip(v) {
                buffer[*w as usize * count + k] = *v;
            }
        }
        let changes = frame.apply(&lab.tangents(system, &params, &buffer, count));
        (0..count)
            .map(|k| {
                let change: Vec<f64> = changes.col(k).iter().copied().collect();
                2.0 * dot(rows, &change)
            })
            .collect()
    }
}
