//! Text to tree. The only user of the grammar, `grammar/snn.pest`.
//!
//! A file is cut into segments, one an item, and each is parsed by itself, so that a mistake in one item does not hide
//! those in the next:
//!
//! ```text
//! const c = = 2            -> SNN0101 here,
//! domain { x in 0 .. 1 }   -> and this item all the same
//! ```
//!
//! It accepts the whole language; what a later phase cannot do yet, that phase refuses.

mod errors;
mod expr;
mod items;
pub mod outline;
mod recover;
pub mod scan;
mod slips;

use pest::Parser;

use crate::diag::{Sink, syntax as say};
use crate::source::{FileId, Span};
use crate::syntax::ast;
use scan::{Kind, Token};

/// Items of a file at the most: what is looked for among them would take long.
const MOST_ITEMS: usize = 2000;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/snn.pest"]
struct Grammar;

/// The tree of a text. Items that could not be read are missing from it, and said in `sink`; `None` if nothing is left.
pub fn parse(text: &str, file: FileId, sink: &mut Sink) -> Option<ast::File> {
    read(text, file, sink, false)
}

/// As [`parse`], but of a block with mistakes the statements that can be read are kept: for editors, which are asked about a
/// program while it is being written. Such a tree is not to be checked for what is missing.
pub fn parse_mended(text: &str, file: FileId) -> ast::File {
    read(text, file, &mut Sink::default(), true).unwrap_or_default()
}

fn read(text: &str, file: FileId, sink: &mut Sink, mend: bool) -> Option<ast::File> {
    let tokens = scan::tokens(text);
    if let Some(at) = scan::too_deep(&tokens) {
        sink.push(say::too_deep(span_of(file, &tokens[at]), scan::MAX_NESTING));
        return None;
    }
    let mut starts: Vec<usize> = scan::item_starts(&tokens).into_iter().map(|i| tokens[i].start).collect();
    // What stands before the first item is a segment too, so that it is not passed over.
    if tokens[0].kind != Kind::End && starts.first() != Some(&tokens[0].start) {
        starts.insert(0, tokens[0].start);
    }
    let too_many = |at: Span, sink: &mut Sink| {
        sink.push(say::too_many_items(at, MOST_ITEMS));
        None
    };
    if let Some(&start) = starts.get(MOST_ITEMS) {
        return too_many(Span::new(file, start, start), sink);
    }
    let mut out = ast::File::default();
    for (i, &start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(text.len());
        let first = tokens.partition_point(|t| t.start < start);
        let last = tokens.partition_point(|t| t.start < end);
        let segment =
            Segment { file, text: &text[start..end], base: start, tokens: &tokens[first..last], rest: &tokens[last..] };
        match Grammar::parse(Rule::segment, segment.text) {
            Ok(pairs) => {
                out.units |= pairs.clone().flatten().any(|p| p.as_rule() == Rule::unit);
                segment.items(pairs, &mut out, sink);
            }
            Err(e) => segment.mistakes(e, sink, mend.then_some(&mut out)),
        }
    }
    // Several may stand on one line.
    if let Some(item) = out.items.get(MOST_ITEMS) {
        return too_many(item.span(), sink);
    }
    (!out.items.is_empty() || starts.is_empty()).then_some(out)
}

/// A stretch of text that begins with an item.
#[derive(Clone, Copy)]
struct Segment<'t> {
    file: FileId,
    text: &'t str,
    /// Where it begins in the file.
    base: usize,
    /// Its tokens; places are those of the file.
    tokens: &'t [Token<'t>],
    /// The tokens after it.
    rest: &'t [Token<'t>],
}

fn span_of(file: FileId, t: &Token<'_>) -> Span {
    Span::new(file, t.start, t.end())
}

impl Segment<'_> {
    /// A span of the file, without the blanks and comments that may follow what was parsed.
    fn span(&self, s: pest::Span<'_>) -> Span {
        let (start, end) = (self.base + s.start(), self.base + s.end());
        let inside = self.tokens.partition_point(|t| t.start < end);
        let end = self.tokens[..inside].last().map_or(end, |t| t.end().min(end)).max(start);
        Span::new(self.file, start, end)
    }
}
