//! Emitting instructions with numbers folded away.
//!
//! A [`Term`] is either a number known now or a value of the program, with the earliest region that can hold it. What only
//! depends on numbers is computed in double precision here; what only depends on coordinates and parameters lands in `init`,
//! outside the time loop, without a pass having to move it.
//!
//! ```text
//! exp(-dt / tau) * v   with tau = 20, dt = 1     ->     %7 = const 0.951229424500714   %9 = mul %8, %3
//! ```

use std::collections::HashMap;

use crate::check::expr::{Expr, Var};
use crate::func::{Binary, Compare, Unary};
use crate::ir::op::{Elem, Op, ParamId, StateId, Ty, Value};
use crate::ir::program::{Builder, Program, Region};

/// Something computed: known now, or in the program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Term {
    Num(f64),
    Val(Val),
}

/// A value of the program and where it is available.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Val {
    pub value: Value,
    pub ty: Ty,
    pub region: Region,
}

impl From<Val> for Term {
    fn from(v: Val) -> Term {
        Term::Val(v)
    }
}

/// Where an instruction that uses values of both must stand.
fn later(a: Region, b: Region) -> Region {
    a.later(b)
}

/// A program under construction.
pub struct Emit {
    builder: Builder,
    /// The pass through time that new states and tables belong to.
    pub pass: u32,
    consts: HashMap<u64, Value>,
    splats: HashMap<(Value, u32), Val>,
}

impl Emit {
    pub fn new(program: Program) -> Emit {
        Emit { builder: Builder::new(program), pass: 0, consts: HashMap::new(), splats: HashMap::new() }
    }

    pub fn program(&mut self) -> &mut Program {
        &mut self.builder.program
    }

    pub fn finish(self) -> Program {
        self.builder.finish()
    }

    fn push(&mut self, region: Region, op: Op, ty: Ty) -> Val {
        Val { value: self.builder.push(region, op, ty), ty, region }
    }

    pub fn input(&mut self, index: u32, width: u32) -> Val {
        self.push(Region::Init, Op::Input(index), Ty::real(width))
    }

    pub fn param(&mut self, id: ParamId, width: u32) -> Val {
        self.push(Region::Init, Op::Param(id), Ty::real(width))
    }

    pub fn declare(&mut self, name: String, rows: u32, cols: u32, trainable: bool) -> ParamId {
        self.builder.param(name, rows, cols, trainable)
    }

    /// A number as a value; one instruction each number.
    fn constant(&mut self, x: f64) -> Val {
        let value = match self.consts.get(&x.to_bits()) {
            Some(v) => *v,
            None => {
                let v = self.builder.push(Region::Init, Op::Const(x), Ty::real(1));
                self.consts.insert(x.to_bits(), v);
                v
            }
        };
        Val { value, ty: Ty::real(1), region: Region::Init }
    }

    /// A term as a value of this width.
    pub fn wide(&mut self, term: Term, width: u32) -> Val {
        let val = match term {
            Term::Num(x) => self.constant(x),
            Term::Val(v) => v,
        };
        if val.ty.width == width {
            return val;
        }
        if let Some(known) = self.splats.get(&(val.value, width)) {
            return *known;
        }
        let spread = match val.ty.elem {
            Elem::Real => self.push(val.region, Op::Splat(val.value, width), Ty { width, ..val.ty }),
            Elem::Mask => self.spread_mask(val, width),
        };
        self.splats.insert((val.value, width), spread);
        spread
    }

    /// The IR spreads numbers only, so a truth value takes the way over 0 and 1.
    fn spread_mask(&mut self, mask: Val, width: u32) -> Val {
        let (one, zero, half) = (self.constant(1.0), self.constant(0.0), self.constant(0.5));
        let number = self.push(mask.region, Op::Select(mask.value, one.value, zero.value), Ty::real(1));
        let (number, half) = (self.wide(Term::Val(number), width), self.wide(Term::Val(half), width));
        self.push(number.region, Op::Compare(Compare::Gt, number.value, half.value), Ty::mask(width))
    }

    /// Two terms at their common width.
    fn pair(&mut self, a: Term, b: Term) -> (Val, Val, u32) {
        let width = width_of(a).max(width_of(b));
        (self.wide(a, width), self.wide(b, width), width)
    }

    pub fn unary(&mut self, f: Unary, a: Term) -> Term {
        match a {
            Term::Num(x) => Term::Num(f.eval(x)),
            Term::Val(v) => Term::Val(self.push(v.region, Op::Unary(f, v.value), v.ty)),
        }
    }

