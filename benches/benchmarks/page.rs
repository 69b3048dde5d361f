//! `docs/benchmarks.md` out of what was measured. Rows that lose stay in, and are named.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::measure::{Other, Row, median};

/// Titles of the examples, and figures of others with their sources.
const KNOWN: &str = include_str!("known.json");

const HEAD: &str = "\
# Benchmarks

Every example, beside two other ways of training the identical network for as long, and beside published figures. This page is written by

    cargo bench --bench benchmarks -- --peer /tmp/peers/bin/python

(`benches/peers/README.md` says how to install JAX; without `--peer`, back-propagation is left out). It runs the built `snnc` and reads `run.json`. What
was measured is kept in `docs/benchmarks.json`: a row is measured again when its program has changed, or with `--fresh`; names of examples choose rows.
";

const METHODS: &str = "\
An *error* is the relative L2 error of the real, spiking output on a grid that was not trained on; of several fields the largest; for an inverse problem the
relative error of the constants, the largest; for an operator over 100 functions that training has not seen. Each cell has the median and, in brackets, the range over the
seeds. *Forward evaluations* are simulations of the network at one point; a block of candidates counts its share of the layer.
";

const OTHERS: &str = "\
*Back-propagation* is JAX, jitted, on all cores: the very program of the network in the compiler's own representation, with the neurons' surrogate, the same starting weights,
points and loss (`snnc emit FILE --stage rows`), all weights trained by Adam. Compile time is not counted. The rows of a nonlinear weak form are whitened about the solution that the
example's own training found, which no other method would know. *Forward gradients* are the estimator of Wan, Zhang and Karniadakis (arXiv 2411.07057) in snnc itself: the tangent with the
surrogate along Gaussian directions over all weights (four, which cost as much as one), Adam; the example's text with another `train` block.

Both get the wall time of the example's own training. Their learning rate falls by a cosine to a tenth; three are tried (0.01, 0.03, 0.1) with the first seed, for a third of that
time where it is long, and the one with the lowest error is kept. Of each run the weights with the lowest training loss count. Neither solves for the readout, which
the examples' own schedules do. *Times ours* is the other's error over the median error of the example: below 1 the other is better.
";

/// An error with two digits.
fn figure(x: f64) -> String {
    if x.is_finite() { format!("{x:.1e}") } else { "none".into() }
}

pub fn spread(values: &[f64]) -> String {
    let (lo, hi) = values.iter().fold((f64::INFINITY, 0.0f64), |(lo, hi), x| (lo.min(*x), hi.max(*x)));
    match values.len() {
        0 => "none".into(),
        1 => figure(values[0]),
        _ => format!("{} ({} .. {})", figure(median(values.iter().copied())), figure(lo), figure(hi)),
    }
}

/// `1234567` as `1 234 567`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (k, c) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

pub fn time(seconds: f64) -> String {
    if seconds < 9.95 { format!("{seconds:.2}") } else { format!("{seconds:.0}") }
}

/// An error as a multiple of another.
pub fn times(other: f64, own: f64) -> String {
    let ratio = other / own;
    match ratio {
        r if !r.is_finite() => "none".into(),
        r if r < 0.095 => format!("**{r:.3}**"),
        r if r < 0.995 => format!("**{r:.2}**"),
        r if r < 9.95 => format!("{r:.1}"),
        r => format!("{r:.0}"),
    }
}

fn own(row: &Row) -> f64 {
    median(row.own.iter().map(|r| r.error))
}

fn other(o: Option<&Other>, own: f64) -> String {
    match o {
        None => "not run | | |".into(),
        Some(o) => {
            let steps = grouped(o.steps);
            format!("{} | {steps} | {} |", spread(&o.errors), times(median(o.errors.iter().copied()), own))
        }
    }
}

/// Where another method is better, in words.
fn losses(rows: &BTreeMap<String, Row>, what: &str, of: impl Fn(&Row) -> Option<&Other>) -> String {
    let compared = rows.iter().filter_map(|(name, row)| {
        let theirs = median(of(row)?.errors.iter().copied());
        (theirs.is_finite() && !row.own.is_empty()).then(|| (name, own(row) / theirs))
    });
    let compared: Vec<(&String, f64)> = compared.collect();
    let worse: Vec<String> =
        compared.iter().filter(|(_, r)| *r > 1.0).map(|(name, r)| format!("`{name}` (by {r:.1} times)")).collect();
    match (compared.len(), worse.len()) {
        (0, _) => String::new(),
        (n, 0) => format!("{what} has the larger error on all {n} examples that it was run on.\n"),
        (n, k) => format!("{what} has the smaller error on {k} of the {n} examples: {}.\n", worse.join(", ")),
    }
}

