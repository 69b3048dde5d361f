//! Orthogonal matching pursuit: which of many candidates, taken together, come nearest to the target.
//!
//! A candidate is a column (the response of one perturbed neuron in every row of the training problem). The pursuit takes
//! the column that reduces the residual most once it is freed of what the chosen ones already say, and repeats. With the
//! correlations and norms of all columns kept up to date, a pick costs one sweep over the columns and no linear solve:
//!
//! ```text
//! q = column j, orthonormalised against the picks     r <- r - (q.r) q
//! for every column f:  corr_f <- corr_f - (q.r)(q.f)     norm_f <- norm_f - (q.f)^2
//! next pick: the largest corr_f^2 / norm_f, the lowest index if there are several
//! ```
//!
//! A candidate may be several columns (a neuron that two fields are read out from): a pick then takes all of them, and its
//! worth is what they reduce together, corr' G^-1 corr with G their products, kept up to date in the same sweep.
//!
//! # Looking ahead
//!
//! A sweep reads all columns for one product each, which is what memory can do and no more. So the pursuit first goes ahead, in
//! single precision, among the [`AHEAD`] candidates that are best as things stand, then sweeps all columns for all the picks it
//! foresees at once, and then goes over them again, one by one, with every candidate in the running. Where another candidate
//! than the one foreseen turns out best, the picks from there on are taken back: the picks are those of one sweep a pick.
//! (Bounds on scores would not do, as a score may rise once others are picked.) How many picks it dares follows from how many
//! were right the last time, so it depends on the numbers alone and not on threads or time.
//!
//! With N columns of n rows, k vectors in the basis and p picks a sweep (p is about 12 of at most 16, one in ten taken back), a
//! pick costs
//!
//! | | bytes read | products and sums |
//! |---|---|---|
//! | sweep | 4 N n / p | N n, single precision |
//! | ahead | 4 (k + [`AHEAD`]) n | ([`AHEAD`] + 2 k) n, single precision |
//! | orthonormalising, twice | 16 k n / p | 4 k n, double precision |
//! | scores | 48 N | about 10 N |
//!
//! which leaves it bound by the products of the sweep and no longer by memory.
//!
//! Chen, Cowan and Grant, Nonlinear identification by orthogonal least squares (1991), Chen, Billings and Luo (1989) for
//! this selection rule; Pati, Rezaiifar and Krishnaprasad (1993) for matching pursuit.

mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

use crate::exec::micro::sweep;
use crate::train::linalg::{BLOCK, axpy, dot};
use state::{Best, Block, State, Step, better};

/// A pursuit under way.
#[derive(Debug)]
pub struct Pursuit {
    rows: usize,
    /// Orthonormal, one after the other: the fixed columns, then the picks.
    basis: Vec<f64>,
    /// The same in single precision, as looking ahead and sweeps need it.
    single: Vec<f32>,
    residual: Vec<f64>,
    blocks: Vec<Block>,
    /// Columns a candidate.
    group: usize,
    len: usize,
}

/// At most [`BLOCK`] candidates, column after column, in single precision, whatever the network's: responses differ by much more than
/// that rounds, and a sweep is twice as fast. Several pursuits may share them.
#[derive(Debug)]
pub struct Candidates {
    rows: usize,
    columns: Vec<f32>,
    /// Squared norm of each column; not finite if a number of the candidate is not.
    squares: Vec<f64>,
}

/// What a pursuit chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Candidates in the order they were picked, by their index of addition.
    pub picks: Vec<usize>,
    /// Squared norm of the residual before the first pick (with the fixed columns taken out) and after each.
    pub squares: Vec<f64>,
}

/// Columns with less than this part of their squared norm left are spent.
const SPENT: f64 = 1e-6;
/// Added to the norm left, relative to the largest squared norm: keeps nearly spent columns from being chosen for their noise.
const DAMPING: f64 = 1e-6;
/// Candidates that take part in looking ahead.
const AHEAD: usize = 512;
/// Picks that are looked ahead for, at the start and at most.
const PICKS: (usize, usize) = (8, 16);

