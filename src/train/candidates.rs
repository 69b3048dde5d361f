//! Candidate units: where the neurons that a pursuit chooses from come from.
//!
//! A unit's current is `bias + gain f(w . x + phase)`, f the identity (a ramp) or the sine. Plain Gaussian weights leave many
//! neurons silent or saturated everywhere in the domain; so a candidate is drawn by what its neuron *does*: a ramp by where
//! in the domain it starts to spike and by the current it has reached at the far corner, a sinusoid by its band of currents.
//! Both are said in units of the neuron's own response curve, see [`Range`], so that one recipe serves every neuron model.
//!
//! ```text
//! response                 _________          a ramp: zero until its threshold line crosses the domain, then
//!                     ____/                   rising to some part of the way from threshold to saturation
//!            ________/
//!   current   ^ threshold    ^ saturation
//! ```

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use crate::ir::problem::{Curve, UnitRole};
use crate::plan::Precision;

/// What a neuron's response curve says about the currents worth having: it responds from `threshold` on, and no longer
/// rises after `saturation`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub threshold: f64,
    pub saturation: f64,
    /// The lowest current that it bears: below it a step of its equations leaves the finite numbers. Minus infinity if there is
    /// none.
    pub floor: f64,
}

impl Range {
    /// For a unit that is no neuron (tanh, sine, …): currents of order 1 around 0.
    pub const UNIT: Range = Range { threshold: 0.0, saturation: 1.0, floor: f64::NEG_INFINITY };

    /// Currents at which to measure a response curve: 0 and three a factor of 2 from 1e-3 to 1e4, ascending.
    pub fn probe_currents() -> Vec<f64> {
        let mut c = vec![0.0];
        c.extend((0..=70).map(|k| 1e-3 * libm::exp2(k as f64 / 3.0)));
        c
    }

    /// Negative currents at which to see whether a neuron bears them, descending from 0.
    pub fn probe_floor() -> Vec<f64> {
        (0..=80).map(|k| -1e-3 * libm::exp2(k as f64 / 3.0)).collect()
    }

    /// The same range for a neuron whose responses at the currents of [`Range::probe_floor`] are these.
    pub fn down_to(self, responses: &[f64]) -> Range {
        let currents = Range::probe_floor();
        let broken = responses.iter().position(|r| !r.is_finite());
        let floor = match broken {
            None => f64::NEG_INFINITY,
            // It does not even bear next to nothing: there is no telling.
            Some(0) => f64::NEG_INFINITY,
            Some(k) => currents[k - 1],
        };
        Range { floor, ..self }
    }

    /// Reads a response curve measured at ascending `currents`: the threshold is the last current before the response leaves
    /// that at the lowest current by 2% of its largest change, saturation the first at which it has made 90% of it. From the
    /// first response on that is not finite it is not looked at. `None` if the unit never responds.
    pub fn from_response(currents: &[f64], responses: &[f64]) -> Option<Range> {
        let sound = responses.iter().take_while(|r| r.is_finite()).count().min(currents.len());
        let (currents, responses) = (&currents[..sound], &responses[..sound]);
        let base = *responses.first()?;
        let change: Vec<f64> = responses.iter().map(|r| (r - base).abs()).collect();
        let largest = change.iter().fold(0.0f64, |m, &c| m.max(c));
        if largest <= 0.0 {
            return None;
        }
        let starts = change.iter().position(|&c| c > 0.02 * largest)?;
        let ends = change.iter().position(|&c| c >= 0.9 * largest)?;
        let threshold = currents[starts.saturating_sub(1)];
        let saturation = currents[ends];
        (saturation > threshold).then_some(Range { threshold, saturation, floor: f64::NEG_INFINITY })
    }

    /// The current a part `f` of the way from threshold to saturation.
    pub fn at(&self, f: f64) -> f64 {
        self.threshold + f * (self.saturation - self.threshold)
    }
}

