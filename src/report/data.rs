//! Everything the report shows, as plain data.

use crate::plan::Plot;
use crate::train::outcome::{Loss, PhaseSummary, Point, Sight, Status};

#[derive(Debug, Clone, PartialEq)]
pub struct RunData {
    pub program: ProgramInfo,
    pub coords: Vec<Axis>,
    /// The fields' names.
    pub fields: Vec<String>,
    /// What the unknowns were found to be.
    pub unknowns: Vec<UnknownRow>,
    pub status: Status,
    pub losses: Vec<Loss>,
    /// Weights of readouts that are solved for exactly; 0 if no phase does.
    pub weights: usize,
    /// What the residuals say of each field and unknown.
    pub sights: Vec<Sight>,
    pub phases: Vec<PhaseSummary>,
    pub history: Vec<Point>,
    pub forward_evaluations: u64,
    pub metrics: Vec<MetricRow>,
    pub expects: Vec<ExpectRow>,
    pub layers: Vec<LayerRow>,
    /// The field on a grid, for plots and the NPZ.
    pub grid: Option<GridData>,
    pub rasters: Vec<Raster>,
    /// What the program asks to see, in its order.
    pub plots: Vec<Plot>,
    /// Of all results, see [`digest`](crate::report::digest).
    pub digest: String,
    pub times: Times,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProgramInfo {
    /// File name without its folder and ending.
    pub name: String,
    pub text: String,
    /// Path from the program's folder and text of every file that it imports.
    pub imports: Vec<(String, String)>,
    /// SHA-256 of the text and of all that it imports, hexadecimal.
    pub hash: String,
    pub constants: Vec<(String, f64)>,
    /// The file, from the root; empty where it is not known.
    pub file: String,
    /// `--set`, in order.
    pub set: Vec<(String, f64)>,
    /// Data files that it reads, as it names them from its folder: SHA-256, hexadecimal.
    pub inputs: Vec<(String, String)>,
    pub seed: u64,
    pub engine: String,
    pub threads: usize,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub name: String,
    pub lo: f64,
    pub hi: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    pub name: String,
    /// As in the program: `relative_l2`; `value` for an unknown itself.
    pub kind: String,
    /// What is measured: a field, an unknown or a residual.
    pub field: String,
    pub grid: Vec<usize>,
    pub value: f64,
}

impl MetricRow {
    /// What was measured, in words: `relative_l2(u)`.
    pub fn measure(&self) -> String {
        if self.kind == "value" { "unknown".into() } else { format!("{}({})", self.kind, self.field) }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct UnknownRow {
    pub name: String,
    /// Where training began, by `--set` or the program.
    pub start: f64,
    pub value: f64,
    /// Its true value, where the program gives it.
    pub exact: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExpectRow {
    /// What it is about.
    pub metric: String,
    /// As in the program.
    pub text: String,
    pub value: f64,
    pub holds: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LayerRow {
    pub name: String,
    pub units: usize,
    /// Mean spikes a unit and time step; `None` for a graded layer.
    pub spike_rate: Option<f64>,
}

/// Values on a tensor grid, the last coordinate fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct GridData {
    /// Points of each coordinate.
    pub axes: Vec<Vec<f64>>,
    pub fields: Vec<FieldData>,
}

impl GridData {
    pub fn field(&self, name: &str) -> Option<&FieldData> {
        self.fields.iter().find(|f| f.name == name)
    }
}

/// The values of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldData {
    pub name: String,
    pub solution: Vec<f64>,
    pub exact: Option<Vec<f64>>,
}

impl FieldData {
    /// Network minus exact, where there is an exact solution.
    pub fn error(&self) -> Option<Vec<f64>> {
        let exact = self.exact.as_ref()?;
        Some(self.solution.iter().zip(exact).map(|(u, e)| u - e).collect())
    }
}

/// Spikes of a layer at one point of the domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Raster {
    pub layer: String,
    pub point: Vec<f64>,
    pub units: usize,
    pub steps: usize,
    pub dt: f64,
    /// (step, unit)
    pub spikes: Vec<(u32, u32)>,
}

/// Seconds spent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Times {
    pub check: f64,
    pub compile: f64,
    pub train: f64,
    pub report: f64,
}
