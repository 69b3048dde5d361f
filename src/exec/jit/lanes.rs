//! The machine of [`math`](crate::exec::math) whose numbers are vectors of 128 bits of code being emitted: four
//! lanes in single precision, two in double.

use std::collections::HashMap;
use std::marker::PhantomData;

use cranelift::codegen::ir::{ConstantData, Endianness};
use cranelift::prelude::*;

use crate::exec::math::Ops;
use crate::exec::real::Real;
use crate::func::Compare;

/// A precision that code is emitted for: its vectors of 128 bits.
pub trait Emit: Real {
    const F: Type;
    const M: Type;
    const SCALAR: Type;
    const MASK_SCALAR: Type;
    fn int_bits(x: Self::Int) -> u64;
    fn convert(b: &mut FunctionBuilder<'_>, a: Value) -> Value;
    fn shr(b: &mut FunctionBuilder<'_>, a: Value, n: u32) -> Value;
}

impl Emit for f32 {
    const F: Type = types::F32X4;
    const M: Type = types::I32X4;
    const SCALAR: Type = types::F32;
    const MASK_SCALAR: Type = types::I32;

    fn int_bits(x: i32) -> u64 {
        u64::from(x as u32)
    }
    fn convert(b: &mut FunctionBuilder<'_>, a: Value) -> Value {
        b.ins().fcvt_from_sint(Self::F, a)
    }
    fn shr(b: &mut FunctionBuilder<'_>, a: Value, n: u32) -> Value {
        b.ins().sshr_imm_u(a, i64::from(n))
    }
}

impl Emit for f64 {
    const F: Type = types::F64X2;
    const M: Type = types::I64X2;
    const SCALAR: Type = types::F64;
    const MASK_SCALAR: Type = types::I64;

    fn int_bits(x: i64) -> u64 {
        x as u64
    }
    /// AVX2 has no such instruction for 64 bits: the integer becomes the lower bits of 1.5 x 2^52 plus it.
    fn convert(b: &mut FunctionBuilder<'_>, a: Value) -> Value {
        const MAGIC: f64 = 6_755_399_441_055_744.0;
        let bits = constant(b, Self::M, MAGIC.to_bits(), 8);
        let magic = constant(b, Self::F, MAGIC.to_bits(), 8);
        let sum = b.ins().iadd(a, bits);
        let sum = b.ins().bitcast(Self::F, MemFlagsData::new().with_endianness(Endianness::Little), sum);
        b.ins().fsub(sum, magic)
    }
    /// Nor an arithmetic shift: the sign is spread by hand.
    fn shr(b: &mut FunctionBuilder<'_>, a: Value, n: u32) -> Value {
        let top = constant(b, Self::M, 1 << (63 - n), 8);
        let shifted = b.ins().ushr_imm_u(a, i64::from(n));
        let flipped = b.ins().bxor(shifted, top);
        b.ins().isub(flipped, top)
    }
}

/// A vector of equal lanes, each the lower `bytes` of the bits.
fn constant(b: &mut FunctionBuilder<'_>, ty: Type, bits: u64, bytes: usize) -> Value {
    let all: Vec<u8> = bits.to_le_bytes()[..bytes].repeat(16 / bytes);
    let handle = b.func.dfg.constants.insert(ConstantData::from(all.as_slice()));
    b.ins().vconst(ty, handle)
}

/// Emits into one block; constants are made once in it.
pub(super) struct Lanes<'a, 'f, R> {
    b: &'a mut FunctionBuilder<'f>,
    constants: &'a mut Constants,
    precision: PhantomData<R>,
}

/// The vectors of constants that the current block has, by their bits.
#[derive(Debug, Default)]
pub(super) struct Constants {
    known: HashMap<(Type, u64), Value>,
    zero: Option<Value>,
    /// Each is made where it is used, so that it holds no register from one use to the next.
    pub fresh: bool,
}

impl Constants {
    /// Forgets them, at the start of another block.
    pub fn clear(&mut self) {
        self.known.clear();
        self.zero = None;
    }
}

impl<'a, 'f, R: Emit> Lanes<'a, 'f, R> {
    pub fn new(b: &'a mut FunctionBuilder<'f>, constants: &'a mut Constants) -> Lanes<'a, 'f, R> {
        Lanes { b, constants, precision: PhantomData }
    }

    fn constant(&mut self, ty: Type, bits: u64) -> Value {
        if let Some(&v) = self.constants.known.get(&(ty, bits)) {
            return v;
        }
        let v = constant(self.b, ty, bits, R::BYTES);
        if self.constants.fresh && bits != 0 {
            return v;
        }
        self.constants.known.insert((ty, bits), v);
        if ty == R::F && bits == 0 {
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

impl<R: Emit> Ops<R> for Lanes<'_, '_, R> {
    type F = Value;
    type I = Value;
    type M = Value;

    fn f(&mut self, x: R) -> Value {
        self.constant(R::F, x.raw())
    }
    fn i(&mut self, x: R::Int) -> Value {
        self.constant(R::M, R::int_bits(x))
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
    fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        self.b.ins().fma(a, b, c)
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
        // Cranelift would read the second operand from memory in the same instruction, which without AVX has to be aligned there.
        let bits = self.cast(R::M, b);
        let b = self.cast(R::F, bits);
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
        let m = self.cast(R::F, m);
        if self.constants.zero == Some(b) { self.b.ins().band(m, a) } else { self.b.ins().bitselect(m, a, b) }
    }
    fn bits(&mut self, a: Value) -> Value {
        self.cast(R::M, a)
    }
    fn float(&mut self, a: Value) -> Value {
        self.cast(R::F, a)
    }
    fn convert(&mut self, a: Value) -> Value {
        R::convert(self.b, a)
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
        R::shr(self.b, a, n)
    }
}

/// The same on two vectors at once, one instruction after the other, so that they share their constants.
pub(super) struct Two<'a, 'f, R>(pub Lanes<'a, 'f, R>);

macro_rules! on_both {
    ($($name:ident($($x:ident),+);)*) => {
        $(fn $name(&mut self, $($x: [Value; 2]),+) -> [Value; 2] {
            [0, 1].map(|k| self.0.$name($($x[k]),+))
        })*
    };
}

impl<R: Emit> Ops<R> for Two<'_, '_, R> {
    type F = [Value; 2];
    type I = [Value; 2];
    type M = [Value; 2];

    fn f(&mut self, x: R) -> [Value; 2] {
        [self.0.f(x); 2]
    }
    fn i(&mut self, x: R::Int) -> [Value; 2] {
        [self.0.i(x); 2]
    }
    fn compare(&mut self, c: Compare, a: [Value; 2], b: [Value; 2]) -> [Value; 2] {
        [0, 1].map(|k| self.0.compare(c, a[k], b[k]))
    }
    fn shl(&mut self, a: [Value; 2], n: u32) -> [Value; 2] {
        a.map(|a| self.0.shl(a, n))
    }
    fn shr(&mut self, a: [Value; 2], n: u32) -> [Value; 2] {
        a.map(|a| self.0.shr(a, n))
    }
    on_both! {
        add(a, b);
        sub(a, b);
        mul(a, b);
        fma(a, b, c);
        div(a, b);
        neg(a);
        abs(a);
        sqrt(a);
        floor(a);
        ceil(a);
        and(a, b);
        or(a, b);
        not(a);
        select(m, a, b);
        bits(a);
        float(a);
        convert(a);
        iadd(a, b);
        isub(a, b);
        iand(a, b);
        ior(a, b);
        ixor(a, b);
    }
}
