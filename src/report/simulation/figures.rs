//! The figures of a simulation: rasters, rates, recorded traces.
//!
//! A page must stay small enough to open: of very many spikes only those of every k-th unit are drawn, of a long trace the
//! smallest and largest value of each short stretch, and the caption says so.

use super::{Plot, SimulationData, Trace};
use crate::report::figures::{Figure, chart_data, raster_data};
use crate::report::svg::{Chart, Curve, RasterPlot};

/// Spikes of one raster at the most.
const MOST_SPIKES: usize = 40_000;
/// Stretches of one trace; each gives two points.
const MOST_STRETCHES: usize = 1200;
/// Curves of one figure.
const MOST_CURVES: usize = 6;

pub fn figures(run: &SimulationData) -> Vec<Figure> {
    run.plots
        .iter()
        .flat_map(|plot| match plot {
            Plot::Raster(p) => raster(run, *p).into_iter().collect(),
            Plot::Rates => vec![rates(run)],
            Plot::Traces(p) => run.traces.iter().filter(|t| t.population == *p).map(|t| trace(run, t)).collect(),
        })
        .collect()
}

fn raster(run: &SimulationData, population: usize) -> Option<Figure> {
    let p = &run.populations[population];
    let all = p.spikes.as_ref()?;
    let every = all.len().div_ceil(MOST_SPIKES).max(1) as u32;
    let shown: Vec<(u32, u32)> = all.iter().filter(|(_, u)| u % every == 0).copied().collect();
    let title = format!("spikes of {}", p.name);
    let time = SimulationData::label("time", &run.time_unit);
    let steps = run.steps as usize;
    let plot = RasterPlot { title: &title, units: p.units, steps, dt: run.dt, time: &time, spikes: &shown, every };
    let (svg, data) = (plot.draw(), raster_data(&plot));
    let mut caption = format!("{} spikes of {} units, {}.", all.len(), p.units, rate(run, p.rate));
    if every > 1 {
        caption.push_str(&format!(" Drawn is one unit in {every}."));
    }
    Some(Figure { wide: true, name: format!("raster_{}", p.name), svg, linear: None, caption, data })
}

fn rate(run: &SimulationData, value: f64) -> String {
    let value = crate::report::scale::short(value);
    match run.rate_unit.as_str() {
        "" => format!("{value} spikes a unit and time"),
        unit => format!("{value} {unit}"),
    }
}

fn rates(run: &SimulationData) -> Figure {
    let curve = |p: &super::Population| {
        let width = p.bin as f64 * run.dt;
        let points = p.rates.iter().enumerate().map(|(k, r)| ((k as f64 + 0.5) * width, *r)).collect();
        (p.name.clone(), points)
    };
    let all: Vec<(String, Vec<(f64, f64)>)> =
        run.populations.iter().filter(|p| p.spikes.is_some()).map(curve).collect();
    let curves = all.iter().map(|(name, points)| Curve { name, points: points.clone(), dashed: false }).collect();
    let bin = run.populations.iter().map(|p| p.bin).max().unwrap_or(1) as f64 * run.dt;
    let (x, y) = (SimulationData::label("time", &run.time_unit), SimulationData::label("rate", &run.rate_unit));
    let chart = Chart { title: "population rates", x: &x, y: &y, log_y: false, curves, marks: vec![], also: &[] };
    let (svg, data) = (chart.draw(), chart_data(&chart));
    let caption = format!("Spikes a unit, in bins of {} {}.", crate::report::scale::short(bin), run.time_unit);
    let caption = caption.replace(" .", ".");
    Figure { wide: true, name: "rates".into(), svg, linear: None, caption, data }
}

fn trace(run: &SimulationData, t: &Trace) -> Figure {
    let shown = t.units.len().min(MOST_CURVES);
    let names: Vec<String> = t.units[..shown].iter().map(|u| format!("unit {u}")).collect();
    let curves =
        names.iter().enumerate().map(|(k, name)| Curve { name, points: points(run, t, k), dashed: false }).collect();
    let title = format!("{} of {}", t.name, run.populations[t.population].name);
    let (x, y) = (SimulationData::label("time", &run.time_unit), SimulationData::label(&t.name, &t.unit));
    let chart = Chart { title: &title, x: &x, y: &y, log_y: false, curves, marks: vec![], also: &[] };
    let (svg, data) = (chart.draw(), chart_data(&chart));
    let mut caption = format!("{} steps.", run.steps);
    if run.steps as usize > 2 * MOST_STRETCHES {
        caption = format!("{} steps; drawn are the extremes of each of {MOST_STRETCHES} stretches.", run.steps);
    }
    if shown < t.units.len() {
        caption.push_str(&format!(" The first {shown} of {} units.", t.units.len()));
    }
    let name = format!("{}_{}", t.name, run.populations[t.population].name);
    Figure { wide: true, name, svg, linear: None, caption, data }
}

fn points(run: &SimulationData, t: &Trace, k: usize) -> Vec<(f64, f64)> {
    let units = t.units.len();
    let steps = t.values.len() / units;
    let at = |j: usize| (run.time(j as u64), f64::from(t.values[j * units + k]));
    if steps <= 2 * MOST_STRETCHES {
        return (0..steps).map(at).collect();
    }
    let mut out = Vec::with_capacity(2 * MOST_STRETCHES);
    for s in 0..MOST_STRETCHES {
        let stretch = s * steps / MOST_STRETCHES..(s + 1) * steps / MOST_STRETCHES;
        let by = |a: &usize, b: &usize| at(*a).1.total_cmp(&at(*b).1);
        let (low, high) = (stretch.clone().min_by(by), stretch.max_by(by));
        if let (Some(a), Some(b)) = (low, high) {
            out.extend([at(a.min(b)), at(a.max(b))]);
        }
    }
    out
}
