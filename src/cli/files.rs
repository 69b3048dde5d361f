//! The files a program may read: those below its own folder.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::diag::{Notice, runs};
use crate::report::write;
use crate::source::{Files, MOST_TEXT};

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

    fn leads_out(&self) -> bool {
        self.from.leads_out()
    }
}

/// Bytes of a file at the most; of a program's text it is [`MOST_TEXT`].
pub const MOST_BYTES: u64 = 1 << 30;

/// Reads files below a folder, and below those that the command line allows besides; no others.
pub struct Folder {
    home: PathBuf,
    more: Vec<PathBuf>,
}

impl Folder {
    /// The folder a program stands in.
    pub fn of(program: &Path) -> Folder {
        let home = program.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Folder { home: home.to_path_buf(), more: vec![] }
    }

    /// As [`Folder::of`], and what lies below `more`: `--allow-read`.
    pub fn with(program: &Path, more: &[PathBuf]) -> Folder {
        Folder { more: more.to_vec(), ..Folder::of(program) }
    }

    /// Where a file really is; `None` if it may not be read from here.
    fn find(&self, path: &str) -> Result<Option<PathBuf>, String> {
        if !is_below(path) && self.more.is_empty() {
            return Ok(None);
        }
        // A link may still lead out of the folder: compare where the paths really are.
        let real = self.home.join(path).canonicalize().map_err(|e| words(&e))?;
        let mut allowed = std::iter::once(&self.home).chain(&self.more);
        let inside = allowed.any(|folder| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)));
        Ok(inside.then_some(real))
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let real = self
            .find(path)?
            .ok_or("a program reads only files below its own folder, and below those of --allow-read")?;
        contents(&real, MOST_BYTES, false)
    }

    fn leads_out(&self) -> bool {
        !self.more.is_empty()
    }
}

/// Whether a path stays below the folder that it is relative to, as far as its text tells.
pub fn is_below(path: &str) -> bool {
    Path::new(path).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
}

/// Why a file is not read.
pub fn too_large(most: u64) -> String {
    format!("it has more than {most} bytes, which is the most that is read")
}

/// A file of at most `most` bytes. `streams`: what is no regular file is read as well, as a pipe that the user names.
fn contents(path: &Path, most: u64, streams: bool) -> Result<Vec<u8>, String> {
    let about = std::fs::metadata(path).map_err(|e| words(&e))?;
    // Opening a pipe that nobody writes to would wait for ever, a device may have no end.
    if !about.is_file() && !about.is_dir() && !streams {
        return Err("it is neither a file nor a folder".into());
    }
    if about.is_file() && about.len() > most {
        return Err(too_large(most));
    }
    let file = std::fs::File::open(path).map_err(|e| words(&e))?;
    let mut bytes = vec![];
    // It may grow while it is read, and a stream does not say how long it is.
    file.take(most + 1).read_to_end(&mut bytes).map_err(|e| words(&e))?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// A file in a run's folder: it must lie there, not behind a link that leads out.
pub fn within(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
    let real = Folder { home: folder.to_path_buf(), more: vec![] }.find(path)?;
    contents(&real.ok_or("it lies outside of the run's folder")?, MOST_BYTES, false)
}

/// A place below `folder` to write a file to. The folders on the way are made, and none of them may be a link: it could lead
/// anywhere.
pub fn place_below(folder: &Path, name: &str) -> Result<PathBuf, Notice> {
    let refuse = |at: &Path, why: &str| Err(runs::cannot_write(&at.display().to_string(), why));
    let path = folder.join(name);
    if !is_below(name) {
        return refuse(&path, "it lies outside of the run's folder");
    }
    let mut at = folder.to_path_buf();
    let parts: Vec<_> = Path::new(name).components().filter(|c| matches!(c, Component::Normal(_))).collect();
    for part in &parts[..parts.len().saturating_sub(1)] {
        at.push(part);
        if std::fs::symlink_metadata(&at).is_ok_and(|about| about.is_symlink()) {
            return refuse(&at, "it is a link, and results are written into the run's own folder only");
        }
        make_folder(&at)?;
    }
    Ok(path)
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
    text(&path.display().to_string(), read_at_most(path, MOST_TEXT as u64)?)
}

/// Bytes of a program as text; `name` is how messages call them.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<String, Notice> {
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        runs::cannot_read(name, &format!("it is not UTF-8 text (first bad byte at {at})"))
    })
}

/// A file that the user names.
pub fn read(path: &Path) -> Result<Vec<u8>, Notice> {
    read_at_most(path, MOST_BYTES)
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, Notice> {
    bytes(path, most).map_err(|why| runs::cannot_read(&path.display().to_string(), &why))
}

/// A regular file that the user does not name, of at most so many bytes.
pub fn regular(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    contents(path, most, false)
}

/// As [`read`], of at most so many bytes; the sentence says why not.
pub fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    contents(path, most, true)
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
