//! The check of version, rights and type.

use integration_tests::Server;
use rmap_proto::script::{Check, check_refused};
use rmap_proto::{Mark, Read};

use crate::{every_operation, plain, sliding};
use integration_tests::Scripts;

/// Every command that the scripts call, and those for a subscription and for loading a script.
pub(crate) const COMMANDS: &[&str] = &[
    "+eval",
    "+hdel",
    "+hget",
    "+hgetall",
    "+hkeys",
    "+hlen",
    "+hmget",
    "+hscan",
    "+hset",
    "+hstrlen",
    "+pexpire",
    "+pttl",
    "+time",
    "+unlink",
    "+publish",
    "+subscribe",
    "+unsubscribe",
];
const CHANNELS: &[&str] = &["&map:check:updates", "&map:check:sync:*"];
const REST: &[&str] = &["+evalsha", "+info", "~map:check:content"];

fn missing(scripts: &mut Scripts) -> Vec<String> {
    scripts.check().unwrap().missing
}

#[test]
fn nothing_is_missing_on_a_plain_server() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "check");
    let Check { version, too_old, missing, wrong_type, .. } = scripts.check().unwrap();
    assert!(version.split('.').count() == 3, "{version}");
    assert_eq!((too_old, missing, wrong_type), (false, Vec::new(), false));
    scripts.command(&["SET", "map:check:content", "text"]);
    assert!(scripts.check().unwrap().wrong_type);
    scripts.command(&["DEL", "map:check:content"]);
    for (revision, corrupt) in [("99999999999999", false), ("999999999999999", true), ("7 ", true)] {
        scripts.command(&["HSET", "map:check:content", "=rev", revision]);
        assert_eq!(scripts.check().unwrap().corrupt_revision, corrupt, "{revision}");
    }
}

/// A user with exactly the listed rights can do everything.
#[test]
fn the_rights_that_are_checked_are_enough() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "check");
    scripts.log_in(&[COMMANDS, CHANNELS, REST].concat());
    assert_eq!(missing(&mut scripts), [""; 0]);
    for (value, operation) in every_operation() {
        for handle in [plain, sliding] {
            scripts.given(&[("=rev", "7"), ("k", value)]);
            assert!(scripts.write(&handle(operation.clone())).unwrap().applied);
            scripts.given(&[("k", value)]);
            assert!(scripts.write(&handle(operation.clone())).unwrap().applied);
        }
    }
    let mark = Mark::new(scripts.map.sync_channel("any"), 1);
    for read in [
        Read::Probe { mark: mark.clone() },
        Read::Snapshot { mark, max_fields: 9, max_bytes: 999 },
        Read::Page { cursor: 0, count: 9 },
    ] {
        scripts.read(&read).unwrap();
    }
}

#[test]
fn each_missing_right_is_named() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "check");
    let all = [COMMANDS, CHANNELS].concat();
    for right in &all {
        let rights: Vec<&str> = all.iter().filter(|other| *other != right).copied().collect();
        scripts.log_in(&[&rights, REST].concat());
        assert_eq!(missing(&mut scripts), [*right]);
    }
}

#[test]
fn several_missing_rights_are_all_named() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "check");
    scripts.log_in(&["+@all", "~*", "resetchannels"]);
    assert_eq!(missing(&mut scripts), CHANNELS);
    scripts.log_in(&["+@all", "-@write", "-publish", "-subscribe", "~*", "&*"]);
    let named = missing(&mut scripts);
    assert!(named.contains(&"+publish".to_owned()) && named.contains(&"+subscribe".to_owned()), "{named:?}");
    assert!(named.contains(&"+hset".to_owned()) && named.contains(&"+unlink".to_owned()), "{named:?}");
}

#[test]
fn a_check_that_may_not_run_names_the_right_too() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "check");
    scripts.log_in(&["+@all", "~map:other:*", "&*"]);
    let error = scripts.check().unwrap_err();
    assert_eq!(check_refused(&scripts.map, &error).as_deref(), Some("~map:check:content"));
    scripts.log_in(&["+@all", "%R~map:check:*", "&*"]);
    let error = scripts.check().unwrap_err();
    assert_eq!(check_refused(&scripts.map, &error).as_deref(), Some("~map:check:content"));
    scripts.log_in(&["+@all", "-evalsha", "~*", "&*"]);
    let error = scripts.check().unwrap_err();
    assert_eq!(check_refused(&scripts.map, &error).as_deref(), Some("+evalsha"));
}
