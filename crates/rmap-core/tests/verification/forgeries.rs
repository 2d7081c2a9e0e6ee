//! Whole snapshots that no write made, or that repeat. They end at the server's revision, and yet do not show its
//! content.

use rmap_core::{ReplicaSettings, Wait};
use rmap_proto::{Change, Notification, Operation, Revision};

use crate::world::{SECOND, World, life};

fn reset(revision: u64) -> Vec<u8> {
    Notification::new(Revision::new(revision).unwrap(), Change::Reset).encode()
}

/// The content is right again before any regular probe, and no proof comes earlier.
fn is_found(world: &mut World) {
    let before = world.replica.status().fresh_at;
    let began = world.now;
    world.sync();
    world.until("the right content", |world| {
        let exact = world.is_exact();
        let fresh_at = world.replica.status().fresh_at;
        assert!(exact || fresh_at.is_none() || fresh_at == before, "wrong content is proven");
        exact
    });
    assert!(world.now - began < SECOND, "{:?}", world.now - began);
    world.until("a proof", |world| world.replica.status().fresh_at > before);
    world.run(30 * SECOND);
    assert!(world.is_exact() && world.is_live() && !world.replica.status().in_doubt);
}

#[test]
fn a_forged_first_write_at_the_current_revision_is_found() {
    let mut world = World::joined(ReplicaSettings::default(), 1);
    world.run(10 * SECOND);
    world.forge(world.revision(), "k0", true, 0);
    is_found(&mut world);
    world.forge(world.revision(), "other", true, 0);
    is_found(&mut world);
}

#[test]
fn a_forged_batch_that_ends_at_the_current_revision_is_found() {
    let mut world = World::joined(ReplicaSettings::default(), 3);
    world.run(10 * SECOND);
    let revision = world.revision();
    for number in 0..3u32 {
        world.forge(revision - 2 + u64::from(number), &format!("k{number}"), number == 0, 2 - number);
    }
    is_found(&mut world);
}

#[test]
fn a_forged_life_that_ends_at_the_current_revision_is_found() {
    for steps in 0..40 {
        let mut world = World::joined(ReplicaSettings::default(), 3);
        world.run(10 * SECOND);
        let revision = world.revision();
        world.forge(revision - 2, "k0", true, 0);
        // The verification has begun before the rest arrives.
        let end = world.now + SECOND;
        for _ in 0..steps {
            world.step(end);
        }
        world.forge(revision - 1, "k1", false, 0);
        world.forge(revision, "k2", false, 0);
        world.run(10 * SECOND);
        is_found(&mut world);
    }
}

#[test]
fn a_forged_reset_does_not_make_the_forgery_after_it_believed() {
    for (first, second) in [(0, 0), (-1, 0), (5, 0), (-1, -1)] {
        let mut world = World::joined(ReplicaSettings::default(), 1);
        world.run(10 * SECOND);
        let revision = world.revision();
        world.publish(reset(revision.strict_add_signed(first)));
        world.forge(revision.strict_add_signed(second), "k0", true, 0);
        is_found(&mut world);
    }
}

#[test]
fn a_forged_first_write_during_a_scan_is_found() {
    // One large value: the map is read in pages although it has one key.
    let mut world = World::new(ReplicaSettings::default().small_map(100, 10));
    world.set("k0", "a value of more than ten bytes");
    world.connect();
    world.until("a page", |world| world.counts().0 > 0);
    world.forge(world.revision(), "k0", true, 0);
    world.until("live", |world| world.is_live());
    is_found(&mut world);
}

#[test]
fn a_forged_first_write_that_waits_for_a_snapshot_is_found() {
    let mut world = World::new(ReplicaSettings::default());
    world.set("k0", "v");
    world.connect();
    // The mark has arrived, and the reply has not.
    let end = world.now;
    world.step(end);
    world.forge(world.revision(), "k0", true, 0);
    world.until("live", |world| world.is_live());
    assert!(!world.is_exact());
    is_found(&mut world);
}

