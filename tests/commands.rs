//! The commands around a run as a user meets them: predict, eval, show, new, sweep, compare, completions, man.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use assert_cmd::Command;

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
}
report {
  metric l2 = relative_l2(u) on grid(x = 101)
  metric worst = max_error(u) on grid(x = 101)
  metric left = residual(fit)
  expect l2 < 0.5
  save \"small.npz\"
}
";

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Place {
        let place = Place(tempfile::tempdir().expect("a temporary folder"));
        files.iter().for_each(|(name, text)| place.put(name, text));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("writes");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("UTF-8")
    }

    fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).expect("is JSON")
    }

    /// Exit code, standard output, standard error.
    fn snnc(&self, arguments: &str) -> (i32, String, String) {
        let mut command = Command::cargo_bin("snnc").expect("the binary is built");
        command.current_dir(self.0.path()).env("NO_COLOR", "1").args(arguments.split_whitespace());
        let output = command.output().expect("runs");
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Standard output of a command that does what it should.
    fn done(&self, arguments: &str) -> String {
        let (code, out, err) = self.snnc(arguments);
        assert_eq!(code, 0, "{arguments}: {err}");
        out
    }

    /// Shape and numbers of an array in an archive.
    fn array(&self, archive: &str, name: &str) -> (Vec<u64>, Vec<f64>) {
        let mut zip = zip::ZipArchive::new(Cursor::new(self.read(archive))).expect("is an archive");
        let file = zip.by_name(&format!("{name}.npy")).unwrap_or_else(|e| panic!("{archive}, {name}: {e}"));
        let array = npyz::NpyFile::new(file).expect("is an array");
        (array.shape().to_vec(), array.into_vec::<f64>().expect("reads"))
    }
}

/// The numbers of a CSV, line by line; the header.
fn csv(text: &str) -> (String, Vec<Vec<f64>>) {
    let mut lines = text.lines();
    let header = lines.next().expect("a header").to_string();
    (header, lines.map(|l| l.split(',').map(|c| c.parse().unwrap_or_else(|_| panic!("{c}"))).collect()).collect())
}

#[test]
fn predictions_have_the_bits_of_the_run() {
    let place = Place::new(&[("small.snn", SMALL)]);
    place.done("run small.snn --quiet");
    // On the grid of the report, and on the same one by hand, by every way out.
    place.done("predict runs/small --out a.npz");
    place.done("predict runs/small --grid x=101 --out b.npz --engine interp --threads 2");
    for name in ["x", "u"] {
        let kept = place.array("runs/small/small.npz", name);
        assert!(kept == place.array("a.npz", name) && kept == place.array("b.npz", name), "{name}");
    }
    let kept = place.array("runs/small/small.npz", "u").1;
    let (header, rows) = csv(&place.done("predict runs/small --grid x=101 --exact"));
    assert_eq!(header, "x,u,exact_u,error_u");
    assert!(rows.iter().zip(&kept).all(|(r, u)| r[1] == *u && r[3] == r[1] - r[2]) && rows.len() == 101);
    // Points in any order, with columns that do not matter.
    place.put("p.csv", "name,x\n# a remark\n7,0.5\n8,0.25\n9, 1\n");
    let (header, rows) = csv(&place.done("predict runs/small --points p.csv"));
    assert_eq!((header.as_str(), rows.len()), ("x,u", 3));
    assert_eq!([rows[0][1], rows[1][1], rows[2][1]], [kept[50], kept[25], kept[100]]);
    place.done("predict runs/small --points p.csv --out p.npz");
    assert_eq!(place.array("p.npz", "u"), (vec![3], vec![kept[50], kept[25], kept[100]]));
    let vtk = place.done("predict runs/small --grid x@0.5 --out p.vtk") + &place.text("p.vtk");
    assert!(vtk.contains("1 points in p.vtk") && vtk.contains(&format!("\n{}\n", kept[50])), "{vtk}");
}

