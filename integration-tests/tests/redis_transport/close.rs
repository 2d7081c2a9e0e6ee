//! A closed transport leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::{Server, eventually_async};
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
use rmap_client::transport::{Event, Transport, TransportError};

use super::support::{
    Paused, channels, clients, connect, connected, disconnected, inc, map, must, run, tasks,
};

#[tokio::test]
async fn close_leaves_no_connection_and_no_task() {
    let server = Server::start();
    let mut raw = server.connection();
    let before = tasks();
    let transport = connect(&server).await;
    let map = map();
    connected(&transport).await;
    transport.subscribe(&channels(&map)).await.unwrap();
    run(&transport, &map, inc("n")).await.unwrap();
    // A write in flight gets its answer before the connection closes.
    let write = tokio::spawn({
        let (transport, map) = (Arc::clone(&transport), map.clone());
        async move { run(&transport, &map, inc("n")).await }
    });
    tokio::task::yield_now().await;
    must(transport.close()).await;
    match write.await.unwrap() {
        Ok(written) => assert_eq!(written.value.unwrap(), "2"),
        Err(error) => assert!(matches!(error, TransportError::NotSent(_)), "{error}"),
    }
    must(transport.close()).await;
    disconnected(&transport).await;
    assert_eq!(transport.next_event().await, Event::Closed);
    assert_eq!(transport.next_event().await, Event::Closed);
    let error = run(&transport, &map, inc("n")).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    eventually_async("the connections to go", || clients(&mut raw) == 0).await;
    eventually_async("the tasks to end", || tasks() == before).await;
}

#[tokio::test]
async fn dropping_the_transport_leaves_no_connection_and_no_task() {
    let server = Server::start();
    let mut raw = server.connection();
    let before = tasks();
    let transport = connect(&server).await;
    connected(&transport).await;
    assert_eq!(clients(&mut raw), 2);
    drop(transport);
    eventually_async("the connections to go", || clients(&mut raw) == 0).await;
    eventually_async("the tasks to end", || tasks() == before).await;
}

#[tokio::test]
async fn close_ends_whatever_state_the_server_is_in() {
    let before = tasks();
    let server = Server::start();
    let options =
        || RedisOptions::from_url(&server.url()).unwrap().command_timeout(Duration::from_millis(300));
    let frozen = RedisTransport::connect(options()).await.unwrap();
    let away = RedisTransport::connect(options()).await.unwrap();
    connected(&away).await;
    let paused = Paused::new(&server);
    let map = map();
    let write = tokio::spawn({
        let (transport, map) = (Arc::clone(&frozen), map.clone());
        async move { run(&transport, &map, inc("n")).await }
    });
    tokio::task::yield_now().await;
    must(frozen.close()).await;
    assert!(must(write).await.unwrap().is_err());
    drop(paused);
    server.kill();
    disconnected(&away).await;
    must(away.close()).await;
    eventually_async("the tasks to end", || tasks() == before).await;
}
