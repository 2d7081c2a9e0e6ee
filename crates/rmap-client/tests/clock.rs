//! A computer that sleeps: no proof from before the sleep counts afterwards.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rmap_client::{Client, Clock, Error, Map, MapSettings, MemoryServer, SystemClock};
use support::eventually;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A clock that can pretend that the computer slept.
#[derive(Debug, Default)]
struct Sleeper {
    system: SystemClock,
    slept: AtomicU64,
}

impl Sleeper {
    fn sleep(&self, time: Duration) {
        self.slept.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for Sleeper {
    fn now(&self) -> Duration {
        self.system.now() + Duration::from_millis(self.slept.load(Ordering::Relaxed))
    }
}

/// A map whose probes are an hour apart.
async fn joined(server: &MemoryServer) -> (Arc<Sleeper>, Map) {
    let clock = Arc::new(Sleeper::default());
    let replica = MapSettings::default().probe_interval(HOUR);
    let client = Client::builder().clock(clock.clone()).maps(replica).with_transport(server.transport());
    let map = client.map("flags").join().await.unwrap();
    (clock, map)
}

/// The staleness that a refusal names, and whether it says that the computer slept.
fn refused(map: &Map, bound: Duration) -> (Duration, bool) {
    let error = map.fresh(bound).unwrap_err();
    let Error::Stale { staleness, slept, .. } = error else { panic!("{error}") };
    (staleness.unwrap(), slept)
}

#[tokio::test(start_paused = true)]
async fn staleness_grows_while_the_computer_sleeps() {
    let (clock, map) = joined(&MemoryServer::new()).await;
    map.sync().await.unwrap();
    let before = map.status();
    assert!(map.fresh(SECOND * 5).is_ok());
    clock.sleep(SECOND * 30);
    // No task of the map has run since the sleep.
    let (staleness, slept) = refused(&map, SECOND * 5);
    assert!(staleness >= SECOND * 30 && slept, "{staleness:?}");
    for status in [before, map.status()] {
        assert!(status.staleness().unwrap() >= SECOND * 30 && status.phase_age() >= SECOND * 30, "{status}");
    }
    let said = map.fresh(SECOND * 5).unwrap_err().to_string();
    assert!(said.contains("proven fresh 30.0s ago and not since the computer slept"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn no_bound_is_long_enough_for_what_was_proven_before() {
    let (clock, map) = joined(&MemoryServer::new()).await;
    map.sync().await.unwrap();
    for nap in [SECOND, SECOND * 30, HOUR * 24 * 400] {
        clock.sleep(nap);
        assert!(refused(&map, Duration::MAX).1, "{nap:?}");
        map.sync().await.unwrap();
        assert!(map.fresh(SECOND).is_ok());
    }
    // A sleep of less than a second is no jump; the staleness merely includes it.
    clock.sleep(SECOND / 2);
    assert!(map.fresh(SECOND).is_ok() && map.fresh(SECOND / 4).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_map_asks_for_a_proof_by_itself_after_a_sleep() {
    let server = MemoryServer::new();
    let (clock, map) = joined(&server).await;
    let other = server.client().map("flags").join().await.unwrap();
    // The connection does not survive the sleep, but no event reports that.
    server.lose_messages(1);
    other.set("a", "1").await.unwrap();
    clock.sleep(SECOND * 30);
    let woken = Instant::now();
    eventually("a proof", || map.fresh(SECOND * 5).is_ok()).await;
    assert!(woken.elapsed() <= SECOND * 2, "{:?} of the paused clock", woken.elapsed());
    assert_eq!(map.get("a").unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn a_proof_counts_from_when_it_was_asked_for() {
    let server = MemoryServer::new();
    let (clock, map) = joined(&server).await;
    server.hold_messages();
    let syncing = map.clone();
    let syncing = tokio::spawn(async move { syncing.sync().await });
    // The server has answered, but the mark has not arrived yet.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    clock.sleep(SECOND * 30);
    server.release_messages();
    syncing.await.unwrap().unwrap();
    let (staleness, slept) = refused(&map, Duration::MAX);
    assert!(staleness >= SECOND * 30 && slept, "{staleness:?}");
    eventually("a proof", || map.fresh(SECOND * 5).is_ok()).await;
}

/// A sleep shortens the map's wait for its next deadline.
#[tokio::test(start_paused = true)]
async fn deadlines_pass_while_the_computer_sleeps() {
    let server = MemoryServer::new();
    let (clock, map) = joined(&server).await;
    let lived = server.client().map("flags").ttl(SECOND * 600).join().await.unwrap();
    lived.set("a", "1").await.unwrap();
    map.sync().await.unwrap();
    server.flush();
    // The hash expires during the sleep.
    clock.sleep(SECOND * 601);
    let woken = Instant::now();
    eventually("the content is gone", || map.is_empty()).await;
    assert!(woken.elapsed() <= SECOND * 2, "{:?} of the paused clock", woken.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_another_clock_staleness_follows_the_paused_one() {
    let map = Client::in_memory().map("flags").join().await.unwrap();
    map.sync().await.unwrap();
    let status = map.status();
    let before = (status.phase_age(), status.staleness().unwrap());
    tokio::time::advance(SECOND * 3).await;
    let gained = (status.phase_age() - before.0, status.staleness().unwrap() - before.1);
    // The computer that runs this test is unlikely to sleep now.
    assert_eq!(gained, (SECOND * 3, SECOND * 3));
}
