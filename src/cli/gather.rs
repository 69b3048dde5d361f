//! From a trained network to the plain data of the report: metrics, arrays, rasters, spike rates.
//!
//! Everything here runs the network as it is after training, at inference time, on its real spiking output.

use crate::exec::interp::eval;
use crate::ir::problem::{Field, Init, Problem};
use crate::plan::{Method, Metric, MetricKind, Plot};
use crate::report::data::{Axis, ExpectRow, FieldData, GridData, LayerRow, MetricRow, Raster, UnknownRow};
use crate::report::metrics;
use crate::train::functions::{HELD_OUT, draw};
use crate::train::kernels::Kernels;
use crate::train::outcome::Loss;
use crate::train::sampling::inside;
use crate::train::{axes, exact_values, metric, predict, raster, spike_rates, tensor, unknown};

/// A trained network that can be asked.
pub struct Trained<'a> {
    pub problem: &'a Problem,
    pub kernels: &'a Kernels,
    pub params: &'a [f64],
    /// The residuals as training found them, fresh points included.
    pub losses: &'a [Loss],
}

/// Points of a grid at the most that the program does not ask for.
const MOST: usize = 2_000_000;

/// Points a coordinate of such a grid: `most`, or fewer where there are many coordinates, at least the middle.
fn side(most: usize, coords: usize) -> usize {
    (2..=most).rev().find(|n| n.checked_pow(coords as u32).is_some_and(|all| all <= MOST)).unwrap_or(1)
}

