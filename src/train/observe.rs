//! Running kernels at a system's points and sorting what comes out, in double precision, by residual.
//!
//! The laboratory is the only place where training meets kernels, so it is also where forward evaluations are counted:
//!
//! ```text
//! network at P points                    P
//! with tangents along K directions       P (1 + K)
//! a block of C candidates                P C / units of the layer
//! ```
//! Measurements that training does not use (the error on a coarse grid, absorbed residuals) are not counted.

use std::sync::Arc;

use crate::exec::driver::{run, run_many};
use crate::exec::kernel::Kernel;
use crate::func::MultiIndex;
use crate::ir::problem::{derivative_name, tangent_name};
use crate::train::kernels::{Kernels, Observer};
use crate::train::system::{Columns, Field, System};

pub struct Lab<'a> {
    kernels: &'a Kernels,
    coords: usize,
    /// A count of forward evaluations; a fraction remains where candidates take a part of a layer.
    evaluations: f64,
}

/// Features of the network, observed: u = phi . weight + phi0 bias + offset.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    pub phi: Columns,
    pub phi0: Columns,
    pub offset: Columns,
}

/// Weight vectors that are run in one go: enough for every thread, few enough to keep their results small.
const BATCH: usize = 32;

impl<'a> Lab<'a> {
    pub fn new(kernels: &'a Kernels, coords: usize) -> Lab<'a> {
        Lab { kernels, coords, evaluations: 0.0 }
    }

    pub fn evaluations(&self) -> u64 {
        self.evaluations.round() as u64
    }

    fn observer(&self, system: &System<'_>, station: usize) -> &'a Observer {
        &self.kernels.observers[system.stations[station].observer]
    }

    /// The field under one set of weights.
    pub fn field(&mut self, system: &System<'_>, params: &[f32]) -> Field {
        let mut fields = self.fields(system, &[params]);
        fields.pop().expect("one weight vector in, one field out")
    }

    /// The field under each of several sets of weights.
    pub fn fields(&mut self, system: &System<'_>, params: &[&[f32]]) -> Vec<Field> {
        let mut fields = vec![];
        for batch in params.chunks(BATCH) {
            let mut columns = vec![Columns::default(); batch.len()];
            for (s, station) in system.stations.iter().enumerate() {
                let kernel = &self.observer(system, s).primal;
                let results = run_many(kernel.as_ref(), &station.points, batch);
                for (result, columns) in results.iter().zip(&mut columns) {
                    self.sort(system, s, kernel, &result.outputs, &|a| derivative_name("u", a), 1, columns);
                }
            }
            fields.extend(columns.iter().map(to_field));
        }
        self.evaluations += (system.points() * params.len()) as f64;
        fields
    }

    /// The change of the field along each of `directions` (`[params][count]`), exact but for the surrogate.
    pub fn tangents(&mut self, system: &System<'_>, params: &[f32], directions: &[f32], count: usize) -> Columns {
        let mut columns = Columns::default();
        for (s, station) in system.stations.iter().enumerate() {
            let tangents = &self.observer(system, s).tangents;
            let (_, kernel) = tangents
                .iter()
                .find(|(k, _)| *k as usize == count)
                .expect("a kernel is compiled for every number of directions that a forward phase asks for");
            let result = run(kernel.as_ref(), &station.points, params, directions);
            let tangent = |a: &MultiIndex| tangent_name(&derivative_name("u", a));
            self.sort(system, s, kernel, &result.outputs, &tangent, count, &mut columns);
        }
        self.evaluations += (system.points() * (1 + count)) as f64;
        columns
    }

    /// The features of the network as it stands.
    pub fn features(&mut self, system: &System<'_>, params: &[f32], features_len: usize) -> Features {
        let empty = Columns::default;
        let mut features = Features { phi: empty(), phi0: empty(), offset: empty() };
        for (s, station) in system.stations.iter().enumerate() {
            let kernel = self.observer(system, s).features.as_ref().expect("a readout has features");
            let result = run(kernel.as_ref(), &station.points, params, &[]);
            let outputs = &result.outputs;
            self.sort(system, s, kernel, outputs, &|a| derivative_name("phi", a), features_len, &mut features.phi);
            self.sort(system, s, kernel, outputs, &|a| derivative_name("phi0", a), 1, &mut features.phi0);
            self.sort(system, s, kernel, outputs, &|a| derivative_name("offset", a), 1, &mut features.offset);
        }
        self.evaluations += system.points() as f64;
        features
    }

    /// The features of a full block of candidates of a layer that has `units` units.
    pub fn pool(&mut self, system: &System<'_>, layer: usize, params: &[f32], block: usize, units: usize) -> Columns {
        let mut columns = Columns::default();
        for (s, station) in system.stations.iter().enumerate() {
            let kernel = self.observer(system, s).pools[layer].as_ref().expect("a layer under pursuit has a pool");
            let result = run(kernel.as_ref(), &station.points, params, &[]);
            self.sort(system, s, kernel, &result.outputs, &|a| derivative_name("phi", a), block, &mut columns);
        }
        self.evaluations += (system.points() * block) as f64 / units.max(1) as f64;
        columns
    }

    /// Takes the outputs that the blocks of station `s` observe (`len` numbers each) out of a run's results.
    #[allow(clippy::too_many_arguments)]
    fn sort(
        &self,
        system: &System<'_>,
        s: usize,
        kernel: &Arc<dyn Kernel>,
        outputs: &[f32],
        name: &dyn Fn(&MultiIndex) -> String,
        len: usize,
        into: &mut Columns,
    ) {
        let program = kernel.program();
        let stride = program.output_len();
        into.len = len;
        into.blocks.resize(system.blocks.len(), vec![]);
        for (block, into) in system.blocks.iter().zip(&mut into.blocks) {
            if block.station != s {
                continue;
            }
            *into = block
                .observed(self.coords)
                .iter()
                .map(|a| {
                    let offset =
                        program.output_offset(&name(a)).expect("an observer yields what its residuals observe");
                    let rows = outputs[block.start * stride..(block.start + block.len) * stride].chunks_exact(stride);
                    rows.flat_map(|row| &row[offset..offset + len]).copied().collect()
                })
                .collect();
        }
    }
}

fn to_field(columns: &Columns) -> Field {
    let wide = |v: &Vec<f32>| v.iter().map(|&x| f64::from(x)).collect();
    Field { blocks: columns.blocks.iter().map(|b| b.iter().map(wide).collect()).collect() }
}
