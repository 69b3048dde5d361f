//! Local rewriting that does not change a bit of any result, in single or in double precision.
//!
//! That rules out much that algebra allows: `x + 0` is not `x` (it turns -0 into 0), `x / 3` is not `x * (1/3)`, and nothing
//! is reordered. NaNs are all alike. What is left:
//!
//! - `+ - * / sqrt` and the like of constants are folded where both precisions agree on the result: the constant stands for
//!   a number of either, so its rounding must be the single-precision result and it the double-precision one.
//!   Transcendental functions are not folded, since each engine has its own;
//! - `x * 1`, `x / 1`, `x - 0`, `x + -0`, fused products with 1 or -1 or sums with -0, double negations, `x / 2^k = x * 2^-k`, signs drawn through sums and products;
//! - selections between equals or by constants, slices of slices, concatenations and splats;
//! - states that never change become their first value.
//!
//! ```text
//! %2 = const 4.0 : 1   %3 = div %1, %2 : 1   %4 = neg %3 : 1   %5 = sub %0, %4 : 1
//!                              =>      %6 = const 0.25 : 1   %3 = mul %1, %6 : 1   …   %5 = add %0, %3 : 1
//! ```
//!
//! Operands that are no longer used are left for [`dce`](crate::pass::dce).

use std::collections::{HashMap, HashSet};

use crate::func::{Binary, Compare, Unary};
use crate::ir::op::{Elem, Op, StateId, Ty, Value};
use crate::ir::program::{Inst, Program};
use crate::pass::substitute::Substitution;

pub fn simplify(program: Program) -> Program {
    let mut program = program;
    // Every round makes the program smaller in some measure; a few are enough for anything that is written.
    for _ in 0..8 {
        let (next, changed) = round(program);
        program = next;
        if !changed {
            break;
        }
    }
    program
}

fn round(program: Program) -> (Program, bool) {
    let mut s = Simplifier {
        next: program.next_value(),
        defs: program.insts().map(|i| (i.value, (i.op.clone(), i.ty))).collect(),
        fixed: fixed_states(&program),
        same: Substitution::default(),
        traced: program.traces.iter().map(|t| t.value).collect(),
        changed: false,
    };
    let mut program = program;
    for region in program.regions() {
        let list = program.region_mut(region);
        let old = std::mem::take(list);
        for inst in old {
            s.inst(inst, list);
        }
    }
    s.same.apply(&mut program);
    (program, s.changed)
}

/// States whose next value is their first, or what they already are.
fn fixed_states(p: &Program) -> HashMap<StateId, Value> {
    let mut fixed = HashMap::new();
    for (k, s) in p.states.iter().enumerate() {
        let id = StateId(k as u32);
        let unchanged = p.passes[s.pass as usize].step.iter().any(|i| i.value == s.next && i.op == Op::State(id));
        if s.next == s.init || unchanged {
            fixed.insert(id, s.init);
        }
    }
    fixed
}

struct Simplifier {
    next: u32,
    defs: HashMap<Value, (Op, Ty)>,
    fixed: HashMap<StateId, Value>,
    same: Substitution,
    /// Values that traces may have to keep; see [`Substitution::apply`].
    traced: HashSet<Value>,
    changed: bool,
}

/// What an instruction becomes.
enum Rewrite {
    /// Another value is the same.
    Value(Value),
    /// A vector of one number.
    Number(f64),
    /// Another operation, which may use a fresh number.
    Op(Op),
    /// An operation on a value and a number as wide as it.
    WithNumber(Binary, Value, f64),
}

