//! The names of all metrics and attributes; `docs/metrics.md` has the same table, and a test compares the two.

use metrics::{Unit, describe_counter, describe_gauge};

pub(super) const ENTRIES: &str = "rmap.map.entries";
pub(super) const SIZE: &str = "rmap.map.size";
pub(super) const STALENESS: &str = "rmap.map.staleness";
pub(super) const NOTIFICATIONS: &str = "rmap.map.notifications";
pub(super) const NOTIFICATION_IO: &str = "rmap.map.notification.io";
pub(super) const RESYNCS: &str = "rmap.map.resyncs";
pub(super) const DIFFERED: &str = "rmap.map.differed";
pub(super) const WRITES: &str = "rmap.map.writes";
pub(super) const INBOX_DEPTH: &str = "rmap.map.inbox.depth";
pub(super) const INBOX_SIZE: &str = "rmap.map.inbox.size";
pub(super) const INBOX_DROPPED: &str = "rmap.map.inbox.dropped";
pub(super) const PROBE_DURATION: &str = "rmap.map.probe.duration";
pub(super) const STORE_AGE: &str = "rmap.map.store.age";
pub(super) const STORE_SIZE: &str = "rmap.map.store.size";
pub(super) const STORE_FAULTY: &str = "rmap.map.store.faulty";
pub(super) const MAPS: &str = "rmap.client.maps";
pub(super) const CONNECTED: &str = "rmap.client.connected";
pub(super) const RECONNECTS: &str = "rmap.client.reconnects";
pub(super) const LOST: &str = "rmap.client.lost";
pub(super) const RECEIVED: &str = "rmap.client.received.size";
pub(super) const UNREAD: &str = "rmap.client.unread.size";
pub(super) const CALLS: &str = "rmap.client.write.calls";
pub(super) const GROUPED: &str = "rmap.client.write.grouped";
/// The name of a metric and of its attribute.
pub(super) const PHASE: &str = "rmap.map.phase";

/// Attribute of everything that concerns one map.
pub(super) const MAP_NAME: &str = "rmap.map.name";
pub(super) const REASON: &str = "rmap.resync.reason";
pub(super) const OUTCOME: &str = "rmap.write.outcome";
pub(super) const CALL_KIND: &str = "rmap.call.kind";

enum Kind {
    Counter,
    Gauge,
}

#[rustfmt::skip]
const ALL: [(&str, Kind, Unit, &str); 24] = [
    (ENTRIES, Kind::Gauge, Unit::Count, "entries of the local copy"),
    (SIZE, Kind::Gauge, Unit::Bytes, "bytes of all keys and values of the local copy"),
    (STALENESS, Kind::Gauge, Unit::Seconds, "age of the last proof that the content was the server's; infinite while there is none"),
    (PHASE, Kind::Gauge, Unit::Count, "1 for the phase that the map is in, 0 for the others"),
    (NOTIFICATIONS, Kind::Counter, Unit::Count, "notifications that the map has taken"),
    (NOTIFICATION_IO, Kind::Counter, Unit::Bytes, "bytes of these notifications"),
    (RESYNCS, Kind::Counter, Unit::Count, "resyncs while connected, by cause"),
    (DIFFERED, Kind::Counter, Unit::Count, "entries that a verification corrected"),
    (WRITES, Kind::Counter, Unit::Count, "writes that have ended, by outcome"),
    (INBOX_DEPTH, Kind::Gauge, Unit::Count, "messages that wait for the map's task"),
    (INBOX_SIZE, Kind::Gauge, Unit::Bytes, "bytes of these messages"),
    (INBOX_DROPPED, Kind::Counter, Unit::Count, "messages that were dropped because too many waited"),
    (PROBE_DURATION, Kind::Gauge, Unit::Seconds, "time from the request of the last probe to its reply"),
    (STORE_AGE, Kind::Gauge, Unit::Seconds, "time since the store was last written; infinite before the first time"),
    (STORE_SIZE, Kind::Gauge, Unit::Bytes, "bytes of the store when it was last written"),
    (STORE_FAULTY, Kind::Gauge, Unit::Count, "1 while the store cannot be written, else 0"),
    (MAPS, Kind::Gauge, Unit::Count, "maps that are joined"),
    (CONNECTED, Kind::Gauge, Unit::Count, "1 while both connections stand, else 0"),
    (RECONNECTS, Kind::Counter, Unit::Count, "times that both connections were made again"),
    (LOST, Kind::Counter, Unit::Count, "messages that the transport reported as lost"),
    (RECEIVED, Kind::Gauge, Unit::Bytes, "bytes of messages that wait or are held, over all maps"),
    (UNREAD, Kind::Gauge, Unit::Bytes, "bytes of unread changes, over all maps"),
    (CALLS, Kind::Counter, Unit::Count, "calls to the server that carried writes"),
    (GROUPED, Kind::Counter, Unit::Count, "writes that were sent in groups"),
];

/// Describes every metric to the recorder. Recorders keep one description of each.
pub(super) fn describe() {
    for (name, kind, unit, text) in ALL {
        match kind {
            Kind::Counter => describe_counter!(name, unit, text),
            Kind::Gauge => describe_gauge!(name, unit, text),
        }
    }
}
