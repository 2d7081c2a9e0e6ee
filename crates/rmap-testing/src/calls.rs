//! Counts of a server's commands and connections.

use redis::{Connection, cmd};

/// Number of calls of a command since the server's statistics were reset.
///
/// # Panics
///
/// When the server does not answer.
#[must_use]
pub fn calls(raw: &mut Connection, command: &str) -> u64 {
    counter(raw, "commandstats", &format!("cmdstat_{command}:calls=")).unwrap_or(0)
}

/// Number of connections that the server has ever accepted.
///
/// # Panics
///
/// When the server does not answer.
#[must_use]
pub fn connections_made(raw: &mut Connection) -> u64 {
    counter(raw, "stats", "total_connections_received:").expect("the server counts its connections")
}

/// The number after `prefix`, or `None` without such a line.
fn counter(raw: &mut Connection, section: &str, prefix: &str) -> Option<u64> {
    let statistics: String = cmd("INFO").arg(section).query(raw).expect("the server answers");
    let line = statistics.lines().find_map(|line| line.strip_prefix(prefix))?;
    Some(line.split(',').next().and_then(|count| count.parse().ok()).expect("a number"))
}
