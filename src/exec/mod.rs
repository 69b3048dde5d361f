//! Running programs: the kernel trait, the interpreter that defines the semantics, the JIT that is fast, and the driver
//! that spreads points over threads. Both engines give the same bits.

pub mod kernel;
