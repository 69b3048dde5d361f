//! What broke, once a number has stopped being finite: the neuron and the step, or the residual's own terms, or the weights.
//!
//! ```text
//! outputs of a run are not finite  ->  the first such point and its residual (noted by the laboratory)
//!                                  ->  that point once more in the interpreter: which state of which unit, in which step
//! ```

use crate::exec::interp::{Fault, Site, first_fault};
use crate::ir::op::ParamId;
use crate::ir::problem::{Network, Problem};
use crate::train::frame::Frame;
use crate::train::outcome::{Broken, What};
use crate::train::session::{Session, Stop};
use crate::train::system::{Kind, System};

/// The first point of a run whose outputs were not finite, with the weights of that run.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// Index of the residual in the problem.
    pub residual: usize,
    pub params: Vec<f64>,
    /// As kernels take it: coordinates, then input functions.
    pub point: Vec<f64>,
}

impl Spot {
    /// Of point `at` of a station.
    pub fn new(system: &System<'_>, station: usize, at: usize, params: &[f64]) -> Spot {
        let s = &system.stations[station];
        let stride = s.points.len() / s.len.max(1);
        let own =
            |b: &&crate::train::system::Block<'_>| b.station == station && (b.start..b.start + b.len).contains(&at);
        Spot {
            residual: system.blocks.iter().find(own).map_or(0, |b| b.residual),
            params: params.to_vec(),
            point: s.points[at * stride..(at + 1) * stride].to_vec(),
        }
    }

    /// What broke there first.
    fn broken(&self, problem: &Problem) -> Broken {
        let coordinates = problem.coords.iter().zip(&self.point).map(|(c, x)| (c.name.clone(), *x));
        let at = coordinates.collect();
        if let Some((what, value)) = broken_weight(&problem.network, &self.params) {
            return Broken { what, at: vec![], value };
        }
        match first_fault(&problem.network.primal, problem.train.precision, &self.point, &self.params) {
            Some(fault) => Broken { what: named(&problem.network, &fault), at, value: fault.value },
            None => Broken { what: What::Output, at, value: f64::NAN },
        }
    }
}

/// A fault in the words of the program.
fn named(network: &Network, fault: &Fault) -> What {
    let (unit, step) = (fault.lane, fault.step.map(|(step, steps)| (step + 1, steps)));
    match fault.site {
        Site::State(id) => {
            let owner = network.layers.iter().find_map(|l| Some((l, l.states.iter().find(|(s, _)| *s == id)?)));
            match owner {
                Some((layer, (_, state))) => {
                    What::State { layer: layer.name.clone(), unit, state: state.clone(), step: step.unwrap_or((0, 0)) }
                }
                None => What::Output,
            }
        }
        Site::Product(weight) => match owner(network, weight) {
            Some(layer) => What::Current { layer, unit, step },
            None => What::Output,
        },
    }
}

fn owner(network: &Network, param: ParamId) -> Option<String> {
    network.layers.iter().find(|l| l.params.contains(&param)).map(|l| l.name.clone())
}

fn broken_weight(network: &Network, params: &[f64]) -> Option<(What, f64)> {
    let bad = params.iter().position(|p| !p.is_finite())?;
    let program = &network.primal;
    let mut end = 0;
    let which = program.params.iter().position(|p| {
        end += p.len();
        bad < end
    })?;
    let layer = owner(network, ParamId(which as u32));
    Some((What::Weight { param: program.params[which].name.clone(), layer }, params[bad]))
}

impl Session<'_> {
    /// Why the run ends here: `residual` has stopped being finite, and what broke it as far as that can be found out. `rows`
    /// are the frame's, if they are there.
    pub fn diverged(&mut self, step: usize, residual: String, rows: Option<(&Frame<'_>, &[f64])>) -> Stop {
        let spot = self.lab.take_fault();
        let broken = match (spot, broken_weight(&self.problem.network, &self.params)) {
            (_, Some((what, value))) => Some(Broken { what, at: vec![], value }),
            (Some(spot), None) => Some(spot.broken(self.problem)),
            (None, None) => rows.and_then(|(frame, rows)| self.terms(frame, rows)),
        };
        Stop::Diverged { step, residual, broken: broken.map(Box::new) }
    }

    /// # Errors
    /// If a run since the last look had outputs that were not finite.
    pub fn sound(&mut self, step: usize) -> Result<(), Stop> {
        match self.lab.fault() {
            None => Ok(()),
            Some(spot) => {
                let residual = self.problem.residuals[spot.residual].name.clone();
                Err(self.diverged(step, residual, None))
            }
        }
    }

    /// The network is finite, so the residual's own terms are not: where.
    fn terms(&self, frame: &Frame<'_>, rows: &[f64]) -> Option<Broken> {
        let (block, row) = frame.broken_row(rows)?;
        let at = match &self.system.blocks.get(block)?.kind {
            Kind::Point(p) => {
                let d = self.problem.coords.len();
                let point = p.coords.get(row * d..(row + 1) * d)?;
                self.problem.coords.iter().zip(point).map(|(c, x)| (c.name.clone(), *x)).collect()
            }
            Kind::Weak(_) => vec![],
        };
        Some(Broken { what: What::Terms, at, value: f64::NAN })
    }
}
