//! Neuron models as NIR's: by their equations, whatever they are called.
//!
//! ```text
//! flow v' = (i - v)/tau   spike when v > theta   reset v = 0     ->     LIF { tau, r = 1, v_leak = 0, v_threshold = theta, … }
//! ```
//!
//! NIR's threshold is exceeded, `v > v_threshold`. Where a model spikes at `v >= theta`, the number in single precision below
//! theta is written, which is the same condition in that precision.

use super::graph::{Node, Value};
use crate::check::calculus::evaluate;
use crate::check::expr::{Expr, Var};
use crate::check::linear::linear_in;
use crate::check::model::{NeuronModel, StateStep};

/// A population that is to be written.
pub struct Population<'a> {
    pub model: &'a NeuronModel,
    /// Of each parameter: one number, or one a unit.
    pub params: Vec<Vec<f64>>,
    pub units: usize,
    /// Of the network, in the time unit that the model counts in.
    pub dt: f64,
    /// Seconds in that unit.
    pub seconds: f64,
}

/// Why a model is not one of NIR's.
#[derive(Debug, PartialEq)]
pub enum Unsaid {
    /// It is, but for its reset, which takes an amount off.
    Subtraction,
    Other(String),
}

fn other<T>(why: impl Into<String>) -> Result<T, Unsaid> {
    Err(Unsaid::Other(why.into()))
}

/// How a state moves: v' = decay v + gain input + from other + rest, or the same for `update v :=`.
struct Motion {
    decay: Expr,
    gain: Expr,
    from: Expr,
    rest: Expr,
    update: bool,
}

fn motion(model: &NeuronModel, state: usize, feeding: Option<usize>) -> Result<Motion, Unsaid> {
    let name = &model.states[state].name;
    let not_linear = || Unsaid::Other(format!("`{name}` does not move linearly in itself and its input"));
    let v = Var::State(state);
    let (decay, drive, update) = match &model.states[state].step {
        StateStep::Hold => return other(format!("`{name}` has neither `flow` nor `update`")),
        StateStep::Linear { decay, drive } => (decay.clone(), drive.clone(), false),
        StateStep::Euler { rate } | StateStep::Rk4 { rate } => {
            let (decay, drive) = linear_in(rate, &v).ok_or_else(not_linear)?;
            (decay, drive, false)
        }
        StateStep::Update(value) => {
            let (decay, drive) = linear_in(value, &v).ok_or_else(not_linear)?;
            (decay, drive, true)
        }
    };
    let (gain, drive) = linear_in(&drive, &Var::Input).ok_or_else(not_linear)?;
    let (from, rest) = match feeding {
        Some(k) => linear_in(&drive, &Var::State(k)).ok_or_else(not_linear)?,
        None => (Expr::Num(0.0), drive),
    };
    if [&decay, &gain, &from, &rest].iter().any(|e| !constant(e)) {
        return Err(not_linear());
    }
    Ok(Motion { decay, gain, from, rest, update })
}

/// Made of parameters alone.
fn constant(e: &Expr) -> bool {
    !e.any_var(|v| !matches!(v, Var::Param(_) | Var::Dt))
}

