//! Waiting for revisions and for proofs of freshness.

mod support;

use std::time::Duration;

use rmap_client::{Error, MemoryServer, Outcome, Revision};
use support::eventually;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_write_is_visible() {
    let server = MemoryServer::new();
    let writer = server.client().map("flags").join().await.unwrap();
    let reader = server.client().map("flags").join().await.unwrap();
    writer.set_and_wait("a", "0").await.unwrap();
    server.hold_messages();
    let written = writer.set("a", "1").await.unwrap();
    assert!(timeout(SECOND, reader.wait_for(written.revision)).await.is_err());
    server.release_messages();
    reader.wait_for(written.revision).await.unwrap();
    assert_eq!(reader.get("a").unwrap(), "1");
}

#[tokio::test]
async fn no_hash_is_reached_at_once() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    let attempt = map.delete("missing").await.unwrap();
    assert_eq!((attempt.applied, attempt.revision), (false, None));
    map.wait_for(attempt.revision).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_what_is_gone_fails() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    map.set_and_wait("a", "1").await.unwrap();
    let next = map.revision().unwrap().next().unwrap();
    let waiting = map.wait_for(next);
    server.flush();
    let error = waiting.await.unwrap_err();
    assert!(matches!(&error, Error::HistoryBroken { revision, .. } if *revision == next), "{error}");
    assert_eq!(map.get("a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_write_to_an_emptied_server_becomes_visible() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    map.set_and_wait("a", "1").await.unwrap();
    server.flush();
    map.set_and_wait("b", "2").await.unwrap();
    assert_eq!((map.get("a"), map.len()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_set_and_wait_keeps_what_was_committed() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    server.hold_messages();
    let mut setting = map.set_and_wait("a", "1");
    assert!(setting.committed().is_none());
    assert!(timeout(SECOND, &mut setting).await.is_err());
    let committed = setting.committed().unwrap().clone();
    assert_eq!(map.get("a"), None);
    server.release_messages();
    map.wait_for(committed.revision).await.unwrap();
    assert_eq!(map.get("a").unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn a_failed_wait_names_what_was_committed() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    server.hold_messages();
    let mut setting = map.set_and_wait("a", "1");
    assert!(timeout(SECOND, &mut setting).await.is_err());
    let closed = map.clone();
    let (result, ()) = tokio::join!(&mut setting, closed.close());
    let error = result.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Committed), "{error}");
    assert!(matches!(&error, Error::NotVisible { cause, .. } if matches!(**cause, Error::Closed { .. })));
    let Error::NotVisible { revision, .. } = error else { panic!("{error}") };
    assert_eq!(setting.committed().unwrap().revision, revision);
}

#[tokio::test]
async fn a_failed_write_is_not_committed() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    let mut setting = map.set_and_wait("a=b", "1");
    assert!(matches!((&mut setting).await, Err(Error::InvalidKey { .. })));
    assert!(setting.committed().is_none());
}

#[tokio::test]
async fn sync_finds_a_lost_message() {
    let server = MemoryServer::new();
    let writer = server.client().map("flags").join().await.unwrap();
    let reader = server.client().map("flags").join().await.unwrap();
    server.lose_messages(1);
    writer.set("a", "1").await.unwrap();
    assert_eq!(reader.get("a"), None);
    reader.sync().await.unwrap();
    assert_eq!(reader.get("a").unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn sync_gives_up_in_time() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").sync_timeout(SECOND).join().await.unwrap();
    server.go_down();
    let error = map.sync().await.unwrap_err();
    assert!(matches!(error, Error::SyncTimeout { .. }), "{error}");
    server.come_up();
    map.sync().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fresh_read_refuses_stale_content() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    map.sync().await.unwrap();
    assert!(map.fresh(SECOND).is_ok());
    server.go_down();
    tokio::time::sleep(SECOND * 60).await;
    let error = map.fresh(SECOND).unwrap_err();
    let Error::Stale { staleness, bound, .. } = &error else { panic!("{error}") };
    assert!(staleness.unwrap() >= SECOND * 60 && *bound == SECOND);
    assert!(!map.status().is_live());
    server.come_up();
    map.sync().await.unwrap();
    assert!(map.fresh(SECOND).is_ok());
}

#[tokio::test]
async fn a_wait_accepts_any_form_of_revision() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    let written = map.set("a", "1").await.unwrap();
    map.wait_for(written.revision).await.unwrap();
    map.wait_for(Some(written.revision)).await.unwrap();
    map.wait_for(None::<Revision>).await.unwrap();
}

/// The waits start while the subscriber connection lags a little behind, in the history that has ended.
#[tokio::test(start_paused = true)]
async fn writes_at_once_after_a_flush_become_visible() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    map.set_and_wait("a", "1").await.unwrap();
    // The clock of the next life then exceeds the revisions of this one.
    tokio::time::sleep(SECOND * 60).await;
    server.flush();
    server.hold_messages();
    let writes: Vec<_> = (0..4)
        .map(|number| {
            let map = map.clone();
            tokio::spawn(async move { map.set_and_wait(format!("k{number}"), "v").await })
        })
        .collect();
    let fields = || server.with_hash(map.name(), |authority, _| authority.fields().len());
    eventually("all four are written", || fields() == 4 + 2).await;
    server.release_messages();
    for write in writes {
        write.await.unwrap().unwrap();
    }
}
