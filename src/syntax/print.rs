//! The tree as text, for `snnc emit --stage ast`: indented, one node a line, without places.
//!
//! ```text
//! Const
//!   name: c
//!   value: Number 2
//! ```

use std::fmt::Write;

use super::ast::File;

/// Built on the derived debug form, so that it can never fall behind the tree.
pub fn print(file: &File) -> String {
    let mut out = String::new();
    for item in &file.items {
        let text = format!("{item:#?}");
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            // Places fill most of the debug form and say nothing to a reader.
            if line.ends_with("Span {") {
                let depth = line.len() - line.trim_start().len();
                for inner in lines.by_ref() {
                    if inner.len() - inner.trim_start().len() == depth && inner.trim_start().starts_with('}') {
                        break;
                    }
                }
                continue;
            }
            let _ = writeln!(out, "{}", line.replacen("    ", "  ", line.len() / 4));
        }
        out.push('\n');
    }
    out
}