impl Trained<'_> {
    fn on(&self, axes: Vec<Vec<f64>>) -> GridData {
        let at = tensor(&axes);
        let functions = self.functions(0);
        let found = predict(self.problem, self.kernels, self.params, &at, &functions);
        let of = self.problem.network.fields.iter().zip(found).enumerate();
        let exact = |k: usize| {
            let known = self.problem.reference.as_ref().and_then(|r| r.of(k)).cloned();
            known.or_else(|| self.problem.exact[k].as_ref().map(|e| exact_values(e, &at, &functions)))
        };
        let mut fields: Vec<FieldData> = of
            .filter(|(_, (f, _))| f.unknown.is_none())
            .map(|(k, (f, solution))| FieldData { name: f.name.clone(), solution, exact: exact(k) })
            .collect();
        if let Some(shape) = &self.problem.shape {
            // What lies outside the shape is no part of the solution: it is left blank.
            for (i, kept) in eval(shape, &[&at]).iter().enumerate() {
                if *kept == 0.0 {
                    for field in &mut fields {
                        field.solution[i] = f64::NAN;
                        field.exact.iter_mut().for_each(|e| e[i] = f64::NAN);
                    }
                }
            }
        }
        GridData { axes, fields }
    }

    pub fn unknowns(&self) -> Vec<UnknownRow> {
        let row = |(k, f): (usize, &Field)| {
            let (value, exact) = unknown(self.problem, self.params, k)?;
            let start = match self.problem.network.init[f.unknown?.param.0 as usize] {
                Init::Constant(start) => start,
                _ => f64::NAN,
            };
            Some(UnknownRow { name: f.name.clone(), start, value, exact })
        };
        self.problem.network.fields.iter().enumerate().filter_map(row).collect()
    }

    /// Weights that some phase solves for, as the columns of one linear system.
    pub fn weights(&self) -> usize {
        let solves = |p: &crate::plan::Phase| match &p.method {
            Method::Gradient(g) => g.solve_readout.is_some(),
            Method::Pursuit(_) | Method::Readout { .. } => true,
        };
        if !self.problem.train.phases.iter().any(solves) {
            return 0;
        }
        self.problem.network.readouts.iter().map(|r| r.features as usize + usize::from(r.bias.is_some())).sum()
    }

    /// Input functions that no training has seen; the first are those that are plotted.
    fn functions(&self, set: u64) -> Vec<f64> {
        draw(&self.problem.functions, self.problem.train.seed, HELD_OUT, set)
    }

    fn metric(&self, m: &Metric) -> MetricRow {
        let known = self.losses.iter().find(|l| m.kind == MetricKind::Residual && l.residual == m.field);
        let value = known.map_or_else(|| metric(self.problem, self.kernels, self.params, m), |l| l.fresh);
        let kind = metrics::name(m.kind).into();
        MetricRow { name: m.name.clone(), kind, field: m.field.clone(), grid: m.grid.clone(), value }
    }

    pub fn metrics(&self) -> Vec<MetricRow> {
        let values = self.unknowns().into_iter().map(|u| MetricRow {
            name: u.name.clone(),
            kind: "value".into(),
            field: u.name,
            grid: vec![],
            value: u.value,
        });
        self.problem.report.metrics.iter().map(|m| self.metric(m)).chain(values).collect()
    }

    pub fn expects(&self, metrics: &[MetricRow]) -> Vec<ExpectRow> {
        let value = |name: &str| metrics.iter().find(|m| m.name == name).map_or(f64::NAN, |m| m.value);
        let row = |e: &crate::plan::Expect| ExpectRow {
            metric: e.metric.clone(),
            text: e.text.clone(),
            value: value(&e.metric),
            holds: e.comparison.holds(value(&e.metric), e.bound),
        };
        self.problem.report.expects.iter().map(row).collect()
    }

    /// The grid that is plotted and saved: that of a file of exact values, that of the first metric, or one of a size that fits
    /// the number of coordinates.
    pub fn grid(&self) -> GridData {
        self.on(self.usual_axes())
    }

    /// The points of each coordinate of that grid.
    pub fn usual_axes(&self) -> Vec<Vec<f64>> {
        if let Some(reference) = &self.problem.reference {
            return reference.axes.clone();
        }
        let counts = match self.problem.report.metrics.iter().find(|m| !m.grid.is_empty()) {
            Some(m) => m.grid.clone(),
            None => {
                let n = match self.problem.coords.len() {
                    1 => 501,
                    2 => 101,
                    3 => 41,
                    d => side(11, d),
                };
                vec![n; self.problem.coords.len()]
            }
        };
        axes(self.problem, &counts)
    }

    pub fn layers(&self) -> Vec<LayerRow> {
        let axis = match self.problem.coords.len() {
            1 => 101,
            2 => 21,
            d => side(7, d),
        };
        let (dim, shape) = (self.problem.coords.len(), self.problem.shape.as_ref());
        let at = inside(tensor(&axes(self.problem, &vec![axis; dim])), dim, shape);
        let rates = spike_rates(self.problem, self.kernels, self.params, &at, &self.functions(0));
        let row = |(l, rate): (&crate::ir::problem::Layer, Option<f64>)| LayerRow {
            name: l.name.clone(),
            units: self.population(l) as usize,
            spike_rate: rate,
        };
        // The readout's own row would say nothing: it has no neurons.
        let readout = |l: &crate::ir::problem::Layer, rate: &Option<f64>| {
            rate.is_none() && (l.name == "output" || l.name.ends_with(".output"))
        };
        self.problem.network.layers.iter().zip(rates).filter(|(l, rate)| !readout(l, rate)).map(row).collect()
    }

    /// The neurons that are counted and shown; a layer itself may end wider or narrower, `lif |> mean |> dense(8)`.
    fn population(&self, layer: &crate::ir::problem::Layer) -> u32 {
        let probe = self.kernels.probe.program();
        let trace = probe.traces.iter().find(|t| t.name == format!("spikes.{}", layer.name));
        trace.and_then(|t| probe.find(t.value)).map_or(layer.units, |found| found.ty.width)
    }

    /// The middle of the domain; if that is cut away, the point inside nearest to it on a grid.
    fn middle(&self) -> Vec<f64> {
        let coords = &self.problem.coords;
        let middle: Vec<f64> = coords.iter().map(|c| 0.5 * (c.lo + c.hi)).collect();
        let Some(shape) = &self.problem.shape else { return middle };
        let n = if coords.len() <= 2 { 41 } else { side(11, coords.len()) };
        let at = tensor(&axes(self.problem, &vec![n; coords.len()]));
        let far = |p: &[f64]| -> f64 {
            let parts = p.iter().zip(&middle).zip(coords).map(|((p, m), c)| (p - m) / (c.hi - c.lo));
            parts.map(|d| d * d).sum()
        };
        let kept = inside(at, coords.len(), Some(shape));
        let nearest = kept.chunks_exact(coords.len()).min_by(|a, b| far(a).total_cmp(&far(b)));
        nearest.map_or(middle.clone(), <[f64]>::to_vec)
    }

    /// Rasters that the program asks for, at the middle of the domain.
    pub fn rasters(&self) -> Vec<Raster> {
        let point = self.middle();
        let asked = self.problem.report.plots.iter().filter_map(|p| match p {
            Plot::Raster(layer) => Some(layer),
            _ => None,
        });
        asked
            .filter_map(|layer| {
                let (steps, units, spikes) =
                    raster(self.problem, self.kernels, self.params, layer, &point, &self.functions(0))?;
                let dt = self.problem.network.layers.iter().find(|l| l.name == *layer)?.dt;
                Some(Raster { layer: layer.clone(), point: point.clone(), units, steps, dt, spikes })
            })
            .collect()
    }

    pub fn axes(&self) -> Vec<Axis> {
        self.problem.coords.iter().map(|c| Axis { name: c.name.clone(), lo: c.lo, hi: c.hi }).collect()
    }
}
