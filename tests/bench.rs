//! `snnc bench`: what it prints has the shape that the reference describes. The figures themselves are nobody's business here.

use std::fs;

use assert_cmd::Command;

const TRAINED: &str = "
domain { x in 0 .. 1 }
network u(x) {
  steps 8
  layer h = tuned(x, 12) |> lif(tau = 5)
  output = h |> mean |> dense(1)
}
residual fit on grid(x = 64) : u = sin(pi*x)
exact u = sin(pi*x)
train {
  phase grow { perturb neurons(h) pool 200 mutate(0.1)  update pursuit(ridge = 1e-6)  rounds 1 }
  phase forward { perturb gaussian directions 4  estimate forward  update adam(rate = 0.001)  steps 100000 }
  phase last { solve readout }
}
report { metric l2 = relative_l2(u) on grid(x = 101)  expect l2 < 1e-12 }
";

const SIMULATED: &str = "
simulate {
  duration 1000000  dt 1
  population p = lif(50, tau = 10) with i = 1.5
  population q = lif(20, tau = 10)
  connect p -> q probability 0.5 weight 0.5 tau 5
}
";

/// Exit code, standard output, standard error, and how many files there are afterwards.
fn bench(program: &str, arguments: &[&str]) -> (i32, String, String, usize) {
    let place = tempfile::tempdir().expect("a temporary folder");
    fs::write(place.path().join("p.snn"), program).expect("writes");
    let mut command = Command::cargo_bin("snnc").expect("the binary is built");
    command.current_dir(place.path()).env("NO_COLOR", "1").args(["bench", "p.snn"]).args(arguments);
    let output = command.output().expect("runs");
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let files = fs::read_dir(place.path()).expect("lists").count();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr), files)
}

/// The cells of the table that opens with this word, its head first; cells are two spaces apart.
fn table(out: &str, head: &str) -> Vec<Vec<String>> {
    let lines = out.lines().skip_while(|l| !l.starts_with(&format!("{head}  "))).take_while(|l| !l.is_empty());
    let cells = |l: &str| l.split("  ").map(str::trim).filter(|c| !c.is_empty()).map(str::to_string).collect();
    lines.map(cells).collect()
}

fn number(cell: &str) -> f64 {
    let plain: String = cell.chars().filter(|c| !c.is_whitespace()).collect();
    plain.trim_end_matches('%').parse().unwrap_or_else(|_| panic!("{cell} is not a number"))
}

#[test]
fn a_schedule_is_measured_phase_by_phase() {
    let (code, out, err, files) = bench(TRAINED, &["--seconds", "0.2", "--threads", "2"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(files, 1, "nothing is written");
    assert!(out.starts_with("p: f32, jit, 2 threads, "), "{out}");
    for words in ["GFLOP/s\nchecked in ", " ms, lowered and compiled in ", " ms, first step begun after "] {
        assert!(out.contains(words), "no {words:?} in\n{out}");
    }
    let phases = table(&out, "phase");
    let head = ["phase", "method", "steps", "ms a step", "points/s", "in kernels", "GFLOP/s", "of the peak"];
    assert_eq!(phases[0], head);
    let names: Vec<&str> = phases[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["grow", "forward", "last"]);
    for row in &phases[1..] {
        assert_eq!(row.len(), head.len(), "{row:?}");
        for (name, cell) in head[2..].iter().zip(&row[2..]) {
            assert!(number(cell).is_finite() && number(cell) > 0.0 || *name == "of the peak", "{name}: {cell}");
        }
        assert!(number(&row[5]) <= 101.0, "more time in kernels than there was: {row:?}");
    }
    // Time was up long before the last step.
    assert!(number(&phases[2][2]) < 100_000.0, "{out}");
    let layers = table(&out, "layer");
    assert_eq!(layers[0], ["layer", "neurons", "spikes a neuron and step"]);
    assert_eq!(layers[1][..2], ["h", "12"]);
    assert!((0.0..=1.0).contains(&number(&layers[1][2])));
    let kernels = table(&out, "kernel");
    assert_eq!(kernels[0], ["kernel", "runs", "ns a run", "operations a run", "GFLOP/s a thread", "bytes of code"]);
    for name in ["network", "network along 4 directions"] {
        assert!(kernels.iter().any(|row| row[0] == name), "no {name} in\n{out}");
    }
    assert!(kernels[1..].iter().all(|row| row[1..].iter().all(|cell| number(cell) > 0.0)), "{out}");
}

#[test]
fn a_simulation_is_measured_too() {
    let (code, out, err, files) = bench(SIMULATED, &["--seconds", "0.2", "--threads", "1", "--engine", "interp"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(files, 1, "nothing is written");
    assert!(out.starts_with("p: f32, interp, 1 thread, "), "{out}");
    let all = table(&out, "populations");
    assert_eq!(all[0][..5], ["populations", "method", "steps", "ms a step", "units/s"]);
    assert!(all[1][1].starts_with("70 units, "), "{out}");
    assert!(number(&all[1][2]) > 0.0 && number(&all[1][2]) < 1e6, "{out}");
    let rates = table(&out, "population");
    assert_eq!(rates.len(), 3);
    assert!(number(&rates[1][2]) > 0.0, "the driven population spikes\n{out}");
}

#[test]
fn what_cannot_be_measured_is_said() {
    assert_eq!(bench(TRAINED, &["--seconds", "0"]).0, 2);
    assert_eq!(bench(TRAINED, &["--seconds", "soon"]).0, 2);
    let (code, _, err, _) = bench(&TRAINED.replace("tuned(", "tund("), &[]);
    assert_eq!(code, 1, "{err}");
    // A source with a pole at a point of the grid.
    let (code, _, err, _) = bench(&TRAINED.replace("u = sin(pi*x)\nexact", "u = 1/x\nexact"), &["--seconds", "0.1"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("SNN1104"), "{err}");
}
