//! The reading and writing of a store, for the status of its map.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Saved, StoreFault};
use crate::sync::{Mutex, lock};

/// Reading and writing of a map's store so far, from [`Status::store`](crate::Status::store).
///
/// `Display` is one line without values or keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStatus {
    /// The content of the store when the map was joined.
    pub found: StoreFound,
    /// The last write that succeeded; `None` before the first.
    pub written: Option<StoreWritten>,
    /// The fault of the last write, or the reason why nothing can be written; `None` when all is well.
    pub fault: Option<StoreFault>,
}

/// The content of a store when its map was joined.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFound {
    /// It is being read.
    Loading,
    /// Nothing: there is no file yet.
    Nothing,
    /// A content, which the map showed at once.
    Content {
        /// Number of entries.
        entries: u64,
        /// Bytes of the store.
        bytes: u64,
        /// Age of the last proof that the content was the server's, when it was read. `None`: it is unknown, because
        /// there was no proof, or because its time lies in the future of this computer's clock.
        age: Option<Duration>,
        /// True when the store was written at a time in the future of this computer's clock.
        from_the_future: bool,
    },
    /// Something that the map does not show, for this reason.
    Ignored(StoreFault),
    /// Reading took so long that the map went on without it.
    TooSlow,
}

/// The last write of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreWritten {
    /// The time of its end by this computer's clock.
    pub at: SystemTime,
    /// Bytes of the store.
    pub bytes: u64,
    /// Number of entries in the store.
    pub entries: u64,
    /// Number of entries that [`skip`](crate::Store::skip) left out.
    pub left_out: u64,
}

impl fmt::Display for StoreStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.fault, &self.written) {
            (Some(fault), _) => fault.fmt(f),
            (None, Some(written)) => {
                write!(f, "written: {} entries in {} bytes", written.entries, written.bytes)?;
                if written.left_out > 0 { write!(f, ", {} left out", written.left_out) } else { Ok(()) }
            }
            (None, None) => self.found.fmt(f),
        }
    }
}

impl fmt::Display for StoreFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loading => f.write_str("being read"),
            Self::Nothing => f.write_str("nothing stored yet"),
            Self::Content { entries, from_the_future: true, .. } => {
                write!(f, "{entries} entries of unknown age, stored in the future of this computer's clock")
            }
            Self::Content { entries, age: Some(age), .. } => {
                write!(f, "{entries} entries, {} old", Age(*age))
            }
            Self::Content { entries, age: None, .. } => write!(f, "{entries} entries of unknown age"),
            Self::Ignored(fault) => fault.fmt(f),
            Self::TooSlow => f.write_str("could not be read in time"),
        }
    }
}

/// An age in the unit that a person would choose.
pub(crate) struct Age(pub(crate) Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..60 => write!(f, "{:.1?}", self.0),
            seconds @ 60..7200 => write!(f, "{} min", seconds / 60),
            seconds @ 7200..172_800 => write!(f, "{} h", seconds / 3600),
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}

/// The status of a store, which the map's task changes.
#[derive(Debug)]
pub(crate) struct StoreState(Mutex<Arc<StoreStatus>>);

impl StoreState {
    pub(crate) fn new() -> Self {
        let status = StoreStatus { found: StoreFound::Loading, written: None, fault: None };
        Self(Mutex::new(Arc::new(status)))
    }

    pub(crate) fn get(&self) -> Arc<StoreStatus> {
        Arc::clone(&lock(&self.0))
    }

    pub(super) fn found(&self, found: StoreFound) {
        Arc::make_mut(&mut lock(&self.0)).found = found;
    }

    /// Notes that nothing can be written.
    pub(super) fn cannot_write(&self, fault: StoreFault) {
        tracing::warn!(%fault, "the content cannot be stored");
        Arc::make_mut(&mut lock(&self.0)).fault = Some(fault);
    }

    /// Notes a write, and logs a fault that is new, and its end.
    pub(super) fn written(&self, outcome: Result<Saved, StoreFault>) {
        let mut status = lock(&self.0);
        let status = Arc::make_mut(&mut status);
        match outcome {
            Ok(Saved { bytes, entries, left_out }) => {
                if status.fault.take().is_some() {
                    tracing::info!("the content is stored again");
                }
                status.written = Some(StoreWritten { at: SystemTime::now(), bytes, entries, left_out });
            }
            Err(fault) => {
                if status.fault.as_ref() != Some(&fault) {
                    tracing::warn!(%fault, "the content was not stored, and is stored later");
                }
                status.fault = Some(fault);
            }
        }
    }
}

/// Serializes as `{"found", "fault", "written"}`: texts, and `{"unix_seconds", "bytes", "entries", "left_out"}` or null.
#[cfg(feature = "serde")]
impl serde::Serialize for StoreStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut object = serializer.serialize_struct("StoreStatus", 3)?;
        object.serialize_field("found", &self.found.to_string())?;
        object.serialize_field("fault", &self.fault.as_ref().map(ToString::to_string))?;
        object.serialize_field("written", &self.written)?;
        object.end()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for StoreWritten {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let at = self.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut object = serializer.serialize_struct("StoreWritten", 4)?;
        object.serialize_field("unix_seconds", &at.as_secs_f64())?;
        object.serialize_field("bytes", &self.bytes)?;
        object.serialize_field("entries", &self.entries)?;
        object.serialize_field("left_out", &self.left_out)?;
        object.end()
    }
}
