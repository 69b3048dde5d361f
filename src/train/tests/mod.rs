//! The engine as a whole, on problems small enough to build by hand and to run in the interpreter.

mod adapt;
mod held;
mod small;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::func::{Binary, MultiIndex};
use crate::ir::op::Op;
use crate::ir::problem::*;
use crate::plan::{
    Directions, Distribution, Dynamics, Estimate, Gradient, Method, Pursuit, Sampler, Schedule, Scope, SolveReadout,
    Update,
};
use crate::train::estimate::{Estimator, Here};
use crate::train::kernels::Kernels;
use crate::train::outcome::{Outcome, Point, Progress, Silent, Status};
use crate::train::perturb::groups;
use crate::train::solve::square;
use crate::train::system::{Part, System};
use crate::train::{Options, init, measure, observe, predict, raster, spike_rates, train};
use small::{FORWARD, POINTWISE, STEPS, Unit, expression, problem, target, u_itself};

fn pursuit(pool: usize, rounds: usize) -> Method {
    Method::Pursuit(Pursuit { layer: "h".into(), pool, mutate: 0.1, ridge: Some(1e-6), rounds })
}

fn gradient(estimate: Estimate, scope: Scope, directions: usize, antithetic: bool, steps: usize) -> Gradient {
    Gradient {
        distribution: Distribution::Rademacher,
        sigma: Some(Schedule::constant(1e-2)),
        directions: Directions::constant(directions),
        scope,
        antithetic,
        estimate,
        update: Update::Adam { rate: Schedule::constant(0.02), beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        steps,
        solve_readout: None,
        clip: None,
        average: None,
        batch: None,
    }
}

fn run(problem: &Problem, kernels: &Kernels) -> Outcome {
    train(problem, kernels, &Options { seed: problem.train.seed, ..Default::default() }, &mut Silent)
}

/// The estimate averaged over `steps` steps' directions, and the gradient by central differences of single weights.
fn estimated(plan: &Gradient, steps: usize) -> (Vec<f64>, Vec<f64>) {
    let (problem, kernels) = problem(Unit::Tanh, 4, true, vec![]);
    let system = System::new(&problem, &kernels, 1, Part::Trained);
    let frame = system.frame(None);
    let mut lab = observe::Lab::new(&problem.network, &kernels, 1);
    let params = init::params(&problem.network, &kernels, 5);
    let theta: Vec<f64> = params.to_vec();
    let rows = frame.residual(&lab.field(&system, &params));
    let estimator = Estimator { plan, groups: groups(&problem.network, &plan.scope, false), seed: 11, phase: 0 };
    let here = Here { system: &system, frame: &frame, theta: &theta, rows: &rows };
    let mut mean = vec![0.0; theta.len()];
    for step in 0..steps {
        let g = estimator.gradient(&mut lab, here, 1e-2, step, plan.directions.least).unwrap();
        mean.iter_mut().zip(g).for_each(|(m, g)| *m += g / steps as f64);
    }
    let exact = (0..theta.len()).map(|k| {
        let mut loss = |h: f64| {
            let mut p = params.clone();
            p[k] += h;
            square(&frame.residual(&lab.field(&system, &p)))
        };
        (loss(1e-2) - loss(-1e-2)) / 2e-2
    });
    let exact = exact.collect();
    (mean, exact)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let d: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    (d / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

/// 13 weights and 64 * 60 directions: an unbiased estimate is off by about sqrt(12 / 3840) = 6%.
#[test]
fn estimates_tend_to_the_gradient() {
    for (estimate, scope, antithetic) in [
        (Estimate::Difference, Scope::Global, true),
        (Estimate::Difference, Scope::Layer, true),
        (Estimate::Difference, Scope::Global, false),
        (Estimate::Forward, Scope::Global, false),
        (Estimate::Forward, Scope::Layer, false),
    ] {
        let (mean, exact) = estimated(&gradient(estimate, scope.clone(), FORWARD as usize, antithetic, 1), 60);
        // One-sided differences are biased by sigma / 2 times a second derivative.
        assert!(distance(&mean, &exact) < 0.15, "{estimate:?} {scope:?} {antithetic}: {mean:?} {exact:?}");
    }
}

#[test]
fn forward_and_antithetic_estimates_agree_direction_by_direction() {
    let plan = |e, anti| gradient(e, Scope::Layer, FORWARD as usize, anti, 1);
    let (forward, _) = estimated(&plan(Estimate::Forward, false), 1);
    let (difference, _) = estimated(&plan(Estimate::Difference, true), 1);
    assert!(distance(&difference, &forward) < 1e-2, "{forward:?} {difference:?}");
}

#[test]
fn forward_steps_lower_a_nonlinear_loss() {
    let plan = gradient(Estimate::Forward, Scope::Global, FORWARD as usize, false, 150);
    let (p, k) = problem(Unit::Tanh, 8, false, vec![Method::Gradient(plan)]);
    let out = run(&p, &k);
    assert!(out.phases[0].loss_after < 0.5 * out.phases[0].loss_before, "{:?}", out.phases);
}

/// -u'' = 4 pi^2 sin 2 pi x, u = 0 at both ends, the ends' condition a natural term of the equation's weak form.
#[test]
fn a_weak_form_is_solved_by_spikes_and_what_it_absorbed_is_measured() {
    let (mut p, k) = problem(Unit::Lif, 40, true, vec![pursuit(400, 2)]);
    let volume = vec![
        VolumeTerm {
            coef: expression(&[("coords", 1)], "value", |push| push(Op::Const(1.0))),
            test: MultiIndex(vec![2]),
            integrand: Integrand::Field(0),
        },
        VolumeTerm {
            coef: expression(&[("coords", 1)], "value", |push| {
                let x = push(Op::Input(0));
                let (s, k) = (target(push, x), push(Op::Const(4.0 * std::f64::consts::PI * std::f64::consts::PI)));
                push(Op::Binary(Binary::Mul, s, k))
            }),
            test: MultiIndex(vec![0]),
            integrand: Integrand::One,
        },
    ];
    let weak = Weak {
        tests: Some(200),
        fields: vec![0],
        volume,
        boundary: vec![],
        vanish: vec![[vec![0], vec![0]]],
        ties: vec![],
        absorbed: vec![1],
        linear: true,
    };
    p.residuals[0].rows = Rows::Weak(weak);
    let value = expression(POINTWISE, "value", |push| push(Op::Input(1)));
    let slopes = expression(POINTWISE, "slopes", |push| push(Op::Const(1.0)));
    let measure =
        Pointwise { atoms: vec![u_itself()], places: vec![], by: Derivatives::None, value, slopes, linear: true };
    p.residuals.push(Residual {
        name: "ends".into(),
        weight: 1.0,
        place: Place::Faces(vec![
            Face { coord: 0, value: -1.0, outward: -1.0 },
            Face { coord: 0, value: 1.0, outward: 1.0 },
        ]),
        points: 1,
        sampler: Sampler::Grid,
        dynamics: Dynamics::default(),
        rows: Rows::Absorbed { by: 0, measure },
    });
    let k = Kernels { observer_of: vec![0, 0], ..k };
    let out = run(&p, &k);
    let error = out.history.last().unwrap().error.unwrap();
    assert!(error < 0.1, "{error} {:?} {:?}", out.losses, out.history);
    assert_eq!(out.losses[1].method, "natural term of fit (not trained)");
    assert_eq!(out.losses[1].rows, 2);
    assert!(out.losses[1].after < 0.05, "{:?}", out.losses);
    assert!(out.losses[0].method.starts_with("weak form, ") && out.losses[0].after < 0.01, "{:?}", out.losses);
}

#[test]
fn a_scope_leaves_other_layers_alone() {
    let (mean, _) = estimated(&gradient(Estimate::Difference, Scope::Layers(vec!["h".into()]), 8, true, 1), 1);
    assert!(mean[..8].iter().all(|g| *g != 0.0) && mean[8..].iter().all(|g| *g == 0.0));
}

#[test]
fn gradient_steps_lower_the_loss_and_are_counted() {
    let (p, k) =
        problem(Unit::Tanh, 8, true, vec![Method::Gradient(gradient(Estimate::Difference, Scope::Layer, 8, true, 60))]);
    let out = run(&p, &k);
    assert_eq!(out.status, Status::Finished);
    assert!(out.phases[0].loss_after < 0.5 * out.phases[0].loss_before, "{:?}", out.phases);
    assert_eq!(out.history.len(), 61);
    // Once before, then for each step two groups of 8 directions, two sides, and once at the new weights.
    assert_eq!(out.forward_evaluations, 128 * (1 + 60 * (2 * 8 * 2 + 1)));
    let best = out.history.iter().map(|p| p.loss).fold(f64::INFINITY, f64::min);
    assert_eq!(out.phases[0].loss_after, best);
    assert!((out.losses[0].after * 2.0 - best).abs() < 1e-12, "the loss is the weight times the mean");
    assert_eq!(out.losses[0].method, "value at 128 points");
}

#[test]
fn the_readout_is_solved_between_updates() {
    let mut plan = gradient(Estimate::Difference, Scope::Layer, 4, true, 5);
    plan.solve_readout = Some(SolveReadout { every: 1, ridge: Some(1e-9) });
    let (p, k) = problem(Unit::Tanh, 8, true, vec![Method::Gradient(plan)]);
    let solved = run(&p, &k);
    let (p, k) = problem(Unit::Tanh, 8, true, vec![Method::Readout { ridge: Some(1e-9) }]);
    let once = run(&p, &k);
    assert!(once.phases[0].loss_after < 0.3 * once.phases[0].loss_before);
    assert!(solved.phases[0].loss_after <= once.phases[0].loss_after * (1.0 + 1e-6));
}

#[test]
fn pursuit_fits_a_sine_with_spikes() {
    let (p, k) = problem(Unit::Lif, 24, true, vec![pursuit(320, 2)]);
    let out = run(&p, &k);
    assert_eq!(out.status, Status::Finished);
    assert_eq!(out.history.len(), 4);
    // Rounds are kept by held rows: the training loss may rise a little from one to the next.
    assert!(out.history[1..].iter().all(|p| p.loss < 0.1 * out.history[0].loss));
    let error = out.history.last().unwrap().error.unwrap();
    assert!(error < 0.12, "{error}");
    assert_eq!(out.phases[0].method, "pursuit, 24 of 320 candidates, 2 rounds");
    // The report's view of the same network.
    let points: Vec<f64> = (0..40).map(|i| -1.0 + i as f64 / 20.0).collect();
    let u = &predict(&p, &k, &out.params, &points, &[])[0];
    let worst = u.iter().zip(&points).map(|(u, x)| (u - libm::sin(2.0 * std::f64::consts::PI * x)).abs());
    assert!(worst.fold(0.0, f64::max) < 0.5);
    let rate = spike_rates(&p, &k, &out.params, &points, &[])[0].unwrap();
    assert!(rate > 0.01 && rate < 0.9, "{rate}");
    let (steps, units, spikes) = raster(&p, &k, &out.params, "h", &[0.25], &[]).unwrap();
    assert_eq!((steps as u32, units), (STEPS, 24));
    assert!(spikes.iter().all(|(step, unit)| *step < STEPS && *unit < 24));
    let single = spike_rates(&p, &k, &out.params, &[0.25], &[])[0].unwrap();
    assert_eq!(spikes.len() as f64, (single * 24.0 * f64::from(STEPS)).round());
}

#[test]
fn a_nonlinear_residual_is_met_by_newton() {
    let (p, k) = problem(Unit::Tanh, 16, false, vec![pursuit(200, 1)]);
    let out = run(&p, &k);
    let error = out.history.last().unwrap().error.unwrap();
    assert!(error < 2e-2, "{error} {:?}", out.phases);
    let (p, k) = problem(Unit::Tanh, 16, false, vec![Method::Readout { ridge: None }]);
    let out = run(&p, &k);
    assert!(out.phases[0].loss_after < 0.2 * out.phases[0].loss_before, "{:?}", out.phases);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads, unit, estimate| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let steps = Method::Gradient(gradient(estimate, Scope::Global, FORWARD as usize, false, 3));
        let (p, k) = problem(unit, 12, true, vec![pursuit(120, 1), steps]);
        let out = pool.install(|| run(&p, &k));
        let bits: Vec<u64> = out.params.iter().map(|p| p.to_bits()).collect();
        let losses: Vec<u64> = out.history.iter().map(|p| p.loss.to_bits()).collect();
        (bits, losses, out.forward_evaluations)
    };
    for (unit, estimate) in [(Unit::Lif, Estimate::Difference), (Unit::Tanh, Estimate::Forward)] {
        assert_eq!(run(1, unit, estimate), run(2, unit, estimate));
    }
}

struct StopAt<'a>(usize, &'a AtomicBool, bool);

impl Progress for StopAt<'_> {
    fn point(&mut self, point: &Point) -> ControlFlow<()> {
        if point.step < self.0 {
            return ControlFlow::Continue(());
        }
        if self.2 {
            return ControlFlow::Break(());
        }
        self.1.store(true, Ordering::Relaxed);
        ControlFlow::Continue(())
    }
}

