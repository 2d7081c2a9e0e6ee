//! Writes of maps with leases that the server refuses, for a missing right or full memory, leave no trace anywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use integration_tests::{Scripts, Server};
use rmap_proto::{
    Expiry, Held, KeyOperation, Leases, Mark, OnlyIf, Operation, Read, ReadReply, Snapshot, Ttl, WriteError,
};

use crate::check::COMMANDS;
use crate::{
    absolute, aware, batch, bytes, delete, every_operation, expiring, inc, key, lease, plain, set, sliding,
};

/// A request of a handle that knows of leases.
#[derive(Debug, Clone)]
enum Request {
    Write(Operation),
    Group(Vec<Operation>),
    Reap,
    Renew,
    Revoke,
}

fn steps() -> Operation {
    let Operation::Key(step) = expiring("l", "w", 2_000) else { panic!("no step") };
    batch(vec![step, KeyOperation::Inc { key: key("n"), delta: 1 }, KeyOperation::Delete { key: key("k") }])
}

/// Requests, each with whether it works with full memory.
fn requests() -> Vec<(Request, bool)> {
    let absent = Operation::Key(KeyOperation::SetExpiring {
        key: key("new"),
        value: bytes("v"),
        expiry: Expiry::new(Duration::from_secs(1)).unwrap(),
        only_if: OnlyIf::Absent,
    });
    let group = vec![expiring("l", "w", 2_000), inc("n", 1), delete("k"), set("other", "v")];
    let mut requests = vec![
        (Request::Write(absent), false),
        (Request::Write(expiring("k", "w", 3_000)), false),
        (Request::Write(set("k", "w")), false),
        (Request::Write(set("new", "w")), false),
        (Request::Write(inc("n", 1)), false),
        (Request::Write(delete("k")), true),
        (Request::Write(Operation::Reset), true),
        (Request::Write(Operation::Destroy), true),
        (Request::Write(steps()), false),
        (Request::Group(group), false),
        (Request::Group(vec![delete("k"), delete("n")]), true),
    ];
    requests.extend([Request::Reap, Request::Renew, Request::Revoke].map(|request| (request, true)));
    requests
}

struct Scene {
    scripts: Scripts,
    fence: u64,
}

type Everything = (BTreeMap<Bytes, Bytes>, BTreeMap<Bytes, Bytes>, Option<BTreeMap<Bytes, u64>>);

impl Scene {
    const NOW: u64 = 1_700_000_000_000;

    fn new(server: &Server) -> Self {
        let mut scripts = Scripts::new(server, "scene");
        scripts.follow_time();
        Self { scripts, fence: 0 }
    }

    /// Leases of `k` and `n`, of which that of `k` has run out. Without `whole`, the hash lacks `=kind`.
    fn set(&mut self, whole: bool) {
        self.scripts.log_in(&["+@all", "~*", "&*"]);
        self.scripts.delete_hash();
        self.scripts.delete_sidecars(true, true);
        self.scripts.set_time(Self::NOW);
        self.fence = lease(&mut self.scripts, "k", "v", 1_000);
        lease(&mut self.scripts, "n", "5", 9_000);
        lease(&mut self.scripts, "l", "v", 9_000);
        if !whole {
            self.scripts.hdel("=kind");
        }
        self.scripts.set_time(Self::NOW + 2_000);
        self.scripts.messages();
    }

    fn everything(&mut self) -> Everything {
        (self.scripts.hash(), self.scripts.side(), self.scripts.deadlines())
    }

    fn run(&mut self, request: &Request, ttl: Ttl) -> Result<(), WriteError> {
        let held = [Held::new(key("k"), self.fence)];
        match request {
            Request::Write(operation) => {
                let write = rmap_proto::Write::new(operation.clone(), ttl).leases(true);
                self.scripts.write(&write).map(|written| assert!(written.applied, "{request:?}"))
            }
            Request::Group(operations) => self.scripts.group_leased(ttl, operations).map(drop),
            Request::Reap => self.scripts.reap(ttl).map(|reaped| assert_eq!(reaped.deleted, 1)),
            Request::Renew => {
                let expiry = Expiry::new(Duration::from_secs(5)).unwrap();
                self.scripts.renew(expiry, &held).map(|lost| assert!(lost.is_empty()))
            }
            Request::Revoke => self.scripts.revoke(ttl, &held).map(|done| assert_eq!(done.deleted, 1)),
        }
    }

    /// Runs the request. It is whole, or leaves no trace.
    fn attempt(&mut self, request: &Request, ttl: Ttl, what: &str) -> Result<(), WriteError> {
        let before = self.everything();
        let outcome = self.run(request, ttl);
        match &outcome {
            Ok(()) => assert_ne!(self.everything(), before, "{request:?}, {what}"),
            Err(WriteError::Rejected(_)) => {
                assert_eq!(self.everything(), before, "{request:?}, {what}");
                self.scripts.expect_silence(what);
            }
            Err(error) => panic!("{error}: {request:?}, {what}"),
        }
        outcome
    }
}

const RULES: &[&str] = &[
    "-hdel",
    "-hget",
    "-hlen",
    "-hmget",
    "-hset",
    "-pexpire",
    "-pttl",
    "-publish",
    "-time",
    "-unlink",
    "-zadd",
    "-zmscore",
    "-zrange",
    "-zrem",
    "resetchannels",
    "resetkeys ~map:scene:content ~{map:scene:content}:side",
    "resetkeys ~map:scene:content ~{map:scene:content}:leases",
    "resetkeys ~map:scene:content %R~{map:scene:content}:*",
];

