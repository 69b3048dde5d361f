//! From text to kernels: the only file that names every phase.
//!
//! One type a phase, and a verb to advance it; a wrong order cannot be written.
//!
//! ```text
//! Source --check--> Checking { program: Option<Checked>, messages } --lower--> Lowered --compile(engine)--> Compiled
//! ```
//!
//! After `check` has passed, every failure is a bug of ours: [`Bug`].

#[cfg(test)]
mod estimators;
pub mod footprint;
#[cfg(test)]
mod placement;
mod simulation;

use std::fmt::Write;

use crate::check::model::{Method, Model};
use crate::check::{self, Options};
use crate::diag::{Diagnostic, Sink};
use crate::exec::kernel::{AnyKernel, DIRECTIONS, lanes_for};
use crate::exec::{self, Engine};
use crate::func::MultiIndex;
use crate::ir::problem::{Atom, Derivatives, Pointwise, Problem, Rows};
use crate::ir::program::Program;
use crate::lower::lower;
use crate::pass::{guard, jet, jvp, pipelines, slopes};
use crate::plan;
use crate::source::{Files, SourceFile, Sources};
use crate::syntax;
use crate::train::kernels::{Kernels, Observer};
use footprint::Footprint;
pub use simulation::{CheckedSimulation, CompiledSimulation};

/// A program's text.
pub struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

/// What checking came to: the program, or the simulation if it is one, if it has no errors, and all there is to say, in
/// source order.
pub struct Checking {
    pub program: Option<Checked>,
    pub simulation: Option<CheckedSimulation>,
    pub messages: Vec<Diagnostic>,
}

/// A program that makes sense.
pub struct Checked {
    model: Model,
    imports: Vec<SourceFile>,
}

/// A training problem in the IR.
pub struct Lowered {
    pub problem: Problem,
}

/// A training problem and the kernels to work on it with.
pub struct Compiled {
    pub problem: Problem,
    pub kernels: Kernels,
}

/// A failure after checking: ours, never the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bug {
    pub phase: &'static str,
    pub detail: String,
}

impl std::fmt::Display for Bug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "in phase {}: {}", self.phase, self.detail)
    }
}

impl std::error::Error for Bug {}

/// Why `emit` has nothing to show.
#[derive(Debug)]
pub enum EmitError {
    /// The passes there are.
    NoSuchPass(Vec<String>),
    Bug(Bug),
}

impl From<Bug> for EmitError {
    fn from(b: Bug) -> EmitError {
        EmitError::Bug(b)
    }
}

impl<'a> Source<'a> {
    pub fn new(name: &'a str, text: &'a str) -> Source<'a> {
        Source { name, text }
    }

    /// Parses; the tree may lack what could not be read.
    pub fn parse(&self, sources: &mut Sources, sink: &mut Sink) -> Option<syntax::ast::File> {
        let file = sources.add(self.name, self.text);
        syntax::parse::parse(self.text, file, sink)
    }

    /// Parses and checks. `sources` receives the text, and that of the prelude, so that messages can be shown.
    pub fn check(&self, sources: &mut Sources, files: &dyn Files, options: &Options) -> Checking {
        let mut sink = Sink::default();
        let parsed = self.parse(sources, &mut sink);
        if let Some(file) = parsed.as_ref().filter(|f| check::simulation::block(f).is_some()) {
            let simulation = check::simulation::check(file, sources, files, options, &mut sink);
            let imports = sources.imported().cloned().collect();
            let simulation = if sink.has_errors() { None } else { simulation };
            let simulation = simulation.map(|model| CheckedSimulation::new(model, imports));
            return Checking { program: None, simulation, messages: sink.into_sorted() };
        }
        let model = parsed.and_then(|file| check::check(&file, sources, files, options, &mut sink));
        let imports = sources.imported().cloned().collect();
        let program = if sink.has_errors() { None } else { model.map(|model| Checked { model, imports }) };
        Checking { program, simulation: None, messages: sink.into_sorted() }
    }
}

impl Checked {
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The files that the program imports.
    pub fn imports(&self) -> &[SourceFile] {
        &self.imports
    }

    pub fn lower(&self) -> Lowered {
        let mut problem = lower(&self.model);
        problem.network.each(pipelines::arithmetic);
        Lowered { problem }
    }

    /// What a run of it takes on so many threads. To be asked before anything else is: lowering itself takes little, but passes
    /// count on programs of a bounded size ([`Footprint::numbers`]).
    pub fn footprint(&self, threads: usize) -> Footprint {
        footprint::training(&lower(&self.model), threads)
    }

    /// What it takes to ask the trained network at so many points.
    pub fn footprint_to_ask(&self, threads: usize, points: f64) -> Footprint {
        footprint::asking(&lower(&self.model), threads, points)
    }

    pub fn compile(&self, engine: Engine) -> Result<Compiled, Bug> {
        self.lower().compile(engine)
    }

