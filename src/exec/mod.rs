//! Running programs: the kernel trait, the interpreter that defines the semantics, the JIT that is fast, and the driver
//! that spreads points over threads. Both engines give the same bits.
//!
//! ```text
//! Vec<Program> -> build(Engine::Jit, Precision::F32, …) -> Vec<AnyKernel> -> kernel.run(inputs, params, directions)
//! ```
//! The precision is a property of the compiled kernels: programs are the same for both.

pub mod driver;
pub mod interp;
pub mod jit;
pub mod kernel;
pub mod math;
pub(crate) mod micro;
pub mod normal;
pub mod real;
pub mod rng;
pub mod timed;

use std::sync::Arc;

use crate::ir::program::Program;
use crate::plan::Precision;
pub use jit::JitError;
use kernel::{AnyKernel, Kernel};

/// Arithmetic operations a second that the threads of the rayon pool reach when all do nothing but multiply and add: what a
/// kernel's speed is compared with. Takes a fifth of a second.
pub fn peak(precision: Precision) -> f64 {
    rayon::broadcast(|_| micro::peak::measure(precision)).iter().sum()
}

/// The instruction set that products are compiled for on this machine.
pub fn instructions() -> &'static str {
    micro::peak::instructions()
}

/// Which engine runs programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// Compiled to machine code.
    #[default]
    Jit,
    /// The definition, slow.
    Interp,
}

/// Kernels for programs that have passed `ir::verify`, in the same order.
pub fn build(engine: Engine, precision: Precision, programs: Vec<Program>) -> Result<Vec<AnyKernel>, JitError> {
    Ok(match precision {
        Precision::F32 => build_in::<f32>(engine, programs)?.into_iter().map(AnyKernel::Single).collect(),
        Precision::F64 => build_in::<f64>(engine, programs)?.into_iter().map(AnyKernel::Double).collect(),
    })
}

/// The same, of a precision known beforehand.
pub fn build_in<R: jit::Emit>(engine: Engine, programs: Vec<Program>) -> Result<Vec<Arc<dyn Kernel<R>>>, JitError> {
    match engine {
        Engine::Jit => jit::compile::<R>(programs),
        Engine::Interp => {
            Ok(programs.into_iter().map(|p| Arc::new(interp::Interpreter::of(p)) as Arc<dyn Kernel<R>>).collect())
        }
    }
}
