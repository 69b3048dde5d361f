//! Directions in weight space: the random numbers that a phase perturbs weights by.
//!
//! A direction is never stored: it is regenerated wherever it is needed from the key (seed, phase, step, direction, group),
//! so the run that observes it and the update that uses it cannot disagree, on any number of threads.
//!
//! All kinds have E[v vᵀ] = I, so that (g · v) v is g on the average. They differ in the variance of the mean over K of them,
//! in units of |g|², with n weights in the group:
//!
//! ```text
//! gaussian               (n + 1) / K                rademacher, sphere    (n - 1) / K
//! rank(r), one p x q     (n + 1 + 2 (p + q + 1) / r) / K
//! orthogonal             n / K - 1 for K <= n       coordinate            n / K - 1 for K <= n
//! ```
//! With K = n the last two are exact. Rademacher directions (each component 1 or -1) have the least variance among those with
//! independent components of variance 1: the kurtosis is 1 in place of a Gaussian's 3.

use std::ops::Range;

use rand::Rng;
use rayon::prelude::*;

use crate::exec::normal::{normals, signs};
use crate::exec::rng::{Purpose, Stream};
use crate::plan::Distribution;
use crate::train::linalg::{axpy, dot};
use crate::train::perturb::Group;

/// Identifies a direction, together with the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub phase: usize,
    pub step: usize,
    pub direction: usize,
    pub group: usize,
}

impl Key {
    /// The stream's index: 8 bits of phase, 24 of step, 16 each of direction and group. Larger numbers wrap around, which
    /// repeats directions but breaks nothing.
    fn index(self) -> u64 {
        let bits = |n: usize, bits: u32| n as u64 & ((1 << bits) - 1);
        bits(self.phase, 8) << 56 | bits(self.step, 24) << 32 | bits(self.direction, 16) << 16 | bits(self.group, 16)
    }

    fn stream(self, seed: u64) -> Stream {
        Stream::new(seed, Purpose::Directions, self.index())
    }
}

/// True if a direction depends on those before it: they are to be drawn all at once.
pub fn depend(distribution: Distribution) -> bool {
    matches!(distribution, Distribution::Orthogonal | Distribution::Coordinate)
}

/// The directions of these numbers: components along each weight of the group, in the group's order. They are numbers of
/// single precision, so that kernels and updates use the same. The key's own direction is not looked at.
pub fn directions(
    distribution: Distribution,
    seed: u64,
    key: Key,
    numbers: Range<usize>,
    group: &Group,
) -> Vec<Vec<f64>> {
    match distribution {
        Distribution::Orthogonal => blocks(numbers, group.weights.len(), |first, count| {
            orthogonal(seed, Key { direction: first, ..key }, count, group)
        }),
        Distribution::Coordinate => blocks(numbers, group.weights.len(), |first, count| {
            coordinates(seed, Key { direction: first, ..key }, count, group.weights.len())
        }),
        _ => {
            numbers.into_par_iter().map(|k| direction(distribution, seed, Key { direction: k, ..key }, group)).collect()
        }
    }
}

/// A direction that depends on no other.
fn direction(distribution: Distribution, seed: u64, key: Key, group: &Group) -> Vec<f64> {
    let mut stream = key.stream(seed);
    let mut v = vec![0.0; group.weights.len()];
    match distribution {
        Distribution::Rademacher => signs(&mut stream, &mut v),
        Distribution::Rank(r) => low_rank(&mut stream, r as usize, group, &mut v),
        _ => normals(&mut stream, &mut v),
    }
    let mut v: Vec<f64> = v.into_iter().map(f64::from).collect();
    if distribution == Distribution::Sphere {
        lengthen(&mut v);
        v.iter_mut().for_each(single);
    }
    v
}

/// Independent signs for each weight of a group.
pub fn signs_along(seed: u64, key: Key, group: &Group) -> Vec<f64> {
    direction(Distribution::Rademacher, seed, key, group)
}

fn single(x: &mut f64) {
    *x = f64::from(*x as f32);
}

/// Gives a vector the length sqrt(n).
fn lengthen(v: &mut [f64]) {
    let length = dot(v, v).sqrt();
    let factor = if length > 0.0 { (v.len() as f64).sqrt() / length } else { 0.0 };
    v.iter_mut().for_each(|x| *x *= factor);
}

/// Directions that are drawn `n` together: those of these numbers, from `draw(first, count)` for each block.
fn blocks(numbers: Range<usize>, n: usize, draw: impl Fn(usize, usize) -> Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut out = vec![];
    let mut at = numbers.start;
    while at < numbers.end {
        let first = at - at % n;
        let end = numbers.end.min(first + n);
        out.extend(draw(first, end - first).into_iter().skip(at - first));
        at = end;
    }
    out
}

