//! The binary as a user meets it: exit codes, what it prints, what it leaves behind.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

/// Small enough to train in a moment.
const SMALL: &str = "
const k = 1
domain { x in 0 .. 1 }
network u(x) {
  steps 8
  layer h = tuned(x, 12) |> lif(tau = 5)
  output = h |> mean |> dense(1)
}
residual fit on grid(x = 64) : u = k*sin(pi*x)
exact u = k*sin(pi*x)
train {
  seed 3
  phase grow {
    perturb neurons(h) pool 200 mutate(0.1)
    update pursuit(ridge = 1e-6)
    rounds 1
  }
  phase polish {
    perturb rademacher(sigma = 0.01) directions 4 scope layer antithetic
    estimate difference
    update adam(rate = 0.001)
    steps 3
    solve readout every 1
  }
}
report {
  metric l2 = relative_l2(u) on grid(x = 101)
  expect l2 < 0.5
  plot curve(u), curve(error(u)), loss, raster(h)
  save \"small.npz\"
}
";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a temporary folder"))
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("writes");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Exit code, standard output, standard error.
    fn snnc(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("snnc").expect("the binary is built");
        let output = command.current_dir(self.0.path()).env("NO_COLOR", "1").args(arguments).output().expect("runs");
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }
}

#[test]
fn a_run_leaves_what_it_promises() {
    let place = Place::new();
    place.put("small.snn", SMALL);
    let (code, out, err) = place.snnc(&["run", "small.snn"]);
    assert_eq!(code, 0, "{err}");
    for word in ["fit", "grow", "polish", "l2", "holds: l2 < 0.5", "report.html"] {
        assert!(out.contains(word), "no {word} in\n{out}");
    }
    assert!(err.contains("grow 2/2"), "progress in plain lines:\n{err}");
    for name in ["run.json", "report.html", "checkpoint.safetensors", "small.npz"] {
        assert!(!place.read(&format!("runs/small/{name}")).is_empty());
    }
    for name in ["loss.svg", "loss.png"] {
        assert!(!place.read(&format!("runs/small/plots/{name}")).is_empty());
    }
    assert_eq!(fs::read_dir(place.0.path().join("runs/small")).expect("lists").count(), 5, "nothing else is left");

    let tensors = place.read("runs/small/checkpoint.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&tensors).expect("is a checkpoint");
    assert_eq!(tensors.tensor("h.tuned.weight").expect("is there").shape(), [1, 12]);

    let npz = place.read("runs/small/small.npz");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(npz)).expect("is an archive");
    let array = npyz::NpyFile::new(zip.by_name("u.npy").expect("is there")).expect("is an array");
    assert_eq!(array.shape(), [101]);
    assert!(array.into_vec::<f64>().expect("reads").iter().all(|v| v.is_finite()));
}

#[test]
fn engines_and_threads_do_not_change_a_bit() {
    let place = Place::new();
    place.put("small.snn", SMALL);
    let runs: &[(&str, &[&str])] = &[
        ("a", &["--engine", "jit", "--threads", "1"]),
        ("b", &["--engine", "interp", "--threads", "2"]),
        ("c", &["--engine", "jit", "--threads", "2", "--seed", "3"]),
        ("d", &["--seed", "4"]),
    ];
    for (name, arguments) in runs {
        let (code, _, err) = place.snnc(&[&["run", "small.snn", "--quiet", "--out", name], *arguments].concat());
        assert_eq!(code, 0, "{err}");
        assert_eq!(err, "", "--quiet says nothing");
    }
    for file in ["checkpoint.safetensors", "small.npz"] {
        let of = |name: &str| place.read(&format!("{name}/{file}"));
        assert!(of("a") == of("b"), "{file} depends on the engine");
        assert!(of("a") == of("c"), "{file} depends on the threads");
        assert!(of("a") != of("d"), "{file} does not depend on the seed");
    }
}

