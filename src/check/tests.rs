//! Whole programs through the checker: what comes out, and what is said.

use super::*;
use crate::check::expr::{Expr, Var};
use crate::check::model::{Kind, Model, NodeOp, StateStep};
use crate::diag::Severity;
use crate::source::MemoryFiles;
use crate::syntax::parse::parse;
use crate::units::Dimension;

/// The model, and the messages as `SNN0201 warning text`.
pub(super) fn run(text: &str, options: &Options) -> (Option<Model>, Vec<String>) {
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let id = sources.add("test.snn", text);
    let model = parse(text, id, &mut sink)
        .and_then(|file| check(&file, &mut sources, &MemoryFiles::default(), options, &mut sink));
    let messages = sink
        .into_sorted()
        .iter()
        .map(|d| {
            let kind = if d.severity == Severity::Error { "error" } else { "warning" };
            format!("{} {kind} {}", d.code, d.message)
        })
        .collect();
    (model, messages)
}

fn model(text: &str) -> Model {
    let (model, messages) = run(text, &Options::default());
    model.unwrap_or_else(|| panic!("{text}\n{messages:#?}"))
}

/// A program around a network's body.
fn network(body: &str) -> String {
    format!(
        "domain {{ x in 0 .. 2  t in 0 .. 1 }}\nnetwork u(x, t) {{ {body} }}\nresidual fit on domain : u = sin(x)*t\n"
    )
}

fn codes(text: &str) -> Vec<String> {
    run(text, &Options::default()).1.iter().map(|m| m[..7].to_string()).collect()
}

#[test]
fn the_wave_network_is_open_to_pursuit() {
    let m = model(&network(
        "steps 64 layer h = tuned(x, t, 512) |> lif(tau = 20) output = h |> ema(tau = 20) |> mean |> dense(1)",
    ));
    let net = &m.network;
    let paths: Vec<&str> = net.nodes.iter().map(|n| n.path.as_str()).collect();
    assert_eq!(paths, ["h.coords", "h.tuned", "h.lif", "output.ema", "output.mean", "output.dense"]);
    assert_eq!((net.clocks[0].steps, net.clocks[0].dt), (64, 1.0));
    assert_eq!(net.fields[0].readout, Some((5, Some(0))));
    assert_eq!(net.layers[0].pursuit, Some(1));
    assert_eq!(net.layers[0].owned, [1, 2]);
    assert_eq!((net.layers[1].name.as_str(), net.layers[1].owned.as_slice()), ("output", &[5][..]));
    assert_eq!((net.nodes[2].kind, net.nodes[2].width), (Kind::Signal, 512));
    assert!(matches!(&net.nodes[2].op, NodeOp::Neuron { args, .. } if *args == [20.0, 1.0]));
}

#[test]
fn coordinates_are_scaled_in_layers_and_plain_in_arithmetic() {
    let m = model(&network("output = x*(2 - x) * ((x, t) |> dense(8) |> tanh |> dense(1))"));
    let net = &m.network;
    let scalar = net.nodes.iter().find(|n| matches!(n.op, NodeOp::Scalar(_)));
    assert!(scalar.is_some(), "{m}");
    assert!(net.nodes.iter().any(|n| n.op == NodeOp::Coords { coords: vec![0, 1], raw: false }));
    assert!(net.fields[0].readout.is_some(), "a factor of the coordinates leaves the readout solvable");
    let raw = model(&network("output = raw(t) |> dense(8) |> tanh |> dense(1)"));
    assert!(raw.network.nodes.iter().any(|n| n.op == NodeOp::Coords { coords: vec![1], raw: true }));
}

#[test]
fn a_function_of_the_readout_cannot_be_solved_for() {
    let m = model(&network("layer h = (x, t) |> dense(8) |> tanh output = h |> dense(1) |> tanh"));
    assert_eq!(m.network.fields[0].readout, None);
    assert_eq!(m.network.layers[0].pursuit, None);
}

