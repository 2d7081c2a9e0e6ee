//! The slowest single reads, idle and beside a writer that never stops.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::contents::{Content, ContentReader};
use crate::notifications::Notifications;
use crate::timing::Cycle;

/// Times of single reads, the clock's cost included, and the writer's speed meanwhile.
#[derive(Debug)]
pub struct Tail {
    /// Nanoseconds of each read.
    pub reads: Histogram<u64>,
    /// Notifications applied per second.
    pub applied: f64,
}

impl Tail {
    /// Nanoseconds that this part of the reads did not exceed.
    #[must_use]
    pub fn at(&self, quantile: f64) -> f64 {
        self.reads.value_at_quantile(quantile) as f64
    }
}

/// Reads for a while. Nobody writes.
pub fn idle<C: Content>(content: &C, keys: &mut Cycle<'_>, time: Duration) -> Tail {
    Tail { reads: read(&content.reader(), keys, time), applied: 0.0 }
}

/// Reads for a while beside a writer at full speed.
///
/// # Panics
///
/// When the writer panics.
pub fn saturated<C: Content>(
    content: &mut C,
    notifications: &mut Notifications<'_>,
    keys: &mut Cycle<'_>,
    time: Duration,
) -> Tail {
    let reader = content.reader();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(content, notifications, &stop));
        let reads = read(&reader, keys, time);
        stop.store(true, Ordering::Relaxed);
        Tail { reads, applied: writer.join().expect("the writer does not panic") }
    })
}

fn write<C: Content>(content: &mut C, notifications: &mut Notifications<'_>, stop: &AtomicBool) -> f64 {
    let (mut count, start) = (0, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..64 {
            content.apply(notifications.next());
        }
        content.publish();
        count += 64;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

fn read<R: ContentReader>(reader: &R, keys: &mut Cycle<'_>, time: Duration) -> Histogram<u64> {
    let mut reads = Histogram::new(3).expect("three digits are possible");
    let end = Instant::now() + time;
    while Instant::now() < end {
        for key in keys.chunk() {
            let start = Instant::now();
            black_box(reader.borrowed(black_box(key)));
            let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            reads.record(nanos).expect("the histogram grows");
        }
    }
    reads
}
