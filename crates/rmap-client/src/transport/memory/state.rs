//! The inside of an in-memory server: hashes, subscriptions and simulated faults.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use rmap_model::Authority;
use rmap_proto::{MapName, Mark, Read, ReadReply, Write, WriteError, WriteReply};

use super::queue::EventQueue;
use crate::transport::{Cause, CheckError, Event, TransportError};

/// Milliseconds since the Unix epoch.
pub(super) type Now = u64;

/// Names one transport at its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SessionId(u64);

#[derive(Debug, Default)]
pub(super) struct MemoryState {
    maps: BTreeMap<MapName, Authority>,
    links: BTreeMap<SessionId, Session>,
    next_link: u64,
    replication_id: u64,
    down: bool,
    messages_to_lose: usize,
    replies_to_lose: usize,
    /// Messages published while they are kept back.
    held: Option<Vec<(Bytes, Bytes)>>,
}

#[derive(Debug)]
struct Session {
    connection: u64,
    connected: bool,
    channels: HashSet<Bytes>,
    events: Arc<EventQueue>,
}

impl MemoryState {
    pub(super) fn open(&mut self) -> (SessionId, Arc<EventQueue>) {
        let id = SessionId(self.next_link);
        self.next_link += 1;
        let events = Arc::new(EventQueue::default());
        let mut link = Session {
            connection: 0,
            connected: false,
            channels: HashSet::new(),
            events: Arc::clone(&events),
        };
        if !self.down {
            link.connect();
        }
        self.links.insert(id, link);
        (id, events)
    }

    pub(super) fn close(&mut self, id: SessionId) {
        if let Some(link) = self.links.remove(&id) {
            link.events.push(Event::Closed);
        }
    }

    /// The link of a transport that can reach the server.
    fn reach(&mut self, id: SessionId) -> Result<(), TransportError> {
        self.link(id).map(|_| ())
    }

    pub(super) fn check(&mut self, id: SessionId, now: Now, map: &MapName) -> Result<(), CheckError> {
        self.reach(id)?;
        let authority = self.map(map);
        authority.advance(now);
        match authority.revision() {
            Ok(_) => Ok(()),
            Err(_) => Err(CheckError::CorruptRevision { key: map.hash_key().escape_ascii().to_string() }),
        }
    }

    pub(super) fn write(
        &mut self,
        id: SessionId,
        now: Now,
        map: &MapName,
        write: &Write,
    ) -> Result<WriteReply, TransportError> {
        self.reach(id)?;
        let written = self.carry_out(now, map, write)?;
        if self.replies_to_lose > 0 {
            self.replies_to_lose -= 1;
            return Err(TransportError::Indeterminate(Cause::ConnectionLost {
                reason: "the reply was lost".to_owned(),
            }));
        }
        Ok(written)
    }

    /// Writes, and publishes what the write makes known.
    pub(super) fn carry_out(
        &mut self,
        now: Now,
        map: &MapName,
        write: &Write,
    ) -> Result<WriteReply, WriteError> {
        let (written, payloads) = self.map(map).write(now, write)?;
        let channel = map.updates_channel();
        for payload in payloads {
            self.publish(channel.clone(), payload.into());
        }
        Ok(written)
    }

    pub(super) fn read(
        &mut self,
        id: SessionId,
        now: Now,
        map: &MapName,
        read: &Read,
    ) -> Result<ReadReply, TransportError> {
        self.reach(id)?;
        let reply = self.map(map).read(now, read)?;
        match read {
            Read::Snapshot { mark, .. } | Read::Probe { mark } => {
                let Mark { channel, id, .. } = mark.clone();
                self.publish(channel, id.to_string().into());
            }
            Read::Page { .. } => {}
        }
        Ok(reply)
    }

    pub(super) fn subscribe(&mut self, id: SessionId, channels: &[Bytes]) -> Result<(), TransportError> {
        self.link(id)?.channels.extend(channels.iter().cloned());
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, id: SessionId, channels: &[Bytes]) -> Result<(), TransportError> {
        let link = self.link(id)?;
        for channel in channels {
            link.channels.remove(channel);
        }
        Ok(())
    }

