//! How values without a text of their own are shown.

use std::fmt;

use rmap_proto::Revision;

/// A revision, or "none".
pub(crate) struct Shown(pub(crate) Option<Revision>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(revision) => revision.fmt(f),
            None => f.write_str("none"),
        }
    }
}
