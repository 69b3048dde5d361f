//! `snnc emit FILE --stage ast|model|ir|clif [--after PASS]`: what each phase of the compiler makes of a program.
//! `--stage rows --out FILE [--weights CHECKPOINT]`: what training works on, as arrays.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::check::Loaded;
use super::limits::Limits;
use super::messages::Messages;
use super::run::available_threads;
use super::{Exit, Program, bug, check, files, limits, rundir};
use crate::diag::runs;
use crate::exec::Engine;
use crate::pipeline::{Checked, CheckedSimulation, EmitError};
use crate::train::arrays;

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
    /// With --stage rows: the safetensors file to write
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// With --stage rows: linearise about the field of this checkpoint, not about that of the network as it starts
    #[arg(long, value_name = "CHECKPOINT")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    limits: Limits,
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
    /// What training works on, as arrays: network, points, equations
    Rows,
}

pub fn emit(arguments: &Arguments, shown: &Messages) -> Exit {
    if arguments.after.is_some() && arguments.stage != Stage::Ir {
        return shown.refuse(&runs::options("--after goes with --stage ir", "snnc emit FILE --stage ir --after PASS"));
    }
    if arguments.stage != Stage::Rows && (arguments.out.is_some() || arguments.weights.is_some()) {
        let help = "snnc emit FILE --stage rows --out FILE.safetensors";
        return shown.refuse(&runs::options("--out and --weights go with --stage rows", help));
    }
    if arguments.stage == Stage::Ast {
        return check::parse_only(&arguments.program, shown);
    }
    let checked = match check::load(&arguments.program, shown) {
        Ok((_, Loaded::Training(checked), _)) => checked,
        Ok((_, Loaded::Simulation(_), _)) if arguments.stage == Stage::Rows => {
            return shown.refuse(&runs::not_for_simulations("--stage rows", "nothing is trained"));
        }
        Ok((_, Loaded::Simulation(checked), _)) => {
            let text = stage_of_simulation(arguments, &checked);
            return show(text, arguments.after.as_deref(), shown);
        }
        Err(exit) => return exit,
    };
    if matches!(arguments.stage, Stage::Ir | Stage::Clif)
        && let Err(exit) = limits::compilable(&checked.footprint(1), shown)
    {
        return exit;
    }
    let text = match arguments.stage {
        Stage::Model => Ok(checked.model_text()),
        Stage::Ir => checked.ir_text(arguments.after.as_deref()),
        Stage::Rows => return rows(arguments, &checked, shown),
        Stage::Ast | Stage::Clif => checked.clif_text(),
    };
    show(text, arguments.after.as_deref(), shown)
}

fn rows(arguments: &Arguments, checked: &Checked, shown: &Messages) -> Exit {
    let Some(out) = &arguments.out else {
        let help = "snnc emit FILE --stage rows --out FILE.safetensors";
        return shown.refuse(&runs::options("--stage rows needs --out FILE", help));
    };
    let compiled = match arguments.limits.compile(checked, Engine::Jit, available_threads(), shown) {
        Ok(compiled) => compiled,
        Err(exit) => return exit,
    };
    let mut weights = None;
    if let Some(path) = &arguments.weights {
        match rundir::weights(path, &compiled.problem) {
            Ok(params) => weights = Some(params),
            Err(notice) => return shown.refuse(&notice),
        }
    }
    let seed = checked.model().train.seed;
    let bytes = match arrays::encode(&compiled.problem, &compiled.kernels, seed, weights.as_deref()) {
        Ok(bytes) => bytes,
        Err(why) => return shown.refuse(&runs::options(&why, "`snnc run` trains the program without them")),
    };
    match files::write(out, &bytes) {
        Ok(()) => Exit::Done,
        Err(notice) => shown.refuse(&notice),
    }
}

fn stage_of_simulation(arguments: &Arguments, checked: &CheckedSimulation) -> Result<String, EmitError> {
    match arguments.stage {
        Stage::Model => Ok(checked.model_text()),
        Stage::Ir => checked.ir_text(arguments.after.as_deref()),
        Stage::Ast | Stage::Clif | Stage::Rows => checked.clif_text(),
    }
}

fn show(text: Result<String, EmitError>, after: Option<&str>, shown: &Messages) -> Exit {
    match text {
        Ok(text) => {
            print!("{text}");
            Exit::Done
        }
        Err(EmitError::NoSuchPass(names)) => {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            shown.refuse(&runs::not_found("pass", after.unwrap_or_default(), None, &names))
        }
        Err(EmitError::Bug(b)) => {
            bug::report(&b.to_string());
            Exit::Bug
        }
    }
}
