//! The counts of the statistics, beside the same work without them.
//!
//! A replica cannot be told not to count, so both contenders are bare tables of the replica's entries. One of them counts as
//! replica and driver do: bytes of entries at each change, notifications and their bytes, published once per group.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use rmap_bench::bare::{self, EntryTable};
use rmap_bench::data::shuffled_keys;
use rmap_bench::entry::Entry;
use rmap_bench::figure::Figure;
use rmap_bench::notifications::{Notifications, Payload};
use rmap_bench::replica::BORN;
use rmap_bench::session::Session;
use rmap_bench::timing::{apply, rounds, take_turns};
use rmap_proto::{Change, Notification};

const ENTRIES: u64 = 100_000;

/// The group of one turn of a map's task.
const GROUP: usize = 512;

#[derive(Default)]
struct Counts {
    bytes: u64,
    notifications: u64,
    notification_bytes: u64,
    /// Both numbers of notifications, for other threads.
    published: [AtomicU64; 2],
}

pub(crate) fn measure(session: &mut Session) {
    let keys = shuffled_keys(ENTRIES);
    let (mut counted, mut plain) = (bare::entry_table(ENTRIES), bare::entry_table(ENTRIES));
    let before = counted.iter().map(Entry::bytes).sum();
    let mut counts = Counts { bytes: before, ..Counts::default() };
    let (mut its, mut others) = (Notifications::after(BORN, &keys), Notifications::after(BORN, &keys));
    let [with, without] = take_turns(
        3 * rounds(),
        [&mut || apply(&mut its, GROUP, |payloads| counts.take(&mut counted, payloads)), &mut || {
            apply(&mut others, GROUP, |payloads| {
                payloads.iter().for_each(|payload| drop(set(&mut plain, payload)))
            })
        }],
    );
    assert_eq!(black_box(&counts).bytes, before, "values of one size replace each other");
    assert_ne!(counts.published[0].load(Ordering::Relaxed), 0);
    session.add(
        Figure::more("decode and bare table, counted as statistics are", "M/s", with)
            .entries(ENTRIES)
            .beside("the same, not counted", without)
            .ratio_target(0.97),
    );
}

impl Counts {
    fn take(&mut self, table: &mut EntryTable, payloads: &[Payload]) {
        for payload in payloads {
            self.notifications += 1;
            self.notification_bytes += payload.len() as u64;
            let (stored, replaced) = set(table, payload);
            self.bytes += stored;
            self.bytes -= replaced.as_ref().map_or(0, Entry::bytes);
        }
        self.published[0].store(self.notifications, Ordering::Relaxed);
        self.published[1].store(self.notification_bytes, Ordering::Relaxed);
    }
}

/// Stores the entry of a notification. Returns its bytes, and the entry in whose place it is.
fn set(table: &mut EntryTable, payload: &[u8]) -> (u64, Option<Entry>) {
    let Change::Set { key, value } = Notification::decode(payload).unwrap().change else {
        unreachable!("the run has sets only")
    };
    let entry = Entry::new(key, value);
    (entry.bytes(), table.replace(entry))
}
