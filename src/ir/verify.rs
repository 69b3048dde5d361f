//! Checks that a program is well formed, so that engines can run it without looking.
//!
//! After `verify` these hold, and engines count on them for memory safety:
//!
//! - every value is defined once, before it is used, in a region that its user sees: itself, and all straight code (`init`
//!   and each `finish`) that runs before it;
//! - every index of an input, parameter, state or table exists, and every type follows from the operands'
//!   ([`types`](crate::ir::types));
//! - a pass has steps; states are read in the steps of their pass and in straight code after it, tables and rows in steps
//!   only, and both have one entry a step;
//! - without passes there are no states, tables or traces; without directions there are no tangents, and with directions
//!   there are some;
//! - outputs come from straight code, traces from steps, and both are real vectors;
//! - no buffer that a tile needs has more than [`MAX_LEN`] numbers, so that sizes never overflow.
//!
//! ```text
//! init { %0 = const 1.0 : 1   %1 = add %0, %7 : 1 }
//!                             error: init: `%1 = add %0, %7 : 1`: %7 is not defined
//! ```

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display, Formatter};

use crate::ir::op::{Elem, Op, Ty, Value};
use crate::ir::program::{Inst, Program, Region};
use crate::ir::types::{MAX_WIDTH, result_type};

/// Most numbers in any buffer: of parameters, and of the inputs, values, outputs or traces of [`MAX_TILE`] points.
pub const MAX_LEN: u64 = 1 << 31;

/// Value numbers are smaller than this, so that engines may index by them.
pub const MAX_VALUES: u32 = 1 << 24;

/// Points that sizes are reckoned for; no tile has more.
pub const MAX_TILE: u64 = 32;

/// Why a program is not well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyError {
    /// The offending value, if it is one.
    pub value: Option<Value>,
    pub message: String,
}

impl Display for VerifyError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for VerifyError {}

/// Checks the whole program and reports the first thing that is wrong with it.
pub fn verify(program: &Program) -> Result<(), VerifyError> {
    let mut v = Verifier { program, defined: HashMap::new() };
    v.declarations()?;
    for region in program.regions() {
        for inst in program.region(region) {
            v.inst(region, inst)?;
        }
    }
    v.states()?;
    v.results()?;
    v.directions()?;
    v.sizes()
}

struct Verifier<'a> {
    program: &'a Program,
    defined: HashMap<Value, (Region, Ty)>,
}

fn error(message: impl Into<String>) -> VerifyError {
    VerifyError { value: None, message: message.into() }
}