impl Candidates {
    /// Candidates of `group` columns, `[rows x candidates * group]`, in blocks.
    pub fn blocks(columns: MatRef<'_, f64>, group: usize) -> Vec<Arc<Candidates>> {
        let m = columns.ncols() / group.max(1);
        let starts: Vec<usize> = (0..m).step_by(BLOCK).collect();
        let block = |&start: &usize| {
            let width = BLOCK.min(m - start) * group;
            Arc::new(Candidates::new(columns.subcols(start * group, width), group))
        };
        starts.par_iter().map(block).collect()
    }

    fn new(from: MatRef<'_, f64>, group: usize) -> Candidates {
        let mut c = Candidates { rows: from.nrows(), columns: vec![], squares: vec![] };
        c.columns.reserve(from.nrows() * from.ncols());
        let mut wide = vec![];
        for j in 0..from.ncols() {
            let start = c.columns.len();
            match from.col(j).try_as_col_major() {
                Some(column) => c.columns.extend(column.as_slice().iter().map(|x| *x as f32)),
                None => c.columns.extend(from.col(j).iter().map(|x| *x as f32)),
            }
            wide.clear();
            wide.extend(c.columns[start..].iter().map(|x| f64::from(*x)));
            c.squares.push(dot(&wide, &wide));
        }
        for members in c.squares.chunks_exact_mut(group) {
            if !members.iter().all(|s| s.is_finite()) {
                members.fill(f64::NAN);
            }
        }
        c
    }

    fn column(&self, j: usize) -> &[f32] {
        &self.columns[j * self.rows..(j + 1) * self.rows]
    }

    /// All columns in double precision.
    fn wide(&self) -> Mat<f64> {
        let mut all = Mat::zeros(self.rows, self.squares.len());
        for j in 0..self.squares.len() {
            all.col_mut(j).iter_mut().zip(self.column(j)).for_each(|(to, x)| *to = f64::from(*x));
        }
        all
    }
}

impl Pursuit {
    /// Starts with the target (one number a row) and columns that are in the basis whatever happens, as the bias. A candidate
    /// has `group` columns.
    pub fn new(target: &[f64], fixed: MatRef<'_, f64>, group: usize) -> Pursuit {
        let (rows, residual) = (target.len(), target.to_vec());
        let mut p =
            Pursuit { rows, basis: vec![], single: vec![], residual, blocks: vec![], group: group.max(1), len: 0 };
        for first in (0..fixed.ncols()).step_by(PICKS.1) {
            let columns = fixed.subcols(first, PICKS.1.min(fixed.ncols() - first));
            let columns: Vec<Vec<f64>> = columns.col_iter().map(|c| c.iter().copied().collect()).collect();
            for q in orthonormalised(&p.basis, &columns).into_iter().flatten() {
                let a = dot(&q, &p.residual);
                axpy(-a, &q, &mut p.residual);
                p.single.extend(single(&q));
                p.basis.extend(q);
            }
        }
        p
    }

    /// The number of candidates so far.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds candidates, `[rows x candidates * group]`. One with a column that is not finite can never be picked.
    pub fn add(&mut self, candidates: MatRef<'_, f64>) {
        self.add_blocks(&Candidates::blocks(candidates, self.group));
    }

    /// Adds candidates that other pursuits may have, too.
    pub fn add_blocks(&mut self, candidates: &[Arc<Candidates>]) {
        let (rows, group, residual) = (self.rows, self.group, &self.residual);
        assert!(candidates.iter().all(|c| c.rows == rows), "a candidate has one number for each row of the target");
        let vectors = self.basis.len().checked_div(rows).unwrap_or(0);
        let basis = MatRef::from_column_major_slice(&self.basis, rows, vectors);
        let block = |of: &Arc<Candidates>| {
            let wide = of.wide();
            let mut along = Mat::zeros(vectors, wide.ncols());
            matmul(along.as_mut(), Accum::Replace, basis.transpose(), wide.as_ref(), 1.0, Par::Seq);
            Block { of: of.clone(), state: State::new(&of.squares, wide.as_ref(), along.as_ref(), residual, group) }
        };
        let blocks: Vec<Block> = candidates.par_iter().map(block).collect();
        self.len += blocks.iter().map(|b| b.state.len()).sum::<usize>();
        self.blocks.extend(blocks);
    }

