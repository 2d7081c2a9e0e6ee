//! The driver fills feeds while streams are added, read and closed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rmap_core::{Change, Value};
use rmap_proto::Key;
use shuttle::future::block_on;
use shuttle::thread;

use super::check;
use crate::changes::Log;
use crate::feed::{Backlog, Feed, FeedStream, StreamId};
use crate::settings::Bound;
use crate::sum::Sum;
use crate::sync::{Mutex, lock};

/// Numbers, as ranges without holes: numbers put while a stream does not read come as one range.
#[derive(Debug, Default)]
struct Ranges {
    last: u64,
    /// The last number that each stream has read.
    streams: HashMap<StreamId, u64>,
}

impl Ranges {
    fn begin(&mut self, stream: StreamId) {
        self.streams.insert(stream, self.last);
    }
}

impl Backlog for Ranges {
    type In = u64;
    type Out = (u64, u64);

    fn put(&mut self, number: u64) {
        assert!(number == self.last || number == self.last + 1, "{number} after {}", self.last);
        self.last = number;
    }

    fn take(&mut self, stream: StreamId) -> Option<(u64, u64)> {
        let had = self.streams.get_mut(&stream)?;
        let range = (*had < self.last).then_some((*had + 1, self.last));
        *had = self.last;
        range
    }

    fn leave(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }
}

/// Reads to the end; returns the first number and the last.
fn read(stream: &FeedStream<Ranges>) -> Option<(u64, u64)> {
    let mut all: Option<(u64, u64)> = None;
    while let Some((first, last)) = block_on(stream.next()) {
        let begun = all.map_or(first, |(begun, before)| {
            assert!(first == before + 1, "{first} after {before}");
            begun
        });
        all = Some((begun, last));
    }
    all
}

/// Numbers 1 to 3, then the end.
fn drive(feed: &Feed<Ranges>) {
    (1..=3).for_each(|number| _ = feed.push(number));
    feed.close();
}

#[test]
fn interleavings_of_a_stream() {
    check(|| {
        let feed = Feed::new(Ranges::default());
        let streams = [feed.add(Ranges::begin), feed.add(Ranges::begin)];
        let readers = streams.map(|stream| thread::spawn(move || read(&stream)));
        drive(&feed);
        for reader in readers {
            assert_eq!(reader.join().expect("the reader ends"), Some((1, 3)));
        }
    });
}

/// A stream that is added late starts late, but has no hole, and ends.
#[test]
fn interleavings_of_adding() {
    check(|| {
        let feed = Feed::new(Ranges::default());
        let readers = [(); 2].map(|()| {
            let feed = Arc::clone(&feed);
            thread::spawn(move || read(&feed.add(Ranges::begin)))
        });
        drive(&feed);
        for reader in readers {
            let last = reader.join().expect("the reader ends").map(|(_, last)| last);
            assert!(last.is_none_or(|last| last == 3), "{last:?}");
        }
    });
}

/// A stream that starts with the current value gets every later one.
#[test]
fn interleavings_of_adding_with_the_first() {
    check(|| {
        let feed = Feed::new(Ranges::default());
        let holds = Arc::new(Mutex::new(0));
        let reader = {
            let (feed, holds) = (Arc::clone(&feed), Arc::clone(&holds));
            thread::spawn(move || {
                let mut first = 0;
                let stream = feed.add(|ranges, stream| {
                    first = *lock(&holds);
                    ranges.begin(stream);
                });
                read(&stream).map_or(first, |(_, last)| last)
            })
        };
        for number in 1..=3 {
            *lock(&holds) = number;
            feed.push(number);
        }
        feed.close();
        assert_eq!(reader.join().expect("the reader ends"), 3);
    });
}

/// Dropped streams hold up nothing, and leave no stream behind.
#[test]
fn interleavings_of_dropping() {
    check(|| {
        let feed = Feed::new(Ranges::default());
        let stays = feed.add(Ranges::begin);
        let goes = {
            let feed = Arc::clone(&feed);
            thread::spawn(move || drop(feed.add(Ranges::begin)))
        };
        let reader = thread::spawn(move || read(&stays));
        drive(&feed);
        goes.join().expect("it drops its stream");
        assert_eq!(reader.join().expect("the reader ends"), Some((1, 3)));
        assert!(!feed.push(4));
    });
}

/// Streams of changes that fold from the second unread change on, each at its own pace.
#[test]
fn interleavings_of_changes() {
    check(|| {
        let limit = Bound { count: 1, bytes: usize::MAX };
        let feed = Feed::new(Log::new(limit, Sum::new(usize::MAX).share()));
        let streams: [FeedStream<Log<Change>>; 2] =
            [(); 2].map(|()| feed.add(|log, stream| log.ask(stream, None)));
        feed.with(Log::begin);
        let readers = streams.map(|stream| {
            thread::spawn(move || {
                let mut content = BTreeMap::new();
                while let Some(change) = block_on(stream.next()) {
                    assert_eq!(content.get(&change.key), change.old.as_ref());
                    let Some(value) = change.new else { continue };
                    content.insert(change.key, value);
                }
                content
            })
        });
        let mut content = BTreeMap::new();
        for (number, key) in ["a", "b", "a", "a", "b"].into_iter().enumerate() {
            let (key, new) = (Key::new(key).unwrap(), Value::from(&*number.to_string()));
            let old = content.insert(key.clone(), new.clone());
            feed.push(Change { revision: None, key, old, new: Some(new) });
        }
        feed.close();
        for reader in readers {
            assert_eq!(reader.join().expect("the reader ends"), content);
        }
    });
}
