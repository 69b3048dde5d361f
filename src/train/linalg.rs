//! The few pieces of dense linear algebra that the trainer needs and faer does not have in this form.
//!
//! Everything runs on one thread in a fixed order; parallel callers split their columns into blocks of [`BLOCK`], so that no
//! result depends on the number of threads.
//!
//! The main piece is [`Staircase`], the triangular factor of a tall matrix whose rows touch only a window of columns that
//! moves to the right, as quadrature points touch test functions:
//!
//! ```text
//! B = xxx          R = xxx
//!     xxx               xxx
//!      xxx               xx
//!      xxx   ->          ...     B'B = R'R without ever forming B'B, whose condition is that of B squared.
//!       xxx
//! ```

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::reborrow::*;
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// Columns that one task of a parallel loop works on.
pub const BLOCK: usize = 64;

/// Inner product in double precision, in a fixed order of summation.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let mut lanes = [0.0; 8];
    let (xs, ys) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in xs.zip(ys) {
        for k in 0..8 {
            lanes[k] += x[k] * y[k];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// y += a x
pub fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    debug_assert_eq!(x.len(), y.len());
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// The mean of the squares; 0 for no numbers.
pub fn mean_square(x: &[f64]) -> f64 {
    if x.is_empty() { 0.0 } else { dot(x, x) / x.len() as f64 }
}

/// The upper triangular factor R of the QR decomposition of a tall, staircase-shaped matrix B, without those columns of B
/// that depend on earlier ones.
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

/// Builds a [`Staircase`] from the rows of B, window by window.
#[derive(Debug)]
pub struct StaircaseBuilder {
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

impl StaircaseBuilder {
    pub fn new(columns: usize) -> StaircaseBuilder {
        StaircaseBuilder {
            open: vec![],
            pending: Mat::zeros(0, 0),
            norms: vec![0.0; columns],
            dropped: vec![false; columns],
            done: vec![],
        }
    }

    /// Takes in rows that touch the columns `window` only. Windows move to the right: neither end ever decreases. No later
    /// window begins before `finished`.
    pub fn push(&mut self, window: std::ops::Range<usize>, rows: MatRef<'_, f64>, finished: usize) {
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
    pub fn finish(self) -> Staircase {
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

impl Staircase {
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
mod tests {
    use super::*;

    fn noise(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    /// B of 8 windows: 20 rows each over columns 3 k .. 3 k + 9; `twin` makes a column the sum of two before it.
    fn staircase(twin: bool) -> (Mat<f64>, Staircase) {
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
        let mut b = StaircaseBuilder::new(columns);
        for s in 0..steps {
            // Column 13 reaches back to where 11 began.
            let window = if twin && (1..5).contains(&s) { 3 * s..(3 * s + 9).max(14) } else { 3 * s..3 * s + 9 };
            let rows = full.as_ref().subrows(s * 20, 20).subcols(window.start, window.len()).to_owned();
            b.push(window, rows.as_ref(), if s + 1 == steps { columns } else { 3 * (s + 1) });
        }
        (full, b.finish())
    }

    #[test]
    fn whitening_by_the_factor_leaves_orthonormal_columns() {
        for twin in [false, true] {
            let (full, s) = staircase(twin);
            assert_eq!(s.kept().contains(&13), !twin);
            assert_eq!(s.kept().len(), if twin { 29 } else { 30 });
            // Rows of R'^-1 B' are orthonormal.
            let mut z = Mat::from_fn(s.kept().len(), full.nrows(), |i, j| full[(j, s.kept()[i])]);
            s.solve_transposed(z.as_mut());
            let gram = &z * z.transpose();
            for i in 0..gram.nrows() {
                for j in 0..gram.ncols() {
                    let want = if i == j { 1.0 } else { 0.0 };
                    assert!((gram[(i, j)] - want).abs() < 1e-11, "{twin} {i} {j} {}", gram[(i, j)]);
                }
            }
        }
    }

    #[test]
    fn inner_products_agree() {
        let mut seed = 9;
        for n in [0, 1, 15, 16, 17, 300, 1000] {
            let x: Vec<f64> = (0..n).map(|_| noise(&mut seed)).collect();
            let y: Vec<f64> = (0..n).map(|_| noise(&mut seed)).collect();
            let plain: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
            assert!((dot(&x, &y) - plain).abs() < 1e-12);
        }
    }
}
