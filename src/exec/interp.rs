//! The interpreter: the semantics of a program, one point after another, one instruction after another.
//!
//! Whatever it computes is right by definition; the JIT must give the same bits (NaNs are all alike). In either precision
//! it is a [`Kernel`], with the functions of [`math`](crate::exec::math); [`eval`] evaluates expressions (boundary data,
//! exact solutions, reports) in double precision with those of `func`.
//!
//! ```text
//! %2 = add %0, %1 : 2        scratch[slot 2] = [scratch[slot 0][i] + scratch[slot 1][i] for i in 0..2]
//! ```

mod probe;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::Range;

use crate::exec::kernel::{Kernel, Tile};
use crate::exec::math::Ops;
use crate::exec::real::Real;
use crate::func::{Binary, Unary};
use crate::ir::op::{Op, Ty, Value};
use crate::ir::program::{Inst, Program};
pub use probe::{Fault, Site, first_fault};

/// Runs a program in one precision.
#[derive(Debug)]
pub struct Interpreter<R = f32> {
    program: Program,
    machine: Machine,
    precision: PhantomData<R>,
}

impl Interpreter<f32> {
    /// In single precision; the program must have passed `ir::verify`.
    pub fn new(program: Program) -> Interpreter<f32> {
        Interpreter::of(program)
    }
}

impl<R> Interpreter<R> {
    /// The program must have passed `ir::verify`.
    pub fn of(program: Program) -> Interpreter<R> {
        let machine = Machine::new(&program);
        Interpreter { program, machine, precision: PhantomData }
    }
}

impl<R: Real> Kernel<R> for Interpreter<R> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn scratch_len(&self) -> usize {
        self.machine.len
    }

    fn run_tile(&self, scratch: &mut [R], tile: Tile<'_, R>) {
        let p = &self.program;
        let (inputs, outputs, traces) = (p.input_len(), self.machine.output_len, self.machine.trace_len);
        let mut env = Env { inputs: &[], params: tile.params, directions: tile.directions, step: 0 };
        self.machine.constants::<Emitted, R>(scratch, &env);
        for i in 0..tile.points {
            env.inputs = &tile.inputs[i * inputs..(i + 1) * inputs];
            self.machine.point::<Emitted, R>(
                scratch,
                &mut env,
                &mut tile.outputs[i * outputs..(i + 1) * outputs],
                &mut tile.traces[i * traces..(i + 1) * traces],
            );
        }
    }
}

/// An expression program in double precision: `inputs[k]` is `[points][width of input k]`, the result
/// `[points][output_len]`. A program without inputs has one point. Programs with parameters cannot be run so.
pub fn eval(program: &Program, inputs: &[&[f64]]) -> Vec<f64> {
    let machine = Machine::new(program);
    let widths: Vec<usize> = program.inputs.iter().map(|i| i.width as usize).collect();
    let points = match (inputs.first(), widths.first()) {
        (Some(x), Some(&w)) => x.len() / w.max(1),
        _ => 1,
    };
    let mut scratch = vec![0.0f64; machine.len];
    let mut traces = vec![0.0f64; machine.trace_len];
    let mut results = vec![0.0f64; points * machine.output_len];
    let mut row = Vec::with_capacity(program.input_len());
    machine.constants::<Defined, f64>(&mut scratch, &Env { inputs: &[], params: &[], directions: &[], step: 0 });
    for i in 0..points {
        row.clear();
        for (x, &w) in inputs.iter().zip(&widths) {
            row.extend_from_slice(&x[i * w..(i + 1) * w]);
        }
        let mut env = Env { inputs: &row, params: &[], directions: &[], step: 0 };
        let out = i * machine.output_len;
        machine.point::<Defined, f64>(&mut scratch, &mut env, &mut results[out..out + machine.output_len], &mut traces);
    }
    results
}

/// Which functions are meant by the names.
trait Functions<T> {
    fn unary(f: Unary, out: &mut [T], a: &[T]);
    fn binary(f: Binary, out: &mut [T], a: &[T], b: &[T]);
}

