//! Messages about neuron models (SNN05xx).
//!
//! ```text
//! reset v = 0   without `spike when …`    ->    SNN0506: a reset without a spike
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const NOT_A_STATE: Code = Code(501);
const REPEATED_STATEMENT: Code = Code(502);
const MISSING_STATE: Code = Code(503);
const SPIKE_CONDITION: Code = Code(504);
const UNKNOWN_CHOICE: Code = Code(505);
const RESET_WITHOUT_SPIKE: Code = Code(506);
const NOT_LINEAR: Code = Code(507);
const CONSTANT_SPIKE: Code = Code(508);
const UNUSED_INPUT: Code = Code(509);
const CONSTANT_STATE: Code = Code(510);
const SUBSTEPS: Code = Code(520);
const REFRACTORY: Code = Code(521);
const TRAINED_REFRACTORY: Code = Code(522);
const EMIT: Code = Code(523);
const SILENT: Code = Code(524);
const RESTLESS: Code = Code(525);
const UNSTABLE: Code = Code(526);
const UNTIMED: Code = Code(527);
const NO_RESET: Code = Code(528);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "neurons",
    codes: &[
        CodeInfo { code: NOT_A_STATE, slug: "not_a_state", page: include_str!("../../docs/errors/SNN0501.md") },
        CodeInfo {
            code: REPEATED_STATEMENT,
            slug: "repeated_statement",
            page: include_str!("../../docs/errors/SNN0502.md"),
        },
        CodeInfo { code: MISSING_STATE, slug: "missing_state", page: include_str!("../../docs/errors/SNN0503.md") },
        CodeInfo { code: SPIKE_CONDITION, slug: "spike_condition", page: include_str!("../../docs/errors/SNN0504.md") },
        CodeInfo { code: UNKNOWN_CHOICE, slug: "unknown_choice", page: include_str!("../../docs/errors/SNN0505.md") },
        CodeInfo {
            code: RESET_WITHOUT_SPIKE,
            slug: "reset_without_spike",
            page: include_str!("../../docs/errors/SNN0506.md"),
        },
        CodeInfo { code: NOT_LINEAR, slug: "not_linear", page: include_str!("../../docs/errors/SNN0507.md") },
        CodeInfo { code: CONSTANT_SPIKE, slug: "constant_spike", page: include_str!("../../docs/errors/SNN0508.md") },
        CodeInfo { code: UNUSED_INPUT, slug: "unused_input", page: include_str!("../../docs/errors/SNN0509.md") },
        CodeInfo { code: CONSTANT_STATE, slug: "constant_state", page: include_str!("../../docs/errors/SNN0510.md") },
        CodeInfo { code: SUBSTEPS, slug: "substeps_without_flow", page: include_str!("../../docs/errors/SNN0520.md") },
        CodeInfo {
            code: REFRACTORY,
            slug: "refractory_without_spike",
            page: include_str!("../../docs/errors/SNN0521.md"),
        },
        CodeInfo {
            code: TRAINED_REFRACTORY,
            slug: "trained_refractory",
            page: include_str!("../../docs/errors/SNN0522.md"),
        },
        CodeInfo { code: EMIT, slug: "emit_without_spike", page: include_str!("../../docs/errors/SNN0523.md") },
        CodeInfo { code: SILENT, slug: "never_spikes", page: include_str!("../../docs/errors/SNN0524.md") },
        CodeInfo { code: RESTLESS, slug: "always_spikes", page: include_str!("../../docs/errors/SNN0525.md") },
        CodeInfo { code: UNSTABLE, slug: "unstable_step", page: include_str!("../../docs/errors/SNN0526.md") },
        CodeInfo { code: UNTIMED, slug: "dt_without_unit", page: include_str!("../../docs/errors/SNN0527.md") },
        CodeInfo { code: NO_RESET, slug: "no_reset", page: include_str!("../../docs/errors/SNN0528.md") },
    ],
};

