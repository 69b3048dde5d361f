//! snnc from another program: compile a text, run its network on a batch of points, train it, ask the trained network.
//!
//! ```
//! let program = snnc::api::Program::compile(
//!     "domain { x in 0 .. 1 }
//!      network u(x) {
//!        layer h = tuned(x, 32) |> lif(tau = 10)
//!        output  = h |> ema(tau = 10) |> mean |> dense(1)
//!      }
//!      residual flux on interior : -d(u, x, x) = pi^2*sin(pi*x)
//!      residual ends on x = 0, x = 1 : u = 0
//!      train { phase grow { perturb neurons(h) pool 400  update pursuit  rounds 2 } }",
//! )?;
//! let solution = program.train(7);
//! let u = solution.predict(&[0.25, 0.5])?;
//! assert!((u[0][1] - 1.0).abs() < 0.1, "u(0.5) is sin(pi/2), found {}", u[0][1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! These few types are what is meant to be built on; the rest of the crate is public for its own tests and may change. Nothing
//! here prints or opens files. The same text and seed give the same bits for any number of threads; training uses the
//! rayon pool that it is called in.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use crate::check::Options;
use crate::diag::render::{Format, Style, render};
use crate::diag::{Diagnostic, Severity};
use crate::exec::Engine;
use crate::exec::kernel::AnyKernel;
use crate::pipeline::{Bug, Compiled, Source};
use crate::source::{Files, MemoryFiles, Sources};
use crate::train::checkpoint::{self, CheckpointError, Meta};
use crate::train::outcome::{Outcome, Point, Progress, Status};
use crate::train::{self, metric, starting};

/// What is wrong with a program, with the text that it is about: shown, it reads as on the command line.
#[derive(Debug, Clone)]
pub struct Mistakes {
    /// Errors and warnings, in source order.
    pub messages: Vec<Diagnostic>,
    sources: Sources,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = Style { format: Format::Plain, color: false, width: 100 };
        self.messages.iter().try_for_each(|m| write!(f, "{}", render(m, &self.sources, &style)))
    }
}

impl std::error::Error for Mistakes {}

