//! The commands on a server in memory, in virtual time. `tests/program.rs` has the program on a real server.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use rmap_client::{Client, MemoryServer, Phase};
use rmap_testing::must_end;
use tempfile::NamedTempFile;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::pool::{self, Settings};
use super::{Config, follow, push, read};

/// A configuration of 5,000 keys.
fn five_thousand() -> BTreeMap<String, String> {
    let pool = [("pool/size", "8"), ("pool/idle-ms", "500")];
    let pool = pool.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pool.into_iter()
        .chain((0..4_998).map(|n| (format!("shop/{n:04}/rate-limit"), "100".to_owned())))
        .collect()
}

async fn push(client: &Client, entries: &BTreeMap<String, String>) -> Result<String, String> {
    let mut text = String::new();
    for (key, value) in entries {
        writeln!(text, "{key} = {value}").unwrap();
    }
    let mut file = NamedTempFile::with_suffix(".conf").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    push::push(client, file.path()).await.map_err(|error| error.to_string())
}

fn set(entries: &mut BTreeMap<String, String>, key: &str, value: &str) {
    entries.insert(key.to_owned(), value.to_owned());
}

/// Runs the pool, and hands out each settings that it gets.
fn run_pool(config: &Config) -> UnboundedReceiver<Settings> {
    let (sender, receiver) = unbounded_channel();
    let config = config.clone();
    tokio::spawn(async move {
        pool::follow(&config, |settings| _ = sender.send(settings.clone())).await;
    });
    receiver
}

fn settings(size: u64, idle_ms: u64) -> Settings {
    Settings { size, idle_ms }
}

#[tokio::test(start_paused = true)]
async fn a_push_says_what_it_has_set_deleted_and_left() {
    let client = MemoryServer::new().client();
    let mut entries = five_thousand();
    assert_eq!(push(&client, &entries).await.unwrap(), "push 1: 5000 set, 0 deleted, 0 unchanged");
    assert_eq!(push(&client, &entries).await.unwrap(), "push 2: 0 set, 0 deleted, 5000 unchanged");
    entries.remove("shop/0007/rate-limit");
    set(&mut entries, "shop/0008/rate-limit", "7");
    set(&mut entries, "pool/size", "9");
    set(&mut entries, "greeting", "Guten Tag");
    assert_eq!(push(&client, &entries).await.unwrap(), "push 3: 3 set, 1 deleted, 4997 unchanged");

    let config = read(&client).await.unwrap();
    let view = config.view();
    assert_eq!((view.len(), view.prefix("shop/").count()), (5_000, 4_997));
    assert_eq!(view.get("greeting").unwrap().as_str(), "Guten Tag");
}

#[tokio::test(start_paused = true)]
async fn a_file_with_a_bad_line_changes_nothing() {
    let server = MemoryServer::new();
    let mut entries = five_thousand();
    set(&mut entries, "pool/size", "0");
    let why = push(&server.client(), &entries).await.unwrap_err();
    assert!(why.ends_with("line 2: pool/size: `0` is no number above 0"), "{why}");
    assert!(server.content("config").unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_component_gets_all_its_changes_of_a_push_in_one_go() {
    let server = MemoryServer::new();
    let (pusher, mut entries) = (server.client(), five_thousand());
    push(&pusher, &entries).await.unwrap();
    let config = follow(&server.client()).await.unwrap();
    let mut pool = run_pool(&config);
    assert_eq!(must_end(pool.recv()).await, Some(settings(8, 500)));

    // 1,000 keys are one batch.
    for n in 0..998 {
        set(&mut entries, &format!("shop/{n:04}/rate-limit"), "200");
    }
    set(&mut entries, "pool/size", "16");
    set(&mut entries, "pool/idle-ms", "900");
    let changed = config.wait_until(|view| view.get("pool/size").is_some_and(|size| **size == "16"));
    let (pushed, view) = tokio::join!(push(&pusher, &entries), changed);
    assert_eq!(pushed.unwrap(), "push 2: 1000 set, 0 deleted, 4000 unchanged");
    // The first view with one of the changes has them all.
    let higher = view.unwrap().prefix("shop/").filter(|entry| **entry.value == "200").count();
    assert_eq!(higher, 998);
    assert_eq!(must_end(pool.recv()).await, Some(settings(16, 900)));

    config.close().await;
    assert_eq!(must_end(pool.recv()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_the_schema_refuses_keeps_the_last_good_one() {
    let server = MemoryServer::new();
    let mut entries = five_thousand();
    push(&server.client(), &entries).await.unwrap();
    let config = follow(&server.client()).await.unwrap();
    // Another program knows no schema.
    server.fill("config", [("pool/size", "many"), ("pool/idle-ms", "\u{fffd}")]).unwrap();
    server.fill("config", [("greeting", [0xff, 0xfe])]).unwrap();
    config.sync().await.unwrap();
    assert_eq!(Settings::of(&config.view()), settings(8, 500));
    assert_eq!((config.status().rejected(), config.get("greeting")), (3, None));

    set(&mut entries, "pool/size", "9");
    push(&server.client(), &entries).await.unwrap();
    config.sync().await.unwrap();
    assert_eq!((config.status().rejected(), Settings::of(&config.view())), (0, settings(9, 500)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_away_and_comes_back_leaves_the_component_running() {
    let server = MemoryServer::new();
    server.go_down();
    let config = follow(&server.client()).await.unwrap();
    let mut pool = run_pool(&config);
    assert_eq!(must_end(pool.recv()).await, Some(settings(4, 30_000)));

    // While this process cannot reach the server, others change it.
    server.fill("config", five_thousand()).unwrap();
    server.come_up();
    assert_eq!(must_end(pool.recv()).await, Some(settings(8, 500)));
    server.go_down();
    must_end(config.wait_for_phase(Phase::Disconnected)).await.unwrap();
    assert_eq!(config.len(), 5_000);
    server.fill("config", [("pool/size", "12")]).unwrap();
    server.come_up();
    assert_eq!(must_end(pool.recv()).await, Some(settings(12, 500)));

    // It lost everything: the component stays as it is until somebody pushes.
    server.restart();
    must_end(config.wait_for_phase(Phase::Kept)).await.unwrap();
    assert_eq!(config.len(), 5_000);
    push(&server.client(), &BTreeMap::from([("pool/size".to_owned(), "2".to_owned())])).await.unwrap();
    assert_eq!(must_end(pool.recv()).await, Some(settings(2, 30_000)));
    assert_eq!(config.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn pushes_at_once_are_all_counted_and_the_last_five_remembered() {
    let server = MemoryServer::new();
    let pushes = (0..8).map(|_| {
        let client = server.client();
        tokio::spawn(async move { push(&client, &five_thousand()).await.unwrap() })
    });
    let mut numbers = Vec::new();
    for pushing in pushes.collect::<Vec<_>>() {
        let line = pushing.await.unwrap();
        numbers.push(line.split_once(':').unwrap().0.to_owned());
    }
    numbers.sort();
    assert_eq!(numbers, (1..=8).map(|n| format!("push {n}")).collect::<Vec<_>>());
    let history = server.content("config-history").unwrap();
    let history = String::from_utf8(history.into_values().next().unwrap().into()).unwrap();
    assert!(
        history.starts_with("[8,[\"8: ") && history.contains("\"4: ") && !history.contains("\"3: "),
        "{history}"
    );
}
