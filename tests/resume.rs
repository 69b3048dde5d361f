//! A run that was stopped and gone on with has the bits of one that never was: from every place where it can be stopped, for
//! everything that a schedule can do. And what becomes of the state on disk, through the real binary.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use assert_cmd::cargo::CommandCargoExt;
use snnc::check::Options as CheckOptions;
use snnc::exec::Engine;
use snnc::pipeline::{Compiled, Source};
use snnc::source::{MemoryFiles, Sources};
use snnc::train::outcome::{Outcome, Point, Progress};
use snnc::train::record::Record;
use snnc::train::state::{self, Origin};
use snnc::train::{Options, go_on, train};

fn compiled(program: &str) -> Compiled {
    let mut sources = Sources::default();
    let mut files = MemoryFiles::default();
    files.0.insert("probe.csv".into(), b"x,t,value\n0.25,0.5,0.1\n0.5,0.5,0.2\n".to_vec());
    let options = CheckOptions { set: vec![], seed: None };
    let checking = Source::new("program.snn", program).check(&mut sources, &files, &options);
    let program = checking.program.unwrap_or_else(|| panic!("{:#?}", checking.messages));
    program.compile(Engine::Jit).expect("compiles")
}

/// Takes down every state that a run goes through.
#[derive(Default)]
struct Watcher(Vec<Record>);

impl Progress for Watcher {
    fn point(&mut self, _: &Point) -> std::ops::ControlFlow<()> {
        std::ops::ControlFlow::Continue(())
    }

    fn wants_record(&mut self, _: bool, _: bool) -> bool {
        true
    }

    fn record(&mut self, record: Record, _: bool) {
        self.0.push(record);
    }
}

/// All that is not time, in words that tell every bit.
fn bits(o: &Outcome) -> String {
    let hex = |v: &f64| format!("{:016x}", v.to_bits());
    let params: Vec<String> = o.params.iter().map(hex).collect();
    let history = o.history.iter().map(|h| {
        let optional = |v: Option<f64>| v.map_or("-".into(), |v| hex(&v));
        let (plain, error) = (optional(h.plain), optional(h.error));
        format!("{} {} {} {} {} {plain} {error}", h.phase, h.step, h.of, h.forward_evaluations, hex(&h.loss))
    });
    let phases = o.phases.iter().map(|p| {
        let (before, after) = (hex(&p.loss_before), hex(&p.loss_after));
        format!("{} {} {} {before} {after} {}", p.name, p.method, p.forward_evaluations, p.note)
    });
    let losses =
        o.losses.iter().map(|l| format!("{} {:?} {} {}", l.residual, hex(&l.weight), hex(&l.after), hex(&l.fresh)));
    let rest: Vec<String> = history.chain(phases).chain(losses).collect();
    format!("{:?} {} {}\n{}\n{:?}", o.status, o.forward_evaluations, params.join(" "), rest.join("\n"), o.sights)
}

/// Through the bytes of the file and back.
fn on_disk(record: &Record) -> Record {
    let text = String::new;
    let origin = Origin {
        version: text(),
        name: text(),
        file: text(),
        text: text(),
        imports: vec![],
        program_hash: text(),
        inputs: vec![],
        set: vec![],
        seed: 0,
        precision: text(),
    };
    state::decode(&state::encode(record, &origin).expect("encodes")).expect("decodes").0
}

