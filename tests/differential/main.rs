//! The JIT against the interpreter, bit for bit (NaNs are all alike): every operation at awkward widths and numbers of
//! points, whole networks, and random programs.

mod many;
#[path = "../support/programs.rs"]
mod programs;
mod stages;

use std::sync::Arc;

use programs::{COMPARE, Draw, Maker, Shape, UNARY, output, surrogate, trace, with_inputs};
use snnc::exec::jit::{Emit, Level, compile_for};
use snnc::exec::kernel::{Kernel, Results};
use snnc::exec::real::Real;
use snnc::exec::{Engine, build_in, driver};
use snnc::func::{Binary, Compare, Unary};
use snnc::ir::op::{Op, Ty, Value};
use snnc::ir::program::{Builder, Pass, Program, Region, Table};
use snnc::ir::read::read;
use snnc::ir::verify::verify;

const WIDTHS: [u32; 5] = [1, 3, 4, 7, 64];

fn same<R: Real>(a: &[R], b: &[R]) -> Result<(), String> {
    assert_eq!(a.len(), b.len());
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        let both_nan = x.wide().is_nan() && y.wide().is_nan();
        if x.raw() != y.raw() && !both_nan {
            return Err(format!("number {i}: interpreter {x:?} ({:08x}), JIT {y:?} ({:08x})", x.raw(), y.raw()));
        }
    }
    Ok(())
}

/// Both engines in both precisions.
struct Both {
    single: Pair<f32>,
    double: Pair<f64>,
}

struct Pair<R> {
    interp: Arc<dyn Kernel<R>>,
    /// For each level of instructions that this processor has.
    jit: Vec<(Level, Arc<dyn Kernel<R>>)>,
}

impl<R: Emit> Pair<R> {
    fn new(program: &Program) -> Pair<R> {
        let one = |kernels: Result<Vec<_>, _>| match kernels {
            Ok(mut kernels) => kernels.remove(0),
            Err(e) => panic!("{e}\n{program}"),
        };
        let jit = Level::all().into_iter().map(|level| (level, one(compile_for::<R>(level, vec![program.clone()]))));
        Pair { jit: jit.collect(), interp: one(build_in::<R>(Engine::Interp, vec![program.clone()])) }
    }

    /// Runs both on random numbers and compares.
    fn check(&self, points: usize, draw: &mut Draw, wild: bool) -> Results<R> {
        let p = self.interp.program();
        let mut numbers = |n| -> Vec<R> { draw.numbers(n, wild).into_iter().map(digits).collect() };
        let inputs = numbers(points * p.input_len());
        let params = numbers(p.param_len());
        let directions = numbers(p.param_len() * p.directions as usize);
        let a = driver::run(&*self.interp, &inputs, &params, &directions);
        for (level, jit) in &self.jit {
            let b = driver::run(&**jit, &inputs, &params, &directions);
            let result = same(&a.outputs, &b.outputs).map_err(|e| format!("outputs: {e}"));
            let result = result.and_then(|()| same(&a.traces, &b.traces).map_err(|e| format!("traces: {e}")));
            if let Err(e) = result {
                panic!("{e}; {points} points, {}, {level:?}\n{p}", R::PRECISION.name());
            }
        }
        a
    }
}

/// In double precision, with digits and exponents that single precision does not have; whole numbers stay what they are.
fn digits<R: Real>(x: f32) -> R {
    let wide = f64::from(x);
    R::new(match x.abs() {
        _ if R::BYTES == 4 => wide,
        1e30..=f32::MAX => wide.powi(8),
        0.0..=1e-30 => wide.powi(7),
        _ if wide.fract() == 0.0 => wide,
        _ => wide * (1.0 + 1e-9),
    })
}

impl Both {
    fn new(program: &Program) -> Both {
        if let Err(e) = verify(program) {
            panic!("{e}\n{program}");
        }
        Both { single: Pair::new(program), double: Pair::new(program) }
    }

    /// The results in single precision.
    fn check(&self, points: usize, draw: &mut Draw, wild: bool) -> Results {
        self.double.check(points, &mut draw.clone(), wild);
        self.single.check(points, draw, wild)
    }
}

