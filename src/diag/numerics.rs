//! Messages of a run in which a number stopped being finite (SNN11xx).
//!
//! ```text
//! flow v' = v*v   ->   SNN1101: `v` of neuron 3 of layer `h` became infinite in time step 12 of 64     help: a smaller `dt` …
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const STATE: Code = Code(1101);
const CURRENT: Code = Code(1102);
const OUTPUT: Code = Code(1103);
const TERMS: Code = Code(1104);
const WEIGHTS: Code = Code(1105);
const SIMULATED: Code = Code(1106);
const DRAWN: Code = Code(1107);

macro_rules! info {
    ($code:expr, $slug:expr, $page:expr) => {
        CodeInfo { code: $code, slug: $slug, page: include_str!(concat!("../../docs/errors/", $page, ".md")) }
    };
}

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "numbers that are not finite",
    codes: &[
        info!(STATE, "state_not_finite", "SNN1101"),
        info!(CURRENT, "current_not_finite", "SNN1102"),
        info!(OUTPUT, "output_not_finite", "SNN1103"),
        info!(TERMS, "terms_not_finite", "SNN1104"),
        info!(WEIGHTS, "weights_not_finite", "SNN1105"),
        info!(SIMULATED, "simulated_state_not_finite", "SNN1106"),
        info!(DRAWN, "drawn_not_finite", "SNN1107"),
    ],
};

/// Where in a run, and about which residual.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    pub phase: &'a str,
    pub step: usize,
    pub residual: &'a str,
    /// Where the residual is defined; `None` if it is none in particular.
    pub residual_span: Option<Span>,
    /// `x = 0.3, t = 1`, or nothing.
    pub point: &'a str,
    /// The phase takes steps by a rate.
    pub gradient: bool,
}

impl Run<'_> {
    fn when(&self) -> String {
        match self.step {
            0 => format!("at the start of phase `{}`", self.phase),
            n => format!("in phase `{}`, step {n}", self.phase),
        }
    }

    fn residual(&self, d: Diagnostic) -> Diagnostic {
        let at = if self.point.is_empty() { String::new() } else { format!(": {}", self.point) };
        match self.residual_span {
            Some(span) if span != d.span() => d.label(span, format!("at a point of `{}`{at}", self.residual)),
            _ => d,
        }
    }

    fn smaller(&self, otherwise: &str) -> String {
        let kept = "the last good weights are kept";
        match self.gradient && self.step > 0 {
            true => format!(
                "{kept}; it happened {}: a smaller `rate` or `sigma`, or `clip 1`, keeps the weights in reach; {otherwise}",
                self.when()
            ),
            false => format!("{kept}; it happened {}: {otherwise}", self.when()),
        }
    }
}

/// What a number has become.
fn became(value: f64) -> &'static str {
    if value.is_nan() { "stopped being a number" } else { "became infinite" }
}

fn is(value: f64) -> &'static str {
    if value.is_nan() { "is not a number" } else { "is infinite" }
}

/// A state of a neuron, in step `at` of so many, from 1. `layer` is the layer's place.
pub fn state(
    layer: Span,
    (name, unit): (&str, usize),
    (state, value): (&str, f64),
    (at, of): (usize, usize),
    run: Run<'_>,
) -> Diagnostic {
    let what = format!("`{state}` of neuron {unit} of layer `{name}` {} in time step {at} of {of}", became(value));
    let help =
        run.smaller("a smaller `dt`, `substeps N` in the neuron, or another `integrate` steps over less at a time");
    run.residual(Diagnostic::error(STATE, layer, what).help(help))
}

/// What goes into a unit.
pub fn current(
    layer: Span,
    (name, unit): (&str, usize),
    value: f64,
    step: Option<(usize, usize)>,
    run: Run<'_>,
) -> Diagnostic {
    let when = step.map_or(String::new(), |(at, of)| format!(" in time step {at} of {of}"));
    let what = format!("what goes into unit {unit} of layer `{name}` {}{when}", is(value));
    let help = run.smaller(
        "what comes before the layer, or its weights, are too large for the numbers that the network is run in",
    );
    run.residual(Diagnostic::error(CURRENT, layer, what).help(help))
}

/// The field or a derivative of it, of states that are finite.
pub fn output(network: Span, run: Run<'_>) -> Diagnostic {
    let what = format!("the network's output for `{}`, or a derivative of it, is not finite", run.residual);
    let help = run.smaller("smaller weights, or functions without poles, keep it finite");
    run.residual(Diagnostic::error(OUTPUT, network, what).help(help))
}

/// The network is finite, the residual is not.
pub fn terms(residual: Span, run: Run<'_>) -> Diagnostic {
    let at = if run.point.is_empty() { String::new() } else { format!(" at {}", run.point) };
    let what = format!("the terms of `{}` are not finite{at}", run.residual);
    let help = format!(
        "the network's own values are finite there, {}: a source, a coefficient, a condition or a nonlinear term has a pole \
         or overflows; keep the points away from it, or write it without",
        run.when()
    );
    Diagnostic::error(TERMS, residual, what).help(help)
}

/// A parameter; `place` is its layer, or the residual.
pub fn weights(place: Span, param: &str, value: f64, run: Run<'_>) -> Diagnostic {
    let what = format!("a weight of `{param}` {} in phase `{}` at step {}", became(value), run.phase, run.step);
    Diagnostic::error(WEIGHTS, place, what)
        .help("the last good weights are kept; a smaller `rate`, or `clip 1`, keeps the steps short")
}

/// Nothing more is known than the residual.
pub fn somewhere(place: Span, run: Run<'_>) -> Diagnostic {
    let what = format!("{} stopped being finite {}", run.residual, run.when());
    Diagnostic::error(TERMS, place, what).help(run.smaller("look at its terms for poles and overflows"))
}

/// A state of a unit of a simulation. `time` is when, with its unit.
pub fn simulated(
    population: Span,
    (name, unit): (&str, u32),
    (state, value): (&str, f64),
    (step, time): (u64, &str),
) -> Diagnostic {
    let what = format!("{state} of unit {unit} of `{name}` {} at {time}, in step {step}", became(value));
    Diagnostic::error(SIMULATED, population, what).help(
        "what was simulated before is saved; a smaller `dt`, `substeps N` in the neuron or another `integrate` steps over \
         less at a time",
    )
}

/// Weights or delays of a connection, drawn before the first step.
pub fn drawn(connection: Span, from: &str, to: &str) -> Diagnostic {
    Diagnostic::error(DRAWN, connection, format!("a weight or delay of {from} -> {to} is not finite"))
        .help("look at what is drawn there: a deviation, a division, a logarithm of 0")
}
