//! Central differences of a network's real output, spikes and all.
//!
//! A derivative at a collocation point becomes a weighted sum of values at points `h` apart on a lattice through it, the
//! tensor product of one-dimensional formulas of second order. Where the lattice would leave the domain the formula is
//! shifted inside and takes one point more, which keeps the order:
//!
//! ```text
//! u'  inside:      (u(x+h) - u(x-h)) / 2h                 at the low end:  (-3 u(x) + 4 u(x+h) - u(x+2h)) / 2h
//! ```
//!
//! A periodic coordinate has no ends to shift away from: the lattice comes in again on the other side.
//!
//! The weights are Fornberg's (Mathematics of Computation 51, 1988).

use std::collections::BTreeMap;

use crate::func::MultiIndex;
use crate::ir::problem::Coord;

/// Derivatives at some points as sparse sums over more points.
#[derive(Debug, Clone, PartialEq)]
pub struct Stencil {
    /// Where the field is needed, `[points][coords]`.
    pub points: Vec<f64>,
    atoms: usize,
    /// Entries of (row, atom): `starts[row * atoms + atom] .. starts[row * atoms + atom + 1]`.
    starts: Vec<usize>,
    entries: Vec<(u32, f64)>,
}

impl Stencil {
    /// For each row of `at` (`[rows][coords]`) all the derivatives in `atoms`, by steps of `h` times a coordinate's extent.
    pub fn new(at: &[f64], coords: &[Coord], atoms: &[MultiIndex], h: f64) -> Stencil {
        let steps: Vec<f64> = coords
            .iter()
            .enumerate()
            .map(|(k, c)| {
                let order = atoms.iter().map(|a| a.0[k]).max().unwrap_or(0) as usize;
                // A shifted formula has to fit into the domain.
                (c.hi - c.lo) * h.min(1.0 / (2 * order.div_ceil(2) + 1) as f64)
            })
            .collect();
        Stencil::build(at, coords, atoms, &|k, x, order| {
            let formula = axis(x, &coords[k], steps[k], order);
            formula.into_iter().map(|(offset, w)| (offset, f64::from(offset) * steps[k], w)).collect()
        })
    }

    /// Tensor products of one-dimensional formulas: for a coordinate, a place and an order, the nodes by some number, how far
    /// away they are, and their weights.
    pub fn build(
        at: &[f64],
        coords: &[Coord],
        atoms: &[MultiIndex],
        formula: &dyn Fn(usize, f64, usize) -> Vec<(i32, f64, f64)>,
    ) -> Stencil {
        let d = coords.len();
        let mut out = Stencil { points: vec![], atoms: atoms.len(), starts: vec![0], entries: vec![] };
        for x in at.chunks_exact(d) {
            let mut known: BTreeMap<Vec<i32>, u32> = BTreeMap::new();
            for atom in atoms {
                let axes: Vec<Vec<(i32, f64, f64)>> = (0..d).map(|k| formula(k, x[k], atom.0[k] as usize)).collect();
                let mut terms = vec![(vec![], vec![], 1.0)];
                for (k, formula) in axes.iter().enumerate() {
                    terms = terms
                        .iter()
                        .flat_map(|(nodes, place, w)| {
                            formula.iter().map(move |(node, by, v)| {
                                let (mut nodes, mut place): (Vec<i32>, Vec<f64>) = (nodes.clone(), place.clone());
                                nodes.push(*node);
                                place.push(moved(x[k], *by, &coords[k]));
                                (nodes, place, w * v)
                            })
                        })
                        .collect();
                }
                for (nodes, place, weight) in terms {
                    let points = &mut out.points;
                    let index = *known.entry(nodes).or_insert_with(|| {
                        points.extend(place);
                        (points.len() / d - 1) as u32
                    });
                    out.entries.push((index, weight));
                }
                out.starts.push(out.entries.len());
            }
        }
        out
    }

    /// With some atoms taken at points of their own, `[rows][coords]` for each of these.
    pub fn with_places(&self, places: &[Option<Vec<f64>>], rows: usize, dim: usize) -> Stencil {
        let mut out = Stencil { points: self.points.clone(), atoms: self.atoms, starts: vec![0], entries: vec![] };
        for row in 0..rows {
            for (atom, place) in places.iter().enumerate() {
                match place {
                    None => out.entries.extend(self.terms(row, atom)),
                    Some(points) => {
                        out.entries.push(((out.points.len() / dim) as u32, 1.0));
                        out.points.extend(&points[row * dim..(row + 1) * dim]);
                    }
                }
                out.starts.push(out.entries.len());
            }
        }
        out
    }

    /// The points and weights whose sum is a derivative at a row.
    pub fn terms(&self, row: usize, atom: usize) -> &[(u32, f64)] {
        let k = row * self.atoms + atom;
        &self.entries[self.starts[k]..self.starts[k + 1]]
    }
}

/// A point `by` further along a coordinate; a periodic one comes round. What is not moved stays as it is.
fn moved(x: f64, by: f64, c: &Coord) -> f64 {
    let (to, extent) = (x + by, c.hi - c.lo);
    match c.periodic {
        true if to < c.lo => (to + extent).min(c.hi),
        true if to > c.hi => (to - extent).max(c.lo),
        _ => to.clamp(c.lo, c.hi),
    }
}

