//! Brings a program into the form that the planner expects, without changing any result.
//!
//! * Instructions and states that no output or trace depends on are gone.
//! * A state's first and next value are results of element-wise instructions of straight code and of its steps, so that the
//!   loops that compute them can store them where the state lives.
//! * Element-wise instructions take constants as they are, not spread over a row in memory; what asks whether a
//!   difference from a constant is at least 0 compares the two instead, once for all who ask.
//! * What leaves a loop whole (operands of sums, products, concatenations and slices, outputs) is no constant and no mask.
//!
//! * Tangents read no state and no row of a parameter but by a copy.
//!
//! A copy is written as a splat to the same width.
//!
//! ```text
//! state 0 : 8 = %1 next %0 (an input)      =>      %9 = splat %0, 8 in step;  state 0 : 8 = %1 next %9
//! ```

use std::collections::{HashMap, HashSet};

use crate::func::{Binary, Compare};
use crate::ir::op::{Elem, Op, Ty, Value};
use crate::ir::program::{Inst, Program, Region};

/// An operation that no loop has to compute: its result is read from where it already lies.
pub(super) fn is_source(op: &Op) -> bool {
    matches!(
        op,
        Op::Const(_) | Op::Input(_) | Op::Param(_) | Op::Direction(_) | Op::State(_) | Op::Table(_) | Op::Row(_)
    )
}

/// A source without a place in memory.
fn is_number(op: &Op) -> bool {
    matches!(op, Op::Const(_) | Op::Table(_))
}

pub(super) fn normalise(program: &Program) -> Program {
    let mut p = program.clone();
    unspread(&mut p);
    crossings(&mut p);
    prune(&mut p);
    let mut n = Normaliser { next: p.next_value(), types: p.insts().map(|i| (i.value, i.ty)).collect() };
    let numbers: HashSet<Value> = p.insts().filter(|i| is_number(&i.op)).map(|i| i.value).collect();

    for r in p.regions() {
        let region = p.region_mut(r);
        let old = std::mem::take(region);
        for mut inst in old {
            if !inst.op.is_elementwise() {
                let tangent = inst.ty.tangent;
                let mixed = matches!(inst.op, Op::Concat(_));
                inst.op = inst.op.map(|v| {
                    let ty = n.types[&v];
                    // A concatenation of tangents takes primal operands once for each direction.
                    let ty = if mixed { Ty { tangent, ..ty } } else { ty };
                    if numbers.contains(&v) || ty != n.types[&v] { n.copy(region, v, ty) } else { v }
                });
            }
            region.push(inst);
        }
    }

    separate(&mut p, &mut n);

    let straight: HashSet<Value> =
        p.regions().into_iter().filter(|r| r.is_straight()).flat_map(|r| computed(p.region(r))).collect();
    let mut states = std::mem::take(&mut p.states);
    for s in &mut states {
        if !straight.contains(&s.init) {
            s.init = n.copy(p.region_mut(Region::before(s.pass)), s.init, s.ty);
        }
        let step = p.region_mut(Region::Step(s.pass));
        if !computed(step).any(|v| v == s.next) {
            s.next = n.copy(step, s.next, s.ty);
        }
    }
    p.states = states;

    let mut outputs = std::mem::take(&mut p.outputs);
    for o in &mut outputs {
        let home = p.home(o.value).unwrap_or(Region::Init);
        o.value = n.visible(p.region_mut(home), o.value, &numbers);
    }
    p.outputs = outputs;
    let mut traces = std::mem::take(&mut p.traces);
    for t in &mut traces {
        let home = p.home(t.value).unwrap_or(Region::Init);
        t.value = n.visible(p.region_mut(home), t.value, &numbers);
    }
    p.traces = traces;
    p
}

/// Has element-wise instructions use constants themselves where they use constants spread over a row.
fn unspread(p: &mut Program) {
    let constants: HashSet<Value> = p.insts().filter(|i| matches!(i.op, Op::Const(_))).map(|i| i.value).collect();
    let of = |i: &Inst| match i.op {
        Op::Splat(c, _) if constants.contains(&c) && !i.ty.tangent => Some((i.value, c)),
        _ => None,
    };
    let spread: HashMap<Value, Value> = p.insts().filter_map(of).collect();
    for inst in p.insts_mut() {
        // A copy needs an operand of its own width only if it is one of a row.
        if inst.op.is_elementwise() && !matches!(inst.op, Op::Splat(..)) {
            inst.op = inst.op.map(|v| *spread.get(&v).unwrap_or(&v));
        }
    }
}

