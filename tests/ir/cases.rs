//! Text in, text out. A case starts with the steps that are taken, separated by `|`:
//!
//! ```text
//! # jet u 1_0 2_1 | simplify | cse | dce        derivatives named by their orders, then passes by name
//! # jvp u 4                                     tangents along 4 directions
//! # guard h                                     broken states show in an output of their own
//! # read                                        nothing; the text form itself, or what is wrong with it
//! ```
//!
//! Programs are verified before and after every step; a refusal is the result.

use std::fs;
use std::path::Path;

use snnc::func::MultiIndex;
use snnc::ir::program::Program;
use snnc::ir::read::read;
use snnc::ir::verify::verify;
use snnc::pass::{guard, jet, jvp, pipelines};

fn step(words: &[&str], program: Program) -> Program {
    match words {
        ["read"] => program,
        ["jet", output, alphas @ ..] => {
            let index = |a: &&str| MultiIndex(a.split('_').map(|n| n.parse().expect("an order")).collect());
            jet::jet(&program, &[output], &alphas.iter().map(index).collect::<Vec<_>>())
        }
        ["jvp", output, directions] => jvp::jvp(&program, &[output], directions.parse().expect("a number")),
        ["guard", outputs @ ..] => guard::guard(program, &outputs.iter().map(|o| o.to_string()).collect::<Vec<_>>()),
        ["optimise"] => pipelines::optimise(program),
        [name] => {
            let pass = pipelines::ALL
                .iter()
                .chain(pipelines::ARITHMETIC)
                .find(|p| p.name == *name)
                .unwrap_or_else(|| panic!("no pass {name}"));
            (pass.run)(program)
        }
        _ => panic!("what is {words:?}?"),
    }
}

fn result(text: &str) -> String {
    let mut program = match read(text) {
        Ok(p) => p,
        Err(e) => return format!("read: {e}\n"),
    };
    if let Err(e) = verify(&program) {
        return format!("verify: {e}\n");
    }
    let steps = text.lines().next().and_then(|l| l.strip_prefix("# ")).expect("the first line says what to do");
    for words in steps.split('|') {
        program = step(&words.split_whitespace().collect::<Vec<_>>(), program);
        if let Err(e) = verify(&program) {
            panic!("after {words}: {e}\n{program}");
        }
        let text = program.to_string();
        assert_eq!(read(&text).as_ref(), Ok(&program), "{text}");
    }
    program.to_string()
}

/// A file of rejections holds several programs, separated by lines of `---`; anything else holds one.
#[test]
fn text_in_text_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ir/cases");
    let mut files: Vec<_> = fs::read_dir(folder).expect("the cases").map(|f| f.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() > 10, "cases are missing");
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        for file in files {
            let text = fs::read_to_string(&file).expect("a text");
            let results: Vec<String> = text.split("---\n").map(result).collect();
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            insta::assert_snapshot!(name, results.join("---\n"));
        }
    });
}
