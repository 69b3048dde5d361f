//! All residuals of a problem as one system of rows, with the points at which the network has to be run for them.
//!
//! ```text
//! residual  ->  block: its points, and how values of the field there become rows
//! blocks of one observer  ->  station: their points one after the other, run in one go
//! ```
//! What a residual is made of (values, exact derivatives, differences, a weak form) ends here: a [`Frame`] only knows
//! fields in, rows out. Rows are scaled so that the sum of their squares is the training loss.

use std::sync::Arc;

use crate::exec::interp::eval;
use crate::exec::kernel::{Numbers, numbers};
use crate::exec::real::Real;
use crate::exec::rng::{Purpose, Stream};
use crate::func::MultiIndex;
use crate::ir::problem::{Atom, Derivatives, Function, Place, Pointwise, Problem, Rows, Weak};
use crate::ir::program::Program;
use crate::plan::Sampler;
use crate::train::frame::Frame;
use crate::train::functions;
use crate::train::kernels::Kernels;
use crate::train::sampling::{Points, place_points};
use crate::train::smoothing;
use crate::train::stencil::Stencil;
use crate::train::weak::{Grading, WeakSystem};

/// Which residuals a system is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those that are trained on.
    Trained,
    /// Those that are trained through another one's weak form, and measured on points of their own.
    Absorbed,
}

#[derive(Debug, Clone)]
pub struct System<'a> {
    pub blocks: Vec<Block<'a>>,
    pub stations: Vec<Station>,
}

/// Points that one observer is run at.
#[derive(Debug, Clone)]
pub struct Station {
    /// Index into [`Kernels::observers`].
    pub observer: usize,
    /// `[points]`, each the coordinates and then the input functions at their sensors, as kernels take
    /// them.
    pub points: Vec<f64>,
    pub len: usize,
}

/// The rows of one residual. A copy shares what is large.
#[derive(Debug, Clone)]
pub struct Block<'a> {
    /// Index of the residual in the problem.
    pub residual: usize,
    pub name: &'a str,
    pub weight: f64,
    pub station: usize,
    /// Its points within the station.
    pub start: usize,
    pub len: usize,
    /// A factor for each row beside the weight, where rows differ (`causal`).
    pub emphasis: Option<Arc<[f64]>>,
    pub kind: Kind<'a>,
}

#[derive(Debug, Clone)]
pub enum Kind<'a> {
    Point(Arc<Point<'a>>),
    Weak(Arc<WeakSystem>),
}

/// r = F(coordinates, columns, derivatives) at collocation points.
#[derive(Debug)]
pub struct Point<'a> {
    pub plan: &'a Pointwise,
    pub rows: usize,
    /// `[rows][coords]`
    pub coords: Vec<f64>,
    /// `[rows][columns]`: what the place says beside the coordinates.
    pub columns: Vec<f64>,
    /// Of input functions, `[rows][coefficients]`.
    pub coefficients: Vec<f64>,
    /// How atoms come out of what is observed; `None`: they are observed as they are, row by row.
    pub stencil: Option<Stencil>,
    /// The fields among the atoms, each once: what a stencil observes.
    pub fields: Vec<usize>,
    /// For each atom, the place among what is observed.
    pub from: Vec<usize>,
    /// If F is affine: its slopes `[rows][atoms]`, and its value where all atoms are 0.
    pub affine: Option<(Vec<f64>, Vec<f64>)>,
}

impl<'a> System<'a> {
    pub fn new(problem: &'a Problem, kernels: &Kernels, seed: u64, part: Part) -> System<'a> {
        let mut system = System { blocks: vec![], stations: vec![] };
        for (i, residual) in problem.residuals.iter().enumerate() {
            let (kind, observer) = match (&residual.rows, part) {
                (Rows::Pointwise(plan), Part::Trained) | (Rows::Absorbed { measure: plan, .. }, Part::Absorbed) => {
                    let (at, coefficients) = scatter(problem, i, residual.points, seed, 0);
                    let point = Point::new(plan, problem, at, coefficients);
                    let observer = if point.stencil.is_some() { 0 } else { kernels.observer_of[i] };
                    (Kind::Point(Arc::new(point)), observer)
                }
                (Rows::Weak(weak), Part::Trained) => (weak_kind(problem, weak, None), 0),
                (Rows::Pointwise(_) | Rows::Weak(_), Part::Absorbed) | (Rows::Absorbed { .. }, Part::Trained) => {
                    continue;
                }
            };
            let (name, weight) = (residual.name.as_str(), residual.weight);
            let block = Block { residual: i, name, weight, station: 0, start: 0, len: 0, emphasis: None, kind };
            system.push(problem, block, observer);
        }
        system
    }

    /// Adds a block and its points.
    pub fn push(&mut self, problem: &Problem, block: Block<'a>, observer: usize) {
        let kind = &block.kind;
        let points = match kind {
            Kind::Point(p) => p.stencil.as_ref().map_or(&p.coords[..], |s| &s.points),
            Kind::Weak(w) => w.points(),
        };
        let station = self.stations.iter().position(|s| s.observer == observer).unwrap_or_else(|| {
            self.stations.push(Station { observer, points: vec![], len: 0 });
            self.stations.len() - 1
        });
        let at = &mut self.stations[station];
        let d = problem.coords.len().max(1);
        let (start, len) = (at.len, points.len() / d);
        if problem.functions.is_empty() {
            at.points.extend(points);
        } else {
            let seen = kind.sensors(&problem.functions);
            let width = problem.functions.iter().map(|f| f.shapes.len()).sum();
            let nothing = vec![0.0; width];
            for (point, row) in points.chunks_exact(d).zip(kind.row_of(len)) {
                at.points.extend(point);
                at.points.extend(seen.get(row).unwrap_or(&nothing));
            }
        }
        at.len += len;
        self.blocks.push(Block { station, start, len, ..block });
    }

    /// Points that one evaluation of the system simulates.
    pub fn points(&self) -> usize {
        self.stations.iter().map(|s| s.len).sum()
    }

    /// No residual is nonlinear in the field: one frame serves for ever.
    pub fn is_linear(&self) -> bool {
        self.blocks.iter().all(|b| match &b.kind {
            Kind::Point(p) => p.affine.is_some(),
            Kind::Weak(w) => w.is_linear(),
        })
    }

    /// The system about a field (about 0 if `None`).
    pub fn frame(&self, about: Option<&Field>) -> Frame<'a> {
        Frame::new(self, about, None)
    }

