//! The world of a body of the suite: a map, the server behind it, and the publications.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use rmap_client::transport::Transport;
use rmap_client::{Client, ClientBuilder, Error, Key, Map, MapBuilder, MapName, MapSettings, Outcome};

use super::backend::{Backend, Fields};
use super::bodies::every::Named;
use crate::must_end;

const NAME: &str = "flags";

/// A server with the map `flags`, which nobody has joined yet.
#[derive(Debug)]
pub struct World {
    backend: Box<dyn Backend>,
    client: Client,
    name: MapName,
}

impl World {
    /// A world on an empty server.
    ///
    /// # Panics
    ///
    /// When the backend panics, or does not connect within a minute.
    pub async fn new(mut backend: impl Backend + 'static) -> Self {
        let name = MapName::new(NAME).unwrap();
        must_end(backend.listen(&name)).await;
        let client = quiet().with_transport(must_end(backend.connect()).await);
        Self { backend: Box::new(backend), client, name }
    }

    /// The map's name.
    #[must_use]
    pub const fn name(&self) -> &MapName {
        &self.name
    }

    /// A client that sends no requests by itself.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Another client, with its own connections.
    pub async fn another_client(&mut self) -> Client {
        quiet().with_transport(self.transport().await)
    }

    /// Another transport, with its own connections.
    pub async fn transport(&mut self) -> Arc<dyn Transport> {
        must_end(self.backend.connect()).await
    }

    /// Begins a join of the map.
    pub fn map(&self) -> MapBuilder {
        self.client.map(NAME)
    }

    /// Joins the map.
    pub async fn join(&self) -> Map {
        must_end(self.map().join()).await.unwrap()
    }

    /// Joins the map over a hash at revision 6 with these keys.
    pub async fn join_with<V: AsRef<[u8]>>(&mut self, content: &[(&str, V)]) -> Map {
        self.plant("=rev", "6");
        self.plant("=kind", "set");
        for (key, value) in content {
            self.plant(key, value);
        }
        self.join().await
    }

    /// Creates a hash at revision 6 with 5 for `k`, as the writes of [`every`](crate::contract::every) need it.
    pub fn begin(&mut self, ttl: Option<Duration>) {
        self.delete_hash();
        for (field, value) in [("=rev", "6"), ("=kind", "set"), ("k", "5")] {
            self.plant(field, value);
        }
        self.expire(ttl);
    }

    /// Sets a field directly, without a publication.
    pub fn plant(&mut self, field: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.backend.set_field(&self.name, field.as_ref(), value.as_ref());
    }

    /// Removes a field directly.
    pub fn remove(&mut self, field: &str) {
        self.backend.remove_field(&self.name, field.as_bytes());
    }

    /// Deletes the hash directly.
    pub fn delete_hash(&mut self) {
        self.backend.delete_hash(&self.name);
    }

    /// Sets or removes the time to live of the hash directly.
    pub fn expire(&mut self, ttl: Option<Duration>) {
        self.backend.set_ttl(&self.name, ttl);
    }

    /// Remaining time to live of the hash.
    pub fn ttl(&mut self) -> Option<Duration> {
        self.backend.ttl(&self.name)
    }

    /// Makes the server unreachable for good.
    pub fn go_away(&mut self) {
        self.backend.go_away();
    }

    /// All fields of the hash.
    pub fn hash(&mut self) -> Fields {
        self.backend.fields(&self.name)
    }

    /// The server's clock in milliseconds since the Unix epoch.
    pub fn clock(&mut self) -> u64 {
        self.backend.clock()
    }

    /// The publications on the map's channel since the last call.
    pub async fn published(&mut self) -> Vec<Vec<u8>> {
        must_end(self.backend.published()).await
    }

    /// Asserts that the hash holds exactly this: the revision, the kind of the last change, the content.
    #[track_caller]
    pub fn holds<V: AsRef<[u8]>>(&mut self, revision: u64, kind: &str, content: &[(&str, V)]) {
        let mut expected: Fields =
            content.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_ref().to_vec())).collect();
        expected.insert(b"=rev".to_vec(), revision.to_string().into_bytes());
        expected.insert(b"=kind".to_vec(), kind.as_bytes().to_vec());
        assert_eq!(self.hash(), expected);
    }

    /// The outcome of a write that must change nothing in the hash and publish nothing.
    pub async fn unchanged_by<T>(&mut self, writing: impl Future<Output = T>) -> T {
        let (before, published) = (self.hash(), self.published().await);
        assert!(published.is_empty(), "not looked at yet: {published:?}");
        let outcome = must_end(writing).await;
        assert!(self.hash() == before, "the hash was changed");
        let published = self.published().await;
        assert!(published.is_empty(), "published: {published:?}");
        outcome
    }

    /// Fails unless the write fails with this error, changes nothing and publishes nothing.
    pub async fn refuses<T: Debug>(
        &mut self,
        writing: impl Future<Output = Result<T, Error>>,
        expected: Error,
    ) {
        let error = self.unchanged_by(writing).await.unwrap_err();
        assert_eq!(error, expected);
        assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}");
    }

    /// Fails unless each of the writes fails with this error, changes nothing and publishes nothing.
    pub async fn refuses_all(&mut self, writes: Vec<Named<'_>>, expected: &Error) {
        for (name, writing) in writes {
            let outcome = self.unchanged_by(writing).await;
            assert_eq!(outcome.as_ref(), Err(expected), "{name}");
            assert_eq!(expected.outcome(), Some(Outcome::Rejected), "{name}: {expected}");
        }
    }
}

/// A client that sends no requests by itself.
fn quiet() -> ClientBuilder {
    Client::builder().maps(MapSettings::default().probe_interval(Duration::from_secs(3600)))
}

pub(crate) fn key(key: &str) -> Key {
    Key::new(key).unwrap()
}
