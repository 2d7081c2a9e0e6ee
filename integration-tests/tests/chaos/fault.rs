//! Faults: each begins, lasts a while, and is over when its function returns.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use integration_tests::{Direction, Proxy, Server, Side};
use redis::{Connection, cmd};

use crate::account::Loss;
use crate::writer::keys;

pub(crate) const HASH: &str = "map:chaos:content";

/// What faults did, in order.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) counts: Mutex<std::collections::BTreeMap<&'static str, u64>>,
    pub(crate) losses: Mutex<Vec<Loss>>,
}

impl Log {
    fn count(&self, name: &'static str) {
        *self.counts.lock().unwrap().entry(name).or_default() += 1;
    }
}

fn last(range: std::ops::Range<u64>, random: &mut Rng) {
    thread::sleep(Duration::from_millis(random.u64(range)));
}

/// Something happens to one of the ways to the server.
pub(crate) fn strike_proxy(proxy: &Proxy, log: &Log, random: &mut Rng) {
    let side = [None, Some(Side::Commands), Some(Side::Subscriber)][random.usize(..3)];
    let direction = if random.bool() { Direction::Requests } else { Direction::Replies };
    let name = match random.u8(..100) {
        0..30 => {
            proxy.cut(side);
            match side {
                None => "both connections cut",
                Some(Side::Commands) => "command connection cut",
                Some(Side::Subscriber) => "subscriber cut",
            }
        }
        30..45 => {
            proxy.stall(side, direction);
            last(50..4000, random);
            "one direction stalled"
        }
        45..60 => {
            proxy.delay(direction, Duration::from_millis(random.u64(1..40)));
            last(100..1500, random);
            "one direction delayed"
        }
        60..70 => {
            proxy.refuse();
            proxy.cut(side);
            last(100..1500, random);
            "connections refused"
        }
        70..85 => {
            let keys: Vec<_> = keys().collect();
            proxy.lose_request(keys[random.usize(..keys.len())]);
            last(100..500, random);
            "request lost"
        }
        _ => {
            let keys: Vec<_> = keys().collect();
            proxy.lose_reply(keys[random.usize(..keys.len())]);
            last(100..500, random);
            "reply lost"
        }
    };
    proxy.heal();
    log.count(name);
}

/// Something happens to the server.
pub(crate) fn strike_server(server: &Server, log: &Log, random: &mut Rng) {
    let mut raw = server.connection();
    let name = match random.u8(..100) {
        0..15 => {
            run(&mut raw, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
            "CLIENT KILL normal"
        }
        15..30 => {
            run(&mut raw, &["CLIENT", "KILL", "TYPE", "pubsub"]);
            "CLIENT KILL pubsub"
        }
        30..50 => {
            server.pause();
            last(50..5000, random);
            server.resume();
            "SIGSTOP"
        }
        50..65 => {
            server.kill();
            last(1..1000, random);
            server.restart();
            "SIGKILL"
        }
        65..85 => {
            run(&mut raw, &["SCRIPT", "FLUSH"]);
            "SCRIPT FLUSH"
        }
        85..90 => {
            wipe(&mut raw, &["FLUSHALL"], log);
            "FLUSHALL"
        }
        90..95 => {
            wipe(&mut raw, &["DEL", HASH], log);
            "DEL"
        }
        _ => {
            if !rewind(server, &mut raw, log, random) {
                return;
            }
            "SIGKILL, older copy"
        }
    };
    log.count(name);
}

fn run(raw: &mut Connection, command: &[&str]) {
    let _: redis::Value = cmd(command[0]).arg(&command[1..]).query(raw).unwrap();
}

/// Deletes the hash, and learns in the same step what its last revision was.
fn wipe(raw: &mut Connection, command: &[&str], log: &Log) {
    let (last, _): (Option<u64>, redis::Value) = redis::pipe()
        .atomic()
        .hget(HASH, "=rev")
        .add_command(cmd(command[0]).arg(&command[1..]).to_owned())
        .query(raw)
        .unwrap();
    log.losses.lock().unwrap().extend(last.map(|last| Loss::Wiped { last }));
}

/// Stops keeping what is written, and then kills the server: it comes back as it was before.
fn rewind(server: &Server, raw: &mut Connection, log: &Log, random: &mut Rng) -> bool {
    let off = cmd("CONFIG").arg(&["SET", "appendonly", "no"]).to_owned();
    let (kept, ()): (Option<u64>, ()) =
        redis::pipe().atomic().hget(HASH, "=rev").add_command(off).query(raw).unwrap();
    let Some(kept) = kept else {
        // A copy without the hash is as good as none.
        run(raw, &["CONFIG", "SET", "appendonly", "yes"]);
        return false;
    };
    last(50..1000, random);
    server.kill();
    let died = Instant::now();
    last(1..500, random);
    server.restart();
    log.losses.lock().unwrap().push(Loss::Rewound { kept, died, back: Instant::now() });
    true
}
