//! The table of `docs/benchmarks.md`: every example, beside back-propagation on the identical network and beside randomised
//! forward gradients, each for as long as the example's own training took.
//!
//! ```text
//! cargo bench --bench benchmarks -- --peer /tmp/peers/bin/python          everything that is not known yet, and the page
//! cargo bench --bench benchmarks -- wave heat --fresh                     these rows anew
//! cargo bench --bench benchmarks -- --page                                only the page, of what is known
//! ```
//! What was measured is kept in `docs/benchmarks.json`, row by row, so that it may be interrupted and goes on where it was; a
//! row is measured again when its program has changed. The built `snnc` is run as a user would run it; its `run.json` has the
//! figures. Programs, runs and arrays lie in `target/benchmarks`.

mod measure;
mod page;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use measure::{Bench, Row};

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
    /// `cargo bench` says so
    #[arg(long, hide = true)]
    bench: bool,
}

/// The crate's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn main() {
    let arguments = Arguments::parse();
    let store = root().join("docs/benchmarks.json");
    let mut rows: BTreeMap<String, Row> = match std::fs::read(&store) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", store.display())),
        Err(_) => BTreeMap::new(),
    };
    let Arguments { peer, seeds, others, longer, .. } = &arguments;
    let bench = Bench { peer: peer.clone(), seeds: *seeds, others: *others, longer: *longer };
    let all = measure::examples();
    if let Some(name) = arguments.examples.iter().find(|name| !all.contains(name)) {
        eprintln!("there is no example {name}; there are {}", all.join(", "));
        std::process::exit(2);
    }
    rows.retain(|name, _| all.contains(name));
    let begun = Instant::now();
    let wanted = |name: &&String| arguments.examples.is_empty() || arguments.examples.contains(name);
    for name in all.iter().filter(wanted).filter(|_| !arguments.page) {
        let mut row = rows.remove(name).filter(|_| !arguments.fresh).unwrap_or_default();
        let mut keep = |row: &Row| {
            rows.insert(name.clone(), row.clone());
            let text = serde_json::to_string_pretty(&rows).expect("plain data");
            std::fs::write(&store, text + "\n").unwrap_or_else(|e| panic!("{}: {e}", store.display()));
        };
        bench.complete(name, &mut row, &mut keep);
        eprintln!("{name}: {:.0} s since the start", begun.elapsed().as_secs_f64());
    }
    let path = root().join("docs/benchmarks.md");
    std::fs::write(&path, page::page(&rows)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    eprintln!("wrote {}", path.display());
}