/// Goes on from (at most twelve of) the states of a run, which it gives back.
fn goes_on_to_the_same_bits(name: &str, program: &str) -> Vec<Record> {
    let compiled = compiled(program);
    let (problem, kernels) = (&compiled.problem, &compiled.kernels);
    let options = Options { seed: problem.train.seed, interrupt: None, start: None };
    let mut watcher = Watcher::default();
    let whole = bits(&train(problem, kernels, &options, &mut watcher));
    let n = watcher.0.len();
    assert!(n >= 2, "{name}: only {n} places to stop at");
    let all: Vec<usize> = (0..n).collect();
    for &k in all.iter().filter(|k| n <= 12 || **k < 4 || **k >= n - 3 || k.is_multiple_of(n / 5)) {
        let mut rest = Watcher::default();
        let record = on_disk(&watcher.0[k]);
        let resumed = go_on(problem, kernels, &options, &mut rest, &record);
        let resumed = bits(&resumed.unwrap_or_else(|e| panic!("{name}, place {k}: {e}")));
        let first = whole.lines().zip(resumed.lines()).find(|(a, b)| a != b);
        assert!(whole == resumed, "{name}, place {k} of {n}: {first:?}");
        // The states from there on are the same, too, but for the time.
        for (a, b) in watcher.0[k..].iter().zip(&rest.0) {
            let names = |r: &Record| r.numbers.keys().cloned().collect::<Vec<_>>();
            assert_eq!((names(a), &a.words), (names(b), &b.words), "{name}, place {k}");
            for (key, values) in
                a.numbers.iter().filter(|(key, _)| !["seconds", "mark", "history"].contains(&key.as_str()))
            {
                let timed = |(i, _): &(usize, &f64)| !(key.starts_with("phase.") && *i == 0);
                let of = |v: &[f64]| v.iter().enumerate().filter(timed).map(|(_, x)| x.to_bits()).collect::<Vec<_>>();
                assert!(of(values) == of(&b.numbers[key]), "{name}, place {k}: {key}");
            }
        }
    }
    watcher.0
}

const LINE: &str = "
domain { x in 0 .. 1 }
network u(x) {
  steps 8
  layer h = tuned(x, 10) |> lif(tau = 5)
  output = h |> mean |> dense(1)
}
exact u = sin(pi*x)
";

fn line(residual: &str, train: &str) -> String {
    format!("{LINE}residual fit {residual}\ntrain {{ seed 5 {train} }}")
}

const ADAM: &str = "update adam(rate = 0.01)";

#[test]
fn pursuit_and_gradients() {
    goes_on_to_the_same_bits(
        "pursuit",
        &line(
            "on grid(x = 64) : u = sin(pi*x)",
            &format!(
                "phase grow {{ perturb neurons(h) pool 60 mutate(0.1) update pursuit(ridge = 1e-6) rounds 3 }}
                 phase polish {{ perturb rademacher(sigma = 0.02) directions 4 scope layer antithetic estimate difference
                   {ADAM} steps 5 solve readout every 2 }}
                 phase last {{ solve readout }}"
            ),
        ),
    );
}

#[test]
fn forward_gradients_in_double_precision() {
    goes_on_to_the_same_bits(
        "forward",
        &line(
            "on grid(x = 32) : u = sin(pi*x)",
            &format!(
                "precision f64
                 phase a {{ perturb gaussian directions 8 scope global estimate forward update sgd(rate = 0.05) steps 4 }}
                 phase b {{ perturb gaussian directions 8 scope global estimate forward {ADAM} steps 6 stop when stalled 3 }}"
            ),
        ),
    );
}

#[test]
fn every_kind_of_direction_update_and_average() {
    let residual = "on grid(x = 32) : u = sin(pi*x)";
    for (name, perturb, update) in [
        ("momentum", "perturb sphere directions 2 .. 8", "update momentum(rate = 0.02)"),
        (
            "nesterov",
            "perturb orthogonal directions 3 scope layer",
            "update nesterov(rate = 0.02, beta = 0.8) average 0.75",
        ),
        ("average", "perturb coordinate scope node", "update adam(rate = 0.01) average 0.5 solve readout every 3"),
        (
            "subspace",
            "perturb gaussian directions 5 scope layer",
            "update gauss_newton(rate = 0.5, columns = 2) clip 1",
        ),
        ("range", "perturb gaussian directions 1 .. 40", "update sgd(rate = 0.05) average 0.9 batch 8"),
    ] {
        goes_on_to_the_same_bits(
            name,
            &line(residual, &format!("phase p {{ {perturb} estimate forward {update} steps 14 }}")),
        );
    }
}

