//! Derivatives through the time loop: the derivative of a state is a state.

use snnc::exec::driver::run;
use snnc::exec::interp::{Interpreter, eval};
use snnc::func::{MultiIndex, SurrogateKind};
use snnc::ir::program::Program;
use snnc::pass::{jet, jvp, pipelines};

use crate::rules::{checked, program, surrogate};

/// h <- tanh(h W + x v), three steps, u = sum of (h and a running mean of it).
const RECURRENT: &str = r#"program "recurrent" steps 3 directions 0
input "coords" [1]
param "w" [2 x 2] trainable
param "v" [1 x 2] trainable
table "mean" [3] = 0.5, 0.25, 0.25
init {
  %0 = input 0 : 1
  %1 = dense %0, "v" : 2
  %2 = const 0.0 : 1
  %3 = splat %2, 2 : 2
}
state 0 : 2 = %3 next %7
state 1 : 2 = %3 next %12
step {
  %4 = state 0 : 2
  %5 = dense %4, "w" : 2
  %6 = add %5, %1 : 2
  %7 = tanh %6 : 2
  %8 = table 0 : 1
  %9 = splat %8, 2 : 2
  %10 = mul %9, %7 : 2
  %11 = state 1 : 2
  %12 = add %11, %10 : 2
}
finish {
  %13 = state 0 : 2
  %14 = state 1 : 2
  %15 = add %13, %14 : 2
  %16 = sum %15 : 1
}
output "u" = %16
"#;

const WEIGHTS: [f32; 6] = [0.5, -0.8, 0.9, 0.3, 1.2, -0.7];

#[test]
fn tangents_of_a_recurrent_network() {
    let directions: [f32; 12] = [1.0, 0.2, 0.0, -1.0, 0.3, 0.5, -0.4, 0.1, 0.7, -0.9, 0.6, 0.8];
    let value = Interpreter::new(program(RECURRENT));
    let plain = checked(jvp::jvp(value_program(), &["u"], 2));
    let x = [0.3f32, -0.9];
    let got = run(&Interpreter::new(plain.clone()), &x, &WEIGHTS, &directions).outputs;
    let fast = run(&Interpreter::new(pipelines::optimise(plain)), &x, &WEIGHTS, &directions).outputs;
    assert_eq!(got, fast);
    let h = 1.0 / 256.0;
    for k in 0..2 {
        let moved = |h: f32| {
            let mut params = WEIGHTS;
            params.iter_mut().enumerate().for_each(|(i, w)| *w += h * directions[2 * i + k]);
            run(&value, &x, &params, &[]).outputs
        };
        let (lo, hi) = (moved(-h), moved(h));
        for point in 0..2 {
            let difference = (hi[point] - lo[point]) / (2.0 * h);
            let exact = got[3 * point + 1 + k];
            assert!((exact - difference).abs() < 1e-3, "{exact} {difference}");
        }
    }
}

fn value_program() -> &'static Program {
    static PROGRAM: std::sync::LazyLock<Program> = std::sync::LazyLock::new(|| program(RECURRENT));
    &PROGRAM
}

#[test]
fn jets_of_a_recurrent_network() {
    let alphas: Vec<MultiIndex> = (1..=3).map(|n| MultiIndex(vec![n])).collect();
    let p = pipelines::optimise(jet::jet(value_program(), &["u"], &alphas));
    let kernel = Interpreter::new(p);
    let at = |x: f32| run(&kernel, &[x], &WEIGHTS, &[]).outputs;
    let h = 1.0 / 256.0;
    for x in [0.3, -0.9] {
        let (lo, here, hi) = (at(x - h), at(x), at(x + h));
        for n in 0..3 {
            let difference = (hi[n] - lo[n]) / (2.0 * h);
            assert!((here[n + 1] - difference).abs() < 5e-3 * (1.0 + difference.abs()), "{n}: {here:?} {difference}");
        }
    }
}

