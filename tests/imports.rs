//! `import`: what comes in, from where, and what is said when it cannot.

use std::fs;

use assert_cmd::Command;

use snnc::check::Options;
use snnc::diag::render::{Format, Style, render};
use snnc::pipeline::{Checked, Source};
use snnc::source::{MemoryFiles, Sources};

const REST: &str = "domain { x in 0 .. 1 }
network u(x) { layer h = tuned(x, 8) |> slow(tau = k)  output = h |> mean |> dense(1) }
residual fit on grid(x = 9) : u = twice(x)
";
const NEURON: &str = "neuron slow(tau = 40) {
  input i
  state v = 0
  flow v' = (i - v)/tau
  spike when v >= 1
  reset v -= 1
}
";

fn check(program: &str, files: &[(&str, &str)]) -> (Option<Checked>, String) {
    let mut sources = Sources::default();
    let mut memory = MemoryFiles::default();
    memory.0.extend(files.iter().map(|(n, t)| (n.to_string(), t.as_bytes().to_vec())));
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("main.snn", program).check(&mut sources, &memory, &options);
    let style = Style { format: Format::Plain, color: false, width: 100 };
    let shown = checking.messages.iter().map(|m| render(m, &sources, &style)).collect();
    (checking.program, shown)
}

#[test]
fn declarations_come_in_through_several_files() {
    let program = format!("import \"lib/all.snn\"\n{REST}");
    let files = [
        ("lib/all.snn", "# everything\nimport \"neurons.snn\"\nimport \"../math.snn\"\nconst k = 2*half\n"),
        ("lib/neurons.snn", &format!("import \"../math.snn\"\nconst unused = 1\n{NEURON}")),
        ("math.snn", "const half = 10\nfn twice(a) = 2*a\n"),
    ];
    let (checked, shown) = check(&program, &files);
    assert_eq!(shown, "", "a file that two others import is read once, and a library may hold more than is used");
    let checked = checked.expect("checks");
    let constants: Vec<&str> = checked.model().constants.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(constants, ["half", "unused", "k"], "in the order in which they come in");
    let names: Vec<&str> = checked.imports().iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["lib/all.snn", "lib/neurons.snn", "math.snn"]);
}

#[test]
fn a_whole_problem_can_be_imported() {
    let problem = "domain { x in 0 .. 1 }\nresidual fit on \"probe.csv\" : u = value\nexact u = x\n";
    let network =
        "import \"problems/line.snn\"\nnetwork u(x) { layer h = tuned(x, 8) |> lif  output = h |> mean |> dense(1) }\n";
    let files = [("problems/line.snn", problem), ("problems/probe.csv", "x,value\n0.5,0.5\n0.25,0.25\n")];
    let (checked, shown) = check(network, &files);
    assert_eq!(shown, "", "data are looked for beside the file that names them");
    assert_eq!(checked.expect("checks").model().residuals.len(), 1);
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let files = [("lib.snn", "const k = omgea\nfn twice(a) = = a\n"), ("n.snn", NEURON)];
    let (checked, shown) = check(&format!("import \"lib.snn\"\nimport \"n.snn\"\nconst omega = 1\n{REST}"), &files);
    assert!(checked.is_none());
    assert!(shown.contains("lib.snn:2:15: error SNN0101"), "{shown}");
    assert!(
        shown.contains("  main.snn:1:1: `lib.snn` is imported here")
            || shown.contains("  main.snn:1:8: `lib.snn` is imported here"),
        "{shown}"
    );
}

#[test]
fn names_are_declared_once_in_all_files() {
    let files = [("lib.snn", "const k = 1\nfn twice(a) = 2*a\n"), ("n.snn", NEURON)];
    let (_, shown) = check(&format!("import \"lib.snn\"\nimport \"n.snn\"\nconst k = 2\n{REST}"), &files);
    assert!(shown.contains("main.snn:3:7: error SNN0202") && shown.contains("  lib.snn:1:7:"), "{shown}");
}

#[test]
fn circles_and_ways_out_are_refused() {
    let files = [("a.snn", "import \"b.snn\"\n"), ("b.snn", "import \"a.snn\"\nimport \"main.snn\"\n")];
    let (_, shown) = check("import \"a.snn\"\n", &files);
    assert!(shown.contains("b.snn:1:8: error SNN0242") && shown.contains("a.snn -> b.snn -> a.snn"), "{shown}");
    assert!(shown.contains("main.snn -> a.snn -> b.snn -> main.snn"), "{shown}");
    for path in ["../a.snn", "lib/../../a.snn", "/a.snn", "C:\\a.snn", "\\\\host\\a.snn"] {
        let (_, shown) = check(&format!("import \"{path}\"\n"), &files);
        assert!(shown.contains("SNN0241"), "{path}: {shown}");
    }
    let (_, shown) = check("import \"lib/../c.snn\"\n", &files);
    assert!(shown.contains("SNN0240") && shown.contains("`c.snn`"), "{shown}");
}

#[test]
fn an_import_of_nothing_is_said() {
    let lib = "const one = 1\nfn uses_it(a) = one*a\n";
    let rest = REST.replace("|> slow(tau = k)", "|> lif").replace("twice(x)", "x");
    let (_, shown) = check(&format!("import \"lib.snn\"\n{rest}"), &[("lib.snn", lib)]);
    assert!(shown.starts_with("main.snn:1:8: warning SNN0243"), "{shown}");
    let (_, shown) = check(&format!("allow(SNN0243)\nimport \"lib.snn\"\n{rest}"), &[("lib.snn", lib)]);
    assert_eq!(shown, "");
}

#[test]
fn a_run_records_what_was_imported() {
    let dir = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("writes");
    fs::create_dir(dir.path().join("lib")).expect("a folder");
    put("lib/k.snn", "const k = 3\nfn twice(a) = 2*a\n");
    put("lib/n.snn", NEURON);
    let train = "train { phase a { solve readout(ridge = 1e-6) } }\n";
    put("main.snn", &format!("import \"lib/k.snn\"\nimport \"lib/n.snn\"\n{REST}{train}"));
    let run = || {
        let mut command = Command::cargo_bin("snnc").expect("the binary is built");
        let output = command.current_dir(dir.path()).args(["run", "main.snn", "-q"]).output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = fs::read_to_string(dir.path().join("runs/main/run.json")).expect("is there");
        serde_json::from_str::<serde_json::Value>(&text).expect("is JSON")["program"].clone()
    };
    let first = run();
    assert_eq!(first["imports"][0]["path"], "lib/k.snn");
    assert_eq!(first["imports"][1]["text"], NEURON);
    assert!(first["text"].as_str().is_some_and(|t| t.starts_with("import")));
    let page = fs::read_to_string(dir.path().join("runs/main/report.html")).expect("is there");
    assert!(page.contains("# lib/n.snn"));
    // A change in an imported file is a change of the program.
    put("lib/k.snn", "const k = 4\nfn twice(a) = 2*a\n");
    assert_ne!(run()["sha256"], first["sha256"]);
}
