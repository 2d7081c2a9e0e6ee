//! Reports what maps and clients count to the recorder of the crate `metrics`. The names are those of `docs/metrics.md`.
//!
//! A task reads the numbers every few seconds, so neither reads nor notifications know of the recorder.

mod names;

use std::sync::Arc;
use std::time::Duration;

use metrics::{Label, SharedString, counter, gauge};
use rmap_core::Phase;
use tokio::sync::watch;

use self::names as name;
use crate::router::Router;
use crate::stats::{ClientStats, MapStats, Source};
use crate::store::StoreStatus;
use crate::sum::Sums;
use crate::sync::{Mutex, lock};

/// Time between two reports.
const INTERVAL: Duration = Duration::from_secs(5);

/// The metrics of one client.
#[derive(Debug)]
pub(crate) struct Registry {
    router: Arc<Router>,
    sums: Sums,
    reported: Mutex<Reported>,
}

/// The maps, and what was reported of the counts: a recorder gets the difference.
#[derive(Debug, Default)]
struct Reported {
    maps: Vec<(Arc<Source>, Option<MapStats>)>,
    client: Option<ClientStats>,
}

impl Registry {
    pub(crate) fn new(router: Arc<Router>, sums: Sums) -> Arc<Self> {
        Arc::new(Self { router, sums, reported: Mutex::default() })
    }

    pub(crate) fn add(&self, map: Arc<Source>) {
        lock(&self.reported).maps.push((map, None));
    }

    /// Reports until the client has ended, and once more then.
    pub(crate) async fn run(self: Arc<Self>, mut ended: watch::Receiver<()>) {
        let mut goes_on = true;
        while goes_on {
            self.report();
            tokio::select! {
                _ = ended.changed() => goes_on = false,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        self.report();
    }

    /// Reports all numbers as they are now.
    pub(crate) fn report(&self) {
        names::describe();
        let mut reported = lock(&self.reported);
        let stats = ClientStats::of(&self.router, &self.sums);
        report_client(&stats, reported.client.replace(stats).as_ref());
        // A closed map is reported once more: its phase, and what was counted until its end.
        reported.maps.retain_mut(|(map, last)| {
            let stats = map.stats();
            let closed = stats.phase == Phase::Closed;
            let label = Label::new(name::MAP_NAME, map.name.to_string());
            report_map(&label, &stats, last.as_ref());
            if let Some(store) = &map.store {
                report_store(&label, &store.get());
            }
            *last = Some(stats);
            !closed
        });
    }
}

fn report_client(stats: &ClientStats, last: Option<&ClientStats>) {
    set(name::MAPS, &[], stats.maps as f64);
    set(name::CONNECTED, &[], f64::from(u8::from(stats.connected)));
    set(name::RECEIVED, &[], stats.received_bytes as f64);
    set(name::UNREAD, &[], stats.unread_bytes as f64);
    let before = |count: fn(&ClientStats) -> u64| last.map_or(0, count);
    add(name::RECONNECTS, &[], stats.reconnects, before(|last| last.reconnects));
    add(name::LOST, &[], stats.lost_messages, before(|last| last.lost_messages));
    let Some(groups) = stats.groups else { return };
    let before = last.and_then(|last| last.groups).unwrap_or_default();
    let kind = |kind| [Label::from_static_parts(name::CALL_KIND, kind)];
    add(name::CALLS, &kind("alone"), groups.alone, before.alone);
    add(name::CALLS, &kind("group"), groups.groups, before.groups);
    add(name::GROUPED, &[], groups.grouped, before.grouped);
}

fn report_map(map: &Label, stats: &MapStats, last: Option<&MapStats>) {
    let only = [map.clone()];
    set(name::ENTRIES, &only, stats.entries as f64);
    set(name::SIZE, &only, stats.bytes as f64);
    // An alert on a high staleness must fire for a map that was never proven.
    set(name::STALENESS, &only, stats.staleness.map_or(f64::INFINITY, |age| age.as_secs_f64()));
    for phase in Phase::ALL {
        let labels = [map.clone(), Label::new(name::PHASE, phase.to_string())];
        set(name::PHASE, &labels, f64::from(u8::from(*phase == stats.phase)));
    }
    set(name::INBOX_DEPTH, &only, stats.inbox.messages as f64);
    set(name::INBOX_SIZE, &only, stats.inbox.bytes as f64);
    if let Some(took) = stats.probe_round_trip {
        set(name::PROBE_DURATION, &only, took.as_secs_f64());
    }
    let before = |count: fn(&MapStats) -> u64| last.map_or(0, count);
    add(name::NOTIFICATIONS, &only, stats.notifications, before(|last| last.notifications));
    add(name::NOTIFICATION_IO, &only, stats.notification_bytes, before(|last| last.notification_bytes));
    add(name::INBOX_DROPPED, &only, stats.inbox.dropped, before(|last| last.inbox.dropped));
    add(name::DIFFERED, &only, stats.differed, before(|last| last.differed));
    let resyncs = last.map(|last| last.resyncs).unwrap_or_default().by_reason();
    for ((reason, count), (_, before)) in stats.resyncs.by_reason().into_iter().zip(resyncs) {
        add(name::RESYNCS, &[map.clone(), Label::from_static_parts(name::REASON, reason)], count, before);
    }
    let writes = last.map(|last| last.writes).unwrap_or_default().by_outcome();
    for ((outcome, count), (_, before)) in stats.writes.by_outcome().into_iter().zip(writes) {
        add(name::WRITES, &[map.clone(), Label::from_static_parts(name::OUTCOME, outcome)], count, before);
    }
}

fn report_store(map: &Label, store: &StoreStatus) {
    let only = [map.clone()];
    // An alert on a high age must fire for a store that was never written.
    let age =
        store.written.map_or(f64::INFINITY, |written| written.at.elapsed().unwrap_or_default().as_secs_f64());
    set(name::STORE_AGE, &only, age);
    set(name::STORE_SIZE, &only, store.written.map_or(0.0, |written| written.bytes as f64));
    set(name::STORE_FAULTY, &only, f64::from(u8::from(store.fault.is_some())));
}

fn set(name: &'static str, labels: &[Label], value: f64) {
    gauge!(SharedString::const_str(name), labels.to_vec()).set(value);
}

/// A count of 0 is reported, too, so that its series exists from the beginning.
fn add(name: &'static str, labels: &[Label], count: u64, reported: u64) {
    counter!(SharedString::const_str(name), labels.to_vec()).increment(count.saturating_sub(reported));
}
