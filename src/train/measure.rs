//! Looking at a trained network: the field at points, spike rates, rasters, the error against the exact solution. Nothing
//! here is used to train.

use crate::exec::interp::eval;
use crate::ir::problem::{Field, Problem};
use crate::ir::program::{Program, Region};
use crate::plan::{Metric, MetricKind};
use crate::train::fresh::Fresh;
use crate::train::functions::{HELD_OUT, draw, inputs, inputs_seen, sensors};
use crate::train::kernels::Kernels;
use crate::train::sampling::inside;

/// The fields at points `[points][coords]`, in the coordinates' own units: `[fields][points]`. `functions` are the coefficients
/// of the input functions, the same at all points; empty without any.
pub fn predict(
    problem: &Problem,
    kernels: &Kernels,
    params: &[f64],
    points: &[f64],
    functions: &[f64],
) -> Vec<Vec<f64>> {
    predict_seen(problem, kernels, params, points, &sensors(&problem.functions, functions))
}

/// As [`predict`], for input functions of which only the values at their sensors are known, one function after the other.
pub fn predict_seen(
    problem: &Problem,
    kernels: &Kernels,
    params: &[f64],
    points: &[f64],
    seen: &[f64],
) -> Vec<Vec<f64>> {
    run(problem, kernels, params, &inputs_seen(problem, points, seen))
}

/// The fields, `[fields][points]`, for given inputs of the kernels.
fn run(problem: &Problem, kernels: &Kernels, params: &[f64], inputs: &[f64]) -> Vec<Vec<f64>> {
    let kernel = &kernels.observers[0].primal;
    let outputs = kernel.run(inputs, params, &[]).outputs;
    let stride = kernel.program().output_len().max(1);
    let column = |field: &Field| {
        let at = kernel.program().output_offset(&field.name).expect("the network yields every field");
        (at..outputs.len()).step_by(stride).map(|i| outputs.at(i)).collect()
    };
    problem.network.fields.iter().map(column).collect()
}

/// Mean spikes a unit and time step of each layer over the points `[points][coords]`; `None` for a layer without spikes.
pub fn spike_rates(
    problem: &Problem,
    kernels: &Kernels,
    params: &[f64],
    points: &[f64],
    functions: &[f64],
) -> Vec<Option<f64>> {
    let kernel = &kernels.counts;
    let program = kernel.program();
    let inputs = inputs(problem, points, functions);
    let outputs = kernel.run(&inputs, params, &[]).outputs;
    let stride = program.output_len().max(1);
    let rows = outputs.len() / stride;
    problem
        .network
        .layers
        .iter()
        .map(|layer| {
            let at = program.output_offset(&format!("spikes.{}", layer.name))?;
            let total: f64 = (at..outputs.len()).step_by(stride).map(|i| outputs.at(i)).sum();
            let probe = kernels.probe.program();
            let trace = probe.traces.iter().find(|t| t.name == format!("spikes.{}", layer.name))?;
            let units = probe.find(trace.value)?.ty.width;
            let Some(Region::Step(pass)) = probe.home(trace.value) else { return None };
            let chances = rows as f64 * f64::from(units) * f64::from(probe.passes[pass as usize].steps);
            (chances > 0.0).then(|| total / chances)
        })
        .collect()
}

/// Steps, units, and when and where they spike: (step, unit), in that order.
pub type Spikes = (usize, usize, Vec<(u32, u32)>);

