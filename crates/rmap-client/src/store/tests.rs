//! The file layer of stores on a real file system.

mod files;
mod full;
mod killed;
mod locks;
mod memory;
mod steps;

use std::fs;
use std::path::{Path, PathBuf};

use rmap_core::stored::Header;
use rmap_proto::{MapName, Revision};

use super::{Opened, Saved, Store, StoreFault, StoreStep};

pub(super) fn map() -> MapName {
    MapName::new("flags").expect("an allowed name")
}

/// The content with this number: a few blocks whose bytes, count and revision all tell the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) header: Header,
    pub(super) entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Content {
    pub(super) fn number(number: u64) -> Self {
        let mut header = Header::new(map(), 1_764_000_000_000 + number);
        header.revision = Revision::new(number);
        let entry = |n| (format!("key-{n}").into_bytes(), format!("{number} ").repeat(100).into_bytes());
        let entries: Vec<_> = (0..600 + number % 7 * 100).map(entry).collect();
        header.fields = entries.len() as u64 + 2;
        Self { header, entries }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|(key, value)| (&key[..], &value[..]))
    }

    pub(super) fn write(&self, store: &Opened) -> Result<Saved, StoreFault> {
        store.write(&self.header, self.entries())
    }
}

/// The whole content of a store, or the reason why there is none.
pub(super) fn read(store: &Opened) -> Result<Option<Content>, StoreFault> {
    let Some(bytes) = store.read()? else { return Ok(None) };
    let stored = store.decode(&bytes, &map())?;
    let entries = stored.entries().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    Ok(Some(Content { header: stored.header().clone(), entries }))
}

/// A folder for one test, and a store in it.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("flags.store")
    }

    pub(super) fn open(&self) -> Opened {
        Store::at(self.path()).open().expect("a free store")
    }

    /// Names in the folder.
    pub(super) fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let folder = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        folder.map(|entry| entry.expect("a name").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}
