//! Connections that are cut, stalled, or closed by the server.

use std::time::Duration;

use integration_tests::{Direction, Server, Side, eventually_async, must_end};
use rmap_client::transport::Cause;
use rmap_client::{Error, Outcome, Phase};

use crate::support::{Cast, WRITE, WRITES, a_write_waits, committed, live, settings, write};

#[tokio::test]
async fn a_request_that_never_arrived_did_nothing_and_its_outcome_is_unknown() {
    let mut cast = Cast::new().await;
    for name in WRITES {
        cast.prepare().await;
        live(&cast.writer).await;
        let before = cast.stored();
        cast.proxy.lose_request(WRITE);
        let error = write(&cast.writer, name).await.unwrap_err();
        assert!(
            matches!(&error, Error::Indeterminate { cause: Cause::ConnectionLost { .. }, .. }),
            "{name}: {error:?}"
        );
        must_end(cast.writer.sync()).await.unwrap();
        // The write was not sent again on the next connection either.
        assert_eq!(cast.stored(), before, "{name}");
    }
    cast.agree().await;
}

#[tokio::test]
async fn a_write_whose_reply_is_lost_was_done_once_and_its_outcome_is_unknown() {
    let mut cast = Cast::new().await;
    for name in WRITES {
        cast.prepare().await;
        live(&cast.writer).await;
        let before = cast.revision();
        cast.proxy.lose_reply(WRITE);
        let error = write(&cast.writer, name).await.unwrap_err();
        assert!(
            matches!(&error, Error::Indeterminate { cause: Cause::ConnectionLost { .. }, .. }),
            "{name}: {error:?}"
        );
        must_end(cast.writer.sync()).await.unwrap();
        assert_eq!(cast.revision(), before + 1, "{name}");
    }
    cast.agree().await;
}

/// Both connections are replaced together, because they must lead to the same server.
#[tokio::test]
async fn losing_only_the_subscriber_leaves_writes_in_flight_unknown() {
    let patient = Duration::from_secs(3600);
    let mut cast = Cast::with(Server::builder(), |client| client.command_timeout(patient)).await;
    let before = cast.revision();
    cast.run(&["CLIENT", "PAUSE", "1000000", "WRITE"]);
    let writer = cast.writer.clone();
    let writing = tokio::spawn(async move { writer.inc("n", 1).await });
    eventually_async("the write waits", || a_write_waits(&mut cast.raw)).await;
    cast.proxy.cut(Side::Subscriber);
    let error = must_end(writing).await.unwrap().unwrap_err();
    let lost = matches!(&error, Error::Indeterminate { cause: Cause::ConnectionLost { .. }, .. });
    assert!(lost, "{error:?}");
    cast.run(&["CLIENT", "UNPAUSE"]);
    must_end(cast.writer.sync()).await.unwrap();
    assert!((0..=1).contains(&(cast.revision() - before)), "done at most once");
    cast.agree().await;
}

#[tokio::test]
async fn a_reply_that_does_not_come_in_time_leaves_the_outcome_unknown() {
    let soon = Duration::from_millis(300);
    for (direction, done) in [(Direction::Replies, 1..=1), (Direction::Requests, 0..=1)] {
        let mut cast = Cast::with(Server::builder(), |client| client.command_timeout(soon)).await;
        let before = cast.revision();
        cast.proxy.stall(Side::Commands, direction);
        let error = must_end(cast.writer.inc("n", 1)).await.unwrap_err();
        let late = matches!(&error, Error::Indeterminate { cause: Cause::TimedOut { limit, .. }, .. } if *limit == soon);
        assert!(late, "{error:?}");
        cast.proxy.heal();
        must_end(cast.writer.sync()).await.unwrap();
        assert!(done.contains(&(cast.revision() - before)), "{direction:?}");
        cast.agree().await;
    }
}

