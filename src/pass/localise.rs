//! Constants are written anew in the region that uses them.
//!
//! A vector of one number costs nothing where it is used, since engines hold it in a register; carried over from `init` it
//! would be a row of memory for every point, read in every step. The opposite of what [`hoist`](crate::pass::hoist) does,
//! and so the last word on constants.
//!
//! ```text
//! init { %0 = const 0.9 : 1   %1 = splat %0, 512 : 512 }        step { … mul %1, %5 … }
//!       =>      step { %8 = const 0.9 : 1   %9 = splat %8, 512 : 512   … mul %9, %5 … }
//! ```

use std::collections::HashMap;

use crate::ir::op::{Op, Ty, Value};
use crate::ir::program::{Inst, Program, Region};

pub fn localise(mut program: Program) -> Program {
    let mut l = Localiser { constants: HashMap::new(), next: program.next_value() };
    for region in program.regions() {
        if region != Region::Init {
            let list = program.region_mut(region);
            let mut here = HashMap::new();
            let old = std::mem::take(list);
            for mut inst in old {
                inst.op = inst.op.map(|v| l.local(v, &mut here, list));
                list.push(inst);
            }
        }
        if region.is_straight() {
            for inst in program.region(region) {
                let number = match &inst.op {
                    Op::Const(c) => Some(*c),
                    Op::Splat(a, _) => l.constants.get(a).map(|k| k.0),
                    _ => None,
                };
                if let Some(c) = number {
                    l.constants.insert(inst.value, (c, inst.ty));
                }
            }
        }
    }
    program
}

struct Localiser {
    /// Those of the straight code so far.
    constants: HashMap<Value, (f64, Ty)>,
    next: u32,
}

impl Localiser {
    /// What stands for `v` in the region whose instructions are in `list`.
    fn local(&mut self, v: Value, here: &mut HashMap<(u64, Ty), Value>, list: &mut Vec<Inst>) -> Value {
        let Some(&(c, ty)) = self.constants.get(&v) else { return v };
        let one = Ty { width: 1, ..ty };
        let number = self.shared((c.to_bits(), one), Op::Const(c), here, list);
        if ty == one { number } else { self.shared((c.to_bits(), ty), Op::Splat(number, ty.width), here, list) }
    }

    fn shared(&mut self, key: (u64, Ty), op: Op, here: &mut HashMap<(u64, Ty), Value>, list: &mut Vec<Inst>) -> Value {
        *here.entry(key).or_insert_with(|| {
            let value = Value(self.next);
            self.next += 1;
            list.push(Inst { value, ty: key.1, op });
            value
        })
    }
}
