//! The command line: one file a command. Printing, exiting and opening files happen here and nowhere else.
//!
//! Exit codes: 0 done; 1 the program has errors; 2 wrong invocation; 3 the run diverged; 4 an `expect` does not hold; 101 a
//! bug of ours; 130 interrupted.

#[macro_use]
mod out;

mod bench;
mod bug;
mod check;
mod compare;
mod curve;
mod diverged;
mod emit;
mod eval;
mod explain;
mod files;
mod fmt;
mod gather;
mod limits;
mod lsp;
mod manual;
mod messages;
mod new;
mod nir;
mod points;
mod predict;
mod progress;
mod resume;
mod run;
mod rundir;
mod saver;
mod show;
mod simulate;
mod sweep;
mod topology;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exec::jit::Level;

/// What the shell is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    ProgramHasErrors = 1,
    WrongInvocation = 2,
    Diverged = 3,
    ExpectDoesNotHold = 4,
    Bug = 101,
    Interrupted = 130,
}

#[derive(Parser)]
#[command(name = "snnc", version, about = "Spiking networks that solve equations, trained without back-propagation")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How messages are shown
    #[arg(long, global = true, value_enum, default_value_t = MessageFormat::Fancy)]
    message_format: MessageFormat,
    /// Colours in messages; `auto` looks at NO_COLOR, at CLICOLOR_FORCE and at the terminal
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// The best of the processor's instructions to use; the result does not depend on it
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    instructions: Option<Instructions>,
}

#[derive(Subcommand)]
enum Command {
    /// Begin a program: a commented one that runs as it is
    ///
    /// Example: snnc new cooling --template ode
    New(new::Arguments),
    /// Look for mistakes in a program without running it
    ///
    /// Example: snnc check wave.snn -v
    Check {
        #[command(flatten)]
        program: Program,
        /// Also say what was chosen by default: methods, the training schedule, sizes
        #[arg(short, long)]
        verbose: bool,
    },
    /// Train a program's network, or run its simulation, and write the results into runs/NAME
    ///
    /// Example: snnc run wave.snn --set c=3 --seed 1
    Run(run::Arguments),
    /// The trained network at the points of a grid or of a CSV
    ///
    /// Example: snnc predict runs/wave --grid x=201,t=201 --out wave.npz
    Predict(predict::Arguments),
    /// Measure a run's metrics once more, from its weights
    ///
    /// Example: snnc eval runs/wave --grid x=501,t=501
    Eval(eval::Arguments),
    /// Go on with a run that was stopped, to the bits of one that never was
    ///
    /// Example: snnc resume runs/wave
    Resume(resume::Arguments),
    /// Run a program for several settings and seeds, and show a table of what came out
    ///
    /// Example: snnc sweep wave.snn --set c=1,2,4 --seeds 5 --table wave.csv
    Sweep(sweep::Arguments),
    /// Runs side by side: what was different about them, and what came out
    ///
    /// Example: snnc compare runs/wave runs/fast
    Compare(compare::Arguments),
    /// Measure how fast a program trains or simulates on this machine
    ///
    /// Example: snnc bench wave.snn --threads 1
    Bench(bench::Arguments),
    /// Put programs into their usual layout
    ///
    /// Example: snnc fmt --check *.snn
    Fmt(fmt::Arguments),
    /// Explain a message's code, or list all codes
    ///
    /// Example: snnc explain SNN0201
    Explain {
        /// The code, as shown in the message; without one all codes are listed
        code: Option<String>,
    },
    /// Show what the compiler makes of a program
    ///
    /// Example: snnc emit wave.snn --stage ir --after cse
    Emit(emit::Arguments),
    /// Show a run's summary, a neuron with its current-to-rate curve, or the topology of a network
    ///
    /// Examples: snnc show runs/wave; snnc show neuron adex; snnc show network wave.snn --out wave.svg
    Show(show::Arguments),
    /// Write a trained network as a NIR graph, which other simulators and neuromorphic chips read
    ///
    /// Example: snnc export runs/wave --to wave.nir
    Export(nir::ExportArguments),
    /// Make a program and its weights of a NIR graph
    ///
    /// Example: snnc import net.nir
    Import(nir::ImportArguments),
    /// Serve an editor: messages as you type, hover, completion, rename (the Language Server Protocol)
    ///
    /// Example, for Helix: language-server.snnc = { command = "snnc", args = ["lsp"] }
    Lsp(lsp::Arguments),
    /// Print what a shell needs to complete commands and options
    ///
    /// Example: snnc completions bash > ~/.local/share/bash-completion/completions/snnc
    Completions(manual::Completions),
    /// Print the manual page, or write one for each command
    ///
    /// Example: snnc man --out ~/.local/share/man/man1
    Man(manual::Man),
}

