//! Residuals as functions of observed derivatives, and exact solutions, in double precision.

use snnc::exec::interp::eval;
use snnc::func::MultiIndex;
use snnc::ir::problem::{Derivatives, Place, Pointwise, Problem, Rows};

use crate::support::{close, problem};

const SMOOTH: &str = "domain { x in 0 .. 2  t in 0 .. 1 }
    network u(x, t) { layer h = (x, t) |> dense(5) |> tanh output = h |> dense(1) }";

fn pointwise(p: &Problem, k: usize) -> &Pointwise {
    match &p.residuals[k].rows {
        Rows::Pointwise(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_residual_is_a_function_of_its_atoms_and_slopes_are_its_derivatives() {
    let p = problem(&format!(
        "{SMOOTH} const k = 0.1  fn source(x, t) = exp(-t)*sin(pi*x)
         residual pde on interior : d(u, t) + u^3*d(u, x) = d(k*(1 + x)*d(u, x), x) + source(x, t)  by jet"
    ));
    let r = pointwise(&p, 0);
    let index = |a: [u8; 2]| MultiIndex(a.to_vec());
    let alphas: Vec<_> = r.atoms.iter().map(|a| a.alpha.clone()).collect();
    assert_eq!(alphas, [index([0, 0]), index([0, 1]), index([1, 0]), index([2, 0])]);
    assert_eq!((r.by, r.linear), (Derivatives::Jet, false));
    for (x, t, [u, ut, ux, uxx]) in [(0.3, 0.2, [1.5, -0.4, 0.7, 2.0]), (1.9, 0.9, [-0.2, 3.0, -1.0, 0.25])] {
        let f = |u: f64, ut: f64, ux: f64, uxx: f64| {
            ut + u * u * u * ux - 0.1 * ux - 0.1 * (1.0 + x) * uxx - libm::exp(-t) * libm::sin(std::f64::consts::PI * x)
        };
        let atoms = [u, ut, ux, uxx];
        close(eval(&r.value, &[&[x, t], &atoms])[0], f(u, ut, ux, uxx), 1e-13, "value");
        let slopes = eval(&r.slopes, &[&[x, t], &atoms]);
        let want = [3.0 * u * u * ux, 1.0, u * u * u - 0.1, -0.1 * (1.0 + x)];
        assert_eq!(slopes.len(), 4);
        for (got, want) in slopes.iter().zip(want) {
            close(*got, want, 1e-13, "slope");
        }
    }
}

#[test]
fn linear_residuals_say_so() {
    let p = problem(&format!(
        "{SMOOTH}
         residual a on interior : d(u, x, x) = exp(x)*u + t  by jet
         residual b on interior : d(u, x) = sin(u)  by jet
         residual c on t = 0 : u = x"
    ));
    assert_eq!([0, 1, 2].map(|k| pointwise(&p, k).linear), [true, false, true]);
    assert_eq!(pointwise(&p, 2).by, Derivatives::None);
    assert!(matches!(&p.residuals[2].place, Place::Faces(f) if f.len() == 1 && f[0].coord == 1 && f[0].value == 0.0));
}

#[test]
fn columns_of_a_file_reach_the_residual() {
    let p = problem(
        "domain { x in 0 .. 1 } network u(x) { output = x |> dense(1) }
         residual obs on \"probe.csv\" : 2*u = value + x  weight 3",
    );
    assert_eq!(p.residuals[0].weight, 3.0);
    let Place::Data { points, columns } = &p.residuals[0].place else { panic!("{:?}", p.residuals[0].place) };
    assert_eq!(points, &[vec![0.0], vec![0.5], vec![1.0]]);
    assert_eq!(columns, &[vec![1.0, 0.0], vec![2.5, 0.5], vec![-3.0, 1.0]]);
    let r = pointwise(&p, 0);
    let names: Vec<_> = r.value.inputs.iter().map(|i| (i.name.as_str(), i.width)).collect();
    assert_eq!(names, [("coords", 1), ("columns", 2), ("atoms", 1)]);
    assert_eq!(eval(&r.value, &[&[0.5], &[2.5, 0.5], &[4.0]]), [2.0 * 4.0 - (2.5 + 0.5)]);
    assert_eq!(eval(&r.slopes, &[&[0.5], &[2.5, 0.5], &[4.0]]), [2.0]);
}

#[test]
fn the_exact_solution_is_evaluated_in_double_precision() {
    let p = problem(&format!(
        "{SMOOTH} residual r on domain : u = 0
         exact u = if x > 1 and t < 0.5 then sum(i in 1 .. 3, x^i/i) else x^2.5 + t^(-2) + atan2(x, t)"
    ));
    let exact = p.exact[0].as_ref().expect("there is one");
    let at = [1.5f64, 0.25, 0.5, 0.75];
    let got = eval(exact, &[&at]);
    close(got[0], 1.5 + 1.5f64.powi(2) / 2.0 + 1.5f64.powi(3) / 3.0, 1e-15, "first point");
    close(got[1], 0.5f64.powi(2) * 0.5f64.sqrt() + 0.75f64.powi(-2) + 0.5f64.atan2(0.75), 1e-15, "second point");
}

#[test]
fn conditions_that_enter_a_weak_form_are_measured_by_themselves() {
    let p = problem(
        "domain { x in 0 .. 1 } network u(x) { steps 4 layer h = tuned(x, 6) |> lif output = h |> mean |> dense(1) }
         residual poisson on interior : -d(u, x, x) = sin(x)  by weak(tests = 12)
         residual ends on x = 0, x = 1 : u = 0.5",
    );
    let Rows::Weak(weak) = &p.residuals[0].rows else { panic!("{:?}", p.residuals[0].rows) };
    assert_eq!((weak.tests, weak.linear, &weak.absorbed[..]), (Some(12), true, &[1usize][..]));
    // Boundary terms hold the data: 0.5 times a sign, at both ends.
    let data: Vec<_> =
        weak.boundary.iter().map(|b| (b.high, eval(&b.coef, &[&[if b.high { 1.0 } else { 0.0 }]])[0].abs())).collect();
    assert!(data.contains(&(false, 0.5)) && data.contains(&(true, 0.5)), "{data:?}");
    let Rows::Absorbed { by: 0, measure } = &p.residuals[1].rows else { panic!("{:?}", p.residuals[1].rows) };
    assert_eq!(eval(&measure.value, &[&[0.0], &[2.0]]), [1.5]);
}
