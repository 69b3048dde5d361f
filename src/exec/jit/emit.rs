//! Turns a plan into Cranelift's IR: one function that runs a tile.
//!
//! ```text
//! copy inputs and parameters into scratch
//! for point { init's loops }                 a product or sum between loops is a call for the whole tile
//! for each pass:
//!   for step { for point { step's loops } }  or, interchanged: for point { for lanes { for step { … } } }
//!   for point { finish's loops }
//! copy outputs out of scratch
//! ```

mod copies;
mod spikes;
mod stages;
mod steps;

use std::collections::HashMap;
use std::marker::PhantomData;

use cranelift::codegen::ir::{BlockArg, FuncRef};
use cranelift::prelude::{Block, FunctionBuilder, InstBuilder, IntCC, MemFlagsData, Value as Clif, types};

use super::lanes::{Constants, Emit, Lanes, Two};
use super::plan::{Buffer, Item, Loop, Place, Plan, Row, weight};
use super::wide::Which;
use crate::exec::kernel::TILE;
use crate::exec::math::Ops;
use crate::ir::op::{Elem, Op, Ty, Value};
use crate::ir::program::{Inst, TraceLayout};

/// Imported functions by name.
pub(super) type Callees = HashMap<&'static str, FuncRef>;
/// Loops that have code of their own.
pub(super) type Loops = HashMap<Which, FuncRef>;

/// Arguments of a compiled tile, all of pointer size: scratch, points, inputs, params, directions, prepared, tables, outputs,
/// traces.
pub(super) const ARGUMENTS: usize = 9;
/// Those of what prepares: prepared, params, directions.
pub(super) const PREPARING: usize = 3;

/// Emits the whole function; `b` stands in its entry block, which has the arguments.
pub(super) fn emit<R: Emit>(
    plan: &Plan,
    b: &mut FunctionBuilder<'_>,
    functions: (&Callees, &Loops),
    arguments: &[Clif],
) {
    let &[scratch, points, inputs, params, directions, prepared, tables, outputs, traces] = arguments else {
        unreachable!("a tile has {ARGUMENTS} arguments");
    };
    let mut e = emitter::<R>(plan, b, functions, [scratch, points, inputs, params, directions, prepared, tables]);
    if plan.points >= TILE {
        e.group([outputs, traces]);
    } else {
        // Fewer at a time, one group after the other in the same frames.
        let most = e.number(plan.points);
        e.repeat(points, plan.points as i64, &mut |e, first| {
            let left = e.b.ins().isub(points, first);
            let is_full = e.b.ins().icmp(IntCC::UnsignedGreaterThan, left, most);
            e.points = e.b.ins().select(is_full, most, left);
            let p = &plan.program;
            let moved = [(inputs, p.input_len()), (outputs, p.output_len()), (traces, p.trace_len())];
            let [inputs, outputs, traces] = moved.map(|(buffer, len)| {
                let offset = e.b.ins().imul_imm_s(first, bytes::<R>(len));
                e.b.ins().iadd(buffer, offset)
            });
            e.inputs = inputs;
            e.group([outputs, traces]);
        });
    }
    e.b.ins().return_(&[]);
}

/// Emits what is done once for all tiles.
pub(super) fn prepare<R: Emit>(
    plan: &Plan,
    b: &mut FunctionBuilder<'_>,
    functions: (&Callees, &Loops),
    arguments: &[Clif],
) {
    let &[prepared, params, directions] = arguments else {
        unreachable!("preparing has {PREPARING} arguments");
    };
    // Of a tile there is nothing.
    let none = b.ins().iconst(types::I64, 0);
    let mut e = emitter::<R>(plan, b, functions, [none, none, none, params, directions, prepared, none]);
    e.pack();
    e.b.ins().return_(&[]);
}

