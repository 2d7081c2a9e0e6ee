//! A subscriber connection in virtual time; the test plays the server.

use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// A connection whose server is played by the test.
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
        let task = tokio::spawn(
            Listening::new(connection, sender, requests, (Silence::new(3), Arc::default())).run(),
        );
        Self { server, orders, messages, task }
    }

    async fn subscribe(&self, channels: &[&'static str]) -> oneshot::Receiver<Result<(), ServerError>> {
        let (asker, answer) = oneshot::channel();
        let channels = channels.iter().map(|name| Bytes::from_static(name.as_bytes())).collect();
        self.orders.send(Order { command: b"SUBSCRIBE", channels, asker }).await.unwrap();
        answer
    }

    /// The next messages.
    async fn next_messages(&mut self) -> Vec<Event> {
        loop {
            let Burst { messages, .. } = self.messages.recv().await.unwrap();
            if !messages.is_empty() {
                return messages;
            }
        }
    }

    async fn says(&mut self, text: &str) {
        self.server.write_all(text.as_bytes()).await.unwrap();
    }

    /// Checks that the server receives this text next.
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
async fn a_subscription_is_answered_when_all_its_channels_are_confirmed() {
    let mut scene = Scene::new(true);
    let mut both = scene.subscribe(&["a", "b"]).await;
    scene.hears("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n").await;
    scene.says(&format!("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n{}", published("1"))).await;
    assert_eq!(scene.next_messages().await, [event("1")]);
    assert!(both.try_recv().is_err());
    scene.says("*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n").await;
    assert_eq!(both.await.unwrap(), Ok(()));
    let refused = scene.subscribe(&["c", "d"]).await;
    scene.hears("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n$1\r\nd\r\n").await;
    scene.says("-NOPERM no\r\n").await;
    assert_eq!(refused.await.unwrap(), Err(ServerError::parse("NOPERM no")));
    // The connection stays up.
    scene.says(&published("2")).await;
    assert_eq!(scene.next_messages().await, [event("2")]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_given_up_and_one_that_answers_is_not() {
    let mut scene = Scene::new(true);
    for _ in 0..60 {
        scene.hears(PING).await;
        tokio::time::sleep(Duration::from_millis(2_900)).await;
        scene.says("+PONG\r\n").await;
    }
    // A server in a special state refuses PING for a while, which shows that it lives.
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
        scene.next_messages().await;
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

/// Late answers neither count as silence nor keep subscriptions from being made.
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
        let burst = scene.next_messages().await;
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

/// An answer is handed on behind the messages before it, and does not wait for the next message.
#[tokio::test(start_paused = true)]
async fn an_answer_to_a_ping_stands_behind_the_messages_before_it() {
    let mut scene = Scene::new(true);
    scene.hears(PING).await;
    scene.says(&format!("{}+PONG\r\n", published("1"))).await;
    let Burst { messages, answered } = scene.messages.recv().await.unwrap();
    assert_eq!((messages, answered), (vec![event("1")], 1));
    scene.hears(PING).await;
    scene.says("+PONG\r\n").await;
    let Burst { messages, answered } = scene.messages.recv().await.unwrap();
    assert_eq!((messages, answered), (vec![], 2));
}
