//! Every estimator of the gradient against the gradient itself, on a small smooth network: 3 tanh units, 4 tanh units, one
//! output, 27 weights, in double precision.
//!
//! An estimate is a random vector; its mean over many steps is compared with the gradient component by component, and its mean
//! squared distance from the gradient with what theory says of the directions. A comparison fails 6 deviations of the mean
//! away: by the normal law an estimator that is right fails one in 5e8 of them, and one in a million runs of all 1200 or so here.

use crate::check::Options as CheckOptions;
use crate::exec::Engine;
use crate::ir::op::ParamId;
use crate::pipeline::{Compiled, Source};
use crate::plan::{Directions, Distribution, Estimate, Gradient, Schedule, Scope, Update};
use crate::source::{MemoryFiles, Sources};
use crate::train::estimate::{Estimator, Here};
use crate::train::init;
use crate::train::observe::Lab;
use crate::train::perturb::{Group, groups};
use crate::train::readout::Penalty;
use crate::train::solve::square;
use crate::train::system::{Columns, Part, System};

/// Deviations of the mean at which a comparison fails.
const FAR: f64 = 6.0;

fn compiled(text: &str) -> Compiled {
    let mut sources = Sources::default();
    let options = CheckOptions { set: vec![], seed: None };
    let checking = Source::new("small.snn", text).check(&mut sources, &MemoryFiles::default(), &options);
    let program = checking.program.unwrap_or_else(|| panic!("{:#?}", checking.messages));
    program.compile(Engine::Jit).expect("compiles")
}

fn smooth() -> Compiled {
    let phase =
        |k| format!("phase k{k} {{ perturb gaussian directions {k} estimate forward update sgd(rate = 1) steps 1 }}");
    let text = format!(
        "domain {{ x in -1 .. 1 }}\nnetwork u(x) {{\n layer a = x |> dense(3, init = normal(1), bias = uniform(-1, 1)) |> tanh\n \
         layer b = a |> dense(4, init = normal(1), bias = uniform(-1, 1)) |> tanh\n output = b |> dense(1, init = normal(1)) }}\n\
         residual fit on grid(x = 24) : u + u^3 = sin(3*x) + x\ntrain {{ precision f64 {} {} {} }}",
        phase(4),
        phase(8),
        phase(16)
    );
    compiled(&text)
}

/// The problem at its start, and ways to ask for gradients there.
struct Bench<'a> {
    c: &'a Compiled,
    theta: Vec<f64>,
}

impl Bench<'_> {
    fn groups(&self, scope: &Scope) -> Vec<Group> {
        groups(&self.c.problem.network, scope, false)
    }

    /// The estimates of so many steps.
    fn estimates(&self, plan: &Gradient, sigma: f64, steps: usize) -> Vec<Vec<f64>> {
        let (problem, kernels) = (&self.c.problem, &self.c.kernels);
        let system = System::new(problem, kernels, 1, Part::Trained);
        let mut lab = Lab::new(&problem.network, kernels, 1);
        let field = lab.field(&system, &self.theta);
        let frame = system.frame(Some(&field));
        let rows = frame.residual(&field);
        let estimator = Estimator { plan, groups: self.groups(&plan.scope), seed: 17, phase: 0 };
        let here = Here { system: &system, frame: &frame, theta: &self.theta, rows: &rows };
        let directions = plan.directions.least;
        (0..steps).map(|step| estimator.gradient(&mut lab, here, sigma, step, directions).unwrap()).collect()
    }

    /// By central differences of single weights, of the loss with all its terms.
    fn differences(&self, h: f64) -> Vec<f64> {
        let (problem, kernels) = (&self.c.problem, &self.c.kernels);
        let system = System::new(problem, kernels, 1, Part::Trained);
        let mut lab = Lab::new(&problem.network, kernels, 1);
        let mut loss = |theta: &[f64]| {
            let field = lab.field(&system, theta);
            square(&system.frame(Some(&field)).residual(&field))
        };
        let mut theta = self.theta.clone();
        (0..theta.len())
            .map(|k| {
                let mut at = |x: f64| {
                    let own = std::mem::replace(&mut theta[k], x);
                    let found = loss(&theta);
                    theta[k] = own;
                    found
                };
                (at(self.theta[k] + h) - at(self.theta[k] - h)) / (2.0 * h)
            })
            .collect()
    }
}

