//! Options of residuals and phases, in whole programs: they do what they say, and the same for any number of threads and
//! either engine.

use snnc::check::Options;
use snnc::exec::Engine;
use snnc::pipeline::Source;
use snnc::plan::Metric;
use snnc::source::{MemoryFiles, Sources};
use snnc::train::outcome::{Outcome, Silent};
use snnc::train::{self, train};

struct Run {
    outcome: Outcome,
    l2: f64,
}

fn run_on(text: &str, engine: Engine, threads: usize) -> Run {
    let mut sources = Sources::default();
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("options.snn", text).check(&mut sources, &MemoryFiles::default(), &options);
    let program = checking.program.unwrap_or_else(|| panic!("{:?}", checking.messages));
    let compiled = program.compile(engine).unwrap_or_else(|b| panic!("{b}"));
    let options = train::Options { seed: compiled.problem.train.seed, ..Default::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let outcome = pool.install(|| train(&compiled.problem, &compiled.kernels, &options, &mut Silent));
    let metric: &Metric = &compiled.problem.report.metrics[0];
    let l2 = train::metric(&compiled.problem, &compiled.kernels, &outcome.params, metric);
    Run { outcome, l2 }
}

fn run(text: &str) -> Run {
    run_on(text, Engine::Jit, 2)
}

/// u' = f with u(0) = 0 on one coordinate, or a decay in time on two; the options are filled in.
fn ode(scale: f64, equation: &str, start: &str, phase: &str) -> String {
    format!(
        "domain {{ x in 0 .. 1 }}
         network u(x) {{ steps 24  layer h = tuned(x, 32) |> lif(tau = 10)  output = h |> ema(tau = 10) |> mean |> dense(1) }}
         residual eq on interior : {scale}*d(u, x) = {scale}*3*cos(3*x) points 96 {equation}
         residual start on x = 0 : u = 0 by {start}
         exact u = sin(3*x)
         train {{ seed 2 {phase} }}"
    )
    .replace("by \n", "\n")
    .replace(" by weight", " weight")
}

const GROW: &str = "phase grow { perturb neurons(h) pool 300 mutate(0.1) update pursuit(ridge = 1e-5) rounds 2 }";

fn descend(more: &str) -> String {
    format!(
        "phase descend {{ perturb gaussian(sigma = 0.05) directions 4 scope layer antithetic estimate difference
         update adam(rate = 0.01) steps 24 {more} }}"
    )
}

#[test]
fn balanced_weights_undo_the_scale_of_an_equation() {
    let both = |scale: f64| run(&ode(scale, "by stencil weight auto", "weight auto", GROW));
    let (plain, large) = (both(1.0), both(1000.0));
    assert!(plain.l2 < 0.1 && large.l2 < 1.2 * plain.l2, "{} {}", plain.l2, large.l2);
    let weight = |r: &Run, k: usize| r.outcome.losses[k].weight;
    assert!((weight(&plain, 0) / weight(&large, 0) - 1.0).abs() < 1e-2 || weight(&large, 0) < weight(&plain, 0));
    // Against the start, which stays as it is, the equation loses what it was multiplied by.
    let ratio = |r: &Run| weight(r, 1) / weight(r, 0);
    assert!((ratio(&large) / ratio(&plain) / 1e6 - 1.0).abs() < 1e-6, "{} {}", ratio(&large), ratio(&plain));
    assert!(plain.outcome.losses[0].method.ends_with(", balanced"), "{}", plain.outcome.losses[0].method);
}

#[test]
fn smoothing_solves_an_equation_with_spikes() {
    let smooth = run(&ode(1.0, "by smoothing(sigma = 0.04)", "weight 10", GROW));
    assert!(smooth.l2 < 0.1, "{}", smooth.l2);
    assert!(
        smooth.outcome.losses[0].method.starts_with("smoothed, sigma = 0.04, at 96"),
        "{:?}",
        smooth.outcome.losses
    );
}

