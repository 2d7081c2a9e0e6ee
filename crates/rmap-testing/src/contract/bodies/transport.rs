//! The promises of `Transport` itself, without a map.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rmap_client::proto::{
    Key, KeyOperation, Mark, Notification, Operation, Read, ReadReply, Ttl, Write, WriteError, WriteReply,
};
use rmap_client::transport::{CheckError, Event, Transport, TransportError};
use rmap_client::{MapName, Reason, Revision};
use tokio::task::JoinSet;

use crate::contract::world::World;
use crate::must_end;

type Shared = Arc<dyn Transport>;

/// Longest wait for a mark before the request is retried. A subscription need not stand when its request has ended.
const MARK: Duration = Duration::from_secs(2);

async fn write(
    transport: &Shared,
    map: &MapName,
    operation: impl Into<Operation>,
) -> Result<WriteReply, TransportError> {
    must_end(Arc::clone(transport).write(map.clone(), Write::new(operation, Ttl::None))).await
}

/// Sets the key `k`. Returns the revision.
async fn set(transport: &Shared, map: &MapName, value: &str) -> Revision {
    let value = Bytes::copy_from_slice(value.as_bytes());
    let set = KeyOperation::Set { key: Key::new("k").unwrap(), value };
    write(transport, map, set).await.unwrap().revision.unwrap()
}

/// The private channel of these tests.
fn private(map: &MapName) -> Bytes {
    map.sync_channel("contract")
}

async fn probe(transport: &Shared, map: &MapName, id: u64) -> Option<Revision> {
    let mark = Mark::new(private(map), id);
    let reply = must_end(transport.read(map, &Read::Probe { mark })).await.unwrap();
    let ReadReply::Probe(probe) = reply else { panic!("a probe is answered with {reply:?}") };
    probe.revision
}

/// The number of the current connections.
async fn connected(transport: &Shared) -> u64 {
    let event = must_end(transport.next_event()).await;
    let Event::Connected { connection } = event else { panic!("not connected but {event:?}") };
    connection
}

/// Channel and payload of the next event, which must be a message.
async fn message(transport: &Shared) -> (Bytes, Bytes) {
    let event = must_end(transport.next_event()).await;
    let Event::Message { channel, payload } = event else { panic!("no message but {event:?}") };
    (channel, payload)
}

/// Subscribes to channels and to the private channel, and waits until the subscription stands.
async fn subscribe(transport: &Shared, map: &MapName, channels: &[Bytes]) {
    let channels = [channels, &[private(map)]].concat();
    must_end(transport.subscribe(&channels)).await.unwrap();
    for id in 1000.. {
        probe(transport, map, id).await;
        let mark = async { while message(transport).await.1 != id.to_string() {} };
        if tokio::time::timeout(MARK, mark).await.is_ok() {
            return;
        }
    }
}

/// A connected transport that follows the map.
async fn following(world: &mut World) -> (Shared, MapName) {
    let (transport, map) = (world.transport().await, world.name().clone());
    connected(&transport).await;
    subscribe(&transport, &map, &[map.updates_channel()]).await;
    (transport, map)
}

fn revision(payload: &[u8]) -> Revision {
    Notification::decode(payload).unwrap().revision
}

pub(crate) async fn the_first_event_says_that_it_is_connected(mut world: World) {
    let transport = world.transport().await;
    connected(&transport).await;
}

pub(crate) async fn messages_come_in_the_order_in_which_they_were_published(mut world: World) {
    let (transport, map) = following(&mut world).await;
    let mut expected = Vec::new();
    for number in 0..100 {
        expected.push(set(&transport, &map, &number.to_string()).await);
    }
    for expected in expected {
        let (channel, payload) = message(&transport).await;
        assert_eq!((channel, revision(&payload)), (map.updates_channel(), expected));
    }
}

pub(crate) async fn a_mark_stands_where_the_read_took_place(mut world: World) {
    let (transport, map) = following(&mut world).await;
    let before = set(&transport, &map, "before").await;
    assert_eq!(probe(&transport, &map, 1).await, Some(before));
    let between = set(&transport, &map, "between").await;
    let mark = Mark::new(private(&map), 2);
    let read = Read::Snapshot { mark, max_fields: 100, max_bytes: 100 };
    let snapshot = must_end(transport.read(&map, &read)).await.unwrap();
    let ReadReply::Snapshot(snapshot) = snapshot else { panic!("a snapshot is answered with {snapshot:?}") };
    assert_eq!(snapshot.probe.revision, Some(between));
    let content = snapshot.content.unwrap().content;
    assert_eq!(content, [(Bytes::from("k"), Bytes::from("between"))]);
    let after = set(&transport, &map, "after").await;

    assert_eq!(revision(&message(&transport).await.1), before);
    assert_eq!(message(&transport).await, (private(&map), "1".into()));
    assert_eq!(revision(&message(&transport).await.1), between);
    assert_eq!(message(&transport).await, (private(&map), "2".into()));
    assert_eq!(revision(&message(&transport).await.1), after);
}

