//! Expiry in virtual time, and how soon a map notices it.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::time::Duration;

use rmap_client::{MapSettings, MemoryServer, Outcome};

const TTL: Duration = Duration::from_millis(700);

/// The time to live, a probe 2 ms later, and the round trip in memory.
const SEEN: Duration = Duration::from_millis(705);

#[tokio::test(start_paused = true)]
async fn a_short_time_to_live_is_seen_to_end_by_every_map_that_sets_it() {
    let server = MemoryServer::new();
    for sliding in [false, true] {
        let join = async || {
            // A regular probe shortly before the expiry must not delay the next one.
            let builder =
                server.client().map("leases").settings(MapSettings::default().probe_floor(Duration::ZERO));
            if sliding { builder.sliding_ttl(TTL) } else { builder.ttl(TTL) }.join().await.unwrap()
        };
        let (writer, reader) = (join().await, join().await);
        // Probes come every 4 to 5 seconds.
        for pause in [0, 400, 900, 1300, 2100, 3400].map(Duration::from_millis) {
            tokio::time::sleep(pause).await;
            writer.set_and_wait("a", "1").await.unwrap();
            tokio::time::sleep(TTL - Duration::from_millis(1)).await;
            assert!(writer.contains("a") && reader.contains("a"));
            tokio::time::sleep(SEEN - TTL + Duration::from_millis(1)).await;
            assert_eq!((writer.len(), reader.len()), (0, 0), "after a pause of {pause:?}");
        }
    }
}

/// A write whose caller gave up is carried out all the same.
#[tokio::test(start_paused = true)]
async fn a_write_of_unknown_outcome_expires_in_sight() {
    let server = MemoryServer::new();
    let map = server.client().map("leases").ttl(TTL).join().await.unwrap();
    server.lose_replies(1);
    assert!(map.set("a", "1").await.unwrap_err().outcome() == Some(Outcome::Indeterminate));
    map.sync().await.unwrap();
    map.wait_for(map.revision()).await.unwrap();
    assert!(map.contains("a"));
    tokio::time::sleep(SEEN).await;
    assert!(map.is_empty());
}
