//! Another server takes over.

use std::time::Duration;

use integration_tests::{Proxy, Side, eventually_async, must_end};
use rmap_client::{Error, Reason, StatusChanges};

use crate::pair::{Pair, follow};
use crate::support::{agrees, client, committed, join, settings};

#[tokio::test]
async fn a_new_master_without_the_last_writes_takes_the_maps_back() {
    let mut pair = Pair::new().await;
    let (proxy, second) = (Proxy::new(&pair.old).await, Proxy::new(&pair.old).await);
    let (map, other) = (join(client(), proxy.url()).await, join(client(), second.url()).await);
    pair.promote(&map).await;
    must_end(other.sync()).await.unwrap();
    let (_, mut changes) = must_end(other.view_and_changes()).await;
    let mut lost = None;
    for number in 0..3 {
        let written = must_end(map.set(format!("lost {number}"), "x")).await.unwrap();
        must_end(other.wait_for(written.revision)).await.unwrap();
        assert!(must_end(changes.next()).await.unwrap().new.is_some());
        lost = Some(written.revision);
    }
    for proxy in [&proxy, &second] {
        proxy.refuse();
        proxy.cut(None);
        proxy.reroute(None, &pair.new);
    }
    let next = lost.unwrap().next().unwrap();
    let waiting = {
        let map = map.clone();
        tokio::spawn(async move { map.wait_for(next).await })
    };
    for proxy in [&proxy, &second] {
        proxy.heal();
    }
    for map in [&map, &other] {
        agrees(map, &mut pair.at_new).await;
    }
    for _ in 0..3 {
        assert_eq!(must_end(changes.next()).await.unwrap().new, None);
    }
    let error = must_end(waiting).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::HistoryBroken { .. }), "{error}");
    // The new server uses the same revisions, with other content.
    for number in 0..3 {
        let written = committed(&map, &format!("found {number}")).await;
        must_end(other.wait_for(written)).await.unwrap();
    }
    for map in [&map, &other] {
        agrees(map, &mut pair.at_new).await;
    }
}

/// The reason why the map was not live any more. The map reports it before it is live again.
async fn left(statuses: &mut StatusChanges) -> String {
    let mut status = statuses.next().await.unwrap();
    while status.is_live() {
        status = statuses.next().await.unwrap();
    }
    status.reason().to_string()
}

/// Revision, number of fields and every notification fit. Only the id of the server's history differs.
#[tokio::test]
async fn a_subscriber_that_stays_at_the_demoted_master_is_found_by_the_replication_id() {
    // Commands stay there, too, or move to the new master.
    for split in [false, true] {
        let mut pair = Pair::new().await;
        let proxy = Proxy::new(&pair.old).await;
        // The map sends no requests by itself, so the test decides when it detects the failover.
        let quiet = settings().probe_interval(Duration::from_secs(3600));
        let map = join(client().maps(quiet), proxy.url()).await;
        let straight = join(client(), pair.old.url()).await;
        pair.promote(&straight).await;
        let at_new = join(client(), pair.new.url()).await;
        let mut same = None;
        for number in 0..3 {
            let lost = must_end(straight.set(format!("lost {number}"), "x")).await.unwrap();
            let kept = must_end(at_new.set(format!("kept {number}"), "x")).await.unwrap();
            assert_eq!(kept.revision, lost.revision);
            same = Some(lost.revision);
        }
        drop(straight);
        must_end(map.wait_for(same)).await.unwrap();
        follow(&mut pair.at_old, &pair.new).await;
        if split {
            proxy.reroute(Side::Commands, &pair.new);
        }
        // The map receives the new master's notifications on top of content that the new master never had.
        let fed = must_end(at_new.set("fed", "x")).await.unwrap();
        // A wait would ask the server, and so detect the failover.
        eventually_async("it is fed", || map.revision() == Some(fed.revision)).await;
        assert!(map.status().is_live() && map.contains("lost 0") && !map.contains("kept 0"));

        let (resyncs, mut statuses) = (map.status().resyncs(), map.status_changes());
        let (synced, reason) = must_end(async { tokio::join!(map.sync(), left(&mut statuses)) }).await;
        synced.unwrap();
        assert_eq!(reason, Reason::Failover.to_string());
        assert_eq!(map.status().resyncs(), resyncs, "it was no mismatch");
        agrees(&map, &mut pair.at_new).await;
        // The subscriber is at the old master again, where publications of the new master arrive.
        let written = must_end(at_new.set("after", "x")).await.unwrap();
        must_end(map.wait_for(written.revision)).await.unwrap();
        agrees(&map, &mut pair.at_new).await;
    }
}

/// No publication of the new master reaches the old one, and so no mark does either. The answer alone suffices.
#[tokio::test]
async fn a_subscriber_at_a_master_that_does_not_follow_the_new_one_is_found_by_the_answer_alone() {
    let mut pair = Pair::new().await;
    let proxy = Proxy::new(&pair.old).await;
    let quiet = settings().probe_interval(Duration::from_secs(3600));
    let map = join(client().maps(quiet), proxy.url()).await;
    pair.promote(&map).await;
    must_end(map.sync()).await.unwrap();
    let mut statuses = map.status_changes();
    proxy.reroute(Side::Commands, &pair.new);
    let found = async {
        let reason = left(&mut statuses).await;
        proxy.reroute(None, &pair.new);
        reason
    };
    let (synced, reason) = must_end(async { tokio::join!(map.sync(), found) }).await;
    synced.unwrap();
    assert_eq!(reason, Reason::Failover.to_string());
    agrees(&map, &mut pair.at_new).await;
}