pub fn page(rows: &BTreeMap<String, Row>) -> String {
    let known: Value = serde_json::from_str(KNOWN).expect("benches/benchmarks/known.json");
    let title = |name: &str| known["titles"][name].as_str().unwrap_or_default().to_string();
    let link = |name: &str| format!("[`{name}`](../examples/{name}.snn)");
    let mut out = format!("{HEAD}\n");
    let trained = || rows.iter().filter(|(_, row)| !row.own.is_empty());
    let threads = trained().flat_map(|(_, row)| &row.own).map(|r| r.threads).max().unwrap_or(0);
    let seeds = trained().map(|(_, row)| row.own.len()).max().unwrap_or(0);
    let _ = write!(
        out,
        "## The examples\n\n{METHODS}\n{threads} threads; seeds 1 to {seeds}; seconds of training, compiling not counted (about 10 ms).\n\n"
    );
    out.push_str("| example | problem | error | forward evaluations | seconds | spikes a neuron and step | spiking neurons |\n|---|---|---|---|---|---|---|\n");
    for (name, row) in trained() {
        let errors: Vec<f64> = row.own.iter().map(|r| r.error).collect();
        let of = |f: &dyn Fn(&(String, u64, f64)) -> f64, k: usize| {
            median(row.own.iter().filter_map(|r| r.layers.get(k).map(f)))
        };
        let layers = 0..row.own[0].layers.len();
        let rates: Vec<String> = layers.map(|k| format!("{:.2}", of(&|l| l.2, k))).collect();
        let units: u64 = row.own[0].layers.iter().map(|l| l.1).sum();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {units} |",
            link(name),
            title(name),
            spread(&errors),
            grouped(median(row.own.iter().map(|r| r.evaluations as f64)) as u64),
            time(median(row.own.iter().map(|r| r.seconds))),
            if rates.is_empty() { "none".into() } else { rates.join(", ") },
        );
    }
    let others =
        trained().flat_map(|(_, row)| [&row.backward, &row.gradient].map(|o| o.as_ref().map_or(0, |o| o.errors.len())));
    let seeds = match others.max().unwrap_or(0) {
        0 | 1 => "The others' errors are of one seed.".to_string(),
        n => format!("The others' errors are medians over up to {n} seeds."),
    };
    let _ = write!(out, "\n## The same network trained otherwise, for as long\n\n{OTHERS}{seeds}\n\n");
    out.push_str("| example | ours | seconds | back-propagation | steps | times ours | forward gradients | steps | times ours |\n|---|---|---|---|---|---|---|---|---|\n");
    for (name, row) in trained() {
        let ours = own(row);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} {}",
            link(name),
            figure(ours),
            time(median(row.own.iter().map(|r| r.seconds))),
            other(row.backward.as_ref(), ours),
            other(row.gradient.as_ref(), ours),
        );
    }
    let backward = losses(rows, "Back-propagation", |r| r.backward.as_ref());
    let gradient = losses(rows, "The forward gradient", |r| r.gradient.as_ref());
    let more = trained().filter_map(|(name, row)| {
        let (seconds, error) = row.backward.as_ref()?.longer?;
        Some(format!("`{name}` {} ({} x) in {} s", figure(error), times(error, own(row)), time(seconds)))
    });
    let more: Vec<String> = more.collect();
    let more = match more.is_empty() {
        true => String::new(),
        false => format!("\nBack-propagation given more than equal time, one seed: {}.\n", more.join("; ")),
    };
    let _ = write!(out, "\n{backward}\n{gradient}{more}\n## Published figures\n\n");
    out.push_str("Only figures whose source was read are here. They were reached with other networks, on other machines, mostly in hours.\n\n");
    out.push_str("| example | ours | published | times ours | what | source |\n|---|---|---|---|---|---|\n");
    for p in known["published"].as_array().into_iter().flatten() {
        let text = |key: &str| p[key].as_str().unwrap_or_default();
        let name = text("example");
        let (theirs, ours) = (p["error"].as_f64().unwrap_or(f64::NAN), rows.get(name).map_or(f64::NAN, own));
        let ratio = times(theirs, ours);
        let _ = writeln!(
            out,
            "| {} | {} | {theirs:.2e} | {ratio} | {} | {} |",
            link(name),
            figure(ours),
            text("what"),
            text("source")
        );
    }
    out.push_str("\n## Simulations\n\nThey are not trained; each states what is known of the model, and holds it.\n\n| example | model | seconds | expected | holds |\n|---|---|---|---|---|\n");
    for (name, row) in rows {
        let Some(s) = &row.simulation else { continue };
        let expects: Vec<String> = s.expects.iter().map(|(text, _)| format!("`{text}`")).collect();
        let holds = if s.expects.iter().all(|(_, holds)| *holds) { "yes" } else { "**no**" };
        let _ =
            writeln!(out, "| {} | {} | {:.3} | {} | {holds} |", link(name), title(name), s.seconds, expects.join(", "));
    }
    out
}
