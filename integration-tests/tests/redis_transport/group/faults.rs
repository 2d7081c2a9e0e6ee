//! Groups while connections, callers and servers fail.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use integration_tests::{Proxy, Server, eventually_async};
use redis::cmd;
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
use rmap_client::transport::{Transport, TransportError};

use super::super::support::{
    Paused, clients, connect, connected, disconnected, get, inc, map, must, run, set, tasks,
};
use super::{CALLERS, at_once, indeterminate};

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