/// The spikes of a layer at one point of the domain. `None` if they are not recorded.
pub fn raster(
    problem: &Problem,
    kernels: &Kernels,
    params: &[f64],
    layer: &str,
    point: &[f64],
    functions: &[f64],
) -> Option<Spikes> {
    let kernel = &kernels.probe;
    let program = kernel.program();
    problem.network.layers.iter().find(|l| l.name == layer)?;
    let wanted = format!("spikes.{layer}");
    let which = program.traces.iter().position(|t| t.name == wanted)?;
    let layouts = program.trace_layout();
    let (layout, place) = layouts.iter().find_map(|l| Some((l, l.traces.iter().find(|t| t.trace == which)?)))?;
    // The layer itself may be wider or narrower than its population: `lif |> dense(9)`.
    let (start, units) = (place.at, place.lanes);
    let inputs = inputs(problem, point, functions);
    let traces = kernel.run(&inputs, params, &[]).traces.wide();
    let mut spikes = vec![];
    for (step, row) in traces[layout.start..layout.end].chunks_exact(layout.width.max(1)).enumerate() {
        let fired = row[start..start + units].iter().enumerate().filter(|(_, s)| **s != 0.0);
        spikes.extend(fired.map(|(unit, _)| (step as u32, unit as u32)));
    }
    Some((layout.steps as usize, units, spikes))
}

/// Points of each coordinate, both ends included; they are met exactly.
pub fn axes(problem: &Problem, counts: &[usize]) -> Vec<Vec<f64>> {
    let line = |lo: f64, hi: f64, n: usize| -> Vec<f64> {
        match n {
            0 | 1 => vec![0.5 * (lo + hi)],
            _ => (0..n).map(|i| if i + 1 == n { hi } else { lo + (hi - lo) * i as f64 / (n - 1) as f64 }).collect(),
        }
    };
    problem.coords.iter().zip(counts).map(|(c, n)| line(c.lo, c.hi, *n)).collect()
}

/// All points of a tensor grid, `[points][coords]`, the last coordinate fastest.
pub fn tensor(axes: &[Vec<f64>]) -> Vec<f64> {
    let total: usize = axes.iter().map(Vec::len).product();
    let mut out = Vec::with_capacity(total * axes.len());
    for mut k in 0..total {
        let mut at = vec![0.0; axes.len()];
        for (slot, axis) in at.iter_mut().zip(axes).rev() {
            *slot = axis[k % axis.len()];
            k /= axis.len();
        }
        out.extend(at);
    }
    out
}

/// Input functions that no training has seen.
fn held_out(problem: &Problem, set: u64) -> Vec<f64> {
    draw(&problem.functions, problem.train.seed, HELD_OUT, set)
}

/// Sets of input functions that a metric is taken over: as many as make it steady.
fn sets(problem: &Problem) -> u64 {
    if problem.functions.is_empty() { 1 } else { MEASURED }
}

/// The value of an unknown, and the true one, if the program gives it.
pub fn unknown(problem: &Problem, params: &[f64], field: usize) -> Option<(f64, Option<f64>)> {
    let network = &problem.network;
    let at = network.primal.param_offset(network.fields[field].unknown?.param);
    // The true value of an unknown is a number: any point will do.
    let anywhere: Vec<f64> = problem.coords.iter().map(|c| c.lo).collect();
    let exact =
        problem.exact[field].as_ref().and_then(|e| exact_values(e, &anywhere, &held_out(problem, 0)).first().copied());
    Some((params[at], exact))
}

/// Where a field is measured: inputs of the network kernels, `[points][input_len]`, and the exact solution there. On a grid, as
/// far as the shape of the domain leaves it; with input functions, for as many sets of them as make it steady.
pub fn probes(problem: &Problem, field: usize, counts: &[usize]) -> Option<(Vec<f64>, Vec<f64>)> {
    if let Some((axes, values)) = problem.reference.as_ref().and_then(|r| Some((&r.axes, r.of(field)?))) {
        let at = tensor(axes);
        let kept = problem.shape.as_ref().map(|shape| eval(shape, &[&at]));
        let is_in = |i: usize| kept.as_ref().is_none_or(|k| k[i] != 0.0);
        let pairs = at.chunks_exact(axes.len()).zip(values).enumerate().filter(|(i, _)| is_in(*i));
        let (points, exact): (Vec<&[f64]>, Vec<f64>) = pairs.map(|(_, (p, e))| (p, *e)).unzip();
        return Some((points.concat(), exact));
    }
    let at = inside(tensor(&axes(problem, counts)), problem.coords.len(), problem.shape.as_ref());
    let program = problem.exact[field].as_ref()?;
    let (mut points, mut exact) = (vec![], vec![]);
    for set in 0..sets(problem) {
        let functions = held_out(problem, set);
        exact.extend(exact_values(program, &at, &functions));
        points.append(&mut inputs(problem, &at, &functions));
    }
    Some((points, exact))
}

