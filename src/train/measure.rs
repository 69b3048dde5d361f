//! Looking at a trained network: the field at points, spike rates, rasters, the error against the exact solution. Nothing
//! here is used to train.

use crate::exec::driver::run;
use crate::exec::interp::eval;
use crate::ir::problem::{Field, Problem};
use crate::ir::program::{Program, Region};
use crate::train::functions::{HELD_OUT, draw, inputs};
use crate::train::kernels::Kernels;
use crate::train::sampling::{grid, inside};

/// The fields at points `[points][coords]`, in the coordinates' own units: `[fields][points]`. `functions` are the coefficients
/// of the input functions, the same at all points; empty without any.
pub fn predict(
    problem: &Problem,
    kernels: &Kernels,
    params: &[f32],
    points: &[f64],
    functions: &[f64],
) -> Vec<Vec<f64>> {
    let kernel = kernels.observers[0].primal.as_ref();
    let inputs = inputs(problem, points, functions);
    let outputs = run(kernel, &inputs, params, &[]).outputs;
    let stride = kernel.program().output_len().max(1);
    let column = |field: &Field| {
        let at = kernel.program().output_offset(&field.name).expect("the network yields every field");
        outputs.chunks_exact(stride).map(|row| f64::from(row[at])).collect()
    };
    problem.network.fields.iter().map(column).collect()
}

/// Mean spikes a unit and time step of each layer over the points `[points][coords]`; `None` for a layer without spikes.
pub fn spike_rates(
    problem: &Problem,
    kernels: &Kernels,
    params: &[f32],
    points: &[f64],
    functions: &[f64],
) -> Vec<Option<f64>> {
    let kernel = kernels.observers[0].primal.as_ref();
    let program = kernel.program();
    let inputs = inputs(problem, points, functions);
    let outputs = run(kernel, &inputs, params, &[]).outputs;
    let stride = program.output_len().max(1);
    let rows = outputs.len() / stride;
    problem
        .network
        .layers
        .iter()
        .map(|layer| {
            let at = program.output_offset(&format!("spikes.{}", layer.name))?;
            let total: f64 = outputs.chunks_exact(stride).map(|row| f64::from(row[at])).sum();
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
    params: &[f32],
    layer: &str,
    point: &[f64],
    functions: &[f64],
) -> Option<Spikes> {
    let kernel = kernels.probe.as_ref();
    let program = kernel.program();
    problem.network.layers.iter().find(|l| l.name == layer)?;
    let wanted = format!("spikes.{layer}");
    let which = program.traces.iter().position(|t| t.name == wanted)?;
    let layouts = program.trace_layout();
    let (layout, place) = layouts.iter().find_map(|l| Some((l, l.traces.iter().find(|t| t.trace == which)?)))?;
    // The layer itself may be wider or narrower than its population: `lif |> dense(9)`.
    let (start, units) = (place.at, place.lanes);
    let inputs = inputs(problem, point, functions);
    let traces = run(kernel, &inputs, params, &[]).traces;
    let mut spikes = vec![];
    for (step, row) in traces[layout.start..layout.end].chunks_exact(layout.width.max(1)).enumerate() {
        let fired = row[start..start + units].iter().enumerate().filter(|(_, s)| **s != 0.0);
        spikes.extend(fired.map(|(unit, _)| (step as u32, unit as u32)));
    }
    Some((layout.steps as usize, units, spikes))
}

/// An exact solution at points `[points][coords]`, for input functions of given coefficients.
pub fn exact_values(exact: &Program, points: &[f64], functions: &[f64]) -> Vec<f64> {
    if exact.inputs.len() < 2 {
        return eval(exact, &[points]);
    }
    let rows = points.len() / exact.inputs[0].width.max(1) as usize;
    eval(exact, &[points, &functions.repeat(rows)])
}

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
    /// the coarsest grid is large.
    pub fn new(problem: &Problem) -> Option<HeldOut> {
        let of_field = |k: usize| problem.exact[k].as_ref().filter(|_| problem.network.fields[k].unknown.is_none());
        let exacts: Vec<_> = (0..problem.exact.len()).map(of_field).collect();
        if exacts.iter().all(Option::is_none) {
            return None;
        }
        let d = problem.coords.len() as u32;
        let side = (2..=COARSE.0).rev().find(|n| n.checked_pow(d).is_some_and(|all| all <= COARSE.1))?;
        let points = grid(&problem.coords, &vec![side; d as usize]).data;
        let points = inside(points, problem.coords.len(), problem.shape.as_ref());
        if points.is_empty() {
            return None;
        }
        let tests = if problem.functions.is_empty() { 1 } else { FUNCTIONS };
        let functions: Vec<Vec<f64>> =
            (0..tests).map(|k| draw(&problem.functions, problem.train.seed, HELD_OUT, k)).collect();
        let of = |f: &Vec<f64>| exacts.iter().map(|e| e.map(|e| exact_values(e, &points, f))).collect();
        let exact = functions.iter().map(of).collect();
        Some(HeldOut { points, functions, exact })
    }

    /// The number of points.
    pub fn points(&self) -> usize {
        self.functions.len() * self.exact[0].iter().flatten().map(Vec::len).next().unwrap_or(0)
    }

    /// Relative L2 error, over all fields with an exact solution together.
    pub fn error(&self, problem: &Problem, kernels: &Kernels, params: &[f32]) -> f64 {
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
