//! A `network` block to a graph of nodes: [`Network`].
//!
//! ```text
//! layer h = tuned(x, t, 512) |> lif(tau = 20)    ->   coords -> h.tuned (signal, 512) -> h.lif (signal, 512)
//! output  = h |> mean |> dense(1)                ->   output.mean (static, 512) -> output.dense (static, 1)
//! ```
//!
//! Every node knows its width and whether it is static (one vector a point) or a signal (one a point and time step).
//! Nodes come after those they use; what the output does not depend on is left out.
//!
//! A coordinate that is given to an encoder, a layer or a pipe by its name enters scaled to [-1, 1] over the domain. In
//! arithmetic (`x*(1 - x)`) it is itself, since boundary conditions are written that way.

mod combine;
mod encoders;
mod graph;
pub mod layers;
mod readout;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use crate::check::model::{Clock, Field, Kind, Layer, Network, NodeId};
use crate::check::names::nearest;
use crate::check::registry::Registry;
use crate::check::scope::{FieldName, Scope, Signature};
use crate::diag::{Sink, functions as function_say, names, networks, types};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, NetworkStmt};
use crate::units::Dimension;
use graph::Graph;

pub use layers::{LAYERS, is_layer};

/// The name under which the nodes of the `output` statement are kept.
pub const OUTPUT: &str = "output";

const DEFAULT_STEPS: u32 = 16;
const MAX_STEPS: u64 = 1_000_000;

/// The arguments of a network. Yields the signature even of one with errors, so that its field has a meaning elsewhere.
pub fn signature(network: &ast::Network, scope: &Scope<'_>, sink: &mut Sink) -> Signature {
    let mut functions = Vec::new();
    for name in &network.functions {
        match scope.input_function(&name.text) {
            Some(f) if functions.contains(&f) => {
                sink.push(networks::repeated_argument(name.span, &name.text, network.functions[0].span));
            }
            Some(f) => functions.push(f),
            None => {
                let known: Vec<&str> = scope.functions.iter().map(|f| f.name.as_str()).collect();
                let near = nearest(&name.text, known.iter().copied());
                sink.push(function_say::not_a_function(name.span, &name.text, &known, near));
            }
        }
    }
    if network.coords.is_empty() {
        sink.push(networks::no_arguments(network.name.span, &network.name.text));
    }
    let mut coords = Vec::new();
    for (k, name) in network.coords.iter().enumerate() {
        if let Some(first) = network.coords[..k].iter().find(|n| n.text == name.text) {
            sink.push(networks::repeated_argument(name.span, &name.text, first.span));
        } else if let Some(i) = scope.coord(&name.text) {
            coords.push(i);
        } else {
            let known: Vec<&str> = scope.coords.iter().map(|c| c.name.as_str()).collect();
            // Without a domain the missing domain is the mistake.
            if !known.is_empty() {
                let near = nearest(&name.text, known.iter().copied());
                sink.push(networks::unknown_argument(name.span, &name.text, &known, near));
            }
        }
    }
    Signature { name: network.name.text.clone(), coords, functions, span: network.name.span }
}

/// Puts the fields of network number `index` into `scope`: the names of its outputs, or its own.
pub fn fields(network: &ast::Network, index: usize, scope: &mut Scope<'_>) {
    let mut put = |name: &ast::Name| {
        if scope.field(&name.text).is_none() {
            scope.fields.push(FieldName { name: name.text.clone(), network: index, span: name.span });
        }
    };
    match outputs(network) {
        [] => put(&network.name),
        names => names.iter().for_each(put),
    }
}

/// The names in `output u, v = …`; none in `output = …`.
pub fn outputs(network: &ast::Network) -> &[ast::Name] {
    let first = network.body.iter().find_map(|s| match s {
        NetworkStmt::Output { names, .. } => Some(names.as_slice()),
        _ => None,
    });
    first.unwrap_or(&[])
}