/// Those of kernels.
struct Emitted;

/// The definition in double precision.
struct Defined;

fn map1<T: Copy>(out: &mut [T], a: &[T], f: impl Fn(T) -> T) {
    for (o, &a) in out.iter_mut().zip(a) {
        *o = f(a);
    }
}

fn map2<T: Copy>(out: &mut [T], a: &[T], b: &[T], f: impl Fn(T, T) -> T) {
    for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *o = f(a, b);
    }
}

impl<R: Real> Functions<R> for Emitted {
    fn unary(f: Unary, out: &mut [R], a: &[R]) {
        // One loop for each function, so that the choice is made once for a vector.
        macro_rules! run {
            ($($name:ident)*) => {
                match f { $(Unary::$name => map1(out, a, |x| R::unary(&mut R::Scalar::default(), Unary::$name, x)),)* }
            };
        }
        run!(Neg Abs Sqrt Floor Ceil Sign Exp Log Log2 Sin Cos Tan Asin Acos Atan Sinh Cosh Sech Tanh Erf Heaviside Sigmoid
            Relu Softplus Gelu);
    }

    fn binary(f: Binary, out: &mut [R], a: &[R], b: &[R]) {
        macro_rules! run {
            ($($name:ident)*) => {
                match f {
                    $(Binary::$name => {
                        map2(out, a, b, |x, y| R::binary(&mut R::Scalar::default(), Binary::$name, x, y))
                    })*
                }
            };
        }
        run!(Add Sub Mul Div Pow Min Max Atan2);
    }
}

impl Functions<f64> for Defined {
    fn unary(f: Unary, out: &mut [f64], a: &[f64]) {
        map1(out, a, |x| f.eval(x));
    }

    fn binary(f: Binary, out: &mut [f64], a: &[f64], b: &[f64]) {
        map2(out, a, b, |x, y| f.eval(x, y));
    }
}

fn spike<T: Real>(x: T, strict: bool) -> bool {
    if strict { x > T::ZERO } else { x >= T::ZERO }
}

/// What a point's instructions read besides scratch.
struct Env<'a, T> {
    inputs: &'a [T],
    params: &'a [T],
    directions: &'a [T],
    step: usize,
}

/// Where a value lies in scratch.
#[derive(Debug, Clone, Copy)]
struct Slot {
    at: usize,
    len: usize,
    ty: Ty,
}

impl Slot {
    fn range(self) -> Range<usize> {
        self.at..self.at + self.len
    }
}

/// An instruction with everything looked up.
#[derive(Debug)]
struct Code {
    op: Op,
    to: Slot,
    args: Vec<Slot>,
    /// Where the input, parameter or state of the operation starts in its buffer.
    from: usize,
    /// A `Dense` over spikes.
    event: bool,
}

/// A program with its slots laid out: an operand always lies before its result, and a temporary for each of up to three operands before everything.
#[derive(Debug)]
struct Machine {
    len: usize,
    directions: usize,
    /// Lanes of one temporary.
    temporary: usize,
    tables: Vec<Vec<f64>>,
    constants: Vec<Code>,
    init: Vec<Code>,
    passes: Vec<PassCode>,
    outputs: Vec<Slot>,
    output_len: usize,
    trace_len: usize,
}

/// A pass through time.
#[derive(Debug)]
struct PassCode {
    steps: usize,
    step: Vec<Code>,
    finish: Vec<Code>,
    /// Where each state lies, the slots of its first value and of its next.
    states: Vec<(usize, Slot, Slot)>,
    traces: Vec<Slot>,
}

