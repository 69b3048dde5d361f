//! Sweeps of the trainer's linear algebra over many columns: inner products, projections, moments.
//!
//! These are limited by memory, so each is written for the number of times that a number is used once it is there. Bodies are
//! written once over blocks of a fixed size and compiled for AVX2 and for any processor with the same bits: the order of every
//! sum is fixed, products and sums are rounded apart.
//!
//! | function | reads | uses each number |
//! |---|---|---|
//! | [`dots`] | single-precision columns | once a vector, up to [`VECTORS`] |
//! | [`project`] | a basis | twice a vector, out of the second-level cache |
//! | [`moments`] | values of functions at points | once a test function over the point |

use super::eight::{self, Eight};
use crate::exec::real::Real;

/// Vectors that [`dots`] handles in one go.
pub const VECTORS: usize = 9;
/// Columns whose sums are under way at once: they and the pieces of the vectors stay in the first-level cache.
const COLUMNS: usize = 8;
/// Numbers that are added in single precision before their sum goes on in double precision, a lane of [`LANES`].
const PIECE: usize = 256;
const LANES: usize = 16;
/// Basis vectors that [`project`] reads twice in a row.
const PANEL: usize = 16;
/// Points that [`moments`] takes together, if the same test functions lie over them.
const POINTS: usize = 4;

