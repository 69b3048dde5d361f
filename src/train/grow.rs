//! A phase of pursuit: draw candidate neurons, simulate them forward once, keep those that together explain most, solve the
//! readout exactly, perturb the kept ones and choose again.
//!
//! ```text
//! round 0   pool of fresh candidates                                    -> the best `units`
//! round r   units in use + perturbed copies of them + some fresh ones   -> the best `units`, if the loss falls
//! ```
//! No derivative of the network is used. A nonlinear problem is linearised about the field (Newton); the selection is
//! repeated while the field still changes much and frozen from then on: selecting in every iteration never settles.

mod choices;

use std::collections::BTreeMap;

use rayon::prelude::*;

use choices::{choices, grouped};

use crate::exec::kernel::Numbers;
use crate::exec::real::Real;
use crate::exec::rng::{Purpose, Stream};
use crate::ir::op::ParamId;
use crate::ir::problem::Units as UnitsPlan;
use crate::plan::Pursuit as Plan;
use crate::train::adapt::Turn;
use crate::train::candidates::{Spec, Units};
use crate::train::frame::Frame;
use crate::train::held::{Held, HeldRows};
use crate::train::init::{place, spec};
use crate::train::observe::Features;
use crate::train::pursuit::Candidates as Rows;
use crate::train::record::{Record, RecordError};
use crate::train::session::{Ended, Session, Stop};
use crate::train::solve::{self, Linear, Weights, Worth, better, square};
use crate::train::stop::Watch;
use crate::train::system::{Columns, Field};

/// Perturbed copies of each unit in use, from the second round on.
pub const MUTANTS: usize = 4;
/// Fresh candidates from the second round on, as a part of the first round's pool.
pub const FRESH: f64 = 0.05;
/// The same where test functions have been graded anew: they see what those before did not.
pub const FRESH_GRADED: f64 = 0.5;
/// One of this many units in use is replaced where a round does not choose all of them anew.
pub const REPLACED: usize = 4;
/// Selections in a nonlinear problem before it is frozen at the latest.
pub const SELECTIONS: usize = 4;
/// The selection is frozen once the field changes by less than this part of itself.
pub const FROZEN: f64 = 0.05;
/// Numbers of candidates' features that are kept (4 bytes each, or 8); what is wanted again of a larger pool is simulated again.
const MEMORY: usize = 1 << 27;
/// Points that are gathered together.
const POINTS: usize = 32;

/// In words, for the report: `pursuit, 512 of 4000 candidates, 3 rounds`.
pub fn describe(plan: &Plan, units: u32) -> String {
    let rounds = if plan.rounds == 1 { "1 round".to_string() } else { format!("{} rounds", plan.rounds) };
    format!("pursuit, {units} of {} candidates, {rounds}", plan.pool)
}

/// What stays the same over the phase.
struct Layer<'a> {
    index: usize,
    units: usize,
    plan: &'a UnitsPlan,
    spec: Spec,
    ridge: Option<f64>,
}

/// The features of the candidates, block by block, as far as there is room for them. Columns for each readout fed.
type Simulated = Vec<Option<Vec<Columns>>>;

