//! Loops in vectors of 512 bits, for processors that have them; Cranelift's have 128.
//!
//! A loop that holds its states in registers for all steps is one stretch of straight code, repeated for a few vectors to hide
//! its latency; one that goes through the rows of all points, in a step or before or after them, is another. That much is encoded
//! here: the step is written down once ([`record`]), registers are given out ([`registers`]), and the code is put together
//! ([`encode`]). Every operation is rounded as it is by the other ways, so that the bits are the same. What does not fit 32
//! registers, or is not element by element, is left to Cranelift.
//!
//! ```text
//! for 8 units { load states;  for step { 8 x (mul, add [feed], mul [slope], store, sub) };  store states }
//! ```

mod copies;
mod encode;
mod record;
mod registers;

use std::collections::HashMap;

use super::emit::{Lie, lie};
use super::lanes::Emit;
use super::plan::{Item, Loop, Place, Plan, Row};
use super::stages::Stage;
use crate::exec::math::Ops;
use crate::exec::micro::Level;
use crate::func::{Binary, Unary};
use crate::ir::op::{Elem, Op, StateId, Ty, Value};
use crate::ir::program::Inst as IrInst;
use copies::{Coder, Section, load};
use encode::{Assembler, Code, Length, Masked, R8, R9, RAX, RCX, RDI, RDX, RSI, Rm};
use record::{Arg, Kind, Memory, Record, Way};
use registers::{Home, Homes, assign};

/// Arguments of the code, which returns nothing. Over time: frame, scratch, block of feeds, tables, first unit, units. Over points:
/// first frame, scratch, points, tables, step, nothing.
pub(super) const ARGUMENTS: usize = 6;

/// A loop of a plan, which stays where it is while it is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Which(*const Loop);

impl Which {
    pub fn of(l: &Loop) -> Which {
        Which(std::ptr::from_ref(l))
    }
}

/// Code for all loops of a plan that it can be made for.
pub(super) fn all<R: Emit>(plan: &Plan) -> Vec<(Which, Vec<u8>)> {
    // The code calls nothing, but it is called as functions are there.
    if plan.level != Level::Avx512 || !cfg!(all(target_arch = "x86_64", unix)) {
        return vec![];
    }
    let mut loops: Vec<(&Loop, u32)> = plan.init.iter().filter_map(Item::as_loop).map(|l| (l, 0)).collect();
    for p in &plan.passes {
        let own = p.step.iter().chain(&p.finish).filter_map(Item::as_loop);
        loops.extend(own.chain(p.stages.iter().map(Stage::body)).map(|l| (l, p.steps)));
    }
    let code = loops.into_iter().filter_map(|(l, steps)| {
        let writer = Writer::<R>::new(plan, steps, l);
        let code = if l.time.is_some() { writer.over_time() } else { writer.over_points() };
        code.map(|code| (Which::of(l), code))
    });
    code.collect()
}

/// Units of a loop that are not tangents: whole vectors of this length of a row.
fn vectors(bytes: usize) -> [(Length, usize); 3] {
    let all = [Length::B64, Length::B32, Length::B16];
    let mut left = bytes;
    all.map(|length| {
        let n = left / length.bytes();
        left %= length.bytes();
        (length, n)
    })
}

/// What an address starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Frame,
    Scratch,
    Fed,
    Tables,
}

/// A register that holds an address, and how it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pointer {
    base: Base,
    /// Not `Direction`, which is `One`.
    way: Way,
    /// Bytes a step.
    step: i32,
}

/// Registers for pointers: all that functions may use but those that count and that come with something else.
const POINTERS: [u8; 8] = [3, 5, 10, 11, 12, 13, 14, 15];
/// Of these, the caller's.
const KEPT: [u8; 6] = [3, 5, 12, 13, 14, 15];
const VECTORS: usize = 32;
/// Mask 0 means none.
const MASKS: usize = 7;
/// Longer steps are written in pairs, so that one's latency is hidden behind the other's.
const LONG: usize = 40;
/// No longer than this, so that the processor keeps it decoded.
const MOST: usize = 1200;

struct Writer<'p, R> {
    plan: &'p Plan,
    l: &'p Loop,
    steps: u32,
    record: Record<R>,
    pointers: Vec<Pointer>,
    known: HashMap<Value, Arg>,
    masks: HashMap<Value, u32>,
    /// Where spikes are.
    fired: HashMap<Value, u32>,
}

