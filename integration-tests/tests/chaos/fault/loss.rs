//! The server loses what it has acknowledged, and the log says exactly what.

use std::time::Instant;

use fastrand::Rng;
use integration_tests::Server;
use redis::{Connection, Value, cmd};

use super::server::run;
use super::{HASH, Log, last};
use crate::account::Loss;

/// Deletes the hash, and learns in the same step what its last revision was.
pub(super) fn wipe(raw: &mut Connection, log: &Log, command: &[&str]) {
    let (last, _): (Option<u64>, Value) = redis::pipe()
        .atomic()
        .hget(HASH, "=rev")
        .add_command(cmd(command[0]).arg(&command[1..]).to_owned())
        .query(raw)
        .unwrap();
    if let Some(last) = last {
        log.lose(Loss::Wiped { last });
    }
}

/// Stops keeping what is written, and then kills the server: it comes back as it was before.
pub(super) fn rewind(server: &Server, raw: &mut Connection, log: &Log, random: &mut Rng) {
    let off = cmd("CONFIG").arg(&["SET", "appendonly", "no"]).to_owned();
    let (kept, ()): (Option<u64>, ()) =
        redis::pipe().atomic().hget(HASH, "=rev").add_command(off).query(raw).unwrap();
    let Some(kept) = kept else {
        // It would come back without a revision to go back to.
        run(raw, &["CONFIG", "SET", "appendonly", "yes"]);
        return;
    };
    last(50..1000, random);
    server.kill();
    let died = Instant::now();
    last(1..500, random);
    server.restart();
    log.lose(Loss::Rewound { kept, died, back: Instant::now() });
}
