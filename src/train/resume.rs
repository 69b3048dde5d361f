//! Stopping and going on: a session written down between two steps, and put back together.
//!
//! ```text
//! run:     … step 41 | record | step 42 …  stopped          resume:  session from the record | step 42 …
//! ```
//! A phase pauses where nothing is half done: before a step or a round. There whoever watches is offered the state, and there
//! a run that is asked to stop does. What is written is what cannot be computed again: weights, the memory of update rules,
//! weights found for residuals, points chosen by their residuals, counts. Fields and features are observed again, uncounted, and
//! have the same bits.

use std::sync::Arc;

use crate::ir::problem::Rows;
use crate::train::fault::Spot;
use crate::train::outcome::{PhaseSummary, Point as Line};
use crate::train::record::{Record, RecordError};
use crate::train::sampling::Points;
use crate::train::session::{Session, Stop};
use crate::train::system::{Kind, Point, weak_kind};
use crate::train::weak::{Grading, PARTS};

/// Where a record goes on: the phase, and whether it had begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub phase: usize,
    pub begun: bool,
}

impl Session<'_> {
    /// A place between two steps of a phase. `own` writes down what only the phase knows; without it the phase has not begun.
    /// A `long` step may be stopped in its middle, so that the state before it is wanted in any case.
    ///
    /// # Errors
    /// `Stop::Interrupted` if the run is to stop here.
    pub fn pause(&mut self, phase: usize, long: bool, own: Option<&mut dyn FnMut(&mut Record)>) -> Result<(), Stop> {
        let stopping = self.asked || self.interrupted();
        if self.progress.wants_record(stopping, long) {
            let mut record = self.record(phase);
            if let Some(own) = own {
                record.put_count("begun", 1);
                own(&mut record);
            }
            self.progress.record(record, stopping);
        }
        if stopping { Err(Stop::Interrupted) } else { Ok(()) }
    }

    fn record(&self, phase: usize) -> Record {
        let mut r = Record::default();
        r.put_count("phase", phase);
        r.put("params", &self.params);
        r.put("evaluations", &[self.lab.spent()]);
        r.put("seconds", &[self.seconds()]);
        r.put("mark", &[self.mark.0, self.mark.1 as f64]);
        if let Some(measured) = self.measured {
            r.put("measured", &[measured as f64]);
        }
        r.put("draws", &self.draws.iter().map(|d| f64::from(*d)).collect::<Vec<_>>());
        r.put("weights", &self.system.blocks.iter().map(|b| b.weight).collect::<Vec<_>>());
        for (k, block) in self.system.blocks.iter().enumerate() {
            if let Some(emphasis) = &block.emphasis {
                r.put(format!("emphasis.{k}"), emphasis);
            }
            if let Kind::Weak(w) = &block.kind
                && let Some(grading) = w.graded_by()
            {
                r.put(format!("grading.{k}"), &grading.places.concat());
            }
            if let Kind::Point(p) = &block.kind
                && self.draws[block.residual] > 0
            {
                r.put(format!("points.{k}"), &p.coords);
                r.put(format!("columns.{k}"), &p.columns);
                r.put(format!("coefficients.{k}"), &p.coefficients);
            }
        }
        if let Some(spot) = self.lab.fault() {
            r.put_count("fault.residual", spot.residual);
            r.put("fault.params", &spot.params);
            r.put("fault.point", &spot.point);
        }
        for (k, p) in self.phases.iter().enumerate() {
            let figures = [p.seconds, p.forward_evaluations as f64, p.loss_before, p.loss_after];
            r.put(format!("phase.{k}"), &figures);
            r.put_word(format!("phase.{k}.method"), &p.method);
            r.put_word(format!("phase.{k}.note"), &p.note);
        }
        // A number that is not there is told from one that is not a number.
        let history = self.history.iter().flat_map(|h| {
            let optional = |v: Option<f64>| [f64::from(u8::from(v.is_some())), v.unwrap_or(0.0)];
            let ([has_plain, plain], [has_error, error]) = (optional(h.plain), optional(h.error));
            let spent = h.forward_evaluations as f64;
            [h.phase as f64, h.step as f64, h.of as f64, spent, h.seconds, h.loss, has_plain, plain, has_error, error]
        });
        r.put("history", &history.collect::<Vec<_>>());
        r
    }

    /// Puts the session into the state of a record; where it goes on from there.
    ///
    /// # Errors
    /// If the record is one of another problem. The session is of no use then.
    pub fn restore(&mut self, r: &Record) -> Result<Place, RecordError> {
        let plan = &self.problem.train.phases;
        let place = Place { phase: r.count("phase")?, begun: r.has("begun") };
        if place.phase >= plan.len() {
            return Err(RecordError::Value("phase".into()));
        }
        self.params = r.exactly("params", self.params.len())?.to_vec();
        let draws = r.exactly("draws", self.draws.len())?.to_vec();
        // Another draw or two are counted on.
        if !draws.iter().all(|d| d.fract() == 0.0 && (0.0..4e9).contains(d)) {
            return Err(RecordError::Value("draws".into()));
        }
        self.draws = draws.iter().map(|d| *d as u32).collect();
        self.restore_system(r)?;
        for (k, phase) in plan[..place.phase].iter().enumerate() {
            let figures = r.exactly(&format!("phase.{k}"), 4)?;
            self.phases.push(PhaseSummary {
                name: phase.name.clone(),
                method: r.word(&format!("phase.{k}.method"))?.to_string(),
                seconds: figures[0],
                forward_evaluations: figures[1] as u64,
                loss_before: figures[2],
                loss_after: figures[3],
                note: r.word(&format!("phase.{k}.note"))?.to_string(),
            });
        }
        self.history = r
            .numbers("history")?
            .chunks_exact(10)
            .map(|h| Line {
                phase: h[0] as usize,
                step: h[1] as usize,
                of: h[2] as usize,
                forward_evaluations: h[3] as u64,
                seconds: h[4],
                loss: h[5],
                plain: (h[6] != 0.0).then_some(h[7]),
                error: (h[8] != 0.0).then_some(h[9]),
            })
            .collect();
        let spent = r.number("evaluations")?;
        if !(0.0..9e15).contains(&spent) {
            return Err(RecordError::Value("evaluations".into()));
        }
        self.measured = if r.has("measured") { Some(r.earlier("measured", spent.round() as u64)?) } else { None };
        let mark = r.exactly("mark", 2)?;
        if !(0.0..=spent.round()).contains(&mark[1]) {
            return Err(RecordError::Value("mark".into()));
        }
        self.mark = (mark[0], mark[1] as u64);
        self.before = r.number("seconds")?;
        // The field that a run begins with is counted when a phase first asks for it.
        if place.phase > 0 || place.begun {
            self.forget_first();
        }
        let fault = match r.has("fault.params") {
            true => Some(Spot {
                residual: r.count("fault.residual")?,
                params: r.exactly("fault.params", self.params.len())?.to_vec(),
                point: r.exactly("fault.point", self.problem.network.primal.input_len())?.to_vec(),
            }),
            false => None,
        };
        if fault.as_ref().is_some_and(|spot| spot.residual >= self.problem.residuals.len()) {
            return Err(RecordError::Value("fault.residual".into()));
        }
        self.lab.restore(spent, fault);
        Ok(place)
    }

    /// Points, weights of residuals and of rows.
    fn restore_system(&mut self, r: &Record) -> Result<(), RecordError> {
        let problem = self.problem;
        let mut drawn = vec![];
        for (k, block) in self.system.blocks.iter().enumerate() {
            drawn.push(match &block.kind {
                Kind::Point(old) if self.draws[block.residual] > 0 => {
                    let dim = problem.coords.len();
                    let name = format!("points.{k}");
                    let data = r.numbers(&name)?.to_vec();
                    let rows = data.len() / dim.max(1);
                    // In the box, to which points of a curve are rounded.
                    let inside = |p: &[f64]| p.iter().zip(&problem.coords).all(|(x, c)| (c.lo..=c.hi).contains(x));
                    if rows == 0 || data.len() != rows * dim || !data.chunks_exact(dim).all(inside) {
                        return Err(RecordError::Value(name));
                    }
                    let width = old.columns.len().checked_div(old.rows).unwrap_or(0);
                    let columns = r.exactly(&format!("columns.{k}"), rows * width)?.to_vec();
                    let each: usize = problem.functions.iter().map(|f| f.coefficients).sum();
                    let coefficients = r.exactly(&format!("coefficients.{k}"), rows * each)?.to_vec();
                    let at = Points { dim, data, columns };
                    Some(Kind::Point(Arc::new(Point::new(old.plan, problem, at, coefficients))))
                }
                Kind::Weak(_) if r.has(&format!("grading.{k}")) => {
                    let name = format!("grading.{k}");
                    let places = r.exactly(&name, problem.coords.len() * (PARTS + 1))?;
                    let grading = Grading { places: places.chunks_exact(PARTS + 1).map(<[f64]>::to_vec).collect() };
                    let Rows::Weak(weak) = &problem.residuals[block.residual].rows else { continue };
                    if !grading.is_of(&problem.coords) {
                        return Err(RecordError::Value(name));
                    }
                    Some(weak_kind(problem, weak, Some(&grading)))
                }
                _ => None,
            });
        }
        self.system = self.system.with(problem, |k, _| drawn[k].take());
        let weights = r.exactly("weights", self.system.blocks.len())?;
        for (k, (block, weight)) in self.system.blocks.iter_mut().zip(weights).enumerate() {
            block.weight = *weight;
            let name = format!("emphasis.{k}");
            if r.has(&name) {
                let rows = if let Kind::Point(p) = &block.kind { p.rows } else { 0 };
                block.emphasis = Some(r.exactly(&name, rows)?.into());
            }
        }
        self.refit();
        Ok(())
    }
}
