//! Whether every place that a plan gives out lies within the memory that kernels are called with. The emitters take addresses from
//! the plan's places and from nowhere else, so a plan that passes makes code that stays inside; a plan is looked at before
//! anything is emitted from it, every time.

use std::collections::HashMap;

use super::JitError;
use super::plan::{Buffer, Item, Loop, Place, Plan, Row, padded};
use super::stages::Stage;
use crate::exec::micro::directions::HEAD;
use crate::exec::micro::events::width;
use crate::exec::micro::feed::list_len;
use crate::ir::op::{ParamId, Ty, Value};
use crate::ir::program::Pass;

/// # Errors
/// Names what lies outside: a fault of the compiler.
pub(super) fn check(plan: &Plan) -> Result<(), JitError> {
    let bounds = Bounds { plan };
    bounds.all().map_err(|what| JitError(format!("{}: {what} lies outside of its memory", plan.program.name)))
}

struct Bounds<'a> {
    plan: &'a Plan,
}

impl Bounds<'_> {
    fn numbers(&self, ty: Ty) -> usize {
        if ty.tangent { ty.width as usize * self.plan.lanes } else { padded(ty.width as usize) }
    }

    /// `n` numbers at a row, in each of so many steps.
    fn row(&self, row: Row, n: usize, steps: u32, what: &str) -> Result<(), String> {
        let len = if row.fixed { self.plan.fixed } else { self.plan.frame };
        let steps = if row.step == 0 { 0 } else { steps.saturating_sub(1) as usize };
        let inside = row.at + row.step * steps + n <= len && (row.step == 0 || row.step >= n);
        if inside { Ok(()) } else { Err(format!("{what} ({row:?}, {n} numbers)")) }
    }

    /// Slices end within their operand, which is padded; what is read beyond a row's end is at most a vector, for which rows,
    /// frames and the fixed rows have room behind them.
    fn ty(&self, row: Row, ty: Ty, steps: u32, what: &str) -> Result<(), String> {
        self.row(row, ty.width as usize * self.unit(ty), steps, what)
    }

    fn unit(&self, ty: Ty) -> usize {
        if ty.tangent { self.plan.lanes } else { 1 }
    }

    fn all(&self) -> Result<(), String> {
        let (plan, p) = (self.plan, &self.plan.program);
        for (buffer, at, ty, row) in &plan.copies_in {
            let (len, unit) = match buffer {
                Buffer::Inputs => (p.input_len(), 1),
                Buffer::Params => (p.param_len(), 1),
                Buffer::Directions => (p.param_len() * p.directions as usize, p.directions as usize),
            };
            if at + ty.width as usize * unit > len {
                return Err(format!("a copy of {buffer:?} from {at}"));
            }
            self.row(*row, self.numbers(*ty), 1, "what is copied in")?;
        }
        let of_pass = |pass: &'_ Pass| pass.step.iter().map(|i| (i.value, pass.steps)).collect::<Vec<_>>();
        let steps: HashMap<Value, u32> = p.passes.iter().flat_map(of_pass).collect();
        for (value, place) in &plan.places {
            let ty = plan.types[value];
            match place {
                Place::Row(row) => {
                    self.ty(*row, ty, steps.get(value).copied().unwrap_or(1), &format!("%{}", value.0))?;
                }
                Place::Table(k) => {
                    let table = p.tables.get(*k as usize).ok_or("a table that is not there")?;
                    let mut passes = p.passes.iter().filter(|pass| pass.step.iter().any(|i| i.value == *value));
                    if passes.any(|pass| table.values.len() < pass.steps as usize) {
                        return Err(format!("a step of table {k}"));
                    }
                }
                Place::Const(_) => {}
                // In the block of results of a feed, which is looked at with its stage.
                Place::Feed(at) => {
                    let mut known = plan.passes.iter().flat_map(|p| &p.stages).flat_map(|s| &s.feeds);
                    if !known.any(|f| f.result.at == *at) {
                        return Err(format!("the feed of %{}", value.0));
                    }
                }
            }
        }
        for (value, row) in &plan.bits {
            let words = 2 * plan.types[value].width.div_ceil(64) as usize;
            self.row(*row, words, 1, "bits of spikes")?;
        }
        for (weight, at) in &plan.weights {
            let param = &p.params[weight.0 as usize];
            if at + param.rows as usize * width(param.cols as usize) > plan.prepared {
                return Err("weights in blocks".into());
            }
        }
        for (state, place) in p.states.iter().zip(&plan.states) {
            self.ty(place.row, state.ty, 1, "a state")?;
            self.ty(place.last, state.ty, 1, "a state after its steps")?;
        }
        let items = plan.passes.iter().flat_map(|p| p.step.iter().chain(&p.finish));
        for item in plan.init.iter().chain(items) {
            self.item(item)?;
        }
        for pass in &plan.passes {
            for (from, ty, to) in &pass.carry {
                self.ty(*from, *ty, 1, "what is carried over")?;
                self.ty(*to, *ty, 1, "where it is carried to")?;
            }
            for stage in &pass.stages {
                self.stage(stage, pass.steps)?;
            }
        }
        Ok(())
    }

    fn item(&self, item: &Item) -> Result<(), String> {
        match item {
            Item::Loop(l) => self.stores(l),
            Item::Tile(_) => Ok(()),
            Item::Copy(copies) => copies.iter().try_for_each(|(from, ty, to)| {
                self.ty(*from, *ty, 1, "what is joined")?;
                // Whole vectors are written, up to three numbers beyond the end.
                self.row(*to, ty.width as usize * self.unit(*ty) + 3, 1, "a part of a row")
            }),
            Item::Fetch { at, width, to } => {
                let p = &self.plan.program;
                let width = *width as usize;
                let whole = p.params.iter().zip(0..).any(|(param, k)| {
                    let start = p.param_offset(ParamId(k));
                    start == *at && param.cols as usize >= width && param.rows >= 1
                });
                if !whole {
                    return Err(format!("the row of a parameter at {at}"));
                }
                self.row(*to, width, 1, "where it goes")
            }
        }
    }

    fn stores(&self, l: &Loop) -> Result<(), String> {
        let ty = Ty { tangent: l.tangent, ..Ty::real(l.width) };
        l.stores.iter().try_for_each(|(v, row)| {
            let ty = self.plan.types.get(v).copied().unwrap_or(ty);
            self.ty(*row, ty, 1, &format!("where %{} is stored", v.0))
        })
    }

    fn stage(&self, stage: &Stage, steps: u32) -> Result<(), String> {
        let plan = self.plan;
        let block = plan.units * plan.lanes;
        let results = |at: usize| {
            let row = Row { fixed: true, at, step: 0 };
            self.row(row, steps as usize * block, 1, "results of a block")
        };
        self.stores(stage.body())?;
        stage.body().results.iter().try_for_each(|(_, at)| results(*at))?;
        for feed in &stage.feeds {
            let n = feed.shape[0];
            results(feed.result.at)?;
            for (_, list) in [feed.along, feed.through].into_iter().flatten() {
                self.row(list, list_len(n), steps, "a list")?;
            }
            if feed.through.is_some() {
                self.row(feed.units, n * plan.lanes, steps, "units of a feed")?;
            }
            let blocks = feed.shape[1].div_ceil(plan.units);
            for (row, n) in feed.packed.iter().zip([HEAD + n * block, n * plan.units]) {
                if row.step < n || row.at + row.step * blocks > plan.prepared {
                    return Err("what is packed".into());
                }
            }
        }
        for list in &stage.lists {
            results(list.results)?;
            let n = stage.body().width as usize;
            self.row(list.list, list_len(n), steps, "a list")?;
            self.row(list.units, n * plan.lanes, steps, "units of a list")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::jit::plan::plan;
    use crate::exec::micro::Level;
    use crate::ir::read::read;

    /// Each place of a plan, moved out of its memory, is noticed.
    #[test]
    fn what_lies_outside_is_noticed() {
        let program = read(
            "program \"p\" steps 3 directions 0
             input \"x\" [5]
             param \"w\" [5 x 70] trainable
             init {
               %0 = input 0 : 5
               %1 = dense %0, \"w\" : 70
               %9 = const 0.0 : 1
               %2 = splat %9, 70 : 70
             }
             state 0 : 70 = %2 next %4
             step {
               %3 = state 0 : 70
               %4 = add %3, %1 : 70
             }
             finish {
               %5 = state 0 : 70
               %6 = sum %5 : 1
             }
             output \"y\" = %6",
        )
        .expect("reads");
        let sound = || plan(&program, Level::best());
        assert_eq!(check(&sound()), Ok(()));
        let rows = sound().places.values().filter(|p| matches!(p, Place::Row(_))).count();
        assert!(rows >= 4);
        let values: Vec<_> = sound().places.keys().copied().collect();
        for value in values {
            let mut plan = sound();
            let Some(Place::Row(row)) = plan.places.get_mut(&value) else { continue };
            row.at += 10_000;
            assert!(check(&plan).is_err(), "%{}", value.0);
        }
        let mut plan = sound();
        plan.states[0].row.at = plan.frame;
        assert!(check(&plan).is_err(), "a state");
        let mut plan = sound();
        plan.copies_in[0].1 += 1;
        assert!(check(&plan).is_err(), "an input");
    }

    #[test]
    fn weights_in_blocks_lie_within_what_is_prepared() {
        let program = read(
            "program \"p\" steps 3 directions 0
             input \"x\" [5]
             param \"w\" [5 x 70] trainable
             init {
               %0 = input 0 : 5
               %9 = const 0.0 : 1
               %1 = splat %9, 5 : 5
               %2 = splat %9, 70 : 70
             }
             state 0 : 5 = %1 next %4
             state 1 : 70 = %2 next %8
             step {
               %3 = state 0 : 5
               %4 = add %3, %0 : 5
               %5 = spike strict %4, triangle 0.5 : 5
               %6 = state 1 : 70
               %7 = dense %5, \"w\" : 70
               %8 = add %6, %7 : 70
             }
             finish {
               %10 = state 1 : 70
               %11 = sum %10 : 1
             }
             output \"y\" = %11",
        )
        .expect("reads");
        let mut plan = plan(&program, Level::best());
        assert_eq!(check(&plan), Ok(()));
        // 64 columns, and 6 that take 16.
        assert_eq!(plan.prepared, 5 * 80);
        plan.weights.values_mut().for_each(|at| *at += 1);
        assert!(check(&plan).is_err());
    }
}
