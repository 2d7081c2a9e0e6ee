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

const HEARTBEAT: Duration = Duration::from_secs(1);

/// fred finds a silent connection after 3 to 4 seconds; this is for a fred that is itself stuck.
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(10);

/// Sends subscriptions, each followed by a PING.
///
/// A refused SUBSCRIBE is answered by an error that fred, which expects no answer, hands to the next command: that PING.
/// So the error is told to who caused it, if only one SUBSCRIBE and its PING are on their way at a time. Afterwards all
/// replies are off by one and the connection must go.
#[derive(Debug)]
pub(super) struct Subscriber {
    client: Client,
    turn: Mutex<()>,
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
        Ok(Self { client, turn: Mutex::new(()), may_ping })
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
        let unknown = |error: &Error| CallError::Indeterminate(describe(error));
        // Without any channel UNSUBSCRIBE ends all subscriptions.
        if channels.is_empty() {
            return Ok(());
        }
        let turn = self.turn.lock().await;
        match request {
            Request::Subscribe => self.client.subscribe(channels).await,
            Request::Unsubscribe => self.client.unsubscribe(channels).await,
        }
        .map_err(|error| unknown(&error))?;
        let answer = if self.may_ping { ping(&self.client, limit).await } else { Ok(Ok(())) };
        drop(turn);
        answer.map_err(|error| unknown(&error))?.map_err(CallError::Server)
    }

    /// Sends a PING every second; resolves, with the reason, when the connection is unusable.
    pub(super) async fn heartbeat(&self) -> String {
        if !self.may_ping {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let _turn = self.turn.lock().await;
            match ping(&self.client, HEARTBEAT_LIMIT).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return format!("PING was answered by {error}"),
                Err(error) => return format!("PING was not answered: {}", describe(&error)),
            }
        }
    }
}

/// Sends a PING to where the subscriptions are; in a cluster the client's id decides that.
///
/// Nothing but the order of the answers matters: on a subscribed connection it is an array, otherwise a text.
async fn ping(client: &Client, limit: Duration) -> Result<Result<(), ServerError>, Error> {
    let slot = ClusterHash::Custom(redis_keyslot(client.id().as_bytes()));
    let command = CustomCommand::new_static("PING", slot, false);
    let options = Options { timeout: Some(limit), ..Options::default() };
    let answer = client.with_options(&options).custom_raw(command, Vec::<Value>::new()).await?;
    Ok(match answer {
        Resp3Frame::SimpleError { data, .. } => Err(ServerError::parse(&data)),
        _ => Ok(()),
    })
}