/// Normal vectors made orthogonal one after the other (Gram and Schmidt, each twice), which is the Q of their QR
/// decomposition with a positive diagonal of R: uniform among all orthonormal sets (Mezzadri, Notices AMS 54, 2007).
fn orthogonal(seed: u64, key: Key, count: usize, group: &Group) -> Vec<Vec<f64>> {
    let n = group.weights.len() as f64;
    let draw = |k| direction(Distribution::Gaussian, seed, Key { direction: key.direction + k, ..key }, group);
    let mut basis: Vec<Vec<f64>> = (0..count).into_par_iter().map(draw).collect();
    for k in 0..count {
        let (before, rest) = basis.split_at_mut(k);
        for _ in 0..2 {
            for q in &*before {
                axpy(-dot(q, &rest[0]) / n, q, &mut rest[0]);
            }
        }
        lengthen(&mut rest[0]);
    }
    basis.iter_mut().flatten().for_each(single);
    basis
}

/// Different weights, each equally likely: the first of a shuffle (Fisher and Yates).
fn coordinates(seed: u64, key: Key, count: usize, n: usize) -> Vec<Vec<f64>> {
    let mut stream = key.stream(seed);
    let mut order: Vec<usize> = (0..n).collect();
    let one = |k: usize| {
        let left = (n - k) as u128;
        order.swap(k, k + ((u128::from(stream.next_u64()) * left) >> 64) as usize);
        let mut v = vec![0.0; n];
        v[order[k]] = (n as f64).sqrt();
        single(&mut v[order[k]]);
        v
    };
    (0..count).map(one).collect()
}

/// A Bᵀ / sqrt(r), A and B of signs, for matrices of more than r rows and columns, signs for all other weights. Normal numbers in
/// A and B would have a variance of (n + 1 + 2 (p + q + 1) / r) / K. Where sqrt(r) is a power of two the components are small
/// multiples of one, which kernels add up as bytes.
fn low_rank(stream: &mut Stream, r: usize, group: &Group, v: &mut [f32]) {
    let mut done = 0;
    for m in group.matrices.iter().filter(|m| m.rows.min(m.cols) > r) {
        signs(stream, &mut v[done..m.at]);
        let (mut a, mut b) = (vec![0.0; m.rows * r], vec![0.0; m.cols * r]);
        signs(stream, &mut a);
        signs(stream, &mut b);
        let scale = 1.0 / (r as f64).sqrt();
        done = m.at + m.rows * m.cols;
        let rows = v[m.at..done].chunks_exact_mut(m.cols).zip(a.chunks_exact(r));
        for (row, a) in rows {
            for (v, b) in row.iter_mut().zip(b.chunks_exact(r)) {
                let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                *v = (scale * sum) as f32;
            }
        }
    }
    signs(stream, &mut v[done..]);
}

