//! Leases: what a random history does not reach.

use std::time::Duration;

use integration_tests::{Scripts, Server};
use rmap_proto::{
    Change, Expiry, Held, KeyOperation, Leases, MAX_BATCH_STEPS, MAX_LEASED_BYTES, Mark, Notification,
    Operation, Read, ReadReply, Reaped, Ttl, WriteError,
};

use crate::{aware, batch, bytes, delete, expiring, key, lease, plain, set, texts};

/// The scripts of a map without leases, and their SHA-1s from before there were leases.
const WITHOUT_LEASES: &[(&str, &str)] = &[
    ("set", "5cfe3e0ed39e269f1cf7f414fd6757903a9edcc3"),
    ("inc", "abaa48c2b101385a6cfd8569c3d2d08e277ba1cb"),
    ("set_if_not_exists", "c40d6aa9532270f405482d57eab4d1547258001e"),
    ("test_and_set", "3538afd24746e7a6f128a7d0d5a71f8f83ed45fb"),
    ("delete", "e7807744b1d5e74f09b2ee52f57daa3b9e7638c9"),
    ("test_and_delete", "2ee7bc6561133b3ec691893dd3f41538cd1a120b"),
    ("append_values", "a1c00999d4cbe55207336000414608381c9d8f2e"),
    ("append_unique_values", "fc5d45276742d3baf7dbec1a2b0fbeb0b3d15151"),
    ("remove_values", "f725b2ed0d57f5915206cc23c8dd1c1d97d14f80"),
    ("reset", "56e3f67ad03a550f43d6a3389e39cf3168537ddb"),
    ("test_and_reset", "ce80f876424e67238ccb1d261c3e0751359d5e58"),
    ("destroy", "6bfdbdb00b2b11b24e7de30946aa67c16797cf90"),
    ("batch", "04350906ca153dfc3fbc6e10ee4e9ef621a1b06e"),
    ("group", "33b37c78784e32d00c7ecf54c7bac9f4eae10a4d"),
];

/// A map without leases pays nothing for them: its writes are the same scripts, byte for byte.
#[test]
fn without_leases_writes_run_the_scripts_of_before() {
    let server = Server::start();
    let scripts = Scripts::new(&server, "pinned");
    for (name, hash) in WITHOUT_LEASES {
        assert_eq!(scripts.hashes()[name], *hash, "{name}");
    }
    let twins = rmap_proto::script::ALL.iter().filter(|script| script.leased().is_some()).count();
    assert_eq!(twins, WITHOUT_LEASES.len());
}

fn expiry(millis: u64) -> Expiry {
    Expiry::new(Duration::from_millis(millis)).unwrap()
}

/// The remaining lives of the two sidecars, in milliseconds.
fn lives(scripts: &mut Scripts) -> [i64; 2] {
    let keys = scripts.map.sidecars().unwrap();
    [keys.side, keys.leases].map(|key| redis::cmd("PTTL").arg(&key[..]).query(&mut scripts.behind).unwrap())
}

const HOUR: i64 = 3_600_000;
/// A test may take so long.
const SLACK: i64 = 600_000;

#[track_caller]
fn expect_lives(scripts: &mut Scripts, millis: i64) {
    for left in lives(scripts) {
        assert!((millis - SLACK..=millis).contains(&left), "{left} is not about {millis}");
    }
}

#[test]
fn the_sidecars_live_an_hour_past_the_last_deadline() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lives");
    scripts.start_leases().unwrap();
    expect_lives(&mut scripts, HOUR);
    let fence = lease(&mut scripts, "long", "v", 20_000_000);
    expect_lives(&mut scripts, HOUR + 20_000_000);
    // That was the first write of a life, which made the sidecars once more. The next writes prolong them.
    lease(&mut scripts, "short", "v", 1_000);
    lease(&mut scripts, "longer", "v", 30_000_000);
    scripts.start_leases().unwrap();
    expect_lives(&mut scripts, HOUR + 30_000_000);
    let lost = scripts.renew(expiry(50_000_000), &[Held::new(key("long"), fence)]);
    assert_eq!(lost, Ok(Vec::new()));
    expect_lives(&mut scripts, HOUR + 50_000_000);
    // A sidecar without a time to live, as a restore leaves it, gets one again.
    for key in ["{map:lives:content}:side", "{map:lives:content}:leases"] {
        scripts.command(&["PERSIST", key]);
    }
    lease(&mut scripts, "other", "v", 1_000);
    expect_lives(&mut scripts, HOUR + 1_000);
    assert!(scripts.write(&aware(Operation::Reset)).unwrap().applied);
    expect_lives(&mut scripts, HOUR);
}

