//! Events, changes and statuses as streams.

#[path = "support/changes.rs"]
mod changes;

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use changes::{Content, apply, content, drain};
use futures_core::Stream;
use rmap_client::{Change, EventKind, Key, Map, MapSettings, MemoryServer, Phase, Value};

async fn two_maps() -> (MemoryServer, Map, Map) {
    let server = MemoryServer::new();
    let writer = server.client().map("flags").join().await.expect("the server is up");
    let reader = server.client().map("flags").join().await.expect("the server is up");
    (server, writer, reader)
}

#[tokio::test]
async fn an_unread_event_keeps_the_strongest_kind() {
    let (_server, writer, reader) = two_maps().await;
    let mut events = reader.subscribe();
    writer.set("a", "1").await.unwrap();
    writer.reset().await.unwrap();
    let last = writer.set("a", "2").await.unwrap();
    reader.wait_for(last.revision).await.unwrap();
    reader.sync().await.unwrap();
    assert_eq!(events.next().await, Some(EventKind::Reset));

    writer.set("a", "3").await.unwrap();
    assert_eq!(events.next().await, Some(EventKind::Changed));
    writer.delete("a").await.unwrap();
    assert_eq!(events.next().await, Some(EventKind::Deleted));
}

#[tokio::test]
async fn a_dropped_subscription_does_not_disturb_the_others() {
    let (_server, writer, reader) = two_maps().await;
    let (dropped, mut kept) = (reader.subscribe(), reader.subscribe());
    drop(dropped);
    writer.set("a", "1").await.unwrap();
    assert_eq!(kept.next().await, Some(EventKind::Changed));
}

#[tokio::test]
async fn streams_implement_the_stream_trait() {
    let (_server, writer, reader) = two_maps().await;
    let (mut events, mut changes, mut statuses) =
        (reader.subscribe(), reader.changes(), reader.status_changes());
    writer.set("a", "1").await.unwrap();
    assert_eq!(poll_fn(|context| Pin::new(&mut events).poll_next(context)).await, Some(EventKind::Changed));
    let change = poll_fn(|context| Pin::new(&mut changes).poll_next(context)).await.unwrap();
    assert_eq!((change.key, change.old, change.new.unwrap()), (Key::new("a").unwrap(), None, "1".into()));
    let status = poll_fn(|context| Pin::new(&mut statuses).poll_next(context)).await.unwrap();
    assert_eq!(status.phase(), Phase::Live);
}

#[tokio::test]
async fn changes_have_key_old_new_and_revision() {
    let (_server, writer, reader) = two_maps().await;
    let mut changes = reader.changes();
    let first = writer.set("a", "1").await.unwrap().revision;
    writer.set("a", "2").await.unwrap();
    writer.set("b", "").await.unwrap();
    writer.delete("a").await.unwrap();
    let reset = writer.reset().await.unwrap().revision;

    let expected = [
        ("a", None, Some("1")),
        ("a", Some("1"), Some("2")),
        ("b", None, Some("")),
        ("a", Some("2"), None),
        ("b", Some(""), None),
    ];
    let mut revision = Some(first);
    for (key, old, new) in expected {
        let change = changes.next().await.unwrap();
        let expected = Change {
            revision,
            key: Key::new(key).unwrap(),
            old: old.map(Value::from),
            new: new.map(Value::from),
        };
        assert_eq!(change, expected);
        revision = revision.and_then(|revision| revision.next());
    }
    assert_eq!(first.get() + 4, reset.get());
}

#[tokio::test]
async fn a_write_after_the_call_is_in_the_stream() {
    let (_server, writer, reader) = two_maps().await;
    for round in 0..100 {
        let mut changes = reader.changes();
        let value = round.to_string();
        writer.set("a", &value).await.unwrap();
        while changes.next().await.unwrap().new.unwrap() != value.as_str() {}
    }
}

