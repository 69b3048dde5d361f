//! Interpreter and JIT give the same bits on every kernel of every example, in both precisions.

use std::fs;
use std::path::Path;

use snnc::check::Options;
use snnc::exec::Engine;
use snnc::exec::kernel::{AnyKernel, Numbers};
use snnc::pipeline::{Compiled, Source};
use snnc::plan::Precision;
use snnc::source::{Files, Sources};
use snnc::train::outcome::Silent;

/// The examples' data.
struct Examples;

impl Files for Examples {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        fs::read(folder.join(path)).map_err(|e| e.to_string())
    }
}

/// All kernels of a program, a simulation's as well.
fn compiled(text: &str, engine: Engine, precision: Precision) -> Vec<AnyKernel> {
    let mut sources = Sources::default();
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("example.snn", text).check(&mut sources, &Examples, &options);
    if let Some(simulation) = checking.simulation {
        let kernels = simulation.compile(engine).unwrap_or_else(|b| panic!("{b}")).kernels;
        return kernels.into_iter().map(AnyKernel::Single).collect();
    }
    let program = checking.program.unwrap_or_else(|| panic!("{:?}", checking.messages));
    let mut lowered = program.lower();
    lowered.problem.train.precision = precision;
    kernels(&lowered.compile(engine).unwrap_or_else(|b| panic!("{b}")))
}

fn kernels(c: &Compiled) -> Vec<AnyKernel> {
    let k = &c.kernels;
    let mut all = vec![k.probe.clone()];
    all.extend(k.responses.iter().flatten().cloned());
    for o in &k.observers {
        all.push(o.primal.clone());
        all.extend(o.features.clone());
        all.extend(o.pools.iter().flatten().cloned());
        all.extend(o.tangents.iter().map(|(_, t)| t.clone()));
    }
    all
}

/// Numbers that look random and are the same everywhere: a linear congruence, in -scale .. scale.
fn numbers(n: usize, seed: u32, scale: f64) -> Vec<f64> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state >> 8) / f64::from(1 << 23) - 1.0) * scale
        })
        .collect()
}

fn agree(name: &str, interp: &AnyKernel, jit: &AnyKernel) {
    let program = interp.program();
    // Not a multiple of the tile, so that a part of a tile is tried too.
    let points = 45;
    // A unit's response needs currents that reach its threshold; coordinates stay near the domain.
    let scale = if program.inputs[0].name == "current" { 40.0 } else { 1.0 };
    let inputs = numbers(points * program.input_len(), 1, scale);
    let params = numbers(program.param_len(), 2, 6.0);
    let directions = numbers(program.param_len() * program.directions as usize, 3, 1.0);
    let a = interp.run(&inputs, &params, &directions);
    let b = jit.run(&inputs, &params, &directions);
    let same = |x: &Numbers, y: &Numbers| {
        let (x, y) = (x.wide(), y.wide());
        x.len() == y.len() && x.iter().zip(&y).all(|(p, q)| p.to_bits() == q.to_bits() || (p.is_nan() && q.is_nan()))
    };
    let any = |x: &Numbers| x.wide().iter().any(|v| *v != 0.0);
    let precision = interp.precision().name();
    assert!(any(&a.outputs) || any(&a.traces), "{name}, {}: all zero", program.name);
    assert!(same(&a.outputs, &b.outputs), "{name}, program {} in {precision}: outputs differ", program.name);
    assert!(same(&a.traces, &b.traces), "{name}, program {} in {precision}: traces differ", program.name);
}

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F64];

#[test]
fn engines_agree_on_every_kernel_of_every_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for entry in fs::read_dir(folder).expect("there are examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "snn") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("UTF-8");
        let name = path.display().to_string();
        for precision in PRECISIONS {
            let of = |engine| compiled(&text, engine, precision);
            for (a, b) in of(Engine::Interp).iter().zip(&of(Engine::Jit)) {
                agree(&name, a, b);
            }
        }
    }
}

/// A network that uses what the examples do not: two hidden layers, every decoder, a graded layer, jets, tangents.
const DEEP: &str = "
domain { x in -1 .. 1  t in 0 .. 2 }
network u(x, t) {
  steps 12
  layer a = current(x, t) |> dense(20) |> alif
  layer b = a |> dense(9, bias = uniform(-1, 1)) |> if(theta = 0.5)
  layer c = b |> dense(7) |> integrator(tau = 3)
  output = x * (c |> last |> tanh |> dense(1)) + t
}
residual fit on grid(x = 5, t = 5) : u = x
train {
  phase one {
    perturb rademacher directions 5
    estimate forward
    update sgd(rate = 0.01)
    steps 3
  }
}
";

const SMOOTH: &str = "
domain { x in -1 .. 1  t in 0 .. 2 }
network u(x, t) {
  layer a = (x, t) |> dense(11) |> tanh
  layer b = a |> dense(6) |> sin
  output = b |> dense(1)
}
residual pde on interior : d(u, t) = d(u, x, x) + d(u, x, t) by jet
train {
  phase one {
    perturb gaussian directions 3
    estimate forward
    update adam(rate = 0.01)
    steps 3
  }
}
";