#[test]
fn pursuit_needs_one_feature_a_unit() {
    let mixed = model(&network("layer h = tuned(x, t, 8) |> lif output = h |> mean |> dense(9) |> tanh |> dense(1)"));
    assert_eq!(mixed.network.layers[0].pursuit, None);
    let two = model(&network(
        "layer h = tuned(x, t, 8) |> lif layer g = h |> dense(9) |> lif output = g |> mean |> dense(1)",
    ));
    assert_eq!(two.network.layers[0].pursuit, None);
    let g = &two.network.layers[1];
    assert_eq!(g.pursuit.map(|n| two.network.nodes[n].path.as_str()), Some("g.dense"));
    let frozen = model(&network("layer h = tuned(x, t, 8, frozen) |> lif output = h |> mean |> dense(1)"));
    assert_eq!(frozen.network.layers[0].pursuit, None);
}

#[test]
fn unused_layers_are_left_out() {
    let text = network("layer a = tuned(x, 8) |> lif layer b = tuned(t, 8) |> if output = b |> mean |> dense(1)");
    let m = model(&text);
    assert_eq!(codes(&text), ["SNN0607"]);
    let names: Vec<&str> = m.network.layers.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["b", "output"]);
    assert!(m.network.nodes.iter().all(|n| !n.path.starts_with("a.")));
}

#[test]
fn repeated_parts_have_paths_of_their_own() {
    let m = model(&network("output = (x, t) |> dense(8) |> tanh |> dense(8) |> tanh |> dense(1)"));
    let paths: Vec<&str> = m.network.nodes.iter().map(|n| n.path.as_str()).collect();
    assert_eq!(
        paths,
        ["output.coords", "output.dense", "output.tanh", "output.dense2", "output.tanh2", "output.dense3"]
    );
}

#[test]
fn a_scalar_beside_a_signal_becomes_a_current() {
    let m = model(&network("output = 2*tuned(x, 8) |> lif |> mean |> dense(1)"));
    assert!(m.network.nodes.iter().any(|n| matches!(n.op, NodeOp::Current(_))));
    assert_eq!(codes(&network("output = ((x |> dense(8)) + tuned(x, 8)) |> lif |> mean |> dense(1)")), ["SNN0308"]);
}

#[test]
fn the_prelude_integrates_exactly() {
    let m = model(&network("layer h = tuned(x, 8) |> alif output = h |> mean |> dense(1)"));
    let alif = &m.neurons[0];
    assert_eq!(alif.name, "alif");
    assert!(alif.states.iter().all(|s| matches!(s.step, StateStep::Linear { .. })));
    assert_eq!(alif.resets.iter().map(|(k, _)| *k).collect::<Vec<_>>(), [0, 1]);
}

/// The step of the only state `v` of a neuron with this flow.
fn step_of(flow: &str, rest: &str) -> Result<StateStep, Vec<String>> {
    let text = format!(
        "neuron cell(tau = 2) {{ input i state v = 0, w = 1 flow v' = {flow} update w := v {rest} spike when v >= 1 reset v -= 1 }}\n{}",
        network("output = tuned(x, 8) |> cell |> mean |> dense(1)")
    );
    let (model, messages) = run(&text, &Options::default());
    model.map(|m| m.neurons[0].states[0].step.clone()).ok_or(messages)
}

#[test]
fn each_flow_gets_the_best_integrator_that_it_allows() {
    let on_state = |e: &Expr| e.any_var(|v| matches!(v, Var::State(_)));
    assert!(matches!(step_of("(i - v)/tau", ""), Ok(StateStep::Linear { decay, .. }) if !on_state(&decay)));
    assert!(matches!(step_of("i*w - v", ""), Ok(StateStep::Linear { decay, .. }) if !on_state(&decay)));
    assert!(matches!(step_of("i - w*v", ""), Ok(StateStep::Linear { decay, .. }) if on_state(&decay)));
    assert!(matches!(step_of("i - v^2", ""), Ok(StateStep::Euler { .. })));
    assert!(matches!(step_of("(i - v)/tau", "integrate euler"), Ok(StateStep::Euler { .. })));
    assert!(matches!(step_of("i", "integrate exact"), Ok(StateStep::Euler { .. })));
    assert!(matches!(step_of("i - w*v", "integrate exact"), Err(m) if m[0].starts_with("SNN0507")));
    assert!(matches!(step_of("i - v^2", "integrate exponential"), Err(m) if m[0].starts_with("SNN0507")));
}