/// All networks as one graph; `None` without any. Layers of one name in several networks get the network's name before
/// theirs, which no program can write: they can only be trained together with the others.
pub fn join(networks: Vec<(String, Network)>) -> Option<Network> {
    let several = networks.len() > 1;
    let names: Vec<String> = networks.iter().flat_map(|(_, n)| n.layers.iter().map(|l| l.name.clone())).collect();
    let mut joined: Option<Network> = None;
    for (name, mut network) in networks {
        if several {
            for layer in network.layers.iter_mut().filter(|l| names.iter().filter(|n| **n == l.name).count() > 1) {
                layer.name = format!("{name}.{}", layer.name);
            }
            network.nodes.iter_mut().for_each(|n| n.path = format!("{name}.{}", n.path));
        }
        let Some(all) = &mut joined else {
            joined = Some(network);
            continue;
        };
        graph::append(all, network);
    }
    joined
}

/// Checks the body of a network. `None` if it has errors, all of which are in `sink`.
pub fn check(
    network: &ast::Network,
    signature: &Signature,
    scope: &Scope<'_>,
    neurons: &mut Registry<'_>,
    sink: &mut Sink,
) -> Option<Network> {
    let settings = settings(network, scope, sink);
    neurons.time = settings.map_or(Dimension::NONE, |(_, _, dimension)| dimension);
    let declared: BTreeSet<String> = network.body.iter().filter_map(layer_name).map(|n| n.text.clone()).collect();
    // How wide a layer is that `prev` reads before it is there shows only once it is: try, look, and try again.
    let mut widths: BTreeMap<String, u32> = BTreeMap::new();
    let mut tries = declared.len() + 2;
    let (graph, body) = loop {
        let mut own = Sink::default();
        let mut build = Build {
            signature,
            scope,
            neurons,
            sink: &mut own,
            graph: Graph::default(),
            layers: BTreeMap::new(),
            declared: declared.clone(),
            widths: widths.clone(),
            pending: vec![],
            steps: settings.map(|s| s.0),
            inlining: vec![],
            current: String::new(),
        };
        let body = build.body(network);
        let Closed { widths: found, complete } = build.close();
        let graph = build.graph;
        tries -= 1;
        let settled = found.iter().all(|(name, (width, _))| widths.get(name).unwrap_or(&1) == width);
        if settled || tries == 0 || !complete {
            sink.absorb(own);
            if !complete {
                return None;
            }
            if !settled {
                for (name, (_, at)) in found {
                    sink.push(networks::endless_width(at, &name));
                }
                return None;
            }
            break (graph, body);
        }
        widths = found.into_iter().map(|(name, (width, _))| (name, width)).collect();
    };
    let (output, _) = body.output?;
    let (steps, dt, _) = settings?;
    let own = match outputs(network) {
        [] => std::slice::from_ref(&network.name),
        names => names,
    };
    let fields = own.iter().enumerate().map(|(k, name)| Field {
        name: name.text.clone(),
        coords: signature.coords.clone(),
        node: output,
        component: k as u32,
        readout: None,
        span: name.span,
    });
    let fields = fields.collect();
    let mut result = Network { clocks: vec![Clock { steps, dt }], nodes: graph.nodes, layers: body.made, fields };
    for layer in graph::prune(&mut result) {
        sink.push(networks::unused_layer(layer.span, &layer.name));
    }
    if let Err(looping) = result.stages(None) {
        sink.push(networks::decoded_loop(result.nodes[looping].span));
        return None;
    }
    readout::find(&mut result);
    Some(result)
}

fn layer_name(stmt: &NetworkStmt) -> Option<&ast::Name> {
    match stmt {
        NetworkStmt::Layer { name, .. } => Some(name),
        _ => None,
    }
}

/// A node that reads a layer further down.
struct Pending {
    node: NodeId,
    layer: String,
    /// `prev` or `delay`.
    callee: String,
    at: Span,
}

/// What the statements of a network come to.
#[derive(Default)]
struct Body {
    made: Vec<Layer>,
    output: Option<(NodeId, Span)>,
}

/// What closing the ways back in time came to.
struct Closed {
    /// The layers that were read before they were there: their widths, and where they are read.
    widths: BTreeMap<String, (u32, Span)>,
    /// All of them are there.
    complete: bool,
}

