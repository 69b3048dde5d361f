//! Writes the machine code of loops over time: instructions on vectors in EVEX form (Intel 64 and IA-32 Architectures Software
//! Developer's Manual, volume 2, 2.7), and the few on addresses and counters that a loop needs.
//!
//! ```text
//! op(ADD, Length::Full, 3, 1, Rm::Memory { base: R10, at: 64, splat: false })    vaddps zmm3, zmm1, [r10 + 64]
//! ```

/// General registers by their numbers.
pub(super) const RAX: u8 = 0;
pub(super) const RCX: u8 = 1;
pub(super) const RDX: u8 = 2;
pub(super) const RSI: u8 = 6;
pub(super) const RDI: u8 = 7;
pub(super) const R8: u8 = 8;
pub(super) const R9: u8 = 9;

/// Bytes of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    B16 = 0,
    B32 = 1,
    B64 = 2,
}

impl Length {
    pub fn bytes(self) -> usize {
        16 << self as usize
    }
}

/// An instruction on vectors, for numbers of 32 bits and of 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    /// 1, 2 or 3: 0F, 0F38, 0F3A.
    map: u8,
    /// Prefix and opcode.
    single: (u8, u8),
    double: (u8, u8),
    /// What stands in the place of the register, if none does.
    digit: Option<u8>,
}

const fn code(map: u8, single: (u8, u8), double: (u8, u8)) -> Code {
    Code { map, single, double, digit: None }
}

impl Code {
    pub const ADD: Code = code(1, (0, 0x58), (1, 0x58));
    pub const SUB: Code = code(1, (0, 0x5c), (1, 0x5c));
    pub const MUL: Code = code(1, (0, 0x59), (1, 0x59));
    pub const DIV: Code = code(1, (0, 0x5e), (1, 0x5e));
    /// to = to * rm + first, to = first * to + rm, to = first * rm + to.
    pub const FMA_132: Code = code(2, (1, 0x98), (1, 0x98));
    pub const FMA_213: Code = code(2, (1, 0xa8), (1, 0xa8));
    pub const FMA_231: Code = code(2, (1, 0xb8), (1, 0xb8));
    pub const SQRT: Code = code(1, (0, 0x51), (1, 0x51));
    /// By the number that follows: 9 down, 10 up.
    pub const ROUND: Code = code(3, (1, 0x08), (1, 0x09));
    pub const AND: Code = code(1, (1, 0xdb), (1, 0xdb));
    pub const OR: Code = code(1, (1, 0xeb), (1, 0xeb));
    pub const XOR: Code = code(1, (1, 0xef), (1, 0xef));
    pub const ADD_WHOLE: Code = code(1, (1, 0xfe), (1, 0xd4));
    pub const SUB_WHOLE: Code = code(1, (1, 0xfa), (1, 0xfb));
    pub const CONVERT: Code = code(1, (0, 0x5b), (2, 0xe6));
    pub const LEFT: Code = Code { digit: Some(6), ..code(1, (1, 0x72), (1, 0x73)) };
    pub const RIGHT: Code = Code { digit: Some(4), ..code(1, (1, 0x72), (1, 0x72)) };
    /// To a mask, by the number that follows.
    pub const COMPARE: Code = code(1, (0, 0xc2), (1, 0xc2));
    /// The second where the mask is, else the first.
    pub const BLEND: Code = code(2, (1, 0x65), (1, 0x65));
    pub const MOVE: Code = code(1, (0, 0x28), (1, 0x28));
    pub const LOAD: Code = code(1, (0, 0x10), (1, 0x10));
    pub const STORE: Code = code(1, (0, 0x11), (1, 0x11));
    /// The first number only.
    pub const STORE_ONE: Code = code(1, (2, 0x11), (3, 0x11));
    pub const SPLAT: Code = code(2, (1, 0x18), (1, 0x19));
}

/// An operand in a register or in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rm {
    Register(u8),
    Memory {
        base: u8,
        at: i32,
        splat: bool,
    },
    /// A number for all lanes, by its bits.
    Number(u64),
}

/// Where the code will go on; a place that was jumped to from before is known later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

/// Which mask an instruction works under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Masked {
    pub mask: u8,
    /// 0 where the mask is not.
    pub zero: bool,
}

#[derive(Debug)]
pub(super) struct Assembler {
    bytes: Vec<u8>,
    double: bool,
    /// Numbers for all lanes, and where they are wanted: the place of the distance, and the end of the instruction.
    numbers: Vec<u64>,
    wanted: Vec<(usize, usize, usize)>,
}

impl Assembler {
    pub fn new(double: bool) -> Assembler {
        Assembler { bytes: vec![], double, numbers: vec![], wanted: vec![] }
    }

    /// `to = code(first, rm)`; `first` is 0 for what takes one operand only.
    pub fn op(&mut self, code: Code, length: Length, to: u8, first: u8, rm: Rm) {
        self.full(code, length, [to, first], rm, Masked::default(), None);
    }

