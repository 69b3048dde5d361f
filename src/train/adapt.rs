//! What of a system changes while a network is trained: weights that balance residuals, collocation points drawn anew, times
//! that count once what comes before them is solved, batches.
//!
//! ```text
//! weight auto       w = trace K / trace K_i          K_i = J_i J_i' over the rows of residual i; found when a phase begins
//! resample n        new points after every n steps or rounds, from the counter (seed, draw, residual)
//! sample adaptive   p(x) ~ |r(x)| / mean |r| + 1     chosen among four times as many Sobol points
//! causal(eps)       w(t) = exp(-eps * sum of the mean r^2 of all earlier slices of time); found in every step
//! ```
//! The balance is that of Wang, Yu and Perdikaris, When and why PINNs fail to train: a neural tangent kernel perspective (J.
//! Comput. Phys. 449, 2022), with the mean over a residual's rows for the sum and without a backward pass: where the output
//! has a readout, J is the response of the rows to its weights, which is observed as it is; elsewhere the trace is estimated
//! from random directions, E |J v|^2 = |J|^2. Adaptive points are those of Wu, Zhu, Tan, Kartha and Lu, A comprehensive study
//! of non-adaptive and residual-based adaptive sampling (Comput. Methods Appl. Mech. Eng. 403, 2023), RAD with k = c = 1.
//! Causal weights are those of Wang, Sankaran and Perdikaris, Respecting causality is all you need (arXiv 2203.07404).
//!
//! Whatever changes, losses are compared on the same rows only: what was best is looked at again.

use std::sync::Arc;

use rand::RngExt;

use crate::exec::kernel;
use crate::exec::rng::{Purpose, Stream};
use crate::ir::problem::{Problem, Rows};
use crate::plan::{ADAPT_STEPS, Estimate, Gradient, Method, Sampler};
use crate::train::directions::{Key, signs_along};
use crate::train::frame::Frame;
use crate::train::perturb::groups;
use crate::train::sampling::Points;
use crate::train::session::Session;
use crate::train::solve::{Linear, Weights};
use crate::train::system::{Block, Field, Kind, Point, System, scatter, weak_kind};

/// Candidates a point that is chosen.
const POOL: usize = 4;
/// Slices of time that causal weights are constant on.
pub const SLICES: usize = 32;
/// Directions that a trace is estimated from, at the least.
const DIRECTIONS: usize = 16;

/// What has become of a system between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Same,
    /// Rows count differently.
    Weights,
    /// There are new points.
    Points,
}

impl<'a> System<'a> {
    /// The same system with other blocks in place of some.
    pub(super) fn with(
        &self,
        problem: &Problem,
        mut change: impl FnMut(usize, &Block<'a>) -> Option<Kind<'a>>,
    ) -> System<'a> {
        let mut system = System { blocks: vec![], stations: vec![] };
        for (k, block) in self.blocks.iter().enumerate() {
            let block = match change(k, block) {
                Some(kind) => Block { kind, emphasis: None, ..block.clone() },
                None => block.clone(),
            };
            let observer = self.stations[block.station].observer;
            system.push(problem, block, observer);
        }
        system
    }

    /// A part of each residual's collocation points, at most `size`. Every pass over all of them takes them in another order.
    pub fn batch(&self, problem: &Problem, size: usize, seed: u64, phase: usize, step: usize) -> System<'a> {
        let mut emphasis = vec![];
        let change = |_: usize, block: &Block<'a>| {
            let Kind::Point(p) = &block.kind else { return None };
            let passes = p.rows.div_ceil(size.max(1));
            if passes < 2 {
                return None;
            }
            let index = (block.residual as u64) << 48 | (phase as u64 & 0xff) << 40 | (step / passes) as u64;
            let mut rng = Stream::new(seed, Purpose::Batch, index);
            let mut order: Vec<usize> = (0..p.rows).collect();
            for i in (1..p.rows).rev() {
                order.swap(i, rng.random_range(0..=i as u64) as usize);
            }
            let first = step % passes * size;
            let mut chosen = order[first..p.rows.min(first + size)].to_vec();
            chosen.sort_unstable();
            let all = Points { dim: problem.coords.len(), data: p.coords.clone(), columns: p.columns.clone() };
            let (at, coefficients) = select(&all, &p.coefficients, &chosen);
            if let Some(e) = &block.emphasis {
                emphasis.push((block.residual, chosen.iter().map(|&i| e[i]).collect::<Arc<[f64]>>()));
            }
            Some(Kind::Point(Arc::new(Point::new(p.plan, problem, at, coefficients))))
        };
        let mut system = self.with(problem, change);
        for (residual, emphasis) in emphasis {
            let of = system.blocks.iter_mut().find(|b| b.residual == residual);
            of.into_iter().for_each(|b| b.emphasis = Some(emphasis.clone()));
        }
        system
    }

    /// Steps after which batches of this size have seen every point.
    pub fn passes(&self, size: usize) -> usize {
        let rows = |b: &Block<'_>| if let Kind::Point(p) = &b.kind { p.rows } else { 0 };
        self.blocks.iter().map(rows).max().unwrap_or(0).div_ceil(size.max(1)).max(1)
    }
}

