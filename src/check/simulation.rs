//! A `simulate` block to a [`Simulation`]: populations, connections, what is recorded and what is expected.
//!
//! ```text
//! simulate { duration 100  dt 0.1  population p = lif(10, tau = 20) with i = 1.2 }
//!   ->   1000 steps of 0.1; p: 10 units of lif, params [20, 1], input 1.2
//! ```
//!
//! Times come first, since noise is scaled by `dt`, then populations, then what refers to them; statements may stand in any
//! order.

mod connections;
mod expressions;
pub mod model;
mod models;
mod populations;
mod records;
mod reports;

use crate::check::Options;
use crate::check::items::{self, Items};
use crate::check::names::reserved;
use crate::check::scope::Scope;
use crate::check::{allow, declarations, imports, neurons};
use crate::diag::{Sink, names, simulation as say};
use crate::plan::simulation::Given;
use crate::source::{FileId, Files, Sources, Span};
use crate::syntax::ast::{self, SimulateStmt};
use crate::units::Dimension;
use model::{Population, Simulation};
use models::Models;

/// Populations at the most, and given numbers of one: more would not fit into the index of their random numbers.
const MOST_POPULATIONS: usize = 250;
const MOST_GIVEN: usize = 60;
const MOST_STEPS: f64 = 4e9;

/// The first `simulate` block of a file, if there is one.
pub fn block(file: &ast::File) -> Option<&ast::Simulate> {
    file.items.iter().find_map(|i| match i {
        ast::Item::Simulate(s) => Some(s),
        _ => None,
    })
}

/// When everything happens.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub dt: f64,
    pub steps: u64,
    pub seed: u64,
}

impl Times {
    pub fn duration(&self) -> f64 {
        self.steps as f64 * self.dt
    }
}

/// What the parts of a simulation are checked with.
pub struct Context<'s, 'f> {
    pub scope: &'s Scope<'f>,
    pub times: Times,
}

/// A population by its name, and what others need to know of it. `checked` is `None` for one with errors.
pub struct Entry<'a> {
    pub name: &'a ast::Name,
    pub checked: Option<Population>,
    pub interface: Interface,
}

/// What a population looks like from outside.
#[derive(Debug, Clone, Default)]
pub struct Interface {
    pub size: Option<u32>,
    pub spikes: bool,
    /// The input's name, where there is one.
    pub input: Option<String>,
    pub input_dimension: Option<Dimension>,
    pub states: Vec<(String, Option<Dimension>)>,
    /// Moves by equations in time, so that a step has no meaning of its own.
    pub continuous: bool,
    /// Nothing is known of it, because of mistakes already reported.
    pub broken: bool,
}

/// Checks a file that has a `simulate` block. `None` if it has errors, all of which are in `sink`.
pub fn check(
    file: &ast::File,
    sources: &mut Sources,
    files: &dyn Files,
    options: &Options,
    sink: &mut Sink,
) -> Option<Simulation> {
    let whole = imports::load(file, sources, files, sink);
    let simulation = check_whole(&whole, sources, options, sink);
    allow::apply(&whole, sink);
    imports::say_where_from(sources, sink);
    simulation.filter(|_| !sink.has_errors())
}

/// Checks a program whose imports are part of it.
fn check_whole(file: &ast::File, sources: &mut Sources, options: &Options, sink: &mut Sink) -> Option<Simulation> {
    let whole = !sink.has_errors();
    let items = items::collect(file, sink);
    let block = block(file)?;
    alone(&items, block, sink);
    let mut scope = Scope::default();
    scope.partial = !whole;
    scope.units = file.units;
    declarations::declare(&items, &options.set, Span::new(FileId::default(), 0, 0), &mut scope, sink);
    own_names(&items, sink);
    let once = Once::of(block, sink);
    let times = once.times(block, options.seed, &scope, whole, sink);
    let mut models = Models::new(&items.neurons, once.method, &scope, sources, sink);
    let times = times?;
    let cx = Context { scope: &scope, times };
    let mut entries: Vec<Entry<'_>> = vec![];
    for stmt in &block.body {
        let SimulateStmt::Population { name, model, with, .. } = stmt else { continue };
        if let Some(first) = entries.iter().find(|e| e.name.text == name.text) {
            sink.push(names::duplicate_name(name.span, "population", &name.text, Some(first.name.span)));
            continue;
        }
        if let Some(kind) = reserved(&name.text) {
            sink.push(names::reserved_name(name.span, &name.text, kind));
        }
        if entries.len() == MOST_POPULATIONS {
            sink.push(say::too_large(name.span, "populations", MOST_POPULATIONS as f64, "put more units into each"));
        }
        entries.push(populations::check(name, model, with, &cx, &mut models, sink));
    }
    if entries.is_empty() && whole {
        sink.push(say::missing(keyword(block), "population"));
    }
    let connections = connections::check(block, &entries, &cx, sink);
    let (records, spikes) = records::check(block, &entries, &cx, sink);
    let report = reports::check(items.report, &entries, &records, &spikes, &cx, sources_of(&models), sink);
    if !sink.has_errors() {
        warn_unused(&items, &scope, &models, sink);
    }
    if sink.has_errors() {
        return None;
    }
    Some(Simulation {
        dt: times.dt,
        steps: times.steps,
        seed: times.seed,
        populations: entries.into_iter().map(|e| e.checked).collect::<Option<Vec<_>>>()?,
        connections: connections?,
        records,
        report: report?,
        neurons: models.used(),
        constants: scope.constants.clone(),
        units: scope.units,
    })
}

fn sources_of<'a>(models: &'a Models<'_, '_>) -> &'a Sources {
    models.sources()
}

/// Where `simulate` stands.
fn keyword(block: &ast::Simulate) -> Span {
    let start = block.span.start as usize;
    Span::new(block.span.file, start, start + "simulate".len())
}

