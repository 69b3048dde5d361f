//! A simulation as plain text: the table on the terminal, and `run.json`.
//!
//! ```text
//! population  units  spikes  rate (Hz)  CV of intervals
//! exc           400    9212      23.03             0.91
//! ```

use serde_json::json;

use crate::source::safe_json;

use super::{SimulationData, State};
use crate::report::digest;
use crate::report::scale::short;
use crate::report::table::columns;

pub fn populations(run: &SimulationData) -> String {
    let rate = SimulationData::label("rate", &run.rate_unit);
    let row = |p: &super::Population| {
        let defined = |v: f64| if v.is_finite() { short(v) } else { "–".into() };
        let of = |text: String| if p.spikes.is_some() { text } else { "–".into() };
        let spikes = p.spikes.as_ref().map_or(0, Vec::len);
        vec![p.name.clone(), p.units.to_string(), of(spikes.to_string()), of(short(p.rate)), of(defined(p.cv))]
    };
    let rows: Vec<Vec<String>> = run.populations.iter().map(row).collect();
    columns(&["population", "units", "spikes", &rate, "CV of intervals"], &[1, 2, 3, 4], &rows)
}

pub fn connections(run: &SimulationData) -> String {
    let rows: Vec<Vec<String>> =
        run.connections.iter().map(|c| vec![format!("{} -> {}", c.from, c.to), c.synapses.to_string()]).collect();
    columns(&["connection", "synapses"], &[1], &rows)
}

/// Each metric, with what was expected of it.
pub fn metrics(run: &SimulationData) -> String {
    let rows: Vec<Vec<String>> = run
        .metrics
        .iter()
        .map(|m| {
            let verdicts: Vec<String> = run
                .expects
                .iter()
                .filter(|e| e.metric == m.name)
                .map(|e| format!("{} {}", if e.holds { "holds:" } else { "DOES NOT HOLD:" }, e.text))
                .collect();
            vec![
                m.name.clone(),
                format!("{} {}", short(m.value), m.unit).trim().into(),
                m.text.clone(),
                verdicts.join(", "),
            ]
        })
        .collect();
    columns(&["metric", "value", "", ""], &[1], &rows)
}

/// `run.json`. Numbers that are not finite are `null`; keys as in the record of a training run where they mean the same.
pub fn json(run: &SimulationData) -> String {
    let p = &run.program;
    let status = match &run.status {
        State::Finished => json!({ "state": "finished" }),
        State::Interrupted => json!({ "state": "interrupted" }),
        State::Full { what } => json!({ "state": "full", "step": run.steps, "what": what }),
        State::Diverged { what } => json!({ "state": "diverged", "step": run.steps, "what": what }),
    };
    let value = json!({
        "format": 2,
        "kind": "simulation",
        "program": {
            "name": p.name,
            "sha256": p.hash,
            "constants": p.constants.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>(),
        },
        "snnc": p.version,
        "engine": p.engine,
        "threads": p.threads,
        "seed": p.seed,
        "status": status,
        "dt": run.dt,
        "steps": run.steps,
        "time_unit": run.time_unit,
        "rate_unit": run.rate_unit,
        "populations": run.populations.iter().map(|p| json!({
            "name": p.name, "units": p.units, "spikes": p.spikes.as_ref().map(Vec::len),
            "rate": p.spikes.as_ref().map(|_| p.rate), "cv": p.cv,
        })).collect::<Vec<_>>(),
        "connections": run.connections.iter().map(|c| json!({
            "from": c.from, "to": c.to, "synapses": c.synapses,
        })).collect::<Vec<_>>(),
        "metrics": run.metrics.iter().map(|m| json!({
            "name": m.name, "text": m.text, "value": m.value, "unit": m.unit,
        })).collect::<Vec<_>>(),
        "expects": run.expects.iter().map(|e| json!({
            "text": e.text, "value": e.value, "holds": e.holds,
        })).collect::<Vec<_>>(),
        "recorded": run.traces.iter().map(|t| json!({
            "population": run.populations[t.population].name, "name": t.name, "unit": t.unit, "units": t.units,
        })).collect::<Vec<_>>(),
        "result_sha256": digest::simulation(run),
        "seconds": { "check": run.times.check, "compile": run.times.compile, "simulate": run.times.train },
    });
    let mut text = safe_json(&format!("{value:#}"));
    text.push('\n');
    text
}
