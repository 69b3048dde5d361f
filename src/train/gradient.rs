//! A phase of randomised gradient steps: perturb, observe, estimate, update, and between updates the exact readout.
//!
//! ```text
//! step n:  g = estimate(theta)    theta <- update(theta, g, n)    [readout solved]    loss(theta); the best theta is kept
//! ```
//! Weights are held in double precision and rounded for the kernels, so that small updates add up.

use std::sync::Arc;

use crate::ir::problem::Network;
use crate::plan::{self, Directions, Estimate, Gradient, Precision, SolveReadout};
use crate::train::adapt::Turn;
use crate::train::average::Average;
use crate::train::estimate::{Estimator, Here, Slopes};
use crate::train::frame::Frame;
use crate::train::held::Held;
use crate::train::noise::Noise;
use crate::train::observe::Lab;
use crate::train::perturb::{Group, groups};
use crate::train::readout::Penalty;
use crate::train::record::{Record, RecordError};
use crate::train::session::{Ended, Session, Stop};
use crate::train::solve::{self, Weights, better, square};
use crate::train::stop::Watch;
use crate::train::system::Field;
use crate::train::update::{self, Update};

/// A step of Gauss and Newton may leave a loss so many times the best one.
const UPHILL: f64 = 1.02;
/// With spikes, whose loss is piecewise constant, it may leave so much of the loss that the phase began with: who never goes uphill
/// stands still. With a readout it may leave anything: in what is affine there is a way back.
const ROUGH: f64 = 0.05;
/// How often, how much and from where on a damping is raised.
const RAISES: usize = 5;
const RAISE: f64 = 100.0;
const LEAST: f64 = 1e-6;

/// In words, for the report: `adam, 16 gaussian directions a layer, antithetic differences, 200 steps`.
pub fn describe(plan: &Gradient) -> String {
    let estimate = match (plan.estimate, plan.antithetic) {
        (Estimate::Difference, true) => "antithetic differences",
        (Estimate::Difference, false) => "differences",
        (Estimate::Forward, _) => "forward tangents",
    };
    let directions = super::directions::describe(plan.distribution) + &super::perturb::describe(&plan.scope);
    let solved = if plan.solve_readout.is_some() { ", exact readout" } else { "" };
    let (rule, steps) = (update::describe(plan.update), plan.steps);
    let Directions { least, most } = plan.directions;
    let k = if plan.directions.is_constant() { least.to_string() } else { format!("{least} to {most}") };
    let batch = plan.batch.map_or(String::new(), |n| format!(", batches of {n} points"));
    let clipped = plan.clip.map_or(String::new(), |c| format!(", clipped at {c}"));
    let average = plan.average.map_or(String::new(), |b| format!(", averaged by {b}"));
    format!("{rule}, {k} {directions}, {estimate}{solved}{batch}{clipped}{average}, {steps} steps")
}

/// What a phase perturbs: readouts that it solves for take no part.
fn moved(network: &Network, plan: &Gradient) -> Vec<Group> {
    groups(network, &plan.scope, plan.solve_readout.is_some() && !network.readouts.is_empty())
}

/// The numbers of directions that a step may take, those of all groups of weights together.
pub fn directions_a_step(network: &Network, plan: &Gradient) -> impl Iterator<Item = usize> {
    let groups = moved(network, plan).len();
    let more = if let plan::Update::GaussNewton { columns, .. } = plan.update { columns } else { 0 };
    (plan.directions.least..=plan.directions.most).map(move |k| k * groups + more)
}

/// The weights, the field and the rows they give.
struct State {
    params: Vec<f64>,
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
    /// If a row, a weight or a neuron's state is not finite.
    fn check(&self, session: &mut Session<'_>, frame: &Frame<'_>, step: usize) -> Result<(), Stop> {
        let broken = match frame.broken(&self.rows) {
            Some(name) => name,
            // A broken neuron may be silent.
            None if self.params.iter().all(|p| p.is_finite()) => return session.sound(step),
            None => "the weights of all residuals",
        };
        Err(session.diverged(step, broken.to_string(), Some((frame, &self.rows))))
    }
}