impl Simplifier {
    fn inst(&mut self, mut inst: Inst, out: &mut Vec<Inst>) {
        inst.op = inst.op.map(|v| self.same.of(v));
        match self.rewrite(&inst) {
            Some(Rewrite::Value(v)) if self.defs[&v].1 == inst.ty && v != inst.value => {
                self.same.insert(inst.value, v);
                if !self.traced.contains(&inst.value) {
                    self.changed = true;
                    return;
                }
            }
            Some(Rewrite::Number(c)) if !inst.ty.tangent && inst.ty.elem == Elem::Real => {
                inst.op = if inst.ty.width == 1 {
                    Op::Const(c)
                } else {
                    Op::Splat(self.push(Op::Const(c), Ty::real(1), out), inst.ty.width)
                };
                self.changed = true;
            }
            Some(Rewrite::Op(op)) => {
                inst.op = op;
                self.changed = true;
            }
            Some(Rewrite::WithNumber(f, a, c)) => {
                let one = self.push(Op::Const(c), Ty::real(1), out);
                let width = inst.ty.width;
                let c = if width == 1 { one } else { self.push(Op::Splat(one, width), Ty::real(width), out) };
                inst.op = Op::Binary(f, a, c);
                self.changed = true;
            }
            _ => {}
        }
        self.defs.insert(inst.value, (inst.op.clone(), inst.ty));
        out.push(inst);
    }

    fn push(&mut self, op: Op, ty: Ty, out: &mut Vec<Inst>) -> Value {
        let value = Value(self.next);
        self.next += 1;
        self.defs.insert(value, (op.clone(), ty));
        out.push(Inst { value, ty, op });
        value
    }

    fn op(&self, v: Value) -> &Op {
        &self.defs[&v].0
    }

    /// The number that all elements are. Those of tangents are left alone: what replaces them would be primal.
    fn number(&self, v: Value) -> Option<f64> {
        match &self.defs[&v] {
            (_, ty) if ty.tangent => None,
            (Op::Const(c), _) => Some(*c),
            (Op::Splat(a, _), _) => self.number(*a),
            _ => None,
        }
    }

    fn negated(&self, v: Value) -> Option<Value> {
        match self.op(v) {
            Op::Unary(Unary::Neg, a) => Some(*a),
            _ => None,
        }
    }

    /// The truth value that all elements are.
    fn truth(&self, mask: Value) -> Option<bool> {
        match self.op(mask) {
            Op::Compare(f, a, b) => compare(*f, self.number(*a)?, self.number(*b)?),
            _ => None,
        }
    }

    fn rewrite(&self, inst: &Inst) -> Option<Rewrite> {
        match &inst.op {
            Op::State(s) => self.fixed.get(s).map(|v| Rewrite::Value(*v)),
            Op::Unary(f, a) => self.unary(*f, *a),
            Op::Binary(f, a, b) => self.binary(*f, *a, *b),
            Op::Fma(a, b, c) => self.fma(*a, *b, *c),
            Op::And(a, b) | Op::Or(a, b) => (a == b).then_some(Rewrite::Value(*a)),
            Op::Not(a) => match self.op(*a) {
                Op::Not(b) => Some(Rewrite::Value(*b)),
                _ => None,
            },
            Op::Select(mask, a, b) => {
                if a == b {
                    return Some(Rewrite::Value(*a));
                }
                match (self.truth(*mask), self.op(*mask)) {
                    (Some(true), _) => Some(Rewrite::Value(*a)),
                    (Some(false), _) => Some(Rewrite::Value(*b)),
                    (None, Op::Not(m)) => Some(Rewrite::Op(Op::Select(*m, *b, *a))),
                    _ => None,
                }
            }
            Op::Splat(a, width) => match self.op(*a) {
                _ if *width == 1 => Some(Rewrite::Value(*a)),
                Op::Splat(b, 1) => Some(Rewrite::Op(Op::Splat(*b, *width))),
                _ => None,
            },
            Op::Concat(vs) => match vs.as_slice() {
                [v] => Some(Rewrite::Value(*v)),
                _ => None,
            },
            Op::Slice { of, start, len } => self.slice(*of, *start, *len),
            Op::Const(_) | Op::Input(_) | Op::Param(_) | Op::Direction(_) | Op::Table(_) | Op::Row(_) => None,
            // A sum starts from 0, so that even the sum of one element may differ from it: -0 becomes 0.
            Op::Compare(..) | Op::Spike { .. } | Op::SpikeAlong { .. } | Op::Sum(_) | Op::Dense { .. } => None,
        }
    }

