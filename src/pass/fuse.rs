//! Fused multiply-adds: a product that only one sum or difference wants becomes part of it; and a product with two numbers one
//! with their product.
//!
//! This changes results, by roundings that are left out, and so it belongs to what a program means: it runs once, before
//! anything is derived from the program, and whatever then runs it computes the same bits.
//!
//! ```text
//! %3 = mul %1, %2 : 8   %4 = add %3, %0 : 8        =>      %4 = fma %1, %2, %0 : 8
//!                       %4 = sub %0, %3 : 8        =>      %5 = neg %1 : 8   %4 = fma %5, %2, %0 : 8
//! %3 = mul 4.0, %1 : 8   %4 = mul 0.5, %3 : 8      =>      %4 = mul 2.0, %1 : 8
//! ```
//!
//! Of two products the later one is taken. Left alone are
//!
//! - products that are the same in every step under a sum that is not: [`hoist`](crate::pass::hoist) moves them out;
//! - what a spike asks about: engines compare the two sides of a difference instead of computing it.
//!
//! The product itself is left for [`dce`](crate::pass::dce).

use std::collections::{HashMap, HashSet};

use crate::func::{Binary, Unary};
use crate::ir::op::{Op, Ty, Value};
use crate::ir::program::{Inst, Program};

pub fn fuse(mut program: Program) -> Program {
    let mut f = Fuser {
        next: program.next_value(),
        uses: uses(&program),
        asked: program.insts().filter_map(|i| asked(&i.op)).collect(),
        defs: program.insts().map(|i| (i.value, (i.op.clone(), i.ty))).collect(),
        same: HashSet::new(),
    };
    for region in program.regions() {
        let list = program.region_mut(region);
        let old = std::mem::take(list);
        f.region(old, region.is_straight(), list);
    }
    program
}

/// How often each value is used by something that has an effect.
fn uses(program: &Program) -> HashMap<Value, usize> {
    let ops: HashMap<Value, &Op> = program.insts().map(|i| (i.value, &i.op)).collect();
    let states = program.states.iter().flat_map(|s| [s.init, s.next]);
    let mut open: Vec<Value> = program.outputs.iter().chain(&program.traces).map(|o| o.value).chain(states).collect();
    let mut uses: HashMap<Value, usize> = HashMap::new();
    while let Some(v) = open.pop() {
        let n = uses.entry(v).or_default();
        *n += 1;
        if *n == 1 {
            open.extend(ops.get(&v).map(|op| op.operands()).unwrap_or_default());
        }
    }
    uses
}

/// What a spike asks about.
fn asked(op: &Op) -> Option<Value> {
    match op {
        Op::Spike { of, .. } | Op::SpikeAlong { of, .. } => Some(*of),
        _ => None,
    }
}

struct Fuser {
    next: u32,
    uses: HashMap<Value, usize>,
    asked: HashSet<Value>,
    defs: HashMap<Value, (Op, Ty)>,
    /// Values of straight code, and those of steps that are the same in every step.
    same: HashSet<Value>,
}

/// A product of the region in the making, and its place.
#[derive(Clone, Copy)]
struct Product {
    a: Value,
    b: Value,
    at: usize,
}

impl Fuser {
    fn region(&mut self, old: Vec<Inst>, straight: bool, list: &mut Vec<Inst>) {
        let mut products: HashMap<Value, Product> = HashMap::new();
        for (at, mut inst) in old.into_iter().enumerate() {
            let varies = matches!(inst.op, Op::State(_) | Op::Table(_) | Op::Row(_));
            let same = straight || !varies && inst.op.operands().iter().all(|v| self.same.contains(v));
            if same {
                self.same.insert(inst.value);
            }
            if let Op::Binary(Binary::Mul, a, b) = inst.op
                && let Some((x, c)) = self.scaled(a, b, &products).or_else(|| self.scaled(b, a, &products))
            {
                let c = self.constant(c, self.defs[&x].1.width, list);
                inst.op = Op::Binary(Binary::Mul, c, x);
            }
            match inst.op {
                Op::Binary(Binary::Mul, a, b) if self.uses.get(&inst.value) == Some(&1) => {
                    products.insert(inst.value, Product { a, b, at });
                }
                Op::Binary(f @ (Binary::Add | Binary::Sub), x, y) if !self.asked.contains(&inst.value) => {
                    let product = |v: Value| products.get(&v).copied().filter(|_| same || !self.same.contains(&v));
                    let (first, second) = match (product(x), product(y)) {
                        (Some(x), Some(y)) if x.at < y.at => (None, Some(y)),
                        (Some(x), _) => (Some(x), None),
                        (None, y) => (None, y),
                    };
                    inst.op = match (f, first, second) {
                        (Binary::Add, Some(p), _) => Op::Fma(p.a, p.b, y),
                        (Binary::Add, _, Some(p)) => Op::Fma(p.a, p.b, x),
                        (_, Some(p), _) => Op::Fma(p.a, p.b, self.minus(y, list)),
                        (_, _, Some(p)) => {
                            let (a, b) = if self.cost(p.b) < self.cost(p.a) { (p.b, p.a) } else { (p.a, p.b) };
                            Op::Fma(self.minus(a, list), b, x)
                        }
                        _ => inst.op,
                    };
                }
                _ => {}
            }
            list.push(inst);
        }
    }

    /// How dear the negative of a value is: a number is none at all, another primal value is less than a tangent.
    fn cost(&self, v: Value) -> u32 {
        match (self.number(v), self.same.contains(&v), self.defs[&v].1.tangent) {
            (Some(_), ..) => 0,
            (_, true, false) => 1,
            (_, _, false) => 2,
            _ => 3,
        }
    }

    /// The number that all elements of a primal value are.
    fn number(&self, v: Value) -> Option<f64> {
        match &self.defs[&v] {
            (_, ty) if ty.tangent => None,
            (Op::Const(c), _) => Some(*c),
            (Op::Splat(a, _), _) => self.number(*a),
            _ => None,
        }
    }

    fn minus(&mut self, v: Value, list: &mut Vec<Inst>) -> Value {
        let (number, ty, same) = (self.number(v), self.defs[&v].1, self.same.contains(&v));
        match number {
            Some(c) => self.constant(-c, ty.width, list),
            None => {
                let minus = self.push(Op::Unary(Unary::Neg, v), ty, list);
                if same {
                    self.same.insert(minus);
                }
                minus
            }
        }
    }

    /// c x, if `v` times the number `by` is that: where `v` is a product with a number itself.
    fn scaled(&self, by: Value, v: Value, products: &HashMap<Value, Product>) -> Option<(Value, f64)> {
        let p = products.get(&v)?;
        let (c, x) = self.number(p.a).map(|c| (c, p.b)).or_else(|| self.number(p.b).map(|c| (c, p.a)))?;
        let c = self.number(by)? * c;
        // A number of either precision.
        ((c as f32).is_normal() && self.number(x).is_none()).then_some((x, c))
    }

    fn constant(&mut self, c: f64, width: u32, list: &mut Vec<Inst>) -> Value {
        let one = self.push(Op::Const(c), Ty::real(1), list);
        let v = if width == 1 { one } else { self.push(Op::Splat(one, width), Ty::real(width), list) };
        self.same.extend([one, v]);
        v
    }

    fn push(&mut self, op: Op, ty: Ty, list: &mut Vec<Inst>) -> Value {
        let value = Value(self.next);
        self.next += 1;
        self.defs.insert(value, (op.clone(), ty));
        list.push(Inst { value, ty, op });
        value
    }
}
