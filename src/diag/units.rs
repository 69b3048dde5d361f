//! Messages about units and dimensions (SNN032x).
//!
//! ```text
//! 5pA + 2mV    ->    SNN0320: the two sides of `+` are a current (pA) and a voltage (mV)
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;
use crate::units::{Dimension, show};

const DIFFER: Code = Code(320);
const BARE: Code = Code(321);
const WRONG_DIMENSION: Code = Code(322);
const WANTS_NUMBER: Code = Code(323);
const POWER: Code = Code(324);
const UNKNOWN_UNIT: Code = Code(325);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "units",
    codes: &[
        CodeInfo { code: DIFFER, slug: "dimensions_differ", page: include_str!("../../docs/errors/SNN0320.md") },
        CodeInfo { code: BARE, slug: "missing_unit", page: include_str!("../../docs/errors/SNN0321.md") },
        CodeInfo { code: WRONG_DIMENSION, slug: "wrong_dimension", page: include_str!("../../docs/errors/SNN0322.md") },
        CodeInfo { code: WANTS_NUMBER, slug: "wants_plain_number", page: include_str!("../../docs/errors/SNN0323.md") },
        CodeInfo { code: POWER, slug: "power_of_quantity", page: include_str!("../../docs/errors/SNN0324.md") },
        CodeInfo { code: UNKNOWN_UNIT, slug: "unknown_unit", page: include_str!("../../docs/errors/SNN0325.md") },
    ],
};

/// An operand, and where its dimension comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    pub span: Span,
    pub dimension: Dimension,
    /// The name that it is, and where that has its dimension from.
    pub declared: Option<(String, Span)>,
}

impl Side {
    /// Labels for the operand and, elsewhere, for what makes it what it is.
    fn labels(&self, d: Diagnostic) -> Diagnostic {
        let text = self.dimension.describe();
        let d = if d.span() == self.span { d.here(text) } else { d.label(self.span, text) };
        match &self.declared {
            Some((name, span)) if !self.span.overlaps(*span) => {
                d.label(*span, format!("`{name}` has its dimension from here"))
            }
            _ => d,
        }
    }
}

/// `5pA + 2mV`.
pub fn differ(span: Span, operator: &str, a: &Side, b: &Side) -> Diagnostic {
    let message = match operator {
        "else" => "the two branches are".to_string(),
        "min" | "max" | "atan2" => format!("the two arguments of `{operator}` are"),
        sign => format!("the two sides of `{sign}` are"),
    };
    let message = format!("{message} {} and {}", a.dimension.describe(), b.dimension.describe());
    let d = Diagnostic::error(DIFFER, span, message);
    let d = b.labels(a.labels(d));
    match factor(&a.dimension.over(&b.dimension)) {
        Some(factor) => d.help(format!("they differ by a factor of {factor}")),
        None => d,
    }
}

/// The unit of a factor that one may have forgotten: one that has a name of its own.
fn factor(d: &Dimension) -> Option<String> {
    match d.name() {
        _ if d.is_none() => None,
        Some(_) if *d == Dimension::FREQUENCY => Some("`1/ms`".into()),
        Some(name) => Some(format!("`{}`, {name}", d.unit())),
        None => None,
    }
}

/// A bare number where a quantity is needed. `what` begins the message: `the start of `v``; `number` is the one and where it
/// stands, `because` what asks for a unit, and its dimension.
pub fn bare(
    span: Span,
    what: &str,
    number: (f64, Span),
    wanted: &Dimension,
    because: Option<(Span, Dimension)>,
) -> Diagnostic {
    let message = format!("{what} must be {}, found a number without a unit", wanted.describe());
    let mut d = Diagnostic::error(BARE, span, message);
    let (value, at) = number;
    if !at.overlaps(span) {
        d = d.label(at, "this has no unit");
    }
    if let Some((at, dimension)) = because {
        d = d.label(at, format!("because this is {}", dimension.describe()));
    }
    unit_to_write(d, value, wanted)
}

/// A parameter or state that is declared as a bare number, and what its use at `at` asks for.
pub fn bare_declaration(span: Span, name: &str, value: f64, wanted: &Dimension, at: Option<Span>) -> Diagnostic {
    let message = format!("`{name}` must be {}, found a number without a unit", wanted.describe());
    let mut d = Diagnostic::error(BARE, span, message);
    if let Some(at) = at.filter(|at| !at.overlaps(span)) {
        d = d.label(at, "this asks for it");
    }
    unit_to_write(d, value, wanted)
}

/// With the number in the unit in which it would be held (a rate: in Hz), where that can be attached to it.
fn unit_to_write(d: Diagnostic, value: f64, wanted: &Dimension) -> Diagnostic {
    let unit = if *wanted == Dimension::FREQUENCY { "Hz".to_string() } else { wanted.unit() };
    if wanted.is_none() || unit.contains(['*', '(']) || unit.starts_with('1') {
        return d;
    }
    d.help(format!("write its unit: `{value}{unit}`"))
}

/// A quantity of another dimension than is wanted.
pub fn wrong_dimension(found: &Side, what: &str, wanted: &Dimension, because: Option<(Span, Dimension)>) -> Diagnostic {
    let message = format!("{what} must be {}, found {}", wanted.describe(), found.dimension.describe());
    let d = found.labels(Diagnostic::error(WRONG_DIMENSION, found.span, message));
    let d = match because {
        Some((at, dimension)) => d.label(at, format!("because this is {}", dimension.describe())),
        None => d,
    };
    match factor(&wanted.over(&found.dimension)) {
        Some(factor) => d.help(format!("a factor of {factor} is missing")),
        None => d,
    }
}

/// `exp(v)` of a voltage.
pub fn wants_number(found: &Side, what: &str) -> Diagnostic {
    let message = format!("{what} must be a plain number, found {}", found.dimension.describe());
    let d = found.labels(Diagnostic::error(WANTS_NUMBER, found.span, message));
    match found.dimension.name() {
        Some(name) => d.help(format!("divide it by {name}: `{}`", show(1.0, &found.dimension))),
        None => d.help("divide it by a quantity of the same dimension"),
    }
}

/// `v^n` of a voltage with an exponent that is not a number known here.
pub fn power(base: &Side, exponent: Span) -> Diagnostic {
    let message = format!("the power of {} needs an exponent that is a number", base.dimension.describe());
    let d = base.labels(Diagnostic::error(POWER, base.span, message));
    d.label(exponent, "the dimension would change with this")
        .help("write the exponent as a number, such as 2 or 0.5, or divide the base by a quantity of its dimension")
}

/// `20msec`.
pub fn unknown_unit(span: Span, unit: &str, nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_UNIT, span, format!("there is no unit `{unit}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d.help(
            "units are s, V, A, S, F, Ohm, C, Hz, J, W, K, m, mol and M with a prefix from f to G, their powers and \
             quotients: `ms`, `pA/ms`, `uF/cm^2`",
        ),
    }
}
