//! `stop when` of a phase.
//!
//! ```text
//! stop when l2 < 1e-3     ->  StopWhen { reached: l2 < 0.001 }        l2 is a metric of the report
//! ```
//!
//! Phases are checked before the report: whether there is such a metric is asked afterwards.

use crate::check::names::nearest;
use crate::check::scope::Scope;
use crate::check::training::Parts;
use crate::diag::{Sink, training as say};
use crate::plan::{Comparison, Expect, Method, Report, StopWhen, Train};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, PhaseStmt, TrainStmt};

/// `None` after a mistake.
pub fn stop(parts: &Parts<'_>, scope: &Scope<'_>, sink: &mut Sink) -> Option<StopWhen> {
    let reached = match parts.stop {
        Some((e, _)) => reached(e, scope, sink).map(Some),
        None => Some(None),
    };
    let stalled = match parts.stalled {
        Some((e, _)) => scope.integer(e, 1, 1 << 30, sink).map(|n| Some(n as usize)),
        None => Some(None),
    };
    Some(StopWhen { reached: reached?, stalled: stalled? })
}

fn reached(e: &Expr, scope: &Scope<'_>, sink: &mut Sink) -> Option<Expect> {
    let comparison = |op: BinaryOp| match op {
        BinaryOp::Lt => Some((Comparison::Less, "<")),
        BinaryOp::Le => Some((Comparison::LessEqual, "<=")),
        BinaryOp::Gt => Some((Comparison::Greater, ">")),
        BinaryOp::Ge => Some((Comparison::GreaterEqual, ">=")),
        _ => None,
    };
    if let ExprKind::Binary(op, a, b) = &*e.kind
        && let (Some((comparison, sign)), ExprKind::Name(name)) = (comparison(*op), &*a.kind)
    {
        let bound = scope.number(b, sink)?;
        return Some(Expect { metric: name.clone(), comparison, bound, text: format!("{name} {sign} {bound}") });
    }
    sink.push(say::stop_form(e.span));
    None
}

/// Complains of names that neither the report nor the domain knows, and of patience that outlasts its phase.
pub fn check(train: Option<&ast::Train>, plan: &Train, report: &Report, scope: &Scope<'_>, sink: &mut Sink) {
    for (phase, plan) in phases(train).zip(&plan.phases) {
        let (most, unit) = match &plan.method {
            Method::Gradient(g) => (g.steps, "step"),
            Method::Pursuit(p) => (p.rounds + 1, "round"),
            Method::Readout { .. } => continue,
        };
        let at = phase.body.iter().find_map(|s| if let PhaseStmt::StopStalled(_, at) = s { Some(*at) } else { None });
        if let (Some(at), Some(n)) = (at, plan.stop.stalled)
            && n >= most
        {
            sink.push(say::stop_never(at, most, unit));
        }
    }
    let mut known: Vec<&str> = report.metrics.iter().map(|m| m.name.as_str()).collect();
    known.extend(scope.unknowns.iter().map(|u| u.name.as_str()));
    known.push("loss");
    for e in statements(train).filter_map(|s| if let PhaseStmt::StopWhen(e, _) = s { Some(e) } else { None }) {
        if let ExprKind::Binary(_, a, _) = &*e.kind
            && let ExprKind::Name(name) = &*a.kind
            && !known.contains(&name.as_str())
        {
            sink.push(say::unknown_stop(a.span, name, &known, nearest(name, known.iter().copied())));
        }
    }
}

fn statements(train: Option<&ast::Train>) -> impl Iterator<Item = &PhaseStmt> {
    phases(train).flat_map(|p| &p.body)
}

fn phases(train: Option<&ast::Train>) -> impl Iterator<Item = &ast::Phase> {
    let body = train.map(|t| t.body.as_slice()).unwrap_or_default();
    body.iter().filter_map(|s| if let TrainStmt::Phase(p) = s { Some(p) } else { None })
}

/// Where each phase says `batch`.
pub fn batches(train: Option<&ast::Train>) -> Vec<Option<Span>> {
    let of =
        |p: &ast::Phase| p.body.iter().find_map(|s| if let PhaseStmt::Batch(_, at) = s { Some(*at) } else { None });
    phases(train).map(of).collect()
}