impl Machine {
    fn new(p: &Program) -> Machine {
        let temporary = p.insts().filter(|i| i.ty.tangent).map(|i| p.lanes(i.ty)).max().unwrap_or(0);
        let mut len = 3 * temporary;
        let mut take = |n: usize| {
            len += n;
            len - n
        };
        let states_at: Vec<usize> = p.states.iter().map(|s| take(p.lanes(s.ty))).collect();
        let mut slots: HashMap<Value, Slot> = HashMap::new();
        let mut input_at = vec![];
        let mut sum = 0;
        for i in &p.inputs {
            input_at.push(sum);
            sum += i.width as usize;
        }
        let fixed = |op: &Op| matches!(op, Op::Const(_) | Op::Param(_) | Op::Direction(_));
        let mut constants = vec![];
        let regions = p.regions();
        let mut lists: Vec<Vec<Code>> = regions.iter().map(|_| vec![]).collect();
        // The constants first, so that they are in place before any region runs.
        for inst in p.insts().filter(|i| fixed(&i.op)) {
            let lanes = p.lanes(inst.ty);
            slots.insert(inst.value, Slot { at: take(lanes), len: lanes, ty: inst.ty });
        }
        for (list, region) in lists.iter_mut().zip(&regions) {
            for Inst { value, ty, op } in p.region(*region) {
                let lanes = p.lanes(*ty);
                let to = *slots.entry(*value).or_insert_with(|| Slot { at: take(lanes), len: lanes, ty: *ty });
                let args = op.operands().iter().map(|v| slots[v]).collect();
                let from = match op {
                    Op::Input(k) => input_at[*k as usize],
                    Op::Param(id) | Op::Row(id) => p.param_offset(*id),
                    Op::Direction(id) => p.param_offset(*id) * p.directions as usize,
                    Op::Dense { weight, direction: false, .. } => p.param_offset(*weight),
                    Op::Dense { weight, direction: true, .. } => p.param_offset(*weight) * p.directions as usize,
                    Op::State(s) => states_at[s.0 as usize],
                    _ => 0,
                };
                let event = matches!(op, Op::Dense { x, .. } if p.is_event(*x));
                let code = Code { op: op.clone(), to, args, from, event };
                if fixed(op) { constants.push(code) } else { list.push(code) }
            }
        }
        let mut lists = lists.into_iter();
        let init = lists.next().unwrap_or_default();
        let layouts = p.trace_layout();
        let passes = p.passes.iter().enumerate().map(|(k, pass)| PassCode {
            steps: pass.steps as usize,
            step: lists.next().unwrap_or_default(),
            finish: lists.next().unwrap_or_default(),
            states: (p.states.iter().zip(&states_at).filter(|(s, _)| s.pass as usize == k))
                .map(|(s, &at)| (at, slots[&s.init], slots[&s.next]))
                .collect(),
            traces: layouts[k].traces.iter().map(|t| slots[&p.traces[t.trace].value]).collect(),
        });
        let passes = passes.collect();
        Machine {
            len,
            directions: p.directions as usize,
            temporary,
            tables: p.tables.iter().map(|t| t.values.clone()).collect(),
            constants,
            init,
            passes,
            outputs: p.outputs.iter().map(|o| slots[&o.value]).collect(),
            output_len: p.output_len(),
            trace_len: p.trace_len(),
        }
    }

    /// What is the same for all points.
    fn constants<F: Functions<T>, T: Real>(&self, scratch: &mut [T], env: &Env<'_, T>) {
        self.region::<F, T>(&self.constants, scratch, env);
    }

    fn point<F: Functions<T>, T: Real>(
        &self,
        scratch: &mut [T],
        env: &mut Env<'_, T>,
        outputs: &mut [T],
        traces: &mut [T],
    ) {
        self.region::<F, T>(&self.init, scratch, env);
        let mut trace = 0;
        for pass in &self.passes {
            for &(at, first, _) in &pass.states {
                scratch.copy_within(first.range(), at);
            }
            for step in 0..pass.steps {
                env.step = step;
                self.region::<F, T>(&pass.step, scratch, env);
                for t in &pass.traces {
                    traces[trace..trace + t.len].copy_from_slice(&scratch[t.range()]);
                    trace += t.len;
                }
                // No state is overwritten before all are read: reading one copied it to a slot of its own.
                for &(at, _, next) in &pass.states {
                    scratch.copy_within(next.range(), at);
                }
            }
            self.region::<F, T>(&pass.finish, scratch, env);
        }
        let mut at = 0;
        for o in &self.outputs {
            outputs[at..at + o.len].copy_from_slice(&scratch[o.range()]);
            at += o.len;
        }
    }

