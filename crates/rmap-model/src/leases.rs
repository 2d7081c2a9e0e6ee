//! Leases in the model: the sidecars, and what a write does to the leases of its keys.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use rmap_proto::{Deadline, Key};
use rmap_proto::{
    Expiry, Held, KeyOperation, LeaseNews, Leases, MAX_LEASED_BYTES, MAX_LEASES_AT_ONCE, Reaped, ResultKind,
    Revision, Revoked, Ttl, WriteError,
};
use std::time::Duration;

use super::Authority;

/// How long the sidecars live after the last deadline, in milliseconds.
const SIDECARS_OUTLIVE: u64 = 3_600_000;

/// The sidecars of a map: which leases there are, and when they run out.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LeaseBook {
    /// The hash of records. `None` where it does not exist.
    pub side: Option<Side>,
    /// The deadline of each key, in milliseconds since the Unix epoch. `None` where the sorted set does not exist.
    pub deadlines: Option<BTreeMap<Bytes, u64>>,
    /// When the two expire, in milliseconds since the Unix epoch.
    until: (Option<u64>, Option<u64>),
}

/// The records of the leases.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Side {
    /// The last fence of the map.
    pub fence: Option<u64>,
    /// The record of each key.
    pub records: BTreeMap<Bytes, Record>,
}

/// The value and the revision that a lease guards.
///
/// The `Debug` form shows no value.
#[derive(Clone)]
#[non_exhaustive]
pub struct Record {
    /// The fence of the lease.
    pub fence: u64,
    /// The revision of the set; in a batch, the first revision of the batch.
    pub revision: Revision,
    /// The value that the key must hold.
    pub value: Bytes,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.fence, self.revision)
    }
}

/// The leases that a write leaves, by key. `None` for a key whose lease ends.
pub(super) struct Plan {
    leases: BTreeMap<Bytes, Option<Draft>>,
    last_fence: u64,
    /// True when all leases end, because the write clears the map or begins a life.
    wipes: bool,
}

struct Draft {
    fence: u64,
    /// The revision of a lease that is carried over.
    revision: Option<Revision>,
    /// The expiry of a lease that begins.
    expiry: Option<Expiry>,
    value: Bytes,
}

impl Plan {
    /// Time left of a lease that the write of this key begins, in milliseconds.
    pub(super) fn left(&self, key: &Key) -> Option<u64> {
        let lease = self.leases.get(key.as_bytes())?.as_ref()?;
        lease.expiry.map(Expiry::get)
    }
}

/// The answer to a removal, its payloads, and the revisions that it took.
type Removal = (Option<Revision>, Vec<Bytes>, Vec<Vec<u8>>);

impl Authority {
    /// The sidecars.
    #[must_use]
    pub const fn lease_book(&self) -> &LeaseBook {
        &self.book
    }

    /// Deletes one of the sidecars directly, or both, as `DEL` and eviction do.
    pub fn delete_sidecars(&mut self, side: bool, deadlines: bool) {
        if side {
            (self.book.side, self.book.until.0) = (None, None);
        }
        if deadlines {
            (self.book.deadlines, self.book.until.1) = (None, None);
        }
        self.propagate();
    }

    /// Makes the sidecars, or what is missing of them.
    pub fn start_leases(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.book.side.get_or_insert_default();
        self.book.deadlines.get_or_insert_default();
        self.keep_sidecars(now_ms);
        self.propagate();
    }

    /// The state of the leases, as a read shows it.
    #[must_use]
    pub fn leases(&self, now_ms: u64) -> Leases {
        if self.book.side.is_none() { Leases::Off } else { Leases::On { next: self.next_deadline(now_ms) } }
    }

    /// The deadline of a key's lease.
    ///
    /// # Errors
    ///
    /// [`WriteError::CorruptRevision`] when the field `=rev` is not a revision.
    pub fn expires_at(&mut self, now_ms: u64, key: &Key) -> Result<Option<Deadline>, WriteError> {
        self.advance(now_ms);
        let revision = self.revision()?;
        let fence = self.held(key.as_bytes(), revision).map(|record| record.fence);
        let at = self.book.deadlines.as_ref().and_then(|deadlines| deadlines.get(key.as_bytes()));
        Ok(at.zip(fence).map(|(at, fence)| Deadline::new(*at, now_ms, fence)))
    }

    /// Moves the deadlines of the leases that still have their fence and guard what their keys hold. Returns the keys of the
    /// others.
    ///
    /// # Errors
    ///
    /// [`WriteError::CorruptRevision`] when the field `=rev` is not a revision.
    pub fn renew(&mut self, now_ms: u64, expiry: Expiry, leases: &[Held]) -> Result<Vec<Bytes>, WriteError> {
        self.advance(now_ms);
        let revision = self.revision()?;
        let holds = |held: &Held| self.fence_of(held.key.as_bytes(), revision) == Some(held.fence);
        let (kept, lost): (Vec<_>, Vec<_>) = leases.iter().partition(|held| holds(held));
        if !kept.is_empty() {
            let deadlines = self.book.deadlines.get_or_insert_default();
            deadlines.extend(kept.iter().map(|held| (held.key.to_bytes(), now_ms + expiry.get())));
            self.keep_sidecars(now_ms + expiry.get());
            self.propagate();
        }
        Ok(lost.iter().map(|held| held.key.to_bytes()).collect())
    }

