//! A kept map on a real server.

use integration_tests::{Server, eventually_async, must_end};
use redis::cmd;
use rmap_client::{Error, Phase, WhenLost};

use crate::support::{connect, stored};

#[tokio::test]
async fn an_emptied_server_does_not_empty_a_map_that_keeps() {
    let server = Server::start();
    let client = connect(server.url()).await;
    let keeps = must_end(client.map("flags").when_lost(WhenLost::Keep).join()).await.unwrap();
    let follows = must_end(client.map("flags").join()).await.unwrap();
    for key in ["a", "b"] {
        must_end(keeps.set_and_wait(key, "1")).await.unwrap();
    }
    cmd("FLUSHALL").exec(&mut server.connection()).unwrap();
    eventually_async("one is kept, one is empty", || {
        keeps.status().phase() == Phase::Kept && follows.is_empty()
    })
    .await;
    assert_eq!(keeps.len(), 2);
    assert!(matches!(must_end(keeps.sync()).await, Err(Error::Kept { .. })));

    // Across a restart of the empty server, too.
    server.restart();
    let reconnected = || client.stats().reconnects == 1 && keeps.status().phase() == Phase::Kept;
    eventually_async("it is kept again", reconnected).await;
    assert_eq!((keeps.len(), stored(&mut server.connection()).len()), (2, 0));

    must_end(follows.set("b", "2")).await.unwrap();
    eventually_async("it follows the first write", || keeps.status().is_live() && keeps.len() == 1).await;
    assert_eq!(keeps.get("b").unwrap(), "2");
    must_end(keeps.sync()).await.unwrap();
}