    /// Division by a number becomes multiplication by its reciprocal: that is what the program means from here on, in every
    /// engine. Zero times a value is zero, so that factors which are absent leave nothing behind.
    pub fn binary(&mut self, f: Binary, a: Term, b: Term) -> Term {
        match (f, a, b) {
            (_, Term::Num(x), Term::Num(y)) => return Term::Num(f.eval(x, y)),
            (Binary::Add, Term::Num(0.0), t) | (Binary::Add | Binary::Sub, t, Term::Num(0.0)) => return t,
            (Binary::Mul, Term::Num(1.0), t) | (Binary::Mul | Binary::Div | Binary::Pow, t, Term::Num(1.0)) => {
                return t;
            }
            (Binary::Mul, Term::Num(0.0), _) | (Binary::Mul, _, Term::Num(0.0)) => return Term::Num(0.0),
            (Binary::Sub, Term::Num(0.0), t) => return self.unary(Unary::Neg, t),
            (Binary::Mul, Term::Num(-1.0), t) | (Binary::Mul, t, Term::Num(-1.0)) => return self.unary(Unary::Neg, t),
            (Binary::Div, t, Term::Num(y)) if (1.0 / y).is_normal() => {
                return self.binary(Binary::Mul, t, Term::Num(1.0 / y));
            }
            (Binary::Pow, t, Term::Num(n)) if n.fract() == 0.0 && (2.0..=16.0).contains(&n.abs()) => {
                return self.power(t, n);
            }
            (Binary::Pow, t, Term::Num(-1.0)) => return self.binary(Binary::Div, Term::Num(1.0), t),
            (Binary::Pow, _, Term::Num(0.0)) => return Term::Num(1.0),
            (Binary::Pow, t, Term::Num(0.5)) => return self.unary(Unary::Sqrt, t),
            _ => {}
        }
        let (a, b, width) = self.pair(a, b);
        Term::Val(self.push(later(a.region, b.region), Op::Binary(f, a.value, b.value), Ty::real(width)))
    }

    /// A small whole power by repeated squaring.
    fn power(&mut self, base: Term, n: f64) -> Term {
        let mut left = n.abs() as u32;
        let (mut square, mut result) = (base, None);
        loop {
            if left & 1 == 1 {
                result = Some(match result {
                    None => square,
                    Some(r) => self.binary(Binary::Mul, r, square),
                });
            }
            left >>= 1;
            if left == 0 {
                break;
            }
            square = self.binary(Binary::Mul, square, square);
        }
        let result = result.unwrap_or(Term::Num(1.0));
        if n < 0.0 { self.binary(Binary::Div, Term::Num(1.0), result) } else { result }
    }

    pub fn add(&mut self, a: Term, b: Term) -> Term {
        self.binary(Binary::Add, a, b)
    }

    pub fn sub(&mut self, a: Term, b: Term) -> Term {
        self.binary(Binary::Sub, a, b)
    }

    pub fn mul(&mut self, a: Term, b: Term) -> Term {
        self.binary(Binary::Mul, a, b)
    }

    /// A truth value. Known ones are told apart by [`Term::Num`] 1 and 0.
    pub fn compare(&mut self, f: Compare, a: Term, b: Term) -> Term {
        if let (Term::Num(x), Term::Num(y)) = (a, b) {
            return Term::Num(f.eval(x, y) as u8 as f64);
        }
        let (a, b, width) = self.pair(a, b);
        Term::Val(self.push(later(a.region, b.region), Op::Compare(f, a.value, b.value), Ty::mask(width)))
    }

    fn not(&mut self, a: Term) -> Term {
        match a {
            Term::Num(x) => Term::Num(1.0 - x),
            Term::Val(v) => Term::Val(self.push(v.region, Op::Not(v.value), v.ty)),
        }
    }

    fn logic(&mut self, and: bool, a: Term, b: Term) -> Term {
        match (a, b) {
            (Term::Num(x), t) | (t, Term::Num(x)) => {
                if (x != 0.0) == and {
                    t
                } else {
                    Term::Num(x)
                }
            }
            (Term::Val(_), Term::Val(_)) => {
                let (a, b, width) = self.pair(a, b);
                let op = if and { Op::And(a.value, b.value) } else { Op::Or(a.value, b.value) };
                Term::Val(self.push(later(a.region, b.region), op, Ty::mask(width)))
            }
        }
    }

    /// `if mask then a else b`.
    pub fn select(&mut self, mask: Term, a: Term, b: Term) -> Term {
        match mask {
            Term::Num(x) => {
                if x != 0.0 {
                    a
                } else {
                    b
                }
            }
            Term::Val(m) => {
                let width = m.ty.width.max(width_of(a)).max(width_of(b));
                let (m, a, b) = (self.wide(mask, width), self.wide(a, width), self.wide(b, width));
                let region = later(m.region, later(a.region, b.region));
                Term::Val(self.push(region, Op::Select(m.value, a.value, b.value), Ty::real(width)))
            }
        }
    }

