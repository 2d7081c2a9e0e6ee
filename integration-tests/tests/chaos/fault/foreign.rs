//! Writes of a Go peer, without our scripts.

use std::time::Instant;

use fastrand::Rng;
use redis::{Cmd, Connection, cmd};

use super::{CHANNEL, HASH, Log};
use crate::ledger::{Action, Entry, Outcome};
use crate::writer::TEXTS;

/// Performs many `Set`s in one step, with keys that the ledger does not know.
const BULK: &str = r"
if redis.call('HEXISTS', KEYS[1], '=rev') == 0 then return false end
local revision
for number = 1, tonumber(ARGV[1]) do
    local key, value = 'x' .. number % 50, tostring(number)
    revision = redis.call('HINCRBY', KEYS[1], '=rev', 1)
    redis.call('HSET', KEYS[1], key, value, '=kind', 'set')
    local text = string.format('%.0f', revision)
    redis.call('PUBLISH', KEYS[2], struct.pack('c4<I4c0<I4c0<I4c0', 'set:', #key, key, #value, value, #text, text))
end
return revision";

/// Performs thousands of writes at once, so that the revision runs ahead of the clock. False without a hash to begin
/// with.
pub(super) fn bulk_load(raw: &mut Connection, log: &Log, random: &mut Rng) -> bool {
    let (started, count) = (Instant::now(), random.u64(500..5000));
    let last: Option<u64> =
        cmd("EVAL").arg(BULK).arg(2).arg(HASH).arg(CHANNEL).arg(count).query(raw).unwrap();
    let Some(revision) = last else { return false };
    log.write(Entry {
        key: "",
        action: Action::Bulk(count),
        started,
        ended: Instant::now(),
        outcome: Outcome::Committed { revision, before: None },
    });
    true
}

/// The first write of a life that a Go peer begins: its commands, and its entry in the ledger.
pub(super) fn first_write(random: &mut Rng) -> ([Cmd; 2], impl FnOnce() -> Entry + use<>) {
    let (key, value) = (TEXTS[random.usize(..TEXTS.len())], format!("go{}", random.u32(..)));
    let mut payload = b"set:".to_vec();
    for part in [key, &value, "1"] {
        payload.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        payload.extend(part.as_bytes());
    }
    let mut write = cmd("HSET");
    write.arg(HASH).arg(&[key, &value, "=rev", "1", "=kind", "set"]);
    let mut publish = cmd("PUBLISH");
    publish.arg(CHANNEL).arg(payload);
    let entry = move || {
        let now = Instant::now();
        let outcome = Outcome::Committed { revision: 1, before: None };
        Entry { key, action: Action::Set(value), started: now, ended: now, outcome }
    };
    ([write, publish], entry)
}
