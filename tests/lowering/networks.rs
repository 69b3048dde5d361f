//! Nodes of a network: coordinates, tuning curves, decoders, and what stands in which region.

use snnc::ir::op::Op;
use snnc::pass::dce;

use crate::support::{Params, close, network, problem, run};

#[test]
fn coordinates_are_scaled_to_the_domain() {
    let p = problem(
        "domain { x in 1000 .. 1007  t in -3 .. 5 }
         network u(x, t) { output = (x, t) |> dense(1) }
         residual r on domain : u = 0",
    );
    let program = &p.network.primal;
    for (weights, points) in [
        ([1.0, 0.0], [([1000.0, 0.0], -1.0f32), ([1007.0, 0.0], 1.0), ([1003.5, 2.0], 0.0), ([1005.25, 0.0], 0.5)]),
        ([0.0, 1.0], [([1000.0, -3.0], -1.0), ([1000.0, 5.0], 1.0), ([1000.0, 1.0], 0.0), ([1000.0, 3.0], 0.5)]),
    ] {
        let params = Params::new(program).set("output.dense.weight", &weights).values;
        for (at, want) in points {
            close(run(program, &at, &params).at(0, "u")[0].into(), want.into(), 1e-7, &format!("{at:?}"));
        }
    }
}

#[test]
fn raw_coordinates_and_expressions_are_in_their_own_units() {
    let p = network("fn bump(s) = s^2*(3 - s)^(-1)", "output = bump(x) * (raw(x) |> dense(1)) + max(x, 0.5)");
    let params =
        Params::new(&p.network.primal).set("output.dense.weight", &[2.0]).set("output.dense.bias", &[0.25]).values;
    for x in [0.0f32, 0.3, 0.75, 1.0] {
        let want = x * x / (3.0 - x) * (2.0 * x + 0.25) + x.max(0.5);
        close(run(&p.network.primal, &[x], &params).at(0, "u")[0].into(), want.into(), 1e-6, &format!("x = {x}"));
    }
}

#[test]
fn tuning_curves_are_ramps_sinusoids_or_both() {
    for kind in ["ramp", "sine", "mixed"] {
        let body = format!(
            "steps 1 layer h = tuned(x, 4, kind = {kind}) |> integrator(tau = 1) output = h |> last |> dense(1)"
        );
        let p = network("", &body);
        let program = &p.network.primal;
        assert_eq!(program.param_by_name("h.tuned.sine").is_some(), kind == "mixed");
        for unit in 0..4 {
            let mut read = [0.0; 4];
            read[unit] = 1.0;
            let params = Params::any(program, 2.0).set("output.dense.weight", &read).set("output.dense.bias", &[0.0]);
            let of = |name: &str| f64::from(params.get(&format!("h.tuned.{name}"))[unit]);
            let x = 0.7f32;
            let angle = of("weight") * (2.0 * f64::from(x) - 1.0) + of("phase");
            let sine = kind == "sine" || kind == "mixed" && of("sine") == 1.0;
            let current = of("bias") + of("gain") * if sine { libm::sin(angle) } else { angle };
            let want = current * (1.0 - libm::exp(-1.0f64));
            close(run(program, &[x], &params.values).at(0, "u")[0].into(), want, 1e-6, &format!("{kind}, unit {unit}"));
        }
    }
}

/// Traces before a decoder become weights of one sum over time; `* 1` between them keeps the states.
#[test]
fn decoders_over_traces_are_weighted_sums() {
    for traces in ["ema(tau = 3)", "ema(tau = 3) |> ema(tau = 7)"] {
        for decoder in ["mean", "last", "sum"] {
            let body = |chain: String| {
                format!("steps 17 layer h = tuned(x, 6) |> lif output = {chain} |> {decoder} |> dense(1)")
            };
            let fused = network("", &body(format!("h |> {traces}")));
            let plain = network("", &body(format!("(h |> {traces}) * 1")));
            let states = |p: &snnc::ir::problem::Problem| p.network.features.as_ref().expect("linear").states.len();
            assert_eq!(states(&fused), 2, "{traces}, {decoder}: the membrane potential and one accumulator");
            assert_eq!(states(&plain), 2 + traces.matches("ema").count());
            let params = Params::any(&fused.network.primal, 3.0).values;
            for x in [0.0f32, 0.4, 1.0] {
                let [a, b] = [&fused, &plain].map(|p| run(&p.network.primal, &[x], &params).at(0, "u")[0]);
                close(a.into(), b.into(), 2e-5, &format!("{traces}, {decoder} at {x}"));
            }
        }
    }
}

#[test]
fn a_trace_that_others_use_too_stays() {
    let p = network(
        "",
        "steps 9 layer h = tuned(x, 4) |> lif |> ema(tau = 5) layer g = h |> dense(3) |> lif output = (g |> mean) * 1 |> dense(1)",
    );
    // Two potentials, the trace, one accumulator for the rate of g and one for the spikes of h: g's count shares the former.
    assert_eq!(p.network.primal.states.len(), 5);
}

