//! Every example is run to its end, reaches what it expects, and gives the same bits with two threads and with eight.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut all: Vec<_> =
        fs::read_dir(folder).expect("there are examples").map(|e| e.expect("an entry").path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "snn"));
    all.sort();
    assert!(all.len() >= 5);
    all
}

fn run(example: &Path, out: &Path, threads: &str) -> serde_json::Value {
    let output = Command::cargo_bin("snnc")
        .expect("the binary is built")
        .arg("run")
        .arg(example)
        .args(["--quiet", "--threads", threads, "--out"])
        .arg(out)
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} with {threads} threads: {:?}\n{said}", example.display(), output.status);
    serde_json::from_slice(&fs::read(out.join("run.json")).expect("is written")).expect("is JSON")
}

#[test]
fn examples_reach_what_they_expect_with_the_same_bits_for_any_number_of_threads() {
    for example in examples() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (two, eight) = (dir.path().join("two"), dir.path().join("eight"));
        let record = run(&example, &two, "2");
        let again = run(&example, &eight, "8");

        let expects = record["expects"].as_array().expect("a list");
        assert!(!expects.is_empty(), "{} expects nothing", example.display());
        for e in expects {
            assert_eq!(e["holds"], true, "{}: {e}", example.display());
        }
        let simulates = record["kind"] == "simulation";
        for key in ["metrics", "losses", "forward_evaluations", "layers", "populations", "connections", "result_sha256"]
        {
            assert_eq!(record[key], again[key], "{}: {key} depends on the threads", example.display());
        }
        let mut written: Vec<_> = fs::read_dir(&two)
            .expect("lists")
            .map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        written.sort();
        let stem = example.file_stem().expect("a name").to_string_lossy().into_owned();
        let arrays = format!("{stem}.npz");
        let mut promised = vec!["plots", "report.html", "run.json", &arrays];
        if !simulates {
            promised.push("checkpoint.safetensors");
        }
        // The data files that a program reads are kept beside its results.
        if record["program"]["inputs"].as_array().is_some_and(|all| !all.is_empty()) {
            promised.push("inputs");
        }
        promised.sort();
        assert_eq!(written, promised);
        let figures = fs::read_dir(two.join("plots")).expect("lists").map(|e| e.expect("an entry").file_name());
        let figures: Vec<_> = figures.map(|n| format!("plots/{}", n.into_string().expect("UTF-8"))).collect();
        assert!(!figures.is_empty() && figures.len() % 2 == 0, "an SVG and a PNG of each figure");
        // Of the page and run.json, times differ; the loss is drawn by rounds and steps.
        let fixed = promised.into_iter().filter(|n| !["inputs", "plots", "report.html", "run.json"].contains(n));
        for name in fixed.chain(figures.iter().map(String::as_str)) {
            let (a, b) = (fs::read(eight.join(name)).expect("is there"), fs::read(two.join(name)).expect("is there"));
            assert!(a == b, "{}: {name} depends on the threads", example.display());
        }
        let page = fs::read_to_string(two.join("report.html")).expect("UTF-8");
        // One self-contained page: nothing is fetched. The name of the SVG vocabulary is not an address.
        let outside = page.replace("http://www.w3.org/2000/svg", "");
        assert!(page.contains("<svg") && !outside.contains("http:") && !outside.contains("https:"));
    }
}
