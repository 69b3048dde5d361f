//! Linear output weights, solved for exactly.
//!
//! The field is affine in its readout, so that with a linear residual the best readout is a least-squares problem with one
//! unknown a feature. Solving it is worth more than thousands of gradient steps. Spiking features are nearly dependent, so a
//! small penalty is needed; it is either given or chosen by generalised cross-validation (Golub, Heath and Wahba, 1979).
//!
//! ```text
//! minimise |A x - b|^2 + lambda |x_penalised|^2,      lambda = ridge * trace(A'A) / columns, over the penalised ones
//! ```
//!
//! By QR and a singular value decomposition of the small factor: A'A is never formed, the bias is never penalised.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

/// A solved readout.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// One a column of A.
    pub weights: Vec<f64>,
    /// The relative penalty used.
    pub ridge: f64,
    /// Mean of the squared residual A x - b, without the penalty.
    pub mean_square: f64,
    /// Trace of the matrix that takes b to A x: how many parameters the data pay for.
    pub freedom: f64,
}

/// How the penalty is found.
#[derive(Debug, Clone, Copy)]
pub enum Penalty<'a> {
    /// Relative to the mean squared response.
    Given(f64),
    /// By generalised cross-validation.
    CrossValidated,
    /// The one whose solution leaves least of other rows, which have columns like those of A.
    Held { rows: MatRef<'a, f64>, target: &'a [f64] },
}

/// Penalties that are looked at: three a decade of this range.
pub const PENALTIES: (f64, f64) = (1e-12, 1e-2);
/// The effective number of parameters counts this many times in the cross-validation score. 1 is the textbook's; a selected
/// set of neurons has used up more freedom than its size says.
const GCV_INFLATION: f64 = 1.4;

/// The ridge least-squares solution. `fixed` columns at the start of `a` are not penalised. `None` if a number is not finite.
pub fn solve(a: MatRef<'_, f64>, b: &[f64], fixed: usize, penalty: Penalty<'_>) -> Option<Solution> {
    let (rows, cols) = (a.nrows(), a.ncols());
    assert_eq!(rows, b.len());
    assert!(fixed <= cols);
    // [A b] = Q R: the last column of R holds Q'b, and the norm of what A cannot reach.
    let joined = Mat::from_fn(rows, cols + 1, |i, j| if j < cols { a[(i, j)] } else { b[i] });
    if (0..=cols).any(|j| !joined.col(j).iter().all(|x| x.is_finite())) {
        return None;
    }
    let r = joined.qr().thin_R().to_owned();
    let free = cols - fixed;
    let upper = r.nrows().min(cols);
    let out_of_reach: f64 = (upper..r.nrows()).map(|i| r[(i, cols)] * r[(i, cols)]).sum();
    // The penalised part, [k x free], and what it is to meet.
    let k = upper.saturating_sub(fixed);
    let small = Mat::from_fn(k, free, |i, j| if i <= j { r[(fixed + i, fixed + j)] } else { 0.0 });
    let aim: Vec<f64> = (0..k).map(|i| r[(fixed + i, cols)]).collect();
    let mut weights = vec![0.0; cols];
    let mut solution = Solution { weights: vec![], ridge: 0.0, mean_square: out_of_reach, freedom: fixed as f64 };
    if free > 0 && k > 0 {
        // trace(A'A) over the penalised columns, fixed part included.
        let trace: f64 = (fixed..cols).map(|j| (0..upper.min(j + 1)).map(|i| r[(i, j)] * r[(i, j)]).sum::<f64>()).sum();
        let unit = trace / free as f64;
        let svd = small.thin_svd().ok()?;
        let s: Vec<f64> = svd.S().column_vector().iter().copied().collect();
        let u = svd.U();
        let c: Vec<f64> = (0..s.len()).map(|l| (0..k).map(|i| u[(i, l)] * aim[i]).sum()).collect();
        // What U leaves out, where there are fewer columns than rows, is nothing: U is square or spans the range.
        let state = |ridge: f64| {
            let lambda = ridge * unit;
            let mut square = out_of_reach;
            let mut freedom = fixed as f64;
            for (&s, &c) in s.iter().zip(&c) {
                let keep = if s * s + lambda > 0.0 { s * s / (s * s + lambda) } else { 0.0 };
                square += (1.0 - keep) * (1.0 - keep) * c * c;
                freedom += keep;
            }
            (square, freedom)
        };
        let cross_validated = |ridge: f64| {
            let (square, freedom) = state(ridge);
            let left = rows as f64 - GCV_INFLATION * freedom;
            if left > 0.0 { square / (left * left) } else { f64::INFINITY }
        };
        let ridge = match penalty {
            Penalty::Given(ridge) => ridge,
            Penalty::CrossValidated => least(cross_validated),
            Penalty::Held { rows, target } => {
                let (seen, left) = beside(rows, target, r.as_ref(), fixed, svd.V());
                least(|ridge| {
                    let lambda = ridge * unit;
                    let of = |(s, c): (&f64, &f64)| if s * s + lambda > 0.0 { s * c / (s * s + lambda) } else { 0.0 };
                    let weights: Vec<f64> = s.iter().zip(&c).map(of).collect();
                    let mut rest = left.clone();
                    weights.iter().zip(seen.col_iter()).for_each(|(w, column)| {
                        rest.iter_mut().zip(column.iter()).for_each(|(r, x)| *r -= w * x);
                    });
                    rest.iter().map(|r| r * r).sum()
                })
            }
        };
        let (square, freedom) = state(ridge);
        let lambda = ridge * unit;
        let largest = s.first().copied().unwrap_or(0.0);
        let v = svd.V();
        let scaled: Vec<f64> = s
            .iter()
            .zip(&c)
            .map(|(&s, &c)| {
                let d = s * s + lambda;
                // A direction in which A has nothing gets nothing.
                if d > 0.0 && s > 1e-14 * largest { s * c / d } else { 0.0 }
            })
            .collect();
        for j in 0..free {
            weights[fixed + j] = (0..scaled.len()).map(|l| v[(j, l)] * scaled[l]).sum();
        }
        solution.ridge = ridge;
        solution.mean_square = square;
        solution.freedom = freedom;
    }
    let wanted = |i: usize| r[(i, cols)] - (fixed..cols).map(|j| r[(i, j)] * weights[j]).sum::<f64>();
    let first = substituted(r.as_ref(), fixed.min(upper), wanted);
    weights[..first.len()].copy_from_slice(&first);
    solution.mean_square /= rows.max(1) as f64;
    solution.weights = weights;
    solution.weights.iter().all(|w| w.is_finite()).then_some(solution)
}

