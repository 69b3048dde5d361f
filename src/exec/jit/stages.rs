//! Cuts the tangents of a pass into stages that run one after the other, each for all steps.
//!
//! Primal values never depend on tangents, and in a network without loops a layer's tangents depend on those of the layers
//! before it only. So the primal runs first, for all steps; what the tangents need of it, and later stages of earlier ones, is
//! kept for every step. A stage then goes through its outputs block by block: a block's weights and directions are fetched once
//! for all points and steps, and its states stay in registers.
//!
//! ```text
//! for step { primal }                                            keeps spikes and slopes
//! stage 1   for unit { for step { dv = 0.9 dv + dI … } }         keeps ds
//! stage 2   for block { x V + dx W for all steps;  for unit { for step { dv = 0.9 dv + feed … } } }
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::normal::is_source;
use super::plan::{Item, Loop, Place, Planner, Row, padded};
use crate::exec::micro::directions::HEAD;
use crate::exec::micro::feed::{MOST, list_len};
use crate::func::Binary;
use crate::ir::op::{Op, ParamId, StateId, Ty, Value};
use crate::ir::program::{Inst, Program};

/// Tangents of one width that need nothing of each other but through states.
#[derive(Debug)]
pub(super) struct Stage {
    /// One loop over all steps.
    pub item: Item,
    pub feeds: Vec<Feed>,
    pub lists: Vec<List>,
}

/// What later feeds want of a stage's tangents: those units that are not 0.
#[derive(Debug)]
pub(super) struct List {
    /// Where a block's results lie.
    pub results: usize,
    /// The list, and the units that it names side by side.
    pub list: Row,
    pub units: Row,
}

impl Stage {
    pub fn body(&self) -> &Loop {
        match &self.item {
            Item::Loop(l) => l,
            _ => unreachable!("a stage is a loop"),
        }
    }
}

/// x V, dx W, or their sum.
#[derive(Debug)]
pub(super) struct Feed {
    pub value: Value,
    pub weight: ParamId,
    /// Inputs and outputs of the layer.
    pub shape: [usize; 2],
    /// x, spikes, and the list of those that there are.
    pub along: Option<(Value, Row)>,
    /// dx, and the list of what is not 0 of it.
    pub through: Option<(Value, Row)>,
    /// Where the units of dx that are listed lie side by side.
    pub units: Row,
    /// Whether x is listed for this feed; else an earlier one has done it.
    pub lists: bool,
    /// Where a block's result lies.
    pub result: Row,
    /// Where the directions and the weights lie in what is prepared, block by block in place of step by step.
    pub packed: [Row; 2],
}

const NOWHERE: Row = Row { fixed: false, at: 0, step: 0 };

/// Instructions of a pass's steps by what they compute.
type Here<'a> = HashMap<Value, &'a Inst>;

/// The stages of a pass in order; `None` if it has no tangents, or tangents that cannot be run apart.
pub(super) fn stages(p: &Program, pass: usize) -> Option<Vec<Stage>> {
    let step = &p.passes[pass].step;
    // A unit of directions has to be as long in the caller's buffer as in scratch.
    if p.directions == 0 || padded(p.directions as usize) != p.directions as usize {
        return None;
    }
    let here: Here<'_> = step.iter().map(|i| (i.value, i)).collect();
    if p.traces.iter().any(|t| here.get(&t.value).is_some_and(|i| i.ty.tangent)) {
        return None;
    }
    let sums = sums(p, &here);
    let hidden: BTreeSet<Value> = sums.values().flat_map(|f| [f.0, f.1]).collect();
    let levels = levels(p, pass, &here, &sums)?;

    let mut stages: BTreeMap<(usize, u32), Stage> = BTreeMap::new();
    let computed = |i: &&Inst| {
        let plain = i.op.is_elementwise() && !is_source(&i.op);
        i.ty.tangent && plain && !sums.contains_key(&i.value) && !hidden.contains(&i.value)
    };
    for inst in step.iter().filter(computed) {
        let key = (levels[&inst.value], inst.ty.width);
        let stage = stages.entry(key).or_insert_with(|| {
            let l = Loop {
                width: key.1,
                tangent: true,
                insts: vec![],
                stores: vec![],
                bits: vec![],
                results: vec![],
                time: Some(vec![]),
            };
            Stage { item: Item::Loop(l), feeds: vec![], lists: vec![] }
        });
        for v in inst.op.operands() {
            let Some(operand) = here.get(&v).filter(|i| i.ty.tangent) else { continue };
            match operand.op {
                // A state that another stage replaces would have to be kept as well.
                Op::State(s) => {
                    let next = p.states[s.0 as usize].next;
                    if (levels[&next], operand.ty.width) != key {
                        return None;
                    }
                }
                _ if is_feed(&sums, operand) && stage.feeds.iter().all(|f| f.value != v) => {
                    stage.feeds.push(feed(p, &here, &sums, operand)?);
                }
                _ => {}
            }
        }
        if let Item::Loop(l) = &mut stage.item {
            l.insts.push(inst.clone());
        }
    }
    for (k, s) in p.states.iter().enumerate().filter(|(_, s)| s.pass as usize == pass && s.ty.tangent) {
        if let Item::Loop(Loop { time: Some(states), .. }) = &mut stages.get_mut(&(levels[&s.next], s.ty.width))?.item {
            states.push(StateId(k as u32));
        }
    }
    (!stages.is_empty()).then(|| stages.into_values().collect())
}

