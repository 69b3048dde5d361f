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
//! of the smoothed loss). Directions of several groups share a run of the network with tangents, each in lanes of its own.

use faer::Mat;
use rayon::prelude::*;

use crate::exec::kernel::DIRECTIONS;
use crate::plan::{Estimate, Gradient};
use crate::train::directions::{Key, depend, directions};
use crate::train::frame::Frame;
use crate::train::linalg::dot;
use crate::train::observe::Lab;
use crate::train::perturb::Group;
use crate::train::readout::{self, Penalty};
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

/// A direction, the components along the weights of a group.
type Along<'g> = (&'g Group, Vec<f64>);

/// Where the gradient is wanted.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    pub system: &'a System<'a>,
    pub frame: &'a Frame<'a>,
    pub theta: &'a [f64],
    /// The rows of the system under `theta`.
    pub rows: &'a [f64],
}

/// How rows change along directions.
#[derive(Debug)]
pub struct Slopes {
    /// Weights and the direction's components along them.
    along: Vec<(Vec<u32>, Vec<f64>)>,
    /// A column for each of them.
    slopes: Mat<f64>,
}

impl Slopes {
    /// The step that lowers the rows most in the span of the directions, to the first order, by damped least squares: what is to be
    /// taken away from the `len` weights; and the damping. `None` if a number is not finite.
    pub fn step(&self, rows: &[f64], penalty: Penalty<'_>, len: usize) -> Option<(Vec<f64>, f64)> {
        let solution = readout::solve(self.slopes.as_ref(), rows, 0, penalty)?;
        let mut found = vec![0.0; len];
        for (c, (weights, v)) in solution.weights.iter().zip(&self.along) {
            for (w, v) in weights.iter().zip(v) {
                found[*w as usize] += c * v;
            }
        }
        Some((found, solution.ridge))
    }
}

