//! What a program asks the trainer and the report to do, as plain data.
//!
//! The checker fills these in, the trainer and the report follow them; they know nothing of either. Names refer to the
//! network's layers and fields, which the checker has made sure exist.

pub mod simulation;

/// A number that may change over a phase: `0.01 -> 0.001 cosine`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    pub from: f64,
    pub to: f64,
    pub shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Linear,
    Exponential,
    Cosine,
}

impl Schedule {
    pub fn constant(value: f64) -> Schedule {
        Schedule { from: value, to: value, shape: Shape::Linear }
    }

    /// The value at `progress` in 0 ..= 1 of the phase. Both ends are met exactly.
    pub fn at(&self, progress: f64) -> f64 {
        let (a, b, p) = (self.from, self.to, progress.clamp(0.0, 1.0));
        if p == 0.0 || a == b {
            return a;
        }
        if p == 1.0 {
            return b;
        }
        match self.shape {
            Shape::Linear => a + (b - a) * p,
            Shape::Exponential => a * libm::pow(b / a, p),
            Shape::Cosine => b + (a - b) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * p)),
        }
    }
}

/// What kernels compute in, and what weights are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    #[default]
    F32,
    F64,
}

impl Precision {
    /// As the program writes it.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    }

    /// The nearest number of that precision.
    pub fn round(self, x: f64) -> f64 {
        match self {
            Precision::F32 => f64::from(x as f32),
            Precision::F64 => x,
        }
    }
}

/// The whole training schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Train {
    pub seed: u64,
    pub precision: Precision,
    pub phases: Vec<Phase>,
    /// True when the program has no phases and these are the default.
    pub is_default: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    pub name: String,
    pub method: Method,
    pub stop: StopWhen,
}

/// What ends a phase before its last step or round.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StopWhen {
    /// `stop when l2 < 1e-3`: a metric of the report, an unknown, or `loss`.
    pub reached: Option<Expect>,
    /// `stop when stalled 200`: so many steps or rounds without a better training loss.
    pub stalled: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// `perturb neurons(LAYER) … update pursuit(…) rounds r`.
    Pursuit(Pursuit),
    /// `perturb gaussian | rademacher | … estimate … update sgd | adam | …`.
    Gradient(Gradient),
    /// A phase that only says `solve readout`.
    Readout { ridge: Option<f64> },
}

/// Orthogonal matching pursuit over perturbed neurons.
#[derive(Debug, Clone, PartialEq)]
pub struct Pursuit {
    pub layer: String,
    /// Candidates drawn afresh in the first round.
    pub pool: usize,
    /// Relative size of the perturbation of the neurons in use, from the second round on.
    pub mutate: f64,
    /// Penalty of the exact readout, relative to the mean squared response. `None`: the trainer's default.
    pub ridge: Option<f64>,
    /// Rounds after the first selection.
    pub rounds: usize,
}

/// Randomised gradient estimation: Wan, Zhang, Karniadakis, arXiv 2411.07057.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    pub distribution: Distribution,
    /// Size of the perturbation; always present for [`Estimate::Difference`].
    pub sigma: Option<Schedule>,
    pub directions: Directions,
    pub scope: Scope,
    pub antithetic: bool,
    pub estimate: Estimate,
    pub update: Update,
    pub steps: usize,
    /// `solve readout every n`, with its penalty.
    pub solve_readout: Option<SolveReadout>,
    /// `clip 1`: the longest gradient that is followed as it is; longer ones are shortened to it.
    pub clip: Option<f64>,
    /// `average 0.99`: what the average of the weights keeps of itself from step to step.
    pub average: Option<f64>,
    /// `batch 128`: collocation points of each residual that one step looks at.
    pub batch: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SolveReadout {
    pub every: usize,
    pub ridge: Option<f64>,
}

/// Directions a step and group: `directions 16`, or `directions 4 .. 64` by the measured noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directions {
    pub least: usize,
    pub most: usize,
}

impl Directions {
    pub fn constant(count: usize) -> Directions {
        Directions { least: count, most: count }
    }

