//! The cost of 100 joined maps while nobody writes.

use std::collections::HashMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::unless_quick;
use rmap_client::Map;

use crate::raw::Raw;
use crate::world::World;

const MAPS: usize = 100;

/// Commands that our scripts or a client send, as opposed to commands inside a script.
const SENT: [&str; 8] = ["evalsha", "eval", "ping", "subscribe", "unsubscribe", "hscan", "hello", "client"];

pub(crate) fn measure(world: &World) {
    let time = unless_quick(Duration::from_secs(6), Duration::from_millis(500));
    let mut session =
        Session::begin("redis-idle", "With a server: 100 joined maps of 10 entries, nobody writes");
    for map in 0..MAPS {
        world.fill(&format!("idle-{map}"), 10);
    }
    let mut raw = world.raw();
    let (memory, connections) = (resident(), raw.info("clients", "connected_clients"));
    let client = world.client();
    let maps: Vec<Map> = (0..MAPS).map(|map| world.join(&client, &format!("idle-{map}"))).collect();
    let mut add = |name: &str, unit: &str, value: f64| session.add(Figure::less(name, unit, vec![value]));
    add("connections", "", raw.info("clients", "connected_clients") - connections);
    add("resident memory, the client included", "KiB", (resident() - memory) / 1024.0);
    add("the same for each map", "KiB", (resident() - memory) / 1024.0 / MAPS as f64);

    let (server, before, cpu, start) = (raw.server_seconds(), calls(&mut raw), cpu(), Instant::now());
    thread::sleep(time);
    let seconds = start.elapsed().as_secs_f64();
    let after = calls(&mut raw);
    let total = |names: &[&str]| -> f64 {
        let count = |name: &&str| after.get(*name).unwrap_or(&0.0) - before.get(*name).unwrap_or(&0.0);
        names.iter().map(count).sum()
    };
    // One of the calls is our own: the first reading of the counts.
    let all: Vec<&str> = after.keys().map(String::as_str).collect();
    add("requests sent", "/s", total(&SENT) / seconds);
    add("commands run by the server, in scripts too", "/s", (total(&all) - 1.0) / seconds);
    add("processor time of the process", "ms/s", (self::cpu() - cpu) * 1e3 / seconds);
    add("processor time of the server", "ms/s", (raw.server_seconds() - server) * 1e3 / seconds);
    drop(maps);
    world.runtime.block_on(client.close());
    session.finish();
}

/// Number of calls of each command so far.
fn calls(raw: &mut Raw) -> HashMap<String, f64> {
    let parse = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    raw.info_text("commandstats").lines().filter_map(parse).collect()
}

/// Seconds of processor time of all living threads.
fn cpu() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let nanos = |path: std::path::PathBuf| {
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.filter_map(|task| nanos(task.unwrap().path())).sum::<f64>() / 1e9
}

/// Resident bytes of this process.
fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}
