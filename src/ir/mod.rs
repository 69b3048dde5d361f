//! The intermediate representation: what one simulation of a network, or one expression of the coordinates, computes.
//!
//! A [`program::Program`] is straight-line SSA code over short vectors: `init` runs once a point, and then come passes through
//! time, each with a `step` that runs once a time step and a `finish` that runs once after the last. States carry vectors from
//! step to step. There is no control flow: a spike is a select.
//!
//! The IR knows neither syntax nor checker, and after the `jet` and `jvp` passes it holds no derivative: code generation
//! never hears of tangents, only of vectors that have one value a direction.

pub mod op;
pub mod print;
pub mod problem;
pub mod program;
pub mod read;
pub mod simulation;
pub mod types;
pub mod verify;
mod work;
