//! A store in a file. A write makes a temporary file beside it and renames it, so that the name always leads to a whole
//! store.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rmap_core::stored::{Header, MAGIC, VERSION};

use super::disk::Disk;
use super::fault::{StoreFault, StoreStep};
use super::leftovers::{self, Temporary};
use super::lock::{Lock, NotLocked};
use super::path::{RealPath, no_regular_file};
use super::writer::{Saved, SkipKey, encode};

/// Magic and version, by which a store of this version is known.
const BEGINNING: usize = MAGIC.len() + 4;

/// A store in a file, with its lock.
pub(super) struct OpenedFile {
    path: RealPath,
    /// The fault: the folder is read-only, for example. The store can be read all the same, because its name always
    /// leads to a whole store.
    lock: Result<Mutex<Lock>, StoreFault>,
}

impl OpenedFile {
    pub(super) fn open(path: &Path) -> Result<Self, StoreFault> {
        let path = RealPath::of(path).map_err(|cause| StoreFault::failed(path, StoreStep::Find, &cause))?;
        let lock = match Lock::take(path.beside(".lock")) {
            Ok(lock) => Ok(Mutex::new(lock)),
            Err(NotLocked::InUse { pid }) => {
                return Err(StoreFault::InUse { path: Some(path.file), pid });
            }
            Err(NotLocked::Failed(cause)) => Err(StoreFault::failed(&path.file, StoreStep::Lock, &cause)),
        };
        if lock.is_ok() {
            leftovers::remove_all(&path);
        }
        Ok(Self { path, lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path.file
    }

    pub(super) fn read_only(&self) -> Option<&StoreFault> {
        self.lock.as_ref().err()
    }

    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, StoreFault> {
        match read(&self.path.file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.failed(StoreStep::Read)(cause)),
        }
    }

    /// Writes the store by the steps of `disk`.
    pub(super) fn write<'a, D: Disk>(
        &self,
        disk: &D,
        header: &Header,
        skip: Option<&SkipKey>,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Saved, StoreFault> {
        // Two writes at once would write one temporary file.
        let lock = self.lock.as_ref().map_err(Clone::clone)?;
        let mut lock = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.keep_lock(&mut lock)?;
        self.path.expect_file().map_err(self.failed(StoreStep::Rename))?;

        let path = leftovers::temporary(&self.path);
        // An earlier write of this process may have failed to remove it. Whether it is gone shows when it is created.
        let _ = disk.remove(&path);
        let mut file = disk.create(&path).map_err(self.failed(StoreStep::Create))?;
        let mut temporary = Temporary { disk, path, became_store: false };
        let saved = encode(header, skip, entries, |piece| disk.write(&mut file, piece));
        let saved = saved.map_err(self.failed(StoreStep::Write))?;
        disk.sync(&file).map_err(self.failed(StoreStep::Sync))?;
        drop(file);
        disk.rename(&temporary.path, &self.path.file).map_err(self.failed(StoreStep::Rename))?;
        temporary.became_store = true;
        disk.sync_folder(&self.path.folder).map_err(self.failed(StoreStep::SyncFolder))?;
        Ok(saved)
    }

    /// Takes the lock again after somebody deleted its file.
    fn keep_lock(&self, lock: &mut Lock) -> Result<(), StoreFault> {
        if lock.is_in_place() {
            return Ok(());
        }
        *lock = Lock::take(self.path.beside(".lock")).map_err(|fault| match fault {
            NotLocked::InUse { pid } => StoreFault::InUse { path: Some(self.path.file.clone()), pid },
            NotLocked::Failed(cause) => self.failed(StoreStep::Lock)(cause),
        })?;
        Ok(())
    }

    fn failed(&self, step: StoreStep) -> impl Fn(io::Error) -> StoreFault {
        move |cause| StoreFault::failed(&self.path.file, step, &cause)
    }
}

/// Reads a file, or only its beginning where that shows that it is no store of this version, however large it is.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(no_regular_file());
    }
    let mut bytes = Vec::with_capacity(BEGINNING);
    (&file).take(BEGINNING as u64).read_to_end(&mut bytes)?;
    if bytes != [&MAGIC[..], &VERSION.to_le_bytes()].concat() {
        return Ok(bytes);
    }
    let rest = usize::try_from(metadata.len()).unwrap_or(usize::MAX).saturating_sub(BEGINNING);
    bytes.try_reserve_exact(rest).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    (&file).take(rest as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file to read it. A pipe must not block, and a link that appeared since the path was resolved is not followed.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    options.open(path)
}
