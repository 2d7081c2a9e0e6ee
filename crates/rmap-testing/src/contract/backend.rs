//! What the suite needs of the server behind a transport.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use rmap_client::MapName;
use rmap_client::transport::{BoxFuture, Transport};

/// All fields of a hash, the reserved ones included.
pub type Fields = BTreeMap<Vec<u8>, Vec<u8>>;

/// The server behind a transport, for a test: it connects transports, and looks at hashes and changes them past all maps,
/// without any notification.
///
/// Everything may panic when it fails: then the test fails.
pub trait Backend: Debug + Send {
    /// A new transport to the server, with connections of its own.
    fn connect(&mut self) -> BoxFuture<'_, Arc<dyn Transport>>;

    /// Begins to collect what is published on the channel of a map. It is called once, before anything is written.
    fn listen<'a>(&'a mut self, map: &'a MapName) -> BoxFuture<'a, ()>;

    /// What was published on that channel since the last call, in order: all that was published before this call.
    /// [`Listening`](super::Listening) does it over a transport.
    fn published(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>>;

    /// Makes the server unreachable for good.
    fn go_away(&mut self);

    /// The server's clock in milliseconds since the Unix epoch.
    fn clock(&mut self) -> u64;

    /// All fields of the hash of a map; none when there is no hash.
    fn fields(&mut self, map: &MapName) -> Fields;

    /// Sets a field of the hash.
    fn set_field(&mut self, map: &MapName, field: &[u8], value: &[u8]);

    /// Removes a field of the hash.
    fn remove_field(&mut self, map: &MapName, field: &[u8]);

    /// Deletes the hash.
    fn delete_hash(&mut self, map: &MapName);

    /// Gives the hash a time to live from now on, or takes it away.
    fn set_ttl(&mut self, map: &MapName, ttl: Option<Duration>);

    /// What remains of the hash's time to live; `None`: it has none.
    fn ttl(&mut self, map: &MapName) -> Option<Duration>;
}
