//! The machine of [`math`](crate::exec::math) whose numbers are registers of code that is only written down: one step of a loop,
//! for one vector, in registers without end.
//!
//! ```text
//! r2 = mul 0.9, r0      r3 = add r2, [feed]      r4 = mul r3, [slope]      store [ds], r4      r5 = sub r3, r4
//! ```

use std::marker::PhantomData;

use super::encode::Code;
use crate::exec::jit::lanes::Emit;
use crate::exec::math::Ops;
use crate::func::Compare;

/// A vector, wherever it is. Numbers are the same in all lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arg {
    Register(u32),
    Memory(Memory),
    Number(u64),
}

/// So many bytes from where a pointer leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    pub pointer: usize,
    pub at: i32,
    pub way: Way,
}

/// How a row goes along with the lanes of a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Vector by vector.
    Full,
    /// A number for all lanes.
    One,
    /// In a loop over tangents: a number a unit.
    Unit,
    /// In a loop over tangents: the same vectors for all units.
    Direction,
    /// A bit a lane.
    Bits,
}

impl Memory {
    pub fn splat(self) -> bool {
        matches!(self.way, Way::One | Way::Unit)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Vector(Code),
    /// first * arg + second, rounded once.
    FusedProduct,
    /// first * second + arg, rounded once.
    FusedSum,
    Load,
    Store,
    StoreMask,
    /// Of masks.
    And,
    Or,
    Not,
}

#[derive(Debug, Clone)]
pub(super) struct Inst {
    pub kind: Kind,
    /// What it writes: a vector, or a mask.
    pub to: Option<u32>,
    pub to_mask: Option<u32>,
    /// Vectors that have to be in registers, and one that need not.
    pub first: Option<u32>,
    pub second: Option<u32>,
    pub arg: Option<Arg>,
    pub masks: [Option<u32>; 2],
    /// Lanes out of the mask become 0.
    pub zero: bool,
    pub follows: Option<u8>,
}

/// Writes instructions down.
#[derive(Debug)]
pub(super) struct Record<R> {
    pub insts: Vec<Inst>,
    pub registers: u32,
    pub masks: u32,
    precision: PhantomData<R>,
}

impl<R: Emit> Record<R> {
    pub fn new() -> Record<R> {
        Record { insts: vec![], registers: 0, masks: 0, precision: PhantomData }
    }

    pub fn register(&mut self) -> u32 {
        self.registers += 1;
        self.registers - 1
    }

    /// The register that the vector is in, or is now loaded to.
    pub fn hold(&mut self, a: Arg) -> u32 {
        if let Arg::Register(r) = a {
            return r;
        }
        self.load(a)
    }

    /// A register of its own.
    pub fn load(&mut self, a: Arg) -> u32 {
        let to = self.register();
        self.insts.push(Inst { to: Some(to), ..inst(Kind::Load, a) });
        to
    }

    pub fn store(&mut self, a: Arg, to: Memory) {
        let first = Some(self.hold(a));
        self.insts.push(Inst { first, ..inst(Kind::Store, Arg::Memory(to)) });
    }

    pub fn store_mask(&mut self, mask: u32, to: Memory) {
        let masks = [Some(mask), None];
        self.insts.push(Inst { masks, ..inst(Kind::StoreMask, Arg::Memory(to)) });
    }

    fn two(&mut self, code: Code, a: Arg, b: Arg) -> Arg {
        let turned =
            !matches!(a, Arg::Register(_)) && code != Code::SUB && code != Code::SUB_WHOLE && code != Code::DIV;
        let (a, b) = if turned { (b, a) } else { (a, b) };
        let (first, to) = (self.hold(a), self.register());
        self.insts.push(Inst { to: Some(to), first: Some(first), ..inst(Kind::Vector(code), b) });
        Arg::Register(to)
    }

    fn one(&mut self, code: Code, a: Arg, follows: Option<u8>) -> Arg {
        // Shifts and such take their operand from a register.
        let (a, to) = (Arg::Register(self.hold(a)), self.register());
        self.insts.push(Inst { to: Some(to), follows, ..inst(Kind::Vector(code), a) });
        Arg::Register(to)
    }

    fn mask(&mut self, kind: Kind, masks: [Option<u32>; 2]) -> u32 {
        self.masks += 1;
        let to_mask = Some(self.masks - 1);
        self.insts.push(Inst { to_mask, masks, arg: None, ..inst(kind, Arg::Number(0)) });
        self.masks - 1
    }

