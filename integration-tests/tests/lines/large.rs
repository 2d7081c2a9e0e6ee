//! Large values over a slow line.

use integration_tests::{Line, Proxy, Server, must_end};

use crate::support::{Crossed, connect, fill, follows, impatient, writer};

const LARGEST: usize = 16 << 20;

/// Size of a value that keeps the server busy for a tenth of a second. The largest values take a second on a busy
/// computer.
const LARGE: usize = 4 << 20;

/// The value takes 8 s, and the client sees nothing of it before it has arrived as a whole.
#[tokio::test]
async fn the_largest_value_arrives() {
    let (server, line) = (Server::start(), Line::new(2_000_000));
    let mut raw = server.connection();
    let bytes = fill(&mut raw, "flags", 1, LARGEST) + fill(&mut raw, "flags", 100, 1_000);
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    let map = must_end(connect(impatient(), proxy.url()).await.map("flags").join()).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(bytes);
    let crossed = Crossed::since_now(&line);
    proxy.cut(None);
    must_end(writer.set("after", "1")).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(bytes);
}

/// Marks and answers to PING wait behind the notification of a large value.
#[tokio::test]
async fn a_large_notification_is_no_silence() {
    let (server, line) = (Server::start(), Line::new(500_000));
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    let map = must_end(connect(impatient(), proxy.url()).await.map("flags").join()).await.unwrap();
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    must_end(writer.set("large", vec![b'x'; LARGE])).await.unwrap();
    must_end(map.wait_for(writer.revision())).await.unwrap();
    must_end(map.sync()).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(LARGE as u64);
    assert_eq!(map.status().resyncs(), 0);
}

#[tokio::test]
async fn a_large_map_is_scanned_once() {
    let (server, line) = (Server::start(), Line::new(500_000));
    let bytes = fill(&mut server.connection(), "flags", 4_000, 1_000);
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    let map = must_end(connect(impatient(), proxy.url()).await.map("flags").join()).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(bytes);
    let crossed = Crossed::since_now(&line);
    proxy.cut(None);
    must_end(writer.set("after", "1")).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(bytes);
}

/// The answer to a subscription of another map of the client waits, too.
#[tokio::test]
async fn a_join_waits_behind_a_large_notification_of_another_map() {
    let (server, line) = (Server::start(), Line::new(500_000));
    let (proxy, writer) = (Proxy::new(&server).await, writer(&server, "flags").await);
    let client = connect(impatient(), proxy.url()).await;
    let map = must_end(client.map("flags").join()).await.unwrap();
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    must_end(writer.set("large", vec![b'x'; LARGE])).await.unwrap();
    let other = must_end(client.map("other").join()).await.unwrap();
    follows(&map, &writer).await;
    crossed.assert_once(LARGE as u64);
    assert_eq!((other.len(), map.status().resyncs()), (0, 0));
}
