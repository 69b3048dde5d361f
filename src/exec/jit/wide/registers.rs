//! Gives the registers of a [`Record`](super::record::Record) places of the machine's, without ever putting one aside.

use super::record::{Inst, Kind};

/// Where a register of a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// With the state of this number, which has one for the whole loop.
    State(usize),
    /// One of those that are used anew for each copy of the step.
    Passing(usize),
}

#[derive(Debug)]
pub(super) struct Homes {
    pub vectors: Vec<Home>,
    /// From 0.
    pub masks: Vec<usize>,
    /// How many are needed for what passes.
    pub passing: usize,
    pub passing_masks: usize,
}

/// Register `k` holds state `k` at the start of a step, register `next[k]` its next value, at the end.
pub(super) fn assign(insts: &[Inst], registers: u32, masks: u32, next: &[u32]) -> Homes {
    let end = insts.len();
    let mut last = vec![0; registers as usize];
    let mut last_mask = vec![0; masks as usize];
    for (at, inst) in insts.iter().enumerate() {
        inst.reads().for_each(|r| last[r as usize] = at);
        inst.masks.iter().flatten().for_each(|&m| last_mask[m as usize] = at);
    }
    next.iter().for_each(|&r| last[r as usize] = end);

    let mut homes = Homes {
        vectors: (0..registers as usize).map(Home::State).collect(),
        masks: vec![0; masks as usize],
        passing: 0,
        passing_masks: 0,
    };
    let (mut free, mut free_masks) = (vec![], vec![]);
    for (at, inst) in insts.iter().enumerate() {
        // What is read for the last time makes room for what is written.
        let mut ending: Vec<u32> = inst.reads().filter(|r| last[*r as usize] == at).collect();
        ending.sort_unstable();
        ending.dedup();
        for r in ending {
            if let Home::Passing(home) = homes.vectors[r as usize] {
                free.push(home);
            }
        }
        let mut ending: Vec<u32> = inst.masks.into_iter().flatten().filter(|m| last_mask[*m as usize] == at).collect();
        ending.dedup();
        free_masks.extend(ending.into_iter().map(|m| homes.masks[m as usize]));
        if let Some(to) = inst.to {
            let state = next.iter().position(|n| *n == to).filter(|&s| last[s] <= at);
            homes.vectors[to as usize] = match state {
                Some(s) => Home::State(s),
                None => Home::Passing(free.pop().unwrap_or_else(|| {
                    homes.passing += 1;
                    homes.passing - 1
                })),
            };
        }
        if let Some(to) = inst.to_mask {
            homes.masks[to as usize] = free_masks.pop().unwrap_or_else(|| {
                homes.passing_masks += 1;
                homes.passing_masks - 1
            });
        }
        debug_assert!(
            matches!(inst.kind, Kind::Store | Kind::StoreMask) || inst.to.is_some() != inst.to_mask.is_some()
        );
    }
    homes
}
