//! Messages about what kind of value stands where: numbers, truth values, ranges, static and signal, widths (SNN03xx),
//! and quantities (SNN04xx).
//!
//! ```text
//! steps 2.5    ->    SNN0303: expected a whole number from 1 to 1000000, found 2.5
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const ARITY: Code = Code(301);
const WRONG_KIND: Code = Code(302);
const OUT_OF_RANGE: Code = Code(303);
const NOT_FINITE: Code = Code(304);
const MISSING_ARGUMENT: Code = Code(305);
const NOT_A_COORDINATE: Code = Code(306);
const EMPTY_RANGE: Code = Code(307);
const NEEDS_SIGNAL: Code = Code(308);
const NEEDS_STATIC: Code = Code(309);
const WIDTHS_DIFFER: Code = Code(310);
const OUTPUT_WIDTH: Code = Code(311);
const UNITS: Code = Code(401);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "types and shapes",
    codes: &[
        CodeInfo { code: ARITY, slug: "arity", page: include_str!("../../docs/errors/SNN0301.md") },
        CodeInfo { code: WRONG_KIND, slug: "wrong_kind", page: include_str!("../../docs/errors/SNN0302.md") },
        CodeInfo { code: OUT_OF_RANGE, slug: "out_of_range", page: include_str!("../../docs/errors/SNN0303.md") },
        CodeInfo { code: NOT_FINITE, slug: "not_finite", page: include_str!("../../docs/errors/SNN0304.md") },
        CodeInfo {
            code: MISSING_ARGUMENT,
            slug: "missing_argument",
            page: include_str!("../../docs/errors/SNN0305.md"),
        },
        CodeInfo {
            code: NOT_A_COORDINATE,
            slug: "not_a_coordinate",
            page: include_str!("../../docs/errors/SNN0306.md"),
        },
        CodeInfo { code: EMPTY_RANGE, slug: "empty_range", page: include_str!("../../docs/errors/SNN0307.md") },
        CodeInfo { code: NEEDS_SIGNAL, slug: "needs_signal", page: include_str!("../../docs/errors/SNN0308.md") },
        CodeInfo { code: NEEDS_STATIC, slug: "needs_static", page: include_str!("../../docs/errors/SNN0309.md") },
        CodeInfo { code: WIDTHS_DIFFER, slug: "widths_differ", page: include_str!("../../docs/errors/SNN0310.md") },
        CodeInfo { code: OUTPUT_WIDTH, slug: "output_width", page: include_str!("../../docs/errors/SNN0311.md") },
    ],
};

/// The codes of quantities.
pub const DIMENSIONS: Family = Family {
    name: "dimensions",
    codes: &[CodeInfo { code: UNITS, slug: "units", page: include_str!("../../docs/errors/SNN0401.md") }],
};

/// The wrong number of arguments. `expected` in words: `2 arguments`, `at least 1 argument`.
pub fn arity(span: Span, callee: &str, expected: &str, found: usize) -> Diagnostic {
    Diagnostic::error(ARITY, span, format!("`{callee}` takes {expected}, found {found}"))
}

/// One kind of thing was wanted, another stands here: `a number`, `a truth value`, `text`, `a name`, `a range`.
pub fn wrong_kind(span: Span, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::error(WRONG_KIND, span, format!("expected {expected}, found {found}"))
}

/// A number outside of what makes sense. `expected` in words: `a whole number from 1 to 64`.
pub fn out_of_range(span: Span, expected: &str, found: f64) -> Diagnostic {
    Diagnostic::error(OUT_OF_RANGE, span, format!("expected {expected}, found {found}"))
}

/// A constant that overflowed or was never defined, `log(-1)` say.
pub fn not_finite(span: Span, value: f64) -> Diagnostic {
    Diagnostic::error(NOT_FINITE, span, format!("this is {value}, not a finite number"))
        .help("look for a division by zero, an overflow, or a function outside of where it is defined")
}

