//! Logging entries that went without a write of the map. A reset, a destroy and deletes are writes, and not logged.

use rmap_proto::Revision;

use crate::shown::Shown;

/// A snapshot is of an older revision, or there is no hash.
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

/// A snapshot has a later revision and no key that was here.
pub(super) fn of_all_keys(before: usize, now: usize) {
    tracing::warn!(
        entries = before,
        now,
        "all entries are gone: other ones took their place while the replica did not follow"
    );
}

/// A write found no hash although there were entries here.
pub(super) fn of_former_life(before: usize) {
    if before > 0 {
        tracing::warn!(
            entries = before,
            "all entries are gone: the hash expired, was deleted, or the server lost it, and a write began it again"
        );
    }
}
