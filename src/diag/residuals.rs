//! Messages about residuals, conditions and exact solutions (SNN07xx).
//!
//! ```text
//! residual pde on interior : d(u, x, x) = 1 by jet
//!                                              ^^^ SNN0704: no exact derivative through the spikes of `lif`
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const OUTSIDE: Code = Code(701);
const REPEATED_OPTION: Code = Code(702);
const NO_FIELD: Code = Code(703);
const NOT_SMOOTH: Code = Code(704);
const NOT_WEAK: Code = Code(705);
const UNKNOWN_METHOD: Code = Code(706);
const GIVEN_TWICE: Code = Code(707);
const GRID: Code = Code(708);
const COLUMN_DERIVATIVE: Code = Code(709);
const NO_EFFECT: Code = Code(710);
const EXACT_IS_WRONG: Code = Code(711);
const UNKNOWN_PLACE: Code = Code(712);
const EXACT_TWICE: Code = Code(713);
const NOTHING_GIVEN: Code = Code(714);
const WITHOUT_COORDINATE: Code = Code(715);
const HARD_CONDITION: Code = Code(716);
const JUMP: Code = Code(717);

macro_rules! info {
    ($code:expr, $slug:expr, $page:expr) => {
        CodeInfo { code: $code, slug: $slug, page: include_str!(concat!("../../docs/errors/", $page, ".md")) }
    };
}

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "residuals",
    codes: &[
        info!(OUTSIDE, "outside", "SNN0701"),
        info!(REPEATED_OPTION, "repeated_option", "SNN0702"),
        info!(NO_FIELD, "no_field", "SNN0703"),
        info!(NOT_SMOOTH, "not_smooth", "SNN0704"),
        info!(NOT_WEAK, "not_weak", "SNN0705"),
        info!(UNKNOWN_METHOD, "unknown_method", "SNN0706"),
        info!(GIVEN_TWICE, "given_twice", "SNN0707"),
        info!(GRID, "grid", "SNN0708"),
        info!(COLUMN_DERIVATIVE, "column_derivative", "SNN0709"),
        info!(NO_EFFECT, "no_effect", "SNN0710"),
        info!(EXACT_IS_WRONG, "exact_is_wrong", "SNN0711"),
        info!(UNKNOWN_PLACE, "unknown_place", "SNN0712"),
        info!(EXACT_TWICE, "exact_twice", "SNN0713"),
        info!(NOTHING_GIVEN, "nothing_given", "SNN0714"),
        info!(WITHOUT_COORDINATE, "without_coordinate", "SNN0715"),
        info!(HARD_CONDITION, "hard_condition", "SNN0716"),
        CodeInfo { code: JUMP, slug: "jump_under_derivative", page: include_str!("../../docs/errors/SNN0717.md") },
    ],
};

pub fn outside(span: Span, coord: &str, value: f64, lo: f64, hi: f64, declared: Span) -> Diagnostic {
    Diagnostic::error(OUTSIDE, span, format!("{coord} = {value} lies outside the domain"))
        .label(declared, format!("`{coord}` runs from {lo} to {hi}"))
        .help("no point would be taken there")
}

pub fn repeated_option(span: Span, name: &str, first: Span) -> Diagnostic {
    Diagnostic::error(REPEATED_OPTION, span, format!("`{name}` is given twice"))
        .label(first, "here first")
        .help("remove one of them")
}

pub fn no_field(span: Span, name: &str, fields: &[&str]) -> Diagnostic {
    Diagnostic::error(NO_FIELD, span, format!("no field stands in the residual `{name}`: nothing can be trained by it"))
        .help(format!("the program's field is {}", super::names::list(fields)))
}