/// Runs the phase, or the rest of one that was stopped; the session's weights end as the best selection.
///
/// # Errors
/// If the record that it goes on from is not one of this phase.
pub fn run(session: &mut Session<'_>, phase: usize, plan: &Plan, from: Option<&Record>) -> Result<Ended, RecordError> {
    let network = &session.problem.network;
    let index =
        network.layers.iter().position(|l| l.name == plan.layer).expect("the checker knows the network's layers");
    let spec = spec(network, session.kernels, index).expect("the checker lets units be chosen only where they can be");
    let units = network.layers[index].pursuit.as_ref().expect("a layer with a spec has units");
    let layer = Layer { index, units: network.layers[index].units as usize, plan: units, spec, ridge: plan.ridge };

    let Going { first, mut field, sound, before, mut loss, mut kept, mut in_place } = match from {
        Some(record) => Going::restore(session, record, plan.rounds)?,
        None => Going::start(session),
    };
    let mut held = session.held();
    let mut watch = Watch::new(&session.problem.train.phases[phase].stop, "rounds", loss);
    from.map(|record| watch.restore(record, first, session.lab.evaluations())).transpose()?;
    let mut reached = None;
    let mut stop = match from {
        Some(_) => None,
        None => session.report(phase, 0, plan.rounds + 1, loss).err(),
    };
    for round in first..=plan.rounds {
        if stop.is_some() || reached.is_some() {
            break;
        }
        let mut own = |r: &mut Record| {
            r.put_count("grow.round", round);
            r.put_count("grow.sound", sound.into());
            r.put("grow.losses", &[before, loss]);
            r.put("grow.kept", &kept.iter().map(|k| *k as f64).collect::<Vec<_>>());
            r.put_count("grow.in_place", in_place.is_some().into());
            watch.put(r);
        };
        if let Err(why) = session.pause(phase, true, Some(&mut own)) {
            stop = Some(why);
            break;
        }
        let mut turn = session.turn(round, false, &mut field);
        // What the first field of all is like says nothing.
        let graded = (round > 0 || phase > 0) && session.grade(&field);
        if graded {
            field = session.field();
            turn = Turn::Points;
        }
        if turn != Turn::Same {
            held = session.held();
        }
        if turn == Turn::Points {
            in_place = None;
        }
        if turn != Turn::Same {
            loss = own_loss(session, &field);
            watch.rebase(loss);
        }
        let (in_use, candidates) = candidates(session, &layer, plan, phase, round, graded);
        let found = match select(session, &layer, &candidates, in_use, &field, in_place.as_ref(), held.as_ref()) {
            Ok(found) => found,
            Err(why @ (Stop::Interrupted | Stop::Enough)) => {
                stop = Some(why);
                break;
            }
            Err(Stop::Diverged { residual, broken, .. }) => {
                // A round that fails is not kept; without any state that is finite there is nothing to go on from.
                if loss.is_finite() {
                    stop = session.report(phase, round + 1, plan.rounds + 1, loss).err();
                    continue;
                }
                stop = Some(Stop::Diverged { step: round + 1, residual, broken });
                break;
            }
        };
        let (found, found_features) = found;
        session.lab.take_fault();
        let new_field = session.lab.field(&session.system, &found);
        let frame = session.frame(&new_field);
        // A selection with a broken neuron in it is not kept, even if that neuron is silent.
        let new_loss = if session.lab.fault().is_some() { f64::NAN } else { square(&frame.residual(&new_field)) };
        let old_loss = square(&frame.residual(&field));
        // In its own frame, too: a nonlinear problem's rows are weighed anew about every field.
        let holds = match &held {
            Some(held) if new_loss.is_finite() => {
                let [new, old] = [&found, &session.params].map(|p| session.lab.field(&held.system, p));
                let (frame, old_frame) = (held.frame(&new), held.frame(&old));
                let worth = square(&frame.residual(&new));
                better(worth, square(&frame.residual(&old))) && better(worth, square(&old_frame.residual(&old)))
            }
            _ => better(new_loss, old_loss) && better(new_loss, loss),
        };
        if holds {
            session.params = found;
            in_place = Some(found_features);
            field = new_field;
            loss = new_loss;
            kept.push(round);
        }
        stop = session.report(phase, round + 1, plan.rounds + 1, loss).err();
        if !loss.is_finite() && stop.is_none() {
            let frame = session.system.frame(None);
            let residual = frame.broken(&frame.residual(&field)).unwrap_or("all residuals").to_string();
            let rows = frame.residual(&field);
            stop = Some(session.diverged(round + 1, residual, Some((&frame, &rows))));
        }
        reached = watch.after(session, round + 1, loss, &session.params);
    }
    if !sound && kept.is_empty() && stop.is_none() {
        session.field();
        stop = session.sound(plan.rounds + 1).err();
    }
    let kept: Vec<String> = kept.iter().map(usize::to_string).collect();
    let mut note = match kept.len() {
        0 => "kept nothing new".to_string(),
        1 => format!("kept round {}", kept[0]),
        _ => format!("kept rounds {}", kept.join(", ")),
    };
    note.extend(reached.iter().flat_map(|why| ["; ", why]));
    Ok(Ended { note, before, after: loss, stop })
}

