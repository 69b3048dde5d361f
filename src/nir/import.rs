//! A NIR graph as a program and its weights, or all that keeps it from being one.
//!
//! ```text
//! input -> fc (Affine) -> lif1 (LIF) -> output      domain { x1 in -1 .. 1  … }
//!                                                   layer fc = current(raw(x1, …)) |> dense(8)   layer lif1 = fc |> nir_lif(…)
//! ```
//!
//! Every node becomes a layer of its name. Populations whose units differ in a parameter have it `trainable per neuron`, and its
//! values stand among the weights. Messages point into a listing of the graph, which is what a user can read of the file.

use super::flow::Decoder;
use super::graph::{Graph, Node, Value, find};
use super::program;
use crate::diag::{Diagnostic, Sink, interchange as say};
use crate::source::{FileId, Span};

/// What a file leaves open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Seconds; what the file says, or 1 ms.
    pub dt: Option<f64>,
    /// What the file says, or 100.
    pub steps: Option<u32>,
    /// What the file says, or the mean.
    pub decoder: Option<Decoder>,
}

/// A program, and the values of its parameters by their names, row-major as the program has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    pub text: String,
    pub weights: Vec<(String, Vec<f64>)>,
}

/// What a node does, its parameters as wide as it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Input,
    Output,
    /// The border of a graph within the graph.
    Pass,
    /// `[outputs][inputs]`, row-major.
    Dense {
        inputs: usize,
        weight: Vec<f64>,
        bias: Option<Vec<f64>>,
    },
    Scale(Vec<f64>),
    /// Seconds.
    Delay(Vec<f64>),
    /// A NIR type by its name, its parameters in the order of [`NEURONS`], and how it is stepped.
    Neuron {
        kind: usize,
        params: Vec<Vec<f64>>,
        subtract: bool,
        method: Option<&'static str>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub name: String,
    pub op: Op,
    /// Of what it puts out.
    pub width: usize,
    pub span: Span,
    pub metadata: Vec<(String, Value)>,
}

/// The parameters of a type, and their values where a file may leave them out.
type Params = &'static [(&'static str, Option<f64>)];

/// The neurons by their types.
pub(super) const NEURONS: &[(&str, Params)] = &[
    ("LIF", &[("tau", None), ("r", None), ("v_leak", None), ("v_threshold", None), ("v_reset", Some(0.0))]),
    (
        "CubaLIF",
        &[
            ("tau_syn", None),
            ("tau_mem", None),
            ("r", None),
            ("v_leak", None),
            ("v_threshold", None),
            ("v_reset", Some(0.0)),
            ("w_in", Some(1.0)),
        ],
    ),
    ("IF", &[("r", None), ("v_threshold", None), ("v_reset", Some(0.0))]),
    ("LI", &[("tau", None), ("r", None), ("v_leak", None)]),
    ("CubaLI", &[("tau_syn", None), ("tau_mem", None), ("r", None), ("v_leak", None), ("w_in", Some(1.0))]),
    ("I", &[("r", None)]),
    ("Threshold", &[("threshold", None)]),
];

