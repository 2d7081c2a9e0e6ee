//! A map of ours and the peer that behaves like Pulse, writing concurrently.
//!
//! `RMAP_PULSE_SEED=… cargo test -p integration-tests --test pulse together` replays the operations of a failure. The
//! seed does not decide in which order the operations of one round reach the server.

mod draw;
mod history;

use std::env;
use std::sync::Arc;

use fastrand::Rng;
use integration_tests::{Listener, Server, must_end};
use rmap_client::{Change, Changes, Client, Map, View};
use tokio::task::JoinHandle;

use self::history::History;
use crate::call::Call;
use crate::ours;
use crate::peer::{Peer, Ttl};
use crate::raw::Raw;

const HISTORIES: u64 = 25;
const ROUNDS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_every_copy_is_the_hash() {
    let server = Server::start();
    let (first, histories) = match env::var("RMAP_PULSE_SEED") {
        Ok(seed) => (seed.parse().expect("RMAP_PULSE_SEED is a number"), 1),
        Err(_) => (fastrand::u64(..), HISTORIES),
    };
    for seed in (0..histories).map(|index| first.wrapping_add(index)) {
        let replay = Replay(seed);
        Fleet::new(&server, seed).await.play().await;
        drop(replay);
    }
}

/// Prints the command that replays a failed history.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "replay: RMAP_PULSE_SEED={} cargo test -p integration-tests --test pulse together",
                self.0
            );
        }
    }
}

struct Fleet<'a> {
    server: &'a Server,
    rng: Rng,
    name: String,
    ours: Vec<Watched>,
    peers: Vec<Arc<Peer>>,
    raw: Raw,
    listener: Listener,
}

/// A map of ours, with the views and changes that it showed.
struct Watched {
    map: Map,
    views: Vec<View>,
    changes: Changes,
}

impl<'a> Fleet<'a> {
    async fn new(server: &'a Server, seed: u64) -> Self {
        let name = format!("together-{seed}");
        let raw = Raw::new(server, &name);
        let listener = Listener::new(server, raw.channel());
        let rng = Rng::with_seed(seed);
        let mut fleet = Self { server, rng, name, ours: Vec::new(), peers: Vec::new(), raw, listener };
        for _ in 0..2 {
            fleet.join_ours().await;
            fleet.join_peer();
        }
        fleet
    }

    async fn join_ours(&mut self) {
        let client = Client::connect(self.server.url()).await.unwrap();
        let map = must_end(client.map(&self.name).join()).await.unwrap();
        let (view, changes) = map.view_and_changes().await;
        self.ours.push(Watched { map, views: vec![view], changes });
    }

    fn join_peer(&mut self) {
        self.peers.push(Arc::new(Peer::join(self.server, &self.name, Ttl::None).unwrap()));
    }

    async fn play(mut self) {
        let (late_map, late_peer) = (self.rng.usize(..ROUNDS), self.rng.usize(..ROUNDS));
        for round in 0..ROUNDS {
            if round == late_map {
                self.join_ours().await;
            }
            if round == late_peer {
                self.join_peer();
            }
            must_end(self.round()).await;
        }
        must_end(self.check()).await;
    }

    /// Runs one to four operations concurrently, each of another member.
    async fn round(&mut self) {
        let members = self.ours.len() + self.peers.len();
        let mut order: Vec<usize> = (0..members).collect();
        self.rng.shuffle(&mut order);
        order.truncate(self.rng.usize(1..=4));
        let writes: Vec<JoinHandle<()>> = order.into_iter().map(|member| self.write(member)).collect();
        let mut sampled = 0;
        while writes.iter().any(|write| !write.is_finished()) {
            // Most views are the same, so few samples suffice.
            if sampled < 50 {
                self.look();
                sampled += 1;
            }
            tokio::task::yield_now().await;
        }
        for write in writes {
            write.await.unwrap();
        }
        self.look();
    }

    /// Other tests record refusals of single operations. Here a refusal only must not be an unknown outcome.
    fn write(&mut self, member: usize) -> JoinHandle<()> {
        let call: Call = draw::call(&mut self.rng);
        match self.ours.get(member) {
            Some(Watched { map, .. }) => {
                let map = map.clone();
                tokio::spawn(async move { drop(ours::call(&map, &call).await) })
            }
            None => {
                let peer = Arc::clone(&self.peers[member - self.ours.len()]);
                tokio::task::spawn_blocking(move || drop(peer.call(&call)))
            }
        }
    }

    fn look(&mut self) {
        for watched in &mut self.ours {
            let view = watched.map.view();
            if watched.views.last().is_none_or(|last| last.revision() != view.revision()) {
                watched.views.push(view);
            }
        }
    }

    async fn check(mut self) {
        let published = self.listener.take();
        let history = History::of(&published);
        let content = self.raw.content();
        assert!(content == history.last(), "the hash holds {content:?}");
        for Watched { map, views, changes } in self.ours {
            map.sync().await.unwrap();
            assert_eq!(map.status().resyncs(), 0, "nothing was lost, so nothing is to be read again");
            if !published.is_empty() {
                assert_eq!(map.revision().map(rmap_client::Revision::get), Some(self.raw.revision()));
            }
            for view in views.iter().chain([&map.view()]) {
                history.check_view(view);
            }
            map.close().await;
            for change in all(changes).await {
                history.check_change(&change);
            }
        }
        for peer in self.peers {
            peer.caught_up();
            assert_eq!(peer.content(), content, "a peer's copy");
            if !published.is_empty() {
                assert_eq!(peer.revision(), self.raw.revision());
            }
            assert_eq!(peer.unreadable(), Vec::<Vec<u8>>::new());
        }
    }
}

/// All changes of a stream until its end.
async fn all(mut changes: Changes) -> Vec<Change> {
    let mut told = Vec::new();
    while let Some(change) = changes.next().await {
        told.push(change);
    }
    told
}
