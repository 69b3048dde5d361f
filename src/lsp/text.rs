//! Places as editors count them, and files as they name them.
//!
//! The protocol counts lines from 0 and columns in UTF-16 code units; the compiler counts bytes. Files are URIs there and paths
//! here. Whatever an editor sends is clamped to the text, so that a stale position is never a panic.
//!
//! ```text
//! "# µ🙂x"   byte 9 (x)   <->   line 0, character 5
//! ```

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use lsp_types::{Position, Range, Uri};

use crate::source::Span;

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str) -> Lines<'t> {
        let after = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Lines { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// A byte offset as an editor counts it.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|s| *s <= offset) - 1;
        let character = self.text[self.starts[line]..offset].encode_utf16().count();
        Position::new(line as u32, character as u32)
    }

    /// The byte offset of a position; beyond a line its end, beyond the text the text's.
    pub fn offset(&self, at: Position) -> usize {
        let Some(&start) = self.starts.get(at.line as usize) else { return self.text.len() };
        let end = self.starts.get(at.line as usize + 1).map_or(self.text.len(), |next| next - 1);
        let line = self.text[start..end].strip_suffix('\r').unwrap_or(&self.text[start..end]);
        let mut units = 0;
        for (i, c) in line.char_indices() {
            if units >= at.character as usize {
                return start + i;
            }
            units += c.len_utf16();
        }
        start + line.len()
    }

    pub fn range(&self, span: Span) -> Range {
        self.between(span.start as usize, span.end as usize)
    }

    pub fn between(&self, start: usize, end: usize) -> Range {
        Range::new(self.position(start), self.position(end))
    }

    /// All of the text.
    pub fn whole(&self) -> Range {
        self.between(0, self.text.len())
    }
}

/// The path of a `file:` URI; of any other the text behind its scheme, which is in no folder.
pub fn path_of(uri: &Uri) -> PathBuf {
    let text = uri.as_str();
    let Some(rest) = text.strip_prefix("file://") else {
        return PathBuf::from(decode(text.split_once(':').map_or(text, |(_, rest)| rest)));
    };
    // What stands before the path is a host, which a file on this machine has none of.
    let path = decode(&rest[rest.find('/').unwrap_or(0)..]);
    // `/c:/work` is `c:/work`.
    let drive = path.as_bytes().get(2) == Some(&b':') && path.as_bytes()[1].is_ascii_alphabetic();
    normal(Path::new(if drive { &path[1..] } else { &path }))
}

/// The URI of a file.
pub fn uri_of(path: &Path) -> Option<Uri> {
    let path = path.to_str()?.replace('\\', "/");
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut out = format!("file://{slash}");
    for b in path.bytes() {
        if b.is_ascii_alphanumeric() || b"/-._~:".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    Uri::from_str(&out).ok()
}

fn decode(text: &str) -> String {
    let b = text.as_bytes();
    let mut out = vec![];
    let mut i = 0;
    while i < b.len() {
        let hex =
            b.get(i + 1..i + 3).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match hex.filter(|_| b[i] == b'%') {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(b[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A path without `.` and `..`, as far as that can be told from the path alone.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_utf16() {
        let text = "# µ🙂x\r\nconst é = 1\n";
        let lines = Lines::new(text);
        let at = text.find('x').unwrap();
        assert_eq!(lines.position(at), Position::new(0, 5));
        for (offset, _) in text.char_indices().filter(|(_, c)| !matches!(c, '\r' | '\n')) {
            assert_eq!(lines.offset(lines.position(offset)), offset);
        }
        assert_eq!(lines.offset(Position::new(0, 99)), text.find('\r').unwrap());
        assert_eq!(lines.offset(Position::new(99, 0)), text.len());
        // In the middle of a pair of surrogates: behind it.
        assert_eq!(lines.offset(Position::new(0, 4)), at);
        // A byte in the middle of a character: before it.
        assert_eq!(lines.position(text.find('µ').unwrap() + 1), Position::new(0, 2));
    }

    #[test]
    fn paths_and_uris_go_both_ways() {
        for path in ["/home/a b/ü.snn", "/x/100%.snn", "c:/work/a.snn"] {
            let uri = uri_of(Path::new(path)).expect("a URI");
            assert_eq!(path_of(&uri), Path::new(path), "{}", uri.as_str());
        }
        assert_eq!(path_of(&Uri::from_str("file:///a/%C3%BC/../b.snn").unwrap()), Path::new("/a/b.snn"));
        assert_eq!(path_of(&Uri::from_str("untitled:Untitled-1").unwrap()), Path::new("Untitled-1"));
    }
}