#[test]
fn a_run_can_be_interrupted_either_way() {
    for by_return in [true, false] {
        let (p, k) = problem(
            Unit::Tanh,
            4,
            true,
            vec![Method::Gradient(gradient(Estimate::Difference, Scope::Global, 2, true, 50)), pursuit(60, 0)],
        );
        let flag = AtomicBool::new(false);
        let options = Options { seed: 1, interrupt: Some(&flag), ..Default::default() };
        let out = train(&p, &k, &options, &mut StopAt(3, &flag, by_return));
        assert_eq!(out.status, Status::Interrupted);
        assert_eq!((out.history.len(), out.phases.len()), (4, 1));
        assert!(out.params.iter().all(|p| p.is_finite()));
    }
}

#[test]
fn divergence_names_the_residual_and_keeps_the_last_good_weights() {
    let mut plan = gradient(Estimate::Difference, Scope::Global, 2, false, 200);
    plan.update = Update::Sgd { rate: Schedule::constant(1e60) };
    let (p, k) = problem(Unit::Tanh, 4, true, vec![Method::Gradient(plan)]);
    let out = run(&p, &k);
    let Status::Diverged { phase, residual, .. } = &out.status else { panic!("{:?}", out.status) };
    assert_eq!((phase.as_str(), residual.as_str()), ("p0", "fit"));
    assert!(out.params.iter().all(|p| p.is_finite()));
    assert!(out.losses[0].after <= out.losses[0].before);
}

