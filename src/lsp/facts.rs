//! What the checker knows of a declared name, whether or not the rest of the program is right.
//!
//! ```text
//! layer h = tuned(x, 512) |> lif     ->    signal of 512 values, `lif` neurons
//! ```

use super::documents::View;
use super::index::{Kind, Symbol};
use crate::check::dimensions::Inference;
use crate::check::items::{self, Items};
use crate::check::model::{self, NodeOp, StateStep, Trainable};
use crate::check::neurons::{self, Checked};
use crate::check::registry::Registry;
use crate::check::scope::{Names, Scope};
use crate::check::{declarations, networks, prelude};
use crate::diag::Sink;
use crate::source::{FileId, Span};
use crate::syntax::ast::{self, Expr, ExprKind};
use crate::units::{Dimension, show};

pub struct Facts<'v> {
    view: &'v View,
    items: Items<'v>,
    scope: Scope<'v>,
}

impl<'v> Facts<'v> {
    pub fn new(view: &'v View) -> Facts<'v> {
        let mut sink = Sink::default();
        let items = items::collect(&view.file, &mut sink);
        let mut scope = Scope::default();
        scope.partial = true;
        scope.units = view.file.units;
        declarations::declare(&items, &[], Span::default(), &mut scope, &mut sink);
        Facts { view, items, scope }
    }

    /// A neuron of the file's own.
    fn neuron(&self, name: &str) -> Option<Checked> {
        let item = self.items.neurons.iter().find(|n| n.name.text == name)?;
        neurons::check(item, &self.scope, &mut Sink::default())
    }

    /// A network as it is built, and the neurons in it.
    fn network(&self, name: &str) -> Option<(model::Network, Vec<model::NeuronModel>)> {
        let k = self.items.networks.iter().position(|n| n.name.text == name)?;
        let mut sources = self.view.sources.clone();
        let mut sink = Sink::default();
        let mut registry = Registry::new(self.items.neurons.iter().copied(), &self.scope, &mut sources, &mut sink);
        let found = networks::check(
            self.items.networks[k],
            self.scope.networks.get(k)?,
            &self.scope,
            &mut registry,
            &mut sink,
        )?;
        Some((found, registry.models()))
    }

    /// What a symbol is, in a sentence or a list.
    pub fn of(&self, symbol: &Symbol) -> String {
        let owner = symbol.owner.map(|o| self.view.index.symbols[o].name.as_str());
        let name = symbol.name.as_str();
        let plain = || symbol.kind.words().to_string();
        match symbol.kind {
            Kind::Const => match self.scope.constant(name) {
                Some(v) => {
                    let dimension = self.scope.dimension(name).map_or(Dimension::NONE, |(d, _)| d);
                    format!("a constant: {}{}", value(v, &dimension), of_dimension(&dimension))
                }
                None => plain(),
            },
            Kind::Coord => match self.scope.coord(name).map(|c| &self.scope.coords[c]) {
                Some(c) => {
                    let periodic = if c.periodic { ", periodic" } else { "" };
                    format!("a coordinate from {} to {}{periodic}", c.lo, c.hi)
                }
                None => plain(),
            },
            Kind::Unknown => match self.scope.unknown(name).map(|u| &self.scope.unknowns[u]) {
                Some(u) if u.lo.is_finite() => {
                    format!("an unknown: starts at {}, kept within {} .. {}", u.start, u.lo, u.hi)
                }
                Some(u) => format!("an unknown: starts at {}", u.start),
                None => plain(),
            },
            Kind::InputFunction => match self.scope.input_function(name).map(|f| &self.scope.functions[f]) {
                Some(f) => format!("an input function on {} .. {}, seen at {} sensors", f.lo, f.hi, f.sensors),
                None => plain(),
            },
            Kind::Curve => match self.scope.curves.iter().find(|c| c.name == name) {
                Some(c) if c.closed => "a closed curve".to_string(),
                _ => plain(),
            },
            Kind::Network => self.about_network(name).unwrap_or_else(plain),
            Kind::Output => {
                let coords = owner.and_then(|o| self.scope.network(o)).map(|n| &self.scope.networks[n].coords);
                let coords: Vec<&str> =
                    coords.into_iter().flatten().map(|c| self.scope.coords[*c].name.as_str()).collect();
                format!("a field over {}", coords.join(", "))
            }
            Kind::Layer => owner.and_then(|o| self.about_layer(o, name)).unwrap_or_else(plain),
            Kind::Neuron => self.neuron(name).map_or_else(plain, |n| about_neuron(&n)),
            Kind::NeuronParam => match owner.and_then(|o| self.neuron(o)) {
                Some(n) => about_param(&n, name).unwrap_or_else(plain),
                None => plain(),
            },
            Kind::State => match owner.and_then(|o| self.neuron(o)) {
                Some(n) => about_state(&n, name).unwrap_or_else(plain),
                None => plain(),
            },
            Kind::Input => match owner.and_then(|o| self.neuron(o)) {
                Some(n) if n.units => format!("the input: {}", n.model.input.dimension.describe()),
                _ => "the input".to_string(),
            },
            Kind::Param => match owner {
                Some(owner) => format!("a parameter of `{owner}`"),
                None => plain(),
            },
            Kind::Bound => "a variable of this sum or integral".to_string(),
            Kind::Fn | Kind::Population | Kind::Residual | Kind::Phase | Kind::Metric => plain(),
        }
    }

    fn about_network(&self, name: &str) -> Option<String> {
        let (network, models) = self.network(name)?;
        let item = self.items.networks.iter().find(|n| n.name.text == name)?;
        let coords: Vec<&str> = item.coords.iter().map(|c| c.text.as_str()).collect();
        let clock = network.clocks.first()?;
        let outputs = networks::outputs(item);
        let what = match outputs {
            [] => format!("a field over {}", coords.join(", ")),
            several => {
                let names: Vec<String> = several.iter().map(|o| format!("`{}`", o.text)).collect();
                format!("a network over {} with the fields {}", coords.join(", "), names.join(", "))
            }
        };
        let mut out = format!("{what}; {} steps of {}\n", clock.steps, clock.dt);
        for layer in network.layers.iter().filter(|l| l.name != networks::OUTPUT) {
            out += &format!("\n- `{}`: {}", layer.name, node(&network, &models, layer.node));
        }
        Some(out)
    }

    fn about_layer(&self, network: &str, name: &str) -> Option<String> {
        let (network, models) = self.network(network)?;
        let layer = network.layers.iter().find(|l| l.name == name)?;
        let grows = if layer.pursuit.is_some() { "; can be grown by pursuit" } else { "" };
        Some(format!("a layer: {}{grows}", node(&network, &models, layer.node)))
    }

    /// What an expression comes to: the number of one without variables, the width of a network's value.
    pub fn expression(&self, offset: usize) -> Option<(Span, String)> {
        let here = |s: Span| s.file == FileId::default() && (s.start as usize..s.end as usize).contains(&offset);
        if let Some(item) = self.items.networks.iter().find(|n| here(n.span)) {
            let (network, models) = self.network(&item.name.text)?;
            let nodes = network.nodes.iter().enumerate().filter(|(_, n)| here(n.span));
            if let Some((k, found)) = nodes.min_by_key(|(_, n)| n.span.end - n.span.start) {
                return Some((found.span, node(&network, &models, k)));
            }
        }
        let mut e = self.view.index.expressions.iter().find(|e| here(e.span))?;
        while let Some(inner) = e.children().into_iter().find(|c| here(c.span) && !is_leaf(c)) {
            e = inner;
        }
        if is_leaf(e) {
            return None;
        }
        let mut sink = Sink::default();
        match self.scope.quantity_of(e, &Names::none("here"), &mut sink) {
            Some((v, dimension)) if sink.is_empty() => {
                Some((e.span, format!("{}{}", value(v, &dimension), of_dimension(&dimension))))
            }
            _ => self.dimension_in_neuron(e),
        }
    }

    /// The dimension of an expression of a neuron with units.
    fn dimension_in_neuron(&self, e: &Expr) -> Option<(Span, String)> {
        let item = self.items.neurons.iter().find(|n| n.span.overlaps(e.span))?;
        let neuron = self.neuron(&item.name.text).filter(|n| n.units)?.model;
        let mut inference = Inference::new(&self.scope);
        let params = neuron.params.iter().map(|p| (&p.name, p.dimension));
        let states = neuron.states.iter().map(|s| (&s.name, s.dimension));
        let input = item.body.iter().filter_map(|stmt| match stmt {
            ast::NeuronStmt::Input { name, .. } => Some((&name.text, neuron.input.dimension)),
            _ => None,
        });
        for (name, dimension) in params.chain(states).chain(input) {
            inference.declare(name, item.span, dimension.into());
        }
        inference.declare("dt", item.span, Dimension::TIME.into());
        let found = inference.of(e)?.dim;
        let dimension = inference.known(&found)?;
        inference.finish(&mut Sink::default()).then(|| (e.span, dimension.describe()))
    }
}

fn is_leaf(e: &Expr) -> bool {
    matches!(&*e.kind, ExprKind::Name(_) | ExprKind::Number { unit: None, .. } | ExprKind::Str(_))
}

fn value(v: f64, dimension: &Dimension) -> String {
    if dimension.is_none() { format!("{v}") } else { show(v, dimension) }
}

fn of_dimension(dimension: &Dimension) -> String {
    if dimension.is_none() { String::new() } else { format!(", {}", dimension.describe()) }
}

fn node(network: &model::Network, models: &[model::NeuronModel], id: model::NodeId) -> String {
    let node = &network.nodes[id];
    let kind = match node.kind {
        model::Kind::Static => "static",
        model::Kind::Signal => "signal",
    };
    let values = if node.width == 1 { "1 value" } else { &format!("{} values", node.width) };
    match &node.op {
        NodeOp::Neuron { model, .. } => {
            let name = models.get(*model).map_or("", |m| m.name.as_str());
            format!("{kind} of {values}, `{name}` neurons")
        }
        _ => format!("{kind} of {values}"),
    }
}

/// The parameters and states of a neuron.
pub fn about_neuron(n: &Checked) -> String {
    let dimension = |d: &Dimension| if n.units { format!(" — {}", d.describe()) } else { String::new() };
    let mut out = "a neuron".to_string();
    out += match (&n.model.spike, &n.model.emit) {
        (Some(_), None) => ", emits its spikes\n",
        (Some(_), Some(_)) => ", spikes and emits a value\n",
        (None, _) => ", does not spike\n",
    };
    for p in &n.model.params {
        out += &format!("\n- parameter `{} = {}`{}", p.name, value(p.default, &p.dimension), dimension(&p.dimension));
    }
    for s in &n.model.states {
        out += &format!("\n- state `{}`{}, {}", s.name, dimension(&s.dimension), moves(&s.step));
    }
    out
}

fn about_param(n: &Checked, name: &str) -> Option<String> {
    let p = n.model.params.iter().find(|p| p.name == name)?;
    let trained = match p.trainable {
        None => "",
        Some(Trainable::PerLayer) => "; trained, one number a layer",
        Some(Trainable::PerNeuron) => "; trained, one number a neuron",
    };
    Some(format!("a parameter: {}{}{trained}", value(p.default, &p.dimension), of_dimension(&p.dimension)))
}

fn about_state(n: &Checked, name: &str) -> Option<String> {
    let s = n.model.states.iter().find(|s| s.name == name)?;
    Some(format!("a state{}: {}", of_dimension(&s.dimension), moves(&s.step)))
}

fn moves(step: &StateStep) -> &'static str {
    match step {
        StateStep::Hold => "changed by resets only",
        StateStep::Update(_) => "updated in discrete time",
        StateStep::Euler { .. } => "integrated by Euler's method",
        StateStep::Rk4 { .. } => "integrated by the method of Runge and Kutta",
        StateStep::Linear { .. } => "integrated exactly over a step",
    }
}

