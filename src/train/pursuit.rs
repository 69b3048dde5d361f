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
//! Chen, Cowan and Grant, Nonlinear identification by orthogonal least squares (1991), Chen, Billings and Luo (1989) for
//! this selection rule; Pati, Rezaiifar and Krishnaprasad (1993) for matching pursuit.

use faer::MatRef;
use rayon::prelude::*;

use crate::train::linalg::{BLOCK, axpy, dot, dot_f32};

/// A pursuit under way.
///
/// Columns are stored in single precision: they come from single-precision simulations, and a sweep is as fast as memory.
#[derive(Debug)]
pub struct Pursuit {
    rows: usize,
    /// Orthonormal: the fixed columns, then the picks.
    basis: Vec<Vec<f64>>,
    residual: Vec<f64>,
    blocks: Vec<Block>,
    /// Columns a candidate.
    group: usize,
    len: usize,
}

/// At most [`BLOCK`] candidates, column after column.
#[derive(Debug)]
struct Block {
    group: usize,
    columns: Vec<f32>,
    corr: Vec<f64>,
    /// What is left of the squared norm beside the basis; negative once the column is spent.
    norm: Vec<f64>,
    start_norm: Vec<f64>,
    /// What is left of the products of a candidate's columns, `[candidates][group][group]`, the diagonal unused; empty for
    /// single columns.
    cross: Vec<f64>,
}

/// What a pursuit chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Candidates in the order they were picked, by their index of addition.
    pub picks: Vec<usize>,
    /// Squared norm of the residual before the first pick (with the fixed columns taken out) and after each.
    pub squares: Vec<f64>,
}

/// Stands for the norm of a column that is not finite.
const BROKEN: f64 = -1.0;
/// Columns with less than this part of their squared norm left are spent.
const SPENT: f64 = 1e-6;
/// Added to the norm left, relative to the largest squared norm: keeps nearly spent columns from being chosen for their noise.
const DAMPING: f64 = 1e-6;

