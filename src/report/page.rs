//! `report.html`: one self-contained page that needs no network. Without its script it is whole; with it, figures answer a
//! pointer and sliders move.

use std::fmt::Write;

use super::data::{ProgramInfo, RunData};
use super::doubt::doubts;
use super::figures::{Figure, figures};
use super::scale::{count, short};
use super::svg::escape;
use crate::train::outcome::Status;

pub(super) const STYLE: &str = include_str!("page.css");
pub(super) const SCRIPT: &str = include_str!("page.js");

/// A figure with what the script needs, its switch, and the files beside the page that have it.
pub(super) fn figure(out: &mut String, f: &Figure) {
    // Inside data, `</` would end the script's element, and `<!--` change how its end is found.
    let data = f.data.to_string().replace('<', "\\u003c");
    let name = escape(&f.name);
    let _ = write!(out, "<figure class=\"{}\">", if f.linear.is_some() { "switched" } else { "plain" });
    match &f.linear {
        Some(linear) => {
            let _ = write!(
                out,
                "<label class=\"switch\"><input type=\"checkbox\"> linear</label><div class=\"log\">{}</div>\
                 <div class=\"linear\">{linear}</div>",
                f.svg
            );
        }
        None => out.push_str(&f.svg),
    }
    let _ = write!(
        out,
        "<figcaption>{} <a href=\"plots/{name}.svg\" download>SVG</a> <a href=\"plots/{name}.png\" download>PNG</a>\
         </figcaption><script type=\"application/json\">{data}</script></figure>",
        escape(&f.caption)
    );
}

pub fn html(run: &RunData) -> String {
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
    for doubt in doubts(run) {
        let _ = write!(out, "<p class=\"about\"><b>Doubt:</b> {}</p>", escape(&doubt));
    }
    figure_sections(&mut out, run);
    tables(&mut out, run);
    program(&mut out, &run.program);
    let _ = writeln!(out, "</main><script>{SCRIPT}</script></body></html>");
    out
}

fn summary(run: &RunData) -> String {
    let verdict = match &run.status {
        Status::Finished if run.expects.iter().all(|e| e.holds) => match run.expects.len() {
            0 => "<span class=\"tag\">finished</span>".to_string(),
            _ => "<span class=\"tag good\">every expectation holds</span>".to_string(),
        },
        Status::Finished => "<span class=\"tag bad\">an expectation does not hold</span>".to_string(),
        Status::Interrupted => "<span class=\"tag bad\">interrupted</span>".to_string(),
        Status::Diverged { phase, step, residual, broken } => {
            let broken = broken.as_ref().map_or(String::new(), |b| format!(": {}", b.what));
            let text = format!("diverged in phase {phase} at step {step}, residual {residual}{broken}");
            format!("<span class=\"tag bad\">{}</span>", escape(&text))
        }
    };
    let box_of: Vec<String> =
        run.coords.iter().map(|c| format!("{} ∈ [{}, {}]", escape(&c.name), short(c.lo), short(c.hi))).collect();
    let constants: Vec<String> =
        run.program.constants.iter().map(|(k, v)| format!("{} = {}", escape(k), short(*v))).collect();
    let mut about = box_of.join(", ");
    if !constants.is_empty() {
        let _ = write!(about, " · {}", constants.join(", "));
    }
    format!("{verdict}<p class=\"about\">{about} · seed {}</p>", run.program.seed)
}

fn cards(out: &mut String, run: &RunData) {
    out.push_str("<section class=\"cards\">");
    let mut card = |value: String, label: String, class: &str| {
        let _ =
            write!(out, "<div class=\"card {class}\"><b>{}</b><span>{}</span></div>", escape(&value), escape(&label));
    };
    for m in &run.metrics {
        let verdict = run.expects.iter().find(|e| e.metric == m.name);
        let class = verdict.map_or("", |e| if e.holds { "good" } else { "bad" });
        let expected = verdict.map_or(String::new(), |e| format!(", expected {}", e.text));
        card(short(m.value), format!("{} = {}{expected}", m.name, m.measure()), class);
    }
    card(format!("{:.1} s", run.times.train), "training".into(), "");
    card(count(run.forward_evaluations), "forward evaluations, nothing back-propagated".into(), "");
    for l in run.layers.iter().filter(|l| l.spike_rate.is_some()) {
        let rate = l.spike_rate.unwrap_or(0.0);
        card(format!("{:.1} %", rate * 100.0), format!("of steps spike in {}, {} neurons", l.name, l.units), "");
    }
    out.push_str("</section>");
}