    /// As `frame`; what does not depend on the field is taken over from another frame where the block is the same, and for
    /// `None` all the slopes are.
    pub fn frame_like(&self, about: Option<&Field>, other: &Frame<'a>) -> Frame<'a> {
        Frame::new(self, about, Some(other))
    }
}

/// A weak form of a problem on spans that are graded, or equal.
pub fn weak_kind<'a>(problem: &Problem, weak: &Weak, grading: Option<&Grading>) -> Kind<'a> {
    let is_unknown = |f: usize| problem.network.fields[f].unknown.is_some();
    Kind::Weak(WeakSystem::graded(weak, &problem.coords, is_unknown, grading))
}

/// Points of a residual, `n` where its place leaves that open, and coefficients of input functions for each. They depend on the
/// seed and on how often they have been drawn before.
pub fn scatter(problem: &Problem, residual: usize, n: usize, seed: u64, draws: u32) -> (Points, Vec<f64>) {
    let r = &problem.residuals[residual];
    scatter_over(problem, residual, &r.place, n, r.sampler, seed, draws)
}

/// The same over a place and by a sampler that need not be the residual's.
pub fn scatter_over(
    problem: &Problem,
    residual: usize,
    place: &Place,
    n: usize,
    sampler: Sampler,
    seed: u64,
    draws: u32,
) -> (Points, Vec<f64>) {
    let mut rng = Stream::pair(seed, Purpose::Points, draws, residual as u32);
    let mut at = place_points(place, &problem.coords, problem.shape.as_ref(), n, sampler, &mut rng);
    let functions = &problem.functions;
    if !functions.is_empty() && at.len() < n && matches!(place, Place::Faces(_)) {
        // A single place is many, each with its own functions.
        at.data = at.data.repeat(n);
        at.columns = at.columns.repeat(n);
    }
    let set = u64::from(draws & 0x7fff) << 16 | residual as u64;
    let draw = |row: usize| functions::draw(functions, seed, set, row as u64);
    let coefficients = (0..at.len()).flat_map(draw).collect();
    (at, coefficients)
}

impl Kind<'_> {
    /// The input functions at their sensors, row by row.
    fn sensors(&self, functions: &[Function]) -> Vec<Vec<f64>> {
        let Kind::Point(p) = self else { return vec![] };
        let count: usize = functions.iter().map(|f| f.coefficients).sum();
        p.coefficients.chunks_exact(count.max(1)).map(|c| functions::sensors(functions, c)).collect()
    }

    /// The row that each of the points belongs to.
    fn row_of(&self, points: usize) -> Vec<usize> {
        let Kind::Point(p) = self else { return (0..points).collect() };
        let Some(stencil) = &p.stencil else { return (0..points).collect() };
        let mut out = vec![0; points];
        for row in 0..p.rows {
            for atom in 0..p.plan.atoms.len() {
                stencil.terms(row, atom).iter().for_each(|(k, _)| out[*k as usize] = row);
            }
        }
        out
    }
}

impl<'a> Block<'a> {
    /// The derivatives of fields that are observed at its points.
    pub fn observed(&self, coords: usize) -> Vec<Atom> {
        let value = |field: &usize| Atom { field: *field, alpha: MultiIndex::zero(coords) };
        match &self.kind {
            Kind::Point(point) if point.stencil.is_none() => point.plan.atoms.clone(),
            Kind::Point(point) => point.fields.iter().map(value).collect(),
            Kind::Weak(weak) => weak.fields().iter().map(value).collect(),
        }
    }
}

