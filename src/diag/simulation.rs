//! Messages about simulations (SNN1001 to SNN1039).
//!
//! ```text
//! connect exc -> inn weight 1    ->    SNN1004: there is no population `inn`        help: did you mean `inh`?
//! ```

use super::names::list;
use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const NOT_ALONE: Code = Code(1001);
const MISSING: Code = Code(1002);
const REPEATED: Code = Code(1003);
const UNKNOWN_POPULATION: Code = Code(1004);
const UNKNOWN_WITH: Code = Code(1005);
const UNKNOWN_OPTION: Code = Code(1006);
const PATTERN: Code = Code(1007);
const SILENT: Code = Code(1008);
const PORT: Code = Code(1009);
const UNKNOWN_RECORDED: Code = Code(1010);
const NO_UNIT: Code = Code(1011);
const NOISE_OUT_OF_PLACE: Code = Code(1012);
const METRIC_PLACE: Code = Code(1013);
const ONE_STEP: Code = Code(1014);
const TOO_LARGE: Code = Code(1015);
const STEPS: Code = Code(1016);
const RATE: Code = Code(1017);
const NOTHING_RECORDED: Code = Code(1018);
const REFRACTORY_VARIES: Code = Code(1019);
const MODEL_HAS_UNITS: Code = Code(1020);

macro_rules! info {
    ($code:expr, $slug:expr, $page:expr) => {
        CodeInfo { code: $code, slug: $slug, page: include_str!(concat!("../../docs/errors/", $page, ".md")) }
    };
}

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "simulations",
    codes: &[
        info!(NOT_ALONE, "simulate_not_alone", "SNN1001"),
        info!(MISSING, "missing_in_simulate", "SNN1002"),
        info!(REPEATED, "repeated_in_simulate", "SNN1003"),
        info!(UNKNOWN_POPULATION, "unknown_population", "SNN1004"),
        info!(UNKNOWN_WITH, "unknown_with", "SNN1005"),
        info!(UNKNOWN_OPTION, "unknown_connect_option", "SNN1006"),
        info!(PATTERN, "connect_pattern", "SNN1007"),
        info!(SILENT, "silent_population", "SNN1008"),
        info!(PORT, "connect_target", "SNN1009"),
        info!(UNKNOWN_RECORDED, "unknown_recorded", "SNN1010"),
        info!(NO_UNIT, "no_such_unit", "SNN1011"),
        info!(NOISE_OUT_OF_PLACE, "noise_out_of_place", "SNN1012"),
        info!(METRIC_PLACE, "metric_place", "SNN1013"),
        info!(ONE_STEP, "spike_of_one_step", "SNN1014"),
        info!(TOO_LARGE, "simulation_too_large", "SNN1015"),
        info!(STEPS, "number_of_steps", "SNN1016"),
        info!(RATE, "rate_too_high", "SNN1017"),
        info!(NOTHING_RECORDED, "nothing_recorded", "SNN1018"),
        info!(REFRACTORY_VARIES, "refractory_varies", "SNN1019"),
        info!(MODEL_HAS_UNITS, "model_has_units", "SNN1020"),
    ],
};

fn suggest(d: Diagnostic, known: &[&str], nearest: Option<&str>, what: &str) -> Diagnostic {
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None if known.is_empty() => d,
        None => d.help(format!("{what} {}", list(known))),
    }
}

/// A `simulate` block beside parts of a training problem.
pub fn not_alone(span: Span, other: &str, place: Span) -> Diagnostic {
    Diagnostic::error(NOT_ALONE, span, "a program either simulates or trains a network")
        .label(place, format!("this `{other}` belongs to a training problem"))
        .help("put the simulation into a file of its own")
}

/// A `simulate` block without `duration`, `dt` or a population.
pub fn missing(span: Span, what: &str) -> Diagnostic {
    let example = match what {
        "duration" => "`duration 400ms`, or a plain number if the file uses no units",
        "dt" => "`dt 0.1ms`, or a plain number if the file uses no units",
        _ => "`population exc = lif(100) with i = 1.2`",
    };
    let article = if what == "dt" { "" } else { "a " };
    Diagnostic::error(MISSING, span, format!("the simulation has no `{what}`"))
        .help(format!("give it {article}{what}: {example}"))
}

pub fn repeated(span: Span, what: &str, first: Span) -> Diagnostic {
    Diagnostic::error(REPEATED, span, format!("`{what}` is given twice"))
        .label(first, "here first")
        .help("remove one of them")
}

pub fn unknown_population(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_POPULATION, span, format!("there is no population `{name}`"));
    suggest(d, known, nearest, "there are")
}

/// `with u = 1` of a model that has neither an input nor a state `u`.
pub fn unknown_with(span: Span, name: &str, model: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_WITH, span, format!("`{model}` has no input and no state `{name}`"));
    suggest(d, known, nearest, "`with` gives its input, or where a state starts:")
}

pub fn unknown_option(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_OPTION, span, format!("`connect` has no option `{name}`"));
    suggest(d, known, nearest, "its options are")
}

