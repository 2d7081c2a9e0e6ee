//! One client is two connections, however many maps.

use integration_tests::{Server, eventually_async, must_end};

use crate::support::{channels, clients, connect, join, nothing_is_left};

#[tokio::test]
async fn all_maps_of_a_client_share_two_connections() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = connect(server.url()).await;
    assert_eq!(clients(&mut raw), 2);
    let mut maps = Vec::new();
    for number in 0..100 {
        maps.push(must_end(client.map(format!("map-{number}")).join()).await.unwrap());
        if number < 2 {
            assert_eq!(clients(&mut raw), 2);
        }
    }
    for map in &maps {
        must_end(map.set_and_wait("name", map.name().as_bytes())).await.unwrap();
    }
    assert!(maps.iter().all(|map| map.get("name").unwrap() == map.name().as_bytes()));
    assert_eq!((clients(&mut raw), channels(&mut raw).len()), (2, 200));

    maps.truncate(1);
    eventually_async("one map's channels are left", || channels(&mut raw).len() == 2).await;
    must_end(maps[0].set_and_wait("a", "1")).await.unwrap();
    assert_eq!(clients(&mut raw), 2);
    drop((maps, client));
    nothing_is_left(&mut raw).await;
}

#[tokio::test]
async fn a_map_joined_twice_is_two_replicas_on_the_same_connections() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = connect(server.url()).await;
    let first = must_end(client.map("flags").join()).await.unwrap();
    let second = must_end(client.map("flags").join()).await.unwrap();
    assert_eq!((clients(&mut raw), channels(&mut raw).len()), (2, 3));
    first.close().await;
    assert_eq!(channels(&mut raw).len(), 2);
    must_end(second.set_and_wait("a", "1")).await.unwrap();
    assert_eq!((first.get("a"), second.get("a").unwrap()), (None, "1".into()));
}

#[tokio::test]
async fn clients_share_nothing() {
    let server = Server::start();
    let mut raw = server.connection();
    let (first, second) = (join(&server).await, join(&server).await);
    assert_eq!(clients(&mut raw), 4);
    drop(first);
    eventually_async("one client's connections are left", || clients(&mut raw) == 2).await;
    must_end(second.set_and_wait("a", "1")).await.unwrap();
}
