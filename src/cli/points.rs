//! Where a command is to look at a network: `--grid x=201,t@0.5`, `--points FILE.csv`.

use std::path::Path;

use super::files;
use crate::check::names::nearest;
use crate::diag::{Notice, runs};
use crate::exec::interp::eval;
use crate::ir::problem::{Coord, Problem};
use crate::train::tensor;

/// Points at the most: about what a results file of a few gigabytes holds.
const MOST: usize = 100_000_000;

/// Points, `[points][coords]`, and the points of each coordinate if they are a grid.
pub struct Points {
    pub data: Vec<f64>,
    pub axes: Option<Vec<Vec<f64>>>,
}

/// What `--grid` says of a coordinate.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Along {
    Count(usize),
    At(f64),
}

fn example(coords: &[Coord]) -> String {
    coords.iter().map(|c| format!("{}=101", c.name)).collect::<Vec<_>>().join(",")
}

/// Points of a grid at the most that a text may mean, before it is read in earnest.
pub fn count(text: &str) -> f64 {
    let counts = text.split(',').filter_map(|e| e.split_once('=')?.1.trim().parse::<f64>().ok());
    counts.filter(|n| *n > 0.0).product()
}

/// The axes of `x=201,t@0.5`.
pub fn axes(text: &str, coords: &[Coord]) -> Result<Vec<Vec<f64>>, Notice> {
    let example = example(coords);
    let wrong = |why: String| runs::grid(&why, &example);
    let mut found: Vec<Option<Along>> = vec![None; coords.len()];
    for entry in text.split(',').map(str::trim).filter(|e| !e.is_empty()) {
        let (name, along) = match (entry.split_once('='), entry.split_once('@')) {
            (Some((name, n)), None) => {
                let count = n.trim().parse::<usize>().ok().filter(|n| *n > 0);
                let count = count.ok_or_else(|| wrong(format!("`{}` is not a number of points", n.trim())))?;
                (name.trim(), Along::Count(count))
            }
            (None, Some((name, x))) => {
                let at = x.trim().parse::<f64>().ok().filter(|x| x.is_finite());
                let at = at.ok_or_else(|| wrong(format!("`{}` is not a place", x.trim())))?;
                (name.trim(), Along::At(at))
            }
            _ => return Err(wrong(format!("`{entry}` is neither NAME=POINTS nor NAME@PLACE"))),
        };
        let Some(k) = coords.iter().position(|c| c.name == name) else {
            let near = nearest(name, coords.iter().map(|c| c.name.as_str()));
            let near = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(wrong(format!("the domain has no coordinate `{name}`{near}")));
        };
        if found[k].replace(along).is_some() {
            return Err(wrong(format!("the grid speaks of `{name}` twice")));
        }
    }
    let mut axes = vec![];
    for (c, along) in coords.iter().zip(found) {
        axes.push(match along {
            None => return Err(wrong(format!("the grid says nothing of `{}`", c.name))),
            Some(Along::At(x)) => vec![x],
            Some(Along::Count(n)) if n > MOST => return Err(wrong(format!("{n} points are more than fit"))),
            Some(Along::Count(1)) => vec![0.5 * (c.lo + c.hi)],
            Some(Along::Count(n)) => (0..n)
                .map(|i| if i + 1 == n { c.hi } else { c.lo + (c.hi - c.lo) * i as f64 / (n - 1) as f64 })
                .collect(),
        });
    }
    let total = axes.iter().try_fold(1usize, |n, a: &Vec<f64>| n.checked_mul(a.len()));
    match total.is_some_and(|n| n <= MOST) {
        true => Ok(axes),
        false => Err(wrong(format!("the grid has more than {MOST} points"))),
    }
}

/// All points of a grid.
pub fn on(axes: Vec<Vec<f64>>) -> Points {
    Points { data: tensor(&axes), axes: Some(axes) }
}

/// Columns of a CSV by their names, and the rows as text.
pub struct Table {
    pub columns: Vec<String>,
    /// Row after row, and where each cell ends: a file may have as many cells as bytes.
    text: String,
    ends: Vec<u32>,
}

/// Columns at the most.
const MOST_COLUMNS: usize = 1 << 10;

/// Reads a CSV; the sentence says why it cannot be.
pub fn table(path: &Path) -> Result<Table, String> {
    let bytes = files::bytes(path, files::MOST_BYTES)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|e| e.to_string())?;
    if header.len() > MOST_COLUMNS {
        return Err(format!("it has {} columns, and {MOST_COLUMNS} are the most that is read", header.len()));
    }
    let columns: Vec<String> = header.iter().map(|c| c.trim_start_matches('\u{feff}').to_string()).collect();
    if let [only] = columns.as_slice()
        && let Some(sign) = [';', '\t', '|'].into_iter().find(|s| only.contains(*s))
    {
        return Err(format!("its columns are separated by {sign:?}, not by commas"));
    }
    let mut table = Table { columns, text: String::new(), ends: vec![] };
    for record in reader.records() {
        for cell in &record.map_err(|e| e.to_string())? {
            table.text.push_str(cell);
            // The file has at most 2^30 bytes.
            table.ends.push(table.text.len() as u32);
        }
        if table.len() > MOST {
            return Err(format!("it has more than {MOST} rows"));
        }
    }
    Ok(table)
}

