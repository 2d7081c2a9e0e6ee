//! Reading up to a mark, whatever is folded.

use std::sync::Arc;

use rmap_core::{Change, Progress, Value};
use rmap_proto::{Key, Revision};
use tokio::sync::oneshot;

use super::*;
use crate::feed::{Feed, FeedStream};
use crate::settings::Bound;
use crate::sum::Sum;

/// A log in which every change is old at once.
fn log() -> Arc<Feed<Log>> {
    Feed::new(Log::new(Bound { count: 0, bytes: 0 }, Sum::new(usize::MAX).share()))
}

fn follower(feed: &Arc<Feed<Log>>) -> FeedStream<Log> {
    let stream = feed.add(|log, stream| log.follow(stream, oneshot::channel().0));
    feed.with(Log::begin);
    stream
}

/// Sets the key from one number to the next.
fn set(feed: &Arc<Feed<Log>>, number: u64) {
    let value = |number: u64| (number > 0).then(|| Value::from(number.to_string().as_str()));
    let key = Key::new("a").unwrap();
    feed.push(Change { revision: Revision::new(number), key, old: value(number - 1), new: value(number) });
}

fn mark(feed: &Arc<Feed<Log>>) {
    feed.with(|log| log.mark(Progress::default(), None, false));
}

/// The changes that the follower reads up to its aim: from which value to which.
fn read(stream: &FeedStream<Log>, place: u64) -> Vec<(Option<Value>, Option<Value>)> {
    let next = || stream.with(|log, id| log.take_before(id, place));
    std::iter::from_fn(next).map(|change| (change.old, change.new)).collect()
}

fn aim(stream: &FeedStream<Log>) -> Option<u64> {
    stream.with(|log, id| log.aim(id)).map(|mark| mark.place)
}

fn from_to(from: &str, to: &str) -> (Option<Value>, Option<Value>) {
    let value = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    (value(from), value(to))
}

#[test]
fn nothing_is_folded_across_the_last_mark() {
    let feed = log();
    let stream = follower(&feed);
    set(&feed, 1);
    set(&feed, 2);
    mark(&feed);
    set(&feed, 3);
    assert_eq!(aim(&stream), Some(2));
    assert_eq!(read(&stream, 2), [from_to("", "2")]);
}

#[test]
fn nothing_is_folded_across_the_mark_that_a_follower_reads_up_to() {
    let feed = log();
    let stream = follower(&feed);
    set(&feed, 1);
    mark(&feed);
    assert_eq!(aim(&stream), Some(1));
    for number in 2..6 {
        set(&feed, number);
        mark(&feed);
    }
    assert_eq!(read(&stream, 1), [from_to("", "1")]);
    assert_eq!(aim(&stream), Some(5));
    let rest = read(&stream, 5);
    assert!(rest.len() < 4, "what lies between marks that nobody reads up to is folded");
    assert_eq!((rest[0].0.clone(), rest[rest.len() - 1].1.clone()), from_to("1", "5"));
    assert_eq!(read(&stream, 5), []);
}

/// Until a stream begins nothing is recorded, so a mark at its place may be of an older content.
#[test]
fn a_mark_from_before_a_follower_began_is_not_its_mark() {
    let feed = log();
    let stream = feed.add(|log, stream| log.follow(stream, oneshot::channel().0));
    mark(&feed);
    set(&feed, 1);
    feed.with(Log::begin);
    assert_eq!(aim(&stream), None);
    mark(&feed);
    assert_eq!(aim(&stream), Some(0));
}

#[test]
fn followers_that_leave_leave_no_place() {
    let feed = log();
    let (first, second) = (follower(&feed), follower(&feed));
    for number in 1..4 {
        set(&feed, number);
        mark(&feed);
        assert_eq!(aim(&first), aim(&second));
    }
    drop(first);
    assert_eq!(read(&second, 3).last().unwrap().1, from_to("", "3").1);
    drop(second);
    assert!(feed.with(|log| log.places.is_empty()));
    mark(&feed);
    assert!(feed.with(|log| log.places.is_empty()), "nobody follows");
}
