//! A live replica without a server.

use std::time::Duration;

use rmap_core::{Output, Replica, ReplicaSettings};
use rmap_proto::{Entries, Probe, ReadReply, Revision, Snapshot};

use crate::data;

/// The revision of the content at the start.
pub const BORN: u64 = 1_790_000_000_000;

/// The replica's constant time.
pub const NOW: Duration = Duration::from_secs(1);

/// A live replica with this number of entries.
///
/// # Panics
///
/// When the replica requests anything but a snapshot.
#[must_use]
pub fn live(entries: u64) -> Replica {
    let mut replica = Replica::new(ReplicaSettings::default(), 1);
    replica.handle_connected(NOW, 1);
    while let Some(output) = replica.poll_output() {
        match output {
            Output::Subscribe { nonce } => replica.handle_subscribed(NOW, &nonce),
            Output::Request { id, .. } => {
                replica.handle_mark(NOW, id.get().to_string().as_bytes());
                replica.handle_reply(NOW, id, Ok(snapshot(entries)));
            }
            Output::ReplaceConnections { .. } | Output::Changed(_) | Output::StatusChanged => {}
        }
    }
    assert_eq!(replica.reader().len() as u64, entries);
    replica
}

fn snapshot(entries: u64) -> ReadReply {
    let content =
        (0..entries).map(|number| (data::key(number).to_vec().into(), data::value(number).to_vec().into()));
    let content = content.collect();
    let reserved = vec!["=rev".into(), "=kind".into()];
    let probe = Probe::new(Revision::new(BORN), entries + 2);
    ReadReply::Snapshot(Snapshot::new(probe, Some(Entries::new(content, reserved))))
}
