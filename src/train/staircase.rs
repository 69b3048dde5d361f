//! The triangular factor of a tall matrix whose rows touch only a window of columns that moves to the right, as quadrature points
//! touch test functions:
//!
//! ```text
//! B = xxx          R = xxx
//!     xxx               xxx
//!      xxx               xx
//!      xxx   ->          ...     B'B = R'R
//!       xxx
//! ```
//!
//! Where B is well enough conditioned, R is the Cholesky factor of B'B, which is cheap, as a row of B has few entries. The condition of B'B is
//! that of B squared: where a pivot says that this leaves too few digits, all is done again by QR of B itself.

use std::ops::Range;

use faer::linalg::matmul::{matmul, triangular};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::reborrow::*;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};

/// Rows of B that touch the columns `window` only, each given by its entries other than 0: a column, counted from the start of the window, and
/// a value.
///
/// Windows move to the right: neither end ever decreases.
#[derive(Debug, Default)]
pub struct Step {
    pub window: Range<usize>,
    /// Row `i` has the entries `starts[i] .. starts[i + 1]`.
    pub starts: Vec<usize>,
    pub entries: Vec<(u32, f64)>,
    /// No later window begins before this column.
    pub finished: usize,
}

impl Step {
    fn rows(&self) -> impl Iterator<Item = &[(u32, f64)]> {
        self.starts.windows(2).map(|w| &self.entries[w[0]..w[1]])
    }

    fn dense(&self) -> Mat<f64> {
        let mut rows = Mat::zeros(self.starts.len() - 1, self.window.len());
        for (i, row) in self.rows().enumerate() {
            row.iter().for_each(|&(k, v)| rows[(i, k as usize)] += v);
        }
        rows
    }
}

/// The upper triangular factor R of a tall, staircase-shaped matrix B, without those columns of B that depend on earlier ones.
#[derive(Debug, Clone)]
pub struct Staircase {
    /// Columns of B that were kept, ascending.
    kept: Vec<usize>,
    blocks: Vec<Block>,
}

/// A few finished rows of R: `r` starts with a square upper triangle.
#[derive(Debug, Clone)]
struct Block {
    /// Column of R that `r` starts at, which is also its row.
    first: usize,
    r: Mat<f64>,
}

impl Block {
    fn rows(&self) -> usize {
        self.r.nrows()
    }
}

/// R by QR of B, window by window.
#[derive(Debug)]
struct Orthogonal {
    /// Columns whose rows are under way, and what has become of them so far.
    open: Vec<usize>,
    pending: Mat<f64>,
    /// Squared norm of each column so far.
    norms: Vec<f64>,
    dropped: Vec<bool>,
    done: Vec<(Vec<usize>, Mat<f64>)>,
}

/// A column is dropped where less than this part of its norm is independent of the columns before it. In an equation of order m
/// the lower terms make up N^-m of a column of N test functions, so this must not be much more than double precision leaves.
const DEPENDENT: f64 = 1e-12;

impl Orthogonal {
    fn new(columns: usize) -> Orthogonal {
        Orthogonal {
            open: vec![],
            pending: Mat::zeros(0, 0),
            norms: vec![0.0; columns],
            dropped: vec![false; columns],
            done: vec![],
        }
    }

    /// Takes in the rows of a step.
    fn push(&mut self, window: Range<usize>, rows: MatRef<'_, f64>, finished: usize) {
        debug_assert_eq!(rows.ncols(), window.len());
        for (k, j) in window.clone().enumerate() {
            self.norms[j] += (0..rows.nrows()).map(|i| rows[(i, k)] * rows[(i, k)]).sum::<f64>();
        }
        let next = self.open.last().map_or(window.start, |&j| j + 1);
        let mut columns = self.open.clone();
        columns.extend(next.max(window.start)..window.end);
        let top = self.pending.nrows();
        let mut stacked = Mat::<f64>::zeros(top + rows.nrows(), columns.len());
        for (k, &j) in columns.iter().enumerate() {
            if k < self.pending.ncols() {
                for i in 0..top {
                    stacked[(i, k)] = self.pending[(i, k)];
                }
            }
            if window.contains(&j) {
                for i in 0..rows.nrows() {
                    stacked[(top + i, k)] = rows[(i, j - window.start)];
                }
            }
        }
        let (r, ready) = loop {
            let r = stacked.qr().thin_R().to_owned();
            let ready = columns.iter().take_while(|&&j| j < finished).count();
            let norms = &self.norms;
            let dependent =
                (0..ready).find(|&k| k >= r.nrows() || r[(k, k)].abs() <= DEPENDENT * norms[columns[k]].sqrt());
            match dependent {
                None => break (r, ready),
                Some(k) => {
                    self.dropped[columns[k]] = true;
                    columns.remove(k);
                    let keep: Vec<usize> = (0..stacked.ncols()).filter(|&c| c != k).collect();
                    stacked = Mat::from_fn(stacked.nrows(), keep.len(), |i, c| stacked[(i, keep[c])]);
                }
            }
        };
        if ready > 0 {
            let width = columns.len();
            // Below the diagonal faer's thin R is zero already; this makes sure of it.
            self.done.push((columns.clone(), Mat::from_fn(ready, width, |i, k| if i <= k { r[(i, k)] } else { 0.0 })));
        }
        let rest = r.nrows().saturating_sub(ready);
        self.open = columns[ready..].to_vec();
        self.pending = Mat::from_fn(rest, self.open.len(), |i, k| if i <= k { r[(ready + i, ready + k)] } else { 0.0 });
    }

