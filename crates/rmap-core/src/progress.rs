//! Progress of a replica, and waits for a revision or for freshness.

use rmap_proto::Revision;

/// The position of a replica in the history of its map.
///
/// To wait, take a [`Target`] from the progress that [`Reader::progress`](crate::Reader::progress) returns now. Then
/// [check](Self::check) every later progress against the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    revision: Option<Revision>,
    /// Counts the breaks of history. Revisions from before and after a break cannot be compared.
    history: u64,
    /// The first revision of this history, if the replica saw the hash being created.
    start: Option<Revision>,
    /// Number of the last snapshot or probe request that was issued.
    issued: u64,
    /// Number of the last snapshot or probe request that proved the content right.
    proven: u64,
    /// Number of the last snapshot or probe request that found no hash while the content was kept.
    lost: u64,
    /// True while content from a notification that may be forged is not verified yet.
    doubtful: bool,
    closed: bool,
}

impl Progress {
    /// The revision of the local content, or `None` for no hash.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// True when the replica is closed and its content is final.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// True if a content at this progress has everything that it had at an earlier one, or shows that its history broke.
    #[must_use]
    pub fn includes(&self, earlier: &Self) -> bool {
        let same_history = self.history == earlier.history && self.revision >= earlier.revision;
        (same_history || self.history > earlier.history) && self.proven >= earlier.proven
    }

    /// Begins a wait for a revision that was committed before this call. `None` stands for "no hash" and is reached at
    /// once.
    ///
    /// A revision that the local content has passed may belong to a later life of the hash, which the content does not
    /// show yet. Such a wait [needs a proof](Target::needs_proof), unless the replica is closed and its content is
    /// final.
    #[must_use]
    pub fn target(&self, revision: Option<Revision>) -> Target {
        let passed = revision.is_some() && self.revision >= revision;
        // A server that lost the life that is shown may have come to its first revision again.
        let not_its_start = (passed && self.start == revision).then_some(self.history);
        Target { not_its_start, ..self.wait(What::Revision(revision), passed && !self.closed) }
    }

    /// Begins a wait for a revision that a write of this process committed. `before` is the progress from before the
    /// write was sent; `self` is the progress at its reply.
    ///
    /// Within one life of the hash, the revision of a write is above every revision known before. The wait therefore
    /// needs a proof only if the revision is not above, or if the history broke while the write was in flight.
    #[must_use]
    pub fn own_target(&self, revision: Revision, before: &Self) -> Target {
        let another_life = before.revision >= Some(revision) || before.history != self.history;
        let not_its_start = (before.start == Some(revision)).then_some(before.history);
        Target { not_its_start, ..self.wait(What::Revision(Some(revision)), another_life) }
    }

    /// Begins a wait for a proof, requested after this call, that the content is the server's.
    #[must_use]
    pub const fn fresh_target(&self) -> Target {
        self.wait(What::Proof, true)
    }

    const fn wait(&self, what: What, needs_proof: bool) -> Target {
        Target { what, needs_proof, not_its_start: None, history: self.history, issued: self.issued }
    }

    /// Decides whether the wait for `target` is over.
    #[must_use]
    pub fn check(&self, target: &Target) -> Wait {
        match target.what {
            What::Proof if self.proven > target.issued => Wait::Reached,
            What::Proof if self.lost > target.issued => Wait::HistoryBroken,
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
        let reached = self.revision >= Some(revision);
        // The write that created the hash made the first revision of its life. No other write has this number, unless a
        // server that lost that life reached the number again.
        let begins_life = self.start == Some(revision)
            && target.not_its_start != Some(self.history)
            && revision.is_unique()
            && reached;
        let below_life = self.start.is_some_and(|start| revision < start);
        let proven = self.proven > target.issued;
        let lost = self.lost > target.issued && !proven;
        if target.needs_proof && !begins_life {
            if lost {
                return Wait::HistoryBroken;
            }
            // Without a read issued after the commit, the content may still be that of an earlier life.
            return match (proven, reached && !below_life) {
                (false, _) => Wait::Pending,
                (true, true) => Wait::Reached,
                (true, false) => Wait::HistoryBroken,
            };
        }
        if begins_life && self.doubtful {
            return Wait::Pending;
        }
        let broken = below_life || (self.history != target.history && !begins_life);
        match (broken, reached) {
            (true, _) => Wait::HistoryBroken,
            (false, true) => Wait::Reached,
            // A read issued after the commit did not show the revision.
            (false, false) if proven || lost => Wait::HistoryBroken,
            (false, false) => Wait::Pending,
        }
    }

    /// True if a request that can prove the content was issued after this wait began.
    pub(crate) const fn has_issued_since(&self, target: &Target) -> bool {
        self.issued > target.issued
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

    pub(crate) fn lose(&mut self, request: u64) {
        self.lost = self.lost.max(request);
    }

    pub(crate) fn doubt(&mut self, doubtful: bool) {
        self.doubtful = doubtful;
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
    }
}

/// The goal of a wait, and the moment at which the wait began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    what: What,
    needs_proof: bool,
    /// The history that already had this revision as its start before the wait began, or before the write was sent. There
    /// the revision may be another write's.
    not_its_start: Option<u64>,
    history: u64,
    issued: u64,
}

impl Target {
    /// The later of two waits. A proof for the later wait serves both.
    #[must_use]
    pub const fn later(self, other: Self) -> Self {
        if self.issued > other.issued { self } else { other }
    }

    /// True if only a proof requested after the wait began can end it. Pass the target to
    /// [`Replica::handle_wait`](crate::Replica::handle_wait) then.
    #[must_use]
    pub const fn needs_proof(&self) -> bool {
        self.needs_proof
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Revision(Option<Revision>),
    Proof,
}

/// The state of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// The wait goes on.
    Pending,
    /// The local content is at the revision or later, or is proven fresh.
    Reached,
    /// The revision is not in the history of the current content. The hash expired, was deleted or rewound meanwhile,
    /// or the server lost the write. A wait for a proof ends so when there is no hash and the content is kept.
    HistoryBroken,
    /// The replica is closed and cannot reach the target any more.
    Closed,
}
