//! Temporary files: their names, and their end.

use std::fs;
use std::path::PathBuf;

use super::disk::Disk;
use super::path::RealPath;

/// The temporary file of this process for a store: `NAME.PID.tmp`.
pub(super) fn temporary(path: &RealPath) -> PathBuf {
    path.beside(&format!(".{}.tmp", std::process::id()))
}

/// Removes temporary files that processes left behind when they died. Whoever holds the lock knows that nobody writes
/// them any more. What cannot be removed stays.
pub(super) fn remove_all(path: &RealPath) {
    let (Some(name), Ok(folder)) = (path.file.file_name(), fs::read_dir(&path.folder)) else { return };
    for entry in folder.filter_map(Result::ok) {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_temporary(entry.file_name().as_encoded_bytes(), name.as_encoded_bytes()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_temporary(found: &[u8], store: &[u8]) -> bool {
    let pid = found.strip_prefix(store).and_then(|rest| rest.strip_prefix(b".")?.strip_suffix(b".tmp"));
    pid.is_some_and(|pid| !pid.is_empty() && pid.iter().all(u8::is_ascii_digit))
}

/// A temporary file that is removed when it is dropped, unless it became the store.
pub(super) struct Temporary<'a, D: Disk> {
    pub(super) disk: &'a D,
    pub(super) path: PathBuf,
    pub(super) became_store: bool,
}

impl<D: Disk> Drop for Temporary<'_, D> {
    fn drop(&mut self) {
        if !self.became_store {
            // The fault that brought this about is the one to report. The next write retries.
            let _ = self.disk.remove(&self.path);
        }
    }
}
