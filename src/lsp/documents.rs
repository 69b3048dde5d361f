//! The open files, as they are being written, and what is known of each.
//!
//! What an editor holds wins over what is on the disk, for the program and for all that it imports. A file that is imported by
//! another open one is part of that program: what is wrong with it is what the program's check says.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lsp_types::Uri;

use super::index::Index;
use super::text::{normal, uri_of};
use crate::check::{Options, imports};
use crate::diag::{Diagnostic, Severity, Sink};
use crate::pipeline::{Checked, Source};
use crate::source::{FileId, Files, Sources};
use crate::syntax::ast;
use crate::syntax::parse::parse_mended;

/// The disk, which only the command line may touch.
pub trait Disk {
    /// What the program of this path may read.
    fn folder(&self, program: &Path) -> Box<dyn Files>;
}

/// An open file.
pub struct Document {
    pub uri: Uri,
    pub path: PathBuf,
    pub version: i32,
    pub text: String,
    /// It, or what it reads, has changed since it was checked.
    pub stale: bool,
    /// The files it named when it was checked, there or not.
    pub reads: BTreeSet<PathBuf>,
    pub sources: Sources,
    pub messages: Vec<Diagnostic>,
    /// The program as it was checked, if it has no errors.
    pub program: Option<Checked>,
}

/// What a check came to.
struct CheckedText {
    sources: Sources,
    messages: Vec<Diagnostic>,
    program: Option<Checked>,
    reads: BTreeSet<PathBuf>,
}

#[derive(Default)]
pub struct Documents {
    open: BTreeMap<PathBuf, Document>,
}

/// A file and all that it imports, as a tree with an index: what can be known without a check.
pub struct View {
    pub path: PathBuf,
    pub sources: Sources,
    pub file: ast::File,
    pub index: Index,
}

/// Files as the editor has them, else as the disk has them.
struct Overlay<'d> {
    folder: PathBuf,
    documents: &'d Documents,
    /// Texts that come before both.
    instead: &'d BTreeMap<PathBuf, String>,
    disk: Box<dyn Files>,
    reads: RefCell<BTreeSet<PathBuf>>,
}

impl Files for Overlay<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let real = normal(&self.folder.join(path));
        self.reads.borrow_mut().insert(real.clone());
        let open = || self.documents.open.get(&real).map(|d| &d.text);
        match self.instead.get(&real).or_else(open).filter(|_| real.starts_with(&self.folder)) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => self.disk.read(path),
        }
    }
}

impl Documents {
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    pub fn all(&self) -> impl Iterator<Item = &Document> {
        self.open.values()
    }

    pub fn open(&mut self, uri: Uri, path: PathBuf, version: i32, text: String) {
        let document = Document {
            uri,
            path: path.clone(),
            version,
            text,
            stale: true,
            reads: BTreeSet::new(),
            sources: Sources::default(),
            messages: vec![],
            program: None,
        };
        self.open.insert(path.clone(), document);
        self.touch(&path);
    }

    pub fn close(&mut self, path: &Path) {
        self.open.remove(path);
        self.touch(path);
    }

    /// Changes a text by `edit`.
    pub fn change(&mut self, path: &Path, version: i32, edit: impl FnOnce(&mut String)) {
        if let Some(d) = self.open.get_mut(path) {
            edit(&mut d.text);
            d.version = version;
            d.stale = true;
            self.touch(path);
        }
    }

    /// What reads this file has to be checked again.
    pub fn touch(&mut self, path: &Path) {
        for d in self.open.values_mut().filter(|d| d.reads.contains(path)) {
            d.stale = true;
        }
    }

    pub fn any_stale(&self) -> bool {
        self.open.values().any(|d| d.stale)
    }

    /// Checks what is stale, and returns what that was. `guard` runs one check and tells if it came to an end.
    pub fn check(&mut self, disk: &dyn Disk, guard: impl Fn(&mut dyn FnMut()) -> bool) -> Vec<PathBuf> {
        let stale: Vec<PathBuf> = self.open.values().filter(|d| d.stale).map(|d| d.path.clone()).collect();
        for path in &stale {
            let mut found = None;
            guard(&mut || found = Some(self.checked(path, disk, &BTreeMap::new())));
            let Some(d) = self.open.get_mut(path) else { continue };
            d.stale = false;
            match found.flatten() {
                Some(checked) => {
                    (d.sources, d.messages, d.program, d.reads) =
                        (checked.sources, checked.messages, checked.program, checked.reads);
                }
                None => (d.messages, d.program) = (vec![], None),
            }
        }
        stale
    }