    /// Picks at most `count` candidates; fewer if none of the others helps, or as many rows as there are have been met.
    pub fn select(self, count: usize) -> Selection {
        self.select_ahead(count, PICKS)
    }

    fn select_ahead(mut self, count: usize, (start, most): (usize, usize)) -> Selection {
        let largest = self.blocks.iter().flat_map(|b| &b.state.start).fold(0.0f64, |m, &n| m.max(n));
        let damping = DAMPING * largest;
        let mut selection = Selection { picks: vec![], squares: vec![dot(&self.residual, &self.residual)] };
        let mut dare = start;
        while selection.picks.len() < count && self.basis.len() < self.rows * self.rows {
            let foreseen = self.ahead(dare.min(count - selection.picks.len()), damping);
            if foreseen.is_empty() {
                break;
            }
            let vectors: Vec<f32> = foreseen.iter().flat_map(|s| &s.vectors).flat_map(|q| single(q)).collect();
            let swept: Vec<(Vec<f64>, Vec<Option<Best>>)> = self
                .blocks
                .par_iter()
                .enumerate()
                .map(|(k, b)| {
                    let products = b.products(&vectors);
                    let best = b.rehearse(k, &foreseen, &products, damping);
                    (products, best)
                })
                .collect();
            // The first candidate was the best of all when it was picked; the others as far as everybody agrees.
            let right = |i: usize| {
                let best = swept.iter().enumerate().filter_map(|(k, (_, best))| Some((k, best[i]?)));
                best.reduce(|a, b| if better(&b.1, &a.1) { b } else { a }).map(|(k, b)| (k, b.candidate))
                    == Some((foreseen[i].block, foreseen[i].candidate))
            };
            let agreed = 1 + (1..foreseen.len()).take_while(|i| right(*i)).count();
            let foreseen = &foreseen[..agreed];
            self.blocks.par_iter_mut().zip(&swept).enumerate().for_each(|(k, (b, (products, _)))| {
                b.take(k, foreseen, products);
            });
            for step in foreseen {
                for q in &step.vectors {
                    self.basis.extend(q);
                    self.single.extend(single(q));
                }
                if !step.vectors.is_empty() {
                    let before: usize = self.blocks[..step.block].iter().map(|b| b.state.len()).sum();
                    selection.picks.push(before + step.candidate);
                    selection.squares.push(dot(&step.residual, &step.residual));
                }
                self.residual.clone_from(&step.residual);
            }
            dare = if agreed >= dare { (2 * dare).min(most) } else { (agreed + 1).clamp(2, most) };
        }
        selection
    }

