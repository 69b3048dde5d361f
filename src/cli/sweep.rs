//! `snnc sweep FILE --set c=1,2,4 --seeds 5`: the program once for every setting and seed, and a table of what came out.
//!
//! Every run is one of `snnc run`, in a process and a folder of its own, so that one that diverges ends no other. Runs that are
//! there already, of the same program, setting and seed, are not repeated.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use clap::Args;
use serde_json::{Value, json};

use super::check::{self, Loaded};
use super::limits::{Limits, Size};
use super::messages::Messages;
use super::run::{INTERRUPTED, available_threads, handle_interrupts, hash, sha256, texts};
use super::{Exit, Program, files, rundir};
use crate::diag::runs;
use crate::report::scale::short;
use crate::report::sheet::{Cell, Sheet, median};

#[derive(Args)]
pub struct Arguments {
    /// The program, a .snn file
    file: PathBuf,
    /// Values of a constant, or of where an unknown starts, as in --set c=1,2,4 (may be repeated: all combinations)
    #[arg(long, value_name = "NAME=VALUE,…", value_parser = settings)]
    set: Vec<(String, Vec<f64>)>,
    /// Seeds: a number of them, from 1, or a list 3,7,9; without, the program's own
    #[arg(long, value_name = "N", value_parser = seeds)]
    seeds: Option<Seeds>,
    /// Runs at the same time; each gets its share of the threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Folder for the runs; runs/NAME-sweep if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also write the table: .csv has a line a run, .json that and the summary
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// A folder that the program may read files from, beside its own (may be repeated)
    #[arg(long, value_name = "DIR")]
    allow_read: Vec<PathBuf>,
    #[command(flatten)]
    limits: Limits,
    /// Only the table
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone)]
struct Seeds(Vec<u64>);

fn settings(text: &str) -> Result<(String, Vec<f64>), String> {
    let (name, values) = text.split_once('=').ok_or("expected NAME=VALUE,…, as in c=1,2,4")?;
    let values: Result<Vec<f64>, String> =
        values.split(',').map(|v| super::setting(&format!("{name}={v}")).map(|(_, value)| value)).collect();
    Ok((name.trim().to_string(), values?))
}

fn seeds(text: &str) -> Result<Seeds, String> {
    if text.contains(',') {
        let list = text.split(',').filter(|s| !s.trim().is_empty()).map(super::seed);
        return list.collect::<Result<_, _>>().map(Seeds);
    }
    match super::seed(text)? {
        n @ 1..=10_000 => Ok(Seeds((1..=n).collect())),
        _ => Err("expected a number of seeds from 1 to 10000, or a list as in 3,7,9".into()),
    }
}

/// One run of the sweep.
struct Case {
    set: Vec<(String, f64)>,
    seed: Option<u64>,
    folder: PathBuf,
    /// Of a run that has ended.
    record: Option<Value>,
}

impl Case {
    /// `c = 1, seed 2`.
    fn name(&self) -> String {
        let set = self.set.iter().map(|(name, v)| format!("{name} = {v}"));
        let all: Vec<String> = set.chain(self.seed.map(|s| format!("seed {s}"))).collect();
        if all.is_empty() { "as it is".into() } else { all.join(", ") }
    }

    fn metrics(&self) -> Vec<(String, f64)> {
        let all = self.record.as_ref().and_then(|r| r["metrics"].as_array()).into_iter().flatten();
        all.map(|m| (m["name"].as_str().unwrap_or_default().to_string(), m["value"].as_f64().unwrap_or(f64::NAN)))
            .collect()
    }

    fn state(&self) -> String {
        self.record.as_ref().and_then(|r| r["status"]["state"].as_str()).unwrap_or("did not run").to_string()
    }
}

