//! Operations, one instruction each.
//!
//! Unless said otherwise an operation works element by element on operands of equal width. If an operand is a tangent (one
//! value a direction) and another is not, the primal one is used for every direction, and the result is a tangent.
//! To add an operation: add it here, then follow the compiler through `verify`, `print`, `read`, `pass::derivatives`,
//! `exec::interp` and `exec::jit::emit`, whose matches are exhaustive.

use crate::func::{Binary, Compare, Surrogate, Unary};

/// An SSA value: the result of the instruction with this number. Numbers are unique within a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateId(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Elem {
    Real,
    /// A truth value an element.
    Mask,
}

/// `width` elements; if `tangent`, each has one value a direction: the layout is `[width][directions]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ty {
    pub elem: Elem,
    pub width: u32,
    pub tangent: bool,
}

impl Ty {
    pub fn real(width: u32) -> Ty {
        Ty { elem: Elem::Real, width, tangent: false }
    }

    pub fn mask(width: u32) -> Ty {
        Ty { elem: Elem::Mask, width, tangent: false }
    }

    pub fn tangent(width: u32) -> Ty {
        Ty { elem: Elem::Real, width, tangent: true }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A number, rounded to the engine's precision; width 1. Typed as a tangent it is the same along every direction: the
    /// `jvp` pass starts the tangents of states from such a 0.
    Const(f64),
    /// Input vector k of the point: coordinates, or the columns that the trainer supplies.
    Input(u32),
    /// A parameter of one row, as a vector.
    Param(ParamId),
    /// The directions' component along that parameter: a tangent.
    Direction(ParamId),
    /// In the steps of its pass: the value at the start of the step. In straight code after the pass: the final value.
    State(StateId),
    /// Only in a `step`: entry [step] of a table of constants; width 1.
    Table(u32),
    /// Only in a `step`: row [step] of a parameter that is not trained and has a row for each step.
    Row(ParamId),

    Unary(Unary, Value),
    Binary(Binary, Value, Value),
    /// a b + c, rounded once.
    Fma(Value, Value, Value),
    /// Real operands, mask result; never of tangents.
    Compare(Compare, Value, Value),
    And(Value, Value),
    Or(Value, Value),
    Not(Value),
    /// `if mask { a } else { b }`. The mask is primal.
    Select(Value, Value, Value),
    /// 1 where the operand is >= 0 (or > 0 if strict), else 0; a NaN gives 0. Real to real. Its derivative is the surrogate's.
    Spike {
        of: Value,
        strict: bool,
        surrogate: Surrogate,
    },
    /// As `Spike`, with a derivative that is computed: `slope`, as wide as the operand. Never of tangents.
    SpikeAlong {
        of: Value,
        strict: bool,
        slope: Value,
    },

    /// Width 1 to this width.
    Splat(Value, u32),
    /// Operands one after the other.
    Concat(Vec<Value>),
    /// Elements start .. start + len.
    Slice {
        of: Value,
        start: u32,
        len: u32,
    },
    /// Sum of all elements in index order, starting from 0: width 1.
    Sum(Value),
    /// y_j = sum_i x_i W_ij, in order of i, starting from 0; W is the parameter, `[inputs][outputs]`, or (`direction`) its
    /// component along each direction. Product and sum are one operation, rounded once. If `x` is the direct result of a
    /// `Spike` or `SpikeAlong`, inputs of 0 are skipped and those of 1 add the row; if it is a tangent and W the parameter,
    /// inputs that are 0 along every direction are skipped: engines may count on it and must agree on it
    /// (see [`Program::is_event`](crate::ir::program::Program::is_event)).
    Dense {
        x: Value,
        weight: ParamId,
        direction: bool,
    },
}

impl Op {
    /// The values it uses.
    pub fn operands(&self) -> Vec<Value> {
        match self {
            Op::Const(_)
            | Op::Input(_)
            | Op::Param(_)
            | Op::Direction(_)
            | Op::State(_)
            | Op::Table(_)
            | Op::Row(_) => vec![],
            Op::Unary(_, a) | Op::Not(a) | Op::Splat(a, _) | Op::Sum(a) => vec![*a],
            Op::Spike { of, .. } | Op::Slice { of, .. } => vec![*of],
            Op::Dense { x, .. } => vec![*x],
            Op::SpikeAlong { of, slope, .. } => vec![*of, *slope],
            Op::Binary(_, a, b) | Op::Compare(_, a, b) | Op::And(a, b) | Op::Or(a, b) => vec![*a, *b],
            Op::Select(a, b, c) | Op::Fma(a, b, c) => vec![*a, *b, *c],
            Op::Concat(vs) => vs.clone(),
        }
    }

    /// The same operation on other values.
    pub fn map(&self, mut f: impl FnMut(Value) -> Value) -> Op {
        let mut op = self.clone();
        match &mut op {
            Op::Const(_)
            | Op::Input(_)
            | Op::Param(_)
            | Op::Direction(_)
            | Op::State(_)
            | Op::Table(_)
            | Op::Row(_) => {}
            Op::Unary(_, a) | Op::Not(a) | Op::Splat(a, _) | Op::Sum(a) => *a = f(*a),
            Op::Spike { of, .. } | Op::Slice { of, .. } => *of = f(*of),
            Op::Dense { x, .. } => *x = f(*x),
            Op::SpikeAlong { of, slope, .. } => {
                *of = f(*of);
                *slope = f(*slope);
            }
            Op::Binary(_, a, b) | Op::Compare(_, a, b) | Op::And(a, b) | Op::Or(a, b) => {
                *a = f(*a);
                *b = f(*b);
            }
            Op::Select(a, b, c) | Op::Fma(a, b, c) => {
                *a = f(*a);
                *b = f(*b);
                *c = f(*c);
            }
            Op::Concat(vs) => vs.iter_mut().for_each(|v| *v = f(*v)),
        }
        op
    }

    /// Works element by element, so that it can be fused into one loop with its neighbours.
    pub fn is_elementwise(&self) -> bool {
        !matches!(self, Op::Concat(_) | Op::Slice { .. } | Op::Sum(_) | Op::Dense { .. } | Op::Row(_))
    }
}
