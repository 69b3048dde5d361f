//! The neurons that come with the language, and what else a neuron can be made of: both engines, against simulations written
//! out, and against Brian2.

use snnc::check::{Options, prelude};
use snnc::exec::Engine;
use snnc::exec::kernel::{AnyKernel, Numbers};
use snnc::ir::{problem::Init, read};
use snnc::pipeline::{Compiled, Source};
use snnc::source::{MemoryFiles, Sources};

fn compiled(text: &str, engine: Engine) -> Compiled {
    let mut sources = Sources::default();
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("model.snn", text).check(&mut sources, &MemoryFiles::default(), &options);
    let program = checking.program.unwrap_or_else(|| panic!("{text}\n{:#?}", checking.messages));
    program.compile(engine).unwrap_or_else(|b| panic!("{b}"))
}

/// A network of one neuron that is given its coordinate as a constant current.
fn alone(items: &str, neuron: &str, dt: &str, steps: usize) -> String {
    format!(
        "{items}\ndomain {{ x in 0 .. 4000 }}\nnetwork u(x) {{ steps {steps} dt {dt} \
         layer h = raw(x) |> current |> {neuron} output = h |> mean |> dense(1) }}\nresidual r on domain : u = 2\n"
    )
}

/// What a layer of one neuron emits as a spike in each step, for each current.
fn spikes(text: &str, currents: &[f32], engine: Engine) -> Vec<Vec<f32>> {
    let c = compiled(text, engine);
    let probe = &c.kernels.probe;
    let params = vec![0.0; probe.program().param_len()];
    let ran = probe.run(&currents.iter().map(|c| f64::from(*c)).collect::<Vec<_>>(), &params, &[]);
    let Numbers::Single(traces) = ran.traces else { panic!("single precision is the default") };
    traces.chunks_exact(probe.program().trace_len()).map(<[f32]>::to_vec).collect()
}

fn steps_of(row: &[f32]) -> Vec<usize> {
    row.iter().enumerate().filter(|(_, s)| **s != 0.0).map(|(t, _)| t).collect()
}

/// The value of a graded unit in the last step.
fn last(items: &str, neuron: &str, steps: usize, current: f32) -> f64 {
    let text = format!(
        "{items}\ndomain {{ x in 0 .. 4000 }}\nnetwork u(x) {{ steps {steps} \
         layer h = raw(x) |> current |> {neuron} output = h |> last |> dense(1, bias = none) }}\nresidual r on domain : u = 2\n"
    );
    let c = compiled(&text, Engine::Jit);
    let primal = &c.kernels.observers[0].primal;
    let params = vec![1.0; primal.program().param_len()];
    primal.run(&[f64::from(current)], &params, &[]).outputs.at(0)
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a} is not {b}");
}

// ---- Brian2 ----------------------------------------------------------------------------------------------------------

/// Our text of a model that Brian2 was run with, changed where the run was: the integrator, a refractory time.
fn as_in_brian2(name: &str) -> String {
    let text = prelude::text(name).expect("a model").replace(&format!("neuron {name}("), "neuron cell(");
    let also = match name {
        "adex" => "integrate euler  refractory 2ms",
        "morris_lecar" => "integrate rk4",
        // The defaults are Brian2's `exponential_euler` and, as the paper has it, `euler`.
        _ => "",
    };
    text.replace("  spike when", &format!("  {also}\n  spike when"))
}

#[test]
fn models_spike_when_brian2_says() {
    let reference = include_str!("reference/brian2_neurons.txt");
    let mut compared = 0;
    for line in reference.lines().filter(|l| !l.starts_with('#')) {
        let (run, wanted) = line.split_once(':').expect("a colon");
        let run: Vec<&str> = run.split_whitespace().collect();
        let [name, current, dt, steps] = run[..] else { panic!("{line}") };
        let wanted: Vec<usize> = wanted.split_whitespace().map(|t| t.parse().expect("a step")).collect();
        let text = alone(&as_in_brian2(name), "cell", &format!("{dt}ms"), steps.parse().expect("steps"));
        let current: f32 = current.parse().expect("a number");
        let got = steps_of(&spikes(&text, &[current], Engine::Jit)[0]);
        assert_eq!(got.len(), wanted.len(), "{name} at {current}: {got:?} in place of {wanted:?}");
        for (a, b) in got.iter().zip(&wanted) {
            assert!(a.abs_diff(*b) <= 1, "{name} at {current}: {got:?} in place of {wanted:?}");
        }
        compared += wanted.len();
    }
    assert!(compared > 100, "{compared} spikes prove little");
}

// ---- engines ---------------------------------------------------------------------------------------------------------

const TRAIN: &str =
    "train { phase one { perturb rademacher directions 3 estimate forward update sgd(rate = 0.01) steps 1 } }";

