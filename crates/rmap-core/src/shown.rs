//! `Display` for values without a text form of their own.

use std::fmt;

use rmap_proto::Revision;

/// Shows a revision, or "none".
pub(crate) struct Shown(pub(crate) Option<Revision>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(revision) => revision.fmt(f),
            None => f.write_str("none"),
        }
    }
}
