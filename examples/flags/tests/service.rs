//! The program on a real server, asked over HTTP.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod support;

use std::collections::BTreeMap;

use prometheus_parse::{Sample, Scrape, Value};
use rmap_testing::{Server, must_end};
use support::Program;

const FLAG: &str = r#"{"on":true,"percent":100}"#;

#[tokio::test]
async fn the_program_starts_before_its_server_serves_and_stops() {
    let server = Server::start();
    server.stop();
    let program = Program::start(&server.url()).await;
    assert_eq!(program.get("/healthz").await, (200, "alive".to_owned()));
    let (code, health) = program.get("/readyz").await;
    assert_eq!(code, 503, "{health}");

    server.restart();
    program.ready().await;
    let (code, answer) = program.put("/flags/search", FLAG).await;
    assert_eq!(code, 200, "{answer}");
    let (code, decision) = program.get("/flags/search?user=ann").await;
    assert_eq!((code, decision.as_str()), (200, r#"{"flag":"search","user":"ann","on":true}"#));

    // A second process, and a server that is gone again: the decisions go on.
    let other = Program::start(&server.url()).await;
    other.ready().await;
    assert_eq!(other.get("/flags/search?user=bob").await.0, 200);
    server.kill();
    assert_eq!(other.get("/flags/search?user=bob").await.0, 200);
    // 504: the write was on its way when the server died.
    let (code, answer) = other.put("/flags/search", FLAG).await;
    assert!(code == 503 || code == 504, "{code}: {answer}");

    let stream = program.open("/flags/search/changes").await;
    assert!(program.stop().await.success());
    assert!(must_end(stream.rest()).await.contains("data: {\"on\":true"));
}

#[tokio::test]
async fn a_process_that_starts_in_an_outage_answers_with_stored_flags_until_the_server_comes() {
    let server = Server::builder().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always").start();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("flags.store");
    let program = Program::start_with(&server.url(), Some(&store)).await;
    program.ready().await;
    assert_eq!(program.put("/flags/search", FLAG).await.0, 200);
    assert!(program.stop().await.success());
    server.kill();

    let program = Program::start_with(&server.url(), Some(&store)).await;
    let decision = r#"{"flag":"search","user":"ann","on":true}"#.to_owned();
    assert_eq!(program.get("/flags/search?user=ann").await, (200, decision));
    // They were proven a moment ago, so the process may say that it is ready. It says where they come from.
    let (_, health) = program.get("/readyz").await;
    assert!(health.contains(r#""stored":true"#) && !health.contains(r#""phase":"live""#), "{health}");

    server.restart();
    let came = std::time::Instant::now();
    program.ready_and(r#""stored":false"#).await;
    println!("live {:?} after the server came", came.elapsed());
    let (_, health) = program.get("/readyz").await;
    assert!(health.contains(r#""phase":"live""#), "{health}");
    assert_eq!(program.put("/flags/search", FLAG).await.0, 200);
    assert!(program.stop().await.success());
}

#[tokio::test]
async fn prometheus_can_read_every_metric_of_the_table() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let program = Program::start_with(&server.url(), Some(&folder.path().join("flags.store"))).await;
    program.ready().await;
    assert_eq!(program.put("/flags/search", FLAG).await.0, 200);
    assert_eq!(program.put("/flags/search=x", FLAG).await.0, 400);

    let (code, text) = program.get("/metrics").await;
    assert_eq!(code, 200);
    let scrape = Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let of = |name: &str| scrape.samples.iter().filter(|sample| sample.metric == name).collect::<Vec<_>>();
    for (name, kind) in table() {
        let samples = of(&name.replace('.', "_"));
        // The first probe comes some seconds after the join.
        assert!(!samples.is_empty() || name == "rmap.map.probe.duration", "{name} is missing in {text}");
        for sample in samples {
            match (&sample.value, kind.as_str()) {
                (Value::Counter(_), "counter") | (Value::Gauge(_), "gauge") => {}
                (value, kind) => panic!("{name} is {value:?}, not a {kind}"),
            }
            let map = sample.labels.get("rmap_map_name");
            assert_eq!(map, name.starts_with("rmap.map.").then_some("flags"), "{name}");
        }
    }

    let value = |name, label| value(&scrape, name, label);
    assert_eq!(value("rmap_map_entries", None), 1.0);
    assert_eq!(value("rmap_map_phase", Some(("rmap_map_phase", "live"))), 1.0);
    assert_eq!(value("rmap_map_phase", Some(("rmap_map_phase", "kept"))), 0.0);
    assert_eq!(value("rmap_map_writes", Some(("rmap_write_outcome", "committed"))), 1.0);
    assert_eq!(value("rmap_map_writes", Some(("rmap_write_outcome", "rejected"))), 1.0);
    assert_eq!(value("rmap_client_connected", None), 1.0);
    assert!((0.0..30.0).contains(&value("rmap_map_staleness", None)));
}

/// The value of the series of this name, with this label.
fn value(scrape: &Scrape, name: &str, label: Option<(&str, &str)>) -> f64 {
    let mut samples = scrape.samples.iter().filter(|sample| sample.metric == name);
    let has = |sample: &&Sample| label.is_none_or(|(label, value)| sample.labels.get(label) == Some(value));
    match samples.find(has).map(|sample| &sample.value) {
        Some(Value::Counter(value) | Value::Gauge(value)) => *value,
        other => panic!("{name} {label:?} is {other:?}"),
    }
}

/// The names and kinds of the table in `docs/metrics.md`.
fn table() -> BTreeMap<String, String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `rmap.") && line.matches('|').count() == 6);
    let table: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            (cells[1].clone(), cells[2].clone())
        })
        .collect();
    assert!(table.len() > 20, "{} rows", table.len());
    table
}
