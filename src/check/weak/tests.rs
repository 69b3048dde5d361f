//! Every form is integrated numerically with an exact solution in place of the field: it must vanish for test functions that
//! meet its constraints, whatever the signs along the way.

use super::*;
use crate::check::calculus::evaluate;
use crate::check::calculus::evaluate_at;
use crate::check::model::{Face, Side};
use crate::source::Span;

fn num(x: f64) -> Expr {
    Expr::Num(x)
}
fn c(i: usize) -> Expr {
    Expr::Var(Var::Coord(i))
}
fn f(name: &str, a: Expr) -> Expr {
    Expr::unary(Unary::by_name(name).expect("a function"), a)
}
fn pow(a: Expr, n: f64) -> Expr {
    Expr::binary(Binary::Pow, a, num(n))
}
fn d(e: Expr, i: usize) -> Expr {
    Expr::Deriv(Box::new(e), i)
}
fn dd(e: Expr, i: usize) -> Expr {
    d(d(e, i), i)
}
fn if_less(a: Expr, b: Expr, then: Expr, otherwise: Expr) -> Expr {
    let test = Expr::Compare(crate::func::Compare::Lt, Box::new(a), Box::new(b));
    Expr::If(Box::new(test), Box::new(then), Box::new(otherwise))
}

struct Case {
    coords: Vec<Coord>,
    fields: Vec<String>,
    data: Vec<Datum>,
    conditions: usize,
    exact: Expr,
}

impl Case {
    /// Two coordinates with lopsided bounds, or one.
    fn new(dims: usize, exact: Expr) -> Case {
        let bounds = [("x", -0.3, 0.9), ("t", 0.2, 1.5)];
        let coords = bounds[..dims]
            .iter()
            .map(|&(name, lo, hi)| Coord { name: name.to_string(), lo, hi, periodic: false, span: Span::default() })
            .collect();
        Case { coords, fields: vec!["u".to_string()], data: vec![], conditions: 0, exact }
    }

    fn ctx(&self) -> Context<'_> {
        Context { coords: &self.coords, fields: &self.fields, unknowns: &[] }
    }

    fn u(&self) -> Expr {
        Expr::Var(Var::Field { field: 0, alpha: MultiIndex::zero(self.coords.len()) })
    }

    fn face(&self, coord: usize, high: bool) -> Face {
        let at = &self.coords[coord];
        if high { Face { coord, value: at.hi, side: Side::Hi } } else { Face { coord, value: at.lo, side: Side::Lo } }
    }

    /// Gives the `order`-th normal derivative of the exact solution on a face, written as a condition `3*d(u, …) = 3*g`.
    fn given(mut self, coord: usize, high: bool, order: u8) -> Case {
        let mut alpha = MultiIndex::zero(self.coords.len());
        alpha.0[coord] = order;
        let atom = Expr::Var(Var::Field { field: 0, alpha: alpha.clone() });
        let rhs = mul(num(3.0), d_multi(&self.exact, &alpha));
        let face = self.face(coord, high);
        self.conditions += 1;
        let data = data_of(self.conditions, &mul(num(3.0), atom), &rhs, &[face]).expect("a plain condition");
        assert_eq!(data[0].order, order);
        self.data.extend(data);
        self
    }

    /// The right-hand side that makes the exact solution solve `operator = f`.
    fn source(&self, operator: &Expr) -> Expr {
        let e = expand_derivatives(operator);
        simplify(&substitute(&e, &|v| match v {
            Var::Field { alpha, .. } => Some(d_multi(&self.exact, alpha)),
            _ => None,
        }))
    }

    /// Builds the form of `operator = f` and checks that it vanishes on the exact solution.
    fn holds(&self, operator: Expr) -> WeakForm {
        let rhs = self.source(&operator);
        let form = weak_form(&operator, &rhs, &self.data, self.ctx()).expect("a weak form");
        for seed in 0..4 {
            self.vanishes(&form, seed);
        }
        form
    }

    fn vanishes(&self, form: &WeakForm, seed: usize) {
        let dims = self.coords.len();
        let psi: Vec<Test> = (0..dims).map(|i| Test::new(&self.coords[i], &form.vanish[i], seed + 7 * i)).collect();
        let psi_at =
            |p: &[f64], test: &MultiIndex| -> f64 { (0..dims).map(|i| psi[i].derivative(p[i], test.0[i])).product() };
        let u_at = |p: &[f64]| evaluate_at(&self.exact, p);
        let (mut sum, mut size) = (0.0, 0.0);
        let mut put = |v: f64| {
            sum += v;
            size += f64::abs(v);
        };
        for (p, w) in tensor(&self.coords, None) {
            for v in &form.volume {
                let u = u_at(&p);
                let g = match &v.integrand {
                    Integrand::Field(_) => u,
                    Integrand::One => 1.0,
                    Integrand::Function { value, .. } => evaluate(value, &|v| match v {
                        Var::Coord(i) => p[*i],
                        _ => u,
                    }),
                };
                put(w * evaluate_at(&v.coef, &p) * psi_at(&p, &v.test) * g);
            }
        }
        for b in &form.boundary {
            let at = if b.high { self.coords[b.coord].hi } else { self.coords[b.coord].lo };
            for (p, w) in tensor(&self.coords, Some((b.coord, at))) {
                put(w * evaluate_at(&b.coef, &p) * psi_at(&p, &b.test));
            }
        }
        assert!(size > 1e-6, "nothing was integrated");
        assert!(sum.abs() < 1e-10 * size, "residual {sum:e} of terms of size {size:e}: {form:#?}");
    }
}