#[test]
fn points_outside_are_left_blank_unless_asked_for() {
    let disk = "
domain { x in -1 .. 1  y in -1 .. 1 } where x^2 + y^2 <= 1
network u(x, y) { layer h = (x, y) |> dense(4) |> tanh  output = h |> dense(1) }
residual fit on grid(x = 9, y = 9) : u = x
train { phase s { solve readout } }
";
    let ring = "
domain { x in 0 .. 1 periodic }
network u(x) { layer h = x |> dense(4) |> tanh  output = h |> dense(1) }
residual fit on grid(x = 9) : u = sin(2*pi*x)
train { phase s { solve readout } }
";
    let disk =
        disk.replace("domain { x in -1 .. 1  y in -1 .. 1 } where", "domain { x in -1 .. 1  y in -1 .. 1  where");
    let disk = disk.replace("<= 1\n", "<= 1 }\n");
    let place = Place::new(&[("disk.snn", &disk), ("ring.snn", ring), ("p.csv", "x,y\n0.9,0.9\n0,0\n3,0\n")]);
    place.done("run disk.snn --quiet");
    let (code, out, err) = place.snnc("predict runs/disk --points p.csv");
    let blank: Vec<bool> = csv(&out).1.iter().map(|r| r[2].is_nan()).collect();
    assert!(code == 0 && blank == [true, false, true], "{out}");
    assert!(err.contains("SNN1213") && err.contains("2 of 3 points") && err.contains("x = 0.9, y = 0.9"), "{err}");
    let (_, out, err) = place.snnc("predict runs/disk --points p.csv --extrapolate");
    assert!(csv(&out).1.iter().all(|r| r[2].is_finite()) && err.contains("not trained there"), "{out}{err}");
    // What a shape cuts off of a grid goes without saying; a place beyond the box does not.
    let (_, out, err) = place.snnc("predict runs/disk --grid x=3,y=3");
    assert!(err.is_empty() && csv(&out).1.iter().filter(|r| r[2].is_nan()).count() == 4, "{out}{err}");
    assert!(place.snnc("predict runs/disk --grid x@2,y=3").2.contains("3 of 3 points lie outside"));
    // A ring has no outside.
    place.done("run ring.snn --quiet");
    let (_, out, err) = place.snnc("predict runs/ring --grid x@7.25");
    let once = place.done("predict runs/ring --grid x@0.25");
    assert!(err.is_empty() && (csv(&out).1[0][1] - csv(&once).1[0][1]).abs() < 1e-5, "{out}{once}{err}");
}

#[test]
fn systems_and_unknowns_are_predicted_together() {
    let program = "
domain { t in 0 .. 1 }
unknown q = 0.5
network pair(t) { layer h = t |> dense(8) |> tanh  output a, b = h |> dense(2) }
residual one on grid(t = 20) : a = t
residual two on grid(t = 20) : b = 1 - t + 0*q
residual three on t = 0 : a + q = 0.25
exact a = t
train { phase s { solve readout } }
";
    let place = Place::new(&[("pair.snn", program)]);
    let (code, _, err) = place.snnc("run pair.snn --quiet");
    assert_eq!(code, 0, "{err}");
    let (header, rows) = csv(&place.done("predict runs/pair --grid t=3 --exact"));
    assert_eq!(header, "t,a,b,exact_a,error_a", "b has no exact solution");
    assert!(rows.iter().all(|r| (r[1] - r[0]).abs() < 0.05 && (r[2] - (1.0 - r[0])).abs() < 0.05), "{rows:?}");
    place.done("predict runs/pair --grid t=3 --out p.npz");
    let q = place.array("p.npz", "q");
    assert!(
        q.0.is_empty()
            && q.1[0] == place.json("runs/pair/run.json")["unknowns"][0]["value"].as_f64().expect("is there")
    );
}

