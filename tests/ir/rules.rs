//! Every rule of differentiation against central differences, in double precision where a program has no parameters.
//!
//! A derivative is compared with the difference of the one with one order less, so that a chain of them ties the highest
//! to the value itself.

use snnc::exec::driver::run;
use snnc::exec::interp::{Interpreter, eval};
use snnc::func::{Binary, MultiIndex, SurrogateKind, Unary};
use snnc::ir::program::Program;
use snnc::ir::read::read;
use snnc::ir::verify::verify;
use snnc::pass::{jet, jvp, pipelines};

pub fn program(text: &str) -> Program {
    let p = read(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    checked(p)
}

pub fn checked(p: Program) -> Program {
    if let Err(e) = verify(&p) {
        panic!("{e}\n{p}");
    }
    p
}

/// The program `u = <body>` of two coordinates `%0 = x` and `%1 = y`; the last line defines `%9`.
fn field(body: &str) -> Program {
    program(&format!(
        "program \"u\" steps 0 directions 0\ninput \"coords\" [2]\ninit {{\n%100 = input 0 : 2\n\
         %0 = slice %100, start 0, len 1 : 1\n%1 = slice %100, start 1, len 1 : 1\n{body}\n}}\noutput \"u\" = %9\n"
    ))
}

/// All multi-indices of two coordinates up to that order, zero included.
fn indices(order: u8) -> Vec<MultiIndex> {
    (0..=order).flat_map(|n| (0..=n).map(move |i| MultiIndex(vec![n - i, i]))).collect()
}

/// Compares all derivatives up to the order with differences at these points.
fn check(body: &str, points: &[[f64; 2]], order: u8) {
    let alphas = indices(order);
    let plain = checked(jet::jet(&field(body), &["u"], &alphas));
    let p = pipelines::optimise(plain.clone());
    let at = |p: &Program, x: [f64; 2], alpha: &MultiIndex| {
        let offset = p.output_offset(&jet::output_name("u", alpha)).expect("the derivative");
        eval(p, &[&x])[offset]
    };
    let h = 1e-5;
    for &x in points {
        for alpha in &alphas {
            let fast = at(&p, x, alpha);
            assert!(fast.is_finite(), "{body}: D^{alpha:?} at {x:?} is {fast}");
            assert_eq!(fast.to_bits(), at(&plain, x, alpha).to_bits(), "{body}: passes changed D^{alpha:?}");
            for i in 0..2 {
                let more = alpha.plus(i);
                if !alphas.contains(&more) {
                    continue;
                }
                let (mut lo, mut hi) = (x, x);
                lo[i] -= h;
                hi[i] += h;
                let difference = (at(&p, hi, alpha) - at(&p, lo, alpha)) / (2.0 * h);
                let exact = at(&p, x, &more);
                let scale = 1.0 + exact.abs() + fast.abs();
                assert!(
                    (exact - difference).abs() < 2e-7 * scale,
                    "{body}: D^{more:?} at {x:?} is {exact}, the difference {difference}"
                );
            }
        }
    }
}

/// Points within the domain of every function that needs one, and away from kinks.
fn points_of(f: Unary) -> Vec<[f64; 2]> {
    let inside = [0.15, 0.4, 0.83];
    let outside = [-2.3, -0.7, 1.3];
    let positive = matches!(f, Unary::Sqrt | Unary::Log | Unary::Log2);
    let unit = matches!(f, Unary::Asin | Unary::Acos);
    let all = if unit {
        vec![-0.6, 0.15, 0.4]
    } else if positive {
        inside.to_vec()
    } else {
        [inside, outside].concat()
    };
    all.into_iter().map(|x| [x, 0.3]).collect()
}

#[test]
fn functions_of_one_number() {
    let named = Unary::NAMED.iter().map(|(_, f)| *f);
    for f in named.chain([Unary::Neg]) {
        check(&format!("%9 = {} %0 : 1", f.name()), &points_of(f), 3);
    }
}

/// Of something that itself depends on both coordinates.
#[test]
fn functions_of_functions() {
    for f in [Unary::Tanh, Unary::Sigmoid, Unary::Exp, Unary::Sqrt, Unary::Gelu, Unary::Log] {
        let body = format!("%2 = mul %0, %1 : 1\n%3 = sin %0 : 1\n%4 = add %2, %3 : 1\n%9 = {} %4 : 1", f.name());
        check(&body, &[[0.7, 0.4], [1.1, 0.9]], 4);
    }
}

#[test]
fn functions_of_two_numbers() {
    for f in Binary::ALL {
        for body in [
            format!("%9 = {} %0, %1 : 1", f.name()),
            format!("%2 = sin %1 : 1\n%3 = mul %2, %0 : 1\n%9 = {} %3, %1 : 1", f.name()),
            format!("%2 = sin %0 : 1\n%3 = const 1.75 : 1\n%9 = {} %2, %3 : 1", f.name()),
            format!("%2 = sin %0 : 1\n%3 = const 1.75 : 1\n%9 = {} %3, %2 : 1", f.name()),
        ] {
            check(&body, &[[0.7, 0.4], [0.3, 1.2], [1.4, 0.9]], 3);
        }
    }
    check("%9 = mul %0, %0 : 1", &[[-0.7, 0.4]], 3);
}

#[test]
fn fused_products() {
    for body in [
        "%2 = sin %1 : 1\n%9 = fma %0, %1, %2 : 1",
        "%2 = sin %1 : 1\n%9 = fma %2, %0, %0 : 1",
        "%2 = exp %1 : 1\n%9 = fma %0, %0, %2 : 1",
        "%2 = const 1.75 : 1\n%3 = exp %0 : 1\n%9 = fma %3, %2, %1 : 1",
        "%2 = const 1.75 : 1\n%3 = exp %0 : 1\n%9 = fma %3, %1, %2 : 1",
    ] {
        check(body, &[[0.7, 0.4], [-0.3, 1.2]], 3);
    }
}

#[test]
fn powers_with_constant_exponents() {
    for c in ["0.0", "1.0", "2.0", "3.0", "4.0", "5.0", "-1.0", "-2.0"] {
        check(&format!("%2 = const {c} : 1\n%9 = pow %0, %2 : 1"), &[[-0.7, 0.4], [1.3, 0.4]], 4);
    }
    for c in ["0.5", "2.5", "-0.3"] {
        check(&format!("%2 = const {c} : 1\n%9 = pow %0, %2 : 1"), &[[0.7, 0.4], [1.3, 0.4]], 3);
    }
    // Whole exponents have derivatives at 0 too.
    for c in ["1.0", "2.0", "3.0", "4.0"] {
        check(&format!("%2 = const {c} : 1\n%9 = pow %0, %2 : 1"), &[[0.0, 0.4]], 2);
    }
}

#[test]
fn choices_take_the_derivative_of_the_branch_taken() {
    let body = "%2 = lt %0, %1 : mask 1\n%3 = sin %0 : 1\n%4 = mul %0, %1 : 1\n%9 = select %2, %3, %4 : 1";
    check(body, &[[0.7, 0.4], [0.3, 1.2]], 3);
    let one_side = "%2 = lt %0, %1 : mask 1\n%3 = sin %0 : 1\n%4 = const 2.0 : 1\n%9 = select %2, %3, %4 : 1";
    check(one_side, &[[0.7, 0.4], [0.3, 1.2]], 2);
}

#[test]
fn vectors_cut_joined_spread_and_summed() {
    let body = "%2 = splat %0, 3 : 3\n%3 = const 2.0 : 1\n%4 = concat %1, %3, %0 : 3\n%5 = mul %2, %4 : 3\n\
                %6 = exp %5 : 3\n%7 = slice %6, start 1, len 2 : 2\n%8 = mul %7, %7 : 2\n%9 = sum %8 : 1";
    check(body, &[[0.7, 0.4], [-0.3, 0.2]], 3);
    // Slices of the coordinates that hold both, and the whole vector.
    check(
        "%2 = sin %100 : 2\n%3 = slice %100, start 0, len 2 : 2\n%4 = mul %2, %3 : 2\n%9 = sum %4 : 1",
        &[[0.7, 0.4]],
        2,
    );
}

/// u(x, t) = w2 . tanh(W1 (x, t) + b1) with parameters, in single precision: values, second and mixed derivatives.
const NETWORK: &str = r#"program "net" steps 0 directions 0
input "coords" [2]
param "h.weight" [2 x 5] trainable
param "h.bias" [1 x 5] trainable
param "out.weight" [5 x 1] trainable
param "fixed" [1 x 1]
init {
  %0 = input 0 : 2
  %1 = dense %0, "h.weight" : 5
  %2 = param "h.bias" : 5
  %3 = add %1, %2 : 5
  %4 = tanh %3 : 5
  %5 = dense %4, "out.weight" : 1
  %6 = param "fixed" : 1
  %7 = mul %5, %6 : 1
}
output "u" = %7
"#;

const PARAMS: [f32; 21] = [
    0.9, -0.7, 0.4, 1.2, -0.5, 0.3, 0.8, -1.1, 0.6, 0.2, // h.weight
    0.1, -0.2, 0.3, 0.05, -0.4, // h.bias
    0.7, -0.9, 0.5, 1.1, -0.6, // out.weight
    1.25, // fixed
];

#[test]
fn jets_of_a_network() {
    let alphas = indices(3);
    let plain = checked(jet::jet(&program(NETWORK), &["u"], &alphas));
    let p = pipelines::optimise(plain.clone());
    let kernel = Interpreter::new(p.clone());
    let at = |x: [f32; 2]| run(&kernel, &x, &PARAMS, &[]).outputs;
    let k = |alpha: &MultiIndex| p.output_offset(&jet::output_name("u", alpha)).expect("the derivative");
    let h = 1.0 / 64.0;
    for x in [[0.25, -0.5], [0.8, 0.1]] {
        let here = at(x);
        assert_eq!(here, run(&Interpreter::new(plain.clone()), &x, &PARAMS, &[]).outputs);
        for alpha in &alphas {
            for i in 0..2 {
                let more = alpha.plus(i);
                if !alphas.contains(&more) {
                    continue;
                }
                let (mut lo, mut hi) = (x, x);
                lo[i] -= h;
                hi[i] += h;
                let difference = (at(hi)[k(alpha)] - at(lo)[k(alpha)]) / (2.0 * h);
                let exact = here[k(&more)];
                assert!((exact - difference).abs() < 3e-3 * (1.0 + exact.abs()), "D^{more:?}: {exact} {difference}");
            }
        }
    }
    // The heat equation needs u_t and u_xx alone: two products for u, two for u_t, one for u_x, which u_xx needs
    // of the layer alone, and one for u_xx.
    let heat = jet::jet(&program(NETWORK), &["u"], &[MultiIndex(vec![0, 1]), MultiIndex(vec![2, 0])]);
    let products = |p: &Program| p.insts().filter(|i| matches!(i.op, snnc::ir::op::Op::Dense { .. })).count();
    assert_eq!(products(&pipelines::optimise(heat)), 2 + 2 + 1 + 1);
}

/// The tangents of derivatives, too: what a forward gradient of a differential equation needs.
#[test]
fn tangents_of_a_network_and_its_jets() {
    let alphas = [MultiIndex(vec![0, 1]), MultiIndex(vec![2, 0])];
    let jets = jet::jet(&program(NETWORK), &["u"], &alphas);
    let names: Vec<String> = [MultiIndex::zero(2)].iter().chain(&alphas).map(|a| jet::output_name("u", a)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let plain = checked(jvp::jvp(&jets, &names, 2));
    let p = pipelines::optimise(plain);
    let mut directions = vec![0.0f32; 2 * PARAMS.len()];
    for (i, d) in directions.iter_mut().enumerate() {
        *d = ((i * 7919 % 23) as f32 - 11.0) / 11.0;
    }
    let x = [0.25f32, -0.5];
    let got = run(&Interpreter::new(p.clone()), &x, &PARAMS, &directions).outputs;
    let value = Interpreter::new(jets.clone());
    let h = 1.0 / 128.0;
    for k in 0..2 {
        let moved = |h: f32| {
            let mut params = PARAMS;
            // The last one is fixed, whatever the direction says.
            for (i, w) in params.iter_mut().enumerate().take(PARAMS.len() - 1) {
                *w += h * directions[2 * i + k];
            }
            run(&value, &x, &params, &[]).outputs
        };
        let (lo, hi) = (moved(-h), moved(h));
        for name in &names {
            let at = jets.output_offset(name).expect("the output");
            let difference = (hi[at] - lo[at]) / (2.0 * h);
            let exact = got[p.output_offset(&jvp::output_name(name)).expect("the tangent") + k];
            assert!((exact - difference).abs() < 3e-3 * (1.0 + exact.abs()), "{name}: {exact} {difference}");
        }
    }
}

/// Tangents use the rules that jets do: along w, of f(x + w), they are f'(x), here in single precision.
#[test]
fn tangents_of_every_function() {
    for f in Unary::NAMED.iter().map(|(_, f)| *f).chain([Unary::Neg]) {
        let text = format!(
            "program \"f\" steps 0 directions 0\ninput \"coords\" [1]\nparam \"w\" [1 x 1] trainable\ninit {{\n\
             %0 = input 0 : 1\n%1 = param \"w\" : 1\n%2 = add %0, %1 : 1\n%3 = {} %2 : 1\n}}\noutput \"u\" = %3\n",
            f.name()
        );
        let p = checked(jvp::jvp(&program(&text), &["u"], 2));
        let d = jet::jet(&field(&format!("%9 = {} %0 : 1", f.name())), &["u"], &[MultiIndex(vec![1, 0])]);
        for [x, _] in points_of(f) {
            let slope = eval(&d, &[&[x, 0.0]])[1];
            let got = run(&Interpreter::new(p.clone()), &[x as f32], &[0.0], &[1.0, -2.5]).outputs;
            for (got, want) in got[1..].iter().zip([slope, -2.5 * slope]) {
                assert!((f64::from(*got) - want).abs() < 2e-5 * (1.0 + want.abs()), "{f:?} at {x}: {got} {want}");
            }
        }
    }
}

/// The surrogate's definition, written apart from the rules.
pub fn surrogate(kind: SurrogateKind, k: f64, z: f64) -> f64 {
    use std::f64::consts::PI;
    match kind {
        SurrogateKind::Triangle => (1.0 - z.abs() / k).max(0.0) / k,
        SurrogateKind::Rectangle => {
            if z.abs() < k {
                1.0 / (2.0 * k)
            } else {
                0.0
            }
        }
        SurrogateKind::FastSigmoid => 1.0 / ((1.0 + k * z.abs()) * (1.0 + k * z.abs())),
        SurrogateKind::Sigmoid => {
            let s = Unary::Sigmoid.eval(k * z);
            k * s * (1.0 - s)
        }
        SurrogateKind::Atan => (k / 2.0) / (1.0 + (PI * k * z / 2.0) * (PI * k * z / 2.0)),
        SurrogateKind::Gaussian => Unary::Exp.eval(-z * z / (2.0 * k * k)) / (k * (2.0 * PI).sqrt()),
    }
}

#[test]
fn tangents_of_spikes_are_the_surrogate() {
    for (name, kind) in SurrogateKind::NAMED {
        for scale in [0.5, 1.0, 4.0] {
            let text = format!(
                "program \"s\" steps 0 directions 0\nparam \"v\" [1 x 1] trainable\ninit {{\n\
                 %0 = param \"v\" : 1\n%1 = spike %0, {name} {scale:?} : 1\n}}\noutput \"s\" = %1\n"
            );
            let p = checked(jvp::jvp(&program(&text), &["s"], 2));
            for z in [-5.0, -0.99, -0.3, 0.0, 0.1, 0.49, 0.7, 2.0] {
                let want = surrogate(*kind, scale, f64::from(z));
                let got = run(&Interpreter::new(p.clone()), &[], &[z], &[1.0, -3.0]);
                // A program without inputs has one point.
                assert_eq!(got.outputs[0], if z >= 0.0 { 1.0 } else { 0.0 });
                for (got, want) in got.outputs[1..].iter().zip([want, -3.0 * want]) {
                    let error = (f64::from(*got) - want).abs();
                    assert!(error <= 1e-6 * want.abs(), "{name} {scale} at {z}: {got} {want}");
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "no jet through a spike")]
fn jets_do_not_pass_spikes() {
    jet::jet(&field("%2 = mul %0, %1 : 1\n%9 = spike %2, triangle 1.0 : 1"), &["u"], &indices(1));
}

/// A spike that the coordinate does not reach is no obstacle.
#[test]
fn jets_pass_by_spikes() {
    let p = field("%2 = spike %0, triangle 1.0 : 1\n%3 = sin %1 : 1\n%9 = mul %2, %3 : 1");
    let p = jet::jet(&p, &["u"], &[MultiIndex(vec![0, 1])]);
    assert_eq!(eval(&p, &[&[0.5, 0.0]])[1], 1.0);
}
