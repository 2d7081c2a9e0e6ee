//! Writes that wait at the same moment are sent together, and each has its own outcome.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use integration_tests::{Listener, Proxy, Server, calls, eventually_async};
use redis::{Connection, cmd};
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
use rmap_client::transport::{Transport, TransportError};
use rmap_proto::{
    Key, KeyOperation, MapName, Notification, Operation, Ttl, TtlMillis, Write, WriteError, WriteReply,
};

use super::support::{
    Paused, clients, connect, connected, disconnected, get, inc, map, must, run, set, tasks,
};

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

async fn behind_a_proxy() -> (Server, Proxy, Arc<RedisTransport>) {
    let server = Server::start();
    let proxy = Proxy::new(&server).await;
    let transport = RedisTransport::connect(RedisOptions::from_url(&proxy.url()).unwrap()).await.unwrap();
    connected(&transport).await;
    (server, proxy, transport)
}

/// One write alone and one group. A second group could be on its way to a connection that ends, and so not be sent.
fn keys() -> impl Iterator<Item = String> {
    (0..=32).map(|number| format!("key-{number}-is-in-it"))
}

#[tokio::test]
async fn when_the_reply_to_a_group_is_lost_all_its_writes_are_unknown_and_done_once() {
    let (_server, proxy, transport) = behind_a_proxy().await;
    at_once(&transport, (0..3).map(|_| inc("before"))).await;
    proxy.lose_reply("key-10-is-in-it");
    let outcomes = at_once(&transport, keys().map(|key| inc(&key))).await;
    // The first write may have been answered before the connection ended.
    for outcome in &outcomes[1..] {
        assert!(indeterminate(outcome), "{outcome:?}");
    }
    disconnected(&transport).await;
    connected(&transport).await;
    for key in keys() {
        assert_eq!(get(&transport, &map(), key.as_bytes()).await.unwrap(), "1");
    }
}

#[tokio::test]
async fn when_a_group_never_arrives_its_writes_are_unknown_and_not_sent_again() {
    let (_server, proxy, transport) = behind_a_proxy().await;
    at_once(&transport, (0..3).map(|_| inc("before"))).await;
    proxy.lose_request("key-10-is-in-it");
    let outcomes = at_once(&transport, keys().map(|key| inc(&key))).await;
    for outcome in &outcomes[1..] {
        assert!(indeterminate(outcome), "{outcome:?}");
    }
    disconnected(&transport).await;
    connected(&transport).await;
    for key in keys().skip(1) {
        assert_eq!(get(&transport, &map(), key.as_bytes()).await, None);
    }
}

/// Each write adds one to its own key, so that a repeated write or a wrong outcome shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_write_of_a_group_is_done_twice_while_connections_are_killed() {
    const KILLS: u64 = 10;
    const WRITES: u64 = 2000;
    let server = Server::start();
    let transport = connect(&server).await;
    connected(&transport).await;
    let done = Arc::new(AtomicBool::new(false));
    let committed = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (transport, done, committed) = (Arc::clone(&transport), done.clone(), committed.clone());
            tokio::spawn(async move {
                let mut told = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let key = format!("{caller}-{}", told.len());
                    let most = match run(&transport, &map(), inc(&key)).await {
                        Ok(written) => {
                            committed.fetch_add(1, Ordering::Relaxed);
                            assert_eq!(written.value.unwrap(), "1");
                            1..=1
                        }
                        Err(TransportError::Indeterminate(_)) => 0..=1,
                        Err(TransportError::NotSent(_)) => {
                            tokio::task::yield_now().await;
                            0..=0
                        }
                        Err(error) => panic!("{error}"),
                    };
                    told.push((key, most));
                }
                told
            })
        })
        .collect();
    let mut raw = server.connection();
    for kill in 1..=KILLS {
        let before = committed.load(Ordering::Relaxed);
        eventually_async("more writes", || committed.load(Ordering::Relaxed) > before + WRITES).await;
        let _: i64 = cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).query(&mut raw).unwrap();
        disconnected(&transport).await;
        assert_eq!(connected(&transport).await, kill + 1);
    }
    done.store(true, Ordering::Relaxed);
    let mut told = Vec::new();
    for caller in callers {
        told.extend(must(caller).await.unwrap());
    }
    let held: HashMap<String, String> = cmd("HGETALL").arg(&map().hash_key()[..]).query(&mut raw).unwrap();
    for (key, counted) in told {
        let value = held.get(&key).map_or(0, |value| value.parse().unwrap());
        assert!(counted.contains(&value), "{key}: {value} for {counted:?}");
    }
}

