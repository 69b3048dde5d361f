//! NIR graphs: fixtures made by the Python package `nir` give the spikes that a loop over NIR's equations gives
//! (tests/reference/nir_graphs.py), and a network that is written and read again is the same network.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use snnc::exec::Engine;
use snnc::pipeline::{Compiled, Source};
use snnc::source::{MemoryFiles, Sources};
use snnc::train::{checkpoint, predict, raster};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nir").join(name)
}

fn snnc(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let out = Command::cargo_bin("snnc").expect("the binary is built").current_dir(folder).args(arguments).output();
    let out = out.expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout) + &text(&out.stderr))
}

/// A program and the weights beside it, compiled.
fn load(folder: &Path, program: &str, weights: &str) -> (Compiled, Vec<f64>) {
    let text = fs::read_to_string(folder.join(program)).expect("the program is there");
    let checking =
        Source::new(program, &text).check(&mut Sources::default(), &MemoryFiles::default(), &Default::default());
    let compiled = checking.program.expect("it has no errors").compile(Engine::Jit).expect("it compiles");
    let bytes = fs::read(folder.join(weights)).expect("the weights are there");
    let (params, _) = checkpoint::decode(&compiled.problem, &bytes).expect("they fit");
    (compiled, params)
}

/// Where each layer spikes at a point, as `NODE STEP UNIT`.
fn spikes(compiled: &Compiled, params: &[f64], layers: &[(&str, &str)], point: &[f64]) -> Vec<String> {
    let of = |(layer, node): &(&str, &str)| {
        let (.., found) =
            raster(&compiled.problem, &compiled.kernels, params, layer, point, &[]).expect("it records spikes");
        found.into_iter().map(|(step, unit)| format!("{node} {step} {unit}")).collect::<Vec<_>>()
    };
    layers.iter().flat_map(of).collect()
}

#[test]
fn graphs_of_the_python_package_spike_as_its_equations_say() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Layers by the names of their nodes; a name that the language has taken gets a letter before it.
    let recurrent: &[(&str, &str)] = &[("lif1", "lif1"), ("lif2", "lif2")];
    let nested: &[(&str, &str)] = &[("block_cuba", "block"), ("n_if", "if"), ("th", "th")];
    for (name, layers) in [("recurrent", recurrent), ("nested", nested)] {
        let file = fixture(&format!("{name}.nir"));
        let text = fs::read_to_string(fixture(&format!("{name}.txt"))).expect("the spikes are there");
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().expect("a first line").split_whitespace().collect();
        let point: Vec<f64> = head.iter().filter_map(|w| w.parse().ok()).collect();
        let (steps, point) = point.split_last().expect("numbers");
        let (code, said) = snnc(folder.path(), &["import", &file.display().to_string(), "--steps", &steps.to_string()]);
        assert_eq!(code, 0, "{said}");
        let (compiled, params) = load(folder.path(), &format!("{name}.snn"), &format!("{name}.safetensors"));
        let expected: Vec<&str> = lines.collect();
        assert!(expected.len() > 50);
        assert_eq!(spikes(&compiled, &params, layers, point), expected, "{name}");
    }
}

const PROGRAM: &str = "
domain { x in 0 .. 1  t in -2 .. 3 }
neuron hard(tau = 10, theta = 1 trainable per neuron) {
  input i  state v = 0  flow v' = (i - v)/tau  spike when v >= theta  reset v = -0.25
}
network u(x, t) {
  steps 40
  layer a = current(x, t, 2*x - t) |> dense(12, init = normal(3), bias = uniform(0, 4)) |> hard(tau = 8)
  layer b = concat(a, population(x, 5, gain = 2) * 0 + 1) |> recurrent(8, init = normal(2)) |> lif(tau = 7)
  output  = -(b |> ema(tau = 5) |> mean |> dense(1)) + x/2
}
residual fit on grid(x = 5, t = 5) : u = x
train { seed 2  phase s { solve readout } }
";

#[test]
fn a_network_that_is_written_and_read_again_is_the_same() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path();
    let program = PROGRAM.replace("concat(a, population(x, 5, gain = 2) * 0 + 1)", "a");
    fs::write(folder.join("net.snn"), &program).expect("writes");
    let run = |arguments: &[&str]| {
        let (code, said) = snnc(folder, arguments);
        assert_eq!(code, 0, "{said}");
        said
    };
    run(&["run", "net.snn", "--quiet", "--out", "out"]);
    let said = run(&["export", "out", "--to", "net.nir", "--subtractive"]);
    assert!(said.contains("input: x in 0 .. 1, t in -2 .. 3"), "{said}");
    assert!(said.contains("resets by subtraction, which stands in metadata alone"), "{said}");
    let first = fs::read(folder.join("net.nir")).expect("the graph");
    run(&["export", "net.snn", "--weights", "out/checkpoint.safetensors", "--to", "again.nir", "--subtractive"]);
    assert_eq!(first, fs::read(folder.join("again.nir")).expect("the graph"), "the same network, the same bytes");
    run(&["import", "net.nir", "--to", "back.snn"]);
    let (refused, said) = snnc(folder, &["import", "net.nir", "--to", "back.snn"]);
    assert!(refused == 2 && said.contains("--force overwrites it"), "{said}");

    let (one, params) = load(folder, "net.snn", "out/checkpoint.safetensors");
    let (two, back) = load(folder, "back.snn", "back.safetensors");
    let point = [0.3, 1.5];
    let expected = spikes(&one, &params, &[("a", "a"), ("b", "b")], &point);
    assert!(expected.len() > 30, "{} spikes", expected.len());
    assert_eq!(spikes(&two, &back, &[("a_hard", "a"), ("b_lif", "b")], &point), expected);
    let points: Vec<f64> = (0..50).flat_map(|k| [f64::from(k) / 49.0, f64::from(k) / 10.0 - 2.0]).collect();
    let value = |c: &Compiled, p: &[f64]| predict(&c.problem, &c.kernels, p, &points, &[]).remove(0);
    for (u, v) in value(&one, &params).iter().zip(value(&two, &back)) {
        assert!((u - v).abs() < 1e-4 * u.abs().max(1.0), "{u} and {v}");
    }
    // A run starts from the weights: with nothing to learn they stay as they are.
    let text = fs::read_to_string(folder.join("back.snn")).expect("the program");
    let still = "train { phase s { perturb gaussian(sigma = 0.01) directions 1  estimate difference  update sgd(rate = 1e-30)  steps 1 } }";
    fs::write(folder.join("still.snn"), text + still).expect("writes");
    run(&["run", "still.snn", "--weights", "back.safetensors", "--quiet", "--out", "still"]);
    let (_, kept) = load(folder, "back.snn", "still/checkpoint.safetensors");
    assert_eq!(kept, back);
}

#[test]
fn what_nir_cannot_say_is_refused_all_at_once() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("net.snn"), PROGRAM.replace("dense(1)) + x/2", "dense(1)) * x")).expect("writes");
    let (code, said) = snnc(dir.path(), &["export", "net.snn", "--to", "net.nir"]);
    assert_eq!(code, 1, "{said}");
    for expected in ["SNN1301", "a product of two values", "SNN1303", "SNN1304", "population"] {
        assert!(said.contains(expected), "no {expected} in\n{said}");
    }
    assert!(!dir.path().join("net.nir").exists());
}
