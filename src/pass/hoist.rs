//! Loop-invariant code: what a step computes from values of `init` alone is moved there.
//!
//! A constant current is `dense %0, "w"` of the coordinates: it is computed once and not in every step. What is traced stays
//! where it is, since traces come from `step`.
//!
//! ```text
//! step { %4 = dense %0, "w" : 8 … }        =>      init { … %4 = dense %0, "w" : 8 }
//! ```

use std::collections::HashSet;

use crate::ir::op::{Op, Value};
use crate::ir::program::Program;

pub fn hoist(mut program: Program) -> Program {
    let traced: HashSet<Value> = program.traces.iter().map(|t| t.value).collect();
    let mut init: HashSet<Value> = program.init.iter().map(|i| i.value).collect();
    let step = std::mem::take(&mut program.step);
    for inst in step {
        let varies = matches!(inst.op, Op::State(_) | Op::Table(_));
        if !varies && !traced.contains(&inst.value) && inst.op.operands().iter().all(|v| init.contains(v)) {
            init.insert(inst.value);
            program.init.push(inst);
        } else {
            program.step.push(inst);
        }
    }
    program
}
