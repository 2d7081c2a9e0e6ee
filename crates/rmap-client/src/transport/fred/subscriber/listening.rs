//! The task that owns a subscriber connection, from when it stands to its end.

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
use super::silence::{self, Silence};
use super::socket::Socket;
use super::traffic::Traffic;
use crate::transport::Event;

/// How often a PING is sent.
const PAUSE: Duration = Duration::from_secs(1);

/// Most bytes that are read at once.
const READ: usize = 64 << 10;

/// Most messages that are handed on together.
const BURST: usize = 512;

/// Messages in the order in which they came.
pub(super) type Burst = Vec<Event>;

/// What is to be sent, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) command: &'static [u8],
    /// At least one.
    pub(super) channels: Vec<Bytes>,
    pub(super) asker: Asker,
}

/// Reads on while those who take the messages keep pace. While they do not, messages wait at the server, which ends the
/// connection when they are too many; none is dropped here.
pub(super) struct Listening {
    reader: ReadHalf<Box<dyn Socket>>,
    received: Received,
    /// To be handed on before anything else is read.
    burst: Burst,
    messages: mpsc::Sender<Burst>,
    orders: mpsc::Receiver<Order>,
    outgoing: Outgoing,
    due: Due,
    may_ping: bool,
    silence: Silence,
    traffic: Arc<Traffic>,
    /// PINGs that were answered.
    answered: u64,
}

impl Listening {
    pub(super) fn new(
        connection: Connection,
        messages: mpsc::Sender<Burst>,
        orders: mpsc::Receiver<Order>,
        traffic: Arc<Traffic>,
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
            silence: Silence::default(),
            traffic,
            answered: 0,
        }
    }

    /// Listens until the connection is lost or nobody wants it any more; returns the reason.
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
            let answered = self.answered;
            self.take_frames()?;
            // An answer counts when the messages before it have been handed on.
            self.traffic.answered(if self.burst.is_empty() { self.answered } else { answered });
        }
        let handing_on = !self.burst.is_empty();
        // All branches are cancel-safe.
        tokio::select! {
            read = receive(&mut self.reader, &mut self.received.bytes), if !handing_on => {
                self.traffic.received(read?);
                self.silence.end();
            }
            handed_on = hand_on(&mut self.burst, &self.messages), if handing_on => handed_on?,
            written = self.outgoing.send(), if self.outgoing.is_waiting() => written.map_err(|error| Loss::from_io(&error))?,
            order = self.orders.recv(), if !self.outgoing.is_waiting() => self.on_order(order.ok_or_else(unwanted)?),
            // While messages wait here nothing is read, so nothing can come.
            _ = pauses.tick() => self.on_pause(!handing_on)?,
        }
        Ok(())
    }

    /// Takes apart what was received, up to a burst of messages.
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

    /// A refusal, of whatever kind, is a sign of life, too.
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
            return Err(Loss::Silent(PAUSE * silence::PAUSES));
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
    // The room that a large message took is not kept.
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

async fn hand_on(burst: &mut Burst, messages: &mpsc::Sender<Burst>) -> Result<(), Loss> {
    let permit = messages.reserve().await.map_err(|_| unwanted())?;
    permit.send(std::mem::take(burst));
    Ok(())
}

fn garbled(error: impl std::error::Error) -> Loss {
    Loss::Garbled(error.to_string())
}

