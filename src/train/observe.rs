//! Running kernels at a system's points and sorting what comes out, in double precision, by residual.
//!
//! The laboratory is the only place where training meets kernels, so it is also where forward evaluations are counted:
//!
//! ```text
//! network at P points                    P
//! with tangents along K directions       P (1 + K), K at most 16 at a time
//! a block of C candidates                P C / units of the layer
//! ```
//! Measurements that training does not use (the error on a coarse grid, absorbed residuals) are not counted.

use crate::exec::kernel::{AnyKernel, AnyResults, DIRECTIONS, Numbers, lanes_for};
use crate::ir::problem::{Atom, Network, derivative_name, tangent_name};
use crate::train::fault::Spot;
use crate::train::kernels::{Kernels, Observer};
use crate::train::system::{Columns, Field, System};

pub struct Lab<'a> {
    network: &'a Network,
    kernels: &'a Kernels,
    coords: usize,
    /// A count of forward evaluations; a fraction remains where candidates take a part of a layer.
    evaluations: f64,
    /// The first point, since somebody asked, where a network's outputs were not finite.
    fault: Option<Spot>,
}

/// Features of the network, observed: each field is the sum over readouts of phi . weight + phi0 bias, plus the offset.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// One entry a readout.
    pub readouts: Vec<ReadoutFeatures>,
    pub offset: Columns,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadoutFeatures {
    pub phi: Columns,
    pub phi0: Columns,
}

/// Weight vectors that are run in one go: enough for every thread, few enough to keep their results small.
const BATCH: usize = 32;

