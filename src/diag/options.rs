//! Messages about options of residuals and about exact solutions from files (SNN0760 to SNN0765).
//!
//! ```text
//! by weak causal(eps = 1)    ->    SNN0761: `causal` cannot weigh this residual: a weak form is an integral over all times
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const NO_TIME: Code = Code(760);
const CAUSAL_PLACE: Code = Code(761);
const EXACT_ARRAY: Code = Code(762);
const EXACT_SHAPE: Code = Code(763);
const EXACT_NUMBERS: Code = Code(764);
const EXACT_PLACE: Code = Code(765);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "options",
    codes: &[
        CodeInfo { code: NO_TIME, slug: "no_time", page: include_str!("../../docs/errors/SNN0760.md") },
        CodeInfo { code: CAUSAL_PLACE, slug: "causal_place", page: include_str!("../../docs/errors/SNN0761.md") },
        CodeInfo { code: EXACT_ARRAY, slug: "exact_array", page: include_str!("../../docs/errors/SNN0762.md") },
        CodeInfo { code: EXACT_SHAPE, slug: "exact_shape", page: include_str!("../../docs/errors/SNN0763.md") },
        CodeInfo { code: EXACT_NUMBERS, slug: "exact_numbers", page: include_str!("../../docs/errors/SNN0764.md") },
        CodeInfo { code: EXACT_PLACE, slug: "exact_place", page: include_str!("../../docs/errors/SNN0765.md") },
    ],
};

/// `why` is a clause; `declared` is the coordinate, if there is one.
pub fn no_time(span: Span, why: &str, declared: Option<Span>) -> Diagnostic {
    let d = Diagnostic::error(NO_TIME, span, format!("`causal` needs a coordinate `t` with a beginning: {why}"));
    let d = match declared {
        Some(at) => d.label(at, "declared here"),
        None => d,
    };
    d.help("name the time `t` in the domain, or remove `causal`")
}

/// `why` is a clause.
pub fn causal_place(span: Span, why: &str, pointwise: bool) -> Diagnostic {
    let help = if pointwise { "take it `by stencil` or `by smoothing`, or remove `causal`" } else { "remove it" };
    Diagnostic::error(CAUSAL_PLACE, span, format!("`causal` cannot weigh this residual: {why}")).help(help)
}

/// An array that the file of an exact solution lacks; `known` are those it has.
pub fn exact_array(span: Span, name: &str, known: &[String]) -> Diagnostic {
    let d = Diagnostic::error(EXACT_ARRAY, span, format!("the file has no array `{name}`"));
    match known {
        [] => d.help("it has no arrays; write it with `numpy.savez(path, x=…, u=…)`"),
        known => d.help(format!(
            "it has {}; a field and each coordinate need an array of their name",
            super::names::list(known)
        )),
    }
}

pub fn exact_shape(span: Span, name: &str, found: &[usize], wanted: &[usize], coords: &[&str]) -> Diagnostic {
    let d = Diagnostic::error(EXACT_SHAPE, span, format!("the array `{name}` has the shape {found:?}, not {wanted:?}"))
        .here(format!("by the file's own coordinates, {}, it should have {wanted:?}", super::names::list(coords)));
    let turned = found.iter().rev().eq(wanted.iter());
    d.help(if turned {
        "its axes are the other way round: save its transpose, `u.T`"
    } else {
        "the axes come in the order of the domain, one a coordinate"
    })
}

/// `why` is a clause about the array.
pub fn exact_numbers(span: Span, name: &str, why: &str) -> Diagnostic {
    Diagnostic::error(EXACT_NUMBERS, span, format!("the array `{name}` of the file cannot be used: {why}"))
        .help("a coordinate's array lists its places, ascending and inside the domain; a field's holds a finite number for each point")
}

/// A place of its own for a solution that is known on the grid of a file.
pub fn exact_place(span: Span, path: &str) -> Diagnostic {
    Diagnostic::error(EXACT_PLACE, span, format!("the exact solution is known on the points of `{path}` only"))
        .help("remove the place: the metric is taken on the file's own grid, nothing is interpolated")
}

/// Two files on two grids.
pub fn exact_grids(span: Span, first: &str) -> Diagnostic {
    Diagnostic::error(EXACT_PLACE, span, format!("this file has another grid than `{first}`"))
        .help("give all exact solutions on the same points, in one file or several")
}
