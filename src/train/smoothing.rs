//! Derivatives of a network's output smoothed by a Gaussian, by Stein's identity.
//!
//! ```text
//! u_s(x) = E u(x + s z),  z ~ N(0, 1)        d^m u_s(x) = E u(x + s z) He_m(z) / s^m
//! ```
//! with He the Hermite polynomials. A jump of u is no trouble: the smoothed field has all derivatives, and no derivative of u
//! is taken. The expectation is a Gauss-Hermite rule whose nodes are the same in every evaluation, so that two networks
//! are compared on the same points; it is a tensor product over the coordinates that the residual is differentiated along.
//!
//! Where the nodes would leave the domain the Gaussian is centred further inside, at c, and continued to x by two more terms
//! of its Taylor series, E u(c + s z) (He_m + d He_(m+1) + d^2/2 He_(m+2))(z) / s^m with d = (x - c) / s: the field is asked
//! for inside only, and nothing is made up outside. A periodic coordinate comes round.
//!
//! Stein (1981); for networks without back-propagation through coordinates: He et al., Learning physics-informed neural
//! networks without stacked back-propagation (AISTATS 2023).

use crate::func::MultiIndex;
use crate::ir::problem::Coord;
use crate::train::stencil::Stencil;

/// Nodes a coordinate for derivatives up to the second.
const NODES: usize = 5;

/// The derivatives in `atoms` at each row of `at`, of the field smoothed by `sigma` times each coordinate's extent.
pub fn smoothed(at: &[f64], coords: &[Coord], atoms: &[MultiIndex], sigma: f64) -> Stencil {
    let rules: Vec<Option<Gauss>> = (0..coords.len())
        .map(|k| {
            let order = atoms.iter().map(|a| a.0[k]).max().unwrap_or(0) as usize;
            (order > 0).then(|| Gauss::new(NODES.max(order + 3)))
        })
        .collect();
    Stencil::build(at, coords, atoms, &|k, x, order| match &rules[k] {
        Some(rule) => rule.formula(x, &coords[k], sigma, order),
        // Nothing is differentiated along it: it is not smoothed along it.
        None => vec![(0, 0.0, 1.0)],
    })
}

/// A Gauss-Hermite rule for the standard normal distribution.
struct Gauss {
    nodes: Vec<f64>,
    weights: Vec<f64>,
}

impl Gauss {
    /// With `n` nodes: exact for polynomials of degree 2n - 1.
    fn new(n: usize) -> Gauss {
        // All zeros lie within 2 sqrt(n), further apart than the steps of this search.
        let (reach, steps) = (2.0 * (n as f64).sqrt(), 400 * n);
        let at = |i: usize| reach * i as f64 / steps as f64;
        let mut positive = vec![];
        for i in 0..steps {
            let (mut lo, mut hi) = (at(i), at(i + 1));
            let (a, b) = (hermite(n, lo), hermite(n, hi));
            if a == 0.0 || (a < 0.0) == (b < 0.0) {
                continue;
            }
            for _ in 0..80 {
                let middle = 0.5 * (lo + hi);
                if (hermite(n, middle) < 0.0) == (a < 0.0) { lo = middle } else { hi = middle }
            }
            positive.push(0.5 * (lo + hi));
        }
        let mut nodes: Vec<f64> = positive.iter().rev().map(|x| -x).collect();
        if n % 2 == 1 {
            nodes.push(0.0);
        }
        nodes.extend(positive);
        let factorial: f64 = (1..=n).map(|k| k as f64).product();
        let weight = |x: &f64| {
            let h = hermite(n - 1, *x);
            factorial / ((n * n) as f64 * h * h)
        };
        let weights = nodes.iter().map(weight).collect();
        Gauss { nodes, weights }
    }

