//! What a run's figures give reason to doubt, in sentences.
//!
//! ```text
//! fresh points leave 40 times what training's do    ->   the residual is met at the points and not between them
//! an error of 30 % would change no residual         ->   the loss says nothing of it
//! a layer never spikes                              ->   nothing comes through it
//! ```
//! A run that ends with exit code 0 has done what it was told; these say where that may not be what was meant.

use super::data::RunData;
use super::scale::short;
use crate::train::outcome::{Loss, Status};

/// Times that a residual's root mean square may be larger at fresh points.
const RATIO: f64 = 10.0;
/// What is left of a mean square, as a part of what it was before training, below which nobody minds such a ratio.
const SMALL: f64 = 1e-6;
/// Relative error that may hide.
const UNSEEN: f64 = 0.2;
/// Spikes a neuron and step from which a layer is as good as always on.
const ALWAYS: f64 = 0.98;

/// None of a run that did not end as planned: its status says enough.
pub fn doubts(run: &RunData) -> Vec<String> {
    if run.status != Status::Finished {
        return vec![];
    }
    let mut out = vec![];
    for l in run.layers.iter() {
        match l.spike_rate {
            Some(0.0) => out.push(format!(
                "layer {} never spikes, so nothing comes through it: it needs more current (a larger `init` or `bias` of the \
                 layer before it), a lower threshold, or more `steps`",
                l.name
            )),
            Some(rate) if rate > ALWAYS => out.push(format!(
                "layer {} spikes in nearly every step, so little comes through it: it needs less current, or a neuron with a \
                 refractory time",
                l.name
            )),
            _ => {}
        }
    }
    for l in run.losses.iter().filter(|l| is_between(l)) {
        let times = short((l.fresh / l.after.sqrt()).round());
        let (places, more) = match l.method.starts_with("weak form") {
            true => ("against other test functions", "more of them, `by weak(tests = N)`"),
            false => ("at fresh points", "more of them, `points N`"),
        };
        out.push(format!(
            "residual {} is {times} times larger {places} than where it was trained: {more}, or fewer neurons",
            l.residual
        ));
    }
    let blind: Vec<&str> = run.sights.iter().filter(|s| s.unseen > UNSEEN).map(|s| s.field.as_str()).collect();
    if !blind.is_empty() {
        out.push(format!(
            "an error of {} of more than {} % may hide behind what is left of the residuals. Where the terms of an equation \
             differ by orders of magnitude, scale fields and coordinates so that all are near 1; where conditions are missing, \
             add them; else more neurons, points or rounds",
            blind.join(", "),
            (UNSEEN * 100.0).round()
        ));
    }
    out
}

/// Met at the points of training, and not between them.
fn is_between(l: &Loss) -> bool {
    let trained = !l.method.starts_with("natural term");
    trained && l.fresh * l.fresh > (RATIO * RATIO * l.after).max(SMALL * l.before)
}
