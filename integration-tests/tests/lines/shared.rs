//! Many replicas behind one line.

use integration_tests::{Line, Proxy, Server, must_end};
use rmap_client::{Client, Error};

use crate::support::{Crossed, connect, fill, follows, impatient, writer};

/// Twelve maps of 900 kB behind 2 MB/s take 5.4 s together.
#[tokio::test]
async fn replicas_that_share_a_line_read_the_map_once_each() {
    let (server, line) = (Server::start(), Line::new(2_000_000));
    let bytes = fill(&mut server.connection(), "flags", 900, 1_000);
    let writer = writer(&server, "flags").await;
    let (mut proxies, mut maps) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        let proxy = Proxy::new(&server).await;
        let client = connect(Client::builder(), proxy.url()).await;
        maps.push(must_end(client.map("flags").join()).await.unwrap());
        proxy.slow(&line);
        proxies.push(proxy);
    }
    let crossed = Crossed::since_now(&line);
    proxies.iter().for_each(|proxy| proxy.cut(None));
    must_end(writer.set("after", "1")).await.unwrap();
    for map in &maps {
        follows(map, &writer).await;
    }
    crossed.assert_once(12 * bytes);
}

/// Their replies come one after the other on one connection, the last long after its request.
#[tokio::test]
async fn the_maps_of_one_client_wait_for_each_other() {
    let (server, line) = (Server::start(), Line::new(1_000_000));
    let (proxy, mut raw) = (Proxy::new(&server).await, server.connection());
    let client = connect(impatient(), proxy.url()).await;
    let (mut maps, mut bytes) = (Vec::new(), 0);
    for number in 0..8 {
        let name = format!("flags {number}").replace(' ', "-");
        bytes += fill(&mut raw, &name, 900, 1_000);
        let writer = writer(&server, &name).await;
        maps.push((must_end(client.map(name).join()).await.unwrap(), writer));
    }
    proxy.slow(&line);
    let crossed = Crossed::since_now(&line);
    proxy.cut(None);
    for (_, writer) in &maps {
        must_end(writer.set("after", "1")).await.unwrap();
    }
    for (map, writer) in &maps {
        follows(map, writer).await;
    }
    crossed.assert_once(bytes);
    // The maps do not request their contents again, and another map can still join.
    proxy.cut(None);
    let _ = fill(&mut raw, "another", 10, 10);
    loop {
        // A join is refused while there is no connection.
        match must_end(client.map("another").join()).await {
            Ok(another) => break assert_eq!(another.len(), 10),
            Err(error) => {
                assert!(matches!(error, Error::NotSent { .. } | Error::NotJoined { .. }), "{error}");
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for (map, writer) in &maps {
        follows(map, writer).await;
    }
}