#[tokio::test]
async fn callers_that_go_away_disturb_no_other() {
    let server = Server::start();
    let transport = connect(&server).await;
    let before = tasks();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let transport = Arc::clone(&transport);
            tokio::spawn(async move { run(&transport, &map(), set(format!("k{caller}"), "v")).await })
        })
        .collect();
    let paused = Paused::new(&server);
    // One write alone and a group are in flight now, or nothing yet.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    for caller in callers.iter().skip(1).step_by(2) {
        caller.abort();
    }
    drop(paused);
    for (number, caller) in callers.into_iter().enumerate() {
        match must(caller).await {
            Ok(outcome) => assert!(outcome.unwrap().applied, "{number}"),
            Err(error) => assert!(error.is_cancelled() && number % 2 == 1),
        }
        let value = get(&transport, &map(), format!("k{number}").as_bytes()).await;
        assert!(number % 2 == 1 || value.unwrap() == "v");
    }
    eventually_async("the tasks to end", || tasks() == before).await;
}

/// Nobody needs the writes without their callers.
#[tokio::test]
async fn writes_whose_callers_went_away_before_they_were_sent_are_left_out() {
    let server = Server::start();
    let transport = connect(&server).await;
    let (transport, map) = (&transport, &map());
    let mut writes: Vec<_> = (0..CALLERS)
        .map(|number| Box::pin(async move { run(transport, map, inc(&format!("k{number}"))).await }))
        .collect();
    for write in &mut writes {
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(write.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    }
    // The task that sends the writes has not run yet.
    let kept: Vec<_> = writes.into_iter().enumerate().filter(|(number, _)| number % 2 == 0).collect();
    for (number, write) in kept {
        assert_eq!(must(write).await.unwrap().value.unwrap(), "1", "{number}");
    }
    for number in 0..CALLERS {
        let value = get(transport, map, format!("k{number}").as_bytes()).await;
        assert_eq!(value.is_some(), number % 2 == 0, "{number}");
    }
}

/// The server does not know the script of groups yet. The group is therefore sent again, after its caller has written a
/// second time.
#[tokio::test]
async fn a_write_whose_caller_went_away_does_not_come_after_its_next_one() {
    let server = Server::start();
    let transport = connect(&server).await;
    run(&transport, &map(), set("other", "0")).await.unwrap();
    let paused = Paused::new(&server);
    let start = |operation| {
        let transport = Arc::clone(&transport);
        tokio::spawn(async move { run(&transport, &map(), operation).await })
    };
    let [alone, left, kept] = [start(set("a", "0")), start(set("k", "1")), start(set("b", "0"))];
    turns().await;
    left.abort();
    turns().await;
    let next = start(set("k", "2"));
    turns().await;
    drop(paused);
    for write in [alone, kept, next] {
        must(write).await.unwrap().unwrap();
    }
    assert_eq!(get(&transport, &map(), b"k").await.unwrap(), "2");
}

/// Lets every task do what it can before the server answers.
async fn turns() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_group_that_is_not_answered_in_time_is_unknown() {
    let server = Server::start();
    let options = RedisOptions::from_url(&server.url()).unwrap().command_timeout(Duration::from_millis(200));
    let transport = RedisTransport::connect(options).await.unwrap();
    let paused = Paused::new(&server);
    let outcomes = at_once(&transport, (0..CALLERS).map(|_| inc("n"))).await;
    assert!(outcomes.iter().all(indeterminate), "{outcomes:?}");
    drop(paused);
}

#[tokio::test]
async fn while_the_server_is_away_nothing_is_sent() {
    let server = Server::start();
    let transport = connect(&server).await;
    connected(&transport).await;
    server.kill();
    disconnected(&transport).await;
    let outcomes = at_once(&transport, (0..CALLERS).map(|_| inc("n"))).await;
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Err(TransportError::NotSent(_)))),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn close_lets_a_group_under_way_end() {
    let server = Server::start();
    let mut raw = server.connection();
    let before = tasks();
    let transport = connect(&server).await;
    at_once(&transport, (0..3).map(|_| inc("n"))).await;
    let writes: Vec<_> = (0..CALLERS)
        .map(|_| {
            let transport = Arc::clone(&transport);
            tokio::spawn(async move { run(&transport, &map(), inc("n")).await })
        })
        .collect();
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    must(transport.close()).await;
    let mut counted = 3;
    for write in writes {
        match must(write).await.unwrap() {
            Ok(_) => counted += 1,
            Err(error) => assert!(matches!(error, TransportError::NotSent(_)), "{error}"),
        }
    }
    let n: u64 = cmd("HGET").arg(&map().hash_key()[..]).arg("n").query(&mut raw).unwrap();
    assert_eq!(n, counted);
    eventually_async("the connections to go", || clients(&mut raw) == 0).await;
    eventually_async("the tasks to end", || tasks() == before).await;
}

#[tokio::test]
async fn a_forgotten_group_script_is_run_once() {
    let server = Server::start();
    let mut raw = server.connection();
    let transport = connect(&server).await;
    for round in 0..10 {
        let () = cmd("SCRIPT").arg("FLUSH").query(&mut raw).unwrap();
        let outcomes = at_once(&transport, (0..10).map(|_| inc("n"))).await;
        let last = outcomes.into_iter().map(|outcome| outcome.unwrap().revision).max();
        assert!(last.is_some());
        assert_eq!(get(&transport, &map(), b"n").await.unwrap(), (10 * (round + 1)).to_string());
    }
}
