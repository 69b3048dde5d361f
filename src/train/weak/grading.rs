//! Test functions that are fine where a field is steep: the spans of a weak form graded by the field as it stands.
//!
//! ```text
//! field    ______/‾‾‾‾      density    ____/\____      spans    |    |   | | ||| | |   |    |
//! ```
//! Equal spans do not see what happens within one of them: a front thinner than a span may be anything. Along every
//! coordinate the spans are placed so that each has the same part of the integral of
//!
//! ```text
//! m(x) = 1 + s(x) / (mean of s),      s(x) = mean over the other coordinates of |difference of cell means| / distance
//! ```
//! an equidistribution of arc length in which half the spans are laid evenly whatever the field does (Beckett and Mackenzie,
//! On a uniformly accurate finite difference approximation of a singularly perturbed reaction-diffusion problem, J. Comput. Appl. Math. 131, 2001).
//! Means over the cells of the present spans smooth a spiking field's jumps.

use super::{Axis, WeakSystem};
use crate::ir::problem::Coord;
use crate::train::splines::Splines;

/// Where the spans of each coordinate end, whatever their number: the places of equal parts of the density.
#[derive(Debug, Clone, PartialEq)]
pub struct Grading {
    /// `[coords][PARTS + 1]`, ascending.
    pub places: Vec<Vec<f64>>,
}

/// Parts that a coordinate's density is kept in.
pub const PARTS: usize = 256;
/// Spans are graded anew where one would become so many times finer.
const FINER: f64 = 2.0;
/// A field that changes by less than this part of its size along a coordinate is the same all over it.
const NOTHING: f64 = 1e-3;
/// Passes of (1/4, 1/2, 1/4) over the density, so that neighbouring spans are of like length.
const SMOOTHED: usize = 2;

impl Grading {
    /// Whether it goes from one end of each coordinate to the other, without turning back.
    pub fn is_of(&self, coords: &[Coord]) -> bool {
        let whole = |(p, c): (&Vec<f64>, &Coord)| {
            p.len() == PARTS + 1 && p[0] == c.lo && p[PARTS] == c.hi && p.windows(2).all(|w| w[0] < w[1])
        };
        self.places.len() == coords.len() && self.places.iter().zip(coords).all(whole)
    }

    /// The ends of `spans` spans along a coordinate.
    pub fn breaks(&self, coord: usize, spans: usize) -> Vec<f64> {
        let places = &self.places[coord];
        let at = |i: usize| {
            let p = i as f64 / spans as f64 * PARTS as f64;
            let k = (p as usize).min(PARTS - 1);
            places[k] + (p - k as f64) * (places[k + 1] - places[k])
        };
        (0..=spans).map(|i| if i == spans { places[PARTS] } else { at(i) }).collect()
    }
}

impl WeakSystem {
    /// The grading that fields ask for, given at the points, `[fields][points]`. `None` if no span would become less than
    /// 1 / [`FINER`] of what it is, or fields are not finite.
    pub fn grading(&self, u: &[Vec<f64>]) -> Option<Grading> {
        let mut densities: Vec<Vec<f64>> = self.axes.iter().map(|a| vec![0.0; a.space.splines.spans + 1]).collect();
        for (u, _) in u.iter().zip(&self.varies).filter(|(_, varies)| **varies) {
            let cells = self.cell_means(u);
            let fields = self.varies.iter().filter(|v| **v).count() as f64;
            for (k, density) in densities.iter_mut().enumerate() {
                let slopes = self.slopes(&cells, k);
                let spans = &self.axes[k].space.splines;
                // What is next to nothing beside the field itself is rounding.
                let size = (u.iter().map(|u| u * u).sum::<f64>() / u.len().max(1) as f64).sqrt();
                let mean = mean(spans, &slopes) + NOTHING * size / (spans.hi - spans.lo);
                if mean > 0.0 && mean.is_finite() {
                    density.iter_mut().zip(&slopes).for_each(|(d, s)| *d += s / (mean * fields));
                }
            }
        }
        let places = densities.iter().zip(&self.axes).map(|(d, a)| places(&a.space.splines, d)).collect();
        let grading = Grading { places };
        let finer = |(k, a): (usize, &Axis)| {
            let (own, new) = (a.space.splines.breaks(), grading.breaks(k, a.space.splines.spans));
            let shrinks = |w: &[f64]| {
                // The old span around the new one.
                let at = own.partition_point(|b| *b <= 0.5 * (w[0] + w[1])).clamp(1, own.len() - 1);
                FINER * (w[1] - w[0]) < own[at] - own[at - 1]
            };
            new.windows(2).any(shrinks)
        };
        self.axes.iter().enumerate().any(finer).then_some(grading)
    }

