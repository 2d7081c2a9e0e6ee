//! Writes that wait at the same moment are sent together, and each has its own outcome.

mod faults;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use integration_tests::{Listener, Server, calls};
use redis::{Connection, cmd};
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
use rmap_client::transport::{Transport, TransportError};
use rmap_proto::{
    Key, KeyOperation, MapName, Notification, Operation, Ttl, TtlMillis, Write, WriteError, WriteReply,
};

use super::support::{connect, connected, disconnected, get, inc, map, must, run, set};

type Outcome = Result<WriteReply, TransportError>;

/// Number of writes that wait at the same moment.
const CALLERS: usize = 64;

fn delete(key: &str) -> Operation {
    Operation::Key(KeyOperation::Delete { key: Key::new(key).unwrap() })
}

/// Performs writes at the same moment, each in its own task. Returns their outcomes in the same order.
async fn at_once(
    transport: &Arc<RedisTransport>,
    operations: impl IntoIterator<Item = Operation>,
) -> Vec<Outcome> {
    let map = map();
    let writes: Vec<_> = operations
        .into_iter()
        .map(|operation| {
            let (transport, map) = (Arc::clone(transport), map.clone());
            tokio::spawn(async move { run(&transport, &map, operation).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for write in writes {
        outcomes.push(must(write).await.unwrap());
    }
    outcomes
}

/// Number of EVALSHA calls since the last look.
fn scripts(raw: &mut Connection) -> u64 {
    let scripts = calls(raw, "evalsha");
    let () = cmd("CONFIG").arg("RESETSTAT").query(raw).unwrap();
    scripts
}

fn rejected(outcome: &Outcome) -> &str {
    match outcome {
        Err(TransportError::Authority(WriteError::Rejected(error))) => &error.code,
        other => panic!("{other:?} is no rejection"),
    }
}

fn indeterminate(outcome: &Outcome) -> bool {
    matches!(outcome, Err(TransportError::Indeterminate(_)))
}

#[tokio::test]
async fn a_write_goes_alone_at_once_and_the_rest_together() {
    let server = Server::start();
    let mut raw = server.connection();
    let transport = connect(&server).await;
    // The server learns the scripts.
    at_once(&transport, (0..3).map(|_| inc("n"))).await;
    scripts(&mut raw);
    let outcomes = at_once(&transport, (0..CALLERS).map(|_| inc("n"))).await;
    // A group has at most 32 writes.
    assert_eq!(scripts(&mut raw), 3);
    let sums: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap().value.unwrap()).collect();
    let expected: Vec<_> = (4..4 + CALLERS).map(|sum| Bytes::from(sum.to_string())).collect();
    assert_eq!(sums, expected);
    for _ in 0..10 {
        run(&transport, &map(), inc("n")).await.unwrap();
    }
    assert_eq!(scripts(&mut raw), 10);
}

/// Handles with other times to live and other maps are not mixed. Large writes and list operations go alone.
#[tokio::test]
async fn only_what_belongs_together_is_grouped() {
    let server = Server::start();
    let mut raw = server.connection();
    let transport = connect(&server).await;
    let sliding = Ttl::Sliding(TtlMillis::new(Duration::from_secs(1000)).unwrap());
    let list = Operation::Key(KeyOperation::AppendValues {
        key: Key::new("l").unwrap(),
        items: vec!["x".to_owned()],
    });
    let kinds: [(&str, Ttl, Operation); 5] = [
        ("colours", Ttl::None, set("k", "v")),
        ("colours", sliding, set("k", "v")),
        ("shapes", Ttl::None, set("k", "v")),
        ("colours", Ttl::None, set("large", vec![b'x'; 1 << 20])),
        ("colours", Ttl::None, list),
    ];
    for round in 0..2 {
        let mut writes = Vec::new();
        for (name, ttl, operation) in &kinds {
            for _ in 0..4 {
                let transport = Arc::clone(&transport);
                let map = MapName::new(name).unwrap();
                let write = Write::new(operation.clone(), *ttl);
                writes.push(tokio::spawn(async move { transport.write(map, write).await }));
            }
        }
        for write in writes {
            assert!(must(write).await.unwrap().unwrap().applied);
        }
        // One write of each of the first three kinds goes alone, and three go together. Every other write goes alone.
        let count = scripts(&mut raw);
        assert!(round == 0 || count == 3 * 2 + 2 * 4, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_outcome_is_exact() {
    const ROUNDS: usize = 50;
    let server = Server::start();
    let mut raw = server.connection();
    let listener = Listener::new(&server, map().updates_channel());
    let transport = connect(&server).await;
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let transport = Arc::clone(&transport);
            tokio::spawn(async move {
                let (own, mut told) = (format!("own-{caller}"), Vec::new());
                for round in 0..ROUNDS {
                    let count = run(&transport, &map(), inc("n")).await.unwrap();
                    let before = (round > 0).then(|| Bytes::from((round - 1).to_string()));
                    let own = run(&transport, &map(), set(&own, round.to_string())).await.unwrap();
                    assert_eq!(own.previous, before);
                    assert!(own.revision > count.revision);
                    told.push((count, own));
                }
                (own, told)
            })
        })
        .collect();
    // The publication of each revision, by the outcome of its write.
    let mut changes = Vec::new();
    let mut sums = BTreeSet::new();
    for caller in callers {
        let (own, told) = must(caller).await.unwrap();
        for (round, (count, set)) in told.into_iter().enumerate() {
            let sum = count.value.unwrap();
            sums.insert(String::from_utf8(sum.to_vec()).unwrap().parse::<usize>().unwrap());
            changes.push((count.revision.unwrap(), "n".to_owned(), sum));
            changes.push((set.revision.unwrap(), own.clone(), round.to_string().into()));
        }
    }
    changes.sort();
    assert_eq!(sums, (1..=CALLERS * ROUNDS).collect());
    let published = listener.take();
    assert_eq!(published.len(), changes.len());
    for (payload, (revision, key, value)) in published.iter().zip(changes) {
        let notification = Notification::decode(payload).unwrap();
        assert_eq!(notification.revision, revision);
        let change = rmap_proto::Change::Set { key: key.as_bytes(), value: &value };
        assert_eq!(notification.change, change);
    }
    let scripts = scripts(&mut raw);
    assert!(scripts < (CALLERS * ROUNDS) as u64, "{scripts} scripts");
}

#[tokio::test]
async fn a_full_memory_refuses_only_what_needs_some() {
    let server = Server::start();
    let mut raw = server.connection();
    let transport = connect(&server).await;
    let full = |raw: &mut Connection, most: &str| {
        let () = cmd("CONFIG").arg(&["SET", "maxmemory", most]).query(raw).unwrap();
    };
    for key in ["a", "b"] {
        run(&transport, &map(), set(key, "v")).await.unwrap();
    }
    full(&mut raw, "1");
    let operations = [set("c", "v"), delete("a"), set("d", "v"), delete("missing"), delete("b"), inc("n")];
    let outcomes = at_once(&transport, operations).await;
    full(&mut raw, "0");
    for refused in [0, 2, 5] {
        assert_eq!(rejected(&outcomes[refused]), "OOM");
    }
    for applied in [1, 4] {
        let written = outcomes[applied].as_ref().unwrap();
        assert!(written.applied && written.previous.as_ref().unwrap() == "v");
    }
    assert!(!outcomes[3].as_ref().unwrap().applied);
    assert_eq!(get(&transport, &map(), b"a").await, None);
    assert_eq!(get(&transport, &map(), b"c").await, None);
}

#[tokio::test]
async fn a_missing_right_refuses_only_what_needs_it() {
    let server = Server::start();
    let mut raw = server.connection();
    let user = ["SETUSER", "alice", "reset", "on", ">pw", "~*", "&*", "+@all", "-hdel"];
    let () = cmd("ACL").arg(&user).query(&mut raw).unwrap();
    let options = RedisOptions::from_url(&server.url_for_user("alice", "pw")).unwrap();
    let transport = RedisTransport::connect(options).await.unwrap();
    let operations = [set("a", "1"), set("a", "2"), delete("a"), inc("n"), set("b", "1"), delete("missing")];
    let outcomes = at_once(&transport, operations).await;
    for applied in [0, 1, 3, 4] {
        assert!(outcomes[applied].as_ref().unwrap().applied);
    }
    rejected(&outcomes[2]);
    assert!(!outcomes[5].as_ref().unwrap().applied);
    assert_eq!(get(&transport, &map(), b"a").await.unwrap(), "2");
}

#[tokio::test]
async fn at_the_last_revision_each_write_has_its_own_verdict() {
    let server = Server::start();
    let mut raw = server.connection();
    let hash = map().hash_key();
    let () = cmd("HSET").arg(&hash[..]).arg(&["=rev", "99999999999996"]).query(&mut raw).unwrap();
    let transport = connect(&server).await;
    let outcomes = at_once(&transport, (0..6).map(|_| inc("n"))).await;
    let exhausted =
        |outcome: &Outcome| matches!(outcome, Err(TransportError::Authority(WriteError::RevisionsExhausted)));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert_eq!(outcomes.iter().filter(|outcome| exhausted(outcome)).count(), 3);
    assert_eq!(get(&transport, &map(), b"n").await.unwrap(), "3");
}

#[tokio::test]
async fn a_server_that_became_a_replica_refuses_all_and_is_left() {
    let server = Server::start();
    let mut raw = server.connection();
    let transport = connect(&server).await;
    connected(&transport).await;
    at_once(&transport, (0..3).map(|_| inc("n"))).await;
    run(&transport, &map(), delete("missing")).await.unwrap();
    scripts(&mut raw);
    let () = cmd("REPLICAOF").arg(&["127.0.0.1", "1"]).query(&mut raw).unwrap();
    // The first write, which goes alone, changes nothing.
    let operations = std::iter::once(delete("missing")).chain((1..20).map(|_| inc("n")));
    let outcomes = at_once(&transport, operations).await;
    assert!(!outcomes[0].as_ref().unwrap().applied);
    for outcome in &outcomes[1..] {
        assert_eq!(rejected(outcome), "READONLY");
    }
    assert_eq!(scripts(&mut raw), 2);
    disconnected(&transport).await;
    let () = cmd("REPLICAOF").arg(&["NO", "ONE"]).query(&mut raw).unwrap();
    connected(&transport).await;
    assert_eq!(run(&transport, &map(), inc("n")).await.unwrap().value.unwrap(), "4");
}
