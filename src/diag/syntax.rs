//! Messages about the syntax: what was expected and what was found, in the language's own words (SNN01xx).
//!
//! ```text
//! layer h = dense(3    ->    SNN0104: `(` is never closed          help: write `)` where the list ends
//! ```

use super::{Code, CodeInfo, Diagnostic, Family, Severity};
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
const LOOK_ALIKE: Code = Code(120);
const MISPLACED_PRIME: Code = Code(121);
const WALRUS: Code = Code(122);
const FRACTION: Code = Code(123);
const INDEXED: Code = Code(124);
const FOREIGN_FUNCTION: Code = Code(125);
const MISSING_COMMA: Code = Code(126);
const FOREIGN_COMMENT: Code = Code(127);
const WRAPPED_FILE: Code = Code(128);
const TOO_MANY: Code = Code(130);
const TOO_MANY_ITEMS: Code = Code(131);

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
        CodeInfo { code: LOOK_ALIKE, slug: "look_alike", page: include_str!("../../docs/errors/SNN0120.md") },
        CodeInfo { code: MISPLACED_PRIME, slug: "misplaced_prime", page: include_str!("../../docs/errors/SNN0121.md") },
        CodeInfo { code: WALRUS, slug: "walrus", page: include_str!("../../docs/errors/SNN0122.md") },
        CodeInfo { code: FRACTION, slug: "fraction", page: include_str!("../../docs/errors/SNN0123.md") },
        CodeInfo { code: INDEXED, slug: "indexed", page: include_str!("../../docs/errors/SNN0124.md") },
        CodeInfo {
            code: FOREIGN_FUNCTION,
            slug: "foreign_function",
            page: include_str!("../../docs/errors/SNN0125.md"),
        },
        CodeInfo { code: MISSING_COMMA, slug: "missing_comma", page: include_str!("../../docs/errors/SNN0126.md") },
        CodeInfo { code: FOREIGN_COMMENT, slug: "foreign_comment", page: include_str!("../../docs/errors/SNN0127.md") },
        CodeInfo { code: WRAPPED_FILE, slug: "wrapped_file", page: include_str!("../../docs/errors/SNN0128.md") },
        CodeInfo { code: TOO_MANY, slug: "too_many_messages", page: include_str!("../../docs/errors/SNN0130.md") },
        CodeInfo { code: TOO_MANY_ITEMS, slug: "too_many_items", page: include_str!("../../docs/errors/SNN0131.md") },
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
    Comma,
    Compare,
    Equation,
    Else,
    Flow,
    Function,
    NoBracketOpen,
    NoEquals,
    NoLists,
    NoSeparator,
    NothingOpen,
    OneEquation,
    Point,
    Quotes,
    Range,
    Update,
    When,
    /// The form of what is meant.
    Write(&'t str),
    /// The same, inside of a phase.
    InPhase(&'t str),
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
            Hint::Comma => "write `,` between them".into(),
            Hint::NoEquals => "an option is followed by its value, without `=`: `weight 10`".into(),
            Hint::NoLists => "there are no lists: name each value, or write `f(a, b)`".into(),
            Hint::OneEquation => "a residual is one equation: write another `residual` for the next".into(),
            Hint::Point => "decimals are written with a point: `1.5`".into(),
            Hint::Compare => "`=` defines; to compare, write `==`".into(),
            Hint::Equation => "a residual is an equation, as in `u = 0`".into(),
            Hint::Else => "`if` yields a value and always needs its `else`: `if a < b then a else b`".into(),
            Hint::Flow => "a differential equation is written `flow v' = …`".into(),
            Hint::NoSeparator => "statements follow one another without `,`".into(),
            Hint::NothingOpen => "no `{` is open here; remove the `}`".into(),
            Hint::Function => {
                "a function of numbers is declared by `fn f(x) = …`; `function` declares random input functions, as in \
                 `function a(s in 0 .. 1) ~ gaussian_process(length = 0.2)`"
                    .into()
            }
            Hint::NoBracketOpen => "no bracket is open here; remove it".into(),
            Hint::Range => "a range is written `0 .. 1`".into(),
            Hint::Write(form) => format!("write `{form}`"),
            Hint::InPhase(form) => format!("write `{form}`, inside of a phase: `phase NAME {{ … }}`"),
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
        ("?", _) => "a choice is written `if a < b then a else b`".into(),
        ("|", _) => "write `|>` to hand a value on, `or` for a condition, `abs(x)` for an absolute value".into(),
        ("&", _) => "write `and`".into(),
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
];

pub fn missing_colon(span: Span) -> Diagnostic {
    Diagnostic::error(MISSING_COLON, span, "expected `:` between the place and the equation")
        .here("the equation may begin here")
        .help("a residual is written `residual NAME on PLACE : LEFT = RIGHT`")
}

/// `on data("probe.csv")`
pub fn wrapped_file(span: Span, word: &str, file: &str) -> Diagnostic {
    Diagnostic::error(WRAPPED_FILE, span, format!("a data file stands alone, without `{word}`"))
        .help(format!("write `on {file}`"))
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

/// Ends a list of messages that would be too long to read. The place is that of the first one left out.
pub fn too_many(span: Span, severity: Severity, most: usize) -> Diagnostic {
    let what = if severity == Severity::Error { "errors" } else { "warnings" };
    let d = Diagnostic::error(TOO_MANY, span, format!("there are more {what} than the {most} that are shown"))
        .help("mend the first of them: the others may follow from them");
    Diagnostic { severity, ..d }
}

/// The place is that of the first one too many.
pub fn too_many_items(span: Span, most: usize) -> Diagnostic {
    Diagnostic::error(TOO_MANY_ITEMS, span, format!("a file has at most {most} items, and here is one more"))
        .help("data belong into a data file; put what several programs need into files of their own and import them")
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

/// What looks or reads like a sign of the language, and what to write for it.
const LOOK_ALIKES: &[(&str, &[&str])] = &[
    ("-", &["\u{2212}", "\u{2013}", "\u{2014}", "\u{2010}", "\u{2011}", "\u{ff0d}"]),
    ("*", &["×", "·", "\u{22c5}", "\u{2219}", "\u{2217}", "\u{2022}"]),
    ("/", &["÷", "\u{2215}", "\u{2044}"]),
    ("+", &["\u{ff0b}"]),
    ("'", &["\u{2032}", "\u{2019}", "\u{2018}", "\u{b4}", "`"]),
    ("''", &["\u{2033}"]),
    ("\"", &["\u{201c}", "\u{201d}", "\u{201e}", "«", "»"]),
    ("^0", &["\u{2070}"]),
    ("^1", &["¹"]),
    ("^2", &["²"]),
    ("^3", &["³"]),
    ("^4", &["\u{2074}"]),
    ("^5", &["\u{2075}"]),
    ("^6", &["\u{2076}"]),
    ("^-", &["\u{207b}"]),
    ("0", &["\u{2080}"]),
    ("1", &["\u{2081}"]),
    ("2", &["\u{2082}"]),
    ("1/2", &["½"]),
    ("1/4", &["¼"]),
    ("3/4", &["¾"]),
    ("<=", &["≤", "\u{2a7d}"]),
    (">=", &["≥", "\u{2a7e}"]),
    ("!=", &["≠"]),
    ("=", &["\u{ff1d}"]),
    ("->", &["→", "\u{27f6}", "\u{21a6}"]),
    ("..", &["…", "\u{2025}"]),
    ("in", &["∈"]),
    ("and", &["∧"]),
    ("or", &["∨"]),
    ("not", &["¬"]),
    ("(", &["\u{ff08}"]),
    (")", &["\u{ff09}"]),
    (",", &["\u{ff0c}"]),
    (":", &["\u{ff1a}"]),
    ("~", &["∼", "\u{223c}"]),
    ("sqrt(…)", &["√"]),
    ("sum(i in 1 .. 5, …)", &["∑", "Σ"]),
    ("integral(a, 0, x)", &["∫"]),
    ("d(u, x)", &["∂"]),
    ("grad(u), div(p, q) or lap(u)", &["∇"]),
    ("lap(u)", &["Δ", "∆"]),
];

/// Blanks that are none, and what cannot be seen at all.
const INVISIBLE: &[&str] = &[
    "\u{a0}", "\u{2009}", "\u{202f}", "\u{2007}", "\u{3000}", "\u{200b}", "\u{200c}", "\u{200d}", "\u{2060}", "\u{ad}",
];

/// A character that stands for a sign on paper.
pub fn look_alike(span: Span, found: &str) -> Option<Diagnostic> {
    if INVISIBLE.contains(&found) {
        let message = format!("a character that cannot be seen stands here: {}", found.escape_unicode());
        return Some(
            Diagnostic::error(LOOK_ALIKE, span, message)
                .help("delete it, and write an ordinary blank if one is needed"),
        );
    }
    let (meant, _) = LOOK_ALIKES.iter().find(|(_, all)| all.contains(&found))?;
    Some(
        Diagnostic::error(LOOK_ALIKE, span, format!("`{found}` is no sign of the language"))
            .help(format!("write `{meant}`; programs are written in ASCII")),
    )
}

pub fn misplaced_prime(span: Span, in_neuron: bool) -> Diagnostic {
    let d = Diagnostic::error(MISPLACED_PRIME, span, "`'` stands only in a neuron's `flow v' = …`");
    if in_neuron {
        d.help("a differential equation is written `flow v' = …`; elsewhere a state has no `'`")
    } else {
        d.help("a derivative is written with its coordinate: `d(u, x)`, `d(u, x, x)` for the second one")
    }
}

pub fn walrus(span: Span) -> Diagnostic {
    Diagnostic::error(WALRUS, span, "expected `=`, found `:=`")
        .help("definitions and equations are written with `=`; `:=` stands only in a neuron's `update v := …`")
}

/// `d^2u/dx^2`
pub fn fraction(span: Span, field: &str) -> Diagnostic {
    Diagnostic::error(FRACTION, span, "a derivative is not written as a fraction")
        .help(format!("name the coordinates: `d({field}, x)`, `d({field}, x, x)` for the second derivative"))
}

pub fn indexed(span: Span) -> Diagnostic {
    Diagnostic::error(INDEXED, span, "the value of a function cannot be indexed")
        .help("derivatives are named, never indexed: `d(u, x)` for what would be `grad(u)[0]`")
}

/// `lambda x: …`
pub fn foreign_function(span: Span) -> Diagnostic {
    Diagnostic::error(FOREIGN_FUNCTION, span, "there are no functions without a name")
        .help("declare one as an item, `fn f(x) = x^2`, and use its name")
}

pub fn missing_comma(before: Span, span: Span) -> Diagnostic {
    Diagnostic::error(MISSING_COMMA, span, "nothing stands between two arguments")
        .here("a new one begins here")
        .label(before, "one ends here")
        .help("write `,` between arguments; to multiply write `*`")
}

pub fn foreign_comment(span: Span, found: &str) -> Diagnostic {
    Diagnostic::error(FOREIGN_COMMENT, span, format!("`{found}` begins no comment"))
        .help("a comment begins with `#` and ends with its line; to divide write one `/`")
}

/// A file name in single quotes, found at its `.`.
pub fn single_quotes(span: Span) -> Diagnostic {
    stray(span, ".").help(Hint::Quotes.text())
}
