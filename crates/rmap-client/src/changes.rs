//! Every net change of a map, as a stream that never has a hole and never grows without bound.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use rmap_core::{Change, Value};

use crate::feed::{Backlog, FeedStream};
use crate::settings::Bound;

/// Stream of changes, from [`Map::changes`](crate::Map::changes) and
/// [`Map::view_and_changes`](crate::Map::view_and_changes).
///
/// A reader that keeps pace sees every change that the replica applied, in order, also one that sets a key to the value
/// that it has. Across a resync, and when the hash begins anew, it sees the difference between the content before and
/// after, in no particular order. Of a large map that difference comes in parts, while the map already shows the content
/// after: changes of later writes come between them, those of one key always in order.
///
/// When more changes are unread than [`Limits`](crate::Limits::unread_changes) say, the changes of a key are folded into
/// their net difference (the old value of the first, the new value and the revision of the last; nothing when both are
/// equal) until the reader has caught up, so that no key is ever missed and the backlog stays below the size of the map.
/// Applying all changes to the content at the start of the stream always gives the content that the map has.
///
/// The stream ends when the map closes, after its last change. Once it is dropped, the next change is the last that is
/// recorded.
#[derive(Debug)]
pub struct Changes(pub(crate) FeedStream<Differences>);

impl Changes {
    /// Waits for the next change; `None` once the map is closed and the last change was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no change.
    pub async fn next(&mut self) -> Option<Change> {
        self.0.next().await
    }
}

impl Stream for Changes {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

/// Unread changes: each for itself at first, one per key when there are too many.
#[derive(Debug)]
pub(crate) struct Differences {
    /// From here on changes of one key are folded.
    limit: Bound,
    /// Emptied places are changes that were folded into a later one.
    queue: VecDeque<Option<Change>>,
    /// How many changes were taken off the front of the queue, so that places can be numbered.
    taken: usize,
    bytes: usize,
    /// While folding: the place of each key's change.
    places: Option<HashMap<Value, usize>>,
}

impl Backlog for Differences {
    type In = Change;
    type Out = Change;

    fn put(&mut self, change: Change) {
        if self.places.is_none() && (self.queue.len() >= self.limit.count || self.bytes >= self.limit.bytes) {
            self.begin_to_fold();
        }
        if self.places.is_some() {
            self.fold(change);
        } else {
            self.append(change);
        }
    }

    fn take(&mut self) -> Option<Change> {
        let mut next = None;
        while next.is_none() && !self.queue.is_empty() {
            next = self.queue.pop_front().flatten();
            self.taken += 1;
        }
        match (&next, &mut self.places) {
            (Some(change), Some(places)) => {
                places.remove(&change.key);
            }
            (None, places) => *places = None,
            (Some(_), None) => {}
        }
        self.bytes -= next.as_ref().map_or(0, weight);
        next
    }
}

impl Differences {
    pub(crate) fn new(limit: Bound) -> Self {
        Self { limit, queue: VecDeque::new(), taken: 0, bytes: 0, places: None }
    }

    fn begin_to_fold(&mut self) {
        self.places = Some(HashMap::new());
        self.rebuild();
    }

    /// Puts every change in anew, which drops the emptied places.
    fn rebuild(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        self.bytes = 0;
        self.taken = 0;
        if let Some(places) = &mut self.places {
            places.clear();
        }
        for change in queue.into_iter().flatten() {
            self.fold(change);
        }
    }

    fn append(&mut self, change: Change) {
        self.bytes += weight(&change);
        self.queue.push_back(Some(change));
    }

    fn fold(&mut self, mut change: Change) {
        if let Some(earlier) = self.take_place(&change.key) {
            self.bytes -= weight(&earlier);
            change.old = earlier.old;
        }
        if change.old != change.new {
            let place = self.taken + self.queue.len();
            if let Some(places) = &mut self.places {
                places.insert(change.key.clone(), place);
            }
            self.append(change);
        }
        let kept = self.places.as_ref().map_or(0, HashMap::len);
        if self.queue.len() > (2 * kept).saturating_add(self.limit.count) {
            self.rebuild();
        }
    }

