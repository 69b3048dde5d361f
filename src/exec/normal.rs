//! Normal and random signs in bulk, from a stream, in single precision.
//!
//! Normals come from pairs of words by Box and Muller ("A note on the generation of random normal deviates", Annals of
//! Mathematical Statistics 29, 1958) with the functions of [`math`](super::math), so that they have the same bits on every
//! machine. None is larger than sqrt(50 ln 2) = 5.9, which one in 3e8 would be.
//!
//! ```text
//! u = (word + 1/2) / 2^24 in (0, 1), v likewise:    sqrt(-2 log u) cos(2 pi v),  sqrt(-2 log u) sin(2 pi v)
//! ```

use super::micro::normal_pairs;
use super::rng::Stream;

/// Words drawn in one go.
const BATCH: usize = 64;

/// Fills `out` with independent numbers of mean 0 and variance 1. The first n do not depend on how many are asked for.
pub fn normals(stream: &mut Stream, out: &mut [f32]) {
    let mut words = [0u32; BATCH];
    let mut pairs = [[0f32; BATCH / 2]; 2];
    for chunk in out.chunks_mut(BATCH) {
        stream.fill(&mut words);
        let (a, b) = words.split_at(BATCH / 2);
        let [left, right] = &mut pairs;
        normal_pairs(a, b, left, right);
        for (o, x) in chunk.iter_mut().zip(pairs.iter().flatten()) {
            *o = *x;
        }
    }
}

/// Fills `out` with 1 and -1, each equally likely: a bit each.
pub fn signs(stream: &mut Stream, out: &mut [f32]) {
    let mut words = [0u32; BATCH];
    for chunk in out.chunks_mut(32 * BATCH) {
        stream.fill(&mut words);
        for (chunk, word) in chunk.chunks_mut(32).zip(words) {
            for (b, o) in chunk.iter_mut().enumerate() {
                *o = if word >> b & 1 == 1 { 1.0 } else { -1.0 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::rng::Purpose;

    fn many(n: usize) -> Vec<f64> {
        let mut out = vec![0.0; n];
        normals(&mut Stream::new(5, Purpose::Test, 3), &mut out);
        out.into_iter().map(f64::from).collect()
    }

    /// Moments 1 to 4 of 2^20 normals within five standard errors: sqrt(1, 2, 15, 96) / 2^10.
    #[test]
    fn moments_are_the_normal_distributions() {
        let x = many(1 << 20);
        for (power, want, spread) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0f64)] {
            let got = x.iter().map(|x| x.powi(power)).sum::<f64>() / x.len() as f64;
            assert!((got - want).abs() < 5.0 * spread.sqrt() / 1024.0, "moment {power}: {got}");
        }
    }

    /// Kolmogorov and Smirnov: the largest distance of the distributions times sqrt(n) is above 2.2 once in 8000 seeds.
    #[test]
    fn the_distribution_is_normal() {
        let mut x = many(1 << 16);
        x.sort_by(f64::total_cmp);
        let n = x.len() as f64;
        let cdf = |x: f64| 0.5 * (1.0 + libm::erf(x / std::f64::consts::SQRT_2));
        let distance = x.iter().enumerate().map(|(i, x)| (cdf(*x) - (i as f64 + 0.5) / n).abs() + 0.5 / n);
        let worst = distance.fold(0.0, f64::max) * n.sqrt();
        assert!(worst < 2.2, "{worst}");
    }

    /// Beyond 3 and 4 standard deviations within five standard errors, and as far out as it says.
    #[test]
    fn tails_are_the_normal_distributions() {
        let x = many(1 << 20);
        for bound in [2.0, 3.0, 4.0] {
            let want = libm::erfc(bound / std::f64::consts::SQRT_2) * x.len() as f64;
            for side in [1.0, -1.0] {
                let got = x.iter().filter(|x| side * **x > bound).count() as f64;
                assert!((got - want / 2.0).abs() < 5.0 * (want / 2.0).sqrt(), "{got} of {want} / 2 beyond {bound}");
            }
        }
        let furthest = x.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
        assert!((4.5..5.9).contains(&furthest), "{furthest}");
    }

    #[test]
    fn the_first_do_not_depend_on_how_many_there_are() {
        let long = many(1000);
        for n in [1, 63, 64, 65, 500] {
            assert_eq!(many(n), long[..n]);
        }
    }

    #[test]
    fn signs_are_even() {
        let mut x = vec![0.0; 100_000];
        signs(&mut Stream::new(5, Purpose::Test, 4), &mut x);
        assert!(x.iter().all(|x| x.abs() == 1.0));
        // Five standard errors.
        assert!((x.iter().sum::<f32>() / 100_000.0).abs() < 5.0 / 316.0);
    }
}
