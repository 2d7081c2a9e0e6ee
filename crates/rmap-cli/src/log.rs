//! Log lines of the crates of rmap on standard error, when `RMAP_LOG` asks for them.
//!
//! fred logs through another facade and is not heard: it warns of what is normal here, such as a lost connection.

use std::env;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::command_error::CommandError;
use crate::output;

const VARIABLE: &str = "RMAP_LOG";

/// Begins to log.
pub(crate) fn start() -> Result<(), CommandError> {
    let Some(level) = env::var_os(VARIABLE) else { return Ok(()) };
    let level = level.to_str().and_then(|level| level.parse().ok());
    let level = level.ok_or_else(|| {
        CommandError::Usage(format!("{VARIABLE} must be off, error, warn, info, debug or trace"))
    })?;
    if level != LevelFilter::OFF {
        // It fails where somebody logs already, and nobody does before this.
        let _ = tracing::subscriber::set_global_default(Log { level, spans: AtomicU64::new(1) });
    }
    Ok(())
}

/// One line for each event. A command has one map, so spans, which name it, are left out.
#[derive(Debug)]
struct Log {
    level: LevelFilter,
    spans: AtomicU64,
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level && metadata.target().starts_with("rmap")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("rmap: {}", event.metadata().level()));
        event.record(&mut line);
        output::notice(&line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}
