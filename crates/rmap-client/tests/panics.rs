//! A map whose task panics is closed, and no caller waits for it.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use futures_core::Stream;
use rmap_client::{Error, Map, MemoryServer, Phase};

/// A waker that panics in the map's own task.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("on purpose");
    }
}

async fn must_end<T>(what: &str, work: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(Duration::from_secs(60), work).await;
    ended.unwrap_or_else(|_| panic!("not within a minute: {what}"))
}

/// Makes the map's task panic at its next change.
fn lay_bomb(map: &Map) -> impl Stream {
    let mut events = map.subscribe();
    let waker = Waker::from(Arc::new(Bomb));
    assert!(Pin::new(&mut events).poll_next(&mut Context::from_waker(&waker)).is_pending());
    events
}

/// A waker that makes a stream in the task that wakes it.
struct Curious(Map);

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        drop(self.0.subscribe());
    }
}

#[tokio::test]
async fn who_is_woken_may_make_a_stream_at_once() {
    let map = MemoryServer::new().client().map("flags").join().await.unwrap();
    let mut events = map.subscribe();
    let waker = Waker::from(Arc::new(Curious(map.clone())));
    assert!(Pin::new(&mut events).poll_next(&mut Context::from_waker(&waker)).is_pending());
    must_end("a write", map.set_and_wait("a", "1")).await.unwrap();
}

#[tokio::test]
async fn the_map_is_closed_and_the_others_go_on() {
    let server = MemoryServer::new();
    let client = server.client();
    let map = client.map("flags").join().await.unwrap();
    let other = client.map("colors").join().await.unwrap();
    let (mut changes, mut statuses) = (map.changes(), map.status_changes());
    let _events = lay_bomb(&map);
    let mut woken_after = map.subscribe();
    let woken_after = tokio::spawn(async move { while woken_after.next().await.is_some() {} });
    tokio::task::yield_now().await;

    let unseen = must_end("a write", map.set_and_wait("a", "1")).await;
    // The change itself was applied before the panic, so the wait may have seen it.
    assert!(matches!(unseen, Ok(_) | Err(Error::NotVisible { .. })), "{unseen:?}");

    must_end("events of another", woken_after).await.unwrap();
    must_end("changes", async { while changes.next().await.is_some() {} }).await;
    let mut last = None;
    must_end("statuses", async {
        while let Some(status) = statuses.next().await {
            last = Some(status.phase());
        }
    })
    .await;
    assert_eq!((last, map.status().phase()), (Some(Phase::Closed), Phase::Closed));
    assert!(map.is_closed());
    assert_eq!(must_end("a late stream", map.changes().next()).await, None);
    assert!(matches!(must_end("a proof", map.sync()).await, Err(Error::Closed { .. })));
    assert!(matches!(must_end("a write", map.set("a", "2")).await, Err(Error::Closed { .. })));
    assert_eq!(map.get("a").unwrap(), "1");

    must_end("a write elsewhere", other.set_and_wait("sky", "blue")).await.unwrap();
    let again = must_end("joining again", client.map("flags").join()).await.unwrap();
    assert_eq!(again.get("a").unwrap(), "1");
    must_end("closing the map", map.close()).await;
    must_end("closing the client", client.close()).await;
}