#[test]
fn a_run_in_double_precision_writes_all_its_digits() {
    let place = Place::new();
    place.put("small.snn", &SMALL.replace("  seed 3", "  precision f64\n  seed 3"));
    for (out, arguments) in
        [("a", ["--engine", "jit", "--threads", "1"]), ("b", ["--engine", "interp", "--threads", "2"])]
    {
        let (code, _, err) = place.snnc(&[&["run", "small.snn", "--quiet", "--out", out], &arguments[..]].concat());
        assert_eq!(code, 0, "{err}");
    }
    for file in ["checkpoint.safetensors", "small.npz"] {
        assert!(place.read(&format!("a/{file}")) == place.read(&format!("b/{file}")), "{file} depends on the engine");
    }
    let single = |x: &f64| f64::from(*x as f32) == *x;
    let bytes = place.read("a/checkpoint.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("is a checkpoint");
    let mut weights: Vec<f64> = vec![];
    for (name, t) in tensors.tensors() {
        assert_eq!(t.dtype(), safetensors::Dtype::F64, "{name}");
        weights.extend(t.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)));
    }
    assert!(!weights.iter().all(single), "no weight has more than single precision");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(place.read("a/small.npz"))).expect("is an archive");
    let array = npyz::NpyFile::new(zip.by_name("u.npy").expect("is there")).expect("is an array");
    assert!(!array.into_vec::<f64>().expect("reads").iter().all(single), "the field was rounded");
}

#[test]
fn constants_can_be_set() {
    let place = Place::new();
    place.put("small.snn", SMALL);
    let (code, _, err) = place.snnc(&["run", "small.snn", "--set", "k=2.5", "--quiet", "--out", "out"]);
    assert_eq!(code, 0, "{err}");
    let record: serde_json::Value = serde_json::from_slice(&place.read("out/run.json")).expect("is JSON");
    assert_eq!(record["program"]["constants"]["k"], 2.5);
    let (code, _, err) = place.snnc(&["check", "small.snn", "--set", "q=2.5"]);
    assert_eq!(code, 1, "an unknown constant is an error:\n{err}");
    let (code, _, _) = place.snnc(&["check", "small.snn", "--set", "k"]);
    assert_eq!(code, 2);
}

#[test]
fn an_expectation_that_does_not_hold_exits_4_after_everything_is_saved() {
    let place = Place::new();
    place.put("small.snn", &SMALL.replace("l2 < 0.5", "l2 < 1e-9"));
    let (code, _, err) = place.snnc(&["run", "small.snn", "--quiet"]);
    assert_eq!(code, 4);
    assert!(err.contains("l2 < 1e-9"), "{err}");
    assert!(!place.read("runs/small/report.html").is_empty());
}

#[test]
fn a_failing_run_leaves_earlier_results_alone() {
    let place = Place::new();
    place.put("small.snn", SMALL);
    assert_eq!(place.snnc(&["run", "small.snn", "--quiet"]).0, 0);
    let before = place.read("runs/small/checkpoint.safetensors");
    place.put("small.snn", &SMALL.replace("dense(1)", "dens(1)"));
    let (code, _, err) = place.snnc(&["run", "small.snn", "--quiet"]);
    assert_eq!(code, 1);
    assert!(err.contains("SNN") && err.contains("dense"), "{err}");
    assert!(before == place.read("runs/small/checkpoint.safetensors"));
}

#[test]
fn a_run_that_diverges_exits_3_and_keeps_the_last_good_weights() {
    let place = Place::new();
    // A step of this size leaves the range of single precision at once.
    let program = SMALL.replace("rate = 0.001", "rate = 1e38").replace("solve readout every 1", "");
    place.put("small.snn", &program);
    let (code, _, err) = place.snnc(&["run", "small.snn", "--quiet"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("fit") && err.contains("polish"), "{err}");
    let bytes = place.read("runs/small/checkpoint.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("is a checkpoint");
    for (name, t) in tensors.tensors() {
        let numbers = t.data().chunks(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]]));
        assert!(numbers.into_iter().all(f32::is_finite), "{name} is not finite");
    }
}

#[test]
fn files_that_cannot_be_read_or_written_are_said_in_words() {
    let place = Place::new();
    let (code, _, err) = place.snnc(&["run", "none.snn"]);
    assert_eq!(code, 2);
    assert!(err.contains("none.snn") && err.contains("no such file"), "{err}");
    fs::write(place.0.path().join("bad.snn"), [0x64, 0xff, 0xfe]).expect("writes");
    let (code, _, err) = place.snnc(&["check", "bad.snn"]);
    assert_eq!(code, 2);
    assert!(err.contains("UTF-8"), "{err}");
    place.put("small.snn", SMALL);
    place.put("taken", "a file");
    let (code, _, err) = place.snnc(&["run", "small.snn", "--out", "taken"]);
    assert_eq!(code, 2);
    assert!(err.contains("taken"), "{err}");
    assert_eq!(place.read("taken"), b"a file");
}

