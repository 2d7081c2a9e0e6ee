//! One candidate with the keys it is tried on.

use std::time::{Duration, Instant};

use rmap_bench::contents::{Content, ContentReader};
use rmap_bench::data::Key;
use rmap_bench::notifications::Notifications;
use rmap_bench::replica::BORN;
use rmap_bench::tail::{Tail, saturated};
use rmap_bench::timing::{Cycle, look_up, repeat, round_time, unless_quick};

/// A candidate of any type.
pub(crate) trait Contend {
    /// What it is.
    fn name(&self) -> &'static str;

    /// Nanoseconds of a look-up.
    fn borrowed(&mut self) -> f64;

    /// Nanoseconds of a look-up with a clone.
    fn cloned(&mut self) -> f64;

    /// Millions of notifications applied a second.
    fn applied(&mut self) -> f64;

    /// Microseconds of a view; not a number if it has none.
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

    fn applied(&mut self) -> f64 {
        let (mut count, mut time) = (0, Duration::ZERO);
        while time < round_time() {
            let payloads = self.notifications.take(512);
            let start = Instant::now();
            for chunk in payloads.chunks(64) {
                for payload in chunk {
                    self.content.apply(payload);
                }
                self.content.publish();
            }
            time += start.elapsed();
            count += payloads.len();
        }
        count as f64 / time.as_secs_f64() / 1e6
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