/// The best state so far, as it was observed.
struct Best {
    step: usize,
    loss: f64,
    params: Vec<f64>,
    field: Field,
}

impl Best {
    fn keep(&mut self, step: usize, state: &State) {
        let loss = state.loss();
        if better(loss, self.loss) {
            *self = Best { step, loss, params: state.params.clone(), field: state.field.clone() };
        }
    }

    /// Looks at it again after the system has changed.
    fn look(&mut self, session: &mut Session<'_>, frame: &Frame<'_>, turn: Turn) {
        if turn == Turn::Points {
            self.field = session.lab.field(&session.system, &self.params);
        }
        self.loss = square(&frame.residual(&self.field));
    }
}

/// What does not change during a phase but is needed to go on with it: the weights and the loss that it began with.
struct Origin {
    params: Vec<f64>,
    before: f64,
}

/// Runs the phase, or the rest of one that was stopped; the session's weights end as the best state seen.
///
/// # Errors
/// If the record that it goes on from is not one of this phase.
pub fn run(
    session: &mut Session<'_>,
    phase: usize,
    plan: &Gradient,
    from: Option<&Record>,
) -> Result<Ended, RecordError> {
    let (origin, frame, start, mut best) = match from {
        Some(record) => put_together(session, record)?,
        None => {
            let field = session.field();
            session.emphasise(&field);
            let frame = session.frame(&field);
            let start = State { params: session.params.clone(), rows: frame.residual(&field), field };
            let (before, params) = (start.loss(), session.params.clone());
            let best = Best { step: 0, loss: before, params: params.clone(), field: start.field.clone() };
            (Origin { params, before }, frame, start, best)
        }
    };
    let before = origin.before;
    let ended = steps(session, phase, plan, frame, start, &mut best, &origin, from)?;
    session.params = best.params;
    let mut note = format!("best step {}", best.step);
    note.extend(ended.iter().flatten().flat_map(|why| ["; ", why]));
    Ok(Ended { note, before, after: best.loss, stop: ended.err() })
}

/// The phase as it was before one of its steps. Fields are observed again, uncounted.
fn put_together<'a>(
    session: &mut Session<'a>,
    record: &Record,
) -> Result<(Origin, Arc<Frame<'a>>, State, Best), RecordError> {
    let len = session.params.len();
    let weights = |name: &str| record.exactly(name, len).map(<[f64]>::to_vec);
    let origin = Origin { params: weights("gradient.origin")?, before: record.number("gradient.before")? };
    // Only weak forms depend on the field that a frame stands about, and their points stay.
    let about = session.look(&origin.params);
    let frame = session.frame(&about);
    let params = weights("gradient.seen")?;
    let field = session.look(&params);
    let start = State { rows: frame.residual(&field), params, field };
    let params = weights("gradient.best")?;
    let field = session.look(&params);
    let best =
        Best { step: record.count("gradient.best_step")?, loss: record.number("gradient.best_loss")?, params, field };
    Ok((origin, frame, start, best))
}

/// The outer error is one of the record to go on from.
///
/// # Errors
/// Why the run is to stop; else why the phase ended early, if it did.
#[allow(clippy::too_many_arguments)]
fn steps<'a>(
    session: &mut Session<'a>,
    phase: usize,
    plan: &Gradient,
    frame: Arc<Frame<'a>>,
    start: State,
    best: &mut Best,
    origin: &Origin,
    from: Option<&Record>,
) -> Result<Result<Option<String>, Stop>, RecordError> {
    let mut rule = update::new(plan.update, session.params.len());
    let mut watch = Watch::new(&session.problem.train.phases[phase].stop, "steps", best.loss);
    let mut at = (0, true);
    let mut theta = start.params.clone();
    let mut noise = Noise::new(plan.directions, theta.len());
    let mut average = plan.average.map(|decay| Average::new(decay, theta.len()));
    if let Some(record) = from {
        update::restore(&mut *rule, record)?;
        at = (record.earlier("gradient.step", plan.steps as u64)? as usize, record.count("gradient.fresh")? != 0);
        watch.restore(record, at.0, session.lab.evaluations())?;
        noise.restore(record)?;
        if let Some(average) = &mut average {
            average.restore(record)?;
        }
        theta = record.exactly("gradient.theta", theta.len())?.to_vec();
    }
    let memory = Memory { rule, watch, noise, average, theta, step: at.0, is_fresh: at.1, begun: from.is_some() };
    Ok(all_steps(session, phase, plan, frame, start, best, origin, memory))
}

