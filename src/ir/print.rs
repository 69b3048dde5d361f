//! The text form of programs, which [`read`](crate::ir::read) reads back: `read(print(p)) == p` for every valid program.
//!
//! ```text
//! program "u" steps 64 directions 0
//! input "coords" [2]
//! param "h.weight" [2 x 512] trainable
//! table "mean" [64] = 0.0488, …
//! init {
//!   %0 = input 0 : 2
//!   %1 = dense %0, "h.weight" : 512
//! }
//! state 0 : 512 = %1 next %4
//! step {
//!   %2 = state 0 : 512
//!   %3 = spike strict %2, triangle 1.0 : 512
//!   %4 = select %7, %2, %3 : 512
//! }
//! finish { … }
//! output "u" = %20
//! trace "spikes.h" = %3
//! ```
//!
//! Of several passes the header gives the steps of each, `steps 64, 16`, and the parts of all but the first name theirs:
//! `state 1 pass 1 : …`, `step 1 {`, `finish 1 {`.
//!
//! A type is a width, with `mask` or `tangent` before it. Numbers have as many digits as it takes to get the same bits
//! back. Parameters go by name, everything else by number. Regions without instructions are left out. From `#` to the end
//! of a line is a comment.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::ir::op::{Elem, Op, ParamId, Ty, Value};
use crate::ir::program::{Inst, Program, Region};

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl Display for Ty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.elem == Elem::Mask {
            f.write_str("mask ")?;
        }
        if self.tangent {
            f.write_str("tangent ")?;
        }
        write!(f, "{}", self.width)
    }
}

impl Display for Region {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Region::Init => f.write_str("init"),
            Region::Step(0) => f.write_str("step"),
            Region::Finish(0) => f.write_str("finish"),
            Region::Step(k) => write!(f, "step {k}"),
            Region::Finish(k) => write!(f, "finish {k}"),
        }
    }
}

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self.passes.iter().map(|p| p.steps.to_string()).collect();
        let steps = if steps.is_empty() { "0".to_string() } else { steps.join(", ") };
        writeln!(f, "program {} steps {steps} directions {}", quoted(&self.name), self.directions)?;
        for i in &self.inputs {
            writeln!(f, "input {} [{}]", quoted(&i.name), i.width)?;
        }
        for p in &self.params {
            let trainable = if p.trainable { " trainable" } else { "" };
            writeln!(f, "param {} [{} x {}]{trainable}", quoted(&p.name), p.rows, p.cols)?;
        }
        for t in &self.tables {
            let values: Vec<String> = t.values.iter().map(|v| format!("{v:?}")).collect();
            let space = if values.is_empty() { "" } else { " " };
            writeln!(f, "table {} [{}] ={space}{}", quoted(&t.name), t.values.len(), values.join(", "))?;
        }
        self.print_region(f, "init", &self.init)?;
        for (k, s) in self.states.iter().enumerate() {
            let pass = if s.pass == 0 { String::new() } else { format!(" pass {}", s.pass) };
            writeln!(f, "state {k}{pass} : {} = {} next {}", s.ty, s.init, s.next)?;
        }
        for (k, pass) in self.passes.iter().enumerate() {
            self.print_region(f, &Region::Step(k as u32).to_string(), &pass.step)?;
            self.print_region(f, &Region::Finish(k as u32).to_string(), &pass.finish)?;
        }
        for o in &self.outputs {
            writeln!(f, "output {} = {}", quoted(&o.name), o.value)?;
        }
        for t in &self.traces {
            writeln!(f, "trace {} = {}", quoted(&t.name), t.value)?;
        }
        Ok(())
    }
}

impl Program {
    fn print_region(&self, f: &mut Formatter<'_>, name: &str, insts: &[Inst]) -> fmt::Result {
        if insts.is_empty() {
            return Ok(());
        }
        writeln!(f, "{name} {{")?;
        for i in insts {
            writeln!(f, "  {}", self.print_inst(i))?;
        }
        writeln!(f, "}}")
    }

    /// One instruction as its line in the text form, without indentation.
    pub fn print_inst(&self, inst: &Inst) -> String {
        format!("{} = {} : {}", inst.value, self.print_op(&inst.op), inst.ty)
    }

    fn print_op(&self, op: &Op) -> String {
        match op {
            Op::Const(c) => format!("const {c:?}"),
            Op::Input(k) => format!("input {k}"),
            Op::Param(p) => format!("param {}", self.param_ref(*p)),
            Op::Direction(p) => format!("direction {}", self.param_ref(*p)),
            Op::State(s) => format!("state {}", s.0),
            Op::Table(k) => format!("table {k}"),
            Op::Row(p) => format!("row {}", self.param_ref(*p)),
            Op::Unary(g, a) => format!("{} {a}", g.name()),
            Op::Binary(g, a, b) => format!("{} {a}, {b}", g.name()),
            Op::Fma(a, b, c) => format!("fma {a}, {b}, {c}"),
            Op::Compare(g, a, b) => format!("{} {a}, {b}", g.name()),
            Op::And(a, b) => format!("and {a}, {b}"),
            Op::Or(a, b) => format!("or {a}, {b}"),
            Op::Not(a) => format!("not {a}"),
            Op::Select(c, a, b) => format!("select {c}, {a}, {b}"),
            Op::Spike { of, strict, surrogate } => {
                let strict = if *strict { "strict " } else { "" };
                format!("spike {strict}{of}, {} {:?}", surrogate.kind.name(), surrogate.scale)
            }
            Op::SpikeAlong { of, strict, slope } => {
                let strict = if *strict { "strict " } else { "" };
                format!("spike_along {strict}{of}, {slope}")
            }
            Op::Splat(a, width) => format!("splat {a}, {width}"),
            Op::Concat(vs) => {
                let vs: Vec<String> = vs.iter().map(Value::to_string).collect();
                format!("concat {}", vs.join(", "))
            }
            Op::Slice { of, start, len } => format!("slice {of}, start {start}, len {len}"),
            Op::Sum(a) => format!("sum {a}"),
            Op::Dense { x, weight, direction } => {
                let direction = if *direction { "direction " } else { "" };
                format!("dense {x}, {direction}{}", self.param_ref(*weight))
            }
        }
    }

    /// Malformed programs are printed too, in the verifier's messages.
    fn param_ref(&self, id: ParamId) -> String {
        self.params.get(id.0 as usize).map_or_else(|| format!("#{}", id.0), |p| quoted(&p.name))
    }
}

fn quoted(name: &str) -> String {
    let mut out = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            // A name never breaks the line it stands in.
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
