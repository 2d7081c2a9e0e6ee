//! Tasks that watch a map, and checks of what they have seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rmap_client::{Key, Map, Value};
use tokio::task::JoinHandle;

use super::changes::{Content, apply};
use super::support::eventually;

/// Common prefix of the keys of the watched part.
const PREFIX: &str = "key 1";

type Seen = Arc<Mutex<BTreeMap<String, Option<Value>>>>;

/// Watches of single keys, a watch of a prefix, and waits for a view.
pub(crate) struct Watching {
    map: Map,
    seen: Seen,
    part: Arc<Mutex<Content>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watching {
    pub(crate) fn new(map: &Map, keys: impl IntoIterator<Item = String>) -> Self {
        let (seen, part) = (Seen::default(), Arc::<Mutex<Content>>::default());
        let mut tasks: Vec<_> =
            keys.into_iter().map(|key| tokio::spawn(watch(map, key, Arc::clone(&seen)))).collect();
        let (mut changes, folded) = (map.watch_prefix(PREFIX), Arc::clone(&part));
        tasks.push(tokio::spawn(async move {
            while let Some(change) = changes.next().await {
                assert!(change.key.as_bytes().starts_with(PREFIX.as_bytes()));
                apply(&mut folded.lock().expect("not poisoned"), change);
            }
        }));
        Self { map: map.clone(), seen, part, tasks }
    }

    /// Waits until all watches have seen the content of the open map, which does not change meanwhile.
    pub(crate) async fn has_seen_all(&self) {
        eventually("the watches show what the map holds", || {
            let seen = self.seen.lock().expect("not poisoned");
            let part = self.part.lock().expect("not poisoned");
            let view = self.map.view();
            let held = view.prefix(PREFIX).map(|(key, value)| (Key::from(key), value.clone()));
            seen.iter().all(|(key, value)| self.map.get(key) == *value) && *part == held.collect()
        })
        .await;
        let view = self.map.view();
        let waited = self.map.wait_until(|now| now.revision() == view.revision()).await;
        assert_eq!(waited.expect("the map is open").revision(), view.revision());
    }

    /// Waits until all watches have ended with the map.
    pub(crate) async fn end(self) {
        self.map.close().await;
        for task in self.tasks {
            task.await.expect("the watch saw what it should");
        }
    }
}

/// Records the values that a watch shows.
fn watch(map: &Map, key: String, seen: Seen) -> impl Future<Output = ()> + use<> {
    let mut watch = map.watch(&key);
    async move {
        while let Some(value) = watch.next().await {
            let before = seen.lock().expect("not poisoned").insert(key.clone(), value.clone());
            assert_ne!(before, Some(value), "{key} has not changed");
        }
    }
}
