//! Which figures a run shows, and what each says.
//!
//! The program's `plot` list decides. Maps of the solution and of the exact solution share their colours, so that they can
//! be compared by eye; the error has its own. With one coordinate, maps become curves; with more than two, the others are
//! held at the middle of their range, and the caption says so.

use base64::Engine as _;
use serde_json::{Value, json};

use super::data::{FieldData, GridData, RunData};
use super::scale::short;
use super::svg::{CHART, Chart, ColourScale, Curve, Frame, HeatMap, MAP, RASTER, RasterPlot};
use crate::plan::{Plot, PlotField};

#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Maps stand side by side; the rest take the page's width.
    pub wide: bool,
    /// Of its files, without an ending: `error_u`.
    pub name: String,
    pub svg: String,
    /// The same figure with a linear axis in place of a logarithmic one.
    pub linear: Option<String>,
    pub caption: String,
    /// What the page's script needs to answer a pointer and to move a slider.
    pub data: Value,
}

pub fn figures(run: &RunData) -> Vec<Figure> {
    let mut all: Vec<Figure> = run.plots.iter().filter_map(|plot| figure(run, plot)).collect();
    for plot in &run.plots {
        if let (Plot::Field(PlotField::Solution(name)), Some(grid)) = (plot, &run.grid) {
            all.extend(through_time(run, grid, name));
        }
    }
    all
}

fn figure(run: &RunData, plot: &Plot) -> Option<Figure> {
    match plot {
        Plot::Loss => Some(loss(run)),
        Plot::Raster(layer) => raster(run, layer),
        Plot::Field(field) => {
            let grid = run.grid.as_ref()?;
            if run.coords.len() == 1 { curve(run, grid, field) } else { map(run, grid, field) }
        }
    }
}

/// The values a plot shows, its title, and the colours they are shown in.
fn values(grid: &GridData, field: &PlotField) -> Option<(Vec<f64>, String, ColourScale)> {
    let of = data(grid, field)?;
    let shared = || ColourScale::covering(of.solution.iter().chain(of.exact.iter().flatten()));
    match field {
        PlotField::Solution(_) => Some((of.solution.clone(), format!("{}, the network", of.name), shared())),
        PlotField::Exact(_) => Some((of.exact.clone()?, format!("{}, exact", of.name), shared())),
        PlotField::Error(_) => {
            let error = of.error()?;
            let colours = ColourScale::covering(error.iter());
            Some((error, format!("error of {}: network − exact", of.name), colours))
        }
    }
}

fn data<'g>(grid: &'g GridData, field: &PlotField) -> Option<&'g FieldData> {
    let (PlotField::Solution(name) | PlotField::Exact(name) | PlotField::Error(name)) = field;
    grid.field(name)
}

fn map(run: &RunData, grid: &GridData, field: &PlotField) -> Option<Figure> {
    let (all, title, colours) = values(grid, field)?;
    let (nx, ny) = (grid.axes[0].len(), grid.axes[1].len());
    let rest: usize = grid.axes[2..].iter().map(Vec::len).product();
    // The middle of each further axis, in a layout where the last coordinate is fastest.
    let middle = grid.axes[2..].iter().fold(0, |at, axis| at * axis.len() + axis.len() / 2);
    let slice: Vec<f64> = all.chunks(rest).map(|c| c[middle]).collect();
    let held: Vec<String> = run.coords[2..]
        .iter()
        .zip(&grid.axes[2..])
        .map(|(c, axis)| format!("{} = {}", c.name, short(axis[axis.len() / 2])))
        .collect();
    let worst = slice.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let mut caption = match field {
        PlotField::Error(_) => format!("Largest error on this grid: {}.", short(worst)),
        _ => format!("{nx} × {ny} points."),
    };
    if !held.is_empty() {
        caption.push_str(&format!(" Shown at {}.", held.join(", ")));
    }
    let (x, y) = (&run.coords[0], &run.coords[1]);
    // Cells of a map have one size: places that are not evenly spaced lend their values to the cells nearest to them.
    let (across, up) = (nearest(&grid.axes[0]), nearest(&grid.axes[1]));
    let drawn: Vec<f64> =
        across.iter().flat_map(|i| up.iter().map(move |j| (i, j))).map(|(i, j)| slice[i * ny + j]).collect();
    let ends = |axis: &[f64]| (axis[0], axis[axis.len() - 1]);
    let ((x_lo, x_hi), (y_lo, y_hi)) = (ends(&grid.axes[0]), ends(&grid.axes[1]));
    let svg = HeatMap {
        title: &title,
        x: (&x.name, x_lo, x_hi),
        y: (&y.name, y_lo, y_hi),
        xs: nx,
        ys: ny,
        values: &drawn,
        colours,
    }
    .draw();
    // Every slice, for sliders over the coordinates that are held; of very many values only the one that is drawn.
    let whole = nx * ny * rest <= MOST_VALUES;
    let places = across.iter().flat_map(|i| up.iter().map(move |j| i * ny + j));
    let shown: Vec<f64> = match whole {
        true => places.flat_map(|at| all[at * rest..(at + 1) * rest].iter().copied()).collect(),
        false => drawn,
    };
    let sliders: Vec<Value> = match whole {
        true => (run.coords[2..].iter().zip(&grid.axes[2..]))
            .map(|(c, axis)| json!({ "name": c.name, "values": axis, "start": axis.len() / 2 }))
            .collect(),
        false => vec![],
    };
    let data = json!({
        "kind": "map", "frame": frame(MAP), "x": [x_lo, x_hi], "y": [y_lo, y_hi], "names": [x.name, y.name, title],
        "size": [nx, ny], "values": numbers(&shown), "sliders": sliders,
        "range": [colours.lo, colours.hi], "colours": if sliders.is_empty() { String::new() } else { table(&colours) },
    });
    Some(Figure { wide: false, name: file_name(field), svg, linear: None, caption, data })
}

