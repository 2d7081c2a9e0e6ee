//! Long work of large maps, done in parts.

use super::{Mode, Replica};

impl Replica {
    /// True while there is work that can wait: entering the pages of a scan, or comparing a replaced content with the
    /// old one. Readers already see the new content.
    ///
    /// A driver carries out the outputs, lets other tasks run, and then calls [`do_work`](Self::do_work). Meanwhile the
    /// server works on the next page, and no task waits for long. Other inputs are allowed at any time and need no work
    /// to be done first.
    ///
    /// A driver that starts a second recording of changes beside a running one does all work first. Otherwise the
    /// second recording would receive older changes too.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let pages = matches!(&self.mode, Mode::Scanning(scan) if scan.has_pages());
        pages || self.changes.is_comparing()
    }

    /// Enters or compares about `budget` entries, at least one page and a 64th of the map. Returns true while there is
    /// [more](Self::has_work).
    ///
    /// The comparison emits events and changes. If a notification changes a key meanwhile, the key's difference is
    /// emitted first. Revisions of successive changes therefore need not rise.
    pub fn do_work(&mut self, budget: usize) -> bool {
        if let Mode::Scanning(scan) = &mut self.mode {
            scan.enter_pages(budget);
        }
        self.compare(budget);
        self.has_work()
    }

    /// A budget for [`do_work`](Self::do_work) that keeps other tasks responsive:
    /// [`ReplicaSettings::compared`](crate::ReplicaSettings::compared).
    #[must_use]
    pub const fn work_budget(&self) -> usize {
        self.settings.compared
    }

    /// Continues the comparison through about `entries` entries.
    pub(super) fn compare(&mut self, entries: usize) {
        if let Some(kind) = self.changes.compare(&self.content, entries) {
            self.emit_changed(kind);
        }
    }
}
