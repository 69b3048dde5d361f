//! What a pursuit knows of its candidates: correlations with the residual and what is left of their norms.
//!
//! ```text
//! State    of some candidates: scores, updates by products with a new basis vector
//! Block    at most 64 candidates and their state: sweeps them for several steps, rehearses the steps, takes them
//! ```

use std::sync::Arc;

use faer::MatRef;

use super::{Candidates, SPENT};
use crate::exec::micro::sweep;
use crate::train::linalg::dot;

/// A pick, or a candidate that is given up because nothing is left of it.
#[derive(Debug)]
pub(super) struct Step {
    pub block: usize,
    /// Within its block.
    pub candidate: usize,
    /// The basis vectors that it adds, and how much of each the residual contained.
    pub vectors: Vec<Vec<f64>>,
    pub along: Vec<f64>,
    /// After it.
    pub residual: Vec<f64>,
}

/// A candidate within a block, and what picking it next would take from the squared residual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Best {
    pub score: f64,
    pub candidate: usize,
}

/// Whether a candidate that comes later is better than one before it.
pub(super) fn better(later: &Best, earlier: &Best) -> bool {
    later.score > earlier.score
}

/// What is known of some candidates, column by column.
#[derive(Debug, Clone)]
pub(super) struct State {
    group: usize,
    corr: Vec<f64>,
    /// What is left of the squared norm beside the basis; negative once the column is spent.
    norm: Vec<f64>,
    pub start: Vec<f64>,
    /// What is left of the products of a candidate's columns, `[candidates][group][group]`, the diagonal unused; empty for
    /// single columns.
    cross: Vec<f64>,
}

#[derive(Debug)]
pub(super) struct Block {
    pub of: Arc<Candidates>,
    pub state: State,
}

/// Stands for the norm of a column that can no longer be picked.
const OUT: f64 = -1.0;
/// Columns of a candidate whose products are worked on without asking for memory.
const FEW: usize = 4;

impl State {
    pub fn empty(group: usize) -> State {
        State { group, corr: vec![], norm: vec![], start: vec![], cross: vec![] }
    }

    /// Of columns `[rows x columns]` beside a basis, of which each contains `along` `[vectors x columns]`.
    pub fn new(
        squares: &[f64],
        columns: MatRef<'_, f64>,
        along: MatRef<'_, f64>,
        residual: &[f64],
        group: usize,
    ) -> State {
        let mut state = State::empty(group);
        let of = |m: MatRef<'_, f64>, j: usize| m.col(j).iter().copied().collect::<Vec<f64>>();
        let along: Vec<Vec<f64>> = (0..columns.ncols()).map(|j| of(along, j)).collect();
        for (j, &square) in squares.iter().enumerate() {
            let column = of(columns, j);
            state.corr.push(dot(&column, residual));
            state.norm.push(if square.is_finite() { square - dot(&along[j], &along[j]) } else { OUT });
            state.start.push(if square.is_finite() { square } else { 0.0 });
            for k in (0..group).filter(|_| group > 1) {
                let other = j - j % group + k;
                state.cross.push(dot(&column, &of(columns, other)) - dot(&along[j], &along[other]));
            }
        }
        state
    }

    /// The number of candidates.
    pub fn len(&self) -> usize {
        self.corr.len() / self.group
    }

    /// Adds a candidate of another state.
    pub fn push(&mut self, other: &State, candidate: usize) {
        let g = self.group;
        let own = candidate * g..(candidate + 1) * g;
        self.corr.extend_from_slice(&other.corr[own.clone()]);
        self.norm.extend_from_slice(&other.norm[own.clone()]);
        self.start.extend_from_slice(&other.start[own]);
        if g > 1 {
            self.cross.extend_from_slice(&other.cross[candidate * g * g..(candidate + 1) * g * g]);
        }
    }

    pub fn alive(&self, j: usize) -> bool {
        self.norm[j] > SPENT * self.start[j]
    }

    /// Keeps a candidate from being picked again.
    pub fn retire(&mut self, candidate: usize) {
        self.norm[candidate * self.group..(candidate + 1) * self.group].fill(OUT);
    }