/// The name of a field's figure.
fn file_name(field: &PlotField) -> String {
    match field {
        PlotField::Solution(name) => name.clone(),
        PlotField::Exact(name) => format!("exact_{name}"),
        PlotField::Error(name) => format!("error_{name}"),
    }
}

/// Values of a figure that the page holds, at the most.
const MOST_VALUES: usize = 250_000;

fn frame(f: Frame) -> [f64; 4] {
    [f.x, f.y, f.w, f.h]
}

/// Numbers as base64 of little-endian single precision, which a script reads without parsing.
pub fn numbers(values: &[f64]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// 256 colours from low to high, three bytes each.
fn table(colours: &ColourScale) -> String {
    let at = |k: u32| colours.colour(colours.lo + (colours.hi - colours.lo) * f64::from(k) / 255.0);
    base64::engine::general_purpose::STANDARD.encode((0..256).flat_map(at).collect::<Vec<u8>>())
}

/// What a script needs to say what a chart has at a place.
pub fn chart_data(chart: &Chart<'_>) -> Value {
    let curve = |c: &Curve<'_>| {
        let (xs, ys): (Vec<f64>, Vec<f64>) = c.points.iter().copied().unzip();
        json!({ "name": c.name, "x": numbers(&xs), "y": numbers(&ys) })
    };
    let (lo, hi) = chart.scale_x().ends();
    json!({
        "kind": "chart", "frame": frame(CHART), "x": [lo, hi], "names": [chart.x, chart.y],
        "curves": chart.curves.iter().map(curve).collect::<Vec<_>>(),
        "marks": chart.marks.iter().map(|(at, word)| json!([at, word])).collect::<Vec<_>>(),
    })
}

/// What a script needs to say which neuron and time a place in a raster is.
pub fn raster_data(plot: &RasterPlot<'_>) -> Value {
    let (rates, bin) = plot.rates();
    json!({
        "kind": "raster", "frame": frame(RASTER), "units": plot.units, "steps": plot.steps, "dt": plot.dt,
        "time": plot.time, "rates": numbers(&rates), "bin": bin,
    })
}