impl Verifier<'_> {
    fn declarations(&self) -> Result<(), VerifyError> {
        let p = self.program;
        unique("input", p.inputs.iter().map(|i| &i.name))?;
        unique("parameter", p.params.iter().map(|i| &i.name))?;
        unique("table", p.tables.iter().map(|t| &t.name))?;
        unique("output", p.outputs.iter().map(|o| &o.name))?;
        unique("trace", p.traces.iter().map(|t| &t.name))?;
        if let Some(k) = p.passes.iter().position(|pass| pass.steps == 0) {
            return Err(error(format!("pass {k} has no steps")));
        }
        if p.passes.is_empty() {
            for (what, none) in
                [("states", p.states.is_empty()), ("tables", p.tables.is_empty()), ("traces", p.traces.is_empty())]
            {
                if !none {
                    return Err(error(format!("there are {what} but no steps")));
                }
            }
        }
        for t in &p.tables {
            if !p.passes.iter().any(|pass| pass.steps as usize == t.values.len()) {
                return Err(error(format!(
                    "table `{}` has {} entries, and no pass so many steps",
                    t.name,
                    t.values.len()
                )));
            }
        }
        if let Some(s) = p.states.iter().position(|s| s.pass as usize >= p.passes.len()) {
            return Err(error(format!("state {s}: there is no pass {}", p.states[s].pass)));
        }
        Ok(())
    }

    fn inst(&mut self, region: Region, inst: &Inst) -> Result<(), VerifyError> {
        let fail = |message: String| VerifyError {
            value: Some(inst.value),
            message: format!("{region}: `{}`: {message}", self.program.print_inst(inst)),
        };
        self.place(region, inst).map_err(&fail)?;
        for v in inst.op.operands() {
            match self.defined.get(&v) {
                None => return Err(fail(format!("{v} is not defined"))),
                Some((r, _)) if !region.sees(*r) => return Err(fail(format!("{v} is a value of {r}"))),
                Some(_) => {}
            }
        }
        let ty = result_type(self.program, &inst.op, &|v| self.defined.get(&v).map(|d| d.1)).map_err(&fail)?;
        // A constant says itself whether it is a tangent.
        let free = matches!(inst.op, Op::Const(_)) && inst.ty == Ty::tangent(1);
        if ty != inst.ty && !free {
            return Err(fail(format!("the type is {ty}")));
        }
        if inst.value.0 >= MAX_VALUES {
            return Err(fail(format!("value numbers end at {}", MAX_VALUES - 1)));
        }
        if self.defined.contains_key(&inst.value) {
            return Err(fail(format!("{} is defined twice", inst.value)));
        }
        self.defined.insert(inst.value, (region, inst.ty));
        Ok(())
    }

    /// What belongs to a pass is read where it has a value.
    fn place(&self, region: Region, inst: &Inst) -> Result<(), String> {
        let (what, entries) = match inst.op {
            Op::State(s) => {
                let Some(s) = self.program.states.get(s.0 as usize) else { return Ok(()) };
                let after = region.is_straight() && region.order() > Region::Step(s.pass).order();
                if region == Region::Init {
                    return Err("states are read in step and finish only".into());
                }
                if region != Region::Step(s.pass) && !after {
                    return Err(format!("the state is one of pass {}", s.pass));
                }
                return Ok(());
            }
            Op::Table(k) => ("tables", self.program.tables.get(k as usize).map(|t| t.values.len())),
            Op::Row(p) => ("rows", self.program.params.get(p.0 as usize).map(|p| p.rows as usize)),
            _ => return Ok(()),
        };
        let Region::Step(k) = region else { return Err(format!("{what} are read in step only")) };
        let steps = self.program.passes[k as usize].steps as usize;
        match entries {
            Some(n) if n != steps => Err(format!("it has {n} entries, the pass {steps} steps")),
            _ => Ok(()),
        }
    }

    /// The type of `v`, if it comes from a region that `may` allows.
    fn visible(&self, what: &str, v: Value, may: impl Fn(Region) -> bool) -> Result<Ty, VerifyError> {
        let fail = |message: String| VerifyError { value: Some(v), message: format!("{what}: {message}") };
        let Some((region, ty)) = self.defined.get(&v) else { return Err(fail(format!("{v} is not defined"))) };
        if !may(*region) {
            return Err(fail(format!("{v} is a value of {region}")));
        }
        if ty.elem != Elem::Real {
            return Err(fail(format!("{v} is a mask, a real vector is wanted")));
        }
        Ok(*ty)
    }

    fn states(&self) -> Result<(), VerifyError> {
        for (k, s) in self.program.states.iter().enumerate() {
            if s.ty.elem != Elem::Real || s.ty.width == 0 || s.ty.width > MAX_WIDTH {
                return Err(error(format!("state {k}: a state cannot be {}", s.ty)));
            }
            let init = self.visible(&format!("state {k}: init"), s.init, |r| Region::before(s.pass).sees(r))?;
            let next = self.visible(&format!("state {k}: next"), s.next, |r| Region::Step(s.pass).sees(r))?;
            for (part, v, ty) in [("init", s.init, init), ("next", s.next, next)] {
                if ty != s.ty {
                    let message = format!("state {k}: {part}: {v} is {ty}, the state is {}", s.ty);
                    return Err(VerifyError { value: Some(v), message });
                }
            }
        }
        Ok(())
    }

    fn results(&self) -> Result<(), VerifyError> {
        for o in &self.program.outputs {
            self.visible(&format!("output `{}`", o.name), o.value, Region::is_straight)?;
        }
        for t in &self.program.traces {
            self.visible(&format!("trace `{}`", t.name), t.value, |r| !r.is_straight())?;
        }
        Ok(())
    }

    fn directions(&self) -> Result<(), VerifyError> {
        let tangents = self.program.insts().any(|i| i.ty.tangent);
        match (self.program.directions > 0, tangents) {
            (false, true) => Err(error("there are tangents but no directions")),
            (true, false) => Err(error("there are directions but no tangents")),
            _ => Ok(()),
        }
    }

    fn sizes(&self) -> Result<(), VerifyError> {
        let p = self.program;
        let directions = u64::from(p.directions.max(1));
        let lanes = |ty: Ty| u64::from(ty.width) * if ty.tangent { directions } else { 1 };
        let of = |vs: &mut dyn Iterator<Item = Ty>| vs.fold(0u64, |n, ty| n.saturating_add(lanes(ty)));
        let ty = |v: Value| self.defined.get(&v).map_or(Ty::real(0), |d| d.1);
        let params = p.params.iter().fold(0u64, |n, w| n.saturating_add(u64::from(w.rows) * u64::from(w.cols)));
        let inputs = p.inputs.iter().fold(0u64, |n, i| n.saturating_add(u64::from(i.width)));
        let values = of(&mut p.insts().map(|i| i.ty)).saturating_add(of(&mut p.states.iter().map(|s| s.ty)));
        let outputs = of(&mut p.outputs.iter().map(|o| ty(o.value)));
        let traces = p.traces.iter().fold(0u64, |n, t| {
            let steps = match self.defined.get(&t.value) {
                Some((Region::Step(k), _)) => u64::from(p.passes[*k as usize].steps),
                _ => 0,
            };
            n.saturating_add(lanes(ty(t.value)).saturating_mul(steps))
        });
        for (what, len) in [
            ("parameters", params.saturating_mul(directions)),
            ("inputs", inputs.saturating_mul(MAX_TILE)),
            // Both halves of a state that is being replaced.
            ("values", values.saturating_mul(2 * MAX_TILE)),
            ("outputs", outputs.saturating_mul(MAX_TILE)),
            ("traces", traces.saturating_mul(MAX_TILE)),
        ] {
            if len > MAX_LEN {
                return Err(error(format!("the {what} need {len} numbers, more than {MAX_LEN}")));
            }
        }
        Ok(())
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), VerifyError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(error(format!("two {what}s are called `{name}`")));
        }
    }
    Ok(())
}