/// A polynomial test function on an interval whose named derivatives vanish at the ends, otherwise as general as can be.
struct Test {
    lo: f64,
    width: f64,
    coefs: Vec<f64>,
}

impl Test {
    fn new(coord: &Coord, vanish: &[Vec<u8>; 2], seed: usize) -> Test {
        const K: usize = 5;
        // The first K Taylor coefficients at an end, those that must vanish left out; times (1 - s)^K after division by it,
        // so that the other end is not touched.
        let half = |orders: &[u8], seed: usize| -> Vec<f64> {
            let q: Vec<f64> = (0..K)
                .map(
                    |k| if orders.contains(&(k as u8)) { 0.0 } else { 0.3 + ((seed * 13 + k * 29) % 17) as f64 / 17.0 },
                )
                .collect();
            let mut series = vec![1.0];
            for j in 1..K {
                series.push(series[j - 1] * (K + j - 1) as f64 / j as f64);
            }
            let mut a = product(&q, &series);
            a.truncate(K);
            (0..K).fold(a, |a, _| product(&a, &[1.0, -1.0]))
        };
        let low = half(&vanish[0], seed);
        // Mirror s -> 1 - s of the high end's half.
        let high = half(&vanish[1], seed + 3);
        let mut mirrored = vec![0.0];
        for &coef in high.iter().rev() {
            mirrored = product(&mirrored, &[1.0, -1.0]);
            mirrored[0] += coef;
        }
        let n = low.len().max(mirrored.len());
        let coefs = (0..n).map(|k| low.get(k).unwrap_or(&0.0) + mirrored.get(k).unwrap_or(&0.0)).collect();
        Test { lo: coord.lo, width: coord.hi - coord.lo, coefs }
    }

    fn derivative(&self, x: f64, order: u8) -> f64 {
        let s = (x - self.lo) / self.width;
        let mut coefs = self.coefs.clone();
        for _ in 0..order {
            coefs = coefs.iter().enumerate().skip(1).map(|(k, c)| c * k as f64 / self.width).collect();
        }
        coefs.iter().rev().fold(0.0, |v, c| v * s + c)
    }
}

fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            out[i + j] += x * y;
        }
    }
    out
}

/// Five-point Gauss rule on 12 cells of each coordinate; one of them may be held fixed.
fn tensor(coords: &[Coord], fixed: Option<(usize, f64)>) -> Vec<(Vec<f64>, f64)> {
    let nodes = [0.0, 0.538_469_310_105_683, 0.906_179_845_938_664];
    let weights = [0.568_888_888_888_888_9, 0.478_628_670_499_366_5, 0.236_926_885_056_189_1];
    let mut all = vec![(vec![], 1.0)];
    for (i, coord) in coords.iter().enumerate() {
        let mut rule = vec![];
        match fixed {
            Some((k, at)) if k == i => rule.push((at, 1.0)),
            _ => {
                let cells = 12;
                let h = (coord.hi - coord.lo) / f64::from(cells);
                for cell in 0..cells {
                    let middle = coord.lo + h * (f64::from(cell) + 0.5);
                    for k in [-2i32, -1, 0, 1, 2] {
                        let n = k.unsigned_abs() as usize;
                        rule.push((middle + f64::from(k.signum()) * nodes[n] * h / 2.0, weights[n] * h / 2.0));
                    }
                }
            }
        }
        all = all
            .iter()
            .flat_map(|(p, w)| {
                rule.iter().map(move |(x, v)| {
                    let mut p = p.clone();
                    p.push(*x);
                    (p, w * v)
                })
            })
            .collect();
    }
    all
}

