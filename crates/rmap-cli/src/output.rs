//! Standard output and error: exact bytes, and no panic when a reader goes away.

use std::io::{self, IsTerminal, Write};

use crate::failure::Failure;

/// Writes one line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes bytes as they are; on a terminal a newline follows, so that the prompt has a line of its own.
pub(crate) fn value(value: &[u8]) -> Result<(), Failure> {
    bytes(value)?;
    if io::stdout().is_terminal() { bytes(b"\n") } else { Ok(()) }
}

/// Says something on standard error, if anybody listens.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}
