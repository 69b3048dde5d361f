//! Messages about the syntax: what was expected and what was found, in the language's own words (SNN01xx).
//!
//! ```text
//! layer h = dense(3    ->    SNN0104: `(` is never closed          help: write `)` where the list ends
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const UNEXPECTED: Code = Code(101);
const KEYWORD_AS_NAME: Code = Code(102);
const UNKNOWN_ITEM: Code = Code(103);
const UNCLOSED: Code = Code(104);
const DOUBLE_EQUALS: Code = Code(105);
const OPEN_STRING: Code = Code(106);
const STRAY: Code = Code(107);
const MISSING_COLON: Code = Code(108);
const UNIT_APART: Code = Code(109);
const TOO_DEEP: Code = Code(110);
const STUCK_LETTERS: Code = Code(111);
const FOREIGN_OPERATOR: Code = Code(112);
const NUMBER_TOO_LARGE: Code = Code(113);
const CHAINED_COMPARISON: Code = Code(114);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "syntax",
    codes: &[
        CodeInfo { code: UNEXPECTED, slug: "unexpected", page: include_str!("../../docs/errors/SNN0101.md") },
        CodeInfo { code: KEYWORD_AS_NAME, slug: "keyword_as_name", page: include_str!("../../docs/errors/SNN0102.md") },
        CodeInfo { code: UNKNOWN_ITEM, slug: "unknown_item", page: include_str!("../../docs/errors/SNN0103.md") },
        CodeInfo { code: UNCLOSED, slug: "unclosed", page: include_str!("../../docs/errors/SNN0104.md") },
        CodeInfo { code: DOUBLE_EQUALS, slug: "double_equals", page: include_str!("../../docs/errors/SNN0105.md") },
        CodeInfo { code: OPEN_STRING, slug: "open_string", page: include_str!("../../docs/errors/SNN0106.md") },
        CodeInfo { code: STRAY, slug: "stray_character", page: include_str!("../../docs/errors/SNN0107.md") },
        CodeInfo { code: MISSING_COLON, slug: "missing_colon", page: include_str!("../../docs/errors/SNN0108.md") },
        CodeInfo { code: UNIT_APART, slug: "unit_apart", page: include_str!("../../docs/errors/SNN0109.md") },
        CodeInfo { code: TOO_DEEP, slug: "too_deep", page: include_str!("../../docs/errors/SNN0110.md") },
        CodeInfo { code: STUCK_LETTERS, slug: "stuck_letters", page: include_str!("../../docs/errors/SNN0111.md") },
        CodeInfo {
            code: FOREIGN_OPERATOR,
            slug: "foreign_operator",
            page: include_str!("../../docs/errors/SNN0112.md"),
        },
        CodeInfo {
            code: NUMBER_TOO_LARGE,
            slug: "number_too_large",
            page: include_str!("../../docs/errors/SNN0113.md"),
        },
        CodeInfo {
            code: CHAINED_COMPARISON,
            slug: "chained_comparison",
            page: include_str!("../../docs/errors/SNN0114.md"),
        },
    ],
};

/// `a, b or c`
fn one_of(words: &[&str]) -> String {
    match words {
        [] => "something else".into(),
        [one] => (*one).into(),
        [many @ .., last] => format!("{} or {last}", many.join(", ")),
    }
}

