//! `snnc show`: a run's summary, a neuron with its current-to-rate curve, the topology of a network.
//!
//! What is printed of a neuron is its text in the language, with the curve as comments behind: it can be kept as a file,
//! changed and imported.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::check::{self, Loaded};
use super::curve::{self, Curve};
use super::messages::Messages;
use super::rundir::{self, Run};
use super::topology::diagram;
use super::{Exit, Program, files, limits};
use crate::check::{names, prelude};
use crate::diag::runs;
use crate::pipeline::Checked;
use crate::report::diagram::Diagram;
use crate::report::scale::{count, short};
use crate::report::svg::{Chart, Curve as Line};
use crate::report::table;

#[derive(Args)]
pub struct Arguments {
    /// `neuron` or `network`, or the folder of a run
    #[arg(value_name = "neuron|network|RUN")]
    what: String,
    /// The neuron's name (without one, all names are listed), or the program of the network
    #[arg(value_name = "NAME|FILE")]
    name: Option<String>,
    /// Look for the neuron in this program
    #[arg(long = "in", value_name = "FILE")]
    within: Option<PathBuf>,
    /// Also draw it, as an SVG: the topology, or the neuron's curve
    #[arg(long, value_name = "FILE.svg")]
    out: Option<PathBuf>,
}

pub fn show(arguments: &Arguments, shown: &Messages) -> Exit {
    let done = match arguments.what.as_str() {
        "neuron" => neuron(arguments, shown),
        "network" => network(arguments, shown),
        folder => run(Path::new(folder), arguments, shown),
    };
    match done {
        Ok(()) => Exit::Done,
        Err(exit) => exit,
    }
}

fn draw(arguments: &Arguments, svg: &str, shown: &Messages) -> Result<(), Exit> {
    let Some(out) = &arguments.out else { return Ok(()) };
    if out.extension().is_none_or(|e| e != "svg") {
        return Err(shown.refuse(&runs::out_format(&out.display().to_string(), "a drawing is an .svg")));
    }
    files::write(out, svg.as_bytes()).map_err(|n| shown.refuse(&n))
}

fn neuron(arguments: &Arguments, shown: &Messages) -> Result<(), Exit> {
    let Some(name) = &arguments.name else {
        prelude::NAMES.iter().for_each(|n| println!("{n}"));
        return Ok(());
    };
    let text = match &arguments.within {
        None => prelude::text(name).map(str::to_string).ok_or_else(|| {
            let near = names::nearest(name, prelude::NAMES.iter().copied());
            let all: Vec<String> = prelude::NAMES.iter().map(|n| n.to_string()).collect();
            shown.refuse(&runs::not_found("neuron of the language", name, near, &all))
        })?,
        Some(file) => files::program(file).map_err(|n| shown.refuse(&n))?,
    };
    let curve = curve::curve(&text, name);
    if arguments.within.is_none() {
        print!("{text}");
        println!();
    }
    match &curve {
        Ok(curve) => {
            print!("{}", curve.text());
            draw(arguments, &picture(name, curve), shown)
        }
        Err(curve::NoCurve::NoNeuron) => {
            let place = arguments.within.as_ref().map_or(String::new(), |f| f.display().to_string());
            let why = format!("neuron in {place} that could be simulated, called");
            Err(shown.refuse(&runs::not_found(&why, name, None, &["what `snnc check` says".to_string()])))
        }
        Err(curve::NoCurve::Silent) => {
            println!("# It does not spike at any constant current.");
            match arguments.out {
                None => Ok(()),
                Some(_) => {
                    Err(shown.refuse(&runs::not_found("curve of the neuron", name, None, &["no spikes".to_string()])))
                }
            }
        }
    }
}

fn picture(name: &str, curve: &Curve) -> String {
    let bracket = |what: &str, unit: &str| if unit.is_empty() { what.to_string() } else { format!("{what} ({unit})") };
    let points = curve.currents.iter().copied().zip(curve.rates.iter().copied()).collect();
    let (x, y) = (bracket("current", &curve.unit), bracket("rate", curve.rate_unit));
    let curves = vec![Line { name, points, dashed: false }];
    let title = format!("{name}: rate at a constant current");
    Chart { title: &title, x: &x, y: &y, log_y: false, curves, also: &[], marks: vec![] }.draw()
}

