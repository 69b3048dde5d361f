//! Properties that hold for every program, tried on random ones.

use proptest::prelude::*;
use snnc::exec::driver::run;
use snnc::exec::interp::{Interpreter, eval};
use snnc::exec::{Engine, build_in};
use snnc::func::{Binary, Unary};
use snnc::ir::op::{Op, Ty, Value};
use snnc::ir::program::{Program, Region};
use snnc::ir::read::read;
use snnc::ir::verify::verify;
use snnc::pass::{jvp, pipelines};

use crate::programs::{Draw, Maker, Shape, UNARY, output, with_inputs};

const SHAPES: [Shape; 7] = [
    Shape { directions: 0, steps: 0, passes: 1, narrow: false, traces: false, insts: 30 },
    Shape { directions: 3, steps: 0, passes: 1, narrow: false, traces: false, insts: 30 },
    Shape { directions: 0, steps: 3, passes: 1, narrow: false, traces: true, insts: 25 },
    Shape { directions: 2, steps: 3, passes: 1, narrow: false, traces: true, insts: 25 },
    Shape { directions: 0, steps: 4, passes: 1, narrow: true, traces: false, insts: 20 },
    Shape { directions: 0, steps: 3, passes: 3, narrow: false, traces: true, insts: 20 },
    Shape { directions: 2, steps: 2, passes: 2, narrow: true, traces: false, insts: 20 },
];

fn programs(each: u64) -> impl Iterator<Item = (u64, Program)> {
    let numbered = move |k: usize, shape: Shape| (0..each).map(move |i| (k as u64 * 10_000 + i, shape));
    let all = SHAPES.iter().enumerate().flat_map(move |(k, s)| numbered(k, *s));
    all.map(|(i, shape)| (i, Maker::program(shape, 50_000 + i)))
}

#[test]
fn what_is_printed_reads_back() {
    for (_, p) in programs(60) {
        let text = p.to_string();
        assert_eq!(verify(&p), Ok(()), "{text}");
        assert_eq!(read(&text).as_ref(), Ok(&p), "{text}");
    }
}

proptest! {
    /// Names may be anything, and every number comes back with all its bits.
    #[test]
    fn names_and_numbers_read_back(name in any::<String>(), bits in any::<u64>()) {
        let mut b = with_inputs(&[2]);
        b.program.name = name.clone();
        b.program.inputs[0].name.clone_from(&name);
        b.param(name, 3, 0, false);
        let number = f64::from_bits(bits);
        let c = b.push(Region::Init, Op::Const(number), Ty::real(1));
        output(&mut b, c);
        let p = b.finish();
        let again = read(&p.to_string()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(again.to_string(), p.to_string());
        let Op::Const(back) = again.init[0].op else { return Err(TestCaseError::fail("not a constant")) };
        prop_assert!(back.to_bits() == bits || back.is_nan() && number.is_nan());
        prop_assert_eq!((again.name, again.inputs, again.params), (p.name, p.inputs, p.params));
    }

    /// The reader and the verifier refuse nonsense and never fail on it.
    #[test]
    fn any_damage_is_survived(index in 0u64..200, at in any::<prop::sample::Index>(), with in "[a-z0-9%,:{}\" ]") {
        let shape = SHAPES[index as usize % SHAPES.len()];
        let mut text: Vec<char> = Maker::program(shape, 70_000 + index).to_string().chars().collect();
        let at = at.index(text.len());
        text.splice(at..=at, with.chars());
        if let Ok(p) = read(&text.into_iter().collect::<String>()) {
            let _ = verify(&p);
        }
    }
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan())
}

/// Outputs and traces, in the interpreter. Inputs may be anything; weights are finite, see `simplify`.
fn results(p: &Program, points: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let mut draw = Draw::new(seed);
    let inputs = draw.numbers(points * p.input_len(), true);
    let params = draw.numbers(p.param_len(), false);
    // A pass may find out that there are no tangents.
    let directions = draw.numbers(p.param_len() * p.directions as usize, false);
    let r = run(&Interpreter::new(p.clone()), &inputs, &params, &directions);
    (r.outputs, r.traces)
}

#[test]
fn passes_keep_every_bit() {
    for (i, p) in programs(40) {
        let before = results(&p, 9, i);
        let each = pipelines::ALL.iter().map(std::slice::from_ref);
        for passes in each.chain([pipelines::OPTIMISE]) {
            let names: Vec<&str> = passes.iter().map(|p| p.name).collect();
            let q = pipelines::run(passes, p.clone()).unwrap_or_else(|e| panic!("{e}\n{p}"));
            let after = results(&q, 9, i);
            assert!(same(&before.0, &after.0) && same(&before.1, &after.1), "{names:?}\n{p}\n{q}");
        }
    }
}