    /// What was chosen by default, in words and as a block that could be pasted into the program.
    pub fn choices(&self) -> String {
        let mut out = String::new();
        for r in &self.model.residuals {
            let method = match &r.method {
                Method::Value => "its value is compared".to_string(),
                Method::Jet => "by jet".to_string(),
                Method::Stencil { h } => format!("by stencil(h = {h})"),
                Method::Smoothing { sigma } => format!("by smoothing(sigma = {sigma})"),
                Method::Weak(w) => match w.absorbed.len() {
                    0 => "by weak".to_string(),
                    1 => "by weak, with 1 condition as a natural term".to_string(),
                    n => format!("by weak, with {n} conditions as natural terms"),
                },
                Method::Absorbed { by, .. } => format!("natural term of {}", self.model.residuals[*by].name),
            };
            let _ = write!(out, "residual {}: {method}", r.name);
            if let Some(reason) = &r.method_reason {
                let _ = write!(out, " ({reason})");
            }
            out.push('\n');
            if let Method::Weak(w) = &r.method
                && !w.lacking.is_empty()
            {
                let _ = writeln!(out, "  left free: {}", w.lacking.join(", "));
            }
        }
        if self.model.train.is_default {
            let _ = write!(
                out,
                "\nthe training schedule, chosen by default:\n{}",
                check::schedule::as_source(&self.model.train)
            );
            let name = |phase: &plan::Phase| match &phase.method {
                plan::Method::Pursuit(p) => p.layer.split_once('.').map(|(u, h)| (u.to_string(), h.to_string())),
                _ => None,
            };
            if let Some((network, layer)) = self.model.train.phases.iter().find_map(name) {
                let _ = writeln!(
                    out,
                    "`{network}.{layer}` is the layer `{layer}` of `{network}`: to write such a block, give the layers of \
                     different networks different names"
                );
            }
        }
        out
    }

    pub fn model_text(&self) -> String {
        format!("{}", self.model)
    }

    /// The network's programs in the IR: as lowered, or after the passes up to the one named.
    pub fn ir_text(&self, after: Option<&str>) -> Result<String, EmitError> {
        let lowered = self.lower();
        let mut out = String::new();
        for program in lowered.shown() {
            let program = match after {
                None => program,
                Some(name) => pipelines::run_until(name, program)
                    .ok_or_else(|| EmitError::NoSuchPass(pipelines::ALL.iter().map(|p| p.name.to_string()).collect()))?
                    .map_err(|e| Bug { phase: "pass", detail: e.to_string() })?,
            };
            let _ = writeln!(out, "{program}");
        }
        Ok(out)
    }

    /// Cranelift's input for the network's programs.
    pub fn clif_text(&self) -> Result<String, EmitError> {
        let (mut out, precision) = (String::new(), self.model.train.precision);
        for program in self.lower().shown() {
            let clif = exec::jit::clif(precision, &optimise(program)?)
                .map_err(|e| Bug { phase: "compile", detail: e.to_string() })?;
            out.push_str(&clif);
            out.push('\n');
        }
        Ok(out)
    }
}

impl Lowered {
    /// The programs that `emit` shows: the network, and its features if it has a readout.
    fn shown(&self) -> Vec<Program> {
        let network = &self.problem.network;
        std::iter::once(network.primal.clone()).chain(network.features.clone()).collect()
    }

    /// Applies the passes and compiles every program that training will call, all in one go.
    pub fn compile(self, engine: Engine) -> Result<Compiled, Bug> {
        let problem = self.problem;
        let network = &problem.network;
        let (atom_sets, observer_of) = atom_sets(&problem);
        let directions = directions(&problem);
        let layers: Vec<String> = network.layers.iter().map(|l| l.name.clone()).collect();

        // Every program goes into one list; `Place`s say where its kernel will be found.
        let mut programs = Programs::default();
        let probe = programs.add(network.probe.clone())?;
        let counts = programs.add(network.primal.clone())?;
        let mut responses = vec![];
        for layer in &network.layers {
            let response = layer.pursuit.as_ref().and_then(|units| units.response.clone());
            // A count of spikes must show where the neuron breaks.
            let response = response.map(|p| guard::mark(p, "response"));
            responses.push(response.map(|p| programs.add(p)).transpose()?);
        }
        let mut observers = vec![];
        for atoms in atom_sets {
            let name = |a: &Atom| network.fields[a.field].name.as_str();
            let primal = with_jets(&network.primal, &atoms, &|a| vec![name(a).to_string()]);
            let field_outputs: Vec<String> = atoms.iter().map(|a| jet::output_name(name(a), &a.alpha)).collect();
            let field_outputs: Vec<&str> = field_outputs.iter().map(String::as_str).collect();
            let features_of = |a: &Atom| ["phi", "phi0", "offset"].map(|part| format!("{part}.{}", name(a))).to_vec();
            let mut tangents = vec![];
            for k in &directions {
                tangents.push((*k, programs.add(jvp::jvp(&uncounted(&primal), &field_outputs, *k))?));
            }
            let pool = |units: &crate::ir::problem::Units| with_jets(&units.pool, &atoms, &features_of);
            let mut pools = vec![];
            for layer in &network.layers {
                pools.push(layer.pursuit.as_ref().map(|units| programs.add(pool(units))).transpose()?);
            }
            let features = network.features.as_ref();
            let features = features.map(|p| programs.add(with_jets(p, &atoms, &features_of))).transpose()?;
            let primal = programs.add(guard::guard(primal, &layers))?;
            observers.push(ObserverPlaces { atoms, primal, features, pools, tangents });
        }

        let kernels = exec::build(engine, problem.train.precision, programs.0)
            .map_err(|e| Bug { phase: "compile", detail: e.to_string() })?;
        let at = |place: &Place| -> AnyKernel { kernels[place.0].clone() };
        let observer = |places: &ObserverPlaces| Observer {
            atoms: places.atoms.clone(),
            primal: at(&places.primal),
            features: places.features.as_ref().map(at),
            pools: places.pools.iter().map(|p| p.as_ref().map(at)).collect(),
            tangents: places.tangents.iter().map(|(k, p)| (*k, at(p))).collect(),
        };
        let kernels = Kernels {
            precision: problem.train.precision,
            observers: observers.iter().map(observer).collect(),
            observer_of,
            probe: at(&probe),
            counts: at(&counts),
            responses: responses.iter().map(|p| p.as_ref().map(at)).collect(),
        };
        Ok(Compiled { problem, kernels })
    }
}

