//! Two threads that read at once.

use rmap_bench::bare;
use rmap_bench::contents::ContentReader;
use rmap_bench::data::{first_byte, shuffled_keys};
use rmap_bench::figure::Figure;
use rmap_bench::replica::live;
use rmap_bench::session::Session;
use rmap_bench::threads::together;
use rmap_bench::timing::{rounds, take_turns};
use rmap_core::Reader;

const ENTRIES: u64 = 100_000;

pub(crate) fn measure(session: &mut Session) {
    let keys = shuffled_keys(ENTRIES);
    let (replica, table) = (live(ENTRIES), bare::table(ENTRIES));
    let reader = replica.reader();
    let ours = |reader: &&Reader, key: &[u8]| reader.borrowed(key);
    let bare = |table: &&bare::Table, key: &[u8]| table.get(key).map_or(0, |value| first_byte(value));
    let [two, one, bare_two, bare_one] = take_turns(
        rounds(),
        [
            &mut || together(&keys, [&reader; 2], ours),
            &mut || together(&keys, [&reader], ours),
            &mut || together(&keys, [&table; 2], bare),
            &mut || together(&keys, [&table], bare),
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
