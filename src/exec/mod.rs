//! Running programs: the kernel trait, the interpreter that defines the semantics, the JIT that is fast, and the driver
//! that spreads points over threads. Both engines give the same bits.
//!
//! ```text
//! Vec<Program> -> build(Engine::Jit, …) -> Vec<Arc<dyn Kernel>> -> driver::run(kernel, inputs, params, directions)
//! ```

pub mod driver;
pub mod interp;
pub mod jit;
pub mod kernel;
pub mod math;
mod micro;
pub mod normal;
pub mod rng;

use std::sync::Arc;

use crate::ir::program::Program;
pub use jit::JitError;
use kernel::Kernel;

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
pub fn build(engine: Engine, programs: Vec<Program>) -> Result<Vec<Arc<dyn Kernel>>, JitError> {
    match engine {
        Engine::Jit => jit::compile(programs),
        Engine::Interp => {
            Ok(programs.into_iter().map(|p| Arc::new(interp::Interpreter::new(p)) as Arc<dyn Kernel>).collect())
        }
    }
}
