//! fred logs no warning about anything that this crate does.

use std::sync::{Mutex, Once};
use std::time::Duration;

use integration_tests::{Sentinel, Server, eventually_async};
use log::{Level, LevelFilter, Log, Metadata, Record};
use rmap_client::transport::Transport;

use super::support::{connect_within, connected, disconnected, must, tasks};

/// Warnings of all tests of this process.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            WARNINGS.lock().unwrap().push(format!("{}: {}", record.target(), record.args()));
        }
    }

    fn flush(&self) {}
}

/// Ends connections in every way: closed, dropped, refused, lost, given up while they are made.
async fn end_in_every_way(url: &str, server: &Server) {
    let connect = || connect_within(url, Duration::from_secs(5));
    must(connect()).await.unwrap().close().await;
    drop(must(connect()).await.unwrap());
    for wait in 0..10 {
        drop(tokio::time::timeout(Duration::from_millis(wait), connect()).await);
    }
    let transport = must(connect()).await.unwrap();
    connected(&transport).await;
    server.kill();
    disconnected(&transport).await;
    assert!(connect_within(url, Duration::from_millis(300)).await.is_err());
    must(transport.close()).await;
    server.restart();
    let transport = must(connect()).await.unwrap();
    connected(&transport).await;
    server.kill();
    disconnected(&transport).await;
    drop(transport);
    server.restart();
}

#[tokio::test]
async fn fred_is_not_asked_to_end_what_has_ended() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(LevelFilter::Warn);
    });
    let before = tasks();
    let server = Server::start();
    end_in_every_way(&server.url(), &server).await;
    let sentinel = Sentinel::of(&server);
    must(connect_within(&sentinel.url(), Duration::from_secs(5))).await.unwrap().close().await;
    eventually_async("the tasks to end", || tasks() == before).await;
    let warnings = WARNINGS.lock().unwrap().clone();
    let ours =
        |warning: &String| warning.contains("already stopped") || warning.contains("after calling quit");
    assert!(warnings.iter().any(|warning| warning.starts_with("fred")), "it is heard: {warnings:?}");
    assert!(!warnings.iter().any(ours), "{warnings:#?}");
}
