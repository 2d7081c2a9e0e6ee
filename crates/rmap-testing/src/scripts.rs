//! A bare connection to a real server, for tests of the Lua scripts without any client.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use bytes::Bytes;
use redis::{Cmd, Connection, ConnectionLike, RedisError, Value, cmd};
use rmap_proto::script::{self, Check, Invocation};
use rmap_proto::{
    Deadline, Expiry, Held, Key, MapName, Operation, Read, ReadReply, Reaped, Reply, Revoked, ServerError,
    Ttl, Write, WriteError, WriteReply,
};

use crate::Server;

/// Published after an operation. When it arrives, everything before it has arrived.
const FENCE: &str = "fence";

/// The key of the time that scripts follow.
const TIME: &str = "test:time";

/// One map on a real server: a connection that runs scripts, one for direct changes, and a subscriber.
pub struct Scripts {
    /// The map.
    pub map: MapName,
    /// Runs the scripts. A test may log it in as another user.
    pub connection: Connection,
    /// Changes the hash directly.
    pub behind: Connection,
    subscriber: Connection,
    hashes: HashMap<&'static str, String>,
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts").field("map", &self.map).finish_non_exhaustive()
    }
}

impl Scripts {
    /// A fresh map of this name, with subscriptions to its channel and to the private channel of the nonce `test`.
    pub fn new(server: &Server, name: &str) -> Self {
        let mut scripts = Self::connect(server, name);
        scripts.delete_hash();
        scripts
    }

    /// New connections to the existing map. The scripts are loaded again.
    pub fn connect(server: &Server, name: &str) -> Self {
        let client = server.client();
        let mut connection = client.get_connection().unwrap();
        let hashes = load(&mut connection, str::to_owned);
        let map = MapName::new(name).unwrap();
        let mut subscriber = client.get_connection().unwrap();
        let channels = [
            map.updates_channel(),
            map.sync_channel("test"),
            map.shared_channel(),
            Bytes::from_static(FENCE.as_bytes()),
        ];
        for channel in &channels {
            subscriber.send_packed_command(&cmd("SUBSCRIBE").arg(&channel[..]).get_packed_command()).unwrap();
            subscriber.recv_response().unwrap();
        }
        let behind = client.get_connection().unwrap();
        Self { map, connection, behind, subscriber, hashes }
    }

    /// Fixes the scripts' view of the server's clock from now on, in milliseconds since the Unix epoch.
    pub fn set_clock(&mut self, millis: i64) {
        let (seconds, micros) = (millis.div_euclid(1000), millis.rem_euclid(1000) * 1000);
        let time = format!("{{'{seconds}', '{micros}'}}");
        self.hashes = load(&mut self.connection, |source| source.replace("redis.pcall('TIME')", &time));
    }

    /// Makes the scripts read the time that [`set_time`](Self::set_time) sets, instead of the server's clock.
    pub fn follow_time(&mut self) {
        let time = format!("redis.pcall('LRANGE', '{TIME}', '0', '1')");
        self.hashes = load(&mut self.connection, |source| source.replace("redis.pcall('TIME')", &time));
    }

    /// Sets the time of scripts that [follow](Self::follow_time) it, in milliseconds since the Unix epoch.
    pub fn set_time(&mut self, millis: u64) {
        let (seconds, micros) = ((millis / 1000).to_string(), (millis % 1000 * 1000).to_string());
        self.command(&["DEL", TIME]);
        self.command(&["RPUSH", TIME, &seconds, &micros]);
    }

    /// Runs a write the way a transport does.
    pub fn write(&mut self, write: &Write) -> Result<WriteReply, WriteError> {
        let invocation = script::write(&self.map, write)?;
        let reply = self.run(&invocation).map_err(WriteError::from_server)?;
        Ok(script::decode_written(reply).unwrap())
    }

