//! Slopes of spikes that nobody asks for: a program without tangents runs its spikes and takes no derivative of them.
//!
//! ```text
//! %9 = spike along %7 slope %8     =>     %9 = spike %7, and what computed %8 is dead
//! ```

use crate::func::{Surrogate, SurrogateKind};
use crate::ir::op::Op;
use crate::ir::program::Program;

/// Drops the slopes of all spikes if the program has no tangents. It computes the same bits.
pub fn forget(mut program: Program) -> Program {
    if program.directions == 0 {
        for inst in program.insts_mut() {
            if let Op::SpikeAlong { of, strict, .. } = inst.op {
                let surrogate = Surrogate { kind: SurrogateKind::Triangle, scale: 1.0 };
                inst.op = Op::Spike { of, strict, surrogate };
            }
        }
    }
    program
}
