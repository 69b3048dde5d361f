//! Decides what becomes one loop, and where every value lies.
//!
//! Runs of element-wise instructions over the same lanes become one [`Loop`], whose inner values never leave registers;
//! what crosses loops has a row in the point's *frame*, a piece of scratch. If the whole of `step` is one loop, time moves
//! inside it: the states of a few neurons stay in registers for all steps ([`PassPlan::interchanged`]).
//!
//! ```text
//! scratch: [rows that are the same for all points] [frame of point 0] [frame of point 1] …
//! frame:   [input][current][potential][trace]…     each row padded to whole vectors
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};

use super::LINE;
use super::normal::{is_source, normalise};
use super::stages::{Stage, stages};
use crate::exec::micro::Level;
use crate::exec::micro::feed::units;
use crate::func::{Binary, Unary};
use crate::ir::op::{Op, ParamId, StateId, Ty, Value};
use crate::ir::program::{Inst, Pass, Program, State};

/// Lanes of a row that holds `n` numbers.
pub(super) fn padded(n: usize) -> usize {
    if n <= 4 { 4 } else { n.next_multiple_of(8) }
}

/// A place in scratch, in numbers from the start of the fixed rows or of the point's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub fixed: bool,
    pub at: usize,
    /// Numbers to the same row of the next step, if it is kept for all of them; else 0.
    pub step: usize,
}

/// Where a value can be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// In double precision; rounded once where it is used.
    Const(f64),
    Table(u32),
    Row(Row),
    /// In the block of results of a stage's feed that starts here.
    Feed(usize),
}

/// Element-wise instructions over the lanes of one shape.
#[derive(Debug)]
pub(super) struct Loop {
    pub width: u32,
    pub tangent: bool,
    pub insts: Vec<Inst>,
    /// Values to be stored, after everything in the body is computed.
    pub stores: Vec<(Value, Row)>,
    /// Spikes whose bits are stored too, lane `i` as bit `i` of the row.
    pub bits: Vec<(Value, Row)>,
    /// Of a stage: values that are left in results of its blocks, which start here.
    pub results: Vec<(Value, usize)>,
    /// If all steps are run for a block of lanes before the next block: the states that it then holds.
    pub time: Option<Vec<StateId>>,
}

#[derive(Debug)]
pub(super) enum Item {
    Loop(Loop),
    /// A sum or a product, for the whole tile.
    Tile(Inst),
    /// Rows copied one after the other, point by point.
    Copy(Vec<(Row, Ty, Row)>),
    /// The step's row of a parameter, at this place in the parameters, copied to a row that all points share.
    Fetch {
        at: usize,
        width: u32,
        to: Row,
    },
}

/// Where a state lies: during the steps, and after them (see [`PassPlan::interchanged`]).
#[derive(Debug, Clone, Copy)]
pub(super) struct StatePlace {
    pub row: Row,
    pub last: Row,
}

/// What is copied between a caller's buffer and scratch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Buffer {
    Inputs,
    Params,
    Directions,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub level: Level,
    pub program: Program,
    /// Lanes of one unit of a tangent.
    pub lanes: usize,
    /// Length of the fixed rows, and of a frame.
    pub fixed: usize,
    pub frame: usize,
    /// Numbers of what is prepared for all tiles.
    pub prepared: usize,
    pub copies_in: Vec<(Buffer, usize, Ty, Row)>,
    pub init: Vec<Item>,
    pub passes: Vec<PassPlan>,
    pub states: Vec<StatePlace>,
    pub places: HashMap<Value, Place>,
    /// Where the bits of spikes lie that products read.
    pub bits: HashMap<Value, Row>,
    /// Where the weights of products with those bits lie in what is prepared.
    pub weights: BTreeMap<ParamId, usize>,
    pub types: HashMap<Value, Ty>,
    /// Points that are run together.
    pub points: usize,
    /// Outputs of a block of a stage.
    pub units: usize,
}

