//! Which figures a run shows, and what each says.
//!
//! The program's `plot` list decides. Maps of the solution and of the exact solution share their colours, so that they can
//! be compared by eye; the error has its own. With one coordinate, maps become curves; with more than two, the others are
//! held at the middle of their range, and the caption says so.

use super::data::{FieldData, GridData, RunData};
use super::scale::short;
use super::svg::{Chart, ColourScale, Curve, HeatMap, RasterPlot};
use crate::plan::{Plot, PlotField};

pub struct Figure {
    /// Maps stand side by side; the rest take the page's width.
    pub wide: bool,
    pub svg: String,
    pub caption: String,
}

pub fn figures(run: &RunData) -> Vec<Figure> {
    run.plots.iter().filter_map(|plot| figure(run, plot)).collect()
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
    Some(Figure { wide: false, svg, caption })
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
    let svg = Chart { title: &title, x: &run.coords[0].name, y: &of.name, log_y: false, curves, marks: vec![] }.draw();
    Some(Figure { wide: true, svg, caption })
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
    let svg = Chart { title: "training", x: "rounds and steps", y: "loss, error", log_y: true, curves, marks }.draw();
    Figure { wide: true, svg, caption: "Dotted lines: where a phase begins.".into() }
}

fn raster(run: &RunData, layer: &str) -> Option<Figure> {
    let r = run.rasters.iter().find(|r| r.layer == layer)?;
    let place: Vec<String> =
        run.coords.iter().zip(&r.point).map(|(c, v)| format!("{} = {}", c.name, short(*v))).collect();
    let rate = r.spikes.len() as f64 / (r.units * r.steps).max(1) as f64;
    let title = format!("spikes of {}", r.layer);
    let svg =
        RasterPlot { title: &title, units: r.units, steps: r.steps, dt: r.dt, time: "time", spikes: &r.spikes }.draw();
    let caption = format!(
        "{} neurons over {} steps at {}: {} spikes, {} a neuron and step.",
        r.units,
        r.steps,
        place.join(", "),
        r.spikes.len(),
        short(rate)
    );
    Some(Figure { wide: true, svg, caption })
}
