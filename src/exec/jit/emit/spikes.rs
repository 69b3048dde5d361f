//! Spikes: comparisons, and the bits that products read.

use cranelift::prelude::{InstBuilder, types};

use super::{Body, Clif, Emit, Emitter, Loop, Row, bytes, plain};
use crate::exec::math::Ops;
use crate::func::Binary;
use crate::ir::op::{Op, Value};

impl<R: Emit> Emitter<'_, '_, '_, R> {
    /// 1 where x is above (or not below) 0, else 0; the masks are kept for [`Emitter::store_bits`].
    pub(super) fn spikes(&mut self, l: &Loop, body: &mut Body, value: Value, (of, strict): (Value, bool), x: &[Clif]) {
        let masks = self.fired(l, body, of, strict, x);
        let mut o = self.machine();
        let (zero, one) = (o.f(R::ZERO), o.f(R::ONE));
        let result = masks.iter().map(|&m| o.select(m, one, zero)).collect();
        body.masks.insert(value, masks);
        body.registers.insert(value, result);
    }

    /// Where x is above (or not below) 0.
    ///
    /// `a - b > 0` is `a > b`, infinities and NaN included; the difference is then not computed at all if nothing else wants it.
    fn fired(&mut self, l: &Loop, body: &mut Body, of: Value, strict: bool, x: &[Clif]) -> Vec<Clif> {
        let difference = l.insts.iter().find(|i| i.value == of).and_then(|i| match i.op {
            Op::Binary(Binary::Sub, a, b) => Some([a, b]),
            _ => None,
        });
        let difference = difference.map(|sides| sides.map(|v| self.operand(l, body, v)));
        let mut o = self.machine();
        match difference {
            Some([a, b]) if strict => (0..x.len()).map(|k| o.gt(a[k % a.len()], b[k % b.len()])).collect(),
            _ => {
                let zero = o.f(R::ZERO);
                x.iter().map(|&x| if strict { o.gt(x, zero) } else { o.ge(x, zero) }).collect()
            }
        }
    }

    /// Stores a block's spikes as bits.
    pub(super) fn store_bits(&mut self, body: &Body, row: Row, masks: &[Clif]) {
        let mut all: Option<Clif> = None;
        for k in 0..body.vectors {
            let bits = self.b.ins().vhigh_bits(types::I32, masks[k % masks.len()]);
            all = Some(match all {
                None => bits,
                Some(all) => {
                    let bits = self.b.ins().ishl_imm_u(bits, (k * R::LANES) as i64);
                    self.b.ins().bor(all, bits)
                }
            });
        }
        let (Some(all), at) = (all, bytes::<R>(row.at) as i32) else { return };
        match body.vectors * R::LANES {
            // Four only where they are all lanes of the row.
            4 | 8 => self.b.ins().istore8(plain(), all, body.bits, at),
            16 => self.b.ins().istore16(plain(), all, body.bits, at),
            n => unreachable!("a block of {n} lanes"),
        };
    }
}
