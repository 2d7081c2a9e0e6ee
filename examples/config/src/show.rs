//! Printing values.

use std::collections::BTreeMap;

use crate::Config;

/// Prints the values under a prefix, in the order of their keys, all of one revision.
pub(crate) fn show(config: &Config, prefix: &str) {
    let view = config.view();
    let entries: BTreeMap<_, _> = view.prefix(prefix).map(|entry| (entry.key, entry.value)).collect();
    for (key, value) in entries {
        println!("{key} = {value}");
    }
    for rejected in view.all_rejected() {
        eprintln!("{}: {}", rejected.key(), rejected.why());
    }
}