/// How a mistake can be mended.
#[derive(Debug, Clone, Copy)]
pub enum Hint<'t> {
    /// A word that is meant, most likely.
    Nearest(&'t str),
    /// A statement outside its block.
    BelongsTo {
        word: &'t str,
        block: &'t str,
    },
    /// `c = 2` where an item belongs.
    Constant(&'t str),
    /// No guess: the words that could stand here.
    Items(&'t [&'t str]),
    Keyword(&'t str),
    Compare,
    Equation,
    Else,
    Flow,
    NoSeparator,
    NothingOpen,
    Quotes,
    Update,
    When,
}

impl Hint<'_> {
    fn text(self) -> String {
        match self {
            Hint::Nearest(word) => format!("did you mean `{word}`?"),
            Hint::BelongsTo { word, block } => format!("`{word}` belongs inside a `{block}` block"),
            Hint::Constant(name) => format!("a constant is written `const {name} = …`"),
            Hint::Items(items) => {
                let items: Vec<String> = items.iter().map(|i| format!("`{i}`")).collect();
                format!("an item begins with {}", one_of(&items.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            Hint::Keyword(word) => format!("`{word}` is a keyword and cannot be a name"),
            Hint::Compare => "`=` defines; to compare, write `==`".into(),
            Hint::Equation => "a residual is an equation, as in `u = 0`".into(),
            Hint::Else => "`if` yields a value and always needs its `else`: `if a < b then a else b`".into(),
            Hint::Flow => "a differential equation is written `flow v' = …`".into(),
            Hint::NoSeparator => "statements follow one another without `,`".into(),
            Hint::NothingOpen => "no `{` is open here; remove the `}`".into(),
            Hint::Quotes => "texts and file names are written in double quotes: `\"…\"`".into(),
            Hint::Update => "an update in discrete time is written `update v := …`".into(),
            Hint::When => "a condition follows `when`, as in `spike when v >= 1`".into(),
        }
    }
}

/// The candidate most like a word, if any is like it at all.
pub fn nearest<'n>(word: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distance = |c: &'n str| (strsim::damerau_levenshtein(c, word), c);
    let near = |(d, c): &(usize, &str)| *d > 0 && *d <= c.len().max(3) / 3;
    candidates.into_iter().map(distance).filter(near).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

pub fn unexpected(span: Span, expected: &[&str], found: &str, hint: Option<Hint<'_>>) -> Diagnostic {
    let shown = &expected[..expected.len().min(6)];
    let d = Diagnostic::error(UNEXPECTED, span, format!("expected {}, found {found}", one_of(shown)))
        .here("not expected here");
    match hint {
        Some(hint) => d.help(hint.text()),
        None => d,
    }
}

pub fn keyword_as_name(span: Span, word: &str) -> Diagnostic {
    Diagnostic::error(KEYWORD_AS_NAME, span, format!("`{word}` is a keyword and cannot be a name"))
        .here("expected a name")
        .help(format!("choose another name, such as `{word}_` or `{word}0`"))
}

pub fn unknown_item(span: Span, found: &str, hint: Hint<'_>) -> Diagnostic {
    Diagnostic::error(UNKNOWN_ITEM, span, format!("no item begins with `{found}`"))
        .here("expected an item")
        .help(hint.text())
}

pub fn unclosed(open: Span, bracket: &str, end: Span, why: &str) -> Diagnostic {
    let close = match bracket {
        "(" => ")",
        "[" => "]",
        _ => "}",
    };
    Diagnostic::error(UNCLOSED, open, format!("`{bracket}` is never closed"))
        .here("opened here")
        .label(end, why)
        .help(format!("write `{close}` where it should end"))
}

pub fn double_equals(span: Span) -> Diagnostic {
    Diagnostic::error(DOUBLE_EQUALS, span, "expected `=`, found `==`")
        .here("a comparison")
        .help("equations and definitions are written with one `=`; `==` compares inside a condition")
}

pub fn open_string(span: Span) -> Diagnostic {
    Diagnostic::error(OPEN_STRING, span, "the text in quotes does not end on its line")
        .here("begins here")
        .help("close it with `\"`")
}

pub fn stray(span: Span, found: &str) -> Diagnostic {
    let letter = GREEK.iter().find(|(greek, _)| *greek == found);
    let help = match (found, letter) {
        (";", _) => "remove it; statements need no sign between them".into(),
        ("!", _) => "to negate a condition write `not`".into(),
        ("%", _) => "there is no remainder; write `a - b*floor(a/b)`".into(),
        (".", _) => "names have no parts; a file name is written in quotes".into(),
        (_, Some((_, name))) => format!("names are made of ASCII letters, digits and `_`; write `{name}`"),
        _ => "remove it; comments begin with `#`, names are made of ASCII letters, digits and `_`".into(),
    };
    Diagnostic::error(STRAY, span, format!("the character `{}` means nothing here", found.escape_debug())).help(help)
}

/// Letters that formulas are full of, spelled out.
const GREEK: &[(&str, &str)] = &[
    ("α", "alpha"),
    ("β", "beta"),
    ("γ", "gamma"),
    ("δ", "delta"),
    ("ε", "epsilon"),
    ("θ", "theta"),
    ("κ", "kappa"),
    ("λ", "lambda"),
    ("ν", "nu"),
    ("ξ", "xi"),
    ("π", "pi"),
    ("ρ", "rho"),
    ("σ", "sigma"),
    ("τ", "tau"),
    ("φ", "phi"),
    ("ψ", "psi"),
    ("ω", "omega"),
    ("∂", "d(u, x)"),
    ("·", "*"),
    ("×", "*"),
    ("≤", "<="),
    ("≥", ">="),
];

pub fn missing_colon(span: Span) -> Diagnostic {
    Diagnostic::error(MISSING_COLON, span, "expected `:` between the place and the equation")
        .here("the equation may begin here")
        .help("a residual is written `residual NAME on PLACE : LEFT = RIGHT`")
}

pub fn unit_apart(span: Span, number: &str, unit: &str) -> Diagnostic {
    Diagnostic::error(UNIT_APART, span, format!("a unit is attached to its number, found `{number} {unit}`"))
        .help(format!("write `{number}{unit}`"))
}

pub fn too_deep(span: Span, most: usize) -> Diagnostic {
    Diagnostic::error(TOO_DEEP, span, format!("more than {most} brackets and conditions are open here"))
        .help("name parts of it with `fn` or `layer`")
}

pub fn too_long(span: Span, most: usize) -> Diagnostic {
    Diagnostic::error(TOO_DEEP, span, format!("an expression of more than {most} operators within one another"))
        .help("name parts of it with `fn` or `layer`")
}

pub fn stuck_letters(span: Span, found: &str) -> Diagnostic {
    let split = found.find(|c: char| c.is_alphabetic() || c == '_').unwrap_or(0);
    let (number, letters) = found.split_at(split);
    Diagnostic::error(STUCK_LETTERS, span, format!("`{letters}` is stuck to the number `{number}` and is no unit"))
        .help(format!("to multiply write `{number}*{letters}`"))
}

pub fn foreign_operator(span: Span, found: &str, meant: &str) -> Diagnostic {
    Diagnostic::error(FOREIGN_OPERATOR, span, format!("there is no operator `{found}`"))
        .help(format!("write `{meant}`"))
}

pub fn number_too_large(span: Span) -> Diagnostic {
    Diagnostic::error(NUMBER_TOO_LARGE, span, "the number is too large").help("the largest is about 1.8e308")
}

pub fn chained_comparison(span: Span, first: Span) -> Diagnostic {
    Diagnostic::error(CHAINED_COMPARISON, span, "comparisons cannot be chained")
        .here("compares the outcome of a comparison")
        .label(first, "which is this one")
        .help("write `a < b and b < c`")
}
