//! The server's cost of verifying a large map.

use std::time::{Duration, Instant};

use integration_tests::{Proxy, Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::Client;

use crate::join::fill;

/// Fewer entries than in the other tests, because the pauses are 99 times as long as the pages.
fn entries() -> u64 {
    std::env::var("RMAP_LARGE_ENTRIES").map_or(10_000, |text| text.parse().expect("a number"))
}

/// Calls of HSCAN so far, and the server's microseconds for them.
fn pages(raw: &mut Connection) -> (u64, u64) {
    let info: String = cmd("INFO").arg("commandstats").query(raw).unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("cmdstat_hscan:")).unwrap_or("calls=0,usec=0");
    let number = |name: &str| -> u64 {
        let field = line.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
        field.parse().unwrap()
    };
    (number("calls="), number("usec="))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_a_map_again_costs_the_server_one_percent_of_a_core() {
    let server = Server::start();
    let (mut raw, entries) = (server.connection(), entries());
    fill(&mut raw, entries);
    // The revision does not recur. Only then does a replica skip the snapshot.
    cmd("HSET").arg("map:large:content").arg("=rev").arg("1790000000000").exec(&mut raw).unwrap();
    let proxy = Proxy::new(&server).await;
    let client = must_end(Client::connect(&proxy.url())).await.unwrap();
    let map = must_end(client.map("large").join()).await.unwrap();
    let (asked, _) = pages(&mut raw);
    proxy.cut(None);
    eventually_async("the skipped snapshot", || map.status().is_live() && map.status().is_in_doubt()).await;
    assert!(pages(&mut raw).0 - asked < 10, "the snapshot was skipped");
    let (before, began) = (pages(&mut raw), Instant::now());
    while map.status().is_in_doubt() {
        assert!(began.elapsed() < Duration::from_secs(3600), "{}", map.status());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (took, after) = (began.elapsed(), pages(&mut raw));
    let (calls, spent) = (after.0 - before.0, Duration::from_micros(after.1 - before.1));
    println!("{entries} entries: {calls} pages in {took:.1?}, {spent:.1?} of the server");
    assert!(calls > entries / 1000 && spent * 100 <= took, "{spent:?} in {took:?}");

    let (before, began) = (after, Instant::now());
    assert_eq!(must_end(map.verify()).await.unwrap().compared, entries);
    let (took, after) = (began.elapsed(), pages(&mut raw));
    let spent = Duration::from_micros(after.1 - before.1);
    println!("on request: {} pages in {took:.1?}, {spent:.1?} of the server", after.0 - before.0);
    assert_eq!((map.status().differed(), map.status().resyncs()), (0, 0));
}