#[test]
fn every_function_at_every_width() {
    for width in WIDTHS {
        for &f in UNARY {
            let mut b = with_inputs(&[width]);
            let x = b.push(Region::Init, Op::Input(0), Ty::real(width));
            let y = b.push(Region::Init, Op::Unary(f, x), Ty::real(width));
            output(&mut b, y);
            Both::new(&b.finish()).check(70, &mut Draw::new(1), true);
        }
        for &f in Binary::ALL {
            let mut b = with_inputs(&[width, width]);
            let x = b.push(Region::Init, Op::Input(0), Ty::real(width));
            let y = b.push(Region::Init, Op::Input(1), Ty::real(width));
            let z = b.push(Region::Init, Op::Binary(f, x, y), Ty::real(width));
            output(&mut b, z);
            Both::new(&b.finish()).check(70, &mut Draw::new(2), true);
        }
        // Three kinds of operands: wide, one number for all lanes, a constant.
        let mut b = with_inputs(&[width, width, 1]);
        let [x, y] = [0, 1].map(|k| b.push(Region::Init, Op::Input(k), Ty::real(width)));
        let one = b.push(Region::Init, Op::Input(2), Ty::real(1));
        let one = b.push(Region::Init, Op::Splat(one, width), Ty::real(width));
        let c = b.push(Region::Init, Op::Const(1.0 / 3.0), Ty::real(1));
        let c = b.push(Region::Init, Op::Splat(c, width), Ty::real(width));
        let minus = b.push(Region::Init, Op::Unary(Unary::Neg, x), Ty::real(width));
        for (p, q, r) in [(x, y, one), (one, x, y), (minus, y, one), (x, c, y), (y, one, c), (x, y, minus), (x, x, x)] {
            let z = b.push(Region::Init, Op::Fma(p, q, r), Ty::real(width));
            output(&mut b, z);
        }
        Both::new(&b.finish()).check(70, &mut Draw::new(2), true);
    }
}

#[test]
fn comparisons_masks_and_spikes() {
    for width in WIDTHS {
        let mut b = with_inputs(&[width, width]);
        let (real, mask) = (Ty::real(width), Ty::mask(width));
        let x = b.push(Region::Init, Op::Input(0), real);
        let y = b.push(Region::Init, Op::Input(1), real);
        let mut last = None;
        for &f in COMPARE {
            let c = b.push(Region::Init, Op::Compare(f, x, y), mask);
            let n = b.push(Region::Init, Op::Not(c), mask);
            let m = match last {
                Some(l) => {
                    let both = b.push(Region::Init, Op::And(l, c), mask);
                    b.push(Region::Init, Op::Or(both, n), mask)
                }
                None => n,
            };
            last = Some(m);
            let s = b.push(Region::Init, Op::Select(m, x, y), real);
            output(&mut b, s);
        }
        for strict in [false, true] {
            let s = b.push(Region::Init, Op::Spike { of: x, strict, surrogate: surrogate() }, real);
            output(&mut b, s);
        }
        let results = Both::new(&b.finish()).check(33, &mut Draw::new(3), true);
        assert!(results.outputs.contains(&1.0));
    }
}

/// A mask that crosses from one loop to another through memory.
#[test]
fn masks_cross_loops() {
    let mut b = with_inputs(&[7, 1]);
    let x = b.push(Region::Init, Op::Input(0), Ty::real(7));
    let one = b.push(Region::Init, Op::Input(1), Ty::real(1));
    let w = b.push(Region::Init, Op::Splat(one, 7), Ty::real(7));
    let m = b.push(Region::Init, Op::Compare(Compare::Lt, x, w), Ty::mask(7));
    let sum = b.push(Region::Init, Op::Sum(x), Ty::real(1));
    let wide = b.push(Region::Init, Op::Splat(sum, 7), Ty::real(7));
    let y = b.push(Region::Init, Op::Select(m, wide, x), Ty::real(7));
    output(&mut b, y);
    Both::new(&b.finish()).check(40, &mut Draw::new(4), true);
}

/// A pass that is one loop: the state starts as an input; `next` is made of it and of another input.
fn over_time(width: u32, next: impl Fn(&mut Builder, Value, Value) -> Value) -> Program {
    let mut b = with_inputs(&[width, width]);
    b.program.passes = vec![Pass::new(2)];
    let ty = Ty::real(width);
    let x = b.push(Region::Init, Op::Input(0), ty);
    let y = b.push(Region::Init, Op::Input(1), ty);
    let (s, unchanged) = (b.state(0, ty, x), b.state(0, ty, y));
    let old = b.push(Region::Step(0), Op::State(s), ty);
    let other = b.push(Region::Step(0), Op::State(unchanged), ty);
    b.set_next(unchanged, other);
    let new = next(&mut b, old, other);
    b.set_next(s, new);
    for s in [s, unchanged] {
        let last = b.push(Region::Finish(0), Op::State(s), ty);
        output(&mut b, last);
    }
    b.finish()
}

