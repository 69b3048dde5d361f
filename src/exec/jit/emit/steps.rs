//! Loops over time: all steps of a block of lanes before the next block, its states in registers.
//!
//! A step is a chain (decay, add, compare, reset: some 13 cycles) of instructions that could each start every half cycle, so a
//! loop is only as fast as the number of chains in it. That number is limited by the 16 registers, which is why a state that is
//! only added to ([`accumulators`]) may lie in memory: nothing in the step waits for it.
//!
//! ```text
//! for step { lanes  0..16: decay, add, compare, reset | lanes 16..32: decay, add, compare, reset }
//! ```
//! A block's vectors are emitted in groups of a few, each through the whole step: more at once would need more registers for
//! what lies between. A long step (an exponential in it, say) has so much between that its states lie in memory and its
//! constants are fetched where they are used; many vectors then hide that, and each other's chains.

use std::collections::{HashMap, HashSet};

use cranelift::codegen::ir::BlockArg;
use cranelift::prelude::{InstBuilder, IntCC, types};

use super::{Body, Clif, Emit, Emitter, Lie, Loop, lie};
use crate::exec::jit::plan::{StatePlace, weight};
use crate::func::Binary;
use crate::ir::op::{Elem, Op, StateId, Value};
use crate::ir::program::{Program, State};

/// Vectors that a loop over time works on.
pub(super) struct Shape {
    pub vectors: usize,
    /// Vectors in a group.
    at_once: usize,
    /// States that lie in memory.
    memory: HashSet<StateId>,
    /// Constants do, too.
    long: bool,
}

/// Vector registers that states may take of the 16: the others are for what is being computed.
const REGISTERS: usize = 12;

/// A step of more instructions is long.
const LONG: usize = 40;
/// Instructions of a loop: register allocation is slow on longer ones.
const MOST: usize = 800;

impl<'p, R: Emit> Emitter<'p, '_, '_, R> {
    /// How a loop over all steps uses the registers.
    pub(super) fn steps_shape(&self, l: &Loop, time: &[StateId]) -> Shape {
        let program = &self.plan.program;
        let is_full = |s: &&StateId| lie(l, program.states[s.0 as usize].ty) == Lie::Full;
        let full: Vec<StateId> = time.iter().filter(is_full).copied().collect();
        let added = if l.tangent { HashSet::new() } else { accumulators(program, self.pass) };
        let memory: HashSet<StateId> = full.iter().filter(|s| added.contains(s)).copied().collect();
        let chains = full.len() - memory.len();
        let shape = |vectors, at_once, memory| Shape { vectors, at_once, memory, long: false };
        let size: usize = l.insts.iter().map(|i| weight(&i.op)).sum();
        match chains {
            _ if size > LONG && !l.tangent => {
                let vectors = [8, 4].into_iter().find(|n| n * size <= MOST).unwrap_or(2);
                Shape { long: true, ..shape(vectors, 2, full.into_iter().collect()) }
            }
            // Tangents go one vector at a time where a step is long: they have few lanes.
            _ if size > 100 => shape(1, 1, HashSet::new()),
            0 | 1 => shape(8, 4, memory),
            _ if full.len() * 4 <= 12 => shape(4, 4, HashSet::new()),
            _ if chains * 4 <= REGISTERS => shape(4, 4, memory),
            _ => shape(2, 2, HashSet::new()),
        }
    }

