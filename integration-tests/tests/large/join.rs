//! A map that is read in pages.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd, pipe};
use rmap_client::{Client, MapSettings, Phase};

/// Number, time, microseconds, arguments, client and client name.
type Slow = (i64, i64, i64, Vec<Vec<u8>>, String, String);

fn entries() -> u64 {
    std::env::var("RMAP_LARGE_ENTRIES").map_or(100_000, |text| text.parse().expect("a number"))
}

fn key(number: u64) -> String {
    format!("service/key-{number:08}")
}

pub(crate) fn fill(raw: &mut Connection, entries: u64) {
    for begin in (0..entries).step_by(10_000) {
        let mut pipeline = pipe();
        for number in begin..entries.min(begin + 10_000) {
            pipeline
                .cmd("HSET")
                .arg("map:large:content")
                .arg(key(number))
                .arg(format!("{number:032}"))
                .ignore();
        }
        pipeline.exec(raw).unwrap();
    }
    cmd("HSET").arg("map:large:content").arg("=rev").arg("5").arg("=kind").arg("set").exec(raw).unwrap();
}

/// Measures PING over a separate connection, in microseconds.
fn pings(server: &Server, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<u128>> {
    let mut raw = server.connection();
    std::thread::spawn(move || {
        let mut times = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let begin = Instant::now();
            cmd("PING").exec(&mut raw).unwrap();
            times.push(begin.elapsed().as_micros());
        }
        times
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_reads_pages_and_tells_how_far_it_is() {
    let server = Server::start();
    let (mut raw, entries) = (server.connection(), entries());
    fill(&mut raw, entries);
    // Longer than a PING, since there are many PINGs.
    cmd("CONFIG").arg("SET").arg("slowlog-log-slower-than").arg("50").exec(&mut raw).unwrap();
    cmd("CONFIG").arg("SET").arg("slowlog-max-len").arg("10000").exec(&mut raw).unwrap();
    let client = must_end(Client::connect(&server.url())).await.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let pings = pings(&server, Arc::clone(&stop));
    let begin = Instant::now();
    let map = must_end(client.map("large").join()).await.unwrap();
    let took = begin.elapsed();
    stop.store(true, Ordering::Relaxed);
    let mut pings = pings.join().unwrap();
    pings.sort_unstable();
    assert_eq!(map.len() as u64, entries);
    assert_eq!(map.get(key(entries / 2)).unwrap(), format!("{:032}", entries / 2).as_str());

    let slow: Vec<Slow> = cmd("SLOWLOG").arg("GET").arg(10_000).query(&mut raw).unwrap();
    let slowest = slow.iter().map(|entry| entry.2).max().unwrap();
    println!(
        "{entries} entries: joined in {took:?}; a second client's PING took {} us at the median and {} us at most; \
         the slowest command took {slowest} us",
        pings[pings.len() / 2],
        pings[pings.len() - 1]
    );
    let pages = slow.iter().filter(|entry| entry.3[0].eq_ignore_ascii_case(b"hscan")).count() as u64;
    assert!(pages > entries / 20_000, "{pages} pages");
    assert!(!slow.iter().any(|entry| entry.3[0].eq_ignore_ascii_case(b"hgetall")));
    // The halves are read side by side. One scan was enough: the halves together are the whole.
    let cursors = slow.iter().filter(|entry| entry.3[0].eq_ignore_ascii_case(b"hscan"));
    let odd = cursors.filter(|entry| entry.3[2].last().is_some_and(|digit| digit % 2 == 1)).count() as u64;
    assert!(odd.abs_diff(pages - odd) < pages / 5, "{odd} pages of the second half, of {pages}");
    assert_eq!(map.status().resyncs(), 0);
}

/// The status of a resync shows the number of entries read so far.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resync_tells_its_progress_and_serves_the_old_content_meanwhile() {
    let server = Server::start();
    let (mut raw, entries) = (server.connection(), 50_000);
    fill(&mut raw, entries);
    let client = must_end(Client::connect(&server.url())).await.unwrap();
    // The stream keeps only the latest status. With so many pages some are seen.
    let pages = MapSettings::default().page_fields(50);
    let map = must_end(client.map("large").settings(pages).join()).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (mut statuses, told) = (map.status_changes(), Arc::clone(&seen));
    let watch = tokio::spawn(async move {
        while let Some(status) = statuses.next().await {
            told.lock().unwrap().push((status.phase(), status.scan()));
        }
    });
    let reader = map.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let reading = tokio::task::spawn_blocking(move || {
        while !stopped.load(Ordering::Relaxed) {
            let length = reader.view().len() as u64;
            assert!(length == entries || length == entries + 1, "{length} entries are shown");
            std::thread::yield_now();
        }
    });
    // WriteReply directly to the hash. A probe detects the write, and a scan repairs the content.
    cmd("HSET").arg("map:large:content").arg("behind").arg("x").exec(&mut raw).unwrap();
    must_end(map.sync()).await.unwrap();
    eventually_async("the field is there", || map.get("behind").is_some()).await;
    stop.store(true, Ordering::Relaxed);
    reading.await.unwrap();
    map.close().await;
    watch.await.unwrap();
    let seen = seen.lock().unwrap();
    let counts: Vec<u64> = seen
        .iter()
        .filter(|(phase, _)| *phase == Phase::Resyncing)
        .filter_map(|(_, scan)| scan.as_ref().map(|scan| scan.read))
        .collect();
    assert!(counts.iter().any(|&count| count > 0 && count < entries), "{seen:?}");
}

/// Processor time of this thread. Elapsed time if the system does not provide it.
fn ran(begin: Instant) -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| begin.elapsed(), Duration::from_nanos)
}

