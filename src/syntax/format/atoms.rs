//! The text as a row of atoms, each with the comments around it: what the formatter must not lose.
//!
//! ```text
//! # what it is        own: ["# what it is"], text: "c"
//! c = 2  # why        text: "2", trail: "# why"
//! ```

use crate::syntax::parse::outline::{Mark, Outline};
use crate::syntax::parse::scan::{self, Kind};

/// A comment on a line of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comment<'t> {
    pub text: &'t str,
    /// Was the line before it empty?
    pub blank: bool,
}

/// A token, or a number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Atom<'t> {
    pub text: &'t str,
    pub start: usize,
    pub kind: Kind,
    pub mark: Option<Mark>,
    /// The comments on lines of their own before it.
    pub own: Vec<Comment<'t>>,
    /// The comment behind it, up to the end of its line.
    pub trail: Option<&'t str>,
    /// Is it the first of its line?
    pub newline: bool,
    /// Was the line before it empty?
    pub blank: bool,
}

impl Atom<'_> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn is(&self, text: &str) -> bool {
        self.text == text && self.kind != Kind::Str
    }
}

/// All atoms; the last is the end of the file.
pub fn atoms<'t>(text: &'t str, outline: &Outline) -> Vec<Atom<'t>> {
    let mut out: Vec<Atom<'t>> = vec![];
    let mut at = 0;
    for token in scan::tokens(text) {
        // Part of a number that began before.
        if token.start < at && token.kind != Kind::End {
            continue;
        }
        let end = outline.numbers.get(&token.start).copied().unwrap_or(token.end());
        let between = Between::of(&text[at..token.start], out.is_empty());
        if let Some(last) = out.last_mut() {
            last.trail = between.trail;
        }
        out.push(Atom {
            text: &text[token.start..end],
            start: token.start,
            kind: token.kind,
            mark: outline.marks.get(&token.start).copied().filter(|_| token.kind != Kind::End),
            own: between.own,
            trail: None,
            newline: between.newline,
            blank: between.blank,
        });
        at = end;
    }
    out
}

/// What stands between two tokens.
struct Between<'t> {
    trail: Option<&'t str>,
    own: Vec<Comment<'t>>,
    newline: bool,
    blank: bool,
}

impl<'t> Between<'t> {
    fn of(gap: &'t str, begins_file: bool) -> Between<'t> {
        let mut out = Between { trail: None, own: vec![], newline: begins_file || gap.contains('\n'), blank: false };
        let lines: Vec<&str> =
            gap.split('\n').map(|l| l.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')).collect();
        for (i, line) in lines.iter().enumerate() {
            let first = i == 0 && !begins_file;
            if line.starts_with('#') {
                if first {
                    out.trail = Some(line);
                } else {
                    out.own.push(Comment { text: line, blank: out.blank });
                    out.blank = false;
                }
            } else if i > 0 && i + 1 < lines.len() {
                out.blank = true;
            }
        }
        out
    }
}
