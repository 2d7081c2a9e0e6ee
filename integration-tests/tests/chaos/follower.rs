//! Followers that only watch a map: its changes, its events, its views.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmap_client::{Changes, Events, Map, View};

use crate::ledger::{Sight, State};
use crate::writer::{Desk, TWINS, keys, state};

pub(crate) type Content = BTreeMap<String, Arc<str>>;

pub(crate) fn content(view: &View) -> Content {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(view.get(TWINS[0]), view.get(TWINS[1]), "part of a batch is shown at {:?}", view.revision());
    view.iter().map(|(key, value)| (text(key.as_bytes()), text(value.as_bytes()).into())).collect()
}

/// Applies all changes to the first view, until the map closes.
pub(crate) async fn fold(view: View, mut changes: Changes) -> Content {
    let mut folded = content(&view);
    while let Some(change) = changes.next().await {
        let key = change.key.as_str().unwrap().to_owned();
        let new = state(change.new.as_ref());
        let old = match new {
            Some(new) => folded.insert(key.clone(), new),
            None => folded.remove(&key),
        };
        assert_eq!(
            old,
            state(change.old.as_ref()),
            "{key} at {:?}: the old value is the one before",
            change.revision
        );
    }
    folded
}

/// Reads the map after each event, until the map closes. Returns the last content.
pub(crate) async fn look(map: Map, mut events: Events) -> Content {
    let mut last = content(&map.view());
    while events.next().await.is_some() {
        last = content(&map.view());
    }
    last
}

/// Records a view in the ledger now and then.
pub(crate) async fn sample(map: Map, desk: Arc<Desk>) {
    let mut before = HashMap::new();
    while !desk.is_done() {
        // The proof comes first, so that the view is at least as fresh.
        let asked = Instant::now();
        if let Some(proven) = map.status().staleness().and_then(|staleness| asked.checked_sub(staleness)) {
            let view = map.view();
            desk.ledger.see(sights(&view, Instant::now(), proven, &mut before));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The states of all keys. Unchanged states are shared with the previous ones.
fn sights(view: &View, at: Instant, proven: Instant, before: &mut HashMap<&str, State>) -> Vec<Sight> {
    let Some(revision) = view.revision().map(rmap_client::Revision::get) else { return Vec::new() };
    let see = |key: &'static str| {
        let mut state: State = state(view.get(key));
        match before.get(key) {
            Some(same) if *same == state => state.clone_from(same),
            _ => {
                before.insert(key, state.clone());
            }
        }
        Sight { at, proven, revision, key, state }
    };
    keys().map(see).collect()
}
