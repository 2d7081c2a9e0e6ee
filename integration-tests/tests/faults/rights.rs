//! Rights that are taken away while a map is live.

use integration_tests::{Server, calls, connections_made, eventually_async, must_end};

use crate::support::{WRITES, agrees, client, join, live, refused, run, stored, write};

const RULES: &str = "user service on >secret ~* &* +@all\n";

#[tokio::test]
async fn without_the_right_to_publish_or_to_run_scripts_every_write_is_refused() {
    let server = Server::builder().aclfile(RULES).start();
    let mut raw = server.connection();
    let map = join(client(server.url_for_user("service", "secret"))).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    for right in ["publish", "evalsha"] {
        let before = stored(&mut raw);
        run(&mut raw, &["ACL", "SETUSER", "service", &format!("-{right}")]);
        for name in WRITES {
            // A condition that does not hold needs nothing of what is missing.
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
    let map = join(client(server.url_for_user("service", "secret"))).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    run(&mut raw, &["ACL", "SETUSER", "service", "-subscribe"]);
    // What is subscribed stays so.
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

/// The server ends the connection that listens to what is forbidden now; after that the refusals cost nobody anything.
#[tokio::test]
async fn a_map_that_may_not_be_followed_leaves_the_others_alone() {
    let server = Server::builder().aclfile(RULES).start();
    let mut raw = server.connection();
    let client = must_end(client(server.url_for_user("service", "secret")).connect()).await.unwrap();
    let [healthy, flags] =
        [must_end(client.map("healthy").join()).await, must_end(client.map("flags").join()).await]
            .map(Result::unwrap);
    run(&mut raw, &["ACL", "SETUSER", "service", "resetchannels", "&map:healthy:*"]);
    eventually_async("the map says why", || flags.status().reason().to_string().contains("map:flags")).await;
    live(&healthy).await;
    // Only the check reads by HGET.
    let (connections, checks) = (connections_made(&mut raw), calls(&mut raw, "hget"));
    eventually_async("it has tried again", || calls(&mut raw, "hget") > checks + 1).await;
    assert_eq!(connections_made(&mut raw), connections);
    must_end(healthy.set_and_wait("a", "1")).await.unwrap();
    run(&mut raw, &["ACL", "SETUSER", "service", "allchannels"]);
    live(&flags).await;
    assert_eq!(connections_made(&mut raw), connections);
}
