//! Candidates of neurons that do not bear every current, and rows that are held back from their selection.

use super::adapt::session;
use super::small::{Unit, problem};
use crate::check::Options as CheckOptions;
use crate::exec::Engine;
use crate::ir::problem::Place;
use crate::pipeline::{Compiled, Source};
use crate::plan::Causal;
use crate::source::{MemoryFiles, Sources};
use crate::train::held::Held;
use crate::train::outcome::Silent;
use crate::train::system::Kind;
use crate::train::{Options, init, train};

fn compiled(program: &str) -> Compiled {
    let mut sources = Sources::default();
    let options = CheckOptions { set: vec![], seed: None };
    let checking = Source::new("program.snn", program).check(&mut sources, &MemoryFiles::default(), &options);
    let program = checking.program.unwrap_or_else(|| panic!("{:#?}", checking.messages));
    program.compile(Engine::Jit).expect("compiles")
}

/// Its cube leaves the finite numbers within a few steps of a large negative current, silently.
#[test]
fn a_neuron_that_breaks_under_negative_currents_is_chosen_all_the_same() {
    let compiled = compiled(
        "domain { x in 0 .. 1 }
         network u(x) { steps 64 dt 0.5ms layer h = tuned(x, 24) |> fitzhugh_nagumo() output = h |> mean |> dense(1) }
         residual fit on grid(x = 128) : u = sin(2*pi*x)
         train { seed 3 phase grow { perturb neurons(h) pool 400 mutate(0.1) update pursuit rounds 1 } }",
    );
    let (p, k) = (&compiled.problem, &compiled.kernels);
    let range = init::range(&p.network, k, Some(0));
    assert!(range.floor.is_finite() && range.floor < range.threshold, "{range:?}");
    let out = train(p, k, &Options { seed: 3, interrupt: None, start: None }, &mut Silent);
    let (before, after) = (out.phases[0].loss_before, out.phases[0].loss_after);
    assert!(out.phases[0].note.contains('0') && after < 0.05, "{before} {after} {}", out.phases[0].note);
}

#[test]
fn rows_are_held_back_at_other_points() {
    let (mut p, k) = problem(Unit::Tanh, 4, true, vec![]);
    session(&p, &k, |s| {
        let held = Held::new(s).expect("there are other points");
        let points = |kind: &Kind<'_>| if let Kind::Point(p) = kind { p.coords.clone() } else { vec![] };
        let (own, other) = (points(&s.system.blocks[0].kind), points(&held.system.blocks[0].kind));
        assert!(own.len() == other.len() && own.iter().all(|x| !other.contains(x)));
        // Without an output the residual is -sin 2 pi x, wherever it is taken; its weight is 2.
        s.params.fill(0.0);
        let field = s.lab.field(&held.system, &s.params);
        assert!((held.loss(&field) - 1.0).abs() < 0.02, "{}", held.loss(&field));
    });
    p.residuals[0].dynamics.causal = Some(Causal { coord: 0, eps: 1.0 });
    session(&p, &k, |s| assert!(Held::new(s).is_none(), "its rows do not count alike"));
    p.residuals[0].dynamics.causal = None;
    p.residuals[0].place = Place::Data { points: vec![vec![0.1], vec![0.3]], columns: vec![vec![], vec![]] };
    session(&p, &k, |s| assert!(Held::new(s).is_none(), "data are all there are"));
}
