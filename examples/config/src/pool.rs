//! A component that is configured by several keys at once.

use rmap_client::typed::TypedView;

use crate::Config;

/// The keys of the component.
const PREFIX: &str = "pool/";

/// How the pool of workers runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) size: u64,
    pub(crate) idle_ms: u64,
}

impl Settings {
    /// All settings of one revision, with defaults for what is not configured.
    pub(crate) fn of(view: &TypedView<String, String>) -> Self {
        // The schema accepts numbers alone here.
        let number = |key: &str| view.get(key).and_then(|value| value.parse().ok());
        Self { size: number("pool/size").unwrap_or(4), idle_ms: number("pool/idle-ms").unwrap_or(30_000) }
    }
}

/// Calls `apply` with the settings of now, and again whenever they have changed, until the configuration is closed.
pub(crate) async fn follow(config: &Config, mut apply: impl FnMut(&Settings)) {
    let mut changes = config.watch_prefix(PREFIX);
    let mut applied = None;
    loop {
        // A push that changes both keys is one step of the view, though it is two changes of the stream.
        let settings = Settings::of(&config.view());
        if applied.as_ref() != Some(&settings) {
            apply(&settings);
            applied = Some(settings);
        }
        if changes.next().await.is_none() {
            return;
        }
    }
}
