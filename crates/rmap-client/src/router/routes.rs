//! Routes from channels to maps, and the state of the connection.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::inbox::{Delivery, Inbox};

#[derive(Debug, Default)]
pub(super) struct Routes {
    connectivity: Connectivity,
    next_id: u64,
    members: HashMap<u64, Member>,
    channels: HashMap<Bytes, Vec<Listener>>,
    /// The last reason for missing connections.
    reason: Option<Arc<str>>,
    /// Pairs of connections so far.
    pairs: u64,
    /// Messages that the transport lost so far.
    pub(super) missed: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connectivity {
    #[default]
    Down,
    Up(u64),
    Closed,
}

#[derive(Debug)]
struct Member {
    inbox: Arc<Inbox>,
    /// The nonce of its latest subscription.
    wanted: Option<Box<str>>,
    /// The connection on which it last subscribed.
    subscribed_on: Option<u64>,
    /// The channels that it listens to.
    channels: Vec<Bytes>,
}

#[derive(Debug)]
struct Listener {
    id: u64,
    inbox: Arc<Inbox>,
    private: bool,
}

impl Listener {
    fn append(&self, payload: Bytes, idle: &mut Vec<Arc<Inbox>>) {
        let message = if self.private { Delivery::Mark(payload) } else { Delivery::Update(payload) };
        if self.inbox.append(message) {
            idle.push(Arc::clone(&self.inbox));
        }
    }
}

impl Routes {
    pub(super) const fn connectivity(&self) -> Connectivity {
        self.connectivity
    }

    pub(super) const fn pairs(&self) -> u64 {
        self.pairs
    }

    pub(super) fn maps(&self) -> usize {
        self.members.len()
    }

    /// True without any map.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Adds a map, whose first delivery says whether the connection is up.
    pub(super) fn enter(&mut self, inbox: &Arc<Inbox>) -> u64 {
        match self.connectivity {
            Connectivity::Down => {
                if let Some(reason) = &self.reason {
                    inbox.push(Delivery::Disconnected(Arc::clone(reason)));
                }
            }
            Connectivity::Up(connection) => inbox.push(Delivery::Connected(connection)),
            Connectivity::Closed => inbox.push(Delivery::Closed),
        }
        let id = self.next_id;
        self.next_id += 1;
        let inbox = Arc::clone(inbox);
        self.members.insert(id, Member { inbox, wanted: None, subscribed_on: None, channels: Vec::new() });
        id
    }

    pub(super) fn connected(&mut self, connection: u64) {
        self.connectivity = Connectivity::Up(connection);
        self.pairs += 1;
        self.broadcast(&Delivery::Connected(connection));
    }

    pub(super) fn disconnected(&mut self, reason: Arc<str>) {
        self.connectivity = Connectivity::Down;
        self.reason = Some(Arc::clone(&reason));
        self.broadcast(&Delivery::Disconnected(reason));
    }

    pub(super) fn broadcast(&self, delivery: &Delivery) {
        for member in self.members.values() {
            member.inbox.push(delivery.clone());
        }
    }

    /// Appends a message to the inboxes of its channel, and to `idle` the inboxes whose drivers must be woken.
    pub(super) fn route(&self, channel: &Bytes, payload: Bytes, idle: &mut Vec<Arc<Inbox>>) {
        // Most channels have one listener, which then needs no clone.
        let Some((last, others)) = self.channels.get(channel).and_then(|listeners| listeners.split_last())
        else {
            return;
        };
        for listener in others {
            listener.append(payload.clone(), idle);
        }
        last.append(payload, idle);
    }

    pub(super) fn want(&mut self, id: u64, nonce: &str) {
        if let Some(member) = self.members.get_mut(&id) {
            member.wanted = Some(nonce.into());
        }
    }

    pub(super) fn wants(&self, id: u64, nonce: &str) -> bool {
        self.members.get(&id).is_some_and(|member| member.wanted.as_deref() == Some(nonce))
    }

    /// Routes `[updates, private]` to a map. Returns its former channels that no map listens to any more.
    pub(super) fn attach(&mut self, id: u64, [updates, private]: &[Bytes; 2]) -> Vec<Bytes> {
        let Connectivity::Up(connection) = self.connectivity else { return Vec::new() };
        let Some(member) = self.members.get_mut(&id) else { return Vec::new() };
        let same_connection = member.subscribed_on.replace(connection) == Some(connection);
        let inbox = Arc::clone(&member.inbox);
        let former = std::mem::replace(&mut member.channels, vec![updates.clone(), private.clone()]);
        let mut former = self.drop_routes(id, former);
        for (channel, private) in [(updates, false), (private, true)] {
            let listener = Listener { id, inbox: Arc::clone(&inbox), private };
            self.channels.entry(channel.clone()).or_default().push(listener);
        }
        former.retain(|channel| same_connection && !self.channels.contains_key(channel));
        former
    }

    /// Removes a map. Returns the channels that no map listens to any more.
    pub(super) fn detach(&mut self, id: u64) -> Vec<Bytes> {
        let member = self.members.remove(&id);
        let unused = self.drop_routes(id, member.map(|member| member.channels).unwrap_or_default());
        if matches!(self.connectivity, Connectivity::Up(_)) { unused } else { Vec::new() }
    }

    /// Removes a map from these channels. Returns those that no map listens to any more.
    fn drop_routes(&mut self, id: u64, mut channels: Vec<Bytes>) -> Vec<Bytes> {
        channels.retain(|channel| {
            let Some(listeners) = self.channels.get_mut(channel) else { return false };
            listeners.retain(|listener| listener.id != id);
            let unused = listeners.is_empty();
            if unused {
                self.channels.remove(channel);
            }
            unused
        });
        channels
    }

    /// Closes every map, once.
    pub(super) fn close(&mut self) {
        if self.connectivity == Connectivity::Closed {
            return;
        }
        self.connectivity = Connectivity::Closed;
        self.channels.clear();
        self.broadcast(&Delivery::Closed);
    }
}
