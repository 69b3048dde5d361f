//! What the checker yields: a program that is known to make sense.
//!
//! Every name is resolved to an index, every width and count is a number, every default is filled in, every residual has
//! the method by which its derivatives are obtained. After this, a failure is a bug of ours.

use std::sync::Arc;

use crate::check::expr::Expr;
pub use crate::check::functions::InputFunction;
pub use crate::check::polynomial::Atom;
use crate::func::{Binary, Compare, MultiIndex, Surrogate, Unary};
use crate::plan::{Dynamics, Reference, Report, Sampler, Train};
use crate::source::Span;
use crate::units::{Dimension, Unit};

#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Constants in order, with `--set` applied; all are folded into the expressions already.
    pub constants: Vec<(String, f64)>,
    pub coords: Vec<Coord>,
    /// What is cut out of the box of the coordinates; `None`: all of it.
    pub shape: Option<Shape>,
    /// Neuron models in use.
    pub neurons: Vec<NeuronModel>,
    /// All `network` blocks as one graph.
    pub network: Network,
    pub unknowns: Vec<Unknown>,
    pub functions: Vec<InputFunction>,
    /// Points where residuals want fields beside their own: all coordinates, in terms of the coordinates of the residual's
    /// point.
    pub places: Vec<Vec<Expr>>,
    pub residuals: Vec<Residual>,
    pub exact: Vec<Exact>,
    /// The exact solutions that a file gives on a grid.
    pub reference: Option<Arc<Reference>>,
    pub train: Train,
    pub report: Report,
}

/// A coordinate, `lo < hi`.
#[derive(Debug, Clone, PartialEq)]
pub struct Coord {
    pub name: String,
    pub lo: f64,
    pub hi: f64,
    /// Its two ends are one place.
    pub periodic: bool,
    pub span: Span,
}

/// `where` of a domain: the part of the box in which all of the conditions hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// A truth value in the coordinates.
    pub inside: Expr,
    pub span: Span,
}

/// `curve rim(s in 0 .. 2*pi) = (cos(s), sin(s))`. Along it, column 0 is the parameter and the next are the normal's
/// components.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub name: String,
    pub param: String,
    pub lo: f64,
    pub hi: f64,
    /// The coordinates that it gives; the others are free along it.
    pub coords: Vec<usize>,
    /// One expression in column 0 for each of them.
    pub point: Vec<Expr>,
    /// The outward unit normal, in column 0; empty for more than two coordinates.
    pub normal: Vec<Expr>,
    /// It ends where it began.
    pub closed: bool,
    pub span: Span,
}

/// `unknown nu = 0.1 in 0.001 .. 1`: a scalar that is learned with the weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    pub name: String,
    pub start: f64,
    /// It is kept within these; infinite where the program gives none.
    pub lo: f64,
    pub hi: f64,
    pub span: Span,
}

/// `exact u = value`, in coordinates only; for an unknown, a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact {
    pub of: Quantity,
    pub value: Expr,
    pub span: Span,
}

/// What is learned and can be measured, by its place among its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Field(usize),
    Unknown(usize),
}

// ---- neurons -------------------------------------------------------------------------------------------------------

