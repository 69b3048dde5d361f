//! `snnc eval RUN`: the metrics of a run once more, from its weights; on its own points they are the run's to the last bit.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::gather::Trained;
use super::limits::Limits;
use super::messages::Messages;
use super::points;
use super::run::{EngineChoice, threads};
use super::rundir::Run;
use crate::diag::runs;
use crate::func::figure;
use crate::plan::MetricKind;
use crate::report::data::MetricRow;
use crate::report::table;
use crate::source::safe_json;

#[derive(Args)]
pub struct Arguments {
    /// The run's folder, runs/NAME
    run: PathBuf,
    /// Measure on another grid, as in x=501,t=501; residuals are measured at fresh points in any case
    #[arg(long)]
    grid: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// What runs the network; both give the same bits
    #[arg(long, value_enum, default_value_t = EngineChoice::Jit)]
    engine: EngineChoice,
    /// Threads; the result does not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    #[command(flatten)]
    limits: Limits,
}

pub fn eval(arguments: &Arguments, shown: &Messages) -> Exit {
    match evaluated(arguments, shown) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn evaluated(arguments: &Arguments, shown: &Messages) -> Result<Exit, Exit> {
    let say = |n| shown.refuse(&n);
    let run = Run::open(&arguments.run, "eval", shown)?;
    let (pool, threads) = threads(arguments.threads, shown)?;
    let (engine, _) = arguments.engine.engine();
    let asked = arguments.grid.as_deref().map_or(0.0, points::count);
    let mut compiled = arguments.limits.compile_to_ask(&run.checked, engine, threads, asked, shown)?;
    let params = run.params(&compiled.problem, shown)?;
    if let Some(text) = &arguments.grid {
        if compiled.problem.reference.is_some() {
            return Err(say(runs::no_exact("the exact solution is a file, and known on its own grid only")));
        }
        let axes = points::axes(text, &compiled.problem.coords).map_err(say)?;
        if text.contains('@') {
            let why = "metrics are taken over the whole domain, so that `@` has no place here";
            return Err(say(runs::grid(why, &text.replace('@', "="))));
        }
        let counts: Vec<usize> = axes.iter().map(Vec::len).collect();
        let on_grid = |m: &&mut crate::plan::Metric| m.kind != MetricKind::Residual;
        compiled.problem.report.metrics.iter_mut().filter(on_grid).for_each(|m| m.grid.clone_from(&counts));
    }
    let trained = Trained { problem: &compiled.problem, kernels: &compiled.kernels, params: &params, losses: &[] };
    let metrics = pool.install(|| trained.metrics());
    let expects = trained.expects(&metrics);
    let then = |m: &MetricRow| -> Option<f64> {
        let all = run.record["metrics"].as_array()?;
        all.iter().find(|k| k["name"] == m.name.as_str())?["value"].as_f64()
    };
    if arguments.json {
        let metric = |m: &MetricRow| {
            json!({
                "name": m.name, "kind": m.kind, "field": m.field, "grid": m.grid, "value": m.value, "in_run": then(m),
            })
        };
        let value: Value = json!({
            "run": run.folder,
            "metrics": metrics.iter().map(metric).collect::<Vec<_>>(),
            "expects": expects.iter().map(|e| json!({ "text": e.text, "value": e.value, "holds": e.holds })).collect::<Vec<_>>(),
        });
        println!("{}", safe_json(&format!("{value:#}")));
    } else {
        let row = |m: &MetricRow| {
            let grid = m.grid.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
            let value = |v: f64| format!("{v:e}");
            let holds = expects.iter().filter(|e| e.metric == m.name);
            let holds = holds.map(|e| format!("{}: {}", if e.holds { "holds" } else { "FAILS" }, e.text));
            vec![
                m.name.clone(),
                value(m.value),
                then(m).map_or_else(String::new, value),
                m.measure(),
                grid,
                holds.collect::<Vec<_>>().join(", "),
            ]
        };
        let lines: Vec<Vec<String>> = metrics.iter().map(row).collect();
        print!("{}", table::columns(&["metric", "value", "in the run", "measure", "grid", ""], &[1, 2], &lines));
    }
    if arguments.grid.is_none() {
        let differs = |m: &&MetricRow| then(m).is_some_and(|v| v.to_bits() != m.value.to_bits());
        for m in metrics.iter().filter(differs) {
            let version = run.record["snnc"].as_str().unwrap_or("?");
            shown.doubt(&format!(
                "{} was {} in the run (snnc {version}): this version of snnc measures another number",
                m.name,
                figure(then(m).unwrap_or(f64::NAN), 17)
            ));
        }
    }
    for e in expects.iter().filter(|e| !e.holds) {
        shown.notice(&runs::expectation(&e.text, &figure(e.value, 6), true));
    }
    Ok(if expects.iter().all(|e| e.holds) { Exit::Done } else { Exit::ExpectDoesNotHold })
}
