//! Every wrong program gets its coded message.
//!
//! `tests/ui/SNN0201_unknown_name.snn` must give SNN0201, whatever else it gives; the whole output is a snapshot. A program
//! is checked, or run with the arguments of a first line such as `# snnc run --set q=3`. What needs several commands has them
//! in lines `# $ …` at its beginning, which are carried out in a folder of their own; the last one's messages count.
//! `# snnc import FILE.nir` is run as it is.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

/// Carries out the lines `# $ …` of a program; exit code and messages of the last.
fn steps(folder: &Path, name: &str, text: &str) -> (Option<i32>, String) {
    let mut last = (None, String::new());
    let place = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| place.path().join(name);
    fs::copy(folder.join(name), at(name)).expect("copies");
    for line in text.lines().map_while(|l| l.strip_prefix("# $ ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let read = || fs::read(at(words[1])).unwrap_or_else(|e| panic!("{name}: {line}: {e}"));
        let write = |bytes: Vec<u8>| fs::write(at(words[1]), bytes).unwrap_or_else(|e| panic!("{name}: {line}: {e}"));
        match words[0] {
            "snnc" => {
                let mut command = Command::cargo_bin("snnc").expect("the binary is built");
                command.current_dir(place.path()).args(&words[1..]).args(["--message-format", "plain"]);
                let output = command.output().expect("runs");
                let shown = String::from_utf8_lossy(&output.stderr).into_owned();
                let home = fs::canonicalize(place.path()).expect("is there").display().to_string();
                last = (output.status.code(), shown.replace(&home, "[folder]"));
            }
            "cut" => write(read()[..read().len() - 3].to_vec()),
            "flip" => {
                let mut bytes = read();
                bytes.iter_mut().last().into_iter().for_each(|b| *b ^= 1);
                write(bytes);
            }
            // A line of the file for each word; `~` is a blank.
            "write" => write(words[2..].iter().map(|w| w.to_string() + "\n").collect::<String>().into_bytes()),
            "copy" => drop(fs::copy(at(words[1]), at(words[2])).expect("copies")),
            "replace" => {
                let (from, to) = (words[2].replace('~', " "), words[3].replace('~', " "));
                let text = String::from_utf8(read()).expect("UTF-8");
                assert!(text.contains(&from), "{name}: no {from} to replace");
                write(text.replace(&from, &to).into_bytes());
            }
            other => panic!("{name}: what is `{other}`?"),
        }
    }
    last
}

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
        let (status, shown) = if line.starts_with("# $ ") {
            steps(&folder, name, &text)
        } else {
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
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let code = name.split('_').next().expect("a code");
        // On a line of its own, or as plain messages have it: the file's name holds the code as well.
        let has = |line: &str| {
            line.trim() == code || ["error", "warning"].iter().any(|s| line.starts_with(&format!("{s} {code}: ")))
        };
        if !shown.lines().any(has) {
            failures.push(format!("{name}: no {code} in\n{shown}"));
        }
        if status == Some(101) {
            failures.push(format!("{name}: called a bug of ours\n{shown}"));
        }
        let status = status.map_or("killed".into(), |c| c.to_string());
        let stem = name.trim_end_matches(".snn");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "ui" }, {
            insta::assert_snapshot!(stem, format!("exit {status}\n{shown}"));
        });
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