/// `probability 0.1 one_to_one`.
pub fn two_patterns(span: Span, second: &str, place: Span, first: &str) -> Diagnostic {
    Diagnostic::error(PATTERN, span, format!("`{second}` and `{first}` both say which units are connected"))
        .label(place, "the first is here")
        .help("keep one of them")
}

/// `one_to_one` of populations of different sizes.
pub fn sizes_differ(span: Span, a: (&str, u32), b: (&str, u32)) -> Diagnostic {
    let message = format!("`one_to_one` needs equal sizes, but `{}` has {} and `{}` has {} units", a.0, a.1, b.0, b.1);
    Diagnostic::error(PATTERN, span, message).help("make them equal, or connect them with `all` or a `probability`")
}

/// Spikes are wanted of a population whose model has none.
pub fn silent(span: Span, population: &str) -> Diagnostic {
    Diagnostic::error(SILENT, span, format!("`{population}` does not spike: its model has no `spike`"))
        .help("use a model with `spike when …`")
}

pub fn unknown_port(span: Span, name: &str, target: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(PORT, span, format!("`{target}` has no input and no state `{name}`"));
    suggest(d, known, nearest, "a spike can arrive at")
}

/// A target without an input, and no `to`.
pub fn no_input(span: Span, target: &str, states: &[&str]) -> Diagnostic {
    let d = Diagnostic::error(PORT, span, format!("the model of `{target}` has no input for spikes to arrive at"));
    match states {
        [] => d.help("connect to a population of neurons"),
        [first, ..] => d.help(format!("say which state jumps: `to {first}`")),
    }
}

/// `to v tau 5ms`.
pub fn tau_of_state(span: Span, state: &str) -> Diagnostic {
    Diagnostic::error(PORT, span, format!("a state jumps: `tau` has no meaning for `to {state}`"))
        .help("remove `tau`, or connect to the input, whose current then decays with it")
}

pub fn unknown_recorded(span: Span, name: &str, population: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_RECORDED, span, format!("`{population}` has nothing named `{name}` to record"));
    suggest(d, known, nearest, "there are")
}

pub fn no_unit(span: Span, population: &str, size: u32, found: f64) -> Diagnostic {
    Diagnostic::error(NO_UNIT, span, format!("`{population}` has no unit {found}"))
        .help(format!("its units are numbered from 0 to {}", size - 1))
}

/// `noise` in a parameter, a weight, a rate.
pub fn noise_out_of_place(span: Span) -> Diagnostic {
    Diagnostic::error(NOISE_OUT_OF_PLACE, span, "noise changes from step to step, and this is fixed").help(
        "noise belongs into an input: `with i = 1 + 0.5*noise`; values that differ by unit are drawn by \
               `normal(mean, deviation)` or `uniform(lo, hi)`",
    )
}

/// `metric r = rate(exc) on grid(…)`.
pub fn metric_place(span: Span) -> Diagnostic {
    Diagnostic::error(METRIC_PLACE, span, "a measure of spikes has no place")
        .help("choose units and times: `rate(exc[0 .. 9], from = 100ms)`")
}

/// A warning: a spike that adds to the input for the length of one step.
pub fn one_step(span: Span, input: &str) -> Diagnostic {
    Diagnostic::warning(ONE_STEP, span, format!("these spikes add to `{input}` for one time step only")).help(
        "so what they do shrinks with `dt`; give the current a time constant (`tau 5ms`), or let a state jump (`to v`)",
    )
}

pub fn too_large(span: Span, what: &str, most: f64, instead: &str) -> Diagnostic {
    Diagnostic::error(TOO_LARGE, span, format!("this needs more than {most} {what}")).help(instead.to_string())
}

/// A duration that is less than a step, or too many of them.
pub fn steps(span: Span, found: f64, most: f64) -> Diagnostic {
    Diagnostic::error(STEPS, span, format!("this is {found} time steps, expected from 1 to {most}"))
        .help("the number of steps is `duration` over `dt`")
}

/// A Poisson rate of more than one spike a step.
pub fn rate(span: Span, chance: f64) -> Diagnostic {
    Diagnostic::error(RATE, span, format!("this is {chance} spikes a time step, expected from 0 to 1"))
        .help("a unit spikes at most once a step: lower `dt`, or use several units of a lower rate")
}

/// A refractory time that is drawn for each unit.
pub fn refractory_varies(span: Span, param: &str) -> Diagnostic {
    Diagnostic::error(REFRACTORY_VARIES, span, format!("`{param}` is a refractory time, which all units must share"))
        .help("make several populations, one for each time")
}

/// A model in mV and pA in a simulation of plain numbers.
pub fn model_has_units(span: Span, model: &str) -> Diagnostic {
    let message = format!("the numbers of `{model}` have units, and this simulation uses none");
    Diagnostic::error(MODEL_HAS_UNITS, span, message)
        .help("write quantities: `duration 400ms  dt 0.1ms`, an input in the unit of the model, such as `i = 700pA`")
}

/// `trace(exc)` without a `record`.
pub fn nothing_recorded(span: Span, population: &str) -> Diagnostic {
    Diagnostic::error(NOTHING_RECORDED, span, format!("nothing of `{population}` is recorded"))
        .help(format!("add to the simulation: `record v of {population}[0 .. 2]`"))
}
