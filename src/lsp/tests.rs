//! Programs while they are being written: whatever an editor asks of one, there is an answer or none, and never a panic.

use std::path::{Path, PathBuf};

use super::complete::complete;
use super::documents::{Disk, Documents};
use super::facts::Facts;
use super::hover::hover;
use super::text::uri_of;
use super::{diagnostics, rename, symbols};
use crate::source::{Files, MemoryFiles};

struct Memory;

impl Disk for Memory {
    fn folder(&self, _: &Path) -> Box<dyn Files> {
        Box::new(MemoryFiles::default())
    }
}

/// Everything that may be asked about one text, at one place of it.
fn ask(text: &str, offset: usize, checked: bool) {
    let path = PathBuf::from("/p/a.snn");
    let mut documents = Documents::default();
    documents.open(uri_of(&path).expect("a URI"), path.clone(), 1, text.to_string());
    if checked {
        documents.check(&Memory, |run| {
            run();
            true
        });
    }
    let view = documents.view(&path, &Memory).expect("it is open");
    let document = documents.get(&path).expect("it is open");
    complete(&view, offset, false);
    hover(document, &view, offset);
    symbols::outline(&view);
    diagnostics::of(document, &documents);
    if checked {
        let facts = Facts::new(&view);
        for s in &view.index.symbols {
            facts.of(s);
        }
        let _ = rename::rename(&documents, &Memory, &view, offset, "another");
    }
}

/// Every beginning of a text, with questions at its end; every `often`th is checked and everything in it is asked for.
fn every_prefix(text: &str, often: usize) {
    for (n, (end, _)) in text.char_indices().enumerate() {
        ask(&text[..end], end, n % often == 0);
    }
}

#[test]
fn every_prefix_of_a_training_program() {
    every_prefix(include_str!("../../examples/heat_inverse.snn"), 7);
}

#[test]
fn every_prefix_of_a_simulation() {
    every_prefix(include_str!("../../examples/adex_simulate.snn"), 7);
}

/// A token lost, or one too many, anywhere.
#[test]
fn every_token_left_out_or_doubled() {
    let text = include_str!("../../examples/antiderivative.snn");
    for t in crate::syntax::parse::scan::tokens(text) {
        let without = format!("{}{}", &text[..t.start], &text[t.end()..]);
        ask(&without, t.start, true);
        let twice = format!("{}{} {}", &text[..t.start], t.text, &text[t.start..]);
        ask(&twice, t.end(), true);
    }
}

#[test]
fn texts_that_are_no_programs() {
    for text in [
        "",
        "\u{feff}",
        "}",
        "{",
        "((((((((((",
        "network",
        "network u(",
        "neuron { {",
        "const a = \"",
        "µ🙂 µ'\r\n",
        "\0",
    ] {
        for (offset, _) in text.char_indices() {
            ask(text, offset, true);
        }
        ask(text, text.len(), true);
    }
    ask(&"(".repeat(10_000), 5_000, true);
    ask(&format!("const a = {}1", "1 + ".repeat(3_000)), 5_000, true);
}
