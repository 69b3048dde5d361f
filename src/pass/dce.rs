//! Dead code: instructions, states and tables that no output or trace depends on are removed.
//!
//! Inputs and parameters stay, since the layout of buffers follows from them; so do the passes and their numbers of steps. A state lives
//! only if it is read by something that lives: one that merely feeds itself is dead.
//!
//! ```text
//! state 0 : 8 = %1 next %4     (read by %4 alone)        =>      gone, with %1 and %4
//! ```

use std::collections::{HashMap, HashSet};

use crate::ir::op::{Op, StateId, Value};
use crate::ir::program::Program;

pub fn dce(mut program: Program) -> Program {
    let ops: HashMap<Value, &Op> = program.insts().map(|i| (i.value, &i.op)).collect();
    let mut live: HashSet<Value> = HashSet::new();
    let mut states: HashSet<u32> = HashSet::new();
    let mut tables: HashSet<u32> = HashSet::new();
    let mut open: Vec<Value> = program.outputs.iter().chain(&program.traces).map(|o| o.value).collect();
    while let Some(v) = open.pop() {
        let Some(op) = ops.get(&v) else { continue };
        if !live.insert(v) {
            continue;
        }
        match op {
            Op::State(s) => {
                if states.insert(s.0) {
                    let state = &program.states[s.0 as usize];
                    open.extend([state.init, state.next]);
                }
            }
            Op::Table(k) => {
                tables.insert(*k);
            }
            op => open.extend(op.operands()),
        }
    }

    let new_state = keep(&mut program.states, &states);
    let new_table = keep(&mut program.tables, &tables);
    for region in program.regions() {
        program.region_mut(region).retain(|i| live.contains(&i.value));
    }
    for i in program.insts_mut() {
        match &mut i.op {
            Op::State(s) => *s = StateId(new_state[&s.0]),
            Op::Table(k) => *k = new_table[k],
            _ => {}
        }
    }
    if !program.insts().any(|i| i.ty.tangent) {
        program.directions = 0;
    }
    program
}

/// Keeps the items with these numbers; yields their new ones.
fn keep<T>(items: &mut Vec<T>, numbers: &HashSet<u32>) -> HashMap<u32, u32> {
    let mut new = HashMap::new();
    let mut k = 0;
    items.retain(|_| {
        let kept = numbers.contains(&k);
        if kept {
            new.insert(k, new.len() as u32);
        }
        k += 1;
        kept
    });
    new
}
