//! The contract of the Lua scripts, on a real server and without any client: answers, published bytes, the hash, its
//! time to live, and refusals that leave no trace.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch;
mod check;
mod clock;
mod group;
mod lease_peers;
mod lease_refusals;
mod leases;
mod list_limits;
mod lists;
mod operations;
mod reads;
mod refusals;
mod rights;
mod time_to_live;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use rmap_proto::script::parse_fence;
use rmap_proto::{
    BatchOperation, Expiry, Key, KeyOperation, OnlyIf, Operation, Revision, Ttl, TtlMillis, Write,
    WriteError, WriteReply,
};

use integration_tests::Scripts;

fn key(key: &str) -> Key {
    Key::new(key).unwrap()
}

fn set(name: &str, value: &str) -> Operation {
    Operation::Key(KeyOperation::Set { key: key(name), value: bytes(value) })
}

fn inc(name: &str, delta: i64) -> Operation {
    Operation::Key(KeyOperation::Inc { key: key(name), delta })
}

fn delete(name: &str) -> Operation {
    Operation::Key(KeyOperation::Delete { key: key(name) })
}

/// A set that expires after this many milliseconds.
fn expiring(name: &str, value: &str, millis: u64) -> Operation {
    let expiry = Expiry::new(Duration::from_millis(millis)).unwrap();
    Operation::Key(KeyOperation::SetExpiring {
        key: key(name),
        value: bytes(value),
        expiry,
        only_if: OnlyIf::Any,
    })
}

/// A write of a handle that knows of the map's leases.
fn aware(operation: Operation) -> Write {
    plain(operation).leases(true)
}

/// Sets a key with a lease and returns the fence.
#[track_caller]
fn lease(scripts: &mut Scripts, name: &str, value: &str, millis: u64) -> u64 {
    let written = scripts.write(&plain(expiring(name, value, millis))).unwrap();
    parse_fence(&written.value.unwrap()).unwrap()
}

fn batch(steps: Vec<KeyOperation>) -> Operation {
    Operation::Batch(BatchOperation::new(Vec::new(), steps))
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

fn plain(operation: Operation) -> Write {
    Write::new(operation, Ttl::None)
}

fn absolute(operation: Operation) -> Write {
    Write::new(operation, Ttl::Absolute(TtlMillis::new(Duration::from_secs(100_000)).unwrap()))
}

fn sliding(operation: Operation) -> Write {
    Write::new(operation, Ttl::Sliding(TtlMillis::new(Duration::from_secs(300_000)).unwrap()))
}

fn hash(fields: &[(&str, &str)]) -> BTreeMap<Bytes, Bytes> {
    fields.iter().map(|(field, value)| (bytes(field), bytes(value))).collect()
}

fn applied(revision: u64, previous: Option<&str>, value: Option<&str>) -> Result<WriteReply, WriteError> {
    answer(true, Some(revision), previous, value)
}

fn not_applied(
    revision: Option<u64>,
    previous: Option<&str>,
    value: Option<&str>,
) -> Result<WriteReply, WriteError> {
    answer(false, revision, previous, value)
}

fn answer(
    applied: bool,
    revision: Option<u64>,
    previous: Option<&str>,
    value: Option<&str>,
) -> Result<WriteReply, WriteError> {
    let revision = revision.map(|number| Revision::new(number).unwrap());
    Ok(WriteReply::new(applied, revision).previous(previous.map(bytes)).value(value.map(bytes)))
}

/// One operation of each kind on the key `k`. Each applies when `k` holds `["5"]`, or `5` for `inc`.
fn every_operation() -> Vec<(&'static str, Operation)> {
    let list = r#"["5"]"#;
    let items = || texts(&["6"]);
    vec![
        (list, set("k", "new")),
        (list, Operation::Key(KeyOperation::SetIfNotExists { key: key("other"), value: bytes("new") })),
        (
            list,
            Operation::Key(KeyOperation::TestAndSet {
                key: key("k"),
                test: bytes(list),
                value: bytes("new"),
            }),
        ),
        (list, delete("k")),
        (list, Operation::Key(KeyOperation::TestAndDelete { key: key("k"), test: bytes(list) })),
        ("5", inc("k", 3)),
        (list, Operation::Key(KeyOperation::AppendValues { key: key("k"), items: items() })),
        (list, Operation::Key(KeyOperation::AppendUniqueValues { key: key("k"), items: items() })),
        (list, Operation::Key(KeyOperation::RemoveValues { key: key("k"), items: texts(&["5"]) })),
        (list, Operation::Reset),
        (list, Operation::TestAndReset { tests: vec![(key("k"), bytes(list))] }),
        (list, Operation::Destroy),
        (list, batch(vec![KeyOperation::Set { key: key("k"), value: bytes("new") }])),
    ]
}

/// The scripts that exist for leases alone.
const LEASE_SCRIPTS: &[&str] = &["set_expiring", "start_leases", "reap", "renew", "revoke", "expires_at"];

#[test]
fn every_operation_is_one_of_each() {
    let mut tried: Vec<_> = every_operation().iter().map(|(_, operation)| operation.name()).collect();
    tried.extend(["group", "probe", "snapshot", "check"]);
    tried.extend(LEASE_SCRIPTS);
    let twins = rmap_proto::script::ALL.iter().filter_map(|script| script.leased()).map(|twin| twin.name());
    tried.extend(twins);
    let mut all: Vec<_> = rmap_proto::script::ALL.iter().map(|script| script.name()).collect();
    tried.sort_unstable();
    all.sort_unstable();
    assert_eq!(tried, all);
}

/// True for an operation that can delete its key, for which the user needs the right to do so.
fn may_delete(operation: &KeyOperation) -> bool {
    match operation {
        KeyOperation::Delete { .. }
        | KeyOperation::TestAndDelete { .. }
        | KeyOperation::RemoveValues { .. } => true,
        KeyOperation::Set { .. }
        | KeyOperation::SetIfNotExists { .. }
        | KeyOperation::TestAndSet { .. }
        | KeyOperation::SetExpiring { .. }
        | KeyOperation::Inc { .. }
        | KeyOperation::AppendValues { .. }
        | KeyOperation::AppendUniqueValues { .. } => false,
    }
}

/// Runs a write on a hash and expects the answer, the published payloads, and the fields afterwards.
#[track_caller]
fn expect(
    scripts: &mut Scripts,
    given: &[(&str, &str)],
    operation: Operation,
    want: Result<WriteReply, WriteError>,
    published: &[&[u8]],
    fields: &[(&str, &str)],
) {
    scripts.given(given);
    let what = format!("{operation:?} on {given:?}");
    assert_eq!(scripts.write(&plain(operation)), want, "{what}");
    assert_eq!(scripts.notifications(), published, "{what}");
    assert_eq!(scripts.hash(), hash(fields), "{what}");
}

/// Runs a write that must change and publish nothing.
#[track_caller]
fn expect_unchanged(
    scripts: &mut Scripts,
    given: &[(&str, &str)],
    operation: Operation,
    want: Result<WriteReply, WriteError>,
) {
    expect(scripts, given, operation, want, &[], given);
}
