//! The tables that a run prints, as plain text.
//!
//! ```text
//! residual  method                          weight  mean square before  after
//! wave      weak form, 1225 test functions       1               0.614  1.1e-5
//! ```

use super::data::RunData;
use super::doubt::still_falling;
use super::scale::{count, short};

/// Columns as wide as their widest cell, two spaces apart; columns named in `right` are set flush right.
pub fn columns(header: &[&str], right: &[usize], rows: &[Vec<String>]) -> String {
    let width =
        |c: usize| rows.iter().map(|r| r[c].chars().count()).chain([header[c].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let mut out = String::new();
        for (c, cell) in cells.iter().enumerate() {
            let gap = " ".repeat(widths[c] - cell.chars().count());
            let gapped = if right.contains(&c) { format!("{gap}{cell}") } else { format!("{cell}{gap}") };
            out.push_str(if c == 0 { "" } else { "  " });
            out.push_str(&gapped);
        }
        out.trim_end().to_string() + "\n"
    };
    let mut out = line(header.to_vec());
    for row in rows {
        out.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    out
}

pub fn losses(run: &RunData) -> String {
    let rows: Vec<Vec<String>> = run
        .losses
        .iter()
        .map(|l| {
            // What is no measure of anything is not to be read as one.
            let shown = |v: f64| if l.rough { format!("({})", short(v)) } else { short(v) };
            let name = l.residual.clone();
            vec![name, l.method.clone(), short(l.weight), shown(l.before), shown(l.after), shown(l.fresh)]
        })
        .collect();
    let header = ["residual", "method", "weight", "mean square before", "after", "rms, fresh"];
    let mut out = columns(&header, &[2, 3, 4, 5], &rows);
    if run.losses.iter().any(|l| l.rough) {
        out.push_str(ROUGH);
        out.push('\n');
    }
    out
}

/// Of figures in brackets.
pub(super) const ROUGH: &str = "(in brackets: differences of spikes, which say little; these conditions are met by the weak form that they are a term of)";

/// How large fields are, and what the residuals would not show of them.
pub fn sights(run: &RunData) -> String {
    let row = |s: &crate::train::outcome::Sight| vec![s.field.clone(), short(s.size), short(s.unseen)];
    columns(&["field", "rms", "error that may hide"], &[1, 2], &run.sights.iter().map(row).collect::<Vec<_>>())
}

pub fn phases(run: &RunData) -> String {
    let rows: Vec<Vec<String>> = run
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
                format!("{:.1}", p.seconds),
                note(run, k),
            ]
        })
        .collect();
    columns(&["phase", "method", "loss before", "after", "forward evaluations", "seconds", ""], &[2, 3, 4, 5], &rows)
}

/// What a phase has to say, and whether more of it would help.
pub(super) fn note(run: &RunData, phase: usize) -> String {
    let more = still_falling(run, phase).then_some("still falling: more `rounds`");
    let own = Some(run.phases[phase].note.as_str()).filter(|n| !n.is_empty());
    own.into_iter().chain(more).collect::<Vec<_>>().join("; ")
}

pub fn layers(run: &RunData) -> String {
    let rows: Vec<Vec<String>> = run
        .layers
        .iter()
        .map(|l| vec![l.name.clone(), l.units.to_string(), l.spike_rate.map_or("graded".into(), short)])
        .collect();
    columns(&["layer", "neurons", "spikes a neuron and step"], &[1, 2], &rows)
}

/// Each metric, with what was expected of it.
pub fn metrics(run: &RunData) -> String {
    let rows: Vec<Vec<String>> = run
        .metrics
        .iter()
        .map(|m| {
            let grid: Vec<String> = m.grid.iter().map(usize::to_string).collect();
            let verdicts: Vec<String> = run
                .expects
                .iter()
                .filter(|e| e.metric == m.name)
                .map(|e| format!("{} {}", if e.holds { "holds:" } else { "DOES NOT HOLD:" }, e.text))
                .collect();
            vec![
                m.name.clone(),
                short(m.value),
                if grid.is_empty() { m.measure() } else { format!("{} on {} points", m.measure(), grid.join(" × ")) },
                verdicts.join(", "),
            ]
        })
        .collect();
    columns(&["metric", "value", "", ""], &[1], &rows)
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_line_up() {
        let table = columns(&["a", "value"], &[1], &[vec!["long".into(), "1".into()], vec!["é".into(), "12".into()]]);
        assert_eq!(table, "a     value\nlong      1\né        12\n");
    }
}
