//! What an editor changes at the server's word, and what it lists of a file.

use std::process::Command;

use serde_json::{Value, json};

use super::editor::{Editor, covered, edited, find};
use super::{CELLS, PROGRAM, contains};

/// The texts after a rename, by file.
fn renamed(editor: &mut Editor, uri: &str, text: &str, place: Value, name: &str) -> Result<String, String> {
    let answer = editor.at("rename", uri, place, json!({ "newName": name }));
    answer.map(|e| edited(text, &e["changes"][uri])).map_err(|e| e["message"].as_str().unwrap().to_string())
}

#[test]
fn names_can_be_changed() {
    let mut editor = Editor::new();
    let uri = editor.open("a.snn", PROGRAM);
    let prepared = editor.at("prepareRename", &uri, find(PROGRAM, "h) pool"), json!({})).unwrap();
    assert_eq!((covered(PROGRAM, &prepared["range"]), &prepared["placeholder"]), ("h", &json!("h")));
    let text = renamed(&mut editor, &uri, PROGRAM, find(PROGRAM, "h) pool"), "hidden").unwrap();
    contains(
        &text,
        &["layer hidden = tuned", "= hidden |> ema", "neurons(hidden)", "raster(hidden)", "heatmap(u)", "neuron"],
    );
    // The argument of this name is another name, and so is the field of another kind.
    let text = renamed(&mut editor, &uri, PROGRAM, find(PROGRAM, "tau = 20"), "T").unwrap();
    contains(&text, &["const T = 20", "lif(tau = T)", "ema(tau = T)"]);
    let text = renamed(&mut editor, &uri, PROGRAM, find(PROGRAM, "u(x, t) {"), "field").unwrap();
    contains(
        &text,
        &[
            "network field(x, t)",
            "d(field, t) = nu*d(field, x, x)",
            "exact field =",
            "relative_l2(field)",
            "heatmap(field)",
        ],
    );
    assert!(!text.contains(" u "), "{text}");
    let text = renamed(&mut editor, &uri, PROGRAM, find(PROGRAM, "x in 0"), "position").unwrap();
    contains(&text, &["fn start(x) = sin(pi*x)", "start(position)", "grid(position = 11", "network u(position, t)"]);
    // What comes out has no mistakes.
    editor.replace(&uri, 2, &text);
    assert_eq!(editor.diagnostics(&uri, 2), [] as [Value; 0]);
    let uri = editor.open("b.snn", CELLS);
    let text = renamed(&mut editor, &uri, CELLS, find(CELLS, "v of exc"), "u").unwrap();
    contains(&text, &["state u = EL", "flow u' = (EL - u + i)", "with u = uniform", "record u of exc"]);
    editor.replace(&uri, 2, &text);
    assert_eq!(editor.diagnostics(&uri, 2), [] as [Value; 0]);
    editor.bye();
}

#[test]
fn names_that_cannot_be_changed_are_refused() {
    let mut editor = Editor::new();
    let uri = editor.open("a.snn", PROGRAM);
    let mut refused = |piece: &str, name: &str| {
        let place = find(PROGRAM, piece);
        renamed(&mut editor, &uri, PROGRAM, place, name).expect_err("it is refused")
    };
    contains(&refused("lif(", "cell"), &["`lif` is a neuron that comes with the language"]);
    contains(&refused("tuned(", "cell"), &["`tuned` comes with the language"]);
    contains(&refused("layer", "cell"), &["`layer` is a word of the language"]);
    contains(&refused("24)", "cell"), &["no name here"]);
    contains(&refused("h = tuned", "layer"), &["`layer` is a word of the language"]);
    contains(&refused("h = tuned", "2h"), &["is not a name"]);
    contains(&refused("h = tuned", ""), &["is not a name"]);
    contains(&refused("h = tuned", "a b"), &["is not a name"]);
    contains(&refused("tau = 20", "nu"), &["cannot be renamed to `nu`"]);
    contains(&refused("tau = 20", "sin"), &["cannot be renamed to `sin`"]);
    contains(&refused("tau = 20", "pi"), &["cannot be renamed to `pi`"]);
    contains(&refused("nu = 0.5", "x"), &["cannot be renamed to `x`"]);
    // The layer would hide the constant.
    contains(&refused("h = tuned", "tau"), &["cannot be renamed to `tau`"]);
    let place = find(PROGRAM, "lif(");
    let error = editor.at("prepareRename", &uri, place, json!({})).expect_err("it is refused");
    contains(error["message"].as_str().unwrap(), &["comes with the language"]);
    editor.bye();
}

