//! Messages about input functions and the networks that take them (SNN0650 to SNN0659).
//!
//! ```text
//! residual ode on interior : d(G, x) = a(x)
//!                              ^ SNN0651: `G` takes the input function `a`       help: write `G[a]`
//! ```

use super::{Code, CodeInfo, Diagnostic, Family, names};
use crate::source::Span;

const LAW: Code = Code(650);
const BRACKETS: Code = Code(651);
const NOT_A_FUNCTION: Code = Code(652);
const OPERATOR_PLACE: Code = Code(653);
const INTEGRAL: Code = Code(654);
const PLACE: Code = Code(655);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "input functions",
    codes: &[
        CodeInfo { code: LAW, slug: "law", page: include_str!("../../docs/errors/SNN0650.md") },
        CodeInfo { code: BRACKETS, slug: "brackets", page: include_str!("../../docs/errors/SNN0651.md") },
        CodeInfo { code: NOT_A_FUNCTION, slug: "not_a_function", page: include_str!("../../docs/errors/SNN0652.md") },
        CodeInfo { code: OPERATOR_PLACE, slug: "operator_place", page: include_str!("../../docs/errors/SNN0653.md") },
        CodeInfo { code: INTEGRAL, slug: "integral", page: include_str!("../../docs/errors/SNN0654.md") },
        CodeInfo { code: PLACE, slug: "another_point", page: include_str!("../../docs/errors/SNN0655.md") },
    ],
};

/// `function a(s in 0 .. 1) ~ gaussian(0.2)`.
pub fn unknown_law(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(LAW, span, format!("functions cannot be drawn by `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d.help(format!("there are {}", names::list(known))),
    }
}

/// `gaussian_process()`.
pub fn law_argument(span: Span, law: &str, missing: &str, example: &str) -> Diagnostic {
    Diagnostic::error(LAW, span, format!("`{law}` needs `{missing}`")).help(format!("as in `{example}`"))
}

/// A field without the functions its network takes, with others, or with some where it takes none.
pub fn brackets(span: Span, field: &str, functions: &[&str]) -> Diagnostic {
    match functions {
        [] => Diagnostic::error(BRACKETS, span, format!("`{field}` takes no input functions"))
            .help(format!("write `{field}`, or declare its network as `network {field}[a](…)`")),
        own => {
            let what = if own.len() == 1 { "the input function" } else { "the input functions" };
            Diagnostic::error(BRACKETS, span, format!("`{field}` takes {what} {}", names::list(own)))
                .help(format!("write `{field}[{}]`", own.join(", ")))
        }
    }
}

/// In a network's brackets stands what is no input function.
pub fn not_a_function(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(NOT_A_FUNCTION, span, format!("there is no input function `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None if known.is_empty() => {
            d.help(format!("declare it: `function {name}(s in 0 .. 1) ~ gaussian_process(length = 0.2) sensors 64`"))
        }
        None => d.help(format!("there are {}", names::list(known))),
    }
}

/// A network that uses an input function which it does not take.
pub fn foreign_function(span: Span, name: &str, network: &str, declared: Span) -> Diagnostic {
    Diagnostic::error(NOT_A_FUNCTION, span, format!("`{network}` does not take the input function `{name}`"))
        .label(declared, "its arguments are given here")
        .help(format!("write `network {network}[{name}](…)`"))
}

/// Where a field that depends on input functions cannot be observed.
pub fn operator_place(span: Span, field: &str, why: &str) -> Diagnostic {
    Diagnostic::error(OPERATOR_PLACE, span, format!("`{field}` depends on input functions: {why}")).help(
        "give it as a residual on `interior`, `domain`, a grid or a face: each point then gets functions of its own",
    )
}

/// `u(0)` where u has two coordinates.
pub fn place_arguments(span: Span, field: &str, coords: &[&str], found: usize) -> Diagnostic {
    let all = coords.join(", ");
    Diagnostic::error(PLACE, span, format!("a point of `{field}` has {} coordinates, found {found}", coords.len()))
        .help(format!("they are `{field}({all})`, each with an expression in its place"))
}

/// `u(x + 1)` where x ends at 1.
pub fn place_outside(span: Span, coord: &str, value: f64, lo: f64, hi: f64, here: &str) -> Diagnostic {
    Diagnostic::error(PLACE, span, format!("this point lies outside of the domain: {coord} = {value:.4} for {here}"))
        .help(format!("`{coord}` goes from {lo} to {hi}; outside a network means nothing"))
}

/// The derivative of a field at another point.
pub fn place_derivative(span: Span) -> Diagnostic {
    Diagnostic::error(PLACE, span, "a field at another point cannot be differentiated")
        .help("make the derivative a field of its own: `residual slope on interior : v = d(u, x)`, and write `v(…)`")
}

/// `by weak`, `by jet` or `by smoothing` with a field at another point.
pub fn place_method(span: Span, method: &str) -> Diagnostic {
    Diagnostic::error(PLACE, span, format!("a field at another point cannot be had `by {method}`"))
        .help("leave `by` out, or write `by stencil`: values at other points and differences go together")
}

/// `integral(s in 0 .. x, u)`: the same u for all s.
pub fn field_in_integral(span: Span, variable: &str) -> Diagnostic {
    Diagnostic::error(INTEGRAL, span, format!("this field does not depend on `{variable}`"))
        .help(format!("write the field where it is wanted: `u({variable})`"))
}

/// A residual with an input function in it and no field that depends on one.
pub fn no_operator(span: Span, residual: &str) -> Diagnostic {
    Diagnostic::error(
        OPERATOR_PLACE,
        span,
        format!("`{residual}` has an input function in it, and no field that depends on one"),
    )
    .help(
        "no single field can satisfy it for every function: use the field of a network that takes the function, `G[a]`",
    )
}

/// `integral(…)` in neither of its forms.
pub fn integral_form(span: Span) -> Diagnostic {
    Diagnostic::error(INTEGRAL, span, "this is no integral that can be taken")
        .help("write `integral(a, 0, x)` for an input function, or `integral(s in 0 .. x, sin(s))` for an expression")
}
