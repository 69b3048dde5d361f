//! Passes as values, and the lists that are run.
//!
//! ```text
//! run(OPTIMISE, program)      =>      simplify, cse, hoist, …, each result verified; a failure names the pass
//! ```

use std::fmt::{self, Display, Formatter};

use crate::ir::program::Program;
use crate::ir::verify::{VerifyError, verify};
use crate::pass::{cse, dce, fuse, hoist, localise, renumber, simplify};

/// A pass without parameters. It takes a program that is well formed and yields one that computes the same bits, but for
/// [`FUSE`].
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    pub name: &'static str,
    pub description: &'static str,
    pub run: fn(Program) -> Program,
}

pub const SIMPLIFY: Pass = Pass {
    name: "simplify",
    description: "fold constants and drop operations that change nothing, where not a bit changes",
    run: simplify::simplify,
};

pub const FUSE: Pass =
    Pass { name: "fuse", description: "round products together with the sums that want them", run: fuse::fuse };

pub const CSE: Pass = Pass { name: "cse", description: "compute common subexpressions once", run: cse::cse };

pub const HOIST: Pass =
    Pass { name: "hoist", description: "move what is the same in every step before the steps", run: hoist::hoist };

pub const LOCALISE: Pass = Pass {
    name: "localise",
    description: "write constants anew in the region that uses them",
    run: localise::localise,
};

pub const DCE: Pass =
    Pass { name: "dce", description: "remove instructions, states and tables without effect", run: dce::dce };

pub const RENUMBER: Pass =
    Pass { name: "renumber", description: "number values in the order they stand", run: renumber::renumber };

/// Every pass that computes the same bits, for those who ask by name.
pub const ALL: &[Pass] = &[SIMPLIFY, CSE, HOIST, LOCALISE, DCE, RENUMBER];

/// What a network's arithmetic is: once, on programs as they are lowered, before derivatives are taken of them.
pub const ARITHMETIC: &[Pass] = &[SIMPLIFY, FUSE];

/// Before either engine. What `hoist` brings together, the second `cse` may find equal.
pub const OPTIMISE: &[Pass] = &[SIMPLIFY, CSE, HOIST, CSE, LOCALISE, DCE, RENUMBER];

/// A pass that broke a program: a bug of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassError {
    /// `None`: the program was malformed to begin with.
    pub pass: Option<&'static str>,
    pub error: VerifyError,
}

impl Display for PassError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.pass {
            Some(pass) => write!(f, "after pass `{pass}`: {}", self.error),
            None => write!(f, "before all passes: {}", self.error),
        }
    }
}

impl std::error::Error for PassError {}

/// Runs passes in order, verifying the program before the first and after each.
pub fn run(passes: &[Pass], program: Program) -> Result<Program, PassError> {
    verify(&program).map_err(|error| PassError { pass: None, error })?;
    passes.iter().try_fold(program, |program, pass| {
        let program = (pass.run)(program);
        verify(&program).map_err(|error| PassError { pass: Some(pass.name), error })?;
        Ok(program)
    })
}

/// Runs [`OPTIMISE`], or (`after`) its passes up to the first of that name; `None` if it has none.
pub fn run_until(after: &str, program: Program) -> Option<Result<Program, PassError>> {
    let last = OPTIMISE.iter().position(|p| p.name == after)?;
    Some(run(&OPTIMISE[..=last], program))
}

/// Runs [`OPTIMISE`].
///
/// # Panics
///
/// If the program is malformed, or a pass makes it so.
pub fn optimise(program: Program) -> Program {
    certain(OPTIMISE, program)
}

/// Runs [`ARITHMETIC`].
///
/// # Panics
///
/// As [`optimise`].
pub fn arithmetic(program: Program) -> Program {
    certain(ARITHMETIC, program)
}

fn certain(passes: &[Pass], program: Program) -> Program {
    let name = program.name.clone();
    run(passes, program).unwrap_or_else(|e| panic!("program {name:?}: {e}"))
}
