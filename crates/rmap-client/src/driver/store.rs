//! The map's store: read before the first turn, written now and then and at the end.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::{Done, Driver};
use crate::store::{LOAD_LIMIT, MapStore, Read, SaveEnded};

/// Time between two looks whether the client was closed while the store is read.
const LOOK: Duration = Duration::from_millis(50);

impl Driver {
    /// Shows the stored content, unless that has been done. A thread for blocking work reads it.
    pub(super) async fn load(&mut self) {
        let Some(saver) = &self.saver else { return };
        let store = saver.store().clone();
        if store.is_to_be_read() {
            let read = self.read_store(store.clone()).await;
            store.show(read, &mut self.replica);
        }
        if let Some(saver) = &mut self.saver {
            saver.restored(self.replica.status().fresh_at, Instant::now());
        }
        self.emit_status();
    }

    async fn read_store(&mut self, store: MapStore) -> Read {
        let (clock, staging) = (self.outlets.clock.clone(), self.replica.staging());
        let mut reading = tokio::task::spawn_blocking(move || store.read(&clock, staging));
        let deadline = Instant::now() + LOAD_LIMIT;
        // A closed map does not wait for a slow disk.
        while !self.closing && !self.router.is_closed() {
            tokio::select! {
                read = &mut reading => return read.unwrap_or_else(|_| Read::too_slow()),
                ask = self.asked.next() => self.on_ask(ask),
                () = sleep_until(deadline) => break,
                () = sleep(LOOK) => {}
            }
        }
        Read::too_slow()
    }

    pub(super) fn note_change(&mut self) {
        if let Some(saver) = &mut self.saver {
            saver.note_change(&self.replica, Instant::now());
        }
    }

    pub(super) fn save_if_due(&mut self) {
        let Some(saver) = &mut self.saver else { return };
        if let Some(save) = saver.poll(Instant::now(), &self.replica, &self.outlets.clock) {
            self.work.spawn_blocking(move || Done::Saved(save.run()));
        }
    }

    pub(super) fn saved(&mut self, ended: SaveEnded) {
        if let Some(saver) = &mut self.saver {
            saver.ended(Instant::now(), ended);
            self.emit_status();
        }
    }

    /// Stores the last content, while the status still tells of the time before the end, and lets the store go. It is free
    /// again before anybody learns that the map is closed.
    pub(super) async fn save_at_end(&mut self) {
        while self.saver.as_ref().is_some_and(|saver| saver.is_writing()) {
            match self.work.join_next().await {
                Some(done) => self.on_done(done),
                None => break,
            }
        }
        let Some(mut saver) = self.saver.take() else { return };
        if let Some(save) = saver.last(&self.replica, &self.outlets.clock) {
            // It fails only when the runtime ends.
            if let Ok(ended) = tokio::task::spawn_blocking(move || save.run()).await {
                saver.ended(Instant::now(), ended);
            }
        }
    }
}