/// A pass through time.
#[derive(Debug)]
pub(super) struct PassPlan {
    pub steps: u32,
    pub step: Vec<Item>,
    /// Next values of states that could not be stored at once: copied at the end of a step, after the traces.
    pub carry: Vec<(Row, Ty, Row)>,
    /// Tangents that are run after the primal's last step.
    pub stages: Vec<Stage>,
    pub finish: Vec<Item>,
    /// All steps of `step`'s only loop are run for a block of lanes before the next block.
    pub interchanged: bool,
}

/// Rough number of machine instructions, for one vector.
pub(super) fn weight(op: &Op) -> usize {
    match op {
        Op::Unary(f, _) => match f {
            Unary::Neg | Unary::Abs | Unary::Sqrt | Unary::Floor | Unary::Ceil => 1,
            Unary::Sign | Unary::Heaviside | Unary::Relu => 4,
            _ => 40,
        },
        Op::Binary(Binary::Pow, ..) => 150,
        Op::Binary(Binary::Atan2, ..) => 50,
        _ => 1,
    }
}

/// A loop's body may weigh so much: register allocation is slow on longer ones.
const BODY_LIMIT: usize = 1500;
/// A loop over time may weigh so much.
const TIME_LIMIT: usize = 400;

pub(super) fn plan(program: &Program, level: Level) -> Plan {
    let program = normalise(program);
    let mut planner = Planner::new(&program);
    let mut done = HashSet::new();
    let mut init = planner.schedule(&program.init, &mut done);
    let mut passes: Vec<PassPlan> = vec![];
    for (k, pass) in program.passes.iter().enumerate() {
        let interchanged = planner.interchanged[k];
        let stages = if interchanged { None } else { stages(&program, k) };
        let step = match &stages {
            _ if interchanged => {
                let insts: Vec<Inst> = pass.step.iter().filter(|i| !is_source(&i.op)).cloned().collect();
                let (width, tangent) = widest(&insts);
                let states = program.states.iter().zip(0..).filter(|(s, _)| s.pass as usize == k);
                let time = Some(states.map(|(_, s)| StateId(s)).collect());
                vec![Item::Loop(Loop { width, tangent, insts, stores: vec![], bits: vec![], results: vec![], time })]
            }
            Some(_) => {
                let primal: Vec<Inst> = pass.step.iter().filter(|i| !i.ty.tangent).cloned().collect();
                planner.schedule(&primal, &mut done)
            }
            None => planner.schedule(&pass.step, &mut done),
        };
        let finish = planner.schedule(&pass.finish, &mut done);
        let stages = stages.unwrap_or_default();
        planner.staged.extend(stages.iter().flat_map(|s| s.body().time.iter().flatten()));
        passes.push(PassPlan { steps: pass.steps, step, carry: vec![], stages, finish, interchanged });
    }

    planner.sources();
    planner.state_rows(&passes);
    let straight = passes.iter().flat_map(|p| p.step.iter().chain(&p.finish));
    let events = events(&program, init.iter().chain(straight));
    planner.units = units(level);
    for (k, pass) in passes.iter_mut().enumerate() {
        planner.keep(k, &mut pass.stages);
    }
    let in_place = planner.in_place(&passes);
    planner.rows(&init, &passes, &in_place, &events);
    planner.weights(init.iter().chain(passes.iter().flat_map(|p| p.step.iter().chain(&p.finish))));
    let straight = passes.iter_mut().flat_map(|p| {
        let stages = p.stages.iter_mut().map(|s| std::slice::from_mut(&mut s.item));
        stages.chain([&mut p.step[..], &mut p.finish[..]])
    });
    for items in std::iter::once(&mut init[..]).chain(straight) {
        planner.stores(items);
        planner.concats(items);
    }
    for (k, pass) in passes.iter_mut().enumerate() {
        pass.step.splice(0..0, planner.fetches(k));
    }
    for (((s, place), in_place), id) in program.states.iter().zip(&planner.states).zip(in_place).zip(0..) {
        let pass = s.pass as usize;
        let earlier = passes[..pass].iter_mut().flat_map(|p| &mut p.finish);
        store_also(init.iter_mut().chain(earlier), s.init, place.row);
        let PassPlan { step, carry, interchanged, .. } = &mut passes[pass];
        match (in_place, planner.places.get(&s.next)) {
            // Of loops through all steps, the emitter stores the states after the last.
            _ if *interchanged || planner.staged.contains(&StateId(id)) => {}
            (true, _) => store_also(step.iter_mut(), s.next, place.row),
            (false, Some(Place::Row(from))) => carry.push((*from, s.ty, place.row)),
            (false, _) => unreachable!("a state's next value has a row"),
        }
    }
    // Vectors are read past a row's end by at most a vector; frames start on cache lines of different sets.
    let mut frame = (planner.frame + 16).next_multiple_of(16);
    if frame.is_multiple_of(512) {
        frame += 16;
    }
    let points = planner.points(frame, passes.iter().any(|p| !p.stages.is_empty()));
    let Planner { lanes, units, fixed, prepared, copies_in, states, places, bits, weights, types, .. } = planner;
    Plan {
        level,
        units,
        points,
        lanes,
        fixed: (fixed + 16).next_multiple_of(16),
        frame,
        prepared,
        copies_in,
        init,
        passes,
        states,
        places,
        bits,
        weights,
        types,
        program,
    }
}

