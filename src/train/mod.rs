//! The trainer: it calls forward kernels again and again, perturbs, observes, updates. Nothing is back-propagated.
//!
//! ```text
//! system    residuals as rows, and the points they need           (system, frame, stencil, smoothing, weak, splines,
//!                                                                  sampling; what of it changes: adapt)
//! observe   kernels at those points, forward evaluations counted  (observe, measure)
//! phases    pursuit of neurons | randomised gradients | readout   (grow | gradient, perturb, estimate, update | solve)
//! ```
//! [`train`] follows the plan of a [`Problem`] phase by phase and keeps in each phase the best state by training loss; it can
//! be stopped and gone on with ([`go_on`], and resume, record). The same seed gives the same bits for any number of threads. The exact solution is never used but for
//! a figure on the way, and where the program says `stop when` of a metric.

mod adapt;
pub mod arrays;
mod average;
pub mod candidates;
pub mod checkpoint;
mod directions;
pub(crate) mod estimate;
mod fault;
mod frame;
pub mod fresh;
pub mod functions;
mod gradient;
pub(crate) mod grow;
mod held;
pub(crate) mod init;
pub mod kernels;
pub mod linalg;
mod measure;
mod noise;
pub(crate) mod observe;
pub mod outcome;
pub(crate) mod perturb;
pub mod pursuit;
pub mod readout;
pub mod record;
mod resume;
pub mod sampling;
mod session;
mod smoothing;
pub(crate) mod solve;
pub mod splines;
mod staircase;
pub mod state;
mod stencil;
mod stop;
pub(crate) mod system;
#[cfg(test)]
mod tests;
mod update;
pub mod weak;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

pub use gradient::directions_a_step;
pub use init::params as starting;
pub use measure::{Spikes, axes, exact_values, metric, predict, predict_seen, raster, spike_rates, tensor, unknown};

use crate::ir::problem::{Derivatives, Problem, Rows};
use crate::plan::Method;
use frame::Frame;
use held::Held;
use kernels::Kernels;
use observe::Lab;
use outcome::{Loss, Outcome, PhaseSummary, Progress, Status};
use record::{Record, RecordError};
use session::{Ended, Session, Stop};
use solve::square;
use system::{Field, Part, System};

/// What a caller decides about a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// All random numbers of the run come from it.
    pub seed: u64,
    /// Set to stop after the step under way, keeping what there is.
    pub interrupt: Option<&'a AtomicBool>,
    /// The weights to start from, in place of those that the seed gives.
    pub start: Option<&'a [f64]>,
}

/// Trains a problem's network as its plan says.
pub fn train(problem: &Problem, kernels: &Kernels, options: &Options<'_>, progress: &mut dyn Progress) -> Outcome {
    let run = start(problem, kernels, options, progress, None);
    run.expect("only a record can be wrong, and there is none")
}

/// Goes on from the state that a run was stopped in, to the same bits.
///
/// # Errors
/// If the record is not one of this problem.
pub fn go_on(
    problem: &Problem,
    kernels: &Kernels,
    options: &Options<'_>,
    progress: &mut dyn Progress,
    from: &Record,
) -> Result<Outcome, RecordError> {
    start(problem, kernels, options, progress, Some(from))
}

fn start(
    problem: &Problem,
    kernels: &Kernels,
    options: &Options<'_>,
    progress: &mut dyn Progress,
    from: Option<&Record>,
) -> Result<Outcome, RecordError> {
    let started = Instant::now();
    let system = System::new(problem, kernels, options.seed, Part::Trained);
    let absorbed = System::new(problem, kernels, options.seed, Part::Absorbed);
    let params = match options.start {
        Some(start) => start.to_vec(),
        None => init::params(&problem.network, kernels, options.seed),
    };
    // A pursuit asks for held rows at once, which take as long as those that it trains on.
    let grows = problem.train.phases.first().is_some_and(|p| matches!(p.method, Method::Pursuit(_)));
    let mut lab = Lab::new(&problem.network, kernels, problem.coords.len());
    let (linear, (held, first)) = rayon::join(
        || system.is_linear().then(|| Arc::new(system.frame(None))),
        || {
            let held = (grows && from.is_none()).then(|| Held::of(problem, options.seed, &system));
            (held, lab.look(&system, &params))
        },
    );
    let own = (system.clone(), linear.clone());
    let mut session = Session::new(problem, kernels, options, own.0, own.1, params, progress, started);
    session.first_held = held;
    session.begin_with(lab, first.clone());
    // Losses are reported on the points that training began with.
    let parts = [(&system, linear.as_deref()), (&absorbed, None)];
    let before = losses(problem, kernels, parts, &session.params, Some(first));
    let place = from.map(|record| session.restore(record)).transpose()?;
    let mut inside = from.filter(|_| place.is_some_and(|p| p.begun));
    let mut status = Status::Finished;
    for (k, phase) in problem.train.phases.iter().enumerate().skip(place.map_or(0, |p| p.phase)) {
        let from = inside.take();
        if from.is_none() {
            if session.pause(k, false, None).is_err() {
                status = Status::Interrupted;
                break;
            }
            session.begin_phase();
            session.begin(k, &phase.method);
        }
        let (method, ended) = match &phase.method {
            Method::Pursuit(plan) => {
                let layer = problem.network.layers.iter().find(|l| l.name == plan.layer);
                (grow::describe(plan, layer.map_or(0, |l| l.units)), grow::run(&mut session, k, plan, from)?)
            }
            Method::Gradient(plan) => (gradient::describe(plan), gradient::run(&mut session, k, plan, from)?),
            Method::Readout { ridge } => ("exact readout".to_string(), readout_phase(&mut session, k, *ridge)),
        };
        let (seconds, evaluations) = session.mark;
        session.phases.push(PhaseSummary {
            name: phase.name.clone(),
            method,
            seconds: session.seconds() - seconds,
            forward_evaluations: session.lab.evaluations() - evaluations,
            loss_before: ended.before,
            loss_after: ended.after,
            note: ended.note,
        });
        match ended.stop {
            None | Some(Stop::Enough) => {}
            Some(Stop::Interrupted) => status = Status::Interrupted,
            Some(Stop::Diverged { step, residual, broken }) => {
                status = Status::Diverged { phase: phase.name.clone(), step, residual, broken };
            }
        }
        if status != Status::Finished {
            break;
        }
    }
    let after = losses(problem, kernels, parts, &session.params, None);
    let weight = |residual: usize| session.system.blocks.iter().find(|b| b.residual == residual).map(|b| b.weight);
    let mut losses = vec![];
    let (fresh, sights) = fresh::Fresh::new(problem, kernels, options.seed, None).look(&session.params);
    for ((k, b), (_, a)) in before.into_iter().zip(after) {
        let fresh = fresh.iter().find(|(residual, _)| *residual == k).map_or(f64::NAN, |(_, rms)| *rms);
        losses.push(Loss { after: a.after, fresh, weight: weight(k).unwrap_or(b.weight), ..b });
    }
    Ok(Outcome {
        forward_evaluations: session.lab.evaluations(),
        seconds: session.seconds(),
        params: session.params,
        history: session.history,
        phases: session.phases,
        losses,
        sights,
        status,
    })
}

