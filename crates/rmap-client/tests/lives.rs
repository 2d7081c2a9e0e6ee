//! Waits across lives of the hash. The revisions of a map with more than one write per millisecond run ahead of the
//! server's clock, so its next life starts below its last revision.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::time::Duration;

use rmap_client::{Client, Error, Map, MapSettings, MemoryServer, Outcome, Revision};
use support::eventually;

/// Milliseconds that the revisions are ahead of the clock; also more notifications than a map takes at once.
const AHEAD: u32 = 2000;

/// A server, a map whose revisions are ahead of its clock, and a map that joined afterwards. Neither map probes by
/// itself.
async fn ahead() -> (MemoryServer, Map, Map) {
    let server = MemoryServer::new();
    let writer = join(&server.client()).await;
    load(&writer).await;
    let map = join(&server.client()).await;
    assert_eq!(map.len(), AHEAD as usize + 1);
    (server, writer, map)
}

async fn join(client: &Client) -> Map {
    let quiet = MapSettings::default().probe_interval(Duration::from_secs(3600));
    client.map("flags").settings(quiet).join().await.unwrap()
}

async fn load(map: &Map) {
    map.set("a", "1").await.unwrap();
    for number in 0..AHEAD {
        map.set(format!("old {number}"), "x").await.unwrap();
    }
}

fn is_new(map: &Map) -> bool {
    map.view().keys().all(|key| !key.as_bytes().starts_with(b"old"))
}

/// Every kind of write that is applied to a missing hash; `None` when there is no such kind.
async fn write(map: &Map, kind: usize) -> Option<Revision> {
    match kind {
        0 => Some(map.set("a", "1").await.unwrap().revision),
        1 => map.set_if_not_exists("a", "1").await.unwrap().revision,
        2 => Some(map.inc("n", 1).await.unwrap().revision),
        3 => map.append_values("l", ["x"]).await.unwrap().revision,
        4 => map.append_unique_values("l", ["x"]).await.unwrap().revision,
        5 => map.batch().set("a", "1").set("b", "2").inc("n", 1).commit().await.unwrap().revision,
        6 => Some(map.reset().await.unwrap().revision),
        7 => Some(map.destroy().await.unwrap().revision),
        8 => Some(map.set_and_wait("a", "1").await.unwrap().revision),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn no_write_is_taken_for_visible_in_the_life_before_it() {
    for kind in 0..9 {
        let (server, writer, map) = ahead().await;
        let old = map.revision();
        server.flush();
        server.hold_messages();
        // First in this process, then in another one.
        let waiting = tokio::spawn(async move {
            let revision = write(&map, kind).await.unwrap();
            assert!(Some(revision) < old, "the new life begins below the old one");
            for map in [&map, &writer] {
                map.wait_for(revision).await.unwrap();
                assert!(is_new(map), "kind {kind}: the old life is shown");
                assert_eq!(map.revision(), Some(revision));
            }
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(!waiting.is_finished(), "kind {kind}: nothing of it has arrived");
        server.release_messages();
        waiting.await.unwrap();
    }
}

/// Conditions that do not hold, and deletes of missing keys, return a revision, too.
#[tokio::test(start_paused = true)]
async fn the_revision_of_a_decision_is_waited_for_in_its_own_life() {
    let (server, writer, map) = ahead().await;
    server.flush();
    let began = writer.set("a", "2").await.unwrap().revision;
    for revision in [
        map.test_and_set("a", "1", "3").await.unwrap().revision,
        map.delete("missing").await.unwrap().revision,
        map.test_and_reset([("a", "1")]).await.unwrap().revision,
        map.remove_values("l", ["x"]).await.unwrap().revision,
    ] {
        assert_eq!(revision, Some(began));
        map.wait_for(revision).await.unwrap();
        assert_eq!((map.len(), map.get("a").unwrap()), (1, "2".into()));
    }
}

/// Notifications of the old life arrive after the reply, and pass its revision.
#[tokio::test(start_paused = true)]
async fn notifications_that_are_late_do_not_make_a_write_visible() {
    let server = MemoryServer::new();
    let (writer, map) = (join(&server.client()).await, join(&server.client()).await);
    map.set_and_wait("old", "x").await.unwrap();
    server.hold_messages();
    load(&writer).await;
    tokio::time::sleep(Duration::from_millis(u64::from(AHEAD) / 10)).await;
    server.flush();
    let setting = {
        let map = map.clone();
        tokio::spawn(async move {
            let written = map.set_and_wait("new", "1").await.unwrap();
            assert_eq!((map.get("new").unwrap(), is_new(&map)), ("1".into(), true));
            written.revision
        })
    };
    let fields = || server.with_hash(map.name(), |authority, _| authority.fields().len());
    eventually("it is written", || fields() == 3).await;
    server.release_messages();
    assert_eq!(setting.await.unwrap(), map.revision().unwrap());
}

/// The close of the map does not count as a proof.
#[tokio::test(start_paused = true)]
async fn what_is_not_proven_when_the_map_closes_is_closed() {
    let (server, _, map) = ahead().await;
    server.flush();
    server.hold_messages();
    let revision = map.set("a", "1").await.unwrap().revision;
    let (waited, setting, ()) = tokio::join!(map.wait_for(revision), map.set_and_wait("a", "2"), async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        map.close().await;
    });
    assert!(matches!(waited, Err(Error::Closed { .. })));
    let error = setting.unwrap_err();
    assert!(
        matches!(&error, Error::NotVisible { cause, .. } if matches!(**cause, Error::Closed { .. }))
            && error.outcome() == Some(Outcome::Committed),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_life_that_has_ended_says_so() {
    let (server, _, map) = ahead().await;
    let last = map.revision().unwrap();
    server.flush();
    let error = map.wait_for(last).await.unwrap_err();
    assert!(matches!(&error, Error::HistoryBroken { revision, .. } if *revision == last), "{error}");
    assert!(map.is_empty());
}
