//! Messages about the Neuromorphic Intermediate Representation: what it cannot say, and what of it a program cannot say
//! (SNN13xx).
//!
//! ```text
//! layer h = x |> dense(8) |> tanh     snnc export     ->     SNN1301: NIR has no node for `tanh`
//! ```

use super::{Code, CodeInfo, Diagnostic, Family};
use crate::source::Span;

const NO_NODE: Code = Code(1301);
const NEURON: Code = Code(1302);
const SUBTRACTION: Code = Code(1303);
const ENCODER: Code = Code(1304);
const DECODER: Code = Code(1305);
const LOOP: Code = Code(1306);
const NO_GRAPH: Code = Code(1307);
const UNREADABLE: Code = Code(1310);
const NODE_TYPE: Code = Code(1311);
const PARAMETER: Code = Code(1312);
const STRUCTURE: Code = Code(1313);

macro_rules! info {
    ($code:expr, $slug:expr, $page:expr) => {
        CodeInfo { code: $code, slug: $slug, page: include_str!(concat!("../../docs/errors/", $page, ".md")) }
    };
}

/// The codes of this family.
pub const FAMILY: Family = Family {
    name: "interchange",
    codes: &[
        info!(NO_NODE, "no_nir_node", "SNN1301"),
        info!(NEURON, "no_nir_neuron", "SNN1302"),
        info!(SUBTRACTION, "reset_by_subtraction", "SNN1303"),
        info!(ENCODER, "no_nir_encoder", "SNN1304"),
        info!(DECODER, "no_nir_decoder", "SNN1305"),
        info!(LOOP, "no_nir_loop", "SNN1306"),
        info!(NO_GRAPH, "no_nir_graph", "SNN1307"),
        info!(UNREADABLE, "unreadable_graph", "SNN1310"),
        info!(NODE_TYPE, "unknown_nir_node", "SNN1311"),
        info!(PARAMETER, "nir_parameter", "SNN1312"),
        info!(STRUCTURE, "nir_structure", "SNN1313"),
    ],
};

const CURRENTS: &str = "with `--currents` the graph begins behind the encoders, whose values are then its inputs";

pub fn no_node(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error(NO_NODE, span, format!("NIR has no node for {what}"))
        .help("it has dense layers, sums, delays of neurons' signals, and neurons with linear dynamics")
}

pub fn neuron(span: Span, name: &str, why: &str) -> Diagnostic {
    Diagnostic::error(NEURON, span, format!("NIR has no node for the neuron `{name}`: {why}")).help(
        "its neurons are LIF, CubaLIF, IF, LI, CubaLI, I and Threshold; `snnc explain SNN1302` has their equations",
    )
}

pub fn subtraction(span: Span, name: &str, model: Span) -> Diagnostic {
    Diagnostic::error(SUBTRACTION, span, format!("a spike of `{name}` takes its threshold off, and NIR only sets a value"))
        .label(model, "its `reset`")
        .help("train with a neuron that says `reset v = 0`, such as `hard_lif`, or write the reset into metadata with `--subtractive`, which readers may ignore")
}

pub fn encoder(span: Span, what: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(ENCODER, span, format!("NIR has no node for the encoder: {what}")).help(CURRENTS)
}

pub fn decoder(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error(
        DECODER,
        span,
        format!("`{name}` does not follow from a graph's output signal by mean, sum or last value"),
    )
    .help("decode by `mean`, `sum` or `last`")
}

pub fn two_decoders(span: Span) -> Diagnostic {
    Diagnostic::error(DECODER, span, "values that are decoded in different ways are added up here")
        .help("a graph's output is one signal: decode both in the same way")
}

pub fn second_pass(span: Span) -> Diagnostic {
    Diagnostic::error(DECODER, span, "what has been decoded is encoded again, and a NIR graph has one run through time")
        .help("leave out the decoder before it")
}

pub fn bare_loop(span: Span) -> Diagnostic {
    Diagnostic::error(LOOP, span, "this layer feeds back into itself without a neuron, and NIR has no such loop")
        .help("put a neuron behind `recurrent`")
}

pub fn slow_loop(span: Span) -> Diagnostic {
    Diagnostic::error(LOOP, span, "this loop takes more than one step, and NIR does not say how long a loop takes")
        .help("let one `prev` close the loop")
}

pub fn doubled_edge(span: Span) -> Diagnostic {
    Diagnostic::error(
        LOOP,
        span,
        "a value goes to the same place both at once and a step later, which are one edge in NIR",
    )
    .help("put a dense layer on one of the two ways")
}

pub fn two_clocks(span: Span, field: &str) -> Diagnostic {
    Diagnostic::error(NO_GRAPH, span, format!("`{field}` has other `steps` or another `dt` than the fields before it"))
        .help("a NIR graph has one time: give all networks the same")
}

pub fn no_input(span: Span, field: &str) -> Diagnostic {
    Diagnostic::error(NO_GRAPH, span, format!("`{field}` depends on no input")).help("there is nothing to export")
}

pub fn unreadable(span: Span, why: &str) -> Diagnostic {
    Diagnostic::error(UNREADABLE, span, format!("this is no NIR graph: {why}"))
        .help("`nir.write(\"net.nir\", graph)` of the Python package `nir` makes such files")
}

pub fn node_type(span: Span, kind: &str) -> Diagnostic {
    Diagnostic::error(NODE_TYPE, span, format!("there is no layer for a node of type `{kind}`"))
        .help("there are Affine, Linear, Scale, Delay, LIF, CubaLIF, IF, LI, CubaLI, I, Threshold, Input, Output and NIRGraph")
}

pub fn parameter(span: Span, kind: &str, why: &str) -> Diagnostic {
    Diagnostic::error(PARAMETER, span, format!("this `{kind}` cannot be read: {why}"))
}

pub fn delay(span: Span, dt: f64) -> Diagnostic {
    Diagnostic::error(
        PARAMETER,
        span,
        format!("this delay is not the same whole number of steps of {dt} s for all its values"),
    )
    .help("`--dt SECONDS` sets the length of a step")
}

pub fn no_such_node(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error(STRUCTURE, span, format!("there is no node `{name}`"))
}

pub fn widths(span: Span, from: &str, has: usize, to: &str, wants: usize) -> Diagnostic {
    Diagnostic::error(STRUCTURE, span, format!("`{from}` puts out {has} values and `{to}` takes {wants}"))
}

pub fn unfed(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error(STRUCTURE, span, format!("nothing goes into `{name}`"))
}

pub fn lacks(span: Span, kind: &str) -> Diagnostic {
    Diagnostic::error(STRUCTURE, span, format!("the graph has no node of type `{kind}`"))
}

pub fn too_many_inputs(span: Span, found: usize, most: usize) -> Diagnostic {
    Diagnostic::error(
        STRUCTURE,
        span,
        format!("the graph has {found} inputs; a program's domain can have {most} coordinates here"),
    )
    .help("import the part of the graph behind the layer that narrows it")
}
