//! Messages about networks (SNN06xx). Those about static values, signals and widths are in `types`.
//!
//! ```text
//! h |> meen |> dense(1)    ->    SNN0601: there is no layer `meen`       help: did you mean `mean`?
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const UNKNOWN_LAYER: Code = Code(601);
const NOT_A_LAYER: Code = Code(602);
const NEEDS_INPUT: Code = Code(603);
const NETWORK_STATEMENT: Code = Code(604);
const NETWORK_ARGUMENT: Code = Code(605);
const INITIAL_VALUE: Code = Code(606);
const UNUSED_LAYER: Code = Code(607);
const NEEDS_SPIKES: Code = Code(620);
const FURTHER_DOWN: Code = Code(621);
const DECODED_LOOP: Code = Code(622);
const ENDLESS_WIDTH: Code = Code(623);
const NO_MEMBRANE: Code = Code(624);
const LONG_DELAY: Code = Code(625);
const DOT_WIDTHS: Code = Code(626);
const OUTSIDE_CODE: Code = Code(627);
const WIDE_CONVOLUTION: Code = Code(628);

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "networks",
    codes: &[
        CodeInfo { code: UNKNOWN_LAYER, slug: "unknown_layer", page: include_str!("../../docs/errors/SNN0601.md") },
        CodeInfo { code: NOT_A_LAYER, slug: "not_a_layer", page: include_str!("../../docs/errors/SNN0602.md") },
        CodeInfo { code: NEEDS_INPUT, slug: "needs_input", page: include_str!("../../docs/errors/SNN0603.md") },
        CodeInfo {
            code: NETWORK_STATEMENT,
            slug: "network_statement",
            page: include_str!("../../docs/errors/SNN0604.md"),
        },
        CodeInfo {
            code: NETWORK_ARGUMENT,
            slug: "network_argument",
            page: include_str!("../../docs/errors/SNN0605.md"),
        },
        CodeInfo { code: INITIAL_VALUE, slug: "initial_value", page: include_str!("../../docs/errors/SNN0606.md") },
        CodeInfo { code: UNUSED_LAYER, slug: "unused_layer", page: include_str!("../../docs/errors/SNN0607.md") },
        CodeInfo { code: NEEDS_SPIKES, slug: "needs_spikes", page: include_str!("../../docs/errors/SNN0620.md") },
        CodeInfo { code: FURTHER_DOWN, slug: "further_down", page: include_str!("../../docs/errors/SNN0621.md") },
        CodeInfo { code: DECODED_LOOP, slug: "decoded_loop", page: include_str!("../../docs/errors/SNN0622.md") },
        CodeInfo { code: ENDLESS_WIDTH, slug: "endless_width", page: include_str!("../../docs/errors/SNN0623.md") },
        CodeInfo { code: NO_MEMBRANE, slug: "no_membrane", page: include_str!("../../docs/errors/SNN0624.md") },
        CodeInfo { code: LONG_DELAY, slug: "long_delay", page: include_str!("../../docs/errors/SNN0625.md") },
        CodeInfo { code: DOT_WIDTHS, slug: "dot_widths", page: include_str!("../../docs/errors/SNN0626.md") },
        CodeInfo { code: OUTSIDE_CODE, slug: "outside_code", page: include_str!("../../docs/errors/SNN0627.md") },
        CodeInfo {
            code: WIDE_CONVOLUTION,
            slug: "wide_convolution",
            page: include_str!("../../docs/errors/SNN0628.md"),
        },
    ],
};

