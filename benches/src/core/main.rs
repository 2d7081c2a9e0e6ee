//! The replica in memory, beside a bare hash table with the same hash function and keys.

#![allow(clippy::unwrap_used, reason = "a program that cannot measure panics")]

mod applies;
mod counts;
mod reads;
mod tails;
mod threads;
mod typed;
mod views;

use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing;

fn main() {
    let mut session = Session::begin("core", "In memory: the replica's content");
    session.add(Figure::less("two looks at the clock", "ns", vec![timing::clock_cost()]));
    reads::measure(&mut session);
    typed::measure(&mut session);
    tails::measure(&mut session);
    threads::measure(&mut session);
    views::measure(&mut session);
    applies::measure(&mut session);
    counts::measure(&mut session);
    session.finish();
}