/// Some of the points, in the given order, and what belongs to them.
fn select(points: &Points, coefficients: &[f64], chosen: &[usize]) -> (Points, Vec<f64>) {
    let some = |all: &[f64]| -> Vec<f64> {
        let width = all.len().checked_div(points.len()).unwrap_or(0);
        chosen.iter().flat_map(|&i| &all[i * width..(i + 1) * width]).copied().collect()
    };
    (Points { dim: points.dim, data: some(&points.data), columns: some(&points.columns) }, some(coefficients))
}

/// `count` of the candidates without replacement, likelier where their weight is larger: those with the largest
/// log(uniform) / weight (Efraimidis and Spirakis, 2006), in ascending order.
fn draw_by(weights: &[f64], count: usize, rng: &mut Stream) -> Vec<usize> {
    let mut keys: Vec<(f64, usize)> = weights
        .iter()
        .enumerate()
        .map(|(i, w)| (libm::log(rng.random::<f64>().max(f64::MIN_POSITIVE)) / w.max(f64::MIN_POSITIVE), i))
        .collect();
    keys.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> = keys.into_iter().take(count).map(|(_, i)| i).collect();
    chosen.sort_unstable();
    chosen
}

/// The square roots of the causal weights of rows at times between `lo` and `hi`.
fn causal(rows: &[f64], times: impl Iterator<Item = f64> + Clone, (lo, hi): (f64, f64), eps: f64) -> Arc<[f64]> {
    let slice = |t: f64| (((t - lo) / (hi - lo) * SLICES as f64) as usize).min(SLICES - 1);
    let (mut sums, mut counts) = ([0.0; SLICES], [0usize; SLICES]);
    for (r, t) in rows.iter().zip(times.clone()) {
        sums[slice(t)] += r * r;
        counts[slice(t)] += 1;
    }
    let mut before = 0.0;
    let mut roots = [1.0; SLICES];
    for (k, root) in roots.iter_mut().enumerate() {
        *root = libm::exp(-0.5 * eps * before);
        before += sums[k] / counts[k].max(1) as f64;
    }
    times.map(|t| roots[slice(t)]).collect()
}

impl<'a> Session<'a> {
    /// Prepares the system for a phase: weights that are to be balanced, and rows that all count alike.
    pub fn begin(&mut self, phase: usize, method: &Method) {
        let emphasised = self.system.blocks.iter().any(|b| b.emphasis.is_some());
        self.system.blocks.iter_mut().for_each(|b| b.emphasis = None);
        let auto = |b: &Block<'_>| self.problem.residuals[b.residual].dynamics.balanced;
        if self.system.blocks.iter().any(auto) {
            self.first_held = None;
            self.balance(phase, method);
        } else if emphasised {
            self.refit();
        }
    }

