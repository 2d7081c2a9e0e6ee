//! One log, many streams.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;
use rmap_core::Value;
use rmap_proto::{Key, Revision};

use super::*;
use crate::feed::{Feed, FeedStream};
use crate::sum::Sum;

const LIMIT: Bound = Bound { count: 4096, bytes: 16 << 20 };

type Content = BTreeMap<Key, Value>;

/// A map with streams of its changes.
struct World {
    feed: Arc<Feed<Log>>,
    content: Content,
    revision: u64,
}

impl World {
    fn new(limit: Bound) -> Self {
        Self::sharing(limit, &Sum::new(usize::MAX))
    }

    fn sharing(limit: Bound, sum: &Arc<Sum>) -> Self {
        let feed = Feed::new(Log::new(limit, sum.share()));
        Self { feed, content: Content::new(), revision: 0 }
    }

    fn stream(&self) -> Reader {
        let stream = self.feed.add(|log, stream| log.ask(stream, None));
        self.feed.with(Log::begin);
        Reader { stream, content: self.content.clone(), read: 0 }
    }

    fn set(&mut self, key: impl ToString, value: impl ToString) {
        self.write(&key.to_string(), Some(&value.to_string()));
    }

    fn write(&mut self, key: &str, new: Option<&str>) {
        let key = Key::new(key).unwrap();
        let new = new.map(Value::from);
        let old = match &new {
            Some(value) => self.content.insert(key.clone(), value.clone()),
            None => self.content.remove(&key),
        };
        self.revision += 1;
        self.feed.push(Change { revision: Revision::new(self.revision), key, old, new });
    }

    fn kept(&self) -> usize {
        self.feed.with(|log| log.old.len() + log.young.len())
    }

    fn is_empty(&self) -> bool {
        self.feed.with(|log| (log.old.len(), log.old.keys(), log.young.len(), log.bytes()) == (0, 0, 0, 0))
    }

    /// Checks the invariants.
    fn check(&self) {
        self.feed.with(|log| {
            let young: usize = log.young.iter().map(Item::weight).sum();
            assert_eq!(log.bytes(), log.old.weigh() + young);
            let last = log.places.first_key_value().map_or(log.next, |(place, _)| *place);
            let first = log.at(0).map_or(log.next, |(number, _)| number);
            assert!(last <= first, "what all have read is forgotten");
            assert!(log.old.keys() <= log.old.len());
            assert_eq!(log.places.values().sum::<usize>(), log.streams.len());
        });
    }
}

struct Reader {
    stream: FeedStream<Log>,
    content: Content,
    read: usize,
}

impl Reader {
    fn read(&mut self) -> Option<Change> {
        let change = self.stream.try_next()?;
        assert_eq!(self.content.get(&change.key), change.old.as_ref(), "the old value is the one before");
        match change.new.clone() {
            Some(value) => self.content.insert(change.key.clone(), value),
            None => self.content.remove(&change.key),
        };
        self.read += 1;
        Some(change)
    }

    fn read_all(&mut self) -> Vec<Change> {
        std::iter::from_fn(|| self.read()).collect()
    }
}

#[test]
fn changes_within_the_bound_come_one_by_one() {
    let mut world = World::new(LIMIT);
    let mut reader = world.stream();
    for value in [Some("a"), Some("b"), None] {
        world.write("key", value);
    }
    let revisions = reader.read_all().into_iter().map(|change| change.revision.unwrap().get());
    assert_eq!(revisions.collect::<Vec<_>>(), [1, 2, 3]);
    assert!(world.is_empty());
}

#[test]
fn beyond_the_bound_a_key_has_one_net_change() {
    let mut world = World::new(LIMIT);
    let mut reader = world.stream();
    for number in 0..3 * LIMIT.count {
        world.set(number % 7, number);
    }
    let changes = reader.read_all();
    assert_eq!(changes.len(), 7 + LIMIT.count);
    assert!(changes[..7].iter().all(|change| change.old.is_none()));
    assert!(changes.is_sorted_by_key(|change| change.revision));
    assert_eq!(reader.content, world.content);
    assert!(world.is_empty());
}

#[test]
fn without_room_for_any_all_are_folded() {
    let mut world = World::new(Bound { count: 0, bytes: 0 });
    let mut reader = world.stream();
    (0..10_000).for_each(|number| world.set(number % 7, number));
    assert_eq!(reader.read_all().len(), 7);
    assert_eq!(reader.content, world.content);
}

#[test]
fn a_change_and_its_reversal_fold_to_nothing() {
    let mut world = World::new(Bound { count: 2, bytes: usize::MAX });
    let mut reader = world.stream();
    for number in 0..10_000 {
        let key = (number / 2).to_string();
        world.write(&key, (number % 2 == 0).then_some("x"));
    }
    world.check();
    assert_eq!(world.kept(), 2);
    assert_eq!(reader.read_all().len(), 2);
}

#[test]
fn the_greatest_bound_is_no_special_case() {
    let mut world = World::new(Bound { count: usize::MAX, bytes: usize::MAX });
    let mut reader = world.stream();
    (0..10_000).for_each(|number| world.set(1, number));
    assert_eq!(reader.read_all().len(), 10_000);
}