/// The program without its counts of spikes, which only reports read.
fn uncounted(program: &Program) -> Program {
    let mut program = program.clone();
    program.outputs.retain(|o| !o.name.starts_with("spikes."));
    program
}

/// Where a program's kernel stands in the list that is compiled.
struct Place(usize);

/// An [`Observer`] before its kernels are there.
struct ObserverPlaces {
    atoms: Vec<Atom>,
    primal: Place,
    features: Option<Place>,
    pools: Vec<Option<Place>>,
    tangents: Vec<(u32, Place)>,
}

/// The program with the derivatives among the atoms, of those of an atom's outputs that it has.
fn with_jets(program: &Program, atoms: &[Atom], outputs: &dyn Fn(&Atom) -> Vec<String>) -> Program {
    let mut program = program.clone();
    let derivatives = || atoms.iter().filter(|a| a.alpha.order() > 0);
    let mut fields: Vec<usize> = derivatives().map(|a| a.field).collect();
    fields.dedup();
    for field in fields {
        let own: Vec<&Atom> = derivatives().filter(|a| a.field == field).collect();
        let names: Vec<String> =
            outputs(own[0]).into_iter().filter(|name| program.outputs.iter().any(|o| o.name == *name)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let alphas: Vec<MultiIndex> = own.iter().map(|a| a.alpha.clone()).collect();
        program = jet::jet(&program, &names, &alphas);
    }
    program
}

#[derive(Default)]
struct Programs(Vec<Program>);

impl Programs {
    fn add(&mut self, program: Program) -> Result<Place, Bug> {
        self.0.push(optimise(slopes::forget(program))?);
        Ok(Place(self.0.len() - 1))
    }
}

fn optimise(program: Program) -> Result<Program, Bug> {
    let name = program.name.clone();
    pipelines::run(pipelines::OPTIMISE, program)
        .map_err(|e| Bug { phase: "pass", detail: format!("program {name}: {e}") })
}

/// The distinct sets of derivatives that residuals observe, that of the value alone first, and which one each residual uses.
/// Stencils and weak forms observe the value only.
fn atom_sets(problem: &Problem) -> (Vec<Vec<Atom>>, Vec<usize>) {
    let zero = MultiIndex::zero(problem.coords.len());
    let value_only: Vec<Atom> =
        (0..problem.network.fields.len()).map(|field| Atom { field, alpha: zero.clone() }).collect();
    let mut sets = vec![value_only.clone()];
    let mut observer_of = vec![];
    for residual in &problem.residuals {
        let atoms = match &residual.rows {
            Rows::Pointwise(Pointwise { atoms, by: Derivatives::Jet, .. })
            | Rows::Absorbed { measure: Pointwise { atoms, by: Derivatives::Jet, .. }, .. } => atoms.clone(),
            _ => value_only.clone(),
        };
        let index = sets.iter().position(|s| *s == atoms).unwrap_or_else(|| {
            sets.push(atoms);
            sets.len() - 1
        });
        observer_of.push(index);
    }
    (sets, observer_of)
}

/// The numbers of directions that forward-mode phases take at once: the most that kernels take, and what is left over.
fn directions(problem: &Problem) -> Vec<u32> {
    let phases = problem.train.phases.iter().filter_map(|phase| match &phase.method {
        plan::Method::Gradient(g) if g.estimate == plan::Estimate::Forward => Some(g),
        _ => None,
    });
    let is_balanced = problem.residuals.iter().any(|r| r.dynamics.balanced);
    let mut all: Vec<u32> = phases
        .flat_map(|g| {
            // What `weight auto` takes at once: it looks at all groups together.
            let mut counts = vec![];
            if is_balanced {
                counts.push(g.directions.least.min(DIRECTIONS));
            }
            for n in crate::train::directions_a_step(&problem.network, g) {
                counts.extend([n.min(DIRECTIONS), n % DIRECTIONS]);
            }
            counts
        })
        .filter(|n| *n > 0)
        .map(|n| lanes_for(n) as u32)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}