impl<'a> Point<'a> {
    /// A residual at points.
    pub fn new(plan: &'a Pointwise, problem: &Problem, at: Points, coefficients: Vec<f64>) -> Point<'a> {
        let alphas = || plan.atoms.iter().map(|a| a.alpha.clone()).collect::<Vec<MultiIndex>>();
        let moved = plan.places.iter().any(Option::is_some);
        let stencil = match plan.by {
            Derivatives::Stencil { h } => Some(Stencil::new(&at.data, &problem.coords, &alphas(), h)),
            Derivatives::Smoothing { sigma } => Some(smoothing::smoothed(&at.data, &problem.coords, &alphas(), sigma)),
            // Values alone, of fields at several points.
            Derivatives::None if moved => Some(Stencil::new(&at.data, &problem.coords, &alphas(), 0.1)),
            Derivatives::None | Derivatives::Jet => None,
        };
        let stencil = stencil.map(|s| match moved {
            true => {
                let moved = plan.places.iter().map(|p| p.as_ref().map(|p| eval(p, &[&at.data])));
                s.with_places(&moved.collect::<Vec<_>>(), at.len(), problem.coords.len())
            }
            false => s,
        });
        let (rows, coords, columns) = (at.len(), at.data, at.columns);
        let mut fields: Vec<usize> = plan.atoms.iter().map(|a| a.field).collect();
        fields.sort_unstable();
        fields.dedup();
        let place = |(k, a): (usize, &Atom)| match &stencil {
            None => k,
            Some(_) => fields.iter().position(|f| *f == a.field).unwrap_or(0),
        };
        let from = plan.atoms.iter().enumerate().map(place).collect();
        let mut point = Point { plan, rows, coords, columns, coefficients, stencil, fields, from, affine: None };
        if plan.linear {
            let zeros = vec![0.0; rows * plan.atoms.len()];
            point.affine = Some((point.slopes(&zeros), point.value(&zeros)));
        }
        point
    }

    /// F, given the atoms `[rows][atoms]`.
    pub fn value(&self, atoms: &[f64]) -> Vec<f64> {
        self.run(&self.plan.value, atoms)
    }

    /// The derivatives of F with respect to each atom, `[rows][atoms]`.
    pub fn slopes(&self, atoms: &[f64]) -> Vec<f64> {
        self.run(&self.plan.slopes, atoms)
    }

    fn run(&self, program: &Program, atoms: &[f64]) -> Vec<f64> {
        let inputs: Vec<&[f64]> = program
            .inputs
            .iter()
            .map(|i| match i.name.as_str() {
                "columns" => &self.columns[..],
                "coefficients" => &self.coefficients,
                "atoms" => atoms,
                _ => &self.coords,
            })
            .collect();
        eval(program, &inputs)
    }

    /// The atoms `[rows][atoms]` out of what is observed, `[observed][points]`.
    pub fn atoms(&self, observed: &[Vec<f64>]) -> Vec<f64> {
        let n = self.plan.atoms.len();
        let mut out = Vec::with_capacity(self.rows * n);
        for row in 0..self.rows {
            for a in 0..n {
                out.push(match &self.stencil {
                    None => observed[a][row],
                    Some(s) => {
                        let values = &observed[self.from[a]];
                        s.terms(row, a).iter().map(|(k, w)| w * values[*k as usize]).sum()
                    }
                });
            }
        }
        out
    }
}

/// The fields, as far as the blocks of a system observe it: `blocks[block][observed][point]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub blocks: Vec<Vec<Vec<f64>>>,
}

impl Field {
    /// self + part (other - self)
    pub fn towards(&self, other: &Field, part: f64) -> Field {
        let blocks = self.blocks.iter().zip(&other.blocks);
        let mix = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a + part * (b - a)).collect();
        Field { blocks: blocks.map(|(a, b)| a.iter().zip(b).map(|(a, b)| mix(a, b)).collect()).collect() }
    }

    /// |self - other| / |self|, over all numbers of all blocks.
    pub fn change(&self, other: &Field) -> f64 {
        let pairs = self.blocks.iter().flatten().flatten().zip(other.blocks.iter().flatten().flatten());
        let (d, n) = pairs.fold((0.0, 0.0), |(d, n), (a, b)| (d + (a - b) * (a - b), n + a * a));
        if n > 0.0 { (d / n).sqrt() } else { 0.0 }
    }
}

/// Several functions observed at once, as features are: `blocks[block][observed]` is `[points][len]`, as kernels yield it, or
/// empty where all of them are 0 (the features of one field, where another is observed).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Columns {
    pub len: usize,
    pub blocks: Vec<Vec<Numbers>>,
}

impl Columns {
    /// Adds their sum with the given weights to a field.
    pub fn add_to(&self, field: &mut Field, weights: &[f64]) {
        for (to, values) in field.blocks.iter_mut().flatten().zip(self.blocks.iter().flatten()) {
            numbers!(values, values => {
                for (to, row) in to.iter_mut().zip(values.chunks_exact(self.len.max(1))) {
                    *to += row.iter().zip(weights).map(|(f, w)| f.wide() * w).sum::<f64>();
                }
            });
        }
    }
}
