//! The compiled kernels that the trainer runs: what the pipeline makes out of a [`Problem`](crate::ir::problem::Problem).

use crate::exec::kernel::AnyKernel;
use crate::ir::problem::Atom;
use crate::plan::Precision;

/// All kernels of a problem. Single input `coords`, the domain's coordinates in their own units.
#[derive(Clone)]
pub struct Kernels {
    /// Of all of them, and of the weights that they run under.
    pub precision: Precision,
    /// One for each distinct set of atoms that residuals observe. The first observes the values alone.
    pub observers: Vec<Observer>,
    /// Index into `observers` for each residual of the problem, in order.
    pub observer_of: Vec<usize>,
    /// Records spikes; see [`Network::probe`](crate::ir::problem::Network::probe).
    pub probe: AnyKernel,
    /// Counts spikes: [`Network::primal`](crate::ir::problem::Network::primal) as it is.
    pub counts: AnyKernel,
    /// For each layer of the network, the current-to-response curve of one of its units, where there is one.
    pub responses: Vec<Option<AnyKernel>>,
}

impl Kernels {
    /// The same with another kernel in the place of each.
    pub fn map(&self, f: &mut dyn FnMut(&AnyKernel) -> AnyKernel) -> Kernels {
        let observer = |o: &Observer, f: &mut dyn FnMut(&AnyKernel) -> AnyKernel| Observer {
            atoms: o.atoms.clone(),
            primal: f(&o.primal),
            features: o.features.as_ref().map(&mut *f),
            pools: o.pools.iter().map(|p| p.as_ref().map(&mut *f)).collect(),
            tangents: o.tangents.iter().map(|(k, t)| (*k, f(t))).collect(),
        };
        Kernels {
            precision: self.precision,
            observers: self.observers.iter().map(|o| observer(o, f)).collect(),
            observer_of: self.observer_of.clone(),
            probe: f(&self.probe),
            counts: f(&self.counts),
            responses: self.responses.iter().map(|r| r.as_ref().map(&mut *f)).collect(),
        }
    }

    /// Every kernel there is.
    pub fn all(&self) -> Vec<AnyKernel> {
        let mut all = vec![];
        self.map(&mut |kernel| {
            all.push(kernel.clone());
            kernel.clone()
        });
        all
    }
}

/// Kernels that yield fields and some of their partial derivatives. A derivative's output is named by
/// [`derivative_name`](crate::ir::problem::derivative_name).
#[derive(Clone)]
pub struct Observer {
    pub atoms: Vec<Atom>,
    /// The fields (and their derivatives) and, for the value-only observer, `finite.NAME` for each spiking layer: 0, or not a
    /// number if a neuron's state is not finite.
    pub primal: AnyKernel,
    /// As [`Network::features`](crate::ir::problem::Network::features), with derivatives, if there is a readout.
    pub features: Option<AnyKernel>,
    /// As `features`, for a block of candidates of a layer; one entry a layer of the network.
    pub pools: Vec<Option<AnyKernel>>,
    /// For each number of directions that `forward` phases take at once, in whole vectors
    /// ([`lanes_for`](crate::exec::kernel::lanes_for)): as `primal`, with the tangents of the outputs along
    /// that many directions, named by [`tangent_name`](crate::ir::problem::tangent_name).
    pub tangents: Vec<(u32, AnyKernel)>,
}
