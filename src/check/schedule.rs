//! The default training plan, and plans written back as the block that could stand in the program.
//!
//! ```text
//! Train { seed: 0, phases: [grow] }    ->    train { seed 0  phase grow { perturb neurons(h) pool 4000 mutate(0.1) … } }
//! ```

use std::fmt::Write;

use crate::check::model::Network;
use crate::plan::{
    Directions, Distribution, Estimate, Gradient, Method, Phase, Precision, Pursuit, Schedule, Scope as Reach, Shape,
    SolveReadout, StopWhen, Train, Update,
};

/// Candidates, relative perturbation and rounds of the default pursuit.
pub const POOL: usize = 4000;
pub const MUTATE: f64 = 0.1;
pub const ROUNDS: usize = 3;
/// Directions a layer, steps, and steps from one exact readout to the next, of the default where no layer can be grown.
const DIRECTIONS: usize = 64;
const STEPS: usize = 100;
const SOLVED: usize = 10;
/// How much of the last step the next one keeps, with momentum.
pub const BETA: f64 = 0.9;
/// Last steps that a step of Gauss and Newton may go along.
pub const COLUMNS: u64 = 1;
/// Moments and epsilon of Adam, as in its paper.
pub const BETA1: f64 = 0.9;
pub const BETA2: f64 = 0.999;
pub const EPSILON: f64 = 1e-8;

/// What a program without a `train` block gets.
pub fn default_plan(network: &Network, seed: u64) -> Train {
    let pursuit = |layer: &String| {
        Method::Pursuit(Pursuit { layer: layer.clone(), pool: POOL, mutate: MUTATE, ridge: None, rounds: ROUNDS })
    };
    let mut phases: Vec<Phase> = vec![];
    for layer in network.layers.iter().filter(|l| l.pursuit.is_some()) {
        // A name that a program cannot write (see `networks::join`) stands for two networks of the same layout.
        let name = format!("grow_{}", layer.name.replace('.', "_"));
        phases.push(Phase { name, method: pursuit(&layer.name), stop: StopWhen::default() });
    }
    if let [only] = phases.as_mut_slice() {
        only.name = "grow".into();
    }
    // Through a product every weight of a layer is solved for: there are many of them, and little is left for others to do.
    let is_product = network.fields.iter().any(|f| matches!(f.readout, Some((_, None))));
    if phases.is_empty() && is_product {
        let method = Method::Readout { ridge: None };
        phases.push(Phase { name: "solve_all".into(), method, stop: StopWhen::default() });
    }
    if phases.is_empty() {
        let has_readout = network.fields.iter().any(|f| f.readout.is_some());
        phases.push(Phase {
            name: "descend".into(),
            method: Method::Gradient(Gradient {
                distribution: Distribution::Orthogonal,
                sigma: None,
                directions: Directions::constant(DIRECTIONS),
                scope: Reach::Layer,
                antithetic: false,
                estimate: Estimate::Forward,
                update: Update::GaussNewton { rate: Schedule::constant(1.0), damping: None, columns: COLUMNS as usize },
                steps: STEPS,
                solve_readout: has_readout.then_some(SolveReadout { every: SOLVED, ridge: None }),
                clip: None,
                average: None,
                batch: None,
            }),
            stop: StopWhen::default(),
        });
    }
    Train { seed, precision: Precision::F32, phases, is_default: true }
}