/// A phase between two rounds.
struct Going {
    /// The round to go on with.
    first: usize,
    field: Field,
    /// Nothing was broken before the phase.
    sound: bool,
    before: f64,
    loss: f64,
    /// The rounds that were kept.
    kept: Vec<usize>,
    /// The features of the units in use, once there has been a selection.
    in_place: Option<Features>,
}

impl Going {
    fn start(session: &mut Session<'_>) -> Going {
        let field = session.field();
        let sound = session.lab.take_fault().is_none();
        let loss = own_loss(session, &field);
        Going { first: 0, field, sound, before: loss, loss, kept: vec![], in_place: None }
    }

    /// Field and features are observed again, uncounted: they have the bits that they had.
    fn restore(session: &mut Session<'_>, record: &Record, rounds: usize) -> Result<Going, RecordError> {
        let losses = record.exactly("grow.losses", 2)?;
        let (spent, fault) = (session.lab.spent(), session.lab.fault().cloned());
        let params = session.params.clone();
        let field = session.look(&params);
        let known = record.count("grow.in_place")? != 0;
        let in_place = known.then(|| session.lab.features(&session.system, &params));
        session.lab.restore(spent, fault);
        Ok(Going {
            first: record.earlier("grow.round", rounds as u64)? as usize,
            field,
            sound: record.count("grow.sound")? != 0,
            before: losses[0],
            loss: losses[1],
            kept: record.numbers("grow.kept")?.iter().map(|k| *k as usize).collect(),
            in_place,
        })
    }
}

fn own_loss(session: &Session<'_>, field: &Field) -> f64 {
    square(&session.frame(field).residual(field))
}

/// The candidates of a round. Units in use come first, once there has been a selection or an earlier phase (`true`). Where
/// test functions have just been graded anew, more of them are fresh.
fn candidates(
    session: &Session<'_>,
    layer: &Layer<'_>,
    plan: &Plan,
    phase: usize,
    round: usize,
    graded: bool,
) -> (bool, Units) {
    let mut rng = Stream::new(session.options.seed, Purpose::Candidates, (phase as u64) << 32 | round as u64);
    if round == 0 && phase == 0 {
        return (false, Units::draw(&layer.spec, plan.pool.max(layer.units), &mut rng));
    }
    let used = used(session, layer);
    if round == 0 {
        return (true, Units::join(&[&used, &Units::draw(&layer.spec, plan.pool, &mut rng)]));
    }
    let mutants: Vec<Units> = (0..MUTANTS).map(|_| used.mutate(&layer.spec, plan.mutate, &mut rng)).collect();
    let part = if graded { FRESH_GRADED } else { FRESH };
    let fresh = Units::draw(&layer.spec, (plan.pool as f64 * part).ceil() as usize, &mut rng);
    let parts: Vec<&Units> = [&used].into_iter().chain(&mutants).chain([&fresh]).collect();
    (true, Units::join(&parts))
}

/// The units as they stand in the network.
fn used(session: &Session<'_>, layer: &Layer<'_>) -> Units {
    let network = &session.problem.network;
    let values = layer.plan.params.iter().map(|u| session.params[place(network, u.param)].to_vec()).collect();
    Units { len: layer.units, values }
}

