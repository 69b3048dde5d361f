//! The readout, solved for exactly: one least-squares solution for a linear problem, Newton's method for a nonlinear one.
//!
//! With everything before the readouts fixed the fields are affine in their weights, and in the unknowns. Newton then needs no further
//! simulation: features are observed once, every iteration linearises about the field they add up to.
//!
//! ```text
//! u_n  ->  frame about u_n  ->  least squares for u*  ->  u_n + t (u* - u_n), t the best of 1, 1/2, 1/4, 1/8
//! ```

use faer::{Mat, MatRef};

use crate::exec::kernel::Numbers;
use crate::ir::op::ParamId;
use crate::ir::problem::{Network, Readout};
use crate::plan::Precision;
use crate::train::frame::Frame;
use crate::train::held::{Held, HeldRows};
use crate::train::init::place;
use crate::train::observe::Features;
use crate::train::readout::{self, Penalty};
use crate::train::system::{Field, System};

/// Newton iterations at most.
pub const ITERATIONS: usize = 8;
/// Newton has arrived when the field changes by less than this part of itself.
pub const ARRIVED: f64 = 1e-4;

/// All readouts of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(pub Vec<Column>);

/// One readout: weights of the features, and of phi0 if it has a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub phi: Vec<f64>,
    pub bias: Option<f64>,
    /// What the bias is kept within; for an unknown.
    bounds: (f64, f64),
    unknown: bool,
}

impl Column {
    /// The new bias, no further than most of the way from the old one to a bound: one linearisation that points beyond must not
    /// leave an unknown at the bound, from where another equation is solved.
    fn within(&self, old: f64, new: f64) -> f64 {
        const WAY: f64 = 0.9;
        let towards = |bound: f64| old + WAY * (bound - old);
        let lo = if self.bounds.0.is_finite() { towards(self.bounds.0) } else { f64::NEG_INFINITY };
        let hi = if self.bounds.1.is_finite() { towards(self.bounds.1) } else { f64::INFINITY };
        new.clamp(lo, hi)
    }
}

/// Where a readout stands in the flat parameter vector.
pub fn places(network: &Network, readout: &Readout) -> (Vec<usize>, Option<usize>) {
    let of = |id: ParamId| {
        let (at, columns) = (place(network, id), network.primal.params[id.0 as usize].cols as usize);
        let (first, apart) = readout.column.map_or((0, 1), |c| (c as usize, columns.max(1)));
        at.skip(first).step_by(apart)
    };
    (readout.weight.map_or(vec![], |id| of(id).collect()), readout.bias.and_then(|id| of(id).next()))
}

impl Weights {
    /// As they stand in a flat parameter vector.
    pub fn of(network: &Network, params: &[f64]) -> Weights {
        let column = |(k, readout): (usize, &Readout)| {
            let (phi, bias) = places(network, readout);
            let unknown = network.fields.iter().filter(|f| f.readout == Some(k)).find_map(|f| f.unknown);
            Column {
                phi: phi.iter().map(|&w| params[w]).collect(),
                bias: bias.map(|b| params[b]),
                bounds: unknown.map_or((f64::NEG_INFINITY, f64::INFINITY), |u| (u.lo, u.hi)),
                unknown: unknown.is_some(),
            }
        };
        Weights(network.readouts.iter().enumerate().map(column).collect())
    }

    /// Puts them, rounded, into a flat parameter vector.
    pub fn put(&self, network: &Network, precision: Precision, params: &mut [f64]) {
        for (column, readout) in self.0.iter().zip(&network.readouts) {
            let (phi, bias) = places(network, readout);
            phi.iter().zip(&column.phi).for_each(|(at, w)| params[*at] = precision.round(*w));
            if let (Some(at), Some(b)) = (bias, column.bias) {
                params[at] = precision.round(b);
            }
        }
    }

    /// All weights 0: fields are their offsets alone. Unknowns stay what they are: a coefficient of 0 changes an equation's
    /// kind.
    pub fn zero(&self) -> Weights {
        let zero = |c: &Column| Column {
            phi: vec![0.0; c.phi.len()],
            bias: if c.unknown { c.bias } else { c.bias.map(|_| 0.0) },
            ..c.clone()
        };
        Weights(self.0.iter().map(zero).collect())
    }

    fn towards(&self, other: &Weights, part: f64) -> Weights {
        let mix = |a: f64, b: f64| a + part * (b - a);
        let column = |(a, b): (&Column, &Column)| Column {
            phi: a.phi.iter().zip(&b.phi).map(|(a, b)| mix(*a, *b)).collect(),
            bias: a.bias.zip(b.bias).map(|(a, b)| mix(a, b)),
            ..a.clone()
        };
        Weights(self.0.iter().zip(&other.0).map(column).collect())
    }

    /// With the unpenalised and the penalised weights that [`Linear::solve`] finds, within their bounds.
    fn with(&self, solution: &[f64]) -> Weights {
        let biases = self.0.iter().filter(|c| c.bias.is_some()).count();
        let (mut fixed, mut free) = (solution[..biases].iter(), solution[biases..].iter());
        let column = |c: &Column| Column {
            bias: c.bias.map(|old| c.within(old, fixed.next().copied().unwrap_or(0.0))),
            phi: free.by_ref().take(c.phi.len()).copied().collect(),
            ..c.clone()
        };
        Weights(self.0.iter().map(column).collect())
    }
}