/// `f` was called without an argument that has no default.
pub fn missing_argument(span: Span, callee: &str, name: &str) -> Diagnostic {
    Diagnostic::error(MISSING_ARGUMENT, span, format!("`{callee}` needs its argument `{name}`"))
}

/// `d(u, 3)`.
pub fn not_a_coordinate(span: Span, coords: &[&str]) -> Diagnostic {
    Diagnostic::error(NOT_A_COORDINATE, span, "a derivative is with respect to a coordinate of the domain")
        .help(format!("the domain has {}", super::names::list(coords)))
}

/// `d(u, n)`: most likely the derivative along the normal is meant.
pub fn not_the_normal(span: Span, coords: &[&str]) -> Diagnostic {
    not_a_coordinate(span, coords).help(format!(
        "the derivative along the outward normal of a face or curve is written with the word `normal`, `d(u, normal)`; the \
         domain has {}",
        super::names::list(coords)
    ))
}

/// `x in 1 .. 0`.
pub fn empty_range(span: Span, lo: f64, hi: f64) -> Diagnostic {
    Diagnostic::error(EMPTY_RANGE, span, format!("the range {lo} .. {hi} is empty"))
        .help("the lower end comes first: `0 .. 1`")
}

/// A neuron, `ema` or a decoder given a static value.
pub fn needs_signal(span: Span, callee: &str, value: Span) -> Diagnostic {
    Diagnostic::error(NEEDS_SIGNAL, span, format!("`{callee}` acts on a signal, found a static value"))
        .label(value, "this has one value a point, not one a time step")
        .help(format!("turn it into a current first: `… |> current |> {callee}`"))
}

/// `h + x` of a signal and a static vector.
pub fn mixed(fixed: Span, signal: Span) -> Diagnostic {
    Diagnostic::error(NEEDS_SIGNAL, fixed, "one side is a signal, the other a static value")
        .here("this has one value a point")
        .label(signal, "this has one value a time step")
        .help("turn the static one into a current (`… |> current`), or decode the signal (`… |> mean`)")
}

/// A signal where one value a point is wanted. `callee` is what wants it: `the output`, `current`.
pub fn needs_static(span: Span, callee: &str, value: Span) -> Diagnostic {
    let d = Diagnostic::error(NEEDS_STATIC, span, format!("{callee} must be static, found a signal"));
    let d = match value == span {
        true => d.here("this has one value a time step"),
        false => d.label(value, "this has one value a time step"),
    };
    d.help("decode it first: `… |> mean`, `|> last` or `|> sum`")
}

/// `a + b` of 3 and 4 values.
pub fn widths_differ(a: (Span, u32), b: (Span, u32)) -> Diagnostic {
    Diagnostic::error(WIDTHS_DIFFER, a.0, format!("the two sides are {} and {} wide", a.1, b.1))
        .here(format!("{} values", a.1))
        .label(b.0, format!("{} values", b.1))
        .help("both must be equally wide, or one of them 1 wide")
}

/// A network's output that has not as many values as it has names, or not one where it has none.
pub fn output_width(span: Span, width: u32, names: usize) -> Diagnostic {
    let wanted = match names {
        0 | 1 => "the output is one value".to_string(),
        n => format!("the output has {n} names and must have {n} values"),
    };
    let mut help = format!("end with a readout: `… |> dense({})`", names.max(1));
    if names == 0 {
        help.push_str(", or name the values: `output u, v = …`");
    }
    Diagnostic::error(OUTPUT_WIDTH, span, format!("{wanted}, found {width}")).help(help)
}

/// `20ms`, or a constant that is a quantity (`what`), where only plain numbers have a meaning.
pub fn units(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error(UNITS, span, format!("{what} is a quantity, and only a plain number can stand here"))
        .help("quantities stand in constants, neurons, arguments of neurons, a network's `dt` and in `simulate`")
}
