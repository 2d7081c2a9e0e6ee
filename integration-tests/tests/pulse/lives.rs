//! Hashes begun by one side and continued by the other, and lives that end while replicas follow. The tests also assert
//! the content of the Go peer, because a mixed fleet has to live with it.

use std::time::Duration;

use integration_tests::{Listener, Server, eventually, eventually_async, must_end};
use redis::cmd;
use rmap_client::{Client, Map, MapSettings, Revision};

use crate::call::Call;
use crate::peer::{Kind, Peer, Ttl};
use crate::raw::{Hash, Raw};
use crate::{ours, wire};

const NAME: &str = "lives";

/// The lowest revision that began at a clock.
const FIRST_OF_A_CLOCK: u64 = 1_000_000_000_000;

/// A map of ours, a peer, and the hash.
struct Pair {
    server: Server,
    map: Map,
    peer: Peer,
    raw: Raw,
    listener: Listener,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Peer,
}

impl Pair {
    async fn new() -> Self {
        Self::with(MapSettings::default().probe_interval(Duration::from_millis(100))).await
    }

    async fn with(config: MapSettings) -> Self {
        let server = Server::start();
        let client = Client::connect(server.url()).await.unwrap();
        let map = must_end(client.map(NAME).settings(config).join()).await.unwrap();
        let peer = Peer::join(&server, NAME, Ttl::None).unwrap();
        let raw = Raw::new(&server, NAME);
        let listener = Listener::new(&server, raw.channel());
        Self { server, map, peer, raw, listener }
    }

    async fn set(&self, side: Side, key: &str, value: &str) {
        let call = Call::Set { key: key.into(), value: value.into() };
        match side {
            Side::Ours => drop(must_end(ours::call(&self.map, &call)).await.unwrap()),
            Side::Peer => drop(self.peer.call(&call).unwrap()),
        }
    }

    /// Lets the hash expire, and waits until it has.
    fn expire(&self) {
        let mut connection = self.server.connection();
        let key = format!("map:{NAME}:content");
        let set: bool = cmd("PEXPIRE").arg(&key).arg(1).query(&mut connection).unwrap();
        assert!(set, "there is a hash to expire");
        eventually("the hash is gone", || !cmd("EXISTS").arg(&key).query::<bool>(&mut connection).unwrap());
    }

    fn ours(&self) -> Hash {
        let view = self.map.view();
        view.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
    }

    /// The peer's content once it has seen everything.
    fn peers(&self) -> Hash {
        self.peer.caught_up();
        self.peer.content()
    }

    /// Waits until our replica is right by itself and reports the hash's revision.
    async fn ours_gets_right(&mut self) {
        let (content, revision) = (self.raw.content(), Revision::new(self.raw.revision()));
        eventually_async("ours is the hash", || self.ours() == content && self.map.revision() == revision)
            .await;
        must_end(self.map.sync()).await.unwrap();
        assert_eq!((self.ours(), self.map.revision()), (content, revision));
    }
}

