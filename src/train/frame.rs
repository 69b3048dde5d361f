//! A system about the fields: the map from fields to rows, and its linearisation.
//!
//! ```text
//! residual(u)            the rows, nonlinear terms in full; their squares add up to the loss
//! apply(f), target       residual(u + f) ~ residual(u) + apply(f);   the linear problem is  apply(u) = target
//! ```
//! The field that a frame stands about matters for the slopes of nonlinear terms and for the whitening of nonlinear weak
//! forms. Losses are compared within one frame only.

use std::sync::Arc;

use faer::{Mat, MatRef};

use crate::exec::kernel::{Numbers, numbers};
use crate::exec::real::Real;
use crate::train::linalg::mean_square;
use crate::train::system::{Block, Columns, Field, Kind, Point, System};
use crate::train::weak::Linearised;

#[derive(Debug)]
pub struct Frame<'a> {
    parts: Vec<(Block<'a>, Arc<Slopes<'a>>)>,
    target: Vec<f64>,
}

#[derive(Debug)]
enum Slopes<'a> {
    /// `[rows][atoms]`, and what they have to come to in each row.
    Point(Arc<Point<'a>>, Vec<f64>, Vec<f64>),
    Weak(Linearised),
}

impl<'a> Frame<'a> {
    /// Slopes are those of `like`, if that has the block: where they depend on no field, and everywhere for a field `None`.
    pub(super) fn new(system: &System<'a>, about: Option<&Field>, like: Option<&Frame<'a>>) -> Frame<'a> {
        let mut frame = Frame { parts: vec![], target: vec![] };
        for (k, block) in system.blocks.iter().enumerate() {
            let known = like.and_then(|f| f.slopes_of(block, about.is_none()));
            let slopes = known.unwrap_or_else(|| Arc::new(Slopes::new(block, about.map(|f| &f.blocks[k][..]))));
            let target = slopes.target().iter().enumerate().map(|(i, t)| factor(block, slopes.rows(), i) * t);
            frame.target.extend(target);
            frame.parts.push((block.clone(), slopes));
        }
        frame
    }

    fn slopes_of(&self, block: &Block<'a>, whatever: bool) -> Option<Arc<Slopes<'a>>> {
        let same = |s: &Slopes<'a>| match (s, &block.kind) {
            (Slopes::Point(a, ..), Kind::Point(b)) => Arc::ptr_eq(a, b) && (whatever || b.affine.is_some()),
            (Slopes::Weak(a), Kind::Weak(b)) => a.is_of(b) && (whatever || b.is_linear()),
            _ => false,
        };
        self.parts.iter().find(|(_, s)| same(s)).map(|(_, s)| s.clone())
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
            rows.extend(r.iter().enumerate().map(|(i, v)| factor(block, r.len(), i) * v));
        }
        rows
    }

    /// The linear part for several functions at once: `rows x functions`.
    pub fn apply(&self, columns: &Columns) -> Mat<f64> {
        let mut out = Mat::zeros(self.rows(), if self.parts.len() == 1 { 0 } else { columns.len });
        let mut start = 0;
        for ((block, slopes), observed) in self.parts.iter().zip(&columns.blocks) {
            let rows = slopes.rows();
            let factors: Vec<f64> = (0..rows).map(|i| factor(block, rows, i)).collect();
            let mut part = slopes.apply(observed, columns.len);
            for j in 0..columns.len {
                part.col_mut(j).iter_mut().zip(&factors).for_each(|(x, factor)| *x *= factor);
            }
            if self.parts.len() == 1 {
                return part;
            }
            out.get_mut(start..start + rows, ..).copy_from(&part);
            start += rows;
        }
        out
    }

    /// For each block: the index of its residual, its rows, and the mean of their squares, without the weight.
    pub fn losses(&self, field: &Field) -> Vec<(usize, usize, f64)> {
        let parts = self.parts.iter().zip(&field.blocks);
        parts.map(|((b, s), observed)| (b.residual, s.rows(), mean_square(&s.residual(observed)))).collect()
    }

    /// The loss with all rows of a block alike; `None` if they are.
    pub fn plain(&self, field: &Field) -> Option<f64> {
        let parts = || self.parts.iter().zip(&field.blocks);
        self.parts
            .iter()
            .any(|(b, _)| b.emphasis.is_some())
            .then(|| parts().map(|((b, s), observed)| b.weight * mean_square(&s.residual(observed))).sum())
    }

    /// For each block the sum of squares of its part of some rows, as it were with a weight of 1.
    pub fn energies(&self, rows: MatRef<'_, f64>) -> Vec<f64> {
        let mut start = 0;
        let parts = self.parts.iter().map(|(block, slopes)| {
            let here = start..start + slopes.rows();
            start = here.end;
            let squares: f64 =
                (0..rows.ncols()).flat_map(|j| here.clone().map(move |i| rows[(i, j)] * rows[(i, j)])).sum();
            squares / block.weight
        });
        parts.collect()
    }

    /// The first residual with a row that is not finite.
    pub fn broken(&self, rows: &[f64]) -> Option<&str> {
        self.broken_row(rows).map(|(block, _)| self.parts[block].0.name)
    }

    /// The first row that is not finite: its block, and its place there.
    pub fn broken_row(&self, rows: &[f64]) -> Option<(usize, usize)> {
        let mut at = rows.iter().position(|r| !r.is_finite())?;
        for (k, (_, slopes)) in self.parts.iter().enumerate() {
            match at.checked_sub(slopes.rows()) {
                None => return Some((k, at)),
                Some(rest) => at = rest,
            }
        }
        None
    }
}

/// Rows times this, squared and added up, are the weight times the mean (where no row is emphasised).
fn factor(block: &Block<'_>, rows: usize, row: usize) -> f64 {
    let scale = (block.weight / rows.max(1) as f64).sqrt();
    block.emphasis.as_ref().map_or(scale, |e| scale * e[row])
}

impl<'a> Slopes<'a> {
    /// Of a block, about what is observed of a field there.
    fn new(block: &Block<'a>, about: Option<&[Vec<f64>]>) -> Slopes<'a> {
        let p = match &block.kind {
            Kind::Weak(w) => return Slopes::Weak(w.linearise(about)),
            Kind::Point(p) => p,
        };
        if let Some((slopes, value)) = &p.affine {
            return Slopes::Point(p.clone(), slopes.clone(), value.iter().map(|v| -v).collect());
        }
        let n = p.plan.atoms.len();
        let atoms = about.map_or_else(|| vec![0.0; p.rows * n], |observed| p.atoms(observed));
        let (slopes, value) = (p.slopes(&atoms), p.value(&atoms));
        let target = (0..p.rows).map(|i| {
            let row = i * n..(i + 1) * n;
            let here: f64 = slopes[row.clone()].iter().zip(&atoms[row]).map(|(s, a)| s * a).sum();
            here - value[i]
        });
        let target = target.collect();
        Slopes::Point(p.clone(), slopes, target)
    }

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

    fn apply(&self, observed: &[Numbers], m: usize) -> Mat<f64> {
        match self {
            Slopes::Weak(w) => w.apply(observed, m),
            Slopes::Point(p, slopes, _) => {
                let n = p.plan.atoms.len();
                let mut out = Mat::zeros(p.rows, m);
                let mut row = vec![0.0; m];
                let add = |row: &mut [f64], values: &Numbers, point: usize, factor: f64| {
                    if values.is_empty() {
                        return;
                    }
                    numbers!(values, values => {
                        let values = &values[point * m..(point + 1) * m];
                        row.iter_mut().zip(values).for_each(|(r, v)| *r += factor * v.wide());
                    });
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
