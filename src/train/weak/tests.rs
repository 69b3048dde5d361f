//! Each test knows the exact solution: its residual is nothing, and an error that is added to it is measured as itself.

use super::*;
use crate::func::{Binary, Unary};
use crate::ir::op::{Op, Ty, Value};
use crate::ir::problem::{BoundaryTerm, VolumeTerm};
use crate::ir::program::{Builder, Input, Output, Region};

const PI: f64 = std::f64::consts::PI;

struct Expr {
    builder: Builder,
    dim: u32,
}

impl Expr {
    fn op(&mut self, op: Op) -> Value {
        self.builder.push(Region::Init, op, Ty::real(1))
    }

    fn number(&mut self, x: f64) -> Value {
        self.op(Op::Const(x))
    }

    fn coord(&mut self, k: u32) -> Value {
        let all = self.builder.push(Region::Init, Op::Input(0), Ty::real(self.dim));
        self.op(Op::Slice { of: all, start: k, len: 1 })
    }

    fn times(&mut self, a: Value, b: Value) -> Value {
        self.op(Op::Binary(Binary::Mul, a, b))
    }

    fn scaled(&mut self, a: f64, b: Value) -> Value {
        let a = self.number(a);
        self.times(a, b)
    }

    /// a sin(k x)
    fn sine(&mut self, a: f64, k: f64, x: Value) -> Value {
        let kx = self.scaled(k, x);
        let s = self.op(Op::Unary(Unary::Sin, kx));
        self.scaled(a, s)
    }
}