/// A program simulates or trains: what only a training problem has may not stand beside.
fn alone(items: &Items<'_>, block: &ast::Simulate, sink: &mut Sink) {
    let others = [
        items.domain.map(|d| ("domain", d.span)),
        items.networks.first().map(|n| ("network", n.name.span)),
        items.residuals.first().map(|r| ("residual", r.name.span)),
        items.exacts.first().map(|e| ("exact", e.span)),
        items.train.map(|t| ("train", t.span)),
    ];
    if let Some((what, span)) = others.into_iter().flatten().next() {
        sink.push(say::not_alone(keyword(block), what, span));
    }
}

/// Complains of constants and functions that have a name of what a simulation gives: they could not be told apart.
fn own_names(items: &Items<'_>, sink: &mut Sink) {
    let consts = items.consts.iter().map(|c| &c.name);
    for name in consts.chain(items.fns.iter().map(|f| &f.name)) {
        if let Some(what) = expressions::meaning(&name.text) {
            sink.push(names::reserved_name(name.span, &name.text, what));
        }
    }
}

fn warn_unused(items: &Items<'_>, scope: &Scope<'_>, models: &Models<'_, '_>, sink: &mut Sink) {
    // A library may declare more than one program uses.
    let own = |name: &ast::Name| name.span.file == FileId::default() && !scope.is_used(&name.text);
    for c in items.consts.iter().filter(|c| own(&c.name)) {
        sink.push(names::unused(c.name.span, "constant", &c.name.text));
    }
    for f in items.fns.iter().filter(|f| own(&f.name)) {
        sink.push(names::unused(f.name.span, "function", &f.name.text));
    }
    models.warn_unused(sink);
}

/// The statements that a block has at most one of.
#[derive(Default)]
struct Once<'a> {
    duration: Option<&'a ast::Expr>,
    dt: Option<&'a ast::Expr>,
    seed: Option<&'a ast::Expr>,
    method: Option<&'a ast::Name>,
}

impl<'a> Once<'a> {
    fn of(block: &'a ast::Simulate, sink: &mut Sink) -> Once<'a> {
        let mut once = Once::default();
        let mut seen: Vec<(&str, Span)> = vec![];
        for stmt in &block.body {
            let (what, span) = match stmt {
                SimulateStmt::Duration(_, span) => ("duration", *span),
                SimulateStmt::Dt(_, span) => ("dt", *span),
                SimulateStmt::Seed(_, span) => ("seed", *span),
                SimulateStmt::Method(_, span) => ("method", *span),
                _ => continue,
            };
            if let Some((_, first)) = seen.iter().find(|(w, _)| *w == what) {
                sink.push(say::repeated(span, what, *first));
                continue;
            }
            seen.push((what, span));
            match stmt {
                SimulateStmt::Duration(e, _) => once.duration = Some(e),
                SimulateStmt::Dt(e, _) => once.dt = Some(e),
                SimulateStmt::Seed(e, _) => once.seed = Some(e),
                SimulateStmt::Method(m, _) => once.method = Some(m),
                _ => {}
            }
        }
        once
    }

    /// `None` if a time is missing or wrong.
    fn times(
        &self,
        block: &ast::Simulate,
        seed: Option<u64>,
        scope: &Scope<'_>,
        whole: bool,
        sink: &mut Sink,
    ) -> Option<Times> {
        let mut time = |e: Option<&ast::Expr>, word: &str, what: &str| match e {
            Some(e) => positive(e, Dimension::TIME, what, scope, sink),
            None => {
                if whole {
                    sink.push(say::missing(keyword(block), word));
                }
                None
            }
        };
        let duration = time(self.duration, "duration", "the duration");
        let dt = time(self.dt, "dt", "the time step");
        let own = match self.seed {
            Some(e) => scope.integer(e, 0, 1 << 53, sink)?,
            None => 0,
        };
        let (duration, dt) = (duration?, dt?);
        let steps = (duration / dt).round();
        if !(1.0..=MOST_STEPS).contains(&steps) {
            let span = self.duration.map_or(block.span, |e| e.span);
            sink.push(say::steps(span, steps, MOST_STEPS));
            return None;
        }
        Some(Times { dt, steps: steps as u64, seed: seed.unwrap_or(own) })
    }
}

/// A quantity above 0.
fn positive(e: &ast::Expr, dimension: Dimension, what: &str, scope: &Scope<'_>, sink: &mut Sink) -> Option<f64> {
    let v = scope.quantity_in(e, dimension, what, sink)?;
    if v <= 0.0 {
        sink.push(crate::diag::types::out_of_range(e.span, "a number above 0", v));
        return None;
    }
    Some(v)
}

/// Complains of more given numbers than there is room for.
fn few_enough(given: &[Given], span: Span, sink: &mut Sink) {
    if given.len() > MOST_GIVEN {
        sink.push(say::too_large(span, "random values of one population", MOST_GIVEN as f64, "share some of them"));
    }
}

/// The population of a name.
fn find<'e, 'a>(name: &str, span: Span, entries: &'e [Entry<'a>], sink: &mut Sink) -> Option<usize> {
    let found = entries.iter().position(|e| e.name.text == name);
    if found.is_none() {
        let known: Vec<&str> = entries.iter().map(|e| e.name.text.as_str()).collect();
        let near = crate::check::names::nearest(name, known.iter().copied());
        sink.push(say::unknown_population(span, name, &known, near));
    }
    found
}

/// Keeps the signature of the neuron checker in one place.
fn check_neuron(neuron: &ast::Neuron, scope: &Scope<'_>, sink: &mut Sink) -> Option<neurons::Checked> {
    neurons::check(neuron, scope, sink)
}
