//! What changes while a network is trained: points, weights, batches; and what ends a phase early.

use std::sync::Arc;
use std::time::Instant;

use super::small::{FORWARD, Unit, problem};
use super::{gradient, pursuit, run};
use crate::ir::problem::*;
use crate::plan::{Causal, Comparison, Estimate, Expect, Method, Metric, MetricKind, Sampler, Schedule, Scope, Update};
use crate::train::adapt::Turn;
use crate::train::kernels::Kernels;
use crate::train::outcome::Silent;
use crate::train::session::Session;
use crate::train::system::{Kind, Part, System};
use crate::train::{Options, init};

/// A session on a problem, asked for something.
pub fn session<T>(problem: &Problem, kernels: &Kernels, ask: impl FnOnce(&mut Session<'_>) -> T) -> T {
    let system = System::new(problem, kernels, 1, Part::Trained);
    let linear = system.is_linear().then(|| Arc::new(system.frame(None)));
    let params = init::params(&problem.network, kernels, 5);
    let options = Options { seed: 1, ..Default::default() };
    let mut silent = Silent;
    ask(&mut Session::new(problem, kernels, &options, system, linear, params, &mut silent, Instant::now()))
}

fn points<'s>(session: &'s Session<'_>) -> &'s [f64] {
    match &session.system.blocks[0].kind {
        Kind::Point(p) => &p.coords,
        Kind::Weak(_) => &[],
    }
}

#[test]
fn adaptive_points_go_where_the_residual_is() {
    let (mut p, k) = problem(Unit::Tanh, 4, true, vec![]);
    p.residuals[0].sampler = Sampler::Adaptive;
    session(&p, &k, |s| {
        // Without an output the residual is -sin 2 pi x.
        s.params.fill(0.0);
        let mut field = s.field();
        let large = |x: &&f64| libm::sin(2.0 * std::f64::consts::PI * **x).abs() > 0.707;
        let count = |points: &[f64]| points.iter().filter(large).count();
        assert!(points(s).len() == 128 && count(points(s)).abs_diff(64) <= 3);
        assert_eq!(s.turn(99, true, &mut field), Turn::Same);
        let mut found = 0;
        for draw in 1..=8 {
            assert_eq!(s.turn(100 * draw, true, &mut field), Turn::Points);
            assert_eq!(points(s).len(), 128);
            found += count(points(s));
        }
        // Half of the domain holds 60 % of the weight: of 1024 points 600 or so, in place of 512.
        assert!((575..=640).contains(&found), "{found}");
        assert_eq!(s.linear.as_ref().map(|f| f.rows()), Some(128));
        assert_eq!(field, s.field());
    });
}

#[test]
fn points_are_drawn_anew_when_it_is_time_and_depend_on_the_count_alone() {
    let (mut p, k) = problem(Unit::Tanh, 4, false, vec![]);
    p.residuals[0].sampler = Sampler::Uniform;
    p.residuals[0].dynamics.resample = Some(3);
    let drawn = |steps: &[usize]| {
        session(&p, &k, |s| {
            let mut field = s.field();
            let turns: Vec<Turn> = steps.iter().map(|n| s.turn(*n, true, &mut field)).collect();
            (turns, points(s).to_vec())
        })
    };
    let (turns, first) = drawn(&[0, 1, 2, 3]);
    assert_eq!(turns, [Turn::Same, Turn::Same, Turn::Same, Turn::Points]);
    assert_eq!(drawn(&[3]).1, first);
    let (_, second) = drawn(&[3, 6]);
    assert!(second != first && second == drawn(&[6, 9]).1);
}

#[test]
fn a_balanced_weight_takes_back_what_an_equation_is_multiplied_by() {
    let weights = |scale: f64, fixed: f64| {
        let (mut p, k) = problem(Unit::Lif, 8, true, vec![]);
        p.residuals[0].weight = fixed;
        let mut second = p.residuals[0].clone();
        second.dynamics.balanced = true;
        let Rows::Pointwise(rows) = &mut second.rows else { panic!() };
        for program in [&mut rows.value, &mut rows.slopes] {
            let out = program.outputs[0].value;
            let mut b = crate::ir::program::Builder::new(program.clone());
            let region = crate::ir::program::Region::Init;
            let ty = crate::ir::op::Ty::real(1);
            let c = b.push(region, crate::ir::op::Op::Const(scale), ty);
            let value = b.push(region, crate::ir::op::Op::Binary(crate::func::Binary::Mul, out, c), ty);
            let mut scaled = b.finish();
            scaled.outputs[0].value = value;
            *program = scaled;
        }
        p.residuals.push(second);
        let k = Kernels { observer_of: vec![0, 0], ..k };
        session(&p, &k, |s| {
            s.begin(0, &Method::Readout { ridge: None });
            s.system.blocks.iter().map(|b| b.weight).collect::<Vec<f64>>()
        })
    };
    // (w T + s^2 T) / (s^2 T)
    let near = |found: &[f64], fixed: f64, scale: f64| {
        let want = (fixed + scale * scale) / (scale * scale);
        assert!(found[0] == fixed && (found[1] - want).abs() < 1e-9 * want, "{found:?} {want}");
    };
    near(&weights(1.0, 3.0), 3.0, 1.0);
    near(&weights(10.0, 1.0), 1.0, 10.0);
    near(&weights(0.01, 1.0), 1.0, 0.01);
}

/// Directions find the trace that the readout shows: of a network that is nothing but a readout they see the same.
#[test]
fn a_trace_from_directions_is_near_that_of_all_weights() {
    let (mut p, k) = problem(Unit::Tanh, 4, true, vec![]);
    p.residuals[0].dynamics.balanced = true;
    let mut other = p.residuals[0].clone();
    other.dynamics.balanced = false;
    p.residuals.push(other);
    let k = Kernels { observer_of: vec![0, 0], ..k };
    for field in &mut p.network.fields {
        field.readout = None;
    }
    for estimate in [Estimate::Forward, Estimate::Difference] {
        let plan = gradient(estimate, Scope::Global, FORWARD as usize, false, 1);
        let weights = session(&p, &k, |s| {
            s.begin(0, &Method::Gradient(plan.clone()));
            s.system.blocks.iter().map(|b| b.weight).collect::<Vec<f64>>()
        });
        // Two residuals that are the same: the weight makes the first (T + 2 T) / T = 3.
        assert!((weights[0] - 3.0).abs() < 1e-9 && weights[1] == 2.0, "{estimate:?} {weights:?}");
    }
}

#[test]
fn causal_weights_follow_the_residual() {
    let (mut p, k) = problem(Unit::Tanh, 4, true, vec![]);
    p.residuals[0].dynamics.causal = Some(Causal { coord: 0, eps: 10.0 });
    session(&p, &k, |s| {
        s.params.fill(0.0);
        let mut field = s.field();
        let plain = s.frame(&field).residual(&field);
        assert_eq!(s.turn(0, true, &mut field), Turn::Weights);
        let rows = s.frame(&field).residual(&field);
        assert!(
            rows[0] == plain[0] && rows[127].abs() < 1e-6 && rows.iter().zip(&plain).all(|(a, b)| a.abs() <= b.abs())
        );
        // The next phase starts from rows that count alike.
        s.begin(1, &pursuit(100, 1));
        assert_eq!(s.frame(&field).residual(&field), plain);
    });
}

#[test]
fn batches_see_every_point_once_a_pass() {
    let (mut p, k) = problem(Unit::Tanh, 4, true, vec![]);
    p.residuals[0].dynamics.causal = Some(Causal { coord: 0, eps: 10.0 });
    session(&p, &k, |s| {
        let field = s.field();
        s.emphasise(&field);
        let all = points(s).to_vec();
        assert_eq!(s.system.passes(50), 3);
        let batch = |step: usize| {
            let b = s.system.batch(&p, 50, 1, 0, step);
            let Kind::Point(point) = &b.blocks[0].kind else { panic!() };
            assert_eq!(b.blocks[0].emphasis.as_ref().map(|e| e.len()), Some(point.rows));
            assert_eq!(b.points(), point.rows);
            point.coords.clone()
        };
        for first in [0, 3] {
            let mut seen: Vec<f64> = (first..first + 3).flat_map(batch).collect();
            seen.sort_by(f64::total_cmp);
            assert_eq!(seen, all);
        }
        assert_ne!(batch(0), batch(3));
        assert_eq!(batch(1), batch(1));
    });
}

#[test]
fn batches_and_clipping_train_linear_and_nonlinear_problems() {
    for linear in [true, false] {
        for estimate in [Estimate::Forward, Estimate::Difference] {
            let mut plan = gradient(estimate, Scope::Global, FORWARD as usize, false, 150);
            plan.batch = Some(40);
            plan.clip = Some(5.0);
            let (p, k) = problem(Unit::Tanh, 8, linear, vec![Method::Gradient(plan.clone())]);
            let out = run(&p, &k);
            assert!(out.phases[0].loss_after < 0.6 * out.phases[0].loss_before, "{estimate:?} {:?}", out.phases);
            assert!(out.phases[0].method.contains("batches of 40 points, clipped at 5"), "{:?}", out.phases);
            plan.batch = None;
            let (p, k) = problem(Unit::Tanh, 8, linear, vec![Method::Gradient(plan)]);
            assert!(run(&p, &k).forward_evaluations > 2 * out.forward_evaluations);
        }
    }
}

#[test]
fn clipping_bounds_a_step() {
    let moved = |clip: Option<f64>| {
        let mut plan = gradient(Estimate::Forward, Scope::Global, FORWARD as usize, false, 1);
        plan.update = Update::Sgd { rate: Schedule::constant(0.01) };
        plan.clip = clip;
        let (p, k) = problem(Unit::Tanh, 8, true, vec![Method::Gradient(plan)]);
        let start = init::params(&p.network, &k, p.train.seed);
        let out = run(&p, &k);
        let squares: f64 = out.params.iter().zip(&start).map(|(a, b)| (a - b) * (a - b)).sum();
        squares.sqrt()
    };
    let free = moved(None);
    assert!(free > 1e-3, "{free}");
    let clipped = moved(Some(0.1));
    assert!((clipped - 0.001).abs() < 1e-5, "{clipped}");
    assert_eq!(moved(Some(1e6)), free);
}

#[test]
fn phases_stop_by_a_metric_the_loss_and_when_nothing_is_gained() {
    let expect = |metric: &str, bound: f64| Expect {
        metric: metric.into(),
        comparison: Comparison::Less,
        bound,
        text: format!("{metric} < {bound}"),
    };
    let l2 = Metric { name: "l2".into(), kind: MetricKind::RelativeL2, field: "u".into(), grid: vec![65] };
    let train = |method: Method, reached: Option<Expect>, stalled: Option<usize>| {
        let (mut p, k) = problem(Unit::Tanh, 8, true, vec![method]);
        p.report.metrics.push(l2.clone());
        p.train.phases[0].stop.reached = reached;
        p.train.phases[0].stop.stalled = stalled;
        let out = run(&p, &k);
        (crate::train::metric(&p, &k, &out.params, &l2), out)
    };
    let (error, out) = train(pursuit(200, 20), Some(expect("l2", 0.3)), None);
    let note = &out.phases[0].note;
    assert!(
        error < 0.3 && note.contains("stopped at") && note.contains("against the exact solution"),
        "{error} {note}"
    );
    assert!(out.history.last().is_some_and(|h| h.step < h.of), "{:?}", out.history.last());

    let descent = || gradient(Estimate::Forward, Scope::Global, FORWARD as usize, false, 400);
    let (_, out) = train(Method::Gradient(descent()), Some(expect("loss", 0.9)), None);
    let last = out.history.last().unwrap();
    assert!(last.loss < 0.9 && last.step < 400 && out.phases[0].note.contains("loss ="), "{last:?}");

    let mut idle = descent();
    idle.update = Update::Sgd { rate: Schedule::constant(1e-12) };
    let (_, out) = train(Method::Gradient(idle), None, Some(7));
    assert_eq!(out.history.last().unwrap().step, 7);
    assert!(out.phases[0].note.ends_with("stopped at 7: no better for 7 steps"), "{}", out.phases[0].note);
}
