//! Looking at a trained network: the field at points, spike rates, rasters, the error against the exact solution. Nothing
//! here is used to train.

use crate::exec::driver::run;
use crate::exec::interp::eval;
use crate::ir::problem::Problem;
use crate::train::kernels::Kernels;
use crate::train::sampling::{grid, inside};

/// The field at points `[points][coords]`, in the coordinates' own units.
pub fn predict(kernels: &Kernels, params: &[f32], points: &[f64]) -> Vec<f64> {
    let kernel = kernels.observers[0].primal.as_ref();
    let inputs: Vec<f32> = points.iter().map(|&x| x as f32).collect();
    let outputs = run(kernel, &inputs, params, &[]).outputs;
    let (stride, at) = (kernel.program().output_len(), kernel.program().output_offset("u").unwrap_or(0));
    outputs.chunks_exact(stride.max(1)).map(|row| f64::from(row[at])).collect()
}

/// Mean spikes a unit and time step of each layer over the points `[points][coords]`; `None` for a layer without spikes.
pub fn spike_rates(problem: &Problem, kernels: &Kernels, params: &[f32], points: &[f64]) -> Vec<Option<f64>> {
    let kernel = kernels.observers[0].primal.as_ref();
    let program = kernel.program();
    let inputs: Vec<f32> = points.iter().map(|&x| x as f32).collect();
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
            let chances = rows as f64 * f64::from(units) * f64::from(program.steps);
            (chances > 0.0).then(|| total / chances)
        })
        .collect()
}

/// Steps, units, and when and where they spike: (step, unit), in that order.
pub type Spikes = (usize, usize, Vec<(u32, u32)>);

/// The spikes of a layer at one point of the domain. `None` if they are not recorded.
pub fn raster(problem: &Problem, kernels: &Kernels, params: &[f32], layer: &str, point: &[f64]) -> Option<Spikes> {
    let kernel = kernels.probe.as_ref();
    let program = kernel.program();
    problem.network.layers.iter().find(|l| l.name == layer)?;
    let wanted = format!("spikes.{layer}");
    let which = program.traces.iter().position(|t| t.name == wanted)?;
    let lanes = |k: usize| program.find(program.traces[k].value).map_or(0, |i| program.lanes(i.ty));
    // The layer itself may be wider or narrower than its population: `lif |> dense(9)`.
    let (start, units): (usize, usize) = ((0..which).map(lanes).sum(), lanes(which));
    let inputs: Vec<f32> = point.iter().map(|&x| x as f32).collect();
    let traces = run(kernel, &inputs, params, &[]).traces;
    let mut spikes = vec![];
    for (step, row) in traces.chunks_exact(program.trace_width().max(1)).enumerate() {
        let fired = row[start..start + units].iter().enumerate().filter(|(_, s)| **s != 0.0);
        spikes.extend(fired.map(|(unit, _)| (step as u32, unit as u32)));
    }
    Some((program.steps as usize, units, spikes))
}

/// Points of the coarse grid at most, a coordinate and altogether.
const COARSE: (usize, usize) = (33, 1100);

/// The exact solution on a coarse grid, for a figure on the way.
#[derive(Debug, Clone)]
pub struct HeldOut {
    points: Vec<f64>,
    exact: Vec<f64>,
}

impl HeldOut {
    /// `None` if there is no exact solution, or if no point lies inside the domain's shape, or with so many coordinates that even the coarsest grid is large.
    pub fn new(problem: &Problem) -> Option<HeldOut> {
        let exact = problem.exact.as_ref()?;
        let d = problem.coords.len() as u32;
        let side = (2..=COARSE.0).rev().find(|n| n.checked_pow(d).is_some_and(|all| all <= COARSE.1))?;
        let points = grid(&problem.coords, &vec![side; d as usize]).data;
        let points = inside(points, problem.coords.len(), problem.shape.as_ref());
        let exact = eval(exact, &[&points]);
        if exact.is_empty() {
            return None;
        }
        Some(HeldOut { points, exact })
    }

    /// The number of points.
    pub fn points(&self) -> usize {
        self.exact.len()
    }

    /// Relative L2 error.
    pub fn error(&self, kernels: &Kernels, params: &[f32]) -> f64 {
        let u = predict(kernels, params, &self.points);
        let (d, n) = u.iter().zip(&self.exact).fold((0.0, 0.0), |(d, n), (u, e)| (d + (u - e) * (u - e), n + e * e));
        (d / n).sqrt()
    }
}