/// Cuts through a field of one coordinate and time, to be moved along it. `None` where nothing evolves.
fn through_time(run: &RunData, grid: &GridData, name: &str) -> Option<Figure> {
    let of = grid.field(name)?;
    let [a, b] = &run.coords[..] else { return None };
    let time = [a, b].iter().position(|c| c.name == "t" || c.name == "time")?;
    let (space, nt, nx) = (1 - time, grid.axes[time].len(), grid.axes[1 - time].len());
    let (xs, ts) = (&grid.axes[space], &grid.axes[time]);
    let stride = |i: usize, k: usize| if time == 1 { i * nt + k } else { k * nx + i };
    let cut = |values: &[f64], k: usize| (0..nx).map(|i| values[stride(i, k)]).collect::<Vec<f64>>();
    let both: Vec<(&str, &Vec<f64>)> =
        std::iter::once((name, &of.solution)).chain(of.exact.as_ref().map(|e| ("exact", e))).collect();
    let all: Vec<f64> = both.iter().flat_map(|(_, v)| v.iter().copied()).filter(|v| v.is_finite()).collect();
    let curve = |k: usize, (n, v): &(&'static str, &Vec<f64>), place: usize| Curve {
        name: n,
        points: xs.iter().copied().zip(cut(v, place)).collect(),
        dashed: k > 0,
    };
    let start = nt / 2;
    let title = format!("{name} at {} = {}", run.coords[time].name, short(ts[start]));
    let named: Vec<(&'static str, &Vec<f64>)> =
        both.iter().enumerate().map(|(k, (_, v))| (if k == 0 { "the network" } else { "exact" }, *v)).collect();
    let curves = named.iter().enumerate().map(|(k, c)| curve(k, c, start)).collect();
    let x = &run.coords[space].name;
    let chart = Chart { title: &title, x, y: name, log_y: false, curves, marks: vec![], also: &all };
    let (x_lo, x_hi) = chart.scale_x().ends();
    let (y_lo, y_hi) = chart.scale_y().ends();
    let kept = nt * nx <= MOST_VALUES;
    let frames = |v: &Vec<f64>| numbers(&(0..nt).flat_map(|k| cut(v, k)).collect::<Vec<f64>>());
    let data = json!({
        "kind": "frames", "frame": frame(CHART), "x": [x_lo, x_hi], "y": [y_lo, y_hi], "names": [x, name],
        "title": format!("{name} at "), "places": numbers(xs),
        "sliders": if kept { vec![json!({ "name": run.coords[time].name, "values": ts, "start": start })] } else { vec![] },
        "curves": named.iter().filter(|_| kept).map(|(n, v)| json!({ "name": n, "values": frames(v) })).collect::<Vec<_>>(),
    });
    let caption = format!("A cut through the map above, {nt} of them.");
    Some(Figure { wide: true, name: format!("{name}_cut"), svg: chart.draw(), linear: None, caption, data })
}

/// For as many evenly spaced places as there are, the one of the axis that is nearest.
fn nearest(axis: &[f64]) -> Vec<usize> {
    let (n, lo, hi) = (axis.len(), axis[0], axis[axis.len() - 1]);
    let place = |i: usize| lo + (hi - lo) * i as f64 / n.saturating_sub(1).max(1) as f64;
    let far = |i: usize, j: usize| (axis[j] - place(i)).abs();
    (0..n).map(|i| (0..n).min_by(|a, b| far(i, *a).total_cmp(&far(i, *b))).unwrap_or(i)).collect()
}

fn curve(run: &RunData, grid: &GridData, field: &PlotField) -> Option<Figure> {
    let line = |values: &[f64]| grid.axes[0].iter().copied().zip(values.iter().copied()).collect::<Vec<_>>();
    let (all, title, _) = values(grid, field)?;
    let of = data(grid, field)?;
    let mut curves = vec![Curve { name: &title, points: line(&all), dashed: false }];
    let mut caption = format!("{} points.", grid.axes[0].len());
    match field {
        PlotField::Solution(_) => {
            if let Some(exact) = &of.exact {
                curves.push(Curve { name: "exact", points: line(exact), dashed: true });
            }
        }
        PlotField::Exact(_) => {}
        PlotField::Error(_) => {
            caption = format!("Largest error: {}.", short(all.iter().fold(0.0f64, |m, v| m.max(v.abs()))));
        }
    }
    let (x, y) = (&run.coords[0].name, &of.name);
    let chart = Chart { title: &title, x, y, log_y: false, curves, marks: vec![], also: &[] };
    let (svg, data) = (chart.draw(), chart_data(&chart));
    Some(Figure { wide: true, name: file_name(field), svg, linear: None, caption, data })
}

fn loss(run: &RunData) -> Figure {
    // Counted by line of progress: a round of a pursuit weighs as much as a step of a gradient phase, so that both show.
    let at = |i: usize| i as f64;
    let points = run.history.iter().enumerate().map(|(i, p)| (at(i), p.loss)).collect();
    let mut curves = vec![Curve { name: "training loss", points, dashed: false }];
    let plain: Vec<_> = run.history.iter().enumerate().filter_map(|(i, p)| Some((at(i), p.plain?))).collect();
    if !plain.is_empty() {
        curves.push(Curve { name: "the same, all times alike", points: plain, dashed: false });
    }
    let errors: Vec<_> = run.history.iter().enumerate().filter_map(|(i, p)| Some((at(i), p.error?))).collect();
    if !errors.is_empty() {
        curves.push(Curve { name: "relative L2 error, points not trained on", points: errors, dashed: true });
    }
    let mut marks: Vec<(f64, &str)> = vec![];
    for (i, p) in run.history.iter().enumerate() {
        if i == 0 || run.history[i - 1].phase != p.phase {
            marks.push((at(i), run.phases.get(p.phase).map_or("", |f| f.name.as_str())));
        }
    }
    let (title, x, y) = ("training", "rounds and steps", "loss, error");
    let mut chart = Chart { title, x, y, log_y: true, curves, marks, also: &[] };
    let (svg, data) = (chart.draw(), chart_data(&chart));
    chart.log_y = false;
    let linear = Some(chart.draw());
    Figure { wide: true, name: "loss".into(), svg, linear, caption: "Dotted lines: where a phase begins.".into(), data }
}

fn raster(run: &RunData, layer: &str) -> Option<Figure> {
    let r = run.rasters.iter().find(|r| r.layer == layer)?;
    let place: Vec<String> =
        run.coords.iter().zip(&r.point).map(|(c, v)| format!("{} = {}", c.name, short(*v))).collect();
    let rate = r.spikes.len() as f64 / (r.units * r.steps).max(1) as f64;
    let title = format!("spikes of {}", r.layer);
    let (units, steps, spikes) = (r.units, r.steps, &r.spikes);
    let plot = RasterPlot { title: &title, units, steps, dt: r.dt, time: "time", spikes, every: 1 };
    let (svg, data) = (plot.draw(), raster_data(&plot));
    let caption = format!(
        "{} neurons over {} steps at {}: {} spikes, {} a neuron and step.",
        r.units,
        r.steps,
        place.join(", "),
        r.spikes.len(),
        short(rate)
    );
    Some(Figure { wide: true, name: format!("raster_{}", r.layer), svg, linear: None, caption, data })
}