impl Table {
    /// The numbers of a column; the sentence says which cell is none.
    pub fn numbers(&self, column: usize) -> Result<Vec<f64>, String> {
        let cell = |row: usize| {
            let text = self.cell(row, column);
            let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
            value.ok_or_else(|| {
                format!("row {}, column `{}`: `{text}` is not a finite number", row + 1, self.columns[column])
            })
        };
        (0..self.len()).map(cell).collect()
    }

    /// Rows, without the header.
    pub fn len(&self) -> usize {
        self.ends.len() / self.columns.len().max(1)
    }

    fn cell(&self, row: usize, column: usize) -> &str {
        let k = row * self.columns.len() + column;
        let start = k.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[k] as usize]
    }
}

/// The points of a CSV with a column for each coordinate.
pub fn from_file(path: &Path, coords: &[Coord]) -> Result<Points, Notice> {
    let names: Vec<String> = coords.iter().map(|c| c.name.clone()).collect();
    let wrong = |why: &str| runs::points_file(&path.display().to_string(), why, &names);
    let table = table(path).map_err(|why| wrong(&why))?;
    if table.len() == 0 {
        return Err(wrong("it has no rows"));
    }
    let mut all = vec![];
    for name in &names {
        let places: Vec<usize> = (0..table.columns.len()).filter(|k| table.columns[*k] == *name).collect();
        let column = match places[..] {
            [only] => only,
            [] => {
                let columns = table.columns.join(", ");
                return Err(wrong(&format!("it has no column `{name}`; it has {columns}")));
            }
            _ => return Err(wrong(&format!("it has several columns `{name}`"))),
        };
        all.push(table.numbers(column).map_err(|why| wrong(&why))?);
    }
    let data = (0..table.len()).flat_map(|i| all.iter().map(move |c| c[i])).collect();
    Ok(Points { data, axes: None })
}

/// Whether each point lies in the domain: in its box, whose periodic coordinates have no ends, and in its shape.
pub fn inside(points: &[f64], problem: &Problem) -> Vec<bool> {
    let d = problem.coords.len().max(1);
    let shape = problem.shape.as_ref().map(|shape| eval(shape, &[points]));
    let in_box = |p: &[f64]| {
        p.iter().zip(&problem.coords).all(|(x, c)| {
            // What is at an end but for rounding is in.
            let slack = 1e-9 * (c.hi - c.lo);
            c.periodic || (c.lo - slack..=c.hi + slack).contains(x)
        })
    };
    let in_shape = |i: usize| shape.as_ref().is_none_or(|kept| kept[i] != 0.0);
    points.chunks_exact(d).enumerate().map(|(i, p)| in_shape(i) && in_box(p)).collect()
}

/// `x in 0 .. 1, t in 0 .. 2`.
pub fn domain(problem: &Problem) -> String {
    let one = |c: &Coord| format!("{} in {} .. {}", c.name, c.lo, c.hi);
    let domain = problem.coords.iter().map(one).collect::<Vec<_>>().join(", ");
    if problem.shape.is_some() { format!("{domain}, where the program says so") } else { domain }
}

/// `x = 1.2, t = 0`.
pub fn point(problem: &Problem, at: &[f64]) -> String {
    problem.coords.iter().zip(at).map(|(c, x)| format!("{} = {x}", c.name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coords() -> Vec<Coord> {
        let of = |name: &str, hi: f64| Coord { name: name.into(), lo: 0.0, hi, periodic: false };
        vec![of("x", 1.0), of("t", 2.0)]
    }

    #[test]
    fn a_grid_names_every_coordinate_once() {
        assert_eq!(axes("t=3, x@0.25", &coords()).expect("reads"), [vec![0.25], vec![0.0, 1.0, 2.0]]);
        for (text, word) in [
            ("x=3", "nothing of `t`"),
            ("x=3,t=2,x=4", "`x` twice"),
            ("x=3,T=2", "no coordinate `T`"),
            ("x=0,t=2", "`0` is not a number of points"),
            ("x=3,t@y", "`y` is not a place"),
            ("3,4", "neither NAME=POINTS"),
            ("x=99999999999,t=2", "more than"),
            ("x=100000,t=100000", "more than"),
        ] {
            let said = axes(text, &coords()).expect_err(text);
            assert!(
                said.message.contains(word) && said.help.contains("--grid x=101,t=101"),
                "{text}: {}",
                said.message
            );
        }
    }
}