    fn take_place(&mut self, key: &Value) -> Option<Change> {
        let place = self.places.as_mut()?.remove(key)?;
        self.queue.get_mut(place - self.taken)?.take()
    }
}

fn weight(change: &Change) -> usize {
    let length = |value: &Option<Value>| value.as_ref().map_or(0, Value::len);
    change.key.len() + length(&change.old) + length(&change.new)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rmap_proto::Revision;

    use super::*;

    const LIMIT: Bound = Bound { count: 4096, bytes: 16 << 20 };

    type Content = BTreeMap<Value, Value>;

    fn change(content: &mut Content, revision: u64, key: &str, new: Option<&str>) -> Change {
        let key = Value::from(key);
        let new = new.map(Value::from);
        let old = match &new {
            Some(value) => content.insert(key.clone(), value.clone()),
            None => content.remove(&key),
        };
        Change { revision: Revision::new(revision), key, old, new }
    }

    fn apply(content: &mut Content, change: Change) {
        assert_eq!(content.get(&change.key), change.old.as_ref(), "the old value is the one before");
        match change.new {
            Some(value) => content.insert(change.key, value),
            None => content.remove(&change.key),
        };
    }

    #[test]
    fn changes_within_the_bound_come_one_by_one() {
        let (mut backlog, mut content) = (Differences::new(LIMIT), Content::new());
        for (revision, value) in [(1, Some("a")), (2, Some("b")), (3, None)] {
            backlog.put(change(&mut content, revision, "key", value));
        }
        let revisions: Vec<_> =
            std::iter::from_fn(|| backlog.take()).filter_map(|change| change.revision).collect();
        assert_eq!(revisions.iter().map(|revision| revision.get()).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn beyond_the_bound_a_key_has_one_net_change() {
        let (mut backlog, mut content) = (Differences::new(LIMIT), Content::new());
        let writes = 3 * LIMIT.count as u64;
        for revision in 1..=writes {
            let value = revision.to_string();
            backlog.put(change(&mut content, revision, &format!("key {}", revision % 7), Some(&value)));
        }
        let changes: Vec<_> = std::iter::from_fn(|| backlog.take()).collect();
        assert_eq!(changes.len(), 7);
        assert!(changes.iter().all(|change| change.old.is_none()));
        assert!(changes.is_sorted_by_key(|change| change.revision));
        assert_eq!(backlog.bytes, 0);
        assert!(backlog.places.is_none(), "the reader has caught up");
    }

    #[test]
    fn a_change_and_its_reversal_fold_to_nothing() {
        let (mut backlog, mut content) = (Differences::new(LIMIT), Content::new());
        for round in 0..LIMIT.count as u64 {
            backlog.put(change(&mut content, 2 * round + 1, "key", Some("x")));
            backlog.put(change(&mut content, 2 * round + 2, "key", None));
        }
        assert_eq!(backlog.take(), None);
    }

    #[test]
    fn the_greatest_bound_is_no_special_case() {
        let limit = Bound { count: usize::MAX, bytes: 1 };
        let (mut backlog, mut content) = (Differences::new(limit), Content::new());
        for revision in 1..=3 {
            backlog.put(change(&mut content, revision, "key", Some(&revision.to_string())));
        }
        assert_eq!(backlog.queue.len(), 3, "emptied places are kept");
        assert_eq!(backlog.take().and_then(|change| change.new), Some("3".into()));
        assert_eq!(backlog.take(), None);
    }

    #[test]
    fn large_values_are_folded_early() {
        let (mut backlog, mut content) = (Differences::new(LIMIT), Content::new());
        let large = "x".repeat(LIMIT.bytes / 4);
        for revision in 1..20 {
            backlog.put(change(&mut content, revision, "key", Some(&format!("{large}{revision}"))));
        }
        assert!(backlog.bytes < LIMIT.bytes);
        assert_eq!(std::iter::from_fn(|| backlog.take()).count(), 1);
    }

    #[test]
    fn a_reader_may_take_some_while_others_are_folded() {
        let limit = Bound { count: 4, bytes: 1 << 20 };
        let (mut backlog, mut written, mut read) = (Differences::new(limit), Content::new(), Content::new());
        let mut revision = 0;
        let mut write = |backlog: &mut Differences, key: u64| {
            revision += 1;
            backlog.put(change(&mut written, revision, &format!("key {key}"), Some(&revision.to_string())));
        };
        (0..20).for_each(|key| write(&mut backlog, key));
        // Later ones of those that are still there, also of those that moved to the end.
        for round in 0..15 {
            apply(&mut read, backlog.take().unwrap());
            (round + 1..20).step_by(3).for_each(|key| write(&mut backlog, key));
        }
        assert!(backlog.queue.len() <= 2 * 20 + limit.count, "emptied places do not pile up");
        let rest: Vec<_> = std::iter::from_fn(|| backlog.take()).collect();
        assert!(rest.len() <= 20, "one change for a key");
        rest.into_iter().for_each(|change| apply(&mut read, change));
        assert_eq!((read, backlog.bytes), (written, 0));
    }

    #[test]
    fn applying_all_changes_gives_the_content() {
        let (mut backlog, mut written, mut read) = (Differences::new(LIMIT), Content::new(), Content::new());
        let mut state = 1u64;
        for revision in 1..100_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = format!("key {}", (state >> 33) % 50);
            let value = (state >> 40) % 3;
            let value = (value > 0 || !written.contains_key(key.as_bytes())).then(|| value.to_string());
            backlog.put(change(&mut written, revision, &key, value.as_deref()));
            // The reader falls behind and catches up in turns.
            for _ in 0..if revision % 20_000 < 10_000 { 0 } else { 2 } {
                backlog.take().into_iter().for_each(|change| apply(&mut read, change));
            }
        }
        std::iter::from_fn(|| backlog.take()).for_each(|change| apply(&mut read, change));
        assert_eq!(read, written);
    }
}
