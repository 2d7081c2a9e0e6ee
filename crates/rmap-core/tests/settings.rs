//! The extreme values of every setting: no time overflows, and no request repeats without a pause.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::time::Duration;

use rmap_core::{Failure, Output, Phase, Replica, ReplicaSettings, Request};
use rmap_proto::{Entries, Page, Probe, ReadReply, Revision, Snapshot};

const NOW: Duration = Duration::from_secs(1_000_000);

fn times(time: Duration) -> ReplicaSettings {
    ReplicaSettings::default()
        .probe_interval(time)
        .probe_floor(time)
        .request_timeout(time)
        .reconnect_jitter(time)
        .resync_interval(time, time)
        .verify_interval(time)
}

fn probe(fields: u64, ttl: Option<Duration>) -> Probe {
    Probe::new(Revision::new(7), fields).ttl(ttl)
}

/// The answer of a server with one key.
fn reply(request: &Request) -> ReadReply {
    let probe = probe(2, Some(Duration::MAX));
    let content = vec![("a".into(), "1".into())];
    let entries = Entries::new(content, vec!["=rev".into()]);
    match request {
        Request::Snapshot { max_fields: 0, .. } => ReadReply::Snapshot(Snapshot::new(probe, None)),
        Request::Snapshot { .. } => ReadReply::Snapshot(Snapshot::new(probe, Some(entries))),
        Request::Probe => ReadReply::Probe(probe),
        Request::Page { count, .. } => {
            assert!(i64::try_from(*count).is_ok(), "Redis takes no larger number");
            ReadReply::Page(Page::new(0, entries))
        }
    }
}

/// Carries out the replica's requests until it is live, through all of its waits.
fn drive(replica: &mut Replica, now: &mut Duration) {
    for _ in 0..20 {
        while let Some(output) = replica.poll_output() {
            match output {
                Output::Subscribe { nonce } => replica.handle_subscribed(*now, &nonce),
                Output::Request { id, request } => {
                    replica.handle_mark(*now, id.get().to_string().as_bytes());
                    replica.handle_reply(*now, id, Ok(reply(&request)));
                }
                Output::ReplaceConnections { .. } | Output::Changed(_) | Output::StatusChanged => {}
            }
        }
        if replica.status().phase == Phase::Live {
            return;
        }
        *now = replica.poll_timeout().unwrap();
        replica.handle_timeout(*now);
    }
    panic!("not live: {:?}", replica.status());
}

/// Everything scheduled lies in the future, so a driver without an answer may sleep.
fn assert_may_sleep(replica: &Replica, now: Duration) {
    assert!(replica.poll_timeout().is_none_or(|at| at > now), "{:?}", replica.status());
}

/// Joins, probes, resyncs after failures, reconnects: everything that adds a setting to the current time.
fn live_through(settings: ReplicaSettings) {
    let (mut replica, mut now) = (Replica::new(settings, 1), NOW);
    replica.handle_connected(now, 1);
    assert_may_sleep(&replica, now);
    drive(&mut replica, &mut now);
    assert_may_sleep(&replica, now);
    for _ in 0..5 {
        replica.handle_sync(now);
        assert_may_sleep(&replica, now);
        replica.handle_lagged(now);
        drive(&mut replica, &mut now);
    }
    replica.handle_disconnected(now, "lost");
    replica.handle_connected(now, 2);
    drive(&mut replica, &mut now);
    replica.handle_connected(now, 3);
    let nonce = std::iter::from_fn(|| replica.poll_output())
        .find_map(|output| if let Output::Subscribe { nonce } = output { Some(nonce) } else { None });
    replica.handle_subscribe_failed(now, &nonce.unwrap(), Failure::Unavailable("lost".to_owned()));
    assert_may_sleep(&replica, now);
    drive(&mut replica, &mut now);
}

#[test]
fn the_longest_times_overflow_nothing() {
    live_through(times(Duration::MAX));
    live_through(times(Duration::MAX).small_map(0, 0));
}

#[test]
fn the_shortest_times_leave_pauses() {
    live_through(times(Duration::ZERO));
    live_through(times(Duration::ZERO).small_map(0, 0));
}

/// A server that refuses every request is not asked over and over without a pause.
#[test]
fn refusals_are_followed_by_pauses() {
    let (mut replica, mut requests) = (Replica::new(times(Duration::ZERO), 1), 0);
    replica.handle_connected(NOW, 1);
    while let Some(output) = replica.poll_output() {
        match output {
            Output::Subscribe { nonce } => replica.handle_subscribed(NOW, &nonce),
            Output::Request { id, .. } => {
                requests += 1;
                assert!(requests < 10, "asked again and again without a pause");
                replica.handle_reply(NOW, id, Err(Failure::Refused("no".to_owned())));
            }
            Output::ReplaceConnections { .. } | Output::Changed(_) | Output::StatusChanged => {}
        }
    }
    assert_may_sleep(&replica, NOW);
}

#[test]
fn the_greatest_counts_are_counts_that_a_server_takes() {
    let settings = || ReplicaSettings::default().page_fields(u64::MAX).held(usize::MAX, usize::MAX);
    live_through(settings().small_map(u64::MAX, u64::MAX));
    live_through(settings().small_map(0, 0));
}