/// Why something could not be done.
#[derive(Debug)]
pub enum Error {
    /// The program has errors.
    Program(Mistakes),
    /// Numbers of a batch that are not what the network takes: found, and what their count must be a multiple of (or must be).
    Batch { what: &'static str, found: usize, wanted: usize },
    /// Not the weights of this network.
    Weights(CheckpointError),
    /// There is no metric of this name in the program's report.
    NoSuchMetric(String),
    /// More code than is compiled.
    TooLarge,
    /// A bug of snnc.
    Bug(Bug),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Program(mistakes) => mistakes.fmt(f),
            Error::Batch { what, found, wanted } => {
                write!(f, "{found} {what}, which is not {wanted} or a multiple of it")
            }
            Error::Weights(e) => e.fmt(f),
            Error::NoSuchMetric(name) => write!(f, "the program's report has no metric `{name}`"),
            Error::TooLarge => write!(f, "the program comes to more code than is compiled (SNN1226)"),
            Error::Bug(bug) => bug.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

/// A program that has been checked and compiled, ready to be trained any number of times.
pub struct Program {
    compiled: Compiled,
    warnings: Mistakes,
    text: String,
}

impl Program {
    /// Checks and compiles a program that reads no files.
    ///
    /// # Errors
    /// If the program has errors; a simulation is one here.
    ///
    /// ```
    /// let Err(snnc::api::Error::Program(mistakes)) = snnc::api::Program::compile("domain { x in 1 .. 0 }") else { panic!() };
    /// assert!(mistakes.to_string().contains("SNN0"));
    /// ```
    pub fn compile(text: &str) -> Result<Program, Error> {
        Program::with("program.snn", text, &MemoryFiles::default(), &Settings::default())
    }

    /// As [`Program::compile`], with the data files and imports that it names, and with constants and the engine set from outside.
    ///
    /// ```
    /// use snnc::api::{Program, Settings};
    /// use snnc::source::MemoryFiles;
    ///
    /// let mut files = MemoryFiles::default();
    /// files.0.insert("probe.csv".into(), b"x,value\n0,1\n1,3\n".to_vec());
    /// let text = "const slope = 1
    ///             domain { x in 0 .. 1 }
    ///             network u(x) { output = (x |> dense(8) |> tanh |> dense(1)) + slope*x }
    ///             residual seen on \"probe.csv\" : u = value
    ///             train { phase fit { solve readout } }";
    /// let settings = Settings { constants: vec![("slope".into(), 2.0)], ..Settings::default() };
    /// let program = Program::with("line.snn", text, &files, &settings)?;
    /// let line = program.train(1);
    /// assert!((line.predict(&[0.0])?[0][0] - 1.0).abs() < 0.05);
    /// # Ok::<(), snnc::api::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the program has errors, or comes to more code than is compiled.
    pub fn with(name: &str, text: &str, files: &dyn Files, settings: &Settings) -> Result<Program, Error> {
        let mut sources = Sources::default();
        let options = Options { set: settings.constants.clone(), seed: None };
        let checking = Source::new(name, text).check(&mut sources, files, &options);
        let said = Mistakes { messages: checking.messages, sources };
        match checking.program {
            Some(checked) => {
                if !checked.footprint(1).is_compilable() {
                    return Err(Error::TooLarge);
                }
                let compiled = checked.compile(settings.engine).map_err(Error::Bug)?;
                Ok(Program { compiled, warnings: said, text: text.to_string() })
            }
            None => Err(Error::Program(said)),
        }
    }

    /// What there is to say of a program that has no errors.
    pub fn warnings(&self) -> &Mistakes {
        &self.warnings
    }

    /// The coordinates' names with their ends, in the order in which points are given.
    pub fn coordinates(&self) -> Vec<(String, f64, f64)> {
        self.compiled.problem.coords.iter().map(|c| (c.name.clone(), c.lo, c.hi)).collect()
    }

    /// The fields' names, then those of the unknowns, in the order of [`Solution::predict`].
    pub fn fields(&self) -> Vec<String> {
        self.compiled.problem.network.fields.iter().map(|f| f.name.clone()).collect()
    }

    /// The compiled network.
    pub fn kernel(&self) -> Kernel {
        Kernel(self.compiled.kernels.counts.clone())
    }

    /// The weights that a seed starts with, as [`Kernel::run`] takes them.
    pub fn start(&self, seed: u64) -> Vec<f64> {
        starting(&self.compiled.problem.network, &self.compiled.kernels, seed)
    }

    /// Trains as the program's schedule says.
    pub fn train(&self, seed: u64) -> Solution<'_> {
        self.train_with(&Training { seed, ..Training::default() }, |_| ControlFlow::Continue(()))
    }

    /// As [`Program::train`]; `progress` is called after every step or round, and ends training with `Break`.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use snnc::api::{Program, Training};
    ///
    /// let program = Program::compile(
    ///     "domain { x in 0 .. 1 }
    ///      network u(x) { layer h = tuned(x, 16) |> lif  output = h |> mean |> dense(1) }
    ///      residual fit on grid(x = 20) : u = x
    ///      train { phase tune { perturb gaussian(sigma = 0.05) directions 4  estimate difference
    ///                           update adam(rate = 0.01)  steps 50 } }",
    /// )?;
    /// let mut losses = vec![];
    /// let solution = program.train_with(&Training { seed: 2, ..Training::default() }, |point| {
    ///     losses.push(point.loss);
    ///     if losses.len() == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// });
    /// assert_eq!(losses.len(), 10);
    /// assert!(solution.outcome().forward_evaluations > 0);
    /// # Ok::<(), snnc::api::Error>(())
    /// ```
    pub fn train_with(&self, training: &Training<'_>, progress: impl FnMut(&Point) -> ControlFlow<()>) -> Solution<'_> {
        let options = train::Options { seed: training.seed, interrupt: training.interrupt, start: training.weights };
        let mut progress = Told(progress);
        let outcome = train::train(&self.compiled.problem, &self.compiled.kernels, &options, &mut progress);
        Solution { program: self, seed: training.seed, outcome: Some(outcome), weights: vec![] }
    }

    /// A network that was trained before, from the bytes of its checkpoint.
    ///
    /// # Errors
    /// If they are no checkpoint, or one of another network.
    pub fn load(&self, checkpoint: &[u8]) -> Result<Solution<'_>, Error> {
        let (weights, meta) = checkpoint::decode(&self.compiled.problem, checkpoint).map_err(Error::Weights)?;
        Ok(Solution { program: self, seed: meta.seed, outcome: None, weights })
    }
}

/// How a program is compiled.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Override constants, or where unknowns start, as `--set` does.
    pub constants: Vec<(String, f64)>,
    /// Both give the same bits.
    pub engine: Engine,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { constants: vec![], engine: Engine::Jit }
    }
}

