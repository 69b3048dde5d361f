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
//!
//! Time may be gone through several times, a *pass* each: a value decoded after one pass is what the next is driven by. A
//! program without steps has no pass.

use crate::ir::op::{Op, ParamId, StateId, Ty, Value};

#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub name: String,
    /// Vectors given for each point, in order.
    pub inputs: Vec<Input>,
    /// Parameters in the order they stand in the flat parameter vector. A parameter's offset is the sum of the sizes of
    /// those before it; its layout is row-major `[rows][cols]`.
    pub params: Vec<Param>,
    /// Constants that depend on the time step only: a value a step of the passes that read them.
    pub tables: Vec<Table>,
    /// Directions that tangents are taken along; 0 if the program has no tangents.
    pub directions: u32,
    /// Runs once a point, before everything else.
    pub init: Vec<Inst>,
    /// The states of all passes.
    pub states: Vec<State>,
    /// The passes through time, in order.
    pub passes: Vec<Pass>,
    /// Results for each point, from `init` or a `finish`.
    pub outputs: Vec<Output>,
    /// Values of a `step` that are recorded in each of its steps.
    pub traces: Vec<Output>,
}

/// One pass through time: `step` runs `steps` times, `finish` once afterwards. It sees what was computed before it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pass {
    /// At least 1.
    pub steps: u32,
    pub step: Vec<Inst>,
    pub finish: Vec<Inst>,
}

impl Pass {
    pub fn new(steps: u32) -> Pass {
        Pass { steps, ..Pass::default() }
    }
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

/// A vector carried from step to step of one pass: `init` is computed before the pass, `next` in its steps (or is an
/// earlier value or a state, if it never changes).
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The pass, from 0.
    pub pass: u32,
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
            directions: 0,
            init: vec![],
            states: vec![],
            passes: vec![],
            outputs: vec![],
            traces: vec![],
        }
    }

    /// A program with one pass of so many steps; without steps, with none.
    pub fn with_steps(name: impl Into<String>, steps: u32) -> Program {
        let mut program = Program::new(name);
        if steps > 0 {
            program.passes.push(Pass::new(steps));
        }
        program
    }

    /// All instructions, in the order they run.
    pub fn insts(&self) -> impl Iterator<Item = &Inst> {
        self.init.iter().chain(self.passes.iter().flat_map(|p| p.step.iter().chain(&p.finish)))
    }

    pub fn insts_mut(&mut self) -> impl Iterator<Item = &mut Inst> {
        self.init.iter_mut().chain(self.passes.iter_mut().flat_map(|p| p.step.iter_mut().chain(&mut p.finish)))
    }

    /// The regions there are, in the order they run.
    pub fn regions(&self) -> Vec<Region> {
        let passes = (0..self.passes.len() as u32).flat_map(|k| [Region::Step(k), Region::Finish(k)]);
        std::iter::once(Region::Init).chain(passes).collect()
    }

    /// The instructions of a region that exists.
    pub fn region(&self, region: Region) -> &Vec<Inst> {
        match region {
            Region::Init => &self.init,
            Region::Step(k) => &self.passes[k as usize].step,
            Region::Finish(k) => &self.passes[k as usize].finish,
        }
    }

    pub fn region_mut(&mut self, region: Region) -> &mut Vec<Inst> {
        match region {
            Region::Init => &mut self.init,
            Region::Step(k) => &mut self.passes[k as usize].step,
            Region::Finish(k) => &mut self.passes[k as usize].finish,
        }
    }

    /// The region that computes a value.
    pub fn home(&self, v: Value) -> Option<Region> {
        self.regions().into_iter().find(|r| self.region(*r).iter().any(|i| i.value == v))
    }

    /// The steps of all passes.
    pub fn total_steps(&self) -> u32 {
        self.passes.iter().map(|p| p.steps).sum()
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

    /// Numbers a point records: the passes one after the other, each `[steps][its traces one after the other]`.
    pub fn trace_len(&self) -> usize {
        self.trace_layout().last().map_or(0, |t| t.end)
    }

    /// Where each pass's records lie within a point's.
    pub fn trace_layout(&self) -> Vec<TraceLayout> {
        let mut out: Vec<TraceLayout> = vec![];
        let mut start = 0;
        for (k, pass) in self.passes.iter().enumerate() {
            let mut width = 0;
            let mut traces = vec![];
            for (i, t) in self.traces.iter().enumerate() {
                if let Some(inst) = pass.step.iter().find(|inst| inst.value == t.value) {
                    let lanes = self.lanes(inst.ty);
                    traces.push(TracePlace { trace: i, at: width, lanes });
                    width += lanes;
                }
            }
            let end = start + pass.steps as usize * width;
            out.push(TraceLayout { pass: k as u32, steps: pass.steps, start, width, end, traces });
            start = end;
        }
        out
    }

    /// True if a `Dense` over this value skips zeros: the value is 0 or 1 because a spike made it.
    pub fn is_event(&self, v: Value) -> bool {
        self.find(v).is_some_and(|i| matches!(i.op, Op::Spike { .. } | Op::SpikeAlong { .. }) && !i.ty.tangent)
    }
}

/// The records of one pass, for one point: `[steps][width]` numbers from `start` to `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLayout {
    pub pass: u32,
    pub steps: u32,
    pub start: usize,
    pub width: usize,
    pub end: usize,
    /// The traces recorded in it, in the program's order.
    pub traces: Vec<TracePlace>,
}

/// Where a trace (by its number in the program) lies in the `width` numbers of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TracePlace {
    pub trace: usize,
    pub at: usize,
    pub lanes: usize,
}

/// Builds a region's instructions and gives out fresh values.
#[derive(Debug)]
pub struct Builder {
    pub program: Program,
    next: u32,
}

/// Where instructions stand: before all passes, in the steps of one, or after one and before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    Init,
    Step(u32),
    Finish(u32),
}

impl Region {
    /// Its place in the order in which regions run.
    pub fn order(self) -> u32 {
        match self {
            Region::Init => 0,
            Region::Step(k) => 2 * k + 1,
            Region::Finish(k) => 2 * k + 2,
        }
    }

    /// Code that runs once: its values are seen by all that runs later. Those of steps are seen in the same step only.
    pub fn is_straight(self) -> bool {
        !matches!(self, Region::Step(_))
    }

    /// Whether instructions here may use values of `definer` (those before them, if it is the same region).
    pub fn sees(self, definer: Region) -> bool {
        definer == self || definer.is_straight() && definer.order() < self.order()
    }

    /// The later of two regions.
    pub fn later(self, other: Region) -> Region {
        if other.order() > self.order() { other } else { self }
    }

    /// The straight code just before a pass.
    pub fn before(pass: u32) -> Region {
        match pass {
            0 => Region::Init,
            k => Region::Finish(k - 1),
        }
    }
}

impl Builder {
    pub fn new(program: Program) -> Builder {
        let next = program.next_value();
        Builder { program, next }
    }

    pub fn push(&mut self, region: Region, op: Op, ty: Ty) -> Value {
        let value = Value(self.next);
        self.next += 1;
        self.program.region_mut(region).push(Inst { value, ty, op });
        value
    }

    /// A new state of a pass, whose `next` is still to be set.
    pub fn state(&mut self, pass: u32, ty: Ty, init: Value) -> StateId {
        self.program.states.push(State { pass, ty, init, next: init });
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