    /// The next picks among the candidates that are best as things stand; no more than `picks`. Leaves everything as it is.
    fn ahead(&self, picks: usize, damping: f64) -> Vec<Step> {
        let (rows, group) = (self.rows, self.group);
        let mut all: Vec<(usize, Best)> = self
            .blocks
            .par_iter()
            .enumerate()
            .flat_map_iter(|(k, b)| b.state.scores(damping).map(move |best| (k, best)))
            .collect();
        let order = |a: &(usize, Best), b: &(usize, Best)| b.1.score.total_cmp(&a.1.score);
        if all.len() > AHEAD {
            all.select_nth_unstable_by(AHEAD - 1, |a, b| {
                order(a, b).then((a.0, a.1.candidate).cmp(&(b.0, b.1.candidate)))
            });
            all.truncate(AHEAD);
        }
        // In their own order, so that the lowest index wins a tie here, too.
        all.sort_unstable_by_key(|(k, b)| (*k, b.candidate));
        let mut columns: Vec<&[f32]> = Vec::with_capacity(all.len() * group);
        let mut state = State::empty(group);
        for (k, best) in &all {
            let block = &self.blocks[*k];
            columns.extend((0..group).map(|i| block.of.column(best.candidate * group + i)));
            state.push(&block.state, best.candidate);
        }
        // As the picks are checked later, single precision and one projection do.
        let mut basis: Vec<f32> = self.single.clone();
        let mut residual: Vec<f32> = single(&self.residual);
        let (mut foreseen, mut products) = (vec![], vec![]);
        while foreseen.len() < picks && basis.len() < rows * rows {
            let Some(best) = state.best(damping) else { break };
            let members: Vec<usize> =
                (0..group).map(|i| best.candidate * group + i).filter(|j| state.alive(*j)).collect();
            state.retire(best.candidate);
            for &j in &members {
                let mut q = columns[j].to_vec();
                sweep::project_single(rows, &basis, &mut q);
                let scale = 1.0 / q.iter().map(|x| x * x).sum::<f32>().sqrt();
                if !scale.is_finite() {
                    continue;
                }
                q.iter_mut().for_each(|x| *x *= scale);
                let a: f32 = q.iter().zip(&residual).map(|(q, r)| q * r).sum();
                residual.iter_mut().zip(&q).for_each(|(r, q)| *r -= a * q);
                state::products(rows, &columns, &state, &q, &mut products);
                state.update(&products, 1, 0, f64::from(a));
                basis.extend(q);
            }
            foreseen.push((best.candidate, members));
        }
        self.steps(&all, &columns, &foreseen)
    }

    /// Carries out foreseen picks, given by their place among `all` and their members among the columns.
    fn steps(&self, all: &[(usize, Best)], columns: &[&[f32]], foreseen: &[(usize, Vec<usize>)]) -> Vec<Step> {
        let wide = |j: &usize| columns[*j].iter().map(|x| f64::from(*x)).collect();
        let members: Vec<Vec<f64>> = foreseen.iter().flat_map(|(_, members)| members).map(wide).collect();
        let mut vectors = orthonormalised(&self.basis, &members).into_iter();
        let (mut residual, mut steps) = (self.residual.clone(), vec![]);
        for (c, members) in foreseen {
            let (block, best) = all[*c];
            let mut step = Step { block, candidate: best.candidate, vectors: vec![], along: vec![], residual: vec![] };
            // Rounding may have left a column a norm that it has not.
            for q in vectors.by_ref().take(members.len()).flatten() {
                let a = dot(&q, &residual);
                axpy(-a, &q, &mut residual);
                step.vectors.push(q);
                step.along.push(a);
            }
            step.residual.clone_from(&residual);
            steps.push(step);
        }
        steps
    }
}

/// What is left of columns beside a basis and the columns before them, at length 1; `None` where it is next to nothing. The
/// basis is read once for all of them.
fn orthonormalised(basis: &[f64], columns: &[Vec<f64>]) -> Vec<Option<Vec<f64>>> {
    let rows = columns.first().map_or(0, Vec::len);
    let mut fresh = columns.concat();
    // Twice, which is enough (Kahan).
    sweep::project(rows, basis, &mut fresh);
    sweep::project(rows, basis, &mut fresh);
    let mut earlier: Vec<f64> = vec![];
    let one = |(column, fresh): (&Vec<f64>, &mut [f64])| {
        sweep::project(rows, &earlier, fresh);
        sweep::project(rows, &earlier, fresh);
        let left = dot(fresh, fresh);
        if !(left > 1e-2 * SPENT * dot(column, column) && left > 0.0) {
            return None;
        }
        let scale = 1.0 / left.sqrt();
        fresh.iter_mut().for_each(|x| *x *= scale);
        earlier.extend_from_slice(fresh);
        Some(fresh.to_vec())
    };
    columns.iter().zip(fresh.chunks_exact_mut(rows.max(1))).map(one).collect()
}

fn single(x: &[f64]) -> Vec<f32> {
    x.iter().map(|x| *x as f32).collect()
}