    fn unary(&self, f: Unary, a: Value) -> Option<Rewrite> {
        if let Some(x) = self.number(a) {
            return fold_unary(f, x).map(Rewrite::Number);
        }
        match (f, self.op(a)) {
            (Unary::Neg, Op::Unary(Unary::Neg, b)) => Some(Rewrite::Value(*b)),
            (Unary::Abs, Op::Unary(Unary::Neg | Unary::Abs, b)) => Some(Rewrite::Op(Op::Unary(Unary::Abs, *b))),
            _ => None,
        }
    }

    fn binary(&self, f: Binary, a: Value, b: Value) -> Option<Rewrite> {
        let (x, y) = (self.number(a), self.number(b));
        if let (Some(x), Some(y)) = (x, y) {
            return fold_binary(f, x, y).map(Rewrite::Number);
        }
        let (minus_a, minus_b) = (self.negated(a), self.negated(b));
        let binary = |f, a, b| Some(Rewrite::Op(Op::Binary(f, a, b)));
        match f {
            Binary::Mul => match (x, y, minus_a, minus_b) {
                (Some(1.0), ..) => Some(Rewrite::Value(b)),
                (_, Some(1.0), ..) => Some(Rewrite::Value(a)),
                (Some(-1.0), ..) => Some(Rewrite::Op(Op::Unary(Unary::Neg, b))),
                (_, Some(-1.0), ..) => Some(Rewrite::Op(Op::Unary(Unary::Neg, a))),
                (_, _, Some(a), Some(b)) => binary(Binary::Mul, a, b),
                (_, Some(y), Some(a), _) => Some(Rewrite::WithNumber(Binary::Mul, a, -y)),
                (Some(x), _, _, Some(b)) => Some(Rewrite::WithNumber(Binary::Mul, b, -x)),
                _ => None,
            },
            Binary::Div => match (y, minus_a, minus_b) {
                (Some(1.0), ..) => Some(Rewrite::Value(a)),
                (Some(-1.0), ..) => Some(Rewrite::Op(Op::Unary(Unary::Neg, a))),
                (Some(y), ..) if has_exact_inverse(y) => Some(Rewrite::WithNumber(Binary::Mul, a, 1.0 / y)),
                (_, Some(a), Some(b)) => binary(Binary::Div, a, b),
                _ => None,
            },
            Binary::Add => match (x, y, minus_a, minus_b) {
                (Some(x), ..) if is_zero(x, true) => Some(Rewrite::Value(b)),
                (_, Some(y), ..) if is_zero(y, true) => Some(Rewrite::Value(a)),
                (_, _, _, Some(b)) => binary(Binary::Sub, a, b),
                (_, _, Some(a), _) => binary(Binary::Sub, b, a),
                _ => None,
            },
            Binary::Sub => match (x, y, minus_b) {
                (_, Some(y), _) if is_zero(y, false) => Some(Rewrite::Value(a)),
                (Some(x), ..) if is_zero(x, true) => Some(Rewrite::Op(Op::Unary(Unary::Neg, b))),
                (_, _, Some(b)) => binary(Binary::Add, a, b),
                _ => None,
            },
            // Each yields one of its operands, the second if they are the same.
            Binary::Min | Binary::Max => (a == b).then_some(Rewrite::Value(a)),
            Binary::Pow | Binary::Atan2 => None,
        }
    }

