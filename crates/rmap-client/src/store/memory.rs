//! A store in memory, with the lock of a store in a file.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmap_core::stored::Header;

use super::fault::StoreFault;
use super::writer::{Saved, SkipKey, encode};

/// The content that clones of a store share.
#[derive(Default)]
pub(super) struct Memory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    store: Option<Vec<u8>>,
    is_held: bool,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The holder of a store in memory.
pub(super) struct OpenedMemory(Arc<Memory>);

impl OpenedMemory {
    pub(super) fn open(memory: &Arc<Memory>) -> Result<Self, StoreFault> {
        let mut inner = memory.lock();
        if inner.is_held {
            return Err(StoreFault::InUse { path: None, pid: Some(std::process::id()) });
        }
        inner.is_held = true;
        Ok(Self(Arc::clone(memory)))
    }

    pub(super) fn read(&self) -> Option<Vec<u8>> {
        self.0.lock().store.clone()
    }

    pub(super) fn size(&self) -> u64 {
        self.0.lock().store.as_ref().map_or(0, |store| store.len() as u64)
    }

    pub(super) fn write<'a>(
        &self,
        header: &Header,
        skip: Option<&SkipKey>,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Saved {
        let mut store = Vec::new();
        let Ok(saved) = encode(header, skip, entries, |piece| {
            store.extend_from_slice(piece);
            Ok::<_, Infallible>(())
        });
        self.0.lock().store = Some(store);
        saved
    }
}

impl Drop for OpenedMemory {
    fn drop(&mut self) {
        self.0.lock().is_held = false;
    }
}