    /// The mean over each cell of the tensor grid of spans, the last coordinate fastest.
    fn cell_means(&self, u: &[f64]) -> Vec<f64> {
        let count = self.axes.iter().map(|a| a.space.splines.spans).product();
        let (mut sums, mut weights) = (vec![0.0; count], vec![0.0; count]);
        for (i, (u, w)) in u.iter().zip(&self.weights).enumerate() {
            let (mut rest, mut cell, mut stride) = (i, 0, 1);
            for axis in self.axes.iter().rev() {
                cell += rest % axis.len() / axis.per_span * stride;
                stride *= axis.space.splines.spans;
                rest /= axis.len();
            }
            sums[cell] += w * u;
            weights[cell] += w;
        }
        sums.iter().zip(&weights).map(|(s, w)| s / w).collect()
    }

    /// At each end of a span of coordinate `k` the mean, over the others, of the absolute slope between neighbouring cells.
    fn slopes(&self, cells: &[f64], k: usize) -> Vec<f64> {
        let splines = &self.axes[k].space.splines;
        let (n, breaks) = (splines.spans, splines.breaks());
        let stride: usize = self.axes[k + 1..].iter().map(|a| a.space.splines.spans).product();
        let (mut sums, mut weights) = (vec![0.0; n + 1], vec![0.0; n + 1]);
        let centre = |s: usize| 0.5 * (breaks[s] + breaks[s + 1]);
        let width = |cell: usize| {
            let (mut rest, mut w) = (cell, 1.0);
            for (j, axis) in self.axes.iter().enumerate().rev() {
                let (b, m) = (axis.space.splines.breaks(), axis.space.splines.spans);
                let s = rest % m;
                if j != k {
                    w *= b[s + 1] - b[s];
                }
                rest /= m;
            }
            w
        };
        for (cell, u) in cells.iter().enumerate() {
            let s = cell / stride % n;
            let w = width(cell);
            if s + 1 < n {
                sums[s + 1] += w * (cells[cell + stride] - u).abs() / (centre(s + 1) - centre(s));
                weights[s + 1] += w;
            } else if splines.periodic && n > 1 {
                let next = cell + stride - n * stride;
                let apart = centre(0) + (splines.hi - splines.lo) - centre(s);
                sums[0] += w * (cells[next] - u).abs() / apart;
                weights[0] += w;
            }
        }
        let mut slopes: Vec<f64> = sums.iter().zip(&weights).map(|(s, w)| if *w > 0.0 { s / w } else { 0.0 }).collect();
        if splines.periodic {
            slopes[n] = slopes[0];
        } else if n > 1 {
            (slopes[0], slopes[n]) = (slopes[1], slopes[n - 1]);
        }
        slopes
    }
}

/// The mean over the coordinate of what is given at the ends of spans, straight between them.
fn mean(splines: &Splines, at_breaks: &[f64]) -> f64 {
    let b = splines.breaks();
    let sum: f64 = (0..splines.spans).map(|s| 0.5 * (at_breaks[s] + at_breaks[s + 1]) * (b[s + 1] - b[s])).sum();
    sum / (splines.hi - splines.lo)
}

