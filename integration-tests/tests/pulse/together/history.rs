//! The content of a map at each revision, derived from its notifications.

use std::collections::BTreeMap;

use rmap_client::{Change, View};

use crate::raw::Hash;
use crate::wire::{self, Event};

/// Every state of the hash, by its revision.
#[derive(Debug)]
pub(super) struct History(BTreeMap<u64, Hash>);

impl History {
    /// Follows the notifications of a hash that did not exist before the first of them.
    ///
    /// # Panics
    ///
    /// When a Go peer cannot read one, or the revisions do not rise by exactly 1.
    pub(super) fn of(payloads: &[Vec<u8>]) -> Self {
        let (mut states, mut content, mut last) = (BTreeMap::new(), Hash::new(), None);
        for payload in payloads {
            let message = wire::parse(payload).expect("a Go peer can read it");
            assert!(last.is_none_or(|last| message.revision == last + 1), "{last:?}, then {message:?}");
            let may_be_born = last.is_none() && message.revision > 1;
            assert!(message.trailing.is_empty() || may_be_born, "{message:?}");
            match message.event {
                Event::Set { key, value } => drop(content.insert(key, value)),
                Event::Delete { key } => drop(content.remove(&key)),
                Event::Reset | Event::Destroy => content.clear(),
            }
            last = Some(message.revision);
            states.insert(message.revision, content.clone());
        }
        Self(states)
    }

    pub(super) fn last(&self) -> Hash {
        self.0.values().next_back().cloned().unwrap_or_default()
    }

    /// # Panics
    ///
    /// When the view differs from the hash at the view's revision.
    pub(super) fn check_view(&self, view: &View) {
        let shown: Hash =
            view.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
        let held = match view.revision() {
            None => Hash::new(),
            Some(revision) => self.0[&revision.get()].clone(),
        };
        assert!(shown == held, "at {:?} a view shows {shown:?}, the hash held {held:?}", view.revision());
    }

    /// # Panics
    ///
    /// When the key did not have the change's new value at the change's revision.
    pub(super) fn check_change(&self, change: &Change) {
        let held = change.revision.and_then(|revision| self.0[&revision.get()].get(change.key.as_bytes()));
        assert_eq!(
            change.new.as_ref().map(|value| value.as_bytes()),
            held.map(|value| &value[..]),
            "{change:?}"
        );
    }
}