    /// Forgets what nothing depends on but what is kept.
    pub fn prune(&mut self, kept: &[u32]) {
        let mut wanted = vec![false; self.registers as usize];
        let mut masks = vec![false; self.masks as usize];
        kept.iter().for_each(|&r| wanted[r as usize] = true);
        let old = std::mem::take(&mut self.insts);
        for inst in old.into_iter().rev() {
            let vector = inst.to.is_some_and(|r| wanted[r as usize]);
            let mask = inst.to_mask.is_some_and(|m| masks[m as usize]);
            if vector || mask || matches!(inst.kind, Kind::Store | Kind::StoreMask) {
                inst.reads().for_each(|r| wanted[r as usize] = true);
                inst.masks.iter().flatten().for_each(|&m| masks[m as usize] = true);
                self.insts.push(inst);
            }
        }
        self.insts.reverse();
    }
}

impl Inst {
    /// Vectors in registers that it reads.
    pub fn reads(&self) -> impl Iterator<Item = u32> {
        let arg = if let Some(Arg::Register(r)) = self.arg { Some(r) } else { None };
        self.first.into_iter().chain(self.second).chain(arg)
    }
}

fn inst(kind: Kind, arg: Arg) -> Inst {
    Inst {
        kind,
        to: None,
        to_mask: None,
        first: None,
        second: None,
        arg: Some(arg),
        masks: [None; 2],
        zero: false,
        follows: None,
    }
}

impl<R: Emit> Ops<R> for Record<R> {
    type F = Arg;
    type I = Arg;
    type M = u32;

    fn f(&mut self, x: R) -> Arg {
        Arg::Number(x.raw())
    }
    fn i(&mut self, x: R::Int) -> Arg {
        Arg::Number(R::int_bits(x))
    }
    fn add(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::ADD, a, b)
    }
    fn sub(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::SUB, a, b)
    }
    fn mul(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::MUL, a, b)
    }
    fn fma(&mut self, a: Arg, b: Arg, c: Arg) -> Arg {
        let (a, b) = if matches!(a, Arg::Register(_)) { (a, b) } else { (b, a) };
        let first = Some(self.hold(a));
        let (kind, second, arg) = match b {
            Arg::Register(b) => (Kind::FusedSum, b, c),
            _ => (Kind::FusedProduct, self.hold(c), b),
        };
        let to = self.register();
        self.insts.push(Inst { to: Some(to), first, second: Some(second), ..inst(kind, arg) });
        Arg::Register(to)
    }
    fn div(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::DIV, a, b)
    }
    fn neg(&mut self, a: Arg) -> Arg {
        self.two(Code::XOR, a, Arg::Number(R::int_bits(R::SIGN)))
    }
    fn abs(&mut self, a: Arg) -> Arg {
        self.two(Code::AND, a, Arg::Number(R::int_bits(R::SIGN) - 1))
    }
    fn sqrt(&mut self, a: Arg) -> Arg {
        self.one(Code::SQRT, a, None)
    }
    fn floor(&mut self, a: Arg) -> Arg {
        self.one(Code::ROUND, a, Some(9))
    }
    fn ceil(&mut self, a: Arg) -> Arg {
        self.one(Code::ROUND, a, Some(10))
    }
    fn compare(&mut self, c: Compare, a: Arg, b: Arg) -> u32 {
        // With a NaN all are false but the last.
        let follows = match c {
            Compare::Lt => 1,
            Compare::Le => 2,
            Compare::Gt => 14,
            Compare::Ge => 13,
            Compare::Eq => 0,
            Compare::Ne => 4,
        };
        let first = Some(self.hold(a));
        self.masks += 1;
        let to_mask = Some(self.masks - 1);
        self.insts.push(Inst { first, to_mask, follows: Some(follows), ..inst(Kind::Vector(Code::COMPARE), b) });
        self.masks - 1
    }
    fn and(&mut self, a: u32, b: u32) -> u32 {
        self.mask(Kind::And, [Some(a), Some(b)])
    }
    fn or(&mut self, a: u32, b: u32) -> u32 {
        self.mask(Kind::Or, [Some(a), Some(b)])
    }
    fn not(&mut self, a: u32) -> u32 {
        self.mask(Kind::Not, [Some(a), None])
    }
    fn select(&mut self, m: u32, a: Arg, b: Arg) -> Arg {
        let masks = [Some(m), None];
        if b == Arg::Number(0) {
            let to = self.register();
            self.insts.push(Inst { to: Some(to), masks, zero: true, ..inst(Kind::Load, a) });
            return Arg::Register(to);
        }
        let (first, to) = (self.hold(b), self.register());
        self.insts.push(Inst { to: Some(to), first: Some(first), masks, ..inst(Kind::Vector(Code::BLEND), a) });
        Arg::Register(to)
    }
    fn bits(&mut self, a: Arg) -> Arg {
        a
    }
    fn float(&mut self, a: Arg) -> Arg {
        a
    }
    fn convert(&mut self, a: Arg) -> Arg {
        self.one(Code::CONVERT, a, None)
    }
    fn iadd(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::ADD_WHOLE, a, b)
    }
    fn isub(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::SUB_WHOLE, a, b)
    }
    fn iand(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::AND, a, b)
    }
    fn ior(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::OR, a, b)
    }
    fn ixor(&mut self, a: Arg, b: Arg) -> Arg {
        self.two(Code::XOR, a, b)
    }
    fn shl(&mut self, a: Arg, n: u32) -> Arg {
        self.one(Code::LEFT, a, Some(n as u8))
    }
    fn shr(&mut self, a: Arg, n: u32) -> Arg {
        self.one(Code::RIGHT, a, Some(n as u8))
    }
}
