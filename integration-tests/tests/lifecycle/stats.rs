//! Numbers and health on a real server.

use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};
use redis::cmd;
use rmap_client::Phase;

use crate::support::connect;

#[tokio::test]
async fn a_client_counts_groups_reconnects_and_round_trips() {
    let server = Server::start();
    let client = connect(server.url()).await;
    let map = must_end(client.map("flags").join()).await.unwrap();
    let writes: Vec<_> = (0..64).map(|number| tokio::spawn(map.set(format!("k{number}"), "value"))).collect();
    for write in writes {
        must_end(write).await.unwrap().unwrap();
    }
    must_end(map.sync()).await.unwrap();
    let (stats, groups) = (map.stats(), client.stats().groups.unwrap());
    assert_eq!((stats.entries, stats.writes.committed, stats.notifications), (64, 64, 64));
    assert_eq!(groups.alone + groups.grouped, 64);
    assert!(groups.groups > 0 && groups.largest > 1 && groups.largest <= groups.grouped, "{groups:?}");
    assert!(stats.probe_round_trip.is_some_and(|took| took > Duration::ZERO), "{stats:?}");
    assert!(map.health(Duration::from_secs(60)).is_ready());

    // Another handle of the same map has its own numbers; its bytes come from a snapshot.
    let other = must_end(client.map("flags").join()).await.unwrap();
    assert_eq!((other.stats().bytes, other.stats().notifications), (stats.bytes, 0));
    assert_eq!(client.stats().maps, 2);

    cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]).exec(&mut server.connection()).unwrap();
    eventually_async("the connections are made again", || client.stats().reconnects == 1).await;
    must_end(map.sync()).await.unwrap();
    let mut phases = map.phase_changes();
    assert!(must_end(phases.next()).await.unwrap().is_live());
    server.kill();
    assert_eq!(must_end(phases.next()).await.unwrap().phase(), Phase::Disconnected);
    let health = map.health(Duration::ZERO);
    assert!(!health.is_ready(), "{health}");
    assert!(health.reason().unwrap().contains("disconnected (the server at "), "{health}");
}
