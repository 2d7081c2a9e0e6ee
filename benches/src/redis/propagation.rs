//! Time from a write at one client until another client sees it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fred::clients::Client;
use fred::interfaces::{EventInterface, PubsubInterface};
use futures_core::Stream;
use hdrhistogram::Histogram;
use rmap_bench::data::{VALUE_BYTES, key};
use rmap_bench::figure::Figure;
use rmap_bench::notifications::{PAYLOAD_BYTES, VALUE_AT};
use rmap_bench::session::Session;
use rmap_bench::timing::unless_quick;
use rmap_client::{Changes, Map};
use tokio::time::timeout;

use crate::fred_alone;
use crate::world::World;
use crate::writes::sets_at_once;

const ENTRIES: u64 = 100_000;
const CHANNEL: &str = "bare";

/// Longest wait for the last message. Missing messages then count as merged into others.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shortest pause between started calls. At high rates several calls start after each pause.
const STEP: Duration = Duration::from_micros(50);

pub(crate) fn measure(world: &World) {
    let mut session = Session::begin(
        "redis-propagation",
        "With a server: from a write at one client until seen at another",
    );
    // The same number of keys as in the measurement of writes, because the rate is half of the writes' rate.
    world.fill("writes", ENTRIES);
    world.fill("alone", ENTRIES);
    let (from, to) = (world.client(), world.client());
    let (writer, reader) = (world.join(&from, "writes"), world.join(&to, "writes"));
    let (publisher, subscriber) = (fred_alone::connect(world), fred_alone::connect(world));
    world.runtime.block_on(subscriber.subscribe(vec![CHANNEL, "map:alone:updates"])).unwrap();

    let most = world.runtime.block_on(sets_at_once(&writer, unless_quick(20_000, 1_000)));
    let script = fred_alone::load_set_script(world);
    let ends =
        Ends { writer: &writer, reader: &reader, publisher: &publisher, subscriber: &subscriber, script };
    for (name, rate) in [("500 writes/s", 500.0), ("half of what is possible", most / 2.0)] {
        measure_at(world, &mut session, name, rate, &ends);
    }
    drop((writer, reader));
    world.runtime.block_on(async { tokio::join!(from.close(), to.close()) });
    fred_alone::close(world, &publisher);
    fred_alone::close(world, &subscriber);
    session.finish();
}

struct Ends<'a> {
    writer: &'a Map,
    reader: &'a Map,
    publisher: &'a Client,
    subscriber: &'a Client,
    /// The hash of the script of `set`.
    script: String,
}

fn measure_at(world: &World, session: &mut Session, name: &str, rate: f64, ends: &Ends<'_>) {
    let time = unless_quick(Duration::from_millis(1_500), Duration::from_millis(200));
    let quantiles = [("p50", 0.5), ("p99", 0.99)];
    let mut micros = [[(); 3]; 2].map(|row| row.map(|()| Vec::new()));
    for _ in 0..unless_quick(5, 2) {
        let rounds = [
            world.runtime.block_on(rmap(ends.writer, ends.reader, rate, time)),
            world.runtime.block_on(publish(ends, rate, time)),
            world.runtime.block_on(script(ends, rate, time)),
        ];
        for (row, (_, quantile)) in micros.iter_mut().zip(quantiles) {
            for (all, nanos) in row.iter_mut().zip(&rounds) {
                all.push(nanos.value_at_quantile(quantile) as f64 / 1e3);
            }
        }
    }
    for ((quantile, _), [ours, publish, script]) in quantiles.into_iter().zip(micros) {
        let figure = Figure::less(format!("propagation at {name}, {quantile}"), "us", ours.clone())
            .entries(ENTRIES)
            .beside("fred, PUBLISH until received", publish);
        session.add(if quantile == "p50" { figure.ratio_target(1.5) } else { figure });
        session.add(
            Figure::less(format!("propagation at {name}, {quantile}, again"), "us", ours)
                .entries(ENTRIES)
                .beside("fred, the script of one set until received", script),
        );
    }
}