/// What the units of a layer are like.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Width of what the units act on.
    pub fan_in: usize,
    /// They act on coordinates scaled to [-1, 1].
    pub on_coords: bool,
    /// Inputs that are sine and cosine of a periodic coordinate's phase: the first of each two.
    pub pairs: Vec<usize>,
    pub range: Range,
    pub curve: Curve,
    /// The units' parameters in order, with the value that a [`UnitRole::Neuron`] starts from.
    pub roles: Vec<(UnitRole, f64)>,
    /// Parameters are rounded to it.
    pub precision: Precision,
}

impl Spec {
    /// The largest value of e . z over the inputs z: corners of a box, and for each pair a point of the unit circle.
    fn reach(&self, e: &[f64]) -> f64 {
        let paired = |i: usize| self.pairs.iter().any(|&p| i == p || i == p + 1);
        let plain: f64 = (0..e.len()).filter(|i| !paired(*i)).map(|i| e[i].abs()).sum();
        plain + self.pairs.iter().map(|&p| (e[p] * e[p] + e[p + 1] * e[p + 1]).sqrt()).sum::<f64>()
    }

    /// A coordinate goes from -1 to 1 while its phase goes once round: the same frequency takes a smaller weight.
    fn band(&self, input: usize) -> f64 {
        let paired = self.pairs.iter().any(|&p| input == p || input == p + 1);
        if paired { std::f64::consts::FRAC_1_PI } else { 1.0 }
    }
}

/// A number of units: for each role of the [`Spec`], numbers `[rows][units]`, as they stand in a program's parameters
/// (`rows` is the fan-in for the weight, else 1).
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    pub len: usize,
    pub values: Vec<Vec<f64>>,
}

/// Distributions a candidate is drawn from, in parts of the way from threshold to saturation.
pub mod recipe {
    /// A ramp's current at the far corner of the domain.
    pub const TOP: (f64, f64) = (0.06, 1.3);
    /// Where in the domain a ramp reaches threshold, in parts of its reach.
    pub const KINK: (f64, f64) = (-1.05, 0.95);
    /// Ramps that go all the way from threshold to saturation, as fronts are made of.
    pub const STEEP: f64 = 0.5;
    /// Over which part of their reach they do so, log-uniform.
    pub const WIDTH: (f64, f64) = (0.004, 1.0);
    /// Ramps along a single coordinate.
    pub const AXIS: f64 = 0.35;
    /// Mean current of a sinusoid.
    pub const BIAS: (f64, f64) = (-0.25, 0.55);
    /// Amplitude of a sinusoid.
    pub const AMPLITUDE: (f64, f64) = (0.05, 0.6);
    /// Standard deviation of a sinusoid's frequencies, log-uniform, per coordinate scaled to [-1, 1].
    pub const SCALE: (f64, f64) = (0.7, 14.0);
}

fn uniform(rng: &mut impl Rng, (lo, hi): (f64, f64)) -> f64 {
    lo + (hi - lo) * rng.random::<f64>()
}

fn log_uniform(rng: &mut impl Rng, (lo, hi): (f64, f64)) -> f64 {
    lo * libm::pow(hi / lo, rng.random::<f64>())
}

fn normal(rng: &mut impl Rng) -> f64 {
    rng.sample(StandardNormal)
}

/// One unit before its parameters are put in their places.
struct Unit {
    sine: bool,
    weight: Vec<f64>,
    phase: f64,
    gain: f64,
    bias: f64,
}

/// A gain, as far as a current of so much below threshold is borne.
fn borne(spec: &Spec, gain: f64, below: f64) -> f64 {
    let most = spec.range.threshold - spec.range.floor;
    if below > 0.0 && most > 0.0 { gain.min(most / below) } else { gain }
}

