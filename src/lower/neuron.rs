//! One simulation step of a population: integration over dt, spike test, reset.
//!
//! All states step from the same old values; the spike test sees the new ones; resets are carried out in order and later
//! ones see earlier ones. With numbers for parameters, `lif(tau = 20)` becomes
//!
//! ```text
//! v  = 0.951229424500714 * v + 0.0487705754992860 * i
//! s  = spike(v - 1)
//! v  = v - s
//! ```

use super::emit::{Emit, Term, width_of};
use crate::check::expr::{Expr, Var};
use crate::check::model::{NeuronModel, StateStep};
use crate::func::{Binary, Compare, Unary};
use crate::ir::op::StateId;

/// What a population emits in a step, and its spikes if it has any.
pub struct Emitted {
    pub out: Term,
    pub spikes: Option<Term>,
    /// The states after the step, in the model's order.
    pub states: Vec<Term>,
}

/// Emits a population of `width` neurons driven by `input`; `params` are the model's parameters in order.
pub fn step(e: &mut Emit, model: &NeuronModel, params: &[Term], input: Term, dt: f64, width: u32) -> Emitted {
    let fixed = |v: &Var| match v {
        Var::Param(i) => params[*i],
        Var::Dt => Term::Num(dt),
        _ => unreachable!("the checker allows only parameters at the start of a state"),
    };
    let mut states: Vec<StateId> = vec![];
    let mut old: Vec<Term> = vec![];
    for s in &model.states {
        let init = e.expr(&s.init, &fixed);
        let (id, value) = e.state(init, width);
        states.push(id);
        old.push(Term::Val(value));
    }

    let mut new: Vec<Term> = vec![];
    for (i, s) in model.states.iter().enumerate() {
        let var = |v: &Var| variable(v, params, &old, input, dt);
        let next = match &s.step {
            StateStep::Hold => old[i],
            StateStep::Update(value) => e.expr(value, &var),
            StateStep::Euler { rate } => {
                let rate = e.expr(rate, &var);
                let change = e.mul(rate, Term::Num(dt));
                e.add(old[i], change)
            }
            StateStep::Linear { decay, drive } => {
                let (decay, drive) = (e.expr(decay, &var), e.expr(drive, &var));
                linear(e, decay, drive, old[i], dt)
            }
        };
        new.push(next);
    }

    let spikes = model.spike.as_ref().map(|spike| {
        let var = |v: &Var| variable(v, params, &new, input, dt);
        let (lhs, rhs) = (e.expr(&spike.lhs, &var), e.expr(&spike.rhs, &var));
        let over = e.sub(lhs, rhs);
        let over = e.wide(over, width);
        (over, Term::Val(e.spike(over, spike.strict, spike.surrogate)), spike.strict)
    });
    if let Some((over, spike, strict)) = spikes {
        for (i, value) in &model.resets {
            new[*i] =
                reset(e, *i, value, Term::Val(over), spike, strict, |v, new| variable(v, params, new, input, dt), &new);
        }
    }
    for (id, next) in states.iter().zip(&new) {
        e.set_next(*id, *next);
    }
    let spikes = spikes.map(|(_, s, _)| s);
    let out = spikes.unwrap_or_else(|| new.first().copied().unwrap_or(Term::Num(0.0)));
    Emitted { out, spikes, states: new }
}

fn variable(v: &Var, params: &[Term], states: &[Term], input: Term, dt: f64) -> Term {
    match v {
        Var::Param(i) => params[*i],
        Var::State(i) => states[*i],
        Var::Input => input,
        Var::Dt => Term::Num(dt),
        Var::Coord(_) | Var::Field { .. } | Var::Column(_) => {
            unreachable!("the checker keeps coordinates and fields out of neurons")
        }
    }
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

/// A state's value after the reset. `v -= E` becomes `v - s E` with the spike s, so that the surrogate's tangent flows
/// through the reset as the paper has it; it equals the selection wherever E is finite. Any other reset selects, and its
/// tangent is that of the branch taken: an assignment forgets how the spike came about.
#[allow(clippy::too_many_arguments)]
fn reset(
    e: &mut Emit,
    state: usize,
    value: &Expr,
    over: Term,
    spike: Term,
    strict: bool,
    variable: impl Fn(&Var, &[Term]) -> Term,
    new: &[Term],
) -> Term {
    let var = |v: &Var| variable(v, new);
    let this = Expr::Var(Var::State(state));
    if let Expr::Binary(op @ (Binary::Sub | Binary::Add), a, b) = value {
        let amount = match op {
            _ if **a == this => Some(b),
            Binary::Add if **b == this => Some(a),
            _ => None,
        };
        if let Some(amount) = amount.filter(|b| !mentions(b, state)) {
            let amount = e.expr(amount, &var);
            let jump = e.mul(spike, amount);
            return e.binary(*op, new[state], jump);
        }
    }
    let value = e.expr(value, &var);
    let mask = e.compare(if strict { Compare::Gt } else { Compare::Ge }, over, Term::Num(0.0));
    debug_assert!(width_of(mask) >= width_of(value));
    e.select(mask, value, new[state])
}

fn mentions(e: &Expr, state: usize) -> bool {
    e.any_var(|v| *v == Var::State(state))
}
