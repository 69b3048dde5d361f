//! What the checker yields for a `simulate` block: a simulation that is known to make sense.
//!
//! ```text
//! population exc = lif(100, tau = normal(20, 2)) with i = 1.2, v = uniform(0, 1)
//!   ->   given [normal(20, 2), uniform(0, 1)], params [g0, 1], input 1.2, starts [(v, g1)]
//! ```

use std::fmt::{Display, Formatter, Result};

use crate::check::expr::Expr;
use crate::check::model::NeuronModel;
use crate::check::print::{Vocabulary, show_neuron};
use crate::plan::simulation::{Given, Pattern, Port, Record, Report};
use crate::source::Span;

#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// Constants in order, with `--set` applied; all are folded into the expressions already.
    pub constants: Vec<(String, f64)>,
    /// The program uses units: times are held in ms.
    pub units: bool,
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

impl Simulation {
    /// For each population whether it never spikes because its model has no spike.
    pub fn silent(&self) -> impl Iterator<Item = bool> {
        self.populations.iter().map(|p| match &p.kind {
            Kind::Neurons { model, .. } => self.neurons[*model].spike.is_none(),
            Kind::Poisson { .. } => false,
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    pub name: String,
    pub size: u32,
    /// What `Var::Given` means in its expressions.
    pub given: Vec<Given>,
    pub kind: Kind,
    pub span: Span,
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
    pub span: Span,
}

/// For `snnc emit --stage model`; `g0`, `g1` are what is given, which each population lists.
impl Display for Simulation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let words = Vocabulary::default();
        for (name, value) in &self.constants {
            writeln!(f, "const {name} = {value}")?;
        }
        for neuron in &self.neurons {
            show_neuron(f, neuron)?;
        }
        writeln!(f, "simulate  dt {}  steps {}  seed {}", self.dt, self.steps, self.seed)?;
        for p in &self.populations {
            match &p.kind {
                Kind::Neurons { model, params, input, starts } => {
                    let model = &self.neurons[*model];
                    let params: Vec<String> = model
                        .params
                        .iter()
                        .zip(params)
                        .map(|(p, e)| format!("{} = {}", p.name, words.show(e)))
                        .collect();
                    write!(f, "  population {} = {} units of {}({})", p.name, p.size, model.name, params.join(", "))?;
                    write!(f, "  input {}", words.show(input))?;
                    for (k, e) in starts {
                        write!(f, "  {} starts at {}", model.states[*k].name, words.show(e))?;
                    }
                }
                Kind::Poisson { rate, .. } => {
                    write!(f, "  population {} = {} Poisson sources of rate {}", p.name, p.size, words.show(rate))?;
                }
            }
            for (k, g) in p.given.iter().enumerate() {
                write!(f, "  g{k} = {g:?}")?;
            }
            writeln!(f)?;
        }
        for c in &self.connections {
            let (from, to) = (&self.populations[c.from].name, &self.populations[c.to].name);
            write!(f, "  connect {from} -> {to}  {:?}  {:?}", c.pattern, c.port)?;
            write!(f, "  weight {}  delay {}", words.show(&c.weight), words.show(&c.delay))?;
            for (k, g) in c.given.iter().enumerate() {
                write!(f, "  g{k} = {g:?}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
