//! States over a time step, between spikes.
//!
//! ```text
//! v' = -v/tau   exact:  v = exp(-dt/tau) v        euler:  v = v - dt/tau v        rk4:  v = v + dt/6 (k1 + 2 k2 + 2 k3 + k4)
//! ```
//!
//! All states move from the same old values, in each substep.

use super::Meaning;
use crate::check::model::{NeuronModel, StateStep};
use crate::func::{Binary, Compare, Unary};
use crate::lower::emit::{Emit, Term};

/// The states after a step from those of `old`. Maps happen once, in the first substep; flows see what comes of them only
/// from the next step on, as all states move from old values.
pub(super) fn states(e: &mut Emit, model: &NeuronModel, old: Meaning<'_>) -> Vec<Term> {
    let dt = old.dt / f64::from(model.substeps);
    let mapped: Vec<Option<Term>> = model
        .states
        .iter()
        .map(|s| match &s.step {
            StateStep::Update(value) => Some(old.expr(e, value)),
            _ => None,
        })
        .collect();
    let mut now: Vec<Term> = old.states.to_vec();
    for _ in 0..model.substeps {
        now = substep(e, model, Meaning { states: &now, dt, ..old });
    }
    mapped.into_iter().zip(now).map(|(mapped, flowed)| mapped.unwrap_or(flowed)).collect()
}

fn substep(e: &mut Emit, model: &NeuronModel, old: Meaning<'_>) -> Vec<Term> {
    let rk4 = rk4(e, model, old);
    let mut new = vec![];
    for (k, s) in model.states.iter().enumerate() {
        new.push(match &s.step {
            StateStep::Hold | StateStep::Update(_) => old.states[k],
            StateStep::Euler { rate } => {
                let rate = old.expr(e, rate);
                advance(e, old.states[k], rate, old.dt)
            }
            StateStep::Rk4 { .. } => rk4[k],
            StateStep::Linear { decay, drive } => {
                let (decay, drive) = (old.expr(e, decay), old.expr(e, drive));
                linear(e, decay, drive, old.states[k], old.dt)
            }
        });
    }
    new
}

/// v + dt rate
fn advance(e: &mut Emit, v: Term, rate: Term, dt: f64) -> Term {
    let change = e.mul(rate, Term::Num(dt));
    e.add(v, change)
}

/// One step of the classical method for the states that take it; the others are as they were.
fn rk4(e: &mut Emit, model: &NeuronModel, old: Meaning<'_>) -> Vec<Term> {
    let start = old.states.to_vec();
    if !model.states.iter().any(|s| matches!(s.step, StateStep::Rk4 { .. })) {
        return start;
    }
    let rates = |e: &mut Emit, at: &[Term]| -> Vec<Option<Term>> {
        let here = Meaning { states: at, ..old };
        let rate = |s: &crate::check::model::NeuronState| match &s.step {
            StateStep::Rk4 { rate } => Some(rate.clone()),
            _ => None,
        };
        model.states.iter().map(|s| rate(s).map(|r| here.expr(e, &r))).collect()
    };
    let along = |e: &mut Emit, k: &[Option<Term>], by: f64| -> Vec<Term> {
        let moved = start.iter().zip(k).map(|(v, k)| k.map_or(*v, |k| advance(e, *v, k, by)));
        moved.collect()
    };
    let k1 = rates(e, &start);
    let at = along(e, &k1, old.dt / 2.0);
    let k2 = rates(e, &at);
    let at = along(e, &k2, old.dt / 2.0);
    let k3 = rates(e, &at);
    let at = along(e, &k3, old.dt);
    let k4 = rates(e, &at);
    let sum = |e: &mut Emit, i: usize| -> Option<Term> {
        let middle = e.add(k2[i]?, k3[i]?);
        let middle = e.mul(Term::Num(2.0), middle);
        let ends = e.add(k1[i]?, k4[i]?);
        Some(e.add(ends, middle))
    };
    let mut new = vec![];
    for (i, v) in start.iter().enumerate() {
        let sum = sum(e, i);
        new.push(sum.map_or(*v, |s| advance(e, *v, s, old.dt / 6.0)));
    }
    new
}

/// v' = decay v + drive over dt with both held: e^z v + dt phi(z) drive, z = decay dt, phi(z) = (e^z - 1)/z, phi(0) = 1.
///
/// A known decay is worked out in double precision. One that is not (a trainable time constant, `exponential`) goes through
/// [`phi`], which keeps single precision accurate near 0.
fn linear(e: &mut Emit, decay: Term, drive: Term, old: Term, dt: f64) -> Term {
    let z = e.mul(decay, Term::Num(dt));
    let (keep, gain) = match z {
        Term::Num(z) => (Term::Num(libm::exp(z)), Term::Num(if z == 0.0 { dt } else { dt * (libm::expm1(z) / z) })),
        Term::Val(_) => {
            let keep = e.unary(Unary::Exp, z);
            let phi = phi(e, z, keep);
            (keep, e.mul(phi, Term::Num(dt)))
        }
    };
    // The driven part first: with a constant current it does not change from step to step.
    let driven = e.mul(gain, drive);
    let kept = e.mul(keep, old);
    e.add(kept, driven)
}

/// (e^z - 1)/z, given e^z. Near 0 the difference cancels (at z = 1e-4 three digits of single precision are left), so there
/// its series stands: 1 + z/2 (1 + z/3 (1 + z/4)), off by z^4/120, less than 1e-6 where it is used.
fn phi(e: &mut Emit, z: Term, keep: Term) -> Term {
    let size = e.unary(Unary::Abs, z);
    let small = e.compare(Compare::Lt, size, Term::Num(0.1));
    let mut series = Term::Num(1.0);
    for n in [4.0, 3.0, 2.0] {
        let part = e.mul(z, Term::Num(1.0 / n));
        let part = e.mul(part, series);
        series = e.add(Term::Num(1.0), part);
    }
    let change = e.sub(keep, Term::Num(1.0));
    // Both branches are computed; the one not taken must stay finite, or its tangent would be NaN.
    let divisor = e.select(small, Term::Num(1.0), z);
    let quotient = e.binary(Binary::Div, change, divisor);
    e.select(small, series, quotient)
}
