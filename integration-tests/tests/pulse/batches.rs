//! Batches in a mixed fleet. A Go peer sees every key of a batch in order, one by one. A map of ours sees the batch at
//! once.
//!
//! Some payloads are encoded here and published by hand, so that the moment between two of them can be observed.

use integration_tests::{Server, eventually_async, must_end};
use rmap_client::proto::{Change, Notification, Revision};
use rmap_client::{Client, Map};

use crate::call::Call;
use crate::peer::{Kind, Peer, Ttl};
use crate::raw::{Hash, Raw};
use crate::wire::{self, Event};

/// Three keys: one new, one with another value, one gone.
const BATCH: [Change<'_>; 3] = [
    Change::Set { key: b"new", value: b"1" },
    Change::Set { key: b"kept", value: b"2" },
    Change::Delete { key: b"gone" },
];

/// The notifications of a batch after this revision.
fn payloads(changes: &[Change<'_>], before: u64, born: bool) -> Vec<Vec<u8>> {
    let last = changes.len() - 1;
    let payload = |(index, change): (usize, &Change<'_>)| {
        let revision = Revision::new(before + 1 + index as u64).unwrap();
        let remaining = u32::try_from(last - index).unwrap();
        Notification::new(revision, *change).born(born && index == 0).remaining(remaining).encode()
    };
    changes.iter().enumerate().map(payload).collect()
}

fn hash(entries: &[(&str, &str)]) -> Hash {
    entries.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

async fn join(server: &Server) -> Map {
    let client = Client::connect(server.url()).await.unwrap();
    must_end(client.map("batch").join()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_go_peer_sees_the_steps_and_ours_sees_the_batch() {
    let server = Server::start();
    let mut raw = Raw::new(&server, "batch");
    for (field, value) in [("=rev", "5"), ("=kind", "set"), ("kept", "1"), ("gone", "1")] {
        raw.write(field, value);
    }
    let (map, peer) = (join(&server).await, Peer::join(&server, "batch", Ttl::None).unwrap());
    let (_, mut changes) = map.view_and_changes().await;

    for (field, value) in [("=rev", "8"), ("=kind", "del"), ("kept", "2"), ("new", "1")] {
        raw.write(field, value);
    }
    raw.remove(b"gone");
    let steps = [
        hash(&[("kept", "1"), ("gone", "1"), ("new", "1")]),
        hash(&[("kept", "2"), ("gone", "1"), ("new", "1")]),
        hash(&[("kept", "2"), ("new", "1")]),
    ];
    for (payload, step) in payloads(&BATCH, 5, false).iter().zip(steps) {
        raw.publish(payload);
        peer.caught_up();
        assert_eq!(peer.content(), step);
    }
    assert_eq!(peer.take_events(), [Kind::Change, Kind::Change, Kind::Delete]);
    assert_eq!((peer.unreadable(), peer.revision()), (Vec::new(), 8));

    let mut told = Vec::new();
    for _ in BATCH {
        let change = must_end(changes.next()).await.unwrap();
        assert_eq!(change.revision, Revision::new(8), "{change:?}");
        told.push(change.key);
    }
    told.sort();
    assert_eq!(told, ["gone", "kept", "new"]);
    assert_eq!((map.len(), map.revision()), (2, Revision::new(8)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_go_peer_reads_a_batch_that_begins_a_hash() {
    let server = Server::start();
    let (map, peer) = (join(&server).await, Peer::join(&server, "batch", Ttl::None).unwrap());
    let mut raw = Raw::new(&server, "batch");
    let before = 1_800_000_000_000;
    for (field, value) in [("=rev", "1800000000002"), ("=kind", "set"), ("new", "1"), ("kept", "2")] {
        raw.write(field, value);
    }
    for payload in payloads(&BATCH[..2], before, true) {
        raw.publish(&payload);
    }
    peer.caught_up();
    assert_eq!(peer.content(), raw.content());
    assert_eq!(peer.take_events(), [Kind::Change, Kind::Change]);
    assert_eq!((peer.unreadable(), peer.revision()), (Vec::new(), before + 2));
    eventually_async("ours has the batch", || map.revision() == Revision::new(before + 2) && map.len() == 2)
        .await;
}

/// The peer sees each key once, in order, with revisions that rise by 1, and ignores the trailer.
#[test]
fn a_go_peer_reads_every_notification_of_a_large_batch() {
    let names: Vec<String> = (0..1000).map(|index| format!("key-{index}")).collect();
    let changes: Vec<Change<'_>> =
        names.iter().map(|name| Change::Set { key: name.as_bytes(), value: b"v" }).collect();
    let before = Revision::LIMIT - 1 - changes.len() as u64;
    for (index, payload) in payloads(&changes, before, true).iter().enumerate() {
        let message = wire::parse(payload).expect("a Go peer can read it");
        assert_eq!(message.event, Event::Set { key: names[index].clone().into(), value: b"v".to_vec() });
        assert_eq!(message.revision, before + 1 + index as u64);
        let is_tagged = index == 0 || index + 1 < names.len();
        assert_eq!(message.trailing.starts_with(b"RM"), is_tagged, "{index}");
    }
}

/// A Go peer follows the batches of our API without an error, and continues from their revisions.
#[tokio::test(flavor = "multi_thread")]
async fn a_go_peer_follows_batches_of_ours() {
    let server = Server::start();
    let (map, peer) = (join(&server).await, Peer::join(&server, "batch", Ttl::None).unwrap());
    let mut raw = Raw::new(&server, "batch");
    for round in 0..20 {
        let text = round.to_string();
        let mut batch = map.batch().set("round", &text).inc("count", 2).append_values("list", [&text]);
        if round > 0 {
            batch = batch.delete(format!("old-{}", round - 1));
        }
        let done = must_end(batch.set(format!("old-{round}"), "x").commit()).await.unwrap();
        assert_eq!((done.applied, done.changed), (true, if round > 0 { 5 } else { 4 }));
        peer.caught_up();
        assert_eq!((peer.content(), peer.unreadable()), (raw.content(), Vec::new()));
        assert_eq!(Some(peer.revision()), done.revision.map(Revision::get));
        peer.call(&Call::Set { key: "by-peer".into(), value: text.into() }).unwrap();
    }
    peer.caught_up();
    let last = peer.revision();
    eventually_async("ours has the peer's last write", || map.revision().map(Revision::get) == Some(last))
        .await;
    assert_eq!(map.get("by-peer").unwrap(), "19");
}