    /// Node, shift and weight for the derivative of order `m` at `x`.
    fn formula(&self, x: f64, coord: &Coord, sigma: f64, m: usize) -> Vec<(i32, f64, f64)> {
        let extent = coord.hi - coord.lo;
        let last = self.nodes[self.nodes.len() - 1];
        let s = extent * sigma.min(0.5 / last);
        let c = match coord.periodic {
            true => x,
            false => x.clamp(coord.lo + last * s, (coord.hi - last * s).max(coord.lo + last * s)),
        };
        let (d, scale) = ((x - c) / s, (0..m).fold(1.0, |a, _| a / s));
        let weighted = self.nodes.iter().zip(&self.weights).enumerate().map(|(j, (z, w))| {
            let series = hermite(m, *z) + d * hermite(m + 1, *z) + 0.5 * d * d * hermite(m + 2, *z);
            (j as i32, (c - x) + s * z, w * series * scale)
        });
        weighted.filter(|(_, _, w)| w.abs() > 1e-13 * scale).collect()
    }
}

/// The Hermite polynomial of degree `n` that belongs to the weight exp(-x^2 / 2).
fn hermite(n: usize, x: f64) -> f64 {
    let (mut before, mut here) = (0.0, 1.0);
    for k in 0..n {
        (before, here) = (here, x * here - k as f64 * before);
    }
    here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_has_the_moments_of_a_normal_variable() {
        for n in [5, 6, 7] {
            let rule = Gauss::new(n);
            assert_eq!(rule.nodes.len(), n);
            for (power, moment) in [(0, 1.0), (1, 0.0), (2, 1.0), (4, 3.0), (6, 15.0), (8, 105.0)] {
                let sum: f64 = rule.nodes.iter().zip(&rule.weights).map(|(x, w)| w * x.powi(power)).sum();
                assert!((sum - moment).abs() < 1e-10 * moment.max(1.0), "{n} nodes, power {power}: {sum}");
            }
        }
    }

    /// u = sin(x) smoothed is exp(-s^2/2) sin(x): all derivatives are known, inside and at the ends.
    #[test]
    fn derivatives_are_those_of_the_smoothed_field_and_no_point_is_outside() {
        let coords = [
            Coord { name: "x".into(), lo: 0.0, hi: 2.0, periodic: false },
            Coord { name: "t".into(), lo: 0.0, hi: 1.0, periodic: false },
        ];
        let at = [0.9, 0.3, 0.0, 1.0, 0.05, 0.5, 2.0, 0.0];
        let atoms = [vec![0, 0], vec![1, 0], vec![2, 0]].map(MultiIndex);
        let sigma = 0.05;
        let stencil = smoothed(&at, &coords, &atoms, sigma);
        assert!(stencil.points.chunks_exact(2).all(|p| (0.0..=2.0).contains(&p[0]) && (0.0..=1.0).contains(&p[1])));
        let damping = libm::exp(-0.5 * (2.0 * sigma) * (2.0 * sigma));
        for (row, p) in at.chunks_exact(2).enumerate() {
            let (s, c) = (libm::sin(p[0]), libm::cos(p[0]));
            // Inside the rule is exact to rounding, at the ends the Taylor series leaves a small rest.
            let near = if row == 0 { 1e-6 } else { 3e-2 };
            for (a, exact) in [damping * s, damping * c, -damping * s].iter().enumerate() {
                let terms = stencil.terms(row, a);
                let got: f64 = terms.iter().map(|(k, w)| w * libm::sin(stencil.points[2 * *k as usize])).sum();
                assert!((got - exact).abs() < near, "row {row} order {a}: {got} {exact}");
            }
            // Along t nothing is differentiated: five points a row serve all three.
            assert!(stencil.points.len() == 2 * 5 * at.len() / 2);
        }
    }

    #[test]
    fn a_jump_has_a_slope() {
        let coords = [Coord { name: "x".into(), lo: -1.0, hi: 1.0, periodic: true }];
        let stencil = smoothed(&[0.0], &coords, &[MultiIndex(vec![1])], 0.1);
        let step = |x: f64| if x > 0.0 { 1.0 } else { 0.0 };
        let got: f64 = stencil.terms(0, 0).iter().map(|(k, w)| w * step(stencil.points[*k as usize])).sum();
        // The density of the Gaussian at the jump is 1.99; the rule of five nodes makes 1.46 of it.
        assert!((1.2..2.2).contains(&got), "{got}");
    }
}