impl Population<'_> {
    /// An expression of parameters, for each unit.
    fn each(&self, e: &Expr) -> Vec<f64> {
        let at = |unit: usize| {
            evaluate(e, &|v| match v {
                Var::Param(p) => self.params[*p][if self.params[*p].len() == 1 { 0 } else { unit }],
                Var::Dt => self.dt,
                _ => f64::NAN,
            })
        };
        (0..self.units).map(at).collect()
    }

    fn zero(&self, e: &Expr) -> bool {
        self.each(e).iter().all(|x| *x == 0.0)
    }

    /// The node; `subtract`: a reset by subtraction is written as one to a value, and stands in its metadata.
    pub fn node(&self, subtract: bool) -> Result<Node, Unsaid> {
        let model = self.model;
        if model.refractory.is_some() {
            return other("it rests after a spike (`refractory`)");
        }
        if model.emit.is_some() {
            return other("what it emits is an expression of its own (`emit`)");
        }
        if model.substeps > 1 {
            return other("it is stepped several times within a step (`substeps`)");
        }
        if let Some(s) = model.states.iter().find(|s| !self.zero(&s.init)) {
            return other(format!("`{}` does not start from 0, and NIR says nothing of how a state starts", s.name));
        }
        let spiking = match &model.spike {
            Some(spike) => {
                let over = Expr::binary(crate::func::Binary::Sub, spike.lhs.clone(), spike.rhs.clone());
                let of = |k: usize| over.any_var(|v| *v == Var::State(k));
                (0..model.states.len()).find(|k| of(*k)).map(|k| (k, over))
            }
            None => Some((0, Expr::Num(0.0))),
        };
        let Some((v, over)) = spiking else { return other("its spikes depend on no state") };
        let feeding = match model.states.len() {
            1 => None,
            2 => Some(1 - v),
            n => return other(format!("it has {n} states")),
        };
        let main = motion(model, v, feeding)?;
        let mut values = self.leak(&main, v, feeding)?;
        let (mut kind, graded) = match (feeding, values.len()) {
            (Some(_), _) => ("CubaLIF", "CubaLI"),
            (None, 3) => ("LIF", "LI"),
            (None, 0) => ("Threshold", ""),
            (None, _) => ("IF", "I"),
        };
        let mut subtracts = false;
        if model.spike.is_some() {
            let threshold = self.threshold(v, &over)?;
            if kind == "Threshold" {
                let (gain, rest) = (self.scaled(&main.gain), self.each(&main.rest));
                if gain.iter().any(|g| *g <= 0.0) {
                    return other("more input does not bring it nearer to a spike");
                }
                let at = threshold.iter().zip(gain).zip(rest).map(|((t, g), r)| (t - r) / g).collect();
                values = vec![("threshold", self.strictly(at))];
            } else {
                let (reset, taken) = self.reset(v, &threshold, subtract)?;
                subtracts = taken;
                values.extend([("v_threshold", self.strictly(threshold)), ("v_reset", Value::vector(reset))]);
            }
        } else {
            if graded.is_empty() {
                return other("it holds nothing from step to step");
            }
            if !model.resets.is_empty() {
                return other("it resets without a spike");
            }
            kind = graded;
        }
        let mut node = Node::new(kind, values);
        let method = match &model.states[v].step {
            StateStep::Euler { .. } => Some("euler"),
            StateStep::Rk4 { .. } => Some("rk4"),
            _ => None,
        };
        if let Some(method) = method {
            node = node.note("integrate", Value::text(method));
        }
        Ok(if subtracts { node.note("reset", Value::text("subtract")) } else { node })
    }

    /// What a network's numbers are worth to the model, times this.
    fn scaled(&self, gain: &Expr) -> Vec<f64> {
        let unit = self.model.input.hold(1.0);
        self.each(gain).into_iter().map(|g| g * unit).collect()
    }

    /// The parameters of the subthreshold motion: none of a state that forgets at once, `r` alone without a leak.
    fn leak(&self, m: &Motion, v: usize, feeding: Option<usize>) -> Result<Vec<(&'static str, Value)>, Unsaid> {
        let name = &self.model.states[v].name;
        let decay = self.each(&m.decay);
        let (gain, rest) = match feeding {
            Some(_) => (self.each(&m.from), self.each(&m.rest)),
            None => (self.scaled(&m.gain), self.each(&m.rest)),
        };
        let all = |x: f64| decay.iter().all(|d| *d == x);
        if feeding.is_none() && m.update && all(0.0) {
            return Ok(vec![]);
        }
        if feeding.is_none() && all(if m.update { 1.0 } else { 0.0 }) {
            if rest.iter().any(|r| *r != 0.0) {
                return other(format!("`{name}` drifts without input"));
            }
            let a_second = if m.update { self.dt * self.seconds } else { self.seconds };
            return Ok(vec![("r", Value::vector(gain.iter().map(|g| g / a_second).collect()))]);
        }
        // (time constant, gain over the leak's rate, value that it leaks to)
        let of = |((d, g), r): ((&f64, &f64), &f64)| match m.update {
            true => (-self.dt / libm::log(*d), g / (1.0 - d), r / (1.0 - d)),
            false => (-1.0 / d, -g / d, -r / d),
        };
        let found: Vec<(f64, f64, f64)> = decay.iter().zip(&gain).zip(&rest).map(of).collect();
        if found.iter().any(|(tau, r, leak)| !(*tau > 0.0 && tau.is_finite() && r.is_finite() && leak.is_finite())) {
            return other(format!("`{name}` does not decay"));
        }
        let tau = |(tau, _, _): &(f64, f64, f64)| tau * self.seconds;
        let mut values = vec![
            ("tau", Value::vector(found.iter().map(tau).collect())),
            ("r", Value::vector(found.iter().map(|f| f.1).collect())),
            ("v_leak", Value::vector(found.iter().map(|f| f.2).collect())),
        ];
        if let Some(k) = feeding {
            values[0].0 = "tau_mem";
            let current = motion(self.model, k, Some(v))?;
            let (name, steady) = (&self.model.states[k].name, self.zero(&current.rest) && self.zero(&current.from));
            let decay = self.each(&current.decay);
            if !self.zero(&m.gain) || !steady || current.update != m.update || decay.iter().any(|d| *d >= 0.0) {
                return other(format!("`{name}` is no current that the input feeds and that decays by itself"));
            }
            if m.update {
                return other("it moves by `update`, not by `flow`");
            }
            let gain = self.scaled(&current.gain);
            values.insert(0, ("tau_syn", Value::vector(decay.iter().map(|d| -self.seconds / d).collect())));
            values.push(("w_in", Value::vector(gain.iter().zip(&decay).map(|(g, d)| -g / d).collect())));
        }
        Ok(values)
    }

    fn threshold(&self, v: usize, over: &Expr) -> Result<Vec<f64>, Unsaid> {
        let name = &self.model.states[v].name;
        let no = || Unsaid::Other(format!("its spike condition is not `{name}` above a constant"));
        let (slope, at) = linear_in(over, &Var::State(v)).ok_or_else(no)?;
        if !constant(&slope) || !constant(&at) {
            return Err(no());
        }
        let (slope, at) = (self.each(&slope), self.each(&at));
        if slope.iter().any(|s| *s <= 0.0) {
            return Err(no());
        }
        Ok(slope.iter().zip(at).map(|(s, a)| -a / s).collect())
    }

    /// In single precision, what has to be exceeded.
    fn strictly(&self, threshold: Vec<f64>) -> Value {
        let strict = self.model.spike.as_ref().is_some_and(|s| s.strict);
        let below = |t: f64| if strict { t } else { f64::from((t as f32).next_down()) };
        Value::vector(threshold.into_iter().map(below).collect())
    }

    /// What a spike sets the potential to; whether it rather takes the threshold off.
    fn reset(&self, v: usize, threshold: &[f64], subtract: bool) -> Result<(Vec<f64>, bool), Unsaid> {
        let name = &self.model.states[v].name;
        let [(state, value)] = &self.model.resets[..] else {
            return other(match self.model.resets.len() {
                0 => "a spike does not reset it",
                _ => "a spike resets more than its potential",
            });
        };
        let no = || Unsaid::Other(format!("its reset is not `{name} = ` a constant"));
        let (kept, to) = linear_in(value, &Var::State(v)).ok_or_else(no)?;
        if *state != v || !constant(&kept) || !constant(&to) {
            return Err(no());
        }
        let (kept, to) = (self.each(&kept), self.each(&to));
        if kept.iter().all(|k| *k == 0.0) {
            return Ok((to, false));
        }
        let takes = kept.iter().all(|k| *k == 1.0) && to.iter().zip(threshold).all(|(t, at)| -t == *at);
        match takes {
            true if subtract => Ok((vec![0.0; self.units], true)),
            true => Err(Unsaid::Subtraction),
            false => Err(no()),
        }
    }
}