/// The program, and what is set from outside.
#[derive(Args, Clone)]
pub struct Program {
    /// The program, a .snn file
    file: PathBuf,
    /// Override a constant, or where an unknown starts, as in --set c=3 (may be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, f64)>,
    /// Override the seed of the train block, or of the simulation
    #[arg(long, allow_negative_numbers = true, value_parser = seed)]
    seed: Option<u64>,
    /// A folder that the program may read files from, beside its own (may be repeated)
    #[arg(long, value_name = "DIR")]
    allow_read: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum MessageFormat {
    Fancy,
    Plain,
    Json,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum Instructions {
    /// What any processor of this kind has
    Portable,
    /// AVX2 and FMA
    Avx2,
    /// AVX-512 (F, BW, DQ and VL) as well
    Avx512,
}

impl Instructions {
    fn level(self) -> Level {
        match self {
            Instructions::Portable => Level::Portable,
            Instructions::Avx2 => Level::Avx2,
            Instructions::Avx512 => Level::Avx512,
        }
    }
}

fn setting(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, as in c=3")?;
    let value: f64 = value.trim().parse().map_err(|_| format!("`{value}` is not a number"))?;
    if !value.is_finite() {
        return Err(format!("`{value}` is not a finite number"));
    }
    Ok((name.trim().to_string(), value))
}

fn seed(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| "a seed is a whole number, 0 or more, as in --seed 1".to_string())
}

/// Bytes for whoever reads them; a reader that has seen enough, as `head` has, is no mistake.
fn standard_output(bytes: &[u8]) {
    use std::io::Write;
    let _ = std::io::stdout().lock().write_all(bytes);
}

pub fn main() -> ExitCode {
    bug::install_hook();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap's own code for a wrong invocation is 2, and 0 for help and version.
        Err(e) => e.exit(),
    };
    let shown = messages::Messages::new(cli.message_format, cli.color);
    if let Some(instructions) = cli.instructions {
        instructions.level().restrict();
    }
    let exit = bug::guard(|| match cli.command {
        Command::Check { program, verbose } => check::check(&program, verbose, &shown),
        Command::New(arguments) => new::new(&arguments, &shown),
        Command::Run(arguments) => run::run(&arguments, &shown),
        Command::Predict(arguments) => predict::predict(&arguments, &shown),
        Command::Eval(arguments) => eval::eval(&arguments, &shown),
        Command::Resume(arguments) => resume::resume(&arguments, &shown),
        Command::Sweep(arguments) => sweep::sweep(&arguments, &shown),
        Command::Compare(arguments) => compare::compare(&arguments, &shown),
        Command::Bench(arguments) => bench::bench(&arguments, &shown),
        Command::Fmt(arguments) => fmt::fmt(&arguments, &shown),
        Command::Explain { code } => explain::explain(code.as_deref(), &shown),
        Command::Emit(arguments) => emit::emit(&arguments, &shown),
        Command::Show(arguments) => show::show(&arguments, &shown),
        Command::Export(arguments) => nir::export(&arguments, &shown),
        Command::Import(arguments) => nir::import(&arguments, &shown),
        Command::Lsp(arguments) => lsp::lsp(&arguments, &shown),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man(arguments) => manual::man(&arguments, &shown),
    });
    ExitCode::from(exit as u8)
}
