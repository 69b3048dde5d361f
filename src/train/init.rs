//! How parameters start, and what the units of a layer are like: the two places where a tuned population is drawn must
//! agree, so that a network as it starts is made of the same neurons as a pool.
//!
//! ```text
//! normal(s), uniform(a, b)               one stream a parameter; ramps and constants are not random
//! tuned                                  one stream a population, drawn as candidates are
//! ```

use rand::RngExt;
use rand_distr::StandardNormal;

use crate::exec::normal::normals;
use crate::exec::rng::{Purpose, Stream};
use crate::ir::op::ParamId;
use crate::ir::problem::{Curve, Init, Network, UnitRole};
use crate::plan::Precision;
use crate::train::candidates::{Range, Spec, Units};
use crate::train::kernels::Kernels;

/// What is assumed of a spiking neuron whose response curve is not known, or that never responds.
const SPIKING: Range = Range { threshold: 1.0, saturation: 4.0, floor: f64::NEG_INFINITY };

/// Positions of a parameter in the flat vector.
pub fn place(network: &Network, id: ParamId) -> std::ops::Range<usize> {
    let start = network.primal.param_offset(id);
    start..start + network.primal.params[id.0 as usize].len()
}

/// The initial flat parameter vector. The same seed gives the same bits.
pub fn params(network: &Network, kernels: &Kernels, seed: u64) -> Vec<f64> {
    let mut out = vec![0.0; network.primal.param_len()];
    let mut drawn = vec![];
    for (k, init) in network.init.iter().enumerate() {
        let at = &mut out[place(network, ParamId(k as u32))];
        let mut rng = Stream::new(seed, Purpose::Init, k as u64);
        match *init {
            Init::Constant(c) => at.fill(c),
            Init::Normal(sigma) => at.iter_mut().for_each(|x| *x = sigma * rng.sample::<f64, _>(StandardNormal)),
            Init::Uniform(lo, hi) => at.iter_mut().for_each(|x| *x = lo + (hi - lo) * rng.random::<f64>()),
            Init::Ramp(lo, hi) => {
                let last = at.len().saturating_sub(1) as f64;
                let part = |j: usize| if last == 0.0 { 0.5 } else { j as f64 / last };
                at.iter_mut().enumerate().for_each(|(j, x)| *x = lo + (hi - lo) * part(j));
            }
            Init::Samples(sigma) => at.copy_from_slice(&samples(&mut rng, sigma, at.len())),
            Init::Tuned { group, .. } if !drawn.contains(&group) => {
                drawn.push(group);
                draw_population(network, kernels, group, &mut rng, &mut out);
            }
            Init::Tuned { .. } => {}
        }
    }
    out.iter_mut().for_each(|x| *x = kernels.precision.round(*x));
    out
}

/// Samples of a surrogate: absolute values of normal numbers.
fn samples(rng: &mut Stream, sigma: f64, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    normals(rng, &mut out);
    out.into_iter().map(|e| sigma * f64::from(e.abs())).collect()
}

/// Draws the samples of all surrogates that are sampled anew, for a step of a phase; other parameters stay.
pub fn sample_surrogates(
    network: &Network,
    precision: Precision,
    seed: u64,
    (phase, step): (usize, usize),
    theta: &mut [f64],
) {
    for (k, init) in network.init.iter().enumerate() {
        if let Init::Samples(sigma) = *init {
            let at = &mut theta[place(network, ParamId(k as u32))];
            let index = (phase as u64 & 0xff) << 56 | (step as u64 & 0xffff_ffff) << 24 | (k as u64 & 0xff_ffff);
            let drawn = samples(&mut Stream::new(seed, Purpose::Surrogates, index), sigma, at.len());
            at.iter_mut().zip(drawn).for_each(|(x, s)| *x = precision.round(s));
        }
    }
}

/// Draws all the parameters of one tuned population.
fn draw_population(network: &Network, kernels: &Kernels, wanted: u32, rng: &mut Stream, out: &mut [f64]) {
    let mut members = vec![];
    let mut curve = Curve::Mixed;
    for (k, init) in network.init.iter().enumerate() {
        if let Init::Tuned { group, role, curve: c } = init
            && *group == wanted
        {
            members.push((ParamId(k as u32), *role));
            curve = *c;
        }
    }
    let param = |id: ParamId| &network.primal.params[id.0 as usize];
    let weight = members.iter().find(|(_, role)| *role == UnitRole::Weight);
    let Some(&(weight, _)) = weight else { return };
    let (fan_in, count) = (param(weight).rows as usize, param(weight).cols as usize);
    let layer = network.layers.iter().position(|l| l.params.contains(&weight));
    let roles = members.iter().map(|&(_, role)| (role, 0.0)).collect();
    let known = layer.and_then(|l| network.layers[l].pursuit.as_ref());
    let (on_coords, pairs) = known.map_or((true, vec![]), |u| (u.on_coords, u.pairs.clone()));
    let (range, precision) = (range(network, kernels, layer), kernels.precision);
    let spec = Spec { fan_in, on_coords, pairs, range, curve, roles, precision };
    let units = Units::draw(&spec, count, rng);
    for ((id, _), values) in members.iter().zip(&units.values) {
        out[place(network, *id)].copy_from_slice(values);
    }
}

/// The currents worth having in a layer, from the response curve of one of its units.
pub fn range(network: &Network, kernels: &Kernels, layer: Option<usize>) -> Range {
    let Some(layer) = layer else { return Range::UNIT };
    let unknown = if network.layers[layer].spiking { SPIKING } else { Range::UNIT };
    let Some(kernel) = kernels.responses.get(layer).and_then(|r| r.as_ref()) else { return unknown };
    let currents = Range::probe_currents();
    let responses = kernel.run(&currents, &[], &[]).outputs.wide();
    let below = kernel.run(&Range::probe_floor(), &[], &[]).outputs.wide();
    Range::from_response(&currents, &responses).unwrap_or(unknown).down_to(&below)
}

/// What the units of a layer under pursuit are like. `None` if its units cannot be chosen one by one.
pub fn spec(network: &Network, kernels: &Kernels, layer: usize) -> Option<Spec> {
    let units = network.layers[layer].pursuit.as_ref()?;
    let init = |id: ParamId| network.init.get(id.0 as usize);
    let curve = units.params.iter().find_map(|u| match init(u.param) {
        Some(Init::Tuned { curve, .. }) => Some(*curve),
        _ => None,
    });
    let start = |id: ParamId| match init(id) {
        Some(Init::Constant(c)) => *c,
        _ => 0.0,
    };
    Some(Spec {
        fan_in: units.fan_in as usize,
        on_coords: units.on_coords,
        pairs: units.pairs.clone(),
        range: range(network, kernels, Some(layer)),
        curve: curve.unwrap_or(Curve::Ramp),
        roles: units.params.iter().map(|u| (u.role, start(u.param))).collect(),
        precision: kernels.precision,
    })
}
