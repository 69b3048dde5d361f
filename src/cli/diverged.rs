//! A run whose numbers stopped being finite, as a message that points into the program.

use crate::check::model::Model;
use crate::check::simulation::model::{Kind, Simulation};
use crate::diag::{Diagnostic, numerics};
use crate::plan::Method;
use crate::simulate::Broken as BrokenUnit;
use crate::source::Span;
use crate::train::outcome::{Broken, What};

/// Of training. `None` if the program has no place to point at.
pub fn training(
    model: &Model,
    phase: &str,
    step: usize,
    residual: &str,
    broken: Option<&Broken>,
) -> Option<Diagnostic> {
    let residual_span = model.residuals.iter().find(|r| r.name == residual).map(|r| r.span);
    let anywhere = residual_span.or_else(|| model.residuals.first().map(|r| r.span))?;
    let point = broken.map_or(String::new(), |b| {
        let coordinates: Vec<String> = b.at.iter().map(|(name, x)| format!("{name} = {}", short(*x))).collect();
        coordinates.join(", ")
    });
    let of_phase = model.train.phases.iter().find(|p| p.name == phase);
    let gradient = of_phase.is_some_and(|p| matches!(p.method, Method::Gradient(_)));
    let run = numerics::Run { phase, step, residual, residual_span, point: &point, gradient };
    let layer =
        |name: &str| -> Span { model.network.layers.iter().find(|l| l.name == name).map_or(anywhere, |l| l.span) };
    let Some(broken) = broken else { return Some(numerics::somewhere(anywhere, run)) };
    Some(match &broken.what {
        What::State { layer: l, unit, state, step } => {
            numerics::state(layer(l), (l, *unit), (state, broken.value), *step, run)
        }
        What::Current { layer: l, unit, step } => numerics::current(layer(l), (l, *unit), broken.value, *step, run),
        What::Output => {
            let network = model.network.fields.first().map_or(anywhere, |f| f.span);
            numerics::output(network, run)
        }
        What::Terms => numerics::terms(anywhere, run),
        What::Weight { param, layer: l } => {
            numerics::weights(l.as_deref().map_or(anywhere, layer), param, broken.value, run)
        }
    })
}

/// Of a simulation, after so many steps.
pub fn simulation(model: &Simulation, steps: u64, what: &BrokenUnit, time_unit: &str) -> Option<Diagnostic> {
    match what {
        BrokenUnit::Connection(k) => {
            let c = model.connections.get(*k)?;
            let (from, to) = (&model.populations[c.from].name, &model.populations[c.to].name);
            Some(numerics::drawn(c.span, from, to))
        }
        BrokenUnit::State { population, unit, state, value } => {
            let p = model.populations.get(*population)?;
            let state = match &p.kind {
                Kind::Neurons { model: m, .. } => model.neurons[*m].states.get(*state).map(|s| format!("`{}`", s.name)),
                Kind::Poisson { .. } => None,
            };
            let state = state.unwrap_or_else(|| "a state".into());
            let time = format!("{} {time_unit}", short(steps as f64 * model.dt));
            let at = (steps, time.trim());
            Some(numerics::simulated(p.span, (&p.name, *unit), (&state, f64::from(*value)), at))
        }
    }
}

/// Six digits are enough to find the place.
fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.5e}").parse().unwrap_or(x);
    format!("{rounded}")
}
