//! Slips that are common enough for a message of their own: notations of other languages and of paper, words that are missing.
//!
//! ```text
//! x**2  a && b  u² − 1        ->   what to write instead, for each of them
//! residual a on interior u = 1  ->   SNN0108: expected `:` between the place and the equation
//! ```

use super::errors::BLOCKS;
use super::scan::{self, ITEMS, Kind, Token};
use super::{Rule, Segment, span_of};
use crate::diag::Diagnostic;
use crate::diag::syntax::{self as say, Hint};
use crate::source::Span;

/// What other languages begin an item with, and what it is written like here.
const ALIASES: &[(&str, &str)] = &[
    ("let", "const NAME = …"),
    ("var", "const NAME = …"),
    ("val", "const NAME = …"),
    ("constant", "const NAME = …"),
    ("def", "fn NAME(x) = …"),
    ("func", "fn NAME(x) = …"),
    ("fun", "fn NAME(x) = …"),
    ("include", "import \"FILE.snn\""),
    ("use", "import \"FILE.snn\""),
    ("using", "import \"FILE.snn\""),
    ("from", "import \"FILE.snn\""),
    ("equation", "residual NAME on interior : LEFT = RIGHT"),
    ("pde", "residual NAME on interior : LEFT = RIGHT"),
    ("ode", "residual NAME on interior : LEFT = RIGHT"),
    ("loss", "residual NAME on interior : LEFT = RIGHT"),
    ("bc", "residual NAME on x = 0, x = 1 : u = 0"),
    ("boundary", "residual NAME on x = 0, x = 1 : u = 0"),
    ("condition", "residual NAME on x = 0, x = 1 : u = 0"),
    ("ic", "residual NAME on t = 0 : u = …"),
    ("initial", "residual NAME on t = 0 : u = …"),
    ("data", "residual NAME on \"FILE.csv\" : u = value"),
    ("net", "network u(x) { … }"),
    ("model", "network u(x) { … }"),
    ("solution", "exact u = …"),
    ("training", "train { … }"),
    ("optimizer", "train { … }"),
];

