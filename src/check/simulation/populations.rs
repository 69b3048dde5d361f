//! `population NAME = MODEL(n, param = value) with i = EXPR, v = EXPR`, and Poisson sources.

use super::expressions::{Giver, Scene, twin};
use super::model::{Kind, Population};
use super::models::{Known, Models};
use super::{Context, Entry, Interface, few_enough};
use crate::check::args::bind;
use crate::check::dimensions::Inference;
use crate::check::expr::{Expr, Var};
use crate::check::names::nearest;
use crate::check::neurons::quantities::{self, Argument};
use crate::check::scope::Scope;
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
    let place = models.place(model);
    let Some(dimensions) = dimensions(call, &params, &known, cx, sink) else {
        return Entry { name, checked: None, interface: Interface { size, broken: true, ..Interface::default() } };
    };
    let interface = Interface {
        size,
        spikes: model.spike.is_some(),
        input: known.input.clone(),
        input_dimension: dimensions.input,
        states: model.states.iter().map(|s| s.name.clone()).zip(dimensions.states.iter().copied()).collect(),
        continuous: known.is_continuous(),
        broken: false,
    };
    let checked = neurons(name, call, with, size, place, &known, &dimensions, cx, sink);
    Entry { name, checked, interface }
}

/// Dimensions of a model's input and states as it is used here; `None` in a program without units.
struct Dimensions {
    input: Option<Dimension>,
    states: Vec<Option<Dimension>>,
}

/// Checks the arguments for their dimensions. A model of a file without units gets its own from the arguments.
fn dimensions(
    call: &ast::Call,
    params: &[&str],
    known: &Known,
    cx: &Context<'_, '_>,
    sink: &mut Sink,
) -> Option<Dimensions> {
    let (scope, checked) = (cx.scope, &known.checked);
    if !scope.units && !checked.units {
        return Some(Dimensions { input: None, states: vec![None; checked.model.states.len()] });
    }
    if !scope.units {
        sink.push(say::model_has_units(call.name.span, &call.name.text));
        return None;
    }
    // What is wrong with the arguments otherwise is said when they are looked at.
    let bound = bind(&call.name, &call.args, params, &[], &mut Sink::default());
    let given: Vec<(usize, ast::Expr)> =
        (1..params.len()).filter_map(|k| Some((k - 1, twin(bound.get(params[k])?)))).collect();
    let time = Dimension::TIME;
    let arguments: Vec<Argument<'_>> = given.iter().map(|(param, value)| Argument { param: *param, value }).collect();
    if !quantities::call(checked, &arguments, &call.name, time, scope, sink) {
        return None;
    }
    let model = &checked.model;
    if checked.units {
        let states = model.states.iter().map(|s| Some(s.dimension)).collect();
        return Some(Dimensions { input: Some(model.input.dimension), states });
    }
    let mut args = vec![];
    for (k, value) in &given {
        let mut inference = Inference::new(scope);
        if let Some(found) = inference.of(value) {
            args.push((model.params[*k].name.clone(), inference.known(&found.dim).unwrap_or_default()));
        }
    }
    let called = quantities::Given::Called { args, time };
    let found = quantities::infer(&checked.ast, &Scope::default(), &called, &mut Sink::default());
    Some(match found {
        Some(q) => Dimensions { input: Some(q.input.dimension), states: q.states.into_iter().map(Some).collect() },
        None => Dimensions { input: None, states: vec![None; model.states.len()] },
    })
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
    Some(Population { name: name.text.clone(), size: size?, given: giver.given, kind, span: name.span })
}

#[allow(clippy::too_many_arguments)]
fn neurons(
    name: &ast::Name,
    call: &ast::Call,
    with: &[(ast::Name, ast::Expr)],
    size: Option<u32>,
    place: usize,
    known: &Known,
    dimensions: &Dimensions,
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
                // Its dimension has been looked at.
                let value = giver.value(e, Scene::Unit, None, &what, sink);
                let rests = model.refractory.as_ref().is_some_and(|r| r.time.any_var(|v| *v == Var::Param(k)));
                if rests && value.as_ref().is_some_and(|v| !matches!(v, Expr::Num(_))) {
                    sink.push(say::refractory_varies(e.span, &p.name));
                }
                value
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
            input = Some(giver.value(e, Scene::Input, dimensions.input, &what, sink));
        } else if let Some(k) = model.states.iter().position(|s| s.name == given.text) {
            let what = format!("the start of `{}`", given.text);
            starts.push((k, giver.value(e, Scene::Unit, dimensions.states[k], &what, sink)));
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
    Some(Population { name: name.text.clone(), size: size?, given: giver.given, kind, span: name.span })
}
