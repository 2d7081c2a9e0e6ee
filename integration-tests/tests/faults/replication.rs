//! A server that becomes a replica of another.

use integration_tests::{Builder, Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Error, Map, Outcome};

use crate::pair::Pair;
use crate::support::{Cast, agrees, client, join, refused, refused_under, run, stored};

/// Writes until the server no longer refuses with this code.
///
/// The server also closes connections when it starts to refuse, and a write in flight on them has an unknown outcome.
async fn refused_until_over(cast: &mut Cast, code: &str) {
    let mut unknown = 0;
    let writing = async {
        loop {
            match cast.writer.inc("n", 1).await {
                Ok(sum) => return sum.value,
                Err(Error::Rejected { cause, .. }) => assert_eq!(cause.code, code),
                Err(error) if error.outcome() == Some(Outcome::Indeterminate) => unknown += 1,
                Err(error) => assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let sum = must_end(writing).await;
    assert!((2..=2 + unknown).contains(&sum), "{sum}, {unknown} unknown");
    cast.agree().await;
}

#[tokio::test]
async fn a_server_that_became_a_replica_refuses_writes() {
    let mut cast = Cast::new().await;
    cast.run(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(refused(must_end(cast.writer.inc("n", 1)).await.map(|_| true)), "READONLY");
    cast.run(&["REPLICAOF", "NO", "ONE"]);
    refused_until_over(&mut cast, "READONLY").await;
}

#[tokio::test]
async fn a_replica_that_must_not_serve_old_data_refuses_writes() {
    let mut cast = Cast::new().await;
    cast.run(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    let begin = async |cast: &mut Cast| {
        cast.run(&["REPLICAOF", "127.0.0.1", "1"]);
    };
    let end = async |cast: &mut Cast| {
        cast.run(&["REPLICAOF", "NO", "ONE"]);
    };
    let unknown = refused_under(&mut cast, "MASTERDOWN", begin, end).await;
    let n: i64 = cast.stored()["n"].parse().unwrap();
    assert!((1..=1 + unknown).contains(&n), "{n}, {unknown} unknown");
}

/// The setting bounds the writes that a master without replicas acknowledges in vain. It does not prevent them.
#[tokio::test]
async fn a_master_whose_replicas_are_silent_refuses_writes_after_the_lag_that_is_allowed() {
    let master = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"];
    let mut pair = Pair::with(master.into_iter().fold(Server::builder(), Builder::arg)).await;
    let map = join(client(), pair.old.url()).await;
    let mut in_vain = 0;
    while in_vain == 0 {
        // From now on the replica acknowledges nothing.
        pair.new.pause();
        while written(&map).await {
            in_vain += 1;
        }
        let before = stored(&mut pair.at_old);
        assert!(!written(&map).await, "it refuses on");
        // Reads still work.
        agrees(&map, &mut pair.at_old).await;
        assert_eq!(stored(&mut pair.at_old), before);
        pair.new.resume();
        let is_back = async { while !written(&map).await {} };
        must_end(is_back).await;
    }
    agrees(&map, &mut pair.at_old).await;
}

/// Writes once. Returns false if the server has too few replicas.
async fn written(map: &Map) -> bool {
    tokio::task::yield_now().await;
    match must_end(map.inc("n", 1)).await {
        Ok(_) => true,
        Err(Error::Rejected { cause, .. }) if cause.code == "NOREPLICAS" => false,
        Err(error) => panic!("{error}"),
    }
}

fn says(raw: &mut Connection, line: &str) -> bool {
    let text: String = cmd("INFO").query(raw).unwrap();
    text.lines().any(|found| found == line)
}

/// The server is loading a copy of its new master.
#[tokio::test]
async fn a_server_that_loads_refuses_writes() {
    let mut cast = Cast::new().await;
    let master = Server::builder().arg("--repl-diskless-sync-delay").arg("0").start();
    let mut at_master = master.connection();
    run(&mut at_master, &["CONFIG", "SET", "rdbcompression", "no"]);
    for number in 0..64 {
        run(&mut at_master, &["SET", &format!("filler {number}"), &"x".repeat(4096)]);
    }
    cast.run(&["CONFIG", "SET", "loading-process-events-interval-bytes", "1024"]);
    let port = master.port().to_string();
    let begin = async |cast: &mut Cast| {
        cast.run(&["CONFIG", "SET", "key-load-delay", "100000"]);
        cast.run(&["REPLICAOF", "127.0.0.1", &port]);
        eventually_async("it loads", || says(&mut cast.raw, "loading:1")).await;
    };
    let end = async |cast: &mut Cast| {
        cast.run(&["CONFIG", "SET", "key-load-delay", "0"]);
        eventually_async("it has loaded", || says(&mut cast.raw, "master_link_status:up")).await;
        cast.run(&["REPLICAOF", "NO", "ONE"]);
    };
    refused_under(&mut cast, "LOADING", begin, end).await;
}
