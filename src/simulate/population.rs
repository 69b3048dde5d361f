//! A population while it runs: its buffers, what is given to it in every step, and one step of all its units.
//!
//! Units lie in chunks, as the kernel wants them: `inputs` is `[chunks][input_len]`. A tile of chunks is the unit of work
//! of a thread; it writes only its own part, so threads change nothing.

use std::sync::Arc;

use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};
use rayon::prelude::*;

use crate::exec::interp::Interpreter;
use crate::exec::kernel::{Kernel, TILE, Tile};
use crate::exec::rng::{Purpose, Stream};
use crate::ir::simulation::Population;
use crate::plan::simulation::{Distribution, Given};

pub struct Live<'a> {
    pub plan: &'a Population,
    kernel: Arc<dyn Kernel>,
    /// Which population it is, for random numbers.
    number: u32,
    layout: Layout,
    inputs: Vec<f32>,
    outputs: Vec<f32>,
    scratch: Vec<f32>,
    /// Units that spiked in the last step, in order.
    pub fired: Vec<u32>,
    /// A state that was not finite after the last step, the first of the first chunk that has one: unit, state, value.
    pub broken: Option<(u32, usize, f32)>,
}

/// Where things lie in a chunk's inputs and outputs.
#[derive(Debug, Clone)]
struct Layout {
    width: usize,
    /// Of each given number.
    given: Vec<usize>,
    synapses: usize,
    /// Of the first state among the inputs; in the outputs they come first.
    states: usize,
    input_len: usize,
    output_len: usize,
    spike: usize,
    whole_input: usize,
}

impl Layout {
    fn of(p: &Population) -> Layout {
        let width = p.chunk as usize;
        let mut at = 0;
        let mut given = vec![];
        for g in &p.given {
            given.push(at);
            at += if matches!(g, Given::Time) { 1 } else { width };
        }
        Layout {
            width,
            given,
            synapses: at,
            states: at + width,
            input_len: at + width + p.states * width,
            output_len: (p.states + 2) * width,
            spike: p.states * width,
            whole_input: (p.states + 1) * width,
        }
    }
}

/// A number drawn for each unit; the same for any chunk width.
pub fn draws(seed: u64, purpose: Purpose, owner: u32, place: usize, law: Distribution, count: usize) -> Vec<f64> {
    let mut stream = Stream::pair(seed, purpose, owner, place as u32);
    let one = |s: &mut Stream| -> f64 {
        match law {
            Distribution::Normal(mean, deviation) => {
                let z: f64 = StandardNormal.sample(s);
                mean + deviation * z
            }
            Distribution::Uniform(lo, hi) => lo + (hi - lo) * (s.next_u32() as f64 / 4_294_967_296.0),
        }
    };
    (0..count).map(|_| one(&mut stream)).collect()
}

