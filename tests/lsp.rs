//! The language server as an editor meets it: the binary, its pipes, the protocol.

#[path = "lsp/changes.rs"]
mod changes;
#[path = "lsp/editor.rs"]
mod editor;
#[path = "lsp/files.rs"]
mod files;

use editor::{Editor, covered, edited, find, marked, nth};
use serde_json::{Value, json};

/// A program without mistakes. What is before `nu` on its line is not ASCII.
const PROGRAM: &str = "\
# The heat equation.
const tau = 20   # a time constant, in steps
unknown nu = 0.5 in 0.01 .. 1
fn start(x) = sin(pi*x)

domain { x in 0 .. 1  t in 0 .. 2 }

network u(x, t) {
  steps 16
  layer h = tuned(x, t, 24) |> lif(tau = tau)
  output  = h |> ema(tau = tau) |> mean |> dense(1)
}

residual heat  on interior       : d(u, t) = nu*d(u, x, x)
residual start on t = 0          : u = start(x)
residual ends  on x = 0, x = 1   : u = 0

exact u = exp(-0.1*pi^2*t)*start(x)

train {
  phase grow {
    perturb neurons(h) pool 200
    update pursuit(ridge = 1e-6)
  }
}

report {
  metric l2 = relative_l2(u) on grid(x = 11, t = 11)
  expect l2 < 0.02
  plot heatmap(u), raster(h)
}
";

/// A simulation, with quantities.
const CELLS: &str = "\
neuron cell(tau = 20ms, EL = -49mV) {
  input i : mV
  state v = EL
  flow v' = (EL - v + i) / tau
  spike when v >= -50mV
  reset v = -60mV
}

simulate {
  duration 10ms
  dt 0.1ms
  population exc = cell(8) with v = uniform(-60mV, -50mV)
  connect exc -> exc probability 0.5 weight 1.5mV tau 5ms
  record v of exc[0], spikes of exc
}
";

/// Labels that are among others.
#[track_caller]
fn offers(all: &[String], wanted: &[&str]) {
    for w in wanted {
        assert!(all.iter().any(|a| a == w), "`{w}` is not among {all:?}");
    }
}

#[track_caller]
fn contains(text: &str, pieces: &[&str]) {
    for p in pieces {
        assert!(text.contains(p), "no `{p}` in:\n{text}");
    }
}

// ---- the conversation ----

#[test]
fn it_says_what_it_can_do_and_ends_when_told() {
    let mut editor = Editor::mute();
    let greeting = editor.greet(json!({}));
    assert_eq!(greeting["serverInfo"]["name"], "snnc");
    let able = &greeting["capabilities"];
    for what in [
        "hoverProvider",
        "definitionProvider",
        "referencesProvider",
        "documentHighlightProvider",
        "documentSymbolProvider",
        "documentFormattingProvider",
    ] {
        assert_eq!(able[what], true, "{what}");
    }
    assert_eq!(able["renameProvider"]["prepareProvider"], true);
    assert_eq!(able["textDocumentSync"]["change"], 2);
    assert!(able["completionProvider"].is_object());
    assert!(editor.asked_of_us.is_empty(), "an editor that cannot watch files is not asked to");
    editor.bye();
}

#[test]
fn it_asks_to_be_told_of_files() {
    let mut editor = Editor::new();
    editor.open("a.snn", PROGRAM);
    let uri = editor.uri("a.snn");
    editor.diagnostics(&uri, 1);
    let asked = &editor.asked_of_us[0]["params"]["registrations"][0];
    assert_eq!(asked["method"], "workspace/didChangeWatchedFiles");
    editor.bye();
}

