//! Lines that carry few bytes a second. Every answer arrives, once, however long that takes.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod world;

use std::time::Duration;

use rmap_core::{ReplicaSettings, Request};
use world::{Sight, World};

const SECOND: Duration = Duration::from_secs(1);

/// A map of 900 keys with 1,000 bytes each.
const MAP: &[(usize, usize)] = &[(900, 1_000)];

const VALUE: usize = 16 << 20;

fn world(rate: u64, entries: &[(usize, usize)]) -> World {
    let mut world = World::new(rate, entries);
    world.add(Sight::Replies, 1, &ReplicaSettings::default());
    world
}

/// No request went over the line twice: the bytes on the line are one content for each replica, and a little more.
#[track_caller]
fn assert_crossed_once(world: &World, before: u64) {
    let replicas: usize = world.processes.iter().map(|process| process.replicas.len()).sum();
    let (crossed, bytes) = (world.crossed - before, world.bytes() * replicas as u64);
    assert!(crossed < bytes + bytes / 10, "{crossed} bytes crossed for {bytes}");
    assert!(world.processes.iter().all(|process| process.replaced.is_empty()), "connections were replaced");
}

#[test]
fn a_join_over_a_slow_line_reads_the_map_once() {
    let mut world = world(200_000, MAP);
    world.settle(10 * SECOND);
    assert_crossed_once(&world, 0);
}

#[test]
fn a_cut_and_one_write_are_repaired_by_one_read() {
    let mut world = world(200_000, MAP);
    world.settle(10 * SECOND);
    world.cut();
    let before = world.crossed;
    world.set("after", 10);
    world.settle(10 * SECOND);
    assert_crossed_once(&world, before);
}

/// A write that nobody notices before the next probe.
#[test]
fn a_gap_is_repaired_by_one_read() {
    let mut world = world(50_000, MAP);
    world.settle(60 * SECOND);
    let before = world.crossed;
    let silent = std::mem::take(&mut world.processes);
    world.set("unheard", 10);
    world.processes = silent;
    world.settle(60 * SECOND);
    assert_crossed_once(&world, before);
}

#[test]
fn a_large_map_is_scanned_once() {
    let mut world = world(200_000, &[(5_000, 1_000)]);
    world.settle(60 * SECOND);
    assert_crossed_once(&world, 0);
    world.cut();
    let before = world.crossed;
    world.set("after", 10);
    world.settle(60 * SECOND);
    assert_crossed_once(&world, before);
}

#[test]
fn a_large_value_arrives() {
    let mut world = world(200_000, &[(1, VALUE), (100, 1_000)]);
    let took = world.settle(120 * SECOND);
    assert!(took > 80 * SECOND, "{took:?}");
    assert_crossed_once(&world, 0);
    world.cut();
    let before = world.crossed;
    world.set("after", 10);
    world.settle(120 * SECOND);
    assert_crossed_once(&world, before);
}

/// Pages of two halves overlap, so a large value is in one page wherever it stands.
#[test]
fn a_large_value_among_few_fields_is_read_once() {
    for place in 0..16 {
        let mut world = world(1_000_000, &[(100, 1_000), (1, (2 << 20) + place)]);
        world.settle(10 * SECOND);
        assert_crossed_once(&world, 0);
    }
}

/// The mark of a read waits behind a notification that takes longer than any step.
#[test]
fn a_large_notification_before_the_mark_is_waited_for() {
    let mut world = world(200_000, MAP);
    world.settle(10 * SECOND);
    world.set("large", VALUE);
    let before = world.crossed;
    world.until(200 * SECOND, World::is_right);
    assert!(world.crossed - before < VALUE as u64 + 100_000, "nothing was asked for again");
    assert!(world.processes[0].replaced.is_empty());
}

/// The answer to a subscription waits in the same way.
#[test]
fn a_subscription_behind_a_large_notification_is_not_asked_for_again() {
    let mut world = world(200_000, MAP);
    world.settle(10 * SECOND);
    world.set("large", VALUE / 8);
    let now = world.now;
    world.processes[0].join(now);
    let before = world.processes[0].subscriptions;
    world.settle(60 * SECOND);
    assert_eq!(world.processes[0].subscriptions, before + 1);
    assert!(world.processes[0].replaced.is_empty());
}

#[test]
fn replicas_that_share_a_line_read_the_map_once_each() {
    let mut world = World::new(2_000_000, MAP);
    for _ in 0..12 {
        world.add(Sight::Replies, 1, &ReplicaSettings::default());
    }
    world.settle(20 * SECOND);
    world.cut();
    let before = world.crossed;
    world.set("after", 10);
    world.settle(20 * SECOND);
    assert_crossed_once(&world, before);
}

/// Their replies come one after the other, the last after more than all steps together.
#[test]
fn the_maps_of_one_client_wait_for_each_other() {
    let mut world = World::new(200_000, MAP);
    world.add(Sight::Replies, 40, &ReplicaSettings::default());
    let took = world.settle(400 * SECOND);
    assert!(took > 150 * SECOND, "{took:?}");
    assert_crossed_once(&world, 0);
}

