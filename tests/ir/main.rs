//! The IR's text form, verifier and passes.
//!
//! * `cases/*.ir`: text in, text out. The first line of a case says what is done with the program, the result is a
//!   snapshot; see [`cases`].
//! * [`random`]: random programs survive printing and reading, and passes do not change a bit of what they compute.
//! * [`rules`]: derivatives against differences and against their definitions.

mod cases;
#[path = "../support/programs.rs"]
mod programs;
mod random;
mod rules;
mod time;
