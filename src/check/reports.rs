//! The `report` block to a [`Report`] plan.
//!
//! ```text
//! metric l2 = relative_l2(u) on grid(x = 101, t = 101)      ->  Metric { name: l2, kind: RelativeL2, grid: [101, 101] }
//! expect l2 < 0.01                                          ->  Expect { metric: l2, Less, 0.01 }
//! ```

use crate::check::domain;
use crate::check::model::{Exact, Network, NeuronModel, NodeOp, Place, Quantity};
use crate::check::names::nearest;
use crate::check::residuals;
use crate::check::scope::Scope;
use crate::diag::{Sink, names, networks, options, reports as say, residuals as residual_say, types};
use crate::plan::{Comparison, Expect, Metric, MetricKind, Plot, PlotField, Reference, Report};
use crate::source::{Sources, Span};
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, ReportStmt};

const METRICS: &[(&str, MetricKind)] = &[
    ("relative_l2", MetricKind::RelativeL2),
    ("rmse", MetricKind::Rmse),
    ("mean_absolute", MetricKind::MeanAbsolute),
    ("max_error", MetricKind::MaxError),
    ("residual", MetricKind::Residual),
];

/// What other programs call them.
const HABITS: &[(&[&str], &str)] = &[
    (&["l2", "L2", "rel_l2", "rel_error", "relative_error", "l2_error", "error"], "relative_l2"),
    (&["rms", "mse", "RMSE", "MSE", "rms_error"], "rmse"),
    (&["mae", "MAE", "l1", "L1", "mean_error"], "mean_absolute"),
    (&["linf", "l_inf", "max", "max_absolute", "sup"], "max_error"),
    (&["res", "loss", "rest"], "residual"),
];

/// What the report may refer to.
pub struct Context<'a> {
    pub network: &'a Network,
    pub neurons: &'a [NeuronModel],
    pub exact: &'a [Exact],
    pub reference: Option<&'a Reference>,
    /// The names of the residuals, as far as they have been read.
    pub residuals: Vec<&'a str>,
    /// For quoting an expectation as it is written.
    pub sources: &'a Sources,
}

impl Context<'_> {
    fn has_exact(&self, of: Quantity) -> bool {
        self.exact.iter().any(|e| e.of == of) || self.counts(of).is_some()
    }

    /// The grid of a quantity that a file gives the exact solution of.
    fn counts(&self, of: Quantity) -> Option<Vec<usize>> {
        let Quantity::Field(field) = of else { return None };
        self.reference.filter(|r| r.of(field).is_some()).map(Reference::counts)
    }
}

/// The report; the default one, without a `report` block, shows what there is to show. `None` after a mistake.
pub fn check(item: Option<&ast::Report>, cx: &Context<'_>, scope: &Scope<'_>, sink: &mut Sink) -> Option<Report> {
    let Some(item) = item else { return Some(default_report(cx, scope)) };
    let mut report = Report::default();
    let mut fine = true;
    let mut metrics: Vec<(&str, Span)> = vec![];
    let mut saved: Option<Span> = None;
    let mut plotted: Option<Span> = None;
    // Metrics first: an expectation may stand before the metric it is about.
    for stmt in &item.body {
        if let ReportStmt::Metric { name, value, place, span } = stmt {
            if let Some((_, first)) = metrics.iter().find(|(n, _)| *n == name.text) {
                sink.push(say::repeated(name.span, &format!("the metric `{}`", name.text), *first));
                fine = false;
            }
            metrics.push((&name.text, name.span));
            match metric(&name.text, value, place.as_ref(), *span, cx, scope, sink) {
                Some(m) => report.metrics.push(m),
                None => fine = false,
            }
        }
    }
    for stmt in &item.body {
        match stmt {
            ReportStmt::Metric { .. } => {}
            ReportStmt::Expect { condition, span } => match expect(condition, *span, &metrics, cx, scope, sink) {
                Some(e) => report.expects.push(e),
                None => fine = false,
            },
            ReportStmt::Plot { what, span } => {
                if let Some(first) = plotted.replace(*span) {
                    sink.push(say::repeated(*span, "`plot`", first));
                    fine = false;
                }
                for e in what {
                    match plot(e, cx, scope, sink) {
                        Some(p) => report.plots.push(p),
                        None => fine = false,
                    }
                }
            }
            ReportStmt::Save { path, span } => {
                if let Some(first) = saved.replace(*span) {
                    sink.push(say::repeated(*span, "`save`", first));
                    fine = false;
                }
                if is_plain(&path.text) {
                    report.save = Some(path.text.clone());
                } else {
                    sink.push(say::save_name(path.span, &path.text));
                    fine = false;
                }
            }
        }
    }
    if report.plots.is_empty() {
        report.plots = default_plots(cx);
    }
    fine.then_some(report)
}

