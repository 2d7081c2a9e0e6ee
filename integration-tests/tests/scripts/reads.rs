//! Probe, snapshot and scan.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use integration_tests::Server;
use rmap_proto::{Leases, Mark, Page, Probe, Read, ReadReply, Replication, Revision, Snapshot, WriteError};

use crate::bytes;
use integration_tests::Scripts;

fn mark(scripts: &Scripts, id: u64) -> Mark {
    Mark::new(scripts.map.sync_channel("test"), id)
}

fn probe(scripts: &mut Scripts) -> Result<Probe, WriteError> {
    let read = Read::Probe { mark: mark(scripts, 1) };
    scripts.read(&read).map(|reply| {
        let ReadReply::Probe(probe) = reply else { panic!("{reply:?}") };
        probe
    })
}

fn snapshot(scripts: &mut Scripts, max_fields: u64, max_bytes: u64) -> Result<Snapshot, WriteError> {
    let read = Read::Snapshot { mark: mark(scripts, 2), max_fields, max_bytes };
    scripts.read(&read).map(|reply| {
        let ReadReply::Snapshot(snapshot) = reply else { panic!("{reply:?}") };
        snapshot
    })
}

fn page(scripts: &mut Scripts, cursor: u64, count: u64) -> Page {
    let reply = scripts.read(&Read::Page { cursor, count }).unwrap();
    let ReadReply::Page(page) = reply else { panic!("{reply:?}") };
    page
}

#[test]
fn a_probe_tells_what_the_hash_is_at() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "probe");
    let cases = [
        (&[][..], None, 0),
        (&[("k", "v")], Some(0), 1),
        (&[("=kind", "set")], Some(0), 1),
        (&[("=kind", "reset"), ("=rev", "7")], Some(7), 2),
        (&[("=kind", "destroy"), ("=rev", "7"), ("k", "v")], Some(7), 3),
        (&[("=kind", "del"), ("=rev", "7"), ("k", "reset ")], Some(7), 3),
        (&[("=epoch", "x"), ("=rev", "99999999999999"), ("k", "v")], Some(99_999_999_999_999), 3),
    ];
    let info: String = redis::cmd("INFO").arg("replication").query(&mut scripts.behind).unwrap();
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let (id, offset) = (field("master_replid:"), field("master_repl_offset:").parse().unwrap());
    let clock = |scripts: &mut Scripts| {
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query(&mut scripts.behind).unwrap();
        seconds * 1000 + micros / 1000
    };
    for (fields, revision, count) in cases {
        scripts.given(fields);
        let want = Probe::new(revision.and_then(Revision::new), count)
            .cleared(fields.iter().any(|field| ["reset", "destroy"].contains(&field.1)))
            .replication(Some(Replication::new(bytes(&id), offset)))
            .leases(Leases::Off);
        let before = clock(&mut scripts);
        let probes = [probe(&mut scripts).unwrap(), snapshot(&mut scripts, 0, 0).unwrap().probe];
        let after = clock(&mut scripts);
        for probe in probes {
            assert!((before..=after).contains(&probe.clock.unwrap()), "{before} {:?} {after}", probe.clock);
            assert_eq!(probe.clock(None), want, "{fields:?}");
        }
    }
    scripts.expire(10_000_000);
    let ttl = probe(&mut scripts).unwrap().ttl;
    assert!(ttl > Some(Duration::ZERO) && ttl <= Some(Duration::from_secs(10_000)), "{ttl:?}");
}

#[test]
fn the_mark_comes_with_the_read() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "mark");
    probe(&mut scripts).unwrap();
    snapshot(&mut scripts, 10, 1000).unwrap();
    let channel = scripts.map.sync_channel("test");
    let messages = scripts.messages();
    assert_eq!(messages, [(channel.clone(), bytes("1")), (channel, bytes("2"))]);
    assert_eq!(Mark::parse_id(&messages[1].1), Some(2));
}

#[test]
fn a_snapshot_includes_the_content_up_to_its_limits() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "snapshot");
    scripts.given(&[("=rev", "7"), ("=x", "12"), ("a", "1"), ("bb", ""), ("message", "m")]);
    let bytes_held = 4 + 1 + 2 + 2 + 1 + 1 + 2 + 7 + 1;
    for (max_fields, max_bytes, included) in
        [(5, bytes_held, true), (4, bytes_held, false), (5, bytes_held - 1, false), (1000, 1 << 40, true)]
    {
        let content = snapshot(&mut scripts, max_fields, max_bytes).unwrap().content;
        assert_eq!(content.is_some(), included, "{max_fields} {max_bytes}");
        let Some(mut content) = content else { continue };
        content.content.sort();
        content.reserved.sort();
        let pairs = [("a", "1"), ("bb", ""), ("message", "m")];
        assert_eq!(content.content, pairs.map(|(field, value)| (bytes(field), bytes(value))));
        assert_eq!(content.reserved, ["=rev", "=x"]);
    }
    scripts.delete_hash();
    let content = snapshot(&mut scripts, 0, 0).unwrap().content.unwrap();
    assert!(content.content.is_empty() && content.reserved.is_empty());
}

/// Integers in a small hash take less memory than their text. In a large hash they take more.
#[test]
fn the_limit_of_bytes_is_exact_for_every_encoding() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "snapshot");
    for count in [1_u64, 100, 200] {
        scripts.delete_hash();
        let mut fill = redis::cmd("HSET");
        fill.arg(&scripts.map.hash_key()[..]);
        for number in 0..count {
            fill.arg(-1_000_000_000_000_000_000 - i64::try_from(number).unwrap()).arg("-9223372036854775808");
        }
        fill.exec(&mut scripts.behind).unwrap();
        let bytes = count * 40;
        for most in (0..6).map(|half| bytes * half / 2).chain([bytes - 1, bytes + 1]) {
            let included = snapshot(&mut scripts, 1000, most).unwrap().content.is_some();
            assert_eq!(included, bytes <= most, "{bytes} bytes, at most {most}");
        }
    }
}

