//! A thread that reads while writes come in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rmap_client::Map;
use tokio::task::JoinHandle;

use super::writer;

const BURST: u32 = 10_000;

/// Between two bursts, so that reading leaves the processor to the others; only bursts are timed.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Reader {
    thread: JoinHandle<f64>,
    stop: Arc<AtomicBool>,
}

impl Reader {
    pub(super) fn start(map: Map, stop: Arc<AtomicBool>) -> Self {
        let stopped = Arc::clone(&stop);
        Self { thread: tokio::task::spawn_blocking(move || read(&map, &stopped)), stop }
    }

    /// Reads per second; 0 when the thread ended before its time.
    pub(super) async fn finish(&mut self) -> f64 {
        (&mut self.thread).await.unwrap_or_default()
    }
}

/// The runtime would wait for the thread for ever.
impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn read(map: &Map, stop: &AtomicBool) -> f64 {
    let keys: Vec<String> = (0..BURST).map(|_| writer::key(fastrand::u32(..))).collect();
    let (mut reads, mut busy) = (0.0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let begin = Instant::now();
        for key in &keys {
            std::hint::black_box(map.get(key));
        }
        busy += begin.elapsed();
        reads += f64::from(BURST);
        std::thread::sleep(PAUSE);
    }
    reads / busy.as_secs_f64()
}
