//! How values are shown where they must not be: in `Debug` output, which ends in logs.

use std::fmt;

/// Shows how many bytes a value has, in place of the value.
pub(crate) struct Size(pub(crate) usize);

impl Size {
    pub(crate) fn of(value: impl AsRef<[u8]>) -> Self {
        Self(value.as_ref().len())
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}
