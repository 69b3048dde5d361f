//! What the checker yields for a `simulate` block: a simulation that is known to make sense.
//!
//! ```text
//! population exc = lif(100, tau = normal(20, 2)) with i = 1.2, v = uniform(0, 1)
//!   ->   given [normal(20, 2), uniform(0, 1)], params [g0, 1], input 1.2, starts [(v, g1)]
//! ```

use crate::check::expr::Expr;
use crate::check::model::NeuronModel;
use crate::plan::simulation::{Given, Pattern, Port, Record, Report};

#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// Constants in order, with `--set` applied; all are folded into the expressions already.
    pub constants: Vec<(String, f64)>,
    /// Neuron models in use.
    pub neurons: Vec<NeuronModel>,
    pub dt: f64,
    pub steps: u64,
    pub seed: u64,
    pub populations: Vec<Population>,
    pub connections: Vec<Connection>,
    pub records: Vec<Record>,
    pub report: Report,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    pub name: String,
    pub size: u32,
    /// What `Var::Given` means in its expressions.
    pub given: Vec<Given>,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Neurons {
        model: usize,
        /// One a parameter of the model; constant in time.
        params: Vec<Expr>,
        /// What `with` gives as input; 0 without.
        input: Expr,
        /// States that do not start as the model says, and where they start instead.
        starts: Vec<(usize, Expr)>,
    },
    /// Spikes at random, at most one a unit and step.
    Poisson {
        rate: Expr,
        /// The place of `StepUniform` in `given`.
        uniform: usize,
    },
}

/// `connect exc -> inh probability 0.1 weight w delay d`.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    pub from: usize,
    pub to: usize,
    pub pattern: Pattern,
    /// Units may be connected with themselves.
    pub autapses: bool,
    pub port: Port,
    /// What `Var::Given` means in the two that follow: draws, one a synapse.
    pub given: Vec<Given>,
    pub weight: Expr,
    /// In time, not steps.
    pub delay: Expr,
}
