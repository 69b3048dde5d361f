//! The codes that warn: those that `allow(SNN0209)` may silence.
//!
//! A list of its own, because a message's severity is chosen where it is built. A test (`tests/allow.rs`) compares it with
//! every warning that the programs in `tests/ui` give.

use super::Code;

/// Codes whose messages are warnings. A code of which some messages are errors is in the list too: only its warnings can be
/// silenced.
pub const LINTS: &[u16] =
    &[209, 233, 243, 244, 508, 509, 510, 524, 525, 526, 528, 607, 625, 627, 711, 714, 716, 717, 734, 810, 820, 1014];

/// May `allow` name this code?
pub fn may_be_allowed(code: Code) -> bool {
    LINTS.contains(&code.0)
}
