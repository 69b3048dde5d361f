//! [`ast::File`](crate::syntax::ast::File) to [`model::Model`]: everything that can be known before running is decided
//! here, and everything that is wrong is said here, all at once and in source order.
//!
//! ```text
//! text with two mistakes    ->    two messages, and no Model
//! ```
//!
//! The order is that in which things may refer to each other: functions and constants, the domain, neurons, networks,
//! residuals, training, reports. A mistake in one leaves a stand-in for the next, so that none hides another.

pub mod allow;
pub mod args;
pub mod calculus;
pub mod conditions;
pub mod data;
pub mod declarations;
pub mod dimensions;
pub mod domain;
pub mod exact;
pub mod expr;
pub mod functions;
pub mod imports;
pub mod items;
pub mod linear;
pub mod lints;
pub mod model;
pub mod names;
pub mod networks;
pub mod neurons;
pub mod polynomial;
pub mod prelude;
pub mod print;
pub mod reference;
pub mod registry;
pub mod reports;
pub mod residuals;
pub mod schedule;
pub mod scope;
pub mod simplify;
pub mod simulation;
pub mod smooth;
pub mod stops;
pub mod topology;
pub mod training;
pub mod weak;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::diag::Sink;
use crate::source::{FileId, Files, Sources, Span};
use crate::syntax::ast;
use calculus::budget;
use model::Model;
use registry::Registry;
use scope::Scope;

/// What the command line says about the program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `--set c=3`, in order.
    pub set: Vec<(String, f64)>,
    /// `--seed 7`.
    pub seed: Option<u64>,
}

/// Checks a program. `None` if it has errors; all of them, and the warnings, are in `sink`. Files that it imports and
/// prelude files that it uses are added to `sources`; they and data files are read through `files`.
pub fn check(
    file: &ast::File,
    sources: &mut Sources,
    files: &dyn Files,
    options: &Options,
    sink: &mut Sink,
) -> Option<Model> {
    budget::begin();
    let whole = imports::load(file, sources, files, sink);
    let model = check_whole(&whole, sources, files, options, sink);
    if let Some(item) = budget::too_large() {
        // What else was found out about it was found out about a 0.
        sink.retain(|m| !m.span().overlaps(item));
        sink.push(crate::diag::names::derivative_too_large(item));
    }
    if !sink.has_errors() {
        imports::warn_unused(&whole, sources, sink);
    }
    allow::apply(&whole, sink);
    imports::say_where_from(sources, sink);
    model.filter(|_| !sink.has_errors())
}

