//! A linearised weak form as plain numbers, for those who take the same rows elsewhere.
//!
//! ```text
//! moments[m] = sum over points n, entries k of n with which[k] = m of  w_n (sum_f linear_f[k] u_f[n] + sum_j values_j[k] g_j(x_n, u[n]))  +  load[m]
//! rows       = matrix * moments[kept]
//! ```

use faer::Mat;

use super::Linearised;
use crate::ir::program::Program;

/// All that the rows of a weak form are computed from but the field.
#[derive(Debug)]
pub struct Arrays<'a> {
    /// `[points]`
    pub weights: &'a [f64],
    /// Entries of point n: `starts[n] .. starts[n + 1]`.
    pub starts: &'a [usize],
    /// The test function of each entry.
    pub which: &'a [u32],
    /// L* psi of the linear terms, for each field of the form and entry.
    pub linear: &'a [Vec<f64>],
    /// What multiplies each nonlinear integrand, entry by entry, and the integrand (inputs `coords` and `fields`, output
    /// `value`).
    pub nonlinear: Vec<(&'a [f64], &'a Program)>,
    /// `[tests]`
    pub load: &'a [f64],
    /// The test functions that have a row, in the order of the matrix' columns.
    pub kept: Vec<usize>,
    /// `[rows][rows]`, lower triangular: scale R'^-1.
    pub matrix: Mat<f64>,
}

impl Linearised {
    pub fn arrays(&self) -> Arrays<'_> {
        let s = &*self.system;
        let rows = self.rows();
        let mut matrix = Mat::from_fn(rows, rows, |i, j| if i == j { self.scale } else { 0.0 });
        self.whitener.solve_transposed(matrix.as_mut());
        Arrays {
            weights: &s.weights,
            starts: &s.starts,
            which: &s.which,
            linear: &s.linear,
            nonlinear: s.nonlinear.iter().map(|t| (&t.values[..], &t.integrand)).collect(),
            load: &s.load,
            kept: self.whitener.kept().iter().map(|&j| s.columns[j]).collect(),
            matrix,
        }
    }
}
