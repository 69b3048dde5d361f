//! Replaces values by others throughout a program.

use std::collections::{HashMap, HashSet};

use crate::ir::op::Value;
use crate::ir::program::Program;

/// Which values stand for which others; a replacement is never itself replaced.
#[derive(Debug, Default)]
pub(super) struct Substitution(HashMap<Value, Value>);

impl Substitution {
    /// From now on `by` stands for `v`.
    pub fn insert(&mut self, v: Value, by: Value) {
        let by = self.of(by);
        self.0.insert(v, by);
    }

    pub fn of(&self, v: Value) -> Value {
        self.0.get(&v).copied().unwrap_or(v)
    }

    /// Replaces every use. A trace keeps its value if the replacement is not one of `step`, where traces have to come from:
    /// the instruction replaced is still there.
    pub fn apply(&self, p: &mut Program) {
        for inst in p.insts_mut() {
            inst.op = inst.op.map(|v| self.of(v));
        }
        for s in &mut p.states {
            s.init = self.of(s.init);
            s.next = self.of(s.next);
        }
        for o in &mut p.outputs {
            o.value = self.of(o.value);
        }
        let step: HashSet<Value> = p.passes.iter().flat_map(|p| &p.step).map(|i| i.value).collect();
        for t in &mut p.traces {
            let by = self.of(t.value);
            if step.contains(&by) {
                t.value = by;
            }
        }
    }
}
