//! Kernels written by hand for one program each: what the compiler's are measured against. None of them could run another.

pub mod network;
pub mod neurons;
