//! Notices of changed keys to those who wait for them.

use std::fmt;

/// Hears which keys changed, for those who watch single keys.
///
/// A replica calls it from within its inputs, in part while readers are locked out of the content. So an implementation
/// must be quick, must not read the content, and must not wake anybody before the input has returned.
///
/// Someone who begins to watch a key first makes it known here, and reads the key then. Either that read finds a
/// change, or this is called with it afterwards.
pub trait Watchers: fmt::Debug + Send + Sync {
    /// The content shows a change of this key now, or will when this call and its input have returned.
    fn changed(&self, key: &[u8]);

    /// Another content is in place, so that any key may have changed.
    fn replaced(&self);
}
