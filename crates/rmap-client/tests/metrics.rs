//! Reports of the feature `metrics`, and the table of their names.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "metrics/recorder.rs"]
mod recorder;
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use recorder::Recorder;
use rmap_client::{Map, MapSettings, MemoryServer, Store};
use support::eventually;

async fn joined(server: &MemoryServer, name: &str) -> (rmap_client::Client, Map) {
    let client = server.client();
    let map = client.map(name).settings(MapSettings::default().inbox(8, 1 << 20)).join().await.unwrap();
    (client, map)
}

/// The rows of the table in `docs/metrics.md`: name, kind, unit, and attributes without that of the map's name.
fn table() -> BTreeMap<String, (String, String, Vec<String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `rmap.") && line.matches('|').count() == 6);
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let attributes = cells[4].split(", ").filter(|it| !it.is_empty()).map(str::to_owned).collect();
        (cells[1].clone(), (cells[2].clone(), cells[3].clone(), attributes))
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn the_table_in_the_documentation_names_what_is_reported() {
    let recorder = Recorder::default();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let grouping = recorder::grouping_client();
    let map = grouping.map("flags").store(Store::in_memory()).join().await.unwrap();
    map.set_and_wait("k", "v").await.unwrap();
    map.sync().await.unwrap();
    grouping.record_metrics();

    let table = table();
    assert!(table.len() > 20, "{} rows", table.len());
    let described = recorder.described();
    let names: Vec<_> = table.keys().collect();
    assert_eq!(names, described.keys().collect::<Vec<_>>(), "described");
    for (name, (kind, unit, attributes)) in &table {
        let (told_kind, told_unit) = &described[name];
        assert_eq!(kind, told_kind, "{name}");
        // The facade has no unit for things that are counted: in the table they are named in braces.
        let is_counted = unit == "1" || unit.starts_with('{');
        assert_eq!(if is_counted { "" } else { unit.as_str() }, told_unit, "{name}");
        let series = recorder.series(name);
        assert!(!series.is_empty(), "{name} is never reported");
        for labels in series {
            let of_map = name.starts_with("rmap.map.").then(|| "rmap.map.name".to_owned());
            let expected: Vec<_> = of_map.into_iter().chain(attributes.clone()).collect();
            assert_eq!(labels, expected, "{name}");
        }
    }
    let all: Vec<_> = recorder.names().into_iter().filter(|name| !table.contains_key(name)).collect();
    assert_eq!(all, Vec::<String>::new(), "reported, but not in the table");
}

#[tokio::test(start_paused = true)]
async fn counts_are_reported_once_and_add_up() {
    let recorder = Recorder::default();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let server = MemoryServer::new();
    let (client, map) = joined(&server, "flags").await;
    map.set_and_wait("key", "value").await.unwrap();
    map.delete("missing").await.unwrap();
    map.set("bad=key", "value").await.unwrap_err();
    server.lose_replies(1);
    map.set("key", "other").await.unwrap_err();
    for _ in 0..3 {
        client.record_metrics();
    }
    let writes = |outcome| recorder.value("rmap.map.writes", &["flags", outcome]);
    let outcomes = ["committed", "not_applied", "rejected", "indeterminate"];
    assert_eq!(outcomes.map(writes), [1.0, 1.0, 1.0, 1.0]);
    assert_eq!(recorder.value("rmap.map.entries", &["flags"]), 1.0);
    assert_eq!(recorder.value("rmap.map.phase", &["flags", "live"]), 1.0);
    assert_eq!(recorder.value("rmap.map.phase", &["flags", "disconnected"]), 0.0);
    assert_eq!(recorder.value("rmap.client.connected", &[]), 1.0);

    server.flush();
    map.sync().await.unwrap();
    eventually("the map has heard", || map.is_empty()).await;
    server.drop_connections();
    map.sync().await.unwrap();
    client.record_metrics();
    assert_eq!(recorder.value("rmap.map.resyncs", &["flags", "mismatch"]), 1.0);
    assert_eq!(recorder.value("rmap.map.entries", &["flags"]), 0.0);
    assert_eq!(recorder.value("rmap.client.reconnects", &[]), 1.0);

    // What was counted since the last report is not lost with the client.
    map.set("key", "value").await.unwrap();
    client.close().await;
    eventually("the end is reported", || recorder.value("rmap.map.phase", &["flags", "closed"]) == 1.0).await;
    assert_eq!(writes("committed"), 2.0);
    assert_eq!(recorder.value("rmap.client.connected", &[]), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_client_reports_by_itself() {
    let recorder = Recorder::default();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let server = MemoryServer::new();
    let (_client, map) = joined(&server, "flags").await;
    map.set_and_wait("key", "value").await.unwrap();
    eventually("the entry is reported", || recorder.value("rmap.map.entries", &["flags"]) == 1.0).await;
    eventually("an age is reported", || recorder.value("rmap.map.staleness", &["flags"]) > 0.0).await;
    server.go_down();
    let down = || recorder.value("rmap.map.phase", &["flags", "disconnected"]) == 1.0;
    eventually("the outage is reported", down).await;
    eventually("the age grows", || recorder.value("rmap.map.staleness", &["flags"]) > 20.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_is_reported_where_there_is_one() {
    let recorder = Recorder::default();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let server = MemoryServer::new();
    let (client, _plain) = joined(&server, "plain").await;
    let store = Store::in_memory().interval(Duration::from_secs(1));
    let flags = client.map("flags").store(store).join().await.unwrap();
    client.record_metrics();
    assert_eq!(recorder.value("rmap.map.store.age", &["flags"]), f64::INFINITY);
    flags.set("k", "v").visible().await.unwrap();
    eventually("it is written", || flags.status().store().unwrap().written.is_some()).await;
    client.record_metrics();
    assert!(recorder.value("rmap.map.store.age", &["flags"]) < 60.0);
    assert!(recorder.value("rmap.map.store.size", &["flags"]) > 10.0);
    assert_eq!(recorder.value("rmap.map.store.faulty", &["flags"]), 0.0);
}