/// A layer between trained weights, with tangents.
fn layered(items: &str, neuron: &str, dt: &str) -> String {
    format!(
        "{items}\ndomain {{ x in -1 .. 1 }}\nnetwork u(x) {{ steps 12 dt {dt} \
         layer h = current(x) |> dense(11, bias = uniform(-1, 1)) |> {neuron} output = h |> mean |> dense(1) }}\n\
         residual fit on grid(x = 9) : u = x\n{TRAIN}"
    )
}

fn numbers(n: usize, seed: u32, scale: f64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state >> 8) / f64::from(1 << 23) - 1.0) * scale
    };
    (0..n).map(|_| next()).collect()
}

/// Outputs of the kernels with and without tangents, on some points and weights: parameters of neurons near their start.
fn outputs(text: &str, engine: Engine, scale: f64) -> Vec<Vec<u64>> {
    let c = compiled(text, engine);
    let mut kernels = vec![c.kernels.probe.clone()];
    for o in &c.kernels.observers {
        kernels.push(o.primal.clone());
        kernels.extend(o.tangents.iter().map(|(_, t)| t.clone()));
    }
    assert!(kernels.iter().any(|k| k.program().directions > 0), "no tangents");
    kernels.iter().map(|k| run(k, &c, scale)).collect()
}

fn run(kernel: &AnyKernel, c: &Compiled, scale: f64) -> Vec<u64> {
    let program = kernel.program();
    assert_eq!(read::read(&program.to_string()).as_ref(), Ok(program), "does not read back");
    let mut params = numbers(program.param_len(), 2, scale);
    for (p, init) in program.params.iter().zip(&c.problem.network.init) {
        if let Init::Constant(start) = init {
            let at = program.param_offset(program.param_by_name(&p.name).expect("its own"));
            params[at..at + p.len()].iter_mut().for_each(|x| *x = *start * (1.0 + 0.1 * x.signum()));
        }
    }
    let directions = numbers(program.param_len() * program.directions as usize, 3, 1.0);
    let ran = kernel.run(&numbers(13, 1, 1.0), &params, &directions);
    [ran.outputs.wide(), ran.traces.wide()].concat().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn both_engines_give_every_model_the_same_bits_and_tangents() {
    for name in prelude::NAMES {
        let quantities = ["eif", "adex", "izhikevich", "morris_lecar", "hodgkin_huxley"].contains(name);
        let (dt, scale) = match *name {
            "hodgkin_huxley" => ("0.02ms", 300.0),
            "fitzhugh_nagumo" => ("1", 1.0),
            _ if quantities => ("0.5ms", 900.0),
            _ => ("1", 3.0),
        };
        let text = layered("", name, dt);
        let (a, b) = (outputs(&text, Engine::Interp, scale), outputs(&text, Engine::Jit, scale));
        assert!(a.iter().flatten().any(|x| *x != 0), "{name}: all zero");
        let wild = |x: &u64| !f64::from_bits(*x).is_finite();
        assert!(!a.iter().flatten().any(wild), "{name}: not finite");
        assert!(a == b, "{name}: the engines differ");
    }
}

#[test]
fn everything_a_neuron_can_have_is_the_same_in_both_engines() {
    let cell = "neuron cell(tau = 3 trainable per neuron, rest = 2) {
        input i
        state v = 0, w = 0
        flow v' = (i - w - v) / tau
        flow w' = 0.2*(v - w)
        integrate rk4  substeps 2
        refractory rest
        spike when v > 0.3  surrogate s(z) = if abs(z) < tau then 1 - abs(z)/tau else 0
        reset v = 0
        reset w += 0.1
        emit v*spike + 0.1*i
    }";
    let text = layered(cell, "cell(rest = 3)", "1");
    assert!(outputs(&text, Engine::Interp, 3.0) == outputs(&text, Engine::Jit, 3.0));
}

// ---- parts of a neuron -----------------------------------------------------------------------------------------------

const GRADED: &str = "input i state v = 1, w = 0 flow v' = -w + i flow w' = v";

#[test]
fn the_classical_method_is_the_taylor_polynomial_of_a_linear_flow_and_substeps_refine_it() {
    // v + w sqrt(-1) turns by a radian in a unit of time: z' = sqrt(-1) z.
    let cell = |rest: &str| format!("neuron cell {{ {GRADED} integrate rk4 {rest} }}");
    let turned = |h: f64, steps: usize| {
        let (re, im) = (1.0 - h.powi(2) / 2.0 + h.powi(4) / 24.0, h - h.powi(3) / 6.0);
        (0..steps).fold((1.0, 0.0), |(v, w), _| (re * v - im * w, re * w + im * v)).0
    };
    close(last(&cell(""), "cell", 4, 0.0), turned(1.0, 4));
    close(last(&cell("substeps 4"), "cell", 4, 0.0), turned(0.25, 16));
}

