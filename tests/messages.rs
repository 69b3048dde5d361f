//! The forms of messages, for every command: fancy, plain and JSON, with and without colours.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

const WRONG: &str = "const c = 1\nconst c = 2\ndomain { x in 0 .. 1 }\nconst unused = 3\n";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a folder"));
        fs::write(place.0.path().join("wrong.snn"), WRONG).expect("writes");
        fs::write(place.0.path().join("syntax.snn"), "const = 1\n").expect("writes");
        place
    }

    fn snnc(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
        let mut command = Command::cargo_bin("snnc").expect("the binary is built");
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let output = command
            .current_dir(self.0.path())
            .envs(environment.iter().copied())
            .args(arguments)
            .output()
            .expect("runs");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Every command with something to complain about: a program with mistakes, and one that is not there.
const COMMANDS: &[&[&str]] = &[
    &["check", "wrong.snn"],
    &["run", "wrong.snn"],
    &["emit", "wrong.snn", "--stage", "model"],
    &["emit", "syntax.snn", "--stage", "ast"],
    &["fmt", "syntax.snn"],
    &["check", "none.snn"],
    &["run", "none.snn"],
    &["emit", "none.snn", "--stage", "ir"],
    &["fmt", "none.snn"],
    &["explain", "SNN9999"],
];

#[test]
fn json_is_documented_and_nothing_else_is_printed() {
    let place = Place::new();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/messages.md");
    let page = fs::read_to_string(page).expect("the page is there");
    // The first column of the tables: `key`, or `labels[].key`.
    let documented: BTreeSet<String> =
        page.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next().map(str::to_string)).collect();
    let mut found = BTreeSet::new();
    for command in COMMANDS {
        let (code, shown) = place.snnc(&[command, ["--message-format", "json"].as_slice()].concat(), &[]);
        assert!(code == 1 || code == 2, "{command:?}: exit {code}\n{shown}");
        assert!(!shown.is_empty(), "{command:?} says nothing");
        for line in shown.lines() {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{command:?}: {e} in {line}"));
            for (key, v) in value.as_object().expect("an object") {
                found.insert(key.clone());
                let fits = match key.as_str() {
                    "code" => v.is_null() || v.as_str().is_some_and(|c| c.starts_with("SNN") && c.len() == 7),
                    "severity" => matches!(v.as_str(), Some("error" | "warning")),
                    "message" => v.is_string(),
                    "help" => v.is_null() || v.is_string(),
                    "labels" => v.is_array(),
                    _ => false,
                };
                assert!(fits, "{key}: {v}");
            }
            for label in value["labels"].as_array().expect("a list") {
                for (key, v) in label.as_object().expect("an object") {
                    found.insert(format!("labels[].{key}"));
                    let fits = match key.as_str() {
                        "file" | "text" => v.is_string(),
                        "start" | "end" => v.is_u64(),
                        "line" | "column" => v.as_u64().is_some_and(|n| n >= 1),
                        _ => false,
                    };
                    assert!(fits, "{key}: {v}");
                }
            }
        }
    }
    assert_eq!(found, documented, "docs/reference/messages.md");
}

#[test]
fn every_command_knows_every_form() {
    let place = Place::new();
    for command in COMMANDS {
        for format in ["fancy", "plain"] {
            let arguments = [command, ["--message-format", format].as_slice()].concat();
            let (_, shown) = place.snnc(&arguments, &[]);
            assert!(
                !shown.is_empty() && serde_json::from_str::<Value>(&shown).is_err(),
                "{command:?} {format}: {shown}"
            );
            assert!(!shown.contains('\u{1b}'), "{command:?}: colours in a file\n{shown}");
        }
        // The options may stand before the command as well.
        let before = [["--message-format", "json"].as_slice(), command].concat();
        let (_, shown) = place.snnc(&before, &[]);
        assert!(shown.lines().all(|l| l.starts_with('{')), "{command:?}: {shown}");
    }
    let (code, _) = place.snnc(&["check", "wrong.snn", "--message-format", "xml"], &[]);
    assert_eq!(code, 2);
}

#[test]
fn colours_are_as_asked_for() {
    let place = Place::new();
    let has = |arguments: &[&str], environment: &[(&str, &str)]| {
        let arguments = [["check", "wrong.snn"].as_slice(), arguments].concat();
        place.snnc(&arguments, environment).1.contains('\u{1b}')
    };
    for (arguments, environment, expected) in [
        ([].as_slice(), [].as_slice(), false),
        (&["--color", "always"], &[], true),
        (&["--color", "never"], &[], false),
        (&["--color", "auto"], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "0")], false),
        (&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
    ] {
        assert_eq!(has(arguments, environment), expected, "{arguments:?} {environment:?}");
    }
}

#[test]
fn a_run_read_by_a_program_prints_only_messages() {
    let place = Place::new();
    let program = "domain { x in 0 .. 1 }
network u(x) { layer h = tuned(x, 8) |> lif  output = h |> mean |> dense(1) }
residual fit on grid(x = 9) : u = x
exact u = x
train { phase a { solve readout } }
report { metric l2 = relative_l2(u) on grid(x = 11)  expect l2 < 1e-12 }
";
    fs::write(place.0.path().join("p.snn"), program).expect("writes");
    let (code, shown) = place.snnc(&["run", "p.snn", "--message-format", "json"], &[]);
    assert_eq!(code, 4, "{shown}");
    let lines: Vec<Value> = shown.lines().map(|l| serde_json::from_str(l).expect("is JSON")).collect();
    let said: Vec<&str> = lines.iter().filter_map(|l| l["message"].as_str()).collect();
    // As many equations as weights: that is worth a warning.
    assert!(said.len() == 2 && said[0].contains("9 equations") && said[1].contains("expect l2"), "{shown}");
}

#[test]
fn explain_lists_all_codes() {
    let mut command = Command::cargo_bin("snnc").expect("the binary is built");
    let output = command.arg("explain").output().expect("runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success());
    for info in snnc::diag::codes::all() {
        assert!(shown.contains(&format!("  {}  ", info.code)), "{} is missing", info.code);
    }
    assert!(shown.starts_with("syntax\n"), "{shown}");
}