#[test]
fn a_lease_runs_out_by_the_servers_clock() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "clock");
    let before = scripts.time();
    let fence = lease(&mut scripts, "k", "v", 1_000);
    let deadline = scripts.expires_at(&key("k")).unwrap().unwrap();
    let after = scripts.time();
    assert!((before + 1_000..=after + 1_000).contains(&deadline.at), "{before} {deadline:?} {after}");
    assert!((before..=after).contains(&fence) && deadline.fence == fence);
    let set = scripts.notifications();
    assert_eq!(Notification::decode(&set[0]).unwrap().lease_left, Some(1_000));
    let revision = Notification::decode(&set[0]).unwrap().revision;
    let reaped = loop {
        let reaped = scripts.reap(Ttl::None).unwrap();
        if reaped.deleted > 0 {
            break reaped;
        }
        assert!(reaped.next <= Some(Duration::from_secs(1)), "{reaped:?}");
    };
    assert!(scripts.time() >= deadline.at);
    assert_eq!(reaped, Reaped::new(revision.next(), 1, 0, None));
    let notifications = scripts.notifications();
    let deleted = Notification::new(revision.next().unwrap(), Change::Delete { key: b"k" });
    assert_eq!(notifications, [deleted.encode()]);
    assert_eq!(scripts.expires_at(&key("k")), Ok(None));
}

#[test]
fn a_reap_ends_a_hundred_leases_at_a_time() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "many");
    scripts.follow_time();
    scripts.set_time(1_700_000_000_000);
    let steps = (0..250).map(|number| {
        let Operation::Key(step) = expiring(&number.to_string(), "v", 1_000) else { panic!("no step") };
        step
    });
    assert!(scripts.write(&plain(batch(steps.collect()))).unwrap().applied);
    scripts.messages();
    scripts.set_time(1_700_000_000_999);
    assert_eq!(scripts.reap(Ttl::None).unwrap().next, Some(Duration::from_millis(1)));
    assert_eq!(scripts.messages(), [(scripts.map.shared_channel(), bytes("lease:1"))]);
    scripts.set_time(1_700_000_001_000);
    for (deleted, next) in [(100, Some(Duration::ZERO)), (100, Some(Duration::ZERO)), (50, None), (0, None)] {
        let reaped = scripts.reap(Ttl::None).unwrap();
        assert_eq!((reaped.deleted, reaped.dropped, reaped.next), (deleted, 0, next));
        assert_eq!(scripts.notifications().len() as u64, deleted);
    }
    assert_eq!(scripts.hash().len(), 2);
}

/// Each step adds arguments to one command for each sidecar, which must fit the stack of a script.
#[test]
fn a_batch_may_begin_as_many_leases_as_it_has_steps() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "largest");
    let steps = (0..MAX_BATCH_STEPS).map(|number| {
        let Operation::Key(step) = expiring(&number.to_string(), "v", 60_000) else { panic!("no step") };
        step
    });
    let steps: Vec<_> = steps.collect();
    for _ in 0..2 {
        let written = scripts.write(&plain(batch(steps.clone()))).unwrap();
        assert_eq!(written.batch.unwrap().values.len(), MAX_BATCH_STEPS);
        assert_eq!(scripts.deadlines().unwrap().len(), MAX_BATCH_STEPS);
    }
    let sets = (0..MAX_BATCH_STEPS)
        .map(|number| KeyOperation::Set { key: key(&number.to_string()), value: bytes("w") });
    assert!(scripts.write(&aware(batch(sets.collect()))).unwrap().applied);
    assert_eq!(scripts.deadlines().unwrap().len(), 0);
}