/// sin(1.3 x + 0.4) exp(0.6 t) + x^2 t
fn smooth2() -> Expr {
    let wave = mul(f("sin", add(mul(num(1.3), c(0)), num(0.4))), f("exp", mul(num(0.6), c(1))));
    add(wave, mul(pow(c(0), 2.0), c(1)))
}

/// exp(-x) + x^3 + sin(2 x)
fn smooth1() -> Expr {
    add(add(f("exp", neg(c(0))), pow(c(0), 3.0)), f("sin", mul(num(2.0), c(0))))
}

#[test]
fn wave() {
    let case = Case::new(2, smooth2()).given(0, false, 0).given(0, true, 0).given(1, false, 0).given(1, false, 1);
    let form = case.holds(sub(dd(case.u(), 1), mul(num(4.0), dd(case.u(), 0))));
    assert_eq!(form.vanish, vec![[vec![0], vec![0]], [vec![], vec![0, 1]]]);
    assert_eq!(form.absorbed, vec![1, 2, 3, 4]);
    let mut lacking = form.lacking;
    lacking.sort();
    assert_eq!(lacking, ["d(u, t) on t = 1.5", "d(u, x) on x = -0.3", "d(u, x) on x = 0.9", "u on t = 1.5"]);
}

#[test]
fn heat_with_one_insulated_end() {
    let case = Case::new(2, smooth2()).given(0, false, 0).given(0, true, 1).given(1, false, 0);
    let form = case.holds(sub(d(case.u(), 1), mul(num(0.3), dd(case.u(), 0))));
    // At x = hi the flux is given and u is not: psi_x must vanish, psi must not.
    assert_eq!(form.vanish, vec![[vec![0], vec![1]], [vec![], vec![0]]]);
    assert_eq!(form.absorbed, vec![1, 2, 3]);
}

#[test]
fn poisson_in_two_dimensions_from_cauchy_data_on_one_side() {
    let case = Case::new(2, smooth2()).given(0, false, 0).given(0, false, 1).given(1, true, 1);
    let form = case.holds(add(dd(case.u(), 0), dd(case.u(), 1)));
    assert_eq!(form.vanish[0], [vec![], vec![0, 1]]);
    assert_eq!(form.vanish[1], [vec![0, 1], vec![1]]);
}

#[test]
fn advection_needs_only_the_inflow() {
    let case = Case::new(2, smooth2()).given(0, false, 0).given(1, false, 0);
    let speed = add(num(1.2), f("sin", c(0)));
    let form = case.holds(add(d(case.u(), 1), mul(speed, d(case.u(), 0))));
    assert_eq!(form.vanish, vec![[vec![], vec![0]], [vec![], vec![0]]]);
}

#[test]
fn variable_diffusion_keeps_a_given_flux_natural() {
    let k = add(num(1.0), pow(c(0), 2.0));
    let case = Case::new(1, smooth1()).given(0, false, 0).given(0, true, 1);
    let form = case.holds(neg(d(mul(k, d(case.u(), 0)), 0)));
    // Without adding up the parts with k' on the face, psi itself would have to vanish at the high end.
    assert_eq!(form.vanish, vec![[vec![0], vec![1]]]);
    assert_eq!(form.absorbed, vec![1, 2]);
}

#[test]
fn mixed_derivatives_use_tangential_derivatives_of_data() {
    let case = Case::new(2, smooth2()).given(0, false, 0).given(1, false, 0);
    case.holds(d(d(case.u(), 0), 1));
    let case = Case::new(2, smooth2()).given(0, true, 0);
    case.holds(add(mul(c(1), d(d(case.u(), 0), 1)), dd(case.u(), 0)));
    // Fourth order, mixed: u_xxtt
    let case = Case::new(2, smooth2()).given(0, true, 0).given(0, true, 1).given(1, false, 0).given(1, false, 1);
    case.holds(dd(dd(case.u(), 0), 1));
}

#[test]
fn beam() {
    let clamped = Case::new(1, smooth1()).given(0, false, 0).given(0, false, 1).given(0, true, 0).given(0, true, 2);
    let form = clamped.holds(dd(mul(add(num(2.0), c(0)), dd(clamped.u(), 0)), 0));
    assert_eq!(form.vanish[0][0], vec![0, 1]);
    assert_eq!(form.absorbed, vec![1, 2, 3, 4]);
}