    /// Call after a last `push` with `finished` = all columns.
    fn finish(self) -> Staircase {
        let kept: Vec<usize> = (0..self.dropped.len()).filter(|&j| !self.dropped[j]).collect();
        let mut rank = vec![0; self.dropped.len()];
        for (k, &j) in kept.iter().enumerate() {
            rank[j] = k;
        }
        let dropped = &self.dropped;
        let blocks = self
            .done
            .into_iter()
            .map(|(columns, r)| {
                let keep: Vec<usize> = (0..columns.len()).filter(|&k| !dropped[columns[k]]).collect();
                Block { first: rank[columns[0]], r: Mat::from_fn(r.nrows(), keep.len(), |i, k| r[(i, keep[k])]) }
            })
            .collect();
        Staircase { kept, blocks }
    }
}

/// R by Cholesky's factorisation of B'B, window by window.
#[derive(Debug)]
struct Normal {
    /// First column whose row of R is not known yet.
    first: usize,
    /// The lower triangle of B'B from there on, less what finished rows of R make up of it.
    pending: Mat<f64>,
    /// Squared norm of each column so far.
    norms: Vec<f64>,
    blocks: Vec<Block>,
}

/// A pivot, squared, that is less than this part of the squared norm of its column has lost too many digits in B'B.
const LOST: f64 = 1e-9;

impl Normal {
    fn new(columns: usize) -> Normal {
        Normal { first: 0, pending: Mat::zeros(0, 0), norms: vec![0.0; columns], blocks: vec![] }
    }

    /// Takes in the rows of a step; `None` where B'B is too badly conditioned.
    fn push(&mut self, step: &Step) -> Option<()> {
        let shift = step.window.start - self.first;
        let width = (step.window.end - self.first).max(self.pending.ncols());
        let mut gram = Mat::<f64>::zeros(width, width);
        let old = self.pending.ncols();
        gram.as_mut().submatrix_mut(0, 0, old, old).copy_from(&self.pending);
        for row in step.rows() {
            for &(a, x) in row {
                self.norms[step.window.start + a as usize] += x * x;
                let mut column = gram.as_mut().col_mut(shift + a as usize);
                for &(b, y) in row {
                    if b >= a {
                        column[shift + b as usize] += x * y;
                    }
                }
            }
        }
        let ready = step.finished - self.first;
        let (triangle, _, below, right) = gram.as_mut().split_at_mut(ready, ready);
        let triangle = triangle.rb().llt(Side::Lower).ok()?;
        let triangle = triangle.L();
        let lost = |k: usize| triangle[(k, k)] * triangle[(k, k)] <= LOST * self.norms[self.first + k];
        if (0..ready).any(lost) {
            return None;
        }
        let mut below = below;
        solve_lower_triangular_in_place(triangle, below.rb_mut().transpose_mut(), Par::Seq);
        let (lower, full) = (triangular::BlockStructure::TriangularLower, triangular::BlockStructure::Rectangular);
        let mut right = right;
        triangular::matmul(
            right.rb_mut(),
            lower,
            Accum::Add,
            below.rb(),
            full,
            below.rb().transpose(),
            full,
            -1.0,
            Par::Seq,
        );
        self.pending = right.to_owned();
        if ready > 0 {
            let entry = |i: usize, k: usize| match k.checked_sub(ready) {
                Some(k) => below[(k, i)],
                None if i <= k => triangle[(k, i)],
                None => 0.0,
            };
            self.blocks.push(Block { first: self.first, r: Mat::from_fn(ready, width, entry) });
        }
        self.first = step.finished;
        Some(())
    }
}

impl Staircase {
    /// The factor of the B of so many columns whose rows come in some steps, the last of which finishes all columns.
    pub fn new(columns: usize, steps: usize, step: impl Fn(usize) -> Step) -> Staircase {
        let mut normal = Normal::new(columns);
        if (0..steps).try_for_each(|s| normal.push(&step(s))).is_some() {
            return Staircase { kept: (0..columns).collect(), blocks: normal.blocks };
        }
        let mut orthogonal = Orthogonal::new(columns);
        for s in 0..steps {
            let step = step(s);
            orthogonal.push(step.window.clone(), step.dense().as_ref(), step.finished);
        }
        orthogonal.finish()
    }

