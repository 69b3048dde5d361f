//! Makes silent faults visible: a potential that is not a number never crosses its threshold, so that its neuron seems to be
//! silent and nothing downstream shows that it is broken.
//!
//! In the place of a layer's count of spikes, which training does not read, it yields the sum of the last values of the states
//! that the spikes depend on, times 0: nothing where all are finite, not a number else. That is one product and one sum a
//! state, after all the steps, which then need not count.
//!
//! ```text
//! finish { %9 = state 1 : 8                     finish { %11 = state 0 : 8   %14 = mul %11, 0
//!          %10 = sum %9 : 1 }          =>                %10 = sum %14 : 1 }
//! output "spikes.h" = %10                       output "finite.h" = %10
//! ```

use std::collections::{HashMap, HashSet};

use crate::func::Binary;
use crate::ir::op::{Op, StateId, Ty, Value};
use crate::ir::program::{Inst, Output, Program, Region};

/// Puts guards in the place of the outputs `spikes.NAME` of these layers, which are sums made after the steps of a pass; of
/// other outputs of such a name nothing is left.
pub fn guard(mut program: Program, layers: &[String]) -> Program {
    for layer in layers {
        let name = format!("spikes.{layer}");
        let Some(at) = program.outputs.iter().position(|o| o.name == name) else { continue };
        let output = program.outputs.remove(at);
        if let Some(value) = finite(&mut program, output.value) {
            program.outputs.insert(at, Output { name: format!("finite.{layer}"), value });
        }
    }
    program
}

/// Adds to an output that is a count of spikes what is 0, or not a number if a state behind it is not finite.
pub fn mark(mut program: Program, output: &str) -> Program {
    let Some(at) = program.outputs.iter().position(|o| o.name == output) else { return program };
    let count = program.outputs[at].value;
    let (Some(home), Some(finite)) = (program.home(count), finite(&mut program, count)) else { return program };
    let value = Value(program.next_value());
    let op = Op::Binary(Binary::Add, count, finite);
    program.region_mut(home).push(Inst { value, ty: Ty::real(1), op });
    program.outputs[at].value = value;
    program
}

/// The sum of the states behind a count of spikes, times 0.
fn finite(program: &mut Program, sum: Value) -> Option<Value> {
    let Some(Region::Finish(pass)) = program.home(sum) else { return None };
    let counts = match program.find(sum)?.op {
        Op::Sum(counts) => counts,
        // A single unit's.
        Op::State(_) => sum,
        _ => return None,
    };
    let ty = program.find(counts).map(|i| i.ty).filter(|ty| !ty.tangent)?;
    let states = states_behind(program, counts, pass, ty);
    let mut next = program.next_value();
    let mut added = vec![];
    let mut push = |op: Op, ty: Ty| {
        let value = Value(next);
        next += 1;
        added.push(Inst { value, ty, op });
        value
    };
    let mut total = None;
    for state in states {
        let last = push(Op::State(state), ty);
        let zero = push(Op::Const(0.0), Ty::real(1));
        let zero = if ty.width == 1 { zero } else { push(Op::Splat(zero, ty.width), ty) };
        let nothing = push(Op::Binary(Binary::Mul, last, zero), ty);
        total = Some(total.map_or(nothing, |total| push(Op::Binary(Binary::Add, total, nothing), ty)));
    }
    let finish = program.region_mut(Region::Finish(pass));
    let at = finish.iter().position(|i| i.value == sum)?;
    // A number of its own: the count may be another output as well.
    let value = push(Op::Sum(total?), Ty::real(1));
    finish.splice(at..at, added);
    Some(value)
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