impl Segment<'_> {
    /// What cannot be part of any program, each with its token; the same one is said once.
    pub fn foreign(&self) -> Vec<(usize, Diagnostic)> {
        let mut out = vec![];
        let mut said: Vec<&str> = vec![];
        let mut in_comment = false;
        for (i, t) in self.tokens.iter().enumerate() {
            let span = span_of(self.file, t);
            in_comment &= !t.begins_line;
            if in_comment {
                continue;
            }
            in_comment = matches!(t.text, "//" | "/*");
            let d = match t.kind {
                Kind::OpenString => say::open_string(span),
                // `'probe.csv'`
                Kind::Stray if t.text == "." && i >= 2 && self.tokens[i - 2].text == "'" => say::single_quotes(span),
                Kind::Stray => say::look_alike(span, t.text).unwrap_or_else(|| say::stray(span, t.text)),
                Kind::Sign => match t.text {
                    "**" => say::foreign_operator(span, t.text, "^"),
                    "&&" => say::foreign_operator(span, t.text, "and"),
                    "||" => say::foreign_operator(span, t.text, "or"),
                    "=>" => say::foreign_operator(span, t.text, ">="),
                    "=<" => say::foreign_operator(span, t.text, "<="),
                    "<>" | "~=" => say::foreign_operator(span, t.text, "!="),
                    "===" => say::foreign_operator(span, t.text, "=="),
                    "//" | "/*" => say::foreign_comment(span, t.text),
                    _ => continue,
                },
                _ => continue,
            };
            if !said.contains(&t.text) {
                out.push((i, d));
            }
            said.push(t.text);
        }
        out
    }

    /// Slips that are common enough for a message of their own.
    pub fn slip(&self, index: usize, before: Option<&Token<'_>>, span: Span, rules: &[Rule]) -> Option<Diagnostic> {
        let first = self.tokens.first()?;
        let wanted = |r: Rule| rules.contains(&r);
        // A residual whose equation is written with `==`: the comparison was taken for the left side.
        if first.text == "residual"
            && wanted(Rule::t_eq)
            && let Some(t) = self.tokens.iter().rev().find(|t| t.is_sign("=="))
        {
            return Some(say::double_equals(span_of(self.file, t)));
        }
        let Some(found) = self.tokens.get(index) else {
            // The item ends too early: the bracket that was left open says more than what could have come next.
            let end = self.tokens.last().map_or(self.base, Token::end);
            let open = scan::open_bracket(self.tokens, end)?;
            let last = self.tokens.last()?;
            return Some(say::unclosed(
                span_of(self.file, &open),
                open.text,
                span_of(self.file, last),
                "the item ends here",
            ));
        };
        if found.kind == Kind::Word && (index == 0 || (wanted(Rule::item) && found.begins_line)) {
            let block = BLOCKS.iter().find(|(.., words)| words.contains(&found.text)).map(|(_, block, _)| *block);
            let defines = self.tokens.get(index + 1).is_some_and(|t| t.is_sign("="));
            let hint = match block {
                Some(block) => Hint::BelongsTo { word: found.text, block },
                None if defines => Hint::Constant(found.text),
                None => match ALIASES.iter().find(|(word, _)| *word == found.text) {
                    Some((_, form)) => Hint::Write(form),
                    None => say::nearest(found.text, ITEMS.iter().copied()).map_or(Hint::Items(ITEMS), Hint::Nearest),
                },
            };
            return Some(say::unknown_item(span, found.text, hint));
        }
        if let Some(d) = self.habit(index, found, before, span, rules) {
            return Some(d);
        }
        // A list that runs into the next statement, or into the end of its block.
        let closes = [Rule::t_rparen, Rule::t_rbracket].iter().any(|r| wanted(*r));
        if closes && (found.text == "}" || (found.is_keyword() && found.begins_line)) {
            let open = scan::open_bracket(self.tokens, found.start)?;
            return Some(say::unclosed(span_of(self.file, &open), open.text, span, "not expected before it is closed"));
        }
        let wants_name = [Rule::ident, Rule::neuron_name, Rule::callee].iter().any(|r| wanted(*r));
        if found.kind == Kind::Word && found.is_keyword() && wants_name && !self.begins_statement(index) {
            return Some(say::keyword_as_name(span, found.text));
        }
        if found.is_sign("==") && wanted(Rule::t_eq) {
            return Some(say::double_equals(span));
        }
        if first.text == "residual" && !self.tokens[..index].iter().any(|t| t.is_sign(":")) && wanted(Rule::t_colon) {
            return Some(self.wrapped_file(index).unwrap_or_else(|| say::missing_colon(span)));
        }
        if let Some(b) = before {
            let number = b.kind == Kind::Number;
            if number && found.kind == Kind::Word && !found.is_keyword() && is_unit(found.text) && !found.begins_line {
                return Some(say::unit_apart(span_of(self.file, b).to(span), b.text, found.text));
            }
        }
        if found.kind == Kind::Number && found.text.ends_with(|c: char| c.is_alphabetic() || c == '_') {
            let letters = found.text.trim_start_matches(|c: char| !c.is_alphabetic() && c != '_');
            return Some(match crate::units::nearest(letters) {
                Some(unit) => crate::diag::units::unknown_unit(span, letters, Some(&unit)),
                None => say::stuck_letters(span, found.text),
            });
        }
        // Two arguments that nothing separates.
        let begins = matches!(found.kind, Kind::Word | Kind::Number | Kind::Str) && !found.is_keyword();
        if closes && begins && wanted(Rule::t_comma) {
            return Some(say::missing_comma(before.map_or(span, |b| span_of(self.file, b)), span));
        }
        None
    }

    /// `on data("probe.csv")`, `on file "probe.csv"`, with the parser at what follows the word.
    fn wrapped_file(&self, index: usize) -> Option<Diagnostic> {
        let [on, word, rest @ ..] = self.tokens.get(index.checked_sub(2)?..)? else { return None };
        let (file, last) = match rest {
            [file, ..] if file.kind == Kind::Str => (file, file),
            [open, file, close, ..] if (open.text, close.text) == ("(", ")") && file.kind == Kind::Str => (file, close),
            _ => return None,
        };
        let at = span_of(self.file, word).to(span_of(self.file, last));
        (on.text == "on" && word.kind == Kind::Word).then(|| say::wrapped_file(at, word.text, file.text))
    }

    /// Notations of other languages, and of paper.
    fn habit(
        &self,
        index: usize,
        found: &Token<'_>,
        before: Option<&Token<'_>>,
        span: Span,
        rules: &[Rule],
    ) -> Option<Diagnostic> {
        let wanted = |r: Rule| rules.contains(&r);
        let item = self.tokens.first().map_or("", |t| t.text);
        let text = |back: usize| index.checked_sub(back).and_then(|i| self.tokens.get(i)).map_or("", |t| t.text);
        // `lambda x: …`, wherever in it the parser stopped.
        let lambda = self.tokens.iter().enumerate().find(|(i, t)| {
            let next = |k: usize| self.tokens.get(i + k).map_or("", |t| t.text);
            t.text == "lambda" && (next(1) == ":" || matches!(next(2), ":" | ","))
        });
        if let Some((_, t)) = lambda {
            return Some(say::foreign_function(span_of(self.file, t)));
        }
        match found.text {
            ":=" if wanted(Rule::t_eq) || wanted(Rule::reset_op) || wanted(Rule::op_sub_from) => {
                Some(say::walrus(span))
            }
            "'" if before.is_some_and(|b| b.kind == Kind::Word || b.text == ")") && !wanted(Rule::t_prime) => {
                Some(say::misplaced_prime(span, item == "neuron"))
            }
            "[" if text(1) == ")" => Some(say::indexed(span)),
            // `d^2u/dx^2`
            number if found.kind == Kind::Number && text(1) == "^" && matches!(text(2), "d" | "D") => {
                let field = number.trim_start_matches(|c: char| c.is_ascii_digit());
                (!field.is_empty()).then(|| say::fraction(span, field))
            }
            _ => None,
        }
    }

    /// A keyword that begins a line is more likely the next statement than a name.
    fn begins_statement(&self, index: usize) -> bool {
        self.tokens[index].begins_line
    }
}

fn is_unit(text: &str) -> bool {
    const UNITS: &[&str] = &["V", "A", "S", "F", "Hz", "s", "m", "Ohm", "C", "K"];
    const SCALES: &[&str] = &["", "f", "p", "n", "u", "µ", "μ", "m", "k", "M", "G"];
    SCALES.iter().any(|p| text.strip_prefix(p).is_some_and(|rest| UNITS.contains(&rest)))
}
