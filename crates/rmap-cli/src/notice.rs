//! Words on standard error.

use std::io::{self, Write};

/// Says something on standard error, if anybody listens.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