/// The network's weights with the best `units` of the candidates in the layer and their exact readout, and the features that they
/// have. `in_place` are the features of the units in use, if they are known.
fn select(
    session: &mut Session<'_>,
    layer: &Layer<'_>,
    candidates: &Units,
    in_use: bool,
    field: &Field,
    in_place: Option<&Features>,
    held: Option<&Held<'_>>,
) -> Result<(Vec<f64>, Features), Stop> {
    let network = &session.problem.network;
    let start = Weights::of(network, &session.params);
    // No candidate changes anything but the features that the layer feeds.
    let current = match in_place {
        Some(features) => features.clone(),
        None => session.lab.features(&session.system, &session.params),
    };
    let mut about = newton_start(session, &current, &start, field)?;
    let mut held_about = held.map(|h| match about == *field {
        true => session.lab.field(&h.system, &session.params),
        false => session.lab.features(&h.system, &session.params).field(&start.zero()),
    });
    let mut simulated: Simulated = vec![];
    let mut best: Option<(f64, Vec<f64>, Features)> = None;
    for _ in 0..SELECTIONS {
        let frame = session.frame(&about);
        let frame = &*frame;
        let linear = Linear::new(frame, &current, &start);
        let mut choices = choices(frame, &linear, &current, layer, in_use);
        let block = layer.plan.block as usize;
        for (k, first) in (0..candidates.len).step_by(block).enumerate() {
            if session.interrupted() {
                return Err(Stop::Interrupted);
            }
            // The last block is filled up with repetitions.
            let real = block.min(candidates.len - first);
            let columns = match in_use && feeds_alone(layer, &current) && first + block <= layer.units {
                true => known(layer, &current, first, &mut simulated),
                false => simulate(session, layer, candidates, first, &mut simulated),
            };
            let rows = Rows::blocks(grouped(frame, &columns, real).as_ref(), layer.plan.feeds.len());
            choices.iter_mut().for_each(|c| c.pursuit.add_blocks(&rows));
            keep(layer, candidates.len, k, columns, &mut simulated);
        }
        let mut found: Option<Found> = None;
        let held_frame = held.zip(held_about.as_ref()).map(|(h, about)| h.frame(about));
        for choice in choices {
            let picks = choice.finish(layer);
            let choice = choose(session, layer, candidates, picks, &current, &simulated);
            let seen = held.zip(held_frame.as_ref()).map(|(h, frame)| {
                let features = session.lab.features(&h.system, &choice.params);
                (h.rows(frame, &features, &start), features)
            });
            let choice = choice.and_solve(&linear, &start, frame, layer.ridge, seen);
            if let Some(choice) = choice
                && found.as_ref().is_none_or(|f| choice.worth.left < f.worth.left)
            {
                found = Some(choice);
            }
        }
        let Some(Found { params: mut found, features, weights, worth, seen, .. }) = found else {
            let residual = frame.broken(&linear.target).unwrap_or("the features of all residuals").to_string();
            return Err(session.diverged(0, residual, Some((frame, &linear.target))));
        };
        if session.linear.is_some() {
            weights.put(network, session.kernels.precision, &mut found);
            return Ok((found, features));
        }
        // Newton with the selection frozen.
        let ridge = layer.ridge.or(held.map(|_| worth.ridge));
        let Some(weights) = solve::readout(&session.system, None, &features, &weights, ridge, None) else { break };
        let next = features.field(&weights);
        held_about = seen.map(|features| features.field(&weights));
        let loss = match held.zip(held_about.as_ref()) {
            Some((held, field)) => held.loss(field),
            None => own_loss(session, &next),
        };
        let change = next.change(&about);
        weights.put(network, session.kernels.precision, &mut found);
        if best.as_ref().is_none_or(|(l, ..)| better(loss, *l)) {
            best = Some((loss, found, features));
        }
        about = next;
        if change <= FROZEN || !change.is_finite() {
            break;
        }
    }
    best.map(|(_, params, features)| (params, features))
        .ok_or_else(|| session.diverged(0, "all residuals".to_string(), None))
}

/// Weights with chosen units in place and their features, the exact readout, and how good it is.
struct Found {
    params: Vec<f64>,
    features: Features,
    weights: Weights,
    worth: Worth,
    /// Its features where rows are held back.
    seen: Option<Features>,
}

