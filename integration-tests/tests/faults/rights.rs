//! Rights that are taken away while a map is live.

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};

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

/// The refusal costs all maps their connection once, and no more.
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
    let connections = |raw: &mut Connection| counter(raw, "stats", "total_connections_received:");
    // Only the check reads this way.
    let checks = |raw: &mut Connection| counter(raw, "commandstats", "cmdstat_hget:calls=");
    let before = (connections(&mut raw), checks(&mut raw));
    eventually_async("it has tried again", || checks(&mut raw) > before.1 + 1).await;
    assert_eq!(connections(&mut raw), before.0);
    must_end(healthy.set_and_wait("a", "1")).await.unwrap();
    run(&mut raw, &["ACL", "SETUSER", "service", "allchannels"]);
    live(&flags).await;
    assert_eq!(connections(&mut raw), before.0);
}

fn counter(raw: &mut Connection, section: &str, name: &str) -> u64 {
    let info: String = cmd("INFO").arg(section).query(raw).unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.split(',').next().unwrap().parse().unwrap()
}