    /// Deletes the keys whose leases have run out. Returns the answer, the payloads to publish on the map's channel, and the
    /// news to publish on the shared channel.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if nothing changed.
    #[expect(clippy::type_complexity, reason = "what is published goes to two channels")]
    pub fn reap(
        &mut self,
        now_ms: u64,
        ttl: Ttl,
    ) -> Result<(Reaped, Vec<Vec<u8>>, Option<LeaseNews>), WriteError> {
        self.advance(now_ms);
        let deadlines = self.book.deadlines.iter().flatten();
        let mut due: Vec<(u64, Bytes)> =
            deadlines.filter(|(_, at)| **at <= now_ms).map(|(key, at)| (*at, key.clone())).collect();
        due.sort();
        due.truncate(MAX_LEASES_AT_ONCE);
        let due: Vec<Bytes> = due.into_iter().map(|(_, key)| key).collect();
        let (revision, gone, payloads) = self.remove(now_ms, ttl, &due)?;
        let next = self.next_deadline(now_ms);
        let reaped = Reaped::new(revision, gone.len() as u64, (due.len() - gone.len()) as u64, next);
        let news = gone.is_empty().then(|| LeaseNews::new(next));
        Ok((reaped, payloads, news))
    }

    /// Deletes the keys that are held with these fences, and ends their leases. Returns the answer and the payloads.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if nothing changed.
    pub fn revoke(
        &mut self,
        now_ms: u64,
        ttl: Ttl,
        leases: &[Held],
    ) -> Result<(Revoked, Vec<Vec<u8>>), WriteError> {
        self.advance(now_ms);
        let revision = self.revision()?;
        let holds = |held: &Held| self.fence_of(held.key.as_bytes(), revision) == Some(held.fence);
        let (held, others): (Vec<_>, Vec<_>) = leases.iter().partition(|held| holds(held));
        let keys: Vec<Bytes> = held.iter().map(|held| held.key.to_bytes()).collect();
        let not_held = others.iter().map(|held| held.key.to_bytes()).collect();
        let (revision, gone, payloads) = self.remove(now_ms, ttl, &keys)?;
        Ok((Revoked::new(revision, gone.len() as u64, not_held), payloads))
    }

    /// Ends the leases of these keys, and deletes the keys whose lease guards what they hold.
    fn remove(&mut self, now_ms: u64, ttl: Ttl, keys: &[Bytes]) -> Result<Removal, WriteError> {
        let revision = self.revision()?;
        let mut next = Some(self.next_revision(now_ms, revision)?);
        let gone: Vec<Bytes> =
            keys.iter().filter(|key| self.held(key, revision).is_some()).cloned().collect();
        let exhausted = || WriteError::RevisionsExhausted;
        let (mut last, mut payloads) = (revision, Vec::new());
        let count = gone.len() as u64;
        if count > 0 {
            let first = next.ok_or_else(exhausted)?;
            Revision::new(first.get() + count - 1).ok_or_else(exhausted)?;
        }
        for bytes in &gone {
            let key = Key::new(bytes).map_err(|_| exhausted())?;
            let new = next.ok_or_else(exhausted)?;
            payloads.push(self.apply(&key, None, (new, 0), false, None));
            (last, next) = (Some(new), new.next());
        }
        if count > 0 {
            self.touch(now_ms, ttl);
        }
        for key in keys {
            self.end_lease(key);
        }
        Ok((last, gone, payloads))
    }

    /// Begins the plan of a write.
    pub(super) fn plan(&self, revision: Option<Revision>) -> Plan {
        let last_fence = self.book.side.as_ref().and_then(|side| side.fence).unwrap_or_default();
        Plan { leases: BTreeMap::new(), last_fence, wipes: revision.is_none() }
    }

    /// Adds an applied operation to a plan. Returns the fence of a lease that it begins.
    pub(super) fn plan_step(
        &self,
        plan: &mut Plan,
        now_ms: u64,
        operation: &KeyOperation,
        value: Option<&Bytes>,
    ) -> Result<Option<u64>, WriteError> {
        let key = operation.key().to_bytes();
        let (keeps, begins) = match operation.result() {
            ResultKind::Previous => (false, false),
            ResultKind::Integer | ResultKind::List => (true, false),
            ResultKind::Fence => (false, true),
        };
        let lease = match (value, expiry(operation)) {
            (Some(value), Some(expiry)) if begins => {
                plan.last_fence = now_ms.max(plan.last_fence + 1);
                Some(Draft {
                    fence: plan.last_fence,
                    revision: None,
                    expiry: Some(expiry),
                    value: value.clone(),
                })
            }
            (Some(value), _) if keeps => {
                let lease = match plan.leases.remove(&key) {
                    Some(planned) => planned.map(|draft| Draft { value: value.clone(), ..draft }),
                    None => self.carried(&key, value)?,
                };
                if lease.is_some() && value.len() > MAX_LEASED_BYTES {
                    return Err(WriteError::ListTooLong);
                }
                lease
            }
            _ => None,
        };
        let fence = lease.as_ref().filter(|_| begins).map(|lease| lease.fence);
        plan.leases.insert(key, lease);
        Ok(fence)
    }