/// The dynamics of one neuron model. A step does, in this order: integration over `dt`, spike test, reset, refractory
/// bookkeeping. All numbers are held in ms, mV, pA and what follows from them (see [`crate::units`]).
#[derive(Debug, Clone, PartialEq)]
pub struct NeuronModel {
    pub name: String,
    pub params: Vec<NeuronParam>,
    /// What the input is counted in: a network's number is taken in this unit.
    pub input: Unit,
    pub states: Vec<NeuronState>,
    /// How often the flows are integrated within a step, each time over `dt`/substeps.
    pub substeps: u32,
    /// `None`: a graded unit that emits its first state, unless `emit` says otherwise.
    pub spike: Option<Spike>,
    /// State and its new value, carried out in order where the neuron spiked; later ones see earlier ones.
    pub resets: Vec<(usize, Expr)>,
    pub refractory: Option<Refractory>,
    /// What it emits, in states as the spike test saw them, the input and the spike. `None`: its spike.
    pub emit: Option<Expr>,
    /// Its times are quantities, so that `dt` must be one as well.
    pub timed: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NeuronParam {
    pub name: String,
    pub default: f64,
    pub trainable: Option<Trainable>,
    /// Of a plain number in a file without units.
    pub dimension: Dimension,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainable {
    PerLayer,
    PerNeuron,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NeuronState {
    pub name: String,
    /// In parameters only.
    pub init: Expr,
    pub step: StateStep,
    pub dimension: Dimension,
}

/// After a spike: no other one for some time, and these states stay as the reset left them.
#[derive(Debug, Clone, PartialEq)]
pub struct Refractory {
    /// In parameters and `dt`; rounded up to whole steps.
    pub time: Expr,
    pub held: Vec<usize>,
}

/// How a state gets from one step to the next. All states of a neuron step from the same old values.
#[derive(Debug, Clone, PartialEq)]
pub enum StateStep {
    /// No `flow` and no `update`: only a reset changes it.
    Hold,
    /// `update v := EXPR`.
    Update(Expr),
    /// v += dt * rate
    Euler { rate: Expr },
    /// The classical method of Runge and Kutta, all such states of the neuron together; the others and the input are held.
    Rk4 { rate: Expr },
    /// v' = decay v + drive with both held over the step, solved exactly:
    /// v = exp(decay dt) v + (exp(decay dt) - 1)/decay drive, or v + dt drive where decay is 0.
    /// `exact`: decay has only parameters in it; `exponential`: also other states and the input.
    Linear { decay: Expr, drive: Expr },
}

/// Spike when `lhs >= rhs` (or `>` if strict).
#[derive(Debug, Clone, PartialEq)]
pub struct Spike {
    pub lhs: Expr,
    pub rhs: Expr,
    pub strict: bool,
    pub surrogate: Slope,
}

/// The derivative that stands in for that of the spike.
#[derive(Debug, Clone, PartialEq)]
pub enum Slope {
    Named(Surrogate),
    /// The Stein form of the normal density of standard deviation `sigma` by so many samples of the noise, each with both signs.
    Sampled {
        sigma: f64,
        samples: u32,
    },
    /// In [`Var::Over`](crate::check::expr::Var::Over), parameters and `dt`.
    Own(Expr),
}

// ---- networks ------------------------------------------------------------------------------------------------------

pub type NodeId = usize;

/// Networks as one graph; nodes come after the nodes they use in the same step.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// How time goes, one entry for each of the networks that differ in it.
    pub clocks: Vec<Clock>,
    pub nodes: Vec<Node>,
    pub layers: Vec<Layer>,
    pub fields: Vec<Field>,
}

/// How many steps a simulation takes, and how long each of them is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    pub steps: u32,
    pub dt: f64,
}

impl Network {
    pub fn clock(&self, node: NodeId) -> Clock {
        self.clocks[self.nodes[node].clock]
    }
}

/// An output of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    /// The arguments of its network, as indices of the domain's coordinates.
    pub coords: Vec<usize>,
    /// Element `component` of this static node.
    pub node: NodeId,
    pub component: u32,
    /// The `dense` node, and its column (`None`: all of them), whose weights the field is affine in, if there is one: they can
    /// be solved for exactly.
    pub readout: Option<(NodeId, Option<u32>)>,
    pub span: Span,
}

/// A named layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub name: String,
    pub node: NodeId,
    /// The nodes whose parameters belong to this layer.
    pub owned: Vec<NodeId>,
    /// If each of this layer's units gives one feature of some fields' readout and has parameters of its own, the layer can
    /// be grown by pursuit: the node that mixes the previous values into units (`tuned` or `dense`).
    pub pursuit: Option<NodeId>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub op: NodeOp,
    pub kind: Kind,
    /// Index into [`Network::clocks`].
    pub clock: usize,
    pub width: u32,
    /// Prefix of its parameters' names, unique: `h.tuned`, `h.dense2`, `output.dense`.
    pub path: String,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One vector a point.
    Static,
    /// One vector a point and time step.
    Signal,
}

