//! Byte counts in place of values for `Debug` output, which ends in logs.

use std::fmt;

/// Shows the number of bytes of a value in place of the value.
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