impl<'p, R: Emit> Writer<'p, R> {
    fn new(plan: &'p Plan, steps: u32, l: &'p Loop) -> Writer<'p, R> {
        let (known, masks, fired) = (HashMap::new(), HashMap::new(), HashMap::new());
        Writer { plan, l, steps, record: Record::new(), pointers: vec![], known, masks, fired }
    }

    /// All steps of some units; `None` if it does not fit.
    fn over_time(mut self) -> Option<Vec<u8>> {
        let time = self.l.time.as_ref()?;
        if self.steps == 0 {
            return None;
        }
        let next = self.step(time)?;
        let states = time.iter().map(|s| (self.plan.program.states[s.0 as usize].ty, self.plan.states[s.0 as usize]));
        let states: Vec<[Memory; 2]> = states
            .map(|(ty, place)| Some([self.memory(ty, place.row)?, self.memory(ty, place.last)?]))
            .collect::<Option<_>>()?;
        self.record.prune(&next);
        let homes = assign(&self.record.insts, self.record.registers, self.record.masks, &next);
        let bases = self.bases()?;
        let mut a = Assembler::new(R::BYTES == 8);
        KEPT.iter().for_each(|&r| a.push(r));
        self.start(&mut a, &bases)?;
        for section in self.sections(states.len(), &homes)? {
            let code = self.coder(&section, &bases, states.len(), &homes);
            code.pin(&mut a);
            self.section(&mut a, &code, &states, &next)?;
        }
        KEPT.iter().rev().for_each(|&r| a.pop(r));
        a.leave();
        Some(a.finish())
    }

    /// Whole rows of all points: one step, or what comes before and after the steps.
    fn over_points(mut self) -> Option<Vec<u8>> {
        for inst in &self.l.insts {
            self.inst(inst)?;
        }
        // A store may be to where something else is still read.
        let mut stores = vec![];
        for &(v, row) in &self.l.stores {
            let from = Arg::Register(self.record.hold(*self.known.get(&v)?));
            stores.push((from, self.memory(self.plan.types[&v], row)?));
        }
        stores.into_iter().for_each(|(from, to)| self.record.store(from, to));
        for &(v, row) in &self.l.bits {
            let base = if row.fixed { Base::Scratch } else { Base::Frame };
            let to = self.at(base, Way::Bits, row.step * R::BYTES, row.at * R::BYTES)?;
            self.record.store_mask(*self.fired.get(&v)?, to);
        }
        self.record.prune(&[]);
        let homes = assign(&self.record.insts, self.record.registers, self.record.masks, &[]);
        let bases = self.bases()?;
        let sections = self.sections(0, &homes)?;

        let mut a = Assembler::new(R::BYTES == 8);
        KEPT.iter().for_each(|&r| a.push(r));
        for (p, &to) in self.pointers.iter().zip(&bases) {
            match p.base {
                Base::Frame => a.copy(to, RDI),
                Base::Scratch => a.copy(to, RSI),
                Base::Fed | Base::Tables => {}
            }
            if p.step != 0 {
                a.times(RAX, R8, p.step);
                a.add(to, RAX);
            }
        }
        let coders: Vec<Coder<'_>> = sections.iter().map(|s| self.coder(s, &bases, 0, &homes)).collect();
        let only = coders.len() == 1;
        coders.iter().filter(|_| only).for_each(|code| code.pin(&mut a));
        let again = a.here();
        for code in &coders {
            if !only {
                code.pin(&mut a);
            }
            self.section(&mut a, code, &[], &[])?;
        }
        for (p, &r) in self.pointers.iter().zip(&bases) {
            let gone: usize = sections.iter().map(|s| s.count.unwrap_or(0) * self.forth(*p, s)).sum();
            let forth = if p.base == Base::Frame { self.plan.frame * R::BYTES } else { 0 };
            a.add_number(r, i32::try_from(forth as i64 - gone as i64).ok()?);
        }
        a.count(RDX, again);
        KEPT.iter().rev().for_each(|&r| a.pop(r));
        a.leave();
        Some(a.finish())
    }

    /// Writes a step down; gives the registers of the states' next values.
    fn step(&mut self, time: &[StateId]) -> Option<Vec<u32>> {
        let program = &self.plan.program;
        for _ in time {
            self.record.register();
        }
        if time.iter().any(|s| program.states[s.0 as usize].ty.elem == Elem::Mask) {
            return None;
        }
        let pass = time.first().map(|s| program.states[s.0 as usize].pass);
        let reads = pass.iter().flat_map(|&k| &program.passes[k as usize].step);
        for inst in reads {
            if let Op::State(s) = inst.op
                && let Some(k) = time.iter().position(|t| *t == s)
            {
                self.known.insert(inst.value, Arg::Register(k as u32));
            }
        }
        for inst in &self.l.insts {
            self.inst(inst)?;
        }
        for &(v, row) in self.l.stores.iter().filter(|(_, row)| row.step > 0) {
            let to = self.memory(self.plan.types[&v], row)?;
            let from = *self.known.get(&v)?;
            self.record.store(from, to);
        }
        for &(v, at) in &self.l.results {
            let to = self.at(Base::Fed, Way::Full, self.plan.units * self.plan.lanes * R::BYTES, at * R::BYTES)?;
            let from = *self.known.get(&v)?;
            self.record.store(from, to);
        }
        let mut next: Vec<u32> = vec![];
        for s in time {
            let value = *self.known.get(&program.states[s.0 as usize].next)?;
            // A register of its own: not another state's, nor one that two states share.
            next.push(match value {
                Arg::Register(r) if r as usize >= time.len() && !next.contains(&r) => r,
                other => self.record.load(other),
            });
        }
        Some(next)
    }

    fn inst(&mut self, inst: &IrInst) -> Option<()> {
        let o = &inst.op;
        if let Op::Spike { of, strict, .. } | Op::SpikeAlong { of, strict, .. } = o {
            let difference = self.l.insts.iter().find(|i| i.value == *of).and_then(|i| match i.op {
                // a - b > 0 is a > b.
                Op::Binary(Binary::Sub, a, b) if *strict => Some((a, b)),
                _ => None,
            });
            let (a, b) = match difference {
                Some((a, b)) => (self.operand(a)?, self.operand(b)?),
                None => (self.operand(*of)?, self.record.f(R::ZERO)),
            };
            let mask = if *strict { self.record.gt(a, b) } else { self.record.ge(a, b) };
            let (one, zero) = (self.record.f(R::ONE), self.record.f(R::ZERO));
            let y = self.record.select(mask, one, zero);
            self.fired.insert(inst.value, mask);
            self.known.insert(inst.value, y);
            return Some(());
        }
        if inst.ty.elem == Elem::Mask {
            let mask = match o {
                Op::Compare(c, a, b) => {
                    let (a, b) = (self.operand(*a)?, self.operand(*b)?);
                    self.record.compare(*c, a, b)
                }
                Op::And(a, b) => {
                    let (a, b) = (*self.masks.get(a)?, *self.masks.get(b)?);
                    self.record.and(a, b)
                }
                Op::Or(a, b) => {
                    let (a, b) = (*self.masks.get(a)?, *self.masks.get(b)?);
                    self.record.or(a, b)
                }
                Op::Not(a) => {
                    let a = *self.masks.get(a)?;
                    self.record.not(a)
                }
                _ => return None,
            };
            self.masks.insert(inst.value, mask);
            return Some(());
        }
        let y = match o {
            Op::Unary(f, a) => {
                let mut a = self.operand(*a)?;
                if !matches!(f, Unary::Neg | Unary::Abs) {
                    a = Arg::Register(self.record.hold(a));
                }
                R::unary(&mut self.record, *f, a)
            }
            Op::Binary(f, a, b) => {
                let (mut a, mut b) = (self.operand(*a)?, self.operand(*b)?);
                if !matches!(f, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div) {
                    [a, b] = [a, b].map(|x| Arg::Register(self.record.hold(x)));
                }
                R::binary(&mut self.record, *f, a, b)
            }
            Op::Fma(a, b, c) => {
                let (a, b, c) = (self.operand(*a)?, self.operand(*b)?, self.operand(*c)?);
                self.record.fma(a, b, c)
            }
            Op::Select(m, a, b) => {
                let m = *self.masks.get(m)?;
                let (a, b) = (self.operand(*a)?, self.operand(*b)?);
                self.record.select(m, a, b)
            }
            Op::Splat(a, _) => self.operand(*a)?,
            _ => return None,
        };
        self.known.insert(inst.value, y);
        Some(())
    }

    /// A value that is known, or where it lies.
    fn operand(&mut self, v: Value) -> Option<Arg> {
        if let Some(arg) = self.known.get(&v) {
            return Some(*arg);
        }
        let memory = match self.plan.places.get(&v)? {
            Place::Const(x) => return Some(self.record.f(R::new(*x))),
            Place::Table(k) => {
                let before: usize = self.plan.program.tables[..*k as usize].iter().map(|t| t.values.len()).sum();
                self.at(Base::Tables, Way::One, R::BYTES, before * R::BYTES)?
            }
            Place::Feed(at) => {
                let step = self.plan.units * self.plan.lanes;
                self.at(Base::Fed, Way::Full, step * R::BYTES, at * R::BYTES)?
            }
            Place::Row(row) => self.memory(self.plan.types[&v], *row)?,
        };
        let reads = self.l.insts.iter().flat_map(|i| i.op.operands()).filter(|o| *o == v).count();
        let arg = Arg::Memory(memory);
        let arg = if reads > 1 { Arg::Register(self.record.load(arg)) } else { arg };
        self.known.insert(v, arg);
        Some(arg)
    }

    fn memory(&mut self, ty: Ty, row: Row) -> Option<Memory> {
        if ty.elem == Elem::Mask {
            return None;
        }
        let base = if row.fixed { Base::Scratch } else { Base::Frame };
        let way = match lie(self.l, ty) {
            Lie::Full => Way::Full,
            Lie::One => Way::One,
            Lie::Unit => Way::Unit,
            Lie::Direction => Way::Direction,
        };
        self.at(base, way, row.step * R::BYTES, row.at * R::BYTES)
    }

    fn at(&mut self, base: Base, way: Way, step: usize, at: usize) -> Option<Memory> {
        let moving = if way == Way::Direction { Way::One } else { way };
        let pointer = Pointer { base, way: moving, step: i32::try_from(step).ok()? };
        let known = self.pointers.iter().position(|p| *p == pointer);
        let pointer = known.unwrap_or_else(|| {
            self.pointers.push(pointer);
            self.pointers.len() - 1
        });
        Some(Memory { pointer, at: i32::try_from(at).ok()?, way })
    }

    /// Bytes of a unit of tangents.
    fn unit(&self) -> usize {
        self.plan.lanes * R::BYTES
    }

    /// The registers of the pointers. Those to feeds and to tables, of each of which there is one, stay where they came.
    fn bases(&self) -> Option<Vec<u8>> {
        let mut free = POINTERS.iter();
        let register = |p: &Pointer| match p.base {
            Base::Fed => Some(RDX),
            Base::Tables => Some(RCX),
            Base::Frame | Base::Scratch => free.next().copied(),
        };
        self.pointers.iter().map(register).collect()
    }

    /// Moves the pointers to the first unit.
    fn start(&self, a: &mut Assembler, bases: &[u8]) -> Option<()> {
        let unit = i32::try_from(self.unit()).ok()?;
        for (p, &to) in self.pointers.iter().zip(bases) {
            let origin = match p.base {
                Base::Frame => RDI,
                Base::Scratch => RSI,
                Base::Fed | Base::Tables => continue,
            };
            match p.way {
                Way::Full if self.l.tangent => a.times(to, R8, unit),
                Way::Unit => a.times(to, R8, R::BYTES as i32),
                _ => {
                    a.copy(to, origin);
                    continue;
                }
            }
            a.add(to, origin);
        }
        Some(())
    }

    /// How many units are run at once, and of those how many are written instruction by instruction.
    fn sections(&self, states: usize, homes: &Homes) -> Option<Vec<Section>> {
        let row = super::plan::padded(self.l.width as usize) * R::BYTES;
        let lengths = if self.l.tangent { vectors(self.unit()) } else { vectors(row) };
        // A unit of tangents is a power of two up to whole vectors, or several of these.
        let length = lengths.iter().rev().find(|l| l.1 > 0)?.0;
        let parts = if self.l.tangent { self.unit() / length.bytes() } else { 1 };
        let size = self.record.insts.len();
        let group = |copies: usize| {
            let fits = |n: &usize| {
                copies * states + n * homes.passing <= VECTORS && n * homes.passing_masks <= MASKS && *n <= copies
            };
            [if size > LONG { 2 } else { 1 }, 1].into_iter().find(fits)
        };
        let most = [8, 4, 2, 1].into_iter().find(|u| {
            let copies = u * parts;
            (copies <= 8 || *u == 1) && copies * size <= MOST && group(copies).is_some()
        })?;
        let section =
            |length, units: usize, count| Some(Section { length, units, parts, group: group(units * parts)?, count });
        if self.l.tangent && self.l.time.is_some() {
            return [8, 4, 2, 1].into_iter().filter(|u| *u <= most).map(|u| section(length, u, None)).collect();
        }
        let mut sections = vec![];
        let whole = if self.l.tangent { vec![(length, self.l.width as usize)] } else { lengths.to_vec() };
        for (length, n) in whole {
            for (units, count) in [(most, n / most), (n % most, 1)] {
                if units * count > 0 {
                    sections.push(section(length, units, Some(count))?);
                }
            }
        }
        Some(sections)
    }

    fn section(&self, a: &mut Assembler, code: &Coder<'_>, states: &[[Memory; 2]], next: &[u32]) -> Option<()> {
        let (s, bases) = (code.s, code.bases);
        let copies = s.units * s.parts;
        let once = s.count == Some(1);
        if let Some(n) = s.count.filter(|_| !once) {
            a.set(R9, i32::try_from(n * s.units).ok()?);
        }
        let top = a.here();
        let done = (!once).then(|| a.leave_if_less(R9, s.units as i32));
        for c in 0..copies {
            for (k, [first, _]) in states.iter().enumerate() {
                load(a, s.length, code.state(k, c), code.place(Arg::Memory(*first), c), Masked::default());
            }
        }
        let again = self.l.time.as_ref().map(|_| {
            a.set(RAX, self.steps as i32);
            a.here()
        });
        for first in (0..copies).step_by(s.group) {
            for inst in &self.record.insts {
                (first..copies.min(first + s.group)).for_each(|c| code.inst(a, inst, c));
            }
            for c in first..copies.min(first + s.group) {
                let passing = |(k, r): &(usize, &u32)| code.homes.vectors[**r as usize] != Home::State(*k);
                for (k, &r) in next.iter().enumerate().filter(passing) {
                    a.op(Code::MOVE, s.length, code.state(k, c), 0, Rm::Register(code.register(r, c)));
                }
            }
        }
        if let Some(again) = again {
            self.pointers.iter().zip(bases).for_each(|(p, &r)| a.add_number(r, p.step));
            a.count(RAX, again);
        }
        for c in 0..copies {
            for (k, [_, last]) in states.iter().enumerate() {
                code.store(a, code.state(k, c), *last, c);
            }
        }
        for (p, &r) in self.pointers.iter().zip(bases) {
            let back = again.map_or(0, |_| i64::from(p.step) * i64::from(self.steps));
            a.add_number(r, i32::try_from(self.forth(*p, s) as i64 - back).ok()?);
        }
        if let Some(done) = done {
            a.add_number(R9, -(s.units as i32));
            a.back(top);
            a.land(done);
        }
        Some(())
    }

    /// Bytes that a pointer moves from one run of a section to the next.
    fn forth(&self, p: Pointer, s: &Section) -> usize {
        match p.way {
            Way::Full => s.units * self.advance(s),
            Way::Unit => s.units * R::BYTES,
            Way::One | Way::Direction => 0,
            Way::Bits => s.units * s.length.bytes() / R::BYTES / 8,
        }
    }

    /// Bytes from a unit to the next.
    fn advance(&self, s: &Section) -> usize {
        if self.l.tangent { self.unit() } else { s.length.bytes() }
    }

    fn coder<'a>(&self, s: &'a Section, bases: &'a [u8], states: usize, homes: &'a Homes) -> Coder<'a> {
        let taken = s.units * s.parts * states + s.group * homes.passing;
        let pinned = self.pinned(VECTORS - taken);
        Coder { s, bases, states, homes, pinned, unit: self.advance(s), bytes: R::BYTES }
    }

    /// What is the same in all steps and units, the most wanted first, at most so many.
    fn pinned(&self, most: usize) -> Vec<Arg> {
        let mut found: Vec<(usize, Arg)> = vec![];
        for arg in
            self.record.insts.iter().filter(|i| !matches!(i.kind, Kind::Store | Kind::StoreMask)).filter_map(|i| i.arg)
        {
            let constant = match arg {
                Arg::Number(_) => true,
                Arg::Memory(m) if m.way != Way::One => false,
                Arg::Memory(m) if self.l.time.is_some() => self.pointers[m.pointer].step == 0,
                Arg::Memory(m) => self.pointers[m.pointer].base != Base::Frame,
                Arg::Register(_) => false,
            };
            match found.iter_mut().find(|(_, known)| *known == arg) {
                _ if !constant => {}
                Some((n, _)) => *n += 1,
                None => found.push((1, arg)),
            }
        }
        found.sort_by_key(|(n, _)| usize::MAX - n);
        found.into_iter().map(|(_, arg)| arg).take(most).collect()
    }
}