    /// Grades the test functions of weak forms by the network's field. False if they are as they should be.
    pub fn grade(&mut self, field: &Field) -> bool {
        let (problem, mut any) = (self.problem, false);
        let change = |k: usize, block: &Block<'a>| {
            let (Kind::Weak(old), Rows::Weak(weak)) = (&block.kind, &problem.residuals[block.residual].rows) else {
                return None;
            };
            let grading = old.grading(&field.blocks[k])?;
            any = true;
            Some(weak_kind(problem, weak, Some(&grading)))
        };
        self.system = self.system.with(problem, change);
        if any {
            self.refit();
        }
        any
    }

    fn balance(&mut self, phase: usize, method: &Method) {
        let field = self.field();
        let frame = self.frame(&field);
        let traces = match method {
            Method::Gradient(plan) if !self.has_readouts() => self.probed(&frame, &field, phase, plan),
            _ => {
                let features = self.lab.features(&self.system, &self.params);
                let weights = Weights::of(&self.problem.network, &self.params);
                let fixed = frame.energies(Linear::new(&frame, &features, &weights).fixed.as_ref());
                let free = frame.energies(features.rows(&frame, &[]).as_ref());
                fixed.iter().zip(free).map(|(a, b)| a + b).collect()
            }
        };
        let residuals = &self.problem.residuals;
        let counted = |(b, t): (&Block<'_>, &f64)| {
            let r = &residuals[b.residual];
            if r.dynamics.balanced { *t } else { r.weight * t }
        };
        let total: f64 = self.system.blocks.iter().zip(&traces).map(counted).filter(|t| t.is_finite()).sum();
        for (block, trace) in self.system.blocks.iter_mut().zip(&traces) {
            if residuals[block.residual].dynamics.balanced {
                let weight = total / trace;
                // A residual that nothing moves has no say, whatever it weighs.
                block.weight = if weight.is_finite() && weight > 0.0 { weight } else { 1.0 };
            }
        }
        self.refit();
    }

    /// Every field is affine in weights that are observed.
    fn has_readouts(&self) -> bool {
        self.problem.network.fields.iter().all(|f| f.readout.is_some())
    }

    /// The trace for each block, from directions over the weights that a phase changes.
    fn probed(&mut self, frame: &Frame<'a>, field: &Field, phase: usize, plan: &Gradient) -> Vec<f64> {
        let groups = groups(&self.problem.network, &plan.scope, false);
        let count = plan.directions.least.clamp(1, kernel::DIRECTIONS);
        let runs = plan.directions.least.max(DIRECTIONS).div_ceil(count);
        let mut traces = vec![0.0; self.system.blocks.len()];
        for run in 0..runs {
            let mut directions = vec![vec![0.0; self.params.len()]; count];
            for (k, all) in directions.iter_mut().enumerate() {
                for (g, group) in groups.iter().enumerate() {
                    // No step comes this late, so that no step repeats these.
                    let key = Key { phase, step: 0xff_ffff, direction: run * count + k, group: g };
                    let v = signs_along(self.options.seed, key, group);
                    group.weights.iter().zip(v).for_each(|(w, v)| all[*w as usize] = v);
                }
            }
            let changes = match plan.estimate {
                Estimate::Forward => {
                    let mut buffer = vec![0.0; self.params.len() * count];
                    for (k, all) in directions.iter().enumerate() {
                        all.iter().enumerate().for_each(|(w, v)| buffer[w * count + k] = *v);
                    }
                    frame.apply(&self.lab.tangents(&self.system, &self.params, &buffer, count))
                }
                Estimate::Difference => {
                    let sigma = plan.sigma.map_or(1e-2, |s| s.at(0.0));
                    let moved = |all: &Vec<f64>| -> Vec<f64> {
                        all.iter().zip(&self.params).map(|(v, p)| *p + sigma * v).collect()
                    };
                    let moved: Vec<Vec<f64>> = directions.iter().map(moved).collect();
                    let fields = self.lab.fields(&self.system, &moved.iter().map(Vec::as_slice).collect::<Vec<_>>());
                    let here = frame.residual(field);
                    let rows: Vec<Vec<f64>> = fields.iter().map(|f| frame.residual(f)).collect();
                    faer::Mat::from_fn(here.len(), count, |i, k| (rows[k][i] - here[i]) / sigma)
                }
            };
            let energies = frame.energies(changes.as_ref());
            traces.iter_mut().zip(energies).for_each(|(t, e)| *t += e / (runs * count) as f64);
        }
        traces
    }

    /// The steps or rounds after which a residual's points are drawn anew. `steps`: those of a gradient phase.
    fn period(&self, residual: usize, steps: bool) -> Option<usize> {
        let r = &self.problem.residuals[residual];
        let adaptive = (r.sampler == Sampler::Adaptive).then_some(if steps { ADAPT_STEPS } else { 1 });
        r.dynamics.resample.or(adaptive)
    }

    /// Whether there will be new points before a step or round.
    pub fn is_due(&self, step: usize, steps: bool) -> bool {
        self.system.blocks.iter().any(|b| self.block_is_due(b, step, steps))
    }

    fn block_is_due(&self, block: &Block<'_>, step: usize, steps: bool) -> bool {
        let due = || self.period(block.residual, steps).is_some_and(|n| step > 0 && step.is_multiple_of(n));
        matches!(block.kind, Kind::Point(_)) && due()
    }

    /// Changes the system before a step of a gradient phase (`steps`) or a round. `field` is the network's as it stands, and is
    /// so afterwards.
    pub fn turn(&mut self, step: usize, steps: bool, field: &mut Field) -> Turn {
        let mut turn = Turn::Same;
        if self.is_due(step, steps) {
            let due: Vec<bool> = self.system.blocks.iter().map(|b| self.block_is_due(b, step, steps)).collect();
            let mut drawn: Vec<Option<Kind<'a>>> =
                due.iter().enumerate().map(|(k, d)| d.then(|| self.draw(k))).collect();
            self.system = self.system.with(self.problem, |k, _| drawn[k].take());
            self.refit();
            *field = self.field();
            turn = Turn::Points;
        }
        if steps && self.emphasise(field) && turn == Turn::Same {
            turn = Turn::Weights;
        }
        turn
    }

    /// Weighs rows causally, given the network's field. False if there are none of that kind.
    pub fn emphasise(&mut self, field: &Field) -> bool {
        let mut any = false;
        for (block, observed) in self.system.blocks.iter_mut().zip(&field.blocks) {
            let Some(plan) = self.problem.residuals[block.residual].dynamics.causal else { continue };
            let Kind::Point(p) = &block.kind else { continue };
            let (d, t) = (self.problem.coords.len(), &self.problem.coords[plan.coord]);
            let times = p.coords.iter().skip(plan.coord).step_by(d).copied();
            block.emphasis = Some(causal(&p.value(&p.atoms(observed)), times, (t.lo, t.hi), plan.eps));
            any = true;
        }
        if any {
            self.refit();
        }
        any
    }

    /// New points for a block.
    fn draw(&mut self, k: usize) -> Kind<'a> {
        let block = self.system.blocks[k].clone();
        let Kind::Point(old) = &block.kind else { return block.kind };
        let (problem, residual) = (self.problem, &self.problem.residuals[block.residual]);
        self.draws[block.residual] += 1;
        let (seed, draws) = (self.options.seed, self.draws[block.residual]);
        let scatter = |n: usize| scatter(problem, block.residual, n, seed, draws);
        if residual.sampler != Sampler::Adaptive {
            let (at, coefficients) = scatter(residual.points);
            return Kind::Point(Arc::new(Point::new(old.plan, problem, at, coefficients)));
        }
        let (pool, functions) = scatter(POOL * residual.points);
        let candidates = Arc::new(Point::new(old.plan, problem, pool.clone(), functions.clone()));
        let mut alone = System { blocks: vec![], stations: vec![] };
        let observer = self.system.stations[block.station].observer;
        let all = Block { kind: Kind::Point(candidates.clone()), emphasis: None, ..block.clone() };
        alone.push(problem, all, observer);
        let field = self.lab.field(&alone, &self.params);
        let size: Vec<f64> = candidates.value(&candidates.atoms(&field.blocks[0])).iter().map(|r| r.abs()).collect();
        let mean = size.iter().sum::<f64>() / size.len().max(1) as f64;
        // Where nothing is left of the residual, or it is not finite, all points are alike.
        let weight = |r: &f64| if mean > 0.0 && mean.is_finite() { r / mean + 1.0 } else { 1.0 };
        let weights: Vec<f64> = size.iter().map(weight).collect();
        let mut rng = Stream::pair(seed, Purpose::Batch, u32::MAX - draws, block.residual as u32);
        let chosen = draw_by(&weights, old.rows.min(pool.len()), &mut rng);
        let (at, coefficients) = select(&pool, &functions, &chosen);
        Kind::Point(Arc::new(Point::new(old.plan, problem, at, coefficients)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_residuals_are_drawn_more_often_and_none_twice() {
        let weights: Vec<f64> = (0..400).map(|i| if i < 40 { 10.0 } else { 1.0 }).collect();
        let mut heavy = 0;
        for round in 0..50 {
            let chosen = draw_by(&weights, 100, &mut Stream::new(1, Purpose::Test, round));
            assert!(chosen.len() == 100 && chosen.windows(2).all(|w| w[0] < w[1]));
            heavy += chosen.iter().filter(|&&i| i < 40).count();
        }
        // 40 of 400 points hold 10/19 of the weight; without replacement about 36 of them are taken.
        assert!((1600..=1950).contains(&heavy), "{heavy}");
    }

    #[test]
    fn later_times_wait_for_earlier_ones() {
        let times: Vec<f64> = (0..64).map(|i| (i as f64 + 0.5) / 64.0).collect();
        let at = |rows: &[f64]| causal(rows, times.iter().copied(), (0.0, 1.0), 1.0);
        assert!(at(&[0.0; 64]).iter().all(|w| *w == 1.0));
        // A residual of 1 in the first slice: everything after it counts by exp(-1).
        let mut rows = vec![0.0; 64];
        rows[..2].fill(1.0);
        let w = at(&rows);
        assert_eq!(w[..2], [1.0, 1.0]);
        assert!(w[2..].iter().all(|w| (w * w - libm::exp(-1.0)).abs() < 1e-15));
        let all = at(&[1.0; 64]);
        assert!(all.windows(2).all(|w| w[1] <= w[0]) && all[63] < 1e-6);
    }
}
