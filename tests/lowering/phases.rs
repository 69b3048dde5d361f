//! The pipeline: which kernels come of a problem, and that whatever the checker accepts is compiled.

use snnc::exec::Engine;
use snnc::pipeline::EmitError;

use crate::support::checked;

const PROGRAM: &str = "
    domain { x in 0 .. 1  t in 0 .. 1 }
    network u(x, t) { layer h = (x, t) |> dense(8) |> tanh output = h |> dense(1) }
    residual start on t = 0 : u = x
    residual heat on interior : d(u, t) = d(u, x, x)  by jet
    residual again on interior : d(u, x, x) = d(u, t)  by jet
    residual slope on x = 0 : d(u, x) = 0  by stencil(h = 0.05)
    train {
      phase a { perturb gaussian directions 4 estimate forward update sgd(rate = 0.1) steps 1 }
      phase b { perturb gaussian directions 18 estimate forward update sgd(rate = 0.1) steps 1 }
      phase c { perturb rademacher directions 4 estimate forward update sgd(rate = 0.1) steps 1 }
    }";

#[test]
fn residuals_share_observers_and_the_first_observes_the_value() {
    let k = checked(PROGRAM).compile(Engine::Interp).expect("compiles").kernels;
    assert_eq!(k.observers.len(), 2);
    assert_eq!(k.observers[0].atoms.iter().map(|a| a.alpha.order()).collect::<Vec<_>>(), [0]);
    // A stencil observes values at several points.
    assert_eq!(k.observer_of, [0, 1, 1, 0]);
    for o in &k.observers {
        // 18 are run as 16 and 2, and 2 as a whole vector of 4, which the phases along 4 share.
        let directions: Vec<_> = o.tangents.iter().map(|(n, t)| (*n, t.program().directions)).collect();
        assert_eq!(directions, [(4, 4), (16, 16)]);
        for atom in &o.atoms {
            let name = |output: &str| snnc::pass::jet::output_name(output, &atom.alpha);
            assert!(o.primal.program().output_offset(&name("u")).is_some());
            for (_, t) in &o.tangents {
                assert!(t.program().output_offset(&snnc::pass::jvp::output_name(&name("u"))).is_some());
            }
            let (features, pool) = (o.features.as_ref().expect("linear"), o.pools[0].as_ref().expect("units"));
            for part in ["phi.u", "phi0.u", "offset.u"] {
                assert!(features.program().output_offset(&name(part)).is_some());
            }
            assert!(pool.program().output_offset(&name("phi.u")).is_some());
        }
    }
}

#[test]
fn stages_can_be_shown() {
    let c = checked(
        "domain { x in 0 .. 1 } network u(x) { steps 4 layer h = tuned(x, 3) |> lif output = h |> mean |> dense(1) }
         residual heat on domain : u = x",
    );
    let plain = c.ir_text(None).expect("shows");
    assert!(plain.contains("program \"network\"") && plain.contains("output \"phi.u\""), "{plain}");
    let after = c.ir_text(Some("dce")).expect("shows");
    assert_ne!(after, plain, "the passes leave their mark");
    for text in [&plain, &after] {
        for program in text.split("\n\n").filter(|t| !t.trim().is_empty()) {
            snnc::ir::read::read(program).unwrap_or_else(|e| panic!("{e:?}\n{program}"));
        }
    }
    assert!(
        matches!(c.ir_text(Some("polish")), Err(EmitError::NoSuchPass(names)) if names.contains(&"cse".to_string()))
    );
    assert!(c.clif_text().expect("shows").contains("function"));
    assert!(c.model_text().contains("heat"));
}

/// Networks that use what the examples do not; each once made lowering or a pass stumble, or might.
#[test]
fn whatever_the_checker_accepts_is_compiled() {
    for body in [
        "output = x |> dense(1)",
        "output = x",
        "steps 1 layer h = tuned(x, 4) |> lif output = h |> ema(tau = 3) |> ema(tau = 2) |> last |> dense(1)",
        "steps 4 layer h = tuned(x, 6) |> lif output = (1 - 2*h) |> mean |> dense(1)",
        "steps 4 layer h = tuned(x, 6) |> lif layer g = h |> ema(tau = 3) output = (g |> mean |> dense(1)) + (h |> sum |> dense(1))",
        "steps 4 layer a = x |> dense(5) |> tanh layer h = tuned(a, 6) |> lif output = h |> mean |> dense(1) |> tanh",
        "steps 4 layer a = tuned(x, 6) |> lif layer b = a |> mean |> dense(10) |> tanh output = b |> dense(1)",
        "steps 4 layer h = current(2) |> dense(3) |> lif output = (if x > 0.5 and not (x < 0.2) then 1 else x) * (h |> mean |> dense(1))",
        "steps 4 output = tuned(x, 6) |> lif |> mean |> dense(1)",
        "steps 4 layer h = tuned(x, 6) |> frozen_in_time output = h |> mean |> dense(1)",
        "steps 4 layer h = tuned(x, 6) |> lif |> dense(9) |> lif output = h |> mean |> dense(1)",
    ] {
        let text = format!(
            "neuron frozen_in_time {{ input i state v = 1, w = 2 update v := v + 0*i reset v = w spike when v + w >= 3 + i }}
             domain {{ x in 0 .. 1 }} network u(x) {{ {body} }} residual r on domain : u = 2"
        );
        for engine in [Engine::Interp, Engine::Jit] {
            if let Err(bug) = checked(&text).compile(engine) {
                panic!("{body}\n{bug}");
            }
        }
    }
}
