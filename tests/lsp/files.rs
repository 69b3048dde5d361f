//! The files for editors under `docs/editors`, which are not made from the language and could fall behind it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use snnc::check::{names, networks, prelude};
use snnc::syntax::parse::scan::KEYWORDS;

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/editors").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect()
}

#[test]
fn grammars_know_the_words_of_the_language() {
    for path in ["vscode/syntaxes/snn.tmLanguage.json", "vim/syntax/snn.vim"] {
        let text = text(path);
        let known = words(&text);
        let all = KEYWORDS.iter().copied().chain(names::functions());
        for word in all.chain(networks::LAYERS.iter().copied()).chain(prelude::NAMES.iter().copied()) {
            assert!(known.contains(word), "{path} lacks `{word}`");
        }
    }
}

#[test]
fn keywords_of_the_grammar_are_keywords() {
    let grammar = json("vscode/syntaxes/snn.tmLanguage.json");
    let mut listed = BTreeSet::new();
    for pattern in grammar["repository"]["keyword"]["patterns"].as_array().expect("a list") {
        let pattern = pattern["match"].as_str().expect("a pattern").trim_start_matches("\\b(").trim_end_matches(")\\b");
        listed.extend(pattern.split('|').map(str::to_string));
    }
    assert_eq!(listed, KEYWORDS.iter().map(|k| k.to_string()).collect::<BTreeSet<_>>());
    for include in grammar["patterns"].as_array().expect("a list") {
        let name = include["include"].as_str().expect("a name").trim_start_matches('#');
        assert!(grammar["repository"][name].is_object(), "{name}");
    }
}

#[test]
fn the_extension_names_files_that_are_there() {
    let package = json("vscode/package.json");
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    assert!(text("README.md").contains(&format!("snn-{}.vsix", env!("CARGO_PKG_VERSION"))));
    let contributes = &package["contributes"];
    let language = &contributes["languages"][0];
    let grammar = &contributes["grammars"][0];
    for path in [&package["main"], &language["configuration"], &grammar["path"]] {
        text(&format!("vscode/{}", path.as_str().expect("a path")));
    }
    json("vscode/language-configuration.json");
    assert_eq!(json("vscode/syntaxes/snn.tmLanguage.json")["scopeName"], grammar["scopeName"]);
    let client = text("vscode/extension.js");
    assert!(contributes["configuration"]["properties"]["snn.path"].is_object());
    assert!(client.contains("getConfiguration(\"snn\").get(\"path\")"));
    let command = contributes["commands"][0]["command"].as_str().expect("a name");
    assert!(client.contains(&format!("registerCommand(\"{command}\"")));
}