/// A state whose first value alone, or whose next value alone, depends on the coordinate.
#[test]
fn either_end_of_a_state_may_be_constant() {
    let text = r#"program "ends" steps 2 directions 0
input "coords" [1]
init {
  %0 = input 0 : 1
  %1 = mul %0, %0 : 1
  %2 = const 3.0 : 1
}
state 0 : 1 = %1 next %2
state 1 : 1 = %2 next %1
state 2 : 1 = %2 next %5
step {
  %3 = state 0 : 1
  %4 = state 2 : 1
  %5 = add %3, %4 : 1
}
finish {
  %6 = state 0 : 1
  %7 = state 1 : 1
  %8 = state 2 : 1
}
output "first" = %6
output "next" = %7
output "sum" = %8
"#;
    let names = ["first", "next", "sum"];
    let p = checked(jet::jet(&program(text), &names, &[MultiIndex(vec![1]), MultiIndex(vec![2])]));
    let values = |p: &Program| -> Vec<f64> {
        let all = eval(p, &[&[0.5]]);
        let name = |n: &str, k| jet::output_name(n, &MultiIndex(vec![k]));
        let at = |n: &str, k| all[p.output_offset(&name(n, k)).expect("the output")];
        names.iter().flat_map(|n| (0..3).map(move |k| at(n, k))).collect()
    };
    // first = 3; next = x^2; sum = 3 + x^2 + 3.
    let want = [3.0, 0.0, 0.0, 0.25, 1.0, 2.0, 6.25, 1.0, 2.0];
    assert_eq!(values(&p), want);
    assert_eq!(values(&pipelines::optimise(p)), want);
}

/// U <- lambda U + w x - theta S, S = H(U - theta), against the tangent's own recursion written by hand (in double
/// precision, along the same spikes).
#[test]
fn tangents_of_a_leaky_integrate_and_fire_neuron() {
    const STEPS: usize = 12;
    let (lambda, theta) = (0.875f64, 1.0f64);
    let text = format!(
        r#"program "lif" steps {STEPS} directions 0
input "coords" [1]
param "w" [1 x 1] trainable
init {{
  %0 = input 0 : 1
  %1 = dense %0, "w" : 1
  %2 = const 0.0 : 1
  %3 = const {lambda:?} : 1
  %4 = const {theta:?} : 1
}}
state 0 : 1 = %2 next %11
state 1 : 1 = %2 next %13
step {{
  %5 = state 0 : 1
  %6 = mul %3, %5 : 1
  %7 = add %6, %1 : 1
  %8 = sub %7, %4 : 1
  %9 = spike strict %8, triangle 0.5 : 1
  %10 = mul %4, %9 : 1
  %11 = sub %7, %10 : 1
  %12 = state 1 : 1
  %13 = add %12, %9 : 1
}}
finish {{
  %14 = state 1 : 1
}}
output "count" = %14
"#
    );
    let plain = checked(jvp::jvp(&program(&text), &["count"], 2));
    let fast = pipelines::optimise(plain.clone());
    let mut some = false;
    for (x, w) in [(1.0f32, 0.3f32), (0.5, 1.0), (1.5, 0.25), (-1.0, 0.4)] {
        let (mut u, mut du, mut count, mut dcount) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..STEPS {
            let v: f64 = lambda * u + f64::from(x * w);
            let dv = lambda * du + f64::from(x);
            let (s, ds) = if v > theta { (1.0, 0.0) } else { (0.0, 0.0) };
            let ds = ds + surrogate(SurrogateKind::Triangle, 0.5, v - theta) * dv;
            (u, du) = (v - theta * s, dv - theta * ds);
            (count, dcount) = (count + s, dcount + ds);
        }
        for p in [&plain, &fast] {
            let got = run(&Interpreter::new(p.clone()), &[x], &[w], &[1.0, -2.0]).outputs;
            assert_eq!(f64::from(got[0]), count);
            for (got, want) in got[1..].iter().zip([dcount, -2.0 * dcount]) {
                assert!((f64::from(*got) - want).abs() < 1e-3 * (1.0 + want.abs()), "{x} {w}: {got} {want}");
            }
        }
        some |= dcount != 0.0;
    }
    assert!(some, "the surrogate never acted");
}

/// What the parameters do not move has the tangent 0, whatever it is.
#[test]
fn tangents_that_are_zero() {
    let text = r#"program "zero" steps 0 directions 0
input "coords" [2]
param "w" [1 x 2]
init {
  %0 = input 0 : 2
  %1 = param "w" : 2
  %2 = mul %0, %1 : 2
}
output "u" = %2
"#;
    let p = pipelines::optimise(checked(jvp::jvp(&program(text), &["u"], 3)));
    let got = run(&Interpreter::new(p), &[1.0, 2.0], &[3.0, f32::INFINITY], &[5.0; 6]).outputs;
    assert_eq!(got, [3.0, f32::INFINITY, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}