fn program(dim: u32, field: bool, build: impl FnOnce(&mut Expr) -> Vec<(&'static str, Value)>) -> Program {
    let mut p = Program::new("test");
    p.inputs.push(Input { name: "coords".into(), width: dim });
    if field {
        p.inputs.push(Input { name: "fields".into(), width: 1 });
    }
    let mut e = Expr { builder: Builder::new(p), dim };
    let outputs = build(&mut e);
    let mut p = e.builder.finish();
    p.outputs = outputs.into_iter().map(|(name, value)| Output { name: name.into(), value }).collect();
    p
}

fn constant(dim: u32, x: f64) -> Program {
    program(dim, false, |e| vec![("value", e.number(x))])
}

fn term(coef: Program, test: &[u8], integrand: Integrand) -> VolumeTerm {
    VolumeTerm { coef, test: MultiIndex(test.to_vec()), integrand }
}

fn weak(tests: usize, volume: Vec<VolumeTerm>, boundary: Vec<BoundaryTerm>, vanish: Vec<[Vec<u8>; 2]>) -> Weak {
    let linear = volume.iter().all(|t| !matches!(t.integrand, Integrand::Function(_)));
    Weak { tests: Some(tests), fields: vec![0], volume, boundary, vanish, ties: vec![], absorbed: vec![], linear }
}

fn assembled(weak: &Weak, coords: &[Coord]) -> Arc<WeakSystem> {
    WeakSystem::assemble(weak, coords, |_| false)
}

fn coord(lo: f64, hi: f64) -> Coord {
    Coord { name: "x".into(), lo, hi, periodic: false }
}

fn on_points(s: &WeakSystem, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    s.points().chunks_exact(s.axes.len()).map(f).collect()
}

fn mean_square(x: &[f64]) -> f64 {
    crate::train::linalg::mean_square(x)
}

/// -u'' = f on [0, 2], u = 0 at both ends, u = sin(pi x / 2).
fn poisson() -> (Arc<WeakSystem>, Vec<f64>) {
    let f = program(1, false, |e| {
        let x = e.coord(0);
        vec![("value", e.sine(-PI * PI / 4.0, PI / 2.0, x))]
    });
    let volume = vec![term(constant(1, -1.0), &[2], Integrand::Field(0)), term(f, &[0], Integrand::One)];
    let s = assembled(&weak(40, volume, vec![], vec![[vec![0], vec![0]]]), &[coord(0.0, 2.0)]);
    let exact = on_points(&s, |x| libm::sin(PI * x[0] / 2.0));
    (s, exact)
}

#[test]
fn an_error_is_measured_as_itself() {
    let (s, exact) = poisson();
    let w = s.linearise(None);
    assert_eq!(w.rows(), 38);
    assert!((s.weights().iter().sum::<f64>() - 2.0).abs() < 1e-12);
    assert!(mean_square(&w.residual(std::slice::from_ref(&exact))) < 1e-14);
    let off = on_points(&s, |x| libm::sin(PI * x[0] / 2.0) + 0.01 * libm::sin(3.0 * PI * x[0] / 2.0));
    // The mean of (0.01 sin)^2 is 5e-5.
    let measured = mean_square(&w.residual(std::slice::from_ref(&off)));
    assert!((measured - 5e-5).abs() < 1e-8, "{measured}");
    // What no test function sees is not measured, but never more than there is.
    let rough: Vec<f64> = exact.iter().enumerate().map(|(i, u)| u + if i % 2 == 0 { 0.1 } else { -0.1 }).collect();
    assert!(mean_square(&w.residual(std::slice::from_ref(&rough))) < 0.01);
}

#[test]
fn residual_is_apply_minus_target_where_all_is_linear() {
    let (s, exact) = poisson();
    let w = s.linearise(Some(std::slice::from_ref(&exact)));
    let fields: Vec<f32> =
        (0..s.len()).flat_map(|i| (0..70).map(move |j| ((i * (j + 3)) % 17) as f32 / 17.0)).collect();
    let applied = w.apply(&[Numbers::Single(fields.clone())], 70);
    for j in [0, 63, 64, 69] {
        let u: Vec<f64> = (0..s.len()).map(|i| f64::from(fields[i * 70 + j])).collect();
        for (r, residual) in w.residual(std::slice::from_ref(&u)).iter().enumerate() {
            assert!((applied[(r, j)] - w.target()[r] - residual).abs() < 1e-10);
        }
    }
}

#[test]
fn initial_and_boundary_data_enter_by_their_terms() {
    // u_tt = c^2 u_xx on x in 0 .. 1, t in 1 .. 3 with u and u_t given at t = 1, u = 0 at the ends.
    let c = 0.7;
    let exact = |x: f64, t: f64| libm::sin(PI * x) * libm::cos(c * PI * (t - 1.0) + 0.4);
    let volume = vec![
        term(constant(2, 1.0), &[0, 2], Integrand::Field(0)),
        term(constant(2, -c * c), &[2, 0], Integrand::Field(0)),
    ];
    let data = |a: f64| {
        program(2, false, |e| {
            let x = e.coord(0);
            vec![("value", e.sine(a, PI, x))]
        })
    };
    // By parts twice: + u psi_t - u_t psi at the low end of t.
    let at_start = |coef, order| BoundaryTerm { coord: 1, high: false, coef, test: MultiIndex(vec![0, order]) };
    let boundary = vec![at_start(data(libm::cos(0.4)), 1), at_start(data(c * PI * libm::sin(0.4)), 0)];
    let form = weak(20, volume, boundary, vec![[vec![0], vec![0]], [vec![], vec![0, 1]]]);
    let s = assembled(&form, &[coord(0.0, 1.0), coord(1.0, 3.0)]);
    let w = s.linearise(None);
    assert_eq!(w.rows(), 18 * 18);
    let u = on_points(&s, |p| exact(p[0], p[1]));
    assert!(
        mean_square(&w.residual(std::slice::from_ref(&u))).sqrt() < 1e-5,
        "{}",
        mean_square(&w.residual(std::slice::from_ref(&u))).sqrt()
    );
    let off = on_points(&s, |p| exact(p[0], p[1]) + 0.02 * libm::sin(2.0 * PI * p[0]) * libm::cos(PI * p[1]));
    let measured = mean_square(&w.residual(std::slice::from_ref(&off)));
    assert!((measured / 1e-4 - 1.0).abs() < 0.05, "{measured}");
}

/// u' = 4 u (1 - u), u(0) = 0.2.
fn logistic() -> (Arc<WeakSystem>, Vec<f64>) {
    let product = program(1, true, |e| {
        let u = e.op(Op::Input(1));
        let (one, two) = (e.number(1.0), e.number(2.0));
        let rest = e.op(Op::Binary(Binary::Sub, one, u));
        let double = e.times(two, u);
        let slope = e.op(Op::Binary(Binary::Sub, one, double));
        vec![("slopes", slope), ("value", e.times(u, rest))]
    });
    let volume = vec![
        term(constant(1, -1.0), &[1], Integrand::Field(0)),
        term(constant(1, -4.0), &[0], Integrand::Function(Box::new(product))),
    ];
    let boundary = vec![BoundaryTerm { coord: 0, high: false, coef: constant(1, -0.2), test: MultiIndex(vec![0]) }];
    let s = assembled(&weak(30, volume, boundary, vec![[vec![], vec![0]]]), &[coord(0.0, 1.0)]);
    let exact = on_points(&s, |x| {
        let e = libm::exp(4.0 * x[0]);
        0.2 * e / (1.0 + 0.2 * (e - 1.0))
    });
    (s, exact)
}

#[test]
fn plain_numbers_give_the_same_rows() {
    for (s, exact) in [poisson(), logistic()] {
        let u: Vec<f64> = exact.iter().enumerate().map(|(i, u)| u + 0.1 * libm::sin(i as f64)).collect();
        let w = s.linearise(Some(std::slice::from_ref(&exact)));
        let a = w.arrays();
        let mut z = a.load.to_vec();
        let mut add = |values: &[f64], g: &[f64]| {
            for (n, g) in g.iter().enumerate() {
                for k in a.starts[n]..a.starts[n + 1] {
                    z[a.which[k] as usize] += a.weights[n] * values[k] * g;
                }
            }
        };
        add(&a.linear[0], &u);
        for (values, integrand) in &a.nonlinear {
            let width = integrand.output_len();
            let at = integrand.output_offset("value").expect("a value");
            let out = eval(integrand, &[w.points(), &u]);
            add(values, &out.chunks_exact(width).map(|o| o[at]).collect::<Vec<f64>>());
        }
        let rows = w.residual(std::slice::from_ref(&u));
        assert_eq!(rows.len(), a.matrix.nrows());
        for (i, row) in rows.iter().enumerate() {
            let here: f64 = a.kept.iter().enumerate().map(|(j, m)| a.matrix[(i, j)] * z[*m]).sum();
            assert!((here - row).abs() < 1e-9, "row {i}: {here} {row}");
        }
    }
}

#[test]
fn newton_converges_on_a_nonlinear_equation() {
    let (s, exact) = logistic();
    assert!(
        mean_square(&s.linearise(Some(std::slice::from_ref(&exact))).residual(std::slice::from_ref(&exact))).sqrt()
            < 1e-7
    );
    // Polynomials as features.
    let features: Vec<f32> = s.points().iter().flat_map(|&x| (0..8).map(move |k| (x - 0.5).powi(k) as f32)).collect();
    let mut u = vec![0.5; s.len()];
    for _ in 0..8 {
        let w = s.linearise(Some(std::slice::from_ref(&u)));
        let solved = crate::train::readout::solve(
            w.apply(&[Numbers::Single(features.clone())], 8).as_ref(),
            w.target(),
            8,
            crate::train::readout::Penalty::Given(0.0),
        );
        let weights = solved.expect("finite").weights;
        u = (0..s.len()).map(|i| (0..8).map(|k| weights[k] * f64::from(features[i * 8 + k])).sum()).collect();
    }
    let error: Vec<f64> = u.iter().zip(&exact).map(|(a, b)| a - b).collect();
    assert!(mean_square(&error).sqrt() < 1e-3, "{}", mean_square(&error).sqrt());
}

#[test]
fn what_the_equation_cannot_see_is_left_out() {
    // -u'' = 0 with u' given at both ends: constants are free, and one equation is a condition on the data alone.
    let volume = vec![term(constant(1, -1.0), &[2], Integrand::Field(0))];
    let s = assembled(&weak(24, volume, vec![], vec![[vec![1], vec![1]]]), &[coord(0.0, 1.0)]);
    let w = s.linearise(None);
    assert_eq!((s.tests(), w.rows()), (22, 21));
    assert!(mean_square(&w.residual(&[vec![3.0; s.len()]])) < 1e-16);
    let off = on_points(&s, |x| libm::cos(PI * x[0]));
    assert!((mean_square(&w.residual(std::slice::from_ref(&off))) - 0.5).abs() < 1e-6);
}

#[test]
fn high_orders_get_splines_that_have_them() {
    // u'''' = f, clamped: u = (1 - x^2)^2 on [-1, 1], f = 24.
    let volume =
        vec![term(constant(1, 1.0), &[4], Integrand::Field(0)), term(constant(1, -24.0), &[0], Integrand::One)];
    let form = weak(24, volume, vec![], vec![[vec![0, 1], vec![0, 1]]]);
    let s = assembled(&form, &[coord(-1.0, 1.0)]);
    let w = s.linearise(None);
    assert_eq!(w.rows(), 20);
    let exact = on_points(&s, |x| (1.0 - x[0] * x[0]).powi(2));
    assert!(
        mean_square(&w.residual(std::slice::from_ref(&exact))).sqrt() < 1e-6,
        "{}",
        mean_square(&w.residual(std::slice::from_ref(&exact))).sqrt()
    );
    let off: Vec<f64> = exact.iter().map(|u| 1.01 * u).collect();
    let size = mean_square(&exact).sqrt() * 0.01;
    assert!((mean_square(&w.residual(std::slice::from_ref(&off))).sqrt() / size - 1.0).abs() < 0.01);
}

#[test]
fn three_coordinates_and_a_variable_coefficient() {
    // u_t = u_xx + y^2 u_yy + s, u = 0 on the sides and u(t = 0) = 0, with u = t (1 - x) x (1 - y) y.
    let exact = |p: &[f64]| p[2] * p[0] * (1.0 - p[0]) * p[1] * (1.0 - p[1]);
    // (y^2 psi)_yy = y^2 psi_yy + 4 y psi_y + 2 psi.
    let power = |a: f64, n: i32| {
        program(3, false, |e| {
            let y = e.coord(1);
            let mut v = e.number(a);
            for _ in 0..n {
                v = e.times(v, y);
            }
            vec![("value", v)]
        })
    };
    // s = u_t - u_xx - y^2 u_yy = x(1-x) y(1-y) + 2 t y(1-y) + 2 t y^2 x(1-x).
    let source = program(3, false, |e| {
        let (x, y, t) = (e.coord(0), e.coord(1), e.coord(2));
        let one = e.number(1.0);
        let rx = e.op(Op::Binary(Binary::Sub, one, x));
        let ry = e.op(Op::Binary(Binary::Sub, one, y));
        let (bx, by) = (e.times(x, rx), e.times(y, ry));
        let first = e.times(bx, by);
        let t2 = e.scaled(2.0, t);
        let second = e.times(t2, by);
        let yy = e.times(y, y);
        let third = e.times(t2, yy);
        let third = e.times(third, bx);
        let sum = e.op(Op::Binary(Binary::Add, first, second));
        let sum = e.op(Op::Binary(Binary::Add, sum, third));
        vec![("value", e.scaled(-1.0, sum))]
    });
    let volume = vec![
        term(constant(3, -1.0), &[0, 0, 1], Integrand::Field(0)),
        term(constant(3, -1.0), &[2, 0, 0], Integrand::Field(0)),
        term(power(-1.0, 2), &[0, 2, 0], Integrand::Field(0)),
        term(power(-4.0, 1), &[0, 1, 0], Integrand::Field(0)),
        term(constant(3, -2.0), &[0, 0, 0], Integrand::Field(0)),
        term(source, &[0, 0, 0], Integrand::One),
    ];
    let sides = [vec![0], vec![0]];
    let form = weak(8, volume, vec![], vec![sides.clone(), sides, [vec![], vec![0]]]);
    let s = assembled(&form, &[coord(0.0, 1.0), coord(0.0, 1.0), coord(0.0, 1.0)]);
    let w = s.linearise(None);
    assert_eq!(w.rows(), 6 * 6 * 7);
    let u = on_points(&s, exact);
    assert!(
        mean_square(&w.residual(std::slice::from_ref(&u))).sqrt() < 1e-6 * mean_square(&u).sqrt(),
        "{}",
        mean_square(&w.residual(std::slice::from_ref(&u)))
    );
}

fn ring(lo: f64, hi: f64) -> Coord {
    Coord { periodic: true, ..coord(lo, hi) }
}

#[test]
fn a_wave_goes_round_a_periodic_coordinate() {
    // u_t + 2 u_x = 0 on x in -1 .. 1 periodic, t in 0 .. 1, u = sin(pi x) at t = 0.
    let volume = vec![
        term(constant(2, -1.0), &[0, 1], Integrand::Field(0)),
        term(constant(2, -2.0), &[1, 0], Integrand::Field(0)),
    ];
    let start = program(2, false, |e| {
        let x = e.coord(0);
        vec![("value", e.sine(-1.0, PI, x))]
    });
    let boundary = vec![BoundaryTerm { coord: 1, high: false, coef: start, test: MultiIndex(vec![0, 0]) }];
    let vanish = vec![[vec![], vec![]], [vec![], vec![0]]];
    let s = assembled(&weak(16, volume, boundary, vanish), &[ring(-1.0, 1.0), coord(0.0, 1.0)]);
    assert_eq!((s.tests(), s.lead), (16 * 15, Some(1)));
    let w = s.linearise(None);
    assert_eq!(w.rows(), 16 * 15);
    let exact = |p: &[f64]| libm::sin(PI * (p[0] - 2.0 * p[1]));
    assert!(mean_square(&w.residual(&[on_points(&s, exact)])) < 1e-8);
    // An error of mean square 5e-5 that lies in the range of the operator.
    let off = on_points(&s, |p| exact(p) + 0.01 * libm::cos(PI * p[0]));
    let measured = mean_square(&w.residual(std::slice::from_ref(&off)));
    assert!((measured - 5e-5).abs() < 5e-6, "{measured}");
}

#[test]
fn with_periodic_coordinates_only_the_system_is_dense() {
    // u_xx + u_yy - u = f, u = sin(2 pi x) sin(2 pi y).
    let k = 2.0 * PI;
    let f = program(2, false, |e| {
        let (x, y) = (e.coord(0), e.coord(1));
        let (a, b) = (e.sine(2.0 * k * k + 1.0, k, x), e.sine(1.0, k, y));
        vec![("value", e.times(a, b))]
    });
    let one = || constant(2, 1.0);
    let volume = vec![
        term(one(), &[2, 0], Integrand::Field(0)),
        term(one(), &[0, 2], Integrand::Field(0)),
        term(constant(2, -1.0), &[0, 0], Integrand::Field(0)),
        term(f, &[0, 0], Integrand::One),
    ];
    let none = || [vec![], vec![]];
    let s = assembled(&weak(10, volume, vec![], vec![none(), none()]), &[ring(0.0, 1.0), ring(0.0, 1.0)]);
    assert_eq!((s.tests(), s.lead), (100, None));
    let w = s.linearise(None);
    assert_eq!(w.rows(), 100);
    let exact = |p: &[f64]| libm::sin(k * p[0]) * libm::sin(k * p[1]);
    assert!(mean_square(&w.residual(&[on_points(&s, exact)])) < 1e-6);
    let off = on_points(&s, |p| exact(p) + 0.01);
    assert!((mean_square(&w.residual(std::slice::from_ref(&off))) - 1e-4).abs() < 1e-5);
}

#[test]
fn a_mixed_condition_holds_by_its_tests() {
    // u'' = f on 0 .. 1, u = 0 at 0, u' + 2 u = g at 1, u = sin(x):
    // int u psi'' - int f psi + [u' psi - u psi']: at 1 with u' = g - 2 u: g psi - u (psi' + 2 psi).
    let f = program(1, false, |e| {
        let x = e.coord(0);
        vec![("value", e.sine(1.0, 1.0, x))]
    });
    let g = libm::cos(1.0) + 2.0 * libm::sin(1.0);
    let volume = vec![term(constant(1, 1.0), &[2], Integrand::Field(0)), term(f, &[0], Integrand::One)];
    let boundary = vec![BoundaryTerm { coord: 0, high: true, coef: constant(1, g), test: MultiIndex(vec![0]) }];
    let mut form = weak(24, volume, boundary, vec![[vec![0], vec![]]]);
    form.ties = vec![crate::ir::problem::Tie { coord: 0, high: true, parts: vec![(1, 1.0), (0, 2.0)] }];
    let s = assembled(&form, &[coord(0.0, 1.0)]);
    assert_eq!(s.tests(), 22);
    let w = s.linearise(None);
    assert!(mean_square(&w.residual(&[on_points(&s, |x| libm::sin(x[0]))])) < 1e-14);
}

/// Spans ten times finer about 1 than elsewhere.
fn fine_about_one() -> Grading {
    let at = |p: f64| {
        let z = 2.0 * p - 1.0;
        1.0 + 0.1 * z + 0.9 * z * z * z
    };
    let places = (0..=PARTS).map(|k| at(k as f64 / PARTS as f64)).collect();
    Grading { places: vec![places] }
}

#[test]
fn graded_spans_see_what_equal_ones_do_not() {
    let f = program(1, false, |e| {
        let x = e.coord(0);
        vec![("value", e.sine(-PI * PI / 4.0, PI / 2.0, x))]
    });
    let volume = vec![term(constant(1, -1.0), &[2], Integrand::Field(0)), term(f, &[0], Integrand::One)];
    let form = weak(24, volume, vec![], vec![[vec![0], vec![0]]]);
    let coords = [coord(0.0, 2.0)];
    assert!(fine_about_one().is_of(&coords));
    let measured = |s: &Arc<WeakSystem>, off: &dyn Fn(f64) -> f64| {
        let u = vec![on_points(s, |x| libm::sin(PI * x[0] / 2.0) + off(x[0]))];
        mean_square(&s.linearise(None).residual(&u))
    };
    let graded = WeakSystem::graded(&form, &coords, |_| false, Some(&fine_about_one()));
    let equal = assembled(&form, &coords);
    assert_eq!((graded.tests(), graded.len()), (equal.tests(), equal.len()));
    assert!((graded.weights().iter().sum::<f64>() - 2.0).abs() < 1e-12);
    assert!(measured(&graded, &|_| 0.0) < 1e-10, "{}", measured(&graded, &|_| 0.0));
    // A smooth error is measured as itself: the mean of (0.01 sin)^2.
    let smooth = |x: f64| 0.01 * libm::sin(PI * x);
    assert!((measured(&graded, &smooth) - 5e-5).abs() < 1e-6, "{}", measured(&graded, &smooth));
    // A thin one, whose mean square is 1e-4 * 0.01 * sqrt(pi / 2) / 2, only where spans are thin: between the points of equal
    // ones it is hardly there.
    let thin = |x: f64| 0.01 * libm::exp(-((x - 1.018) / 0.01) * ((x - 1.018) / 0.01));
    let truth = 1e-4 * 0.01 * libm::sqrt(PI / 2.0) / 2.0;
    assert!(measured(&graded, &thin) > 0.6 * truth, "{}", measured(&graded, &thin) / truth);
    assert!(measured(&equal, &thin) < 0.3 * truth, "{}", measured(&equal, &thin) / truth);
}
