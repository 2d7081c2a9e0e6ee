//! Applying notifications, decoding included.

use rmap_bench::bare::{self, Table};
use rmap_bench::contents::{Content, Ours};
use rmap_bench::data::{SIZES, shuffled_keys};
use rmap_bench::figure::Figure;
use rmap_bench::notifications::Notifications;
use rmap_bench::replica::BORN;
use rmap_bench::session::Session;
use rmap_bench::timing::{apply, rounds, take_turns};
use rmap_proto::{Change, Notification};

/// Small enough to stay in the cache, as notifications that just arrived from the network do.
const GROUP: usize = 512;

pub(crate) fn measure(session: &mut Session) {
    for entries in SIZES {
        let figure = figure(entries);
        session.add(if entries == 100_000 { figure.figure_target(1.5) } else { figure });
    }
}

fn figure(entries: u64) -> Figure {
    let keys = shuffled_keys(entries);
    let mut content = Ours::filled(entries);
    let mut table = bare::table(entries);
    let mut ours = Notifications::after(BORN, &keys);
    let mut its = Notifications::after(BORN, &keys);
    let [applied, bare] = take_turns(
        rounds(),
        [&mut || apply(&mut ours, GROUP, |payloads| content.apply_many(payloads)), &mut || {
            apply(&mut its, GROUP, |payloads| {
                for payload in payloads {
                    set(&mut table, payload);
                }
            })
        }],
    );
    Figure::more("notifications applied, decode included", "M/s", applied)
        .entries(entries)
        .beside("decode and bare table", bare)
}

fn set(table: &mut Table, payload: &[u8]) {
    let Change::Set { key, value } = Notification::decode(payload).unwrap().change else {
        unreachable!("the run has sets only")
    };
    *table.get_mut(key).unwrap() = value.into();
}