fn hash(entries: &[(&str, &str)]) -> Hash {
    entries.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_the_peer_begins_goes_on_with_ours() {
    let mut pair = Pair::with(MapSettings::default()).await;
    pair.set(Side::Peer, "a", "1").await;
    assert_eq!(pair.raw.revision(), 1);
    pair.ours_gets_right().await;
    pair.set(Side::Ours, "b", "2").await;
    pair.set(Side::Peer, "c", "3").await;
    pair.set(Side::Ours, "a", "4").await;
    assert_eq!(pair.raw.revision(), 4);
    pair.ours_gets_right().await;
    assert_eq!(pair.peers(), hash(&[("a", "4"), ("b", "2"), ("c", "3")]));
    assert_eq!(pair.ours(), pair.peers());
    assert_eq!(pair.map.status().resyncs(), 0, "the first write of a peer is no gap");
    let trailing = |payload: &Vec<u8>| wire::parse(payload).unwrap().trailing;
    assert!(
        pair.listener.take().iter().all(|payload| trailing(payload).is_empty()),
        "nothing was born by us"
    );

    let late = must_end(Client::connect(pair.server.url()).await.unwrap().map(NAME).join()).await.unwrap();
    assert_eq!((late.len(), late.revision()), (3, Revision::new(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_ours_begins_goes_on_with_the_peer() {
    let mut pair = Pair::with(MapSettings::default()).await;
    pair.set(Side::Ours, "a", "1").await;
    let first = pair.raw.revision();
    assert!(first > FIRST_OF_A_CLOCK, "{first}");
    assert_eq!(
        pair.peers(),
        hash(&[("a", "1")]),
        "what stands behind the revision does not trouble the peer"
    );
    pair.set(Side::Peer, "b", "2").await;
    pair.set(Side::Ours, "a", "3").await;
    assert_eq!(pair.raw.revision(), first + 2);
    pair.ours_gets_right().await;
    assert_eq!(pair.peers(), hash(&[("a", "3"), ("b", "2")]));
    assert_eq!(pair.ours(), pair.peers());
    assert_eq!(pair.map.status().resyncs(), 0);
    let trailing: Vec<_> =
        pair.listener.take().iter().map(|payload| wire::parse(payload).unwrap().trailing).collect();
    assert_eq!(trailing, [&b"RMN\0\0\0\0"[..], b"", b""]);

    let late = Peer::join(&pair.server, NAME, Ttl::None).unwrap();
    assert_eq!((late.content(), late.revision()), (pair.ours(), first + 2));
}

/// The peer keeps showing content that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn ours_notices_that_a_hash_expired_and_the_peer_does_not() {
    for first in [Side::Ours, Side::Peer] {
        let mut pair = Pair::new().await;
        pair.set(first, "old", "1").await;
        pair.ours_gets_right().await;
        pair.expire();
        eventually_async("ours is empty", || pair.map.is_empty() && pair.map.revision().is_none()).await;
        assert_eq!(pair.peers(), hash(&[("old", "1")]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ours_is_right_in_the_next_life_whoever_begins_it() {
    for first in [Side::Ours, Side::Peer] {
        for second in [Side::Ours, Side::Peer] {
            for noticed in [true, false] {
                next_life(first, second, noticed).await;
            }
        }
    }
}

async fn next_life(first: Side, second: Side, noticed: bool) {
    // Without a probe in between, the new life itself has to reveal the change.
    let mut pair = if noticed { Pair::new().await } else { Pair::with(MapSettings::default()).await };
    pair.set(first, "old", "1").await;
    pair.ours_gets_right().await;
    pair.expire();
    if noticed {
        eventually_async("ours is empty", || pair.map.revision().is_none()).await;
    }
    pair.set(second, "new", "2").await;
    let case = format!("{first:?}, then {second:?}, noticed: {noticed}");
    pair.ours_gets_right().await;
    assert_eq!(pair.ours(), hash(&[("new", "2")]), "{case}");
    let peer_shows = match second {
        // A revision at the clock is higher than any before, so the peer applies it on top of the old content.
        Side::Ours => hash(&[("old", "1"), ("new", "2")]),
        // Revision 1 is not higher than the peer's, even if the write is its own.
        Side::Peer => hash(&[("old", "1")]),
    };
    assert_eq!(pair.peers(), peer_shows, "{case}");
}

/// Apart from a new join, only this brings a Go peer back while revisions rise.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_at_a_higher_revision_brings_the_peer_back() {
    let mut pair = Pair::new().await;
    pair.set(Side::Peer, "old", "1").await;
    pair.expire();
    pair.set(Side::Ours, "new", "2").await;
    assert_eq!(pair.peers(), hash(&[("old", "1"), ("new", "2")]));
    must_end(pair.map.reset()).await.unwrap();
    pair.set(Side::Ours, "again", "3").await;
    pair.ours_gets_right().await;
    assert_eq!(pair.peers(), hash(&[("again", "3")]));
    assert_eq!(pair.ours(), pair.peers());
    assert_eq!(pair.peer.take_events(), [Kind::Change, Kind::Change, Kind::Reset, Kind::Change]);
}

/// Our map sees a time to live that the peer set with a separate command, and leaves it alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_to_live_that_the_peer_set_is_kept() {
    let mut pair = Pair::new().await;
    let lasting = Peer::join(&pair.server, NAME, Ttl::Absolute { seconds: 100 }).unwrap();
    drop(lasting.call(&Call::Set { key: "a".into(), value: "1".into() }).unwrap());
    assert_eq!(pair.raw.ttl(), "about 100 s");
    pair.raw.lower_ttl();
    pair.set(Side::Ours, "b", "2").await;
    must_end(pair.map.delete("b")).await.unwrap();
    assert_eq!(pair.raw.ttl(), "about 50 s");
    must_end(pair.map.reset()).await.unwrap();
    assert_eq!(pair.raw.ttl(), "about 50 s");
    pair.ours_gets_right().await;

    // The peer removes the hash together with a time to live that it does not know. An absolute handle of ours restores
    // one.
    drop(pair.peer.call(&Call::Reset).unwrap());
    assert_eq!(pair.raw.ttl(), "none");
    let client = Client::connect(pair.server.url()).await.unwrap();
    let lasting = must_end(client.map(NAME).ttl(Duration::from_secs(100)).join()).await.unwrap();
    must_end(lasting.set("c", "3")).await.unwrap();
    assert_eq!(pair.raw.ttl(), "about 100 s");
    pair.ours_gets_right().await;
}