pub(crate) async fn a_pass_over_all_pages_finds_every_field(mut world: World) {
    let (transport, map) = (world.transport().await, world.name().clone());
    let mut expected: Vec<String> = (0..1000).map(|number| format!("key {number}")).collect();
    for key in &expected {
        world.plant(key, "v");
    }
    let (mut cursor, mut found) = (0, Vec::new());
    loop {
        let page = must_end(transport.read(&map, &Read::Page { cursor, count: 100 })).await.unwrap();
        let ReadReply::Page(page) = page else { panic!("a page is answered with {page:?}") };
        found.extend(
            page.entries.content.into_iter().map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()),
        );
        cursor = page.cursor;
        if cursor == 0 {
            break;
        }
    }
    for keys in [&mut expected, &mut found] {
        keys.sort_unstable();
        keys.dedup();
    }
    assert_eq!(found, expected);
}

pub(crate) async fn nothing_comes_of_a_subscription_that_has_ended(mut world: World) {
    let (transport, map) = following(&mut world).await;
    must_end(transport.unsubscribe(&[map.updates_channel()])).await.unwrap();
    // A later request that stands proves that this one was carried out.
    subscribe(&transport, &map, &[map.sync_channel("other")]).await;
    set(&transport, &map, "unheard").await;
    probe(&transport, &map, 1).await;
    assert_eq!(message(&transport).await, (private(&map), "1".into()));
}

pub(crate) async fn an_event_whose_future_was_dropped_is_not_lost(mut world: World) {
    let (transport, map) = following(&mut world).await;
    for number in 0..20 {
        let expected = set(&transport, &map, &number.to_string()).await;
        let event = async {
            loop {
                // The future is dropped over and over, at any moment.
                if let Ok(event) = tokio::time::timeout(Duration::ZERO, transport.next_event()).await {
                    return event;
                }
                tokio::task::yield_now().await;
            }
        };
        let Event::Message { payload, .. } = must_end(event).await else { panic!("no message") };
        assert_eq!(revision(&payload), expected);
    }
}

pub(crate) async fn bursts_hold_what_single_events_hold(mut world: World) {
    let (transport, map) = following(&mut world).await;
    let mut expected = Vec::new();
    for number in 0..50 {
        expected.push(set(&transport, &map, &number.to_string()).await);
    }
    // Existing subscriptions stay.
    let mut events = vec![Event::Lagged { missed: 7 }];
    while events.len() <= expected.len() {
        let before = events.len();
        must_end(transport.next_events(&mut events)).await;
        assert!(events.len() > before, "a burst holds an event at least");
    }
    assert_eq!(events.remove(0), Event::Lagged { missed: 7 });
    let revisions: Vec<Revision> = events
        .iter()
        .map(|event| {
            let Event::Message { payload, .. } = event else { panic!("no message but {event:?}") };
            revision(payload)
        })
        .collect();
    assert_eq!(revisions, expected);
}

/// Waits for the next connections. Only reasons for the missing connections may come before.
async fn reconnected(transport: &Shared) -> u64 {
    let mut event = must_end(transport.next_event()).await;
    assert!(matches!(event, Event::Disconnected { .. }), "not disconnected but {event:?}");
    while matches!(event, Event::Disconnected { .. }) {
        event = must_end(transport.next_event()).await;
    }
    let Event::Connected { connection } = event else { panic!("not connected but {event:?}") };
    connection
}

pub(crate) async fn replaced_connections_have_a_higher_number_and_no_subscriptions(mut world: World) {
    let (transport, map) = (world.transport().await, world.name().clone());
    let first = connected(&transport).await;
    subscribe(&transport, &map, &[map.updates_channel()]).await;
    must_end(transport.replace_connections(first, &Reason::NoAnswer)).await;
    assert!(reconnected(&transport).await > first);
    // No subscription is left.
    set(&transport, &map, "unheard").await;
    must_end(transport.subscribe(&[private(&map)])).await.unwrap();
    probe(&transport, &map, 1).await;
    assert_eq!(message(&transport).await, (private(&map), "1".into()));
}

