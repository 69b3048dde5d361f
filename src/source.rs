//! Source text, places in it, and the one door through which the compiler reads files.
//!
//! Everything that a message can point at carries a [`Span`]: a file and a byte range. Spans are small and `Copy`, so
//! every node of the syntax tree keeps its own. The text is attached only when a message is printed.
//!
//! The compiler itself never opens a file. It asks a [`Files`], which the command line backs with a directory and tests
//! back with a map, so that "what may a program read" is decided in one place.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Which file of a [`Sources`] a span lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u16);

/// A byte range of one file, `start <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        Span { file, start: start as u32, end: end as u32 }
    }

    /// The smallest span that covers both; they must lie in the same file.
    pub fn to(self, other: Span) -> Span {
        debug_assert_eq!(self.file, other.file);
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether the two have text in common.
    pub fn overlaps(self, other: Span) -> bool {
        self.file == other.file && self.start < other.end && other.start < self.end
    }
}

/// One file: the name shown in messages, and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub name: String,
    pub text: String,
    /// The `import` by which it came in, if it is neither the program itself nor part of the prelude.
    pub imported: Option<Span>,
}

/// All the text a compilation has seen, in the order it was added.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push(SourceFile { name: name.into(), text: text.into(), imported: None });
        FileId((self.files.len() - 1) as u16)
    }

    /// Adds a file that an `import` at `from` asks for.
    pub fn add_imported(&mut self, name: impl Into<String>, text: impl Into<String>, from: Span) -> FileId {
        let id = self.add(name, text);
        self.files[id.0 as usize].imported = Some(from);
        id
    }

    /// The imported files, in the order in which they were read.
    pub fn imported(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|f| f.imported.is_some())
    }

    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The text a span covers.
    pub fn snippet(&self, span: Span) -> &str {
        &self.get(span.file).text[span.start as usize..span.end as usize]
    }

    /// Line and column (both from 1, columns in characters) of a byte offset.
    pub fn line_col(&self, file: FileId, offset: u32) -> (usize, usize) {
        let before = &self.get(file).text[..offset as usize];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// Characters that a terminal obeys or that make a text look like another: controls, those that turn the direction of writing or
/// break lines, and those that cannot be seen.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// JSON in which what [`is_unsafe`] is escaped: they can only stand in its strings.
pub fn safe_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Where the files come from that a program names: data, and imported programs. Paths are as written in the program, relative to the program's own folder.
pub trait Files {
    /// The bytes of a file, or a sentence in plain words why it cannot be had.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether a path may lead out of the program's folder, because whoever runs it has said so.
    fn leads_out(&self) -> bool {
        false
    }
}

/// Bytes of a text at the most, the program's or that of an import: a thousand times what programs have.
pub const MOST_TEXT: usize = 1 << 20;

/// Files held in memory: for tests and for programs that read nothing.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(pub BTreeMap<String, Vec<u8>>);

impl Files for MemoryFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "there is no such file".to_string())
    }
}
