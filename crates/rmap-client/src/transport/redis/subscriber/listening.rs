//! The task that owns a subscriber connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use rmap_proto::ServerError;
use tokio::io::{AsyncReadExt, ReadHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::super::greeting::{Greeting, greeting};
use super::super::loss::Loss;
use super::connection::Connection;
use super::due::{Asker, Due};
use super::frame::{Frame, Received};
use super::outgoing::Outgoing;
use super::silence::Silence;
use super::socket::Socket;
use super::traffic::Traffic;
use crate::transport::Event;

/// Interval between two PINGs.
const PAUSE: Duration = Duration::from_secs(1);

/// Most bytes in one read.
const READ: usize = 64 << 10;

/// Most messages in one burst.
const BURST: usize = 512;

/// Messages in the order in which they came.
#[derive(Debug)]
pub(in super::super) struct Burst {
    pub(in super::super) messages: Vec<Event>,
    /// Number of PINGs answered before the end of the burst.
    pub(in super::super) answered: u64,
}

/// A request to send, and the receiver of its answer.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) command: &'static [u8],
    /// At least one channel.
    pub(super) channels: Vec<Bytes>,
    pub(super) asker: Asker,
}

/// Stops reading while the messages are not taken. Then they wait at the server, which ends the connection when there
/// are too many; none is dropped here.
pub(super) struct Listening {
    reader: ReadHalf<Box<dyn Socket>>,
    received: Received,
    /// Messages to hand on before the next read.
    burst: Vec<Event>,
    messages: mpsc::Sender<Burst>,
    orders: mpsc::Receiver<Order>,
    outgoing: Outgoing,
    due: Due,
    may_ping: bool,
    silence: Silence,
    traffic: Arc<Traffic>,
    /// Number of answered PINGs, and of those that have been handed on.
    answered: u64,
    handed_on: u64,
}

impl Listening {
    pub(super) fn new(
        connection: Connection,
        messages: mpsc::Sender<Burst>,
        orders: mpsc::Receiver<Order>,
        (silence, traffic): (Silence, Arc<Traffic>),
    ) -> Self {
        let Connection { socket, received, may_ping } = connection;
        let (reader, writer) = tokio::io::split(socket);
        if !may_ping {
            traffic.is_mute();
        }
        Self {
            reader,
            received,
            burst: Vec::new(),
            messages,
            orders,
            outgoing: Outgoing::new(writer),
            due: Due::default(),
            may_ping,
            silence,
            traffic,
            answered: 0,
            handed_on: 0,
        }
    }

    /// Listens until the connection is lost or no longer needed; returns the reason.
    pub(super) async fn run(mut self) -> Loss {
        let mut pauses = interval_at(Instant::now() + PAUSE, PAUSE);
        pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Err(loss) = self.step(&mut pauses).await {
                return loss;
            }
        }
    }

    async fn step(&mut self, pauses: &mut Interval) -> Result<(), Loss> {
        if self.burst.is_empty() {
            self.take_frames()?;
            self.hand_on_answers();
        }
        let (answered, handing_on) = (self.answered, !self.burst.is_empty());
        // All branches are cancel-safe.
        tokio::select! {
            read = receive(&mut self.reader, &mut self.received.bytes), if !handing_on => {
                self.traffic.received(read?);
                self.silence.end();
            }
            handed_on = hand_on(&mut self.burst, answered, &self.messages), if handing_on => {
                handed_on?;
                self.handed_on = answered;
            }
            written = self.outgoing.send(), if self.outgoing.is_waiting() => written.map_err(|error| Loss::from_io(&error))?,
            order = self.orders.recv(), if !self.outgoing.is_waiting() => self.on_order(order.ok_or_else(unwanted)?),
            // While messages wait here nothing is read, so silence means nothing.
            _ = pauses.tick() => self.on_pause(!handing_on)?,
        }
        Ok(())
    }

    /// Hands on answers to PING by themselves if there is room; otherwise the next messages carry them.
    fn hand_on_answers(&mut self) {
        if self.burst.is_empty()
            && self.answered > self.handed_on
            && let Ok(permit) = self.messages.try_reserve()
        {
            permit.send(Burst { messages: Vec::new(), answered: self.answered });
            self.handed_on = self.answered;
        }
    }

    /// Decodes what was received, up to a burst of messages.
    fn take_frames(&mut self) -> Result<(), Loss> {
        while self.burst.len() < BURST
            && let Some(frame) = self.received.take().map_err(garbled)?
        {
            match frame {
                Frame::Message { channel, payload } => self.burst.push(Event::Message { channel, payload }),
                Frame::Confirmed => self.due.confirmed().map_err(garbled)?,
                Frame::Done => {
                    self.due.pong().map_err(garbled)?;
                    self.answered += 1;
                }
                Frame::Refused(error) => {
                    if let Some(error) = self.due.refused(error).map_err(garbled)? {
                        self.on_refused_ping(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// Any refusal is a sign of life, too.
    fn on_refused_ping(&mut self, error: ServerError) {
        self.answered += 1;
        if greeting(Err(error)) == Ok(Greeting::WithoutPing) {
            tracing::warn!(
                "no PING on the subscriber connection any more: only probes find out that it is dead"
            );
            self.may_ping = false;
            self.traffic.is_mute();
        }
    }

    fn on_order(&mut self, Order { command, channels, asker }: Order) {
        let words: Vec<&[u8]> = [command].into_iter().chain(channels.iter().map(|name| &name[..])).collect();
        self.outgoing.add(&words);
        self.due.add_confirmations(channels.len(), asker);
    }

    fn on_pause(&mut self, reading: bool) -> Result<(), Loss> {
        if self.silence.is_too_long(reading && !self.due.is_empty()) {
            return Err(Loss::Silent(PAUSE * self.silence.most()));
        }
        if self.may_ping && !self.due.has_pong() {
            self.outgoing.add(&[b"PING"]);
            self.due.add_pong();
            self.traffic.pinged();
        }
        Ok(())
    }
}

async fn receive(reader: &mut ReadHalf<Box<dyn Socket>>, received: &mut BytesMut) -> Result<usize, Loss> {
    // The memory of a large message is not kept.
    if received.is_empty() && received.capacity() > 2 * READ {
        *received = BytesMut::new();
    }
    received.reserve(READ);
    match reader.read_buf(&mut received.limit(READ)).await {
        Ok(0) => Err(Loss::Closed),
        Ok(length) => Ok(length),
        Err(error) => Err(Loss::from_io(&error)),
    }
}

async fn hand_on(messages: &mut Vec<Event>, answered: u64, taker: &mpsc::Sender<Burst>) -> Result<(), Loss> {
    let permit = taker.reserve().await.map_err(|_| unwanted())?;
    permit.send(Burst { messages: std::mem::take(messages), answered });
    Ok(())
}

fn garbled(error: impl std::error::Error) -> Loss {
    Loss::Garbled(error.to_string())
}

fn unwanted() -> Loss {
    Loss::Failed("nobody wants it any more".to_owned())
}

#[cfg(test)]
mod tests;
