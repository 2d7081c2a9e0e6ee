//! Commands on one client, each sent at most once.

use std::time::Duration;

use ::fred::clients::Client;
use ::fred::error::{Error, ErrorKind};
use ::fred::interfaces::{ClientLike, ClusterInterface};
use ::fred::types::config::Options;
use ::fred::types::{ClusterHash, CustomCommand, Value};
use ::fred::util::{redis_keyslot, sha1_hash};
use bytes::Bytes;

use super::super::server::Server;
use super::meaning::{FredError, describe, is_redirection};
use super::reply::{self, Answer};
use super::target::ours;

/// Sends commands on one connection. A clone is another handle of the same connection.
#[derive(Debug, Clone)]
pub(in super::super) struct Commands(pub(super) Client);

/// The reason why the server did not answer a command.
#[derive(Debug)]
pub(in super::super) enum Unanswered {
    /// No answer came within the time limit.
    Late,
    /// The command was still queued when its connection ended, and was never sent.
    NotSent(String),
    /// Another node of the cluster is responsible, so the command did not run.
    Redirected,
    /// The connection ended; the command may have run.
    Ended(String),
    /// The answer is not valid RESP2.
    Strange(&'static str),
}

impl Commands {
    /// Sends a command about a key and waits for the answer, but not longer than `limit`.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the command may still be sent.
    pub(in super::super) async fn send(
        &self,
        name: &'static str,
        key: Option<&Bytes>,
        args: &[Bytes],
        limit: Duration,
    ) -> Result<Answer, Unanswered> {
        let slot = key.map_or(ClusterHash::Random, |key| ClusterHash::Custom(redis_keyslot(key)));
        let command = CustomCommand::new_static(name, slot, false);
        let args: Vec<Value> = args.iter().cloned().map(Value::Bytes).collect();
        // Never zero, which would mean no limit.
        let timeout = Some(limit.max(Duration::from_millis(1)));
        let options = Options { timeout, ..Options::default() };
        let frame = self.0.with_options(&options).custom_raw(command, args).await;
        reply::read(frame.map_err(|error| unanswered(&error))?).map_err(Unanswered::Strange)
    }

    /// Asks the server about itself.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the question may still be sent.
    pub(in super::super) async fn ask(&self, name: &'static str) -> Result<Answer, FredError> {
        self.ask_about(name, Vec::new()).await
    }

    /// Asks a sentinel for the master of a service.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the question may still be sent.
    pub(in super::super) async fn ask_for_master(&self, service: &str) -> Result<Answer, FredError> {
        self.ask_about("SENTINEL", vec!["GET-MASTER-ADDR-BY-NAME".into(), service.into()]).await
    }

    async fn ask_about(&self, name: &'static str, args: Vec<Value>) -> Result<Answer, FredError> {
        let command = CustomCommand::new_static(name, ClusterHash::Random, false);
        let frame = self.0.custom_raw(command, args).await.map_err(FredError)?;
        let strange =
            |kind| Error::new(ErrorKind::Protocol, format!("the server answered {name} with {kind}"));
        reply::read(frame).map_err(|kind| FredError(strange(kind)))
    }

    /// The masters of the cluster, as fred learned them when it connected.
    pub(in super::super) fn masters(&self) -> Vec<Server> {
        let state = self.0.cached_cluster_state();
        state.map(|state| state.unique_primary_nodes().iter().map(ours).collect()).unwrap_or_default()
    }

    /// The server's major and full version, if the server named it when the connection was made.
    pub(in super::super) fn version(&self) -> Option<(u64, String)> {
        self.0.server_version().map(|version| (version.major, version.to_string()))
    }
}

/// Classifies a failure without the server's answer. Nearly every such failure leaves open whether the command ran.
fn unanswered(error: &Error) -> Unanswered {
    if is_redirection(error) {
        Unanswered::Redirected
    } else if *error.kind() == ErrorKind::Timeout {
        Unanswered::Late
    } else if *error.kind() == ErrorKind::Canceled {
        // Only a command that is still in the queue when its connection ends gets this error.
        Unanswered::NotSent(describe(error))
    } else {
        Unanswered::Ended(describe(error))
    }
}

/// The SHA-1 of a text, in hexadecimal.
pub(in super::super) fn sha1(text: &str) -> Bytes {
    Bytes::from(sha1_hash(text))
}
