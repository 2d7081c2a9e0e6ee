//! Subscriptions on the subscriber connection, and whether that connection is alive.

use std::time::Duration;

use ::fred::clients::Client;
use ::fred::error::Error;
use ::fred::interfaces::{ClientLike, PubsubInterface};
use ::fred::types::config::Options;
use ::fred::types::{ClusterHash, CustomCommand, Resp3Frame, Value};
use ::fred::util::redis_keyslot;
use rmap_proto::ServerError;
use tokio::sync::Mutex;

use super::commands::CallError;
use super::error::describe;
use super::silence::Questions;

const HEARTBEAT: Duration = Duration::from_secs(1);

/// A silent connection is found after 3 to 4 seconds; this is for one on which messages come, but no answer.
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(10);

/// Sends subscriptions, each followed by a PING.
///
/// A refused SUBSCRIBE is answered by an error that fred, which expects no answer, hands to the oldest command that
/// waits for one (or drops, if none does): to that PING. So the error is told to who caused it, if only one SUBSCRIBE
/// and its PING are on their way at a time. Afterwards all replies are off by one and the connection must go.
#[derive(Debug)]
pub(super) struct Subscriber {
    client: Client,
    turn: Mutex<()>,
    questions: Questions,
    may_ping: bool,
}

/// What a subscription sends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request {
    Subscribe,
    Unsubscribe,
}

impl Subscriber {
    /// Takes a connected client and finds out whether the user may use PING.
    pub(super) async fn new(client: Client, limit: Duration) -> Result<Self, Error> {
        let may_ping = match ping(&client, limit).await? {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "no PING on the subscriber connection: only probes find out that it is dead");
                false
            }
        };
        Ok(Self { client, turn: Mutex::new(()), questions: Questions::default(), may_ping })
    }

    /// Sends a request and waits until the server has seen it.
    ///
    /// After [`CallError::Server`] the connection is unusable.
    pub(super) async fn request(
        &self,
        request: Request,
        channels: Vec<String>,
        limit: Duration,
    ) -> Result<(), CallError> {
        // Without any channel UNSUBSCRIBE ends all subscriptions.
        if channels.is_empty() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        tokio::time::timeout(limit, self.send(request, channels))
            .await
            .unwrap_or_else(|_| Err(CallError::Indeterminate(format!("no answer within {limit:?}"))))
    }

    async fn send(&self, request: Request, channels: Vec<String>) -> Result<(), CallError> {
        // fred writes the commands of a pipeline without reading between them, so the PING is surely waiting for an
        // answer when an error comes in.
        let pipeline = self.client.pipeline();
        let queued = match request {
            Request::Subscribe => pipeline.subscribe(channels).await,
            Request::Unsubscribe => pipeline.unsubscribe(channels).await,
        };
        queued.map_err(|error| from_fred(&error))?;
        if self.may_ping {
            let (command, args) = ping_command(&self.client);
            pipeline.custom_raw(command, args).await.map_err(|error| from_fred(&error))?;
        }
        let _asked = self.may_ping.then(|| self.questions.ask());
        pipeline.last::<Value>().await.map_err(|error| from_fred(&error))?;
        Ok(())
    }

    /// Sends a PING every second; resolves, with the reason, when the connection is unusable.
    pub(super) async fn heartbeat(&self) -> String {
        if !self.may_ping {
            return std::future::pending().await;
        }
        tokio::select! {
            reason = self.beat() => reason,
            reason = self.questions.unanswered(&self.client) => reason,
        }
    }

    async fn beat(&self) -> String {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let _turn = self.turn.lock().await;
            let _asked = self.questions.ask();
            match ping(&self.client, HEARTBEAT_LIMIT).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return format!("PING was answered by {error}"),
                Err(error) => return format!("PING was not answered: {}", describe(&error)),
            }
        }
    }
}

/// Sends a PING and waits for what comes next on the connection.
async fn ping(client: &Client, limit: Duration) -> Result<Result<(), ServerError>, Error> {
    let (command, args) = ping_command(client);
    let options = Options { timeout: Some(limit), ..Options::default() };
    // On a subscribed connection it is an array, otherwise a text.
    let answer = client.with_options(&options).custom_raw(command, args).await?;
    Ok(if let Resp3Frame::SimpleError { data, .. } = answer {
        Err(ServerError::parse(&data))
    } else {
        Ok(())
    })
}

/// A PING to where the subscriptions are; in a cluster the client's id decides that.
fn ping_command(client: &Client) -> (CustomCommand, Vec<Value>) {
    let slot = ClusterHash::Custom(redis_keyslot(client.id().as_bytes()));
    (CustomCommand::new_static("PING", slot, false), Vec::new())
}

/// A pipeline gives errors of the server and of the connection the same type; those of the server begin with a code.
fn from_fred(error: &Error) -> CallError {
    let reply = ServerError::parse(error.details());
    if !reply.code.is_empty() && reply.code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        CallError::Server(reply)
    } else {
        CallError::Indeterminate(describe(error))
    }
}
