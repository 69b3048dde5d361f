//! `snnc compare RUN RUN …`: runs side by side: what was different about them, and what came out.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::messages::Messages;
use super::{Exit, files, rundir};
use crate::diag::runs;
use crate::report::sheet::{Cell, Sheet};

#[derive(Args)]
pub struct Arguments {
    /// The runs' folders
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Also write the table, with all digits: .csv or .json
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn compare(arguments: &Arguments, shown: &Messages) -> Exit {
    let mut records = vec![];
    for folder in &arguments.runs {
        match rundir::record(folder) {
            Ok(record) => records.push(record),
            Err(notice) => {
                return shown.refuse(&notice);
            }
        }
    }
    let sheet = side_by_side(&arguments.runs, &records);
    if let Some(out) = &arguments.out {
        let text = match out.extension().and_then(|e| e.to_str()) {
            Some("csv") => sheet.csv(),
            Some("json") => format!("{:#}\n", sheet.json()),
            _ => {
                return shown.refuse(&runs::out_format(&out.display().to_string(), "a table is a .csv or a .json"));
            }
        };
        if let Err(notice) = files::write(out, text.as_bytes()) {
            return shown.refuse(&notice);
        }
    }
    print!("{}", sheet.text());
    Exit::Done
}

/// A line a figure, a column a run. What is the same in all runs and no result is left out.
fn side_by_side(folders: &[PathBuf], records: &[Value]) -> Sheet {
    let mut sheet = Sheet { header: vec![String::new()], rows: vec![] };
    sheet.header.extend(folders.iter().map(|f| f.display().to_string()));
    let cell = |v: &Value| match v {
        Value::Null => Cell::Text("-".into()),
        Value::String(text) => Cell::Text(text.clone()),
        Value::Number(n) => Cell::Number(n.as_f64().unwrap_or(f64::NAN)),
        other => Cell::Text(other.to_string()),
    };
    let mut add = |name: &str, always: bool, of: &dyn Fn(&Value) -> Value| {
        let values: Vec<Value> = records.iter().map(of).collect();
        if always || values.iter().any(|v| *v != values[0]) {
            sheet.rows.push([Cell::Text(name.to_string())].into_iter().chain(values.iter().map(cell)).collect());
        }
    };
    let short = |v: &Value| v.as_str().map_or(Value::Null, |h| Value::from(&h[..h.len().min(12)]));
    add("program", false, &|r| r["program"]["name"].clone());
    add("its SHA-256", false, &|r| short(&r["program"]["sha256"]));
    for name in keys(records, |r| r["program"]["constants"].as_object().map(|o| o.keys().cloned().collect())) {
        add(&name, false, &|r| r["program"]["constants"][&name].clone());
    }
    add("seed", false, &|r| r["seed"].clone());
    add("snnc", false, &|r| r["snnc"].clone());
    add("state", true, &|r| r["status"]["state"].clone());
    let names = |key: &'static str, by: &'static str| {
        move |r: &Value| -> Option<Vec<String>> {
            r[key].as_array().map(|all| all.iter().filter_map(|m| m[by].as_str()).map(String::from).collect())
        }
    };
    let entry = |r: &Value, key: &str, by: &str, name: &str, what: &str| -> Value {
        let found = r[key].as_array().and_then(|all| all.iter().find(|m| m[by] == name));
        found.map_or(Value::Null, |m| m[what].clone())
    };
    for name in keys(records, names("metrics", "name")) {
        add(&name, true, &|r| entry(r, "metrics", "name", &name, "value"));
    }
    for text in keys(records, names("expects", "text")) {
        let holds = |v: Value| match v {
            Value::Bool(true) => "holds".into(),
            Value::Bool(false) => "FAILS".into(),
            _ => Value::Null,
        };
        add(&format!("expect {text}"), true, &|r| holds(entry(r, "expects", "text", &text, "holds")));
    }
    for name in keys(records, names("losses", "residual")) {
        add(&format!("{name}, mean square"), true, &|r| entry(r, "losses", "residual", &name, "after"));
    }
    for name in keys(records, names("layers", "name")) {
        add(&format!("{name}, spikes a neuron and step"), false, &|r| entry(r, "layers", "name", &name, "spike_rate"));
    }
    for name in keys(records, names("populations", "name")) {
        add(&format!("{name}, rate"), true, &|r| entry(r, "populations", "name", &name, "rate"));
    }
    add("forward evaluations", false, &|r| r["forward_evaluations"].clone());
    add("result's SHA-256", true, &|r| short(&r["result_sha256"]));
    add("seconds", true, &|r| {
        if r["seconds"]["train"].is_null() { r["seconds"]["simulate"].clone() } else { r["seconds"]["train"].clone() }
    });
    sheet
}

/// Names in any of the records, in order of their first appearance.
fn keys(records: &[Value], of: impl Fn(&Value) -> Option<Vec<String>>) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for name in records.iter().filter_map(of).flatten() {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}