/// A file name without folders, ending in `.npz`, that is safe everywhere.
pub fn is_plain(name: &str) -> bool {
    let stem = name.strip_suffix(".npz").unwrap_or("");
    !stem.is_empty()
        && !stem.starts_with('.')
        && stem.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
}

fn default_report(cx: &Context<'_>, scope: &Scope<'_>) -> Report {
    let mut report = Report::default();
    let several = cx.network.fields.len() > 1;
    for (k, field) in cx.network.fields.iter().enumerate() {
        let field = field.name.clone();
        if cx.has_exact(Quantity::Field(k)) {
            let grid = cx.counts(Quantity::Field(k)).unwrap_or_else(|| default_grid(scope.coords.len()));
            let name = if several { format!("l2_{field}") } else { "l2".into() };
            report.metrics.push(Metric { name, kind: MetricKind::RelativeL2, field, grid });
        }
    }
    report.plots = default_plots(cx);
    report
}

fn default_plots(cx: &Context<'_>) -> Vec<Plot> {
    let mut plots = vec![];
    for (k, field) in cx.network.fields.iter().enumerate() {
        let field = field.name.clone();
        plots.push(Plot::Field(PlotField::Solution(field.clone())));
        if cx.has_exact(Quantity::Field(k)) {
            plots.push(Plot::Field(PlotField::Exact(field.clone())));
            plots.push(Plot::Field(PlotField::Error(field.clone())));
        }
    }
    plots.push(Plot::Loss);
    let spiking = cx.network.layers.iter().filter(|l| spikes(&l.owned, cx));
    plots.extend(spiking.map(|l| Plot::Raster(l.name.clone())));
    plots
}

/// Points a coordinate where the program does not say.
fn default_grid(coords: usize) -> Vec<usize> {
    let n = match coords {
        1 => 1001,
        2 => 101,
        3 => 41,
        _ => 11,
    };
    vec![n; coords]
}

fn spikes(owned: &[usize], cx: &Context<'_>) -> bool {
    owned.iter().any(|n| match &cx.network.nodes[*n].op {
        NodeOp::Neuron { model, .. } => cx.neurons[*model].spike.is_some(),
        _ => false,
    })
}

/// The field, or the unknown, in `f(u)`.
fn quantity(
    args: &[ast::Arg],
    span: Span,
    callee: &str,
    scope: &Scope<'_>,
    sink: &mut Sink,
) -> Option<(String, Quantity)> {
    let [arg] = args else {
        sink.push(types::arity(span, callee, "1 argument", args.len()));
        return None;
    };
    match &*arg.value.kind {
        ExprKind::Index { .. } => {
            scope.named_field(&arg.value, sink).map(|(name, field)| (name, Quantity::Field(field)))
        }
        ExprKind::Name(n) => match (scope.field(n), scope.unknown(n)) {
            (Some(field), _) if scope.takes_functions(field) => {
                sink.push(scope.wants_brackets(arg.value.span, n));
                None
            }
            (Some(field), _) => Some((n.clone(), Quantity::Field(field))),
            (None, Some(k)) => Some((n.clone(), Quantity::Unknown(k))),
            (None, None) if scope.network(n).is_some() => {
                sink.push(names::network_with_outputs(arg.value.span, n, &scope.field_names()));
                None
            }
            (None, None) => {
                scope.unknown_name(arg.value.span, n, nearest(n, scope.field_names()), sink);
                None
            }
        },
        _ => {
            sink.push(types::wrong_kind(arg.value.span, "the name of a field", "an expression"));
            None
        }
    }
}

