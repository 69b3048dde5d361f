//! The compiled kernels that the trainer runs: what the pipeline makes out of a [`Problem`](crate::ir::problem::Problem).

use std::sync::Arc;

use crate::exec::kernel::Kernel;
use crate::ir::problem::Atom;

/// All kernels of a problem. Single input `coords`, the domain's coordinates in their own units.
#[derive(Clone)]
pub struct Kernels {
    /// One for each distinct set of atoms that residuals observe. The first observes the values alone.
    pub observers: Vec<Observer>,
    /// Index into `observers` for each residual of the problem, in order.
    pub observer_of: Vec<usize>,
    /// Records spikes; see [`Network::probe`](crate::ir::problem::Network::probe).
    pub probe: Arc<dyn Kernel>,
    /// For each layer of the network, the current-to-response curve of one of its units, where there is one.
    pub responses: Vec<Option<Arc<dyn Kernel>>>,
}

/// Kernels that yield fields and some of their partial derivatives. A derivative's output is named by
/// [`derivative_name`](crate::ir::problem::derivative_name).
#[derive(Clone)]
pub struct Observer {
    pub atoms: Vec<Atom>,
    /// The fields (and their derivatives) and, for the value-only observer, the spike counts.
    pub primal: Arc<dyn Kernel>,
    /// As [`Network::features`](crate::ir::problem::Network::features), with derivatives, if there is a readout.
    pub features: Option<Arc<dyn Kernel>>,
    /// As `features`, for a block of candidates of a layer; one entry a layer of the network.
    pub pools: Vec<Option<Arc<dyn Kernel>>>,
    /// For each number of directions that a `forward` phase asks for: as `primal`, with the tangents of the outputs along
    /// that many directions, named by [`tangent_name`](crate::ir::problem::tangent_name).
    pub tangents: Vec<(u32, Arc<dyn Kernel>)>,
}