/// A transport like fred does not see a reply in progress. After all steps the pair is given up, and the next pair gets
/// twice the patience.
#[test]
fn a_reply_that_takes_longer_than_all_steps_arrives_over_a_later_pair() {
    let mut world = world(100_000, &[(1, VALUE), (100, 1_000)]);
    world.settle(600 * SECOND);
    let (crossed, bytes) = (world.crossed, world.bytes());
    assert!(crossed < 2 * bytes, "{crossed} bytes crossed for {bytes}");
    assert_eq!(world.processes[0].replaced.len(), 1);
}

/// A transport that sees the bytes waits as long as bytes arrive.
#[test]
fn bytes_that_arrive_are_progress() {
    for rate in [100_000, 20_000] {
        let mut world = World::new(rate, &[(1, VALUE), (100, 1_000)]);
        world.add(Sight::Bytes, 1, &ReplicaSettings::default());
        world.settle(1_000 * SECOND);
        assert_crossed_once(&world, 0);
    }
}

#[test]
fn what_is_asked_for_at_once_follows_the_rate() {
    let mut world = world(200_000, MAP);
    world.settle(10 * SECOND);
    world.cut();
    world.set("after", 10);
    world.processes[0].requests.clear();
    world.settle(10 * SECOND);
    let requests = &world.processes[0].requests;
    // A single answer would take longer than half a second, so the replica reads in pages.
    assert!(
        matches!(requests[0], Request::Snapshot { max_bytes: 90_000..=100_000, .. }),
        "{:?}",
        requests[0]
    );
    let counts = requests.iter().filter_map(|request| match request {
        Request::Page { count, .. } => Some(*count),
        Request::Snapshot { .. } | Request::Probe => None,
    });
    let most = counts.max().unwrap();
    assert!((60..=100).contains(&most), "{most} fields of 1,000 bytes");
    // On a fast line the pages grow again.
    world.rate = 100_000_000;
    for after in ["a", "b"] {
        world.cut();
        world.set(after, 10);
        world.processes[0].requests.clear();
        world.settle(10 * SECOND);
    }
    assert_eq!(world.processes[0].requests[0], Request::Snapshot { max_fields: 1000, max_bytes: 1 << 20 });
}

/// The subscriber connection answers, and the command connection is silent.
#[test]
fn a_dead_command_connection_is_given_up_after_all_steps() {
    let mut world = world(1_000_000, MAP);
    world.settle(10 * SECOND);
    world.processes[0].deaf = true;
    let took = world.until(130 * SECOND, |world| !world.processes[0].replaced.is_empty());
    // The probe comes within 5 s, and then 2 + 4 + 8 + 16 + 32 + 60 s pass.
    assert!(took > 120 * SECOND && took <= 127 * SECOND, "{took:?}");
    world.processes[0].deaf = false;
    world.settle(10 * SECOND);
}

/// The answer to a PING sent after the reply stands behind the place of the mark, so the mark is lost.
#[test]
fn a_mark_that_is_published_elsewhere_is_not_waited_for() {
    for sight in [Sight::Replies, Sight::RepliesWithoutPing, Sight::Bytes] {
        let mut world = World::new(1_000_000, MAP);
        world.add(sight, 1, &ReplicaSettings::default());
        world.settle(10 * SECOND);
        world.processes[0].marks_lost = true;
        let took = world.until(20 * SECOND, |world| !world.processes[0].replaced.is_empty());
        assert!(took <= 9 * SECOND, "{took:?}");
        world.processes[0].marks_lost = false;
        world.settle(10 * SECOND);
    }
}

#[test]
fn patience_is_a_setting() {
    let mut world = World::new(1_000_000, MAP);
    world.add(Sight::Replies, 1, &ReplicaSettings::default().patience(4 * SECOND));
    world.settle(10 * SECOND);
    world.processes[0].deaf = true;
    let took = world.until(20 * SECOND, |world| !world.processes[0].replaced.is_empty());
    assert!(took <= 11 * SECOND, "{took:?}");
}

#[test]
fn the_status_says_that_an_answer_is_late() {
    let mut world = world(200_000, MAP);
    let status = |world: &World| world.processes[0].replicas[0].status().late_since;
    world.until(5 * SECOND, |world| status(world).is_some());
    assert!(status(&world).unwrap() + 2 * SECOND <= world.now);
    world.settle(10 * SECOND);
    assert_eq!(status(&world), None);
    world.processes[0].deaf = true;
    world.until(10 * SECOND, |world| status(world).is_some());
    world.cut();
    assert_eq!(status(&world), None);
}

/// The mark proves that the server has the request, even without PINGs.
#[test]
fn without_ping_the_mark_is_the_sign_of_life() {
    let mut world = World::new(50_000, MAP);
    world.add(Sight::RepliesWithoutPing, 1, &ReplicaSettings::default());
    world.settle(60 * SECOND);
    assert_crossed_once(&world, 0);
}

/// Without counts there is no patience: 2 s, one retry, then new connections.
#[test]
fn who_sees_nothing_waits_for_nothing() {
    let mut world = World::new(1_000_000, MAP);
    world.add(Sight::Nothing, 1, &ReplicaSettings::default());
    world.settle(10 * SECOND);
    world.processes[0].deaf = true;
    let took = world.until(20 * SECOND, |world| !world.processes[0].replaced.is_empty());
    assert!(took <= 9 * SECOND, "{took:?}");
}
