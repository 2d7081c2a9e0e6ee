//! What happens on the subscriber connection, as one sequence.

use ::fred::types::Message;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;

use super::pair::Messages;
use super::supervisor::State;
use crate::transport::Event;

/// Most events that are taken at once.
const BURST: usize = 256;

/// Turns states of the transport and messages into events: between `Connected` and `Disconnected` there are messages of
/// that one connection, and nobody misses a disconnect, however short it was.
#[derive(Debug)]
pub(super) struct Events {
    state: watch::Receiver<State>,
    connected: Option<Connected>,
    /// Why there is no connection, as last told.
    reason: Option<String>,
    /// The state has not been looked at since it changed.
    changed: bool,
}

#[derive(Debug)]
struct Connected {
    connection: u64,
    messages: Messages,
}

/// What ended a wait.
enum Woken {
    State,
    Message(Result<Message, RecvError>),
}

impl Events {
    pub(super) const fn new(state: watch::Receiver<State>) -> Self {
        Self { state, connected: None, reason: None, changed: true }
    }

    /// Waits for the next event.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            if self.changed {
                if let Some(event) = self.follow_state() {
                    return event;
                }
                self.changed = false;
            }
            match self.wake().await {
                Woken::State => self.changed = true,
                Woken::Message(Ok(message)) => return into_event(message),
                Woken::Message(Err(RecvError::Lagged(missed))) => return Event::Lagged { missed },
                // fred has dropped the client; the state will tell why.
                Woken::Message(Err(RecvError::Closed)) => {
                    self.connected = None;
                    return Event::Disconnected { reason: "the subscriber connection ended".to_owned() };
                }
            }
        }
    }

    /// Waits for the next event and appends it, with the messages that are there already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub(super) async fn next_burst(&mut self, events: &mut Vec<Event>) {
        let first = self.next().await;
        events.push(first);
        let Some(connected) = &mut self.connected else { return };
        // A change of state comes before the messages that follow it.
        for _ in 1..BURST {
            if !matches!(self.state.has_changed(), Ok(false)) {
                return;
            }
            match connected.messages.try_recv() {
                Ok(message) => events.push(into_event(message)),
                Err(TryRecvError::Lagged(missed)) => events.push(Event::Lagged { missed }),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// The next step from what was told to what is, if there is one.
    fn follow_state(&mut self) -> Option<Event> {
        let state = self.state.borrow_and_update();
        let told = self.connected.as_ref().map(|connected| connected.connection);
        let event = match (&*state, told) {
            (State::Connected(pair), Some(number)) if pair.number() == number => return None,
            (State::Connected(_), Some(_)) => Event::Disconnected { reason: "replaced".to_owned() },
            (State::Connected(pair), None) => {
                let messages = pair.take_messages()?;
                let connection = pair.number();
                self.connected = Some(Connected { connection, messages });
                self.reason = None;
                return Some(Event::Connected { connection });
            }
            (State::Disconnected { reason }, None) if self.reason.as_ref() == Some(reason) => return None,
            (State::Disconnected { reason }, _) => {
                self.reason = Some(reason.clone());
                Event::Disconnected { reason: reason.clone() }
            }
            (State::Closed, Some(_)) => Event::Disconnected { reason: "closed".to_owned() },
            (State::Closed, None) => return Some(Event::Closed),
        };
        self.connected = None;
        Some(event)
    }

    async fn wake(&mut self) -> Woken {
        let Some(connected) = &mut self.connected else {
            let _ = self.state.changed().await;
            return Woken::State;
        };
        // In a flood of messages nearly every call ends here, and registers for nothing.
        if matches!(self.state.has_changed(), Ok(false)) {
            tokio::task::consume_budget().await;
            match connected.messages.try_recv() {
                Ok(message) => return Woken::Message(Ok(message)),
                Err(TryRecvError::Lagged(missed)) => return Woken::Message(Err(RecvError::Lagged(missed))),
                Err(TryRecvError::Empty | TryRecvError::Closed) => {}
            }
        }
        tokio::select! {
            biased;
            _ = self.state.changed() => Woken::State,
            message = connected.messages.recv() => Woken::Message(message),
        }
    }
}

fn into_event(message: Message) -> Event {
    // A published message is a string of bytes, whether fred shows it as text or as bytes: there is always a payload.
    let payload = message.value.into_bytes().unwrap_or_default();
    Event::Message { channel: message.channel.into_inner(), payload }
}
