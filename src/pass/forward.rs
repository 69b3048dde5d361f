//! Forward differentiation of a whole program, time loop included.
//!
//! One sweep adds the first derivative of chosen values with respect to one seed, and of nothing that they do not need.
//! Derivatives are remembered, so that sweeps share them; what a sweep has added, a later one may differentiate again.
//!
//! ```text
//! state 0 : 8 = %1 next %4        =>      state 1 : tangent 8 = d%1 (or 0) next d%4 (or 0)
//! ```

use std::collections::{HashMap, HashSet};

use crate::ir::op::{Op, StateId, Ty, Value};
use crate::ir::program::{Inst, Program, Region};
use crate::pass::derivatives::{Seed, derivative, may_depend};
use crate::pass::emitter::Emitter;

pub(super) struct Forward {
    pub em: Emitter,
    known: HashMap<(Seed, Value), Option<Value>>,
    states: HashMap<(Seed, StateId), StateId>,
}

impl Forward {
    pub fn new(program: Program) -> Forward {
        Forward { em: Emitter::new(program), known: HashMap::new(), states: HashMap::new() }
    }

    /// The derivative of a value that was a target of a sweep with this seed; `None` if it is zero.
    pub fn get(&self, seed: Seed, v: Value) -> Option<Value> {
        self.known.get(&(seed, v)).copied().flatten()
    }

    /// Makes the derivatives of `targets` with respect to `seed` known.
    pub fn sweep(&mut self, seed: Seed, targets: &[Value]) {
        let (active, active_states) = self.active(seed);
        let (needed, needed_states) = self.needed(seed, targets, &active, &active_states);
        let program = &self.em.builder.program;
        let wanted = |i: &&Inst| needed.contains(&i.value);
        let old: Vec<(Region, Vec<Inst>)> = (program.regions().into_iter())
            .map(|r| (r, program.region(r).iter().filter(wanted).cloned().collect()))
            .collect();
        let mut added = vec![];
        for (region, insts) in old {
            if let Region::Step(pass) = region {
                for s in &needed_states {
                    let state = self.em.builder.program.states[s.0 as usize].clone();
                    if state.pass != pass {
                        continue;
                    }
                    let ty = Ty { tangent: state.ty.tangent || seed == Seed::Directions, ..state.ty };
                    let init = self.get(seed, state.init).unwrap_or_else(|| self.em.constant(0.0, ty));
                    let ds = self.em.builder.state(pass, ty, init);
                    self.states.insert((seed, *s), ds);
                    added.push((ds, state.next, ty));
                }
            }
            self.em.at = region;
            for inst in insts {
                let dv = match inst.op {
                    Op::State(s) => self.states.get(&(seed, s)).map(|ds| self.em.push(Op::State(*ds))),
                    _ => {
                        let known = &self.known;
                        let d = |v: Value| known.get(&(seed, v)).copied().flatten();
                        derivative(&mut self.em, seed, &inst, &d)
                    }
                };
                self.known.insert((seed, inst.value), dv);
            }
        }
        for (ds, next, ty) in added {
            let next = self.get(seed, next).unwrap_or_else(|| self.em.constant(0.0, ty));
            self.em.builder.set_next(ds, next);
        }
    }

    /// Values and states that may have a derivative: a state has one if its first or its next value has one, which may
    /// itself depend on states, so the answer grows until it no longer changes.
    fn active(&self, seed: Seed) -> (HashSet<Value>, HashSet<StateId>) {
        let program = &self.em.builder.program;
        let mut states: HashSet<StateId> = HashSet::new();
        let mut values: HashSet<Value> = HashSet::new();
        loop {
            for inst in program.insts() {
                let depends = match inst.op {
                    Op::State(s) => states.contains(&s),
                    _ => may_depend(&self.em, seed, &inst.op, &|v| values.contains(&v)),
                };
                if depends {
                    values.insert(inst.value);
                }
            }
            let before = states.len();
            for (k, s) in program.states.iter().enumerate() {
                if values.contains(&s.init) || values.contains(&s.next) {
                    states.insert(StateId(k as u32));
                }
            }
            if states.len() == before {
                return (values, states);
            }
        }
    }

    /// Values and states whose derivatives have to be written for those of `targets`; states in order.
    fn needed(
        &self,
        seed: Seed,
        targets: &[Value],
        active: &HashSet<Value>,
        active_states: &HashSet<StateId>,
    ) -> (HashSet<Value>, Vec<StateId>) {
        let program = &self.em.builder.program;
        let mut values: HashSet<Value> = HashSet::new();
        let mut states: HashSet<StateId> = HashSet::new();
        let mut open = targets.to_vec();
        while let Some(v) = open.pop() {
            if !active.contains(&v) || self.known.contains_key(&(seed, v)) || !values.insert(v) {
                continue;
            }
            match self.em.op(v) {
                Op::State(s) => {
                    let known = self.states.contains_key(&(seed, *s));
                    if !known && active_states.contains(s) && states.insert(*s) {
                        let state = &program.states[s.0 as usize];
                        open.extend([state.init, state.next]);
                    }
                }
                op => open.extend(op.operands()),
            }
        }
        let mut states: Vec<StateId> = states.into_iter().collect();
        states.sort();
        (values, states)
    }
}
