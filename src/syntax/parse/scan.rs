//! The text as a row of tokens, for what a grammar cannot do: cut a file into items, bound its nesting before the
//! recursive parser sees it, and say what was found where a rule failed.
//!
//! The scan knows no syntax. It never fails: a character that no token begins with becomes a [`Kind::Stray`].
//!
//! ```text
//! u = "a   ->   Word(u) Sign(=) OpenString("a)
//! ```

/// Keywords: words that can never be names. The grammar's `reserved` lists the same ones (a test compares them).
pub const KEYWORDS: &[&str] = &[
    "const",
    "unknown",
    "fn",
    "import",
    "domain",
    "function",
    "neuron",
    "network",
    "residual",
    "exact",
    "train",
    "report",
    "simulate",
    "allow",
    "if",
    "then",
    "else",
    "and",
    "or",
    "not",
    "in",
    "on",
    "by",
    "when",
    "where",
    "curve",
    "param",
    "input",
    "state",
    "flow",
    "update",
    "spike",
    "surrogate",
    "reset",
    "refractory",
    "integrate",
    "substeps",
    "emit",
    "layer",
    "output",
    "phase",
    "perturb",
    "estimate",
    "solve",
    "metric",
    "expect",
    "plot",
    "save",
];

/// The keywords that begin an item: the first fourteen.
pub const ITEMS: &[&str] = KEYWORDS.split_at(14).0;

/// Brackets, and conditions inside one another, that may be open at once. The parser recurses on them.
pub const MAX_NESTING: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    /// A number with whatever letters are stuck to it: `20ms`, but also `2x`.
    Number,
    Str,
    /// A string whose line ends before it does.
    OpenString,
    Sign,
    Stray,
    /// The end of the file; always the last token.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    pub start: usize,
    /// Is it the first of its line?
    pub begins_line: bool,
}

impl Token<'_> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn is_keyword(&self) -> bool {
        self.kind == Kind::Word && KEYWORDS.contains(&self.text)
    }

    pub fn is_sign(&self, text: &str) -> bool {
        self.kind == Kind::Sign && self.text == text
    }
}

const SIGNS: &[&str] = &[
    "===", "|>", "->", "=>", "==", "!=", "<=", ">=", "=<", "<>", "~=", ":=", "+=", "-=", "*=", "/=", "..", "&&", "||",
    "**", "//", "/*", "+", "-", "*", "/", "^", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", "~", "'",
];

/// All tokens of a text, the end included.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let (mut at, mut begins_line) = (0, true);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c == '\n' {
            begins_line = true;
        }
        // As in the grammar: other blanks are characters that mean nothing.
        if matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{feff}') {
            at += c.len_utf8();
            continue;
        }
        if c == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = token(rest, c);
        out.push(Token { kind, text: &rest[..length], start: at, begins_line });
        begins_line = false;
        at += length;
    }
    out.push(Token { kind: Kind::End, text: "", start: text.len(), begins_line: true });
    out
}