/// `steps` and `dt`, each given at most once; `dt` is a plain number or a time.
fn settings(network: &ast::Network, scope: &Scope<'_>, sink: &mut Sink) -> Option<(u32, f64, Dimension)> {
    type Given<'a> = Option<(Span, &'a ast::Expr)>;
    let (mut steps, mut dt): (Given<'_>, Given<'_>) = (None, None);
    for stmt in &network.body {
        let (what, slot, value, span) = match stmt {
            NetworkStmt::Steps { value, span } => ("steps", &mut steps, value, *span),
            NetworkStmt::Dt { value, span } => ("dt", &mut dt, value, *span),
            NetworkStmt::Layer { .. } | NetworkStmt::Output { .. } => continue,
        };
        match slot {
            Some((first, _)) => sink.push(networks::repeated_statement(span, what, *first)),
            None => *slot = Some((span, value)),
        }
    }
    let steps = match steps {
        Some((_, value)) => scope.integer(value, 1, MAX_STEPS, sink).map(|s| s as u32),
        None => Some(DEFAULT_STEPS),
    };
    let dt = match dt {
        Some((_, value)) => time_step(value, scope, sink),
        None => Some((1.0, Dimension::NONE)),
    };
    let ((dt, dimension), steps) = (dt?, steps?);
    Some((steps, dt, dimension))
}

fn time_step(value: &ast::Expr, scope: &Scope<'_>, sink: &mut Sink) -> Option<(f64, Dimension)> {
    let (dt, dimension) = scope.quantity(value, sink)?;
    if dt <= 0.0 {
        sink.push(types::out_of_range(value.span, "a number above 0", dt));
        return None;
    }
    if !dimension.is_none() {
        scope.quantity_in(value, Dimension::TIME, "`dt`", sink)?;
    }
    Some((dt, dimension))
}

/// A network being built. `values` and `layers` hold the rest of it.
struct Build<'b, 'f, 's> {
    signature: &'b Signature,
    scope: &'b Scope<'f>,
    neurons: &'b mut Registry<'s>,
    sink: &'b mut Sink,
    graph: Graph,
    /// The layers so far; `None` for one with errors.
    layers: BTreeMap<String, Option<NodeId>>,
    /// All layers, those further down too.
    declared: BTreeSet<String>,
    /// How wide layers further down are taken to be; 1 where nothing is known yet.
    widths: BTreeMap<String, u32>,
    pending: Vec<Pending>,
    /// Time steps, where they are known.
    steps: Option<u32>,
    /// Functions being inlined.
    inlining: Vec<String>,
    /// The statement being built, `h` or `output`: the first part of its nodes' paths.
    current: String,
}

