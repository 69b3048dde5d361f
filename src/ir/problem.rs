//! A whole training problem, lowered: what the trainer works on.
//!
//! Everything symbolic has become a [`Program`]: the network, its features, the coefficients of weak forms, the
//! residuals as functions of observed derivatives, the exact solution. The trainer needs no other phase.
//!
//! Programs of expressions ("expression programs") have the inputs named below, no parameters and no steps; they are
//! evaluated in double precision by the interpreter. Network programs run in single precision in either engine, have the
//! single input `coords` (all of the domain's coordinates, in their own units), and share the parameter list of
//! [`Network::primal`] unless said otherwise.

use std::sync::Arc;

use crate::func::MultiIndex;
use crate::ir::op::{ParamId, StateId};
use crate::ir::program::Program;
use crate::plan::{Dynamics, Reference, Report, Sampler, Train};

#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub coords: Vec<Coord>,
    /// Input `coords`, output `value`: not 0 inside. `None`: all of the box is.
    pub shape: Option<Program>,
    pub network: Network,
    pub residuals: Vec<Residual>,
    /// One entry a field of the network. Inputs `coords` and, with input functions, `coefficients`; output `value`.
    pub exact: Vec<Option<Program>>,
    /// The exact solutions that are known on a grid only.
    pub reference: Option<Arc<Reference>>,
    pub functions: Vec<Function>,
    pub train: Train,
    pub report: Report,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Coord {
    pub name: String,
    pub lo: f64,
    pub hi: f64,
    /// Its two ends are one place.
    pub periodic: bool,
}

/// A random input function: a sum of known shapes with standard normal coefficients. Networks have an input `sensors.NAME`,
/// after `coords`, for each function; expression programs one `coefficients` of all functions together, if there are any.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    pub name: String,
    pub coefficients: usize,
    /// What each coefficient adds to the value at each sensor, `[sensors][coefficients]`.
    pub shapes: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// What residuals are about: the outputs of the program's networks, then its unknowns, which are fields that are the same
    /// everywhere.
    pub fields: Vec<Field>,
    /// Outputs: each field by its name (width 1), then for each spiking layer `spikes.NAME`: spikes of the whole layer in
    /// the whole simulation (width 1).
    pub primal: Program,
    /// As `primal`, with a trace `spikes.NAME` for each spiking layer (width: its units): for rasters.
    pub probe: Program,
    pub layers: Vec<Layer>,
    /// Weights that fields are affine in.
    pub readouts: Vec<Readout>,
    /// How: u = phi . weight + phi0 bias + offset. Outputs `offset.NAME` (width 1) of every field, and of those with a
    /// readout `phi.NAME` (width [`Readout::features`]; none if that is 0) and `phi0.NAME` (1). `None` without a readout.
    pub features: Option<Program>,
    /// How each parameter of `primal` starts, in order.
    pub init: Vec<Init>,
}

impl Network {
    /// Replaces every program.
    pub fn each(&mut self, f: impl Fn(Program) -> Program) {
        let Network { primal, probe, layers, features, .. } = self;
        let units = layers.iter_mut().filter_map(|l| l.pursuit.as_mut());
        let units = units.flat_map(|u| std::iter::once(&mut u.pool).chain(&mut u.response));
        for program in [primal, probe].into_iter().chain(features).chain(units) {
            *program = f(program.clone());
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    /// Index into [`Network::readouts`]; fields may share one.
    pub readout: Option<usize>,
    pub unknown: Option<Unknown>,
}

/// A scalar that is learned: a parameter of one number, kept within bounds (which may be infinite).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unknown {
    pub param: ParamId,
    pub lo: f64,
    pub hi: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub name: String,
    pub units: u32,
    /// Length of a step of its simulation.
    pub dt: f64,
    pub spiking: bool,
    /// All its parameters.
    pub params: Vec<ParamId>,
    /// The states of [`Network::primal`] that are those of its neurons, by their names in the neuron's model.
    pub states: Vec<(StateId, String)>,
    pub pursuit: Option<Units>,
}

/// A layer whose units can be chosen one by one. Unit j owns column j of each of `params`.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    pub params: Vec<UnitParam>,
    /// The readouts whose features the units are.
    pub feeds: Vec<usize>,
    /// The features of `block` candidates: the outputs `phi.NAME` of [`Network::features`] for the fields of those readouts,
    /// with this layer `block` units wide. Its parameter list
    /// is that of `primal` with other widths for this layer and the readout (whose weights it does not use).
    pub pool: Program,
    pub block: u32,
    /// A single unit driven by a constant current. Input `current` (width 1); output `response` (width 1): spikes in the
    /// whole simulation, or for a graded unit its decoded value. No parameters: trainable ones are at their start.
    /// `None` if there is no neuron between the mixing node and the decoder (`dense(n) |> tanh`).
    pub response: Option<Program>,
    pub steps: u32,
    /// The mixing node acts on the scaled coordinates themselves, so that thresholds can be placed in the domain.
    pub on_coords: bool,
    /// Rows of the mixing weight that begin a pair: sine and cosine of a periodic coordinate's phase.
    pub pairs: Vec<usize>,
    /// Width of what the mixing node acts on.
    pub fan_in: u32,
}

/// A parameter of the units: which one, and what part it plays in a unit's current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitParam {
    pub param: ParamId,
    pub role: UnitRole,
}

/// A unit's current is bias + gain f(w . x + phase), where f is the identity or (`Sine` = 1) the sine. A dense unit has
/// only weight and bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitRole {
    Weight,
    Phase,
    Gain,
    Bias,
    /// 1 for a sinusoid, 0 for a ramp; never perturbed.
    Sine,
    /// A per-neuron parameter of the neuron model.
    Neuron,
}