#[derive(Debug, Clone, PartialEq)]
pub enum NodeOp {
    /// Coordinates scaled to [-1, 1] over the domain, or as they are. Static.
    Coords {
        coords: Vec<usize>,
        raw: bool,
    },
    /// The values of an input function at its sensors. Static.
    Sensors(usize),
    /// A scalar expression of the coordinates. Static, width 1.
    Scalar(Expr),
    /// Constant current: the same value in every step. Static to signal.
    Current(NodeId),
    /// A population with tuning curves over `x` (a static node): current j = bias_j + gain_j f_j(w_j . x + phase_j),
    /// f the identity (ramp) or sin. Signal.
    Tuned {
        x: NodeId,
        curve: TuningCurve,
        frozen: bool,
    },
    /// x W + b.
    Dense {
        x: NodeId,
        weight: Init,
        bias: Option<Init>,
        frozen: bool,
    },
    /// gain_j x_j + bias_j.
    Affine {
        x: NodeId,
        frozen: bool,
    },
    /// A population of neurons; one argument a parameter of the model.
    Neuron {
        x: NodeId,
        model: usize,
        args: Vec<f64>,
    },
    /// Applied to each element; on a signal, in each step.
    Unary(Unary, NodeId),
    /// Element by element; a width of 1 is spread over the other's.
    Binary(Binary, NodeId, NodeId),
    /// Exponentially weighted trace of a signal: e = exp(-dt/tau) e + (1 - exp(-dt/tau)) x. Signal to signal.
    Ema {
        x: NodeId,
        tau: f64,
    },
    /// Decoders, signal to static.
    Mean(NodeId),
    Last(NodeId),
    Sum(NodeId),
    /// When each unit first spikes, as a fraction of the simulation; 1 if it never does. Signal to static.
    FirstSpike(NodeId),
    /// The mean over the steps of each unit's signal times the shifted Legendre polynomials 0 .. moments of time: all units'
    /// moment 0, then all units' moment 1, and so on. Signal to static.
    Legendre {
        x: NodeId,
        moments: u32,
    },
    /// Gaussian receptive fields: for each element of x, `fields` currents gain exp(-(x - c)^2/(2 width^2)) with centres c spread
    /// evenly over [-1, 1]. Static to signal.
    Population {
        x: NodeId,
        fields: u32,
        width: f64,
        gain: f64,
    },
    /// For each element of x, `units` units; unit i spikes in step s of T where (i + 1/2)/units + (s + 1/2)/T <= (x + 1)/2: a
    /// triangle in space and time whose legs grow with x. Static to signal.
    Triangular {
        x: NodeId,
        units: u32,
    },
    /// One spike an element, the sooner the larger: in the step nearest to (1 - x)/2 of the way. Static to signal.
    Latency(NodeId),
    /// Spikes with the chance (x + 1)/2 in every step, independent of each other. Static to signal.
    Rate(NodeId),
    /// sin(pi f) and cos(pi f) of frequencies f. Stays static.
    Fourier {
        x: NodeId,
        frequencies: Frequencies,
    },
    /// x W + b + y U, where y is the value of `feedback` one step before, 0 at first. `feedback` may come later, or be this
    /// node itself. Signal to signal.
    Recurrent {
        x: NodeId,
        feedback: NodeId,
        weight: Init,
        recurrent: Init,
        bias: Option<Init>,
        frozen: bool,
    },
    /// A convolution along x, which is `[positions][inputs]`, to `[positions'][channels]`: windows of `width` positions about
    /// every `stride`th, 0 beyond the ends.
    Conv1d {
        x: NodeId,
        inputs: u32,
        channels: u32,
        width: u32,
        stride: u32,
        weight: Init,
        bias: Option<Init>,
        frozen: bool,
    },
    /// A state of a population, at the end of each step. `x` is a neuron node. Signal.
    Membrane {
        x: NodeId,
        state: usize,
    },
    /// Values one after the other.
    Concat(Vec<NodeId>),
    /// A signal `steps` steps before, 0 until then. `x` may come later.
    Delay {
        x: NodeId,
        steps: u32,
    },
    /// The sum over the elements of the products: width 1.
    Dot(NodeId, NodeId),
    /// Element by element, `if lhs op rhs then a else b`; a width of 1 is spread over the others'.
    Select {
        compare: Compare,
        lhs: NodeId,
        rhs: NodeId,
        then: NodeId,
        otherwise: NodeId,
    },
}

/// Frequencies of Fourier features, in waves over [-1, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Frequencies {
    /// `count` directions of the whole vector, normally distributed with this deviation; drawn from the seed, not trained.
    Random { count: u32, scale: f64 },
    /// 1, 2, … `count` of each element.
    Fixed { count: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TuningCurve {
    Ramp,
    Sine,
    /// Half of the units each.
    Mixed,
}

/// How parameters start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    Constant(f64),
    /// Mean 0, this standard deviation.
    Normal(f64),
    Uniform(f64, f64),
    /// The default of `dense`: uniform in +-sqrt(3/inputs) for weights.
    FanIn,
}

