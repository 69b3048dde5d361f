//! One example: its own training over several seeds, then the two other methods for as long as that took.
//!
//! The other methods get three learning rates each. They are tried with the first seed, for a third of the time where that is
//! more than [`TRIAL`] seconds, and the one with the lowest *error* is kept, which no user could know.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use snnc::diag::Sink;
use snnc::pipeline::Source;
use snnc::source::Sources;
use snnc::syntax::ast::{Item, TrainStmt};

use crate::root;

/// Rates are tried for at least so many seconds, if training takes that long.
const TRIAL: f64 = 4.0;
/// Learning rates of the randomised gradients. Those of back-propagation are defaults of the peer.
const RATES: [f64; 3] = [0.01, 0.03, 0.1];

/// Everything that is known of an example.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Row {
    /// Of the program and of what it reads.
    pub hash: String,
    pub own: Vec<Run>,
    pub gradient: Option<Other>,
    pub backward: Option<Other>,
    /// Of a program that only simulates: its metrics and expectations.
    pub simulation: Option<Simulation>,
}

/// A run of the example itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub seed: u64,
    pub error: f64,
    pub evaluations: u64,
    pub seconds: f64,
    pub threads: u64,
    /// Of the layers that spike: neurons, and spikes a neuron and step.
    pub layers: Vec<(String, u64, f64)>,
    /// What training did, phase by phase.
    pub methods: Vec<String>,
}

/// Another method.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Other {
    pub rate: f64,
    /// The rates that were tried, and the errors then.
    pub tried: Vec<(f64, f64)>,
    pub errors: Vec<f64>,
    /// Medians over the runs.
    pub steps: u64,
    pub seconds: f64,
    /// A run with the first seed for more than equal time: seconds, and the error.
    #[serde(default)]
    pub longer: Option<(f64, f64)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Simulation {
    pub seconds: f64,
    pub metrics: Vec<(String, f64)>,
    pub expects: Vec<(String, bool)>,
}

pub struct Bench {
    pub peer: Option<PathBuf>,
    pub seeds: u64,
    pub others: u64,
    pub longer: Option<f64>,
}

/// The names of all examples.
pub fn examples() -> Vec<String> {
    let entries = fs::read_dir(root().join("examples")).expect("there are examples");
    let paths = entries.map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "snn"));
    let mut names: Vec<String> = paths.map(|p| p.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.into_iter().collect();
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    match all.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => all[middle],
        _ => 0.5 * (all[middle - 1] + all[middle]),
    }
}

/// The folder of everything in between.
pub fn folder() -> PathBuf {
    root().join("target/benchmarks")
}

/// Copies the examples beside those that are made of them, so that the files that they read are found.
pub fn programs() -> PathBuf {
    let to = folder().join("programs");
    fs::create_dir_all(&to).expect("a folder below target");
    for entry in fs::read_dir(root().join("examples")).expect("there are examples") {
        let from = entry.expect("an entry").path();
        fs::copy(&from, to.join(from.file_name().expect("a name"))).expect("a copy");
    }
    to
}

