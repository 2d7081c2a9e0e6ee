//! The driver fills feeds while streams are added, read and closed.

use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::thread;

use super::check;
use crate::feed::{Backlog, Feed, FeedStream, Feeds};
use crate::sync::{Mutex, lock};

/// Numbers, as ranges without a hole: what was put in while nobody read comes as one.
#[derive(Debug, Default)]
struct Ranges(Option<(u64, u64)>);

impl Backlog for Ranges {
    type In = u64;
    type Out = (u64, u64);

    fn put(&mut self, number: u64) {
        let (first, last) = self.0.unwrap_or((number, number));
        assert!(number == last || number == last + 1, "{number} after {last}");
        self.0 = Some((first, number));
    }

    fn take(&mut self) -> Option<(u64, u64)> {
        self.0.take()
    }
}

/// Reads to the end; returns the first number and the last.
fn read(feed: &Arc<Feed<Ranges>>) -> Option<(u64, u64)> {
    let stream = FeedStream(Arc::clone(feed));
    let mut all: Option<(u64, u64)> = None;
    while let Some((first, last)) = block_on(stream.next()) {
        let begun = all.map_or(first, |(begun, before)| {
            assert!(first == before || first == before + 1, "{first} after {before}");
            begun
        });
        all = Some((begun, last));
    }
    all
}

/// Numbers 1 to 3, then the end.
fn drive(feeds: &Feeds<Ranges>) {
    (1..=3).for_each(|number| _ = feeds.push(&number));
    feeds.close();
}

#[test]
fn interleavings_of_a_stream() {
    check(|| {
        let feeds = Arc::new(Feeds::new());
        let streams = [Feed::new(Ranges::default()), Feed::new(Ranges::default())];
        streams.iter().for_each(|stream| feeds.add(stream));
        let readers = streams.map(|stream| thread::spawn(move || read(&stream)));
        drive(&feeds);
        for reader in readers {
            assert_eq!(reader.join().expect("the reader ends"), Some((1, 3)));
        }
    });
}

/// A stream that is added late begins late, but has no hole, and ends.
#[test]
fn interleavings_of_adding() {
    check(|| {
        let feeds = Arc::new(Feeds::new());
        let readers = [(); 2].map(|()| {
            let feeds = Arc::clone(&feeds);
            thread::spawn(move || {
                let stream = Feed::new(Ranges::default());
                feeds.add(&stream);
                read(&stream)
            })
        });
        drive(&feeds);
        for reader in readers {
            let last = reader.join().expect("the reader ends").map(|(_, last)| last);
            assert!(last.is_none_or(|last| last == 3), "{last:?}");
        }
    });
}

/// A stream that begins with what holds at that moment gets everything that comes later.
#[test]
fn interleavings_of_adding_with_the_first() {
    check(|| {
        let feeds = Arc::new(Feeds::new());
        let holds = Arc::new(Mutex::new(0));
        let reader = {
            let (feeds, holds) = (Arc::clone(&feeds), Arc::clone(&holds));
            thread::spawn(move || {
                let stream = Feed::new(Ranges::default());
                feeds.add_with(&stream, || *lock(&holds));
                read(&stream)
            })
        };
        for number in 1..=3 {
            *lock(&holds) = number;
            feeds.push(&number);
        }
        feeds.close();
        let (_, last) = reader.join().expect("the reader ends").expect("the first is there");
        assert_eq!(last, 3);
    });
}

/// Streams that are dropped hold up nobody, and nobody listens in the end.
#[test]
fn interleavings_of_dropping() {
    check(|| {
        let feeds = Arc::new(Feeds::new());
        let stays = Feed::new(Ranges::default());
        feeds.add(&stays);
        let goes = {
            let feeds = Arc::clone(&feeds);
            thread::spawn(move || {
                let stream = FeedStream(Feed::new(Ranges::default()));
                feeds.add(&stream.0);
            })
        };
        let reader = thread::spawn(move || read(&stays));
        drive(&feeds);
        goes.join().expect("it drops its stream");
        assert_eq!(reader.join().expect("the reader ends"), Some((1, 3)));
        assert!(!feeds.push(&4));
    });
}
