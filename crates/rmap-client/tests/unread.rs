//! The memory of many unread streams together. This test has a process of its own, because it measures the memory of
//! the process.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "support/changes.rs"]
mod changes;

use changes::{Content, content, drain};
use rmap_client::{Changes, Map, MemoryServer};

const STREAMS: usize = 10_000;

const WRITES: usize = 3_200;

/// Far below 1.4 GB, which one copy of the changes for each stream would take.
const MIB: usize = 100;

/// Resident memory of this process in MiB; zero where the system does not report it.
fn resident() -> usize {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse::<usize>().ok()
    };
    resident().unwrap_or_default() >> 10
}

/// Each key is set once, so folding saves nothing.
async fn write(writer: &Map, map: &Map, numbers: std::ops::Range<usize>) {
    for number in numbers {
        writer.set(format!("key {number}"), number.to_string()).await.unwrap();
        if number % 100 == 0 {
            map.sync().await.unwrap();
        }
    }
    map.sync().await.unwrap();
}

#[tokio::test]
async fn many_unread_streams_cost_little_and_hold_up_nobody() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    let writer = server.client().map("flags").join().await.unwrap();
    let before = resident();
    let mut streams: Vec<(Content, Changes)> = Vec::with_capacity(STREAMS);
    let mut others = Vec::new();
    for _ in 0..STREAMS / 2 {
        streams.push((Content::new(), map.changes()));
        others.push((map.subscribe(), map.status_changes()));
    }
    write(&writer, &map, 0..WRITES / 2).await;
    // The other half of the streams, each at a place of its own.
    for number in 0..STREAMS / 2 {
        let (view, changes) = map.view_and_changes().await;
        let begins_with = if number % 1000 == 0 { content(&view) } else { Content::new() };
        streams.push((begins_with, changes));
        if number < WRITES / 2 {
            let number = WRITES / 2 + number;
            write(&writer, &map, number..number + 1).await;
        }
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < MIB, "{grown} MiB");
    map.close().await;
    for (mut folded, mut changes) in streams.into_iter().step_by(1000) {
        drain(&mut folded, &mut changes).await;
        assert_eq!(folded, content(&map.view()));
    }
    for (mut events, mut statuses) in others.into_iter().step_by(1000) {
        assert!(events.next().await.is_some() && statuses.next().await.is_some());
    }
    println!("{grown} MiB more for {STREAMS} streams of each kind and {WRITES} writes");
}