#[test]
fn every_function_over_time() {
    let step = Region::Step(0);
    for width in [1, 3, 4, 7, 24, 64, 200] {
        let (real, mask) = (Ty::real(width), Ty::mask(width));
        let check = |program: Program| Both::new(&program).check(33, &mut Draw::new(11), true);
        for &f in UNARY {
            check(over_time(width, |b, x, _| b.push(step, Op::Unary(f, x), real)));
        }
        for &f in Binary::ALL {
            check(over_time(width, |b, x, y| b.push(step, Op::Binary(f, x, y), real)));
            check(over_time(width, |b, x, _| b.push(step, Op::Binary(f, x, x), real)));
        }
        for &f in COMPARE {
            check(over_time(width, |b, x, y| {
                let c = b.push(step, Op::Compare(f, x, y), mask);
                let d = b.push(step, Op::Compare(f, y, y), mask);
                let n = b.push(step, Op::Not(c), mask);
                let m = b.push(step, Op::And(n, d), mask);
                let m = b.push(step, Op::Or(m, c), mask);
                let z = b.push(step, Op::Select(n, x, y), real);
                b.push(step, Op::Select(m, y, z), real)
            }));
        }
        for strict in [true, false] {
            check(over_time(width, |b, x, y| {
                let over = b.push(step, Op::Binary(Binary::Sub, x, y), real);
                let s = b.push(step, Op::Spike { of: over, strict, surrogate: surrogate() }, real);
                let t = b.push(step, Op::Spike { of: x, strict, surrogate: surrogate() }, real);
                let both = b.push(step, Op::Binary(Binary::Sub, s, t), real);
                b.push(step, Op::Binary(Binary::Add, both, y), real)
            }));
        }
    }
}

#[test]
fn rows_are_cut_joined_summed_and_spread() {
    for (u, v) in [(1, 3), (3, 4), (7, 1), (64, 7), (5, 64)] {
        let mut b = with_inputs(&[u, v]);
        let x = b.push(Region::Init, Op::Input(0), Ty::real(u));
        let y = b.push(Region::Init, Op::Input(1), Ty::real(v));
        let c = b.push(Region::Init, Op::Const(0.1), Ty::real(1));
        let joined = b.push(Region::Init, Op::Concat(vec![x, c, y, x]), Ty::real(2 * u + v + 1));
        output(&mut b, joined);
        let cut = b.push(Region::Init, Op::Slice { of: joined, start: u, len: v + 1 }, Ty::real(v + 1));
        output(&mut b, cut);
        let again = b.push(Region::Init, Op::Slice { of: cut, start: 1, len: v }, Ty::real(v));
        let doubled = b.push(Region::Init, Op::Binary(Binary::Add, again, y), Ty::real(v));
        output(&mut b, doubled);
        let sum = b.push(Region::Init, Op::Sum(joined), Ty::real(1));
        output(&mut b, sum);
        let spread = b.push(Region::Init, Op::Splat(sum, u), Ty::real(u));
        let spread = b.push(Region::Init, Op::Binary(Binary::Mul, spread, x), Ty::real(u));
        output(&mut b, spread);
        output(&mut b, c);
        output(&mut b, x);
        let both = Both::new(&b.finish());
        for points in [1, 2, 7, 8, 9, 31, 32, 33] {
            both.check(points, &mut Draw::new(5), true);
        }
    }
}

#[test]
fn products_of_every_shape() {
    for (inputs, outputs) in [(1, 1), (2, 64), (3, 7), (64, 64), (7, 3), (64, 1), (100, 29), (4, 40), (1500, 5)] {
        for event in [false, true] {
            let mut b = with_inputs(&[inputs]);
            let w = b.param("w", inputs, outputs, true);
            let x = b.push(Region::Init, Op::Input(0), Ty::real(inputs));
            let x = if event {
                b.push(Region::Init, Op::Spike { of: x, strict: true, surrogate: surrogate() }, Ty::real(inputs))
            } else {
                x
            };
            let y = b.push(Region::Init, Op::Dense { x, weight: w, direction: false }, Ty::real(outputs));
            output(&mut b, y);
            let both = Both::new(&b.finish());
            for points in [1, 5, 32, 40] {
                both.check(points, &mut Draw::new(6), points == 5);
            }
        }
    }
}