/// The penalty of [`PENALTIES`] with the least score. Ever smaller ones must pay for themselves: ties go to the larger.
fn least(score: impl Fn(f64) -> f64) -> f64 {
    let (lo, hi) = PENALTIES;
    let steps = 30;
    let mut best = (f64::INFINITY, hi);
    for i in 0..=steps {
        let ridge = hi * libm::pow(lo / hi, i as f64 / steps as f64);
        let score = score(ridge);
        if score < best.0 * (1.0 - 1e-9) {
            best = (score, ridge);
        }
    }
    best.1
}

/// Back substitution for the first `fixed` columns of the triangle R; one that adds nothing gets 0.
fn substituted(r: MatRef<'_, f64>, fixed: usize, wanted: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut x = vec![0.0; fixed];
    for i in (0..fixed).rev() {
        let norm: f64 = (0..=i).map(|l| r[(l, i)] * r[(l, i)]).sum::<f64>().sqrt();
        let rest = wanted(i) - (i + 1..fixed).map(|j| r[(i, j)] * x[j]).sum::<f64>();
        x[i] = if r[(i, i)].abs() > 1e-12 * norm { rest / r[(i, i)] } else { 0.0 };
    }
    x
}

/// What other rows see of the singular directions of the penalised columns, the fixed ones following them; and what is left of
/// their target with the fixed columns alone.
fn beside(
    rows: MatRef<'_, f64>,
    target: &[f64],
    r: MatRef<'_, f64>,
    fixed: usize,
    v: MatRef<'_, f64>,
) -> (Mat<f64>, Vec<f64>) {
    let (n, cols) = (rows.nrows(), rows.ncols());
    let first = fixed.min(r.nrows());
    let mut free = Mat::from_fn(n, cols - fixed, |i, j| rows[(i, fixed + j)]);
    for j in 0..cols - fixed {
        for (l, x) in substituted(r, first, |i| r[(i, fixed + j)]).iter().enumerate() {
            (0..n).for_each(|i| free[(i, j)] -= x * rows[(i, l)]);
        }
    }
    let mut left = target.to_vec();
    for (l, x) in substituted(r, first, |i| r[(i, cols)]).iter().enumerate() {
        (0..n).for_each(|i| left[i] -= x * rows[(i, l)]);
    }
    let mut seen = Mat::zeros(n, v.ncols());
    matmul(seen.as_mut(), Accum::Replace, free.as_ref(), v, 1.0, Par::Seq);
    (seen, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    fn random(rows: usize, cols: usize, mut seed: u64) -> Mat<f64> {
        Mat::from_fn(rows, cols, |_, _| noise(&mut seed))
    }

    /// The gradient of the penalised objective, which is zero at its minimum.
    fn slope(a: &Mat<f64>, b: &[f64], fixed: usize, s: &Solution) -> f64 {
        let free = a.ncols() - fixed;
        let trace: f64 = (fixed..a.ncols()).map(|j| a.col(j).iter().map(|x| x * x).sum::<f64>()).sum();
        let lambda = s.ridge * trace / free as f64;
        let r: Vec<f64> =
            (0..a.nrows()).map(|i| (0..a.ncols()).map(|j| a[(i, j)] * s.weights[j]).sum::<f64>() - b[i]).collect();
        let mean = r.iter().map(|x| x * x).sum::<f64>() / a.nrows() as f64;
        assert!((mean - s.mean_square).abs() < 1e-10, "{mean} {}", s.mean_square);
        (0..a.ncols())
            .map(|j| {
                let g: f64 = (0..a.nrows()).map(|i| a[(i, j)] * r[i]).sum();
                (g + if j >= fixed { lambda * s.weights[j] } else { 0.0 }).abs()
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn is_the_minimum_of_the_penalised_objective() {
        let mut seed = 5;
        for (rows, cols, fixed) in [(50, 10, 1), (50, 10, 0), (30, 30, 2), (10, 25, 1)] {
            let mut a = random(rows, cols, 7);
            if fixed > 0 {
                (0..rows).for_each(|i| a[(i, 0)] = 1.0);
            }
            let b: Vec<f64> = (0..rows).map(|_| 4.0 + noise(&mut seed)).collect();
            for ridge in [1e-6, 1e-2, 1.0] {
                let s = solve(a.as_ref(), &b, fixed, Penalty::Given(ridge)).expect("finite");
                assert!(slope(&a, &b, fixed, &s) < 1e-8, "{rows} x {cols}, {ridge}");
            }
        }
    }

    #[test]
    fn cross_validation_finds_the_noise() {
        // 40 features that decay, 200 rows, noise of 0.1: the small directions are better left alone.
        let mut a = random(200, 40, 2);
        for j in 0..40 {
            let scale = libm::pow(0.6, j as f64);
            (0..200).for_each(|i| a[(i, j)] *= scale);
        }
        let mut seed = 11;
        let clean: Vec<f64> = (0..200).map(|i| a[(i, 0)] - a[(i, 1)] + a[(i, 2)]).collect();
        let b: Vec<f64> = clean.iter().map(|x| x + 0.1 * noise(&mut seed)).collect();
        let error = |s: &Solution| {
            (0..200).map(|i| ((0..40).map(|j| a[(i, j)] * s.weights[j]).sum::<f64>() - clean[i]).powi(2)).sum::<f64>()
        };
        let chosen = solve(a.as_ref(), &b, 0, Penalty::CrossValidated).expect("finite");
        let bare = solve(a.as_ref(), &b, 0, Penalty::Given(1e-14)).expect("finite");
        assert!(
            chosen.ridge > 1e-8 && error(&chosen) < 0.7 * error(&bare),
            "{} {} {}",
            chosen.ridge,
            error(&chosen),
            error(&bare)
        );
        assert!(slope(&a, &b, 0, &chosen) < 1e-9);
    }

    /// Columns that go with noise of 0.3 in the rows, which other rows do not have.
    #[test]
    fn held_rows_choose_the_penalty() {
        let decaying = |seed| {
            let mut a = random(120, 81, seed);
            for i in 0..120 {
                a[(i, 0)] = 1.0;
                (1..81).for_each(|j| a[(i, j)] *= libm::pow(0.9, j as f64));
            }
            a
        };
        let (a, other) = (decaying(2), decaying(7));
        let truth = |a: &Mat<f64>| (0..120).map(|i| 1.0 + a[(i, 1)] - a[(i, 2)]).collect::<Vec<f64>>();
        let (target, mut seed) = (truth(&other), 11);
        let b: Vec<f64> = truth(&a).iter().map(|x| x + 0.3 * noise(&mut seed)).collect();
        let penalty = Penalty::Held { rows: other.as_ref(), target: &target };
        let left = |s: &Solution| {
            (0..120)
                .map(|i| ((0..81).map(|j| other[(i, j)] * s.weights[j]).sum::<f64>() - target[i]).powi(2))
                .sum::<f64>()
        };
        let chosen = solve(a.as_ref(), &b, 1, penalty).expect("finite");
        // It is the best of all that were looked at, far from both ends.
        let all = (0..=30).map(|k| {
            let ridge = PENALTIES.1 * libm::pow(PENALTIES.0 / PENALTIES.1, k as f64 / 30.0);
            left(&solve(a.as_ref(), &b, 1, Penalty::Given(ridge)).expect("finite"))
        });
        let all: Vec<f64> = all.collect();
        let best = all.iter().fold(f64::INFINITY, |m, x| m.min(*x));
        assert!((left(&chosen) - best).abs() < 1e-9 * best, "{} {best}", left(&chosen));
        assert!(all[30] > 3.0 * best, "{best} of {all:?}");
        assert!(slope(&a, &b, 1, &chosen) < 1e-9);
    }

    #[test]
    fn dependent_columns_and_bad_numbers_are_no_trouble() {
        let mut a = random(30, 5, 3);
        for i in 0..30 {
            a[(i, 0)] = 0.0;
            a[(i, 4)] = a[(i, 3)];
        }
        let b: Vec<f64> = (0..30).map(|i| a[(i, 3)]).collect();
        let s = solve(a.as_ref(), &b, 1, Penalty::Given(1e-10)).expect("finite");
        assert!(s.mean_square < 1e-12 && s.weights[0] == 0.0);
        assert!((s.weights[3] - 0.5).abs() < 1e-6 && (s.weights[4] - 0.5).abs() < 1e-6);
        a[(3, 2)] = f64::NAN;
        assert_eq!(solve(a.as_ref(), &b, 1, Penalty::Given(1e-10)), None);
    }
}
