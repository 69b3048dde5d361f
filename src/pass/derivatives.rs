//! The derivative of every operation: one rule each, forward, used along coordinates and along directions alike.
//!
//! A rule is given the derivatives of the operands and writes that of the result. A derivative that is zero by structure is
//! absent, so that nothing is computed for what does not depend on the seed.
//!
//! ```text
//! %3 = tanh %2       with d%2 = %7       =>      %8 = mul %3, %3   %9 = sub 1, %8   %10 = mul %9, %7  = d%3
//! ```
//!
//! The derivative of a spike is its surrogate's: d S(z) = s(z) dz; Neftci, Mostafa and Zenke, IEEE Signal Processing
//! Magazine 36 (2019). Where a function has a kink (`abs`, `relu`, `min`, `max`, `select`) the rule takes the derivative of
//! the branch that the value itself took; `abs` has 0 at 0. Rules write ordinary instructions, so that a derivative can
//! itself be differentiated.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

use crate::func::{Binary, Compare, Surrogate, SurrogateKind, Unary};
use crate::ir::op::{Op, ParamId, Ty, Value};
use crate::ir::program::{Inst, Program};
use crate::pass::emitter::Emitter;

/// What is being differentiated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Seed {
    /// A coordinate: an element of input 0.
    Coordinate(u32),
    /// All directions in the trainable parameters at once; derivatives are tangents.
    Directions,
}

impl Seed {
    fn moves(self, program: &Program, p: ParamId) -> bool {
        self == Seed::Directions && program.params.get(p.0 as usize).is_some_and(|p| p.trainable)
    }
}

/// Whether the result of `op` may have a derivative, given which values have one. Only an absent derivative is certain.
///
/// States are up to the caller: whether one has a derivative follows from its first and its next value.
pub(super) fn may_depend(em: &Emitter, seed: Seed, op: &Op, has: &dyn Fn(Value) -> bool) -> bool {
    let program = &em.builder.program;
    match op {
        Op::Const(_) | Op::Table(_) | Op::Row(_) | Op::Direction(_) | Op::State(_) => false,
        Op::Compare(..) | Op::And(..) | Op::Or(..) | Op::Not(_) => false,
        Op::Input(k) => *k == 0 && matches!(seed, Seed::Coordinate(_)),
        Op::Param(p) => seed.moves(program, *p),
        Op::Unary(f, a) => !is_flat(*f) && has(*a),
        Op::Select(_, a, b) | Op::Binary(_, a, b) => has(*a) || has(*b),
        Op::Fma(a, b, c) => has(*a) || has(*b) || has(*c),
        Op::Slice { of, start, len } => match (em.op(*of), seed) {
            (Op::Input(0), Seed::Coordinate(i)) => (*start..start + len).contains(&i),
            _ => has(*of),
        },
        Op::Spike { of, .. } | Op::SpikeAlong { of, .. } => has(*of),
        Op::Splat(a, _) | Op::Sum(a) => has(*a),
        Op::Concat(vs) => vs.iter().any(|v| has(*v)),
        Op::Dense { x, weight, .. } => has(*x) || seed.moves(program, *weight),
    }
}

fn is_flat(f: Unary) -> bool {
    matches!(f, Unary::Floor | Unary::Ceil | Unary::Sign | Unary::Heaviside)
}