impl Pursuit {
    /// Starts with the target (one number a row) and columns that are in the basis whatever happens, as the bias. A candidate
    /// has `group` columns.
    pub fn new(target: &[f64], fixed: MatRef<'_, f64>, group: usize) -> Pursuit {
        let (rows, residual) = (target.len(), target.to_vec());
        let mut p = Pursuit { rows, basis: vec![], residual, blocks: vec![], group: group.max(1), len: 0 };
        for k in 0..fixed.ncols() {
            let column: Vec<f64> = (0..p.rows).map(|i| fixed[(i, k)]).collect();
            let before = dot(&column, &column);
            if let Some(q) = p.orthonormalise(column, before) {
                let a = dot(&q, &p.residual);
                axpy(-a, &q, &mut p.residual);
                p.basis.push(q);
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
        assert_eq!(candidates.nrows(), self.rows, "a candidate has one number for each row of the target");
        let (rows, group, m) = (self.rows, self.group, candidates.ncols() / self.group);
        let residual = &self.residual;
        let basis = &self.basis;
        let starts: Vec<usize> = (0..m).step_by(BLOCK).collect();
        let blocks: Vec<Block> = starts
            .par_iter()
            .map(|&start| {
                let width = BLOCK.min(m - start);
                let columns = Vec::with_capacity(rows * width * group);
                let mut b = Block { group, columns, corr: vec![], norm: vec![], start_norm: vec![], cross: vec![] };
                let mut column = vec![0.0f64; rows];
                for j in start * group..(start + width) * group {
                    for (i, x) in column.iter_mut().enumerate() {
                        let rounded = candidates[(i, j)] as f32;
                        b.columns.push(rounded);
                        *x = f64::from(rounded);
                    }
                    let square = dot(&column, &column);
                    let left = basis.iter().fold(square, |n, q| {
                        let d = dot(q, &column);
                        n - d * d
                    });
                    b.corr.push(dot(&column, residual));
                    b.norm.push(if square.is_finite() { left } else { BROKEN });
                    b.start_norm.push(if square.is_finite() { square } else { 0.0 });
                }
                for members in b.norm.chunks_exact_mut(group) {
                    if members.contains(&BROKEN) {
                        members.fill(BROKEN);
                    }
                }
                b.products(basis);
                b
            })
            .collect();
        self.blocks.extend(blocks);
        self.len += m;
    }

    /// Picks at most `count` candidates; fewer if none of the others helps, or as many rows as there are have been met.
    pub fn select(mut self, count: usize) -> Selection {
        let largest = self.blocks.iter().flat_map(|b| &b.start_norm).fold(0.0f64, |m, &n| m.max(n));
        let damping = DAMPING * largest;
        let mut selection = Selection { picks: vec![], squares: vec![dot(&self.residual, &self.residual)] };
        let mut best = self.blocks.par_iter().map(|b| b.best(damping)).collect::<Vec<_>>();
        while selection.picks.len() < count && self.basis.len() < self.rows {
            // Blocks are compared in order, so that the lowest index wins a tie.
            let mut winner: Option<(f64, usize, usize)> = None;
            for (k, found) in best.iter().enumerate() {
                if let Some((score, j)) = *found
                    && winner.is_none_or(|(s, _, _)| score > s)
                {
                    winner = Some((score, k, j));
                }
            }
            let Some((_, k, candidate)) = winner else { break };
            let members = candidate * self.group..(candidate + 1) * self.group;
            let spent = |b: &Block, j: usize| b.norm[j] <= SPENT * b.start_norm[j];
            let alive: Vec<usize> = members.clone().filter(|&j| !spent(&self.blocks[k], j)).collect();
            members.for_each(|j| self.blocks[k].norm[j] = -1.0);
            let mut taken = false;
            for j in alive {
                let block = &self.blocks[k];
                let column: Vec<f64> =
                    block.columns[j * self.rows..(j + 1) * self.rows].iter().map(|&x| f64::from(x)).collect();
                // Rounding may have left it a norm that it has not.
                let Some(q) = self.orthonormalise(column, block.start_norm[j]) else { continue };
                let a = dot(&q, &self.residual);
                axpy(-a, &q, &mut self.residual);
                let single: Vec<f32> = q.iter().map(|&x| x as f32).collect();
                best = self.blocks.par_iter_mut().map(|b| b.sweep(&single, a, damping)).collect();
                self.basis.push(q);
                taken = true;
            }
            if !taken {
                best[k] = self.blocks[k].best(damping);
                continue;
            }
            let before: usize = self.blocks[..k].iter().map(|b| b.corr.len() / self.group).sum();
            selection.picks.push(before + candidate);
            selection.squares.push(dot(&self.residual, &self.residual));
        }
        selection
    }

    /// Twice, which is enough (Kahan). `None` if nothing is left of it.
    fn orthonormalise(&self, mut column: Vec<f64>, square: f64) -> Option<Vec<f64>> {
        for _ in 0..2 {
            for q in &self.basis {
                let d = dot(q, &column);
                axpy(-d, q, &mut column);
            }
        }
        let left = dot(&column, &column);
        if !(left > 1e-2 * SPENT * square && left > 0.0) {
            return None;
        }
        let scale = 1.0 / left.sqrt();
        column.iter_mut().for_each(|x| *x *= scale);
        Some(column)
    }
}

impl Block {
    /// The best candidate, with its score.
    fn best(&self, damping: f64) -> Option<(f64, usize)> {
        let mut best: Option<(f64, usize)> = None;
        for c in 0..self.corr.len() / self.group {
            let score = if self.group == 1 { self.single(c, damping) } else { self.together(c, damping) };
            if score > best.map_or(0.0, |(s, _)| s) {
                best = Some((score, c));
            }
        }
        best
    }

    fn alive(&self, j: usize) -> bool {
        self.norm[j] > SPENT * self.start_norm[j]
    }

    fn single(&self, j: usize, damping: f64) -> f64 {
        if self.alive(j) { self.corr[j] * self.corr[j] / (self.norm[j] + damping) } else { 0.0 }
    }

    /// corr' G^-1 corr, by elimination among the columns that are alive.
    fn together(&self, c: usize, damping: f64) -> f64 {
        let g = self.group;
        let members: Vec<usize> = (0..g).filter(|i| self.alive(c * g + i)).collect();
        let n = members.len();
        let entry = |i: usize, k: usize| match i == k {
            true => self.norm[c * g + members[i]] + damping,
            false => self.cross[(c * g + members[i]) * g + members[k]],
        };
        let mut a: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        let mut b: Vec<f64> = members.iter().map(|i| self.corr[c * g + i]).collect();
        let mut score = 0.0;
        for p in 0..n {
            let pivot = a[p * n + p];
            if pivot <= SPENT * self.start_norm[c * g + members[p]] {
                continue;
            }
            score += b[p] * b[p] / pivot;
            for i in p + 1..n {
                let factor = a[i * n + p] / pivot;
                (p..n).for_each(|k| a[i * n + k] -= factor * a[p * n + k]);
                b[i] -= factor * b[p];
            }
        }
        score
    }

    /// The products of each candidate's columns beside the basis.
    fn products(&mut self, basis: &[Vec<f64>]) {
        let (g, rows) = (self.group, self.columns.len() / self.corr.len().max(1));
        if g == 1 {
            return;
        }
        self.cross = vec![0.0; self.corr.len() * g];
        let wide =
            |j: usize| -> Vec<f64> { self.columns[j * rows..(j + 1) * rows].iter().map(|&x| f64::from(x)).collect() };
        for c in 0..self.corr.len() / g {
            let columns: Vec<Vec<f64>> = (0..g).map(|i| wide(c * g + i)).collect();
            let along: Vec<Vec<f64>> =
                columns.iter().map(|column| basis.iter().map(|q| dot(q, column)).collect()).collect();
            for i in 0..g {
                for k in (0..g).filter(|k| *k != i) {
                    self.cross[(c * g + i) * g + k] = dot(&columns[i], &columns[k]) - dot(&along[i], &along[k]);
                }
            }
        }
    }

    /// Takes a new basis vector into account, of which the residual contained `a`.
    fn sweep(&mut self, q: &[f32], a: f64, damping: f64) -> Option<(f64, usize)> {
        let g = self.group;
        let mut along = vec![0.0; g];
        for c in 0..self.corr.len() / g {
            for (i, along) in along.iter_mut().enumerate() {
                let j = c * g + i;
                *along = 0.0;
                if self.alive(j) {
                    let d = dot_f32(q, &self.columns[j * q.len()..(j + 1) * q.len()]);
                    self.corr[j] -= a * d;
                    self.norm[j] -= d * d;
                    *along = d;
                }
            }
            if g > 1 {
                for i in 0..g {
                    for k in (0..g).filter(|k| *k != i) {
                        self.cross[(c * g + i) * g + k] -= along[i] * along[k];
                    }
                }
            }
        }
        self.best(damping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;

    fn noise(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    fn random(rows: usize, cols: usize, mut seed: u64) -> Mat<f64> {
        Mat::from_fn(rows, cols, |_, _| f64::from(noise(&mut seed) as f32))
    }

    #[test]
    fn finds_the_columns_a_target_is_made_of() {
        let f = random(200, 500, 1);
        let hidden = [7, 450, 133, 64, 63];
        let target: Vec<f64> = (0..200)
            .map(|i| 3.0 + hidden.iter().enumerate().map(|(k, &j)| (k as f64 + 1.0) * f[(i, j)]).sum::<f64>())
            .collect();
        let mut p = Pursuit::new(&target, Mat::full(200, 1, 1.0).as_ref(), 1);
        p.add(f.as_ref().subcols(0, 100));
        p.add(f.as_ref().subcols(100, 400));
        let s = p.select(5);
        let mut picks = s.picks.clone();
        picks.sort_unstable();
        assert_eq!(picks, [7, 63, 64, 133, 450]);
        assert!(s.squares[5] < 1e-9 * s.squares[0]);
        assert!(s.squares.windows(2).all(|w| w[1] <= w[0]));
    }

    #[test]
    fn agrees_with_the_definition() {
        // The definition: of all columns, the one with which the least-squares residual is smallest.
        let f = random(40, 30, 5);
        let target: Vec<f64> = random(40, 1, 6).col(0).iter().copied().collect();
        let mut p = Pursuit::new(&target, Mat::zeros(40, 0).as_ref(), 1);
        p.add(f.as_ref());
        let s = p.select(6);
        let mut chosen: Vec<usize> = vec![];
        for _ in 0..6 {
            let square = |j: usize| {
                let columns: Vec<usize> = chosen.iter().copied().chain([j]).collect();
                let mut r = target.clone();
                let mut basis: Vec<Vec<f64>> = vec![];
                for &c in &columns {
                    let mut v: Vec<f64> = (0..40).map(|i| f[(i, c)]).collect();
                    for q in basis.iter().chain(&basis) {
                        let d = dot(q, &v);
                        axpy(-d, q, &mut v);
                    }
                    let n = dot(&v, &v).sqrt();
                    v.iter_mut().for_each(|x| *x /= n);
                    let d = dot(&v, &r);
                    axpy(-d, &v, &mut r);
                    basis.push(v);
                }
                dot(&r, &r)
            };
            let best = (0..30).filter(|j| !chosen.contains(j)).min_by(|&a, &b| square(a).total_cmp(&square(b)));
            chosen.extend(best);
        }
        assert_eq!(s.picks, chosen);
    }

    #[test]
    fn several_columns_are_taken_together() {
        // The definition: of all candidates, the one whose two columns leave the least.
        let f = random(40, 24, 5);
        let target: Vec<f64> = random(40, 1, 6).col(0).iter().copied().collect();
        let mut p = Pursuit::new(&target, Mat::full(40, 1, 1.0).as_ref(), 2);
        p.add(f.as_ref().subcols(0, 10));
        p.add(f.as_ref().subcols(10, 14));
        let s = p.select(4);
        let left = |chosen: &[usize]| {
            let all = Mat::from_fn(40, 1 + 2 * chosen.len(), |i, j| match j {
                0 => 1.0,
                j => f[(i, 2 * chosen[(j - 1) / 2] + (j - 1) % 2)],
            });
            let solution = crate::train::readout::solve(all.as_ref(), &target, all.ncols(), Some(0.0));
            solution.expect("finite").mean_square * 40.0
        };
        let mut chosen = vec![];
        for k in 0..4 {
            let with = |j: usize| left(&[chosen.as_slice(), &[j]].concat());
            let best = (0..12).filter(|j| !chosen.contains(j)).min_by(|&a, &b| with(a).total_cmp(&with(b)));
            chosen.extend(best);
            assert!((s.squares[k + 1] - left(&chosen)).abs() < 1e-9);
        }
        assert_eq!(s.picks, chosen);
    }

    #[test]
    fn copies_zeros_and_broken_columns_are_left_alone() {
        let mut f = random(60, 12, 8);
        for i in 0..60 {
            f[(i, 3)] = f[(i, 1)];
            f[(i, 5)] = 0.0;
            f[(i, 6)] = 1.0;
            f[(i, 9)] = 2.0 * f[(i, 1)] - f[(i, 0)];
        }
        f[(17, 7)] = f64::NAN;
        let target: Vec<f64> = (0..60).map(|i| f[(i, 1)] + 0.3 * f[(i, 0)]).collect();
        let mut p = Pursuit::new(&target, Mat::full(60, 1, 1.0).as_ref(), 1);
        p.add(f.as_ref());
        let s = p.select(12);
        assert!(!s.picks.iter().any(|j| [3, 5, 6, 7].contains(j)), "{:?}", s.picks);
        let dependent = s.picks.iter().filter(|j| [0, 1, 9].contains(j)).count();
        assert!(dependent <= 2, "{:?}", s.picks);
    }

    #[test]
    fn threads_do_not_matter() {
        let f = random(100, 700, 3);
        let target: Vec<f64> = random(100, 1, 4).col(0).iter().copied().collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
            pool.install(|| {
                let mut p = Pursuit::new(&target, Mat::full(100, 1, 1.0).as_ref(), 1);
                p.add(f.as_ref());
                p.select(50)
            })
        };
        assert_eq!(run(1), run(3));
    }
}
