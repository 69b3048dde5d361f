//! The topology of a network as a drawing: boxes of layers, arrows of what they take, in the terminal and as SVG.
//!
//! ```text
//!  x, t
//!   │
//! ┌─▼─────────────────────────────────────┐
//! │ h       tuned(512) |> lif(tau = 20)   │  512 neurons, 2 048 weights
//! └─┬─────────────────────────────────────┘
//! ```

use std::fmt::Write;

use super::scale::count;
use super::svg::escape;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagram {
    pub title: String,
    /// In an order in which a box takes only from earlier ones, but for what comes back.
    pub boxes: Vec<Box>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Box {
    pub name: String,
    /// What it does: `tuned(512) |> lif(tau = 20)`.
    pub what: String,
    pub width: u32,
    pub neurons: Option<u32>,
    pub weights: u64,
    /// Coordinates and input functions that enter here.
    pub enters: Vec<String>,
    /// Boxes that it takes values of.
    pub from: Vec<usize>,
    /// Boxes whose values of an earlier step it takes.
    pub back: Vec<usize>,
    /// Fields that it yields.
    pub yields: Vec<String>,
}

impl Box {
    fn size(&self) -> String {
        let first = match self.neurons {
            Some(1) => "1 neuron".to_string(),
            Some(n) => format!("{} neurons", count(u64::from(n))),
            None if self.width == 1 => "1 value".to_string(),
            None => format!("{} values", count(u64::from(self.width))),
        };
        match self.weights {
            0 => first,
            1 => format!("{first}, 1 weight"),
            n => format!("{first}, {} weights", count(n)),
        }
    }
}

impl Diagram {
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", self.title);
        let names = self.boxes.iter().map(|b| b.name.chars().count()).max().unwrap_or(0);
        let width = self.boxes.iter().map(|b| b.what.chars().count()).max().unwrap_or(0).min(64);
        for (k, b) in self.boxes.iter().enumerate() {
            let named = |boxes: &[usize]| boxes.iter().map(|i| self.boxes[*i].name.as_str()).collect::<Vec<_>>();
            let mut takes: Vec<&str> = b.enters.iter().map(String::as_str).collect();
            // From the box just above an arrow is enough.
            let only_above = b.enters.is_empty() && k > 0 && b.from == [k - 1];
            if !only_above {
                takes.extend(named(&b.from));
            }
            let mut above = if takes.is_empty() { String::new() } else { format!("  {}", takes.join(", ")) };
            if !b.back.is_empty() {
                let _ = write!(
                    above,
                    "{}back from {}",
                    if above.is_empty() { "  " } else { "; " },
                    named(&b.back).join(", ")
                );
            }
            let fed = only_above || !takes.is_empty() || !b.back.is_empty();
            if !above.is_empty() {
                let _ = writeln!(out, "{above}");
            }
            if fed {
                let _ = writeln!(out, "  │");
            }
            let feeds = self.boxes.iter().skip(k + 1).any(|c| c.from.contains(&k)) || !b.yields.is_empty();
            for (n, line) in wrapped(&b.what, width).into_iter().enumerate() {
                if n == 0 {
                    let bar = "─".repeat(names + width + 4);
                    let _ = writeln!(out, "┌─{}{}┐", if fed { "▼" } else { "─" }, bar);
                    let _ = writeln!(out, "│ {:<names$}  {line:<width$}   │  {}", b.name, b.size());
                } else {
                    let _ = writeln!(out, "│ {:<names$}  {line:<width$}   │", "");
                }
            }
            let bar = "─".repeat(names + width + 4);
            let _ = writeln!(out, "└─{}{}┘", if feeds { "┬" } else { "─" }, bar);
            if !b.yields.is_empty() {
                let _ = writeln!(out, "  ▼\n  {}", b.yields.join(", "));
            }
        }
        out
    }

    /// Columns of boxes, each as far to the right as what it takes lets it be.
    pub fn svg(&self) -> String {
        const W: f64 = 190.0;
        const H: f64 = 78.0;
        const GAP: (f64, f64) = (70.0, 26.0);
        let mut column = vec![0usize; self.boxes.len()];
        for (k, b) in self.boxes.iter().enumerate() {
            let entry = usize::from(!b.enters.is_empty());
            column[k] = b.from.iter().filter(|i| **i < k).map(|i| column[*i] + 1).max().unwrap_or(0).max(entry);
        }
        // Sources of their own stand in the first column.
        let mut sources: Vec<&String> = vec![];
        self.boxes.iter().flat_map(|b| &b.enters).for_each(|s| {
            if !sources.contains(&s) {
                sources.push(s);
            }
        });
        let columns = column.iter().copied().max().unwrap_or(0) + 1;
        let mut filled = vec![0usize; columns + 1];
        filled[0] = sources.len();
        let place = |col: usize, row: usize| (20.0 + col as f64 * (W + GAP.0), 40.0 + row as f64 * (H + GAP.1));
        let mut at = vec![];
        for k in 0..self.boxes.len() {
            at.push(place(column[k], filled[column[k]]));
            filled[column[k]] += 1;
        }
        let rows = filled.iter().copied().max().unwrap_or(1).max(1);
        let yields: usize = self.boxes.iter().map(|b| b.yields.len()).max().unwrap_or(0);
        let (w, h) = (place(columns, 0).0 + if yields > 0 { 90.0 } else { 0.0 }, place(0, rows).1 + 30.0);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" role=\"img\" font-family=\"system-ui, sans-serif\" \
             font-size=\"12\"><title>{0}</title><defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" \
             markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"#5b6675\"/></marker></defs>\
             <text x=\"20\" y=\"22\" font-size=\"14\" font-weight=\"600\" fill=\"#1d2733\">{0}</text>\n",
            escape(&self.title)
        );
        let arrow = |out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), dashed: bool| {
            let m = 0.5 * (x1 + x2);
            let dash = if dashed { " stroke-dasharray=\"5 4\"" } else { "" };
            let _ = writeln!(
                out,
                "<path d=\"M{x1} {y1}C{m} {y1} {m} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#5b6675\"{dash} marker-end=\"url(#tip)\"/>"
            );
        };
        let left = |k: usize| (at[k].0, at[k].1 + 0.5 * H);
        let right = |k: usize| (at[k].0 + W, at[k].1 + 0.5 * H);
        for (k, b) in self.boxes.iter().enumerate() {
            for s in &b.enters {
                let row = sources.iter().position(|t| *t == s).unwrap_or(0);
                let (x, y) = place(0, row);
                arrow(&mut out, (x + W - 30.0, y + 0.5 * H), left(k), false);
            }
            b.from.iter().for_each(|i| arrow(&mut out, right(*i), left(k), false));
            for i in &b.back {
                // Below the boxes, from the right of the one to the left of the other.
                let (a, c) = (right(*i), left(k));
                let low = a.1.max(c.1) + 0.5 * H + 16.0;
                let _ = writeln!(
                    out,
                    "<path d=\"M{} {}C{} {} {} {low} {} {low}S{} {} {} {}\" fill=\"none\" stroke=\"#5b6675\" \
                     stroke-dasharray=\"5 4\" marker-end=\"url(#tip)\"/>",
                    a.0,
                    a.1,
                    a.0 + 40.0,
                    a.1,
                    a.0 + 20.0,
                    0.5 * (a.0 + c.0),
                    c.0 - 40.0,
                    c.1,
                    c.0,
                    c.1
                );
            }
            for (n, y) in b.yields.iter().enumerate() {
                let (x, mid) = right(k);
                let to = mid + 22.0 * n as f64 - 11.0 * (b.yields.len() - 1) as f64;
                arrow(&mut out, (x, mid), (x + 44.0, to), false);
                let _ =
                    writeln!(out, "<text x=\"{}\" y=\"{}\" fill=\"#1d2733\">{}</text>", x + 50.0, to + 4.0, escape(y));
            }
        }
        for (row, s) in sources.iter().enumerate() {
            let (x, y) = place(0, row);
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{}\" width=\"{}\" height=\"30\" rx=\"15\" fill=\"#eef3f9\" stroke=\"#0072b2\"/>\
                 <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#1d2733\">{}</text>",
                y + 0.5 * H - 15.0,
                W - 30.0,
                x + 0.5 * (W - 30.0),
                y + 0.5 * H + 4.0,
                escape(s)
            );
        }
        for (b, (x, y)) in self.boxes.iter().zip(&at) {
            let colour = if b.neurons.is_some() { "#fdf3e7" } else { "#f4f6f8" };
            let edge = if b.neurons.is_some() { "#d55e00" } else { "#8a94a3" };
            let _ = write!(
                out,
                "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{W}\" height=\"{H}\" rx=\"8\" fill=\"{colour}\" stroke=\"{edge}\"/>\
                 <text x=\"{1}\" y=\"{2}\" font-weight=\"600\" fill=\"#1d2733\">{3}</text>",
                escape(&b.what),
                x + 10.0,
                y + 18.0,
                escape(&b.name)
            );
            for (n, line) in wrapped(&b.what, 30).into_iter().take(2).enumerate() {
                let _ = write!(
                    out,
                    "<text x=\"{}\" y=\"{}\" font-size=\"11\" fill=\"#1d2733\">{}</text>",
                    x + 10.0,
                    y + 35.0 + 14.0 * n as f64,
                    escape(&line)
                );
            }
            let (x, y) = (x + 10.0, y + H - 9.0);
            let _ = writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"11\" fill=\"#5b6675\">{}</text></g>",
                escape(&b.size())
            );
        }
        out.push_str("</svg>\n");
        out
    }
}

/// Lines of at most so many characters, broken at blanks.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always one");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_string());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_drawn_downwards_and_branches_are_named() {
        let named =
            |name: &str| Box { name: name.into(), what: "dense(4)".into(), width: 4, weights: 12, ..Box::default() };
        let diagram = Diagram {
            title: "G".into(),
            boxes: vec![
                Box { enters: vec!["a".into()], neurons: Some(4), ..named("branch") },
                Box { enters: vec!["x & y".into()], back: vec![1], ..named("trunk") },
                Box { from: vec![0, 1], yields: vec!["G(x)".into()], ..named("output") },
            ],
        };
        let text = diagram.text();
        for word in [
            "  a\n",
            "│ branch  dense(4)   │  4 neurons, 12 weights",
            "x & y; back from trunk",
            "  branch, trunk\n",
            "  ▼\n  G(x)",
        ] {
            assert!(text.contains(word), "no {word:?} in\n{text}");
        }
        let svg = diagram.svg();
        assert!(svg.contains("x &amp; y") && svg.ends_with("</svg>\n") && svg.matches("<rect").count() == 5, "{svg}");
    }
}
