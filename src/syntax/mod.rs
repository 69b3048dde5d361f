//! Text to [`ast::File`]: the grammar's only user, the tree it yields, and the tree's printed forms.
//!
//! The parser accepts the whole language. What a later phase cannot do yet, that phase refuses with a coded message;
//! the parser never does.

pub mod ast;
pub mod format;
pub mod parse;
pub mod print;
#[cfg(test)]
mod tests;