fn ramp(spec: &Spec, rng: &mut impl Rng) -> Unit {
    let n = spec.fan_in;
    let range = spec.range;
    if !spec.on_coords {
        // Inputs are responses of other units, of unknown size but mostly between 0 and 1 and rarely all at once.
        let scale = 2.0 * (range.at(0.5)).abs().max(1e-3) / (n as f64).sqrt();
        let weight = (0..n).map(|_| normal(rng)).collect();
        let bias = range.threshold + uniform(rng, (-0.5, 0.25)) * (range.at(0.5) - range.threshold);
        return Unit { sine: false, weight, phase: 0.0, gain: scale, bias };
    }
    let mut e = vec![0.0; n];
    if n == 1 || rng.random::<f64>() < recipe::AXIS {
        let axis = rng.random_range(0..n as u32) as usize;
        e[axis] = if rng.random::<bool>() { 1.0 } else { -1.0 };
        if let Some(&first) = spec.pairs.iter().find(|&&p| p == axis || p + 1 == axis) {
            // Along a circle no direction is better than another: a bump about any place of it.
            let angle = uniform(rng, (0.0, 2.0 * std::f64::consts::PI));
            (e[first], e[first + 1]) = (libm::sin(angle), libm::cos(angle));
        }
    } else {
        e.iter_mut().for_each(|x| *x = normal(rng));
        let norm = e.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
        e.iter_mut().for_each(|x| *x /= norm);
    }
    let reach = spec.reach(&e);
    let kink = uniform(rng, recipe::KINK) * reach;
    if spec.range != Range::UNIT && rng.random::<f64>() < recipe::STEEP {
        // A step, of any width.
        let width = reach * log_uniform(rng, recipe::WIDTH);
        let gain = borne(spec, (range.saturation - range.threshold) / width, reach + kink);
        return Unit { sine: false, weight: e, phase: -kink, gain, bias: range.threshold };
    }
    let gain = (range.at(uniform(rng, recipe::TOP)) - range.threshold) / (reach - kink);
    let gain = borne(spec, gain, reach + kink);
    Unit { sine: false, weight: e, phase: -kink, gain, bias: range.threshold }
}

fn sine(spec: &Spec, rng: &mut impl Rng) -> Unit {
    let mut scale = log_uniform(rng, recipe::SCALE);
    if !spec.on_coords {
        scale /= (spec.fan_in as f64).sqrt();
    }
    let weight = (0..spec.fan_in).map(|i| spec.band(i) * scale * normal(rng)).collect();
    let phase = uniform(rng, (0.0, 2.0 * std::f64::consts::PI));
    let gain = uniform(rng, recipe::AMPLITUDE) * (spec.range.saturation - spec.range.threshold);
    let bias = spec.range.at(uniform(rng, recipe::BIAS));
    Unit { sine: true, weight, phase, gain, bias }
}

/// A unit that is no neuron: its argument passes zero inside the domain, its slope is of any scale.
fn smooth(spec: &Spec, rng: &mut impl Rng) -> Unit {
    let mut u = ramp(&Spec { range: Range::UNIT, ..spec.clone() }, rng);
    if spec.on_coords {
        u.gain = log_uniform(rng, recipe::SCALE);
        u.bias = 0.0;
    }
    u
}

impl Units {
    /// Units drawn afresh. Mixed pools take ramps and sinusoids in turn.
    pub fn draw(spec: &Spec, count: usize, rng: &mut impl Rng) -> Units {
        let has = |role| spec.roles.iter().any(|&(r, _)| r == role);
        let sinusoids = has(UnitRole::Sine);
        let mut out = Units::empty(spec, count);
        for j in 0..count {
            let mut unit = match spec.curve {
                _ if spec.range == Range::UNIT => smooth(spec, rng),
                Curve::Sine if sinusoids => sine(spec, rng),
                Curve::Mixed if sinusoids && j % 2 == 1 => sine(spec, rng),
                _ => ramp(spec, rng),
            };
            // What has no parameter of its own is carried by the others.
            if !has(UnitRole::Gain) {
                unit.weight.iter_mut().for_each(|w| *w *= unit.gain);
                unit.phase *= unit.gain;
                unit.gain = 1.0;
            }
            if !has(UnitRole::Phase) {
                unit.bias += unit.gain * unit.phase;
            }
            for ((role, start), values) in spec.roles.iter().zip(&mut out.values) {
                match role {
                    UnitRole::Weight => {
                        for (i, w) in unit.weight.iter().enumerate() {
                            values[i * count + j] = spec.precision.round(*w);
                        }
                    }
                    UnitRole::Phase => values[j] = spec.precision.round(unit.phase),
                    UnitRole::Gain => values[j] = spec.precision.round(unit.gain),
                    UnitRole::Bias => values[j] = spec.precision.round(unit.bias),
                    UnitRole::Sine => values[j] = if unit.sine { 1.0 } else { 0.0 },
                    UnitRole::Neuron => values[j] = spec.precision.round(*start),
                }
            }
        }
        out
    }