#[test]
fn large_values_are_folded_early() {
    let mut world = World::new(LIMIT);
    let mut reader = world.stream();
    let large = "x".repeat(LIMIT.bytes / 4);
    for number in 1..20 {
        world.set("key", format!("{large}{number}"));
        assert!(world.feed.with(|log| log.bytes()) < LIMIT.bytes * 5 / 4);
    }
    assert!(reader.read_all().len() <= 3);
}

#[test]
fn a_reader_that_keeps_pace_sees_every_change_beside_one_that_does_not() {
    let mut world = World::new(Bound { count: 4, bytes: usize::MAX });
    let (mut slow, mut quick) = (world.stream(), world.stream());
    for number in 0..10_000 {
        world.set(number % 7, number);
        quick.read_all();
    }
    world.check();
    assert_eq!(quick.read, 10_000);
    assert_eq!(world.kept(), 7 + 4);
    slow.read_all();
    assert_eq!((slow.content, quick.content), (world.content.clone(), world.content.clone()));
    assert!(world.is_empty());
}

#[test]
fn unread_streams_keep_each_change_once() {
    let mut world = World::new(LIMIT);
    let mut streams = Vec::new();
    for number in 0..3_200 {
        if number % 50 == 0 {
            streams.extend([world.stream(), world.stream(), world.stream()]);
        }
        world.set(number, number);
    }
    assert_eq!(world.kept(), 3_200);
    for (index, reader) in streams.iter_mut().enumerate() {
        reader.read_all();
        assert_eq!(reader.content, world.content, "{index}");
    }
    assert!(world.is_empty());
}

#[test]
fn dropped_streams_leave_nothing() {
    let mut world = World::new(Bound { count: 2, bytes: usize::MAX });
    let (first, second) = (world.stream(), world.stream());
    (0..100).for_each(|number| world.set(number % 9, number));
    drop(first);
    let mut third = world.stream();
    (0..100).for_each(|number| world.set(number % 8, number));
    drop(second);
    world.check();
    third.read_all();
    assert_eq!(third.content, world.content);
    assert!(world.is_empty());
    drop(third);
    world.set("key", "unheard");
    assert!(world.is_empty());
}

/// A slow reader does not make the log remember keys that come and go.
#[test]
fn keys_that_were_read_are_forgotten() {
    let mut world = World::new(Bound { count: 1, bytes: usize::MAX });
    let mut reader = world.stream();
    for number in 0..100_000 {
        world.set(number, "x");
        world.write(&number.to_string(), None);
        if number >= 10 {
            reader.read();
            reader.read();
        }
    }
    world.check();
    let latest = world.feed.with(|log| log.old.keys());
    assert!(latest <= 20, "{latest}");
}

#[test]
fn all_logs_of_a_client_have_one_bound() {
    let sum = Sum::new(100 * 1024);
    let (mut first, mut second) = (World::sharing(LIMIT, &sum), World::sharing(LIMIT, &sum));
    let (mut of_first, mut of_second) = (first.stream(), second.stream());
    (0..LIMIT.count).for_each(|number| first.set(number % 7, number));
    // The bound leaves no room for even a few changes.
    let more = first.feed.with(|log| log.bytes());
    assert!(more < 110 * 1024, "{more}");
    (0..LIMIT.count).for_each(|number| second.set(number % 7, number));
    let (kept, total) =
        (second.kept(), first.feed.with(|log| log.bytes()) + second.feed.with(|log| log.bytes()));
    assert!(kept < LIMIT.count && total < 120 * 1024, "{kept} {total}");
    of_first.read_all();
    of_second.read_all();
    assert_eq!((of_first.content, of_second.content), (first.content.clone(), second.content.clone()));
    // Within the bound changes stay as they are again.
    let mut of_first = first.stream();
    (0..100).for_each(|number| first.set(number % 7, number));
    assert_eq!(of_first.read_all().len(), 100);
}

/// Streams that come and go, and read as they please.
#[test]
fn applying_all_changes_gives_the_content_wherever_streams_stand() {
    let seed = std::env::var("RMAP_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("replay: RMAP_SEED={seed} cargo test -p rmap-client --lib applying_all_changes");
    let mut rng = Rng::with_seed(seed);
    for _ in 0..60 {
        let limit = Bound { count: rng.usize(..40), bytes: rng.choice([usize::MAX, 4000, 0]).unwrap() };
        let mut world = World::sharing(limit, &Sum::new(rng.choice([usize::MAX, 8192]).unwrap()));
        let (keys, streams) = (rng.u32(1..60), rng.usize(1..12));
        let mut readers = vec![world.stream()];
        for _ in 0..rng.usize(..8_000) {
            let key = rng.u32(..keys).to_string();
            let value = rng.u32(..3).to_string();
            let exists = world.content.contains_key(key.as_bytes());
            world.write(&key, (!exists || rng.u8(..3) > 0).then_some(&value));
            match rng.u8(..20) {
                0 if readers.len() < streams => readers.push(world.stream()),
                1 if !readers.is_empty() => drop(readers.swap_remove(rng.usize(..readers.len()))),
                2..6 if !readers.is_empty() => {
                    let index = rng.usize(..readers.len());
                    (0..rng.usize(..40)).for_each(|_| drop(readers[index].read()));
                }
                _ => {}
            }
            if rng.u8(..50) == 0 {
                world.check();
            }
        }
        for reader in &mut readers {
            reader.read_all();
            assert_eq!(reader.content, world.content);
        }
        assert!(world.is_empty());
    }
}