#[test]
fn products_of_tangents_of_every_shape() {
    for (inputs, outputs) in [(1, 1), (3, 7), (64, 5), (1100, 2)] {
        for directions in [1, 3, 4, 8, 12, 16, 20] {
            let mut b = with_inputs(&[inputs]);
            b.program.directions = directions;
            let w = b.param("w", inputs, outputs, true);
            let v = b.param("v", 1, inputs, true);
            let x = b.push(Region::Init, Op::Input(0), Ty::real(inputs));
            let s = b.push(Region::Init, Op::Spike { of: x, strict: false, surrogate: surrogate() }, Ty::real(inputs));
            let d = b.push(Region::Init, Op::Direction(v), Ty::tangent(inputs));
            let zero = b.push(Region::Init, Op::Binary(Binary::Mul, d, s), Ty::tangent(inputs));
            for x in [x, s] {
                let y = b.push(Region::Init, Op::Dense { x, weight: w, direction: true }, Ty::tangent(outputs));
                output(&mut b, y);
            }
            for x in [d, zero] {
                let y = b.push(Region::Init, Op::Dense { x, weight: w, direction: false }, Ty::tangent(outputs));
                output(&mut b, y);
                let y = b.push(Region::Init, Op::Sum(y), Ty::tangent(1));
                output(&mut b, y);
            }
            let both = Both::new(&b.finish());
            for points in [1, 9] {
                both.check(points, &mut Draw::new(7), false);
            }
            both.check(3, &mut Draw::new(8), true);
        }
    }
}

/// A layer of leaky neurons after a tuned (sinusoidal) current: the whole step is one loop.
fn tuned_lif(width: u32, steps: u32) -> Program {
    use Region::Init;
    let (step, finish) = (Region::Step(0), Region::Finish(0));
    let mut b = with_inputs(&[2]);
    b.program.passes = vec![Pass::new(steps)];
    b.program.tables.push(Table { name: "mean".into(), values: (0..steps).map(|t| 1.0 / f64::from(t + 1)).collect() });
    let ty = Ty::real(width);
    let w = b.param("w", 2, width, true);
    let phase = b.param("phase", 1, width, true);
    let gain = b.param("gain", 1, width, true);
    let read = b.param("read", width, 1, true);
    let x = b.push(Init, Op::Input(0), Ty::real(2));
    let z = b.push(Init, Op::Dense { x, weight: w, direction: false }, ty);
    let phase = b.push(Init, Op::Param(phase), ty);
    let z = b.push(Init, Op::Binary(Binary::Add, z, phase), ty);
    let z = b.push(Init, Op::Unary(Unary::Sin, z), ty);
    let gain = b.push(Init, Op::Param(gain), ty);
    let current = b.push(Init, Op::Binary(Binary::Mul, z, gain), ty);
    let zero = b.push(Init, Op::Const(0.0), Ty::real(1));
    let zero = b.push(Init, Op::Splat(zero, width), ty);
    let (v, tr, mean) = (b.state(0, ty, zero), b.state(0, ty, zero), b.state(0, ty, zero));
    let old = b.push(step, Op::State(v), ty);
    let beta = b.push(step, Op::Const(0.95), Ty::real(1));
    let beta = b.push(step, Op::Splat(beta, width), ty);
    let leak = b.push(step, Op::Binary(Binary::Mul, old, beta), ty);
    let u = b.push(step, Op::Binary(Binary::Add, leak, current), ty);
    let theta = b.push(step, Op::Const(1.0), Ty::real(1));
    let theta = b.push(step, Op::Splat(theta, width), ty);
    let over = b.push(step, Op::Binary(Binary::Sub, u, theta), ty);
    let s = b.push(step, Op::Spike { of: over, strict: false, surrogate: surrogate() }, ty);
    let u = b.push(step, Op::Binary(Binary::Sub, u, s), ty);
    b.set_next(v, u);
    let old = b.push(step, Op::State(tr), ty);
    let d = b.push(step, Op::Binary(Binary::Mul, old, beta), ty);
    let t = b.push(step, Op::Binary(Binary::Add, d, s), ty);
    b.set_next(tr, t);
    let a = b.push(step, Op::Table(0), Ty::real(1));
    let a = b.push(step, Op::Splat(a, width), ty);
    let old = b.push(step, Op::State(mean), ty);
    let d = b.push(step, Op::Binary(Binary::Sub, t, old), ty);
    let d = b.push(step, Op::Binary(Binary::Mul, d, a), ty);
    let m = b.push(step, Op::Binary(Binary::Add, old, d), ty);
    b.set_next(mean, m);
    let m = b.push(finish, Op::State(mean), ty);
    let y = b.push(finish, Op::Dense { x: m, weight: read, direction: false }, Ty::real(1));
    output(&mut b, m);
    output(&mut b, y);
    b.finish()
}

