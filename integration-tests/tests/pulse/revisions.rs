//! Revisions at the edges. Ours never exceed what a Go peer can read, and the end is an error.

use std::time::Duration;

use integration_tests::{Listener, Server, eventually_async, must_end};
use rmap_client::{Client, MapSettings};

use crate::call::{Call, Refusal};
use crate::ours;
use crate::peer::{Peer, Ttl};
use crate::raw::Raw;

/// The greatest revision.
const LAST: u64 = 99_999_999_999_999;

/// One call of each kind that changes something.
fn changes() -> Vec<Call> {
    let (key, items) = (|| b"k".to_vec(), || vec![b"x".to_vec()]);
    vec![
        Call::Set { key: key(), value: b"1".to_vec() },
        Call::Inc { key: key(), delta: 1 },
        Call::TestAndSet { key: key(), test: b"2".to_vec(), value: b"a".to_vec() },
        Call::Append { key: key(), items: items() },
        Call::AppendUnique { key: key(), items: vec![b"y".to_vec()] },
        Call::Remove { key: key(), items: items() },
        Call::Delete { key: key() },
        Call::SetIfNotExists { key: key(), value: b"1".to_vec() },
        Call::TestAndDelete { key: key(), test: b"1".to_vec() },
        Call::Reset,
        Call::Set { key: key(), value: b"1".to_vec() },
        Call::TestAndReset { keys: vec![key()], tests: vec![b"1".to_vec()] },
        Call::Destroy,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_go_peer_reads_what_we_publish_at_every_edge() {
    let server = Server::start();
    let client = Client::connect(server.url()).await.unwrap();
    let length = changes().len() as u64;
    // Each walk steps over the edge.
    let edges = [2, 10, 1 << 31, 1 << 32, 1 << 46, 1_000_000_000_000, 10_000_000_000_000, LAST];
    for edge in edges {
        let start = if edge == LAST { LAST - length } else { edge - 2 };
        let name = format!("edge-{edge}");
        let map = must_end(client.map(&name).join()).await.unwrap();
        let peer = Peer::join(&server, &name, Ttl::None).unwrap();
        let mut raw = Raw::new(&server, &name);
        raw.write("=rev", start.to_string());
        for (step, call) in (1..).zip(changes()) {
            must_end(ours::call(&map, &call)).await.unwrap();
            assert_eq!(raw.revision(), start + step, "{call:?}");
            peer.caught_up();
            assert_eq!(peer.unreadable(), Vec::<Vec<u8>>::new(), "{call:?}");
            assert_eq!((peer.content(), peer.revision()), (raw.content(), start + step), "{call:?}");
        }
        must_end(map.sync()).await.unwrap();
        assert_eq!((map.revision().map(rmap_client::Revision::get), map.len()), (Some(start + length), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_revision_every_change_is_refused() {
    refused(&[LAST.to_string()], Refusal::Exhausted).await;
}

/// At 2^53 Lua's numbers lose precision, and a Go peer can print no revision that large.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_beyond_the_last_is_a_corrupt_one() {
    let texts = ["100000000000000", "9007199254740992", "9007199254740993", "1e+14"];
    refused(&texts.map(str::to_owned), Refusal::CorruptRevision).await;
}

/// Checks that every change at these revisions is refused, changes nothing, and publishes nothing.
async fn refused(revisions: &[String], refusal: Refusal) {
    let server = Server::start();
    let client = Client::connect(server.url()).await.unwrap();
    let map = must_end(client.map("end").join()).await.unwrap();
    let mut raw = Raw::new(&server, "end");
    let listener = Listener::new(&server, raw.channel());
    for revision in revisions {
        for call in changes() {
            raw.write("=rev", revision);
            // The content allows the change, so that only the revision speaks against it.
            match &call {
                Call::SetIfNotExists { .. } => raw.remove(b"k"),
                Call::TestAndSet { test, .. } | Call::TestAndDelete { test, .. } => raw.write("k", test),
                Call::Append { .. } | Call::AppendUnique { .. } | Call::Remove { .. } => raw.write("k", "x"),
                Call::Set { .. }
                | Call::Inc { .. }
                | Call::Delete { .. }
                | Call::Reset
                | Call::Destroy
                | Call::TestAndReset { .. } => raw.write("k", "1"),
            }
            let before = raw.hash();
            assert_eq!(must_end(ours::call(&map, &call)).await, Err(refusal), "{call:?} at {revision}");
            assert_eq!(raw.hash(), before, "{call:?} at {revision}");
            assert_eq!(listener.take(), Vec::<Vec<u8>>::new(), "{call:?} at {revision}");
        }
    }
}

/// A Go peer writes the field, fails at the revision, and publishes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_revision_is_told_by_the_status_until_it_is_repaired() {
    let server = Server::start();
    let client = Client::connect(server.url()).await.unwrap();
    let often = MapSettings::default()
        .probe_interval(Duration::from_millis(100))
        .resync_interval(Duration::from_millis(10), Duration::from_millis(100));
    let map = must_end(client.map("corrupt").settings(often).join()).await.unwrap();
    let peer = Peer::join(&server, "corrupt", Ttl::None).unwrap();
    let mut raw = Raw::new(&server, "corrupt");
    let set = |value: &str| Call::Set { key: b"k".to_vec(), value: value.into() };
    peer.call(&set("1")).unwrap();
    raw.write("=rev", "junk");
    assert_eq!(peer.call(&set("2")), Err(Refusal::CorruptRevision));
    eventually_async("the status tells", || !map.status().is_live()).await;
    assert_eq!(map.get("k").unwrap(), "1", "what was consistent is still shown");
    assert_eq!(must_end(ours::call(&map, &set("3"))).await, Err(Refusal::CorruptRevision));
    assert_eq!((&peer.content()[&b"k"[..]][..], &raw.content()[&b"k"[..]][..]), (&b"1"[..], &b"2"[..]));

    raw.write("=rev", "7");
    eventually_async("ours is the hash", || map.status().is_live() && map.get("k").unwrap() == "2").await;
    must_end(ours::call(&map, &set("3"))).await.unwrap();
    peer.caught_up();
    assert_eq!((peer.content(), peer.revision()), (raw.content(), 8));
}
