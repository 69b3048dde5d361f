//! Messages about the training schedule (SNN08xx).
//!
//! ```text
//! estimate difference      with    perturb gaussian directions 8
//!     -> SNN0804: `estimate difference` needs the size of the perturbation       help: perturb gaussian(sigma = 0.05) …
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const MISSING_STATEMENT: Code = Code(801);
const REPEATED_STATEMENT: Code = Code(802);
const UNKNOWN_CHOICE: Code = Code(803);
const NO_SIGMA: Code = Code(804);
const NOT_A_PURSUIT_LAYER: Code = Code(805);
const NO_READOUT: Code = Code(806);
const WRONG_PHASE: Code = Code(807);
const EMPTY_SCHEDULE: Code = Code(808);
const OVER_DETERMINED: Code = Code(820);
const NOTHING_TRAINABLE: Code = Code(809);
const SIGMA_UNUSED: Code = Code(810);
const FULL_RANK: Code = Code(811);
const STOP_FORM: Code = Code(840);
const UNKNOWN_STOP: Code = Code(841);
const BATCH_IS_ALL: Code = Code(842);
const STOP_NEVER: Code = Code(843);

macro_rules! info {
    ($code:expr, $slug:expr, $page:expr) => {
        CodeInfo { code: $code, slug: $slug, page: include_str!(concat!("../../docs/errors/", $page, ".md")) }
    };
}

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "training",
    codes: &[
        info!(MISSING_STATEMENT, "missing_statement", "SNN0801"),
        info!(REPEATED_STATEMENT, "repeated_in_phase", "SNN0802"),
        info!(UNKNOWN_CHOICE, "unknown_choice_in_phase", "SNN0803"),
        info!(NO_SIGMA, "no_sigma", "SNN0804"),
        info!(NOT_A_PURSUIT_LAYER, "not_a_pursuit_layer", "SNN0805"),
        info!(NO_READOUT, "no_readout", "SNN0806"),
        info!(WRONG_PHASE, "wrong_phase", "SNN0807"),
        info!(EMPTY_SCHEDULE, "empty_schedule", "SNN0808"),
        info!(NOTHING_TRAINABLE, "nothing_trainable", "SNN0809"),
        info!(SIGMA_UNUSED, "sigma_unused", "SNN0810"),
        info!(FULL_RANK, "full_rank", "SNN0811"),
        CodeInfo { code: OVER_DETERMINED, slug: "over_determined", page: include_str!("../../docs/errors/SNN0820.md") },
        info!(STOP_FORM, "stop_form", "SNN0840"),
        info!(UNKNOWN_STOP, "unknown_stop", "SNN0841"),
        info!(BATCH_IS_ALL, "batch_is_all", "SNN0842"),
        info!(STOP_NEVER, "stop_never", "SNN0843"),
    ],
};

/// `what` is the statement that is missing, `example` how it could look.
pub fn missing(span: Span, phase: &str, what: &str, example: &str) -> Diagnostic {
    Diagnostic::error(MISSING_STATEMENT, span, format!("phase `{phase}` has no `{what}`"))
        .help(format!("add `{example}`"))
}

pub fn repeated(span: Span, what: &str, first: Span) -> Diagnostic {
    Diagnostic::error(REPEATED_STATEMENT, span, format!("`{what}` is given twice"))
        .label(first, "here first")
        .help("remove one of them")
}

pub fn unknown_choice(span: Span, what: &str, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_CHOICE, span, format!("there is no {what} `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d.help(format!("there are {}", super::names::list(known))),
    }
}

pub fn no_sigma(span: Span, perturb: Span, name: &str) -> Diagnostic {
    Diagnostic::error(NO_SIGMA, span, "`estimate difference` needs the size of the perturbation")
        .label(perturb, "no `sigma` here")
        .help(format!("write `perturb {name}(sigma = 0.05) …`"))
}

/// A warning: with `estimate forward` the size does not matter.
pub fn sigma_unused(span: Span) -> Diagnostic {
    Diagnostic::warning(
        SIGMA_UNUSED,
        span,
        "`sigma` does not matter here: `estimate forward` takes the exact derivative along the direction",
    )
    .help("remove it, or use `estimate difference`")
}

/// `widest`: the smaller side of the largest matrix that is perturbed, if there is any.
pub fn full_rank(span: Span, rank: u64, widest: Option<u32>, nodes: bool) -> Diagnostic {
    let d =
        Diagnostic::error(FULL_RANK, span, format!("directions of rank {rank} would be those of `perturb gaussian`"));
    match widest {
        _ if nodes => d
            .here("`scope node` perturbs one column of a matrix at a time")
            .help("write `scope layer` or `scope global`, or `perturb gaussian`"),
        Some(n) => d
            .here(format!("no matrix of weights that it perturbs has more than {n} rows and columns"))
            .help(format!("write a rank below {n}, or `perturb gaussian`")),
        None => d.here("it perturbs no matrix of several rows and columns").help("write `perturb gaussian`"),
    }
}

