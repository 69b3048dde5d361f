//! Makes silent faults visible: a potential that is not a number never crosses its threshold, so that its neuron seems to be
//! silent and nothing downstream shows that it is broken.
//!
//! A layer's count of spikes gets the last values of the states that the spikes depend on, times 0, added: nothing where all
//! are finite, not a number else. That is one product and one sum a state, after all the steps.
//!
//! ```text
//! finish { %9 = state 1 : 8                     finish { %9 = state 1 : 8
//!          %10 = sum %9 : 1 }          =>                %11 = state 0 : 8   %14 = mul %11, 0   %15 = add %9, %14
//!                                                        %10 = sum %15 : 1 }
//! output "spikes.h" = %10
//! ```

use std::collections::{HashMap, HashSet};

use crate::func::Binary;
use crate::ir::op::{Op, StateId, Ty, Value};
use crate::ir::program::{Inst, Program, Region};

/// Guards the outputs of these names, where they are sums made after the steps of a pass.
pub fn guard(mut program: Program, outputs: &[String]) -> Program {
    for name in outputs {
        let Some(output) = program.outputs.iter().find(|o| o.name == *name) else { continue };
        let Some(Region::Finish(pass)) = program.home(output.value) else { continue };
        let Some(Inst { op: Op::Sum(counts), .. }) = program.find(output.value) else { continue };
        let (sum, counts) = (output.value, *counts);
        let Some(ty) = program.find(counts).map(|i| i.ty).filter(|ty| !ty.tangent) else { continue };
        let states = states_behind(&program, counts, pass, ty);
        let mut next = program.next_value();
        let mut added = vec![];
        let mut push = |op: Op, ty: Ty| {
            let value = Value(next);
            next += 1;
            added.push(Inst { value, ty, op });
            value
        };
        let mut total = counts;
        for state in states {
            let last = push(Op::State(state), ty);
            let zero = push(Op::Const(0.0), Ty::real(1));
            let zero = if ty.width == 1 { zero } else { push(Op::Splat(zero, ty.width), ty) };
            let nothing = push(Op::Binary(Binary::Mul, last, zero), ty);
            total = push(Op::Binary(Binary::Add, total, nothing), ty);
        }
        let finish = program.region_mut(Region::Finish(pass));
        let Some(at) = finish.iter().position(|i| i.value == sum) else { continue };
        finish[at].op = Op::Sum(total);
        finish.splice(at..at, added);
    }
    program
}

/// The states of a pass, as wide as the counts, that the counts depend on; not the counts themselves.
fn states_behind(program: &Program, counts: Value, pass: u32, ty: Ty) -> Vec<StateId> {
    let ops: HashMap<Value, &Op> = program.insts().map(|i| (i.value, &i.op)).collect();
    let mut seen: HashSet<Value> = HashSet::new();
    let mut states: Vec<StateId> = vec![];
    let mut open = vec![counts];
    while let Some(v) = open.pop() {
        if !seen.insert(v) {
            continue;
        }
        let Some(op) = ops.get(&v) else { continue };
        match op {
            Op::State(id) if !states.contains(id) => {
                states.push(*id);
                let state = &program.states[id.0 as usize];
                open.extend([state.init, state.next]);
            }
            op => open.extend(op.operands()),
        }
    }
    let itself = |id: &StateId| ops.get(&counts) == Some(&&Op::State(*id));
    let fits = |id: &StateId| {
        let state = &program.states[id.0 as usize];
        state.pass == pass && state.ty == ty && !itself(id)
    };
    states.retain(fits);
    states.sort_unstable();
    states
}
