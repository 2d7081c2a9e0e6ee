//! A server that becomes a replica of another.

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::Error;

use crate::support::{Cast, refused, run, verdict};

/// The code with which a write is refused, once one gets as far as the server.
async fn code(cast: &Cast) -> String {
    loop {
        let result = must_end(cast.writer.inc("n", 1)).await;
        match result {
            Err(Error::NotSent { .. }) => {}
            result => return refused(result.map(|_| true)),
        }
        tokio::task::yield_now().await;
    }
}

/// Writes until they are no longer refused with this code.
///
/// A refusal also ends the connections, and the outcome of what is just being sent on them is unknown.
async fn refused_until_over(cast: &mut Cast, code: &str) {
    let mut unknown = 0;
    let writing = async {
        loop {
            match cast.writer.inc("n", 1).await {
                Ok(sum) => return sum.value,
                Err(Error::Rejected { cause, .. }) => assert_eq!(cause.code, code),
                Err(error) if verdict(&error) == "indeterminate" => unknown += 1,
                Err(error) => assert_eq!(verdict(&error), "rejected", "{error}"),
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
    assert_eq!(code(&cast).await, "READONLY");
    cast.run(&["REPLICAOF", "NO", "ONE"]);
    refused_until_over(&mut cast, "READONLY").await;
}

#[tokio::test]
async fn a_replica_that_must_not_serve_old_data_refuses_writes() {
    let mut cast = Cast::new().await;
    cast.run(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    cast.run(&["REPLICAOF", "127.0.0.1", "1"]);
    let code = code(&cast).await;
    assert!(["READONLY", "MASTERDOWN"].contains(&code.as_str()), "{code}");
    cast.run(&["REPLICAOF", "NO", "ONE"]);
    refused_until_over(&mut cast, &code).await;
}

fn says(raw: &mut Connection, line: &str) -> bool {
    let text: redis::RedisResult<String> = cmd("INFO").query(raw);
    text.is_ok_and(|text| text.lines().any(|found| found == line))
}

/// While it reads a copy of its new master.
#[tokio::test]
async fn a_server_that_loads_refuses_writes() {
    let mut cast = Cast::new().await;
    let master = Server::start();
    let mut at_master = master.connection();
    for number in 0..64 {
        run(&mut at_master, &["SET", &format!("filler {number}"), &"x".repeat(4096)]);
    }
    cast.run(&["CONFIG", "SET", "loading-process-events-interval-bytes", "1024", "rdbcompression", "no"]);
    run(&mut at_master, &["CONFIG", "SET", "rdbcompression", "no"]);
    cast.run(&["CONFIG", "SET", "key-load-delay", "100000"]);
    cast.run(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
    eventually_async("it loads", || says(&mut cast.raw, "loading:1")).await;
    assert_eq!(code(&cast).await, "LOADING");
    cast.run(&["CONFIG", "SET", "key-load-delay", "0"]);
    eventually_async("it has loaded", || says(&mut cast.raw, "master_link_status:up")).await;
    cast.run(&["REPLICAOF", "NO", "ONE"]);
    for map in [&cast.writer, &cast.reader] {
        eventually_async("the master had no such hash", || map.revision().is_none()).await;
    }
    cast.agree().await;
}
