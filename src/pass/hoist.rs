//! Loop-invariant code: what a step computes from earlier values alone is moved to the straight code before its pass.
//!
//! A constant current is `dense %0, "w"` of the coordinates: it is computed once and not in every step. What is traced stays
//! where it is, since traces come from `step`.
//!
//! ```text
//! step { %4 = dense %0, "w" : 8 … }        =>      init { … %4 = dense %0, "w" : 8 }
//! ```

use std::collections::HashSet;

use crate::ir::op::{Op, Value};
use crate::ir::program::{Program, Region};

pub fn hoist(mut program: Program) -> Program {
    let traced: HashSet<Value> = program.traces.iter().map(|t| t.value).collect();
    let mut earlier: HashSet<Value> = program.init.iter().map(|i| i.value).collect();
    for k in 0..program.passes.len() as u32 {
        let step = std::mem::take(program.region_mut(Region::Step(k)));
        for inst in step {
            let varies = matches!(inst.op, Op::State(_) | Op::Table(_) | Op::Row(_));
            let constant = !varies && !traced.contains(&inst.value);
            if constant && inst.op.operands().iter().all(|v| earlier.contains(v)) {
                earlier.insert(inst.value);
                program.region_mut(Region::before(k)).push(inst);
            } else {
                program.region_mut(Region::Step(k)).push(inst);
            }
        }
        earlier.extend(program.region(Region::Finish(k)).iter().map(|i| i.value));
    }
    program
}
