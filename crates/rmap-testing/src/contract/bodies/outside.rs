//! Everything is polled on a thread without a runtime, and in a runtime without timers and I/O. The client's own
//! runtime does the work.

use crate::outside;
use rmap_client::{Client, Error, EventKind, Map};

use super::every::{self, Named};
use crate::contract::world::World;

/// Performs every write on a fresh hash, one after the other.
async fn write_all(map: &Map, writes: fn(&Map) -> Vec<Named<'_>>) {
    for (index, (name, _)) in writes(map).iter().enumerate() {
        map.reset().await.unwrap();
        map.set("k", "5").await.unwrap();
        let (_, writing) = writes(map).swap_remove(index);
        writing.await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

pub(crate) async fn every_write_works_outside_of_the_runtime(world: World) {
    let map = world.join().await;
    outside(move || {
        let map = map.clone();
        async move {
            write_all(&map, every::applied).await;
            write_all(&map, every::not_applied).await;
            let batched =
                map.batch().set("a", "1").inc("n", 1).append_values("l", ["x"]).commit().await.unwrap();
            map.wait_for(batched.revision).await.unwrap();
            // A large value is sent alone, which is another path.
            let large = "x".repeat(100_000);
            map.set_and_wait("k", &large).await.unwrap();
            map.set_and_wait("k", "v").await.unwrap();
            // Writes that wait for each other take another path, too.
            let (a, b, c) = tokio::join!(map.set("a", "1"), map.set("b", "2"), map.set("c", "3"));
            let last = [a, b, c].into_iter().map(|written| written.unwrap().revision).max().unwrap();
            map.wait_for(last).await.unwrap();
        }
    })
    .await;
}

pub(crate) async fn all_else_works_outside_of_the_runtime(mut world: World) {
    let (first, second) = (world.another_client().await, world.another_client().await);
    let clients = std::sync::Mutex::new(vec![first, second]);
    let clients = std::sync::Arc::new(clients);
    outside(move || {
        let client = clients.lock().unwrap().pop().unwrap();
        async move { use_and_close(&client).await }
    })
    .await;
}

async fn use_and_close(client: &Client) {
    let map = client.map("flags").join().await.unwrap();
    let other = client.map("other").join().await.unwrap();
    map.reset().await.unwrap();
    map.sync().await.unwrap();
    let (view, mut changes) = map.view_and_changes().await;
    let (mut events, mut statuses, mut later) = (map.subscribe(), map.status_changes(), map.changes());
    assert!(view.is_empty() && statuses.next().await.unwrap().is_live());
    map.set_and_wait("k", "v").await.unwrap();
    assert_eq!(events.next().await, Some(EventKind::Changed));
    assert_eq!(changes.next().await.unwrap().new.unwrap(), "v");
    assert_eq!(later.next().await.unwrap().new.unwrap(), "v");
    assert!(map.fresh(std::time::Duration::from_secs(600)).is_ok());
    watch_it(&other).await;

    other.close().await;
    client.close().await;
    assert_eq!((events.next().await, changes.next().await, later.next().await), (None, None, None));
    while statuses.next().await.is_some() {}
    assert!(matches!(map.set("k", "w").await, Err(Error::Closed { .. })));
    assert!(matches!(map.sync().await, Err(Error::Closed { .. })));
    assert!(matches!(client.map("flags").join().await, Err(Error::Closed { .. })));
}

async fn watch_it(map: &Map) {
    map.set_and_wait("k", "v").await.unwrap();
    let (mut watch, mut keys) = (map.watch("k"), map.watch_prefix("k"));
    assert_eq!((watch.next().await.unwrap().unwrap(), keys.begin().await), ("v".into(), 1));
    map.set("k", "w").await.unwrap();
    assert_eq!(watch.changed().await.unwrap().unwrap(), "w");
    let view = map.wait_until(|view| view.get("k").is_some_and(|value| *value == "w")).await.unwrap();
    assert_eq!((view.len(), keys.next().await.unwrap().new.unwrap()), (1, "v".into()));
}