    /// Runs writes as one group the way a transport does. Returns the outcome of each, or the error of the group.
    pub fn group(
        &mut self,
        ttl: Ttl,
        operations: &[Operation],
    ) -> Result<Vec<Result<WriteReply, WriteError>>, WriteError> {
        let operations: Vec<_> = operations.iter().collect();
        let invocation = script::write_group(&self.map, ttl, &operations).unwrap();
        let reply = self.run(&invocation).map_err(WriteError::from_server)?;
        Ok(script::decode_group(&operations, reply).unwrap())
    }

    /// Does what [`group`](Self::group) does, for a map that may have leases.
    pub fn group_leased(
        &mut self,
        ttl: Ttl,
        operations: &[Operation],
    ) -> Result<Vec<Result<WriteReply, WriteError>>, WriteError> {
        let operations: Vec<_> = operations.iter().collect();
        let invocation = script::write_group_leased(&self.map, ttl, &operations).unwrap().unwrap();
        let reply = self.run(&invocation).map_err(WriteError::from_server)?;
        Ok(script::decode_group(&operations, reply).unwrap())
    }

    /// Makes the sidecars of the map.
    pub fn start_leases(&mut self) -> Result<(), WriteError> {
        let invocation = script::start_leases(&self.map)?;
        self.run(&invocation).map(drop).map_err(WriteError::from_server)
    }

    /// Deletes the keys whose leases have run out.
    pub fn reap(&mut self, ttl: Ttl) -> Result<Reaped, WriteError> {
        let invocation = script::reap(&self.map, ttl)?;
        let reply = self.run(&invocation).map_err(WriteError::from_server)?;
        Ok(script::decode_reaped(reply).unwrap())
    }

    /// Renews leases. Returns the keys that are held no more.
    pub fn renew(&mut self, expiry: Expiry, leases: &[Held]) -> Result<Vec<Bytes>, WriteError> {
        let invocation = script::renew(&self.map, expiry, leases)?;
        let reply = self.run(&invocation).map_err(WriteError::from_server)?;
        Ok(script::decode_renewed(reply).unwrap())
    }

    /// Deletes the keys that are held with these fences.
    pub fn revoke(&mut self, ttl: Ttl, leases: &[Held]) -> Result<Revoked, WriteError> {
        let invocation = script::revoke(&self.map, ttl, leases)?;
        let reply = self.run(&invocation).map_err(WriteError::from_server)?;
        Ok(script::decode_revoked(reply).unwrap())
    }

    /// The deadline of a key's lease.
    pub fn expires_at(&mut self, key: &Key) -> Result<Option<Deadline>, WriteError> {
        let invocation = script::expires_at(&self.map, key)?;
        let reply = self.run(&invocation).map_err(WriteError::from_server)?;
        Ok(script::decode_expires_at(reply).unwrap())
    }

    /// Runs the check for a handle that asks for leases.
    pub fn check_leases(&mut self) -> Result<Check, ServerError> {
        let invocation = script::check_leases(&self.map).unwrap();
        self.run(&invocation).map(|reply| script::decode_check(reply).unwrap())
    }

    /// The records of the leases, as the sidecar has them.
    pub fn side(&mut self) -> BTreeMap<Bytes, Bytes> {
        let key = self.map.sidecars().unwrap().side;
        let fields: BTreeMap<Vec<u8>, Vec<u8>> =
            cmd("HGETALL").arg(&key[..]).query(&mut self.behind).unwrap();
        fields.into_iter().map(|(field, value)| (field.into(), value.into())).collect()
    }

    /// The deadlines of the leases, as the sidecar has them, without the member that keeps it from vanishing.
    ///
    /// # Panics
    ///
    /// When the sidecar exists without that member.
    pub fn deadlines(&mut self) -> Option<BTreeMap<Bytes, u64>> {
        let key = self.map.sidecars().unwrap().leases;
        let members: Vec<(Vec<u8>, f64)> =
            cmd("ZRANGE").arg(&key[..]).arg(&["0", "-1", "WITHSCORES"]).query(&mut self.behind).unwrap();
        let (last, members) = members.split_last()?;
        assert_eq!(*last, (b"=on".to_vec(), f64::INFINITY));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole milliseconds")]
        let whole = |(key, at): &(Vec<u8>, f64)| (Bytes::copy_from_slice(key), *at as u64);
        Some(members.iter().map(whole).collect())
    }