/// Whether all of a pass's `step` can be one loop, with no trace to record in between.
fn interchangeable(p: &Program, pass: &Pass) -> bool {
    let traced = |i: &Inst| p.traces.iter().any(|t| t.value == i.value);
    if pass.step.iter().any(|i| traced(i) || !i.op.is_elementwise()) {
        return false;
    }
    let insts: Vec<Inst> = pass.step.iter().filter(|i| !is_source(&i.op)).cloned().collect();
    let (width, _) = widest(&insts);
    let weight: usize = insts.iter().map(|i| weight(&i.op)).sum();
    // Sources may be wider only if nothing reads them, which pruning rules out.
    !insts.is_empty() && weight <= TIME_LIMIT && insts.iter().all(|i| [1, width].contains(&i.ty.width))
}

fn widest(insts: &[Inst]) -> (u32, bool) {
    (insts.iter().map(|i| i.ty.width).max().unwrap_or(1), insts.iter().any(|i| i.ty.tangent))
}

/// Spikes that products with weights read, of loops in which bits can be made.
fn events<'i>(p: &Program, items: impl Iterator<Item = &'i Item> + Clone) -> HashSet<Value> {
    let loops = items.clone().filter_map(|i| if let Item::Loop(l) = i { Some(&l.insts) } else { None });
    let made: HashSet<Value> = loops.flatten().map(|i| i.value).filter(|v| p.is_event(*v)).collect();
    let read = items.filter_map(|i| match i {
        Item::Tile(Inst { op: Op::Dense { x, direction: false, .. }, .. }) => Some(*x),
        _ => None,
    });
    read.filter(|v| made.contains(v)).collect()
}

/// Has the loop that computes `v` store it to `row` too.
fn store_also<'i>(items: impl Iterator<Item = &'i mut Item>, v: Value, row: Row) {
    for item in items {
        if let Item::Loop(l) = item
            && l.insts.iter().any(|i| i.value == v)
        {
            l.stores.push((v, row));
            return;
        }
    }
    unreachable!("states are computed by element-wise instructions");
}