    fn empty(spec: &Spec, count: usize) -> Units {
        let rows = |role| if role == UnitRole::Weight { spec.fan_in } else { 1 };
        Units { len: count, values: spec.roles.iter().map(|&(r, _)| vec![0.0; rows(r) * count]).collect() }
    }

    /// These units in this order; an index may come up again.
    pub fn select(&self, which: &[usize]) -> Units {
        let pick = |v: &Vec<f64>| {
            let rows = v.len().checked_div(self.len).unwrap_or(0);
            (0..rows).flat_map(|i| which.iter().map(move |&j| v[i * self.len + j])).collect()
        };
        Units { len: which.len(), values: self.values.iter().map(pick).collect() }
    }

    /// One population after the other.
    pub fn join(parts: &[&Units]) -> Units {
        let len = parts.iter().map(|p| p.len).sum();
        let roles = parts.first().map_or(0, |p| p.values.len());
        let values = (0..roles)
            .map(|k| {
                let rows = parts.iter().find(|p| p.len > 0).map_or(0, |p| p.values[k].len() / p.len);
                (0..rows)
                    .flat_map(|i| {
                        parts.iter().flat_map(move |p| p.values[k][i * p.len..(i + 1) * p.len].iter().copied())
                    })
                    .collect()
            })
            .collect();
        Units { len, values }
    }

    /// `size` units from `start` on; where there are no more, the last is repeated, so that a block is always full.
    pub fn block(&self, start: usize, size: usize) -> Units {
        let which: Vec<usize> = (start..start + size).map(|j| j.min(self.len.saturating_sub(1))).collect();
        self.select(&which)
    }