/// The text of a prelude neuron: what its comment says, and its code.
pub fn prelude_neuron(name: &str) -> Option<(String, &'static str)> {
    let text = prelude::text(name)?;
    let comment: Vec<&str> =
        text.lines().take_while(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#')).collect();
    let code = &text[text.lines().take(comment.len()).map(|l| l.len() + 1).sum::<usize>().min(text.len())..];
    let unindented: Vec<&str> = comment.iter().map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
    Some((unindented.join("\n"), code.trim()))
}

/// A prelude neuron as it is written.
fn prelude_tree(name: &str) -> Option<ast::Neuron> {
    let file = crate::syntax::parse::parse_mended(prelude::text(name)?, FileId::default());
    file.items.into_iter().find_map(|i| match i {
        ast::Item::Neuron(n) => Some(n),
        _ => None,
    })
}

/// A parameter of a prelude neuron, as it is declared.
pub fn prelude_parameter(neuron: &str, name: &str) -> Option<&'static str> {
    let text = prelude::text(neuron)?;
    let param = prelude_tree(neuron)?.header.into_iter().find(|p| p.name.text == name)?;
    text.get(param.span.start as usize..param.span.end as usize)
}

/// The parameters that a layer may set, of a prelude neuron.
pub fn prelude_parameters(name: &str) -> Vec<String> {
    let neuron = prelude_tree(name);
    neuron.into_iter().flat_map(|n| n.header).map(|p| p.name.text).collect()
}

/// The states of a prelude neuron, and its input.
pub fn prelude_states(name: &str) -> Vec<String> {
    let mut out = vec![];
    for stmt in prelude_tree(name).into_iter().flat_map(|n| n.body) {
        match stmt {
            ast::NeuronStmt::State(all) => out.extend(all.into_iter().map(|(name, _)| name.text)),
            ast::NeuronStmt::Input { name, .. } => out.push(name.text),
            _ => {}
        }
    }
    out
}