    fn fma(&self, a: Value, b: Value, c: Value) -> Option<Rewrite> {
        let (x, y, z) = (self.number(a), self.number(b), self.number(c));
        if let (Some(x), Some(y), Some(z)) = (x, y, z) {
            return fold_fma(x, y, z).map(Rewrite::Number);
        }
        let binary = |f, a, b| Some(Rewrite::Op(Op::Binary(f, a, b)));
        match (x, y, z, self.negated(a), self.negated(b)) {
            (Some(1.0), ..) => binary(Binary::Add, b, c),
            (_, Some(1.0), ..) => binary(Binary::Add, a, c),
            (Some(-1.0), ..) => binary(Binary::Sub, c, b),
            (_, Some(-1.0), ..) => binary(Binary::Sub, c, a),
            (_, _, Some(z), ..) if is_zero(z, true) => binary(Binary::Mul, a, b),
            (.., Some(a), Some(b)) => Some(Rewrite::Op(Op::Fma(a, b, c))),
            _ => None,
        }
    }

    fn slice(&self, of: Value, start: u32, len: u32) -> Option<Rewrite> {
        let (op, ty) = &self.defs[&of];
        if start == 0 && len == ty.width {
            return Some(Rewrite::Value(of));
        }
        match op {
            Op::Slice { of, start: before, .. } => Some(Rewrite::Op(Op::Slice { of: *of, start: before + start, len })),
            Op::Splat(a, _) => Some(Rewrite::Op(Op::Splat(*a, len))),
            Op::Concat(vs) => {
                let mut at = 0;
                for v in vs {
                    let part = self.defs[v].1;
                    if at <= start && start + len <= at + part.width {
                        // Not where the concatenation made a tangent of a primal.
                        let op = Op::Slice { of: *v, start: start - at, len };
                        return (part.tangent == ty.tangent).then_some(Rewrite::Op(op));
                    }
                    at += part.width;
                }
                None
            }
            _ => None,
        }
    }
}

/// Bit for bit zero of that sign.
fn is_zero(x: f64, negative: bool) -> bool {
    x.to_bits() == if negative { -0.0f64 } else { 0.0 }.to_bits()
}

/// A power of two whose inverse is a normal number in single precision too: dividing by it is multiplying by that.
fn has_exact_inverse(y: f64) -> bool {
    let (bits, exponent) = (y.to_bits(), (y.to_bits() >> 52 & 0x7ff) as i64 - 1023);
    bits & ((1 << 52) - 1) == 0 && (-126..=126).contains(&exponent)
}

/// The double-precision result, if rounding it gives the single-precision one.
fn agree(double: f64, single: f32) -> Option<f64> {
    ((double as f32).to_bits() == single.to_bits() && !double.is_nan()).then_some(double)
}

fn fold_unary(f: Unary, x: f64) -> Option<f64> {
    let s = x as f32;
    match f {
        Unary::Neg => agree(-x, -s),
        Unary::Abs => agree(x.abs(), s.abs()),
        Unary::Sqrt => agree(x.sqrt(), s.sqrt()),
        Unary::Floor => agree(x.floor(), s.floor()),
        Unary::Ceil => agree(x.ceil(), s.ceil()),
        // They look at the sign alone, or yield their operand.
        Unary::Sign | Unary::Heaviside | Unary::Relu => agree(f.eval(x), f.eval(f64::from(s)) as f32),
        _ => None,
    }
}

fn fold_binary(f: Binary, x: f64, y: f64) -> Option<f64> {
    let (s, t) = (x as f32, y as f32);
    match f {
        Binary::Add => agree(x + y, s + t),
        Binary::Sub => agree(x - y, s - t),
        Binary::Mul => agree(x * y, s * t),
        Binary::Div => agree(x / y, s / t),
        Binary::Min | Binary::Max => agree(f.eval(x, y), f.eval(f64::from(s), f64::from(t)) as f32),
        Binary::Pow | Binary::Atan2 => None,
    }
}

fn fold_fma(x: f64, y: f64, z: f64) -> Option<f64> {
    agree(x.mul_add(y, z), (x as f32).mul_add(y as f32, z as f32))
}

/// The result, if both precisions agree on it.
fn compare(f: Compare, x: f64, y: f64) -> Option<bool> {
    let double = f.eval(x, y);
    (double == f.eval(f64::from(x as f32), f64::from(y as f32))).then_some(double)
}