    pub fn is_constant(self) -> bool {
        self.least == self.most
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    Gaussian,
    Rademacher,
    /// Uniform on the sphere of radius sqrt(n), n the weights perturbed together.
    Sphere,
    /// As `Sphere`, and the directions of a step at right angles to each other, n at a time.
    Orthogonal,
    /// For matrices A Bᵀ / sqrt(r), r columns each in A and B, all components normal; otherwise as `Gaussian`.
    Rank(u32),
    /// sqrt(n) along one weight; those of a step are different, n at a time.
    Coordinate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One direction over all parameters.
    Global,
    /// Every layer is perturbed alone, `directions` times.
    Layer,
    /// Only these layers, each alone.
    Layers(Vec<String>),
    /// Every neuron is perturbed alone, in the weights that lead to it, `directions` times.
    Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimate {
    /// Run the perturbed network, observe the change.
    Difference,
    /// Exact directional derivative with the surrogate (forward mode).
    Forward,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Update {
    Sgd {
        rate: Schedule,
    },
    /// Polyak's heavy ball, or Nesterov's variant.
    Momentum {
        rate: Schedule,
        beta: f64,
        nesterov: bool,
    },
    /// Gauss and Newton's method in the span of the directions and of the last steps, as many as `columns` says. `damping: None`:
    /// chosen by cross-validation.
    GaussNewton {
        rate: Schedule,
        damping: Option<f64>,
        columns: usize,
    },
    /// Kingma and Ba, arXiv 1412.6980.
    Adam {
        rate: Schedule,
        beta1: f64,
        beta2: f64,
        epsilon: f64,
    },
}

/// How collocation points are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    Uniform,
    Latin,
    Sobol,
    Halton,
    Grid,
    /// Sobol points at first, then points drawn by the size of the residual.
    Adaptive,
}

/// What of a residual changes while the network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dynamics {
    /// `weight auto`: the weight is found at the start of every phase.
    pub balanced: bool,
    /// `resample 100`: new collocation points after so many steps or rounds.
    pub resample: Option<usize>,
    pub causal: Option<Causal>,
}

/// Adaptive points are drawn anew after so many steps, unless `resample` says; in a pursuit, after every round.
pub const ADAPT_STEPS: usize = 100;

/// `causal(eps = 1)`: a time counts once what comes before it is solved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Causal {
    /// The coordinate that is time.
    pub coord: usize,
    pub eps: f64,
}

/// What to measure and show after training.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    pub metrics: Vec<Metric>,
    pub expects: Vec<Expect>,
    pub plots: Vec<Plot>,
    /// File name of the NPZ, inside the run's folder.
    pub save: Option<String>,
}

/// Solutions that are known on the tensor grid of a file: `exact u from "ref.npz"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    pub path: String,
    /// The places of each coordinate, ascending.
    pub axes: Vec<Vec<f64>>,
    /// Fields by their place, and their values, the last coordinate fastest.
    pub fields: Vec<(usize, Vec<f64>)>,
}

impl Reference {
    pub fn of(&self, field: usize) -> Option<&Vec<f64>> {
        self.fields.iter().find(|(f, _)| *f == field).map(|(_, values)| values)
    }

    /// Points of each coordinate.
    pub fn counts(&self) -> Vec<usize> {
        self.axes.iter().map(Vec::len).collect()
    }
}

/// `metric l2 = relative_l2(u) on grid(x = 101, t = 101)`: against the exact solution; `residual(heat)`: what is left of an
/// equation.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub name: String,
    pub kind: MetricKind,
    /// The residual's name for [`MetricKind::Residual`].
    pub field: String,
    /// Points a coordinate, in the domain's order, both ends included.
    pub grid: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// sqrt(sum (u - exact)^2 / sum exact^2)
    RelativeL2,
    /// sqrt(mean (u - exact)^2)
    Rmse,
    /// mean |u - exact|
    MeanAbsolute,
    /// max |u - exact|
    MaxError,
    /// sqrt(mean r^2) over the rows of a residual at points that training has not seen; the exact value is 0.
    Residual,
}

impl MetricKind {
    /// The measure of `field - exact`, which have the same length, summed in index order. A NaN gives a NaN. With nothing to
    /// divide by (an exact solution that is zero on every point), the relative error is infinite unless the field is zero as
    /// well.
    pub fn measure(self, field: &[f64], exact: &[f64]) -> f64 {
        let n = field.len() as f64;
        let pairs = || field.iter().zip(exact);
        let squares: f64 = pairs().map(|(u, e)| (u - e) * (u - e)).sum();
        match self {
            MetricKind::RelativeL2 => {
                let norm: f64 = exact.iter().map(|e| e * e).sum();
                if norm == 0.0 && squares == 0.0 { 0.0 } else { (squares / norm).sqrt() }
            }
            MetricKind::Rmse | MetricKind::Residual => (squares / n).sqrt(),
            MetricKind::MeanAbsolute => pairs().map(|(u, e)| (u - e).abs()).sum::<f64>() / n,
            MetricKind::MaxError => {
                pairs().map(|(u, e)| (u - e).abs()).fold(0.0, |m, d| if d > m || d.is_nan() { d } else { m })
            }
        }
    }
}

/// `expect l2 < 0.01`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    pub metric: String,
    pub comparison: Comparison,
    pub bound: f64,
    /// As written, for the report: `l2 < 0.01`.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    /// False whenever either side is NaN.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Comparison::Less => value < bound,
            Comparison::LessEqual => value <= bound,
            Comparison::Greater => value > bound,
            Comparison::GreaterEqual => value >= bound,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plot {
    /// Heat map over two coordinates, or a curve over one.
    Field(PlotField),
    Loss,
    /// Spike raster of a layer.
    Raster(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlotField {
    Solution(String),
    Exact(String),
    Error(String),
}
