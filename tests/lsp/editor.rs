//! An editor, as far as `snnc lsp` can tell: it starts the binary and speaks the protocol over its pipes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// A server that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Editor {
    child: Child,
    input: Option<ChildStdin>,
    received: Receiver<Value>,
    /// What is shown in each file: the version, and the messages.
    shown: BTreeMap<String, (Value, Vec<Value>)>,
    /// Requests of the server; each was answered.
    pub asked_of_us: Vec<Value>,
    id: i64,
    pub folder: tempfile::TempDir,
}

/// One message of a stream, or its end.
fn read(stream: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            header => {
                if let Some(n) = header.strip_prefix("Content-Length: ") {
                    length = n.parse().expect("a length");
                }
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("the server writes JSON"))
}

impl Editor {
    /// A server that was not greeted yet.
    pub fn mute() -> Editor {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("snnc"))
            .args(["lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary is built");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, received) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take();
        let folder = tempfile::tempdir().expect("a temporary folder");
        Editor { child, input, received, shown: BTreeMap::new(), asked_of_us: vec![], id: 0, folder }
    }

    /// A server that was greeted by an editor that can do much.
    pub fn new() -> Editor {
        let mut editor = Editor::mute();
        let capabilities = json!({
            "textDocument": { "documentSymbol": { "hierarchicalDocumentSymbolSupport": true } },
            "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } },
        });
        editor.greet(capabilities);
        editor
    }

    /// What the server says it can do.
    pub fn greet(&mut self, capabilities: Value) -> Value {
        let params = json!({ "processId": null, "rootUri": null, "capabilities": capabilities });
        let answer = self.ask("initialize", params).expect("an answer");
        self.tell("initialized", json!({}));
        answer
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("it was not closed");
        input.write_all(bytes).and_then(|()| input.flush()).expect("the server listens");
    }

    fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = "2.0".into();
        let body = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub fn tell(&mut self, method: &str, params: Value) {
        self.send(json!({ "method": method, "params": params }));
    }

    fn next(&mut self) -> Value {
        let message = self.received.recv_timeout(PATIENCE).expect("the server answers");
        if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
            let answer = json!({ "id": id, "result": null });
            self.asked_of_us.push(message);
            self.send(answer);
            return self.next();
        }
        message
    }

    /// The result, or the error.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.id += 1;
        let id = self.id;
        self.send(json!({ "id": id, "method": method, "params": params }));
        loop {
            let message = self.next();
            if message.get("id").is_none() {
                self.note(message);
                continue;
            }
            assert_eq!(message["id"], id, "answers come in order");
            return match message.get("error") {
                Some(error) => Err(error.clone()),
                None => Ok(message.get("result").cloned().unwrap_or(Value::Null)),
            };
        }
    }

    fn note(&mut self, message: Value) {
        let (method, params) = (&message["method"], &message["params"]);
        assert_eq!(method, "textDocument/publishDiagnostics", "{message}");
        let list = params["diagnostics"].as_array().expect("a list").clone();
        self.shown.insert(params["uri"].as_str().expect("a URI").to_string(), (params["version"].clone(), list));
    }

    /// What is shown in a file of this version.
    pub fn diagnostics(&mut self, uri: &str, version: i64) -> Vec<Value> {
        self.until(uri, version, |_| true)
    }

    /// The same, once it is so many messages.
    pub fn shows(&mut self, uri: &str, version: i64, count: usize) -> Vec<Value> {
        self.until(uri, version, |all| all.len() == count)
    }

    fn until(&mut self, uri: &str, version: i64, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            if let Some((v, all)) = self.shown.get(uri)
                && *v == version
                && done(all)
            {
                return all.clone();
            }
            let message = self.next();
            self.note(message);
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn uri(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    /// Writes a file to the disk.
    pub fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writes");
        fs::write(path, text).expect("writes");
    }

    /// Opens a text under a name, as version 1. The disk need not have it.
    pub fn open(&mut self, name: &str, text: &str) -> String {
        let uri = self.uri(name);
        let document = json!({ "uri": uri, "languageId": "snn", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        uri
    }

    /// Replaces all of a text.
    pub fn replace(&mut self, uri: &str, version: i64, text: &str) {
        self.change(uri, version, json!({ "text": text }));
    }

    pub fn change(&mut self, uri: &str, version: i64, change: Value) {
        let document = json!({ "uri": uri, "version": version });
        self.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
    }

    /// Asks about a place, with more parameters.
    pub fn at(&mut self, method: &str, uri: &str, place: Value, more: Value) -> Result<Value, Value> {
        let mut params = json!({ "textDocument": { "uri": uri }, "position": place });
        for (key, value) in more.as_object().into_iter().flatten() {
            params[key] = value.clone();
        }
        self.ask(&format!("textDocument/{method}"), params)
    }

    /// What is shown when the mouse rests at a place.
    pub fn hover(&mut self, uri: &str, place: Value) -> String {
        let answer = self.at("hover", uri, place, json!({})).expect("an answer");
        answer["contents"]["value"].as_str().unwrap_or_default().to_string()
    }

    /// The words that are offered at a place.
    pub fn offered(&mut self, uri: &str, place: Value) -> Vec<String> {
        let answer = self.at("completion", uri, place, json!({})).expect("an answer");
        let items = answer.as_array().expect("a list").iter();
        items.map(|i| i["label"].as_str().expect("a label").to_string()).collect()
    }

    /// Closes the pipe and waits; exit code and what was said on the error stream.
    pub fn hang_up(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let status = self.child.wait().expect("it ends");
        let mut said = String::new();
        self.child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
        (status.code(), said)
    }

    /// Says goodbye as an editor does. A server that had nothing to complain of ends with 0 and was silent.
    pub fn bye(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null), Ok(Value::Null));
        self.tell("exit", Value::Null);
        assert_eq!(self.hang_up(), (Some(0), String::new()));
    }
}