#[test]
fn exit_codes_tell_how_it_ended() {
    // `exit` without `shutdown`.
    let mut editor = Editor::new();
    editor.tell("exit", Value::Null);
    assert_eq!(editor.hang_up().0, Some(1));
    // Nobody there any more.
    assert_eq!(Editor::new().hang_up().0, Some(1));
    assert_eq!(Editor::mute().hang_up().0, Some(1));
    // Not the protocol.
    for greeted in [true, false] {
        let mut editor = if greeted { Editor::new() } else { Editor::mute() };
        editor.write(b"hello\r\n\r\n");
        let (code, said) = editor.hang_up();
        assert_eq!(code, Some(2), "{said}");
        contains(&said, &["the editor cannot be talked to"]);
    }
    // After `shutdown` there are no more answers.
    let mut editor = Editor::new();
    editor.ask("shutdown", Value::Null).expect("an answer");
    let uri = editor.uri("a.snn");
    let error = editor.at("hover", &uri, json!({ "line": 0, "character": 0 }), json!({})).expect_err("an error");
    assert_eq!(error["code"], -32600);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.hang_up().0, Some(0));
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_else() {
    let mut editor = Editor::mute();
    assert_eq!(editor.ask("textDocument/hover", json!({})).expect_err("too early")["code"], -32002);
    editor.greet(json!({}));
    assert_eq!(editor.ask("textDocument/hover", json!({ "position": 3 })).expect_err("no place")["code"], -32602);
    assert_eq!(editor.ask("textDocument/moniker", json!({})).expect_err("not known")["code"], -32601);
    editor.tell("textDocument/didChange", json!([1, 2]));
    editor.tell("$/setTrace", json!({ "value": "off" }));
    // A file that is not open, a change of it, and places that are not in the text.
    let nowhere = editor.uri("nowhere.snn");
    editor.replace(&nowhere, 2, "const a = 1\n");
    assert_eq!(editor.at("hover", &nowhere, json!({ "line": 0, "character": 6 }), json!({})), Ok(Value::Null));
    let uri = editor.open("a.snn", PROGRAM);
    for place in [json!({ "line": 9999, "character": 0 }), json!({ "line": 3, "character": 9999 })] {
        for method in ["hover", "definition", "completion", "documentHighlight"] {
            editor.at(method, &uri, place.clone(), json!({})).expect("an answer");
        }
    }
    let start = json!({ "line": 900, "character": 9 });
    let backwards = json!({ "range": { "start": start, "end": { "line": 0, "character": 0 } }, "text": PROGRAM });
    editor.change(&uri, 2, backwards);
    assert_eq!(editor.diagnostics(&uri, 2), [] as [Value; 0]);
    editor.bye();
}

// ---- messages ----

#[test]
fn mistakes_are_shown_and_go_when_mended() {
    let mut editor = Editor::new();
    let text = PROGRAM.replacen("lif(tau", "lfi(tau", 1);
    let uri = editor.open("a.snn", &text);
    let shown = editor.diagnostics(&uri, 1);
    assert_eq!(shown.len(), 1, "{shown:?}");
    let d = &shown[0];
    assert_eq!(covered(&text, &d["range"]), "lfi");
    assert_eq!((&d["severity"], &d["source"]), (&json!(1), &json!("snnc")));
    assert!(d["code"].as_str().is_some_and(|c| c.starts_with("SNN")), "{d}");
    contains(d["message"].as_str().unwrap(), &["lfi", "help: did you mean `lif`?"]);
    // One letter is put in, one taken away.
    let at = find(&text, "fi(tau");
    let end = json!({ "line": at["line"], "character": at["character"].as_u64().unwrap() + 2 });
    editor.change(&uri, 2, json!({ "range": { "start": at, "end": end }, "text": "if" }));
    assert_eq!(editor.diagnostics(&uri, 2), [] as [Value; 0]);
    // What points at two places, and a warning.
    let text = PROGRAM.replacen("domain", "const tau = 3\nconst spare = 2\ndomain", 1);
    editor.replace(&uri, 3, &text);
    let shown = editor.diagnostics(&uri, 3);
    let twice = shown.iter().find(|d| d["code"] == "SNN0202").expect("a name declared twice");
    let other = &twice["relatedInformation"][0]["location"];
    assert_eq!((covered(&text, &other["range"]), &other["uri"]), ("tau", &json!(uri)));
    // When it is closed nothing is left to be shown.
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    editor.bye();
}

#[test]
fn warnings_are_warnings() {
    let mut editor = Editor::new();
    let text = PROGRAM.replacen("domain", "const spare = 2\ndomain", 1);
    let uri = editor.open("a.snn", &text);
    let shown = editor.diagnostics(&uri, 1);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!((&shown[0]["severity"], &shown[0]["code"]), (&json!(2), &json!("SNN0209")));
    assert_eq!(shown[0]["tags"], json!([1]));
    editor.bye();
}