/// For each sum of x V and dx W of one layer where nothing else wants either: the two products, in this order.
fn sums(p: &Program, here: &Here<'_>) -> HashMap<Value, (Value, Value)> {
    let mut uses: HashMap<Value, usize> = HashMap::new();
    let states = p.states.iter().flat_map(|s| [s.init, s.next]);
    for v in p.insts().flat_map(|i| i.op.operands()).chain(states) {
        *uses.entry(v).or_default() += 1;
    }
    let replaced = |v: Value| p.states.iter().any(|s| s.next == v);
    let mut sums = HashMap::new();
    for inst in here.values().filter(|i| !replaced(i.value)) {
        let Op::Binary(Binary::Add, a, b) = inst.op else { continue };
        let own = |v: Value| here.get(&v).filter(|_| uses[&v] == 1);
        let (Some(a), Some(b)) = (own(a), own(b)) else { continue };
        // The sum is the same the other way round.
        for (a, b) in [(a, b), (b, a)] {
            if let Op::Dense { x, weight: v, direction: true } = &a.op
                && let Op::Dense { x: dx, weight, direction: false } = &b.op
                && (v == weight && a.ty == b.ty && p.is_event(*x))
                && here.contains_key(x)
                && here.get(dx).is_some_and(|i| i.ty.tangent)
            {
                sums.insert(inst.value, (a.value, b.value));
            }
        }
    }
    sums
}

fn is_feed(sums: &HashMap<Value, (Value, Value)>, inst: &Inst) -> bool {
    matches!(inst.op, Op::Dense { .. }) || sums.contains_key(&inst.value)
}

fn feed(p: &Program, here: &Here<'_>, sums: &HashMap<Value, (Value, Value)>, inst: &Inst) -> Option<Feed> {
    let parts = sums.get(&inst.value).map_or(vec![inst.value], |s| vec![s.0, s.1]);
    let mut feed = Feed {
        value: inst.value,
        weight: ParamId(0),
        shape: [0, inst.ty.width as usize],
        along: None,
        through: None,
        units: NOWHERE,
        lists: false,
        result: NOWHERE,
        packed: [NOWHERE; 2],
    };
    for v in parts {
        let Op::Dense { x, weight, direction } = here[&v].op else { return None };
        feed.weight = weight;
        feed.shape[0] = here[&x].ty.width as usize;
        *(if direction { &mut feed.along } else { &mut feed.through }) = Some((x, NOWHERE));
    }
    (feed.shape[0] <= MOST && !p.params[feed.weight.0 as usize].is_empty()).then_some(feed)
}

/// How many products lie behind each tangent; `None` if there are loops through them, or operations that stages do not have.
fn levels(
    p: &Program,
    pass: usize,
    here: &Here<'_>,
    sums: &HashMap<Value, (Value, Value)>,
) -> Option<HashMap<Value, usize>> {
    let step = &p.passes[pass].step;
    let mut levels: HashMap<Value, usize> = HashMap::new();
    let mut states: HashMap<u32, usize> = HashMap::new();
    // Each round that changes anything raises a level, and none is above the number of products.
    for _ in 0..step.len() + 2 {
        for inst in step.iter().filter(|i| i.ty.tangent) {
            let level = match &inst.op {
                Op::State(s) => states.get(&s.0).copied().unwrap_or(0),
                op if is_source(op) => 0,
                Op::Dense { x, direction: true, .. } => {
                    // Anything but spikes is left to the products of whole rows.
                    if !p.is_event(*x) || !here.contains_key(x) {
                        return None;
                    }
                    0
                }
                Op::Dense { x, direction: false, .. } => {
                    let dx = here.get(x).filter(|i| i.op.is_elementwise() && !is_source(&i.op))?;
                    if !dx.ty.tangent || sums.contains_key(x) {
                        return None;
                    }
                    levels[x] + 1
                }
                op if op.is_elementwise() => {
                    let mut level = 0;
                    for v in op.operands() {
                        let Some(operand) = here.get(&v) else { continue };
                        if operand.ty.tangent && operand.ty.width != inst.ty.width && !is_source(&operand.op) {
                            return None;
                        }
                        level = level.max(levels.get(&v).copied().unwrap_or(0));
                    }
                    level
                }
                _ => return None,
            };
            levels.insert(inst.value, level);
        }
        let mut changed = false;
        for (k, s) in p.states.iter().enumerate().filter(|(_, s)| s.pass as usize == pass && s.ty.tangent) {
            let level = *levels.get(&s.next)?;
            changed |= states.insert(k as u32, level).unwrap_or(0) != level;
        }
        if !changed {
            return Some(levels);
        }
    }
    None
}