/// Writes the derivative of `inst` where the emitter stands; `d` gives those of its operands. `None`: it is zero.
///
/// States are up to the caller.
pub(super) fn derivative(
    em: &mut Emitter,
    seed: Seed,
    inst: &Inst,
    d: &dyn Fn(Value) -> Option<Value>,
) -> Option<Value> {
    match &inst.op {
        Op::Const(_) | Op::Table(_) | Op::Row(_) | Op::Direction(_) | Op::State(_) => None,
        Op::Compare(..) | Op::And(..) | Op::Or(..) | Op::Not(_) => None,
        Op::Input(k) => match seed {
            Seed::Coordinate(i) if *k == 0 && i < inst.ty.width => Some(unit_vector(em, i, inst.ty.width)),
            _ => None,
        },
        Op::Param(p) => seed.moves(&em.builder.program, *p).then(|| em.push(Op::Direction(*p))),
        Op::Unary(f, a) => d(*a).and_then(|da| unary(em, *f, *a, inst.value, da)),
        Op::Binary(f, a, b) => binary(em, *f, (*a, d(*a)), (*b, d(*b)), inst.value),
        Op::Fma(a, b, c) => product(em, (*a, d(*a)), (*b, d(*b)), d(*c)),
        Op::Select(mask, a, b) => branches(em, *mask, d(*a), d(*b)),
        Op::Spike { of, surrogate: s, .. } => {
            let dz = d(*of)?;
            // Second surrogate derivatives correlate with the truth at 0.1 to 0.3: no answer is better than that one.
            assert!(seed == Seed::Directions, "the checker lets no jet through a spike");
            let slope = surrogate(em, *s, *of);
            Some(em.mul(slope, dz))
        }
        Op::SpikeAlong { of, slope, .. } => {
            let dz = d(*of)?;
            assert!(seed == Seed::Directions, "the checker lets no jet through a spike");
            Some(em.mul(*slope, dz))
        }
        Op::Splat(a, width) => d(*a).map(|da| em.push(Op::Splat(da, *width))),
        Op::Sum(a) => d(*a).map(|da| em.push(Op::Sum(da))),
        Op::Slice { of, start, len } => {
            if let (Op::Input(0), Seed::Coordinate(i)) = (em.op(*of), seed) {
                return (*start..start + len).contains(&i).then(|| unit_vector(em, i - start, *len));
            }
            d(*of).map(|da| em.push(Op::Slice { of: da, start: *start, len: *len }))
        }
        Op::Concat(vs) => {
            let ds: Vec<Option<Value>> = vs.iter().map(|v| d(*v)).collect();
            let tangent = ds.iter().flatten().any(|v| em.ty(*v).tangent);
            ds.iter().any(Option::is_some).then(|| {
                let parts = vs.iter().zip(ds).map(|(v, dv)| {
                    let ty = em.ty(*v);
                    dv.unwrap_or_else(|| em.constant(0.0, Ty { tangent, ..ty }))
                });
                let parts = parts.collect();
                em.push(Op::Concat(parts))
            })
        }
        Op::Dense { x, weight, direction } => {
            let by_x = d(*x).map(|dx| em.push(Op::Dense { x: dx, weight: *weight, direction: *direction }));
            let moves = !direction && seed.moves(&em.builder.program, *weight);
            let by_weight = moves.then(|| em.push(Op::Dense { x: *x, weight: *weight, direction: true }));
            both(by_weight, by_x, |a, b| em.add(a, b))
        }
    }
}

/// 1 at place `i`, else 0.
fn unit_vector(em: &mut Emitter, i: u32, width: u32) -> Value {
    let one = Ty::real(1);
    let parts: Vec<Value> = (0..width).map(|k| em.constant(if k == i { 1.0 } else { 0.0 }, one)).collect();
    if width == 1 { parts[0] } else { em.push(Op::Concat(parts)) }
}

/// The sum of two derivatives, each of which may be absent.
fn both(a: Option<Value>, b: Option<Value>, add: impl FnOnce(Value, Value) -> Value) -> Option<Value> {
    match (a, b) {
        (Some(a), Some(b)) => Some(add(a, b)),
        (a, b) => a.or(b),
    }
}

/// The derivative of the branch taken.
fn branches(em: &mut Emitter, mask: Value, da: Option<Value>, db: Option<Value>) -> Option<Value> {
    let some = da.or(db)?;
    let zero = em.number(0.0, some);
    Some(em.push(Op::Select(mask, da.unwrap_or(zero), db.unwrap_or(zero))))
}