/// Writes spike(a - c), and a - c >= 0 or > 0, c a finite constant, as a comparison of a and c. It has the same bits: a difference
/// of two numbers is rounded to 0 only where they are equal. Spikes that enter products stay, as those look for them.
fn crossings(p: &mut Program) {
    let ops: HashMap<Value, Op> = p.insts().map(|i| (i.value, i.op.clone())).collect();
    let entering: HashSet<Value> =
        p.insts().filter_map(|i| if let Op::Dense { x, .. } = i.op { Some(x) } else { None }).collect();
    let number = |v: Value| if let Op::Const(x) = ops[&v] { Some(x) } else { None };
    let sides = |of: Value| match ops[&of] {
        Op::Binary(Binary::Sub, a, c) if number(c).is_some_and(|c| (c as f32).is_finite()) => Some((a, c)),
        _ => None,
    };
    let mut next = p.next_value();
    let mut fresh = |region: &mut Vec<Inst>, op: Op, ty: Ty| {
        region.push(Inst { value: Value(next), ty, op });
        next += 1;
        Value(next - 1)
    };
    let mut same: HashMap<Value, Value> = HashMap::new();
    for r in p.regions() {
        let old = std::mem::take(p.region_mut(r));
        let region = p.region_mut(r);
        // Masks by what they compare.
        let mut masks: HashMap<(bool, Value, Option<u64>, u32), Value> = HashMap::new();
        for mut inst in old {
            inst.op = inst.op.map(|v| *same.get(&v).unwrap_or(&v));
            let asked = match inst.op {
                Op::Spike { of, strict, .. } if !inst.ty.tangent && !entering.contains(&inst.value) => {
                    sides(of).map(|s| (strict, s))
                }
                Op::Compare(f @ (Compare::Gt | Compare::Ge), of, zero) if number(zero) == Some(0.0) => {
                    sides(of).map(|s| (f == Compare::Gt, s))
                }
                _ => None,
            };
            if let Some((strict, (a, c))) = asked {
                let mask = *masks.entry((strict, a, number(c).map(f64::to_bits), inst.ty.width)).or_insert_with(|| {
                    let compare = Op::Compare(if strict { Compare::Gt } else { Compare::Ge }, a, c);
                    fresh(region, compare, Ty { elem: Elem::Mask, ..inst.ty })
                });
                if inst.ty.elem == Elem::Mask {
                    same.insert(inst.value, mask);
                    continue;
                }
                let [one, zero] = [1.0, 0.0].map(|x| fresh(region, Op::Const(x), Ty::real(1)));
                inst.op = Op::Select(mask, one, zero);
            }
            region.push(inst);
        }
    }
}

/// Has tangents read states and rows of parameters by copies: they may be run when these have moved on.
fn separate(p: &mut Program, n: &mut Normaliser) {
    for k in 0..p.passes.len() as u32 {
        let step = p.region_mut(Region::Step(k));
        let ops: HashMap<Value, Op> = step.iter().map(|i| (i.value, i.op.clone())).collect();
        let moves = |mut v: Value| {
            while let Some(Op::Slice { of, .. }) = ops.get(&v) {
                v = *of;
            }
            matches!(ops.get(&v), Some(Op::State(_) | Op::Row(_))) && !n.types[&v].tangent
        };
        let wanted: HashSet<Value> =
            step.iter().filter(|i| i.ty.tangent).flat_map(|i| i.op.operands()).filter(|&v| moves(v)).collect();
        let mut copies = HashMap::new();
        for mut inst in std::mem::take(step) {
            if inst.ty.tangent {
                inst.op = inst.op.map(|v| copies.get(&v).copied().unwrap_or(v));
            }
            let (value, ty) = (inst.value, inst.ty);
            step.push(inst);
            if wanted.contains(&value) {
                copies.insert(value, n.copy(step, value, ty));
            }
        }
    }
}

/// Results of element-wise instructions.
fn computed(region: &[Inst]) -> impl Iterator<Item = Value> {
    region.iter().filter(|i| i.op.is_elementwise() && !is_source(&i.op)).map(|i| i.value)
}

struct Normaliser {
    next: u32,
    types: HashMap<Value, Ty>,
}

impl Normaliser {
    fn push(&mut self, region: &mut Vec<Inst>, op: Op, ty: Ty) -> Value {
        let value = Value(self.next);
        self.next += 1;
        self.types.insert(value, ty);
        region.push(Inst { value, ty, op });
        value
    }

    fn copy(&mut self, region: &mut Vec<Inst>, v: Value, ty: Ty) -> Value {
        self.push(region, Op::Splat(v, ty.width), ty)
    }

    /// A form of the value that can be copied out: a mask becomes 1 and 0, a number gets a place.
    fn visible(&mut self, region: &mut Vec<Inst>, v: Value, numbers: &HashSet<Value>) -> Value {
        let ty = self.types[&v];
        if ty.elem == Elem::Mask {
            let wide = Ty { elem: Elem::Real, ..ty };
            let one = self.push(region, Op::Const(1.0), Ty::real(1));
            let one = self.push(region, Op::Splat(one, ty.width), wide);
            let zero = self.push(region, Op::Const(0.0), Ty::real(1));
            let zero = self.push(region, Op::Splat(zero, ty.width), wide);
            self.push(region, Op::Select(v, one, zero), wide)
        } else if numbers.contains(&v) {
            self.copy(region, v, ty)
        } else {
            v
        }
    }
}

/// Removes what nothing visible depends on.
fn prune(p: &mut Program) {
    let ops: HashMap<Value, Op> = p.insts().map(|i| (i.value, i.op.clone())).collect();
    let mut live: HashSet<Value> = HashSet::new();
    let mut states: HashSet<u32> = HashSet::new();
    let mut work: Vec<Value> = p.outputs.iter().chain(&p.traces).map(|o| o.value).collect();
    while let Some(v) = work.pop() {
        if !live.insert(v) {
            continue;
        }
        let op = &ops[&v];
        work.extend(op.operands());
        if let Op::State(s) = op
            && states.insert(s.0)
        {
            let state = &p.states[s.0 as usize];
            work.extend([state.init, state.next]);
        }
    }
    for region in p.regions() {
        p.region_mut(region).retain(|i| live.contains(&i.value));
    }
    // The states that are left are numbered anew.
    let mut number = 0;
    let mut renamed = HashMap::new();
    let old = std::mem::take(&mut p.states);
    for (k, s) in old.into_iter().enumerate() {
        if states.contains(&(k as u32)) {
            renamed.insert(k as u32, number);
            number += 1;
            p.states.push(s);
        }
    }
    for inst in p.insts_mut() {
        if let Op::State(s) = &mut inst.op {
            s.0 = renamed[&s.0];
        }
    }
}