#[test]
fn one_layer_of_neurons() {
    for width in WIDTHS.into_iter().chain([512]) {
        let both = Both::new(&tuned_lif(width, 16));
        for points in [1, 3, 32, 45] {
            let r = both.check(points, &mut Draw::new(9), false);
            assert!(width < 64 || r.outputs.iter().any(|&y| y != 0.0), "some neuron fires");
        }
        both.check(20, &mut Draw::new(10), true);
    }
}

/// A step with so much in it that its constants lie in memory, and its states; one of them is a single number for all lanes.
#[test]
fn a_layer_of_neurons_with_a_long_step() {
    for width in WIDTHS.into_iter().chain([128]) {
        let text = format!(
            "program \"long\" steps 12 directions 0
            input \"current\" [{width}]
            table \"mean\" [12] = 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2
            init {{
              %0 = input 0 : {width}
              %1 = const -0.5 : 1
              %2 = splat %1, {width} : {width}
              %3 = const 0.0 : 1
              %4 = splat %3, {width} : {width}
            }}
            state 0 : {width} = %2 next %32
            state 1 : {width} = %4 next %34
            state 2 : {width} = %4 next %36
            state 3 : 1 = %1 next %39
            step {{
              %10 = state 0 : {width}
              %11 = state 1 : {width}
              %12 = const 1.0 : 1
              %13 = splat %12, {width} : {width}
              %14 = min %10, %13 : {width}
              %15 = const 2.5 : 1
              %16 = splat %15, {width} : {width}
              %17 = mul %14, %16 : {width}
              %18 = exp %17 : {width}
              %19 = sin %11 : {width}
              %20 = fma %16, %18, %10 : {width}
              %21 = fma %19, %19, %20 : {width}
              %22 = sub %0, %11 : {width}
              %23 = const 0.1 : 1
              %24 = splat %23, {width} : {width}
              %25 = mul %22, %24 : {width}
              %26 = fma %21, %24, %25 : {width}
              %27 = sub %26, %13 : {width}
              %28 = spike %27, triangle 1.0 : {width}
              %30 = const 0.0 : 1
              %31 = splat %30, {width} : {width}
              %29 = ge %27, %31 : mask {width}
              %32 = select %29, %2, %26 : {width}
              %33 = const 0.9 : 1
              %40 = splat %33, {width} : {width}
              %34 = fma %11, %40, %28 : {width}
              %35 = state 2 : {width}
              %41 = table 0 : 1
              %42 = splat %41, {width} : {width}
              %36 = fma %28, %42, %35 : {width}
              %37 = state 3 : 1
              %38 = tanh %37 : 1
              %39 = mul %38, %33 : 1
            }}
            finish {{
              %50 = state 0 : {width}
              %51 = state 1 : {width}
              %52 = state 2 : {width}
              %53 = state 3 : 1
            }}
            output \"v\" = %50
            output \"w\" = %51
            output \"mean\" = %52
            output \"one\" = %53
            "
        );
        let both = Both::new(&read(&text).unwrap_or_else(|e| panic!("{e}")));
        for points in [1, 33] {
            let r = both.check(points, &mut Draw::new(14), false);
            let mean = 2 * width as usize;
            assert!(
                width < 64 || r.outputs[mean..mean + width as usize].iter().any(|&y| y != 0.0),
                "some neuron fires"
            );
        }
        both.check(20, &mut Draw::new(15), true);
    }
}