/// Where the `n`th occurrence of a piece begins, counted as the protocol does: columns in UTF-16 code units.
pub fn nth(text: &str, piece: &str, n: usize) -> Value {
    let (offset, _) = text.match_indices(piece).nth(n).unwrap_or_else(|| panic!("`{piece}` stands in the text"));
    position(text, offset)
}

pub fn find(text: &str, piece: &str) -> Value {
    nth(text, piece, 0)
}

pub fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().expect("a line").encode_utf16().count();
    json!({ "line": line, "character": column })
}

/// The place marked by `¦`, and the text without the mark.
pub fn marked(text: &str) -> (String, Value) {
    let offset = text.find('¦').expect("a mark");
    let text = text.replacen('¦', "", 1);
    let place = position(&text, offset);
    (text, place)
}

/// The text that a range covers.
pub fn covered<'t>(text: &'t str, range: &Value) -> &'t str {
    &text[offset(text, &range["start"])..offset(text, &range["end"])]
}

fn offset(text: &str, place: &Value) -> usize {
    let (line, column) = (place["line"].as_u64().expect("a line"), place["character"].as_u64().expect("a column"));
    let start: usize = text.split_inclusive('\n').take(line as usize).map(str::len).sum();
    let mut units = 0;
    for (i, c) in text[start..].char_indices() {
        if units >= column {
            return start + i;
        }
        units += c.len_utf16() as u64;
    }
    text.len()
}

/// The text after edits that do not overlap.
pub fn edited(text: &str, edits: &Value) -> String {
    let mut edits = edits.as_array().expect("a list").clone();
    edits.sort_by_key(|e| offset(text, &e["range"]["start"]));
    let mut out = text.to_string();
    for e in edits.iter().rev() {
        let (start, end) = (offset(text, &e["range"]["start"]), offset(text, &e["range"]["end"]));
        out.replace_range(start..end, e["newText"].as_str().expect("a text"));
    }
    out
}