fn emitter<'p, 'a, 'f, R: Emit>(
    plan: &'p Plan,
    b: &'a mut FunctionBuilder<'f>,
    (callees, loops): (&'p Callees, &'p Loops),
    [scratch, points, inputs, params, directions, prepared, tables]: [Clif; 7],
) -> Emitter<'p, 'a, 'f, R> {
    let frames = b.ins().iadd_imm_s(scratch, bytes::<R>(plan.fixed));
    Emitter::<R> {
        precision: PhantomData,
        plan,
        b,
        callees,
        loops,
        constants: Constants::default(),
        scratch,
        frames,
        points,
        inputs,
        params,
        directions,
        prepared,
        tables,
        table_at: plan
            .program
            .tables
            .iter()
            .scan(0, |at, t| Some(std::mem::replace(at, *at + t.values.len())))
            .collect(),
        layouts: plan.program.trace_layout(),
        pass: 0,
        step: None,
    }
}

fn bytes<R: Emit>(numbers: usize) -> i64 {
    (numbers * R::BYTES) as i64
}

/// Memory that is there, with no promise about alignment.
fn plain() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

struct Emitter<'p, 'a, 'f, R> {
    precision: PhantomData<R>,
    plan: &'p Plan,
    b: &'a mut FunctionBuilder<'f>,
    callees: &'p Callees,
    loops: &'p Loops,
    constants: Constants,
    scratch: Clif,
    frames: Clif,
    points: Clif,
    inputs: Clif,
    params: Clif,
    directions: Clif,
    prepared: Clif,
    tables: Clif,
    /// Where each table starts.
    table_at: Vec<usize>,
    layouts: Vec<TraceLayout>,
    /// The pass being emitted, and its step if one is.
    pass: usize,
    step: Option<Clif>,
}

/// How a value's lanes relate to those of the loop around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    /// The same lanes.
    Full,
    /// One number for all lanes.
    One,
    /// In a loop over tangents: one number a unit.
    Unit,
    /// In a loop over tangents: the same tangent for all units.
    Direction,
}

pub(super) fn lie(l: &Loop, ty: Ty) -> Lie {
    if (ty.width, ty.tangent) == (l.width, l.tangent) {
        Lie::Full
    } else if ty.tangent {
        Lie::Direction
    } else if ty.width == 1 {
        Lie::One
    } else {
        Lie::Unit
    }
}

/// Emits a block, given the addresses moved on to it and how far, if they were moved.
type BlockBody<'b, E> = dyn FnMut(&mut E, [Clif; 2], Option<Clif>) + 'b;

/// A block of lanes in the making: addresses, and what is in registers.
#[derive(Clone)]
struct Body {
    /// Addresses of number 0 of the frame and of the fixed rows, moved on to where the block stands, for each lie.
    full: [Clif; 2],
    one: [Clif; 2],
    unit: [Clif; 2],
    direction: [Clif; 2],
    /// Vectors of the block, and the number of the first one counted from the addresses.
    vectors: usize,
    first: usize,
    /// A value has `vectors` vectors, or one if all its lanes in the block are equal.
    registers: HashMap<Value, Vec<Clif>>,
    /// Where the block's bits stand in their rows.
    bits: Clif,
    /// Of spikes, the masks.
    masks: HashMap<Value, Vec<Clif>>,
    step: Option<Clif>,
    /// In a stage: the address of number 0 of scratch, moved on to the unit's place in a block of feeds.
    fed: Option<Clif>,
}

impl Body {
    fn address(&self, lie: Lie, row: Row) -> Clif {
        let side = usize::from(row.fixed);
        match lie {
            Lie::Full => self.full[side],
            Lie::One => self.one[side],
            Lie::Unit => self.unit[side],
            Lie::Direction => self.direction[side],
        }
    }
}

