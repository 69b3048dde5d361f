//! Candidates of neurons that do not bear every current.

use crate::check::Options as CheckOptions;
use crate::exec::Engine;
use crate::pipeline::{Compiled, Source};
use crate::source::{MemoryFiles, Sources};
use crate::train::outcome::Silent;
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