/// How a program is trained.
#[derive(Debug, Clone, Copy, Default)]
pub struct Training<'a> {
    pub seed: u64,
    /// Set to stop after the step under way, keeping the best weights so far.
    pub interrupt: Option<&'a AtomicBool>,
    /// Weights to start from, in place of those that the seed gives.
    pub weights: Option<&'a [f64]>,
}

struct Told<F>(F);

impl<F: FnMut(&Point) -> ControlFlow<()>> Progress for Told<F> {
    fn point(&mut self, point: &Point) -> ControlFlow<()> {
        self.0(point)
    }
}

/// The compiled network, to be run under any weights.
///
/// ```
/// let program = snnc::api::Program::compile(
///     "domain { x in 0 .. 1 }
///      network u(x) { output = x |> dense(1, bias = none) }
///      residual fit on grid(x = 3) : u = x",
/// )?;
/// let kernel = program.kernel();
/// assert_eq!(kernel.parameters(), [("output.dense.weight".to_string(), 1, 1)]);
/// // The coordinate enters scaled to -1 .. 1.
/// assert_eq!(kernel.run(&[0.0, 0.5, 1.0], &[4.0])?, [-4.0, 0.0, 4.0]);
/// # Ok::<(), snnc::api::Error>(())
/// ```
#[derive(Clone)]
pub struct Kernel(AnyKernel);

impl Kernel {
    /// Names and widths of what a point brings in, one after the other: `coords`, then `sensors.NAME` of each input function.
    pub fn inputs(&self) -> Vec<(String, usize)> {
        self.0.program().inputs.iter().map(|i| (i.name.clone(), i.width as usize)).collect()
    }

    /// Names and widths of what comes out for a point: the fields, then the spikes of each layer, counted over the simulation.
    pub fn outputs(&self) -> Vec<(String, usize)> {
        let program = self.0.program();
        let width = |o: &crate::ir::program::Output| program.find(o.value).map_or(0, |found| found.ty.width as usize);
        program.outputs.iter().map(|o| (o.name.clone(), width(o))).collect()
    }

    /// Name, rows and columns of each parameter, in the order of the weights; each is row-major.
    pub fn parameters(&self) -> Vec<(String, usize, usize)> {
        let of = |p: &crate::ir::program::Param| (p.name.clone(), p.rows as usize, p.cols as usize);
        self.0.program().params.iter().map(of).collect()
    }

    /// Runs the network at points `[points][inputs]`, in parallel: `[points][outputs]`.
    ///
    /// # Errors
    /// If the numbers are not whole points, or the weights are not as many as the parameters have.
    pub fn run(&self, points: &[f64], weights: &[f64]) -> Result<Vec<f64>, Error> {
        let wide: usize = self.inputs().iter().map(|(_, width)| width).sum();
        if !points.len().is_multiple_of(wide.max(1)) {
            return Err(Error::Batch { what: "inputs", found: points.len(), wanted: wide });
        }
        let wanted = self.0.program().param_len();
        if weights.len() != wanted {
            return Err(Error::Batch { what: "weights", found: weights.len(), wanted });
        }
        Ok(self.0.run(points, weights, &[]).outputs.wide())
    }
}

