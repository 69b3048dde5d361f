//! `snnc`: a language for spiking neural networks that solve differential equations, compiled to forward-only kernels and
//! trained without back-propagation.
//!
//! The way of a program through the crate is one line:
//!
//! ```text
//! text -> ast::File -> check::Model -> ir::Problem -> (passes) -> Kernel -> Trainer -> Run (report, checkpoint)
//! ```
//!
//! To use it from another program, see [`api`].

pub mod api;
pub mod check;
pub mod cli;
pub mod diag;
pub mod exec;
pub mod func;
pub mod ir;
pub mod lower;
pub mod lsp;
pub mod nir;
pub mod pass;
pub mod pipeline;
pub mod plan;
pub mod report;
pub mod simulate;
pub mod source;
pub mod syntax;
pub mod train;
pub mod units;