// ---- residuals -----------------------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    pub name: String,
    pub place: Place,
    /// The residual is lhs - rhs; derivatives are carried out (no `Deriv` left) unless the method is `Weak`.
    pub lhs: Expr,
    pub rhs: Expr,
    pub method: Method,
    /// Why this method, where the program did not choose it: for `snnc check -v`.
    pub method_reason: Option<String>,
    pub weight: f64,
    /// Collocation points; the checker has filled in the default. Unused for grids, data and weak forms.
    pub points: usize,
    pub sampler: Sampler,
    pub dynamics: Dynamics,
    /// Linear in the fields and their derivatives, and in the unknowns.
    pub linear: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// Collocation points in the open box.
    Interior,
    /// In the closed box.
    Domain,
    /// On hyperplanes where one coordinate has a fixed value.
    Faces(Vec<Face>),
    /// Along a named curve.
    Curve(Curve),
    /// A tensor grid, points a coordinate, both ends included.
    Grid(Vec<usize>),
    Data(Data),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    pub coord: usize,
    pub value: f64,
    pub side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Lo,
    Hi,
    /// Neither end of the domain.
    Inside,
}

/// A table from a CSV file: every coordinate is a column, the others are values.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    pub path: String,
    pub columns: Vec<String>,
    /// `rows[i][j]` is column j of row i; all finite.
    pub rows: Vec<Vec<f64>>,
    /// For each coordinate of the domain, its column.
    pub coords: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// No derivative of the field: its value is compared.
    Value,
    /// Exact derivatives through a smooth network.
    Jet,
    /// Central differences of the network's real output, of step `h` as a fraction of each coordinate's extent.
    Stencil { h: f64 },
    /// Derivatives of the output smoothed by a Gaussian whose width is `sigma` times each coordinate's extent.
    Smoothing { sigma: f64 },
    /// Integrated against test functions.
    Weak(WeakForm),
    /// A condition that has entered the weak form of another residual (its index): trained through that one, and measured
    /// on points of its own by `fallback`.
    Absorbed { by: usize, fallback: Box<Method> },
}

/// A residual integrated against test functions psi, all derivatives of the field moved onto psi:
///
/// R(psi) = sum_volume ∫ coef D^test psi  g(x, u) dx  +  sum_boundary ∫_face coef D^test psi dS  =  0
///
/// where the volume terms include the right-hand side (with `integrand` `One`), and the boundary terms hold the data that
/// the conditions give. Test functions are tensor products of splines whose derivatives named in `vanish` are zero at the
/// ends, so that boundary terms without data drop out.
#[derive(Debug, Clone, PartialEq)]
pub struct WeakForm {
    /// Test functions a coordinate, before the constraints; `None`: the trainer's default.
    pub tests: Option<usize>,
    pub volume: Vec<VolumeTerm>,
    pub boundary: Vec<BoundaryTerm>,
    /// For each coordinate, the orders of psi's derivatives that must vanish at its low and high end.
    pub vanish: Vec<[Vec<u8>; 2]>,
    /// Combinations of psi's derivatives that must vanish at an end, where a mixed condition is natural.
    pub ties: Vec<Tie>,
    /// Residuals (by index) that entered as natural terms.
    pub absorbed: Vec<usize>,
    /// Boundary data that the form could have used and no condition gives, in words: `d(u, x) on x = 1`.
    pub lacking: Vec<String>,
}

/// The sum of `factor` times psi's derivative of `order` along the coordinate is zero at its low or high end. A mixed condition
/// d(u, x) = g - a u asks this of psi in place of psi' = 0: what multiplies the unknown u there is psi' + a psi.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    pub coord: usize,
    pub high: bool,
    /// (order, factor), at least two.
    pub parts: Vec<(u8, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VolumeTerm {
    /// In coordinates only; sign and the derivatives of variable coefficients included.
    pub coef: Expr,
    pub test: MultiIndex,
    pub integrand: Integrand,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Integrand {
    /// A field itself.
    Field(usize),
    /// No field: part of the right-hand side.
    One,
    /// A function of the coordinates, the values of fields and unknowns, with its derivative with respect to each of them.
    Function { value: Expr, slopes: Vec<(Atom, Expr)> },
}

/// ∫ over the face coord = lo (or hi) of `coef D^test psi`, where `coef` already holds the data and the sign.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundaryTerm {
    pub coord: usize,
    pub high: bool,
    pub coef: Expr,
    pub test: MultiIndex,
}
