//! The machine of [`math`](crate::exec::math) whose numbers are vectors of four lanes of code being emitted.

use std::collections::HashMap;

use cranelift::codegen::ir::{ConstantData, Endianness};
use cranelift::prelude::*;

use crate::exec::math::Ops;
use crate::func::Compare;

pub(super) const F: Type = types::F32X4;
pub(super) const M: Type = types::I32X4;

/// Emits into one block; constants are made once in it.
pub(super) struct Lanes<'a, 'f> {
    pub b: &'a mut FunctionBuilder<'f>,
    pub constants: &'a mut Constants,
}

/// The vectors of constants that the current block has, by their bits.
#[derive(Debug, Default)]
pub(super) struct Constants {
    known: HashMap<(Type, u32), Value>,
    zero: Option<Value>,
}

impl Constants {
    /// Forgets them, at the start of another block.
    pub fn clear(&mut self) {
        self.known.clear();
        self.zero = None;
    }
}

impl Lanes<'_, '_> {
    fn constant(&mut self, ty: Type, bits: u32) -> Value {
        if let Some(&v) = self.constants.known.get(&(ty, bits)) {
            return v;
        }
        let bytes: Vec<u8> = bits.to_le_bytes().repeat(4);
        let handle = self.b.func.dfg.constants.insert(ConstantData::from(bytes.as_slice()));
        let v = self.b.ins().vconst(ty, handle);
        self.constants.known.insert((ty, bits), v);
        if ty == F && bits == 0 {
            self.constants.zero = Some(v);
        }
        v
    }

    pub fn cast(&mut self, ty: Type, v: Value) -> Value {
        if self.b.func.dfg.value_type(v) == ty {
            return v;
        }
        self.b.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), v)
    }
}

impl Ops for Lanes<'_, '_> {
    type F = Value;
    type I = Value;
    type M = Value;

    fn f(&mut self, x: f32) -> Value {
        self.constant(F, x.to_bits())
    }
    fn i(&mut self, x: i32) -> Value {
        self.constant(M, x as u32)
    }
    fn add(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().fadd(a, b)
    }
    fn sub(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().fsub(a, b)
    }
    fn mul(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().fmul(a, b)
    }
    fn div(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().fdiv(a, b)
    }
    fn neg(&mut self, a: Value) -> Value {
        self.b.ins().fneg(a)
    }
    fn abs(&mut self, a: Value) -> Value {
        self.b.ins().fabs(a)
    }
    fn sqrt(&mut self, a: Value) -> Value {
        self.b.ins().sqrt(a)
    }
    fn floor(&mut self, a: Value) -> Value {
        self.b.ins().floor(a)
    }
    fn ceil(&mut self, a: Value) -> Value {
        self.b.ins().ceil(a)
    }
    fn compare(&mut self, c: Compare, a: Value, b: Value) -> Value {
        // "Greater" is written as "less" the other way round, which is what minimum and maximum are recognised by.
        let (cc, a, b) = match c {
            Compare::Lt => (FloatCC::LessThan, a, b),
            Compare::Le => (FloatCC::LessThanOrEqual, a, b),
            Compare::Gt => (FloatCC::LessThan, b, a),
            Compare::Ge => (FloatCC::LessThanOrEqual, b, a),
            Compare::Eq => (FloatCC::Equal, a, b),
            Compare::Ne => (FloatCC::NotEqual, a, b),
        };
        self.b.ins().fcmp(cc, a, b)
    }
    fn and(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().band(a, b)
    }
    fn or(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().bor(a, b)
    }
    fn not(&mut self, a: Value) -> Value {
        self.b.ins().bnot(a)
    }
    fn select(&mut self, m: Value, a: Value, b: Value) -> Value {
        let m = self.cast(F, m);
        if self.constants.zero == Some(b) { self.b.ins().band(m, a) } else { self.b.ins().bitselect(m, a, b) }
    }
    fn bits(&mut self, a: Value) -> Value {
        self.cast(M, a)
    }
    fn float(&mut self, a: Value) -> Value {
        self.cast(F, a)
    }
    fn convert(&mut self, a: Value) -> Value {
        self.b.ins().fcvt_from_sint(F, a)
    }
    fn iadd(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().iadd(a, b)
    }
    fn isub(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().isub(a, b)
    }
    fn iand(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().band(a, b)
    }
    fn ior(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().bor(a, b)
    }
    fn ixor(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().bxor(a, b)
    }
    fn shl(&mut self, a: Value, n: u32) -> Value {
        self.b.ins().ishl_imm_u(a, i64::from(n))
    }
    fn shr(&mut self, a: Value, n: u32) -> Value {
        self.b.ins().sshr_imm_u(a, i64::from(n))
    }
}
