//! Rights that are withdrawn while a map is live.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use integration_tests::{Server, calls, connections_made, eventually_async, must_end};
use rmap_client::Outcome;

use crate::support::{WRITES, agrees, client, join, live, refused, run, stored, write};

const RULES: &str = "user service on >secret ~* &* +@all\n";

#[tokio::test]
async fn without_the_right_to_publish_or_to_run_scripts_every_write_is_refused() {
    let server = Server::builder().aclfile(RULES).start();
    let mut raw = server.connection();
    let map = join(client(), server.url_for_user("service", "secret")).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    for right in ["publish", "evalsha"] {
        let before = stored(&mut raw);
        run(&mut raw, &["ACL", "SETUSER", "service", &format!("-{right}")]);
        for name in WRITES {
            // A condition that does not hold needs no missing right.
            match write(&map, name).await {
                Ok(applied) => assert!(!applied && right == "publish", "{name}"),
                // Within a script the refusal has no code of its own.
                error => assert!(["NOPERM", "ERR"].contains(&refused(error).as_str()), "{name}"),
            }
        }
        assert_eq!(stored(&mut raw), before);
        run(&mut raw, &["ACL", "SETUSER", "service", &format!("+{right}")]);
        agrees(&map, &mut raw).await;
    }
}

#[tokio::test]
async fn without_the_right_to_subscribe_a_lost_subscription_waits_for_it() {
    let server = Server::builder().aclfile(RULES).start();
    let mut raw = server.connection();
    let map = join(client(), server.url_for_user("service", "secret")).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    run(&mut raw, &["ACL", "SETUSER", "service", "-subscribe"]);
    // An existing subscription stays.
    must_end(map.set_and_wait("a", "2")).await.unwrap();
    run(&mut raw, &["CLIENT", "KILL", "TYPE", "pubsub"]);
    eventually_async("the map says why", || {
        let status = map.status();
        !status.is_live() && format!("{:?}", status.reason()).contains("NOPERM")
    })
    .await;
    run(&mut raw, &["HSET", crate::support::HASH, "a", "3"]);
    assert_eq!(map.get("a").unwrap(), "2");
    run(&mut raw, &["ACL", "SETUSER", "service", "+subscribe"]);
    live(&map).await;
    agrees(&map, &mut raw).await;
    assert_eq!(map.get("a").unwrap(), "3");
}

/// The server closes the connection that listens to a forbidden channel. After that the refusals cost nobody anything.
#[tokio::test]
async fn a_map_that_may_not_be_followed_leaves_the_others_alone() {
    let server = Server::builder().aclfile(RULES).start();
    let mut raw = server.connection();
    let client = must_end(client().connect(server.url_for_user("service", "secret"))).await.unwrap();
    let [healthy, flags] =
        [must_end(client.map("healthy").join()).await, must_end(client.map("flags").join()).await]
            .map(Result::unwrap);
    run(&mut raw, &["ACL", "SETUSER", "service", "resetchannels", "&map:healthy:*"]);
    eventually_async("the map says why", || flags.status().reason().to_string().contains("map:flags")).await;
    live(&healthy).await;
    // Only the check reads with HGET.
    let (connections, checks) = (connections_made(&mut raw), calls(&mut raw, "hget"));
    eventually_async("it has tried again", || calls(&mut raw, "hget") > checks + 1).await;
    assert_eq!(connections_made(&mut raw), connections);
    must_end(healthy.set_and_wait("a", "1")).await.unwrap();
    run(&mut raw, &["ACL", "SETUSER", "service", "allchannels"]);
    live(&flags).await;
    assert_eq!(connections_made(&mut raw), connections);
}

/// A write that loses a right while it runs is whole or leaves no trace. The hash equals the published changes, and
/// each committed count is in it, once.
#[tokio::test]
async fn rights_that_go_while_writes_run_leave_no_write_half_done() {
    const CALLERS: usize = 4;
    const ROUNDS: usize = 40;
    let server = Server::builder().aclfile(RULES).start();
    let mut raw = server.connection();
    let map = join(client(), server.url_for_user("service", "secret")).await;
    let reader = join(client(), server.url()).await;
    let (mut committed, attempts) = (0, Arc::new(AtomicUsize::new(0)));
    for right in ["hset", "hdel", "publish", "hmget", "pexpire"] {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (map, attempts) = (map.clone(), Arc::clone(&attempts));
                tokio::spawn(async move {
                    let (mut committed, own) = (0, format!("own-{caller}"));
                    for _ in 0..ROUNDS {
                        let outcomes = [
                            map.inc("n", 1).await.map(|_| committed += 1),
                            map.set(&own, "1").await.map(|_| ()),
                            map.append_values("l", [&own]).await.map(|_| ()),
                            map.delete(&own).await.map(|_| ()),
                            map.remove_values("l", [&own]).await.map(|_| ()),
                            map.batch().set(&own, "2").delete("l").inc("n", 0).commit().await.map(|_| ()),
                        ];
                        for error in outcomes.into_iter().filter_map(Result::err) {
                            assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}");
                        }
                        attempts.fetch_add(1, Ordering::Relaxed);
                    }
                    committed
                })
            })
            .collect();
        let so_far = attempts.load(Ordering::Relaxed);
        let reached = |count| move |attempts: &AtomicUsize| attempts.load(Ordering::Relaxed) > so_far + count;
        let (some, more) = (reached(5), reached(CALLERS * ROUNDS / 2));
        eventually_async("some are done", || some(&attempts)).await;
        run(&mut raw, &["ACL", "SETUSER", "service", &format!("-{right}")]);
        eventually_async("more are tried", || more(&attempts)).await;
        run(&mut raw, &["ACL", "SETUSER", "service", &format!("+{right}")]);
        for caller in callers {
            committed += must_end(caller).await.unwrap();
        }
        agrees(&map, &mut raw).await;
        agrees(&reader, &mut raw).await;
        assert_eq!(stored(&mut raw)["n"], committed.to_string(), "without {right}");
    }
}