/// Weights with chosen units in place, and their features.
struct Chosen {
    params: Vec<f64>,
    features: Features,
}

/// Puts candidates in place. Their features are gathered from the pool's, which have the same bits, or simulated if those could not
/// all be kept.
fn choose(
    session: &mut Session<'_>,
    layer: &Layer<'_>,
    candidates: &Units,
    picks: Vec<usize>,
    current: &Features,
    simulated: &Simulated,
) -> Chosen {
    let network = &session.problem.network;
    let picks = fill(picks, candidates.len, layer.units);
    let chosen = candidates.select(&picks);
    let mut params = session.params.clone();
    for (unit, values) in layer.plan.params.iter().zip(&chosen.values) {
        params[place(network, unit.param)].copy_from_slice(values);
    }
    let features = gather(layer, candidates.len, &picks, current, simulated);
    let features = features.unwrap_or_else(|| session.lab.features(&session.system, &params));
    Chosen { params, features }
}

/// The features with the picked candidates in the layer, if those of all candidates are at hand.
fn gather(
    layer: &Layer<'_>,
    candidates: usize,
    picks: &[usize],
    current: &Features,
    simulated: &Simulated,
) -> Option<Features> {
    let block = layer.plan.block as usize;
    let blocks: Vec<&Vec<Columns>> = simulated.iter().flatten().collect();
    if blocks.len() < candidates.div_ceil(block) || !feeds_alone(layer, current) {
        return None;
    }
    // Block by block, so that the features are read in the order in which they lie.
    let mut of_block: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (unit, pick) in picks.iter().enumerate() {
        of_block.entry(pick / block).or_default().push((unit, pick % block));
    }
    let mut features = current.clone();
    for (f, readout) in layer.plan.feeds.iter().enumerate() {
        let phi = &mut features.readouts[*readout].phi;
        for (b, observed) in phi.blocks.iter_mut().enumerate() {
            for (o, values) in observed.iter_mut().enumerate() {
                let from = |k: usize| &blocks[k][f].blocks[b][o];
                match values {
                    Numbers::Single(values) => {
                        let from = |k| from(k).single();
                        scatter(values, layer.units, from, block, &of_block);
                    }
                    Numbers::Double(values) => {
                        let from = |k| from(k).double();
                        scatter(values, layer.units, from, block, &of_block);
                    }
                }
            }
        }
    }
    Some(features)
}

/// Puts the features of picks of each block (`from` gives it as `[points][block]`) into `to`, `[points][units]`.
fn scatter<'a, R: Real>(
    to: &mut [R],
    units: usize,
    from: impl Fn(usize) -> &'a [R] + Sync,
    block: usize,
    of_block: &BTreeMap<usize, Vec<(usize, usize)>>,
) {
    to.par_chunks_mut(POINTS * units).enumerate().for_each(|(tile, to)| {
        for (k, picks) in of_block {
            let rows = from(*k)[tile * POINTS * block..].chunks_exact(block);
            for (to, from) in to.chunks_exact_mut(units).zip(rows) {
                picks.iter().for_each(|(unit, pick)| to[*unit] = from[*pick]);
            }
        }
    });
}

/// Whether the layer's units are all the features of each of the readouts that it feeds.
fn feeds_alone(layer: &Layer<'_>, current: &Features) -> bool {
    layer.plan.feeds.iter().all(|k| current.readouts[*k].phi.len == layer.units)
}

impl Chosen {
    /// `None` if numbers are not finite.
    fn and_solve(
        self,
        linear: &Linear,
        like: &Weights,
        frame: &Frame<'_>,
        ridge: Option<f64>,
        seen: Option<(HeldRows, Features)>,
    ) -> Option<Found> {
        let rows = self.features.rows(frame, &[]);
        let (held, seen) = seen.unzip();
        let (weights, worth) = linear.solve(rows.as_ref(), like, ridge, held.as_ref())?;
        Some(Found { params: self.params, features: self.features, weights, worth, seen })
    }
}