#[test]
fn batches_resampled_points_and_adaptive_ones() {
    let phase =
        format!("perturb rademacher(sigma = 0.02) directions 4 scope layer antithetic estimate difference {ADAM}");
    for (name, residual, steps) in [
        ("batches", "on interior : u = sin(pi*x) points 50", "steps 13 batch 16"),
        ("resampled", "on interior : u = sin(pi*x) points 40 sample uniform resample 3", "steps 9"),
        ("both", "on interior : u = sin(pi*x) points 40 sample sobol resample 4", "steps 12 batch 16"),
    ] {
        goes_on_to_the_same_bits(name, &line(residual, &format!("phase p {{ {phase} {steps} }}")));
    }
    goes_on_to_the_same_bits(
        "adaptive rounds",
        &line(
            "on interior : u = sin(pi*x) points 40 sample adaptive",
            "phase grow { perturb neurons(h) pool 40 mutate(0.1) update pursuit rounds 3 }",
        ),
    );
    goes_on_to_the_same_bits(
        "adaptive steps",
        &line(
            "on interior : u = sin(pi*x) points 24 sample adaptive resample 5",
            &format!(
                "phase p {{ {phase} steps 12 stop when residual_of < 1e-9 }} }} report {{ metric residual_of = residual(fit)"
            ),
        ),
    );
}

/// Two fields, two coordinates, nonlinear terms, weights that balance, causal weights, an unknown, data.
#[test]
fn systems_with_everything_at_once() {
    let program = |train: &str| {
        format!(
            "domain {{ x in 0 .. 1  t in 0 .. 1 }}
             unknown nu = 0.5
             network pair(x, t) {{
               layer a = (x, t) |> dense(8) |> tanh
               layer b = a |> dense(6) |> tanh
               output u, v = b |> dense(2)
             }}
             residual heat on interior : d(u, t) = nu*d(u, x, x) + u*v  points 24 causal(eps = 0.5) weight auto
             residual other on interior : v = u^2  points 16 resample 3
             residual start on t = 0 : u = sin(pi*x)  points 8
             residual data on \"probe.csv\" : u = value
             train {{ seed 2 {train} }}"
        )
    };
    for (name, estimate) in [
        ("forward", "perturb gaussian directions 4 scope layer estimate forward"),
        ("difference", "perturb rademacher(sigma = 0.01) directions 4 scope global antithetic estimate difference"),
        (
            "difference in batches",
            "perturb rademacher(sigma = 0.01) directions 4 scope global estimate difference batch 8",
        ),
    ] {
        let (before, after) =
            estimate.split_once(" batch").map_or((estimate, String::new()), |(a, b)| (a, format!("batch{b}")));
        let train = format!(
            "phase first {{ {before} {ADAM} {after} steps 7 clip 1 }} phase second {{ {before} {ADAM} {after} steps 4 }}"
        );
        goes_on_to_the_same_bits(name, &program(&train));
    }
}

#[test]
fn nonlinear_weak_forms() {
    let program = |phase: &str| {
        format!(
            "domain {{ x in 0 .. 1 }}
             network u(x) {{ steps 8  layer h = tuned(x, 12) |> lif(tau = 5)  output = h |> mean |> dense(1) }}
             residual ode on interior : d(u, x, x) + u^2 = -9*sin(pi*x)  by weak(tests = 16)
             residual ends on x = 0, x = 1 : u = 0
             train {{ seed 2 {phase} }}"
        )
    };
    goes_on_to_the_same_bits(
        "rounds",
        &program("phase grow { perturb neurons(h) pool 40 mutate(0.1) update pursuit rounds 2 }"),
    );
    goes_on_to_the_same_bits(
        "steps",
        &program(&format!(
            "phase p {{ perturb rademacher(sigma = 0.02) directions 4 scope layer antithetic estimate difference {ADAM} steps 5 solve readout every 2 }}"
        )),
    );
}

/// A front, for which test functions are graded: how they are is part of the state, and in a later phase, too.
#[test]
fn graded_test_functions() {
    let phase = "perturb neurons(h) pool 60 mutate(0.1) update pursuit";
    let states = goes_on_to_the_same_bits(
        "front",
        &format!(
            "domain {{ x in -1 .. 1 }}
             network u(x) {{ steps 16  layer h = tuned(x, 12) |> lif(tau = 5)  output = h |> mean |> dense(1) }}
             residual burgers on interior : u*d(u, x) = 0.02*d(u, x, x)  by weak(tests = 24)
             residual ends on x = -1, x = 1 : u = -x
             train {{ seed 2 phase grow {{ {phase} rounds 3 }} phase more {{ {phase} rounds 1 }} phase last {{ solve readout }} }}"
        ),
    );
    let graded = states.iter().filter(|r| r.has("grading.0")).count();
    assert!(graded > 2 && graded < states.len(), "{graded} of {}", states.len());
}

