//! Refusals of the server, at every moment, which must leave no trace.

use std::thread;

use integration_tests::Server;
use rmap_proto::{KeyOperation, Operation, ServerError, WriteError};

use crate::{
    absolute, applied, bytes, delete, every_operation, hash, inc, key, may_delete, not_applied, plain, set,
    sliding, texts,
};
use integration_tests::Scripts;

/// Initial hashes. The flag is true for a hash with a time to live.
const STATES: &[(&[(&str, &str)], bool)] = &[
    (&[("=kind", "set"), ("=rev", "7")], false),
    (&[("=kind", "set"), ("=rev", "7")], true),
    (&[("=rev", "7"), ("other-field", "x")], true),
    (&[("=kind", "odd")], true),
    (&[], false),
    (&[], true),
];

fn rejection(outcome: Result<rmap_proto::WriteReply, WriteError>) -> ServerError {
    match outcome {
        Err(WriteError::Rejected(error)) => error,
        other => panic!("{other:?} is no rejection"),
    }
}

/// Runs every applied operation, with every kind of handle, on every state of the hash that holds `k`. With these
/// rights each must be rejected without a trace, and its error must contain one of the words.
fn expect_no_trace(rights: &[&str], concerns: impl Fn(&Operation) -> bool, words: &[&str]) {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "refused");
    scripts.log_in(rights);
    for (value, operation) in every_operation() {
        if !concerns(&operation) {
            continue;
        }
        for (fields, expires) in STATES {
            for handle in [plain, absolute, sliding] {
                scripts.given(&[fields, &[("k", value)][..]].concat());
                if *expires {
                    scripts.expire(10_000_000);
                }
                let (before, deadline) = (scripts.hash(), scripts.deadline());
                let write = handle(operation.clone());
                let what = format!("{write:?} on {before:?}");
                let error = rejection(scripts.write(&write)).to_string();
                assert!(words.iter().any(|word| error.contains(word)), "{error}: {what}");
                assert_eq!(scripts.hash(), before, "{what}");
                assert_eq!(scripts.deadline(), deadline, "{what}");
                scripts.expect_silence(&what);
            }
        }
    }
}

const ALL_BUT: &[&str] = &["+@all", "~*", "&*"];

#[test]
fn a_refused_publish_puts_everything_back() {
    expect_no_trace(
        &["+@all", "~*", "resetchannels", "&map:other:*"],
        |_| true,
        &["publish", "No permissions to access a channel"],
    );
    expect_no_trace(&[ALL_BUT, &["-publish"]].concat(), |_| true, &[""]);
}

/// Without a hash before, there is none afterwards.
#[test]
fn a_refused_publish_creates_no_hash() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "refused");
    scripts.log_in(&["+@all", "~*", "resetchannels"]);
    for operation in [set("k", "v"), inc("k", 1), Operation::Reset, Operation::Destroy] {
        for handle in [plain, absolute, sliding] {
            scripts.delete_hash();
            rejection(scripts.write(&handle(operation.clone())));
            assert_eq!(scripts.pttl(), -2, "{operation:?}");
        }
    }
    scripts.expect_silence("at the end");
}

#[test]
fn commands_refused_before_the_first_write_leave_no_trace() {
    let removes = |operation: &Operation| operation.on_key().is_some_and(may_delete);
    let clears = |operation: &Operation| match operation {
        Operation::Reset | Operation::TestAndReset { .. } | Operation::Destroy => true,
        Operation::Key(_) | Operation::Batch(_) => false,
    };
    let refuse = |right: &str, concerns: &dyn Fn(&Operation) -> bool| {
        expect_no_trace(&[ALL_BUT, &[right]].concat(), concerns, &[""]);
    };
    refuse("-hmget", &|_| true);
    refuse("-hset", &|_| true);
    refuse("-hdel", &removes);
    refuse("-unlink", &clears);
}