#[test]
fn a_first_write_that_comes_again_is_found() {
    let mut world = World::joined(ReplicaSettings::default(), 0);
    let first = world.set("k0", "v");
    world.until("the first", |world| world.is_exact());
    world.set("k0", "w");
    world.until("the second", |world| world.is_exact());
    let change = Change::Set { key: b"k0", value: b"v" };
    world.publish(Notification::new(first, change).born(true).encode());
    is_found(&mut world);
}

#[test]
fn a_new_life_below_the_old_one_is_shown_at_once_and_proven_soon() {
    // WriteReply faster than once a millisecond, the old life is ahead of the clock.
    let mut world = World::joined(ReplicaSettings::default(), 50);
    world.server = life(world.clock() + 100_000, &[("k0", "old")]);
    world.run(10 * SECOND);
    assert!(world.is_exact());
    for restarts in 0..5 {
        let target = |world: &World, revision| world.reader.progress().target(Some(revision));
        world.server.delete_hash();
        let first = world.set("k0", &restarts.to_string());
        let waits = target(&world, first);
        let (resyncs, end) = (world.replica.status().resyncs, world.now);
        while !world.is_exact() {
            assert!(world.now == end, "it is not shown at once");
            world.step(end);
        }
        let in_doubt = world.replica.status().in_doubt;
        assert_eq!(in_doubt, restarts == 0, "later lives begin above the one before");
        let expected = if in_doubt { Wait::Pending } else { Wait::Reached };
        assert_eq!(world.reader.progress().check(&waits), expected);
        for number in 0..100 {
            world.set(&format!("n{number}"), "v");
        }
        let proof = world.reader.progress().fresh_target();
        world.sync();
        world.until("a proof", |world| world.reader.progress().check(&proof) == Wait::Reached);
        assert!(world.now - end < SECOND && world.is_exact());
        assert_eq!(world.reader.progress().check(&waits), Wait::Reached);
        assert_eq!((world.replica.status().resyncs, world.replica.status().differed), (resyncs, 0));
        // Verifications of successive lives pause in between.
        world.run(10 * SECOND);
    }
}

/// A forgery has a few bytes, and its verification reads the map.
#[test]
fn forgeries_that_keep_coming_cost_few_reads() {
    let mut world = World::joined(ReplicaSettings::default(), 1);
    world.run(10 * SECOND);
    world.forget();
    for _ in 0..500 {
        world.forge(world.revision(), "k0", true, 0);
        world.run(SECOND * 12 / 100);
    }
    let (pages, ..) = world.counts();
    assert!((10..60).contains(&pages), "{pages} pages in a minute");
    world.run(10 * SECOND);
    assert!(world.is_exact() && !world.replica.status().in_doubt);
}

#[test]
fn nothing_is_fresh_while_forged_content_is_shown() {
    let mut world = World::joined(ReplicaSettings::default(), 1);
    world.run(10 * SECOND);
    let wait = world.reader.progress().target(Revision::new(world.revision()));
    world.forge(world.revision(), "k0", true, 0);
    let end = world.now + SECOND;
    let mut shown = false;
    while !shown || !world.is_exact() {
        world.step(end);
        if !world.is_exact() {
            shown = true;
            assert_eq!(world.replica.status().fresh_at, None);
            assert_eq!(world.reader.progress().check(&wait), Wait::Pending);
        }
    }
    is_found(&mut world);
}

#[test]
fn a_cleared_map_is_not_in_doubt() {
    let mut world = World::joined(ReplicaSettings::default(), 5);
    world.write(Operation::Reset);
    world.until("the reset", |world| world.is_exact());
    world.server.delete_hash();
    world.now += SECOND;
    world.set("k0", "v");
    world.until("the new life", |world| world.is_exact());
    assert!(!world.replica.status().in_doubt);
    assert_eq!(world.counts().0, 0);
}
