//! Writes as values: nothing is sent before the first poll, they borrow nothing, and each can wait until it is visible.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "support/writes.rs"]
mod writes;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use rmap_client::kind::{self, Kind};
use rmap_client::{Error, Map, MemoryServer, Revision, Visible, Writing};
use tokio::time::timeout;
use writes::{Visit, every_kind};

const SECOND: Duration = Duration::from_secs(1);

async fn join(server: &MemoryServer) -> Map {
    server.client().map("flags").join().await.unwrap()
}

/// Each write becomes visible, and the map shows it then.
struct Shown;

impl Visit for Shown {
    async fn visit<K: Kind>(
        &mut self,
        name: &'static str,
        map: &Map,
        write: Writing<K>,
        revision: fn(&K::Output) -> Option<Revision>,
    ) {
        let before = map.revision();
        let mut write = write.visible();
        assert!(write.committed().is_none(), "{name}");
        let output = (&mut write).await.unwrap();
        assert_eq!(map.revision(), revision(&output), "{name}");
        assert!(map.revision() > before, "{name}");
        assert_eq!(write.committed().and_then(revision), map.revision(), "{name}");
    }
}

#[tokio::test]
async fn every_kind_of_write_becomes_visible() {
    every_kind(&join(&MemoryServer::new()).await, &mut Shown).await;
}

/// The notification is kept back. The wait does not end, and keeps the revision when it is given up.
struct GivenUp(MemoryServer);

