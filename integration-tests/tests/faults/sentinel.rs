//! Sentinels: where they lead at the start, and that a map follows them.

use integration_tests::{Sentinel, Server, eventually_async, must_end};
use rmap_client::transport::fred::ConnectError;
use rmap_client::{Error, Map};

use crate::pair::{Pair, follow};
use crate::support::{agrees, client, committed, join};

/// A pair whose master no sentinel can demote: it goes on as if nothing had happened, and no connection is closed.
async fn stubborn() -> Pair {
    Pair::with(Server::builder().aclfile("user default on nopass ~* &* +@all -replicaof -slaveof")).await
}

/// Has the replica made the master, once the sentinel knows it.
async fn fail_over(sentinel: &Sentinel, new: &Server) {
    eventually_async("the sentinel begins", || sentinel.fail_over()).await;
    eventually_async("the sentinel names the new master", || sentinel.master() == new.port()).await;
}

/// The map comes to the new master by itself, and is as good as any there.
async fn comes(map: &Map, new: &Server) {
    let other = join(client(new.url())).await;
    committed(&other, "new").await;
    eventually_async("the map shows what the new master has", || map.contains("new")).await;
    committed(map, "after").await;
    agrees(map, &mut new.connection()).await;
}

#[tokio::test]
async fn a_master_that_is_replaced_while_it_is_well_is_left() {
    let pair = stubborn().await;
    let sentinel = Sentinel::of(&pair.old);
    let map = join(client(sentinel.url())).await;
    committed(&map, "before").await;
    fail_over(&sentinel, &pair.new).await;
    comes(&map, &pair.new).await;
}

#[tokio::test]
async fn a_master_that_died_is_replaced() {
    let pair = Pair::new().await;
    let sentinel = Sentinel::of(&pair.old);
    let map = join(client(sentinel.url())).await;
    committed(&map, "before").await;
    // It replaces nothing before it knows by whom.
    eventually_async("the sentinel knows the replica", || sentinel.knows(&pair.new)).await;
    pair.old.kill();
    eventually_async("the sentinel names the new master", || sentinel.master() == pair.new.port()).await;
    comes(&map, &pair.new).await;
}

#[tokio::test]
async fn a_silent_sentinel_is_passed_over() {
    // It is silent from the start, or from when it has been the one that was asked.
    for early in [true, false] {
        let pair = stubborn().await;
        let (silent, sentinel) = (Sentinel::of(&pair.old), Sentinel::of(&pair.old));
        if early {
            silent.pause();
        }
        let map = join(client(sentinel.url_after(&silent))).await;
        committed(&map, "before").await;
        silent.pause();
        fail_over(&sentinel, &pair.new).await;
        comes(&map, &pair.new).await;
    }
}

#[tokio::test]
async fn a_password_opens_sentinel_and_server() {
    let server = Server::builder().requirepass("secret").start();
    let sentinel = Sentinel::of(&server);
    let map = join(client(sentinel.url())).await;
    committed(&map, "before").await;
    agrees(&map, &mut server.connection()).await;
    let error = must_end(client(sentinel.url().replace("secret", "guess")).connect()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { cause: ConnectError::Authentication { .. } }), "{error}");
}

#[tokio::test]
async fn what_a_sentinel_cannot_lead_to_is_named() {
    let server = Server::start();
    let sentinel = Sentinel::of(&server);
    let reason = async |url: String| {
        let error = must_end(client(url).connect()).await.unwrap_err();
        let Error::Connect { cause: ConnectError::Other { reason, .. } } = error else { panic!("{error}") };
        reason
    };
    let unknown = reason(sentinel.url().replace("=main", "=mian")).await;
    assert_eq!(unknown, "the sentinel knows no master \"mian\"");
    let replica = Server::start();
    follow(&mut replica.connection(), &server).await;
    let misled = reason(Sentinel::of(&replica).url()).await;
    assert_eq!(misled, "the server that a sentinel named is no master");
}
