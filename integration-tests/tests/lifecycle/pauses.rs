//! Repeated disturbances do not make a replica read the map over and over.

use std::time::{Duration, Instant};

use integration_tests::{Server, must_end};
use redis::{Connection, cmd};
use rmap_client::Client;

use crate::support::{content, stored};

/// Number of full reads of a hash, by any client.
fn reads(raw: &mut Connection) -> u32 {
    let info: String = cmd("INFO").arg("commandstats").query(raw).unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("cmdstat_hgetall:calls="));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

/// Disturbs a replica every 0.12 s for a while, and checks how often it read the map.
async fn broken_every_now_and_then(server: &Server, mut break_it: impl AsyncFnMut()) {
    let mut raw = server.connection();
    let map = must_end(Client::connect(&server.url())).await.unwrap();
    let map = must_end(map.map("flags").join()).await.unwrap();
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    let (before, begin) = (reads(&mut raw), Instant::now());
    for _ in 0..60 {
        break_it().await;
        // The sleep only sets the pace. The assertion below uses the time that really passed.
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    let (read, took) = (reads(&mut raw) - before, begin.elapsed());
    // Seven pauses grow from 0.05 s to 5 s, then there is at most one read in 2.5 s.
    let most = 8 + u32::try_from(took.as_millis() / 2500).unwrap();
    assert!((1..=most).contains(&read), "{read} reads in {took:?}");
    must_end(map.sync()).await.unwrap();
    assert_eq!(content(&map), stored(&mut raw));
}

#[tokio::test]
async fn garbage_costs_few_reads() {
    let server = Server::start();
    let mut raw = server.connection();
    let garbage = async || cmd("PUBLISH").arg("map:flags:updates").arg("garbage").exec(&mut raw).unwrap();
    broken_every_now_and_then(&server, garbage).await;
}

/// Channels belong to the server, not to a database.
#[tokio::test]
async fn a_map_of_the_same_name_in_another_database_costs_few_reads() {
    let server = Server::start();
    let other = must_end(Client::connect(format!("{}/1", server.url()))).await.unwrap();
    let other = must_end(other.map("flags").join()).await.unwrap();
    must_end(other.set("a", "elsewhere")).await.unwrap();
    let write = async || {
        must_end(other.set("b", "elsewhere")).await.unwrap();
    };
    broken_every_now_and_then(&server, write).await;
}