/// Random arithmetic on constants and two inputs.
fn arithmetic(index: u64) -> Program {
    const NUMBERS: [f64; 12] = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 0.1, 1.0 / 3.0, -7.25, 1e-40, 3e38, f64::INFINITY];
    let mut draw = Draw::new(80_000 + index);
    let mut b = with_inputs(&[1, 1]);
    let mut values: Vec<Value> = (0..2).map(|k| b.push(Region::Init, Op::Input(k), Ty::real(1))).collect();
    for _ in 0..30 {
        let (x, y) = (draw.one(&values), draw.one(&values));
        let op = match draw.below(12) {
            0..3 => Op::Const(draw.one(&NUMBERS)),
            3..5 => Op::Unary(draw.one(UNARY), x),
            5 => Op::Unary(Unary::Neg, x),
            6..8 => Op::Fma(x, y, draw.one(&values)),
            _ => Op::Binary(draw.one(&Binary::ALL[..4]), x, y),
        };
        values.push(b.push(Region::Init, op, Ty::real(1)));
    }
    for v in values {
        output(&mut b, v);
    }
    b.finish()
}

#[test]
fn simplify_keeps_every_bit_in_both_precisions() {
    for index in 0..300 {
        let p = arithmetic(index);
        let q = pipelines::run(&[pipelines::SIMPLIFY], p.clone()).unwrap_or_else(|e| panic!("{e}\n{p}"));
        assert!(same(&results(&p, 20, index).0, &results(&q, 20, index).0), "single\n{p}\n{q}");
        let inputs: Vec<f64> = Draw::new(index).numbers(40, true).into_iter().map(f64::from).collect();
        let (a, b) = (eval(&p, &[&inputs[..20], &inputs[20..]]), eval(&q, &[&inputs[..20], &inputs[20..]]));
        let same = |(x, y): (&f64, &f64)| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan();
        assert!(a.len() == b.len() && a.iter().zip(&b).all(same), "double\n{p}\n{q}");
    }
}

/// Where every result is exact, it does not matter what is rounded together.
#[test]
fn fusing_changes_no_exact_result() {
    let mut fused = 0;
    for index in 0..200 {
        let mut draw = Draw::new(90_000 + index);
        let mut b = with_inputs(&[1, 1]);
        let inputs = [0, 1].map(|k| b.push(Region::Init, Op::Input(k), Ty::real(1)));
        let mut values = inputs.to_vec();
        for _ in 0..20 {
            let (x, y) = (draw.one(&values), draw.one(&values));
            let op = match draw.below(5) {
                0 | 1 => Op::Binary(Binary::Mul, draw.one(&inputs), y),
                2 => Op::Const(draw.one(&[1.0, -2.0, 3.0])),
                3 => Op::Binary(Binary::Add, x, y),
                _ => Op::Binary(Binary::Sub, x, y),
            };
            values.push(b.push(Region::Init, op, Ty::real(1)));
        }
        for v in &values[18..] {
            output(&mut b, *v);
        }
        let p = b.finish();
        let q = pipelines::arithmetic(p.clone());
        fused += q.insts().filter(|i| matches!(i.op, Op::Fma(..))).count();
        let inputs = [[1.0, -2.0, 3.0, 0.0], [-3.0, 1.0, 2.0, 3.0]];
        // The sign of 0 aside.
        assert_eq!(eval(&p, &[&inputs[0], &inputs[1]]), eval(&q, &[&inputs[0], &inputs[1]]), "{p}\n{q}");
    }
    assert!(fused > 300, "{fused}");
}

#[test]
fn passes_have_an_end_and_a_fixed_point() {
    for (_, p) in programs(20) {
        let once = pipelines::optimise(p);
        let size = |p: &Program| p.insts().count();
        let twice = pipelines::optimise(once.clone());
        assert!(size(&twice) <= size(&once), "{once}\n{twice}");
    }
}

/// The differentiated program is well formed, leaves the outputs it was given alone, and both engines agree on it.
#[test]
fn tangents_of_any_program() {
    for (i, p) in programs(12).filter(|(_, p)| p.directions == 0) {
        let names: Vec<&str> = p.outputs.iter().map(|o| o.name.as_str()).collect();
        let q = jvp::jvp(&p, &names, 3);
        if let Err(e) = verify(&q) {
            panic!("{e}\n{q}");
        }
        let (before, after) = (results(&p, 5, i), results(&q, 5, i));
        let (own, all) = (p.output_len(), q.output_len());
        assert_eq!(all, 4 * own);
        for (x, y) in before.0.chunks(own).zip(after.0.chunks(all)) {
            assert!(same(x, &y[..own]), "{p}\n{q}");
        }
        let kernels = build_in::<f32>(Engine::Jit, vec![q.clone(), pipelines::optimise(q.clone())]);
        let kernels = kernels.unwrap_or_else(|e| panic!("{e}\n{q}"));
        let mut draw = Draw::new(i);
        let inputs = draw.numbers(5 * q.input_len(), true);
        let params = draw.numbers(q.param_len(), false);
        let directions = draw.numbers(q.param_len() * 3, false);
        let want = run(&Interpreter::new(q.clone()), &inputs, &params, &directions);
        for k in kernels {
            let directions = &directions[..q.param_len() * k.program().directions as usize];
            let got = run(&*k, &inputs, &params, directions);
            assert!(same(&want.outputs, &got.outputs), "{q}\n{}", k.program());
        }
    }
}
