//! Passes: functions from programs to programs.
//!
//! Two add derivatives: [`jet`](jet::jet) along the coordinates, [`jvp`](jvp::jvp) along directions in the parameters. Both
//! apply the one rule an operation has ([`derivatives`]) and leave an ordinary program, so that engines never hear of
//! derivatives. [`guard`](guard::guard) makes broken potentials show in an output, [`forget`](slopes::forget) leaves out the
//! slopes of spikes where nothing is differentiated, and [`fuse`](fuse::fuse) decides which products are rounded together with
//! their sums. The others make programs smaller without changing a bit of what they compute; [`pipelines`] lists them.
//!
//! ```text
//! lowered program -> simplify, fuse -> jet -> jvp -> simplify, cse, hoist, cse, localise, dce, renumber -> engine
//! ```

pub mod cse;
pub mod dce;
pub mod derivatives;
mod emitter;
mod forward;
pub mod fuse;
pub mod guard;
pub mod hoist;
pub mod jet;
pub mod jvp;
pub mod localise;
pub mod pipelines;
pub mod renumber;
pub mod simplify;
pub mod slopes;
mod substitute;