/// The field to linearise about first: as it is or the offset alone, whichever has the lower loss.
fn newton_start(
    session: &mut Session<'_>,
    features: &Features,
    weights: &Weights,
    field: &Field,
) -> Result<Field, Stop> {
    if session.linear.is_some() {
        return Ok(field.clone());
    }
    let nothing = features.field(&weights.zero());
    let (a, b) = (own_loss(session, field), own_loss(session, &nothing));
    if a.is_finite() && !better(b, a) {
        return Ok(field.clone());
    }
    if b.is_finite() {
        return Ok(nothing);
    }
    let frame = session.system.frame(None);
    let rows = frame.residual(&nothing);
    let residual = frame.broken(&rows).unwrap_or("all residuals").to_string();
    Err(session.diverged(0, residual, Some((&frame, &rows))))
}

/// The features of the block of the candidates that starts at `first`.
fn simulate(
    session: &mut Session<'_>,
    layer: &Layer<'_>,
    candidates: &Units,
    first: usize,
    simulated: &mut Simulated,
) -> Vec<Columns> {
    let block = layer.plan.block as usize;
    if let Some(columns) = simulated.get_mut(first / block).and_then(Option::take) {
        return columns;
    }
    let params = pool_params(session, layer, &candidates.block(first, block));
    session.lab.pool(&session.system, layer.index, &params)
}

/// The same for a block of units in use: their features are known.
fn known(layer: &Layer<'_>, current: &Features, first: usize, simulated: &mut Simulated) -> Vec<Columns> {
    let block = layer.plan.block as usize;
    if let Some(columns) = simulated.get_mut(first / block).and_then(Option::take) {
        return columns;
    }
    let of_readout = |k: &usize| {
        let phi = &current.readouts[*k].phi;
        let part = |values: &Numbers| values.part(0, values.len(), phi.len.max(1), first, block);
        Columns { len: block, blocks: phi.blocks.iter().map(|b| b.iter().map(part).collect()).collect() }
    };
    layer.plan.feeds.iter().map(of_readout).collect()
}

/// The pool's parameters: the network's own where they are alike, the candidates' in the layer, 0 elsewhere (the readout).
fn pool_params(session: &Session<'_>, layer: &Layer<'_>, block: &Units) -> Vec<f64> {
    let network = &session.problem.network;
    let mut params = Vec::with_capacity(layer.plan.pool.param_len());
    for (k, p) in layer.plan.pool.params.iter().enumerate() {
        let id = ParamId(k as u32);
        match layer.plan.params.iter().position(|u| u.param == id) {
            Some(role) => params.extend_from_slice(&block.values[role]),
            None if network.primal.params[k].len() == p.len() => {
                params.extend_from_slice(&session.params[place(network, id)]);
            }
            None => params.resize(params.len() + p.len(), 0.0),
        }
    }
    params
}

/// Puts the features of block `k` away, if there is room for all blocks': the best are gathered from them, and a nonlinear problem
/// selects again.
fn keep(layer: &Layer<'_>, candidates: usize, k: usize, columns: Vec<Columns>, simulated: &mut Simulated) {
    let observed: usize = columns.iter().flat_map(|c| c.blocks.iter().flatten()).map(|v| v.len()).sum();
    let blocks = candidates.div_ceil(layer.plan.block as usize);
    if observed * blocks <= MEMORY {
        simulated.resize_with(blocks, || None);
        simulated[k] = Some(columns);
    }
}

/// As many picks as there are units: where a pursuit found no more that help, candidates in their order.
fn fill(mut picks: Vec<usize>, candidates: usize, units: usize) -> Vec<usize> {
    let mut rest = (0..candidates).filter(|j| !picks.contains(j)).collect::<Vec<_>>().into_iter();
    while picks.len() < units {
        let next = rest.next().unwrap_or(picks.len() % candidates.max(1));
        picks.push(next);
    }
    picks
}