impl<'a> Live<'a> {
    /// The population before the first step.
    pub fn new(number: usize, plan: &'a Population, kernel: Arc<dyn Kernel>, seed: u64) -> Live<'a> {
        let layout = Layout::of(plan);
        let chunks = plan.size.div_ceil(plan.chunk) as usize;
        let (width, len) = (layout.width, layout.input_len);
        let mut inputs = vec![0.0f32; chunks * len];
        for (k, g) in plan.given.iter().enumerate() {
            let values: Vec<f32> = match g {
                Given::Index => (0..chunks * width).map(|u| u as f32).collect(),
                Given::Draw(law) => {
                    let drawn = draws(seed, Purpose::Units, number as u32, k, *law, chunks * width);
                    drawn.into_iter().map(|v| v as f32).collect()
                }
                Given::Time | Given::StepNormal { .. } | Given::StepUniform => continue,
            };
            for (chunk, values) in inputs.chunks_exact_mut(len).zip(values.chunks_exact(width)) {
                chunk[layout.given[k]..layout.given[k] + width].copy_from_slice(values);
            }
        }
        let start = Interpreter::new(plan.start.clone());
        let mut scratch = vec![0.0; start.scratch_len()];
        for chunk in inputs.chunks_exact_mut(len) {
            let (given, states) = chunk.split_at_mut(layout.states);
            if !states.is_empty() {
                let tile = Tile {
                    points: 1,
                    inputs: given,
                    params: &[],
                    directions: &[],
                    prepared: &[],
                    outputs: states,
                    traces: &mut [],
                };
                start.run_tile(&mut scratch, tile);
            }
        }
        let outputs = vec![0.0; chunks * layout.output_len];
        let tiles = chunks.div_ceil(TILE);
        let scratch = vec![0.0; tiles * kernel.scratch_len()];
        let number = number as u32;
        Live { plan, kernel, number, layout, inputs, outputs, scratch, fired: vec![], broken: None }
    }

    pub fn clear_input(&mut self) {
        let (at, width) = (self.layout.synapses, self.layout.width);
        for chunk in self.inputs.chunks_exact_mut(self.layout.input_len) {
            chunk[at..at + width].fill(0.0);
        }
    }

    pub fn add_to_input(&mut self, values: &[f32], factor: f32) {
        self.add(self.layout.synapses, values, factor);
    }

    pub fn add_to_state(&mut self, state: usize, values: &[f32]) {
        self.add(self.layout.states + state * self.layout.width, values, 1.0);
    }

    fn add(&mut self, at: usize, values: &[f32], factor: f32) {
        let chunks = self.inputs.chunks_exact_mut(self.layout.input_len);
        for (chunk, values) in chunks.zip(values.chunks(self.layout.width)) {
            for (to, v) in chunk[at..].iter_mut().zip(values) {
                *to += factor * *v;
            }
        }
    }

    fn place(&self, unit: u32) -> (usize, usize) {
        (unit as usize / self.layout.width, unit as usize % self.layout.width)
    }

    /// A state after the last step.
    pub fn state(&self, state: usize, unit: u32) -> f32 {
        let (chunk, lane) = self.place(unit);
        self.outputs[chunk * self.layout.output_len + state * self.layout.width + lane]
    }

    /// The whole input over the last step.
    pub fn input(&self, unit: u32) -> f32 {
        let (chunk, lane) = self.place(unit);
        self.outputs[chunk * self.layout.output_len + self.layout.whole_input + lane]
    }

    /// One step of all units.
    pub fn advance(&mut self, step: u64, dt: f64, seed: u64) {
        let (layout, kernel, given) = (&self.layout, &*self.kernel, self.plan.given.as_slice());
        let number = self.number;
        let work = |k: usize, inputs: &mut [f32], outputs: &mut [f32], scratch: &mut [f32]| {
            for (c, chunk) in inputs.chunks_exact_mut(layout.input_len).enumerate() {
                let stream = Place { number, chunk: (k * TILE + c) as u64, step };
                give(given, layout, chunk, stream, dt, seed);
            }
            let points = inputs.len() / layout.input_len;
            kernel.run_tile(
                scratch,
                Tile { points, inputs, params: &[], directions: &[], prepared: &[], outputs, traces: &mut [] },
            );
            for (to, from) in inputs.chunks_exact_mut(layout.input_len).zip(outputs.chunks_exact(layout.output_len)) {
                to[layout.states..].copy_from_slice(&from[..layout.spike]);
            }
        };
        let (inputs, outputs) = (TILE * layout.input_len, TILE * layout.output_len);
        let scratch = kernel.scratch_len().max(1);
        // One tile is not worth a hand-over.
        if self.outputs.len() <= outputs {
            work(0, &mut self.inputs, &mut self.outputs, &mut self.scratch);
        } else {
            let tiles = self.inputs.par_chunks_mut(inputs).zip(self.outputs.par_chunks_mut(outputs));
            let tiles = tiles.zip(self.scratch.par_chunks_mut(scratch)).enumerate();
            tiles.for_each(|(k, ((inputs, outputs), scratch))| work(k, inputs, outputs, scratch));
        }
        self.observe();
    }

    /// Collects spikes and looks for states that are no numbers.
    fn observe(&mut self) {
        let layout = &self.layout;
        self.fired.clear();
        self.broken = None;
        let size = self.plan.size as usize;
        for (c, chunk) in self.outputs.chunks_exact(layout.output_len).enumerate() {
            let first = c * layout.width;
            let units = layout.width.min(size - first);
            for (k, state) in chunk[..layout.spike].chunks_exact(layout.width).enumerate() {
                let state = &state[..units];
                // The sum of products with 0 tells without a branch.
                if self.broken.is_none() && state.iter().map(|v| v * 0.0).sum::<f32>() != 0.0 {
                    let bad = state.iter().position(|v| !v.is_finite());
                    self.broken = bad.map(|u| ((first + u) as u32, k, state[u]));
                }
            }
            let spikes = &chunk[layout.spike..layout.spike + units];
            let fired = spikes.iter().enumerate().filter(|(_, s)| **s != 0.0);
            self.fired.extend(fired.map(|(u, _)| (first + u) as u32));
        }
    }
}

/// Which random numbers of a step are meant.
struct Place {
    number: u32,
    chunk: u64,
    step: u64,
}

impl Place {
    /// 8 bits of population, 6 of source, 18 of chunk, 32 of step; the checker keeps all of them within.
    fn stream(&self, seed: u64, source: usize) -> Stream {
        let index = u64::from(self.number) << 56 | (source as u64) << 50 | self.chunk << 32 | self.step;
        Stream::new(seed, Purpose::Steps, index)
    }
}

/// Fills in what changes from step to step.
fn give(given: &[Given], layout: &Layout, chunk: &mut [f32], place: Place, dt: f64, seed: u64) {
    for (k, g) in given.iter().enumerate().filter(|(_, g)| g.moves()) {
        let at = layout.given[k];
        match g {
            Given::Time => chunk[at] = (place.step as f64 * dt) as f32,
            Given::StepNormal { scale } => {
                let mut stream = place.stream(seed, k);
                for to in &mut chunk[at..at + layout.width] {
                    let z: f64 = StandardNormal.sample(&mut stream);
                    *to = (scale * z) as f32;
                }
            }
            Given::StepUniform => {
                let mut stream = place.stream(seed, k);
                for to in &mut chunk[at..at + layout.width] {
                    *to = (stream.next_u32() >> 8) as f32 / 16_777_216.0;
                }
            }
            Given::Index | Given::Draw(_) => {}
        }
    }
}
