//! Notifications, written down here from their description alone.

/// Bytes after the revision of a write that created the hash.
const BORN: &[u8] = b"RMN\0\0\0\0";

pub(crate) fn set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, revision: u64) -> Vec<u8> {
    let revision = revision.to_string();
    let parts = [key.as_ref(), value.as_ref(), revision.as_bytes()];
    [b"set:".to_vec(), parts.map(with_length).concat()].concat()
}

/// A set before which the hash did not exist.
pub(crate) fn first_set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, revision: u64) -> Vec<u8> {
    [&set(key, value, revision), BORN].concat()
}

pub(crate) fn delete(key: impl AsRef<[u8]>, revision: u64) -> Vec<u8> {
    let revision = revision.to_string();
    [b"del:".to_vec(), [key.as_ref(), revision.as_bytes()].map(with_length).concat()].concat()
}

pub(crate) fn reset(revision: u64) -> Vec<u8> {
    format!("reset:{revision}").into_bytes()
}

pub(crate) fn destroy(revision: u64) -> Vec<u8> {
    format!("destroy:{revision}").into_bytes()
}

fn with_length(part: &[u8]) -> Vec<u8> {
    let length = u32::try_from(part.len()).unwrap();
    [&length.to_le_bytes(), part].concat()
}
