//! `snnc predict RUN`: the trained network at the points of a grid or a file.

use std::path::{Path, PathBuf};

use clap::Args;

use super::gather::Trained;
use super::limits::Limits;
use super::messages::Messages;
use super::points::{self, Points};
use super::run::{EngineChoice, threads};
use super::rundir::Run;
use super::{Exit, bug, files};
use crate::check::model::Model;
use crate::check::names::nearest;
use crate::diag::{Notice, runs};
use crate::ir::problem::Problem;
use crate::pipeline::Compiled;
use crate::report::prediction::Prediction;
use crate::train::functions::{HELD_OUT, draw, sensors};
use crate::train::{exact_values, predict_seen};

#[derive(Args)]
pub struct Arguments {
    /// The run's folder, runs/NAME
    run: PathBuf,
    /// Points of each coordinate, or one place of it: x=201,t=101 or x=201,t@0.5; without, the grid of the report
    #[arg(long, conflicts_with = "points")]
    grid: Option<String>,
    /// A CSV with a column for each coordinate
    #[arg(long, value_name = "FILE.csv")]
    points: Option<PathBuf>,
    /// Where to write to, by its ending: .csv, .npz (for numpy), .vtk (for ParaView); without, CSV on standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Add the exact solution and the error, where the program gives it
    #[arg(long)]
    exact: bool,
    /// Give values outside the domain, too, where the network was not trained
    #[arg(long)]
    extrapolate: bool,
    /// An operator's input function from a CSV of places and values (may be repeated)
    #[arg(long, value_name = "NAME=FILE.csv", value_parser = function)]
    function: Vec<(String, PathBuf)>,
    /// An operator's input functions as training draws them, the Nth that it has not seen; 0 is the one that the report plots
    #[arg(long, value_name = "N", conflicts_with = "function", value_parser = clap::value_parser!(u64).range(..1 << 31))]
    draw: Option<u64>,
    /// What runs the network; both give the same bits
    #[arg(long, value_enum, default_value_t = EngineChoice::Jit)]
    engine: EngineChoice,
    /// Threads; the result does not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    #[command(flatten)]
    limits: Limits,
}

fn function(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("expected NAME=FILE.csv, as in a=input.csv")?;
    Ok((name.trim().to_string(), PathBuf::from(file.trim())))
}

/// How results are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Npz,
    Vtk,
}

pub fn predict(arguments: &Arguments, shown: &Messages) -> Exit {
    match predicted(arguments, shown) {
        Ok(()) => Exit::Done,
        Err(exit) => exit,
    }
}

fn predicted(arguments: &Arguments, shown: &Messages) -> Result<(), Exit> {
    let say = |n: Notice| shown.refuse(&n);
    let run = Run::open(&arguments.run, "predict", shown)?;
    let model = run.checked.model();
    let format =
        arguments.out.as_deref().map_or(Ok(Format::Csv), |out| format(out, model.coords.len())).map_err(say)?;
    let (pool, threads) = threads(arguments.threads, shown)?;
    let (engine, _) = arguments.engine.engine();
    // What a grid comes to is known before it is made.
    let asked = match &arguments.grid {
        Some(text) => points::count(text),
        None => 0.0,
    };
    let compiled = arguments.limits.compile_to_ask(&run.checked, engine, threads, asked, shown)?;
    let problem = &compiled.problem;
    let params = run.params(problem, shown)?;
    let trained = Trained { problem, kernels: &compiled.kernels, params: &params, losses: &[] };
    let at = match (&arguments.grid, &arguments.points) {
        (Some(text), _) => points::on(points::axes(text, &problem.coords).map_err(say)?),
        (None, Some(file)) => points::from_file(file, &problem.coords).map_err(say)?,
        (None, None) => points::on(trained.usual_axes()),
    };
    let seen = functions(arguments, model, problem).map_err(say)?;
    let filled = pool.install(|| fill(arguments, &compiled, &params, at, &seen, shown)).map_err(say)?;
    let unknowns = trained.unknowns().into_iter().map(|u| (u.name, u.value)).collect();
    let prediction = Prediction { unknowns, ..filled };
    let title =
        format!("{} by snnc {}", run.record["program"]["name"].as_str().unwrap_or(""), env!("CARGO_PKG_VERSION"));
    let bytes = match format {
        Format::Csv => prediction.csv().into_bytes(),
        Format::Npz => prediction.npz().map_err(|e| {
            bug::report(&e);
            Exit::Bug
        })?,
        Format::Vtk => prediction.vtk(&title).unwrap_or_default().into_bytes(),
    };
    match &arguments.out {
        None => super::standard_output(&bytes),
        Some(out) => {
            files::write(out, &bytes).map_err(say)?;
            println!("{} points in {}", prediction.len(), out.display());
        }
    }
    Ok(())
}