const OPERATOR: &str = "
domain { x in 0 .. 1 }
function a(s in 0 .. 1) ~ polynomial(degree = 2) sensors 5
network G[a](x) {
  layer branch = a |> dense(8) |> tanh
  layer trunk = x |> dense(8) |> tanh
  output = x*dot(branch |> dense(8, bias = none), trunk)
}
residual ode on interior : d(G[a], x) = a(x)  points 256
exact G[a] = integral(a, 0, x)
train { phase s { solve readout } }
report { metric l2 = relative_l2(G[a]) on grid(x = 21)  save \"op.npz\" }
";

#[test]
fn operators_take_functions_from_files_or_as_training_draws_them() {
    let place = Place::new(&[("op.snn", OPERATOR)]);
    let (code, _, err) = place.snnc("run op.snn --quiet");
    assert_eq!(code, 0, "{err}");
    place.done("predict runs/op --out a.npz --exact");
    assert_eq!(place.array("a.npz", "G"), place.array("runs/op/op.npz", "G"), "the first held out, as in the report");
    assert_eq!(place.array("a.npz", "exact_G").1, place.array("runs/op/op.npz", "exact").1);
    let (at, seen) = (place.array("a.npz", "a_at"), place.array("a.npz", "a"));
    assert_eq!(at.1, [0.0, 0.25, 0.5, 0.75, 1.0]);
    place.done("predict runs/op --out b.npz --draw 1");
    assert_ne!(place.array("b.npz", "a"), seen);
    // The same function by a file of its values at the sensors: the same bits.
    let lines: String = at.1.iter().zip(&seen.1).map(|(s, a)| format!("{s},{a}\n")).collect();
    place.put("f.csv", &format!("s,a\n{lines}"));
    place.done("predict runs/op --out c.npz --function a=f.csv");
    assert_eq!(place.array("c.npz", "G"), place.array("a.npz", "G"));
    let (code, _, err) = place.snnc("predict runs/op --function a=f.csv --exact");
    assert!(code == 2 && err.contains("SNN1216") && err.contains("--draw"), "{err}");
    for (text, word) in [
        ("s,b\n0,1\n1,1\n", "no column `a`; it has s, b"),
        ("s,a\n0,1\n0.5,x\n1,1\n", "row 2, column `a`: `x` is not a finite number"),
        ("s,a\n0,1\n0.5,1\n0.5,2\n1,1\n", "its places do not rise"),
        ("s;a\n0;1\n", "separated by ';'"),
        ("s,a,c\n0,1,1\n1,1,1\n", "it has 3 columns"),
    ] {
        place.put("g.csv", text);
        let (code, _, err) = place.snnc("predict runs/op --function a=g.csv");
        assert!(code == 2 && err.contains("SNN1214"), "{err}");
        assert!(err.replace("\n  │ ", " ").contains(word), "{word}: {err}");
    }
}

#[test]
fn eval_measures_what_the_run_did() {
    let place = Place::new(&[("small.snn", SMALL)]);
    place.done("run small.snn --quiet --set k=1.1 --seed 8");
    let record = place.json("runs/small/run.json");
    for more in ["", "--engine interp --threads 2"] {
        let found: serde_json::Value =
            serde_json::from_str(&place.done(&format!("eval runs/small --json {more}"))).expect("is JSON");
        let metrics = found["metrics"].as_array().expect("a list");
        assert_eq!(metrics.len(), 3);
        for (m, then) in metrics.iter().zip(record["metrics"].as_array().expect("a list")) {
            let bits = |v: &serde_json::Value| v.as_f64().map(f64::to_bits);
            assert!(bits(&m["value"]) == bits(&then["value"]) && m["name"] == then["name"], "{m} {then}");
        }
    }
    let out = place.done("eval runs/small --grid x=7");
    assert!(out.contains("relative_l2(u)  7") && out.contains("holds: l2 < 0.5"), "{out}");
    let (code, _, err) = place.snnc("eval runs/small --grid x@0.5");
    assert!(code == 2 && err.contains("SNN1211"), "{err}");
    // An expectation that does not hold is told as `run` tells it.
    place.put("strict.snn", &SMALL.replace("l2 < 0.5", "l2 < 1e-9"));
    assert_eq!(place.snnc("run strict.snn --quiet").0, 4);
    let (code, out, err) = place.snnc("eval runs/strict");
    assert!(code == 4 && out.contains("FAILS: l2 < 1e-9") && err.contains("does not hold"), "{out}{err}");
}

#[test]
fn weights_of_another_program_of_the_same_size_are_refused() {
    let place = Place::new(&[("small.snn", SMALL), ("other.snn", &SMALL.replace("64", "65"))]);
    place.done("run small.snn --quiet");
    place.done("run other.snn --quiet");
    fs::copy(place.path("runs/other/checkpoint.safetensors"), place.path("runs/small/checkpoint.safetensors"))
        .expect("copies");
    let (code, _, err) = place.snnc("eval runs/small");
    assert!(code == 2 && err.contains("SNN1205"), "{err}");
    let mut record = place.json("runs/other/run.json");
    record["program"]["text"] = SMALL.into();
    place.put("runs/other/run.json", &record.to_string());
    let (code, _, err) = place.snnc("predict runs/other --grid x=3");
    assert!(code == 2 && err.contains("SNN1203"), "a text that was changed: {err}");
    let (code, _, err) = place.snnc("predict other");
    assert!(code == 2 && err.contains("did you mean `runs/other`"), "{err}");
}

#[test]
fn topologies_neurons_and_runs_are_shown() {
    let place = Place::new(&[("small.snn", SMALL), ("op.snn", OPERATOR)]);
    let out = place.done("show network small.snn --out small.svg");
    assert!(
        out.contains("│ h       tuned(12) |> lif(tau = 5)")
            && out.contains("12 neurons, 60 weights")
            && out.contains("u(x)"),
        "{out}"
    );
    let svg = place.text("small.svg");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.contains("tuned(12) |&gt; lif"), "{svg}");
    let out = place.done("show network op.snn");
    assert!(out.contains("  branch, trunk\n") && out.contains("  a\n"), "{out}");

    // A neuron's text with its curve is a file that can be used as it is.
    let out = place.done("show neuron adex --out adex.svg");
    assert!(out.contains("neuron adex(") && out.contains("current (pA)     rate (Hz)"), "{out}");
    assert!(place.text("adex.svg").contains("rate at a constant current"));
    place.put(
        "mine.snn",
        &(out.replace("neuron adex(", "neuron mine(")
            + "simulate { duration 5ms dt 0.1ms population p = mine(1) record v of p }"),
    );
    place.done("check mine.snn");
    let out = place.done("show neuron mine --in mine.snn");
    assert!(out.contains("rate (Hz)") && !out.contains("Brette"), "{out}");
    assert!(place.done("show neuron integrator").contains("does not spike"));
    let rates = place.done("show neuron lif");
    let rate = |current: &str| -> f64 {
        let line = rates
            .lines()
            .find(|l| l.split_whitespace().nth(1) == Some(current))
            .unwrap_or_else(|| panic!("{current}: {rates}"));
        line.split_whitespace().nth(2).expect("a rate").parse().expect("a number")
    };
    // Below the threshold of 1 it is silent; from where one step reaches it, i (1 - exp(-1/2)) >= 1, it spikes in every step.
    assert_eq!([rate("1"), rate("2.667"), rate("4")], [0.0, 1.0, 1.0]);

    place.done("run small.snn --quiet");
    let out = place.done("show runs/small --out run.svg");
    for word in [
        "small: finished, seed 3",
        "k = 1",
        "tuned(12)",
        "grow",
        "pursuit, 12 of 200",
        "l2",
        "holds",
        "forward evaluations",
    ] {
        assert!(out.contains(word), "no {word} in\n{out}");
    }
    assert_eq!(place.text("run.svg"), svg);
    let (code, _, err) = place.snnc("show network small.snn --out small.png");
    assert!(code == 2 && err.contains("SNN1215"), "{err}");
}

