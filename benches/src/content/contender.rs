//! One candidate, with the keys for its trials.

use std::time::Duration;

use rmap_bench::contents::{Content, ContentReader};
use rmap_bench::data::Key;
use rmap_bench::notifications::{Notifications, Payload};
use rmap_bench::replica::BORN;
use rmap_bench::tail::{Tail, saturated};
use rmap_bench::threads::together;
use rmap_bench::timing::{Cycle, apply, look_up, repeat, unless_quick};

/// Number of notifications applied between two readings of the clock.
pub(crate) const GROUP: usize = 512;

/// A candidate of any type.
pub(crate) trait Contend {
    /// The candidate's name.
    fn name(&self) -> &'static str;

    /// Nanoseconds of a lookup.
    fn borrowed(&mut self) -> f64;

    /// Nanoseconds of a lookup with a clone.
    fn cloned(&mut self) -> f64;

    /// Millions of lookups a second by two threads.
    fn two_readers(&mut self) -> f64;

    /// Millions of notifications applied a second.
    fn applied(&mut self) -> f64;

    /// The same while a view always exists, a new one after every group. NaN for a candidate without views.
    fn applied_with_views(&mut self) -> f64;

    /// Microseconds of a view. NaN for a candidate without views.
    fn view(&mut self) -> f64;

    /// Single reads beside a writer that never stops.
    fn tail(&mut self) -> Tail;
}

pub(crate) struct Contender<'a, C: Content> {
    content: C,
    reader: C::Reader,
    reads: Cycle<'a>,
    notifications: Notifications<'a>,
}

impl<'a, C: Content> Contender<'a, C> {
    pub(crate) fn new(entries: u64, reads: &'a [Key], writes: &'a [Key]) -> Self {
        let content = C::filled(entries);
        let reader = content.reader();
        let notifications = Notifications::after(BORN, writes);
        Self { content, reader, reads: Cycle::new(reads, 0), notifications }
    }
}

impl<C: Content> Contend for Contender<'_, C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn borrowed(&mut self) -> f64 {
        let reader = &self.reader;
        look_up(&mut self.reads, |key| reader.borrowed(key))
    }

    fn cloned(&mut self) -> f64 {
        let reader = &self.reader;
        look_up(&mut self.reads, |key| reader.cloned(key))
    }

    fn two_readers(&mut self) -> f64 {
        let readers = [self.content.reader(), self.content.reader()];
        together(self.reads.keys(), readers, |reader, key| reader.borrowed(key))
    }

    fn applied(&mut self) -> f64 {
        let content = &mut self.content;
        apply(&mut self.notifications, GROUP, |payloads| apply_all(content, payloads))
    }

    fn applied_with_views(&mut self) -> f64 {
        let mut held = self.reader.view();
        if held.is_none() {
            return f64::NAN;
        }
        let (content, reader) = (&mut self.content, &self.reader);
        apply(&mut self.notifications, GROUP, |payloads| {
            apply_all(content, payloads);
            held = reader.view();
        })
    }

    fn view(&mut self) -> f64 {
        if self.reader.view().is_none() {
            return f64::NAN;
        }
        let reader = &self.reader;
        repeat(|| reader.view()) / 1e3
    }

    fn tail(&mut self) -> Tail {
        let time = unless_quick(Duration::from_millis(100), Duration::from_millis(10));
        saturated(&mut self.content, &mut self.notifications, &mut self.reads, time)
    }
}

fn apply_all<C: Content>(content: &mut C, payloads: &[Payload]) {
    for some in payloads.chunks(64) {
        for payload in some {
            content.apply(payload);
        }
        content.publish();
    }
}