/// After `|>` stands something that is no layer, neuron, activation or decoder.
pub fn unknown_layer(span: Span, name: &str, nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(UNKNOWN_LAYER, span, format!("there is no layer or neuron `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d.help("`snnc` knows `dense`, `affine`, neurons such as `lif`, activations such as `tanh`, and `mean`"),
    }
}

/// Several outputs are one statement.
pub const ONE_OUTPUT: &str = "name all outputs in one statement, `output u, v = h |> mean |> dense(2)`";

/// A layer that a schedule or a report names.
pub fn no_such_layer(span: Span, name: &str, known: &[&str], nearest: Option<&str>) -> Diagnostic {
    let owner = |k: &&str| k.rsplit_once('.').filter(|(_, own)| *own == name).map(|(network, _)| network.to_string());
    let owners: Vec<String> = known.iter().filter_map(owner).collect();
    if let [first, rest @ ..] = owners.as_slice() {
        let also: String = rest.iter().map(|network| format!(" and of `{network}`")).collect();
        let d = Diagnostic::error(UNKNOWN_LAYER, span, format!("`{name}` is a layer of `{first}`{also}"));
        return d.help("give them different names");
    }
    let d = Diagnostic::error(UNKNOWN_LAYER, span, format!("there is no layer `{name}`"));
    // Layers of one name in several networks are known by names that no program can write.
    let mut known: Vec<&str> = known.iter().map(|k| k.rsplit_once('.').map_or(*k, |(_, own)| own)).collect();
    known.sort_unstable();
    known.dedup();
    let known = known.as_slice();
    match nearest.map(|n| n.rsplit_once('.').map_or(n, |(_, own)| own)) {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None if known.is_empty() => d.help("no network has a layer with a name: write `layer h = …` in it"),
        None => d.help(format!("the networks have {}", super::names::list(known))),
    }
}

/// After `|>` stands a value: `a |> h`, `a |> 2`.
pub fn not_a_layer(span: Span, found: &str) -> Diagnostic {
    Diagnostic::error(NOT_A_LAYER, span, format!("expected a layer after `|>`, found {found}"))
        .help("a layer is a name with or without arguments: `|> lif`, `|> dense(64)`")
}

/// A layer that is given nothing: `layer h = dense(64)`.
pub fn needs_input(span: Span, callee: &str) -> Diagnostic {
    Diagnostic::error(NEEDS_INPUT, span, format!("`{callee}` is given no value to act on"))
        .help(format!("pipe one into it: `… |> {callee}`"))
}

/// A second `steps`, `dt` or `output`.
pub fn repeated_statement(span: Span, what: &str, first: Span) -> Diagnostic {
    Diagnostic::error(NETWORK_STATEMENT, span, format!("the network has a second `{what}`"))
        .label(first, "the first is here")
}

/// A network without `output`.
pub fn missing_output(span: Span, network: &str) -> Diagnostic {
    Diagnostic::error(NETWORK_STATEMENT, span, format!("the network `{network}` has no `output`"))
        .help("end it with one: `output = h |> mean |> dense(1)`")
}

/// `network u(y)` where the domain has no `y`.
pub fn unknown_argument(span: Span, name: &str, coords: &[&str], nearest: Option<&str>) -> Diagnostic {
    let d = Diagnostic::error(NETWORK_ARGUMENT, span, format!("the domain has no coordinate `{name}`"));
    match nearest {
        Some(n) => d.help(format!("did you mean `{n}`?")),
        None => d.help(format!("it has {}", super::names::list(coords))),
    }
}

/// `network u(x, x)`.
pub fn repeated_argument(span: Span, name: &str, first: Span) -> Diagnostic {
    Diagnostic::error(NETWORK_ARGUMENT, span, format!("the network has the coordinate `{name}` twice"))
        .label(first, "it is here already")
}

/// `network u()`.
pub fn no_arguments(span: Span, network: &str) -> Diagnostic {
    Diagnostic::error(NETWORK_ARGUMENT, span, format!("the network `{network}` is a function of nothing"))
        .help("name the coordinates it depends on: `network u(x, t)`")
}

/// `dense(8, init = gaussian)`.
pub fn initial_value(span: Span) -> Diagnostic {
    Diagnostic::error(INITIAL_VALUE, span, "this is no way to start parameters")
        .help("there are `normal(0.5)`, `uniform(-1, 1)`, `zeros`, a number, and for a bias `none`")
}

/// A warning.
pub fn unused_layer(span: Span, name: &str) -> Diagnostic {
    Diagnostic::warning(UNUSED_LAYER, span, format!("the output does not depend on the layer `{name}`"))
        .help("it is left out; use it on the way to `output`, or remove it")
}

/// `h |> mean |> … |> first_spike` of something that is not spikes.
pub fn needs_spikes(span: Span, value: Span) -> Diagnostic {
    Diagnostic::error(NEEDS_SPIKES, span, "`first_spike` acts on spikes, found another signal")
        .label(value, "this is not what a spiking neuron or encoder puts out")
        .help("take it of a population: `… |> lif |> first_spike`")
}

/// A layer that is used before it has a value.
pub fn further_down(span: Span, name: &str, own: bool) -> Diagnostic {
    let message = match own {
        true => format!("the layer `{name}` cannot depend on its own value of the same step"),
        false => format!("the layer `{name}` stands further down"),
    };
    Diagnostic::error(FURTHER_DOWN, span, message)
        .help(format!("write `prev({name})` for its value one step before, or `delay({name}, n)`"))
}

/// A signal that depends on what is decoded from it.
pub fn decoded_loop(span: Span) -> Diagnostic {
    Diagnostic::error(
        DECODED_LOOP,
        span,
        "this depends on itself: what is decoded here drives the signal it is decoded from",
    )
    .help("a decoder has its value after the last step; feed back the signal itself: `prev(h)` without a decoder")
}

/// `layer h = concat(x, prev(h))`.
pub fn endless_width(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error(ENDLESS_WIDTH, span, format!("the width of the layer `{name}` depends on itself"))
        .help("put a layer with a width on the way: `… |> dense(64)`")
}

/// `membrane(h)` of something that is no population.
pub fn no_membrane(span: Span, value: Span) -> Diagnostic {
    Diagnostic::error(NO_MEMBRANE, span, "only a population of neurons has a membrane")
        .label(value, "this is not one")
        .help("give it the layer that ends with the neuron: `layer h = … |> lif` and `membrane(h)`")
}

/// A warning.
pub fn long_delay(span: Span, delay: u32, steps: u32) -> Diagnostic {
    let message = format!("a delay of {delay} steps in a simulation of {steps} is 0 throughout");
    Diagnostic::warning(LONG_DELAY, span, message).help("make it shorter than `steps`")
}

/// `dot(a, b)` of 3 and 4 values.
pub fn dot_widths(a: (Span, u32), b: (Span, u32)) -> Diagnostic {
    let message = format!("`dot` multiplies value by value: the two are {} and {} wide", a.1, b.1);
    Diagnostic::error(DOT_WIDTHS, a.0, message)
        .here(format!("{} values", a.1))
        .label(b.0, format!("{} values", b.1))
        .help("end both with layers of the same width: `… |> dense(32)`")
}

/// A warning. The code covers [-1, 1] and the value leaves it.
pub fn outside_code(span: Span, callee: &str, lo: f64, hi: f64) -> Diagnostic {
    let message = format!("`{callee}` encodes values from -1 to 1, and this goes from {lo} to {hi}");
    Diagnostic::warning(OUTSIDE_CODE, span, message)
        .help("name the coordinate itself, which enters scaled to [-1, 1], or scale the value")
}

/// A value that is not whole positions, or too many of them, or a window wider than the value.
pub fn wide_convolution(span: Span, message: String) -> Diagnostic {
    Diagnostic::error(WIDE_CONVOLUTION, span, message)
        .help("`conv1d(channels, width, stride)` slides a window of `width` positions along the value")
}
