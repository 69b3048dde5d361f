//! What a run's figures give reason to doubt, in sentences.
//!
//! ```text
//! fresh points leave 40 times what training's do    ->   the residual is met at the points and not between them
//! an error of 30 % would change no residual         ->   the loss says nothing of it
//! a natural term is left with a tenth of the field  ->   its equation's weak form does not see it
//! a layer never spikes                              ->   nothing comes through it
//! fewer equations than 1.5 a weight                 ->   the weights meet them all, whatever lies between
//! the last round still helped, and it is not enough ->   more rounds
//! ```
//! A run that ends with exit code 0 has done what it was told; these say where that may not be what was meant.

use super::data::RunData;
use super::scale::short;
use crate::train::outcome::{Loss, Point, Status};

/// Times that a residual's root mean square may be larger at fresh points.
const RATIO: f64 = 10.0;
/// What is left of a mean square, as a part of what it was before training, below which nobody minds such a ratio.
const SMALL: f64 = 1e-6;
/// Relative error that may hide.
const UNSEEN: f64 = 0.2;
/// Spikes a neuron and step from which a layer is as good as always on.
const ALWAYS: f64 = 0.98;

/// The part of a field's size, and of a mean square before training, that a condition may be left with.
const MISSED: f64 = 0.1;
/// Equations a weight of the readout below which the weights can meet all of them and be wrong between.
const EQUATIONS: f64 = 1.5;
/// The part of the loss that a last round takes away where more rounds would still help.
const FALLING: f64 = 0.1;
/// Relative error that may hide from which on a loss that still falls is worth a word.
const ENOUGH: f64 = 0.05;

/// Did the last round of this phase, if it is a pursuit, still lower the loss by more than a tenth?
pub fn still_falling(run: &RunData, phase: usize) -> bool {
    run.phases.get(phase).is_some_and(|p| p.method.starts_with("pursuit")) && falls(&run.history, phase)
}

fn falls(history: &[Point], phase: usize) -> bool {
    let mut points = history.iter().filter(|p| p.phase == phase).rev();
    match (points.next(), points.next()) {
        // The first selection always helps; a phase that was stopped was told to be.
        (Some(last), Some(before)) => {
            last.step == last.of && before.step > 0 && last.loss < (1.0 - FALLING) * before.loss
        }
        _ => false,
    }
}

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
    let rows: usize = run.losses.iter().filter(|l| is_trained(l)).map(|l| l.rows).sum();
    if run.weights > 0 && (rows as f64) < EQUATIONS * run.weights as f64 {
        let equations = if rows == 1 { "1 equation stands".to_string() } else { format!("{rows} equations stand") };
        out.push(format!(
            "{equations} against {} weights that are solved for: so many weights meet nearly all of them, and the \
             loss says little of what lies between; take more test functions (`by weak(tests = N)`) or points (`points N`), or \
             fewer neurons",
            run.weights
        ));
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
    let wanting = run.expects.iter().any(|e| !e.holds) || run.sights.iter().any(|s| s.unseen > ENOUGH);
    if wanting && still_falling(run, run.phases.len().saturating_sub(1)) {
        out.push("the loss was still falling in the last round: more `rounds` would lower it further".into());
    }
    let size = run.sights.iter().map(|s| s.size).fold(0.0, f64::max);
    for l in run.losses.iter().filter(|l| is_missed(l, size)) {
        out.push(format!(
            "condition {} is left with {}, where the fields are of size {}. It is met only through the weak form that it is a \
             term of, which sees little of a layer thinner than its test functions: more of them, `by weak(tests = N)`, and more \
             neurons",
            l.residual,
            short(l.fresh),
            short(size)
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

/// A condition on values, far from met. Of derivatives, which have a size of their own, what was there before is the measure.
fn is_missed(l: &Loss, size: f64) -> bool {
    !is_trained(l) && !l.rough && l.fresh > MISSED * size && l.after > MISSED * l.before
}

fn is_trained(l: &Loss) -> bool {
    !l.method.starts_with("natural term")
}

/// Met at the points of training, and not between them.
fn is_between(l: &Loss) -> bool {
    is_trained(l) && l.fresh * l.fresh > (RATIO * RATIO * l.after).max(SMALL * l.before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_natural_term_that_is_not_met_is_seen() {
        let loss = |before: f64, after: f64, rough: bool| Loss {
            residual: "ends".into(),
            method: "natural term of pde (not trained)".into(),
            weight: 1.0,
            rows: 2,
            before,
            after,
            fresh: after.sqrt(),
            rough,
        };
        assert!(is_missed(&loss(0.04, 0.15, false), 0.6));
        assert!(!is_missed(&loss(0.04, 1e-4, false), 0.6));
        assert!(!is_missed(&loss(0.04, 0.15, true), 0.6), "a difference of spikes");
        assert!(!is_missed(&loss(1e4, 0.15, false), 0.6), "a flux of size 100");
    }

    #[test]
    fn a_loss_that_falls_in_the_last_round_is_seen() {
        let history = |losses: &[f64], of: usize| -> Vec<Point> {
            let point = |(step, loss): (usize, &f64)| Point {
                phase: 1,
                step,
                of,
                forward_evaluations: 0,
                seconds: 0.0,
                loss: *loss,
                plain: None,
                error: None,
            };
            losses.iter().enumerate().map(point).collect()
        };
        assert!(falls(&history(&[1.0, 0.5, 0.4], 2), 1));
        assert!(!falls(&history(&[1.0, 0.5, 0.46], 2), 1), "less than a tenth");
        assert!(!falls(&history(&[1.0, 0.5, 0.4], 3), 1), "stopped before its time");
        assert!(!falls(&history(&[1.0, 0.5], 1), 1), "the first selection");
        assert!(!falls(&history(&[1.0, 0.5, 0.4], 2), 0), "another phase");
    }
}
