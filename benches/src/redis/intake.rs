//! Notifications from the socket until they are visible.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fred::clients::Client;
use fred::interfaces::{EventInterface, PubsubInterface};
use fred::types::Message;
use rmap_bench::data::shuffled_keys;
use rmap_bench::figure::Figure;
use rmap_bench::notifications::Notifications;
use rmap_bench::session::Session;
use rmap_bench::timing::{rounds, take_turns, unless_quick};
use rmap_client::{Map, MapSettings, Revision};
use tokio::sync::broadcast::Receiver;
use tokio::task::JoinHandle;

use crate::fred_alone;
use crate::raw::{Raw, encode};
use crate::world::{BORN, World};

const ENTRIES: u64 = 100_000;

/// Largest lead of the publisher over the receiver. No queue overflows, and the receiver never waits.
const AHEAD: u64 = 8_192;

/// Watches of single keys, none of which changes.
const WATCHES: u64 = 1_000;

pub(crate) fn measure(world: &World) {
    let count = unless_quick(100_000, 10_000);
    let mut session = Session::begin(
        "redis-intake",
        "With a server: ready-made notifications, published as fast as they are taken, one map",
    );
    world.fill("intake", ENTRIES);
    world.fill("watched", ENTRIES);
    world.fill("by-hand", ENTRIES);
    // The hash does not change, and a probe would detect that.
    let client = world.client_with(MapSettings::default().probe_interval(Duration::from_secs(86_400)));
    let map = world.join(&client, "intake");
    let watched = world.join(&client, "watched");
    let by_hand = world.join(&client, "by-hand");
    let mut watching = watch(world, &watched);
    watching.extend(watch_by_hand(world, &by_hand));
    let fred = fred_alone::connect(world);
    world.runtime.block_on(fred.subscribe("map:alone:updates")).unwrap();

    let keys = shuffled_keys(ENTRIES);
    let after = || Notifications::after(BORN, &keys);
    let (mut ours, mut beside, mut hand, mut its) = (after(), after(), after(), after());
    let resyncs = map.status().resyncs();
    let [visible, watched_too, looped, delivered] = take_turns(
        rounds(),
        [
            &mut || rmap(world, &map, &mut ours, count),
            &mut || rmap(world, &watched, &mut beside, count),
            &mut || rmap(world, &by_hand, &mut hand, count),
            &mut || alone(world, &fred, &mut its, count),
        ],
    );
    assert_eq!(map.status().resyncs(), resyncs, "a queue overflowed");
    session.add(
        Figure::more("notifications until visible", "M/s", visible.clone())
            .entries(ENTRIES)
            .beside("fred, an empty loop", delivered)
            .ratio_target(0.9),
    );
    session.add(
        Figure::more("the same, 1,000 watches of other keys", "M/s", watched_too.clone())
            .entries(ENTRIES)
            .beside("without watches", visible),
    );
    session.add(
        Figure::more("the same, 1,000 watches of other keys, again", "M/s", watched_too)
            .entries(ENTRIES)
            .beside("1,000 loops over events by hand", looped),
    );
    drop((map, watched, by_hand));
    world.runtime.block_on(client.close());
    world.runtime.block_on(async {
        for watch in watching {
            watch.await.unwrap()
        }
    });
    fred_alone::close(world, &fred);
    session.finish();
}

/// Tasks that wait for keys which nobody changes; they end with the map.
fn watch(world: &World, map: &Map) -> Vec<JoinHandle<()>> {
    let watch = |number| {
        let mut watch = map.watch(format!("watched {number}"));
        world.runtime.spawn(async move { while watch.next().await.is_some() {} })
    };
    (0..WATCHES).map(watch).collect()
}

/// The same as a user would write it who has no watches: each task looks at its key after every event.
fn watch_by_hand(world: &World, map: &Map) -> Vec<JoinHandle<()>> {
    let watch = |number| {
        let (map, mut events, key) = (map.clone(), map.subscribe(), format!("watched {number}"));
        world.runtime.spawn(async move {
            let mut seen = map.get(&key);
            while events.next().await.is_some() {
                let value = map.get(&key);
                if value != seen {
                    seen = value;
                }
            }
        })
    };
    (0..WATCHES).map(watch).collect()
}

fn rmap(world: &World, map: &Map, notifications: &mut Notifications<'_>, count: u64) -> f64 {
    let commands = publishes(&format!("map:{}:updates", map.name()), notifications, count);
    let before = map.revision().unwrap().get();
    let seen = map.clone();
    let progress = move || seen.revision().unwrap().get() - before;
    millions(world, commands, progress, async {
        map.wait_for(Revision::new(before + count)).await.unwrap();
    })
}

fn alone(world: &World, fred: &Client, notifications: &mut Notifications<'_>, count: u64) -> f64 {
    let commands = publishes("map:alone:updates", notifications, count);
    let messages = fred.message_rx();
    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    let loop_ = world.runtime.spawn(empty_loop(messages, counter, count));
    millions(world, commands, move || received.load(Ordering::Relaxed), async { loop_.await.unwrap() })
}

async fn empty_loop(mut messages: Receiver<Message>, received: Arc<AtomicU64>, count: u64) {
    for number in 1..=count {
        messages.recv().await.expect("nothing is lost");
        received.store(number, Ordering::Relaxed);
    }
}

/// Publishes from a separate thread. Returns millions a second, measured until the last notification is visible.
fn millions(
    world: &World,
    commands: Vec<Vec<u8>>,
    progress: impl Fn() -> u64 + Send + 'static,
    end: impl Future<Output = ()>,
) -> f64 {
    let count = commands.len();
    let mut raw = Raw::connect(world.server.port());
    let start = Instant::now();
    let publisher = thread::spawn(move || {
        raw.pipeline_paced(&commands, 1, |sent| {
            while sent as u64 > progress() + AHEAD {
                thread::sleep(Duration::from_micros(50));
            }
        });
    });
    world.runtime.block_on(end);
    let elapsed = start.elapsed();
    publisher.join().unwrap();
    count as f64 / elapsed.as_secs_f64() / 1e6
}

fn publishes(channel: &str, notifications: &mut Notifications<'_>, count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|_| encode(&[b"PUBLISH".as_slice(), channel.as_bytes(), notifications.next()])).collect()
}
