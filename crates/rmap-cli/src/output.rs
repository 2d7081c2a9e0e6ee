//! Standard output and error: exact bytes, and no panic when a reader goes away.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use crate::command_error::CommandError;
pub(crate) use crate::notice::notice;

/// Writes one line.
pub(crate) fn line(text: &str) -> Result<(), CommandError> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes bytes as they are; on a terminal a newline follows, so that the prompt has a line of its own.
pub(crate) fn value(value: &[u8]) -> Result<(), CommandError> {
    bytes(value)?;
    if io::stdout().is_terminal() { bytes(b"\n") } else { Ok(()) }
}

/// A bar of so many steps on standard error, where that is a terminal; else one that nobody sees.
pub(crate) fn bar(steps: u64, template: &str) -> ProgressBar {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(steps) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn bytes(bytes: &[u8]) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}
