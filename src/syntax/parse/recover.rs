//! After a mistake in a block: the other statements are looked at all the same.
//!
//! The statement that the parser got stuck in is blanked out and the item read again, until nothing is wrong any more or
//! nothing can be cut out. Places stay what they are.
//!
//! ```text
//! network u(x) {
//!   laayer h = x          SNN0101
//!   output = = h          SNN0101, too
//! }
//! ```

use pest::Parser;
use pest::error::Error;

use super::errors::{BLOCKS, expected_rules};
use super::scan::{Kind, Token};
use super::{Grammar, Rule, Segment};
use crate::diag::Sink;
use crate::diag::syntax::nearest;
use crate::syntax::ast::File;

/// Messages about one item at the most: after more, what is left is guessing.
const MOST: usize = 20;

impl Segment<'_> {
    /// Says everything that is wrong with a segment that could not be parsed. What is left of it in the end is put into `mended`.
    pub fn mistakes(&self, error: Error<Rule>, sink: &mut Sink, mended: Option<&mut File>) {
        let mut text = self.text.as_bytes().to_vec();
        let mut tokens = self.tokens.to_vec();
        let mut error = error;
        let foreign = self.foreign();
        for _ in 0..MOST {
            let Ok(now) = std::str::from_utf8(&text) else { return };
            let segment = Segment { text: now, tokens: &tokens, ..*self };
            let places: Vec<(usize, bool)> = if segment.tokens.len() == self.tokens.len() && !foreign.is_empty() {
                foreign.iter().for_each(|(_, d)| sink.push(d.clone()));
                // From the last to the first, so that the places of the others stay right.
                let all = self.tokens.iter().enumerate();
                let same = |t: &Token<'_>| foreign.iter().any(|(i, _)| self.tokens[*i].text == t.text);
                all.filter(|(_, t)| same(t)).map(|(i, _)| (i, false)).rev().collect()
            } else {
                let index = tokens.partition_point(|t| t.end() <= segment.at(&error));
                sink.push(segment.explain(&error));
                let rules = expected_rules(&error);
                vec![(index, BLOCKS.iter().any(|(rule, ..)| rules.contains(rule)))]
            };
            let mut cuts = vec![];
            for (index, begins) in places {
                match segment.statement(index, begins) {
                    Some(cut) => cuts.push(cut),
                    None => return,
                }
            }
            for (from, to) in cuts {
                text[from - self.base..to - self.base].fill(b' ');
                tokens.retain(|t| t.start < from || t.start >= to);
            }
            let Ok(now) = std::str::from_utf8(&text) else { return };
            match Grammar::parse(Rule::segment, now) {
                Ok(pairs) => {
                    if let Some(out) = mended {
                        // The same places, as only blanks were put in.
                        Segment { text: now, tokens: &tokens, ..*self }.items(pairs, out, &mut Sink::default());
                    }
                    return;
                }
                Err(e) => error = e,
            }
        }
    }

    /// From where to where the statement reaches that holds the token at `index`, in bytes of the file. `begins`: a statement
    /// could have begun with it, so that the one before is complete. `None` if it is in no block.
    fn statement(&self, index: usize, begins: bool) -> Option<(usize, usize)> {
        let tokens = self.tokens;
        let found = tokens.get(index)?;
        let open = enclosing(tokens, index)?;
        let words = self.words_of(open)?;
        let close = closing(tokens, open);
        let mut starts = vec![];
        let mut depth = 0;
        for i in open + 1..close.unwrap_or(tokens.len()) {
            match tokens[i].text {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 0 && starts_statement(tokens, i, words) => starts.push(i),
                _ => {}
            }
        }
        let from = if begins { index } else { starts.iter().copied().rfind(|s| *s < index).unwrap_or(open + 1) };
        let end = starts.iter().copied().find(|s| *s >= index && *s > from).or(close)?;
        let from = tokens.get(from)?.start;
        (tokens[end].start > from && found.start < self.base + self.text.len()).then(|| (from, tokens[end].start))
    }

    /// The words that begin a statement in the block that is opened by this brace.
    fn words_of(&self, open: usize) -> Option<&'static [&'static str]> {
        let before = |back: usize| open.checked_sub(back).map_or("", |i| self.tokens[i].text);
        let name = if before(2) == "phase" { "phase" } else { self.tokens.first()?.text };
        BLOCKS.iter().find(|(_, block, _)| *block == name).map(|(.., words)| *words)
    }
}

/// The brace that is open before a token.
fn enclosing(tokens: &[Token<'_>], index: usize) -> Option<usize> {
    let mut depth = 0;
    for i in (0..index).rev() {
        match tokens[i].text {
            "}" => depth += 1,
            "{" if depth == 0 => return Some(i),
            "{" => depth -= 1,
            _ => {}
        }
    }
    None
}

fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (i, t) in tokens.iter().enumerate().skip(open) {
        match t.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i);
        }
    }
    None
}

/// Does a statement begin with this token, as far as a token can tell?
fn starts_statement(tokens: &[Token<'_>], i: usize, words: &[&str]) -> bool {
    let t = &tokens[i];
    let next = tokens.get(i + 1).map_or("", |t| t.text);
    let before = if i > 0 { tokens[i - 1].text } else { "" };
    if t.kind != Kind::Word {
        return false;
    }
    // A domain's statements begin with a coordinate.
    if words.contains(&"where") && next == "in" && !matches!(before, "(" | ",") {
        return true;
    }
    // `spike` is a value too, and words that are no keywords may be names.
    let spikes = t.text != "spike" || next == "when" || t.begins_line;
    let misspelt = || t.begins_line && !t.is_keyword() && nearest(t.text, words.iter().copied()).is_some();
    words.contains(&t.text) && spikes && (t.is_keyword() || t.begins_line) || misspelt()
}
