//! Faults of the server.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use integration_tests::{Server, eventually};
use redis::{Connection, Value, cmd};

use super::foreign::{bulk_load, first_write};
use super::loss::{rewind, wipe};
use super::{CHANNEL, HASH, Log, USER, draw, last};

struct Scene<'a> {
    server: &'a Server,
    raw: Connection,
    log: &'a Log,
    random: &'a mut Rng,
}

/// Commands that scripts call, and that a user may lose half-way.
const INNER: [&str; 10] =
    ["hset", "hdel", "hincrby", "unlink", "pexpire", "hget", "hmget", "hgetall", "hscan", "info"];

type Fault = fn(&mut Scene<'_>);

const FAULTS: [(u32, (&str, Fault)); 26] = [
    (10, ("CLIENT KILL normal", |scene| scene.run(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]))),
    (10, ("CLIENT KILL pubsub", |scene| scene.run(&["CLIENT", "KILL", "TYPE", "pubsub"]))),
    (10, ("SIGSTOP", stop)),
    (10, ("SIGKILL", kill)),
    (5, ("SCRIPT FLUSH", |scene| scene.run(&["SCRIPT", "FLUSH"]))),
    (5, ("CLIENT PAUSE all", |scene| pause(scene, "ALL"))),
    (5, ("CLIENT PAUSE writes", |scene| pause(scene, "WRITE"))),
    (5, ("no memory", |scene| scene.with("maxmemory", "1", "0"))),
    (5, ("no replicas", |scene| scene.with("min-replicas-to-write", "1", "0"))),
    (3, ("busy with a script", busy)),
    (3, ("backlog exceeded", flood)),
    (3, ("not a notification", |scene| scene.run(&["PUBLISH", CHANNEL, "nonsense"]))),
    (3, ("a replica for a while", demote)),
    (2, ("no right to publish", |scene| without(scene, "publish", None))),
    (2, ("no right to scripts", |scene| without(scene, "evalsha", None))),
    (8, ("no right to one command", forbid)),
    (2, ("no right to subscribe", |scene| without(scene, "subscribe", Some("pubsub")))),
    (2, ("no right to channels", channels)),
    (2, ("connections closed, idle", idle)),
    (3, ("FLUSHALL", |scene| wipe(&mut scene.raw, scene.log, &["FLUSHALL"], &[]))),
    (3, ("DEL", |scene| wipe(&mut scene.raw, scene.log, &["DEL", HASH], &[]))),
    (5, ("cannot save", misconf)),
    (3, ("bulk load", |scene| _ = bulk_load(&mut scene.raw, scene.log, scene.random))),
    (3, ("bulk load, DEL", |scene| restart_below(scene, false))),
    (3, ("bulk load, DEL, a Go peer at 1", |scene| restart_below(scene, true))),
    (4, ("SIGKILL, older copy", |scene| rewind(scene.server, &mut scene.raw, scene.log, scene.random))),
];

/// Applies a fault to the server.
pub(crate) fn strike(server: &Server, log: &Log, random: &mut Rng) {
    let (name, fault) = draw(&FAULTS, random);
    log.note(name, || fault(&mut Scene { server, raw: server.connection(), log, random }));
}

pub(super) fn run(raw: &mut Connection, command: &[&str]) {
    let _: Value = cmd(command[0]).arg(&command[1..]).query(raw).unwrap();
}

impl Scene<'_> {
    fn run(&mut self, command: &[&str]) {
        run(&mut self.raw, command);
    }

    /// Changes a setting for a while.
    fn with(&mut self, setting: &str, bad: &str, good: &str) {
        self.run(&["CONFIG", "SET", setting, bad]);
        last(10..1000, self.random);
        self.run(&["CONFIG", "SET", setting, good]);
    }
}

fn stop(scene: &mut Scene<'_>) {
    scene.server.pause();
    last(50..5000, scene.random);
    scene.server.resume();
}

fn kill(scene: &mut Scene<'_>) {
    scene.server.kill();
    last(1..1000, scene.random);
    scene.server.restart();
}

fn pause(scene: &mut Scene<'_>, what: &str) {
    let time = scene.random.u64(10..2000);
    scene.run(&["CLIENT", "PAUSE", &time.to_string(), what]);
    thread::sleep(Duration::from_millis(time));
}

fn busy(scene: &mut Scene<'_>) {
    let mut busy = scene.server.connection();
    let script = thread::spawn(move || cmd("EVAL").arg("while true do end").arg(0).query::<()>(&mut busy));
    eventually("the server is busy", || cmd("PING").query::<String>(&mut scene.raw).is_err());
    last(10..2500, scene.random);
    scene.run(&["SCRIPT", "KILL"]);
    assert!(script.join().unwrap().is_err());
}

/// Publishes one message that is too long for every subscriber.
fn flood(scene: &mut Scene<'_>) {
    scene.run(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 65536 0 0"]);
    scene.run(&["PUBLISH", CHANNEL, &"x".repeat(1 << 20)]);
    scene.run(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 33554432 8388608 60"]);
}

fn demote(scene: &mut Scene<'_>) {
    scene.run(&["REPLICAOF", "127.0.0.1", "1"]);
    last(10..1500, scene.random);
    scene.run(&["REPLICAOF", "NO", "ONE"]);
}

fn without(scene: &mut Scene<'_>, right: &str, killed: Option<&str>) {
    scene.run(&["ACL", "SETUSER", USER, &format!("-{right}")]);
    if let Some(kind) = killed {
        scene.run(&["CLIENT", "KILL", "TYPE", kind]);
    }
    last(10..1500, scene.random);
    scene.run(&["ACL", "SETUSER", USER, &format!("+{right}")]);
}

fn forbid(scene: &mut Scene<'_>) {
    let command = INNER[scene.random.usize(..INNER.len())];
    without(scene, command, None);
}

fn channels(scene: &mut Scene<'_>) {
    scene.run(&["ACL", "SETUSER", USER, "resetchannels"]);
    last(10..1500, scene.random);
    scene.run(&["ACL", "SETUSER", USER, "allchannels"]);
}

/// Makes the server close connections that are idle for a second. A stalled way makes them idle.
fn idle(scene: &mut Scene<'_>) {
    scene.run(&["CONFIG", "SET", "timeout", "1"]);
    last(10..900, scene.random);
    scene.run(&["CONFIG", "SET", "timeout", "0"]);
}

/// Makes the server refuse writes and PING: a directory takes the name of its file, so it cannot save.
fn misconf(scene: &mut Scene<'_>) {
    let (_, folder): (String, String) = cmd("CONFIG").arg(&["GET", "dir"]).query(&mut scene.raw).unwrap();
    fs::create_dir_all(Path::new(&folder).join("dump.rdb")).unwrap();
    scene.run(&["CONFIG", "SET", "save", "3600 100000"]);
    scene.run(&["BGSAVE", "SCHEDULE"]);
    eventually("the server refuses PING", || cmd("PING").query::<String>(&mut scene.raw).is_err());
    last(10..3000, scene.random);
    scene.run(&["CONFIG", "SET", "save", ""]);
}

/// Lets the revision run ahead of the clock. Then a new life of the hash begins below it.
fn restart_below(scene: &mut Scene<'_>, by_go: bool) {
    if !bulk_load(&mut scene.raw, scene.log, scene.random) {
        return;
    }
    last(0..100, scene.random);
    let (commands, entry) = first_write(scene.random);
    if by_go {
        wipe(&mut scene.raw, scene.log, &["DEL", HASH], &commands);
        scene.log.write(entry());
    } else {
        wipe(&mut scene.raw, scene.log, &["DEL", HASH], &[]);
    }
}
