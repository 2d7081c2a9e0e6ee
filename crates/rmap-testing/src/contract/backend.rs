//! The suite's interface to the server behind a transport.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use rmap_client::MapName;
use rmap_client::transport::{BoxFuture, Transport};

/// All fields of a hash, the reserved ones included.
pub type Fields = BTreeMap<Vec<u8>, Vec<u8>>;

/// The server behind a transport, for a test. A backend connects transports, and reads and changes hashes directly,
/// without any notification.
///
/// Every method may panic when it fails, and the test then fails.
pub trait Backend: Debug + Send {
    /// A new transport to the server, with its own connections.
    fn connect(&mut self) -> BoxFuture<'_, Arc<dyn Transport>>;

    /// Begins to collect the publications on the channel of a map. The suite calls it once, before anything is written.
    fn listen<'a>(&'a mut self, map: &'a MapName) -> BoxFuture<'a, ()>;

    /// The publications on this channel since the last call, in order. Everything published before this call is
    /// included.
    ///
    /// [`Listening`](super::Listening) does this over a transport.
    fn published(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>>;

    /// Makes the server unreachable for good.
    fn go_away(&mut self);

    /// The server's clock in milliseconds since the Unix epoch.
    fn clock(&mut self) -> u64;

    /// All fields of the hash of a map. Empty when there is no hash.
    fn fields(&mut self, map: &MapName) -> Fields;

    /// Sets a field of the hash.
    fn set_field(&mut self, map: &MapName, field: &[u8], value: &[u8]);

    /// Removes a field of the hash.
    fn remove_field(&mut self, map: &MapName, field: &[u8]);

    /// Deletes the hash.
    fn delete_hash(&mut self, map: &MapName);

    /// Sets the time to live of the hash from now on, or removes it.
    fn set_ttl(&mut self, map: &MapName, ttl: Option<Duration>);

    /// Remaining time to live of the hash, or `None` if it has none.
    fn ttl(&mut self, map: &MapName) -> Option<Duration>;
}
