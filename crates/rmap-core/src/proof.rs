//! The proof that a content was the server's, and what it still proves on another connection.

use std::fmt;

use bytes::Bytes;
use rmap_proto::{Probe, Revision};

/// The position of a server at the moment at which it proved a content.
///
/// It lets a later probe prove the content again without reading it: after a reconnect, or of a [stored](crate::stored)
/// content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// The revision of the proven content.
    pub revision: Revision,
    /// The replication id of the server.
    pub replication_id: Bytes,
    /// The replication offset of the server.
    pub offset: u64,
    /// The server's clock, in milliseconds since the Unix epoch.
    pub clock: u64,
}

impl Proof {
    /// A proof of this revision by a server with this replication id, replication offset and clock.
    #[must_use]
    pub const fn new(revision: Revision, replication_id: Bytes, offset: u64, clock: u64) -> Self {
        Self { revision, replication_id, offset, clock }
    }

    /// The proof that a probe gives for the content with its revision. `None` where the server shows no
    /// replication id or no clock.
    pub(crate) fn of(probe: &Probe) -> Option<Self> {
        let replication = probe.replication.as_ref()?;
        Some(Self::new(probe.revision?, replication.id.clone(), replication.offset, probe.clock?))
    }

    /// True when a later life of the hash may have this revision, too. Every life begins at the server's clock, so a
    /// revision below the clock of the proof cannot recur.
    pub(crate) const fn may_recur(&self, revision: Revision) -> bool {
        !revision.is_unique() || revision.get() >= self.clock
    }

    /// Decides whether a probe proves a content that has `local` revision and number of fields, and that was proven by
    /// `self` or followed from what was.
    ///
    /// The server must still have the history of the proof. A server that continues it under an id of its own may lack later changes,
    /// so that only the proven revision itself counts there.
    pub(crate) fn judge(&self, local: (Option<Revision>, u64), probe: &Probe) -> Result<(), Unproven> {
        let (Some(revision), fields) = local else { return Err(Unproven::NoProof) };
        if probe.revision != Some(revision) {
            return Err(Unproven::Revision { local: revision, server: probe.revision });
        }
        if probe.fields != fields {
            return Err(Unproven::Fields { local: fields, server: probe.fields });
        }
        let (Some(server), Some(clock)) = (&probe.replication, probe.clock) else {
            return Err(Unproven::NoRights);
        };
        if clock < self.clock {
            return Err(Unproven::ClockWentBack);
        }
        if server.id == self.replication_id {
            return if server.offset >= self.offset { Ok(()) } else { Err(Unproven::Older) };
        }
        match &server.former {
            Some(former) if former.id == self.replication_id => {
                let shared = self.offset < former.end && revision == self.revision;
                if shared { Ok(()) } else { Err(Unproven::Older) }
            }
            Some(_) | None => Err(Unproven::AnotherServer),
        }
    }
}

/// The reason why a probe does not prove a content, so that the content is read from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unproven {
    /// The content has no proof: the server showed no replication id or no clock, or entries were left out.
    NoProof,
    /// The map is so small that a snapshot costs no more than a probe.
    Small,
    /// The server is at another revision.
    Revision {
        /// The revision of the local content.
        local: Revision,
        /// The revision of the server; `None` when it has no hash.
        server: Option<Revision>,
    },
    /// The server has another number of fields at the same revision.
    Fields {
        /// The number of fields that belongs to the local content.
        local: u64,
        /// The number of fields at the server.
        server: u64,
    },
    /// The revision is not below the server's clock at the proof, so that another life of the hash may have it, too.
    MayRecur,
    /// The user may not run INFO or TIME.
    NoRights,
    /// The server's clock is behind that of the proof.
    ClockWentBack,
    /// The server does not have everything that the proof saw: it came back from an older copy, or took over without it.
    Older,
    /// The replication id is neither that of the proof nor the former one of this server.
    AnotherServer,
    /// A notification replaced the whole content first.
    Overtaken,
    /// The probe was not answered, or its connection broke.
    Disturbed,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProof => f.write_str("it has no proof"),
            Self::Small => f.write_str("a map this small is read again as fast"),
            Self::Revision { local, server: Some(server) } => {
                write!(f, "the server is at revision {server}, it is at {local}")
            }
            Self::Revision { local, server: None } => {
                write!(f, "the server has no hash, it is at revision {local}")
            }
            Self::Fields { local, server } => {
                write!(f, "the server has {server} fields at the same revision, it has {local}")
            }
            Self::MayRecur => f.write_str("its revision may recur in another life of the hash"),
            Self::NoRights => f.write_str("the user may not run INFO or TIME"),
            Self::ClockWentBack => f.write_str("the server's clock went back since its proof"),
            Self::Older => f.write_str("the server lacks changes from before its proof"),
            Self::AnotherServer => f.write_str("another server proved it"),
            Self::Overtaken => f.write_str("a notification replaced it first"),
            Self::Disturbed => f.write_str("no probe was answered"),
        }
    }
}
