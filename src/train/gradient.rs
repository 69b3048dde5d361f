//! A phase of randomised gradient steps: perturb, observe, estimate, update, and between updates the exact readout.
//!
//! ```text
//! step n:  g = estimate(theta)    theta <- update(theta, g, n)    [readout solved]    loss(theta); the best theta is kept
//! ```
//! Weights are held in double precision and rounded for the kernels, so that small updates add up.

use crate::ir::problem::Network;
use crate::plan::{Estimate, Gradient, SolveReadout};
use crate::train::estimate::{Estimator, Here};
use crate::train::frame::Frame;
use crate::train::perturb::groups;
use crate::train::session::{Ended, Session, Stop};
use crate::train::solve::{self, Weights, better, square};
use crate::train::system::Field;
use crate::train::update;

/// In words, for the report: `adam, 16 gaussian directions a layer, antithetic differences, 200 steps`.
pub fn describe(plan: &Gradient) -> String {
    let estimate = match (plan.estimate, plan.antithetic) {
        (Estimate::Difference, true) => "antithetic differences",
        (Estimate::Difference, false) => "differences",
        (Estimate::Forward, _) => "forward tangents",
    };
    let directions = super::perturb::describe(plan.distribution, &plan.scope);
    let solved = if plan.solve_readout.is_some() { ", exact readout" } else { "" };
    let (rule, k, steps) = (update::describe(plan.update), plan.directions, plan.steps);
    format!("{rule}, {k} {directions}, {estimate}{solved}, {steps} steps")
}

/// The weights, the field and the rows they give.
struct State {
    params: Vec<f32>,
    field: Field,
    rows: Vec<f64>,
}

impl State {
    /// Runs the network as the session has it.
    fn of(session: &mut Session<'_>, frame: &Frame<'_>) -> State {
        let field = session.field();
        State { params: session.params.clone(), rows: frame.residual(&field), field }
    }

    fn loss(&self) -> f64 {
        square(&self.rows)
    }

    /// # Errors
    /// If a row or a weight is not finite.
    fn check(&self, frame: &Frame<'_>, step: usize) -> Result<(), Stop> {
        let broken = match frame.broken(&self.rows) {
            Some(name) => name,
            None if self.params.iter().all(|p| p.is_finite()) => return Ok(()),
            None => "the weights of all residuals",
        };
        Err(Stop::Diverged { step, residual: broken.to_string() })
    }
}

/// Runs the phase; the session's weights end as the best state seen.
pub fn run(session: &mut Session<'_>, phase: usize, plan: &Gradient) -> Ended {
    let field = session.field();
    let own;
    let frame = match session.linear {
        Some(frame) => frame,
        None => {
            own = session.system.frame(Some(&field));
            &own
        }
    };
    let start = State { params: session.params.clone(), rows: frame.residual(&field), field: field.clone() };
    let before = start.loss();
    let mut best = (0, before, session.params.clone());
    let stop = steps(session, phase, plan, frame, start, &mut best).err();
    let (step, after, params) = best;
    session.params = params;
    Ended { note: format!("best step {step}"), before, after, stop }
}