/// A field and its exact solution where it is measured.
fn measured(
    problem: &Problem,
    kernels: &Kernels,
    params: &[f64],
    field: usize,
    counts: &[usize],
) -> Option<(Vec<f64>, Vec<f64>)> {
    let (inputs, exact) = probes(problem, field, counts)?;
    Some((run(problem, kernels, params, &inputs).swap_remove(field), exact))
}

/// The residual that a metric is about, if it is of that kind.
pub fn watched<'a>(problem: &'a Problem, kernels: &'a Kernels, name: &str) -> Option<Fresh<'a>> {
    let metric = problem.report.metrics.iter().find(|m| m.name == name && m.kind == MetricKind::Residual)?;
    let k = problem.residuals.iter().position(|r| r.name == metric.field)?;
    Some(Fresh::new(problem, kernels, problem.train.seed, Some(k)))
}

/// The value of a metric; not a number if there is nothing to measure.
pub fn metric(problem: &Problem, kernels: &Kernels, params: &[f64], m: &Metric) -> f64 {
    if m.kind == MetricKind::Residual {
        let found = watched(problem, kernels, &m.name).and_then(|f| f.residuals(params).pop());
        return found.map_or(f64::NAN, |(_, rms)| rms);
    }
    let Some(k) = problem.network.fields.iter().position(|f| f.name == m.field) else { return f64::NAN };
    let pair = match unknown(problem, params, k) {
        Some((value, exact)) => exact.map(|e| (vec![value], vec![e])),
        None => measured(problem, kernels, params, k, &m.grid),
    };
    match pair {
        Some((solution, exact)) if !exact.is_empty() => m.kind.measure(&solution, &exact),
        _ => f64::NAN,
    }
}

/// The value of a metric of the report, or of an unknown, by its name.
pub fn named(problem: &Problem, kernels: &Kernels, params: &[f64], name: &str) -> Option<f64> {
    if let Some(m) = problem.report.metrics.iter().find(|m| m.name == name) {
        return Some(metric(problem, kernels, params, m));
    }
    let k = problem.network.fields.iter().position(|f| f.name == name)?;
    unknown(problem, params, k).map(|(value, _)| value)
}

/// Points at which that takes the network to be run.
pub fn cost(problem: &Problem, name: &str) -> u64 {
    let metric = problem.report.metrics.iter().find(|m| m.name == name && !m.grid.is_empty());
    metric.map_or(0, |m| m.grid.iter().product::<usize>() as u64 * sets(problem))
}

/// An exact solution at points `[points][coords]`, for input functions of given coefficients.
pub fn exact_values(exact: &Program, points: &[f64], functions: &[f64]) -> Vec<f64> {
    if exact.inputs.len() < 2 {
        return eval(exact, &[points]);
    }
    let rows = points.len() / exact.inputs[0].width.max(1) as usize;
    eval(exact, &[points, &functions.repeat(rows)])
}

/// Sets of input functions that a metric is taken over.
const MEASURED: u64 = 100;
/// Sets of input functions that the figure on the way is a mean over.
const FUNCTIONS: u64 = 8;
/// Points of the coarse grid at most, a coordinate and altogether.
const COARSE: (usize, usize) = (33, 1100);

/// The exact solutions on a coarse grid, for a figure on the way.
#[derive(Debug, Clone)]
pub struct HeldOut {
    points: Vec<f64>,
    /// One set of input functions after the other, none of which is trained on; a single empty one without functions.
    functions: Vec<Vec<f64>>,
    /// For each of those, one entry a field; `None` for unknowns and where no exact solution is given.
    exact: Vec<Vec<Option<Vec<f64>>>>,
}

