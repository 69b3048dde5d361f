//! Numbers values from 0 in the order they stand, so that what is printed is easy to read and to compare.
//!
//! ```text
//! %17 = input 0 : 2   %90 = sin %17 : 2        =>      %0 = input 0 : 2   %1 = sin %0 : 2
//! ```

use std::collections::HashMap;

use crate::ir::op::Value;
use crate::ir::program::Program;

pub fn renumber(mut program: Program) -> Program {
    let new: HashMap<Value, Value> =
        program.insts().enumerate().map(|(k, inst)| (inst.value, Value(k as u32))).collect();
    let of = |v: Value| new.get(&v).copied().unwrap_or(v);
    for inst in program.insts_mut() {
        inst.value = of(inst.value);
        inst.op = inst.op.map(of);
    }
    for s in &mut program.states {
        s.init = of(s.init);
        s.next = of(s.next);
    }
    for o in program.outputs.iter_mut().chain(&mut program.traces) {
        o.value = of(o.value);
    }
    program
}