#[test]
fn a_signal_that_never_changes_is_not_added_up() {
    for (decoder, factor) in
        [("mean", 1.0), ("last", 1.0), ("sum", 8.0), ("ema(tau = 2) |> last", 1.0 - libm::exp(-4.0f64))]
    {
        let p = network("", &format!("steps 8 layer h = current(x) |> dense(3) output = h |> {decoder} |> dense(1)"));
        let program = &p.network.primal;
        assert!(program.states.is_empty() && program.passes.iter().all(|p| p.step.is_empty()), "{decoder}\n{program}");
        let params = Params::any(program, 1.0);
        let hidden = |j: usize| 0.5 * params.get("h.dense.weight")[j] + params.get("h.dense.bias")[j];
        let sum: f64 = (0..3).map(|j| f64::from(hidden(j) * params.get("output.dense.weight")[j])).sum();
        let want = factor * sum + f64::from(params.get("output.dense.bias")[0]);
        close(run(program, &[0.75], &params.values).at(0, "u")[0].into(), want, 1e-6, decoder);
    }
}

#[test]
fn spikes_are_counted_and_recorded_alike() {
    let p = network(
        "",
        "steps 21 layer h = tuned(x, 8) |> lif layer g = h |> dense(5) |> if output = g |> mean |> dense(1)",
    );
    let params = Params::any(&p.network.primal, 2.5).values;
    let (primal, probe) = (&p.network.primal, &p.network.probe);
    assert_eq!(probe.traces.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["spikes.h", "spikes.g"]);
    let mut all = [0.0, 0.0];
    for x in [0.1f32, 0.5, 0.8] {
        let counted = run(primal, &[x], &params);
        let results = snnc::exec::driver::run(&snnc::exec::interp::Interpreter::new(probe.clone()), &[x], &params, &[]);
        let in_columns = |columns: std::ops::Range<usize>| -> f32 {
            results.traces.chunks_exact(13).map(|row| row[columns.clone()].iter().sum::<f32>()).sum()
        };
        assert_eq!(counted.at(0, "spikes.h"), [in_columns(0..8)]);
        assert_eq!(counted.at(0, "spikes.g"), [in_columns(8..13)]);
        all = [all[0] + in_columns(0..8), all[1] + in_columns(8..13)];
    }
    assert!(all[0] > 0.0 && all[1] > 0.0, "{all:?}");
}

#[test]
fn every_program_of_a_network_has_the_same_parameters() {
    let p = network(
        "neuron n { param tau = 2 trainable per neuron input i state v = 0 flow v' = (i - v)/tau spike when v >= 1 reset v -= 1 }",
        "steps 3 layer h = tuned(x, 6) |> lif layer g = h |> dense(5) |> affine |> n output = g |> mean |> dense(1)",
    );
    let n = &p.network;
    let readout = n.features.as_ref().expect("linear");
    assert_eq!(n.init.len(), n.primal.params.len());
    assert_eq!(n.primal.params, n.probe.params);
    assert_eq!(n.primal.params, readout.params);
    let pool = &n.layers[1].pursuit.as_ref().expect("its units are features").pool;
    let names = |p: &snnc::ir::program::Program| p.params.iter().map(|q| q.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&n.primal), names(pool));
    let known: Vec<_> = n.primal.params.iter().map(|q| (q.name.as_str(), q.rows, q.cols, q.trainable)).collect();
    assert_eq!(
        known,
        [
            ("h.tuned.weight", 1, 6, true),
            ("h.tuned.phase", 1, 6, true),
            ("h.tuned.gain", 1, 6, true),
            ("h.tuned.bias", 1, 6, true),
            ("h.tuned.sine", 1, 6, false),
            ("g.dense.weight", 6, 5, true),
            ("g.dense.bias", 1, 5, true),
            ("g.affine.gain", 1, 5, true),
            ("g.affine.bias", 1, 5, true),
            ("g.n.tau", 1, 5, true),
            ("output.dense.weight", 5, 1, true),
            ("output.dense.bias", 1, 1, true),
        ]
    );
}

/// What does not change from step to step stands before the steps, and a product with spikes is one.
#[test]
fn the_steps_hold_the_dynamics_and_nothing_else() {
    let p = network(
        "",
        "steps 16 layer h = tuned(x, 8) |> lif(tau = 20) layer g = h |> dense(4) |> lif output = g |> mean |> dense(1)",
    );
    let features = dce::dce(p.network.features.clone().expect("linear"));
    let dense: Vec<_> = features.passes[0]
        .step
        .iter()
        .filter_map(|i| if let Op::Dense { x, .. } = i.op { Some(x) } else { None })
        .collect();
    assert_eq!(dense.len(), 1);
    assert!(features.is_event(dense[0]));
    let is_product = |op: &Op| matches!(op, Op::Binary(snnc::func::Binary::Mul, ..) | Op::Fma(..));
    let products = features.passes[0].step.iter().filter(|i| is_product(&i.op)).count();
    // Two leaks and the drive of the second population; that of the first is constant, thresholds are 1.
    assert_eq!(products, 3, "{features}");
}

#[test]
fn printed_programs() {
    let p = network(
        "",
        "steps 4 layer h = tuned(x, 2) |> lif(tau = 20) output = x * (h |> ema(tau = 20) |> mean |> dense(1))",
    );
    let layer = p.network.layers[0].pursuit.as_ref().expect("its units are features");
    let programs =
        [&p.network.primal, p.network.features.as_ref().expect("linear"), layer.response.as_ref().expect("lif")];
    insta::assert_snapshot!(programs.map(|p| p.to_string()).join("\n"));
}