    fn region<F: Functions<T>, T: Real>(&self, list: &[Code], scratch: &mut [T], env: &Env<'_, T>) {
        for code in list {
            let (before, rest) = scratch.split_at_mut(code.to.at);
            self.execute::<F, T>(code, before, &mut rest[..code.to.len], env);
        }
    }

    /// The operand, once for each direction if the result is a tangent and it is not.
    fn operand<T: Real>(&self, before: &mut [T], code: &Code, k: usize) -> Range<usize> {
        let slot = code.args[k];
        if slot.ty.tangent || !code.to.ty.tangent {
            return slot.range();
        }
        let at = k * self.temporary;
        let n = slot.len * self.directions;
        for i in 0..slot.len {
            let x = before[slot.at + i];
            before[at + i * self.directions..at + (i + 1) * self.directions].fill(x);
        }
        at..at + n
    }

    fn execute<F: Functions<T>, T: Real>(&self, code: &Code, before: &mut [T], out: &mut [T], env: &Env<'_, T>) {
        let d = self.directions;
        let truth = |b: bool| if b { T::ONE } else { T::ZERO };
        match &code.op {
            Op::Const(x) => out.fill(T::new(*x)),
            Op::Input(_) => out.copy_from_slice(&env.inputs[code.from..code.from + out.len()]),
            Op::Param(_) => out.copy_from_slice(&env.params[code.from..code.from + out.len()]),
            Op::Direction(_) => out.copy_from_slice(&env.directions[code.from..code.from + out.len()]),
            Op::State(_) => out.copy_from_slice(&before[code.from..code.from + out.len()]),
            Op::Table(k) => out.fill(T::new(self.tables[*k as usize][env.step])),
            Op::Row(_) => {
                let at = code.from + env.step * out.len();
                out.copy_from_slice(&env.params[at..at + out.len()]);
            }
            Op::Unary(f, _) => F::unary(*f, out, &before[code.args[0].range()]),
            Op::Binary(f, ..) => {
                let (a, b) = (self.operand(before, code, 0), self.operand(before, code, 1));
                F::binary(*f, out, &before[a], &before[b]);
            }
            Op::Fma(..) => {
                let [a, b, c] = [0, 1, 2].map(|k| self.operand(before, code, k));
                for (((o, &a), &b), &c) in out.iter_mut().zip(&before[a]).zip(&before[b]).zip(&before[c]) {
                    *o = a.fused(b, c);
                }
            }
            Op::Compare(f, ..) => {
                map2(out, &before[code.args[0].range()], &before[code.args[1].range()], |a, b| {
                    truth(T::Scalar::default().compare(*f, a, b))
                });
            }
            Op::And(..) | Op::Or(..) => {
                let all = matches!(code.op, Op::And(..));
                map2(out, &before[code.args[0].range()], &before[code.args[1].range()], |a, b| {
                    let (a, b) = (a != T::ZERO, b != T::ZERO);
                    truth(if all { a && b } else { a || b })
                });
            }
            Op::Not(_) => map1(out, &before[code.args[0].range()], |a| truth(a == T::ZERO)),
            Op::Select(..) => {
                let (a, b) = (self.operand(before, code, 1), self.operand(before, code, 2));
                let mask = code.args[0].at;
                let per = if code.to.ty.tangent { d } else { 1 };
                for (i, o) in out.iter_mut().enumerate() {
                    let from = if before[mask + i / per] != T::ZERO { &a } else { &b };
                    *o = before[from.start + i];
                }
            }
            Op::Spike { strict, .. } | Op::SpikeAlong { strict, .. } => {
                map1(out, &before[code.args[0].range()], |x| truth(spike(x, *strict)));
            }
            Op::Splat(..) => {
                let x = &before[code.args[0].range()];
                for lanes in out.chunks_exact_mut(x.len().max(1)) {
                    lanes.copy_from_slice(x);
                }
            }
            Op::Concat(_) => {
                let mut at = 0;
                for a in &code.args {
                    let n = a.ty.width as usize * if code.to.ty.tangent { d } else { 1 };
                    for i in 0..n {
                        let from = if a.ty.tangent || !code.to.ty.tangent { i } else { i / d };
                        out[at + i] = before[a.at + from];
                    }
                    at += n;
                }
            }
            Op::Slice { start, .. } => {
                let per = if code.to.ty.tangent { d } else { 1 };
                let at = code.args[0].at + *start as usize * per;
                out.copy_from_slice(&before[at..at + out.len()]);
            }
            Op::Sum(_) => {
                let x = &before[code.args[0].range()];
                out.fill(T::ZERO);
                for lanes in x.chunks_exact(out.len().max(1)) {
                    for (o, &x) in out.iter_mut().zip(lanes) {
                        *o += x;
                    }
                }
            }
            Op::Dense { direction, .. } => {
                let x = code.args[0];
                let weights = if *direction { env.directions } else { env.params };
                dense(out, &before[x.range()], x, &weights[code.from..], code, d);
            }
        }
    }
}