async fn rmap(writer: &Map, reader: &Map, rate: f64, time: Duration) -> Histogram<u64> {
    let epoch = Instant::now();
    let (_, mut changes) = reader.view_and_changes().await;
    let expected = expected(rate, time);
    let receiver = tokio::spawn(async move {
        let mut nanos = Histogram::new(3).unwrap();
        while nanos.len() < expected {
            let Ok(Some(change)) = timeout(PATIENCE, next(&mut changes)).await else { break };
            record(&mut nanos, epoch, change.new.unwrap().as_bytes());
        }
        nanos
    });
    let writer = writer.clone();
    pace(expected, rate, move |number| {
        let writer = writer.clone();
        async move {
            writer.set(key(number * 7_919 % ENTRIES), stamp(epoch)).await.unwrap();
        }
    })
    .await;
    receiver.await.unwrap()
}

/// Publishes messages of a notification's size.
async fn publish(ends: &Ends<'_>, rate: f64, time: Duration) -> Histogram<u64> {
    let epoch = Instant::now();
    let publisher = ends.publisher.clone();
    without_rmap(ends, rate, time, epoch, move |_| {
        let publisher = publisher.clone();
        async move {
            let mut payload = [b' '; PAYLOAD_BYTES];
            payload[VALUE_AT..VALUE_AT + VALUE_BYTES].copy_from_slice(&stamp(epoch));
            let _: i64 = publisher.publish(CHANNEL, &payload[..]).await.unwrap();
        }
    })
    .await
}

/// The minimum of a write through fred: each write calls the script by itself, and nobody keeps a copy.
async fn script(ends: &Ends<'_>, rate: f64, time: Duration) -> Histogram<u64> {
    let epoch = Instant::now();
    let (publisher, hash) = (ends.publisher.clone(), Arc::<str>::from(&*ends.script));
    without_rmap(ends, rate, time, epoch, move |number| {
        let (publisher, hash) = (publisher.clone(), Arc::clone(&hash));
        async move {
            let key = key(number * 7_919 % ENTRIES);
            fred_alone::call_set_script(&publisher, &hash, "alone", &key, &stamp(epoch)).await;
        }
    })
    .await
}

/// Runs calls that each cause one message, which fred receives.
async fn without_rmap<F: Future<Output = ()> + Send + 'static>(
    ends: &Ends<'_>,
    rate: f64,
    time: Duration,
    epoch: Instant,
    call: impl Fn(u64) -> F + Send + 'static,
) -> Histogram<u64> {
    let mut messages = ends.subscriber.message_rx();
    let expected = expected(rate, time);
    let receiver = tokio::spawn(async move {
        let mut nanos = Histogram::new(3).unwrap();
        while nanos.len() < expected {
            let Ok(Ok(message)) = timeout(PATIENCE, messages.recv()).await else { break };
            record(&mut nanos, epoch, &message.value.as_bytes().unwrap()[VALUE_AT..VALUE_AT + VALUE_BYTES]);
        }
        nanos
    });
    pace(expected, rate, call).await;
    receiver.await.unwrap()
}

fn expected(rate: f64, time: Duration) -> u64 {
    (rate * time.as_secs_f64()) as u64
}

/// Starts calls at a rate, without waiting for their ends.
///
/// It runs on a separate thread, because the runtime's timers have millisecond resolution and would start many calls at
/// once.
async fn pace<F: Future<Output = ()> + Send + 'static>(
    count: u64,
    rate: f64,
    call: impl Fn(u64) -> F + Send + 'static,
) {
    let runtime = tokio::runtime::Handle::current();
    let pacing = move || {
        let (start, mut sent) = (Instant::now(), 0);
        while sent < count {
            let due = count.min((start.elapsed().as_secs_f64() * rate) as u64 + 1);
            for number in sent..due {
                runtime.spawn(call(number));
            }
            sent = due;
            let next = Duration::from_secs_f64(sent as f64 / rate).saturating_sub(start.elapsed());
            thread::sleep(next.max(STEP));
        }
    };
    tokio::task::spawn_blocking(pacing).await.unwrap();
}

/// The time since the epoch, as a value to write.
fn stamp(epoch: Instant) -> Vec<u8> {
    format!("{:032}", epoch.elapsed().as_nanos()).into_bytes()
}

fn record(nanos: &mut Histogram<u64>, epoch: Instant, stamp: &[u8]) {
    let sent: u64 = std::str::from_utf8(stamp).unwrap().parse().unwrap();
    let now = u64::try_from(epoch.elapsed().as_nanos()).unwrap();
    nanos.record(now - sent).unwrap();
}

async fn next(changes: &mut Changes) -> Option<rmap_client::Change> {
    poll_fn(|context| Pin::new(&mut *changes).poll_next(context)).await
}