    /// x W.
    pub fn dense(&mut self, x: Val, weight: ParamId, outputs: u32) -> Val {
        self.push(x.region, Op::Dense { x: x.value, weight, direction: false }, Ty::real(outputs))
    }

    pub fn spike(&mut self, of: Val, strict: bool, surrogate: crate::func::Surrogate) -> Val {
        self.push(of.region, Op::Spike { of: of.value, strict, surrogate }, of.ty)
    }

    /// As [`Emit::spike`], with a derivative of one's own; as wide as what it is of.
    pub fn spike_along(&mut self, of: Val, strict: bool, slope: Val) -> Val {
        let region = later(of.region, slope.region);
        self.push(region, Op::SpikeAlong { of: of.value, strict, slope: slope.value }, of.ty)
    }

    pub fn slice(&mut self, of: Val, start: u32, len: u32) -> Val {
        self.push(of.region, Op::Slice { of: of.value, start, len }, Ty { width: len, ..of.ty })
    }

    pub fn concat(&mut self, parts: &[Val]) -> Val {
        let width = parts.iter().map(|p| p.ty.width).sum();
        let region = parts.iter().fold(Region::Init, |r, p| later(r, p.region));
        self.push(region, Op::Concat(parts.iter().map(|p| p.value).collect()), Ty::real(width))
    }

    pub fn sum(&mut self, of: Val) -> Val {
        self.push(of.region, Op::Sum(of.value), Ty::real(1))
    }

    /// A state that starts from `init`, and its value at the start of a step.
    pub fn state(&mut self, init: Term, width: u32) -> (StateId, Val) {
        let init = self.wide(init, width);
        debug_assert!(Region::before(self.pass).sees(init.region), "a state starts before its pass");
        let id = self.builder.state(self.pass, Ty::real(width), init.value);
        (id, self.push(Region::Step(self.pass), Op::State(id), Ty::real(width)))
    }

    pub fn set_next(&mut self, state: StateId, next: Term) {
        let width = self.program().states[state.0 as usize].ty.width;
        let next = self.wide(next, width);
        self.builder.set_next(state, next.value);
    }

    /// A state's value after the last step.
    pub fn last(&mut self, state: StateId) -> Val {
        let (pass, ty) = (self.program().states[state.0 as usize].pass, self.program().states[state.0 as usize].ty);
        self.push(Region::Finish(pass), Op::State(state), ty)
    }

    /// The entry of a table of constants that belongs to the step.
    pub fn table(&mut self, name: String, values: Vec<f64>) -> Val {
        let program = self.program();
        program.tables.push(crate::ir::program::Table { name, values });
        let index = program.tables.len() as u32 - 1;
        self.push(Region::Step(self.pass), Op::Table(index), Ty::real(1))
    }

    /// The row of a parameter that belongs to the step.
    pub fn row(&mut self, id: ParamId) -> Val {
        let width = self.program().params[id.0 as usize].cols;
        self.push(Region::Step(self.pass), Op::Row(id), Ty::real(width))
    }

    /// A resolved expression whose variables mean what `var` says.
    pub fn expr(&mut self, e: &Expr, var: &dyn Fn(&Var) -> Term) -> Term {
        match e {
            Expr::Num(x) => Term::Num(*x),
            Expr::Var(v) => var(v),
            Expr::Unary(f, a) => {
                let a = self.expr(a, var);
                self.unary(*f, a)
            }
            Expr::Binary(f, a, b) => {
                let (a, b) = (self.expr(a, var), self.expr(b, var));
                self.binary(*f, a, b)
            }
            Expr::Compare(f, a, b) => {
                let (a, b) = (self.expr(a, var), self.expr(b, var));
                self.compare(*f, a, b)
            }
            Expr::Not(a) => {
                let a = self.expr(a, var);
                self.not(a)
            }
            Expr::Logic(and, a, b) => {
                let (a, b) = (self.expr(a, var), self.expr(b, var));
                self.logic(*and, a, b)
            }
            Expr::If(c, a, b) => {
                let (c, a, b) = (self.expr(c, var), self.expr(a, var), self.expr(b, var));
                self.select(c, a, b)
            }
            Expr::Deriv(..) => unreachable!("the checker carries out all derivatives"),
        }
    }
}

pub fn width_of(t: Term) -> u32 {
    match t {
        Term::Num(_) => 1,
        Term::Val(v) => {
            debug_assert!(v.ty.elem == Elem::Real || v.ty.elem == Elem::Mask);
            v.ty.width
        }
    }
}
