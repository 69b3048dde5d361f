//! How much arithmetic a program stands for, whatever an engine makes of it: the unit that speeds are compared in.
//!
//! *Dense-equivalent*: a product with weights counts in full, two operations a weight, even where spikes let an engine skip
//! most of it. An arithmetic operation or function counts as one for each element (a
//! fused multiply-add as two), a sum as one for each summand;
//! comparisons, selections, spikes and moves count as nothing. A tangent counts once for each direction.
//!
//! ```text
//! %2 = dense %1, "w" : 64        2 · 64 · 64   of [64 x 64], in each of 16 steps: 131 072 operations a point
//! ```

use super::op::{Op, Value};
use super::program::{Inst, Program, Region};

impl Program {
    /// Operations of one point.
    pub fn operations(&self) -> u64 {
        let types: std::collections::HashMap<Value, u64> =
            self.insts().map(|i| (i.value, self.lanes(i.ty) as u64)).collect();
        let of = |inst: &Inst| {
            let own = self.lanes(inst.ty) as u64;
            match &inst.op {
                Op::Unary(..) | Op::Binary(..) => own,
                Op::Fma(..) => 2 * own,
                Op::Sum(a) => types.get(a).copied().unwrap_or(0),
                Op::Dense { weight, .. } => {
                    let directions = if inst.ty.tangent { u64::from(self.directions) } else { 1 };
                    2 * self.params[weight.0 as usize].len() as u64 * directions
                }
                _ => 0,
            }
        };
        let times = |region: &Region| match region {
            Region::Step(k) => u64::from(self.passes[*k as usize].steps),
            Region::Init | Region::Finish(_) => 1,
        };
        self.regions().iter().map(|r| times(r) * self.region(*r).iter().map(of).sum::<u64>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::read::read;

    #[test]
    fn products_count_in_full_and_steps_as_often_as_they_run() {
        let text = "program \"p\" steps 10 directions 3
input \"x\" [2]
param \"w\" [2 x 4] trainable
init {
  %0 = input 0 : 2
  %1 = dense %0, \"w\" : 4
  %2 = dense %0, direction \"w\" : tangent 4
}
state 0 : 4 = %1 next %4
step {
  %3 = state 0 : 4
  %4 = add %3, %1 : 4
}
finish {
  %5 = sum %4 : 1
  %6 = mul %2, %1 : tangent 4
}
output \"y\" = %5
output \"z\" = %6
";
        // finish sees the state, not the step's value
        let text = text.replace("%5 = sum %4 : 1", "%7 = state 0 : 4\n  %5 = sum %7 : 1");
        let program = read(&text).expect("it reads");
        let (primal, along) = (2 * 2 * 4, 3 * 2 * 2 * 4);
        assert_eq!(program.operations(), primal + along + 10 * 4 + 4 + 3 * 4);
    }
}