fn format(out: &Path, coords: usize) -> Result<Format, Notice> {
    let shown = out.display().to_string();
    match out.extension().and_then(|e| e.to_str()) {
        Some("csv") => Ok(Format::Csv),
        Some("npz") => Ok(Format::Npz),
        Some("vtk") if coords > 3 => {
            Err(runs::out_format(&shown, &format!("VTK has 3 axes, the domain {coords} coordinates")))
        }
        Some("vtk") => Ok(Format::Vtk),
        Some(other) => Err(runs::out_format(&shown, &format!("`.{other}` is not a format that there is"))),
        None => Err(runs::out_format(&shown, "it has no ending")),
    }
}

/// Input functions as the network sees them.
struct Seen {
    /// Coefficients, if they were drawn; empty without functions.
    drawn: Option<Vec<f64>>,
    /// All functions at their sensors.
    values: Vec<f64>,
    /// Name, sensors and values of each.
    each: Vec<(String, Vec<f64>, Vec<f64>)>,
}

fn functions(arguments: &Arguments, model: &Model, problem: &Problem) -> Result<Seen, Notice> {
    if model.functions.is_empty() {
        if !arguments.function.is_empty() || arguments.draw.is_some() {
            return Err(runs::no_functions(if arguments.draw.is_some() { "--draw" } else { "--function" }));
        }
        return Ok(Seen { drawn: Some(vec![]), values: vec![], each: vec![] });
    }
    let names: Vec<&str> = model.functions.iter().map(|f| f.name.as_str()).collect();
    let example = format!("--function {}=input.csv", names[0]);
    let wrong = |why: String| runs::input_function(&why, &example);
    for (k, (name, _)) in arguments.function.iter().enumerate() {
        if !names.contains(&name.as_str()) {
            let near = nearest(name, names.iter().copied()).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(wrong(format!("the program has no input function `{name}`{near}")));
        }
        if arguments.function[..k].iter().any(|(n, _)| n == name) {
            return Err(wrong(format!("`{name}` is given twice")));
        }
    }
    let places = |k: usize| -> Vec<f64> {
        let f = &model.functions[k];
        let last = f64::from(f.sensors.max(2) - 1);
        (0..f.sensors).map(|i| f.lo + (f.hi - f.lo) * f64::from(i) / last).collect()
    };
    let named = |values: &[f64]| {
        let mut rest = values;
        let each = model.functions.iter().enumerate().map(|(k, f)| {
            let (own, others) = rest.split_at(f.sensors as usize);
            rest = others;
            (f.name.clone(), places(k), own.to_vec())
        });
        each.collect()
    };
    if arguments.function.is_empty() {
        let drawn = draw(&problem.functions, problem.train.seed, HELD_OUT, arguments.draw.unwrap_or(0));
        let values = sensors(&problem.functions, &drawn);
        return Ok(Seen { drawn: Some(drawn), each: named(&values), values });
    }
    let mut values = vec![];
    for (k, f) in model.functions.iter().enumerate() {
        let given = arguments.function.iter().find(|(name, _)| *name == f.name);
        let (_, file) = given.ok_or_else(|| wrong(format!("nothing is given for the input function `{}`", f.name)))?;
        let about = |why: String| wrong(format!("{}: {why}", file.display()));
        let (at, of) = curve(file, &f.name).map_err(about)?;
        let slack = 1e-9 * (f.hi - f.lo);
        if at[0] > f.lo + slack || at[at.len() - 1] < f.hi - slack {
            let (first, last) = (at[0], at[at.len() - 1]);
            let why =
                format!("it reaches from {first} to {last}, but `{}` is a function on {} .. {}", f.name, f.lo, f.hi);
            return Err(about(why));
        }
        values.extend(places(k).iter().map(|x| between(&at, &of, *x)));
    }
    Ok(Seen { drawn: None, each: named(&values), values })
}