/// Checks a program whose imports are part of it.
fn check_whole(
    file: &ast::File,
    sources: &mut Sources,
    files: &dyn Files,
    options: &Options,
    sink: &mut Sink,
) -> Option<Model> {
    // What the parser could not read may be just what seems to be missing.
    let whole = !sink.has_errors();
    let items = items::collect(file, sink);
    let start = Span::new(FileId::default(), 0, 0);
    let mut scope = Scope::default();
    scope.partial = !whole;
    scope.units = file.units;
    declarations::declare(&items, &options.set, start, &mut scope, sink);
    let mut neurons = Registry::new(items.neurons.iter().copied(), &scope, sources, sink);
    let networks: Vec<Option<(String, model::Network)>> = items
        .networks
        .iter()
        .zip(&scope.networks)
        .map(|(n, signature)| Some((n.name.text.clone(), networks::check(n, signature, &scope, &mut neurons, sink)?)))
        .collect();
    let models = neurons.models();
    networks.iter().flatten().for_each(|(_, n)| neurons::lints::check(n, &models, &scope.coords, sink));
    if whole {
        missing(&items, start, sink);
    }
    let network = networks.into_iter().collect::<Option<Vec<_>>>().and_then(networks::join);
    let network = network.as_ref();
    let residuals = residuals::check(&items.residuals, &scope, network.map(|n| (n, models.as_slice())), files, sink);
    let exact = exact::check(&items.exacts, &scope, files, sink);
    if let (Some(residuals), Some((exact, _))) = (&residuals, &exact) {
        exact::test(exact, residuals, &scope, &options.set, sink);
    }
    if let (Some(network), Some(exact)) = (network, &exact) {
        let fields: Vec<String> = network.fields.iter().map(|f| f.name.clone()).collect();
        let ctx = weak::Context { coords: &scope.coords, fields: &fields, unknowns: &[] };
        exact.0.iter().for_each(|e| lints::hard_exact(e, network, ctx, sink));
    }
    if let (Some(network), Some(residuals)) = (network, &residuals) {
        conditions::check(file, &items, network, residuals, &scope.coords, sink);
    }
    let train = training::check(items.train, network, &scope, options.seed, sink);
    if let Some(train) = &train {
        domain::resolved(&scope.coords, train.precision, sink);
    }
    if let (Some(residuals), Some(train)) = (&residuals, &train) {
        residuals::check_dynamics(&items.residuals, residuals, train, &stops::batches(items.train), sink);
    }
    if !sink.has_errors() {
        warn_unused(&items, &scope, &neurons, sink);
    }
    drop(neurons);
    let report = match (network, &exact) {
        (Some(network), Some((exact, reference))) => {
            let reference = reference.as_ref();
            let residuals = items.residuals.iter().map(|r| r.name.text.as_str()).collect();
            let context = reports::Context { network, neurons: &models, exact, reference, residuals, sources };
            reports::check(items.report, &context, &scope, sink)
        }
        _ => None,
    };
    if let (Some(train), Some(report)) = (&train, &report) {
        stops::check(items.train, train, report, &scope, sink);
    }
    if sink.has_errors() {
        return None;
    }
    let (exact, reference) = exact?;
    Some(Model {
        constants: scope.constants,
        coords: scope.coords,
        shape: scope.shape,
        neurons: models,
        network: network?.clone(),
        unknowns: scope.unknowns,
        functions: scope.functions,
        places: scope.places.into_inner(),
        residuals: residuals?,
        exact,
        reference: reference.map(Arc::new),
        train: train?,
        report: report?,
    })
}

/// Complains of items that every program needs.
fn missing(items: &items::Items<'_>, start: Span, sink: &mut Sink) {
    let mut what = Vec::new();
    if items.domain.is_none() {
        what.push("domain");
    }
    if items.networks.is_empty() {
        what.push("network");
    }
    if items.residuals.is_empty() {
        what.push("residual");
    }
    if !what.is_empty() {
        sink.push(crate::diag::names::missing_item(start, &what));
    }
}

/// Only for a program without errors: what has errors in it may have left something unused.
fn warn_unused(items: &items::Items<'_>, scope: &Scope<'_>, neurons: &Registry<'_>, sink: &mut Sink) {
    // A library may declare more than one program uses.
    let own = |name: &ast::Name| name.span.file == FileId::default() && !scope.is_used(&name.text);
    for c in items.consts.iter().filter(|c| own(&c.name)) {
        sink.push(crate::diag::names::unused(c.name.span, "constant", &c.name.text));
    }
    for c in scope.curves.iter().filter(|c| c.span.file == FileId::default() && !scope.is_used(&c.name)) {
        sink.push(crate::diag::names::unused(c.span, "curve", &c.name));
    }
    for f in items.fns.iter().filter(|f| own(&f.name)) {
        sink.push(crate::diag::names::unused(f.name.span, "function", &f.name.text));
    }
    for f in scope.functions.iter().filter(|f| !scope.is_used(&f.name)) {
        sink.push(crate::diag::names::unused(f.span, "input function", &f.name));
    }
    for u in scope.unknowns.iter().filter(|u| !scope.is_used(&u.name)) {
        sink.push(crate::diag::names::unused(u.span, "unknown", &u.name));
    }
    let unread = |n: &&&ast::Network| {
        let outputs = networks::outputs(n);
        own(&n.name) && !outputs.iter().any(|o| scope.is_used(&o.text))
    };
    for n in items.networks.iter().filter(unread) {
        sink.push(crate::diag::names::unused(n.name.span, "network", &n.name.text));
    }
    neurons.warn_unused(sink);
}
