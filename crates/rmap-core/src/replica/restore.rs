//! Showing a stored content before the server has confirmed or replaced it.

use std::time::Duration;

use rmap_proto::{Probe, Revision};

use super::Replica;
use crate::Value;
use crate::content::{KeyHasher, Table};
use crate::proof::{Proof, Unproven};
use crate::status::Restored;

/// Time since the last proof after which a life may have ended, and another one may have come to the same revision.
const LONG_AGO: Duration = Duration::from_secs(60);

/// A content that was stored, and what is known of it, for [`Replica::restore`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StoredContent {
    /// The revision; `None` when the server had no hash.
    pub revision: Option<Revision>,
    /// The number of fields that the hash had at this revision, reserved ones included.
    pub fields: u64,
    /// The last proof of this content, or of the one that it followed from. `None` where a probe can prove nothing.
    pub proof: Option<Proof>,
    /// The time of the last proof on the driver's clock; `None` when it is unknown.
    pub fresh_at: Option<Duration>,
}

impl StoredContent {
    /// A content with this revision and number of fields, without proof, of unknown age.
    #[must_use]
    pub const fn new(revision: Option<Revision>, fields: u64) -> Self {
        Self { revision, fields, proof: None, fresh_at: None }
    }

    /// Sets the proof.
    #[must_use]
    pub fn proof(mut self, proof: Option<Proof>) -> Self {
        self.proof = proof;
        self
    }

    /// Sets the time of the last proof, on the driver's clock.
    #[must_use]
    pub const fn fresh_at(mut self, fresh_at: Option<Duration>) -> Self {
        self.fresh_at = fresh_at;
        self
    }
}

/// Entries for [`Replica::restore`], from [`Replica::staging`]. Any thread may fill it.
#[derive(Debug)]
pub struct Staging(Table);

impl Staging {
    fn new(hasher: KeyHasher) -> Self {
        Self(Table::new(hasher))
    }

    /// Makes room for so many entries. Only good for speed.
    pub fn reserve(&mut self, entries: u64) {
        if self.0.len() == 0 {
            self.0 = Table::with_room(self.0.hasher.clone(), entries);
        }
    }

    /// Adds an entry. A key that was added before gets this value.
    pub fn set(&mut self, key: &[u8], value: &[u8]) {
        self.0.put(Value::stored(key, value));
    }
}

impl Replica {
    /// Begins to stage the entries of a stored content.
    #[must_use]
    pub fn staging(&self) -> Staging {
        Staging::new(self.content.hasher())
    }

    /// Shows a stored content until the server confirms or replaces it. Call it before any input; later it does nothing.
    /// `entries` must be [staged](Self::staging) by this replica.
    ///
    /// Its entries are emitted like those of a first snapshot. The content is as fresh as it was stored, and its revision
    /// reaches no wait before a proof. When a large map is joined, a probe may prove the content; it is then verified
    /// once in the background. Otherwise a snapshot replaces it, and the difference is emitted.
    pub fn restore(&mut self, stored: StoredContent, Staging(table): Staging) {
        let begun = self.joined || self.connections.connection.is_some() || self.content.len() > 0;
        if begun || self.is_closed() {
            return;
        }
        self.reserved = stored.fields.saturating_sub(table.len() as u64);
        self.doubt_restored();
        self.replace_content(table, false, |progress| progress.jump(stored.revision));
        self.status.fresh_at = stored.fresh_at;
        self.proof = stored.proof;
        self.status.restored = Restored::Shown;
        self.notify_status();
    }

    /// The proof of the local content, or of the content that it followed from.
    #[must_use]
    pub const fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    /// The number of fields that the server's hash has if nothing was lost, reserved ones included.
    #[must_use]
    pub fn fields(&self) -> u64 {
        self.expected().1
    }

    /// Decides whether a probe proves the local content, from before this connection.
    pub(super) fn judge_spared(&self, now: Duration, probe: &Probe) -> Result<(), Unproven> {
        let proof = self.proof.as_ref().ok_or(Unproven::NoProof)?;
        let local = self.expected();
        proof.judge(local, probe)?;
        // Within a short time no life ends and another one comes to the same revision and number of fields.
        let age = self.status.fresh_at.map(|fresh_at| now.saturating_sub(fresh_at));
        let long_ago = self.status.is_stored() || age.is_none_or(|age| age > LONG_AGO);
        match local.0 {
            Some(revision) if long_ago && proof.may_recur(revision) => Err(Unproven::MayRecur),
            Some(_) | None => Ok(()),
        }
    }

    /// Notes that a probe proved the stored content.
    pub(super) fn take_restored(&mut self) {
        if self.status.is_stored() {
            tracing::info!(entries = self.content.len(), "a probe proved the stored content");
            self.status.restored = Restored::Taken;
        }
    }

    /// Notes why a probe did not prove the stored content, which is shown until another one is there.
    pub(super) fn refuse_restored(&mut self, why: Unproven) {
        if self.status.is_stored() {
            self.refused.get_or_insert(why);
        }
    }

    /// Notes that another content is in the place of the stored one.
    pub(super) fn replace_restored(&mut self, overtaken: bool) {
        if !self.status.is_stored() {
            return;
        }
        let recurs = !self.content.progress().revision().is_some_and(Revision::is_unique);
        let why = match self.refused.take() {
            Some(why) => why,
            None if overtaken => Unproven::Overtaken,
            None if self.proof.is_none() => Unproven::NoProof,
            None if recurs => Unproven::MayRecur,
            None if !self.is_large() => Unproven::Small,
            None => Unproven::Disturbed,
        };
        tracing::info!(%why, "the server's content replaces the stored one");
        self.status.restored = Restored::Replaced(why);
    }
}