fn unwanted() -> Loss {
    Loss::Failed("nobody wants it any more".to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::*;

    /// A connection whose other end is held by the test.
    struct Scene {
        server: DuplexStream,
        orders: mpsc::Sender<Order>,
        messages: mpsc::Receiver<Burst>,
        task: JoinHandle<Loss>,
    }

    impl Scene {
        fn new(may_ping: bool) -> Self {
            let (ours, server) = duplex(1 << 20);
            let (sender, messages) = mpsc::channel(1);
            let (orders, requests) = mpsc::channel(1);
            let connection = Connection { socket: Box::new(ours), received: Received::default(), may_ping };
            let task = tokio::spawn(Listening::new(connection, sender, requests, Arc::default()).run());
            Self { server, orders, messages, task }
        }

        async fn subscribe(&self, channels: &[&'static str]) -> oneshot::Receiver<Result<(), ServerError>> {
            let (asker, answer) = oneshot::channel();
            let channels = channels.iter().map(|name| Bytes::from_static(name.as_bytes())).collect();
            self.orders.send(Order { command: b"SUBSCRIBE", channels, asker }).await.unwrap();
            answer
        }

        async fn says(&mut self, text: &str) {
            self.server.write_all(text.as_bytes()).await.unwrap();
        }

        /// The server has received this, after what it had received before.
        async fn hears(&mut self, text: &str) {
            let mut heard = vec![0; text.len()];
            self.server.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard.escape_ascii().to_string(), text.as_bytes().escape_ascii().to_string());
        }
    }

    const PING: &str = "*1\r\n$4\r\nPING\r\n";

    fn published(payload: &str) -> String {
        format!("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n${}\r\n{payload}\r\n", payload.len())
    }

    fn event(payload: &str) -> Event {
        Event::Message { channel: "a".into(), payload: Bytes::copy_from_slice(payload.as_bytes()) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscription_is_told_when_all_its_channels_are_confirmed() {
        let mut scene = Scene::new(true);
        let mut both = scene.subscribe(&["a", "b"]).await;
        scene.hears("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n").await;
        scene.says(&format!("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n{}", published("1"))).await;
        assert_eq!(scene.messages.recv().await.unwrap(), [event("1")]);
        assert!(both.try_recv().is_err());
        scene.says("*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n").await;
        assert_eq!(both.await.unwrap(), Ok(()));
        let refused = scene.subscribe(&["c", "d"]).await;
        scene.hears("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n$1\r\nd\r\n").await;
        scene.says("-NOPERM no\r\n").await;
        assert_eq!(refused.await.unwrap(), Err(ServerError::parse("NOPERM no")));
        // The connection goes on.
        scene.says(&published("2")).await;
        assert_eq!(scene.messages.recv().await.unwrap(), [event("2")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_given_up_and_one_that_answers_is_not() {
        let mut scene = Scene::new(true);
        for _ in 0..60 {
            scene.hears(PING).await;
            tokio::time::sleep(Duration::from_millis(2_900)).await;
            scene.says("+PONG\r\n").await;
        }
        // A server in a special state refuses PING for a while, and so shows that it lives.
        for refusal in ["-MISCONF no\r\n", "-LOADING no\r\n", "-BUSY no\r\n", "-MASTERDOWN no\r\n"] {
            for _ in 0..10 {
                scene.hears(PING).await;
                tokio::time::sleep(Duration::from_millis(2_900)).await;
                scene.says(refusal).await;
            }
        }
        let begin = Instant::now();
        assert_eq!(scene.task.await.unwrap(), Loss::Silent(Duration::from_secs(3)));
        assert!(begin.elapsed() < Duration::from_secs(6));
    }

    /// A server that is busy sending answers late.
    #[tokio::test(start_paused = true)]
    async fn messages_are_signs_of_life() {
        let mut scene = Scene::new(true);
        for number in 0..60 {
            scene.says(&published(&number.to_string())).await;
            scene.messages.recv().await.unwrap();
            tokio::time::sleep(Duration::from_millis(1_900)).await;
        }
        scene.hears(PING).await;
        assert!(!scene.task.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn who_may_not_ping_is_not_asked_to() {
        for (may_ping, answer) in [
            (false, ""),
            (true, "-NOPERM no\r\n"),
            (true, "-ERR unknown command 'PING', with args beginning with:\r\n"),
        ] {
            let mut scene = Scene::new(may_ping);
            if may_ping {
                scene.hears(PING).await;
            }
            scene.says(answer).await;
            tokio::time::sleep(Duration::from_secs(60)).await;
            let subscribed = scene.subscribe(&["a"]).await;
            scene.hears("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n").await;
            scene.says("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n").await;
            assert_eq!(subscribed.await.unwrap(), Ok(()));
        }
    }

    /// Neither does that count as silence, nor does it keep subscriptions from being made.
    #[tokio::test(start_paused = true)]
    async fn messages_that_are_not_taken_wait_in_order() {
        let mut scene = Scene::new(true);
        let numbers: Vec<String> = (0..5_000).map(|number| number.to_string()).collect();
        scene.says(&numbers.iter().map(|number| published(number)).collect::<String>()).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        scene.hears(PING).await;
        let subscribed = scene.subscribe(&["b"]).await;
        scene.hears("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nb\r\n").await;
        scene.says("+PONG\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n").await;
        let mut taken = Vec::new();
        while taken.len() < numbers.len() {
            let burst = scene.messages.recv().await.unwrap();
            assert!(burst.len() <= BURST);
            taken.extend(burst);
        }
        assert!(taken.iter().eq(&numbers.iter().map(|number| event(number)).collect::<Vec<_>>()));
        assert_eq!(subscribed.await.unwrap(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_understood_ends_it() {
        for (said, reason) in [
            ("+OK\r\n", "answered what was not asked"),
            ("-ERR no\r\n", "answered what was not asked"),
            ("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", "answered what was not asked"),
            ("HTTP/1.1 400 Bad Request\r\n", "is no reply"),
        ] {
            let mut scene = Scene::new(true);
            scene.says(said).await;
            let end = scene.task.await.unwrap();
            let Loss::Garbled(end) = end else { panic!("{end:?}") };
            assert!(end.contains(reason), "{end}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_server_and_with_whoever_wants_it() {
        let Scene { server, orders, messages, task } = Scene::new(true);
        drop(server);
        assert_eq!(task.await.unwrap(), Loss::Closed);
        drop((orders, messages));
        let Scene { server, orders, messages, task } = Scene::new(true);
        drop(orders);
        task.await.unwrap();
        drop((server, messages));
        let mut scene = Scene::new(true);
        scene.messages.close();
        scene.says(&published("1")).await;
        scene.task.await.unwrap();
    }
}
