//! All that training works on, as plain arrays and programs: the network, the points, how the field there becomes rows, and
//! where the error is measured. With it the same network can be trained on the same loss elsewhere, by another method.
//!
//! One safetensors file: numbers as F64 or I64 tensors; under `problem` in its metadata, a JSON text that names them:
//!
//! ```text
//! { "format": 1, "precision": "f32", "params": TENSOR,
//!   "observers": [{ "program": IR, "points": TENSOR [points][inputs] }],
//!   "rows":      [{ "residual": "heat", "weight": 1, "observer": 0, "start": 0, "len": 8100, "observed": ["u"], "count": 2116,
//!                   "points": { … } or "weak": { … } }],
//!   "measures":  [{ "metric": "l2", "output": "u", "points": TENSOR, "exact": TENSOR } or { "metric": …, "param": 7, "exact": 0.1 }] }
//! ```
//! A program is the text form of the IR. Its outputs named in `observed` at the points `start .. start + len` are what a
//! residual sees. The loss is the sum over residuals of weight times the mean of its squared rows. Rows at points are the
//! program `value` of the atoms, each of which is an observed value, or a sum `terms`; rows of a weak form are as
//! `weak::arrays` says.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use crate::ir::problem::{Problem, derivative_name};
use crate::plan::{Dynamics, MetricKind, Sampler};
use crate::train::kernels::Kernels;
use crate::train::observe::Lab;
use crate::train::system::{Block, Kind, Part, Point, System};
use crate::train::weak::Linearised;
use crate::train::{init, measure};

/// The bytes of the file. Nonlinear weak forms are whitened about the field of `weights`; without them, about that of the network
/// as it starts, as training does first.
///
/// # Errors
/// A sentence, if the system is not the same from step to step.
pub fn encode(problem: &Problem, kernels: &Kernels, seed: u64, weights: Option<&[f64]>) -> Result<Vec<u8>, String> {
    for r in &problem.residuals {
        if r.dynamics != Dynamics::default() || r.sampler == Sampler::Adaptive {
            let what = "its weight, its points or their importance change while it is trained";
            return Err(format!("residual {} has no rows that stay: {what}", r.name));
        }
    }
    let mut file = File::default();
    let system = System::new(problem, kernels, seed, Part::Trained);
    let params = init::params(&problem.network, kernels, seed);
    let field = Lab::new(&problem.network, kernels, problem.coords.len()).field(&system, weights.unwrap_or(&params));
    let observers: Vec<Value> = system
        .stations
        .iter()
        .map(|s| {
            let program = kernels.observers[s.observer].primal.program();
            json!({ "program": program.to_string(), "points": file.add(&[s.len, program.input_len()], s.points.clone()) })
        })
        .collect();
    let mut rows = vec![];
    for (block, observed) in system.blocks.iter().zip(&field.blocks) {
        let name = |a: &crate::ir::problem::Atom| derivative_name(&problem.network.fields[a.field].name, &a.alpha);
        let names: Vec<String> = block.observed(problem.coords.len()).iter().map(name).collect();
        let (key, count, how) = match &block.kind {
            Kind::Point(p) => ("points", p.rows, file.points(p, block)),
            Kind::Weak(w) => {
                let linearised = w.linearise(Some(observed));
                ("weak", linearised.rows(), file.weak(&linearised))
            }
        };
        rows.push(json!({
            "residual": block.name, "weight": block.weight, "observer": block.station, "start": block.start,
            "len": block.len, "observed": names, "count": count, key: how,
        }));
    }
    let measures: Vec<Value> = problem.report.metrics.iter().filter_map(|m| file.measure(problem, m)).collect();
    let (params, precision) = (file.line(params), problem.train.precision.name());
    let problem = json!({
        "format": 1, "precision": precision, "params": params, "observers": observers, "rows": rows, "measures": measures,
    });
    file.bytes(&problem)
}

/// Tensors by number, as bytes.
#[derive(Default)]
struct File {
    tensors: Vec<(Dtype, Vec<usize>, Vec<u8>)>,
}

impl File {
    /// The name of the new tensor.
    fn add(&mut self, shape: &[usize], values: Vec<f64>) -> String {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.tensors.push((Dtype::F64, shape.to_vec(), bytes));
        format!("{}", self.tensors.len() - 1)
    }

