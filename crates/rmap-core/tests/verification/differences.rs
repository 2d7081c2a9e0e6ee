//! Differences although revision, number of fields and replication id agree.

use rmap_core::{Discrepancy, EventKind, Failure, Reason, ReplicaSettings, Verified};
use rmap_proto::{Key, KeyOperation, Operation};

use crate::world::{MS, SECOND, World};

/// A configuration in which the map is large, and read in small pages.
fn large() -> ReplicaSettings {
    ReplicaSettings::default().small_map(100, 1 << 20).page_fields(50)
}

/// While the replica is away: a copy is taken, ten writes follow, the copy is restored, ten other writes follow.
fn restored_while_away(world: &mut World, keys: impl Fn(usize) -> (String, String)) {
    world.cut();
    let copy = world.server.clone();
    // The replica hears of these before it is cut off.
    for number in 0..10 {
        world.set(&keys(number).1, "other");
    }
    let revision = world.revision();
    world.restore(&copy);
    world.connect();
    for number in 0..10 {
        world.set(&keys(number).0, "heard");
    }
    assert_eq!(world.revision(), revision);
    world.until("in step", |world| world.is_live() && world.is_exact());
    world.cut();
    world.restore(&copy);
    for number in 0..10 {
        world.set(&keys(number).1, "other");
    }
    assert_eq!(world.revision(), revision);
    world.forget();
    world.connect();
}

fn found(verified: &Verified) -> Vec<(String, Discrepancy)> {
    let found = verified.differing.iter();
    found.map(|differing| (differing.key.as_str().unwrap().to_owned(), differing.how)).collect()
}

#[test]
fn a_reconnect_that_skipped_the_snapshot_is_followed_by_one_verification() {
    let mut world = World::joined(large(), 300);
    world.cut();
    world.forget();
    world.connect();
    world.until("live", |world| world.is_live());
    assert_eq!((world.counts(), world.replica.status().in_doubt), ((0, 0, 1), true));
    world.until("the verification", |world| !world.replica.status().in_doubt);
    let (pages, snapshots, _) = world.counts();
    assert!(pages > 5 && snapshots == 0, "{:?}", world.asked);
    assert_eq!((world.event, &world.changes[..]), (None, &[][..]));
    world.run(600 * SECOND);
    assert_eq!(world.counts().0, pages, "it is read once");
}

#[test]
fn values_of_a_restored_copy_at_the_same_revision_are_found_and_put_right() {
    let mut world = World::joined(large(), 300);
    restored_while_away(&mut world, |number| (format!("k{number}"), format!("k{}", 100 + number)));
    world.until("live", |world| world.is_live());
    assert!(!world.is_exact());
    world.until("the verification", |world| world.is_exact());
    let revision = world.reader.revision();
    assert_eq!((world.changes.len(), world.event), (20, Some(EventKind::Changed)));
    assert!(world.changes.iter().all(|change| change.revision == revision && change.old != change.new));
    assert_eq!((world.counts().1, world.replica.status().differed), (0, 20));
    assert_eq!(world.replica.status().resyncs, 0);
    assert!(!world.replica.status().in_doubt);
}

#[test]
fn keys_of_a_restored_copy_at_the_same_revision_are_found_and_put_right() {
    let mut world = World::joined(large(), 300);
    restored_while_away(&mut world, |number| (format!("heard{number}"), format!("other{number}")));
    world.until("the verification", |world| world.is_exact());
    assert_eq!((world.changes.len(), world.event), (20, Some(EventKind::Deleted)));
    assert_eq!(world.replica.status().last_resync, Some(Reason::Differs));
}

#[test]
fn a_map_in_doubt_is_not_spared_the_next_snapshot() {
    let mut world = World::joined(large(), 300);
    restored_while_away(&mut world, |number| (format!("k{number}"), format!("k{}", 100 + number)));
    world.until("some pages", |world| world.counts().0 > 2);
    world.cut();
    assert!(world.replica.status().in_doubt);
    world.forget();
    world.connect();
    world.until("live", |world| world.is_live());
    assert!(world.is_exact() && !world.replica.status().in_doubt);
    assert_eq!(world.counts().1, 1);
}

