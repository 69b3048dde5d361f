//! How far the equations hold where training did not look, and which errors they would not show.
//!
//! ```text
//! residual   the root mean square of its rows at fresh points of its place, or against other test functions
//! unseen     the largest relative error of a field, of some smooth shapes, that changes no residual by more than is left of it
//! ```
//! A loss says how well the rows of training are met. Fresh rows say whether that holds between them too. Neither says that the
//! field is right: in a stiff system a coefficient of 1e4 may stand beside one of 0.04, and an equation scaled by the first does
//! not see what the second is about. So errors are tried on: each field is changed by a smooth function of its own size, the
//! response of every residual is taken from the linearised rows, and compared with what is left there. It is an estimate from
//! few shapes, in one field at a time, and so no bound; it is for telling a run that may be trusted from one that may not.
//!
//! Nothing here is used to train.

use std::f64::consts::PI;

use crate::exec::kernel::Numbers;
use crate::exec::rng::{Purpose, Stream};
use crate::func::MultiIndex;
use crate::ir::problem::{Coord, Place, Problem, Rows};
use crate::plan::Sampler;
use crate::train::functions::{HELD_OUT, draw};
use crate::train::kernels::Kernels;
use crate::train::measure::predict;
use crate::train::observe::Lab;
use crate::train::sampling::{Points, place_points};
use crate::train::system::{Block, Columns, Field, Kind, Point, System, scatter_over, weak_kind};
use crate::train::weak::tests_of;

/// Never drawn in training, which counts its draws from 0.
const DRAW: u32 = u32::MAX;
/// Fresh points of a residual at most.
const MOST: usize = 8192;
/// Points at which the size of a field is taken.
const SIZED: usize = 256;

/// The residuals at points that training has not seen.
pub struct Fresh<'a> {
    problem: &'a Problem,
    kernels: &'a Kernels,
    seed: u64,
    system: System<'a>,
}

/// What the residuals say of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    pub field: String,
    /// Its root mean square over the domain; of an unknown, its size.
    pub size: f64,
    /// The relative error that may hide; infinite if no residual would show any.
    pub unseen: f64,
}

