//! Applying notifications, decoding included.

use std::time::{Duration, Instant};

use rmap_bench::bare;
use rmap_bench::contents::{Content, Ours};
use rmap_bench::data::{SIZES, shuffled_keys};
use rmap_bench::figure::Figure;
use rmap_bench::notifications::{Notifications, Payload};
use rmap_bench::replica::BORN;
use rmap_bench::session::Session;
use rmap_bench::timing::{round_time, rounds, take_turns};
use rmap_core::Value;
use rmap_proto::{Change, Notification};

/// Few enough to stay in the cache, as what has just come from the network is.
const CHUNK: usize = 500;

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
        [&mut || millions(&mut ours, |payload| content.apply(payload)), &mut || {
            millions(&mut its, |payload| {
                let Change::Set { key, value } = Notification::decode(payload).unwrap().change else {
                    unreachable!("the run has sets only")
                };
                *table.get_mut(key).unwrap() = Value::from(value);
            })
        }],
    );
    Figure::more("notifications applied, decode included", "M/s", applied)
        .entries(entries)
        .beside("decode and bare table", bare)
}

fn millions(notifications: &mut Notifications<'_>, mut apply: impl FnMut(&Payload)) -> f64 {
    let (mut count, mut time) = (0, Duration::ZERO);
    while time < round_time() {
        let payloads = notifications.take(CHUNK);
        let start = Instant::now();
        for payload in &payloads {
            apply(payload);
        }
        time += start.elapsed();
        count += CHUNK;
    }
    count as f64 / time.as_secs_f64() / 1e6
}