/// `why` is a clause: "a spike has no second derivative".
pub fn not_smooth(span: Span, at: Span, what: &str, spikes: bool) -> Diagnostic {
    let d = Diagnostic::error(NOT_SMOOTH, span, format!("there is no exact derivative through {what}"))
        .label(at, "the way from the coordinates to the output leads through this");
    if spikes {
        d.help(
            "a spiking output jumps; a surrogate's derivatives are not those of the output (its second derivative \
             correlates with the true one by less than 0.3), so a small residual would say nothing. Use `by weak`, which \
             moves the derivatives onto test functions, or `by stencil(h = 0.05)`, which observes the output itself",
        )
    } else {
        d.help("use a smooth activation such as `tanh` or `sin`, or `by weak` or `by stencil(h = 0.05)`")
    }
}

pub fn not_weak(span: Span, reason: &str) -> Diagnostic {
    Diagnostic::error(NOT_WEAK, span, format!("this residual has no weak form: {reason}"))
        .help("write nonlinear terms as derivatives of functions of the field, such as `d(u^2/2, x)`; or use `by stencil(h = 0.05)`")
}

pub fn weak_place(span: Span) -> Diagnostic {
    Diagnostic::error(NOT_WEAK, span, "a weak form is an integral over the whole domain")
        .help("put the residual `on interior`; conditions on faces enter its weak form by themselves")
}

pub fn unknown_method(span: Span, what: &str, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_METHOD, span, format!("there is no {what} `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d.help(format!("there are {}", super::names::list(known))),
    }
}

pub fn given_twice(span: Span, what: &str, first: Span) -> Diagnostic {
    Diagnostic::error(GIVEN_TWICE, span, format!("{what} is given by two conditions"))
        .label(first, "given here first")
        .help("remove one of them, or make one residual of both")
}

/// A grid must say how many points each coordinate has.
pub fn grid(span: Span, missing: &[&str], example: &str) -> Diagnostic {
    Diagnostic::error(GRID, span, format!("the grid does not say how many points {} has", super::names::list(missing)))
        .help(format!("as in `{example}`"))
}

pub fn column_derivative(span: Span) -> Diagnostic {
    Diagnostic::error(COLUMN_DERIVATIVE, span, "a column of data has no derivative")
        .help("only fields and functions of the coordinates can be differentiated")
}

pub fn no_effect(span: Span, option: &str, why: &str) -> Diagnostic {
    Diagnostic::error(NO_EFFECT, span, format!("`{option}` would have no effect: {why}")).help("remove it")
}

/// A warning: the exact solution leaves a residual.
pub fn exact_is_wrong(span: Span, residual: Span, name: &str, left: &str, size: &str, place: &str) -> Diagnostic {
    Diagnostic::warning(
        EXACT_IS_WRONG,
        span,
        format!("the exact solution does not satisfy `{name}`: it leaves {left} at {place}, where the terms are of size {size}"),
    )
    .label(residual, "this residual")
    .help("errors would be measured against something else than the solution; check both formulas")
}

/// An exact solution written for one value of a constant is wrong for another.
pub fn also_set(d: Diagnostic, set: &[&str]) -> Diagnostic {
    if set.is_empty() {
        return d;
    }
    let (were, it) = if set.len() == 1 { ("was", "it") } else { ("were", "them") };
    d.help(format!(
        "{} {were} set on the command line: write the exact solution with {it}, or it holds for the file's value alone",
        super::names::list(set)
    ))
}

pub fn unknown_place(span: Span, name: &str, nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_PLACE, span, format!("there is no place `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean the curve `{n}`?")),
        None => d.help(
            "places are `interior`, `domain`, ends such as `x = 0`, the domain's curves, `grid(x = 101)` and a file in quotes",
        ),
    }
}

pub fn exact_twice(span: Span, field: &str, first: Span) -> Diagnostic {
    Diagnostic::error(EXACT_TWICE, span, format!("the exact solution of `{field}` is given twice"))
        .label(first, "here first")
}