#[test]
fn codes_are_explained() {
    let place = Place::new();
    let (code, out, _) = place.snnc(&["explain", "SNN0201"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("# SNN0201"), "{out}");
    assert_eq!(place.snnc(&["explain", "snn201"]).0, 0);
    let (code, _, err) = place.snnc(&["explain", "SNN9999"]);
    assert_eq!(code, 2);
    assert!(err.contains("SNN"), "{err}");
}

#[test]
fn the_text_of_a_neuron_is_shown() {
    let place = Place::new();
    let (code, out, _) = place.snnc(&["show", "neuron", "adex"]);
    assert_eq!(code, 0);
    assert!(out.contains("Brette and Gerstner") && out.contains("neuron adex("), "{out}");
    let (code, out, _) = place.snnc(&["show", "neuron"]);
    assert!(code == 0 && out.lines().any(|l| l == "hodgkin_huxley"), "{out}");
    let (code, _, err) = place.snnc(&["show", "neuron", "adexx"]);
    assert!(code == 2 && err.contains("`adex`"), "{err}");
}

#[test]
fn every_stage_can_be_shown() {
    let place = Place::new();
    place.put("small.snn", SMALL);
    for (stage, word) in [("ast", "small"), ("model", "lif"), ("ir", "program"), ("clif", "function")] {
        let (code, out, err) = place.snnc(&["emit", "small.snn", "--stage", stage]);
        assert_eq!(code, 0, "{stage}: {err}");
        assert!(out.contains(word) || stage == "ast", "{stage}:\n{out}");
    }
    let (code, _, err) = place.snnc(&["emit", "small.snn", "--stage", "ir", "--after", "no_such_pass"]);
    assert_eq!(code, 2);
    assert!(err.contains("cse"), "the passes are listed: {err}");
    let (code, out, err) = place.snnc(&["emit", "small.snn", "--stage", "ir", "--after", "cse"]);
    assert_eq!(code, 0, "{err}");
    let read = snnc::ir::read::read(out.split("\nprogram ").next().expect("a program"));
    assert!(read.is_ok(), "{read:?}");
    assert_eq!(place.snnc(&["emit", "small.snn", "--stage", "ast", "--after", "cse"]).0, 2);
}

#[test]
fn what_training_works_on_can_be_written_and_gives_the_same_loss() {
    let place = Place::new();
    place.put("small.snn", SMALL);
    let (code, _, err) = place.snnc(&["emit", "small.snn", "--stage", "rows", "--out", "small.safetensors"]);
    assert_eq!(code, 0, "{err}");
    let bytes = place.read("small.safetensors");
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).expect("a header");
    let text = header.metadata().as_ref().expect("metadata")["problem"].clone();
    let problem: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("tensors");
    let numbers = |name: &serde_json::Value| -> Vec<f64> {
        let view = tensors.tensor(name.as_str().expect("a name")).expect("is there");
        view.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
    };
    let program = |text: &serde_json::Value| snnc::ir::read::read(text.as_str().expect("a text")).expect("a program");

    let (observer, row) = (&problem["observers"][0], &problem["rows"][0]);
    let (engine, precision) = (snnc::exec::Engine::Interp, snnc::plan::Precision::F32);
    let network = program(&observer["program"]);
    let (stride, at) = (network.output_len(), network.output_offset("u").expect("u"));
    let kernel = snnc::exec::build(engine, precision, vec![network]).expect("it builds").remove(0);
    let outputs = kernel.run(&numbers(&observer["points"]), &numbers(&problem["params"]), &[]).outputs;
    let u: Vec<f64> = (at..outputs.len()).step_by(stride).map(|i| outputs.at(i)).collect();
    assert_eq!((u.len(), &row["residual"], row["weight"].as_f64()), (64, &"fit".into(), Some(1.0)));
    let (value, coords) = (program(&row["points"]["value"]), numbers(&row["points"]["coords"]));
    let inputs: Vec<&[f64]> =
        value.inputs.iter().map(|i| if i.name == "atoms" { &u[..] } else { &coords[..] }).collect();
    let rows = snnc::exec::interp::eval(&value, &inputs);
    let loss = rows.iter().map(|r| r * r).sum::<f64>() / 64.0;

    assert!(place.snnc(&["run", "small.snn", "--quiet", "--out", "out"]).0 == 0);
    let run: serde_json::Value = serde_json::from_slice(&place.read("out/run.json")).expect("is JSON");
    assert!((loss - run["history"][0]["loss"].as_f64().expect("a loss")).abs() < 1e-12, "{loss}");
    let exact = numbers(&problem["measures"][0]["exact"]);
    assert_eq!((exact.len(), exact[50]), (101, 1.0));

    let emit = |more: &[&str]| place.snnc(&[&["emit", "small.snn", "--stage"], more].concat());
    let with = ["rows", "--out", "b.safetensors", "--weights"];
    assert_eq!(emit(&[&with[..], &["out/checkpoint.safetensors"]].concat()).0, 0);
    let (code, _, err) = emit(&[&with[..], &["small.snn"]].concat());
    assert!(code == 2 && err.contains("not a readable safetensors file"), "{err}");
    let (code, _, err) = emit(&["rows"]);
    assert!(code == 2 && err.contains("needs --out"), "{err}");
    let (code, _, err) = emit(&["ir", "--out", "b"]);
    assert!(code == 2 && err.contains("go with --stage rows"), "{err}");
    place.put("small.snn", &SMALL.replace("grid(x = 64) : u = k*sin(pi*x)", "interior : u = k*sin(pi*x)  resample 2"));
    let (code, _, err) = emit(&["rows", "--out", "b.safetensors"]);
    assert!(code == 2 && err.contains("residual fit has no rows that stay"), "{err}");
}

