//! One verification: the replica reads the hash in pages and compares each page with its content.
//!
//! A pass stands between two probes that agree, so the notifications between the two marks form an unbroken chain. The
//! server read a page at some moment after the request, and the content may be behind or ahead of that moment. Hence
//! three rules:
//!
//! - An entry is skipped if a notification changed its key since the request for the page. The content already has the
//!   newer value.
//! - A differing entry is a *suspect*, because the page may be ahead of the notifications. A later notification for its
//!   key clears the suspect. The mark of the last probe arrives after every notification that a page could be ahead of,
//!   so the remaining suspects differ.
//! - Keys that the hash lacks are found by counting. The last probe agrees in the number of fields, so at its mark the
//!   content has as many extra keys as missing ones.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use rmap_proto::{Entries, Key};

use super::rate::FIRST_PAGE;
use crate::Value;
use crate::content::{Content, Edit};
use crate::output::{Differing, Discrepancy, RequestId};

/// Largest number of suspects, and of bytes of their values, that the pass corrects one by one.
const MOST_SUSPECTS: usize = 4096;
const MOST_BYTES: usize = 4 << 20;
const MOST_EXTRAS: u64 = MOST_SUSPECTS as u64;

/// Largest number of keys that notifications may change while a page is in flight. Beyond it the pass requests the page
/// again.
const MOST_TOUCHED: usize = 1 << 16;

/// Speed of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Pauses after each page.
    Slow,
    /// No pauses.
    Fast,
}

/// A verification in progress.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) pace: Pace,
    pub(super) began: Duration,
    /// Time that the next pass must wait because of the last page of this pass.
    pub(super) rest: Duration,
    stage: Stage,
    cursor: u64,
    /// Approximate number of fields of the next page.
    count: u64,
    read: u64,
    /// Names of the reserved fields. A set, because pages may repeat fields.
    reserved: BTreeSet<Bytes>,
    /// The server's values that differ from the content's, as far as known.
    suspects: BTreeMap<Box<[u8]>, Value>,
    bytes: usize,
    /// Hashes of the server's keys. Kept only if the result must name the keys that the server lacks.
    seen: Option<HashTable<u64>>,
    counted: Option<Counted>,
}

/// The content as it was at the mark of the last probe, if that probe agrees.
#[derive(Debug)]
struct Counted {
    /// Number of entries of the hash.
    compared: u64,
    /// Keys that the hash lacks.
    extras: BTreeSet<Box<[u8]>>,
    /// False when the hash lacks more keys than are named.
    all_named: bool,
}

#[derive(Debug)]
enum Stage {
    /// Waits for agreement of a probe that is issued after this request.
    Probing { after: u64, what: Probing },
    /// Requests the next page at this time.
    Pausing { until: Duration },
    /// A page is in flight.
    Reading(Reading),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probing {
    Begin,
    /// A probe in the middle of the hash. There are so many suspects that they must be decided before the pass reads
    /// on.
    Middle,
    End,
}

#[derive(Debug)]
struct Reading {
    id: RequestId,
    asked_at: Duration,
    touched: BTreeSet<Box<[u8]>>,
}

/// The next step of a pass after a probe agreed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The pass waits for something else.
    Wait,
    /// The pass may request the next page.
    Read,
    /// The pass is over, and the remaining suspects differ.
    End,
}

/// The findings of a pass.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) compared: u64,
    pub(super) differing: Vec<Differing>,
    /// The edits that correct the content.
    pub(super) edits: Vec<Edit>,
    pub(super) reserved: u64,
    /// False when more differs than the edits correct.
    pub(super) complete: bool,
}

impl Pass {
    /// Begins with a probe that is issued after `after`, the number of the last request.
    pub(super) fn new(pace: Pace, now: Duration, after: u64, names_extras: bool) -> Self {
        Self {
            pace,
            began: now,
            rest: Duration::ZERO,
            stage: Stage::Probing { after, what: Probing::Begin },
            cursor: 0,
            count: match pace {
                // A large value in the first page would delay the answers behind it.
                Pace::Slow => 1,
                Pace::Fast => FIRST_PAGE,
            },
            read: 0,
            reserved: BTreeSet::new(),
            suspects: BTreeMap::new(),
            bytes: 0,
            seen: names_extras.then(HashTable::new),
            counted: None,
        }
    }

    pub(super) fn awaits(&self, id: RequestId) -> bool {
        matches!(&self.stage, Stage::Reading(reading) if reading.id == id)
    }

    pub(super) const fn wants_probe(&self) -> bool {
        matches!(self.stage, Stage::Probing { .. })
    }

    /// The time at which to request the next page.
    pub(super) const fn due(&self) -> Option<Duration> {
        match self.stage {
            Stage::Pausing { until } => Some(until),
            Stage::Probing { .. } | Stage::Reading(_) => None,
        }
    }

    /// Cursor and approximate number of fields of the next page.
    pub(super) const fn next_page(&self) -> (u64, u64) {
        (self.cursor, self.count)
    }

    pub(super) fn pause(&mut self, until: Duration) {
        self.stage = Stage::Pausing { until };
    }

    /// Shrinks the next page after a page that took `times` times too long.
    pub(super) fn shrink(&mut self, times: u128) {
        let times = u64::try_from(times).unwrap_or(u64::MAX).saturating_add(1);
        self.count = (self.count / times).max(1);
    }

    pub(super) fn asked(&mut self, id: RequestId, asked_at: Duration) {
        self.stage = Stage::Reading(Reading { id, asked_at, touched: BTreeSet::new() });
    }

