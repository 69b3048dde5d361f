//! Common subexpressions: what is computed twice is computed once.
//!
//! A value of straight code is used in all that runs later; what a step computes stays in it. Operands of operations that do
//! not mind are put in order first. Leaves the superfluous instructions behind, for [`dce`](crate::pass::dce).
//!
//! ```text
//! %3 = mul %1, %2 : 8                  %3 = mul %1, %2 : 8
//! %4 = mul %2, %1 : 8          =>
//! %5 = add %3, %4 : 8                  %5 = add %3, %3 : 8
//! ```

use std::collections::HashMap;

use crate::func::{Binary, Compare};
use crate::ir::op::{Op, Ty, Value};
use crate::ir::program::{Inst, Program};
use crate::pass::substitute::Substitution;

pub fn cse(mut program: Program) -> Program {
    let mut same = Substitution::default();
    let mut straight = HashMap::new();
    for r in program.regions() {
        if r.is_straight() {
            region(program.region(r), &mut straight, &mut same);
        } else {
            region(program.region(r), &mut straight.clone(), &mut same);
        }
    }
    same.apply(&mut program);
    program
}

fn region(insts: &[Inst], seen: &mut HashMap<(Key, Ty), Value>, same: &mut Substitution) {
    for inst in insts {
        let op = inst.op.map(|v| same.of(v));
        match seen.get(&(key(&op), inst.ty)) {
            Some(v) => same.insert(inst.value, *v),
            None => {
                seen.insert((key(&op), inst.ty), inst.value);
            }
        }
    }
}

/// An operation by its bits: its kind, its attributes and operands.
type Key = (u32, Vec<u64>);

fn key(op: &Op) -> Key {
    let v = |v: &Value| u64::from(v.0);
    let ordered = |a: &Value, b: &Value| vec![v(a).min(v(b)), v(a).max(v(b))];
    match op {
        Op::Const(c) => (0, vec![c.to_bits()]),
        Op::Input(k) => (1, vec![u64::from(*k)]),
        Op::Param(p) => (2, vec![u64::from(p.0)]),
        Op::Direction(p) => (3, vec![u64::from(p.0)]),
        Op::State(s) => (4, vec![u64::from(s.0)]),
        Op::Table(k) => (5, vec![u64::from(*k)]),
        Op::And(a, b) => (6, ordered(a, b)),
        Op::Or(a, b) => (7, ordered(a, b)),
        Op::Not(a) => (8, vec![v(a)]),
        Op::Select(c, a, b) => (9, vec![v(c), v(a), v(b)]),
        Op::Spike { of, strict, surrogate } => {
            (10, vec![v(of), u64::from(*strict), surrogate.kind as u64, surrogate.scale.to_bits()])
        }
        Op::SpikeAlong { of, strict, slope } => (16, vec![v(of), u64::from(*strict), v(slope)]),
        Op::Splat(a, width) => (11, vec![v(a), u64::from(*width)]),
        Op::Concat(vs) => (12, vs.iter().map(v).collect()),
        Op::Slice { of, start, len } => (13, vec![v(of), u64::from(*start), u64::from(*len)]),
        Op::Sum(a) => (14, vec![v(a)]),
        Op::Dense { x, weight, direction } => (15, vec![v(x), u64::from(weight.0), u64::from(*direction)]),
        Op::Fma(a, b, c) => (18, [ordered(a, b), vec![v(c)]].concat()),
        Op::Row(p) => (17, vec![u64::from(p.0)]),
        Op::Unary(f, a) => (100 + *f as u32, vec![v(a)]),
        Op::Binary(f @ (Binary::Add | Binary::Mul), a, b) => (200 + *f as u32, ordered(a, b)),
        Op::Binary(f, a, b) => (200 + *f as u32, vec![v(a), v(b)]),
        Op::Compare(f @ (Compare::Eq | Compare::Ne), a, b) => (300 + *f as u32, ordered(a, b)),
        Op::Compare(f, a, b) => (300 + *f as u32, vec![v(a), v(b)]),
    }
}