/// In words, for the report.
pub fn describe(distribution: Distribution) -> String {
    match distribution {
        Distribution::Gaussian => "gaussian directions".into(),
        Distribution::Rademacher => "rademacher directions".into(),
        Distribution::Sphere => "directions on the sphere".into(),
        Distribution::Orthogonal => "orthogonal directions".into(),
        Distribution::Rank(r) => format!("directions of rank {r}"),
        Distribution::Coordinate => "coordinate directions".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::perturb::Matrix;

    const KEY: Key = Key { phase: 1, step: 2, direction: 0, group: 0 };
    const ALL: [Distribution; 6] = [
        Distribution::Gaussian,
        Distribution::Rademacher,
        Distribution::Sphere,
        Distribution::Orthogonal,
        Distribution::Rank(2),
        Distribution::Coordinate,
    ];

    fn group(len: usize, matrices: &[Matrix]) -> Group {
        Group { name: "g".into(), weights: (0..len as u32).collect(), matrices: matrices.to_vec() }
    }

    /// 3 weights of no matrix, one of 4 x 5, and 2 more.
    fn mixed() -> Group {
        group(25, &[Matrix { at: 3, rows: 4, cols: 5 }])
    }

    #[test]
    fn directions_depend_on_their_key_only() {
        for d in ALL {
            let of = |seed, key, numbers| directions(d, seed, key, numbers, &mixed());
            let v = of(7, KEY, 0..9);
            assert_eq!(v, of(7, KEY, 0..9));
            assert_eq!(v[4..], of(7, KEY, 4..9), "{d:?}: the same by themselves");
            assert_ne!(v, of(7, Key { step: 3, ..KEY }, 0..9));
            assert_ne!(v, of(7, Key { group: 1, ..KEY }, 0..9));
            assert_ne!(v, of(8, KEY, 0..9));
            assert!((1..9).all(|k| v[k] != v[0]), "{d:?}");
            assert!(v.iter().flatten().all(|x| f64::from(*x as f32) == *x), "{d:?}: single precision");
        }
    }

    /// Each entry of the mean of v vᵀ over 40 000 directions is a mean of independent numbers (of blocks of 25, whose own mean
    /// is exactly I, where directions depend on each other): within 6 of its own deviations from 0 or 1, and 6e-9 is the chance
    /// of one to be outside (2e-6 of one of the 325). The fewest products that are not 0, of coordinates, are 1600 an entry.
    #[test]
    fn the_mean_of_v_v_transposed_is_the_identity() {
        const COUNT: usize = 40_000;
        for d in ALL {
            let g = mixed();
            let n = g.weights.len();
            let (mut sum, mut square) = (vec![0.0; n * n], vec![0.0; n * n]);
            for step in 0..COUNT / 10 {
                for v in directions(d, 3, Key { step, ..KEY }, 0..10, &g) {
                    for i in 0..n {
                        for j in 0..n {
                            let x = v[i] * v[j];
                            sum[i * n + j] += x;
                            square[i * n + j] += x * x;
                        }
                    }
                }
            }
            for i in 0..n {
                for j in 0..n {
                    let (mean, square) = (sum[i * n + j] / COUNT as f64, square[i * n + j] / COUNT as f64);
                    let deviation = ((square - mean * mean).max(0.0) / COUNT as f64).sqrt();
                    let wanted = f64::from(u8::from(i == j));
                    let off = (mean - wanted).abs();
                    assert!(off <= 6.0 * deviation + 1e-6, "{d:?} {i} {j}: {mean}, deviation {deviation}");
                }
            }
        }
    }

    #[test]
    fn lengths_and_angles_are_exact() {
        let g = mixed();
        let length = |v: &[f64]| dot(v, v);
        for d in [Distribution::Sphere, Distribution::Orthogonal, Distribution::Coordinate, Distribution::Rademacher] {
            for v in directions(d, 1, KEY, 0..30, &g) {
                assert!((length(&v) - 25.0).abs() < 1e-4, "{d:?}");
            }
        }
        for d in [Distribution::Orthogonal, Distribution::Coordinate] {
            let v = directions(d, 1, KEY, 0..40, &g);
            for i in 0..40 {
                for j in (0..i).filter(|j| j / 25 == i / 25) {
                    assert!(dot(&v[i], &v[j]).abs() < 1e-4, "{d:?} {i} {j}");
                }
            }
            assert_ne!(v[25..], v[..15], "{d:?}: another block is drawn anew");
        }
    }

    /// Signs may repeat themselves, so a rank can be less by chance.
    #[test]
    fn matrices_have_the_rank_that_is_asked_for() {
        let g = mixed();
        let rank = |v: &[f64]| {
            let m = faer::Mat::from_fn(4, 5, |i, j| v[3 + 5 * i + j]);
            let s = m.singular_values().expect("converges");
            s.iter().filter(|x| **x > 1e-5 * s[0]).count()
        };
        for (r, wanted) in [(1, 1), (2, 2), (3, 3), (4, 4), (9, 4)] {
            let all = directions(Distribution::Rank(r), 5, KEY, 0..40, &g);
            assert_eq!(all.iter().map(|v| rank(v)).max(), Some(wanted));
            assert!(all.iter().all(|v| [0, 1, 2, 23, 24].iter().all(|k: &usize| v[*k].abs() == 1.0)));
        }
        let whole = |r: u32, unit: f64| {
            let all = directions(Distribution::Rank(r), 5, KEY, 0..40, &g);
            all.iter().flatten().all(|x| (x / unit).fract() == 0.0)
        };
        assert!(whole(1, 1.0) && !whole(2, 1.0));
    }

    #[test]
    fn the_keys_fields_do_not_overlap() {
        let keys = [
            Key { phase: 0, step: 0, direction: 0, group: 1 },
            Key { phase: 0, step: 0, direction: 1, group: 0 },
            Key { phase: 0, step: 1, direction: 0, group: 0 },
            Key { phase: 1, step: 0, direction: 0, group: 0 },
        ];
        let indices: Vec<u64> = keys.iter().map(|k| k.index()).collect();
        assert_eq!(indices, [1, 1 << 16, 1 << 32, 1 << 56]);
    }
}
