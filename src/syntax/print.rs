//! The tree as text, for `snnc emit --stage ast`: indented, one node a line, without places.
//!
//! ```text
//! Const
//!   name: c
//!   value: Number 2
//! ```

use std::fmt::Write;

use super::ast::File;

/// The tree on one line without places, to be compared.
pub fn compact(file: &File) -> String {
    let mut out = String::new();
    for item in &file.items {
        let text = format!("{item:?}");
        let mut rest = text.as_str();
        // A place has braces, and none inside.
        while let Some((before, behind)) = rest.split_once("Span {") {
            out.push_str(before);
            rest = behind.split_once('}').map_or("", |(_, rest)| rest);
        }
        out.push_str(rest);
    }
    out
}

/// The debug form on many lines of that on one. What the standard library makes takes time in the third power of the depth.
fn pretty(text: &str) -> String {
    let (mut out, mut depth, mut in_text) = (String::new(), 0usize, false);
    let line = |out: &mut String, depth: usize| {
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', 4 * depth));
    };
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => in_text = !in_text,
            '\\' if in_text => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            '(' | '[' | '{' if !in_text && !matches!(chars.peek(), Some(')' | ']' | '}')) => {
                out.push(c);
                depth += 1;
                line(&mut out, depth);
                chars.next_if_eq(&' ');
                continue;
            }
            ')' | ']' | '}' if !in_text && !out.ends_with(['(', '[', '{']) => {
                out.truncate(out.trim_end_matches(' ').len());
                out.push(',');
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
            }
            ',' if !in_text => {
                out.push(c);
                line(&mut out, depth);
                chars.next_if_eq(&' ');
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// Built on the derived debug form, so that it can never fall behind the tree.
pub fn print(file: &File) -> String {
    let mut out = String::new();
    for item in &file.items {
        let text = pretty(&format!("{item:?}"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sink;
    use crate::source::FileId;
    use crate::syntax::parse::parse;

    #[test]
    fn it_is_the_standard_form() {
        for text in [include_str!("../../tests/syntax/everything.snn"), "import \"a \\\", (b)\"\nconst c = f(1, [2])\n"]
        {
            let file = parse(text, FileId(0), &mut Sink::default()).unwrap_or_default();
            for item in &file.items {
                assert_eq!(pretty(&format!("{item:?}")), format!("{item:#?}"));
            }
            assert!(!compact(&file).contains("FileId"));
        }
    }
}