    /// Columns of B that were kept, ascending: the rows of R.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// z <- R'^-1 z, for z with one row a kept column.
    pub fn solve_transposed(&self, mut z: MatMut<'_, f64>) {
        assert_eq!(z.nrows(), self.kept.len());
        for block in &self.blocks {
            let (n, m) = (block.rows(), block.r.ncols());
            let (_, tail) = z.rb_mut().split_at_row_mut(block.first);
            let (mut here, tail) = tail.split_at_row_mut(n);
            let (below, _) = tail.split_at_row_mut(m - n);
            let (triangle, right) = block.r.as_ref().split_at_col(n);
            solve_lower_triangular_in_place(triangle.transpose(), here.rb_mut(), Par::Seq);
            matmul(below, Accum::Add, right.transpose(), here.rb(), -1.0, Par::Seq);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::train) fn noise(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    /// B of 8 windows: 20 rows each over columns 3 k .. 3 k + 9; `twin` makes a column the sum of two before it.
    fn staircase(twin: bool) -> (Mat<f64>, Vec<Step>) {
        let (steps, columns) = (8, 30);
        let mut full = Mat::<f64>::zeros(steps * 20, columns);
        let mut seed = 3;
        for s in 0..steps {
            for i in 0..20 {
                for j in 3 * s..3 * s + 9 {
                    full[(s * 20 + i, j)] = noise(&mut seed);
                }
            }
        }
        if twin {
            for i in 0..full.nrows() {
                full[(i, 13)] = full[(i, 12)] - 2.0 * full[(i, 11)];
            }
        }
        let step = |s: usize| {
            // Column 13 reaches back to where 11 began.
            let window = if twin && (1..5).contains(&s) { 3 * s..(3 * s + 9).max(14) } else { 3 * s..3 * s + 9 };
            let row = |i: usize| window.clone().map(move |j| (s * 20 + i, j));
            let entries = (0..20).flat_map(row).map(|(i, j)| ((j - window.start) as u32, full[(i, j)])).collect();
            let starts = (0..=20).map(|i| i * window.len()).collect();
            Step {
                finished: if s + 1 == steps { columns } else { 3 * (s + 1) },
                window: window.clone(),
                starts,
                entries,
            }
        };
        let steps = (0..steps).map(step).collect();
        (full, steps)
    }

    fn again(step: &Step) -> Step {
        let Step { window, starts, entries, finished } = step;
        Step { window: window.clone(), starts: starts.clone(), entries: entries.clone(), finished: *finished }
    }

    /// Rows of R'^-1 B' are orthonormal.
    fn whitens(full: &Mat<f64>, s: &Staircase) {
        let mut z = Mat::from_fn(s.kept().len(), full.nrows(), |i, j| full[(j, s.kept()[i])]);
        s.solve_transposed(z.as_mut());
        let gram = &z * z.transpose();
        for i in 0..gram.nrows() {
            for j in 0..gram.ncols() {
                let want = if i == j { 1.0 } else { 0.0 };
                assert!((gram[(i, j)] - want).abs() < 1e-11, "{i} {j} {}", gram[(i, j)]);
            }
        }
    }

    #[test]
    fn whitening_by_the_factor_leaves_orthonormal_columns() {
        for twin in [false, true] {
            let (full, steps) = staircase(twin);
            let s = Staircase::new(30, steps.len(), |s| again(&steps[s]));
            assert_eq!(s.kept().contains(&13), !twin);
            assert_eq!(s.kept().len(), if twin { 29 } else { 30 });
            whitens(&full, &s);
        }
    }

    #[test]
    fn both_ways_come_to_the_same_factor() {
        let (full, steps) = staircase(false);
        let (mut normal, mut orthogonal) = (Normal::new(30), Orthogonal::new(30));
        for step in &steps {
            normal.push(step).unwrap();
            orthogonal.push(step.window.clone(), step.dense().as_ref(), step.finished);
        }
        let orthogonal = orthogonal.finish();
        whitens(&full, &orthogonal);
        for (a, b) in normal.blocks.iter().zip(&orthogonal.blocks) {
            assert_eq!((a.first, a.rows(), a.r.ncols()), (b.first, b.rows(), b.r.ncols()));
            for i in 0..a.rows() {
                let sign = a.r[(i, i)].signum() * b.r[(i, i)].signum();
                (0..a.r.ncols()).for_each(|j| assert!((a.r[(i, j)] - sign * b.r[(i, j)]).abs() < 1e-12));
            }
        }
    }

    #[test]
    fn dependent_columns_are_left_to_qr() {
        let (_, steps) = staircase(true);
        let mut normal = Normal::new(30);
        assert!(steps.iter().try_for_each(|step| normal.push(step)).is_none());
    }
}
