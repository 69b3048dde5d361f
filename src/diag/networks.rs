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