    fn line(&mut self, values: Vec<f64>) -> String {
        self.add(&[values.len()], values)
    }

    fn whole(&mut self, values: impl Iterator<Item = usize>) -> String {
        let bytes: Vec<u8> = values.flat_map(|x| (x as i64).to_le_bytes()).collect();
        self.tensors.push((Dtype::I64, vec![bytes.len() / 8], bytes));
        format!("{}", self.tensors.len() - 1)
    }

    fn points(&mut self, p: &Point<'_>, block: &Block<'_>) -> Value {
        let atoms = p.plan.atoms.len();
        let terms = p.stencil.as_ref().map(|s| {
            let each: Vec<&[(u32, f64)]> = (0..p.rows * atoms).map(|k| s.terms(k / atoms, k % atoms)).collect();
            let ends = each.iter().scan(0, |end, terms| {
                *end += terms.len();
                Some(*end)
            });
            json!({
                "starts": self.whole(std::iter::once(0).chain(ends)),
                "points": self.whole(each.iter().flat_map(|t| t.iter().map(|(k, _)| *k as usize))),
                "weights": self.line(each.iter().flat_map(|t| t.iter().map(|(_, w)| *w)).collect()),
            })
        });
        let rows = p.rows;
        let mut input = |values: &Vec<f64>| self.add(&[rows, values.len() / rows.max(1)], values.clone());
        json!({
            "value": p.plan.value.to_string(), "atoms": atoms, "from": p.from, "points": block.len, "terms": terms,
            "coords": input(&p.coords), "columns": input(&p.columns), "coefficients": input(&p.coefficients),
        })
    }

    fn weak(&mut self, linearised: &Linearised) -> Value {
        let a = linearised.arrays();
        let rows = a.matrix.nrows();
        let matrix = (0..rows * rows).map(|k| a.matrix[(k / rows, k % rows)]).collect();
        let coords = linearised.points();
        json!({
            "coords": self.add(&[a.weights.len(), coords.len() / a.weights.len().max(1)], coords.to_vec()),
            "weights": self.line(a.weights.to_vec()),
            "starts": self.whole(a.starts.iter().copied()),
            "which": self.whole(a.which.iter().map(|k| *k as usize)),
            "linear": a.linear.iter().map(|v| self.line(v.clone())).collect::<Vec<_>>(),
            "nonlinear": a.nonlinear.iter().map(|(v, p)| {
                json!({ "values": self.line(v.to_vec()), "value": p.to_string() })
            }).collect::<Vec<_>>(),
            "load": self.line(a.load.to_vec()),
            "kept": self.whole(a.kept.iter().copied()),
            "matrix": self.add(&[rows, rows], matrix),
        })
    }

    /// A metric that compares with the exact solution.
    fn measure(&mut self, problem: &Problem, m: &crate::plan::Metric) -> Option<Value> {
        if m.kind == MetricKind::Residual {
            return None;
        }
        let k = problem.network.fields.iter().position(|f| f.name == m.field)?;
        let (network, kind) = (&problem.network, format!("{:?}", m.kind));
        if let Some(unknown) = network.fields[k].unknown {
            let (_, exact) = measure::unknown(problem, &vec![0.0; network.primal.param_len()], k)?;
            let at = network.primal.param_offset(unknown.param);
            return Some(json!({ "metric": m.name, "kind": kind, "param": at, "exact": exact? }));
        }
        let (inputs, exact) = measure::probes(problem, k, &m.grid)?;
        let points = self.add(&[exact.len(), inputs.len() / exact.len().max(1)], inputs);
        let exact = self.line(exact);
        Some(json!({ "metric": m.name, "kind": kind, "output": m.field, "points": points, "exact": exact }))
    }

    fn bytes(self, problem: &Value) -> Result<Vec<u8>, String> {
        let mut views = vec![];
        for (k, (dtype, shape, bytes)) in self.tensors.iter().enumerate() {
            views.push((k.to_string(), TensorView::new(*dtype, shape.clone(), bytes).map_err(|e| e.to_string())?));
        }
        let meta = HashMap::from([("problem".to_string(), problem.to_string())]);
        safetensors::serialize(views, Some(meta)).map_err(|e| e.to_string())
    }
}
