//! Schedules: what is read is what was written, and the default prints as a block that means the same.

use super::*;
use crate::check::schedule::as_source;
use crate::check::tests::run;
use crate::plan::{Directions, Distribution, Schedule, Scope as Reach, Shape};

fn program(output: &str, rest: &str) -> String {
    format!(
        "domain {{ x in 0 .. 1 }}\nnetwork u(x) {{ layer h = tuned(x, 8) |> lif  output = {output} }}\n\
         residual fit on domain : u = x\n{rest}\n"
    )
}

const PLAIN: &str = "h |> mean |> dense(1)";

fn plan(output: &str, rest: &str) -> Train {
    let text = program(output, rest);
    let (model, said) = run(&text, &Default::default());
    model.unwrap_or_else(|| panic!("{text}\n{said:#?}")).train
}

fn codes(output: &str, phase: &str) -> Vec<String> {
    let text = program(output, &format!("train {{ phase p {{ {phase} }} }}"));
    run(&text, &Default::default()).1.iter().map(|m| m[..7].to_string()).collect()
}

#[test]
fn the_default_depends_on_the_network_and_prints_as_itself() {
    let grown = plan(PLAIN, "");
    assert!(grown.is_default);
    assert!(matches!(&grown.phases[0].method, Method::Pursuit(p) if p.layer == "h" && p.pool == 4000 && p.rounds == 3));
    let walked = plan("h |> mean |> dense(1) |> tanh", "");
    assert!(matches!(&walked.phases[0].method, Method::Gradient(g) if g.steps == 100 && g.solve_readout.is_none()));
    for (output, train) in [(PLAIN, grown), ("h |> mean |> dense(1) |> tanh", walked)] {
        let again = plan(output, &as_source(&train));
        assert_eq!(again, Train { is_default: false, ..train });
    }
}

#[test]
fn every_statement_comes_back_from_its_printed_form() {
    let written = "train { seed 9
        phase a { perturb neurons(h) pool 40 mutate(0.2) update pursuit(ridge = 1e-5) rounds 2 }
        phase b { steps 20 perturb gaussian(sigma = 0.05 -> 0.005 cosine) directions 4 scope layer antithetic
                  estimate difference update adam(rate = 0.01 -> 0.001 exponential) solve readout(ridge = 1e-6) every 5 }
        phase c { steps 3 perturb rademacher directions 2 scope layer h estimate forward update sgd(rate = 0.1) }
        phase d { solve readout } }";
    let train = plan(PLAIN, written);
    assert_eq!((train.seed, train.phases.len()), (9, 4));
    let Method::Gradient(g) = &train.phases[1].method else { panic!("a gradient") };
    assert_eq!(g.sigma, Some(Schedule { from: 0.05, to: 0.005, shape: Shape::Cosine }));
    assert!(g.antithetic && g.scope == Reach::Layer && g.solve_readout.is_some_and(|s| s.every == 5));
    assert_eq!(plan(PLAIN, &as_source(&train)), train);
}

#[test]
fn every_kind_of_direction_and_update_comes_back() {
    let deep = "h |> dense(4) |> lif |> mean |> dense(1)";
    let written = "train {
        phase e { steps 3 perturb sphere directions 4 .. 64 estimate forward update momentum(rate = 0.1) average 0.9 }
        phase f { steps 3 perturb orthogonal directions 2 scope node estimate forward update nesterov(rate = 1, beta = 0.5) }
        phase g { steps 3 perturb rank(2, sigma = 0.1) estimate difference update sgd(rate = 0.1) clip 2 batch 3 }
        phase i { steps 3 perturb coordinate(sigma = 0.1 -> 0.01) estimate difference update sgd(rate = 0.1) }
        phase j { steps 3 perturb gaussian directions 9 estimate forward update gauss_newton(damping = 0.1, columns = 2) }
        phase k { steps 3 perturb gaussian estimate forward update gauss_newton(rate = 1 -> 0.5) } }";
    let train = plan(deep, written);
    let Method::Gradient(g) = &train.phases[0].method else { panic!("a gradient") };
    assert_eq!((g.directions, g.average), (Directions { least: 4, most: 64 }, Some(0.9)));
    let Method::Gradient(g) = &train.phases[1].method else { panic!("a gradient") };
    assert_eq!((g.distribution, &g.scope), (Distribution::Orthogonal, &Reach::Node));
    let Method::Gradient(g) = &train.phases[2].method else { panic!("a gradient") };
    assert_eq!(g.distribution, Distribution::Rank(2));
    assert_eq!(plan(deep, &as_source(&train)), train);
}

