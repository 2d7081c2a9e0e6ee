//! Lost messages and lost connections.

use integration_tests::{eventually_async, must_end};
use redis::cmd;
use rmap_client::{EventKind, Phase, Reason};

use crate::scene::{KEY, Scene, live};

#[tokio::test]
async fn a_gap_is_not_applied_silently() {
    let mut scene = Scene::quiet().await;
    must_end(scene.map.set_and_wait("a", "old")).await.unwrap();
    let mut changes = scene.map.changes();
    scene.proxy.lose_message("lost");
    must_end(scene.other.set("a", "lost")).await.unwrap();
    let written = must_end(scene.other.set("b", "2")).await.unwrap();
    while !scene.map.contains("b") {
        must_end(changes.next()).await.unwrap();
        let view = scene.map.view();
        // A view with the later write also has the earlier one.
        assert!(!view.contains("b") || view.get("a").unwrap() == "lost");
    }
    must_end(scene.map.wait_for(written.revision)).await.unwrap();
    scene.agree();
    let status = scene.map.status();
    assert!(matches!(status.last_resync(), Some(Reason::Gap { .. })), "{status}");
}

#[tokio::test]
async fn a_reconnect_resynchronises_without_a_further_write() {
    let mut scene = Scene::quiet().await;
    for key in ["stays", "changes", "goes"] {
        must_end(scene.map.set_and_wait(key, "old")).await.unwrap();
    }
    scene.proxy.refuse();
    scene.proxy.cut(None);
    eventually_async("the map knows", || scene.map.status().phase() == Phase::Disconnected).await;
    must_end(scene.other.set("changes", "new")).await.unwrap();
    let deleted = must_end(scene.other.delete("goes")).await.unwrap();
    scene.proxy.heal();
    live(&scene.map).await;
    assert_eq!(scene.map.revision(), deleted.revision);
    scene.agree();
}

#[tokio::test]
async fn set_and_wait_is_not_released_by_a_gap() {
    let mut scene = Scene::quiet().await;
    must_end(scene.map.set_and_wait("k", "old")).await.unwrap();
    scene.proxy.lose_message("mine");
    let meanwhile = async {
        eventually_async("the write is committed", || {
            cmd("HGET").arg(KEY).arg("k").query::<String>(&mut scene.raw).unwrap() == "mine"
        })
        .await;
        // This revision is higher than the awaited one, and comes without the awaited content.
        scene.other.set("other", "x").await.unwrap();
    };
    let setting = async {
        scene.map.set_and_wait("k", "mine").await.unwrap();
        assert_eq!(scene.map.get("k").unwrap(), "mine");
    };
    must_end(async { tokio::join!(setting, meanwhile) }).await;
    let status = scene.map.status();
    assert!(matches!(status.last_resync(), Some(Reason::Gap { .. })), "{status}");
}

#[tokio::test]
async fn a_reset_is_not_dropped_behind_an_unread_change() {
    let scene = Scene::quiet().await;
    let mut events = scene.map.subscribe();
    must_end(scene.map.set_and_wait("a", "1")).await.unwrap();
    let reset = must_end(scene.other.reset()).await.unwrap();
    must_end(scene.map.wait_for(reset.revision)).await.unwrap();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Reset));
}
