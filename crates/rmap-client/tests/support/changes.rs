//! Contents, and the changes between them.

use std::collections::BTreeMap;

use rmap_client::{Change, Changes, Key, Value, View};

pub(crate) type Content = BTreeMap<Key, Value>;

pub(crate) fn content(view: &View) -> Content {
    view.iter().map(|(key, value)| (Key::from(key), value.clone())).collect()
}

pub(crate) fn apply(content: &mut Content, change: Change) {
    assert_eq!(
        content.get(&change.key),
        change.old.as_ref(),
        "the old value of {:?} is the one before",
        change.key
    );
    match change.new {
        Some(value) => content.insert(change.key, value),
        None => content.remove(&change.key),
    };
}

/// Applies the remaining changes of the stream of a closed map. Returns their number.
pub(crate) async fn drain(content: &mut Content, changes: &mut Changes) -> usize {
    let mut count = 0;
    while let Some(change) = changes.next().await {
        apply(content, change);
        count += 1;
    }
    count
}
