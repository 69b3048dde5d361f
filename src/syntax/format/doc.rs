//! Breaking lines: a text with places where it may be broken, laid out within a width.
//!
//! A [`Doc::Group`] is put on one line if it fits there with what must follow it; otherwise all of its own [`Doc::Line`]s are
//! broken, and the groups in it decide for themselves.
//!
//! ```text
//! Group[ f( Nest[ Soft a, Line b ] Soft ) ]    ->    f(a, b)    or    f(
//!                                                                      a,
//!                                                                      b
//!                                                                    )
//! ```

/// Columns of a line.
pub const WIDTH: usize = 120;

#[derive(Debug, Clone)]
pub enum Doc {
    Text(String),
    /// So many blanks, which are left out where a line begins or ends.
    Blank(usize),
    /// So many blanks, or a new line.
    Line(usize),
    /// A new line in any case: what stands before is a comment.
    Hard,
    /// Two columns further in.
    Nest(Vec<Doc>),
    Group(Vec<Doc>),
    List(Vec<Doc>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
}

/// Lays a document out from a column; later lines begin further in by their nesting.
pub fn layout(doc: &Doc, indent: usize) -> String {
    let mut out = String::new();
    let mut column = indent;
    // Blanks that are written only if something follows on the line.
    let mut pending: Option<usize> = None;
    let mut at_start = true;
    let mut stack = vec![(indent, Mode::Broken, doc)];
    while let Some((depth, mode, doc)) = stack.pop() {
        match doc {
            Doc::Text(text) => {
                let blanks = pending.take().unwrap_or(0);
                out.extend(std::iter::repeat_n(' ', blanks));
                out.push_str(text);
                column += text.chars().count() + if at_start { 0 } else { blanks };
                at_start = false;
            }
            Doc::Line(blanks) | Doc::Blank(blanks) if mode == Mode::Flat || matches!(doc, Doc::Blank(_)) => {
                if !at_start {
                    pending = Some(*blanks);
                }
            }
            Doc::Line(_) | Doc::Blank(_) | Doc::Hard => {
                if !at_start {
                    out.push('\n');
                    at_start = true;
                }
                // Nothing was written before the first text of all; its indentation is not ours.
                pending = (!out.is_empty()).then_some(depth);
                column = depth;
            }
            Doc::Nest(inner) => stack.extend(inner.iter().rev().map(|d| (depth + 2, mode, d))),
            Doc::List(inner) => stack.extend(inner.iter().rev().map(|d| (depth, mode, d))),
            Doc::Group(inner) => {
                let blanks = if at_start { 0 } else { pending.unwrap_or(0) };
                let left = WIDTH.saturating_sub(column + blanks);
                let mode = if mode == Mode::Flat || fits(inner, &stack, left) { Mode::Flat } else { Mode::Broken };
                stack.extend(inner.iter().rev().map(|d| (depth, mode, d)));
            }
        }
    }
    out
}

/// Does a group fit on the line, with all that stands behind it up to the next place that can be broken?
fn fits(group: &[Doc], rest: &[(usize, Mode, &Doc)], left: usize) -> bool {
    let mut left = left as isize;
    // Each with whether it stands behind the group.
    let mut todo: Vec<(bool, Mode, &Doc)> = group.iter().rev().map(|d| (false, Mode::Flat, d)).collect();
    // Only as far as the line reaches: there may be much behind.
    let mut behind_it = rest.iter().rev().map(|(_, mode, d)| (true, *mode, *d));
    while let Some((behind, mode, doc)) = todo.pop().or_else(|| behind_it.next()) {
        match doc {
            Doc::Text(text) => left -= text.chars().count() as isize,
            // What stands behind is broken if need be.
            Doc::Line(_) if behind && mode == Mode::Broken => return true,
            Doc::Line(blanks) | Doc::Blank(blanks) => left -= *blanks as isize,
            // A comment inside breaks the group; one behind it ends the line.
            Doc::Hard => return behind,
            Doc::Nest(inner) | Doc::List(inner) | Doc::Group(inner) => {
                todo.extend(inner.iter().rev().map(|d| (behind, mode, d)));
            }
        }
        if left < 0 {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &str) -> Doc {
        Doc::Text(s.to_string())
    }

    fn call(name: &str, args: usize) -> Doc {
        let mut inner = vec![Doc::Line(0)];
        for i in 0..args {
            inner.push(text(&format!("argument{i}")));
            if i + 1 < args {
                inner.extend([text(","), Doc::Line(1)]);
            }
        }
        Doc::Group(vec![text(name), text("("), Doc::Nest(inner), Doc::Line(0), text(")")])
    }

    #[test]
    fn what_fits_stays_on_its_line() {
        assert_eq!(layout(&call("f", 3), 0), "f(argument0, argument1, argument2)");
    }

    #[test]
    fn what_does_not_is_broken_at_all_its_places() {
        let shown = layout(&call("f", 15), 2);
        assert!(shown.starts_with("f(\n    argument0,\n    argument1,\n"), "{shown}");
        assert!(shown.ends_with("argument14\n  )"), "{shown}");
    }

    #[test]
    fn a_comment_breaks_and_leaves_no_blank_line() {
        let doc = Doc::Group(vec![text("a"), text("  # c"), Doc::Hard, Doc::Line(1), text("+ b")]);
        assert_eq!(layout(&doc, 0), "a  # c\n+ b");
    }
}
