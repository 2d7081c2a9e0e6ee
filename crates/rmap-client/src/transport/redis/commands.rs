//! Scripts and commands on the command connection, each carried out at most once.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use ::fred::clients::Client;
use ::fred::error::{Error, ErrorKind};
use ::fred::interfaces::ClientLike;
use ::fred::types::config::Options;
use ::fred::types::{ClusterHash, CustomCommand, Resp3Frame, Value};
use ::fred::util::{redis_keyslot, sha1_hash};
use bytes::Bytes;
use rmap_proto::script::{self, Invocation, Script};
use rmap_proto::{Reply, ServerError};
use tokio::time::Instant;

use super::error::{describe, is_redirection};
use super::reply::{self, Answer};

/// By how much our own limit exceeds fred's. fred's comes first, so that a command still in fred's queue is struck off.
pub(super) const GRACE: Duration = Duration::from_millis(100);

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum CallError {
    /// The server answered with an error.
    Server(ServerError),
    /// The command has not been sent and will not be.
    NotSent(Why),
    /// The command may have been carried out or not.
    Indeterminate(Why),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Why {
    /// The connection ended; why, is known better by the pair that it belongs to than by this error of the library.
    Ended(String),
    /// Not within this time.
    Late(Duration),
    /// The answer is none.
    Strange(&'static str),
}

/// Asked before something is sent a second time, once it is proved that nothing ran the first time.
pub(super) type MayRepeat<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// Carries out an invocation, within `limit`. Where it would have to be sent again and may not, it is refused.
///
/// # Cancel safety
///
/// Dropping the future after its first poll leaves the outcome unknown.
pub(super) async fn invoke(
    client: &Client,
    invocation: Invocation,
    limit: Duration,
    may_repeat: MayRepeat<'_>,
) -> Result<Reply, CallError> {
    let call = Call { limit, deadline: Instant::now() + limit, may_repeat };
    let calls = async {
        match invocation {
            Invocation::Command { name, args } => Request::command(name, args).send(client, call).await,
            Invocation::Script { script, key, args } => run_script(client, script, key, args, call).await,
        }
    };
    let answer = tokio::time::timeout(limit + GRACE, calls).await.unwrap_or_else(|_| Err(call.out()))?;
    answer.map_err(CallError::Server)
}

/// Runs a script by its hash, or by its source when the server does not know it.
///
/// `NOSCRIPT` proves that nothing ran. The source then goes with the call itself: loading it first would leave a moment
/// in which it can be forgotten again, and would need a right that Go peers do not.
async fn run_script(
    client: &Client,
    script: &'static Script,
    key: Bytes,
    args: Vec<Bytes>,
    call: Call<'_>,
) -> Result<Answer, CallError> {
    let request = Request::script(hash(script), &key, args);
    let answer = request.send(client, call).await?;
    match answer {
        Err(error) if error.code == "NOSCRIPT" && (call.may_repeat)() => {
            tracing::debug!(script = script.name(), "the server does not know the script yet");
            request.with_source(script).send(client, call).await
        }
        answer => Ok(answer),
    }
}

/// The name under which the server keeps a script: the SHA-1 of its source in hexadecimal.
fn hash(script: &'static Script) -> Bytes {
    static HASHES: LazyLock<HashMap<&'static str, Bytes>> = LazyLock::new(|| {
        let hash = |script: &&'static Script| (script.name(), Bytes::from(sha1_hash(script.source())));
        script::ALL.iter().map(hash).collect()
    });
    HASHES.get(script.name()).cloned().unwrap_or_else(|| Bytes::from(sha1_hash(script.source())))
}

/// How long a call may take, and whether it may be repeated.
#[derive(Clone, Copy)]
struct Call<'a> {
    limit: Duration,
    deadline: Instant,
    may_repeat: MayRepeat<'a>,
}

impl Call<'_> {
    fn out(self) -> CallError {
        CallError::Indeterminate(Why::Late(self.limit))
    }
}

/// A command as it goes to the server.
struct Request {
    command: CustomCommand,
    args: Vec<Value>,
}

impl Request {
    /// A call of a script by its hash.
    fn script(hash: Bytes, key: &Bytes, args: Vec<Bytes>) -> Self {
        let head = [hash, Bytes::from_static(b"1"), key.clone()];
        Self::new("EVALSHA", Some(key), head.into_iter().chain(args).map(Value::Bytes).collect())
    }

    /// The same call of a script, by its source in place of its hash.
    fn with_source(mut self, script: &'static Script) -> Self {
        self.command.cmd = "EVAL".into();
        self.args[0] = Value::Bytes(Bytes::from_static(script.source().as_bytes()));
        self
    }

    /// A command whose first argument is its key.
    fn command(name: &'static str, args: Vec<Bytes>) -> Self {
        let key = args.first().cloned();
        Self::new(name, key.as_ref(), args.into_iter().map(Value::Bytes).collect())
    }

    fn new(name: &'static str, key: Option<&Bytes>, args: Vec<Value>) -> Self {
        let slot = key.map_or(ClusterHash::Random, |key| ClusterHash::Custom(redis_keyslot(key)));
        Self { command: CustomCommand::new_static(name, slot, false), args }
    }

    /// Sends the command, and once more when a cluster says that another node is responsible.
    ///
    /// A redirection proves that nothing ran, and fred has learned the new layout when it reports that a slot has moved. While
    /// one is on its way to another node (ASK) the second attempt is redirected too; it is not tried a third time.
    async fn send(&self, client: &Client, call: Call<'_>) -> Result<Answer, CallError> {
        let mut result = self.send_once(client, call).await;
        if result.as_ref().is_err_and(is_redirection) && (call.may_repeat)() {
            result = self.send_once(client, call).await;
        }
        if result.as_ref().is_err_and(is_redirection) {
            return Ok(Err(ServerError::parse("TRYAGAIN the slot is being moved to another node")));
        }
        read(result, call)
    }

    async fn send_once(&self, client: &Client, call: Call<'_>) -> Result<Resp3Frame, Error> {
        // Never zero, which would mean no limit.
        let remaining = call.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let options = Options { timeout: Some(remaining), ..Options::default() };
        client.with_options(&options).custom_raw(self.command.clone(), self.args.clone()).await
    }
}

/// Of nearly any failure that is not the server's own answer it is not known whether the command ran.
fn read(result: Result<Resp3Frame, Error>, call: Call<'_>) -> Result<Answer, CallError> {
    let frame = result.map_err(|error| {
        if *error.kind() == ErrorKind::Timeout {
            call.out()
        } else if *error.kind() == ErrorKind::Canceled {
            // Only a command that is still in the queue when its connection ends is told so.
            CallError::NotSent(Why::Ended(describe(&error)))
        } else {
            CallError::Indeterminate(Why::Ended(describe(&error)))
        }
    })?;
    reply::read(frame).map_err(|kind| CallError::Indeterminate(Why::Strange(kind)))
}