pub fn sweep(arguments: &Arguments, shown: &Messages) -> Exit {
    match swept(arguments, shown) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn swept(arguments: &Arguments, shown: &Messages) -> Result<Exit, Exit> {
    for (k, (name, _)) in arguments.set.iter().enumerate() {
        if arguments.set[..k].iter().any(|(n, _)| n == name) {
            let why = format!("--set {name} is given twice");
            return Err(
                shown.refuse(&runs::options(&why, &format!("all its values belong into one: --set {name}=1,2")))
            );
        }
    }
    if let Some(table) = &arguments.table
        && !table.extension().is_some_and(|e| e == "csv" || e == "json")
    {
        return Err(shown.refuse(&runs::out_format(&table.display().to_string(), "a table is a .csv or a .json")));
    }
    // Mistakes of the program are said once, and before anything runs.
    let first = arguments.set.iter().map(|(name, values)| (name.clone(), values[0])).collect();
    let program =
        Program { file: arguments.file.clone(), set: first, seed: None, allow_read: arguments.allow_read.clone() };
    let read = check::read(&program, shown)?;
    let imports = match &read.loaded {
        Loaded::Training(checked) => checked.imports(),
        Loaded::Simulation(checked) => checked.imports(),
    };
    let wanted = hash(&read.text, &texts(imports));
    let inputs: Vec<Value> =
        read.inputs.iter().map(|(path, bytes)| json!({ "path": path, "sha256": sha256(bytes) })).collect();
    let name = check::stem(&arguments.file);
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{name}-sweep")));
    let mut cases = cases(arguments, &out);
    let is_there = |case: &Case| {
        let record = rundir::record(&case.folder).ok()?;
        let set: Vec<Value> = case.set.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let p = &record["program"];
        let seed = case.seed.is_none_or(|s| record["seed"] == s);
        // Simulations keep less, and are soon done again.
        let same = p["sha256"] == wanted && p["set"] == json!(set) && p["inputs"] == json!(inputs) && seed;
        (same && record["status"]["state"] == "finished" && record["snnc"] == env!("CARGO_PKG_VERSION"))
            .then_some(record)
    };
    cases.iter_mut().for_each(|case| case.record = is_there(case));
    handle_interrupts();
    carry_out(arguments, &mut cases, shown)?;
    tell(arguments, &cases, shown)?;
    if INTERRUPTED.load(Ordering::Relaxed) {
        shown.sentence("interrupted; the same command goes on with what is left");
        return Ok(Exit::Interrupted);
    }
    let failed = cases.iter().filter(|c| c.record.is_none()).count();
    Ok(if failed == 0 { Exit::Done } else { Exit::WrongInvocation })
}

/// All combinations, seeds fastest.
fn cases(arguments: &Arguments, out: &Path) -> Vec<Case> {
    let mut combinations: Vec<Vec<(String, f64)>> = vec![vec![]];
    for (name, values) in &arguments.set {
        let with = |c: &Vec<(String, f64)>| {
            let each = values.iter().map(|v| c.iter().cloned().chain([(name.clone(), *v)]).collect());
            each.collect::<Vec<Vec<(String, f64)>>>()
        };
        combinations = combinations.iter().flat_map(with).collect();
    }
    let seeds: Vec<Option<u64>> = match &arguments.seeds {
        Some(Seeds(list)) => list.iter().map(|s| Some(*s)).collect(),
        None => vec![None],
    };
    let mut all = vec![];
    for set in combinations {
        for seed in &seeds {
            let parts = set.iter().map(|(name, v)| format!("{name}={v}")).chain(seed.map(|s| format!("seed={s}")));
            let parts: Vec<String> = parts.collect();
            let folder = out.join(if parts.is_empty() { "run".to_string() } else { parts.join("_") });
            all.push(Case { set: set.clone(), seed: *seed, folder, record: None });
        }
    }
    all
}

/// Runs what is not there yet.
fn carry_out(arguments: &Arguments, cases: &mut [Case], shown: &Messages) -> Result<(), Exit> {
    let exe = std::env::current_exe().map_err(|e| {
        shown.sentence(&format!("cannot find snnc itself: {}", files::words(&e)));
        Exit::WrongInvocation
    })?;
    let total = cases.len();
    let threads = (available_threads() / usize::from(arguments.jobs)).max(1);
    let queue: Mutex<VecDeque<(usize, &mut Case)>> =
        Mutex::new(cases.iter_mut().enumerate().filter(|(_, c)| c.record.is_none()).collect());
    let work = || {
        loop {
            let next = queue.lock().map_or(None, |mut q| q.pop_front());
            let Some((k, case)) = next else { break };
            if INTERRUPTED.load(Ordering::Relaxed) {
                break;
            }
            let mut command = Command::new(&exe);
            command.arg("run").arg(&arguments.file).arg("--quiet").arg("--threads").arg(threads.to_string());
            command.arg("--out").arg(&case.folder).args(["--message-format", "plain", "--color", "never"]);
            if let Some(Size(bytes)) = arguments.limits.max_memory {
                command.arg("--max-memory").arg(bytes.to_string());
            }
            for folder in &arguments.allow_read {
                command.arg("--allow-read").arg(folder);
            }
            for (name, value) in &case.set {
                command.arg("--set").arg(format!("{name}={value}"));
            }
            if let Some(seed) = case.seed {
                command.arg("--seed").arg(seed.to_string());
            }
            let output = command.stdin(Stdio::null()).output();
            let said = match &output {
                Ok(o) if matches!(o.status.code(), Some(0 | 3 | 4)) => {
                    case.record = rundir::record(&case.folder).ok();
                    String::new()
                }
                Ok(o) => String::from_utf8_lossy(&o.stderr).into_owned(),
                Err(e) => files::words(e),
            };
            if !arguments.quiet && !shown.for_programs() {
                let metrics = case.metrics().iter().map(|(n, v)| format!("{n} {}", short(*v))).collect::<Vec<_>>();
                eprintln!("{}/{total} {}: {}   {}", k + 1, case.name(), case.state(), metrics.join("   "));
            }
            if case.record.is_none() && !INTERRUPTED.load(Ordering::Relaxed) {
                shown.sentence(&format!("{}: {}", case.name(), said.trim()));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(work);
        }
    });
    Ok(())
}

/// The summary, a line a setting, and the table of all runs if it is asked for.
fn tell(arguments: &Arguments, cases: &[Case], shown: &Messages) -> Result<(), Exit> {
    let mut names: Vec<String> = vec![];
    for (name, _) in cases.iter().flat_map(Case::metrics) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let settings: Vec<String> = arguments.set.iter().map(|(name, _)| name.clone()).collect();
    let mut sheet = Sheet { header: settings.clone(), rows: vec![] };
    sheet.header.extend(["seed", "state", "expects"].map(String::from));
    sheet.header.extend(names.clone());
    sheet.header.extend(["forward_evaluations", "seconds"].map(String::from));
    let expects = |c: &Case| -> Option<bool> {
        let all = c.record.as_ref()?["expects"].as_array()?;
        (!all.is_empty()).then(|| all.iter().all(|e| e["holds"] == true))
    };
    for c in cases {
        let r = c.record.as_ref().unwrap_or(&Value::Null);
        let number = |v: &Value| Cell::Number(v.as_f64().unwrap_or(f64::NAN));
        let metrics = c.metrics();
        let metric = |n: &String| metrics.iter().find(|(m, _)| m == n).map_or(f64::NAN, |(_, v)| *v);
        let mut row: Vec<Cell> = c.set.iter().map(|(_, v)| Cell::Number(*v)).collect();
        row.extend([number(&r["seed"]), c.state().as_str().into()]);
        row.push(expects(c).map_or("", |h| if h { "hold" } else { "fail" }).into());
        row.extend(names.iter().map(|n| Cell::Number(metric(n))));
        row.extend([number(&r["forward_evaluations"]), number(&r["seconds"]["train"])]);
        sheet.rows.push(row);
    }
    let mut summary = Sheet { header: settings, rows: vec![] };
    summary.header.extend(["runs", "finished", "expects hold"].map(String::from));
    for name in &names {
        summary.header.extend([format!("{name}: median"), "least".into(), "largest".into()]);
    }
    let mut json_rows = vec![];
    for group in cases.chunk_by(|a, b| a.set == b.set) {
        let finished: Vec<&Case> = group.iter().filter(|c| c.state() == "finished").collect();
        let judged: Vec<bool> = group.iter().filter_map(expects).collect();
        let mut row: Vec<Cell> = group[0].set.iter().map(|(_, v)| Cell::Number(*v)).collect();
        row.extend([Cell::Number(group.len() as f64), Cell::Number(finished.len() as f64)]);
        row.push(Cell::Text(if judged.is_empty() {
            String::new()
        } else {
            format!("{} of {}", judged.iter().filter(|h| **h).count(), judged.len())
        }));
        let mut metrics = serde_json::Map::new();
        for name in &names {
            let of = |c: &&Case| c.metrics().into_iter().find(|(n, _)| n == name).map(|(_, v)| v);
            let values: Vec<f64> = finished.iter().filter_map(of).collect();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.extend([median(&values), least, largest].map(Cell::Number));
            metrics.insert(name.clone(), json!({ "median": median(&values), "least": least, "largest": largest }));
        }
        let set: serde_json::Map<String, Value> = group[0].set.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        json_rows.push(json!({ "set": set, "runs": group.len(), "finished": finished.len(), "metrics": metrics }));
        summary.rows.push(row);
    }
    print!("{}", summary.text());
    let Some(file) = &arguments.table else { return Ok(()) };
    let text = match file.extension().is_some_and(|e| e == "json") {
        true => format!("{:#}\n", json!({ "runs": sheet.json(), "summary": json_rows })),
        false => sheet.csv(),
    };
    files::write(file, text.as_bytes()).map_err(|n| shown.refuse(&n))
}
