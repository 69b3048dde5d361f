//! Writing files so that nothing is ever lost: a file is either the old one or the whole new one.
//!
//! The bytes go to a temporary file in the same folder, are flushed to the disk, and the file is renamed into place.

use std::io::Write;
use std::path::Path;

/// Replaces `path` by `bytes`, or leaves it as it was.
///
/// # Errors
/// When the folder cannot be written to or the disk is full; the sentence is the system's.
pub fn atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    readable_like_any_file(&file)?;
    file.persist(path).map_err(|e| e.error)?;
    flush_folder(folder)
}

/// What a rename changed is on the disk, too.
#[cfg(unix)]
fn flush_folder(folder: &Path) -> std::io::Result<()> {
    // Some file systems flush no folders; the file itself is safe.
    std::fs::File::open(folder).map(|folder| drop(folder.sync_all()))
}

#[cfg(not(unix))]
fn flush_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Removes what was being written when an earlier run was killed. A link in a folder's place is left alone.
pub fn clear(folder: &Path) {
    if !std::fs::symlink_metadata(folder).is_ok_and(|m| m.is_dir()) {
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|e| e.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        // One that stays is in nobody's way.
        let _ = std::fs::remove_file(entry.path());
    }
}

/// How the names of files begin that are not whole yet.
const UNFINISHED: &str = ".snnc-";

/// Temporary files are private; a result is for everybody who may read the folder.
#[cfg(unix)]
fn readable_like_any_file(file: &tempfile::NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_like_any_file(_: &tempfile::NamedTempFile) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_or_not_at_all() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("run.json");
        atomically(&path, b"one").expect("writes");
        atomically(&path, b"two").expect("replaces");
        assert_eq!(std::fs::read(&path).expect("is there"), b"two");
        assert!(atomically(&dir.path().join("no/such/run.json"), b"three").is_err());
        assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 1, "no temporary file is left");
    }
}
