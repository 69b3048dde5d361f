//! `report.html` of a simulation: one self-contained page in the style of a training run's.

use std::fmt::Write;

use super::figures::figures;
use super::{SimulationData, State};
use crate::report::page::{SCRIPT, STYLE, figure, program, table};
use crate::report::scale::short;
use crate::report::svg::escape;

pub fn html(run: &SimulationData) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{0} — snnc</title><style>{STYLE}</style></head><body><main><header><h1>{0}</h1>{1}</header>",
        escape(&run.program.name),
        summary(run),
    );
    cards(&mut out, run);
    let figures = figures(run);
    if !figures.is_empty() {
        out.push_str("<section><h2>Activity</h2><div class=\"wide\">");
        for f in &figures {
            figure(&mut out, f);
        }
        out.push_str("</div></section>");
    }
    tables(&mut out, run);
    program(&mut out, &run.program);
    let _ = writeln!(out, "</main><script>{SCRIPT}</script></body></html>");
    out
}

fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", short(value)).trim().to_string()
}

fn summary(run: &SimulationData) -> String {
    let verdict = match &run.status {
        State::Finished if run.expects.iter().all(|e| e.holds) => match run.expects.len() {
            0 => "<span class=\"tag\">finished</span>".to_string(),
            _ => "<span class=\"tag good\">every expectation holds</span>".to_string(),
        },
        State::Finished => "<span class=\"tag bad\">an expectation does not hold</span>".to_string(),
        State::Interrupted => "<span class=\"tag bad\">interrupted</span>".to_string(),
        State::Full { what } => {
            format!("<span class=\"tag bad\">no room for more of {} after step {}</span>", escape(what), run.steps)
        }
        State::Diverged { what } => {
            format!("<span class=\"tag bad\">{} is no longer a number after step {}</span>", escape(what), run.steps)
        }
    };
    let mut about = format!(
        "{} in {} steps of {}",
        with_unit(run.steps as f64 * run.dt, &run.time_unit),
        run.steps,
        with_unit(run.dt, &run.time_unit)
    );
    for (k, v) in &run.program.constants {
        let _ = write!(about, " · {} = {}", escape(k), short(*v));
    }
    format!("{verdict}<p class=\"about\">{about} · seed {}</p>", run.program.seed)
}

fn cards(out: &mut String, run: &SimulationData) {
    out.push_str("<section class=\"cards\">");
    let mut card = |value: String, label: String, class: &str| {
        let _ =
            write!(out, "<div class=\"card {class}\"><b>{}</b><span>{}</span></div>", escape(&value), escape(&label));
    };
    for m in &run.metrics {
        let verdict = run.expects.iter().find(|e| e.metric == m.name);
        let class = verdict.map_or("", |e| if e.holds { "good" } else { "bad" });
        let expected = verdict.map_or(String::new(), |e| format!(", expected {}", e.text));
        card(with_unit(m.value, &m.unit), format!("{} = {}{expected}", m.name, m.text), class);
    }
    for p in run.populations.iter().filter(|p| p.spikes.is_some()) {
        let unit = if run.rate_unit.is_empty() { "spikes a unit and time" } else { &run.rate_unit };
        card(short(p.rate), format!("{unit}, {} units of {}", p.units, p.name), "");
    }
    card(format!("{:.2} s", run.times.train), "simulating".into(), "");
    out.push_str("</section>");
}

fn tables(out: &mut String, run: &SimulationData) {
    let defined = |v: f64| if v.is_finite() { short(v) } else { "–".to_string() };
    let rows: Vec<_> = run
        .populations
        .iter()
        .map(|p| {
            let of = |text: String| if p.spikes.is_some() { text } else { "–".into() };
            let count = p.spikes.as_ref().map_or(0, Vec::len).to_string();
            vec![p.name.clone(), p.units.to_string(), of(count), of(short(p.rate)), of(defined(p.cv))]
        })
        .collect();
    let rate = SimulationData::label("mean rate", &run.rate_unit);
    table(out, "Populations", &["population", "units", "spikes", &rate, "CV of intervals"], &rows);
    let rows: Vec<_> =
        run.connections.iter().map(|c| vec![format!("{} → {}", c.from, c.to), c.synapses.to_string()]).collect();
    table(out, "Connections", &["connection", "synapses"], &rows);
    let rows: Vec<_> = run
        .expects
        .iter()
        .map(|e| vec![e.text.clone(), short(e.value), if e.holds { "holds" } else { "does not hold" }.to_string()])
        .collect();
    table(out, "Expectations", &["expectation", "value", ""], &rows);
    let (t, p) = (&run.times, &run.program);
    let rows = vec![vec![
        p.version.clone(),
        p.engine.clone(),
        p.threads.to_string(),
        format!("{:.1} ms", t.check * 1e3),
        format!("{:.1} ms", t.compile * 1e3),
        format!("{:.2} s", t.train),
        p.hash.chars().take(16).collect(),
    ]];
    table(
        out,
        "Run",
        &["snnc", "engine", "threads", "check", "lower and compile", "simulating", "program hash"],
        &rows,
    );
}
