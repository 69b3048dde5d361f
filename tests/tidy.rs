//! The rules of the house that a machine can hold: who may use whom, where dangerous things live, what every code needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` with this ending, and their text.
fn files(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut out = vec![];
    let mut todo = vec![root().join(folder)];
    while let Some(dir) = todo.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                let text = fs::read_to_string(&path).expect("a source file is UTF-8");
                out.push((path.strip_prefix(root()).expect("below the root").to_path_buf(), text));
            }
        }
    }
    out.sort();
    assert!(!out.is_empty(), "no .{ending} files below {folder}");
    out
}

/// The code before the tests of a file: tests may reach anywhere.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// What each part of the crate may use, besides itself and `std`. The order is the way of a program through the house.
const MAY_USE: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("func", &[]),
    ("units", &[]),
    ("plan", &["func"]),
    ("diag", &["source", "units"]),
    ("syntax", &["source", "diag", "units"]),
    ("check", &["source", "func", "units", "plan", "diag", "syntax"]),
    ("ir", &["func", "plan"]),
    ("lower", &["source", "func", "units", "plan", "check", "ir"]),
    ("pass", &["func", "ir"]),
    ("exec", &["func", "plan", "ir"]),
    ("train", &["func", "plan", "ir", "exec"]),
    ("simulate", &["func", "plan", "ir", "exec"]),
    ("report", &["source", "func", "plan", "train"]),
    ("nir", &["source", "func", "diag", "syntax", "check", "ir"]),
    ("lsp", &["source", "func", "units", "diag", "syntax", "check", "pipeline"]),
];

#[test]
fn dependencies_run_one_way() {
    let mut wrong = vec![];
    for (path, text) in files("src", "rs") {
        let part = path.components().nth(1).expect("below src").as_os_str().to_string_lossy().replace(".rs", "");
        let Some((_, allowed)) = MAY_USE.iter().find(|(p, _)| *p == part) else { continue };
        let lines = code(&text).lines().filter(|l| !l.trim_start().starts_with("//"));
        for piece in lines.flat_map(|l| l.split("crate::").skip(1)) {
            let used: String = piece.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !used.is_empty() && used != part && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: `{part}` may not use `{used}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lines of code (not comments, not tests) of files outside `homes` that contain one of `words`.
fn outside(homes: &[&str], words: &[&str]) -> Vec<String> {
    let mut wrong = vec![];
    for (path, text) in files("src", "rs") {
        let name = path.to_string_lossy().replace('\\', "/");
        if homes.iter().any(|h| name.starts_with(h)) {
            continue;
        }
        for (n, line) in code(&text).lines().enumerate() {
            let line = line.trim_start();
            if !line.starts_with("//") && words.iter().any(|w| line.contains(w)) {
                wrong.push(format!("{name}:{}: {line}", n + 1));
            }
        }
    }
    wrong
}

#[test]
fn the_grammar_has_one_user() {
    let wrong = outside(&["src/syntax/parse"], &["Rule::", "pest::", "pest_derive"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn machine_code_and_unsafe_have_one_home() {
    let wrong = outside(&["src/exec/jit", "src/exec/micro"], &["cranelift", "unsafe "]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_unsafe_says_why_it_is_sound() {
    let mut wrong = vec![];
    for (path, text) in files("src", "rs") {
        let lines: Vec<&str> = text.lines().collect();
        for (n, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let is_use = ["unsafe {", "unsafe impl", "unsafe fn", "unsafe extern"].iter().any(|w| code.contains(w));
            if code.starts_with("//") || !is_use {
                continue;
            }
            let said = lines[n.saturating_sub(12)..=n].iter().any(|l| l.contains("SAFETY") || l.contains("# Safety"));
            if !said {
                wrong.push(format!("{}:{}: {code}", path.display(), n + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_command_line_touches_the_world() {
    let words = ["println!", "eprintln!", "print!(", "std::fs", "fs::", "std::process", "std::env", "std::io::stdout"];
    let wrong = outside(&["src/cli", "src/main.rs", "src/report/write.rs"], &words);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_says_why_it_exists() {
    for (path, text) in files("src", "rs") {
        assert!(text.starts_with("//!"), "{} does not open with why it exists", path.display());
    }
}

#[test]
fn no_file_holds_two_ideas() {
    for folder in ["src", "tests"] {
        for (path, text) in files(folder, "rs") {
            let lines = code(&text).lines().count();
            assert!(lines <= 620, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn every_code_has_a_page_and_a_program() {
    let ui: BTreeSet<String> = files("tests/ui", "snn")
        .iter()
        .map(|(p, _)| p.file_name().expect("a file").to_string_lossy().to_string())
        .collect();
    let mut last = 0;
    for info in snnc::diag::codes::all() {
        assert!(info.code.0 > last, "{} is out of order or repeated", info.code);
        last = info.code.0;
        let page = root().join(format!("docs/errors/{}.md", info.code));
        let text = fs::read_to_string(&page).unwrap_or_default();
        assert!(text.starts_with(&format!("# {}", info.code)), "{} does not open with its code", page.display());
        assert_eq!(text, info.page, "{} is not the page that is embedded", page.display());
        let program = format!("{}_{}.snn", info.code, info.slug);
        assert!(ui.contains(&program), "tests/ui/{program} is missing");
    }
    for (path, _) in files("docs/errors", "md") {
        let stem = path.file_stem().expect("a file").to_string_lossy().to_string();
        assert!(snnc::diag::codes::all().any(|c| c.code.to_string() == stem), "{} belongs to no code", path.display());
    }
    for name in ui {
        let code = name.split('_').next().expect("a code").to_string();
        assert!(snnc::diag::codes::all().any(|c| c.code.to_string() == code), "tests/ui/{name} belongs to no code");
    }
}

#[test]
fn nothing_is_left_half_done() {
    let words = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!("];
    let wrong = outside(&[], &words);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