    /// Checks a file with some texts replaced by others.
    fn checked(&self, path: &Path, disk: &dyn Disk, instead: &BTreeMap<PathBuf, String>) -> Option<CheckedText> {
        let d = self.open.get(path)?;
        let files = self.overlay(path, disk, instead);
        let mut sources = Sources::default();
        let text = instead.get(path).unwrap_or(&d.text);
        let checking = Source::new(&name(path), text).check(&mut sources, &files, &Options::default());
        let reads = files.reads.into_inner();
        Some(CheckedText { sources, messages: checking.messages, program: checking.program, reads })
    }

    /// The errors that a file would have with some texts replaced by others.
    pub fn errors_with(&self, path: &Path, disk: &dyn Disk, instead: &BTreeMap<PathBuf, String>) -> Vec<Diagnostic> {
        let messages = self.checked(path, disk, instead).map_or(vec![], |c| c.messages);
        messages.into_iter().filter(|m| m.severity == Severity::Error).collect()
    }

    fn overlay<'d>(&'d self, path: &Path, disk: &dyn Disk, instead: &'d BTreeMap<PathBuf, String>) -> Overlay<'d> {
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        Overlay { folder, documents: self, instead, disk: disk.folder(path), reads: RefCell::default() }
    }

    /// A file with all that it imports.
    pub fn view(&self, path: &Path, disk: &dyn Disk) -> Option<View> {
        self.view_with(path, disk, &BTreeMap::new())
    }

    /// The same, with some texts replaced by others.
    pub fn view_with(&self, path: &Path, disk: &dyn Disk, instead: &BTreeMap<PathBuf, String>) -> Option<View> {
        let text = instead.get(path).or_else(|| self.open.get(path).map(|d| &d.text))?;
        let mut sources = Sources::default();
        let id = sources.add(name(path), text.clone());
        let own = parse_mended(text, id);
        let files = self.overlay(path, disk, instead);
        let file = imports::load(&own, &mut sources, &files, &mut Sink::default());
        let index = Index::new(&file);
        Some(View { path: path.to_path_buf(), sources, file, index })
    }

    /// The open files that import this one, and their messages about it.
    pub fn importers(&self, path: &Path) -> Vec<(&Document, Vec<&Diagnostic>)> {
        let about =
            |d: &Document, m: &&Diagnostic| place(&d.path, &d.sources, m.span().file).is_some_and(|p| p == path);
        let others = self.open.values().filter(|d| d.path != path && d.reads.contains(path));
        others.map(|d| (d, d.messages.iter().filter(|m| about(d, m)).collect())).collect()
    }
}

/// The name of a file as messages show it.
fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "program".to_string(), |n| n.to_string_lossy().into_owned())
}

/// Where a file of a program is; `None` for the prelude's, which are in no folder.
pub fn place(program: &Path, sources: &Sources, file: FileId) -> Option<PathBuf> {
    if file == FileId::default() {
        return Some(program.to_path_buf());
    }
    let source = sources.get(file);
    source.imported?;
    Some(normal(&program.parent()?.join(&source.name)))
}

impl View {
    pub fn text(&self) -> &str {
        &self.sources.get(FileId::default()).text
    }

    pub fn place(&self, file: FileId) -> Option<PathBuf> {
        place(&self.path, &self.sources, file)
    }

    /// A span as an editor names it.
    pub fn location(&self, documents: &Documents, span: crate::source::Span) -> Option<lsp_types::Location> {
        let path = self.place(span.file)?;
        let uri = documents.get(&path).map_or_else(|| uri_of(&path), |d| Some(d.uri.clone()))?;
        let lines = super::text::Lines::new(&self.sources.get(span.file).text);
        Some(lsp_types::Location::new(uri, lines.range(span)))
    }
}
