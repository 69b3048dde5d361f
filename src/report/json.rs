//! `run.json`: every figure of a run, for programs.
//!
//! Numbers that are not finite are `null`. Keys are never removed or renamed within a major version; `format` counts
//! additions.

use serde_json::{Map, Value, json};

use super::data::RunData;
use super::doubt::doubts;
use crate::source::safe_json;
use crate::train::outcome::{Broken, Status};

pub fn encode(run: &RunData) -> String {
    let status = match &run.status {
        Status::Finished => json!({ "state": "finished" }),
        Status::Interrupted => json!({ "state": "interrupted" }),
        Status::Diverged { phase, step, residual, broken } => {
            let point = |b: &Broken| b.at.iter().map(|(k, x)| (k.clone(), json!(x))).collect::<Map<_, _>>();
            let broken = broken.as_ref().map(|b| json!({ "what": b.what.to_string(), "at": point(b) }));
            json!({ "state": "diverged", "phase": phase, "step": step, "residual": residual, "broken": broken })
        }
    };
    let p = &run.program;
    let value = json!({
        "format": 4,
        "program": {
            "name": p.name,
            "sha256": p.hash,
            "text": p.text,
            "imports": p.imports.iter().map(|(path, text)| json!({ "path": path, "text": text })).collect::<Vec<_>>(),
            "file": p.file,
            "set": p.set.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
            "inputs": p.inputs.iter().map(|(path, hash)| json!({ "path": path, "sha256": hash })).collect::<Vec<_>>(),
            "constants": p.constants.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>(),
        },
        "snnc": p.version,
        "engine": p.engine,
        "threads": p.threads,
        "seed": p.seed,
        "status": status,
        "domain": run.coords.iter().map(|c| json!({ "name": c.name, "lo": c.lo, "hi": c.hi })).collect::<Vec<_>>(),
        "fields": run.fields,
        "unknowns": run.unknowns.iter().map(|u| json!({ "name": u.name, "start": u.start, "value": u.value, "exact": u.exact })).collect::<Vec<_>>(),
        "losses": run.losses.iter().map(|l| json!({
            "residual": l.residual, "method": l.method, "weight": l.weight, "rows": l.rows,
            "before": l.before, "after": l.after, "fresh_rms": l.fresh,
        })).collect::<Vec<_>>(),
        "sights": run.sights.iter().map(|s| json!({ "field": s.field, "rms": s.size, "unseen": s.unseen })).collect::<Vec<_>>(),
        "doubts": doubts(run),
        "metrics": run.metrics.iter().map(|m| json!({
            "name": m.name, "kind": m.kind, "field": m.field, "grid": m.grid, "value": m.value,
        })).collect::<Vec<_>>(),
        "expects": run.expects.iter().map(|e| json!({ "text": e.text, "value": e.value, "holds": e.holds })).collect::<Vec<_>>(),
        "phases": run.phases.iter().map(|f| json!({
            "name": f.name, "method": f.method, "seconds": f.seconds, "forward_evaluations": f.forward_evaluations,
            "loss_before": f.loss_before, "loss_after": f.loss_after, "note": f.note,
        })).collect::<Vec<_>>(),
        "layers": run.layers.iter().map(|l| json!({ "name": l.name, "units": l.units, "spike_rate": l.spike_rate })).collect::<Vec<_>>(),
        "forward_evaluations": run.forward_evaluations,
        "result_sha256": run.digest,
        "seconds": {
            "check": run.times.check, "compile": run.times.compile, "train": run.times.train, "report": run.times.report,
        },
        "history": run.history.iter().map(|h| json!({
            "phase": h.phase, "step": h.step, "forward_evaluations": h.forward_evaluations, "seconds": h.seconds,
            "loss": h.loss, "plain_loss": h.plain, "error": h.error,
        })).collect::<Vec<Value>>(),
    });
    let mut text = safe_json(&format!("{value:#}"));
    text.push('\n');
    text
}
