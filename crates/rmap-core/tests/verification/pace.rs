//! The cost of a verification for the server and the replica.

use std::time::Duration;

use rmap_core::{ReplicaSettings, Request};

use crate::world::{MS, SECOND, World};

const MICROSECOND: Duration = Duration::from_micros(1);

/// Times at which pages were requested.
fn pages(world: &World) -> Vec<(Duration, u64)> {
    let pages = world.asked.iter().filter_map(|(at, request)| match request {
        Request::Page { count, .. } => Some((*at, *count)),
        Request::Snapshot { .. } | Request::Probe => None,
    });
    pages.collect()
}

#[test]
fn after_a_page_the_replica_waits_99_times_as_long_as_it_took() {
    let mut world = World::new(ReplicaSettings::default().verify_interval(60 * SECOND));
    for number in 0..5000 {
        world.set(&format!("k{number}"), "v");
    }
    world.field_time = 3 * MICROSECOND;
    world.connect();
    world.until("the join", |world| world.is_live());
    world.run(10 * SECOND);
    world.forget();
    world.run(300 * SECOND);
    let pages = pages(&world);
    assert!(pages.len() > 50, "{}", pages.len());
    let busy: Duration = pages.iter().map(|_| 250 * 3 * MICROSECOND).sum();
    assert!(busy < 3 * SECOND);
    for (page, next) in pages.iter().zip(&pages[1..]).filter(|(page, _)| page.1 == 500) {
        assert!(next.0 - page.0 >= 450 * 3 * MICROSECOND * 100, "{page:?} {next:?}");
    }
}

/// A long way to the server is not the server's work, although a silent server looks the same.
#[test]
fn a_long_way_does_not_lengthen_the_pauses() {
    let mut times = Vec::new();
    for round_trip in [MS, 200 * MS] {
        let mut world = World::new(ReplicaSettings::default());
        world.round_trip = round_trip;
        for number in 0..5000 {
            world.set(&format!("k{number}"), "v");
        }
        world.connect();
        world.until("the join", |world| world.is_live());
        world.cut();
        world.connect();
        world.until("live", |world| world.is_live());
        let began = world.now;
        world.until("the verification", |world| !world.replica.status().in_doubt);
        let ways = u32::try_from(world.asked.len()).unwrap() * round_trip;
        times.push((world.now - began).saturating_sub(ways));
    }
    assert!(times.iter().all(|time| *time < SECOND), "{times:?}");
}

#[test]
fn a_page_that_came_during_a_sleep_does_not_put_the_next_off() {
    let mut world = World::joined(ReplicaSettings::default().verify_interval(60 * SECOND), 1000);
    world.until("a page", |world| world.counts().0 == 3);
    world.now += 8 * 3600 * SECOND;
    let woke = world.now;
    world.until("the next page", |world| world.counts().0 == 4);
    assert!(world.now - woke <= 61 * SECOND, "{:?}", world.now - woke);
}

#[test]
fn a_request_is_carried_out_without_pauses() {
    let mut world = World::joined(ReplicaSettings::default(), 5000);
    let began = world.now;
    assert_eq!(world.verified().compared, 5000);
    let requests = u32::try_from(world.asked.len()).unwrap();
    assert_eq!(world.now - began, requests * world.round_trip);
}

#[test]
fn pages_on_a_slow_line_are_small() {
    let mut world = World::new(ReplicaSettings::default());
    for number in 0..2000 {
        world.set(&format!("k{number}"), "v");
    }
    world.connect();
    world.until("the join", |world| world.is_live());
    world.forget();
    world.field_time = 5 * MS;
    assert!(world.verified().agrees());
    let counts: Vec<u64> = pages(&world).iter().map(|(_, count)| *count).collect();
    assert!(counts.iter().all(|count| *count <= 40), "{counts:?}");
}

#[test]
fn a_flood_of_writes_has_the_page_read_again() {
    let mut world = World::joined(ReplicaSettings::default(), 2000);
    world.replica.handle_verify(world.now);
    world.until("a page", |world| world.counts().0 == 5);
    for number in 0..70_000 {
        world.set(&format!("k{number}"), "w");
    }
    let cursor = |world: &World| match world.asked.last() {
        Some((_, Request::Page { cursor, .. })) => *cursor,
        other => panic!("{other:?}"),
    };
    let before = cursor(&world);
    let now = world.now;
    world.until("the page again", |world| world.counts().0 == 6);
    assert_eq!((cursor(&world), world.now), (before, now));
    world.until("the outcome", |world| {
        world.replica.poll_verified().is_some_and(|outcome| outcome.unwrap().agrees())
    });
    assert!(world.is_exact());
}

#[test]
fn a_map_that_does_not_verify_asks_for_nothing_more() {
    let mut world = World::joined(ReplicaSettings::default(), 3);
    world.run(100 * SECOND);
    let (pages, snapshots, probes) = world.counts();
    assert_eq!((pages, snapshots), (0, 0));
    assert!((20..=25).contains(&probes), "{probes}");
}