#[test]
fn columns_are_utf16() {
    let mut editor = Editor::new();
    // Two bytes and one unit; four bytes and two units.
    let text = "# µ\nneuron n { input i  state v = 0  flow v' = i - v }   # 🙂 slow\nconst x = \"🙂\" + wrong\n";
    let uri = editor.open("lib.snn", text);
    let shown = editor.diagnostics(&uri, 1);
    assert!(!shown.is_empty());
    assert!(shown.iter().all(|d| d["range"]["start"]["line"] == 2), "{shown:?}");
    let text = "fn f(a) = a  # 🙂\nconst k = 2  const µs = 1\n";
    editor.replace(&uri, 2, text);
    editor.diagnostics(&uri, 2);
    let text = "const a = f(\"🙂🙂\", b) const b = 1\nfn f(x, y) = y\n";
    editor.replace(&uri, 3, text);
    editor.diagnostics(&uri, 3);
    // The second `b` stands behind four units that are eight bytes.
    let places = editor.at("documentHighlight", &uri, find(text, "b)"), json!({})).unwrap();
    let places: Vec<&Value> = places.as_array().unwrap().iter().map(|p| &p["range"]["start"]).collect();
    assert_eq!(places, [&find(text, "b)"), &find(text, "b = 1")]);
    assert_eq!(find(text, "b)")["character"], 20);
    editor.bye();
}

#[test]
fn a_library_is_not_a_program() {
    let mut editor = Editor::new();
    let uri = editor.open("lib.snn", "const tau = 20\nfn sq(x) = x^2\n");
    assert_eq!(editor.diagnostics(&uri, 1), [] as [Value; 0]);
    editor.replace(&uri, 2, "const tau = 20 +\nfn sq(x) = x^2\n");
    assert_eq!(editor.diagnostics(&uri, 2).len(), 1);
    // With a network it is a program, which lacks the rest.
    editor.replace(&uri, 3, "network u(x) {\n  output = tuned(x, 8) |> lif |> mean |> dense(1)\n}\n");
    assert!(!editor.diagnostics(&uri, 3).is_empty());
    editor.bye();
}

#[test]
fn mistakes_of_imported_files_are_shown_where_they_are_seen() {
    let mut editor = Editor::new();
    let program = PROGRAM.replacen("fn start(x) = sin(pi*x)", "import \"lib/start.snn\"", 1);
    editor.put("lib/start.snn", "fn start(x) = sin(p*x)\n");
    let uri = editor.open("a.snn", &program);
    // The file is not open: at the import, with the place beside it.
    let shown = editor.diagnostics(&uri, 1);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(covered(&program, &shown[0]["range"]).contains("lib/start.snn"));
    contains(shown[0]["message"].as_str().unwrap(), &["lib/start.snn:1:19: there is no `p` here"]);
    let library = editor.uri("lib/start.snn");
    assert_eq!(shown[0]["relatedInformation"][0]["location"]["uri"], json!(library));
    // Opened, it has the message itself.
    let text = "fn start(x) = sin(p*x)\n";
    editor.open("lib/start.snn", text);
    let shown = editor.shows(&library, 1, 1);
    assert_eq!(covered(text, &shown[0]["range"]), "p");
    editor.shows(&uri, 1, 0);
    // Mended in the editor, not on the disk.
    editor.replace(&library, 2, "fn start(x) = sin(pi*x)\n");
    editor.shows(&library, 2, 0);
    // Closed, the disk counts again.
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": library } }));
    editor.shows(&uri, 1, 1);
    // Mended on the disk, and the editor tells.
    editor.put("lib/start.snn", "fn start(x) = sin(pi*x)\n");
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": library, "type": 2 }] }));
    editor.shows(&uri, 1, 0);
    editor.bye();
}

#[test]
fn a_text_that_was_never_saved_reads_no_files() {
    let mut editor = Editor::new();
    let text = "import \"Cargo.toml\"\n";
    let document = json!({ "uri": "untitled:Untitled-1", "languageId": "snn", "version": 1, "text": text });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
    let shown = editor.diagnostics("untitled:Untitled-1", 1);
    assert!(shown.iter().any(|d| d["message"].as_str().unwrap().contains("not saved yet")), "{shown:?}");
    editor.bye();
}

