//! The table of `docs/benchmarks.md`: every example, beside back-propagation on the identical network and beside randomised
//! forward gradients, each for as long as the example's own training took.
//!
//! ```text
//! cargo bench --bench benchmarks -- --peer /tmp/peers/bin/python          everything that is not known yet, and the page
//! cargo bench --bench benchmarks -- wave heat --fresh                     these rows anew
//! cargo bench --bench benchmarks -- --page                                only the page, of what is known
//! cargo bench --bench benchmarks -- --default                             docs/studies/default.md: schedules by hand and the default
//! cargo bench --bench benchmarks -- --regression                          docs/studies/regression.md: what holds a regression's error
//! ```
//! What was measured is kept in `docs/benchmarks.json`, row by row, so that it may be interrupted and goes on where it was; a
//! row is measured again when its program has changed. The built `snnc` is run as a user would run it; its `run.json` has the
//! figures. Programs, runs and arrays lie in `target/benchmarks`.

mod defaults;
mod measure;
mod page;
mod regression;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use defaults::Pair;
use measure::{Bench, Row};
use serde::de::DeserializeOwned;

#[derive(Parser)]
#[command(name = "cargo bench --bench benchmarks --", about = "Measures the examples and writes docs/benchmarks.md")]
struct Arguments {
    /// Names of examples; all without any
    examples: Vec<String>,
    /// Python with JAX, for back-propagation; without it those columns say "not run"
    #[arg(long, env = "SNNC_PEER", value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// Seeds of the examples' own training: 1, 2, …
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Seeds of the other methods
    #[arg(long, default_value_t = 3)]
    others: u64,
    /// Also let back-propagation run once for so many seconds, where that is more than equal time; not without
    #[arg(long, value_name = "SECONDS")]
    longer: Option<f64>,
    /// Measure again what is known
    #[arg(long)]
    fresh: bool,
    /// Only write the page
    #[arg(long)]
    page: bool,
    /// Compare the default schedule with those written by hand, in docs/studies/default.md, and nothing else
    #[arg(long)]
    default: bool,
    /// Run the programs of docs/studies/regression, write that study's page, and do nothing else
    #[arg(long, conflicts_with_all = ["default", "page", "examples"])]
    regression: bool,
    /// `cargo bench` says so
    #[arg(long, hide = true)]
    bench: bool,
}

/// The crate's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What was measured before, by names.
fn known<T: DeserializeOwned>(store: &Path) -> BTreeMap<String, T> {
    match fs::read(store) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", store.display())),
        Err(_) => BTreeMap::new(),
    }
}

fn write(path: &Path, text: String) {
    fs::write(path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// The names of the command line, if all of them are among those that there are.
fn wanted(arguments: &Arguments, all: Vec<String>) -> Vec<String> {
    if let Some(name) = arguments.examples.iter().find(|name| !all.contains(name)) {
        eprintln!("there is no {name}; there are {}", all.join(", "));
        std::process::exit(2);
    }
    if arguments.examples.is_empty() { all } else { arguments.examples.clone() }
}

/// The study of the default schedule.
fn defaults(arguments: &Arguments) {
    let store = root().join("docs/studies/default.json");
    let mut pairs: BTreeMap<String, Pair> = known(&store);
    pairs.retain(|name, _| defaults::names().contains(name));
    for name in wanted(arguments, defaults::names()).iter().filter(|_| !arguments.page) {
        let mut pair = pairs.remove(name).filter(|_| !arguments.fresh).unwrap_or_default();
        defaults::complete(name, arguments.others, &mut pair, &mut |pair| {
            pairs.insert(name.clone(), pair.clone());
            write(&store, serde_json::to_string_pretty(&pairs).expect("plain data") + "\n");
        });
        eprintln!("{name}: measured");
    }
    let path = root().join("docs/studies/default.md");
    write(&path, defaults::page(&pairs));
    eprintln!("wrote {}", path.display());
}

fn main() {
    let arguments = Arguments::parse();
    if arguments.default {
        return defaults(&arguments);
    }
    if arguments.regression {
        let path = root().join("docs/studies/regression.md");
        write(&path, regression::page(arguments.seeds));
        return eprintln!("wrote {}", path.display());
    }
    let store = root().join("docs/benchmarks.json");
    let mut rows: BTreeMap<String, Row> = known(&store);
    let Arguments { peer, seeds, others, longer, .. } = &arguments;
    let bench = Bench { peer: peer.clone(), seeds: *seeds, others: *others, longer: *longer };
    let all = measure::examples();
    rows.retain(|name, _| all.contains(name));
    let begun = Instant::now();
    for name in wanted(&arguments, all).iter().filter(|_| !arguments.page) {
        let mut row = rows.remove(name).filter(|_| !arguments.fresh).unwrap_or_default();
        let mut keep = |row: &Row| {
            rows.insert(name.clone(), row.clone());
            write(&store, serde_json::to_string_pretty(&rows).expect("plain data") + "\n");
        };
        bench.complete(name, &mut row, &mut keep);
        eprintln!("{name}: {:.0} s since the start", begun.elapsed().as_secs_f64());
    }
    let path = root().join("docs/benchmarks.md");
    write(&path, page::page(&rows));
    eprintln!("wrote {}", path.display());
}