/// A plan as a block that could stand in the program.
pub fn as_source(train: &Train) -> String {
    let mut out = format!("train {{\n  seed {}\n", train.seed);
    if train.precision != Precision::default() {
        let _ = writeln!(out, "  precision {}", train.precision.name());
    }
    let schedule = |s: &Schedule| {
        let shape = match s.shape {
            Shape::Linear => "linear",
            Shape::Exponential => "exponential",
            Shape::Cosine => "cosine",
        };
        if s.from == s.to { format!("{}", s.from) } else { format!("{} -> {} {shape}", s.from, s.to) }
    };
    let ridge = |r: &Option<f64>| r.map_or(String::new(), |r| format!("(ridge = {r})"));
    for phase in &train.phases {
        let _ = writeln!(out, "  phase {} {{", phase.name);
        match &phase.method {
            Method::Pursuit(p) => {
                let _ = writeln!(out, "    perturb neurons({}) pool {} mutate({})", p.layer, p.pool, p.mutate);
                let _ = writeln!(out, "    update pursuit{}\n    rounds {}", ridge(&p.ridge), p.rounds);
            }
            Method::Gradient(g) => {
                let sigma = g.sigma.as_ref().map(|s| format!("sigma = {}", schedule(s)));
                let (what, rank) = match g.distribution {
                    Distribution::Gaussian => ("gaussian", None),
                    Distribution::Rademacher => ("rademacher", None),
                    Distribution::Sphere => ("sphere", None),
                    Distribution::Orthogonal => ("orthogonal", None),
                    Distribution::Coordinate => ("coordinate", None),
                    Distribution::Rank(r) => ("rank", Some(r.to_string())),
                };
                let options: Vec<String> = rank.into_iter().chain(sigma).collect();
                let options = if options.is_empty() { String::new() } else { format!("({})", options.join(", ")) };
                let scope = match &g.scope {
                    Reach::Global => "global".to_string(),
                    Reach::Layer => "layer".to_string(),
                    Reach::Layers(layers) => format!("layer {}", layers.join(", ")),
                    Reach::Node => "node".to_string(),
                };
                let Directions { least, most } = g.directions;
                let directions =
                    if g.directions.is_constant() { least.to_string() } else { format!("{least} .. {most}") };
                let antithetic = if g.antithetic { " antithetic" } else { "" };
                let _ = writeln!(out, "    perturb {what}{options} directions {directions} scope {scope}{antithetic}");
                let estimate = if g.estimate == Estimate::Forward { "forward" } else { "difference" };
                let update = match &g.update {
                    Update::Sgd { rate } => format!("sgd(rate = {})", schedule(rate)),
                    Update::Momentum { rate, beta, nesterov } => {
                        let name = if *nesterov { "nesterov" } else { "momentum" };
                        format!("{name}(rate = {}, beta = {beta})", schedule(rate))
                    }
                    Update::GaussNewton { rate, damping, columns } => {
                        let damping = damping.map_or(String::new(), |d| format!(", damping = {d}"));
                        format!("gauss_newton(rate = {}{damping}, columns = {columns})", schedule(rate))
                    }
                    Update::Adam { rate, beta1, beta2, epsilon } => {
                        let rate = schedule(rate);
                        format!("adam(rate = {rate}, beta1 = {beta1}, beta2 = {beta2}, epsilon = {epsilon})")
                    }
                };
                let _ = writeln!(out, "    estimate {estimate}\n    update {update}\n    steps {}", g.steps);
                if let Some(s) = &g.solve_readout {
                    let _ = writeln!(out, "    solve readout{} every {}", ridge(&s.ridge), s.every);
                }
                if let Some(c) = g.clip {
                    let _ = writeln!(out, "    clip {c}");
                }
                if let Some(b) = g.average {
                    let _ = writeln!(out, "    average {b}");
                }
                if let Some(n) = g.batch {
                    let _ = writeln!(out, "    batch {n}");
                }
            }
            Method::Readout { ridge: r } => {
                let _ = writeln!(out, "    solve readout{}", ridge(r));
            }
        }
        if let Some(e) = &phase.stop.reached {
            let _ = writeln!(out, "    stop when {}", e.text);
        }
        if let Some(n) = phase.stop.stalled {
            let _ = writeln!(out, "    stop when stalled {n}");
        }
        out.push_str("  }\n");
    }
    out.push_str("}\n");
    out
}
