//! `import "neurons.snn"`: the items of another file, put where the import stands.
//!
//! ```text
//! lib/neurons.snn:  const tau = 20   neuron slow { … }      import "lib/neurons.snn"  ->  both, as if written here
//! ```
//!
//! A path is relative to the file that it is written in, and stays below the program's folder. A file that several others
//! import is read once. Data files that an imported file names are looked for beside that file. Every item keeps its place,
//! so that a mistake in an imported file is shown there; [`say_where_from`] adds by which import it came in.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Sink, imports as say};
use crate::source::{FileId, Files, MOST_TEXT, Sources, Span};
use crate::syntax::ast::{ExactValue, File, Import, Item, Place, ReportStmt, Text};
use crate::syntax::parse::parse;
use crate::syntax::parse::scan::tokens;

/// Files that may be open at once, one imported by the other.
const MAX_DEPTH: usize = 64;
/// Items of a program with all that it imports.
const MOST_ITEMS: usize = 4000;
/// Files that a program may import in all.
const MOST_FILES: usize = 256;

struct Loader<'l> {
    sources: &'l mut Sources,
    files: &'l dyn Files,
    /// Where each file was imported first, by its path from the program's folder.
    seen: BTreeMap<String, Span>,
    /// The paths of the files being read, the program first.
    open: Vec<String>,
    out: Vec<Item>,
    /// Bytes of all files that were read.
    bytes: usize,
    /// One of the files has a quantity in it, so that all of them are checked for their dimensions.
    units: bool,
}

/// The program with everything that it imports. What cannot be imported is said in `sink`.
pub fn load(file: &File, sources: &mut Sources, files: &dyn Files, sink: &mut Sink) -> File {
    let name = file.items.first().map_or(FileId::default(), |i| i.span().file);
    let name = sources.get(name).name.rsplit('/').next().unwrap_or_default().to_string();
    let mut loader =
        Loader { sources, files, seen: BTreeMap::new(), open: vec![name], out: vec![], bytes: 0, units: file.units };
    loader.items(file.items.clone(), "", sink);
    File { items: loader.out, units: loader.units }
}

impl Loader<'_> {
    /// The items of a file in `folder`, which is empty or ends in `/`.
    fn items(&mut self, items: Vec<Item>, folder: &str, sink: &mut Sink) {
        for mut item in items {
            beside(&mut item, folder, self.files.leads_out());
            let import = match &item {
                Item::Import(import) => Some(import.clone()),
                _ => None,
            };
            self.out.push(item);
            if let Some(import) = import {
                self.import(&import, folder, sink);
            }
        }
    }

    /// The text of a file, or why it cannot be had.
    fn read(&mut self, path: &str) -> Result<String, String> {
        if self.open.len() >= MAX_DEPTH {
            return Err("too many files import one another".to_string());
        }
        if self.seen.len() > MOST_FILES {
            return Err(format!("a program imports at most {MOST_FILES} files"));
        }
        let bytes = self.files.read(path)?;
        self.bytes += bytes.len();
        if self.bytes > MOST_TEXT {
            return Err(format!("with it, all imports have more than {MOST_TEXT} bytes"));
        }
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_string())
    }

    fn import(&mut self, import: &Import, folder: &str, sink: &mut Sink) {
        let Text { text, span } = &import.path;
        let Some(path) = below(folder, text).or_else(|| self.files.leads_out().then(|| beyond(folder, text))) else {
            sink.push(say::outside_import(*span, text));
            return;
        };
        if let Some(from) = self.open.iter().position(|open| *open == path) {
            let mut chain = self.open[from..].to_vec();
            chain.push(path);
            sink.push(say::import_cycle(*span, &chain));
            return;
        }
        if let Some(first) = self.seen.get(&path) {
            // Two files may need the same third one; the same file twice in one is a slip.
            if first.file == span.file {
                sink.push(say::repeated_import(*span, text, *first));
            }
            return;
        }
        self.seen.insert(path.clone(), *span);
        let text_of_file = match self.read(&path) {
            Ok(text) => text,
            Err(why) => {
                sink.push(say::unreadable_import(*span, text, &path, &why));
                return;
            }
        };
        let id = self.sources.add_imported(path.clone(), text_of_file.clone(), *span);
        let Some(file) = parse(&text_of_file, id, sink) else { return };
        if self.out.len() + file.items.len() > MOST_ITEMS {
            let why = format!("with it, the program has more than {MOST_ITEMS} items");
            sink.push(say::unreadable_import(*span, text, &path, &why));
            return;
        }
        self.units |= file.units;
        let folder = path.rfind('/').map_or(String::new(), |i| path[..=i].to_string());
        self.open.push(path);
        self.items(file.items, &folder, sink);
        self.open.pop();
    }
}