/// Runs a program; `None`, and a word to the terminal, if there is no `run.json` to read.
pub fn snnc(program: &Path, seed: u64, out: &Path) -> Option<Value> {
    let _ = fs::remove_dir_all(out);
    let mut command = Command::new(env!("CARGO_BIN_EXE_snnc"));
    command.arg("run").arg(program).args(["--quiet", "--message-format", "plain", "--seed", &seed.to_string()]);
    let output = command.arg("--out").arg(out).output().expect("snnc starts");
    let read = fs::read(out.join("run.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if read.is_none() {
        eprintln!("{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    }
    read
}

/// The error that counts: of several fields the largest; of an inverse problem, that of the constants; with neither, what is left
/// of a residual.
fn error(run: &Value, value: impl Fn(&Value) -> f64) -> f64 {
    let unknowns: Vec<&str> = list(&run["unknowns"]).iter().filter_map(|u| u["name"].as_str()).collect();
    let relative = list(&run["metrics"]).iter().filter(|m| m["kind"] == "relative_l2");
    let (constants, fields): (Vec<&Value>, Vec<&Value>) =
        relative.partition(|m| m["field"].as_str().is_some_and(|f| unknowns.contains(&f)));
    let residuals = || list(&run["metrics"]).iter().filter(|m| m["kind"] == "residual").collect();
    let counted = match (constants.is_empty(), fields.is_empty()) {
        (false, _) => constants,
        (true, false) => fields,
        (true, true) => residuals(),
    };
    counted.into_iter().map(value).fold(f64::NAN, f64::max)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn own_error(run: &Value) -> f64 {
    error(run, |m| number(&m["value"]))
}

pub fn read_own(seed: u64, run: &Value) -> Run {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    let layer = |l: &Value| Some((text(&l["name"]), l["units"].as_u64()?, l["spike_rate"].as_f64()?));
    Run {
        seed,
        error: own_error(run),
        evaluations: run["forward_evaluations"].as_u64().unwrap_or(0),
        seconds: number(&run["seconds"]["train"]),
        threads: run["threads"].as_u64().unwrap_or(0),
        layers: list(&run["layers"]).iter().filter_map(layer).collect(),
        methods: list(&run["phases"]).iter().map(|p| text(&p["method"])).collect(),
    }
}

/// The program without its `train` block, and the precision that the block names; `None` if there is no such block.
pub fn without_training(name: &str, text: &str) -> Option<(String, Option<String>)> {
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let file = Source::new(name, text).parse(&mut sources, &mut sink).expect("an example has no errors");
    let train = file.items.iter().find_map(|item| match item {
        Item::Train(train) => Some(train),
        _ => None,
    })?;
    let precision = train.body.iter().find_map(|s| match s {
        TrainStmt::Precision(name, _) => Some(format!("  precision {}\n", name.text)),
        _ => None,
    });
    let (start, end) = (train.span.start as usize, train.span.end as usize);
    Some((format!("{}{}", &text[..start], &text[end..]), precision))
}

/// The program with another `train` block; the precision stays.
fn with_training(name: &str, text: &str, phase: &str) -> String {
    let (rest, precision) = without_training(name, text).unwrap_or_else(|| (text.to_string(), None));
    format!("{rest}\ntrain {{\n{}{phase}}}\n", precision.unwrap_or_default())
}

/// Adam along four Gaussian directions over all weights at once, which cost as much as one.
fn forward_gradients(steps: u64, rate: f64) -> String {
    format!(
        "  phase descend {{\n    steps {steps}\n    perturb gaussian directions 4\n    estimate forward\n    update \
         adam(rate = {rate} -> {} cosine)\n  }}\n",
        rate / 10.0
    )
}

/// Of the program and of all data that stand beside it and that it names.
pub fn hash(place: &Path, text: &str) -> String {
    let mut hasher = Sha256::new_with_prefix(text);
    let mut entries: Vec<PathBuf> =
        fs::read_dir(place).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if text.contains(&format!("\"{name}\"")) {
            hasher.update(fs::read(path).expect("a file"));
        }
    }
    hasher.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
}

impl Bench {
    /// Measures what is missing of a row, and has it kept after each part.
    pub fn complete(&self, name: &str, row: &mut Row, keep: &mut dyn FnMut(&Row)) {
        let place = programs();
        let path = place.join(format!("{name}.snn"));
        let text = fs::read_to_string(&path).expect("an example is text");
        let hash = hash(&place, &text);
        if row.hash != hash {
            *row = Row { hash, ..Row::default() };
        }
        let out = |what: &str| folder().join("runs").join(format!("{name}-{what}"));
        if row.simulation.is_some() {
            return keep(row);
        }
        for seed in 1..=self.seeds {
            if row.own.iter().any(|r| r.seed == seed) {
                continue;
            }
            let Some(run) = snnc(&path, seed, &out(&seed.to_string())) else { return keep(row) };
            if !run["seconds"]["simulate"].is_null() {
                row.simulation = Some(simulation(&run));
                return keep(row);
            }
            row.own.push(read_own(seed, &run));
            keep(row);
        }
        let seconds = median(row.own.iter().map(|r| r.seconds));
        if row.gradient.is_none() {
            row.gradient = self.gradient(name, &text, seconds, &place, &out("gradient"));
            keep(row);
        }
        let lacks = |o: &Other| o.longer.is_none() && self.longer.is_some_and(|l| l > seconds);
        if let (true, Some(python)) = (row.backward.as_ref().is_none_or(lacks), &self.peer) {
            row.backward = self.backward(&path, seconds, python, &out("1"));
            keep(row);
        }
    }

    /// Seconds for which rates are tried.
    fn trial(seconds: f64) -> f64 {
        (seconds / 3.0).max(TRIAL.min(seconds))
    }

    /// Randomised forward gradients, as many steps as the time allows.
    fn gradient(&self, name: &str, text: &str, seconds: f64, place: &Path, out: &Path) -> Option<Other> {
        let path = place.join(format!("{name}.gradient.snn"));
        let run = |steps: u64, rate: f64, seed: u64| {
            fs::write(&path, with_training(name, text, &forward_gradients(steps, rate))).expect("a file below target");
            snnc(&path, seed, out)
        };
        // The time of a step, from ever longer runs; what comes before the first is left out of it.
        let (mut steps, mut before, mut each) = (2u64, 0.0, 0.0);
        for _ in 0..3 {
            let history = run(steps, RATES[0], 1)?;
            let at: Vec<f64> = list(&history["history"]).iter().map(|h| number(&h["seconds"])).collect();
            before = *at.first()?;
            each = (at.last()? - before).max(1e-6) / steps as f64;
            let next = ((0.2 * seconds - before) / each) as u64;
            if next < 2 * steps {
                break;
            }
            steps = next;
        }
        let afford = |time: f64| (((time - before) / each) as u64).max(1);
        let mut tried = vec![];
        for rate in RATES {
            tried.push((rate, own_error(&run(afford(Bench::trial(seconds)), rate, 1)?)));
        }
        let best = tried.iter().min_by(|a, b| a.1.total_cmp(&b.1))?.0;
        let (mut errors, mut took) = (vec![], vec![]);
        for seed in 1..=self.others {
            let found = run(afford(seconds), best, seed)?;
            errors.push(own_error(&found));
            took.push(number(&found["seconds"]["train"]));
        }
        Some(Other { rate: best, tried, errors, steps: afford(seconds), seconds: median(took), longer: None })
    }

    /// Back-propagation of the same network in JAX. The rows of nonlinear weak forms are whitened about the solution that the
    /// example's own run has found.
    fn backward(&self, path: &Path, seconds: f64, python: &Path, run: &Path) -> Option<Other> {
        let arrays = folder().join("arrays");
        let _ = fs::remove_dir_all(&arrays);
        fs::create_dir_all(&arrays).expect("a folder below target");
        let mut files = vec![];
        for seed in 1..=self.others {
            let file = arrays.join(format!("{seed}.safetensors"));
            let mut command = Command::new(env!("CARGO_BIN_EXE_snnc"));
            command.arg("emit").arg(path).args([
                "--stage",
                "rows",
                "--seed",
                &seed.to_string(),
                "--message-format",
                "plain",
            ]);
            command.arg("--out").arg(&file).arg("--weights").arg(run.join("checkpoint.safetensors"));
            if !command.status().is_ok_and(|s| s.success()) {
                return None;
            }
            files.push(file);
        }
        let script = root().join("benches/peers/jax_train.py");
        let mut command = Command::new(python);
        command.arg(script).args(["--seconds", &seconds.to_string(), "--trial", &Bench::trial(seconds).to_string()]);
        if let Some(longer) = self.longer.filter(|l| *l > seconds) {
            command.args(["--longer", &longer.to_string()]);
        }
        let output = command.args(&files).stderr(Stdio::inherit()).output().ok().filter(|o| o.status.success())?;
        let said = String::from_utf8_lossy(&output.stdout);
        let found: Value = serde_json::from_str(said.lines().last()?).ok()?;
        let _ = fs::remove_dir_all(&arrays);
        let record: Value = serde_json::from_slice(&fs::read(run.join("run.json")).ok()?).ok()?;
        let off = |r: &Value| error(&record, |m| number(&r["errors"][m["name"].as_str().unwrap_or_default()]));
        let runs = list(&found["runs"]);
        Some(Other {
            rate: number(&runs.first()?["rate"]),
            tried: list(&found["tried"]).iter().map(|r| (number(&r["rate"]), off(r))).collect(),
            errors: runs.iter().map(off).collect(),
            steps: median(runs.iter().map(|r| number(&r["steps"]))) as u64,
            seconds: median(runs.iter().map(|r| number(&r["seconds"]))),
            longer: Some(&found["longer"]).filter(|r| !r.is_null()).map(|r| (number(&r["seconds"]), off(r))),
        })
    }
}

fn simulation(run: &Value) -> Simulation {
    let name = |v: &Value| v.as_str().unwrap_or_default().to_string();
    Simulation {
        seconds: number(&run["seconds"]["simulate"]),
        metrics: list(&run["metrics"]).iter().map(|m| (name(&m["name"]), number(&m["value"]))).collect(),
        expects: list(&run["expects"]).iter().map(|e| (name(&e["text"]), e["holds"] == true)).collect(),
    }
}