impl Estimator<'_> {
    /// The gradient's estimate, from so many directions for each group.
    ///
    /// # Errors
    /// The name of a residual that was not finite in a perturbed run.
    pub fn gradient(
        &self,
        lab: &mut Lab<'_>,
        here: Here<'_>,
        sigma: f64,
        step: usize,
        total: usize,
    ) -> Result<Vec<f64>, String> {
        let mut gradient = vec![0.0; here.theta.len()];
        let together = if depend(self.plan.distribution) { total } else { DIRECTIONS };
        let mut waiting: Vec<Along<'_>> = vec![];
        for (g, group) in self.groups.iter().enumerate() {
            for start in (0..total).step_by(together) {
                let numbers = start..total.min(start + together);
                let key = Key { phase: self.phase, step, direction: 0, group: g };
                let drawn = directions(self.plan.distribution, self.seed, key, numbers, group);
                waiting.extend(drawn.into_iter().map(|v| (group, v)));
                let is_last = g + 1 == self.groups.len() && start + together >= total;
                while waiting.len() >= DIRECTIONS || is_last && !waiting.is_empty() {
                    let rest = waiting.split_off(waiting.len().min(DIRECTIONS));
                    self.observe(lab, here, sigma, &waiting, &mut gradient)?;
                    waiting = rest;
                }
            }
        }
        gradient.iter_mut().for_each(|g| *g /= total as f64);
        match gradient.iter().all(|g| g.is_finite()) {
            true => Ok(gradient),
            false => Err(here.frame.broken(here.rows).unwrap_or("the gradient of all residuals").to_string()),
        }
    }

    /// How the rows change along `total` directions a group and along `more` of one's own, all over the weights.
    ///
    /// # Errors
    /// The name of a residual that was not finite in a perturbed run.
    pub fn slopes(
        &self,
        lab: &mut Lab<'_>,
        here: Here<'_>,
        sigma: f64,
        (step, total): (usize, usize),
        more: &[&[f64]],
    ) -> Result<Slopes, String> {
        let whole = Group { name: "network".into(), weights: (0..here.theta.len() as u32).collect(), matrices: vec![] };
        let mut along: Vec<Along<'_>> = vec![];
        for (g, group) in self.groups.iter().enumerate() {
            let key = Key { phase: self.phase, step, direction: 0, group: g };
            let drawn = directions(self.plan.distribution, self.seed, key, 0..total, group);
            along.extend(drawn.into_iter().map(|v| (group, v)));
        }
        along.extend(more.iter().map(|v| (&whole, v.to_vec())));
        let mut slopes = Mat::<f64>::zeros(here.rows.len(), along.len());
        for (k, some) in along.chunks(DIRECTIONS).enumerate() {
            let changes = match self.plan.estimate {
                Estimate::Difference => self.moves(lab, here, sigma, some)?,
                Estimate::Forward => changes(lab, here, some),
            };
            slopes.as_mut().subcols_mut(k * DIRECTIONS, some.len()).copy_from(&changes);
        }
        let along = along.into_iter().map(|(group, v)| (group.weights.clone(), v)).collect();
        Ok(Slopes { along, slopes })
    }

    /// How the rows change along some directions, by differences: `rows x directions`.
    fn moves(&self, lab: &mut Lab<'_>, here: Here<'_>, sigma: f64, along: &[Along<'_>]) -> Result<Mat<f64>, String> {
        let rows = self.perturbed(lab, here, sigma, along)?;
        Ok(Mat::from_fn(here.rows.len(), along.len(), |i, k| match self.plan.antithetic {
            true => (rows[2 * k][i] - rows[2 * k + 1][i]) / (2.0 * sigma),
            false => (rows[k][i] - here.rows[i]) / sigma,
        }))
    }

    /// Adds the part of some directions, at most [`DIRECTIONS`], to the gradient.
    fn observe(
        &self,
        lab: &mut Lab<'_>,
        here: Here<'_>,
        sigma: f64,
        along: &[Along<'_>],
        gradient: &mut [f64],
    ) -> Result<(), String> {
        let slopes = match self.plan.estimate {
            Estimate::Difference => self.differences(lab, here, sigma, along)?,
            Estimate::Forward => tangents(lab, here, along),
        };
        for (slope, (group, v)) in slopes.iter().zip(along) {
            for (w, v) in group.weights.iter().zip(v) {
                gradient[*w as usize] += slope * v;
            }
        }
        Ok(())
    }

    fn differences(
        &self,
        lab: &mut Lab<'_>,
        here: Here<'_>,
        sigma: f64,
        along: &[Along<'_>],
    ) -> Result<Vec<f64>, String> {
        let rows = self.perturbed(lab, here, sigma, along)?;
        let losses: Vec<f64> = rows.iter().map(|r| square(r)).collect();
        Ok(if self.plan.antithetic {
            losses.chunks_exact(2).map(|l| (l[0] - l[1]) / (2.0 * sigma)).collect()
        } else {
            let unperturbed = square(here.rows);
            losses.iter().map(|l| (l - unperturbed) / sigma).collect()
        })
    }

    /// The rows of perturbed networks, of both signs of a direction one after the other if the phase is antithetic.
    fn perturbed(
        &self,
        lab: &mut Lab<'_>,
        here: Here<'_>,
        sigma: f64,
        along: &[Along<'_>],
    ) -> Result<Vec<Vec<f64>>, String> {
        let Here { system, frame, theta, .. } = here;
        let sides: &[f64] = if self.plan.antithetic { &[1.0, -1.0] } else { &[1.0] };
        let base: Vec<f64> = theta.to_vec();
        let perturbed: Vec<Vec<f64>> = along
            .iter()
            .flat_map(|(group, v)| {
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
        let rows = fields.par_iter().map(|f| {
            let rows = frame.residual(f);
            frame.broken(&rows).map(str::to_string).map_or(Ok(rows), Err)
        });
        rows.collect::<Vec<_>>().into_iter().collect()
    }
}

/// The slopes of the loss along some directions.
fn tangents(lab: &mut Lab<'_>, here: Here<'_>, along: &[Along<'_>]) -> Vec<f64> {
    let changes = changes(lab, here, along);
    (0..along.len())
        .map(|k| {
            let change: Vec<f64> = changes.col(k).iter().copied().collect();
            2.0 * dot(here.rows, &change)
        })
        .collect()
}

/// How the rows change along some directions, by tangents: `rows x directions`.
fn changes(lab: &mut Lab<'_>, here: Here<'_>, along: &[Along<'_>]) -> Mat<f64> {
    let Here { system, frame, theta, .. } = here;
    let count = along.len();
    let mut buffer = vec![0.0; theta.len() * count];
    for (k, (group, v)) in along.iter().enumerate() {
        for (w, v) in group.weights.iter().zip(v) {
            buffer[*w as usize * count + k] = *v;
        }
    }
    frame.apply(&lab.tangents(system, theta, &buffer, count))
}