/// y = f(x): f'(x) dx, from y where that is cheaper.
fn unary(em: &mut Emitter, f: Unary, x: Value, y: Value, dx: Value) -> Option<Value> {
    let slope = match f {
        Unary::Floor | Unary::Ceil | Unary::Sign | Unary::Heaviside => return None,
        Unary::Neg => return Some(em.neg(dx)),
        Unary::Relu => {
            let zero = em.number(0.0, x);
            return Some(em.choose_by(Compare::Gt, x, zero, dx, zero));
        }
        Unary::Abs => em.unary(Unary::Sign, x),
        Unary::Sqrt => em.over(0.5, y),
        Unary::Exp => y,
        Unary::Log => em.over(1.0, x),
        Unary::Log2 => em.over(1.0 / LN_2, x),
        Unary::Sin => em.unary(Unary::Cos, x),
        Unary::Cos => {
            let s = em.unary(Unary::Sin, x);
            em.neg(s)
        }
        Unary::Tan => {
            let s = em.square(y);
            em.shift(1.0, s)
        }
        Unary::Asin | Unary::Acos => {
            let s = em.square(x);
            let s = em.rest(1.0, s);
            let s = em.unary(Unary::Sqrt, s);
            em.over(if f == Unary::Asin { 1.0 } else { -1.0 }, s)
        }
        Unary::Atan => {
            let s = em.square(x);
            let s = em.shift(1.0, s);
            em.over(1.0, s)
        }
        Unary::Sinh => em.unary(Unary::Cosh, x),
        Unary::Cosh => em.unary(Unary::Sinh, x),
        Unary::Sech => {
            let t = em.unary(Unary::Tanh, x);
            let t = em.mul(y, t);
            em.neg(t)
        }
        Unary::Tanh => {
            let s = em.square(y);
            em.rest(1.0, s)
        }
        Unary::Erf => {
            let bell = bell(em, -1.0, x);
            em.scale(2.0 / libm::sqrt(PI), bell)
        }
        Unary::Sigmoid => {
            let s = em.rest(1.0, y);
            em.mul(y, s)
        }
        Unary::Softplus => em.unary(Unary::Sigmoid, x),
        // Phi(x) + x phi(x), the normal distribution and its density.
        Unary::Gelu => {
            let q = em.scale(FRAC_1_SQRT_2, x);
            let q = em.unary(Unary::Erf, q);
            let q = em.shift(1.0, q);
            let q = em.scale(0.5, q);
            let bell = bell(em, -0.5, x);
            let bell = em.mul(x, bell);
            let bell = em.scale(1.0 / libm::sqrt(2.0 * PI), bell);
            em.add(q, bell)
        }
    };
    Some(em.mul(slope, dx))
}

/// exp(c x^2)
fn bell(em: &mut Emitter, c: f64, x: Value) -> Value {
    let s = em.square(x);
    let s = em.scale(c, s);
    em.unary(Unary::Exp, s)
}

fn binary(
    em: &mut Emitter,
    f: Binary,
    (a, da): (Value, Option<Value>),
    (b, db): (Value, Option<Value>),
    y: Value,
) -> Option<Value> {
    match f {
        Binary::Add => both(da, db, |da, db| em.add(da, db)),
        Binary::Sub => match (da, db) {
            (Some(da), Some(db)) => Some(em.sub(da, db)),
            (None, Some(db)) => Some(em.neg(db)),
            (da, None) => da,
        },
        Binary::Mul => product(em, (a, da), (b, db), None),
        // (da - y db) / b
        Binary::Div => match (da, db) {
            (da, None) => da.map(|da| quotient(em, da, b)),
            (None, Some(db)) => {
                let slope = em.div(y, b);
                let slope = em.neg(slope);
                Some(em.mul(slope, db))
            }
            (Some(da), Some(db)) => {
                let q = em.mul(y, db);
                let q = em.sub(da, q);
                Some(quotient(em, q, b))
            }
        },
        Binary::Pow => power(em, (a, da), (b, db), y),
        Binary::Min | Binary::Max => {
            let some = da.or(db)?;
            let zero = em.number(0.0, some);
            let compare = if f == Binary::Min { Compare::Lt } else { Compare::Gt };
            Some(em.choose_by(compare, a, b, da.unwrap_or(zero), db.unwrap_or(zero)))
        }
        // (b da - a db) / (a^2 + b^2)
        Binary::Atan2 => {
            let by_a = da.map(|da| em.mul(b, da));
            let by_b = db.map(|db| em.mul(a, db));
            let top = binary(em, Binary::Sub, (a, by_a), (b, by_b), y)?;
            let (p, q) = (em.square(a), em.square(b));
            let bottom = em.add(p, q);
            Some(quotient(em, top, bottom))
        }
    }
}