#[test]
fn burgers_conservative_and_as_a_product() {
    let case = Case::new(2, smooth2()).given(0, false, 0).given(0, true, 0).given(1, false, 0);
    let viscous = sub(d(case.u(), 1), mul(num(0.1), dd(case.u(), 0)));
    let flux = d(div(pow(case.u(), 2.0), num(2.0)), 0);
    let conservative = case.holds(add(viscous.clone(), flux));
    assert!(conservative.volume.iter().any(|v| matches!(v.integrand, Integrand::Function { .. })));
    let product = case.holds(add(viscous, mul(case.u(), d(case.u(), 0))));
    assert_eq!(conservative.vanish, product.vanish);
    // With a coefficient in front, and u unknown at the outflow.
    let case = Case::new(2, smooth2()).given(0, false, 0).given(1, false, 0);
    let form = case.holds(add(d(case.u(), 1), mul(mul(c(1), pow(case.u(), 2.0)), d(case.u(), 0))));
    assert_eq!(form.vanish[0], [vec![], vec![0]]);
}

#[test]
fn porous_medium_flux_needs_both_data() {
    let case = Case::new(2, smooth2()).given(0, false, 0).given(0, false, 1).given(1, false, 0);
    let form = case.holds(sub(d(case.u(), 1), dd(pow(case.u(), 3.0), 0)));
    assert_eq!(form.vanish[0], [vec![], vec![0, 1]]);
}

#[test]
fn logistic_and_other_reactions() {
    let case = Case::new(1, smooth1()).given(0, false, 0);
    let form = case.holds(sub(d(case.u(), 0), mul(case.u(), sub(num(1.0), case.u()))));
    let nonlinear: Vec<_> = form.volume.iter().filter(|v| matches!(v.integrand, Integrand::Function { .. })).collect();
    assert_eq!(nonlinear.len(), 1);
    case.holds(add(d(case.u(), 0), mul(c(0), f("sin", case.u()))));
}

#[test]
fn three_coordinates() {
    let mut case = Case::new(2, add(smooth2(), mul(c(2), c(0))));
    case.coords.push(Coord { name: "y".to_string(), lo: 0.0, hi: 0.5, periodic: false, span: Span::default() });
    let case = case.given(0, false, 0).given(2, true, 1).given(1, false, 0);
    case.holds(sub(d(case.u(), 1), add(dd(case.u(), 0), mul(c(0), dd(case.u(), 2)))));
}

#[test]
fn what_has_no_weak_form_says_why() {
    let case = Case::new(2, smooth2());
    let why = |e: Expr| weak_form(&e, &num(0.0), &[], case.ctx()).expect_err("no weak form");
    assert!(why(pow(d(case.u(), 0), 2.0)).contains("`d(u, x)^2`"));
    assert!(why(mul(case.u(), dd(case.u(), 0))).contains("`u*d(u, x, x)`"));
    assert!(why(f("sin", d(case.u(), 0))).contains("nonlinear function"));
    let jump = if_less(c(0), num(0.1), num(1.0), num(2.0));
    assert!(why(mul(jump, d(case.u(), 0))).contains("jump or a kink along `x`"));
    let centred = Coord { lo: 0.0, ..case.coords[0].clone() };
    let coords = [centred];
    let ctx = Context { coords: &coords, ..case.ctx() };
    let u = Expr::Var(Var::Field { field: 0, alpha: MultiIndex(vec![1]) });
    let e = weak_form(&div(u, c(0)), &num(0.0), &[], ctx).expect_err("singular");
    assert!(e.contains("not finite on x = 0"), "{e}");
}

#[test]
fn conditions_that_are_no_plain_data_are_left_alone() {
    let case = Case::new(2, smooth2());
    let no = |lhs: Expr, face: Face| data_of(0, &lhs, &num(0.0), &[face]).is_none();
    let face = case.face(0, false);
    assert!(no(add(case.u(), mul(c(1), d(case.u(), 0))), face), "mixed, with a factor that varies along the face");
    assert!(no(d(case.u(), 1), face), "tangential");
    assert!(no(pow(case.u(), 2.0), face), "nonlinear");
    assert!(no(mul(c(1), case.u()), face), "a factor that varies along the face");
    assert!(no(case.u(), Face { coord: 0, value: 0.1, side: Side::Inside }), "inside");
    assert!(!no(case.u(), face));
}

#[test]
fn a_datum_without_effect_is_not_absorbed() {
    // First order in x: d(u, x) on a face tells the form nothing.
    let case = Case::new(1, smooth1()).given(0, false, 0).given(0, true, 1);
    let operator = d(case.u(), 0);
    let form = case.holds(operator.clone());
    assert_eq!(wholly_used(&form, &case.data, case.ctx(), &operator, &case.source(&operator)), vec![1]);
}

