//! Connections and the subscription.

use std::time::Duration;

use bytes::Bytes;

use super::{Replica, State};
use crate::backoff::jittered;
use crate::output::{Failure, Nonce, Output};
use crate::status::{Phase, Reason};

/// Requests in a row without an answer after which the connections are replaced.
const MISSES: u32 = 2;

impl Replica {
    pub(super) fn on_connected(&mut self, now: Duration, connection: u64) {
        self.link.reconnected = self.link.connection.is_some() || self.link.reconnected;
        self.link.connection = Some(connection);
        self.link.misses = 0;
        self.subscribe(now, Reason::Connected);
    }

    pub(super) fn on_disconnected(&mut self, now: Duration, reason: &str) {
        self.detach(now, Reason::Disconnected(reason.to_owned()));
    }

    fn detach(&mut self, now: Duration, reason: Reason) {
        self.state = State::Detached;
        self.status.scan = None;
        self.set_phase(now, Phase::Disconnected, reason);
    }

    /// Asks for a subscription with a private channel of its own.
    pub(super) fn subscribe(&mut self, now: Duration, reason: Reason) {
        let nonce = Nonce::draw(&mut self.rng);
        self.link.nonce = Some(nonce.clone());
        self.state = State::Subscribing { retry_at: now + 2 * self.config.request_timeout };
        self.set_syncing(now, reason);
        self.outputs.push_back(Output::Subscribe { nonce });
    }

    pub(super) fn on_subscribed(&mut self, now: Duration) {
        if self.link.reconnected {
            let at = now + self.config.reconnect_jitter.mul_f64(self.rng.f64());
            self.state = State::Waiting { at };
        } else {
            self.fetch(now);
        }
    }

    pub(super) fn on_subscribe_failed(&mut self, now: Duration, failure: Failure) {
        let retry_at = now + jittered(self.config.request_timeout, &mut self.rng);
        self.state = State::Subscribing { retry_at };
        self.set_syncing(now, Reason::Failed(failure));
    }

    /// A mark or a reply did not come. Returns false when the connections are replaced for it.
    pub(super) fn may_ask_again(&mut self, now: Duration) -> bool {
        self.link.misses += 1;
        let again = self.link.misses < MISSES;
        if !again {
            self.replace_connections(now, Reason::NoAnswer);
        }
        again
    }

    pub(super) fn replace_connections(&mut self, now: Duration, reason: Reason) {
        if let Some(connection) = self.link.connection {
            self.outputs.push_back(Output::ReplaceConnections { connection });
        }
        self.detach(now, reason);
    }

    /// Remembers which server answered. True when it is another one than before on the same pair of connections.
    pub(super) fn is_failover(&mut self, id: Option<&Bytes>) -> bool {
        self.status.failover_detection = id.is_some();
        let (Some(id), Some(connection)) = (id, self.link.connection) else { return false };
        let changed =
            matches!(&self.link.server, Some((seen_on, seen)) if *seen_on == connection && seen != id);
        if !changed {
            self.link.server = Some((connection, id.clone()));
        }
        changed
    }

    /// Joining while there is no content yet, resyncing later.
    pub(super) fn set_syncing(&mut self, now: Duration, reason: Reason) {
        let phase = if self.status.fresh_at.is_none() { Phase::Joining } else { Phase::Resyncing };
        self.set_phase(now, phase, reason);
    }
}
