//! Memory and allocations. A separate program, because it runs on a counting allocator.

#![allow(clippy::unwrap_used, reason = "a program that cannot measure panics")]

use std::fs;

use allocation_counter::{AllocationInfo, measure};
use rmap_bench::bare;
use rmap_bench::contents::{Content, LeftRight, LockFree, OneLock, Ours};
use rmap_bench::data::{KEY_BYTES, SIZES, VALUE_BYTES, key, shuffled_keys};
use rmap_bench::figure::Figure;
use rmap_bench::notifications::Notifications;
use rmap_bench::replica::BORN;
use rmap_bench::session::Session;

const ENTRIES: u64 = 100_000;

fn main() {
    let mut session = Session::begin("memory", "In memory: bytes and allocations (exact counts, one round)");
    // First, because freed memory may be reused later. The peers were measured the same way: with the allocator's
    // overhead, and with key and value.
    let resident = resident_per_entry(ENTRIES);
    session.add(Figure::less("resident memory per entry, all", "bytes", vec![resident]).entries(ENTRIES));
    for entries in SIZES {
        let bare = beyond(entries, || bare::table(entries));
        let figure = figure::<Ours>(entries).beside("bare table", vec![bare]);
        session.add(if entries == ENTRIES { figure.figure_target(80.0) } else { figure });
    }
    for entries in [1_000, ENTRIES, 1_000_000] {
        session.add(figure::<OneLock>(entries));
        session.add(figure::<LeftRight>(entries));
        session.add(figure::<LockFree>(entries));
    }
    allocations(&mut session);
    session.finish();
}

fn figure<C: Content>(entries: u64) -> Figure {
    let name = format!("{}: per entry beyond key and value", C::NAME);
    Figure::less(name, "bytes", vec![beyond(entries, || C::filled(entries))]).entries(entries)
}

/// Bytes per entry beyond key and value.
fn beyond<T>(entries: u64, make: impl FnOnce() -> T) -> f64 {
    let mut made = None;
    let info = measure(|| made = Some(make()));
    drop(made);
    info.bytes_current as f64 / entries as f64 - (KEY_BYTES + VALUE_BYTES) as f64
}

/// Growth of the resident set per entry, from the second map on. The first map also leaves the memory from which it was
/// read.
fn resident_per_entry(entries: u64) -> f64 {
    let maps = 8;
    let mut held = vec![Ours::filled(entries)];
    let before = resident();
    held.extend((0..maps).map(|_| Ours::filled(entries)));
    let after = resident();
    drop(held);
    (after - before) / (entries * maps) as f64
}

fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}

/// The numbers that the test `allocations` asserts, as figures.
fn allocations(session: &mut Session) {
    let keys = shuffled_keys(ENTRIES);
    let content = Ours::filled(ENTRIES);
    let reader = content.reader();
    let mut add = |name: &str, info: AllocationInfo, count: u64, target: f64| {
        let each = info.count_total as f64 / count as f64;
        session.add(Figure::less(name, "allocations", vec![each]).entries(ENTRIES).figure_target(target));
    };

    let reads = measure(|| {
        for key in &keys {
            assert!(reader.with(key, <[u8]>::len).is_some() && reader.get(key).is_some());
        }
    });
    add("per get, borrowed or cloned", reads, 2 * ENTRIES, 0.0);

    let mut content = content;
    let mut notifications = Notifications::after(BORN, &keys);
    content.apply(notifications.next());
    let sets = measure(|| {
        for _ in 0..ENTRIES {
            content.apply(notifications.next());
        }
    });
    add("per notification: set of an existing key", sets, ENTRIES, 1.0);

    let new: Vec<_> = (ENTRIES..2 * ENTRIES).map(key).collect();
    let mut notifications = Notifications::after(notifications.revision(), &new);
    let sets = measure(|| {
        for _ in 0..ENTRIES {
            content.apply(notifications.next());
        }
    });
    // One allocation for the entry, and now and then one for a larger table.
    add("per notification: set of a new key", sets, ENTRIES, 1.01);
}