pub(super) struct Planner<'a> {
    pub(super) program: &'a Program,
    pub(super) lanes: usize,
    /// Outputs of a block of a stage.
    pub(super) units: usize,
    pub(super) fixed: usize,
    pub(super) frame: usize,
    pub(super) prepared: usize,
    /// Numbers of a frame of which few are ever touched, if surrogates are 0 nearly everywhere.
    pub(super) seldom: usize,
    copies_in: Vec<(Buffer, usize, Ty, Row)>,
    states: Vec<StatePlace>,
    pub(super) places: HashMap<Value, Place>,
    pub(super) bits: HashMap<Value, Row>,
    pub(super) weights: BTreeMap<ParamId, usize>,
    pub(super) types: HashMap<Value, Ty>,
    ops: HashMap<Value, &'a Op>,
    /// States of stages.
    staged: HashSet<StateId>,
    /// For each pass.
    interchanged: Vec<bool>,
}

impl<'a> Planner<'a> {
    fn new(program: &'a Program) -> Planner<'a> {
        Planner {
            program,
            staged: HashSet::new(),
            interchanged: program.passes.iter().map(|pass| interchangeable(program, pass)).collect(),
            lanes: padded(program.directions as usize),
            units: 0,
            fixed: 0,
            frame: 0,
            prepared: 0,
            seldom: 0,
            copies_in: vec![],
            states: vec![],
            places: HashMap::new(),
            bits: HashMap::new(),
            weights: BTreeMap::new(),
            types: program.insts().map(|i| (i.value, i.ty)).collect(),
            ops: program.insts().map(|i| (i.value, &i.op)).collect(),
        }
    }

    fn row(&mut self, ty: Ty, fixed: bool) -> Row {
        // A concatenation writes whole vectors: up to three numbers beyond its end.
        let n = if ty.tangent { ty.width as usize * self.lanes } else { padded(ty.width as usize) } + 4;
        let end = if fixed { &mut self.fixed } else { &mut self.frame };
        // Long rows start cache lines, so that no vector lies in two of them.
        let at = if n >= LINE { end.next_multiple_of(LINE) } else { *end };
        *end = at + n.next_multiple_of(8);
        Row { fixed, at, step: 0 }
    }

    /// Cuts a region into loops and the rest. Each loop takes everything that can go into it from the rest of the region.
    fn schedule(&self, region: &[Inst], done: &mut HashSet<Value>) -> Vec<Item> {
        let mut items = vec![];
        let mut rest: Vec<&Inst> = region.iter().collect();
        loop {
            rest.retain(|i| {
                let free = match &i.op {
                    Op::Slice { of, .. } => done.contains(of),
                    op => is_source(op),
                };
                if free {
                    done.insert(i.value);
                }
                !free
            });
            let Some(first) = rest.first() else { return items };
            if !first.op.is_elementwise() {
                done.insert(first.value);
                items.push(Item::Tile((*first).clone()));
                rest.remove(0);
                continue;
            }
            let (width, tangent) = (first.ty.width, first.ty.tangent);
            let mut insts = vec![];
            let mut size = 0;
            rest.retain(|i| {
                let w = weight(&i.op);
                let fits = i.op.is_elementwise() && (i.ty.width, i.ty.tangent) == (width, tangent);
                let fits = fits && (size == 0 || size + w <= BODY_LIMIT);
                if fits && i.op.operands().iter().all(|v| done.contains(v)) {
                    size += w;
                    done.insert(i.value);
                    insts.push((*i).clone());
                    return false;
                }
                true
            });
            items.push(Item::Loop(Loop {
                width,
                tangent,
                insts,
                stores: vec![],
                bits: vec![],
                results: vec![],
                time: None,
            }));
        }
    }

    /// Gives constants, inputs and parameters their places.
    fn sources(&mut self) {
        let p = self.program;
        let mut seen: Vec<(&Op, Row)> = vec![];
        for inst in p.insts() {
            let (buffer, at) = match &inst.op {
                Op::Const(x) => {
                    self.places.insert(inst.value, Place::Const(*x));
                    continue;
                }
                Op::Table(k) => {
                    self.places.insert(inst.value, Place::Table(*k));
                    continue;
                }
                Op::Row(_) => {
                    let row = self.row(inst.ty, true);
                    self.places.insert(inst.value, Place::Row(row));
                    continue;
                }
                Op::Input(k) => {
                    let before = &p.inputs[..*k as usize];
                    (Buffer::Inputs, before.iter().map(|i| i.width as usize).sum())
                }
                Op::Param(id) => (Buffer::Params, p.param_offset(*id)),
                Op::Direction(id) => (Buffer::Directions, p.param_offset(*id) * p.directions as usize),
                _ => continue,
            };
            let row = match seen.iter().find(|(op, _)| **op == inst.op) {
                Some((_, row)) => *row,
                None => {
                    let row = self.row(inst.ty, !matches!(buffer, Buffer::Inputs));
                    self.copies_in.push((buffer, at, inst.ty, row));
                    seen.push((&inst.op, row));
                    row
                }
            };
            self.places.insert(inst.value, Place::Row(row));
        }
    }

    /// Copies of the rows of parameters that a pass reads, at the start of its steps.
    fn fetches(&self, pass: usize) -> Vec<Item> {
        let fetch = |i: &Inst| match (&i.op, self.places.get(&i.value)) {
            (Op::Row(p), Some(Place::Row(to))) => {
                Some(Item::Fetch { at: self.program.param_offset(*p), width: i.ty.width, to: *to })
            }
            _ => None,
        };
        self.program.passes[pass].step.iter().filter_map(fetch).collect()
    }

    /// Gives states their rows, and the values that read them.
    fn state_rows(&mut self, passes: &[PassPlan]) {
        for s in &self.program.states {
            let row = self.row(s.ty, false);
            // A loop over wider lanes comes past a narrow state several times: it must find the first value each time.
            let apart = passes[s.pass as usize].interchanged
                && passes[s.pass as usize]
                    .step
                    .iter()
                    .any(|i| matches!(i, Item::Loop(l) if (l.width, l.tangent) != (s.ty.width, s.ty.tangent)));
            let last = if apart { self.row(s.ty, false) } else { row };
            self.states.push(StatePlace { row, last });
        }
        for pass in &self.program.passes {
            for (insts, after) in [(&pass.step, false), (&pass.finish, true)] {
                for inst in insts {
                    if let Op::State(s) = inst.op {
                        let place = self.states[s.0 as usize];
                        self.places.insert(inst.value, Place::Row(if after { place.last } else { place.row }));
                    }
                }
            }
        }
    }

    /// Gives a row to every value that is needed outside the loop that computes it; slices lie inside their operands.
    fn rows<'b>(&mut self, init: &'b [Item], passes: &'b [PassPlan], in_place: &[bool], events: &HashSet<Value>) {
        let p = self.program;
        let of_pass = |p: &'b PassPlan| p.step.iter().chain(p.stages.iter().map(|s| &s.item)).chain(&p.finish);
        let items: Vec<&Item> = init.iter().chain(passes.iter().flat_map(of_pass)).collect();
        let mut home: HashMap<Value, usize> = HashMap::new();
        for (k, item) in items.iter().enumerate() {
            for i in item.insts() {
                home.insert(i.value, k);
            }
        }
        let mut outside: HashSet<Value> = p.outputs.iter().chain(&p.traces).map(|o| o.value).collect();
        outside.extend(p.insts().filter(|i| matches!(i.op, Op::Slice { .. })).flat_map(|i| i.op.operands()));
        for (k, item) in items.iter().enumerate() {
            for i in item.insts() {
                let as_bits = |v: &Value| matches!(i.op, Op::Dense { direction: false, .. }) && events.contains(v);
                outside.extend(i.op.operands().into_iter().filter(|v| home.get(v) != Some(&k) && !as_bits(v)));
            }
            if let Item::Tile(inst) = item {
                outside.insert(inst.value);
            }
        }
        // A state that cannot be updated in place is copied from its next value's row.
        let copied = |(k, s): &(usize, &State)| {
            let swept = self.interchanged[s.pass as usize] || self.staged.contains(&StateId(*k as u32));
            !in_place[*k] && !swept
        };
        outside.extend(p.states.iter().enumerate().filter(copied).map(|(_, s)| s.next));
        for inst in p.insts() {
            if events.contains(&inst.value) {
                // Whole words of 64 bits.
                let row = self.row(Ty::real(2 * inst.ty.width.div_ceil(64)), false);
                self.bits.insert(inst.value, row);
            }
            if let Op::Slice { of, start, .. } = &inst.op {
                let Some(Place::Row(whole)) = self.places.get(of).copied() else {
                    unreachable!("a slice's operand has a row");
                };
                let unit = if inst.ty.tangent { self.lanes } else { 1 };
                let at = whole.at + *start as usize * unit;
                self.places.insert(inst.value, Place::Row(Row { at, ..whole }));
            } else if outside.contains(&inst.value) && !self.places.contains_key(&inst.value) {
                let row = self.row(inst.ty, false);
                self.places.insert(inst.value, Place::Row(row));
            }
        }
    }