#[test]
fn a_field_that_was_overwritten_past_the_map_is_found_on_the_setting() {
    let mut world = World::joined(ReplicaSettings::default(), 20);
    world.server.hset("k3", "by hand");
    world.run(3600 * SECOND);
    assert!(!world.is_exact() && world.counts().0 == 0, "the setting is off by default");

    let every = 30 * SECOND;
    let mut world = World::joined(ReplicaSettings::default().verify_interval(every), 20);
    for number in 0..20 {
        world.run(SECOND * number);
        world.server.hset("k3", format!("by hand {number}"));
        let written = world.now;
        world.until("the field", |world| world.is_exact());
        let pass = SECOND;
        assert!(world.now - written <= every + pass, "{:?}", world.now - written);
    }
    assert_eq!((world.changes.len(), world.counts().1), (20, 0));
}

#[test]
fn a_key_added_and_one_removed_past_the_map_are_found_on_the_setting() {
    let mut world = World::joined(ReplicaSettings::default().verify_interval(30 * SECOND), 20);
    world.server.hdel("k3");
    world.server.hset("new", "by hand");
    world.until("the fields", |world| world.is_exact());
    assert_eq!(world.replica.status().last_resync, Some(Reason::Differs));

    // One of our reserved fields takes the place of a key, so the number of fields stays.
    world.server.hdel("k4");
    world.server.hset("=unknown", "by hand");
    world.until("the fields", |world| world.is_exact());
    world.run(60 * SECOND);
    assert_eq!(world.replica.status().resyncs, 2, "the number of reserved fields is known now");
}

#[test]
fn a_request_names_every_key_that_differs() {
    let mut world = World::joined(ReplicaSettings::default(), 20);
    let verified = world.verified();
    assert!(verified.agrees());
    assert_eq!((verified.compared, verified.revision), (20, world.reader.revision()));
    world.server.hdel("k3");
    world.server.hset("new", "by hand");
    world.server.hset("k5", "by hand");
    let verified = world.verified();
    let expected = [("k3", Discrepancy::Extra), ("k5", Discrepancy::Other), ("new", Discrepancy::Missing)];
    assert_eq!(found(&verified), expected.map(|(key, how)| (key.to_owned(), how)));
    assert_eq!((verified.compared, verified.complete, verified.agrees()), (20, true, false));
    assert!(world.is_exact());
    assert_eq!((world.changes.len(), world.counts().1), (3, 0));
    assert!(world.verified().agrees());
}

#[test]
fn an_empty_map_and_one_without_a_hash_agree() {
    let mut world = World::joined(ReplicaSettings::default(), 0);
    assert_eq!((world.verified().agrees(), world.verified().revision), (true, None));
    world.set("a", "1");
    world.write(Operation::Key(KeyOperation::Delete { key: Key::new("a").unwrap() }));
    let verified = world.verified();
    assert_eq!((verified.agrees(), verified.compared, verified.revision), (true, 0, world.reader.revision()));
}

#[test]
fn a_content_that_is_known_to_differ_is_not_spared_the_snapshot() {
    let mut world = World::joined(large(), 6000);
    world.run(2 * SECOND);
    for number in 0..6000 {
        world.server.hdel(format!("k{number}"));
        world.server.hset(format!("other{number}"), "by hand");
    }
    world.replica.handle_verify(world.now);
    world.until("the resync", |world| !world.is_live());
    assert_eq!((&world.replica.status().reason, world.replica.proof()), (&Reason::Differs, None));
    assert_eq!(world.replica.status().fresh_at, None);
    world.cut();
    world.forget();
    world.connect();
    world.until("live", |world| world.is_live());
    assert!(world.is_exact());
}

#[test]
fn too_many_differences_are_a_resync() {
    let mut world = World::joined(ReplicaSettings::default(), 6000);
    for number in 0..6000 {
        world.server.hset(format!("k{number}"), "by hand");
    }
    let verified = world.verified();
    assert!(!verified.complete && verified.differing.len() > 4096, "{}", verified.differing.len());
    world.until("the resync", |world| world.is_exact());
    assert_eq!(world.replica.status().last_resync, Some(Reason::Differs));
    assert_eq!(world.changes.len(), 6000);
}