#[test]
fn substeps_of_euler_are_shorter_steps() {
    let cell = "neuron cell { input i state v = 0 flow v' = i - v integrate euler substeps 4 }";
    let v = (0..12).fold(0.0, |v, _| v + 0.25 * (2.0 - v));
    close(last(cell, "cell", 3, 2.0), v);
}

#[test]
fn a_resting_neuron_is_held_and_silent_and_its_other_states_run_on() {
    let cell = "neuron cell { input i state v = 0, w = 0 flow v' = i flow w' = 1 \
                spike when v >= 2 reset v = 0 refractory 4 }";
    // v passes 2 in the second step; after that there are three steps of rest.
    let row = &spikes(&alone(cell, "cell", "1", 14), &[1.0], Engine::Interp)[0];
    assert_eq!(steps_of(row), [1, 6, 11]);
    let graded = cell.replace("refractory", "emit w refractory");
    close(last(&graded, "cell", 14, 1.0), 14.0);
    let held = cell.replace("refractory", "emit v refractory");
    close(last(&held, "cell", 5, 1.0), 0.0);
}

#[test]
fn refractory_times_are_rounded_up_to_steps() {
    let cell = |t: &str| {
        format!("neuron cell {{ input i state v = 0mV flow v' = i spike when v >= 1mV reset v = 0mV refractory {t} }}")
    };
    let spikes = |t: &str| steps_of(&spikes(&alone(&cell(t), "cell", "0.1ms", 12), &[50.0], Engine::Interp)[0]);
    assert_eq!(spikes("0.3ms"), [0, 3, 6, 9]);
    assert_eq!(spikes("0.21ms"), [0, 3, 6, 9]);
    // A plain number counts steps.
    assert_eq!(spikes("4"), [0, 4, 8]);
    assert_eq!(spikes("0ms"), (0..12).collect::<Vec<_>>());
}

#[test]
fn what_is_emitted_sees_the_state_before_the_reset() {
    let cell =
        "neuron cell { input i state v = 0 update v := v + i spike when v >= 2 reset v = 0 emit v*spike + 10*i }";
    close(last(cell, "cell", 2, 1.5), 3.0 + 15.0);
    close(last(cell, "cell", 3, 1.5), 15.0);
}

#[test]
fn a_surrogate_of_ones_own_is_the_derivative() {
    let cell = |s: &str| {
        format!(
            "neuron cell {{ input i state v = 0 flow v' = (i - v)/3 spike when v >= 0.4 surrogate {s} reset v -= 0.4 }}"
        )
    };
    let own = layered(&cell("bump(z) = max(0, 1 - abs(z)/2)/2"), "cell", "1");
    let named = layered(&cell("triangle(width = 2)"), "cell", "1");
    let (a, b) = (outputs(&own, Engine::Interp, 2.0), outputs(&named, Engine::Interp, 2.0));
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        close(f64::from_bits(*a), f64::from_bits(*b));
    }
}

#[test]
fn inputs_are_in_their_unit_and_arguments_in_theirs() {
    let cell = "neuron cell(C = 1nF) { input i : nA state v = 0mV flow v' = i/C spike when v >= 1V reset v = 0mV }";
    // 1nA into 1nF is 1V in a second; into 100pF in a tenth of it.
    let all = |call: &str| spikes(&alone(cell, call, "10ms", 200), &[1.0], Engine::Jit)[0].iter().sum::<f32>();
    assert_eq!(all("cell(C = 1.002nF)"), 1.0);
    assert_eq!(all("cell(C = 99.9pF)"), 20.0);
    // A model without units takes quantities where they fit.
    let lif = |tau: &str, dt: &str| {
        steps_of(&spikes(&alone("", &format!("lif(tau = {tau})"), dt, 50), &[1.5], Engine::Jit)[0])
    };
    assert_eq!(lif("20ms", "1ms"), lif("20", "1"));
    assert_eq!(lif("0.02s", "1000us"), lif("20", "1"));
}

/// A model of one's own takes the place of the one that comes with the language.
#[test]
fn the_example_of_the_language_is_its_own_adex() {
    let own = "neuron adex {
        param C = 281pF, gL = 30nS, EL = -70.6mV, VT = -50.4mV, DT = 2mV
        param tauw = 144ms, a = 4nS, b = 80.5pA, vpeak = 20mV
        input i : pA
        state v = EL, w = 0pA
        flow  v' = (-gL*(v - EL) + gL*DT*exp((v - VT)/DT) - w + i) / C
        flow  w' = (a*(v - EL) - w) / tauw
        spike when v >= vpeak
        reset v = EL
        reset w += b
        refractory 2ms
    }";
    let of = |items: &str| steps_of(&spikes(&alone(items, "adex", "0.1ms", 3000), &[900.0], Engine::Jit)[0]);
    let (own, prelude) = (of(own), of(""));
    assert!(own.len() > 3 && own != prelude, "the refractory time makes a difference: {own:?}, {prelude:?}");
}