/// What a phase remembers from step to step beside its weights.
struct Memory<'a> {
    rule: Box<dyn Update>,
    watch: Watch<'a>,
    noise: Noise,
    average: Option<Average>,
    theta: Vec<f64>,
    /// The step to go on with.
    step: usize,
    is_fresh: bool,
    begun: bool,
}

#[allow(clippy::too_many_arguments)]
fn all_steps<'a>(
    session: &mut Session<'a>,
    phase: usize,
    plan: &Gradient,
    mut frame: Arc<Frame<'a>>,
    start: State,
    best: &mut Best,
    origin: &Origin,
    memory: Memory<'a>,
) -> Result<Option<String>, Stop> {
    let Memory { mut rule, mut watch, mut noise, mut average, mut theta, step: first, mut is_fresh, begun } = memory;
    let network = &session.problem.network;
    let solved = plan.solve_readout.filter(|_| !network.readouts.is_empty());
    let estimator = Estimator { plan, groups: moved(network, plan), seed: session.options.seed, phase };
    let mut state = start;
    if !begun {
        state.check(session, &frame, 0)?;
        session.report_plain(phase, 0, plan.steps, state.loss(), frame.plain(&state.field))?;
        if let Some(every) = solved {
            state = solve_readout(session, &frame, every, 0)?;
            best.keep(0, &state);
        }
        watch.rebase(best.loss);
        theta.clone_from(&state.params);
    }
    let spikes = network.layers.iter().any(|l| l.spiking);
    let solvable = network.readouts.iter().any(|r| r.weight.is_some());
    // With batches all points are looked at once a pass.
    let pass = plan.batch.map_or(1, |n| session.system.passes(n));
    for step in first..plan.steps {
        session.pause(
            phase,
            false,
            Some(&mut |r: &mut Record| {
                r.put_count("gradient.step", step);
                r.put_count("gradient.fresh", is_fresh.into());
                r.put("gradient.origin", &origin.params);
                r.put("gradient.before", &[origin.before]);
                r.put("gradient.theta", &theta);
                r.put("gradient.seen", &state.params);
                r.put("gradient.best", &best.params);
                r.put_count("gradient.best_step", best.step);
                r.put("gradient.best_loss", &[best.loss]);
                update::put(&mut *rule, r);
                watch.put(r);
                noise.put(r);
                average.iter().for_each(|a| a.put(r));
            }),
        )?;
        if !is_fresh && session.is_due(step, true) {
            state = State::of(session, &frame);
            is_fresh = true;
        }
        let turn = if is_fresh { session.turn(step, true, &mut state.field) } else { Turn::Same };
        if turn != Turn::Same {
            frame = session.frame_like(&frame);
            state.rows = frame.residual(&state.field);
            best.look(session, &frame, turn);
            watch.rebase(best.loss);
        }
        let progress = update::progress(step, plan.steps);
        let (precision, seed) = (session.kernels.precision, session.options.seed);
        super::init::sample_surrogates(network, precision, seed, (phase, step), &mut theta);
        let sigma = plan.sigma.map_or(0.0, |s| s.at(progress));
        let place = (step, noise.directions);
        let highest = match (spikes, solvable) {
            (true, true) => f64::INFINITY,
            (true, false) if origin.before.is_finite() => (UPHILL * best.loss).max(ROUGH * origin.before),
            _ => UPHILL * best.loss,
        };
        let (mut g, tried) = gradient(session, &estimator, &frame, &state, &theta, sigma, place, &*rule, highest)?;
        noise.observe(&g);
        if let Some(longest) = plan.clip {
            clip(&mut g, longest);
        }
        rule.step(&mut theta, &g, progress);
        keep_unknowns(network, &mut theta);
        session.params = rounded(precision, &theta);
        let solve = solved.filter(|s| (step + 1).is_multiple_of(s.every.max(1)));
        if let Some(average) = &mut average {
            average.add(&theta);
            if average.is_due(step + 1, plan.steps) {
                look_at(session, &frame, average.weights(), solved, step + 1, best)?;
            }
        }
        is_fresh = solve.is_some() || (step + 1).is_multiple_of(pass) || step + 1 == plan.steps;
        if !is_fresh {
            continue;
        }
        state = match solve {
            Some(every) => {
                let state = solve_readout(session, &frame, every, step + 1)?;
                copy_readout(session, &state, &mut theta);
                state
            }
            None => match tried.filter(|(params, _)| plan.batch.is_none() && *params == session.params) {
                Some((params, field)) => State { params, rows: frame.residual(&field), field },
                None => State::of(session, &frame),
            },
        };
        state.check(session, &frame, step + 1)?;
        best.keep(step + 1, &state);
        session.report_plain(phase, step + 1, plan.steps, state.loss(), frame.plain(&state.field))?;
        if let Some(why) = watch.after(session, step + 1, best.loss, &best.params) {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// Observes the network with other weights than those it steps from, and keeps them if they are the best.
fn look_at<'a>(
    session: &mut Session<'a>,
    frame: &Arc<Frame<'a>>,
    mut weights: Vec<f64>,
    solved: Option<SolveReadout>,
    step: usize,
    best: &mut Best,
) -> Result<(), Stop> {
    weights.iter_mut().for_each(|w| *w = session.kernels.precision.round(*w));
    let own = std::mem::replace(&mut session.params, weights);
    let state = match solved {
        Some(every) => solve_readout(session, frame, every, step)?,
        None => State::of(session, frame),
    };
    state.check(session, frame, step)?;
    best.keep(step, &state);
    session.params = own;
    Ok(())
}

/// An estimate (or a step), and where it was tried: the weights that it leads to, and the field there.
type Found = (Vec<f64>, Option<(Vec<f64>, Field)>);

/// The estimate at `theta` (or the step, if the update solves for it, and where it was tried), on all points or on this step's batch. `state` is the network there, unless there are batches.
#[allow(clippy::too_many_arguments)]
fn gradient<'a>(
    session: &mut Session<'a>,
    estimator: &Estimator<'_>,
    frame: &Arc<Frame<'a>>,
    state: &State,
    theta: &[f64],
    sigma: f64,
    (step, directions): (usize, usize),
    rule: &dyn Update,
    highest: f64,
) -> Result<Found, Stop> {
    let plan = estimator.plan;
    let batch =
        plan.batch.map(|n| session.system.batch(session.problem, n, session.options.seed, estimator.phase, step));
    let own = batch.as_ref().map(|b| session.lab.field(b, &session.params));
    let (system, field) = (batch.as_ref().unwrap_or(&session.system), own.as_ref().unwrap_or(&state.field));
    // Tangents need the slopes of nonlinear terms where the field is now; differences take the terms in full.
    let tangent = plan.estimate == Estimate::Forward && session.linear.is_none();
    let frame = match (tangent, &batch) {
        (true, _) => Arc::new(system.frame_like(Some(field), frame)),
        (false, Some(_)) => Arc::new(system.frame_like(None, frame)),
        (false, None) => frame.clone(),
    };
    let rows = if batch.is_some() || tangent { frame.residual(field) } else { state.rows.clone() };
    let here = Here { system, frame: &frame, theta, rows: &rows };
    let found = match plan.update {
        plan::Update::GaussNewton { damping, rate, .. } => {
            let slopes = estimator.slopes(&mut session.lab, here, sigma, (step, directions), &rule.columns());
            slopes.and_then(|slopes| {
                let rate = rate.at(update::progress(step, plan.steps));
                let network = (&session.problem.network, session.kernels.precision);
                let found = solved_step(&mut session.lab, network, here, &slopes, damping, (rate, highest));
                found.ok_or_else(|| frame.broken(&rows).unwrap_or("the gradient of all residuals").to_string())
            })
        }
        _ => estimator.gradient(&mut session.lab, here, sigma, step, directions).map(|g| (g, None)),
    };
    match found {
        Ok(found) => session.sound(step).map(|()| found),
        Err(residual) => Err(session.diverged(step, residual, None)),
    }
}

/// A step of Gauss and Newton, with the damping that the program gives or that of cross-validation. The latter knows the slopes alone:
/// where the step leaves a loss above `highest`, a damping that is [`RAISE`] times stronger is tried, up to [`RAISES`] times (Levenberg,
/// Marquardt). With it the weights that it leads to, and the field there. `None` if a number is not finite.
fn solved_step(
    lab: &mut Lab<'_>,
    (network, precision): (&Network, Precision),
    here: Here<'_>,
    slopes: &Slopes,
    damping: Option<f64>,
    (rate, highest): (f64, f64),
) -> Option<Found> {
    let len = here.theta.len();
    if let Some(damping) = damping {
        return slopes.step(here.rows, Penalty::Given(damping), len).map(|(step, _)| (step, None));
    }
    let mut found = slopes.step(here.rows, Penalty::CrossValidated, len)?;
    // A neuron that broke in a perturbed run is the caller's to see.
    let raises = if lab.fault().is_some() || highest == f64::INFINITY { 0 } else { RAISES };
    for _ in 0..raises {
        let mut theta: Vec<f64> = here.theta.iter().zip(&found.0).map(|(t, s)| t - rate * s).collect();
        keep_unknowns(network, &mut theta);
        let params = rounded(precision, &theta);
        let field = lab.field(here.system, &params);
        let is_sound = lab.take_fault().is_none();
        if is_sound && square(&here.frame.residual(&field)) <= highest {
            return Some((found.0, Some((params, field))));
        }
        found = slopes.step(here.rows, Penalty::Given((RAISE * found.1).max(LEAST)), len)?;
    }
    Some((found.0, None))
}

fn rounded(precision: Precision, theta: &[f64]) -> Vec<f64> {
    theta.iter().map(|t| precision.round(*t)).collect()
}

/// Shortens a gradient that is longer than `longest` (Pascanu, Mikolov and Bengio, 2013).
fn clip(g: &mut [f64], longest: f64) {
    let length = square(g).sqrt();
    if length > longest {
        g.iter_mut().for_each(|g| *g *= longest / length);
    }
}

/// Solves for the readout of the session's weights and runs the network with it.
fn solve_readout(session: &mut Session<'_>, frame: &Frame<'_>, plan: SolveReadout, step: usize) -> Result<State, Stop> {
    readout(session, plan.ridge, None, step)?;
    Ok(State::of(session, frame))
}

/// Puts the exact readout into the session's weights. Without a penalty held rows choose one, if there are any.
///
/// # Errors
/// If features or residuals are not finite.
pub fn readout(
    session: &mut Session<'_>,
    ridge: Option<f64>,
    held: Option<&Held<'_>>,
    step: usize,
) -> Result<(), Stop> {
    let network = &session.problem.network;
    let weights = Weights::of(network, &session.params);
    let features = session.lab.features(&session.system, &session.params);
    let start = start(session, &features, weights);
    let held = held.map(|h| (h, session.lab.features(&h.system, &session.params)));
    let held = held.as_ref().map(|(h, features)| (*h, features));
    let solution = solve::readout(&session.system, session.linear.as_deref(), &features, &start, ridge, held);
    let Some(solution) = solution else {
        let frame = session.system.frame(None);
        let rows = frame.residual(&features.field(&start));
        let residual = frame.broken(&rows).unwrap_or("the features of all residuals").to_string();
        return Err(session.diverged(step, residual, Some((&frame, &rows))));
    };
    solution.put(network, session.kernels.precision, &mut session.params);
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
            theta[k] = state.params[k];
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
