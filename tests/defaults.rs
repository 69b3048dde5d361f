//! What a program gets that says nothing about training does well where no layer can be grown by pursuit.

use snnc::api::{Program, Training};

/// The error with seeds 1 and 2, the larger one.
fn error(network: &str, points: &str) -> f64 {
    let text = format!(
        "domain {{ x in 0 .. 1 }}\nnetwork u(x) {{ {network} }}\nresidual fit on grid(x = {points}) : u = 0.8*sin(2*pi*x)\n\
         exact u = 0.8*sin(2*pi*x)\nreport {{ metric l2 = relative_l2(u) on grid(x = 1001) }}\n"
    );
    let program = Program::compile(&text).unwrap_or_else(|e| panic!("{e}"));
    let run = |seed| {
        let solution =
            program.train_with(&Training { seed, ..Training::default() }, |_| std::ops::ControlFlow::Continue(()));
        solution.metric("l2").expect("a metric")
    };
    [1, 2].map(run).into_iter().fold(0.0, f64::max)
}

/// A thousand steps of Adam come to 4e-2 and 7e-2 on these.
#[test]
fn a_network_without_a_readout_is_solved_in_a_subspace() {
    let smooth = error("layer h = x |> dense(8) |> tanh |> dense(8) |> tanh  output = h |> dense(1) |> tanh", "50");
    assert!(smooth < 1.5e-2, "{smooth}");
    let spiking =
        "steps 32  layer h = tuned(x, 64) |> lif(tau = 10)  output = h |> ema(tau = 10) |> mean |> dense(1) |> tanh";
    let spiking = error(spiking, "256");
    assert!(spiking < 2.5e-2, "{spiking}");
}

/// Every weight between two factors is solved for at once.
#[test]
fn a_product_is_solved_for() {
    let factor = |name: &str| format!("layer {name} = tuned(x, 32) |> lif(tau = 20)  ");
    let read = |name: &str| format!("{name} |> ema(tau = 20) |> mean |> dense(8)");
    let network = format!("steps 64  {}{}output = dot({}, {})", factor("g"), factor("h"), read("g"), read("h"));
    let error = error(&network, "256");
    assert!(error < 1.5e-2, "{error}");
}