fn figure_sections(out: &mut String, run: &RunData) {
    let all = figures(run);
    let mut draw = |wide: bool, heading: &str| {
        let mut some = all.iter().filter(|f| f.wide == wide).peekable();
        if some.peek().is_none() {
            return;
        }
        let _ = write!(out, "<section><h2>{heading}</h2><div class=\"{}\">", if wide { "wide" } else { "maps" });
        for f in some {
            figure(out, f);
        }
        out.push_str("</div></section>");
    };
    draw(false, "Solution");
    draw(true, if run.coords.len() == 1 { "Solution and training" } else { "Training and spikes" });
}

pub(super) fn table(out: &mut String, heading: &str, header: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let _ = write!(out, "<section><h2>{heading}</h2><div class=\"scroll\"><table><thead><tr>");
    for h in header {
        let _ = write!(out, "<th>{h}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let numeric = cell.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '−');
            let _ = write!(out, "<td{}>{}</td>", if numeric { " class=\"n\"" } else { "" }, escape(cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div></section>");
}

fn tables(out: &mut String, run: &RunData) {
    let rows: Vec<_> = run
        .losses
        .iter()
        .map(|l| {
            let (name, rows) = (l.residual.clone(), l.rows.to_string());
            let shown = |v: f64| if l.rough { format!("({})", short(v)) } else { short(v) };
            let figures = [l.before, l.after, l.fresh].map(shown);
            [name, l.method.clone(), rows, short(l.weight)].into_iter().chain(figures).collect()
        })
        .collect();
    let header = ["residual", "method", "rows", "weight", "mean square before", "after", "rms at fresh points"];
    table(out, "Loss terms", &header, &rows);
    if run.losses.iter().any(|l| l.rough) {
        let _ = write!(out, "<p class=\"about\">{}</p>", super::table::ROUGH);
    }
    let rows: Vec<_> = run.sights.iter().map(|s| vec![s.field.clone(), short(s.size), short(s.unseen)]).collect();
    table(out, "Fields", &["field", "root mean square", "relative error that the residuals may not show"], &rows);
    let rows: Vec<_> = run
        .phases
        .iter()
        .enumerate()
        .map(|(k, p)| {
            vec![
                p.name.clone(),
                p.method.clone(),
                short(p.loss_before),
                short(p.loss_after),
                count(p.forward_evaluations),
                format!("{:.2} s", p.seconds),
                super::table::note(run, k),
            ]
        })
        .collect();
    let header = ["phase", "method", "loss before", "after", "forward evaluations", "time", ""];
    table(out, "Training phases", &header, &rows);
    let rows: Vec<_> = run
        .metrics
        .iter()
        .map(|m| {
            let grid: Vec<_> = m.grid.iter().map(usize::to_string).collect();
            let of = |e: &super::data::ExpectRow| {
                format!("{} — {}", e.text, if e.holds { "holds" } else { "does not hold" })
            };
            let mine = run.expects.iter().filter(|e| e.metric == m.name);
            let verdicts: Vec<_> = mine.map(of).collect();
            vec![m.name.clone(), m.measure(), grid.join(" × "), short(m.value), verdicts.join(", ")]
        })
        .collect();
    table(out, "Metrics", &["metric", "measure", "grid", "value", "expected"], &rows);
    let t = &run.times;
    let p = &run.program;
    let rows = vec![vec![
        p.version.clone(),
        p.engine.clone(),
        p.threads.to_string(),
        format!("{:.1} ms", t.check * 1e3),
        format!("{:.1} ms", t.compile * 1e3),
        format!("{:.2} s", t.train),
        p.hash.chars().take(16).collect(),
        run.digest.chars().take(16).collect(),
    ]];
    let head = ["snnc", "engine", "threads", "check", "lower and compile", "training", "program hash", "result hash"];
    table(out, "Run", &head, &rows);
}

/// The program's text, then that of every file that it imports.
pub(super) fn program(out: &mut String, program: &ProgramInfo) {
    out.push_str("<section><h2>Program</h2>");
    let mut listing = |text: &str| {
        out.push_str("<pre><code>");
        for line in text.lines() {
            let _ = writeln!(out, "<span>{}</span>", escape(line));
        }
        out.push_str("</code></pre>");
    };
    listing(&program.text);
    for (path, text) in &program.imports {
        listing(&format!("# {path}\n{text}"));
    }
    out.push_str("</section>");
}
