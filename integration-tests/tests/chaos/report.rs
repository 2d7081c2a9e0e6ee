//! The report of a run, as a table.

use std::fs;

pub(crate) fn print<K: AsRef<str>>(title: &str, counts: impl IntoIterator<Item = (K, u64)>) {
    println!("{title}");
    for (name, count) in counts {
        println!("  {:<28}{count:>9}", name.as_ref());
    }
}

/// Resident memory of this process in KiB, if the system provides it.
pub(crate) fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}
