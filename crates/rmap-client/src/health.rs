//! The readiness of a map, for probes of an orchestrator.

use std::fmt;
use std::time::Duration;

use rmap_core::Phase;
use rmap_proto::MapName;

use crate::status::Status;

/// The readiness of a map to serve requests, with the reason if it is not ready, from
/// [`Map::health`](crate::Map::health).
///
/// `Display` is one line: `map flags: ready`, or `map flags: not ready: ` and the reason. With the feature `serde` it
/// serializes as `{"map", "ready", "phase", "staleness_seconds", "stored", "reason"}`, where `reason` is null for a ready map.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// # use std::time::Duration;
/// let health = map.health(Duration::from_secs(15));
/// let answer = if health.is_ready() { (200, health.to_string()) } else { (503, health.to_string()) };
/// assert_eq!(answer, (200, "map flags: ready".to_owned()));
/// assert_eq!((health.phase(), health.reason()), (rmap_client::Phase::Live, None));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    map: MapName,
    phase: Phase,
    staleness: Option<Duration>,
    stored: bool,
    reason: Option<String>,
}

impl Health {
    pub(crate) fn new(map: MapName, status: &Status, why_not: Option<String>) -> Self {
        // The words of a server may hold anything; this is one line.
        let reason = why_not.map(|text| text.split(char::is_control).collect::<Vec<_>>().join(" "));
        let (phase, staleness, stored) = (status.phase(), status.staleness(), status.is_stored());
        Self { map, phase, staleness, stored, reason }
    }

    /// True when the map is open and its content was proven to be the server's within the bound.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.reason.is_none()
    }

    /// True while the map shows the content of its [store](crate::Store) and no server has confirmed or replaced it.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        self.stored
    }

    /// The reason in one line; `None` when the map is ready.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The phase of the map.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Age of the last proof that the content was the server's; `None` when there is none.
    #[must_use]
    pub const fn staleness(&self) -> Option<Duration> {
        self.staleness
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            None => write!(f, "map {}: ready", self.map),
            Some(reason) => write!(f, "map {}: not ready: {reason}", self.map),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Health {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut object = serializer.serialize_struct("Health", 6)?;
        object.serialize_field("map", &self.map.to_string())?;
        object.serialize_field("ready", &self.is_ready())?;
        object.serialize_field("phase", &self.phase)?;
        object.serialize_field("staleness_seconds", &self.staleness.map(|age| age.as_secs_f64()))?;
        object.serialize_field("stored", &self.stored)?;
        object.serialize_field("reason", &self.reason)?;
        object.end()
    }
}
