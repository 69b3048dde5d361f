//! The readout, solved for exactly: one least-squares solution for a linear problem, Newton's method for a nonlinear one.
//!
//! With everything before the readout fixed the field is affine in the readout's weights. Newton then needs no further
//! simulation: features are observed once, every iteration linearises about the field they add up to.
//!
//! ```text
//! u_n  ->  frame about u_n  ->  least squares for u*  ->  u_n + t (u* - u_n), t the best of 1, 1/2, 1/4, 1/8
//! ```

use faer::{Mat, MatRef};

use crate::ir::problem::Network;
use crate::train::frame::Frame;
use crate::train::init::place;
use crate::train::observe::Features;
use crate::train::readout;
use crate::train::system::{Field, System};

/// Newton iterations at most.
pub const ITERATIONS: usize = 8;
/// Newton has arrived when the field changes by less than this part of itself.
pub const ARRIVED: f64 = 1e-4;

/// A readout: weights of the features, and of phi0 if the network has a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    pub phi: Vec<f64>,
    pub bias: Option<f64>,
}

impl Weights {
    /// As they stand in a flat parameter vector. `None` if the network has no readout.
    pub fn of(network: &Network, params: &[f32]) -> Option<Weights> {
        let readout = network.readout.as_ref()?;
        let phi = params[place(network, readout.weight)].iter().map(|&w| f64::from(w)).collect();
        Some(Weights { phi, bias: readout.bias.map(|b| f64::from(params[place(network, b).start])) })
    }

    /// Puts them into a flat parameter vector.
    pub fn put(&self, network: &Network, params: &mut [f32]) {
        let Some(readout) = &network.readout else { return };
        for (p, w) in params[place(network, readout.weight)].iter_mut().zip(&self.phi) {
            *p = *w as f32;
        }
        if let (Some(id), Some(b)) = (readout.bias, self.bias) {
            params[place(network, id)].fill(b as f32);
        }
    }

    /// All weights 0: the field is the offset alone.
    pub fn zero(&self) -> Weights {
        Weights { phi: vec![0.0; self.phi.len()], bias: self.bias.map(|_| 0.0) }
    }

    fn towards(&self, other: &Weights, part: f64) -> Weights {
        let mix = |a: f64, b: f64| a + part * (b - a);
        Weights {
            phi: self.phi.iter().zip(&other.phi).map(|(a, b)| mix(*a, *b)).collect(),
            bias: self.bias.zip(other.bias).map(|(a, b)| mix(a, b)),
        }
    }
}

impl Features {
    /// The field under a readout.
    pub fn field(&self, weights: &Weights) -> Field {
        let mut field = self.phi.combine(&weights.phi);
        for other in [self.phi0.combine(&[weights.bias.unwrap_or(0.0)]), self.offset.combine(&[1.0])] {
            for (a, b) in field.blocks.iter_mut().flatten().flatten().zip(other.blocks.iter().flatten().flatten()) {
                *a += b;
            }
        }
        field
    }
}

/// The linear problem of a frame for features: the bias's column (if there is a bias) and what all columns together are to
/// come to.
#[derive(Debug)]
pub struct Linear {
    pub fixed: Mat<f64>,
    pub target: Vec<f64>,
}

impl Linear {
    pub fn new(frame: &Frame<'_>, features: &Features, bias: bool) -> Linear {
        let offset = frame.apply(&features.offset);
        let target = frame.target().iter().enumerate().map(|(i, t)| t - offset[(i, 0)]).collect();
        let fixed = if bias { frame.apply(&features.phi0) } else { Mat::zeros(frame.rows(), 0) };
        Linear { fixed, target }
    }

    /// The best readout of features whose rows are given, and the mean of the squared rows that are left. `None` if
    /// numbers are not finite.
    pub fn solve(&self, rows: MatRef<'_, f64>, ridge: Option<f64>) -> Option<(Weights, f64)> {
        let fixed = self.fixed.ncols();
        let all = join(self.fixed.as_ref(), rows);
        let solution = readout::solve(all.as_ref(), &self.target, fixed, ridge)?;
        let (bias, phi) = solution.weights.split_at(fixed);
        Some((Weights { phi: phi.to_vec(), bias: bias.first().copied() }, solution.mean_square))
    }
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
/// `start`. `None` if numbers are not finite.
pub fn readout(
    system: &System<'_>,
    linear: Option<&Frame<'_>>,
    features: &Features,
    start: &Weights,
    ridge: Option<f64>,
) -> Option<Weights> {
    let bias = start.bias.is_some();
    if let Some(frame) = linear {
        let solution = Linear::new(frame, features, bias).solve(frame.apply(&features.phi).as_ref(), ridge);
        return solution.map(|(weights, _)| weights);
    }
    let mut here = start.clone();
    let mut field = features.field(&here);
    let mut best: Option<(f64, Weights)> = None;
    for _ in 0..ITERATIONS {
        let frame = system.frame(Some(&field));
        let (there, _) = Linear::new(&frame, features, bias).solve(frame.apply(&features.phi).as_ref(), ridge)?;
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