fn on_bench(ask: impl FnOnce(&Bench<'_>)) {
    let c = smooth();
    let theta = init::params(&c.problem.network, &c.kernels, 5);
    assert_eq!(theta.len(), 27);
    ask(&Bench { c: &c, theta });
}

/// Stein's weak form by samples: over the steps of a phase, each with samples of its own, the gradient through two spiking layers
/// is on the average the one with the normal density itself.
#[test]
fn sampled_surrogates_are_the_closed_form_on_the_average() {
    const STEPS: usize = 3000;
    let spiking = |surrogate: &str| {
        compiled(&format!(
            "neuron cell {{\n input i\n state v = 0\n flow v' = (i - v) / 4\n spike when v >= 1 surrogate {surrogate}\n reset v -= 1 }}\n\
             domain {{ x in -1 .. 1 }}\nnetwork u(x) {{\n steps 8\n layer a = tuned(x, 3) |> cell\n layer b = a |> dense(2, init = normal(3)) |> cell\n \
             output = b |> mean |> dense(1) }}\nresidual fit on grid(x = 24) : u = sin(3*x)\n\
             train {{ phase p {{ perturb gaussian directions 16 estimate forward update sgd(rate = 1) steps 1 }}\n\
             phase q {{ perturb gaussian directions 8 estimate forward update sgd(rate = 1) steps 1 }}\n\
             phase r {{ perturb gaussian directions 4 estimate forward update sgd(rate = 1) steps 1 }} }}"
        ))
    };
    let (closed, sampled) = (spiking("gaussian(sigma = 0.4)"), spiking("gaussian(sigma = 0.4, samples = 2)"));
    let (of_closed, of_sampled) = (&closed.problem.network, &sampled.problem.network);
    // The parameters of the one in the other.
    let place = |network, k: usize| init::place(network, ParamId(k as u32));
    let params = of_closed.primal.params.iter().enumerate();
    let same: Vec<(usize, usize)> = params
        .flat_map(|(k, p)| {
            let other = of_sampled.primal.params.iter().position(|q| q.name == p.name).expect("is there");
            place(of_closed, k).zip(place(of_sampled, other))
        })
        .collect();
    let start = init::params(of_closed, &closed.kernels, 5);
    let count = groups(of_closed, &Scope::Global, false)[0].weights.len();
    let all = plan(Distribution::Coordinate, Scope::Global, count);
    let exact = Bench { c: &closed, theta: start.clone() }.estimates(&all, 0.0, 1).remove(0);
    let mut theta = init::params(of_sampled, &sampled.kernels, 5);
    assert_eq!(theta.len(), start.len() + 2 * 8 * 2, "two layers, eight steps, two samples");
    same.iter().for_each(|(a, b)| theta[*b] = start[*a]);
    let drawn: Vec<Vec<f64>> = (0..STEPS)
        .map(|step| {
            init::sample_surrogates(of_sampled, sampled.kernels.precision, 3, (0, step), &mut theta);
            Bench { c: &sampled, theta: theta.clone() }.estimates(&all, 0.0, 1).remove(0)
        })
        .collect();
    let size = norm(&exact);
    assert!(size > 1e-3 && exact[..3].iter().any(|g| g.abs() > 1e-3 * size), "{exact:?}");
    for (a, b) in same {
        let (mean, deviation) = moments(&drawn.iter().map(|g| g[b]).collect::<Vec<_>>());
        let bound = FAR * deviation + 1e-5 * size;
        assert!((mean - exact[a]).abs() < bound, "weight {a}: {mean}, not {} +- {bound}", exact[a]);
        assert!(bound < 0.1 * size, "too coarse to tell: {bound} of {size}");
    }
}

fn plan(distribution: Distribution, scope: Scope, directions: usize) -> Gradient {
    Gradient {
        distribution,
        sigma: None,
        directions: Directions::constant(directions),
        scope,
        antithetic: false,
        estimate: Estimate::Forward,
        update: Update::Sgd { rate: Schedule::constant(1.0) },
        steps: 1,
        solve_readout: None,
        clip: None,
        average: None,
        batch: None,
    }
}

fn norm(v: &[f64]) -> f64 {
    square(v).sqrt()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>()) / norm(b)
}