/// Every lane reads lane 0 of the state that the same loop replaces.
#[test]
fn a_state_is_whole_until_all_lanes_have_read_it() {
    let ty = Ty::real(64);
    let mut b = with_inputs(&[64]);
    b.program.passes = vec![Pass::new(3)];
    let x = b.push(Region::Init, Op::Input(0), ty);
    let s = b.state(0, ty, x);
    let old = b.push(Region::Step(0), Op::State(s), ty);
    let first = b.push(Region::Step(0), Op::Slice { of: old, start: 0, len: 1 }, Ty::real(1));
    let first = b.push(Region::Step(0), Op::Splat(first, 64), ty);
    let next = b.push(Region::Step(0), Op::Binary(Binary::Add, old, first), ty);
    let next = b.push(Region::Step(0), Op::Binary(Binary::Add, next, x), ty);
    b.set_next(s, next);
    let last = b.push(Region::Finish(0), Op::State(s), ty);
    output(&mut b, last);
    Both::new(&b.finish()).check(5, &mut Draw::new(12), false);
}

/// A step that computes nothing still has its traces: of a parameter, or of what was there before it.
#[test]
fn traces_of_what_no_loop_computes() {
    let mut b = with_inputs(&[3]);
    b.program.passes = vec![Pass::new(2), Pass::new(3)];
    let v = b.param("v", 1, 5, true);
    let x = b.push(Region::Init, Op::Input(0), Ty::real(3));
    output(&mut b, x);
    for pass in 0..2 {
        let p = b.push(Region::Step(pass), Op::Param(v), Ty::real(5));
        let x = b.push(Region::Step(pass), Op::Input(0), Ty::real(3));
        for traced in [p, x].into_iter().take(1 + pass as usize) {
            trace(&mut b, traced);
        }
    }
    let both = Both::new(&b.finish());
    for points in [1, 40] {
        let r = both.check(points, &mut Draw::new(13), false);
        assert!(r.traces.iter().all(|&x| x != 0.0));
    }
}

fn random_programs(shape: Shape, first: u64, count: u64) {
    for index in first..first + count {
        let program = Maker::program(shape, index);
        let both = Both::new(&program);
        let mut draw = Draw::new(index);
        both.check(1 + index as usize % 37, &mut draw, false);
        both.check(2, &mut draw, true);
    }
}

#[test]
fn random_expressions() {
    random_programs(Shape { directions: 0, steps: 0, passes: 1, narrow: false, traces: false, insts: 30 }, 0, 150);
}

#[test]
fn random_networks() {
    random_programs(Shape { directions: 0, steps: 5, passes: 1, narrow: false, traces: true, insts: 25 }, 1000, 80);
    random_programs(Shape { directions: 0, steps: 3, passes: 1, narrow: false, traces: false, insts: 25 }, 2000, 80);
}

#[test]
fn random_single_layers() {
    random_programs(Shape { directions: 0, steps: 6, passes: 1, narrow: true, traces: false, insts: 20 }, 3000, 150);
    random_programs(Shape { directions: 0, steps: 3, passes: 1, narrow: true, traces: true, insts: 20 }, 4000, 40);
}

#[test]
fn random_tangents() {
    for directions in [1, 4, 6, 16, 24] {
        let base = 5000 + 1000 * u64::from(directions);
        random_programs(Shape { directions, steps: 0, passes: 1, narrow: false, traces: false, insts: 25 }, base, 20);
        random_programs(
            Shape { directions, steps: 4, passes: 1, narrow: false, traces: true, insts: 25 },
            base + 100,
            20,
        );
        random_programs(
            Shape { directions, steps: 4, passes: 1, narrow: true, traces: false, insts: 20 },
            base + 200,
            30,
        );
    }
}

#[test]
fn random_passes() {
    for directions in [0, 4, 6] {
        let base = 40_000 + 1000 * u64::from(directions);
        random_programs(Shape { directions, steps: 3, passes: 3, narrow: false, traces: true, insts: 20 }, base, 40);
        random_programs(
            Shape { directions, steps: 4, passes: 2, narrow: true, traces: false, insts: 20 },
            base + 500,
            40,
        );
    }
}

#[test]
fn kernels_compiled_together_outlive_each_other() {
    let programs = vec![tuned_lif(7, 4), tuned_lif(64, 4)];
    let mut kernels = build_in::<f32>(Engine::Jit, programs).expect("they compile");
    let second = kernels.pop().expect("two kernels");
    drop(kernels);
    let reference = build_in::<f32>(Engine::Interp, vec![tuned_lif(64, 4)]).expect("it compiles").remove(0);
    let mut draw = Draw::new(11);
    let inputs = draw.numbers(2 * 50, false);
    let params = draw.numbers(second.program().param_len(), false);
    let a = driver::run(&*reference, &inputs, &params, &[]);
    let b = driver::run(&*second, &inputs, &params, &[]);
    same(&a.outputs, &b.outputs).expect("the same bits");
}