// ---- questions ----

#[test]
fn hover_tells_what_a_name_is() {
    let mut editor = Editor::new();
    let uri = editor.open("a.snn", PROGRAM);
    let mut hover = |place: Value| editor.hover(&uri, place);
    contains(
        &hover(find(PROGRAM, "h = tuned")),
        &["layer h = tuned(x, t, 24)", "signal of 24 values", "`lif` neurons"],
    );
    contains(&hover(find(PROGRAM, "h |> ema")), &["signal of 24 values"]);
    contains(&hover(find(PROGRAM, "neurons(h)").clone()), &["perturb neurons(LAYER)"]);
    contains(&hover(find(PROGRAM, "t in 0")), &["a coordinate from 0 to 2"]);
    contains(&hover(find(PROGRAM, "t) = nu")), &["a coordinate from 0 to 2"]);
    contains(&hover(find(PROGRAM, "nu*d")), &["an unknown: starts at 0.5, kept within 0.01 .. 1"]);
    contains(&hover(find(PROGRAM, "tau) |> mean")), &["a constant: 20", "a time constant, in steps"]);
    contains(&hover(find(PROGRAM, "lif(")), &["a neuron of the prelude", "neuron lif("]);
    contains(&hover(find(PROGRAM, "tuned(")), &["tuning curves"]);
    contains(&hover(find(PROGRAM, "ema(")), &["exponentially weighted"]);
    contains(&hover(find(PROGRAM, "|> mean")), &["24 values"]);
    contains(&hover(find(PROGRAM, "tau = tau) |> mean")), &["an argument of `ema`"]);
    contains(&hover(find(PROGRAM, "tau = tau)\n")), &["tau = 2", "a parameter of `lif`"]);
    contains(&hover(find(PROGRAM, "pursuit(")), &["Keeps the best candidates"]);
    contains(&hover(find(PROGRAM, "heat  on")), &["a residual: by "]);
    contains(&hover(find(PROGRAM, "u(x, t) {")), &["a field over x, t", "16 steps", "- `h`: signal of 24 values"]);
    contains(&hover(find(PROGRAM, "start(x) = sin")), &["fn start(x) = sin(pi*x)"]);
    assert_eq!(hover(find(PROGRAM, "\ndomain")), "", "nothing stands there");
    editor.bye();
}

#[test]
fn hover_tells_dimensions() {
    let mut editor = Editor::new();
    let uri = editor.open("a.snn", CELLS);
    let mut hover = |place: Value| editor.hover(&uri, place);
    contains(&hover(find(CELLS, "20ms")), &["20ms", "a time"]);
    contains(&hover(find(CELLS, "tau = 20ms")), &["a parameter", "20ms", "a time"]);
    contains(&hover(find(CELLS, "v' = ")), &["a state, a voltage", "integrated"]);
    contains(&hover(find(CELLS, "i : mV")), &["the input", "a voltage"]);
    contains(&hover(find(CELLS, "cell(8)")), &["a neuron", "emits its spikes", "- state `v`", "a voltage"]);
    contains(&hover(find(CELLS, "+ i)")), &["EL - v + i", "a voltage"]);
    contains(&hover(find(CELLS, " / tau")), &["(EL - v + i) / tau", "mV/ms"]);
    contains(&hover(find(CELLS, "exc -> ")), &["a population"]);
    contains(&hover(find(CELLS, "probability")), &["Every pair with probability p."]);
    editor.bye();
}

#[test]
fn hover_over_a_mistake_shows_its_page() {
    let mut editor = Editor::new();
    let text = PROGRAM.replacen("x, x)", "x, y)", 1);
    let uri = editor.open("a.snn", &text);
    let shown = editor.diagnostics(&uri, 1);
    let code = shown[0]["code"].as_str().unwrap();
    let told = editor.hover(&uri, shown[0]["range"]["start"].clone());
    contains(&told, &[code, "snnc explain"]);
    editor.bye();
}