#[test]
fn coefficients_that_are_zero_only_up_to_rounding_count_as_zero() {
    // k = sin(pi x) vanishes at both ends of 0 .. 1: the flux there needs no condition.
    let mut case = Case::new(1, smooth1());
    case.coords[0] = Coord { lo: 0.0, hi: 1.0, ..case.coords[0].clone() };
    let k = f("sin", mul(num(std::f64::consts::PI), c(0)));
    let form = case.holds(d(mul(k, case.u()), 0));
    assert!(form.vanish[0].iter().all(Vec::is_empty));
}

/// d(u, n) + 2 u on a face, as a condition that the exact solution meets.
fn mixed(case: &Case, residual: usize, coord: usize, high: bool) -> Vec<Datum> {
    let condition = add(d(case.u(), coord), mul(num(2.0), case.u()));
    let rhs = case.source(&condition);
    data_of(residual, &condition, &rhs, &[case.face(coord, high)]).expect("a mixed condition")
}

#[test]
fn a_mixed_condition_is_natural_for_tests_that_meet_its_adjoint() {
    let mut case = Case::new(1, smooth1()).given(0, false, 0);
    let robin = mixed(&case, 7, 0, true);
    assert_eq!((robin[0].order, robin[0].mixed.as_slice()), (1, &[(0, -2.0)][..]));
    case.data.extend(robin);
    let operator = d(d(case.u(), 0), 0);
    let rhs = case.source(&operator);
    let form = weak_form(&operator, &rhs, &case.data, case.ctx()).expect("a weak form");
    assert_eq!(form.vanish, vec![[vec![0], vec![]]]);
    let [Tie { coord: 0, high: true, parts }] = form.ties.as_slice() else { panic!("{:?}", form.ties) };
    // psi' + 2 psi = 0, up to a factor.
    let part = |order: u8| parts.iter().find(|(o, _)| *o == order).expect("is there").1;
    assert!((part(0) - 2.0 * part(1)).abs() < 1e-12 && part(1) != 0.0, "{parts:?}");
    assert_eq!(wholly_used(&form, &case.data, case.ctx(), &operator, &rhs), vec![1, 7]);

    // psi = y + k y^2 with y = x - lo has psi(lo) = 0; k so that psi' + 2 psi = 0 at hi.
    let (lo, hi) = (case.coords[0].lo, case.coords[0].hi);
    let y = hi - lo;
    let k = -(1.0 + 2.0 * y) / (2.0 * y + 2.0 * y * y);
    let psi = |x: f64, order: u8| match order {
        0 => (x - lo) + k * (x - lo) * (x - lo),
        1 => 1.0 + 2.0 * k * (x - lo),
        _ => 2.0 * k,
    };
    let mut sum = 0.0;
    for (p, w) in tensor(&case.coords, None) {
        for v in &form.volume {
            let g = if v.integrand == Integrand::One { 1.0 } else { evaluate_at(&case.exact, &p) };
            sum += w * evaluate_at(&v.coef, &p) * psi(p[0], v.test.0[0]) * g;
        }
    }
    for b in &form.boundary {
        let x = if b.high { hi } else { lo };
        sum += evaluate_at(&b.coef, &[x]) * psi(x, b.test.0[0]);
    }
    assert!(sum.abs() < 1e-10, "{sum:e}");
}

#[test]
fn a_periodic_coordinate_has_no_boundary_terms() {
    let mut case = Case::new(2, smooth2()).given(1, false, 0);
    case.coords[0].periodic = true;
    let operator = add(d(case.u(), 1), sub(mul(num(2.0), d(case.u(), 0)), dd(case.u(), 0)));
    let form = weak_form(&operator, &num(0.0), &case.data, case.ctx()).expect("a weak form");
    assert_eq!(form.vanish, vec![[vec![], vec![]], [vec![], vec![0]]]);
    assert!(form.boundary.iter().all(|b| b.coord == 1) && form.lacking.iter().all(|l| l.contains("on t")));
    // A coefficient under a derivative that jumps where x comes round leaves something behind.
    let why = |e: Expr| weak_form(&e, &num(0.0), &case.data, case.ctx()).expect_err("no weak form");
    assert!(why(mul(c(0), d(case.u(), 0))).contains("not periodic in `x`"));
    assert!(why(d(f("sin", mul(c(0), case.u())), 0)).contains("not periodic in `x`"));
    // One that is not, does not matter.
    assert!(weak_form(&sub(d(case.u(), 0), c(0)), &num(0.0), &case.data, case.ctx()).is_ok());
}