fn metric(
    name: &str,
    value: &Expr,
    place: Option<&(ast::Place, Span)>,
    span: Span,
    cx: &Context<'_>,
    scope: &Scope<'_>,
    sink: &mut Sink,
) -> Option<Metric> {
    let known: Vec<&str> = METRICS.iter().map(|(n, _)| *n).collect();
    let ExprKind::Call { callee, args } = &*value.kind else {
        sink.push(types::wrong_kind(value.span, "a measure, such as `relative_l2(u)`", "an expression"));
        return None;
    };
    let Some((_, kind)) = METRICS.iter().find(|(n, _)| *n == callee.text) else {
        let habit = HABITS.iter().find(|(words, _)| words.contains(&callee.text.as_str())).map(|(_, meant)| *meant);
        let near = habit.or_else(|| nearest(&callee.text, known.iter().copied()));
        sink.push(say::unknown_metric(callee.span, &callee.text, &known, near));
        return None;
    };
    if *kind == MetricKind::Residual {
        return residual(name, args, value.span, place.map(|(_, at)| *at), cx, scope, sink);
    }
    let of = quantity(args, value.span, &callee.text, scope, sink);
    let grid = match place {
        Some((_, at)) if matches!(of, Some((_, Quantity::Unknown(_)))) => {
            sink.push(residual_say::no_effect(*at, "on", "an unknown has one value everywhere"));
            Some(vec![])
        }
        None if matches!(of, Some((_, Quantity::Unknown(_)))) => Some(vec![]),
        None => {
            let counts = of.as_ref().and_then(|(_, of)| cx.counts(*of));
            Some(counts.unwrap_or_else(|| default_grid(scope.coords.len())))
        }
        Some((_, at)) if of.as_ref().is_some_and(|(_, of)| cx.counts(*of).is_some()) => {
            let path = cx.reference.map_or("", |r| r.path.as_str());
            sink.push(options::exact_place(*at, path));
            None
        }
        Some((ast::Place::Grid(args), at)) => residuals::grid(args, *at, scope, sink)
            .filter(|g| domain::reaches(&Place::Grid(g.clone()), *at, scope, sink).is_some()),
        Some((_, at)) => {
            sink.push(names::not_available_but(*at, "a metric anywhere but on a grid", "write `on grid(…)`"));
            None
        }
    };
    let (field, of) = of?;
    if !cx.has_exact(of) {
        sink.push(say::no_exact(span, &format!("`{}`", callee.text), &scope.written(&field)));
        return None;
    }
    Some(Metric { name: name.into(), kind: *kind, field, grid: grid? })
}

/// `residual(heat)`: the name of a residual, and no place, as it has its own.
fn residual(
    name: &str,
    args: &[ast::Arg],
    span: Span,
    place: Option<Span>,
    cx: &Context<'_>,
    scope: &Scope<'_>,
    sink: &mut Sink,
) -> Option<Metric> {
    let [arg] = args else {
        sink.push(types::arity(span, "residual", "1 argument", args.len()));
        return None;
    };
    let ExprKind::Name(of) = &*arg.value.kind else {
        sink.push(types::wrong_kind(arg.value.span, "the name of a residual", "an expression"));
        return None;
    };
    if let Some(at) = place {
        sink.push(residual_say::no_effect(at, "on", "a residual is measured on its own place"));
    }
    if !cx.residuals.contains(&of.as_str()) {
        let near = nearest(of, cx.residuals.iter().copied());
        // It may stand in what could not be read.
        if near.is_some() || !scope.partial {
            sink.push(say::unknown_residual(arg.value.span, of, &cx.residuals, near));
        }
        return None;
    }
    Some(Metric { name: name.into(), kind: MetricKind::Residual, field: of.clone(), grid: vec![] })
}

fn expect(
    condition: &Expr,
    span: Span,
    metrics: &[(&str, Span)],
    cx: &Context<'_>,
    scope: &Scope<'_>,
    sink: &mut Sink,
) -> Option<Expect> {
    // The value an unknown was found to have is there without a metric.
    let is_metric = |name: &str| metrics.iter().any(|(n, _)| *n == name) || scope.unknown(name).is_some();
    if let Some((left, right)) = both_of(condition) {
        let parts = [left.span, right.span].map(|at| cx.sources.snippet(at));
        sink.push(say::two_expectations(span, parts));
        return None;
    }
    if let Some(Compared { name, at, comparison, bound }) = compared(condition, &is_metric) {
        if is_metric(name)
            && let ExprKind::Name(other) = &*bound.kind
            && is_metric(other)
        {
            sink.push(say::expect_metrics(bound.span, other));
            return None;
        }
        let bound = scope.number(bound, sink);
        if !is_metric(name) {
            let known = metrics.iter().map(|(n, _)| *n).chain(scope.unknowns.iter().map(|u| u.name.as_str()));
            let known: Vec<&str> = known.collect();
            let near = nearest(name, known.iter().copied());
            sink.push(say::unknown_expected(at, name, &known, near));
            return None;
        }
        let text = cx.sources.snippet(condition.span).split_whitespace().collect::<Vec<_>>().join(" ");
        return Some(Expect { metric: name.to_string(), comparison, bound: bound?, text });
    }
    sink.push(say::expect_form(span));
    None
}

/// A metric, read as standing on the left: `0.2 < nu` is `nu > 0.2`.
pub struct Compared<'e> {
    pub name: &'e str,
    pub at: Span,
    pub comparison: Comparison,
    pub bound: &'e Expr,
}