#[test]
fn definitions_and_references() {
    let mut editor = Editor::new();
    editor.put("lib/start.snn", "# A bump.\nfn start(x) = sin(pi*x)\n");
    let text = PROGRAM.replacen("fn start(x) = sin(pi*x)", "import \"lib/start.snn\"", 1);
    let uri = editor.open("a.snn", &text);
    let go = |editor: &mut Editor, place: Value| editor.at("definition", &uri, place, json!({})).expect("an answer");
    let there = go(&mut editor, find(&text, "h) pool"));
    assert_eq!((&there["uri"], &there["range"]["start"]), (&json!(uri), &find(&text, "h = tuned")));
    assert_eq!(go(&mut editor, find(&text, "nu*d"))["range"]["start"], find(&text, "nu = 0.5"));
    assert_eq!(go(&mut editor, find(&text, "l2 < "))["range"]["start"], find(&text, "l2 = "));
    assert_eq!(go(&mut editor, find(&text, "lif(")), Value::Null, "it comes with the language");
    // In another file, by name and by the import.
    let library = editor.uri("lib/start.snn");
    let there = go(&mut editor, find(&text, "start(x)"));
    assert_eq!((&there["uri"], &there["range"]["start"]), (&json!(library), &json!({ "line": 1, "character": 3 })));
    assert_eq!(go(&mut editor, find(&text, "lib/start"))["uri"], json!(library));
    contains(&editor.hover(&uri, find(&text, "start(x)")), &["A bump.", "from `lib/start.snn`"]);
    // The name of a residual is another name.
    let used =
        editor.at("references", &uri, find(&text, "start(x)"), json!({ "context": { "includeDeclaration": true } }));
    let used = used.unwrap();
    assert_eq!(used.as_array().unwrap().len(), 3, "{used}");
    let used =
        editor.at("references", &uri, find(&text, "start(x)"), json!({ "context": { "includeDeclaration": false } }));
    let used = used.unwrap();
    let places: Vec<&Value> = used.as_array().unwrap().iter().map(|l| &l["range"]["start"]).collect();
    assert_eq!(places, [&nth(&text, "start(x)", 0), &nth(&text, "start(x)", 1)]);
    editor.bye();
}

#[test]
fn completion_offers_what_may_stand_there() {
    let mut editor = Editor::new();
    let uri = editor.open("a.snn", "");
    let mut version = 1;
    let mut at = |editor: &mut Editor, before: &str, cut: &str, typed: &str| {
        // What stands behind `before` is cut away up to the end of `cut`, and something is being typed instead.
        let (text, place) = marked(&before.replacen(cut, &format!("{typed}¦"), 1));
        version += 1;
        editor.replace(&uri, version, &text);
        editor.offered(&uri, place)
    };
    let got = at(&mut editor, PROGRAM, "lif(tau = tau)", "li");
    offers(&got, &["lif", "alif", "adex", "dense", "mean", "tanh"]);
    assert!(!got.contains(&"network".to_string()), "{got:?}");
    offers(&at(&mut editor, PROGRAM, "tau = tau)", ""), &["tau = "].map(|s| &s[..3]));
    offers(
        &at(&mut editor, PROGRAM, "d(u, t) = nu*d(u, x, x)", "d(u, x) = "),
        &["nu", "start", "tau", "u", "x", "sin", "pi", "lap"],
    );
    offers(&at(&mut editor, PROGRAM, "h |> ema", ""), &["h", "x", "t", "tuned", "concat", "tau"]);
    offers(&at(&mut editor, PROGRAM, "interior", ""), &["interior", "domain", "grid", "x", "t"]);
    offers(&at(&mut editor, PROGRAM, "= nu*d(u, x, x)", "= 0 by "), &["jet", "weak", "stencil", "smoothing"]);
    offers(&at(&mut editor, PROGRAM, "= nu*d(u, x, x)", "= 0 "), &["by", "weight", "points", "sample", "causal"]);
    offers(
        &at(&mut editor, PROGRAM, "perturb neurons(h) pool 200", ""),
        &["perturb", "estimate", "update", "steps", "stop"],
    );
    offers(
        &at(&mut editor, PROGRAM, "neurons(h) pool 200", ""),
        &["neurons", "gaussian", "rademacher", "sphere", "orthogonal", "rank", "coordinate"],
    );
    assert_eq!(at(&mut editor, PROGRAM, "h) pool 200", ""), ["h"]);
    offers(&at(&mut editor, PROGRAM, "l2 < 0.02", ""), &["l2"]);
    offers(&at(&mut editor, PROGRAM, "heatmap(u), raster(h)", ""), &["heatmap", "curve", "loss", "raster"]);
    offers(
        &at(&mut editor, PROGRAM, "# The heat equation.\n", "ne"),
        &["network", "neuron", "const", "import", "allow"],
    );
    offers(&at(&mut editor, PROGRAM, "# The heat equation.", "allow("), &["SNN0209"]);
    offers(&at(&mut editor, PROGRAM, "sin(pi*x)", ""), &["x", "tau", "sin", "pi"]);
    // Nothing in comments and texts.
    assert_eq!(at(&mut editor, PROGRAM, "equation", ""), [] as [&str; 0]);
    // Units, states, populations.
    let got = at(&mut editor, CELLS, "20ms", "20m");
    offers(&got, &["ms", "mV"]);
    offers(&at(&mut editor, CELLS, "v' = (EL", "¦v' = (EL").iter().map(String::clone).collect::<Vec<_>>(), &["v"]);
    offers(&at(&mut editor, CELLS, "(EL - v + i)", "("), &["v", "i", "EL", "tau", "exp"]);
    offers(&at(&mut editor, CELLS, "-> exc", "-> "), &["exc"]);
    offers(&at(&mut editor, CELLS, "v of exc[0]", ""), &["v", "i", "spikes"]);
    offers(&at(&mut editor, CELLS, "cell(8)", ""), &["cell", "adex", "izhikevich"]);
    editor.bye();
}