impl Planner<'_> {
    /// Gives the stages' feeds and what is kept from step to step their places.
    pub(super) fn keep(&mut self, pass: usize, stages: &mut [Stage]) {
        let p = self.program;
        let steps = p.passes[pass].steps as usize;
        let here: Here<'_> = p.passes[pass].step.iter().filter(|i| !is_source(&i.op)).map(|i| (i.value, i)).collect();
        let whole = |mut v: Value| {
            while let Some(Op::Slice { of, .. }) = here.get(&v).map(|i| &i.op) {
                v = *of;
            }
            v
        };
        let (mut kept, mut read) = (BTreeSet::new(), BTreeSet::new());
        for stage in stages.iter() {
            let l = stage.body();
            let own = |v: &Value| l.insts.iter().any(|i| i.value == *v) || stage.feeds.iter().any(|f| f.value == *v);
            let fed = stage.feeds.iter().filter_map(|f| f.along).map(|(v, _)| v);
            let operands = l.insts.iter().flat_map(|i| i.op.operands()).filter(|v| !own(v));
            read.extend(operands.map(whole).filter(|v| here.contains_key(v)));
            kept.extend(fed.map(whole).filter(|v| here.contains_key(v)));
        }
        for &v in kept.union(&read) {
            let ty = self.types[&v];
            let row = self.kept(self.numbers(ty), steps);
            self.places.insert(v, Place::Row(row));
        }
        let (lanes, outputs) = (self.lanes, self.units);
        let mut lists: HashMap<Value, Row> = HashMap::new();
        // Of tangents: the list, and the units.
        let mut wanted: Vec<(Value, Row, Row)> = vec![];
        for feed in stages.iter_mut().flat_map(|s| &mut s.feeds) {
            let n = feed.shape[0];
            if let Some((v, list)) = &mut feed.along {
                feed.lists = !lists.contains_key(v);
                *list = *lists.entry(*v).or_insert_with(|| self.kept(list_len(n), steps));
            }
            if let Some((v, list)) = &mut feed.through {
                let known = wanted.iter().find(|w| w.0 == *v).copied();
                let new = known.unwrap_or_else(|| (*v, self.kept(list_len(n), steps), self.kept(n * lanes, steps)));
                if known.is_none() {
                    wanted.push(new);
                    self.seldom += n * lanes * steps;
                }
                (*list, feed.units) = (new.1, new.2);
            }
            feed.result = self.shared(steps * outputs * lanes);
            let blocks = feed.shape[1].div_ceil(outputs);
            feed.packed = [HEAD + n * outputs * lanes, n * outputs].map(|n| {
                let step = n.next_multiple_of(16);
                let at = self.prepared;
                self.prepared += step * blocks;
                Row { fixed: true, at, step }
            });
            self.places.insert(feed.value, Place::Feed(feed.result.at));
        }
        for (v, list, units) in wanted {
            let results = self.shared(steps * outputs * lanes).at;
            for stage in stages.iter_mut() {
                if let Item::Loop(l) = &mut stage.item
                    && l.insts.iter().any(|i| i.value == v)
                {
                    l.results.push((v, results));
                    stage.lists.push(List { results, list, units });
                }
            }
        }
    }

    fn numbers(&self, ty: Ty) -> usize {
        // A concatenation writes whole vectors: up to three numbers beyond its end.
        4 + if ty.tangent { ty.width as usize * self.lanes } else { padded(ty.width as usize) }
    }

    /// A row a step, on cache lines of their own.
    fn kept(&mut self, n: usize, steps: usize) -> Row {
        let (at, step) = (self.frame.next_multiple_of(16), n.next_multiple_of(16));
        self.frame = at + step * steps;
        Row { fixed: false, at, step }
    }

    fn shared(&mut self, n: usize) -> Row {
        let at = self.fixed.next_multiple_of(16);
        self.fixed = at + n.next_multiple_of(16);
        Row { fixed: true, at, step: 0 }
    }
}
