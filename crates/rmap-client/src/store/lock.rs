//! The lock beside a store. It ends with the process, and its file stays, since a file that is deleted or renamed can be
//! locked by two processes at once.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use super::path::no_regular_file;

/// Longest text of a process id with its line feed, and one byte more.
const LONGEST_PID: u64 = 12;

/// A lock file that is replaced more often than this has no use.
const ATTEMPTS: usize = 16;

/// A held lock.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

/// The reason why a lock is not held.
#[derive(Debug)]
pub(super) enum NotLocked {
    InUse { pid: Option<u32> },
    Failed(io::Error),
}

impl From<io::Error> for NotLocked {
    fn from(cause: io::Error) -> Self {
        Self::Failed(cause)
    }
}

impl Lock {
    /// Takes the lock in the file at `path`, which is created where it is missing.
    pub(super) fn take(path: PathBuf) -> Result<Self, NotLocked> {
        for _ in 0..ATTEMPTS {
            let (file, is_held) = system::lock(&path)?;
            if !is_held {
                return Err(NotLocked::InUse { pid: holder(&file) });
            }
            let lock = Self { file, path: path.clone() };
            // Somebody may have deleted the file between the two steps of opening and locking.
            if lock.is_in_place() {
                lock.show_holder()?;
                return Ok(lock);
            }
        }
        Err(io::Error::other("it is replaced again and again").into())
    }

    /// False after somebody deleted or replaced the lock file, so that another process may hold the new one.
    pub(super) fn is_in_place(&self) -> bool {
        system::is_at(&self.file, &self.path)
    }

    fn show_holder(&self) -> io::Result<()> {
        if !self.file.metadata()?.is_file() {
            return Err(no_regular_file());
        }
        system::close_to_others(&self.file);
        self.file.set_len(0)?;
        (&self.file).rewind()?;
        // One write, so that nobody reads half a number.
        (&self.file).write_all(format!("{}\n", std::process::id()).as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The next holder's process id must not read as this one. Whether it works makes no difference to the lock.
        let _ = self.file.set_len(0);
        // A process that was just forked has the file open, too, until it runs its own program. Closing the file here
        // would leave the lock to that process.
        system::unlock(&self.file);
    }
}

/// The process id in a lock file that another process holds. A number without its line feed is no whole number.
fn holder(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(LONGEST_PID).read_to_string(&mut text).ok()?;
    text.strip_suffix('\n')?.parse().ok()
}

#[cfg(unix)]
mod system {
    use std::fs::{self, File, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    use rustix::fs::{FlockOperation, OFlags, flock};
    use rustix::io::Errno;

    /// The lock file, and whether this process holds it now.
    pub(super) fn lock(path: &Path) -> io::Result<(File, bool)> {
        // A link would lead to a file of somebody else, which the process id would overwrite.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        let file = options.open(path)?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok((file, true)),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok((file, false)),
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    pub(super) fn unlock(file: &File) {
        let _ = flock(file, FlockOperation::Unlock);
    }

    /// A file of another owner keeps its mode. It holds nothing but a process id.
    pub(super) fn close_to_others(file: &File) {
        let _ = file.set_permissions(Permissions::from_mode(0o600));
    }

    pub(super) fn is_at(file: &File, path: &Path) -> bool {
        let (Ok(held), Ok(found)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
        (held.dev(), held.ino()) == (found.dev(), found.ino())
    }
}

/// A file that others may only read is the lock. Windows deletes no file that is open.
#[cfg(windows)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;

    const SHARE_READ: u32 = 1;
    const SHARE_ALL: u32 = 7;
    const SHARING_VIOLATION: i32 = 32;

    pub(super) fn lock(path: &Path) -> io::Result<(File, bool)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).share_mode(SHARE_READ);
        match options.open(path) {
            Ok(file) => Ok((file, true)),
            Err(fault) if fault.raw_os_error() == Some(SHARING_VIOLATION) => {
                Ok((OpenOptions::new().read(true).share_mode(SHARE_ALL).open(path)?, false))
            }
            Err(fault) => Err(fault),
        }
    }

    pub(super) const fn unlock(_: &File) {}

    pub(super) const fn close_to_others(_: &File) {}

    pub(super) const fn is_at(_: &File, _: &Path) -> bool {
        true
    }
}

#[cfg(not(any(unix, windows)))]
mod system {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn lock(_: &Path) -> io::Result<(File, bool)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) const fn unlock(_: &File) {}

    pub(super) const fn close_to_others(_: &File) {}

    pub(super) const fn is_at(_: &File, _: &Path) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_when_it_is_dropped_even_if_another_process_has_its_file_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let first = Lock::take(path.clone()).expect("a free lock");
        // A file that a fork duplicates is the same open file, as that of a clone.
        let _forked = first.file.try_clone().expect("a second handle");
        assert!(matches!(Lock::take(path.clone()), Err(NotLocked::InUse { .. })));
        drop(first);
        assert!(Lock::take(path).is_ok());
    }
}