    /// For each state, whether its next value may overwrite it at once: nothing reads the state later in the step, and
    /// within the loop that computes the next value it is read lane by lane.
    fn in_place(&self, passes: &[PassPlan]) -> Vec<bool> {
        let traced: HashSet<Value> = self.program.traces.iter().map(|o| o.value).collect();
        (self.program.states.iter().enumerate())
            .map(|(s, state)| {
                let step = &passes[state.pass as usize].step;
                let reads = |v: Value| self.root(v) == Some(s as u32);
                if traced.iter().any(|&v| reads(v)) {
                    return false;
                }
                let Some(at) = step.iter().position(|i| i.insts().iter().any(|i| i.value == state.next)) else {
                    return false;
                };
                let later = &step[at + 1..];
                let direct = |v: Value| matches!(self.ops[&v], Op::State(_));
                !later.iter().flat_map(Item::insts).flat_map(|i| i.op.operands()).any(reads)
                    && !step[at].insts().iter().flat_map(|i| i.op.operands()).any(|v| reads(v) && !direct(v))
            })
            .collect()
    }

    /// The state in whose row the value lies.
    fn root(&self, v: Value) -> Option<u32> {
        match self.ops.get(&v)? {
            Op::State(s) => Some(s.0),
            Op::Slice { of, .. } => self.root(*of),
            _ => None,
        }
    }