#[test]
fn completion_puts_words_where_they_belong() {
    let mut editor = Editor::new();
    let (text, place) = marked(&PROGRAM.replacen("lif(tau = tau)", "li¦", 1));
    let uri = editor.open("a.snn", &text);
    let answer = editor.at("completion", &uri, place, json!({})).unwrap();
    let lif = answer.as_array().unwrap().iter().find(|i| i["label"] == "lif").expect("lif");
    assert_eq!(covered(&text, &lif["textEdit"]["range"]), "li");
    contains(&edited(&text, &json!([lif["textEdit"]])), &["|> lif\n"]);
    contains(lif["documentation"]["value"].as_str().unwrap(), &["neuron lif("]);
    // A unit does not eat the number before it.
    let (text, place) = marked(&CELLS.replacen("20ms", "20m¦", 1));
    editor.replace(&uri, 2, &text);
    let answer = editor.at("completion", &uri, place, json!({})).unwrap();
    let ms = answer.as_array().unwrap().iter().find(|i| i["label"] == "ms").expect("ms");
    assert_eq!(covered(&text, &ms["textEdit"]["range"]), "m");
    // A blank asks by itself: an answer only where one of a few words has to follow.
    let mut blank = |version: i64, cut: &str, typed: &str| {
        let (text, place) = marked(&PROGRAM.replacen(cut, &format!("{typed}¦"), 1));
        editor.replace(&uri, version, &text);
        let context = json!({ "context": { "triggerKind": 2, "triggerCharacter": " " } });
        editor.at("completion", &uri, place, context).unwrap().as_array().unwrap().len()
    };
    assert_eq!(blank(3, "neurons(h) pool", ""), 7);
    assert!(blank(4, "lif(tau = tau)", "") > 20);
    assert_eq!(blank(5, "  steps 16", "  "), 0);
    assert_eq!(blank(6, "nu*d(u, x, x)", ""), 0);
    editor.bye();
}

#[test]
fn a_program_can_be_typed() {
    let mut editor = Editor::new();
    let uri = editor.open("a.snn", "");
    let mut version = 1;
    let text: Vec<char> = PROGRAM.chars().collect();
    for (i, c) in text.iter().enumerate() {
        version += 1;
        let typed: String = text[..i].iter().collect();
        let place = editor::position(&typed, typed.len());
        editor.change(&uri, version, json!({ "range": { "start": place, "end": place }, "text": c.to_string() }));
        if i % 3 == 0 {
            let after = editor::position(PROGRAM, typed.len() + c.len_utf8());
            editor.offered(&uri, after.clone());
            editor.hover(&uri, after);
        }
    }
    assert_eq!(editor.diagnostics(&uri, version), [] as [Value; 0]);
    editor.bye();
}