#[test]
fn the_command_line_sets_the_seed() {
    let options = crate::check::Options { seed: Some(5), ..Default::default() };
    for rest in ["", "train { seed 9 phase d { solve readout } }"] {
        let model = run(&program(PLAIN, rest), &options).0.expect("checks");
        assert_eq!(model.train.seed, 5);
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let forward = "perturb rademacher estimate forward update sgd(rate = 0.1)";
    assert_eq!(codes(PLAIN, forward), ["SNN0801"], "steps");
    assert_eq!(codes(PLAIN, "steps 2 perturb gaussian estimate difference update sgd(rate = 0.1)"), ["SNN0804"]);
    assert_eq!(codes(PLAIN, "steps 2 perturb rademacher estimate forward"), ["SNN0801"], "update");
    assert_eq!(codes(PLAIN, &format!("steps 2 steps 3 {forward}")), ["SNN0802"]);
    assert_eq!(codes(PLAIN, &format!("steps 2 rounds 3 {forward}")), ["SNN0807"]);
    // Its units do not each give one feature to a readout.
    assert_eq!(codes("h |> mean |> dense(1) |> tanh", "perturb neurons(h) update pursuit"), ["SNN0805"]);
    assert_eq!(codes(PLAIN, "perturb neurons(g) update pursuit"), ["SNN0601"]);
    assert_eq!(codes("h |> mean |> dense(1) |> tanh", "solve readout"), ["SNN0806"]);
}

#[test]
fn directions_that_cannot_be_are_said() {
    let perturb = |what: &str| codes(PLAIN, &format!("steps 2 perturb {what} estimate forward update sgd(rate = 0.1)"));
    assert_eq!(perturb("rank"), ["SNN0305"], "its rank");
    assert_eq!(perturb("rank(0)"), ["SNN0303"]);
    assert_eq!(perturb("sphere directions 8 .. 8"), ["SNN0303"]);
    assert_eq!(perturb("sphere directions 8 .. 4"), ["SNN0303"]);
    assert_eq!(perturb("sphere scope node h"), ["SNN0807"]);
    assert_eq!(perturb("spere"), ["SNN0803"]);
    // No matrix of more than one row and column; columns of one.
    assert_eq!(perturb("rank(1)"), ["SNN0811"]);
    let deep = "h |> dense(4) |> lif |> mean |> dense(1)";
    let rank = |what: &str| codes(deep, &format!("steps 2 perturb {what} estimate forward update sgd(rate = 0.1)"));
    assert_eq!(rank("rank(3)"), Vec::<String>::new());
    assert_eq!(rank("rank(4)"), ["SNN0811"]);
    assert_eq!(rank("rank(3) scope node"), ["SNN0811"]);
    assert_eq!(rank("rank(3) scope layer h"), ["SNN0811"]);
    assert_eq!(codes(PLAIN, "perturb neurons(h) update pursuit average 0.9"), ["SNN0807"]);
    assert_eq!(codes(PLAIN, "solve readout average 0.9"), ["SNN0807"]);
    for beta in ["0", "1", "0.3"] {
        let phase = format!("steps 2 perturb sphere estimate forward update sgd(rate = 0.1) average {beta}");
        assert_eq!(codes(PLAIN, &phase), ["SNN0303"], "{beta}");
    }
}

#[test]
fn gauss_and_newton_take_a_number_of_directions() {
    let walk = |more: &str| codes(PLAIN, &format!("steps 2 estimate forward perturb gaussian {more}"));
    assert_eq!(walk("directions 4 update gauss_newton clip 1"), Vec::<String>::new());
    assert_eq!(walk("directions 4 .. 9 update gauss_newton"), ["SNN0807"]);
    assert_eq!(walk("update gauss_newton(damping = 2)"), ["SNN0303"]);
    assert_eq!(walk("update gauss_newton(columns = 65)"), ["SNN0303"]);
}

#[test]
fn phases_stop_early_clip_and_batch() {
    let steps = |more: &str| {
        let phase = format!("steps 2 perturb rademacher estimate forward update sgd(rate = 0.1) {more}");
        codes(PLAIN, &phase)
    };
    assert_eq!(steps("stop when stalled 1 stop when loss < 1e-3 clip 1"), Vec::<String>::new());
    assert_eq!(steps("stop when stalled 0"), ["SNN0303"]);
    assert_eq!(steps("stop when stalled 2"), ["SNN0843"]);
    assert_eq!(steps("stop when stalled 1 stop when stalled 1"), ["SNN0802"]);
    assert_eq!(steps("stop when loss"), ["SNN0840"]);
    assert_eq!(steps("stop when l2 < 0.1"), ["SNN0841"], "there is no exact solution");
    assert_eq!(steps("clip 0"), ["SNN0303"]);
    assert_eq!(steps("batch 100000"), ["SNN0842"]);
    assert_eq!(codes(PLAIN, "solve readout stop when loss < 1"), ["SNN0807"]);
    let grow = |more: &str| codes(PLAIN, &format!("perturb neurons(h) pool 100 update pursuit {more}"));
    assert_eq!(grow("stop when loss < 1 stop when stalled 2"), Vec::<String>::new());
    assert_eq!(grow("clip 1 batch 2"), ["SNN0807", "SNN0807"]);
}

#[test]
fn what_is_not_there_yet_is_refused() {
    let phase = "steps 2 perturb rademacher estimate forward update natural(rate = 1)";
    assert_eq!(codes(PLAIN, phase), ["SNN0208"]);
}
