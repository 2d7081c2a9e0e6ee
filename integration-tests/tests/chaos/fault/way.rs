//! Faults on the way to the server.

use std::time::Duration;

use fastrand::Rng;
use integration_tests::{Direction, Line, Proxy, Side};

use super::{CHANNEL, Log, draw, last};
use crate::writer::keys;

type Fault = fn(&Proxy, &mut Rng);

const FAULTS: [(u32, (&str, Fault)); 12] = [
    (10, ("both connections cut", |proxy, _| proxy.cut(None))),
    (10, ("command connection cut", |proxy, _| proxy.cut(Side::Commands))),
    (10, ("subscriber cut", |proxy, _| proxy.cut(Side::Subscriber))),
    (15, ("one direction stalled", stall)),
    (15, ("one direction delayed", delay)),
    (10, ("connections refused", refuse)),
    (15, ("a slow line", slow)),
    (15, ("request lost", |proxy, random| trap(random, |bytes| proxy.lose_request(bytes)))),
    (15, ("reply lost", |proxy, random| trap(random, |bytes| proxy.lose_reply(bytes)))),
    (10, ("notification lost", |proxy, random| message(random, || proxy.lose_message(CHANNEL)))),
    (10, ("notification repeated", |proxy, random| message(random, || proxy.repeat_message(CHANNEL)))),
    (5, ("mark lost", |proxy, random| message(random, || proxy.lose_message("map:chaos:sync:")))),
];

/// Share of faults, in 256ths, that slow the line shared by all ways.
const SHARED: u8 = 30;

/// Applies a fault to one of the ways to the server.
pub(crate) fn strike(proxy: &Proxy, shared: &Line, log: &Log, random: &mut Rng) {
    if random.u8(..) < SHARED {
        return log.note("a slow line, shared", || {
            proxy.slow(shared);
            last(1000..8000, random);
            proxy.heal();
        });
    }
    let (name, fault) = draw(&FAULTS, random);
    log.note(name, || {
        fault(proxy, random);
        proxy.heal();
    });
}

fn side(random: &mut Rng) -> Option<Side> {
    [None, Some(Side::Commands), Some(Side::Subscriber)][random.usize(..3)]
}

fn direction(random: &mut Rng) -> Direction {
    if random.bool() { Direction::Requests } else { Direction::Replies }
}

fn stall(proxy: &Proxy, random: &mut Rng) {
    proxy.stall(side(random), direction(random));
    last(50..4000, random);
}

fn delay(proxy: &Proxy, random: &mut Rng) {
    proxy.delay(direction(random), Duration::from_millis(random.u64(1..40)));
    last(100..1500, random);
}

/// Slows the line, from a few notifications a second up to a whole snapshot at once.
fn slow(proxy: &Proxy, random: &mut Rng) {
    proxy.slow(&Line::new(500 << random.u32(..8)));
    if random.bool() {
        proxy.cut(side(random));
    }
    last(500..6000, random);
}

fn refuse(proxy: &Proxy, random: &mut Rng) {
    proxy.refuse();
    proxy.cut(side(random));
    last(100..1500, random);
}

/// Waits for a request that names some key.
fn trap(random: &mut Rng, arm: impl FnOnce(&str)) {
    let keys: Vec<_> = keys().collect();
    arm(keys[random.usize(..keys.len())]);
    last(100..500, random);
}

fn message(random: &mut Rng, arm: impl FnOnce()) {
    arm();
    last(100..500, random);
}
