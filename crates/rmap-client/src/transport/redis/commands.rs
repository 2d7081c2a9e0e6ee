//! Scripts and commands on the command connection, each carried out at most once.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use rmap_proto::script::{self, Invocation, Script};
use rmap_proto::{ErrorCode, Reply, ServerError, Sidecars};
use tokio::time::Instant;

use super::failure::{CallError, Why};
use super::fred::{Answer, Commands, Unanswered, sha1};

/// Excess of our own limit over the library's. The library's timeout must come first, because it removes a command
/// that is still queued.
const GRACE: Duration = Duration::from_millis(100);

/// Called before something is sent a second time, after it is proved that nothing ran the first time.
pub(super) type MayRepeat<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// Carries out an invocation within `limit`. If it would have to be sent again and may not, it is refused.
///
/// # Cancel safety
///
/// Dropping the future after its first poll leaves the outcome unknown.
pub(super) async fn invoke(
    commands: &Commands,
    invocation: Invocation,
    limit: Duration,
    may_repeat: MayRepeat<'_>,
) -> Result<Reply, CallError> {
    let call = Call { commands, limit, deadline: Instant::now() + limit, may_repeat };
    let answer = async {
        match invocation {
            Invocation::Command { name, args } => {
                let key = args.first().cloned();
                call.send(&Command { name, key, args }).await
            }
            Invocation::Script { script, key, sidecars, args } => {
                call.run_script(script, key, sidecars, args).await
            }
        }
    };
    let answer = tokio::time::timeout(limit + GRACE, answer).await.unwrap_or_else(|_| Err(call.late()))?;
    answer.map_err(CallError::Server)
}

/// The name of a script at the server: the SHA-1 of its source in hexadecimal.
fn hash(script: &'static Script) -> Bytes {
    static HASHES: LazyLock<HashMap<&'static str, Bytes>> =
        LazyLock::new(|| script::ALL.iter().map(|script| (script.name(), sha1(script.source()))).collect());
    HASHES.get(script.name()).cloned().unwrap_or_else(|| sha1(script.source()))
}

/// A command for the server.
struct Command {
    name: &'static str,
    /// The key that decides which node of a cluster is asked.
    key: Option<Bytes>,
    args: Vec<Bytes>,
}

/// Destination and time limit of a call, and permission to repeat it.
#[derive(Clone, Copy)]
struct Call<'a> {
    commands: &'a Commands,
    limit: Duration,
    deadline: Instant,
    may_repeat: MayRepeat<'a>,
}

impl Call<'_> {
    /// Runs a script by its hash, or by its source when the server does not know it.
    ///
    /// `NOSCRIPT` proves that nothing ran. Then the call itself carries the source. Loading it first would leave a
    /// moment in which the server can forget it again, and would need a right that Go peers do not need.
    async fn run_script(
        &self,
        script: &'static Script,
        key: Bytes,
        sidecars: Option<Sidecars>,
        args: Vec<Bytes>,
    ) -> Result<Answer, CallError> {
        let count = if sidecars.is_some() { "3" } else { "1" };
        let head = [hash(script), Bytes::from_static(count.as_bytes()), key.clone()];
        let sidecars = sidecars.into_iter().flat_map(|keys| [keys.side, keys.leases]);
        let args = head.into_iter().chain(sidecars).chain(args).collect();
        let mut command = Command { name: "EVALSHA", key: Some(key), args };
        match self.send(&command).await? {
            Err(error) if error.known() == Some(ErrorCode::NoScript) && (self.may_repeat)() => {
                tracing::debug!(script = script.name(), "the server does not know the script yet");
                command.name = "EVAL";
                command.args[0] = Bytes::from_static(script.source().as_bytes());
                self.send(&command).await
            }
            answer => Ok(answer),
        }
    }

    /// Sends the command, and sends it once more when a cluster names another node.
    ///
    /// A redirection proves that nothing ran, and the library has learned the new layout when it reports that a slot
    /// has moved. While a slot is migrating (ASK), the second attempt is redirected, too; there is no third one.
    async fn send(&self, command: &Command) -> Result<Answer, CallError> {
        let mut result = self.send_once(command).await;
        if matches!(result, Err(Unanswered::Redirected)) && (self.may_repeat)() {
            result = self.send_once(command).await;
        }
        result.or_else(|unanswered| match unanswered {
            Unanswered::Redirected => {
                Ok(Err(ServerError::parse("TRYAGAIN the slot is being moved to another node")))
            }
            Unanswered::Late => Err(self.late()),
            Unanswered::NotSent(said) => Err(CallError::NotSent(Why::Ended(said))),
            Unanswered::Ended(said) => Err(CallError::Indeterminate(Why::Ended(said))),
            Unanswered::Strange(kind) => Err(CallError::Indeterminate(Why::Strange(kind))),
        })
    }

    async fn send_once(&self, command: &Command) -> Result<Answer, Unanswered> {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        self.commands.send(command.name, command.key.as_ref(), &command.args, remaining).await
    }

    fn late(&self) -> CallError {
        CallError::Indeterminate(Why::Late(self.limit))
    }
}
