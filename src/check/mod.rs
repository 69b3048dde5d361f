//! [`ast::File`](crate::syntax::ast::File) to [`model::Model`]: everything that can be known before running is decided
//! here, and everything that is wrong is said here, all at once and in source order.

pub mod expr;
pub mod model;
