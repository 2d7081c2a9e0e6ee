//! The hashes of an in-memory server, as other processes and the server itself change them.

use std::collections::BTreeMap;

use bytes::Bytes;
use rmap_proto::{Key, KeyOperation, MapName, Ttl, Write, is_reserved};

use super::server::MemoryServer;
use crate::Error;
use crate::error::During;

impl MemoryServer {
    /// Sets keys as another process would: each is one write at a new revision, which every replica is notified of. The map
    /// need not exist yet.
    ///
    /// It works while the server [is down](Self::go_down), too, as if only these clients could not reach it. The values are
    /// any bytes: for a typed map also such as do not decode.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// use rmap_client::MemoryServer;
    ///
    /// let server = MemoryServer::new();
    /// server.fill("limits", [("requests", "100"), ("logins", "5")])?;
    /// let limits = server.client().map("limits").join().await?;
    /// assert_eq!(limits.len(), 2);
    ///
    /// server.fill("limits", [("requests", "many")])?;
    /// limits.sync().await?; // what the server had before this call is here now
    /// assert_eq!(limits.get("requests").unwrap(), "many");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`]; [`Error::InvalidKey`] before anything is set. The errors of a write that the server rejects:
    /// the keys before it are set then.
    pub fn fill<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        map: impl AsRef<[u8]>,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        let map = name(map)?;
        let invalid = |cause| Error::InvalidKey { map: map.clone(), cause };
        let operations = entries.into_iter().map(|(key, value)| {
            let value = Bytes::copy_from_slice(value.as_ref());
            Ok(KeyOperation::Set { key: Key::new(key).map_err(invalid)?, value })
        });
        for operation in operations.collect::<Result<Vec<_>, Error>>()? {
            let key = operation.key().clone();
            let write = Write::new(operation, Ttl::None);
            let written = self.with_state(|state, now| state.carry_out(now, &map, &write));
            let during = During { map: &map, operation: "set", key: Some(&key) };
            written.map_err(|error| during.fail(error.into()))?;
        }
        Ok(())
    }

    /// The entries that the server holds for a map, whatever any replica shows; empty when it has no hash for it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let server = rmap_client::MemoryServer::new();
    /// let flags = server.client().map("flags").join().await?;
    /// server.lose_replies(1);
    /// flags.set("dark-mode", "on").await.unwrap_err(); // indeterminate for the caller
    /// assert_eq!(server.content("flags")?.get(b"dark-mode".as_slice()).unwrap(), "on");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`].
    pub fn content(&self, map: impl AsRef<[u8]>) -> Result<BTreeMap<Bytes, Bytes>, Error> {
        let mut fields = self.with_hash(&name(map)?, |hash, now| {
            hash.advance(now);
            hash.fields()
        });
        fields.retain(|field, _| !is_reserved(field));
        Ok(fields)
    }

    /// Ends the hash of one map, as the end of its time to live, an eviction or DEL does: nothing is published.
    /// [`flush`](Self::flush) does it to all maps.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let server = rmap_client::MemoryServer::new();
    /// server.fill("sessions", [("ann", "1")])?;
    /// let sessions = server.client().map("sessions").join().await?;
    /// server.expire("sessions")?;
    /// assert_eq!(sessions.len(), 1); // nobody knows yet
    /// sessions.sync().await?;
    /// assert_eq!(sessions.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`].
    pub fn expire(&self, map: impl AsRef<[u8]>) -> Result<(), Error> {
        self.with_hash(&name(map)?, |hash, _| hash.delete_hash());
        Ok(())
    }
}

fn name(map: impl AsRef<[u8]>) -> Result<MapName, Error> {
    MapName::new(map).map_err(|cause| Error::InvalidName { cause })
}