macro_rules! dispatched {
    ($($(#[$doc:meta])* $name:ident => $body:ident$(<$vector:ident>)?, ($($arg:ident: $ty:ty),* $(,)?);)*) => {
        #[cfg(target_arch = "x86_64")]
        mod avx2 {
            $(
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                pub(super) fn $name($($arg: $ty),*) {
                    super::$body$(::<super::eight::avx::$vector>)?($($arg),*)
                }
            )*
        }
        $(
            $(#[$doc])*
            #[allow(clippy::too_many_arguments)]
            pub fn $name($($arg: $ty),*) {
                #[cfg(target_arch = "x86_64")]
                if super::Level::best() >= super::Level::Avx2 {
                    // SAFETY: the processor has AVX2; the body is safe.
                    return unsafe { avx2::$name($($arg),*) };
                }
                $body$(::<eight::$vector>)?($($arg),*)
            }
        )*
    };
}

dispatched! {
    /// The inner products of columns with vectors (`[vectors][rows]`): `out[vectors * i + v]` belongs to column i. Products and
    /// short partial sums are in single precision, the rest in double: twice as fast and good to about 1e-7 of the product of
    /// the norms.
    ///
    /// # Panics
    /// If a column has another number of rows, or `out` another length.
    dots => dots_body<Single>, (rows: usize, columns: &[&[f32]], vectors: &[f32], out: &mut [f64]);

    /// v <- v - Q Q' v for an orthonormal basis `[basis][rows]` and each v of `[vectors][rows]`, a panel of the basis after the
    /// other.
    project => project_body<Double>, (rows: usize, basis: &[f64], vectors: &mut [f64]);

    /// The same in single precision.
    project_single => project_body<Single>, (rows: usize, basis: &[f32], vectors: &mut [f32]);

    /// z[test] += values[k] weights[i] f[i] for all k over each point i, for the `width` functions from `first` on, of `f`,
    /// `[points][stride]`. The functions over point i are `which[k]`, k in `starts[i] .. starts[i + 1]`; z is `[tests][width]`.
    moments => moments_body, (weights: &[f64], starts: &[usize], which: &[u32], values: &[f64], f: &[f32], stride: usize,
        first: usize, width: usize, z: &mut [f64]);

    /// The same of functions in double precision.
    moments_double => moments_body, (weights: &[f64], starts: &[usize], which: &[u32], values: &[f64], f: &[f64], stride: usize,
        first: usize, width: usize, z: &mut [f64]);
}

#[inline(always)]
fn dots_body<E: Eight<Of = f32>>(rows: usize, columns: &[&[f32]], vectors: &[f32], out: &mut [f64]) {
    let count = vectors.len().checked_div(rows).unwrap_or(0);
    assert_eq!(out.len(), columns.len() * count, "a number for each column and vector");
    assert!(columns.iter().all(|c| c.len() == rows), "as many rows in a column as in a vector");
    if rows == 0 {
        return;
    }
    let whole = rows - rows % LANES;
    let mut totals = [[[0.0f64; LANES]; VECTORS]; COLUMNS];
    for first in (0..count).step_by(VECTORS) {
        let some = VECTORS.min(count - first);
        for (group, columns) in columns.chunks(COLUMNS).enumerate() {
            totals.iter_mut().for_each(|of| of[..some].fill([0.0; LANES]));
            for start in (0..whole).step_by(PIECE) {
                let piece = start..whole.min(start + PIECE);
                let q = |v: usize| &vectors[(first + v) * rows..][piece.clone()];
                let f = |c: usize| &columns[c][piece.clone()];
                let mut c = 0;
                while c < columns.len() {
                    let totals = &mut totals[c..];
                    // Two columns share the loads of the vectors, four where there is a single vector.
                    let width = if some == 1 && c + 4 <= columns.len() { 4 } else { 2.min(columns.len() - c) };
                    if width == 4 {
                        tile::<E, 4, 1>([f(c), f(c + 1), f(c + 2), f(c + 3)], [q(0)], totals, 0);
                        c += width;
                        continue;
                    }
                    for next in c + width..(c + 2 * width).min(columns.len()) {
                        prefetch(f(next));
                    }
                    let mut v = 0;
                    while v < some {
                        match (width, some - v) {
                            (2, 3..) => v += tile::<E, 2, 3>([f(c), f(c + 1)], [q(v), q(v + 1), q(v + 2)], totals, v),
                            (2, _) => v += tile::<E, 2, 1>([f(c), f(c + 1)], [q(v)], totals, v),
                            (_, 3..) => v += tile::<E, 1, 3>([f(c)], [q(v), q(v + 1), q(v + 2)], totals, v),
                            (_, _) => v += tile::<E, 1, 1>([f(c)], [q(v)], totals, v),
                        }
                    }
                    c += width;
                }
            }
            for (c, (column, totals)) in columns.iter().zip(&totals).enumerate() {
                for (v, total) in totals.iter().enumerate().take(some) {
                    let q = &vectors[(first + v) * rows..][whole..rows];
                    let tail = column[whole..].iter().zip(q);
                    let rest: f64 = tail.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                    out[(group * COLUMNS + c) * count + first + v] = total.iter().sum::<f64>() + rest;
                }
            }
        }
    }
}

/// Asks for numbers that are needed soon.
#[inline(always)]
fn prefetch(numbers: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in numbers.chunks(16) {
        // SAFETY: a hint that reads nothing; every x86-64 processor has it.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast()) };
    }
}

/// Adds the products of C columns with V vectors to the totals of vectors `at ..`; all pieces have one length, whole lanes.
#[inline(always)]
fn tile<E: Eight<Of = f32>, const C: usize, const V: usize>(
    f: [&[f32]; C],
    q: [&[f32]; V],
    totals: &mut [[[f64; LANES]; VECTORS]],
    at: usize,
) -> usize {
    let mut sums = [[[E::zero(); 2]; V]; C];
    let f = f.map(|f| f.as_chunks::<8>().0);
    let q = q.map(|q| q.as_chunks::<8>().0);
    let n = f[0].len();
    assert!(f.iter().all(|f| f.len() == n) && q.iter().all(|q| q.len() == n) && n.is_multiple_of(2));
    for i in (0..n).step_by(2) {
        for half in 0..2 {
            let mut y = [E::zero(); V];
            for v in 0..V {
                y[v] = E::load(&q[v][i + half]);
            }
            for c in 0..C {
                let x = E::load(&f[c][i + half]);
                for v in 0..V {
                    sums[c][v][half] = sums[c][v][half].add(x.mul(y[v]));
                }
            }
        }
    }
    for c in 0..C {
        for v in 0..V {
            for half in 0..2 {
                let sums = sums[c][v][half].array();
                for k in 0..8 {
                    totals[c][at + v][8 * half + k] += f64::from(sums[k]);
                }
            }
        }
    }
    V
}

#[inline(always)]
fn project_body<E: Eight>(rows: usize, basis: &[E::Of], vectors: &mut [E::Of]) {
    if rows == 0 {
        return;
    }
    for panel in basis.chunks(PANEL * rows) {
        let q = |k: usize| &panel[k * rows..(k + 1) * rows];
        let count = panel.len() / rows;
        for v in vectors.chunks_exact_mut(rows) {
            let mut along = [E::Of::default(); PANEL];
            let mut k = 0;
            while k < count {
                if k + 4 <= count {
                    along[k..k + 4].copy_from_slice(&products::<E, _>([q(k), q(k + 1), q(k + 2), q(k + 3)], v));
                    k += 4;
                } else {
                    along[k] = products::<E, _>([q(k)], v)[0];
                    k += 1;
                }
            }
            let mut k = 0;
            while k < count {
                if k + 4 <= count {
                    let along = [along[k], along[k + 1], along[k + 2], along[k + 3]];
                    subtract::<E, _>([q(k), q(k + 1), q(k + 2), q(k + 3)], along, v);
                    k += 4;
                } else {
                    subtract::<E, _>([q(k)], [along[k]], v);
                    k += 1;
                }
            }
        }
    }
}

#[inline(always)]
fn products<E: Eight, const N: usize>(q: [&[E::Of]; N], v: &[E::Of]) -> [E::Of; N] {
    let mut sums = [E::zero(); N];
    let (chunks, rest) = v.as_chunks::<8>();
    let q8 = q.map(|q| &q.as_chunks::<8>().0[..chunks.len()]);
    for (i, v) in chunks.iter().enumerate() {
        let v = E::load(v);
        for n in 0..N {
            sums[n] = sums[n].add(E::load(&q8[n][i]).mul(v));
        }
    }
    let mut out = [E::Of::default(); N];
    for n in 0..N {
        for x in sums[n].array() {
            out[n] = out[n] + x;
        }
        for (i, v) in rest.iter().enumerate() {
            out[n] = out[n] + q[n][8 * chunks.len() + i] * *v;
        }
    }
    out
}

#[inline(always)]
fn subtract<E: Eight, const N: usize>(q: [&[E::Of]; N], along: [E::Of; N], v: &mut [E::Of]) {
    let (chunks, rest) = v.as_chunks_mut::<8>();
    let whole = 8 * chunks.len();
    let q8 = q.map(|q| &q.as_chunks::<8>().0[..chunks.len()]);
    let mut wide = [E::zero(); N];
    for n in 0..N {
        wide[n] = E::splat(along[n]);
    }
    for (i, v) in chunks.iter_mut().enumerate() {
        let mut x = E::load(v);
        for n in 0..N {
            x = x.sub(wide[n].mul(E::load(&q8[n][i])));
        }
        *v = x.array();
    }
    for (i, v) in rest.iter_mut().enumerate() {
        for n in 0..N {
            *v = *v - along[n] * q[n][whole + i];
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn moments_body<R: Real>(
    weights: &[f64],
    starts: &[usize],
    which: &[u32],
    values: &[f64],
    f: &[R],
    stride: usize,
    first: usize,
    width: usize,
    z: &mut [f64],
) {
    let points = weights.len();
    let over = |i: usize| &which[starts[i]..starts[i + 1]];
    let mut rows = vec![0.0f64; POINTS * width];
    let mut i = 0;
    while i < points {
        // Neighbours under the same functions: each function's sums are then read and written once for all of them.
        let together = (1..POINTS.min(points - i)).take_while(|k| over(i + k) == over(i)).count() + 1;
        for (k, row) in rows.chunks_exact_mut(width).enumerate().take(together) {
            let f = &f[(i + k) * stride + first..][..width];
            row.iter_mut().zip(f).for_each(|(r, f)| *r = weights[i + k] * f.wide());
        }
        let value = |k: usize| &values[starts[i + k]..starts[i + k + 1]];
        match together {
            4 => add_moments([value(0), value(1), value(2), value(3)], over(i), &rows, width, z),
            3 => add_moments([value(0), value(1), value(2)], over(i), &rows, width, z),
            2 => add_moments([value(0), value(1)], over(i), &rows, width, z),
            _ => add_moments([value(0)], over(i), &rows, width, z),
        }
        i += together;
    }
}

#[inline(always)]
fn add_moments<const N: usize>(values: [&[f64]; N], over: &[u32], rows: &[f64], width: usize, z: &mut [f64]) {
    let rows: [&[f64]; N] = std::array::from_fn(|n| &rows[n * width..(n + 1) * width]);
    for (k, &test) in over.iter().enumerate() {
        let z = &mut z[test as usize * width..(test as usize + 1) * width];
        let v: [f64; N] = std::array::from_fn(|n| values[n][k]);
        for (j, z) in z.iter_mut().enumerate() {
            let mut sum = *z;
            for n in 0..N {
                sum += v[n] * rows[n][j];
            }
            *z = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::exec::rng::{Purpose, Stream};

    fn numbers(n: usize, s: &mut Stream) -> Vec<f64> {
        (0..n).map(|_| f64::from(s.next_u32()) / 2_147_483_648.0 - 1.0).collect()
    }

    fn single(x: &[f64]) -> Vec<f32> {
        x.iter().map(|x| *x as f32).collect()
    }

    #[test]
    fn inner_products_agree_and_do_not_depend_on_the_company() {
        let mut s = Stream::new(1, Purpose::Test, 78);
        for rows in [1, 15, 16, 17, 300, 1156] {
            let (columns, vectors) = (single(&numbers(rows * 21, &mut s)), single(&numbers(rows * 11, &mut s)));
            let columns: Vec<&[f32]> = columns.chunks_exact(rows).collect();
            let mut all = vec![0.0; columns.len() * 11];
            dots(rows, &columns, &vectors, &mut all);
            let mut portable = vec![0.0; all.len()];
            dots_body::<eight::Single>(rows, &columns, &vectors, &mut portable);
            assert_eq!(all, portable);
            for (i, &x) in columns.iter().enumerate() {
                for v in 0..11 {
                    let y = &vectors[v * rows..][..rows];
                    let plain: f64 = x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                    assert!((all[i * 11 + v] - plain).abs() < 1e-6 * (1.0 + rows as f64).sqrt());
                    let mut alone = [0.0];
                    dots(rows, &[x], y, &mut alone);
                    assert_eq!(alone[0].to_bits(), all[i * 11 + v].to_bits());
                }
            }
        }
    }

    #[test]
    fn a_projection_takes_out_the_basis() {
        let mut s = Stream::new(1, Purpose::Test, 79);
        let rows = 77;
        let mut basis: Vec<f64> = vec![];
        for _ in 0..37 {
            let mut q = numbers(rows, &mut s);
            project(rows, &basis, &mut q);
            project(rows, &basis, &mut q);
            let norm = q.iter().map(|x| x * x).sum::<f64>().sqrt();
            basis.extend(q.iter().map(|x| x / norm));
        }
        let vectors = numbers(3 * rows, &mut s);
        let mut all = vectors.clone();
        project(rows, &basis, &mut all);
        let mut portable = vectors.clone();
        project_body::<eight::Double>(rows, &basis, &mut portable);
        assert_eq!(all, portable);
        let (single_basis, mut singles) = (single(&basis), single(&vectors));
        project_single(rows, &single_basis, &mut singles);
        let mut portable = single(&vectors);
        project_body::<eight::Single>(rows, &single_basis, &mut portable);
        assert_eq!(singles, portable);
        for (i, v) in all.chunks_exact(rows).enumerate() {
            let mut alone = vectors[i * rows..(i + 1) * rows].to_vec();
            project(rows, &basis, &mut alone);
            assert_eq!(alone, v);
            for q in basis.chunks_exact(rows) {
                assert!(q.iter().zip(v).map(|(q, v)| q * v).sum::<f64>().abs() < 1e-13);
            }
            for (single, double) in singles[i * rows..].iter().zip(v) {
                assert!((f64::from(*single) - double).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn moments_are_sums_over_the_points() {
        let mut s = Stream::new(1, Purpose::Test, 80);
        // Points 0 to 6 under the same two functions, then one under none, then others.
        let lists: Vec<Vec<u32>> = (0..12)
            .map(|i| {
                if i < 7 {
                    vec![0, 3]
                } else if i == 7 {
                    vec![]
                } else {
                    vec![1, 2, i % 2]
                }
            })
            .collect();
        let mut starts = vec![0];
        lists.iter().for_each(|l| starts.push(starts.last().copied().unwrap_or(0) + l.len()));
        let which = lists.concat();
        let (weights, values) = (numbers(12, &mut s), numbers(which.len(), &mut s));
        let f = single(&numbers(12 * 40, &mut s));
        let mut z = vec![1.0; 4 * 33];
        moments(&weights, &starts, &which, &values, &f, 40, 5, 33, &mut z);
        let mut want = vec![1.0; 4 * 33];
        for i in 0..12 {
            for k in starts[i]..starts[i + 1] {
                for j in 0..33 {
                    want[which[k] as usize * 33 + j] += values[k] * (weights[i] * f64::from(f[i * 40 + 5 + j]));
                }
            }
        }
        assert_eq!(z, want);
    }
}
