//! Warnings can be silenced, errors cannot, and what silences nothing is said.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use snnc::check::Options;
use snnc::diag::lints::LINTS;
use snnc::diag::render::{Format, Style, render};
use snnc::pipeline::Source;
use snnc::source::{MemoryFiles, Sources};

/// The codes that a program gives, each with its line.
fn codes(program: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("p.snn", program).check(&mut sources, &MemoryFiles::default(), &options);
    let style = Style { format: Format::Plain, color: false, width: 100 };
    let first = |m| render(m, &sources, &style).lines().next().unwrap_or_default().to_string();
    let short = |line: String| {
        let line_number = line.split(':').nth(1).unwrap_or_default().to_string();
        let code = line.split_whitespace().nth(2).unwrap_or_default().trim_end_matches(':').to_string();
        format!("{line_number} {code}")
    };
    checking.messages.iter().map(first).map(short).collect()
}

const REST: &str = "domain { x in 0 .. 1 }
network u(x) {
  layer h = tuned(x, 8) |> lif
  layer g = tuned(x, 8) |> lif
  output  = h |> mean |> dense(1)
}
residual fit on grid(x = 9) : u = x
";

#[test]
fn an_allow_reaches_its_item_or_its_file() {
    assert_eq!(codes(&format!("const k = 2\n{REST}")), ["1 SNN0209", "5 SNN0607"]);
    assert_eq!(codes(&format!("allow(SNN0209)\nconst k = 2\n{REST}")), ["6 SNN0607"]);
    assert_eq!(codes(&format!("allow(SNN0209)\nallow(SNN0607)\n{REST}")), ["1 SNN0244", "2 SNN0244", "6 SNN0607"]);
    assert_eq!(codes(&format!("allow(SNN0209, SNN0607) in file\nconst k = 2\nconst j = 2\n{REST}")), [""; 0]);
    let before_network = REST.replace("network", "allow(SNN0607) network");
    assert_eq!(codes(&format!("const k = 2\n{before_network}")), ["1 SNN0209"]);
}

#[test]
fn it_never_hides_an_error() {
    let program = format!("allow(SNN0201) in file\nallow(SNN0209)\nconst k = q\n{REST}");
    let codes = codes(&program);
    assert!(codes.contains(&"1 SNN0245".to_string()) && codes.contains(&"3 SNN0201".to_string()), "{codes:?}");
    // A program with errors may lack the warning that is allowed.
    assert!(!codes.iter().any(|c| c.ends_with("SNN0244")), "{codes:?}");
}

/// The list of what may be allowed is the list of what warns.
#[test]
fn all_warnings_can_be_allowed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut warned = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("lists").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "snap") {
            continue;
        }
        let mut code = 0;
        for line in fs::read_to_string(&path).expect("UTF-8").lines() {
            if let Some(digits) = line.strip_prefix("SNN").filter(|d| d.len() == 4) {
                code = digits.parse().expect("a code");
            }
            if line.starts_with("  ⚠ ") {
                warned.insert(code);
            }
        }
    }
    assert_eq!(warned.into_iter().collect::<Vec<u16>>(), LINTS, "src/diag/lints.rs");
}