/// `why` is a clause.
pub fn not_a_pursuit_layer(span: Span, layer: &str, declared: Span, why: &str, sums: bool) -> Diagnostic {
    let d = Diagnostic::error(NOT_A_PURSUIT_LAYER, span, format!("the neurons of `{layer}` cannot be chosen one by one: {why}"))
        .label(declared, "the layer")
        .help("a pursuit works on the last layer before the readout, when each of its neurons gives one feature, as in `layer h = tuned(x, 64) |> lif`, `output = h |> mean |> dense(1)`");
    if sums { d.help(ONE_READOUT) } else { d }
}

/// The output sums several `dense`: `sums`.
const ONE_READOUT: &str = "the output sums two `dense`, and a readout is one: put what they act on side by side, \
                           `output = concat(h |> mean, g |> mean) |> dense(1)`";

pub fn no_readout(span: Span, network: Span, what: &str, sums: bool) -> Diagnostic {
    let d = Diagnostic::error(NO_READOUT, span, format!("{what} needs a readout, and the network has none"))
        .label(network, "the output is not affine in the weights of a last `dense(1)`")
        .help("end the output with `|> dense(1)`, with nothing nonlinear after it");
    if sums { d.help(ONE_READOUT) } else { d }
}

/// A statement that means nothing in this kind of phase.
pub fn wrong_phase(span: Span, what: &str, kind: &str) -> Diagnostic {
    Diagnostic::error(WRONG_PHASE, span, format!("{what} means nothing in a phase that {kind}")).help("remove it")
}

/// The perturbation of one kind of phase and the update of the other.
pub fn mixed_phase(span: Span, update: &str, perturb: Span) -> Diagnostic {
    let (message, here, help) = match update {
        "pursuit" => (
            "`update pursuit` chooses neurons, and this phase perturbs weights".to_string(),
            "directions of weights",
            "write `perturb neurons(h)` in place of it, or `estimate …` and `update adam(rate = 0.01)`",
        ),
        other => (
            format!("`update {other}` follows a gradient of the weights, and this phase chooses neurons"),
            "neurons to choose from",
            "write `update pursuit`; or `perturb gaussian(sigma = 0.05) directions 16`, `estimate difference` and `steps 200`, in \
             a phase of their own",
        ),
    };
    Diagnostic::error(WRONG_PHASE, span, message).label(perturb, here).help(help)
}

pub fn empty_schedule(span: Span) -> Diagnostic {
    Diagnostic::error(EMPTY_SCHEDULE, span, "the train block is empty")
        .help("say a seed, a precision or phases, or remove the block: without phases the default schedule is taken")
}

pub fn nothing_trainable(span: Span, layer: &str) -> Diagnostic {
    Diagnostic::error(NOTHING_TRAINABLE, span, format!("the layer `{layer}` has no trainable parameters"))
        .help("name another layer, or remove `frozen`")
}

pub fn stop_form(span: Span) -> Diagnostic {
    Diagnostic::error(
        STOP_FORM,
        span,
        "`stop when` compares a metric of the report, an unknown or the loss with a number",
    )
    .help("write `stop when l2 < 1e-3`, `stop when loss < 1e-6` or `stop when stalled 200`")
}

/// `known` are the names that could stand there, with `loss`.
pub fn unknown_stop(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_STOP, span, format!("there is nothing called `{name}` to stop by"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None if known.len() == 1 => {
            d.help("without a metric in the report there is only `loss`; a metric needs an `exact` solution")
        }
        None => d.help(format!("there are {}", super::names::list(known))),
    }
}

pub fn batch_is_all(span: Span, most: usize) -> Diagnostic {
    let why = match most {
        0 => "no residual is trained on collocation points: a weak form is an integral over all of the domain"
            .to_string(),
        n => format!("no residual has more than {n} collocation points"),
    };
    Diagnostic::error(BATCH_IS_ALL, span, format!("`batch` would have no effect: {why}")).help(if most == 0 {
        "remove it"
    } else {
        "give a smaller number, or remove it"
    })
}

/// A warning: more conditions along a coordinate than the equation's order there leaves open. `order` is that of `equation`.
pub fn over_determined(
    span: Span,
    coord: &str,
    given: usize,
    order: u8,
    equation: &str,
    others: &[Span],
    at: Span,
) -> Diagnostic {
    let mut d = Diagnostic::warning(
        OVER_DETERMINED,
        span,
        format!("{given} conditions are given along `{coord}`, where `{equation}` leaves room for {order}"),
    )
    .here("with this one they are too many")
    .label(at, format!("of order {order} along `{coord}`"));
    for other in others {
        d = d.label(*other, "given here");
    }
    d.help("in general no solution meets all of them, and training ends at a compromise; remove one, or silence this by `allow(SNN0820)` if they agree")
}

/// `unit` is `step` or `round`.
pub fn stop_never(span: Span, most: usize, unit: &str) -> Diagnostic {
    let plural = if most == 1 { "" } else { "s" };
    Diagnostic::error(STOP_NEVER, span, format!("this never stops the phase: it has {most} {unit}{plural} in all"))
        .help("give a smaller number, or remove it")
}