#[test]
fn names_are_changed_in_all_open_files() {
    let mut editor = Editor::new();
    let library = "fn bump(x) = sin(pi*x)\n";
    editor.put("lib.snn", library);
    let one = PROGRAM.replacen("fn start(x) = sin(pi*x)", "import \"lib.snn\"", 1).replace("start(x)", "bump(x)");
    let two = one.replace("0.5 in", "0.4 in");
    let (a, b) = (editor.open("a.snn", &one), editor.open("b.snn", &two));
    let uri = editor.uri("lib.snn");
    // From a program: its library is changed although it is not open.
    let answer = editor.at("rename", &a, find(&one, "bump"), json!({ "newName": "hill" })).unwrap();
    assert_eq!(edited(library, &answer["changes"][&uri]), library.replace("bump", "hill"));
    assert_eq!(edited(&one, &answer["changes"][&a]), one.replace("bump", "hill"));
    assert_eq!(edited(&two, &answer["changes"][&b]), two.replace("bump", "hill"));
    // From the library: the programs that are open.
    editor.open("lib.snn", library);
    let answer = editor.at("rename", &uri, find(library, "bump"), json!({ "newName": "hill" })).unwrap();
    assert_eq!(edited(&two, &answer["changes"][&b]), two.replace("bump", "hill"));
    let error = editor.at("rename", &uri, find(library, "bump"), json!({ "newName": "nu" })).expect_err("it is taken");
    contains(error["message"].as_str().unwrap(), &["cannot be renamed to `nu`"]);
    editor.bye();
}

#[test]
fn formatting_is_that_of_the_command() {
    let mut editor = Editor::new();
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let untidy =
        PROGRAM.replace(" = ", "=").replace("  ", "     ").replace("residual heat ", "residual    heat  # 🙂\n ");
    for (name, text) in [("a.snn", untidy.as_str()), ("b.snn", PROGRAM), ("c.snn", CELLS), ("d.snn", "# only this  ")] {
        editor.put(name, text);
        let uri = editor.open(name, text);
        let params = json!({ "textDocument": { "uri": uri }, "options": options });
        let edits = editor.ask("textDocument/formatting", params).expect("an answer");
        let command = Command::new(assert_cmd::cargo::cargo_bin("snnc"))
            .args(["fmt", "--stdout"])
            .arg(editor.path(name))
            .output()
            .expect("runs");
        assert!(command.status.success());
        assert_eq!(edited(text, &edits), String::from_utf8(command.stdout).unwrap(), "{name}");
    }
    // A program with mistakes is left as it is.
    let uri = editor.open("e.snn", "network u(x {\n");
    let params = json!({ "textDocument": { "uri": uri }, "options": options });
    assert_eq!(editor.ask("textDocument/formatting", params), Ok(Value::Null));
    editor.bye();
}

#[test]
fn the_outline_of_a_file() {
    let mut editor = Editor::new();
    let uri = editor.open("a.snn", PROGRAM);
    let params = json!({ "textDocument": { "uri": uri } });
    let outline = editor.ask("textDocument/documentSymbol", params.clone()).unwrap();
    let mut shown = vec![];
    for item in outline.as_array().unwrap() {
        let held = item["children"].as_array().into_iter().flatten();
        let held: Vec<&str> = held.map(|c| c["name"].as_str().unwrap()).collect();
        shown.push(format!("{}: {}", item["name"].as_str().unwrap(), held.join(" ")));
    }
    assert_eq!(
        shown,
        [
            "tau: ",
            "nu: ",
            "start: ",
            "domain: x t",
            "u: h",
            "heat: ",
            "start: ",
            "ends: ",
            "exact u: ",
            "train: grow",
            "report: l2"
        ]
    );
    assert_eq!(outline[5]["detail"], "a residual on interior");
    assert_eq!(covered(PROGRAM, &outline[4]["selectionRange"]), "u");
    assert!(covered(PROGRAM, &outline[4]["range"]).ends_with('}'));
    editor.bye();
    // An editor that knows no trees.
    let mut editor = Editor::mute();
    editor.greet(json!({}));
    let uri = editor.open("a.snn", PROGRAM);
    let list = editor.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } })).unwrap();
    let h = list.as_array().unwrap().iter().find(|s| s["name"] == "h").expect("h");
    assert_eq!(
        (&h["containerName"], covered(PROGRAM, &h["location"]["range"])),
        (&json!("u"), "layer h = tuned(x, t, 24) |> lif(tau = tau)")
    );
    editor.bye();
}
