//! `snnc emit FILE --stage ast|model|ir|clif [--after PASS]`: what each phase of the compiler makes of a program.

use clap::{Args, ValueEnum};

use super::check::Loaded;
use super::messages::Messages;
use super::{Exit, Program, bug, check};
use crate::pipeline::{CheckedSimulation, EmitError};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    program: Program,
    /// Which form of the program
    #[arg(long, value_enum)]
    stage: Stage,
    /// With --stage ir: stop after this pass (a wrong name lists them)
    #[arg(long, value_name = "PASS")]
    after: Option<String>,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum Stage {
    /// The syntax tree
    Ast,
    /// The checked program, all names resolved
    Model,
    /// The intermediate representation
    Ir,
    /// Cranelift's input
    Clif,
}

pub fn emit(arguments: &Arguments, shown: &Messages) -> Exit {
    if arguments.after.is_some() && arguments.stage != Stage::Ir {
        shown.sentence("--after goes with --stage ir");
        return Exit::WrongInvocation;
    }
    if arguments.stage == Stage::Ast {
        return check::parse_only(&arguments.program, shown);
    }
    let checked = match check::load(&arguments.program, shown) {
        Ok((_, Loaded::Training(checked), _)) => checked,
        Ok((_, Loaded::Simulation(checked), _)) => return show(stage_of_simulation(arguments, &checked), shown),
        Err(exit) => return exit,
    };
    let text = match arguments.stage {
        Stage::Model => Ok(checked.model_text()),
        Stage::Ir => checked.ir_text(arguments.after.as_deref()),
        Stage::Ast | Stage::Clif => checked.clif_text(),
    };
    show(text, shown)
}

fn stage_of_simulation(arguments: &Arguments, checked: &CheckedSimulation) -> Result<String, EmitError> {
    match arguments.stage {
        Stage::Model => Ok(checked.model_text()),
        Stage::Ir => checked.ir_text(arguments.after.as_deref()),
        Stage::Ast | Stage::Clif => checked.clif_text(),
    }
}

fn show(text: Result<String, EmitError>, shown: &Messages) -> Exit {
    match text {
        Ok(text) => {
            print!("{text}");
            Exit::Done
        }
        Err(EmitError::NoSuchPass(names)) => {
            shown.sentence(&format!("there is no such pass; the passes are {}", names.join(", ")));
            Exit::WrongInvocation
        }
        Err(EmitError::Bug(b)) => {
            bug::report(&b.to_string());
            Exit::Bug
        }
    }
}
