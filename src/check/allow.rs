//! `allow(SNN0209)`: warnings that the author has read and means to keep.
//!
//! ```text
//! allow(SNN0209)   const k = 2      ->   no word about the unused `k`
//! allow(SNN0209)   const c = 2      ->   SNN0244 if `c` is used: there is nothing to silence
//! ```
//!
//! It works on messages that have been given, by code and place, so that no check needs to know of it.

use crate::check::names::nearest;
use crate::diag::{Code, Severity, Sink, codes, imports as say, lints};
use crate::source::Span;
use crate::syntax::ast::{File, Item, Name};

/// Drops the warnings that a program allows, and complains of what allows nothing.
pub fn apply(file: &File, sink: &mut Sink) {
    // In a program with errors not every warning has been given.
    let complete = !sink.has_errors();
    let mut idle = vec![];
    for (i, item) in file.items.iter().enumerate() {
        let Item::Allow(allow) = item else { continue };
        let same_file = |s: Span| s.file == allow.span.file;
        let next = file.items[i + 1..].iter().find(|o| !matches!(o, Item::Allow(_)) && same_file(o.span()));
        let inside = |s: Span| {
            same_file(s)
                && (allow.whole_file || next.is_some_and(|n| s.start >= n.span().start && s.end <= n.span().end))
        };
        for name in &allow.codes {
            let Some(code) = known(name, sink) else { continue };
            let mut silenced = false;
            sink.retain(|m| {
                let allowed = m.severity == Severity::Warning && m.code == code && inside(m.span());
                silenced |= allowed;
                !allowed
            });
            if !silenced {
                idle.push((name, allow.whole_file));
            }
        }
    }
    for (name, whole_file) in idle.into_iter().filter(|_| complete) {
        sink.push(say::idle_allow(name.span, &name.text, whole_file));
    }
}

/// The code of a name, if it is one that can be allowed.
fn known(name: &Name, sink: &mut Sink) -> Option<Code> {
    let Some(info) = codes::all().find(|c| c.code.to_string() == name.text) else {
        let upper = name.text.to_uppercase();
        let all: Vec<String> = codes::all().map(|c| c.code.to_string()).collect();
        let same = all.iter().find(|c| **c == upper).map(String::as_str);
        let near = same.or_else(|| nearest(&name.text, all.iter().map(String::as_str)));
        sink.push(say::unknown_code(name.span, &name.text, near));
        return None;
    };
    if !lints::may_be_allowed(info.code) {
        sink.push(say::allow_of_error(name.span, &name.text));
        return None;
    }
    Some(info.code)
}
