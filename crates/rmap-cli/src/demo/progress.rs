//! Progress of the demo: a bar on a terminal, plain lines elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tokio::task::JoinHandle;

use crate::output;

const STEP: Duration = Duration::from_millis(100);

pub(super) struct Progress {
    begin: Instant,
    bar: ProgressBar,
    written: Arc<AtomicU64>,
    ticker: JoinHandle<()>,
}

impl Progress {
    pub(super) fn new(length: Duration) -> Self {
        let total = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let bar = output::bar(total, "{bar:40} {percent:>3} %  {msg}");
        let (begin, written) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let ticker = tokio::spawn(tick(bar.clone(), begin, Arc::clone(&written)));
        Self { begin, bar, written, ticker }
    }

    /// Counts the writes to be shown.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.written)
    }

    /// Tells of an event.
    pub(super) fn say(&self, event: &str) {
        let line = format!("{:5.1} s  {event}", self.begin.elapsed().as_secs_f64());
        self.bar.suspend(|| output::notice(&line));
    }

    pub(super) fn finish(&self) {
        self.ticker.abort();
        self.bar.finish_and_clear();
    }
}

async fn tick(bar: ProgressBar, begin: Instant, written: Arc<AtomicU64>) {
    loop {
        bar.set_position(u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX));
        bar.set_message(format!("{} writes", written.load(Ordering::Relaxed)));
        tokio::time::sleep(STEP).await;
    }
}