#[test]
fn a_scan_finds_every_field() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "scan");
    let mut fill = redis::cmd("HSET");
    fill.arg(&scripts.map.hash_key()[..]).arg("=rev").arg("7");
    for number in 0..3000 {
        fill.arg(format!("k{number}")).arg(number);
    }
    fill.exec(&mut scripts.behind).unwrap();
    let (mut cursor, mut pages, mut found, mut reserved) = (0, 0, BTreeMap::new(), Vec::new());
    loop {
        let page = page(&mut scripts, cursor, 200);
        pages += 1;
        found.extend(page.entries.content);
        reserved.extend(page.entries.reserved);
        cursor = page.cursor;
        if cursor == 0 {
            break;
        }
    }
    assert!(pages > 5, "{pages}");
    reserved.dedup();
    assert_eq!(reserved, ["=rev"]);
    let all: BTreeMap<Bytes, Bytes> =
        (0..3000).map(|number| (format!("k{number}").into(), number.to_string().into())).collect();
    assert_eq!(found, all);
    assert_eq!(scripts.messages(), [], "a page has no mark");
}

/// Sets or deletes fields with these numbers.
fn change(scripts: &mut Scripts, command: &str, prefix: &str, numbers: Range<i32>) {
    let mut change = redis::cmd(command);
    change.arg(&scripts.map.hash_key()[..]);
    for number in numbers {
        change.arg(format!("{prefix}{number}"));
        if command == "HSET" {
            change.arg(number);
        }
    }
    change.exec(&mut scripts.behind).unwrap();
}

/// A replica relies on this when it reads both halves at once. With other cursors it would also work, but slower.
#[test]
fn a_hash_has_two_halves_even_while_it_grows_and_shrinks() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "halves");
    let first_half = |cursor: u64| cursor != 0 && cursor.is_multiple_of(2);
    for (steady, others) in [(600, 0), (3000, 0), (600, 8000), (600, -20_000_i32)] {
        scripts.delete_hash();
        change(&mut scripts, "HSET", "steady", 0..steady);
        if others < 0 {
            change(&mut scripts, "HSET", "other", 0..-others);
        }
        let first = page(&mut scripts, 0, 10);
        assert!(first_half(first.cursor), "{}", first.cursor);
        let (mut found, mut read) = (BTreeMap::new(), first.entries.content.len());
        found.extend(first.entries.content);
        let mut cursors = [first.cursor, 1];
        for turn in 0.. {
            if cursors == [0, 0] {
                break;
            }
            for (half, cursor) in cursors.iter_mut().enumerate().filter(|(_, cursor)| **cursor != 0) {
                let page = page(&mut scripts, *cursor, 50);
                read += page.entries.content.len();
                found.extend(page.entries.content);
                *cursor = page.cursor;
                if half == 0 && !first_half(*cursor) {
                    *cursor = 0;
                }
            }
            if turn < 4 && others != 0 {
                let part = others.abs() / 4;
                let command = if others > 0 { "HSET" } else { "HDEL" };
                change(&mut scripts, command, "other", turn * part..(turn + 1) * part);
            }
        }
        let kept = found.keys().filter(|key| key.starts_with(b"steady")).count();
        assert_eq!(kept, usize::try_from(steady).unwrap());
        if others == 0 {
            assert!(read < found.len() + 100, "{read} fields read for {}", found.len());
        }
    }
}

#[test]
fn reads_refuse_a_corrupt_revision_and_another_type() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "corrupt");
    scripts.given(&[("=rev", "junk")]);
    assert_eq!(probe(&mut scripts), Err(WriteError::CorruptRevision));
    assert_eq!(snapshot(&mut scripts, 9, 9), Err(WriteError::CorruptRevision));
    scripts.delete_hash();
    scripts.command(&["SET", "map:corrupt:content", "text"]);
    assert_eq!(probe(&mut scripts), Err(WriteError::WrongType));
    assert_eq!(snapshot(&mut scripts, 9, 9), Err(WriteError::WrongType));
    assert_eq!(scripts.read(&Read::Page { cursor: 0, count: 9 }), Err(WriteError::WrongType));
    assert_eq!(scripts.messages(), []);
}

#[test]
fn reads_work_with_full_memory_and_without_optional_rights() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "full");
    scripts.given(&[("=rev", "7")]);
    scripts.command(&["CONFIG", "SET", "maxmemory", "1"]);
    scripts.log_in(&["+@all", "-info", "-memory", "-time", "~*", "&*"]);
    let snapshot = snapshot(&mut scripts, 9, 9).unwrap();
    assert_eq!((snapshot.probe.replication, snapshot.probe.clock), (None, None));
    assert!(snapshot.content.is_some());
    assert_eq!(probe(&mut scripts).unwrap().revision, Revision::new(7));
}

#[test]
fn a_read_without_its_mark_is_refused() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "mark");
    scripts.log_in(&["+@all", "~*", "resetchannels", "&map:mark:updates"]);
    let error = probe(&mut scripts).unwrap_err();
    assert!(matches!(&error, WriteError::Rejected(cause) if cause.message.contains("channel")), "{error}");
    assert!(matches!(snapshot(&mut scripts, 9, 9), Err(WriteError::Rejected(_))));
}