#[test]
fn differences_of_a_smooth_network_are_its_derivatives() {
    let (mut p, k) = problem(Unit::Tanh, 6, true, vec![]);
    // r = u' at 64 points; compared with differences of predictions.
    p.residuals[0].rows = Rows::Pointwise(Pointwise {
        atoms: vec![Atom { field: 0, alpha: MultiIndex(vec![1]) }],
        places: vec![],
        by: Derivatives::Stencil { h: 0.01 },
        value: expression(POINTWISE, "value", |push| push(Op::Input(1))),
        slopes: expression(POINTWISE, "slopes", |push| push(Op::Const(1.0))),
        linear: true,
    });
    p.residuals[0].points = 64;
    let params = init::params(&p.network, &k, 9);
    let system = System::new(&p, &k, 9, Part::Trained);
    let mut lab = observe::Lab::new(&p.network, &k, 1);
    let frame = system.frame(None);
    let rows = frame.residual(&lab.field(&system, &params));
    let scale = (2.0f64 / 64.0).sqrt();
    for (i, r) in rows.iter().enumerate() {
        let x = -1.0 + 2.0 * i as f64 / 63.0;
        let (lo, hi) = ((x - 1e-2f64).max(-1.0), (x + 1e-2f64).min(1.0));
        let u = &measure::predict(&p, &k, &params, &[lo, hi], &[])[0];
        assert!((r / scale - (u[1] - u[0]) / (hi - lo)).abs() < 0.05, "{i}");
    }
    // Rows of features add up to the rows of the field.
    let features = lab.features(&system, &params);
    let weights = crate::train::solve::Weights::of(&p.network, &params);
    let from_features = frame.residual(&features.field(&weights));
    assert!(distance(&from_features, &rows) < 1e-3);
    let applied = features.rows(&frame, &[]);
    for (i, r) in rows.iter().enumerate() {
        let sum: f64 = weights.0[0].phi.iter().enumerate().map(|(j, w)| w * applied[(i, j)]).sum();
        assert!((sum - r).abs() < 1e-3);
    }
}

#[test]
fn parameters_start_as_they_are_told_and_by_the_seed() {
    let (p, k) = problem(Unit::Lif, 200, true, vec![]);
    let a = init::params(&p.network, &k, 1);
    assert_eq!(a, init::params(&p.network, &k, 1));
    assert_ne!(a, init::params(&p.network, &k, 2));
    let deviation = (a[..200].iter().map(|x| x * x).sum::<f64>() / 200.0).sqrt();
    assert!((1.6..2.4).contains(&deviation), "{deviation}");
    assert!(a[200..400].iter().all(|x| (-1.0..=1.0).contains(x)));
    assert_eq!(a[600], 0.0);
    let range = init::range(&p.network, &k, Some(0));
    // 16 steps of a leak of 0.9: a current just above 1 / (1 - 0.9^16) = 1.23 spikes once; one of 10 in every step.
    assert!(
        range.threshold > 0.9 && range.threshold < 1.3 && range.saturation > 4.0 && range.saturation < 14.0,
        "{range:?}"
    );
}
