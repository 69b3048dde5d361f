//! Numbers at the edge of what numbers are: each has a behaviour that docs/reference/numbers.md states, here driven through the
//! binary.

use std::fs;

use assert_cmd::Command;
use serde_json::Value;

/// A program for `u` on 0 .. 1 with a field that has an exact solution.
fn program(domain: &str, neuron: &str, residual: &str, exact: &str, train: &str) -> String {
    format!(
        "domain {{ x in {domain} }}
network u(x) {{
  steps 8
  layer h = tuned(x, 24) |> {neuron}
  output = h |> mean |> dense(1)
}}
exact u = {exact}
residual fit {residual}
{train}
report {{ metric l2 = relative_l2(u) on grid(x = 51) }}
"
    )
}

struct Ran {
    code: i32,
    said: String,
    record: Value,
}

impl Ran {
    fn metric(&self) -> f64 {
        self.record["metrics"][0]["value"].as_f64().unwrap_or(f64::NAN)
    }
}

fn run_with(program: &str, files: &[(&str, &str)]) -> Ran {
    let dir = tempfile::tempdir().expect("a temporary folder");
    files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).expect("writes"));
    fs::write(dir.path().join("p.snn"), program).expect("writes");
    let mut command = Command::cargo_bin("snnc").expect("the binary is built");
    let output = command
        .current_dir(dir.path())
        .args(["run", "p.snn", "--quiet", "--out", "r", "--message-format", "plain"])
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    let record = fs::read(dir.path().join("r/run.json")).ok();
    let record = record.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).expect("is JSON"));
    Ran { code: output.status.code().unwrap_or(-1), said, record }
}

fn run(program: &str) -> Ran {
    run_with(program, &[])
}

const LIF: &str = "lif(tau = 5)";

fn fit(exact: &str) -> String {
    program("0 .. 1", LIF, &format!("on interior : u = {exact} points 64"), exact, "")
}

#[test]
fn solutions_of_any_size_that_single_precision_holds() {
    let ordinary = run(&fit("sin(pi*x)")).metric();
    assert!(ordinary < 0.05, "{ordinary}");
    for size in ["1e-37", "1e-30", "1e30", "1e37"] {
        let ran = run(&fit(&format!("{size}*sin(pi*x)")));
        assert!(ran.code == 0 && ran.metric() < 0.1, "{size}: {} {}", ran.metric(), ran.said);
    }
    // Denormal numbers have fewer digits; they are not taken for 0.
    let ran = run(&fit("1e-42*sin(pi*x)"));
    assert!(ran.code == 0 && ran.metric() < 0.2, "{} {}", ran.metric(), ran.said);
}

#[test]
fn solutions_beyond_single_precision() {
    let ran = run(&fit("1e300*sin(pi*x)"));
    assert!(ran.code == 3 && ran.said.contains("SNN1105"), "{}", ran.said);
    let double = program(
        "0 .. 1",
        LIF,
        "on interior : u = 1e150*sin(pi*x) points 64",
        "1e150*sin(pi*x)",
        "train { precision f64  phase p { solve readout } }",
    );
    let ran = run(&double);
    assert!(ran.code == 0 && ran.metric() < 0.1, "{} {}", ran.metric(), ran.said);
}

#[test]
fn a_solution_that_is_0() {
    let ran = run(&fit("0*x"));
    assert!(ran.code == 0 && ran.metric() == 0.0, "{}", ran.said);
}

#[test]
fn domains_without_width_or_too_fine_for_numbers() {
    let of = |range: &str| run(&program(range, LIF, "on interior : u = 1 points 64", "1", ""));
    for (range, code) in [
        ("1 .. 1", "SNN0307"),
        ("1 .. 0", "SNN0307"),
        ("1 .. 1.0000000000000002", "SNN0237"),
        ("0 .. 1e-300", "SNN0237"),
        ("-1e308 .. 1e308", "SNN0237"),
        ("0 .. 1e400", "SNN"),
        ("0 .. 0/0", "SNN"),
    ] {
        let ran = of(range);
        assert!(ran.code == 1 && ran.said.contains(code), "{range}: {}", ran.said);
    }
    assert_eq!(of("1e-20 .. 1e20").code, 0);
}

