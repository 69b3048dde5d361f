//! `record v of exc[0 .. 2], spikes of exc`.

use super::{Context, Entry, find};
use crate::check::names::nearest;
use crate::diag::{Sink, simulation as say, types};
use crate::plan::simulation::{Record, Recorded};
use crate::syntax::ast::{self, Expr, ExprKind, SimulateStmt};

/// Numbers that may be recorded at the most.
const MOST_NUMBERS: f64 = 1e8;

/// What is recorded over time, and the populations whose spikes are asked for.
pub fn check(
    block: &ast::Simulate,
    entries: &[Entry<'_>],
    cx: &Context<'_, '_>,
    sink: &mut Sink,
) -> (Vec<Record>, Vec<usize>) {
    let (mut records, mut spikes) = (vec![], vec![]);
    let mut numbers = 0.0;
    for stmt in &block.body {
        let SimulateStmt::Record { what, .. } = stmt else { continue };
        for (name, of) in what {
            let Some((population, units)) = units(of, entries, cx, sink) else { continue };
            let entry = &entries[population];
            let i = &entry.interface;
            if name.text == "spikes" {
                if !i.spikes && !i.broken {
                    sink.push(say::silent(name.span, &entry.name.text));
                } else if !spikes.contains(&population) {
                    spikes.push(population);
                }
                continue;
            }
            let (recorded, dimension) = if i.input.as_deref() == Some(name.text.as_str()) {
                (Recorded::Input, i.input_dimension)
            } else if let Some(k) = i.states.iter().position(|(s, _)| *s == name.text) {
                (Recorded::State(k), i.states[k].1)
            } else {
                if !i.broken {
                    let states = i.states.iter().map(|(s, _)| s.as_str());
                    let may: Vec<&str> = ["spikes"].into_iter().chain(i.input.as_deref()).chain(states).collect();
                    let near = nearest(&name.text, may.iter().copied());
                    sink.push(say::unknown_recorded(name.span, &name.text, &entry.name.text, &may, near));
                }
                continue;
            };
            numbers += units.len() as f64 * cx.times.steps as f64;
            if numbers > MOST_NUMBERS {
                sink.push(say::too_large(
                    of.span,
                    "recorded numbers",
                    MOST_NUMBERS,
                    "record fewer units: `exc[0 .. 9]`",
                ));
                return (records, spikes);
            }
            let unit = dimension.filter(|_| cx.scope.units).map_or_else(String::new, |d| d.unit());
            records.push(Record { population, name: name.text.clone(), unit, what: recorded, units });
        }
    }
    (records, spikes)
}

/// `exc`, `exc[3]`, `exc[0 .. 2, 7]`: a population and some of its units, in order.
pub fn units(e: &Expr, entries: &[Entry<'_>], cx: &Context<'_, '_>, sink: &mut Sink) -> Option<(usize, Vec<u32>)> {
    let (name, span, indices) = match &*e.kind {
        ExprKind::Name(n) => (n, e.span, None),
        ExprKind::Index { base, indices, args: None } => (&base.text, base.span, Some(indices)),
        _ => {
            sink.push(types::wrong_kind(e.span, "a population, such as `exc` or `exc[0 .. 2]`", "an expression"));
            return None;
        }
    };
    let population = find(name, span, entries, sink)?;
    let size = entries[population].interface.size?;
    let Some(indices) = indices else { return Some((population, (0..size).collect())) };
    let unit = |e: &Expr, sink: &mut Sink| -> Option<u32> {
        let v = cx.scope.number(e, sink)?;
        if v.fract() != 0.0 || v < 0.0 || v >= f64::from(size) {
            sink.push(say::no_unit(e.span, name, size, v));
            return None;
        }
        Some(v as u32)
    };
    let mut all = std::collections::BTreeSet::new();
    for index in indices {
        match &*index.kind {
            ExprKind::Range(a, b) => {
                let (lo, hi) = (unit(a, sink), unit(b, sink));
                let (lo, hi) = (lo?, hi?);
                if lo > hi {
                    sink.push(types::empty_range(a.span.to(b.span), f64::from(lo), f64::from(hi)));
                    return None;
                }
                all.extend(lo..=hi);
            }
            _ => {
                all.insert(unit(index, sink)?);
            }
        }
    }
    Some((population, all.into_iter().collect()))
}