/// A list that would outgrow what a lease guards stays as it is, rather than lose its lease.
#[test]
fn a_list_with_a_lease_has_at_most_64_kib() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "long");
    let list = format!("[\"{}\"]", "x".repeat(MAX_LEASED_BYTES - 8));
    lease(&mut scripts, "l", &list, 60_000);
    let before = (scripts.hash(), scripts.side());
    let append = |items: &[&str]| KeyOperation::AppendValues { key: key("l"), items: texts(items) };
    scripts.notifications();
    let alone = scripts.write(&aware(Operation::Key(append(&["yy"]))));
    assert_eq!(alone, Err(WriteError::ListTooLong));
    let in_batch = scripts.write(&aware(batch(vec![append(&["yy"])])));
    let cause = Box::new(WriteError::ListTooLong);
    assert_eq!(in_batch, Err(WriteError::Step { step: 0, cause }));
    scripts.expect_silence("too long");
    assert_eq!((scripts.hash(), scripts.side()), before);
    assert!(scripts.write(&aware(Operation::Key(append(&["y"])))).unwrap().applied);
    assert_ne!(scripts.side(), before.1);
    assert!(scripts.expires_at(&key("l")).unwrap().is_some());
}

/// Promise: the fence rises with every holder, across lives, and the revision does not do that.
#[test]
fn fences_rise_across_lives_and_clocks() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "fences");
    scripts.follow_time();
    let mut last = 0;
    let mut now = 1_700_000_000_000;
    for step in 0..8 {
        scripts.set_time(now);
        let fence = lease(&mut scripts, "k", "v", 1_000);
        assert!(fence > last && fence >= now, "step {step}: {fence} after {last} at {now}");
        last = fence;
        match step {
            0 => drop(scripts.write(&aware(Operation::Reset)).unwrap()),
            1 => scripts.delete_hash(),
            2 => now -= 5_000,
            3 => drop(scripts.write(&aware(Operation::Destroy)).unwrap()),
            4 => {
                // Without a sidecar the clock alone is left, and it is past the last fence again.
                scripts.delete_sidecars(true, true);
                now += 6_000;
            }
            5 => scripts.hset("=rev", "1"),
            _ => {}
        }
    }
}

#[test]
fn a_sidecar_of_another_type_is_named_and_kept() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "type");
    for sidecar in ["{map:type:content}:side", "{map:type:content}:leases"] {
        scripts.delete_hash();
        scripts.delete_sidecars(true, true);
        scripts.hset("k", "v");
        scripts.command(&["SET", sidecar, "text"]);
        let before = scripts.hash();
        for operation in [set("k", "w"), expiring("k", "w", 1_000), delete("k"), Operation::Reset] {
            assert_eq!(scripts.write(&aware(operation)), Err(WriteError::WrongType));
        }
        assert_eq!(scripts.reap(Ttl::None), Err(WriteError::WrongType));
        let held = [Held::new(key("k"), 7)];
        assert_eq!(scripts.renew(expiry(1_000), &held), Err(WriteError::WrongType));
        assert_eq!(scripts.hash(), before);
    }
    scripts.expect_silence("another type");
}

#[test]
fn a_map_that_cannot_have_sidecars_works_without_leases() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "a}b");
    assert!(matches!(scripts.write(&aware(set("k", "v"))), Err(WriteError::NoSidecars(_))));
    assert!(matches!(scripts.reap(Ttl::None), Err(WriteError::NoSidecars(_))));
    assert!(scripts.write(&plain(set("k", "v"))).unwrap().applied);
    assert_eq!(scripts.check().unwrap().leases, Some(false));
    let read = Read::Probe { mark: Mark::new(scripts.map.sync_channel("test"), 1) };
    let ReadReply::Probe(probe) = scripts.read(&read).unwrap() else { panic!("no probe") };
    assert_eq!(probe.leases, Leases::Off);
}
