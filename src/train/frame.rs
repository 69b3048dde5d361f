//! A system about the fields: the map from fields to rows, and its linearisation.
//!
//! ```text
//! residual(u)            the rows, nonlinear terms in full; their squares add up to the loss
//! apply(f), target       residual(u + f) ~ residual(u) + apply(f);   the linear problem is  apply(u) = target
//! ```
//! The field that a frame stands about matters for the slopes of nonlinear terms and for the whitening of nonlinear weak
//! forms. Losses are compared within one frame only.

use faer::Mat;

use crate::train::linalg::mean_square;
use crate::train::system::{Block, Columns, Field, Kind, Point, System};
use crate::train::weak::Linearised;

#[derive(Debug)]
pub struct Frame<'s> {
    parts: Vec<(&'s Block<'s>, Slopes<'s>)>,
    target: Vec<f64>,
}

#[derive(Debug)]
enum Slopes<'s> {
    /// `[rows][atoms]`, and what they have to come to in each row.
    Point(&'s Point<'s>, Vec<f64>, Vec<f64>),
    Weak(Linearised<'s>),
}

impl<'s> Frame<'s> {
    pub(super) fn new(system: &'s System<'_>, about: Option<&Field>) -> Frame<'s> {
        let mut frame = Frame { parts: vec![], target: vec![] };
        for (k, block) in system.blocks.iter().enumerate() {
            let slopes = match &block.kind {
                Kind::Weak(w) => Slopes::Weak(w.linearise(about.map(|f| &f.blocks[k][..]))),
                Kind::Point(p) => match &p.affine {
                    Some((slopes, value)) => Slopes::Point(p, slopes.clone(), value.iter().map(|v| -v).collect()),
                    None => {
                        let n = p.plan.atoms.len();
                        let atoms = about.map_or_else(|| vec![0.0; p.rows * n], |f| p.atoms(&f.blocks[k]));
                        let (slopes, value) = (p.slopes(&atoms), p.value(&atoms));
                        let target = (0..p.rows).map(|i| {
                            let row = i * n..(i + 1) * n;
                            let here: f64 = slopes[row.clone()].iter().zip(&atoms[row]).map(|(s, a)| s * a).sum();
                            here - value[i]
                        });
                        let target = target.collect();
                        Slopes::Point(p, slopes, target)
                    }
                },
            };
            let scale = scale(block, slopes.rows());
            frame.target.extend(slopes.target().iter().map(|t| scale * t));
            frame.parts.push((block, slopes));
        }
        frame
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.target.len()
    }

    /// What `apply` of the field should come to.
    pub fn target(&self) -> &[f64] {
        &self.target
    }

    /// All rows for a field; the loss is the sum of their squares.
    pub fn residual(&self, field: &Field) -> Vec<f64> {
        let mut rows = Vec::with_capacity(self.rows());
        for ((block, slopes), observed) in self.parts.iter().zip(&field.blocks) {
            let r = slopes.residual(observed);
            let scale = scale(block, r.len());
            rows.extend(r.iter().map(|r| scale * r));
        }
        rows
    }

    /// The linear part for several functions at once: `rows x functions`.
    pub fn apply(&self, columns: &Columns) -> Mat<f64> {
        let mut out = Mat::zeros(self.rows(), columns.len);
        let mut start = 0;
        for ((block, slopes), observed) in self.parts.iter().zip(&columns.blocks) {
            let rows = slopes.rows();
            let scale = scale(block, rows);
            let part = slopes.apply(observed, columns.len);
            for j in 0..columns.len {
                for i in 0..rows {
                    out[(start + i, j)] = scale * part[(i, j)];
                }
            }
            start += rows;
        }
        out
    }

    /// For each block: the index of its residual, its rows, and the mean of their squares, without the weight.
    pub fn losses(&self, field: &Field) -> Vec<(usize, usize, f64)> {
        let parts = self.parts.iter().zip(&field.blocks);
        parts.map(|((b, s), observed)| (b.residual, s.rows(), mean_square(&s.residual(observed)))).collect()
    }

    /// The first residual with a row that is not finite.
    pub fn broken(&self, rows: &[f64]) -> Option<&str> {
        let mut start = 0;
        for (block, slopes) in &self.parts {
            let end = start + slopes.rows();
            if rows[start..end].iter().any(|r| !r.is_finite()) {
                return Some(block.name);
            }
            start = end;
        }
        None
    }
}

/// Rows times this, squared and added up, are the weight times the mean.
fn scale(block: &Block<'_>, rows: usize) -> f64 {
    (block.weight / rows.max(1) as f64).sqrt()
}

impl Slopes<'_> {
    fn rows(&self) -> usize {
        match self {
            Slopes::Point(p, ..) => p.rows,
            Slopes::Weak(w) => w.rows(),
        }
    }

    fn target(&self) -> &[f64] {
        match self {
            Slopes::Point(_, _, target) => target,
            Slopes::Weak(w) => w.target(),
        }
    }

    fn residual(&self, observed: &[Vec<f64>]) -> Vec<f64> {
        match self {
            Slopes::Weak(w) => w.residual(observed),
            Slopes::Point(p, slopes, _) => {
                let atoms = p.atoms(observed);
                let Some((_, value)) = &p.affine else { return p.value(&atoms) };
                let n = p.plan.atoms.len();
                let row =
                    |i: usize| slopes[i * n..(i + 1) * n].iter().zip(&atoms[i * n..]).map(|(s, a)| s * a).sum::<f64>();
                value.iter().enumerate().map(|(i, v)| v + row(i)).collect()
            }
        }
    }

    fn apply(&self, observed: &[Vec<f32>], m: usize) -> Mat<f64> {
        match self {
            Slopes::Weak(w) => w.apply(observed, m),
            Slopes::Point(p, slopes, _) => {
                let n = p.plan.atoms.len();
                let mut out = Mat::zeros(p.rows, m);
                let mut row = vec![0.0; m];
                let add = |row: &mut [f64], values: &[f32], point: usize, factor: f64| {
                    if values.is_empty() {
                        return;
                    }
                    let values = &values[point * m..(point + 1) * m];
                    row.iter_mut().zip(values).for_each(|(r, v)| *r += factor * f64::from(*v));
                };
                for i in 0..p.rows {
                    row.fill(0.0);
                    for a in 0..n {
                        let slope = slopes[i * n + a];
                        match &p.stencil {
                            None => add(&mut row, &observed[a], i, slope),
                            Some(s) => {
                                for (k, w) in s.terms(i, a) {
                                    add(&mut row, &observed[p.from[a]], *k as usize, slope * w);
                                }
                            }
                        }
                    }
                    for (j, r) in row.iter().enumerate() {
                        out[(i, j)] = *r;
                    }
                }
                out
            }
        }
    }
}
