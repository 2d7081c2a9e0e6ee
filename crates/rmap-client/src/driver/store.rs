//! The map's store: read before the first turn, written now and then and at the end.

use tokio::time::{Instant, timeout};

use super::{Done, Driver};
use crate::store::{LOAD_LIMIT, Save, Saved, StoreFault};

impl Driver {
    /// Shows the stored content, unless that has been done. A thread for blocking work reads it.
    pub(super) async fn load(&mut self) {
        let Some(saver) = &mut self.saver else { return };
        if saver.store().is_to_be_read() {
            let (store, clock, staging) =
                (saver.store().clone(), self.outlets.clock.clone(), self.replica.staging());
            let reading = tokio::task::spawn_blocking(move || store.read(&clock, staging));
            match timeout(LOAD_LIMIT, reading).await {
                Ok(Ok(Some((content, staging)))) => self.replica.restore(content, staging),
                Ok(Ok(None)) => {}
                Ok(Err(_)) | Err(_) => saver.store().too_slow(),
            }
        }
        saver.restored(self.replica.status().fresh_at, Instant::now());
        self.emit_status();
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

    pub(super) fn saved(&mut self, outcome: Result<Saved, StoreFault>) {
        if let Some(saver) = &mut self.saver {
            saver.ended(Instant::now(), outcome);
            self.emit_status();
        }
    }

    /// The last write. Taken while the status is still that of the open map.
    pub(super) fn last_save(&mut self) -> Option<Save> {
        self.saver.as_mut()?.last(&self.replica, &self.outlets.clock)
    }

    pub(super) async fn save_last(&self, save: Option<Save>) {
        let (Some(saver), Some(save)) = (&self.saver, save) else { return };
        // It fails only when the runtime ends.
        if let Ok(outcome) = tokio::task::spawn_blocking(move || save.run()).await {
            saver.wrote_last(outcome);
        }
    }
}
