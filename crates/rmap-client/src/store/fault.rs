//! The reasons why a store cannot be used.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rmap_core::stored::InvalidStore;

/// The reason why a store could not be read or written. A map never fails because of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// Another map uses the store, in this process or another one.
    #[error("{} is in use by {}", place(.path.as_deref()), holder(*.pid))]
    InUse {
        /// The store. `None`: in memory.
        path: Option<PathBuf>,
        /// The process id of the holder, in its own namespace of process ids. `None`: the holder has not written it
        /// yet, or it cannot be read.
        pid: Option<u32>,
    },
    /// The operating system refused a step.
    #[error("{}: {step}: {cause}", place(Some(.path)))]
    Failed {
        /// The store.
        path: PathBuf,
        /// The step that failed.
        step: StoreStep,
        /// The kind of the error.
        kind: io::ErrorKind,
        /// The error as text.
        cause: String,
    },
    /// The closure of [`Store::skip`](crate::Store::skip) panicked.
    #[error("{}: the closure of `skip` panicked", place(.path.as_deref()))]
    Panicked {
        /// The store. `None`: in memory.
        path: Option<PathBuf>,
    },
    /// The file is not a whole store of this map. The next write replaces it.
    #[error("{}: {cause}", place(.path.as_deref()))]
    Invalid {
        /// The store. `None`: in memory.
        path: Option<PathBuf>,
        /// The reason, and the place in the file.
        cause: InvalidStore,
    },
}

/// A step of reading or writing a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreStep {
    /// Finding the folder and the file.
    Find,
    /// Taking the lock beside the file.
    Lock,
    /// Reading the file.
    Read,
    /// Creating the temporary file beside it.
    Create,
    /// Writing the temporary file.
    Write,
    /// Waiting until the temporary file is on the disk.
    Sync,
    /// Renaming the temporary file to the store.
    Rename,
    /// Waiting until the new name is on the disk. The new store is in place.
    SyncFolder,
}

impl fmt::Display for StoreStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Find => "the path cannot be used",
            Self::Lock => "the lock file cannot be locked",
            Self::Read => "the file cannot be read",
            Self::Create => "the temporary file cannot be created",
            Self::Write => "the temporary file cannot be written",
            Self::Sync => "the temporary file cannot be synced",
            Self::Rename => "the file cannot be replaced",
            Self::SyncFolder => "the folder cannot be synced",
        })
    }
}

impl StoreFault {
    pub(super) fn failed(path: &Path, step: StoreStep, cause: &io::Error) -> Self {
        Self::Failed { path: path.to_path_buf(), step, kind: cause.kind(), cause: cause.to_string() }
    }
}

/// The store in one line: the quoted form escapes control characters.
fn place(path: Option<&Path>) -> String {
    path.map_or_else(|| "the store in memory".to_owned(), |path| format!("store {path:?}"))
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "an unknown process".to_owned(), |pid| format!("process {pid}"))
}