/// The graph as lines, and the span of each node's and each edge's line, in order.
pub fn listing(graph: &Graph, file: FileId) -> (String, Vec<Span>, Vec<Span>) {
    let mut text = String::new();
    let mut line = |words: String| {
        let start = text.len();
        text.push_str(&words);
        text.push('\n');
        Span::new(file, start, start + words.len())
    };
    let nodes = graph.nodes.iter().map(|(name, node)| {
        let shape = |(name, value): &(String, Value)| match value {
            Value::Text(text) => format!("{name} = \"{text}\""),
            Value::Array { shape, values, .. } if shape.is_empty() || name == "shape" => {
                format!("{name} = {}", values.iter().map(f64::to_string).collect::<Vec<_>>().join(" x "))
            }
            Value::Array { shape, .. } => {
                format!("{name}[{}]", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "))
            }
        };
        let values: Vec<String> = node.values.iter().map(shape).collect();
        line(format!("{name}: {}({})", node.kind, values.join(", ")))
    });
    let nodes = nodes.collect();
    let edges = graph.edges.iter().map(|(a, b)| line(format!("{a} -> {b}"))).collect();
    (text, nodes, edges)
}

/// `graph` without graphs in it, see [`flat`]; `file` has its [`listing`] as text.
///
/// # Errors
/// Everything in the graph that a program cannot say, in the listing's order.
pub fn import(graph: &Graph, file: FileId, name: &str, options: &Options) -> Result<Imported, Vec<Diagnostic>> {
    let (_, node_spans, edge_spans) = listing(graph, file);
    let mut sink = Sink::default();
    let mut places: Vec<Place> = vec![];
    for ((name, node), span) in graph.nodes.iter().zip(&node_spans) {
        match read(node, *span, &mut sink) {
            Some((op, width)) => {
                let metadata = node.metadata.clone();
                places.push(Place { name: name.clone(), op, width, span: *span, metadata });
            }
            None => debug_assert!(sink.has_errors()),
        }
    }
    if sink.has_errors() {
        return Err(sink.into_sorted());
    }
    let mut edges: Vec<(usize, usize)> = vec![];
    for ((a, b), span) in graph.edges.iter().zip(&edge_spans) {
        let at = |name: &String| places.iter().position(|p| p.name == *name);
        let (Some(from), Some(to)) = (at(a), at(b)) else {
            let missing = if at(a).is_none() { a } else { b };
            sink.push(say::no_such_node(*span, missing));
            continue;
        };
        let wanted = takes(&places[to]);
        if let Some(wanted) = wanted.filter(|w| *w != places[from].width) {
            sink.push(say::widths(*span, a, places[from].width, b, wanted));
        }
        // An edge that is listed twice is one edge.
        if !edges.contains(&(from, to)) {
            edges.push((from, to));
        }
    }
    for (k, place) in places.iter().enumerate() {
        if !matches!(place.op, Op::Input) && edges.iter().all(|(_, to)| *to != k) {
            sink.push(say::unfed(place.span, &place.name));
        }
    }
    let anywhere = node_spans.first().copied().unwrap_or(Span::new(file, 0, 0));
    if !places.iter().any(|p| matches!(p.op, Op::Output)) {
        sink.push(say::lacks(anywhere, "Output"));
    }
    if !places.iter().any(|p| matches!(p.op, Op::Input)) {
        sink.push(say::lacks(anywhere, "Input"));
    }
    if sink.has_errors() {
        return Err(sink.into_sorted());
    }
    let text = |name: &str| match find(&graph.metadata, name) {
        Some(Value::Array { values, .. }) => values.first().copied().filter(|v| *v > 0.0 && v.is_finite()),
        _ => None,
    };
    let timing = program::Timing {
        dt: options.dt.or_else(|| text("dt")).unwrap_or(1e-3),
        steps: options.steps.or_else(|| text("steps").map(|s| s.round() as u32)).unwrap_or(100).max(1),
        decoder: options.decoder,
    };
    let imported = program::write(&places, &edges, name, timing, &mut sink);
    if sink.has_errors() { Err(sink.into_sorted()) } else { Ok(imported) }
}

/// The width of what a node takes.
fn takes(place: &Place) -> Option<usize> {
    match &place.op {
        Op::Dense { inputs, .. } => Some(*inputs),
        _ => Some(place.width),
    }
}

fn read(node: &Node, span: Span, sink: &mut Sink) -> Option<(Op, usize)> {
    let mut wrong = |why: String| {
        sink.push(say::parameter(span, &node.kind, &why));
        None
    };
    let array = |name: &str| match node.value(name) {
        Some(Value::Array { shape, values, .. }) => Ok(Some((shape.clone(), values.clone()))),
        Some(Value::Text(_)) => Err(format!("`{name}` is a text, not numbers")),
        None => Ok(None),
    };
    let needed = |name: &str| {
        let (shape, values) = array(name)?.ok_or_else(|| format!("it has no `{name}`"))?;
        match values.iter().all(|v| v.is_finite()) {
            true => Ok((shape, values)),
            false => Err(format!("`{name}` has numbers that are not finite")),
        }
    };
    let vector = |name: &str| {
        let (shape, values) = needed(name)?;
        match shape.iter().filter(|n| **n != 1).count() <= 1 && !values.is_empty() {
            true => Ok(values),
            false => Err(format!("`{name}` has the shape {shape:?}; a layer of a program has one dimension")),
        }
    };
    match node.kind.as_str() {
        "Input" | "Output" => match needed("shape") {
            Ok((_, shape)) => {
                let wide: Vec<f64> = shape.iter().copied().filter(|n| *n != 1.0).collect();
                let whole = shape.iter().all(|n| *n >= 1.0 && *n <= 65_536.0 && n.fract() == 0.0);
                if wide.len() > 1 || !whole {
                    let shape: Vec<String> = shape.iter().map(f64::to_string).collect();
                    return wrong(format!(
                        "its shape is {}; a layer of a program has one dimension",
                        shape.join(" x ")
                    ));
                }
                let width = wide.first().copied().unwrap_or(1.0) as usize;
                Some((if node.kind == "Input" { Op::Input } else { Op::Output }, width))
            }
            Err(why) => wrong(why),
        },
        "Pass" => vector("width").map_or_else(&mut wrong, |w| Some((Op::Pass, w[0] as usize))),
        "Linear" | "Affine" => {
            let (shape, weight) = match needed("weight") {
                Ok(found) => found,
                Err(why) => return wrong(why),
            };
            let [outputs, inputs] = shape[..] else {
                return wrong(format!("`weight` has the shape {shape:?}, not outputs x inputs"));
            };
            let bias = match node.kind.as_str() {
                "Affine" => match vector("bias") {
                    Ok(bias) if bias.len() == outputs => Some(bias),
                    Ok(bias) => return wrong(format!("`bias` has {} values for {outputs} outputs", bias.len())),
                    Err(why) => return wrong(why),
                },
                _ => None,
            };
            if outputs == 0 || inputs == 0 {
                return wrong("`weight` is empty".into());
            }
            Some((Op::Dense { inputs, weight, bias }, outputs))
        }
        "Scale" => vector("scale").map_or_else(&mut wrong, |s| {
            let width = s.len();
            Some((Op::Scale(s), width))
        }),
        "Delay" => match vector("delay") {
            Ok(delay) if delay.iter().all(|d| *d >= 0.0) => {
                let width = delay.len();
                Some((Op::Delay(delay), width))
            }
            Ok(_) => wrong("`delay` is below 0".into()),
            Err(why) => wrong(why),
        },
        other => {
            let Some(kind) = NEURONS.iter().position(|(name, _)| *name == other) else {
                sink.push(say::node_type(span, other));
                return None;
            };
            let mut params: Vec<Vec<f64>> = vec![];
            for (name, default) in NEURONS[kind].1 {
                match (node.value(name), default) {
                    (None, Some(default)) => params.push(vec![*default]),
                    _ => match vector(name) {
                        Ok(values) => params.push(values),
                        Err(why) => return wrong(why),
                    },
                }
            }
            let width = params.iter().map(Vec::len).max().unwrap_or(1);
            for ((name, _), values) in NEURONS[kind].1.iter().zip(&mut params) {
                if values.len() == 1 {
                    *values = vec![values[0]; width];
                }
                if values.len() != width {
                    return wrong(format!("`{name}` has {} values for {width} neurons", values.len()));
                }
                if name.starts_with("tau") && values.iter().any(|t| *t <= 0.0) {
                    return wrong(format!("`{name}` is not above 0"));
                }
            }
            let text = |name: &str| match node.noted(name) {
                Some(Value::Text(text)) => text.as_str(),
                _ => "",
            };
            let method = ["euler", "rk4"].into_iter().find(|m| text("integrate") == *m);
            Some((Op::Neuron { kind, params, subtract: text("reset") == "subtract", method }, width))
        }
    }
}

/// The graph with the nodes of the graphs in it in their place, under names that say where they stood.
pub fn flat(graph: &Graph) -> Graph {
    let mut out = Graph { metadata: graph.metadata.clone(), ..Graph::default() };
    for (name, node) in &graph.nodes {
        let Some(inner) = &node.graph else {
            out.nodes.push((name.clone(), node.clone()));
            continue;
        };
        for (within, node) in flat(inner).nodes {
            // Its inputs and outputs are no longer those of the whole.
            let node = match node.kind.as_str() {
                "Input" | "Output" => Node::new("Pass", vec![("width", width_of(&node))]),
                _ => node,
            };
            out.nodes.push((format!("{name}_{within}"), node));
        }
        let joined = |(a, b): (String, String)| (format!("{name}_{a}"), format!("{name}_{b}"));
        out.edges.extend(flat(inner).edges.into_iter().map(joined));
    }
    let border = |name: &str, kind: &str| {
        let Some(inner) = graph.node(name).and_then(|n| n.graph.as_ref()) else { return vec![name.to_string()] };
        let found = inner.nodes.iter().filter(|(_, n)| n.kind == kind);
        found.map(|(within, _)| format!("{name}_{within}")).collect()
    };
    for (a, b) in &graph.edges {
        for from in border(a, "Output") {
            for to in border(b, "Input") {
                out.edges.push((from.clone(), to));
            }
        }
    }
    out
}

fn width_of(node: &Node) -> Value {
    let width = match node.value("shape") {
        Some(Value::Array { values, .. }) => values.iter().product(),
        _ => 1.0,
    };
    Value::vector(vec![width])
}
