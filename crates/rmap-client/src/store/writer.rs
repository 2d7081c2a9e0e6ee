//! Content as the pieces of a store.

use std::sync::Arc;

use rmap_core::stored::{Encoder, Header};

/// Says which keys a store leaves out.
pub(super) type Skip = Arc<SkipKey>;
pub(super) type SkipKey = dyn Fn(&[u8]) -> bool + Send + Sync;

/// Sizes of a store that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Bytes of the store.
    pub(crate) bytes: u64,
    /// Entries in the store.
    pub(crate) entries: u64,
    /// Entries of the map that were left out.
    pub(crate) left_out: u64,
}

/// Hands the store out piece by piece.
pub(super) fn encode<'a, E>(
    header: &Header,
    skip: Option<&SkipKey>,
    entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    mut write: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Saved, E> {
    let mut encoder = Encoder::new(header);
    let mut bytes = 0;
    for (key, value) in entries {
        if skip.is_some_and(|skip| skip(key)) {
            encoder.leave_out();
        } else if let Some(piece) = encoder.push(key, value) {
            bytes += piece.len() as u64;
            write(piece)?;
        }
    }
    let (entries, left_out) = (encoder.entries(), encoder.left_out());
    let last = encoder.finish();
    write(&last)?;
    Ok(Saved { bytes: bytes + last.len() as u64, entries, left_out })
}
