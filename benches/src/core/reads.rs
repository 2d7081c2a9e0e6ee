//! Single lookups on one thread.

use rmap_bench::bare;
use rmap_bench::contents::ContentReader;
use rmap_bench::data::{SIZES, first_byte, shuffled_keys};
use rmap_bench::figure::Figure;
use rmap_bench::replica::live;
use rmap_bench::session::Session;
use rmap_bench::timing::{Cycle, look_up, look_up_in_sequence, rounds, take_turns};

/// The number of entries for which the targets are stated.
const AIMED_AT: u64 = 100_000;

/// Extra rounds, because on a shared machine the content of the processor's caches changes from second to second.
fn more_rounds() -> usize {
    3 * rounds()
}

pub(crate) fn measure(session: &mut Session) {
    for entries in SIZES {
        let [borrowed, cloned, in_sequence, same] = figures(entries);
        let aimed_at = entries == AIMED_AT;
        session.add(if aimed_at { borrowed.ratio_target(1.3) } else { borrowed });
        session.add(if aimed_at { cloned.ratio_target(1.5) } else { cloned });
        session.add(in_sequence);
        session.add(same);
    }
}

fn figures(entries: u64) -> [Figure; 4] {
    let keys = shuffled_keys(entries);
    let (replica, table, bytes) = (live(entries), bare::table(entries), bare::bytes_table(entries));
    let same = bare::entry_table(entries);
    let reader = replica.reader();
    let mut cycles: [Cycle<'_>; 4] = std::array::from_fn(|_| Cycle::new(&keys, 0));
    let [ours, its, ours_cloned, its_cloned] = &mut cycles;

    let [borrowed, bare] = take_turns(
        more_rounds(),
        [&mut || look_up(ours, |key| reader.borrowed(key)), &mut || {
            look_up(its, |key| table.get(key).map_or(0, |value| first_byte(value)))
        }],
    );
    let [cloned, bare_cloned] = take_turns(
        more_rounds(),
        [&mut || look_up(ours_cloned, |key| reader.cloned(key)), &mut || {
            look_up(its_cloned, |key| bytes.get(key).cloned().map_or(0, |value| first_byte(&value)))
        }],
    );
    let [chained, bare_chained] = take_turns(
        more_rounds(),
        [&mut || look_up_in_sequence(ours, |key| reader.borrowed(key)), &mut || {
            look_up_in_sequence(its, |key| table.get(key).map_or(0, |value| first_byte(value)))
        }],
    );
    let [again, bare_entries] = take_turns(
        more_rounds(),
        [&mut || look_up(ours, |key| reader.borrowed(key)), &mut || {
            look_up(its, |key| same.get(key).map_or(0, |entry| first_byte(entry.value())))
        }],
    );
    [
        Figure::less("get borrowed", "ns", borrowed).entries(entries).beside("bare table", bare),
        Figure::less("get cloned", "ns", cloned)
            .entries(entries)
            .beside("bare table, Bytes cloned", bare_cloned),
        Figure::less("get borrowed, each after the one before", "ns", chained)
            .entries(entries)
            .beside("bare table", bare_chained),
        Figure::less("get borrowed, again", "ns", again)
            .entries(entries)
            .beside("bare table of the same entries", bare_entries),
    ]
}
