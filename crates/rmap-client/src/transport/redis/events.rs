//! The events of the subscriber connection, as one sequence.

use std::sync::Arc;

use tokio::sync::watch;

use super::subscriber::{Burst, Messages, Traffic};
use super::supervisor::{CLOSED, PairState};
use crate::transport::Event;

/// Merges the states of the transport with its messages. Between `Connected` and `Disconnected` there are only
/// messages of that connection, and every disconnect appears, however short it was.
#[derive(Debug)]
pub(super) struct Events {
    state: watch::Receiver<PairState>,
    connected: Option<Connected>,
    /// The reason for the missing connection, as last emitted.
    reason: Option<Arc<str>>,
    /// True when the state may differ from the one last emitted.
    changed: bool,
    /// Messages that were received and not taken yet.
    ready: std::vec::IntoIter<Event>,
}

#[derive(Debug)]
struct Connected {
    connection: u64,
    /// `None` after the messages have ended. The state gives the reason in a moment, so nothing is emitted before.
    messages: Option<Messages>,
    traffic: Arc<Traffic>,
    /// Number of PINGs answered before the last of the ready messages.
    answered: u64,
}

impl Events {
    pub(super) fn new(state: watch::Receiver<PairState>) -> Self {
        Self { state, connected: None, reason: None, changed: true, ready: Vec::new().into_iter() }
    }

    /// Waits for the next event.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            self.fill().await;
            if let Some(event) = self.ready.next() {
                return event;
            }
        }
    }

    /// Waits for the next event and appends it, with the messages that came together with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub(super) async fn next_burst(&mut self, events: &mut Vec<Event>) {
        self.fill().await;
        events.extend(&mut self.ready);
    }

    /// Waits until something is ready. Drops messages that were not taken before their connection was lost.
    async fn fill(&mut self) {
        loop {
            if let Some(event) = self.follow_state() {
                self.ready = vec![event].into_iter();
                return;
            }
            if !self.ready.as_slice().is_empty() {
                return;
            }
            // A caller that asks for more has handled everything before.
            if let Some(connected) = &self.connected {
                connected.traffic.answered(connected.answered);
            }
            let Some(messages) = self.connected.as_mut().and_then(|connected| connected.messages.as_mut())
            else {
                let _ = self.state.changed().await;
                self.changed = true;
                continue;
            };
            tokio::select! {
                biased;
                _ = self.state.changed() => self.changed = true,
                burst = messages.recv() => self.on_received(burst),
            }
        }
    }

    fn on_received(&mut self, burst: Option<Burst>) {
        let Some(connected) = &mut self.connected else { return };
        match burst {
            Some(Burst { messages, answered }) => {
                self.ready = messages.into_iter();
                connected.answered = answered;
            }
            None => connected.messages = None,
        }
    }

    /// The next step from the emitted state to the current one, if they differ.
    fn follow_state(&mut self) -> Option<Event> {
        let ended = match self.state.has_changed() {
            Ok(changed) if !changed && !self.changed => return None,
            Ok(_) => false,
            Err(_) => true,
        };
        let event = self.step(ended);
        self.changed = event.is_some();
        event
    }

    /// `ended` means that no supervisor keeps the state any more.
    fn step(&mut self, ended: bool) -> Option<Event> {
        let state = self.state.borrow_and_update();
        let state = if ended { &PairState::Closed } else { &*state };
        let emitted = self.connected.as_ref().map(|connected| connected.connection);
        let reason = match (state, emitted) {
            (PairState::Connected { pair, .. }, Some(number)) if pair.number() == number => return None,
            (PairState::Connected { former, .. }, Some(_)) => {
                former.clone().unwrap_or_else(|| "replaced".into())
            }
            (PairState::Connected { pair, .. }, None) => {
                let messages = Some(pair.take_messages()?);
                let connection = pair.number();
                let traffic = Arc::clone(pair.subscriber().traffic());
                self.connected = Some(Connected { connection, messages, traffic, answered: 0 });
                self.reason = None;
                return Some(Event::Connected { connection });
            }
            (PairState::Disconnected { reason }, None) if self.reason.as_ref() == Some(reason) => {
                return None;
            }
            (PairState::Disconnected { reason }, _) => {
                self.reason = Some(Arc::clone(reason));
                Arc::clone(reason)
            }
            (PairState::Closed, Some(_)) => CLOSED.into(),
            (PairState::Closed, None) => return Some(Event::Closed),
        };
        self.connected = None;
        Some(Event::Disconnected { reason: reason.as_ref().to_owned() })
    }
}
