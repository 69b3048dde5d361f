//! snnc as a library: the heat equation, solved by a spiking network that is trained inside of another program.
//!
//!     cargo run --release --example library

use std::error::Error;
use std::ops::ControlFlow;

use snnc::api::{Program, Training};

const HEAT: &str = "
const k = 0.1

domain {
  x in 0 .. 1
  t in 0 .. 1
}

network u(x, t) {
  steps 32
  layer h = tuned(x, t, 128) |> lif(tau = 20)
  output  = h |> ema(tau = 20) |> mean |> dense(1)
}

residual heat  on interior     : d(u, t) = k * d(u, x, x)
residual ends  on x = 0, x = 1 : u = 0
residual start on t = 0        : u = sin(pi*x)

exact u = exp(-k*pi^2*t) * sin(pi*x)

train  { phase grow { perturb neurons(h) pool 1000 mutate(0.1)  update pursuit  rounds 2 } }
report { metric l2 = relative_l2(u) }
";

fn main() -> Result<(), Box<dyn Error>> {
    let program = Program::compile(HEAT)?;
    print!("{}", program.warnings());
    let solution = program.train_with(&Training { seed: 7, ..Training::default() }, |point| {
        println!(
            "round {}: loss {:.2e} after {} forward evaluations",
            point.step, point.loss, point.forward_evaluations
        );
        ControlFlow::Continue(())
    });
    println!("relative L2 error: {:.2e}", solution.metric("l2")?);

    // The network's own spiking output along the bar, at the end.
    let points: Vec<f64> = (0..=10).flat_map(|i| [f64::from(i) / 10.0, 1.0]).collect();
    let u = solution.predict(&points)?.remove(0);
    for (point, u) in points.chunks(2).zip(u) {
        println!("u({:.1}, {}) = {u:.4}", point[0], point[1]);
    }
    std::fs::write(std::env::temp_dir().join("heat.safetensors"), solution.checkpoint()?)?;
    Ok(())
}
