//! The meaning of the operations: a model of the hash, its revisions, its time to live, and its notifications.
//!
//! The Lua scripts do the same on a server, and a differential test compares the two. The in-memory transport and the
//! simulation run on this model. Time is an argument, in milliseconds since the Unix epoch.
//!
//! ```
//! use rmap_model::Authority;
//! use rmap_proto::{Change, Key, KeyOperation, Notification, Ttl, Write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut authority = Authority::new();
//! let operation = KeyOperation::Set { key: Key::new("color")?, value: "blue".into() };
//! let now = 1_700_000_000_000; // milliseconds since the Unix epoch
//! let (written, published) = authority.write(now, &Write::new(operation, Ttl::None))?;
//!
//! let notification = Notification::decode(&published[0])?;
//! assert_eq!(Some(notification.revision), written.revision);
//! assert_eq!(notification.change, Change::Set { key: b"color", value: b"blue" });
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod change;
mod fields;
mod leases;
mod read;
mod ttl;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use rmap_proto::{
    Change, KIND_FIELD, Key, KeyOperation, Notification, Operation, REVISION_FIELD, Replication, Revision,
    Write, WriteError, WriteReply,
};

use self::fields::Fields;
pub use self::leases::{LeaseBook, Record, Side};

/// The authority of one map: the hash as its server holds it.
#[derive(Debug, Clone, Default)]
pub struct Authority {
    fields: Fields,
    deadline: Option<u64>,
    replication: Option<Replication>,
    book: LeaseBook,
}

/// The answer to a write, and the published payloads in order.
type Outcome = (WriteReply, Vec<Vec<u8>>);

impl Authority {
    /// An authority whose hash does not exist yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Performs a write. Returns the answer and the payloads to publish on the map's channel, in order.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if nothing changed. The error is never [`WriteError::Indeterminate`].
    pub fn write(&mut self, now_ms: u64, write: &Write) -> Result<(WriteReply, Vec<Vec<u8>>), WriteError> {
        write.check()?;
        self.advance(now_ms);
        match &write.operation {
            Operation::Key(operation) => self.write_key(now_ms, write, operation),
            Operation::Reset => self.clear(now_ms, write, Change::Reset),
            Operation::Destroy => self.clear(now_ms, write, Change::Destroy),
            Operation::TestAndReset { tests } => self.test_and_clear(now_ms, write, tests),
            Operation::Batch(batch) => self.write_batch(now_ms, write, batch),
        }
    }

    /// Lets the hash and the sidecars expire if their time has come.
    pub fn advance(&mut self, now_ms: u64) {
        self.advance_sidecars(now_ms);
        if self.deadline.is_some_and(|deadline| now_ms > deadline) {
            self.delete_hash();
        }
    }

    /// Sets a field directly, without a revision or a notification. Reserved fields are allowed.
    pub fn hset(&mut self, field: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.fields.insert(Bytes::copy_from_slice(field.as_ref()), Bytes::copy_from_slice(value.as_ref()));
        self.propagate();
    }

    /// Deletes a field directly, and the hash with its last field. Returns true if the field existed.
    pub fn hdel(&mut self, field: impl AsRef<[u8]>) -> bool {
        let removed = self.fields.remove(field.as_ref());
        self.propagate();
        if self.fields.len() == 0 {
            self.deadline = None;
        }
        removed
    }

    /// Deletes the hash directly, as `DEL`, `FLUSHALL` and expiry do.
    pub fn delete_hash(&mut self) {
        self.fields = Fields::default();
        self.deadline = None;
        self.propagate();
    }

    /// Sets the time to live directly, if the hash exists.
    pub fn expire(&mut self, now_ms: u64, ttl: Duration) {
        if self.exists() {
            let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
            self.deadline = Some(now_ms.saturating_add(millis));
        }
    }

    /// Removes the time to live directly.
    pub fn persist(&mut self) {
        self.deadline = None;
    }

    /// Sets what the server says about its replication. Every change from then on raises the offset. `None` stands for a
    /// user without the right to read it.
    pub fn set_replication(&mut self, replication: Option<Replication>) {
        self.replication = replication;
    }

    /// Makes the hash that of another server, which continues no other history.
    pub fn set_replication_id(&mut self, id: Option<Bytes>) {
        self.replication = id.map(|id| Replication::new(id, 0));
    }

    /// The replication of the server.
    #[must_use]
    pub const fn replication(&self) -> Option<&Replication> {
        self.replication.as_ref()
    }

    /// Makes the hash that of a server which takes over from the present one, and draws this replication id.
    pub fn promote(&mut self, id: Bytes) {
        if let Some(Replication { id: former, offset, .. }) = self.replication.take() {
            self.replication = Some(Replication::new(id, offset).former(former, offset + 1));
        }
    }

    /// Counts a change in the stream that replicas of the server follow.
    fn propagate(&mut self) {
        if let Some(replication) = &mut self.replication {
            replication.offset += 1;
        }
    }