    pub(super) fn replace_connections(&mut self, id: SessionId, connection: u64, reason: &str) {
        let down = self.down;
        if let Some(link) = self.links.get_mut(&id)
            && link.connected
            && link.connection == connection
        {
            link.reconnect(reason, down);
        }
    }

    /// Breaks every connection; new ones are made at once unless the server is down.
    pub(super) fn drop_connections(&mut self, reason: &str) {
        for link in self.links.values_mut() {
            link.reconnect(reason, self.down);
        }
    }

    pub(super) fn set_down(&mut self, down: bool) {
        if self.down == down {
            return;
        }
        self.down = down;
        if down {
            self.drop_connections("the server is down");
        } else {
            self.links.values_mut().for_each(Session::connect);
        }
    }

    /// Deletes every hash and publishes nothing.
    pub(super) fn flush(&mut self) {
        self.maps.values_mut().for_each(Authority::delete_hash);
    }

    /// Comes back empty, with another replication id.
    pub(super) fn restart(&mut self) {
        self.replication_id += 1;
        let id = self.replication_id();
        for map in self.maps.values_mut() {
            map.delete_hash();
            map.set_replication_id(Some(id.clone()));
        }
        self.drop_connections("the server restarted");
    }

    pub(super) fn lag(&self) {
        for link in self.links.values() {
            link.events.push(Event::Lagged { missed: 1 });
        }
    }

    pub(super) fn lose_messages(&mut self, count: usize) {
        self.messages_to_lose = count;
    }

    pub(super) fn lose_replies(&mut self, count: usize) {
        self.replies_to_lose = count;
    }

    pub(super) fn hold_messages(&mut self) {
        self.held.get_or_insert_default();
    }

    pub(super) fn release_messages(&mut self) {
        for (channel, payload) in self.held.take().into_iter().flatten() {
            self.publish(channel, payload);
        }
    }

    pub(super) fn map(&mut self, map: &MapName) -> &mut Authority {
        let id = self.replication_id();
        self.maps.entry(map.clone()).or_insert_with(|| {
            let mut authority = Authority::new();
            authority.set_replication_id(Some(id));
            authority
        })
    }

    /// Number of connected transports, and of their subscriptions together.
    pub(super) fn usage(&self) -> (usize, usize) {
        let links = self.links.values().filter(|link| link.connected);
        links.fold((0, 0), |(links, channels), link| (links + 1, channels + link.channels.len()))
    }

    fn publish(&mut self, channel: Bytes, payload: Bytes) {
        if let Some(held) = &mut self.held {
            held.push((channel, payload));
            return;
        }
        if self.messages_to_lose > 0 {
            self.messages_to_lose -= 1;
            return;
        }
        for link in self.links.values().filter(|link| link.channels.contains(&channel)) {
            link.events.push(Event::Message { channel: channel.clone(), payload: payload.clone() });
        }
    }

    fn link(&mut self, id: SessionId) -> Result<&mut Session, TransportError> {
        match self.links.get_mut(&id) {
            None => Err(TransportError::NotSent(Cause::Closed)),
            Some(link) if !link.connected => {
                Err(TransportError::NotSent(Cause::NotConnected { reason: "the server is down".to_owned() }))
            }
            Some(link) => Ok(link),
        }
    }

    /// As Redis writes one: 40 hexadecimal digits.
    fn replication_id(&self) -> Bytes {
        format!("{:040x}", self.replication_id + 1).into()
    }
}

impl Session {
    fn connect(&mut self) {
        self.connection += 1;
        self.connected = true;
        self.events.push(Event::Connected { connection: self.connection });
    }

    fn reconnect(&mut self, reason: &str, down: bool) {
        self.channels.clear();
        if std::mem::take(&mut self.connected) {
            self.events.push(Event::Disconnected { reason: reason.to_owned() });
        }
        if !down {
            self.connect();
        }
    }
}