impl<'p, 'f, R: Emit> Emitter<'p, '_, 'f, R> {
    /// Everything for the points of a group.
    fn group(&mut self, [outputs, traces]: [Clif; 2]) {
        let plan = self.plan;
        self.copy_in();
        self.items(&plan.init, None);
        for (k, pass) in plan.passes.iter().enumerate() {
            self.pass = k;
            if pass.interchanged {
                self.items(&pass.step, None);
            } else if !pass.step.is_empty() || !self.layouts[k].traces.is_empty() {
                let steps = self.number(pass.steps as usize);
                self.repeat(steps, 1, &mut |e, step| {
                    e.step = Some(step);
                    e.items(&pass.step, Some(step));
                    e.copy_traces(traces, step);
                    if !pass.carry.is_empty() {
                        e.for_points(&mut |e, frame| e.copy_rows(frame, &pass.carry));
                    }
                });
            }
            self.step = None;
            for stage in &pass.stages {
                self.stage(stage, pass.steps);
            }
            self.items(&pass.finish, None);
        }
        self.copy_out(outputs);
    }

    fn number(&mut self, n: usize) -> Clif {
        self.b.ins().iconst(types::I64, n as i64)
    }

    fn enter(&mut self, block: Block) {
        self.b.switch_to_block(block);
        self.constants.clear();
    }

    /// `for i in (0..end).step_by(by)`, tested at the top.
    fn repeat(&mut self, end: Clif, by: i64, body: &mut dyn FnMut(&mut Self, Clif)) {
        let (head, inside, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let i = self.b.append_block_param(head, types::I64);
        let zero = self.number(0);
        self.b.ins().jump(head, &[BlockArg::Value(zero)]);
        self.enter(head);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, i, end);
        self.b.ins().brif(more, inside, &[], after, &[]);
        self.enter(inside);
        body(self, i);
        let next = self.b.ins().iadd_imm_s(i, by);
        self.b.ins().jump(head, &[BlockArg::Value(next)]);
        self.b.seal_block(head);
        self.b.seal_block(inside);
        self.b.seal_block(after);
        self.enter(after);
    }

    fn for_points(&mut self, body: &mut dyn FnMut(&mut Self, Clif)) {
        let points = self.points;
        let stride = bytes::<R>(self.plan.frame);
        self.repeat(points, 1, &mut |e, p| {
            let offset = e.b.ins().imul_imm_s(p, stride);
            let frame = e.b.ins().iadd(e.frames, offset);
            body(e, frame);
        });
    }

    /// The address of a row of point 0, and the point stride.
    fn row(&mut self, row: Row) -> (Clif, Clif) {
        let base = if row.fixed { self.scratch } else { self.frames };
        let address = self.b.ins().iadd_imm_s(base, bytes::<R>(row.at));
        let address = self.at_step(address, row, self.step);
        let stride = self.number(if row.fixed { 0 } else { self.plan.frame });
        (address, stride)
    }

    /// The address of a kept row at a step, from that at the first.
    fn at_step(&mut self, address: Clif, row: Row, step: Option<Clif>) -> Clif {
        if row.step == 0 {
            return address;
        }
        let Some(step) = step else { unreachable!("kept rows are used in steps") };
        let offset = self.b.ins().imul_imm_s(step, bytes::<R>(row.step));
        self.b.ins().iadd(address, offset)
    }

    fn call(&mut self, name: &str, arguments: &[Clif]) {
        let callee = self.callees[name];
        self.b.ins().call(callee, arguments);
    }

    fn place(&self, v: Value) -> Row {
        match self.plan.places.get(&v) {
            Some(Place::Row(row)) => *row,
            _ => unreachable!("a value that leaves its loop has a row"),
        }
    }

    /// Emits items in order; neighbours that work point by point share a loop over the points.
    fn items(&mut self, items: &[Item], step: Option<Clif>) {
        let loops = self.loops;
        let own = |l: &Loop| loops.get(&Which::of(l)).filter(|_| l.time.is_none());
        let alone = |i: &Item| match i {
            Item::Tile(_) | Item::Fetch { .. } => true,
            Item::Loop(l) => own(l).is_some(),
            Item::Copy(_) => false,
        };
        for run in items.chunk_by(|a, b| !alone(a) && !alone(b)) {
            match run {
                [Item::Tile(inst)] => {
                    self.tile(inst);
                    continue;
                }
                [Item::Fetch { at, width, to }] => {
                    self.fetch(*at, *width, *to, step);
                    continue;
                }
                [Item::Loop(l)] if own(l).is_some() => {
                    let step = step.unwrap_or_else(|| self.number(0));
                    let arguments = [self.frames, self.scratch, self.points, self.tables, step, step];
                    self.b.ins().call(loops[&Which::of(l)], &arguments);
                    continue;
                }
                _ => {}
            }
            self.for_points(&mut |e, frame| {
                for item in run {
                    match item {
                        Item::Loop(l) => e.lanes(l, frame, step),
                        Item::Copy(copies) => e.copy_rows(frame, copies),
                        Item::Tile(_) | Item::Fetch { .. } => unreachable!("tile-wide work stands alone"),
                    }
                }
            });
        }
    }

    /// A sum or a product for all points.
    fn tile(&mut self, inst: &Inst) {
        let plan = self.plan;
        let (k, padded) = (plan.program.directions as usize, plan.lanes);
        let (y, y_point) = self.row(self.place(inst.value));
        let points = self.points;
        match &inst.op {
            Op::Sum(of) => {
                let ty = plan.types[of];
                let (x, x_point) = self.row(self.place(*of));
                let lanes = if ty.tangent { padded } else { 1 };
                let [units, lanes] = [ty.width as usize, lanes].map(|n| self.number(n));
                self.call("sum", &[points, units, lanes, x, x_point, lanes, y, y_point]);
            }
            Op::Dense { x: of, weight, direction } => {
                let ty = plan.types[of];
                let (buffer, scale) = if *direction { (self.directions, k) } else { (self.params, 1) };
                let offset = plan.program.param_offset(*weight) * scale;
                let (inputs, outputs) = (ty.width as usize, inst.ty.width as usize);
                let (name, sizes) = match (ty.tangent, direction) {
                    (false, true) => ("dense", vec![inputs, outputs * k, k, padded]),
                    (false, false) => ("dense", vec![inputs, outputs, 1, 1]),
                    (true, false) => ("tangent", vec![inputs, outputs, k, padded]),
                    (true, true) => ("both", vec![inputs, outputs, k, padded]),
                };
                if let Some(bits) = plan.bits.get(of).filter(|_| name == "dense" && !direction) {
                    let (x, x_point) = self.row(*bits);
                    let w = self.b.ins().iadd_imm_s(self.prepared, bytes::<R>(plan.weights[weight]));
                    let [inputs, outputs] = [inputs, outputs].map(|n| self.number(n));
                    self.call("fired", &[points, inputs, outputs, x, x_point, w, y, y_point]);
                    return;
                }
                let w = self.b.ins().iadd_imm_s(buffer, bytes::<R>(offset));
                let name = if name == "dense" && plan.program.is_event(*of) { "gather" } else { name };
                let (x, x_point) = self.row(self.place(*of));
                let mut arguments = vec![points];
                arguments.extend(sizes.into_iter().map(|n| self.number(n)));
                arguments.extend([x, x_point, w, y, y_point]);
                self.call(name, &arguments);
            }
            op => unreachable!("not work for a tile: {op:?}"),
        }
    }

    /// Vectors of a block: several, to hide the latency of one's chain behind the others', unless the body is long.
    fn vectors(&self, l: &Loop, available: usize) -> usize {
        let size: usize = l.insts.iter().map(|i| weight(&i.op)).sum();
        let most = if let Some(time) = &l.time {
            self.steps_shape(l, time).vectors
        } else if size <= 60 {
            if l.tangent || size <= 20 { 4 } else { 2 }
        } else {
            1
        };
        // Bits are stored by whole bytes.
        let most = if l.bits.is_empty() { most } else { most.max(8 / R::LANES) };
        [8, 4, 2, 1].into_iter().find(|n| *n <= most && available.is_multiple_of(*n)).unwrap_or(1)
    }

    /// A loop over lanes, for one point.
    fn lanes(&mut self, l: &Loop, frame: Clif, step: Option<Clif>) {
        let units = [0, l.width as usize].map(|n| self.number(n));
        if l.time.is_some() && self.over_time(l, frame, None, units) {
            return;
        }
        if l.tangent {
            self.units(l, frame, step, units, None);
            return;
        }
        let one = [frame, self.scratch];
        let per_row = super::plan::padded(l.width as usize);
        let vectors = self.vectors(l, per_row / R::LANES);
        self.blocks(per_row / R::LANES, vectors, one, &mut |e, full, offset| {
            // A byte of bits for eight lanes.
            let bits = match offset {
                Some(offset) if !l.bits.is_empty() => {
                    let passed = e.b.ins().ushr_imm_u(offset, i64::from((8 * R::BYTES).ilog2()));
                    e.b.ins().iadd(frame, passed)
                }
                _ => frame,
            };
            // Only tangents have the other lies.
            let (unit, direction) = (full, full);
            let (registers, masks) = (HashMap::new(), HashMap::new());
            let (first, fed) = (0, None);
            e.body(l, Body { full, one, unit, direction, vectors, first, registers, bits, masks, step, fed });
        });
    }

    /// Blocks of vectors along a row; no loop if it is only one.
    fn blocks(&mut self, available: usize, vectors: usize, origin: [Clif; 2], body: &mut BlockBody<'_, Self>) {
        if available == vectors {
            body(self, origin, None);
            return;
        }
        let end = self.number(available * 16);
        self.repeat(end, vectors as i64 * 16, &mut |e, offset| {
            let full = origin.map(|o| e.b.ins().iadd(o, offset));
            body(e, full, Some(offset));
        });
    }

    fn body(&mut self, l: &Loop, mut body: Body) {
        if let Some(time) = &l.time {
            self.all_steps(l, time, body);
            return;
        }
        for inst in &l.insts {
            self.inst(l, &mut body, inst);
        }
        for &(v, row) in &l.stores {
            let vectors = body.registers[&v].clone();
            self.store(l, &body, self.plan.types[&v], row, &vectors);
        }
        for &(v, row) in &l.bits {
            self.store_bits(&body, row, &body.masks[&v]);
        }
    }

    fn load(&mut self, l: &Loop, body: &Body, ty: Ty, row: Row) -> Vec<Clif> {
        let lie = lie(l, ty);
        let (vector, scalar) = if ty.elem == Elem::Mask { (R::M, R::MASK_SCALAR) } else { (R::F, R::SCALAR) };
        let address = self.at_step(body.address(lie, row), row, body.step);
        let at = bytes::<R>(row.at) as i32;
        match lie {
            Lie::Full | Lie::Direction => {
                let own = body.first..body.first + body.vectors;
                own.map(|k| self.b.ins().load(vector, plain(), address, at + 16 * k as i32)).collect()
            }
            Lie::One | Lie::Unit => {
                let x = self.b.ins().load(scalar, plain(), address, at);
                vec![self.b.ins().splat(vector, x)]
            }
        }
    }

    fn store(&mut self, l: &Loop, body: &Body, ty: Ty, row: Row, vectors: &[Clif]) {
        let lie = lie(l, ty);
        let address = self.at_step(body.address(lie, row), row, body.step);
        let at = bytes::<R>(row.at) as i32;
        match lie {
            Lie::Full | Lie::Direction => {
                for k in 0..body.vectors {
                    let at = at + 16 * (body.first + k) as i32;
                    self.b.ins().store(plain(), vectors[k % vectors.len()], address, at);
                }
            }
            Lie::One => {
                self.b.ins().store(plain(), vectors[0], address, at);
            }
            Lie::Unit => {
                let x = self.b.ins().extractlane(vectors[0], 0);
                self.b.ins().store(plain(), x, address, at);
            }
        }
    }

    /// Where a stage's block of this step lies, from number 0 of scratch on.
    fn in_block(&mut self, body: &Body) -> Clif {
        let (Some(step), Some(fed)) = (body.step, body.fed) else { unreachable!("stages have steps and blocks") };
        let offset = self.b.ins().imul_imm_s(step, bytes::<R>(self.plan.units * self.plan.lanes));
        self.b.ins().iadd(fed, offset)
    }

    /// Leaves a stage's value in the results of its block.
    fn store_result(&mut self, body: &Body, at: usize, vectors: &[Clif]) {
        let address = self.in_block(body);
        for k in 0..body.vectors {
            let at = bytes::<R>(at) as i32 + 16 * (body.first + k) as i32;
            self.b.ins().store(plain(), vectors[k % vectors.len()], address, at);
        }
    }

    /// An operand's vectors; loaded where it is not in registers.
    fn operand(&mut self, l: &Loop, body: &mut Body, v: Value) -> Vec<Clif> {
        if let Some(vectors) = body.registers.get(&v) {
            return vectors.clone();
        }
        let vectors = match self.plan.places.get(&v) {
            Some(Place::Const(x)) if self.constants.fresh => return vec![self.machine().f(R::new(*x))],
            Some(Place::Const(x)) => vec![self.machine().f(R::new(*x))],
            Some(Place::Table(k)) => {
                let Some(step) = body.step else { unreachable!("tables are read in steps") };
                let offset = self.b.ins().imul_imm_s(step, bytes::<R>(1));
                let address = self.b.ins().iadd(self.tables, offset);
                let at = bytes::<R>(self.table_at[*k as usize]) as i32;
                let x = self.b.ins().load(R::SCALAR, plain(), address, at);
                vec![self.b.ins().splat(R::F, x)]
            }
            Some(Place::Feed(at)) => {
                let address = self.in_block(body);
                let at = bytes::<R>(*at) as i32;
                let own = body.first..body.first + body.vectors;
                own.map(|k| self.b.ins().load(R::F, plain(), address, at + 16 * k as i32)).collect()
            }
            Some(Place::Row(row)) => self.load(l, body, self.plan.types[&v], *row),
            None => unreachable!("an operand of a loop is in a register or has a place"),
        };
        body.registers.insert(v, vectors.clone());
        vectors
    }

    fn machine(&mut self) -> Lanes<'_, 'f, R> {
        Lanes::new(self.b, &mut self.constants)
    }

    fn inst(&mut self, l: &Loop, body: &mut Body, inst: &Inst) {
        let operands: Vec<Vec<Clif>> = inst.op.operands().into_iter().map(|v| self.operand(l, body, v)).collect();
        let count = operands.iter().map(Vec::len).max().unwrap_or(1);
        let mask = inst.ty.elem == Elem::Mask;
        if let Op::Spike { of, strict, .. } | Op::SpikeAlong { of, strict, .. } = &inst.op {
            self.spikes(l, body, inst.value, (*of, *strict), &operands[0]);
            return;
        }
        let fresh = self.constants.fresh;
        let mut o = self.machine();
        if let (Op::Unary(f, _), [a, b], true) = (&inst.op, operands[0].as_slice(), fresh) {
            body.registers.insert(inst.value, R::unary(&mut Two(o), *f, [*a, *b]).to_vec());
            return;
        }
        let result = (0..count)
            .map(|k| {
                let x = |i: usize| operands[i][k % operands[i].len()];
                match &inst.op {
                    Op::Unary(f, _) => R::unary(&mut o, *f, x(0)),
                    Op::Binary(f, ..) => R::binary(&mut o, *f, x(0), x(1)),
                    Op::Fma(..) => o.fma(x(0), x(1), x(2)),
                    Op::Compare(f, ..) => o.compare(*f, x(0), x(1)),
                    Op::And(..) => o.and(x(0), x(1)),
                    Op::Or(..) => o.or(x(0), x(1)),
                    Op::Not(_) => o.not(x(0)),
                    Op::Select(..) => {
                        let (a, b) = (o.cast(R::F, x(1)), o.cast(R::F, x(2)));
                        let y = o.select(x(0), a, b);
                        if mask { o.cast(R::M, y) } else { y }
                    }
                    Op::Splat(..) => x(0),
                    op => unreachable!("not element-wise: {op:?}"),
                }
            })
            .collect();
        body.registers.insert(inst.value, result);
    }
}