fn steps(
    session: &mut Session<'_>,
    phase: usize,
    plan: &Gradient,
    frame: &Frame<'_>,
    start: State,
    best: &mut (usize, f64, Vec<f32>),
) -> Result<(), Stop> {
    let network = &session.problem.network;
    let solved = plan.solve_readout.filter(|_| !network.readouts.is_empty());
    let estimator =
        Estimator { plan, groups: groups(network, &plan.scope, solved.is_some()), seed: session.options.seed, phase };
    let mut rule = update::new(plan.update, session.params.len());
    let mut state = start;
    state.check(frame, 0)?;
    session.report(phase, 0, plan.steps, state.loss())?;
    if let Some(every) = solved {
        state = solve_readout(session, frame, every, 0)?;
        keep(best, 0, &state);
    }
    let mut theta: Vec<f64> = state.params.iter().map(|&p| f64::from(p)).collect();
    for step in 0..plan.steps {
        let progress = update::progress(step, plan.steps);
        let sigma = plan.sigma.map_or(0.0, |s| s.at(progress));
        // Tangents need the slopes of nonlinear terms where the field is now; differences take the terms in full.
        let tangent = (plan.estimate == Estimate::Forward && session.linear.is_none())
            .then(|| session.system.frame(Some(&state.field)));
        let rows = tangent.as_ref().map_or_else(|| state.rows.clone(), |f| f.residual(&state.field));
        let frame_here = tangent.as_ref().unwrap_or(frame);
        let here = Here { system: session.system, frame: frame_here, theta: &theta, rows: &rows };
        let g = estimator
            .gradient(&mut session.lab, here, sigma, step)
            .map_err(|residual| Stop::Diverged { step, residual })?;
        rule.step(&mut theta, &g, progress);
        keep_unknowns(network, &mut theta);
        session.params = theta.iter().map(|&t| t as f32).collect();
        state = match solved.filter(|s| (step + 1).is_multiple_of(s.every.max(1))) {
            Some(every) => {
                let state = solve_readout(session, frame, every, step + 1)?;
                copy_readout(session, &state, &mut theta);
                state
            }
            None => State::of(session, frame),
        };
        state.check(frame, step + 1)?;
        keep(best, step + 1, &state);
        session.report(phase, step + 1, plan.steps, state.loss())?;
    }
    Ok(())
}

fn keep(best: &mut (usize, f64, Vec<f32>), step: usize, state: &State) {
    let loss = state.loss();
    if better(loss, best.1) {
        *best = (step, loss, state.params.clone());
    }
}

/// Solves for the readout of the session's weights and runs the network with it.
fn solve_readout(session: &mut Session<'_>, frame: &Frame<'_>, plan: SolveReadout, step: usize) -> Result<State, Stop> {
    readout(session, plan.ridge, step)?;
    Ok(State::of(session, frame))
}

/// Puts the exact readout into the session's weights.
///
/// # Errors
/// If features or residuals are not finite.
pub fn readout(session: &mut Session<'_>, ridge: Option<f64>, step: usize) -> Result<(), Stop> {
    let network = &session.problem.network;
    let weights = Weights::of(network, &session.params);
    let features = session.lab.features(session.system, &session.params);
    let start = start(session, &features, weights);
    let solution = solve::readout(session.system, session.linear, &features, &start, ridge);
    let Some(solution) = solution else {
        let frame = session.system.frame(None);
        let rows = frame.residual(&features.field(&start));
        let residual = frame.broken(&rows).unwrap_or("the features of all residuals").to_string();
        return Err(Stop::Diverged { step, residual });
    };
    solution.put(network, &mut session.params);
    Ok(())
}

/// Where Newton starts: at the readout as it stands or at 0, whichever has the lower loss.
fn start(session: &Session<'_>, features: &super::observe::Features, weights: Weights) -> Weights {
    if session.linear.is_some() {
        return weights;
    }
    let here = features.field(&weights);
    let zero = weights.zero();
    let nothing = features.field(&zero);
    let loss = |f| square(&session.system.frame(Some(f)).residual(f));
    let (a, b) = (loss(&here), loss(&nothing));
    if better(b, a) || !a.is_finite() { zero } else { weights }
}

fn copy_readout(session: &Session<'_>, state: &State, theta: &mut [f64]) {
    let network = &session.problem.network;
    for readout in &network.readouts {
        let (weights, bias) = solve::places(network, readout);
        for k in weights.into_iter().chain(bias) {
            theta[k] = f64::from(state.params[k]);
        }
    }
}

/// Puts unknowns that a step has taken out of their bounds back to the nearest one.
fn keep_unknowns(network: &Network, theta: &mut [f64]) {
    for unknown in network.fields.iter().filter_map(|f| f.unknown) {
        for k in super::init::place(network, unknown.param) {
            theta[k] = theta[k].clamp(unknown.lo, unknown.hi);
        }
    }
}