/// Weights that fields are affine in: a column of a dense layer's weights, or an unknown itself, which is all bias.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Readout {
    /// `[features][columns]`.
    pub weight: Option<ParamId>,
    /// `[1][columns]`.
    pub bias: Option<ParamId>,
    /// `None`: all columns, as features of their own in the order of the weights; their biases are part of the offset.
    pub column: Option<u32>,
    pub features: u32,
}

/// A partial derivative of a field, or its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Atom {
    pub field: usize,
    pub alpha: MultiIndex,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    Constant(f64),
    Normal(f64),
    Uniform(f64, f64),
    /// Evenly spread from the one to the other, both included; the middle if there is only one.
    Ramp(f64, f64),
    /// Absolute values of normal numbers of this standard deviation: the samples of a surrogate, which a gradient phase draws
    /// anew in every step.
    Samples(f64),
    /// The part that this parameter plays in a `tuned` population; all of one population (same `group`) are drawn
    /// together, as candidates are.
    Tuned {
        group: u32,
        role: UnitRole,
        curve: Curve,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    Ramp,
    Sine,
    Mixed,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    pub name: String,
    pub weight: f64,
    pub place: Place,
    /// Collocation points, where the place leaves it open.
    pub points: usize,
    pub sampler: Sampler,
    pub dynamics: Dynamics,
    pub rows: Rows,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Interior,
    Domain,
    Faces(Vec<Face>),
    Curve(Box<Path>),
    Grid(Vec<usize>),
    /// Points as given, `[rows][coords]`, and the file's columns, `[rows][columns]`.
    Data {
        points: Vec<Vec<f64>>,
        columns: Vec<Vec<f64>>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    pub coord: usize,
    pub value: f64,
    /// The component of the outward normal along the coordinate: 1 or -1 at an end, 0 inside.
    pub outward: f64,
}

/// A curve for a parameter from `lo` to `hi`.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The coordinates that it gives; the others are free.
    pub coords: Vec<usize>,
    pub lo: f64,
    pub hi: f64,
    pub closed: bool,
    /// Input `s`; output `value`: those coordinates, then the outward normal if it has one.
    pub point: Program,
}

/// How the rows of a residual come about.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    Pointwise(Pointwise),
    Weak(Weak),
    /// Trained through the weak form of another residual; these rows are only measured.
    Absorbed {
        by: usize,
        measure: Pointwise,
    },
}

/// r = F(coordinates, columns, the derivatives of fields in `atoms`) at each point.
#[derive(Debug, Clone, PartialEq)]
pub struct Pointwise {
    pub atoms: Vec<Atom>,
    /// For each atom, the point where it is wanted if not at the residual's own (a value, then): input `coords`, output `value`
    /// with all coordinates.
    pub places: Vec<Option<Program>>,
    pub by: Derivatives,
    /// Inputs `coords`, `columns` and `coefficients` (only if there are any), `atoms`; output `value`.
    pub value: Program,
    /// Same inputs; output `slopes`: the derivative of F with respect to each atom.
    pub slopes: Program,
    /// F is affine in the atoms: the slopes do not depend on them.
    pub linear: bool,
}

/// How derivatives of the field are observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Derivatives {
    /// There are none: only the value.
    None,
    /// Exact, by the `jet` pass.
    Jet,
    /// Central differences, `h` times each coordinate's extent.
    Stencil { h: f64 },
    /// Of the field smoothed by a Gaussian, `sigma` times each coordinate's extent wide.
    Smoothing { sigma: f64 },
}

/// See [`check::model::WeakForm`](crate::check::model::WeakForm) for the meaning of the terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Weak {
    pub tests: Option<usize>,
    /// The fields in it.
    pub fields: Vec<usize>,
    pub volume: Vec<VolumeTerm>,
    pub boundary: Vec<BoundaryTerm>,
    pub vanish: Vec<[Vec<u8>; 2]>,
    pub ties: Vec<Tie>,
    pub absorbed: Vec<usize>,
    /// No volume term is nonlinear.
    pub linear: bool,
}

/// See [`check::model::Tie`](crate::check::model::Tie).
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    pub coord: usize,
    pub high: bool,
    pub parts: Vec<(u8, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VolumeTerm {
    /// Input `coords`, output `value`.
    pub coef: Program,
    pub test: MultiIndex,
    pub integrand: Integrand,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Integrand {
    /// A field, by its place in [`Weak::fields`].
    Field(usize),
    One,
    /// Inputs `coords`, `fields` (the values of [`Weak::fields`]); outputs `value` and `slopes`, one a field.
    Function(Box<Program>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct BoundaryTerm {
    pub coord: usize,
    pub high: bool,
    /// Input `coords`, output `value`.
    pub coef: Program,
    pub test: MultiIndex,
}

/// The name of the output that holds a partial derivative of output `output`: `u` itself for no derivative, `u.d[2,0]`.
/// The `jet` pass adds outputs of these names, the trainer looks for them.
pub fn derivative_name(output: &str, alpha: &MultiIndex) -> String {
    if alpha.order() == 0 {
        return output.to_string();
    }
    let orders: Vec<String> = alpha.0.iter().map(u8::to_string).collect();
    format!("{output}.d[{}]", orders.join(","))
}

/// The name of the output that holds the tangents of output `output`. The `jvp` pass adds outputs of these names.
pub fn tangent_name(output: &str) -> String {
    format!("{output}.tangent")
}