#[test]
fn check_says_what_was_chosen() {
    let place = Place::new();
    let head = SMALL.split("train {").next().expect("a head");
    place.put("small.snn", head);
    let (code, out, err) = place.snnc(&["check", "small.snn", "-v"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("residual fit") && out.contains("perturb neurons(h)"), "{out}");
    let row = out.lines().find(|l| l.starts_with("network ")).expect("a row for the network");
    // Thousands may be parted by thin spaces.
    let cells: Vec<&str> = row.split("  ").filter(|c| !c.is_empty()).collect();
    assert_eq!(cells.len(), 4, "{row}");
    assert!(out.lines().any(|l| l.contains("bytes of code: lowered and optimised in")), "{out}");
    // The printed schedule can be pasted in, and is then no longer the default.
    let block = &out[out.find("train {").expect("a train block")..];
    place.put("pasted.snn", &format!("{head}\n{block}"));
    let (code, out, err) = place.snnc(&["check", "pasted.snn", "-v"]);
    assert_eq!(code, 0, "{err}");
    assert!(!out.contains("train {"), "{out}");
    // A seed and a precision alone leave the schedule to be chosen.
    place.put("seeded.snn", &format!("{head}\ntrain {{ seed 3  precision f64 }}"));
    let (code, out, err) = place.snnc(&["check", "seeded.snn", "-v"]);
    assert_eq!(code, 0, "{err}");
    let chosen = ["chosen by default", "seed 3", "precision f64", "perturb neurons(h)"];
    assert!(chosen.iter().all(|part| out.contains(part)), "{out}");
}

#[test]
fn check_says_what_is_left_free_and_what_cannot_be_written() {
    let place = Place::new();
    place.put(
        "two.snn",
        "domain { x in 0 .. 1 }
         network u(x) { layer h = tuned(x, 8) |> lif  output = h |> mean |> dense(1) }
         network v(x) { layer h = tuned(x, 8) |> lif  output = h |> mean |> dense(1) }
         residual a on interior : d(u, x) = v
         residual b on interior : d(v, x) = -u
         residual c on x = 0 : u = 1
         residual e on x = 0 : v = 0",
    );
    let (code, out, err) = place.snnc(&["check", "two.snn", "-v"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("by weak, with 1 condition as a natural term") && out.contains("left free: u on x = 1"),
        "{out}"
    );
    assert!(out.contains("`u.h` is the layer `h` of `u`"), "{out}");
}

#[test]
fn messages_come_in_the_form_asked_for() {
    let place = Place::new();
    place.put("bad.snn", &SMALL.replace("dense(1)", "dens(1)"));
    let (_, _, plain) = place.snnc(&["check", "bad.snn", "--message-format", "plain"]);
    assert!(plain.starts_with("bad.snn:"), "{plain}");
    let (_, _, json) = place.snnc(&["check", "bad.snn", "--message-format", "json"]);
    for line in json.lines() {
        let message: serde_json::Value = serde_json::from_str(line).expect("one object a line");
        assert!(message["code"].as_str().is_some_and(|c| c.starts_with("SNN")), "{line}");
    }
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors").is_dir());
}

#[test]
fn a_population_inside_a_layer_has_its_own_raster_and_rate() {
    let place = Place::new();
    // The layer is 9 wide, the neurons in it are 4.
    let program = SMALL
        .replace("tuned(x, 12) |> lif(tau = 5)", "tuned(x, 4) |> lif(tau = 5) |> dense(9)")
        .replace(
            "perturb neurons(h) pool 200 mutate(0.1)\n    update pursuit(ridge = 1e-6)\n    rounds 1",
            "solve readout",
        )
        .replace("l2 < 0.5", "l2 < 10");
    place.put("small.snn", &program);
    let (code, _, err) = place.snnc(&["run", "small.snn", "--quiet"]);
    assert_eq!(code, 0, "{err}");
    let page = String::from_utf8(place.read("runs/small/report.html")).expect("UTF-8");
    assert!(page.contains("4 neurons over 8 steps"), "the raster counts the neurons");
    let record: serde_json::Value = serde_json::from_slice(&place.read("runs/small/run.json")).expect("is JSON");
    assert_eq!(record["layers"][0]["units"], 4);
    let rate = record["layers"][0]["spike_rate"].as_f64().expect("a rate");
    assert!((0.0..=1.0).contains(&rate), "{rate}");
}

#[test]
fn a_simulation_leaves_what_it_promises() {
    let place = Place::new();
    place.put(
        "net.snn",
        "simulate {
           duration 50ms  dt 0.1ms
           population exc = adex(5) with i = 700pA + 50pA*noise
           connect exc -> exc probability 0.5 weight 20pA tau 5ms delay 1.5ms
           record v of exc[0 .. 2], spikes of exc
         }
         report { metric r = rate(exc)  metric n = spike_count(exc)  expect r > 1Hz }",
    );
    let (code, out, err) = place.snnc(&["run", "net.snn"]);
    assert_eq!(code, 0, "{err}");
    for word in ["exc", "rate (Hz)", "holds: r > 1Hz", "report.html"] {
        assert!(out.contains(word), "no {word} in\n{out}");
    }
    let record: serde_json::Value = serde_json::from_slice(&place.read("runs/net/run.json")).expect("is JSON");
    let spikes = record["populations"][0]["spikes"].as_u64().expect("a count");
    assert!(spikes > 0 && record["status"]["state"] == "finished");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(place.read("runs/net/net.npz"))).expect("is an archive");
    let mut array = |name: &str| {
        let array = npyz::NpyFile::new(zip.by_name(name).unwrap_or_else(|e| panic!("{name}: {e}"))).expect("an array");
        (array.shape().to_vec(), array.into_vec::<f64>().expect("reads"))
    };
    assert_eq!(array("exc.spike_times.npy").0, [spikes]);
    assert_eq!(array("exc.v.npy").0, [500, 3]);
    assert!(array("exc.v.npy").1.iter().all(|v| *v < 1e15 && *v > -100.0));
    assert_eq!(array("t.npy").1[499], 50.0);

    let text = String::from_utf8(fs::read(place.0.path().join("net.snn")).expect("reads")).expect("UTF-8");
    place.put("net.snn", &text.replace("r > 1Hz", "r > 1kHz"));
    let (code, _, err) = place.snnc(&["run", "net.snn", "--quiet"]);
    assert_eq!(code, 4);
    assert!(err.contains("r > 1kHz"), "{err}");
    for (stage, word) in [("ast", "simulate"), ("model", "population exc"), ("ir", "step of exc"), ("clif", "function")]
    {
        let (code, out, err) = place.snnc(&["emit", "net.snn", "--stage", stage]);
        assert_eq!(code, 0, "{stage}: {err}");
        assert!(out.to_lowercase().contains(word), "{stage}:\n{out}");
    }
    let (code, _, err) = place.snnc(&["emit", "net.snn", "--stage", "rows", "--out", "net.safetensors"]);
    assert!(code == 2 && err.contains("SNN1222"), "{err}");
    assert_eq!(place.snnc(&["check", "net.snn", "-v"]).0, 0);
}
