//! Writes the instructions of a step for each of the vectors that are run at once.
//!
//! ```text
//! section of 4 units, in pairs:   a0 a1 b0 b1 c0 c1   a2 a3 b2 b3 c2 c3
//! ```

use super::VECTORS;
use super::encode::{Assembler, Code, Length, Masked, Rm};
use super::record::{Arg, Inst, Kind, Memory, Way};
use super::registers::{Home, Homes};

/// A run of the loop with so many units at once.
pub(super) struct Section {
    pub length: Length,
    pub units: usize,
    /// Vectors of a unit.
    pub parts: usize,
    /// Vectors that are written instruction by instruction.
    pub group: usize,
    /// How often, if it is not the caller who says how many units there are.
    pub count: Option<usize>,
}

/// Writes the instructions of a section's copies of the step. Vectors: the states of each copy, what passes in each of a group,
/// and from the last down what is pinned.
pub(super) struct Coder<'a> {
    pub s: &'a Section,
    pub bases: &'a [u8],
    pub states: usize,
    pub homes: &'a Homes,
    pub pinned: Vec<Arg>,
    pub unit: usize,
    pub bytes: usize,
}

impl Coder<'_> {
    /// Loads what is pinned.
    pub fn pin(&self, a: &mut Assembler) {
        for (k, &arg) in self.pinned.iter().enumerate() {
            load(a, self.s.length, (VECTORS - 1 - k) as u8, self.place(arg, 0), Masked::default());
        }
    }

    pub fn state(&self, k: usize, copy: usize) -> u8 {
        (copy * self.states + k) as u8
    }

    pub fn register(&self, r: u32, copy: usize) -> u8 {
        match self.homes.vectors[r as usize] {
            Home::State(k) => self.state(k, copy),
            Home::Passing(k) => {
                let before = self.s.units * self.s.parts * self.states;
                (before + copy % self.s.group * self.homes.passing + k) as u8
            }
        }
    }

    fn mask(&self, m: u32, copy: usize) -> u8 {
        (1 + copy % self.s.group * self.homes.passing_masks + self.homes.masks[m as usize]) as u8
    }

    /// Where a vector is before anything is pinned.
    pub fn place(&self, arg: Arg, copy: usize) -> Rm {
        match arg {
            Arg::Register(r) => Rm::Register(self.register(r, copy)),
            Arg::Number(bits) => Rm::Number(bits),
            Arg::Memory(m) => {
                let (unit, part) = (copy / self.s.parts, copy % self.s.parts * self.s.length.bytes());
                let offset = match m.way {
                    Way::Full => unit * self.unit + part,
                    Way::Direction => part,
                    Way::Unit => unit * self.bytes,
                    Way::One => 0,
                    Way::Bits => (unit * self.unit + part) / self.bytes / 8,
                };
                Rm::Memory { base: self.bases[m.pointer], at: m.at + offset as i32, splat: m.splat() }
            }
        }
    }

    fn rm(&self, arg: Arg, copy: usize) -> Rm {
        match self.pinned.iter().position(|p| *p == arg) {
            Some(k) => Rm::Register((VECTORS - 1 - k) as u8),
            None => self.place(arg, copy),
        }
    }

    pub fn store(&self, a: &mut Assembler, from: u8, to: Memory, copy: usize) {
        let code = if to.splat() { Code::STORE_ONE } else { Code::STORE };
        if let Rm::Memory { base, at, .. } = self.place(Arg::Memory(to), copy) {
            a.op(code, self.s.length, from, 0, Rm::Memory { base, at, splat: false });
        }
    }

    pub fn inst(&self, a: &mut Assembler, inst: &Inst, copy: usize) {
        let [mask, other] = inst.masks.map(|m| m.map_or(0, |m| self.mask(m, copy)));
        let first = inst.first.map_or(0, |r| self.register(r, copy));
        let to = inst.to.map(|r| self.register(r, copy)).or(inst.to_mask.map(|m| self.mask(m, copy))).unwrap_or(0);
        match (inst.kind, inst.arg) {
            (Kind::Vector(code), Some(arg)) => {
                let masked = Masked { mask, zero: inst.zero };
                a.full(code, self.s.length, [to, first], self.rm(arg, copy), masked, inst.follows);
            }
            (Kind::FusedProduct | Kind::FusedSum, Some(arg)) => {
                let second = inst.second.map_or(0, |r| self.register(r, copy));
                self.fused(a, inst.kind == Kind::FusedSum, to, [first, second], self.rm(arg, copy));
            }
            (Kind::Load, Some(arg)) => {
                load(a, self.s.length, to, self.rm(arg, copy), Masked { mask, zero: inst.zero });
            }
            (Kind::Store, Some(Arg::Memory(memory))) => self.store(a, first, memory, copy),
            (Kind::StoreMask, Some(Arg::Memory(memory))) => {
                if let Rm::Memory { base, at, .. } = self.place(Arg::Memory(memory), copy) {
                    a.store_mask(self.s.length.bytes() / self.bytes > 8, base, at, mask);
                }
            }
            (Kind::And | Kind::Or, _) => a.masks(inst.kind == Kind::Or, to, mask, other),
            (Kind::Not, _) => a.mask_not(to, mask),
            (kind, arg) => unreachable!("{kind:?} of {arg:?}"),
        }
    }
}

impl Coder<'_> {
    /// `to = first * second + rm` or `to = first * rm + second`. The instructions write over one of their operands: that which ends in
    /// `to` anyway, or else a copy.
    fn fused(&self, a: &mut Assembler, sum: bool, to: u8, [first, second]: [u8; 2], rm: Rm) {
        let (code, other, rm) = match (sum, rm) {
            (true, _) if to == first => (Code::FMA_213, second, rm),
            (true, _) if to == second => (Code::FMA_213, first, rm),
            (true, Rm::Register(r)) if to == r => (Code::FMA_231, first, Rm::Register(second)),
            (true, _) => {
                a.op(Code::MOVE, self.s.length, to, 0, Rm::Register(first));
                (Code::FMA_213, second, rm)
            }
            (false, _) if to == second => (Code::FMA_231, first, rm),
            (false, _) if to == first => (Code::FMA_132, second, rm),
            (false, Rm::Register(r)) if to == r => (Code::FMA_132, second, Rm::Register(first)),
            (false, _) => {
                a.op(Code::MOVE, self.s.length, to, 0, Rm::Register(second));
                (Code::FMA_231, first, rm)
            }
        };
        a.op(code, self.s.length, to, other, rm);
    }
}

pub(super) fn load(a: &mut Assembler, length: Length, to: u8, from: Rm, masked: Masked) {
    let code = match from {
        Rm::Register(_) => Code::MOVE,
        Rm::Memory { splat: true, .. } | Rm::Number(_) => Code::SPLAT,
        Rm::Memory { .. } => Code::LOAD,
    };
    a.full(code, length, [to, 0], from, masked, None);
}
