//! Statistics in formats like JSON: every field under its name, times in seconds.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{ClientStats, InboxStats, MapStats, WriteStats};
use crate::transport::GroupStats;

fn seconds(time: Option<Duration>) -> Option<f64> {
    time.map(|time| time.as_secs_f64())
}

/// Serializes counts under their names.
fn counts<S: Serializer, const N: usize>(
    serializer: S,
    name: &'static str,
    counts: [(&'static str, u64); N],
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct(name, N)?;
    for (name, count) in counts {
        object.serialize_field(name, &count)?;
    }
    object.end()
}

impl Serialize for MapStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("MapStats", 14)?;
        object.serialize_field("entries", &self.entries)?;
        object.serialize_field("bytes", &self.bytes)?;
        object.serialize_field("revision", &self.revision)?;
        object.serialize_field("staleness_seconds", &seconds(self.staleness))?;
        object.serialize_field("phase", &self.phase)?;
        object.serialize_field("phase_age_seconds", &self.phase_age.as_secs_f64())?;
        object.serialize_field("in_doubt", &self.in_doubt)?;
        object.serialize_field("resyncs", &self.resyncs)?;
        object.serialize_field("differed", &self.differed)?;
        object.serialize_field("notifications", &self.notifications)?;
        object.serialize_field("notification_bytes", &self.notification_bytes)?;
        object.serialize_field("writes", &self.writes)?;
        object.serialize_field("inbox", &self.inbox)?;
        object.serialize_field("probe_round_trip_seconds", &seconds(self.probe_round_trip))?;
        object.end()
    }
}

impl Serialize for WriteStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        counts(serializer, "WriteStats", self.by_outcome())
    }
}

impl Serialize for InboxStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { messages, bytes, dropped } = *self;
        let named = [("messages", messages as u64), ("bytes", bytes as u64), ("dropped", dropped)];
        counts(serializer, "InboxStats", named)
    }
}

impl Serialize for ClientStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ClientStats", 7)?;
        object.serialize_field("maps", &self.maps)?;
        object.serialize_field("connected", &self.connected)?;
        object.serialize_field("reconnects", &self.reconnects)?;
        object.serialize_field("lost_messages", &self.lost_messages)?;
        object.serialize_field("received_bytes", &self.received_bytes)?;
        object.serialize_field("unread_bytes", &self.unread_bytes)?;
        object.serialize_field("groups", &self.groups)?;
        object.end()
    }
}

impl Serialize for GroupStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { alone, groups, grouped, largest } = *self;
        let named = [("alone", alone), ("groups", groups), ("grouped", grouped), ("largest", largest)];
        counts(serializer, "GroupStats", named)
    }
}
