//! The `report` block of a simulation: measures of spikes, what is expected of them, plots.
//!
//! ```text
//! metric r = rate(exc[0 .. 9], from = 100)     ->  Metric { Rate, population 0, units 0 ..= 9, window 100 .. duration }
//! ```

use super::{Context, Entry, records};
use crate::check::args::bind;
use crate::check::names::nearest;
use crate::check::reports::{Compared, both_of, compared, is_plain};
use crate::diag::{Sink, reports, simulation as say, types};
use crate::plan::simulation::{Expect, Measure, Metric, Plot, Record, Report};
use crate::source::{Sources, Span};
use crate::syntax::ast::{self, Expr, ExprKind, ReportStmt};
use crate::units::Dimension;

const MEASURES: &[(&str, Measure)] =
    &[("rate", Measure::Rate), ("spike_count", Measure::SpikeCount), ("cv", Measure::Cv)];
const PLOTS: &[&str] = &["raster", "rates", "trace"];

/// The report; `None` after a mistake. Without `plot` it shows whatever there is to show.
pub fn check(
    item: Option<&ast::Report>,
    entries: &[Entry<'_>],
    records: &[Record],
    spikes: &[usize],
    cx: &Context<'_, '_>,
    sources: &Sources,
    sink: &mut Sink,
) -> Option<Report> {
    let mut report = Report::default();
    let mut fine = true;
    let mut metrics: Vec<(&str, Span, Option<Measure>)> = vec![];
    let (mut plotted, mut saved): (Option<Span>, Option<Span>) = (None, None);
    let body = item.map_or(&[][..], |i| i.body.as_slice());
    // Metrics first: an expectation may stand before the metric it is about.
    for stmt in body {
        let ReportStmt::Metric { name, value, place, .. } = stmt else { continue };
        if let Some((_, first, _)) = metrics.iter().find(|(n, ..)| *n == name.text) {
            sink.push(reports::repeated(name.span, &format!("the metric `{}`", name.text), *first));
            fine = false;
        }
        if let Some((_, span)) = place {
            sink.push(say::metric_place(*span));
            fine = false;
        }
        let found = metric(&name.text, value, entries, cx, sources, sink);
        metrics.push((&name.text, name.span, found.as_ref().map(|m| m.measure)));
        match found {
            Some(m) => report.metrics.push(m),
            None => fine = false,
        }
    }
    for stmt in body {
        match stmt {
            ReportStmt::Metric { .. } => {}
            ReportStmt::Expect { condition, span } => match expect(condition, *span, &metrics, cx, sources, sink) {
                Some(e) => report.expects.push(e),
                None => fine = false,
            },
            ReportStmt::Plot { what, span } => {
                if let Some(first) = plotted.replace(*span) {
                    sink.push(reports::repeated(*span, "`plot`", first));
                    fine = false;
                }
                for e in what {
                    match plot(e, entries, records, cx, sink) {
                        Some(p) => report.plots.push(p),
                        None => fine = false,
                    }
                }
            }
            ReportStmt::Save { path, span } => {
                if let Some(first) = saved.replace(*span) {
                    sink.push(reports::repeated(*span, "`save`", first));
                    fine = false;
                }
                if is_plain(&path.text) {
                    report.save = Some(path.text.clone());
                } else {
                    sink.push(reports::save_name(path.span, &path.text));
                    fine = false;
                }
            }
        }
    }
    if plotted.is_none() {
        report.plots = default_plots(entries, records, spikes);
    }
    fine.then_some(report)
}

/// Rasters of the populations whose spikes are recorded, or of all that spike; rates; everything recorded.
fn default_plots(entries: &[Entry<'_>], records: &[Record], spikes: &[usize]) -> Vec<Plot> {
    let spiking = (0..entries.len()).filter(|p| entries[*p].interface.spikes);
    let rasters: Vec<usize> =
        if spikes.is_empty() && records.is_empty() { spiking.clone().collect() } else { spikes.to_vec() };
    let mut plots: Vec<Plot> = rasters.into_iter().map(Plot::Raster).collect();
    if spiking.count() > 0 {
        plots.push(Plot::Rates);
    }
    let traced = (0..entries.len()).filter(|p| records.iter().any(|r| r.population == *p));
    plots.extend(traced.map(Plot::Traces));
    plots
}

/// Text as it stands in the program, on one line.
fn as_written(span: Span, sources: &Sources) -> String {
    sources.snippet(span).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn metric(
    name: &str,
    value: &Expr,
    entries: &[Entry<'_>],
    cx: &Context<'_, '_>,
    sources: &Sources,
    sink: &mut Sink,
) -> Option<Metric> {
    let ExprKind::Call { callee, args } = &*value.kind else {
        sink.push(types::wrong_kind(value.span, "a measure, such as `rate(exc)`", "an expression"));
        return None;
    };
    let Some((_, measure)) = MEASURES.iter().find(|(n, _)| *n == callee.text) else {
        let known: Vec<&str> = MEASURES.iter().map(|(n, _)| *n).collect();
        let near = nearest(&callee.text, known.iter().copied());
        sink.push(reports::unknown_metric(callee.span, &callee.text, &known, near));
        return None;
    };
    let bound = bind(callee, args, &["population", "from", "to"], &[], sink);
    let of = bound.require("population", sink)?;
    let mut time = |word: &str, otherwise: f64| match bound.get(word) {
        Some(e) => cx.scope.quantity_in(e, Dimension::TIME, &format!("`{word}`"), sink).map(|v| (v, e.span)),
        None => Some((otherwise, callee.span)),
    };
    let (from, to) = (time("from", 0.0), time("to", cx.times.duration()));
    let (population, units) = records::units(of, entries, cx, sink)?;
    let ((from, _), (to, at)) = (from?, to?);
    if from >= to {
        sink.push(types::empty_range(at, from, to));
        return None;
    }
    let end = cx.times.duration();
    if from < 0.0 || to > end * (1.0 + 1e-9) {
        sink.push(types::out_of_range(at, &format!("times from 0 to {end}"), if from < 0.0 { from } else { to }));
        return None;
    }
    let i = &entries[population].interface;
    if !i.spikes && !i.broken {
        sink.push(say::silent(of.span, &entries[population].name.text));
        return None;
    }
    let text = as_written(value.span, sources);
    Some(Metric { name: name.into(), measure: *measure, population, units, window: (from, to), text })
}

fn expect(
    condition: &Expr,
    span: Span,
    metrics: &[(&str, Span, Option<Measure>)],
    cx: &Context<'_, '_>,
    sources: &Sources,
    sink: &mut Sink,
) -> Option<Expect> {
    let is_metric = |name: &str| metrics.iter().any(|(n, ..)| *n == name);
    if let Some((left, right)) = both_of(condition) {
        sink.push(reports::two_expectations(span, [left.span, right.span].map(|at| sources.snippet(at))));
        return None;
    }
    let Some(Compared { name, at, comparison, bound }) = compared(condition, &is_metric) else {
        sink.push(reports::expect_form(span));
        return None;
    };
    if is_metric(name)
        && let ExprKind::Name(other) = &*bound.kind
        && is_metric(other)
    {
        sink.push(reports::expect_metrics(bound.span, other));
        return None;
    }
    let Some((_, _, measure)) = metrics.iter().find(|(n, ..)| *n == name) else {
        let known: Vec<&str> = metrics.iter().map(|(n, ..)| *n).collect();
        let near = nearest(name, known.iter().copied());
        sink.push(reports::unknown_expected(at, name, &known, near));
        return None;
    };
    let (dimension, what) = match measure {
        // The metric has a mistake, which has been reported.
        None => return None,
        Some(Measure::Rate) => (Dimension::FREQUENCY, "the bound of a rate"),
        Some(Measure::SpikeCount | Measure::Cv) => (Dimension::NONE, "the bound of this metric"),
    };
    let bound = cx.scope.quantity_in(bound, dimension, what, sink)?;
    Some(Expect { metric: name.to_string(), comparison, bound, text: as_written(condition.span, sources) })
}

fn plot(e: &Expr, entries: &[Entry<'_>], records: &[Record], cx: &Context<'_, '_>, sink: &mut Sink) -> Option<Plot> {
    let (name, args) = match &*e.kind {
        ExprKind::Name(n) => (n.as_str(), None),
        ExprKind::Call { callee, args } => (callee.text.as_str(), Some(args)),
        _ => {
            sink.push(types::wrong_kind(e.span, "a plot, such as `raster(exc)`", "an expression"));
            return None;
        }
    };
    match (name, args.map(Vec::as_slice)) {
        ("rates", None) => Some(Plot::Rates),
        ("raster" | "trace", Some([of])) => {
            let (population, _) = records::units(&of.value, entries, cx, sink)?;
            let entry = &entries[population];
            if name == "raster" {
                if !entry.interface.spikes && !entry.interface.broken {
                    sink.push(say::silent(of.span, &entry.name.text));
                    return None;
                }
                return Some(Plot::Raster(population));
            }
            if !records.iter().any(|r| r.population == population) {
                sink.push(say::nothing_recorded(of.span, &entry.name.text));
                return None;
            }
            Some(Plot::Traces(population))
        }
        ("raster" | "trace", args) => {
            sink.push(types::arity(e.span, name, "1 argument", args.map_or(0, <[_]>::len)));
            None
        }
        _ => {
            sink.push(reports::unknown_plot(e.span, name, PLOTS, nearest(name, PLOTS.iter().copied())));
            None
        }
    }
}
