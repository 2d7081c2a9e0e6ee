//! Stored contents of a process, and its restarts.

use std::sync::Arc;

use rmap_core::{Phase, Replica, Restored, StoredContent};

use crate::heard::Heard;
use crate::node::{Event, Node};
use crate::plan::{Luck, Plan};
use crate::watch::Watch;

/// A stored content, and the number of the state that it was.
#[derive(Debug)]
pub(crate) struct Stored {
    content: StoredContent,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    state: usize,
}

/// A new process: a replica without content, and the check of its invariants.
pub(crate) fn process(plan: &Plan, number: u64, seed: u64) -> (Replica, Watch) {
    let mut replica = Replica::new(plan.settings.of_replica(number), seed);
    let observes = plan.settings.observes(number);
    replica.observe_changes(observes);
    let heard = Arc::<Heard>::default();
    replica.set_watchers(Arc::<Heard>::clone(&heard));
    let watch = Watch::new(replica.reader(), plan, observes, heard);
    (replica, watch)
}

impl Node {
    /// Stores the content as a driver does: only what was proven in this process, and while a hash has it.
    pub(crate) fn store(&mut self, now: u64) {
        let status = self.replica.status();
        let unconfirmed = status.restored == Restored::Shown || status.phase == Phase::Kept;
        if !self.is_awake(now) || status.fresh_at.is_none() || unconfirmed {
            return;
        }
        let view = self.replica.reader().view();
        let content = StoredContent::new(view.revision(), self.replica.fields())
            .proof(self.replica.proof().cloned())
            .fresh_at(status.fresh_at);
        let pair = |(key, value): (rmap_core::KeyRef<'_>, &rmap_core::Value)| {
            (key.as_bytes().to_vec(), value.as_bytes().to_vec())
        };
        self.stored =
            Some(Stored { content, entries: view.iter().map(pair).collect(), state: self.watch.shown() });
    }

    /// Ends the process, in order or not, and soon starts another one with the content that was stored last.
    pub(crate) fn restart(&mut self, now: u64, number: u64, luck: &mut Luck) {
        if luck.rng.bool() {
            self.store(now);
        }
        self.connected = true;
        self.cut(now, &mut luck.rng);
        self.events = vec![(now + luck.rng.u64(0..100), Event::Connected)];
        (self.replica, self.watch) = process(&luck.plan, number, luck.rng.u64(..));
        if let Some(stored) = &self.stored {
            let mut staging = self.replica.staging();
            stored.entries.iter().for_each(|(key, value)| staging.set(key, value));
            self.replica.restore(stored.content.clone(), staging);
            self.watch.begin_at(stored.state);
        }
    }
}
