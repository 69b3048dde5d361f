//! One simulation step of a population: integration over dt, spike test, reset, refractory bookkeeping.
//!
//! All states step from the same old values; the spike test sees the new ones; resets are carried out in order and later
//! ones see earlier ones. With numbers for parameters, `lif(tau = 20)` becomes
//!
//! ```text
//! v  = 0.951229424500714 * v + 0.0487705754992860 * i
//! s  = spike(v - 1)
//! v  = v - s
//! ```
//!
//! What a model does not use leaves no trace: no substeps, no refractory time and no `emit` are no instructions.

mod integrate;

use super::emit::{Emit, Term, Val, width_of};
use crate::check::calculus::evaluate;
use crate::check::expr::{Expr, Var};
use crate::check::model::{NeuronModel, Refractory, Slope};
use crate::func::{Binary, Compare, Surrogate, SurrogateKind, Unary};
use crate::ir::op::StateId;

/// What stands for the distance to the threshold of a neuron that rests: far below, where every surrogate is 0.
const RESTING: f64 = -1e9;

/// What a population emits in a step, and its spikes if it has any.
pub struct Emitted {
    pub out: Term,
    pub spikes: Option<Term>,
    /// The states after the step, in the model's order.
    pub states: Vec<Term>,
    /// What holds them from step to step.
    pub ids: Vec<StateId>,
}

/// What the variables of a neuron's expressions mean.
#[derive(Clone, Copy)]
struct Meaning<'t> {
    params: &'t [Term],
    states: &'t [Term],
    input: Term,
    dt: f64,
    spike: Term,
    over: Term,
}

impl Meaning<'_> {
    fn of(&self, v: &Var) -> Term {
        match v {
            Var::Param(i) => self.params[*i],
            Var::State(i) => self.states[*i],
            Var::Input => self.input,
            Var::Dt => Term::Num(self.dt),
            Var::Spike => self.spike,
            Var::Over => self.over,
            Var::Coord(_)
            | Var::Field { .. }
            | Var::Placed { .. }
            | Var::Unknown(_)
            | Var::Coefficient(_)
            | Var::Column(_)
            | Var::Given(_) => {
                unreachable!("the checker keeps coordinates and fields out of neurons")
            }
        }
    }

    fn expr(&self, e: &mut Emit, of: &Expr) -> Term {
        e.expr(of, &|v| self.of(v))
    }
}

/// Emits a population of `width` neurons driven by `input`; `params` are the model's parameters in order. All are in the
/// units that quantities are held in. `samples`: those of this step for a surrogate that is sampled; where there are none, no
/// derivative is taken either.
pub fn step(
    e: &mut Emit,
    model: &NeuronModel,
    params: &[Term],
    input: Term,
    dt: f64,
    width: u32,
    samples: Option<Val>,
) -> Emitted {
    let none = Term::Num(0.0);
    let meaning = Meaning { params, states: &[], input, dt, spike: none, over: none };
    let mut ids: Vec<StateId> = vec![];
    let mut old: Vec<Term> = vec![];
    for s in &model.states {
        let init = meaning.expr(e, &s.init);
        let (id, value) = e.state(init, width);
        ids.push(id);
        old.push(Term::Val(value));
    }
    let rest = model.refractory.as_ref().and_then(|r| Rest::start(e, r, params, dt, width));

    let mut new = integrate::states(e, model, Meaning { states: &old, ..meaning });
    if let (Some(rest), Some(r)) = (&rest, &model.refractory) {
        for k in &r.held {
            new[*k] = e.select(rest.awake, new[*k], old[*k]);
        }
    }

    let mut out = new.first().copied().unwrap_or(none);
    let mut spikes = None;
    if let Some(spike) = &model.spike {
        let here = Meaning { states: &new, ..meaning };
        let (lhs, rhs) = (here.expr(e, &spike.lhs), here.expr(e, &spike.rhs));
        let over = e.sub(lhs, rhs);
        let over = match &rest {
            Some(rest) => e.select(rest.awake, over, Term::Num(RESTING)),
            None => over,
        };
        let over = e.wide(over, width);
        let s = match &spike.surrogate {
            Slope::Named(surrogate) => e.spike(over, spike.strict, *surrogate),
            Slope::Sampled { sigma, .. } => match samples {
                Some(samples) => {
                    let slope = stein(e, *sigma, over, samples);
                    let slope = e.wide(slope, width);
                    e.spike_along(over, spike.strict, slope)
                }
                None => e.spike(over, spike.strict, Surrogate { kind: SurrogateKind::Gaussian, scale: *sigma }),
            },
            Slope::Own(slope) => {
                let slope = Meaning { over: Term::Val(over), ..here }.expr(e, slope);
                // Nothing comes of a resting neuron, whatever the slope is far below the threshold.
                let slope = rest.as_ref().map_or(slope, |rest| e.select(rest.awake, slope, none));
                let slope = e.wide(slope, width);
                e.spike_along(over, spike.strict, slope)
            }
        };
        let s = Term::Val(s);
        (out, spikes) = (s, Some(s));
        if let Some(emit) = &model.emit {
            out = Meaning { spike: s, ..here }.expr(e, emit);
        }
        let compare = if spike.strict { Compare::Gt } else { Compare::Ge };
        for (k, value) in &model.resets {
            new[*k] = reset(e, *k, value, (Term::Val(over), s, compare), Meaning { states: &new, ..meaning });
        }
        if let Some(rest) = rest {
            rest.end(e, (Term::Val(over), compare));
        }
    } else if let Some(emit) = &model.emit {
        out = Meaning { states: &new, ..meaning }.expr(e, emit);
    }
    for (id, next) in ids.iter().zip(&new) {
        e.set_next(*id, *next);
    }
    Emitted { out, spikes, states: new, ids }
}

