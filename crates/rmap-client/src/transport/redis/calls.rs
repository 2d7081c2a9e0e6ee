//! Requests on the current pair of connections.

use std::sync::Arc;
use std::time::Duration;

use rmap_proto::error_code::Server;
use rmap_proto::script::{self, Invocation};
use rmap_proto::{MapName, Operation, Reply, ReplyError, Ttl, Write, WriteError, WriteReply};
use tokio::sync::{mpsc, watch};

use super::super::group::SendWrites;
use super::super::{Cause, TransportError};
use super::commands::{self, MayRepeat};
use super::failure::{CallError, Why};
use super::loss::Loss;
use super::pair::Pair;
use super::supervisor::{Control, PairState};

/// Longest wait for a pair to be given up after one of its connections has ended.
const SOON: Duration = Duration::from_millis(100);

/// Longest wait for a read while its connections live. The map gives up a read long before; this limit only ends a
/// read that would hang for ever.
const READ_LIMIT: Duration = Duration::from_secs(3600);

/// Makes requests. It keeps neither the transport open nor a pair of connections alive.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    pub(super) state: watch::Receiver<PairState>,
    pub(super) control: mpsc::WeakUnboundedSender<Control>,
    /// Time limit of a write.
    pub(super) limit: Duration,
}

impl Calls {
    /// The current pair of connections.
    pub(super) fn pair(&self) -> Result<Arc<Pair>, TransportError> {
        match &*self.state.borrow() {
            PairState::Connected { pair, .. } => Ok(Arc::clone(pair)),
            PairState::Disconnected { reason } => {
                Err(TransportError::NotSent(Cause::NotConnected { reason: reason.to_string() }))
            }
            PairState::Closed => Err(TransportError::NotSent(Cause::Closed)),
        }
    }

    /// Runs a script that changes nothing. The caller decides how long to wait.
    pub(super) async fn read(&self, pair: &Pair, invocation: Invocation) -> Result<Reply, TransportError> {
        self.call(pair, invocation, READ_LIMIT, &|| true).await
    }

    async fn call(
        &self,
        pair: &Pair,
        invocation: Invocation,
        limit: Duration,
        may_repeat: MayRepeat<'_>,
    ) -> Result<Reply, TransportError> {
        let call = commands::invoke(pair.commands(), invocation, limit, may_repeat);
        let result = answered(pair, call).await;
        if matches!(result, Ok(_) | Err(TransportError::Authority(_))) {
            pair.count_reply();
        }
        // Checked only now, because our scripts may wrap the error of one of their commands.
        if let Err(TransportError::Authority(WriteError::Rejected(error))) = &result
            && error.known().is_some_and(|code| code.server() == Server::NoMaster)
        {
            self.replace(pair.number(), Loss::NoMaster(error.clone()));
        }
        result
    }

    /// Asks the supervisor to replace the pair with this number, if it is still the current one.
    pub(super) fn replace(&self, number: u64, loss: Loss) {
        // Sending fails only when the transport was dropped or the supervisor has ended, and then there is no pair to
        // replace.
        if let Some(control) = self.control.upgrade() {
            let _ = control.send(Control::Replace { number, loss });
        }
    }
}

impl SendWrites for Calls {
    async fn send(&self, map: &MapName, write: &Write) -> Result<WriteReply, TransportError> {
        let invocation = script::write(map, write)?;
        let reply = self.call(&*self.pair()?, invocation, self.limit, &|| true).await?;
        script::decode_written(reply).map_err(unexpected)
    }

    async fn send_group(
        &self,
        map: &MapName,
        ttl: Ttl,
        operations: &[&Operation],
        may_repeat: MayRepeat<'_>,
    ) -> Result<Vec<Result<WriteReply, WriteError>>, TransportError> {
        let invocation = script::write_group(map, ttl, operations);
        let invocation =
            invocation.ok_or_else(|| TransportError::NotSent(Cause::Other("not for a group".to_owned())))?;
        let reply = self.call(&*self.pair()?, invocation, self.limit, may_repeat).await?;
        script::decode_group(operations, reply).map_err(unexpected)
    }

    fn limit(&self) -> Duration {
        self.limit
    }
}

/// Waits for an answer until one of the pair's connections ends.
pub(super) async fn answered<T>(
    pair: &Pair,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, TransportError> {
    let error = tokio::select! {
        biased;
        result = call => match result {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        },
        reason = pair.given_up() => return Err(TransportError::Indeterminate(Cause::ConnectionLost { reason })),
    };
    Err(match error {
        CallError::Server(error) => TransportError::Authority(WriteError::from_server(error)),
        CallError::NotSent(why) => TransportError::NotSent(explained(pair, why).await),
        CallError::Indeterminate(why) => TransportError::Indeterminate(explained(pair, why).await),
    })
}

/// Adds the address and the reason to a failure. A connection that ended ends its pair, and the pair knows the
/// reason.
async fn explained(pair: &Pair, why: Why) -> Cause {
    let address = pair.address();
    match why {
        Why::Late(limit) => Cause::TimedOut { address: Some(address.to_owned()), limit },
        Why::Strange(kind) => {
            Cause::UnexpectedReply { problem: format!("the server at {address} answered with {kind}") }
        }
        Why::Ended(said) => {
            let known = tokio::time::timeout(SOON, pair.given_up()).await;
            let reason = known.unwrap_or_else(|_| format!("the connection to {address} failed: {said}"));
            Cause::ConnectionLost { reason }
        }
    }
}

/// A reply that our scripts never give.
pub(super) fn unexpected(error: ReplyError) -> TransportError {
    TransportError::Indeterminate(Cause::UnexpectedReply { problem: error.to_string() })
}
