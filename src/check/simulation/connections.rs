//! `connect A -> B probability 0.1 weight w delay d tau 5 to i`.

use super::expressions::{Giver, Scene};
use super::model::Connection;
use super::{Context, Entry, few_enough, find};
use crate::check::expr::Expr;
use crate::check::names::nearest;
use crate::diag::{Sink, simulation as say, types};
use crate::plan::simulation::{Pattern, Port};
use crate::syntax::ast::{self, ExprKind, SimulateStmt};
use crate::units::Dimension;

const OPTIONS: &[&str] = &["probability", "indegree", "all", "one_to_one", "autapses", "weight", "delay", "tau", "to"];
const PATTERNS: &[&str] = &["probability", "indegree", "all", "one_to_one"];
/// Synapses of one connection at the most.
const MOST_SYNAPSES: f64 = 2e8;

type Given<'a> = (&'a ast::Name, Option<&'a ast::Expr>);

/// All connections, `None` if one has errors.
pub fn check(
    block: &ast::Simulate,
    entries: &[Entry<'_>],
    cx: &Context<'_, '_>,
    sink: &mut Sink,
) -> Option<Vec<Connection>> {
    let mut all = vec![];
    for stmt in &block.body {
        if let SimulateStmt::Connect { from, to, options, .. } = stmt {
            all.push(connection(from, to, options, entries, cx, sink));
        }
    }
    all.into_iter().collect()
}

fn connection(
    from: &ast::Name,
    to: &ast::Name,
    options: &[(ast::Name, Option<ast::Expr>)],
    entries: &[Entry<'_>],
    cx: &Context<'_, '_>,
    sink: &mut Sink,
) -> Option<Connection> {
    let given = options_of(options, sink);
    let get = |word: &str| given.iter().find(|(n, _)| n.text == word).copied();
    let value = |word: &str| get(word).and_then(|(_, e)| e);
    let (source, target) = (find(&from.text, from.span, entries, sink), find(&to.text, to.span, entries, sink));
    let (source, target) = (source?, target?);
    if !entries[source].interface.spikes && !entries[source].interface.broken {
        sink.push(say::silent(from.span, &from.text));
        return None;
    }
    let pattern = pattern(&given, from, to, source, target, entries, cx, sink);
    let (port, dimension) = port(value("to"), value("tau"), to, &entries[target], cx, sink)?;
    let mut giver = Giver { cx, given: vec![] };
    let weight = match value("weight") {
        Some(e) => giver.value(e, Scene::Synapse, dimension, "the weight", sink),
        None => {
            sink.push(types::missing_argument(from.span.to(to.span), "connect", "weight"));
            None
        }
    };
    let delay = match value("delay") {
        Some(e) => {
            let delay = giver.value(e, Scene::Synapse, Some(Dimension::TIME), "the delay", sink);
            if let Some(Expr::Num(d)) = delay
                && d < 0.0
            {
                sink.push(types::out_of_range(e.span, "a delay of at least 0", d));
                return None;
            }
            delay
        }
        None => Some(Expr::Num(0.0)),
    };
    few_enough(&giver.given, from.span.to(to.span), sink);
    if port == (Port::Input { tau: None }) && entries[target].interface.continuous && cx.times.dt != 1.0 {
        let input = entries[target].interface.input.clone().unwrap_or_default();
        sink.push(say::one_step(from.span.to(to.span), &input));
    }
    Some(Connection {
        from: source,
        to: target,
        pattern: pattern?,
        autapses: get("autapses").is_some(),
        port,
        given: giver.given,
        weight: weight?,
        delay: delay?,
        span: from.span.to(to.span),
    })
}

/// The options by name, without those that are repeated or unknown.
fn options_of<'a>(options: &'a [(ast::Name, Option<ast::Expr>)], sink: &mut Sink) -> Vec<Given<'a>> {
    let mut given: Vec<Given<'a>> = vec![];
    for (name, value) in options {
        if !OPTIONS.contains(&name.text.as_str()) {
            let near = nearest(&name.text, OPTIONS.iter().copied());
            sink.push(say::unknown_option(name.span, &name.text, OPTIONS, near));
        } else if let Some((first, _)) = given.iter().find(|(n, _)| n.text == name.text) {
            sink.push(say::repeated(name.span, &name.text, first.span));
        } else {
            given.push((name, value.as_ref()));
        }
    }
    given
}

