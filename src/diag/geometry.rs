//! Messages about where residuals stand in a domain with periodic coordinates, shapes and curves (SNN0730 to SNN0749).
//!
//! ```text
//! residual end on x = 1 : u = 0          with  x in -1 .. 1 periodic
//!                 ^^^^^ SNN0730: `x` is periodic: x = 1 is no boundary
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const PERIODIC_END: Code = Code(730);
const NO_NORMAL: Code = Code(731);
const WEAK_SHAPE: Code = Code(732);
const PLACE_OUTSIDE: Code = Code(733);
const EXACT_NOT_PERIODIC: Code = Code(734);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "geometry",
    codes: &[
        CodeInfo { code: PERIODIC_END, slug: "periodic_end", page: include_str!("../../docs/errors/SNN0730.md") },
        CodeInfo { code: NO_NORMAL, slug: "no_normal", page: include_str!("../../docs/errors/SNN0731.md") },
        CodeInfo { code: WEAK_SHAPE, slug: "weak_shape", page: include_str!("../../docs/errors/SNN0732.md") },
        CodeInfo { code: PLACE_OUTSIDE, slug: "place_outside", page: include_str!("../../docs/errors/SNN0733.md") },
        CodeInfo {
            code: EXACT_NOT_PERIODIC,
            slug: "exact_not_periodic",
            page: include_str!("../../docs/errors/SNN0734.md"),
        },
    ],
};

/// A condition at an end of a periodic coordinate.
pub fn periodic_end(span: Span, coord: &str, value: f64, declared: Span) -> Diagnostic {
    Diagnostic::error(PERIODIC_END, span, format!("`{coord}` is periodic: {coord} = {value} is no boundary"))
        .label(declared, "its two ends are one place, and the network is the same there by construction")
        .help("remove the condition: periodicity holds already, of the field and of all its derivatives")
}

/// `d(u, normal)` where nothing has an outward normal.
pub fn no_normal(span: Span, why: &str, instead: &str) -> Diagnostic {
    Diagnostic::error(NO_NORMAL, span, format!("there is no outward normal here: {why}")).help(instead.to_string())
}

/// `by weak` in a domain that is cut by `where`.
pub fn weak_shape(span: Span, shape: Span) -> Diagnostic {
    Diagnostic::error(WEAK_SHAPE, span, "the domain is no box, and test functions are products of splines over a box")
        .label(shape, "this cuts a part out of the box")
        .help("leave `by` out: the residual is then taken by `stencil` (or `jet`, if the network is smooth) at points inside")
}

/// A place of which no point lies in the region.
pub fn place_outside(span: Span, what: &str, shape: Span) -> Diagnostic {
    Diagnostic::error(PLACE_OUTSIDE, span, format!("no point of {what} lies inside the domain's shape"))
        .label(shape, "this says which points are inside")
        .help("a curved boundary is named by a `curve` in the domain, and a condition stands `on` its name")
}

/// A warning: an exact solution that differs at the two ends of a periodic coordinate.
pub fn exact_not_periodic(span: Span, coord: &str, what: &str, (lo, hi): (f64, f64), declared: Span) -> Diagnostic {
    Diagnostic::warning(EXACT_NOT_PERIODIC, span, format!("the exact solution is not periodic in `{coord}`"))
        .here(format!("{what} is {lo:.4} at the low end of `{coord}` and {hi:.4} at the high end"))
        .label(declared, format!("`{coord}` is periodic"))
        .help("the field is periodic by construction and cannot reach it; check the period")
}
