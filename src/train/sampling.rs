//! Where residuals are observed: collocation points inside a box, on its faces, on grids, at data.
//!
//! All samplers give the same points for the same seed, whatever else a run does, and never a point outside. Interior points
//! are strictly inside, so that a residual that divides by a coordinate is safe there.
//!
//! ```text
//! uniform  independent           latin  one point in each of n slices of every coordinate
//! grid     equally spaced        sobol, halton  low discrepancy, so that a mean over n points errs by about 1/n
//! ```
//!
//! Sobol points are Owen-scrambled (Burley, Practical hash-based Owen scrambling, 2020); Halton points (1960) are shifted by
//! a random vector modulo 1 (Cranley and Patterson, 1976).

use rand::{Rng, RngExt};

use crate::exec::interp::eval;
use crate::ir::problem::{Coord, Path, Place};
use crate::ir::program::Program;
use crate::plan::Sampler;

/// Points in the domain's own units.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// Coordinates a point.
    pub dim: usize,
    /// `[points][dim]`
    pub data: Vec<f64>,
    /// What the place says beside the coordinates, point after point: a file's columns; a curve's parameter and normal; on faces
    /// the normal.
    pub columns: Vec<f64>,
}

impl Points {
    /// The number of points.
    pub fn len(&self) -> usize {
        self.data.len().checked_div(self.dim).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    pub fn point(&self, i: usize) -> &[f64] {
        &self.data[i * self.dim..(i + 1) * self.dim]
    }
}

/// The points of a residual. Of `n`: a face has `n` points of its own, but a single one where no coordinate is left free;
/// the grid sampler takes the smallest grid, equal in all coordinates, of at least `n`; grids and data have their own number.
/// Points outside of a shape are not taken, and others drawn until there are `n`. Periodic coordinates never take their high
/// end, which is their low end.
pub fn place_points(
    place: &Place,
    coords: &[Coord],
    shape: Option<&Program>,
    n: usize,
    sampler: Sampler,
    rng: &mut impl Rng,
) -> Points {
    let dim = coords.len();
    let mut out = Points { dim, data: vec![], columns: vec![] };
    let all: Vec<usize> = (0..dim).collect();
    match place {
        Place::Interior | Place::Domain => {
            let closed = matches!(place, Place::Domain);
            out.data = drawn(&all, &[], closed, coords, shape, n, sampler, rng);
        }
        Place::Faces(faces) => {
            for face in faces {
                let count = if dim == 1 { 1 } else { n };
                let free: Vec<usize> = all.iter().copied().filter(|k| *k != face.coord).collect();
                let points = drawn(&free, &[(face.coord, face.value)], true, coords, shape, count, sampler, rng);
                for _ in 0..points.len() / dim.max(1) {
                    out.columns.extend(all.iter().map(|k| if *k == face.coord { face.outward } else { 0.0 }));
                }
                out.data.extend(points);
            }
        }
        Place::Curve(curve) => along(curve, coords, n, sampler, rng, &mut out),
        Place::Grid(counts) => {
            let points = periodic_grid(coords, counts);
            out.data = inside(points, dim, shape);
        }
        Place::Data { points, columns } => {
            out.data = points.iter().flatten().copied().collect();
            out.columns = columns.iter().flatten().copied().collect();
        }
    }
    out
}

/// `n` points inside the shape, with some coordinates fixed and the others free.
#[allow(clippy::too_many_arguments)]
fn drawn(
    free: &[usize],
    fixed: &[(usize, f64)],
    closed: bool,
    coords: &[Coord],
    shape: Option<&Program>,
    n: usize,
    sampler: Sampler,
    rng: &mut impl Rng,
) -> Vec<f64> {
    /// Times that more are drawn, and the most points to look at: the checker lets no region pass that takes so many.
    const TRIES: (usize, usize) = (12, 1 << 23);
    let dim = coords.len();
    let ends: Vec<bool> = free.iter().map(|&k| closed && !coords[k].periodic).collect();
    let mut count = n;
    let mut found = vec![];
    for _ in 0..TRIES.0 {
        let mut points = vec![];
        for u in unit_points(&ends, count, sampler, rng) {
            let start = points.len();
            points.extend(coords.iter().map(|c| c.lo));
            fixed.iter().for_each(|&(k, v)| points[start + k] = v);
            free.iter().zip(&u).for_each(|(&k, &u)| points[start + k] = within(&coords[k], u, closed));
        }
        if shape.is_none() {
            return points;
        }
        let drawn = points.len() / dim.max(1);
        found = inside(points, dim, shape);
        let kept = found.len() / dim.max(1);
        if kept >= n || count >= TRIES.1 {
            break;
        }
        // As many as it takes at this rate, and a few more.
        let rate = if kept == 0 { 16.0 } else { 1.1 * n as f64 / kept as f64 };
        count = ((drawn as f64 * rate) as usize + 16).min(TRIES.1);
    }
    // A grid is taken whole: its first points would be one side of the region.
    if sampler != Sampler::Grid {
        found.truncate(n * dim);
    }
    found
}

/// Those of the points `[points][dim]` that lie inside the shape.
pub fn inside(points: Vec<f64>, dim: usize, shape: Option<&Program>) -> Vec<f64> {
    let Some(shape) = shape else { return points };
    let kept = eval(shape, &[&points]);
    points.chunks_exact(dim).zip(kept).filter(|(_, k)| *k != 0.0).flat_map(|(p, _)| p.iter().copied()).collect()
}

/// Points along a curve, uniform in its arc length, with its parameter and normal as columns.
fn along(curve: &Path, coords: &[Coord], n: usize, sampler: Sampler, rng: &mut impl Rng, out: &mut Points) {
    const STEPS: usize = 4096;
    let (lo, hi) = (curve.lo, curve.hi);
    let width = curve.point.output_len().max(1);
    let s: Vec<f64> = (0..=STEPS).map(|k| lo + (hi - lo) * k as f64 / STEPS as f64).collect();
    let path = eval(&curve.point, &[&s]);
    let mut length = vec![0.0];
    for (a, b) in path.chunks_exact(width).zip(path.chunks_exact(width).skip(1)) {
        let square: f64 = (0..curve.coords.len()).map(|k| (b[k] - a[k]) * (b[k] - a[k])).sum();
        length.push(length[length.len() - 1] + square.sqrt());
    }
    let total = length[STEPS];
    let free: Vec<usize> = (0..coords.len()).filter(|k| !curve.coords.contains(k)).collect();
    let mut ends = vec![!curve.closed];
    ends.extend(free.iter().map(|&k| !coords[k].periodic));
    let units = unit_points(&ends, n, sampler, rng);
    let parameter = |u: f64| {
        let want = u * total;
        let k = length.partition_point(|&l| l <= want).clamp(1, STEPS);
        let part = (want - length[k - 1]) / (length[k] - length[k - 1]).max(f64::MIN_POSITIVE);
        (s[k - 1] + part.clamp(0.0, 1.0) * (s[k] - s[k - 1])).clamp(lo, hi)
    };
    let s: Vec<f64> = units.iter().map(|u| parameter(u[0])).collect();
    let values = eval(&curve.point, &[&s]);
    for ((u, s), value) in units.iter().zip(&s).zip(values.chunks_exact(width)) {
        let start = out.data.len();
        out.data.extend(coords.iter().map(|c| c.lo));
        free.iter().zip(&u[1..]).for_each(|(&k, &u)| out.data[start + k] = within(&coords[k], u, true));
        for (&k, x) in curve.coords.iter().zip(value) {
            // Rounding must not lead out of the box.
            out.data[start + k] = x.clamp(coords[k].lo, coords[k].hi);
        }
        out.columns.push(*s);
        out.columns.extend(&value[curve.coords.len()..]);
    }
}

/// As [`grid`], without the high ends of periodic coordinates.
fn periodic_grid(coords: &[Coord], counts: &[usize]) -> Vec<f64> {
    let shortened: Vec<Coord> = coords
        .iter()
        .zip(counts)
        .map(|(c, &m)| {
            let last = c.lo + (c.hi - c.lo) * m.saturating_sub(1) as f64 / m.max(1) as f64;
            Coord { hi: if c.periodic { last } else { c.hi }, ..c.clone() }
        })
        .collect();
    grid(&shortened, counts).data
}

/// A tensor grid, both ends included, the last coordinate fastest; a count of 1 is the middle.
pub fn grid(coords: &[Coord], counts: &[usize]) -> Points {
    let n: usize = counts.iter().product();
    let mut data = Vec::with_capacity(n * coords.len());
    for i in 0..n {
        let mut stride = n;
        for (c, &m) in coords.iter().zip(counts) {
            stride /= m;
            let k = i / stride % m;
            let plain = Coord { periodic: false, ..c.clone() };
            data.push(within(&plain, if m == 1 { 0.5 } else { k as f64 / (m - 1) as f64 }, true));
        }
    }
    Points { dim: coords.len(), data, columns: vec![] }
}

/// From [0, 1] to the coordinate; both ends are met exactly if `closed`, else neither is. A periodic coordinate has its low end.
fn within(c: &Coord, u: f64, closed: bool) -> f64 {
    if c.periodic {
        let x = c.lo + (c.hi - c.lo) * (u - u.floor());
        return if x < c.hi { x } else { c.lo };
    }
    if closed {
        return if u >= 1.0 { c.hi } else { (c.lo + (c.hi - c.lo) * u).clamp(c.lo, c.hi) };
    }
    let edge = 1e-6;
    c.lo + (c.hi - c.lo) * u.clamp(edge, 1.0 - edge)
}

/// Points of the unit cube; `closed` says for each dimension whether a grid reaches from end to end. Without dimensions there is
/// one point, which has no numbers.
fn unit_points(closed: &[bool], n: usize, sampler: Sampler, rng: &mut impl Rng) -> Vec<Vec<f64>> {
    let dim = closed.len();
    if dim == 0 {
        return vec![vec![]];
    }
    match sampler {
        Sampler::Uniform => (0..n).map(|_| (0..dim).map(|_| rng.random::<f64>()).collect()).collect(),
        Sampler::Latin => {
            let mut points = vec![vec![0.0; dim]; n];
            for k in 0..dim {
                let mut order: Vec<usize> = (0..n).collect();
                for i in (1..n).rev() {
                    order.swap(i, rng.random_range(0..=i as u64) as usize);
                }
                for (p, &slice) in points.iter_mut().zip(&order) {
                    p[k] = (slice as f64 + rng.random::<f64>()) / n as f64;
                }
            }
            points
        }
        // What is adaptive about it needs a residual: see `adapt`.
        Sampler::Sobol | Sampler::Adaptive => {
            // The sequence is 2^16 long; afterwards comes another scrambling of it.
            let length = 1 << 16;
            let seeds: Vec<u32> = (0..n.div_ceil(length)).map(|_| rng.random()).collect();
            let at = |i: usize, k: usize| {
                // Dimensions beyond the tables are padded with another scrambling.
                let tables = sobol_burley::NUM_DIMENSIONS as usize;
                let seed = seeds[i / length].wrapping_add((k / tables) as u32 * 0x9e37_79b9);
                f64::from(sobol_burley::sample((i % length) as u32, (k % tables) as u32, seed))
            };
            (0..n).map(|i| (0..dim).map(|k| at(i, k)).collect()).collect()
        }
        Sampler::Halton => {
            let shift: Vec<f64> = (0..dim).map(|_| rng.random::<f64>()).collect();
            let bases = primes(dim);
            (0..n)
                .map(|i| {
                    bases
                        .iter()
                        .zip(&shift)
                        .map(|(&b, s)| {
                            let x = radical_inverse(i as u64 + 1, b) + s;
                            x - x.floor()
                        })
                        .collect()
                })
                .collect()
        }
        Sampler::Grid => {
            let mut side = 1usize;
            while side.saturating_pow(dim as u32) < n {
                side += 1;
            }
            (0..side.pow(dim as u32))
                .map(|i| {
                    (0..dim)
                        .map(|k| {
                            let j = i / side.pow((dim - 1 - k) as u32) % side;
                            // Cell centres, or from end to end.
                            if closed[k] && side > 1 {
                                j as f64 / (side - 1) as f64
                            } else {
                                (j as f64 + 0.5) / side as f64
                            }
                        })
                        .collect()
                })
                .collect()
        }
    }
}

/// The digits of `i` in base `b`, mirrored at the point.
fn radical_inverse(mut i: u64, b: u64) -> f64 {
    let (mut x, mut place) = (0.0, 1.0 / b as f64);
    while i > 0 {
        x += (i % b) as f64 * place;
        i /= b;
        place /= b as f64;
    }
    x
}

fn primes(n: usize) -> Vec<u64> {
    let mut found: Vec<u64> = vec![];
    let mut candidate = 2;
    while found.len() < n {
        if found.iter().all(|p| candidate % p != 0) {
            found.push(candidate);
        }
        candidate += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::rng::{Purpose, Stream};
    use crate::ir::problem::Face;

    const ALL: [Sampler; 5] = [Sampler::Uniform, Sampler::Latin, Sampler::Sobol, Sampler::Halton, Sampler::Grid];

    fn coord(name: &str, lo: f64, hi: f64) -> Coord {
        Coord { name: name.into(), lo, hi, periodic: false }
    }

    fn coords() -> Vec<Coord> {
        vec![coord("x", -1.0, 3.0), coord("t", 0.0, 1.0)]
    }

    fn stream(seed: u64) -> Stream {
        Stream::new(seed, Purpose::Test, 0)
    }

    #[test]
    fn interior_points_are_strictly_inside_and_reproducible() {
        for sampler in ALL {
            let p = place_points(&Place::Interior, &coords(), None, 1000, sampler, &mut stream(3));
            assert!(p.len() >= 1000 && p.dim == 2);
            for i in 0..p.len() {
                let q = p.point(i);
                assert!(q[0] > -1.0 && q[0] < 3.0 && q[1] > 0.0 && q[1] < 1.0, "{sampler:?} {q:?}");
            }
            assert_eq!(p, place_points(&Place::Interior, &coords(), None, 1000, sampler, &mut stream(3)));
            let other = place_points(&Place::Interior, &coords(), None, 1000, sampler, &mut stream(4));
            assert_eq!(p == other, sampler == Sampler::Grid);
        }
    }

    #[test]
    fn spread_points_integrate_better_than_random_ones() {
        // The mean of x^2 + t + x t / 8 over the box is 7/3 + 1/2 + 1/16.
        let value = |p: &[f64]| p[0] * p[0] + p[1] + p[0] * p[1] / 8.0;
        let error = |sampler| {
            (0..8)
                .map(|seed| {
                    let p = place_points(&Place::Domain, &coords(), None, 1024, sampler, &mut stream(seed));
                    let mean = (0..p.len()).map(|i| value(p.point(i))).sum::<f64>() / p.len() as f64;
                    (mean - 7.0 / 3.0 - 0.5 - 1.0 / 16.0).powi(2)
                })
                .sum::<f64>()
        };
        let random = error(Sampler::Uniform);
        assert!(error(Sampler::Sobol) < 0.01 * random);
        for sampler in [Sampler::Halton, Sampler::Latin] {
            let spread = error(sampler);
            assert!(spread < 0.1 * random, "{sampler:?} {spread} {random}");
        }
    }

    #[test]
    fn latin_points_have_one_in_each_slice() {
        let p = place_points(&Place::Domain, &coords(), None, 50, Sampler::Latin, &mut stream(1));
        let mut seen = [0; 50];
        (0..50).for_each(|i| seen[(p.point(i)[1] * 50.0) as usize] += 1);
        assert_eq!(seen, [1; 50]);
    }

    #[test]
    fn sobol_goes_on_beyond_the_length_of_its_sequence() {
        let one = [coord("x", 0.0, 1.0)];
        let p = place_points(&Place::Domain, &one, None, 70_000, Sampler::Sobol, &mut stream(1));
        assert_eq!(p.len(), 70_000);
        assert_ne!(p.data[..4464], p.data[65_536..]);
    }

    #[test]
    fn faces_hold_their_coordinate_and_have_points_of_their_own() {
        let place = Place::Faces(vec![
            Face { coord: 0, value: -1.0, outward: -1.0 },
            Face { coord: 1, value: 0.25, outward: 0.0 },
        ]);
        let p = place_points(&place, &coords(), None, 20, Sampler::Sobol, &mut stream(1));
        assert_eq!(p.len(), 40);
        assert!((0..20).all(|i| p.point(i)[0] == -1.0 && (0.0..=1.0).contains(&p.point(i)[1])));
        assert!((20..40).all(|i| p.point(i)[1] == 0.25 && (-1.0..=3.0).contains(&p.point(i)[0])));
        let line = [coord("x", 0.0, 2.0)];
        let end = Place::Faces(vec![Face { coord: 0, value: 2.0, outward: 1.0 }]);
        assert_eq!(place_points(&end, &line, None, 20, Sampler::Sobol, &mut stream(1)).data, [2.0]);
    }

    #[test]
    fn grids_include_both_ends_and_data_are_as_given() {
        let p = place_points(&Place::Grid(vec![5, 3]), &coords(), None, 0, Sampler::Sobol, &mut stream(1));
        assert_eq!(p.len(), 15);
        assert_eq!((p.point(0), p.point(1), p.point(14)), (&[-1.0, 0.0][..], &[-1.0, 0.5][..], &[3.0, 1.0][..]));
        let rows = vec![vec![0.5, 0.25], vec![1.0, 0.75]];
        let data = Place::Data { points: rows, columns: vec![vec![1.0], vec![2.0]] };
        assert_eq!(place_points(&data, &coords(), None, 9, Sampler::Grid, &mut stream(1)).data, [0.5, 0.25, 1.0, 0.75]);
    }

    #[test]
    fn periodic_coordinates_never_take_their_high_end() {
        let round = vec![Coord { periodic: true, ..coord("x", -1.0, 3.0) }, coord("t", 0.0, 1.0)];
        for sampler in ALL {
            let p = place_points(&Place::Domain, &round, None, 100, sampler, &mut stream(2));
            assert!((0..p.len()).all(|i| (-1.0..3.0).contains(&p.point(i)[0])), "{sampler:?}");
        }
        let p = place_points(&Place::Domain, &round, None, 100, Sampler::Grid, &mut stream(2));
        assert_eq!((p.point(0)[1], p.point(99)[1]), (0.0, 1.0));
        let p = place_points(&Place::Grid(vec![4, 2]), &round, None, 0, Sampler::Sobol, &mut stream(2));
        let x: Vec<f64> = (0..8).step_by(2).map(|i| p.point(i)[0]).collect();
        assert_eq!(x, [-1.0, 0.0, 1.0, 2.0]);
        assert_eq!(grid(&round, &[3, 2]).point(5), [3.0, 1.0]);
    }
}