/// Places, in rising order, and values.
fn curve(file: &Path, name: &str) -> Result<(Vec<f64>, Vec<f64>), String> {
    let table = points::table(file)?;
    let value = table.columns.iter().position(|c| c == name);
    let value = value.ok_or_else(|| format!("it has no column `{name}`; it has {}", table.columns.join(", ")))?;
    let place = match (table.columns.len(), value) {
        (2, 1) => 0,
        (2, 0) => 1,
        (n, _) => return Err(format!("it has {n} columns, where places and values are two")),
    };
    let (at, of) = (table.numbers(place)?, table.numbers(value)?);
    if at.len() < 2 {
        return Err("it has fewer than two places".into());
    }
    match at.windows(2).position(|w| w[1] <= w[0]) {
        Some(k) => Err(format!("its places do not rise: row {} has {}, row {} has {}", k + 1, at[k], k + 2, at[k + 1])),
        None => Ok((at, of)),
    }
}

/// The value at `x` of the straight lines between given ones; that of an end beyond it.
fn between(at: &[f64], of: &[f64], x: f64) -> f64 {
    let k = at.partition_point(|a| *a <= x);
    match k {
        0 => of[0],
        k if k == at.len() => of[k - 1],
        k => of[k - 1] + (of[k] - of[k - 1]) * (x - at[k - 1]) / (at[k] - at[k - 1]),
    }
}

fn fill(
    arguments: &Arguments,
    compiled: &Compiled,
    params: &[f64],
    at: Points,
    seen: &Seen,
    shown: &Messages,
) -> Result<Prediction, Notice> {
    let problem = &compiled.problem;
    let d = problem.coords.len().max(1);
    let inside = points::inside(&at.data, problem);
    let outside = inside.iter().filter(|i| !**i).count();
    // A grid covers the box: what a shape cuts off of it goes without saying.
    let in_box = |i: usize| {
        let bare = Problem { shape: None, ..problem.clone() };
        points::inside(&at.data[i * d..(i + 1) * d], &bare)[0]
    };
    let first = inside.iter().enumerate().position(|(i, kept)| !kept && (at.axes.is_none() || !in_box(i)));
    if let Some(first) = first {
        let place = points::point(problem, &at.data[first * d..(first + 1) * d]);
        shown.notice(&runs::outside(outside, inside.len(), &place, &points::domain(problem), arguments.extrapolate));
    }
    let blank = |mut values: Vec<f64>| {
        if !arguments.extrapolate {
            values.iter_mut().zip(&inside).filter(|(_, kept)| !**kept).for_each(|(v, _)| *v = f64::NAN);
        }
        values
    };
    let found = predict_seen(problem, &compiled.kernels, params, &at.data, &seen.values);
    let fields = problem.network.fields.iter().zip(found).enumerate().filter(|(_, (f, _))| f.unknown.is_none());
    let mut columns = vec![];
    let mut compared = vec![];
    for (k, (field, values)) in fields {
        if arguments.exact {
            let exact = exact(problem, k, &at, seen)?;
            if let Some(exact) = exact {
                let error = values.iter().zip(&exact).map(|(u, e)| u - e).collect();
                compared.push((format!("exact_{}", field.name), blank(exact)));
                compared.push((format!("error_{}", field.name), blank(error)));
            }
        }
        columns.push((field.name.clone(), blank(values)));
    }
    if arguments.exact && compared.is_empty() {
        return Err(runs::no_exact("the program gives no exact solution"));
    }
    columns.append(&mut compared);
    Ok(Prediction {
        coords: problem.coords.iter().map(|c| c.name.clone()).collect(),
        points: at.data,
        axes: at.axes,
        columns,
        unknowns: vec![],
        functions: seen.each.clone(),
    })
}

/// The exact solution of a field, if there is one.
fn exact(problem: &Problem, field: usize, at: &Points, seen: &Seen) -> Result<Option<Vec<f64>>, Notice> {
    if let Some((reference, values)) = problem.reference.as_ref().and_then(|r| Some((r, r.of(field)?))) {
        return match &at.axes {
            Some(axes) if *axes == reference.axes => Ok(Some(values.clone())),
            _ => Err(runs::no_exact(
                "the exact solution is a file, and known on its own grid only: leave out --grid and --points",
            )),
        };
    }
    let Some(program) = &problem.exact[field] else { return Ok(None) };
    let why = "the exact solution is known for functions that are drawn (--draw), not for those of a file";
    let drawn = seen.drawn.as_ref().ok_or_else(|| runs::no_exact(why))?;
    Ok(Some(exact_values(program, &at.data, drawn)))
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn curves_are_straight_between_their_places() {
        let (at, of) = ([0.0, 1.0, 3.0], [1.0, 2.0, 0.0]);
        let found = [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0].map(|x| between(&at, &of, x));
        assert_eq!(found, [1.0, 1.0, 1.5, 2.0, 1.0, 0.0, 0.0]);
    }
}