    /// The SHA-1 of a value in hexadecimal, as scripts compute it.
    pub fn sha1(&mut self, value: &[u8]) -> String {
        cmd("EVAL").arg("return redis.sha1hex(ARGV[1])").arg(0).arg(value).query(&mut self.behind).unwrap()
    }

    /// Deletes the sidecars directly.
    pub fn delete_sidecars(&mut self, side: bool, leases: bool) {
        let keys = self.map.sidecars().unwrap();
        for key in [side.then_some(keys.side), leases.then_some(keys.leases)].into_iter().flatten() {
            cmd("DEL").arg(&key[..]).exec(&mut self.behind).unwrap();
        }
    }

    /// The SHA-1 of each script, by which the server knows it.
    pub fn hashes(&self) -> &HashMap<&'static str, String> {
        &self.hashes
    }

    /// Runs a read the way a transport does.
    pub fn read(&mut self, read: &Read) -> Result<ReadReply, WriteError> {
        let reply = self.run(&script::read(&self.map, read)).map_err(WriteError::from_server)?;
        Ok(script::decode_read(read, reply).unwrap())
    }

    /// Runs the check of version, rights and type.
    pub fn check(&mut self) -> Result<Check, ServerError> {
        self.run(&script::check(&self.map)).map(|reply| script::decode_check(reply).unwrap())
    }

    /// Runs an invocation. Returns the server's own reply.
    pub fn run(&mut self, invocation: &Invocation) -> Result<Reply, ServerError> {
        let mut command = Cmd::new();
        match invocation {
            Invocation::Script { script, key, sidecars, args } => {
                let keys =
                    [key].into_iter().chain(sidecars.iter().flat_map(|keys| [&keys.side, &keys.leases]));
                let keys: Vec<&[u8]> = keys.map(|key| &key[..]).collect();
                command.arg("EVALSHA").arg(&self.hashes[script.name()]).arg(keys.len()).arg(keys);
                for arg in args {
                    command.arg(&arg[..]);
                }
            }
            Invocation::Command { name, args } => {
                command.arg(*name);
                for arg in args {
                    command.arg(&arg[..]);
                }
            }
        }
        let answer = self.connection.req_packed_command(&command.get_packed_command());
        answer.and_then(Value::extract_error).map(reply).map_err(server_error)
    }

    /// Everything published since the last call, as channel and payload.
    pub fn messages(&mut self) -> Vec<(Bytes, Bytes)> {
        cmd("PUBLISH").arg(FENCE).arg("").exec(&mut self.behind).unwrap();
        let mut messages = Vec::new();
        loop {
            let message = self.subscriber.recv_response().unwrap();
            let (kind, channel, payload): (String, Vec<u8>, Vec<u8>) =
                redis::from_redis_value(message).unwrap();
            assert_eq!(kind, "message");
            let channel = Bytes::from(channel);
            if channel == FENCE {
                return messages;
            }
            messages.push((channel, payload.into()));
        }
    }

    /// The notifications published since the last call.
    pub fn notifications(&mut self) -> Vec<Vec<u8>> {
        let channel = self.map.updates_channel();
        self.messages().into_iter().filter(|message| message.0 == channel).map(|m| m.1.to_vec()).collect()
    }

    /// Fails if there was a notification since the last call.
    #[track_caller]
    pub fn expect_silence(&mut self, what: &str) {
        let published = self.notifications();
        assert!(published.is_empty(), "published {published:?}: {what}");
    }

    /// Makes the hash hold exactly these fields, without a time to live. Without fields there is no hash.
    pub fn given(&mut self, fields: &[(&str, &str)]) {
        self.delete_hash();
        for (field, value) in fields {
            self.hset(field, value);
        }
    }

    /// All fields of the hash.
    pub fn hash(&mut self) -> BTreeMap<Bytes, Bytes> {
        let fields: BTreeMap<Vec<u8>, Vec<u8>> = self.on_hash("HGETALL").query(&mut self.behind).unwrap();
        fields.into_iter().map(|(field, value)| (field.into(), value.into())).collect()
    }

    /// The remaining time to live in milliseconds, -1 without, -2 without a hash.
    pub fn pttl(&mut self) -> i64 {
        self.on_hash("PTTL").query(&mut self.behind).unwrap()
    }

    /// The time at which the hash expires, in milliseconds since the Unix epoch. -1 and -2 as for `pttl`.
    pub fn deadline(&mut self) -> i64 {
        self.on_hash("PEXPIRETIME").query(&mut self.behind).unwrap()
    }

    /// Sets a field directly.
    pub fn hset(&mut self, field: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.on_hash("HSET").arg(field.as_ref()).arg(value.as_ref()).exec(&mut self.behind).unwrap();
    }

    /// Deletes a field directly.
    pub fn hdel(&mut self, field: impl AsRef<[u8]>) {
        self.on_hash("HDEL").arg(field.as_ref()).exec(&mut self.behind).unwrap();
    }

    /// Deletes the hash directly.
    pub fn delete_hash(&mut self) {
        self.on_hash("DEL").exec(&mut self.behind).unwrap();
    }

    /// Sets the time to live directly.
    pub fn expire(&mut self, millis: u64) {
        self.on_hash("PEXPIRE").arg(millis).exec(&mut self.behind).unwrap();
    }

    /// Removes the time to live directly.
    pub fn persist(&mut self) {
        self.on_hash("PERSIST").exec(&mut self.behind).unwrap();
    }

    /// The server's clock, in milliseconds.
    pub fn time(&mut self) -> u64 {
        let (seconds, micros): (u64, u64) = cmd("TIME").query(&mut self.behind).unwrap();
        seconds * 1000 + micros / 1000
    }

    /// Runs a command directly.
    pub fn command(&mut self, words: &[&str]) {
        let mut command = Cmd::new();
        command.arg(words).exec(&mut self.behind).unwrap();
    }

    /// Runs the scripts as a user with these rights from now on.
    pub fn log_in(&mut self, rights: &[&str]) {
        self.command(&[&["ACL", "SETUSER", "tester", "reset", "on", "nopass"], rights].concat());
        cmd("AUTH").arg("tester").arg("any").exec(&mut self.connection).unwrap();
    }

    /// A command whose first argument is the Redis key of the hash.
    fn on_hash(&self, name: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(&self.map.hash_key()[..]);
        command
    }
}

/// Loads the scripts, each with a change of its source. Returns their hashes.
fn load(
    connection: &mut Connection,
    change: impl Fn(&'static str) -> String,
) -> HashMap<&'static str, String> {
    let load = |script: &&script::Script| {
        let hash = cmd("SCRIPT").arg("LOAD").arg(change(script.source())).query(connection).unwrap();
        (script.name(), hash)
    };
    script::ALL.iter().map(load).collect()
}

fn reply(value: Value) -> Reply {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what RESP2 does not have fails the test")]
    match value {
        Value::Nil => Reply::Nil,
        Value::Int(integer) => Reply::Integer(integer),
        Value::BulkString(bytes) => Reply::Bytes(bytes.into()),
        Value::SimpleString(text) => Reply::Bytes(text.into()),
        Value::Array(values) => Reply::Array(values.into_iter().map(reply).collect()),
        other => panic!("unexpected reply {other:?}"),
    }
}

fn server_error(error: RedisError) -> ServerError {
    let code = error.code().expect("the connection holds");
    ServerError::parse(&format!("{code} {}", error.detail().unwrap_or_default()))
}