impl Features {
    /// The fields under a readout.
    pub fn field(&self, weights: &Weights) -> Field {
        let offset = self.offset.blocks.iter().map(|b| b.iter().map(Numbers::wide).collect());
        let mut field = Field { blocks: offset.collect() };
        for (features, column) in self.readouts.iter().zip(&weights.0) {
            features.phi.add_to(&mut field, &column.phi);
            features.phi0.add_to(&mut field, &[column.bias.unwrap_or(0.0)]);
        }
        field
    }

    /// The rows of the features of all readouts but those in `without`, one readout after the other.
    pub fn rows(&self, frame: &Frame<'_>, without: &[usize]) -> Mat<f64> {
        let others = self.readouts.iter().enumerate().filter(|(k, r)| !without.contains(k) && r.phi.len > 0);
        let parts: Vec<Mat<f64>> = others.map(|(_, r)| frame.apply(&r.phi)).collect();
        parts.iter().fold(Mat::zeros(frame.rows(), 0), |all, part| join(all.as_ref(), part.as_ref()))
    }
}

/// The linear problem of a frame for features: the columns of the biases and what all columns together are to come to.
#[derive(Debug)]
pub struct Linear {
    pub fixed: Mat<f64>,
    pub target: Vec<f64>,
}

impl Linear {
    pub fn new(frame: &Frame<'_>, features: &Features, weights: &Weights) -> Linear {
        let offset = frame.apply(&features.offset);
        let target = frame.target().iter().enumerate().map(|(i, t)| t - offset[(i, 0)]).collect();
        let biased = features.readouts.iter().zip(&weights.0).filter(|(_, c)| c.bias.is_some());
        let parts: Vec<Mat<f64>> = biased.map(|(r, _)| frame.apply(&r.phi0)).collect();
        let fixed = parts.iter().fold(Mat::zeros(frame.rows(), 0), |all, part| join(all.as_ref(), part.as_ref()));
        Linear { fixed, target }
    }

    /// The best readouts of features whose rows are given (all readouts', one after the other), shaped like `like`, and how
    /// good they are: by held rows, if there are any. `None` if numbers are not finite.
    pub fn solve(
        &self,
        rows: MatRef<'_, f64>,
        like: &Weights,
        ridge: Option<f64>,
        held: Option<&HeldRows>,
    ) -> Option<(Weights, Worth)> {
        let all = join(self.fixed.as_ref(), rows);
        let penalty = match (ridge, held) {
            (Some(ridge), _) => Penalty::Given(ridge),
            (None, Some(held)) => held.penalty(),
            (None, None) => Penalty::CrossValidated,
        };
        let solution = readout::solve(all.as_ref(), &self.target, self.fixed.ncols(), penalty)?;
        let left = held.map_or(solution.mean_square, |h| h.left(&solution.weights));
        Some((like.with(&solution.weights), Worth { left, ridge: solution.ridge }))
    }
}

/// What a solved readout leaves, of the rows that judge it, and the penalty that it was solved with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    pub left: f64,
    pub ridge: f64,
}

/// The columns of `a`, then those of `b`.
pub fn join(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    Mat::from_fn(a.nrows(), a.ncols() + b.ncols(), |i, j| if j < a.ncols() { a[(i, j)] } else { b[(i, j - a.ncols())] })
}

/// How far to go from one field towards another: the part with the least loss, and that loss. A step that does not lower
/// the loss is still taken in its shortest form: the linearisation behind it may have been poor.
pub fn damped(frame: &Frame<'_>, from: &Field, to: &Field) -> (f64, f64) {
    let mut best = (0.125, f64::INFINITY);
    for part in [1.0, 0.5, 0.25, 0.125] {
        let loss = square(&frame.residual(&from.towards(to, part)));
        if loss < best.1 {
            best = (part, loss);
        }
    }
    best
}

/// A loss is better than another if it is less, or if only it is finite.
pub fn better(new: f64, old: f64) -> bool {
    new.is_finite() && (new < old || !old.is_finite())
}

/// The sum of squares: the loss, for all rows of a system.
pub fn square(rows: &[f64]) -> f64 {
    rows.iter().map(|r| r * r).sum()
}

/// The exact readout for fixed features. `linear` is the frame to use if the system is linear; otherwise Newton starts from
/// `start`. `held` are rows to choose the penalty by, where none is given, and the features there. `None` if numbers are not finite.
pub fn readout(
    system: &System<'_>,
    linear: Option<&Frame<'_>>,
    features: &Features,
    start: &Weights,
    ridge: Option<f64>,
    held: Option<(&Held<'_>, &Features)>,
) -> Option<Weights> {
    let solve = |frame: &Frame<'_>, here: &Weights| {
        let seen = held.map(|(h, features)| h.rows(&h.frame(&features.field(here)), features, here));
        Linear::new(frame, features, here).solve(features.rows(frame, &[]).as_ref(), here, ridge, seen.as_ref())
    };
    if let Some(frame) = linear {
        return solve(frame, start).map(|(weights, _)| weights);
    }
    let mut here = start.clone();
    let mut field = features.field(&here);
    let mut best: Option<(f64, Weights)> = None;
    for _ in 0..ITERATIONS {
        let frame = system.frame(Some(&field));
        let (there, _) = solve(&frame, &here)?;
        let aim = features.field(&there);
        let (part, loss) = damped(&frame, &field, &aim);
        here = here.towards(&there, part);
        let next = field.towards(&aim, part);
        let change = next.change(&field);
        field = next;
        if best.as_ref().is_none_or(|(l, _)| better(loss, *l)) {
            best = Some((loss, here.clone()));
        }
        if change <= ARRIVED || !change.is_finite() {
            break;
        }
    }
    best.map(|(_, w)| w)
}
