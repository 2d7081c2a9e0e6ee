//! A service that starts while its server is away.

use integration_tests::{Server, eventually_async, must_end};
use redis::cmd;
use rmap_client::{Client, Error};

#[tokio::test]
async fn a_client_and_a_map_are_there_before_their_server() {
    let server = Server::start();
    let url = server.url();
    server.kill();
    let client = Client::builder().connect_in_background(&url).unwrap();
    let map = client.map("flags").join_in_background().unwrap();
    assert!(!client.stats().connected && !map.status().is_live());
    let why = || map.status().reason().to_string();
    eventually_async("the reason is told", || why().starts_with("no server answered at ")).await;
    assert!(matches!(must_end(map.set("key", "value")).await, Err(Error::NotSent { .. })));
    assert!(must_end(client.map("flags").join()).await.is_err());
    assert!(Client::builder().connect_in_background("http://127.0.0.1").is_err());

    server.restart();
    eventually_async("the map is live", || map.status().is_live()).await;
    must_end(map.set_and_wait("key", "value")).await.unwrap();
    assert_eq!(client.stats().reconnects, 0);
    must_end(client.close()).await;
}

#[tokio::test]
async fn a_client_without_a_server_can_be_closed() {
    let server = Server::start();
    let url = server.url();
    server.kill();
    let client = Client::builder().connect_in_background(&url).unwrap();
    let map = client.map("flags").join_in_background().unwrap();
    must_end(client.close()).await;
    assert!(map.is_closed());
}

/// The cause of the failure is repaired meanwhile.
#[tokio::test]
async fn a_map_that_cannot_be_joined_says_why_and_tries_again() {
    let server = Server::start();
    let mut raw = server.connection();
    cmd("SET").arg("map:flags:content").arg("no hash").exec(&mut raw).unwrap();
    let client = Client::builder().connect_in_background(server.url()).unwrap();
    let map = client.map("flags").join_in_background().unwrap();
    eventually_async("the reason is told", || map.status().reason().to_string().contains("hash")).await;
    assert!(!map.status().is_live());
    cmd("DEL").arg("map:flags:content").exec(&mut raw).unwrap();
    eventually_async("the map is live", || map.status().is_live()).await;
    must_end(client.close()).await;
}
