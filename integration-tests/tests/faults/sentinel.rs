//! Sentinels: the master that they name at the start, and maps that follow a failover.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use integration_tests::{Sentinel, Server, connections_made, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::transport::redis::ConnectError;
use rmap_client::{Error, Map};

use crate::pair::{Pair, follow};
use crate::support::{agrees, client, committed, join};

/// A pair whose master no sentinel can demote. It carries on without closing any connection.
async fn stubborn() -> Pair {
    Pair::with(Server::builder().aclfile("user default on nopass ~* &* +@all -replicaof -slaveof")).await
}

/// Makes the sentinel promote the replica, once it knows the replica.
async fn fail_over(sentinel: &Sentinel, new: &Server) {
    eventually_async("the sentinel begins", || sentinel.fail_over()).await;
    eventually_async("the sentinel names the new master", || sentinel.master() == new.port()).await;
}

/// Checks that the map moves to the new master by itself, and works there.
async fn comes(map: &Map, new: &Server) {
    let other = join(client(), new.url()).await;
    committed(&other, "new").await;
    eventually_async("the map shows what the new master has", || map.contains("new")).await;
    committed(map, "after").await;
    agrees(map, &mut new.connection()).await;
}

/// The names of all connections except those of sentinels and replicas.
fn connections(raw: &mut Connection) -> BTreeSet<String> {
    let list: String = cmd("CLIENT").arg("LIST").query(raw).unwrap();
    let clients =
        list.lines().filter(|client| !client.contains(" name=sentinel-") && !client.contains("flags=S"));
    clients
        .map(|client| client.split(' ').find(|field| field.starts_with("addr=")).unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_master_that_is_replaced_while_it_is_well_is_left() {
    let pair = stubborn().await;
    let sentinel = Sentinel::of(&pair.old);
    let map = join(client(), sentinel.url()).await;
    committed(&map, "before").await;
    fail_over(&sentinel, &pair.new).await;
    comes(&map, &pair.new).await;
}

#[tokio::test]
async fn a_master_that_died_is_replaced() {
    let pair = Pair::new().await;
    let sentinel = Sentinel::of(&pair.old);
    // A server that never answers must not keep the client from asking the sentinel again.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = sentinel.url_with(silent.local_addr().unwrap().port());
    let map = join(client().connect_timeout(Duration::from_secs(3600)), url).await;
    committed(&map, "before").await;
    // The sentinel promotes nobody before it knows the replica.
    eventually_async("the sentinel knows the replica", || sentinel.knows(&pair.new)).await;
    pair.old.kill();
    eventually_async("the sentinel names the new master", || sentinel.master() == pair.new.port()).await;
    comes(&map, &pair.new).await;
}

#[tokio::test]
async fn a_sentinel_that_is_silent_or_gone_is_passed_over() {
    // The other sentinel is silent from the start, falls silent later, or disappears later. It may be the one asked.
    for (early, gone) in [(true, false), (false, false), (false, true)] {
        let pair = stubborn().await;
        let (silent, sentinel) = (Sentinel::of(&pair.old), Sentinel::of(&pair.old));
        if early {
            silent.pause();
        }
        let map = join(client(), sentinel.url_with(silent.port())).await;
        committed(&map, "before").await;
        if gone {
            drop(silent);
        } else {
            silent.pause();
        }
        fail_over(&sentinel, &pair.new).await;
        comes(&map, &pair.new).await;
    }
}

#[tokio::test]
async fn a_sentinel_that_misleads_is_passed_over() {
    let pair = Pair::new().await;
    let (right, wrong) = (Sentinel::of(&pair.old), Sentinel::of(&pair.new));
    // The right sentinel may be the first or the second in the URL.
    for url in [right.url_with(wrong.port()), wrong.url_with(right.port())] {
        let map = join(client(), url).await;
        committed(&map, "before").await;
        agrees(&map, &mut pair.old.connection()).await;
    }
}

#[tokio::test]
async fn a_good_master_is_not_left_for_one_that_is_none() {
    let pair = Pair::new().await;
    let (right, wrong) = (Sentinel::of(&pair.old), Sentinel::of(&pair.new));
    let map = join(client(), right.url_with(wrong.port())).await;
    let mut at_old = pair.old.connection();
    let before = connections(&mut at_old);
    let mut raw = wrong.connection();
    let asked = connections_made(&mut raw);
    // From now on only the other sentinel answers.
    right.pause();
    eventually_async("it was asked several times", || connections_made(&mut raw) > asked + 2).await;
    committed(&map, "after").await;
    assert_eq!(connections(&mut at_old), before);
}

#[tokio::test]
async fn a_password_opens_sentinel_and_server() {
    let server = Server::builder().requirepass("secret").start();
    let sentinel = Sentinel::of(&server);
    let map = join(client(), sentinel.url()).await;
    committed(&map, "before").await;
    agrees(&map, &mut server.connection()).await;
    let error = must_end(client().connect(sentinel.url().replace("secret", "guess"))).await.unwrap_err();
    assert!(matches!(error, Error::Connect { cause: ConnectError::Authentication { .. } }), "{error}");
}

#[tokio::test]
async fn what_a_sentinel_cannot_lead_to_is_named() {
    let server = Server::start();
    let sentinel = Sentinel::of(&server);
    let reason = async |url: String| {
        let error = must_end(client().connect(url)).await.unwrap_err();
        let Error::Connect { cause: ConnectError::Other { reason, .. } } = error else { panic!("{error}") };
        reason
    };
    let unknown = reason(sentinel.url().replace("=main", "=mian")).await;
    assert_eq!(unknown, "the sentinel knows no master \"mian\"");
    let replica = Server::start();
    follow(&mut replica.connection(), &server).await;
    let misled = reason(Sentinel::of(&replica).url()).await;
    assert_eq!(misled, "a sentinel named this server, but it is no master");
    // The sentinel answers, and the server does not.
    server.pause();
    let short = client().connect_timeout(Duration::from_secs(3));
    let error = must_end(short.connect(sentinel.url())).await.unwrap_err();
    let Error::Connect { cause: ConnectError::Unreachable { address, .. } } = error else {
        panic!("{error}")
    };
    assert_eq!(address, format!("127.0.0.1:{}", server.port()));
}

#[tokio::test]
async fn nothing_is_left_of_what_is_given_up_or_closed() {
    let server = Server::start();
    let sentinel = Sentinel::of(&server);
    for wait in 0..20 {
        let connecting = client().connect(sentinel.url());
        if let Ok(client) = tokio::time::timeout(Duration::from_millis(wait), connecting).await {
            client.unwrap().close().await;
        }
    }
    let others = |mut raw| connections(&mut raw).len() - 1;
    let left = || (others(server.connection()), others(sentinel.connection()));
    eventually_async("all connections are closed", || left() == (0, 0)).await;
    let map = join(client(), sentinel.url()).await;
    eventually_async("a map has two, and one to the sentinel", || left() == (2, 1)).await;
    drop(map);
    eventually_async("all connections are closed", || left() == (0, 0)).await;
}
