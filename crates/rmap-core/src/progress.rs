//! Where a replica stands, as those who wait for a revision or for freshness need it.

use rmap_proto::Revision;

/// Where a replica stands.
///
/// Take a [`Target`] from the progress that [`Reader::progress`](crate::Reader::progress) returns at the start of the
/// wait, then hold every later progress against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    revision: Option<Revision>,
    /// Rises whenever revisions before and after cannot be compared.
    history: u64,
    /// The first revision of this history, where it was seen.
    start: Option<Revision>,
    /// Number of the last request for a snapshot or probe that was issued.
    issued: u64,
    /// Number of the last such request that proved the content right.
    proven: u64,
    closed: bool,
}

impl Progress {
    /// The revision of the local content; `None`: no hash.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// True when the replica is closed, and nothing will change any more.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Begins a wait for a revision that was committed before this call. `None` stands for "no hash" and is reached at once.
    #[must_use]
    pub const fn target(&self, revision: Option<Revision>) -> Target {
        Target { what: What::Revision(revision), history: self.history, issued: self.issued }
    }

    /// Begins a wait for a proof, asked for after this call, that the content is the server's.
    #[must_use]
    pub const fn fresh_target(&self) -> Target {
        Target { what: What::Proof, history: self.history, issued: self.issued }
    }

    /// Judges a wait that began with `target`.
    #[must_use]
    pub fn check(&self, target: &Target) -> Wait {
        match target.what {
            What::Proof if self.proven > target.issued => Wait::Reached,
            What::Proof | What::Revision(Some(_)) if self.closed => self.check_closed(target),
            What::Proof => Wait::Pending,
            What::Revision(None) => Wait::Reached,
            What::Revision(Some(revision)) => self.check_revision(revision, target),
        }
    }

    fn check_closed(&self, target: &Target) -> Wait {
        match target.what {
            What::Revision(Some(revision)) if self.check_revision(revision, target) == Wait::Reached => {
                Wait::Reached
            }
            What::Revision(_) | What::Proof => Wait::Closed,
        }
    }

    fn check_revision(&self, revision: Revision, target: &Target) -> Wait {
        let begins_history = self.start == Some(revision) && revision.is_unique();
        let reached = self.revision >= Some(revision);
        if self.history != target.history {
            // A write that created the hash anew is the history's first state, and no other write has its number.
            return if begins_history && reached { Wait::Reached } else { Wait::HistoryBroken };
        }
        if self.start.is_some_and(|start| revision < start) {
            Wait::HistoryBroken
        } else if reached {
            Wait::Reached
        } else if self.proven > target.issued {
            // The server was asked after the revision had been committed, and is not there.
            Wait::HistoryBroken
        } else {
            Wait::Pending
        }
    }

    pub(crate) fn advance(&mut self, revision: Revision) {
        self.revision = Some(revision);
    }

    pub(crate) fn jump(&mut self, revision: Option<Revision>) {
        self.revision = revision;
    }

    pub(crate) fn break_history(&mut self) {
        self.history += 1;
        self.start = None;
    }

    pub(crate) fn begin_life(&mut self, revision: Revision) {
        self.start = Some(revision);
    }

    pub(crate) fn issue(&mut self, request: u64) {
        self.issued = request;
    }

    pub(crate) fn prove(&mut self, request: u64) {
        self.proven = self.proven.max(request);
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
    }
}

/// What somebody waits for, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    what: What,
    history: u64,
    issued: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Revision(Option<Revision>),
    Proof,
}

/// How a wait stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// Not yet.
    Pending,
    /// The local content is at the revision or later, or is proven fresh.
    Reached,
    /// The revision is not in the history of the current content: the hash expired, was deleted or rewound meanwhile,
    /// or the server lost the write.
    HistoryBroken,
    /// The replica is closed.
    Closed,
}