/// The formula for the derivative of order `m` at `x`: lattice offsets and weights.
fn axis(x: f64, coord: &Coord, h: f64, m: usize) -> Vec<(i32, f64)> {
    if m == 0 {
        return vec![(0, 1.0)];
    }
    let reach = m.div_ceil(2) as i32;
    let lowest = ((coord.lo - x) / h - 1e-9).ceil() as i32;
    let highest = ((coord.hi - x) / h + 1e-9).floor() as i32;
    let offsets: Vec<i32> = if coord.periodic || -reach >= lowest && reach <= highest {
        (-reach..=reach).collect()
    } else {
        let last = 2 * reach + 1;
        let start = (-reach).min(highest - last).max(lowest);
        (start..=start + last).collect()
    };
    let nodes: Vec<f64> = offsets.iter().map(|&k| f64::from(k)).collect();
    let scale = (0..m).fold(1.0, |s, _| s / h);
    let weights = fornberg(&nodes, m);
    offsets.into_iter().zip(weights).filter(|(_, w)| w.abs() > 1e-13).map(|(k, w)| (k, w * scale)).collect()
}

/// Weights at the nodes for the derivative of order `m` at 0.
fn fornberg(nodes: &[f64], m: usize) -> Vec<f64> {
    let n = nodes.len();
    let mut c = vec![vec![0.0; m + 1]; n];
    c[0][0] = 1.0;
    let (mut c1, mut c4) = (1.0, nodes[0]);
    for i in 1..n {
        let orders = i.min(m);
        let (mut c2, c5) = (1.0, c4);
        c4 = nodes[i];
        for j in 0..i {
            let c3 = nodes[i] - nodes[j];
            c2 *= c3;
            if j == i - 1 {
                for k in (1..=orders).rev() {
                    c[i][k] = c1 * (k as f64 * c[i - 1][k - 1] - c5 * c[i - 1][k]) / c2;
                }
                c[i][0] = -c1 * c5 * c[i - 1][0] / c2;
            }
            for k in (1..=orders).rev() {
                c[j][k] = (c4 * c[j][k] - k as f64 * c[j][k - 1]) / c3;
            }
            c[j][0] = c4 * c[j][0] / c3;
        }
        c1 = c2;
    }
    c.iter().map(|row| row[m]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coords() -> Vec<Coord> {
        let coord = |name: &str, lo, hi| Coord { name: name.into(), lo, hi, periodic: false };
        vec![coord("x", -1.0, 2.0), coord("t", 0.0, 1.0)]
    }

    #[test]
    fn exact_for_quadratics_everywhere_and_never_outside() {
        let (coords, h) = (coords(), 0.05);
        let atoms: Vec<MultiIndex> =
            [[0, 0], [1, 0], [0, 1], [2, 0], [0, 2], [1, 1]].iter().map(|a| MultiIndex(a.to_vec())).collect();
        let at = [0.3, 0.5, -1.0, 0.0, 2.0, 1.0, 1.99, 0.01, -0.97, 0.5];
        let s = Stencil::new(&at, &coords, &atoms, h);
        assert!(s.points.chunks_exact(2).all(|p| (-1.0..=2.0).contains(&p[0]) && (0.0..=1.0).contains(&p[1])));
        let u = |p: &[f64]| 1.0 + 2.0 * p[0] - p[1] + 3.0 * p[0] * p[0] + 0.5 * p[1] * p[1] - p[0] * p[1];
        for (row, p) in at.chunks_exact(2).enumerate() {
            let (x, t) = (p[0], p[1]);
            let exact = [u(p), 2.0 + 6.0 * x - t, -1.0 + t - x, 6.0, 1.0, -1.0];
            for (a, e) in exact.iter().enumerate() {
                let got: f64 =
                    s.terms(row, a).iter().map(|(k, w)| w * u(&s.points[2 * *k as usize..2 * *k as usize + 2])).sum();
                assert!((got - e).abs() < 1e-9, "row {row} atom {a}: {got} {e}");
            }
        }
        // Inside, values and both second derivatives take a cross of five points, the mixed one four corners.
        assert!(s.terms(0, 3).len() == 3 && s.terms(0, 5).len() == 4 && s.terms(0, 1).len() == 2);
    }

    #[test]
    fn a_periodic_coordinate_comes_round() {
        let coords = [Coord { name: "x".into(), lo: 0.0, hi: 2.0, periodic: true }];
        let atoms = [MultiIndex(vec![1]), MultiIndex(vec![2])];
        let at = [0.0, 0.01, 1.3, 1.999];
        let s = Stencil::new(&at, &coords, &atoms, 0.01);
        assert!(s.points.iter().all(|p| (0.0..=2.0).contains(p)));
        let pi = std::f64::consts::PI;
        for (row, x) in at.iter().enumerate() {
            let d =
                |a: usize| s.terms(row, a).iter().map(|(k, w)| w * libm::sin(pi * s.points[*k as usize])).sum::<f64>();
            assert!((d(0) - pi * libm::cos(pi * x)).abs() < 3e-3, "at {x}");
            assert!((d(1) + pi * pi * libm::sin(pi * x)).abs() < 5e-3, "at {x}");
        }
    }
}