    /// Perturbed copies of all units. `strength` is the relative size of the perturbation: every number x becomes
    /// x (1 + strength n) + strength a n', with n, n' standard normal and a the scale that its role adds on.
    pub fn mutate(&self, spec: &Spec, strength: f64, rng: &mut impl Rng) -> Units {
        let mut out = self.clone();
        let span = spec.range.saturation - spec.range.threshold;
        let sine = spec.roles.iter().position(|&(r, _)| r == UnitRole::Sine);
        let gained = spec.roles.iter().any(|&(r, _)| r == UnitRole::Gain);
        for j in 0..self.len {
            let sinusoid = sine.is_some_and(|k| self.values[k][j] > 0.5);
            for ((role, _), values) in spec.roles.iter().zip(&mut out.values) {
                let add = match role {
                    UnitRole::Sine => continue,
                    UnitRole::Neuron => 0.0,
                    UnitRole::Weight if gained => 0.5,
                    UnitRole::Weight => 0.03 * span,
                    UnitRole::Phase if sinusoid => 4.0,
                    UnitRole::Phase => 0.3,
                    UnitRole::Gain => 0.01 * span,
                    UnitRole::Bias => 0.01 * span,
                };
                let mut j = j;
                while j < values.len() {
                    let x = values[j];
                    values[j] = spec.precision.round(x * (1.0 + strength * normal(rng)) + strength * add * normal(rng));
                    j += self.len;
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::rng::{Purpose, Stream};

    const LIF: Range = Range { threshold: 1.0, saturation: 20.0, floor: f64::NEG_INFINITY };

    fn tuned(curve: Curve, fan_in: usize) -> Spec {
        let roles =
            [UnitRole::Weight, UnitRole::Phase, UnitRole::Gain, UnitRole::Bias, UnitRole::Sine, UnitRole::Neuron];
        Spec {
            fan_in,
            on_coords: true,
            pairs: vec![],
            range: LIF,
            curve,
            roles: roles.map(|r| (r, 0.5)).to_vec(),
            precision: Precision::F32,
        }
    }

    fn dense(range: Range) -> Spec {
        let roles = vec![(UnitRole::Weight, 0.0), (UnitRole::Bias, 0.0)];
        Spec { fan_in: 2, on_coords: true, pairs: vec![], range, curve: Curve::Ramp, roles, precision: Precision::F32 }
    }

    fn stream(index: u64) -> Stream {
        Stream::new(1, Purpose::Test, index)
    }

    #[test]
    fn every_ramp_crosses_its_threshold_inside_the_domain() {
        // A dense unit has only weight and bias, and must be the same kind of ramp.
        let spec = dense(LIF);
        let u = Units::draw(&spec, 500, &mut stream(0));
        let (mut straddle, mut gentle, mut widths) = (0, 0, vec![]);
        for j in 0..500 {
            let (a, b, bias) = (u.values[0][j], u.values[0][500 + j], u.values[1][j]);
            let (low, high) = (bias - a.abs() - b.abs(), bias + a.abs() + b.abs());
            assert!(high > LIF.threshold, "{high}");
            straddle += usize::from(low < LIF.threshold);
            gentle += usize::from(high <= LIF.at(recipe::TOP.1) + 1e-3);
            // From threshold to saturation, as a part of the reach.
            widths.push((LIF.saturation - LIF.threshold) / (a.abs() + b.abs()));
        }
        assert!(straddle > 450, "{straddle} of 500 have their threshold inside");
        assert!((200..400).contains(&gentle), "{gentle} of 500 are gentle");
        let (lo, hi) = recipe::WIDTH;
        let within = |from: f64, to: f64| widths.iter().filter(|w| (from..to).contains(*w)).count();
        let middle = (lo * hi).sqrt();
        assert!(within(0.0, 0.999 * lo) == 0 && within(lo, middle) > 90, "a front has ramps of its own width");
    }

    #[test]
    fn ramps_on_a_circle_cross_their_threshold_somewhere_on_it() {
        let spec = Spec { pairs: vec![0], ..tuned(Curve::Ramp, 2) };
        let u = Units::draw(&spec, 400, &mut stream(9));
        let mut straddle = 0;
        for j in 0..400 {
            let value = |k: usize, row: usize| u.values[k][row * 400 + j];
            let reach = libm::hypot(value(0, 0), value(0, 1));
            let ends = [-reach, reach].map(|z| value(3, 0) + value(2, 0) * (z + value(1, 0)));
            assert!((0.9..1.1).contains(&reach) && ends[1] > LIF.threshold);
            straddle += usize::from(ends[0] < LIF.threshold);
        }
        assert!(straddle > 350, "{straddle} of 400");
    }

    #[test]
    fn mixed_pools_take_turns_and_neuron_parameters_start_where_they_start() {
        let u = Units::draw(&tuned(Curve::Mixed, 3), 10, &mut stream(1));
        assert_eq!(u.values[4], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(u.values[5], [0.5; 10]);
        assert_eq!(u.values[0].len(), 30);
        assert!(Units::draw(&tuned(Curve::Ramp, 3), 9, &mut stream(2)).values[4].iter().all(|&s| s == 0.0));
        assert!(Units::draw(&tuned(Curve::Sine, 3), 9, &mut stream(3)).values[4].iter().all(|&s| s == 1.0));
    }

    #[test]
    fn units_that_are_no_neurons_are_centred() {
        let u = Units::draw(&dense(Range::UNIT), 400, &mut stream(4));
        let inside =
            (0..400).filter(|&j| u.values[1][j].abs() <= u.values[0][j].abs() + u.values[0][400 + j].abs()).count();
        assert!(inside > 350, "{inside} of 400 pass zero in the domain");
    }

    #[test]
    fn selecting_joining_and_blocks_keep_units_together() {
        let spec = tuned(Curve::Mixed, 2);
        let (a, b) = (Units::draw(&spec, 5, &mut stream(5)), Units::draw(&spec, 3, &mut stream(6)));
        let all = Units::join(&[&a, &b]);
        assert_eq!(all.len, 8);
        assert_eq!(all.select(&[0, 1, 2, 3, 4]), a);
        assert_eq!(all.select(&[5, 6, 7]), b);
        assert_eq!(all.block(5, 3), b);
        assert_eq!(all.block(6, 4), all.select(&[6, 7, 7, 7]));
        assert_eq!(Units::join(&[&all, &a.select(&[])]), all);
    }

    #[test]
    fn copies_stay_near_and_keep_their_kind() {
        let spec = tuned(Curve::Mixed, 2);
        let u = Units::draw(&spec, 200, &mut stream(7));
        assert_eq!(u.mutate(&spec, 0.0, &mut stream(8)), u);
        let m = u.mutate(&spec, 0.1, &mut stream(8));
        assert_eq!(m.values[4], u.values[4]);
        // All but the phases, which come round.
        for (new, old) in m.values.iter().zip(&u.values).take(4) {
            let moved = new.iter().zip(old).filter(|(a, b)| a != b).count();
            assert!(moved * 10 > old.len() * 9);
            let far = new.iter().zip(old).filter(|(a, b)| (*a - *b).abs() > 0.5 * b.abs() + 1.0).count();
            assert!(far * 20 < old.len(), "{far}");
        }
    }

    #[test]
    fn a_response_curve_tells_threshold_and_saturation() {
        let currents = Range::probe_currents();
        // A neuron that starts at 0.3 and has made its way at 3.
        let responses: Vec<f64> = currents.iter().map(|&c| ((c - 0.3) / 2.7).clamp(0.0, 1.0) * 64.0).collect();
        let range = Range::from_response(&currents, &responses).expect("it responds");
        assert!((0.24..0.37).contains(&range.threshold) && (2.7..4.0).contains(&range.saturation), "{range:?}");
        assert_eq!(Range::from_response(&currents, &vec![2.0; currents.len()]), None);
        let mut broken = responses;
        broken[5] = f64::NAN;
        assert_eq!(Range::from_response(&currents, &broken), None);
        // One that breaks beyond its saturation is as good as any.
        let last = currents.len() - 1;
        broken[5] = 0.0;
        broken[last] = f64::INFINITY;
        assert_eq!(Range::from_response(&currents, &broken), Some(range));
    }

    #[test]
    fn no_ramp_goes_below_what_a_neuron_bears() {
        let below = Range::probe_floor();
        let responses = |least: f64| below.iter().map(|c| if *c < least { f64::NAN } else { 0.0 }).collect::<Vec<_>>();
        assert_eq!(LIF.down_to(&responses(f64::NEG_INFINITY)), LIF);
        assert_eq!(LIF.down_to(&responses(1.0)), LIF);
        let bounded = LIF.down_to(&responses(-3.0));
        assert!((-3.0..-2.3).contains(&bounded.floor), "{bounded:?}");
        let lowest = |range: Range| {
            let u = Units::draw(&dense(range), 500, &mut stream(0));
            let low = |j: usize| u.values[1][j] - u.values[0][j].abs() - u.values[0][500 + j].abs();
            (0..500).map(low).fold(f64::INFINITY, f64::min)
        };
        assert!(lowest(LIF) < -100.0);
        assert!(lowest(bounded) > bounded.floor - 1e-3, "{}", lowest(bounded));
    }
}