const DISTRIBUTIONS: [Distribution; 7] = [
    Distribution::Gaussian,
    Distribution::Rademacher,
    Distribution::Sphere,
    Distribution::Orthogonal,
    Distribution::Rank(1),
    Distribution::Rank(2),
    Distribution::Coordinate,
];

fn scopes() -> [Scope; 4] {
    [Scope::Global, Scope::Layer, Scope::Layers(vec!["b".into()]), Scope::Node]
}

/// The mean squared distance of an estimate of `k` directions from the gradient `g`, as [`directions`](crate::train::directions)
/// has it.
fn spread(distribution: Distribution, group: &Group, g: &[f64], k: usize) -> f64 {
    let own: Vec<f64> = group.weights.iter().map(|w| g[*w as usize]).collect();
    let (n, power) = (own.len() as f64, square(&own));
    match distribution {
        Distribution::Gaussian => (n + 1.0) / k as f64 * power,
        Distribution::Rademacher | Distribution::Sphere => (n - 1.0) / k as f64 * power,
        Distribution::Orthogonal | Distribution::Coordinate => {
            // Whole blocks are exact; of what is left over, a random projection.
            let (left, k) = ((k % own.len()) as f64, k as f64);
            (n / k) * (n / k) * (left / n) * (1.0 - left / n) * power
        }
        Distribution::Rank(r) => {
            let matrices = group.matrices.iter().filter(|m| m.rows.min(m.cols) > r as usize);
            let more: f64 = matrices
                .map(|m| {
                    let of = square(&own[m.at..m.at + m.rows * m.cols]);
                    2.0 * (1.0 - 1.0 / f64::from(r)) * of
                })
                .sum();
            ((n - 1.0) * power + more) / k as f64
        }
    }
}

#[test]
fn tangents_are_the_slopes_that_differences_see() {
    on_bench(|bench| {
        // All coordinates once: every tangent by itself.
        let all = plan(Distribution::Coordinate, Scope::Global, 27);
        let exact = &bench.estimates(&all, 0.0, 1)[0];
        let seen = bench.differences(1e-5);
        assert!(distance(exact, &seen) < 1e-7, "{exact:?}\n{seen:?}");
        assert!(exact.iter().all(|g| g.abs() > 1e-6), "every weight matters: {exact:?}");
    });
}

/// The mean over 2000 steps, and the spread of the estimates about the gradient.
#[test]
fn every_estimate_is_unbiased_and_as_noisy_as_theory_says() {
    const STEPS: usize = 2000;
    const K: usize = 4;
    on_bench(|bench| {
        let exact = bench.estimates(&plan(Distribution::Coordinate, Scope::Global, 27), 0.0, 1).remove(0);
        let size = norm(&exact);
        for distribution in DISTRIBUTIONS {
            for scope in scopes() {
                let name = format!("{distribution:?}, {scope:?}");
                let groups = bench.groups(&scope);
                let mut wanted = vec![0.0; exact.len()];
                groups.iter().flat_map(|g| &g.weights).for_each(|w| wanted[*w as usize] = exact[*w as usize]);
                let estimates = bench.estimates(&plan(distribution, scope, K), 0.0, STEPS);
                for k in 0..exact.len() {
                    let component: Vec<f64> = estimates.iter().map(|e| e[k]).collect();
                    let (mean, deviation) = moments(&component);
                    // Directions are numbers of single precision: 1e-7 of a direction is not perturbed.
                    let bound = FAR * deviation + 1e-6 * size;
                    assert!(
                        (mean - wanted[k]).abs() < bound,
                        "{name}, weight {k}: {mean}, not {} +- {bound}",
                        wanted[k]
                    );
                    assert!(bound < 0.2 * size, "{name}: too coarse to tell");
                }
                let far = |e: &Vec<f64>| e.iter().zip(&wanted).map(|(e, w)| (e - w) * (e - w)).sum::<f64>();
                let (mean, deviation) = moments(&estimates.iter().map(far).collect::<Vec<_>>());
                let theory: f64 = groups.iter().map(|g| spread(distribution, g, &exact, K)).sum();
                let bound = FAR * deviation + 1e-6 * size * size;
                assert!((mean - theory).abs() < bound, "{name}: spread {mean}, not {theory} +- {bound}");
                assert!(bound < 0.3 * theory + 1e-5 * size * size, "{name}: too coarse to tell, {bound} of {theory}");
            }
        }
    });
}

