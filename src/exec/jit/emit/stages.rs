//! Emits [stages](crate::exec::jit::stages): tangents that go through all steps of a pass, fed block by block.

use std::collections::HashMap;

use cranelift::prelude::{InstBuilder, IntCC, Value as Clif};

use super::{Body, Emit, Emitter, Loop, Place, Row, bytes};
use crate::exec::jit::stages::{Feed, List, Stage};
use crate::exec::jit::wide::Which;
use crate::exec::micro::events::{BLOCK, width};
use crate::ir::op::Value;

impl<R: Emit> Emitter<'_, '_, '_, R> {
    /// A loop over some units of tangents, the first and how many, for one point.
    pub(super) fn units(
        &mut self,
        l: &Loop,
        frame: Clif,
        step: Option<Clif>,
        [first, count]: [Clif; 2],
        fed: Option<Clif>,
    ) {
        let one = [frame, self.scratch];
        let row = bytes::<R>(self.plan.lanes);
        let available = self.plan.lanes / R::LANES;
        let vectors = self.vectors(l, available);
        self.repeat(count, 1, &mut |e, k| {
            let unit = e.b.ins().iadd(first, k);
            let start = e.b.ins().imul_imm_s(unit, row);
            let number = e.b.ins().imul_imm_s(unit, bytes::<R>(1));
            let full = one.map(|o| e.b.ins().iadd(o, start));
            let unit = one.map(|o| e.b.ins().iadd(o, number));
            let start = e.b.ins().imul_imm_s(k, row);
            let fed = fed.map(|o| e.b.ins().iadd(o, start));
            e.blocks(available, vectors, full, &mut |e, full, offset| {
                let direction = one.map(|o| offset.map_or(o, |offset| e.b.ins().iadd(o, offset)));
                let fed = fed.map(|o| offset.map_or(o, |offset| e.b.ins().iadd(o, offset)));
                let (registers, masks) = (HashMap::new(), HashMap::new());
                let (first, bits) = (0, frame);
                e.body(l, Body { full, one, unit, direction, vectors, first, registers, bits, masks, step, fed });
            });
        });
    }

    /// A stage: block by block of its outputs what feeds it, its own loop, and lists of what comes of it, for all points.
    pub(super) fn stage(&mut self, stage: &Stage, steps: u32) {
        let l = stage.body();
        let steps = self.number(steps as usize);
        for feed in &stage.feeds {
            self.lists(feed, steps);
        }
        let width = self.number(l.width as usize);
        let fed = self.scratch;
        if stage.feeds.is_empty() {
            self.for_points(&mut |e, frame| {
                e.repeat(width, e.plan.units as i64, &mut |e, first| {
                    let count = e.count(width, first);
                    e.stage_units(l, frame, [first, count], fed);
                    stage.lists.iter().for_each(|list| e.support(list, frame, steps, [first, count]));
                });
            });
            return;
        }
        self.repeat(width, self.plan.units as i64, &mut |e, first| {
            let count = e.count(width, first);
            let packed: Vec<[Clif; 2]> = stage.feeds.iter().map(|f| e.packed(f, first)).collect();
            e.for_points(&mut |e, frame| {
                for (feed, packed) in stage.feeds.iter().zip(&packed) {
                    e.feed(feed, frame, steps, count, *packed);
                }
                e.stage_units(l, frame, [first, count], fed);
                stage.lists.iter().for_each(|list| e.support(list, frame, steps, [first, count]));
            });
        });
    }

    fn stage_units(&mut self, l: &Loop, frame: Clif, units: [Clif; 2], fed: Clif) {
        if !self.over_time(l, frame, Some(fed), units) {
            self.units(l, frame, None, units, Some(fed));
        }
    }

    /// Calls the code that a loop over time has of its own, for one point and some units, the first and how many; says whether
    /// there is any.
    pub(super) fn over_time(&mut self, l: &Loop, frame: Clif, fed: Option<Clif>, [first, count]: [Clif; 2]) -> bool {
        let Some(&code) = self.loops.get(&Which::of(l)) else { return false };
        let fed = fed.unwrap_or(self.scratch);
        self.b.ins().call(code, &[frame, self.scratch, fed, self.tables, first, count]);
        true
    }

    /// Where a value is kept, in numbers from the start of a frame, and from one step to the next.
    fn kept(&self, v: Value) -> Row {
        match self.plan.places[&v] {
            Place::Row(row) => row,
            _ => unreachable!("what a feed reads is kept"),
        }
    }

    fn lists(&mut self, feed: &Feed, steps: Clif) {
        let Some((v, list)) = feed.along.filter(|_| feed.lists) else { return };
        let row = self.kept(v);
        let [x, to] = [row, list].map(|row| self.b.ins().iadd_imm_s(self.frames, bytes::<R>(row.at)));
        let sizes = [feed.shape[0], self.plan.frame, row.step, list.step];
        let [n, point, x_step, list_step] = sizes.map(|n| self.number(n));
        let points = self.points;
        self.call("events", &[points, steps, n, x, point, x_step, to, point, list_step]);
    }

    /// Adds the units of a block of a stage to a list.
    fn support(&mut self, list: &List, frame: Clif, steps: Clif, [first, count]: [Clif; 2]) {
        let x = self.b.ins().iadd_imm_s(self.scratch, bytes::<R>(list.results));
        let [units, to] = [list.units, list.list].map(|row| self.b.ins().iadd_imm_s(frame, bytes::<R>(row.at)));
        let lanes = self.plan.lanes;
        let sizes = [lanes, self.plan.units * lanes, list.units.step, list.list.step];
        let [padded, x_step, units_step, list_step] = sizes.map(|n| self.number(n));
        self.call("support", &[steps, first, count, padded, x, x_step, units, units_step, to, list_step]);
    }

    /// Outputs of the block that starts at `first`.
    fn count(&mut self, width: Clif, first: Clif) -> Clif {
        let (left, most) = (self.b.ins().isub(width, first), self.number(self.plan.units));
        let is_full = self.b.ins().icmp(IntCC::UnsignedGreaterThan, left, most);
        self.b.ins().select(is_full, most, left)
    }

    /// Where a block's directions and weights lie.
    fn packed(&mut self, feed: &Feed, first: Clif) -> [Clif; 2] {
        let block = self.b.ins().ushr_imm_u(first, i64::from(self.plan.units.ilog2()));
        feed.packed.map(|row| {
            let offset = self.b.ins().imul_imm_s(block, bytes::<R>(row.step));
            let start = self.b.ins().iadd_imm_s(self.prepared, bytes::<R>(row.at));
            self.b.ins().iadd(start, offset)
        })
    }

    /// Puts the weights that spikes are multiplied with in blocks of columns, and the directions and weights of all feeds block
    /// by block, side by side.
    pub(super) fn pack(&mut self) {
        let plan = self.plan;
        for (&weight, &start) in &plan.weights {
            let param = &plan.program.params[weight.0 as usize];
            let (rows, columns) = (param.rows as usize, param.cols as usize);
            for first in (0..columns).step_by(BLOCK) {
                let n = BLOCK.min(columns - first);
                let from = self.b.ins().iadd_imm_s(self.params, bytes::<R>(plan.program.param_offset(weight) + first));
                let to = self.b.ins().iadd_imm_s(self.prepared, bytes::<R>(start + rows * first));
                let [rows, len, from_row, to_row] = [rows, n, columns, width(n)].map(|n| self.number(n));
                self.call("pack", &[rows, len, from, from_row, to, to_row]);
            }
        }
        for feed in plan.passes.iter().flat_map(|p| &p.stages).flat_map(|s| &s.feeds) {
            let width = self.number(feed.shape[1]);
            self.repeat(width, self.plan.units as i64, &mut |e, first| {
                let count = e.count(width, first);
                e.pack_block(feed, first, count);
            });
        }
    }

    fn pack_block(&mut self, feed: &Feed, first: Clif, count: Clif) {
        let lanes = self.plan.lanes;
        let at = self.plan.program.param_offset(feed.weight);
        let [rows, columns] = feed.shape;
        let packed = self.packed(feed, first);
        let wanted = [feed.along.is_some(), feed.through.is_some()];
        let buffers = [(self.directions, lanes), (self.params, 1)];
        for ((wanted, (buffer, lanes)), to) in wanted.into_iter().zip(buffers).zip(packed) {
            if !wanted {
                continue;
            }
            let offset = self.b.ins().imul_imm_s(first, bytes::<R>(lanes));
            let from = self.b.ins().iadd_imm_s(buffer, bytes::<R>(at * lanes));
            let from = self.b.ins().iadd(from, offset);
            let len = self.b.ins().imul_imm_s(count, lanes as i64);
            let sizes = [rows, columns * lanes, lanes, self.plan.units];
            let [rows, from_row, padded, units] = sizes.map(|n| self.number(n));
            match lanes {
                1 => self.call("pack", &[rows, len, from, from_row, to, units]),
                _ => self.call("directions", &[rows, len, units, padded, from, from_row, to]),
            }
        }
    }

    fn feed(&mut self, feed: &Feed, frame: Clif, steps: Clif, count: Clif, [v, w]: [Clif; 2]) {
        let none = self.number(0);
        let mut list = |part: Option<(Value, Row)>| match part {
            Some((_, row)) => (self.b.ins().iadd_imm_s(frame, bytes::<R>(row.at)), row.step),
            None => (none, 0),
        };
        let ((along, along_step), (through, through_step)) = (list(feed.along), list(feed.through));
        let dx = self.b.ins().iadd_imm_s(frame, bytes::<R>(feed.units.at));
        let y = self.b.ins().iadd_imm_s(self.scratch, bytes::<R>(feed.result.at));
        let lanes = self.plan.lanes;
        let units = self.plan.units;
        let sizes = [units, lanes, along_step, through_step, feed.units.step, units * lanes];
        let [units, padded, along_step, through_step, dx_step, y_step] = sizes.map(|n| self.number(n));
        let lists = [along, through, along_step, through_step];
        let (sizes, buffers) = ([steps, count, units, padded], [v, dx, dx_step, w, y, y_step]);
        self.call("feed", &[&sizes[..], &lists, &buffers].concat());
    }
}