/// Every layer there is, several passes through time, layers that hear of later ones.
const EVERYTHING: &str = "
domain { x in 0 .. 1  t in 0 .. 2 }
fn bump(a, s) = exp(-a^2/(2*s^2))
fn clip(a) = if a > 1 or a < -1 then 0 else a
network u(x, t) {
  steps 12
  layer a = population(x, t, 6) |> lif(tau = 4)
  layer b = triangular(x, 8) |> dense(5) |> lif
  layer c = latency(x, t) |> recurrent(7) |> lif
  layer r = (x, t) |> dense(6) |> tanh |> rate |> conv1d(3, 3) |> lif
  layer w = fourier(x, t, 4) |> dense(4) |> sin |> current |> lif
  layer f = concat(current(x), prev(f), delay(g, 3)) |> dense(5) |> alif
  layer g = (f, a) |> dense(6) |> lif
  layer h = if x < 0.5 then g else 2*g + 1
  layer m = membrane(f) |> ema |> mean
  layer n = (a |> first_spike, b |> legendre(3), m) |> dense(8) |> current |> dense(4) |> lif
  layer o = concat(n, g) |> dense(3) |> lif |> mean
  layer p = fourier(x, 3, kind = fixed) |> dense(3)
  layer q = concat(c, r, w, h) |> clip |> mean |> dense(4) |> bump(0.5)
  output = dot(o, p) + (q |> dense(1)) + sum(i in 1 .. 2, o^i |> dense(1))
}
residual fit on grid(x = 5, t = 5) : u = x*t
train {
  phase p { steps 3 perturb gaussian directions 5 scope layer estimate forward update adam(rate = 0.01) }
}
";

/// A readout with a feature for each weight of a layer, and derivatives through it.
const BRANCHES: &str = "
domain { x in -1 .. 1  t in 0 .. 2 }
network u(x, t) {
  layer a = fourier(x, t, 6) |> dense(5) |> tanh
  layer b = population(x, t, 5) |> dense(4) |> integrator |> legendre(2) |> dense(3)
  output = x * dot(a |> dense(3), b)
}
residual pde on interior : d(u, t) = d(u, x, x) by jet
train {
  phase one {
    perturb gaussian directions 3
    estimate forward
    update adam(rate = 0.01)
    steps 3
  }
}
";

#[test]
fn engines_agree_on_deep_and_on_smooth_networks() {
    let programs = [("deep", DEEP), ("smooth", SMOOTH), ("everything", EVERYTHING), ("branches", BRANCHES)];
    for (name, text) in programs {
        for precision in PRECISIONS {
            let of = |engine| compiled(text, engine, precision);
            let a = of(Engine::Interp);
            assert!(a.iter().any(|k| k.program().directions > 0), "{name} has no tangents");
            for (a, b) in a.iter().zip(&of(Engine::Jit)) {
                agree(name, a, b);
            }
        }
    }
}

/// Spiking layers whose derivative is sampled, walked along every kind of direction, of all sizes of runs: 1, 4, 8 and 16 lanes.
const WALK: &str = "
domain { x in -1 .. 1 }
neuron cell {
  input i
  state v = 0
  flow v' = (i - v) / 4
  spike when v >= 1  surrogate gaussian(sigma = 0.4, samples = 3)
  reset v -= 1
}
network u(x) {
  steps 8
  layer a = tuned(x, 6) |> cell
  layer b = a |> dense(5, init = normal(3)) |> lif(tau = 4)
  output = b |> mean |> dense(1)
}
residual fit on grid(x = 37) : u = sin(3*x)
train {
  phase rank { perturb rank(2) directions 5 estimate forward update adam(rate = 0.01) steps 3 }
  phase node { perturb gaussian directions 1 scope node estimate forward update momentum(rate = 0.01) steps 3 }
  phase more { perturb orthogonal directions 2 .. 9 scope layer estimate forward update nesterov(rate = 0.01) steps 6 }
  phase span { perturb sphere directions 5 scope layer estimate forward update gauss_newton(rate = 0.5) steps 3 }
  phase seen { perturb sphere(sigma = 0.1) directions 5 estimate difference update gauss_newton(damping = 0.1) steps 3 }
  phase real { perturb coordinate(sigma = 0.1) scope node estimate difference update sgd(rate = 0.01) average 0.5 steps 3 }
}
";

#[test]
fn engines_take_the_same_steps_along_every_kind_of_direction() {
    for precision in PRECISIONS {
        let run = |engine| {
            let mut sources = Sources::default();
            let options = Options { set: vec![], seed: None };
            let checking = Source::new("walk.snn", WALK).check(&mut sources, &Examples, &options);
            let program = checking.program.unwrap_or_else(|| panic!("{:?}", checking.messages));
            let mut lowered = program.lower();
            lowered.problem.train.precision = precision;
            let c = lowered.compile(engine).unwrap_or_else(|b| panic!("{b}"));
            for (a, b) in kernels(&c).iter().zip(&compiled(WALK, Engine::Interp, precision)) {
                agree("walk", b, a);
            }
            let options = snnc::train::Options { seed: 4, interrupt: None, start: None };
            let out = snnc::train::train(&c.problem, &c.kernels, &options, &mut Silent);
            let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            (bits(&out.params), out.history.iter().map(|p| p.loss.to_bits()).collect::<Vec<_>>())
        };
        let (interp, jit) = (run(Engine::Interp), run(Engine::Jit));
        assert_eq!(interp, jit, "{}", precision.name());
        assert!(interp.1.windows(2).any(|w| w[0] != w[1]), "no step changed anything");
    }
}