impl<'a> Fresh<'a> {
    /// All residuals, or a single one. On data, and where a face is a point, there are no other points than those of training.
    pub fn new(problem: &'a Problem, kernels: &'a Kernels, seed: u64, only: Option<usize>) -> Fresh<'a> {
        let mut system = System { blocks: vec![], stations: vec![] };
        for (i, residual) in problem.residuals.iter().enumerate() {
            if only.is_some_and(|k| k != i) {
                continue;
            }
            let (kind, observer) = match &residual.rows {
                Rows::Pointwise(plan) | Rows::Absorbed { measure: plan, .. } => {
                    let (at, coefficients) = scatter(problem, i, seed);
                    let point = Point::new(plan, problem, at, coefficients);
                    let observer = if point.stencil.is_some() { 0 } else { kernels.observer_of[i] };
                    (Kind::Point(point.into()), observer)
                }
                Rows::Weak(weak) => {
                    // A few more than in training, so that they bend elsewhere.
                    let n = tests_of(weak, &problem.coords);
                    let other = crate::ir::problem::Weak { tests: Some(n + n / 8 + 1), ..weak.clone() };
                    (weak_kind(problem, &other, None), 0)
                }
            };
            let (name, weight) = (residual.name.as_str(), 1.0);
            let block = Block { residual: i, name, weight, station: 0, start: 0, len: 0, emphasis: None, kind };
            system.push(problem, block, observer);
        }
        Fresh { problem, kernels, seed, system }
    }

    /// Points that one look simulates.
    pub fn points(&self) -> usize {
        self.system.points()
    }

    fn field(&self, params: &[f64]) -> Field {
        Lab::new(&self.problem.network, self.kernels, self.problem.coords.len()).field(&self.system, params)
    }

    /// The root mean square of each residual, in their order, the weight not counted.
    pub fn residuals(&self, params: &[f64]) -> Vec<(usize, f64)> {
        let field = self.field(params);
        let losses = self.system.frame(Some(&field)).losses(&field);
        losses.into_iter().map(|(residual, _, mean)| (residual, mean.sqrt())).collect()
    }

    /// The same, and what the residuals that are trained on would show of each field and unknown. Fields that are 0 everywhere
    /// are left out.
    pub fn look(&self, params: &[f64]) -> (Vec<(usize, f64)>, Vec<Sight>) {
        let field = self.field(params);
        let frame = self.system.frame(Some(&field));
        let left = frame.losses(&field);
        let residual = frame.residual(&field);
        let mut sights = vec![];
        for (k, (size, depends)) in self.sizes(params).into_iter().enumerate() {
            let of = &self.problem.network.fields[k];
            if !(size > 0.0 && size.is_finite()) {
                continue;
            }
            let shapes = shapes(&self.problem.coords, &depends);
            let change = frame.apply(&self.change(k, size, &shapes));
            let unseen = (0..shapes.len()).map(|j| {
                let mut start = 0;
                let parts = left.iter().map(|(r, rows, _)| {
                    let here = start..start + rows;
                    start = here.end;
                    let shown: Vec<f64> = here.clone().map(|i| change[(i, j)]).collect();
                    self.hides(*r, &residual[here], &shown)
                });
                parts.fold(f64::INFINITY, f64::min)
            });
            sights.push(Sight { field: of.name.clone(), size, unseen: unseen.fold(0.0, f64::max) });
        }
        (left.into_iter().map(|(k, _, mean)| (k, mean.sqrt())).collect(), sights)
    }

    /// How many times an error may be made whose response in a residual is `shown`, beside the rows that are left.
    fn hides(&self, residual: usize, left: &[f64], shown: &[f64]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (there, response) = (dot(left, left), dot(shown, shown));
        if !(response > 0.0 && there.is_finite()) {
            return f64::INFINITY;
        }
        match &self.problem.residuals[residual].rows {
            Rows::Absorbed { .. } => f64::INFINITY,
            // Derivatives of a rough error are large, so that most of such rows is no smooth one: what of them goes along with
            // its response, and three deviations of what that comes to by chance.
            Rows::Pointwise(p) if p.atoms.iter().any(|a| a.alpha.order() > 0) => {
                dot(left, shown).abs() / response + 3.0 * (there / response / left.len() as f64).sqrt()
            }
            // Here rows are errors themselves, whatever their shape.
            Rows::Pointwise(_) | Rows::Weak(_) => (there / response).sqrt(),
        }
    }

    /// For each field its root mean square, and the coordinates that it depends on.
    fn sizes(&self, params: &[f64]) -> Vec<(f64, Vec<bool>)> {
        let (problem, dim) = (self.problem, self.problem.coords.len());
        let mut rng = Stream::new(self.seed, Purpose::Report, 1);
        let place = &Place::Interior;
        let at = place_points(place, &problem.coords, problem.shape.as_ref(), SIZED, Sampler::Sobol, &mut rng);
        let functions = draw(&problem.functions, self.seed, HELD_OUT, 0);
        let values = predict(problem, self.kernels, params, &at.data, &functions);
        let mut out: Vec<(f64, Vec<bool>)> = values
            .iter()
            .map(|u| ((u.iter().map(|u| u * u).sum::<f64>() / u.len().max(1) as f64).sqrt(), vec![false; dim]))
            .collect();
        for k in 0..dim {
            // Each point gets this coordinate of another one.
            let mut moved = at.data.clone();
            let n = at.len();
            (0..n).for_each(|i| moved[i * dim + k] = at.data[(i + n / 2) % n.max(1) * dim + k]);
            let there = predict(problem, self.kernels, params, &moved, &functions);
            for ((u, v), (_, depends)) in values.iter().zip(&there).zip(&mut out) {
                depends[k] = u != v;
            }
        }
        out
    }

    /// A field changed by shapes of the given size, the others as they are, as the blocks observe it.
    fn change(&self, field: usize, size: f64, shapes: &[Vec<Shape>]) -> Columns {
        let coords = &self.problem.coords;
        let observed = |block: &Block<'_>| -> Vec<Numbers> {
            let points = match &block.kind {
                Kind::Point(p) => p.stencil.as_ref().map_or(&p.coords[..], |s| &s.points),
                Kind::Weak(w) => w.points(),
            };
            let of = |atom: crate::ir::problem::Atom| -> Numbers {
                if atom.field != field {
                    return Numbers::default();
                }
                let rows = points.chunks_exact(coords.len().max(1));
                let values = rows.flat_map(|x| shapes.iter().map(|s| size * value(s, x, coords, &atom.alpha)));
                Numbers::Double(values.collect())
            };
            block.observed(coords.len()).into_iter().map(of).collect()
        };
        Columns { len: shapes.len(), blocks: self.system.blocks.iter().map(observed).collect() }
    }
}