impl<'a> Lab<'a> {
    pub fn new(network: &'a Network, kernels: &'a Kernels, coords: usize) -> Lab<'a> {
        Lab { network, kernels, coords, evaluations: 0.0, fault: None }
    }

    /// The output that holds what is observed of a field.
    fn named(&self, what: &str, atom: &Atom) -> String {
        let field = &self.network.fields[atom.field].name;
        let output = if what.is_empty() { field.clone() } else { format!("{what}.{field}") };
        derivative_name(&output, &atom.alpha)
    }

    pub fn evaluations(&self) -> u64 {
        self.evaluations.round() as u64
    }

    /// The same with its fraction.
    pub fn spent(&self) -> f64 {
        self.evaluations
    }

    /// Goes on from where another laboratory was left.
    pub fn restore(&mut self, evaluations: f64, fault: Option<Spot>) {
        (self.evaluations, self.fault) = (evaluations, fault);
    }

    /// The first point where outputs have not been finite.
    pub fn fault(&self) -> Option<&Spot> {
        self.fault.as_ref()
    }

    /// As `fault`; from now on there has been none.
    pub fn take_fault(&mut self) -> Option<Spot> {
        self.fault.take()
    }

    /// Keeps the place of the first output that is not finite.
    fn watch(&mut self, system: &System<'_>, s: usize, kernel: &AnyKernel, results: &AnyResults, params: &[f64]) {
        if self.fault.is_none()
            && let Some(at) = results.first_not_finite(kernel.program().output_len())
        {
            self.fault = Some(Spot::new(system, s, at, params));
        }
    }

    fn observer(&self, system: &System<'_>, station: usize) -> &'a Observer {
        &self.kernels.observers[system.stations[station].observer]
    }

    /// The field under one set of weights.
    pub fn field(&mut self, system: &System<'_>, params: &[f64]) -> Field {
        let mut fields = self.fields(system, &[params]);
        fields.pop().expect("one weight vector in, one field out")
    }

    /// The field under one set of weights, to be counted when it is used.
    pub fn look(&mut self, system: &System<'_>, params: &[f64]) -> Field {
        let before = self.evaluations;
        let field = self.field(system, params);
        self.evaluations = before;
        field
    }

    /// Counts a field that was only looked at so far.
    pub fn count(&mut self, system: &System<'_>) {
        self.evaluations += system.points() as f64;
    }

    /// The field under each of several sets of weights.
    pub fn fields(&mut self, system: &System<'_>, params: &[&[f64]]) -> Vec<Field> {
        let mut fields = vec![];
        for batch in params.chunks(BATCH) {
            let mut columns = vec![Columns::default(); batch.len()];
            for (s, station) in system.stations.iter().enumerate() {
                let kernel = &self.observer(system, s).primal;
                let results = kernel.run_many(&station.points, batch);
                for ((result, columns), params) in results.iter().zip(&mut columns).zip(batch) {
                    self.watch(system, s, kernel, result, params);
                    self.sort(system, s, kernel, &result.outputs, &|a| Some(self.named("", a)), 1, columns);
                }
            }
            fields.extend(columns.iter().map(to_field));
        }
        self.evaluations += (system.points() * params.len()) as f64;
        fields
    }

    /// The change of the field along each of `directions` (`[params][count]`, at most [`DIRECTIONS`]), exact but for the
    /// surrogate.
    pub fn tangents(&mut self, system: &System<'_>, params: &[f64], directions: &[f64], count: usize) -> Columns {
        let mut columns = Columns::default();
        let lanes = lanes_for(count);
        // Kernels take whole vectors of directions: those that are not asked for are 0.
        let mut filled = vec![];
        if lanes != count {
            filled.resize(params.len() * lanes, 0.0);
            let rows = filled.chunks_exact_mut(lanes).zip(directions.chunks_exact(count));
            rows.for_each(|(to, from)| to[..count].copy_from_slice(from));
        }
        let directions = if lanes == count { directions } else { &filled };
        for (s, station) in system.stations.iter().enumerate() {
            let tangents = &self.observer(system, s).tangents;
            let (_, kernel) = tangents
                .iter()
                .find(|(k, _)| *k as usize == lanes)
                .expect("a kernel is compiled for every number of directions that a forward phase asks for");
            let result = kernel.run(&station.points, params, directions);
            self.watch(system, s, kernel, &result, params);
            let tangent = |a: &Atom| Some(tangent_name(&self.named("", a)));
            self.sort(system, s, kernel, &result.outputs, &tangent, count, &mut columns);
        }
        debug_assert!(count <= DIRECTIONS, "no more directions than kernels take");
        self.evaluations += (system.points() * (1 + count)) as f64;
        columns
    }

    /// The features of the network as it stands.
    pub fn features(&mut self, system: &System<'_>, params: &[f64]) -> Features {
        let readouts = vec![ReadoutFeatures::default(); self.network.readouts.len()];
        let mut features = Features { readouts, offset: Columns::default() };
        for (s, station) in system.stations.iter().enumerate() {
            let kernel = self.observer(system, s).features.as_ref().expect("a readout has features");
            let result = kernel.run(&station.points, params, &[]);
            self.watch(system, s, kernel, &result, params);
            let outputs = &result.outputs;
            for (k, (readout, into)) in self.network.readouts.iter().zip(&mut features.readouts).enumerate() {
                let len = readout.features as usize;
                let of = |what: &str, a: &Atom| (self.readout(a) == Some(k)).then(|| self.named(what, a));
                self.sort(system, s, kernel, outputs, &|a| of("phi", a).filter(|_| len > 0), len, &mut into.phi);
                self.sort(system, s, kernel, outputs, &|a| of("phi0", a), 1, &mut into.phi0);
            }
            let offset = |a: &Atom| Some(self.named("offset", a));
            self.sort(system, s, kernel, outputs, &offset, 1, &mut features.offset);
        }
        self.evaluations += system.points() as f64;
        features
    }

    fn readout(&self, atom: &Atom) -> Option<usize> {
        self.network.fields[atom.field].readout
    }

    /// The features of a full block of candidates of a layer, for each of the readouts that it feeds.
    pub fn pool(&mut self, system: &System<'_>, layer: usize, params: &[f64]) -> Vec<Columns> {
        let (units, of_layer) = (self.network.layers[layer].units, &self.network.layers[layer].pursuit);
        let plan = of_layer.as_ref().expect("a layer under pursuit has units to choose");
        let block = plan.block as usize;
        let mut columns = vec![Columns::default(); plan.feeds.len()];
        for (s, station) in system.stations.iter().enumerate() {
            let kernel = self.observer(system, s).pools[layer].as_ref().expect("a layer under pursuit has a pool");
            let result = kernel.run(&station.points, params, &[]);
            for (k, into) in plan.feeds.iter().zip(&mut columns) {
                let phi = |a: &Atom| (self.readout(a) == Some(*k)).then(|| self.named("phi", a));
                self.sort(system, s, kernel, &result.outputs, &phi, block, into);
            }
        }
        self.evaluations += (system.points() * block) as f64 / f64::from(units.max(1));
        columns
    }

    /// Takes the outputs that the blocks of station `s` observe (`len` numbers each) out of a run's results; nothing where
    /// there is no name.
    #[allow(clippy::too_many_arguments)]
    fn sort(
        &self,
        system: &System<'_>,
        s: usize,
        kernel: &AnyKernel,
        outputs: &Numbers,
        name: &dyn Fn(&Atom) -> Option<String>,
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
                    let Some(name) = name(a) else { return Numbers::default() };
                    let offset = program.output_offset(&name).expect("an observer yields what its residuals observe");
                    outputs.part(block.start * stride, (block.start + block.len) * stride, stride, offset, len)
                })
                .collect();
        }
    }
}

fn to_field(columns: &Columns) -> Field {
    Field { blocks: columns.blocks.iter().map(|b| b.iter().map(Numbers::wide).collect()).collect() }
}
