//! Faults in which the server loses acknowledged writes. The log records exactly which.

use std::time::Instant;

use fastrand::Rng;
use integration_tests::Server;
use redis::{Cmd, Connection, cmd};

use super::server::run;
use super::{HASH, Log, last};
use crate::account::Loss;

/// Deletes the hash with a command, and runs the following commands in the same step. Learns the last revision there.
pub(super) fn wipe(raw: &mut Connection, log: &Log, command: &[&str], then: &[Cmd]) {
    let mut step = redis::pipe();
    step.atomic().hget(HASH, "=rev").cmd("TIME").cmd(command[0]).arg(&command[1..]).ignore();
    for command in then {
        step.add_command(command.clone()).ignore();
    }
    let before = Instant::now();
    let (last, (seconds, micros)): (Option<u64>, (u64, u64)) = step.query(raw).unwrap();
    let Some(last) = last else {
        assert!(then.is_empty(), "what follows a life needs one");
        return;
    };
    if then.is_empty() && last < seconds * 1000 + micros / 1000 {
        log.lose(Loss::Wiped { last });
    } else {
        log.lose(Loss::Restarted { before, after: Instant::now() });
    }
}

/// Stops persistence and then kills the server, which comes back with its older content.
pub(super) fn rewind(server: &Server, raw: &mut Connection, log: &Log, random: &mut Rng) {
    let off = cmd("CONFIG").arg(&["SET", "appendonly", "no"]).to_owned();
    let (kept, ()): (Option<u64>, ()) =
        redis::pipe().atomic().hget(HASH, "=rev").add_command(off).query(raw).unwrap();
    let Some(kept) = kept else {
        // Without the file the server would come back without a revision.
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