/// Mean, and the deviation of the mean.
fn moments(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Sign and scale, direction by direction: what a small perturbation changes is the tangent, to the second order of its size
/// if both signs are run and to the first if one is.
#[test]
fn differences_are_tangents_in_the_limit() {
    on_bench(|bench| {
        for distribution in DISTRIBUTIONS {
            for scope in scopes() {
                let forward = plan(distribution, scope, 3);
                let tangent = &bench.estimates(&forward, 0.0, 1)[0];
                let off = |antithetic, sigma| {
                    let plan = Gradient { estimate: Estimate::Difference, antithetic, ..forward.clone() };
                    distance(&bench.estimates(&plan, sigma, 1)[0], tangent)
                };
                let (one, both) = ([1e-3, 1e-4].map(|s| off(false, s)), [1e-3, 1e-4].map(|s| off(true, s)));
                assert!(one[1] < 0.12 * one[0] + 1e-7 && one[0] < 0.3, "{distribution:?}: {one:?}");
                assert!(both[1] < 0.012 * both[0] + 1e-7 && both[0] < 1e-2, "{distribution:?}: {both:?}");
            }
        }
    });
}

/// A group for each of the 3 + 4 + 1 neurons, every weight in one of them; columns of a matrix are no matrix.
#[test]
fn a_neuron_is_perturbed_in_the_weights_that_lead_to_it() {
    on_bench(|bench| {
        let groups = bench.groups(&Scope::Node);
        let sizes: Vec<usize> = groups.iter().map(|g| g.weights.len()).collect();
        assert_eq!(sizes, [2, 2, 2, 4, 4, 4, 4, 5]);
        let mut all: Vec<u32> = groups.iter().flat_map(|g| g.weights.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..27).collect::<Vec<_>>());
        let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names[..4], ["a.dense[0]", "a.dense[1]", "a.dense[2]", "b.dense[0]"]);
        assert!(groups.iter().all(|g| g.matrices.is_empty()));
        let rows_and_cols = |g: &Group| g.matrices.iter().map(|m| (m.rows, m.cols)).collect::<Vec<_>>();
        assert_eq!(rows_and_cols(&bench.groups(&Scope::Global)[0]), [(3, 4)]);
        let layers: Vec<_> = bench.groups(&Scope::Layer).iter().map(rows_and_cols).collect();
        assert_eq!(layers, [vec![], vec![(3, 4)], vec![]]);
    });
}