#[test]
fn operators() {
    goes_on_to_the_same_bits(
        "operator",
        &format!(
            "domain {{ x in 0 .. 1 }}
             function a(s in 0 .. 1) ~ gaussian_process(length = 0.3) sensors 8
             network G[a](x) {{
               layer branch = a |> dense(6) |> tanh
               layer trunk = x |> dense(6) |> tanh
               output = x*dot(branch |> dense(6, bias = none), trunk)
             }}
             residual ode on interior : d(G[a], x) = a(x)  points 32 sample uniform resample 2
             train {{ seed 1 phase p {{ perturb gaussian directions 4 scope global estimate forward {ADAM} steps 6 }} phase s {{ solve readout }} }}"
        ),
    );
}

#[test]
fn a_record_of_another_program_is_refused_by_name() {
    let grow = |units: u32, more: &str| {
        let text = line(
            "on grid(x = 64) : u = sin(pi*x)",
            &format!("phase grow {{ perturb neurons(h) pool 60 mutate(0.1) update pursuit rounds 1 }} {more}"),
        );
        compiled(&text.replace("tuned(x, 10)", &format!("tuned(x, {units})")))
    };
    let first = grow(10, "phase last { solve readout }");
    let options = Options { seed: 5, interrupt: None, start: None };
    let mut watcher = Watcher::default();
    train(&first.problem, &first.kernels, &options, &mut watcher);
    let last = watcher.0.last().expect("a state");
    let said = |other: &Compiled| {
        let went = go_on(&other.problem, &other.kernels, &options, &mut Watcher::default(), last);
        went.expect_err("another program").to_string()
    };
    assert!(said(&grow(11, "phase last { solve readout }")).contains("numbers for `params`"));
    assert!(said(&grow(10, "")).contains("`phase`"));
    let mut less = last.clone();
    less.numbers.remove("draws");
    let went = go_on(&first.problem, &first.kernels, &options, &mut Watcher::default(), &less);
    assert!(went.expect_err("less").to_string().contains("nothing of `draws`"));
}

// ---- through the binary --------------------------------------------------------------------------------------------

