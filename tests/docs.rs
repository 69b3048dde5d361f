//! Every block of code in the documents is a program that checks.
//!
//! A block marked `snn` is a whole program. One marked `snn-part` is a fragment: it is put into the smallest program that
//! can hold it, which the table below gives by the fragment's first word.

use std::fs;
use std::path::Path;

use snnc::check::Options;
use snnc::diag::Severity;
use snnc::diag::render::{Format, Style, render};
use snnc::pipeline::Source;
use snnc::source::{MemoryFiles, Sources};

/// The code blocks of a Markdown file that carry this mark, each with its first line's number.
fn blocks(text: &str, mark: &str) -> Vec<(usize, String)> {
    let mut out = vec![];
    let mut open: Option<(usize, String)> = None;
    for (n, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim() == "```" => out.extend(open.take()),
            Some((_, block)) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line.trim() == format!("```{mark}") => open = Some((n + 2, String::new())),
            None => {}
        }
    }
    out
}

fn problems(program: &str) -> String {
    let mut sources = Sources::default();
    let mut files = MemoryFiles::default();
    files.0.insert("probe.csv".into(), b"x,t,value\n0.25,0.5,0.1\n0.5,0.5,0.2\n".to_vec());
    files.0.insert("cooling.csv".into(), include_bytes!("../docs/tutorial/cooling.csv").to_vec());
    files.0.insert("ref.npz".into(), include_bytes!("data/ref.npz").to_vec());
    let options = Options { set: vec![], seed: None };
    let checking = Source::new("block.snn", program).check(&mut sources, &files, &options);
    let style = Style { format: Format::Plain, color: false, width: 100 };
    let errors = checking.messages.iter().filter(|m| m.severity == Severity::Error);
    errors.map(|m| render(m, &sources, &style)).collect::<Vec<_>>().join("\n")
}

const REST: &str = "domain { x in 0 .. 1  t in 0 .. 1 }\n\
     network u(x, t) { layer h = tuned(x, t, 16) |> lif  output = h |> mean |> dense(1) }\n\
     residual fit on grid(x = 5, t = 5) : u = x\n";

/// The smallest program around a fragment.
fn around(fragment: &str) -> String {
    let word = |w: &str| fragment.lines().any(|l| l.split_whitespace().next() == Some(w));
    let mut out = String::new();
    if !word("domain") {
        out.push_str("domain { x in 0 .. 1  t in 0 .. 1 }\n");
    }
    if !word("network") {
        out.push_str("network u(x, t) { layer h = tuned(x, t, 16) |> lif  output = h |> mean |> dense(1) }\n");
    }
    if !word("residual") {
        out.push_str("residual fit on grid(x = 5, t = 5) : u = x\n");
    }
    if !word("exact") && word("report") {
        out.push_str("exact u = x\n");
    }
    out.push_str(fragment);
    out
}

#[test]
fn every_block_of_the_documents_checks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md")];
    for folder in ["docs", "docs/reference", "docs/tutorial"] {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { continue };
        files.extend(entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    files.sort();
    assert!(problems(REST).is_empty(), "{}", problems(REST));
    let (mut tried, mut wrong) = (0, vec![]);
    for file in files {
        let text = fs::read_to_string(&file).expect("UTF-8");
        let whole = blocks(&text, "snn");
        let parts = blocks(&text, "snn-part").into_iter().map(|(n, b)| (n, around(&b)));
        for (line, program) in whole.into_iter().chain(parts) {
            tried += 1;
            let said = problems(&program);
            if !said.is_empty() {
                wrong.push(format!("{}:{line}:\n{program}\n{said}", file.display()));
            }
        }
    }
    assert!(tried > 20, "only {tried} blocks");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