/// `flow`, `update` or `reset` (`what`) of a name that is no state.
pub fn not_a_state(span: Span, what: &str, name: &str, nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(NOT_A_STATE, span, format!("`{what}` is for a state, and `{name}` is none"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d.help(format!("declare it: `state {name} = 0`")),
    }
}

/// Two statements where there can be one: `spike`, `input`, `integrate`, or a second rule for one state.
pub fn repeated_statement(span: Span, what: &str, first: Span) -> Diagnostic {
    Diagnostic::error(REPEATED_STATEMENT, span, format!("there is a second {what}")).label(first, "the first is here")
}

/// A state with both `flow` and `update`.
pub fn two_rules(span: Span, state: &str, first: Span) -> Diagnostic {
    Diagnostic::error(REPEATED_STATEMENT, span, format!("the state `{state}` has a second rule of motion"))
        .label(first, "the first is here")
        .help("a state moves by one `flow` (an equation in time) or one `update` (a map from step to step)")
}

/// A neuron without any state.
pub fn missing_state(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error(MISSING_STATE, span, format!("the neuron `{name}` has no state"))
        .help("declare one: `state v = 0`")
}

/// `spike when v`.
pub fn spike_condition(span: Span) -> Diagnostic {
    Diagnostic::error(SPIKE_CONDITION, span, "a spike condition compares two numbers by `>=`, `>`, `<=` or `<`")
        .help("as in `spike when v >= theta`: the surrogate is a function of how far apart the two sides are")
}

/// An unknown surrogate or integrator.
pub fn unknown_choice(span: Span, what: &str, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_CHOICE, span, format!("there is no {what} `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d.help(format!("there are {}", super::names::list(known))),
    }
}

/// A reset in a neuron that never spikes.
pub fn reset_without_spike(span: Span) -> Diagnostic {
    Diagnostic::error(RESET_WITHOUT_SPIKE, span, "a reset in a neuron that has no spike")
        .help("add `spike when …`, or remove the reset")
}

/// An integrator that the flow does not allow. `why` completes "the flow of `v` …".
pub fn not_linear(span: Span, method: &str, state: &str, flow: Span, why: &str, instead: &str) -> Diagnostic {
    Diagnostic::error(NOT_LINEAR, span, format!("`integrate {method}` cannot solve the flow of `{state}`"))
        .label(flow, why)
        .help(format!("use `integrate {instead}`, or leave `integrate` out"))
}

/// A warning: the condition has no state in it.
pub fn constant_spike(span: Span) -> Diagnostic {
    Diagnostic::warning(CONSTANT_SPIKE, span, "this spike condition does not depend on any state")
        .help("the neuron spikes in every step or in none")
}

/// A warning: no input, or one that nothing depends on. `span` is the input or, without one, the neuron's name.
pub fn unused_input(span: Span, neuron: &str, declared: bool) -> Diagnostic {
    let message = if declared {
        format!("nothing in the neuron `{neuron}` depends on its input")
    } else {
        format!("the neuron `{neuron}` has no input")
    };
    Diagnostic::warning(UNUSED_INPUT, span, message)
        .help("whatever it is given, it does the same; use the input in a `flow` or an `update`")
}

/// A warning: a state without `flow`, `update` and `reset`.
pub fn constant_state(span: Span, state: &str) -> Diagnostic {
    Diagnostic::warning(CONSTANT_STATE, span, format!("the state `{state}` never changes"))
        .help("give it a `flow`, an `update` or a `reset`, or make it a `param`")
}

/// `substeps` in a neuron of maps.
pub fn substeps_without_flow(span: Span) -> Diagnostic {
    Diagnostic::error(SUBSTEPS, span, "substeps refine the integration of a flow, and this neuron has none")
        .help("an `update` happens once a step; remove `substeps`, or write the dynamics as a `flow`")
}

/// `refractory` in a neuron that never spikes.
pub fn refractory_without_spike(span: Span) -> Diagnostic {
    Diagnostic::error(REFRACTORY, span, "a refractory time in a neuron that has no spike")
        .help("add `spike when …`, or remove `refractory`")
}

/// A refractory time that would be trained.
pub fn trained_refractory(span: Span, declared: Span) -> Diagnostic {
    Diagnostic::error(TRAINED_REFRACTORY, span, "a refractory time cannot be trained: it is a whole number of steps")
        .label(declared, "this parameter is trained")
        .help("use a parameter without `trainable`")
}

/// `emit spike` without `spike when`.
pub fn emit_without_spike(span: Span) -> Diagnostic {
    Diagnostic::error(EMIT, span, "`spike` in what is emitted by a neuron that has no spike")
        .help("add `spike when …`, or emit something else, such as a state")
}

/// A warning: no constant input of those that it can get makes it spike.
pub fn never_spikes(span: Span, neuron: &str, range: (f64, f64), steps: u32) -> Diagnostic {
    let (lo, hi) = range;
    let message = format!("`{neuron}` never spikes: its input is from {lo} to {hi}, too little in {steps} steps");
    Diagnostic::warning(SILENT, span, message)
        .help("lower its threshold, or bring the input in by weights: `… |> dense(n) |> …` or `tuned(…)`")
}

/// A warning: every constant input of those that it can get makes it spike in every step.
pub fn always_spikes(span: Span, neuron: &str, range: (f64, f64)) -> Diagnostic {
    let (lo, hi) = range;
    let message = format!("`{neuron}` spikes in every step, whatever its input from {lo} to {hi}");
    Diagnostic::warning(RESTLESS, span, message)
        .help("raise its threshold, or reset by more: what always spikes says nothing of its input")
}

/// A warning: nothing ends a spike.
pub fn no_reset(span: Span, neuron: &str) -> Diagnostic {
    Diagnostic::warning(
        NO_RESET,
        span,
        format!("nothing ends a spike of `{neuron}`: it spikes in every step above its threshold"),
    )
    .help("add a `reset`, or see `snnc explain SNN0528` for a spike at the crossing alone")
}

/// A warning: the step is too long for the integrator.
pub fn unstable_step(span: Span, state: &str, method: &str, product: f64, limit: f64, dt: &str) -> Diagnostic {
    let message = format!("a step of {dt} is too long for `{state}`: it grows where its flow decays");
    Diagnostic::warning(UNSTABLE, span, message)
        .here(format!("decay times step is {product:.3}, and `{method}` is stable to {limit}"))
        .help("shorten `dt`, add `substeps`, or use `integrate exponential`")
}

/// A neuron with times in units where `dt` is a plain number.
pub fn untimed(span: Span, neuron: &str) -> Diagnostic {
    let message = format!("the times of `{neuron}` have units, and the network's `dt` has none");
    Diagnostic::error(UNTIMED, span, message).help("say how long a step is: `dt 1ms` in the network")
}