    /// The same under a mask, with a number that follows.
    pub fn full(&mut self, code: Code, length: Length, regs: [u8; 2], rm: Rm, masked: Masked, follows: Option<u8>) {
        let (prefix, opcode) = if self.double { code.double } else { code.single };
        let [reg, first] = match code.digit {
            Some(digit) => [digit, regs[0]],
            None => regs,
        };
        let (base, extended, splat) = match rm {
            Rm::Register(r) => (r, r >> 4, false),
            // Moves of whole vectors and of single numbers have no such bit.
            Rm::Memory { base, splat, .. } => (base, 0, splat && code != Code::SPLAT),
            Rm::Number(_) => (5, 0, code != Code::SPLAT),
        };
        let not = |bit: u8, to: u8| (!bit & 1) << to;
        let b = &mut self.bytes;
        b.push(0x62);
        b.push(not(reg >> 3, 7) | not(extended, 6) | not(base >> 3, 5) | not(reg >> 4, 4) | code.map);
        b.push(u8::from(self.double) << 7 | (!first & 15) << 3 | 4 | prefix);
        let zero = u8::from(masked.zero) << 7;
        b.push(zero | (length as u8) << 5 | u8::from(splat) << 4 | not(first >> 4, 3) | masked.mask);
        b.push(opcode);
        let low = (reg & 7) << 3;
        let mut number = None;
        match rm {
            Rm::Register(r) => b.push(0xc0 | low | r & 7),
            Rm::Memory { base, at, .. } => self.address(low, base, at),
            Rm::Number(bits) => {
                b.push(low | 5);
                number = Some((self.number(bits), self.bytes.len()));
                self.bytes.extend([0; 4]);
            }
        }
        self.bytes.extend(follows);
        if let Some((number, place)) = number {
            self.wanted.push((number, place, self.bytes.len()));
        }
    }

    fn number(&mut self, bits: u64) -> usize {
        self.numbers.iter().position(|n| *n == bits).unwrap_or_else(|| {
            self.numbers.push(bits);
            self.numbers.len() - 1
        })
    }

    /// `[base + at]`, the distance always in full.
    fn address(&mut self, low: u8, base: u8, at: i32) {
        self.bytes.push(0x80 | low | base & 7);
        if base & 7 == 4 {
            self.bytes.push(0x24);
        }
        self.bytes.extend(at.to_le_bytes());
    }

    /// Masks: `to = a & b` or `to = a | b`.
    pub fn masks(&mut self, or: bool, to: u8, a: u8, b: u8) {
        self.bytes.extend([0xc5, 0x80 | (!a & 15) << 3 | 4, if or { 0x45 } else { 0x41 }, 0xc0 | to << 3 | b]);
    }

    pub fn mask_not(&mut self, to: u8, a: u8) {
        self.bytes.extend([0xc5, 0xf8, 0x44, 0xc0 | to << 3 | a]);
    }

    /// Stores the lowest byte of a mask, or two.
    pub fn store_mask(&mut self, wide: bool, base: u8, at: i32, from: u8) {
        let extended = (!base >> 3 & 1) << 5;
        self.bytes.extend([0xc4, 0xc1 | extended, if wide { 0x78 } else { 0x79 }, 0x91]);
        self.address(from << 3, base, at);
    }

    /// `op to, from` of 64 bits.
    fn wide(&mut self, opcode: u8, reg: u8, rm: u8) {
        self.bytes.extend([0x48 | (reg >> 3) << 2 | rm >> 3, opcode, 0xc0 | (reg & 7) << 3 | rm & 7]);
    }

    pub fn copy(&mut self, to: u8, from: u8) {
        self.wide(0x89, from, to);
    }

    pub fn add(&mut self, to: u8, from: u8) {
        self.wide(0x01, from, to);
    }

    pub fn add_number(&mut self, to: u8, n: i32) {
        if n != 0 {
            self.wide(0x81, 0, to);
            self.bytes.extend(n.to_le_bytes());
        }
    }

    /// to = from * n
    pub fn times(&mut self, to: u8, from: u8, n: i32) {
        self.wide(0x69, to, from);
        self.bytes.extend(n.to_le_bytes());
    }

    pub fn set(&mut self, to: u8, n: i32) {
        self.wide(0xc7, 0, to);
        self.bytes.extend(n.to_le_bytes());
    }

    pub fn push(&mut self, r: u8) {
        self.bytes.extend([0x40 | r >> 3, 0x50 | r & 7]);
    }

    pub fn pop(&mut self, r: u8) {
        self.bytes.extend([0x40 | r >> 3, 0x58 | r & 7]);
    }

    pub fn here(&self) -> Label {
        Label(self.bytes.len())
    }

    /// Goes to a place further on if `r` is less than `n`; give what it returns to [`Assembler::land`].
    pub fn leave_if_less(&mut self, r: u8, n: i32) -> Label {
        self.wide(0x81, 7, r);
        self.bytes.extend(n.to_le_bytes());
        self.bytes.extend([0x0f, 0x82, 0, 0, 0, 0]);
        self.here()
    }

    pub fn land(&mut self, from: Label) {
        let distance = (self.bytes.len() - from.0) as i32;
        self.bytes[from.0 - 4..from.0].copy_from_slice(&distance.to_le_bytes());
    }

    pub fn back(&mut self, to: Label) {
        self.bytes.push(0xe9);
        self.distance(to);
    }

    /// Takes 1 from `r`, and goes back unless it is 0 then.
    pub fn count(&mut self, r: u8, to: Label) {
        self.wide(0x83, 5, r);
        self.bytes.extend([1, 0x0f, 0x85]);
        self.distance(to);
    }

    fn distance(&mut self, to: Label) {
        let distance = to.0 as i64 - (self.bytes.len() as i64 + 4);
        self.bytes.extend((distance as i32).to_le_bytes());
    }

    /// Returns to the caller, with vectors as other code expects them.
    pub fn leave(&mut self) {
        self.bytes.extend([0xc5, 0xf8, 0x77, 0xc3]);
    }

    /// The code, with its numbers behind it.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.bytes.len().is_multiple_of(8) {
            self.bytes.push(0xcc);
        }
        let start = self.bytes.len();
        for &(number, place, end) in &self.wanted {
            let distance = (start + 8 * number - end) as i32;
            self.bytes[place..place + 4].copy_from_slice(&distance.to_le_bytes());
        }
        self.bytes.extend(self.numbers.iter().flat_map(|n| n.to_le_bytes()));
        self.bytes
    }
}