#[test]
fn full_memory_refuses_what_adds_and_lets_the_rest_pass() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "full");
    let given = [("=kind", "set"), ("=rev", "7"), ("k", r#"["5"]"#), ("n", "5")];
    let adding = [
        set("k", "v"),
        inc("n", 1),
        Operation::Key(KeyOperation::AppendValues { key: key("k"), items: texts(&["6"]) }),
    ];
    for operation in adding {
        scripts.given(&given);
        scripts.command(&["CONFIG", "SET", "maxmemory", "1"]);
        assert_eq!(rejection(scripts.write(&plain(operation))).code, "OOM");
        assert_eq!(scripts.hash(), hash(&given));
        scripts.command(&["CONFIG", "SET", "maxmemory", "0"]);
    }
    let freeing = [
        delete("k"),
        Operation::Key(KeyOperation::TestAndDelete { key: key("n"), test: bytes("5") }),
        Operation::Key(KeyOperation::RemoveValues { key: key("k"), items: texts(&["5"]) }),
        Operation::Reset,
        Operation::Destroy,
    ];
    scripts.notifications();
    for operation in freeing {
        scripts.given(&given);
        scripts.command(&["CONFIG", "SET", "maxmemory", "1"]);
        let written = scripts.write(&sliding(operation)).unwrap();
        assert!(written.applied);
        scripts.command(&["CONFIG", "SET", "maxmemory", "0"]);
        assert_eq!(scripts.notifications().len(), 1);
    }
    scripts.given(&given);
    scripts.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(scripts.write(&plain(delete("missing"))), not_applied(Some(7), None, None));
}

#[test]
fn refusals_of_the_server_are_proof_that_nothing_happened() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "server");
    let on_and_off: [(&str, &[&str], &[&str]); 4] = [
        ("NOSCRIPT", &["SCRIPT", "FLUSH"], &[]),
        (
            "NOREPLICAS",
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
        ("READONLY", &["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]),
        ("MASTERDOWN", &["CONFIG", "SET", "replica-serve-stale-data", "no"], &[]),
    ];
    for (code, on, off) in on_and_off {
        scripts.given(&[("=rev", "7")]);
        if code == "MASTERDOWN" {
            scripts.command(&["REPLICAOF", "127.0.0.1", "1"]);
        }
        scripts.command(on);
        assert_eq!(rejection(scripts.write(&plain(set("k", "v")))).code, code);
        if code == "MASTERDOWN" {
            scripts.command(&["REPLICAOF", "NO", "ONE"]);
        }
        if !off.is_empty() {
            scripts.command(off);
        }
        scripts = Scripts::connect(&server, "server");
        assert_eq!(scripts.hash(), hash(&[("=rev", "7")]), "{code}");
        assert_eq!(scripts.write(&plain(set("k", "v"))), applied(8, None, None), "{code}");
    }
}

/// Another client runs a script for too long, and then kills it.
#[test]
fn a_busy_server_and_a_killed_script_have_done_nothing() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "busy");
    scripts.given(&[("=rev", "7")]);
    scripts.command(&["CONFIG", "SET", "busy-reply-threshold", "1"]);
    let mut endless = server.connection();
    let killed = thread::spawn(move || {
        let outcome: redis::RedisResult<()> =
            redis::cmd("EVAL").arg("while true do end").arg(0).query(&mut endless);
        let error = outcome.unwrap_err();
        ServerError::parse(&format!("{} {}", error.code().unwrap(), error.detail().unwrap_or_default()))
    });
    // The server answers BUSY once the endless script has run for the threshold. Before that, commands succeed.
    let busy = loop {
        match scripts.write(&plain(delete("missing"))) {
            Ok(_) => {}
            outcome => break rejection(outcome),
        }
    };
    assert_eq!(busy.code, "BUSY");
    scripts.command(&["SCRIPT", "KILL"]);
    let killed = WriteError::from_server(killed.join().unwrap());
    assert!(matches!(killed, WriteError::Rejected(_)), "{killed:?}");
    assert_eq!(scripts.hash(), hash(&[("=rev", "7")]));
}
