//! `ttl` and `sliding_ttl`.

use std::time::Duration;

use crate::{eventually_async, must_end};
use rmap_client::{EventKind, Map, MapBuilder, MapSettings};

use super::every;
use super::wire;
use crate::contract::world::World;

const HOUR: Duration = Duration::from_secs(3600);

/// Much less than an hour, and much more than the duration of a test.
const LESS: Duration = Duration::from_secs(1800);

/// The remaining time to live after each write that applies, each on its own hash with this time to live.
async fn after_each(
    world: &mut World,
    before: Option<Duration>,
    lifetime: impl Fn(MapBuilder) -> MapBuilder,
) -> Vec<(&'static str, Option<Duration>)> {
    let mut left = Vec::new();
    loop {
        world.begin(before);
        let map = must_end(lifetime(world.map()).join()).await.unwrap();
        let Some((name, writing)) = every::applied(&map).into_iter().nth(left.len()) else { return left };
        must_end(writing).await.unwrap();
        left.push((name, world.ttl()));
    }
}

pub(crate) async fn without_a_time_to_live_writes_leave_it_alone(mut world: World) {
    for (name, ttl) in after_each(&mut world, None, |map| map).await {
        assert_eq!(ttl, None, "{name}");
    }
    for (name, ttl) in after_each(&mut world, Some(LESS), |map| map).await {
        assert!(ttl.unwrap() <= LESS, "{name}: {ttl:?}");
    }
}

pub(crate) async fn a_time_to_live_is_given_by_every_write_that_applies(mut world: World) {
    for (name, ttl) in after_each(&mut world, None, |map| map.ttl(HOUR)).await {
        let ttl = ttl.unwrap();
        assert!(LESS < ttl && ttl <= HOUR, "{name}: {ttl:?}");
    }
}

pub(crate) async fn a_time_to_live_is_not_extended_by_any_write(mut world: World) {
    for (name, ttl) in after_each(&mut world, Some(LESS), |map| map.ttl(HOUR)).await {
        assert!(ttl.unwrap() <= LESS, "{name}: {ttl:?}");
    }
}

pub(crate) async fn a_sliding_time_to_live_is_refreshed_by_every_write_that_applies(mut world: World) {
    for before in [None, Some(LESS), Some(2 * HOUR)] {
        for (name, ttl) in after_each(&mut world, before, |map| map.sliding_ttl(HOUR)).await {
            let ttl = ttl.unwrap();
            assert!(LESS < ttl && ttl <= HOUR, "{name} after {before:?}: {ttl:?}");
        }
    }
}

pub(crate) async fn no_time_to_live_is_touched_by_a_write_that_does_not_apply(mut world: World) {
    let absolute = must_end(world.map().ttl(HOUR).join()).await.unwrap();
    let sliding = must_end(world.map().sliding_ttl(HOUR).join()).await.unwrap();
    for map in [&absolute, &sliding] {
        world.begin(Some(LESS));
        for (name, writing) in every::not_applied(map) {
            world.unchanged_by(writing).await.unwrap();
            assert!(world.ttl().unwrap() <= LESS, "{name}");
        }
        world.begin(None);
        for (name, writing) in every::not_applied(map) {
            world.unchanged_by(writing).await.unwrap();
            assert_eq!(world.ttl(), None, "{name}");
        }
    }
}

pub(crate) async fn no_time_to_live_is_touched_by_a_write_that_is_refused(mut world: World) {
    let map = must_end(world.map().sliding_ttl(HOUR).join()).await.unwrap();
    world.begin(Some(LESS));
    world.plant("k", "[1]");
    assert!(world.unchanged_by(map.inc("k", 1)).await.is_err());
    assert!(world.unchanged_by(map.append_values("k", ["a"])).await.is_err());
    world.plant("=rev", "x");
    assert!(world.unchanged_by(map.set("k", "v")).await.is_err());
    assert!(world.unchanged_by(map.reset()).await.is_err());
    assert!(world.ttl().unwrap() <= LESS);
}

/// A map whose writes make the hash expire soon, which a probe detects.
async fn join_short_lived(world: &World, ttl: Duration) -> Map {
    let replica =
        MapSettings::default().probe_interval(Duration::from_millis(50)).probe_floor(Duration::ZERO);
    must_end(world.map().ttl(ttl).settings(replica).join()).await.unwrap()
}

pub(crate) async fn content_disappears_with_the_hash(mut world: World) {
    let map = join_short_lived(&world, Duration::from_millis(200)).await;
    let (mut changes, mut events) = (map.changes(), map.subscribe());
    let written = must_end(map.set("k", "v")).await.unwrap();
    let set = must_end(changes.next()).await.unwrap();
    assert_eq!((set.revision, set.old, set.new), (Some(written.revision), None, Some("v".into())));
    let gone = must_end(changes.next()).await.unwrap();
    assert_eq!((gone.revision, gone.old, gone.new), (None, Some("v".into()), None));
    while must_end(events.next()).await != Some(EventKind::Reset) {}
    eventually_async("there is no hash", || map.is_empty() && map.revision().is_none()).await;
    assert_eq!(world.hash().len(), 0);
    // Nobody wrote.
    assert_eq!(world.published().await, [wire::first_set("k", "v", written.revision.get())]);
}

pub(crate) async fn a_time_to_live_below_a_millisecond_is_one(mut world: World) {
    let map = join_short_lived(&world, Duration::from_nanos(1)).await;
    let mut changes = map.changes();
    let written = must_end(map.set("k", "v")).await.unwrap();
    assert_eq!(must_end(changes.next()).await.unwrap().new.unwrap(), "v");
    assert_eq!(must_end(changes.next()).await.unwrap().new, None);
    eventually_async("there is no hash", || map.revision().is_none()).await;
    assert_eq!((world.hash().len(), world.ttl()), (0, None));
    assert_eq!(world.published().await, [wire::first_set("k", "v", written.revision.get())]);
}

pub(crate) async fn revisions_rise_across_lives(mut world: World) {
    let map = join_short_lived(&world, Duration::from_millis(1)).await;
    let mut changes = map.changes();
    let mut last = 0;
    for _ in 0..3 {
        let revision = must_end(map.set("k", "v")).await.unwrap().revision.get();
        assert!(revision > last && revision > 1_000_000_000_000, "{revision} after {last}");
        last = revision;
        while must_end(changes.next()).await.unwrap().new.is_some() {}
        eventually_async("there is no hash", || map.revision().is_none()).await;
    }
    assert_eq!(world.hash().len(), 0);
}
