//! A peer that behaves like Pulse: its writes, its time to live, its way of following a map. It is written from the
//! recorded traces, and tested against them.

mod lists;
mod replica;
mod scripts;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use integration_tests::{Server, eventually};
use redis::{Connection, cmd};

pub(crate) use self::replica::Kind;
use self::replica::Replica;
use crate::call::{Call, Outcome, Refusal};
use crate::raw::Hash;

/// The peer's rule for the time to live of the hash.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ttl {
    None,
    Absolute { seconds: u64 },
    Sliding { seconds: u64 },
}

/// A process that joined a map with Pulse, or behaves as if it had.
pub(crate) struct Peer {
    name: String,
    ttl: Ttl,
    commands: Mutex<Connection>,
    replica: Arc<Mutex<Replica>>,
    /// The channel on which [`caught_up`](Self::caught_up) publishes.
    fence: String,
    fences: AtomicU64,
    closed: AtomicBool,
}

/// The reply of its scripts: a flag, the value before, the value now, the revision or nothing.
type Reply = (bool, Option<Vec<u8>>, Option<Vec<u8>>, String);

impl Peer {
    pub(crate) fn join(server: &Server, name: &str, ttl: Ttl) -> Result<Self, Refusal> {
        let forbidden = |character| matches!(character, ' ' | '\0' | '*' | '?' | '[' | ']');
        if name.is_empty() || name.chars().count() > 512 || name.contains(forbidden) {
            return Err(Refusal::BadName);
        }
        let mut commands = server.connection();
        let id: u64 = cmd("CLIENT").arg("ID").query(&mut commands).unwrap();
        let fence = format!("pulse-test-fence-{id}");
        let replica = replica::follow(server, format!("map:{name}:updates"), fence.clone());
        let hash: Hash = cmd("HGETALL").arg(format!("map:{name}:content")).query(&mut commands).unwrap();
        let peer = Self {
            name: name.to_owned(),
            ttl,
            commands: Mutex::new(commands),
            replica,
            fence,
            fences: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        };
        peer.replica().start(hash);
        Ok(peer)
    }

    /// Its copy of the map.
    pub(crate) fn content(&self) -> Hash {
        self.replica().content.clone()
    }

    /// The revision of its copy, or 0 if it never saw one.
    pub(crate) fn revision(&self) -> u64 {
        self.replica().revision
    }

    /// Its events since the last call, one for each applied notification.
    pub(crate) fn take_events(&self) -> Vec<Kind> {
        std::mem::take(&mut self.replica().events)
    }

    /// The payloads that it could not read.
    pub(crate) fn unreadable(&self) -> Vec<Vec<u8>> {
        self.replica().unreadable.clone()
    }

    /// Stops following the map. The copy stays.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.replica().stopped = true;
    }

    /// Waits until it has seen everything that was published before.
    pub(crate) fn caught_up(&self) {
        let fence = self.fences.fetch_add(1, Ordering::Relaxed) + 1;
        let publish = cmd("PUBLISH").arg(&self.fence).arg(fence).to_owned();
        let receivers: u64 = publish.query(&mut *self.commands()).unwrap();
        assert_eq!(receivers, 1, "the peer's subscription was lost");
        eventually("the peer has caught up", || self.replica().fence >= fence);
    }

    pub(crate) fn call(&self, call: &Call) -> Result<Outcome, Refusal> {
        for key in keys(call) {
            check_key(key)?;
        }
        if let Call::TestAndReset { keys, tests } = call
            && keys.len() != tests.len()
        {
            return Err(Refusal::LengthsDiffer);
        }
        let outlives_close = matches!(call, Call::Reset | Call::Destroy);
        if self.closed.load(Ordering::Relaxed) && !outlives_close {
            return Err(Refusal::Closed);
        }
        let (script, arguments) = scripts::of(call);
        let replied = self.run(&script, &arguments);
        let (flag, previous, value, revision) = replied.map_err(|error| refusal(call, &error))?;
        self.renew_ttl();
        // Go cannot read a revision with an exponent.
        if !revision.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::Exhausted);
        }
        Ok(match call {
            Call::Set { .. } | Call::Delete { .. } => Outcome::Previous(previous),
            Call::SetIfNotExists { .. } | Call::TestAndReset { .. } => Outcome::Applied(flag),
            Call::TestAndSet { .. } | Call::TestAndDelete { .. } => {
                Outcome::Attempt { previous, applied: flag }
            }
            Call::Inc { .. } => Outcome::Sum(std::str::from_utf8(&value.unwrap()).unwrap().parse().unwrap()),
            Call::Append { .. } | Call::AppendUnique { .. } => Outcome::List(lists::read(value)),
            Call::Remove { .. } => Outcome::Removed { list: lists::read(value), removed: flag },
            Call::Reset | Call::Destroy => Outcome::Done,
        })
    }

    /// The peer passes the channel as a key, too.
    fn run(&self, script: &str, arguments: &[Vec<u8>]) -> redis::RedisResult<Reply> {
        let mut command = cmd("EVAL");
        command.arg(script).arg(2);
        command.arg(format!("map:{}:content", self.name)).arg(format!("map:{}:updates", self.name));
        command.arg(arguments).query(&mut *self.commands())
    }

    /// Sends a separate command after the write, whether the write applied or not, in whole seconds.
    fn renew_ttl(&self) {
        let key = format!("map:{}:content", self.name);
        let mut command = cmd("EXPIRE");
        match self.ttl {
            Ttl::None => return,
            Ttl::Absolute { seconds } => command.arg(key).arg(seconds).arg("NX"),
            Ttl::Sliding { seconds } => command.arg(key).arg(seconds),
        };
        let _set: bool = command.query(&mut *self.commands()).unwrap();
    }

    fn commands(&self) -> MutexGuard<'_, Connection> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replica(&self) -> MutexGuard<'_, Replica> {
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keys(call: &Call) -> Vec<&[u8]> {
    match call {
        Call::Set { key, .. }
        | Call::SetIfNotExists { key, .. }
        | Call::TestAndSet { key, .. }
        | Call::Delete { key }
        | Call::TestAndDelete { key, .. }
        | Call::Inc { key, .. }
        | Call::Append { key, .. }
        | Call::AppendUnique { key, .. }
        | Call::Remove { key, .. } => vec![key],
        Call::TestAndReset { keys, .. } => keys.iter().map(|key| &key[..]).collect(),
        Call::Reset | Call::Destroy => Vec::new(),
    }
}

fn check_key(key: &[u8]) -> Result<(), Refusal> {
    if key.is_empty() {
        Err(Refusal::EmptyKey)
    } else if key.contains(&b'=') {
        Err(Refusal::ReservedKey)
    } else {
        Ok(())
    }
}

fn refusal(call: &Call, error: &redis::RedisError) -> Refusal {
    let text = error.to_string();
    let is_inc = matches!(call, Call::Inc { .. });
    if text.contains("overflow") {
        Refusal::Overflow
    } else if text.contains("not an integer") {
        if is_inc { Refusal::NotAnInteger } else { Refusal::CorruptRevision }
    } else {
        panic!("the peer's script failed: {text}")
    }
}
