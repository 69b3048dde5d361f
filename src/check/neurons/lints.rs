//! Neurons that cannot do what they are for: that never spike, spike in every step, or whose step is too long.
//!
//! ```text
//! x |> current |> lif(theta = 3)      ->   SNN0524: x is in -1 .. 1, and the potential tends to it
//! flow v' = -v/tau  integrate euler  with dt = 3 tau      ->   SNN0526
//! ```
//!
//! All are warnings, and only where it can be known: the range of an input is known if no weight is on its way, and what an
//! input does is found out by simulating the model with constant inputs from its range.

use crate::check::calculus::{evaluate, evaluate_at};
use crate::check::expr::{Expr, Var};
use crate::check::linear::linear_in;
use crate::check::model::{Clock, Coord, Network, NeuronModel, NodeId, NodeOp, StateStep};
use crate::check::weak::spread;
use crate::diag::{Sink, neurons as say};
use crate::func::{Binary, Unary};
use crate::units::{Dimension, show};

/// Constant inputs tried, both ends of the range among them.
const TRIED: usize = 33;

/// A network of more steps is not tried: it would take longer than a check may.
const MOST_STEPS: u32 = 20_000;

/// Up to which decay times step an integrator is stable: Euler's 1 - z, and the polynomial of the classical method.
const EULER_LIMIT: f64 = 2.0;
const RK4_LIMIT: f64 = 2.785;

/// Warns of the neurons of a network.
pub fn check(network: &Network, neurons: &[NeuronModel], coords: &[Coord], sink: &mut Sink) {
    let inputs = inputs(network, coords);
    for (id, node) in network.nodes.iter().enumerate() {
        let NodeOp::Neuron { x, model, args } = &node.op else { continue };
        let Clock { steps, dt } = network.clock(id);
        let cell = Cell { model: &neurons[*model], args, dt };
        cell.stability(network, id, sink);
        // A trained parameter leaves where it starts, so nothing can be said of it.
        let trained = cell.model.params.iter().any(|p| p.trainable.is_some());
        if cell.model.spike.is_none() || trained || steps > MOST_STEPS {
            continue;
        }
        let Some((lo, hi)) = inputs[*x].range.filter(|_| inputs[*x].constant) else { continue };
        let counts: Vec<u32> =
            (0..TRIED).map(|k| lo + (hi - lo) * k as f64 / (TRIED - 1) as f64).map(|i| cell.spikes(i, steps)).collect();
        let shown = ((lo * 1e4).round() / 1e4, (hi * 1e4).round() / 1e4);
        if counts.iter().all(|n| *n == 0) {
            sink.push(say::never_spikes(node.span, &cell.model.name, shown, steps));
        } else if steps > 1 && counts.iter().all(|n| *n == steps) {
            sink.push(say::always_spikes(node.span, &cell.model.name, shown));
        }
    }
}

/// A model with its arguments.
struct Cell<'m> {
    model: &'m NeuronModel,
    args: &'m [f64],
    dt: f64,
}

impl Cell<'_> {
    fn value(&self, v: &Var, states: &[f64], input: f64, dt: f64) -> f64 {
        match v {
            Var::Param(k) => self.args[*k],
            Var::State(k) => states[*k],
            Var::Input => input,
            Var::Dt => dt,
            _ => f64::NAN,
        }
    }

    fn stability(&self, network: &Network, id: NodeId, sink: &mut Sink) {
        let dt = self.dt / f64::from(self.model.substeps);
        for (k, state) in self.model.states.iter().enumerate() {
            let (rate, method, limit) = match &state.step {
                StateStep::Euler { rate } => (rate, "euler", EULER_LIMIT),
                StateStep::Rk4 { rate } => (rate, "rk4", RK4_LIMIT),
                _ => continue,
            };
            let Some((decay, _)) = linear_in(rate, &Var::State(k)) else { continue };
            if decay.any_var(|v| matches!(v, Var::State(_) | Var::Input)) {
                continue;
            }
            let product = evaluate(&decay, &|v| self.value(v, &[], 0.0, dt)) * dt;
            if -product > limit {
                let time = if self.model.timed { Dimension::TIME } else { Dimension::NONE };
                let step = show(dt, &time);
                sink.push(say::unstable_step(network.nodes[id].span, &state.name, method, -product, limit, &step));
            }
        }
    }

    /// Spikes in so many steps of a constant input.
    fn spikes(&self, input: f64, steps: u32) -> u32 {
        let model = self.model;
        let input = model.input.hold(input);
        let at = |e: &Expr, states: &[f64], dt: f64| evaluate(e, &|v| self.value(v, states, input, dt));
        let mut v: Vec<f64> = model.states.iter().map(|s| at(&s.init, &[], self.dt)).collect();
        let rest = model.refractory.as_ref().map_or(0.0, |r| (at(&r.time, &v, self.dt) / self.dt - 1e-3).ceil());
        let (mut left, mut count) = (0.0, 0);
        for _ in 0..steps {
            left = f64::max(left - 1.0, 0.0);
            let mut new = self.integrate(&v, input);
            if let Some(r) = model.refractory.as_ref().filter(|_| left > 0.0) {
                r.held.iter().for_each(|k| new[*k] = v[*k]);
            }
            if let Some(s) = &model.spike {
                let over = at(&s.lhs, &new, self.dt) - at(&s.rhs, &new, self.dt);
                if left <= 0.0 && (over > 0.0 || over == 0.0 && !s.strict) {
                    count += 1;
                    left = rest;
                    for (k, value) in &model.resets {
                        new[*k] = at(value, &new, self.dt);
                    }
                }
            }
            v = new;
        }
        count
    }

    fn integrate(&self, old: &[f64], input: f64) -> Vec<f64> {
        let dt = self.dt / f64::from(self.model.substeps);
        let mut now = old.to_vec();
        for _ in 0..self.model.substeps {
            now = self.substep(&now, input, dt);
        }
        for (k, s) in self.model.states.iter().enumerate() {
            if let StateStep::Update(e) = &s.step {
                now[k] = evaluate(e, &|v| self.value(v, old, input, self.dt));
            }
        }
        now
    }

    fn substep(&self, old: &[f64], input: f64, dt: f64) -> Vec<f64> {
        let at = |e: &Expr, states: &[f64]| evaluate(e, &|v| self.value(v, states, input, dt));
        let rates = |states: &[f64]| -> Vec<f64> {
            let rate = |s: &crate::check::model::NeuronState| match &s.step {
                StateStep::Rk4 { rate } => at(rate, states),
                _ => 0.0,
            };
            self.model.states.iter().map(rate).collect()
        };
        let along = |k: &[f64], by: f64| -> Vec<f64> { old.iter().zip(k).map(|(v, k)| v + by * k).collect() };
        let k1 = rates(old);
        let k2 = rates(&along(&k1, dt / 2.0));
        let k3 = rates(&along(&k2, dt / 2.0));
        let k4 = rates(&along(&k3, dt));
        let step = |(k, s): (usize, &crate::check::model::NeuronState)| match &s.step {
            StateStep::Hold | StateStep::Update(_) => old[k],
            StateStep::Euler { rate } => old[k] + dt * at(rate, old),
            StateStep::Rk4 { .. } => old[k] + dt / 6.0 * (k1[k] + 2.0 * k2[k] + 2.0 * k3[k] + k4[k]),
            StateStep::Linear { decay, drive } => {
                let (a, b) = (at(decay, old), at(drive, old));
                let z = a * dt;
                let gain = if z == 0.0 { dt } else { libm::expm1(z) / a };
                libm::exp(z) * old[k] + gain * b
            }
        };
        self.model.states.iter().enumerate().map(step).collect()
    }
}