/// Fresh points of a residual, spread over its place however training's were, and coefficients of input functions for each.
fn scatter(problem: &Problem, residual: usize, seed: u64) -> (Points, Vec<f64>) {
    let r = &problem.residuals[residual];
    let (place, n) = match &r.place {
        // What is asked for on a grid is meant between its points too.
        Place::Grid(counts) => (&Place::Domain, counts.iter().product()),
        place => (place, r.points),
    };
    scatter_over(problem, residual, place, n.min(MOST), Sampler::Sobol, seed, DRAW)
}

/// (1 + c cos(w z))/2 with z from 0 to 1 over the coordinate, or 1 if w is 0.
type Shape = (f64, f64);

/// One number everywhere.
const CONSTANT: Shape = (1.0, 0.0);

/// Smooth errors: along every coordinate one that vanishes, with its slope, at the low end, at the high end, or at both. With
/// more than two coordinates they go together.
fn shapes(coords: &[Coord], depends: &[bool]) -> Vec<Vec<Shape>> {
    let along = |(c, depends): (&Coord, &bool)| -> [Shape; 3] {
        match (depends, c.periodic) {
            (false, _) => [CONSTANT; 3],
            (true, true) => [CONSTANT, (-1.0, 2.0 * PI), (1.0, 2.0 * PI)],
            (true, false) => [(-1.0, PI), (1.0, PI), (-1.0, 2.0 * PI)],
        }
    };
    let axes: Vec<[Shape; 3]> = coords.iter().zip(depends).map(along).collect();
    let mut out: Vec<Vec<Shape>> = match &axes[..] {
        [a, b] => a.iter().flat_map(|a| b.iter().map(|b| vec![*a, *b])).collect(),
        _ => (0..3).map(|j| axes.iter().map(|a| a[j]).collect()).collect(),
    };
    out.dedup();
    out
}

/// A derivative of a product of shapes at a point.
fn value(shape: &[Shape], x: &[f64], coords: &[Coord], alpha: &MultiIndex) -> f64 {
    let one = |((&(c, w), x), (coord, n)): ((&Shape, &f64), (&Coord, &u8))| {
        let extent = coord.hi - coord.lo;
        let z = (x - coord.lo) / extent;
        if *n == 0 {
            return 0.5 * (1.0 + c * libm::cos(w * z));
        }
        let n = f64::from(*n);
        0.5 * c * libm::pow(w / extent, n) * libm::cos(w * z + 0.5 * n * PI)
    };
    shape.iter().zip(x).zip(coords.iter().zip(&alpha.0)).map(one).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_their_derivatives() {
        let coords = [Coord { name: "x".into(), lo: -1.0, hi: 3.0, periodic: false }];
        for shape in shapes(&coords, &[true]) {
            for n in 0..4u8 {
                let at = |x: f64, n: u8| value(&shape, &[x], &coords, &MultiIndex(vec![n]));
                let slope = (at(0.301, n) - at(0.299, n)) / 0.002;
                assert!((slope - at(0.3, n + 1)).abs() < 1e-5, "{shape:?} {n}");
            }
        }
        assert_eq!(shapes(&coords, &[false]), [[CONSTANT]]);
    }
}