#[allow(clippy::too_many_arguments)]
fn pattern(
    given: &[Given<'_>],
    from: &ast::Name,
    to: &ast::Name,
    source: usize,
    target: usize,
    entries: &[Entry<'_>],
    cx: &Context<'_, '_>,
    sink: &mut Sink,
) -> Option<Pattern> {
    let mut chosen = given.iter().filter(|(n, _)| PATTERNS.contains(&n.text.as_str()));
    let first = chosen.next();
    if let (Some((a, _)), Some((b, _))) = (first, chosen.next()) {
        sink.push(say::two_patterns(b.span, &b.text, a.span, &a.text));
        return None;
    }
    let sizes = (entries[source].interface.size, entries[target].interface.size);
    let pairs = f64::from(sizes.0.unwrap_or(1)) * f64::from(sizes.1.unwrap_or(1));
    let own = given.iter().any(|(n, _)| n.text == "autapses");
    let (pattern, expected) = match first {
        None => (Pattern::Probability(1.0), pairs),
        Some((n, _)) if n.text == "all" => (Pattern::Probability(1.0), pairs),
        Some((n, _)) if n.text == "one_to_one" => {
            if let (Some(a), Some(b)) = sizes
                && a != b
            {
                sink.push(say::sizes_differ(n.span, (&from.text, a), (&to.text, b)));
                return None;
            }
            (Pattern::OneToOne, 0.0)
        }
        Some((n, Some(e))) if n.text == "probability" => {
            let p = cx.scope.number(e, sink)?;
            if !(0.0..=1.0).contains(&p) {
                sink.push(types::out_of_range(e.span, "a probability from 0 to 1", p));
                return None;
            }
            (Pattern::Probability(p), p * pairs)
        }
        Some((_, Some(e))) => {
            let most = sizes.0.map_or(u64::MAX, |n| u64::from(n) - u64::from(source == target && !own));
            let n = cx.scope.integer(e, 0, most, sink)? as u32;
            (Pattern::InDegree(n), f64::from(n) * f64::from(sizes.1.unwrap_or(1)))
        }
        Some((_, None)) => unreachable!("the grammar gives these a value"),
    };
    if expected > MOST_SYNAPSES {
        sink.push(say::too_large(from.span.to(to.span), "synapses", MOST_SYNAPSES, "lower the probability"));
        return None;
    }
    Some(pattern)
}

/// Where spikes arrive, and the dimension of a weight there.
fn port(
    to: Option<&ast::Expr>,
    tau: Option<&ast::Expr>,
    target: &ast::Name,
    entry: &Entry<'_>,
    cx: &Context<'_, '_>,
    sink: &mut Sink,
) -> Option<(Port, Option<Dimension>)> {
    let i = &entry.interface;
    let tau = match tau {
        Some(e) => Some((super::positive(e, Dimension::TIME, "the time constant", cx.scope, sink)?, e.span)),
        None => None,
    };
    if i.broken {
        return None;
    }
    let states: Vec<&str> = i.states.iter().map(|(n, _)| n.as_str()).collect();
    let may: Vec<&str> = i.input.as_deref().into_iter().chain(states.iter().copied()).collect();
    let name = match to.map(|e| (&*e.kind, e.span)) {
        None => None,
        Some((ExprKind::Name(n), span)) => Some((n.as_str(), span)),
        Some((_, span)) => {
            sink.push(types::wrong_kind(span, "the name of an input or a state", "an expression"));
            return None;
        }
    };
    match name {
        Some((n, _)) if i.input.as_deref() == Some(n) => {}
        Some((n, span)) => {
            let Some(k) = states.iter().position(|s| *s == n) else {
                sink.push(say::unknown_port(span, n, &target.text, &may, nearest(n, may.iter().copied())));
                return None;
            };
            if let Some((_, span)) = tau {
                sink.push(say::tau_of_state(span, n));
                return None;
            }
            return Some((Port::State(k), i.states[k].1));
        }
        None if i.input.is_none() => {
            sink.push(say::no_input(target.span, &target.text, &may));
            return None;
        }
        None => {}
    }
    Some((Port::Input { tau: tau.map(|(t, _)| t) }, i.input_dimension))
}
