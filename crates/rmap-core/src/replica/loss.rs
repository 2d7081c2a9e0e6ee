//! Log entries about content that disappeared without a write. Resets, destroys and deletes are writes, and not logged
//! here.

use rmap_proto::Revision;

use crate::shown::Shown;

/// Logs that a snapshot has an older revision than the replica, or that the hash is gone.
pub(super) fn of_snapshot(local: Option<Revision>, server: Option<Revision>, before: usize, now: usize) {
    if server.is_some() {
        let (local, server) = (Shown(local), Shown(server));
        tracing::warn!(before, now, %local, %server, "the server went back to an older content: writes are lost");
    } else if before > 0 {
        tracing::warn!(
            entries = before,
            "all entries are gone: the hash expired, was deleted, or the server lost it"
        );
    }
}

/// Logs that the hash is gone and the replica keeps its content.
pub(super) fn of_kept(entries: usize) {
    tracing::warn!(
        entries,
        "the hash expired, was deleted, or the server lost it: the last content is kept until a write makes a hash"
    );
}

/// Logs that a snapshot has a later revision and none of the replica's keys.
pub(super) fn of_all_keys(before: usize, now: usize) {
    tracing::warn!(
        entries = before,
        now,
        "all entries are gone: other ones took their place while the replica did not follow"
    );
}

/// Logs that a write found no hash although the replica has entries.
pub(super) fn of_former_life(before: usize) {
    if before > 0 {
        tracing::warn!(
            entries = before,
            "all entries are gone: the hash expired, was deleted, or the server lost it, and a write began it again"
        );
    }
}
