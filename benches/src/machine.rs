//! Description of the machine behind the figures.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use rmap_testing::server_program;
use serde_json::{Value, json};

use crate::timing;

/// Processor, cores, kernel, server, compiler, commit and command, for the head of a run.
#[must_use]
pub fn describe() -> Value {
    json!({
        "cpu": cpu(),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "server": output(&server_program(), &["--version"]).map(|text| short_version(&text)),
        "rustc": output("rustc", &["--version"]),
        "commit": output("git", &["describe", "--always", "--dirty"]),
        "load": read("/proc/loadavg"),
        "seconds": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        "quick": timing::is_quick(),
        "command": "just bench",
    })
}

/// The description in one line.
#[must_use]
pub fn line(machine: &Value) -> String {
    let text = |key: &str| machine[key].as_str().unwrap_or("unknown").to_owned();
    format!(
        "{}, {} cores, Linux {}, {}, {}, commit {}, load {}; {}",
        text("cpu"),
        machine["cores"],
        text("kernel"),
        text("server"),
        text("rustc"),
        text("commit"),
        text("load"),
        text("command"),
    )
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

/// Shortens `Redis server v=7.0.15 sha=...` to the version.
fn short_version(text: &str) -> String {
    text.split(" sha=").next().unwrap_or(text).to_owned()
}
