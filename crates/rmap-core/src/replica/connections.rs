//! Connections and the subscription.

use std::time::Duration;

use bytes::Bytes;
use rmap_proto::{Probe, ReadReply};

use super::patience::Patience;
use super::{Mode, Replica};
use crate::backoff::jittered;
use crate::output::{Failure, Nonce, Output};
use crate::received::Received;
use crate::status::{Phase, Reason};

/// Number of unanswered requests in a row after which the replica requests new connections.
const MISSES: u32 = 2;

/// The replica's knowledge of its connections and its subscription.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// The number of the current pair of connections.
    pub(super) connection: Option<u64>,
    /// True from the second pair on.
    pub(super) reconnected: bool,
    /// True from the request for another pair until the current pair ends.
    pub(super) replacing: bool,
    pub(super) nonce: Option<Nonce>,
    /// Number of requests in a row without mark or reply.
    pub(super) misses: u32,
    /// Number of pairs in a row that the replica gave up although they showed life.
    pub(super) given_up: u32,
    /// The counts of the current pair, as last reported.
    pub(super) received: Option<Received>,
    /// Number of bytes of an answer that does not occupy the line for long, measured at the last answer.
    pub(super) fitting: Option<u64>,
    /// True once a scan of two halves at a time did not agree with the server.
    pub(super) scans_in_one_go: bool,
    /// The replication id, and the number of the pair on which it was seen.
    pub(super) server: Option<(u64, Bytes)>,
    /// The fastest answer to a probe on this pair.
    pub(super) round_trip: Option<Duration>,
}

impl Connections {
    pub(super) fn note_round_trip(&mut self, took: Duration) {
        self.round_trip = Some(self.round_trip.map_or(took, |least| least.min(took)));
    }
}

/// A subscription that is requested, or will be retried.
#[derive(Debug)]
pub(super) enum Subscribing {
    Asked(Patience),
    Failed { retry_at: Duration },
}

impl Subscribing {
    pub(super) const fn deadline(&self) -> Duration {
        match self {
            Self::Asked(patience) => patience.deadline,
            Self::Failed { retry_at } => *retry_at,
        }
    }

    pub(super) const fn patience(&mut self) -> Option<&mut Patience> {
        match self {
            Self::Asked(patience) => Some(patience),
            Self::Failed { .. } => None,
        }
    }
}

impl Replica {
    pub(super) fn on_connected(&mut self, now: Duration, connection: u64) {
        self.connections.reconnected = self.connections.connection.is_some() || self.connections.reconnected;
        self.connections.connection = Some(connection);
        self.connections.misses = 0;
        self.connections.received = None;
        self.connections.round_trip = None;
        self.status.round_trip = None;
        self.connections.replacing = false;
        self.subscribe(now, Reason::Connected);
    }

    pub(super) fn on_disconnected(&mut self, now: Duration, reason: &str) {
        // The replica itself requested this end, so its own reason is more precise.
        if !std::mem::take(&mut self.connections.replacing) {
            self.detach(now, Reason::Disconnected(reason.to_owned()));
        }
    }

    fn detach(&mut self, now: Duration, reason: Reason) {
        self.mode = Mode::Detached;
        self.status.scan = None;
        self.status.late_since = None;
        self.set_phase(now, Phase::Disconnected, reason);
    }

    /// Requests a subscription with a new private channel.
    pub(super) fn subscribe(&mut self, now: Duration, reason: Reason) {
        let nonce = Nonce::draw(&mut self.rng);
        self.connections.nonce = Some(nonce.clone());
        let patience = self.patience(now, 2 * self.settings.request_timeout);
        self.mode = Mode::Subscribing(Subscribing::Asked(patience));
        self.set_syncing(now, reason);
        self.outputs.push_back(Output::Subscribe { nonce });
    }

    pub(super) fn on_subscribing_timeout(&mut self, now: Duration) {
        if self.is_lost(now) {
            self.subscribe(now, Reason::NoAnswer);
        }
    }

    pub(super) fn on_subscribed(&mut self, now: Duration) {
        self.no_longer_late();
        if self.connections.reconnected {
            let at = now + self.settings.reconnect_jitter.mul_f64(self.rng.f64());
            self.mode = Mode::Waiting { at };
        } else {
            self.fetch(now);
        }
    }

    pub(super) fn on_subscribe_failed(&mut self, now: Duration, failure: Failure) {
        let retry_at = now + jittered(self.settings.request_timeout, &mut self.rng);
        self.mode = Mode::Subscribing(Subscribing::Failed { retry_at });
        self.status.late_since = None;
        self.set_syncing(now, Reason::Failed(failure));
    }

    /// Counts a missing mark or reply. Returns false when the replica requests new connections because of it.
    pub(super) fn may_ask_again(&mut self, now: Duration) -> bool {
        self.connections.misses += 1;
        let again = self.connections.misses < MISSES;
        if !again {
            self.replace_connections(now, Reason::NoAnswer);
        }
        again
    }

    pub(super) fn replace_connections(&mut self, now: Duration, reason: Reason) {
        if let Some(connection) = self.connections.connection {
            self.outputs.push_back(Output::ReplaceConnections { connection });
            self.connections.replacing = true;
        }
        self.detach(now, reason);
    }

    /// True when another server answered than before on the same pair of connections.
    ///
    /// The replica must not wait for that server's mark. The subscriber may still be at the old server, where the mark
    /// arrives late or never.
    pub(super) fn is_of_another_server(&self, reply: &ReadReply) -> bool {
        let replication = match reply {
            ReadReply::Snapshot(snapshot) => &snapshot.probe.replication,
            ReadReply::Probe(probe) => &probe.replication,
            ReadReply::Page(_) => return false,
            _ => return false,
        };
        matches!((&self.connections.server, replication), (Some((seen_on, seen)), Some(now))
            if self.connections.connection == Some(*seen_on) && *seen != now.id)
    }

    /// Remembers the server that answered.
    pub(super) fn note_server(&mut self, probe: &Probe) {
        self.status.failover_detection = probe.replication.is_some();
        if let (Some(server), Some(connection)) = (&probe.replication, self.connections.connection) {
            self.connections.server = Some((connection, server.id.clone()));
        }
    }

    /// Sets the phase: joining while there is no content yet, resyncing later.
    pub(super) fn set_syncing(&mut self, now: Duration, reason: Reason) {
        let phase = if self.joined { Phase::Resyncing } else { Phase::Joining };
        self.set_phase(now, phase, reason);
    }
}