/// A phase that only solves for the readout; kept if the loss falls, that of rows held back if there are any.
fn readout_phase(session: &mut Session<'_>, phase: usize, ridge: Option<f64>) -> Ended {
    let old = session.params.clone();
    let start = session.field();
    let held = if ridge.is_none() { Held::new(session) } else { None };
    let loss = |session: &Session<'_>, about: &Field, field: &Field| square(&session.frame(about).residual(field));
    let before = loss(session, &start, &start);
    let mut ended = Ended { note: String::new(), before, after: before, stop: None };
    let solved = session.report(phase, 0, 1, before).and_then(|()| gradient::readout(session, ridge, held.as_ref(), 1));
    if let Err(stop) = solved {
        ended.stop = Some(stop);
        return ended;
    }
    let field = session.field();
    let after = loss(session, &field, &field);
    let falls = match &held {
        Some(held) => {
            let [new, old] = [&session.params, &old].map(|p| session.lab.field(&held.system, p));
            let frame = held.frame(&new);
            square(&frame.residual(&new)) < square(&frame.residual(&old))
        }
        None => after < loss(session, &field, &start),
    };
    if !falls || !after.is_finite() {
        session.params = old;
        ended.note = "kept nothing new".to_string();
    } else {
        ended.after = after;
    }
    ended.stop = session.report(phase, 1, 1, ended.after).err().or_else(|| session.sound(1).err());
    ended
}

/// A condition that another residual's weak form takes care of, and whose derivatives would be taken of spikes.
fn rough(rows: &Rows) -> bool {
    let Rows::Absorbed { measure, .. } = rows else { return false };
    let differences = matches!(measure.by, Derivatives::Stencil { .. } | Derivatives::Smoothing { .. });
    differences && measure.atoms.iter().any(|a| a.alpha.order() > 0)
}

/// The state of every residual under some weights, in `after` (and `before`). Its evaluations are not counted. `known` is the
/// field of the first part, where it is known.
fn losses(
    problem: &Problem,
    kernels: &Kernels,
    parts: [(&System<'_>, Option<&Frame<'_>>); 2],
    params: &[f64],
    mut known: Option<Field>,
) -> Vec<(usize, Loss)> {
    let mut all = vec![None; problem.residuals.len()];
    for (system, linear) in parts {
        let run = || Lab::new(&problem.network, kernels, problem.coords.len()).field(system, params);
        let field = known.take().unwrap_or_else(run);
        let own;
        let frame = match linear {
            Some(frame) => frame,
            None => {
                own = system.frame(Some(&field));
                &own
            }
        };
        for (residual, rows, mean) in frame.losses(&field) {
            all[residual] = Some((rows, mean));
        }
    }
    let describe = |k: usize, rows: usize| {
        let how = match &problem.residuals[k].rows {
            Rows::Weak(_) => format!("weak form, {rows} test functions"),
            Rows::Absorbed { by, .. } => format!("natural term of {} (not trained)", problem.residuals[*by].name),
            Rows::Pointwise(p) => match p.by {
                Derivatives::None => format!("value at {rows} points"),
                Derivatives::Jet => format!("exact derivatives at {rows} points"),
                Derivatives::Stencil { h } => format!("differences, h = {h}, at {rows} points"),
                Derivatives::Smoothing { sigma } => format!("smoothed, sigma = {sigma}, at {rows} points"),
            },
        };
        if problem.residuals[k].dynamics.balanced { format!("{how}, balanced") } else { how }
    };
    let with_rows = all.into_iter().enumerate().filter_map(|(k, found)| {
        let (rows, mean) = found?;
        let r = &problem.residuals[k];
        let (before, after) = (mean, mean);
        let (residual, method, weight) = (r.name.clone(), describe(k, rows), r.weight);
        Some((k, Loss { residual, method, weight, rows, before, after, fresh: f64::NAN, rough: rough(&r.rows) }))
    });
    with_rows.collect()
}