/// Long enough to be stopped on its way.
fn long(steps: usize) -> String {
    format!(
        "const k = 1
{}residual fit on interior : u = k*sin(pi*x) points 400 sample uniform resample 8
train {{
  seed 5
  phase grow {{ perturb neurons(h) pool 400 mutate(0.1) update pursuit rounds 2 }}
  phase polish {{ perturb rademacher(sigma = 0.02) directions 8 scope layer antithetic estimate difference {ADAM} steps {steps} }}
}}
report {{ metric l2 = relative_l2(u) on grid(x = 101)  save \"u.npz\" }}
",
        LINE.replace("u = sin", "u = k*sin")
    )
}

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Place {
        let place = Place(tempfile::tempdir().expect("a temporary folder"));
        files.iter().for_each(|(name, text)| place.put(name, text.as_bytes()));
        place
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::File::create(self.path(name)).and_then(|mut f| f.write_all(bytes)).expect("writes");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn snnc(&self, arguments: &str) -> (i32, String) {
        let mut command = Command::cargo_bin("snnc").expect("the binary is built");
        command.current_dir(self.0.path()).env("NO_COLOR", "1").args(arguments.split_whitespace());
        let output = command.output().expect("runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), said)
    }

    fn start(&self, arguments: &str) -> Child {
        let mut command = std::process::Command::cargo_bin("snnc").expect("the binary is built");
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts")
    }

    fn await_file(&self, name: &str) {
        let begun = Instant::now();
        while !self.path(name).exists() {
            assert!(begun.elapsed() < Duration::from_secs(120), "{name} does not come");
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// The two folders hold the results of the same run, but for its times.
    fn same_results(&self, a: &str, b: &str) {
        for file in ["checkpoint.safetensors", "u.npz"] {
            assert!(self.read(&format!("{a}/{file}")) == self.read(&format!("{b}/{file}")), "{a} and {b}: {file}");
        }
        let record = |folder: &str| {
            let bytes = self.read(&format!("{folder}/run.json"));
            let mut record: serde_json::Value = serde_json::from_slice(&bytes).expect("is JSON");
            record["seconds"] = serde_json::Value::Null;
            record["threads"] = serde_json::Value::Null;
            record["engine"] = serde_json::Value::Null;
            for list in ["history", "phases"] {
                record[list].as_array_mut().expect("a list").iter_mut().for_each(|h| h["seconds"] = 0.into());
            }
            record
        };
        assert_eq!(record(a), record(b));
    }
}

#[test]
fn a_killed_run_goes_on_to_the_same_files() {
    let place = Place::new(&[("long.snn", &long(400))]);
    let (code, said) = place.snnc("run long.snn --quiet --out whole --set k=2");
    assert_eq!(code, 0, "{said}");
    // Killed, wherever that is; gone on with, and killed again, by another engine.
    for (arguments, pause) in [
        ("run long.snn --quiet --out r --set k=2 --checkpoint-every 0", 30),
        ("resume r --quiet --checkpoint-every 0.01", 90),
        ("resume r --quiet --checkpoint-every 0 --engine interp --threads 2", 60),
    ] {
        if arguments.starts_with("resume") && !place.path("r/resume.safetensors").exists() {
            break;
        }
        let mut child = place.start(arguments);
        place.await_file("r/resume.safetensors");
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().expect("is killed");
        child.wait().expect("is gone");
    }
    if place.path("r/resume.safetensors").exists() {
        let (code, said) = place.snnc("resume r --quiet");
        assert_eq!(code, 0, "{said}");
    }
    place.same_results("whole", "r");
    assert!(!place.path("r/resume.safetensors").exists(), "a run that has finished keeps no state");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_to_go_on() {
    let place = Place::new(&[("long.snn", &long(100_000))]);
    let child = place.start("run long.snn --quiet --out r --checkpoint-every 0.01");
    place.await_file("r/resume.safetensors");
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(kill.success());
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(130));
    let record: serde_json::Value = serde_json::from_slice(&place.read("r/run.json")).expect("is JSON");
    assert_eq!(record["status"]["state"], "interrupted");
    // What there is can be looked at meanwhile.
    let (code, said) = place.snnc("eval r");
    assert!(code == 0 && said.contains("SNN1219") && said.contains("snnc resume r"), "{said}");
    let (code, said) = place.snnc("resume r --quiet --max-time 0.2");
    assert!(
        code == 130 && said.contains("stopped by --max-time") && said.contains("`snnc resume r` goes on"),
        "{said}"
    );
    let steps = |bytes: &[u8]| state::decode(bytes).expect("a state").0.count("gradient.step");
    assert!(steps(&place.read("r/resume.safetensors")).is_ok());
}

#[test]
fn max_time_and_resume_make_one_run() {
    let place = Place::new(&[("long.snn", &long(300))]);
    assert_eq!(place.snnc("run long.snn --quiet --out whole").0, 0);
    let (mut code, mut said) = place.snnc("run long.snn --quiet --out r --max-time 0.02");
    let mut times = 1;
    while code == 130 {
        assert!(said.contains("--max-time"), "{said}");
        times += 1;
        assert!(times < 500, "it does not get on");
        (code, said) = place.snnc(&format!("resume r --quiet --max-time {}", 0.02 * f64::from(times)));
    }
    assert_eq!(code, 0, "{said}");
    assert!(times > 1, "it was never stopped");
    place.same_results("whole", "r");
}

fn stopped(place: &Place, out: &str) {
    let (code, said) = place.snnc(&format!("run long.snn --quiet --out {out} --max-time 0"));
    assert_eq!(code, 130, "{said}");
}

#[test]
fn an_edited_program_needs_a_word() {
    let place = Place::new(&[("long.snn", &long(20)), ("more.snn", &long(40))]);
    assert_eq!(place.snnc("run long.snn --quiet --out whole").0, 0);
    assert_eq!(place.snnc("run more.snn --quiet --out more").0, 0);
    stopped(&place, "a");
    stopped(&place, "b");
    stopped(&place, "c");
    place.put("long.snn", long(40).as_bytes());
    let (code, said) = place.snnc("resume a");
    assert!(code == 2 && said.contains("SNN1209") && said.contains("its text is another"), "{said}");
    assert_eq!(place.snnc("resume a --quiet --as-begun").0, 0);
    place.same_results("whole", "a");
    let (code, said) = place.snnc("resume b --quiet --edited");
    assert_eq!(code, 0, "{said}");
    assert!(place.read("b/checkpoint.safetensors").len() == place.read("more/checkpoint.safetensors").len());
    // A network of another size cannot take the weights over; neither can one in another precision.
    place.put("long.snn", long(20).replace("tuned(x, 10)", "tuned(x, 11)").as_bytes());
    let (code, said) = place.snnc("resume c --edited");
    assert!(code == 2 && said.contains("SNN1210") && said.contains("`params`"), "{said}");
    place.put("long.snn", long(20).replace("seed 5", "seed 5 precision f64").as_bytes());
    let (code, said) = place.snnc("resume c --edited");
    assert!(code == 2 && said.contains("SNN1204"), "{said}");
    // Nothing of this has touched the state.
    place.put("long.snn", long(20).as_bytes());
    assert_eq!(place.snnc("resume c --quiet").0, 0);
    place.same_results("whole", "c");
}

#[test]
fn a_damaged_state_is_refused_and_left_alone() {
    let place = Place::new(&[("long.snn", &long(10))]);
    stopped(&place, "r");
    let good = place.read("r/resume.safetensors");
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    for (bad, word) in [(&good[..good.len() - 9], "SNN1203"), (&flipped, "SNN1203"), (b"{}", "SNN1203")] {
        place.put("r/resume.safetensors", bad);
        let (code, said) = place.snnc("resume r");
        assert!(code == 2 && said.contains(word), "{said}");
        assert!(place.read("r/resume.safetensors") == bad, "it was touched");
    }
    place.put("r/resume.safetensors", &place.read("r/checkpoint.safetensors"));
    let (code, said) = place.snnc("resume r");
    assert!(code == 2 && said.contains("SNN1206"), "{said}");
    place.put("r/resume.safetensors", &good);
    assert_eq!(place.snnc("resume r --quiet").0, 0);
    let (code, said) = place.snnc("resume r");
    assert!(code == 2 && said.contains("SNN1208") && said.contains("has finished"), "{said}");
    let (code, said) = place.snnc("resume nowhere");
    assert!(code == 2 && said.contains("SNN1201"), "{said}");
}

#[test]
fn a_new_run_puts_the_state_of_a_stopped_one_aside() {
    let place = Place::new(&[("long.snn", &long(10))]);
    stopped(&place, "r");
    let state = place.read("r/resume.safetensors");
    let (code, said) = place.snnc("run long.snn --quiet --out r --seed 9");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("resume.old.safetensors"), "{said}");
    assert!(place.read("r/resume.old.safetensors") == state);
}

/// Data and imports are kept with the run: it goes on, and is looked at, without the folder that it began in.
#[test]
fn a_run_is_whole_without_its_program() {
    let text = long(10).replace("report", "import \"lib.snn\"\nresidual data on \"probe.csv\" : u = value\nreport");
    let place = Place::new(&[("long.snn", &text.replace("k*sin", "twice(k)*sin"))]);
    place.put("probe.csv", b"x,value\n0.5,2.1\n0.25,1.4\n");
    place.put("lib.snn", b"fn twice(x) = 2*x\n");
    let (code, said) = place.snnc("run long.snn --quiet --out whole");
    assert_eq!(code, 0, "{said}");
    stopped(&place, "r");
    place.put("probe.csv", b"x,value\n0.5,2.2\n");
    let (code, said) = place.snnc("resume r");
    assert!(code == 2 && said.contains("SNN1209") && said.contains("`probe.csv`, which it reads"), "{said}");
    place.put("lib.snn", b"fn twice(x) = 3*x\n");
    let (_, said) = place.snnc("resume r");
    assert!(said.contains("`lib.snn`, which it imports"), "{said}");
    for name in ["long.snn", "probe.csv", "lib.snn"] {
        fs::remove_file(place.path(name)).expect("removes");
    }
    let (code, said) = place.snnc("resume r --quiet");
    assert_eq!(code, 0, "{said}");
    place.same_results("whole", "r");
    assert_eq!(place.snnc("eval r").0, 0);
    place.put("r/inputs/probe.csv", b"x,value\n0.5,2.2\n");
    let (code, said) = place.snnc("eval r");
    assert!(code == 2 && said.contains("SNN1207"), "{said}");
    assert!(Path::new(&place.path("r/inputs/probe.csv")).exists());
}
