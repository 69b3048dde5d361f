//! What holds the error of a regression by 64 spiking neurons: `docs/studies/regression.md`.
//!
//! ```text
//! docs/studies/regression/NAME.snn     its first line says what it changes     ->  a row: errors, runs of the network, seconds
//! ```

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use crate::measure::{Run, folder, median, read_own, snnc};
use crate::page::{spread, time, times};
use crate::root;

const HEAD: &str = "\
# Regression: what holds the error

sin 2πx + 0.5 sin 8πx + 0.3 sin 14πx by 64 spiking neurons ([`regression_f2`](../../examples/regression_f2.snn)) and what changes the error. Each row is a
program in [`regression`](regression), which says what it changes; all else is as in `base`. The page is written by

    cargo bench --bench benchmarks -- --regression --seeds SEEDS

Errors are relative, L2, on 1001 points that training does not see, by medians and ranges over seeds 1 to SEEDS; *times* is the error over that of `base`: below 1 (bold)
it is better. *Runs* are simulations of the network, forward evaluations over the points of the grid. Seconds were taken while the machine had other work to do.
";

fn programs() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs/studies/regression")).expect("programs");
    let mut all: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "snn"));
    all.sort();
    all
}

/// Points of the grid that a program is trained on.
fn points(text: &str) -> f64 {
    let after = text.split("fit on grid(x = ").nth(1).and_then(|t| t.split(')').next());
    after.and_then(|n| n.parse().ok()).expect("a residual on a grid")
}

/// Runs all programs and writes the page out of what they reached.
pub fn page(seeds: u64) -> String {
    let out = folder().join("runs/regression");
    let mut rows = vec![];
    for path in programs() {
        let text = fs::read_to_string(&path).expect("a program is text");
        let what = text.lines().next().unwrap_or_default().trim_start_matches("# ").to_string();
        let runs: Vec<Run> = (1..=seeds).filter_map(|seed| Some(read_own(seed, &snnc(&path, seed, &out)?))).collect();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        eprintln!("{name}: {}", spread(&errors(&runs)));
        rows.push((name, what, points(&text), runs));
    }
    let base = rows.iter().find(|(name, ..)| name == "base").map_or(f64::NAN, |(.., runs)| median(errors(runs)));
    rows.sort_by_key(|(name, ..)| (name != "base", name.clone()));
    let mut page = format!("{}\n", HEAD.replace("SEEDS", &seeds.to_string()));
    page.push_str("| program | what | error | times | runs | seconds |\n|---|---|---|---|---|---|\n");
    for (name, what, points, runs) in &rows {
        let _ = writeln!(
            page,
            "| [`{name}`](regression/{name}.snn) | {what} | {} | {} | {:.0} | {} |",
            spread(&errors(runs)),
            times(median(errors(runs)), base),
            median(runs.iter().map(|r| r.evaluations as f64)) / points,
            time(median(runs.iter().map(|r| r.seconds))),
        );
    }
    let found = fs::read_to_string(root().join("benches/benchmarks/regression.txt")).expect("what follows");
    let _ = write!(page, "\n{found}");
    page
}

fn errors(runs: &[Run]) -> Vec<f64> {
    runs.iter().map(|r| r.error).collect()
}
