//! Codes, features and convolutions: layers whose parameters are laid out in a way of their own.
//!
//! ```text
//! rate(x)     ->     step: %7 = row "h.rate.thresholds"   %8 = sub %chance, %7   %9 = spike strict %8
//! ```

use super::emit::{Term, Val};
use super::network::{Lowering, Part};
use crate::check::model::{Frequencies, NodeId};
use crate::func::{Binary, Surrogate, SurrogateKind, Unary};
use crate::ir::op::ParamId;
use crate::ir::problem::UnitRole;

impl Lowering<'_> {
    fn code(&self, id: NodeId) -> ParamId {
        self.declared(id, Part::Code).unwrap_or_else(|| unreachable!("every code declares what it is made of"))
    }

    /// The elements of a value, each as often as `n` says, one after the other.
    fn repeated(&mut self, x: Val, n: u32) -> Vec<Val> {
        (0..x.ty.width)
            .map(|k| {
                let one = if x.ty.width == 1 { x } else { self.e.slice(x, k, 1) };
                self.e.wide(Term::Val(one), n)
            })
            .collect()
    }

    fn joined(&mut self, parts: &[Val]) -> Val {
        if let [one] = parts { *one } else { self.e.concat(parts) }
    }

    /// (x + 1)/2: where in [-1, 1] it lies.
    fn part_of_range(&mut self, x: Val) -> Term {
        let half = self.e.mul(Term::Num(0.5), Term::Val(x));
        self.e.add(half, Term::Num(0.5))
    }

    pub(super) fn population(&mut self, id: NodeId, x: NodeId, fields: u32, width: f64, gain: f64) -> Term {
        let x = self.value(x, self.passes[x]);
        let centres = self.code(id);
        let centres = Term::Val(self.e.param(centres, fields));
        let away: Vec<Val> = self
            .repeated(x, fields)
            .into_iter()
            .map(|x| {
                let away = self.e.sub(Term::Val(x), centres);
                self.e.wide(away, fields)
            })
            .collect();
        let away = Term::Val(self.joined(&away));
        let away = self.e.mul(Term::Num(1.0 / width), away);
        let square = self.e.mul(away, away);
        let exponent = self.e.mul(Term::Num(-0.5), square);
        let field = self.e.unary(Unary::Exp, exponent);
        self.e.mul(Term::Num(gain), field)
    }

    pub(super) fn triangular(&mut self, id: NodeId, x: NodeId, units: u32, pass: u32) -> Term {
        let x = self.value(x, self.passes[x]);
        let level = self.part_of_range(x);
        let level = self.e.wide(level, x.ty.width);
        let centres = self.code(id);
        let centres = Term::Val(self.e.param(centres, units));
        let parts: Vec<Val> = self
            .repeated(level, units)
            .into_iter()
            .map(|level| {
                let above = self.e.sub(Term::Val(level), centres);
                self.e.wide(above, units)
            })
            .collect();
        let above = Term::Val(self.joined(&parts));
        self.enter(pass);
        let times = self.times("time", id, |s, n| (s + 0.5) / n);
        let above = self.e.sub(above, times);
        let above = self.e.wide(above, units * x.ty.width);
        Term::Val(self.e.spike(above, false, triangle(0.5)))
    }

    /// A table of a number a step, of the step and how many there are.
    fn times(&mut self, name: &str, id: NodeId, f: impl Fn(f64, f64) -> f64) -> Term {
        let n = self.net.clock(id).steps;
        let values = (0..n).map(|s| f(f64::from(s), f64::from(n))).collect();
        Term::Val(self.e.table(format!("{}.{name}", self.net.nodes[id].path), values))
    }

    /// The spike is where the step has come within half a step of its time, and the one before had not.
    pub(super) fn latency(&mut self, id: NodeId, x: NodeId, pass: u32) -> Term {
        let x = self.value(x, self.passes[x]);
        let part = self.part_of_range(x);
        let part = self.e.binary(Binary::Max, part, Term::Num(0.0));
        let part = self.e.binary(Binary::Min, part, Term::Num(1.0));
        let late = self.e.sub(Term::Num(1.0), part);
        let time = self.e.mul(late, Term::Num(f64::from(self.net.clock(id).steps - 1)));
        self.enter(pass);
        let (now, before) = (self.times("now", id, |s, _| s + 0.5), self.times("before", id, |s, _| s - 0.5));
        let mut come = |step: Term| {
            let over = self.e.sub(step, time);
            let over = self.e.wide(over, x.ty.width);
            Term::Val(self.e.spike(over, false, triangle(1.0)))
        };
        let (now, before) = (come(now), come(before));
        self.e.sub(now, before)
    }

    /// The chance against a threshold of its own in every step, the same for all points. The surrogate is as wide as the
    /// thresholds are spread, so that the mean derivative is that of the chance.
    pub(super) fn rate(&mut self, id: NodeId, x: NodeId, pass: u32) -> Term {
        let x = self.value(x, self.passes[x]);
        let chance = self.part_of_range(x);
        self.enter(pass);
        let thresholds = self.code(id);
        let thresholds = Term::Val(self.e.row(thresholds));
        let over = self.e.sub(chance, thresholds);
        let over = self.e.wide(over, x.ty.width);
        Term::Val(self.e.spike(over, true, triangle(1.0)))
    }

    pub(super) fn fourier(&mut self, id: NodeId, x: NodeId, frequencies: Frequencies) -> Term {
        let x = self.value(x, self.passes[x]);
        let param = self.code(id);
        let waves = match frequencies {
            Frequencies::Random { count, .. } => self.e.dense(x, param, count),
            Frequencies::Fixed { count } => {
                let numbers = Term::Val(self.e.param(param, count));
                let parts: Vec<Val> = self
                    .repeated(x, count)
                    .into_iter()
                    .map(|x| {
                        let waves = self.e.mul(Term::Val(x), numbers);
                        self.e.wide(waves, count)
                    })
                    .collect();
                self.joined(&parts)
            }
        };
        let angle = self.e.mul(Term::Num(std::f64::consts::PI), Term::Val(waves));
        let parts = [Unary::Sin, Unary::Cos].map(|f| {
            let wave = self.e.unary(f, angle);
            self.e.wide(wave, waves.ty.width)
        });
        Term::Val(self.e.concat(&parts))
    }

    /// A product of its own for each position, all with the same weight; `sizes`: inputs, channels, window, stride.
    pub(super) fn conv1d(&mut self, id: NodeId, x: NodeId, sizes: [u32; 4], pass: u32) -> Term {
        let [inputs, channels, window, stride] = sizes;
        let x = self.value(x, pass);
        let positions = x.ty.width / inputs;
        let Some(weight) = self.declared(id, Part::Unit(UnitRole::Weight)) else {
            unreachable!("every convolution declares its weight")
        };
        // Zeros beyond the ends, so that every window is whole.
        let (before, after) = ((window - 1) / 2, window / 2);
        let mut parts = vec![];
        if before > 0 {
            parts.push(self.e.wide(Term::Num(0.0), before * inputs));
        }
        parts.push(x);
        if after > 0 {
            parts.push(self.e.wide(Term::Num(0.0), after * inputs));
        }
        let padded = self.joined(&parts);
        let products: Vec<Val> = (0..positions.div_ceil(stride))
            .map(|p| {
                let part = self.e.slice(padded, p * stride * inputs, window * inputs);
                self.e.dense(part, weight, channels)
            })
            .collect();
        let count = products.len();
        let product = Term::Val(self.joined(&products));
        match self.row(id, Part::Unit(UnitRole::Bias)) {
            None => product,
            Some(bias) => {
                let bias = self.e.wide(bias, channels);
                let bias = self.joined(&vec![bias; count]);
                self.e.add(product, Term::Val(bias))
            }
        }
    }
}

fn triangle(scale: f64) -> Surrogate {
    Surrogate { kind: SurrogateKind::Triangle, scale }
}
