//! Faults of a client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use fastrand::Rng;
use rmap_client::{Clock, Map, SystemClock};
use tokio::runtime::Runtime;

use super::{Log, last};

/// A clock that can run ahead of tokio's, as a clock does while the computer sleeps.
#[derive(Debug, Default)]
pub(crate) struct Leaping {
    clock: SystemClock,
    slept: AtomicU64,
}

impl Clock for Leaping {
    fn now(&self) -> Duration {
        self.clock.now() + Duration::from_millis(self.slept.load(Ordering::Relaxed))
    }
}

/// A client whose only thread can be stopped.
#[derive(Debug)]
pub(crate) struct Sleeper {
    pub(crate) runtime: Runtime,
    pub(crate) clock: Arc<Leaping>,
}

impl Sleeper {
    pub(crate) fn new() -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        Self { runtime, clock: Arc::default() }
    }
}

/// Stops the client for a while. Its clock may also gain some time on tokio's.
pub(crate) fn strike(sleeper: &Sleeper, map: &Map, log: &Log, random: &mut Rng) {
    let leap = random.bool().then(|| random.u64(1000..60_000));
    let name = if leap.is_some() { "client stopped, its clock jumps" } else { "client stopped" };
    log.note(name, || {
        let (stopped, is_stopped) = mpsc::channel();
        let (wake, is_woken) = mpsc::channel::<()>();
        sleeper.runtime.spawn(async move {
            stopped.send(()).unwrap();
            // This blocks the only thread of the runtime.
            let _ = is_woken.recv();
        });
        is_stopped.recv().unwrap();
        last(50..4000, random);
        if let Some(leap) = leap {
            sleeper.clock.slept.fetch_add(leap, Ordering::Relaxed);
            assert!(map.fresh(Duration::MAX).is_err(), "nothing was asked for after the jump");
        }
        drop(wake);
    });
}
