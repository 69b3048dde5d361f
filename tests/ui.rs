//! Every wrong program gets its coded message.
//!
//! `tests/ui/SNN0201_unknown_name.snn` must give SNN0201, whatever else it gives; the whole output is a snapshot. A program
//! is checked, or run with the arguments of a first line such as `# snnc run --set q=3`; `# snnc import FILE.nir` is run as it is.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

#[test]
fn every_wrong_program_gets_its_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut programs: Vec<_> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|n| n.ends_with(".snn"))
        .collect();
    programs.sort();
    assert!(programs.len() > 50, "only {} programs", programs.len());
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut failures = vec![];
    for name in &programs {
        let text = fs::read_to_string(folder.join(name)).expect("UTF-8");
        let line = text.lines().next().unwrap_or("");
        let arguments: Vec<&str> = match line.strip_prefix("# snnc ") {
            Some(rest) => rest.split_whitespace().collect(),
            None => vec!["check"],
        };
        let mut command = Command::cargo_bin("snnc").expect("the binary is built");
        command.current_dir(&folder).env("NO_COLOR", "1").arg(arguments[0]);
        // What is imported is another file.
        if !(arguments[0] == "import" && arguments.len() > 1) {
            command.arg(name);
        }
        command.args(&arguments[1..]);
        if arguments[0] == "run" {
            command.arg("--quiet").arg("--out").arg(out.path().join(name));
        }
        let output = command.output().expect("runs");
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = name.split('_').next().expect("a code");
        // On a line of its own: the file's name holds the code as well.
        if !shown.lines().any(|line| line.trim() == code) {
            failures.push(format!("{name}: no {code} in\n{shown}"));
        }
        if output.status.code() == Some(101) {
            failures.push(format!("{name}: called a bug of ours\n{shown}"));
        }
        let status = output.status.code().map_or("killed".into(), |c| c.to_string());
        let stem = name.trim_end_matches(".snn");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "ui" }, {
            insta::assert_snapshot!(stem, format!("exit {status}\n{shown}"));
        });
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