fn network(arguments: &Arguments, shown: &Messages) -> Result<(), Exit> {
    let Some(file) = &arguments.name else {
        return Err(shown.refuse(&runs::options("`snnc show network` needs a program", "snnc show network FILE.snn")));
    };
    let program = Program { file: file.into(), set: vec![], seed: None, allow_read: vec![] };
    match check::load(&program, shown)?.1 {
        Loaded::Training(checked) => {
            limits::compilable(&checked.footprint(1), shown)?;
            let drawing = topology(check::stem(Path::new(file)), &checked);
            print!("{}", drawing.text());
            draw(arguments, &drawing.svg(), shown)
        }
        Loaded::Simulation(_) => Err(shown.refuse(&runs::not_trained(file, "show network"))),
    }
}

fn topology(title: String, checked: &Checked) -> Diagram {
    let lowered = checked.lower();
    diagram(title, checked.model(), &lowered.problem.network)
}

/// A run in a page: what it was, what came out.
fn run(folder: &Path, arguments: &Arguments, shown: &Messages) -> Result<(), Exit> {
    let record = rundir::record(folder).map_err(|n| shown.refuse(&n))?;
    let word = |v: &Value| v.as_str().unwrap_or("?").to_string();
    let number = |v: &Value| v.as_f64().map_or("nan".to_string(), short);
    let p = &record["program"];
    let constants = p["constants"].as_object().into_iter().flatten().map(|(k, v)| format!("{k} = {}", number(v)));
    let constants: Vec<String> = constants.collect();
    println!(
        "{}: {}, seed {}, snnc {}",
        word(&p["name"]),
        word(&record["status"]["state"]),
        record["seed"],
        word(&record["snnc"])
    );
    if !constants.is_empty() {
        println!("{}", constants.join(", "));
    }
    let rows = |key: &str, cells: &dyn Fn(&Value) -> Vec<String>| -> Vec<Vec<String>> {
        record[key].as_array().into_iter().flatten().map(cells).collect()
    };
    let print = |header: &[&str], right: &[usize], rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            print!("\n{}", table::columns(header, right, &rows));
        }
    };
    if record["kind"] == "simulation" {
        let of =
            |v: &Value| vec![word(&v["name"]), v["units"].to_string(), v["spikes"].to_string(), number(&v["rate"])];
        let rate = format!("rate ({})", word(&record["rate_unit"]));
        print(&["population", "units", "spikes", &rate], &[1, 2, 3], rows("populations", &of));
    } else {
        let run = Run::open(folder, "show", shown)?;
        let drawing = topology(word(&p["name"]), &run.checked);
        print!("\n{}", drawing.text());
        draw(arguments, &drawing.svg(), shown)?;
        let of = |v: &Value| {
            vec![
                word(&v["name"]),
                word(&v["method"]),
                number(&v["loss_before"]),
                number(&v["loss_after"]),
                number(&v["seconds"]),
                word(&v["note"]),
            ]
        };
        print(&["phase", "method", "loss before", "after", "seconds", ""], &[2, 3, 4], rows("phases", &of));
        let of =
            |v: &Value| vec![word(&v["residual"]), word(&v["method"]), number(&v["after"]), number(&v["fresh_rms"])];
        print(&["residual", "method", "mean square", "rms, fresh"], &[2, 3], rows("losses", &of));
        let of = |v: &Value| vec![word(&v["name"]), number(&v["start"]), number(&v["value"]), number(&v["exact"])];
        print(&["unknown", "start", "value", "exact"], &[1, 2, 3], rows("unknowns", &of));
    }
    let of = |v: &Value| {
        let what = if v["kind"].is_string() {
            format!("{}({})", word(&v["kind"]), word(&v["field"]))
        } else {
            word(&v["text"])
        };
        vec![word(&v["name"]), number(&v["value"]), what]
    };
    print(&["metric", "value", "measure"], &[1], rows("metrics", &of));
    let of = |v: &Value| vec![if v["holds"] == true { "holds" } else { "FAILS" }.to_string(), word(&v["text"])];
    print(&["", "expect"], &[], rows("expects", &of));
    rows("doubts", &|v| vec![word(v)]).iter().for_each(|doubt| println!("\ndoubt: {}", doubt[0]));
    if let Some(n) = record["forward_evaluations"].as_u64() {
        println!("\n{} forward evaluations in {} s", count(n), number(&record["seconds"]["train"]));
    }
    if folder.join(super::saver::STATE).is_file() {
        println!("\na run is stopped here: `snnc resume {}` goes on", folder.display());
    }
    Ok(())
}