/// In the weights of the readout the rows are affine: with as many directions as weights one undamped step ends where the gradient
/// is 0, and with fewer each step is the best in its span.
#[test]
fn gauss_and_newton_solve_an_affine_problem_in_one_step() {
    on_bench(|bench| {
        let (problem, kernels) = (&bench.c.problem, &bench.c.kernels);
        let system = System::new(problem, kernels, 1, Part::Trained);
        let mut lab = Lab::new(&problem.network, kernels, 1);
        // A frame about this field takes the place of the nonlinear term.
        let field = lab.field(&system, &bench.theta);
        let frame = system.frame(Some(&field));
        let mut after = |estimate, directions, theta: &[f64], step| {
            let rows = frame.apply(&observed(&mut lab, &system, theta));
            let rows: Vec<f64> = rows.col(0).iter().zip(frame.target()).map(|(a, b)| a - b).collect();
            let plan = Gradient {
                estimate,
                antithetic: true,
                ..plan(Distribution::Orthogonal, Scope::Layers(vec!["output".into()]), directions)
            };
            let estimator = Estimator { plan: &plan, groups: bench.groups(&plan.scope), seed: 17, phase: 0 };
            let here = Here { system: &system, frame: &frame, theta, rows: &rows };
            let slopes = estimator.slopes(&mut lab, here, 1e-3, (step, directions), &[]).unwrap();
            let (found, _) = slopes.step(&rows, Penalty::Given(0.0), theta.len()).unwrap();
            let theta: Vec<f64> = theta.iter().zip(found).map(|(t, s)| t - s).collect();
            (theta, square(&rows))
        };
        let (solved, before) = after(Estimate::Forward, 5, &bench.theta, 0);
        let (again, least) = after(Estimate::Forward, 5, &solved, 1);
        assert!(least < before && distance(&again, &solved) < 1e-5, "{before} {least}");
        let mut theta = bench.theta.clone();
        let mut losses = vec![];
        for step in 0..12 {
            let (next, loss) = after(Estimate::Forward, 2, &theta, step);
            theta = next;
            losses.push(loss);
        }
        assert!(losses.windows(2).all(|w| w[1] <= w[0] * (1.0 + 1e-9)), "{losses:?}");
        assert!(losses[11] < least + 0.1 * (before - least), "{losses:?}, at best {least}");
    });
}

/// The field as columns of one function.
fn observed(lab: &mut Lab<'_>, system: &System<'_>, theta: &[f64]) -> Columns {
    let field = lab.field(system, theta);
    let wide = |v: &Vec<f64>| crate::exec::kernel::Numbers::Double(v.clone());
    Columns { len: 1, blocks: field.blocks.iter().map(|b| b.iter().map(wide).collect()).collect() }
}

/// Directions of several groups share runs: as many lanes as there are, and the count of evaluations says so.
#[test]
fn groups_share_runs_of_the_network() {
    on_bench(|bench| {
        let (problem, kernels) = (&bench.c.problem, &bench.c.kernels);
        let system = System::new(problem, kernels, 1, Part::Trained);
        let spent = |scope: Scope, k: usize| {
            let mut lab = Lab::new(&problem.network, kernels, 1);
            let field = lab.look(&system, &bench.theta);
            let frame = system.frame(Some(&field));
            let rows = frame.residual(&field);
            let plan = plan(Distribution::Gaussian, scope, k);
            let estimator = Estimator { plan: &plan, groups: bench.groups(&plan.scope), seed: 17, phase: 0 };
            let here = Here { system: &system, frame: &frame, theta: &bench.theta, rows: &rows };
            estimator.gradient(&mut lab, here, 0.0, 0, k).unwrap();
            lab.evaluations() / system.points() as u64
        };
        assert_eq!(spent(Scope::Global, 16), 1 + 16);
        assert_eq!(spent(Scope::Layer, 5), 1 + 15);
        assert_eq!(spent(Scope::Node, 2), 1 + 16);
        assert_eq!(spent(Scope::Node, 3), 2 + 24);
    });
}

/// A range of directions takes as many as the noise asks for, and a phase with every option of an update lowers the loss.
#[test]
fn ranges_of_directions_stay_within_their_ends() {
    on_bench(|bench| {
        let all: Vec<usize> = crate::train::directions_a_step(
            &bench.c.problem.network,
            &Gradient { directions: Directions { least: 2, most: 4 }, ..plan(Distribution::Gaussian, Scope::Layer, 1) },
        )
        .collect();
        assert_eq!(all, [6, 9, 12]);
    });
}
