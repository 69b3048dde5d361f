//! A table of results for other programs and for people: text, CSV, JSON.
//!
//! ```text
//! Sheet { header: [c, seed, l2], rows: [[1, 1, 0.0031], …] }   ->   c,seed,l2\n1,1,0.0031\n…
//! ```

use serde_json::{Map, Value, json};

use super::prediction::number;
use super::scale::short;
use super::table::columns;

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_string())
    }
}

impl From<f64> for Cell {
    fn from(v: f64) -> Cell {
        Cell::Number(v)
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    pub header: Vec<String>,
    /// As many cells each as there are in the header.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// For a person: figures in short.
    pub fn text(&self) -> String {
        let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let numeric = |k: &usize| self.rows.iter().all(|r| matches!(r[*k], Cell::Number(_)));
        let right: Vec<usize> = (0..header.len()).filter(numeric).collect();
        let cell = |c: &Cell| match c {
            Cell::Text(t) => t.clone(),
            Cell::Number(v) => short(*v),
        };
        columns(&header, &right, &self.rows.iter().map(|r| r.iter().map(cell).collect()).collect::<Vec<_>>())
    }

    /// All digits.
    pub fn csv(&self) -> String {
        let quoted = |t: &str| match t.contains([',', '"', '\n']) {
            true => format!("\"{}\"", t.replace('"', "\"\"")),
            false => t.to_string(),
        };
        let cell = |c: &Cell| match c {
            Cell::Text(t) => quoted(t),
            Cell::Number(v) => number(*v),
        };
        let mut out = self.header.iter().map(|h| quoted(h)).collect::<Vec<_>>().join(",") + "\n";
        for row in &self.rows {
            out += &(row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n");
        }
        out
    }

    /// A list of objects; numbers that are not finite are `null`.
    pub fn json(&self) -> Value {
        let cell = |c: &Cell| match c {
            Cell::Text(t) => json!(t),
            Cell::Number(v) => json!(v),
        };
        let row = |r: &Vec<Cell>| self.header.iter().cloned().zip(r.iter().map(cell)).collect::<Map<_, _>>();
        self.rows.iter().map(row).collect()
    }
}

/// The middle of some numbers, or the mean of the two in the middle; not a number if one of them is not, or if there are none.
pub fn median(values: &[f64]) -> f64 {
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    0.5 * (sorted[(n - 1) / 2] + sorted[n / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_every_cell() {
        let sheet = Sheet {
            header: vec!["run".into(), "l2".into()],
            rows: vec![vec!["a, b".into(), 0.125.into()], vec!["c".into(), f64::NAN.into()]],
        };
        assert_eq!(sheet.csv(), "run,l2\n\"a, b\",0.125\nc,nan\n");
        assert_eq!(sheet.json(), json!([{ "run": "a, b", "l2": 0.125 }, { "run": "c", "l2": null }]));
        assert_eq!(sheet.text().lines().nth(1), Some("a, b  0.125"));
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan() && median(&[1.0, f64::NAN]).is_nan());
    }
}