#[test]
fn sets_of_no_points() {
    for (place, code) in [
        ("on x = 2 : u = 1", "SNN0701"),
        ("on interior : u = 1 points 0", "SNN0303"),
        ("on grid(x = 0) : u = 1", "SNN0303"),
        ("on \"none.csv\" : u = v", "SNN0904"),
    ] {
        let ran = run_with(&program("0 .. 1", LIF, place, "1", ""), &[("none.csv", "x,v\n")]);
        assert!(ran.code == 1 && ran.said.contains(code), "{place}: {}", ran.said);
    }
    let nowhere = "0 .. 1  y in 0 .. 1  where x + y > 5";
    let ran = run(&program(nowhere, LIF, "on interior : u = 1 points 64", "1", "").replace("u(x)", "u(x, y)"));
    assert!(ran.code == 1 && ran.said.contains("SNN0232"), "{}", ran.said);
}

#[test]
fn numbers_in_data_files() {
    let on_data = program("0 .. 1", LIF, "on \"d.csv\" : u = v", "1", "");
    let with = |text: &str| run_with(&on_data, &[("d.csv", text)]);
    for bad in ["nan", "NaN", "inf", "-inf", "1e400", "", "0x10", "1,5", "one"] {
        let ran = with(&format!("x,v\n0.1,{bad}\n0.2,1\n"));
        assert!(ran.code == 1 && ran.said.contains("SNN090") && ran.said.contains("line 2"), "{bad}: {}", ran.said);
    }
    for good in ["1e-320", "-0.0", "+1", "1E0"] {
        let ran = with(&format!("x,v\n0.1,{good}\n0.2,{good}\n0.9,{good}\n"));
        assert_eq!(ran.code, 0, "{good}: {}", ran.said);
    }
}

/// Equations that contradict each other, that say the same many times over, or fewer than there are weights: a least-squares
/// solution of least penalty.
#[test]
fn singular_systems() {
    let on_data = program("0 .. 1", LIF, "on \"d.csv\" : u = v", "2", "");
    let with = |text: &str| run_with(&on_data, &[("d.csv", text)]);
    let same = with(&format!("x,v\n{}", "0.5,1\n".repeat(100)));
    assert!(same.code == 0, "{}", same.said);
    let loss = |ran: &Ran| ran.record["losses"][0]["after"].as_f64().expect("a loss");
    assert!(loss(&same) < 1e-6, "{}", loss(&same));
    // The mean of 1 and 3 is met, half of the square of whose distance is left.
    let contradicting = with("x,v\n0.5,1\n0.5,3\n");
    assert!(contradicting.code == 0 && (loss(&contradicting) - 1.0).abs() < 1e-2, "{}", loss(&contradicting));
    assert!(contradicting.said.contains("equations stand against"), "{}", contradicting.said);
}

#[test]
fn neurons_that_never_spike() {
    let ran = run(&program("0 .. 1", "lif(tau = 5, theta = 1e9)", "on interior : u = 1 points 64", "1", ""));
    assert!(ran.code == 0 && ran.said.contains("never spikes"), "{}", ran.said);
    assert_eq!(ran.record["layers"][0]["spike_rate"], 0.0);
    // The readout's bias is all there is, and it is enough for a constant.
    assert!(ran.metric() < 1e-3, "{}", ran.metric());
}

/// A gradient phase whose weights run away stops, says where, and keeps the last good weights.
#[test]
fn weights_that_overflow() {
    let train = "train { seed 1 phase p { perturb rademacher(sigma = 0.1) directions 4 estimate difference update sgd(rate = 1e38) steps 50 } }";
    let ran = run(&program("0 .. 1", LIF, "on interior : u = sin(pi*x) points 64", "sin(pi*x)", train));
    assert!(ran.code == 3 && ran.said.contains("SNN110"), "{}: {}", ran.code, ran.said);
    assert_eq!(ran.record["status"]["state"], "diverged");
    assert!(ran.metric().is_finite(), "the last good weights are measured: {}", ran.record["metrics"]);
}

#[test]
fn terms_that_are_not_finite_somewhere() {
    let ran = run(&program("0 .. 1", LIF, "on interior : u = log(x - 0.5) points 64", "x", ""));
    assert!(ran.code == 3 && ran.said.contains("SNN1104") && ran.said.contains("x = 0."), "{}", ran.said);
}