/// Longest time, from now on, for which other tasks of this thread ran between two turns of an always ready task.
fn longest_pause() -> (Arc<Mutex<Duration>>, tokio::task::JoinHandle<()>) {
    let longest = Arc::new(Mutex::new(Duration::ZERO));
    let told = Arc::clone(&longest);
    let ticking = tokio::spawn(async move {
        let begin = Instant::now();
        let mut last = ran(begin);
        loop {
            tokio::task::yield_now().await;
            let now = ran(begin);
            let mut longest = told.lock().unwrap();
            *longest = longest.max(now.saturating_sub(last));
            last = now;
        }
    });
    (longest, ticking)
}

/// An unread stream keeps every change of a reset. Recording and merging them pauses for other tasks, too.
#[tokio::test(flavor = "current_thread")]
async fn a_reset_beside_an_unread_stream_is_recorded_in_parts() {
    let server = Server::start();
    let (mut raw, entries) = (server.connection(), entries());
    fill(&mut raw, entries);
    let client = must_end(Client::connect(&server.url())).await.unwrap();
    let map = must_end(client.map("large").join()).await.unwrap();
    let (_, mut changes) = must_end(map.view_and_changes()).await;
    let (longest, ticking) = longest_pause();
    must_end(map.reset()).await.unwrap();
    eventually_async("the map is empty", || map.is_empty()).await;
    must_end(map.sync()).await.unwrap();
    let reset = std::mem::take(&mut *longest.lock().unwrap());
    must_end(map.set("after", "x")).await.unwrap();
    // Each key has one net change, however many were merged. The write's change may come before some of the reset.
    let mut deleted = 0;
    while deleted < entries {
        let change = must_end(changes.next()).await.unwrap();
        if change.key.as_bytes() != b"after" {
            assert!(change.old.is_some() && change.new.is_none(), "{change:?}");
            deleted += 1;
        }
        tokio::task::yield_now().await;
    }
    let read = *longest.lock().unwrap();
    ticking.abort();
    println!(
        "{entries} entries: another task of the same thread waited for {reset:?} at most, then for {read:?} while the stream was read"
    );
}

/// After a resync the map compares old and new content in parts. Other tasks of a single-threaded runtime run in
/// between, and notifications are applied. The emitted changes are complete and in order all the same.
#[tokio::test(flavor = "current_thread")]
async fn a_large_difference_is_told_in_parts() {
    let server = Server::start();
    let (mut raw, entries) = (server.connection(), entries());
    fill(&mut raw, entries);
    let client = must_end(Client::connect(&server.url())).await.unwrap();
    let map = must_end(client.map("large").join()).await.unwrap();
    let (view, mut changes) = must_end(map.view_and_changes()).await;
    let mut folded: HashMap<_, _> =
        view.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.clone())).collect();
    let (longest, ticking) = longest_pause();
    // WriteReply directly to the hash, with a higher revision: a tenth has another value, a tenth is gone, one key is new.
    let mut pipeline = pipe();
    for number in 0..entries / 10 {
        pipeline.cmd("HSET").arg("map:large:content").arg(key(number)).arg("other").ignore();
        pipeline.cmd("HDEL").arg("map:large:content").arg(key(entries - 1 - number)).ignore();
    }
    pipeline.cmd("HSET").arg("map:large:content").arg("behind").arg("x").arg("=rev").arg("9").ignore();
    pipeline.exec(&mut raw).unwrap();
    *longest.lock().unwrap() = Duration::ZERO;
    must_end(map.sync()).await.unwrap();
    // These writes come while the difference is emitted, or after it.
    for number in 0..100 {
        must_end(map.set(key(number), "after")).await.unwrap();
    }
    must_end(map.sync()).await.unwrap();
    let pause = *longest.lock().unwrap();
    // Either of these may come last, so the test counts the remaining differences.
    let last = map.view();
    let gone = folded.keys().filter(|key| last.get(key.as_slice()).is_none()).count();
    let mut differing =
        gone + last.iter().filter(|(key, value)| folded.get(key.as_bytes()) != Some(*value)).count();
    while differing > 0 {
        let change = must_end(changes.next()).await.unwrap();
        let key = change.key.as_bytes().to_vec();
        let shown = last.get(&key);
        differing += usize::from(change.new.as_ref() != shown);
        let old = match change.new {
            Some(new) => folded.insert(key, new),
            None => folded.remove(&key),
        };
        assert_eq!(old, change.old, "{:?}", change.key);
        differing -= usize::from(old.as_ref() != shown);
        tokio::task::yield_now().await;
    }
    ticking.abort();
    println!("{entries} entries: another task of the same thread waited for {pause:?} at most");
    assert_eq!(folded.len() as u64, entries - entries / 10 + 1);
}