    /// Notes that a notification is about to change a key.
    pub(super) fn touch(&mut self, content: &Content, key: &[u8]) {
        self.clear(key);
        if let Some(counted) = &mut self.counted {
            counted.extras.remove(key);
        }
        if let Some(seen) = &mut self.seen {
            see(seen, content.hash(key));
        }
        if let Stage::Reading(Reading { asked_at, touched, .. }) = &mut self.stage {
            touched.insert(key.into());
            if touched.len() > MOST_TOUCHED {
                let until = *asked_at;
                self.pause(until);
            }
        }
    }

    /// Handles the mark of a probe. `fields` is the hash's number of fields if the probe agrees.
    pub(super) fn on_mark(&mut self, content: &Content, id: RequestId, fields: u64) {
        let Stage::Probing { after, what: Probing::End } = &self.stage else { return };
        if id.get() <= *after {
            return;
        }
        let missing = self.suspects.keys().filter(|key| !content.contains(key)).count() as u64;
        let compared = fields.saturating_sub(self.reserved.len() as u64);
        let extras = (content.len() as u64 + missing).checked_sub(compared);
        let named = match (&self.seen, extras) {
            (Some(seen), Some(1..=MOST_EXTRAS)) => unseen(seen, content),
            (Some(_) | None, _) => BTreeSet::new(),
        };
        let all_named = extras == Some(named.len() as u64);
        self.counted = Some(Counted { compared, extras: named, all_named });
    }

    /// Handles the agreement of a probe issued at `asked_at`. `patience` is the longest wait for an answer.
    pub(super) fn on_agreement(&self, id: RequestId, asked_at: Duration, patience: Duration) -> Step {
        match &self.stage {
            Stage::Probing { after, .. } if id.get() <= *after => Step::Wait,
            Stage::Probing { what: Probing::Begin, .. } => Step::Read,
            Stage::Probing { what: Probing::Middle, .. } if !self.is_crowded(2) => Step::Read,
            Stage::Probing { what: Probing::Middle | Probing::End, .. } => Step::End,
            // The server answers in order, so an older page without an answer was lost on the way.
            Stage::Reading(reading) if asked_at >= reading.asked_at + patience => Step::Read,
            Stage::Reading(_) | Stage::Pausing { .. } => Step::Wait,
        }
    }

    /// Compares a page with the content. Returns the time of the page's request. `after` is the number of the last
    /// request.
    pub(super) fn on_page(
        &mut self,
        content: &Content,
        entries: Entries,
        (cursor, count): (u64, u64),
        after: u64,
    ) -> Duration {
        let reading = std::mem::replace(&mut self.stage, Stage::Probing { after, what: Probing::End });
        let Stage::Reading(Reading { asked_at, touched, .. }) = reading else { return self.began };
        (self.cursor, self.count) = (cursor, count);
        self.read += entries.content.len() as u64;
        self.reserved.extend(entries.reserved);
        for (key, value) in &entries.content {
            if let Some(seen) = &mut self.seen {
                see(seen, content.hash(key));
            }
            // A scan may return a field twice, and then the later value counts.
            self.clear(key);
            if !touched.contains(&key[..]) && !content.holds(key, value) {
                self.bytes += key.len() + value.len();
                self.suspects.insert(key[..].into(), Value::stored(key, value));
            }
        }
        if self.cursor != 0 && self.is_crowded(1) {
            self.stage = Stage::Probing { after, what: Probing::Middle };
        }
        asked_at
    }

    /// True when there are more pages to read, without a probe before them.
    pub(super) const fn goes_on(&self) -> bool {
        self.cursor != 0 && !matches!(self.stage, Stage::Probing { what: Probing::Middle, .. })
    }

    /// Decides which entries differ, once the last probe agreed.
    pub(super) fn judge(self, content: &Content) -> Found {
        let few = !self.is_crowded(1);
        let reserved = self.reserved.len() as u64;
        let unknown = Counted { compared: self.read, extras: BTreeSet::new(), all_named: false };
        let Counted { compared, extras, all_named } = self.counted.unwrap_or(unknown);
        let (mut edits, mut differing) = (Vec::new(), Vec::new());
        for (key, value) in self.suspects {
            let how = if content.contains(&key) { Discrepancy::Other } else { Discrepancy::Missing };
            differing.push(Differing { key: Key::stored(&key), how });
            edits.push(Edit::Set(value));
        }
        for key in extras {
            differing.push(Differing { key: Key::stored(&key), how: Discrepancy::Extra });
            edits.push(Edit::Delete(key));
        }
        differing.sort_unstable_by(|one, other| one.key.as_bytes().cmp(other.key.as_bytes()));
        Found { compared, differing, edits, reserved, complete: few && all_named }
    }

    /// True when the suspects exceed the `part`-th part of what is allowed.
    fn is_crowded(&self, part: usize) -> bool {
        self.suspects.len() > MOST_SUSPECTS / part || self.bytes > MOST_BYTES / part
    }

    /// Clears a key of suspicion.
    fn clear(&mut self, key: &[u8]) {
        if let Some(value) = self.suspects.remove(key) {
            self.bytes -= key.len() + value.len();
        }
    }
}

fn see(seen: &mut HashTable<u64>, hash: u64) {
    if let Slot::Vacant(vacant) = seen.entry(hash, |seen| *seen == hash, |seen| *seen) {
        vacant.insert(hash);
    }
}

/// The keys that the server lacks. Two keys with the same hash count as one, and then the number of extra keys reveals
/// that one is not named.
fn unseen(seen: &HashTable<u64>, content: &Content) -> BTreeSet<Box<[u8]>> {
    let view = content.reader().view();
    let is_unseen = |key: &[u8]| {
        let hash = content.hash(key);
        seen.find(hash, |seen| *seen == hash).is_none()
    };
    view.keys().filter(|key| is_unseen(key.as_bytes())).map(|key| key.as_bytes().into()).collect()
}