#[test]
fn a_write_with_leases_is_whole_or_leaves_no_trace() {
    let server = Server::start();
    let mut scene = Scene::new(&server);
    let ttls = [plain, absolute, sliding].map(|handle| handle(Operation::Reset).ttl);
    let (mut refused, mut done) = (0, 0);
    // The scripts read a list instead of the clock, which takes the place of the right to TIME.
    for rule in RULES {
        for (index, (request, _)) in requests().into_iter().enumerate() {
            for whole in [true, false] {
                scene.set(whole);
                let rules: Vec<&str> = rule.split(' ').collect();
                let list = ["~test:time"];
                scene.scripts.command(&["CONFIG", "SET", "maxmemory", "0"]);
                let extra: &[&str] = if rule.starts_with("resetkeys") { &list } else { &[] };
                scene.scripts.log_in(&[&["+@all", "~*", "&*"], &rules[..], extra].concat());
                match scene.attempt(&request, ttls[index % ttls.len()], rule) {
                    Ok(()) => done += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused > 100 && done > 100, "{refused} {done}");
}

/// A full memory refuses what adds, and never a renewal, a reap, a revoke or a deletion.
#[test]
fn full_memory_refuses_what_adds_and_no_renewal() {
    let server = Server::start();
    let mut scene = Scene::new(&server);
    for (request, frees) in requests() {
        for whole in [true, false] {
            scene.set(whole);
            scene.scripts.command(&["CONFIG", "SET", "maxmemory", "1"]);
            let outcome = scene.attempt(&request, Ttl::None, "full");
            scene.scripts.command(&["CONFIG", "SET", "maxmemory", "0"]);
            match outcome {
                Ok(()) => assert!(frees, "{request:?}"),
                Err(error) => assert!(!frees && error.to_string().contains("OOM"), "{error}: {request:?}"),
            }
        }
    }
    scene.scripts.delete_sidecars(true, true);
    scene.scripts.command(&["CONFIG", "SET", "maxmemory", "1"]);
    scene.scripts.start_leases().unwrap();
}

/// The rights of a handle without leases, and no other.
fn rights() -> Vec<&'static str> {
    let rest = ["+evalsha", "+info", "~map:scene:content", "&map:scene:updates", "&map:scene:sync:*"];
    [COMMANDS, &rest].concat()
}

/// The rights that leases need beside them.
const LEASE_RIGHTS: &[&str] =
    &["+zadd", "+zmscore", "+zrange", "+zrem", "~{map:scene:content}:side", "~{map:scene:content}:leases"];

#[test]
fn the_rights_for_leases_are_named_and_enough() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "scene");
    scripts.log_in(&[&rights()[..], LEASE_RIGHTS].concat());
    assert_eq!(scripts.check_leases().unwrap().missing, [""; 0]);
    assert_eq!(scripts.check().unwrap().leases, Some(false));
    scripts.start_leases().unwrap();
    assert_eq!(scripts.check().unwrap().leases, Some(true));
    for (value, operation) in every_operation() {
        scripts.given(&[("=rev", "7"), ("k", value)]);
        let fence = lease(&mut scripts, "k", value, 1_000);
        let held = [Held::new(key("k"), fence)];
        let expiry = Expiry::new(Duration::from_secs(1)).unwrap();
        assert_eq!(scripts.renew(expiry, &held), Ok(Vec::new()));
        assert!(scripts.expires_at(&key("k")).unwrap().is_some());
        assert_eq!(scripts.reap(Ttl::None).unwrap().deleted, 0);
        assert!(scripts.write(&aware(operation)).unwrap().applied);
        scripts.revoke(Ttl::None, &held).unwrap();
    }
    scripts.group_leased(Ttl::None, &[expiring("a", "b", 1_000), set("k", "v")]).unwrap();
    for right in LEASE_RIGHTS {
        let of_leases: Vec<&str> = LEASE_RIGHTS.iter().filter(|other| *other != right).copied().collect();
        scripts.log_in(&[&rights()[..], &of_leases].concat());
        assert_eq!(scripts.check_leases().unwrap().missing, [*right]);
        assert_eq!(scripts.check().unwrap().missing, [""; 0], "nobody asks for leases");
    }
}

/// A user without rights to the sidecars reads and writes as before, and hears that the state is unknown.
#[test]
fn without_rights_to_the_sidecars_a_map_works_without_leases() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "scene");
    lease(&mut scripts, "k", "v", 1_000);
    scripts.log_in(&[&rights()[..], &["+memory|usage"]].concat());
    assert_eq!(scripts.check().unwrap().leases, None);
    let mark = Mark::new(scripts.map.sync_channel("test"), 1);
    for read in [Read::Probe { mark: mark.clone() }, Read::Snapshot { mark, max_fields: 9, max_bytes: 999 }] {
        let (ReadReply::Probe(probe) | ReadReply::Snapshot(Snapshot { probe, .. })) =
            scripts.read(&read).unwrap()
        else {
            panic!("no probe");
        };
        assert_eq!(probe.leases, Leases::Unknown);
    }
    let refusals: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query(&mut scripts.behind).unwrap();
    assert!(refusals.is_empty(), "{refusals:?}");
    assert!(scripts.write(&plain(set("k", "w"))).unwrap().applied);
    assert!(matches!(scripts.write(&aware(set("k", "x"))), Err(WriteError::Rejected(_))));
}