impl Visit for GivenUp {
    async fn visit<K: Kind>(
        &mut self,
        name: &'static str,
        map: &Map,
        write: Writing<K>,
        revision: fn(&K::Output) -> Option<Revision>,
    ) {
        let before = map.revision();
        self.0.hold_messages();
        let mut write = write.visible();
        assert!(timeout(SECOND, &mut write).await.is_err(), "{name} is not visible yet");
        let committed = write.committed().and_then(revision);
        assert!(committed > before, "{name}: {committed:?}");
        assert_eq!(map.revision(), before, "{name}");
        drop(write);
        self.0.release_messages();
        map.wait_for(committed).await.unwrap();
        assert_eq!(map.revision(), committed, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_keeps_what_every_kind_of_write_committed() {
    let server = MemoryServer::new();
    every_kind(&join(&server).await, &mut GivenUp(server)).await;
}

/// The hash has vanished before the write, and the map has not noticed.
struct NewLife(MemoryServer);

impl Visit for NewLife {
    async fn visit<K: Kind>(
        &mut self,
        name: &'static str,
        map: &Map,
        write: Writing<K>,
        _: fn(&K::Output) -> Option<Revision>,
    ) {
        self.0.flush();
        let Ok(output) = timeout(60 * SECOND, write.visible()).await else { panic!("{name} hangs") };
        assert!(output.is_ok(), "{name}: {output:?}");
        map.sync().await.unwrap();
        let server = self.0.with_hash(map.name(), |hash, _| hash.fields().len());
        assert_eq!(map.len(), server.saturating_sub(2), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_begins_a_new_life_of_the_hash_becomes_visible() {
    let server = MemoryServer::new();
    every_kind(&join(&server).await, &mut NewLife(server)).await;
}

/// A notification was lost before, so the next one leaves a gap.
struct AfterAGap(MemoryServer, Map);

impl Visit for AfterAGap {
    async fn visit<K: Kind>(
        &mut self,
        name: &'static str,
        map: &Map,
        write: Writing<K>,
        revision: fn(&K::Output) -> Option<Revision>,
    ) {
        self.0.lose_messages(1);
        self.1.set("gap", name).await.unwrap();
        let Ok(output) = timeout(60 * SECOND, write.visible()).await else { panic!("{name} hangs") };
        assert!(map.revision() >= revision(output.as_ref().unwrap()), "{name}: {output:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_after_a_lost_message_becomes_visible() {
    let server = MemoryServer::new();
    let (map, other) = (join(&server).await, join(&server).await);
    every_kind(&map, &mut AfterAGap(server, other)).await;
}

/// The server lost writes whose notifications still arrive: the clear has a revision that the map passes before.
#[tokio::test(start_paused = true)]
async fn a_clear_below_what_is_shown_meanwhile_becomes_visible() {
    let server = MemoryServer::new();
    let (map, other) = (join(&server).await, join(&server).await);
    let start = map.set_and_wait("k", "v").await.unwrap().revision;
    server.hold_messages();
    for number in 0..3 {
        other.set("k", number.to_string()).await.unwrap();
    }
    server.with_hash(map.name(), |hash, _| hash.hset("=rev", start.to_string()));
    let mut clear = map.reset().visible();
    assert!(timeout(SECOND, &mut clear).await.is_err());
    server.release_messages();
    let cleared = timeout(60 * SECOND, clear).await.unwrap().unwrap();
    assert_eq!(Some(cleared.revision), start.next());
    assert_eq!((map.len(), map.revision()), (0, Some(cleared.revision)));
}

/// A write that is dropped without a poll.
struct Dropped;

impl Visit for Dropped {
    async fn visit<K: Kind>(
        &mut self,
        name: &'static str,
        map: &Map,
        write: Writing<K>,
        _: fn(&K::Output) -> Option<Revision>,
    ) {
        fn is_free<T: Send + Sync + Unpin + 'static>(_: &T) {}
        fn is_sent<T: Send + Unpin + 'static>(_: &T) {}
        let before = map.revision();
        is_sent(&write);
        let write = write.visible();
        is_sent(&write);
        is_free(map);
        drop(write);
        map.sync().await.unwrap();
        assert_eq!(map.revision(), before, "{name}");
    }
}

#[tokio::test]
async fn no_kind_of_write_is_sent_before_its_first_poll() {
    every_kind(&join(&MemoryServer::new()).await, &mut Dropped).await;
}

#[tokio::test]
async fn writes_are_joined_selected_and_spawned() {
    let map = join(&MemoryServer::new()).await;
    let (set, counted) = tokio::join!(map.set("a", "1"), map.inc("n", 1).visible());
    assert_eq!((set.unwrap().previous, counted.unwrap().value), (None, 1));
    let written = tokio::select! {
        written = map.set("a", "2") => written.unwrap(),
        () = std::future::pending() => unreachable!(),
    };
    assert_eq!(written.previous.unwrap(), "1");
    let spawned = tokio::spawn(map.delete("a")).await.unwrap().unwrap();
    assert!(spawned.applied);
    let writes: Vec<Writing<kind::Set>> = (0..10).map(|number| map.set(format!("k{number}"), "v")).collect();
    for write in writes {
        write.visible().await.unwrap();
    }
    assert_eq!(map.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changes_nothing_has_nothing_to_show() {
    let server = MemoryServer::new();
    let map = join(&server).await;
    map.set_and_wait("k", "v").await.unwrap();
    server.hold_messages();
    // The map does not show this write yet, so a wait for it takes long.
    map.set("other", "1").await.unwrap();
    let mut attempts: [Visible<kind::TestedSet>; 2] =
        [map.set_if_not_exists("k", "w").visible(), map.test_and_set("k", "other", "w").visible()];
    for attempt in &mut attempts {
        assert!(!timeout(SECOND, &mut *attempt).await.unwrap().unwrap().applied);
        assert!(attempt.committed().is_none());
    }
    assert!(!timeout(SECOND, map.delete("missing").visible()).await.unwrap().unwrap().applied);
    assert!(!timeout(SECOND, map.remove_values("missing", ["x"]).visible()).await.unwrap().unwrap().applied);
    let batches = [map.batch().test_absent("k").delete("k"), map.batch().delete("missing"), map.batch()];
    for batch in batches {
        let done = timeout(SECOND, batch.commit().visible()).await.unwrap().unwrap();
        assert_eq!(done.changed, 0);
    }
    assert_eq!(map.get("other"), None);
}

#[tokio::test]
async fn a_write_that_fails_commits_nothing() {
    let map = join(&MemoryServer::new()).await;
    map.set_and_wait("k", "v").await.unwrap();
    let mut bad = map.delete("a=b").visible();
    assert!(matches!((&mut bad).await, Err(Error::InvalidKey { .. })));
    assert!(bad.committed().is_none());
    let mut refused = map.batch().set("a", "1").inc("k", 1).commit().visible();
    let error = (&mut refused).await.unwrap_err();
    assert!(matches!(&error, Error::NotAnInteger { key, .. } if key == "k"), "{error}");
    assert!(refused.committed().is_none());
}

/// A wait may start while the write is in flight.
#[tokio::test(start_paused = true)]
async fn a_write_in_flight_can_be_waited_for() {
    let server = MemoryServer::new();
    let map = join(&server).await;
    let mut write = map.set("k", "v");
    let first = poll_fn(|context| Poll::Ready(Pin::new(&mut write).poll(context))).await;
    assert!(first.is_pending());
    let written = timeout(SECOND, write.visible()).await.unwrap().unwrap();
    assert_eq!((map.get("k").unwrap(), map.revision()), ("v".into(), Some(written.revision)));
}

#[tokio::test]
#[should_panic(expected = "polled after completion")]
async fn a_write_is_polled_no_more_after_its_end() {
    let map = join(&MemoryServer::new()).await;
    let mut write = map.set("k", "v");
    (&mut write).await.unwrap();
    let _ = write.await;
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// An executor without tokio.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

#[test]
fn every_kind_of_write_becomes_visible_where_there_is_no_tokio() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let map = runtime.block_on(async { join(&MemoryServer::new()).await });
    block_on(every_kind(&map, &mut Shown));
}

#[tokio::test]
async fn what_is_not_polled_yet_says_so_without_a_value() {
    let map = join(&MemoryServer::new()).await;
    let write = map.set("color", "hunter2");
    assert_eq!(format!("{write:?}"), "Writing(set(color, 12 bytes), not sent)");
    let visible = write.visible();
    assert_eq!(format!("{visible:?}"), "Visible(set(color, 12 bytes), not sent, committed: None)");
    let refused = format!("{:?}", map.set("", "hunter2"));
    assert_eq!(refused, "Writing(refused: map flags: key is empty)");
}