    /// All candidates that would take something from the residual.
    pub fn scores(&self, damping: f64) -> impl Iterator<Item = Best> + '_ {
        let score = move |c| if self.group == 1 { self.single(c, damping) } else { self.together(c, damping) };
        (0..self.len()).map(move |c| Best { score: score(c), candidate: c }).filter(|b| b.score > 0.0)
    }

    /// The best candidate; the first if there are several.
    pub fn best(&self, damping: f64) -> Option<Best> {
        self.scores(damping).reduce(|a, b| if better(&b, &a) { b } else { a })
    }

    fn single(&self, j: usize, damping: f64) -> f64 {
        if self.alive(j) { self.corr[j] * self.corr[j] / (self.norm[j] + damping) } else { 0.0 }
    }

    /// corr' G^-1 corr, by elimination among the columns that are alive.
    fn together(&self, c: usize, damping: f64) -> f64 {
        let g = self.group;
        let (mut few, mut many) = ([0.0; FEW * (FEW + 1)], vec![]);
        let space = if g <= FEW {
            &mut few[..]
        } else {
            many.resize(g * (g + 1), 0.0);
            &mut many[..]
        };
        let (a, b) = space.split_at_mut(g * g);
        for i in 0..g {
            b[i] = self.corr[c * g + i];
            for k in 0..g {
                a[i * g + k] = if i == k { self.norm[c * g + i] + damping } else { self.cross[(c * g + i) * g + k] };
            }
        }
        let mut score = 0.0;
        for p in (0..g).filter(|p| self.alive(c * g + p)) {
            let pivot = a[p * g + p];
            if pivot <= SPENT * self.start[c * g + p] {
                continue;
            }
            score += b[p] * b[p] / pivot;
            for i in p + 1..g {
                let factor = a[i * g + p] / pivot;
                (p..g).for_each(|k| a[i * g + k] -= factor * a[p * g + k]);
                b[i] -= factor * b[p];
            }
        }
        score
    }

    /// Takes a new basis vector into account, of which the residual contained `a`: `products[stride * column + at]` says how much
    /// of it each column contains.
    pub fn update(&mut self, products: &[f64], stride: usize, at: usize, a: f64) {
        let g = self.group;
        let of = |j: usize| products[stride * j + at];
        if g == 1 {
            for j in 0..self.corr.len() {
                if self.alive(j) {
                    let d = of(j);
                    self.corr[j] -= a * d;
                    self.norm[j] -= d * d;
                }
            }
            return;
        }
        let mut along = vec![0.0; g];
        for c in 0..self.len() {
            for (i, along) in along.iter_mut().enumerate() {
                let j = c * g + i;
                *along = if self.alive(j) { of(j) } else { 0.0 };
                if *along != 0.0 {
                    self.corr[j] -= a * *along;
                    self.norm[j] -= *along * *along;
                }
            }
            for i in 0..g {
                for k in (0..g).filter(|k| *k != i) {
                    self.cross[(c * g + i) * g + k] -= along[i] * along[k];
                }
            }
        }
    }
}

/// Products of the columns that are alive with vectors, `[columns][vectors]`; 0 for the others.
pub(super) fn products(rows: usize, columns: &[&[f32]], state: &State, vectors: &[f32], out: &mut Vec<f64>) {
    let count = vectors.len().checked_div(rows).unwrap_or(0);
    let list: Vec<usize> = (0..columns.len()).filter(|j| state.alive(*j)).collect();
    out.clear();
    out.resize(columns.len() * count, 0.0);
    if list.len() == columns.len() {
        sweep::dots(rows, columns, vectors, out);
        return;
    }
    let some: Vec<&[f32]> = list.iter().map(|j| columns[*j]).collect();
    let packed = &mut out[..list.len() * count];
    sweep::dots(rows, &some, vectors, packed);
    // From the last one on, as each moves to a place behind.
    for (i, &j) in list.iter().enumerate().rev() {
        if i != j {
            out.copy_within(i * count..(i + 1) * count, j * count);
        }
    }
    (0..columns.len()).filter(|j| !state.alive(*j)).for_each(|j| out[j * count..(j + 1) * count].fill(0.0));
}

impl Block {
    /// Products of all columns that are alive with basis vectors, `[columns][vectors]`.
    pub fn products(&self, vectors: &[f32]) -> Vec<f64> {
        let mut out = vec![];
        let columns: Vec<&[f32]> = (0..self.of.squares.len()).map(|j| self.of.column(j)).collect();
        products(self.of.rows, &columns, &self.state, vectors, &mut out);
        out
    }

    /// The best candidate before each of the steps, as block number `own`.
    pub fn rehearse(&self, own: usize, steps: &[Step], products: &[f64], damping: f64) -> Vec<Option<Best>> {
        let mut state = self.state.clone();
        let mut best = vec![];
        state.go_through(own, steps, products, |state| best.push(state.best(damping)));
        best
    }

    /// Takes the steps. The products may be those of further steps, too.
    pub fn take(&mut self, own: usize, steps: &[Step], products: &[f64]) {
        self.state.go_through(own, steps, products, |_| {});
    }
}

impl State {
    fn go_through(&mut self, own: usize, steps: &[Step], products: &[f64], mut before: impl FnMut(&State)) {
        let stride = products.len().checked_div(self.corr.len()).unwrap_or(0);
        let mut at = 0;
        for step in steps {
            before(self);
            if step.block == own {
                self.retire(step.candidate);
            }
            for &a in &step.along {
                self.update(products, stride, at, a);
                at += 1;
            }
        }
    }
}
