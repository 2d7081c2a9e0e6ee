//! What a server was asked for.

use redis::{Connection, cmd};

/// How often the server has run a command since its statistics were reset.
///
/// # Panics
///
/// When the server does not tell.
#[must_use]
pub fn calls(raw: &mut Connection, command: &str) -> u64 {
    let statistics: String = cmd("INFO").arg("commandstats").query(raw).expect("the server answers");
    let prefix = format!("cmdstat_{command}:calls=");
    let Some(line) = statistics.lines().find_map(|line| line.strip_prefix(&prefix)) else { return 0 };
    line.split(',').next().and_then(|count| count.parse().ok()).expect("a number of calls")
}
