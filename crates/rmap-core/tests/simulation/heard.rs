//! Notices to those who watch single keys.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Mutex;

use rmap_core::Watchers;

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// The keys that were notified since the last look.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Since>);

#[derive(Debug, Default)]
struct Since {
    keys: BTreeSet<Vec<u8>>,
    all: bool,
}

impl Watchers for Heard {
    fn changed(&self, key: &[u8]) {
        self.0.lock().unwrap().keys.insert(key.to_vec());
    }

    fn replaced(&self) {
        self.0.lock().unwrap().all = true;
    }
}

impl Heard {
    /// Every key that differs was notified.
    pub(crate) fn check(&self, before: &Entries, after: &Entries) -> Result<(), String> {
        let Since { keys, all } = mem::take(&mut *self.0.lock().unwrap());
        let both = before.keys().chain(after.keys());
        let silent = both.into_iter().find(|key| before.get(*key) != after.get(*key) && !keys.contains(*key));
        match silent {
            Some(key) if !all => Err(format!("{key:?} changed, and whoever watches it was not notified")),
            Some(_) | None => Ok(()),
        }
    }
}
