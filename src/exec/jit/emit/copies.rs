//! Rows copied as they are: from the caller's buffers and back, and within a point's frame.

use cranelift::prelude::InstBuilder;

use super::{Buffer, Clif, Emit, Emitter, Row, bytes, plain};
use crate::ir::op::{Ty, Value};

impl<R: Emit> Emitter<'_, '_, '_, R> {
    /// Units and lanes of a value in the caller's buffers.
    fn shape(&self, ty: Ty) -> (usize, usize) {
        let k = self.plan.program.directions as usize;
        if ty.tangent { (ty.width as usize, k) } else { (1, ty.width as usize) }
    }

    pub(super) fn copy_in(&mut self) {
        for &(buffer, at, ty, row) in &self.plan.copies_in {
            let (units, lanes) = self.shape(ty);
            let (to, to_point) = self.row(row);
            let (from, stride, points) = match buffer {
                Buffer::Inputs => (self.inputs, self.plan.program.input_len(), self.points),
                Buffer::Params => (self.params, 0, self.number(1)),
                Buffer::Directions => (self.directions, 0, self.number(1)),
            };
            let from = self.b.ins().iadd_imm_s(from, bytes::<R>(at));
            let [units, lanes, to_unit, stride] = [units, lanes, self.plan.lanes, stride].map(|n| self.number(n));
            self.call("copy", &[points, units, lanes, to, to_point, to_unit, from, stride, lanes]);
        }
    }

    /// Copies a value of every point to `to`.
    fn copy_value(&mut self, v: Value, to: Clif, stride: usize) {
        let (units, lanes) = self.shape(self.plan.types[&v]);
        let (from, from_point) = self.row(self.place(v));
        let [units, lanes, from_unit, stride] = [units, lanes, self.plan.lanes, stride].map(|n| self.number(n));
        let points = self.points;
        self.call("copy", &[points, units, lanes, to, stride, lanes, from, from_point, from_unit]);
    }

    pub(super) fn copy_out(&mut self, outputs: Clif) {
        let mut at = 0;
        for o in &self.plan.program.outputs {
            let to = self.b.ins().iadd_imm_s(outputs, bytes::<R>(at));
            self.copy_value(o.value, to, self.plan.program.output_len());
            at += self.plan.program.lanes(self.plan.types[&o.value]);
        }
    }

    pub(super) fn copy_traces(&mut self, traces: Clif, step: Clif) {
        let layout = self.layouts[self.pass].clone();
        if layout.traces.is_empty() {
            return;
        }
        let p = &self.plan.program;
        let offset = self.b.ins().imul_imm_s(step, bytes::<R>(layout.width));
        let start = self.b.ins().iadd(traces, offset);
        let len = p.trace_len();
        for t in &layout.traces {
            let to = self.b.ins().iadd_imm_s(start, bytes::<R>(layout.start + t.at));
            self.copy_value(p.traces[t.trace].value, to, len);
        }
    }

    /// Copies whole rows within a point's frame.
    pub(super) fn copy_rows(&mut self, frame: Clif, copies: &[(Row, Ty, Row)]) {
        for &(from, ty, to) in copies {
            let numbers = ty.width as usize * if ty.tangent { self.plan.lanes } else { 1 };
            let source = if from.fixed { self.scratch } else { frame };
            let source = self.at_step(source, from, self.step);
            let target = self.at_step(frame, to, self.step);
            let vectors = numbers.div_ceil(R::LANES);
            let copy = |e: &mut Self, source: Clif, target: Clif| {
                let v = e.b.ins().load(R::F, plain(), source, bytes::<R>(from.at) as i32);
                e.b.ins().store(plain(), v, target, bytes::<R>(to.at) as i32);
            };
            if vectors == 1 {
                copy(self, source, target);
                continue;
            }
            let end = self.number(vectors * 16);
            self.repeat(end, 16, &mut |e, offset| {
                let source = e.b.ins().iadd(source, offset);
                let target = e.b.ins().iadd(target, offset);
                copy(e, source, target);
            });
        }
    }

    /// Copies row `step` of a parameter to a row that all points share.
    pub(super) fn fetch(&mut self, at: usize, width: u32, to: Row, step: Option<Clif>) {
        let Some(step) = step else { unreachable!("rows are read in steps") };
        let offset = self.b.ins().imul_imm_s(step, bytes::<R>(width as usize));
        let from = self.b.ins().iadd(self.params, offset);
        let from = self.b.ins().iadd_imm_s(from, bytes::<R>(at));
        let (to, _) = self.row(to);
        let [one, width, none] = [1, width as usize, 0].map(|n| self.number(n));
        self.call("copy", &[one, one, width, to, none, none, from, none, none]);
    }
}
