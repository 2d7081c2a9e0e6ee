//! Watches across resyncs, resets, lost messages and panics, and many of them at once.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use futures_core::Stream;
use rmap_client::{Error, Map, MemoryServer, Value, Watch};

async fn must_end<T>(what: &str, work: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(Duration::from_secs(60), work).await;
    ended.unwrap_or_else(|_| panic!("not within a minute: {what}"))
}

async fn joined(server: &MemoryServer) -> Map {
    server.client().map("flags").join().await.unwrap()
}

async fn next_is(watch: &mut Watch, expected: Option<&str>) {
    assert_eq!(must_end("a value", watch.changed()).await, Ok(expected.map(Value::from)));
}

#[tokio::test(start_paused = true)]
async fn a_watch_sees_what_a_resync_brings() {
    let server = MemoryServer::new();
    let (map, writer) = (joined(&server).await, joined(&server).await);
    writer.batch().set("a", "1").set("b", "1").commit().await.unwrap();
    let mut watch = map.watch("a");
    if watch.borrow().is_none() {
        next_is(&mut watch, Some("1")).await;
    }
    // The notification is lost, and a probe finds the change without a further write.
    server.lose_messages(1);
    writer.set("a", "2").await.unwrap();
    next_is(&mut watch, Some("2")).await;
    // A snapshot delivers a write that was made while the connection was down.
    server.drop_connections();
    writer.set("a", "3").await.unwrap();
    next_is(&mut watch, Some("3")).await;
    // The server has lost all hashes.
    server.flush();
    next_is(&mut watch, None).await;
    writer.set("a", "4").await.unwrap();
    next_is(&mut watch, Some("4")).await;
    // A new life of the hash, made without rmap.
    server.with_hash(map.name(), |hash, _| {
        hash.hset("=rev", "9");
        hash.hset("a", "5");
    });
    next_is(&mut watch, Some("5")).await;
    // The write that follows starts a new life of the hash.
    server.with_hash(map.name(), |hash, _| hash.delete_hash());
    writer.set("b", "1").await.unwrap();
    next_is(&mut watch, None).await;
}

#[tokio::test(start_paused = true)]
async fn a_prefix_has_no_hole_where_it_begins_and_none_in_a_resync() {
    let server = MemoryServer::new();
    let (map, writer) = (joined(&server).await, joined(&server).await);
    for round in 0..50 {
        for key in 0..10 {
            writer.set(format!("k/{key}"), format!("{round}")).await.unwrap();
        }
        let mut keys = map.watch_prefix("k/");
        if round % 5 == 0 {
            server.lose_messages(3);
        }
        writer.set("other", "x").await.unwrap();
        writer.delete("k/0").await.unwrap();
        writer.set("k/1", "last").await.unwrap();
        if round % 2 == 0 {
            // The write is applied before the stream is first read, and the stream still starts where it was made.
            map.sync().await.unwrap();
        }
        keys.begin().await;
        let end = format!("end of {round}");
        writer.set("k/9", &end).await.unwrap();
        let folding = async {
            let mut folded = BTreeMap::<String, Value>::new();
            let holds = |folded: &BTreeMap<String, Value>, key: &str, value: &str| {
                folded.get(key).is_some_and(|held| *held == *value)
            };
            // The net changes of a resync come in no particular order.
            while !holds(&folded, "k/9", &end) || !holds(&folded, "k/1", "last") || folded.contains_key("k/0")
            {
                let change = keys.next().await.unwrap();
                let (key, old) = (change.key.to_string(), change.old);
                assert_eq!(folded.get(&key), old.as_ref(), "{key} in round {round}");
                match change.new {
                    Some(new) => folded.insert(key, new),
                    None => folded.remove(&key),
                };
            }
            folded
        };
        let folded = must_end("the changes", folding).await;
        assert_eq!(folded.len(), 9);
    }
}

