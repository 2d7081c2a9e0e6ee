//! One client behind a slow line.

use std::time::Duration;

use integration_tests::{Direction, Line, Proxy, Server, Side, eventually_async, must_end};
use rmap_client::{Client, MapSettings, Phase};

use crate::support::{Crossed, connect, fill, follows, impatient, writer};

/// 900 keys of 1,000 bytes behind 200 kB/s take 4.5 s, longer than two default request timeouts.
#[tokio::test]
async fn a_cut_and_one_write_are_repaired_by_one_read() {
    let (server, line) = (Server::start(), Line::new(200_000));
    let bytes = fill(&mut server.connection(), "flags", 900, 1_000);
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    let map = must_end(connect(Client::builder(), proxy.url()).await.map("flags").join()).await.unwrap();
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    proxy.cut(None);
    must_end(writer.set("after", "1")).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(bytes);
}

/// The same map was joined over the line. Its rate is known, so the map is read in pages.
#[tokio::test]
async fn a_map_that_was_joined_over_a_slow_line_is_read_in_pages() {
    let (server, line) = (Server::start(), Line::new(200_000));
    let bytes = fill(&mut server.connection(), "flags", 900, 1_000);
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    let client = connect(Client::builder(), proxy.url()).await;
    let map = must_end(client.map("flags").join()).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(bytes);
    let mut statuses = map.status_changes();
    let crossed = Crossed::since_now(&line);
    proxy.cut(None);
    must_end(writer.set("after", "1")).await.unwrap();
    let scanned = async { while statuses.next().await.unwrap().scan().is_none() {} };
    must_end(scanned).await;
    follows(&map, &writer).await;
    crossed.assert_once(bytes);
}

/// The answers to PING wait behind the reply for longer than a connection may be silent. The next connection may be
/// silent twice as long.
#[tokio::test]
async fn a_full_line_is_no_silent_server() {
    let (server, line) = (Server::start(), Line::queueing(200_000));
    let bytes = fill(&mut server.connection(), "flags", 900, 1_000);
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    let map = must_end(connect(Client::builder(), proxy.url()).await.map("flags").join()).await.unwrap();
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    proxy.cut(None);
    must_end(writer.set("after", "1")).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_at_most(2 * bytes);
}

/// Neither the time limit of a write nor that of a join ends a read in progress.
#[tokio::test]
async fn a_join_takes_as_long_as_its_content() {
    let (server, line) = (Server::start(), Line::new(200_000));
    let bytes = fill(&mut server.connection(), "flags", 900, 1_000);
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    let map = must_end(connect(impatient(), proxy.url()).await.map("flags").join()).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(bytes);
}

#[tokio::test]
async fn the_status_says_that_an_answer_is_late() {
    let (server, line) = (Server::start(), Line::new(200_000));
    fill(&mut server.connection(), "flags", 900, 1_000);
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    let map = must_end(connect(impatient(), proxy.url()).await.map("flags").join()).await.unwrap();
    assert_eq!(map.status().late(), None);
    proxy.slow(&line);
    proxy.cut(None);
    must_end(writer.set("after", "1")).await.unwrap();
    eventually_async("the answer is late", || {
        map.status().late() > Some(Duration::from_millis(300)) && map.status().phase() == Phase::Resyncing
    })
    .await;
    assert!(map.status().to_string().contains("waiting for an answer for"), "{}", map.status());
    follows(&map, &writer).await;
    assert_eq!(map.status().late(), None);
}

/// The subscriber connection answers, and the command connection is silent. The pair is given up all the same.
#[tokio::test]
async fn a_dead_command_connection_is_found() {
    let server = Server::start();
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    let replica = MapSettings::default()
        .probe_interval(Duration::from_millis(100))
        .request_timeout(Duration::from_millis(100))
        .patience(Duration::from_millis(500));
    let client = Client::builder().maps(replica);
    let map = must_end(connect(client, proxy.url()).await.map("flags").join()).await.unwrap();
    let mut statuses = map.status_changes();
    for direction in [Direction::Requests, Direction::Replies] {
        proxy.stall(Side::Commands, direction);
        let given_up = async { while statuses.next().await.unwrap().phase() != Phase::Disconnected {} };
        must_end(given_up).await;
        proxy.heal();
        must_end(writer.set("after", "1")).await.unwrap();
        follows(&map, &writer).await;
    }
}

/// The reply arrives and the subscriber connection answers, but from another server. Only the missing mark shows that.
#[tokio::test]
async fn connections_to_two_servers_are_found_however_alive_they_are() {
    let (server, other) = (Server::start(), Server::start());
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    let replica = MapSettings::default().probe_interval(Duration::from_millis(100));
    let client = Client::builder().maps(replica);
    let map = must_end(connect(client, proxy.url()).await.map("flags").join()).await.unwrap();
    let mut statuses = map.status_changes();
    proxy.reroute(Side::Commands, &other);
    let given_up = async { while statuses.next().await.unwrap().phase() != Phase::Disconnected {} };
    must_end(given_up).await;
    proxy.reroute(None, &server);
    must_end(writer.set("after", "1")).await.unwrap();
    follows(&map, &writer).await;
}