/// da b + a db + dc, the derivative of a b + c.
fn product(
    em: &mut Emitter,
    (a, da): (Value, Option<Value>),
    (b, db): (Value, Option<Value>),
    dc: Option<Value>,
) -> Option<Value> {
    let mut add = |x: Value, y: Value, sum: Option<Value>| {
        Some(if let Some(sum) = sum { em.fma(x, y, sum) } else { em.mul(x, y) })
    };
    match (da, db) {
        (Some(da), Some(db)) if a != b => {
            let sum = add(a, db, dc);
            add(da, b, sum)
        }
        (Some(da), Some(_)) => {
            let two = em.scale(2.0, a);
            Some(if let Some(dc) = dc { em.fma(two, da, dc) } else { em.mul(two, da) })
        }
        (Some(da), None) => add(da, b, dc),
        (None, Some(db)) => add(a, db, dc),
        (None, None) => dc,
    }
}

/// top / bottom; one division for all directions.
fn quotient(em: &mut Emitter, top: Value, bottom: Value) -> Value {
    if em.ty(top).tangent {
        let r = em.over(1.0, bottom);
        em.mul(r, top)
    } else {
        em.div(top, bottom)
    }
}

/// y = a^b: b a^(b-1) da + y log(a) db. The first is 0 where b is, the second where a is, as the limits are.
fn power(
    em: &mut Emitter,
    (a, da): (Value, Option<Value>),
    (b, db): (Value, Option<Value>),
    y: Value,
) -> Option<Value> {
    let by_a = da.and_then(|da| {
        let slope = match em.as_number(b) {
            Some(0.0) => return None,
            Some(c) => {
                let p = power_of(em, a, c - 1.0)?;
                em.scale(c, p)
            }
            None => {
                let one = em.number(1.0, b);
                let less = em.sub(b, one);
                let p = em.binary(Binary::Pow, a, less);
                let p = em.mul(b, p);
                let zero = em.number(0.0, b);
                em.choose(Compare::Eq, b, 0.0, zero, p)
            }
        };
        Some(em.mul(slope, da))
    });
    let by_b = db.map(|db| {
        let log = em.unary(Unary::Log, a);
        let zero = em.number(0.0, a);
        let log = em.choose(Compare::Eq, a, 0.0, zero, log);
        let slope = em.mul(y, log);
        em.mul(slope, db)
    });
    both(by_a, by_b, |p, q| em.add(p, q))
}

/// a^c, by products where c is a small whole number.
fn power_of(em: &mut Emitter, a: Value, c: f64) -> Option<Value> {
    Some(match c {
        0.0 => em.number(1.0, a),
        1.0 => a,
        2.0 => em.square(a),
        3.0 => {
            let s = em.square(a);
            em.mul(s, a)
        }
        c => {
            let c = em.number(c, a);
            em.binary(Binary::Pow, a, c)
        }
    })
}

/// s(z); see [`SurrogateKind`] for the formulas. Triangle and rectangle are exactly 0 outside of their support, which
/// engines may use.
fn surrogate(em: &mut Emitter, s: Surrogate, z: Value) -> Value {
    let k = s.scale;
    match s.kind {
        SurrogateKind::Triangle => {
            let m = em.unary(Unary::Abs, z);
            let m = em.scale(1.0 / k, m);
            let m = em.rest(1.0, m);
            let m = em.unary(Unary::Relu, m);
            em.scale(1.0 / k, m)
        }
        SurrogateKind::Rectangle => {
            let m = em.unary(Unary::Abs, z);
            let (height, zero) = (em.number(0.5 / k, z), em.number(0.0, z));
            em.choose(Compare::Lt, m, k, height, zero)
        }
        SurrogateKind::FastSigmoid => {
            let m = em.unary(Unary::Abs, z);
            let m = em.scale(k, m);
            let m = em.shift(1.0, m);
            let m = em.square(m);
            em.over(1.0, m)
        }
        // It is even; on the left no digits cancel.
        SurrogateKind::Sigmoid => {
            let q = em.unary(Unary::Abs, z);
            let q = em.scale(-k, q);
            let q = em.unary(Unary::Sigmoid, q);
            let r = em.rest(1.0, q);
            let q = em.mul(q, r);
            em.scale(k, q)
        }
        SurrogateKind::Atan => {
            let q = em.scale(0.5 * PI * k, z);
            let q = em.square(q);
            let q = em.shift(1.0, q);
            em.over(0.5 * k, q)
        }
        SurrogateKind::Gaussian => {
            let q = em.scale(1.0 / k, z);
            let q = bell(em, -0.5, q);
            em.scale(1.0 / (k * libm::sqrt(2.0 * PI)), q)
        }
    }
}