/// A trained network.
pub struct Solution<'p> {
    program: &'p Program,
    seed: u64,
    /// `None` if it was loaded.
    outcome: Option<Outcome>,
    /// If it was loaded.
    weights: Vec<f64>,
}

impl Solution<'_> {
    /// The weights, in the order of [`Kernel::parameters`].
    pub fn weights(&self) -> &[f64] {
        self.outcome.as_ref().map_or(&self.weights, |o| &o.params)
    }

    /// How training went: losses, history, phases.
    ///
    /// # Panics
    /// If the network was loaded, not trained.
    pub fn outcome(&self) -> &Outcome {
        self.outcome.as_ref().expect("a network that was loaded was not trained here")
    }

    /// Training came to its end: it was neither interrupted nor did it diverge.
    pub fn finished(&self) -> bool {
        self.outcome.as_ref().is_none_or(|o| o.status == Status::Finished)
    }

    /// The fields at points `[points][inputs]`: `[fields][points]`. A point is its coordinates in their own units, followed by the values
    /// of input functions at their sensors, where there are any. The network spikes as it does on hardware: nothing is smoothed.
    ///
    /// # Errors
    /// If the numbers are not whole points.
    pub fn predict(&self, points: &[f64]) -> Result<Vec<Vec<f64>>, Error> {
        let kernel = self.program.kernel();
        let out = kernel.run(points, self.weights())?;
        let stride: usize = kernel.outputs().iter().map(|(_, width)| width).sum();
        let fields = self.program.compiled.problem.network.fields.iter().enumerate();
        // Fields have a width of 1 and come first, in order.
        Ok(fields.map(|(k, _)| out.iter().skip(k).step_by(stride.max(1)).copied().collect()).collect())
    }

    /// A metric of the program's report, measured now.
    ///
    /// # Errors
    /// If the report has none of this name.
    pub fn metric(&self, name: &str) -> Result<f64, Error> {
        let (problem, kernels) = (&self.program.compiled.problem, &self.program.compiled.kernels);
        let found = problem.report.metrics.iter().find(|m| m.name == name);
        found.map(|m| metric(problem, kernels, self.weights(), m)).ok_or_else(|| Error::NoSuchMetric(name.to_string()))
    }

    /// The bytes of a checkpoint: a safetensors file, which the command line, numpy and PyTorch read.
    ///
    /// ```
    /// let program = snnc::api::Program::compile(
    ///     "domain { x in 0 .. 1 }
    ///      network u(x) { layer h = tuned(x, 16) |> lif  output = h |> mean |> dense(1) }
    ///      residual fit on grid(x = 20) : u = x
    ///      exact u = x
    ///      train { phase solve_it { solve readout } }
    ///      report { metric l2 = relative_l2(u) }",
    /// )?;
    /// let trained = program.train(3);
    /// let again = program.load(&trained.checkpoint()?)?;
    /// assert_eq!(again.predict(&[0.3])?, trained.predict(&[0.3])?);
    /// assert_eq!(again.metric("l2")?, trained.metric("l2")?);
    /// # Ok::<(), snnc::api::Error>(())
    /// ```
    ///
    /// # Errors
    /// Only by a bug.
    pub fn checkpoint(&self) -> Result<Vec<u8>, Error> {
        use sha2::{Digest, Sha256};
        let hash = format!("{:x}", Sha256::digest(&self.program.text));
        let phase = self.outcome.as_ref().and_then(|o| o.phases.last()).map_or_else(String::new, |p| p.name.clone());
        let meta = Meta { program_hash: hash, seed: self.seed, phase, version: env!("CARGO_PKG_VERSION").to_string() };
        checkpoint::encode(&self.program.compiled.problem, self.weights(), &meta).map_err(Error::Weights)
    }
}

impl Mistakes {
    /// Those that stop a program.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.messages.iter().filter(|m| m.severity == Severity::Error)
    }
}
