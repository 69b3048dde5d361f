//! Dependencies are what `deny.toml` allows: their licences, where they come from, and one version of each but for those that it
//! names. `cargo deny check` says the same and asks for known vulnerabilities, with a network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The quoted words of a list in `deny.toml`.
fn list(name: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("deny.toml")).expect("is there");
    let start = text.find(&format!("\n{name} = [")).unwrap_or_else(|| panic!("deny.toml has no {name}"));
    let inside = text[start..].split_once('[').expect("begins").1.split_once("\n]").expect("ends").0;
    inside.split('"').skip(1).step_by(2).map(String::from).collect()
}

/// What is linked in, or built with, on this machine.
fn packages() -> Vec<Value> {
    let rustc = Command::new("rustc").arg("-vV").output().expect("there is a compiler");
    let rustc = String::from_utf8(rustc.stdout).expect("UTF-8");
    let host = rustc.lines().find_map(|l| l.strip_prefix("host: ")).expect("says its host");
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(["metadata", "--format-version", "1", "--offline", "--locked"]);
    let output = command.args(["--filter-platform", host]).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    let used = all["resolve"]["nodes"].as_array().expect("a list").iter().map(|n| n["id"].clone());
    let used: Vec<Value> = used.collect();
    all["packages"].as_array().expect("a list").iter().filter(|p| used.contains(&p["id"])).cloned().collect()
}

/// Whether a licence expression (SPDX) can be met with those allowed; AND binds before OR, and a slash is an old OR.
fn allowed(expression: &str, licences: &BTreeSet<String>) -> bool {
    if let Some((open, close)) = expression.find('(').and_then(|o| Some((o, o + expression[o..].find(')')?))) {
        let inner = if allowed(&expression[open + 1..close], licences) { "MIT" } else { "none" };
        return allowed(&format!("{}{inner}{}", &expression[..open], &expression[close + 1..]), licences);
    }
    let expression = expression.replace('/', " OR ");
    expression.split(" OR ").any(|all| all.split(" AND ").all(|one| licences.contains(one.trim())))
}

#[test]
fn licence_expressions_are_understood() {
    let some = BTreeSet::from(["MIT".to_string(), "Zlib".to_string()]);
    for yes in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "MIT AND Zlib", "(GPL-3.0 OR MIT) AND Zlib"] {
        assert!(allowed(yes, &some), "{yes}");
    }
    for no in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT AND GPL-3.0) OR ISC", "(GPL-3.0 OR MIT) AND ISC", ""] {
        assert!(!allowed(no, &some), "{no}");
    }
}

#[test]
fn licences_and_sources_are_allowed() {
    let licences = list("allow");
    assert!(licences.contains("MIT"));
    let packages = packages();
    assert!(packages.len() > 100);
    for p in packages.iter().filter(|p| p["name"] != "snnc") {
        let licence = p["license"].as_str().unwrap_or_default();
        assert!(allowed(licence, &licences), "{} is under `{licence}`", p["name"]);
        let source = p["source"].as_str().unwrap_or_default();
        assert!(
            source.starts_with("registry+") && source.ends_with("crates.io-index"),
            "{} is from `{source}`",
            p["name"]
        );
    }
}

#[test]
fn no_crate_comes_in_two_versions_but_those_that_are_named() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for p in packages() {
        let word = |key: &str| p[key].as_str().expect("a text").to_string();
        versions.entry(word("name")).or_default().push(word("version"));
    }
    let twice: BTreeSet<String> = versions.into_iter().filter(|(_, v)| v.len() > 1).map(|(name, _)| name).collect();
    assert_eq!(twice, list("skip"), "compare with `skip` in deny.toml");
}
