//! The driver changes a content and notifies while others watch one of its keys.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use rmap_core::Watchers;
use shuttle::future::block_on;
use shuttle::thread;

use super::check;
use crate::sync::{Mutex, lock};
use crate::watch::{KeyWatch, KeyWatchers};

const KEY: &[u8] = b"watched";

/// The last value that is set.
const LAST: u64 = 3;

/// A content with one key, behind a lock of its own like a shard of a map.
#[derive(Debug, Default)]
struct World {
    value: Mutex<u64>,
    watchers: Arc<KeyWatchers>,
}

impl World {
    /// Applies each change as the driver does: content first, then the notice, then the waking.
    fn drive(&self) {
        for value in 1..=LAST {
            *lock(&self.value) = value;
            if value == 2 {
                self.watchers.replaced();
            } else {
                self.watchers.changed(KEY);
            }
            self.watchers.changed(b"another");
            self.watchers.wake();
        }
        self.watchers.close();
    }

    /// Watches until the map closes. Values rise, and the last one is seen.
    fn read(&self, watch: &KeyWatch) -> u64 {
        let mut seen = 0;
        let newer = |seen: u64| move || Some(*lock(&self.value)).filter(|value| *value != seen);
        while let Some(value) = block_on(poll_fn(|context| watch.poll(context, newer(seen)))) {
            assert!(value > seen, "{value} after {seen}");
            seen = value;
        }
        seen
    }
}

#[test]
fn interleavings_of_a_watch() {
    check(|| {
        let world = Arc::new(World::default());
        let readers = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            let watch = world.watchers.watch(KEY);
            thread::spawn(move || world.read(&watch))
        });
        world.drive();
        for reader in readers {
            assert_eq!(reader.join().expect("the reader ends"), LAST);
        }
    });
}

/// A watch that stops disturbs no other watch, and leaves nothing behind.
#[test]
fn interleavings_of_watches_that_are_dropped() {
    check(|| {
        let world = Arc::new(World::default());
        let stays = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.read(&world.watchers.watch(KEY)))
        };
        let goes = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let watch = world.watchers.watch(KEY);
                let never = || None::<()>;
                let _polled = block_on(poll_fn(|context| Poll::Ready(watch.poll(context, never))));
            })
        };
        world.drive();
        goes.join().expect("it drops its watch");
        assert_eq!(stays.join().expect("the reader ends"), LAST);
        assert_eq!(world.watchers.waiting(), 0);
    });
}