pub(crate) async fn stale_connections_are_not_replaced(mut world: World) {
    let (transport, map) = (world.transport().await, world.name().clone());
    let first = connected(&transport).await;
    must_end(transport.replace_connections(first, &Reason::NoAnswer)).await;
    reconnected(&transport).await;
    must_end(transport.replace_connections(first, &Reason::NoAnswer)).await;
    // Only messages follow.
    subscribe(&transport, &map, &[map.updates_channel()]).await;
    let expected = set(&transport, &map, "v").await;
    assert_eq!(revision(&message(&transport).await.1), expected);
}

pub(crate) async fn what_arrives_is_counted_upwards(mut world: World) {
    let (transport, map) = following(&mut world).await;
    // A transport need not count.
    let Some(before) = transport.received() else { return };
    set(&transport, &map, "v").await;
    message(&transport).await;
    let after = transport.received().unwrap();
    assert_eq!(after.connection, before.connection);
    assert!(
        after.commands >= before.commands && after.subscriber >= before.subscriber,
        "{before:?} {after:?}"
    );
}

pub(crate) async fn writes_at_the_same_moment_are_carried_out_once_each(mut world: World) {
    const WRITES: usize = 200;
    let (transport, map) = (world.transport().await, world.name().clone());
    let mut writes = JoinSet::new();
    for _ in 0..WRITES {
        let (transport, map) = (Arc::clone(&transport), map.clone());
        let inc = KeyOperation::Inc { key: Key::new("n").unwrap(), delta: 1 };
        writes.spawn(async move { write(&transport, &map, inc).await.unwrap() });
    }
    let written = must_end(writes.join_all()).await;
    let mut sums: Vec<usize> = written
        .iter()
        .map(|one| str::from_utf8(one.value.as_deref().unwrap()).unwrap().parse().unwrap())
        .collect();
    sums.sort_unstable();
    assert!(sums.into_iter().eq(1..=WRITES), "each has a sum of its own");
    let mut revisions: Vec<_> = written.iter().map(|one| one.revision.unwrap()).collect();
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!(revisions.len(), WRITES);
}

pub(crate) async fn a_write_that_cannot_be_is_refused(mut world: World) {
    world.begin(None);
    world.plant("text", "x");
    let (transport, map) = (world.transport().await, world.name().clone());
    let before = world.hash();
    let error = write(&transport, &map, Operation::TestAndReset { tests: Vec::new() }).await.unwrap_err();
    assert_eq!(error, TransportError::Authority(WriteError::NoTests));
    let inc = KeyOperation::Inc { key: Key::new("text").unwrap(), delta: 1 };
    let error = write(&transport, &map, inc).await.unwrap_err();
    assert_eq!(error, TransportError::Authority(WriteError::NotAnInteger));
    assert_eq!(world.hash(), before);
    assert!(world.published().await.is_empty());
}

pub(crate) async fn a_check_says_what_is_wrong_with_the_hash(mut world: World) {
    let (transport, map) = (world.transport().await, world.name().clone());
    must_end(transport.check(&map)).await.unwrap();
    world.begin(None);
    must_end(transport.check(&map)).await.unwrap();
    world.plant("=rev", "x");
    let error = must_end(transport.check(&map)).await.unwrap_err();
    assert!(matches!(error, CheckError::CorruptRevision { .. }), "{error}");
}

pub(crate) async fn a_server_that_is_gone_is_reported(mut world: World) {
    let (transport, map) = following(&mut world).await;
    world.go_away();
    let Event::Disconnected { reason } = must_end(transport.next_event()).await else { panic!("no word") };
    assert!(!reason.is_empty());
    let inc = KeyOperation::Inc { key: Key::new("n").unwrap(), delta: 1 };
    let error = write(&transport, &map, inc).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
}

pub(crate) async fn after_its_close_nothing_is_sent(mut world: World) {
    world.begin(None);
    let (transport, map) = following(&mut world).await;
    let before = world.hash();
    must_end(transport.close()).await;
    let inc = KeyOperation::Inc { key: Key::new("n").unwrap(), delta: 1 };
    let error = write(&transport, &map, inc).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    let error = must_end(transport.subscribe(&[private(&map)])).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    assert_eq!(world.hash(), before);
    // The end of the connections may be reported before the end of the transport, which every later call reports.
    while must_end(transport.next_event()).await != Event::Closed {}
    assert_eq!(must_end(transport.next_event()).await, Event::Closed);
    must_end(transport.close()).await;
}
