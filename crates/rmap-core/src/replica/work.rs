//! Work that a large map makes: it can wait, and is done in parts.

use super::{Mode, Replica};

impl Replica {
    /// True while there is work that can wait: pages of a large map that came and are not entered yet, or a content that was
    /// replaced as a whole and is still compared with the one before. Readers have the new content already.
    ///
    /// A driver carries out the outputs, lets other tasks run, and then calls [`do_work`](Self::do_work). So the server
    /// works on the next page meanwhile, and no task waits for long. Everything else may be handed in between, and needs no
    /// work to be done first.
    ///
    /// A driver that begins another recording of changes beside one that goes on does all work first. Otherwise the new
    /// recording gets older changes, too.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let pages = matches!(&self.mode, Mode::Scanning(scan) if scan.has_pages());
        pages || self.changes.is_comparing()
    }

    /// Enters or compares about `budget` entries, at least one page and a 64th of the map. Returns true while there is
    /// [more](Self::has_work).
    ///
    /// Emits the events and changes that a comparison finds. Of a key that a notification changes meanwhile the difference
    /// is emitted first, and so the revisions of changes need not rise.
    pub fn do_work(&mut self, budget: usize) -> bool {
        if let Mode::Scanning(scan) = &mut self.mode {
            scan.enter_pages(budget);
        }
        self.compare(budget);
        self.has_work()
    }

    /// A good budget for [`do_work`](Self::do_work), which does not keep other tasks waiting: [`Config::compared`](crate::Config).
    #[must_use]
    pub const fn work_budget(&self) -> usize {
        self.config.compared
    }

    /// Goes on with the comparison through about so many entries.
    pub(super) fn compare(&mut self, entries: usize) {
        if let Some(kind) = self.changes.compare(&self.content, entries) {
            self.tell_changed(kind);
        }
    }
}
