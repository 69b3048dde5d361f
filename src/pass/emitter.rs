//! Writes instructions into a program that is being extended: types come from the operands, constants are shared.
//!
//! ```text
//! em.mul(em.number(2.0, 8), x)      =>      init: %8 = const 2.0 : 1   %9 = splat %8, 8 : 8
//!                                           here: %10 = mul %9, %3 : 8
//! ```

use std::collections::HashMap;

use crate::func::{Binary, Compare, Unary};
use crate::ir::op::{Op, Ty, Value};
use crate::ir::program::{Builder, Program, Region};
use crate::ir::types::result_type;

#[derive(Debug)]
pub(super) struct Emitter {
    pub builder: Builder,
    /// Where new instructions go, except for constants.
    pub at: Region,
    types: HashMap<Value, Ty>,
    ops: HashMap<Value, Op>,
    constants: HashMap<(u64, Ty), Value>,
}

impl Emitter {
    pub fn new(program: Program) -> Emitter {
        let types = program.insts().map(|i| (i.value, i.ty)).collect();
        let ops = program.insts().map(|i| (i.value, i.op.clone())).collect();
        Emitter { builder: Builder::new(program), at: Region::Init, types, ops, constants: HashMap::new() }
    }

    pub fn finish(self) -> Program {
        self.builder.finish()
    }

    pub fn ty(&self, v: Value) -> Ty {
        self.types[&v]
    }

    pub fn op(&self, v: Value) -> &Op {
        &self.ops[&v]
    }

    /// The number that all elements of the value are, if it is written as one.
    pub fn as_number(&self, v: Value) -> Option<f64> {
        match self.op(v) {
            Op::Const(c) => Some(*c),
            Op::Splat(a, _) => self.as_number(*a),
            _ => None,
        }
    }

    pub fn push(&mut self, op: Op) -> Value {
        let ty = result_type(&self.builder.program, &op, &|v| self.types.get(&v).copied());
        let ty = ty.unwrap_or_else(|e| unreachable!("a rule wrote {op:?}: {e}"));
        self.write(self.at, op, ty)
    }

    fn write(&mut self, region: Region, op: Op, ty: Ty) -> Value {
        let v = self.builder.push(region, op.clone(), ty);
        self.types.insert(v, ty);
        self.ops.insert(v, op);
        v
    }

    /// A vector of one number, in `init`.
    pub fn constant(&mut self, c: f64, ty: Ty) -> Value {
        if let Some(v) = self.constants.get(&(c.to_bits(), ty)) {
            return *v;
        }
        let one = Ty { width: 1, ..ty };
        let v = match self.constants.get(&(c.to_bits(), one)) {
            Some(v) => *v,
            None => self.write(Region::Init, Op::Const(c), one),
        };
        self.constants.insert((c.to_bits(), one), v);
        if ty == one {
            return v;
        }
        let v = self.write(Region::Init, Op::Splat(v, ty.width), ty);
        self.constants.insert((c.to_bits(), ty), v);
        v
    }

    /// A number as wide as `like`, primal even if that is a tangent.
    pub fn number(&mut self, c: f64, like: Value) -> Value {
        self.constant(c, Ty::real(self.ty(like).width))
    }

    pub fn unary(&mut self, f: Unary, a: Value) -> Value {
        self.push(Op::Unary(f, a))
    }

    pub fn binary(&mut self, f: Binary, a: Value, b: Value) -> Value {
        self.push(Op::Binary(f, a, b))
    }

    pub fn neg(&mut self, a: Value) -> Value {
        self.unary(Unary::Neg, a)
    }

    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Add, a, b)
    }

    pub fn sub(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Sub, a, b)
    }

    pub fn mul(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Mul, a, b)
    }

    /// `a b + c`, rounded once.
    pub fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        self.push(Op::Fma(a, b, c))
    }

    pub fn div(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Div, a, b)
    }

    /// `c a`
    pub fn scale(&mut self, c: f64, a: Value) -> Value {
        let c = self.number(c, a);
        self.mul(c, a)
    }

    /// `c + a`
    pub fn shift(&mut self, c: f64, a: Value) -> Value {
        let c = self.number(c, a);
        self.add(c, a)
    }

    /// `c - a`
    pub fn rest(&mut self, c: f64, a: Value) -> Value {
        let c = self.number(c, a);
        self.sub(c, a)
    }

    /// `c / a`
    pub fn over(&mut self, c: f64, a: Value) -> Value {
        let c = self.number(c, a);
        self.div(c, a)
    }

    pub fn square(&mut self, a: Value) -> Value {
        self.mul(a, a)
    }

    /// `if a <f> c { x } else { y }`
    pub fn choose(&mut self, f: Compare, a: Value, c: f64, x: Value, y: Value) -> Value {
        let c = self.number(c, a);
        self.choose_by(f, a, c, x, y)
    }

    /// `if a <f> b { x } else { y }`
    pub fn choose_by(&mut self, f: Compare, a: Value, b: Value, x: Value, y: Value) -> Value {
        let mask = self.push(Op::Compare(f, a, b));
        self.push(Op::Select(mask, x, y))
    }
}