/// The comparison of a name with something; which of two names is meant, `is_metric` says.
pub fn compared<'e>(condition: &'e Expr, is_metric: &dyn Fn(&str) -> bool) -> Option<Compared<'e>> {
    let ExprKind::Binary(op, a, b) = &*condition.kind else { return None };
    let (comparison, turned) = match op {
        BinaryOp::Lt => (Comparison::Less, Comparison::Greater),
        BinaryOp::Le => (Comparison::LessEqual, Comparison::GreaterEqual),
        BinaryOp::Gt => (Comparison::Greater, Comparison::Less),
        BinaryOp::Ge => (Comparison::GreaterEqual, Comparison::LessEqual),
        _ => return None,
    };
    match (&*a.kind, &*b.kind) {
        (ExprKind::Name(name), ExprKind::Name(other)) if is_metric(other) && !is_metric(name) => {
            Some(Compared { name: other, at: b.span, comparison: turned, bound: a })
        }
        (ExprKind::Name(name), _) => Some(Compared { name, at: a.span, comparison, bound: b }),
        (_, ExprKind::Name(name)) => Some(Compared { name, at: b.span, comparison: turned, bound: a }),
        _ => None,
    }
}

/// The two sides of an `and`.
pub fn both_of(condition: &Expr) -> Option<(&Expr, &Expr)> {
    match &*condition.kind {
        ExprKind::Binary(BinaryOp::And, a, b) => Some((a, b)),
        _ => None,
    }
}

fn plot(e: &Expr, cx: &Context<'_>, scope: &Scope<'_>, sink: &mut Sink) -> Option<Plot> {
    const KNOWN: &[&str] = &["heatmap", "curve", "loss", "raster"];
    match &*e.kind {
        ExprKind::Name(n) if n == "loss" => Some(Plot::Loss),
        ExprKind::Call { callee, args } if callee.text == "raster" => raster(args, e.span, cx, sink),
        ExprKind::Call { callee, args } if matches!(callee.text.as_str(), "heatmap" | "curve") => {
            let one = scope.coords.len() == 1;
            if one != (callee.text == "curve") {
                let (why, instead) = match one {
                    true => ("a heat map is over two coordinates, the domain has one", "curve(…)"),
                    false => ("a curve is over one coordinate, the domain has more", "heatmap(…)"),
                };
                sink.push(say::plot_form(callee.span, why, instead));
                return None;
            }
            field_plot(args, e.span, &callee.text, cx, scope, sink).map(Plot::Field)
        }
        ExprKind::Name(n) | ExprKind::Call { callee: ast::Name { text: n, .. }, .. } => {
            sink.push(say::unknown_plot(e.span, n, KNOWN, nearest(n, KNOWN.iter().copied())));
            None
        }
        _ => {
            sink.push(types::wrong_kind(e.span, "a plot, such as `heatmap(u)`", "an expression"));
            None
        }
    }
}

fn raster(args: &[ast::Arg], span: Span, cx: &Context<'_>, sink: &mut Sink) -> Option<Plot> {
    let [arg] = args else {
        sink.push(types::arity(span, "raster", "1 argument", args.len()));
        return None;
    };
    let ExprKind::Name(name) = &*arg.value.kind else {
        sink.push(types::wrong_kind(arg.value.span, "the name of a layer", "an expression"));
        return None;
    };
    let Some(layer) = cx.network.layers.iter().find(|l| l.name == *name) else {
        let known: Vec<&str> = cx.network.layers.iter().map(|l| l.name.as_str()).collect();
        let near = nearest(name, known.iter().copied());
        sink.push(networks::no_such_layer(arg.value.span, name, &known, near));
        return None;
    };
    if !spikes(&layer.owned, cx) {
        sink.push(say::no_spikes(arg.value.span, name, layer.span));
        return None;
    }
    Some(Plot::Raster(name.clone()))
}

/// `u`, `exact(u)` or `error(u)`.
fn field_plot(
    args: &[ast::Arg],
    span: Span,
    callee: &str,
    cx: &Context<'_>,
    scope: &Scope<'_>,
    sink: &mut Sink,
) -> Option<PlotField> {
    if let [ast::Arg { value, .. }] = args
        && let ExprKind::Call { callee: inner, args } = &*value.kind
        && matches!(inner.text.as_str(), "exact" | "error")
    {
        let (field, of) = plotted(args, value.span, &inner.text, scope, sink)?;
        if !cx.has_exact(of) {
            sink.push(say::no_exact(value.span, &format!("`{}`", inner.text), &scope.written(&field)));
            return None;
        }
        return Some(if inner.text == "exact" { PlotField::Exact(field) } else { PlotField::Error(field) });
    }
    plotted(args, span, callee, scope, sink).map(|(field, _)| PlotField::Solution(field))
}

/// As [`quantity`], of fields alone.
fn plotted(
    args: &[ast::Arg],
    span: Span,
    callee: &str,
    scope: &Scope<'_>,
    sink: &mut Sink,
) -> Option<(String, Quantity)> {
    let found = quantity(args, span, callee, scope, sink)?;
    if matches!(found.1, Quantity::Unknown(_)) {
        sink.push(types::wrong_kind(args[0].span, "the name of a field", "an unknown, which has a single value"));
        return None;
    }
    Some(found)
}

#[cfg(test)]
mod tests;
