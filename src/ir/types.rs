//! The type of an operation's result: one rule an operation, shared by the verifier, which checks what is written, and by
//! the passes, which write it.
//!
//! ```text
//! %1 : 3, %2 : tangent 3      mul %1, %2     ->  tangent 3
//! %1 : 3, %2 : 4              add %1, %2     ->  error: operands are 3 and 4 wide
//! ```
//!
//! Masks are made by comparisons and used by `and`, `or`, `not` and as the first operand of `select`; nothing else takes
//! them. They are never recorded, carried from step to step, or put out.

use crate::ir::op::{Elem, Op, ParamId, Ty, Value};
use crate::ir::program::Program;

/// The widest vector an operation may yield.
pub const MAX_WIDTH: u32 = 1 << 24;

/// The type that `op` yields, or why it is malformed. `ty` gives the types of values; a missing one is an error.
///
/// A [`Op::Const`] is typed as a primal here; the verifier also lets it be a tangent.
pub fn result_type(program: &Program, op: &Op, ty: &dyn Fn(Value) -> Option<Ty>) -> Result<Ty, String> {
    let of = |v: Value| ty(v).ok_or_else(|| format!("{v} is not defined"));
    let real = |v: Value| {
        let t = of(v)?;
        if t.elem == Elem::Real { Ok(t) } else { Err(format!("{v} is a mask, a real vector is wanted")) }
    };
    let mask = |v: Value| {
        let t = of(v)?;
        if t.elem == Elem::Mask { Ok(t) } else { Err(format!("{v} is a real vector, a mask is wanted")) }
    };
    let primal = |v: Value| {
        let t = real(v)?;
        if t.tangent { Err(format!("{v} is a tangent, a primal is wanted")) } else { Ok(t) }
    };
    match op {
        Op::Const(_) => Ok(Ty::real(1)),
        Op::Input(k) => match program.inputs.get(*k as usize) {
            Some(i) => sized(Ty::real(i.width)),
            None => Err(format!("there is no input {k}")),
        },
        Op::Param(p) => sized(Ty::real(row(program, *p)?)),
        Op::Direction(p) => {
            trainable(program, *p)?;
            sized(Ty::tangent(row(program, *p)?))
        }
        Op::State(s) => match program.states.get(s.0 as usize) {
            Some(s) => sized(s.ty),
            None => Err(format!("there is no state {}", s.0)),
        },
        Op::Table(k) => {
            if (*k as usize) < program.tables.len() {
                Ok(Ty::real(1))
            } else {
                Err(format!("there is no table {k}"))
            }
        }
        Op::Row(p) => {
            let p = param(program, *p)?;
            if p.trainable {
                Err("rows are read of parameters that are not trained".into())
            } else {
                sized(Ty::real(p.cols))
            }
        }
        Op::Unary(_, a) => real(*a),
        Op::Binary(_, a, b) => joined(real(*a)?, real(*b)?),
        Op::Fma(a, b, c) => joined(joined(real(*a)?, real(*b)?)?, real(*c)?),
        Op::Compare(_, a, b) => Ok(Ty::mask(joined(primal(*a)?, primal(*b)?)?.width)),
        Op::And(a, b) | Op::Or(a, b) => joined(mask(*a)?, mask(*b)?),
        Op::Not(a) => mask(*a),
        Op::Select(c, a, b) => {
            let (c, ty) = (mask(*c)?, joined(real(*a)?, real(*b)?)?);
            same_width(c, ty)?;
            Ok(ty)
        }
        Op::Spike { of, surrogate, .. } => {
            if surrogate.scale > 0.0 && surrogate.scale.is_finite() {
                primal(*of)
            } else {
                Err(format!("the surrogate's scale {:?} is not a positive number", surrogate.scale))
            }
        }
        Op::SpikeAlong { of, slope, .. } => {
            let (of, slope) = (primal(*of)?, primal(*slope)?);
            same_width(of, slope)?;
            Ok(of)
        }
        Op::Splat(a, width) => {
            let a = real(*a)?;
            if a.width != 1 {
                return Err(format!("the operand is {} wide, not 1", a.width));
            }
            sized(Ty { width: *width, ..a })
        }
        Op::Concat(vs) => {
            let (mut width, mut tangent) = (0u64, false);
            for v in vs {
                let t = real(*v)?;
                width += u64::from(t.width);
                tangent |= t.tangent;
            }
            let width = u32::try_from(width).unwrap_or(u32::MAX);
            sized(Ty { elem: Elem::Real, width, tangent })
        }
        Op::Slice { of, start, len } => {
            let t = real(*of)?;
            if u64::from(*start) + u64::from(*len) > u64::from(t.width) {
                return Err(format!("the slice ends at {} of {}", u64::from(*start) + u64::from(*len), t.width));
            }
            sized(Ty { width: *len, ..t })
        }
        Op::Sum(a) => Ok(Ty { width: 1, ..real(*a)? }),
        Op::Dense { x, weight, direction } => {
            let t = if *direction { primal(*x)? } else { real(*x)? };
            if *direction {
                trainable(program, *weight)?;
            }
            let w = param(program, *weight)?;
            if w.rows != t.width {
                return Err(format!("{x} is {} wide, the weight has {} rows", t.width, w.rows));
            }
            sized(Ty { elem: Elem::Real, width: w.cols, tangent: t.tangent || *direction })
        }
    }
}

fn sized(ty: Ty) -> Result<Ty, String> {
    match ty.width {
        0 => Err("the result has no elements".into()),
        w if w > MAX_WIDTH => Err(format!("the result is wider than {MAX_WIDTH}")),
        _ => Ok(ty),
    }
}

fn same_width(a: Ty, b: Ty) -> Result<(), String> {
    if a.width == b.width { Ok(()) } else { Err(format!("operands are {} and {} wide", a.width, b.width)) }
}

/// The type of an element-by-element result.
fn joined(a: Ty, b: Ty) -> Result<Ty, String> {
    same_width(a, b)?;
    Ok(Ty { tangent: a.tangent || b.tangent, ..a })
}

fn param(program: &Program, id: ParamId) -> Result<&crate::ir::program::Param, String> {
    program.params.get(id.0 as usize).ok_or_else(|| format!("there is no parameter {}", id.0))
}

fn row(program: &Program, id: ParamId) -> Result<u32, String> {
    let p = param(program, id)?;
    if p.rows == 1 { Ok(p.cols) } else { Err(format!("the parameter has {} rows, not 1", p.rows)) }
}

fn trainable(program: &Program, id: ParamId) -> Result<(), String> {
    if param(program, id)?.trainable {
        Ok(())
    } else {
        Err("the parameter is not trainable: it has no direction".into())
    }
}
