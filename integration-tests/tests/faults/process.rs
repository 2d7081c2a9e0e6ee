//! A server that is killed or stopped while a write is in flight.

use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};
use rmap_client::Outcome;

use crate::support::{Cast, a_write_waits};

/// Kills the server after it received a write and before it carried the write out.
async fn die_with_a_write(cast: &mut Cast) {
    cast.run(&["CLIENT", "PAUSE", "1000000", "WRITE"]);
    let writer = cast.writer.clone();
    let writing = tokio::spawn(async move { writer.inc("n", 1).await });
    eventually_async("the write waits", || a_write_waits(&mut cast.raw)).await;
    cast.server.kill();
    let error = must_end(writing).await.unwrap().unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
    cast.server.restart();
    cast.raw = cast.server.connection();
}

#[tokio::test]
async fn a_server_killed_with_its_content_kept_has_it_again() {
    let mut cast = Cast::with(Server::builder().persistent(), |client| client).await;
    let before = cast.stored();
    die_with_a_write(&mut cast).await;
    assert_eq!(cast.stored(), before);
    cast.agree().await;
}

#[tokio::test]
async fn a_server_killed_without_is_empty_everywhere() {
    let mut cast = Cast::new().await;
    let before = cast.revision();
    die_with_a_write(&mut cast).await;
    for map in [&cast.writer, &cast.reader] {
        eventually_async("the map is empty", || map.is_empty() && map.revision().is_none()).await;
    }
    cast.agree().await;
    assert!(cast.revision() > before);
}

/// Writes before the loss of memory are gone, and later writes continue from the older copy.
#[tokio::test]
async fn a_server_that_comes_back_as_it_was_takes_the_maps_back() {
    let mut cast = Cast::with(Server::builder().persistent(), |client| client).await;
    cast.run(&["CONFIG", "SET", "appendonly", "no"]);
    let kept = cast.stored();
    for number in 0..3 {
        let lost = must_end(cast.writer.set(format!("lost {number}"), "x")).await.unwrap();
        must_end(cast.reader.wait_for(lost.revision)).await.unwrap();
    }
    let mut changes = cast.reader.changes();
    must_end(cast.reader.sync()).await.unwrap();
    cast.server.kill();
    cast.server.restart();
    cast.raw = cast.server.connection();
    assert_eq!(cast.stored(), kept);
    for _ in 0..3 {
        let change = must_end(changes.next()).await.unwrap();
        assert!(change.key.as_str().unwrap().starts_with("lost"), "{change:?}");
        assert_eq!(change.new, None);
    }
    cast.agree().await;
}

#[tokio::test]
async fn a_write_to_a_server_that_stops_and_goes_on_is_unknown_and_done_at_most_once() {
    let soon = Duration::from_millis(300);
    let mut cast = Cast::with(Server::builder(), |client| client.command_timeout(soon)).await;
    for _ in 0..3 {
        let before = cast.revision();
        cast.server.pause();
        let error = must_end(cast.writer.inc("n", 1)).await.unwrap_err();
        assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
        cast.server.resume();
        must_end(cast.writer.sync()).await.unwrap();
        assert!(cast.revision() - before <= 1);
        cast.agree().await;
    }
}
