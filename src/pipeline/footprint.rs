//! How much memory a program will take, before any of it is taken: so that a program that cannot run is refused in words and at
//! once, and is not ended by the system an hour later, or with it the machine.
//!
//! ```text
//! widths, points, candidates, tests, grids   ->   parts: parameters 12 MB, candidates 3.1 GB, …   ->   refused over --max-memory
//! ```
//! Everything that grows with a number in the program is counted, from the lowered problem alone: nothing is drawn and no array
//! made. Counts are in `f64`, so that no product overflows. It is meant to be too high rather than too low, by a factor of
//! about two (`tests/memory.rs` compares it with what processes really take), and it never falls where a number in the program
//! rises.

use crate::exec::kernel::{DIRECTIONS, TILE};
use crate::ir::op::Op;
use crate::ir::problem::{Derivatives, Integrand, Place, Pointwise, Problem, Residual, Rows, Weak};
use crate::ir::program::{Program, Region};
use crate::ir::simulation::Simulation;
use crate::ir::verify::{MAX_LEN, MAX_TILE};
use crate::plan::simulation::{Given, Pattern};
use crate::plan::{Distribution, Estimate, Method, Plot, Precision, Sampler, Scope, Update};
use crate::train::grow::MUTANTS;
use crate::train::weak::{field_points, tests_of};

/// Instructions of all programs that are compiled at the most: some seconds of code generation.
pub const MOST_INSTRUCTIONS: f64 = 100_000.0;

/// Numbers in a buffer of a program at the most.
pub const MOST_NUMBERS: f64 = MAX_LEN as f64;

/// What a process takes before it has anything to do.
const BASE: f64 = 48e6;
/// Of code generation and machine code, for an instruction.
const INSTRUCTION: f64 = 6e3;
/// A number in double precision.
const DOUBLE: f64 = 8.0;
/// Weight vectors that are run in one go, see `train::observe`.
const BATCH: f64 = 32.0;
/// Numbers of candidates' features that are kept, see `train::grow`.
const KEPT: f64 = (1u64 << 27) as f64;
/// Sets of input functions that a metric is taken over, see `train::measure`.
const SETS: f64 = 100.0;

/// A part of the memory, and what makes it smaller.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// `the candidates of the phase grow`
    pub what: String,
    pub bytes: f64,
    /// A clause: `a smaller pool, fewer units, points or test functions make it smaller`.
    pub smaller: &'static str,
}

/// What a run of a program takes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Footprint {
    parts: Vec<Part>,
    /// Of phases and of the report, which follow each other, so that the largest counts.
    turns: Vec<Part>,
    /// Instructions of all programs that are compiled, before they are simplified.
    pub instructions: f64,
    /// Numbers in the largest buffer of a program, at most [`MAX_LEN`] of which can be compiled.
    pub numbers: f64,
}

impl Footprint {
    fn add(&mut self, what: impl Into<String>, bytes: f64, smaller: &'static str) {
        self.parts.push(Part { what: what.into(), bytes, smaller });
    }

    fn turn(&mut self, what: impl Into<String>, bytes: f64, smaller: &'static str) {
        self.turns.push(Part { what: what.into(), bytes, smaller });
    }

    /// Whether it is small enough for code to be made of it.
    pub fn is_compilable(&self) -> bool {
        self.instructions <= MOST_INSTRUCTIONS && self.numbers <= MOST_NUMBERS
    }

    /// Bytes in all.
    pub fn total(&self) -> f64 {
        self.parts.iter().map(|p| p.bytes).sum::<f64>() + self.turns.iter().fold(0.0, |m, p| p.bytes.max(m))
    }

    /// The parts that add up to the total, the largest first.
    pub fn parts(&self) -> Vec<Part> {
        let turn = self.turns.iter().max_by(|a, b| a.bytes.total_cmp(&b.bytes));
        let mut all: Vec<Part> = self.parts.iter().chain(turn).cloned().collect();
        all.sort_by(|a, b| b.bytes.total_cmp(&a.bytes));
        all
    }
}