    /// True if the hash exists.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.fields.len() > 0
    }

    /// All fields of the hash, reserved ones included.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<Bytes, Bytes> {
        self.fields.iter().map(|(field, value)| (field.clone(), value.clone())).collect()
    }

    /// The remaining time to live. `None` if the hash has none, or does not exist.
    #[must_use]
    pub fn ttl(&self, now_ms: u64) -> Option<Duration> {
        self.deadline.map(|deadline| Duration::from_millis(deadline.saturating_sub(now_ms)))
    }

    fn write_key(
        &mut self,
        now_ms: u64,
        write: &Write,
        operation: &KeyOperation,
    ) -> Result<Outcome, WriteError> {
        let revision = self.revision()?;
        let key = operation.key();
        let previous = self.fields.get(key.as_bytes()).cloned();
        let change = change::decide(operation, previous.as_ref(), write.lists)?;
        let Some(value) = change.value else {
            let written = WriteReply::new(false, revision).previous(previous).value(change.shown);
            return Ok((written, Vec::new()));
        };
        let mut shown = change.shown;
        let mut plan = None;
        if write.leases || operation.begins_lease() {
            let plan = plan.insert(self.plan(revision));
            let fence = self.plan_step(plan, now_ms, operation, value.as_ref())?;
            shown = shown.or_else(|| fence.map(|fence| fence.to_string().into()));
        }
        let new = self.next_revision(now_ms, revision)?;
        let left = plan.as_ref().and_then(|plan| plan.left(key));
        let payload = self.apply(key, value.as_ref(), (new, 0), revision.is_none(), left);
        self.touch(now_ms, write.ttl);
        if let Some(plan) = plan {
            self.carry_out(now_ms, plan, new);
        }
        let written = WriteReply::new(true, Some(new)).previous(previous).value(shown);
        Ok((written, vec![payload]))
    }

    /// Writes one key (`None` deletes it) and the reserved fields. Returns the payload to publish. `remaining` is the
    /// number of keys of the same batch that follow, and `lease_left` the time left of a lease that the write begins.
    fn apply(
        &mut self,
        key: &Key,
        value: Option<&Bytes>,
        (new, remaining): (Revision, u32),
        born: bool,
        lease_left: Option<u64>,
    ) -> Vec<u8> {
        let key = key.to_bytes();
        let change = match value {
            Some(value) => {
                self.fields.insert(key.clone(), value.clone());
                self.stamp(new, b"set");
                Change::Set { key: &key, value }
            }
            None => {
                self.fields.remove(&key);
                self.stamp(new, b"del");
                Change::Delete { key: &key }
            }
        };
        Notification::new(new, change).born(born).remaining(remaining).lease_left(lease_left).encode()
    }

    fn test_and_clear(
        &mut self,
        now_ms: u64,
        write: &Write,
        tests: &[(Key, Bytes)],
    ) -> Result<Outcome, WriteError> {
        let revision = self.revision()?;
        if tests.iter().all(|(key, test)| self.fields.get(key.as_bytes()) == Some(test)) {
            return self.clear(now_ms, write, Change::Reset);
        }
        let written = WriteReply::new(false, revision);
        Ok((written, Vec::new()))
    }

    fn clear(&mut self, now_ms: u64, write: &Write, change: Change<'_>) -> Result<Outcome, WriteError> {
        let revision = self.revision()?;
        let new = self.next_revision(now_ms, revision)?;
        self.fields = Fields::default();
        self.stamp(new, if change == Change::Destroy { b"destroy" } else { b"reset" });
        self.deadline = self.deadline.map(|deadline| deadline.max(now_ms + 1));
        self.touch(now_ms, write.ttl);
        if write.leases {
            self.end_all_leases(now_ms);
        }
        let written = WriteReply::new(true, Some(new));
        Ok((written, vec![Notification::new(new, change).encode()]))
    }

    /// The revision of the hash: zero without `=rev`, `None` without a hash.
    ///
    /// # Errors
    ///
    /// [`WriteError::CorruptRevision`] when the field `=rev` is not a revision.
    pub fn revision(&self) -> Result<Option<Revision>, WriteError> {
        match self.fields.get(REVISION_FIELD) {
            Some(text) => Revision::parse(text).map(Some).ok_or(WriteError::CorruptRevision),
            None => Ok(self.exists().then_some(Revision::ZERO)),
        }
    }

    /// The revision of an applied write: one more than before, or the clock if there is no `=rev` yet.
    fn next_revision(&self, now_ms: u64, revision: Option<Revision>) -> Result<Revision, WriteError> {
        let next = match revision {
            Some(revision) if self.fields.get(REVISION_FIELD).is_some() => revision.next(),
            // Revision 0 means "no `=rev`", so a clock at or before 1970 gives revision 1.
            _ => Revision::new(now_ms.max(1)),
        };
        next.ok_or(WriteError::RevisionsExhausted)
    }

    fn stamp(&mut self, revision: Revision, kind: &'static [u8]) {
        self.fields.insert(Bytes::from_static(REVISION_FIELD), revision.to_string().into());
        self.fields.insert(Bytes::from_static(KIND_FIELD), Bytes::from_static(kind));
        self.propagate();
    }
}
