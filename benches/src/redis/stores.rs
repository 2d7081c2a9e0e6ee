//! Restarts with a store beside joins without one, and the cost of writing the store.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rmap_bench::data::{SIZES, shuffled_keys};
use rmap_bench::figure::Figure;
use rmap_bench::notifications::Notifications;
use rmap_bench::session::Session;
use rmap_bench::timing::{millis, take_turns, unless_quick};
use rmap_client::{Client, Map, MapSettings, Restored, Revision, Store};

use crate::raw::encode;
use crate::world::{BORN, World};

/// Notifications of one burst, and the time between the starts of two bursts: 50,000 a second.
const BURST: u64 = 500;
const EVERY: Duration = Duration::from_millis(10);

pub(crate) fn measure(world: &World) {
    let mut session =
        Session::begin("redis-stores", "With a server: restarting with a store, and writing it");
    let folder = tempfile::tempdir().unwrap();
    for entries in [SIZES[2], SIZES[3]] {
        world.fill(&name(entries), entries);
        let path = folder.path().join(name(entries));
        drop(join(world, entries, Some(&path)));
        restarts(world, &mut session, entries, &path);
        writing(world, &mut session, entries, &path);
    }
    session.finish();
}

fn name(entries: u64) -> String {
    format!("stored-{entries}")
}

/// A map that is live, and its client; closed when dropped.
struct Joined<'a> {
    world: &'a World,
    client: Client,
    map: Map,
    took: f64,
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.world.runtime.block_on(self.client.close());
    }
}

fn join<'a>(world: &'a World, entries: u64, store: Option<&Path>) -> Joined<'a> {
    join_with(world, entries, store, Duration::from_secs(86_400))
}

fn join_with<'a>(world: &'a World, entries: u64, store: Option<&Path>, interval: Duration) -> Joined<'a> {
    // The notifications of the benchmark are no writes, and a probe would detect that.
    let client = world.client_with(MapSettings::default().probe_interval(Duration::from_secs(86_400)));
    let builder = client.map(name(entries));
    let start = Instant::now();
    let builder = match store {
        Some(path) => builder.store(Store::at(path).interval(interval)),
        None => builder,
    };
    let map = world.runtime.block_on(builder.join()).unwrap();
    let took = millis(start.elapsed());
    assert_eq!(map.len() as u64, entries);
    Joined { world, client, map, took }
}

fn restarts(world: &World, session: &mut Session, entries: u64, path: &PathBuf) {
    let with = || {
        let joined = join(world, entries, Some(path));
        assert_eq!(joined.map.status().restored(), &Restored::Taken);
        joined.took
    };
    let [with, without] =
        take_turns(unless_quick(7, 1), [&mut { with }, &mut || join(world, entries, None).took]);
    session.add(
        Figure::less("join with a store", "ms", with).entries(entries).beside("join without one", without),
    );
    let sent = |store: Option<&Path>| {
        let mut raw = world.raw();
        let before = raw.info("stats", "total_net_output_bytes");
        drop(join(world, entries, store));
        vec![(raw.info("stats", "total_net_output_bytes") - before) / 1024.0]
    };
    session.add(
        Figure::less("the server sends for it", "KiB", sent(Some(path)))
            .entries(entries)
            .beside("join without one", sent(None)),
    );
    let bytes = std::fs::metadata(path).unwrap().len() as f64;
    session.add(Figure::less("bytes of the file", "MiB", vec![bytes / f64::from(1 << 20)]).entries(entries));
}

fn writing(world: &World, session: &mut Session, entries: u64, path: &Path) {
    let write = |_| {
        let joined = join(world, entries, Some(path));
        let key = rmap_bench::data::key(0);
        world.runtime.block_on(joined.map.set(key, rmap_bench::data::value(0)).visible()).unwrap();
        let start = Instant::now();
        world.runtime.block_on(joined.map.close());
        millis(start.elapsed())
    };
    let closing = (0..unless_quick(5, 1)).map(write).collect();
    session.add(Figure::less("writing it, when the map closes", "ms", closing).entries(entries));

    // Without a pause between two writes of the store, far more than anybody sets.
    let other = path.with_extension("busy");
    let busy = || {
        // What is stored here is no content of the server, so that nobody may take it.
        let _ = std::fs::remove_file(&other);
        joined_under_load(world, entries, Some(&other))
    };
    let alone = || joined_under_load(world, entries, None);
    let (mut stored, mut plain) = (Vec::new(), Vec::new());
    for round in 0..unless_quick(4, 1) {
        let (first, second): (&dyn Fn() -> f64, &dyn Fn() -> f64) =
            if round % 2 == 0 { (&busy, &alone) } else { (&alone, &busy) };
        let (first, second) = (first(), second());
        let (with, without) = if round % 2 == 0 { (first, second) } else { (second, first) };
        stored.push(with);
        plain.push(without);
    }
    session.add(
        Figure::less("50,000 notifications a second, visible p99, stored all the time", "ms", stored)
            .entries(entries)
            .beside("without a store", plain),
    );
}

/// The 99th percentile of the time from sending a burst until its last notification is visible.
fn joined_under_load(world: &World, entries: u64, store: Option<&Path>) -> f64 {
    let keys = shuffled_keys(entries);
    let joined = join_with(world, entries, store, Duration::from_millis(100));
    let revision = joined.map.revision().unwrap().get();
    let channel = format!("map:{}:updates", name(entries));
    let mut notifications = Notifications::after(revision, &keys);
    let mut raw = world.raw();
    let mut times: Vec<f64> = (0..unless_quick(300_u64, 10))
        .map(|burst| {
            let publish = |payload: &[u8]| encode(&[b"PUBLISH".as_slice(), channel.as_bytes(), payload]);
            let commands: Vec<_> = (0..BURST).map(|_| publish(notifications.next())).collect();
            let start = Instant::now();
            raw.pipeline(&commands, 1);
            let last = Revision::new(revision + (burst + 1) * BURST);
            // A wait for a revision that has passed would ask the server, which has no such revision.
            while joined.map.revision() < last {
                std::thread::yield_now();
            }
            let took = start.elapsed();
            std::thread::sleep(EVERY.saturating_sub(took));
            millis(took)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    assert!(revision >= BORN);
    times[times.len() * 99 / 100]
}