/// What a residual is observed at.
#[derive(Default, Clone, Copy)]
struct Sight {
    rows: f64,
    /// Points that the network is run at.
    points: f64,
    /// Values that are observed there.
    observed: f64,
    /// Bytes of what is kept of it beside points and observed values.
    bytes: f64,
}

impl std::ops::Add for Sight {
    type Output = Sight;

    fn add(self, other: Sight) -> Sight {
        Sight {
            rows: self.rows + other.rows,
            points: self.points + other.points,
            observed: self.observed + other.observed,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// The numbers that everything else follows from.
struct Sizes<'a> {
    problem: &'a Problem,
    threads: f64,
    /// Bytes of a number of the kernels.
    real: f64,
    params: f64,
    /// Of a point: numbers in, and out.
    inputs: f64,
    outputs: f64,
    /// Readout features of all fields, and their biases.
    features: f64,
}

/// What training a problem takes, on so many threads.
pub fn training(problem: &Problem, threads: usize) -> Footprint {
    let sizes = Sizes::new(problem, threads);
    let mut f = sizes.kernels();
    let sight = sizes.system(0);
    f.add(
        "the collocation points and test functions",
        sight.bytes + sizes.values(sight) + sizes.lookalikes(),
        "fewer points, a coarser grid or fewer test functions make it smaller",
    );
    for phase in &problem.train.phases {
        let name = format!("the phase `{}`", phase.name);
        match &phase.method {
            Method::Pursuit(p) => {
                let Some(layer) = problem.network.layers.iter().find(|l| l.name == p.layer) else { continue };
                f.turn(
                    format!("the candidates of {name}"),
                    sizes.pursuit(sight, layer, p.pool) + sizes.readout(sight, 3.0),
                    "a smaller pool, fewer units, points or test functions make it smaller",
                );
            }
            Method::Gradient(g) => {
                let solved = if g.solve_readout.is_some() { sizes.readout(sight, 1.0) } else { 0.0 };
                f.turn(
                    format!("the directions of {name}"),
                    sizes.gradient(sight, g) + solved,
                    "fewer directions, weights or points make it smaller",
                );
            }
            Method::Readout { .. } => {
                f.turn(
                    format!("the readout of {name}"),
                    sizes.readout(sight, 1.0),
                    "fewer units, points or test functions make it smaller",
                );
            }
        }
    }
    sizes.report(&mut f);
    f
}

/// What measuring or asking a trained network takes, at so many points besides those of its report.
pub fn asking(problem: &Problem, threads: usize, points: f64) -> Footprint {
    let sizes = Sizes::new(problem, threads);
    let mut f = sizes.kernels();
    f.add("the points that are asked for", sizes.grid(points, 1.0), "fewer points make it smaller");
    sizes.report(&mut f);
    f
}

impl<'a> Sizes<'a> {
    fn new(problem: &'a Problem, threads: usize) -> Sizes<'a> {
        let network = &problem.network;
        let sensors: usize = problem.functions.iter().map(|f| f.shapes.len()).sum();
        let features = network.readouts.iter().map(|r| f64::from(r.features) + 1.0).sum();
        Sizes {
            problem,
            threads: threads as f64,
            real: if problem.train.precision == Precision::F32 { 4.0 } else { 8.0 },
            params: network.primal.params.iter().map(|p| p.len() as f64).sum(),
            inputs: (problem.coords.len() + sensors) as f64,
            outputs: network.primal.output_len() as f64,
            features,
        }
    }

    /// Parameters, code, scratch space: what every command needs that runs the network.
    fn kernels(&self) -> Footprint {
        let mut f = Footprint::default();
        f.add("the program itself", BASE, "nothing makes it smaller");
        let shapes: f64 = self.problem.functions.iter().map(|f| (f.shapes.len() * f.coefficients) as f64).sum();
        // The vector itself, the best so far, what is written into files, and copies on the way.
        let held = 12.0 * self.params * DOUBLE + 2.0 * shapes * DOUBLE;
        f.add("the weights", held, "narrower layers make it smaller");
        let network = &self.problem.network;
        let jets = self.jets();
        let lanes = self.lanes();
        let programs = [&network.primal, &network.probe].into_iter().chain(&network.features);
        let units = network.layers.iter().filter_map(|l| l.pursuit.as_ref());
        let programs: Vec<&Program> = programs.chain(units.map(|u| &u.pool)).collect();
        let count: f64 = programs.iter().map(|p| p.insts().count() as f64).sum();
        f.instructions = count * jets * if lanes > 0.0 { 3.0 } else { 1.0 };
        f.add(
            "code generation",
            f.instructions * INSTRUCTION,
            "fewer layers and derivatives of lower order make it smaller",
        );
        f.numbers = programs.iter().map(|p| largest_buffer(p, jets, lanes)).fold(0.0, f64::max);
        let scratch = programs.iter().map(|p| scratch(p, jets, lanes)).fold(0.0, f64::max);
        let tables: f64 = programs.iter().flat_map(|p| &p.tables).map(|t| t.values.len() as f64).sum();
        f.add(
            "the neurons' states",
            scratch * self.real * self.threads + tables * (DOUBLE + self.real),
            "narrower layers, fewer steps or fewer threads make it smaller",
        );
        f
    }

    /// How many instructions become of one in the program with the largest set of derivatives, and that for all sets.
    fn jets(&self) -> f64 {
        let of = |p: &Pointwise| -> f64 {
            if p.by != Derivatives::Jet {
                return 0.0;
            }
            let terms = |n: u8| f64::from(n + 1) * f64::from(n + 2) / 2.0;
            p.atoms.iter().map(|a| a.alpha.0.iter().map(|n| terms(*n)).product::<f64>()).sum()
        };
        let all = self.problem.residuals.iter().map(|r| match &r.rows {
            Rows::Pointwise(p) | Rows::Absorbed { measure: p, .. } => of(p),
            Rows::Weak(_) => 0.0,
        });
        1.0 + all.sum::<f64>()
    }

    /// Directions that tangents are taken along together; 0 if none are.
    fn lanes(&self) -> f64 {
        let forward = self.problem.train.phases.iter().any(|p| match &p.method {
            Method::Gradient(g) => g.estimate == Estimate::Forward,
            _ => false,
        });
        if forward { DIRECTIONS as f64 } else { 0.0 }
    }

    /// Everything that is trained on. `shift` test functions more a coordinate than the program says, in eighths.
    fn system(&self, shift: usize) -> Sight {
        self.problem.residuals.iter().map(|r| self.residual(r, shift)).fold(Sight::default(), |a, b| a + b)
    }

    fn residual(&self, r: &Residual, shift: usize) -> Sight {
        match &r.rows {
            Rows::Pointwise(p) | Rows::Absorbed { measure: p, .. } => self.pointwise(r, p),
            Rows::Weak(w) => self.weak(w, shift),
        }
    }

    fn pointwise(&self, r: &Residual, p: &Pointwise) -> Sight {
        let d = self.problem.coords.len();
        let on = |free: usize| match r.sampler {
            // As large as the smallest grid with enough points.
            Sampler::Grid if free > 0 => {
                let side = (1..).find(|s: &usize| s.checked_pow(free as u32).is_none_or(|n| n >= r.points));
                (side.unwrap_or(1) as f64).powi(free as i32)
            }
            _ => r.points as f64,
        };
        let rows = match &r.place {
            Place::Interior | Place::Domain => on(d),
            Place::Faces(faces) => faces.len() as f64 * on(d.saturating_sub(1)),
            Place::Curve(_) => on(d),
            Place::Grid(counts) => counts.iter().map(|n| *n as f64).product(),
            Place::Data { points, .. } => points.len() as f64,
        };
        let columns = match &r.place {
            Place::Data { columns, .. } => columns.first().map_or(0, Vec::len) as f64,
            _ => 1.0 + d as f64,
        };
        let nodes = |order: u8| match p.by {
            Derivatives::Stencil { .. } => 2.0 * f64::from(order.div_ceil(2)) + 2.0,
            Derivatives::Smoothing { .. } => f64::from(order + 3).max(5.0),
            Derivatives::None | Derivatives::Jet => 1.0,
        };
        let moved = p.places.iter().any(Option::is_some);
        let is_stencil = moved || matches!(p.by, Derivatives::Stencil { .. } | Derivatives::Smoothing { .. });
        let per_atom = |a: &crate::ir::problem::Atom| {
            a.alpha.0.iter().map(|n| if *n > 0 { nodes(*n) } else { 1.0 }).product::<f64>()
        };
        let terms: f64 = p.atoms.iter().map(per_atom).sum();
        let points = rows * if is_stencil { terms.max(1.0) } else { 1.0 };
        let atoms = p.atoms.len() as f64;
        let coefficients: f64 = self.problem.functions.iter().map(|f| f.coefficients as f64).sum();
        let drawn = if self.problem.shape.is_some() { 2.0 } else { 1.0 };
        let kept = drawn * 4.0 * d as f64 + columns + coefficients + 6.0 * atoms;
        let bytes =
            rows * kept * DOUBLE + if is_stencil { rows * terms * (16.0 + 2.0 * d as f64 * DOUBLE) } else { 0.0 };
        Sight { rows, points, observed: points * atoms.max(1.0), bytes }
    }

    fn weak(&self, w: &Weak, shift: usize) -> Sight {
        let d = self.problem.coords.len();
        let tests = tests_of(w, &self.problem.coords);
        let tests = tests + shift * tests / 8 + shift;
        let order = |k: usize| w.volume.iter().map(|t| t.test.0[k]).chain(w.boundary.iter().map(|t| t.test.0[k])).max();
        let degrees: Vec<f64> = (0..d).map(|k| f64::from(order(k).unwrap_or(0) + 1).max(3.0)).collect();
        let spans = tests.max(4) as f64;
        let points: f64 =
            degrees.iter().map(|degree| spans * field_points(d, tests.max(4), *degree as usize) as f64).product();
        let over: f64 = degrees.iter().map(|degree| degree + 1.0).product();
        let rows = spans.powi(d as i32);
        let nonlinear = w.volume.iter().filter(|t| matches!(t.integrand, Integrand::Function(_))).count() as f64;
        let fields = w.fields.len() as f64;
        let entries = points * over * (4.0 + DOUBLE * (1.0 + 2.0 * fields + nonlinear));
        // Rows of the factor reach over the functions of neighbouring spans, or over all of them.
        let lead = self.problem.coords.iter().position(|c| !c.periodic);
        let band = lead.map_or(rows, |k| (rows / spans * (2.0 * degrees[k] + 2.0)).min(rows));
        let factor = 3.0 * rows * band * DOUBLE;
        let bytes = points * (2.0 * d as f64 + 2.0 + 4.0 * fields) * DOUBLE + entries + factor;
        Sight { rows, points, observed: points * fields, bytes }
    }

    /// Inputs at the points of a system and what comes out of one run there.
    fn values(&self, sight: Sight) -> f64 {
        let own = self.inputs * (2.0 * DOUBLE + self.real) + self.outputs * self.real;
        sight.points * own + sight.observed * 6.0 * DOUBLE + sight.rows * 8.0 * DOUBLE
    }

    /// The residuals once more at fresh points, and where a pursuit holds rows back, at those.
    fn lookalikes(&self) -> f64 {
        let fresh = self.system(1);
        let held = self.problem.train.phases.iter().any(|p| matches!(p.method, Method::Pursuit(_)));
        (fresh.bytes + self.values(fresh)) * if held { 2.0 } else { 1.0 }
    }

    /// The features of the network in all rows, so many times, and the least-squares problem in them.
    fn readout(&self, sight: Sight, times: f64) -> f64 {
        let seen = sight.observed * self.features * self.real + sight.points * self.features * self.real;
        let rows = sight.rows * self.features * DOUBLE;
        times * seen + (3.0 + times) * rows + 4.0 * self.features * self.features * DOUBLE
    }

    fn pursuit(&self, sight: Sight, layer: &crate::ir::problem::Layer, pool: usize) -> f64 {
        let Some(units) = &layer.pursuit else { return 0.0 };
        let (n, pool) = (f64::from(layer.units), pool as f64);
        let candidates = (n + pool).max(n * (1.0 + MUTANTS as f64) + 0.5 * pool);
        let feeds = units.feeds.len().max(1) as f64;
        let columns = sight.rows * candidates * feeds * 4.0;
        let kept = (sight.observed * candidates).min(KEPT) * self.real;
        let block = f64::from(units.block);
        let simulated = sight.points * units.pool.output_len() as f64 * self.real;
        let blocks = simulated + sight.observed * block * self.real + 2.0 * sight.rows * block * feeds * DOUBLE;
        let basis = 3.0 * sight.rows * n * feeds * (DOUBLE + 4.0);
        let per_unit: f64 = units.params.iter().map(|u| f64::from(units.pool.params[u.param.0 as usize].rows)).sum();
        let drawn = 3.0 * candidates * per_unit * DOUBLE;
        columns + kept + blocks + basis + drawn
    }

    fn gradient(&self, sight: Sight, g: &crate::plan::Gradient) -> f64 {
        let network = &self.problem.network;
        let groups = match &g.scope {
            Scope::Global => 1.0,
            Scope::Layer => network.layers.len() as f64,
            Scope::Layers(some) => some.len() as f64,
            Scope::Node => network.layers.iter().map(|l| f64::from(l.units)).sum(),
        };
        let k = g.directions.most as f64;
        let together = match g.distribution {
            Distribution::Orthogonal | Distribution::Coordinate => k,
            _ => 2.0 * DIRECTIONS as f64,
        };
        let own = sight.points * self.outputs * self.real + sight.observed * 2.0 * DOUBLE + sight.rows * DOUBLE;
        let runs = match g.estimate {
            Estimate::Difference => BATCH * (self.params * (2.0 * DOUBLE + 2.0 * self.real) + own),
            Estimate::Forward => DIRECTIONS as f64 * (self.params * (2.0 * DOUBLE + 2.0 * self.real) + own),
        };
        let (vectors, solved) = match g.update {
            Update::GaussNewton { columns, .. } => {
                let all = k * groups + columns as f64;
                let weights = k * self.params + 2.0 * columns as f64 * self.params;
                (weights, 4.0 * sight.rows * all * DOUBLE + 4.0 * all * all * DOUBLE)
            }
            _ => (0.0, 0.0),
        };
        // Each group keeps the places of its weights.
        let held = (vectors + (together + 16.0) * self.params) * DOUBLE + groups * 128.0 + self.params * 8.0;
        held + runs + solved
    }

    /// A grid, and what is computed on it for so many sets of input functions.
    fn grid(&self, points: f64, sets: f64) -> f64 {
        let d = self.problem.coords.len() as f64;
        let fields = self.problem.network.fields.len() as f64;
        let run = self.inputs * (2.0 * DOUBLE + self.real) + self.outputs * self.real + fields * DOUBLE;
        points * (2.0 * d * DOUBLE + sets * (run + 2.0 * DOUBLE))
    }

    fn report(&self, f: &mut Footprint) {
        let d = self.problem.coords.len().max(1);
        let product = |counts: &[usize]| counts.iter().map(|n| *n as f64).product::<f64>();
        let sets = if self.problem.functions.is_empty() { 1.0 } else { SETS };
        let metrics = self.problem.report.metrics.iter().filter(|m| !m.grid.is_empty());
        for m in metrics {
            f.turn(
                format!("the grid of the metric `{}`", m.name),
                self.grid(product(&m.grid), sets),
                "a coarser grid makes it smaller",
            );
        }
        let usual = match (&self.problem.reference, self.problem.report.metrics.iter().find(|m| !m.grid.is_empty())) {
            (Some(r), _) => product(&r.counts()),
            (None, Some(m)) => product(&m.grid),
            // As `cli::gather` takes it.
            (None, None) => [501.0, 10_201.0, 68_921.0, 14_641.0].get(d - 1).copied().unwrap_or(2e6),
        };
        let fields = self.problem.network.fields.len() as f64;
        // Solution, exact solution and error of each field, as numbers, pictures and bytes of files.
        let shown = usual * fields * 12.0 * DOUBLE;
        f.turn("the report", self.grid(usual, 1.0) + shown, "a coarser grid of the first metric makes it smaller");
        if self.problem.report.plots.iter().any(|p| matches!(p, Plot::Raster(_))) {
            let traced = traced(&self.problem.network.probe);
            f.turn("the raster", traced * (self.real + 6.0 * DOUBLE), "fewer steps or units make it smaller");
        }
    }
}

/// As `ir::verify` reckons it.
fn largest_buffer(program: &Program, jets: f64, lanes: f64) -> f64 {
    let params: f64 = program.params.iter().map(|p| p.len() as f64).sum();
    let values: f64 = program.insts().map(|i| f64::from(i.ty.width)).sum::<f64>()
        + program.states.iter().map(|s| f64::from(s.ty.width)).sum::<f64>();
    let traces = MAX_TILE as f64 * traced(program);
    (params * lanes.max(1.0)).max(values * 2.0 * MAX_TILE as f64 * jets * (1.0 + lanes)).max(traces)
}

/// Numbers that a program records of a point.
fn traced(program: &Program) -> f64 {
    let of = |t: &crate::ir::program::Output| -> f64 {
        let steps = match program.home(t.value) {
            Some(Region::Step(pass)) => program.passes[pass as usize].steps,
            _ => 1,
        };
        program.find(t.value).map_or(0.0, |i| f64::from(i.ty.width)) * f64::from(steps)
    };
    program.traces.iter().map(of).sum()
}

/// Numbers of scratch space of a thread: every value of every point of a tile, and of tangents those of all steps.
fn scratch(program: &Program, jets: f64, lanes: f64) -> f64 {
    let padded = |width: u32| f64::from(width.next_multiple_of(8));
    let of = |region: &[crate::ir::program::Inst]| -> f64 {
        // Element-wise values stay in registers but for those that a product or the next step reads.
        let stored = |op: &Op| !matches!(op, Op::Const(_) | Op::Param(_) | Op::Table(_));
        region.iter().filter(|i| stored(&i.op)).map(|i| padded(i.ty.width)).sum()
    };
    let states: f64 = program.states.iter().map(|s| padded(s.ty.width)).sum();
    let mut all = of(&program.init) + 2.0 * states;
    for pass in &program.passes {
        let kept = if lanes > 0.0 { f64::from(pass.steps) * spikes(&pass.step) } else { 0.0 };
        all += of(&pass.step) + of(&pass.finish) + kept;
    }
    TILE as f64 * all * jets.min(16.0) * (1.0 + lanes) / if lanes > 0.0 { 2.0 } else { 1.0 }
}

/// Numbers that a step keeps for tangents: spikes and their slopes.
fn spikes(step: &[crate::ir::program::Inst]) -> f64 {
    let is_spike = |op: &Op| matches!(op, Op::Spike { .. });
    2.0 * step.iter().filter(|i| is_spike(&i.op)).map(|i| f64::from(i.ty.width)).sum::<f64>()
}

/// What a simulation takes before its first step; spikes come on top, and are counted while it runs.
pub fn simulation(sim: &Simulation) -> Footprint {
    let mut f = Footprint::default();
    f.add("the program itself", BASE, "nothing makes it smaller");
    let programs = sim.populations.iter().flat_map(|p| [&p.start, &p.step]);
    let programs = programs.chain(sim.connections.iter().flat_map(|c| [&c.weight, &c.delay]));
    f.instructions = programs.map(|p| p.insts().count() as f64).sum();
    f.add("code generation", f.instructions * INSTRUCTION, "simpler neurons make it smaller");
    let mut units = 0.0;
    for p in &sim.populations {
        let size = f64::from(p.size.max(p.chunk));
        // Inputs and outputs of the kernel, scratch space of every tile of chunks, and values while they are drawn.
        let states = p.states as f64;
        let scratch = p.step.insts().filter(|i| i.ty.width > 1).count() as f64;
        units += size * 4.0 * (2.0 * states + p.given.len() as f64 + 4.0 + scratch + 4.0);
    }
    f.add("the populations", units, "smaller populations make it smaller");
    let mut synapses = 0.0;
    for c in &sim.connections {
        let (from, to) = (f64::from(sim.populations[c.from].size), f64::from(sim.populations[c.to].size));
        let n = match c.pattern {
            Pattern::OneToOne => from,
            Pattern::Probability(p) => p * from * to,
            Pattern::InDegree(n) => f64::from(n) * to,
        };
        let drawn = c.given.iter().filter(|g| matches!(g, Given::Draw(_))).count() as f64;
        let each = |p: &Program| if varies(p) { 12.0 } else { 0.0 };
        synapses += from * 48.0 + n * (12.0 + drawn * DOUBLE + 2.0 * (each(&c.weight) + each(&c.delay)));
    }
    f.add("the synapses", synapses, "fewer or smaller connections make it smaller");
    let rings: f64 = sim
        .channels
        .iter()
        .enumerate()
        .map(|(k, channel)| {
            let mine = sim.connections.iter().filter(|c| c.channel == k);
            let longest = mine.map(|c| delay(c, sim)).fold(0.0, f64::max);
            (longest + 3.0) * f64::from(sim.populations[channel.population].size) * 4.0
        })
        .sum();
    f.add("the spikes under way", rings, "shorter delays or longer steps make it smaller");
    let recorded: f64 = sim.records.iter().map(|r| r.units.len() as f64 * sim.steps as f64).sum();
    f.add("the records", recorded * 4.0 * DOUBLE, "fewer recorded units or steps make it smaller");
    f
}

/// Whether an expression program yields a number of its own for each synapse.
fn varies(p: &Program) -> bool {
    !p.inputs.is_empty()
}

/// The longest delay of a connection in steps; of one that is drawn, what the draws can hardly exceed.
fn delay(c: &crate::ir::simulation::Connection, sim: &Simulation) -> f64 {
    let most = sim.steps as f64;
    let steps = if varies(&c.delay) {
        // A normal number is beyond 8 deviations once in 10^15.
        let ends = c.given.iter().map(|g| match g {
            Given::Draw(crate::plan::simulation::Distribution::Normal(mean, deviation)) => {
                vec![mean - 8.0 * deviation, mean + 8.0 * deviation]
            }
            Given::Draw(crate::plan::simulation::Distribution::Uniform(lo, hi)) => vec![*lo, *hi],
            _ => vec![0.0],
        });
        let mut corners: Vec<Vec<f64>> = vec![vec![]];
        if c.given.len() > 10 {
            return most;
        }
        for ends in ends {
            corners = corners.iter().flat_map(|c| ends.iter().map(move |e| [&c[..], &[*e]].concat())).collect();
        }
        let at = |corner: &Vec<f64>| {
            let inputs: Vec<&[f64]> = corner.iter().map(std::slice::from_ref).collect();
            crate::exec::interp::eval(&c.delay, &inputs).first().copied().unwrap_or(most)
        };
        corners.iter().map(at).fold(0.0, f64::max) / sim.dt
    } else {
        crate::exec::interp::eval(&c.delay, &[]).first().copied().unwrap_or(most) / sim.dt
    };
    if steps.is_finite() { steps.clamp(0.0, most) } else { most }
}