#[test]
fn every_template_runs_and_is_laid_out_as_usual() {
    let place = Place::new(&[]);
    for template in ["pde", "ode", "operator", "inverse", "regression", "simulate"] {
        let out = place.done(&format!("new my_{template} --template {template}"));
        assert!(out.contains(&format!("snnc run my_{template}.snn")), "{out}");
        let text = place.text(&format!("my_{template}.snn"));
        assert!(!text.contains("NAME") && text.starts_with(&format!("# my_{template}.snn: ")), "{text}");
        place.done(&format!("fmt --check my_{template}.snn"));
        let (code, _, err) = place.snnc(&format!("check my_{template}.snn"));
        assert!(code == 0 && err.is_empty(), "{template}: {err}");
        // Expectations hold, too.
        let (code, _, err) = place.snnc(&format!("run my_{template}.snn --quiet"));
        assert_eq!(code, 0, "{template}: {err}");
    }
    let text = place.text("my_ode.snn");
    let (code, _, err) = place.snnc("new my_ode.snn --template pde");
    assert!(code == 2 && err.contains("SNN1217") && place.text("my_ode.snn") == text, "{err}");
    // Neither is a data file written over, and then nothing is written.
    place.put("late.csv", "mine");
    assert_eq!(place.snnc("new late --template inverse").0, 2);
    assert!(!place.path("late.snn").exists() && place.text("late.csv") == "mine");
    place.done("new deep/er/one");
    assert!(place.path("deep/er/one.snn").exists());
}

