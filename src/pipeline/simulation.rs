//! A simulation's way through the phases: checked, lowered, compiled.

use std::fmt::Write;
use std::sync::Arc;

use super::footprint::{self, Footprint};
use super::{Bug, EmitError, optimise};
use crate::check::simulation::model;
use crate::exec::kernel::Kernel;
use crate::exec::{self, Engine};
use crate::ir::program::Program;
use crate::ir::simulation::Simulation;
use crate::lower;
use crate::pass::pipelines;
use crate::plan::Precision;
use crate::source::SourceFile;

/// A simulation that makes sense.
pub struct CheckedSimulation {
    model: model::Simulation,
    imports: Vec<SourceFile>,
}

/// A simulation and the kernel of each population's step.
pub struct CompiledSimulation {
    pub simulation: Simulation,
    pub kernels: Vec<Arc<dyn Kernel>>,
}

impl CheckedSimulation {
    pub(super) fn new(model: model::Simulation, imports: Vec<SourceFile>) -> CheckedSimulation {
        CheckedSimulation { model, imports }
    }

    /// The files that the program imports.
    pub fn imports(&self) -> &[SourceFile] {
        &self.imports
    }

    pub fn model(&self) -> &model::Simulation {
        &self.model
    }

    /// What times are held in: milliseconds, or nothing in a program without units.
    pub fn time_unit(&self) -> &'static str {
        if self.model.units { "ms" } else { "" }
    }

    pub fn lower(&self) -> Simulation {
        let mut simulation = lower::simulation::lower(&self.model);
        for population in &mut simulation.populations {
            population.step = pipelines::arithmetic(population.step.clone());
        }
        simulation
    }

    /// What it takes before its first step.
    pub fn footprint(&self) -> Footprint {
        footprint::simulation(&lower::simulation::lower(&self.model))
    }

    /// # Errors
    /// A pass or the code generation failed: a bug.
    pub fn compile(&self, engine: Engine) -> Result<CompiledSimulation, Bug> {
        let mut simulation = self.lower();
        let mut steps = vec![];
        for population in &mut simulation.populations {
            population.start = optimise(population.start.clone())?;
            population.step = optimise(population.step.clone())?;
            steps.push(population.step.clone());
        }
        for c in &mut simulation.connections {
            c.weight = optimise(c.weight.clone())?;
            c.delay = optimise(c.delay.clone())?;
        }
        let kernels =
            exec::build_in::<f32>(engine, steps).map_err(|e| Bug { phase: "compile", detail: e.to_string() })?;
        Ok(CompiledSimulation { simulation, kernels })
    }

    /// What was chosen by default, in words: integrators are what a model leaves open.
    pub fn choices(&self) -> String {
        let m = &self.model;
        format!("{} steps of {}, seed {}\n{m}", m.steps, m.dt, m.seed)
    }

    pub fn model_text(&self) -> String {
        format!("{}", self.model)
    }

    /// The programs of one step in the IR: as lowered, or after the passes up to the one named.
    ///
    /// # Errors
    /// There is no such pass, or a pass failed: a bug.
    pub fn ir_text(&self, after: Option<&str>) -> Result<String, EmitError> {
        let mut out = String::new();
        for program in self.steps() {
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

    /// Cranelift's input for one step of each population.
    ///
    /// # Errors
    /// A pass or the code generation failed: a bug.
    pub fn clif_text(&self) -> Result<String, EmitError> {
        let mut out = String::new();
        for program in self.steps() {
            let clif = exec::jit::clif(Precision::F32, &optimise(program)?)
                .map_err(|e| Bug { phase: "compile", detail: e.to_string() })?;
            out.push_str(&clif);
            out.push('\n');
        }
        Ok(out)
    }

    fn steps(&self) -> Vec<Program> {
        self.lower().populations.into_iter().map(|p| p.step).collect()
    }
}