#[tokio::test]
async fn changes_applied_to_their_view_give_the_content() {
    let (_server, writer, reader) = two_maps().await;
    let mut streams = Vec::new();
    for round in 0..500 {
        writer.set(format!("key {}", round % 13), round.to_string()).await.unwrap();
        if round % 7 == 0 {
            writer.delete(format!("key {}", round % 11)).await.unwrap();
        }
        if round % 50 == 0 {
            let (view, changes) = reader.view_and_changes().await;
            streams.push((content(&view), changes));
        }
    }
    reader.sync().await.unwrap();
    reader.close().await;
    for (mut folded, mut changes) in streams {
        drain(&mut folded, &mut changes).await;
        assert_eq!(folded, content(&reader.view()));
    }
}

#[tokio::test]
async fn a_slow_reader_of_changes_misses_no_key() {
    let (_server, writer, reader) = two_maps().await;
    let (view, mut changes) = reader.view_and_changes().await;
    let mut folded = content(&view);
    for round in 0..8_000 {
        writer.set(format!("key {}", round % 100), round.to_string()).await.unwrap();
    }
    reader.sync().await.unwrap();
    reader.close().await;
    let mut count = 0;
    while let Some(change) = changes.next().await {
        apply(&mut folded, change);
        count += 1;
    }
    assert!(count < 8_000, "unread changes were folded");
    assert_eq!(folded, content(&reader.view()));
}

#[tokio::test]
async fn a_resync_emits_the_net_changes() {
    let (server, writer, reader) = two_maps().await;
    writer.set("kept", "1").await.unwrap();
    writer.set("changed", "1").await.unwrap();
    let last = writer.set("deleted", "1").await.unwrap();
    reader.wait_for(last.revision).await.unwrap();
    let (view, mut changes) = reader.view_and_changes().await;
    let mut events = reader.subscribe();

    server.lose_messages(3);
    writer.set("changed", "2").await.unwrap();
    writer.delete("deleted").await.unwrap();
    writer.set("new", "1").await.unwrap();
    reader.sync().await.unwrap();

    let mut folded = content(&view);
    let mut keys = Vec::new();
    for _ in 0..3 {
        let change = changes.next().await.unwrap();
        keys.push(change.key.clone());
        apply(&mut folded, change);
    }
    keys.sort();
    assert_eq!(keys, ["changed", "deleted", "new"]);
    assert_eq!(folded, content(&reader.view()));
    assert!(events.next().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn statuses_show_a_lost_connection() {
    let (server, _writer, reader) = two_maps().await;
    let mut statuses = reader.status_changes();
    assert_eq!(statuses.next().await.unwrap().phase(), Phase::Live);
    server.go_down();
    let mut status = statuses.next().await.unwrap();
    while status.phase() != Phase::Disconnected {
        status = statuses.next().await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(status.phase_age() >= Duration::from_secs(3));
    assert!(status.staleness().unwrap() >= Duration::from_secs(3));
    assert!(status.to_string().starts_with("disconnected for 3.0s (the server is down)"), "{status}");
    server.come_up();
    while !statuses.next().await.unwrap().is_live() {}
}

#[tokio::test]
async fn the_bounds_of_what_waits_are_settings() {
    let server = MemoryServer::new();
    let limits = MapSettings::default().unread_changes(2, 1 << 20).inbox(4, 1 << 20);
    let map = server.client().map("bounded").settings(limits).join().await.unwrap();
    let writer = server.client().map("bounded").join().await.unwrap();
    let mut changes = map.changes();
    map.sync().await.unwrap();
    // More notifications than the inbox holds arrive at once, so the map resyncs.
    server.hold_messages();
    for number in 0..100 {
        writer.set("a", number.to_string()).await.unwrap();
        writer.set("b", number.to_string()).await.unwrap();
    }
    server.release_messages();
    map.sync().await.unwrap();
    map.close().await;
    let (mut followed, mut count) = (Content::new(), 0);
    while let Some(change) = changes.next().await {
        apply(&mut followed, change);
        count += 1;
    }
    assert!(count <= 4, "{count} changes waited");
    assert_eq!(followed, content(&writer.view()));
}