/// The places that cut 1 + s, smoothed, into [`PARTS`] equal parts.
fn places(splines: &Splines, slopes: &[f64]) -> Vec<f64> {
    let (n, b) = (splines.spans, splines.breaks());
    let mut s = slopes.to_vec();
    for _ in 0..SMOOTHED {
        let old = s.clone();
        let of = |i: isize| match (splines.periodic, i) {
            (true, i) => old[i.rem_euclid(n as isize) as usize],
            (false, i) => old[i.clamp(0, n as isize) as usize],
        };
        for (i, s) in s.iter_mut().enumerate() {
            let i = i as isize;
            *s = 0.25 * of(i - 1) + 0.5 * of(i) + 0.25 * of(i + 1);
        }
    }
    let density: Vec<f64> = s.iter().map(|s| 1.0 + s).collect();
    // Straight between the ends of spans, so that the integral is quadratic there.
    let mut reached = vec![0.0];
    for i in 0..n {
        reached.push(reached[i] + 0.5 * (density[i] + density[i + 1]) * (b[i + 1] - b[i]));
    }
    let total = reached[n];
    let at = |part: usize| {
        let aim = total * part as f64 / PARTS as f64;
        let i = reached[1..n].partition_point(|r| *r <= aim);
        let (h, left) = (b[i + 1] - b[i], aim - reached[i]);
        let slope = (density[i + 1] - density[i]) / h;
        // density z + slope z^2 / 2 = left, the root that is stable for any slope.
        let root = (density[i] * density[i] + 2.0 * slope * left).max(0.0).sqrt();
        (b[i] + 2.0 * left / (density[i] + root)).min(b[i + 1])
    };
    (0..=PARTS)
        .map(|p| match p {
            0 => splines.lo,
            PARTS => splines.hi,
            p => at(p),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::func::MultiIndex;
    use crate::ir::problem::{Integrand, VolumeTerm, Weak};
    use crate::ir::program::{Builder, Input, Output, Program, Region};

    /// u_t = 0 on a box, for its spans and points.
    fn boxed(tests: usize, periodic: bool, grading: Option<&Grading>) -> std::sync::Arc<WeakSystem> {
        let mut p = Program::new("one");
        p.inputs.push(Input { name: "coords".into(), width: 2 });
        let mut builder = Builder::new(p);
        let one = builder.push(Region::Init, crate::ir::op::Op::Const(1.0), crate::ir::op::Ty::real(1));
        let mut coef = builder.finish();
        coef.outputs = vec![Output { name: "value".into(), value: one }];
        let volume = vec![VolumeTerm { coef, test: MultiIndex(vec![0, 1]), integrand: Integrand::Field(0) }];
        let vanish = vec![[vec![], vec![]], [vec![0], vec![0]]];
        let form = Weak {
            tests: Some(tests),
            fields: vec![0],
            volume,
            boundary: vec![],
            vanish,
            ties: vec![],
            absorbed: vec![],
            linear: true,
        };
        WeakSystem::graded(&form, &coords(periodic), |_| false, grading)
    }

    fn coords(periodic: bool) -> [Coord; 2] {
        let coord = |name: &str, lo, hi, periodic| Coord { name: name.into(), lo, hi, periodic };
        [coord("x", -1.0, 1.0, periodic), coord("t", 0.0, 3.0, false)]
    }

    fn at(s: &WeakSystem, f: impl Fn(f64, f64) -> f64) -> Vec<Vec<f64>> {
        vec![s.points().chunks_exact(2).map(|p| f(p[0], p[1])).collect()]
    }

    fn front(x: f64) -> f64 {
        libm::tanh((x - 0.3) / 0.01) * libm::cos(0.5 * std::f64::consts::PI * x)
    }

    #[test]
    fn spans_are_thin_at_a_front_and_half_of_them_stay() {
        for periodic in [false, true] {
            let mut s = boxed(40, periodic, None);
            let coords = coords(periodic);
            // Seen through spans of 0.05 it is a step, and grading halves them at least; the second time they are thinner than the
            // front, whose slope falls to a tenth within 0.018 on either side.
            for (round, thinnest) in [(0, 0.025), (1, 0.01)] {
                let g = s.grading(&at(&s, |x, _| front(x))).expect("it is no finer than it should be");
                assert!(g.is_of(&coords));
                let b = g.breaks(0, 40);
                let least = b.windows(2).map(|w| w[1] - w[0]).fold(1.0, f64::min);
                let thin = b.windows(2).find(|w| w[1] - w[0] == least).expect("one is");
                assert!(least < thinnest && (thin[0] - 0.3).abs() < 0.05, "{periodic} {round}: {thin:?}");
                // No span is much more than twice as long as equal ones would be.
                assert!(b.windows(2).all(|w| w[1] - w[0] < 0.11), "{b:?}");
                // Nothing happens in time.
                let t = g.breaks(1, 30);
                assert!(t.windows(2).all(|w| (w[1] - w[0] - 0.1).abs() < 1e-9), "{t:?}");
                s = boxed(40, periodic, Some(&g));
                assert_eq!(s.graded_by(), Some(&g));
            }
        }
    }

    #[test]
    fn smooth_fields_leave_the_spans_as_they_are() {
        let s = boxed(40, false, None);
        let pi = std::f64::consts::PI;
        assert_eq!(s.grading(&at(&s, |x, t| libm::sin(pi * x) * libm::exp(-t))), None);
        assert_eq!(s.grading(&at(&s, |_, _| 2.0)), None);
        assert_eq!(s.grading(&at(&s, |x, _| if x > 0.9 { f64::NAN } else { x })), None);
    }

    #[test]
    fn breaks_of_any_number_follow_the_same_places() {
        let s = boxed(40, false, None);
        let g = s.grading(&at(&s, |x, _| front(x))).expect("a front");
        let (few, many) = (g.breaks(0, 16), g.breaks(0, 64));
        assert!(few.iter().enumerate().all(|(i, b)| (b - many[4 * i]).abs() < 1e-12));
        let back = Grading { places: vec![g.places[0].iter().rev().copied().collect(), g.places[1].clone()] };
        assert!(!back.is_of(&coords(false)));
    }
}