    /// All time steps of a block.
    pub(super) fn all_steps(&mut self, l: &Loop, time: &[StateId], body: Body) {
        let pass = &self.plan.program.passes[self.pass];
        let shape = self.steps_shape(l, time);
        let at_once = if body.vectors.is_multiple_of(shape.at_once) { shape.at_once } else { body.vectors };
        let mut parts: Vec<Body> =
            (0..body.vectors).step_by(at_once).map(|first| Body { first, vectors: at_once, ..body.clone() }).collect();
        let states = &self.plan.program.states;
        let own: Vec<(StateId, (&State, StatePlace))> =
            time.iter().map(|&s| (s, (&states[s.0 as usize], self.plan.states[s.0 as usize]))).collect();
        let (memory, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|(id, _)| shape.memory.contains(id));

        let (head, inside, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let step = self.b.append_block_param(head, types::I64);
        let mut start = vec![BlockArg::Value(self.number(0))];
        let mut current: Vec<Vec<Vec<Clif>>> = vec![];
        for part in &parts {
            let mut of_part = vec![];
            for (_, (s, place)) in &own {
                let first = self.load(l, part, s.ty, place.row);
                let ty = if s.ty.elem == Elem::Mask { R::M } else { R::F };
                of_part.push(first.iter().map(|_| self.b.append_block_param(head, ty)).collect::<Vec<_>>());
                start.extend(first.into_iter().map(BlockArg::Value));
            }
            current.push(of_part);
        }
        self.b.ins().jump(head, &start);
        self.enter(head);
        let more = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, step, i64::from(pass.steps));
        self.b.ins().brif(more, inside, &[], after, &[]);
        self.enter(inside);
        self.constants.fresh = shape.long;
        let number: HashMap<StateId, usize> = own.iter().map(|(id, _)| *id).zip(0..).collect();
        let reads =
            |of: StateId| pass.step.iter().filter(move |i| matches!(i.op, Op::State(s) if s == of)).map(|i| i.value);
        let mut next = vec![BlockArg::Value(self.b.ins().iadd_imm_s(step, 1))];
        for (part, current) in parts.iter_mut().zip(&current) {
            part.step = Some(step);
            for (id, _) in &own {
                reads(*id).for_each(|v| drop(part.registers.insert(v, current[number[id]].clone())));
            }
            for inst in &l.insts {
                self.inst(l, part, inst);
            }
            for &(v, row) in l.stores.iter().filter(|(_, row)| row.step > 0) {
                let vectors = part.registers[&v].clone();
                self.store(l, part, self.plan.types[&v], row, &vectors);
            }
            for &(v, at) in &l.results {
                let vectors = part.registers[&v].clone();
                self.store_result(part, at, &vectors);
            }
            for (_, (s, place)) in &memory {
                let vectors = part.registers[&s.next].clone();
                self.store(l, part, s.ty, place.row, &vectors);
            }
            for ((_, (s, _)), current) in own.iter().zip(current) {
                let new = &part.registers[&s.next];
                next.extend((0..current.len()).map(|i| BlockArg::Value(new[i % new.len()])));
            }
        }
        self.constants.fresh = false;
        self.b.ins().jump(head, &next);
        self.b.seal_block(head);
        self.b.seal_block(inside);
        self.b.seal_block(after);
        self.enter(after);
        for (part, current) in parts.iter().zip(&current) {
            for ((_, (s, place)), current) in own.iter().zip(current) {
                self.store(l, part, s.ty, place.last, current);
            }
        }
    }
}

/// States of a pass that its steps only add to, and that nothing else in a step reads.
fn accumulators(p: &Program, pass: usize) -> HashSet<StateId> {
    let step = &p.passes[pass].step;
    let users = |v: Value| step.iter().filter(move |i| i.op.operands().contains(&v));
    let is_one = |id: StateId, s: &State| {
        let mut reads = step.iter().filter(|i| matches!(i.op, Op::State(k) if k == id));
        let (Some(read), None) = (reads.next(), reads.next()) else { return false };
        let mut of_state = users(read.value);
        let (Some(user), None) = (of_state.next(), of_state.next()) else { return false };
        let added = match user.op {
            Op::Binary(Binary::Add, a, b) => a != b,
            Op::Fma(a, b, c) => c == read.value && a != c && b != c,
            _ => false,
        };
        let added = added && user.value == s.next;
        let shared = p.states.iter().filter(|other| other.next == s.next).count() > 1;
        let leaves = p.outputs.iter().chain(&p.traces).any(|o| o.value == read.value);
        added && !shared && !leaves && s.ty.elem != Elem::Mask && users(s.next).next().is_none()
    };
    let all = (0..).map(StateId).zip(&p.states);
    all.filter(|(id, s)| s.pass as usize == pass && is_one(*id, s)).map(|(id, _)| id).collect()
}