#[tokio::test]
async fn a_set_and_wait_without_its_notification_is_committed() {
    let mut cast = Cast::new().await;
    cast.proxy.stall(Side::Subscriber, Direction::Replies);
    let mut setting = cast.writer.set_and_wait("a", "2");
    let waited = async {
        while setting.committed().is_none() {
            assert!(tokio::time::timeout(Duration::from_millis(5), &mut setting).await.is_err());
        }
    };
    must_end(waited).await;
    cast.proxy.refuse();
    cast.proxy.cut(None);
    let ended = must_end(async { tokio::join!(setting, cast.writer.close()).0 }).await;
    assert_eq!(ended.unwrap_err().outcome(), Some(Outcome::Committed));
    cast.proxy.heal();
    let writer = crate::support::join(crate::support::client(), cast.proxy.url()).await;
    assert_eq!(writer.get("a").unwrap(), "2");
    cast.writer = writer;
    cast.agree().await;
}

#[tokio::test]
async fn writes_that_wait_out_a_pause_are_committed_or_unknown() {
    let soon = Duration::from_millis(300);
    let mut cast = Cast::with(Server::builder(), |client| client.command_timeout(soon)).await;
    // The reader has the default patience.
    let reader = cast.reader.clone();
    cast.run(&["CLIENT", "PAUSE", "1000000", "WRITE"]);
    let patient = tokio::spawn(async move { reader.inc("n", 1).await });
    eventually_async("the write waits", || a_write_waits(&mut cast.raw)).await;
    let error = must_end(cast.writer.inc("n", 1)).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
    cast.run(&["CLIENT", "UNPAUSE"]);
    let sum = must_end(patient).await.unwrap().unwrap();
    must_end(cast.writer.sync()).await.unwrap();
    assert!((2..=3).contains(&sum.value), "{sum:?}");
    let n: i64 = cast.stored()["n"].parse().unwrap();
    assert!((2..=3).contains(&n), "{n}");
    cast.agree().await;
}

#[tokio::test]
async fn a_subscriber_thrown_out_for_its_backlog_comes_back() {
    let mut cast = Cast::new().await;
    cast.run(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 65536 0 0"]);
    let mut statuses = cast.writer.status_changes();
    // A batch publishes all its messages at once and exceeds the limit, for each of the maps. Valkey 9 does not count
    // the bytes of a single large message.
    let keys: Vec<_> = (0..500).map(|number| format!("key {number}")).collect();
    let value = "x".repeat(1024);
    let batch = keys.iter().fold(cast.writer.batch(), |batch, key| batch.set(key, &value));
    must_end(batch.commit()).await.unwrap();
    let thrown_out = async { while statuses.next().await.unwrap().phase() != Phase::Disconnected {} };
    must_end(thrown_out).await;
    for map in [&cast.writer, &cast.reader] {
        eventually_async("the values", || keys.iter().all(|key| map.contains(key))).await;
    }
    cast.agree().await;
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closes_is_replaced() {
    let idle = settings().probe_interval(Duration::from_secs(3600));
    let mut cast = Cast::with(Server::builder(), |client| client.maps(idle)).await;
    let mut statuses = cast.writer.status_changes();
    cast.run(&["CONFIG", "SET", "timeout", "1"]);
    let closed = async { while statuses.next().await.unwrap().phase() != Phase::Disconnected {} };
    must_end(closed).await;
    committed(&cast.writer, "after").await;
    // This test's own connection was idle, too.
    cast.raw = cast.server.connection();
    cast.run(&["CONFIG", "SET", "timeout", "0"]);
    cast.agree().await;
}

#[tokio::test]
async fn new_connections_that_are_refused_leave_writes_unsent() {
    let mut cast = Cast::new().await;
    cast.proxy.refuse();
    for side in [Side::Subscriber, Side::Commands] {
        let before = cast.stored();
        cast.proxy.cut(side);
        eventually_async("the map knows", || cast.writer.status().phase() == Phase::Disconnected).await;
        for name in WRITES {
            let error = write(&cast.writer, name).await.unwrap_err();
            let unsent = matches!(&error, Error::NotSent { cause: Cause::NotConnected { .. }, .. });
            assert!(unsent, "{name}: {error:?}");
            assert_eq!(error.outcome(), Some(Outcome::Rejected));
        }
        assert_eq!(cast.stored(), before);
        cast.proxy.heal();
        cast.agree().await;
        cast.proxy.refuse();
    }
    cast.proxy.heal();
    cast.agree().await;
}
