//! Two threads that read at once.

use std::sync::Barrier;
use std::thread;

use rmap_bench::bare::{self, Table};
use rmap_bench::contents::ContentReader;
use rmap_bench::data::{Key, shuffled_keys};
use rmap_bench::figure::Figure;
use rmap_bench::replica::live;
use rmap_bench::session::Session;
use rmap_bench::timing::{Cycle, look_up, rounds, take_turns};
use rmap_core::{Reader, Value};

const ENTRIES: u64 = 100_000;

/// What a thread looks keys up in.
trait Lookups: Sync {
    fn get(&self, key: &[u8]) -> usize;
}

impl Lookups for Reader {
    fn get(&self, key: &[u8]) -> usize {
        self.borrowed(key)
    }
}

impl Lookups for Table {
    fn get(&self, key: &[u8]) -> usize {
        Self::get(self, key).map(Value::len).unwrap_or_default()
    }
}

pub(crate) fn measure(session: &mut Session) {
    let keys = shuffled_keys(ENTRIES);
    let (replica, table) = (live(ENTRIES), bare::table(ENTRIES));
    let reader = replica.reader();
    let [two, one, bare_two, bare_one] = take_turns(
        rounds(),
        [
            &mut || millions(&reader, &keys, 2),
            &mut || millions(&reader, &keys, 1),
            &mut || millions(&table, &keys, 2),
            &mut || millions(&table, &keys, 1),
        ],
    );
    session.add(
        Figure::more("two reader threads", "M/s", two)
            .entries(ENTRIES)
            .beside("one thread", one)
            .ratio_target(1.8),
    );
    session.add(
        Figure::more("two reader threads, bare table", "M/s", bare_two)
            .entries(ENTRIES)
            .beside("one thread", bare_one),
    );
}

/// Millions of look-ups a second, all threads together.
fn millions(table: &impl Lookups, keys: &[Key], threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let rates = thread::scope(|scope| {
        let start = |number: usize| {
            let barrier = &barrier;
            scope.spawn(move || {
                let mut keys = Cycle::new(keys, number * keys.len() / threads);
                barrier.wait();
                look_up(&mut keys, |key| table.get(key))
            })
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    rates.iter().map(|nanos| 1e3 / nanos).sum()
}
