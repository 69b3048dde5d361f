//! Messages about domains: periodic coordinates, shapes cut out of the box, curves (SNN0230 to SNN0239).
//!
//! ```text
//! where x^2 + y^2 < -1
//!       ^^^^^^^^^^^^^^ SNN0232: no point of the domain satisfies this
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const PERIODIC_RAW: Code = Code(230);
const NOT_PERIODIC: Code = Code(231);
const EMPTY_REGION: Code = Code(232);
const IDLE_SHAPE: Code = Code(233);
const CURVE_DIMENSION: Code = Code(234);
const CURVE_OUTSIDE: Code = Code(235);
const CURVE_DEGENERATE: Code = Code(236);
const UNRESOLVED: Code = Code(237);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "domain",
    codes: &[
        CodeInfo { code: PERIODIC_RAW, slug: "periodic_raw", page: include_str!("../../docs/errors/SNN0230.md") },
        CodeInfo { code: NOT_PERIODIC, slug: "not_periodic", page: include_str!("../../docs/errors/SNN0231.md") },
        CodeInfo { code: EMPTY_REGION, slug: "empty_region", page: include_str!("../../docs/errors/SNN0232.md") },
        CodeInfo { code: IDLE_SHAPE, slug: "idle_shape", page: include_str!("../../docs/errors/SNN0233.md") },
        CodeInfo { code: CURVE_DIMENSION, slug: "curve_dimension", page: include_str!("../../docs/errors/SNN0234.md") },
        CodeInfo { code: CURVE_OUTSIDE, slug: "curve_outside", page: include_str!("../../docs/errors/SNN0235.md") },
        CodeInfo {
            code: CURVE_DEGENERATE,
            slug: "curve_degenerate",
            page: include_str!("../../docs/errors/SNN0236.md"),
        },
        CodeInfo { code: UNRESOLVED, slug: "unresolved_range", page: include_str!("../../docs/errors/SNN0237.md") },
    ],
};

/// `raw(x)` of a periodic coordinate.
pub fn periodic_raw(span: Span, coord: &str, declared: Span) -> Diagnostic {
    Diagnostic::error(PERIODIC_RAW, span, format!("`raw({coord})` jumps where `{coord}` comes round"))
        .label(declared, format!("`{coord}` is periodic"))
        .help(format!(
            "give `{coord}` by its name: it enters as sine and cosine of its phase, so that the field is periodic, \
             and all its derivatives are"
        ))
}

/// Arithmetic of a network that is not the same at both ends of a periodic coordinate.
pub fn not_periodic(span: Span, coord: &str, (lo, hi): (f64, f64), what: &str, declared: Span) -> Diagnostic {
    Diagnostic::error(NOT_PERIODIC, span, format!("this is not periodic in `{coord}`: {what} at both ends"))
        .label(declared, format!("`{coord}` is periodic, {coord} = {lo} and {coord} = {hi} are one place"))
        .help(match hi - lo {
            1.0 => format!("use functions of period 1, such as `sin(2*pi*{coord})`"),
            period => format!("use functions of period {period}, such as `sin(2*pi*{coord}/{period})`"),
        })
}

/// No point of the box, or hardly any, satisfies the domain's conditions.
pub fn empty_region(span: Span, inside: usize, tried: usize) -> Diagnostic {
    let what = match inside {
        0 => "no point of the domain satisfies this".to_string(),
        n => format!("only {n} of {tried} points of the domain satisfy this: too few to sample"),
    };
    let d = Diagnostic::error(EMPTY_REGION, span, what);
    match inside {
        0 => d.help("look at the signs and at the ranges of the coordinates; a region has an inside, `==` leaves none"),
        _ => d.help(
            "let the coordinates range over the region only: points are drawn in the box and kept if they lie inside",
        ),
    }
}

/// A warning: a condition that holds everywhere.
pub fn idle_shape(span: Span) -> Diagnostic {
    Diagnostic::warning(IDLE_SHAPE, span, "every point of the domain satisfies this: nothing is cut away")
        .help("remove it, and the residuals may use weak forms again; or let the coordinates range further")
}

/// A curve with a wrong number of components.
pub fn curve_dimension(span: Span, name: &str, found: usize, expected: &str, example: Option<&str>) -> Diagnostic {
    let found = match found {
        1 => "1 coordinate".to_string(),
        n => format!("{n} coordinates"),
    };
    let d = Diagnostic::error(CURVE_DIMENSION, span, format!("the curve `{name}` gives {found}, expected {expected}"));
    match example {
        Some(e) => d.help(format!("as in `curve {name}(s in 0 .. 2*pi) = {e}`")),
        None => d.help("a curve needs two coordinates of space; with one, a boundary is a point: `on x = 0`"),
    }
}

pub fn curve_outside(span: Span, name: &str, at: &str, place: &str, box_: &str) -> Diagnostic {
    Diagnostic::error(CURVE_OUTSIDE, span, format!("the curve `{name}` leaves the domain: at {at} it is at {place}"))
        .help(format!("the coordinates range over {box_}; widen them, or change the curve"))
}

/// A curve without length, or that is not a number somewhere.
pub fn curve_degenerate(span: Span, name: &str, why: &str) -> Diagnostic {
    Diagnostic::error(CURVE_DEGENERATE, span, format!("the curve `{name}` {why}"))
        .help("points are taken along it, uniform in arc length: it needs a length above 0, and a value everywhere")
}

/// A range that holds few numbers of the precision, or ends beyond it; `double` if the precision is that.
pub fn unresolved_range(span: Span, coord: &str, (lo, hi): (f64, f64), double: bool) -> Diagnostic {
    let precision = if double { "double" } else { "single" };
    let d = Diagnostic::error(
        UNRESOLVED,
        span,
        format!("{precision} precision cannot resolve the range of `{coord}`, {lo:?} .. {hi:?}"),
    );
    match double {
        true => d.help("scale and shift the coordinate so that its range is near 0 .. 1"),
        false => d.help(
            "scale and shift the coordinate so that its range is near 0 .. 1; `precision f64` in the `train` block has \
             more digits",
        ),
    }
}
