//! The `snnc` binary: arguments to exit code, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    snnc::cli::main()
}