#[test]
fn new_points_and_causal_weights_change_a_run_and_repeat() {
    let plain = run(&ode(1.0, "by stencil", "weight 10", &descend("")));
    for (equation, phase) in [
        ("by stencil resample 6", descend("")),
        ("by stencil sample adaptive resample 6", descend("batch 32")),
        ("by stencil sample adaptive", GROW.to_string()),
        ("by smoothing weight auto resample 1", GROW.to_string()),
        ("by stencil weight auto", descend("clip 0.5 batch 32 solve readout every 8")),
    ] {
        let text = ode(1.0, equation, "weight 10", &phase);
        let a = run_on(&text, Engine::Jit, 1);
        assert_ne!(a.outcome.params, plain.outcome.params, "{equation} {phase}");
        let before_and_after = |r: &Run| (r.outcome.losses[0].before, r.outcome.losses[0].after);
        assert!(before_and_after(&a).1 < before_and_after(&a).0, "{equation}: {:?}", before_and_after(&a));
        for b in [run_on(&text, Engine::Jit, 3), run_on(&text, Engine::Interp, 2)] {
            let bits = |r: &Run| r.outcome.params.iter().map(|p| p.to_bits()).collect::<Vec<u64>>();
            assert!(bits(&a) == bits(&b), "{equation} {phase}");
            assert_eq!(a.outcome.forward_evaluations, b.outcome.forward_evaluations);
        }
    }
}

#[test]
fn a_causal_descent_learns_early_times_first() {
    let text = |causal: &str| {
        format!(
            "domain {{ t in 0 .. 4 }}
             network u(t) {{ layer h = t |> dense(24) |> tanh  output = 1 + raw(t)*(h |> dense(1)) }}
             residual eq on interior : d(u, t) = -u by jet points 128 {causal}
             exact u = exp(-t)
             train {{ seed 1 phase a {{ perturb rademacher directions 16 estimate forward update adam(rate = 0.01) steps 60 }} }}"
        )
    };
    let (plain, causal) = (run(&text("")), run(&text("causal(eps = 5)")));
    assert_ne!(plain.outcome.params, causal.outcome.params);
    assert!(causal.outcome.losses[0].after < causal.outcome.losses[0].before);
}

/// Values in a file are measured where they are; a formula for the same field gives the same number there.
#[test]
fn an_exact_solution_from_a_file_is_measured_on_its_points() {
    let text = |exact: &str, report: &str| {
        format!(
            "domain {{ x in 0 .. 1  t in 0 .. 1 }}
             network u(x, t) {{ steps 16  layer h = tuned(x, t, 24) |> lif  output = h |> mean |> dense(1) }}
             residual fit on grid(x = 9, t = 9) : u = sin(pi*x)*exp(-t)
             {exact}
             train {{ phase grow {{ perturb neurons(h) pool 200 update pursuit rounds 1 }} }}
             {report}"
        )
    };
    let mut files = MemoryFiles::default();
    files.0.insert("ref.npz".into(), include_bytes!("data/ref.npz").to_vec());
    let measured = |text: &str| {
        let mut sources = Sources::default();
        let checking =
            Source::new("options.snn", text).check(&mut sources, &files, &Options { set: vec![], seed: None });
        let program = checking.program.unwrap_or_else(|| panic!("{:?}", checking.messages));
        let compiled = program.compile(Engine::Interp).unwrap_or_else(|b| panic!("{b}"));
        let options = train::Options { seed: 0, ..Default::default() };
        let out = train(&compiled.problem, &compiled.kernels, &options, &mut Silent);
        let metric = &compiled.problem.report.metrics[0];
        let held_out = out.history.last().and_then(|p| p.error).expect("the error on the way");
        (train::metric(&compiled.problem, &compiled.kernels, &out.params, metric), held_out, metric.grid.clone())
    };
    let file = measured(&text("exact u from \"ref.npz\"", ""));
    let formula =
        measured(&text("exact u = sin(pi*x)*exp(-t)", "report { metric l2 = relative_l2(u) on grid(x = 5, t = 3) }"));
    assert_eq!(file.2, [5, 3]);
    assert!((file.0 - formula.0).abs() < 1e-12 && file.0 > 0.0, "{file:?} {formula:?}");
    assert!((file.1 - file.0).abs() < 1e-12, "the coarse grid is the file's: {file:?}");
}
