//! The slowest of the lookups, idle and beside a writer that never stops.

use std::time::Duration;

use rmap_bench::contents::{Content, Ours};
use rmap_bench::data::shuffled_keys;
use rmap_bench::figure::Figure;
use rmap_bench::notifications::Notifications;
use rmap_bench::replica::BORN;
use rmap_bench::session::Session;
use rmap_bench::tail::{idle, saturated};
use rmap_bench::timing::{Cycle, rounds, unless_quick};

const ENTRIES: u64 = 100_000;

pub(crate) fn measure(session: &mut Session) {
    let time = unless_quick(Duration::from_millis(300), Duration::from_millis(20));
    let (reads, writes) = (shuffled_keys(ENTRIES), shuffled_keys(ENTRIES));
    let mut content = Ours::filled(ENTRIES);
    let mut notifications = Notifications::after(BORN, &writes);
    // The reader starts far from the writer, so that the writer does not warm the cache for it.
    let mut keys = Cycle::new(&reads, reads.len() / 2);
    let quantiles = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];
    let mut results = quantiles.map(|_| (Vec::new(), Vec::new()));
    let mut applied = Vec::new();
    for _ in 0..rounds() {
        let quiet = idle(&content, &mut keys, time);
        let busy = saturated(&mut content, &mut notifications, &mut keys, time);
        for ((_, quantile), (ours, its)) in quantiles.iter().zip(&mut results) {
            ours.push(busy.at(*quantile));
            its.push(quiet.at(*quantile));
        }
        applied.push(busy.applied / 1e6);
    }
    for ((name, quantile), (ours, its)) in quantiles.into_iter().zip(results) {
        let figure = Figure::less(format!("get beside a saturated writer, {name}"), "ns", ours)
            .entries(ENTRIES)
            .beside("idle", its);
        session.add(if quantile > 0.99 { figure.figure_target(2_000.0).ratio_target(3.0) } else { figure });
    }
    session.add(Figure::more("applied beside that reader", "M/s", applied).entries(ENTRIES));
}
