//! One verification: the hash is read again in pages, each of which is compared with the content that is shown.
//!
//! A pass stands between two probes that agree, so the notifications between their marks are an unbroken chain. A page was
//! read at some moment after it was asked for, and the content may be behind that moment or ahead of it. So:
//!
//! - An entry whose key a notification changed since its page was asked for is skipped: that notification's value is in the
//!   content.
//! - An entry that differs is a *suspect*. The page may be ahead of the notifications, so a suspect that a notification
//!   changes later is dropped. Once the mark of the last probe is there, every notification that a page could be ahead of
//!   has come, and the suspects that are left differ.
//! - A key that the hash has not is missed by counting: the last probe agrees in the number of fields, so at its mark the
//!   content has as many keys too many as it lacks.

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

/// Most keys that may differ, and most bytes of their values, to be put right one by one.
const MOST_SUSPECTS: usize = 4096;
const MOST_BYTES: usize = 4 << 20;
const MOST_EXTRAS: u64 = MOST_SUSPECTS as u64;

/// Most keys that notifications may change while one page is in flight; beyond that the page is asked for again.
const MOST_TOUCHED: usize = 1 << 16;

/// How a pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// With pauses after each page.
    Slow,
    /// Without pauses.
    Fast,
}

/// A verification that goes on.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) pace: Pace,
    pub(super) began: Duration,
    /// How long the next pass has to wait for the last page of this one.
    pub(super) rest: Duration,
    stage: Stage,
    cursor: u64,
    /// How many fields the next page may have, about.
    count: u64,
    read: u64,
    /// Names of the reserved fields; a set, since pages may repeat fields.
    reserved: BTreeSet<Bytes>,
    /// The server's values that differ from the content's, as far as is known.
    suspects: BTreeMap<Box<[u8]>, Value>,
    bytes: usize,
    /// Hashes of the keys that the server has: only where somebody wants to know which keys it has not.
    seen: Option<HashTable<u64>>,
    counted: Option<Counted>,
}

/// The content as it was at the mark of the last probe, if that probe agrees.
#[derive(Debug)]
struct Counted {
    /// How many entries the hash has.
    compared: u64,
    /// Keys that the hash has not.
    extras: BTreeSet<Box<[u8]>>,
    /// False when there are more of them than are known by name.
    all_named: bool,
}

#[derive(Debug)]
enum Stage {
    /// Waits for the agreement of a probe that is asked for after this request.
    Probing { after: u64, what: Probing },
    /// The next page is asked for at this time.
    Pausing { until: Duration },
    /// A page is in flight.
    Reading(Reading),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probing {
    Begin,
    /// There are so many suspects that it must be known which of them differ before more are read.
    Middle,
    End,
}

#[derive(Debug)]
struct Reading {
    id: RequestId,
    asked_at: Duration,
    touched: BTreeSet<Box<[u8]>>,
}

/// What the agreement of a probe means for a pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: it waits for something else.
    Wait,
    /// The next page may be asked for.
    Read,
    /// The suspects that are left differ.
    End,
}

/// What a pass has found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) compared: u64,
    pub(super) differing: Vec<Differing>,
    /// What puts the content right.
    pub(super) edits: Vec<Edit>,
    pub(super) reserved: u64,
    /// False when more differs than the edits put right.
    pub(super) complete: bool,
}

impl Pass {
    /// `after` is the number of the last request: the pass begins with a probe that comes later.
    pub(super) fn new(pace: Pace, now: Duration, after: u64, names_extras: bool) -> Self {
        Self {
            pace,
            began: now,
            rest: Duration::ZERO,
            stage: Stage::Probing { after, what: Probing::Begin },
            cursor: 0,
            count: match pace {
                // A large value among the first would delay the answers behind it.
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

    /// When the next page is to be asked for.
    pub(super) const fn due(&self) -> Option<Duration> {
        match self.stage {
            Stage::Pausing { until } => Some(until),
            Stage::Probing { .. } | Stage::Reading(_) => None,
        }
    }

    /// Where the next page begins, and about how many fields it may have.
    pub(super) const fn next_page(&self) -> (u64, u64) {
        (self.cursor, self.count)
    }

    pub(super) fn pause(&mut self, until: Duration) {
        self.stage = Stage::Pausing { until };
    }

    /// The last page took so many times too long: the next is to have fewer fields.
    pub(super) fn shrink(&mut self, times: u128) {
        let times = u64::try_from(times).unwrap_or(u64::MAX).saturating_add(1);
        self.count = (self.count / times).max(1);
    }

    pub(super) fn asked(&mut self, id: RequestId, asked_at: Duration) {
        self.stage = Stage::Reading(Reading { id, asked_at, touched: BTreeSet::new() });
    }

    /// A notification is about to change a key.
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

    /// The mark of a probe arrived; if it agrees, the hash has so many fields.
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

    /// A probe agreed that was asked for at that time; `patience` is how long an answer may take.
    pub(super) fn on_agreement(&self, id: RequestId, asked_at: Duration, patience: Duration) -> Step {
        match &self.stage {
            Stage::Probing { after, .. } if id.get() <= *after => Step::Wait,
            Stage::Probing { what: Probing::Begin, .. } => Step::Read,
            Stage::Probing { what: Probing::Middle, .. } if !self.is_crowded(2) => Step::Read,
            Stage::Probing { what: Probing::Middle | Probing::End, .. } => Step::End,
            // Answers come in the order of the questions, so this page's was lost on its way.
            Stage::Reading(reading) if asked_at >= reading.asked_at + patience => Step::Read,
            Stage::Reading(_) | Stage::Pausing { .. } => Step::Wait,
        }
    }

    /// Compares a page with the content. Returns when it was asked for; `after` is the number of the last request.
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
            // A field may come twice: what was read later counts.
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

    /// True when there are more pages to read, and no probe has to come before them.
    pub(super) const fn goes_on(&self) -> bool {
        self.cursor != 0 && !matches!(self.stage, Stage::Probing { what: Probing::Middle, .. })
    }

    /// Says what differs, after the agreement of the last probe.
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

    /// True when there are more suspects than may be, or than a part of that.
    fn is_crowded(&self, part: usize) -> bool {
        self.suspects.len() > MOST_SUSPECTS / part || self.bytes > MOST_BYTES / part
    }

    /// A key is no suspect any more.
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

/// The keys that the server has not. Two keys with one hash are told apart by their number: one extra key too few is seen.
fn unseen(seen: &HashTable<u64>, content: &Content) -> BTreeSet<Box<[u8]>> {
    let view = content.reader().view();
    let is_unseen = |key: &[u8]| {
        let hash = content.hash(key);
        seen.find(hash, |seen| *seen == hash).is_none()
    };
    view.keys().filter(|key| is_unseen(key.as_bytes())).map(|key| key.as_bytes().into()).collect()
}
