//! The files a program may read: those below its own folder.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::diag::{Notice, runs};
use crate::report::write;
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

/// A program's text.
pub fn program(path: &Path) -> Result<String, Notice> {
    text(&path.display().to_string(), read(path)?)
}

/// Bytes of a program as text; `name` is how messages call them.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<String, Notice> {
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        runs::cannot_read(name, &format!("it is not UTF-8 text (first bad byte at {at})"))
    })
}

pub fn read(path: &Path) -> Result<Vec<u8>, Notice> {
    std::fs::read(path).map_err(|e| runs::cannot_read(&path.display().to_string(), &words(&e)))
}

/// Replaces a file whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Notice> {
    write::atomically(path, bytes).map_err(|e| cannot_write(path, &e))
}

pub fn cannot_write(path: &Path, e: &std::io::Error) -> Notice {
    runs::cannot_write(&path.display().to_string(), &words(e))
}

/// Makes a folder, and those that it lies in.
pub fn make_folder(path: &Path) -> Result<(), Notice> {
    std::fs::create_dir_all(path).map_err(|e| {
        let why = if path.is_file() { "it is a file".to_string() } else { words(&e) };
        runs::cannot_write(&path.display().to_string(), &why)
    })
}
