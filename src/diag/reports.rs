//! Messages about the report (SNN0906 to SNN0999).
//!
//! ```text
//! expect l3 < 0.01    ->    SNN0908: there is no metric `l3`        help: did you mean `l2`?
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const UNKNOWN_METRIC: Code = Code(906);
const NO_EXACT: Code = Code(907);
const UNKNOWN_EXPECTED: Code = Code(908);
const EXPECT_FORM: Code = Code(909);
const UNKNOWN_PLOT: Code = Code(910);
const SAVE_NAME: Code = Code(911);
const REPEATED: Code = Code(912);
const NO_SPIKES: Code = Code(913);
const UNKNOWN_RESIDUAL: Code = Code(914);

macro_rules! info {
    ($code:expr, $slug:expr, $page:expr) => {
        CodeInfo { code: $code, slug: $slug, page: include_str!(concat!("../../docs/errors/", $page, ".md")) }
    };
}

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "reports",
    codes: &[
        info!(UNKNOWN_METRIC, "unknown_metric", "SNN0906"),
        info!(NO_EXACT, "no_exact", "SNN0907"),
        info!(UNKNOWN_EXPECTED, "unknown_expected", "SNN0908"),
        info!(EXPECT_FORM, "expect_form", "SNN0909"),
        info!(UNKNOWN_PLOT, "unknown_plot", "SNN0910"),
        info!(SAVE_NAME, "save_name", "SNN0911"),
        info!(REPEATED, "repeated_in_report", "SNN0912"),
        info!(NO_SPIKES, "no_spikes", "SNN0913"),
        info!(UNKNOWN_RESIDUAL, "unknown_residual", "SNN0914"),
    ],
};

fn choice(code: Code, span: Span, what: &str, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(code, span, format!("there is no {what} `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None if known.is_empty() => d,
        None => d.help(format!("there are {}", super::names::list(known))),
    }
}

pub fn unknown_metric(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    choice(UNKNOWN_METRIC, span, "measure", name, known, nearest)
}

pub fn unknown_residual(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    choice(UNKNOWN_RESIDUAL, span, "residual", name, known, nearest)
}

/// Something in the report compares with an exact solution that the program does not give.
pub fn no_exact(span: Span, what: &str, field: &str) -> Diagnostic {
    Diagnostic::error(
        NO_EXACT,
        span,
        format!("{what} compares with the exact solution of `{field}`, and there is none"),
    )
    .help(format!("add `exact {field} = …`; it is used to measure, never to train"))
}

pub fn unknown_expected(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    choice(UNKNOWN_EXPECTED, span, "metric", name, known, nearest)
}

pub fn expect_form(span: Span) -> Diagnostic {
    Diagnostic::error(EXPECT_FORM, span, "an expectation compares a metric with a number")
        .help("as in `expect l2 < 0.01`; also `<=`, `>` and `>=`")
}

/// `expect last < first`.
pub fn expect_metrics(span: Span, other: &str) -> Diagnostic {
    Diagnostic::error(EXPECT_FORM, span, "an expectation compares a metric with a number")
        .here(format!("`{other}` is no number"))
        .help("write a number in its place; to see both, give each a metric of its own")
}

/// `expect nu < 0.4 and nu > 0.2`.
pub fn two_expectations(span: Span, parts: [&str; 2]) -> Diagnostic {
    Diagnostic::error(EXPECT_FORM, span, "an expectation is a single comparison")
        .help(format!("write two: `expect {}` and `expect {}`", parts[0], parts[1]))
}

pub fn unknown_plot(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    choice(UNKNOWN_PLOT, span, "plot", name, known, nearest)
}

/// `why` says what does not fit: a heat map over one coordinate.
pub fn plot_form(span: Span, why: &str, instead: &str) -> Diagnostic {
    Diagnostic::error(UNKNOWN_PLOT, span, why.to_string()).help(format!("write `{instead}`"))
}

pub fn save_name(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error(SAVE_NAME, span, format!("`{name}` is no plain file name that ends in `.npz`"))
        .help("results are written into the run's own folder, as in `save \"wave.npz\"`")
}

pub fn repeated(span: Span, what: &str, first: Span) -> Diagnostic {
    Diagnostic::error(REPEATED, span, format!("{what} is given twice"))
        .label(first, "here first")
        .help("remove one of them")
}

pub fn no_spikes(span: Span, layer: &str, declared: Span) -> Diagnostic {
    Diagnostic::error(NO_SPIKES, span, format!("the layer `{layer}` does not spike: it has no raster"))
        .label(declared, "the layer")
}
