//! What remembers: delays, recurrence, and decoders that weigh or watch every step.
//!
//! ```text
//! delay(h, 2)     ->     state 0 : 8 = 0 next h     state 1 : 8 = 0 next (state 0)     the value is state 1
//! ```

use super::emit::{Term, Val};
use super::network::{Lowering, Part};
use crate::check::model::NodeId;
use crate::ir::problem::UnitRole;

impl Lowering<'_> {
    /// A row of states that hand on the value, step by step.
    pub(super) fn delay(&mut self, x: NodeId, steps: u32, width: u32, pass: u32) -> Term {
        self.enter(pass);
        let mut value = None;
        for _ in 0..steps {
            let (state, old) = self.e.state(Term::Num(0.0), width);
            match value {
                // The node itself may need this one: it is tied up when all else is there.
                None => self.pending.push((state, x, pass)),
                Some(before) => self.e.set_next(state, before),
            }
            value = Some(Term::Val(old));
        }
        value.unwrap_or_else(|| unreachable!("a delay has steps"))
    }

    pub(super) fn recurrent(&mut self, id: NodeId, x: NodeId, feedback: NodeId, pass: u32) -> Term {
        let x = self.value(x, pass);
        let part =
            |l: &Self, part| l.declared(id, part).unwrap_or_else(|| unreachable!("a recurrent layer has weights"));
        let (weight, back) = (part(self, Part::Unit(UnitRole::Weight)), part(self, Part::Recurrent));
        let (width, heard) = (self.width(id), self.width(feedback));
        let product = Term::Val(self.e.dense(x, weight, width));
        let product = match self.row(id, Part::Unit(UnitRole::Bias)) {
            Some(bias) => self.e.add(product, bias),
            None => product,
        };
        self.enter(pass);
        let (state, old) = self.e.state(Term::Num(0.0), heard);
        self.pending.push((state, feedback, pass));
        let echo = Term::Val(self.e.dense(old, back, width));
        self.e.add(product, echo)
    }

    /// The share of the steps before the first spike: as long as a unit has not spiked, every step counts.
    pub(super) fn first_spike(&mut self, x: NodeId) -> Term {
        let width = self.width(x);
        let spikes = self.node(x);
        self.enter(self.passes[x]);
        let (waiting, old) = self.e.state(Term::Num(1.0), width);
        let silent = self.e.sub(Term::Num(1.0), spikes);
        let still = self.e.mul(Term::Val(old), silent);
        self.e.set_next(waiting, still);
        let (count, counted) = self.e.state(Term::Num(0.0), width);
        let next = self.e.add(Term::Val(counted), still);
        self.e.set_next(count, next);
        let steps = Term::Val(self.e.last(count));
        self.e.mul(Term::Num(1.0 / f64::from(self.net.clock(x).steps)), steps)
    }

    /// Moments of the signal with the shifted Legendre polynomials at the middles of the steps.
    pub(super) fn legendre(&mut self, id: NodeId, x: NodeId, moments: u32) -> Term {
        let n = self.net.clock(x).steps as usize;
        let width = self.width(x);
        let parts: Vec<Val> = (0..moments)
            .map(|k| {
                let at = |s: usize| 2.0 * (s as f64 + 0.5) / n as f64 - 1.0;
                let weights = (0..n).map(|s| polynomial(k, at(s)) / n as f64).collect();
                let moment = self.decode(&format!("moment{k}"), id, x, weights);
                self.e.wide(moment, width)
            })
            .collect();
        if let [one] = parts[..] { Term::Val(one) } else { Term::Val(self.e.concat(&parts)) }
    }
}

/// The Legendre polynomial of degree `k`, by Bonnet's recursion.
fn polynomial(k: u32, z: f64) -> f64 {
    let (mut before, mut p) = (0.0, 1.0);
    for j in 0..k {
        let j = f64::from(j);
        (before, p) = (p, ((2.0 * j + 1.0) * z * p - j * before) / (j + 1.0));
    }
    p
}
