//! `population NAME = MODEL(n, param = value) with i = EXPR, v = EXPR`, and Poisson sources.

use super::expressions::{Giver, Scene};
use super::model::{Kind, Population};
use super::models::{Known, Models};
use super::{Context, Entry, Interface, few_enough};
use crate::check::args::bind;
use crate::check::expr::Expr;
use crate::check::names::nearest;
use crate::diag::{Sink, simulation as say};
use crate::plan::simulation::Given;
use crate::syntax::ast;
use crate::units::Dimension;

/// Units at the most.
const MOST_UNITS: u64 = 10_000_000;

pub fn check<'a>(
    name: &'a ast::Name,
    call: &ast::Call,
    with: &[(ast::Name, ast::Expr)],
    cx: &Context<'_, '_>,
    models: &mut Models<'_, '_>,
    sink: &mut Sink,
) -> Entry<'a> {
    if call.name.text == "poisson" && !models.has_own("poisson") {
        let size = size(call, &["n", "rate"], cx, sink);
        let interface = Interface { size, spikes: true, ..Interface::default() };
        let checked = poisson(name, call, with, size, cx, sink);
        return Entry { name, checked, interface };
    }
    let Some(known) = models.find(&call.name, cx.scope, sink) else {
        return Entry { name, checked: None, interface: Interface { broken: true, ..Interface::default() } };
    };
    let model = &known.checked.model;
    let params: Vec<&str> = std::iter::once("n").chain(model.params.iter().map(|p| p.name.as_str())).collect();
    let size = size(call, &params, cx, sink);
    let interface = Interface {
        size,
        spikes: model.spike.is_some(),
        input: known.input.clone(),
        input_dimension: known.input_dimension(),
        states: model.states.iter().enumerate().map(|(k, s)| (s.name.clone(), known.state_dimension(k))).collect(),
        continuous: known.is_continuous(),
        broken: false,
    };
    let place = models.place(model);
    let checked = neurons(name, call, with, size, place, &known, cx, sink);
    Entry { name, checked, interface }
}

fn size(call: &ast::Call, params: &[&str], cx: &Context<'_, '_>, sink: &mut Sink) -> Option<u32> {
    // What is wrong with the other arguments is said when they are looked at.
    let bound = bind(&call.name, &call.args, params, &[], &mut Sink::default());
    let n = bound.require("n", sink)?;
    cx.scope.integer(n, 1, MOST_UNITS, sink).map(|n| n as u32)
}

fn poisson(
    name: &ast::Name,
    call: &ast::Call,
    with: &[(ast::Name, ast::Expr)],
    size: Option<u32>,
    cx: &Context<'_, '_>,
    sink: &mut Sink,
) -> Option<Population> {
    if let Some((given, _)) = with.first() {
        sink.push(say::unknown_with(given.span, &given.text, &call.name.text, &[], None));
    }
    let bound = bind(&call.name, &call.args, &["n", "rate"], &[], sink);
    let rate = bound.require("rate", sink)?;
    let mut giver = Giver { cx, given: vec![] };
    let what = format!("the rate of `{}`", name.text);
    let value = giver.value(rate, Scene::Rate, Some(Dimension::FREQUENCY), &what, sink)?;
    if let Expr::Num(rate_value) = value {
        let chance = rate_value * cx.times.dt;
        if !(0.0..=1.0).contains(&chance) {
            sink.push(say::rate(rate.span, chance));
            return None;
        }
    }
    let uniform = giver.push(Given::StepUniform);
    few_enough(&giver.given, call.span, sink);
    let kind = Kind::Poisson { rate: value, uniform };
    Some(Population { name: name.text.clone(), size: size?, given: giver.given, kind })
}

#[allow(clippy::too_many_arguments)]
fn neurons(
    name: &ast::Name,
    call: &ast::Call,
    with: &[(ast::Name, ast::Expr)],
    size: Option<u32>,
    place: usize,
    known: &Known,
    cx: &Context<'_, '_>,
    sink: &mut Sink,
) -> Option<Population> {
    let model = &known.checked.model;
    let names: Vec<&str> = std::iter::once("n").chain(model.params.iter().map(|p| p.name.as_str())).collect();
    let bound = bind(&call.name, &call.args, &names, &[], sink);
    let mut giver = Giver { cx, given: vec![] };
    let mut params = vec![];
    for (k, p) in model.params.iter().enumerate() {
        params.push(match bound.get(&p.name) {
            None => Some(Expr::Num(p.default)),
            Some(e) => {
                let what = format!("the parameter `{}`", p.name);
                giver.value(e, Scene::Unit, known.param_dimension(k), &what, sink)
            }
        });
    }
    let mut input: Option<Option<Expr>> = None;
    let mut starts: Vec<(usize, Option<Expr>)> = vec![];
    let mut seen: Vec<&ast::Name> = vec![];
    for (given, e) in with {
        if let Some(first) = seen.iter().find(|n| n.text == given.text) {
            sink.push(say::repeated(given.span, &given.text, first.span));
            continue;
        }
        seen.push(given);
        if known.input.as_deref() == Some(given.text.as_str()) {
            let what = format!("the input of `{}`", name.text);
            input = Some(giver.value(e, Scene::Input, known.input_dimension(), &what, sink));
        } else if let Some(k) = model.states.iter().position(|s| s.name == given.text) {
            let what = format!("the start of `{}`", given.text);
            starts.push((k, giver.value(e, Scene::Unit, known.state_dimension(k), &what, sink)));
        } else {
            let states = model.states.iter().map(|s| s.name.as_str());
            let may: Vec<&str> = known.input.as_deref().into_iter().chain(states).collect();
            let near = nearest(&given.text, may.iter().copied());
            sink.push(say::unknown_with(given.span, &given.text, &call.name.text, &may, near));
        }
    }
    few_enough(&giver.given, call.span, sink);
    let params = params.into_iter().collect::<Option<Vec<_>>>()?;
    let starts = starts.into_iter().map(|(k, e)| Some((k, e?))).collect::<Option<Vec<_>>>()?;
    let input = match input {
        None => Expr::Num(0.0),
        Some(e) => e?,
    };
    let kind = Kind::Neurons { model: place, params, input, starts };
    Some(Population { name: name.text.clone(), size: size?, given: giver.given, kind })
}