/// E[H(z + sigma e) e] / sigma by samples m = sigma |e| of the noise, each with both signs: the mean of m / (2 sigma^2) where
/// |z| < m. Its expectation is the normal density of standard deviation sigma, and far from the threshold it is exactly 0.
fn stein(e: &mut Emit, sigma: f64, over: Val, samples: Val) -> Term {
    let distance = e.unary(Unary::Abs, Term::Val(over));
    let count = samples.ty.width;
    let mut sum = Term::Num(0.0);
    for k in 0..count {
        let m = Term::Val(if count == 1 { samples } else { e.slice(samples, k, 1) });
        let inside = e.compare(Compare::Lt, distance, m);
        let part = e.select(inside, m, Term::Num(0.0));
        sum = if k == 0 { part } else { e.add(sum, part) };
    }
    e.mul(Term::Num(0.5 / (sigma * sigma * f64::from(count))), sum)
}

/// The count of steps for which a neuron still rests.
struct Rest {
    id: StateId,
    /// After this step.
    left: Term,
    awake: Term,
    steps: f64,
}

impl Rest {
    /// `None` if no step is spent at rest: a neuron that spikes in step k may do so again in step k + n.
    fn start(e: &mut Emit, r: &Refractory, params: &[Term], dt: f64, width: u32) -> Option<Rest> {
        let time = evaluate(&r.time, &|v| match v {
            Var::Param(i) => match params[*i] {
                Term::Num(x) => x,
                Term::Val(_) => unreachable!("the checker lets no refractory time be trained"),
            },
            Var::Dt => dt,
            _ => unreachable!("the checker allows only parameters in a refractory time"),
        });
        // A time that is a whole number of steps up to rounding is that number.
        let steps = (time / dt - 1e-3).ceil();
        if steps <= 1.0 {
            return None;
        }
        let (id, old) = e.state(Term::Num(0.0), width);
        let less = e.sub(Term::Val(old), Term::Num(1.0));
        let left = e.binary(Binary::Max, less, Term::Num(0.0));
        let awake = e.compare(Compare::Le, left, Term::Num(0.0));
        Some(Rest { id, left, awake, steps })
    }

    fn end(self, e: &mut Emit, (over, compare): (Term, Compare)) {
        let spiked = e.compare(compare, over, Term::Num(0.0));
        let next = e.select(spiked, Term::Num(self.steps), self.left);
        e.set_next(self.id, next);
    }
}

/// A state's value after the reset. `v -= E` becomes `v - s E` with the spike s, so that the surrogate's tangent flows
/// through the reset as the paper has it; it equals the selection wherever E is finite. Any other reset selects, and its
/// tangent is that of the branch taken: an assignment forgets how the spike came about.
fn reset(
    e: &mut Emit,
    state: usize,
    value: &Expr,
    (over, spike, compare): (Term, Term, Compare),
    now: Meaning<'_>,
) -> Term {
    let this = Expr::Var(Var::State(state));
    if let Expr::Binary(op @ (Binary::Sub | Binary::Add), a, b) = value {
        let amount = match op {
            _ if **a == this => Some(b),
            Binary::Add if **b == this => Some(a),
            _ => None,
        };
        if let Some(amount) = amount.filter(|b| !mentions(b, state)) {
            let amount = now.expr(e, amount);
            let jump = e.mul(spike, amount);
            return e.binary(*op, now.states[state], jump);
        }
    }
    let value = now.expr(e, value);
    let mask = e.compare(compare, over, Term::Num(0.0));
    debug_assert!(width_of(mask) >= width_of(value));
    e.select(mask, value, now.states[state])
}

fn mentions(e: &Expr, state: usize) -> bool {
    e.any_var(|v| *v == Var::State(state))
}
