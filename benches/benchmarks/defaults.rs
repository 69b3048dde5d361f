//! What a program gets that says nothing about training, beside schedules written by hand: `docs/studies/default.md`.
//!
//! ```text
//! examples/NAME.snn without its `train` block                              -> the default
//! the same with the block of benches/benchmarks/written/NAME.train         -> what somebody wrote who knew the problem
//! ```
//! The blocks are kept here because an example loses its own where the default is as good.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::measure::{Run, folder, hash, median, programs, read_own, snnc, without_training};
use crate::page::{spread, time, times};
use crate::root;

/// A schedule written by hand and the default, with the same seeds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Pair {
    /// Of both programs and of what they read.
    hash: String,
    written: Vec<Run>,
    default: Vec<Run>,
}

const HEAD: &str = "\
# The default schedule

What a program reaches that has no `train` block, beside schedules that were written by hand for the same program (`benches/benchmarks/written`). This page
is written by

    cargo bench --bench benchmarks -- --default

It keeps what it measured in `docs/studies/default.json`; `--fresh` measures again, names of examples choose rows, `--others 3` is the number of seeds. Errors are those
of [the benchmarks](../benchmarks.md), medians and ranges over the seeds; *times* is the default's error over that of the schedule written by hand: below 1 (bold) the default is better.
";

/// The names of the examples that a schedule was written for.
pub fn names() -> Vec<String> {
    let entries = fs::read_dir(root().join("benches/benchmarks/written")).expect("schedules");
    let stem = |e: fs::DirEntry| Some(e.path().file_stem()?.to_string_lossy().into_owned());
    let mut names: Vec<String> = entries.filter_map(|e| stem(e.expect("an entry"))).collect();
    names.sort();
    names
}

/// Measures what is missing of a row, and has it kept after each run.
pub fn complete(name: &str, seeds: u64, pair: &mut Pair, keep: &mut dyn FnMut(&Pair)) {
    let place = programs();
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let text = read(&place.join(format!("{name}.snn")));
    let rest = without_training(name, &text).map_or(text, |(rest, _)| rest);
    let written = format!("{rest}\n{}", read(&root().join("benches/benchmarks/written").join(format!("{name}.train"))));
    let hash = hash(&place, &written);
    if pair.hash != hash {
        *pair = Pair { hash, ..Pair::default() };
    }
    // One after the other with each seed, so that whatever else the machine does meets both.
    for seed in 1..=seeds {
        for (what, text) in [("written", &written), ("default", &rest)] {
            let is_default = what == "default";
            let known = if is_default { &pair.default } else { &pair.written };
            if known.iter().any(|r| r.seed == seed) {
                continue;
            }
            let path = place.join(format!("{name}.{what}.snn"));
            fs::write(&path, text).expect("a file below target");
            let out = folder().join("runs").join(format!("{name}-{what}"));
            let Some(run) = snnc(&path, seed, &out) else { return keep(pair) };
            let runs = if is_default { &mut pair.default } else { &mut pair.written };
            runs.push(read_own(seed, &run));
        }
        keep(pair);
    }
}

/// `docs/studies/default.md` out of what was measured.
pub fn page(pairs: &BTreeMap<String, Pair>) -> String {
    let mut out = format!("{HEAD}\n");
    let errors = |runs: &[Run]| runs.iter().map(|r| r.error).collect::<Vec<f64>>();
    let seconds = |runs: &[Run]| time(median(runs.iter().map(|r| r.seconds)));
    let method = |runs: &[Run]| runs.first().map_or(String::new(), |r| r.methods.join("; "));
    out.push_str("| example | by hand | error | seconds | default | error | seconds | times |\n");
    out.push_str("|---|---|---|---|---|---|---|---|\n");
    let mut worse = vec![];
    for (name, p) in pairs {
        let [by_hand, own] = [&p.written, &p.default].map(|r| median(errors(r)));
        if own > by_hand {
            worse.push(format!("`{name}`"));
        }
        let _ = writeln!(
            out,
            "| [`{name}`](../../examples/{name}.snn) | {} | {} | {} | {} | {} | {} | {} |",
            method(&p.written),
            spread(&errors(&p.written)),
            seconds(&p.written),
            method(&p.default),
            spread(&errors(&p.default)),
            seconds(&p.default),
            times(own, by_hand),
        );
    }
    let ratios = pairs.values().map(|p| median(errors(&p.default)) / median(errors(&p.written)));
    let _ = writeln!(
        out,
        "\nThe default has the larger error on {} of {}{}{}, at most {:.1} times that of the schedule written by hand.",
        worse.len(),
        pairs.len(),
        if worse.is_empty() { "" } else { ": " },
        worse.join(", "),
        ratios.fold(0.0, f64::max),
    );
    let missing: Vec<String> = names().iter().filter(|n| !pairs.contains_key(*n)).map(|n| format!("`{n}`")).collect();
    if !missing.is_empty() {
        let _ = writeln!(out, "\nNot measured yet: {}.", missing.join(", "));
    }
    let seeds = pairs.values().map(|p| p.default.len().min(p.written.len()));
    let (least, most) = seeds.fold((usize::MAX, 0), |(lo, hi), n| (lo.min(n), hi.max(n)));
    let _ = writeln!(out, "\nSeeds of a row: {least} to {most}.");
    let found = fs::read_to_string(root().join("benches/benchmarks/defaults.txt")).expect("what was found");
    let _ = write!(out, "\n{found}");
    out
}
