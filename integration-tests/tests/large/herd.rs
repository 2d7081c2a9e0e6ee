//! 200 replicas, each with its own connections, on a server that restarts.

use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};
use redis::cmd;
use rmap_client::{Client, Map, Outcome};

use crate::monitor::Monitor;

const REPLICAS: usize = 200;
const WINDOW: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_of_a_restarted_server_do_not_come_back_at_once() {
    let server = Server::builder().persistent().start();
    let first = join(&server).await;
    let text = "x".repeat(100);
    for number in 0..500 {
        first.set(format!("key{number}"), &text).await.unwrap();
    }
    let mut replicas = vec![first];
    for _ in 1..REPLICAS {
        replicas.push(join(&server).await);
    }

    let monitor = Monitor::start(&server);
    eventually_async("the monitor listens", || monitor_sees(&server, &monitor)).await;
    server.restart();
    let written = loop {
        // The first attempts may come before the writer has reconnected.
        match must_end(replicas[0].set("after", "restart")).await {
            Ok(written) => break written,
            Err(error) => assert!(
                matches!(error.outcome(), Some(Outcome::Rejected | Outcome::Indeterminate)),
                "{error}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    for replica in &replicas {
        eventually_async("every replica is back", || replica.revision() >= Some(written.revision)).await;
        assert_eq!(replica.len(), 501);
    }

    // Only a snapshot reads all fields with HGETALL.
    let mut snapshots = monitor.times("\"HGETALL\"");
    snapshots.sort_by(f64::total_cmp);
    let peak = snapshots
        .iter()
        .map(|begin| {
            snapshots.iter().filter(|time| (0.0..WINDOW.as_secs_f64()).contains(&(*time - begin))).count()
        })
        .max()
        .unwrap();
    let (first, last) = (snapshots[0], snapshots[snapshots.len() - 1]);
    println!(
        "{} snapshots for {REPLICAS} replicas within {:.2} s, at most {peak} within {WINDOW:?}",
        snapshots.len(),
        last - first
    );
    assert!(peak < REPLICAS / 2, "{peak} snapshots within {WINDOW:?}");
}

async fn join(server: &Server) -> Map {
    // There are 400 connections, perhaps on a slow machine.
    let patient = Client::builder().connect_timeout(Duration::from_secs(60));
    let client = must_end(patient.connect(server.url())).await.unwrap();
    must_end(client.map("herd").join_timeout(Duration::from_secs(60)).join()).await.unwrap()
}

fn monitor_sees(server: &Server, monitor: &Monitor) -> bool {
    cmd("ECHO").arg("listening").exec(&mut server.connection()).unwrap();
    !monitor.times("listening").is_empty()
}