#[test]
fn a_sweep_runs_every_setting_and_seed_once() {
    let place = Place::new(&[("small.snn", SMALL)]);
    let (code, out, err) = place.snnc("sweep small.snn --set k=1,2 --seeds 3 --jobs 2 --table t.csv");
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("k  runs  finished  expects hold  l2: median"), "{out}");
    assert!(out.lines().count() == 3 && out.contains("3 of 3") && err.contains("6/6"), "{out}{err}");
    let table = place.text("t.csv");
    assert!(
        table.starts_with("k,seed,state,expects,l2,worst,left,forward_evaluations,seconds\n1,1,finished,hold,"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 7);
    // Each is the run that one would have had by hand.
    place.done("run small.snn --quiet --set k=2 --seed 3 --out hand");
    let folder = "runs/small-sweep/k=2_seed=3";
    assert!(place.read("hand/checkpoint.safetensors") == place.read(&format!("{folder}/checkpoint.safetensors")));
    // What is there is not done again; what is of another program is.
    let stamp =
        |place: &Place| fs::metadata(place.path(folder).join("run.json")).and_then(|m| m.modified()).expect("a time");
    let before = stamp(&place);
    let (code, out, err) = place.snnc("sweep small.snn --set k=2,3 --seeds 3,1 --table t.json");
    assert!(code == 0 && stamp(&place) == before, "{err}");
    assert!(err.contains("k = 3, seed 3") && !err.contains("k = 2, seed 3"), "{err}");
    let found = place.json("t.json");
    let of = |k: usize| found["runs"][k]["l2"].as_f64().expect("a number");
    assert_eq!(found["summary"][0]["metrics"]["l2"]["median"].as_f64(), Some(0.5 * (of(0) + of(1))), "{out}");
    place.put("small.snn", &SMALL.replace("pool 200", "pool 150"));
    place.done("sweep small.snn --set k=2 --seeds 3, --quiet");
    assert!(stamp(&place) != before);
    for (arguments, word) in [
        ("sweep small.snn --set q=1", "SNN0211"),
        ("sweep small.snn --set k=1 --set k=2", "given twice"),
        ("sweep small.snn --set k=a", "`a` is not a number"),
        ("sweep small.snn --seeds 0", "from 1"),
        ("sweep small.snn --table t.xls", "SNN1215"),
    ] {
        let (code, _, err) = place.snnc(arguments);
        assert!(code != 0 && err.contains(word), "{arguments}: {err}");
    }
}

#[test]
fn runs_are_compared_by_what_differs() {
    let place = Place::new(&[("small.snn", SMALL)]);
    place.done("run small.snn --quiet --out a");
    place.done("run small.snn --quiet --out b --set k=2 --seed 4");
    let out = place.done("compare a b --out c.json");
    let line =
        |name: &str| out.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("{name}: {out}")).to_string();
    assert_eq!(line("k ").split_whitespace().collect::<Vec<_>>(), ["k", "1", "2"]);
    assert_eq!(line("seed").split_whitespace().collect::<Vec<_>>(), ["seed", "3", "4"]);
    assert!(line("expect l2 < 0.5").contains("holds") && !out.contains("its SHA-256"), "{out}");
    assert_ne!(line("result's SHA-256").split_whitespace().nth(2), line("result's SHA-256").split_whitespace().nth(3));
    let rows = place.json("c.json");
    let l2 = rows.as_array().expect("a list").iter().find(|r| r[""] == "l2").expect("is there").clone();
    assert_eq!(l2["a"], place.json("a/run.json")["metrics"][0]["value"]);
    assert_eq!(place.snnc("compare a").0, 2);
    assert!(place.snnc("compare a nowhere").2.contains("SNN1201"));
}

#[test]
fn shells_and_man_know_every_command() {
    let place = Place::new(&[]);
    let commands = ["new", "check", "run", "predict", "eval", "resume", "sweep", "compare", "bench", "show"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = place.done(&format!("completions {shell}"));
        assert!(commands.iter().all(|c| text.contains(c)) && text.contains("max-time"), "{shell}");
    }
    assert!(place.done("man").starts_with(".ie"));
    place.done("man --out pages");
    let help = place.done("help");
    for command in commands {
        let page = place.text(&format!("pages/snnc-{command}.1"));
        assert!(page.contains("Example"), "{command}: {page}");
        assert!(help.contains(&format!("  {command} ")), "{help}");
        assert!(place.done(&format!("{command} --help")).contains("Example"), "{command}");
    }
}