fn token(rest: &str, first: char) -> (Kind, usize) {
    let second_is_digit = rest[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || (first == '.' && second_is_digit) {
        return (Kind::Number, number(rest));
    }
    if is_word(first) && first != 'µ' {
        return (Kind::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
    }
    if first == '"' {
        let line = &rest[1..rest.find('\n').unwrap_or(rest.len())];
        return match line.find('"') {
            Some(length) => (Kind::Str, length + 2),
            None => (Kind::OpenString, 1 + line.trim_end().len()),
        };
    }
    match SIGNS.iter().find(|s| rest.starts_with(**s)) {
        Some(sign) => (Kind::Sign, sign.len()),
        None => (Kind::Stray, first.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || matches!(c, 'µ' | 'μ' | 'Ω')
}

/// The length of a number and of the word stuck to it, if any.
fn number(rest: &str) -> usize {
    let b = rest.as_bytes();
    let digits = |mut i: usize| {
        while b.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let mut i = digits(0);
    if b.get(i) == Some(&b'.') && b.get(i + 1) != Some(&b'.') {
        i = digits(i + 1);
    }
    if matches!(b.get(i), Some(b'e' | b'E')) {
        let signed = i + 1 + usize::from(matches!(b.get(i + 1), Some(b'+' | b'-')));
        if digits(signed) > signed {
            i = digits(signed);
        }
    }
    i + rest[i..].find(|c| !is_word(c)).unwrap_or(rest.len() - i)
}

/// Where each item begins: an item's keyword that begins a line and can only mean an item there.
pub fn item_starts(tokens: &[Token]) -> Vec<usize> {
    let begins_item = |i: usize| {
        let t = &tokens[i];
        // `integrate exact`, `on domain`, `per neuron` and `heatmap(exact(u))` may be broken over lines.
        let continues = i > 0 && matches!(tokens[i - 1].text, "integrate" | "method" | "on" | "per");
        let is_call = t.text == "exact" && tokens[i + 1].is_sign("(");
        t.begins_line && t.kind == Kind::Word && ITEMS.contains(&t.text) && !continues && !is_call
    };
    (0..tokens.len()).filter(|&i| begins_item(i)).collect()
}

/// The first token at which more than [`MAX_NESTING`] brackets and conditions are open.
pub fn too_deep(tokens: &[Token]) -> Option<usize> {
    // One entry an open bracket: how many `if`s were open when it opened.
    let mut open: Vec<usize> = Vec::new();
    let mut ifs = 0;
    for (i, t) in tokens.iter().enumerate() {
        match t.text {
            "(" | "[" | "{" => {
                open.push(ifs);
                ifs = 0;
            }
            ")" | "]" | "}" => ifs = open.pop().unwrap_or(0),
            "if" => ifs += 1,
            // A new statement or argument: the conditions before it are complete.
            "=" | ":" | ":=" | "," => ifs = 0,
            _ => {}
        }
        if open.len() + open.iter().sum::<usize>() + ifs > MAX_NESTING {
            return Some(i);
        }
    }
    None
}

/// The innermost bracket still open before byte `at`.
pub fn open_bracket<'t>(tokens: &[Token<'t>], at: usize) -> Option<Token<'t>> {
    let mut open = Vec::new();
    for t in tokens.iter().take_while(|t| t.start < at).filter(|t| t.kind == Kind::Sign) {
        match t.text {
            "(" | "[" | "{" => open.push(*t),
            ")" | "]" | "}" => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).into_iter().map(|t| (t.kind, t.text)).collect()
    }

    #[test]
    fn numbers_do_not_swallow_ranges() {
        let n = Kind::Number;
        let dots = (Kind::Sign, "..");
        assert_eq!(kinds("1..5"), [(n, "1"), dots, (n, "5"), (Kind::End, "")]);
        assert_eq!(kinds("0 .. .5"), [(n, "0"), dots, (n, ".5"), (Kind::End, "")]);
        assert_eq!(kinds("1.5e-3pA 2x"), [(n, "1.5e-3pA"), (n, "2x"), (Kind::End, "")]);
    }

    #[test]
    fn strings_end_with_their_line() {
        assert_eq!(
            kinds("\"a # b\" \"c  \nd"),
            [(Kind::Str, "\"a # b\""), (Kind::OpenString, "\"c"), (Kind::Word, "d"), (Kind::End, "")]
        );
    }

    #[test]
    fn items_begin_lines() {
        let text = "const a = 1\nneuron n {\n  integrate\n  exact\n}\nreport { plot heatmap(\nexact(u)) }";
        let tokens = tokens(text);
        let starts: Vec<&str> = item_starts(&tokens).into_iter().map(|i| tokens[i].text).collect();
        assert_eq!(starts, ["const", "neuron", "report"]);
    }

    #[test]
    fn an_else_if_chain_is_bounded_and_ordinary_ones_are_not() {
        let chain = |n: usize| "if a then b else ".repeat(n) + "c";
        assert_eq!(too_deep(&tokens(&chain(20))), None);
        assert!(too_deep(&tokens(&chain(MAX_NESTING + 1))).is_some());
        assert_eq!(too_deep(&tokens(&"x = if a then b else c\n".repeat(200))), None);
    }
}