/// A path that leads out of the program's folder, from there on.
fn beyond(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    if path.starts_with('/') {
        return path.to_string();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A path from the program's folder, without `.` and `..`; `None` if it leads out.
fn below(folder: &str, path: &str) -> Option<String> {
    if path.starts_with(['/', '\\']) || path.contains(['\\', ':']) {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Data files are looked for beside the file that names them.
fn beside(item: &mut Item, folder: &str, leads_out: bool) {
    if folder.is_empty() {
        return;
    }
    let put = |path: &mut Text| {
        if let Some(real) = below(folder, &path.text).or_else(|| leads_out.then(|| beyond(folder, &path.text))) {
            path.text = real;
        }
    };
    match item {
        Item::Residual(r) => {
            if let Place::Data(path) = &mut r.place {
                put(path);
            }
        }
        Item::Exact(e) => {
            if let ExactValue::File(path) = &mut e.value {
                put(path);
            }
        }
        Item::Report(r) => {
            for stmt in &mut r.body {
                if let ReportStmt::Metric { place: Some((Place::Data(path), _)), .. } = stmt {
                    put(path);
                }
            }
        }
        _ => {}
    }
}

/// Warns of imports that give nothing to the program: no other file has a word of what they declare. A file that holds more
/// than declarations is used by being there.
pub fn warn_unused(file: &File, sources: &Sources, sink: &mut Sink) {
    let home = FileId::default();
    for (i, item) in file.items.iter().enumerate() {
        let Item::Import(import) = item else { continue };
        if import.span.file != home {
            continue;
        }
        // Until the next item of the program: all of what came in, by other imports too. Where nothing came in, the file
        // was there already.
        let inside: Vec<&Item> = file.items[i + 1..].iter().take_while(|o| o.span().file != home).collect();
        let ids: BTreeSet<FileId> = inside.iter().map(|o| o.span().file).collect();
        let outside = file.items.iter().map(|o| o.span().file).filter(|f| !ids.contains(f)).collect::<BTreeSet<_>>();
        let words: BTreeSet<&str> =
            outside.iter().flat_map(|f| tokens(&sources.get(*f).text)).map(|t| t.text).collect();
        let used = |item: &&Item| match item {
            Item::Const(c) => words.contains(c.name.text.as_str()),
            Item::Fn(f) => words.contains(f.name.text.as_str()),
            Item::Neuron(n) => words.contains(n.name.text.as_str()),
            Item::Network(n) => words.contains(n.name.text.as_str()),
            Item::Unknown(u) => words.contains(u.name.text.as_str()),
            Item::Function(f) => words.contains(f.name.text.as_str()),
            Item::Import(_) | Item::Allow(_) => false,
            _ => true,
        };
        if !inside.is_empty() && !inside.iter().any(used) {
            sink.push(say::unused_import(import.path.span, &import.path.text));
        }
    }
}

/// Adds to every message about an imported file by which import it came in.
pub fn say_where_from(sources: &Sources, sink: &mut Sink) {
    for m in sink.messages_mut() {
        let from = sources.get(m.span().file).imported;
        if let Some(from) = from.filter(|f| m.labels.iter().all(|l| l.span != *f)) {
            let name = &sources.get(m.span().file).name;
            m.labels.push(crate::diag::Label { span: from, text: format!("`{name}` is imported here") });
        }
    }
}
