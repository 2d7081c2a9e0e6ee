//! Batches in the model.

use std::collections::HashMap;

use bytes::Bytes;
use rmap_proto::{
    BatchOperation, BatchReply, Key, KeyOperation, MAX_BATCH_BYTES, Precondition, ResultKind, Revision,
    Write, WriteError, WriteReply, list,
};

use super::leases::Plan;
use super::{Authority, Outcome, change};

/// The keys that the steps so far touched, with their new values.
struct Draft<'a> {
    values: HashMap<&'a Key, Option<Bytes>>,
    shown: Vec<Option<Bytes>>,
    /// The leases afterwards, for a map that may have leases.
    plan: Option<Plan>,
}

impl Authority {
    pub(super) fn write_batch(
        &mut self,
        now_ms: u64,
        write: &Write,
        batch: &BatchOperation,
    ) -> Result<Outcome, WriteError> {
        let revision = self.revision()?;
        if let Some(failed) = batch.preconditions.iter().position(|rule| !self.holds(rule, revision)) {
            let batch = BatchReply::new(0, Some(failed), Vec::new());
            return Ok((written(false, revision, batch), Vec::new()));
        }
        let draft = self.draft(now_ms, write, &batch.steps)?;
        let changes = self.changes(batch, &draft);
        let bytes: usize = changes.iter().map(|(key, value)| key.as_bytes().len() + length(value)).sum();
        if bytes > MAX_BATCH_BYTES {
            return Err(WriteError::BatchTooLarge);
        }
        let first = self.next_revision(now_ms, revision);
        let (last, payloads) = self.apply_all(now_ms, revision, &changes, draft.plan.as_ref())?;
        if !payloads.is_empty() {
            self.touch(now_ms, write.ttl);
            if let (Some(plan), Ok(first)) = (draft.plan, first) {
                self.carry_out(now_ms, plan, first);
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most MAX_BATCH_STEPS")]
        let changed = payloads.len() as u32;
        let batch = BatchReply::new(changed, None, draft.shown);
        Ok((written(true, last, batch), payloads))
    }

    fn holds(&self, precondition: &Precondition, revision: Option<Revision>) -> bool {
        match precondition {
            Precondition::Equals { key, value } => self.fields.get(key.as_bytes()) == Some(value),
            Precondition::Absent { key } => self.fields.get(key.as_bytes()).is_none(),
            Precondition::Revision(wanted) => *wanted == revision,
        }
    }

    fn draft<'a>(
        &self,
        now_ms: u64,
        write: &Write,
        steps: &'a [KeyOperation],
    ) -> Result<Draft<'a>, WriteError> {
        let lists = write.lists;
        let leases = write.leases || write.operation.begins_lease();
        let plan = if leases { Some(self.plan(self.revision()?)) } else { None };
        let mut draft = Draft { values: HashMap::new(), shown: Vec::new(), plan };
        let mut work = Work::of(lists);
        for (index, step) in steps.iter().enumerate() {
            let key = step.key();
            let touched = draft.values.get(key);
            let now = touched.map_or_else(|| self.fields.get(key.as_bytes()), Option::as_ref);
            let (is_list, answers) = match step.result() {
                ResultKind::Previous => (false, false),
                ResultKind::Integer | ResultKind::Fence => (false, true),
                ResultKind::List => (true, true),
            };
            if is_list {
                work.take(0, now.map_or(0, Bytes::len))?;
            }
            let change = change::decide(step, now, lists)
                .map_err(|cause| WriteError::Step { step: index, cause: Box::new(cause) })?;
            if is_list {
                work.take(change.items, length(&change.shown))?;
            }
            let mut shown = change.shown;
            if let Some(value) = change.value {
                if let Some(plan) = &mut draft.plan {
                    let fence = self
                        .plan_step(plan, now_ms, step, value.as_ref())
                        .map_err(|cause| WriteError::Step { step: index, cause: Box::new(cause) })?;
                    shown = shown.or_else(|| fence.map(|fence| fence.to_string().into()));
                }
                draft.values.insert(key, value);
            }
            if answers {
                draft.shown.push(shown);
            }
        }
        Ok(draft)
    }

    /// The net changes of all steps, in the order of their notifications.
    fn changes<'a>(&self, batch: &'a BatchOperation, draft: &Draft<'a>) -> Vec<(&'a Key, Option<Bytes>)> {
        let keys = batch.keys().into_iter();
        let touched = keys.filter_map(|key| Some((key, draft.values.get(key)?.clone())));
        touched.filter(|(key, value)| value.is_some() || self.fields.get(key.as_bytes()).is_some()).collect()
    }

    /// Writes all changes, or none if there are not enough revisions left.
    fn apply_all(
        &mut self,
        now_ms: u64,
        revision: Option<Revision>,
        changes: &[(&Key, Option<Bytes>)],
        plan: Option<&Plan>,
    ) -> Result<(Option<Revision>, Vec<Vec<u8>>), WriteError> {
        if changes.is_empty() {
            return Ok((revision, Vec::new()));
        }
        let first = self.next_revision(now_ms, revision)?;
        let count = changes.len() as u64;
        let last = Revision::new(first.get() + count - 1).ok_or(WriteError::RevisionsExhausted)?;
        let mut payloads = Vec::with_capacity(changes.len());
        let mut next = Some(first);
        for ((key, value), remaining) in changes.iter().zip((0..u32::MAX).take(changes.len()).rev()) {
            let Some(new) = next else { break };
            let born = revision.is_none() && payloads.is_empty();
            let left = plan.and_then(|plan| plan.left(key));
            payloads.push(self.apply(key, value.as_ref(), (new, remaining), born, left));
            next = new.next();
        }
        Ok((Some(last), payloads))
    }
}

/// The remaining allowance of list steps, each of which reads and writes a whole list.
struct Work {
    items: usize,
    bytes: usize,
}

impl Work {
    fn of(lists: list::Limit) -> Self {
        let bytes = lists.bytes().saturating_mul(8).min(2 * MAX_BATCH_BYTES);
        Self { items: lists.items().saturating_mul(8), bytes }
    }

    fn take(&mut self, items: usize, bytes: usize) -> Result<(), WriteError> {
        let left = (self.items.checked_sub(items), self.bytes.checked_sub(bytes));
        let (Some(items), Some(bytes)) = left else { return Err(WriteError::BatchTooLarge) };
        (self.items, self.bytes) = (items, bytes);
        Ok(())
    }
}

fn written(applied: bool, revision: Option<Revision>, batch: BatchReply) -> WriteReply {
    WriteReply::new(applied, revision).batch(Some(batch))
}

fn length(value: &Option<Bytes>) -> usize {
    value.as_ref().map_or(0, Bytes::len)
}
