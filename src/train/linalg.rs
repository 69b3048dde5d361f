//! The few pieces of dense linear algebra that the trainer needs and faer does not have in this form.
//!
//! Everything runs on one thread in a fixed order; parallel callers split their columns into blocks of [`BLOCK`], so that no
//! result depends on the number of threads.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::staircase::tests::noise;

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
