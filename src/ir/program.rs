//! A program of the IR.
//!
//! ```text
//! program "u" steps 64 directions 0
//! input "coords" [2]
//! param "h.tuned.weight" [2 x 512] normal 10
//! table "ema" [64] = 0.0488, …
//! init {
//!   %0 = input 0 : 2
//!   %1 = dense %0, "h.tuned.weight" : 512
//!   …
//! }
//! state 0 : 512 = %4 next %9
//! step {
//!   %5 = state 0 : 512
//!   …
//! }
//! finish { … }
//! output "u" = %20
//! ```

use crate::ir::op::{Op, ParamId, StateId, Ty, Value};

#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub name: String,
    /// Vectors given for each point, in order.
    pub inputs: Vec<Input>,
    /// Parameters in the order they stand in the flat parameter vector. A parameter's offset is the sum of the sizes of
    /// those before it; its layout is row-major `[rows][cols]`.
    pub params: Vec<Param>,
    /// Constants that depend on the time step only, `steps` values each.
    pub tables: Vec<Table>,
    /// Time steps; 0 if there is no `step` region.
    pub steps: u32,
    /// Directions that tangents are taken along; 0 if the program has no tangents.
    pub directions: u32,
    pub init: Vec<Inst>,
    pub states: Vec<State>,
    pub step: Vec<Inst>,
    pub finish: Vec<Inst>,
    /// Results for each point, from `init` or `finish`.
    pub outputs: Vec<Output>,
    /// Values of `step` that are recorded in every step.
    pub traces: Vec<Output>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub name: String,
    pub width: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    pub name: String,
    pub rows: u32,
    pub cols: u32,
    /// Perturbed and updated by training.
    pub trainable: bool,
}

impl Param {
    pub fn len(&self) -> usize {
        self.rows as usize * self.cols as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    pub values: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Inst {
    pub value: Value,
    pub ty: Ty,
    pub op: Op,
}

/// A vector carried from step to step: `init` is computed in the init region, `next` in the step region (or is an init
/// value or a state, if it never changes).
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub ty: Ty,
    pub init: Value,
    pub next: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub value: Value,
}

impl Program {
    pub fn new(name: impl Into<String>) -> Program {
        Program {
            name: name.into(),
            inputs: vec![],
            params: vec![],
            tables: vec![],
            steps: 0,
            directions: 0,
            init: vec![],
            states: vec![],
            step: vec![],
            finish: vec![],
            outputs: vec![],
            traces: vec![],
        }
    }

    /// All instructions, init first.
    pub fn insts(&self) -> impl Iterator<Item = &Inst> {
        self.init.iter().chain(&self.step).chain(&self.finish)
    }

    pub fn find(&self, v: Value) -> Option<&Inst> {
        self.insts().find(|i| i.value == v)
    }

    /// One more than the largest value number.
    pub fn next_value(&self) -> u32 {
        self.insts().map(|i| i.value.0 + 1).max().unwrap_or(0)
    }

    /// Length of the flat parameter vector.
    pub fn param_len(&self) -> usize {
        self.params.iter().map(Param::len).sum()
    }

    pub fn param_offset(&self, id: ParamId) -> usize {
        self.params[..id.0 as usize].iter().map(Param::len).sum()
    }

    pub fn param_by_name(&self, name: &str) -> Option<ParamId> {
        self.params.iter().position(|p| p.name == name).map(|i| ParamId(i as u32))
    }

    /// Numbers a point brings: the inputs one after the other.
    pub fn input_len(&self) -> usize {
        self.inputs.iter().map(|i| i.width as usize).sum()
    }

    /// Numbers a value holds for one point: `width`, times `directions` for a tangent.
    pub fn lanes(&self, ty: Ty) -> usize {
        ty.width as usize * if ty.tangent { self.directions as usize } else { 1 }
    }

    /// Numbers a point yields: the outputs one after the other.
    pub fn output_len(&self) -> usize {
        self.outputs.iter().map(|o| self.output_lanes(o)).sum()
    }

    /// Where an output starts within a point's results.
    pub fn output_offset(&self, name: &str) -> Option<usize> {
        let k = self.outputs.iter().position(|o| o.name == name)?;
        Some(self.outputs[..k].iter().map(|o| self.output_lanes(o)).sum())
    }

    fn output_lanes(&self, o: &Output) -> usize {
        self.find(o.value).map_or(0, |i| self.lanes(i.ty))
    }

    /// Numbers a point records: `[steps][all traces one after the other]`.
    pub fn trace_len(&self) -> usize {
        self.steps as usize * self.trace_width()
    }

    /// Numbers a point records in one step.
    pub fn trace_width(&self) -> usize {
        self.traces.iter().map(|t| self.output_lanes(t)).sum()
    }

    /// True if a `Dense` over this value skips zeros: the value is 0 or 1 because a spike made it.
    pub fn is_event(&self, v: Value) -> bool {
        self.find(v).is_some_and(|i| matches!(i.op, Op::Spike { .. } | Op::SpikeAlong { .. }) && !i.ty.tangent)
    }
}

/// Builds a region's instructions and gives out fresh values.
#[derive(Debug)]
pub struct Builder {
    pub program: Program,
    next: u32,
}

/// Where new instructions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    Init,
    Step,
    Finish,
}

impl Builder {
    pub fn new(program: Program) -> Builder {
        let next = program.next_value();
        Builder { program, next }
    }

    pub fn push(&mut self, region: Region, op: Op, ty: Ty) -> Value {
        let value = Value(self.next);
        self.next += 1;
        let list = match region {
            Region::Init => &mut self.program.init,
            Region::Step => &mut self.program.step,
            Region::Finish => &mut self.program.finish,
        };
        list.push(Inst { value, ty, op });
        value
    }

    /// A new state whose `next` is still to be set.
    pub fn state(&mut self, ty: Ty, init: Value) -> StateId {
        self.program.states.push(State { ty, init, next: init });
        StateId(self.program.states.len() as u32 - 1)
    }

    pub fn set_next(&mut self, s: StateId, next: Value) {
        self.program.states[s.0 as usize].next = next;
    }

    pub fn param(&mut self, name: impl Into<String>, rows: u32, cols: u32, trainable: bool) -> ParamId {
        self.program.params.push(Param { name: name.into(), rows, cols, trainable });
        ParamId(self.program.params.len() as u32 - 1)
    }

    pub fn finish(self) -> Program {
        self.program
    }
}
