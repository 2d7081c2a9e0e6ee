//! Consistent views of the whole content.

use rmap_bench::bare;
use rmap_bench::data::SIZES;
use rmap_bench::figure::Figure;
use rmap_bench::replica::live;
use rmap_bench::session::Session;
use rmap_bench::timing::{repeat, rounds, take_turns};

pub(crate) fn measure(session: &mut Session) {
    for entries in SIZES {
        let (replica, table) = (live(entries), bare::table(entries));
        let reader = replica.reader();
        let [ours, copies] = take_turns(
            rounds(),
            [&mut || repeat(|| reader.view()) / 1e3, &mut || repeat(|| table.clone()) / 1e3],
        );
        let figure = Figure::less("consistent view", "us", ours)
            .entries(entries)
            .beside("copy of a bare table", copies);
        session.add(match entries {
            100_000 => figure.figure_target(20.0),
            1_000_000 => figure.figure_target(200.0),
            _ => figure,
        });
    }
}