/// A prefix with few of many changes lets other tasks run.
#[tokio::test]
async fn a_prefix_skips_what_is_not_its() {
    let server = MemoryServer::new();
    let (map, writer) = (joined(&server).await, joined(&server).await);
    let mut keys = map.watch_prefix("mine");
    assert_eq!(must_end("the beginning", keys.begin()).await, 0);
    for number in 0..2_000 {
        writer.set(format!("other {}", number % 700), format!("{number}")).await.unwrap();
    }
    writer.set("mine", "1").await.unwrap();
    map.sync().await.unwrap();
    let woken = Arc::new(Counted::default());
    let mut polls = 0;
    let change = loop {
        polls += 1;
        let waker = Waker::from(Arc::clone(&woken));
        if let std::task::Poll::Ready(change) =
            Pin::new(&mut keys).poll_next(&mut Context::from_waker(&waker))
        {
            break change.unwrap();
        }
        assert_eq!(woken.0.load(Ordering::Relaxed), polls, "it asks for its next turn itself");
    };
    assert_eq!((change.new.unwrap(), polls > 2), ("1".into(), true));
}

/// Counts its wakeups.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn only_who_watches_a_key_is_woken() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    // The first write replaces the whole content.
    map.set_and_wait("another", "first").await.unwrap();
    let woken = Arc::new(Counted::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut watches: Vec<_> = (0..1000).map(|number| map.watch(format!("key {number}"))).collect();
    for watch in &mut watches {
        assert!(watch.next_now(&waker).is_ready() && watch.next_now(&waker).is_pending());
    }
    for number in 0..100 {
        map.set_and_wait("another", number.to_string()).await.unwrap();
    }
    map.batch().set("another", "x").delete("one more").commit().visible().await.unwrap();
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    map.batch().set("key 7", "x").set("key 8", "x").commit().visible().await.unwrap();
    map.sync().await.unwrap();
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    map.reset().visible().await.unwrap();
    map.sync().await.unwrap();
    // Every watch that still waited.
    assert_eq!(woken.0.load(Ordering::Relaxed), 1000);
}

trait NextNow: Stream + Unpin {
    fn next_now(&mut self, waker: &Waker) -> std::task::Poll<Option<Self::Item>> {
        Pin::new(self).poll_next(&mut Context::from_waker(waker))
    }
}

impl NextNow for Watch {}

/// A waker that panics in the map's task.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("on purpose");
    }
}

#[tokio::test]
async fn a_waker_that_panics_ends_the_watches_of_all() {
    let map = joined(&MemoryServer::new()).await;
    let (mut armed, mut other) = (map.watch("a"), map.watch("b"));
    let bomb = Waker::from(Arc::new(Bomb));
    assert!(armed.next_now(&bomb).is_ready() && armed.next_now(&bomb).is_pending());
    let other = tokio::spawn(async move { other.changed().await });
    let waiting = {
        let map = map.clone();
        tokio::spawn(async move { map.wait_until(|_| false).await })
    };
    tokio::task::yield_now().await;
    map.set("a", "1").await.unwrap();
    let closed = Error::Closed { map: map.name().clone() };
    assert_eq!(must_end("the other watch", other).await.unwrap(), Err(closed.clone()));
    assert_eq!(must_end("the wait", waiting).await.unwrap().unwrap_err(), closed);
    assert_eq!(armed.borrow().unwrap(), "1");
}

#[tokio::test]
async fn a_wait_that_is_given_up_leaves_nothing() {
    let map = joined(&MemoryServer::new()).await;
    for _ in 0..100 {
        let waiting = map.wait_until(|view| view.contains("never"));
        assert!(tokio::time::timeout(Duration::ZERO, waiting).await.is_err());
        let mut watch = map.watch("never");
        assert!(tokio::time::timeout(Duration::ZERO, watch.changed()).await.is_err());
    }
    let mut watch = map.watch("a");
    map.set("a", "1").await.unwrap();
    next_is(&mut watch, Some("1")).await;
}

/// A resync can bring a revision without a differing entry.
#[tokio::test(start_paused = true)]
async fn a_wait_sees_a_revision_that_comes_alone() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    let revision = map.set_and_wait("a", "1").await.unwrap().revision;
    server.with_hash(map.name(), |hash, _| hash.hset("=rev", (revision.get() + 7).to_string()));
    let wanted = revision.get() + 7;
    let waiting = map.wait_until(|view| view.revision().is_some_and(|shown| shown.get() == wanted));
    must_end("the revision", waiting).await.unwrap();
}
