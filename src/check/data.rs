//! Data files: a CSV whose columns are bound by the names in its header.
//!
//! ```text
//! x,t,value          residual obs on "probe.csv" : u = value
//! 0.5,0.1,0.93  ->   one point (0.5, 0.1), column `value` = 0.93
//! ```
//!
//! Every coordinate must have a column; every cell must be a finite number inside the domain where it is a coordinate.

use crate::check::lints::point_text;
use crate::check::model::Data;
use crate::check::names::nearest;
use crate::check::scope::Scope;
use crate::diag::{Sink, data as say};
use crate::source::Files;
use crate::syntax::ast::Text;

/// Rows at the most: more would not fit any of the methods there are.
const MOST_ROWS: usize = 1 << 20;
/// Columns at the most.
const MOST_COLUMNS: usize = 1 << 10;
/// Numbers in all at the most.
const MOST_NUMBERS: usize = 1 << 25;

pub fn read(path: &Text, scope: &Scope<'_>, files: &dyn Files, sink: &mut Sink) -> Option<Data> {
    let bytes = match files.read(&path.text) {
        Ok(bytes) => bytes,
        Err(why) => {
            sink.push(say::unreadable(path.span, &path.text, &why));
            return None;
        }
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(bytes.as_slice());
    let columns: Vec<String> = match reader.headers() {
        Ok(header) if header.len() > MOST_COLUMNS => {
            let why = format!("it has {} columns, and {MOST_COLUMNS} are the most that is read", header.len());
            sink.push(say::unreadable(path.span, &path.text, &why));
            return None;
        }
        Ok(header) => header.iter().map(|c| c.trim_start_matches('\u{feff}').to_string()).collect(),
        Err(e) => {
            sink.push(say::unreadable(path.span, &path.text, &e.to_string()));
            return None;
        }
    };
    if let [only] = columns.as_slice()
        && let Some(sign) = [';', '\t', '|'].into_iter().find(|s| only.contains(*s))
    {
        sink.push(say::separator(path.span, sign, only));
        return None;
    }
    for (i, c) in columns.iter().enumerate() {
        if columns[..i].contains(c) {
            sink.push(say::repeated_column(path.span, c));
            return None;
        }
        if scope.field(c).is_some() || scope.unknown(c).is_some() {
            sink.push(say::column_like_field(path.span, c));
            return None;
        }
    }
    let mut coords = vec![];
    for c in &scope.coords {
        match columns.iter().position(|name| *name == c.name) {
            Some(k) => coords.push(k),
            None => {
                let near = nearest(&c.name, columns.iter().map(String::as_str));
                sink.push(say::missing_column(path.span, &c.name, &columns, near));
            }
        }
    }
    if coords.len() < scope.coords.len() {
        return None;
    }
    let mut rows = vec![];
    for record in reader.records() {
        let line = |p: Option<&csv::Position>| p.map_or(0, |p| line_at(&bytes, p.byte() as usize));
        let record = match record {
            Ok(record) => record,
            Err(e) => {
                let why = match e.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("{len} cells, where the header has {expected_len}")
                    }
                    csv::ErrorKind::Utf8 { .. } => "it is not UTF-8 text".to_string(),
                    _ => e.to_string(),
                };
                sink.push(say::bad_row(path.span, line(e.position()), &why));
                return None;
            }
        };
        // It takes a look at all of the file before it.
        let line = || line(record.position());
        let mut row = Vec::with_capacity(columns.len());
        for (k, cell) in record.iter().enumerate() {
            match cell.parse::<f64>() {
                Ok(v) if v.is_finite() => row.push(v),
                _ => {
                    sink.push(say::bad_cell(path.span, line(), &columns[k], cell));
                    return None;
                }
            }
        }
        for (c, k) in scope.coords.iter().zip(&coords) {
            if row[*k] < c.lo || row[*k] > c.hi {
                let place = format!("{} = {}", c.name, row[*k]);
                let why = format!("{place} lies outside the domain, {} .. {}", c.lo, c.hi);
                sink.push(say::bad_row(path.span, line(), &why));
                return None;
            }
        }
        let point: Vec<f64> = coords.iter().map(|k| row[*k]).collect();
        if scope.shape.as_ref().is_some_and(|s| !s.contains(&point)) {
            let why = format!("{} lies outside the domain's shape", point_text(&point, &scope.coords));
            sink.push(say::bad_row(path.span, line(), &why));
            return None;
        }
        rows.push(row);
        if rows.len() > MOST_ROWS {
            sink.push(say::bad_row(path.span, line(), &format!("more than {MOST_ROWS} rows")));
            return None;
        }
        if rows.len() * columns.len() > MOST_NUMBERS {
            sink.push(say::bad_row(path.span, line(), &format!("more than {MOST_NUMBERS} numbers")));
            return None;
        }
    }
    if rows.is_empty() {
        sink.push(say::empty(path.span));
        return None;
    }
    Some(Data { path: path.text.clone(), columns, rows, coords })
}

/// The line (from 1) of the record that the reader began to look for at this byte: empty lines and comments in between
/// are no records.
fn line_at(bytes: &[u8], from: usize) -> usize {
    let from = from.min(bytes.len());
    let before = bytes[..from].iter().filter(|b| **b == b'\n').count();
    let skipped = bytes[from..]
        .split(|b| *b == b'\n')
        .take_while(|l| l.first() == Some(&b'#') || l.iter().all(|b| b.is_ascii_whitespace()))
        .count();
    before + skipped + 1
}