#[test]
fn a_condition_the_other_way_about_is_turned() {
    let text = format!(
        "neuron cell {{ input i state v = 0 update v := v + i spike when 1 < v reset v *= 0.5 }}\n{}",
        network("output = tuned(x, 8) |> cell |> mean |> dense(1)")
    );
    let m = model(&text);
    let spike = m.neurons[0].spike.clone().expect("spikes");
    assert_eq!((spike.lhs, spike.rhs, spike.strict), (Expr::Var(Var::State(0)), Expr::Num(1.0), true));
}

#[test]
fn constants_fold_in_order_and_overrides_win() {
    let text =
        format!("const c = 2\nconst k = c^2\n{}", network("steps k output = tuned(x, 8) |> lif |> mean |> dense(1)"));
    assert_eq!(model(&text).network.clocks[0].steps, 4);
    let set = Options { set: vec![("c".into(), 3.0)], seed: None };
    let (m, _) = run(&text, &set);
    let m = m.expect("checks");
    assert_eq!(m.constants, [("c".to_string(), 3.0), ("k".to_string(), 9.0)]);
    assert_eq!(m.network.clocks[0].steps, 9);
    let unknown = Options { set: vec![("d2".into(), 3.0)], seed: None };
    assert_eq!(run(&text, &unknown).1[0][..7], *"SNN0211");
}

#[test]
fn functions_are_inlined() {
    use crate::func::Binary::{Mul, Pow};
    let body = network("output = hill(x) * (tuned(x, 8) |> lif |> mean |> dense(1))");
    let m = model(&format!("const a = 3\nfn sq(p) = p^2\nfn hill(p) = a*sq(p)*sq(a)\n{body}"));
    let scalar = m.network.nodes.iter().find_map(|n| match &n.op {
        NodeOp::Scalar(e) => Some(e.clone()),
        _ => None,
    });
    let square = Expr::binary(Pow, Expr::Var(Var::Coord(0)), Expr::Num(2.0));
    let hill = Expr::binary(Mul, Expr::binary(Mul, Expr::Num(3.0), square), Expr::Num(9.0));
    assert_eq!(scalar, Some(hill));
}

#[test]
fn every_independent_mistake_is_reported_in_source_order() {
    let text = "const a = b\nconst c = a + 1\ndomain { x in 1 .. 0 }\n\
        network u(x) { steps 0 layer h = x |> lif output = h |> mean |> dense(1) }\n\
        residual fit on domain : u = v\n";
    assert_eq!(codes(text), ["SNN0201", "SNN0307", "SNN0303", "SNN0308", "SNN0201"]);
}

#[test]
fn a_syntax_error_is_not_reported_as_missing_names() {
    let text = "domain { x in 0 .. 1\n\
        network u(x) { layer h = tuned(x, 8) |> lif output = h |> meen |> dense(1) }\n\
        residual fit on x = 0 : d(u, x) = k*x\n";
    assert_eq!(codes(text), ["SNN0104", "SNN0601"]);
}

#[test]
fn a_neuron_sees_only_what_it_declares() {
    let text = format!(
        "neuron cell {{ input i state v = i update v := v + x spike when v >= 1 reset v -= 1 }}\n{}",
        network("output = tuned(x, 8) |> cell |> mean |> dense(1)")
    );
    assert_eq!(codes(&text), ["SNN0212", "SNN0212"]);
}

#[test]
fn the_model_prints() {
    let text = model(&network("layer h = tuned(x, t, 8) |> lif output = h |> mean |> dense(1)")).to_string();
    assert!(text.contains("neuron lif"), "{text}");
    assert!(text.contains("%1 h.tuned = tuned(%0, mixed)"), "{text}");
    assert!(text.contains("layer h is %2  owns [%1, %2]  pursuit over %1"), "{text}");
}