/// What is known of a node's value.
struct Known {
    /// The same in every step: nothing on its way changes in time.
    constant: bool,
    /// The least and greatest value, if no weight has a say in them.
    range: Option<(f64, f64)>,
}

fn inputs(network: &Network, coords: &[Coord]) -> Vec<Known> {
    let mut all: Vec<Known> = vec![];
    for node in &network.nodes {
        let varies = match node.op {
            NodeOp::Neuron { .. } | NodeOp::Ema { .. } | NodeOp::Membrane { .. } => true,
            NodeOp::Triangular { .. } | NodeOp::Latency(_) | NodeOp::Rate(_) => true,
            // What goes back in time starts from 0.
            _ => node.op.earlier().is_some(),
        };
        let constant = !varies && node.op.inputs().into_iter().all(|x| all[x].constant);
        let range = range(&node.op, coords, &|x| all[x].range);
        all.push(Known { constant, range });
    }
    all
}

fn range(op: &NodeOp, coords: &[Coord], of: &dyn Fn(NodeId) -> Option<(f64, f64)>) -> Option<(f64, f64)> {
    match op {
        NodeOp::Coords { raw: false, .. } => Some((-1.0, 1.0)),
        NodeOp::Coords { coords: used, raw: true } => {
            let ends = used.iter().map(|c| (coords[*c].lo, coords[*c].hi));
            ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        }
        NodeOp::Scalar(e) => sampled(e, coords),
        NodeOp::Current(x) => of(*x),
        NodeOp::Unary(f, x) => {
            let inside = of(*x);
            match f {
                Unary::Sin | Unary::Cos => Some((-1.0, 1.0)),
                Unary::Tanh | Unary::Erf if inside.is_none() => Some((-1.0, 1.0)),
                Unary::Sigmoid | Unary::Heaviside if inside.is_none() => Some((0.0, 1.0)),
                Unary::Neg => inside.map(|(lo, hi)| (-hi, -lo)),
                Unary::Tanh | Unary::Erf | Unary::Sigmoid | Unary::Relu | Unary::Heaviside | Unary::Softplus => {
                    inside.map(|(lo, hi)| (f.eval(lo), f.eval(hi)))
                }
                _ => None,
            }
        }
        NodeOp::Binary(f, a, b) => {
            let (a, b) = (of(*a)?, of(*b)?);
            match f {
                Binary::Add => Some((a.0 + b.0, a.1 + b.1)),
                Binary::Sub => Some((a.0 - b.1, a.1 - b.0)),
                Binary::Mul => {
                    let all = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
                    Some(all.iter().fold((all[0], all[0]), |(lo, hi), x| (lo.min(*x), hi.max(*x))))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The range of an expression over the domain, from points of it; a little wider, as extremes may lie between them.
fn sampled(e: &Expr, coords: &[Coord]) -> Option<(f64, f64)> {
    let inside = spread(coords.len(), 64).into_iter();
    let corners = (0..1usize << coords.len().min(6))
        .map(|bits| (0..coords.len()).map(|k| if bits >> k & 1 == 1 { 1.0 } else { 0.0 }).collect::<Vec<f64>>());
    let points = inside
        .chain(corners)
        .map(|p| -> Vec<f64> { p.iter().zip(coords).map(|(s, c)| c.lo + s * (c.hi - c.lo)).collect() });
    let values = points.map(|p| evaluate_at(e, &p));
    let (lo, hi) = values.map(|v| (v, v)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    let margin = 0.05 * (hi - lo);
    (lo.is_finite() && hi.is_finite()).then_some((lo - margin, hi + margin))
}