    fn stores(&self, items: &mut [Item]) {
        for item in items {
            if let Item::Loop(l) = item {
                for i in &l.insts {
                    if let Some(Place::Row(row)) = self.places.get(&i.value) {
                        l.stores.push((i.value, *row));
                    }
                    if let Some(row) = self.bits.get(&i.value) {
                        l.bits.push((i.value, *row));
                    }
                }
            }
        }
    }

    /// Turns concatenations into copies of rows.
    fn concats(&self, items: &mut [Item]) {
        for item in items {
            let Item::Tile(inst) = item else { continue };
            let Op::Concat(parts) = &inst.op else { continue };
            let row = |v: &Value| match self.places[v] {
                Place::Row(row) => row,
                _ => unreachable!("an operand of a concatenation has a row"),
            };
            let mut to = row(&inst.value);
            let mut copies = vec![];
            for v in parts {
                let ty = self.types[v];
                copies.push((row(v), ty, to));
                to.at += ty.width as usize * if ty.tangent { self.lanes } else { 1 };
            }
            *item = Item::Copy(copies);
        }
    }
}

impl Item {
    pub(super) fn as_loop(&self) -> Option<&Loop> {
        match self {
            Item::Loop(l) => Some(l),
            _ => None,
        }
    }

    fn insts(&self) -> &[Inst] {
        match self {
            Item::Loop(l) => &l.insts,
            Item::Tile(i) => std::slice::from_ref(i),
            Item::Copy(_) | Item::Fetch { .. } => &[],
        }
    }
}