#[test]
fn a_difference_is_looked_at_once_more() {
    let mut world = World::joined(large(), 300);
    world.cut();
    world.server.hset("k3", "by hand");
    world.connect();
    world.until("the first difference", |world| world.is_exact());
    world.server.hset("k4", "by hand");
    world.until("the second difference", |world| world.is_exact());
    // After two passes with differences, somebody seems to write directly to the hash over and over.
    world.server.hset("k5", "by hand");
    world.run(600 * SECOND);
    assert!(!world.is_exact());
}

#[test]
fn writes_during_a_verification_are_no_differences() {
    let mut world = World::joined(large(), 300);
    // The notifications are published but still in flight, so the pages are ahead of them.
    for round in 0..200 {
        world.replica.handle_verify(world.now);
        for number in 0..40 {
            let key = format!("k{}", (round * 7 + number * 11) % 400);
            match number % 4 {
                0 => {
                    world.held_up = true;
                    world.set(&key, &format!("{round} {number}"));
                }
                1 if world.stored().contains_key(key.as_bytes()) => {
                    world.write(Operation::Key(KeyOperation::Delete { key: Key::new(&key).unwrap() }));
                }
                2 => world.held_up = false,
                _ => {
                    world.set(&key, &format!("{round} {number}"));
                }
            }
            let end = world.now + MS;
            for _ in 0..round % 5 {
                world.step(end);
            }
        }
        world.held_up = false;
        world.until("the outcome", |world| match world.replica.poll_verified() {
            Some(outcome) => {
                let verified = outcome.unwrap();
                assert!(verified.agrees(), "{round}: {verified:?}");
                true
            }
            None => false,
        });
        assert!(world.is_live() && world.replica.status().resyncs == 0);
        world.until("all is here", |world| world.is_exact());
    }
    assert_eq!(world.replica.status().differed, 0);
}

#[test]
fn a_gap_a_cut_and_a_reset_end_a_verification_and_a_request_begins_again() {
    let mut world = World::joined(large(), 300);
    world.replica.handle_verify(world.now);
    world.until("some pages", |world| world.counts().0 > 2);
    let next = world.revision() + 2;
    world.forge(next, "k1", false, 0);
    world.until("the resync", |world| !world.is_live());
    world.until("the end of the resync", |world| world.is_live());
    world.forget();
    world.until("some pages", |world| world.counts().0 > 2);
    world.cut();
    world.run(SECOND);
    assert!(world.replica.poll_verified().is_none());
    world.connect();
    world.until("live", |world| world.is_live());
    world.forget();
    world.until("some pages", |world| world.counts().0 > 2);
    world.write(Operation::Reset);
    let mut outcome = None;
    world.until("the outcome", |world| {
        outcome = world.replica.poll_verified();
        outcome.is_some()
    });
    let verified = outcome.unwrap().unwrap();
    assert_eq!((verified.compared, verified.agrees(), verified.revision), (0, true, world.reader.revision()));
    assert!(world.replica.poll_verified().is_none(), "one outcome for one request");
}

#[test]
fn pages_that_are_lost_or_fail_are_read_again() {
    let mut world = World::joined(large().verify_interval(60 * SECOND), 300);
    for failure in [None, Some(Failure::Unavailable("gone".to_owned())), None] {
        world.server.hset("k3", format!("by hand, {failure:?}"));
        world.page_failures.push_back(failure);
        world.until("the field", |world| world.is_exact());
        assert!(world.page_failures.is_empty());
    }
    world.page_failures.push_back(Some(Failure::Unavailable("gone".to_owned())));
    assert!(world.verified().agrees());
    assert_eq!(world.replica.status().resyncs, 0);
}

#[test]
fn a_refusal_is_the_outcome_of_a_request() {
    let mut world = World::joined(ReplicaSettings::default(), 3);
    let refused = Failure::Refused("NOPERM".to_owned());
    world.page_failures.push_back(Some(refused.clone()));
    world.replica.handle_verify(world.now);
    let mut outcome = None;
    world.until("the outcome", |world| {
        outcome = world.replica.poll_verified();
        outcome.is_some()
    });
    assert_eq!(outcome, Some(Err(refused)));
    assert!(world.is_live());
}