/// y_j = sum_i x_i W_ij, in order of i.
fn dense<T: Real>(out: &mut [T], x: &[T], slot: Slot, weights: &[T], code: &Code, d: usize) {
    let direction = matches!(code.op, Op::Dense { direction: true, .. });
    let inputs = slot.ty.width as usize;
    out.fill(T::ZERO);
    match (slot.ty.tangent, direction) {
        // All the numbers of a row of weights (of all directions) have the same factor.
        (false, _) => {
            let n = out.len();
            for (i, &x) in x.iter().enumerate() {
                let row = &weights[i * n..(i + 1) * n];
                if code.event && x == T::ZERO {
                    continue;
                }
                for (o, &w) in out.iter_mut().zip(row) {
                    *o = if code.event { *o + w } else { x.fused(w, *o) };
                }
            }
        }
        (true, _) => {
            let outputs = out.len() / d;
            for i in 0..inputs {
                let x = &x[i * d..(i + 1) * d];
                if !direction && x.iter().all(|&x| x == T::ZERO) {
                    continue;
                }
                for (j, lanes) in out.chunks_exact_mut(d).enumerate() {
                    for (k, (o, &x)) in lanes.iter_mut().zip(x).enumerate() {
                        let at = i * outputs + j;
                        let w = if direction { weights[at * d + k] } else { weights[at] };
                        *o = x.fused(w, *o);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::driver::run;
    use crate::func::{Surrogate, SurrogateKind};
    use crate::ir::program::{Builder, Input, Output, Pass, Region, Table};

    fn output(b: &mut Builder, name: &str, value: Value) {
        b.program.outputs.push(Output { name: name.into(), value });
    }

    #[test]
    fn expressions_in_double_precision() {
        let mut p = Program::new("x sin(t)");
        p.inputs = vec![Input { name: "x".into(), width: 1 }, Input { name: "t".into(), width: 2 }];
        let mut b = Builder::new(p);
        let x = b.push(Region::Init, Op::Input(0), Ty::real(1));
        let t = b.push(Region::Init, Op::Input(1), Ty::real(2));
        let s = b.push(Region::Init, Op::Unary(Unary::Sin, t), Ty::real(2));
        let x = b.push(Region::Init, Op::Splat(x, 2), Ty::real(2));
        let y = b.push(Region::Init, Op::Binary(Binary::Mul, x, s), Ty::real(2));
        output(&mut b, "y", y);
        let got = eval(&b.finish(), &[&[2.0, 3.0], &[0.1, 0.2, 0.3, 0.4]]);
        let want = [2.0 * libm::sin(0.1), 2.0 * libm::sin(0.2), 3.0 * libm::sin(0.3), 3.0 * libm::sin(0.4)];
        assert_eq!(got, want);
    }

    #[test]
    fn constants_alone_have_one_point() {
        let mut b = Builder::new(Program::new("two"));
        let two = b.push(Region::Init, Op::Const(2.0), Ty::real(1));
        output(&mut b, "y", two);
        assert_eq!(eval(&b.finish(), &[]), [2.0]);
    }

    /// Fibonacci: both states are read before either is replaced; the trace shows the start of each step.
    #[test]
    fn states_change_together() {
        let mut p = Program::new("fibonacci");
        p.inputs = vec![Input { name: "x".into(), width: 1 }];
        p.passes = vec![Pass::new(5)];
        p.tables = vec![Table { name: "t".into(), values: vec![0.0, 10.0, 20.0, 30.0, 40.0] }];
        let mut b = Builder::new(p);
        let ty = Ty::real(1);
        let x = b.push(Region::Init, Op::Input(0), ty);
        let zero = b.push(Region::Init, Op::Const(0.0), ty);
        let (s, t) = (b.state(0, ty, zero), b.state(0, ty, x));
        let old = b.push(Region::Step(0), Op::State(s), ty);
        let new = b.push(Region::Step(0), Op::State(t), ty);
        let sum = b.push(Region::Step(0), Op::Binary(Binary::Add, old, new), ty);
        let table = b.push(Region::Step(0), Op::Table(0), ty);
        let shown = b.push(Region::Step(0), Op::Binary(Binary::Add, old, table), ty);
        b.set_next(s, new);
        b.set_next(t, sum);
        b.program.traces.push(Output { name: "shown".into(), value: shown });
        let last = b.push(Region::Finish(0), Op::State(s), ty);
        output(&mut b, "y", last);
        let r = run(&Interpreter::new(b.finish()), &[1.0, 2.0], &[], &[]);
        assert_eq!(r.outputs, [5.0, 10.0]);
        assert_eq!(r.traces, [0.0, 11.0, 21.0, 32.0, 43.0, 0.0, 12.0, 22.0, 34.0, 46.0]);
    }

    /// A silent spike's weights are not looked at; an active one's are added as they are.
    #[test]
    fn products_of_spikes_skip_zeros() {
        let mut p = Program::new("events");
        p.inputs = vec![Input { name: "x".into(), width: 3 }];
        let mut b = Builder::new(p);
        let w = b.param("w", 3, 1, true);
        let x = b.push(Region::Init, Op::Input(0), Ty::real(3));
        let surrogate = Surrogate { kind: SurrogateKind::Triangle, scale: 1.0 };
        let s = b.push(Region::Init, Op::Spike { of: x, strict: false, surrogate }, Ty::real(3));
        let y = b.push(Region::Init, Op::Dense { x: s, weight: w, direction: false }, Ty::real(1));
        output(&mut b, "y", y);
        let kernel = Interpreter::new(b.finish());
        let r = run(&kernel, &[1.0, -1.0, 0.0, f32::NAN, -0.0, -3.0], &[0.5, f32::INFINITY, 0.25], &[]);
        assert_eq!(r.outputs, [0.75, f32::INFINITY]);
    }

    #[test]
    fn tangents_have_one_value_a_direction() {
        let mut p = Program::new("tangent");
        p.inputs = vec![Input { name: "x".into(), width: 2 }];
        p.directions = 3;
        let mut b = Builder::new(p);
        let w = b.param("w", 2, 1, true);
        let x = b.push(Region::Init, Op::Input(0), Ty::real(2));
        let y = b.push(Region::Init, Op::Dense { x, weight: w, direction: true }, Ty::tangent(1));
        let s = b.push(Region::Init, Op::Sum(x), Ty::real(1));
        let z = b.push(Region::Init, Op::Binary(Binary::Mul, y, s), Ty::tangent(1));
        output(&mut b, "z", z);
        let r = run(&Interpreter::new(b.finish()), &[1.0, 2.0], &[0.0; 2], &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        assert_eq!(r.outputs, [63.0, 126.0, 189.0]);
    }
}