impl HeldOut {
    /// `None` if there is no exact solution, if no point lies inside the domain's shape, or with so many coordinates that even
    /// the coarsest grid is large. With a file of exact values the points are some of its own.
    pub fn new(problem: &Problem) -> Option<HeldOut> {
        let d = problem.coords.len();
        let side = (2..=COARSE.0).rev().find(|n| n.checked_pow(d as u32).is_some_and(|all| all <= COARSE.1))?;
        let known = |k: usize| problem.reference.as_ref().and_then(|r| r.of(k));
        let formula = |k: usize| problem.exact[k].as_ref().filter(|_| problem.network.fields[k].unknown.is_none());
        if (0..problem.exact.len()).all(|k| known(k).is_none() && formula(k).is_none()) {
            return None;
        }
        // Of a file's grid, the places by their number.
        let (axes, places): (Vec<Vec<f64>>, Vec<Vec<f64>>) = match &problem.reference {
            None => (axes(problem, &vec![side; d]), vec![]),
            Some(r) => {
                let some = |n: usize| (0..n).step_by(n.div_ceil(side).max(1)).map(|i| i as f64).collect::<Vec<f64>>();
                let places: Vec<Vec<f64>> = r.axes.iter().map(|a| some(a.len())).collect();
                let axes = r.axes.iter().zip(&places).map(|(a, p)| p.iter().map(|i| a[*i as usize]).collect());
                (axes.collect(), places)
            }
        };
        let all = tensor(&axes);
        let kept = problem.shape.as_ref().map(|shape| eval(shape, &[&all]));
        let is_in = |i: usize| kept.as_ref().is_none_or(|k| k[i] != 0.0);
        let points: Vec<f64> =
            all.chunks_exact(d).enumerate().filter(|(i, _)| is_in(*i)).flat_map(|(_, p)| p).copied().collect();
        if points.is_empty() {
            return None;
        }
        let numbers = tensor(&places);
        let of_grid = |values: &Vec<f64>| -> Vec<f64> {
            let counts = problem.reference.as_ref().map(|r| r.counts()).unwrap_or_default();
            let at = |p: &[f64]| p.iter().zip(&counts).fold(0, |at, (i, n)| at * n + *i as usize);
            let picked = numbers.chunks_exact(d).enumerate().filter(|(i, _)| is_in(*i));
            picked.map(|(_, p)| values[at(p)]).collect()
        };
        let tests = if problem.functions.is_empty() { 1 } else { FUNCTIONS };
        let functions: Vec<Vec<f64>> = (0..tests).map(|k| held_out(problem, k)).collect();
        let exact =
            |k: usize, f: &[f64]| known(k).map(of_grid).or_else(|| formula(k).map(|e| exact_values(e, &points, f)));
        let of = |f: &Vec<f64>| (0..problem.exact.len()).map(|k| exact(k, f)).collect();
        let exact = functions.iter().map(of).collect();
        Some(HeldOut { points, functions, exact })
    }

    /// The number of points.
    pub fn points(&self) -> usize {
        self.functions.len() * self.exact[0].iter().flatten().map(Vec::len).next().unwrap_or(0)
    }

    /// Relative L2 error, over all fields with an exact solution together.
    pub fn error(&self, problem: &Problem, kernels: &Kernels, params: &[f64]) -> f64 {
        let (mut d, mut n) = (0.0, 0.0);
        for (functions, exact) in self.functions.iter().zip(&self.exact) {
            let found = predict(problem, kernels, params, &self.points, functions);
            let known = found.iter().zip(exact).filter_map(|(u, e)| Some((u, e.as_ref()?)));
            for (u, e) in known.flat_map(|(u, e)| u.iter().zip(e)) {
                d += (u - e) * (u - e);
                n += e * e;
            }
        }
        (d / n).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::tensor;

    #[test]
    fn the_last_coordinate_is_fastest() {
        let at = tensor(&[vec![0.0, 1.0], vec![5.0, 6.0, 7.0]]);
        assert_eq!(at, [0.0, 5.0, 0.0, 6.0, 0.0, 7.0, 1.0, 5.0, 1.0, 6.0, 1.0, 7.0]);
    }
}
