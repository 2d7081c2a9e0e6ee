//! A diary of a map's statuses and of log messages, in order.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use integration_tests::eventually_async;
use rmap_client::Map;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// Lines, written by several sources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    /// Follows the status of a map, with one line for each new phase or reason.
    pub(crate) fn of_status(map: &Map) -> Self {
        let (diary, mut statuses) = (Self::default(), map.status_changes());
        let lines = diary.clone();
        tokio::spawn(async move {
            while let Some(status) = statuses.next().await {
                let line = format!("{}: {}", status.phase(), status.reason());
                if lines.lines().last() != Some(&line) {
                    lines.add(line);
                }
            }
        });
        diary
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.lines().iter().any(|line| line.contains(text))
    }

    pub(crate) async fn will_have(&self, text: &str) {
        eventually_async(&format!("{text:?} in {self:?}"), || self.has(text)).await;
    }

    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

/// Writes the log messages of rmap's crates into a diary: `LEVEL span fields: message field=value`. It serves the
/// current thread, by [`tracing::subscriber::set_default`].
#[derive(Debug, Default)]
pub(crate) struct Logger {
    pub(crate) diary: Diary,
    /// The name of each span, with its fields.
    pub(crate) spans: Arc<Mutex<Vec<String>>>,
    entered: Mutex<Vec<usize>>,
}

impl Logger {
    /// Serves the current thread until the guard is dropped.
    ///
    /// While a process has one dispatcher, tracing asks the thread that comes to a callsite first, and believes for
    /// every thread that nobody listens where that one does not. So there are always two.
    pub(crate) fn listen(self) -> DefaultGuard {
        static OTHER: OnceLock<Dispatch> = OnceLock::new();
        OTHER.get_or_init(|| Dispatch::new(Self::default()));
        tracing::subscriber::set_default(self)
    }
}

impl Subscriber for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("rmap") && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(format!(" {}", span.metadata().name()));
        span.record(&mut line);
        let mut spans = self.spans.lock().unwrap();
        spans.push(line.0 + ":");
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let spans = self.spans.lock().unwrap();
        let span = self.entered.lock().unwrap().last().map_or("", |index| &spans[*index]);
        let mut line = Line(format!("{}{span}", event.metadata().level()));
        event.record(&mut line);
        self.diary.add(line.0);
    }

    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap().push(usize::try_from(span.into_u64() - 1).unwrap());
    }

    fn exit(&self, _: &Id) {
        self.entered.lock().unwrap().pop();
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
        written.unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {}={value}", field.name()).unwrap();
    }
}
