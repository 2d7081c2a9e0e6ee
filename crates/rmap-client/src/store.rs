//! Stores: the content of a map in a file, which outlives the process.
//!
//! The rest of the crate uses:
//!
//! - [`Store::open`] takes the lock and returns an [`Opened`], which holds the lock until it is dropped.
//! - [`Opened::read`] returns the bytes of the store, [`Opened::decode`] checks them and gives access to the content.
//! - [`Opened::write`] replaces the store by a new content.
//! - [`Opened::read_only`] says why the store cannot be written where its lock could not be taken for another reason
//!   than another holder.
//!
//! All of them block, so a task calls them within `spawn_blocking`. An `Opened` may be shared between threads; writes
//! wait for each other.

mod disk;
mod fault;
mod file;
mod leftovers;
mod load;
mod lock;
mod memory;
mod path;
mod saver;
mod status;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rmap_core::stored::{self, Header, Stored};
use rmap_proto::MapName;

pub use self::fault::{StoreFault, StoreStep};
use self::file::OpenedFile;
pub(crate) use self::load::{AT_ONCE, LOAD_LIMIT, MapStore, OPEN_LIMIT, Read};
use self::memory::{Memory, OpenedMemory};
pub(crate) use self::saver::{SaveEnded, Saver};
pub(crate) use self::status::{Age, StoreState};
pub use self::status::{StoreFound, StoreStatus, StoreWritten};
pub(crate) use self::writer::Saved;
use self::writer::Skip;

/// Least time between two writes of a store.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// A place outside of the process for the content of one map, so that the map is there before the server is.
///
/// The store holds all keys and values **in clear**. The file has mode 0600, so that only its owner and root can read
/// it. [`skip`](Self::skip) leaves keys out.
///
/// Only one map in one process can use a store at a time. A file `PATH.lock` beside the store holds the lock and the
/// process id of the holder. The lock ends with the process, however it ends; the file stays. Within a process, the lock
/// is free when [`Map::close`](crate::Map::close) returns, or a moment after the last handle of the map was dropped.
///
/// ```
/// use std::time::Duration;
///
/// use rmap_client::Store;
///
/// let store = Store::at("/var/lib/shop/flags.store")
///     .interval(Duration::from_secs(10))
///     .skip(|key| key.starts_with(b"secret/"));
/// # let _ = store;
/// ```
#[derive(Clone)]
pub struct Store {
    place: Place,
    interval: Duration,
    skip: Option<Skip>,
}

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Memory(Arc<Memory>),
}

impl Store {
    /// A store in the file at `path`. The folder must exist, and the process must be able to create files in it.
    ///
    /// The folder should be writable for the service alone: whoever may write there decides what the service shows
    /// while its server is away. Each write replaces whatever file is at `path`. A symbolic link is followed.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::of(Place::File(path.into()))
    }

    /// A store in memory, for tests. Clones share the content and the lock. A test restarts a service by joining again
    /// with a clone, after [`close`](crate::Map::close) of the first map has returned.
    ///
    /// Without `close`, the lock is free a moment after the last handle was dropped. A join before that moment fails with
    /// [`Error::Store`](crate::Error::Store).
    #[must_use]
    pub fn in_memory() -> Self {
        Self::of(Place::Memory(Arc::default()))
    }

    const fn of(place: Place) -> Self {
        Self { place, interval: Duration::from_secs(30), skip: None }
    }

    /// Least time between two writes of the store while the map changes; default 30 s, at least 100 ms.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(SHORTEST_INTERVAL);
        self
    }

    /// Leaves out the keys for which `skip` is true, for example because their values are secrets.
    ///
    /// A store that left out keys is no complete content: a map shows it while the server is away, and still reads
    /// the map from the server when it joins. A key that an earlier write stored stays in the file until the next
    /// write.
    #[must_use]
    pub fn skip(mut self, skip: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        self.skip = Some(Arc::new(skip));
        self
    }

    pub(crate) fn too_slow(&self) -> StoreFault {
        let path = match &self.place {
            Place::File(path) => path.clone(),
            Place::Memory(_) => PathBuf::new(),
        };
        StoreFault::failed(&path, StoreStep::Lock, &std::io::ErrorKind::TimedOut.into())
    }

    /// The least time between two writes.
    pub(crate) const fn every(&self) -> Duration {
        self.interval
    }

    /// Takes the lock of the store, and removes what a process that died left behind. Blocks.
    ///
    /// # Errors
    ///
    /// [`StoreFault::InUse`] when another map holds the store. [`StoreFault::Failed`] when the folder is not there or
    /// the path cannot name a file. A lock that cannot be taken for another reason is no error here, so that the
    /// content can be read from a read-only folder: see [`Opened::read_only`].
    pub(crate) fn open(&self) -> Result<Opened, StoreFault> {
        let place = match &self.place {
            Place::File(path) => OpenedPlace::File(OpenedFile::open(path)?),
            Place::Memory(memory) => OpenedPlace::Memory(OpenedMemory::open(memory)?),
        };
        Ok(Opened { place, skip: self.skip.clone() })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut store = f.debug_struct("Store");
        match &self.place {
            Place::File(path) => store.field("path", path),
            Place::Memory(_) => store.field("path", &format_args!("in memory")),
        };
        store.field("interval", &self.interval).field("skip", &self.skip.is_some()).finish()
    }
}