#[test]
fn constants_with_units_are_held_in_ms_mv_and_pa() {
    let items = "const tau = 0.02s\nconst C = 1nF\nconst R = tau/C\n";
    let text = format!("{items}{}", network("dt 1ms output = tuned(x, 8) |> lif(tau = R*C) |> mean |> dense(1)"));
    let m = model(&text);
    let values: Vec<f64> = m.constants.iter().map(|(_, v)| *v).collect();
    assert_eq!(values, [20.0, 1000.0, 0.02]);
    // An override counts in the unit that is written.
    let set = Options { set: vec![("C".into(), 2.0)], seed: None };
    assert_eq!(run(&text, &set).0.expect("checks").constants[1].1, 2000.0);
}

#[test]
fn dimensions_are_inferred_from_equations() {
    let of = |neuron: &str| {
        let body = format!("dt 1ms output = tuned(x, 8) |> {neuron} |> mean |> dense(1)");
        model(&network(&body)).neurons[0].clone()
    };
    let adex = of("adex");
    assert!(adex.timed && adex.input.dimension == Dimension::CURRENT);
    assert_eq!(adex.states.iter().map(|s| s.dimension.unit()).collect::<Vec<_>>(), ["mV", "pA"]);
    let hh = of("hodgkin_huxley");
    assert_eq!(hh.states.iter().map(|s| s.dimension.unit()).collect::<Vec<_>>(), ["mV", "", "", "", ""]);
    let text = format!(
        "neuron cell {{ input i state v = 0 flow v' = (i - v)/20ms spike when v >= 5mV reset v = 0 }}\n{}",
        network("dt 1ms output = tuned(x, 8) |> cell |> mean |> dense(1)")
    );
    let cell = &model(&text).neurons[0];
    assert_eq!((cell.input.dimension, cell.states[0].dimension), (Dimension::VOLTAGE, Dimension::VOLTAGE));
}

#[test]
fn quantities_fit_a_model_without_units_or_do_not() {
    let of = |call: &str| codes(&network(&format!("dt 1ms output = tuned(x, 8) |> {call} |> mean |> dense(1)")));
    assert_eq!(of("alif(tau = 20ms, tau_a = 0.1s)"), [] as [&str; 0]);
    assert_eq!(of("lif(tau = 20mV)"), ["SNN0322"]);
    assert_eq!(of("lif(tau = 20)"), ["SNN0321"]);
    // A threshold makes the potential, and so the input, a voltage: nothing speaks against it.
    assert_eq!(of("lif(tau = 20ms, theta = 5mV)"), [] as [&str; 0]);
    assert_eq!(of("alif(theta = 5mV, beta = 2pA)"), ["SNN0322"]);
    assert_eq!(of("adex(C = 200)"), ["SNN0321"]);
    assert_eq!(codes(&network("output = tuned(x, 8) |> adex |> mean |> dense(1)")), ["SNN0527"]);
}

#[test]
fn the_greater_side_of_the_condition_is_held_while_a_neuron_rests() {
    let text = format!(
        "neuron cell(rest = 3) {{ input i state v = 0, a = 0 flow v' = i - v flow a' = -a spike when a + 1 < v reset a += 1 refractory 2*rest }}\n{}",
        network("output = tuned(x, 8) |> cell |> mean |> dense(1)")
    );
    let m = model(&text);
    let rest = m.neurons[0].refractory.clone().expect("rests");
    assert_eq!(rest.held, [0]);
    assert!(rest.time.any_var(|v| *v == Var::Param(0)));
}

#[test]
fn neurons_that_cannot_do_anything_are_warned_of() {
    let said = |layer: &str| {
        let text = network(&format!("output = {layer} |> mean |> dense(1)"));
        let (model, messages) = run(&text, &Options::default());
        assert!(model.is_some(), "{messages:?}");
        messages.iter().map(|m| m[..7].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(said("x |> current |> lif(theta = 3)"), ["SNN0524"]);
    assert_eq!(said("x |> current |> lif(theta = 0.9)"), [] as [&str; 0]);
    assert_eq!(said("x |> dense(4) |> tanh |> current |> if(theta = 20)"), ["SNN0524"]);
    assert_eq!(said("x |> dense(4) |> current |> if(theta = 20)"), [] as [&str; 0]);
    assert_eq!(said("(2 + x^2) |> current |> if(theta = 0.5)"), ["SNN0525"]);
}