/// A warning: an equation of this order with no condition at all has many solutions.
pub fn nothing_given(span: Span, name: &str, coord: &str, lo: f64) -> Diagnostic {
    Diagnostic::warning(
        NOTHING_GIVEN,
        span,
        format!("`{name}` is a differential equation, and no condition or data says which of its solutions is meant"),
    )
    .help(format!("add a condition, such as `residual {} on {coord} = {lo} : u = 0`", condition(coord)))
}

/// A warning: along one coordinate nothing picks a solution.
pub fn nothing_given_along(span: Span, name: &str, coord: &str, lo: f64) -> Diagnostic {
    Diagnostic::warning(
        NOTHING_GIVEN,
        span,
        format!("`{name}` differentiates along `{coord}`, and no condition is given at either end of `{coord}`"),
    )
    .help(format!("add one, such as `residual {} on {coord} = {lo} : u = 0`; or leave it to the data, with `allow(SNN0714)` before this residual", condition(coord)))
}

/// A name for a condition at the low end of a coordinate: time starts there, space ends.
fn condition(coord: &str) -> &'static str {
    if coord == "t" { "start" } else { "end" }
}

/// A warning: fewer conditions along a coordinate than the equation has derivatives.
pub fn too_few(span: Span, name: &str, coord: &str, order: u8, given: usize) -> Diagnostic {
    let what = if given == 1 { "1 condition is".to_string() } else { format!("{given} conditions are") };
    let message = format!("`{name}` is of order {order} along `{coord}`, and {what} given at the ends of `{coord}`");
    Diagnostic::warning(NOTHING_GIVEN, span, message)
        .help(format!("it wants {order} in all; if that is meant, write `allow(SNN0714)` before this residual"))
}

/// A warning: a coefficient that may jump stands under a derivative.
pub fn jump_under_derivative(span: Span, name: &str, coord: &str) -> Diagnostic {
    let message = format!("a coefficient in `{name}` may jump along `{coord}`, and stands under a derivative along it");
    Diagnostic::warning(JUMP, span, message).help(
        "where it jumps its derivative is no function, and is left out; make the flux a field of its own: `output u, q`, \
         `d(u, x) = q/k(x)`, `d(q, x) = …`",
    )
}

/// A warning: the exact solution has no value at a point of the domain.
pub fn exact_not_finite(span: Span, value: f64, place: &str) -> Diagnostic {
    Diagnostic::warning(EXACT_IS_WRONG, span, format!("the exact solution is {value} at {place}"))
        .help("look for a division by zero, or a function outside of where it is defined")
}

/// `d(u, t)` of a network that `t` does not enter: it would be zero everywhere.
pub fn without_coordinate(span: Span, field: &str, coord: &str, network: Span) -> Diagnostic {
    Diagnostic::error(
        WITHOUT_COORDINATE,
        span,
        format!("`{field}` does not depend on `{coord}`, its derivative is zero"),
    )
    .label(network, format!("`{coord}` is not among its arguments"))
    .help(format!("add `{coord}` to the network's arguments, or differentiate along another coordinate"))
}

/// A warning: the form of the network's output rules the exact solution out.
pub fn exact_out_of_reach(span: Span, at: &str, forced: &str, wanted: &str, output: Span) -> Diagnostic {
    Diagnostic::warning(
        EXACT_IS_WRONG,
        span,
        "the exact solution does not satisfy what the network's output holds by its form",
    )
    .here(format!("this is {wanted} at {at}"))
    .label(output, format!("this is {forced} there, whatever the weights"))
    .help("change the factor in the network's output, or the exact solution")
}

/// A warning: the form of the network's output rules a condition out.
pub fn hard_condition(span: Span, name: &str, at: &str, forced: &str, wanted: &str, output: Span) -> Diagnostic {
    Diagnostic::warning(HARD_CONDITION, span, format!("the network can never meet the condition `{name}`"))
        .here(format!("this wants {wanted} at {at}"))
        .label(output, format!("this is {forced} there, whatever the weights"))
        .help("change the factor in the network's output, or the condition")
}