/// A store whose lock this process holds. Dropping it releases the lock.
pub(crate) struct Opened {
    place: OpenedPlace,
    skip: Option<Skip>,
}

enum OpenedPlace {
    File(OpenedFile),
    Memory(OpenedMemory),
}

impl Opened {
    /// The bytes of the store, or `None` when there is none yet. A file that does not begin as a store does is not
    /// read further.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Failed`] when the file cannot be read, or is no regular file.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, StoreFault> {
        match &self.place {
            OpenedPlace::File(file) => file.read(),
            OpenedPlace::Memory(memory) => Ok(memory.read()),
        }
    }

    /// Checks the bytes of the store as a whole.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Invalid`] when the bytes are no store of this map.
    pub(crate) fn decode<'a>(&self, bytes: &'a [u8], map: &MapName) -> Result<Stored<'a>, StoreFault> {
        stored::decode(bytes, map).map_err(|cause| StoreFault::Invalid { path: self.path(), cause })
    }

    /// Replaces the store by this content, without the keys to skip. The old store stays whole until the new one is
    /// on the disk, whenever the process or the computer stops.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Failed`] with the step that failed, and [`StoreFault::InUse`] when somebody deleted the lock
    /// file and another process took its place. The old store stays, unless the last step failed, `SyncFolder`: then
    /// the new store is there, and only its survival of a power failure is uncertain.
    ///
    /// # Panics
    ///
    /// Panics when the closure of [`Store::skip`] does. The old store stays.
    pub(crate) fn write<'a>(
        &self,
        header: &Header,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Saved, StoreFault> {
        let skip = self.skip.as_deref();
        match &self.place {
            OpenedPlace::File(file) => file.write(&disk::System, header, skip, entries),
            OpenedPlace::Memory(memory) => Ok(memory.write(header, skip, entries)),
        }
    }

    /// The fault that every write would return, because the lock could not be taken. `None`: the store can be written
    /// as far as is known.
    pub(crate) fn read_only(&self) -> Option<&StoreFault> {
        match &self.place {
            OpenedPlace::File(file) => file.read_only(),
            OpenedPlace::Memory(_) => None,
        }
    }

    /// Bytes of the store; 0 where there is none.
    pub(crate) fn size(&self) -> u64 {
        match &self.place {
            OpenedPlace::File(file) => std::fs::metadata(file.path()).map_or(0, |metadata| metadata.len()),
            OpenedPlace::Memory(memory) => memory.size(),
        }
    }

    /// The path of the file, symbolic links resolved. `None` in memory.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match &self.place {
            OpenedPlace::File(file) => Some(file.path().to_path_buf()),
            OpenedPlace::Memory(_) => None,
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("path", &self.path()).finish_non_exhaustive()
    }
}