    fn carried(&self, key: &Bytes, value: &Bytes) -> Result<Option<Draft>, WriteError> {
        let record = self.held(key, self.revision()?);
        Ok(record.map(|record| Draft {
            fence: record.fence,
            revision: Some(record.revision),
            expiry: None,
            value: value.clone(),
        }))
    }

    /// Carries out a plan. `new` is the first revision of the write.
    pub(super) fn carry_out(&mut self, now_ms: u64, plan: Plan, new: Revision) {
        if plan.wipes {
            self.end_all_leases(now_ms);
        }
        let known = self.book.side.as_ref().and_then(|side| side.fence).unwrap_or_default();
        if plan.last_fence > known || plan.leases.values().any(Option::is_some) {
            // A fence that a caller got is kept even if a later step ended its lease.
            self.book.side.get_or_insert_default().fence = Some(plan.last_fence);
            self.book.deadlines.get_or_insert_default();
            self.keep_sidecars(now_ms);
            self.propagate();
        }
        for (key, lease) in plan.leases {
            let Some(lease) = lease else {
                self.end_lease(&key);
                continue;
            };
            let side = self.book.side.get_or_insert_default();
            let revision = lease.revision.unwrap_or(new);
            side.records.insert(key.clone(), Record { fence: lease.fence, revision, value: lease.value });
            if let Some(expiry) = lease.expiry {
                let deadline = now_ms + expiry.get();
                self.book.deadlines.get_or_insert_default().insert(key, deadline);
                self.keep_sidecars(deadline);
            }
        }
    }

    /// Ends all leases. The last fence stays, so that fences rise across lives.
    pub(super) fn end_all_leases(&mut self, now_ms: u64) {
        if self.book.side.is_none() && self.book.deadlines.is_none() {
            return;
        }
        let fence = self.book.side.as_ref().and_then(|side| side.fence).unwrap_or_default();
        self.book = LeaseBook {
            side: Some(Side { fence: Some(fence), records: BTreeMap::new() }),
            deadlines: Some(BTreeMap::new()),
            until: (None, None),
        };
        self.keep_sidecars(now_ms);
        self.propagate();
    }

    fn end_lease(&mut self, key: &Bytes) {
        if let Some(side) = &mut self.book.side {
            side.records.remove(key);
        }
        if let Some(deadlines) = &mut self.book.deadlines {
            deadlines.remove(key);
        }
    }

    /// The record of a lease that guards what its key holds.
    fn held(&self, key: &[u8], revision: Option<Revision>) -> Option<&Record> {
        self.book.deadlines.as_ref()?.get(key)?;
        let record = self.book.side.as_ref()?.records.get(key)?;
        let guards = self.fields.get(key) == Some(&record.value) && record.value.len() <= MAX_LEASED_BYTES;
        (guards && Some(record.revision) <= revision).then_some(record)
    }

    fn fence_of(&self, key: &[u8], revision: Option<Revision>) -> Option<u64> {
        self.held(key, revision).map(|record| record.fence)
    }

    fn next_deadline(&self, now_ms: u64) -> Option<Duration> {
        let next = self.book.deadlines.iter().flatten().map(|(_, at)| *at).min()?;
        Some(Duration::from_millis(next.saturating_sub(now_ms)))
    }

    fn keep_sidecars(&mut self, deadline: u64) {
        let until = Some(deadline.saturating_add(SIDECARS_OUTLIVE));
        self.book.until = (self.book.until.0.max(until), self.book.until.1.max(until));
    }

    /// Lets the sidecars expire if their time has come.
    pub(super) fn advance_sidecars(&mut self, now_ms: u64) {
        let over = |until: Option<u64>| until.is_some_and(|until| now_ms > until);
        let (side, deadlines) = (over(self.book.until.0), over(self.book.until.1));
        if side || deadlines {
            self.delete_sidecars(side, deadlines);
        }
    }
}

const fn expiry(operation: &KeyOperation) -> Option<Expiry> {
    match operation {
        KeyOperation::SetExpiring { expiry, .. } => Some(*expiry),
        KeyOperation::Set { .. }
        | KeyOperation::SetIfNotExists { .. }
        | KeyOperation::TestAndSet { .. }
        | KeyOperation::Delete { .. }
        | KeyOperation::TestAndDelete { .. }
        | KeyOperation::Inc { .. }
        | KeyOperation::AppendValues { .. }
        | KeyOperation::AppendUniqueValues { .. }
        | KeyOperation::RemoveValues { .. } => None,
    }
}
