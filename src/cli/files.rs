//! The files a program may read: those below its own folder.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::source::Files;

/// Remembers what is read from other files, so that it can be kept.
pub struct Remembering<'a> {
    from: &'a dyn Files,
    reads: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl<'a> Remembering<'a> {
    pub fn new(from: &'a dyn Files) -> Remembering<'a> {
        Remembering { from, reads: RefCell::default() }
    }

    /// The bytes of each file that was read, by the path that the program gives.
    pub fn reads(self) -> BTreeMap<String, Vec<u8>> {
        self.reads.into_inner()
    }
}

impl Files for Remembering<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = self.from.read(path)?;
        self.reads.borrow_mut().insert(path.to_string(), bytes.clone());
        Ok(bytes)
    }
}

/// Reads files below a folder, and no others.
pub struct Folder(PathBuf);

impl Folder {
    /// The folder a program stands in.
    pub fn of(program: &Path) -> Folder {
        Folder(program.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf())
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let inside = Path::new(path).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if !inside {
            return Err("a program reads only files below its own folder".into());
        }
        // A link may still lead out of the folder: compare where the paths really are.
        let real = self.0.join(path).canonicalize().map_err(|e| words(&e))?;
        let home = self.0.canonicalize().map_err(|e| words(&e))?;
        if !real.starts_with(&home) {
            return Err("a program reads only files below its own folder".into());
        }
        std::fs::read(real).map_err(|e| words(&e))
    }
}

/// An I/O error in plain words.
pub fn words(e: &std::io::Error) -> String {
    use std::io::ErrorKind::*;
    match e.kind() {
        NotFound => "there is no such file".into(),
        PermissionDenied => "permission is denied".into(),
        IsADirectory => "it is a folder".into(),
        StorageFull => "the disk is full".into(),
        ReadOnlyFilesystem => "the file system is read-only".into(),
        _ => e.to_string(),
    }
}

/// A program's text, or a sentence why not.
pub fn program(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read {}: {}", path.display(), words(&e)))?;
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        format!("cannot read {}: it is not UTF-8 text (first bad byte at {at})", path.display())
    })
}
