//! The shapes of the API: futures, `Debug` forms, and serialized forms.

#![allow(clippy::unwrap_used, reason = "a test may")]

use rmap_client::{Client, Map, MapBuilder, Outcome};

async fn join() -> Map {
    Client::in_memory().map("flags").await.unwrap()
}

#[tokio::test]
async fn a_map_builder_is_awaited_itself() {
    let map = join().await;
    assert!(map.status().is_live());
    let refused = Client::in_memory().map("a b").await.unwrap_err();
    assert_eq!(refused.outcome(), Some(Outcome::Rejected), "{refused}");
    // Awaited in a task of its own.
    let builder: MapBuilder = Client::in_memory().map("flags");
    tokio::spawn(builder.into_future()).await.unwrap().unwrap();
}

#[tokio::test]
async fn no_outcome_shows_a_value() {
    let map = join().await;
    map.set("k", "hunter2").await.unwrap();
    let outcomes = [
        format!("{:?}", map.set("k", "hunter2").await),
        format!("{:?}", map.test_and_set("k", "hunter2", "hunter3").await),
        format!("{:?}", map.append_values("l", ["hunter2"]).await),
        format!("{:?}", map.remove_values("l", ["other"]).await),
        format!("{:?}", map.batch().append_values("l", ["hunter2"]).inc("n", 424_242).commit().await),
        format!("{:?}", map.inc("n", 424_242).await),
        format!("{:?}", map.batch().set("k", "hunter2")),
        format!("{:?}", map.view()),
        format!("{map:?}"),
    ];
    for outcome in outcomes {
        assert!(!outcome.contains("hunter") && !outcome.contains("4242"), "{outcome}");
        assert!(!outcome.starts_with("Err"), "{outcome}");
    }
}

#[cfg(feature = "serde")]
#[tokio::test]
async fn status_view_and_changes_become_json() {
    let map = join().await;
    let mut changes = map.changes();
    let written = map.set_and_wait("dark-mode", "on").await.unwrap();
    let revision = written.revision.get();
    assert_eq!(
        serde_json::to_value(changes.next().await.unwrap()).unwrap(),
        serde_json::json!({ "revision": revision, "key": "dark-mode", "old": null, "new": "on" })
    );
    assert_eq!(
        serde_json::to_value(map.view()).unwrap(),
        serde_json::json!({ "revision": revision, "entries": [{ "key": "dark-mode", "value": "on" }] })
    );
    let status = serde_json::to_value(map.status()).unwrap();
    assert_eq!(
        (&status["phase"], &status["revision"], &status["reason"]),
        (&"live".into(), &revision.into(), &"in step".into())
    );
    assert!(status["phase_age_seconds"].is_f64() && status["staleness_seconds"].is_f64(), "{status}");
    let rest = [
        "failover_detection",
        "scan",
        "late_seconds",
        "resyncs",
        "last_resync",
        "in_doubt",
        "differed",
        "rejected",
    ];
    assert!(rest.iter().all(|name| status.get(name).is_some()), "{status}");
}

#[cfg(feature = "serde")]
#[tokio::test]
async fn statistics_become_json() {
    use serde_json::json;

    let client = Client::in_memory();
    let map = client.map("flags").await.unwrap();
    map.set("dark-mode", "on").visible().await.unwrap();
    assert!(!map.test_and_set("dark-mode", "off", "on").await.unwrap().applied);
    let (stats, taken) = (serde_json::to_value(map.stats()).unwrap(), map.stats());
    assert!(stats["staleness_seconds"].is_f64() && stats["phase_age_seconds"].is_f64(), "{stats}");
    assert_eq!(
        stats,
        json!({
            "entries": 1,
            "bytes": 11,
            "revision": map.revision().unwrap().get(),
            "staleness_seconds": stats["staleness_seconds"],
            "phase": "live",
            "phase_age_seconds": stats["phase_age_seconds"],
            "in_doubt": false,
            "resyncs": {
                "gap": 0, "undecodable": 0, "lagged": 0, "broken_batch": 0, "too_much_held": 0, "mismatch": 0,
                "differs": 0, "lost": 0, "no_answer": 0, "failed": 0, "other": 0,
            },
            "differed": 0,
            "notifications": 1,
            "notification_bytes": taken.notification_bytes,
            "writes": { "committed": 1, "not_applied": 1, "rejected": 0, "indeterminate": 0 },
            "inbox": { "messages": 0, "bytes": 0, "dropped": 0 },
            "probe_round_trip_seconds": null,
        })
    );
    let of_client = client.stats();
    assert_eq!(
        serde_json::to_value(of_client).unwrap(),
        json!({
            "maps": 1,
            "connected": true,
            "reconnects": 0,
            "lost_messages": 0,
            "received_bytes": of_client.received_bytes,
            "unread_bytes": of_client.unread_bytes,
            "groups": null,
        })
    );
    assert_eq!(
        serde_json::to_value(rmap_client::transport::GroupStats::default()).unwrap(),
        json!({ "alone": 0, "groups": 0, "grouped": 0, "largest": 0 })
    );
}

#[cfg(feature = "fred")]
#[tokio::test]
async fn a_client_builder_ends_with_the_url_that_it_connects_to() {
    let refused = Client::builder().connect("localhost:6379").await.unwrap_err();
    assert_eq!(refused.to_string(), "invalid server URL: it does not begin with redis:// or the like");
}