impl Build<'_, '_, '_> {
    /// All statements in order.
    fn body(&mut self, network: &ast::Network) -> Body {
        let mut body = Body::default();
        let mut first_output: Option<Span> = None;
        for stmt in &network.body {
            match stmt {
                NetworkStmt::Layer { name, value, .. } => {
                    self.free_name(name, &body.made);
                    let (node, owned) = self.statement(&name.text, value, true);
                    self.layers.insert(name.text.clone(), node);
                    if let Some(node) = node {
                        body.made.push(Layer { name: name.text.clone(), node, owned, pursuit: None, span: name.span });
                    }
                }
                NetworkStmt::Output { names: outputs, value, span } => {
                    if let Some(first) = first_output {
                        self.scope.unsettled.set(true);
                        let d = networks::repeated_statement(*span, "output", first);
                        self.sink.push(if outputs.is_empty() { d } else { d.help(networks::ONE_OUTPUT) });
                        continue;
                    }
                    first_output = Some(*span);
                    if outputs.is_empty()
                        && let Some(wanted) = self.names_alone(value)
                    {
                        self.scope.unsettled.set(true);
                        self.sink.push(types::output_width(value.span, wanted, 0));
                        continue;
                    }
                    let (node, owned) = self.statement(OUTPUT, value, false);
                    if let Some(node) = node {
                        self.check_output(node, value.span, outputs.len());
                        body.made.push(Layer { name: OUTPUT.to_string(), node, owned, pursuit: None, span: *span });
                        body.output = Some((node, *span));
                    }
                }
                NetworkStmt::Steps { .. } | NetworkStmt::Dt { .. } => {}
            }
        }
        if first_output.is_none() {
            self.sink.push(networks::missing_output(network.name.span, &network.name.text));
        }
        body
    }

    /// How many names there are in `(u, v)`, if none of them means anything: fields that were to be named before the `=`.
    fn names_alone(&self, value: &ast::Expr) -> Option<u32> {
        let ExprKind::Tuple(parts) = &*value.kind else { return None };
        let is_new = |e: &ast::Expr| match &*e.kind {
            ExprKind::Name(n) => {
                !self.declared.contains(n) && self.scope.coord(n).is_none() && self.scope.constant(n).is_none()
            }
            _ => false,
        };
        parts.iter().all(is_new).then_some(parts.len() as u32)
    }

    /// Ties what goes back in time to the layers that were not there yet.
    fn close(&mut self) -> Closed {
        let mut closed = Closed { widths: BTreeMap::new(), complete: true };
        for Pending { node, layer, callee, at } in std::mem::take(&mut self.pending) {
            // A layer with errors has been complained about.
            let Some(target) = self.layers.get(&layer).copied().flatten() else {
                closed.complete = false;
                continue;
            };
            let found = &self.graph.nodes[target];
            if found.kind == Kind::Static {
                self.sink.push(types::needs_signal(at, &callee, found.span));
                closed.complete = false;
            }
            closed.widths.insert(layer, (found.width, at));
            if let Some(earlier) = self.graph.nodes[node].op.earlier_mut() {
                *earlier = target;
            }
        }
        closed
    }

    /// Builds one statement's value; also the nodes it made that have parameters or are neurons.
    fn statement(&mut self, name: &str, value: &ast::Expr, is_layer: bool) -> (Option<NodeId>, Vec<NodeId>) {
        self.current = name.to_string();
        let start = self.graph.nodes.len();
        let node = match &*value.kind {
            _ if is_layer => self.input(value),
            ExprKind::Tuple(parts) => self.outputs(parts, value.span),
            _ => self.node(value),
        };
        let owned = (start..self.graph.nodes.len()).filter(|&n| self.graph.is_owned(n)).collect();
        (node, owned)
    }

    /// Complains if a layer cannot have this name.
    fn free_name(&mut self, name: &ast::Name, made: &[Layer]) {
        let taken = |first: Option<Span>| names::duplicate_name(name.span, "layer", &name.text, first);
        if let Some(kind) = crate::check::names::reserved(&name.text) {
            self.sink.push(names::reserved_name(name.span, &name.text, kind));
        } else if is_layer(&name.text) {
            self.sink.push(names::reserved_name(name.span, &name.text, "a layer"));
        } else if self.layers.contains_key(&name.text) {
            self.sink.push(taken(made.iter().find(|l| l.name == name.text).map(|l| l.span)));
        } else if let Some(i) = self.scope.coord(&name.text) {
            self.sink.push(taken(Some(self.scope.coords[i].span)));
        } else if let Some(f) = self.scope.fns.get(&name.text) {
            self.sink.push(taken(Some(f.name.span)));
        } else if self.scope.constant(&name.text).is_some() || self.neurons.has(&name.text) {
            self.sink.push(taken(None));
        }
    }

    fn check_output(&mut self, node: NodeId, span: Span, names: usize) {
        let (kind, width) = (self.graph.nodes[node].kind, self.graph.nodes[node].width);
        if kind == Kind::Signal {
            let at = self.graph.nodes[node].span;
            self.sink.push(types::needs_static(span, "the output", at));
        } else if width as usize != names.max(1) {
            if names == 0 {
                self.scope.unsettled.set(true);
            }
            self.sink.push(types::output_width(span, width, names));
        }
    }
}
